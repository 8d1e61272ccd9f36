/* Interventions: what they change, what they leave alone, and that no-op ones
 * change no bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/intervene.h"
#include "tests/mkmodel.h"

enum { N = 40, LAYERS = 4, EMBD = 64, HEAD_DIM = 16, LAST = N - 1 };

static struct {
    struct engine *e;
    char path[64];
    size_t n_vocab, row;
    int32_t id[N];
    float *plain, *got;
    float resid[LAYERS + 1][EMBD];      /* of the last row, from layer -1 on */
    float attended[LAYERS][EMBD];
    int seen_hidden;                    /* a hidden key among the heaviest */
    float entropy;                      /* largest head's, of the last row */
    const struct intervene *iv;
} m;

static void see(void *ud, const struct hook_event *ev)
{
    (void)ud;
    if (ev->pos != LAST)
        return;
    if (ev->kind == HOOK_RESIDUAL)
        memcpy(m.resid[ev->layer + 1], ev->u.vec.v, sizeof m.resid[0]);
    if (ev->kind == HOOK_ATTENDED)
        memcpy(m.attended[ev->layer], ev->u.vec.v, sizeof m.attended[0]);
    for (int i = 0; ev->kind == HOOK_HEAD && i < ev->u.head.n_top; i++)
        if (m.iv && ev->u.head.pos[i] >= m.iv->key_from &&
            ev->u.head.pos[i] < m.iv->key_to && ev->u.head.weight[i] > 0.0f)
            m.seen_hidden++;
    if (ev->kind == HOOK_HEAD && ev->u.head.entropy > m.entropy)
        m.entropy = ev->u.head.entropy;
}

/* Logits of the last of the N tokens; the first `before` go in untouched. */
static void run(const struct intervene *iv, int n, int before, float *logits)
{
    struct session *s;
    struct engine_feed f = { .tok = m.id, .n_tok = before };

    m.iv = iv;
    m.seen_hidden = 0;
    m.entropy = 0.0f;
    assert_int_equal(session_open(m.e, 1, 0, &s, NULL), SOR_OK);
    f.session = s;
    if (before)
        assert_int_equal(engine_step(m.e, &f, 1, NULL), SOR_OK);
    assert_int_equal(session_intervene(s, iv, n, NULL), SOR_OK);
    f = (struct engine_feed){ .session = s, .tok = m.id + before,
                              .n_tok = N - before, .n_logits = 1,
                              .logits = logits };
    assert_int_equal(engine_step(m.e, &f, 1, NULL), SOR_OK);
    session_close(s);
    m.iv = NULL;                        /* the caller's own */
}

static int setup(void **state)
{
    static const struct hook_observer o = {
        1u << HOOK_RESIDUAL | 1u << HOOK_ATTENDED | 1u << HOOK_HEAD, NULL, see
    };
    struct engine_opts opts = { .n_thread = 2, .n_ctx = 64 };

    (void)state;
    assert_int_equal(mkmodel_path(m.path), 0);
    assert_int_equal(mkmodel(m.path, &(struct mkmodel_opts){ 0 }, NULL), 0);
    assert_int_equal(engine_open(m.path, &opts, &m.e, NULL), SOR_OK);
    m.n_vocab = engine_hparams(m.e)->n_vocab;
    m.row = m.n_vocab * sizeof(float);
    m.plain = malloc(m.row);
    m.got = malloc(m.row);
    for (int i = 0; i < N; i++)
        m.id[i] = 7 * i + 3;
    assert_int_equal(engine_observe(m.e, &o, NULL), SOR_OK);
    run(NULL, 0, 0, m.plain);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    engine_close(m.e);
    unlink(m.path);
    free(m.plain);
    free(m.got);
    return 0;
}

/* Without any block the logits are those of the embedding, and the lens says
 * the same of every recorded residual. */
static void removing_all_blocks_leaves_the_embedding(void **state)
{
    struct intervene all = { .kind = INTERVENE_LAYER, .layer = -1, .head = -1,
                             .from = 0, .to = N };
    float *lens = malloc(m.row);

    (void)state;
    run(&all, 1, 0, m.got);
    assert_int_equal(engine_unembed(m.e, m.resid[0], 1, lens, NULL), SOR_OK);
    assert_memory_equal(m.got, lens, m.row);
    run(NULL, 0, 0, m.got);
    assert_memory_equal(m.got, m.plain, m.row);
    assert_int_equal(engine_unembed(m.e, m.resid[LAYERS], 1, lens, NULL), 0);
    assert_memory_equal(lens, m.plain, m.row);
    free(lens);
}

