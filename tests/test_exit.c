/* A row that leaves the network early: where, what is told of it, and that it
 * is a fact of the row alone, so that it can be forced again to the same
 * bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/exit.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "tests/models.h"

enum { CTX = 96, PROMPT = 21, MOST = 40, PATHS = 3, LAYERS = 4 };

static struct engine *e;

/* What was told of one path's rows. */
static struct told {
    uint64_t digest[CTX];
    int depth[CTX], n_layer[CTX];
    float sure[CTX], measure[CTX][LAYERS], mass[CTX];
    uint32_t bits[CTX][LAYERS];
} told[PATHS];

static void hear(void *ud, const struct hook_event *ev)
{
    struct told *t = &told[ev->tag - 1];

    (void)ud;
    if (ev->kind == HOOK_LAYER) {
        t->n_layer[ev->pos]++;
        t->measure[ev->pos][ev->layer] = ev->u.layer.exit_measure;
        t->bits[ev->pos][ev->layer] = ev->u.layer.digest;
    } else if (ev->kind == HOOK_ATTN) {
        t->mass[ev->pos] = 0;
        for (uint32_t i = 0; i < ev->u.attn.n_block; i++)
            t->mass[ev->pos] += ev->u.attn.mass[i];
    } else {
        t->digest[ev->pos] = ev->u.row.has_logits ? ev->u.row.digest : 0;
        t->depth[ev->pos] = ev->u.row.depth;
        t->sure[ev->pos] = ev->u.row.sure;
    }
}

static void sureness_is_that_of_two(void **state)
{
    float flat[3] = { 2, 2, 1 }, clear[3] = { 0, 9, -4 };
    float broken[2] = { NAN, -INFINITY };
    int top;

    (void)state;
    assert_true(exit_sureness(flat, 3, &top) == 0.5f && top == 0);
    assert_float_equal(exit_sureness(clear, 3, &top), 1 / (1 + expf(-9)),
                       1e-6f);
    assert_int_equal(top, 1);
    assert_true(exit_sureness(broken, 2, &top) == 0.5f && top == 0);
}

static void rules_are_checked(void **state)
{
    struct exit_rule r;
    struct sor_msg msg;

    (void)state;
    assert_int_equal(exit_rule_init(&r, 30, 0.9f, &msg), SOR_OK);
    assert_int_equal(r.layer[0], 24);
    assert_int_equal(exit_rule_init(&r, 3, 0.9f, &msg), SOR_OK);
    assert_int_equal(r.layer[0], 1);
    assert_int_equal(exit_rule_init(&r, 2, 0.9f, &msg), SOR_UNSUP);
    assert_int_equal(exit_rule_init(&r, 30, 0.4f, &msg), SOR_USAGE);
    assert_int_equal(exit_rule_init(&r, 30, NAN, &msg), SOR_USAGE);
}

/* n paths under a rule; their tokens to out. */
static void write_paths(const struct exit_rule *rule, int n,
                        int32_t out[][MOST])
{
    static int32_t text[PATHS][PROMPT];
    struct gen_opts o = { .exit = rule };
    struct gen_path path[PATHS];
    struct sampler s[PATHS];
    struct sor_msg msg;

    memset(told, 0, sizeof told);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < PROMPT; k++)
            text[i][k] = 3 + (i * 29 + k * 13) % 200;
        assert_int_equal(sampler_init(&s[i], &sampler_greedy, 0, &msg),
                         SOR_OK);
        path[i] = (struct gen_path){
            .sampler = &s[i], .prompt = text[i], .n_prompt = PROMPT,
            .max_tok = MOST, .out = out[i] };
        assert_int_equal(session_open(e, (uint64_t)i + 1, 0,
                                      &path[i].session, &msg), SOR_OK);
    }
    assert_int_equal(gen_run(e, path, n, &o, &msg), SOR_OK);
    for (int i = 0; i < n; i++) {
        assert_int_equal(path[i].n_out, MOST);
        session_close(path[i].session);
    }
}

/* A threshold that some rows pass and some do not. */
static struct exit_rule middling(void)
{
    struct exit_rule r = { .n = 1, .layer = { 1 }, .sure = 1.0f };
    static int32_t out[PATHS][MOST];
    float least = 1.0f, most = 0.5f;

    write_paths(&r, 1, out);
    for (int i = PROMPT; i < PROMPT + MOST - 1; i++) {
        float m = told->measure[i][1];

        assert_int_equal(told->depth[i], 0);
        most = m > most ? m : most;
        least = m < least ? m : least;
    }
    r.sure = (least + most) / 2;
    return r;
}

