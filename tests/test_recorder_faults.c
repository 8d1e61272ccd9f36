/* The recorder under pressure: a ring that is full, a disk that is, memory that
 * runs out.  What is lost is counted and the file stays whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "db/db.h"
#include "tests/dbtest.h"
#include "tests/rig.h"

/* --- back-pressure ------------------------------------------------------- */

/* The writer stops in its committed() until the gate opens. */
static struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int is_shut, n_waiting;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };

static void gate_set(int is_shut)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_shut = is_shut;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static void pass_gate(void *ud, int64_t batch_id)
{
    (void)ud;
    assert_true(batch_id > 0);
    pthread_mutex_lock(&gate.lock);
    gate.n_waiting++;
    pthread_cond_broadcast(&gate.moved);
    while (gate.is_shut)
        pthread_cond_wait(&gate.moved, &gate.lock);
    gate.n_waiting--;
    pthread_mutex_unlock(&gate.lock);
}

static void *open_later(void *unused)
{
    struct timespec pause = { 0, 50 * 1000 * 1000 };

    nanosleep(&pause, NULL);
    gate_set(0);
    return unused;
}

/* A recorder with a ring of eight rows whose writer is held at the gate. */
static struct rec *held_writer(int lossy, char uid[33])
{
    struct rec_opts o = rig_options(REC_LAYERS);
    struct rec *r;

    o.lossy = lossy;
    o.ring_bytes = 1;
    o.committed = pass_gate;
    gate_set(0);
    r = rig_open(&o);
    OK(rig_begin_run(r, uid));
    rig_begin_path(r, 1);
    gate_set(1);
    rig_begin_path(r, 2);
    rec_path_end(r, 2, "eog");          /* commits, and stops there */
    pthread_mutex_lock(&gate.lock);
    while (gate.n_waiting == 0)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
    return r;
}

static void full_ring_waits(void **state)
{
    char uid[33];
    struct rec *r = held_writer(0, uid);
    struct rec_stats st;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, open_later, NULL), 0);
    for (int i = 0; i < 200; i++)
        rig_feed(r, 1, i, 19);
    rec_path_end(r, 1, "length");
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    assert_int_equal(pthread_join(thread, NULL), 0);
    rec_stats(r, &st);
    assert_true(st.wait_ns > 1000 * 1000);
    assert_int_equal(st.n_token, 200);
    assert_int_equal(st.n_lost, 0);
    assert_string_equal(st.reason, "");
    rec_close(r);
    rig_check();
}

static void lossy_ring_drops(void **state)
{
    char uid[33];
    struct rec *r = held_writer(1, uid);
    struct rec_stats st;
    struct db_loss loss;
    struct db_run row;
    struct db *d;
    int64_t run, path;

    (void)state;
    for (int i = 0; i < 200; i++)
        rig_feed(r, 1, i, 19);
    rec_stats(r, &st);
    assert_int_equal(st.wait_ns, 0);    /* tokens never wait; structure may */
    gate_set(0);
    rec_path_end(r, 1, "length");
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    rec_stats(r, &st);
    assert_true(st.n_lost > 0 && st.n_token > 0);
    assert_int_equal(st.n_lost + st.n_token, 200);
    assert_non_null(strstr(st.reason, "lossy"));
    rec_close(r);
    d = rig_read_path(0, &run, &path);
    assert_int_equal(db_get_run(d, run, &row), 1);
    assert_string_equal(row.status, "incomplete");
    assert_int_equal(row.n_lost, st.n_lost);
    assert_int_equal(row.n_token, st.n_token);
    struct db_cur *c = db_losses(d, run);
    assert_int_equal(db_loss_next(c, &loss), 1);
    assert_int_equal(loss.n_event, st.n_lost);
    assert_int_equal(loss.from_seq, st.lost_from_seq);
    assert_non_null(strstr(loss.reason, "lossy"));
    OK(db_cur_close(c));
    db_close(d);
    rig_check();
}

/* --- a full disk --------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
    struct rlimit lim;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
    lim.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

static off_t wal_bytes(void)
{
    char path[160];
    struct stat st;

    snprintf(path, sizeof path, "%s-wal", t.path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* Feeds until the recorder has noticed: n rows at most. */
static void feed_until_lost(struct rec *r, int from, int n)
{
    struct timespec pause = { 0, 10 * 1000 * 1000 };
    struct rec_stats st = { 0 };

    for (int i = 0; i < n && st.n_lost == 0; i++) {
        rig_feed(r, 1, from + i, 19);
        nanosleep(&pause, NULL);
        rec_stats(r, &st);
    }
    assert_true(st.n_lost > 0);
    assert_true(st.reason[0] != '\0');
}