/* Putting back what was there changes no bit; putting another text's there
 * makes that text's logits. */
static void residuals_are_patched(void **state)
{
    float own[EMBD], other[EMBD];
    struct intervene iv = { .kind = INTERVENE_RESIDUAL, .layer = 1,
                            .from = LAST, .to = N, .vec = own };

    (void)state;
    run(NULL, 0, 0, m.got);
    memcpy(own, m.resid[2], sizeof own);
    run(&iv, 1, 0, m.got);
    assert_memory_equal(m.got, m.plain, m.row);

    float *there = malloc(m.row);

    m.id[0] += 1;
    run(NULL, 0, 0, there);
    memcpy(other, m.resid[LAYERS], sizeof other);
    m.id[0] -= 1;
    assert_memory_not_equal(there, m.plain, m.row);
    iv.layer = LAYERS - 1;
    iv.vec = other;
    run(&iv, 1, 0, m.got);
    assert_memory_equal(m.got, there, m.row);
    free(there);
}

static void heads_are_replaced(void **state)
{
    float own[HEAD_DIM], sum[EMBD] = { 0 }, one[EMBD];
    struct intervene iv = { .kind = INTERVENE_HEAD, .layer = 2, .head = 3,
                            .from = LAST, .to = N };

    (void)state;
    run(NULL, 0, 0, m.got);
    memcpy(own, m.attended[2] + 3 * HEAD_DIM, sizeof own);
    run(&iv, 1, 0, m.got);
    assert_memory_not_equal(m.got, m.plain, m.row);
    for (int d = 0; d < HEAD_DIM; d++)
        assert_true(m.attended[2][3 * HEAD_DIM + d] == 0.0f);
    assert_true(m.attended[2][0] != 0.0f);
    iv.vec = own;
    run(&iv, 1, 0, m.got);
    assert_memory_equal(m.got, m.plain, m.row);
    /* what all heads add, with the block's FFN left out of the account:
     * twice a head is twice its part */
    for (int h = 0; h < 4; h++) {
        assert_int_equal(engine_head_adds(m.e, 2, h, m.attended[2] +
                                          h * HEAD_DIM, one, NULL), SOR_OK);
        for (int d = 0; d < EMBD; d++)
            sum[d] += one[d];
    }
    for (int d = 0; d < HEAD_DIM; d++)
        own[d] = 2.0f * m.attended[2][d];
    assert_int_equal(engine_head_adds(m.e, 2, 0, m.attended[2], one, NULL), 0);
    float first = one[5];

    assert_int_equal(engine_head_adds(m.e, 2, 0, own, one, NULL), SOR_OK);
    assert_true(fabsf(one[5] - 2.0f * first) < 1e-5f);
    assert_true(fabsf(sum[5]) > 0.0f);
}

static void hidden_keys_are_not_seen(void **state)
{
    struct intervene iv = { .kind = INTERVENE_MASK, .layer = -1, .from = 20,
                            .to = N, .key_from = 5, .key_to = 19 };
    float *whole = malloc(m.row);

    (void)state;
    run(&iv, 1, 20, m.got);
    assert_memory_not_equal(m.got, m.plain, m.row);
    assert_int_equal(m.seen_hidden, 0);
    run(&iv, 1, 0, whole);          /* the same rows, however they are fed */
    assert_memory_equal(m.got, whole, m.row);
    iv.key_from = 0;
    iv.key_to = LAST;               /* all but itself */
    iv.from = LAST;
    run(&iv, 1, 0, m.got);
    assert_true(m.entropy == 0.0f);
    iv.key_to = N;                  /* nothing at all: finite all the same */
    run(&iv, 1, 0, m.got);
    for (size_t i = 0; i < m.n_vocab; i++)
        assert_true(isfinite(m.got[i]));
    iv.key_to = iv.key_from;        /* nothing hidden: nothing changes */
    run(&iv, 1, 0, m.got);
    assert_memory_equal(m.got, m.plain, m.row);
    free(whole);
}

