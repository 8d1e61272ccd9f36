/* engine/exit.h - leaving the network early, where a token seems settled.
 *
 * After each layer of a rule the output norm and head are applied to the
 * residual (the logit lens).  If the likeliest token is sure enough, these are
 * the row's logits and the layers after are left out: they only get K and V of
 * the residual as it is, so that later tokens find something there.  Source:
 * Schuster et al. 2022, "Confident Adaptive Language Modeling", sections 3.2
 * and 3.5.
 *
 * The head costs as much as some layers (eight of the default model's thirty),
 * so a rule asks seldom.  A cheap question before it, whether the residual
 * still turns, was measured and tells nothing (docs/speculation.md).
 *
 * A loss, unlike guessing: what is written may differ from what all layers
 * would write.  Whether and where a row leaves is a fact of the row alone, so
 * it is the same for any mates and threads; it is recorded, and forced when the
 * row is read again.
 *
 * Threads  none inside but the pool's. */
#ifndef ENGINE_EXIT_H
#define ENGINE_EXIT_H

#include "base/err.h"

enum { EXIT_LAYERS = 8 };

struct exit_rule {
    int n;                      /* layers after which a row may leave */
    int layer[EXIT_LAYERS];     /* 0-based, rising, before the last one */
    float sure;                 /* sureness that suffices, 0.5..1 */
};

/* The rule of a sureness: asked once, after five sixths of the layers, where
 * the default model's lens begins to be right when it is sure.  SOR_USAGE: not in
 * 0.5..1; SOR_UNSUP: fewer than three layers. */
enum sor_err exit_rule_init(struct exit_rule *r, int n_layer, float sure,
                            struct sor_msg *msg);

/* How sure logits[n] are of their likeliest token: its probability when the
 * second is the only other, 0.5..1.  *top: its id, the lowest of equals. */
float exit_sureness(const float *logits, int n, int *top);

#endif
