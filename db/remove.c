/* rm and forget: rows go for good, and the chain says that they went.
 *
 * Rows of the run's own tables go whole, and the tombstone excuses them.  Of
 * the shared tables (text, piece) only the rows that no other run needs go;
 * the parts that covered them are checked once more, and then renewed over
 * what is left.  (chain.c reads both back.)
 *
 * Nothing of the words may stay in the file: deleted cells are overwritten
 * (secure_delete), and VACUUM writes every page anew, since a page that was
 * split earlier may still hold a stale copy of a cell in its unused part. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/pack.h"
#include "db/text_use.h"
#include "db/writer.h"

enum kind { KIND_RM, KIND_FORGET };

struct removal {
    struct db_writer *w;
    struct db *d;
    enum kind kind;
    int64_t run_id, model_id, n_row;
    char uid[33];
    struct sor_msg *msg;
};

/* Runs one statement with ?1 = the run; adds the rows it changed to *n. */
static enum sor_err change(struct removal *r, const char *sql, int64_t *n)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(r->d, sql, &st, r->msg);

    if (err)
        return err;
    if (sqlite3_bind_parameter_count(st) > 0)
        sqlite3_bind_int64(st, 1, r->run_id);
    sqlite3_step(st);
    if (sqlite3_finalize(st) != SQLITE_OK)
        return conn_fail(r->d, r->msg, "removing");
    if (n)
        *n += sqlite3_changes64(r->d->sq);
    return SOR_OK;
}

/* --- what may go --------------------------------------------------------- */

static enum sor_err find_target(struct removal *r)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(r->d, "SELECT uid, model_id FROM run "
                                    "WHERE id = ?", &st, r->msg);

    if (err)
        return err;
    sqlite3_bind_int64(st, 1, r->run_id);
    if (sqlite3_step(st) == SQLITE_ROW) {
        strncpy(r->uid, (const char *)sqlite3_column_text(st, 0), 32);
        r->model_id = sqlite3_column_int64(st, 1);
    }
    sqlite3_finalize(st);
    return r->uid[0] ? SOR_OK
                     : sor_fail(r->msg, SOR_NOTFOUND, "%s: no run %lld",
                                r->d->path, (long long)r->run_id);
}

/* A fork in another run reads its first tokens from this one.  One whose words
 * are forgotten has no use for them; its rows still point here, so that rm
 * has to wait for it and forget has not. */
static enum sor_err refuse_forked(struct removal *r)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(r->d,
        "SELECT substr(o.uid, 1, 8) FROM path p "
        "JOIN path_span s ON s.source_id = p.id "
        "JOIN path c ON c.id = s.path_id JOIN run o ON o.id = c.run_id "
        "WHERE p.run_id = ?1 AND c.run_id <> ?1 AND (?2 OR o.id NOT IN "
        "(SELECT run_id FROM tombstone WHERE kind = 'forget')) LIMIT 1", &st,
        r->msg);

    if (err)
        return err;
    sqlite3_bind_int64(st, 1, r->run_id);
    sqlite3_bind_int(st, 2, r->kind == KIND_RM);
    if (sqlite3_step(st) == SQLITE_ROW)
        err = sor_fail(r->msg, SOR_USAGE, "run %.8s: run %s was forked from "
                       "it and shares its tokens; %s that one first", r->uid,
                       (const char *)sqlite3_column_text(st, 0),
                       r->kind == KIND_RM ? "remove" : "remove or forget");
    sqlite3_finalize(st);
    return err;
}

static enum sor_err refuse_twice(struct removal *r)
{
    int64_t done;
    enum sor_err err = conn_int(r->d, "SELECT count(*) FROM tombstone "
        "WHERE run_id = ? AND kind = 'forget'", r->run_id, &done, r->msg);

    if (!err && done && r->kind == KIND_FORGET)
        return sor_fail(r->msg, SOR_USAGE, "run %.8s: is forgotten already",
                        r->uid);
    return err;
}

/* --- texts --------------------------------------------------------------- */

/* Empties the texts of this run that no other run with its words uses, and
 * leaves in temp.gone those that rm deletes: no other run uses them at all. */
static enum sor_err empty_texts(struct removal *r)
{
    enum sor_err err;

