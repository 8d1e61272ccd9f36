/* bench/routing_read.h - a text read under many policies side by side, and what
 * each of them cost and saved.
 *
 * Work is counted as if each token were decoded alone: multiplications of
 * attention (a hull that is compared counts as one key), bytes of keys, values
 * and hulls, and multiplications of everything else (matrices and the output
 * head, the same for all).  A token that the guard sent to full counts as both
 * of its passes.
 *
 * Errors  the process ends with a sentence (routing_must()). */
#ifndef BENCH_ROUTING_READ_H
#define BENCH_ROUTING_READ_H

#include "base/err.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/route.h"

struct routing_mass;

enum { ROUTING_POLICIES = 32, ROUTING_NAME = 48, ROUTING_FEED = 64 };

struct routing_cost {
    double read, compared, all;     /* KV blocks, over groups and layers; all:
                                     * of a token that reads everything */
    double again;                   /* passes more than one a token */
    int64_t token[HOOK_FULL + 1];   /* by mode of the block's score */
    int64_t escalated, n;
};

struct routing_policy {
    char family[ROUTING_NAME], name[ROUTING_NAME];
    struct route *route;            /* the text is read with it */
    struct routing_mass *mass;      /* NULL: keys are ranked by hulls */
    int as_written;                 /* 1: the guard and the score see each
                                     * token as if the model had written it */
    /* Of the text in hand. */
    struct session *session;
    struct routing_cost cost;
    double nll, kl;                 /* nats, sums over n_nll tokens; kl: from
                                     * what policy 0 says */
    int64_t n_nll, flips;           /* flips: another token is likeliest */
};

/* A block of 16 tokens, and what the watched policy lost there: KL, and nats
 * of the text itself, means over its tokens. */
struct routing_block { float score, part[HOOK_PARTS], kl, nll; uint8_t mode; };

struct routing_bench {
    struct engine *e;
    int n_ctx, n_vocab;
    struct str calibration;         /* the policy that calibrate made */
    struct routing_policy policy[ROUTING_POLICIES];
    int n_policy;                   /* policy 0 reads everything */
    struct routing_policy *now;     /* whose events come */
    struct routing_block *block;    /* [n_ctx / 16] */
    const struct routing_policy *watched;   /* whose blocks; NULL: nobody's */
    float *logits;                  /* [2][ROUTING_FEED][n_vocab]: policy 0's
                                     * and another's */
    struct routing_said { double lse; int32_t top; } said[ROUTING_FEED];
                                    /* by policy 0's rows */
};

void routing_must(enum sor_err err, const struct sor_msg *msg);
_Noreturn void routing_die(const char *what);

/* json: the text of a file that calibrate wrote. */
void routing_bench_open(struct routing_bench *b, const char *model,
                        const char *json, const struct engine_opts *o);
void routing_bench_close(struct routing_bench *b);

/* The calibrated policy, the caller's to change, then to add. */
struct route *routing_calibrated(const struct routing_bench *b);
/* Takes r.  by_mass: blocks are ranked by attention mass. */
struct routing_policy *routing_add(struct routing_bench *b,
                                   const char *family, const char *name,
                                   struct route *r, int by_mass);
/* Forgets all but policy 0. */
void routing_clear(struct routing_bench *b);

/* Opens a session for each policy, and closes them. */
void routing_begin(struct routing_bench *b);
void routing_end(struct routing_bench *b);
/* What follows in p's sessions is p's work. */
void routing_turn(struct routing_bench *b, struct routing_policy *p);
/* All policies read id[from..n) of the text: sums are added to. */
void routing_read(struct routing_bench *b, const int32_t *id, int from, int n);

/* Shares of what reading everything takes, 0..1. */
struct routing_saved { double attention, bytes, total; };
struct routing_saved routing_saved(const struct routing_bench *b,
                                   const struct routing_cost *c);

#endif
