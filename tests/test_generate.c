/* Continuous batching: who sits when, what a step holds, and that nobody's
 * tokens depend on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/generate.h"
#include "engine/hparams.h"
#include "tests/models.h"

enum { PATHS = 20, CTX = 256, MOST = 40, LOG = 4096 };

static struct engine *e;
static int32_t text[CTX];
static struct session *session[PATHS];
static struct sampler sampler[PATHS];
static struct gen_path path[PATHS];
static int32_t out[PATHS][MOST];

/* What the hooks told. */
static struct {
    struct hook_batch batch[LOG];
    int n_batch;
    struct { uint64_t tag; int64_t step; } join[LOG];
    int n_join;
} told;

static void hear(void *ud, const struct hook_event *ev)
{
    (void)ud;
    if (ev->kind == HOOK_BATCH) {
        assert_int_equal(ev->u.batch.step, told.n_batch);
        told.batch[told.n_batch++] = ev->u.batch;
    } else {
        told.join[told.n_join].tag = ev->tag;
        told.join[told.n_join++].step = ev->u.join.step;
    }
}

/* Lengths that differ, in an order without a pattern. */
static int prompt_of(int i) { return 1 + i * 37 % 61; }
static int tokens_of(int i) { return 1 + i * 23 % MOST; }

static int set_up(void **state)
{
    struct engine_opts o = { .n_thread = 2, .n_ctx = CTX };
    struct hook_observer see = { 1u << HOOK_BATCH | 1u << HOOK_JOIN, NULL,
                                 hear };
    struct sor_msg msg;

    (void)state;
    if (engine_open(models_small(), &o, &e, &msg) ||
        engine_observe(e, &see, &msg))
        fail_msg("%s", msg.text);
    for (int i = 0; i < CTX; i++)
        text[i] = 3 + i * 7 % 200;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    engine_close(e);
    return 0;
}

/* Paths 0 .. n-1 with prompts of their own; nothing is read yet. */
static void make_paths(int n)
{
    struct sampler_params hot = { .temperature = 1.0f, .top_p = 1.0f,
                                  .seed = 5 };

    told.n_batch = told.n_join = 0;
    for (int i = 0; i < n; i++) {
        assert_int_equal(session_open(e, (uint64_t)i + 1, 0, &session[i],
                                      NULL), 0);
        assert_int_equal(sampler_init(&sampler[i], &hot, (uint32_t)i, NULL),
                         0);
        path[i] = (struct gen_path){
            .session = session[i], .sampler = &sampler[i],
            .prompt = text + i, .n_prompt = prompt_of(i),
            .max_tok = tokens_of(i), .out = out[i] };
    }
}

static void close_paths(int n)
{
    for (int i = 0; i < n; i++) {
        session_close(session[i]);
        session[i] = NULL;
    }
}

static void nobody_depends_on_their_mates(void **state)
{
    static int32_t alone[PATHS][MOST];
    static int n_alone[PATHS];
    static const struct gen_opts ways[] = {
        { .n_seat = 3, .n_row = 8 }, { .n_seat = 1 }, { .n_seat = 7 },
        { .n_seat = 20, .n_row = 21 }, { .n_seat = 0 },
    };

    (void)state;
    make_paths(PATHS);
    for (int i = 0; i < PATHS; i++) {
        told.n_batch = 0;
        assert_int_equal(gen_run(e, &path[i], 1, &ways[1], NULL), 0);
        memcpy(alone[i], out[i], sizeof out[i]);
        n_alone[i] = path[i].n_out;
    }
    close_paths(PATHS);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        make_paths(PATHS);
        assert_int_equal(gen_run(e, path, PATHS, &ways[w], NULL), 0);
        for (int i = 0; i < PATHS; i++) {
            assert_int_equal(path[i].n_out, n_alone[i]);
            assert_memory_equal(out[i], alone[i],
                                (size_t)n_alone[i] * sizeof **out);
        }
        close_paths(PATHS);
    }
}

/* First come, first seated; a seat is taken again in the step in which it was
 * left; what is told is what the paths and the statistics say. */
