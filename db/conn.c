#include "db/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "db/sql_embed.h"

static const struct { int rc; enum sor_err err; } errors[] = {
    { SQLITE_OK,         SOR_OK },
    { SQLITE_DONE,       SOR_OK },
    { SQLITE_ROW,        SOR_OK },
    { SQLITE_BUSY,       SOR_BUSY },
    { SQLITE_LOCKED,     SOR_BUSY },
    { SQLITE_NOMEM,      SOR_NOMEM },
    { SQLITE_INTERRUPT,  SOR_INTERRUPTED },
    { SQLITE_CORRUPT,    SOR_FORMAT },
    { SQLITE_NOTADB,     SOR_FORMAT },
    { SQLITE_CONSTRAINT, SOR_FORMAT },
    { SQLITE_MISMATCH,   SOR_FORMAT },
    { SQLITE_SCHEMA,     SOR_FORMAT },
    { SQLITE_TOOBIG,     SOR_LIMIT },
    { SQLITE_FULL,       SOR_FULL },
    { SQLITE_IOERR,      SOR_FULL },    /* a limit on file sizes is one too */
    { SQLITE_ERROR,      SOR_FORMAT },  /* our SQL is right, so the schema
                                         * that it met is not */
};

enum sor_err conn_err(int rc)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].rc == (rc & 0xff))
            return errors[i].err;
    return SOR_IO;
}

/* The file's version; that of this build where it cannot be asked. */
static int file_version(struct db *d)
{
    sqlite3_stmt *st = NULL;
    int version = db_n_migrations;

    if (sqlite3_prepare_v2(d->sq, "PRAGMA user_version", -1, &st, NULL) ==
        SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        version = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return version;
}

/* What a schema that lacks something, or cannot be read, means. */
static const char *schema_hint(struct db *d, const char *said)
{
    static const struct { const char *text; int may_be_old; } signs[] = {
        { "no such table", 1 }, { "no such column", 1 },
        { "malformed database schema", 0 },
    };

    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (strncmp(said, signs[i].text, strlen(signs[i].text)) != 0)
            continue;
        /* a reader meets the file as an earlier version left it */
        return signs[i].may_be_old && file_version(d) < db_n_migrations
               ? "; an earlier version made this file, and sorites sql "
                 "--write \"SELECT 1\" brings it up to date"
               : "; the file's schema is damaged or was tampered with";
    }
    return "";
}

enum sor_err conn_fail(struct db *d, struct sor_msg *msg, const char *doing)
{
    int rc = sqlite3_errcode(d->sq);
    int os = rc == SQLITE_CANTOPEN ? sqlite3_system_errno(d->sq) : 0;
    char said[256];

    /* its own text goes with the next statement */
    snprintf(said, sizeof said, "%s", sqlite3_errmsg(d->sq));
    return sor_fail(msg, rc == SQLITE_OK ? SOR_NOMEM : conn_err(rc),
                    "%s: %s: %s%s%s%s", d->path, doing, said,
                    os ? ": " : "", os ? strerror(os) : "",
                    schema_hint(d, said));
}

enum sor_err conn_exec(struct db *d, const char *sql, struct sor_msg *msg)
{
    if (sqlite3_exec(d->sq, sql, NULL, NULL, NULL) != SQLITE_OK)
        return conn_fail(d, msg, "database");
    return SOR_OK;
}

enum sor_err conn_prepare(struct db *d, const char *sql, sqlite3_stmt **out,
                          struct sor_msg *msg)
{
    if (sqlite3_prepare_v3(d->sq, sql, -1, SQLITE_PREPARE_PERSISTENT, out,
                           NULL) != SQLITE_OK)
        return conn_fail(d, msg, "database");
    return SOR_OK;
}

enum sor_err conn_int(struct db *d, const char *sql, int64_t arg,
                      int64_t *out, struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(d, sql, &st, msg);

    if (err)
        return err;
    if (sqlite3_bind_parameter_count(st) > 0)
        sqlite3_bind_int64(st, 1, arg);

    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    else if (rc == SQLITE_DONE)
        *out = 0;
    else
        err = conn_fail(d, msg, "database");
    sqlite3_finalize(st);
    return err;
}

enum sor_err conn_look(const char *path, int *exists, struct sor_msg *msg)
{
    struct stat st;

    *exists = stat(path, &st) == 0;
    if (!*exists && errno != ENOENT)
        return sor_fail(msg, SOR_IO, "%s: %s", path, strerror(errno));
    if (*exists && S_ISDIR(st.st_mode))
        return sor_fail(msg, SOR_IO, "%s: is a directory, not a database",
                        path);
    if (*exists && !S_ISREG(st.st_mode))
        return sor_fail(msg, SOR_IO, "%s: not a regular file", path);
    return SOR_OK;
}

enum sor_err conn_open(const char *path, int flags, struct db **out,
                       struct sor_msg *msg)
{
    struct db *d = mem_calloc(1, sizeof *d);
    enum sor_err err;

    if (!d || !(d->path = mem_strdup(path))) {
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
        goto fail;
    }
    if (sqlite3_open_v2(path, &d->sq, flags | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        err = d->sq ? conn_fail(d, msg, "cannot open")
                    : sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
        goto fail;
    }
    sqlite3_extended_result_codes(d->sq, 1);
    sqlite3_busy_timeout(d->sq, CONN_BUSY_MS);
    sqlite3_db_config(d->sq, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(d->sq, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(d->sq, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(d->sq, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    *out = d;
    return SOR_OK;
fail:
    db_close(d);
    return err;
}

void db_close(struct db *d)
{
    if (!d)
        return;
    for (int i = 0; i < CONN_GETS; i++)
        sqlite3_finalize(d->get[i]);
    sqlite3_close(d->sq);
    mem_free(d->path);
    mem_free(d);
}

enum sor_err conn_version(struct db *d, int *version, struct sor_msg *msg)
{
    int64_t app = 0, user = 0, n_object = 0;
    enum sor_err err;

    /* Whose it is comes last: if another process makes the schema between two
     * of these, the file is then empty or ours, never a stranger's. */
    if ((err = conn_int(d, "PRAGMA user_version", 0, &user, msg)) ||
        (err = conn_int(d, "SELECT count(*) FROM sqlite_schema", 0, &n_object,
                        msg)) ||
        (err = conn_int(d, "PRAGMA application_id", 0, &app, msg)))
        return err;
    if (app != CONN_APPLICATION_ID && (app || user || n_object))
        return sor_fail(msg, SOR_FORMAT, "%s: an SQLite database, but not one "
                        "made by sorites", d->path);
    if (user > db_n_migrations)
        return sor_fail(msg, SOR_UNSUP, "%s: made by a newer sorites (schema "
                        "%d; this program knows up to %d)", d->path,
                        (int)user, db_n_migrations);
    *version = (int)user;
    return SOR_OK;
}
