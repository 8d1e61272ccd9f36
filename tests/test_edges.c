/* trace/edges.c: which steps hang together, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/slow.h"
#include "trace/edges.h"

enum { MAX_STEPS = 8 };

/* The edges of a path whose steps are texts (NULL ends them). */
static struct edge *find(const char *question, const char *const *text,
                         int answer_step, int *n)
{
    struct edge_step step[MAX_STEPS];
    struct edge_in in = { .question = question, .step = step,
                          .n_question = question ? strlen(question) : 0,
                          .text_from = 10, .answer_step = answer_step };
    struct edge *out;

    for (; text[in.n_step]; in.n_step++)
        step[in.n_step] = (struct edge_step){
            text[in.n_step], strlen(text[in.n_step]),
            10 + 5 * in.n_step, 15 + 5 * in.n_step,
        };
    assert_int_equal(edges_find(&in, &out, n, NULL), SOR_OK);
    return out;
}

static const struct edge *have(const struct edge *e, int n,
                               enum edge_kind kind, int src, int dst)
{
    for (int i = 0; i < n; i++)
        if (e[i].kind == kind && e[i].src == src && e[i].dst == dst)
            return &e[i];
    return NULL;
}

/* Masses are kept in 16 bits. */
static int near(double a, double b)
{
    return fabs(a - b) < 1e-3;
}

static int count(const struct edge *e, int n, enum edge_kind kind)
{
    int found = 0;

    for (int i = 0; i < n; i++)
        found += e[i].kind == kind;
    return found;
}

static void steps_follow_and_conclude(void **state)
{
    static const char *const text[] = { "it is so", "so it is", "done", NULL };
    struct edge *e;
    int n;

    (void)state;
    e = find("what is it", text, 1, &n);
    assert_int_equal(n, 4);
    assert_non_null(have(e, n, EDGE_FOLLOWS, EDGE_QUESTION, 0));
    assert_non_null(have(e, n, EDGE_FOLLOWS, 0, 1));
    assert_non_null(have(e, n, EDGE_FOLLOWS, 1, 2));
    assert_non_null(have(e, n, EDGE_CONCLUDES, 1, EDGE_ANSWER));
    assert_string_equal(edges_kind_name(EDGE_REFERS), "refers_to");
    assert_string_equal(edge_measured(EDGE_ATTENDS), "correlation");
    assert_string_equal(edge_measured(EDGE_SHARES), "rule");
    mem_free(e);
}

static void steps_refer_by_name(void **state)
{
    static const char *const text[] = {
        "1. the tax is due", "2. the rent is due", "x + y is z (7)",
        "by step 1 and from (7) it adds up",
        "as said in the previous step it is nothing in a word",
        "(b) step 9 is unknown, as above", "see (b)", NULL,
    };
    struct edge *e;
    int n;

    (void)state;
    e = find(NULL, text, -1, &n);
    assert_int_equal(count(e, n, EDGE_REFERS), 5);
    assert_non_null(have(e, n, EDGE_REFERS, 3, 0));
    assert_non_null(have(e, n, EDGE_REFERS, 3, 2));
    assert_string_equal(have(e, n, EDGE_REFERS, 3, 0)->note, "1");
    assert_true(near(have(e, n, EDGE_REFERS, 4, 3)->weight, 1.0));
    assert_true(near(have(e, n, EDGE_REFERS, 5, 4)->weight, 0.5));
    assert_non_null(have(e, n, EDGE_REFERS, 6, 5));
    mem_free(e);
}

static void steps_share_terms(void **state)
{
    static const char *const text[] = {
        "the tax of Ann is $1,200",             /* Ann from the question */
        "rain falls on Rome and 1200 men",      /* 1200 from step 0 */
        "Rain is \"wet stuff\" for 1200 men",   /* Rain: never sure; 1200: 1 */
        "Ann calls \"Wet Stuff\" rain in Rome", /* from 2, 0 and 1 */
        NULL,
    };
    const struct edge *x;
    struct edge *e;
    int n;

    (void)state;
    e = find("what does Ann owe", text, -1, &n);
    assert_int_equal(count(e, n, EDGE_SHARES), 6);
    x = have(e, n, EDGE_SHARES, 0, EDGE_QUESTION);
    assert_non_null(x);
    assert_string_equal(x->note, "Ann");
    assert_true(near(x->weight, 0.5));          /* one of its two terms */
    x = have(e, n, EDGE_SHARES, 1, 0);
    assert_non_null(x);
    assert_string_equal(x->note, "1200");
    assert_non_null(have(e, n, EDGE_SHARES, 2, 1));
    assert_non_null(have(e, n, EDGE_SHARES, 3, 0));
    assert_non_null(have(e, n, EDGE_SHARES, 3, 1));
    x = have(e, n, EDGE_SHARES, 3, 2);
    assert_non_null(x);
    assert_string_equal(x->note, "Wet Stuff");
    assert_true(near(x->weight, 1.0 / 3.0));
    mem_free(e);
}

/* A list's own numbers are no terms. */
static void markers_are_not_shared(void **state)
{
    static const char *const text[] = { "1. rain", "1. snow", NULL };
    struct edge *e;
    int n;

    (void)state;
    e = find("1. hail", text, -1, &n);
    assert_int_equal(count(e, n, EDGE_SHARES), 0);
    mem_free(e);
}

/* --- attention ----------------------------------------------------------- */

/* Prompt 0..64, steps of 16 tokens from there.  Every token puts half of its
 * mass on the sink and spreads the rest evenly, but the third step's put
 * `gaze` of it on block 4, the first step. */
