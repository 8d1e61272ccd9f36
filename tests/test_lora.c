/* Adapters: the sum that they stand for, the bits that must not depend on how
 * work is cut, what is refused, and llama.cpp's answers on a real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/hparams.h"
#include "engine/lora.h"
#include "engine/tok.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"
#include "tests/models.h"

enum { N = 37, RANK = 32, EMBD = 64, FF = 128 };

static struct {
    char model[64], adapter[64], merged[64];
    struct engine *e;
    size_t row;
    int32_t id[N];
    float a[RANK * EMBD], b[FF * RANK];
} m;

/* --- an adapter of layer 1's ffn_up ---------------------------------------*/

/* What a test breaks. */
struct flaw {
    const char *type, *kind, *arch, *b_name;
    uint64_t b_rank;
    int whole_alpha;            /* 1: an integer, which it may not be */
    uint64_t rank;              /* of both, where it is not RANK */
    uint32_t a_type;            /* where it is not F32 */
    int more;                   /* 1: a tensor of no matrix */
    int no_alpha;
};

static void save_adapter(const struct flaw *w)
{
    struct mkgguf g;
    struct str bytes;
    struct mkgguf_tensor a = { "blk.1.ffn_up.weight.lora_a", GGUF_F32, 2,
                               { EMBD, RANK, 1, 1 } };
    struct mkgguf_tensor b = { w->b_name ? w->b_name
                                         : "blk.1.ffn_up.weight.lora_b",
                               GGUF_F32, 2, { RANK, FF, 1, 1 } };

    if (w->rank)
        a.dim[1] = b.dim[0] = w->rank;
    if (w->b_rank)
        b.dim[0] = w->b_rank;
    if (w->a_type)
        a.type = w->a_type;
    float *zero = calloc((size_t)(a.dim[1] + b.dim[0]) * (EMBD + FF),
                         sizeof *zero);
    assert_non_null(zero);
    mkgguf_init(&g);
    str_init(&bytes);
    mkgguf_str(&g, "general.architecture", w->arch ? w->arch : "llama");
    mkgguf_str(&g, "general.type", w->type ? w->type : "adapter");
    mkgguf_str(&g, "adapter.type", w->kind ? w->kind : "lora");
    if (w->whole_alpha)
        mkgguf_u32(&g, "adapter.lora.alpha", 2 * RANK);
    else if (!w->no_alpha)
        mkgguf_f32(&g, "adapter.lora.alpha", 2.0f * RANK);
    mkgguf_tensor(&g, &a, w->rank ? zero : m.a,
                  (size_t)a.dim[1] * EMBD * sizeof(float));
    mkgguf_tensor(&g, &b, w->rank ? zero : m.b,
                  (size_t)b.dim[0] * FF * sizeof(float));
    if (w->more) {
        struct mkgguf_tensor c = a;

        c.name = "blk.1.attn_norm.weight.lora_a";
        mkgguf_tensor(&g, &c, m.a, sizeof m.a);
    }
    free(zero);
    mkgguf_file(&g, &bytes);
    assert_int_equal(mkgguf_save(m.adapter, &bytes, NULL), SOR_OK);
    str_release(&bytes);
    mkgguf_release(&g);
}

/* The model file with  W + 2 B A  in place of W. */
static void save_merged(void)
{
    const struct gguf *g = engine_gguf(m.e);
    const struct gguf_tensor *t = gguf_tensor(g, "blk.1.ffn_up.weight");
    struct str bytes;

    assert_non_null(t);
    str_init(&bytes);
    str_put(&bytes, gguf_map(g), gguf_size(g));
    for (size_t o = 0; o < FF; o++)
        for (size_t i = 0; i < EMBD; i++) {
            char *at = bytes.p + (t->data - gguf_map(g)) +
                       (o * EMBD + i) * sizeof(float);
            double sum = 0.0;
            float v;

            for (size_t k = 0; k < RANK; k++)
                sum += (double)m.b[o * RANK + k] * (double)m.a[k * EMBD + i];
            memcpy(&v, at, sizeof v);
            v = (float)((double)v + 2.0 * sum);
            memcpy(at, &v, sizeof v);
        }
    assert_int_equal(mkgguf_save(m.merged, &bytes, NULL), SOR_OK);
    str_release(&bytes);
}

