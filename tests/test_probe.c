/* The parts of experiments that need no model: alignment, intervals, steps
 * rewritten by rule, masks, NumPy files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "probe/diff.h"
#include "probe/interval.h"
#include "probe/npy.h"
#include "probe/prefix.h"
#include "probe/rewrite.h"

/* --- diff ---------------------------------------------------------------- */

/* Plays the script and checks that it makes b out of a; returns its edits. */
static int play(const int32_t *a, int n_a, const int32_t *b, int n_b)
{
    struct diff_run *run = NULL;
    int n = 0, cut = 1, at_a = 0, at_b = 0, edits = 0;

    assert_int_equal(diff_ids(a, n_a, b, n_b, &run, &n, &cut, NULL), SOR_OK);
    assert_false(cut);
    for (int i = 0; i < n; i++) {
        assert_int_equal(run[i].a, at_a);
        assert_int_equal(run[i].b, at_b);
        if (run[i].equal) {
            assert_int_equal(run[i].n_a, run[i].n_b);
            assert_memory_equal(a + at_a, b + at_b,
                                (size_t)run[i].n_a * sizeof *a);
        } else {
            assert_true(run[i].n_a == 0 || run[i].n_b == 0);
            edits += run[i].n_a + run[i].n_b;
        }
        at_a += run[i].n_a;
        at_b += run[i].n_b;
    }
    assert_int_equal(at_a, n_a);
    assert_int_equal(at_b, n_b);
    mem_free(run);
    return edits;
}

/* n_a + n_b - 2 * the longest common subsequence, by the textbook table. */
static int fewest(const int32_t *a, int n_a, const int32_t *b, int n_b)
{
    int lcs[17][17] = { { 0 } };

    for (int i = 1; i <= n_a; i++)
        for (int j = 1; j <= n_b; j++)
            lcs[i][j] = a[i - 1] == b[j - 1] ? lcs[i - 1][j - 1] + 1
                      : lcs[i - 1][j] > lcs[i][j - 1] ? lcs[i - 1][j]
                                                      : lcs[i][j - 1];
    return n_a + n_b - 2 * lcs[n_a][n_b];
}

static void scripts_are_right_and_shortest(void **state)
{
    uint32_t x = 1;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        int32_t a[16], b[16];
        int n_a, n_b;

        x = x * 1664525u + 1013904223u;
        n_a = (int)(x >> 28);
        n_b = (int)(x >> 24 & 15u);
        for (int i = 0; i < 16; i++) {
            x = x * 1664525u + 1013904223u;
            a[i] = (int32_t)(x >> 30);
            b[i] = (int32_t)(x >> 20 & 3u);
        }
        assert_int_equal(play(a, n_a, b, n_b), fewest(a, n_a, b, n_b));
    }
}

static void partners_are_equal_tokens(void **state)
{
    const int32_t a[] = { 1, 2, 3, 4 }, b[] = { 1, 9, 3, 4, 5 };
    struct diff_run *run;
    int n, cut;

    (void)state;
    assert_int_equal(diff_ids(a, 4, b, 5, &run, &n, &cut, NULL), SOR_OK);
    assert_int_equal(diff_partner(run, n, 0), 0);
    assert_int_equal(diff_partner(run, n, 1), -1);
    assert_int_equal(diff_partner(run, n, 3), 3);
    mem_free(run);
}

static void too_many_edits_are_cut_and_said(void **state)
{
    enum { N = DIFF_EDITS };
    int32_t *a = mem_calloc(N, sizeof *a), *b = mem_calloc(N, sizeof *b);
    struct diff_run *run;
    int n, cut, n_a = 0, n_b = 0;

    (void)state;
    for (int i = 0; i < N; i++) {
        a[i] = i < 10 ? 7 : i;
        b[i] = i < 10 ? 7 : -i;
    }
    assert_int_equal(diff_ids(a, N, b, N, &run, &n, &cut, NULL), SOR_OK);
    assert_true(cut);
    for (int i = 0; i < n; i++) {
        n_a += run[i].n_a;
        n_b += run[i].n_b;
    }
    assert_int_equal(n_a, N);
    assert_int_equal(n_b, N);
    assert_true(run[0].equal && run[0].n_a == 10);
    mem_free(run);
    mem_free(a);
    mem_free(b);
}

/* --- intervals ----------------------------------------------------------- */

