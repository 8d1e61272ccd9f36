/* engine/kern_hull_body.h - the part of kern_body.h that finds blocks worth
 * reading: the hull of a block's keys, and how far a query reaches into it.
 *
 *   q . k <= sum over d of max(q_d lo_d, q_d hi_d)     lo_d <= k_d <= hi_d
 *
 * The sign of q_d says which of the two it is, so one of them is read.
 * Source: Tang et al. 2024, "Quest", section 3.3.
 * Lanes are the blocks, so a vector of bounds needs no sum across lanes. */

/* lo, hi[head_dim] into lane `lane` of the hulls. */
static void put_hull(const float *lo, const float *hi, int head_dim,
                     uint16_t *hull, int lane)
{
    uint16_t half[2][HEAD_DIM_MAX];

    to_f16(lo, half[0], head_dim);
    to_f16(hi, half[1], head_dim);
    for (int d = 0; d < head_dim; d++)
        for (int side = 0; side < 2; side++)
            hull[(2 * d + side) * KERN_LANES + lane] = half[side][d];
}

static void hull_f16(const void *piece, int head_dim, uint16_t *hull, int lane)
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
static void hull_q8(const void *piece, int head_dim, uint16_t *hull, int lane)
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

/* Four sums, so that additions need not wait for each other. */
INLINE VF reach_one(const uint16_t *hull, int head_dim, const float *q)
{
    VF s[4] = { vf_zero(), vf_zero(), vf_zero(), vf_zero() };
    int d = 0;

    for (; d + 4 <= head_dim; d += 4)
        UNROLL
        for (int j = 0; j < 4; j++) {
            int at = 2 * (d + j) + (q[d + j] > 0.0f);

            s[j] = vf_fma(vf_set1(q[d + j]), vf_f16(hull + at * KERN_LANES),
                          s[j]);
        }
    for (; d < head_dim; d++)
        s[0] = vf_fma(vf_set1(q[d]),
                      vf_f16(hull + (2 * d + (q[d] > 0.0f)) * KERN_LANES),
                      s[0]);
    return vf_add(vf_add(s[0], s[1]), vf_add(s[2], s[3]));
}

static void reach(const uint16_t *hull, int head_dim, int n_query,
                  const float *const *q, float *far)
{
    VF sum = reach_one(hull, head_dim, q[0]);

    for (int i = 1; i < n_query; i++)
        sum = vf_add(sum, reach_one(hull, head_dim, q[i]));
    vf_store(far, sum);
}
