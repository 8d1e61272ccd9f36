/* engine/observe.c - what a pass tells its observer, and the scratch for it.
 *
 * Nothing here changes a result.  Facts are collected by the stages (some on
 * worker threads, each into its own place) and told from the calling thread
 * once a layer is complete. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "engine/forward_impl.h"

enum { FACT_BYTES = 64 << 20, SCORE_ROWS = 16 };

void forward_emit(struct forward *f, struct hook_event *ev)
{
    if (!forward_wants(f, ev->kind))
        return;
    ev->seq = f->seq++;
    f->observer.on_event(f->observer.ud, ev);
}

static size_t blocks_max(const struct forward *f)
{
    return (size_t)forward_blocks(f->p.n_ctx);
}

/* --- collecting -----------------------------------------------------------*/

void observe_pass(struct forward *f)
{
    f->facts.pass_ns = clock_mono_ns();
    for (int r = 0; r < f->n; r++)
        f->facts.nan_layer[r] = -1;
    if (forward_wants(f, HOOK_ATTN))
        memset(f->facts.mass_sum, 0, (size_t)f->n_logits * blocks_max(f) *
               sizeof *f->facts.mass_sum);
}

/* A block's share is its sum scaled to the final maximum, over l, and here over
 * the number of heads.  The maximum of the moment seldom changes from group to
 * group, so exp() is rare. */
static void share_mass(struct forward *f, int no, int head, int n_block,
                       const struct kern_total *total)
{
    size_t n_head = f->p.hp->n_head;
    size_t at = ((size_t)no * n_head + (size_t)head) * f->facts.mass_width;
    float *mass = f->facts.mass + at;
    const float *top = f->facts.mass_top + at / KERN_GROUP;
    float heads = (float)(n_head * f->p.hp->n_layer);
    float share = total->l > 0.0f ? 1.0f / (heads * total->l) : 0.0f;
    float seen = -INFINITY, scale = 0.0f;

    for (int b = 0; b < n_block; b += KERN_GROUP, top++) {
        if (*top != seen) {
            seen = *top;
            scale = share * expf(seen - total->m);
        }
        for (int j = b; j < b + KERN_GROUP; j++)
            mass[j] *= scale;
    }
}

/* The shares of all heads, which may be finished by different workers. */
static void add_mass(struct forward *f, int no)
{
    int n = forward_blocks(f->row[f->logit_row[no]].pos + 1);
    int n_head = (int)f->p.hp->n_head;
    size_t width = f->facts.mass_width;
    const float *mass = f->facts.mass + (size_t)(no * n_head) * width;
    float *sum = f->facts.mass_sum + (size_t)no * blocks_max(f);

    for (int h = 0; h < n_head; h++, mass += width)
        for (int b = 0; b < n; b++)
            sum[b] += mass[b];
}

/* Runs on a worker. */
void observe_head(struct forward *f, int row, int head, int n_block,
                  const struct kern_total *total)
{
    size_t at = (size_t)row * f->p.hp->n_head + (size_t)head;

    /* nothing at all is seen where an intervention hides every key */
    f->facts.entropy[at] = total->l > 0.0f
                         ? logf(total->l) - total->t / total->l : 0.0f;
    f->facts.score_m[at] = total->m;
    f->facts.score_l[at] = total->l;
    if (forward_wants(f, HOOK_ATTN) && f->logit_no[row] >= 0)
        share_mass(f, f->logit_no[row], head, n_block, total);
}

/* --- telling --------------------------------------------------------------*/

static struct hook_event event(const struct forward *f, int row, int layer,
                               enum hook_kind kind)
{
    return (struct hook_event){
        .t_ns = f->facts.pass_ns, .tag = f->row[row].tag,
        .pos = f->row[row].pos, .row = row, .layer = (int16_t)layer,
        .kind = kind,
    };
}

