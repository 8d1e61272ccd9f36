/* The kernels: the plain C ones against arithmetic in doubles, and every other
 * ISA against the plain C ones, bit for bit and for every number of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/half.h"
#include "engine/kern.h"
#include "tests/kerntest.h"

enum {
    N_IN = 96, N_OUT = 52,      /* 52: the last strip is a part of one */
    N_STRIP = (N_OUT + 15) / 16,
    MAX_ROWS = 37               /* no tile divides it */
};

/* --- a matrix of each type, with what its elements are worth ---------------*/

struct matrix {
    struct kern_mat m;
    double value[N_OUT][N_IN];
};

static void put16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, sizeof v);
}

static int wide(enum kern_wtype type)
{
    return type == KERN_Q5_K || type == KERN_Q6_K || type == KERN_Q8_0;
}

/* A column of a quantised block as kern.h lays it out. */
static int quant_at(enum kern_wtype type, const uint8_t *b, int row, int col)
{
    if (wide(type))
        return b[64 * (col / 4) + 4 * row + col % 4];
    int byte = b[64 * (col % 16 / 4) + 4 * row + col % 4];

    return col < 16 ? byte & 15 : byte >> 4;
}

/* The n-th scale of a row, made up and stored in the type's own form. */
static double put_scale(enum kern_wtype type, uint8_t *b, int n, int row)
{
    float v = n ? random_float() : 0.01f + 0.01f * random_float();

    b += wide(type) ? 512 : 256;
    if (type == KERN_Q4_K || type == KERN_Q5_K || type == KERN_Q6_K) {
        memcpy(b + 64 * n + 4 * row, &v, sizeof v);
        return (double)v;
    }
    put16(b + 32 * n + 2 * row, half_from_f32(v));
    return (double)half_to_f32(half_from_f32(v));
}

static void fill_quant(struct matrix *w, int strip, int block)
{
    static const int zero[KERN_WTYPES] = {
        [KERN_Q4_0] = 8, [KERN_Q6_K] = 32, [KERN_Q8_0] = 128 };
    enum kern_wtype type = w->m.type;
    uint8_t *b = w->m.data + (size_t)strip * w->m.strip_bytes +
                 (size_t)block * kern_block_bytes(type);
    int two = type == KERN_Q4_1 || type == KERN_Q4_K || type == KERN_Q5_K ||
              type == KERN_Q6_K;

    for (size_t i = 0; i < (wide(type) ? 512 : 256); i++) {
        b[i] = (uint8_t)random32();
        if (type == KERN_Q5_K || type == KERN_Q6_K)
            b[i] &= 63;
    }
    for (int r = 0; r < 16; r++) {
        double d = put_scale(type, b, 0, r);
        double e = two ? put_scale(type, b, 1, r) : 0.0;
        int row = strip * 16 + r;

        for (int c = 0; c < 32 && row < N_OUT; c++) {
            int q = quant_at(type, b, r, c) - zero[type];

            w->value[row][block * 32 + c] =
                type != KERN_Q6_K ? d * q + e : c < 16 ? d * q : e * q;
        }
    }
}

static void fill_float(struct matrix *w, int strip, int col)
{
    enum kern_wtype type = w->m.type;
    size_t size = kern_block_bytes(type) / 512;

    for (int r = 0; r < 16; r++) {
        uint8_t *p = w->m.data + (size_t)strip * w->m.strip_bytes +
                     ((size_t)col * 16 + (size_t)r) * size;
        float v = random_float();
        uint32_t u;

        memcpy(&u, &v, sizeof u);
        if (type == KERN_F32) {
            memcpy(p, &v, sizeof v);
        } else if (type == KERN_F16) {
            put16(p, half_from_f32(v));
            v = half_to_f32(half_from_f32(v));
        } else {
            put16(p, (uint16_t)(u >> 16));
            v = bfloat_to_f32((uint16_t)(u >> 16));
        }
        if (strip * 16 + r < N_OUT)
            w->value[strip * 16 + r][col] = (double)v;
    }
}

