/* engine/forward.c - the network: a llama-family decoder, pass by pass.
 *
 *   x = embedding of each row's token
 *   for every layer
 *       x += Wo attention(rope(Wq n), rope(Wk n), Wv n)      n = rmsnorm(x)
 *       x += Wdown (silu(Wgate n) * Wup n)                   n = rmsnorm(x)
 *   logits = Whead rmsnorm(x)          for the rows that want them
 *
 * Each line is one or two parallel loops.  Loops over matrices give every task
 * some strips of 16 outputs and all rows; loops over rows give it some rows. */
#include "engine/forward.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/forward_impl.h"

enum { ROWS_PER_TASK = 4, TASKS_PER_THREAD = 6 };

/* --- loops over rows ------------------------------------------------------*/

static void rows_run(struct forward *f, int n, void (*fn)(void *, int, int))
{
    int tasks = (n + ROWS_PER_TASK - 1) / ROWS_PER_TASK;

    pool_run(f->p.pool, tasks, fn, f);
}

static int rows_end(int task, int n)
{
    int end = (task + 1) * ROWS_PER_TASK;

    return end < n ? end : n;
}

/* Angles do not depend on the layer, so they are computed once a pass. */
static void embed_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;
    const struct model_hparams *hp = f->p.hp;
    size_t half = hp->rope_dim / 2;

    (void)thread;
    for (int r = task * ROWS_PER_TASK; r < rows_end(task, f->n); r++) {
        weights_row(f->p.w->embd, (uint64_t)f->row[r].id, f->row_x[r]);
        for (size_t i = 0; i < half; i++) {
            double angle = f->row[r].pos * f->inv_freq[i];

            f->cos[(size_t)r * half + i] = (float)cos(angle);
            f->sin[(size_t)r * half + i] = (float)sin(angle);
        }
    }
}

static void quantise(struct forward *f, const struct kern_acts *a, int row)
{
    if (f->p.w->any_quant)
        f->p.kern->quantise(a, row);
}

/* n = rmsnorm(x), of all rows, before attention. */
static void attn_norm_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;
    const struct model_hparams *hp = f->p.hp;
    const float *w = f->p.w->layer[f->layer].attn_norm;

    (void)thread;
    for (int r = task * ROWS_PER_TASK; r < rows_end(task, f->n); r++) {
        if (f->observer.mask)
            f->p.kern->stats(f->row_x[r], (int)hp->n_embd, &f->facts.in[r]);
        f->p.kern->rmsnorm(f->row_x[r], w, (int)hp->n_embd, hp->rms_eps,
                           f->in.f + (size_t)r * hp->n_embd);
        quantise(f, &f->in, r);
    }
}

static void ffn_norm_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;
    const struct model_hparams *hp = f->p.hp;
    const float *w = f->p.w->layer[f->layer].ffn_norm;

    (void)thread;
    for (int r = task * ROWS_PER_TASK; r < rows_end(task, f->n); r++) {
        f->p.kern->rmsnorm(f->row_x[r], w, (int)hp->n_embd, hp->rms_eps,
                           f->in.f + (size_t)r * hp->n_embd);
        quantise(f, &f->in, r);
    }
}

static void quantise_mid_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;

    (void)thread;
    for (int r = task * ROWS_PER_TASK; r < rows_end(task, f->n); r++)
        quantise(f, &f->mid, r);
}

static void quantise_ff_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;

    (void)thread;
    for (int r = task * ROWS_PER_TASK; r < rows_end(task, f->n); r++)
        quantise(f, &f->ff, r);
}

/* The rows that want logits move to the front of `in`. */
static void output_norm_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;
    const struct model_hparams *hp = f->p.hp;

    (void)thread;
    for (int i = task * ROWS_PER_TASK; i < rows_end(task, f->n_logits); i++) {
        f->p.kern->rmsnorm(f->row_x[f->logit_row[i]], f->p.w->output_norm,
                           (int)hp->n_embd, hp->rms_eps,
                           f->in.f + (size_t)i * hp->n_embd);
        quantise(f, &f->in, i);
    }
}

static void last_stats_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;

    (void)thread;
    for (int r = task * ROWS_PER_TASK; r < rows_end(task, f->n); r++)
        f->p.kern->stats(f->row_x[r], (int)f->p.hp->n_embd, &f->facts.in[r]);
}

/* --- loops over matrices ----------------------------------------------------
 * One job multiplies up to three matrices with the same rows; `pair` makes of
 * the first two one result, silu(first) * second. */

struct product {
    struct forward *f;
    const struct kern_acts *x;
    const struct kern_mat *mat[3];
    struct kern_out out[3];
    int n_mat, pair;
    int grain, tasks[3];        /* strips in a task; tasks of each matrix */
};

static void multiply(struct product *j, int m, int from, int to)
{
    const struct kern_mat *w = j->mat[m];

    j->f->p.kern->mul[w->type](w, j->x, from, to, &j->out[m]);
}