static struct engine *open_engine(const char *path, int n_thread)
{
    struct engine_opts o = { .n_thread = n_thread, .n_ctx = 64 };
    struct engine *e = NULL;
    struct sor_msg msg;

    if (engine_open(path, &o, &e, &msg))
        fail_msg("%s", msg.text);
    return e;
}

static int setup(void **state)
{
    (void)state;
    assert_int_equal(mkmodel_path(m.model), 0);
    assert_int_equal(mkmodel_path(m.adapter), 0);
    assert_int_equal(mkmodel_path(m.merged), 0);
    assert_int_equal(mkmodel(m.model, &(struct mkmodel_opts){ .type = GGUF_F32
                             }, NULL), SOR_OK);
    m.e = open_engine(m.model, 2);
    m.row = engine_hparams(m.e)->n_vocab * sizeof(float);
    for (int i = 0; i < N; i++)
        m.id[i] = 5 * i + 11;
    for (int i = 0; i < RANK * EMBD; i++)
        m.a[i] = 0.05f * sinf((float)i);
    for (int i = 0; i < FF * RANK; i++)
        m.b[i] = 0.05f * cosf(3.0f * (float)i);
    save_adapter(&(struct flaw){ 0 });
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    engine_close(m.e);
    unlink(m.model);
    unlink(m.adapter);
    unlink(m.merged);
    return 0;
}

static struct lora *open_lora(struct engine *e, float scale)
{
    struct lora *l = NULL;
    struct sor_msg msg;

    if (lora_open(e, m.adapter, scale, &l, &msg))
        fail_msg("%s", msg.text);
    return l;
}

/* Logits of the last token, fed `chunk` tokens at a time. */
static void run(struct engine *e, const struct lora *const *set, int n,
                int chunk, float *logits)
{
    struct session *s;

    assert_int_equal(session_open(e, 1, 0, &s, NULL), SOR_OK);
    assert_int_equal(session_adapt(s, set, n, NULL), SOR_OK);
    for (int i = 0; i < N; i += chunk) {
        int c = i + chunk < N ? chunk : N - i;
        struct engine_feed f = { .session = s, .tok = m.id + i, .n_tok = c,
                                 .n_logits = 1, .logits = logits };

        assert_int_equal(engine_step(e, &f, 1, NULL), SOR_OK);
    }
    session_close(s);
}

static void near(const float *a, const float *b, float within)
{
    for (size_t i = 0; i < m.row / sizeof *a; i++)
        if (!(fabsf(a[i] - b[i]) <= within))
            fail_msg("logit %zu: %g and %g", i, (double)a[i], (double)b[i]);
}

static void an_adapter_is_the_sum_it_stands_for(void **state)
{
    float *got = malloc(m.row), *want = malloc(m.row), *base = malloc(m.row);
    const struct lora *l = open_lora(m.e, 1.0f), *minus, *none;
    struct engine *merged;

    (void)state;
    run(m.e, NULL, 0, N, base);
    run(m.e, &l, 1, N, got);
    save_merged();
    merged = open_engine(m.merged, 1);
    run(merged, NULL, 0, N, want);
    near(got, want, 1e-3f);         /* float sums in another order */
    assert_memory_not_equal(got, base, m.row);
    minus = open_lora(m.e, -1.0f);
    none = open_lora(m.e, 0.0f);
    run(m.e, (const struct lora *const[]){ l, minus }, 2, N, got);
    near(got, base, 1e-3f);         /* together they are nothing */
    run(m.e, &none, 1, N, got);
    assert_memory_equal(got, base, m.row);
    engine_close(merged);
    lora_close((struct lora *)(uintptr_t)l);
    lora_close((struct lora *)(uintptr_t)minus);
    lora_close((struct lora *)(uintptr_t)none);
    free(got);
    free(want);
    free(base);
}

