/* engine/intervene.h - the input side of the instruments: change one thing
 * inside the forward pass and see what follows.
 *
 * Interventions belong to a timeline and act on the rows it is fed from then
 * on, at the positions they name.  Timelines with one list share passes, so an
 * experiment on many of them gives all the same list, with tags in it.  They are part of what a row's K/V depend
 * on: whoever reuses a prefix sees to it that they agree.
 *
 * Ownership  the list and its vectors are borrowed until the session closes or
 *            gets another list; forks inherit it.
 * Threads    as for the session. */
#ifndef ENGINE_INTERVENE_H
#define ENGINE_INTERVENE_H

#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"

enum intervene_kind {
    INTERVENE_HEAD,         /* a head's output becomes vec, or zero */
    INTERVENE_LAYER,        /* a block adds vec to the residual, or nothing */
    INTERVENE_RESIDUAL,     /* the residual after a block becomes vec */
    INTERVENE_MASK          /* keys key_from .. key_to-1 are not seen; this
                             * leaks: keys after them have read them */
};

struct intervene {
    enum intervene_kind kind;
    int layer;              /* 0 .. n_layer-1; -1: every layer */
    int head;               /* 0 .. n_head-1; -1: every head */
    int from, to;           /* positions of the rows it acts on, half-open */
    int key_from, key_to;   /* of INTERVENE_MASK */
    const float *vec;       /* HEAD [head_dim], LAYER and RESIDUAL [n_embd];
                             * NULL: zeros */
    uint64_t tag;           /* of the one timeline it acts on; 0: all that
                             * have the list */
};

enum { INTERVENE_MAX = 1024 };

/* n == 0 takes them away.  SOR_USAGE names what is out of range. */
enum sor_err session_intervene(struct session *s, const struct intervene *iv,
                               int n, struct sor_msg *msg);

/* The lens: logits[n][n_vocab] of n residual streams resid[n][n_embd], as the
 * output norm and head would read them.  n <= 64. */
enum sor_err engine_unembed(struct engine *e, const float *resid, int n,
                            float *logits, struct sor_msg *msg);

/* What one head adds to the residual: out[n_embd] = Wo restricted to `head`
 * times its output head_out[head_dim] (from HOOK_ATTENDED). */
enum sor_err engine_head_adds(struct engine *e, int layer, int head,
                              const float *head_out, float *out,
                              struct sor_msg *msg);

#endif
