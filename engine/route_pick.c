#include "engine/route_pick.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum {
    AHEAD = 4 * KERN_LANES      /* blocks between the hulls that are compared
                                 * and those that are asked for */
};

int route_pick_init(struct route_pick *p, int n_block)
{
    size_t n = (size_t)n_block;

    p->far = mem_calloc(n + KERN_LANES, sizeof *p->far);
    p->bits = mem_calloc(n / KERN_LANES + 1, sizeof *p->bits);
    p->place = mem_calloc(n, sizeof *p->place);
    p->block = mem_calloc(n, sizeof *p->block);
    return p->far && p->bits && p->place && p->block;
}

void route_pick_release(struct route_pick *p)
{
    mem_free(p->far);
    mem_free(p->bits);
    mem_free(p->place);
    mem_free(p->block);
    *p = (struct route_pick){ 0 };
}

/* p->far[b] for blocks from..to-1: what no product of theirs exceeds.  Blocks
 * of a timeline lie side by side as a rule, so a vector of hulls answers for
 * 16 of them.
 * Every hull is read.  Hulls of several blocks, to leave out those that do not
 * reach as far as the last block picked, leave out too little: behind 8,000
 * tokens of Wikitext (SmolLM2-135M, sparse) 34 % of those of 2 blocks reach as
 * far, 71 % of 4, 93 % of 8 and 99 % of 16. */
static void measure(const struct forward *f, struct route_pick *p, int row,
                    int group, const float *const *q)
{
    const int32_t *block = f->row[row].block;
    int n_query = (int)(f->p.hp->n_head / f->p.hp->n_head_kv);
    int hd = (int)f->p.hp->head_dim;
    float far[KERN_LANES];
    struct kern_aim aim;
    int32_t lanes = -1;

    f->p.kern->aim(q, n_query, hd, &aim);
    for (int b = p->from; b < p->to; b++) {
        if (block[b] / KERN_LANES != lanes) {
            int then = b + AHEAD < p->to ? b + AHEAD : b;

            lanes = block[b] / KERN_LANES;
            f->p.kern->reach(kv_hull(f->p.kv, block[b], f->layer, group), hd,
                             &aim, kv_hull(f->p.kv, block[then], f->layer,
                                           group), far);
        }
        p->far[b] = far[block[b] % KERN_LANES];
    }
}

/* Appends the `best` blocks of from..to-1 that reach furthest to p->place, in
 * rising order.  Of two that reach as far the earlier one goes first. */
static int choose(const struct forward *f, struct route_pick *p, int best,
                  int at)
{
    int n = (p->to - p->from + KERN_LANES - 1) / KERN_LANES * KERN_LANES;

    for (int i = p->to; i < p->from + n; i++)
        p->far[i] = -INFINITY;
    f->p.kern->best(p->far + p->from, n, best, p->bits);
    for (int i = 0; i < n; i += KERN_LANES)
        for (unsigned in = p->bits[i / KERN_LANES]; in; in &= in - 1)
            p->place[at++] = p->from + i + __builtin_ctz(in);
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
        at = choose(f, p, best, at);
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
                       float *mass)
{
    for (int b = n_block - 1, i = n - 1; b >= 0; b--)
        mass[b] = i >= 0 && p->place[i] == b ? mass[i--] : 0.0f;
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
