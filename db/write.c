#define _XOPEN_SOURCE 700       /* realpath() */

#include "db/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/xdg.h"
#include "db/lock.h"
#include "db/migrate.h"
#include "db/writer.h"

/* FULL syncs the WAL at each commit, so that a batch whose id db_commit()
 * returned survives a power cut and not only kill -9.  It costs one fsync a
 * batch, some milliseconds on the writer's thread, twice to five times a
 * second.  A lazy writer leaves that to its checkpoints (NORMAL: a power cut
 * takes whole batches from the end, never part of one), the last of them in
 * db_writer_close(). */
static const char pragmas[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA wal_autocheckpoint = 0;"    /* db_commit() sees to it */
    "PRAGMA journal_size_limit = 33554432;"
    "PRAGMA cache_size = -16384;";

/* --- opening ------------------------------------------------------------- */

/* The default place is made where it is missing; any other folder must be
 * there already, since a mistyped --db should not leave folders behind. */
static enum sor_err make_default_parent(const char *path, struct sor_msg *msg)
{
    enum sor_err err;
    struct str usual;

    str_init(&usual);
    err = xdg_path(XDG_DATA, "trace.db", &usual, NULL);
    if (!err && str_ok(&usual) && strcmp(usual.p, path) == 0)
        err = xdg_make_parent(path, msg);
    else
        err = SOR_OK;
    str_release(&usual);
    return err;
}

/* The path without symbolic links, so that every way to name the file leads
 * to one lock.  *out is freed with mem_free(). */
static enum sor_err resolve(const char *path, int exists, char **out,
                            struct sor_msg *msg)
{
    const char *slash = strrchr(path, '/');
    const char *leaf = slash ? slash + 1 : path;
    char *folder = mem_strndup(path, slash ? (size_t)(leaf - path) : 0);
    char *real = NULL;
    enum sor_err err = SOR_OK;
    struct str s;

    if (!*leaf) {
        mem_free(folder);
        return sor_fail(msg, SOR_IO, "\"%s\": names no file", path);
    }
    str_init(&s);
    if (folder)
        real = realpath(exists ? path : *folder ? folder : ".", NULL);
    if (real)
        str_printf(&s, exists ? "%s" : "%s/%s", real, leaf);
    if (folder && !real)
        err = sor_fail(msg, SOR_IO, "%s: %s", path, strerror(errno));
    else if (!folder || !str_ok(&s) || !(*out = mem_strdup(s.p)))
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    str_release(&s);
    free(real);
    mem_free(folder);
    return err;
}

/* Refuses what is no database of ours before the lock file is made.  What a
 * read-only connection cannot do (roll back the journal of a writer that was
 * killed while it made the file) is not held against the file. */
static enum sor_err probe(const char *path, struct sor_msg *msg)
{
    struct db *d = NULL;
    int version;
    enum sor_err err = conn_open(path, SQLITE_OPEN_READONLY, &d, msg);

    if (!err)
        err = conn_version(d, &version, msg);
    db_close(d);
    return err == SOR_IO || err == SOR_FULL || err == SOR_BUSY ? SOR_OK : err;
}

/* Makes the file, so that its mode (which SQLite gives to -wal and -shm too)
 * is ours to choose. */
static enum sor_err make_file(const char *path, struct sor_msg *msg)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return sor_fail(msg, errno == ENOSPC ? SOR_FULL : SOR_IO, "%s: %s",
                        path, strerror(errno));
    close(fd);
    return SOR_OK;
}

static int on_wal(void *ud, sqlite3 *sq, const char *name, int n_page)
{
    (void)sq, (void)name;
    ((struct db_writer *)ud)->wal_page = n_page;
    return SQLITE_OK;
}

static enum sor_err connect_rw(struct db_writer *w, const char *path,
                               struct sor_msg *msg)
{
    enum sor_err err = conn_open(path, SQLITE_OPEN_READWRITE, &w->d, msg);
    int version = 0;

    if (!err && sqlite3_db_readonly(w->d->sq, "main"))
        return sor_fail(msg, SOR_IO, "%s: is not writable", path);
    if (err || (err = conn_version(w->d, &version, msg)))
        return err;
    if (version == 0) {
        char sql[48];

        sqlite3_snprintf(sizeof sql, sql, "PRAGMA page_size = %d",
                         CONN_PAGE_BYTES);
        err = conn_exec(w->d, sql, msg);
    }
    if (err || (err = conn_exec(w->d, pragmas, msg)) ||
        (err = migrate(w->d, version, msg)))
        return err;
    sqlite3_wal_hook(w->d->sq, on_wal, w);
    return SOR_OK;
}

/* Ids go on after the last one ever given, removed rows included: the chain
 * remembers those. */
