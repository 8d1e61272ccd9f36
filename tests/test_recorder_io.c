/* The recorder on files that fail: the nth read, write, sync, open, truncation
 * or deletion, once or from then on, whole or torn.  Whatever fails, the
 * engine's side goes on, the reason is told, the file is sound afterwards and
 * holds every batch that was reported as committed.
 *
 * Every n where SORITES_HARD is set, else every STRIDE-th. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/chain.h"
#include "db/db.h"
#include "tests/dbtest.h"
#include "tests/faultvfs.h"
#include "tests/rig.h"

enum { STRIDE = 7 };

static _Atomic int64_t committed;       /* the last batch reported */

static void on_commit(void *ud, int64_t batch_id)
{
    (void)ud;
    atomic_store(&committed, batch_id);
}

/* The whole run; what goes wrong is returned and never stops it short. */
static enum sor_err record(struct rec_stats *st)
{
    struct rec_opts o = rig_options(REC_LAYERS);
    struct rec_path p = { .tag = 1, .kind = "sample", .params = "{}",
                          .text_from = N_PROMPT, .max_tok = 32 };
    struct rec *r = NULL;
    enum sor_err err;
    char uid[33];

    o.committed = on_commit;
    rig_seq = 0;
    atomic_store(&committed, 0);
    err = rec_open(t.path, &o, &r, &t.msg);
    if (err)
        return err;
    err = rig_begin_run(r, uid);
    if (!err)
        err = rec_path_begin(r, &p, &t.msg);
    if (!err) {
        for (int i = 0; i < N_PROMPT; i++)
            rig_feed(r, 1, i, rig_prompt[i]);
        rig_generate(r, 1, rig_first, N_FIRST);
        err = rec_run_end(r, "complete", 0, 0, &t.msg);
    }
    rec_stats(r, st);
    rec_close(r);
    return err;
}

static void expect(sqlite3 *s, const char *query, const char *want)
{
    sqlite3_stmt *q;

    assert_int_equal(sqlite3_prepare_v2(s, query, -1, &q, NULL), SQLITE_OK);
    int rc = sqlite3_step(q);
    if (want && (rc != SQLITE_ROW ||
                 strcmp((const char *)sqlite3_column_text(q, 0), want) != 0))
        fail_msg("%s: %d, %s", query, rc, sqlite3_errmsg(s));
    if (!want)
        assert_int_equal(rc, SQLITE_DONE);
    sqlite3_finalize(q);
}