static void matrix_init(struct matrix *w, enum kern_wtype type)
{
    w->m = (struct kern_mat){
        .type = type, .n_out = N_OUT, .n_in = N_IN, .n_strip = N_STRIP,
        .strip_bytes = kern_block_bytes(type) * N_IN / 32,
    };
    w->m.data = aligned_alloc(64, N_STRIP * w->m.strip_bytes + 64);
    assert_non_null(w->m.data);
    for (int s = 0; s < N_STRIP; s++)
        for (int i = 0; i < (kern_quantised(type) ? N_IN / 32 : N_IN); i++)
            if (kern_quantised(type))
                fill_quant(w, s, i);
            else
                fill_float(w, s, i);
}

/* --- rows -----------------------------------------------------------------*/

struct rows {
    struct kern_acts a;
    float f[MAX_ROWS][N_IN];
    int8_t q[MAX_ROWS][N_IN * 2];
    struct kern_scale scale[MAX_ROWS][N_IN / 32];
    uint8_t wide[MAX_ROWS][N_IN / 32];
};

/* Only some rows have an element that stands out, so that tiles are mixed. */
static void rows_init(struct rows *x, int n)
{
    for (int r = 0; r < n; r++)
        for (int c = 0; c < N_IN; c++)
            x->f[r][c] = random_float() *
                         (c == 7 && r % 3 != 1 ? 300.0f : 1.0f);
    x->a = (struct kern_acts){
        .n_row = n, .n_in = N_IN, .f = x->f[0], .q = x->q[0],
        .scale = x->scale[0], .wide = x->wide[0],
    };
}

/* Where block i of a row lies. */
static size_t at(const struct kern_table *k, int n_row, int row, int i)
{
    return kern_act_at(kern_tile_of(k->tile_rows, n_row, row), row,
                       N_IN / 32, i);
}

static void quantise_all(const struct kern_table *k, struct rows *x)
{
    for (int r = 0; r < x->a.n_row; r++)
        k->quantise(&x->a, r);
}

static void multiply(const struct kern_table *k, const struct matrix *w,
                     const struct rows *x, float (*y)[N_OUT], int add)
{
    float *row[MAX_ROWS];
    struct kern_out out = { row, add };

    for (int r = 0; r < x->a.n_row; r++)
        row[r] = y[r];
    k->mul[w->m.type](&w->m, &x->a, 0, 2, &out);
    k->mul[w->m.type](&w->m, &x->a, 2, N_STRIP, &out);
}

/* --- the tests --------------------------------------------------------------
 * *state: the table.  Where this CPU has not got it, the test says so. */

/* Against doubles: the only errors are those of 16-bit activations (half a
 * step of max/32512 each) and of float sums. */
static void products_are_right(void **state)
{
    const struct kern_table *k = table(state);
    static struct rows x;
    static float y[MAX_ROWS][N_OUT];

    kerntest_seed = 1;
    for (int type = 0; type < KERN_WTYPES; type++) {
        static struct matrix w;

        matrix_init(&w, (enum kern_wtype)type);
        rows_init(&x, 5);
        quantise_all(k, &x);
        multiply(k, &w, &x, y, 0);
        for (int r = 0; r < 5; r++)
            for (int o = 0; o < N_OUT; o++) {
                double want = 0.0, scale = 0.0;

                for (int c = 0; c < N_IN; c++) {
                    want += w.value[o][c] * (double)x.f[r][c];
                    scale += fabs(w.value[o][c]);
                }
                if (!(fabs((double)y[r][o] - want) < 0.01 * scale + 1e-4))
                    fail_msg("type %d row %d out %d: %g, want %g", type, r, o,
                             (double)y[r][o], want);
            }
        free(w.m.data);
    }
}

static void products_equal_the_plain_ones(void **state)
{
    const struct kern_table *k = table(state);
    static struct rows x;
    static float y[MAX_ROWS][N_OUT], want[MAX_ROWS][N_OUT];

    kerntest_seed = 2;
    for (int type = 0; type < KERN_WTYPES; type++) {
        static struct matrix w;

        matrix_init(&w, (enum kern_wtype)type);
        for (int n = 1; n <= MAX_ROWS; n++) {
            rows_init(&x, n);
            x.a.narrow = n % 2;
            memset(y, 0, sizeof y);
            memset(want, 0, sizeof want);
            for (int add = 0; add < 2; add++) {
                quantise_all(k, &x);
                multiply(k, &w, &x, y, add);
                quantise_all(&kern_ref, &x);
                multiply(&kern_ref, &w, &x, want, add);
            }
            assert_memory_equal(y, want, sizeof y);
        }
        free(w.m.data);
    }
}

