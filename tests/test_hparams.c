/* Hyper-parameters: read through the descriptor, held against each other and
 * against every tensor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/gguf.h"
#include "engine/hparams.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    return mkmodel_path(path);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void reads_a_model(void **state)
{
    struct mkmodel_opts o = { .n_layer = 3, .n_head = 6, .n_head_kv = 3,
                              .n_ff = 160, .n_ctx = 99, .untied = 1,
                              .rope_freqs = 1 };
    struct model_hparams hp;
    struct gguf *g = NULL;

    (void)state;
    assert_int_equal(mkmodel(path, &o, NULL), SOR_OK);
    assert_int_equal(gguf_open(path, &g, NULL), SOR_OK);
    assert_int_equal(hparams_read(g, &hp, NULL), SOR_OK);
    assert_string_equal(hparams_family_name(&hp), "llama");
    assert_int_equal(hp.n_layer, 3);
    assert_int_equal(hp.n_embd, 96);
    assert_int_equal(hp.n_head, 6);
    assert_int_equal(hp.n_head_kv, 3);
    assert_int_equal(hp.head_dim, 16);
    assert_int_equal(hp.rope_dim, 16);
    assert_int_equal(hp.n_ff, 160);
    assert_int_equal(hp.n_ctx_train, 99);
    assert_true(hp.rms_eps == 1e-5f);
    assert_true(hp.rope_base == 10000.0f);
    assert_true(hp.rope_scale == 1.0f);
    assert_int_equal(hp.rope, HPARAMS_ROPE_NORM);
    assert_int_equal(hp.tied, 0);
    assert_int_equal(hp.rope_freqs, 1);
    assert_int_equal(hparams_tensor(g, &hp, HPARAMS_ATTN_K, 2)->dim[1], 48);
    assert_ptr_equal(hparams_tensor(g, &hp, HPARAMS_FFN_DOWN, 1),
                     gguf_tensor(g, "blk.1.ffn_down.weight"));
    gguf_close(g);

    o = (struct mkmodel_opts){ .type = MKMODEL_MIXED };
    assert_int_equal(mkmodel(path, &o, NULL), SOR_OK);
    assert_int_equal(gguf_open(path, &g, NULL), SOR_OK);
    assert_int_equal(hparams_read(g, &hp, NULL), SOR_OK);
    assert_int_equal(hp.tied, 1);
    assert_int_equal(hp.rope_freqs, 0);
    assert_null(hparams_tensor(g, &hp, HPARAMS_OUTPUT, 0));
    gguf_close(g);
}

/* The bytes of a one-layer model with one key's value changed: same key, same
 * type, so that nothing else moves. */
static void change_u32(struct str *bytes, const char *key, uint32_t value)
{
    size_t n = strlen(key);

    for (size_t i = 24; i + n + 8 < bytes->len; i++)
        if (memcmp(bytes->p + i, key, n) == 0) {
            for (int b = 0; b < 4; b++)
                bytes->p[i + n + 4 + (size_t)b] = (char)(value >> 8 * b);
            return;
        }
    fail_msg("no key %s", key);
}

/* Replaces the first occurrence of a text by one as long. */
static void change_text(struct str *bytes, const char *was, const char *is)
{
    size_t n = strlen(was);

    assert_int_equal(n, strlen(is));
    for (size_t i = 0; i + n < bytes->len; i++)
        if (memcmp(bytes->p + i, was, n) == 0) {
            memcpy(bytes->p + i, is, n);
            return;
        }
    fail_msg("no text %s", was);
}

static void wants(const struct str *bytes, enum sor_err err, const char *part)
{
    struct model_hparams hp;
    struct gguf *g = NULL;
    struct sor_msg msg = { "" };

    assert_int_equal(mkgguf_save(path, bytes, NULL), SOR_OK);
    assert_int_equal(gguf_open(path, &g, NULL), SOR_OK);
    enum sor_err got = hparams_read(g, &hp, &msg);
    if (got != err || !strstr(msg.text, part))
        print_message("wanted \"%s\", got %d: %s\n", part, got, msg.text);
    assert_int_equal(got, err);
    assert_non_null(strstr(msg.text, part));
    assert_non_null(strstr(msg.text, path));
    gguf_close(g);
}

