/* engine/sampler.c - see sampler.h.
 *
 * DESIGN  This runs once a token, so nothing sorts the vocabulary.  Sums go
 * over blocks in four lanes, added up in an order that the code fixes: the
 * same bits on every machine.  The lanes are the compiler's generic vectors,
 * so the baseline instruction set is enough.  Cuts (top-k, top-p) are
 * made by quickselect over the candidates that could survive. */
#include "engine/sampler.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"

enum { GROUP = 16, BLOCK = 512 };

/* A token that may be chosen. */
struct sampler_cand {
    int32_t id;
    float   d;                  /* logit less the greatest, <= 0 */
    float   e;                  /* exp(d) */
};

/* --- four lanes ----------------------------------------------------------- */

/* Four floats, and what comparing them gives: 0 or ~0 each. */
typedef float vec __attribute__((vector_size(16)));
typedef int32_t mask __attribute__((vector_size(16)));

static inline vec splat(float x)
{
    return (vec){ x, x, x, x };
}

static inline vec load(const float *x)
{
    vec v;

    memcpy(&v, x, sizeof v);
    return v;
}

static inline vec either(mask m, vec yes, vec no)
{
    return (vec)((m & (mask)yes) | (~m & (mask)no));
}

/* exp(x) for x <= 0, within 2 ulp; 0 below -87, where float ends.
 * x = k ln2 + r, |r| <= ln2/2; exp(r) by its Taylor polynomial of degree 6,
 * whose remainder r^7/7! is under 2^-22; ln2 in two parts (Cody and Waite
 * 1980) keeps r exact.  Only +, -, *, and no fused ones: bits are fixed. */
static inline vec exp_vec(vec x)
{
    mask in_range = x > splat(-87.0f);
    vec in = either(in_range, x, splat(-87.0f));
    vec k = in * 1.44269504f + 12582912.0f - 12582912.0f;   /* rounds: 2^23 */
    vec r = in - k * 0.693359375f + k * 2.12194440e-4f;
    vec p = splat(1.0f / 720.0f);
    vec power = (vec)((__builtin_convertvector(k, mask) + 127) << 23);

    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return (vec)(in_range & (mask)(p * power));
}

static float exp_neg(float x)
{
    return exp_vec(splat(x))[0];
}

/* 1 where some x[0..n), n <= GROUP, is at least `floor`. */
static inline int any_from(const float *x, uint32_t n, float floor)
{
    int any = 0;

    if (n == GROUP) {
        mask m = (load(x) >= floor) | (load(x + 4) >= floor) |
                 (load(x + 8) >= floor) | (load(x + 12) >= floor);
        uint64_t half[2];

        memcpy(half, &m, sizeof half);
        return (half[0] | half[1]) != 0;
    }
    for (uint32_t i = 0; i < n; i++)
        any |= x[i] >= floor;
    return any;
}

/* --- a distribution ------------------------------------------------------- */

/* Logits and what all uses of them need. */
struct dist {
    const float *x;             /* [n] */
    uint32_t     n;
    uint32_t     n_bad;         /* NaN and +INFINITY */
    int          rough;         /* some are not finite: see block() */
    float        max;           /* of the finite; -INFINITY: there is none */
    double       sum;           /* of exp(x - max) */
    double       lse, entropy;
};

static int choosable(float logit)
{
    return logit < INFINITY && logit > -INFINITY;
}

/* Fills in max, rough and n_bad. */
static void survey(struct dist *d)
{
    vec most = splat(-INFINITY);
    mask fine = { 0 };          /* minus the count of finite ones, by lane */
    uint32_t i = 0, n_fine = 0;

    d->max = -INFINITY;
    for (; i + 4 <= d->n; i += 4) {
        vec x = load(d->x + i);
        mask m = (x < splat(INFINITY)) & (x > splat(-INFINITY));

        fine += m;
        most = either(m & (x > most), x, most);
    }
    for (int l = 0; l < 4; l++) {
        n_fine += (uint32_t)-fine[l];
        d->max = most[l] > d->max ? most[l] : d->max;
    }
    for (; i < d->n; i++) {
        n_fine += (uint32_t)choosable(d->x[i]);
        if (choosable(d->x[i]) && d->x[i] > d->max)
            d->max = d->x[i];
    }
    d->rough = n_fine < d->n;
    for (i = 0; d->rough && i < d->n; i++)
        d->n_bad += (uint32_t)!(d->x[i] < INFINITY);
}

