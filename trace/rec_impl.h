/* trace/rec_impl.h - the inside of struct rec, shared by recorder.c (the
 * engine's thread) and writer.c (the writer's thread). */
#ifndef TRACE_REC_IMPL_H
#define TRACE_REC_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "trace/batching.h"
#include "trace/rec.h"
#include "trace/ring.h"
#include "trace/track.h"

/* --- records in the ring ------------------------------------------------- */

enum rec_kind {
    REC_CALL,           /* struct rec_order: do this, somebody waits */
    REC_PATH_BEGIN,     /* struct rec_head */
    REC_PATH_END,       /* struct rec_end */
    REC_ROW,            /* struct rec_row, layers, heads, attention */
    REC_TOKEN,          /* struct rec_token */
    REC_JOIN,           /* struct rec_head */
    REC_BATCH,          /* struct rec_batch */
    REC_DRAFT           /* struct rec_draft */
};

struct rec_head {
    enum rec_kind kind;
    int32_t pos, id;
    uint64_t seq;               /* of the event it was made from */
    struct track *track;
};

/* What decided a row's mode, where routing is on. */
struct rec_route {
    uint8_t is_on, mode, reason;
    float score, low, high, part[HOOK_PARTS];
};

struct rec_row {
    struct rec_head h;
    struct rec_route route;
    uint64_t digest;
    uint32_t layers_bytes, heads_bytes, n_attn;     /* of what follows */
    uint8_t has_digest, mode;
    uint16_t depth;             /* layers, where it left early; 0: all */
    float sure, enough;         /* then */
};

struct rec_token {
    struct rec_head h;
    float logprob, entropy;
    uint8_t n_alt;
    uint8_t alt[HOOK_ALT_MAX * PACK_ALT_BYTES];
};

struct rec_batch {
    struct rec_head h;
    struct hook_batch step;
};

struct rec_draft {
    struct rec_head h;          /* pos: of the token that was certain */
    struct hook_draft draft;
};

enum { REC_STOP_BYTES = 16 };
struct rec_end {
    struct rec_head h;
    char stop[REC_STOP_BYTES];
};

/* Something to be done on the writer's thread while the caller waits. */
struct rec_call {
    enum { CALL_RUN_BEGIN, CALL_RUN_END, CALL_STOP } what;
    const struct rec_run *run;          /* CALL_RUN_BEGIN */
    const char *uid;
    int64_t started_us;
    const char *status;                 /* CALL_RUN_END */
    int64_t wall_ns, prefill_ns;
    struct track **track;
    int n_track;
    uint64_t n_dropped, dropped_from;   /* by the engine's thread (lossy) */
    struct sor_msg nan;                 /* "" or where NaN was seen */
    enum sor_err err;                   /* the result */
    struct sor_msg msg;
    int done;
};
struct rec_order {
    struct rec_head h;
    struct rec_call *call;
};

/* --- the writer's side --------------------------------------------------- */

struct writer {
    struct db_writer *db;
    int64_t run_id, model_id;           /* 0: none */
    int has_unit;                       /* what its work costs is known */
    struct str question;                /* the run's prompt */
    int is_open;                        /* a batch is */
    uint64_t opened_ns;
    int n_row;                          /* rows of token in the batch */
    uint64_t n_record, first_seq;       /* records in the batch; their first */
    struct sor_msg reason;              /* why shared.is_dead */
    enum sor_err failed;                /* what begin or commit last said */
    int64_t n_token;                    /* rows of token committed */
    struct batching batching;           /* of the run */
};

/* Read by rec_stats() while the writer runs. */
struct rec_shared {
    atomic_uint_fast64_t n_token, n_lost, lost_from, n_batch, write_ns;
    atomic_int is_dead;         /* a database error: the writer only counts */
};

/* --- the engine's side --------------------------------------------------- */

/* A row of the pass in progress. */
struct slot {
    struct track *track;                /* NULL: nobody asked for this tag */
    uint64_t tag;                       /* 0: free (tags start at 1) */
    int32_t pos;
    uint8_t mode, is_timed;
    uint32_t n_attn;
    uint8_t *layers, *heads;            /* packed in place */
    uint16_t *attn;
    struct pack_layer layer;            /* its route, until its HOOK_LAYER */
    struct rec_route route;
};

/* A guess's row, until it is judged. */
struct held {
    uint64_t tag;
    int32_t pos;
    int16_t nan_layer;
    size_t bytes;               /* of the record in rec.held_bytes */
};

struct rec {
    struct rec_opts opts;
    struct hook_observer observer;
    struct slot slot[HOOK_ROWS_MAX];
    uint8_t *packed;                    /* the slots' layers and heads */
    uint16_t *attn;                     /* [HOOK_ROWS_MAX][attn_cap] */
    size_t layers_bytes, heads_bytes;   /* of one slot; 0: not recorded */
    uint32_t attn_cap;
    struct held *held;                  /* [opts.n_ahead] */
    uint8_t *held_rows;                 /* [opts.n_ahead][held_width()] */
    int n_held, held_judged;            /* judged: the next is of a new step */
    struct track **track;               /* of the run */
    int n_track, cap_track;
    int in_run;
    uint64_t n_event, n_row, pack_ns;
    uint64_t n_dropped, dropped_from;
    int nan_layer, nan_pos;
    uint64_t nan_tag;

    struct ring *ring;
    pthread_t thread;
    int has_thread;
    pthread_mutex_t lock;               /* of rec_call.done */
    pthread_cond_t done;
    struct writer w;                    /* the writer thread's */
    struct rec_shared shared;
};

/* The writer's thread: takes records until CALL_STOP. */
void *writer_main(void *rec);

#endif