static void tell_route(struct forward *f, int row, int layer)
{
    struct hook_event ev = event(f, row, layer, HOOK_ROUTE);
    const struct forward_row *r = &f->row[row];
    const struct route *route = r->route;
    int groups = (int)f->p.hp->n_head_kv, n = forward_blocks(r->pos + 1);
    struct hook_route *u = &ev.u.route;

    *u = (struct hook_route){
        .mode = HOOK_FULL, .reason = HOOK_BY_POLICY,
        .dense = groups < 64 ? (UINT64_C(1) << groups) - 1 : UINT64_MAX,
        .blocks_read = (uint32_t)(groups * n),
    };
    if (route) {
        u->mode = r->mode;
        u->reason = r->reason;
        u->low = route->low;
        u->high = route->high;
    }
    if (r->decision) {
        u->score = r->decision->score;
        u->part = r->decision->part;
    }
    if (u->mode != HOOK_FULL) {
        u->dense = route->dense[u->mode][layer];
        u->blocks_read = 0;
        for (int g = 0; g < groups; g++) {
            u->blocks_read += (uint32_t)route_reads(route, u->mode, layer, g,
                                                    n);
            u->compared += (uint32_t)route_compares(route, u->mode, layer, g,
                                                    n);
        }
    }
    forward_emit(f, &ev);
}

/* The heaviest keys of one head, by insertion into a short sorted list. */
static int top_keys(const float *score, int n_key, int32_t *pos, float *best)
{
    int n = 0;

    for (int k = 0; k < n_key; k++) {
        int i;

        if (n == HOOK_TOP_MAX && !(score[k] > best[n - 1]))
            continue;
        if (n < HOOK_TOP_MAX)
            n++;
        for (i = n - 1; i > 0 && score[k] > best[i - 1]; i--) {
            best[i] = best[i - 1];
            pos[i] = pos[i - 1];
        }
        best[i] = score[k];
        pos[i] = k;
    }
    return n;
}

static void tell_heads(struct forward *f, int row, int layer)
{
    size_t n_head = f->p.hp->n_head, n_key = blocks_max(f) * KERN_KVBLOCK;

    for (size_t h = 0; h < n_head; h++) {
        struct hook_event ev = event(f, row, layer, HOOK_HEAD);
        size_t at = (size_t)row * n_head + h;
        int32_t pos[HOOK_TOP_MAX] = { 0 };
        float w[HOOK_TOP_MAX] = { 0 };
        const float *score = f->facts.score + at * n_key;
        int n = top_keys(score, f->row[row].pos + 1, pos, w);

        for (int i = 0; i < n; i++)
            w[i] = expf(w[i] - f->facts.score_m[at]) / f->facts.score_l[at];
        ev.u.head = (struct hook_head){
            .head = (uint16_t)h, .n_top = (uint16_t)n, .pos = pos,
            .weight = w, .entropy = f->facts.entropy[at],
            .n_key = (uint32_t)f->row[row].pos + 1, .score = score,
            .max = f->facts.score_m[at], .sum = f->facts.score_l[at],
        };
        forward_emit(f, &ev);
    }
}

static float mean_entropy(const struct forward *f, int row)
{
    size_t n_head = f->p.hp->n_head;
    float sum = 0.0f;

    for (size_t h = 0; h < n_head; h++)
        sum += f->facts.entropy[(size_t)row * n_head + h];
    return sum / (float)n_head;
}

static void tell_layer(struct forward *f, int row, int layer, uint64_t ns)
{
    struct hook_event ev = event(f, row, layer, HOOK_LAYER);
    float out = sqrtf(f->facts.in[row].sumsq);

    if (!isfinite(out) && f->facts.nan_layer[row] < 0)
        f->facts.nan_layer[row] = (int16_t)layer;
    if (!forward_wants(f, HOOK_LAYER)) {
        f->facts.norm_in[row] = out;
        return;
    }
    ev.u.layer = (struct hook_layer){
        .ns = ns, .norm_in = f->facts.norm_in[row], .norm_out = out,
        .attn_entropy = mean_entropy(f, row),
        .exit_measure = f->exit.sure,
        .exit_here = f->exit.depth == layer + 1 &&
                     layer + 1 < (int)f->p.hp->n_layer,
        .skipped = f->exit.depth > 0 && layer >= f->exit.depth,
        .digest = f->facts.in[row].digest,
    };
    f->facts.norm_in[row] = out;
    forward_emit(f, &ev);
}

