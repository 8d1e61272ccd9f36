/* The writer: whole batches or nothing, one writer at a time, and kill -9. */
#define _XOPEN_SOURCE 700       /* symlink() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/sql.h"
#include "tests/dbtest.h"

static enum sor_err no_columns(void *ud, int n, const char *const *name)
{
    (void)ud, (void)n, (void)name;
    return SOR_OK;
}

static enum sor_err no_row(void *ud, int n, const struct sql_value *v)
{
    (void)ud, (void)n, (void)v;
    return SOR_OK;
}

static const struct sql_sink nowhere = { NULL, no_columns, no_row };

/* ---- batches */

static void rollback_leaves_nothing(void **state)
{
    int64_t batch;
    struct db_addr a;

    (void)state;
    struct db_writer *w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
    db_rollback(w);
    OK(db_begin(w, 0, &t.msg));
    dbtest_put_run(w, "aaaa456789abcdef0123456789abcdef");
    OK(db_commit(w, &batch, &t.msg));
    assert_int_equal(batch, 1);

    /* a row that the schema refuses takes its batch with it, no more */
    OK(db_begin(w, 0, &t.msg));
    dbtest_put_run(w, "bbbb456789abcdef0123456789abcdef");
    struct db_put_run_end e = { .run_id = 999, .status = "complete" };
    assert_int_equal(db_put_run_end(w, &e, &t.msg), SOR_FORMAT);
    assert_int_equal(db_commit(w, &batch, &t.msg), SOR_USAGE);
    OK(db_begin(w, 0, &t.msg));
    OK(db_commit(w, &batch, &t.msg));           /* empty: no batch of its own */
    assert_int_equal(batch, 1);
    db_writer_close(w);

    struct db *d = dbtest_reader();
    OK(db_find(d, "aaaa", &a, &t.msg));
    assert_int_equal(db_find(d, "bbbb", &a, &t.msg), SOR_NOTFOUND);
    assert_int_equal(db_find(d, "0123", &a, &t.msg), SOR_NOTFOUND);
    db_close(d);
}

static void a_batch_holds_one_run(void **state)
{
    struct db_put_run_end e = { .run_id = 1, .status = "complete" };

    (void)state;
    struct db_writer *w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    assert_int_equal(db_put_run_end(w, &e, &t.msg), SOR_USAGE);
    dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
    struct db_put_run r = { .uid = "x" };
    assert_int_equal(db_put_run(w, &r, NULL, &t.msg), SOR_USAGE);
    db_writer_close(w);
}

/* A reader sees whole batches only, and knows when there is a new one. */
static void readers_see_commits(void **state)
{
    struct db_addr a;

    (void)state;
    dbtest_make(1);
    struct db *d = dbtest_reader();
    struct db_writer *w = dbtest_writer();
    int64_t before = db_data_version(d);
    OK(db_begin(w, 0, &t.msg));
    dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
    assert_int_equal(db_find(d, "0123", &a, &t.msg), SOR_NOTFOUND);
    assert_int_equal(db_data_version(d), before);
    OK(db_commit(w, NULL, &t.msg));
    assert_int_not_equal(db_data_version(d), before);
    OK(db_find(d, "0123", &a, &t.msg));
    db_writer_close(w);
    db_close(d);
}

/* A token costs no allocation of ours once its statement has run. */
static void tokens_allocate_nothing(void **state)
{
    struct db_put_path p = { .kind = "score", .params = "{}" };
    uint8_t blob[600] = { 0 };
    struct db_put_token k = { .mode = 2, .has_digest = 1,
                              .layers = { blob, sizeof blob } };

    (void)state;
    struct db_writer *w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    p.run_id = dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
    OK(db_put_path(w, &p, &k.path_id, &t.msg));
    OK(db_put_token(w, &k, &t.msg));
    uint64_t before = mem_count();
    for (k.pos = 1; k.pos < 500; k.pos++)
        OK(db_put_token(w, &k, &t.msg));
    assert_int_equal(mem_count() - before, 0);
    OK(db_commit(w, NULL, &t.msg));
    db_writer_close(w);
}

