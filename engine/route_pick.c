#include "engine/route_pick.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

int route_pick_init(struct route_pick *p, int n_block)
{
    size_t n = (size_t)n_block;

    p->far = mem_calloc(n, sizeof *p->far);
    p->heap = mem_calloc(n, sizeof *p->heap);
    p->place = mem_calloc(n, sizeof *p->place);
    p->block = mem_calloc(n, sizeof *p->block);
    p->chosen = mem_calloc(n / 64 + 1, sizeof *p->chosen);
    return p->far && p->heap && p->place && p->block && p->chosen;
}

void route_pick_release(struct route_pick *p)
{
    mem_free(p->far);
    mem_free(p->heap);
    mem_free(p->place);
    mem_free(p->block);
    mem_free(p->chosen);
    *p = (struct route_pick){ 0 };
}

/* p->far[b] for blocks from..to-1: what no product of theirs exceeds.  Blocks
 * of a timeline lie side by side as a rule, so a vector of hulls answers for
 * 16 of them. */
static void measure(const struct forward *f, struct route_pick *p, int row,
                    int group, const float *const *q)
{
    const int32_t *block = f->row[row].block;
    int n_query = (int)(f->p.hp->n_head / f->p.hp->n_head_kv);
    float far[KERN_LANES];
    int32_t lanes = -1;

    for (int b = p->from; b < p->to; b++) {
        if (block[b] / KERN_LANES != lanes) {
            lanes = block[b] / KERN_LANES;
            f->p.kern->reach(kv_hull(f->p.kv, block[b], f->layer, group),
                             (int)f->p.hp->head_dim, n_query, q, far);
        }
        float x = far[block[b] % KERN_LANES];

        p->far[b] = x > -INFINITY ? x : -INFINITY;      /* NaN: nowhere */
    }
}

/* 1 where block a should go before b: it reaches less far, or as far and lies
 * later. */
static int is_worse(const struct route_pick *p, int32_t a, int32_t b)
{
    const float u = p->far[a], v = p->far[b];

    return u < v || (u == v && a > b);
}

/* Puts `block` at or under heap[at], the worst of n on top. */
static void sift(struct route_pick *p, int n, int at, int32_t block)
{
    for (int child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && is_worse(p, p->heap[child + 1], p->heap[child]))
            child++;
        if (!is_worse(p, p->heap[child], block))
            break;
        p->heap[at] = p->heap[child];
    }
    p->heap[at] = block;
}

/* p->heap[0..n) becomes the n best blocks of from..to-1, n > 0.  A later block
 * that reaches as far as the worst of them stays out. */
static void choose(struct route_pick *p, int n)
{
    for (int i = 0; i < n; i++)
        p->heap[i] = p->from + i;
    for (int i = n / 2 - 1; i >= 0; i--)
        sift(p, n, i, p->heap[i]);
    for (int b = p->from + n; b < p->to; b++)
        if (p->far[b] > p->far[p->heap[0]])
            sift(p, n, 0, b);
}

/* Appends the blocks of the heap to p->place, in rising order. */
static int list_chosen(struct route_pick *p, int n, int at)
{
    size_t words = (size_t)(p->to - p->from) / 64 + 1;

    memset(p->chosen, 0, words * sizeof *p->chosen);
    for (int i = 0; i < n; i++) {
        int k = p->heap[i] - p->from;

        p->chosen[k / 64] |= UINT64_C(1) << k % 64;
    }
    for (size_t w = 0; w < words; w++)
        for (uint64_t bits = p->chosen[w]; bits; bits &= bits - 1)
            p->place[at++] = p->from + (int)(64 * w) +
                             __builtin_ctzll(bits);
    return at;
}

int route_pick(const struct forward *f, struct route_pick *p, int row,
               int group, const float *const *q)
{
    const struct forward_row *r = &f->row[row];
    const struct route *route = r->route;
    int n_block = forward_blocks(r->pos + 1);
    int n = route_reads(route, r->mode, f->layer, group, n_block), at = 0;

    p->from = n < n_block ? route->first : n_block;
    p->to = n < n_block ? n_block - route->last : n_block;
    for (; at < p->from; at++)
        p->place[at] = at;
    if (n < n_block && n > route->first + route->last) {
        int best = n - route->first - route->last;

        if (route->judge)
            route->judge->reach(route->judge->ud, f->layer, group, p->from,
                                p->to, p->far);
        else
            measure(f, p, row, group, q);
        choose(p, best);
        at = list_chosen(p, best, at);
    }
    for (int b = p->to; b < n_block; b++)
        p->place[at++] = b;
    for (int i = 0; i < n; i++)
        p->block[i] = r->block[p->place[i]];
    return n;
}

int route_pick_keys(const struct forward *f, int row, int n)
{
    int pos = f->row[row].pos;

    return (n - 1) * KERN_KVBLOCK + pos % KERN_KVBLOCK + 1;
}

/* From the last one down, so that nothing is overwritten before it moved. */
void route_spread_mass(const struct route_pick *p, int n, int n_block,
                       struct kern_mass *mass)
{
    for (int b = n_block - 1, i = n - 1; b >= 0; b--)
        if (i >= 0 && p->place[i] == b)
            mass[b] = mass[i--];
        else
            mass[b] = (struct kern_mass){ 0.0f, b + 1 < n_block
                                                ? mass[b + 1].m : 0.0f };
}

void route_spread_scores(const struct route_pick *p, int n, int n_block,
                         float *score)
{
    for (int b = n_block - 1, i = n - 1; b >= 0; b--) {
        float *to = score + (size_t)b * KERN_KVBLOCK;

        if (i >= 0 && p->place[i] == b)
            memmove(to, score + (size_t)i-- * KERN_KVBLOCK,
                    KERN_KVBLOCK * sizeof *to);
        else
            for (int k = 0; k < KERN_KVBLOCK; k++)
                to[k] = -INFINITY;
    }
}
