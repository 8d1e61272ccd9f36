/* engine/kern_avx2.c - the kernels for CPUs with AVX2, FMA and F16C, integer
 * products in 16-bit steps. */
#include "engine/kern_avx2.h"

/* Sums of neighbouring 16-bit pairs. */
static inline __m256i pairs(__m256i acc, __m256i p16)
{
    return _mm256_add_epi32(acc,
                            _mm256_madd_epi16(p16, _mm256_set1_epi16(1)));
}

/* u8 x s8 pairs reach 15 * 127 * 2, far inside 16 bits. */
static inline VI vi_dot4(VI acc, VB w, const int8_t *x)
{
    __m256i v = four_bytes(x);

    return (VI){ pairs(acc.lo, _mm256_maddubs_epi16(w.lo, v)),
                 pairs(acc.hi, _mm256_maddubs_epi16(w.hi, v)) };
}

/* Eight such pairs, 30,480, still fit: for several rows whole blocks are added
 * in 16 bits and made 32 bits wide once, and a weight is loaded once for all.
 * Unrolled over p, compilers load every activation first and spill them all. */
#define HAVE_DOT4_ROWS
static inline __attribute__((always_inline)) void
half_rows(const VB *w, const int high, const int8_t *q, const int nt,
          const int wide, __m256i *out)
{
    const __m256i one = _mm256_set1_epi16(1), hi_one = _mm256_set1_epi16(256);
    __m256i h[TILE_ROWS], l[TILE_ROWS];

#pragma GCC unroll 16
    for (int t = 0; t < nt; t++)
        h[t] = l[t] = _mm256_setzero_si256();
#pragma GCC unroll 1
    for (int p = 0; p < 8; p++) {
        const __m256i wp = high ? w[p].hi : w[p].lo;

#pragma GCC unroll 16
        for (int t = 0; t < nt; t++) {
            const int8_t *x = q + 2 * KERN_QBLOCK * t + 4 * p;

            h[t] = _mm256_add_epi16(h[t],
                                    _mm256_maddubs_epi16(wp, four_bytes(x)));
            if (wide)
                l[t] = _mm256_add_epi16(
                    l[t], _mm256_maddubs_epi16(wp, four_bytes(x +
                                                              KERN_QBLOCK)));
        }
    }
#pragma GCC unroll 16
    for (int t = 0; t < nt; t++) {
        out[t] = _mm256_madd_epi16(h[t], hi_one);
        if (wide)
            out[t] = _mm256_add_epi32(out[t], _mm256_madd_epi16(l[t], one));
    }
}

static inline __attribute__((always_inline)) void
vi_dot4_rows(const VB *w, const int8_t *q, const int nt, const int wide,
             VI *out)
{
    __m256i lo[TILE_ROWS], hi[TILE_ROWS];

    half_rows(w, 0, q, nt, wide, lo);
    half_rows(w, 1, q, nt, wide, hi);
#pragma GCC unroll 16
    for (int t = 0; t < nt; t++)
        out[t] = (VI){ lo[t], hi[t] };
}

/* Full u8 x s8 pairs would saturate 16 bits, so the bias comes off here and
 * the sign moves to x: |w| <= 128, pairs <= 128 * 127 * 2 < 32768. */
static inline VI vi_dot8_start(int32_t sum)
{
    (void)sum;
    return vi_zero();
}

static inline __m256i signed_pairs(__m256i w, __m256i x)
{
    w = _mm256_xor_si256(w, _mm256_set1_epi8(-128));
    return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}

static inline VI vi_dot8(VI acc, VB w, const int8_t *x)
{
    __m256i v = four_bytes(x);

    return (VI){ pairs(acc.lo, signed_pairs(w.lo, v)),
                 pairs(acc.hi, signed_pairs(w.hi, v)) };
}

/* u7 x s8 pairs reach 127 * 128 * 2 < 32768. */
static inline VI vi_dot7(VI acc, VB w, const int8_t *x)
{
    __m256i v = four_bytes(x);

    return (VI){ pairs(acc.lo, _mm256_maddubs_epi16(v, w.lo)),
                 pairs(acc.hi, _mm256_maddubs_epi16(v, w.hi)) };
}

#include "engine/kern_body.h"

const struct kern_table kern_avx2 = KERN_FILL("avx2", KERN_AVX2);
