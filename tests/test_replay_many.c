#define _XOPEN_SOURCE 700       /* realpath() in glibc */
/* Fifty recorded runs of the real model replay bit-identical: greedy, sampled,
 * sixteen paths, forks (and forks of forks), with an adapter.  Short runs; each
 * is recorded and replayed on another number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/models.h"
#include "tests/prog.h"
#include "tests/replays.h"

/* What a fork changes at its first own position. */
static const char *const changes[REPLAYS] = {
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

static void record(const char *what, const char *opts, int i)
{
    if (prog_run("run -q -m '%s' --db many.db -t %d %s --seed %d \"%s\"",
                 models_real(), 1 + i % 2, opts, i, replays_prompt[i]) != 0)
        fail_msg("%s %d: %s", what, i, prog_err);
    replays_verify("many.db", what, i);
}

static void greedy(void **state)
{
    (void)state;
    replays_need_the_model();
    for (int i = 0; i < REPLAYS; i++)
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
    replays_need_the_model();
    for (int i = 0; i < REPLAYS; i++)
        record("sampled", how[i % 3], i);
}

static void sixteen_paths(void **state)
{
    (void)state;
    replays_need_the_model();
    for (int i = 0; i < REPLAYS; i++)
        record("16 paths", "-n 16 --max-tokens 6", i);
}

/* A position among the last that the last run wrote. */
static int inside_last(int i)
{
    return replays_ask("many.db", "SELECT max(pos) FROM v_token WHERE path_id "
                       "= (SELECT max(id) FROM path)") - i % 3;
}

/* Each forks the run before it: the first an ordinary one, the rest forks. */
static void forked(void **state)
{
    (void)state;
    replays_need_the_model();
    assert_int_equal(prog_run("run -q -m '%s' --db many.db --max-tokens 16 "
                              "-n 2 'Why do cats purr?'", models_real()), 0);
    for (int i = 0; i < REPLAYS; i++) {
        if (prog_run("fork -q --db many.db --max-tokens 12 %s last:0@%d",
                     changes[i], inside_last(i)) != 0)
            fail_msg("fork %s: %s", changes[i], prog_err);
        replays_verify("many.db", "fork", i);
    }
}

static void with_an_adapter(void **state)
{
    static const char *const how[] = { "--max-tokens 8", "--max-tokens 6 -n 3",
                                       "--max-tokens 4 -n 16" };
    char opts[600], *file;

    (void)state;
    replays_need_the_model();
    file = realpath("domains/legal/legal-lora-q8_0.gguf", NULL);
    assert_non_null(file);              /* the program runs elsewhere */
    for (int i = 0; i < REPLAYS; i++) {
        snprintf(opts, sizeof opts, "--lora '%s:%s' %s", file,
                 i % 2 ? "0.5" : "1", how[i % 3]);
        record("adapter", opts, i);
    }
    free(file);
}

static void all_were_compared(void **state)
{
    (void)state;
    replays_need_the_model();
    print_message("%d runs, %d tokens: bit-identical\n", replays_run,
                  replays_token);
    assert_true(replays_run >= 4 * REPLAYS && replays_token > replays_run);
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
