/* engine/exit.c - see exit.h. */
#include "engine/exit.h"

#include <math.h>

#include "engine/forward_impl.h"

enum sor_err exit_rule_init(struct exit_rule *r, int n_layer, float sure,
                            struct sor_msg *msg)
{
    int layer = (5 * n_layer + 3) / 6 - 1;

    if (!(sure >= 0.5f && sure <= 1.0f))
        return sor_fail(msg, SOR_USAGE, "leaving early at a sureness of %g: "
                        "0.5 to 1 are possible", (double)sure);
    if (n_layer < 3)
        return sor_fail(msg, SOR_UNSUP, "a model of %d layers has none to "
                        "leave out", n_layer);
    *r = (struct exit_rule){ .n = 1, .layer = { layer < n_layer - 1
                                                ? layer : n_layer - 2 },
                             .sure = sure };
    return SOR_OK;
}

float exit_sureness(const float *logits, int n, int *top)
{
    float first = -INFINITY, second = -INFINITY;

    *top = 0;
    for (int i = 0; i < n; i++) {
        if (logits[i] > first) {
            second = first;
            first = logits[i];
            *top = i;
        } else if (logits[i] > second) {
            second = logits[i];
        }
    }
    return isfinite(first) ? 1.0f / (1.0f + expf(second - first)) : 0.5f;
}

/* The rule asks after this layer. */
static int is_asked(const struct forward *f)
{
    const struct exit_rule *rule = f->row[0].exit;

    for (int i = 0; rule && i < rule->n; i++)
        if (rule->layer[i] == f->layer)
            return 1;
    return 0;
}

int exit_now(struct forward *f)
{
    const struct forward_row *row = &f->row[0];
    int top;

    f->exit.sure = 0.0f;
    f->exit.has_head = 0;
    if (row->depth > 0)
        return f->layer + 1 == row->depth;
    if (!row->logits || !is_asked(f))
        return 0;
    forward_head(f);
    f->exit.sure = exit_sureness(row->logits, (int)f->p.hp->n_vocab, &top);
    f->exit.has_head = f->exit.sure >= row->exit->sure;
    return f->exit.has_head;
}