static void the_wal_stays_small(void **state)
{
    struct db_put_path p = { .kind = "score", .params = "{}" };
    static uint8_t blob[6000];
    struct db_put_token k = { .mode = 2, .heads = { blob, sizeof blob } };
    char wal[160];
    struct stat st;
    struct db_token tok;

    (void)state;
    struct db_writer *w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    p.run_id = dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
    OK(db_put_path(w, &p, &k.path_id, &t.msg));
    OK(db_commit(w, NULL, &t.msg));

    struct db *d = dbtest_reader();
    snprintf(wal, sizeof wal, "%s-wal", t.path);
    for (int batch = 0; batch < 60; batch++) {          /* 100 MB in all */
        OK(db_begin(w, p.run_id, &t.msg));
        for (int i = 0; i < 300; i++, k.pos++)
            OK(db_put_token(w, &k, &t.msg));
        OK(db_commit(w, NULL, &t.msg));
        struct db_cur *c = db_tokens(d, k.path_id,
                                     (struct db_window){ 0, 5, 0 });
        assert_int_equal(db_token_next(c, &tok), 1);
        OK(db_cur_close(c));
        assert_int_equal(stat(wal, &st), 0);
        assert_true(st.st_size <= 64 << 20);
    }
    db_close(d);
    db_writer_close(w);
    assert_int_equal(stat(wal, &st), -1);               /* gone at the end */
}

/* Opens, reads and closes until told to stop; the exit code is the number of
 * things that went wrong. */
static void read_until_closed(int stop)
{
    struct db_run_query q = { .limit = 5 };
    struct sql_opts o = { .max_row = 100 };
    struct pollfd p = { .fd = stop, .events = POLLIN };
    struct db_token tok;
    struct db_run run;
    int bad = 0;

    while (poll(&p, 1, 0) == 0) {
        struct db *d = NULL;
        struct sql *s = NULL;
        struct sql_result r;

        bad += db_open(t.path, &d, NULL) != SOR_OK;
        if (d) {
            struct db_cur *c = db_runs(d, &q);
            bad += db_run_next(c, &run) != 1;
            bad += db_cur_close(c) != SOR_OK;
            c = db_tokens(d, 1, (struct db_window){ 1 << 30, 50, 1 });
            while (db_token_next(c, &tok) == 1)
                ;
            bad += db_cur_close(c) != SOR_OK;
        }
        db_close(d);
        bad += sql_open(t.path, &o, &s, NULL) != SOR_OK;
        if (s)
            bad += sql_run(s, "SELECT * FROM v_head WHERE path_id = 1 AND "
                           "pos = 9", &nowhere, &r, NULL) != SOR_OK;
        sql_close(s);
    }
    _exit(bad > 99 ? 99 : bad);
}

