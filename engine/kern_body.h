/* engine/kern_body.h - every kernel, over a vector of 16 floats.
 *
 * Included once by each kern_<isa>.c after it has defined
 *   VF, VI, VB              16 floats; 16 int32; 64 bytes
 *   TILE_ROWS               rows that fit its registers in a product
 *   TILE_QUERIES            and queries in attention; up to four of them with
 *   TILE_BLOCKS, TILE_DIMS  so many KV blocks, or vectors of dimensions;
 *   TILE_MANY               the same for more than four queries
 *   vf_*, vi_*, vb_*        the operations used below
 * and before it fills its table.  Read kern_ref.c for what each operation
 * means: it is the definition.
 *
 * Determinism: a sum below runs over blocks, columns or keys in rising order
 * in each lane; lanes are joined by vf_sum() alone, whose tree is fixed. */

#define MOST_ROWS 16        /* of any tile */
#ifndef UNROLL              /* what has no registers to fill leaves it empty */
#define UNROLL _Pragma("GCC unroll 16")
#endif
/* The sanitizers check every lane of every instance: minutes of compiling.  One
 * instance of each function does for them. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KERN_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KERN_SANITIZED
#endif
#ifdef KERN_SANITIZED
#define INLINE static
#else
#define INLINE static inline __attribute__((always_inline))
#endif

/* exp(x), relative error < 2e-7 for -87.3 <= x <= 88; arguments outside are
 * clamped.  x = n ln2 + r, exp(x) = 2^n (1 + r + r^2 P(r)).
 * Source: Cephes expf (S. L. Moshier), coefficients and split of ln 2. */
INLINE VF vf_exp(VF x)
{
    x = vf_min(vf_max(x, vf_set1(-87.3f)), vf_set1(88.0f));
    VF n = vf_round(vf_mul(x, vf_set1(1.44269504f)));
    VF r = vf_fma(n, vf_set1(-0.693359375f), x);
    r = vf_fma(n, vf_set1(2.12194440e-4f), r);
    VF p = vf_set1(1.9875691500e-4f);
    p = vf_fma(p, r, vf_set1(1.3981999507e-3f));
    p = vf_fma(p, r, vf_set1(8.3334519073e-3f));
    p = vf_fma(p, r, vf_set1(4.1665795894e-2f));
    p = vf_fma(p, r, vf_set1(1.6666665459e-1f));
    p = vf_fma(p, r, vf_set1(5.0000001201e-1f));
    p = vf_fma(p, vf_mul(r, r), vf_add(r, vf_set1(1.0f)));
    return vf_scale2(p, n);
}

/* The same on one number, in the same lanes' arithmetic. */
static float exp1(float x)
{
    float y[KERN_LANES];

    vf_store(y, vf_exp(vf_set1(x)));
    return y[0];
}

/* --- matrix times rows ----------------------------------------------------
 * y[t][r] = sum over blocks b of  d_w d_x (q_w . q_x)  [+ m_w s_x]
 * q_x has two bytes, so q_w . q_x = 256 (q_w . hi) + q_w . lo, exact in 32-bit
 * integers: only the sum over blocks rounds, in one order whatever the tile. */

/* What the types differ in; constants once a kernel is instantiated. */
INLINE int bytes_wide(enum kern_wtype t)
{
    return t == KERN_Q5_K || t == KERN_Q6_K || t == KERN_Q8_0;
}

INLINE int has_min(enum kern_wtype t)
{
    return t == KERN_Q4_1 || t == KERN_Q4_K || t == KERN_Q5_K;
}

/* Unpacks one block of a strip; w[p] meets columns 4p..4p+3. */
INLINE void unpack(enum kern_wtype type, const uint8_t *b, VB w[8])
{
    UNROLL
    for (int p = 0; p < 8; p++) {
        VB v = vb_load(b + 64 * (bytes_wide(type) ? p : p % 4));

        w[p] = bytes_wide(type) ? v : p < 4 ? vb_low4(v) : vb_high4(v);
    }
}

