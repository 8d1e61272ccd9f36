/* engine/kern_attn_body.h - the part of kern_body.h that attends: one KV head's
 * keys and values, written and read.
 *
 * Lanes are the 16 keys of a block in the scores, and dimensions of the head
 * in the output, so neither needs a sum across lanes.
 * Online softmax: Milakov & Gimelshein 2018, "Online normalizer calculation
 * for softmax"; with t beside l, since the entropy is  ln l - t / l.  The
 * maximum is taken over a group of KERN_GROUP blocks, so that outputs stay in
 * registers for 64 keys.
 *
 * Integers: where K and V are bytes, so is all that meets them.
 *   s = d_q d_k (q . k)             both spread(); q in 16 bits, 256 hi + lo
 *   o += c (w . v)                  w = exp(s - m) d_v = c (128 hi + lo), c
 *                                   set by the largest w of the group
 * Both products are exact; the bytes of w are 7 bits and never negative, which
 * is what the multiplications of every ISA take. */

enum { GROUP_KEYS = KERN_GROUP * KERN_KVBLOCK, HEAD_DIM_MAX = KERN_HEAD_DIM };

/* A query in 16 bits. */
struct query_bytes {
    int8_t hi[HEAD_DIM_MAX], lo[HEAD_DIM_MAX];
    int32_t sum;                        /* of 256 hi + lo */
    float d;
};

/* exp(s - m) d_v of a group's keys. */
struct weight_bytes {
    int8_t hi[GROUP_KEYS], lo[GROUP_KEYS];
    float c;
};

/* A tile of queries and the group of blocks that it meets. */
struct group {
    const struct kern_attn *a;
    int at;                             /* the tile's first query */
    int n_block;                        /* 1 .. KERN_GROUP */
    const uint8_t *kv[KERN_GROUP];
    const uint8_t *ahead[KERN_GROUP];   /* what is read after it */
    float w[TILE_QUERIES][GROUP_KEYS];  /* scores, then exp(s - m) */
    struct query_bytes q[TILE_QUERIES];         /* KERN_KV_Q8 */
    struct weight_bytes b[TILE_QUERIES];        /* likewise */
};

INLINE size_t attn_width(int head_dim)
{
    return (size_t)(head_dim + KERN_LANES - 1) / KERN_LANES * KERN_LANES;
}

INLINE int keys_in_block(int n_key, int block)
{
    int n = n_key - block * KERN_KVBLOCK;

    return n < 0 ? 0 : n < KERN_KVBLOCK ? n : KERN_KVBLOCK;
}

INLINE const uint16_t *halves(const uint8_t *piece)
{
    return (const uint16_t *)(const void *)piece;
}

/* Where the scales of K and of V stand in a piece of bytes. */
INLINE VF byte_scales(const uint8_t *piece, int head_dim, int of_v)
{
    const size_t bytes = KERN_KVBLOCK * attn_width(head_dim);
    const uint8_t *p = piece + (of_v ? 2 * bytes + 64 : bytes);

    return vf_load((const float *)(const void *)p);
}

/* Asks for a line of the group to come.  Only where there are few queries is
 * memory what limits them. */
INLINE void fetch(const uint8_t *p, const int nq)
{
    if (nq <= 4)
        __builtin_prefetch(p);
}

/* --- written --------------------------------------------------------------*/

static void put_f16(const float *k, const float *v, int head_dim, void *piece,
                    int key)
{
    uint16_t half[HEAD_DIM_MAX], *to = piece;

    to_f16(k, half, head_dim);
    for (int d = 0; d < head_dim; d++)
        to[d * KERN_KVBLOCK + key] = half[d];
    to += (size_t)head_dim * KERN_KVBLOCK;
    to_f16(v, to + (size_t)key * attn_width(head_dim), head_dim);
}

/* How many dimensions spread() mixes: the largest power of two that divides
 * head_dim; none where 16 does not. */
INLINE int spread_over(int head_dim)
{
    int n = head_dim & -head_dim;

    return n < KERN_LANES ? 1 : n;
}