static void full_disk(int stays_full)
{
    struct rec_opts o = rig_options(REC_LAYERS);
    struct rec *r = rig_open(&o);
    struct db_loss loss;
    struct db_run row;
    struct rec_stats st;
    struct db *d;
    char uid[33];

    OK(rig_begin_run(r, uid));
    rig_begin_path(r, 1);
    limit_files((rlim_t)wal_bytes());
    feed_until_lost(r, 0, 300);
    for (int i = 0; i < 50; i++)        /* the engine is never held up */
        rig_feed(r, 1, 300 + i, 19);
    rec_path_end(r, 1, "length");
    if (!stays_full)
        limit_files(RLIM_INFINITY);
    assert_int_equal(rec_run_end(r, "complete", 0, 0, &t.msg),
                     stays_full ? SOR_FULL : SOR_OK);
    if (stays_full)
        assert_true(t.msg.text[0] != '\0');
    rec_stats(r, &st);
    assert_int_equal(st.n_token, 0);
    rec_close(r);
    limit_files(RLIM_INFINITY);
    rig_check();
    d = dbtest_reader();
    struct db_addr a;
    OK(db_find(d, uid, &a, &t.msg));
    assert_int_equal(db_get_run(d, a.run_id, &row), 1);
    if (stays_full) {
        assert_null(row.status);        /* cut off, and says so */
    } else {
        assert_string_equal(row.status, "incomplete");
        assert_string_equal(row.reason, st.reason);
        assert_int_equal(row.n_lost, st.n_lost);
        struct db_cur *c = db_losses(d, a.run_id);
        assert_int_equal(db_loss_next(c, &loss), 1);
        assert_int_equal(loss.n_event, st.n_lost);
        assert_int_equal(loss.from_seq, st.lost_from_seq);
        OK(db_cur_close(c));
    }
    db_close(d);
}

static void disk_full_for_a_while(void **state)
{
    (void)state;
    full_disk(0);
}

static void disk_full_to_the_end(void **state)
{
    (void)state;
    full_disk(1);
}

/* --- memory -------------------------------------------------------------- */

/* Growth is amortised; nothing is allocated per token. */
static void no_allocation_per_token(void **state)
{
    struct rec_opts o = rig_options(REC_HEADS);
    struct rec *r = rig_open(&o);
    struct rec_stats st = { 0 };
    struct timespec pause = { 0, 5 * 1000 * 1000 };
    uint64_t before;
    char uid[33];

    (void)state;
    OK(rig_begin_run(r, uid));
    rig_begin_path(r, 1);
    for (int i = 0; i < 32; i++)        /* warm up: pieces, statements */
        rig_feed(r, 1, i, 19);
    while (st.n_token < 32) {
        nanosleep(&pause, NULL);
        rec_stats(r, &st);
    }
    before = mem_count();
    for (int i = 32; i < 1000; i++) {
        rig_choose(r, 1, i, 19);
        rig_feed(r, 1, i, 19);
    }
    while (st.n_token < 1000) {
        nanosleep(&pause, NULL);
        rec_stats(r, &st);
    }
    assert_true(mem_count() - before < 40);
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    rec_close(r);
}

/* Once it was one for each record: a batch opened after the clock was read
 * looked older than time itself. */
static void rows_share_batches(void **state)
{
    struct rec_opts o = rig_options(REC_TOKENS);
    struct rec *r = rig_open(&o);
    struct rec_stats st;
    char uid[33];

    (void)state;
    OK(rig_begin_run(r, uid));
    rig_begin_path(r, 1);
    for (int i = 0; i < 2000; i++)
        rig_feed(r, 1, i, 19);
    OK(rec_run_end(r, "complete", 0, 0, &t.msg));
    rec_stats(r, &st);
    assert_int_equal(st.n_token, 2000);
    assert_true(st.n_batch >= 3 && st.n_batch < 200);
    rec_close(r);
}

/* Whatever allocation fails, the recorder says so or records; the file stays
 * whole and nothing leaks or hangs. */
static void every_allocation_may_fail(void **state)
{
    uint64_t k = 1, before;
    int done = 0;

    (void)state;
    for (; !done; k++) {
        struct rec_opts o = rig_options(REC_TOKENS);
        struct rec *r = NULL;
        enum sor_err err;
        char uid[33];
        struct rec_path p = { .tag = 1, .kind = "sample", .params = "{}",
                              .text_from = N_PROMPT, .max_tok = 32 };

        rig_seq = 0;
        mem_fail_at(k);
        before = mem_count();
        err = rec_open(t.path, &o, &r, &t.msg);
        if (!err)
            err = rig_begin_run(r, uid);
        if (!err)
            err = rec_path_begin(r, &p, &t.msg);
        if (!err) {
            for (int i = 0; i < N_PROMPT; i++)
                rig_feed(r, 1, i, rig_prompt[i]);
            rig_generate(r, 1, rig_first, N_FIRST);
            err = rec_run_end(r, "complete", 0, 0, &t.msg);
        }
        rec_close(r);
        done = mem_count() - before < k;        /* it never came to that one */
        mem_fail_at(0);
        assert_true(err == SOR_OK || err == SOR_NOMEM || err == SOR_IO ||
                    err == SOR_FULL);
        assert_true(!done || err == SOR_OK);
    }
    assert_true(k > 20);
    rig_check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(full_ring_waits),
        DBTEST(lossy_ring_drops),
        DBTEST(disk_full_for_a_while),
        DBTEST(disk_full_to_the_end),
        DBTEST(no_allocation_per_token),
        DBTEST(rows_share_batches),
        DBTEST(every_allocation_may_fail),
    };

    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests_name("recorder_faults", tests, NULL, NULL);
}
