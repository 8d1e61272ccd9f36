/* trace/effort.h - the work of one path as the engine tells it, counted until
 * the path ends: the rows of table work.
 *
 * Threads  the engine's while the path goes on; the writer's once it has
 *          ended. */
#ifndef TRACE_EFFORT_H
#define TRACE_EFFORT_H

#include "db/price.h"
#include "engine/hook.h"

struct effort { struct db_work prompt, answer; };

/* A HOOK_ROUTE and a HOOK_ROW of the path; positions from text_from on are its
 * answer.  n_group: KV groups of the model. */
void effort_route(struct effort *e, const struct hook_event *ev, int text_from,
                  int n_group);
void effort_row(struct effort *e, const struct hook_event *ev, int text_from);

/* A row for each phase that did anything. */
enum sor_err effort_put(const struct effort *e, struct db_writer *w,
                        int64_t path_id, struct sor_msg *msg);

#endif
