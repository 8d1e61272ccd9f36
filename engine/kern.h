/* engine/kern.h - the arithmetic of the forward pass, one table per ISA.
 *
 * Every kernel is written once, in kern_body.h, over a vector of 16 floats;
 * kern_ref.c, kern_avx2.c and kern_avx512.c say what such a vector is.  The
 * order of every sum is part of the algorithm (16 lanes, then a fixed tree;
 * columns, blocks and keys from the first to the last), each rounding is an
 * IEEE one, and fused multiply-adds are asked for by name.  So all tables give
 * the same bits, for any split of the work.
 *
 * Threads  kernels are pure functions of their arguments. */
#ifndef ENGINE_KERN_H
#define ENGINE_KERN_H

#include <stddef.h>
#include <stdint.h>

enum kern_isa { KERN_REF, KERN_AVX2, KERN_AVX512, KERN_ISAS };

enum {
    KERN_LANES = 16,        /* floats in a vector; rows in a strip */
    KERN_QBLOCK = 32,       /* columns that share a scale */
    KERN_KVBLOCK = 16,      /* tokens in a KV block */
    KERN_GROUP = 4,         /* KV blocks folded into a softmax at once */
    KERN_CHUNK = 32,        /* KV blocks summed before partials are merged */
    KERN_HEAD_DIM = 256,    /* the largest head_dim */
    KERN_WIDE = 6           /* see struct kern_acts */
};

/* How a weight matrix is laid out for the kernels. */
enum kern_wtype {
    KERN_Q4_0, KERN_Q4_1, KERN_Q4_K, KERN_Q5_K, KERN_Q6_K, KERN_Q8_0,
    KERN_F16, KERN_BF16, KERN_F32,
    KERN_WTYPES
};

/* A matrix [n_out][n_in] in strips of 16 rows; the last strip is padded with
 * zero rows.  A strip of a quantised type holds, for each 32 columns in turn,
 * the integers in pieces of 64 bytes, 4 bytes a row:
 *   4 bits  4 pieces; piece p holds columns 4p..4p+3 (low nibbles) and
 *           16+4p..16+4p+3 (high nibbles)
 *   8 bits  8 pieces; piece p holds columns 4p..4p+3
 * and then 16 of each scale that the type has:
 *   q4_0  4 bits, f16 d            value d (q - 8)
 *   q4_1  4 bits, f16 d, m         value d q + m
 *   q4_k  4 bits, f32 d, m         value d q + m
 *   q5_k  8 bits, f32 d, m         value d q + m, q < 64
 *   q6_k  8 bits, f32 d0, d1       value d (q - 32), q < 64; d0 for the first
 *                                  16 columns, d1 for the others
 *   q8_0  8 bits, f16 d            value d (q - 128)
 * A strip of a float type holds [n_in][16]. */
struct kern_mat {
    enum kern_wtype type;
    int n_out, n_in, n_strip;
    size_t strip_bytes;
    uint8_t *data;          /* [n_strip][strip_bytes], 64-byte aligned */
};

/* What a product needs of a block besides its bytes. */
struct kern_scale {
    float d, s;             /* s: d * sum */
    int32_t sum, half;      /* of q; of the first 16 */
};

/* Rows of activations, as floats and in 16 bits a block of 32 at a time:
 * f = d * q, q = 256 hi + lo, both bytes in -127..127.  Where `narrow` is set,
 * a block has lo = 0, which a product then need not read, unless its largest
 * element is over KERN_WIDE times the row's root mean square: the few blocks
 * that stand out hold most of the rounding error.  What a row becomes depends
 * on that row alone.  SmolLM2-135M Q4_1 against float activations: one byte
 * everywhere, mean KL 0.0032 and residual norms up to 6 % off; narrow but for
 * the first tenth of the layers, 0.0006 and 2 %; two bytes, less than 0.00001
 * and 0.15 %.
 *
 * Blocks lie in the order in which mul() meets them: rows are cut into tiles
 * of tile_rows (then 8, 4, 2, 1 for what is left), and a tile holds block 0 of
 * all its rows, then block 1, and so on: kern_act_at(). */
struct kern_acts {
    int n_row, n_in;
    int narrow;             /* 1: blocks may do with one byte */
    float   *f;             /* [n_row][n_in] */
    int8_t  *q;             /* [n_row * n_in / 32][hi 32, lo 32] */
    struct kern_scale *scale;       /* [n_row * n_in / 32] */
    uint8_t *wide;          /* [n_row * n_in / 32] 0: lo is 0 all through;
                             * only where narrow is 1 */
};

