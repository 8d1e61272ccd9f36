/* Fifty routed runs of the real model replay bit-identical: each mode, modes by
 * score, tokens that the guard escalated, sixteen paths, forks of routed runs.
 * The policy is a narrow one, so that short prompts leave blocks out; each run
 * is recorded and replayed on another number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/models.h"
#include "tests/prog.h"
#include "tests/replays.h"

enum { GROUPS = 90 };               /* of SmolLM2-135M: 30 layers of 3 */

/* Comes before each prompt. */
static const char context[] =
    "The supplier delivers the goods to the buyer within thirty days of the "
    "order. The buyer pays within ten days of the invoice; interest of four "
    "per cent a year is due on what is late. Neither party is liable for "
    "what it could not foresee. ";

static int ask(const char *query)
{
    return replays_ask("routed.db", query);
}

static void model_hash(char hex[65])
{
    char path[128];
    sqlite3 *s;
    sqlite3_stmt *st;

    snprintf(path, sizeof path, "%s/routed.db", prog_dir);
    assert_int_equal(sqlite3_open(path, &s), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(s, "SELECT lower(hex(sha256)) FROM "
                                        "model", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    snprintf(hex, 65, "%s", (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    sqlite3_close(s);
}

/* Thresholds in the midst of what the prompts score, a guard that some tokens
 * do not pass. */
static void write_policy(void **state)
{
    char path[128], hex[65];
    FILE *f;

    (void)state;
    replays_need_the_model();
    assert_int_equal(prog_run("run -q -m '%s' --db routed.db --max-tokens 1 "
                              "hello", models_real()), 0);
    model_hash(hex);
    snprintf(path, sizeof path, "%s/narrow.json", prog_dir);
    assert_non_null(f = fopen(path, "w"));
    fprintf(f, "{\"model\":\"%s\",\"route\":{\"format\":1,\"choice\":\"auto\","
            "\"low\":0.72,\"high\":0.76,\"first\":1,\"last\":2,"
            "\"sparse\":{\"dense\":20,\"cap\":2,\"best\":1},"
            "\"hybrid\":{\"dense\":45,\"cap\":3,\"best\":1},"
            "\"weights\":{\"entropy\":1,\"trend\":0.2,\"novelty\":1,"
            "\"structure\":0.5,\"escalated\":0.5},\"unsure_entropy\":3,"
            "\"unsure_margin\":0.2,\"layers\":30,\"groups\":3,\"rank\":[",
            hex);
    for (int i = 0; i < GROUPS; i++)
        fprintf(f, "%s%d", i ? "," : "", (i * 7 + 3) % GROUPS);
    fputs("]}}\n", f);
    assert_int_equal(fclose(f), 0);
}

static void record(const char *what, const char *opts, int i)
{
    replays_need_the_model();
    if (prog_run("run -q -m '%s' --db routed.db --route-file narrow.json "
                 "-t %d %s --seed %d \"%s%s\"", models_real(), 1 + i % 2,
                 opts, i, context, replays_prompt[i]) != 0)
        fail_msg("%s %d: %s", what, i, prog_err);
    replays_verify("routed.db", what, i);
}

static void by_score(void **state)
{
    (void)state;
    for (int i = 0; i < REPLAYS; i++)
        record("auto", "--route auto --max-tokens 24", i);
}

static void sparse_and_sampled(void **state)
{
    (void)state;
    for (int i = 0; i < REPLAYS; i++)
        record("sparse", i % 2 ? "--route sparse --max-tokens 16 "
                                 "--temperature 0.9 --kv q8"
                               : "--route sparse --max-tokens 16 "
                                 "--temperature 0.9", i);
}

static void sixteen_paths(void **state)
{
    (void)state;
    for (int i = 0; i < REPLAYS; i++)
        record("16 paths", i % 2 ? "--route hybrid -n 16 --max-tokens 6"
                                 : "--route auto -n 16 --max-tokens 6", i);
}

static void with_guesses(void **state)
{
    (void)state;
    for (int i = 0; i < REPLAYS; i++)
        record("guesses", i % 2 ? "--route auto --max-tokens 24 --draft lookup"
                                : "--route auto --max-tokens 24 --draft self",
               i);
}

/* Each forks the run before it, at a position among its last. */
static void forks(void **state)
{
    (void)state;
    replays_need_the_model();
    record("to be forked", "--route auto --max-tokens 16", 2);
    for (int i = 0; i < REPLAYS; i++) {
        int pos = ask("SELECT max(pos) FROM v_token WHERE path_id = "
                           "(SELECT max(id) FROM path)") - i % 3;

        if (prog_run("fork -q --db routed.db --max-tokens 12 %s last:0@%d",
                     i % 2 ? "--text ' However,'" : "--temperature 0.8",
                     pos) != 0)
            fail_msg("fork %d: %s", i, prog_err);
        replays_verify("routed.db", "fork", i);
    }
}

static void all_kinds_were_there(void **state)
{
    (void)state;
    replays_need_the_model();
    print_message("%d routed runs: bit-identical; %d tokens escalated\n",
                  replays_run, ask("SELECT count(*) FROM route WHERE "
                                         "reason = 'guard'"));
    assert_true(replays_run >= 5 * REPLAYS);
    assert_true(ask("SELECT count(*) FROM route WHERE reason = 'guard'") > 9);
    assert_int_equal(ask("SELECT count(DISTINCT mode) FROM route WHERE "
                         "reason = 'score'"), 3);
    assert_true(ask("SELECT count(*) FROM token WHERE mode = 0") > 100);
    assert_true(ask("SELECT count(*) FROM run WHERE kind = 'fork' AND route = "
                    "'auto'") == REPLAYS);
}

/* What is wrong with a file is said once, and nothing runs. */
static void bad_files_are_refused(void **state)
{
    static const struct { const char *edit, *says; } bad[] = {
        { "s/\"model\":\"./\"model\":\"z/", "made for the model" },
        { "s/\"high\":0.76/\"high\":0.1/", "high" },
        { "s/\"rank\":\\[3/\"rank\":[4/", "rank" },
        { "s/\"low\":0.72/\"low\":nan/", "narrow" },
        { "s/\"route\"/\"rout\"/", "calibrate" },
    };
    char command[512];

    (void)state;
    replays_need_the_model();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(command, sizeof command,
                 "sed '%s' '%s/narrow.json' > '%s/narrow-bad.json'",
                 bad[i].edit, prog_dir, prog_dir);
        assert_int_equal(system(command), 0);
        assert_true(prog_run("run -q -m '%s' --db routed.db --route auto "
                             "--route-file narrow-bad.json hello",
                             models_real()) != 0);
        if (!strstr(prog_err, bad[i].says))
            fail_msg("%s: %s", bad[i].edit, prog_err);
    }
}

/* The object that says what routing did; in full nothing is saved. */
static void score_tells_the_work(void **state)
{
    static const char line[] = "{\"id\":1,\"text\":\"";
    struct { const char *route; int saves; } how[] = { { "sparse", 1 },
                                                       { "full", 0 } };
    char path[128];
    FILE *f;

    (void)state;
    replays_need_the_model();
    snprintf(path, sizeof path, "%s/text.jsonl", prog_dir);
    assert_non_null(f = fopen(path, "w"));
    fprintf(f, "%s%s%s\"}\n", line, context, context);
    assert_int_equal(fclose(f), 0);
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        const char *did, *full;

        assert_int_equal(prog_run("score -q -m '%s' --top 0 --route %s "
                                  "--route-file narrow.json text.jsonl",
                                  models_real(), how[i].route), 0);
        did = strstr(prog_out, "\"attention_macs\":");
        full = strstr(prog_out, "\"attention_macs_full\":");
        assert_non_null(did);
        assert_non_null(full);
        assert_int_equal(atof(did + 17) < atof(full + 22), how[i].saves);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_policy),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(score_tells_the_work),
        cmocka_unit_test(by_score),
        cmocka_unit_test(sparse_and_sampled),
        cmocka_unit_test(sixteen_paths),
        cmocka_unit_test(with_guesses),
        cmocka_unit_test(forks),
        cmocka_unit_test(all_kinds_were_there),
    };

    return cmocka_run_group_tests_name("replay_routed", tests, prog_setup,
                                       prog_teardown);
}