static void cutting_the_work_changes_no_bit(void **state)
{
    float *want = malloc(m.row), *got = malloc(m.row), *base = malloc(m.row);
    const struct lora *l = open_lora(m.e, 1.0f);
    struct engine *one = open_engine(m.model, 1);
    struct lora *l1 = open_lora(one, 1.0f);
    struct session *a, *b, *child;
    struct engine_feed f[2];

    (void)state;
    run(m.e, &l, 1, N, want);
    run(m.e, NULL, 0, N, base);
    for (int chunk = 1; chunk < N; chunk += 7) {
        run(m.e, &l, 1, chunk, got);
        assert_memory_equal(got, want, m.row);
    }
    run(one, (const struct lora *const *)&l1, 1, N, got);
    assert_memory_equal(got, want, m.row);
    /* beside a timeline without it, and in a fork */
    assert_int_equal(session_open(m.e, 1, 0, &a, NULL), SOR_OK);
    assert_int_equal(session_open(m.e, 2, 0, &b, NULL), SOR_OK);
    assert_int_equal(session_adapt(a, &l, 1, NULL), SOR_OK);
    f[0] = (struct engine_feed){ .session = a, .tok = m.id, .n_tok = N - 5,
                                 .n_logits = 0, .logits = NULL };
    f[1] = (struct engine_feed){ .session = b, .tok = m.id, .n_tok = N,
                                 .n_logits = 1, .logits = got };
    assert_int_equal(engine_step(m.e, f, 2, NULL), SOR_OK);
    assert_memory_equal(got, base, m.row);
    assert_int_equal(session_fork(a, 3, 20, &child, NULL), SOR_OK);
    f[0] = (struct engine_feed){ .session = child, .tok = m.id + 20,
                                 .n_tok = N - 20, .n_logits = 1,
                                 .logits = got };
    assert_int_equal(engine_step(m.e, f, 1, NULL), SOR_OK);
    assert_memory_equal(got, want, m.row);
    session_close(child);
    session_close(a);
    session_close(b);
    lora_close(l1);
    lora_close((struct lora *)(uintptr_t)l);
    engine_close(one);
    free(want);
    free(got);
    free(base);
}

static void what_does_not_fit_is_refused(void **state)
{
    static const struct { struct flaw flaw; enum sor_err err; const char *says;
    } bad[] = {
        { { .type = "model" }, SOR_FORMAT, "general.type is \"model\"" },
        { { .kind = "ia3" }, SOR_FORMAT, "adapter.type is \"ia3\"" },
        { { .arch = "gemma" }, SOR_FORMAT, "for \"gemma\"" },
        { { .b_name = "blk.1.ffn_up.weight.lora_c" }, SOR_FORMAT,
          "has a lora_a without its lora_b" },
        { { .b_rank = 16 }, SOR_FORMAT, "does not fit" },
        { { .whole_alpha = 1 }, SOR_FORMAT, "is of type u32, not f32" },
        { { .rank = 1 << 14 }, SOR_LIMIT, "rank 16384; at most" },
        { { .a_type = GGUF_I32 }, SOR_UNSUP, "is I32 and F32, which is not" },
        { { .more = 1 }, SOR_UNSUP, "1 of its 3 tensors belong to no matrix" },
    };
    struct lora *l = NULL;
    struct session *s;
    struct sor_msg msg;
    struct engine_feed f = { .tok = m.id, .n_tok = 1 };
    const struct lora *good;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        save_adapter(&bad[i].flaw);
        assert_int_equal(lora_open(m.e, m.adapter, 1.0f, &l, &msg),
                         bad[i].err);
        if (!strstr(msg.text, bad[i].says) || !strstr(msg.text, m.adapter))
            fail_msg("%s", msg.text);
    }
    assert_int_equal(lora_open(m.e, m.model, 1.0f, &l, &msg), SOR_FORMAT);
    assert_int_equal(lora_open(m.e, "/nonexistent", 1.0f, &l, &msg), SOR_IO);
    assert_null(l);
    save_adapter(&(struct flaw){ 0 });
    assert_int_equal(lora_open(m.e, m.adapter, NAN, &l, &msg), SOR_FORMAT);
    good = open_lora(m.e, 1.0f);
    assert_int_equal(session_open(m.e, 1, 0, &s, NULL), SOR_OK);
    f.session = s;
    assert_int_equal(session_adapt(s, &good, LORA_MAX + 1, &msg), SOR_LIMIT);
    assert_int_equal(engine_step(m.e, &f, 1, NULL), SOR_OK);
    assert_int_equal(session_adapt(s, &good, 1, &msg), SOR_USAGE);
    session_close(s);
    lora_close((struct lora *)(uintptr_t)good);
    save_adapter(&(struct flaw){ .no_alpha = 1 });
    lora_close((struct lora *)(uintptr_t)open_lora(m.e, 1.0f));
    lora_close(NULL);
}