/* The BLOCK logits from i on as the sums want them: finite, and as many.  What
 * is not finite or not there becomes something that weighs nothing. */
static const float *block(const struct dist *d, uint32_t i, float buf[BLOCK])
{
    if (!d->rough && d->n - i >= BLOCK)
        return d->x + i;
    for (uint32_t j = 0; j < BLOCK; j++)
        buf[j] = j < d->n - i && choosable(d->x[i + j]) ? d->x[i + j]
                                                        : d->max - 1e6f;
    return buf;
}

/* Over the block from i on, with t = x - max:
 * sum[0] = sum of exp(t * scale), sum[1] = sum of exp(t * scale) * t. */
static void block_sums(const struct dist *d, uint32_t i, float scale,
                       double sum[2])
{
    float buf[BLOCK];
    const float *x = block(d, i, buf);
    vec s = { 0 }, st = { 0 };

    for (int j = 0; j < BLOCK; j += 4) {
        vec t = load(x + j) - d->max;
        vec e = exp_vec(t * scale);

        s += e;
        st += e * t;
    }
    sum[0] = (double)s[0] + (double)s[1] + (double)s[2] + (double)s[3];
    sum[1] = (double)st[0] + (double)st[1] + (double)st[2] + (double)st[3];
}

/* lse = max + ln S;  H = ln S - (1/S) sum exp(t) t. */
static void dist_init(struct dist *d, const float *x, uint32_t n)
{
    double dot = 0.0;

    *d = (struct dist){ .x = x, .n = n };
    survey(d);
    if (d->max == -INFINITY) {
        d->n_bad = n;
        return;
    }
    for (uint32_t i = 0; i < n; i += BLOCK) {
        double part[2];

        block_sums(d, i, 1.0f, part);
        d->sum += part[0];
        dot += part[1];
    }
    d->lse = (double)d->max + log(d->sum);
    d->entropy = log(d->sum) - dot / d->sum;
    if (d->entropy < 0.0)       /* rounding, where one token has it all */
        d->entropy = 0.0;
}

void sampler_stats(const float *logits, uint32_t n, struct sampler_stats *out)
{
    struct dist d;

    dist_init(&d, logits, n);
    *out = (struct sampler_stats){ d.lse, d.entropy, d.n_bad };
}

/* --- the k likeliest ------------------------------------------------------ */

uint32_t sampler_top(const float *logits, uint32_t n, double lse, uint32_t k,
                     struct sampler_alt *top)
{
    uint32_t have = 0;

    for (uint32_t b = 0; b < n && k > 0; b += GROUP) {
        uint32_t end = b + GROUP < n ? b + GROUP : n;

        /* most blocks hold nothing that enters */
        if (have == k && !any_from(logits + b, end - b, top[k - 1].logprob))
            continue;
        for (uint32_t i = b; i < end; i++) {
            uint32_t at = have;

            if (!choosable(logits[i]) ||
                (have == k && logits[i] <= top[k - 1].logprob))
                continue;
            if (have < k)
                have++;
            else
                at = k - 1;
            for (; at > 0 && top[at - 1].logprob < logits[i]; at--)
                top[at] = top[at - 1];
            top[at] = (struct sampler_alt){ (int32_t)i, logits[i] };
        }
    }
    for (uint32_t i = 0; i < have; i++)
        top[i].logprob = (float)((double)top[i].logprob - lse);
    return have;
}

/* --- randomness ----------------------------------------------------------- */

static const uint64_t golden = 0x9E3779B97F4A7C15u;

/* The finaliser of splitmix64.  Source: Steele, Lea, Flood 2014, "Fast
 * splittable pseudorandom number generators"; constants by Stafford (mix13). */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* The next number of the stream, in [0, 1). */
static double draw(struct sampler *s)
{
    return (double)(mix(s->key + ++s->draws * golden) >> 11) * 0x1p-53;
}

/* --- cutting -------------------------------------------------------------- */

/* Candidates: every token with d >= floor that has any probability. */
static uint32_t gather(const struct dist *d, float floor,
                       struct sampler_scratch *w)
{
    uint32_t m = 0;

