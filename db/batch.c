#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/writer.h"

/* What is done about a WAL of this many pages, and how long for readers to
 * get out of the way: cutting it off needs a moment without one. */
static const struct { int page, mode, wait_ms; } checkpoints[] = {
    { (56 << 20) / CONN_PAGE_BYTES, SQLITE_CHECKPOINT_TRUNCATE, CONN_BUSY_MS },
    { (32 << 20) / CONN_PAGE_BYTES, SQLITE_CHECKPOINT_TRUNCATE, 20 },
    { (8 << 20) / CONN_PAGE_BYTES, SQLITE_CHECKPOINT_PASSIVE, 0 },
};

enum sor_err writer_ready(struct db_writer *w, struct sor_msg *msg)
{
    if (!w->is_open)
        return sor_fail(msg, SOR_USAGE, "%s: no batch is open", w->d->path);
    return SOR_OK;
}

enum sor_err db_begin(struct db_writer *w, int64_t run_id, struct sor_msg *msg)
{
    enum sor_err err;

    if (w->is_open)
        return sor_fail(msg, SOR_USAGE, "%s: a batch is open already",
                        w->d->path);
    if ((err = conn_exec(w->d, "BEGIN IMMEDIATE", msg)))
        return err;
    w->is_open = 1;
    w->run_id = run_id;
    memcpy(w->undo_id, w->next_id, sizeof w->undo_id);
    return SOR_OK;
}

/* The digests begin anew; nothing of the batch is left. */
static void reset(struct db_writer *w)
{
    uint8_t unused[SHA256_BYTES];

    for (int t = 0; t < TABLES; t++) {
        table_hash_final(&w->part[t].hash, unused);
        w->part[t].n_row = 0;
    }
    w->n_cover = 0;
    w->is_open = 0;
}

void db_rollback(struct db_writer *w)
{
    if (!w->is_open)
        return;
    sqlite3_exec(w->d->sq, "ROLLBACK", NULL, NULL, NULL);
    memcpy(w->next_id, w->undo_id, sizeof w->next_id);
    w->piece_model = 0;                 /* some of its bits may be wrong now */
    reset(w);
}

enum sor_err writer_fail(struct db_writer *w, struct sor_msg *msg,
                         const char *doing)
{
    enum sor_err err = conn_fail(w->d, msg, doing);

    db_rollback(w);
    return err;
}

enum sor_err writer_cover(struct db_writer *w, const struct table_range *c,
                          struct sor_msg *msg)
{
    if (w->n_cover == w->cap_cover) {
        size_t cap = w->cap_cover ? 2 * w->cap_cover : 32;
        struct table_range *more = mem_realloc(w->cover, cap, sizeof *more);

        if (!more)
            return sor_fail(msg, SOR_NOMEM, "out of memory");
        w->cover = more;
        w->cap_cover = cap;
    }
    w->cover[w->n_cover++] = *c;
    return SOR_OK;
}

/* The rows that the open batch added, as parts behind those of rm, so that
 * the tombstone's own part is one of them. */
static enum sor_err close_parts(struct db_writer *w, struct sor_msg *msg)
{
    for (int t = 0; t < TABLES; t++) {
        struct part *p = &w->part[t];
        struct table_range c = { (enum table)t, p->first_id,
                           p->first_id + p->n_row - 1, p->n_row, { 0 } };
        enum sor_err err;

        if (p->n_row == 0)
            continue;
        table_hash_final(&p->hash, c.digest);
        p->n_row = 0;
        if ((err = writer_cover(w, &c, msg)))
            return err;
    }
    return SOR_OK;
}

static int insert_part(struct db_writer *w, int64_t id,
                       const struct table_range *c)
{
    sqlite3_stmt *st = w->insert_part;

    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_int64(st, 2, w->batch_id + 1);
    sqlite3_bind_text(st, 3, tables[c->t].name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 4, c->first_id);
    sqlite3_bind_int64(st, 5, c->last_id);
    sqlite3_bind_int64(st, 6, c->n_row);
    sqlite3_bind_blob(st, 7, c->digest, SHA256_BYTES, SQLITE_STATIC);
    sqlite3_step(st);
    return sqlite3_reset(st);
}