/* Opens for the next writer, sound, with batch `last` in it. */
static void is_sound(int64_t last)
{
    struct chain_report report;
    struct db_writer *w = NULL;
    char query[80];
    struct db *d;
    sqlite3 *s;

    OK(db_writer_open(t.path, NULL, &w, &t.msg));
    db_writer_close(w);
    assert_int_equal(sqlite3_open_v2(t.path, &s, SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    expect(s, "PRAGMA integrity_check", "ok");
    expect(s, "PRAGMA foreign_key_check", NULL);
    snprintf(query, sizeof query, "SELECT coalesce(max(id), 0) >= %lld "
             "FROM batch", (long long)last);
    expect(s, query, "1");
    sqlite3_close(s);
    OK(db_open(t.path, &d, &t.msg));
    OK(chain_verify(d, &report, &t.msg));
    assert_int_equal(report.ok, 1);
    db_close(d);
}

static void every(enum faultvfs_op op, int stays, int torn, int rc)
{
    const int step = op == FAULTVFS_WRITE || op == FAULTVFS_READ ? STRIDE : 1;
    long n_told = 0, n = -1, struck = 1;

    faultvfs_install();
    faultvfs_skip_syncs(1);
    for (long k = 1; struck > 0; n++, k += getenv("SORITES_HARD") ? 1 : step) {
        struct faultvfs_fault f = { op, k, stays, torn, rc };
        struct rec_stats st = { 0 };

        unlink(t.path);
        t.msg.text[0] = '\0';
        faultvfs_fail(&f);
        enum sor_err err = record(&st);
        struck = faultvfs_struck();
        faultvfs_fail(&(struct faultvfs_fault){ 0 });
        int64_t last = atomic_load(&committed);
        if (err && !t.msg.text[0])
            fail_msg("%s %ld: no sentence", faultvfs_name[op], k);
        if (err == SOR_USAGE || err == SOR_NOMEM)
            fail_msg("%s %ld: %s", faultvfs_name[op], k, t.msg.text);
        assert_true(!st.n_lost || st.reason[0]);
        n_told += err || st.n_lost;
        is_sound(last);
    }
    print_message("%s%s%s: %ld places, %ld told\n", faultvfs_name[op],
                  stays ? ", for good" : "", torn ? ", torn" : "", n,
                  n_told);
    faultvfs_skip_syncs(0);
}

static void any_write_may_fail(void **state)
{
    (void)state;
    every(FAULTVFS_WRITE, 0, 0, 0);
    every(FAULTVFS_WRITE, 0, 1, 0);
}

static void the_disk_may_be_full_from_any_write_on(void **state)
{
    (void)state;
    every(FAULTVFS_WRITE, 1, 0, SQLITE_FULL);
    every(FAULTVFS_WRITE, 1, 1, SQLITE_FULL);
}

static void any_sync_may_fail(void **state)
{
    (void)state;
    every(FAULTVFS_SYNC, 0, 0, 0);
    every(FAULTVFS_SYNC, 1, 0, 0);
}

static void any_open_may_fail(void **state)
{
    (void)state;
    every(FAULTVFS_OPEN, 0, 0, 0);
    every(FAULTVFS_OPEN, 1, 0, 0);
}

static void any_read_may_fail(void **state)
{
    (void)state;
    every(FAULTVFS_READ, 0, 0, 0);
}

static void any_truncation_or_deletion_may_fail(void **state)
{
    (void)state;
    every(FAULTVFS_TRUNCATE, 0, 0, 0);
    every(FAULTVFS_DELETE, 0, 0, 0);
}

/* --- calls that are interrupted or do less than they were asked ---------- */

static atomic_long n_call;

static ssize_t some_write(int fd, const void *p, size_t n, off_t at)
{
    long k = atomic_fetch_add(&n_call, 1);

    if (k % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    return pwrite(fd, p, k % 3 == 1 && n > 1 ? n / 2 : n, at);
}

static ssize_t some_read(int fd, void *p, size_t n, off_t at)
{
    long k = atomic_fetch_add(&n_call, 1);

    if (k % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    return pread(fd, p, k % 3 == 1 && n > 1 ? n / 2 : n, at);
}

/* SQLite goes on where a call stopped; nothing of it may show. */
static void interrupted_and_short_calls_change_nothing(void **state)
{
    static const struct { const char *name; sqlite3_syscall_ptr call; }
    calls[] = {
        { "pwrite", (sqlite3_syscall_ptr)some_write },
        { "pwrite64", (sqlite3_syscall_ptr)some_write },
        { "pread", (sqlite3_syscall_ptr)some_read },
        { "pread64", (sqlite3_syscall_ptr)some_read },
    };
    sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");
    struct rec_stats st = { 0 };

    (void)state;
    assert_non_null(unix_vfs);
    for (size_t i = 0; i < 4; i++)
        unix_vfs->xSetSystemCall(unix_vfs, calls[i].name, calls[i].call);
    enum sor_err err = record(&st);
    unix_vfs->xSetSystemCall(unix_vfs, NULL, NULL);     /* as it was */
    assert_true(atomic_load(&n_call) > 50);
    OK(err);
    assert_int_equal(st.n_lost, 0);
    is_sound(atomic_load(&committed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(any_write_may_fail),
        DBTEST(the_disk_may_be_full_from_any_write_on),
        DBTEST(any_sync_may_fail),
        DBTEST(any_open_may_fail),
        DBTEST(any_read_may_fail),
        DBTEST(any_truncation_or_deletion_may_fail),
        DBTEST(interrupted_and_short_calls_change_nothing),
    };

    return cmocka_run_group_tests_name("recorder_io", tests, NULL, NULL);
}
