/* db/db.h - the trace database: rows in, rows out.
 *
 * Two kinds of handle.  A writer (db/write.h) holds the file's writer lock and
 * is the only connection that writes or checkpoints.  A reader is opened
 * SQLITE_OPEN_READONLY (immutable in a read-only folder) and never disturbs a
 * recording in progress.
 *
 * Cursors    struct db_cur from a db_<rows>() call; db_<row>_next() fills a
 *            row and returns 1, 0 at the end, -1 on a damaged database (then
 *            db_cur_close() returns the error).  Strings and blobs in a row
 *            are borrowed until the next _next or close.
 * Windows    Lists are read by key, never by OFFSET: struct db_window says
 *            where to start and how many, so that the first screen of a
 *            million rows costs as much as that of ten.
 * Threads    a handle and its cursors belong to one thread at a time. */
#ifndef DB_DB_H
#define DB_DB_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;
struct db_cur;

/* Opens for reading; the file must exist and be a Sorites database of a
 * version this build knows. */
enum sor_err db_open(const char *path, struct db **out, struct sor_msg *msg);
void db_close(struct db *d);            /* accepts NULL */

enum sor_err db_cur_close(struct db_cur *c);    /* accepts NULL */

/* The process that is writing to the database at path: its pid, -1 where it
 * has not said, 0 where nobody is. */
int db_writer_pid(const char *path);

/* SQLite's own version, as loaded. */
const char *db_sqlite_version(void);

/* 1 where the file has a view or table of this name that is not SQLite's. */
int db_has_table(struct db *d, const char *name);

/* Lets go of the rows that db_get_*() returned, and with them of the moment of
 * the database that they hold: a reader that waits with them still sees that
 * moment, and keeps the writer's WAL from being reused.  Call it before
 * waiting. */
void db_rest(struct db *d);

/* Changes whenever another process committed (PRAGMA data_version); frozen
 * while db_get_*() rows are held, see db_rest(). */
int64_t db_data_version(struct db *d);

/* Rows that this handle's cursors have read since it was opened: what a screen
 * cost, whatever the machine. */
int64_t db_rows_read(const struct db *d);

struct db_str { const char *p; size_t n; };     /* p NULL: SQL NULL */
struct db_blob { const uint8_t *p; size_t n; };

/* Rows with key >= from (<= from where reverse), at most limit of them.
 * limit 0: all. */
struct db_window { int64_t from; int limit; int reverse; };

struct db_model {
    int64_t id, bytes;
    uint8_t sha256[32];
    const char *name, *path, *arch, *quant;
    int n_layer, n_embd, n_head, n_head_kv, n_vocab, n_ctx_train;
};

struct db_run {
    int64_t id;
    const char *uid, *kind;
    int64_t model_id;                   /* 0: none */
    const char *prompt, *system;        /* NULL once forgotten, or none */
    const char *chat, *route, *kv_type, *isa, *level, *program, *params;
    int n_prompt, n_path, max_tok, top_k, n_thread, n_ctx;
    int64_t seed, started_us;
    double temperature, top_p, min_p;
    /* from run_end; status NULL: still recording, or cut off */
    const char *status, *reason;
    int64_t n_token, n_lost, wall_ns, prefill_ns, ended_us;
    /* summary over its paths, from v_run */
    const char *answer;                 /* leading vote, NULL: none */
    int votes, n_voted, n_path_done;
};

struct db_path {
    int64_t id, run_id;
    int ordinal;
    const char *kind, *params;
    int64_t parent_id;                  /* 0: none */
    int fork_pos;
    int64_t seed;
    const char *stop;                   /* NULL: not ended */
    int n_token;
    const char *text;                   /* generated; NULL: not ended */
    double logprob_mean;                /* NaN: none */
    const char *answer, *answer_norm, *answer_kind;     /* final; or NULL */
    int n_step;
};

struct db_token {
    int64_t id, path_id;                /* the path asked for */
    int64_t source_id;                  /* the path that stores it */
    int pos;
    int32_t token_id;
    struct db_str text;                 /* piece; bytes as text */
    double logprob, entropy;            /* NaN: none */
    int mode;                           /* -1: none */
    int has_digest;
    uint64_t digest;
    struct db_blob alt, layers, heads;  /* packed: db/pack.h */
    int step;                           /* ordinal; -1: in no step */
};

struct db_step {
    int64_t id, path_id;
    int ordinal;
    const char *role, *origin;
    int tok_from, tok_to, char_from, char_to;
    double logprob_mean, logprob_min;   /* NaN: none */
    int min_pos;                        /* -1: none */
    int segmenter;
    const char *text;                   /* its part of the path's text */
    const char *answer;                 /* normalised; NULL: states none */
};

