/* The sampler: what it records is the softmax, what it chooses follows the
 * parameters, and both are the same every time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/sampler.h"
#include "tests/slow.h"

enum { N = 1999 };              /* no multiple of any block */

/* The same numbers on every machine: a linear congruential generator (Knuth,
 * TAOCP 3.3.4, line 26), its upper bits. */
static uint32_t rng;

static int random_below(int n)
{
    rng = rng * 1664525u + 1013904223u;
    return (int)((rng >> 8) % (uint32_t)n);
}

static float logits[N];
static struct sampler_scratch work;

/* Logits of a shape as models give: a few high, a long tail. */
static int setup(void **state)
{
    (void)state;
    rng = 4;
    for (int i = 0; i < N; i++) {
        float u = (float)random_below(1 << 20) * 0x1p-20f;

        logits[i] = 12.0f * u * u * u * u - 5.0f;
    }
    return sampler_scratch_init(&work, N) == SOR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    sampler_scratch_release(&work);
    return 0;
}

static double exact_lse(void)
{
    double sum = 0.0;

    for (int i = 0; i < N; i++)
        sum += exp((double)logits[i]);
    return log(sum);
}

static struct sampler start(const struct sampler_params *p, uint32_t ordinal)
{
    struct sampler s;

    assert_int_equal(sampler_init(&s, p, ordinal, NULL), SOR_OK);
    return s;
}

/* --- what it records ----------------------------------------------------- */

/* Float terms summed in short runs: some 1e-6 of relative error. */
static void the_record_is_the_softmax(void **state)
{
    struct sampler_pick pick;
    struct sampler_stats st;
    double lse = exact_lse(), entropy = 0.0;

    (void)state;
    for (int i = 0; i < N; i++)
        entropy -= exp(logits[i] - lse) * (logits[i] - lse);
    sampler_stats(logits, N, &st);
    assert_float_equal((float)st.lse, (float)lse, 2e-6f);
    assert_float_equal((float)st.entropy, (float)entropy, 1e-5f);
    assert_int_equal(st.n_nan, 0);
    sampler_measure(logits, 17, SAMPLER_TOP, &work, &pick);
    assert_int_equal(pick.id, 17);
    assert_float_equal(pick.logprob, (float)(logits[17] - lse), 2e-6f);
    assert_float_equal(pick.entropy, (float)entropy, 1e-5f);
    assert_int_equal(pick.n_top, SAMPLER_TOP);
    sampler_measure(logits, 17, 0, &work, &pick);
    assert_int_equal(pick.n_top, 0);
    sampler_measure(logits, 17, 99, &work, &pick);      /* no more than fit */
    assert_int_equal(pick.n_top, SAMPLER_TOP);
}

static void one_certain_token_has_no_entropy(void **state)
{
    struct sampler_stats st;
    float x[40];

    (void)state;
    for (int i = 0; i < 40; i++)
        x[i] = i == 33 ? 200.0f : -200.0f;
    sampler_stats(x, 40, &st);
    assert_true(st.entropy == 0.0);
    assert_true(st.lse == 200.0);
    sampler_stats(x, 1, &st);
    assert_true(st.entropy == 0.0);
}

static int by_logit(const void *a, const void *b)
{
    int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;

    if (logits[i] != logits[j])
        return logits[i] < logits[j] ? 1 : -1;
    return (i > j) - (i < j);
}

static void sorted(int32_t order[N])
{
    for (int32_t i = 0; i < N; i++)
        order[i] = i;
    qsort(order, N, sizeof *order, by_logit);
}

static void the_top_is_what_sorting_gives(void **state)
{
    int32_t order[N];
    struct sampler_alt top[N];

    (void)state;
    for (int i = 0; i < N; i += 3)      /* many ties */
        logits[i] = roundf(logits[i]);
    sorted(order);
    for (uint32_t k = 0; k <= N; k = 3 * k + 1) {
        assert_int_equal(sampler_top(logits, N, 1.0, k, top), k);
        for (uint32_t i = 0; i < k; i++) {
            assert_int_equal(top[i].id, order[i]);
            assert_true(top[i].logprob == logits[order[i]] - 1.0f);
        }
    }
    assert_int_equal(sampler_top(logits, 5, 0.0, 9, top), 5);
}

