#define _XOPEN_SOURCE 700       /* realpath() */

#include "db/db.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/cursor.h"

/* --- opening ------------------------------------------------------------- */

/* Rows that a killed writer left in the WAL cannot be read without writing
 * beside the file. */
static void warn_wal(const char *path)
{
    struct stat st;
    struct str wal;

    str_init(&wal);
    str_printf(&wal, "%s-wal", path);
    if (str_ok(&wal) && stat(wal.p, &st) == 0 && st.st_size > 0)
        log_warn("%s: the folder is read-only, so the newest rows, still in "
                 "%s, are not shown", path, wal.p);
    str_release(&wal);
}

/* Opens a file that nobody can be writing to, without the side files that
 * SQLite wants for the WAL.  As a URI, whose special characters are coded. */
static enum sor_err open_immutable(const char *path, struct db **out,
                                   struct sor_msg *msg)
{
    char *real = realpath(path, NULL);
    enum sor_err err;
    struct str uri;

    str_init(&uri);
    str_puts(&uri, "file:");
    for (const char *p = real ? real : path; *p; p++) {
        if (isalnum((unsigned char)*p) || strchr("/-_.~", *p))
            str_putc(&uri, *p);
        else
            str_printf(&uri, "%%%02X", (unsigned)(unsigned char)*p);
    }
    str_puts(&uri, "?immutable=1");
    err = str_ok(&uri)
              ? conn_open(uri.p, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, out,
                          msg)
              : sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    str_release(&uri);
    free(real);
    return err;
}

/* Where the first reading failed for want of a place to write -shm.  Not in
 * any other folder: immutable means that the WAL is passed over. */
static int wants_side_files(struct db *d)
{
    int rc = sqlite3_errcode(d->sq) & 0xff, readonly;
    const char *slash = strrchr(d->path, '/');
    char *folder = slash ? mem_strndup(d->path, (size_t)(slash - d->path) + 1)
                         : mem_strdup(".");

    readonly = folder && access(folder, W_OK) != 0;
    mem_free(folder);
    return readonly && (rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY);
}

/* A journal is left only by a writer that was killed while it made the file:
 * from then on there is a WAL, and any reader can read that. */
static enum sor_err unfinished(struct db *d, struct sor_msg *msg)
{
    return sor_fail(msg, SOR_FORMAT, "%s: its writer was killed while making "
                    "it, so nothing is recorded; the next run puts it right",
                    d->path);
}

/* Opens it the one way or the other; *version as conn_version() has it. */
static enum sor_err open_reading(const char *path, struct db **d,
                                 int *version, struct sor_msg *msg)
{
    enum sor_err err = conn_open(path, SQLITE_OPEN_READONLY, d, msg);

    if (err || !(err = conn_version(*d, version, msg)))
        return err;
    if (sqlite3_errcode((*d)->sq) == SQLITE_READONLY_ROLLBACK)
        return unfinished(*d, msg);
    if (!wants_side_files(*d))
        return err;
    db_close(*d);
    *d = NULL;
    warn_wal(path);
    if (!(err = open_immutable(path, d, msg)))
        err = conn_version(*d, version, msg);
    return err;
}

enum sor_err db_open(const char *path, struct db **out, struct sor_msg *msg)
{
    struct db *d = NULL;
    int exists, version = 0;
    enum sor_err err = conn_look(path, &exists, msg);

    if (!err && !exists)
        err = sor_fail(msg, SOR_IO, "%s: no such database", path);
    if (!err)
        err = open_reading(path, &d, &version, msg);
    if (!err && version == 0)
        err = sor_fail(msg, SOR_FORMAT, "%s: an empty file; nothing was "
                       "recorded into it", path);
    if (err) {
        db_close(d);
        return err;
    }
    *out = d;
    return SOR_OK;
}

int64_t db_data_version(struct db *d)
{
    int64_t v = 0;

    conn_int(d, "PRAGMA data_version", 0, &v, NULL);
    return v;
}

/* --- addresses ----------------------------------------------------------- */

/* Runs whose uid begins with the n bytes at name. */
static enum sor_err find_prefix(struct db *d, const char *name, size_t n,
                                int64_t *id, struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    int n_found = 0;
    enum sor_err err = conn_prepare(d, "SELECT id FROM run WHERE uid >= ?1 "
                                    "AND uid < ?1 || 'g' LIMIT 2", &st, msg);

    if (err)
        return err;
    sqlite3_bind_text(st, 1, name, (int)n, SQLITE_STATIC);
    while (sqlite3_step(st) == SQLITE_ROW)
        if (n_found++ == 0)
            *id = sqlite3_column_int64(st, 0);
    if (sqlite3_finalize(st) != SQLITE_OK)
        return conn_fail(d, msg, "run");
    if (n_found == 0)
        return sor_fail(msg, SOR_NOTFOUND, "%s: no run %.*s", d->path, (int)n,
                        name);
    if (n_found > 1)
        return sor_fail(msg, SOR_NOTFOUND, "%s: %.*s is the beginning of more "
                        "than one run; give more digits", d->path, (int)n,
                        name);
    return SOR_OK;
}

