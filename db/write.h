/* db/write.h - the one writing connection of a database.
 *
 * db_writer_open() takes the file's writer lock before anything else, creates
 * the file with mode 0600, migrates it and remakes the views.  Its folder must
 * exist, but for the default place, which is made (0700).  A second writer is
 * refused with SOR_BUSY and the first's pid, or waits where `wait` is set.
 *
 * Rows go in between db_begin() and db_commit(); a commit closes one batch of
 * the hash chain.  put functions return the new row's id through *id (NULL is
 * fine) and keep prepared statements; they allocate nothing per token.
 *
 * Errors   a failed put or commit rolls the open batch back; the database
 *          stays as it was after the last commit.
 * Threads  one thread at a time. */
#ifndef DB_WRITE_H
#define DB_WRITE_H

#include "db/db.h"

struct db_writer;

struct db_writer_opts {
    int wait;                           /* wait for the lock */
    int (*cancelled)(void *ud);         /* polled while waiting; may be NULL */
    void *ud;
    int lazy;                           /* commits outlive this process at
                                         * once, a power cut when the writer
                                         * has closed; else each at once */
};

enum sor_err db_writer_open(const char *path, const struct db_writer_opts *o,
                            struct db_writer **out, struct sor_msg *msg);
/* Commits nothing that is open; checkpoints; gives the lock back. */
void db_writer_close(struct db_writer *w);      /* accepts NULL */

/* run_id: whose rows the batch will hold (rm and the verifier rely on it); 0:
 * of the run that db_put_run() makes in it, or shared rows (text, model,
 * piece) only. */
enum sor_err db_begin(struct db_writer *w, int64_t run_id, struct sor_msg *msg);
/* batch_id (may be NULL): the batch that is now safe on disk. */
enum sor_err db_commit(struct db_writer *w, int64_t *batch_id,
                       struct sor_msg *msg);
void db_rollback(struct db_writer *w);

/* The id of this content, stored or found. */
enum sor_err db_put_text(struct db_writer *w, const char *s, size_t n,
                         int64_t *id, struct sor_msg *msg);

struct db_put_run {                     /* columns of run; see 001.sql */
    const char *uid, *kind, *chat, *route, *kv_type, *isa, *level, *program,
               *params;
    int64_t model_id, prompt_id, system_id;     /* 0: NULL */
    int n_prompt, n_path, max_tok, top_k, n_thread, n_ctx;
    int64_t seed, started_us;
    double temperature, top_p, min_p;
};
struct db_put_run_end {
    int64_t run_id;
    const char *status, *reason;
    int64_t n_token, n_lost, wall_ns, prefill_ns, ended_us;
};
struct db_put_batching {                /* columns of batching; see 005.sql */
    int64_t run_id;
    int n_seat, n_row;
    int64_t n_step, seats, n_fed;
    struct db_blob steps, joined;
};
struct db_put_draft {                   /* columns of draft; see 006.sql */
    int64_t path_id;
    const char *source;
    int64_t n_pass, n_draft, n_kept;
    struct db_blob passes;
};
struct db_put_exit {                    /* columns of token_exit */
    int64_t path_id;
    int pos, layer;
    double measure, threshold;
};
struct db_put_route {                   /* columns of route; see 007.sql */
    int64_t path_id;
    int pos;
    const char *mode, *reason;
    double score, low, high;
    double part[DB_ROUTE_PARTS];        /* NaN: NULL */
};
struct db_put_path {
    int64_t run_id;
    int ordinal;
    const char *kind, *params;
    int64_t parent_id;                  /* 0: none */
    int fork_pos;
    int64_t seed;
};
struct db_put_path_end {
    int64_t path_id;
    const char *stop;
    int n_token;
    int64_t text_id;
    double logprob_mean;                /* NaN: NULL */
    int64_t ended_us;
};
struct db_put_token {
    int64_t path_id;
    int pos;
    int32_t token_id;
    double logprob, entropy;            /* NaN: NULL */
    int mode;                           /* -1: NULL */
    int has_digest;
    uint64_t digest;
    struct db_blob alt, layers, heads;  /* p NULL: NULL */
};
struct db_put_step {
    int64_t path_id;
    int ordinal;
    const char *role, *origin;
    int tok_from, tok_to, char_from, char_to;
    double logprob_mean, logprob_min;   /* NaN: NULL */
    int min_pos;                        /* -1: NULL */
    int segmenter;
};
struct db_put_answer {
    int64_t path_id, step_id;           /* step 0: NULL */
    int final;
    const char *kind;
    int64_t text_id, norm_id;
};
struct db_put_edge {
    int64_t run_id;
    const char *kind, *src_kind, *dst_kind, *measured;
    int64_t src_id, dst_id, note_id;    /* note 0: NULL */
    double weight;
};
struct db_put_divergence {
    int64_t run_id, path_a, path_b;     /* ids */
    int pos;                            /* -1: NULL */
    int32_t token_a, token_b;           /* -1: NULL */
};

/* The model and its parts; found by sha256 where it is already there. */
enum sor_err db_put_model(struct db_writer *w, const struct db_model *m,
                          const struct db_model_part *part, int n_part,
                          int64_t *id, struct sor_msg *msg);
enum sor_err db_put_piece(struct db_writer *w, int64_t model_id,
                          int32_t token_id, const void *bytes, size_t n,
                          struct sor_msg *msg);     /* once per id; repeats ok */
enum sor_err db_put_run(struct db_writer *w, const struct db_put_run *r,
                        int64_t *id, struct sor_msg *msg);
enum sor_err db_put_run_end(struct db_writer *w,
                            const struct db_put_run_end *r,
                            struct sor_msg *msg);
enum sor_err db_put_batching(struct db_writer *w,
                             const struct db_put_batching *b,
                             struct sor_msg *msg);
enum sor_err db_put_draft(struct db_writer *w, const struct db_put_draft *d,
                          struct sor_msg *msg);
enum sor_err db_put_exit(struct db_writer *w, const struct db_put_exit *x,
                         struct sor_msg *msg);
enum sor_err db_put_route(struct db_writer *w, const struct db_put_route *r,
                          struct sor_msg *msg);
/* Writes the path and its spans. */
enum sor_err db_put_path(struct db_writer *w, const struct db_put_path *p,
                         int64_t *id, struct sor_msg *msg);
enum sor_err db_put_path_end(struct db_writer *w,
                             const struct db_put_path_end *p,
                             struct sor_msg *msg);
enum sor_err db_put_token(struct db_writer *w, const struct db_put_token *t,
                          struct sor_msg *msg);
enum sor_err db_put_step(struct db_writer *w, const struct db_put_step *s,
                         int64_t *id, struct sor_msg *msg);
enum sor_err db_put_answer(struct db_writer *w, const struct db_put_answer *a,
                           int64_t *id, struct sor_msg *msg);
enum sor_err db_put_edge(struct db_writer *w, const struct db_put_edge *e,
                         struct sor_msg *msg);
enum sor_err db_put_divergence(struct db_writer *w,
                               const struct db_put_divergence *d,
                               struct sor_msg *msg);
enum sor_err db_put_loss(struct db_writer *w, const struct db_loss *l,
                         struct sor_msg *msg);

/* rm: every row of the run goes; forget: text and tokens go, digests, steps'
 * places and votes' counts stay.  Both leave a tombstone in the chain and
 * overwrite the freed pages (secure_delete). */
enum sor_err db_remove_run(struct db_writer *w, int64_t run_id,
                           struct sor_msg *msg);
enum sor_err db_forget_run(struct db_writer *w, int64_t run_id,
                           struct sor_msg *msg);

#endif
