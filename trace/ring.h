/* trace/ring.h - a byte ring between one producer and one consumer.
 *
 * DESIGN
 * Records of any length lie in one power-of-two buffer, each whole and 8-byte
 * aligned: where one does not fit before the end, the rest is padding.  head
 * (bytes ever pushed) belongs to the producer and tail (bytes ever dropped) to
 * the consumer; each is published with a sequentially consistent store, so
 * that "store mine, then look whether the other sleeps" cannot miss a sleeper
 * on either side.  Nobody locks unless somebody sleeps.
 *
 * The consumer sleeps until ring_wake(), until a quarter of the ring is full,
 * or until its time is up: it is meant to work in batches and not to be woken
 * for every record.  The producer sleeps only on a full ring, until half of it
 * is free again.
 *
 * Threads  ring_reserve/push/wake: the producer; ring_front/drop: the
 *          consumer; nothing else is shared. */
#ifndef TRACE_RING_H
#define TRACE_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ring;

/* bytes is rounded up to a power of two, at least 4 KiB.  SOR_NOMEM. */
enum sor_err ring_open(size_t bytes, struct ring **out, struct sor_msg *msg);
void ring_close(struct ring *r);                /* accepts NULL */

/* The longest record that a ring takes: a quarter of it. */
size_t ring_max(const struct ring *r);

/* Room for one record of n bytes, 8-byte aligned, n <= ring_max(); filled in
 * place, then published by ring_push().  On a full ring: waits, or returns
 * NULL where `wait` is 0. */
void *ring_reserve(struct ring *r, size_t n, int wait);
void ring_push(struct ring *r);
void ring_wake(struct ring *r);         /* the consumer should look now */
uint64_t ring_wait_ns(const struct ring *r);    /* producer's time asleep */

/* The oldest record and its bytes, or NULL where none came within wait_ns.
 * Borrowed until ring_drop(), which frees it. */
const void *ring_front(struct ring *r, uint64_t wait_ns, size_t *n);
void ring_drop(struct ring *r);

#endif
