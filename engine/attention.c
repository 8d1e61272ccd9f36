/* engine/attention.c - grouped-query attention over block KV.
 *
 * Three loops a layer: rotate queries and keys and store K/V (by rows), attend
 * (by tiles of neighbouring rows and KV groups, so that a block's K and V are
 * read once for all heads that share them), and, where a few rows had long
 * contexts, join what was computed apart (by rows).
 *
 * A query's keys are always summed chunk by chunk of KERN_CHUNK blocks and the
 * chunks joined from the first to the last, whether one task does all of them
 * or each has its own: so the result does not depend on the split. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "engine/forward_impl.h"
#include "engine/route_pick.h"

static size_t part_width(const struct forward *f)
{
    size_t hd = f->p.hp->head_dim;

    return (hd + KERN_LANES - 1) / KERN_LANES * KERN_LANES;
}

static int heads_per_group(const struct forward *f)
{
    return (int)(f->p.hp->n_head / f->p.hp->n_head_kv);
}

/* --- rotate and store -----------------------------------------------------*/

/* Rotates `n` heads in place and scales them.  Pairs are (2i, 2i+1) or, in
 * NeoX order, (i, i + dim/2).  Source: Su et al. 2021, equation 34. */
static void rotate(const struct forward *f, int row, float *x, uint32_t n,
                   float scale)
{
    const struct model_hparams *hp = f->p.hp;
    size_t half = hp->rope_dim / 2;
    const float *c = f->cos + (size_t)row * half;
    const float *s = f->sin + (size_t)row * half;
    int neox = hp->rope == HPARAMS_ROPE_NEOX;

    for (uint32_t h = 0; h < n; h++, x += hp->head_dim) {
        for (size_t i = 0; i < half; i++) {
            float *a = x + (neox ? i : 2 * i);
            float *b = neox ? a + half : a + 1;
            float a0 = *a, b0 = *b;

            *a = a0 * c[i] - b0 * s[i];
            *b = a0 * s[i] + b0 * c[i];
        }
        for (uint32_t d = 0; d < hp->head_dim; d++)
            x[d] *= scale;
    }
}

static void store_kv(struct forward *f, int row)
{
    const struct model_hparams *hp = f->p.hp;
    int pos = f->row[row].pos;
    int32_t block = f->row[row].block[pos / KERN_KVBLOCK];
    size_t hd = hp->head_dim;

    for (uint32_t g = 0; g < hp->n_head_kv; g++)
        f->p.kern->put[f->p.kv_type](
            f->row_k[row] + g * hd, f->row_v[row] + g * hd, (int)hd,
            kv_piece(f->p.kv, block, f->layer, (int)g), pos % KERN_KVBLOCK);
}

enum { STORE_ROWS = 4 };

static void store_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;
    const struct model_hparams *hp = f->p.hp;
    float scale = 1.0f / sqrtf((float)hp->head_dim);
    int end = (task + 1) * STORE_ROWS < f->n ? (task + 1) * STORE_ROWS : f->n;

    (void)thread;
    for (int r = task * STORE_ROWS; r < end; r++) {
        rotate(f, r, f->row_q[r], hp->n_head, scale);
        rotate(f, r, f->row_k[r], hp->n_head_kv, 1.0f);
        store_kv(f, r);
    }
}

/* What the blocks span that rows of this pass fill: later rows choose by it. */
static void hull_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;
    int n_group = (int)f->p.hp->n_head_kv, group = task % n_group;
    const struct forward_row *row = &f->row[f->full[task / n_group]];
    int32_t block = row->block[row->pos / KERN_KVBLOCK];

    (void)thread;
    f->p.kern->hull[f->p.kv_type](
        kv_piece(f->p.kv, block, f->layer, group), (int)f->p.hp->head_dim,
        kv_hull(f->p.kv, block, f->layer, group), block % KERN_LANES);
}

/* --- attend ---------------------------------------------------------------*/

/* The queries of one tile and group, the blocks they read, and where their
 * partials go. */
struct queries {
    const struct route_pick *pick;      /* the one row's own; NULL: all */
    const float *q[ATTN_MAX_QUERIES];
    int32_t n_key[ATTN_MAX_QUERIES];
    struct kern_part *part[ATTN_MAX_QUERIES];
    float *mass[ATTN_MAX_QUERIES], *top[ATTN_MAX_QUERIES];
    float *score[ATTN_MAX_QUERIES];
    int16_t row[ATTN_MAX_QUERIES], head[ATTN_MAX_QUERIES];
    int n, with_mass, with_score;
    const void *ahead[KERN_GROUP];      /* what its thread may read next */
    int n_ahead;                        /* KERN_GROUP, or 0: unknown */
};

