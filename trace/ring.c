#include "trace/ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

enum { ALIGN = 8, LINE = 64, MIN_BYTES = 4096 };

/* Before each record; padding says so and carries nothing. */
struct head {
    uint32_t bytes;             /* of the record, without head and padding */
    uint32_t is_padding;
};

/* One side of the ring, on cache lines of its own. */
struct side {
    _Alignas(LINE) atomic_uint_fast64_t at;     /* head or tail */
    atomic_int asleep;          /* written under the lock */
    pthread_cond_t wake;
};

struct ring {
    uint8_t *buf;
    size_t size;                /* power of two */
    struct side in, out;        /* in.at: pushed; out.at: dropped */
    _Alignas(LINE) uint64_t seen_out;   /* producer's last look at out.at */
    uint64_t next;              /* where the reserved record will end */
    uint64_t wait_ns;
    int woken;                  /* ring_wake() came; under the lock */
    pthread_mutex_t lock;
};

static size_t padded(size_t n)
{
    return (n + sizeof(struct head) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static void side_init(struct side *s)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
    atomic_init(&s->at, 0);
    atomic_init(&s->asleep, 0);
}

enum sor_err ring_open(size_t bytes, struct ring **out, struct sor_msg *msg)
{
    size_t size = MIN_BYTES;
    struct ring *r;

    while (size < bytes && size <= SIZE_MAX / 2)
        size *= 2;
    r = mem_aligned(LINE, sizeof *r);
    if (!r)
        goto fail;
    memset(r, 0, sizeof *r);
    r->size = size;
    r->buf = mem_aligned(LINE, size);
    if (!r->buf)
        goto fail;
    side_init(&r->in);
    side_init(&r->out);
    pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return SOR_OK;
fail:
    mem_free(r);
    return sor_fail(msg, SOR_NOMEM, "no memory for a ring of %zu bytes", size);
}

void ring_close(struct ring *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->in.wake);
    pthread_cond_destroy(&r->out.wake);
    mem_free(r->buf);
    mem_free(r);
}

size_t ring_max(const struct ring *r)
{
    return r->size / 4 - sizeof(struct head);
}

uint64_t ring_wait_ns(const struct ring *r)
{
    return r->wait_ns;
}

/* --- producer ------------------------------------------------------------ */

/* Whether the ring has room up to `end`, with `spare` bytes left over. */
static int has_room(struct ring *r, uint64_t end, size_t spare)
{
    if (end - r->seen_out + spare <= r->size)
        return 1;
    r->seen_out = atomic_load(&r->out.at);
    return end - r->seen_out + spare <= r->size;
}

/* Under the lock, so that a consumer about to sleep either sees what was
 * pushed or is already marked asleep. */
static void wake_consumer(struct ring *r)
{
    if (atomic_load(&r->out.asleep)) {
        r->woken = 1;
        pthread_cond_signal(&r->out.wake);
    }
}

static void wait_for_room(struct ring *r, uint64_t end)
{
    uint64_t t0 = clock_mono_ns();

    pthread_mutex_lock(&r->lock);
    atomic_store(&r->in.asleep, 1);
    wake_consumer(r);
    while (!has_room(r, end, 0))
        pthread_cond_wait(&r->in.wake, &r->lock);
    atomic_store(&r->in.asleep, 0);
    pthread_mutex_unlock(&r->lock);
    r->wait_ns += clock_mono_ns() - t0;
}

void *ring_reserve(struct ring *r, size_t n, int wait)
{
    uint64_t at = atomic_load_explicit(&r->in.at, memory_order_relaxed);
    size_t need = padded(n), offset = at & (r->size - 1);
    size_t pad = offset + need > r->size ? r->size - offset : 0;
    struct head *h;

    if (!has_room(r, at + pad + need, 0)) {
        if (!wait)
            return NULL;
        wait_for_room(r, at + pad + need);
    }
    if (pad) {
        h = (struct head *)(void *)(r->buf + offset);
        *h = (struct head){ (uint32_t)(pad - sizeof *h), 1 };
        offset = 0;
    }
    h = (struct head *)(void *)(r->buf + offset);
    *h = (struct head){ (uint32_t)n, 0 };
    r->next = at + pad + need;
    return h + 1;
}

void ring_wake(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    wake_consumer(r);
    pthread_mutex_unlock(&r->lock);
}

void ring_push(struct ring *r)
{
    atomic_store(&r->in.at, r->next);
    if (atomic_load(&r->out.asleep) && !has_room(r, r->next, r->size * 3 / 4))
        ring_wake(r);
}

/* --- consumer ------------------------------------------------------------ */

/* Sleeps until woken or `wait_ns` are over; not at all where something was
 * pushed since the caller looked. */
static void wait_for_record(struct ring *r, uint64_t tail, uint64_t wait_ns)
{
    uint64_t until = clock_mono_ns() + wait_ns;
    struct timespec ts = { (time_t)(until / 1000000000u),
                           (long)(until % 1000000000u) };

    pthread_mutex_lock(&r->lock);
    atomic_store(&r->out.asleep, 1);
    r->woken = atomic_load(&r->in.at) != tail;
    while (!r->woken &&
           pthread_cond_timedwait(&r->out.wake, &r->lock, &ts) == 0)
        ;
    atomic_store(&r->out.asleep, 0);
    pthread_mutex_unlock(&r->lock);
}

const void *ring_front(struct ring *r, uint64_t wait_ns, size_t *n)
{
    uint64_t tail = atomic_load_explicit(&r->out.at, memory_order_relaxed);
    const struct head *h;

    if (atomic_load(&r->in.at) == tail) {
        if (wait_ns == 0)
            return NULL;
        wait_for_record(r, tail, wait_ns);
        if (atomic_load(&r->in.at) == tail)
            return NULL;
    }
    h = (const void *)(r->buf + (tail & (r->size - 1)));
    if (h->is_padding) {                /* a record was pushed with it */
        atomic_store(&r->out.at, tail + sizeof *h + h->bytes);
        h = (const void *)r->buf;
    }
    *n = h->bytes;
    return h + 1;
}

void ring_drop(struct ring *r)
{
    uint64_t tail = atomic_load_explicit(&r->out.at, memory_order_relaxed);
    const struct head *h = (const void *)(r->buf + (tail & (r->size - 1)));

    tail += padded(h->bytes);
    atomic_store(&r->out.at, tail);
    if (atomic_load(&r->in.asleep)) {
        uint64_t used = atomic_load(&r->in.at) - tail;

        if (used <= r->size / 2) {
            pthread_mutex_lock(&r->lock);
            pthread_cond_signal(&r->in.wake);
            pthread_mutex_unlock(&r->lock);
        }
    }
}
