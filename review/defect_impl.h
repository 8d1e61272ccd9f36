/* review/defect_impl.h - what the hunters of defects share; for
 * review/defect*.c only.
 *
 * A hunter looks for one kind of fault, with the words of the domain pack, and
 * reports what a careful reader would accept: where the text can be read two
 * ways it is silent, since a report full of false alarms is not read. */
#ifndef REVIEW_DEFECT_IMPL_H
#define REVIEW_DEFECT_IMPL_H

#include "review/rule.h"

struct hunt {
    struct rules r;         /* matches, sentences; its err is the hunt's */
    const struct graph *g;
    struct defects *out;
    int cap;
};

/* Adds a defect; the note is formatted after it. */
void hunt_add(struct hunt *h, struct defect x, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* All matches of a purpose, in order, without those that overlap a match of
 * but_not (NULL: keep all), a table of contents, a page header or footer, or
 * the signatures.  Headings and the title are in, other than in rule_hits(). */
struct hits hunt_hits(struct hunt *h, const char *purpose,
                      const char *but_not);

/* Is a byte in a heading or number of a clause? */
int hunt_heading(const struct hunt *h, size_t at);
/* The clause that holds s, its number for a sentence: "Section 4.2", or "the
 * clause \"Term\"", or "the text".  buf is returned. */
const char *hunt_place(const struct hunt *h, struct span s, char *buf,
                       size_t size);

/* The bytes just before and after s. */
struct span hunt_before(struct span s);
struct span hunt_after(const struct hunt *h, struct span s);

/* Next place at or after `from` where the n bytes of word stand as words of
 * their own (no letter, digit or, before them, hyphen beside them); d->n_byte:
 * none.  fold: ASCII case does not count.  Any white space answers to a space; *to is the
 * end. */
size_t hunt_word(const struct hunt *h, const char *word, size_t from,
                 int fold, size_t *to);

/* The hunters. */
void defect_terms(struct hunt *h);      /* defect_term.c */
void defect_undefined(struct hunt *h);  /* defect_undefined.c */
void defect_places(struct hunt *h);     /* defect_place.c */
void defect_values(struct hunt *h);     /* defect_value.c */
void defect_parties(struct hunt *h);    /* defect_party.c */

#endif
