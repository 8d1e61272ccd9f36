/* Readings: the exact token strings of the adapter, bits that do not depend on
 * what is read beside them, answers that llama.cpp gives too, and questions
 * that are not asked twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/tok.h"
#include "review/ask.h"
#include "review/judge.h"
#include "review/judge_text.h"
#include "review/judge_walk.h"
#include "tests/models.h"

static struct {
    struct engine *engine;
    struct pack *pack;
    struct judge *judge;
} m;

static int setup(void **state)
{
    struct engine_opts o = { .n_thread = 2, .n_ctx = 1024 };
    struct sor_msg msg;

    (void)state;
    if (!models_real())
        return 0;
    if (pack_open("domains/legal", &m.pack, &msg) ||
        engine_open(models_real(), &o, &m.engine, &msg) ||
        judge_open(m.engine, m.pack, &m.judge, &msg)) {
        print_message("%s\n", msg.text);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    judge_close(m.judge);
    engine_close(m.engine);
    pack_close(m.pack);
    return 0;
}

static void needs_model(void)
{
    if (!m.judge) {
        print_message("no $SORITES_TEST_MODEL\n");
        skip();
    }
}

/* --- token strings ------------------------------------------------------- */

static void collapsed(const char *in, const char *out)
{
    struct str s;

    str_init(&s);
    judge_collapse(&s, in, strlen(in));
    assert_string_equal(s.p, out);
    str_release(&s);
}

static void white_space_is_collapsed_as_in_training(void **state)
{
    (void)state;
    collapsed("", "");
    collapsed(" \t\n", "");
    collapsed("  a  b\r\n\tc ", "a b c");
    collapsed("a\u00a0\u2003b\u3000c\u2028", "a b c");
    collapsed("a\u200bb", "a\u200bb");      /* has no width; is no space */
    collapsed("a\x1c\x1f" "b\x85", "a b\x85");  /* a lone byte is no text */
}

static void ids_are(const struct tok_ids *got, size_t from,
                    const int32_t *want, size_t n)
{
    assert_true(got->n >= from + n);
    assert_memory_equal(got->id + from, want, n * sizeof *want);
}

/* The ids are those of the adapter's own description. */
static void pieces_are_tokenised_one_by_one(void **state)
{
    static const int32_t clause[] = { 3603, 733, 42, 216 };
    static const int32_t apart[] = { 21420, 216 };
    static const int32_t type[] = { 198, 4820, 42 };
    struct tok_ids a = { 0 };
    struct judge_place at;
    const struct tok *t;

    (void)state;
    needs_model();
    t = engine_tok(m.engine);
    assert_int_equal(judge_prefix(t, " Before.\n", "The  clause.", &a, &at),
                     SOR_OK);
    ids_are(&a, 0, clause, 4);
    assert_int_equal(at.context[0], 4);
    ids_are(&a, (size_t)at.context[1], apart, 2);
    assert_int_equal(at.text[0], at.context[1] + 2);
    assert_int_equal((size_t)at.text[1], a.n);
    a.n = 0;
    assert_int_equal(judge_prefix(t, "", "The clause.", &a, &at), SOR_OK);
    ids_are(&a, 0, clause, 4);
    assert_int_equal(at.text[0], 4);        /* no context, no " >> " */
    assert_int_equal(judge_type_question(t, &a), SOR_OK);
    ids_are(&a, a.n - 3, type, 3);
    assert_int_equal(judge_answer(m.judge, RELATION_UNRELATED), 18134);
    assert_int_equal(judge_answer(m.judge, RELATION_SUPPORTS), 6569);
    assert_int_equal(judge_answer(m.judge, RELATION_CONTRADICTS), 43790);
    tok_ids_release(&a);
}

static void what_is_long_is_cut_where_training_cut_it(void **state)
{
    enum { WORDS = 500 };
    char text[WORDS * 8] = "";
    struct tok_ids a = { 0 };
    struct judge_place at;

    (void)state;
    needs_model();
    for (int i = 0; i < WORDS; i++)
        sprintf(text + strlen(text), "w%d ", i);
    assert_int_equal(judge_prefix(engine_tok(m.engine), text, text, &a, &at),
                     SOR_OK);
    assert_int_equal(at.context[1] - at.context[0], JUDGE_CONTEXT_TOKENS);
    assert_int_equal(at.text[1] - at.text[0], JUDGE_TEXT_TOKENS);
    a.n = 0;
    assert_int_equal(judge_statement(engine_tok(m.engine), text, &a), SOR_OK);
    assert_true(a.n <= JUDGE_STATEMENT_TOKENS);
    assert_int_equal(a.id[a.n - 1], 42);    /* it still ends in the question */
    tok_ids_release(&a);
}