static void close_to(double have, double want)
{
    if (fabs(have - want) > 5e-4)
        fail_msg("%.5f, not %.5f", have, want);
}

/* Newcombe 1998: table I (81 of 263: 0.2553 to 0.3662) and table II (56/70
 * against 48/80: 0.0524 to 0.3339), method 10. */
static void intervals_are_the_published_ones(void **state)
{
    double low, high;

    (void)state;
    interval_of(81, 263, &low, &high);
    close_to(low, 0.2553);
    close_to(high, 0.3662);
    interval_of(0, 20, &low, &high);
    close_to(low, 0);
    close_to(high, 0.1611);
    interval_of(20, 20, &low, &high);
    close_to(high, 1);
    interval_between(48, 80, 56, 70, &low, &high);
    close_to(low, 0.0524);
    close_to(high, 0.3339);
}

/* --- steps rewritten by rule --------------------------------------------- */

static void expect(int (*rule)(const char *, size_t, struct str *),
                   const char *was, const char *now)
{
    struct str out;

    str_init(&out);
    str_puts(&out, "|");
    assert_int_equal(rule(was, strlen(was), &out), now != NULL);
    assert_string_equal(out.p + 1, now ? now : "");
    str_release(&out);
}

static void mistakes_are_planted(void **state)
{
    (void)state;
    expect(rewrite_mistake, "12 + 30 = 42.", "12 + 30 = 43.");
    expect(rewrite_mistake, "It is 9.", "It is 10.");
    expect(rewrite_mistake, "It is 199 km", "It is 200 km");
    expect(rewrite_mistake, "All are mortal", "All are not mortal");
    expect(rewrite_mistake, "The answer: yes", "The answer: no");
    expect(rewrite_mistake, "This thesis", NULL);
    expect(rewrite_mistake, "", NULL);
}

static void words_are_exchanged_whole(void **state)
{
    (void)state;
    expect(rewrite_paraphrase, "So we find it.", "Thus one work out it.");
    expect(rewrite_paraphrase, "Some sofas", NULL);
    expect(rewrite_paraphrase, "because", "since");
}

/* --- masks and files ----------------------------------------------------- */

static void masks_come_back_from_their_words(void **state)
{
    static const char words[] = "{\"heads\":[[0,1,40],[2,3,41]],"
                                "\"layers\":[[12,40]]}";
    struct prefix_mask m;
    struct str out;

    (void)state;
    assert_int_equal(prefix_mask_parse(words, &m, NULL), SOR_OK);
    assert_int_equal(m.n, 3);
    assert_int_equal(m.iv[1].layer, 2);
    assert_int_equal(m.iv[1].head, 3);
    assert_int_equal(m.iv[1].from, 41);
    assert_int_equal(m.iv[2].kind, INTERVENE_LAYER);
    str_init(&out);
    prefix_mask_print(&m, &out);
    assert_string_equal(out.p, words);
    str_release(&out);
    prefix_mask_release(&m);
    assert_int_equal(prefix_mask_parse("{}", &m, NULL), SOR_OK);
    assert_int_equal(m.n, 0);
    prefix_mask_release(&m);
    assert_int_equal(prefix_mask_parse("{", &m, NULL), SOR_FORMAT);
}

static void npy_is_what_numpy_reads(void **state)
{
    const float v[] = { 0, 1, -2.5f, 4, 5, 6 };
    unsigned char b[256];
    FILE *f = tmpfile();

    (void)state;
    assert_non_null(f);
    assert_int_equal(npy_write(f, v, 2, 3), 0);
    rewind(f);
    assert_int_equal(fread(b, 1, sizeof b, f), 128 + 24);
    fclose(f);
    assert_memory_equal(b, "\x93NUMPY\x01\x00\x76\x00", 10);
    assert_non_null(strstr((char *)b + 10, "'shape': (2, 3)"));
    assert_int_equal(b[127], '\n');
    assert_memory_equal(b + 128 + 8, "\x00\x00\x20\xc0", 4);   /* -2.5 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_are_right_and_shortest),
        cmocka_unit_test(partners_are_equal_tokens),
        cmocka_unit_test(too_many_edits_are_cut_and_said),
        cmocka_unit_test(intervals_are_the_published_ones),
        cmocka_unit_test(mistakes_are_planted),
        cmocka_unit_test(words_are_exchanged_whole),
        cmocka_unit_test(masks_come_back_from_their_words),
        cmocka_unit_test(npy_is_what_numpy_reads),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
