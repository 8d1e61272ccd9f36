/* Verification, in this order: every batch against the one before it, every
 * part against the rows it names, every text against its hash, rows that no
 * batch knows, the schema, and then SQLite's own checks, which find what the
 * rows do not show (indexes, the shape of the pages).
 *
 * Rows may be gone lawfully in two ways.  A run with a tombstone has lost the
 * rows of its own tables, all of them (rm) or those that spell text (forget).
 * Of the shared tables single rows went: there the tombstone's batch holds a
 * newer part over the same ids, which covers what is left. */
#include "db/chain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "db/migrate.h"
#include "db/table.h"
#include "db/text_use.h"

/* A check returns SOR_DIFFERS when it has written report->where. */
struct check {
    struct db *d;
    struct chain_report *report;
    struct sor_msg *msg;
    struct table_hash hash;
    sqlite3_stmt *rows[TABLES];         /* table_select() */
    sqlite3_stmt *parts, *renewed, *tombstone;
    int64_t n_row[TABLES];              /* found where a part says so */
    int64_t n_part;
};

__attribute__((format(printf, 2, 3)))
static enum sor_err differs(struct check *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(c->report->where, sizeof c->report->where, fmt, ap);
    va_end(ap);
    return SOR_DIFFERS;
}

/* A page that cannot be read is a finding, not a failure to look. */
static enum sor_err unreadable(struct check *c, const char *what)
{
    struct sor_msg why;
    enum sor_err err = conn_fail(c->d, &why, what);

    if (err == SOR_FORMAT)
        why.text[0] = '\0';         /* the report says what is found */
    if (c->msg)
        *c->msg = why;
    return err == SOR_FORMAT ? differs(c, "%s: cannot be read: %s", what,
                                       sqlite3_errmsg(c->d->sq)) : err;
}

/* --- the batches --------------------------------------------------------- */

/* Appends "3fa2a1b0:0@64" for row id; nothing where it has no address. */
static void put_address(struct check *c, struct str *out, enum table t,
                        int64_t id)
{
    sqlite3_stmt *st = NULL;

    if (!tables[t].address ||
        conn_prepare(c->d, tables[t].address, &st, NULL) != SOR_OK)
        return;
    sqlite3_bind_int64(st, 1, id);
    if (sqlite3_step(st) == SQLITE_ROW) {
        str_printf(out, "%.8s", (const char *)sqlite3_column_text(st, 0));
        if (sqlite3_column_type(st, 1) != SQLITE_NULL)
            str_printf(out, ":%d", sqlite3_column_int(st, 1));
        if (sqlite3_column_type(st, 2) != SQLITE_NULL)
            str_printf(out, "@%d", sqlite3_column_int(st, 2));
    }
    sqlite3_finalize(st);
}

/* "token rows 320..383 (3fa2a1b0:0@64 .. 3fa2a1b0:0@127)" */
static void put_range(struct check *c, struct str *out,
                      const struct table_range *r)
{
    struct str first, last;

    str_init(&first);
    str_init(&last);
    put_address(c, &first, r->t, r->first_id);
    put_address(c, &last, r->t, r->last_id);
    str_printf(out, "%s rows %lld..%lld", tables[r->t].name,
               (long long)r->first_id, (long long)r->last_id);
    if (first.len || last.len)      /* a row that is gone has no address */
        str_printf(out, " (%s%s%s)", first.p,
                   first.len && last.len ? " .. " : "", last.p);
    str_release(&first);
    str_release(&last);
}

static enum sor_err bad_part(struct check *c, int64_t batch_id,
                             const struct table_range *r, const char *what)
{
    enum sor_err err;
    struct str s;

    str_init(&s);
    put_range(c, &s, r);
    err = differs(c, "batch %lld: %s: %s", (long long)batch_id, s.p, what);
    str_release(&s);
    return err;
}

/* What became of the rows of a part. */
enum fate { FATE_HERE, FATE_GONE, FATE_RENEWED };

