/* Recorded runs replay identical; whatever was changed since is found and
 * located: a byte of the database, a byte of the model, a recorded value whose
 * hash chain was recomputed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/db.h"
#include "engine/engine.h"
#include "engine/kern.h"
#include "probe/replay.h"
#include "tests/models.h"
#include "tests/prog.h"

static const char *model;               /* the small one */

/* The program records and this process replays: on one ISA, also where this
 * process has fewer of them (under valgrind). */
static void one_isa(void)
{
    setenv("SORITES_ISA", kern_pick(KERN_AVX512)->name, 1);
}

static int setup(void **state)
{
    model = models_small();
    if (!model || prog_setup(state) != 0)
        return -1;
    one_isa();
    return 0;
}

static void in_dir(char out[128], const char *leaf)
{
    snprintf(out, 128, "%s/%s", prog_dir, leaf);
}

/* --- identical ----------------------------------------------------------- */

static const char *const runs[] = {
    "",
    "-t 1 --max-tokens 1",
    "--trace tokens",
    "--trace heads --max-tokens 10",
    "--raw",
    "--system 'Be brief.'",
    "--temperature 1 --seed 1",
    "--temperature 0.3 --top-k 5 --seed 2",
    "--temperature 1.5 --top-p 0.5 --seed 3 -t 2",
    "--temperature 1 --min-p 0.1 --top-p 1 --seed 4",
    "-n 2",
    "-n 3 --seed 5 --trace tokens -t 1",
    "-n 3 --temperature 0",
    "-n 5 --seed 18446744073709551615",
    "-n 8 --trace heads --max-tokens 12",
    "-n 16 --seed 6",
    "-n 16 --seed 7 -t 1 --temperature 2 --top-p 1",
    "-n 16 --seed 8 --top-k 40 --max-tokens 60",
    "-n 2 --lossy --seed 9",
    "--trace steps -n 4 --seed 10",
    "--kv q8 -n 3 --seed 11",
    "--acts 8 -n 4 --seed 12",
};

static void record_and_verify(const char *path, const char *opts, int threads)
{
    assert_int_equal(prog_run("run -m '%s' --db r.db --max-tokens 32 %s "
                              "'How many pens are 3 and 5?'", path, opts), 0);
    if (prog_run("replay last --verify --db r.db -t %d", threads) != 0 ||
        strncmp(prog_out, "identical: ", 11) != 0)
        fail_msg("run %s\n%s%s", opts, prog_out, prog_err);
    /* what was compared, and that it was something */
    assert_null(strstr(prog_out, " 0 tokens"));
    assert_int_equal(strstr(prog_out, "same texts") != NULL,
                     strstr(opts, "--trace steps") != NULL);
}

static void runs_of_every_kind_replay_identical(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        record_and_verify(model, runs[i], 1 + (int)i % 3);
}

static void the_real_model_replays_identical(void **state)
{
    (void)state;
    if (!models_real()) {
        print_message("SORITES_TEST_MODEL is unset\n");
        skip();
    }
    record_and_verify(models_real(), "", 1);
    record_and_verify(models_real(), "-n 8 --seed 5 -t 1", 2);
    record_and_verify(models_real(), "-n 2 --trace heads --max-tokens 8", 2);
}

static void another_isa_is_tolerance_not_proof(void **state)
{
    (void)state;
    assert_int_equal(prog_run("run -m '%s' --db isa.db -n 2 --max-tokens 16 "
                              "hello", model), 0);
    setenv("SORITES_ISA", "ref", 1);
    int rc = prog_run("replay last --verify --db isa.db");
    one_isa();
    assert_int_equal(rc, 0);
    if (strncmp(prog_out, "identical", 9) == 0) {
        print_message("this CPU has the scalar kernels only\n");
        skip();
    }
    assert_non_null(strstr(prog_out, "replayed on ref: tolerance, not proof"));
    assert_non_null(strstr(prog_err, "layer digests were not compared"));
    assert_non_null(strstr(prog_err, "this is ref"));
    /* The place is named by the run's uid.  (It once was freed memory.) */
    const char *at = strstr(prog_out, "largest at ");
    assert_non_null(at);
    assert_int_equal(strspn(at + 11, "0123456789abcdef"), 8);
}

