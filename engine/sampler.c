/* engine/sampler.c - see sampler.h.
 *
 * DESIGN  This runs once a token, so nothing sorts the vocabulary.  Sums run
 * through the kernels block by block, each block's part added up in double, in
 * one order: the same bits on every machine.  Cuts (top-k, top-p) are made by
 * quickselect over the candidates that could survive. */
#include "engine/sampler.h"

#include <inttypes.h>
#include <math.h>

#include "base/mem.h"
#include "engine/kern.h"

enum { GROUP = 64, BLOCK = 512 };

/* A token that may be chosen. */
struct sampler_cand {
    int32_t id;
    float   d;                  /* logit less the greatest, <= 0 */
    float   e;                  /* exp(d) */
};

/* --- a distribution ------------------------------------------------------- */

/* The best kernels there are: all tables give the same bits. */
static const struct kern_table *kernels(void)
{
    static const struct kern_table *_Atomic known;
    const struct kern_table *k = known;

    if (!k)
        known = k = kern_pick(KERN_ISAS - 1);
    return k;
}

/* Logits and what all uses of them need. */
struct dist {
    const struct kern_table *k;
    const float *x;             /* [n] */
    uint32_t     n;
    uint32_t     n_bad;         /* NaN and +INFINITY */
    int          finite;        /* all are: see block() */
    float        max;           /* of the finite; -INFINITY: there is none */
    double       sum;           /* of exp(x - max) */
    double       lse, entropy;
};

static int choosable(float logit)
{
    return logit < INFINITY && logit > -INFINITY;
}

/* Fills in max, finite and n_bad. */
static void survey(struct dist *d)
{
    d->max = d->k->top(d->x, (int)d->n, &d->finite);
    if (d->finite)
        return;
    d->max = -INFINITY;
    for (uint32_t i = 0; i < d->n; i++) {
        d->n_bad += (uint32_t)!(d->x[i] < INFINITY);
        if (choosable(d->x[i]) && d->x[i] > d->max)
            d->max = d->x[i];
    }
}

/* The BLOCK logits from i on as the sums want them: finite, and as many.  What
 * is not finite or not there becomes something that weighs nothing. */
static const float *block(const struct dist *d, uint32_t i, float buf[BLOCK])
{
    if (d->finite && d->n - i >= BLOCK)
        return d->x + i;
    for (uint32_t j = 0; j < BLOCK; j++)
        buf[j] = j < d->n - i && choosable(d->x[i + j]) ? d->x[i + j]
                                                        : d->max - 1e6f;
    return buf;
}

/* Over the block from i on, with t = x - max:
 * sum[0] = sum of exp(t * scale), sum[1] = sum of exp(t * scale) * t. */
static void block_sums(const struct dist *d, uint32_t i, float scale,
                       float sum[2])
{
    float buf[BLOCK];

    d->k->exp_sums(block(d, i, buf), BLOCK, d->max, scale, sum);
}

/* lse = max + ln S;  H = ln S - (1/S) sum exp(t) t. */
static void dist_init(struct dist *d, const float *x, uint32_t n)
{
    double dot = 0.0;

    *d = (struct dist){ .k = kernels(), .x = x, .n = n };
    survey(d);
    if (d->max == -INFINITY) {
        d->n_bad = n;
        return;
    }
    for (uint32_t i = 0; i < n; i += BLOCK) {
        float part[2];

        block_sums(d, i, 1.0f, part);
        d->sum += (double)part[0];
        dot += (double)part[1];
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

/* 0 where every x[0..n) is below `floor`. */
static int any_from(const struct kern_table *k, const float *x, uint32_t n,
                    float floor)
{
    int finite;

    return k->top(x, (int)n, &finite) >= floor || !finite;
}

uint32_t sampler_top(const float *logits, uint32_t n, double lse, uint32_t k,
                     struct sampler_alt *top)
{
    const struct kern_table *kern = kernels();
    uint32_t have = 0;

    for (uint32_t b = 0; b < n && k > 0; b += GROUP) {
        uint32_t end = b + GROUP < n ? b + GROUP : n;

        /* most groups hold nothing that enters */
        if (have == k &&
            !any_from(kern, logits + b, end - b, top[k - 1].logprob))
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
        const float *x = d->x + b;
        uint32_t n = b + GROUP < d->n ? GROUP : d->n - b;
        float e[GROUP];

        if (!any_from(d->k, x, n, d->max + floor))
            continue;           /* as most groups */
        d->k->exps(x, (int)n, d->max, 1.0f, e);
        for (uint32_t i = 0; i < n; i++) {
            float diff = x[i] - d->max;

            if (diff >= floor && diff <= 0.0f)
                w->cand[m++] = (struct sampler_cand){ (int32_t)(b + i), diff,
                                                      e[i] };
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
    float least;

    if (p->top_k)
        return m >= p->top_k;
    d->k->exps(&floor, 1, 0.0f, 1.0f, &least);
    return least < p->min_p ||
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
static int32_t choose_from(const struct dist *d, struct sampler_cand *c,
                           uint32_t n, float scale, double u)
{
    int32_t last = c[0].id;

    for (uint32_t i = 0; i < n; i++)
        d->k->exps(&c[i].d, 1, 0.0f, scale, &c[i].e);
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
    float part[2], buf[BLOCK], e[BLOCK];
    double sum = 0.0, left;
    uint32_t at = 0;
    int32_t last = 0;

    for (uint32_t i = 0; i < d->n; i += BLOCK) {
        block_sums(d, i, scale, part);
        sum += (double)part[0];
    }
    left = u * sum;
    for (uint32_t i = 0; i < d->n; i += BLOCK) {
        block_sums(d, i, scale, part);
        if (part[0] > 0.0f)
            at = i;             /* the last one, should u be at the end */
        if (left < (double)part[0])
            break;
        left -= (double)part[0];
    }
    d->k->exps(block(d, at, buf), BLOCK, d->max, scale, e);
    for (uint32_t i = 0; i < BLOCK && left >= 0.0; i++) {
        if (e[i] > 0.0f)
            last = (int32_t)(at + i);
        left -= (double)e[i];
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
    return choose_from(d, w->cand, cut(p, d, w), scale, u);
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
