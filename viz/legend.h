/* viz/legend.h - the legend of a graph: one row of samples for each dimension
 * of the visual language, holding only what occurs in the graph. */
#ifndef VIZ_LEGEND_H
#define VIZ_LEGEND_H

#include "base/str.h"
#include "viz/graph.h"
#include "viz/style.h"

/* Appends the inside of an HTML-like label. */
void legend_write(struct str *out, const struct graph *g,
                  const struct style_theme *th);

#endif