    if ((err = change(r, "CREATE TEMP TABLE gone (id INTEGER PRIMARY KEY)",
                      NULL)) ||
        (err = change(r, "INSERT INTO temp.gone SELECT DISTINCT text_id FROM "
                      TABLE_TEXT_USES " WHERE run_id = ?1 AND text_id IS NOT NULL",
                      NULL)) ||
        (err = change(r, "DELETE FROM temp.gone WHERE id IN (SELECT text_id "
                      "FROM " TABLE_TEXT_USES " WHERE run_id <> ?1 AND run_id NOT IN "
                      "(SELECT run_id FROM tombstone WHERE kind = 'forget'))",
                      NULL)) ||
        (err = change(r, "UPDATE text SET body = NULL WHERE id IN "
                      "(SELECT id FROM temp.gone)", &r->n_row)))
        return err;
    return change(r, "DELETE FROM temp.gone WHERE id IN (SELECT text_id FROM "
                  TABLE_TEXT_USES " WHERE run_id <> ?1)", NULL);
}

/* --- pieces -------------------------------------------------------------- */

static void set_bit(uint8_t *bits, size_t n, int64_t i)
{
    if (i >= 0 && (uint64_t)i < n)
        bits[i / 8] |= (uint8_t)(1u << (i % 8));
}

/* Marks the tokens that experiments on other runs of the model name. */
static enum sor_err mark_probed(struct removal *r, uint8_t *bits, size_t n)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(r->d,
        "SELECT token_id FROM probe WHERE model_id = ?1 AND run_id <> ?2 "
        "AND token_id IS NOT NULL UNION ALL "
        "SELECT t.token_id FROM probe b JOIN lens_top t ON t.probe_id = b.id "
        "WHERE b.model_id = ?1 AND b.run_id <> ?2 UNION ALL "
        "SELECT e.top_id FROM probe b JOIN effect e ON e.probe_id = b.id "
        "WHERE b.model_id = ?1 AND b.run_id <> ?2", &st, r->msg);

    if (err)
        return err;
    sqlite3_bind_int64(st, 1, r->model_id);
    sqlite3_bind_int64(st, 2, r->run_id);
    while (sqlite3_step(st) == SQLITE_ROW)
        set_bit(bits, n, sqlite3_column_int64(st, 0));
    if (sqlite3_finalize(st) != SQLITE_OK)
        return conn_fail(r->d, r->msg, "probe");
    return SOR_OK;
}

/* Marks the tokens that other runs of the model chose or might have chosen. */
static enum sor_err mark_used(struct removal *r, uint8_t *bits, size_t n)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(r->d, "SELECT t.token_id, t.alt FROM run "
        "o JOIN path p ON p.run_id = o.id JOIN token t ON t.path_id = p.id "
        "WHERE o.model_id = ?1 AND o.id <> ?2", &st, r->msg);

    if (err)
        return err;
    sqlite3_bind_int64(st, 1, r->model_id);
    sqlite3_bind_int64(st, 2, r->run_id);
    while (sqlite3_step(st) == SQLITE_ROW) {
        const uint8_t *alt = sqlite3_column_blob(st, 1);
        size_t bytes = (size_t)sqlite3_column_bytes(st, 1);
        int32_t id;
        float logprob;

        set_bit(bits, n, sqlite3_column_int64(st, 0));
        for (int i = 0; unpack_alt(alt, bytes, i, &id, &logprob); i++)
            set_bit(bits, n, id);
    }
    if (sqlite3_finalize(st) != SQLITE_OK)
        return conn_fail(r->d, r->msg, "token");
    return SOR_OK;
}

/* Fills the empty temp.gone with the pieces that only this run needed: the
 * list of words that occurred tells something about a text, too. */
static enum sor_err find_pieces(struct removal *r)
{
    int64_t n_bit;
    sqlite3_stmt *have = NULL, *gone = NULL;
    uint8_t *bits = NULL;
    enum sor_err err = conn_int(r->d, "SELECT max(token_id) + 1 FROM piece "
                                "WHERE model_id = ?", r->model_id, &n_bit,
                                r->msg);

