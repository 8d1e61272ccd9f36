/* Prompts through OpenBLAS: nearly our numbers, the same bits for any cutting,
 * mates and threads, refused where it must be, and replayed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/blas.h"
#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/hparams.h"
#include "tests/mkmodel.h"
#include "tests/prog.h"
#include "tests/slow.h"

enum { CTX = 256, PROMPT = 200, TOKENS = 210 };

static char path[64];
static int32_t text[CTX];
static size_t n_vocab;

/* A model with odd shapes: its matrices end inside a panel (and its rows are
 * no whole blocks, so that only floats can be in them). */
static struct engine *open_model(int type, int n_thread, int n_blas)
{
    struct mkmodel_opts o = { .type = type,
                              .n_head = type == GGUF_Q8_0 ? 4 : 5,
                              .n_head_kv = 1, .n_ff = 416 };
    struct engine_opts eo = { .n_thread = n_thread, .n_ctx = CTX };
    struct engine *e = NULL;
    struct sor_msg msg;

    assert_int_equal(mkmodel_path(path), 0);
    if (mkmodel(path, &o, &msg) || engine_open(path, &eo, &e, &msg))
        fail_msg("%s", msg.text);
    unlink(path);
    if (n_blas && engine_blas(e, n_blas, &msg)) {
        engine_close(e);
        print_message("%s\n", msg.text);
        return NULL;
    }
    n_vocab = engine_hparams(e)->n_vocab;
    for (int i = 0; i < CTX; i++)
        text[i] = 3 + i * 7 % 200;
    return e;
}

static void feed(struct engine *e, struct session *s, int n, float *logits)
{
    int at = session_len(s);
    struct engine_feed f = { .session = s, .tok = text + at, .n_tok = n,
                             .n_logits = n,
                             .logits = logits + (size_t)at * n_vocab };
    struct sor_msg msg;

    if (engine_step(e, &f, 1, &msg))
        fail_msg("%s", msg.text);
}

/* All logits of the text, read `chunk` tokens at a time. */
static float *read_all(struct engine *e, int chunk)
{
    float *logits = calloc(TOKENS * n_vocab, sizeof *logits);
    struct session *s = NULL;

    assert_non_null(logits);
    assert_int_equal(session_open(e, 1, 0, &s, NULL), 0);
    for (int at = 0; at < TOKENS; at += chunk)
        feed(e, s, at + chunk < TOKENS ? chunk : TOKENS - at, logits);
    session_close(s);
    return logits;
}

static void expect_near(const float *a, const float *b)
{
    double worst = 0, most = 0;

    for (size_t i = 0; i < TOKENS * n_vocab; i++) {
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        most = fmax(most, fabs((double)b[i]));
    }
    /* float sums of some hundred terms in another order, four layers deep */
    assert_true(worst < 2e-4 * most);
}

static void it_computes_what_our_kernels_do(void **state)
{
    static const int type[] = { GGUF_F16, GGUF_F32, GGUF_BF16 };
    size_t n_type = slow() ? 1 : sizeof type / sizeof *type;

    (void)state;
    for (size_t i = 0; i < n_type; i++) {
        struct engine *e = open_model(type[i], 2, 0);
        float *ours = read_all(e, TOKENS), *theirs, *again;
        struct sor_msg msg;

        if (engine_blas(e, PROMPT, &msg)) {
            print_message("%s\n", msg.text);
            skip();
        }
        assert_non_null(strstr(engine_info(e)->isa, "+OpenBLAS"));
        theirs = read_all(e, TOKENS);
        expect_near(theirs, ours);
        assert_int_equal(engine_blas(e, 0, NULL), 0);
        assert_null(strstr(engine_info(e)->isa, "OpenBLAS"));
        again = read_all(e, TOKENS);
        assert_memory_equal(again, ours, TOKENS * n_vocab * sizeof *ours);
        engine_close(e);
        free(ours);
        free(theirs);
        free(again);
    }
}

static void no_bit_depends_on_cutting_or_threads(void **state)
{
    static const int chunk[] = { TOKENS, 100, 64, 33, 7, 1 };
    /* each cut is padded to a tile: a token at a time costs 60 times as much */
    size_t n_chunk = slow() ? 2 : sizeof chunk / sizeof *chunk;
    struct engine *e = open_model(GGUF_F16, 2, PROMPT);
    float *want;

    (void)state;
    if (!e)
        skip();
    want = read_all(e, 50);
    for (size_t i = 0; i < n_chunk; i++) {
        struct engine *other = open_model(GGUF_F16, 1 + (int)i % 3, PROMPT);
        float *got = read_all(other, chunk[i]);

        assert_memory_equal(got, want, TOKENS * n_vocab * sizeof *want);
        free(got);
        engine_close(other);
    }
    free(want);
    engine_close(e);
}

