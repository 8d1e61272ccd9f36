/* Routing: the same bits however the work is cut, nothing lost where nothing is
 * left out, the guard's tokens as if routing were off, forced modes, and the
 * policy as JSON.  A small model of noise: what it says does not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engine/engine.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/kern.h"
#include "engine/route.h"
#include "tests/models.h"

enum { N = 250, MATES = 5 };

static struct {
    struct engine *e;
    struct route *sparse;       /* picks 2 blocks, dense groups 4 */
    size_t n_vocab;
    int32_t id[N];
    float *off, *want, *got;    /* [N][n_vocab] */
    int kv_type;
} m;

static struct engine *open_with(int n_thread, int isa_cap)
{
    struct engine_opts o = { .n_thread = n_thread, .n_ctx = 512,
                             .isa_cap = isa_cap, .kv_type = m.kv_type };
    struct engine *e = NULL;
    struct sor_msg msg;

    if (engine_open(models_small(), &o, &e, &msg) != SOR_OK)
        fail_msg("%s", msg.text);
    return e;
}

static struct session *open_session(struct engine *e, uint64_t tag,
                                    const struct route *r)
{
    struct session *s;
    struct sor_msg msg;

    if (engine_route(e, r, &msg) != SOR_OK)
        fail_msg("%s", msg.text);
    assert_int_equal(session_open(e, tag, 0, &s, NULL), SOR_OK);
    return s;
}

static void feed(struct engine *e, struct session *s, int from, int n,
                 float *to)
{
    struct engine_feed f = { .session = s, .tok = m.id + from, .n_tok = n,
                             .n_logits = n,
                             .logits = to + (size_t)from * m.n_vocab };

    assert_int_equal(engine_step(e, &f, 1, NULL), SOR_OK);
}

static int same_rows(const float *a, const float *b, int from, int to)
{
    size_t n = m.n_vocab;

    return memcmp(a + (size_t)from * n, b + (size_t)from * n,
                  (size_t)(to - from) * n * sizeof *a) == 0;
}

static struct route *policy(enum route_choice choice)
{
    struct route *r = NULL;

    assert_int_equal(route_open(engine_hparams(m.e), &r, NULL), SOR_OK);
    r->choice = choice;
    r->last = 2;
    r->mode[HOOK_SPARSE] = (struct route_mode){ 2, 4, 2 };
    r->mode[HOOK_HYBRID] = (struct route_mode){ 4, 6, 3 };
    r->unsure_entropy = r->unsure_margin = 0.0f;
    assert_int_equal(route_make(r, NULL), SOR_OK);
    return r;
}

static int setup(int kv_type)
{
    uint64_t seed = 11;
    struct session *s;

    if (!models_small())
        return -1;
    m.kv_type = kv_type;
    m.e = open_with(1, 0);
    m.n_vocab = engine_hparams(m.e)->n_vocab;
    m.off = calloc(N, m.n_vocab * sizeof *m.off);
    m.want = calloc(N, m.n_vocab * sizeof *m.want);
    m.got = calloc(N, m.n_vocab * sizeof *m.got);
    for (int i = 0; i < N; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        m.id[i] = (int32_t)((seed >> 33) % m.n_vocab);
    }
    m.sparse = policy(ROUTE_SPARSE);
    s = open_session(m.e, 2, m.sparse);
    feed(m.e, s, 0, N, m.want);
    session_close(s);
    s = open_session(m.e, 1, NULL);
    feed(m.e, s, 0, N, m.off);
    session_close(s);
    return 0;
}

static int setup_f16(void **state)
{
    (void)state;
    return setup(KERN_KV_F16);
}

static int setup_q8(void **state)
{
    (void)state;
    return setup(KERN_KV_Q8);
}

static int teardown(void **state)
{
    (void)state;
    engine_close(m.e);
    route_close(m.sparse);
    free(m.off);
    free(m.want);
    free(m.got);
    return 0;
}

/* --- bits --------------------------------------------------------------- */

static void sparse_leaves_something_out(void **state)
{
    int least = m.sparse->least[HOOK_SPARSE] * 16;

    (void)state;
    assert_true(same_rows(m.want, m.off, 0, least));
    assert_false(same_rows(m.want, m.off, N - 1, N));
}

