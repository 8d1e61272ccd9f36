/* engine/speculate.h - the guesses of all paths that write, for their next
 * step: looked up in each one's text, or made by the model's own first layers
 * for all paths together (draft.h says which pays when).
 *
 * Ownership  everything is the generator's.
 * Threads    the engine's one caller. */
#ifndef ENGINE_SPECULATE_H
#define ENGINE_SPECULATE_H

#include "engine/draft.h"
#include "engine/engine.h"
#include "engine/generate.h"

/* What a path reads in one step. */
struct guess {
    int32_t tok[1 + DRAFT_MAX]; /* the certain token, then the guesses */
    int n, n_kept;              /* guesses; of which right so far */
};

struct speculate_seat {
    struct session *session;    /* its last certain token is not in yet */
    struct draft *draft;
    struct guess *guess;        /* filled */
    float *logits;              /* [n_vocab] work space; DRAFT_SELF */
    int most;                   /* guesses at most; may be negative */
};

struct speculate {
    struct engine *e;
    enum draft_source source;
    int n_layer;                /* DRAFT_SELF: that guess; 0: a quarter */
    float price;                /* of a row in the pass that checks */
    struct speculate_seat seat[GEN_SEATS];
    int n;
};

/* Fills the guesses and pays for them.  Only DRAFT_SELF can fail: as
 * engine_step() does. */
enum sor_err speculate(struct speculate *job, struct sor_msg *msg);

#endif
