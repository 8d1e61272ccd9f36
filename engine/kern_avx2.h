/* engine/kern_avx2.h - the vector operations on two 8-lane registers (AVX2, FMA,
 * F16C), but for the integer products: kern_avx2.c and kern_avxvnni.c have
 * those.  What each operation means: kern_ref.c. */
#ifndef ENGINE_KERN_AVX2_H
#define ENGINE_KERN_AVX2_H

#include "engine/kern.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

struct avx2_vf { __m256 lo, hi; };
struct avx2_vi { __m256i lo, hi; };

#define VF struct avx2_vf
#define VI struct avx2_vi
#define VB struct avx2_vi
#define TILE_ROWS 4
#define TILE_QUERIES 4
#define TILE_BLOCKS 1
#define TILE_DIMS 1
#define TILE_MANY 1

#define BOTH(f, a, b) (VF){ f((a).lo, (b).lo), f((a).hi, (b).hi) }

static inline VF vf_set1(float a)
{
    return (VF){ _mm256_set1_ps(a), _mm256_set1_ps(a) };
}

static inline VF vf_zero(void)
{
    return (VF){ _mm256_setzero_ps(), _mm256_setzero_ps() };
}

static inline VF vf_load(const float *p)
{
    return (VF){ _mm256_loadu_ps(p), _mm256_loadu_ps(p + 8) };
}

static inline void vf_store(float *p, VF a)
{
    _mm256_storeu_ps(p, a.lo);
    _mm256_storeu_ps(p + 8, a.hi);
}

static inline __m128i load128(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline VF vf_f16(const uint16_t *p)
{
    return (VF){ _mm256_cvtph_ps(load128(p)), _mm256_cvtph_ps(load128(p + 8)) };
}

static inline __m256 bf16_half(const uint16_t *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(load128(p));

    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static inline VF vf_bf16(const uint16_t *p)
{
    return (VF){ bf16_half(p), bf16_half(p + 8) };
}

static inline void vf_store_f16(uint16_t *p, VF a)
{
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(a.lo, 0));
    _mm_storeu_si128((__m128i *)(void *)(p + 8), _mm256_cvtps_ph(a.hi, 0));
}

static inline VF vf_add(VF a, VF b) { return BOTH(_mm256_add_ps, a, b); }
static inline VF vf_sub(VF a, VF b) { return BOTH(_mm256_sub_ps, a, b); }
static inline VF vf_mul(VF a, VF b) { return BOTH(_mm256_mul_ps, a, b); }
static inline VF vf_div(VF a, VF b) { return BOTH(_mm256_div_ps, a, b); }
static inline VF vf_max(VF a, VF b) { return BOTH(_mm256_max_ps, a, b); }
static inline VF vf_min(VF a, VF b) { return BOTH(_mm256_min_ps, a, b); }

static inline VF vf_fma(VF a, VF b, VF c)
{
    return (VF){ _mm256_fmadd_ps(a.lo, b.lo, c.lo),
                 _mm256_fmadd_ps(a.hi, b.hi, c.hi) };
}

static inline VF vf_abs(VF a)
{
    __m256 sign = _mm256_set1_ps(-0.0f);

    return (VF){ _mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi) };
}

/* The bits of floats that are not negative are in the floats' order. */
static inline __m256 larger_half(__m256 a, __m256 b)
{
    return _mm256_castsi256_ps(_mm256_max_epi32(_mm256_castps_si256(a),
                                                _mm256_castps_si256(b)));
}

static inline VF vf_larger(VF a, VF b) { return BOTH(larger_half, a, b); }

#define NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

static inline VF vf_round(VF a)
{
    return (VF){ _mm256_round_ps(a.lo, NEAREST),
                 _mm256_round_ps(a.hi, NEAREST) };
}

static inline __m256 scale2_half(__m256 a, __m256 n)
{
    __m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));

    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(e, 23)));
}

static inline VF vf_scale2(VF a, VF n)
{
    return (VF){ scale2_half(a.lo, n.lo), scale2_half(a.hi, n.hi) };
}

static inline VF vf_keep(VF a, int n, VF b)
{
    __m256i i = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i lo = _mm256_cmpgt_epi32(_mm256_set1_epi32(n), i);
    __m256i hi = _mm256_cmpgt_epi32(_mm256_set1_epi32(n - 8), i);

    return (VF){ _mm256_blendv_ps(b.lo, a.lo, _mm256_castsi256_ps(lo)),
                 _mm256_blendv_ps(b.hi, a.hi, _mm256_castsi256_ps(hi)) };
}

/* All ones in the lanes whose bit is set. */
static inline __m256 lanes_of(unsigned bits)
{
    __m256i one = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i set = _mm256_and_si256(_mm256_set1_epi32((int)bits), one);

    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, one));
}

static inline VF vf_hide(VF a, unsigned bits, VF b)
{
    return (VF){ _mm256_blendv_ps(a.lo, b.lo, lanes_of(bits & 255u)),
                 _mm256_blendv_ps(a.hi, b.hi, lanes_of(bits >> 8)) };
}

static inline unsigned over_half(__m256 a, __m256 b)
{
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ));
}

static inline unsigned vf_over(VF a, VF b)
{
    return over_half(a.lo, b.lo) | over_half(a.hi, b.hi) << 8;
}

static inline VF vf_swap(VF a, int step)
{
    switch (step) {
    case 1:  return (VF){ _mm256_permute_ps(a.lo, _MM_SHUFFLE(2, 3, 0, 1)),
                          _mm256_permute_ps(a.hi, _MM_SHUFFLE(2, 3, 0, 1)) };
    case 2:  return (VF){ _mm256_permute_ps(a.lo, _MM_SHUFFLE(1, 0, 3, 2)),
                          _mm256_permute_ps(a.hi, _MM_SHUFFLE(1, 0, 3, 2)) };
    case 4:  return (VF){ _mm256_permute2f128_ps(a.lo, a.lo, 1),
                          _mm256_permute2f128_ps(a.hi, a.hi, 1) };
    default: return (VF){ a.hi, a.lo };
    }
}