    if (err || n_bit <= 0)
        return err;
    if (!(bits = mem_calloc((size_t)n_bit / 8 + 1, 1)))
        return sor_fail(r->msg, SOR_NOMEM, "out of memory");
    if (!(err = mark_used(r, bits, (size_t)n_bit)) &&
        !(err = mark_probed(r, bits, (size_t)n_bit)) &&
        !(err = conn_prepare(r->d, "SELECT id, token_id FROM piece "
                             "WHERE model_id = ?", &have, r->msg)) &&
        !(err = conn_prepare(r->d, "INSERT INTO temp.gone VALUES (?)", &gone,
                             r->msg))) {
        sqlite3_bind_int64(have, 1, r->model_id);
        while (sqlite3_step(have) == SQLITE_ROW) {
            int64_t t = sqlite3_column_int64(have, 1);

            if (t < 0 || bits[t / 8] >> (t % 8) & 1)
                continue;
            sqlite3_bind_int64(gone, 1, sqlite3_column_int64(have, 0));
            sqlite3_step(gone);
            sqlite3_reset(gone);
        }
    }
    if (sqlite3_finalize(have) != SQLITE_OK && !err)
        err = conn_fail(r->d, r->msg, "piece");
    sqlite3_finalize(gone);
    mem_free(bits);
    return err;
}

/* --- the parts of shared tables ------------------------------------------ */

static enum sor_err renew_part(struct removal *r, sqlite3_stmt *rows,
                               const struct table_range *old,
                               struct table_hash *h)
{
    struct table_range now = *old;

    if (table_digest(rows, h, &now) != SQLITE_OK)
        return conn_fail(r->d, r->msg, tables[old->t].name);
    if (now.n_row != old->n_row ||
        memcmp(now.digest, old->digest, SHA256_BYTES) != 0)
        return sor_fail(r->msg, SOR_FORMAT, "%s: %s rows %lld..%lld are not "
                        "as they were recorded, and removing would hide it; "
                        "see sorites verify --chain", r->d->path,
                        tables[old->t].name, (long long)old->first_id,
                        (long long)old->last_id);
    return writer_cover(r->w, old, r->msg);
}

/* Checks the newest part over each row of temp.gone and puts it on the list
 * of the batch, to be filled by renew_digests() when the rows are gone. */
static enum sor_err renew_parts(struct removal *r, enum table t)
{
    sqlite3_stmt *parts = NULL, *rows = NULL;
    struct table_hash h = { 0 };
    enum sor_err err;

    if ((err = table_hash_open(&h, r->msg)) ||
        (err = table_select(r->d, t, &rows, r->msg)) ||
        (err = conn_prepare(r->d,
            "SELECT first_id, last_id, n_row, digest, max(id) FROM batch_part "
            "WHERE table_name = ?1 AND EXISTS (SELECT 1 FROM temp.gone g "
            "WHERE g.id BETWEEN first_id AND last_id) "
            "GROUP BY first_id, last_id", &parts, r->msg)))
        goto done;
    sqlite3_bind_text(parts, 1, tables[t].name, -1, SQLITE_STATIC);
    while (!err && sqlite3_step(parts) == SQLITE_ROW) {
        struct table_range old = {
            .t = t, .first_id = sqlite3_column_int64(parts, 0),
            .last_id = sqlite3_column_int64(parts, 1),
            .n_row = sqlite3_column_int64(parts, 2),
        };

        if (sqlite3_column_bytes(parts, 3) == SHA256_BYTES)
            memcpy(old.digest, sqlite3_column_blob(parts, 3), SHA256_BYTES);
        err = renew_part(r, rows, &old, &h);
    }
done:
    sqlite3_finalize(parts);
    sqlite3_finalize(rows);
    table_hash_close(&h);
    return err;
}

static enum sor_err renew_digests(struct removal *r, size_t from, enum table t)
{
    sqlite3_stmt *rows = NULL;
    enum sor_err err = table_select(r->d, t, &rows, r->msg);
    struct table_hash *h = &r->w->hash;

    for (size_t i = from; !err && i < r->w->n_cover; i++)
        if (table_digest(rows, h, &r->w->cover[i]) != SQLITE_OK)
            err = conn_fail(r->d, r->msg, tables[t].name);
    sqlite3_finalize(rows);
    return err;
}

/* Deletes the rows in temp.gone from a shared table and empties temp.gone. */
static enum sor_err delete_shared(struct removal *r, enum table t)
{
    size_t from = r->w->n_cover;
    char sql[128];
    enum sor_err err;

    sqlite3_snprintf(sizeof sql, sql, "DELETE FROM %s WHERE id IN "
                     "(SELECT id FROM temp.gone)", tables[t].name);
    if ((err = renew_parts(r, t)) || (err = change(r, sql, &r->n_row)) ||
        (err = renew_digests(r, from, t)))
        return err;
    return change(r, "DELETE FROM temp.gone", NULL);
}

