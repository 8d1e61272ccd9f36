/* `sorites run --draft` as a script meets it: a drafting run that is cut off
 * or forked is a record like any other, and misuse is one sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/models.h"
#include "tests/prog.h"

static const char *model;               /* the small one */

/* Greedy, it soon says the same again, and looking up finds that. */
static const char prompt[] = "one two three one two three one two three one";

static int setup(void **state)
{
    model = models_small();
    return model ? prog_setup(state) : -1;
}

/* The one number that a query answers with; -1: none, or no database yet. */
static int ask(const char *db, const char *query)
{
    if (prog_run("sql --csv %s \"%s\"", db, query) != 0)
        return -1;
    const char *second = strchr(prog_out, '\n');
    return second && second[1] ? atoi(second + 1) : -1;
}

/* The last run of the database computes the same again. */
static void verify(const char *db, const char *what)
{
    if (prog_run("replay last --verify --json --db %s -t 1", db) != 0 ||
        !strstr(prog_out, "\"result\":\"identical\""))
        fail_msg("%s: %s%s", what, prog_out, prog_err);
}

/* Stopped in the midst of guessing, the run says so, opens and replays; what
 * was guessed and not kept is on no path. */
static void ctrl_c_keeps_what_was_written(void **state)
{
    struct timespec nap = { 0, 50000000 };
    pid_t pid = prog_start("run -m '%s' --db stop.db --draft lookup "
                           "--max-tokens 1000000 --ctx 100000 '%s'", model,
                           prompt);
    int n = 0;

    (void)state;
    for (int i = 0; i < 1200 && n < 64; i++) {  /* some of it is on record */
        nanosleep(&nap, NULL);
        n = ask("stop.db", "SELECT count(*) FROM token");
    }
    kill(pid, SIGINT);
    assert_int_equal(prog_wait(pid), 130);
    assert_true(n >= 64);
    assert_int_equal(ask("stop.db", "SELECT count(*) FROM v_run WHERE "
                         "status = 'interrupted'"), 1);
    assert_int_equal(prog_run("runs stop.db"), 0);
    assert_non_null(strstr(prog_out, "interrupted"));
    assert_true(ask("stop.db", "SELECT sum(n_kept) FROM v_draft") > 0);
    assert_int_equal(ask("stop.db", "SELECT count(*) = max(pos) + 1 AND "
                         "count(*) = count(DISTINCT pos) FROM token"), 1);
    assert_int_equal(prog_run("verify --chain stop.db"), 0);
    verify("stop.db", "cut off");
}

/* A fork grows from tokens that were guessed as from any others, whatever it
 * changes; and so does a fork of that fork. */
static void forks_of_guessed_runs_replay(void **state)
{
    static const char *const source[] = { "lookup", "self --draft-layers 2" };
    static const char *const change[] = {
        "--temperature 1.1", "--text ' and so'", "--layer-mask 1",
    };

    (void)state;
    for (size_t s = 0; s < sizeof source / sizeof *source; s++) {
        assert_int_equal(prog_run("run -q -m '%s' --db fork.db --draft %s "
                                  "--max-tokens 64 '%s'", model, source[s],
                                  prompt), 0);
        verify("fork.db", source[s]);
        assert_true(ask("fork.db", "SELECT sum(n_draft) FROM v_draft WHERE "
                        "run_id = (SELECT max(id) FROM run)") > 0);
        for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
            int pos = ask("fork.db", "SELECT max(pos) FROM v_token WHERE "
                          "path_id = (SELECT max(id) FROM path)");

            if (prog_run("fork -q --db fork.db --max-tokens 16 %s last:0@%d",
                         change[i], pos - 3 * (int)i) != 0)
                fail_msg("%s: %s", change[i], prog_err);
            verify("fork.db", change[i]);
        }
    }
    assert_int_equal(ask("fork.db", "SELECT count(*) FROM run WHERE "
                         "kind = 'fork'"), 6);
}

/* Layers that guess nothing are not passed over in silence. */
static void misuse_is_one_sentence(void **state)
{
    static const struct { const char *opts, *says; } list[] = {
        { "--draft-layers 2", "--draft self" },
        { "--draft lookup --draft-layers 2", "--draft self" },
        { "--draft self --draft-layers 4", "the model has 4" },
        { "--draft self --draft-layers 99", "the model has 4" },
        { "--draft self --draft-layers 0", "--draft-layers" },
        { "--draft lookup --exit 0.9", "give one of them" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        assert_int_equal(prog_run("run -m '%s' --db no.db %s hello", model,
                                  list[i].opts), 2);
        if (!strstr(prog_err, list[i].says))
            fail_msg("%s: %s", list[i].opts, prog_err);
        assert_string_equal(prog_out, "");
    }
    assert_int_equal(ask("no.db", "SELECT count(*) FROM run"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ctrl_c_keeps_what_was_written),
        cmocka_unit_test(forks_of_guessed_runs_replay),
        cmocka_unit_test(misuse_is_one_sentence),
    };

    return cmocka_run_group_tests_name("cli_ahead", tests, setup,
                                       prog_teardown);
}