static enum sor_err find_run(struct db *d, const char *name, size_t n,
                             int64_t *id, struct sor_msg *msg)
{
    char lower[33] = "";                /* a uid may be typed in upper case */
    int64_t found = 0;
    enum sor_err err;

    for (size_t i = 0; i < n && i < sizeof lower - 1; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    if (n == 4 && memcmp(name, "last", 4) == 0) {
        err = conn_int(d, "SELECT max(id) FROM run", 0, &found, msg);
        if (!err && !found)
            err = sor_fail(msg, SOR_NOTFOUND, "%s: no runs in it", d->path);
    } else if (n == 0 || n > 32 || strspn(lower, "0123456789abcdef") < n) {
        err = sor_fail(msg, SOR_NOTFOUND, "%.*s: not a run: it takes the "
                       "first hex digits of its uid, or \"last\"", (int)n,
                       name);
    } else {
        err = find_prefix(d, lower, n, &found, msg);
    }
    if (!err)
        *id = found;
    return err;
}

enum sor_err db_find_run(struct db *d, const char *name, int64_t *id,
                         struct sor_msg *msg)
{
    return find_run(d, name, strlen(name), id, msg);
}

/* Reads a number from *p on and moves past it; -1 where there is none. */
static int take_number(const char **p)
{
    long v = 0;

    if (!isdigit((unsigned char)**p))
        return -1;
    for (; isdigit((unsigned char)**p); (*p)++)
        if (v <= INT_MAX)
            v = v * 10 + (**p - '0');
    return v > INT_MAX ? INT_MAX : (int)v;
}

/* The id of child `ordinal` of `parent`; SOR_NOTFOUND. */
static enum sor_err find_child(struct db *d, const char *sql, int64_t parent,
                               int ordinal, int64_t *id)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(d, sql, &st, NULL);

    if (err)
        return err;
    sqlite3_bind_int64(st, 1, parent);
    sqlite3_bind_int(st, 2, ordinal);

    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *id = sqlite3_column_int64(st, 0);
    else
        err = rc == SQLITE_DONE ? SOR_NOTFOUND : conn_err(rc);
    sqlite3_finalize(st);
    return err;
}

int db_has_table(struct db *d, const char *name)
{
    struct db_cur *c = cursor_open(d, "SELECT 1 FROM sqlite_schema WHERE name "
        "= ?1 AND type IN ('table', 'view') AND substr(name, 1, 7) <> "
        "'sqlite_'");

    cursor_bind_text(c, 1, name);
    int has = cursor_step(c) == 1;
    db_cur_close(c);
    return has;
}

/* Splits RUN[:PATH[:STEP|@POS]] into its numbers. */
static enum sor_err split(const char *address, size_t *n_run,
                          struct db_addr *a, struct sor_msg *msg)
{
    const char *p = address + strcspn(address, ":@");
    int ok = 1;

    *n_run = (size_t)(p - address);
    if (*p == ':') {
        p++;
        ok = (a->path = take_number(&p)) >= 0;
        if (ok && *p == ':') {
            p++;
            ok = (a->step = take_number(&p)) >= 0;
        } else if (ok && *p == '@') {
            p++;
            ok = (a->pos = take_number(&p)) >= 0;
        }
    }
    if (!ok || *p)
        return sor_fail(msg, SOR_USAGE, "%s: not an address; it is RUN, "
                        "RUN:PATH, RUN:PATH:STEP or RUN:PATH@POS", address);
    return SOR_OK;
}

enum sor_err db_find(struct db *d, const char *address, struct db_addr *out,
                     struct sor_msg *msg)
{
    struct db_addr a = { -1, -1, -1, -1, -1, -1 };
    size_t n_run;
    enum sor_err err;

    if ((err = split(address, &n_run, &a, msg)) ||
        (err = find_run(d, address, n_run, &a.run_id, msg)))
        return err;
    if (a.path >= 0 &&
        (err = find_child(d, "SELECT id FROM path WHERE run_id = ? "
                          "AND ordinal = ?", a.run_id, a.path, &a.path_id)))
        return sor_fail(msg, err, "%s: no path %d in this run", address,
                        a.path);
    if (a.step >= 0 &&
        (err = find_child(d, "SELECT id FROM step WHERE path_id = ? "
                          "AND ordinal = ?", a.path_id, a.step, &a.step_id)))
        return sor_fail(msg, err, "%s: no step %d on this path", address,
                        a.step);
    if (a.pos >= 0 && a.pos >= db_path_len(d, a.path_id))
        return sor_fail(msg, SOR_NOTFOUND, "%s: this path has %d positions, "
                        "counted from 0", address,
                        db_path_len(d, a.path_id));
    *out = a;
    return SOR_OK;
}
