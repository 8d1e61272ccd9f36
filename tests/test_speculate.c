/* Guessing ahead changes nothing but the time: tokens, logits to the bit, the
 * sampler's draws and the KV are what they are without, alone and among others,
 * to the end, cut off in between, and forked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/speculate.h"
#include "tests/models.h"

enum { PROMPTS = 200, CTX = 160, PROMPT = 40, MOST = 72, BATCH = 10 };

static struct engine *e;
static int n_prompt = PROMPTS;     /* fewer for the real model */

/* --- the account -----------------------------------------------------------*/

static void lookup_gives_what_followed(void **state)
{
    static const int32_t text[] = { 1, 2, 3, 4, 5, 6, 7, 9, 2, 3, 8, 8,
                                    1, 2, 3 };
    enum { N = sizeof text / sizeof *text };
    struct draft d;
    int32_t out[DRAFT_MAX];

    (void)state;
    assert_int_equal(draft_init(&d, 32), SOR_OK);
    assert_int_equal(draft_lookup(&d, 4, out), 0);
    draft_read(&d, text, N);
    /* the longest match wins over the latest, and bounds what it gives */
    assert_int_equal(draft_lookup(&d, DRAFT_MAX, out), 2);
    assert_int_equal(out[0], 4);
    assert_int_equal(out[1], 5);
    assert_int_equal(draft_lookup(&d, 1, out), 1);
    draft_wrote(&d, 77);
    assert_int_equal(draft_lookup(&d, DRAFT_MAX, out), 0);
    draft_wrote(&d, 2);
    draft_wrote(&d, 3);         /* of equals the latest: 1 2 3 77 2 3 */
    assert_int_equal(draft_lookup(&d, 1, out), 1);
    assert_int_equal(out[0], 77);
    draft_release(&d);
}

static void what_repeats_is_carried_on(void **state)
{
    static const int32_t text[] = { 5, 6, 7, 5, 6, 7, 5, 6, 7, 5, 6 };
    struct draft d;
    int32_t out[DRAFT_MAX];

    (void)state;
    assert_int_equal(draft_init(&d, 11), SOR_OK);
    draft_read(&d, text, 11);
    /* 8 tokens agree with those 3 before: 7, of which 3 are there */
    assert_int_equal(draft_lookup(&d, 9, out), 7);
    for (int i = 0; i < 7; i++)
        assert_int_equal(out[i], 5 + (i + 2) % 3);
    draft_read(&d, text, 8);    /* full: more is not kept */
    assert_int_equal(d.n, 11);
    draft_release(&d);
}

/* All guesses wrong: they cost at most half a token and one in a hundred. */
static void wrong_guesses_cost_little(void **state)
{
    float price = draft_price(1), spent = 0.0f;
    int n_guess = 0, n_tok = 1000;
    struct draft d;

    (void)state;
    assert_int_equal(draft_init(&d, n_tok), SOR_OK);
    for (int i = 0; i < n_tok; i++) {
        int n = draft_afford(&d, price);

        draft_wrote(&d, i);
        draft_buy(&d, (float)n * price);
        draft_kept(&d, 0);
        spent += (float)n * price;
        n_guess += n;
        assert_true(spent <= 0.5f + 0.01f * (float)(i + 1) + 1e-3f);
    }
    assert_true(n_guess > 10);
    draft_kept(&d, 4);
    assert_true(draft_afford(&d, price) > 8);
    assert_true(draft_price(16) > draft_price(1) && draft_price(64) < 1.0f);
    draft_release(&d);
}

static void guesses_stay_in_their_block(void **state)
{
    (void)state;
    assert_int_equal(draft_room(0, 99), DRAFT_MAX);
    assert_int_equal(draft_room(15, 99), 0);
    assert_int_equal(draft_room(16 * 7 + 9, 99), 6);
    assert_int_equal(draft_room(3, 4), 3);      /* the last row gives one */
    assert_int_equal(draft_room(3, 0), 0);
}

/* --- whole paths -----------------------------------------------------------*/

