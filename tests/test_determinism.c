/* The contract of the engine: for one model, KV type and ISA the logits are
 * the same bits whatever the thread count, the batch-mates, the chunking of
 * the prompt and the reuse of a prefix.  Everything is held against one plain
 * pass: one thread, one session, all tokens at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/kern.h"
#include "tests/models.h"

/* Over one group of KV blocks and not a multiple of anything. */
enum { N = 69, N_ISA = 24, MATES = 16, TAIL = 12 };

static struct {
    struct engine *e;           /* one thread */
    size_t   n_vocab, row;      /* row: bytes of one row of logits */
    int32_t  id[N];
    float   *want;              /* [N][n_vocab] */
    float   *got;               /* [N][n_vocab] */
    const char *path;
    int      kv_type;           /* enum kern_kvtype; where it is 8 bits,
                                 * activations are so too */
} m;

/* Ids that a fixed generator takes from the whole vocabulary. */
static void make_ids(int32_t *id, int n, uint64_t seed)
{
    for (int i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        id[i] = (int32_t)((seed >> 33) % m.n_vocab);
    }
}

static struct engine *open_with(int n_thread, int isa_cap)
{
    struct engine_opts o = { .n_thread = n_thread, .n_ctx = 256,
                             .isa_cap = isa_cap, .kv_type = m.kv_type,
                             .narrow = m.kv_type != KERN_KV_F16 };
    struct engine *e = NULL;
    struct sor_msg msg;

    if (engine_open(m.path, &o, &e, &msg) != SOR_OK)
        fail_msg("%s", msg.text);
    return e;
}

static struct session *open_session(struct engine *e, uint64_t tag)
{
    struct session *s;

    assert_int_equal(session_open(e, tag, 0, &s, NULL), SOR_OK);
    return s;
}

/* Feeds m.id[from..from+n) with logits for all of them into m.got. */
static void feed(struct engine *e, struct session *s, int from, int n)
{
    struct engine_feed f = { .session = s, .tok = m.id + from, .n_tok = n,
                             .n_logits = n,
                             .logits = m.got + (size_t)from * m.n_vocab };

    assert_int_equal(engine_step(e, &f, 1, NULL), SOR_OK);
}

static void expect_rows(int from, int to)
{
    for (int i = from; i < to; i++)
        if (memcmp(m.got + (size_t)i * m.n_vocab,
                   m.want + (size_t)i * m.n_vocab, m.row) != 0)
            fail_msg("the logits of position %d differ", i);
}

static void forget(void)
{
    memset(m.got, 0, N * m.row);
}

/* --- setup: the plain pass ----------------------------------------------- */

static int setup(const char *path, enum kern_kvtype kv_type)
{
    m.path = path;
    m.kv_type = (int)kv_type;
    if (!path)
        return 0;                       /* every test skips */
    m.e = open_with(1, 0);
    m.n_vocab = engine_hparams(m.e)->n_vocab;
    m.row = m.n_vocab * sizeof(float);
    m.want = calloc(N, m.row);
    m.got = calloc(N, m.row);
    if (!m.want || !m.got)
        return -1;
    make_ids(m.id, N, 7);

    struct session *s = open_session(m.e, 1);
    feed(m.e, s, 0, N);
    session_close(s);
    memcpy(m.want, m.got, N * m.row);
    forget();
    return 0;
}

static int setup_small(void **state)
{
    (void)state;
    return models_small() ? setup(models_small(), KERN_KV_F16) : -1;
}

static int setup_small_q8(void **state)
{
    (void)state;
    return models_small() ? setup(models_small(), KERN_KV_Q8) : -1;
}

static int setup_real(void **state)
{
    (void)state;
    return setup(models_real(), KERN_KV_F16);
}

static int setup_real_q8(void **state)
{
    (void)state;
    return setup(models_real(), KERN_KV_Q8);
}

static int teardown(void **state)
{
    (void)state;
    engine_close(m.e);
    free(m.want);
    free(m.got);
    memset(&m, 0, sizeof m);
    return 0;
}

static void need_model(void)
{
    if (!m.path) {
        print_message("no real model: SORITES_TEST_MODEL is unset\n");
        skip();
    }
}

/* --- the contract -------------------------------------------------------- */