static void one_path_can_be_asked_for(void **state)
{
    (void)state;
    assert_int_equal(prog_run("run -m '%s' --db one.db -n 4 --max-tokens 9 "
                              "hello", model), 0);
    assert_int_equal(prog_run("replay last --verify --path 2 --db one.db"),
                     0);
    assert_non_null(strstr(prog_out, "identical: 1 path, "));
}

static void without_verify_the_run_is_shown_again(void **state)
{
    static char said[sizeof prog_out];

    (void)state;
    assert_int_equal(prog_run("run -m '%s' --db show.db -n 4 --max-tokens 9 "
                              "'why so?'", model), 0);
    strcpy(said, prog_out);
    assert_int_equal(prog_run("replay last --db show.db"), 0);
    assert_non_null(strstr(prog_out, "why so?"));
    assert_non_null(strstr(prog_out, said));
}

/* --- one flipped byte ---------------------------------------------------- */

/* The place of bytes[0..n) in a file. */
static size_t find_bytes(const unsigned char *in, size_t len,
                         const void *bytes, size_t n)
{
    for (size_t i = 0; i + n <= len; i++)
        if (memcmp(in + i, bytes, n) == 0)
            return i;
    fail_msg("the bytes are not in the file");
    return 0;
}

/* Position 3 of path 0 in the run whose name is `last`, while its file is
 * open. */
static void fetch_layers(const char *path, unsigned char *out, size_t *n)
{
    struct db_window w = { .from = 3, .limit = 1 };
    struct db *d;
    struct db_addr a;
    struct db_token t;

    assert_int_equal(db_open(path, &d, NULL), SOR_OK);
    assert_int_equal(db_find(d, "last:0", &a, NULL), SOR_OK);
    struct db_cur *c = db_tokens(d, a.path_id, w);
    assert_int_equal(db_token_next(c, &t), 1);
    assert_true(t.layers.n >= 16 && t.layers.n <= 4096);
    memcpy(out, t.layers.p, t.layers.n);
    *n = t.layers.n;
    assert_int_equal(db_cur_close(c), SOR_OK);
    db_close(d);
}

static void a_flipped_byte_in_the_database_is_located(void **state)
{
    unsigned char layers[4096], *bytes;
    char path[128], bad[128];
    size_t n, len, at;

    (void)state;
    in_dir(path, "flip.db");
    in_dir(bad, "bad.db");
    assert_int_equal(prog_run("run -m '%s' --db flip.db -n 2 --max-tokens 9 "
                              "'The original words.'", model), 0);
    bytes = prog_slurp(path, &len);
    assert_non_null(bytes);

    fetch_layers(path, layers, &n);
    at = find_bytes(bytes, len, layers, n) + n / 2;
    bytes[at] ^= 1;
    prog_spill(bad, bytes, len);
    assert_int_equal(prog_run("replay last --verify --db bad.db"), 1);
    prog_expect_sentence("token");
    assert_non_null(strstr(prog_err, "batch"));
    bytes[at] ^= 1;

    at = find_bytes(bytes, len, "The original words.", 19);
    bytes[at] = 'S';
    prog_spill(bad, bytes, len);
    assert_int_equal(prog_run("replay last --verify --db bad.db"), 1);
    prog_expect_sentence("text");
    bytes[at] = 'T';

    prog_spill(bad, bytes, len);
    assert_int_equal(prog_run("replay last --verify --db bad.db"), 0);
    free(bytes);
}

static void a_flipped_byte_in_the_model_is_located(void **state)
{
    unsigned char *bytes;
    char path[128];
    size_t len;

    (void)state;
    in_dir(path, "model.gguf");
    assert_int_equal(prog_run("run -m '%s' --db m.db --max-tokens 9 hello",
                              model), 0);
    bytes = prog_slurp(model, &len);
    assert_non_null(bytes);
    bytes[len - 40] ^= 0x10;            /* inside the last tensor */
    prog_spill(path, bytes, len);
    assert_int_equal(prog_run("replay last --verify --db m.db -m model.gguf"),
                     1);
    prog_expect_sentence("tensor");
    bytes[len - 40] ^= 0x10;
    prog_spill(path, bytes, len);
    assert_int_equal(prog_run("replay last --verify --db m.db -m model.gguf"),
                     0);
    free(bytes);
}

