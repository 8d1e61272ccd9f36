/* tui/order.h - the order of a list whose rows are all in memory: which of
 * them stands where, after sorting by a column. */
#ifndef TUI_ORDER_H
#define TUI_ORDER_H

#include "tui/view.h"

/* What rows are compared by: the text where there is one, else the number.
 * Numbers inside a text count as such ("nda-2" before "nda-10").  NULL and
 * NaN: not known, and last whichever way round. */
struct order_key {
    const char *text;
    double number;
};

struct order {
    int *row;                   /* [n] */
    int n;
};

/* Sorts the n rows of v by column v->sort; by none, -1, they stand as they
 * are, and so do rows that are equal.  SOR_NOMEM: nothing is changed. */
enum sor_err order_make(struct order *o, const struct view *v, int n,
                        struct order_key (*key)(const struct view *v, int row,
                                                int col));
void order_release(struct order *o);            /* a zeroed one is fine */
/* Where a row stands; 0 where there is none such. */
int order_find(const struct order *o, int row);

/* The keys i and I: v->sort goes on through cols[], which ends in -1, or is
 * turned round.  1: it did, sort anew. */
int order_cmd(struct view *v, enum tui_cmd cmd, const int *cols);

#endif