/* The Walsh-Hadamard transform H of each run of that many.  Some dimensions of
 * a key are large in every token and would set the step of all the others;
 * spread over all of them they do not.  Products survive: Hq . Hk = n q . k.
 * Source: Ashkboos et al. 2024, "QuaRot", on keys. */
INLINE void spread(const float *x, int head_dim, float *y)
{
    static const uint16_t second[] = { 0xaaaa, 0xcccc, 0xf0f0, 0xff00 };
    const int n = spread_over(head_dim);

    memcpy(y, x, (size_t)head_dim * sizeof *y);
    for (int i = 0; n > 1 && i < head_dim; i += KERN_LANES) {
        VF v = vf_load(y + i);

        UNROLL
        for (int k = 0; k < 4; k++) {
            VF w = vf_swap(v, 1 << k);

            v = vf_hide(vf_add(v, w), second[k], vf_sub(w, v));
        }
        vf_store(y + i, v);
    }
    for (int s = KERN_LANES; s < n; s *= 2)
        for (int at = 0; at < head_dim; at += 2 * s)
            for (int i = at; i < at + s; i += KERN_LANES) {
                VF a = vf_load(y + i), b = vf_load(y + i + s);

                vf_store(y + i, vf_add(a, b));
                vf_store(y + i + s, vf_sub(a, b));
            }
}

/* q = round(x / d), d = max|x| / 127; zeros up to a multiple of 16.  Returns d;
 * infinity for a vector that is not finite, whose products then are NaN. */
static float to_bytes(const float *x, int n, int8_t *q)
{
    VF most = vf_zero(), zero = vf_zero();
    int i = 0;

    for (; i < n; i += KERN_LANES) {
        VF v = n - i < KERN_LANES ? load_tail(x + i, n - i) : vf_load(x + i);

        most = vf_max(vf_abs(v), most);
        zero = vf_fma(v, vf_zero(), zero);
    }
    const int finite = vf_sum(zero) == 0.0f;
    const float top = vf_top(most);
    const VF inv = vf_set1(finite && top > 1e-30f ? 127.0f / top : 0.0f);

    for (i = 0; i < n; i += KERN_LANES) {
        VF v = n - i < KERN_LANES ? load_tail(x + i, n - i) : vf_load(x + i);

        vf_store_i8(q + i, vf_round(vf_mul(v, inv)));
    }
    return finite ? top / 127.0f : INFINITY;
}

static void put_q8(const float *k, const float *v, int head_dim, void *piece,
                   int key)
{
    const size_t width = attn_width(head_dim);
    float x[HEAD_DIM_MAX], d;
    int8_t q[HEAD_DIM_MAX];
    uint8_t *to = piece;

    spread(k, head_dim, x);
    d = to_bytes(x, head_dim, q);

    for (size_t i = 0; i < width; i++)
        to[i / 4 * 64 + (size_t)key * 4 + i % 4] = (uint8_t)(q[i] + 128);
    to += KERN_KVBLOCK * width;
    memcpy(to + (size_t)key * sizeof d, &d, sizeof d);
    to += KERN_KVBLOCK * sizeof d;
    d = to_bytes(v, head_dim, q);
    for (size_t i = 0; i < width; i++)
        to[((size_t)key / 4 * width + i) * 4 + (size_t)key % 4] =
            (uint8_t)q[i];
    to += KERN_KVBLOCK * width;
    memcpy(to + (size_t)key * sizeof d, &d, sizeof d);
}

/* --- scores ---------------------------------------------------------------*/

/* w[i] = q_i . k for the keys of nb blocks from `from` on, at once: few queries
 * alone would leave the adders waiting for each other. */