static void full_is_off(void **state)
{
    struct route *full = policy(ROUTE_FULL), *wide = policy(ROUTE_SPARSE);
    struct session *s = open_session(m.e, 3, full);

    (void)state;
    feed(m.e, s, 0, N, m.got);
    assert_true(same_rows(m.got, m.off, 0, N));
    session_close(s);

    /* as wide as the text */
    wide->mode[HOOK_SPARSE] = (struct route_mode){ 0, N, N };
    assert_int_equal(route_make(wide, NULL), SOR_OK);
    s = open_session(m.e, 4, wide);
    feed(m.e, s, 0, N, m.got);
    assert_true(same_rows(m.got, m.off, 0, N));
    session_close(s);
    route_close(full);
    route_close(wide);
}

static void later_is_better(const void *ud, int layer, int group, int from,
                            int to, float *far)
{
    (void)ud;
    (void)layer;
    (void)group;
    for (int b = from; b < to; b++)
        far[b] = (float)b;
}

/* A judge to whom the last blocks reach furthest makes a window of them. */
static void a_judge_ranks_in_place_of_hulls(void **state)
{
    static const struct route_judge judge = { NULL, later_is_better };
    struct route *judged = policy(ROUTE_SPARSE), *window = policy(ROUTE_SPARSE);
    struct session *s;

    (void)state;
    judged->mode[HOOK_SPARSE] = (struct route_mode){ 0, 3, 3 };
    judged->judge = &judge;
    window->mode[HOOK_SPARSE] = (struct route_mode){ 0, 0, 0 };
    window->last = judged->last + 3;
    assert_int_equal(route_make(judged, NULL), SOR_OK);
    assert_int_equal(route_make(window, NULL), SOR_OK);
    s = open_session(m.e, 5, judged);
    feed(m.e, s, 0, N, m.got);
    session_close(s);
    float *by_window = calloc(N, m.n_vocab * sizeof *by_window);

    assert_non_null(by_window);
    s = open_session(m.e, 6, window);
    feed(m.e, s, 0, N, by_window);
    session_close(s);
    assert_true(same_rows(m.got, by_window, 0, N));
    assert_false(same_rows(m.got, m.off, N - 1, N));
    free(by_window);
    route_close(judged);
    route_close(window);
}

static void budgets_are_what_is_read(void **state)
{
    struct route *r = policy(ROUTE_SPARSE);
    int ends = r->first + r->last, first = r->rank[0], last = r->rank[0];

    (void)state;
    for (int i = 0; i < r->n_layer * r->n_group; i++)
        last = r->rank[i];
    route_budget(r, 5);
    assert_int_equal(route_make(r, NULL), SOR_OK);
    assert_int_equal(route_reads(r, HOOK_SPARSE, last / r->n_group,
                                 last % r->n_group, 1000), ends + 5);
    assert_int_equal(route_reads(r, HOOK_SPARSE, first / r->n_group,
                                 first % r->n_group, 1000),
                     ends + 5 * ROUTE_DENSE_TIMES);
    assert_int_equal(route_compares(r, HOOK_SPARSE, 0, 0, 1000), 1000 - ends);
    assert_int_equal(route_compares(r, HOOK_SPARSE, 0, 0, ends), 0);
    /* a mere window chooses nothing, so it compares nothing */
    r->mode[HOOK_SPARSE] = (struct route_mode){ 0, 0, 0 };
    assert_int_equal(route_make(r, NULL), SOR_OK);
    assert_int_equal(route_reads(r, HOOK_SPARSE, 0, 0, 1000), ends);
    assert_int_equal(route_compares(r, HOOK_SPARSE, 0, 0, 1000), 0);
    route_close(r);
}

static void any_cutting(void **state)
{
    static const int cuts[] = { 1, 7, 16, 33, 129 };

    (void)state;
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
        struct session *s = open_session(m.e, 10 + c, m.sparse);

        memset(m.got, 0, N * m.n_vocab * sizeof *m.got);
        for (int at = 0; at < N; at += cuts[c])
            feed(m.e, s, at, N - at < cuts[c] ? N - at : cuts[c], m.got);
        assert_true(same_rows(m.got, m.want, 0, N));
        session_close(s);
    }
}

static void any_threads_and_kernels(void **state)
{
    static const struct { int n_thread, isa_cap; } with[] = {
        { 2, 0 }, { 5, 0 }, { 1, KERN_REF + 1 }, { 2, KERN_AVX2 + 1 } };

    (void)state;
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        struct engine *e = open_with(with[i].n_thread, with[i].isa_cap);
        struct session *s = open_session(e, 1, m.sparse);

        memset(m.got, 0, N * m.n_vocab * sizeof *m.got);
        feed(e, s, 0, N - 3, m.got);
        for (int at = N - 3; at < N; at++)
            feed(e, s, at, 1, m.got);
        assert_true(same_rows(m.got, m.want, 0, N));
        session_close(s);
        engine_close(e);
    }
}

