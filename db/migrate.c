#include "db/migrate.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "db/sql_embed.h"

/* Runs `sql` between BEGIN and COMMIT. */
static enum sor_err in_transaction(struct db *d, const char *sql,
                                   struct sor_msg *msg)
{
    enum sor_err err = conn_exec(d, "BEGIN IMMEDIATE", msg);

    if (err)
        return err;
    if (!(err = conn_exec(d, sql, msg)))
        err = conn_exec(d, "COMMIT", msg);
    if (err)
        sqlite3_exec(d->sq, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

static enum sor_err apply(struct db *d, const struct db_sql *m,
                          struct sor_msg *msg)
{
    enum sor_err err;
    struct str sql;

    str_init(&sql);
    str_puts(&sql, m->text);
    str_printf(&sql, ";\nPRAGMA application_id = %d;\n"
               "PRAGMA user_version = %d;", CONN_APPLICATION_ID, m->version);
    err = str_ok(&sql) ? in_transaction(d, sql.p, msg)
                       : sor_fail(msg, SOR_NOMEM, "%s: out of memory",
                                  d->path);
    str_release(&sql);
    return err;
}

/* Appends "DROP VIEW name;" for each view in the file. */
static enum sor_err drop_views(struct db *d, struct str *sql,
                               struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(d, "SELECT printf('DROP VIEW \"%w\";', "
        "name) FROM sqlite_schema WHERE type = 'view'", &st, msg);
    int rc = SQLITE_DONE;

    while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW)
        str_puts(sql, (const char *)sqlite3_column_text(st, 0));
    if (!err && rc != SQLITE_DONE)
        err = conn_fail(d, msg, "views");
    sqlite3_finalize(st);
    return err;
}

static enum sor_err make_views(struct db *d, struct sor_msg *msg)
{
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    int64_t made;
    enum sor_err err = SOR_OK;
    struct str sql;

    sha256_bytes(db_views_sql, strlen(db_views_sql), sum);
    hash_hex(sum, sizeof sum, hex);
    str_init(&sql);
    str_printf(&sql, "SELECT 1 FROM views_made WHERE sha256 = x'%s'", hex);
    if (str_ok(&sql) && !(err = conn_int(d, sql.p, 0, &made, msg)) && !made) {
        str_clear(&sql);
        err = drop_views(d, &sql, msg);
        str_puts(&sql, db_views_sql);
        str_printf(&sql, ";\nINSERT OR REPLACE INTO views_made "
                   "VALUES (1, x'%s');", hex);
        if (!err && str_ok(&sql))
            err = in_transaction(d, sql.p, msg);
    }
    if (!str_ok(&sql))
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", d->path);
    str_release(&sql);
    return err;
}

enum sor_err migrate(struct db *d, int version, struct sor_msg *msg)
{
    enum sor_err err;

    for (int i = version; i < db_n_migrations; i++)
        if ((err = apply(d, &db_migrations[i], msg)))
            return err;
    return make_views(d, msg);
}
