/* The packed columns: what goes in comes out, and damage is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "db/pack.h"

static void uf16_keeps_its_promise(void **state)
{
    (void)state;
    /* Half of the last of 11 mantissa bits: 2^-11, the header says < 2^-10. */
    for (float v = 1.0f / 64.0f; v < 6.7e7f; v *= 1.00371f) {
        float got = unpack_uf16(pack_uf16(v));

        assert_true(fabsf(got - v) <= v / 1024.0f);
    }
    for (float v = 0.0f; v < 1.0f / 64.0f; v += 1.0f / 262144.0f)
        assert_true(fabsf(unpack_uf16(pack_uf16(v)) - v) <= 0.5f / 65536.0f);
    assert_true(unpack_uf16(pack_uf16(0.0f)) == 0.0f);
    assert_int_equal(pack_uf16(-3.0f), 0);
    assert_int_equal(pack_uf16(1e30f), 0xffff);
    assert_int_equal(pack_uf16(INFINITY), 0xffff);
    assert_int_equal(pack_uf16(NAN), 0xffff);
    assert_int_equal(pack_uf16(-NAN), 0xffff);
}

static void uf16_is_monotonic_and_stable(void **state)
{
    float before = -1.0f;

    (void)state;
    for (unsigned v = 0; v <= 0xffff; v++) {
        float f = unpack_uf16((uint16_t)v);

        /* 0..1023 with an exponent repeat smaller numbers: never written */
        if ((v & 2047) < 1024 && v > 2047)
            continue;
        assert_true(f > before);
        assert_int_equal(pack_uf16(f), v);
        before = f;
    }
}

static struct pack_layer sample(int layer)
{
    return (struct pack_layer){
        .mode = (uint8_t)(layer % 3), .reason = (uint8_t)(layer % 4),
        .exit_here = layer == 2, .skipped = layer > 2,
        .blocks_read = (float)layer * 5, .norm_in = (float)layer * 2 + 10,
        .norm_out = (float)layer * 2 + 12, .attn_entropy = 0.5f,
        .exit_measure = 0.25f, .time_us = 100.0f + (float)layer,
        .digest = (uint16_t)(layer * 4099),
        .dense = 0x1234567890abcdefu >> layer,
    };
}

static void assert_layer(const struct pack_layer *a, const struct pack_layer *b)
{
    assert_int_equal(a->mode, b->mode);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->exit_here, b->exit_here);
    assert_int_equal(a->skipped, b->skipped);
    assert_float_equal(a->blocks_read, b->blocks_read, 0);  /* all exact */
    assert_float_equal(a->norm_in, b->norm_in, 0);
    assert_float_equal(a->norm_out, b->norm_out, 0);
    assert_float_equal(a->attn_entropy, b->attn_entropy, 0);
    assert_float_equal(a->exit_measure, b->exit_measure, 0);
    assert_float_equal(a->time_us, b->time_us, 0);
    assert_int_equal(a->digest, b->digest);
    assert_true(a->dense == b->dense);
}

static void layers_come_back(void **state)
{
    static const int groups[] = { 1, 3, 8, 9, 64 };

    (void)state;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        size_t n = pack_layers_bytes(5, groups[i]);
        uint8_t *blob = malloc(n);
        struct pack_layers_header head;
        uint64_t mask = groups[i] == 64 ? UINT64_MAX
                        : (1u << (8 * ((groups[i] + 7) / 8))) - 1u;

        pack_layers_header(blob, 5, groups[i]);
        pack_layers_score(blob, 0.5f, 0.25f, 0.75f);
        for (int l = 4; l >= 0; l--) {          /* any order */
            struct pack_layer in = sample(l);
            pack_layer_put(blob, l, &in);
        }
        assert_int_equal(unpack_layers_header(blob, n, &head), 0);
        assert_int_equal(head.n_layer, 5);
        assert_float_equal(head.norm_in, 10, 0);
        assert_float_equal(head.score, 0.5, 0);
        assert_float_equal(head.low, 0.25, 0);
        assert_float_equal(head.high, 0.75, 0);
        for (int l = 0; l < 5; l++) {
            struct pack_layer want = sample(l), got;
            want.dense &= mask;
            assert_int_equal(unpack_layer(blob, n, l, &got), 0);
            assert_layer(&got, &want);
        }
        free(blob);
    }
}