static inline VF vf_evens(VF a, VF b)
{
    return (VF){ _mm256_shuffle_ps(a.lo, b.lo, _MM_SHUFFLE(2, 0, 2, 0)),
                 _mm256_shuffle_ps(a.hi, b.hi, _MM_SHUFFLE(2, 0, 2, 0)) };
}

static inline VF vf_odds(VF a, VF b)
{
    return (VF){ _mm256_shuffle_ps(a.lo, b.lo, _MM_SHUFFLE(3, 1, 3, 1)),
                 _mm256_shuffle_ps(a.hi, b.hi, _MM_SHUFFLE(3, 1, 3, 1)) };
}

static inline VF vf_int_bits(VF a)
{
    return (VF){ _mm256_castsi256_ps(_mm256_cvtps_epi32(a.lo)),
                 _mm256_castsi256_ps(_mm256_cvtps_epi32(a.hi)) };
}

static inline VF vf_from(VI a)
{
    return (VF){ _mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi) };
}

/* The low byte of each of eight integers. */
static inline void store_low_bytes(int8_t *p, __m256i v)
{
    const __m128i pick = _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1,
                                       -1, -1, -1, -1, -1, -1, -1, -1);
    __m128i lo = _mm_shuffle_epi8(_mm256_castsi256_si128(v), pick);
    __m128i hi = _mm_shuffle_epi8(_mm256_extracti128_si256(v, 1), pick);

    _mm_storel_epi64((__m128i *)(void *)p, _mm_unpacklo_epi32(lo, hi));
}

static inline void vf_store_i8(int8_t *p, VF a)
{
    store_low_bytes(p, _mm256_cvtps_epi32(a.lo));
    store_low_bytes(p + 8, _mm256_cvtps_epi32(a.hi));
}

static inline float vf_sum(VF a)
{
    __m256 s8 = _mm256_add_ps(a.lo, a.hi);
    __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8),
                           _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));

    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
}

static inline float vf_top(VF a)
{
    __m256 s8 = _mm256_max_ps(a.lo, a.hi);
    __m128 s4 = _mm_max_ps(_mm256_castps256_ps128(s8),
                           _mm256_extractf128_ps(s8, 1));
    __m128 s2 = _mm_max_ps(s4, _mm_movehl_ps(s4, s4));

    return _mm_cvtss_f32(_mm_max_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
}

static inline VI vi_set1(int32_t a)
{
    return (VI){ _mm256_set1_epi32(a), _mm256_set1_epi32(a) };
}

static inline VI vi_zero(void)
{
    return (VI){ _mm256_setzero_si256(), _mm256_setzero_si256() };
}

static inline VI vi_load(const void *p)
{
    const __m256i *from = p;

    return (VI){ _mm256_loadu_si256(from), _mm256_loadu_si256(from + 1) };
}

static inline void vi_store(void *p, VI a)
{
    __m256i *to = p;

    _mm256_storeu_si256(to, a.lo);
    _mm256_storeu_si256(to + 1, a.hi);
}

static inline VI vi_add(VI a, VI b)
{
    return (VI){ _mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi) };
}

static inline VB vb_load(const uint8_t *p) { return vi_load(p); }
static inline void vb_store(uint8_t *p, VB a) { vi_store(p, a); }

/* In runs of four: hi of lanes 0.., of 8.., lo of both, then of 4 lanes on.
 * Ties of hi: 127 is added to an even byte, 128 to an odd one. */
static inline __m256i split_half(VF a)
{
    __m256i q = _mm256_packs_epi32(_mm256_cvtps_epi32(a.lo),
                                   _mm256_cvtps_epi32(a.hi));
    __m256i odd = _mm256_and_si256(_mm256_srli_epi16(q, 8),
                                   _mm256_set1_epi16(1));
    __m256i up = _mm256_add_epi16(odd, _mm256_set1_epi16(127));
    __m256i hi = _mm256_srai_epi16(_mm256_add_epi16(q, up), 8);
    __m256i lo = _mm256_sub_epi16(q, _mm256_slli_epi16(hi, 8));

    lo = _mm256_max_epi16(lo, _mm256_set1_epi16(-127));
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(hi, lo),
                                       _mm256_setr_epi32(0, 4, 1, 5,
                                                         2, 6, 3, 7));
}

static inline VB vb_split(VF u, VF v)
{
    __m256i a = split_half(u), b = split_half(v);

    return (VB){ _mm256_permute2x128_si256(a, b, 0x20),
                 _mm256_permute2x128_si256(a, b, 0x31) };
}

static inline VB vb_low4(VB a)
{
    __m256i mask = _mm256_set1_epi8(15);

    return (VB){ _mm256_and_si256(a.lo, mask), _mm256_and_si256(a.hi, mask) };
}

static inline VB vb_high4(VB a)
{
    return vb_low4((VB){ _mm256_srli_epi16(a.lo, 4),
                         _mm256_srli_epi16(a.hi, 4) });
}

static inline __m256i four_bytes(const int8_t *x)
{
    int32_t four;

    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi32(four);
}

static inline VI vi_join(VI hi, VI lo)
{
    return (VI){ _mm256_add_epi32(lo.lo, _mm256_slli_epi32(hi.lo, 8)),
                 _mm256_add_epi32(lo.hi, _mm256_slli_epi32(hi.hi, 8)) };
}

#endif
