/* probe/ablate.h - change one thing before one row and see what follows.
 *
 * Parts of the network, at the row that is read: a head or a block that gives
 * nothing (zero) or what it gave on average over the prefix (mean); the
 * residual stream of another row in place of its own (patch).
 *
 * Spans of the text, in two ways that must not be confused:
 *   mask       the span's keys are hidden from the row; quick, and leaky,
 *              since tokens after the span have read it and are not hidden
 *   recompute  the text is removed and everything after it computed again
 * Only recompute says what the model would have done without the words, so
 * only its rows are called causal.
 * Source: Meng et al. 2022, "Locating and Editing Factual Associations in GPT"
 * (patching); Wang et al. 2022, "Interpretability in the Wild" (mean
 * ablation). */
#ifndef PROBE_ABLATE_H
#define PROBE_ABLATE_H

#include "base/err.h"
#include "probe/prefix.h"
#include "probe/result.h"

struct engine;

enum ablate_how { ABLATE_ZERO, ABLATE_MEAN, ABLATE_PATCH, ABLATE_MASK,
                  ABLATE_RECOMPUTE };
const char *ablate_how_name(enum ablate_how how);

struct ablate_part {
    enum ablate_how how;
    int layer, head;            /* -1: none; head -1: the whole block */
    int from, to;               /* of a span, to <= pos; -1: none */
    int64_t step;               /* id of the step that the span is; 0: none */
};

struct ablate_opts {
    int pos;                    /* the row that is read */
    int32_t target;             /* token asked about; -1: the likeliest */
    const struct ablate_part *part;
    int n_part;
    const float *patch;         /* [n_layer + 1][n_embd] of the other row, as
                                 * lens_read() gives it; for ABLATE_PATCH */
    void (*progress)(void *ud, int64_t done, int64_t total);    /* or NULL */
    int (*cancelled)(void *ud);                         /* may be NULL */
    void *ud;
};

/* Replays the prefix; one row of `effect` per part, in order.
 * SOR_INTERRUPTED: cancelled. */
enum sor_err ablate_compute(struct prefix *p, struct engine *e,
                            const struct ablate_opts *o, struct result *out,
                            struct sor_msg *msg);

#endif