static void list_queries(const struct forward *f, const struct attn_tile *t,
                         int group, struct queries *out)
{
    int per = heads_per_group(f);

    out->pick = NULL;
    out->n = 0;
    for (int r = t->row; r < t->row + t->n_row; r++)
        for (int h = group * per; h < (group + 1) * per; h++) {
            int i = out->n++;

            out->q[i] = f->row_q[r] + (size_t)h * f->p.hp->head_dim;
            out->n_key[i] = f->row[r].pos + 1;
            out->row[i] = (int16_t)r;
            out->head[i] = (int16_t)h;
        }
}

/* The first blocks of a chunk to come: decoding waits for memory, and the
 * kernel can ask for them while it still has work. */
static void list_ahead(const struct forward *f, const struct attn_tile *t,
                       int group, int chunk, struct queries *qs)
{
    const struct forward_row *row = &f->row[t->row];
    int first = chunk * KERN_CHUNK;

    const int32_t *block = qs->pick ? qs->pick->block : row->block;

    qs->n_ahead = 0;
    if (!qs->n || first + KERN_GROUP > forward_blocks(qs->n_key[0]))
        return;
    while (qs->n_ahead < KERN_GROUP) {
        qs->ahead[qs->n_ahead] = kv_piece(
            f->p.kv, block[first + qs->n_ahead], f->layer, group);
        qs->n_ahead++;
    }
}

/* Where raw facts about the blocks from `from` on go, for those who asked; all
 * rows of a tile want the same. */
static void list_facts(const struct forward *f, int from, struct queries *qs)
{
    const struct forward_facts *facts = &f->facts;
    size_t n_block = (size_t)forward_blocks(f->p.n_ctx);
    size_t n_head = f->p.hp->n_head, at = (size_t)from;
    size_t width = facts->mass_width;

    qs->with_mass = forward_wants(f, HOOK_ATTN) && f->logit_no[qs->row[0]] >= 0;
    qs->with_score = forward_wants(f, HOOK_HEAD);
    for (int i = 0; i < qs->n; i++) {
        size_t no = (size_t)f->logit_no[qs->row[i]];
        size_t row = (size_t)qs->row[i], head = (size_t)qs->head[i];

        if (qs->with_mass) {
            size_t first = (no * n_head + head) * width + at;

            qs->mass[i] = facts->mass + first;
            qs->top[i] = facts->mass_top + first / KERN_GROUP;
        }
        if (qs->with_score)
            qs->score[i] = facts->score +
                ((row * n_head + head) * n_block + at) * KERN_KVBLOCK;
    }
}

/* Which keys of blocks from..to-1 that are read a row may not see. */
static int hides(const struct forward *f, const struct queries *qs, int row,
                 int from, int to, uint16_t *bits)
{
    int any = 0;

    if (!qs->pick)
        return intervene_hides(f, row, from, to, bits);
    for (int b = from; b < to; b++)
        any |= intervene_hides(f, row, qs->pick->place[b],
                               qs->pick->place[b] + 1, &bits[b - from]);
    return any;
}

/* Which keys of blocks from..to-1 each query may not see; 0: none. */
static int list_hidden(const struct forward *f, const struct queries *qs,
                       int first, int n, int from, int to,
                       uint16_t (*bits)[KERN_CHUNK], const uint16_t **hide)
{
    int any = 0, rows = 0;

    for (int i = 0; i < n; i++) {
        /* NOLINTNEXTLINE(clang-analyzer-core.*): these rows are set */
        int same = i > 0 && qs->row[first + i] == qs->row[first + i - 1];

        if (!same) {
            any |= hides(f, qs, qs->row[first + i], from, to, bits[rows]);
            rows++;
        }
        hide[i] = bits[rows - 1];
    }
    return any;
}