static void a_row_is_told_as_it_was(void **state)
{
    struct exit_rule r = middling();
    static int32_t out[PATHS][MOST];
    int n_left = 0, n_whole = 0;

    (void)state;
    write_paths(&r, 1, out);
    for (int pos = 0; pos < PROMPT + MOST - 1; pos++) {
        int depth = told->depth[pos], last = depth ? depth - 1 : LAYERS - 1;

        assert_int_equal(told->n_layer[pos], LAYERS);
        if (pos < PROMPT)               /* the prompt goes all the way */
            assert_int_equal(depth, 0);
        n_left += depth > 0;
        n_whole += pos >= PROMPT && depth == 0;
        for (int l = last + 1; l < LAYERS; l++) {
            assert_int_equal(told->bits[pos][l], told->bits[pos][last]);
            assert_true(told->measure[pos][l] == 0.0f);
        }
        if (depth) {
            assert_int_equal(depth, 2);
            assert_true(told->measure[pos][last] == told->sure[pos]);
            assert_true(told->sure[pos] >= r.sure);
        }
        if (pos >= PROMPT)
            assert_float_equal(told->mass[pos], 1.0f, 1e-3f);
    }
    print_message("%d rows left early, %d did not\n", n_left, n_whole);
    assert_true(n_left > 0 && n_whole > 0);
}

/* Alone and among others, then read again in one go with the depths forced. */
static void it_is_the_row_s_own_and_can_be_forced(void **state)
{
    static int32_t alone[PATHS][MOST], many[PATHS][MOST];
    static struct told first;
    struct exit_rule r = middling();
    uint16_t depth[CTX] = { 0 };
    int32_t all[CTX];
    static float logits[MOST * 1024];
    struct session *s;
    struct sor_msg msg;

    (void)state;
    write_paths(&r, 1, alone);
    first = told[0];
    write_paths(&r, PATHS, many);
    assert_memory_equal(alone[0], many[0], sizeof alone[0]);
    assert_memory_equal(&first, &told[0], sizeof first);

    for (int k = 0; k < PROMPT; k++)
        all[k] = 3 + k * 13 % 200;
    memcpy(all + PROMPT, alone[0], sizeof alone[0]);
    for (int i = 0; i < PROMPT + MOST - 1; i++)
        depth[i] = (uint16_t)first.depth[i];
    assert_true(engine_hparams(e)->n_vocab <= 1024);
    assert_int_equal(session_open(e, 1, 0, &s, &msg), SOR_OK);
    memset(told, 0, sizeof told);
    struct engine_feed f = { .session = s, .tok = all, .depth = depth,
                             .n_tok = PROMPT + MOST - 1, .n_logits = MOST,
                             .logits = logits };
    depth[0] = LAYERS;
    assert_int_equal(engine_step(e, &f, 1, &msg), SOR_USAGE);
    depth[0] = 0;
    assert_int_equal(engine_step(e, &f, 1, &msg), SOR_OK);
    assert_memory_equal(first.digest, told->digest, sizeof first.digest);
    assert_memory_equal(first.bits, told->bits, sizeof first.bits);
    session_close(s);
}

static void guesses_and_exits_exclude_each_other(void **state)
{
    struct exit_rule r;
    struct gen_opts o = { .draft = DRAFT_LOOKUP, .exit = &r };
    struct sor_msg msg;
    struct gen *g;

    (void)state;
    assert_int_equal(exit_rule_init(&r, LAYERS, 0.9f, &msg), SOR_OK);
    assert_int_equal(gen_open(e, &o, &g, &msg), SOR_USAGE);
}

int main(void)
{
    struct engine_opts o = { .n_thread = 2, .n_ctx = CTX };
    struct hook_observer see = {
        1u << HOOK_ROW | 1u << HOOK_LAYER | 1u << HOOK_ATTN, NULL, hear };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sureness_is_that_of_two),
        cmocka_unit_test(rules_are_checked),
        cmocka_unit_test(a_row_is_told_as_it_was),
        cmocka_unit_test(it_is_the_row_s_own_and_can_be_forced),
        cmocka_unit_test(guesses_and_exits_exclude_each_other),
    };
    struct sor_msg msg;
    int failed;

    if (engine_open(models_small(), &o, &e, &msg) ||
        engine_observe(e, &see, &msg) ||
        engine_hparams(e)->n_layer != LAYERS) {
        print_error("%s\n", msg.text);
        return 1;
    }
    failed = cmocka_run_group_tests_name("exit", tests, NULL, NULL);
    engine_close(e);
    return failed;
}
