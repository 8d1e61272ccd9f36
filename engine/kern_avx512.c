/* engine/kern_avx512.c - the kernels on one 16-lane register, integer products
 * by VNNI.  What each operation means: kern_ref.c. */
#include "engine/kern.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define VF __m512
#define VI __m512i
#define VB __m512i
#define TILE_ROWS 16        /* 16 sums + 8 weights + scale, minimum, product */
#define TILE_QUERIES 8
#define TILE_BLOCKS 4
#define TILE_DIMS 4
#define TILE_MANY 2

static inline VF vf_set1(float a) { return _mm512_set1_ps(a); }
static inline VF vf_zero(void) { return _mm512_setzero_ps(); }
static inline VF vf_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vf_store(float *p, VF a) { _mm512_storeu_ps(p, a); }
static inline VF vf_add(VF a, VF b) { return _mm512_add_ps(a, b); }
static inline VF vf_sub(VF a, VF b) { return _mm512_sub_ps(a, b); }
static inline VF vf_mul(VF a, VF b) { return _mm512_mul_ps(a, b); }
static inline VF vf_div(VF a, VF b) { return _mm512_div_ps(a, b); }
static inline VF vf_max(VF a, VF b) { return _mm512_max_ps(a, b); }
static inline VF vf_min(VF a, VF b) { return _mm512_min_ps(a, b); }
static inline VF vf_abs(VF a) { return _mm512_abs_ps(a); }
static inline VF vf_from(VI a) { return _mm512_cvtepi32_ps(a); }

static inline VF vf_int_bits(VF a)
{
    return _mm512_castsi512_ps(_mm512_cvtps_epi32(a));
}

static inline VF vf_fma(VF a, VF b, VF c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline __m256i load256(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline VF vf_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(load256(p));
}

static inline VF vf_bf16(const uint16_t *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(load256(p));

    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

static inline void vf_store_f16(uint16_t *p, VF a)
{
    _mm256_storeu_si256((__m256i *)(void *)p,
                        _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}

static inline void vf_store_i8(int8_t *p, VF a)
{
    _mm_storeu_si128((__m128i *)(void *)p,
                     _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a)));
}

static inline VF vf_round(VF a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT |
                                   _MM_FROUND_NO_EXC);
}

static inline VF vf_scale2(VF a, VF n)
{
    __m512i e = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));

    return _mm512_mul_ps(a, _mm512_castsi512_ps(_mm512_slli_epi32(e, 23)));
}

static inline VF vf_keep(VF a, int n, VF b)
{
    __mmask16 low = (__mmask16)((1u << n) - 1);

    return _mm512_mask_blend_ps(low, b, a);
}

static inline VF vf_hide(VF a, unsigned bits, VF b)
{
    return _mm512_mask_blend_ps((__mmask16)bits, a, b);
}

static inline unsigned vf_over(VF a, VF b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}

static inline VF vf_swap(VF a, int step)
{
    switch (step) {
    case 1:  return _mm512_permute_ps(a, _MM_SHUFFLE(2, 3, 0, 1));
    case 2:  return _mm512_permute_ps(a, _MM_SHUFFLE(1, 0, 3, 2));
    case 4:  return _mm512_shuffle_f32x4(a, a, _MM_SHUFFLE(2, 3, 0, 1));
    default: return _mm512_shuffle_f32x4(a, a, _MM_SHUFFLE(1, 0, 3, 2));
    }
}

/* The bits of floats that are not negative are in the floats' order. */
static inline VF vf_larger(VF a, VF b)
{
    return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a),
                                                _mm512_castps_si512(b)));
}

static inline VF vf_evens(VF a, VF b)
{
    return _mm512_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0));
}

static inline VF vf_odds(VF a, VF b)
{
    return _mm512_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1));
}

static inline __m256 upper(VF a)
{
    return _mm512_extractf32x8_ps(a, 1);
}

static inline float vf_sum(VF a)
{
    __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(a), upper(a));
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8),
                           _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));

    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
}

static inline float vf_top(VF a)
{
    __m256 s8 = _mm256_max_ps(_mm512_castps512_ps256(a), upper(a));
    __m128 s4 = _mm_max_ps(_mm256_castps256_ps128(s8),
                           _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_max_ps(s4, _mm_movehl_ps(s4, s4));

    return _mm_cvtss_f32(_mm_max_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
}

static inline VI vi_set1(int32_t a) { return _mm512_set1_epi32(a); }
static inline VI vi_zero(void) { return _mm512_setzero_si512(); }
static inline VI vi_load(const void *p) { return _mm512_loadu_si512(p); }
static inline void vi_store(void *p, VI a) { _mm512_storeu_si512(p, a); }
static inline VI vi_add(VI a, VI b) { return _mm512_add_epi32(a, b); }
static inline VB vb_load(const uint8_t *p) { return _mm512_loadu_si512(p); }

static inline void vb_store(uint8_t *p, VB a) { _mm512_storeu_si512(p, a); }

/* Ties of hi: 127 is added to an even byte, 128 to an odd one. */
static inline VB vb_split(VF u, VF v)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13,
                                            2, 6, 10, 14, 3, 7, 11, 15);
    __m512i q = _mm512_packs_epi32(_mm512_cvtps_epi32(u),
                                   _mm512_cvtps_epi32(v));
    __m512i odd = _mm512_and_si512(_mm512_srli_epi16(q, 8),
                                   _mm512_set1_epi16(1));
    __m512i up = _mm512_add_epi16(odd, _mm512_set1_epi16(127));
    __m512i hi = _mm512_srai_epi16(_mm512_add_epi16(q, up), 8);
    __m512i lo = _mm512_sub_epi16(q, _mm512_slli_epi16(hi, 8));

    lo = _mm512_max_epi16(lo, _mm512_set1_epi16(-127));
    return _mm512_permutexvar_epi32(order, _mm512_packs_epi16(hi, lo));
}

static inline VB vb_low4(VB a)
{
    return _mm512_and_si512(a, _mm512_set1_epi8(15));
}

static inline VB vb_high4(VB a)
{
    return vb_low4(_mm512_srli_epi16(a, 4));
}

static inline VI vi_dot4(VI acc, VB w, const int8_t *x)
{
    int32_t four;

    memcpy(&four, x, sizeof four);
    return _mm512_dpbusd_epi32(acc, w, _mm512_set1_epi32(four));
}

static inline VI vi_dot8_start(int32_t sum)
{
    return _mm512_set1_epi32(-128 * sum);
}

static inline VI vi_dot8(VI acc, VB w, const int8_t *x)
{
    return vi_dot4(acc, w, x);
}

static inline VI vi_dot7(VI acc, VB w, const int8_t *x)
{
    int32_t four;

    memcpy(&four, x, sizeof four);
    return _mm512_dpbusd_epi32(acc, _mm512_set1_epi32(four), w);
}

static inline VI vi_join(VI hi, VI lo)
{
    return _mm512_add_epi32(lo, _mm512_slli_epi32(hi, 8));
}

#include "engine/kern_body.h"

const struct kern_table kern_avx512 = KERN_FILL("avx512", KERN_AVX512);
