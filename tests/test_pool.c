/* The thread pool: every task once, whoever is late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "engine/pool.h"

enum { MOST = 1000 };

struct tally {
    atomic_int count[MOST];
    atomic_int bad_thread;
    int n_thread;
};

static void count(void *ctx, int task, int thread)
{
    struct tally *t = ctx;

    atomic_fetch_add(&t->count[task], 1);
    if (thread < 0 || thread >= t->n_thread)
        atomic_fetch_add(&t->bad_thread, 1);
}

static void every_task_runs_once(void **state)
{
    static const int sizes[] = { 0, 1, 2, 3, 7, 64, MOST };
    static struct tally t;

    (void)state;
    for (int n_thread = 1; n_thread <= 5; n_thread++) {
        struct pool *p;

        assert_int_equal(pool_open(n_thread, &p, NULL), SOR_OK);
        assert_int_equal(pool_threads(p), n_thread);
        for (int rep = 0; rep < 300; rep++) {
            int n = sizes[rep % 7];

            memset(&t, 0, sizeof t);
            t.n_thread = n_thread;
            pool_run(p, n, count, &t);
            for (int i = 0; i < MOST; i++)
                assert_int_equal(atomic_load(&t.count[i]), i < n);
            assert_int_equal(atomic_load(&t.bad_thread), 0);
        }
        pool_close(p);
    }
}

/* Long enough for the workers to park: they must wake again. */
static void parked_workers_wake(void **state)
{
    static struct tally t;
    struct timespec pause = { .tv_nsec = 2000000 };
    struct pool *p;

    (void)state;
    assert_int_equal(pool_open(3, &p, NULL), SOR_OK);
    t.n_thread = 3;
    for (int rep = 0; rep < 20; rep++) {
        nanosleep(&pause, NULL);
        pool_run(p, 50, count, &t);
        assert_int_equal(atomic_load(&t.count[49]), rep + 1);
    }
    pool_close(p);
}

static void sizes_out_of_range_are_refused(void **state)
{
    struct pool *p = NULL;
    struct sor_msg msg;

    (void)state;
    assert_int_equal(pool_open(0, &p, &msg), SOR_USAGE);
    assert_int_equal(pool_open(POOL_MAX_THREADS + 1, &p, &msg), SOR_USAGE);
    assert_non_null(strstr(msg.text, "64"));
    assert_null(p);
    pool_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(parked_workers_wake),
        cmocka_unit_test(sizes_out_of_range_are_refused),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
