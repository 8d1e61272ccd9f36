/* tui/filter.h - which rows of a list to keep: mode:full prob<0.2 "words".
 *
 * A term is a column's head, or its beginning, with : (holds), = (is), <, <=,
 * >, >= and a value, or plain words that the row must hold; -TERM keeps the
 * rows that it does not fit.  All terms must fit.  Case does not count.  What
 * is compared is what the list shows: "8.0 %" is 8, "<0.001" is 0.001. */
#ifndef TUI_FILTER_H
#define TUI_FILTER_H

#include "tui/view.h"

enum { FILTER_TERMS = 12, FILTER_WORD = 80, FILTER_TEXT = 600,
       FILTER_COLS = 16 };

struct filter_term {
    int col;                    /* -1: anywhere in the row */
    char op;                    /* ':' '=' '<' '>' */
    int or_equal, negate;
    double number;
    char word[FILTER_WORD];
};

struct filter {
    struct filter_term term[FILTER_TERMS];
    int n;
};

/* For rows with these columns.  SOR_USAGE: it names what it does not
 * understand, and the columns there are. */
enum sor_err filter_parse(const char *text, const struct col *cols,
                          struct filter *out, struct sor_msg *msg);
/* The text of each cell of row i of v's window, drawn on line, a grid of one
 * row; returns how many columns there are. */
int filter_cells(struct view *v, int i, struct grid *line,
                 char cell[FILTER_COLS][FILTER_WORD]);
/* Whether row i of v's window fits; its text goes into text[FILTER_TEXT].
 * line: a grid of one row to draw on. */
int filter_fits(const struct filter *f, struct view *v, int i,
                struct grid *line, char text[FILTER_TEXT]);

#endif