void observe_layer(struct forward *f, int layer)
{
    uint64_t ns = (clock_mono_ns() - f->facts.layer_ns) / (uint64_t)f->n;

    observe_vec(f, HOOK_RESIDUAL, f->x, f->p.hp->n_embd);
    if (layer < 0) {
        for (int r = 0; r < f->n; r++)
            f->facts.norm_in[r] = sqrtf(f->facts.in[r].sumsq);
        return;
    }
    for (int i = 0; forward_wants(f, HOOK_ATTN) && i < f->n_logits; i++)
        add_mass(f, i);
    for (int r = 0; r < f->n; r++) {
        if (forward_wants(f, HOOK_ROUTE))
            tell_route(f, r, layer);
        if (forward_wants(f, HOOK_HEAD))
            tell_heads(f, r, layer);
        tell_layer(f, r, layer, ns);
    }
}

void observe_vec(struct forward *f, enum hook_kind kind, const float *v,
                 size_t n)
{
    /* a residual is told when the next layer begins, or the pass ends */
    int layer = kind == HOOK_RESIDUAL ? f->layer - 1 : f->layer;

    for (int r = 0; forward_wants(f, kind) && r < f->n; r++) {
        struct hook_event ev = event(f, r, layer, kind);

        ev.u.vec = (struct hook_vec){ (uint32_t)n, v + (size_t)r * n };
        forward_emit(f, &ev);
    }
}

/* The only row of the pass went through f->exit.depth layers. */
void observe_left_out(struct forward *f)
{
    int n_layer = (int)f->p.hp->n_layer, n_head = (int)f->p.hp->n_head;
    float sure = f->exit.sure;

    f->exit.sure = 0.0f;
    for (int h = 0; h < n_head; h++)
        f->facts.entropy[h] = 0.0f;
    for (int l = f->exit.depth; l < n_layer; l++) {
        struct hook_event ev = event(f, 0, l, HOOK_ROUTE);

        ev.u.route = (struct hook_route){ .mode = HOOK_FULL };
        forward_emit(f, &ev);
        for (int h = 0; h < n_head; h++) {
            ev = event(f, 0, l, HOOK_HEAD);
            ev.u.head = (struct hook_head){ .head = (uint16_t)h };
            forward_emit(f, &ev);
        }
        tell_layer(f, 0, l, 0);
    }
    f->exit.sure = sure;
    /* a mean over the layers that attended */
    for (int b = 0; forward_wants(f, HOOK_ATTN) && f->n_logits > 0 &&
                    b < forward_blocks(f->row[0].pos + 1); b++)
        f->facts.mass_sum[b] *= (float)n_layer / (float)f->exit.depth;
}

static void digest_task(void *ctx, int i, int thread)
{
    struct forward *f = ctx;
    size_t bytes = f->p.hp->n_vocab * sizeof(float);

    (void)thread;
    f->facts.digest[i] = hash_xxh3(f->row[f->logit_row[i]].logits, bytes, 0);
}

void observe_rows(struct forward *f)
{
    if (forward_wants(f, HOOK_ROW))
        pool_run(f->p.pool, f->n_logits, digest_task, f);
    for (int r = 0; r < f->n; r++) {
        int no = f->logit_no[r];

        if (f->unsure[r])       /* void: it comes again, in full */
            continue;
        if (no >= 0 && forward_wants(f, HOOK_ATTN)) {
            struct hook_event ev = event(f, r, -1, HOOK_ATTN);

            ev.u.attn = (struct hook_attn){
                .n_block = (uint32_t)forward_blocks(f->row[r].pos + 1),
                .mass = f->facts.mass_sum + (size_t)no * blocks_max(f),
            };
            forward_emit(f, &ev);
        }
        struct hook_event ev = event(f, r, -1, HOOK_ROW);

        ev.u.row = (struct hook_row){
            .id = f->row[r].id, .has_logits = no >= 0,
            .is_draft = f->row[r].is_draft,
            .depth = f->exit.depth < (int)f->p.hp->n_layer
                   ? (uint16_t)f->exit.depth : 0,
            .sure = f->exit.sure,
            .enough = f->row[r].exit ? f->row[r].exit->sure : 0.0f,
            .nan_layer = f->facts.nan_layer[r],
            .digest = no >= 0 ? f->facts.digest[no] : 0,
        };
        forward_emit(f, &ev);
    }
}