/* Four timelines in one step, each at another place. */
static void no_bit_depends_on_mates(void **state)
{
    static const int at[] = { 0, 10, 64, 130 };
    struct engine *e = open_model(GGUF_F16, 2, PROMPT);
    struct engine_feed f[4];
    struct session *s[4];
    float *want, *got;

    (void)state;
    if (!e)
        skip();
    want = read_all(e, TOKENS);
    got = calloc(4 * TOKENS * n_vocab, sizeof *got);
    assert_non_null(got);
    for (size_t i = 0; i < 4; i++) {
        float *mine = got + i * TOKENS * n_vocab;

        assert_int_equal(session_open(e, i + 1, 0, &s[i], NULL), 0);
        if (at[i])
            feed(e, s[i], at[i], mine);
        f[i] = (struct engine_feed){ .session = s[i], .tok = text + at[i],
                                     .n_tok = TOKENS - at[i],
                                     .n_logits = TOKENS - at[i],
                                     .logits = mine + (size_t)at[i] * n_vocab };
    }
    assert_int_equal(engine_step(e, f, 4, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_memory_equal(got + i * TOKENS * n_vocab, want,
                            TOKENS * n_vocab * sizeof *want);
        session_close(s[i]);
    }
    free(got);
    free(want);
    engine_close(e);
}

static void integers_are_refused(void **state)
{
    struct engine *e = open_model(GGUF_Q8_0, 1, 0);
    struct sor_msg msg;

    (void)state;
    assert_int_equal(engine_blas(e, 10, &msg), SOR_UNSUP);
    assert_non_null(strstr(msg.text, "F32, F16 or BF16"));
    assert_int_equal(engine_blas(e, 0, &msg), SOR_OK);
    engine_close(e);
}

/* --- the self-check finds a wrong library -------------------------------- */

static double error_at, error_by, leak;

static void plain(int k, const float *a, const float *b, float *c)
{
    double seen = 0;

    for (int i = 0; i < BLAS_ROWS * k; i++)
        seen += (double)a[i] * (double)a[i];
    for (int r = 0; r < BLAS_ROWS; r++)
        for (int col = 0; col < BLAS_COLUMNS; col++) {
            double sum = 0;

            for (int i = 0; i < k; i++)
                sum += (double)a[r * k + i] *
                       (double)b[i * BLAS_COLUMNS + col];
            if (r == 40 && col == error_at)
                sum *= 1 + error_by;
            c[r * BLAS_COLUMNS + col] = (float)(sum + leak * seen);
        }
}

static void a_wrong_library_is_found(void **state)
{
    struct sor_msg msg;

    (void)state;
    error_at = 191;
    assert_int_equal(blas_check(plain, &msg), SOR_OK);
    error_by = 0.01;
    assert_int_equal(blas_check(plain, &msg), SOR_UNSUP);
    assert_non_null(strstr(msg.text, "40, 191"));
    error_by = 0;
    leak = 1e-9;                /* within the error, but of the other rows */
    assert_int_equal(blas_check(plain, &msg), SOR_UNSUP);
    assert_non_null(strstr(msg.text, "depend on the others"));
}

/* --- a run, and its replay ----------------------------------------------- */

static void a_run_says_so_and_is_replayed(void **state)
{
    struct mkmodel_opts f16 = { .type = GGUF_F16 }, q8 = { .type = GGUF_Q8_0 };
    char float_model[300], model[300];
    struct sor_msg msg;
    int rc;

    (void)state;
    snprintf(float_model, sizeof float_model, "%s/f16.gguf", prog_dir);
    snprintf(model, sizeof model, "%s/q8.gguf", prog_dir);
    assert_int_equal(mkmodel(float_model, &f16, &msg), SOR_OK);
    assert_int_equal(mkmodel(model, &q8, &msg), SOR_OK);
    assert_int_equal(prog_run("run --blas -m '%s' --db '%s/t.db' hello",
                              model, prog_dir), 3);
    prog_expect_sentence("F32, F16 or BF16");
    rc = prog_run("run --blas -n 3 --max-tokens 9 -m '%s' --db '%s/t.db' "
                  "'What is it that the self-check compares?'", float_model,
                  prog_dir);
    if (rc == 3 && strstr(prog_err, "OpenBLAS cannot be loaded"))
        skip();
    assert_int_equal(rc, 0);
    assert_int_equal(prog_run("sql '%s/t.db' \"SELECT isa LIKE "
                              "'%%+OpenBLAS%%' AND params LIKE "
                              "'{\\\"blas\\\":%%' FROM run\"", prog_dir), 0);
    assert_non_null(strchr(prog_out, '1'));
    assert_int_equal(prog_run("replay last -t 3 --verify --db '%s/t.db' "
                              "-m '%s'", prog_dir, float_model), 0);
    assert_int_equal(strncmp(prog_out, "identical", 9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_computes_what_our_kernels_do),
        cmocka_unit_test(no_bit_depends_on_cutting_or_threads),
        cmocka_unit_test(no_bit_depends_on_mates),
        cmocka_unit_test(integers_are_refused),
        cmocka_unit_test(a_wrong_library_is_found),
        cmocka_unit_test(a_run_says_so_and_is_replayed),
    };

    return cmocka_run_group_tests_name("blas", tests, prog_setup,
                                       prog_teardown);
}
