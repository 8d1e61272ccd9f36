/* cli/parts.h - lists that people type: heads and layers of a model, spans of
 * positions. */
#ifndef CLI_PARTS_H
#define CLI_PARTS_H

#include "base/err.h"
#include "engine/hparams.h"
#include "probe/prefix.h"

/* heads "3.1,3.2" (layer.head), layers "4,5"; either may be NULL.  Every part
 * gives nothing, at all positions.  SOR_USAGE: malformed, or not in the
 * model.  prefix_mask_release() frees. */
enum sor_err parts_parse(const char *heads, const char *layers,
                         const struct model_hparams *hp,
                         struct prefix_mask *out, struct sor_msg *msg);

struct part_span { int from, to; };     /* half-open */

/* "10:20,30:35"; *out is freed with mem_free().  SOR_USAGE: malformed, empty
 * or beyond `end`. */
enum sor_err parts_spans(const char *text, int end, struct part_span **out,
                         int *n, struct sor_msg *msg);

#endif