static void seats_go_in_order_and_stay_warm(void **state)
{
    struct gen_stats st;
    struct gen_opts o = { .n_seat = 4, .n_row = 24, .stats = &st };
    int64_t seats = 0, rows = 0, tokens = 0;

    (void)state;
    make_paths(PATHS);
    assert_int_equal(gen_run(e, path, PATHS, &o, NULL), 0);
    assert_int_equal(told.n_join, PATHS);
    for (int i = 0; i < PATHS; i++) {
        assert_int_equal(told.join[i].tag, i + 1);
        assert_int_equal(told.join[i].step, path[i].joined);
        assert_true(path[i].left > path[i].joined);
        /* what was read, and all that was written but for the last */
        tokens += prompt_of(i) + path[i].n_out - 1;
    }
    for (int i = 4; i < PATHS; i++) {       /* somebody left just then */
        int freed = 0;

        for (int k = 0; k < i; k++)
            freed |= path[k].left == path[i].joined;
        assert_true(freed);
    }
    assert_int_equal(told.n_batch, st.n_step);
    for (int i = 0; i < told.n_batch; i++) {
        const struct hook_batch *b = &told.batch[i];
        int used = 0;

        for (int k = 0; k < PATHS; k++)
            used += path[k].joined <= i && i < path[k].left;
        assert_int_equal(b->n_used, used);
        assert_int_equal(b->n_seat, 4);
        assert_int_equal(b->max_row, 24);
        assert_in_range(b->n_row, 1, 24);
        if (i < path[PATHS - 1].joined)     /* while anybody waits */
            assert_int_equal(b->n_used, 4);
        seats += b->n_used;
        rows += b->n_row;
    }
    assert_int_equal(seats, st.seats);
    assert_int_equal(rows, st.rows);
    assert_int_equal(rows, tokens);
    close_paths(PATHS);
}

/* While one reads a long prompt in small chunks, the others go on writing. */
static void reading_stops_nobody(void **state)
{
    struct gen_opts o = { .n_seat = 2, .n_row = 5 };
    struct gen *g = NULL;
    int more;

    (void)state;
    make_paths(2);
    path[0].n_prompt = 1;
    path[0].max_tok = 12;
    path[1].n_prompt = 41;
    path[1].max_tok = 1;
    assert_int_equal(gen_open(e, &o, &g, NULL), 0);
    assert_int_equal(gen_add(g, &path[0], NULL), 0);
    assert_int_equal(gen_add(g, &path[1], NULL), 0);
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(gen_step(g, &more, NULL), 0);
        assert_true(more);
        if (path[0].stop == GEN_RUNNING)
            assert_int_equal(path[0].n_out, i - 1);
        assert_int_equal(session_len(session[1]), i * 4 < 41 ? i * 4 : 41);
    }
    gen_close(g);
    assert_int_equal(path[1].stop, GEN_CANCELLED);
    assert_int_equal(path[1].n_out, 0);
    close_paths(2);
}

/* Paths that are added while others run, from where others end. */
struct relay { struct gen *g; int next, order[PATHS], n_end; };

static void pass_on(void *ud, int no)
{
    struct relay *r = ud;

    r->order[r->n_end++] = no;
    session_close(session[no]);
    session[no] = NULL;
    if (r->next < PATHS)
        assert_int_equal(gen_add(r->g, &path[r->next++], NULL), 0);
}

static void paths_may_join_later(void **state)
{
    struct relay r = { .next = 2 };
    struct gen_opts o = { .n_seat = 2, .ud = &r, .on_end = pass_on };
    int more = 1;

    (void)state;
    make_paths(PATHS);
    assert_int_equal(gen_open(e, &o, &r.g, NULL), 0);
    assert_int_equal(gen_add(r.g, &path[0], NULL), 0);
    assert_int_equal(gen_add(r.g, &path[1], NULL), 0);
    while (more)
        assert_int_equal(gen_step(r.g, &more, NULL), 0);
    assert_int_equal(r.n_end, PATHS);
    for (int i = 0; i < PATHS; i++)
        assert_int_not_equal(path[i].stop, GEN_RUNNING);
    /* all is done: a step more changes nothing */
    assert_int_equal(gen_step(r.g, &more, NULL), 0);
    assert_false(more);
    gen_close(r.g);
}

