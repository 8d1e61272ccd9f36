/* engine/forward_impl.h - the state of a pass, shared by forward.c (the
 * network), attention.c and product.c (its stages) and observe.c (what is
 * told). */
#ifndef ENGINE_FORWARD_IMPL_H
#define ENGINE_FORWARD_IMPL_H

#include "engine/forward.h"

enum {
    PRODUCT_MATS = 3,           /* matrices that share their input */
    ATTN_QUERIES = 24,          /* rows x heads that a task aims at */
    ATTN_MAX_QUERIES = 128,     /* and never exceeds: heads per KV group */
    ATTN_SPLIT_PAIRS = 256      /* (row, chunk) pairs that may run apart */
};

/* Facts about the rows of a pass, kept until they are told. */
struct forward_facts {
    float *entropy;             /* [rows][n_head] */
    struct kern_stats *in;      /* [rows] residual going into this layer */
    float *norm_in;             /* [rows] L2 norm going into the layer told */
    int16_t *nan_layer;         /* [rows] */
    uint64_t pass_ns;           /* when the pass began */
    uint64_t layer_ns;          /* when the layer began */
    /* HOOK_ATTN: for rows with logits, by their number among those. */
    float *mass;                /* [mass_rows][n_head][mass_width] this layer:
                                 * as the kernel has it, then each block's
                                 * share */
    float *mass_top;            /* likewise, one for each KERN_GROUP of them */
    float *mass_sum;            /* [mass_rows][n_block] over layers, heads */
    size_t mass_width;          /* n_block, up to a whole KERN_GROUP */
    int mass_rows;
    /* HOOK_HEAD */
    float *score;               /* [score_rows][n_head][n_block * 16] */
    float *score_m, *score_l;   /* [score_rows][n_head] */
    int score_rows;
    uint64_t digest[FORWARD_LOGITS];    /* of the logits, by their number */
};

/* Rows that attend together: neighbours in one timeline, or rows of timelines
 * that share their first blocks. */
struct attn_tile {
    int16_t row, n_row;         /* first row, rows */
    int16_t n_chunk;            /* chunks of KERN_CHUNK blocks it sees */
    int16_t split_at;           /* first of its (row, chunk) pairs */
    int16_t is_routed;          /* one row, which picks its blocks */
    int32_t shared;             /* leading blocks that all its rows share */
};

struct attn_scratch {           /* of one thread */
    struct kern_part *part;     /* [2][ATTN_MAX_QUERIES]: so far, chunk */
};

/* route_pick.h: what a thread needs to pick the blocks of a row and group, by
 * their number in the timeline. */
struct route_pick {
    int from, to;               /* those compared */
    float *far;                 /* how far the queries reach into each */
    uint16_t *bits;             /* one for each of from..to-1: picked */
    int32_t *place, *block;     /* those picked: number, place in the KV */
};

/* A x of one adapter and matrix: rows of activations for its B. */
struct adapter_rows {
    struct kern_acts acts;
    float **row;                /* [rows] -> acts.f */
    int most;                   /* rank that acts has room for */
};

/* Of the one row that may leave early. */
struct forward_exit {
    float sure;                 /* of the lens after this layer; 0: not asked */
    int depth;                  /* layers that it went through */
    int has_head;               /* its logits are there */
};

struct forward {
    struct forward_parts p;
    struct hook_observer observer;
    int any_quant;              /* some matrix wants rows in integers */
    uint64_t seq;

    const struct forward_row *row;
    int n;                      /* rows of this pass */
    int n_logits;
    int layer;
    int16_t logit_row[FORWARD_LOGITS];      /* n-th row with logits */
    int16_t logit_no[FORWARD_ROWS];         /* its inverse; -1 */

