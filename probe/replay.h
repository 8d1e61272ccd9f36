/* probe/replay.h - does a recorded run compute the same again, to the bit?
 *
 * The recorded tokens are fed once more (the prompt once, each path as a fork
 * of it, many tokens a pass) and everything that was recorded of them is
 * compared: residual digest and mode of every layer, digest of the logits,
 * and the choice itself, drawn again with the path's seed.  The engine gives
 * the same bits however the work is cut, so equality proves that it was this
 * computation; it says nothing about whether the reasoning is right.
 *
 * On another instruction set the sums are taken in another order.  Then only
 * the recorded log-probabilities are compared, within REPLAY_TOLERANCE: that
 * is no proof, and the report says so.
 *
 * Threads  one caller; computes on the engine's threads. */
#ifndef PROBE_REPLAY_H
#define PROBE_REPLAY_H

#include <stdint.h>

#include "base/err.h"
#include "db/db.h"

struct engine;

/* Nats.  Another instruction set may take float sums in another order; on
 * activations that are rounded to 8 bits this can tip a rounding, which is far
 * more than an ulp and far less than what a wrong kernel does. */
#define REPLAY_TOLERANCE 0.05

struct replay_opts {
    int path;                       /* this ordinal only; -1: all */
    int (*cancelled)(void *ud);     /* polled between passes; may be NULL */
    void (*progress)(void *ud, int64_t done, int64_t total);    /* tokens */
    void *ud;
};

/* The first thing that is not as recorded: the lowest position, and there the
 * choice before the lowest layer before the logits. */
struct replay_diff {
    int path, pos;
    int layer;                      /* -1: outside the layers */
    const char *what;               /* "residual", "mode", "logits", "choice",
                                     * "log-probability", "text" */
    char was[48], now[48];
};

struct replay_report {
    int same;                       /* nothing differed */
    int exact;                      /* bits were compared, not tolerances */
    int texts_only;                 /* level `steps` keeps no tokens: the run
                                     * was generated again, texts compared */
    char isa_then[96], isa_now[96];
    int n_path;
    int64_t n_token;                /* generated tokens checked */
    int64_t n_prompt;
    int64_t n_layer_row;            /* layer digests compared */
    int64_t n_gap;                  /* paths checked only up to lost tokens */
    struct replay_diff diff;        /* where !same */
    double worst;                   /* !exact: largest |difference|, nats */
    int worst_path, worst_pos;
};

/* The engine that a run asks for: its context, and its instruction set where
 * this machine has it ($SORITES_ISA goes first).  SOR_DIFFERS: the file is not
 * the recorded model, msg locates the first difference; SOR_UNSUP: this build
 * keeps the KV cache in another type. */
enum sor_err replay_engine(struct db *d, const struct db_run *run,
                           const char *model_path, int n_thread,
                           struct engine **out, struct sor_msg *msg);

/* SOR_OK with out->same == 0 where something differs.  SOR_INTERRUPTED:
 * cancelled; SOR_NOTFOUND: the run has no such path, or nothing to replay. */
enum sor_err replay_verify(struct db *d, const struct db_run *run,
                           struct engine *e, const struct replay_opts *o,
                           struct replay_report *out, struct sor_msg *msg);

#endif