/* Two timelines in one step: only the one with the list is touched. */
static void neighbours_are_left_alone(void **state)
{
    struct intervene iv = { .kind = INTERVENE_LAYER, .layer = 0, .to = N };
    struct session *a, *b;
    struct engine_feed f[2] = { { .tok = m.id, .n_tok = N, .n_logits = 1 },
                                { .tok = m.id, .n_tok = N, .n_logits = 1 } };

    (void)state;
    assert_int_equal(session_open(m.e, 1, 0, &a, NULL), SOR_OK);
    assert_int_equal(session_open(m.e, 2, 0, &b, NULL), SOR_OK);
    assert_int_equal(session_intervene(a, &iv, 1, NULL), SOR_OK);
    f[0].session = a, f[0].logits = m.got;
    f[1].session = b, f[1].logits = malloc(m.row);
    assert_int_equal(engine_step(m.e, f, 2, NULL), SOR_OK);
    assert_memory_not_equal(m.got, m.plain, m.row);
    assert_memory_equal(f[1].logits, m.plain, m.row);
    free(f[1].logits);
    session_close(a);
    session_close(b);
}

/* One list for three forks of a prefix, told apart by tag: each computes what
 * it computes alone with its own intervention, in one pass or not. */
static void tags_tell_timelines_apart(void **state)
{
    enum { FORKS = 3 };
    struct intervene iv[FORKS] = {
        { .kind = INTERVENE_MASK, .layer = -1, .from = LAST, .to = N,
          .key_from = 3, .key_to = 11, .tag = 10 },
        { .kind = INTERVENE_HEAD, .layer = 1, .head = 2, .from = LAST,
          .to = N, .tag = 11 },
        { .kind = INTERVENE_MASK, .layer = -1, .from = LAST, .to = N,
          .key_from = 17, .key_to = 30, .tag = 12 },
    };
    struct engine_feed f[FORKS], prefix = { .tok = m.id, .n_tok = LAST };
    struct session *s;

    (void)state;
    assert_int_equal(session_open(m.e, 1, 0, &s, NULL), SOR_OK);
    prefix.session = s;
    assert_int_equal(engine_step(m.e, &prefix, 1, NULL), SOR_OK);
    for (int i = 0; i < FORKS; i++) {
        f[i] = (struct engine_feed){ .tok = m.id + LAST, .n_tok = 1,
                                     .n_logits = 1, .logits = malloc(m.row) };
        assert_int_equal(session_fork(s, (uint64_t)(10 + i), LAST,
                                      &f[i].session, NULL), SOR_OK);
        assert_int_equal(session_intervene(f[i].session, iv, FORKS, NULL),
                         SOR_OK);
    }
    assert_int_equal(engine_step(m.e, f, FORKS, NULL), SOR_OK);
    for (int i = 0; i < FORKS; i++) {
        struct intervene alone = iv[i];

        alone.tag = 0;
        run(&alone, 1, LAST, m.got);
        assert_memory_not_equal(m.got, m.plain, m.row);
        assert_memory_equal(f[i].logits, m.got, m.row);
        session_close(f[i].session);
        free(f[i].logits);
    }
    session_close(s);
}

static void bad_lists_are_refused(void **state)
{
    static const struct intervene bad[] = {
        { .kind = INTERVENE_LAYER, .layer = LAYERS },
        { .kind = INTERVENE_LAYER, .layer = -2 },
        { .kind = INTERVENE_HEAD, .head = 4 },
        { .kind = INTERVENE_LAYER, .from = 5, .to = 4 },
        { .kind = INTERVENE_MASK, .key_from = -1 },
    };
    struct session *s;
    struct sor_msg msg;
    float out[EMBD];

    (void)state;
    assert_int_equal(session_open(m.e, 1, 0, &s, NULL), SOR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(session_intervene(s, &bad[i], 1, &msg), SOR_USAGE);
    assert_int_equal(session_intervene(s, bad, INTERVENE_MAX + 1, &msg),
                     SOR_LIMIT);
    assert_int_equal(engine_unembed(m.e, m.resid[0], 65, m.got, &msg),
                     SOR_LIMIT);
    assert_int_equal(engine_head_adds(m.e, 9, 0, m.resid[0], out, &msg),
                     SOR_USAGE);
    session_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removing_all_blocks_leaves_the_embedding),
        cmocka_unit_test(residuals_are_patched),
        cmocka_unit_test(heads_are_replaced),
        cmocka_unit_test(hidden_keys_are_not_seen),
        cmocka_unit_test(neighbours_are_left_alone),
        cmocka_unit_test(tags_tell_timelines_apart),
        cmocka_unit_test(bad_lists_are_refused),
    };

    return cmocka_run_group_tests_name("intervene", tests, setup, teardown);
}
