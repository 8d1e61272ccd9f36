/* viz/ids.h - names of Graphviz objects as numbers, in order of first use.
 *
 * cgraph sorts subgraphs by the number that stands for their name, and its
 * own discipline takes the address of the string, so that the text and the
 * layout would depend on the allocator's mood.
 *
 * Source  Graphviz 2.42, cgraph.h: Agiddisc_t. */
#ifndef VIZ_IDS_H
#define VIZ_IDS_H

#include <graphviz/cgraph.h>

/* For struct Agdisc_s.id. */
extern Agiddisc_t ids_in_order;

/* As agmemread(), with these ids; NULL where the text is no graph. */
Agraph_t *ids_read(const char *dot);

#endif
