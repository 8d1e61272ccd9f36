/* engine/weights.h - the model's tensors in the layout that the kernels read.
 *
 * Matrices are repacked once, in parallel, into strips of 16 rows (kern.h);
 * the map of the file is not needed for them afterwards.  Vectors and the
 * token embedding are read where they lie in the map. */
#ifndef ENGINE_WEIGHTS_H
#define ENGINE_WEIGHTS_H

#include "base/err.h"
#include "engine/gguf.h"
#include "engine/hparams.h"
#include "engine/kern.h"
#include "engine/pool.h"

/* The matrices of a layer. */
enum weights_mat {
    WEIGHTS_Q, WEIGHTS_K, WEIGHTS_V, WEIGHTS_OUT, WEIGHTS_GATE, WEIGHTS_UP,
    WEIGHTS_DOWN, WEIGHTS_MATS
};

struct weights_layer {
    const float *attn_norm, *ffn_norm;          /* [n_embd] */
    struct kern_mat mat[WEIGHTS_MATS];
};

struct weights {
    const struct gguf_tensor *embd;             /* [n_vocab][n_embd], mapped */
    const float *output_norm;                   /* [n_embd] */
    const float *rope_freqs;                    /* [rope_dim/2], or NULL */
    struct kern_mat head;                       /* [n_vocab][n_embd] */
    struct weights_layer *layer;                /* [n_layer] */
    uint8_t *data;                              /* of all matrices */
    int64_t bytes;                              /* repacked */
    int any_quant, any_float;                   /* kinds of matrices present */
};

/* The matrix's role in the file. */
enum hparams_tensor weights_role(enum weights_mat mat);

/* g must outlive w.  SOR_NOMEM names the bytes wanted. */
enum sor_err weights_init(struct weights *w, const struct gguf *g,
                          const struct model_hparams *hp, struct pool *pool,
                          struct sor_msg *msg);
void weights_release(struct weights *w);

/* One matrix; m->data is the caller's to mem_free().  t's type is one that the
 * engine computes with. */
enum sor_err weights_pack(const struct gguf_tensor *t, struct pool *pool,
                          struct kern_mat *m, struct sor_msg *msg);

/* Row `row` of a mapped tensor as floats: out[dim[0]]. */
void weights_row(const struct gguf_tensor *t, uint64_t row, float *out);

#endif