static void damaged_layers_are_refused(void **state)
{
    struct pack_layers_header head;
    struct pack_layer out, in = sample(0);
    uint8_t blob[128];
    size_t n = pack_layers_bytes(2, 3);

    (void)state;
    pack_layers_header(blob, 2, 3);
    pack_layer_put(blob, 0, &in);
    pack_layer_put(blob, 1, &in);
    assert_int_equal(unpack_layer(blob, n, 0, &out), 0);
    assert_int_equal(unpack_layer(blob, n, 2, &out), -1);
    assert_int_equal(unpack_layer(blob, n, -1, &out), -1);
    assert_int_equal(unpack_layer(NULL, 0, 0, &out), -1);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(unpack_layers_header(blob, cut, &head), -1);
    for (size_t at = 0; at < 4; at++) {         /* the header's own bytes */
        blob[at] ^= 0x40;
        assert_int_equal(unpack_layers_header(blob, n, &head), -1);
        blob[at] ^= 0x40;
    }
}

static void alternatives_come_back(void **state)
{
    uint8_t blob[3 * PACK_ALT_BYTES];
    int32_t id;
    float logprob;

    (void)state;
    pack_alt_put(blob, 0, 5, -0.5f);
    pack_alt_put(blob, 1, 151935, -1.0f);
    pack_alt_put(blob, 2, 0x7fffffff, -16.0f);
    assert_int_equal(unpack_alt(blob, sizeof blob, 1, &id, &logprob), 1);
    assert_int_equal(id, 151935);
    assert_float_equal(logprob, -1.0, 0);
    assert_int_equal(unpack_alt(blob, sizeof blob, 2, &id, &logprob), 1);
    assert_int_equal(id, 0x7fffffff);
    assert_int_equal(unpack_alt(blob, sizeof blob, 3, &id, &logprob), 0);
    assert_int_equal(unpack_alt(blob, 11, 1, &id, &logprob), 0);
    assert_int_equal(unpack_alt(NULL, 0, 0, &id, &logprob), 0);
}

static void heads_come_back(void **state)
{
    static const int32_t pos[] = { 70000, 3, 0 };
    static const float weight[] = { 0.5f, 0.25f, 0.125f };
    size_t n = pack_heads_bytes(2, 3, 3);
    uint8_t *blob = calloc(n, 1);
    int32_t got_pos[3];
    float entropy, got_weight[3];
    int n_top;

    (void)state;
    pack_heads_header(blob, 2, 3, 3);
    for (int l = 0; l < 2; l++)
        for (int h = 0; h < 3; h++)
            pack_head_put(blob, l, h, (float)(l * 3 + h), pos, weight, h + 1);
    for (int l = 0; l < 2; l++)
        for (int h = 0; h < 3; h++) {
            assert_int_equal(unpack_head(blob, n, l, h, &entropy, got_pos,
                                         got_weight, &n_top), 0);
            assert_true(entropy == (float)(l * 3 + h));
            assert_int_equal(n_top, h + 1);
            assert_memory_equal(got_pos, pos, (size_t)n_top * sizeof *pos);
            for (int i = 0; i < n_top; i++)     /* 16 bits of a share */
                assert_float_equal(got_weight[i], weight[i], 1.0 / 65535);
        }
    assert_int_equal(unpack_head(blob, n, 2, 0, &entropy, got_pos, got_weight,
                                 &n_top), -1);
    assert_int_equal(unpack_head(blob, n, 0, 3, &entropy, got_pos, got_weight,
                                 &n_top), -1);
    assert_int_equal(unpack_head(blob, n - 1, 0, 0, &entropy, got_pos,
                                 got_weight, &n_top), -1);
    free(blob);
}

/* Small weights keep their digits, and SQL's arithmetic gives the same. */
static void weights_come_back(void **state)
{
    static const float weight[] = { 1.0f, 0.5f, 0.1f, 1e-3f, 3.3e-6f, 2e-8f,
                                    0.0f };
    enum { N = sizeof weight / sizeof *weight };
    uint8_t blob[N * PACK_WEIGHT_BYTES];

    (void)state;
    for (int k = 0; k < N; k++)
        pack_weight_put(blob, k, weight[k]);
    for (int k = 0; k < N; k++) {
        uint32_t v = blob[2 * k] | (uint32_t)blob[2 * k + 1] << 8;
        double sql = (double)((uint64_t)(v & 2047) << (v >> 11)) /
                     68719476736.0;

        assert_true(unpack_weight(blob, k) == (float)sql);
        assert_true(fabsf(unpack_weight(blob, k) - weight[k]) <=
                    weight[k] / 1024);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uf16_keeps_its_promise),
        cmocka_unit_test(uf16_is_monotonic_and_stable),
        cmocka_unit_test(layers_come_back),
        cmocka_unit_test(damaged_layers_are_refused),
        cmocka_unit_test(alternatives_come_back),
        cmocka_unit_test(heads_come_back),
        cmocka_unit_test(weights_come_back),
    };
    return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