/* The n-th 16 scales behind a block's integers. */
INLINE VF scales(enum kern_wtype type, const uint8_t *b, int n)
{
    const uint8_t *p = b + (bytes_wide(type) ? 512 : 256);

    if (type == KERN_Q4_K || type == KERN_Q5_K || type == KERN_Q6_K)
        return vf_load((const float *)(const void *)(p + 64 * n));
    return vf_f16((const uint16_t *)(const void *)(p + 32 * n));
}

/* w . q over columns 4 from .. 4 to - 1; start: minus the zero point's share.
 * wide 0: no lo byte of these rows is anything but 0. */
INLINE VI dot(enum kern_wtype type, const VB *w, const int8_t *hi, int from,
              int to, VI start, const int wide)
{
    const int8_t *lo = hi + KERN_QBLOCK;
    VI h = vi_zero(), l = start;

    UNROLL
    for (int p = from; p < to; p++) {
        h = type == KERN_Q8_0 ? vi_dot8(h, w[p], hi + 4 * p)
                              : vi_dot4(h, w[p], hi + 4 * p);
        if (wide)
            l = type == KERN_Q8_0 ? vi_dot8(l, w[p], lo + 4 * p)
                                  : vi_dot4(l, w[p], lo + 4 * p);
    }
    return vi_join(h, l);
}

/* Writes a strip's 16 results, or fewer where the matrix ends inside it. */
INLINE void put_strip(const struct kern_mat *w, int strip, VF v, float *y,
                      int add)
{
    int r0 = strip * KERN_LANES;

    if (r0 + KERN_LANES <= w->n_out) {
        y += r0;
        vf_store(y, add ? vf_add(vf_load(y), v) : v);
    } else {
        float tmp[KERN_LANES];

        vf_store(tmp, v);
        for (int r = r0; r < w->n_out; r++)
            y[r] = add ? y[r] + tmp[r - r0] : tmp[r - r0];
    }
}

/* acc plus a block's integer product p. */
INLINE VF add_product(enum kern_wtype type, VI p, const VF *d,
                      const struct kern_scale *x, VF acc)
{
    acc = vf_fma(vf_from(p), vf_mul(d[0], vf_set1(x->d)), acc);
    return has_min(type) ? vf_fma(d[1], vf_set1(x->s), acc) : acc;
}

/* acc plus one block of a strip, unpacked, times block i of the rows. */
INLINE VF add_block(enum kern_wtype type, const VB *wq, const VF *d,
                    const struct kern_acts *x, size_t i, const int wide,
                    VF acc)
{
    const int8_t *q = x->q + i * 2 * KERN_QBLOCK;

    if (type == KERN_Q6_K) {
        VF dx = vf_set1(x->scale[i].d);
        VI a = vi_set1(-32 * x->scale[i].half);
        VI c = vi_set1(-32 * (x->scale[i].sum - x->scale[i].half));

        a = dot(type, wq, q, 0, 4, a, wide);
        c = dot(type, wq, q, 4, 8, c, wide);
        acc = vf_fma(vf_from(a), vf_mul(d[0], dx), acc);
        return vf_fma(vf_from(c), vf_mul(d[1], dx), acc);
    }
    VI start = type == KERN_Q8_0 ? vi_dot8_start(x->scale[i].sum)
             : type == KERN_Q4_0 ? vi_set1(-8 * x->scale[i].sum) : vi_zero();

    return add_product(type, dot(type, wq, q, 0, 8, start, wide), d,
                       &x->scale[i], acc);
}

/* acc[t] plus that block times block i + t, for nt rows. */
INLINE void add_blocks(enum kern_wtype type, const VB *wq, const VF *d,
                       const struct kern_acts *x, size_t i, const int nt,
                       const int wide, VF *acc)
{
#ifdef HAVE_DOT4_ROWS
    const int four_bits = type == KERN_Q4_0 || type == KERN_Q4_1 ||
                          type == KERN_Q4_K;

    if (four_bits && nt > 1) {
        VI p[TILE_ROWS];

        vi_dot4_rows(wq, x->q + i * 2 * KERN_QBLOCK, nt, wide, p);
        UNROLL
        for (int t = 0; t < nt; t++) {
            const struct kern_scale *s = &x->scale[i + (size_t)t];

            if (type == KERN_Q4_0)
                p[t] = vi_add(p[t], vi_set1(-8 * s->sum));
            acc[t] = add_product(type, p[t], d, s, acc[t]);
        }
        return;
    }
#endif
    UNROLL
    for (int t = 0; t < nt; t++)
        acc[t] = add_block(type, wq, d, x, i + (size_t)t, wide, acc[t]);
}

