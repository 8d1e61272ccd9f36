/* A power cut at any moment of recording, of closing and of
 * forgetting runs.  All that is asked of the files is recorded; then, for each
 * prefix of it, the files are made as a cut there may leave them: all that was
 * asked done, or only what was synced, or of the rest any part in any order,
 * the last piece torn.  Each opens clean, with all that was committed before
 * the cut.
 *
 * Every prefix where SORITES_HARD is set, else every STRIDE-th. */
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

#include "db/chain.h"
#include "db/db.h"
#include "tests/dbtest.h"
#include "tests/faultvfs.h"
#include "tests/rig.h"

enum { STRIDE = 17, FILES = 4, SECTOR = 512 };

/* A mark says what is safe from then on: that batch b was committed, or how
 * many runs there are. */
enum { MARK_RUNS = 1 << 30 };

/* --- what is recorded ---------------------------------------------------- */

static void on_commit(void *ud, int64_t batch_id)
{
    (void)ud;
    faultvfs_mark(batch_id);
}

static void record_one(enum rec_level level)
{
    struct rec_opts o = rig_options(level);
    char uid[33];

    o.committed = on_commit;
    rig_record(&o, uid);
}

static int64_t first_run(void)
{
    int64_t run, path;

    db_close(rig_read_path(0, &run, &path));
    return run;
}

static void record_it_all(void)
{
    struct db_writer *w = NULL;

    faultvfs_record(1);
    record_one(REC_LAYERS);
    faultvfs_mark(MARK_RUNS + 1);
    record_one(REC_HEADS);
    faultvfs_mark(MARK_RUNS + 2);
    OK(db_writer_open(t.path, NULL, &w, &t.msg));
    OK(db_forget_run(w, first_run(), &t.msg));
    db_writer_close(w);
    record_one(REC_TOKENS);
    faultvfs_mark(MARK_RUNS + 3);
    faultvfs_record(0);
}

/* The end of the log, for a person who looks for what went wrong. */
static void tell(size_t upto)
{
    size_t n, from = upto > 40 ? upto - 40 : 0;
    const struct faultvfs_entry *e = faultvfs_log(&n);

    for (size_t i = from; i < upto; i++)
        print_message("%zu %s %s at %lld, %zu bytes\n", i,
                      e[i].op == FAULTVFS_OPS ? "mark" : faultvfs_name[e[i].op],
                      e[i].file, (long long)e[i].at, e[i].n);
}

/* --- a disk -------------------------------------------------------------- */

struct disk {
    struct image { char name[32]; uint8_t *p; size_t n; int there; }
        file[FILES];
    int n;
};

static struct image *image(struct disk *d, const char *name)
{
    for (int i = 0; i < d->n; i++)
        if (strcmp(d->file[i].name, name) == 0)
            return &d->file[i];
    assert_true(d->n < FILES);
    struct image *x = &d->file[d->n++];
    memset(x, 0, sizeof *x);
    snprintf(x->name, sizeof x->name, "%s", name);
    return x;
}

static void resize(struct image *x, size_t n)
{
    uint8_t *p = realloc(x->p, n + 1);

    assert_non_null(p);
    x->p = p;
    if (n > x->n)
        memset(p + x->n, 0, n - x->n);
    x->n = n;
}

static void apply(struct disk *d, const struct faultvfs_entry *e, size_t n)
{
    struct image *x = image(d, e->file);

    x->there = e->op != FAULTVFS_DELETE;
    if (e->op == FAULTVFS_DELETE)
        resize(x, 0);
    else if (e->op == FAULTVFS_TRUNCATE && (size_t)e->at < x->n)
        resize(x, (size_t)e->at);
    else if (e->op == FAULTVFS_WRITE) {
        if ((size_t)e->at + n > x->n)
            resize(x, (size_t)e->at + n);
        memcpy(x->p + e->at, e->bytes, n);
    }
}

static void put_disk(const struct disk *d)
{
    char path[192];

    for (int i = 0; i < d->n; i++) {
        const struct image *x = &d->file[i];
        FILE *f;

        snprintf(path, sizeof path, "%s/%s", t.dir, x->name);
        unlink(path);
        if (!x->there)
            continue;
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(x->p, 1, x->n, f), x->n);
        assert_int_equal(fclose(f), 0);
    }
    snprintf(path, sizeof path, "%s-shm", t.path);      /* memory, gone */
    unlink(path);
}

static void release_disk(struct disk *d)
{
    for (int i = 0; i < d->n; i++)
        free(d->file[i].p);
    d->n = 0;
}

/* --- cuts ---------------------------------------------------------------- */

enum cut { CUT_ALL, CUT_SYNCED, CUT_SOME, CUTS };

/* By entry of the log: the next sync of its file, from which on it is on the
 * disk for certain.  Opening and deleting SQLite syncs the folder for. */
static size_t *synced_at;

static void find_syncs(void)
{
    size_t n;
    const struct faultvfs_entry *e = faultvfs_log(&n);

    synced_at = calloc(n, sizeof *synced_at);
    assert_non_null(synced_at);
    for (size_t i = 0; i < n; i++) {
        size_t k = i;

        if (e[i].op != FAULTVFS_OPEN && e[i].op != FAULTVFS_DELETE)
            for (k = i + 1; k < n; k++)
                if (e[k].op == FAULTVFS_SYNC &&
                    strcmp(e[k].file, e[i].file) == 0)
                    break;
        synced_at[i] = k;
    }
}