static void refuses_numbers_out_of_range(void **state)
{
    static const struct {
        const char *key;
        uint32_t    value;
        const char *part;
    } bad[] = {
        { "llama.block_count", 0, "block_count\" is 0, outside 1..512" },
        { "llama.block_count", 513, "is 513" },
        { "llama.block_count", 2, "blk.1.attn_norm.weight\" is missing" },
        { "llama.embedding_length", 65537, "outside 1..65536" },
        { "llama.embedding_length", 128, "64 x 398 x 1 x 1, not 128 x 398" },
        { "llama.feed_forward_length", 64, "not 64 x 64" },
        { "llama.attention.head_count", 0, "head_count\" is 0" },
        { "llama.attention.head_count", 3, "cannot share" },
        { "llama.attention.head_count", 6, "does not divide into 6 heads" },
        { "llama.attention.head_count_kv", 1, "attn_k.weight" },
        { "llama.rope.dimension_count", 15, "must be even" },
        { "llama.rope.dimension_count", 32, "of a head of 16" },
        { "llama.context_length", 0, "context_length" },
        { "llama.vocab_size", 400, "the embedding has 398 rows" },
        { "llama.rope.freq_base", 0x7fc00000, "freq_base\" is nan" },
        { "llama.rope.freq_base", 0x7f800000, "is inf" },
        { "llama.attention.layer_norm_rms_epsilon", 0, "is 0, outside" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct str bytes;

        str_init(&bytes);
        mkmodel_bytes(&(struct mkmodel_opts){ .n_layer = 1 }, &bytes);
        change_u32(&bytes, bad[i].key, bad[i].value);
        wants(&bytes, SOR_FORMAT, bad[i].part);
        str_release(&bytes);
    }
}

static void refuses_what_it_does_not_know(void **state)
{
    static const struct {
        const char *was, *is;
        enum sor_err err;
        const char *part;
    } bad[] = {
        { "llama", "qwen9", SOR_UNSUP, "\"qwen9\" is not supported; known: "
          "llama" },
        { "general.arch", "general.arcx", SOR_FORMAT, "no key" },
        { "llama.block_count", "llama.block_c0unt", SOR_FORMAT, "no key" },
        /* no k tensor, and one that no llama has */
        { "attn_k.weight", "attn_k.wright", SOR_FORMAT, "k.weight\" is miss" },
        { "rope_freqs.weight", "rope_freqs.wright", SOR_UNSUP,
          "\"rope_freqs.wright\" is not part of a llama model" },
        { "rope_freqs.weight", "blk.0.attn_q.bias", SOR_UNSUP, "attn_q.bias" },
        { "rope_freqs.weight", "blk.7.attn_norm.w", SOR_UNSUP, "not part of" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct str bytes;

        str_init(&bytes);
        mkmodel_bytes(&(struct mkmodel_opts){ .n_layer = 1, .rope_freqs = 1 },
                      &bytes);
        change_text(&bytes, bad[i].was, bad[i].is);
        wants(&bytes, bad[i].err, bad[i].part);
        str_release(&bytes);
    }
}

static void refuses_a_type_without_a_kernel(void **state)
{
    struct str bytes;

    (void)state;
    str_init(&bytes);
    mkmodel_bytes(&(struct mkmodel_opts){ .type = GGUF_Q4_0, .n_layer = 1 },
                  &bytes);
    /* Q4_0 -> IQ4_NL: the same size, in the record after the name */
    const char name[] = "blk.0.ffn_up.weight";
    for (size_t i = 0; i + sizeof name < bytes.len; i++)
        if (memcmp(bytes.p + i, name, sizeof name - 1) == 0)
            bytes.p[i + sizeof name - 1 + 4 + 16] = GGUF_IQ4_NL;
    wants(&bytes, SOR_UNSUP, "ffn_up.weight\" is IQ4_NL, which is not "
          "supported; known: F32 F16 Q4_0 ");
    str_release(&bytes);
}

/* A model's metadata with rope scaling and no tensors: far enough to see what
 * it says of the scaling. */
static void rope_scaling(const char *type, float factor, const char *part)
{
    struct mkgguf m;
    struct str bytes;

    mkgguf_init(&m);
    mkgguf_str(&m, "general.architecture", "llama");
    mkgguf_u32(&m, "llama.block_count", 1);
    mkgguf_u32(&m, "llama.context_length", 64);
    mkgguf_u32(&m, "llama.embedding_length", 64);
    mkgguf_u32(&m, "llama.feed_forward_length", 64);
    mkgguf_u32(&m, "llama.attention.head_count", 2);
    mkgguf_f32(&m, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    if (type)
        mkgguf_str(&m, "llama.rope.scaling.type", type);
    if (factor != 0.0f)
        mkgguf_f32(&m, type ? "llama.rope.scaling.factor"
                            : "llama.rope.scale_linear", factor);
    str_init(&bytes);
    mkgguf_file(&m, &bytes);
    wants(&bytes, strstr(part, "supported") ? SOR_UNSUP : SOR_FORMAT, part);
    str_release(&bytes);
    mkgguf_release(&m);
}

static void knows_linear_scaling_only(void **state)
{
    const char *past = "token_embd.weight\" is missing"; /* past the scaling */

    (void)state;
    rope_scaling(NULL, 0.0f, past);
    rope_scaling(NULL, 4.0f, past);
    rope_scaling("none", 0.0f, past);
    rope_scaling("linear", 4.0f, past);
    rope_scaling("linear", 0.0f, "no key \"llama.rope.scaling.factor\"");
    rope_scaling("linear", -1.0f, "is -1, outside");
    rope_scaling("linear", NAN, "nan, outside");
    rope_scaling("yarn", 4.0f, "\"yarn\" is not supported");
}

/* Metadata, an embedding of so many rows, and so many tokens (0: no list). */
static void vocabulary(uint64_t rows, uint64_t n_token, enum sor_err err,
                       const char *part)
{
    const struct mkgguf_tensor embd = { "token_embd.weight", GGUF_F16, 2,
                                        { 2, rows, 1, 1 } };
    size_t n = 2 * (size_t)rows * sizeof(uint16_t);
    void *zero = calloc(n, 1);
    struct mkgguf m;
    struct str bytes;

    assert_non_null(zero);
    mkgguf_init(&m);
    mkgguf_str(&m, "general.architecture", "llama");
    mkgguf_u32(&m, "llama.block_count", 1);
    mkgguf_u32(&m, "llama.context_length", 64);
    mkgguf_u32(&m, "llama.embedding_length", 2);
    mkgguf_u32(&m, "llama.feed_forward_length", 64);
    mkgguf_u32(&m, "llama.attention.head_count", 1);
    mkgguf_f32(&m, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    if (n_token)
        mkgguf_strs(&m, "tokenizer.ggml.tokens", "a\0b\0c", n_token);
    mkgguf_tensor(&m, &embd, zero, n);
    str_init(&bytes);
    mkgguf_file(&m, &bytes);
    wants(&bytes, err, part);
    str_release(&bytes);
    mkgguf_release(&m);
    free(zero);
}

static void refuses_a_vocabulary_that_does_not_fit(void **state)
{
    (void)state;
    vocabulary(1000001, 0, SOR_LIMIT,
               "a vocabulary of 1000001; the limit is 1000000");
    vocabulary(8, 3, SOR_FORMAT, "3 tokens, but the embedding has 8 rows");
}

/* Heads of a size of their own need not share out the embedding. */
static void heads_of_their_own_size(void **state)
{
    static const struct { uint32_t head_dim, rope_dim; const char *part; }
    heads[] = {
        { 16, 16, "token_embd.weight\" is missing" },   /* past the heads */
        { 17, 16, "16 rotated dimensions of a head of 17; both must be even" },
        { 16, 15, "15 rotated dimensions of a head of 16; both must be even" },
        { 16, 18, "18 rotated dimensions of a head of 16" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct mkgguf m;
        struct str bytes;

        mkgguf_init(&m);
        mkgguf_str(&m, "general.architecture", "llama");
        mkgguf_u32(&m, "llama.block_count", 1);
        mkgguf_u32(&m, "llama.context_length", 64);
        mkgguf_u32(&m, "llama.embedding_length", 64);
        mkgguf_u32(&m, "llama.feed_forward_length", 64);
        mkgguf_u32(&m, "llama.attention.head_count", 3);
        mkgguf_u32(&m, "llama.attention.key_length", heads[i].head_dim);
        mkgguf_u32(&m, "llama.attention.value_length", heads[i].head_dim);
        mkgguf_u32(&m, "llama.rope.dimension_count", heads[i].rope_dim);
        mkgguf_f32(&m, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
        str_init(&bytes);
        mkgguf_file(&m, &bytes);
        wants(&bytes, SOR_FORMAT, heads[i].part);
        str_release(&bytes);
        mkgguf_release(&m);
    }
}

static void refuses_experts_and_parts(void **state)
{
    static const struct { const char *key, *part; } bad[] = {
        { "llama.expert_count", "mixture of experts is not supported" },
        { "split.count", "one of 8 parts" },
    };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct mkgguf m;
        struct str bytes;

        mkgguf_init(&m);
        mkgguf_str(&m, "general.architecture", "llama");
        mkgguf_u32(&m, bad[i].key, 8);
        str_init(&bytes);
        mkgguf_file(&m, &bytes);
        wants(&bytes, SOR_UNSUP, bad[i].part);
        str_release(&bytes);
        mkgguf_release(&m);
    }
}

static void reads_the_real_model(void **state)
{
    const char *real = getenv("SORITES_TEST_MODEL");
    struct model_hparams hp;
    struct gguf *g = NULL;

    (void)state;
    if (!real)
        skip();         /* no model: second tier */
    assert_int_equal(gguf_open(real, &g, NULL), SOR_OK);
    assert_int_equal(hparams_read(g, &hp, NULL), SOR_OK);
    assert_int_equal(hp.n_layer, 30);
    assert_int_equal(hp.n_embd, 576);
    assert_int_equal(hp.n_head, 9);
    assert_int_equal(hp.n_head_kv, 3);
    assert_int_equal(hp.head_dim, 64);
    assert_int_equal(hp.n_vocab, 49152);
    assert_true(hp.rope_base == 100000.0f);
    assert_int_equal(hp.tied, 1);
    gguf_close(g);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reads_a_model),
        TEST(refuses_numbers_out_of_range),
        TEST(refuses_what_it_does_not_know),
        TEST(refuses_a_type_without_a_kernel),
        TEST(knows_linear_scaling_only),
        TEST(heads_of_their_own_size),
        TEST(refuses_a_vocabulary_that_does_not_fit),
        TEST(refuses_experts_and_parts),
        TEST(reads_the_real_model),
    };
    return cmocka_run_group_tests_name("hparams", tests, NULL, NULL);
}