/* --- what no chain can tell -------------------------------------------------
 * Whoever can write the file can recompute the chain.  Then only the replay
 * itself tells: these tests change values and ask it alone. */

static void sql(const char *path, const char *statement)
{
    sqlite3 *s;
    char *why = NULL;

    assert_int_equal(sqlite3_open(path, &s), SQLITE_OK);
    if (sqlite3_exec(s, statement, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", statement, why);
    assert_int_equal(sqlite3_changes(s), 1);
    sqlite3_close(s);
}

static struct replay_report verify(const char *path)
{
    struct replay_opts o = { .path = -1 };
    struct replay_report report = { .same = 1 };
    struct sor_msg msg = { "" };
    struct engine *e;
    struct db *d;
    struct db_run run;
    int64_t id;

    assert_int_equal(db_open(path, &d, &msg), SOR_OK);
    assert_int_equal(db_find_run(d, "last", &id, &msg), SOR_OK);
    assert_int_equal(db_get_run(d, id, &run), 1);
    if (replay_engine(d, &run, model, 1, &e, &msg) != SOR_OK ||
        replay_verify(d, &run, e, &o, &report, &msg) != SOR_OK)
        fail_msg("%s", msg.text);
    engine_close(e);
    db_close(d);
    return report;
}

static void a_changed_value_is_the_first_difference(void **state)
{
    /* position = the prompt's length and 5 more; layer records are 14 bytes
     * and a mask of one, the digest at 12, behind a header of 12 */
    static const struct { const char *set, *what; int layer; } cases[] = {
        { "digest = digest + 1", "logits", -1 },
        { "token_id = token_id + 1", "choice", -1 },
        { "logprob = logprob - 0.5", "log-probability", -1 },
        { "layers = CAST(substr(layers, 1, 39) || char(7) || "
          "substr(layers, 41) AS BLOB)", "residual", 1 },
    };
    char path[128], work[128], statement[512];
    struct db *d;
    struct db_run run;
    int64_t id;

    (void)state;
    in_dir(path, "forged.db");
    in_dir(work, "work.db");
    assert_int_equal(prog_run("run -m '%s' --db forged.db -n 3 --seed 4 "
                              "--max-tokens 12 'one two'", model), 0);
    assert_int_equal(db_open(path, &d, NULL), SOR_OK);
    assert_int_equal(db_find_run(d, "last", &id, NULL), SOR_OK);
    assert_int_equal(db_get_run(d, id, &run), 1);
    int pos = run.n_prompt + 5;
    db_close(d);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        unsigned char *bytes = prog_slurp(path, &n);

        prog_spill(work, bytes, n);
        free(bytes);
        snprintf(statement, sizeof statement, "UPDATE token SET %s WHERE pos "
                 "= %d AND path_id = (SELECT id FROM path WHERE ordinal = 1)",
                 cases[i].set, pos);
        sql(work, statement);
        struct replay_report r = verify(work);
        if (r.same)
            fail_msg("not noticed: %s", cases[i].set);
        assert_int_equal(r.diff.path, 1);
        assert_int_equal(r.diff.pos, pos);
        assert_string_equal(r.diff.what, cases[i].what);
        assert_int_equal(r.diff.layer, cases[i].layer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_of_every_kind_replay_identical),
        cmocka_unit_test(the_real_model_replays_identical),
        cmocka_unit_test(another_isa_is_tolerance_not_proof),
        cmocka_unit_test(one_path_can_be_asked_for),
        cmocka_unit_test(without_verify_the_run_is_shown_again),
        cmocka_unit_test(a_flipped_byte_in_the_database_is_located),
        cmocka_unit_test(a_flipped_byte_in_the_model_is_located),
        cmocka_unit_test(a_changed_value_is_the_first_difference),
    };

    return cmocka_run_group_tests_name("replay", tests, setup, prog_teardown);
}
