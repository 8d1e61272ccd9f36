/* The quantised blocks of a GGUF file: what they are worth, against the values
 * that the format's own Python package (gguf 0.19, gguf.quants.dequantize)
 * gives for the same bytes, and what the kernels make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "engine/kern.h"
#include "engine/pool.h"
#include "engine/quant.h"
#include "engine/weights.h"

enum { BLOCKS = 4, MOST_BYTES = 4 * 256, MOST_VALUES = 4 * 256 };

static const struct vector {
    enum gguf_type type;
    uint64_t xxh3;              /* of all values, as float32, -0 as 0 */
    float first, last;
} vectors[] = {
    { GGUF_Q4_0, UINT64_C(0x9e524b8b2e4da2d9), 0.266357422f, -0.100463867f },
    { GGUF_Q4_1, UINT64_C(0xe3bdd359f8dfe3bf), 0.86328125f, -1.72546387f },
    { GGUF_Q5_0, UINT64_C(0xe9d2d6db866798dc), -0.133178711f, 0.497436523f },
    { GGUF_Q5_1, UINT64_C(0xeb010484d8dfd2c6), 0.596923828f, -1.56738281f },
    { GGUF_Q8_0, UINT64_C(0x9b46f7ffdef5e06b), 1.86450195f, -5.37963867f },
    { GGUF_Q4_K, UINT64_C(0xd55a67f10641d59c), 11.4724121f, 48.2412109f },
    { GGUF_Q5_K, UINT64_C(0x24514d1e1093f2a9), 18.6640625f, -14.2059326f },
    { GGUF_Q6_K, UINT64_C(0x7573cf44e391b691), -250.756897f, 0.0f },
};

/* n blocks of a fixed generator; binary16 fields get sane exponents. */
static void fill(enum gguf_type type, uint8_t *p, size_t n)
{
    const struct gguf_type_info *info = gguf_type_info(type);
    int two = type == GGUF_Q4_1 || type == GGUF_Q5_1 || type == GGUF_Q4_K ||
              type == GGUF_Q5_K;
    size_t at = type == GGUF_Q6_K ? 208 : 0;
    uint64_t s = 0x1234567;

    for (size_t i = 0; i < n * info->bytes; i++) {
        s = s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        p[i] = (uint8_t)(s >> 56);
    }
    for (size_t b = 0; b < n; b++, p += info->bytes) {
        p[at + 1] = (p[at + 1] & 0x83) | 0x2c;
        if (two)
            p[3] = (p[3] & 0x83) | 0x2c;
    }
}

static void values_are_the_format_s_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        size_t n = BLOCKS * (size_t)gguf_type_info(v->type)->block;
        uint8_t bytes[MOST_BYTES];
        float value[MOST_VALUES] = { 0 };

        assert_true(quant_known(v->type));
        fill(v->type, bytes, BLOCKS);
        for (size_t b = 0; b < n / QUANT_BLOCK; b++) {
            struct quant_block q;

            quant_read(v->type, bytes, b, &q);
            quant_values(&q, value + b * QUANT_BLOCK);
        }
        assert_true(value[0] == v->first);
        assert_true(value[n - 1] == v->last);
        assert_true(hash_xxh3(value, n * sizeof *value, 0) == v->xxh3);
    }
    assert_false(quant_known(GGUF_F32));
    assert_false(quant_known(GGUF_Q2_K));
}

enum { ROWS = 20, COLS = 512 };

/* The kernel's layout of a matrix means the same as the file's. */
static void packed_matrices_multiply(void **state)
{
    struct pool *pool;
    static float x[COLS], y[ROWS], value[COLS];
    static int8_t q[2 * COLS];
    static struct kern_scale block[COLS / 32];
    struct kern_acts a = { .n_row = 1, .n_in = COLS, .f = x, .q = q,
                           .scale = block };
    float *row = y;
    struct kern_out out = { &row, 0 };

    (void)state;
    assert_int_equal(pool_open(2, &pool, NULL), SOR_OK);
    for (int i = 0; i < COLS; i++)
        x[i] = sinf((float)i);
    kern_ref.quantise(&a, 0);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        enum gguf_type type = vectors[i].type;
        size_t n = ROWS * COLS / (size_t)gguf_type_info(type)->block;
        uint8_t *bytes = malloc(n * gguf_type_info(type)->bytes);
        struct gguf_tensor t = { .type = type, .n_dims = 2,
                                 .dim = { COLS, ROWS, 1, 1 }, .data = bytes };
        struct kern_mat m;

        fill(type, bytes, n);
        assert_int_equal(weights_pack(&t, pool, &m, NULL), SOR_OK);
        kern_ref.mul[m.type](&m, &a, 0, m.n_strip, &out);
        for (uint64_t r = 0; r < ROWS; r++) {
            double want = 0.0, scale = 0.0;

            weights_row(&t, r, value);
            for (int c = 0; c < COLS; c++) {
                want += (double)value[c] * (double)x[c];
                scale += fabs((double)value[c]);
            }
            /* activations are within 1/65024 of their block's largest */
            assert_true(fabs((double)y[r] - want) < 2e-5 * scale);
        }
        mem_free(m.data);
        free(bytes);
    }
    pool_close(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_the_format_s_own),
        cmocka_unit_test(packed_matrices_multiply),
    };

    return cmocka_run_group_tests_name("quant", tests, NULL, NULL);
}
