/* db/writer.h - the inside of struct db_writer, for the files that make one
 * up: write.c (open, batches), put.c (rows), remove.c (rm, forget).
 *
 * A row goes in through struct put: each value is bound to the prepared
 * INSERT and hashed for the chain in the same call, in the order of the
 * columns, so that nothing is read back and no column can be left out. */
#ifndef DB_WRITER_H
#define DB_WRITER_H

#include "db/conn.h"
#include "db/table.h"
#include "db/write.h"

/* The rows that the open batch added to one table. */
struct part {
    struct table_hash hash;
    int64_t first_id, n_row;
};

struct db_writer {
    struct db *d;
    int lock_fd;                        /* -1: not held */
    sqlite3_stmt *insert[TABLES];
    sqlite3_stmt *insert_batch, *insert_part;
    sqlite3_stmt *find_text, *revive_text;

    int is_open;                        /* between db_begin and db_commit */
    int64_t run_id;                     /* of the open batch */
    struct part part[TABLES];
    int64_t next_id[TABLES];
    int64_t undo_id[TABLES];            /* next_id as it was at db_begin() */

    struct table_range *cover;          /* rows of batch_part to be written */
    size_t n_cover, cap_cover;
    struct table_hash hash;             /* of the batch */
    int64_t batch_id, part_id;          /* last ones committed; 0: none */
    uint8_t head[SHA256_BYTES];         /* hash of batch_id */
    int wal_page;                       /* pages in the WAL after a commit */

    /* Tokens of one model whose piece is in the file: bit t. */
    int64_t piece_model;                /* 0: not loaded */
    uint8_t *have;
    size_t have_bytes;
};

struct put {
    struct db_writer *w;
    enum table t;
    sqlite3_stmt *st;
    struct table_hash *hash;
    int column;                         /* bound so far */
    int64_t id;
};

/* put_begin() takes the next id of the table; then one call per column after
 * id; put_end() inserts.  A failure rolls the batch back. */
enum sor_err put_begin(struct put *p, struct db_writer *w, enum table t,
                       struct sor_msg *msg);
void put_null(struct put *p);
void put_int(struct put *p, int64_t v);
void put_id(struct put *p, int64_t v);          /* 0: NULL */
void put_count(struct put *p, int64_t v);       /* negative: NULL */
void put_real(struct put *p, double v);         /* NaN: NULL */
void put_text(struct put *p, const char *s);    /* NULL: NULL */
void put_textn(struct put *p, const char *s, size_t n);
void put_blob(struct put *p, const void *b, size_t n);  /* b NULL: NULL */
enum sor_err put_end(struct put *p, int64_t *id, struct sor_msg *msg);

/* Rolls back and passes the failure of SQLite's last call on. */
enum sor_err writer_fail(struct db_writer *w, struct sor_msg *msg,
                         const char *doing);
/* Fails where no batch is open. */
enum sor_err writer_ready(struct db_writer *w, struct sor_msg *msg);

/* Adds a part to the open batch that renews an older one, of which rows were
 * removed: it covers what is left in first_id..last_id. */
enum sor_err writer_cover(struct db_writer *w, const struct table_range *c,
                          struct sor_msg *msg);

#endif