INLINE void scores_f16(struct group *g, int from, const int nq, const int nb)
{
    const int hd = g->a->head_dim;
    const float *const *q = g->a->q + g->at;
    VF s[KERN_GROUP][TILE_QUERIES];

    UNROLL
    for (int j = 0; j < nb; j++)
        UNROLL
        for (int i = 0; i < nq; i++)
            s[j][i] = vf_zero();
    for (int part = 0; part < nb; part++) {
        const uint8_t *ahead = g->ahead[from + part];

        for (int d = hd * part / nb; d < hd * (part + 1) / nb; d++) {
            UNROLL
            for (int j = 0; j < nb; j += 2, ahead += nb > 1 ? 64 : 32)
                fetch(ahead, nq);
            UNROLL
            for (int j = 0; j < nb; j++) {
                VF kd = vf_f16(halves(g->kv[from + j]) + d * KERN_KVBLOCK);

                UNROLL
                for (int i = 0; i < nq; i++)
                    s[j][i] = vf_fma(vf_set1(q[i][d]), kd, s[j][i]);
            }
        }
    }
    UNROLL
    for (int j = 0; j < nb; j++)
        UNROLL
        for (int i = 0; i < nq; i++)
            vf_store(g->w[i] + (from + j) * KERN_KVBLOCK, s[j][i]);
}

/* x[n] as d (256 hi + lo), d = max|x| / (256 * 127); zeros up to a multiple of
 * 16.  Returns d; *sum: of 256 hi + lo. */
static float to_words(const float *x, int n, int8_t *hi, int8_t *lo,
                      int32_t *sum)
{
    const float full = 256.0f * 127.0f;
    VF most = vf_zero(), all = vf_zero();

    for (int i = 0; i < n; i += KERN_LANES) {
        VF v = n - i < KERN_LANES ? load_tail(x + i, n - i) : vf_load(x + i);

        most = vf_max(vf_abs(v), most);
    }
    const float top = vf_top(most);
    const VF inv = vf_set1(top > 1e-30f ? full / top : 0.0f);

    for (int i = 0; i < n; i += KERN_LANES) {
        VF v = n - i < KERN_LANES ? load_tail(x + i, n - i) : vf_load(x + i);

        all = vf_add(all, split_bytes(vf_round(vf_mul(v, inv)), hi + i,
                                      lo + i));
    }
    *sum = (int32_t)vf_sum(all);
    return top / full;
}

static void to_query(const float *q0, int n, struct query_bytes *q)
{
    float x[HEAD_DIM_MAX];

    spread(q0, n, x);
    q->d = to_words(x, n, q->hi, q->lo, &q->sum) / (float)spread_over(n);
}

/* acc[j][i] += q_i . k with one byte of q, x of it. */
INLINE void dot_bytes(const struct group *g, int from, const int nq,
                      const int nb, const int hi,
                      VI (*acc)[TILE_QUERIES])
{
    const size_t bytes = KERN_KVBLOCK * attn_width(g->a->head_dim);

    for (size_t at = 0; at < bytes; at += 256) {
        UNROLL
        for (size_t p = 0; p < 256; p += 64)
            UNROLL
            for (int j = 0; j < nb; j++) {
                VB k = vb_load(g->kv[from + j] + at + p);

                if ((int)p / 64 % 2 == hi)
                    fetch(g->ahead[from + j] + at + p, nq);
                UNROLL
                for (int i = 0; i < nq; i++)
                    acc[j][i] = vi_dot8(acc[j][i], k,
                                        (hi ? g->q[i].hi : g->q[i].lo) +
                                        (at + p) / 16);
            }
    }
}

INLINE void scores_q8(struct group *g, int from, const int nq, const int nb)
{
    VI acc[KERN_GROUP][TILE_QUERIES];

    UNROLL
    for (int j = 0; j < nb; j++)
        UNROLL
        for (int i = 0; i < nq; i++)
            acc[j][i] = vi_zero();
    dot_bytes(g, from, nq, nb, 1, acc);
    UNROLL
    for (int j = 0; j < nb; j++)
        UNROLL
        for (int i = 0; i < nq; i++)
            acc[j][i] = vi_join(acc[j][i], vi_dot8_start(g->q[i].sum));
    dot_bytes(g, from, nq, nb, 0, acc);
    UNROLL
    for (int j = 0; j < nb; j++) {
        VF dk = byte_scales(g->kv[from + j], g->a->head_dim, 0);

        UNROLL
        for (int i = 0; i < nq; i++)
            vf_store(g->w[i] + (from + j) * KERN_KVBLOCK,
                     vf_mul(vf_from(acc[j][i]),
                            vf_mul(vf_set1(g->q[i].d), dk)));
    }
}