/* A newer part over the same ids counts only beside a tombstone. */
static enum sor_err find_renewal(struct check *c, int64_t part_id,
                                 const struct table_range *want,
                                 enum fate *fate)
{
    sqlite3_stmt *st = c->renewed;

    sqlite3_bind_text(st, 1, tables[want->t].name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, want->first_id);
    sqlite3_bind_int64(st, 3, want->last_id);
    sqlite3_bind_int64(st, 4, part_id);
    if (sqlite3_step(st) == SQLITE_ROW) {
        *fate = FATE_RENEWED;
        c->report->n_removed += want->n_row - sqlite3_column_int64(st, 0);
    }
    return sqlite3_reset(st) == SQLITE_OK ? SOR_OK
                                          : unreadable(c, "batch_part");
}

/* Has the run lost the rows of this table by rm or forget? */
static enum sor_err find_tombstone(struct check *c, int64_t run_id,
                                   const struct table_range *want,
                                   enum fate *fate)
{
    sqlite3_stmt *st = c->tombstone;

    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int(st, 2, tables[want->t].spelled);
    if (sqlite3_step(st) == SQLITE_ROW) {
        *fate = FATE_GONE;
        c->report->n_removed += want->n_row;
    }
    return sqlite3_reset(st) == SQLITE_OK ? SOR_OK
                                          : unreadable(c, "tombstone");
}

static enum sor_err check_part(struct check *c, int64_t batch_id,
                               int64_t run_id, int64_t part_id,
                               const struct table_range *want)
{
    struct table_range have = *want;
    enum fate fate = FATE_HERE;
    enum sor_err err = tables[want->t].of_run
                           ? find_tombstone(c, run_id, want, &fate)
                           : find_renewal(c, part_id, want, &fate);

    if (err || fate == FATE_RENEWED)
        return err;
    if (table_digest(c->rows[want->t], &c->hash, &have) != SQLITE_OK) {
        err = unreadable(c, tables[want->t].name);
        return err == SOR_DIFFERS
                   ? bad_part(c, batch_id, want, sqlite3_errmsg(c->d->sq))
                   : err;
    }
    if (fate == FATE_GONE)
        return have.n_row == 0 ? SOR_OK
                               : bad_part(c, batch_id, want,
                                          "rows of a removed run");
    if (have.n_row != want->n_row)
        return bad_part(c, batch_id, want, have.n_row < want->n_row
                                               ? "rows are missing"
                                               : "rows were added");
    if (memcmp(have.digest, want->digest, SHA256_BYTES) != 0)
        return bad_part(c, batch_id, want, "content was changed");
    c->report->n_row += have.n_row;
    c->n_row[want->t] += have.n_row;
    return SOR_OK;
}

/* The parts of one batch: into its hash, and each against its rows. */
static enum sor_err check_parts(struct check *c, int64_t batch_id,
                                int64_t run_id, struct table_hash *h)
{
    sqlite3_stmt *st = c->parts;
    enum sor_err err = SOR_OK;

    sqlite3_bind_int64(st, 1, batch_id);
    while (!err && sqlite3_step(st) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(st, 2);
        struct table_range want = {
            .t = table_find(name ? name : ""),
            .first_id = sqlite3_column_int64(st, 3),
            .last_id = sqlite3_column_int64(st, 4),
            .n_row = sqlite3_column_int64(st, 5),
        };

        table_hash_row(h, st, 7);
        if (want.t == TABLES || sqlite3_column_bytes(st, 6) != SHA256_BYTES) {
            err = differs(c, "batch %lld: batch_part row %lld is damaged",
                          (long long)batch_id,
                          (long long)sqlite3_column_int64(st, 0));
            break;
        }
        memcpy(want.digest, sqlite3_column_blob(st, 6), SHA256_BYTES);
        c->n_part++;
        err = check_part(c, batch_id, run_id, sqlite3_column_int64(st, 0),
                         &want);
    }
    if (sqlite3_reset(st) != SQLITE_OK && !err)
        err = unreadable(c, "batch_part");
    return err;
}