static int insert_batch(struct db_writer *w, int64_t at_us,
                        const uint8_t hash[SHA256_BYTES])
{
    sqlite3_stmt *st = w->insert_batch;

    sqlite3_bind_int64(st, 1, w->batch_id + 1);
    if (w->run_id)
        sqlite3_bind_int64(st, 2, w->run_id);
    else
        sqlite3_bind_null(st, 2);
    sqlite3_bind_int64(st, 3, at_us);
    sqlite3_bind_blob(st, 4, w->head, SHA256_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(st, 5, hash, SHA256_BYTES, SQLITE_STATIC);
    sqlite3_step(st);
    return sqlite3_reset(st);
}

/* The same bytes as chain.c reads from batch and batch_part. */
static void hash_batch(struct db_writer *w, int64_t at_us,
                       uint8_t out[SHA256_BYTES])
{
    struct table_hash *h = &w->hash;

    table_hash_int(h, w->batch_id + 1);
    if (w->run_id)
        table_hash_int(h, w->run_id);
    else
        table_hash_null(h);
    table_hash_int(h, at_us);
    table_hash_bytes(h, 'b', w->head, SHA256_BYTES);
    for (size_t i = 0; i < w->n_cover; i++) {
        const struct table_range *c = &w->cover[i];
        const char *name = tables[c->t].name;

        table_hash_int(h, w->part_id + 1 + (int64_t)i);
        table_hash_int(h, w->batch_id + 1);
        table_hash_bytes(h, 't', name, strlen(name));
        table_hash_int(h, c->first_id);
        table_hash_int(h, c->last_id);
        table_hash_int(h, c->n_row);
        table_hash_bytes(h, 'b', c->digest, SHA256_BYTES);
    }
    table_hash_final(h, out);
}

/* Copies the WAL into the file before it grows large.  Failure costs only
 * space, and the next commit tries again. */
static void checkpoint(struct db_writer *w)
{
    for (size_t i = 0; i < sizeof checkpoints / sizeof checkpoints[0]; i++) {
        if (w->wal_page <= checkpoints[i].page)
            continue;
        sqlite3_busy_timeout(w->d->sq, checkpoints[i].wait_ms);
        sqlite3_wal_checkpoint_v2(w->d->sq, NULL, checkpoints[i].mode, NULL,
                                  NULL);
        sqlite3_busy_timeout(w->d->sq, CONN_BUSY_MS);
        return;
    }
}

enum sor_err db_commit(struct db_writer *w, int64_t *batch_id,
                       struct sor_msg *msg)
{
    enum sor_err err = writer_ready(w, msg);
    int64_t at_us = clock_wall_us();
    uint8_t hash[SHA256_BYTES];

    if (err)
        return err;
    if ((err = close_parts(w, msg))) {
        db_rollback(w);
        return err;
    }
    if (w->n_cover) {
        hash_batch(w, at_us, hash);
        if (insert_batch(w, at_us, hash) != SQLITE_OK)
            return writer_fail(w, msg, "batch");
        for (size_t i = 0; i < w->n_cover; i++)
            if (insert_part(w, w->part_id + 1 + (int64_t)i, &w->cover[i]) !=
                SQLITE_OK)
                return writer_fail(w, msg, "batch part");
    }
    if (sqlite3_exec(w->d->sq, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        return writer_fail(w, msg, "commit");
    if (w->n_cover) {
        w->batch_id++;
        w->part_id += (int64_t)w->n_cover;
        memcpy(w->head, hash, SHA256_BYTES);
    }
    reset(w);
    checkpoint(w);
    if (batch_id)
        *batch_id = w->batch_id;
    return SOR_OK;
}