/* Contexts that end alike become one text, and it is read as each of them. */
static void a_context_is_what_is_read_of_it(void **state)
{
    static const char *const end[] = {
        "", " one", ". Section 4.2 (a) ends; 1,000,000.50 of it",
        "\xc3\xa9t\xc3\xa9 de l'\xc3\xa9tat", " antidisestablishmentarianism",
        " \t x\n"
    };
    enum { ENDS = sizeof end / sizeof end[0], WORDS = 90 };

    (void)state;
    needs_model();
    for (int e = 0; e < ENDS; e++)
        for (int n = 0; n <= WORDS; n += 15) {
            struct tok_ids whole = { 0 }, part = { 0 };
            struct str s, read, longer;

            str_init(&s), str_init(&read), str_init(&longer);
            for (int i = 0; i < n; i++)
                str_printf(&s, "%s%s%d.%d", i % 7 ? " " : "\n\n",
                           i % 3 ? "party" : "disclosed", i, n);
            str_puts(&s, end[e]);
            assert_int_equal(judge_reads(m.judge, s.p, &read), SOR_OK);
            assert_int_equal(judge_prefix(engine_tok(m.engine), s.p, "Text.",
                                          &whole, NULL), SOR_OK);
            assert_int_equal(judge_prefix(engine_tok(m.engine), read.p,
                                          "Text.", &part, NULL), SOR_OK);
            assert_int_equal(whole.n, part.n);
            assert_memory_equal(whole.id, part.id,
                                whole.n * sizeof *whole.id);
            str_printf(&longer, "Before all of it. %s", s.p);
            if (n == WORDS) {
                struct str same;

                assert_true(read.len < s.len);
                str_init(&same);
                assert_int_equal(judge_reads(m.judge, longer.p, &same),
                                 SOR_OK);
                assert_string_equal(same.p, read.p);
                str_release(&same);
            }
            tok_ids_release(&whole), tok_ids_release(&part);
            str_release(&s), str_release(&read), str_release(&longer);
        }
}

/* What this walk or the last one used stays; the rest makes room. */
static void what_is_kept_stays_while_it_is_used(void **state)
{
    static struct keep k;
    struct session *s = NULL, *fork = NULL;
    int32_t tok = 1;
    struct engine_feed f = { .tok = &tok, .n_tok = 1 };

    (void)state;
    needs_model();
    assert_int_equal(session_open(m.engine, 1, 0, &s, NULL), SOR_OK);
    f.session = s;
    assert_int_equal(engine_step(m.engine, &f, 1, NULL), SOR_OK);
    keep_turn(&k);
    for (tok = 0; tok <= KEEP_MOST; tok++)
        assert_int_equal(keep_put(&k, &tok, 1, s, NULL), SOR_OK);
    assert_int_equal(k.n, KEEP_MOST);
    tok = KEEP_MOST;                        /* came last: there was no room */
    assert_int_equal(keep_fork(&k, &tok, 1, 1, &fork, NULL), SOR_OK);
    assert_null(fork);
    keep_turn(&k);
    tok = 0;
    assert_int_equal(keep_fork(&k, &tok, 1, 1, &fork, NULL), SOR_OK);
    assert_non_null(fork);
    session_close(fork);
    keep_turn(&k);
    tok = KEEP_MOST;                        /* in place of 1, not of 0 */
    assert_int_equal(keep_put(&k, &tok, 1, s, NULL), SOR_OK);
    for (tok = 0; tok <= KEEP_MOST; tok++) {
        assert_int_equal(keep_fork(&k, &tok, 1, 1, &fork, NULL), SOR_OK);
        assert_true((fork != NULL) == (tok != 1));
        session_close(fork);
    }
    keep_release(&k);
    session_close(s);
}

static void strings_sort_by_their_tokens(void **state)
{
    static const int32_t tok[] = { 5, 1, 2, 5, 1, 5 };
    const struct walk_seq seq[] = { { tok + 3, 2 }, { tok, 3 }, { tok + 5, 1 },
                                    { tok + 1, 2 } };
    const struct walk_root root = { tok, 1, 0, (const int[]){ 3, 2, 0, 1 }, 4 };
    const struct walk w = { .seq = seq, .root = &root };
    int order[] = { 0, 1, 2, 3 };

    (void)state;
    walk_sort(seq, order, 4);
    assert_memory_equal(order, root.seq, sizeof order);
    assert_int_equal(walk_common(&w, 0, 1, 4), 1);
    assert_int_equal(walk_common(&w, 0, 2, 4), 2);
    assert_int_equal(walk_common(&w, 0, 3, 4), 3);
}

