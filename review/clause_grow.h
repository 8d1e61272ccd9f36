/* review/clause_grow.h - between the files that grow the tree of clauses.
 *
 * What is open stands on a stack of frames: lists, headings, a paragraph, each
 * in the one below it.  A mark or a start closes the frames that it ends and
 * opens its own (clause_number.c, clause_block.c). */
#ifndef REVIEW_CLAUSE_GROW_H
#define REVIEW_CLAUSE_GROW_H

#include "review/clause_impl.h"

enum { LEVEL_LIST = 0, LEVEL_PARAGRAPH = 10, CLOSED_MAX = 8 };

/* What a list counts in. */
enum series { SERIES_NUMBERS, SERIES_LETTERS, SERIES_ROMAN, SERIES_BULLETS };

/* An open list with its last item, an open heading or paragraph. */
struct frame {
    int level;              /* LEVEL_LIST, of a heading, LEVEL_PARAGRAPH */
    int clause;
    struct mark mark;       /* LEVEL_LIST: of the last item, */
    int index;              /* and where that is among the marks */
    enum series series;
    enum mark_place opened; /* where the first item stood */
    int n_item;
    int sentences;          /* items, but the last, that ended with a point */
    int recitals;           /* a heading over recitals or parties */
};

struct grow {
    const struct document *d;
    struct text t;
    const struct marks *marks;
    const struct starts *starts;
    struct clauses *c;
    int cap;
    struct frame frame[FRAMES_MAX];
    int depth;
    struct frame closed[CLOSED_MAX];    /* lists, the last closed last */
    int n_closed;
    size_t signed_from;     /* the signatures that we are in; 0: none */
    struct furniture *found;
    int n_found, cap_found;
    enum sor_err err;
};

/* --- series (clause_series.c) --------------------------------------------- */

/* Are these items of one list, apart from their values? */
int series_alike(const struct mark *a, const struct mark *b);
/* Do all parts of two decimal numbers but the last agree? */
int series_prefix(const struct mark *a, const struct mark *b);
/* How many steps is b after a in a list of this series?  0: not comparable,
 * the same item, or before it. */
int series_steps(enum series series, const struct mark *a,
                 const struct mark *b);
/* The series that m would begin: (i) a roman one, (a) one of letters, and so
 * does (h). */
enum series series_of(const struct mark *m);
/* Does m begin a series?  Lists that are inside lists may begin with (x). */
int series_begins(enum series series, const struct mark *m);
/* The next mark that is a second to mark i's first, or another first; -1: none
 * near. */
int series_next(const struct grow *g, int i, enum series series);
/* Is that a second? */
int series_goes_on(const struct grow *g, int i, enum series series);

/* --- the stack (clause_grow.c) -------------------------------------------- */

struct frame *grow_top(struct grow *g);         /* NULL: nothing is open */
/* Adds a clause that begins at `from` in what is on top; its index, or -1 with
 * g->err set. */
int grow_add(struct grow *g, enum clause_kind kind, size_t from);
void grow_open(struct grow *g, struct frame f); /* clause -1: nothing */
/* Closes the frames above depth `keep`: the text up to `at` is theirs. */
void grow_close(struct grow *g, int keep, size_t at);
/* How many frames at the bottom a heading or section of `level` leaves open:
 * exhibits, and headings of a level above it. */
int grow_depth_above(const struct grow *g, int level);
/* Where the item on f ends if it is closed at `end`: the last item of a list
 * inside a sentence ends with that sentence. */
size_t grow_item_end(const struct grow *g, const struct frame *f, size_t end);
char *grow_copy(struct grow *g, struct span s); /* NULL with g->err set */
void grow_furniture(struct grow *g, enum furniture_kind kind, size_t from,
                    size_t to);
void grow_unsign(struct grow *g, size_t at);    /* signatures end, if any */

/* --- what comes next ------------------------------------------------------ */

void grow_take_mark(struct grow *g, int i);     /* clause_number.c */
void grow_take_start(struct grow *g, int i);    /* clause_block.c */

#endif