/* The row of batch that st stands on: id, run_id, at_us, prev, hash. */
static enum sor_err check_batch(struct check *c, sqlite3_stmt *st,
                                struct table_hash *h)
{
    struct chain_report *r = c->report;
    int64_t id = sqlite3_column_int64(st, 0);
    uint8_t hash[SHA256_BYTES];
    enum sor_err err;

    if (id != r->n_batch + 1)
        return differs(c, "batch %lld is missing", (long long)r->n_batch + 1);
    if (sqlite3_column_bytes(st, 3) != SHA256_BYTES ||
        memcmp(sqlite3_column_blob(st, 3), r->head, SHA256_BYTES) != 0)
        return differs(c, "batch %lld: does not follow from batch %lld",
                       (long long)id, (long long)id - 1);
    table_hash_row(h, st, 4);
    err = check_parts(c, id, sqlite3_column_int64(st, 1), h);
    table_hash_final(h, hash);
    if (err)
        return err;
    if (sqlite3_column_bytes(st, 4) != SHA256_BYTES ||
        memcmp(sqlite3_column_blob(st, 4), hash, SHA256_BYTES) != 0)
        return differs(c, "batch %lld: its record in batch or batch_part was "
                       "changed", (long long)id);
    memcpy(r->head, hash, SHA256_BYTES);
    r->n_batch++;
    return SOR_OK;
}

static enum sor_err check_batches(struct check *c)
{
    sqlite3_stmt *st = NULL;
    struct table_hash h = { 0 };
    enum sor_err err = table_hash_open(&h, c->msg);

    if (!err)
        err = conn_prepare(c->d, "SELECT id, run_id, at_us, prev, hash "
                           "FROM batch ORDER BY id", &st, c->msg);
    while (!err && sqlite3_step(st) == SQLITE_ROW)
        err = check_batch(c, st, &h);
    if (sqlite3_finalize(st) != SQLITE_OK && !err)
        err = unreadable(c, "batch");
    table_hash_close(&h);
    return err;
}

/* --- rows that no batch knows -------------------------------------------- */

/* "token row 320 (3fa2a1b0:0@64)" */
static enum sor_err stray(struct check *c, enum table t, int64_t id)
{
    enum sor_err err;
    struct str where;

    str_init(&where);
    put_address(c, &where, t, id);
    err = differs(c, "%s row %lld%s%s%s: in no batch; it was added, or the "
                  "batches at the end were cut off", tables[t].name,
                  (long long)id, where.len ? " (" : "", where.p,
                  where.len ? ")" : "");
    str_release(&where);
    return err;
}

static enum sor_err check_strays(struct check *c, enum table t)
{
    const char *name = tables[t].name;
    char sql[512];
    int64_t n, id;

    snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", name);
    if (conn_int(c->d, sql, 0, &n, c->msg))
        return unreadable(c, name);
    if (n == c->n_row[t])
        return SOR_OK;
    snprintf(sql, sizeof sql, "SELECT id FROM \"%s\" AS t WHERE NOT EXISTS (SELECT 1 "
             "FROM batch_part b WHERE b.table_name = '%s' AND b.last_id >= "
             "t.id AND b.first_id <= t.id) LIMIT 1", name, name);
    if (conn_int(c->d, sql, 0, &id, c->msg))
        return unreadable(c, name);
    return stray(c, t, id);
}

/* Parts outlive their batch where only the end of `batch` was cut off. */
static enum sor_err check_cut(struct check *c)
{
    int64_t n, id;

    if (conn_int(c->d, "SELECT min(batch_id) FROM batch_part WHERE batch_id "
                 "NOT IN (SELECT id FROM batch)", 0, &id, c->msg))
        return unreadable(c, "batch_part");
    if (id)
        return differs(c, "batch %lld is missing: its parts and rows are "
                       "there, its record in batch is not", (long long)id);
    if (conn_int(c->d, "SELECT count(*) FROM batch_part", 0, &n, c->msg))
        return unreadable(c, "batch_part");
    return n == c->n_part ? SOR_OK
                          : differs(c, "batch_part: a row in no batch");
}

