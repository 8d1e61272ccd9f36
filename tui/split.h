/* tui/split.h - how the paths of a run split, as a tree: at each branch the
 * token that was taken and the paths that took it. */
#ifndef TUI_SPLIT_H
#define TUI_SPLIT_H

#include "tui/doc.h"

enum { SPLIT_PATHS = 64 };      /* drawn at most, the first ones */

struct tui;

/* Appends the tree; every branch leads to its token.  Nothing where no pair of
 * paths was compared. */
void split_tree(struct tui *t, int64_t run_id, struct doc *d);

#endif