    for (uint32_t b = 0; b < d->n; b += GROUP) {
        uint32_t end = b + GROUP < d->n ? b + GROUP : d->n;

        if (!any_from(d->x + b, end - b, d->max + floor))
            continue;           /* as good as all blocks */
        for (uint32_t i = b; i < end; i++) {
            float diff = d->x[i] - d->max;

            if (diff >= floor && diff <= 0.0f)
                w->cand[m++] = (struct sampler_cand){ (int32_t)i, diff,
                                                      exp_neg(diff) };
        }
    }
    return m;
}

static int better(const struct sampler_cand *a, const struct sampler_cand *b)
{
    return a->d > b->d || (a->d == b->d && a->id < b->id);
}

static void swap(struct sampler_cand *a, struct sampler_cand *b)
{
    struct sampler_cand t = *a;

    *a = *b;
    *b = t;
}

static double total(const struct sampler_cand *c, uint32_t n)
{
    double sum = 0.0;

    for (uint32_t i = 0; i < n; i++)
        sum += (double)c[i].e;
    return sum;
}

/* Moves the shortest run of best candidates that weighs at least `need` to the
 * front and returns its length, >= 1.  A candidate weighs 1 where by_count,
 * else its e.  Quickselect with a scrambled pivot: O(n) on average, and no
 * input makes it slow by its order. */
static uint32_t keep(struct sampler_cand *c, uint32_t n, double need,
                     int by_count)
{
    uint32_t lo = 0, hi = n;

    while (lo < hi) {
        uint32_t pivot = lo + (uint32_t)(mix(lo * golden + hi) % (hi - lo));
        uint32_t at = lo;

        swap(&c[pivot], &c[hi - 1]);
        for (uint32_t i = lo; i < hi - 1; i++)
            if (better(&c[i], &c[hi - 1]))
                swap(&c[at++], &c[i]);
        swap(&c[at], &c[hi - 1]);

        double before = by_count ? (double)(at - lo) : total(c + lo, at - lo);
        double with = before + (by_count ? 1.0 : (double)c[at].e);
        if (before >= need) {
            hi = at;
        } else if (with >= need) {
            return at + 1;
        } else {
            need -= with;
            lo = at + 1;
        }
    }
    return hi > 0 ? hi : 1;
}

/* 1 where no token below `floor` can survive the cuts. */
static int enough(const struct sampler_params *p, const struct dist *d,
                  float floor, const struct sampler_scratch *w, uint32_t m)
{
    if (p->top_k)
        return m >= p->top_k;
    return exp_neg(floor) < p->min_p ||
           total(w->cand, m) >= (double)p->top_p * d->sum;
}

/* Leaves in w->cand what top-k, top-p and min-p let through; how many. */
static uint32_t cut(const struct sampler_params *p, const struct dist *d,
                    struct sampler_scratch *w)
{
    static const float floors[] = { -4.0f, -8.0f, -16.0f, -87.0f };
    uint32_t m = 0, kept = 0;
    double mass = d->sum;

    for (size_t i = 0; i < sizeof floors / sizeof floors[0]; i++) {
        m = gather(d, floors[i], w);
        if (enough(p, d, floors[i], w, m))
            break;
    }
    if (p->top_k && p->top_k < m)
        m = keep(w->cand, m, (double)p->top_k, 1);
    if (p->top_k)
        mass = total(w->cand, m);
    if (p->top_p < 1.0f)
        m = keep(w->cand, m, (double)p->top_p * mass, 0);
    for (uint32_t i = 0; i < m; i++)
        if (w->cand[i].e >= p->min_p)
            w->cand[kept++] = w->cand[i];
    return kept;
}

/* --- choosing ------------------------------------------------------------- */

/* Among n candidates, by exp(d / T), at u of the way through them. */
static int32_t choose_from(struct sampler_cand *c, uint32_t n, float scale,
                           double u)
{
    int32_t last = c[0].id;

    for (uint32_t i = 0; i < n; i++)
        c[i].e = exp_neg(c[i].d * scale);
    double left = u * total(c, n);
    for (uint32_t i = 0; i < n && left >= 0.0; i++) {
        if (c[i].e > 0.0f)
            last = c[i].id;
        left -= (double)c[i].e;
    }
    return last;
}