/* Does any of nt rows (a power of two) need the lo bytes of this block? */
INLINE int any_wide(const uint8_t *wide, const int nt)
{
    uint64_t any = 0, part[2] = { 0, 0 };

    memcpy(part, wide, (size_t)nt);
    any = part[0] | part[1];
    return any != 0;
}

/* narrow: a constant, 0 where no block is, so that nothing is asked. */
INLINE void mul_quant_tile(const struct kern_mat *w, int strip,
                           const struct kern_acts *x, int row, const int nt,
                           const int narrow, const struct kern_out *out)
{
    const enum kern_wtype type = w->type;
    const size_t nb = (size_t)w->n_in / KERN_QBLOCK;
    const size_t end = ((size_t)row + (size_t)nt) * nb;
    const uint8_t *b = w->data + (size_t)strip * w->strip_bytes;
    VF acc[MOST_ROWS];

    UNROLL
    for (int t = 0; t < nt; t++)
        acc[t] = vf_zero();
    for (size_t i = (size_t)row * nb; i < end; i += (size_t)nt,
             b += kern_block_bytes(type)) {
        VF d[2] = { scales(type, b, 0), vf_zero() };
        VB wq[8];

        if (type == KERN_Q6_K || has_min(type))
            d[1] = scales(type, b, 1);
        unpack(type, b, wq);
        if (!narrow || any_wide(x->wide + i, nt))
            add_blocks(type, wq, d, x, i, nt, 1, acc);
        else
            add_blocks(type, wq, d, x, i, nt, 0, acc);
    }
    UNROLL
    for (int t = 0; t < nt; t++)
        put_strip(w, strip, acc[t], out->row[row + t], out->add);
}

/* Floats: y[t][r] = sum over columns of w x, in rising order. */
INLINE VF load_float(enum kern_wtype type, const uint8_t *p)
{
    switch (type) {
    case KERN_F16:  return vf_f16((const uint16_t *)(const void *)p);
    case KERN_BF16: return vf_bf16((const uint16_t *)(const void *)p);
    default:        return vf_load((const float *)(const void *)p);
    }
}

INLINE void mul_float_tile(const struct kern_mat *w, int strip,
                           const struct kern_acts *x, int row, const int nt,
                           const int narrow, const struct kern_out *out)
{
    (void)narrow;
    const enum kern_wtype type = w->type;
    const size_t step = type == KERN_F32 ? 64 : 32;
    const uint8_t *p = w->data + (size_t)strip * w->strip_bytes;
    const float *f = x->f + (size_t)row * (size_t)x->n_in;
    VF acc[MOST_ROWS];

    UNROLL
    for (int t = 0; t < nt; t++)
        acc[t] = vf_zero();
    for (int k = 0; k < w->n_in; k++, p += step) {
        VF wk = load_float(type, p);

        UNROLL
        for (int t = 0; t < nt; t++)
            acc[t] = vf_fma(wk, vf_set1(f[(size_t)t * (size_t)x->n_in +
                                          (size_t)k]), acc[t]);
    }
    UNROLL
    for (int t = 0; t < nt; t++)
        put_strip(w, strip, acc[t], out->row[row + t], out->add);
}

/* One strip is read from memory once and stays in the first cache while every
 * row meets it.  The constant `type` in w is known to the compiler in each
 * instance, so the branches on it vanish. */