/* Logits of a prompt that all share, and paths that end with one token. */
static void ready_logits_are_shared(void **state)
{
    size_t n_vocab = engine_hparams(e)->n_vocab;
    float *logits = malloc(n_vocab * sizeof *logits);
    struct gen_stats st;
    struct gen_opts o = { .n_seat = 4, .stats = &st };
    struct session *base = NULL;
    struct engine_feed f;

    (void)state;
    assert_non_null(logits);
    make_paths(PATHS);
    close_paths(PATHS);
    assert_int_equal(session_open(e, 99, 0, &base, NULL), 0);
    f = (struct engine_feed){ .session = base, .tok = text, .n_tok = 30,
                              .n_logits = 1, .logits = logits };
    assert_int_equal(engine_step(e, &f, 1, NULL), 0);
    for (int i = 0; i < PATHS; i++) {
        assert_int_equal(session_fork(base, (uint64_t)i + 1, 30, &session[i],
                                      NULL), 0);
        path[i].session = session[i];
        path[i].n_prompt = 0;
        path[i].logits = logits;
        path[i].max_tok = i % 3;        /* none, one, two tokens */
        if (i > 0)                      /* all draw the same */
            sampler[i] = sampler[0];
    }
    assert_int_equal(gen_run(e, path, PATHS, &o, NULL), 0);
    for (int i = 0; i < PATHS; i++) {
        assert_int_equal(path[i].n_out, i % 3);
        assert_int_equal(path[i].stop, GEN_LENGTH);
        if (path[i].n_out)
            assert_int_equal(out[i][0], out[1][0]);
    }
    assert_int_equal(st.seats, 6);      /* one step each for those of two */
    assert_int_equal(st.n_step, 2);
    close_paths(PATHS);
    session_close(base);
    free(logits);
}

static int cancel(void *ud)
{
    return ++*(int *)ud == 5;
}

static void mistakes_and_cancelling(void **state)
{
    int polls = 0;
    struct gen_opts o = { .n_seat = 65 }, c = { .n_seat = 2, .ud = &polls,
                                                .cancelled = cancel };
    struct gen *g = NULL;
    struct sor_msg msg;

    (void)state;
    assert_int_equal(gen_open(e, &o, &g, &msg), SOR_LIMIT);
    assert_non_null(strstr(msg.text, "65 seats"));
    o = (struct gen_opts){ .n_seat = 16, .n_row = 15 };
    assert_int_equal(gen_open(e, &o, &g, &msg), SOR_LIMIT);
    assert_null(g);
    make_paths(3);
    path[2].n_prompt = CTX + 1;
    assert_int_equal(gen_run(e, path, 3, &(struct gen_opts){ 0 }, &msg),
                     SOR_LIMIT);
    assert_non_null(strstr(msg.text, "257 tokens"));
    assert_int_equal(path[0].stop, GEN_CANCELLED);
    assert_int_equal(path[2].stop, GEN_CANCELLED);
    assert_int_equal(session_len(session[0]), 0);
    path[2].n_prompt = 3;
    told.n_batch = 0;
    for (int i = 0; i < 3; i++)
        path[i].max_tok = MOST;
    assert_int_equal(gen_run(e, path, 3, &c, &msg), 0);
    assert_int_equal(path[2].stop, GEN_CANCELLED);
    assert_int_equal(path[2].n_out, 0);
    assert_int_equal(gen_run(e, path, 0, &(struct gen_opts){ 0 }, &msg), 0);
    gen_close(NULL);
    close_paths(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_depends_on_their_mates),
        cmocka_unit_test(seats_go_in_order_and_stay_warm),
        cmocka_unit_test(reading_stops_nobody),
        cmocka_unit_test(paths_may_join_later),
        cmocka_unit_test(ready_logits_are_shared),
        cmocka_unit_test(mistakes_and_cancelling),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