/* The same over the whole vocabulary, block by block. */
static int32_t choose_any(const struct dist *d, float scale, double u)
{
    double part[2], sum = 0.0, left;
    int32_t last = 0;

    for (uint32_t i = 0; i < d->n; i += BLOCK) {
        block_sums(d, i, scale, part);
        sum += part[0];
    }
    left = u * sum;
    for (uint32_t i = 0; i < d->n; i += BLOCK) {
        block_sums(d, i, scale, part);
        if (part[0] > 0.0)
            last = (int32_t)i;          /* the block, should u be at the end */
        if (left < part[0])
            break;
        left -= part[0];
    }
    float buf[BLOCK];
    const float *x = block(d, (uint32_t)last, buf);
    int32_t at = last;
    for (int32_t i = 0; i < BLOCK && left >= 0.0; i++) {
        float e = exp_neg((x[i] - d->max) * scale);

        if (e > 0.0f)
            last = at + i;
        left -= (double)e;
    }
    return last;
}

static int32_t first_greatest(const struct dist *d)
{
    uint32_t i = 0;

    while (d->x[i] != d->max)
        i++;
    return (int32_t)i;
}

static int32_t choose(struct sampler *s, const struct dist *d,
                      struct sampler_scratch *w)
{
    const struct sampler_params *p = &s->params;

    if (p->temperature <= 0.0f)
        return first_greatest(d);
    double u = draw(s);
    float scale = 1.0f / p->temperature;
    if (!p->top_k && p->top_p >= 1.0f && p->min_p <= 0.0f)
        return choose_any(d, scale, u);
    return choose_from(w->cand, cut(p, d, w), scale, u);
}

/* --- the record ----------------------------------------------------------- */

static void record(const struct dist *d, int32_t id, uint32_t n_top,
                   struct sampler_pick *out)
{
    float logit = d->x[id];

    out->id = id;
    out->n_nan = d->n_bad;
    out->entropy = (float)d->entropy;
    out->logprob = choosable(logit) ? (float)((double)logit - d->lse)
                                    : -INFINITY;
    out->n_top = sampler_top(d->x, d->n, d->lse,
                             n_top < SAMPLER_TOP ? n_top : SAMPLER_TOP,
                             out->top);
}

void sampler_pick(struct sampler *s, const float *logits, uint32_t n_top,
                  struct sampler_scratch *w, struct sampler_pick *out)
{
    struct dist d;

    dist_init(&d, logits, w->n_vocab);
    if (d.max == -INFINITY)
        record(&d, 0, 0, out);
    else
        record(&d, choose(s, &d, w), n_top, out);
}

void sampler_measure(const float *logits, int32_t id, uint32_t n_top,
                     struct sampler_scratch *w, struct sampler_pick *out)
{
    struct dist d;

    dist_init(&d, logits, w->n_vocab);
    record(&d, id, n_top, out);
}

/* --- life ----------------------------------------------------------------- */

const struct sampler_params sampler_greedy = { .top_p = 1.0f };

enum sor_err sampler_scratch_init(struct sampler_scratch *w, uint32_t n_vocab)
{
    struct sampler_cand *cand = mem_calloc(n_vocab, sizeof *cand);

    if (!cand)
        return SOR_NOMEM;
    *w = (struct sampler_scratch){ cand, n_vocab };
    return SOR_OK;
}

void sampler_scratch_release(struct sampler_scratch *w)
{
    mem_free(w->cand);
    *w = (struct sampler_scratch){ 0 };
}

enum sor_err sampler_init(struct sampler *s, const struct sampler_params *p,
                          uint32_t ordinal, struct sor_msg *msg)
{
    float t = p->temperature;

    if (!(t == 0.0f || (t >= 0.001f && t <= 100.0f)))
        return sor_fail(msg, SOR_USAGE, "a temperature of %g is neither 0 "
                        "(greedy) nor in 0.001..100", (double)t);
    if (!(p->top_p > 0.0f && p->top_p <= 1.0f))
        return sor_fail(msg, SOR_USAGE, "top-p of %g is outside (0, 1]",
                        (double)p->top_p);
    if (!(p->min_p >= 0.0f && p->min_p <= 1.0f))
        return sor_fail(msg, SOR_USAGE, "min-p of %g is outside 0..1",
                        (double)p->min_p);
    *s = (struct sampler){ .params = *p };
    s->key = mix(mix(p->seed + golden) ^ (ordinal + UINT64_C(1)) * golden);
    return SOR_OK;
}