/* What is known of one path in the end. */
struct trial {
    int32_t out[MOST];
    int n_out, len;
    enum gen_stop stop;
    uint64_t draws;
    uint64_t digest[CTX];       /* of the logits at each position */
    float logprob[CTX];
    int n_draft, n_kept;
};

static struct trial *now;       /* [tag - 1] is being filled */
static struct { uint64_t tag; int pos; uint64_t digest; } ahead[HOOK_ROWS_MAX];
static int n_ahead, is_judged, n_crossed;

static void keep(uint64_t tag, int pos, uint64_t digest)
{
    struct trial *t = &now[tag - 1];

    assert_true(pos < CTX && t->digest[pos] == 0);      /* told once */
    t->digest[pos] = digest;
}

static void hear(void *ud, const struct hook_event *ev)
{
    (void)ud;
    if (ev->kind == HOOK_TOKEN) {
        now[ev->tag - 1].logprob[ev->pos] = ev->u.token.logprob;
    } else if (ev->kind == HOOK_BATCH) {
        is_judged = 1;          /* before the rows of the next step */
    } else if (ev->kind == HOOK_DRAFT) {
        n_crossed += ev->pos / HOOK_BLOCK != (ev->pos + ev->u.draft.n) /
                                             HOOK_BLOCK;
        for (int i = 0; i < n_ahead; i++)
            if (ahead[i].tag == ev->tag && ahead[i].pos > ev->pos &&
                ahead[i].pos <= ev->pos + ev->u.draft.n_kept)
                keep(ev->tag, ahead[i].pos, ahead[i].digest);
    } else if (ev->u.row.is_draft) {
        n_ahead = is_judged ? 0 : n_ahead;
        is_judged = 0;
        ahead[n_ahead].tag = ev->tag;
        ahead[n_ahead].pos = ev->pos;
        ahead[n_ahead++].digest = ev->u.row.digest;
    } else if (ev->u.row.has_logits) {
        keep(ev->tag, ev->pos, ev->u.row.digest);
    }
}

static const struct hook_observer see = {
    1u << HOOK_ROW | 1u << HOOK_TOKEN | 1u << HOOK_DRAFT | 1u << HOOK_BATCH,
    NULL, hear };

struct job {
    struct gen_opts opts;
    float temperature;
    int first, n, with_before;
};

static int32_t text_of(int prompt, int i)
{
    /* patterns of different lengths, so that something can be looked up */
    return 3 + (prompt * 31 + i % (5 + prompt % 9) * 17 + i / 23) % 250;
}

static void run(const struct job *job, struct trial *out)
{
    static int32_t text[PROMPTS][PROMPT];
    struct gen_path path[PROMPTS];
    struct sampler sampler[PROMPTS];
    struct sampler_params p = { .temperature = job->temperature,
                                .top_p = 1.0f, .seed = 9 };
    struct gen_opts o = job->opts;
    struct sor_msg msg;

    memset(out, 0, (size_t)job->n * sizeof *out);
    now = out;
    n_ahead = is_judged = 0;
    for (int i = 0; i < job->n; i++) {
        int prompt = job->first + i;

        for (int k = 0; k < PROMPT; k++)
            text[i][k] = text_of(prompt, k);
        assert_int_equal(sampler_init(&sampler[i], &p, (uint32_t)prompt,
                                      &msg), SOR_OK);
        path[i] = (struct gen_path){
            .sampler = &sampler[i], .prompt = text[i],
            .n_prompt = 8 + prompt % (PROMPT - 8),
            .max_tok = 1 + prompt * 37 % MOST, .out = out[i].out };
        assert_int_equal(session_open(e, (uint64_t)i + 1, 0,
                                      &path[i].session, &msg), SOR_OK);
    }
    if (gen_run(e, path, job->n, &o, &msg))
        fail_msg("%s", msg.text);
    for (int i = 0; i < job->n; i++) {
        out[i].n_out = path[i].n_out;
        out[i].stop = path[i].stop;
        out[i].len = session_len(path[i].session);
        out[i].draws = sampler[i].draws;
        out[i].n_draft = path[i].n_draft;
        out[i].n_kept = path[i].n_kept;
        session_close(path[i].session);
    }
}