/* --- greedy -------------------------------------------------------------- */

static void greedy_takes_the_lowest_id_among_ties(void **state)
{
    struct sampler s = start(&sampler_greedy, 0);
    struct sampler_pick pick;

    (void)state;
    logits[1500] = logits[600] = logits[1998] = 9.0f;
    sampler_pick(&s, logits, 3, &work, &pick);
    assert_int_equal(pick.id, 600);
    assert_int_equal(s.draws, 0);
    assert_int_equal(pick.top[0].id, 600);
    assert_int_equal(pick.top[1].id, 1500);
    assert_int_equal(pick.top[2].id, 1998);
    assert_true(pick.logprob == pick.top[0].logprob);
}

/* --- sampling ------------------------------------------------------------ */

static int rounds(void) { return slow() ? 1000 : 4000; }

/* Draws n times; counts by id. */
static void draw_many(const struct sampler_params *p, int n, int count[N])
{
    struct sampler s = start(p, 3);
    struct sampler_pick pick;

    memset(count, 0, N * sizeof *count);
    for (int i = 0; i < n; i++) {
        sampler_pick(&s, logits, 0, &work, &pick);
        assert_in_range(pick.id, 0, N - 1);
        count[pick.id]++;
    }
    assert_int_equal(s.draws, n);
}

/* Chi-squared of the counts against the probabilities expected of the first m
 * tokens in order, those with under 5 expected lumped together.  For d degrees
 * of freedom it is about d with variance 2 d, so d + 5 sqrt(2 d) is passed by
 * chance less than once in 100,000 seeds; ours is fixed. */
static void follows(const int count[N], const int32_t order[N], int m,
                    double temperature)
{
    double sum = 0.0, chi = 0.0, rest = 0.0, total = 0.0;
    int df = 0, others = 0, seen = 0;

    for (int i = 0; i < N; i++)
        total += count[i];
    for (int i = 0; i < m; i++)
        sum += exp(logits[order[i]] / temperature);
    for (int i = 0; i < m; i++) {
        double want = total * exp(logits[order[i]] / temperature) / sum;
        double off = count[order[i]] - want;

        seen += count[order[i]];
        if (want < 5.0) {
            rest += want;
            others += count[order[i]];
        } else {
            chi += off * off / want;
            df++;
        }
    }
    assert_int_equal(seen, (int)total);         /* nothing beyond the cut */
    if (rest >= 5.0) {
        chi += (others - rest) * (others - rest) / rest;
        df++;
    }
    assert_true(df > 1);
    assert_true(chi < df + 5.0 * sqrt(2.0 * df));
}

static void choices_follow_the_tempered_softmax(void **state)
{
    static const float temperature[] = { 1.0f, 0.5f, 2.0f };
    int32_t order[N];
    int count[N];

    (void)state;
    sorted(order);
    for (int i = 0; i < 3; i++) {
        struct sampler_params p = { .temperature = temperature[i],
                                    .top_p = 1.0f, .seed = 99 };

        draw_many(&p, rounds(), count);
        follows(count, order, N, (double)temperature[i]);
    }
}

static void cuts_are_where_sorting_puts_them(void **state)
{
    static const struct { uint32_t top_k; float top_p, min_p; } cut[] = {
        { 5, 1.0f, 0.0f }, { 400, 1.0f, 0.0f }, { 0, 0.5f, 0.0f },
        { 0, 0.95f, 0.0f }, { 0, 0.9999f, 0.0f }, { 0, 1.0f, 0.05f },
        { 0, 1.0f, 1e-6f }, { 40, 0.8f, 0.0f }, { 40, 0.8f, 0.2f },
        { 0, 0.9f, 0.3f }, { 5000, 1.0f, 0.0f },
    };
    int32_t order[N];
    int count[N];

    (void)state;
    sorted(order);
    for (size_t c = 0; c < sizeof cut / sizeof cut[0]; c++) {
        struct sampler_params p = { 0.9f, cut[c].top_k, cut[c].top_p,
                                    cut[c].min_p, 5 };
        double sum = 0.0, mass = 0.0;
        int m = p.top_k && p.top_k < N ? (int)p.top_k : N, kept = 0;

        for (int i = 0; i < m; i++)
            sum += exp((double)logits[order[i]]);
        while (kept < m && (p.top_p >= 1.0f || mass < (double)p.top_p * sum))
            mass += exp((double)logits[order[kept++]]);
        while (kept > 1 && logits[order[kept - 1]] - logits[order[0]] <
                           logf(p.min_p))
            kept--;
        draw_many(&p, rounds(), count);
        follows(count, order, kept, 0.9);
    }
}

