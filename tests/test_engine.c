/* The engine's own promises: what it refuses, what it tells, what it allocates.
 * That its bits do not depend on how work is cut: test_determinism.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "tests/mkmodel.h"

enum { CTX = 80, LAYERS = 4, HEADS = 4 };

static char path[64];

static struct engine *open_model(const struct mkmodel_opts *o)
{
    struct engine_opts opts = { .n_thread = 2, .n_ctx = CTX };
    struct engine *e = NULL;
    struct sor_msg msg;

    assert_int_equal(mkmodel_path(path), 0);
    if (mkmodel(path, o, &msg) || engine_open(path, &opts, &e, &msg))
        fail_msg("%s", msg.text);
    return e;
}

static void shut(struct engine *e)
{
    engine_close(e);
    unlink(path);
}

static struct session *timeline(struct engine *e, uint64_t tag)
{
    struct session *s = NULL;

    assert_int_equal(session_open(e, tag, 0, &s, NULL), SOR_OK);
    return s;
}

static enum sor_err feed(struct session *s, struct engine *e,
                         const int32_t *tok, int n, float *logits)
{
    struct engine_feed f = { .session = s, .tok = tok, .n_tok = n,
                             .n_logits = logits ? 1 : 0, .logits = logits };

    return engine_step(e, &f, 1, NULL);
}

static void bad_feeds_change_nothing(void **state)
{
    struct engine *e = open_model(&(struct mkmodel_opts){ 0 });
    struct session *s = timeline(e, 1), *t = timeline(e, 2);
    int32_t ids[CTX + 1] = { 5 }, high = 1 << 20;
    struct engine_feed two[2] = { { .session = s, .tok = ids, .n_tok = 3 },
                                  { .session = t, .tok = ids,
                                    .n_tok = CTX + 1 } };
    struct sor_msg msg;

    (void)state;
    assert_int_equal(engine_step(e, two, 2, &msg), SOR_LIMIT);
    assert_non_null(strstr(msg.text, "81 tokens"));
    assert_non_null(strstr(msg.text, "80 are available"));
    two[1] = (struct engine_feed){ .session = t, .tok = &high, .n_tok = 1,
                                   .n_logits = 0, .logits = NULL };
    assert_int_equal(engine_step(e, two, 2, &msg), SOR_USAGE);
    assert_non_null(strstr(msg.text, "1048576"));
    two[1] = (struct engine_feed){ .session = t, .tok = ids, .n_tok = 0,
                                   .n_logits = 0, .logits = NULL };
    assert_int_equal(engine_step(e, two, 2, NULL), SOR_USAGE);
    two[1] = (struct engine_feed){ .session = t, .tok = ids, .n_tok = 1,
                                   .n_logits = 2, .logits = NULL };
    assert_int_equal(engine_step(e, two, 2, NULL), SOR_USAGE);
    assert_int_equal(session_len(s), 0);
    assert_int_equal(session_len(t), 0);
    assert_int_equal(feed(s, e, ids, CTX, NULL), SOR_OK);
    assert_int_equal(feed(s, e, ids, 1, NULL), SOR_LIMIT);
    assert_int_equal(session_len(s), CTX);
    session_close(s);
    session_close(t);
    shut(e);
}

static void contexts_out_of_reach_are_refused(void **state)
{
    struct engine_opts opts = { .n_thread = 1, .n_ctx = 1 << 30 };
    struct engine *e = NULL;
    struct sor_msg msg;

    (void)state;
    shut(open_model(&(struct mkmodel_opts){ 0 }));
    assert_int_equal(mkmodel_path(path), 0);
    assert_int_equal(mkmodel(path, &(struct mkmodel_opts){ 0 }, &msg), SOR_OK);
    assert_int_equal(engine_open(path, &opts, &e, &msg), SOR_LIMIT);
    opts.n_ctx = -1;
    assert_int_equal(engine_open(path, &opts, &e, &msg), SOR_LIMIT);
    opts = (struct engine_opts){ .n_thread = 1000 };
    assert_int_equal(engine_open(path, &opts, &e, &msg), SOR_USAGE);
    assert_null(e);
    unlink(path);
}

/* A child writes into a block that it shared; the parent's stays. */
static void forks_copy_on_write(void **state)
{
    struct engine *e = open_model(&(struct mkmodel_opts){ 0 });
    size_t n = engine_hparams(e)->n_vocab * sizeof(float);
    float *a = malloc(n), *b = malloc(n);
    struct session *s = timeline(e, 1), *child;
    int32_t ids[24];
    struct sor_msg msg;

    (void)state;
    for (int i = 0; i < 24; i++)
        ids[i] = i + 3;
    assert_int_equal(feed(s, e, ids, 20, NULL), SOR_OK);
    assert_int_equal(feed(s, e, ids + 20, 1, a), SOR_OK);
    session_rewind(s, 20);
    assert_int_equal(session_len(s), 20);
    assert_int_equal(session_fork(s, 2, 18, &child, &msg), SOR_OK);
    assert_int_equal(session_len(child), 18);
    assert_int_equal(feed(child, e, ids, 5, NULL), SOR_OK);
    assert_int_equal(feed(s, e, ids + 20, 1, b), SOR_OK);
    assert_memory_equal(a, b, n);
    assert_int_equal(session_fork(s, 3, 22, &child, &msg), SOR_USAGE);
    assert_non_null(strstr(msg.text, "21 tokens"));
    session_close(child);
    session_close(s);
    session_close(NULL);
    free(a);
    free(b);
    shut(e);
}

