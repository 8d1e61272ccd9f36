/* db/review.h - a review in and out of the database: one struct per table of
 * migration 003, all through one writer and one reader that are driven by a
 * table of columns.
 *
 * Text goes in as text (stored once by content) and comes out as text; NULL
 * there is SQL NULL, or a forgotten word.  Offsets count code points of the
 * document; -1: no place.  Ids 0: none.
 *
 * Ownership  strings and blobs in a row read are borrowed until the next row.
 * Errors     as db/db.h and db/write.h. */
#ifndef DB_REVIEW_H
#define DB_REVIEW_H

#include <stdint.h>

#include "db/write.h"

/* All of these are filled in by the caller but for id, which a put ignores and
 * a read sets. */
struct db_review {
    int64_t id;
    struct db_blob same;            /* 32 bytes: see the migration */
    const char *domain, *pack_version, *adapter, *party, *note;
    int strict, rules_only, n_path;
};
struct db_document {
    int64_t id;
    const char *name, *format, *encoding, *text;
    struct db_blob sha256;
    int64_t n_byte, n_char, n_page;
};
struct db_clause {
    int64_t id;
    int ordinal, parent, depth;     /* parent: its ordinal, -1 */
    const char *kind, *number, *full_number, *unit, *heading;
    int char_from, char_to, own_to, text_from, text_to;
    int page;                       /* -1: none */
};
struct db_clause_type {
    int64_t id, clause_id;
    const char *label;
    double score;
};
struct db_passage {
    int64_t id, clause_id;
    int ordinal, char_from, char_to;
};
struct db_term {
    int64_t id, clause_id;
    int ordinal;
    const char *name;
    int char_from, char_to, meaning_from, meaning_to, n_def, n_use;
};
struct db_party {
    int64_t id;
    const char *name, *role;
    int char_from, char_to;
};
struct db_norm {
    int64_t id, clause_id;
    const char *kind, *bearer, *modal;
    int char_from, char_to, act_from, act_to;
    int deadline_from, deadline_to, amount_from, amount_to;
};
struct db_value {
    int64_t id, clause_id;
    const char *kind, *norm;
    int char_from, char_to;
};
struct db_logic {
    int64_t id;
    const char *kind, *src_kind, *dst_kind;
    int64_t src_id, dst_id;         /* of a name: its text (db_put_text) */
    int char_from, char_to;
    double score;
    const char *measured, *rule;
};
struct db_defect {
    int64_t id;
    int ordinal;
    const char *kind, *note;
    int char_from, char_to, related_from, related_to, n_searched;
};
struct db_claim {
    int64_t id;
    int ordinal;
    const char *name, *kind, *title, *text, *type;
    int custom, n_given, n_wrong;
    double wrong_low, wrong_high;
    int n_contradicted, n_contradicted_wrong;
    const char *measured_on;
};
struct db_reading {
    int64_t id;
    const char *context, *text, *statement;
    double logit[3];                /* unrelated, supports, contradicts */
    uint64_t digest;
    int n_tok;
};
struct db_type_reading {
    int64_t id;
    const char *context, *text;
    struct db_blob logp;            /* float32[n_type], little-endian */
};
struct db_claim_path {
    int64_t id, claim_id, path_id;
    const char *variant, *statement, *verdict;
    int counts;
    double p[3];                    /* supported, contradicted, not addr. */
};
struct db_claim_reading {
    int64_t id, path_id, reading_id, passage_id;
    double p[3];                    /* unrelated, supports, contradicts */
    int decisive;
};
struct db_verdict {
    int64_t id, claim_id, path_a, path_b;
    const char *verdict, *flip, *stance, *position, *suggest;
    double confidence, p[3], stability, error_correlation;
    int n_count;
};
struct db_evidence {
    int64_t id, claim_id, clause_id;
    int rank, char_from, char_to, page;
    const char *relation, *status;
    double score;
};
struct db_check {
    int64_t id, claim_id, clause_id;
    int ordinal, passed;            /* 1, 0; -1: does not apply */
    const char *kind, *input, *note;
    double p[3];
};
struct db_finding {
    int64_t id, claim_id, defect_id, clause_id;
    int ordinal, severity, char_from, char_to;
    const char *source, *origin, *text;
    double confidence;              /* NaN: by rule */
};
struct db_decision {
    int64_t id, finding_id, at_us;
    const char *choice, *verdict, *name, *reason;
};

enum db_review_table {
    DB_REVIEW, DB_DOCUMENT, DB_CLAUSE, DB_CLAUSE_TYPE, DB_PASSAGE, DB_TERM,
    DB_PARTY, DB_NORM, DB_VALUE, DB_LOGIC, DB_DEFECT, DB_CLAIM, DB_READING,
    DB_TYPE_READING, DB_CLAIM_PATH, DB_CLAIM_READING, DB_VERDICT, DB_EVIDENCE,
    DB_CHECK, DB_FINDING, DB_DECISION, DB_REVIEW_TABLES
};

/* Bytes of one row's struct; the table's name. */
size_t db_review_row_bytes(enum db_review_table t);
const char *db_review_table_name(enum db_review_table t);

/* Into an open batch of its run.  *id (NULL is fine): of the new row. */
enum sor_err db_put_review_row(struct db_writer *w, enum db_review_table t,
                               int64_t run_id, const void *row, int64_t *id,
                               struct sor_msg *msg);

/* The rows of a run, in the order they were put. */
struct db_cur *db_review_rows(struct db *d, enum db_review_table t,
                              int64_t run_id);
/* The one row with this id. */
struct db_cur *db_review_row(struct db *d, enum db_review_table t, int64_t id);
int db_review_row_next(struct db_cur *c, enum db_review_table t, void *row);

/* All rows of one table of a run in memory, strings and all. */
struct db_review_set {
    void *row;                      /* [n] of the table's struct */
    int n;
    void *memory;                   /* what the strings lie in */
};
enum sor_err db_review_load(struct db *d, enum db_review_table t,
                            int64_t run_id, struct db_review_set *out,
                            struct sor_msg *msg);
void db_review_set_release(struct db_review_set *s);    /* a zeroed one is
                                                         * fine */

/* Where a reading counts first: of which claim and path, over which clause.
 * 1 found, 0 no path rests on it, -1 damaged. */
struct db_place { char claim[48], clause[48]; int path; };
int db_reading_place(struct db *d, int64_t reading_id, struct db_place *out);

/* The newest run with this db_review.same that has not ended (cut off, or
 * never finished): *run_id; 0 where there is none. */
enum sor_err db_find_unfinished(struct db_writer *w, const uint8_t same[32],
                                int64_t *run_id, struct sor_msg *msg);
/* The writer's own connection, to read what it committed. */
struct db *db_writer_reader(struct db_writer *w);

/* The text of a name that a logic edge ends in; "" where it is gone.  Copied
 * into buf. */
const char *db_text(struct db *d, int64_t text_id, char *buf, size_t size);

/* One figure of an evaluation; belongs to no run. */
struct db_eval {
    const char *data, *measure, *model, *pack, *program;
    double value, low, high;        /* NaN: none */
    int64_t n, at_us;
};
enum sor_err db_put_eval(struct db_writer *w, const struct db_eval *e,
                         struct sor_msg *msg);

#endif