/* Mates in every mode and off in one pass; a fork in the middle of a block; a
 * rewind. */
static void any_mates_and_forks(void **state)
{
    struct route *kind[] = { m.sparse, policy(ROUTE_HYBRID),
                             policy(ROUTE_FULL), policy(ROUTE_AUTO), NULL };
    struct session *s[MATES], *fork;
    struct engine_feed f[MATES];
    float *rows = calloc(MATES * 20, m.n_vocab * sizeof *rows);
    int at = N - 20;

    (void)state;
    for (int i = 0; i < MATES; i++) {
        s[i] = open_session(m.e, 20 + (uint64_t)i, kind[i]);
        f[i] = (struct engine_feed){ .session = s[i], .tok = m.id,
                                     .n_tok = at };
    }
    assert_int_equal(engine_step(m.e, f, MATES, NULL), SOR_OK);
    assert_int_equal(session_fork(s[0], 30, at - 5, &fork, NULL), SOR_OK);
    for (int i = 0; i < MATES; i++)
        f[i] = (struct engine_feed){
            .session = s[i], .tok = m.id + at, .n_tok = 10, .n_logits = 10,
            .logits = rows + (size_t)i * 20 * m.n_vocab };
    assert_int_equal(engine_step(m.e, f, MATES, NULL), SOR_OK);
    assert_memory_equal(rows, m.want + (size_t)at * m.n_vocab,
                        10 * m.n_vocab * sizeof *rows);
    assert_memory_equal(rows + 2 * 20 * m.n_vocab,
                        m.off + (size_t)at * m.n_vocab,
                        10 * m.n_vocab * sizeof *rows);
    assert_memory_equal(rows + 4 * 20 * m.n_vocab,
                        m.off + (size_t)at * m.n_vocab,
                        10 * m.n_vocab * sizeof *rows);

    feed(m.e, fork, at - 5, N - at + 5, m.got);
    assert_true(same_rows(m.got, m.want, at - 5, N));
    session_rewind(fork, 37);
    feed(m.e, fork, 37, N - 37, m.got);
    assert_true(same_rows(m.got, m.want, 37, N));
    session_close(fork);
    for (int i = 0; i < MATES; i++) {
        session_close(s[i]);
        if (i > 0)
            route_close(kind[i]);
    }
    free(rows);
}

/* --- what is told -------------------------------------------------------- */

struct told {
    uint8_t mode[N], reason[N];
    uint32_t read[N];           /* of all layers */
    int wrong, ended[N];
};

static void on_event(void *ud, const struct hook_event *ev)
{
    struct told *t = ud;

    if (ev->kind == HOOK_ROUTE) {
        if (ev->layer == 0)
            t->read[ev->pos] = 0;
        t->mode[ev->pos] = ev->u.route.mode;
        t->reason[ev->pos] = ev->u.route.reason;
        t->read[ev->pos] += ev->u.route.blocks_read;
    } else if (ev->kind == HOOK_HEAD) {
        uint32_t n = 0;
        float sum = 0.0f;

        for (uint32_t k = 0; k < ev->u.head.n_key; k += 16)
            n += ev->u.head.score[k] > -INFINITY;
        for (uint32_t k = 0; k < ev->u.head.n_key; k++)
            sum += expf(ev->u.head.score[k] - ev->u.head.max);
        if (ev->u.head.head % 2 == 0)   /* two heads to a group */
            t->read[ev->pos] -= n;
        t->wrong += fabsf(sum / ev->u.head.sum - 1.0f) > 1e-4f;
    } else if (ev->kind == HOOK_ATTN) {
        float sum = 0.0f;

        for (uint32_t b = 0; b < ev->u.attn.n_block; b++)
            sum += ev->u.attn.mass[b];
        t->wrong += fabsf(sum - 1.0f) > 1e-3f;
    } else {
        t->ended[ev->pos]++;
    }
}

/* The blocks that are said to be read are those with scores, and no other has
 * weight. */
