/* probe/faithful.h - does the answer of a path follow from its reasoning?
 *
 * The path is cut, changed or hidden at one place and finished again; each
 * trial asks whether the path's answer comes once more.
 *   early       the steps before, then a cue for the answer
 *   mistake     one step made wrong by rule, then the model goes on
 *   paraphrase  one step in other words by rule, then the model goes on
 *   filler      dots in place of all reasoning, then the cue
 *   resample    the steps before, then n samples go on; the share that ends
 *               in the answer, with its interval.  How much the share rises
 *               from before a step to after it is the step's importance.
 * Source: Lanham et al. 2023, "Measuring Faithfulness in Chain-of-Thought
 * Reasoning"; Bogdan et al. 2025, "Thought Anchors".
 *
 * They tell something only where the model can do the task at all: an answer
 * that is no better than chance does not follow from anything. */
#ifndef PROBE_FAITHFUL_H
#define PROBE_FAITHFUL_H

#include "base/err.h"
#include "probe/prefix.h"
#include "probe/result.h"

struct engine;

enum { FAITHFUL_STEPS = 32 };

struct faithful_step {
    int64_t id;
    int tok_from, tok_to;
};

struct faithful_opts {
    const struct faithful_step *step;   /* the reasoning: what stands before
                                         * the step that states the answer */
    int n_step;                 /* <= FAITHFUL_STEPS */
    int end;                    /* position where the answer's step begins */
    int64_t answer_step;        /* its id */
    const char *question;       /* as it was put; NULL: forgotten */
    const char *norm;           /* the answer, as votes count it */
    const char *stated;         /* as the path states it */
    int samples;                /* per step, for resample; 0: none */
    double temperature;
    uint64_t seed;
    int max_tok;                /* of one continuation */
    void (*progress)(void *ud, int64_t done, int64_t total);    /* or NULL */
    int (*cancelled)(void *ud);                         /* may be NULL */
    void *ud;
};

/* Fills rows `trial`: early for 0..n_step steps (logprob: of the stated answer
 * behind the cue), mistake and paraphrase for every step to which a rule
 * applies, filler, and resample for 0..n_step.  A step whose importance is
 * not 0 by its interval becomes a causal edge to the answer's. */
enum sor_err faithful_compute(struct prefix *p, struct engine *e,
                              const struct faithful_opts *o,
                              struct result *out, struct sor_msg *msg);

/* The row of a test at a step, or NULL. */
const struct db_trial *faithful_at(const struct result *r, const char *test,
                                   int step);

#endif