/* --- softmax --------------------------------------------------------------*/

/* What the group's blocks add to l, for the m of the moment. */
INLINE void put_mass(const struct group *g, int i, int block, const VF *e)
{
    const struct kern_attn *a = g->a;
    float sum[KERN_LANES];
    VF t = join_sums(e);                /* four lanes of each four */

    t = vf_add(t, vf_swap(t, 4));
    vf_store(sum, vf_add(t, vf_swap(t, 8)));
    memcpy(a->mass[g->at + i] + block, sum, KERN_GROUP * sizeof *sum);
    a->top[g->at + i][block / KERN_GROUP] = a->part[g->at + i]->m;
}

/* exp(s - m) in place of the scores s of query i, which sees n > 0 keys of the
 * group; what was summed so far shrinks where m rises.  Keys that are not seen
 * get 0.  block: counted from the range's first. */
static void fold(struct group *g, int i, int block, int n)
{
    const struct kern_attn *a = g->a;
    const size_t width = attn_width(a->head_dim);
    struct kern_part *part = a->part[g->at + i];
    const uint16_t *hide = a->hide ? a->hide[g->at + i] + block : NULL;
    const int whole = n == GROUP_KEYS && !hide;
    const VF zero = vf_zero(), low = vf_set1(-INFINITY);
    VF l = vf_load(part->l), t = vf_load(part->t), most = low;
    VF s[KERN_GROUP], e[KERN_GROUP];

    UNROLL
    for (int j = 0; j < KERN_GROUP; j++) {
        int seen = keys_in_block(n, j);

        s[j] = vf_load(g->w[i] + j * KERN_KVBLOCK);
        if (hide && seen > 0)
            s[j] = vf_hide(s[j], hide[j], low);
        if (a->score && seen > 0)
            vf_store(a->score[g->at + i] + (block + j) * KERN_KVBLOCK, s[j]);
        if (!whole)
            s[j] = vf_keep(s[j], seen, low);
        most = vf_max(s[j], most);
    }
    float top = vf_top(most);

    if (top > part->m) {
        float fall = part->m == -INFINITY ? 0.0f : part->m - top;
        VF c = vf_set1(exp1(fall));

        t = vf_mul(c, vf_fma(vf_set1(fall), l, t));
        l = vf_mul(c, l);
        for (size_t d = 0; d < width; d += KERN_LANES)
            vf_store(part->o + d, vf_mul(c, vf_load(part->o + d)));
        part->m = top;
    }
    UNROLL
    for (int j = 0; j < KERN_GROUP; j++) {
        int seen = keys_in_block(n, j);
        VF x = vf_sub(s[j], vf_set1(part->m));

        e[j] = vf_exp(x);
        if (!whole) {
            x = vf_keep(x, seen, zero);
            e[j] = vf_keep(e[j], seen, zero);
        }
        if (hide && seen > 0) {
            x = vf_hide(x, hide[j], zero);
            e[j] = vf_hide(e[j], hide[j], zero);
        }
        l = vf_add(l, e[j]);
        t = vf_fma(e[j], x, t);
        vf_store(g->w[i] + j * KERN_KVBLOCK, e[j]);
    }
    if (a->mass)
        put_mass(g, i, block, e);
    vf_store(part->l, l);
    vf_store(part->t, t);
}

/* w = exp(s - m) d_v = c (128 hi + lo).  The scale of a key that is not seen
 * may be anything: 0 times it is 0, or NaN, which is passed over by vf_max()
 * and stored as 0. */