static void readers_and_the_writer_get_along(void **state)
{
    struct db_put_path p = { .kind = "score", .params = "{}" };
    static uint8_t blob[6000];
    struct db_put_token k = { .mode = 2, .heads = { blob, sizeof blob } };
    pid_t child[3];
    int stop[2];
    char wal[160];
    struct stat st;

    (void)state;
    struct db_writer *w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    p.run_id = dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
    OK(db_put_path(w, &p, &k.path_id, &t.msg));
    OK(db_commit(w, NULL, &t.msg));
    assert_int_equal(pipe(stop), 0);
    for (int i = 0; i < 3; i++)
        if ((child[i] = fork()) == 0) {
            close(stop[1]);
            read_until_closed(stop[0]);
        }
    snprintf(wal, sizeof wal, "%s-wal", t.path);
    for (int batch = 0; batch < 80; batch++) {          /* 130 MB in all */
        OK(db_begin(w, p.run_id, &t.msg));
        for (int i = 0; i < 250; i++, k.pos++)
            OK(db_put_token(w, &k, &t.msg));
        OK(db_commit(w, NULL, &t.msg));
        assert_int_equal(stat(wal, &st), 0);
        assert_true(st.st_size <= 64 << 20);
    }
    close(stop[0]);
    close(stop[1]);
    for (int i = 0; i < 3; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    db_writer_close(w);
}

/* ---- one writer */

static void a_second_writer_is_refused(void **state)
{
    struct db_writer *w = dbtest_writer(), *second = NULL;
    char pid[32];

    (void)state;
    assert_int_equal(db_writer_open(t.path, NULL, &second, &t.msg), SOR_BUSY);
    snprintf(pid, sizeof pid, "process %d ", (int)getpid());
    assert_non_null(strstr(t.msg.text, pid));
    assert_non_null(strstr(t.msg.text, t.path));
    assert_int_equal(db_writer_pid(t.path), getpid());

    /* by another name for the same file, too */
    assert_int_equal(symlink(t.path, t.other), 0);
    assert_int_equal(db_writer_open(t.other, NULL, &second, &t.msg), SOR_BUSY);
    assert_int_equal(db_writer_pid(t.other), getpid());
    db_writer_close(w);
    assert_int_equal(db_writer_pid(t.path), 0);
    OK(db_writer_open(t.path, NULL, &second, &t.msg));
    db_writer_close(second);
}

static int after_three(void *ud)
{
    return ++*(int *)ud >= 3;
}

static void waiting_can_be_cancelled(void **state)
{
    struct db_writer *w = dbtest_writer(), *second = NULL;
    int polls = 0;
    struct db_writer_opts o = { .wait = 1, .cancelled = after_three,
                                .ud = &polls };

    (void)state;
    assert_int_equal(db_writer_open(t.path, &o, &second, &t.msg),
                     SOR_INTERRUPTED);
    assert_int_equal(polls, 3);
    db_writer_close(w);
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void waiting_ends_with_the_first(void **state)
{
    struct db_writer *second = NULL;
    struct db_writer_opts o = { .wait = 1 };
    int ready[2];
    char c;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct db_writer *w = NULL;
        if (db_writer_open(t.path, NULL, &w, NULL) != SOR_OK ||
            write(ready[1], "x", 1) != 1)
            _exit(1);
        sleep_ms(200);
        db_writer_close(w);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    OK(db_writer_open(t.path, &o, &second, &t.msg));
    db_writer_close(second);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

/* Fifty start at once: one records, the others name it. */
static void fifty_start_at_once(void **state)
{
    enum { N = 50 };
    int go[2], done[2], n_ok = 0, n_busy = 0;
    pid_t child[N];

    (void)state;
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);
    for (int i = 0; i < N; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            struct db_writer *w = NULL;
            struct sor_msg msg = { "" };
            char c;

            close(go[1]);
            close(done[1]);
            if (read(go[0], &c, 1) < 0)         /* until the parent closes */
                _exit(9);
            enum sor_err err = db_writer_open(t.path, NULL, &w, &msg);
            if (err == SOR_OK) {
                if (read(done[0], &c, 1) < 0)   /* until all others ended */
                    _exit(9);
                db_writer_close(w);
                _exit(0);
            }
            _exit(err == SOR_BUSY && strstr(msg.text, "process ") ? 1 : 2);
        }
    }
    close(go[1]);
    for (int left = N; left > 1; left--) {
        int status;
        pid_t p = wait(&status);

        assert_true(p > 0 && WIFEXITED(status));
        n_busy += WEXITSTATUS(status) == 1;
    }
    close(done[1]);
    for (int i = 0; i < N; i++) {
        int status;
        if (waitpid(child[i], &status, 0) == child[i])
            n_ok += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    close(go[0]);
    close(done[0]);
    assert_int_equal(n_ok, 1);
    assert_int_equal(n_busy, N - 1);
}

/* ---- kill -9 */

/* Writes batches of 50 tokens and tells each batch id after its commit. */
static void record_until_killed(int out)
{
    struct db_put_path p = { .kind = "score", .params = "{}" };
    uint8_t blob[500] = { 0 };
    struct db_put_token k = { .mode = 2, .layers = { blob, sizeof blob } };
    struct db_writer *w = NULL;
    int64_t batch = 0;

    if (db_writer_open(t.path, NULL, &w, NULL) != SOR_OK)
        _exit(1);
    db_begin(w, 0, NULL);
    p.run_id = dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
    db_put_path(w, &p, &k.path_id, NULL);
    for (;;) {
        if (db_commit(w, &batch, NULL) != SOR_OK ||
            write(out, &batch, sizeof batch) != sizeof batch)
            _exit(1);
        db_begin(w, p.run_id, NULL);
        for (int i = 0; i < 50; i++, k.pos++)
            if (db_put_token(w, &k, NULL) != SOR_OK)
                _exit(1);
    }
}

static void kill_nine_loses_nothing_committed(void **state)
{
    (void)state;
    srand(3);
    for (int round = 0; round < 20; round++) {
        int told[2];
        int64_t batch, last = 0;

        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            close(told[0]);
            record_until_killed(told[1]);
        }
        close(told[1]);
        sleep_ms(30 + rand() % 100);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(told[0], &batch, sizeof batch) == sizeof batch)
            last = batch;
        close(told[0]);

        if (last) {
            struct db *d = dbtest_reader();
            struct db_addr a;
            OK(db_find(d, "last:0", &a, &t.msg));
            /* whole batches: those told, and perhaps one that was committed
             * but not told */
            int len = db_path_len(d, a.path_id);
            assert_true(len == 50 * (last - 1) || len == 50 * last);
            db_close(d);
        }
        struct db_writer *w = dbtest_writer();         /* no stale lock */
        db_writer_close(w);
        unlink(t.path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(rollback_leaves_nothing),
        DBTEST(a_batch_holds_one_run),
        DBTEST(readers_see_commits),
        DBTEST(tokens_allocate_nothing),
        DBTEST(the_wal_stays_small),
        DBTEST(readers_and_the_writer_get_along),
        DBTEST(a_second_writer_is_refused),
        DBTEST(waiting_can_be_cancelled),
        DBTEST(waiting_ends_with_the_first),
        DBTEST(fifty_start_at_once),
        DBTEST(kill_nine_loses_nothing_committed),
    };
    return cmocka_run_group_tests_name("db_write", tests, NULL, NULL);
}
