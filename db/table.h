/* db/table.h - the tables that the hash chain covers, and how their rows
 * become bytes.  Internal to db/.
 *
 * A row is its columns in the order of the schema, a value one of
 *     'n'                             NULL
 *     'i' + 8 bytes little-endian     INTEGER
 *     'r' + 8 bytes little-endian     REAL, IEEE 754 bits, -0 as 0
 *     't' + u32 length + bytes        TEXT
 *     'b' + u32 length + bytes        BLOB
 * and a part's digest is the SHA-256 of its rows, one after the other.  The
 * writer hashes a value as it binds it, the verifier as it reads it. */
#ifndef DB_TABLE_H
#define DB_TABLE_H

#include <stdint.h>

#include "base/hash.h"
#include "db/conn.h"

/* A row names rows of tables before its own only, but for shared ones: a run
 * is exported in this order. */
enum table {
    TABLE_TEXT, TABLE_MODEL, TABLE_MODEL_PART, TABLE_PIECE, TABLE_RUN,
    TABLE_RUN_END, TABLE_PATH, TABLE_PATH_SPAN, TABLE_PATH_END, TABLE_TOKEN,
    TABLE_STEP, TABLE_ANSWER, TABLE_EDGE, TABLE_DIVERGENCE, TABLE_LOSS,
    TABLE_TOMBSTONE,
    TABLE_PROBE, TABLE_LENS, TABLE_LENS_TOP, TABLE_ATTRIBUTION,
    TABLE_ATTENTION, TABLE_ACTIVATION, TABLE_NEURON, TABLE_EFFECT,
    TABLE_TRIAL, TABLE_ATTENTION_ROW,
    TABLE_BATCHING, TABLE_DRAFT, TABLE_TOKEN_EXIT, TABLE_ROUTE,
    TABLE_WORK_UNIT, TABLE_WORK, TABLE_AUDIT, TABLE_ROUTE_PRICE,
    TABLE_REVIEW, TABLE_DOCUMENT, TABLE_CLAUSE, TABLE_CLAUSE_TYPE,
    TABLE_PASSAGE, TABLE_TERM, TABLE_PARTY, TABLE_NORM, TABLE_VALUE,
    TABLE_DEFECT, TABLE_CLAIM, TABLE_LOGIC, TABLE_READING,
    TABLE_TYPE_READING, TABLE_CLAIM_PATH, TABLE_CLAIM_READING,
    TABLE_VERDICT, TABLE_EVIDENCE, TABLE_CHECK, TABLE_FINDING,
    TABLE_DECISION, TABLE_EVAL, TABLES
};

struct table_info {
    const char *name;
    const char *columns;        /* all of them, id first, as in the schema */
    int n_column;
    int n_hashed;               /* the first n of them are in the chain */
    /* Which rows belong to a run, as a condition on ?1 = run.id; NULL: the
     * table is shared by all runs. */
    const char *of_run;
    int spelled;                /* rows tell what was written: forget takes
                                 * them away */
    /* SELECT of (run.uid, path.ordinal or NULL, pos or NULL) for ?1 = id:
     * where the row is in words that people use; NULL: nowhere. */
    const char *address;
};

extern const struct table_info tables[TABLES];

/* TABLES where there is none of that name. */
enum table table_find(const char *name);

/* The canonical bytes, gathered before they go to SHA-256: feeding it eight
 * bytes at a time costs more than hashing them. */
struct table_hash {
    struct sha256 *sha;
    uint8_t buf[1024];
    size_t n;
};

enum sor_err table_hash_open(struct table_hash *h, struct sor_msg *msg);
void table_hash_close(struct table_hash *h);    /* a zeroed one is fine */
void table_hash_null(struct table_hash *h);
void table_hash_int(struct table_hash *h, int64_t v);
void table_hash_real(struct table_hash *h, double v);
void table_hash_bytes(struct table_hash *h, char tag, const void *p, size_t n);
/* The first n columns of the row that st stands on. */
void table_hash_row(struct table_hash *h, sqlite3_stmt *st, int n);
/* Ends one digest and begins the next. */
void table_hash_final(struct table_hash *h, uint8_t out[SHA256_BYTES]);

/* Rows first_id..last_id of one table, as a part covers them. */
struct table_range {
    enum table t;
    int64_t first_id, last_id, n_row;
    uint8_t digest[SHA256_BYTES];
};

/* Prepares the SELECT that table_digest() steps; the caller finalizes it. */
enum sor_err table_select(struct db *d, enum table t, sqlite3_stmt **out,
                          struct sor_msg *msg);
/* Reads the rows with an id in first_id..last_id and sets n_row and digest.
 * Returns an SQLite result code. */
int table_digest(sqlite3_stmt *select, struct table_hash *h,
                 struct table_range *range);

#endif