/* In one byte where that will do: the error of a block is half a step of a
 * hundred and twenty-seventh of its largest element, the blocks that stand out
 * keep two bytes, and a row's result does not depend on its neighbours. */
static void narrow_rows_are_their_own(void **state)
{
    const struct kern_table *k = table(state);
    static struct rows x, one;
    static float y[MAX_ROWS][N_OUT], alone[MAX_ROWS][N_OUT];
    static struct matrix w;
    int n_wide = 0;

    kerntest_seed = 4;
    matrix_init(&w, KERN_Q4_1);
    rows_init(&x, MAX_ROWS);
    x.a.narrow = 1;
    quantise_all(k, &x);
    multiply(k, &w, &x, y, 0);
    for (int r = 0; r < MAX_ROWS; r++) {
        for (int i = 0; i < N_IN / 32; i++) {
            size_t u = at(k, MAX_ROWS, r, i);
            float top = 0.0f;

            for (int c = 0; c < 32; c++)
                top = fmaxf(top, fabsf(x.f[r][32 * i + c]));
            for (int c = 0; c < 32; c++) {
                float hi = x.a.q[64 * u + (size_t)c];
                float lo = x.a.q[64 * u + 32 + (size_t)c];
                float value = x.a.scale[u].d * (256.0f * hi + lo);

                assert_true(x.a.wide[u] || lo == 0.0f);
                assert_true(fabsf(value - x.f[r][32 * i + c]) <=
                            top / (x.a.wide[u] ? 30000.0f : 250.0f));
            }
            n_wide += x.a.wide[u];
        }
        rows_init(&one, 1);
        memcpy(one.f[0], x.f[r], sizeof one.f[0]);
        one.a.narrow = 1;
        quantise_all(k, &one);
        multiply(k, &w, &one, alone, 0);
        assert_memory_equal(alone[0], y[r], sizeof y[r]);
    }
    assert_true(n_wide > 0 && n_wide < MAX_ROWS * (N_IN / 32) / 2);
    free(w.m.data);
}

static void rows_equal_the_plain_ones(void **state)
{
    const struct kern_table *k = table(state);
    static struct rows a, b;
    float gain[N_IN], y[2][N_IN];
    struct kern_stats st[2];

    kerntest_seed = 3;
    rows_init(&a, MAX_ROWS);
    for (int c = 0; c < N_IN; c++)
        gain[c] = random_float();
    a.f[0][3] = NAN;
    a.f[1][0] = INFINITY;
    memset(a.f[2], 0, sizeof a.f[2]);
    a.f[3][1] = 1e-38f;
    b = a;
    b.a.f = b.f[0], b.a.q = b.q[0];
    b.a.scale = b.scale[0], b.a.wide = b.wide[0];
    quantise_all(k, &a);
    quantise_all(&kern_ref, &b);
    for (int r = 0; r < MAX_ROWS; r++)
        for (int i = 0; i < N_IN / 32; i++) {
            size_t u = at(k, MAX_ROWS, r, i), v = at(&kern_ref, MAX_ROWS, r, i);

            assert_memory_equal(a.a.q + 64 * u, b.a.q + 64 * v, 64);
            assert_int_equal(a.a.scale[u].sum, b.a.scale[v].sum);
            assert_int_equal(a.a.scale[u].half, b.a.scale[v].half);
            if (r > 0)                  /* row 0 is NaN: its payload is free */
                assert_memory_equal(&a.a.scale[u].d, &b.a.scale[v].d,
                                    sizeof(float));
            if (i == 0 && r < 2)        /* what is not finite is not lost */
                assert_true(!isfinite(a.a.scale[u].d));
        }
    for (int n = N_IN; n > N_IN - 17; n--)
        for (int r = 4; r < 8; r++) {
            k->rmsnorm(a.f[r], gain, n, 1e-5f, y[0]);
            kern_ref.rmsnorm(a.f[r], gain, n, 1e-5f, y[1]);
            assert_memory_equal(y[0], y[1], (size_t)n * sizeof(float));
            k->stats(a.f[r], n, &st[0]);
            kern_ref.stats(a.f[r], n, &st[1]);
            assert_memory_equal(&st[0], &st[1], sizeof st[0]);
            memcpy(y[0], a.f[r], sizeof y[0]);
            memcpy(y[1], a.f[r], sizeof y[1]);
            k->swiglu(y[0], gain, n);
            kern_ref.swiglu(y[1], gain, n);
            assert_memory_equal(y[0], y[1], sizeof y[0]);
        }
}

