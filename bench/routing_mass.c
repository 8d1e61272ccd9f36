#include "bench/routing_mass.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "engine/hparams.h"

struct routing_mass {
    struct route_judge judge;
    int n_layer, n_group, per_group, n_block;
    float *sum;             /* [n_layer][n_group][n_block]; -infinity: gone */
};

static float *sums(const struct routing_mass *m, int layer, int group)
{
    return m->sum + (size_t)(layer * m->n_group + group) * (size_t)m->n_block;
}

static size_t n_sum(const struct routing_mass *m)
{
    return (size_t)m->n_layer * (size_t)m->n_group * (size_t)m->n_block;
}

static void reach(const void *ud, int layer, int group, int from, int to,
                  float *far)
{
    const float *sum = sums(ud, layer, group);

    for (int b = from; b < to; b++)
        far[b] = sum[b];
}

struct routing_mass *routing_mass_open(const struct model_hparams *hp,
                                       int n_ctx)
{
    struct routing_mass *m = mem_calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->judge = (struct route_judge){ m, reach };
    m->n_layer = (int)hp->n_layer;
    m->n_group = (int)hp->n_head_kv;
    m->per_group = (int)(hp->n_head / hp->n_head_kv);
    m->n_block = (n_ctx + HOOK_BLOCK - 1) / HOOK_BLOCK;
    m->sum = mem_calloc(n_sum(m), sizeof *m->sum);
    if (!m->sum) {
        mem_free(m);
        return NULL;
    }
    return m;
}

void routing_mass_close(struct routing_mass *m)
{
    if (!m)
        return;
    mem_free(m->sum);
    mem_free(m);
}

void routing_mass_clear(struct routing_mass *m)
{
    memset(m->sum, 0, n_sum(m) * sizeof *m->sum);
}

const struct route_judge *routing_mass_judge(const struct routing_mass *m)
{
    return &m->judge;
}

/* A block that was not read has scores of -infinity, and so its sum becomes
 * and stays: it cannot be chosen again. */
void routing_mass_hear(struct routing_mass *m, const struct hook_event *ev)
{
    const struct hook_head *h = &ev->u.head;
    float *sum = sums(m, ev->layer, h->head / m->per_group);
    int n = (int)h->n_key;

    for (int b = 0; b * HOOK_BLOCK < n; b++) {
        const float *score = h->score + b * HOOK_BLOCK;
        int keys = n - b * HOOK_BLOCK < HOOK_BLOCK ? n - b * HOOK_BLOCK
                                                   : HOOK_BLOCK;
        float mass = 0.0f;

        if (isinf(sum[b]))
            continue;
        if (isinf(score[0])) {
            sum[b] = -INFINITY;
            continue;
        }
        for (int k = 0; k < keys; k++)
            mass += expf(score[k] - h->max);
        sum[b] += mass / h->sum;
    }
}
