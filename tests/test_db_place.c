/* Places that are no database, or no good one: one sentence each, nothing
 * made, nothing lost. */
#define _XOPEN_SOURCE 700       /* mkfifo(), setrlimit() */

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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/dbtest.h"

/* ---- places */

static enum sor_err open_other(int for_writing)
{
    struct db *d = NULL;
    struct db_writer *w = NULL;

    t.msg.text[0] = '\0';
    enum sor_err err = for_writing
        ? db_writer_open(t.other, NULL, &w, &t.msg)
        : db_open(t.other, &d, &t.msg);
    db_close(d);
    db_writer_close(w);
    return err;
}

/* Neither way of opening accepts it, and nothing is left beside it. */
static void assert_refused(enum sor_err want)
{
    char lock[160];

    snprintf(lock, sizeof lock, "%s.lock", t.other);
    for (int rw = 0; rw < 2; rw++) {
        enum sor_err err = open_other(rw);
        if (err != want || !strstr(t.msg.text, t.other))
            fail_msg("%s: %s", sor_err_text(err), t.msg.text);
    }
    assert_int_equal(access(lock, F_OK), -1);
}

static void wrong_places_are_refused(void **state)
{
    FILE *f;

    (void)state;
    assert_int_equal(mkdir(t.other, 0700), 0);
    assert_refused(SOR_IO);
    rmdir(t.other);

    assert_int_equal(mkfifo(t.other, 0600), 0);
    assert_refused(SOR_IO);
    unlink(t.other);

    f = fopen(t.other, "w");
    for (int i = 0; i < 200; i++)
        fprintf(f, "A text file is not a database, however long it is.\n");
    fclose(f);
    assert_refused(SOR_FORMAT);
    unlink(t.other);

    snprintf(t.other, sizeof t.other, "%s/missing/t.db", t.dir);
    assert_refused(SOR_IO);
    snprintf(t.other, sizeof t.other, "%s/missing", t.dir);
    assert_int_equal(access(t.other, F_OK), -1);
    snprintf(t.other, sizeof t.other, "%s/other", t.dir);
    assert_int_equal(open_other(0), SOR_IO);    /* no such file */
    snprintf(t.other, sizeof t.other, "%s/", t.dir);
    assert_refused(SOR_IO);
    t.other[0] = '\0';
    assert_refused(SOR_IO);
    snprintf(t.other, sizeof t.other, "%s/other", t.dir);
    assert_int_equal(access(t.other, F_OK), -1);
}

/* Overwrites four bytes of the SQLite header, big-endian.
 * Source: sqlite.org/fileformat2.html, 1.3: user_version at offset 60,
 * application_id at 68. */
static void patch_header(const char *path, long at, uint32_t v)
{
    uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
                     (uint8_t)(v >> 8), (uint8_t)v };
    FILE *f = fopen(path, "r+b");

    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    fwrite(b, 1, 4, f);
    fclose(f);
}

static void strangers_are_refused(void **state)
{
    (void)state;
    dbtest_make(1);
    assert_int_equal(rename(t.path, t.other), 0);
    patch_header(t.other, 60, 99);
    assert_refused(SOR_UNSUP);
    assert_non_null(strstr(t.msg.text, "99"));
    patch_header(t.other, 60, 1);
    patch_header(t.other, 68, 0x12345678);
    assert_refused(SOR_FORMAT);
}

/* Leaves the journal that a writer leaves which is killed while it makes the
 * file: pages are written over already, the old ones are in the journal. */
static void die_in_the_making(void)
{
    sqlite3 *sq;

    if (fork() == 0) {
        sqlite3_open(t.path, &sq);
        sqlite3_exec(sq, "PRAGMA application_id = 1397707337;"
            "PRAGMA cache_size = 1; BEGIN; CREATE TABLE x(a); INSERT INTO x "
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            "WHERE i < 2000) SELECT zeroblob(1000) FROM n", NULL, NULL, NULL);
        _exit(0);
    }
    wait(NULL);
}

static void a_file_half_made_is_put_right(void **state)
{
    char journal[160];
    struct db *d = NULL;

    (void)state;
    die_in_the_making();
    snprintf(journal, sizeof journal, "%s-journal", t.path);
    assert_int_equal(access(journal, F_OK), 0);
    assert_int_equal(db_open(t.path, &d, &t.msg), SOR_FORMAT);
    assert_non_null(strstr(t.msg.text, "killed"));
    db_writer_close(dbtest_writer());
    assert_int_equal(access(journal, F_OK), -1);
    db_close(dbtest_reader());
}

