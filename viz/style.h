/* viz/style.h - the visual language, as tables: shape says what a thing is,
 * colour its role or verdict, width its strength, a dash that it is weak or
 * only a correlation, the border who wrote it.
 *
 * Colours come from the palette of Okabe and Ito ("Color Universal Design",
 * 2008), which stays apart for all common kinds of colour blindness.  They
 * fill stripes, lines and bars; words are always ink on paper. */
#ifndef VIZ_STYLE_H
#define VIZ_STYLE_H

#include "viz/graph.h"

/* Only a theme's neutral tones change between light and dark. */
struct style_theme {
    const char *name;
    const char *paper, *ink, *muted;    /* ground, words, small print */
    const char *line, *card, *lane;     /* hairlines, nodes, clusters */
    const char *mark, *mark_ink;        /* "look here" */
    const char *track;                  /* the empty part of a bar */
    const char *solid, *on_solid;       /* question and conclusion */
};
enum { STYLE_LIGHT, STYLE_DARK, STYLE_THEMES };
extern const struct style_theme style_themes[STYLE_THEMES];

struct style_node {
    const char *shape, *css;            /* css: class in SVG */
    const char *name;                   /* in the legend; NULL: not there */
};
extern const struct style_node style_nodes[GRAPH_NODE_KINDS];

struct style_edge {
    const char *css, *style, *arrow;
    const char *side;                   /* of a lane's steps; NULL: any */
    const char *color;                  /* NULL: the theme's muted */
    const char *weight;                 /* how straight dot draws it */
    double base, gain;                  /* pen width = base + gain * weight */
    const char *name;                   /* in the legend */
    int quoted;                         /* its note stands beside it */
};
extern const struct style_edge style_edges[GRAPH_EDGE_KINDS];

struct style_origin {
    const char *name;
    int pen, rings;                     /* width of the border; borders */
};
extern const struct style_origin style_origins[GRAPH_ORIGINS];

/* The stripe for a role; grey for one that is not known. */
const char *style_role(const char *role);

/* The colour of a claim's verdict. */
const char *style_verdict(const char *verdict);

/* The colour of an answer by its rank among the votes; grey for none, and for
 * those beyond the colours that can be told apart. */
enum { STYLE_VOTES = 6 };
const char *style_vote(int rank);

/* The colour of the i-th series of a plot; they come round after six. */
const char *style_series(int i);

#endif
