/* trace/votes.c: who wins, by how much, and where two paths part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include "trace/votes.h"

static void counts_the_most_first(void **state)
{
    const char *norm[] = { "8", "7", NULL, "7", "", "9", "7", "9" };
    struct vote out[8];
    struct votes sum;

    (void)state;
    votes_count(norm, 8, out, &sum);
    assert_int_equal(sum.n_voted, 6);
    assert_int_equal(sum.n_answer, 3);
    assert_string_equal(out[0].norm, "7");
    assert_int_equal(out[0].n, 3);
    assert_int_equal(out[0].first, 1);
    assert_string_equal(out[1].norm, "9");
    assert_string_equal(out[2].norm, "8");
    assert_true(fabs(sum.margin - (3.0 - 2.0) / 6.0) < 1e-12);
    assert_false(sum.is_tie);
}

static void says_a_tie(void **state)
{
    const char *norm[] = { "b", "a", "a", "b", "c" };
    struct vote out[5];
    struct votes sum;

    (void)state;
    votes_count(norm, 5, out, &sum);
    assert_true(sum.is_tie);
    assert_true(fabs(sum.margin) < 1e-12);
    assert_string_equal(out[0].norm, "b");      /* the first to say so */
    assert_string_equal(out[1].norm, "a");
}

static void no_votes_no_winner(void **state)
{
    const char *norm[] = { NULL, "" };
    struct vote out[2];
    struct votes sum;

    (void)state;
    votes_count(norm, 2, out, &sum);
    assert_int_equal(sum.n_voted, 0);
    assert_int_equal(sum.n_answer, 0);
    assert_false(sum.is_tie);
    votes_count(norm, 0, out, &sum);
    assert_int_equal(sum.n_answer, 0);
    norm[0] = "yes";
    votes_count(norm, 2, out, &sum);
    assert_true(fabs(sum.margin - 1.0) < 1e-12);        /* nobody against */
    assert_false(sum.is_tie);
}

static void finds_where_paths_part(void **state)
{
    static const struct {
        int32_t a[4], b[4];
        int n_a, n_b, found, pos;
        int32_t at_a, at_b;
    } table[] = {
        { { 1, 2, 3 }, { 1, 2, 3 }, 3, 3, 1, -1, -1, -1 },
        { { 1, 2, 3 }, { 1, 5, 3 }, 3, 3, 1, 1, 2, 5 },
        { { 1, 2, 3 }, { 1, 2 }, 3, 2, 1, 2, 3, -1 },
        { { 1 }, { 1, 2 }, 1, 2, 1, 1, -1, 2 },
        { { 0 }, { 0 }, 0, 0, 1, -1, -1, -1 },
        { { 1, -1, 3 }, { 1, 2, 3 }, 3, 3, 0, 0, 0, 0 },
        { { 1, -1, 3 }, { 1, -1, 3 }, 3, 3, 0, 0, 0, 0 },
        { { 9, -1 }, { 8, -1 }, 2, 2, 1, 0, 9, 8 },
        { { 1, -1 }, { 1 }, 2, 1, 0, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct parting at;
        int found = votes_part(table[i].a, table[i].n_a, table[i].b,
                               table[i].n_b, &at);

        assert_int_equal(found, table[i].found);
        if (!found)
            continue;
        assert_int_equal(at.pos, table[i].pos);
        assert_int_equal(at.a, table[i].at_a);
        assert_int_equal(at.b, table[i].at_b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_the_most_first),
        cmocka_unit_test(says_a_tie),
        cmocka_unit_test(no_votes_no_winner),
        cmocka_unit_test(finds_where_paths_part),
    };

    return cmocka_run_group_tests_name("votes", tests, NULL, NULL);
}
