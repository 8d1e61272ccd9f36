/* engine/kern_avxvnni.c - the kernels for CPUs with AVX2 and AVX-VNNI, which
 * multiplies and adds four bytes in one step.  Same bits as kern_avx2.c. */
#include "engine/kern_avx2.h"

static inline VI vi_dot4(VI acc, VB w, const int8_t *x)
{
    __m256i v = four_bytes(x);

    return (VI){ _mm256_dpbusd_avx_epi32(acc.lo, w.lo, v),
                 _mm256_dpbusd_avx_epi32(acc.hi, w.hi, v) };
}

static inline VI vi_dot8_start(int32_t sum)
{
    return vi_set1(-128 * sum);
}

static inline VI vi_dot8(VI acc, VB w, const int8_t *x)
{
    return vi_dot4(acc, w, x);
}

static inline VI vi_dot7(VI acc, VB w, const int8_t *x)
{
    __m256i v = four_bytes(x);

    return (VI){ _mm256_dpbusd_avx_epi32(acc.lo, v, w.lo),
                 _mm256_dpbusd_avx_epi32(acc.hi, v, w.hi) };
}

#include "engine/kern_body.h"

const struct kern_table kern_avxvnni = KERN_FILL("avx2", KERN_AVX2);