/* --- what is told ---------------------------------------------------------*/

struct seen {
    int count[HOOK_KINDS];
    int order_ok, layer[HOOK_ROWS_MAX];
    uint64_t next_seq;
    float mass, norm;
    struct hook_row last;
};

static void see(void *ud, const struct hook_event *ev)
{
    struct seen *s = ud;

    s->count[ev->kind]++;
    s->order_ok &= ev->seq == s->next_seq++;
    switch (ev->kind) {
    case HOOK_LAYER:
        s->order_ok &= s->layer[ev->row]++ == ev->layer;
        s->order_ok &= s->layer[ev->row] == 1 ||
                       ev->u.layer.norm_in == s->norm || ev->row != 0;
        if (ev->row == 0)
            s->norm = ev->u.layer.norm_out;
        break;
    case HOOK_HEAD:
        for (int i = 1; i < ev->u.head.n_top; i++)
            s->order_ok &= ev->u.head.weight[i] <= ev->u.head.weight[i - 1];
        break;
    case HOOK_ATTN:
        s->mass = 0.0f;
        for (uint32_t i = 0; i < ev->u.attn.n_block; i++)
            s->mass += ev->u.attn.mass[i];
        break;
    case HOOK_ROW:
        s->last = ev->u.row;
        s->layer[ev->row] = 0;
        break;
    default:
        break;
    }
}

static void the_observer_hears_all_in_order(void **state)
{
    struct engine *e = open_model(&(struct mkmodel_opts){ 0 });
    size_t n_vocab = engine_hparams(e)->n_vocab;
    float *logits = malloc(n_vocab * sizeof *logits);
    struct session *s = timeline(e, 7);
    struct seen seen = { .order_ok = 1 };
    struct hook_observer o = { (1u << HOOK_KINDS) - 1, &seen, see };
    int32_t ids[33];

    (void)state;
    for (int i = 0; i < 33; i++)
        ids[i] = 200 + i;
    assert_int_equal(engine_observe(e, &o, NULL), SOR_OK);
    assert_int_equal(feed(s, e, ids, 33, logits), SOR_OK);
    assert_int_equal(seen.order_ok, 1);
    assert_int_equal(seen.count[HOOK_ROW], 33);
    assert_int_equal(seen.count[HOOK_LAYER], 33 * LAYERS);
    assert_int_equal(seen.count[HOOK_ROUTE], 33 * LAYERS);
    assert_int_equal(seen.count[HOOK_HEAD], 33 * LAYERS * HEADS);
    assert_int_equal(seen.count[HOOK_ATTN], 1);
    assert_true(fabsf(seen.mass - 1.0f) < 1e-4f);
    assert_int_equal(seen.last.id, 232);
    assert_int_equal(seen.last.has_logits, 1);
    assert_int_equal(seen.last.nan_layer, -1);
    assert_true(seen.last.digest ==
                hash_xxh3(logits, n_vocab * sizeof *logits, 0));
    o.mask = 1u << HOOK_ROW;            /* nothing else any more */
    assert_int_equal(engine_observe(e, &o, NULL), SOR_OK);
    assert_int_equal(feed(s, e, ids, 2, NULL), SOR_OK);
    assert_int_equal(seen.count[HOOK_ROW], 35);
    assert_int_equal(seen.count[HOOK_LAYER], 33 * LAYERS);
    assert_int_equal(seen.last.has_logits, 0);
    assert_int_equal(engine_observe(e, NULL, NULL), SOR_OK);
    assert_int_equal(feed(s, e, ids, 2, NULL), SOR_OK);
    assert_int_equal(seen.count[HOOK_ROW], 35);
    session_close(s);
    free(logits);
    shut(e);
}

static void nan_is_located(void **state)
{
    struct engine *e = open_model(&(struct mkmodel_opts){ .poison = 3 });
    struct session *s = timeline(e, 1);
    float *logits = malloc(engine_hparams(e)->n_vocab * sizeof *logits);
    struct seen seen = { .order_ok = 1 };
    struct hook_observer o = { 1u << HOOK_ROW, &seen, see };
    int32_t id = 9;

    (void)state;
    assert_int_equal(engine_observe(e, &o, NULL), SOR_OK);
    assert_int_equal(feed(s, e, &id, 1, logits), SOR_OK);
    assert_int_equal(seen.last.nan_layer, 2);
    session_close(s);
    free(logits);
    shut(e);
}