static void product_task(void *ctx, int task, int thread)
{
    struct product *j = ctx;
    int m = 0, from, to;

    (void)thread;
    while (task >= j->tasks[m])
        task -= j->tasks[m++];
    from = task * j->grain;
    to = from + j->grain < j->mat[m]->n_strip ? from + j->grain
                                              : j->mat[m]->n_strip;
    multiply(j, m, from, to);
    if (j->pair) {
        int a = from * KERN_LANES, b = to * KERN_LANES;

        if (b > j->mat[0]->n_out)
            b = j->mat[0]->n_out;
        multiply(j, 1, from, to);
        for (int r = 0; r < j->x->n_row; r++)
            j->f->p.kern->swiglu(j->out[0].row[r] + a, j->out[1].row[r] + a,
                                 b - a);
    }
}

static void product_run(struct product *j)
{
    int strips = 0, n_task = 0, n_mat = j->pair ? 1 : j->n_mat;

    for (int m = 0; m < n_mat; m++)
        strips += j->mat[m]->n_strip;
    j->grain = strips / (pool_threads(j->f->p.pool) * TASKS_PER_THREAD);
    if (j->grain < 1)
        j->grain = 1;
    for (int m = 0; m < n_mat; m++) {
        j->tasks[m] = (j->mat[m]->n_strip + j->grain - 1) / j->grain;
        n_task += j->tasks[m];
    }
    pool_run(j->f->p.pool, n_task, product_task, j);
}

/* --- the network ----------------------------------------------------------*/

static void attention_block(struct forward *f, const struct weights_layer *w)
{
    struct product qkv = {
        .f = f, .x = &f->in, .n_mat = 3,
        .mat = { &w->q, &w->k, &w->v },
        .out = { { f->row_q, 0 }, { f->row_k, 0 }, { f->row_v, 0 } },
    };
    struct product out = {
        .f = f, .x = &f->mid, .n_mat = 1,
        .mat = { &w->out }, .out = { { f->row_x, 1 } },
    };

    rows_run(f, f->n, attn_norm_task);
    if (f->observer.mask) {
        observe_layer(f, f->layer - 1);     /* its output is known by now */
        f->facts.layer_ns = clock_mono_ns();
    }
    product_run(&qkv);
    attention_run(f);
    rows_run(f, f->n, quantise_mid_task);
    product_run(&out);
}

static void ffn_block(struct forward *f, const struct weights_layer *w)
{
    struct product gate_up = {
        .f = f, .x = &f->in, .n_mat = 2, .pair = 1,
        .mat = { &w->gate, &w->up },
        .out = { { f->row_gate, 0 }, { f->row_up, 0 } },
    };
    struct product down = {
        .f = f, .x = &f->ff, .n_mat = 1,
        .mat = { &w->down }, .out = { { f->row_x, 1 } },
    };

    rows_run(f, f->n, ffn_norm_task);
    product_run(&gate_up);
    rows_run(f, f->n, quantise_ff_task);
    product_run(&down);
}

static void output_head(struct forward *f)
{
    float *row[FORWARD_LOGITS];
    struct product head = {
        .f = f, .x = &f->in, .n_mat = 1,
        .mat = { &f->p.w->head }, .out = { { row, 0 } },
    };

    if (f->n_logits == 0)
        return;
    for (int i = 0; i < f->n_logits; i++)
        row[i] = f->row[f->logit_row[i]].logits;
    f->in.n_row = f->n_logits;
    rows_run(f, f->n_logits, output_norm_task);
    product_run(&head);
}

static void begin(struct forward *f, const struct forward_row *row, int n)
{
    f->row = row;
    f->n = f->in.n_row = f->mid.n_row = f->ff.n_row = n;
    f->n_logits = 0;
    for (int r = 0; r < n; r++) {
        f->logit_no[r] = -1;
        if (row[r].logits) {
            f->logit_no[r] = (int16_t)f->n_logits;
            f->logit_row[f->n_logits++] = (int16_t)r;
        }
    }
    attention_plan(f);
    if (f->observer.mask)
        observe_pass(f);
}

void forward_run(struct forward *f, const struct forward_row *row, int n)
{
    int n_layer = (int)f->p.hp->n_layer;

    begin(f, row, n);
    rows_run(f, n, embed_task);
    for (f->layer = 0; f->layer < n_layer; f->layer++) {
        attention_block(f, &f->p.w->layer[f->layer]);
        ffn_block(f, &f->p.w->layer[f->layer]);
    }
    if (f->observer.mask) {
        rows_run(f, n, last_stats_task);
        observe_layer(f, n_layer - 1);
    }
    output_head(f);
    if (f->observer.mask)
        observe_rows(f);
}

int forward_max_rows(const struct forward *f)
{
    return forward_wants(f, HOOK_HEAD) ? f->facts.score_rows : FORWARD_ROWS;
}

int forward_max_logits(const struct forward *f)
{
    return forward_wants(f, HOOK_ATTN) ? f->facts.mass_rows : FORWARD_LOGITS;
}