/* A block as kern.h describes it, one element after the other. */
static void check_block(const float *f, const int8_t *q,
                        const struct kern_scale *scale)
{
    float top = 0.0f;
    int sum = 0, half = 0;

    for (int c = 0; c < 32; c++)
        top = fmaxf(top, fabsf(f[c]));
    for (int c = 0; c < 32; c++) {
        float want = rintf(f[c] * (32512.0f / fmaxf(top, 1e-30f)));
        float hi = rintf(want / 256.0f);
        float lo = fminf(fmaxf(want - 256.0f * hi, -127.0f), 127.0f);

        assert_int_equal(q[c], (int)hi);
        assert_int_equal(q[32 + c], (int)lo);
        sum += 256 * q[c] + q[32 + c];
        half += c < 16 ? 256 * q[c] + q[32 + c] : 0;
    }
    assert_int_equal(scale->sum, sum);
    assert_int_equal(scale->half, half);
    assert_true(scale->d == fmaxf(top, 1e-30f) / 32512.0f);
    assert_true(scale->s == scale->d * (float)sum);
}

/* Rows of any number of blocks, their elements of any size, halves of a step
 * and blocks of zeros among them. */
static void every_block_is_quantised(void **state)
{
    enum { ROWS = 3, MOST = 70 };
    const struct kern_table *k = table(state);
    static float f[ROWS * MOST * 32];
    static int8_t q[ROWS * MOST * 64];
    static struct kern_scale scale[ROWS * MOST];

    kerntest_seed = 5;
    for (int nb = 1; nb <= MOST; nb++) {
        struct kern_acts x = { .n_row = ROWS, .n_in = nb * 32, .f = f, .q = q,
                               .scale = scale };

        for (int i = 0; i < ROWS * nb * 32; i++)
            f[i] = random_float() * powf(10.0f, (float)(i / 32 % 9 - 4));
        memset(f, 0, 32 * sizeof *f);
        for (int i = 0; nb > 1 && i < 32; i++)  /* q = 128 (2 i + 1): ties */
            f[32 + i] = (float)(i % 2 ? -1 : 1) * (float)(128 * (2 * i + 1));
        f[32 * (nb > 1)] = nb > 1 ? 32512.0f : 0.0f;
        for (int r = 0; r < ROWS; r++)
            k->quantise(&x, r);
        for (int r = 0; r < ROWS; r++)
            for (int b = 0; b < nb; b++) {
                struct kern_tile t = kern_tile_of(k->tile_rows, ROWS, r);
                size_t u = kern_act_at(t, r, nb, b);

                check_block(f + (r * nb + b) * 32, q + 64 * u, scale + u);
            }
    }
}

static void rows_are_right(void **state)
{
    static struct rows a;
    float gain[N_IN], y[N_IN];
    double ss = 0.0;

    (void)state;
    kerntest_seed = 4;
    rows_init(&a, 1);
    for (int c = 0; c < N_IN; c++) {
        gain[c] = random_float();
        ss += (double)a.f[0][c] * (double)a.f[0][c];
    }
    kern_ref.rmsnorm(a.f[0], gain, N_IN, 1e-5f, y);
    for (int c = 0; c < N_IN; c++)
        near((double)y[c], (double)a.f[0][c] * (double)gain[c] /
                           sqrt(ss / N_IN + 1e-5), 1e-4);
    quantise_all(&kern_ref, &a);
    for (int c = 0; c < N_IN; c++) {
        const int8_t *b = a.q[0] + c / 32 * 64 + c % 32;
        int q = 256 * b[0] + b[32];

        /* half a step, or one where lo met its limit */
        near(q * (double)a.scale[0][c / 32].d, (double)a.f[0][c],
             1.01 * (double)a.scale[0][c / 32].d);
    }
    /* silu, far out too: exp() is clamped, the result still is x or 0 */
    for (int c = 0; c < N_IN; c++) {
        a.f[0][c] = 4.0f * (float)(c - N_IN / 2);
        gain[c] = 1.0f;
    }
    memcpy(y, a.f[0], sizeof y);
    kern_ref.swiglu(y, gain, N_IN);
    for (int c = 0; c < N_IN; c++) {
        double x = (double)a.f[0][c];

        near((double)y[c], x / (1.0 + exp(-x)), 1e-6 * (1.0 + fabs(x)));
    }
}

