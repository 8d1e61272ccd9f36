/* trace/drafting.h - what guessing ahead did for one path, gathered until it
 * ends: the row of table draft.
 *
 * Threads  the writer's alone. */
#ifndef TRACE_DRAFTING_H
#define TRACE_DRAFTING_H

#include "base/str.h"
#include "db/write.h"
#include "engine/hook.h"

struct drafting {
    int source;
    int64_t n_pass, n_draft, n_kept;
    struct str passes;          /* packed: db/migrations/006_draft.sql */
};

void drafting_init(struct drafting *d);
void drafting_release(struct drafting *d);

/* One pass: guesses behind the token at pos. */
void drafting_step(struct drafting *d, int pos, const struct hook_draft *u);

/* The row.  SOR_OK without one where nothing was guessed. */
enum sor_err drafting_put(const struct drafting *d, struct db_writer *w,
                          int64_t path_id, struct sor_msg *msg);

#endif