struct looks { double gaze; uint16_t m[8]; };

static uint32_t look(const void *ud, int pos, const uint16_t **mass)
{
    struct looks *l = (struct looks *)ud;
    uint32_t n = (uint32_t)pos / 16 + 1;
    double gaze = pos < 96 ? 1.0 / (n - 1) : l->gaze;

    for (uint32_t b = 0; b < n; b++)
        l->m[b] = (uint16_t)(65535 * 0.5 *
                             (b == 0 ? 1.0 : b == 4 ? gaze
                              : (1.0 - gaze) / (n - 2)));
    *mass = l->m;
    return n;
}

static void looks_become_edges(void **state)
{
    struct edge_step step[3] = {
        { "a", 1, 64, 80 }, { "b", 1, 80, 96 }, { "c", 1, 96, 112 },
    };
    struct looks l = { .gaze = 0.7 };
    struct edge_in in = { .text_from = 64, .step = step, .n_step = 3,
                          .answer_step = -1, .mass = look, .ud = &l };
    const struct edge *x;
    struct edge *e;
    int n;

    (void)state;
    assert_int_equal(edges_find(&in, &e, &n, NULL), SOR_OK);
    x = have(e, n, EDGE_ATTENDS, 2, 0);
    assert_non_null(x);
    /* 0.7 of the mass off the sink against 0.3 * 4/5 on the other blocks
     * before the step.  Two blocks back the path's mean is (1/4 + 1/5 + 0.7)
     * / 3, which makes 0.42 of what is usual for this step. */
    assert_true(near(x->weight, 0.7 / (0.7 + 0.3 * 4 / 5)));
    assert_string_equal(x->note, "1.8 x what is usual at its distance; "
                        "sink took 50 %");
    assert_null(have(e, n, EDGE_ATTENDS, 2, 1));
    assert_null(have(e, n, EDGE_ATTENDS, 2, EDGE_QUESTION));
    mem_free(e);

    l.gaze = 1.0 / 6;                   /* evenly: nothing stands out */
    assert_int_equal(edges_find(&in, &e, &n, NULL), SOR_OK);
    assert_int_equal(count(e, n, EDGE_ATTENDS), 0);
    mem_free(e);
}

/* A block that two steps lie in is split by their tokens. */
static void blocks_are_split(void **state)
{
    struct edge_step step[3] = {
        { "a", 1, 64, 76 }, { "b", 1, 76, 80 }, { "c", 1, 96, 112 },
    };
    struct looks l = { .gaze = 0.9 };
    struct edge_in in = { .text_from = 64, .step = step, .n_step = 3,
                          .answer_step = -1, .mass = look, .ud = &l };
    const struct edge *a, *b;
    struct edge *e;
    int n;

    (void)state;
    assert_int_equal(edges_find(&in, &e, &n, NULL), SOR_OK);
    a = have(e, n, EDGE_ATTENDS, 2, 0);
    b = have(e, n, EDGE_ATTENDS, 2, 1);
    assert_true(a && b);
    assert_true(near(a->weight, 3 * b->weight));
    mem_free(e);
}

/* --- robustness ---------------------------------------------------------- */

static void stays_linear(void **state)
{
    enum { N = 20000 };
    struct edge_step *step = mem_alloc(N * sizeof *step);
    struct edge_in in = { .question = "Ann", .n_question = 3, .step = step,
                          .n_step = N, .answer_step = N - 1 };
    static const char text[] = "From (1) and Ann and Rome 12 \"so\" as above";
    uint64_t t0 = clock_mono_ns();
    struct edge *e;
    int n;

    (void)state;
    assert_non_null(step);
    for (int i = 0; i < N; i++)
        step[i] = (struct edge_step){ text, sizeof text - 1, i, i + 1 };
    assert_int_equal(edges_find(&in, &e, &n, NULL), SOR_OK);
    assert_true(n > 2 * N);
    assert_true(slow() || clock_mono_ns() - t0 < 3000000000u);
    for (int i = 0; i < n; i++)
        assert_true(e[i].weight > 0.0 && e[i].weight <= 1.0 + 1e-9);
    mem_free(e);
    mem_free(step);
}

static void no_memory_is_said(void **state)
{
    static const char *const text[] = { "Ann", "and Ann", NULL };
    struct edge_step step[2] = { { text[0], 3, 0, 1 }, { text[1], 7, 1, 2 } };
    struct looks l = { .gaze = 0.5 };
    struct edge_in in = { .question = "ask Ann", .n_question = 7,
                          .step = step, .n_step = 2, .answer_step = -1,
                          .mass = look, .ud = &l };
    struct edge *e = NULL;
    int n = 0, failed = 0;

    (void)state;
    for (uint64_t k = 1; !e; k++) {
        mem_fail_at(k);
        if (edges_find(&in, &e, &n, NULL) == SOR_NOMEM)
            failed++;
        mem_fail_at(0);
    }
    assert_int_equal(failed, 3);        /* masses, map, edges */
    mem_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_and_conclude),
        cmocka_unit_test(steps_refer_by_name),
        cmocka_unit_test(steps_share_terms),
        cmocka_unit_test(markers_are_not_shared),
        cmocka_unit_test(looks_become_edges),
        cmocka_unit_test(blocks_are_split),
        cmocka_unit_test(stays_linear),
        cmocka_unit_test(no_memory_is_said),
    };

    return cmocka_run_group_tests_name("edges", tests, NULL, NULL);
}
