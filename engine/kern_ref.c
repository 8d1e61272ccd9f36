/* engine/kern_ref.c - the kernels on plain C floats: the definition that the
 * other ISAs are tested against, and the fallback for any machine. */
#include "engine/kern.h"

#include <math.h>
#include <string.h>

#include "engine/half.h"

struct ref_vf { float v[KERN_LANES]; };
struct ref_vi { int32_t v[KERN_LANES]; };
struct ref_vb { uint8_t v[4 * KERN_LANES]; };

#define VF struct ref_vf
#define VI struct ref_vi
#define VB struct ref_vb
#define TILE_ROWS 4
#define TILE_QUERIES 4
#define TILE_BLOCKS 1
#define TILE_DIMS 1
#define TILE_MANY 1
#define UNROLL

#define EACH_LANE(expr)                                                      \
    {                                                                        \
        VF r;                                                                \
                                                                             \
        for (int i = 0; i < KERN_LANES; i++)                                 \
            r.v[i] = (expr);                                                 \
        return r;                                                            \
    }

static inline VF vf_set1(float a) EACH_LANE(a)
static inline VF vf_zero(void) EACH_LANE(0.0f)
static inline VF vf_load(const float *p) EACH_LANE(p[i])
static inline VF vf_f16(const uint16_t *p) EACH_LANE(half_to_f32(p[i]))
static inline VF vf_bf16(const uint16_t *p) EACH_LANE(bfloat_to_f32(p[i]))
static inline VF vf_add(VF a, VF b) EACH_LANE(a.v[i] + b.v[i])
static inline VF vf_sub(VF a, VF b) EACH_LANE(a.v[i] - b.v[i])
static inline VF vf_mul(VF a, VF b) EACH_LANE(a.v[i] * b.v[i])
static inline VF vf_div(VF a, VF b) EACH_LANE(a.v[i] / b.v[i])
/* a * b + c, rounded once */
static inline VF vf_fma(VF a, VF b, VF c) EACH_LANE(fmaf(a.v[i], b.v[i], c.v[i]))
/* As on x86: the second operand where either is NaN. */
static inline VF vf_max(VF a, VF b) EACH_LANE(a.v[i] > b.v[i] ? a.v[i] : b.v[i])
static inline VF vf_min(VF a, VF b) EACH_LANE(a.v[i] < b.v[i] ? a.v[i] : b.v[i])
static inline VF vf_abs(VF a) EACH_LANE(fabsf(a.v[i]))
/* The larger of two that are not negative; NaN is the largest. */
static inline VF vf_larger(VF a, VF b)
    EACH_LANE(a.v[i] > b.v[i] || a.v[i] != a.v[i] ? a.v[i] : b.v[i])
/* To the nearest integer, ties to even. */
static inline VF vf_round(VF a) EACH_LANE(rintf(a.v[i]))
/* a * 2^n for integers -126 <= n <= 127. */
static inline VF vf_scale2(VF a, VF n)
    EACH_LANE(a.v[i] * half_bits((uint32_t)((int32_t)n.v[i] + 127) << 23))
/* Lanes below n from a, the others from b. */
static inline VF vf_keep(VF a, int n, VF b) EACH_LANE(i < n ? a.v[i] : b.v[i])
/* Lanes whose bit is set from b, the others from a. */
static inline VF vf_hide(VF a, unsigned bits, VF b)
    EACH_LANE(bits >> i & 1 ? b.v[i] : a.v[i])
/* Bit i: a's lane is over b's, neither NaN. */
static inline unsigned vf_over(VF a, VF b)
{
    unsigned bits = 0;

    for (int i = 0; i < KERN_LANES; i++)
        bits |= (unsigned)(a.v[i] > b.v[i]) << i;
    return bits;
}

/* Lane i from lane i ^ step, step 1, 2, 4 or 8. */
static inline VF vf_swap(VF a, int step) EACH_LANE(a.v[i ^ step])
/* In each run of four lanes: lanes 0 and 2 of a, then of b; lanes 1 and 3. */
static inline VF vf_evens(VF a, VF b)
    EACH_LANE((i & 2 ? b : a).v[(i & ~3) + 2 * (i & 1)])
static inline VF vf_odds(VF a, VF b)
    EACH_LANE((i & 2 ? b : a).v[(i & ~3) + 2 * (i & 1) + 1])
static inline VF vf_from(VI a) EACH_LANE((float)a.v[i])
/* The bits of whole numbers as int32. */
static inline VF vf_int_bits(VF a)
    EACH_LANE(half_bits((uint32_t)(int32_t)a.v[i]))

