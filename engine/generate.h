/* engine/generate.h - continuous batching: many paths decoded over few seats.
 *
 * A path waits in the order in which it was added.  Before every step waiting
 * paths take the free seats, first come, first seated; then the step is put
 * together from
 *   1. one row for each seated path that writes (the token just chosen), and
 *   2. chunks of the prompts of those that still read, in the order in which
 *      they were seated, as far as the budget of rows goes.
 * A path that has ended leaves its seat at once, and the next one's prompt is
 * in the very same step.  An empty seat costs nothing: it has no row.
 *
 * Where drafts are asked for, a path that writes may read guesses at its next
 * tokens in the same step (draft.h).  Each is kept only where the sampler draws
 * that very token from the logits before it; so the tokens, their logits and
 * the sampler's draws are what they are without, and the KV of wrong guesses is
 * gone before anybody sees it.
 *
 * Determinism  a path's bits do not depend on its mates (engine.h), and who
 *          sits when follows from the order of gen_add() and the lengths alone.
 *          Both are told: HOOK_JOIN for a path that takes a seat, HOOK_BATCH
 *          for a step, HOOK_TOKEN for a token chosen.
 * Ownership  sessions, samplers, prompts and outputs are the caller's, and so
 *          is struct gen_path until the path has ended.
 * Threads  one caller; sampling runs on the engine's pool.
 * Memory   everything is allocated by gen_open() and gen_add(). */
#ifndef ENGINE_GENERATE_H
#define ENGINE_GENERATE_H

#include <stdint.h>

#include "base/err.h"
#include "engine/draft.h"
#include "engine/engine.h"
#include "engine/sampler.h"

enum {
    GEN_SEATS = 64,         /* rows with logits in one pass of the engine */
    GEN_ROWS = HOOK_ROWS_MAX
};

enum gen_stop {
    GEN_RUNNING,
    GEN_EOG,                /* the model ended its turn */
    GEN_LENGTH,             /* max_tok reached */
    GEN_CONTEXT,            /* n_ctx reached */
    GEN_CANCELLED           /* on_token said stop, or the caller did */
};

struct gen_path {
    struct session *session;/* holds what comes before; advanced by the loop */
    struct sampler *sampler;
    const int32_t *prompt;  /* [n_prompt] read before the first choice */
    int n_prompt;           /* 0: the session has read it all, and... */
    float *logits;          /* [n_vocab] what its last token made; read when
                             * the path takes its seat, so paths may share it */
    int max_tok;            /* new tokens at most */
    const int32_t *before;  /* [n_before] what the session holds already, */
    int n_before;           /* for guesses; 0: that is not looked into */
    /* filled by the loop */
    int32_t *out;           /* [max_tok], the caller's: chosen ids, the
                             * end-of-generation token included */
    int n_out;
    enum gen_stop stop;
    int joined, left;       /* steps before it took its seat, before it left */
    int n_draft, n_kept;    /* guesses read; of which right */
};

/* What the steps were filled with. */
struct gen_stats {
    int64_t n_step;
    int64_t seats, rows;    /* in use, summed over steps */
    int n_seat, n_row;      /* there were so many in each */
    int64_t n_draft, n_kept;    /* guesses read; of which right */
    /* Steps in which all paths write, by whether there were guesses among
     * their rows; choosing and guessing included. */
    struct gen_time { int64_t n_tok, ns; } plain, drafted;
};

struct gen_opts {
    int n_seat;             /* paths that run together; 0: GEN_SEATS */
    int n_row;              /* rows in a step at most; 0: GEN_ROWS */
    enum draft_source draft;
    int draft_layer;        /* DRAFT_SELF: layers that guess; 0: a quarter */
    /* Tokens written may leave the network early (exit.h), borrowed; not with
     * guesses.  NULL: they may not. */
    const struct exit_rule *exit;
    void *ud;
    /* Called after every token, in the order of the seats; `path` counts the
     * calls of gen_add() from 0; non-zero ends that path.  May be NULL. */
    int (*on_token)(void *ud, int path, int32_t id, float logprob);
    /* The path has left: its session may be closed, others added.  May be
     * NULL. */
    void (*on_end)(void *ud, int path);
    /* Polled before each step of gen_run(); non-zero ends all paths as
     * GEN_CANCELLED.  May be NULL. */
    int (*cancelled)(void *ud);
    struct gen_stats *stats;    /* filled by gen_run(); may be NULL */
};

struct gen;

/* *opts is copied.  SOR_LIMIT: more seats or rows than the engine has. */
enum sor_err gen_open(struct engine *e, const struct gen_opts *opts,
                      struct gen **out, struct sor_msg *msg);
/* Paths that have not ended do so as GEN_CANCELLED.  Accepts NULL. */
void gen_close(struct gen *g);

/* Puts a path at the end of the queue.  SOR_LIMIT: its prompt does not fit into
 * the context. */
enum sor_err gen_add(struct gen *g, struct gen_path *p, struct sor_msg *msg);

/* One step for all who are seated; *more: some have not ended. */
enum sor_err gen_step(struct gen *g, int *more, struct sor_msg *msg);

void gen_stats(const struct gen *g, struct gen_stats *out);

/* All n_path paths to their end: what is above in one call.  Where opts leaves
 * n_seat at 0 there are as many seats as paths, GEN_SEATS at most. */
enum sor_err gen_run(struct engine *e, struct gen_path *path, int n_path,
                     const struct gen_opts *opts, struct sor_msg *msg);

#endif