/* --- the run's own tables ------------------------------------------------ */

/* Children first: a row names rows of tables before its own only (table.h), and
 * `path` and `run` say which rows of the others are meant. */
static enum sor_err delete_own(struct removal *r)
{
    for (int i = TABLES - 1; i >= 0; i--) {
        const struct table_info *t = &tables[i];
        char sql[256];
        enum sor_err err;

        if (!t->of_run || (r->kind == KIND_FORGET && !t->spelled))
            continue;
        sqlite3_snprintf(sizeof sql, sql, "DELETE FROM \"%s\" WHERE %s", t->name,
                         t->of_run);
        if ((err = change(r, sql, &r->n_row)))
            return err;
    }
    return SOR_OK;
}

static enum sor_err put_tombstone(struct removal *r)
{
    struct put p;
    enum sor_err err = put_begin(&p, r->w, TABLE_TOMBSTONE, r->msg);

    if (err)
        return err;
    put_int(&p, r->run_id);
    put_text(&p, r->uid);
    put_text(&p, r->kind == KIND_RM ? "rm" : "forget");
    put_int(&p, r->n_row);
    put_int(&p, clock_wall_us());
    return put_end(&p, NULL, r->msg);
}

/* --- both ---------------------------------------------------------------- */

static enum sor_err remove_rows(struct removal *r)
{
    enum sor_err err;

    if ((err = find_target(r)) || (err = refuse_twice(r)) ||
        (err = refuse_forked(r)) || (err = empty_texts(r)))
        return err;
    err = r->kind == KIND_RM ? delete_shared(r, TABLE_TEXT)
                             : change(r, "DELETE FROM temp.gone", NULL);
    if (err || (err = find_pieces(r)) ||
        (err = delete_shared(r, TABLE_PIECE)) || (err = delete_own(r)) ||
        (err = put_tombstone(r)))
        return err;
    return change(r, "DROP TABLE temp.gone", NULL);
}

/* Writes the file anew without what was deleted, and empties the WAL, which
 * still holds the old pages. */
static enum sor_err purge(struct removal *r)
{
    int left = 0;

    if (sqlite3_exec(r->d->sq, "VACUUM", NULL, NULL, NULL) != SQLITE_OK)
        return sor_fail(r->msg, SOR_IO, "run %.8s: its rows are gone, but "
                        "the file could not be written anew (%s), so traces "
                        "of them may be left in unused space", r->uid,
                        sqlite3_errmsg(r->d->sq));
    if (sqlite3_wal_checkpoint_v2(r->d->sq, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                  &left, NULL) != SQLITE_OK)
        log_warn("run %.8s: its rows are gone; another program reads the "
                 "database, and old pages stay in %s-wal until it ends",
                 r->uid, r->d->path);
    return SOR_OK;
}

static enum sor_err remove_run(struct db_writer *w, int64_t run_id,
                               enum kind kind, struct sor_msg *msg)
{
    struct removal r = { .w = w, .d = w->d, .kind = kind, .run_id = run_id,
                         .msg = msg };
    enum sor_err err;

    /* Whole runs go and nothing refers into them (refuse_forked), so SQLite
     * need not look for children of every row: several of those columns have
     * no index.  The pragma works outside a transaction only. */
    if (w->is_open)
        return sor_fail(msg, SOR_USAGE, "%s: a batch is open", w->d->path);
    if ((err = conn_exec(w->d, "PRAGMA foreign_keys = OFF;"
                         "PRAGMA secure_delete = ON;"
                         "PRAGMA temp_store = MEMORY", msg)))
        return err;
    if (!(err = db_begin(w, 0, msg))) {
        err = remove_rows(&r);
        w->piece_model = 0;             /* its bits are out of date */
        if (err)
            db_rollback(w);
        else
            err = db_commit(w, NULL, msg);
    }
    if (!err)
        err = purge(&r);
    sqlite3_exec(w->d->sq, "PRAGMA foreign_keys = ON;"
                 "PRAGMA secure_delete = OFF", NULL, NULL, NULL);
    return err;
}

enum sor_err db_remove_run(struct db_writer *w, int64_t run_id,
                           struct sor_msg *msg)
{
    return remove_run(w, run_id, KIND_RM, msg);
}

enum sor_err db_forget_run(struct db_writer *w, int64_t run_id,
                           struct sor_msg *msg)
{
    return remove_run(w, run_id, KIND_FORGET, msg);
}
