/* engine/pool.h - a thread pool for many short parallel loops.
 *
 * DESIGN
 * pool_run() publishes a job of n tasks; workers and the caller take task
 * numbers from one atomic word until none is left.  Whoever is late finds
 * nothing to do, so a descheduled worker delays nobody.  Workers spin for a
 * moment between jobs (a forward pass has a hundred of them) and then park.
 * The word is  generation << 40 | n_task << 20 | next : a task is taken by
 * compare-and-swap of the whole word, so a worker can never take a task of a
 * job other than the one whose number it read.
 *
 * Threads  one thread calls pool_run() at a time. */
#ifndef ENGINE_POOL_H
#define ENGINE_POOL_H

#include "base/err.h"

struct pool;

enum { POOL_MAX_THREADS = 64, POOL_MAX_TASKS = (1 << 20) - 1 };

/* n_thread counts the caller: 1 makes no threads. */
enum sor_err pool_open(int n_thread, struct pool **out, struct sor_msg *msg);
void pool_close(struct pool *p);                /* accepts NULL */
int pool_threads(const struct pool *p);

/* Calls fn(ctx, task, thread) once for every task in 0 .. n_task-1, on any
 * thread (0 .. n_thread-1, the caller is 0), and returns when all are done.
 * One task runs here at once. */
void pool_run(struct pool *p, int n_task,
              void (*fn)(void *ctx, int task, int thread), void *ctx);

#endif