/* Blocks from..to-1 of those that n queries from `first` on read. */
static void attend_blocks(struct forward *f, struct queries *qs, int first,
                          int n, int group, int from, int to)
{
    const uint16_t *hide[ATTN_MAX_QUERIES];
    const void *kv[KERN_CHUNK];
    uint16_t bits[ATTN_QUERIES][KERN_CHUNK];
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.*): n >= 1 */
    const struct forward_row *row = &f->row[qs->row[first + n - 1]];
    const int32_t *block = qs->pick ? qs->pick->block : row->block;

    if (from >= to)
        return;
    for (int b = from; b < to; b++)
        kv[b - from] = kv_piece(f->p.kv, block[b], f->layer, group);
    list_facts(f, from, qs);
    int hidden = f->n_iv > 0 &&
                 list_hidden(f, qs, first, n, from, to, bits, hide);

    struct kern_attn a = {
        .head_dim = (int)f->p.hp->head_dim, .n_query = n,
        .q = qs->q + first, .n_key = qs->n_key + first,
        .block_from = from, .block_to = to, .kv = kv,
        .next = qs->n_ahead ? qs->ahead : NULL,
        .hide = hidden ? hide : NULL,
        .part = qs->part + first,
        .mass = qs->with_mass ? qs->mass + first : NULL,
        .top = qs->with_mass ? qs->top + first : NULL,
        .score = qs->with_score ? qs->score + first : NULL,
    };

    f->p.kern->attn[f->p.kv_type](&a);
}

/* One chunk: the blocks that all rows share for all queries at once, so that
 * they are read once; then each row's own. */
static void attend_chunk(struct forward *f, const struct attn_tile *t,
                         int group, int chunk, struct queries *qs)
{
    int per = heads_per_group(f);
    int from = chunk * KERN_CHUNK, to = from + KERN_CHUNK;
    int shared = t->shared < to ? t->shared : to;

    for (int i = 0; i < qs->n; i++)
        f->p.kern->part_init(qs->part[i], (int)f->p.hp->head_dim);
    attend_blocks(f, qs, 0, qs->n, group, from, shared);
    for (int i = 0; i < qs->n; i += per) {
        int end = forward_blocks(qs->n_key[i]);

        attend_blocks(f, qs, i, per, group, shared > from ? shared : from,
                      end < to ? end : to);
    }
}

static void finish(struct forward *f, int row, int head, int n_block,
                   const struct kern_part *part)
{
    size_t hd = f->p.hp->head_dim;
    float *y = f->mid.f + (size_t)row * (size_t)f->mid.n_in +
               (size_t)head * hd;
    struct kern_total total;

    f->p.kern->finish(part, (int)hd, y, &total);
    if (f->observer.mask)
        observe_head(f, row, head, n_block, &total);
}

/* All chunks, one after the other. */
static void attend_chunks(struct forward *f, const struct attn_tile *t,
                          int group, int thread, struct queries *qs)
{
    struct kern_part *so_far = f->thread[thread].part;
    struct kern_part *next = so_far + ATTN_MAX_QUERIES;

    for (int chunk = 0; chunk < t->n_chunk; chunk++) {
        for (int i = 0; i < qs->n; i++)
            qs->part[i] = chunk ? &next[i] : &so_far[i];
        list_ahead(f, t, group, chunk + 1, qs);
        attend_chunk(f, t, group, chunk, qs);
        for (int i = 0; chunk && i < qs->n; i++)
            f->p.kern->merge(&so_far[i], &next[i], (int)f->p.hp->head_dim);
    }
    for (int i = 0; i < qs->n; i++)
        finish(f, qs->row[i], qs->head[i], forward_blocks(qs->n_key[i]),
               &so_far[i]);
}

static void attend_whole(struct forward *f, const struct attn_tile *t,
                         int group, int thread)
{
    struct queries qs;

    list_queries(f, t, group, &qs);
    attend_chunks(f, t, group, thread, &qs);
}

/* A row that picks its blocks attends to them as to a timeline of nothing
 * else; what is told of them then goes to where they belong. */
static void attend_picked(struct forward *f, const struct attn_tile *t,
                          int group, int thread)
{
    struct route_pick *pick = &f->pick[thread];
    int n_block = forward_blocks(f->row[t->row].pos + 1), n;
    struct attn_tile own = *t;
    struct queries qs;

    list_queries(f, t, group, &qs);
    n = route_pick(f, pick, t->row, group, qs.q);
    qs.pick = pick;
    for (int i = 0; i < qs.n; i++)
        qs.n_key[i] = route_pick_keys(f, t->row, n);
    own.shared = n;
    own.n_chunk = (int16_t)((n + KERN_CHUNK - 1) / KERN_CHUNK);
    attend_chunks(f, &own, group, thread, &qs);
    list_facts(f, 0, &qs);
    for (int i = 0; i < qs.n && n < n_block; i++) {
        if (qs.with_mass)
            route_spread_mass(pick, n, n_block, qs.mass[i]);
        if (qs.with_score)
            route_spread_scores(pick, n, n_block, qs.score[i]);
    }
}

