/* trace/rec.h - the recorder: from engine events to committed rows.
 *
 * DESIGN
 * The thread that runs the engine calls on_event() in place: it packs each
 * layer's facts into the row's own slot (db/pack.h) and, when the row is
 * complete, copies one record into a byte ring.  A writer thread takes
 * records from the ring, keeps per-path state (text, log-probabilities,
 * attention by block), and commits them to SQLite in batches.  When a path
 * ends it cuts the text into steps, links them by edges and reads the answer;
 * when the run ends it counts votes and finds where paths part.
 *
 * Back-pressure  a full ring makes the engine's thread wait; with `lossy` it
 *                drops token records instead, counts them and the database
 *                says so (table loss).  Structure (runs, paths, steps) is
 *                never dropped.
 * Guesses        rows read ahead (hook.h, HOOK_DRAFT) wait on the engine's side
 *                until they are judged; what was wrong never reaches the ring.
 * Failure        a database error (disk full) ends recording, not the run:
 *                the rest is counted as lost, rec_stats() says from where,
 *                and everything committed stays.
 * Memory         slots, ring and packed rows are allocated by rec_open() and
 *                rec_path_begin(); nothing per token.
 * Threads        all rec_ calls and on_event() come from one thread; the
 *                writer thread is inside. */
#ifndef TRACE_REC_H
#define TRACE_REC_H

#include <stdint.h>

#include "base/err.h"
#include "db/price.h"
#include "db/write.h"
#include "engine/hook.h"

struct rec;

enum rec_level { REC_OFF, REC_STEPS, REC_TOKENS, REC_LAYERS, REC_HEADS };
enum sor_err rec_level_parse(const char *name, enum rec_level *out,
                             struct sor_msg *msg);
const char *rec_level_name(enum rec_level level);

struct rec_opts {
    enum rec_level level;               /* REC_OFF is for callers to handle */
    int lossy, wait;                    /* wait: for the writer lock */
    size_t ring_bytes;                  /* 0: 8 MiB */
    int n_layer, n_head, n_head_kv;     /* of the model */
    int n_ahead;                        /* guesses that a step may read; 0:
                                         * none is made */
    /* Bytes of a token; borrowed for the life of the recorder.  Both are
     * called on the writer thread. */
    const char *(*piece)(void *ud, int32_t id, size_t *n);
    /* 1: the token gives no text (end of turn, ...); NULL: none is so. */
    int (*is_special)(void *ud, int32_t id);
    void *piece_ud;
    int (*cancelled)(void *ud);         /* polled while waiting for the lock */
    void *cancelled_ud;
    /* Called on the writer thread after each COMMIT returned (tests, and
     * `run -v`); may be NULL. */
    void (*committed)(void *ud, int64_t batch_id);
    void *committed_ud;
};

/* Opens the database for writing, takes its lock, starts the writer.
 * SOR_FULL: here and below, there is no room on the disk. */
enum sor_err rec_open(const char *db_path, const struct rec_opts *opts,
                      struct rec **out, struct sor_msg *msg);
/* Flushes, stops the writer, closes the database.  Accepts NULL. */
void rec_close(struct rec *r);

/* What goes into the run row.  Strings are copied. */
struct rec_run {
    struct db_put_run row;              /* *_id, uid, level, program: filled
                                         * by the recorder; started_us too */
    const char *prompt, *system;        /* system NULL: none */
    const struct db_model *model;       /* id ignored */
    const struct db_model_part *part;   /* [n_part] */
    int n_part;
    const struct db_work_unit *unit;    /* what its work costs; NULL: unknown,
                                         * and then it is not recorded */
};
/* A new run's name: 32 random hex digits and a NUL. */
enum sor_err rec_uid(char uid[33], struct sor_msg *msg);

/* uid: chosen here. */
enum sor_err rec_run_begin(struct rec *r, const struct rec_run *run,
                           char uid[33], struct sor_msg *msg);

struct rec_path {
    uint64_t tag;                       /* its session's tag */
    int ordinal;
    const char *kind, *params;          /* params: JSON object */
    uint64_t parent_tag;                /* 0: none (tags start at 1) */
    int64_t parent_id;                  /* a recorded path of another run that
                                         * it was forked from; 0: none */
    int fork_pos;
    int64_t seed;
    int text_from;                      /* pos of the first generated token */
    int max_tok;                        /* generated tokens at most; any more
                                         * are kept without attention */
};
enum sor_err rec_path_begin(struct rec *r, const struct rec_path *path,
                            struct sor_msg *msg);
/* The prompt's tokens come from HOOK_ROW; generated ones from HOOK_TOKEN. */
void rec_path_end(struct rec *r, uint64_t tag, const char *stop);

/* status: 'complete' or 'interrupted'; the recorder makes it 'incomplete'
 * where events were lost.  Waits until all is committed. */
enum sor_err rec_run_end(struct rec *r, const char *status,
                         int64_t wall_ns, int64_t prefill_ns,
                         struct sor_msg *msg);

const struct hook_observer *rec_observer(struct rec *r);

struct rec_stats {
    uint64_t n_event, n_token, n_lost, n_batch;
    uint64_t lost_from_seq;             /* valid where n_lost > 0 */
    uint64_t wait_ns;                   /* the engine waited on a full ring */
    uint64_t pack_ns, write_ns;         /* spent packing (estimated from one
                                         * row in 64); writing */
    int nan_layer, nan_pos;             /* first NaN or inf seen; -1: none */
    uint64_t nan_tag;
    char reason[SOR_MSG_BYTES];         /* why recording stopped, or "" */
};
void rec_stats(const struct rec *r, struct rec_stats *out);

#endif