#define DEFINE_MUL(name, TYPE, tile)                                          \
    INLINE void name##_strip(const struct kern_mat *w, int s,                 \
                             const struct kern_acts *x, const int narrow,     \
                             const struct kern_out *out)                      \
    {                                                                         \
        int t = 0;                                                            \
                                                                              \
        for (; t + TILE_ROWS <= x->n_row; t += TILE_ROWS)                     \
            tile(w, s, x, t, TILE_ROWS, narrow, out);                         \
        if (TILE_ROWS > 8 && x->n_row - t >= 8) {                             \
            tile(w, s, x, t, 8, narrow, out);                                 \
            t += 8;                                                           \
        }                                                                     \
        if (TILE_ROWS > 4 && x->n_row - t >= 4) {                             \
            tile(w, s, x, t, 4, narrow, out);                                 \
            t += 4;                                                           \
        }                                                                     \
        if (x->n_row - t >= 2) {                                              \
            tile(w, s, x, t, 2, narrow, out);                                 \
            t += 2;                                                           \
        }                                                                     \
        if (x->n_row - t == 1)                                                \
            tile(w, s, x, t, 1, narrow, out);                                 \
    }                                                                         \
    static void name(const struct kern_mat *w_, const struct kern_acts *x,    \
                     int from, int to, const struct kern_out *out)            \
    {                                                                         \
        struct kern_mat w = *w_;                                              \
                                                                              \
        w.type = TYPE;                                                        \
        for (int s = from; s < to; s++) {                                     \
            if (x->narrow)                                                    \
                name##_strip(&w, s, x, 1, out);                               \
            else                                                              \
                name##_strip(&w, s, x, 0, out);                               \
        }                                                                     \
    }

DEFINE_MUL(mul_q4_0, KERN_Q4_0, mul_quant_tile)
DEFINE_MUL(mul_q4_1, KERN_Q4_1, mul_quant_tile)
DEFINE_MUL(mul_q4_k, KERN_Q4_K, mul_quant_tile)
DEFINE_MUL(mul_q5_k, KERN_Q5_K, mul_quant_tile)
DEFINE_MUL(mul_q6_k, KERN_Q6_K, mul_quant_tile)
DEFINE_MUL(mul_q8_0, KERN_Q8_0, mul_quant_tile)
DEFINE_MUL(mul_f16, KERN_F16, mul_float_tile)
DEFINE_MUL(mul_bf16, KERN_BF16, mul_float_tile)
DEFINE_MUL(mul_f32, KERN_F32, mul_float_tile)

/* --- rows -----------------------------------------------------------------*/

/* The n < 16 last elements of a row, zero-filled. */
INLINE VF load_tail(const float *x, int n)
{
    float tmp[KERN_LANES] = { 0 };

    for (int i = 0; i < n; i++)
        tmp[i] = x[i];
    return vf_load(tmp);
}

static float sum_squares(const float *x, int n)
{
    VF acc = vf_zero();
    int i = 0;

    for (; i + KERN_LANES <= n; i += KERN_LANES) {
        VF v = vf_load(x + i);

        acc = vf_fma(v, v, acc);
    }
    if (i < n) {
        VF v = load_tail(x + i, n - i);

        acc = vf_fma(v, v, acc);
    }
    return vf_sum(acc);
}

static void rmsnorm(const float *x, const float *w, int n, float eps, float *y)
{
    float inv = 1.0f / sqrtf(sum_squares(x, n) / (float)n + eps);
    int i = 0;

    for (; i + KERN_LANES <= n; i += KERN_LANES)
        vf_store(y + i, vf_mul(vf_mul(vf_load(x + i), vf_set1(inv)),
                               vf_load(w + i)));
    for (; i < n; i++)
        y[i] = x[i] * inv * w[i];
}

static void stats(const float *x, int n, struct kern_stats *st)
{
    uint32_t lane[KERN_LANES], digest = 0;
    VI sum = vi_zero();
    int i = 0;

    for (; i + KERN_LANES <= n; i += KERN_LANES)
        sum = vi_add(sum, vi_load(x + i));
    vi_store(lane, sum);
    for (int k = 0; k < KERN_LANES; k++)
        digest += lane[k];
    for (; i < n; i++) {
        uint32_t u;

        memcpy(&u, x + i, sizeof u);
        digest += u;
    }
    st->sumsq = sum_squares(x, n);
    st->digest = digest;
}

/* The nearest multiple of 256. */
INLINE VF whole_bytes(VF a)
{
    return vf_mul(vf_round(vf_mul(a, vf_set1(1.0f / 256.0f))),
                  vf_set1(256.0f));
}

