/* tui/fold.h - a list whose rows have rows beneath them, hidden while folded.
 *
 * `item` numbers what the list is of; a row is an item, or one of those
 * beneath it. */
#ifndef TUI_FOLD_H
#define TUI_FOLD_H

#include "tui/order.h"

enum { FOLD_ALL = 2000 };       /* items that are unfolded with one key */

struct fold {
    int *below;                 /* [n] rows shown beneath each; NULL: none */
    int n;
    const struct order *order;  /* of the items; NULL: as they are numbered */
};

struct fold_row { int item, child; };   /* child -1: the item itself */

/* There are n items now.  What was unfolded stays so where n is as before. */
void fold_items(struct fold *f, int n);
void fold_release(struct fold *f);              /* a zeroed one is fine */

int64_t fold_rows(const struct fold *f);
struct fold_row fold_at(const struct fold *f, int64_t row);
/* Whether rows show beneath its item. */
int fold_open(const struct fold *f, struct fold_row at);
/* The row after it; item n: there is none. */
struct fold_row fold_next(const struct fold *f, struct fold_row at);
/* The row of an item, or of what is beneath it where that still shows. */
int64_t fold_find(const struct fold *f, struct fold_row at);
/* The number of the item at at.item, whatever the order. */
int fold_item(const struct fold *f, struct fold_row at);

/* The keys + - *, which unfold and fold the item at `here`, and all of them;
 * count() says how many rows are beneath an item.  1: handled, the list's rows
 * and cursor are set. */
int fold_cmd(struct fold *f, struct view *v, enum tui_cmd cmd,
             int (*count)(struct view *v, int item));
/* Counts anew what is unfolded, after a change; the cursor stays with its
 * item. */
void fold_recount(struct fold *f, struct view *v,
                  int (*count)(struct view *v, int item));

#endif
