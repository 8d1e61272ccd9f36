/* review/clause_impl.h - between the files that find clauses.
 *
 * DESIGN  Passes over the text, each linear in its length.
 *   1. clause_page.c finds what is in the text and is not of it: page numbers,
 *      running heads and feet, tables of contents.  The others step over it.
 *   2. clause_mark.c reads everything that could be a clause's number, and
 *      clause_place.c where it stands: at the start of a line, after a
 *      sentence, inside one, in a reference.
 *   3. clause_start.c finds where paragraphs without a number begin, and
 *      clause_head.c which of them are headings.
 *   4. clause_grow.c walks over both and decides by sequence.  Open lists stand
 *      on a stack, the innermost on top; a mark is a clause if it goes on with
 *      an open list or begins one that goes on (clause_number.c).  A "2" in
 *      running text does neither.
 *   5. clause.c finishes the spans. */
#ifndef REVIEW_CLAUSE_IMPL_H
#define REVIEW_CLAUSE_IMPL_H

#include "review/clause.h"

/* --- characters (clause_text.c) ------------------------------------------- */

static inline int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline int is_newline(char c)
{
    return c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
static inline int is_digit(char c) { return c >= '0' && c <= '9'; }
static inline int is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static inline int is_lower(char c) { return c >= 'a' && c <= 'z'; }
static inline int is_letter(char c) { return is_upper(c) || is_lower(c); }

/* A text with its end, as all of these read it. */
struct text { const char *p; size_t n; };

/* The first place at or after `at` that is not white space (no-break spaces
 * count as white); the place after the last one before `at`. */
size_t text_skip(struct text t, size_t at);
size_t text_back(struct text t, size_t at);
/* The same within a line. */
size_t text_skip_blank(struct text t, size_t at);
/* The end of the line that `at` is in: its newline, or the text's end; looked
 * for over `most` bytes, since a line may be all of a text. */
size_t text_line_end(struct text t, size_t at, size_t most);
/* Does t.p begin with s at `at`? */
int text_is(struct text t, size_t at, const char *s);
/* The same, where a blank in s stands for any white space. */
int text_phrase(struct text t, size_t at, const char *s);
/* Is the word at `at` one of the words (lower case, NULL ends), in any case?
 * Its length, or 0.  A word is a run of letters. */
size_t text_word(struct text t, size_t at, const char *const *words);
/* The same for the word that ends at `end`. */
size_t text_word_before(struct text t, size_t end, const char *const *words);
/* The place before the closing quotes and brackets that end at `end`. */
size_t text_unquote(struct text t, size_t end);
/* Does a sentence end at `end`, given that white space follows?  The point of
 * an abbreviation or initial ends none. */
int text_sentence_end(struct text t, size_t end);
/* The end of the first sentence in [from, to), after its point; `to` if there
 * is none before it. */
size_t text_sentence(struct text t, size_t from, size_t to);

/* --- marks (clause_mark.c) ------------------------------------------------ */

enum mark_delim { DELIM_PAREN, DELIM_HALF, DELIM_POINT, DELIM_BARE,
                  DELIM_BULLET };
enum mark_unit { UNIT_NONE, UNIT_SECTION, UNIT_ARTICLE, UNIT_PART,
                 UNIT_ATTACHED };
/* Where a mark stands, weakest first: inside a sentence, after a comma or
 * colon, after a sentence or heading, after a wide gap, at the start of a
 * line. */
enum mark_place { PLACE_REFERENCE, PLACE_MID, PLACE_ITEM, PLACE_SENTENCE,
                  PLACE_GAP, PLACE_LINE };

enum { MARK_PARTS = 8 };
struct mark {
    size_t from;            /* the unit word, or the number */
    struct span number;     /* as printed, without trailing point */
    size_t after;           /* where what it numbers begins */
    size_t title;           /* where a heading before it begins; 0: none */
    enum mark_delim delim;
    enum mark_unit unit;
    enum mark_place place;
    const char *unit_name;  /* "section"; NULL: none */
    int upper;              /* letters in upper case */
    int letter;             /* a 1, z 26, aa 27; 0: not letters */
    int roman;              /* i 1; 0: no roman number */
    int part[MARK_PARTS];   /* arabic: "2.10.1" is 2, 10, 1 */
    int n_part;
};

/* "1.", "Article I", "2.1": what contracts are divided by, not what sentences
 * are. */
static inline int is_section(const struct mark *m)
{
    return m->unit != UNIT_NONE ||
           (m->n_part && m->delim >= DELIM_POINT && m->delim != DELIM_BULLET);
}

/* Is there a mark at `at`, which begins a word?  1 or 0; m->place is left for
 * the caller. */
int mark_at(struct text t, size_t at, struct mark *m);

/* --- all marks of a text (clause_place.c) --------------------------------- */

struct marks { struct mark *at; int n, cap; };

/* Appends every mark with its place; 0, or -1 without memory. */
int marks_find(struct text t, const struct clauses *c, struct marks *out);

/* --- furniture (clause_page.c) -------------------------------------------- */

/* Finds page numbers, running heads and feet, tables of contents, in order,
 * into c->furniture; 0, or -1 without memory. */
int page_find(struct text t, struct clauses *c);
/* text_skip() and text_back() that step over furniture as well. */
size_t page_skip(struct text t, const struct clauses *c, size_t at);
size_t page_back(struct text t, const struct clauses *c, size_t at);
/* The length of "7", "- 7 -" or "Page 7 of 12" in [at, to), if nothing follows
 * it, with the number; else 0. */
size_t page_number(struct text t, size_t at, size_t to, int *value);
/* The table of contents whose caption stands at `at`; empty: none does.
 * *captions counts them, for each is looked into far.  (clause_contents.c) */
struct span contents_find(struct text t, size_t at, int *captions);
/* Where a table of contents begins in [from, to), without the white space
 * before it; `to` where none does. */
size_t page_contents(struct text t, const struct clauses *c, size_t from,
                     size_t to);

/* --- starts of what has no number (clause_start.c) ------------------------ */

enum start_kind {
    START_OTHER,            /* a line that is neither: an address, a cell */
    START_TEXT,             /* a paragraph of at least one sentence */
    START_HEAD,             /* a heading in a line of its own */
    START_RECITAL,          /* "WHEREAS ..." */
    START_AGREED,           /* "NOW, THEREFORE ...", "... agree as follows:" */
    START_TESTIMONIUM,      /* "IN WITNESS WHEREOF ..." */
    START_SIGNATURE         /* "By: ...", "Signed ..." */
};
/* Of headings, outermost first. */
enum start_level { LEVEL_MARKDOWN = 1, LEVEL_CAPITALS = 7, LEVEL_TITLE = 8,
                   LEVEL_RUN_IN = 9 };
struct start {
    size_t from, to;        /* to the next start */
    size_t head;            /* where its heading ends; from: none */
    enum start_kind kind;
    int level;              /* as a heading; 0: none */
    int numbered;           /* a mark stands here, which may be a clause */
};
struct starts { struct start *at; int n, cap; };

/* 0, or -1 without memory. */
int starts_find(struct text t, const struct clauses *c,
                const struct marks *marks, struct starts *out);

/* --- the tree (clause_grow.c) --------------------------------------------- */

enum { CLAUSES_MAX = 20000, FRAMES_MAX = 24 };

enum sor_err clauses_grow(const struct document *d, const struct marks *marks,
                          const struct starts *starts, struct clauses *c,
                          struct sor_msg *msg);

/* --- headings (clause_head.c) --------------------------------------------- */

struct words { int n, capital, shouted; };
/* Words in [from, to); of them those that begin with a capital (or may be
 * small in a title), and those without a small letter. */
struct words head_words(struct text t, size_t from, size_t to);
/* Is there a word in [from, to) that only sentences have? */
int head_has_verb(struct text t, size_t from, size_t to);
/* The heading that begins at `from`, after a number or at a paragraph's start,
 * and ends before `to`; an empty span where there is none. */
struct span head_run_in(struct text t, size_t from, size_t to);
/* Is [from, to), a paragraph without a number, a heading?  Its level or 0. */
int head_level(struct text t, size_t from, size_t to);

#endif