static inline void vf_store(float *p, VF a)
{
    memcpy(p, a.v, sizeof a.v);
}

static inline void vf_store_f16(uint16_t *p, VF a)
{
    for (int i = 0; i < KERN_LANES; i++)
        p[i] = half_from_f32(a.v[i]);
}

/* Integers in -127..127; NaN stores 0. */
static inline void vf_store_i8(int8_t *p, VF a)
{
    for (int i = 0; i < KERN_LANES; i++)
        p[i] = (int8_t)(a.v[i] == a.v[i] ? (int)a.v[i] : 0);
}

/* The tree: lane i + lane i+8, then +4, +2, +1. */
static inline float vf_sum(VF a)
{
    for (int half = KERN_LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            a.v[i] = a.v[i] + a.v[i + half];
    return a.v[0];
}

static inline float vf_top(VF a)
{
    for (int half = KERN_LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
    return a.v[0];
}

static inline VI vi_set1(int32_t a)
{
    VI r;

    for (int i = 0; i < KERN_LANES; i++)
        r.v[i] = a;
    return r;
}

static inline VI vi_zero(void)
{
    return vi_set1(0);
}

static inline VI vi_load(const void *p)
{
    VI r;

    memcpy(r.v, p, sizeof r.v);
    return r;
}

static inline void vi_store(void *p, VI a)
{
    memcpy(p, a.v, sizeof a.v);
}

/* Modulo 2^32. */
static inline VI vi_add(VI a, VI b)
{
    for (int i = 0; i < KERN_LANES; i++)
        a.v[i] = (int32_t)((uint32_t)a.v[i] + (uint32_t)b.v[i]);
    return a;
}

static inline VB vb_load(const uint8_t *p)
{
    VB r;

    memcpy(r.v, p, sizeof r.v);
    return r;
}

static inline void vb_store(uint8_t *p, VB a)
{
    memcpy(p, a.v, sizeof a.v);
}

/* u and v rounded to 32 integers q in -32512..32512 = 256 hi + lo: 32 bytes hi,
 * then 32 lo, hi to the nearest, ties to even, lo in -127..127 (a kernel may
 * negate it).  NaN counts as -32768. */
static inline VB vb_split(VF u, VF v)
{
    VB r;

    for (int i = 0; i < 2 * KERN_LANES; i++) {
        float x = i < KERN_LANES ? u.v[i] : v.v[i - KERN_LANES];
        int q = x == x ? (int)rintf(x) : -32768;
        int hi = (int)rintf((float)q / 256.0f), lo = q - 256 * hi;

        r.v[i] = (uint8_t)hi;
        r.v[2 * KERN_LANES + i] =
            (uint8_t)(lo > 127 ? 127 : lo < -127 ? -127 : lo);
    }
    return r;
}

static inline VB vb_low4(VB a)
{
    for (int i = 0; i < 4 * KERN_LANES; i++)
        a.v[i] &= 15;
    return a;
}

static inline VB vb_high4(VB a)
{
    for (int i = 0; i < 4 * KERN_LANES; i++)
        a.v[i] >>= 4;
    return a;
}

/* acc[i] += sum over j < 4 of w[4i + j] * x[j], exact in 32 bits. */
static inline VI vi_dot4(VI acc, VB w, const int8_t *x)
{
    for (int i = 0; i < KERN_LANES; i++)
        for (int j = 0; j < 4; j++)
            acc.v[i] += w.v[4 * i + j] * x[j];
    return acc;
}

/* The same for weights biased by 128.  What the bias adds to 256 hi + lo is
 * 128 times the sum of q: an ISA takes it off at the start of lo's sum, or in
 * each product. */
static inline VI vi_dot8_start(int32_t sum)
{
    return vi_set1(-128 * sum);
}

static inline VI vi_dot8(VI acc, VB w, const int8_t *x)
{
    return vi_dot4(acc, w, x);
}

/* acc[i] += sum over j < 4 of w[4i + j] * x[j]: signed w, x in 0..127. */
static inline VI vi_dot7(VI acc, VB w, const int8_t *x)
{
    for (int i = 0; i < KERN_LANES; i++)
        for (int j = 0; j < 4; j++)
            acc.v[i] += (int8_t)w.v[4 * i + j] * x[j];
    return acc;
}

/* 256 hi + lo */
static inline VI vi_join(VI hi, VI lo)
{
    for (int i = 0; i < KERN_LANES; i++)
        lo.v[i] += hi.v[i] * 256;
    return lo;
}

#include "engine/kern_body.h"

const struct kern_table kern_ref = KERN_FILL("ref", KERN_REF);