/* The two bytes of 16 integers: q = 256 hi + lo.  lo is kept in -127..127, so
 * that a kernel may negate it; returns q as it then stands. */
INLINE VF split_bytes(VF q, int8_t *hi, int8_t *lo)
{
    VF h = vf_round(vf_mul(q, vf_set1(1.0f / 256.0f)));
    VF l = vf_sub(q, vf_mul(h, vf_set1(256.0f)));

    l = vf_min(vf_max(l, vf_set1(-127.0f)), vf_set1(127.0f));
    vf_store_i8(hi, h);
    vf_store_i8(lo, l);
    return vf_add(vf_mul(h, vf_set1(256.0f)), l);
}

/* A row is quantised in three passes over its blocks (their tops, their bytes,
 * their scales), so that no block waits for the steps before it; lane k of a
 * vector is for block k of 16.  A long row is done in parts. */
enum { QUAD = 4, PART = 4 * KERN_LANES };

struct part {
    const float *f;
    int n;                          /* blocks, 1..PART */
    float limit;                    /* wide is a block with a top over it */
    size_t step;                    /* from a block's place to the next one's */
    int8_t *q;                      /* the first block's places */
    uint8_t *wide;
    struct kern_scale *scale;
    _Alignas(64) float top[PART];
    _Alignas(64) float inv[PART], half[PART], sum[PART];
};

/* Lane 4g + k joins lanes 4g .. 4g + 3 of v[k]. */
#define DEFINE_JOIN(name, op)                                                 \
    INLINE VF name(const VF v[QUAD])                                          \
    {                                                                         \
        VF a = op(vf_evens(v[0], v[1]), vf_odds(v[0], v[1]));                 \
        VF b = op(vf_evens(v[2], v[3]), vf_odds(v[2], v[3]));                 \
                                                                              \
        return op(vf_evens(a, b), vf_odds(a, b));                             \
    }

DEFINE_JOIN(join_tops, vf_larger)
DEFINE_JOIN(join_sums, vf_add)

/* The largest |f| of blocks b .. b + 15. */
INLINE void part_tops(struct part *p, int b)
{
    const VF full = vf_set1(256.0f * 127.0f);
    VF v[QUAD], top = vf_zero();

    for (int i = 0; i < KERN_LANES && b + i < p->n; i += QUAD) {
        const float *f = p->f + (b + i) * KERN_QBLOCK;

        UNROLL
        for (int k = 0; k < QUAD; k++, f += KERN_QBLOCK)
            v[k] = b + i + k < p->n ? vf_larger(vf_abs(vf_load(f)),
                                        vf_abs(vf_load(f + KERN_LANES)))
                                    : vf_zero();
        VF t = join_tops(v);

        t = vf_larger(t, vf_swap(t, 4));
        t = vf_larger(t, vf_swap(t, 8));
        top = vf_hide(top, 15u << i, t);
    }
    top = vf_larger(top, vf_set1(1e-30f));
    vf_store(p->top + b, top);
    vf_store(p->inv + b, vf_div(full, top));
}

/* Stores the bytes of one block; what they say of its sums. */
INLINE VF put_block(const struct part *p, int b, const int narrow)
{
    static const int8_t ones[4] = { 1, 1, 1, 1 };
    const float *f = p->f + b * KERN_QBLOCK;
    const size_t at = (size_t)b * p->step;
    const VF inv = vf_set1(p->inv[b]);
    VF u = vf_mul(vf_load(f), inv), v = vf_mul(vf_load(f + KERN_LANES), inv);

    if (narrow) {
        p->wide[at] = !(p->top[b] <= p->limit);
        if (!p->wide[at]) {
            u = whole_bytes(u);
            v = whole_bytes(v);
        }
    }
    VB q = vb_split(u, v);

    vb_store((uint8_t *)p->q + at * 2 * KERN_QBLOCK, q);
    return vf_from(vi_dot7(vi_zero(), q, ones));
}

/* Four lanes of each block add up to the sum of hi in its first 16 columns, hi
 * in the others, lo in the first, lo in the others.  These integers are exact
 * in floats, so their order does not matter. */
