/* engine/kern_attn_body.h - the part of kern_body.h that attends: a KV group's
 * work on some queries and blocks.
 *
 * Lanes are the 16 keys of a block in the scores, and dimensions of the head
 * in the output, so neither needs a sum across lanes.
 * Online softmax: Milakov & Gimelshein 2018, "Online normalizer calculation
 * for softmax"; with t beside l, since the entropy is  ln l - t / l. */

INLINE size_t attn_width(int head_dim)
{
    return (size_t)(head_dim + KERN_LANES - 1) / KERN_LANES * KERN_LANES;
}

INLINE int keys_in_block(int n_key, int block)
{
    int n = n_key - block * KERN_KVBLOCK;

    return n < 0 ? 0 : n < KERN_KVBLOCK ? n : KERN_KVBLOCK;
}

/* Asks for the block's values, needed when its scores are done, and for the
 * keys of a block to come: one line of 64 bytes every other dimension. */
INLINE void fetch_ahead(const struct kern_attn *a, const uint16_t *k,
                        const uint16_t *ahead, int d)
{
    if (d % 2 == 0) {
        __builtin_prefetch(k + (size_t)(a->head_dim + d) * KERN_KVBLOCK);
        __builtin_prefetch(ahead + (size_t)d * KERN_KVBLOCK);
    }
}

/* s[j][i] = q_i . k for the 16 keys of block j, of nb blocks at once: few
 * queries alone would leave the adders waiting for each other. */
INLINE void scores(const struct kern_attn *a, const uint16_t *const *k,
                   const uint16_t *const *ahead, int at, const int nq,
                   const int nb, VF (*s)[TILE_QUERIES])
{
    UNROLL
    for (int j = 0; j < nb; j++)
        UNROLL
        for (int i = 0; i < nq; i++)
            s[j][i] = vf_zero();
    for (int d = 0; d < a->head_dim; d++)
        UNROLL
        for (int j = 0; j < nb; j++) {
            VF kd = vf_f16(k[j] + (size_t)d * KERN_KVBLOCK);

            if (nq <= 4)        /* decoding: memory is what limits it */
                fetch_ahead(a, k[j], ahead[j], d);

            UNROLL
            for (int i = 0; i < nq; i++)
                s[j][i] = vf_fma(vf_set1(a->q[at + i][d]), kd, s[j][i]);
        }
}

/* o[i] += p[i][key] * v[key] for keys from..to-1 of a block, in nd vectors of
 * dimensions from `d` on. */
INLINE void add_dims(const struct kern_attn *a, const uint16_t *v, int from,
                     int to, int at, const int nq, const int nd, size_t d,
                     float (*p)[KERN_LANES])
{
    const size_t width = attn_width(a->head_dim);
    VF o[TILE_QUERIES][TILE_DIMS];

    UNROLL
    for (int i = 0; i < nq; i++)
        UNROLL
        for (int j = 0; j < nd; j++)
            o[i][j] = vf_load(a->part[at + i]->o + d + j * KERN_LANES);
    for (int key = from; key < to; key++) {
        const uint16_t *vk = v + (size_t)key * width + d;
        VF u[TILE_DIMS];

        UNROLL
        for (int j = 0; j < nd; j++)
            u[j] = vf_f16(vk + j * KERN_LANES);
        UNROLL
        for (int i = 0; i < nq; i++)
            UNROLL
            for (int j = 0; j < nd; j++)
                o[i][j] = vf_fma(vf_set1(p[i][key]), u[j], o[i][j]);
    }
    UNROLL
    for (int i = 0; i < nq; i++)
        UNROLL
        for (int j = 0; j < nd; j++)
            vf_store(a->part[at + i]->o + d + j * KERN_LANES, o[i][j]);
}

INLINE void add_values(const struct kern_attn *a, const uint16_t *v,
                       int from, int to, int at, const int nq,
                       float (*p)[KERN_LANES])
{
    const size_t width = attn_width(a->head_dim);
    const int nd = nq > 4 ? TILE_MANY : TILE_DIMS;
    size_t d = 0;

    for (; d + (size_t)nd * KERN_LANES <= width; d += (size_t)nd * KERN_LANES)
        add_dims(a, v, from, to, at, nq, nd, d, p);
    for (; d < width; d += KERN_LANES)
        add_dims(a, v, from, to, at, nq, 1, d, p);
}

/* Folds one block's scores s (n valid keys) into query i; leaves exp(s - m) in
 * p, zero for invalid keys. */
