/* engine/forward.c - the network: a llama-family decoder, pass by pass.
 *
 *   x = embedding of each row's token
 *   for every layer
 *       x += Wo attention(rope(Wq n), rope(Wk n), Wv n)      n = rmsnorm(x)
 *       x += Wdown (silu(Wgate n) * Wup n)                   n = rmsnorm(x)
 *   logits = Whead rmsnorm(x)          for the rows that want them
 *
 * Each line is one or two parallel loops: over rows here, over queries in
 * attention.c, over the strips of matrices in product.c. */
#include "engine/forward.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/blas.h"
#include "engine/forward_impl.h"
#include "engine/sampler.h"

enum { ROWS_PER_TASK = 4 };

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
    if (f->any_quant)
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

/* --- the network ----------------------------------------------------------*/

static void multiply(struct forward *f, const struct product *p)
{
    if (f->with_blas)
        blas_run(f->blas, f, p);
    else
        product_run(f, p);
}

static void attention_block(struct forward *f, const struct kern_mat *w)
{
    struct product qkv = {
        .n = 3, .x = &f->in, .mat = { WEIGHTS_Q, WEIGHTS_K, WEIGHTS_V },
        .w = { &w[WEIGHTS_Q], &w[WEIGHTS_K], &w[WEIGHTS_V] },
        .out = { { f->row_q, 0 }, { f->row_k, 0 }, { f->row_v, 0 } },
    };
    struct product out = {
        .n = 1, .x = &f->mid, .mat = { WEIGHTS_OUT },
        .w = { &w[WEIGHTS_OUT] }, .out = { { f->row_x, 1 } },
    };

    intervene_begin(f);
    rows_run(f, f->n, attn_norm_task);
    if (f->observer.mask) {
        observe_layer(f, f->layer - 1);     /* its output is known by now */
        f->facts.layer_ns = clock_mono_ns();
    }
    multiply(f, &qkv);
    attention_run(f);
    intervene_heads(f);
    observe_vec(f, HOOK_ATTENDED, f->mid.f, (size_t)f->mid.n_in);
    rows_run(f, f->n, quantise_mid_task);
    multiply(f, &out);
}

static void ffn_block(struct forward *f, const struct kern_mat *w)
{
    struct product gate_up = {
        .n = 2, .gate = 1, .x = &f->in, .mat = { WEIGHTS_GATE, WEIGHTS_UP },
        .w = { &w[WEIGHTS_GATE], &w[WEIGHTS_UP] },
        .out = { { f->row_gate, 0 }, { f->row_up, 0 } },
    };
    struct product down = {
        .n = 1, .x = &f->ff, .mat = { WEIGHTS_DOWN },
        .w = { &w[WEIGHTS_DOWN] }, .out = { { f->row_x, 1 } },
    };

    rows_run(f, f->n, ffn_norm_task);
    multiply(f, &gate_up);
    observe_vec(f, HOOK_NEURONS, f->ff.f, (size_t)f->ff.n_in);
    rows_run(f, f->n, quantise_ff_task);
    multiply(f, &down);
    intervene_end(f);
}

void forward_head(struct forward *f)
{
    float *row[FORWARD_LOGITS];
    struct product head = {
        .n = 1, .x = &f->in, .mat = { -1 },
        .w = { &f->p.w->head }, .out = { { row, 0 } },
    };

    if (f->n_logits == 0)
        return;
    for (int i = 0; i < f->n_logits; i++)
        row[i] = f->row[f->logit_row[i]].logits;
    f->in.n_row = f->n_logits;
    f->in.narrow = 0;
    rows_run(f, f->n_logits, output_norm_task);
    product_run(f, &head);
}

/* The guard: a routed row whose distribution is flat, or whose two likeliest
 * tokens are close, is not to be used as it is. */