static enum sor_err check_all_strays(struct check *c)
{
    enum sor_err err = check_cut(c);

    for (int t = 0; t < TABLES && !err; t++)
        err = check_strays(c, (enum table)t);
    return err;
}

/* --- texts --------------------------------------------------------------- */

/* Where a text is used, for the message. */
static const char text_use[] =
    "SELECT substr(uid, 1, 8) || ': the prompt' FROM run WHERE prompt_id = ?1 "
    "UNION ALL SELECT substr(uid, 1, 8) || ': the system text' FROM run "
    "WHERE system_id = ?1 "
    "UNION ALL SELECT substr(r.uid, 1, 8) || ':' || p.ordinal || "
    "': the generated text' FROM path_end e JOIN path p ON p.id = e.path_id "
    "JOIN run r ON r.id = p.run_id WHERE e.text_id = ?1 "
    "UNION ALL SELECT substr(r.uid, 1, 8) || ':' || p.ordinal || "
    "': the answer' FROM answer a JOIN path p ON p.id = a.path_id "
    "JOIN run r ON r.id = p.run_id WHERE ?1 IN (a.text_id, a.norm_id) "
    "UNION ALL SELECT substr(r.uid, 1, 8) || ': the document' FROM document d "
    "JOIN run r ON r.id = d.run_id WHERE d.text_id = ?1 "
    "UNION ALL SELECT substr(r.uid, 1, 8) || ': of the review' FROM "
    TABLE_TEXT_USES " u JOIN run r ON r.id = u.run_id WHERE r.kind = 'review' "
    "AND u.text_id = ?1 LIMIT 1";

static enum sor_err bad_text(struct check *c, int64_t id, const char *what)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(c->d, text_use, &st, c->msg);

    if (err)
        return err;
    sqlite3_bind_int64(st, 1, id);

    const char *use = sqlite3_step(st) == SQLITE_ROW
                          ? (const char *)sqlite3_column_text(st, 0) : NULL;
    err = differs(c, "text row %lld%s%s%s: %s", (long long)id,
                  use ? " (" : "", use ? use : "", use ? ")" : "", what);
    sqlite3_finalize(st);
    return err;
}

/* A body that is NULL must have been forgotten: no run that still has its
 * words may use it. */
static const char lost_text[] =
    "SELECT t.id FROM " TABLE_TEXT_USES " u JOIN text t ON t.id = u.text_id "
    "WHERE t.body IS NULL AND u.run_id NOT IN "
    "(SELECT run_id FROM tombstone WHERE kind = 'forget') LIMIT 1";

static enum sor_err check_texts(struct check *c)
{
    sqlite3_stmt *st = NULL;
    int64_t lost;
    enum sor_err err = conn_prepare(c->d, "SELECT id, sha256, body FROM text "
                                    "WHERE body IS NOT NULL", &st, c->msg);

    while (!err && sqlite3_step(st) == SQLITE_ROW) {
        uint8_t sum[SHA256_BYTES];
        const void *body = sqlite3_column_text(st, 2);

        sha256_bytes(body ? body : "", (size_t)sqlite3_column_bytes(st, 2),
                     sum);
        if (sqlite3_column_bytes(st, 1) != SHA256_BYTES ||
            memcmp(sum, sqlite3_column_blob(st, 1), SHA256_BYTES) != 0)
            err = bad_text(c, sqlite3_column_int64(st, 0),
                           "its words are not those that were hashed");
    }
    if (sqlite3_finalize(st) != SQLITE_OK && !err)
        err = unreadable(c, "text");
    if (!err && conn_int(c->d, lost_text, 0, &lost, c->msg))
        err = unreadable(c, "text");
    else if (!err && lost)
        err = bad_text(c, lost, "its words are gone and nobody forgot them");
    return err;
}

