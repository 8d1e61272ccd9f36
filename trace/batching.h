/* trace/batching.h - how full the steps of a run were, gathered until it ends:
 * the row of table batching.
 *
 * Threads  the writer's alone. */
#ifndef TRACE_BATCHING_H
#define TRACE_BATCHING_H

#include "base/str.h"
#include "db/write.h"
#include "engine/hook.h"

struct batching {
    int n_seat, n_row;
    int64_t n_step, seats, n_fed;
    struct hook_batch last;     /* the step before... */
    uint32_t n_last;            /* ...and how many were like it in a row */
    struct str steps, joined;   /* packed: db/migrations/005_batching.sql */
};

void batching_init(struct batching *b);
void batching_release(struct batching *b);
void batching_clear(struct batching *b);        /* another run begins */

/* A path takes a seat in the step to come.  ordinal: of the path. */
void batching_join(struct batching *b, int ordinal);
void batching_step(struct batching *b, const struct hook_batch *step);

/* The row, borrowing b's memory.  SOR_OK without one where there were no
 * steps. */
enum sor_err batching_put(struct batching *b, struct db_writer *w,
                          int64_t run_id, struct sor_msg *msg);

#endif