static enum sor_err load_ids(struct db_writer *w, struct sor_msg *msg)
{
    for (int t = 0; t < TABLES; t++) {
        char sql[256];
        int64_t last;
        enum sor_err err;

        sqlite3_snprintf(sizeof sql, sql, "SELECT max("
            "coalesce((SELECT max(id) FROM \"%w\"), 0), coalesce((SELECT "
            "max(last_id) FROM batch_part WHERE table_name = %Q), 0))",
            tables[t].name, tables[t].name);
        if ((err = conn_int(w->d, sql, 0, &last, msg)))
            return err;
        w->next_id[t] = last + 1;
    }
    return SOR_OK;
}

static enum sor_err load_head(struct db_writer *w, struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_int(w->d, "SELECT max(id) FROM batch_part", 0,
                                &w->part_id, msg);

    if (!err)
        err = conn_prepare(w->d, "SELECT id, hash FROM batch "
                           "ORDER BY id DESC LIMIT 1", &st, msg);
    if (err)
        return err;
    if (sqlite3_step(st) == SQLITE_ROW) {
        w->batch_id = sqlite3_column_int64(st, 0);
        if (sqlite3_column_bytes(st, 1) == SHA256_BYTES)
            memcpy(w->head, sqlite3_column_blob(st, 1), SHA256_BYTES);
    }
    sqlite3_finalize(st);
    return SOR_OK;
}

static enum sor_err prepare_all(struct db_writer *w, struct sor_msg *msg)
{
    const struct { sqlite3_stmt **st; const char *sql; } list[] = {
        { &w->insert_batch, "INSERT INTO batch VALUES (?, ?, ?, ?, ?)" },
        { &w->insert_part,
          "INSERT INTO batch_part VALUES (?, ?, ?, ?, ?, ?, ?)" },
        { &w->find_text, "SELECT id, body IS NULL FROM text WHERE sha256 = ?" },
        { &w->revive_text, "UPDATE text SET body = ?2 WHERE id = ?1" },
    };
    enum sor_err err;

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if ((err = conn_prepare(w->d, list[i].sql, list[i].st, msg)))
            return err;
    for (int t = 0; t < TABLES; t++) {
        struct str s;

        str_init(&s);
        str_printf(&s, "INSERT INTO \"%s\" VALUES (?", tables[t].name);
        for (int i = 1; i < tables[t].n_column; i++)
            str_puts(&s, ", ?");
        str_putc(&s, ')');
        err = str_ok(&s) ? conn_prepare(w->d, s.p, &w->insert[t], msg)
                         : sor_fail(msg, SOR_NOMEM, "out of memory");
        str_release(&s);
        if (err || (err = table_hash_open(&w->part[t].hash, msg)))
            return err;
    }
    return table_hash_open(&w->hash, msg);
}

static enum sor_err open_real(struct db_writer *w, const char *path,
                              const struct db_writer_opts *o,
                              struct sor_msg *msg)
{
    enum sor_err err = lock_take(path, o, &w->lock_fd, msg);
    int exists = 0;

    if (err || (err = conn_look(path, &exists, msg)) ||
        (!exists && (err = make_file(path, msg))))
        return err;
    if ((err = connect_rw(w, path, msg)) || (err = prepare_all(w, msg)) ||
        (err = load_ids(w, msg)) || (err = load_head(w, msg)) ||
        (o && o->lazy &&
         (err = conn_exec(w->d, "PRAGMA synchronous = NORMAL", msg)))) {
        if (!exists) {
            db_close(w->d);
            w->d = NULL;
            unlink(path);
        }
        return err;
    }
    return SOR_OK;
}

enum sor_err db_writer_open(const char *path, const struct db_writer_opts *o,
                            struct db_writer **out, struct sor_msg *msg)
{
    struct db_writer *w = mem_calloc(1, sizeof *w);
    char *real = NULL;
    int exists = 0;
    enum sor_err err;

    if (!w)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    w->lock_fd = -1;
    if ((err = conn_look(path, &exists, msg)) ||
        (exists && (err = probe(path, msg))) ||
        (!exists && (err = make_default_parent(path, msg))) ||
        (err = resolve(path, exists, &real, msg)) ||
        (err = open_real(w, real, o, msg))) {
        db_writer_close(w);
        mem_free(real);
        return err;
    }
    mem_free(real);
    *out = w;
    return SOR_OK;
}

void db_writer_close(struct db_writer *w)
{
    if (!w)
        return;
    if (w->d) {
        db_rollback(w);
        /* Also empties the WAL; where a reader is in the way it stays, whole
         * and valid. */
        sqlite3_wal_checkpoint_v2(w->d->sq, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                  NULL, NULL);
    }
    for (int t = 0; t < TABLES; t++) {
        sqlite3_finalize(w->insert[t]);
        table_hash_close(&w->part[t].hash);
    }
    sqlite3_finalize(w->insert_batch);
    sqlite3_finalize(w->insert_part);
    sqlite3_finalize(w->find_text);
    sqlite3_finalize(w->revive_text);
    table_hash_close(&w->hash);
    db_close(w->d);
    lock_drop(w->lock_fd);
    mem_free(w->cover);
    mem_free(w->have);
    mem_free(w);
}
