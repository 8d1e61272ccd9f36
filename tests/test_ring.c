/* trace/ring.c: records arrive whole and in order, and nobody sleeps for
 * ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "trace/ring.h"

enum { MS = 1000000 };

/* Record number i: its length, then bytes that depend on both. */
static size_t length_of(uint32_t i, size_t max)
{
    return 4 + (i * 2654435761u >> 7) % (max - 4);
}

static void fill(uint8_t *p, size_t n, uint32_t i)
{
    memcpy(p, &i, 4);
    for (size_t k = 4; k < n; k++)
        p[k] = (uint8_t)(i + k);
}

static int is_record(const uint8_t *p, size_t n, uint32_t i)
{
    uint32_t no;

    memcpy(&no, p, 4);
    if (no != i)
        return 0;
    for (size_t k = 4; k < n; k++)
        if (p[k] != (uint8_t)(i + k))
            return 0;
    return 1;
}

static void push(struct ring *r, uint32_t i, size_t n)
{
    void *p = ring_reserve(r, n, 1);

    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 8, 0);
    fill(p, n, i);
    ring_push(r);
}

static void test_one_thread(void **state)
{
    struct ring *r;
    const void *p;
    size_t n, max;

    (void)state;
    assert_int_equal(ring_open(0, &r, NULL), SOR_OK);
    max = ring_max(r);
    assert_null(ring_front(r, 0, &n));
    for (uint32_t i = 0; i < 5000; i++) {       /* many times round */
        push(r, i, length_of(i, max));
        if (i % 2)
            continue;
        if (i > 0) {
            p = ring_front(r, 0, &n);
            assert_int_equal(n, length_of(i - 1, max));
            assert_true(is_record(p, n, i - 1));
            ring_drop(r);
        }
        p = ring_front(r, 0, &n);
        assert_true(is_record(p, n, i));
        ring_drop(r);
    }
    ring_close(r);
    ring_close(NULL);
}

static void test_full(void **state)
{
    struct ring *r;
    size_t n, fit = 0;

    (void)state;
    assert_int_equal(ring_open(4096, &r, NULL), SOR_OK);
    while (ring_reserve(r, 100, 0)) {
        ring_push(r);
        fit++;
    }
    assert_int_equal(fit, 4096 / 112);
    assert_non_null(ring_front(r, 0, &n));
    assert_null(ring_reserve(r, 100, 0));
    ring_drop(r);
    assert_non_null(ring_reserve(r, 100, 0));
    assert_int_equal(ring_wait_ns(r), 0);
    ring_close(r);
}

/* --- two threads --------------------------------------------------------- */

enum { RECORDS = 200000 };

static void *produce(void *arg)
{
    struct ring *r = arg;
    size_t max = ring_max(r);

    for (uint32_t i = 0; i < RECORDS; i++) {
        size_t n = length_of(i, max < 300 ? max : 300);

        fill(ring_reserve(r, n, 1), n, i);
        ring_push(r);
    }
    ring_wake(r);
    return NULL;
}

static void test_two_threads(void **state)
{
    struct ring *r;
    pthread_t t;

    (void)state;
    assert_int_equal(ring_open(1 << 14, &r, NULL), SOR_OK);
    assert_int_equal(pthread_create(&t, NULL, produce, r), 0);
    for (uint32_t i = 0; i < RECORDS; ) {
        size_t n;
        const void *p = ring_front(r, 1000 * (uint64_t)MS, &n);

        if (!p)
            continue;
        assert_true(is_record(p, n, i++));
        ring_drop(r);
    }
    assert_int_equal(pthread_join(t, NULL), 0);
    ring_close(r);
}

static void *slow_consumer(void *arg)
{
    struct ring *r = arg;
    struct timespec pause = { 0, 30 * MS };
    size_t n;

    nanosleep(&pause, NULL);
    while (ring_front(r, 50 * (uint64_t)MS, &n))
        ring_drop(r);
    return NULL;
}

/* The producer waits for room and the time is counted. */
static void test_waits_for_room(void **state)
{
    struct ring *r;
    pthread_t t;

    (void)state;
    assert_int_equal(ring_open(4096, &r, NULL), SOR_OK);
    assert_int_equal(pthread_create(&t, NULL, slow_consumer, r), 0);
    for (uint32_t i = 0; i < 100; i++)
        push(r, i, 500);
    assert_true(ring_wait_ns(r) > 10 * (uint64_t)MS);
    assert_int_equal(pthread_join(t, NULL), 0);
    ring_close(r);
}

static void *sleeper(void *arg)
{
    size_t n;

    return (void *)(uintptr_t)(ring_front(arg, 60000 * (uint64_t)MS, &n)
                               != NULL);
}

/* One record leaves the consumer asleep; ring_wake() ends that. */
static void test_wake(void **state)
{
    struct timespec pause = { 0, 20 * MS };
    struct ring *r;
    pthread_t t;
    void *found;
    uint64_t t0 = clock_mono_ns();
    size_t n;

    (void)state;
    assert_int_equal(ring_open(4096, &r, NULL), SOR_OK);
    assert_null(ring_front(r, 5 * (uint64_t)MS, &n));
    assert_true(clock_mono_ns() - t0 >= 5 * (uint64_t)MS);
    assert_int_equal(pthread_create(&t, NULL, sleeper, r), 0);
    nanosleep(&pause, NULL);
    push(r, 0, 8);
    ring_wake(r);
    assert_int_equal(pthread_join(t, &found), 0);
    assert_non_null(found);
    assert_true(clock_mono_ns() - t0 < 30000 * (uint64_t)MS);
    ring_close(r);
}

/* A quarter of the ring wakes the consumer without ring_wake(). */
static void test_wakes_when_filling(void **state)
{
    struct timespec pause = { 0, 20 * MS };
    struct ring *r;
    pthread_t t;
    void *found;
    uint64_t t0 = clock_mono_ns();

    (void)state;
    assert_int_equal(ring_open(4096, &r, NULL), SOR_OK);
    assert_int_equal(pthread_create(&t, NULL, sleeper, r), 0);
    nanosleep(&pause, NULL);
    for (uint32_t i = 0; i < 4; i++)
        push(r, i, 400);
    assert_int_equal(pthread_join(t, &found), 0);
    assert_non_null(found);
    assert_true(clock_mono_ns() - t0 < 30000 * (uint64_t)MS);
    ring_close(r);
}

static void test_no_memory(void **state)
{
    struct ring *r = NULL;

    (void)state;
    for (uint64_t k = 1; k <= 2; k++) {
        mem_fail_at(k);
        assert_int_equal(ring_open(0, &r, NULL), SOR_NOMEM);
        assert_null(r);
    }
    mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_thread),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_waits_for_room),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_wakes_when_filling),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
