/* kill -9 at random moments of a recording: the batches that were reported as
 * committed are there, whole, and the file is sound.  Twenty kills; two hundred
 * where SORITES_HARD is set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/chain.h"
#include "db/db.h"
#include "tests/models.h"
#include "tests/prog.h"

static const char *model;

static int setup(void **state)
{
    model = models_small();
    return model ? prog_setup(state) : -1;
}

/* The last batch that `run -v` reported after its COMMIT; 0: none. */
static long long last_reported(void)
{
    const char *word = "batch ", *p = prog_err;
    long long id = 0;

    for (; (p = strstr(p, word)) != NULL; p += strlen(word)) {
        char *end;
        long long n = strtoll(p + strlen(word), &end, 10);

        if (strncmp(end, " committed\n", 11) == 0)
            id = n;
    }
    return id;
}

static void nap_ms(long ms)
{
    struct timespec nap = { 0, ms * 1000000L };

    nanosleep(&nap, NULL);
}

/* Half of the kills come 50 to 300 ms after the start, wherever that is; the
 * other half as long after the first COMMIT, however slow the machine. */
static void wait_for_the_moment(int after_commit)
{
    char path[128];

    snprintf(path, sizeof path, "%s/err", prog_dir);
    for (int i = 0; after_commit && i < 2000; i++) {
        size_t n;
        unsigned char *said = prog_slurp(path, &n);
        int committed = said && n > 0;

        free(said);
        if (committed)
            break;
        nap_ms(5);
    }
    nap_ms(50 + rand() % 250);
}

static void expect_one(sqlite3 *s, const char *query, const char *want)
{
    sqlite3_stmt *q;
    int rc;

    assert_int_equal(sqlite3_prepare_v2(s, query, -1, &q, NULL), SQLITE_OK);
    rc = sqlite3_step(q);
    if (!want)
        assert_int_equal(rc, SQLITE_DONE);
    else {
        assert_int_equal(rc, SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(q, 0), want);
    }
    sqlite3_finalize(q);
}

static long long newest_batch(sqlite3 *s)
{
    sqlite3_stmt *q;
    long long id;

    assert_int_equal(sqlite3_prepare_v2(s, "SELECT coalesce(max(id), 0) FROM "
                                        "batch", -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    id = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return id;
}

/* Sound, chained, and not one batch short of what was reported. */
static void inspect(const char *path, long long reported)
{
    struct chain_report chain;
    struct db *d;
    sqlite3 *s;

    assert_int_equal(sqlite3_open_v2(path, &s, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    expect_one(s, "PRAGMA integrity_check", "ok");
    expect_one(s, "PRAGMA foreign_key_check", NULL);
    assert_true(newest_batch(s) >= reported);
    sqlite3_close(s);

    assert_int_equal(db_open(path, &d, NULL), SOR_OK);
    assert_int_equal(chain_verify(d, &chain, NULL), SOR_OK);
    if (!chain.ok)
        fail_msg("%s", chain.where);
    assert_true(chain.n_batch >= reported);
    db_close(d);
}

static void nothing_committed_is_lost(void **state)
{
    char path[128];
    const int kills = getenv("SORITES_HARD") ? 200 : 20;
    int killed = 0, with_rows = 0;
    unsigned seed = (unsigned)time(NULL);

    (void)state;
    snprintf(path, sizeof path, "%s/k.db", prog_dir);
    print_message("seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < kills; i++) {
        pid_t pid = prog_start("run -v -m '%s' --db k.db -n 4 --ctx 100000 "
                               "--max-tokens 1000000 go", model);

        wait_for_the_moment(i % 2);
        kill(pid, SIGKILL);
        killed += prog_wait(pid) == 128 + SIGKILL;
        long long reported = last_reported();
        with_rows += reported > 0;
        if (reported)
            inspect(path, reported);
    }
    assert_int_equal(killed, kills);
    assert_true(with_rows >= kills / 2);    /* the test tests something */
    print_message("%d kills, %d of them with batches reported: none lost\n",
                  killed, with_rows);
    /* The next recorder takes the file as if nothing had happened. */
    assert_int_equal(prog_run("run -m '%s' --db k.db --max-tokens 4 go",
                              model), 0);
    assert_int_equal(prog_run("replay last --verify --db k.db"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_committed_is_lost),
    };

    return cmocka_run_group_tests_name("kill9", tests, setup, prog_teardown);
}