/* --- 16-bit floats --------------------------------------------------------*/

/* Every binary16 survives the way out and back; halfway cases go to even. */
static void halves_round_trip(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        int nan = (h & 0x7c00) == 0x7c00 && (h & 0x3ff);

        if (!nan)
            assert_int_equal(half_from_f32(half_to_f32((uint16_t)h)), h);
    }
    assert_int_equal(half_from_f32(65519.996f), 0x7bff);
    assert_int_equal(half_from_f32(65520.0f), 0x7c00);
    assert_int_equal(half_from_f32(1.0f + 1.0f / 2048.0f), 0x3c00);
    assert_int_equal(half_from_f32(1.0f + 3.0f / 2048.0f), 0x3c02);
    assert_int_equal(half_from_f32(1e-8f), 0);
    assert_int_equal(half_from_f32(-5.9604645e-8f), 0x8001);
}

/* Every block has one place, tiles are as mul() walks them. */
static void activations_tile(void **state)
{
    (void)state;
    for (int most = 1; most <= 16; most *= 2)
        for (int n = 1; n <= 40; n++) {
            char used[40 * 3] = { 0 };

            for (int r = 0; r < n; r++) {
                struct kern_tile t = kern_tile_of(most, n, r);

                assert_true(t.from <= r && r < t.from + t.n);
                assert_true(t.from + t.n <= n && t.n <= most);
                for (int b = 0; b < 3; b++)
                    used[kern_act_at(t, r, 3, b)]++;
            }
            for (int i = 0; i < n * 3; i++)
                assert_int_equal(used[i], 1);
        }
}

static void isa_names_parse(void **state)
{
    (void)state;
    assert_int_equal(kern_isa_parse("ref"), KERN_REF);
    assert_int_equal(kern_isa_parse("avx2"), KERN_AVX2);
    assert_int_equal(kern_isa_parse("avx512"), KERN_AVX512);
    assert_int_equal(kern_isa_parse("AVX"), -1);
    assert_ptr_equal(kern_pick(KERN_REF), &kern_ref);
}

/* cmocka wants a pointer to what it may change; nothing here does. */
#define ON(isa, test) { #test "/" #isa, test, NULL, NULL, \
                        (void *)(uintptr_t)&kern_##isa }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(ref, products_are_right),
        ON(avx2, products_are_right),
        ON(avxvnni, products_are_right),
        ON(avx512, products_are_right),
        ON(ref, products_equal_the_plain_ones),
        ON(ref, narrow_rows_are_their_own),
        ON(avx2, narrow_rows_are_their_own),
        ON(avxvnni, narrow_rows_are_their_own),
        ON(avx512, narrow_rows_are_their_own),
        ON(avx2, products_equal_the_plain_ones),
        ON(avxvnni, products_equal_the_plain_ones),
        ON(avx512, products_equal_the_plain_ones),
        ON(avx2, rows_equal_the_plain_ones),
        ON(avxvnni, rows_equal_the_plain_ones),
        ON(avx512, rows_equal_the_plain_ones),
        ON(ref, every_block_is_quantised),
        ON(avx2, every_block_is_quantised),
        ON(avxvnni, every_block_is_quantised),
        ON(avx512, every_block_is_quantised),
        cmocka_unit_test(rows_are_right),
        cmocka_unit_test(halves_round_trip),
        cmocka_unit_test(activations_tile),
        cmocka_unit_test(isa_names_parse),
    };

    return cmocka_run_group_tests_name("kern", tests, NULL, NULL);
}
