/* tui/search.h - looking for words in lists and texts.
 *
 * A list is searched row by row, as its rows read, once around from the cursor.
 * What takes longer than a moment goes on while no key is pressed, and says how
 * far it has come; any key stops it. */
#ifndef TUI_SEARCH_H
#define TUI_SEARCH_H

#include <stdint.h>

struct tui;

struct search {
    int on, reverse, wrapped;
    int64_t from, was;          /* the next row to look at; where it began */
};

/* To the next place that reads t->needle. */
void search_find(struct tui *t, int reverse);
/* Goes on for some milliseconds; 1: draw again. */
int search_work(struct tui *t);
/* The first row in sight that reads t->needle, from where the search began. */
void search_in_sight(struct tui *t);

#endif