struct kern_out {
    float *const *row;      /* [n_row] -> [n_out] */
    int add;                /* 1: row += product; 0: row = product */
};

/* What is known of one query's attention over some of its keys: a partial
 * softmax.  m: largest score so far; l: sum of exp(s - m); t: sum of
 * exp(s - m) * (s - m); o: sum of exp(s - m) * v.  l and t stay in 16 lanes
 * (key mod 16) until the end, so that attention can go on from a partial. */
struct kern_part {
    float m;                /* -INFINITY: no key yet */
    float l[KERN_LANES], t[KERN_LANES];
    float *o;               /* [head_dim rounded up to 16] */
};

/* The end of a partial: l and t joined in the one order for sums of lanes. */
struct kern_total { float m, l, t; };

/* How keys and values are kept.  The K and V of one block, layer and KV head
 * are a piece; width is head_dim rounded up to 16:
 *   f16  K [head_dim][16 keys], V [16 keys][width], binary16
 *   q8   K [width / 4][16 keys][4] bytes q + 128, then float d[16 keys];
 *        V [4][width][4 keys] bytes q, then float d[16 keys]: value d q
 * q is in -127..127 and d a token's largest |x| / 127, so that its K and V
 * depend on no other token.  K goes through a Walsh-Hadamard transform first,
 * in runs of the largest power of two that divides head_dim, if 16 does; the
 * query, too, when it comes. */
enum kern_kvtype { KERN_KV_F16, KERN_KV_Q8, KERN_KVTYPES };

/* One KV group's work on some queries and a range of KV blocks. */
struct kern_attn {
    int head_dim;
    int n_query;
    const float *const *q;          /* [n_query] -> [head_dim], scaled */
    const int32_t *n_key;           /* [n_query] keys 0 .. n_key-1 are read */
    int block_from, block_to;       /* half-open; from: a multiple of
                                     * KERN_GROUP */
    const void *const *kv;          /* [block_to - block_from] -> piece */
    const void *const *next;        /* [KERN_GROUP] -> pieces that may be read
                                     * after these; NULL: unknown */
    struct kern_part *const *part;  /* [n_query], carried on */
    /* Optional, NULL: not wanted. */
    const uint16_t *const *hide;    /* [n_query] -> [blocks] bit k: key k of
                                     * the block is not seen */
    float *const *mass;             /* [n_query] -> [blocks, up to a whole
                                     * KERN_GROUP]: what each added to l */
    float *const *top;              /* [n_query] -> [groups]: the m that it
                                     * was added for; with mass */
    float *const *score;            /* [n_query] -> [blocks][16] raw scores */
};

/* A group's queries as reach() wants them: of each dimension the sum of what is
 * below 0 and of what is above, d * (256 hi + lo). */
struct kern_aim {
    int8_t hi[2 * KERN_HEAD_DIM], lo[2 * KERN_HEAD_DIM];
    int32_t sum;                    /* of 256 hi + lo */
    float d;
};

struct kern_stats { float sumsq; uint32_t digest; };

struct kern_table {
    const char *name;
    enum kern_isa isa;
    int tile_rows;          /* a power of two <= 16 */
    /* Rows strip_from*16 .. strip_to*16-1 of w times every row of x. */
    void (*mul[KERN_WTYPES])(const struct kern_mat *w,
                             const struct kern_acts *x, int strip_from,
                             int strip_to, const struct kern_out *out);
    /* y = x / sqrt(mean(x^2) + eps) * w; st: of x, with its bits' sum. */
    void (*rmsnorm)(const float *x, const float *w, int n, float eps,
                    float *y);
    void (*stats)(const float *x, int n, struct kern_stats *st);
    /* Fills q, scale and wide of row `row` from its f. */
    void (*quantise)(const struct kern_acts *x, int row);
    /* g = silu(g) * u.  n: any. */
    void (*swiglu)(float *g, const float *u, int n);
    /* A partial over no keys; its o is set to zero. */
    void (*part_init)(struct kern_part *p, int head_dim);
    /* k, v[head_dim] of one token become key `key` (0..15) of a piece. */
    void (*put[KERN_KVTYPES])(const float *k, const float *v, int head_dim,
                              void *piece, int key);
    void (*attn[KERN_KVTYPES])(const struct kern_attn *a);
    /* The least and the largest value that the 16 keys of a piece have in each
     * dimension become lane `lane` of 16 hulls: bytes q + 128 [head_dim / 2]
     * [16][2 dimensions][least, largest], then float d[16]: value d q, rounded
     * away from the keys. */
    void (*hull[KERN_KVTYPES])(const void *piece, int head_dim,
                               uint8_t *hull, int lane);
    /* n_query >= 1 queries q[i][head_dim] -> aim. */
    void (*aim)(const float *const *q, int n_query, int head_dim,
                struct kern_aim *aim);
    /* far[lane]: what no sum of q . k over the queries, each with any one key
     * of that lane's block, exceeds, but for the rounding of aim; never NaN.
     * next: hulls that may be read later. */
    void (*reach)(const uint8_t *hull, int head_dim, const struct kern_aim *aim,
                  const uint8_t *next, float *far);
    /* bits[n / 16]: the k largest of x[0..n), the first of equals; n a multiple
     * of 16, 0 < k <= n, no NaN. */
    void (*best)(const float *x, int n, int k, uint16_t *bits);
    /* a becomes the partial over a's keys and b's. */
    void (*merge)(struct kern_part *a, const struct kern_part *b,
                  int head_dim);
    /* o / l, the attention's output, into y[head_dim]. */
    void (*finish)(const struct kern_part *p, int head_dim, float *y,
                   struct kern_total *total);
    /* For the sampler, over logits.  top: the largest of x[0..n), NaN passed
     * over; *finite: 1 if all are.  exps: y = exp(scale (x - max)), 0 where
     * scale (x - max) <= -87.3, also for NaN.  exp_sums, of finite x: the sum
     * of those and of those times x - max; n is a multiple of 16. */
    float (*top)(const float *x, int n, int *finite);
    void (*exps)(const float *x, int n, float max, float scale, float *y);
    void (*exp_sums)(const float *x, int n, float max, float scale,
                     float sum[2]);
};