static struct kern_part *split_part(const struct forward *f,
                                    const struct attn_tile *t, int row,
                                    int chunk)
{
    int pair = t->split_at + (row - t->row) * t->n_chunk + chunk;

    return f->split_part + (size_t)pair * f->p.hp->n_head;
}

/* Task `task` of the tile.  Its thread is likely to take the one that is as
 * many further on as there are threads. */
static void attend_split(struct forward *f, const struct attn_tile *t,
                         int task)
{
    int n_group = (int)f->p.hp->n_head_kv;
    int group = task % n_group, chunk = task / n_group;
    int then = task + pool_threads(f->p.pool);
    struct queries qs;

    list_queries(f, t, group, &qs);
    list_ahead(f, t, then % n_group, then / n_group, &qs);
    for (int i = 0; i < qs.n; i++)
        qs.part[i] = split_part(f, t, qs.row[i], chunk) + qs.head[i];
    attend_chunk(f, t, group, chunk, &qs);
}

static void attend_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;
    int n_group = (int)f->p.hp->n_head_kv;
    const struct attn_tile *t = f->tile;

    if (!f->split) {
        t += task / n_group;
        task %= n_group;
    }
    while (f->split && task >= t->n_chunk * n_group)
        task -= t++->n_chunk * n_group;
    if (t->is_routed)
        attend_picked(f, t, task, thread);
    else if (f->split)
        attend_split(f, t, task);
    else
        attend_whole(f, t, task, thread);
}

static void join_task(void *ctx, int task, int thread)
{
    struct forward *f = ctx;
    const struct attn_tile *t = &f->tile[task];
    int n_head = (int)f->p.hp->n_head;

    (void)thread;
    for (int r = t->row; r < t->row + t->n_row && !t->is_routed; r++)
        for (int h = 0; h < n_head; h++) {
            struct kern_part *first = split_part(f, t, r, 0) + h;

            for (int c = 1; c < t->n_chunk; c++)
                f->p.kern->merge(first, split_part(f, t, r, c) + h,
                                 (int)f->p.hp->head_dim);
            finish(f, r, h, forward_blocks(f->row[r].pos + 1), first);
        }
}

void attention_store(struct forward *f)
{
    int n_group = (int)f->p.hp->n_head_kv;

    pool_run(f->p.pool, (f->n + STORE_ROWS - 1) / STORE_ROWS, store_task, f);
    if (f->n_full > 0)
        pool_run(f->p.pool, f->n_full * n_group, hull_task, f);
}

void attention_run(struct forward *f)
{
    int n_group = (int)f->p.hp->n_head_kv, tasks = 0;

    attention_store(f);
    for (int i = 0; i < f->n_tile; i++)
        tasks += n_group * (f->split ? f->tile[i].n_chunk : 1);
    pool_run(f->p.pool, tasks, attend_task, f);
    if (f->split)
        pool_run(f->p.pool, f->n_tile, join_task, f);
}

/* --- plan -----------------------------------------------------------------*/

/* Leading blocks that rows a and b may read together: whole groups, where one
 * goes on alone after them. */
static int common_blocks(const struct forward *f, int a, int b)
{
    const struct forward_row *x = &f->row[a], *y = &f->row[b];
    int n = 0, end = forward_blocks((x->pos < y->pos ? x->pos : y->pos) + 1);

    if (x->block == y->block)           /* one timeline: all that b sees */
        return forward_blocks(y->pos + 1);
    while (n < end && x->block[n] == y->block[n])
        n++;
    return n / KERN_GROUP * KERN_GROUP;
}

/* Grows the tile that begins at row r by the rows after it: of one timeline
 * (prefill), or single rows of timelines with a common beginning (paths over
 * one prompt), all of which want the same facts. */