/* --- what is allocated ----------------------------------------------------*/

static void a_warm_step_allocates_nothing(void **state)
{
    struct engine *e = open_model(&(struct mkmodel_opts){ 0 });
    float *logits = malloc(engine_hparams(e)->n_vocab * sizeof *logits);
    struct session *s = timeline(e, 1);
    struct seen seen = { .order_ok = 1 };
    struct hook_observer o = { (1u << HOOK_KINDS) - 1, &seen, see };
    int32_t ids[CTX] = { 0 };
    uint64_t before;

    (void)state;
    assert_int_equal(engine_observe(e, &o, NULL), SOR_OK);
    assert_int_equal(feed(s, e, ids, CTX, NULL), SOR_OK);   /* warm */
    session_rewind(s, 0);
    before = mem_count();
    assert_int_equal(feed(s, e, ids, 30, NULL), SOR_OK);
    for (int i = 0; i < 50; i++)
        assert_int_equal(feed(s, e, ids, 1, logits), SOR_OK);
    assert_true(mem_count() == before);
    session_close(s);
    free(logits);
    shut(e);
}

/* Every allocation of an opening fails once: an error, or an opening that could
 * do without (the regexes' compiler), and no leak (ASan). */
static void opening_survives_each_failed_allocation(void **state)
{
    struct engine_opts opts = { .n_thread = 2, .n_ctx = CTX };
    struct engine *e = NULL;
    struct sor_msg msg;
    int failed = 0, done = 0;

    (void)state;
    assert_int_equal(mkmodel_path(path), 0);
    assert_int_equal(mkmodel(path, &(struct mkmodel_opts){ 0 }, &msg), SOR_OK);
    for (uint64_t n = 1; !done; n++) {
        uint64_t before = mem_count();
        enum sor_err err;

        mem_fail_at(n);
        err = engine_open(path, &opts, &e, &msg);
        mem_fail_at(0);
        done = err == SOR_OK && mem_count() - before < n;
        assert_true(err == SOR_OK || err == SOR_NOMEM);
        failed += err == SOR_NOMEM;
        if (err == SOR_OK)
            engine_close(e);
        e = NULL;
    }
    assert_true(failed > 40);
    unlink(path);
}

/* --- the loop over paths --------------------------------------------------*/

static int stop_at_five(void *ud, int p, int32_t id, float logprob)
{
    int *n = ud;

    (void)id;
    assert_true(logprob <= 0.0f);
    return ++n[p] == 5 && p == 1;
}

static void paths_end_as_they_should(void **state)
{
    struct engine *e = open_model(&(struct mkmodel_opts){ 0 });
    size_t n_vocab = engine_hparams(e)->n_vocab;
    struct seen seen = { .order_ok = 1 };
    struct hook_observer o = { 1u << HOOK_TOKEN, &seen, see };
    struct sampler_params hot = { .temperature = 1.0f, .top_p = 1.0f,
                                  .seed = 3 };
    struct gen_path p[3];
    struct sampler sm[3];
    int32_t ids[20] = { 1, 2, 3 }, out[3][100];
    int counts[3] = { 0 };
    struct gen_opts opts = { .ud = counts, .on_token = stop_at_five };

    (void)state;
    assert_int_equal(engine_observe(e, &o, NULL), SOR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sampler_init(&sm[i], &hot, (uint32_t)i, NULL), 0);
        p[i] = (struct gen_path){ .session = timeline(e, (uint64_t)i + 1),
            .sampler = &sm[i], .max_tok = i == 0 ? 7 : 100,
            .logits = malloc(n_vocab * sizeof(float)), .out = out[i] };
        assert_int_equal(feed(p[i].session, e, ids, 20, p[i].logits), SOR_OK);
    }
    assert_int_equal(gen_run(e, p, 3, &opts, NULL), SOR_OK);
    assert_true(p[0].stop == GEN_LENGTH ? p[0].n_out == 7
                                        : p[0].stop == GEN_EOG);
    assert_true(p[1].stop == GEN_CANCELLED ? p[1].n_out == 5
                                           : p[1].stop == GEN_EOG);
    assert_true(p[2].stop == GEN_CONTEXT ? p[2].n_out == CTX - 20 + 1
                                         : p[2].stop == GEN_EOG);
    assert_int_equal(seen.count[HOOK_TOKEN],
                     p[0].n_out + p[1].n_out + p[2].n_out);
    for (int i = 0; i < 3; i++) {
        session_close(p[i].session);
        free(p[i].logits);
    }
    shut(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_feeds_change_nothing),
        cmocka_unit_test(contexts_out_of_reach_are_refused),
        cmocka_unit_test(forks_copy_on_write),
        cmocka_unit_test(the_observer_hears_all_in_order),
        cmocka_unit_test(nan_is_located),
        cmocka_unit_test(a_warm_step_allocates_nothing),
        cmocka_unit_test(opening_survives_each_failed_allocation),
        cmocka_unit_test(paths_end_as_they_should),
    };

    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