/* A tile of rows: the first and how many. */
struct kern_tile { int from, n; };

/* The tile that `row` of n_row rows falls into. */
static inline struct kern_tile kern_tile_of(int tile_rows, int n_row, int row)
{
    struct kern_tile t = { row / tile_rows * tile_rows, tile_rows };

    while (t.from + t.n > n_row) {      /* in what is left, halves */
        t.n /= 2;
        if (t.from + t.n <= row && t.from + t.n <= n_row)
            t.from += t.n;
    }
    return t;
}

/* Where block `b` of nb of a row lies, counted in blocks. */
static inline size_t kern_act_at(struct kern_tile t, int row, int nb, int b)
{
    return (size_t)t.from * (size_t)nb + (size_t)b * (size_t)t.n +
           (size_t)(row - t.from);
}

/* 1 for the types whose products are integers. */
static inline int kern_quantised(enum kern_wtype type)
{
    return type <= KERN_Q8_0;
}

/* Bytes that 32 columns of a strip take. */
static inline size_t kern_block_bytes(enum kern_wtype type)
{
    static const uint16_t bytes[KERN_WTYPES] = {
        [KERN_Q4_0] = 256 + 32,  [KERN_Q4_1] = 256 + 64,
        [KERN_Q4_K] = 256 + 128, [KERN_Q5_K] = 512 + 128,
        [KERN_Q6_K] = 512 + 128, [KERN_Q8_0] = 512 + 32,
        [KERN_F16] = 1024, [KERN_BF16] = 1024, [KERN_F32] = 2048,
    };

    return bytes[type];
}

/* Bytes of a piece, a multiple of 32. */
static inline size_t kern_piece_bytes(enum kern_kvtype type, int head_dim)
{
    size_t width = (size_t)(head_dim + KERN_LANES - 1) / KERN_LANES *
                   KERN_LANES;

    return type == KERN_KV_F16 ? 2 * KERN_KVBLOCK * ((size_t)head_dim + width)
                               : 2 * KERN_KVBLOCK * (width + sizeof(float));
}

/* Bytes of the hulls of 16 blocks: a multiple of 64. */
static inline size_t kern_hull_bytes(int head_dim)
{
    return KERN_LANES * (2 * (size_t)head_dim + sizeof(float));
}

/* The best table that this CPU runs and `cap` allows. */
const struct kern_table *kern_pick(enum kern_isa cap);

/* "ref", "avx2", "avx512" -> isa; -1: no such name. */
int kern_isa_parse(const char *name);

/* "f16", "q8", as run.kv_type has them; -1: no such name. */
const char *kern_kv_name(enum kern_kvtype type);
int kern_kv_parse(const char *name);

/* 1 where this CPU runs k's code; for tests of every table. */
int kern_runs(const struct kern_table *k);

/* kern_avxvnni is kern_avx2 with quicker products and the same bits; kern_pick()
 * chooses between them. */
extern const struct kern_table kern_ref, kern_avx2, kern_avxvnni, kern_avx512;

#endif
