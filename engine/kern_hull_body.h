/* engine/kern_hull_body.h - the part of kern_body.h that finds blocks worth
 * reading: the hull of a block's keys, how far queries reach into it, and the
 * blocks that they reach furthest into.
 *
 *   q . k <= sum over d of max(q_d lo_d, q_d hi_d)     lo_d <= k_d <= hi_d
 *
 * Source: Tang et al. 2024, "Quest", section 3.3.  The sum of that over the
 * queries of a group is
 *
 *   sum over d of  N_d lo_d + P_d hi_d     N_d, P_d: the sums of the q_d below
 *                                          0 and above
 *
 * so all of them together cost what one of them would.  lo and hi are bytes,
 * rounded outwards, since a long timeline is limited by how many of them are
 * read; N and P have 16 bits.  The products are exact.
 * Lanes are the blocks, so a vector of bounds needs no sum across lanes. */

/* How many bytes of 16 hulls come before their scales. */
INLINE size_t hull_scales(int head_dim)
{
    return (size_t)head_dim * 2 * KERN_LANES;
}

/* lo, hi[head_dim] into lane `lane` of the hulls. */
static void put_hull(const float *lo, const float *hi, int head_dim,
                     uint8_t *hull, int lane)
{
    const VF one = vf_set1(1.0f), full = vf_set1(127.0f);
    int8_t down[HEAD_DIM_MAX], up[HEAD_DIM_MAX];
    float d = to_bytes(hi, head_dim, up), e = to_bytes(lo, head_dim, down);

    d = d > e ? d : e;
    const VF inv = vf_set1(d > 1e-30f && d < INFINITY ? 1.0f / d : 0.0f);

    for (int i = 0; i < head_dim; i += KERN_LANES) {
        int n = head_dim - i;
        VF a = n < KERN_LANES ? load_tail(lo + i, n) : vf_load(lo + i);
        VF b = n < KERN_LANES ? load_tail(hi + i, n) : vf_load(hi + i);
        VF x = vf_round(vf_mul(a, inv)), y = vf_round(vf_mul(b, inv));

        x = vf_hide(x, vf_over(x, vf_mul(a, inv)), vf_sub(x, one));
        y = vf_hide(y, vf_over(vf_mul(b, inv), y), vf_add(y, one));
        vf_store_i8(down + i, vf_max(x, vf_sub(vf_zero(), full)));
        vf_store_i8(up + i, vf_min(y, full));
    }
    for (int i = 0; i < head_dim; i++) {
        uint8_t *to = hull + i / 2 * 64 + 4 * lane + i % 2 * 2;

        to[0] = (uint8_t)(down[i] + 128);
        to[1] = (uint8_t)(up[i] + 128);
    }
    memcpy(hull + hull_scales(head_dim) + (size_t)lane * sizeof d, &d,
           sizeof d);
}

static void hull_f16(const void *piece, int head_dim, uint8_t *hull, int lane)
{
    float lo[HEAD_DIM_MAX], hi[HEAD_DIM_MAX];

    for (int d = 0; d < head_dim; d++) {
        VF k = vf_f16(halves(piece) + d * KERN_KVBLOCK);

        hi[d] = vf_top(k);
        lo[d] = -vf_top(vf_sub(vf_zero(), k));
    }
    put_hull(lo, hi, head_dim, hull, lane);
}

/* Of keys in bytes as they were before spread(), which takes itself back: its
 * hull is the tighter one, as the large dimensions of a key keep their sign. */
static void hull_q8(const void *piece, int head_dim, uint8_t *hull, int lane)
{
    const uint8_t *bytes = piece;
    float lo[HEAD_DIM_MAX], hi[HEAD_DIM_MAX], x[HEAD_DIM_MAX];
    float k[HEAD_DIM_MAX] = { 0 }, step[KERN_KVBLOCK];

    vf_store(step, byte_scales(bytes, head_dim, 0));
    for (int key = 0; key < KERN_KVBLOCK; key++) {
        const float scale = step[key] / (float)spread_over(head_dim);

        for (int d = 0; d < head_dim; d++)
            k[d] = scale * (float)(bytes[d / 4 * 64 + 4 * key + d % 4] - 128);
        spread(k, head_dim, x);
        for (int d = 0; d < head_dim; d++) {
            lo[d] = key == 0 || x[d] < lo[d] ? x[d] : lo[d];
            hi[d] = key == 0 || x[d] > hi[d] ? x[d] : hi[d];
        }
    }
    put_hull(lo, hi, head_dim, hull, lane);
}

