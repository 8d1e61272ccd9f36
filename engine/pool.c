/* engine/pool.c - see pool.h for the design. */
#include "engine/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mem.h"

enum { SPIN_NS = 60000, SPINS_PER_LOOK = 256 };

struct pool {
    _Atomic uint64_t claim;     /* generation:24 | n_task:20 | next:20 */
    char pad1[56];
    _Atomic int done;           /* tasks finished of this job */
    char pad2[60];
    void (*fn)(void *, int, int);
    void *ctx;
    _Atomic int stop, n_parked;
    int n_thread, n_started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct worker { struct pool *pool; pthread_t id; int index; }
        worker[POOL_MAX_THREADS];
};

static inline uint64_t pack(uint64_t generation, int n_task)
{
    return generation << 40 | (uint64_t)n_task << 20;
}

static inline uint64_t generation_of(uint64_t claim) { return claim >> 40; }
static inline int n_task_of(uint64_t claim) { return claim >> 20 & 0xfffff; }
static inline int next_of(uint64_t claim) { return claim & 0xfffff; }

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Takes and runs tasks until the current job has none left. */
static void work(struct pool *p, int thread)
{
    uint64_t c = atomic_load_explicit(&p->claim, memory_order_acquire);

    while (next_of(c) < n_task_of(c)) {
        if (!atomic_compare_exchange_weak_explicit(&p->claim, &c, c + 1,
                memory_order_acq_rel, memory_order_acquire))
            continue;
        /* The job cannot end before this task, so fn and ctx stand still. */
        p->fn(p->ctx, next_of(c), thread);
        atomic_fetch_add_explicit(&p->done, 1, memory_order_release);
        c = atomic_load_explicit(&p->claim, memory_order_acquire);
    }
}

/* Spins, then parks, until the generation differs from `seen`. */
static void await_job(struct pool *p, uint64_t seen)
{
    uint64_t until = clock_mono_ns() + SPIN_NS;

    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (generation_of(atomic_load_explicit(&p->claim,
                    memory_order_acquire)) != seen || atomic_load(&p->stop))
                return;
            relax();
        }
    } while (clock_mono_ns() < until);

    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->n_parked, 1);
    while (generation_of(atomic_load(&p->claim)) == seen &&
           !atomic_load(&p->stop))
        pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->n_parked, 1);
    pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    uint64_t seen = 0;

    while (!atomic_load(&p->stop)) {
        await_job(p, seen);
        seen = generation_of(atomic_load_explicit(&p->claim,
                                                  memory_order_acquire));
        work(p, w->index);
    }
    return NULL;
}

/* Signals belong to the program's own threads, never to a worker. */
static int start_workers(struct pool *p)
{
    sigset_t all, old;
    int rc = 0;

    sigfillset(&all);
    sigdelset(&all, SIGBUS);    /* a map that was cut short: its handler has
                                 * to run where it was read */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (int i = 1; i < p->n_thread && rc == 0; i++) {
        p->worker[i] = (struct worker){ .pool = p, .index = i };
        rc = pthread_create(&p->worker[i].id, NULL, worker_main,
                            &p->worker[i]);
        if (rc == 0)
            p->n_started++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

enum sor_err pool_open(int n_thread, struct pool **out, struct sor_msg *msg)
{
    struct pool *p;

    if (n_thread < 1 || n_thread > POOL_MAX_THREADS)
        return sor_fail(msg, SOR_USAGE, "%d threads asked for; 1 to %d are "
                        "possible", n_thread, POOL_MAX_THREADS);
    p = mem_calloc(1, sizeof *p);
    if (!p)
        return sor_fail(msg, SOR_NOMEM, "thread pool: out of memory");
    p->n_thread = n_thread;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    if (start_workers(p) != 0) {
        pool_close(p);
        return sor_fail(msg, SOR_IO, "cannot start %d threads; try -t 1",
                        n_thread);
    }
    *out = p;
    return SOR_OK;
}

void pool_close(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, 1);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 1; i <= p->n_started; i++)
        pthread_join(p->worker[i].id, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

int pool_threads(const struct pool *p)
{
    return p->n_thread;
}

void pool_run(struct pool *p, int n_task, void (*fn)(void *, int, int),
              void *ctx)
{
    uint64_t c = atomic_load_explicit(&p->claim, memory_order_relaxed);

    if (n_task == 1 || p->n_thread == 1) {
        for (int i = 0; i < n_task; i++)
            fn(ctx, i, 0);
        return;
    }
    if (n_task < 1)
        return;
    p->fn = fn;
    p->ctx = ctx;
    atomic_store_explicit(&p->done, 0, memory_order_relaxed);
    atomic_store(&p->claim, pack((generation_of(c) + 1) & 0xffffff, n_task));
    if (atomic_load(&p->n_parked) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
    work(p, 0);
    while (atomic_load_explicit(&p->done, memory_order_acquire) < n_task)
        relax();
}