static void grow(const struct forward *f, struct attn_tile *t, int most)
{
    int r = t->row;

    t->shared = forward_blocks(f->row[r].pos + 1);
    for (int n = 1; n < most && r + n < f->n &&
                    !forward_leaves_out(&f->row[r + n]); n++) {
        int common = common_blocks(f, r, r + n);
        int one = f->row[r].block == f->row[r + n].block;

        if (common == 0 || (f->logit_no[r] < 0) != (f->logit_no[r + n] < 0) ||
            one != (f->row[r].block == f->row[r + 1].block))
            return;
        if (one || common < t->shared)
            t->shared = common;
        t->n_row = (int16_t)(n + 1);
    }
}

static int most_blocks(const struct forward *f, const struct attn_tile *t)
{
    int most = 0;

    for (int r = t->row; r < t->row + t->n_row; r++) {
        int n = forward_blocks(f->row[r].pos + 1);

        most = n > most ? n : most;
    }
    return most;
}

void attention_plan(struct forward *f)
{
    int most = ATTN_QUERIES / heads_per_group(f), pairs = 0;

    f->n_tile = f->n_full = 0;
    for (int r = 0; r < f->n && kv_has_hulls(f->p.kv); r++)
        if (f->row[r].pos % KERN_KVBLOCK == KERN_KVBLOCK - 1)
            f->full[f->n_full++] = (int16_t)r;
    for (int r = 0; r < f->n; ) {
        struct attn_tile *t = &f->tile[f->n_tile++];

        *t = (struct attn_tile){ .row = (int16_t)r, .n_row = 1, .n_chunk = 1 };
        t->is_routed = (int16_t)forward_leaves_out(&f->row[r]);
        if (!t->is_routed) {
            grow(f, t, most < 1 ? 1 : most);
            t->n_chunk = (int16_t)((most_blocks(f, t) + KERN_CHUNK - 1) /
                                   KERN_CHUNK);
        }
        t->split_at = (int16_t)(pairs < ATTN_SPLIT_PAIRS ? pairs : 0);
        pairs += t->n_row * t->n_chunk;
        r += t->n_row;
    }
    /* Few tiles with several chunks each leave threads idle unless split. */
    f->split = pairs > f->n && pairs <= ATTN_SPLIT_PAIRS &&
               f->n_tile < 4 * pool_threads(f->p.pool);
}

/* --- memory ---------------------------------------------------------------*/

/* n partials whose outputs lie behind them in the same allocation. */
static struct kern_part *parts_alloc(const struct forward *f, size_t n)
{
    size_t width = part_width(f);
    size_t head = (n * sizeof(struct kern_part) + 63) / 64 * 64;
    char *p = mem_aligned(64, head + n * width * sizeof(float));
    struct kern_part *part = (struct kern_part *)(void *)p;

    for (size_t i = 0; p && i < n; i++)
        part[i] = (struct kern_part){
            .o = (float *)(void *)(p + head) + i * width };
    return part;
}

enum sor_err attention_init(struct forward *f, struct sor_msg *msg)
{
    int ok = 1;

    if (heads_per_group(f) > ATTN_MAX_QUERIES)
        return sor_fail(msg, SOR_UNSUP, "%d query heads share a KV head; at "
                        "most %d can", heads_per_group(f),
                        ATTN_MAX_QUERIES);
    for (int i = 0; i < pool_threads(f->p.pool); i++) {
        f->thread[i].part = parts_alloc(f, (size_t)2 * ATTN_MAX_QUERIES);
        ok = ok && f->thread[i].part;
    }
    f->split_part = parts_alloc(f, ATTN_SPLIT_PAIRS * f->p.hp->n_head);
    if (!ok || !f->split_part)
        return sor_fail(msg, SOR_NOMEM, "attention: out of memory");
    return SOR_OK;
}

void attention_release(struct forward *f)
{
    for (int i = 0; i < POOL_MAX_THREADS; i++)
        mem_free(f->thread[i].part);
    for (int i = 0; i < POOL_MAX_THREADS; i++)
        route_pick_release(&f->pick[i]);
    mem_free(f->split_part);
}

enum sor_err forward_route(struct forward *f, struct sor_msg *msg)
{
    int n_block = forward_blocks(f->p.n_ctx);

    for (int i = 0; i < pool_threads(f->p.pool); i++)
        if (!f->pick[i].far && !route_pick_init(&f->pick[i], n_block)) {
            route_pick_release(&f->pick[i]);
            return sor_fail(msg, SOR_NOMEM, "routing: out of memory");
        }
    return kv_use_hulls(f->p.kv, msg);
}
