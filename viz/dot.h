/* viz/dot.h - a graph in the visual language, as DOT text.
 *
 * Names are synthetic (n1, e1, cluster1) and text stands in labels only
 * (viz/label.h), so nothing in the data can add a node, an attribute, an
 * image or a link.  Every node, edge and lane carries a stable id= and
 * class= for SVG.
 * Source: Graphviz 2.42, libcgraph. */
#ifndef VIZ_DOT_H
#define VIZ_DOT_H

#include "base/err.h"
#include "base/str.h"
#include "viz/graph.h"

struct dot_opts {
    int theme;              /* STYLE_LIGHT or STYLE_DARK */
};

/* Appends the DOT text.  Nodes: the graph's, and one "legend". */
enum sor_err dot_write(const struct graph *g, const struct dot_opts *opts,
                       struct str *out, struct sor_msg *msg);

#endif