static void files_are_private(void **state)
{
    static const char *const end[] = { "", "-wal", "-shm", ".lock" };
    struct stat st;

    (void)state;
    umask(0);
    struct db_writer *w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
    OK(db_commit(w, NULL, &t.msg));
    for (size_t i = 0; i < sizeof end / sizeof end[0]; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s%s", t.path, end[i]);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    db_writer_close(w);
    umask(022);
}

/* As a user who may not write there: root may write anywhere. */
static int in_readonly_folder(void)
{
    struct db *d = NULL;
    struct db_writer *w = NULL;
    struct db_addr a;

    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 77;
    if (db_open(t.path, &d, &t.msg) != SOR_OK ||
        db_find(d, "last:0", &a, &t.msg) != SOR_OK) {
        fprintf(stderr, "%s\n", t.msg.text);
        return 1;
    }
    db_close(d);
    if (db_writer_open(t.path, NULL, &w, &t.msg) != SOR_IO)
        return 2;
    snprintf(t.other, sizeof t.other, "%s/new.db", t.dir);
    if (db_writer_open(t.other, NULL, &w, &t.msg) != SOR_IO)
        return 3;
    return access(t.other, F_OK) == 0 ? 4 : 0;
}

static void a_readonly_folder_can_be_read(void **state)
{
    int status;

    (void)state;
    dbtest_make(1);
    chmod(t.path, 0644);
    unlink(strcat(strcpy(t.other, t.path), ".lock"));
    chmod(t.dir, 0555);
    pid_t child = fork();
    if (child == 0)
        _exit(in_readonly_folder());
    waitpid(child, &status, 0);
    chmod(t.dir, 0700);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();         /* cannot become another user here */
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_full_disk_keeps_what_was_committed(void **state)
{
    (void)state;
    dbtest_make(1);
    pid_t child = fork();
    if (child == 0) {
        struct db_put_path p = { .kind = "score", .params = "{}" };
        static uint8_t blob[6000];
        struct db_put_token k = { .heads = { blob, sizeof blob } };
        struct db_writer *w = NULL;
        struct stat st;
        enum sor_err err = SOR_OK;

        signal(SIGXFSZ, SIG_IGN);
        stat(t.path, &st);
        if (db_writer_open(t.path, NULL, &w, NULL) != SOR_OK)
            _exit(1);
        db_begin(w, 0, NULL);
        p.run_id = dbtest_put_run(w, "0123456789abcdef0123456789abcdef");
        db_put_path(w, &p, &k.path_id, NULL);
        db_commit(w, NULL, NULL);
        struct rlimit limit = { (rlim_t)st.st_size, (rlim_t)st.st_size };
        setrlimit(RLIMIT_FSIZE, &limit);
        for (int batch = 0; batch < 1000 && !err; batch++) {
            err = db_begin(w, p.run_id, &t.msg);
            for (int i = 0; i < 50 && !err; i++, k.pos++)
                err = db_put_token(w, &k, &t.msg);
            if (!err)
                err = db_commit(w, NULL, &t.msg);
        }
        db_writer_close(w);
        _exit(err == SOR_FULL ? 0 : 2);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);

    struct db_addr a;
    struct db *d = dbtest_reader();
    OK(db_find(d, "0123", &a, &t.msg));
    OK(db_find(d, "3fa2:0", &a, &t.msg));
    db_close(d);
}

/* Opens, and puts a row that the schema refuses: there is no model 1. */
static enum sor_err open_and_put(void)
{
    struct db_writer *w = NULL;
    enum sor_err err = db_writer_open(t.path, NULL, &w, &t.msg);

    if (!err)
        err = db_begin(w, 0, &t.msg);
    if (!err)
        err = db_put_piece(w, 1, 9, "x", 1, &t.msg);
    db_writer_close(w);
    return err;
}

/* Each allocation fails in turn: the answer is "out of memory", or the same
 * as with memory where it could do without. */
static void memory_runs_out(void **state)
{
    int n_failed = 0;

    (void)state;
    uint64_t before = mem_count();
    assert_int_equal(open_and_put(), SOR_FORMAT);
    uint64_t total = mem_count() - before;
    for (uint64_t n = 1; n <= total; n++) {
        mem_fail_at(n);
        enum sor_err err = open_and_put();
        mem_fail_at(0);
        assert_true(err == SOR_NOMEM || err == SOR_FORMAT);
        n_failed += err == SOR_NOMEM;
    }
    assert_true(n_failed > 20);
    assert_int_equal(open_and_put(), SOR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(wrong_places_are_refused),
        DBTEST(strangers_are_refused),
        DBTEST(a_file_half_made_is_put_right),
        DBTEST(files_are_private),
        DBTEST(a_readonly_folder_can_be_read),
        DBTEST(a_full_disk_keeps_what_was_committed),
        DBTEST(memory_runs_out),
    };
    return cmocka_run_group_tests_name("db_place", tests, NULL, NULL);
}