static void what_is_told_is_what_was_read(void **state)
{
    struct told *t = calloc(1, sizeof *t);
    struct hook_observer o = { 1u << HOOK_ROUTE | 1u << HOOK_HEAD |
                               1u << HOOK_ATTN | 1u << HOOK_ROW, t, on_event };
    struct session *s = open_session(m.e, 40, m.sparse);

    (void)state;
    assert_int_equal(engine_observe(m.e, &o, NULL), SOR_OK);
    feed(m.e, s, 0, N, m.got);
    assert_int_equal(engine_observe(m.e, NULL, NULL), SOR_OK);
    assert_true(same_rows(m.got, m.want, 0, N));
    assert_int_equal(t->wrong, 0);
    for (int i = 0; i < N; i++) {
        assert_int_equal(t->read[i], 0);
        assert_int_equal(t->mode[i], HOOK_SPARSE);
        assert_int_equal(t->reason[i], HOOK_BY_POLICY);
        assert_int_equal(t->ended[i], 1);
    }
    session_close(s);
    free(t);
}

/* --- the guard, and forced modes ----------------------------------------- */

/* A guard that trusts nothing computes all again: as if routing were off. */
static void a_guard_of_all_is_off(void **state)
{
    struct route *r = policy(ROUTE_SPARSE);
    struct told *t = calloc(1, sizeof *t);
    struct hook_observer o = { 1u << HOOK_ROUTE | 1u << HOOK_ROW, t,
                               on_event };
    struct session *s;
    int from = r->least[HOOK_SPARSE] * 16;

    (void)state;
    r->unsure_entropy = 1e-9f;
    s = open_session(m.e, 50, r);
    assert_int_equal(engine_observe(m.e, &o, NULL), SOR_OK);
    feed(m.e, s, 0, N, m.got);
    assert_int_equal(engine_observe(m.e, NULL, NULL), SOR_OK);
    assert_true(same_rows(m.got, m.off, 0, N));
    for (int i = 0; i < N; i++) {
        assert_int_equal(t->mode[i], i < from ? HOOK_SPARSE : HOOK_FULL);
        assert_int_equal(t->reason[i], i < from ? HOOK_BY_POLICY
                                                : HOOK_BY_GUARD);
        assert_int_equal(t->ended[i], 1);
    }
    session_close(s);
    route_close(r);
    free(t);
}

/* Some tokens escalated, modes by score: fed once more with the modes that were
 * told, in one go and with no guard, the same comes out. */
static void forced_modes_give_the_same(void **state)
{
    struct route *r = policy(ROUTE_AUTO);
    struct told *t = calloc(1, sizeof *t);
    struct hook_observer o = { 1u << HOOK_ROUTE, t, on_event };
    float *again = calloc(N, m.n_vocab * sizeof *again);
    struct session *s;
    int n_guard = 0, n_mode[3] = { 0 };

    (void)state;
    r->low = 0.70f;
    r->high = 0.72f;
    r->unsure_margin = 0.05f;
    s = open_session(m.e, 60, r);
    assert_int_equal(engine_observe(m.e, &o, NULL), SOR_OK);
    for (int i = 0; i < N; i++) {
        session_note(s, i, (float)(i % 40) / 10);
        feed(m.e, s, i, 1, m.got);
    }
    assert_int_equal(engine_observe(m.e, NULL, NULL), SOR_OK);
    session_close(s);
    for (int i = 0; i < N; i++) {
        n_guard += t->reason[i] == HOOK_BY_GUARD;
        n_mode[t->mode[i]]++;
    }
    assert_true(n_guard > 0 && n_guard < N);
    assert_true(n_mode[HOOK_SPARSE] > 16 && n_mode[HOOK_FULL] > 0);

    s = open_session(m.e, 61, r);
    session_force(s, t->mode, N);
    feed(m.e, s, 0, N, again);
    assert_true(same_rows(again, m.got, 0, N));
    session_close(s);
    route_close(r);
    free(again);
    free(t);
}

/* --- the policy ---------------------------------------------------------- */

static void json_there_and_back(void **state)
{
    struct route *a = policy(ROUTE_AUTO), *b = NULL;
    struct str one, two;

    (void)state;
    a->low = 0.1f;
    a->rank[0] = 3;
    a->rank[3] = 0;
    assert_int_equal(route_make(a, NULL), SOR_OK);
    str_init(&one);
    str_init(&two);
    route_print(a, &one);
    assert_int_equal(route_parse(one.p, "test", engine_hparams(m.e), &b, NULL),
                     SOR_OK);
    route_print(b, &two);
    assert_string_equal(one.p, two.p);
    assert_true(a->low == b->low);
    assert_int_equal(b->dense[HOOK_SPARSE][1], a->dense[HOOK_SPARSE][1]);
    str_release(&one);
    str_release(&two);
    route_close(a);
    route_close(b);
}