INLINE void part_bytes(struct part *p, int b, const int narrow)
{
    VF half = vf_zero(), sum = vf_zero();

    for (int i = 0; i < KERN_LANES && b + i < p->n; i += QUAD) {
        VF v[QUAD], u, w;

        UNROLL
        for (int k = 0; k < QUAD; k++)
            v[k] = b + i + k < p->n ? put_block(p, b + i + k, narrow)
                                    : vf_zero();
        u = join_sums(v);
        u = vf_keep(vf_mul(u, vf_set1(256.0f)), 8, u);
        u = vf_add(u, vf_swap(u, 8));       /* first columns' lanes, others' */
        w = vf_swap(u, 4);
        sum = vf_hide(sum, 15u << i, vf_add(u, w));
        half = vf_hide(half, 15u << i, i & 4 ? w : u);
    }
    vf_store(p->half + b, half);
    vf_store(p->sum + b, sum);
}

INLINE void part_scales(const struct part *p, int b)
{
    const VF full = vf_set1(256.0f * 127.0f), sum = vf_load(p->sum + b);
    const VF d = vf_div(vf_load(p->top + b), full), s = vf_mul(d, sum);
    const VF is = vf_int_bits(sum), ih = vf_int_bits(vf_load(p->half + b));
    /* four lanes are the scale of one block: of block k at row[k % 4], k / 4 */
    _Alignas(64) float row[QUAD][KERN_LANES];
    struct kern_scale *to = p->scale + (size_t)b * p->step;

    vf_store(row[0], vf_evens(vf_evens(d, s), vf_evens(is, ih)));
    vf_store(row[1], vf_evens(vf_odds(d, s), vf_odds(is, ih)));
    vf_store(row[2], vf_odds(vf_evens(d, s), vf_evens(is, ih)));
    vf_store(row[3], vf_odds(vf_odds(d, s), vf_odds(is, ih)));
    for (int k = 0; k < KERN_LANES && b + k < p->n; k++, to += p->step)
        memcpy(to, row[k % 4] + k / 4 * 4, sizeof *to);
}

/* d = max|f| / (256 * 127), q = round(f / d), or in a block that does with one
 * byte the multiple of 256 next to it.  NaN in, and d is NaN. */
static void quantise(const struct kern_acts *x, int row)
{
    const struct kern_tile tile = kern_tile_of(TILE_ROWS, x->n_row, row);
    const int nb = x->n_in / KERN_QBLOCK;
    const float *f = x->f + (size_t)row * (size_t)x->n_in;
    struct part p;

    p.step = (size_t)tile.n;
    p.limit = x->narrow ? KERN_WIDE * sqrtf(sum_squares(f, x->n_in) /
                                            (float)x->n_in) : -1.0f;
    for (int from = 0; from < nb; from += PART) {
        const size_t at = kern_act_at(tile, row, nb, from);

        p.f = f + from * KERN_QBLOCK;
        p.n = nb - from < PART ? nb - from : PART;
        p.q = x->q + at * 2 * KERN_QBLOCK;
        p.wide = x->narrow ? x->wide + at : NULL;
        p.scale = x->scale + at;
        for (int b = 0; b < p.n; b += KERN_LANES)
            part_tops(&p, b);
        for (int b = 0; b < p.n; b += KERN_LANES)
            if (x->narrow)
                part_bytes(&p, b, 1);
            else
                part_bytes(&p, b, 0);
        for (int b = 0; b < p.n; b += KERN_LANES)
            part_scales(&p, b);
    }
}

INLINE VF silu_mul(VF g, VF u)
{
    VF e = vf_exp(vf_sub(vf_zero(), g));

    return vf_mul(vf_div(g, vf_add(vf_set1(1.0f), e)), u);
}

static void swiglu(float *g, const float *u, int n)
{
    int i = 0;

    for (; i + KERN_LANES <= n; i += KERN_LANES)
        vf_store(g + i, silu_mul(vf_load(g + i), vf_load(u + i)));
    if (i < n) {
        float tmp[KERN_LANES];

        vf_store(tmp, silu_mul(load_tail(g + i, n - i),
                               load_tail(u + i, n - i)));
        memcpy(g + i, tmp, (size_t)(n - i) * sizeof *g);
    }
}

