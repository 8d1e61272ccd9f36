/* The patching map: where it must be 0 and where 1, whatever the model, and
 * that a cell is what the intervention alone computes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/intervene.h"
#include "probe/patch.h"
#include "tests/models.h"

enum { N = 24, DIFFERS = 10 };      /* tokens; the one that is exchanged */

static struct {
    struct engine *e;
    int32_t clean[N], corrupt[N];
    float *logits, *resid;              /* resid: [n_embd] of one row */
    size_t n_vocab, n_embd;
    int n_layer, layer, pos;            /* which row keep() keeps */
    struct patch_pair pair;
    struct sor_msg msg;
} m;

static void keep(void *ud, const struct hook_event *ev)
{
    (void)ud;
    if (ev->layer == m.layer && ev->pos == m.pos)
        memcpy(m.resid, ev->u.vec.v, m.n_embd * sizeof *m.resid);
}

static double difference(const int32_t *tok, const struct intervene *iv)
{
    struct session *s;
    struct engine_feed f = { .tok = tok, .n_tok = N, .n_logits = 1,
                             .logits = m.logits };

    assert_int_equal(session_open(m.e, 9, 0, &s, &m.msg), SOR_OK);
    if (iv)
        assert_int_equal(session_intervene(s, iv, 1, &m.msg), SOR_OK);
    f.session = s;
    assert_int_equal(engine_step(m.e, &f, 1, &m.msg), SOR_OK);
    session_close(s);
    return (double)m.logits[m.pair.right] - (double)m.logits[m.pair.wrong];
}

static int setup(void **state)
{
    struct engine_opts o = { .n_thread = 2, .n_ctx = 64 };

    (void)state;
    if (!models_small() ||
        engine_open(models_small(), &o, &m.e, &m.msg) != SOR_OK)
        return -1;
    m.n_vocab = engine_hparams(m.e)->n_vocab;
    m.n_embd = engine_hparams(m.e)->n_embd;
    m.n_layer = (int)engine_hparams(m.e)->n_layer;
    m.logits = malloc(m.n_vocab * sizeof *m.logits);
    m.resid = malloc(m.n_embd * sizeof *m.resid);
    for (int i = 0; i < N; i++)
        m.clean[i] = m.corrupt[i] = 5 * i + 2;
    m.corrupt[DIFFERS] += 1;
    m.pair = (struct patch_pair){ m.clean, m.corrupt, N, 3, 4 };
    if (difference(m.clean, NULL) < difference(m.corrupt, NULL)) {
        m.pair.right = 4;
        m.pair.wrong = 3;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    engine_close(m.e);
    free(m.logits);
    free(m.resid);
    return 0;
}

static void the_map_begins_and_ends_as_it_must(void **state)
{
    double *effect = malloc((size_t)m.n_layer * N * sizeof *effect);
    double clean = difference(m.clean, NULL);
    double corrupt = difference(m.corrupt, NULL);

    (void)state;
    assert_int_equal(patch_map(m.e, &m.pair, effect, &m.msg), SOR_OK);
    for (int l = 0; l < m.n_layer; l++)
        for (int i = 0; i < DIFFERS; i++)   /* nothing to restore before it */
            assert_true(effect[l * N + i] == 0.0);
    /* the last layer matters at the last row alone, and all there */
    for (int i = 0; i < N - 1; i++)
        assert_true(effect[(m.n_layer - 1) * N + i] == 0.0);
    assert_true(effect[m.n_layer * N - 1] == 1.0);

    m.layer = 1, m.pos = N - 3;             /* one cell, computed by itself */
    engine_observe(m.e, &(struct hook_observer){ 1u << HOOK_RESIDUAL, NULL,
                                                 keep }, NULL);
    difference(m.clean, NULL);
    engine_observe(m.e, NULL, NULL);
    struct intervene iv = { .kind = INTERVENE_RESIDUAL, .layer = m.layer,
                            .from = m.pos, .to = m.pos + 1, .vec = m.resid };
    double alone = (difference(m.corrupt, &iv) - corrupt) / (clean - corrupt);
    assert_true(effect[m.layer * N + m.pos] == alone);
    free(effect);
}

static void a_pair_that_is_not_told_apart_is_refused(void **state)
{
    struct patch_pair same = { m.clean, m.clean, N, 3, 4 };
    double *effect = malloc((size_t)m.n_layer * N * sizeof *effect);

    (void)state;
    assert_int_equal(patch_map(m.e, &same, effect, &m.msg), SOR_USAGE);
    assert_non_null(strstr(m.msg.text, "apart"));
    free(effect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_begins_and_ends_as_it_must),
        cmocka_unit_test(a_pair_that_is_not_told_apart_is_refused),
    };

    return cmocka_run_group_tests_name("patch", tests, setup, teardown);
}
