/* The wall clock set forward, back, before 1970 and past the year 9999 while
 * runs are recorded: rows, chain and list are as sound as ever.  The clock is
 * this file's own: the linker takes it in place of base/clock.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tests/dbtest.h"
#include "tests/rig.h"

static const int64_t steps[] = {
    INT64_C(1764000000000000), INT64_C(1732000000000000), 0,
    INT64_C(-5000000000000000), INT64_C(300000000000000000),
    INT64_C(1764000000000001), INT64_MAX, INT64_MIN + 1, -1,
};
enum { STEPS = sizeof steps / sizeof steps[0] };
static atomic_uint n_asked;

int64_t clock_wall_us(void)
{
    return steps[atomic_fetch_add(&n_asked, 1) % STEPS];
}

uint64_t clock_mono_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void clock_iso8601(int64_t wall_us, char out[21])
{
    (void)wall_us;
    strcpy(out, "2025-01-01T00:00:00Z");
}

static void the_clock_may_be_set(void **state)
{
    struct rec_opts o = rig_options(REC_LAYERS);
    sqlite3 *s;
    sqlite3_stmt *q;

    (void)state;
    for (int i = 0; i < STEPS; i++) {
        char uid[33];

        rig_record(&o, uid);
        atomic_fetch_add(&n_asked, 1);  /* another phase for the next */
    }
    assert_true(atomic_load(&n_asked) > 4 * STEPS);
    rig_check();
    assert_int_equal(sqlite3_open(t.path, &s), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(s, "SELECT (SELECT count(*) FROM "
        "v_run WHERE status = 'complete'), (SELECT count(*) FROM v_path), "
        "(SELECT min(length(started)) FROM v_run), (SELECT integrity_check "
        "FROM pragma_integrity_check)", -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(q, 0), STEPS);
    assert_int_equal(sqlite3_column_int(q, 1), 2 * STEPS);
    assert_string_equal((const char *)sqlite3_column_text(q, 3), "ok");
    sqlite3_finalize(q);
    sqlite3_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(the_clock_may_be_set),
    };

    return cmocka_run_group_tests_name("clock_steps", tests, NULL, NULL);
}
