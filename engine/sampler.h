/* engine/sampler.h - from logits to the next token, and what is recorded of
 * the choice.
 *
 * One sampler per path.  Its randomness is a counter-based generator, so the
 * state is (seed, draws): draw k of a seed is the same number on every
 * machine, in any order, after any fork.
 *
 * logprob, entropy and the alternatives are always those of the full,
 * untempered softmax (what the model said).  top-k, top-p and min-p cut that
 * distribution, in this order; temperature then shapes what is left.
 *
 * Threads    one caller per sampler and scratch.
 * Errors     none after sampler_scratch_init(): logits of NaN or +infinity are
 *            counted and never chosen.  Where no logit is finite: id 0,
 *            logprob -infinity, n_nan = n_vocab. */
#ifndef ENGINE_SAMPLER_H
#define ENGINE_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SAMPLER_TOP = 8 };       /* alternatives kept with a pick */

struct sampler_params {
    float    temperature;       /* 0: greedy (lowest id among ties), else
                                 * 0.001..100 */
    uint32_t top_k;             /* 0: off */
    float    top_p;             /* 1: off; a share of what top_k left */
    float    min_p;             /* 0: off; relative to the likeliest token */
    uint64_t seed;              /* of the run */
};

/* Greedy, everything off. */
extern const struct sampler_params sampler_greedy;

struct sampler {
    struct sampler_params params;
    uint64_t key;               /* seed and path ordinal, mixed */
    uint64_t draws;             /* numbers taken so far */
};

struct sampler_alt {
    int32_t id;
    float   logprob;            /* nats, <= 0 */
};

struct sampler_pick {
    int32_t  id;                /* 0 .. n_vocab-1 */
    float    logprob;           /* of id, nats */
    float    entropy;           /* of the full softmax, nats */
    uint32_t n_nan;             /* logits of NaN or +infinity; 0 in health */
    uint32_t n_top;             /* entries in top */
    struct sampler_alt top[SAMPLER_TOP];    /* likeliest first, ties by id */
};

/* Work space for one vocabulary; nothing is allocated after init. */
struct sampler_cand;
struct sampler_scratch {
    struct sampler_cand *cand;  /* [n_vocab] */
    uint32_t n_vocab;
};

enum sor_err sampler_scratch_init(struct sampler_scratch *w, uint32_t n_vocab);
void sampler_scratch_release(struct sampler_scratch *w);

/* Starts path `ordinal` of a run; equal arguments give equal choices.
 * SOR_USAGE: a parameter out of range (named in msg). */
enum sor_err sampler_init(struct sampler *s, const struct sampler_params *p,
                          uint32_t ordinal, struct sor_msg *msg);

/* Chooses from logits[n_vocab] (left as they are) with `n_top` alternatives
 * (<= SAMPLER_TOP).  One draw unless greedy. */
void sampler_pick(struct sampler *s, const float *logits, uint32_t n_top,
                  struct sampler_scratch *w, struct sampler_pick *out);

/* The same record for a token chosen elsewhere (replay, prompt, scoring); no
 * draw.  id < n_vocab. */
void sampler_measure(const float *logits, int32_t id, uint32_t n_top,
                     struct sampler_scratch *w, struct sampler_pick *out);

/* Of logits[n]: the natural log of the softmax's denominator (logprob of i is
 * logits[i] - lse), its entropy in nats, the count of NaN and +infinity. */
struct sampler_stats {
    double   lse, entropy;
    uint32_t n_nan;
};
void sampler_stats(const float *logits, uint32_t n, struct sampler_stats *out);

/* The k likeliest of logits[n] into top[k], likeliest first, ties by lowest id;
 * returns how many (k, unless fewer are finite).  lse from sampler_stats(). */
uint32_t sampler_top(const float *logits, uint32_t n, double lse, uint32_t k,
                     struct sampler_alt *top);

#endif
