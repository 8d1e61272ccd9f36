/* engine/blas.c - see blas.h. */
#define _DEFAULT_SOURCE         /* setenv() beside dlopen() */
#include "engine/blas.h"

#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/forward_impl.h"
#include "engine/half.h"

enum { STRIPS = BLAS_COLUMNS / KERN_LANES };

struct scratch {                /* of one thread */
    float *panel;               /* [n_in][BLAS_COLUMNS] weights as floats */
    float *rows;                /* [BLAS_ROWS][n_in] a tile with zeros in it */
    float *out;                 /* [BLAS_ROWS][BLAS_COLUMNS] */
};

struct blas {
    int n_thread;
    struct scratch thread[POOL_MAX_THREADS];
};

/* --- the library ----------------------------------------------------------
 * The C interface to the BLAS: Blackford et al. 2002, appendix B; the
 * functions openblas_*: OpenBLAS's cblas.h. */

enum { ROW_MAJOR = 101, NO_TRANS = 111 };

static struct {
    void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k,
                  float alpha, const float *a, int lda, const float *b,
                  int ldb, float beta, float *c, int ldc);
    char *(*config)(void);
    char *(*core)(void);
    char name[64];
} lib;

/* POSIX lets a symbol be a function; ISO C has no cast for that. */
static int find(void *so, const char *name, void *fn, size_t size)
{
    void *symbol = dlsym(so, name);

    memcpy(fn, &symbol, size);
    return symbol != NULL;
}

static void gemm(int k, const float *a, const float *b, float *c)
{
    lib.sgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, BLAS_ROWS, BLAS_COLUMNS, k, 1.0f,
              a, k, b, BLAS_COLUMNS, 0.0f, c, BLAS_COLUMNS);
}

/* Opens the library once; it stays. */
static enum sor_err open_library(struct sor_msg *msg)
{
    char version[24] = "";
    void *so;

    if (lib.name[0])
        return SOR_OK;
    /* Read when the library is loaded: it starts no threads of its own. */
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    so = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!so)
        return sor_fail(msg, SOR_UNSUP, "OpenBLAS cannot be loaded (Debian: "
                        "libopenblas0): %s", dlerror());
    if (!find(so, "cblas_sgemm", &lib.sgemm, sizeof lib.sgemm) ||
        !find(so, "openblas_get_config", &lib.config, sizeof lib.config) ||
        !find(so, "openblas_get_corename", &lib.core, sizeof lib.core))
        return sor_fail(msg, SOR_UNSUP, "libopenblas.so.0: %s", dlerror());
    /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." */
    if (sscanf(lib.config(), "OpenBLAS %23s", version) != 1)
        snprintf(version, sizeof version, "?");
    enum sor_err err = blas_check(gemm, msg);
    if (!err)
        snprintf(lib.name, sizeof lib.name, "OpenBLAS %s %.24s", version,
                 lib.core());
    return err;
}

const char *blas_name(void)
{
    return lib.name;
}

/* --- the self-check -------------------------------------------------------*/

enum { CHECK_K = 577 };         /* odd: the ends of unrolled loops are in it */

/* -1 .. 1 without a pattern (a linear congruential generator: Knuth, TAOCP
 * vol. 2, 3.3.4, line 26). */
static void noise(float *v, size_t n, uint64_t *state)
{
    for (size_t i = 0; i < n; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        v[i] = (float)((double)(*state >> 40) / (1 << 23) - 1.0);
    }
}

/* |c - sum| <= k u sum |a b| holds for any order of the sum (Higham 2002,
 * "Accuracy and Stability", 3.1; u = 2^-24). */
static int is_near(const float *a, const float *b, float c, int col)
{
    double sum = 0, size = 0;

    for (int k = 0; k < CHECK_K; k++) {
        double term = (double)a[k] *
                      (double)b[(size_t)k * BLAS_COLUMNS + (size_t)col];

        sum += term;
        size += fabs(term);
    }
    return fabs((double)c - sum) <= CHECK_K * 0x1p-24 * size;
}

/* Row r alone, with zeros for the others, has the bits that it had. */
static int stands_alone(blas_gemm *fn, const float *all, float *a,
                        const float *b, float *c, int r)
{
    uint32_t before[BLAS_COLUMNS], now[BLAS_COLUMNS];   /* bits, not values */
    size_t row = (size_t)r * BLAS_COLUMNS;

    memcpy(before, c + row, sizeof before);
    memset(a, 0, (size_t)BLAS_ROWS * CHECK_K * sizeof *a);
    memcpy(a + (size_t)r * CHECK_K, all + (size_t)r * CHECK_K,
           CHECK_K * sizeof *a);
    fn(CHECK_K, a, b, c);
    memcpy(now, c + row, sizeof now);
    return memcmp(before, now, sizeof now) == 0;
}