static void same(const struct trial *a, const struct trial *b)
{
    assert_int_equal(a->n_out, b->n_out);
    assert_memory_equal(a->out, b->out, (size_t)a->n_out * sizeof *a->out);
    assert_int_equal(a->stop, b->stop);
    assert_int_equal(a->len, b->len);
    assert_int_equal(a->draws, b->draws);
    assert_memory_equal(a->digest, b->digest, sizeof a->digest);
    assert_memory_equal(a->logprob, b->logprob, sizeof a->logprob);
}

/* The same paths plain and with guesses, n at a time. */
static void compare(struct job job, int n_seat, int *n_draft, int *n_kept)
{
    static struct trial plain[PROMPTS], with[PROMPTS];
    struct job base = job;

    *n_draft = *n_kept = n_crossed = 0;
    base.opts.draft = DRAFT_OFF;
    job.opts.n_seat = n_seat;
    for (job.first = 0; job.first < n_prompt; job.first += job.n) {
        base.first = job.first;
        run(&base, plain);
        run(&job, with);
        for (int i = 0; i < job.n; i++) {
            same(&plain[i], &with[i]);
            *n_draft += with[i].n_draft;
            *n_kept += with[i].n_kept;
        }
    }
    assert_int_equal(n_crossed, 0);
}

static void greedy_is_the_same(void **state)
{
    struct job job = { .opts.draft = DRAFT_LOOKUP, .n = BATCH };
    int n_draft, n_kept;

    (void)state;
    compare(job, 1, &n_draft, &n_kept);
    print_message("one seat: %d guesses, %d right\n", n_draft, n_kept);
    assert_true(n_kept > 500 && n_kept < n_draft);
    compare(job, 4, &n_draft, &n_kept);
    print_message("four seats: %d guesses, %d right\n", n_draft, n_kept);
    assert_true(n_kept > 100 && n_kept < n_draft);
}

static void sampled_is_the_same(void **state)
{
    struct job job = { .opts.draft = DRAFT_LOOKUP, .n = BATCH,
                       .temperature = 0.05f };
    int n_draft, n_kept;

    (void)state;
    compare(job, 2, &n_draft, &n_kept);
    print_message("%d guesses, %d right\n", n_draft, n_kept);
    assert_true(n_kept > 100 && n_kept < n_draft);
    job.temperature = 1.0f;     /* nothing is right */
    compare(job, 1, &n_draft, &n_kept);
    assert_true(n_draft > 10);
}

static void the_first_layers_may_guess(void **state)
{
    int n_draft, n_kept;

    (void)state;
    for (int k = 1; k <= 2; k++) {
        struct job job = { .opts = { .draft = DRAFT_SELF, .draft_layer = k },
                           .n = BATCH };

        compare(job, 2, &n_draft, &n_kept);
        print_message("%d of 4 layers: %d guesses, %d right\n", k, n_draft,
                      n_kept);
        assert_true(n_kept > 100 && n_kept <= n_draft);
    }
}

/* The same with a model whose guesses are as right as they come. */
static void the_real_model_agrees(void **state)
{
    struct engine_opts o = { .n_thread = 2, .n_ctx = CTX };
    struct job job = { .opts.draft = DRAFT_LOOKUP, .n = 4 };
    struct engine *small = e;
    struct sor_msg msg;
    int n_draft, n_kept;

    (void)state;
    if (!models_real()) {
        print_message("SORITES_TEST_MODEL is not set\n");
        skip();
    }
    assert_int_equal(engine_open(models_real(), &o, &e, &msg), SOR_OK);
    assert_int_equal(engine_observe(e, &see, &msg), SOR_OK);
    n_prompt = 8;
    compare(job, 2, &n_draft, &n_kept);
    print_message("%d guesses, %d right\n", n_draft, n_kept);
    assert_true(n_kept > 10);
    job.opts.draft = DRAFT_SELF;
    job.temperature = 0.7f;
    compare(job, 4, &n_draft, &n_kept);
    print_message("%d guesses, %d right\n", n_draft, n_kept);
    n_prompt = PROMPTS;
    engine_close(e);
    e = small;
}