static void one_candidate_is_always_taken(void **state)
{
    static const struct sampler_params p[] = {
        { 5.0f, 1, 1.0f, 0.0f, 1 }, { 5.0f, 0, 1e-6f, 0.0f, 1 },
        { 5.0f, 0, 1.0f, 1.0f, 1 },
    };
    struct sampler_pick pick;

    (void)state;
    logits[777] = 20.0f;
    for (int i = 0; i < 3; i++) {
        struct sampler s = start(&p[i], 0);

        for (int k = 0; k < 50; k++) {
            sampler_pick(&s, logits, 0, &work, &pick);
            assert_int_equal(pick.id, 777);
        }
    }
}

/* --- the same every time ------------------------------------------------- */

static void the_state_is_seed_and_draws(void **state)
{
    struct sampler_params p = { 1.5f, 0, 1.0f, 0.0f, 42 };
    struct sampler a = start(&p, 1), b = start(&p, 1), other = start(&p, 2);
    struct sampler_pick x, y, z;
    int32_t ids[64];
    int same = 0;

    (void)state;
    for (int i = 0; i < 64; i++) {
        sampler_pick(&a, logits, 4, &work, &x);
        sampler_pick(&b, logits, 4, &work, &y);
        sampler_pick(&other, logits, 4, &work, &z);
        assert_memory_equal(&x, &y, offsetof(struct sampler_pick, top) +
                                    4 * sizeof x.top[0]);
        same += x.id == z.id;
        ids[i] = x.id;
    }
    assert_true(same < 20);             /* paths differ */
    b = start(&p, 1);
    b.draws = 40;                       /* taken up in the middle */
    for (int i = 40; i < 64; i++) {
        sampler_pick(&b, logits, 0, &work, &y);
        assert_int_equal(y.id, ids[i]);
    }
    p.seed = 43;
    b = start(&p, 1);
    same = 0;
    for (int i = 0; i < 64; i++) {
        sampler_pick(&b, logits, 0, &work, &y);
        same += y.id == ids[i];
    }
    assert_true(same < 20);
}

/* Fixed by the algorithm alone: these very ids on every machine (worked out
 * apart from this program, from the definition of splitmix64). */
static void the_stream_is_this_one(void **state)
{
    static const int32_t want[] = { 3, 6, 2, 2, 6, 4, 4, 3 };
    struct sampler_params p = { 1.0f, 0, 1.0f, 0.0f, 2026 };
    struct sampler s = start(&p, 0);
    struct sampler_scratch w;
    struct sampler_pick pick;
    float flat[8] = { 0 };

    (void)state;
    assert_int_equal(sampler_scratch_init(&w, 8), SOR_OK);
    for (int i = 0; i < 8; i++) {
        sampler_pick(&s, flat, 0, &w, &pick);
        assert_int_equal(pick.id, want[i]);
        assert_float_equal(pick.logprob, -logf(8.0f), 1e-6f);
    }
    sampler_scratch_release(&w);
}

/* --- bad logits ---------------------------------------------------------- */

