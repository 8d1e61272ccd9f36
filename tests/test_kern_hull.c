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

enum { HD_MAX = 64, N_QUERY = 5, HULL = KERN_LANES * (2 * HD_MAX + 4) };

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
static _Alignas(64) uint8_t piece[32 * 2 * HD_MAX + 256];

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

static float step(const uint8_t *hull, int hd, int lane)
{
    float d;

    memcpy(&d, hull + 2 * hd * KERN_LANES + lane * (int)sizeof d, sizeof d);
    return d;
}

static float side(const uint8_t *hull, int hd, int d, int s, int lane)
{
    int steps = hull[d / 2 * 64 + 4 * lane + d % 2 * 2 + s] - 128;

    return step(hull, hd, lane) * (float)steps;
}

/* It holds all keys, and no side is more than a step further out. */
static void a_hull_is_what_keys_span(void **state)
{
    static _Alignas(64) uint8_t hull[HULL];
    /* a step of 16 bits, or of keys in bytes that were spread */
    static const float off[KERN_KVTYPES] = { 4e-3f, 6e-2f };

    (void)state;
    for (int type = 0; type < KERN_KVTYPES; type++)
        for (int i = 0; i < N_DIM; i++) {
            int hd = dims[i], lane = 3 * i;

            make_block((enum kern_kvtype)type, hd);
            kern_ref.hull[type](piece, hd, hull, lane);
            for (int d = 0; d < hd; d++) {
                float lo = key[0][d], hi = lo, out = step(hull, hd, lane);
                float l = side(hull, hd, d, 0, lane);
                float h = side(hull, hd, d, 1, lane);

                for (int k = 1; k < 16; k++) {
                    lo = key[k][d] < lo ? key[k][d] : lo;
                    hi = key[k][d] > hi ? key[k][d] : hi;
                }
                assert_true(l <= lo + off[type] && h >= hi - off[type]);
                assert_true(l >= lo - out - off[type]);
                assert_true(h <= hi + out + off[type]);
            }
        }
}

/* Infinite keys: what their dimensions say is void, and the same everywhere. */
static void keys_that_are_not_finite_do_no_harm(void **state)
{
    static _Alignas(64) uint8_t hull[2][HULL];
    struct kern_aim aim;
    float far[2][KERN_LANES];

    (void)state;
    make_block(KERN_KV_F16, 64);
    key[3][5] = INFINITY;
    key[7][9] = NAN;
    kern_ref.put[KERN_KV_F16](key[3], key[3], 64, piece, 3);
    kern_ref.put[KERN_KV_F16](key[7], key[7], 64, piece, 7);
    for (int t = 0; t < N_TABLE; t++) {
        int at = t > 0;

        if (!kern_runs(tables[t]))
            continue;
        tables[t]->hull[KERN_KV_F16](piece, 64, hull[at], 2);
        tables[t]->aim(pq, N_QUERY, 64, &aim);
        tables[t]->reach(hull[at], 64, &aim, hull[at], far[at]);
        for (int lane = 0; lane < KERN_LANES; lane++)
            assert_true(far[at][lane] == far[at][lane]);
        assert_memory_equal(hull[at], hull[0], sizeof hull[0]);
        assert_memory_equal(far[at], far[0], sizeof far[0]);
    }
}

static void reach_is_the_sum_over_the_nearer_sides(void **state)
{
    static _Alignas(64) uint8_t hull[HULL];
    struct kern_aim aim;
    float far[KERN_LANES];

    (void)state;
    for (int i = 0; i < N_DIM; i++) {
        int hd = dims[i];

        for (int lane = 0; lane < KERN_LANES; lane++) {
            make_block(KERN_KV_F16, hd);
            kern_ref.hull[KERN_KV_F16](piece, hd, hull, lane);
        }
        for (int n = 1; n <= N_QUERY; n++) {
            kern_ref.aim(pq, n, hd, &aim);
            kern_ref.reach(hull, hd, &aim, hull, far);
            for (int lane = 0; lane < KERN_LANES; lane++) {
                double want = 0;

                for (int k = 0; k < n; k++)
                    for (int d = 0; d < hd; d++) {
                        float at = q[k][d];
                        double a = (double)(at * side(hull, hd, d, 0, lane));
                        double b = (double)(at * side(hull, hd, d, 1, lane));

                        want += a > b ? a : b;
                    }
                /* 2 hd sides, each within half a step of aim, times a key */
                near((double)far[lane], want, hd * (double)aim.d * 4.0);
            }
        }
    }
}