/* --- memory ---------------------------------------------------------------*/

static int acts_init(struct kern_acts *a, size_t n_in)
{
    size_t rows = FORWARD_ROWS, blocks = (n_in + KERN_QBLOCK - 1) / KERN_QBLOCK;

    a->n_in = (int)n_in;
    a->f = mem_aligned(64, rows * n_in * sizeof *a->f);
    a->q = mem_aligned(64, rows * blocks * 2 * KERN_QBLOCK);
    a->d = mem_aligned(64, rows * blocks * sizeof *a->d);
    a->s = mem_aligned(64, rows * blocks * sizeof *a->s);
    a->sum = mem_aligned(64, rows * blocks * sizeof *a->sum);
    a->half = mem_aligned(64, rows * blocks * sizeof *a->half);
    return a->f && a->q && a->d && a->s && a->sum && a->half;
}

static void acts_release(struct kern_acts *a)
{
    mem_free(a->f);
    mem_free(a->q);
    mem_free(a->d);
    mem_free(a->s);
    mem_free(a->sum);
    mem_free(a->half);
}

static float *rows_alloc(size_t width)
{
    return mem_aligned(64, FORWARD_ROWS * width * sizeof(float));
}

static float **row_table(float *base, size_t width)
{
    float **row = mem_alloc(FORWARD_ROWS * sizeof *row);

    for (size_t r = 0; row && r < FORWARD_ROWS; r++)
        row[r] = base ? base + r * width : NULL;
    return row;
}

/* Radians per position for each pair of dimensions.
 * Source: Su et al. 2021, "RoFormer", section 3.2.2; the division by
 * rope_freqs is how Llama 3.1's frequency scaling is stored in GGUF. */
static double *frequencies(const struct forward_parts *p)
{
    const struct model_hparams *hp = p->hp;
    double *inv = mem_alloc(hp->rope_dim / 2 * sizeof *inv + 1);

    for (uint32_t i = 0; inv && i < hp->rope_dim / 2; i++) {
        inv[i] = pow((double)hp->rope_base, -2.0 * i / hp->rope_dim);
        inv[i] /= (double)hp->rope_scale;
        if (p->w->rope_freqs)
            inv[i] /= (double)p->w->rope_freqs[i];
    }
    return inv;
}

static int buffers_init(struct forward *f)
{
    const struct model_hparams *hp = f->p.hp;
    size_t n_embd = hp->n_embd, n_ff = hp->n_ff, hd = hp->head_dim;
    size_t n_q = hp->n_head * hd, n_kv = hp->n_head_kv * hd;
    int ok = acts_init(&f->in, n_embd) & acts_init(&f->mid, n_q) &
             acts_init(&f->ff, n_ff);

    f->x = rows_alloc(n_embd);
    f->q = rows_alloc(n_q);
    f->k = rows_alloc(n_kv);
    f->v = rows_alloc(n_kv);
    f->up = rows_alloc(n_ff);
    f->cos = rows_alloc(hp->rope_dim / 2);
    f->sin = rows_alloc(hp->rope_dim / 2);
    f->inv_freq = frequencies(&f->p);
    f->row_x = row_table(f->x, n_embd);
    f->row_q = row_table(f->q, n_q);
    f->row_k = row_table(f->k, n_kv);
    f->row_v = row_table(f->v, n_kv);
    f->row_gate = row_table(f->ff.f, n_ff);
    f->row_up = row_table(f->up, n_ff);
    return ok && f->x && f->q && f->k && f->v && f->up && f->cos && f->sin &&
           f->inv_freq && f->row_x && f->row_q && f->row_k && f->row_v &&
           f->row_gate && f->row_up;
}

enum sor_err forward_open(const struct forward_parts *parts,
                          struct forward **out, struct sor_msg *msg)
{
    struct forward *f = mem_calloc(1, sizeof *f);
    enum sor_err err;

    if (!f)
        return sor_fail(msg, SOR_NOMEM, "forward pass: out of memory");
    f->p = *parts;
    if (!buffers_init(f))
        err = sor_fail(msg, SOR_NOMEM, "no memory for the rows of a pass "
                       "(n_embd %u, n_ff %u)", parts->hp->n_embd,
                       parts->hp->n_ff);
    else
        err = attention_init(f, msg);
    if (err) {
        forward_close(f);
        return err;
    }
    *out = f;
    return SOR_OK;
}

void forward_close(struct forward *f)
{
    if (!f)
        return;
    observe_release(f);
    attention_release(f);
    acts_release(&f->in);
    acts_release(&f->mid);
    acts_release(&f->ff);
    float *buffers[] = { f->x, f->q, f->k, f->v, f->up, f->cos, f->sin };
    float **tables[] = { f->row_x, f->row_q, f->row_k, f->row_v, f->row_gate,
                         f->row_up };

    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        mem_free(buffers[i]);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        mem_free(tables[i]);
    mem_free(f->inv_freq);
    mem_free(f);
}
