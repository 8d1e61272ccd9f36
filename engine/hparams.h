/* engine/hparams.h - the shape of a model, read from a GGUF file through one
 * descriptor per family and cross-checked with its tensors.
 *
 * After hparams_read() the engine may trust every number here and every
 * tensor's shape: required tensors exist, none is of an unexpected name, and
 * all types are ones that the engine computes with.
 *
 * Ownership  plain data; `family` points to a constant.
 * Threads    a value; copy it freely. */
#ifndef ENGINE_HPARAMS_H
#define ENGINE_HPARAMS_H

#include <stdint.h>

#include "base/err.h"
#include "engine/gguf.h"

enum hparams_rope {
    HPARAMS_ROPE_NORM,          /* pairs (2i, 2i+1): llama */
    HPARAMS_ROPE_NEOX           /* pairs (i, i + rope_dim/2) */
};

/* What a tensor is for.  Those before HPARAMS_GLOBALS are one per model (the
 * layer argument is ignored), the others one per layer.  Matrices are
 * [rows = outputs][dim0 = inputs]. */
enum hparams_tensor {
    HPARAMS_TOKEN_EMBD,         /* [n_vocab][n_embd] */
    HPARAMS_OUTPUT_NORM,        /* [n_embd] f32 */
    HPARAMS_OUTPUT,             /* [n_vocab][n_embd]; absent: tied */
    HPARAMS_ROPE_FREQS,         /* [rope_dim/2] f32, divides the angle; opt. */
    HPARAMS_GLOBALS,
    HPARAMS_ATTN_NORM = HPARAMS_GLOBALS, /* [n_embd] f32 */
    HPARAMS_ATTN_Q,             /* [n_head * head_dim][n_embd] */
    HPARAMS_ATTN_K,             /* [n_head_kv * head_dim][n_embd] */
    HPARAMS_ATTN_V,             /* [n_head_kv * head_dim][n_embd] */
    HPARAMS_ATTN_OUT,           /* [n_embd][n_head * head_dim] */
    HPARAMS_FFN_NORM,           /* [n_embd] f32 */
    HPARAMS_FFN_GATE,           /* [n_ff][n_embd] */
    HPARAMS_FFN_UP,             /* [n_ff][n_embd] */
    HPARAMS_FFN_DOWN,           /* [n_embd][n_ff] */
    HPARAMS_TENSORS
};

struct hparams_family;          /* the descriptor: names, shapes, rope order */

struct model_hparams {
    const struct hparams_family *family;
    uint32_t n_layer;           /* 1..512 */
    uint32_t n_embd;            /* 1..65536; a multiple of 32 if quantised */
    uint32_t n_head;            /* query heads */
    uint32_t n_head_kv;         /* divides n_head */
    uint32_t head_dim;          /* even, <= 256 */
    uint32_t n_ff;
    uint32_t n_vocab;           /* <= 1,000,000 = embedding rows = tokens */
    uint32_t n_ctx_train;       /* positions that it was trained on */
    float    rms_eps;
    float    rope_base;         /* theta */
    float    rope_scale;        /* linear scaling: positions are divided by it;
                                 * 1 = none */
    uint32_t rope_dim;          /* leading dimensions of a head that rotate */
    enum hparams_rope rope;
    int      tied;              /* output head = token embedding */
    int      rope_freqs;        /* rope_freqs.weight is present */
};

/* Reads and checks them.  SOR_UNSUP names what is not supported (an unknown
 * family with the known ones, a rope scaling, a tensor type); SOR_FORMAT names
 * the key or tensor, its value and what was expected. */
enum sor_err hparams_read(const struct gguf *g, struct model_hparams *out,
                          struct sor_msg *msg);

const char *hparams_family_name(const struct model_hparams *hp);  /* "llama" */

/* The tensor for a role; NULL only for the optional ones.  layer < n_layer. */
const struct gguf_tensor *hparams_tensor(const struct gguf *g,
                                         const struct model_hparams *hp,
                                         enum hparams_tensor role,
                                         uint32_t layer);

#endif
