/* The kernels of a softmax over a vocabulary: right, and the same on every
 * ISA. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/kern.h"

enum { N = 1008 };              /* a multiple of 16, for exp_sums */

static float x[N];

/* The table of the test's ISA; skips where this CPU has none. */
static const struct kern_table *table(void **state)
{
    enum kern_isa isa = *(enum kern_isa *)*state;
    const struct kern_table *k = kern_pick(isa);

    if (k->isa != isa) {
        print_message("this CPU does not run it\n");
        skip();
    }
    return k;
}

/* From 0 down to -120: beyond where float's exp ends. */
static void fill(void)
{
    uint32_t seed = 1;

    for (int i = 0; i < N; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = -120.0f * (float)(seed >> 8) * 0x1p-24f;
    }
    x[500] = 0.0f;
}

static void exps_are_right(void **state)
{
    const struct kern_table *k = table(state);
    float y[N], sum[2];
    double s = 0.0, st = 0.0;

    fill();
    k->exps(x, N, 0.0f, 1.0f, y);
    for (int i = 0; i < N; i++) {
        double want = exp((double)x[i]);

        if (x[i] < -87.3f)
            assert_true(y[i] == 0.0f);
        else    /* 3e-7 of the value; less what is 0 at the end */
            assert_true(fabs(y[i] - want) <= 3e-7 * want + 2e-38);
        s += want;
        st += want * (double)x[i];
    }
    /* every term within 3e-7, and 63 roundings a lane */
    k->exp_sums(x, N, 0.0f, 1.0f, sum);
    assert_true(fabs(sum[0] - s) <= 5e-6 * s);
    assert_true(fabs(sum[1] - st) <= 5e-6 * fabs(st));
    /* scaled, and against another maximum */
    k->exps(x, 1, -3.0f, 0.25f, y);
    assert_true(fabs(y[0] - exp(((double)x[0] + 3.0) * 0.25)) <= 1e-6);
}

static void all_equal_the_plain_ones(void **state)
{
    const struct kern_table *k = table(state);
    float a[N], b[N], sa[2], sb[2];
    int fa, fb;

    fill();
    for (int n = 1; n < 50; n++) {      /* every tail */
        memset(a, 7, sizeof a);
        memset(b, 7, sizeof b);
        k->exps(x, n, 0.0f, 0.7f, a);
        kern_ref.exps(x, n, 0.0f, 0.7f, b);
        assert_memory_equal(a, b, sizeof a);
        assert_true(k->top(x, n, &fa) == kern_ref.top(x, n, &fb));
        assert_true(fa && fb);
    }
    k->exp_sums(x, N, 0.5f, 1.3f, sa);
    kern_ref.exp_sums(x, N, 0.5f, 1.3f, sb);
    assert_memory_equal(sa, sb, sizeof sa);
}

static void the_top_passes_over_nan_and_says_so(void **state)
{
    static const float odd[] = { NAN, -INFINITY, INFINITY };
    const struct kern_table *k = table(state);
    int finite;

    for (int o = 0; o < 3; o++)
        for (int at = 0; at < 40; at++)
            for (int n = at + 1; n < 40; n++) {
                float most = -INFINITY;

                fill();
                x[at] = odd[o];
                for (int i = 0; i < n; i++)
                    most = x[i] > most ? x[i] : most;
                assert_true(k->top(x, n, &finite) == most);
                assert_int_equal(finite, 0);
            }
    float nan = NAN, y = 1.0f;
    k->exps(&nan, 1, 0.0f, 1.0f, &y);
    assert_true(y == 0.0f);
}

#define ON(isa, test) { #test "/" #isa, test, NULL, NULL, &isas[isa] }

int main(void)
{
    static enum kern_isa isas[] = { KERN_REF, KERN_AVX2, KERN_AVX512 };
    const struct CMUnitTest tests[] = {
        ON(KERN_REF, exps_are_right),
        ON(KERN_AVX2, exps_are_right),
        ON(KERN_AVX512, exps_are_right),
        ON(KERN_AVX2, all_equal_the_plain_ones),
        ON(KERN_AVX512, all_equal_the_plain_ones),
        ON(KERN_REF, the_top_passes_over_nan_and_says_so),
        ON(KERN_AVX2, the_top_passes_over_nan_and_says_so),
        ON(KERN_AVX512, the_top_passes_over_nan_and_says_so),
    };

    return cmocka_run_group_tests_name("kern_softmax", tests, NULL, NULL);
}