struct db_edge {
    int64_t id, run_id;
    const char *kind, *src_kind, *dst_kind, *measured, *note;
    int64_t src_id, dst_id;
    double weight;
};

struct db_vote {
    int64_t run_id;
    const char *answer, *kind;
    int votes;
    double share, logprob_mean;         /* share of the paths that voted */
    const char *paths;                  /* "0,3,5" ordinals */
};

struct db_divergence {
    int64_t run_id;
    int path_a, path_b;                 /* ordinals, a < b */
    int pos;                            /* -1: identical to the end */
    int32_t token_a, token_b;           /* -1: the path had ended */
    const char *text_a, *text_b;        /* pieces, or NULL */
};

enum { DB_ROUTE_PARTS = 5 };             /* entropy .. escalated, 007.sql */
struct db_route {                       /* a row of v_route_block */
    int pos;
    const char *mode, *reason;
    double score, low, high;
    double part[DB_ROUTE_PARTS];        /* NaN: not known */
};

struct db_loss { int64_t run_id, from_seq, n_event; const char *reason; };

/* RUN as people write it: a unique prefix of the uid, or "last".
 * SOR_NOTFOUND (none, or ambiguous: the message says which). */
enum sor_err db_find_run(struct db *d, const char *name, int64_t *id,
                         struct sor_msg *msg);
/* RUN, RUN:PATH, RUN:PATH:STEP, RUN:PATH@POS; what is absent is -1. */
struct db_addr { int64_t run_id, path_id, step_id; int path, step, pos; };
enum sor_err db_find(struct db *d, const char *address, struct db_addr *out,
                     struct sor_msg *msg);

/* One row by id: 1 found, 0 not, -1 damaged.  Borrowed until the next db_get_
 * call of the same kind. */
int db_get_model(struct db *d, int64_t id, struct db_model *out);
int db_get_run(struct db *d, int64_t id, struct db_run *out);
int db_get_path(struct db *d, int64_t id, struct db_path *out);

/* Runs, newest first by default; `like`: only those whose uid or prompt holds
 * the text (NULL: all).  Sort keys come from a fixed list. */
enum db_run_sort { DB_RUN_STARTED, DB_RUN_UID, DB_RUN_PROMPT, DB_RUN_ANSWER,
                   DB_RUN_TOKENS, DB_RUN_SORTS };
struct db_run_query {
    const char *like;
    enum db_run_sort sort;
    int ascending;
    int skip, limit;                    /* limit 0: all */
};
struct db_cur *db_runs(struct db *d, const struct db_run_query *q);
int db_run_next(struct db_cur *c, struct db_run *out);

struct db_cur *db_paths(struct db *d, int64_t run_id);
int db_path_next(struct db_cur *c, struct db_path *out);

/* window.from: ordinal of the step. */
struct db_cur *db_steps(struct db *d, int64_t path_id, struct db_window w);
int db_step_next(struct db_cur *c, struct db_step *out);

/* window.from: pos.  Goes through path_span, so shared tokens come too. */
struct db_cur *db_tokens(struct db *d, int64_t path_id, struct db_window w);
int db_token_next(struct db_cur *c, struct db_token *out);
/* Its tokens that left the network early, shared ones included, by position. */
struct db_exit { int pos, layer; double measure, threshold; };
struct db_cur *db_exits(struct db *d, int64_t path_id);
int db_exit_next(struct db_cur *c, struct db_exit *out);
/* One past the last position of a path; 0 where it has none. */
int db_path_len(struct db *d, int64_t path_id);

/* First position in [from, n) (reverse: down from `from`) whose piece holds
 * `needle` without regard to ASCII case; -1: none. */
int db_token_search(struct db *d, int64_t path_id, int from, int reverse,
                    const char *needle);

struct db_cur *db_edges(struct db *d, int64_t run_id);
int db_edge_next(struct db_cur *c, struct db_edge *out);
struct db_cur *db_votes(struct db *d, int64_t run_id);  /* most votes first */
int db_vote_next(struct db_cur *c, struct db_vote *out);
struct db_cur *db_divergences(struct db *d, int64_t run_id);
int db_divergence_next(struct db_cur *c, struct db_divergence *out);
/* What routing decided of a path's tokens, shared ones too, in order. */
struct db_cur *db_routes(struct db *d, int64_t path_id);
int db_route_next(struct db_cur *c, struct db_route *out);
struct db_cur *db_losses(struct db *d, int64_t run_id);
int db_loss_next(struct db_cur *c, struct db_loss *out);

/* Model parts in file order, for replay's check of the model file. */
struct db_model_part { int ordinal; const char *name; int64_t bytes;
                       uint64_t xxh3; };
struct db_cur *db_model_parts(struct db *d, int64_t model_id);
int db_model_part_next(struct db_cur *c, struct db_model_part *out);

#endif