static void nan_is_counted_and_never_chosen(void **state)
{
    static const struct sampler_params p[] = {
        { 0.0f, 0, 1.0f, 0.0f, 1 }, { 1.0f, 0, 1.0f, 0.0f, 1 },
        { 1.0f, 9, 1.0f, 0.0f, 1 }, { 1.0f, 0, 0.9f, 0.1f, 1 },
    };
    struct sampler_pick pick;

    (void)state;
    for (int i = 0; i < N; i++)
        if (i != 123 && i != 1998)
            logits[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
    logits[123] = 1.0f;
    logits[1998] = 1.0f;
    for (int i = 0; i < 4; i++) {
        struct sampler s = start(&p[i], 0);
        int seen[2] = { 0 };

        for (int k = 0; k < 40; k++) {
            sampler_pick(&s, logits, 8, &work, &pick);
            assert_true(pick.id == 123 || pick.id == 1998);
            seen[pick.id == 123]++;
            assert_float_equal(pick.logprob, -logf(2.0f), 1e-6f);
            assert_float_equal(pick.entropy, logf(2.0f), 1e-6f);
            assert_int_equal(pick.n_nan, 1331);
            assert_int_equal(pick.n_top, 2);
        }
        assert_true(i == 0 || (seen[0] > 5 && seen[1] > 5));
    }
    sampler_measure(logits, 0, 8, &work, &pick);        /* a NaN itself */
    assert_true(pick.logprob == -INFINITY);
}

static void nothing_finite_gives_a_valid_id(void **state)
{
    static const float fill[] = { NAN, INFINITY, -INFINITY };
    struct sampler_params p = { 1.0f, 5, 0.9f, 0.1f, 1 };
    struct sampler_pick pick;

    (void)state;
    for (int f = 0; f < 3; f++) {
        struct sampler s = start(&p, 0);

        for (int i = 0; i < N; i++)
            logits[i] = fill[f];
        sampler_pick(&s, logits, 8, &work, &pick);
        assert_int_equal(pick.id, 0);
        assert_int_equal(pick.n_nan, N);
        assert_int_equal(pick.n_top, 0);
        assert_true(pick.logprob == -INFINITY);
        assert_true(pick.entropy == 0.0f);
    }
}

static void parameters_out_of_range_are_named(void **state)
{
    static const struct { struct sampler_params p; const char *part; } bad[] = {
        { { -1.0f, 0, 1.0f, 0.0f, 0 }, "temperature of -1" },
        { { NAN, 0, 1.0f, 0.0f, 0 }, "temperature of" },
        { { 1e-9f, 0, 1.0f, 0.0f, 0 }, "temperature of 1e-09" },
        { { 1.0f, 0, 0.0f, 0.0f, 0 }, "top-p of 0" },
        { { 1.0f, 0, 1.5f, 0.0f, 0 }, "top-p of 1.5" },
        { { 1.0f, 0, 1.0f, 2.0f, 0 }, "min-p of 2" },
        { { 1.0f, 0, 1.0f, NAN, 0 }, "min-p of" },
    };
    struct sampler s;
    struct sor_msg msg;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(sampler_init(&s, &bad[i].p, 0, &msg), SOR_USAGE);
        assert_non_null(strstr(msg.text, bad[i].part));
    }
}

static void picking_allocates_nothing(void **state)
{
    struct sampler_params p = { 1.0f, 40, 0.9f, 0.01f, 1 };
    struct sampler s = start(&p, 0);
    struct sampler_scratch w;
    struct sampler_pick pick;

    (void)state;
    uint64_t before = mem_count();
    for (int i = 0; i < 10; i++)
        sampler_pick(&s, logits, 8, &work, &pick);
    assert_int_equal(mem_count(), before);
    mem_fail_at(1);
    assert_int_equal(sampler_scratch_init(&w, N), SOR_NOMEM);
    mem_fail_at(0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_record_is_the_softmax),
        TEST(one_certain_token_has_no_entropy),
        TEST(the_top_is_what_sorting_gives),
        TEST(greedy_takes_the_lowest_id_among_ties),
        TEST(choices_follow_the_tempered_softmax),
        TEST(cuts_are_where_sorting_puts_them),
        TEST(one_candidate_is_always_taken),
        TEST(the_state_is_seed_and_draws),
        TEST(the_stream_is_this_one),
        TEST(nan_is_counted_and_never_chosen),
        TEST(nothing_finite_gives_a_valid_id),
        TEST(parameters_out_of_range_are_named),
        TEST(picking_allocates_nothing),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