/* --- the schema ---------------------------------------------------------- */

/* Every object of one schema must be in the other; how: what it means where
 * it is not. */
static enum sor_err covers(struct check *c, struct db *ref, struct db *all,
                           int views, const char *how)
{
    sqlite3_stmt *each = NULL, *have = NULL;
    enum sor_err err = conn_prepare(all, views
        ? "SELECT type, name FROM sqlite_schema ORDER BY type = 'index'"
        : "SELECT type, name FROM sqlite_schema WHERE type <> 'view' "
          "ORDER BY type = 'index'", &each, c->msg);

    if (!err)
        err = conn_prepare(ref, "SELECT 1 FROM sqlite_schema WHERE type = ? "
                           "AND name = ?", &have, c->msg);
    while (!err && sqlite3_step(each) == SQLITE_ROW) {
        for (int i = 1; i <= 2; i++)
            sqlite3_bind_value(have, i, sqlite3_column_value(each, i - 1));
        if (sqlite3_step(have) != SQLITE_ROW)
            err = differs(c, "schema: %s %s %s",
                          (const char *)sqlite3_column_text(each, 0),
                          (const char *)sqlite3_column_text(each, 1), how);
        sqlite3_reset(have);
    }
    sqlite3_finalize(each);
    sqlite3_finalize(have);
    return err;
}

/* The file's object of this name and kind against the reference's. */
static enum sor_err same_object(struct check *c, sqlite3_stmt *have,
                                sqlite3_stmt *want)
{
    enum sor_err err = SOR_OK;

    for (int i = 1; i <= 4; i++)
        sqlite3_bind_value(have, i, sqlite3_column_value(want, i - 1));
    if (sqlite3_step(have) != SQLITE_ROW)
        err = differs(c, "schema: %s %s is not as sorites makes it",
                      (const char *)sqlite3_column_text(want, 0),
                      (const char *)sqlite3_column_text(want, 1));
    if (sqlite3_reset(have) != SQLITE_OK)
        err = unreadable(c, "schema");
    return err;
}

/* Views of another version of sorites are left alone: its own build made them
 * and says so in views_made. */
static enum sor_err compare_schema(struct check *c, struct db *ref, int views)
{
    sqlite3_stmt *have = NULL, *want = NULL;
    enum sor_err err;

    if ((err = covers(c, c->d, ref, views, "is missing")) ||
        (err = covers(c, ref, c->d, views, "was added")))
        return err;
    err = conn_prepare(ref, views
        ? "SELECT type, name, sql, tbl_name FROM sqlite_schema"
        : "SELECT type, name, sql, tbl_name FROM sqlite_schema "
          "WHERE type <> 'view'", &want, c->msg);
    if (!err)
        err = conn_prepare(c->d, "SELECT 1 FROM sqlite_schema WHERE type = ? "
                           "AND name = ? AND sql IS ? AND tbl_name = ?", &have,
                           c->msg);
    while (!err && sqlite3_step(want) == SQLITE_ROW)
        err = same_object(c, have, want);
    sqlite3_finalize(have);
    sqlite3_finalize(want);
    return err;
}

static const char views_sum[] = "SELECT sha256 FROM views_made WHERE id = 1";
static const char views_list[] =
    "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema "
    "WHERE type = 'view' ORDER BY name)";

/* 1 where the query gives the same value in both databases. */
static int same_value(struct db *a, struct db *b, const char *sql)
{
    struct db *d[2] = { a, b };
    sqlite3_stmt *st[2] = { NULL, NULL };
    int n = 0, same = 0;

    for (int i = 0; i < 2; i++)
        if (conn_prepare(d[i], sql, &st[i], NULL) == SOR_OK &&
            sqlite3_step(st[i]) == SQLITE_ROW)
            n++;
    if (n == 2 && sqlite3_column_bytes(st[0], 0) ==
                      sqlite3_column_bytes(st[1], 0))
        same = memcmp(sqlite3_column_blob(st[0], 0),
                      sqlite3_column_blob(st[1], 0),
                      (size_t)sqlite3_column_bytes(st[0], 0)) == 0;
    sqlite3_finalize(st[0]);
    sqlite3_finalize(st[1]);
    return same;
}

