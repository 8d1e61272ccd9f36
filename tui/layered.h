/* tui/layered.h - a directed graph laid out in layers, left to right, for a
 * screen of characters.
 *
 * Cycles are broken by turning edges round, each node goes one layer past the
 * furthest of those that lead to it, long edges get a way-point in each layer
 * between, and layers are put in an order that crosses little (sweeps by
 * barycentre).  Source: K. Sugiyama, S. Tagawa, M. Toda, "Methods for Visual
 * Understanding of Hierarchical System Structures", IEEE Trans. SMC 11 (1981).
 *
 * Ownership  layered_free() frees what layered_make() made. */
#ifndef TUI_LAYERED_H
#define TUI_LAYERED_H

#include "base/err.h"

enum { LAYERED_NODES = 400, LAYERED_EDGES = 2000, LAYERED_SPOTS = 6000,
       LAYERED_MARGIN = 1 };

struct layered_edge { int from, to; };

/* A node's place, or a way-point of an edge. */
struct layered_spot {
    int node;                   /* -1: a way-point */
    int edge;                   /* of a way-point */
    int layer, row, col, width; /* width: columns that it takes */
};

/* One piece of an edge, from a spot to one in the next layer. */
struct layered_link { int from, to, edge, turned, track; };

struct layered {
    struct layered_spot *spot;
    struct layered_link *link;
    int *at;                    /* [n_node] the node's spot; -1: not drawn */
    int n_spot, n_link, n_layer, n_node;
    int rows, cols;             /* of the whole drawing */
};

/* width: [n_node] columns of each label.  Nodes without an edge are left out;
 * edges from a node to itself too.  SOR_LIMIT: too large to draw. */
enum sor_err layered_make(struct layered *g, int n_node, const int *width,
                          const struct layered_edge *edge, int n_edge);
void layered_free(struct layered *g);           /* a zeroed one is fine */

/* The lines of the drawing as bits for each cell: 1 up, 2 right, 4 down, 8
 * left.  mask and own: [rows * cols]; own is 1 where a line of an edge for
 * which mine() holds goes. */
void layered_lines(const struct layered *g, unsigned char *mask,
                   unsigned char *own, int (*mine)(void *ud, int edge),
                   void *ud);

#endif