static void to_weights(struct group *g, int i)
{
    const float full = 128.0f * 127.0f + 127.0f;
    struct weight_bytes *b = &g->b[i];
    VF w[KERN_GROUP], most = vf_zero();

    UNROLL
    for (int j = 0; j < KERN_GROUP; j++) {
        w[j] = j < g->n_block
             ? vf_mul(vf_load(g->w[i] + j * KERN_KVBLOCK),
                      byte_scales(g->kv[j], g->a->head_dim, 1)) : vf_zero();
        most = vf_max(w[j], most);
    }
    const float top = vf_top(most);
    const VF inv = vf_set1(top > 1e-30f ? full / top : 0.0f);

    b->c = top / full;
    UNROLL
    for (int j = 0; j < KERN_GROUP; j++) {
        VF q = vf_round(vf_mul(w[j], inv));
        VF h = vf_round(vf_mul(vf_sub(q, vf_set1(63.5f)),
                               vf_set1(1.0f / 128.0f)));

        vf_store_i8(b->hi + j * KERN_KVBLOCK, h);
        vf_store_i8(b->lo + j * KERN_KVBLOCK,
                    vf_sub(q, vf_mul(h, vf_set1(128.0f))));
    }
}

/* --- values ---------------------------------------------------------------*/

/* o[i] += w[i][key] * v[key] for keys from..to-1 of the group and nq queries
 * from i0 on, in nd vectors of dimensions from `d` on. */
INLINE void values_f16(struct group *g, int from, int to, int i0, const int nq,
                       const int nd, size_t d)
{
    const size_t width = attn_width(g->a->head_dim);
    const size_t v0 = (size_t)g->a->head_dim * KERN_KVBLOCK + d;
    struct kern_part *const *part = g->a->part + g->at + i0;
    VF o[TILE_QUERIES][TILE_DIMS];

    UNROLL
    for (int i = 0; i < nq; i++)
        UNROLL
        for (int j = 0; j < nd; j++)
            o[i][j] = vf_load(part[i]->o + d + j * KERN_LANES);
    while (from < to) {
        const int b = from / KERN_KVBLOCK, end = (b + 1) * KERN_KVBLOCK;
        size_t at = v0 + (size_t)(from % KERN_KVBLOCK) * width;

        for (; from < (end < to ? end : to); from++, at += width) {
            const uint16_t *v = halves(g->kv[b]) + at;
            VF u[TILE_DIMS];

            UNROLL
            for (int j = 0; j < nd; j += 2)
                fetch(g->ahead[b] + 2 * at + j * 32, nq);
            UNROLL
            for (int j = 0; j < nd; j++)
                u[j] = vf_f16(v + j * KERN_LANES);
            UNROLL
            for (int i = 0; i < nq; i++)
                UNROLL
                for (int j = 0; j < nd; j++)
                    o[i][j] = vf_fma(vf_set1(g->w[i0 + i][from]), u[j],
                                     o[i][j]);
        }
    }
    UNROLL
    for (int i = 0; i < nq; i++)
        UNROLL
        for (int j = 0; j < nd; j++)
            vf_store(part[i]->o + d + j * KERN_LANES, o[i][j]);
}

/* o[i] += c w . v over the whole group, w one of the two bytes: weights of keys
 * that are not seen are 0, and 0 times a byte is 0. */
