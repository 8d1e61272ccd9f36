/* engine/quant_write.c - encoding the blocks of a GGUF file; see the header
 * for how scales are found and quant.c for the layouts in detail. */
#include "engine/quant_write.h"

#include <math.h>
#include <string.h>

#include "engine/half.h"

enum { SUB = 32, SUPER = 256, LANES = 4 };

/* A block whose values all are nearer to 0 than half of binary16's least
 * positive number over the most levels there are is all zeros. */
#define TINY 1e-10f

static void put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

/* Stores v as binary16 and returns what is then stored.  Least squares may end
 * just beyond the largest value. */
static float put_f16(uint8_t *p, float v)
{
    float most = QUANT_WRITE_MAX;
    uint16_t h = half_from_f32(v < -most ? -most : v > most ? most : v);

    put_u16(p, h);
    return half_to_f32(h);
}

/* The integer nearest to x within lo..hi, as a float.  Adding 1.5 * 2^23
 * leaves no bits for a fraction, so the sum rounds (ties to even). */
static inline float level(float x, float lo, float hi)
{
    x = x < lo ? lo : x > hi ? hi : x;
    return (x + 12582912.0f) - 12582912.0f;
}

/* 1 / d, or 0 where d is 0: then all levels are that of 0. */
static inline float inverse(float d)
{
    return d == 0.0f ? 0.0f : 1.0f / d;
}

/* --- one scale: x ~ d q, q in -half .. half - 1 --------------------------- */

/* The square of the part of x that levels q = x inv can express, i.e. how much
 * d = xq / qq takes off the sum of x^2; d comes out. */
static float gain_of(const float *x, int n, float inv, int half, float *d)
{
    float xq[LANES] = { 0 }, qq[LANES] = { 0 };
    float lo = (float)-half, hi = (float)(half - 1);

    for (int i = 0; i < n; i += LANES)
        for (int k = 0; k < LANES; k++) {
            float q = level(x[i + k] * inv, lo, hi);

            xq[k] += x[i + k] * q;
            qq[k] += q * q;
        }
    float a = xq[0] + xq[1] + (xq[2] + xq[3]);
    float b = qq[0] + qq[1] + (qq[2] + qq[3]);
    *d = b > 0.0f ? a / b : 0.0f;
    return a * *d;
}

/* The best d for x[n].  The value of largest magnitude goes to a level from
 * half - 2 to half + 1 (clipped), on either side of 0. */
