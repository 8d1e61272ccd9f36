/* engine/product.c - matrices times the rows of a pass, adapters included.
 *
 *   y  (+)=  W x  +  sum over adapters of  scale B (A x)
 *
 * One parallel loop multiplies W and every A, which read the same rows; where
 * there are adapters a loop over rows scales and quantises A x, and a second
 * loop over matrices adds B's part.  A task holds some strips of 16 outputs of
 * one matrix and all rows; a strip's adapters are added in their own order by
 * one task, so that the sum has one order. */
#include "base/mem.h"
#include "engine/forward_impl.h"

enum {
    TASKS_PER_THREAD = 6,
    MAX_TERMS = PRODUCT_MATS * (1 + LORA_MAX)
};

/* One matrix of the first loop. */
struct term {
    const struct kern_mat *w;
    struct kern_out out;
};

struct job {
    struct forward *f;
    const struct product *p;
    struct term term[MAX_TERMS];
    int n_term, grain;
    int tasks[MAX_TERMS];       /* of each term */
};

static void multiply(struct forward *f, const struct kern_mat *w,
                     const struct kern_acts *x, const struct kern_out *out,
                     const int range[2])
{
    f->p.kern->mul[w->type](w, x, range[0], range[1], out);
}

/* Which term a task belongs to, and its strips. */
static int locate(const struct job *j, int task, int range[2])
{
    int t = 0, n_strip;

    while (task >= j->tasks[t])
        task -= j->tasks[t++];
    n_strip = j->term[t].w->n_strip;
    range[0] = task * j->grain;
    range[1] = range[0] + j->grain < n_strip ? range[0] + j->grain : n_strip;
    return t;
}

/* silu(first) * second over the outputs of some strips. */
static void gate(struct forward *f, const struct product *p,
                 const int range[2])
{
    int a = range[0] * KERN_LANES, b = range[1] * KERN_LANES;

    if (b > p->w[0]->n_out)
        b = p->w[0]->n_out;
    for (int r = 0; r < p->x->n_row; r++)
        f->p.kern->swiglu(p->out[0].row[r] + a, p->out[1].row[r] + a, b - a);
}

static void base_task(void *ctx, int task, int thread)
{
    struct job *j = ctx;
    int range[2], t = locate(j, task, range);

    (void)thread;
    multiply(j->f, j->term[t].w, j->p->x, &j->term[t].out, range);
    if (j->p->gate && j->f->lora->n == 0) {
        multiply(j->f, j->p->w[1], j->p->x, &j->p->out[1], range);
        gate(j->f, j->p, range);
    }
}

static const struct lora_pair *pair_of(const struct forward *f,
                                       const struct product *p, int m, int i)
{
    const struct lora *l = f->lora->set[i];
    const struct lora_pair *pair = &l->layer[f->layer].mat[p->mat[m]];

    return pair->a.data ? pair : NULL;
}

static void add_b(struct forward *f, const struct product *p, int m,
                  const int range[2])
{
    struct kern_out out = { p->out[m].row, 1 };

    for (int i = 0; i < f->lora->n; i++) {
        const struct lora_pair *pair = pair_of(f, p, m, i);

        if (pair)
            multiply(f, &pair->b, &f->lora_h[m][i].acts, &out, range);
    }
}

static void adapter_task(void *ctx, int task, int thread)
{
    struct job *j = ctx;
    int range[2], m = locate(j, task, range);

    (void)thread;
    add_b(j->f, j->p, m, range);
    if (j->p->gate) {
        add_b(j->f, j->p, 1, range);
        gate(j->f, j->p, range);
    }
}

/* h = scale A x, ready to be multiplied. */
static void adapter_rows(void *ctx, int r, int thread)
{
    struct job *j = ctx;
    struct forward *f = j->f;

    (void)thread;
    for (int m = 0; m < j->p->n; m++)
        for (int i = 0; i < f->lora->n; i++) {
            const struct lora_pair *pair = pair_of(f, j->p, m, i);
            struct adapter_rows *h = &f->lora_h[m][i];

            if (!pair)
                continue;
            for (int k = 0; k < pair->a.n_out; k++)
                h->row[r][k] *= pair->scale;
            if (kern_quantised(pair->b.type))
                f->p.kern->quantise(&h->acts, r);
        }
}

static void run(struct job *j, void (*task)(void *, int, int))
{
    int strips = 0, n = 0;

    for (int t = 0; t < j->n_term; t++)
        strips += j->term[t].w->n_strip;
    j->grain = strips / (pool_threads(j->f->p.pool) * TASKS_PER_THREAD);
    if (j->grain < 1)
        j->grain = 1;
    for (int t = 0; t < j->n_term; t++) {
        j->tasks[t] = (j->term[t].w->n_strip + j->grain - 1) / j->grain;
        n += j->tasks[t];
    }
    pool_run(j->f->p.pool, n, task, j);
}

/* A's of one matrix join the first loop. */
static void list_adapters(struct job *j, int m)
{
    struct forward *f = j->f;

    for (int i = 0; i < f->lora->n; i++) {
        const struct lora_pair *pair = pair_of(f, j->p, m, i);
        struct adapter_rows *h = &f->lora_h[m][i];

        if (!pair)
            continue;
        h->acts.n_row = j->p->x->n_row;
        h->acts.n_in = pair->a.n_out;
        for (int r = 0; r < h->acts.n_row; r++)
            h->row[r] = h->acts.f + (size_t)r * (size_t)pair->a.n_out;
        j->term[j->n_term++] = (struct term){ &pair->a, { h->row, 0 } };
    }
}

void product_run(struct forward *f, const struct product *p)
{
    struct job j = { .f = f, .p = p };
    int adapted = f->lora->n > 0 && p->mat[0] >= 0;
    int n = p->gate && !adapted ? 1 : p->n;

    for (int m = 0; m < n; m++)
        j.term[j.n_term++] = (struct term){ p->w[m], p->out[m] };
    for (int m = 0; adapted && m < p->n; m++)
        list_adapters(&j, m);
    run(&j, base_task);
    if (!adapted)
        return;
    pool_run(f->p.pool, p->x->n_row, adapter_rows, &j);
    j.n_term = p->gate ? 1 : p->n;
    run(&j, adapter_task);
}

static int rows_init(struct adapter_rows *h, int rank)
{
    if (h->row && h->most >= rank)
        return 1;
    kern_acts_release(&h->acts);
    mem_free(h->row);
    h->most = rank;
    h->row = mem_alloc(FORWARD_ROWS * sizeof *h->row);
    return kern_acts_init(&h->acts, FORWARD_ROWS, (size_t)rank) && h->row;
}

enum sor_err forward_adapt(struct forward *f, const struct lora_set *set,
                           struct sor_msg *msg)
{
    int rank = 1;

    for (int i = 0; i < set->n; i++) {
        rank = set->set[i]->rank > rank ? set->set[i]->rank : rank;
        f->any_quant |= set->set[i]->quantised;
    }
    for (int m = 0; m < PRODUCT_MATS; m++)
        for (int i = 0; i < LORA_MAX; i++)
            if (!rows_init(&f->lora_h[m][i], rank))
                return sor_fail(msg, SOR_NOMEM, "adapter of rank %d: out of "
                                "memory", rank);
    return SOR_OK;
}

void product_release(struct forward *f)
{
    for (int m = 0; m < PRODUCT_MATS; m++)
        for (int i = 0; i < LORA_MAX; i++) {
            kern_acts_release(&f->lora_h[m][i].acts);
            mem_free(f->lora_h[m][i].row);
        }
}