INLINE void add_bytes(struct group *g, int i0, const int nq, const int nd,
                      size_t d, const int hi)
{
    const size_t width = attn_width(g->a->head_dim);
    const size_t v0 = KERN_KVBLOCK * (width + sizeof(float)) + 4 * d;
    struct kern_part *const *part = g->a->part + g->at + i0;
    const struct weight_bytes *w = g->b + i0;
    VI acc[TILE_QUERIES][TILE_DIMS];

    UNROLL
    for (int i = 0; i < nq; i++)
        UNROLL
        for (int j = 0; j < nd; j++)
            acc[i][j] = vi_zero();
    for (int b = 0; b < g->n_block; b++) {
        const uint8_t *kv = g->kv[b] + v0, *ahead = g->ahead[b] + v0;

        UNROLL
        for (int p = 0; p < 4; p++, kv += 4 * width, ahead += 4 * width) {
            VB v[TILE_DIMS];

            UNROLL
            for (int j = 0; j < nd; j++) {
                v[j] = vb_load(kv + j * 64);
                if (p % 2 == hi)
                    fetch(ahead + j * 64, nq);
            }
            UNROLL
            for (int i = 0; i < nq; i++)
                UNROLL
                for (int j = 0; j < nd; j++)
                    acc[i][j] = vi_dot7(acc[i][j], v[j],
                                        (hi ? w[i].hi : w[i].lo) +
                                        b * KERN_KVBLOCK + 4 * p);
        }
    }
    UNROLL
    for (int i = 0; i < nq; i++) {
        VF c = vf_set1(hi ? 128.0f * w[i].c : w[i].c);

        UNROLL
        for (int j = 0; j < nd; j++) {
            float *o = part[i]->o + d + j * KERN_LANES;

            vf_store(o, vf_fma(vf_from(acc[i][j]), c, vf_load(o)));
        }
    }
}

INLINE void values_q8(struct group *g, int i0, const int nq, const int nd,
                      size_t d)
{
    add_bytes(g, i0, nq, nd, d, 1);
    add_bytes(g, i0, nq, nd, d, 0);
}

/* Keys from..to-1; of bytes the whole group. */
INLINE void values(enum kern_kvtype type, struct group *g, int from, int to,
                   int i0, const int nq)
{
    const size_t width = attn_width(g->a->head_dim);
    const int nd = nq > 4 ? TILE_MANY : TILE_DIMS;
    size_t d = 0;

    for (; d + (size_t)nd * KERN_LANES <= width; d += (size_t)nd * KERN_LANES)
        if (type == KERN_KV_F16)
            values_f16(g, from, to, i0, nq, nd, d);
        else
            values_q8(g, i0, nq, nd, d);
    for (; d < width; d += KERN_LANES)
        if (type == KERN_KV_F16)
            values_f16(g, from, to, i0, nq, 1, d);
        else
            values_q8(g, i0, nq, 1, d);
}

/* --- a tile of queries ----------------------------------------------------*/

/* The group from `block` on, of n_block blocks in all, and what comes after it:
 * the next one, or the caller's guess, or nothing new. */
INLINE void begin_group(struct group *g, int block, int n_block)
{
    const void *const *kv = g->a->kv + block, *const *next = kv + KERN_GROUP;
    int left = n_block - block;

    g->n_block = left < KERN_GROUP ? left : KERN_GROUP;
    if (left < 2 * KERN_GROUP)
        next = g->a->next ? g->a->next : kv;
    for (int j = 0; j < g->n_block; j++) {
        g->kv[j] = kv[j];
        g->ahead[j] = next[j];
    }
}

/* Every query's scores become weights; the values follow.  Keys that all
 * queries see go together; the rest each on its own, so that a later token's
 * value never touches an earlier one, even times 0. */
INLINE void attend_group(enum kern_kvtype type, struct group *g, int block,
                         const int nq)
{
    const struct kern_attn *a = g->a;
    const int first = (a->block_from + block) * KERN_KVBLOCK;
    int n[TILE_QUERIES], least = GROUP_KEYS;

    for (int i = 0; i < nq; i++) {
        int seen = a->n_key[g->at + i] - first;
        int most = g->n_block * KERN_KVBLOCK;

        n[i] = seen < 0 ? 0 : seen < most ? seen : most;
        least = n[i] < least ? n[i] : least;
        if (n[i] == 0)
            continue;
        fold(g, i, block, n[i]);
        if (type == KERN_KV_Q8)
            to_weights(g, i);
    }
    if (least > 0)
        values(type, g, 0, least, 0, nq);
    for (int i = 0; i < nq && least < GROUP_KEYS; i++)
        if (n[i] > least && (type == KERN_KV_F16 || least == 0))
            values(type, g, least, n[i], i, 1);
}