static float fit_scale(const float *x, int n, int half)
{
    enum { STEPS = 13 };
    float most = 0.0f, best = 0.0f, best_d = 0.0f;

    for (int i = 0; i < n; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    if (most < TINY)
        return 0.0f;
    for (int k = -STEPS; k < STEPS; k++) {
        float t = (float)half + 1.0f - 0.25f * (float)(k < 0 ? ~k : k);
        float d, gain = gain_of(x, n, (k < 0 ? -t : t) / most, half, &d);

        if (gain > best) {
            best = gain;
            best_d = d;
        }
    }
    gain_of(x, n, inverse(best_d), half, &best_d);
    return best_d;
}

/* --- a scale and a minimum: x ~ d q + m, q in 0 .. top -------------------- */

struct line { float d, m; };

/* Sums over a block, for least squares. */
struct sums { float x, xx, q, qq, xq; };

static void sum_up(const float *x, const struct line *at, int top,
                   struct sums *s)
{
    float q1[LANES] = { 0 }, qq[LANES] = { 0 }, xq[LANES] = { 0 };
    float inv = inverse(at->d), hi = (float)top;

    for (int i = 0; i < SUB; i += LANES)
        for (int k = 0; k < LANES; k++) {
            float q = level((x[i + k] - at->m) * inv, 0.0f, hi);

            q1[k] += q;
            qq[k] += q * q;
            xq[k] += x[i + k] * q;
        }
    s->q = q1[0] + q1[1] + (q1[2] + q1[3]);
    s->qq = qq[0] + qq[1] + (qq[2] + qq[3]);
    s->xq = xq[0] + xq[1] + (xq[2] + xq[3]);
}

/* The best line for the levels that s was summed over, and its squared error.
 * most_m: m may be no larger (0 where the file has no sign for it). */
static double solve(const struct sums *s, float most_m, struct line *out)
{
    double det = (double)SUB * (double)s->qq - (double)s->q * (double)s->q;
    double d = 0.0, m = (double)s->x / SUB;

    if (det > 0.0) {
        d = ((double)SUB * (double)s->xq - (double)s->q * (double)s->x) / det;
        m = ((double)s->x - d * (double)s->q) / SUB;
    }
    if (m > (double)most_m) {
        m = (double)most_m;
        d = s->qq > 0.0f
            ? ((double)s->xq - m * (double)s->q) / (double)s->qq : 0.0;
    }
    out->d = (float)d;
    out->m = (float)m;
    return (double)s->xx - 2.0 * d * (double)s->xq - 2.0 * m * (double)s->x +
           d * d * (double)s->qq + 2.0 * d * m * (double)s->q + SUB * m * m;
}

/* The best line for x[32].  The range of x spans from top - 1.5 to top + 1.5
 * levels, half of what is over clipped at either end; the winner is then
 * settled by rounding and solving once or twice more. */
static struct line fit_line(const float *x, int top, float most_m)
{
    enum { STEPS = 13, SETTLE = 3 };
    const float most_over = 1.5f;
    struct sums s = { 0 };
    struct line best = { 0 }, now;
    float lo = x[0], hi = x[0];
    double least = INFINITY;

    for (int i = 0; i < SUB; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
        s.x += x[i];
        s.xx += x[i] * x[i];
    }
    lo = lo < most_m ? lo : most_m;
    if (hi - lo < TINY)
        return (struct line){ 0.0f, lo };
    for (int k = 0; k < STEPS + SETTLE; k++) {
        float over = 0.25f * (float)k - most_over;
        struct line at = best;

        if (k < STEPS) {
            at.d = (hi - lo) / ((float)top + over);
            at.m = lo + 0.5f * over * at.d;
            at.m = at.m < most_m ? at.m : most_m;
        }
        sum_up(x, &at, top, &s);
        double error = solve(&s, most_m, &now);
        if (error < least && now.d > 0.0f) {
            least = error;
            best = now;
        }
    }
    return best;
}

/* --- blocks of 32 --------------------------------------------------------- */

/* q[i] = the level of x[i], counted from 0. */
static void levels(const float *x, int n, struct line at, int top, uint8_t *q)
{
    float inv = inverse(at.d);

    for (int i = 0; i < n; i++)
        q[i] = (uint8_t)level((x[i] - at.m) * inv, 0.0f, (float)top);
}

/* The same for x ~ d (q - half). */
static void signed_levels(const float *x, int n, float d, int half, uint8_t *q)
{
    float inv = inverse(d);

    for (int i = 0; i < n; i++)
        q[i] = (uint8_t)(level(x[i] * inv, (float)-half, (float)(half - 1)) +
                         (float)half);
}

/* Element i in the low nibble of byte i, element i + n in its high one. */
static void put_nibbles(uint8_t *p, const uint8_t *q, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (uint8_t)((q[i] & 15) | (q[i + n] & 15) << 4);
}

static void put_fifth_bits(uint8_t *p, const uint8_t *q)
{
    memset(p, 0, SUB / 8);
    for (int i = 0; i < SUB; i++)
        p[i / 8] |= (uint8_t)(q[i] >> 4 << i % 8);
}

static void write_q4_0(const float *x, uint8_t *p)
{
    uint8_t q[SUB];

    signed_levels(x, SUB, put_f16(p, fit_scale(x, SUB, 8)), 8, q);
    put_nibbles(p + 2, q, 16);
}

static void write_q5_0(const float *x, uint8_t *p)
{
    uint8_t q[SUB];

    signed_levels(x, SUB, put_f16(p, fit_scale(x, SUB, 16)), 16, q);
    put_fifth_bits(p + 2, q);
    put_nibbles(p + 6, q, 16);
}

static struct line put_line(uint8_t *p, struct line at)
{
    at.d = put_f16(p, at.d);
    at.m = put_f16(p + 2, at.m);
    return at;
}

static void write_q4_1(const float *x, uint8_t *p)
{
    uint8_t q[SUB];

    levels(x, SUB, put_line(p, fit_line(x, 15, INFINITY)), 15, q);
    put_nibbles(p + 4, q, 16);
}

static void write_q5_1(const float *x, uint8_t *p)
{
    uint8_t q[SUB];

    levels(x, SUB, put_line(p, fit_line(x, 31, INFINITY)), 31, q);
    put_fifth_bits(p + 4, q);
    put_nibbles(p + 8, q, 16);
}

/* With 255 levels a search gains nothing that could be measured: the largest
 * value gets 127. */
static void write_q8_0(const float *x, uint8_t *p)
{
    float most = 0.0f;
    uint8_t q[SUB];

    for (int i = 0; i < SUB; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    signed_levels(x, SUB, put_f16(p, most / 127.0f), 128, q);
    for (int i = 0; i < SUB; i++)
        p[2 + i] = q[i] ^ 128;
}

/* --- blocks of 256: scales that are integers themselves ------------------- */

enum { LINES = SUPER / SUB, SCALES = SUPER / 16 };

/* Squared error of x[32] under one line. */
static float line_error(const float *x, struct line at, int top)
{
    float e[LANES] = { 0 }, inv = inverse(at.d), hi = (float)top;

    for (int i = 0; i < SUB; i += LANES)
        for (int k = 0; k < LANES; k++) {
            float q = level((x[i + k] - at.m) * inv, 0.0f, hi);
            float r = x[i + k] - at.m - at.d * q;

            e[k] += r * r;
        }
    return e[0] + e[1] + (e[2] + e[3]);
}

/* A sub-block's 6-bit scale and minimum, of unit.d and -unit.m: of the nine
 * pairs around the wanted line the one with the least error. */
static void round_line(const float *x, struct line want, struct line unit,
                       int top, uint8_t out[2])
{
    float s = level(want.d * inverse(unit.d), 0.0f, 63.0f);
    float m = level(-want.m * inverse(unit.m), 0.0f, 63.0f);
    float least = INFINITY;

    for (int k = 0; k < 9; k++) {
        float si = s + (float)(k / 3 - 1), mi = m + (float)(k % 3 - 1);

        if (si < 0.0f || si > 63.0f || mi < 0.0f || mi > 63.0f)
            continue;
        struct line at = { unit.d * si, -unit.m * mi };
        float error = line_error(x, at, top);
        if (error < least) {
            least = error;
            out[0] = (uint8_t)si;
            out[1] = (uint8_t)mi;
        }
    }
}

/* Eight pairs of 6 bits in 12 bytes: see scale_min() in quant.c. */
static void put_pairs(uint8_t *p, uint8_t (*pair)[2])
{
    for (int j = 0; j < 4; j++) {
        const uint8_t *low = pair[j], *high = pair[j + 4];

        p[j] = (uint8_t)(low[0] | high[0] >> 4 << 6);
        p[j + 4] = (uint8_t)(low[1] | high[1] >> 4 << 6);
        p[j + 8] = (uint8_t)((high[0] & 15) | (high[1] & 15) << 4);
    }
}

/* { f16 d, dmin; u8 scales[12]; ... }; the levels q[256] go where the type
 * has them. */
static void write_lines(const float *x, int top, uint8_t *p, uint8_t *q)
{
    struct line want[LINES], unit = { 0 };
    uint8_t pair[LINES][2];

    for (int j = 0; j < LINES; j++) {
        want[j] = fit_line(x + j * SUB, top, 0.0f);
        unit.d = want[j].d > unit.d ? want[j].d : unit.d;
        unit.m = -want[j].m > unit.m ? -want[j].m : unit.m;
    }
    unit.d = put_f16(p, unit.d / 63.0f);
    unit.m = put_f16(p + 2, unit.m / 63.0f);
    for (int j = 0; j < LINES; j++) {
        round_line(x + j * SUB, want[j], unit, top, pair[j]);
        levels(x + j * SUB, SUB, (struct line){ unit.d * (float)pair[j][0],
                                                -unit.m * (float)pair[j][1] },
               top, q + j * SUB);
    }
    put_pairs(p + 4, pair);
}

/* Sub-blocks 2j and 2j+1 in the low and high nibbles of 32 bytes. */
static void write_q4_k(const float *x, uint8_t *p)
{
    uint8_t q[SUPER];

    write_lines(x, 15, p, q);
    for (int j = 0; j < LINES / 2; j++)
        put_nibbles(p + 16 + 32 * j, q + 64 * j, 32);
}

static void write_q5_k(const float *x, uint8_t *p)
{
    uint8_t q[SUPER];

    write_lines(x, 31, p, q);
    memset(p + 16, 0, 32);
    for (int i = 0; i < SUPER; i++)
        p[16 + i % 32] |= (uint8_t)(q[i] >> 4 << i / 32);
    for (int j = 0; j < LINES / 2; j++)
        put_nibbles(p + 48 + 32 * j, q + 64 * j, 32);
}

/* A sub-block's 8-bit scale: of the wanted one and its neighbours the best. */
static int round_scale(const float *x, float want, float unit)
{
    float s = level(want * inverse(unit), -128.0f, 127.0f);
    float best = -INFINITY;
    int out = 0;

    for (int k = -1; k <= 1; k++) {
        float si = s + (float)k, d = unit * si, fit;

        if (si < -128.0f || si > 127.0f)
            continue;
        /* |x|^2 - |x - d q|^2 = 2 d xq - d^2 qq, and gain_of() gives xq^2/qq
         * and xq/qq. */
        float gain = gain_of(x, 16, inverse(d), 32, &fit);
        float off = fit == 0.0f ? 1.0f : d / fit;
        gain *= off * (2.0f - off);
        if (gain > best) {
            best = gain;
            out = (int)si;
        }
    }
    return out;
}

/* { u8 ql[128], qh[64]; i8 scales[16]; f16 d }: see read_q6_k() in quant.c. */
static void write_q6_k(const float *x, uint8_t *p)
{
    float want[SCALES], most = 0.0f;
    uint8_t q[SUPER];

    for (int j = 0; j < SCALES; j++) {
        want[j] = fit_scale(x + 16 * j, 16, 32);
        most = fabsf(want[j]) > fabsf(most) ? want[j] : most;
    }
    float unit = put_f16(p + 208, most / -128.0f);
    for (int j = 0; j < SCALES; j++) {
        int s = round_scale(x + 16 * j, want[j], unit);

        p[192 + j] = (uint8_t)s;
        signed_levels(x + 16 * j, 16, unit * (float)s, 32, q + 16 * j);
    }
    for (int n = 0; n < 2; n++)
        for (int i = 0; i < 32; i++) {
            const uint8_t *of = q + 128 * n + i;

            p[64 * n + i] = (uint8_t)((of[0] & 15) | (of[64] & 15) << 4);
            p[64 * n + 32 + i] = (uint8_t)((of[32] & 15) | (of[96] & 15) << 4);
            p[128 + 32 * n + i] =
                (uint8_t)(of[0] >> 4 | of[32] >> 4 << 2 | of[64] >> 4 << 4 |
                          of[96] >> 4 << 6);
        }
}

/* --- floats --------------------------------------------------------------- */

static void write_f32(const float *x, uint8_t *p)
{
    uint32_t u;

    memcpy(&u, x, sizeof u);
    put_u16(p, (uint16_t)u);
    put_u16(p + 2, (uint16_t)(u >> 16));
}

static void write_f16(const float *x, uint8_t *p)
{
    put_f16(p, *x);
}

/* The upper half of a binary32, rounded to nearest even. */
static void write_bf16(const float *x, uint8_t *p)
{
    uint32_t u;

    memcpy(&u, x, sizeof u);
    put_u16(p, (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16));
}

/* --- the table ------------------------------------------------------------ */

/* By type: its encoder of a block, what takes its place for rows that are not
 * whole blocks, and llama_ftype's number. */
static const struct writer {
    void (*write)(const float *x, uint8_t *p);
    enum gguf_type fallback;
    uint32_t file_type;
} writers[GGUF_TYPES] = {
    [GGUF_F32]  = { write_f32,  GGUF_F32,  0 },
    [GGUF_F16]  = { write_f16,  GGUF_F16,  1 },
    [GGUF_Q4_0] = { write_q4_0, GGUF_F16,  2 },
    [GGUF_Q4_1] = { write_q4_1, GGUF_F16,  3 },
    [GGUF_Q8_0] = { write_q8_0, GGUF_F16,  7 },
    [GGUF_Q5_0] = { write_q5_0, GGUF_F16,  8 },
    [GGUF_Q5_1] = { write_q5_1, GGUF_F16,  9 },
    [GGUF_Q4_K] = { write_q4_k, GGUF_Q5_0, 14 },    /* "small": one type */
    [GGUF_Q5_K] = { write_q5_k, GGUF_Q5_1, 16 },
    [GGUF_Q6_K] = { write_q6_k, GGUF_Q8_0, 18 },
    [GGUF_BF16] = { write_bf16, GGUF_BF16, 32 },
};

int quant_writable(enum gguf_type type)
{
    return type < GGUF_TYPES && writers[type].write != NULL;
}

void quant_write(enum gguf_type type, const float *x, size_t n, uint8_t *out)
{
    const struct gguf_type_info *info = gguf_type_info(type);

    for (size_t i = 0; i < n; i += info->block, out += info->bytes)
        writers[type].write(x + i, out);
}

enum gguf_type quant_write_type(enum gguf_type want, uint64_t n)
{
    while (n % gguf_type_info(want)->block)
        want = writers[want].fallback;
    return want;
}

uint32_t quant_write_file_type(enum gguf_type type)
{
    return writers[type].file_type;
}
