#define _XOPEN_SOURCE 700       /* realpath() in glibc */
/* Fifty recorded runs of the real model replay bit-identical: greedy, sampled,
 * sixteen paths, forks (and forks of forks), with an adapter.  Short runs; each
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
#include <unistd.h>

#include "tests/models.h"
#include "tests/prog.h"

enum { EACH = 10 };

static const char *const prompts[EACH] = {
    "What is 17 + 25?",
    "Name three colours and say which of them is the warmest.",
    "Why is the sky blue?",
    "The lessee shall pay the rent on the first day of each month.",
    "Tom has 3 red pens and 5 blue ones. How many pens has he?",
    "Say the alphabet backwards.",
    "Either party may terminate this agreement with 30 days notice.",
    "Is a whale a fish? Answer yes or no and say why.",
    "List the months that have 30 days.",
    "Translate 'good morning' into French.",
};

/* What a fork changes at its first own position. */
static const char *const changes[EACH] = {
    "",
    "--temperature 0",
    "--temperature 1.2 --seed 5",
    "--text ' So the answer is'",
    "--token ' not'",
    "--head-mask 3.1,17.8",
    "--layer-mask 12",
    "--layer-mask 4 --temperature 0.7 --seed 9",
    "--text 'However, '",
    "--token ' is' --head-mask 0.0",
};

static int n_same, n_token;

/* The run recorded last computes the same again. */
static void verify(const char *what, int i)
{
    const char *tokens;

    if (prog_run("replay last --verify --json --db many.db -t %d",
                 2 - i % 2) != 0 ||
        !strstr(prog_out, "\"result\":\"identical\""))
        fail_msg("%s %d: %s%s", what, i, prog_out, prog_err);
    tokens = strstr(prog_out, "\"tokens\":");
    n_token += tokens ? atoi(tokens + 9) : 0;
    n_same++;
}

static void record(const char *what, const char *opts, int i)
{
    if (prog_run("run -q -m '%s' --db many.db -t %d %s --seed %d \"%s\"",
                 models_real(), 1 + i % 2, opts, i, prompts[i]) != 0)
        fail_msg("%s %d: %s", what, i, prog_err);
    verify(what, i);
}

static void need_the_model(void)
{
    if (models_real())
        return;
    print_message("SORITES_TEST_MODEL is unset\n");
    skip();
}

static void greedy(void **state)
{
    (void)state;
    need_the_model();
    for (int i = 0; i < EACH; i++)
        record("greedy", "--max-tokens 16", i);
}

static void sampled(void **state)
{
    static const char *const how[] = {
        "--max-tokens 16 --temperature 0.8",
        "--max-tokens 16 --temperature 1.5 --top-p 0.9",
        "--max-tokens 16 --temperature 1 --top-k 12 --trace heads",
    };

    (void)state;
    need_the_model();
    for (int i = 0; i < EACH; i++)
        record("sampled", how[i % 3], i);
}

static void sixteen_paths(void **state)
{
    (void)state;
    need_the_model();
    for (int i = 0; i < EACH; i++)
        record("16 paths", "-n 16 --max-tokens 6", i);
}

/* A position among the last that the last run wrote. */
static int inside_last(int i)
{
    char path[128];
    sqlite3 *s;
    sqlite3_stmt *st;

    snprintf(path, sizeof path, "%s/many.db", prog_dir);
    assert_int_equal(sqlite3_open(path, &s), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(s, "SELECT max(pos) FROM v_token WHERE "
                     "path_id = (SELECT max(id) FROM path)", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int pos = sqlite3_column_int(st, 0) - i % 3;
    sqlite3_finalize(st);
    sqlite3_close(s);
    return pos;
}

/* Each forks the run before it: the first an ordinary one, the rest forks. */
static void forked(void **state)
{
    (void)state;
    need_the_model();
    assert_int_equal(prog_run("run -q -m '%s' --db many.db --max-tokens 16 "
                              "-n 2 'Why do cats purr?'", models_real()), 0);
    for (int i = 0; i < EACH; i++) {
        if (prog_run("fork -q --db many.db --max-tokens 12 %s last:0@%d",
                     changes[i], inside_last(i)) != 0)
            fail_msg("fork %s: %s", changes[i], prog_err);
        verify("fork", i);
    }
}

static void with_an_adapter(void **state)
{
    static const char *const how[] = { "--max-tokens 8", "--max-tokens 6 -n 3",
                                       "--max-tokens 4 -n 16" };
    char opts[600], *file;

    (void)state;
    need_the_model();
    file = realpath("domains/legal/legal-lora-q8_0.gguf", NULL);
    assert_non_null(file);              /* the program runs elsewhere */
    for (int i = 0; i < EACH; i++) {
        snprintf(opts, sizeof opts, "--lora '%s:%s' %s", file,
                 i % 2 ? "0.5" : "1", how[i % 3]);
        record("adapter", opts, i);
    }
    free(file);
}

static void all_were_compared(void **state)
{
    (void)state;
    need_the_model();
    print_message("%d runs, %d tokens: bit-identical\n", n_same, n_token);
    assert_true(n_same >= 4 * EACH && n_token > n_same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy),
        cmocka_unit_test(sampled),
        cmocka_unit_test(sixteen_paths),
        cmocka_unit_test(forked),
        cmocka_unit_test(with_an_adapter),
        cmocka_unit_test(all_were_compared),
    };

    return cmocka_run_group_tests_name("replay_many", tests, prog_setup,
                                       prog_teardown);
}