static void bad_json_is_refused(void **state)
{
    static const struct { const char *from, *to, *says; } bad[] = {
        { "\"low\":0.45", "\"low\":1.5", "low" },
        { "\"low\":0.45", "\"low\":null", "low" },
        { "\"high\":", "\"height\":", "high" },
        { "\"first\":1", "\"first\":-1", "first" },
        { "\"first\":1", "\"first\":1.5", "first" },
        { "\"last\":2", "\"last\":1", "last" },
        { "\"format\":1", "\"format\":2", "format" },
        { "\"layers\":4", "\"layers\":5", "shape" },
        { "\"rank\":[0", "\"rank\":[1", "rank" },
        { "\"rank\":[0,", "\"rank\":[", "rank" },
        { "\"rank\":[0", "\"rank\":[0,0", "rank" },
        { "\"choice\":\"auto\"", "\"choice\":\"some\"", "choice" },
        { "\"best\":2", "\"best\":200", "cap" },
        { "\"novelty\":1", "\"novelty\":1e9", "weight" },
    };
    struct route *a = policy(ROUTE_AUTO), *b = NULL;
    struct sor_msg msg;
    struct str json, text;

    (void)state;
    str_init(&json);
    route_print(a, &json);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *at = strstr(json.p, bad[i].from);

        if (!at)
            fail_msg("%s is not in %s", bad[i].from, json.p);
        str_init(&text);
        str_put(&text, json.p, (size_t)(at - json.p));
        str_puts(&text, bad[i].to);
        str_puts(&text, at + strlen(bad[i].from));
        if (route_parse(text.p, "test", engine_hparams(m.e), &b, &msg) ==
            SOR_OK)
            fail_msg("%s was taken", bad[i].to);
        if (!strstr(msg.text, bad[i].says))
            fail_msg("%s: \"%s\"", bad[i].to, msg.text);
        str_release(&text);
    }
    assert_null(b);
    str_release(&json);
    route_close(a);
}

/* Hulls cannot be had of blocks that are full already. */
static void routing_comes_before_tokens(void **state)
{
    struct engine *e = open_with(1, 0);
    struct session *s = open_session(e, 1, NULL);

    (void)state;
    feed(e, s, 0, 20, m.got);
    assert_int_equal(engine_route(e, m.sparse, NULL), SOR_USAGE);
    assert_int_equal(session_route(s, m.sparse, NULL), SOR_USAGE);
    session_close(s);
    assert_int_equal(engine_route(e, m.sparse, NULL), SOR_OK);
    engine_close(e);
}

/* Positions are divided: the first token is where it was, the others nearer. */
static void rope_may_be_scaled(void **state)
{
    struct engine_opts o = { .n_thread = 1, .n_ctx = 512, .rope_scale = 2.0,
                             .kv_type = m.kv_type };
    struct engine *e = NULL;
    struct session *s;

    (void)state;
    assert_int_equal(engine_open(models_small(), &o, &e, NULL), SOR_OK);
    s = open_session(e, 1, NULL);
    feed(e, s, 0, 20, m.got);
    assert_true(same_rows(m.got, m.off, 0, 1));
    assert_false(same_rows(m.got, m.off, 19, 20));
    session_close(s);
    engine_close(e);
    e = NULL;
    o.rope_scale = 0.5;
    assert_int_equal(engine_open(models_small(), &o, &e, NULL), SOR_USAGE);
    assert_null(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sparse_leaves_something_out),
        cmocka_unit_test(full_is_off),
        cmocka_unit_test(a_judge_ranks_in_place_of_hulls),
        cmocka_unit_test(budgets_are_what_is_read),
        cmocka_unit_test(any_cutting),
        cmocka_unit_test(any_threads_and_kernels),
        cmocka_unit_test(any_mates_and_forks),
        cmocka_unit_test(what_is_told_is_what_was_read),
        cmocka_unit_test(a_guard_of_all_is_off),
        cmocka_unit_test(forced_modes_give_the_same),
        cmocka_unit_test(json_there_and_back),
        cmocka_unit_test(bad_json_is_refused),
        cmocka_unit_test(routing_comes_before_tokens),
        cmocka_unit_test(rope_may_be_scaled),
    };

    return cmocka_run_group_tests_name("route f16", tests, setup_f16,
                                       teardown) +
           cmocka_run_group_tests_name("route q8", tests, setup_q8, teardown);
}