static void guard_task(void *ctx, int i, int thread)
{
    struct forward *f = ctx;
    const struct forward_row *row = &f->row[f->logit_row[i]];
    uint32_t n_vocab = f->p.hp->n_vocab;
    struct sampler_alt top[2];
    struct sampler_stats st;

    (void)thread;
    if (!row->is_guarded)
        return;
    sampler_stats(row->logits, n_vocab, &st);
    f->unsure[f->logit_row[i]] =
        (row->route->unsure_entropy > 0.0f &&
         st.entropy > (double)row->route->unsure_entropy) ||
        (sampler_top(row->logits, n_vocab, st.lse, 2, top) == 2 &&
         top[0].logprob - top[1].logprob < row->route->unsure_margin);
}

static void guard(struct forward *f)
{
    memset(f->unsure, 0, (size_t)f->n * sizeof *f->unsure);
    for (int i = 0; i < f->n_logits; i++)
        if (f->row[f->logit_row[i]].is_guarded) {
            pool_run(f->p.pool, f->n_logits, guard_task, f);
            return;
        }
}

int forward_unsure(const struct forward *f, int row)
{
    return f->unsure[row];
}

static const struct lora_set no_lora;

static void begin(struct forward *f, const struct forward_row *row, int n)
{
    f->row = row;
    f->lora = row[0].lora ? row[0].lora : &no_lora;
    f->iv = row[0].iv;
    f->n_iv = row[0].n_iv;
    f->with_blas = row[0].blas;
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

/* The first tenth of the layers keeps two bytes: the few huge activations that
 * later layers lean on form there, and what they are off by stays.  Source:
 * Sun et al. 2024, "Massive Activations in Large Language Models". */
static int layer_narrow(const struct forward *f)
{
    return f->p.narrow && 10 * f->layer >= (int)f->p.hp->n_layer;
}

/* Up to n_layer layers, or until the pass's only row leaves early. */
static void run_layers(struct forward *f, int n_layer)
{
    int left = 0;

    f->exit.has_head = f->exit.depth = 0;
    for (f->layer = 0; f->layer < n_layer && !left; f->layer++) {
        f->in.narrow = f->mid.narrow = f->ff.narrow = layer_narrow(f);
        attention_block(f, f->p.w->layer[f->layer].mat);
        ffn_block(f, f->p.w->layer[f->layer].mat);
        left = exit_now(f);
    }
    f->exit.depth = f->layer;
}

/* The row left: later layers get K and V of its residual as it is. */
static void leave_out(struct forward *f)
{
    for (; f->layer < (int)f->p.hp->n_layer; f->layer++) {
        const struct kern_mat *w = f->p.w->layer[f->layer].mat;
        struct product kv = {
            .n = 2, .x = &f->in, .mat = { WEIGHTS_K, WEIGHTS_V },
            .w = { &w[WEIGHTS_K], &w[WEIGHTS_V] },
            .out = { { f->row_k, 0 }, { f->row_v, 0 } },
        };

        f->in.narrow = layer_narrow(f);
        rows_run(f, f->n, attn_norm_task);
        multiply(f, &kv);
        attention_store(f);
    }
    if (f->observer.mask)
        observe_left_out(f);
}

/* A guess: what the first layers would say.  No row of it is told. */
static void run_shallow(struct forward *f, const struct forward_row *row,
                        int n)
{
    struct hook_observer told = f->observer;

    f->observer = (struct hook_observer){ 0 };
    begin(f, row, n);
    rows_run(f, n, embed_task);
    run_layers(f, row[0].n_layer);
    forward_head(f);
    f->observer = told;
}

void forward_run(struct forward *f, const struct forward_row *row, int n)
{
    int n_layer = (int)f->p.hp->n_layer;

    if (row[0].n_layer > 0) {
        run_shallow(f, row, n);
        return;
    }
    begin(f, row, n);
    rows_run(f, n, embed_task);
    run_layers(f, n_layer);
    if (f->observer.mask) {
        rows_run(f, n, last_stats_task);
        observe_layer(f, f->layer - 1);
    }
    if (f->layer < n_layer)
        leave_out(f);
    if (!f->exit.has_head)
        forward_head(f);
    guard(f);
    if (f->observer.mask)
        observe_rows(f);
}

void forward_unembed(struct forward *f, const float *resid, int n,
                     float *logits)
{
    const struct model_hparams *hp = f->p.hp;
    struct forward_row row[FORWARD_LOGITS] = { 0 };

    f->row = row;
    f->lora = &no_lora;
    f->n_logits = n;
    memcpy(f->x, resid, (size_t)n * hp->n_embd * sizeof *f->x);
    for (int i = 0; i < n; i++) {
        f->logit_row[i] = (int16_t)i;
        row[i].logits = logits + (size_t)i * hp->n_vocab;
    }
    forward_head(f);
}

void forward_project(struct forward *f, int layer, const float *mid,
                     float *out)
{
    struct product p = {
        .n = 1, .x = &f->mid, .mat = { -1 },
        .w = { &f->p.w->layer[layer].mat[WEIGHTS_OUT] },
        .out = { { &out, 0 } },
    };

    f->mid.n_row = 1;
    f->mid.narrow = 0;
    f->lora = &no_lora;
    memcpy(f->mid.f, mid, (size_t)f->mid.n_in * sizeof *mid);
    quantise(f, &f->mid, 0);
    product_run(f, &p);
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

int kern_acts_init(struct kern_acts *a, size_t rows, size_t n_in)
{
    size_t n = rows * ((n_in + KERN_QBLOCK - 1) / KERN_QBLOCK);

    a->n_in = (int)n_in;
    a->f = mem_aligned(64, rows * n_in * sizeof *a->f);
    a->q = mem_aligned(64, n * 2 * KERN_QBLOCK);
    a->scale = mem_aligned(64, n * sizeof *a->scale);
    a->wide = mem_aligned(64, n);
    return a->f && a->q && a->scale && a->wide;
}

void kern_acts_release(struct kern_acts *a)
{
    mem_free(a->f);
    mem_free(a->q);
    mem_free(a->scale);
    mem_free(a->wide);
    *a = (struct kern_acts){ 0 };
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
    int ok = kern_acts_init(&f->in, FORWARD_ROWS, n_embd) &
             kern_acts_init(&f->mid, FORWARD_ROWS, n_q) &
             kern_acts_init(&f->ff, FORWARD_ROWS, n_ff);

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
    f->any_quant = parts->w->any_quant;
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

enum sor_err forward_blas(struct forward *f, struct sor_msg *msg)
{
    const struct model_hparams *hp = f->p.hp;
    size_t n_in = hp->n_head * (size_t)hp->head_dim;

    if (f->blas)
        return SOR_OK;
    for (uint32_t l = 0; l < hp->n_layer; l++)
        for (int m = 0; m < WEIGHTS_MATS; m++)
            if (kern_quantised(f->p.w->layer[l].mat[m].type))
                return sor_fail(msg, SOR_UNSUP, "--blas multiplies matrices "
                                "of F32, F16 or BF16; this model's are "
                                "quantised (layer %u): our kernels read them "
                                "as they are, and faster", l);
    n_in = hp->n_embd > n_in ? hp->n_embd : n_in;
    n_in = hp->n_ff > n_in ? hp->n_ff : n_in;
    return blas_open(pool_threads(f->p.pool), n_in, &f->blas, msg);
}

void forward_close(struct forward *f)
{
    if (!f)
        return;
    blas_close(f->blas);
    observe_release(f);
    attention_release(f);
    product_release(f);
    kern_acts_release(&f->in);
    kern_acts_release(&f->mid);
    kern_acts_release(&f->ff);
    float *buffers[] = { f->x, f->q, f->k, f->v, f->up, f->cos, f->sin,
                         f->before };
    float **tables[] = { f->row_x, f->row_q, f->row_k, f->row_v, f->row_gate,
                         f->row_up };

    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        mem_free(buffers[i]);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        mem_free(tables[i]);
    mem_free(f->inv_freq);
    mem_free(f);
}