static void aim(const float *const *q, int n_query, int head_dim,
                struct kern_aim *to)
{
    float side[2 * HEAD_DIM_MAX] = { 0 };

    for (int i = 0; i < n_query; i++)
        for (int d = 0; d < head_dim; d++)
            side[2 * d + (q[i][d] > 0.0f)] += q[i][d];
    to->d = to_words(side, 2 * head_dim, to->hi, to->lo, &to->sum);
}

/* Adds the 64 bytes at `at`: two dimensions of 16 hulls. */
INLINE void add_dims(const uint8_t *hull, size_t at, const struct kern_aim *to,
                     VI *hi, VI *lo)
{
    VB k = vb_load(hull + at);

    *hi = vi_dot8(*hi, k, to->hi + at / 16);
    *lo = vi_dot8(*lo, k, to->lo + at / 16);
}

static void reach(const uint8_t *hull, int head_dim, const struct kern_aim *to,
                  const uint8_t *next, float *far)
{
    const size_t bytes = hull_scales(head_dim);
    /* two of each, so that a sum need not wait for the one before */
    VI hi[2] = { vi_zero(), vi_zero() }, lo[2] = { vi_zero(), vi_zero() };
    size_t at = 0;

    for (; at + 128 <= bytes; at += 128) {
        __builtin_prefetch(next + at);
        __builtin_prefetch(next + at + 64);
        add_dims(hull, at, to, &hi[0], &lo[0]);
        add_dims(hull, at + 64, to, &hi[1], &lo[1]);
    }
    __builtin_prefetch(next + at);
    if (at < bytes)
        add_dims(hull, at, to, &hi[0], &lo[0]);
    VI dot = vi_join(vi_add(hi[0], hi[1]), vi_dot8_start(to->sum));
    VF d = vf_load((const float *)(const void *)(hull + bytes));

    dot = vi_add(dot, vi_add(lo[0], lo[1]));
    d = vf_mul(vf_from(dot), vf_mul(vf_set1(to->d), d));
    vf_store(far, vf_max(d, vf_set1(-INFINITY)));       /* NaN: nowhere */
}

/* --- the largest ----------------------------------------------------------*/

/* Floats in their order as integers, and back. */
INLINE int32_t order_of(float x)
{
    int32_t i;

    memcpy(&i, &x, sizeof i);
    return i < 0 ? i ^ INT32_MAX : i;
}

INLINE float of_order(int32_t i)
{
    float x;

    i = i < 0 ? i ^ INT32_MAX : i;
    memcpy(&x, &i, sizeof x);
    return x;
}

INLINE int count_over(const float *x, int n, VF limit)
{
    int count = 0;

    for (int i = 0; i < n; i += KERN_LANES)
        count += __builtin_popcount(vf_over(vf_load(x + i), limit));
    return count;
}

/* Halves what lies between a limit that more than k exceed and one that k or
 * fewer do: 32 steps at most, most often a dozen, none of which depends on the
 * numbers' order.  What equals the limit fills up. */
static void best(const float *x, int n, int k, uint16_t *bits)
{
    int64_t low = (int64_t)order_of(-INFINITY) - 1, high = order_of(INFINITY);
    int over = 0;

    while (over < k && high - low > 1) {
        int64_t mid = low + (high - low) / 2;
        int count = count_over(x, n, vf_set1(of_order((int32_t)mid)));

        if (count > k) {
            low = mid;
        } else {
            high = mid;
            over = count;
        }
    }
    const VF limit = vf_set1(of_order((int32_t)high));

    for (int i = 0; i < n; i += KERN_LANES) {
        VF v = vf_load(x + i);
        unsigned in = vf_over(v, limit);
        unsigned equal = ~(in | vf_over(limit, v)) & 0xffffu;

        for (; equal && over < k; equal &= equal - 1, over++)
            in |= equal & -equal;
        bits[i / KERN_LANES] = (uint16_t)in;
    }
}