/* --- readings ------------------------------------------------------------ */

static const struct passage_text passages[] = {
    { "", "Each party shall keep the Confidential Information secret for five "
      "years." },
    { "The Receiving Party shall not disclose Confidential Information to any "
      "third party.", "The Receiving Party may disclose Confidential "
      "Information to its employees who need to know it." },
    { "", "The Receiving Party shall return or destroy all copies within ten "
      "days of a request." },
};
static const char *const statements[] = {
    "The Receiving Party must keep the information secret.",
    ("The Receiving Party may share the information with some of its "
     "employees."),
    "The Receiving Party may keep copies of the information for ever.",
    "The Receiving Party may keep copies of the information for ever.",
};
enum { N_PASSAGE = 3, N_STATEMENT = 4 };

/* llama.cpp (llama-cpp-python 0.3.36) on these pairs, tests/test_lora.c. */
static const struct { int passage, statement; enum relation best; } peer[] = {
    { 0, 0, RELATION_UNRELATED }, { 1, 1, RELATION_SUPPORTS },
    { 2, 2, RELATION_CONTRADICTS },
};

struct got { struct reading r[N_PASSAGE][N_STATEMENT]; int n; };

static void keep(void *ud, const struct reading *r)
{
    struct got *g = ud;

    g->r[r->passage][r->statement] = *r;
    g->n++;
}

static void read_pairs(const uint8_t *want, struct got *g)
{
    struct judge_job job = {
        .passage = passages, .n_passage = N_PASSAGE, .statement = statements,
        .n_statement = N_STATEMENT, .want = want, .on_reading = keep, .ud = g,
    };

    memset(g, 0, sizeof *g);
    assert_int_equal(judge_pairs(m.judge, &job, NULL), SOR_OK);
}

static void answers_are_llama_cpp_s(void **state)
{
    struct got g;

    (void)state;
    needs_model();
    read_pairs(NULL, &g);
    assert_int_equal(g.n, N_PASSAGE * N_STATEMENT);
    for (size_t i = 0; i < sizeof peer / sizeof *peer; i++) {
        const struct reading *r = &g.r[peer[i].passage][peer[i].statement];
        double sum = 0.0;

        for (int k = 0; k < RELATIONS; k++) {
            assert_true(r->logit[k] <= r->logit[peer[i].best]);
            sum += (double)r->p[k];
        }
        assert_true(fabs(sum - 1.0) < 1e-6);
    }
}

static void a_reading_is_the_same_alone_and_among_others(void **state)
{
    static struct got all, one;

    (void)state;
    needs_model();
    read_pairs(NULL, &all);
    for (int i = 0; i < N_PASSAGE; i++)
        for (int k = 0; k < N_STATEMENT; k++) {
            uint8_t want[N_PASSAGE * N_STATEMENT] = { 0 };
            const struct reading *a = &all.r[i][k], *b = &one.r[i][k];

            want[i * N_STATEMENT + k] = 1;
            read_pairs(want, &one);
            assert_int_equal(one.n, 1);
            assert_memory_equal(a->logit, b->logit, sizeof a->logit);
            assert_true(a->digest == b->digest);
            assert_int_equal(a->n_tok, b->n_tok);
            assert_true(b->n_prefix > 10);      /* kept from the first */
        }
    /* the same words are the same reading, and share all but nothing */
    assert_true(all.r[0][2].digest == all.r[0][3].digest);
    assert_true(all.r[0][0].n_prefix > 20);
}

static void the_tokens_of_a_reading_give_its_answer(void **state)
{
    struct got g;
    int32_t tok[JUDGE_TOKENS];
    struct reading_spans at;

    (void)state;
    needs_model();
    read_pairs(NULL, &g);
    for (int i = 0; i < N_PASSAGE; i++) {
        int n = judge_tokens(m.judge, &passages[i], statements[1], tok,
                             JUDGE_TOKENS, &at);

        assert_int_equal(n, g.r[i][1].n_tok);
        assert_int_equal(at.answer, n - 1);
        assert_int_equal(at.statement[1], n);
        assert_int_equal(at.statement[0], at.text[1]);
    }
    assert_true(judge_tokens(m.judge, &passages[0], NULL, tok, 2, NULL) > 2);
}

static int stop_at_once(void *ud, int64_t done, int64_t total)
{
    int *calls = ud;

    assert_true(done > 0 && done <= total);
    ++*calls;
    return 1;
}