INLINE void fold(const struct kern_attn *a, int i, int block, int n, VF s,
                 float *p)
{
    const size_t width = attn_width(a->head_dim);
    struct kern_part *part = a->part[i];
    VF l = vf_load(part->l), t = vf_load(part->t);
    const VF zero = vf_zero(), low = vf_set1(-INFINITY);
    const unsigned hide = a->hide ? a->hide[i][block] : 0u;

    if (hide)
        s = vf_hide(s, hide, low);
    if (a->score)
        vf_store(a->score[i] + (size_t)block * KERN_KVBLOCK, s);

    float top = vf_top(vf_keep(s, n, low));

    if (top > part->m) {
        float fall = part->m == -INFINITY ? 0.0f : part->m - top;
        VF c = vf_set1(exp1(fall));

        t = vf_mul(c, vf_fma(vf_set1(fall), l, t));
        l = vf_mul(c, l);
        for (size_t d = 0; d < width; d += KERN_LANES)
            vf_store(part->o + d, vf_mul(c, vf_load(part->o + d)));
        part->m = top;
    }
    VF x = vf_keep(vf_sub(s, vf_set1(part->m)), n, zero);
    VF e = vf_keep(vf_exp(x), n, zero);

    if (hide) {
        x = vf_hide(x, hide, zero);
        e = vf_hide(e, hide, zero);
    }

    vf_store(part->l, vf_add(l, e));
    vf_store(part->t, vf_fma(e, x, t));
    vf_store(p, e);
    if (a->mass)
        a->mass[i][block] = (struct kern_mass){ vf_sum(e), part->m };
}

/* What a tile of queries carries from block to block. */
struct tile {
    float p[TILE_QUERIES][KERN_LANES];
    int most;                           /* keys that any of them sees */
};

/* Block b, whose scores are s.  Keys that all queries see go together; the
 * rest each on its own, so that a later token's value never touches an earlier
 * one, even times 0. */
INLINE void attn_block(const struct kern_attn *a, int b, int at, const int nq,
                       const VF *s, struct tile *t)
{
    const int at_b = b - a->block_from;
    const uint16_t *v = a->kv[at_b] + (size_t)a->head_dim * KERN_KVBLOCK;
    int n[TILE_QUERIES], least = KERN_KVBLOCK;

    for (int i = 0; i < nq; i++) {
        n[i] = keys_in_block(a->n_key[at + i], b);
        if (n[i] < least)
            least = n[i];
        if (n[i] > 0)
            fold(a, at + i, at_b, n[i], s[i], t->p[i]);
    }
    add_values(a, v, 0, least, at, nq, t->p);
    for (int i = 0; i < nq && least < KERN_KVBLOCK; i++)
        add_values(a, v, least, n[i], at + i, 1, t->p + i);
}

/* nq neighbouring queries over the whole range of blocks, nb blocks at a time.
 * Queries see different numbers of keys; one that sees none of a block skips
 * it. */
INLINE void attn_tile(const struct kern_attn *a, int at, const int nq,
                      const int nb)
{
    struct tile t = { .most = 0 };
    int b = a->block_from, end;

    for (int i = 0; i < nq; i++)
        if (a->n_key[at + i] > t.most)
            t.most = a->n_key[at + i];
    end = (t.most + KERN_KVBLOCK - 1) / KERN_KVBLOCK;
    if (end > a->block_to)
        end = a->block_to;
    for (; b + nb <= end; b += nb) {
        const uint16_t *const *kv = a->kv + (b - a->block_from);
        VF s[TILE_BLOCKS][TILE_QUERIES];

        scores(a, kv, b + 2 * nb <= end ? kv + nb : kv, at, nq, nb, s);
        for (int j = 0; j < nb; j++)
            attn_block(a, b + j, at, nq, s[j], &t);
    }
    for (; b < end; b++) {
        const uint16_t *const *kv = a->kv + (b - a->block_from);
        VF s[1][TILE_QUERIES];

        scores(a, kv, kv, at, nq, 1, s);
        attn_block(a, b, at, nq, s[0], &t);
    }
}

static void attn(const struct kern_attn *a)
{
    int i = 0;

    for (; i + TILE_QUERIES <= a->n_query; i += TILE_QUERIES)
        attn_tile(a, i, TILE_QUERIES,
                  TILE_QUERIES > 4 ? TILE_MANY : TILE_BLOCKS);
    switch (a->n_query - i) {
    case 7: attn_tile(a, i, 4, TILE_BLOCKS); i += 4;     /* fall through */
    case 3: attn_tile(a, i, 3, TILE_BLOCKS); break;
    case 6: attn_tile(a, i, 4, TILE_BLOCKS); i += 4;     /* fall through */
    case 2: attn_tile(a, i, 2, TILE_BLOCKS); break;
    case 5: attn_tile(a, i, 4, TILE_BLOCKS); i += 4;     /* fall through */
    case 1: attn_tile(a, i, 1, TILE_BLOCKS); break;
    case 4: attn_tile(a, i, 4, TILE_BLOCKS); break;
    default: break;
    }
}

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