static void no_product_is_larger(void **state)
{
    static _Alignas(64) uint8_t hull[HULL];
    struct kern_aim aim;
    float far[KERN_LANES];

    (void)state;
    for (int i = 0; i < 50; i++) {
        double sum = 0;

        make_block(KERN_KV_F16, 64);
        kern_ref.hull[KERN_KV_F16](piece, 64, hull, 0);
        kern_ref.aim(pq, N_QUERY, 64, &aim);
        kern_ref.reach(hull, 64, &aim, hull, far);
        for (int n = 0; n < N_QUERY; n++) {
            double most = -INFINITY;

            for (int k = 0; k < 16; k++) {
                double dot = 0;

                for (int d = 0; d < 64; d++)
                    dot += (double)(q[n][d] *
                                    half_to_f32(half_from_f32(key[k][d])));
                most = dot > most ? dot : most;
            }
            sum += most;
        }
        assert_true((double)far[0] >= sum - 64 * (double)aim.d * 4.0);
    }
}

static void every_isa_gives_the_same_bits(void **state)
{
    static _Alignas(64) uint8_t want[HULL], got[HULL];
    struct kern_aim aim[2];
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
                    memset(aim, 0, sizeof aim);
                    kern_ref.aim(pq, n, hd, &aim[0]);
                    tables[t]->aim(pq, n, hd, &aim[1]);
                    assert_memory_equal(&aim[0], &aim[1], sizeof aim[0]);
                    kern_ref.reach(want, hd, &aim[0], want, far[0]);
                    tables[t]->reach(want, hd, &aim[1], want, far[1]);
                    assert_memory_equal(far[0], far[1], sizeof far[0]);
                }
            }
    }
}

/* --- the largest ----------------------------------------------------------*/

enum { MANY = 40 * KERN_LANES };

/* By looking at all of them for each: x[i] is one of the k if fewer than k are
 * larger, or as large and earlier. */
static int is_best(const float *x, int n, int k, int i)
{
    int before = 0;

    for (int j = 0; j < n; j++)
        before += x[j] > x[i] || (j < i && x[j] == x[i]);
    return before < k;
}

/* Numbers of both signs, a few values often, both zeros, infinities. */
static float any_float(int kind)
{
    static const float few[] = { 0.0f, -0.0f, 1.0f, -INFINITY, 1e-40f, 3e38f,
                                 INFINITY, -2.5f };

    return kind == 0 ? random_float()
         : kind == 1 ? few[random32() % (sizeof few / sizeof *few)]
                     : 100.0f + (float)(random32() % 9);
}

static void the_best_are_those_of_a_plain_search(void **state)
{
    static float x[MANY];
    uint16_t bits[MANY / KERN_LANES];

    (void)state;
    for (int i = 0; i < 60; i++) {
        int n = (1 + (int)(random32() % 40)) * KERN_LANES;
        int k = i % 4 == 0 ? n : 1 + (int)(random32() % (uint32_t)n);

        for (int j = 0; j < n; j++)
            x[j] = any_float(i % 3);
        for (int t = 0; t < N_TABLE; t++) {
            if (!kern_runs(tables[t]))
                continue;
            memset(bits, 0xff, sizeof bits);
            tables[t]->best(x, n, k, bits);
            for (int j = 0; j < n; j++)
                assert_int_equal(bits[j / KERN_LANES] >> j % KERN_LANES & 1,
                                 is_best(x, n, k, j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hull_is_what_keys_span),
        cmocka_unit_test(reach_is_the_sum_over_the_nearer_sides),
        cmocka_unit_test(no_product_is_larger),
        cmocka_unit_test(keys_that_are_not_finite_do_no_harm),
        cmocka_unit_test(every_isa_gives_the_same_bits),
        cmocka_unit_test(the_best_are_those_of_a_plain_search),
    };

    return cmocka_run_group_tests_name("kern_hull", tests, NULL, NULL);
}