    float *x;                   /* [rows][n_embd] residual stream */
    struct kern_acts in;        /* [rows][n_embd] normalised */
    float *q, *k, *v;           /* [rows][heads * head_dim] */
    struct kern_acts mid;       /* [rows][n_head * head_dim] attended */
    struct kern_acts ff;        /* [rows][n_ff]; f: the gate */
    float *up;                  /* [rows][n_ff] */
    float *cos, *sin;           /* [rows][rope_dim / 2] */
    double *inv_freq;           /* [rope_dim / 2] radians per position */
    float **row_x, **row_q, **row_k, **row_v, **row_gate, **row_up;

    const struct lora_set *lora;    /* of this pass; never NULL in one */
    struct adapter_rows lora_h[PRODUCT_MATS][LORA_MAX];

    const struct intervene *iv;     /* of this pass */
    int n_iv;
    struct blas *blas;              /* NULL: never asked for */
    int with_blas;                  /* this pass */
    float *before;              /* [rows][n_embd]; only for interventions */
    struct forward_exit exit;

    struct attn_tile tile[FORWARD_ROWS];
    int n_tile, split;          /* split: tasks are (tile, group, chunk) */
    struct attn_scratch thread[POOL_MAX_THREADS];
    struct kern_part *split_part;   /* [ATTN_SPLIT_PAIRS][n_head] */
    struct route_pick pick[POOL_MAX_THREADS];   /* where hulls are kept */
    int16_t full[FORWARD_ROWS];     /* rows that fill a block */
    int n_full;
    uint8_t unsure[FORWARD_ROWS];   /* what the guard says of guarded rows */

    struct forward_facts facts;
};

static inline int forward_wants(const struct forward *f, enum hook_kind kind)
{
    return hook_wants(&f->observer, kind);
}

int kern_acts_init(struct kern_acts *a, size_t rows, size_t n_in);
void kern_acts_release(struct kern_acts *a);

/* forward.c: logits of the rows that want them. */
void forward_head(struct forward *f);

/* exit.c: after a block.  1: the pass's only row leaves. */
int exit_now(struct forward *f);

/* product.c: up to three matrices times the same rows. */
struct product {
    int n;
    int gate;                   /* 1: out[0] = silu(out[0]) * out[1] */
    const struct kern_acts *x;
    int mat[PRODUCT_MATS];      /* enum weights_mat, for adapters; -1: none */
    const struct kern_mat *w[PRODUCT_MATS];
    struct kern_out out[PRODUCT_MATS];
};
void product_run(struct forward *f, const struct product *p);
void product_release(struct forward *f);

/* attention.c: q, k, v of the current layer -> mid.f; K and V stored. */
enum sor_err attention_init(struct forward *f, struct sor_msg *msg);
void attention_release(struct forward *f);
void attention_plan(struct forward *f);     /* once a pass: the tiles */
void attention_run(struct forward *f);
void attention_store(struct forward *f);    /* K and V alone */

/* intervene.c, on the calling thread. */
void intervene_begin(struct forward *f);    /* before a block */
void intervene_heads(struct forward *f);    /* attention is done */
void intervene_end(struct forward *f);      /* after a block */
/* Bits of the keys in blocks from..to-1 that `row` may not see, into
 * hide[to - from]; returns 0 where there are none. */
int intervene_hides(const struct forward *f, int row, int from, int to,
                    uint16_t *hide);

/* observe.c */
void observe_release(struct forward *f);
void observe_pass(struct forward *f);               /* a pass begins */
/* The softmax of a head over n_block blocks is final. */
void observe_head(struct forward *f, int row, int head, int n_block,
                  const struct kern_total *total);
void observe_layer(struct forward *f, int layer);   /* a layer's output stands
                                                     * in facts.in; -1: the
                                                     * embedding */
void observe_left_out(struct forward *f);           /* layers after an exit */
void observe_rows(struct forward *f);               /* the pass is over */
/* Raw activations v[rows][n] of this layer, for those who ask. */
void observe_vec(struct forward *f, enum hook_kind kind, const float *v,
                 size_t n);

#endif