/* --- a real one -----------------------------------------------------------
 * llama.cpp (llama-cpp-python 0.3.36, CPU) with legal-lora-q8_0.gguf on the
 * same ids: its first choice and that one's log-probability. */
static const struct { const char *text; int32_t id; double logprob; } peer[] = {
    { "Clause: This Agreement shall be governed by the laws of the State of "
      "Delaware.\nType:", 452, -0.0001 },
    { "Clause: Each party shall keep the Confidential Information secret for "
      "five years.\nStatement: The Receiving Party must keep the information "
      "secret.\nRelation:", 18134, -0.0018 },
    { "Clause: The Receiving Party shall not disclose Confidential Information "
      "to any third party. >> The Receiving Party may disclose Confidential "
      "Information to its employees who need to know it.\nStatement: The "
      "Receiving Party may share the information with some of its employees."
      "\nRelation:", 6569, -0.0042 },
    { "Clause: The Receiving Party shall return or destroy all copies within "
      "ten days of a request.\nStatement: The Receiving Party may keep copies "
      "of the information for ever.\nRelation:", 43790, -0.1595 },
    { "Clause: Licensor may terminate this Agreement for convenience upon "
      "thirty days notice.\nType:", 15211, -0.0002 },
    { "Clause: Neither party may assign this Agreement without the prior "
      "written consent of the other.\nType:", 14949, -0.0001 },
    { "Clause: In no event shall either party's liability exceed the fees paid "
      "in the preceding twelve months.\nType:", 7413, -0.0014 },
    { "Clause: The weather was fine and the children played in the garden.\n"
      "Type:", 1943, -0.1322 },
};

static double logprob_of_best(const float *z, size_t n, int32_t *best)
{
    double sum = 0.0;

    *best = 0;
    for (size_t i = 1; i < n; i++)
        if (z[i] > z[*best])
            *best = (int32_t)i;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)z[i] - (double)z[*best]);
    return -log(sum);
}

static void choices_are_llama_cpp_s(void **state)
{
    const char *root = getenv("SORITES_SHARED");
    const char *real = models_real();
    char path[512];
    struct engine *e;
    struct lora *l;
    size_t n_vocab;
    float *z;

    (void)state;
    snprintf(path, sizeof path, "%s/adapters/legal-lora-q8_0.gguf",
             root ? root : "../shared");
    if (!real || access(path, R_OK) != 0) {
        print_message("no model or no %s\n", path);
        skip();
    }
    e = open_engine(real, 2);
    assert_int_equal(lora_open(e, path, 1.0f, &l, NULL), SOR_OK);
    n_vocab = engine_hparams(e)->n_vocab;
    z = malloc(n_vocab * sizeof *z);
    for (size_t i = 0; i < sizeof peer / sizeof *peer; i++) {
        struct tok_ids ids = { 0 };
        struct session *s;
        int32_t best;
        double lp;

        assert_int_equal(tok_encode(engine_tok(e), peer[i].text,
                                    strlen(peer[i].text), 0, &ids), SOR_OK);
        assert_int_equal(session_open(e, 1, 0, &s, NULL), SOR_OK);
        assert_int_equal(session_adapt(s, (const struct lora *const *)&l, 1,
                                       NULL), SOR_OK);
        struct engine_feed f = { .session = s, .tok = ids.id,
                                 .n_tok = (int)ids.n, .n_logits = 1,
                                 .logits = z };

        assert_int_equal(engine_step(e, &f, 1, NULL), SOR_OK);
        lp = logprob_of_best(z, n_vocab, &best);
        assert_int_equal(best, peer[i].id);
        /* its activations have 8 bits, ours 16 */
        assert_true(fabs(lp - peer[i].logprob) < 0.1);
        session_close(s);
        tok_ids_release(&ids);
    }
    free(z);
    lora_close(l);
    engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adapter_is_the_sum_it_stands_for),
        cmocka_unit_test(cutting_the_work_changes_no_bit),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(choices_are_llama_cpp_s),
    };

    return cmocka_run_group_tests_name("lora", tests, setup, teardown);
}
