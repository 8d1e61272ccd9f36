/* tui/doc.h - a text taller than the pane that shows it: paragraphs, heads,
 * facts and bars, with lines that lead somewhere.
 *
 * It is written anew for each drawing (doc_begin, then the rest), so it never
 * disagrees with the rows; where the reader stood, `top` and `link`, stays.
 *
 * Errors   out of memory, or past DOC_ROWS, the text ends with a line that
 *          says so. */
#ifndef TUI_DOC_H
#define TUI_DOC_H

#include "db/db.h"
#include "tui/cell.h"
#include "tui/keys.h"

enum { DOC_ROWS = 2000, DOC_LINKS = 256 };

/* How a row continues the one above it. */
enum doc_join { DOC_NEW, DOC_WORD /* the next word */, DOC_PART /* same word */ };

struct view_ops;

struct doc_link {
    int row;
    const struct view_ops *to;  /* the view that opens */
    struct db_addr at;          /* on this */
};

struct doc {
    struct grid g;
    int row;                    /* rows written */
    int cut;
    char joins[DOC_ROWS];       /* enum doc_join of each row */
    struct doc_link link[DOC_LINKS];
    int n_link;
    /* where the reader stands */
    int top, at_link, height;
};

void doc_release(struct doc *d);            /* a zeroed one is fine */
void doc_begin(struct doc *d, int width, int ascii);

/* A new line, `indent` columns in.  The pen is good until the next line. */
struct pen doc_line(struct doc *d, int indent, unsigned style);
void doc_gap(struct doc *d);                /* one blank line, not at the top */
void doc_head(struct doc *d, const char *title);
/* Outside text, wrapped between words; line ends in it are kept. */
void doc_text(struct doc *d, int indent, unsigned style, const char *s,
              size_t n);
/* Our own words, wrapped. */
void doc_say(struct doc *d, int indent, unsigned style, const char *s);
/* "key   value" with values in one column. */
void doc_fact(struct doc *d, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The line written last leads there. */
void doc_goes(struct doc *d, const struct view_ops *to, struct db_addr at);

/* Appends what it says, paragraphs in one line each, without what is only
 * drawn: rules and bars. */
void doc_words(const struct doc *d, struct str *out);

/* Shows it in r; `active`: the link under the cursor is marked. */
void doc_draw(struct doc *d, struct grid *g, struct rect r, int active);
/* Moving: 1 where cmd was a motion.  n: how often. */
int doc_move(struct doc *d, enum tui_cmd cmd);
/* The link under the cursor, or NULL. */
const struct doc_link *doc_here(const struct doc *d);
/* The link at a row of the pane, made current; NULL: none there. */
const struct doc_link *doc_click(struct doc *d, int row);

#endif
