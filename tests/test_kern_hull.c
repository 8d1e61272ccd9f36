/* The hulls of blocks of keys and how far queries reach into them: plain C
 * against arithmetic in doubles, every other ISA against plain C bit for bit,
 * with keys in either form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/half.h"
#include "engine/kern.h"
#include "tests/kerntest.h"

enum { HD_MAX = 64, N_QUERY = 5, HULL = HD_MAX * 2 * KERN_LANES };

static const int dims[] = { 64, 48, 40, 34 };
enum { N_DIM = sizeof dims / sizeof *dims };

static const struct kern_table *tables[] = {
    &kern_ref,
#if defined(__x86_64__)
    &kern_avx2, &kern_avxvnni, &kern_avx512,
#endif
};
enum { N_TABLE = sizeof tables / sizeof *tables };

static float key[16][HD_MAX], q[N_QUERY][HD_MAX];
static const float *pq[N_QUERY];
static uint8_t piece[32 * 2 * HD_MAX + 256];

/* A block whose keys all lean to one side, differently in each dimension. */
static void make_block(enum kern_kvtype type, int hd)
{
    float v[HD_MAX] = { 0 };

    memset(piece, 0, sizeof piece);
    for (int k = 0; k < 16; k++) {
        for (int d = 0; d < hd; d++)
            key[k][d] = random_float() + (float)(d % 5) - 2.0f;
        kern_ref.put[type](key[k], v, hd, piece, k);
    }
    for (int i = 0; i < N_QUERY; i++) {
        for (int d = 0; d < hd; d++)
            q[i][d] = random_float();
        pq[i] = q[i];
    }
    q[0][0] = 0.0f;
}

static float side(const uint16_t *hull, int d, int s, int lane)
{
    return half_to_f32(hull[(2 * d + s) * KERN_LANES + lane]);
}

static void a_hull_is_what_keys_span(void **state)
{
    static uint16_t hull[HULL];
    /* a step of 16 bits, or of keys in bytes that were spread */
    static const float off[KERN_KVTYPES] = { 4e-3f, 6e-2f };

    (void)state;
    for (int type = 0; type < KERN_KVTYPES; type++)
        for (int i = 0; i < N_DIM; i++) {
            int hd = dims[i], lane = 3 * i;

            make_block((enum kern_kvtype)type, hd);
            kern_ref.hull[type](piece, hd, hull, lane);
            for (int d = 0; d < hd; d++) {
                float lo = key[0][d], hi = lo;

                for (int k = 1; k < 16; k++) {
                    lo = key[k][d] < lo ? key[k][d] : lo;
                    hi = key[k][d] > hi ? key[k][d] : hi;
                }
                assert_float_equal(side(hull, d, 0, lane), lo, off[type]);
                assert_float_equal(side(hull, d, 1, lane), hi, off[type]);
            }
        }
}

static void reach_is_the_sum_over_the_nearer_sides(void **state)
{
    static uint16_t hull[HULL];
    float far[KERN_LANES];

    (void)state;
    for (int i = 0; i < N_DIM; i++) {
        int hd = dims[i];

        for (int lane = 0; lane < KERN_LANES; lane++) {
            make_block(KERN_KV_F16, hd);
            kern_ref.hull[KERN_KV_F16](piece, hd, hull, lane);
        }
        for (int n = 1; n <= N_QUERY; n++) {
            kern_ref.reach(hull, hd, n, pq, far);
            for (int lane = 0; lane < KERN_LANES; lane++) {
                double want = 0;

                for (int k = 0; k < n; k++)
                    for (int d = 0; d < hd; d++) {
                        double a = (double)(q[k][d] * side(hull, d, 0, lane));
                        double b = (double)(q[k][d] * side(hull, d, 1, lane));

                        want += a > b ? a : b;
                    }
                assert_true(fabs((double)far[lane] - want) < 1e-4);
            }
        }
    }
}

static void every_isa_gives_the_same_bits(void **state)
{
    static uint16_t want[HULL], got[HULL];
    float far[2][KERN_LANES];

    (void)state;
    for (int t = 1; t < N_TABLE; t++) {
        if (!kern_runs(tables[t]))
            continue;
        for (int type = 0; type < KERN_KVTYPES; type++)
            for (int i = 0; i < N_DIM; i++) {
                int hd = dims[i];

                for (int lane = 0; lane < KERN_LANES; lane++) {
                    make_block((enum kern_kvtype)type, hd);
                    kern_ref.hull[type](piece, hd, want, lane);
                    tables[t]->hull[type](piece, hd, got, lane);
                }
                assert_memory_equal(got, want, kern_hull_bytes(hd));
                for (int n = 1; n <= N_QUERY; n++) {
                    kern_ref.reach(want, hd, n, pq, far[0]);
                    tables[t]->reach(want, hd, n, pq, far[1]);
                    assert_memory_equal(far[0], far[1], sizeof far[0]);
                }
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hull_is_what_keys_span),
        cmocka_unit_test(reach_is_the_sum_over_the_nearer_sides),
        cmocka_unit_test(every_isa_gives_the_same_bits),
    };

    return cmocka_run_group_tests_name("kern_hull", tests, NULL, NULL);
}