/* --- cut off, and forked ---------------------------------------------------*/

/* Writes on from token `at` of `out`, whose row goes in again. */
static void carry_on(struct session *s, const int32_t *out, int at, int n)
{
    int32_t more[MOST];
    struct sampler sampler;
    struct gen_path p = { .session = s, .sampler = &sampler,
                          .prompt = out + at, .n_prompt = 1,
                          .max_tok = n - at - 1, .out = more };
    struct gen_opts o = { .draft = DRAFT_OFF };
    struct sor_msg msg;

    assert_int_equal(sampler_init(&sampler, &sampler_greedy, 0, &msg), SOR_OK);
    assert_int_equal(gen_run(e, &p, 1, &o, &msg), SOR_OK);
    assert_int_equal(p.n_out, n - at - 1);
    assert_memory_equal(more, out + at + 1, (size_t)p.n_out * sizeof *out);
}

/* What is there when nobody judges the last guesses (Ctrl-C) is certain, and
 * so is what a fork shares. */
static void cut_off_anywhere_it_is_certain(void **state)
{
    struct gen_opts o = { .n_seat = 1, .draft = DRAFT_LOOKUP };
    int32_t text[PROMPT], whole[MOST], out[MOST];
    int with_guesses = 0;
    struct sor_msg msg;

    (void)state;
    assert_int_equal(engine_observe(e, NULL, &msg), SOR_OK);
    for (int k = 0; k < PROMPT; k++)
        text[k] = text_of(3, k);
    for (int steps = 0; steps < 10; steps++) {
        struct sampler sampler;
        struct gen_path p = { .sampler = &sampler, .prompt = text,
                              .n_prompt = PROMPT, .max_tok = MOST,
                              .out = steps ? out : whole };
        struct session *child;
        struct gen *g;
        int more = 1, len;

        assert_int_equal(sampler_init(&sampler, &sampler_greedy, 0, &msg),
                         SOR_OK);
        assert_int_equal(session_open(e, 1, 0, &p.session, &msg), SOR_OK);
        assert_int_equal(gen_open(e, &o, &g, &msg), SOR_OK);
        assert_int_equal(gen_add(g, &p, &msg), SOR_OK);
        for (int i = 0; more && (steps == 0 || i < steps); i++)
            assert_int_equal(gen_step(g, &more, &msg), SOR_OK);
        with_guesses += session_len(p.session) > PROMPT + p.n_out;
        gen_close(g);
        len = session_len(p.session);
        if (steps > 1 && more) {
            assert_int_equal(p.stop, GEN_CANCELLED);
            assert_int_equal(len, PROMPT + p.n_out);
            assert_memory_equal(out, whole, (size_t)p.n_out * sizeof *out);
            assert_int_equal(session_fork(p.session, 2, PROMPT, &child, &msg),
                             SOR_OK);
            carry_on(child, whole, 0, MOST);
            session_close(child);
            session_rewind(p.session, len - 1);
            carry_on(p.session, whole, p.n_out - 1, MOST);
        }
        session_close(p.session);
    }
    assert_true(with_guesses > 3);
}

int main(void)
{
    struct engine_opts o = { .n_thread = 2, .n_ctx = CTX };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookup_gives_what_followed),
        cmocka_unit_test(what_repeats_is_carried_on),
        cmocka_unit_test(wrong_guesses_cost_little),
        cmocka_unit_test(guesses_stay_in_their_block),
        cmocka_unit_test(greedy_is_the_same),
        cmocka_unit_test(sampled_is_the_same),
        cmocka_unit_test(the_first_layers_may_guess),
        cmocka_unit_test(the_real_model_agrees),
        cmocka_unit_test(cut_off_anywhere_it_is_certain),
    };
    struct sor_msg msg;
    int failed;

    if (engine_open(models_small(), &o, &e, &msg) ||
        engine_observe(e, &see, &msg)) {
        print_error("%s\n", msg.text);
        return 1;
    }
    failed = cmocka_run_group_tests_name("speculate", tests, NULL, NULL);
    engine_close(e);
    return failed;
}
