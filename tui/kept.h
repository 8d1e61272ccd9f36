/* tui/kept.h - what the browser keeps between starts, in one small text file
 * under the XDG state folder: marks, what was typed, the theme.
 *
 * A line is "KIND<tab>TEXT".  What cannot be read or written is done without.
 *
 * Ownership  its strings are its own. */
#ifndef TUI_KEPT_H
#define TUI_KEPT_H

#include "base/err.h"

enum { KEPT_LINES = 100, KEPT_BYTES = 512 };

enum kept_kind { KEPT_SEARCH, KEPT_COMMAND, KEPT_FILTER, KEPT_MARK, KEPT_THEME,
                 KEPT_KINDS };

struct kept {
    int n[KEPT_KINDS];
    char line[KEPT_KINDS][KEPT_LINES][KEPT_BYTES];      /* newest last */
};

/* Reads the file (NULL or missing: begins empty); NULL: out of memory. */
struct kept *kept_open(const char *file);
/* Writes it whole, beside its place and then over it; 0: done. */
int kept_save(const struct kept *k, const char *file);

/* Adds a line; one like it goes, then the oldest where there are too many. */
void kept_add(struct kept *k, enum kept_kind kind, const char *text);
/* Takes a line away; 0: it was not there. */
int kept_drop(struct kept *k, enum kept_kind kind, const char *text);

#endif