static void a_reading_can_be_stopped(void **state)
{
    int calls = 0;
    struct got g = { .n = 0 };
    struct judge_watch watch = { stop_at_once, &calls };
    struct judge_job job = {
        .passage = passages, .n_passage = N_PASSAGE, .statement = statements,
        .n_statement = N_STATEMENT, .on_reading = keep, .ud = &g,
        .watch = &watch,
    };

    (void)state;
    needs_model();
    assert_int_equal(judge_pairs(m.judge, &job, NULL), SOR_INTERRUPTED);
    assert_int_equal(calls, 1);
}

/* --- types --------------------------------------------------------------- */

static void types_are_llama_cpp_s(void **state)
{
    static const struct { const char *text, *label; } item[] = {
        { "This Agreement shall be governed by the laws of the State of "
          "Delaware.", "Governing Law" },
        { "Licensor may terminate this Agreement for convenience upon thirty "
          "days notice.", "Termination For Convenience" },
        { "Neither party may assign this Agreement without the prior written "
          "consent of the other.", "Anti-Assignment" },
        { "In no event shall either party's liability exceed the fees paid in "
          "the preceding twelve months.", "Cap On Liability" },
        { "The weather was fine and the children played in the garden.",
          "None" },
    };
    enum { N = sizeof item / sizeof *item };
    struct passage_text text[N];
    int n_type;
    float *logp, *p, *alone;

    (void)state;
    needs_model();
    n_type = m.pack->n_type;
    logp = calloc((size_t)(N * n_type), sizeof *logp);
    p = calloc((size_t)(N * n_type), sizeof *p);
    alone = calloc((size_t)n_type, sizeof *alone);
    for (int i = 0; i < N; i++)
        text[i] = (struct passage_text){ "", item[i].text };
    assert_int_equal(judge_types(m.judge, text, N, NULL, logp, p, NULL),
                     SOR_OK);
    for (int i = 0; i < N; i++) {
        const float *at = p + i * n_type;
        double sum = 0.0;
        int best = 0;

        for (int t = 0; t < n_type; t++) {
            sum += (double)at[t];
            best = at[t] > at[best] ? t : best;
            assert_true(logp[i * n_type + t] <= 0.0f);
        }
        assert_true(fabs(sum - 1.0) < 1e-5);
        assert_string_equal(m.pack->type[best].label, item[i].label);
        assert_int_equal(judge_types(m.judge, &text[i], 1, NULL, alone, NULL,
                                     NULL), SOR_OK);
        assert_memory_equal(alone, logp + i * n_type,
                            (size_t)n_type * sizeof *alone);
    }
    free(logp);
    free(p);
    free(alone);
}

/* --- asking -------------------------------------------------------------- */

static void what_was_read_is_not_read_again(void **state)
{
    struct asks a = { .n = 0 };
    struct got g;
    const struct memo_entry *e;

    (void)state;
    needs_model();
    read_pairs(NULL, &g);
    for (int twice = 0; twice < 2; twice++)
        for (int k = 0; k < N_STATEMENT; k++) {
            asks_add(&a, &passages[2], statements[k]);
            asks_add(&a, &passages[0], statements[k]);
        }
    assert_null(asks_get(&a, &passages[2], statements[1]));
    assert_int_equal(asks_run(&a, m.judge, 0, NULL, NULL), SOR_OK);
    assert_int_equal(a.n, 0);
    assert_int_equal(a.memo.n, 2 * (N_STATEMENT - 1));
    e = asks_get(&a, &passages[2], statements[1]);
    assert_non_null(e);
    assert_memory_equal(e->logit, g.r[2][1].logit, sizeof e->logit);
    assert_null(asks_get(&a, &passages[1], statements[1]));
    asks_add(&a, &passages[0], statements[0]);
    assert_int_equal(a.n, 0);
    asks_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_is_collapsed_as_in_training),
        cmocka_unit_test(pieces_are_tokenised_one_by_one),
        cmocka_unit_test(what_is_long_is_cut_where_training_cut_it),
        cmocka_unit_test(a_context_is_what_is_read_of_it),
        cmocka_unit_test(what_is_kept_stays_while_it_is_used),
        cmocka_unit_test(strings_sort_by_their_tokens),
        cmocka_unit_test(answers_are_llama_cpp_s),
        cmocka_unit_test(a_reading_is_the_same_alone_and_among_others),
        cmocka_unit_test(the_tokens_of_a_reading_give_its_answer),
        cmocka_unit_test(a_reading_can_be_stopped),
        cmocka_unit_test(types_are_llama_cpp_s),
        cmocka_unit_test(what_was_read_is_not_read_again),
    };

    return cmocka_run_group_tests_name("judge", tests, setup, teardown);
}