static void cut_at(struct disk *d, size_t upto, enum cut cut)
{
    size_t n;
    const struct faultvfs_entry *e = faultvfs_log(&n);

    for (size_t i = 0; i < upto; i++) {
        size_t part = e[i].n;

        if (e[i].op == FAULTVFS_SYNC || e[i].op == FAULTVFS_OPS)
            continue;
        if (cut != CUT_ALL && synced_at[i] >= upto) {
            if (cut == CUT_SYNCED || rand() % 2)
                continue;
            if (part > SECTOR && rand() % 4 == 0)
                part = (size_t)rand() % (part / SECTOR) * SECTOR;
        }
        apply(d, &e[i], part);
    }
}

/* --- what must be there -------------------------------------------------- */

static int64_t ask(sqlite3 *s, const char *query)
{
    sqlite3_stmt *q;
    int64_t v;

    assert_int_equal(sqlite3_prepare_v2(s, query, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    v = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return v;
}

/* Opens as the next writer would; then looks. */
static void inspect(int64_t batch, int64_t runs, size_t upto, int cut)
{
    struct chain_report report;
    struct db_writer *w = NULL;
    struct db *d = NULL;
    sqlite3 *s;

    if (db_writer_open(t.path, NULL, &w, &t.msg))
        fail_msg("cut %d at %zu: %s", cut, upto, t.msg.text);
    db_writer_close(w);
    assert_int_equal(sqlite3_open_v2(t.path, &s, SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    assert_int_equal(ask(s, "SELECT count(*) FROM pragma_integrity_check "
                            "WHERE integrity_check <> 'ok'"), 0);
    assert_int_equal(ask(s, "SELECT count(*) FROM pragma_foreign_key_check"),
                     0);
    int64_t have_batch = ask(s, "SELECT coalesce(max(id), 0) FROM batch");
    int64_t have_runs = ask(s, "SELECT count(*) FROM run");
    sqlite3_close(s);
    if (have_batch < batch || have_runs < runs) {
        tell(upto);
        fail_msg("cut %d at %zu: batch %lld of %lld, %lld runs of %lld", cut,
                 upto, (long long)have_batch, (long long)batch,
                 (long long)have_runs, (long long)runs);
    }
    OK(db_open(t.path, &d, &t.msg));
    OK(chain_verify(d, &report, &t.msg));
    if (!report.ok)
        fail_msg("cut %d at %zu: %s", cut, upto, report.where);
    db_close(d);
}

static void a_power_cut_at_any_moment(void **state)
{
    const size_t step = getenv("SORITES_HARD") ? 1 : STRIDE;
    const struct faultvfs_entry *e;
    int64_t batch = 0, runs = 0;
    size_t n, from = 0, n_cut = 0;

    (void)state;
    srand(1);
    faultvfs_install();
    record_it_all();
    faultvfs_skip_syncs(1);
    find_syncs();
    e = faultvfs_log(&n);
    assert_true(n > 500);
    for (size_t upto = 0; upto <= n; upto++) {
        /* every moment around a sync or a mark, where it counts */
        int counts = upto % step == 0 || upto == n ||
                     e[upto].op != FAULTVFS_WRITE ||
                     (upto && e[upto - 1].op != FAULTVFS_WRITE);

        for (; from < upto; from++)
            if (e[from].op == FAULTVFS_OPS && e[from].at >= MARK_RUNS)
                runs = e[from].at - MARK_RUNS;
            else if (e[from].op == FAULTVFS_OPS)
                batch = e[from].at;
        for (int cut = 0; cut < CUTS && counts; cut++, n_cut++) {
            struct disk d = { .n = 0 };

            cut_at(&d, upto, (enum cut)cut);
            put_disk(&d);
            release_disk(&d);
            inspect(batch, runs, upto, cut);
        }
    }
    print_message("%zu entries of the log, %zu cuts, %lld batches, %lld runs: "
                  "none lost\n", n, n_cut, (long long)batch, (long long)runs);
    free(synced_at);
    faultvfs_forget();
    faultvfs_skip_syncs(0);
}

/* A lazy writer waits for the disk when it closes and not at each commit, so
 * that what is told afterwards is true. */
static void a_lazy_writer_syncs_when_it_closes(void **state)
{
    enum { COMMITS = 4 };
    const struct faultvfs_entry *e;
    struct db_writer *w = NULL;
    char uid[33];
    size_t n;

    (void)state;
    faultvfs_install();
    for (int k = 0; k < 2; k++) {
        struct db_writer_opts o = { .lazy = k };
        int is_closing = 0, n_sync[2] = { 0, 0 };

        OK(db_writer_open(t.path, &o, &w, &t.msg));
        faultvfs_record(1);
        for (int i = 0; i < COMMITS; i++) {
            snprintf(uid, sizeof uid, "%032x", 100 * k + i);
            OK(db_begin(w, 0, &t.msg));
            dbtest_put_run(w, uid);
            OK(db_commit(w, NULL, &t.msg));
        }
        faultvfs_mark(1);
        db_writer_close(w);
        faultvfs_record(0);
        e = faultvfs_log(&n);
        for (size_t i = 0; i < n; i++) {
            is_closing |= e[i].op == FAULTVFS_OPS;
            n_sync[is_closing] += e[i].op == FAULTVFS_SYNC;
        }
        /* a WAL that begins anew has its header synced, once */
        assert_true(o.lazy ? n_sync[0] <= 1 : n_sync[0] >= COMMITS);
        assert_true(n_sync[1] > 0);
        faultvfs_forget();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(a_power_cut_at_any_moment),
        DBTEST(a_lazy_writer_syncs_when_it_closes),
    };

    return cmocka_run_group_tests_name("power_loss", tests, NULL, NULL);
}