static enum sor_err check_schema(struct check *c)
{
    struct db *ref = NULL;
    int64_t whole = 0;
    enum sor_err err = conn_open(":memory:", SQLITE_OPEN_READWRITE, &ref,
                                 c->msg);

    if (!err && !(err = migrate(ref, 0, c->msg))) {
        int ours = same_value(ref, c->d, views_sum);

        if (!ours && same_value(ref, c->d, views_list))
            err = differs(c, "views_made: was changed");
        else
            err = compare_schema(c, ref, ours);
    }
    db_close(ref);
    if (!err && conn_int(c->d, "SELECT count(*) = 1024 AND min(n) = 0 AND "
                         "max(n) = 1023 FROM number", 0, &whole, c->msg))
        err = unreadable(c, "number");
    else if (!err && !whole)
        err = differs(c, "number: was changed");
    return err;
}

/* --- SQLite's own -------------------------------------------------------- */

/* "NULL value in token.alt", "non-BLOB value in token.alt": finds such a row.
 * 0: SQLite said something else, or there is none. */
static int odd_value(struct check *c, const char *said, enum table *t,
                     char column[32], int64_t *id)
{
    char kind[16], table[32], sql[256];

    if (sscanf(said, "%15s value in %31[a-z_].%31[a-z0-9_]", kind, table,
               column) != 3 || (*t = table_find(table)) == TABLES)
        return 0;
    if (strcmp(kind, "NULL") == 0)
        snprintf(sql, sizeof sql, "SELECT id FROM \"%s\" WHERE \"%s\" IS NULL "
                 "LIMIT 1", table, column);
    else if (strncmp(kind, "non-", 4) == 0)
        snprintf(sql, sizeof sql, "SELECT id FROM \"%s\" WHERE typeof(\"%s\") "
                 "NOT IN ('null', lower('%.11s')) LIMIT 1", table, column,
                 kind + 4);
    else
        return 0;
    return conn_int(c->d, sql, 0, id, NULL) == SOR_OK && *id;
}

/* The first sentence of SQLite's own check, in the words of the tables. */
static enum sor_err said_by_sqlite(struct check *c, const char *said)
{
    static const char head[] = "*** in database main ***\n";
    char column[32];
    enum table t;
    int64_t id;

    if (odd_value(c, said, &t, column, &id))
        return differs(c, "%s row %lld: its %s is a value of another type",
                       tables[t].name, (long long)id, column);
    if (strncmp(said, head, sizeof head - 1) == 0)
        return differs(c, "the pages of the file are damaged: %s",
                       said + sizeof head - 1);
    return differs(c, "SQLite's integrity check: %s", said);
}

static enum sor_err check_sqlite(struct check *c)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(c->d, "PRAGMA foreign_key_check", &st,
                                    c->msg);

    if (err)
        return err;
    if (sqlite3_step(st) == SQLITE_ROW)
        err = differs(c, "%s row %lld: refers to a row that is not there",
                      (const char *)sqlite3_column_text(st, 0),
                      (long long)sqlite3_column_int64(st, 1));
    if (sqlite3_finalize(st) != SQLITE_OK && !err)
        err = unreadable(c, "foreign keys");
    if (err || (err = conn_exec(c->d, "PRAGMA cell_size_check = ON", c->msg)) ||
        (err = conn_prepare(c->d, "PRAGMA integrity_check(1)", &st, c->msg)))
        return err;

    const char *said = sqlite3_step(st) == SQLITE_ROW
                           ? (const char *)sqlite3_column_text(st, 0) : NULL;
    if (!said)
        err = unreadable(c, "integrity check");
    else if (strcmp(said, "ok") != 0)
        err = said_by_sqlite(c, said);
    sqlite3_finalize(st);
    return err;
}