static void chunking_changes_no_bit(void **state)
{
    static const int size[] = { 1, 7, 16, 33 };

    (void)state;
    need_model();
    for (size_t k = 0; k < sizeof size / sizeof *size; k++) {
        struct session *s = open_session(m.e, 2);

        for (int at = 0; at < N; at += size[k])
            feed(m.e, s, at, N - at < size[k] ? N - at : size[k]);
        expect_rows(0, N);
        forget();
        session_close(s);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    need_model();
    for (int n = 2; n <= 3; n++) {
        struct engine *e = open_with(n, 0);
        struct session *s = open_session(e, 1);

        feed(e, s, 0, N - TAIL);
        for (int i = N - TAIL; i < N; i++)
            feed(e, s, i, 1);           /* decoding splits work otherwise */
        expect_rows(0, N);
        forget();
        session_close(s);
        engine_close(e);
    }
}

/* The last tokens one by one, with fifteen other timelines of other lengths
 * in every pass. */
static void batch_mates_change_no_bit(void **state)
{
    struct session *s[MATES];
    struct engine_feed f[MATES];
    int32_t other[MATES][N];
    float *rest;

    (void)state;
    need_model();
    rest = calloc(MATES, m.row);
    assert_non_null(rest);
    for (int k = 0; k < MATES; k++) {
        int n = k == 5 ? N - TAIL : 3 + 4 * k;
        struct engine_feed first = { .tok = k == 5 ? m.id : other[k],
                                     .n_tok = n };

        make_ids(other[k], N, 100 + (uint64_t)k);
        first.session = s[k] = open_session(m.e, 10 + (uint64_t)k);
        assert_int_equal(engine_step(m.e, &first, 1, NULL), SOR_OK);
    }
    for (int i = N - TAIL; i < N; i++) {
        for (int k = 0; k < MATES; k++)
            f[k] = (struct engine_feed){
                .session = s[k], .tok = k == 5 ? &m.id[i] : &other[k][i],
                .n_tok = 1, .n_logits = 1,
                .logits = k == 5 ? m.got + (size_t)i * m.n_vocab
                                 : rest + (size_t)k * m.n_vocab };
        /* Mates leave: the batch shrinks from pass to pass. */
        assert_int_equal(engine_step(m.e, f, MATES - (i % 3), NULL), SOR_OK);
    }
    expect_rows(N - TAIL, N);
    forget();
    for (int k = 0; k < MATES; k++)
        session_close(s[k]);
    free(rest);
}

/* A fork at any position continues as if it had been computed from scratch,
 * also after its parent has gone another way. */
static void forking_changes_no_bit(void **state)
{
    static const int at[] = { 1, 5, 15, 16, 17, 31, 32, 33, 48, N - 1 };
    struct session *parent;
    int32_t other[N];

    (void)state;
    need_model();
    make_ids(other, N, 99);
    for (size_t k = 0; k < sizeof at / sizeof *at; k++) {
        struct session *child;
        struct engine_feed f = { .tok = other, .n_tok = N - at[k] };

        parent = open_session(m.e, 3);
        feed(m.e, parent, 0, N);
        assert_int_equal(session_fork(parent, 4, at[k], &child, NULL),
                         SOR_OK);
        assert_int_equal(session_len(child), at[k]);
        session_rewind(parent, at[k]);
        f.session = parent;
        assert_int_equal(engine_step(m.e, &f, 1, NULL), SOR_OK);
        forget();
        feed(m.e, child, at[k], N - at[k]);
        expect_rows(at[k], N);
        session_close(parent);
        session_close(child);
    }
    forget();
}

/* Forks that decode in one pass read together what they share. */
static void check_siblings(int at)
{
    enum { N_CHILD = 5 };
    struct session *parent, *child[N_CHILD];
    struct engine_feed f[N_CHILD];
    int32_t other[N_CHILD][N];
    float *rest = calloc(N_CHILD, m.row);

    assert_non_null(rest);
    parent = open_session(m.e, 30);
    feed(m.e, parent, 0, at);
    for (int k = 0; k < N_CHILD; k++) {
        make_ids(other[k], N, 200 + (uint64_t)k);
        assert_int_equal(session_fork(parent, 31 + (uint64_t)k, at, &child[k],
                                      NULL), SOR_OK);
    }
    for (int i = at; i < N; i++) {
        for (int k = 0; k < N_CHILD; k++)
            f[k] = (struct engine_feed){
                .session = child[k], .tok = k == 2 ? &m.id[i] : &other[k][i],
                .n_tok = 1, .n_logits = 1,
                .logits = k == 2 ? m.got + (size_t)i * m.n_vocab
                                 : rest + (size_t)k * m.n_vocab };
        assert_int_equal(engine_step(m.e, f, N_CHILD, NULL), SOR_OK);
    }
    expect_rows(0, N);
    forget();
    for (int k = 0; k < N_CHILD; k++)
        session_close(child[k]);
    session_close(parent);
    free(rest);
}

/* A group of blocks and two tokens; a part of a group, to which each adds. */
static void siblings_change_no_bit(void **state)
{
    (void)state;
    need_model();
    check_siblings(66);
    check_siblings(50);
}

/* The child goes first: what the parent shares with it must not change. */
static void a_child_does_not_touch_its_parent(void **state)
{
    struct session *parent, *child;
    struct engine_feed f;
    int32_t other[N];

    (void)state;
    need_model();
    make_ids(other, N, 98);
    parent = open_session(m.e, 5);
    feed(m.e, parent, 0, 37);
    assert_int_equal(session_fork(parent, 6, 37, &child, NULL), SOR_OK);
    f = (struct engine_feed){ .session = child, .tok = other, .n_tok = 20 };
    assert_int_equal(engine_step(m.e, &f, 1, NULL), SOR_OK);
    session_close(child);
    feed(m.e, parent, 37, N - 37);
    expect_rows(0, N);
    forget();
    session_close(parent);
}

static void rewinding_changes_no_bit(void **state)
{
    struct session *s;
    struct engine_feed f;
    int32_t other[N];

    (void)state;
    need_model();
    make_ids(other, N, 97);
    s = open_session(m.e, 7);
    f = (struct engine_feed){ .session = s, .tok = other, .n_tok = N };
    assert_int_equal(engine_step(m.e, &f, 1, NULL), SOR_OK);
    session_rewind(s, 0);
    assert_int_equal(session_len(s), 0);
    feed(m.e, s, 0, N);
    expect_rows(0, N);
    session_rewind(s, 40);
    forget();
    feed(m.e, s, 40, N - 40);
    expect_rows(40, N);
    forget();
    session_close(s);
}

/* More than the contract asks for: kern.h promises the same bits on every
 * instruction set. */
static void every_isa_gives_the_same_bits(void **state)
{
    (void)state;
    need_model();
    for (int isa = KERN_REF; isa < KERN_ISAS; isa++) {
        struct engine *e = open_with(2, isa + 1);
        struct session *s = open_session(e, 1);

        feed(e, s, 0, N_ISA);
        expect_rows(0, N_ISA);
        session_close(s);
        engine_close(e);
        forget();
    }
}

#define ON(model) \
    { "chunks/" #model, chunking_changes_no_bit, NULL, NULL, NULL }, \
    { "threads/" #model, threads_change_no_bit, NULL, NULL, NULL }, \
    { "mates/" #model, batch_mates_change_no_bit, NULL, NULL, NULL }, \
    { "forks/" #model, forking_changes_no_bit, NULL, NULL, NULL }, \
    { "siblings/" #model, siblings_change_no_bit, NULL, NULL, NULL }, \
    { "children/" #model, a_child_does_not_touch_its_parent, NULL, NULL, \
      NULL }, \
    { "rewind/" #model, rewinding_changes_no_bit, NULL, NULL, NULL }, \
    { "isa/" #model, every_isa_gives_the_same_bits, NULL, NULL, NULL }

int main(void)
{
    const struct CMUnitTest small[] = { ON(small) };
    const struct CMUnitTest small_q8[] = { ON(small q8) };
    const struct CMUnitTest real[] = { ON(real) };
    const struct CMUnitTest real_q8[] = { ON(real q8) };

    return cmocka_run_group_tests_name("determinism, small model", small,
                                       setup_small, teardown) +
           cmocka_run_group_tests_name("determinism, small model, 8 bits",
                                       small_q8, setup_small_q8, teardown) +
           cmocka_run_group_tests_name("determinism, real model", real,
                                       setup_real, teardown) +
           cmocka_run_group_tests_name("determinism, real model, 8 bits",
                                       real_q8, setup_real_q8, teardown);
}
