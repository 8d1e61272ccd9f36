/* viz/card.h - what a node, a lane and the title show: HTML-like labels
 * made of constant tags and text that went through viz/label.h. */
#ifndef VIZ_CARD_H
#define VIZ_CARD_H

#include "base/str.h"
#include "viz/graph.h"
#include "viz/style.h"

struct card_room {
    int width;              /* of a step, in points */
    int lines;              /* of its text at most */
};

/* The fewer lanes, the wider their cards. */
struct card_room card_room(int n_lane);

/* Each appends the inside of one label (without the outer < and >). */
void card_node(struct str *out, const struct graph_node *n,
               struct card_room room, const struct style_theme *th);
void card_lane(struct str *out, const struct graph_lane *l,
               struct card_room room, const struct style_theme *th);
/* The words that an edge rests on, short. */
void card_quote(struct str *out, const char *quote,
                const struct style_theme *th);
void card_title(struct str *out, const struct graph *g,
                const struct style_theme *th);

#endif