static void to_f16(const float *x, uint16_t *y, int n)
{
    int i = 0;

    for (; i + KERN_LANES <= n; i += KERN_LANES)
        vf_store_f16(y + i, vf_load(x + i));
    if (i < n) {
        uint16_t tmp[KERN_LANES];

        vf_store_f16(tmp, load_tail(x + i, n - i));
        memcpy(y + i, tmp, (size_t)(n - i) * sizeof *y);
    }
}

#include "engine/kern_attn_body.h"
#include "engine/kern_hull_body.h"

/* --- softmax over a vocabulary -------------------------------------------- */

static float top(const float *x, int n, int *finite)
{
    VF most = vf_set1(-INFINITY), zero = vf_zero();
    int i = 0;

    /* the larger of NaN and most is most; 0 * x is 0 for finite x alone */
    for (; i + KERN_LANES <= n; i += KERN_LANES) {
        VF v = vf_load(x + i);

        most = vf_max(v, most);
        zero = vf_fma(v, vf_zero(), zero);
    }
    if (i < n) {
        VF v = load_tail(x + i, n - i);

        most = vf_max(vf_keep(v, n - i, most), most);
        zero = vf_fma(v, vf_zero(), zero);
    }
    *finite = vf_sum(zero) == 0.0f;
    return vf_top(most);
}

/* vf_exp() clamps at exp(-87.3); less that it is 0 there, and unchanged where
 * it matters. */
INLINE VF exp_or_zero(VF x)
{
    return vf_sub(vf_exp(x), vf_exp(vf_set1(-88.0f)));
}

static void exps(const float *x, int n, float max, float scale, float *y)
{
    const VF m = vf_set1(max), c = vf_set1(scale);
    int i = 0;

    for (; i + KERN_LANES <= n; i += KERN_LANES)
        vf_store(y + i, exp_or_zero(vf_mul(vf_sub(vf_load(x + i), m), c)));
    if (i < n) {
        float tmp[KERN_LANES];

        vf_store(tmp, exp_or_zero(vf_mul(vf_sub(load_tail(x + i, n - i), m),
                                         c)));
        memcpy(y + i, tmp, (size_t)(n - i) * sizeof *y);
    }
}

static void exp_sums(const float *x, int n, float max, float scale,
                     float sum[2])
{
    const VF m = vf_set1(max), c = vf_set1(scale);
    VF s = vf_zero(), st = vf_zero();

    for (int i = 0; i < n; i += KERN_LANES) {
        VF t = vf_sub(vf_load(x + i), m);
        VF e = exp_or_zero(vf_mul(t, c));

        s = vf_add(s, e);
        st = vf_fma(e, t, st);
    }
    sum[0] = vf_sum(s);
    sum[1] = vf_sum(st);
}

#define KERN_FILL(name_, isa_)                                               \
    {                                                                        \
        .name = name_, .isa = isa_, .tile_rows = TILE_ROWS,                  \
        .mul = { [KERN_Q4_0] = mul_q4_0, [KERN_Q4_1] = mul_q4_1,             \
                 [KERN_Q4_K] = mul_q4_k, [KERN_Q5_K] = mul_q5_k,             \
                 [KERN_Q6_K] = mul_q6_k, [KERN_Q8_0] = mul_q8_0,             \
                 [KERN_F16] = mul_f16, [KERN_BF16] = mul_bf16,               \
                 [KERN_F32] = mul_f32 },                                     \
        .rmsnorm = rmsnorm, .stats = stats, .quantise = quantise,            \
        .swiglu = swiglu, .part_init = part_init,                            \
        .put = { [KERN_KV_F16] = put_f16, [KERN_KV_Q8] = put_q8 },           \
        .attn = { [KERN_KV_F16] = attn_f16, [KERN_KV_Q8] = attn_q8 },        \
        .hull = { [KERN_KV_F16] = hull_f16, [KERN_KV_Q8] = hull_q8 },        \
        .aim = aim, .reach = reach, .best = best,                            \
        .merge = merge, .finish = finish,                                    \
        .top = top, .exps = exps, .exp_sums = exp_sums,                      \
    }