static enum sor_err compare(blas_gemm *fn, float *all, float *a, float *b,
                            float *c, struct sor_msg *msg)
{
    uint64_t state = 1;

    noise(all, (size_t)BLAS_ROWS * CHECK_K, &state);
    noise(b, (size_t)CHECK_K * BLAS_COLUMNS, &state);
    fn(CHECK_K, all, b, c);
    for (int r = 0; r < BLAS_ROWS; r++)
        for (int col = 0; col < BLAS_COLUMNS; col++)
            if (!is_near(all + (size_t)r * CHECK_K, b,
                         c[r * BLAS_COLUMNS + col], col))
                return sor_fail(msg, SOR_UNSUP, "OpenBLAS computes wrongly on "
                                "this processor: element %d, %d of the "
                                "self-check is %g; use a newer one, or do "
                                "without --blas", r, col,
                                (double)c[r * BLAS_COLUMNS + col]);
    for (int r = 0; r < BLAS_ROWS; r += 9) {
        fn(CHECK_K, all, b, c);
        if (!stands_alone(fn, all, a, b, c, r))
            return sor_fail(msg, SOR_UNSUP, "OpenBLAS lets row %d of the "
                            "self-check depend on the others, so that a run "
                            "could not be replayed; do without --blas", r);
    }
    return SOR_OK;
}

enum sor_err blas_check(blas_gemm *fn, struct sor_msg *msg)
{
    size_t n_a = (size_t)BLAS_ROWS * CHECK_K;
    float *all = mem_alloc(n_a * sizeof *all), *a = mem_alloc(n_a * sizeof *a);
    float *b = mem_alloc((size_t)CHECK_K * BLAS_COLUMNS * sizeof *b);
    float *c = mem_alloc((size_t)BLAS_ROWS * BLAS_COLUMNS * sizeof *c);
    enum sor_err err;

    if (all && a && b && c)
        err = compare(fn, all, a, b, c, msg);
    else
        err = sor_fail(msg, SOR_NOMEM, "self-check: out of memory");
    mem_free(all);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    return err;
}

/* --- panels of weights ----------------------------------------------------*/

/* half_to_f32() without a branch, so that the compiler makes vectors of it: the
 * factor moves the exponent from one bias to the other and makes subnormals
 * normal; only infinity and NaN are not moved by a factor. */
static inline float widen(uint16_t h)
{
    uint32_t mag = (uint32_t)(h & 0x7fff) << 13, sign = (h & 0x8000u) << 16;
    float f = half_bits(mag) * 0x1p112f;
    uint32_t bits, special = (uint32_t)-((h & 0x7c00) == 0x7c00);

    memcpy(&bits, &f, sizeof bits);
    bits = (bits & ~special) | ((mag | 0x7f800000) & special) | sign;
    return half_bits(bits);
}

/* A strip [n_in][16] of w as floats, into 16 columns of a panel. */
static void unpack(enum kern_wtype type, const uint8_t *strip, size_t n_in,
                   float *restrict panel)
{
    for (size_t k = 0; k < n_in; k++, panel += BLAS_COLUMNS) {
        uint16_t half[KERN_LANES];

        if (type == KERN_F32) {
            memcpy(panel, strip + k * KERN_LANES * 4, KERN_LANES * 4);
            continue;
        }
        memcpy(half, strip + k * KERN_LANES * 2, sizeof half);
        if (type == KERN_BF16)
            for (int i = 0; i < KERN_LANES; i++)
                panel[i] = bfloat_to_f32(half[i]);
        else
            for (int i = 0; i < KERN_LANES; i++)
                panel[i] = widen(half[i]);
    }
}

/* Panel `no` of w; columns past its last strip are zero. */
static void fill_panel(const struct kern_mat *w, int no, float *panel)
{
    size_t n_in = (size_t)w->n_in;

    for (int s = 0; s < STRIPS; s++) {
        int strip = no * STRIPS + s;

        if (strip < w->n_strip)
            unpack(w->type, w->data + (size_t)strip * w->strip_bytes, n_in,
                   panel + s * KERN_LANES);
        else
            for (size_t k = 0; k < n_in; k++)
                memset(panel + k * BLAS_COLUMNS + s * KERN_LANES, 0,
                       KERN_LANES * sizeof *panel);
    }
}

/* --- products -------------------------------------------------------------*/

struct job {
    struct blas *b;
    struct forward *f;
    const struct product *p;
};