/* nq neighbouring queries over the whole range of blocks. */
INLINE void attn_tile(enum kern_kvtype type, const struct kern_attn *a,
                      int at, const int nq, const int nb)
{
    struct group g = { .a = a, .at = at };
    int most = 0, n_block;

    for (int i = 0; i < nq; i++) {
        if (a->n_key[at + i] > most)
            most = a->n_key[at + i];
        if (type == KERN_KV_Q8)
            to_query(a->q[at + i], a->head_dim, &g.q[i]);
    }
    n_block = (most + KERN_KVBLOCK - 1) / KERN_KVBLOCK;
    n_block = (n_block < a->block_to ? n_block : a->block_to) - a->block_from;
    for (int b = 0; b < n_block; b += KERN_GROUP) {
        int j = 0;

        begin_group(&g, b, n_block);
        for (; j + nb <= g.n_block; j += nb)
            if (type == KERN_KV_F16)
                scores_f16(&g, j, nq, nb);
            else
                scores_q8(&g, j, nq, nb);
        for (; j < g.n_block; j++)
            if (type == KERN_KV_F16)
                scores_f16(&g, j, nq, 1);
            else
                scores_q8(&g, j, nq, 1);
        attend_group(type, &g, b, nq);
    }
}

INLINE void attend(enum kern_kvtype type, const struct kern_attn *a)
{
    int i = 0;

    for (; i + TILE_QUERIES <= a->n_query; i += TILE_QUERIES)
        attn_tile(type, a, i, TILE_QUERIES,
                  TILE_QUERIES > 4 ? TILE_MANY : TILE_BLOCKS);
    if (a->n_query - i >= 4) {
        attn_tile(type, a, i, 4, TILE_BLOCKS);
        i += 4;
    }
    switch (a->n_query - i) {
    case 3: attn_tile(type, a, i, 3, TILE_BLOCKS); break;
    case 2: attn_tile(type, a, i, 2, TILE_BLOCKS); break;
    case 1: attn_tile(type, a, i, 1, TILE_BLOCKS); break;
    default: break;
    }
}

static void attn_f16(const struct kern_attn *a)
{
    attend(KERN_KV_F16, a);
}

static void attn_q8(const struct kern_attn *a)
{
    attend(KERN_KV_Q8, a);
}

/* --- partials -------------------------------------------------------------*/

static void part_init(struct kern_part *p, int head_dim)
{
    memset(p->l, 0, sizeof p->l);
    memset(p->t, 0, sizeof p->t);
    memset(p->o, 0, attn_width(head_dim) * sizeof *p->o);
    p->m = -INFINITY;
}

static void merge(struct kern_part *a, const struct kern_part *b, int head_dim)
{
    const size_t width = attn_width(head_dim);
    float m = a->m > b->m ? a->m : b->m;
    float fa = a->m == -INFINITY ? 0.0f : a->m - m;
    float fb = b->m == -INFINITY ? 0.0f : b->m - m;
    VF ca = vf_set1(exp1(fa)), cb = vf_set1(exp1(fb));
    VF la = vf_load(a->l), lb = vf_load(b->l);
    VF ta = vf_fma(vf_set1(fa), la, vf_load(a->t));
    VF tb = vf_fma(vf_set1(fb), lb, vf_load(b->t));

    vf_store(a->t, vf_fma(cb, tb, vf_mul(ca, ta)));
    vf_store(a->l, vf_fma(cb, lb, vf_mul(ca, la)));
    for (size_t d = 0; d < width; d += KERN_LANES)
        vf_store(a->o + d, vf_fma(cb, vf_load(b->o + d),
                                  vf_mul(ca, vf_load(a->o + d))));
    a->m = m;
}

static void finish(const struct kern_part *p, int head_dim, float *y,
                   struct kern_total *total)
{
    float l = vf_sum(vf_load(p->l));

    *total = (struct kern_total){ p->m, l, vf_sum(vf_load(p->t)) };
    for (int d = 0; d < head_dim; d++)
        y[d] = l > 0.0f ? p->o[d] / l : 0.0f;   /* 0: every key was hidden */
}
