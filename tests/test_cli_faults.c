/* The program as a whole where the machine lets it down: no memory, no room, a
 * reader who leaves, a standard stream that is closed, a signal at any moment.
 * It ends with a result or a sentence, never by a crash, and the database that
 * it leaves is sound.
 *
 * SORITES_HARD: every allocation, and many more moments. */
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
#include <unistd.h>

#include "tests/mkdb.h"
#include "tests/models.h"
#include "tests/prog.h"
#include "tests/slow.h"

static const char *model;

static void in_dir(char path[128], const char *leaf)
{
    snprintf(path, 128, "%s/%s", prog_dir, leaf);
}

static int setup(void **state)
{
    static const char rows[] = "{\"question\":\"Q\",\"completion\":\"7.\"}\n";
    static const char keys[] = "j Enter Enter j l ? q q";
    struct mkdb_opts o = { .n_run = 2, .n_path = 3 };
    char path[128];

    model = models_small();
    if (!model || prog_setup(state) != 0)
        return -1;
    in_dir(path, "rows.jsonl");
    prog_spill(path, rows, sizeof rows - 1);
    in_dir(path, "keys");
    prog_spill(path, keys, sizeof keys - 1);
    in_dir(path, "t.db");
    setenv("SORITES_MODEL", model, 1);
    return mkdb(path, &o, NULL) == SOR_OK ? 0 : -1;
}

static int hard(void)
{
    return getenv("SORITES_HARD") != NULL;
}

static void is_sound(const char *db)
{
    int rc = prog_run("verify --chain %s", db);
    char path[128];

    in_dir(path, db);
    if (rc != 0 && access(path, F_OK) == 0 && !strstr(prog_err, "empty"))
        fail_msg("%s: exit %d: %s%s", db, rc, prog_out, prog_err);
}

static int is_crash(int rc)
{
    return rc > 128 && rc != 130;
}

/* --- memory -------------------------------------------------------------- */

static const char *const commands[] = {
    "run --db m.db --max-tokens 6 -n 2 --seed 1 -t 1 go",
    "import --db m.db rows.jsonl",
    "export --db t.db -a",
    "graph --db t.db last",
    "runs --db t.db",
    "sql --json --db t.db 'SELECT * FROM v_step'",
    "browse t.db --keys keys --dump -",
    "inspect --json",
    "tokenize -",
};

/* A command whose nth allocation fails; until fifty in a row make no
 * difference, which is past its last. */
static void starve(const char *command, int step)
{
    int n = 1, n_failed = 0, good = 0;
    char number[16];

    for (; good < 50; n += step) {
        snprintf(number, sizeof number, "%d", n);
        setenv("SORITES_FAIL_ALLOC", number, 1);
        int rc = prog_run("%s </dev/null", command);
        unsetenv("SORITES_FAIL_ALLOC");
        if (rc != 0 && (rc != 3 || !prog_err[0]))
            fail_msg("%s, allocation %d: exit %d, \"%s\"", command, n, rc,
                     prog_err);
        n_failed += rc != 0;
        good = rc ? 0 : good + 1;
    }
    print_message("%-50.50s %d failed of %d\n", command, n_failed,
                  n / step - 50);
    assert_true(n_failed > 0);
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        starve(commands[i], hard() ? 1 : 23);
    is_sound("m.db");
    is_sound("t.db");
}

/* --- streams ------------------------------------------------------------- */

/* Those of `commands` that write to stdout. */
static void streams_may_be_full_or_closed(void **state)
{
    (void)state;
    for (size_t i = 2; i < sizeof commands / sizeof *commands - 1; i++) {
        int rc = prog_run("%s >/dev/full 2>err #", commands[i]);

        if (rc != 3 || !prog_err[0])
            fail_msg("%s >/dev/full: exit %d, \"%s\"", commands[i], rc,
                     prog_err);
        rc = prog_run("%s >&- 2>err #", commands[i]);
        if (is_crash(rc))
            fail_msg("%s >&-: exit %d", commands[i], rc);
        rc = prog_run("%s >out 2>&- <&- #", commands[i]);
        if (is_crash(rc))
            fail_msg("%s 2>&-: exit %d", commands[i], rc);
    }
    is_sound("t.db");
}

static void readers_may_leave(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands - 1; i++) {
        prog_run("%s 2>err | head -c 1 >out #", commands[i]);
        assert_null(strstr(prog_err, "rror: "));    /* no sanitizer's */
    }
    assert_int_equal(prog_run("run --db p.db --max-tokens 200 go 2>err | "
                              "head -c 1 >out #"), 0);
    is_sound("p.db");
    is_sound("m.db");
}

/* --- signals ------------------------------------------------------------- */

static void a_signal_at_any_moment(void **state)
{
    static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
    const int n = hard() ? 120 : 12;
    int n_interrupted = 0;

    (void)state;
    for (int i = 0; i < n; i++) {
        /* what reaches a child that valgrind has yet to exec is lost */
        long ms = (long)(i * 7 % 100) * (slow() ? 60 : 3) +
                  (slow() ? 500 : 0);
        struct timespec nap = { ms / 1000, ms % 1000 * 1000000L };
        pid_t pid = prog_start("run --db s.db --ctx 50000 --max-tokens 40000 "
                               "-n 2 go");

        nanosleep(&nap, NULL);
        kill(pid, sigs[i % 3]);
        int rc = prog_wait(pid);
        /* before the handler stands, the signal's default ends it */
        if (rc != 130 && rc != 128 + sigs[i % 3])
            fail_msg("signal %d: exit %d, \"%s\"", sigs[i % 3], rc, prog_err);
        n_interrupted += rc == 130;
    }
    assert_true(n_interrupted > n / 4);
    is_sound("s.db");
    assert_int_equal(prog_run("sql --db s.db \"SELECT count(*) FROM v_run "
                              "WHERE status = 'interrupted'\""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(streams_may_be_full_or_closed),
        cmocka_unit_test(readers_may_leave),
        cmocka_unit_test(a_signal_at_any_moment),
    };

    return cmocka_run_group_tests_name("cli_faults", tests, setup,
                                       prog_teardown);
}