/* --- all of it ----------------------------------------------------------- */

static enum sor_err check_open(struct check *c)
{
    enum sor_err err;

    if ((err = table_hash_open(&c->hash, c->msg)) ||
        (err = conn_prepare(c->d, "SELECT id, batch_id, table_name, first_id, "
            "last_id, n_row, digest FROM batch_part WHERE batch_id = ? "
            "ORDER BY id", &c->parts, c->msg)) ||
        (err = conn_prepare(c->d, "SELECT b.n_row FROM batch_part b "
            "WHERE b.table_name = ?1 AND b.first_id = ?2 AND b.last_id = ?3 "
            "AND b.id > ?4 AND EXISTS (SELECT 1 FROM batch_part m "
            "WHERE m.batch_id = b.batch_id AND m.table_name = 'tombstone') "
            "ORDER BY b.id LIMIT 1", &c->renewed, c->msg)) ||
        (err = conn_prepare(c->d, "SELECT 1 FROM tombstone WHERE run_id = ?1 "
            "AND (kind = 'rm' OR ?2) LIMIT 1", &c->tombstone, c->msg)))
        return err;
    for (int t = 0; t < TABLES; t++)
        if ((err = table_select(c->d, (enum table)t, &c->rows[t], c->msg)))
            return err;
    return SOR_OK;
}

static void check_close(struct check *c)
{
    for (int t = 0; t < TABLES; t++)
        sqlite3_finalize(c->rows[t]);
    sqlite3_finalize(c->parts);
    sqlite3_finalize(c->renewed);
    sqlite3_finalize(c->tombstone);
    table_hash_close(&c->hash);
}

static enum sor_err check_all(struct check *c)
{
    enum sor_err err;

    if ((err = check_open(c)) || (err = check_batches(c)) ||
        (err = check_texts(c)) || (err = check_all_strays(c)) ||
        (err = check_schema(c)))
        return err;
    return check_sqlite(c);
}

enum sor_err chain_verify(struct db *d, struct chain_report *report,
                          struct sor_msg *msg)
{
    struct chain_report r = { 0 };
    struct check c = { .d = d, .report = &r, .msg = msg };
    /* One state of the file throughout, whatever a writer adds meanwhile. */
    enum sor_err err = conn_exec(d, "BEGIN", msg);

    if (err)
        return err;
    err = check_all(&c);
    check_close(&c);
    sqlite3_exec(d->sq, "COMMIT", NULL, NULL, NULL);
    if (err && err != SOR_DIFFERS)
        return err;
    r.ok = !err;
    *report = r;
    return SOR_OK;
}

enum sor_err chain_head(struct db *d, uint8_t head[32], int64_t *n_batch,
                        struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(d, "SELECT id, hash FROM batch "
                                    "ORDER BY id DESC LIMIT 1", &st, msg);

    if (err)
        return err;

    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && sqlite3_column_bytes(st, 1) == SHA256_BYTES) {
        *n_batch = sqlite3_column_int64(st, 0);
        memcpy(head, sqlite3_column_blob(st, 1), SHA256_BYTES);
    } else if (rc == SQLITE_DONE) {
        *n_batch = 0;
        memset(head, 0, SHA256_BYTES);
    } else {
        err = sor_fail(msg, SOR_FORMAT, "%s: the last batch is damaged",
                       d->path);
    }
    sqlite3_finalize(st);
    return err;
}

enum sor_err chain_find(struct db *d, const uint8_t head[32],
                        int64_t *batch_id, struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(d, "SELECT id FROM batch WHERE hash = ?",
                                    &st, msg);

    if (err)
        return err;
    sqlite3_bind_blob(st, 1, head, SHA256_BYTES, SQLITE_STATIC);
    *batch_id = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0)
                                               : 0;
    if (sqlite3_finalize(st) != SQLITE_OK)
        return conn_fail(d, msg, "batch");
    return SOR_OK;
}