/* The rows from `row` on that lie in one tile of one timeline. */
static int tile_rows(const struct forward *f, int row)
{
    const struct forward_row *r = f->row;
    int n = 1;

    while (row + n < f->n && r[row + n].block == r[row].block &&
           r[row + n].pos == r[row].pos + n &&
           r[row + n].pos % BLAS_ROWS != 0)
        n++;
    return n;
}

/* One tile times the panel, into the thread's out. */
static void multiply_tile(const struct kern_acts *x, const struct scratch *s,
                          int row, int n, int at)
{
    size_t n_in = (size_t)x->n_in;
    const float *a = x->f + (size_t)row * n_in;

    if (n < BLAS_ROWS) {
        memset(s->rows, 0, BLAS_ROWS * n_in * sizeof *s->rows);
        memcpy(s->rows + (size_t)at * n_in, a, (size_t)n * n_in * sizeof *a);
        a = s->rows;
    }
    gemm(x->n_in, a, s->panel, s->out);
}

static void scatter(const struct kern_out *out, const float *from, int row,
                    int n, const int col[2])
{
    for (int i = 0; i < n; i++, from += BLAS_COLUMNS) {
        float *to = out->row[row + i] + col[0];

        if (out->add)
            for (int c = 0; c < col[1] - col[0]; c++)
                to[c] += from[c];
        else
            memcpy(to, from, (size_t)(col[1] - col[0]) * sizeof *to);
    }
}

static int n_panel(const struct kern_mat *w)
{
    return (w->n_out + BLAS_COLUMNS - 1) / BLAS_COLUMNS;
}

static void panel_task(void *ctx, int task, int thread)
{
    struct job *j = ctx;
    const struct scratch *s = &j->b->thread[thread];
    const struct product *p = j->p;
    int m = 0, col[2];

    while (task >= n_panel(p->w[m]))
        task -= n_panel(p->w[m++]);
    col[0] = task * BLAS_COLUMNS;
    col[1] = col[0] + BLAS_COLUMNS < p->w[m]->n_out ? col[0] + BLAS_COLUMNS
                                                    : p->w[m]->n_out;
    fill_panel(p->w[m], task, s->panel);
    for (int row = 0, n; row < p->x->n_row; row += n) {
        int at = j->f->row[row].pos % BLAS_ROWS;

        n = tile_rows(j->f, row);
        multiply_tile(p->x, s, row, n, at);
        scatter(&p->out[m], s->out + (size_t)at * BLAS_COLUMNS, row, n, col);
    }
}

static void gate_task(void *ctx, int row, int thread)
{
    struct job *j = ctx;
    const struct product *p = j->p;

    (void)thread;
    j->f->p.kern->swiglu(p->out[0].row[row], p->out[1].row[row],
                         p->w[0]->n_out);
}

void blas_run(struct blas *b, struct forward *f, const struct product *p)
{
    struct job j = { b, f, p };
    int n = 0;

    for (int m = 0; m < p->n; m++)
        n += n_panel(p->w[m]);
    pool_run(f->p.pool, n, panel_task, &j);
    if (p->gate)
        pool_run(f->p.pool, p->x->n_row, gate_task, &j);
}

/* --- opening and closing --------------------------------------------------*/

enum sor_err blas_open(int n_thread, size_t n_in, struct blas **out,
                       struct sor_msg *msg)
{
    enum sor_err err = open_library(msg);
    struct blas *b;

    if (err)
        return err;
    b = mem_calloc(1, sizeof *b);
    if (!b)
        return sor_fail(msg, SOR_NOMEM, "OpenBLAS: out of memory");
    b->n_thread = n_thread;
    for (int i = 0; i < n_thread; i++) {
        struct scratch *s = &b->thread[i];

        s->panel = mem_aligned(64, n_in * BLAS_COLUMNS * sizeof *s->panel);
        s->rows = mem_aligned(64, BLAS_ROWS * n_in * sizeof *s->rows);
        s->out = mem_aligned(64, BLAS_ROWS * BLAS_COLUMNS * sizeof *s->out);
        if (!s->panel || !s->rows || !s->out) {
            blas_close(b);
            return sor_fail(msg, SOR_NOMEM, "OpenBLAS: no memory for panels "
                            "of %zu rows", n_in);
        }
    }
    *out = b;
    return SOR_OK;
}

void blas_close(struct blas *b)
{
    for (int i = 0; b && i < b->n_thread; i++) {
        mem_free(b->thread[i].panel);
        mem_free(b->thread[i].rows);
        mem_free(b->thread[i].out);
    }
    mem_free(b);
}