/* --- memory ---------------------------------------------------------------*/

/* As many rows as FACT_BYTES hold, 1 .. most. */
static int rows_for(size_t bytes_a_row, int most)
{
    size_t n = FACT_BYTES / bytes_a_row;

    return n < 1 ? 1 : n < (size_t)most ? (int)n : most;
}

static int always_init(struct forward *f)
{
    struct forward_facts *k = &f->facts;
    size_t rows = FORWARD_ROWS, heads = rows * f->p.hp->n_head;

    if (k->entropy)
        return 1;
    k->entropy = mem_calloc(heads, sizeof *k->entropy);
    k->score_m = mem_calloc(heads, sizeof *k->score_m);
    k->score_l = mem_calloc(heads, sizeof *k->score_l);
    k->in = mem_calloc(rows, sizeof *k->in);
    k->norm_in = mem_calloc(rows, sizeof *k->norm_in);
    k->nan_layer = mem_calloc(rows, sizeof *k->nan_layer);
    return k->entropy && k->score_m && k->score_l && k->in && k->norm_in &&
           k->nan_layer;
}

static void mass_release(struct forward_facts *k)
{
    mem_free(k->mass);
    mem_free(k->mass_top);
    mem_free(k->mass_sum);
    k->mass = k->mass_top = k->mass_sum = NULL;
}

static int mass_init(struct forward *f)
{
    struct forward_facts *k = &f->facts;
    size_t n_head = f->p.hp->n_head, blocks = blocks_max(f), rows, heads;
    size_t groups = (blocks + KERN_GROUP - 1) / KERN_GROUP;

    if (k->mass)
        return 1;
    k->mass_width = groups * KERN_GROUP;
    k->mass_rows = rows_for((k->mass_width + groups) * n_head *
                            sizeof *k->mass, FORWARD_LOGITS);
    rows = (size_t)k->mass_rows;
    heads = rows * n_head;
    k->mass = mem_alloc(heads * k->mass_width * sizeof *k->mass);
    k->mass_top = mem_alloc(heads * groups * sizeof *k->mass_top);
    k->mass_sum = mem_alloc(rows * blocks * sizeof *k->mass_sum);
    if (k->mass && k->mass_top && k->mass_sum)
        return 1;
    mass_release(k);
    return 0;
}

static int score_init(struct forward *f)
{
    struct forward_facts *k = &f->facts;
    size_t row = blocks_max(f) * KERN_KVBLOCK * f->p.hp->n_head *
                 sizeof *k->score;

    if (k->score)
        return 1;
    k->score_rows = rows_for(row, SCORE_ROWS);
    k->score = mem_alloc((size_t)k->score_rows * row);
    return k->score != NULL;
}

enum sor_err forward_observe(struct forward *f, const struct hook_observer *o,
                             struct sor_msg *msg)
{
    uint32_t mask = o ? o->mask : 0;
    int ok = !mask || always_init(f);

    if (ok && mask >> HOOK_ATTN & 1)
        ok = mass_init(f);
    if (ok && mask >> HOOK_HEAD & 1)
        ok = score_init(f);
    if (!ok)
        return sor_fail(msg, SOR_NOMEM, "no memory for the facts that this "
                        "trace level asks for; use a lower --trace level");
    f->observer = o ? *o : (struct hook_observer){ 0 };
    return SOR_OK;
}

void observe_release(struct forward *f)
{
    struct forward_facts *k = &f->facts;

    mem_free(k->entropy);
    mem_free(k->score_m);
    mem_free(k->score_l);
    mem_free(k->in);
    mem_free(k->norm_in);
    mem_free(k->nan_layer);
    mass_release(k);
    mem_free(k->score);
    memset(k, 0, sizeof *k);
}
