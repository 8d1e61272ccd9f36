/* engine/lora.h - low-rank adapters, applied while the model runs.
 *
 * An adapter adds scale * B (A x) to W x for some of the model's matrices, A
 * [rank][n_in], B [n_out][rank].  The base weights stay as they are, so several
 * adapters, and none, serve different timelines of one engine.
 * Source: Hu et al. 2021, "LoRA"; file layout as llama.cpp's convert_lora_to_
 * gguf.py writes it: general.type "adapter", adapter.type "lora",
 * adapter.lora.alpha, tensors <base>.lora_a [rank][n_in] and <base>.lora_b
 * [n_out][rank]; scale = alpha / rank where alpha is not 0, else 1.
 *
 * Ownership  close an adapter after the sessions that use it.
 * Threads    read-only after lora_open(). */
#ifndef ENGINE_LORA_H
#define ENGINE_LORA_H

#include "base/err.h"
#include "engine/engine.h"
#include "engine/kern.h"
#include "engine/weights.h"

enum { LORA_MAX_RANK = 256, LORA_MAX = 4 };     /* adapters at once */

struct lora_pair {
    struct kern_mat a, b;       /* data NULL: this matrix is not adapted */
    float scale;                /* of A x, everything included */
};

struct lora_layer {
    struct lora_pair mat[WEIGHTS_MATS];
};

struct lora {
    struct engine *engine;
    int n_layer, rank;          /* largest rank */
    int quantised;              /* some A or B is */
    struct lora_layer *layer;   /* [n_layer] */
    char *path;
};

/* What a timeline uses, in the order in which it is added. */
struct lora_set {
    int n;
    const struct lora *set[LORA_MAX];
};

/* Reads and checks an adapter for e's model: every tensor must belong to one of
 * its matrices and fit it.  scale: the user's factor, 1 as trained. */
enum sor_err lora_open(struct engine *e, const char *path, float scale,
                       struct lora **out, struct sor_msg *msg);
void lora_close(struct lora *l);                /* accepts NULL */

/* Every timeline that e opens from now on starts with these; e closes them with
 * itself (or, where this fails, they stay the caller's).  n <= LORA_MAX. */
enum sor_err engine_adapt(struct engine *e, struct lora *const *set, int n,
                          struct sor_msg *msg);

/* Which adapters a timeline uses, in order; only while it is empty (SOR_USAGE
 * otherwise), since its K/V depend on them.  Forks inherit.  n <= LORA_MAX. */
enum sor_err session_adapt(struct session *s, const struct lora *const *set,
                           int n, struct sor_msg *msg);

#endif
