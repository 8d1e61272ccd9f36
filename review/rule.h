/* review/rule.h - what the rules of the logic graph share; for
 * review/graph.c, term.c, reference.c, logic.c, norm.c and value.c only.
 *
 * A rule runs a list of the pack's patterns once over the whole text, keeps
 * the matches in order, and looks up by binary search what stands near each:
 * its clause, its sentence, the next comma after which a main clause starts.
 *
 * Errors     memory that runs out sets rules.err and turns what follows into
 *            no-ops, so that a rule need not check each step. */
#ifndef REVIEW_RULE_H
#define REVIEW_RULE_H

#include "review/graph.h"

struct hit { const struct pattern *by; struct match m; };
struct hits { struct hit *at; int n, cap; };    /* by m.from[0] */

/* Lists of matches that several rules look into. */
enum shared_hits {
    HITS_SENTENCE,          /* "sentence.end": the end of a sentence */
    HITS_STOP,              /* "logic.stop": a condition ends before it */
    HITS_ASIDE,             /* "logic.aside": a comma, then words of time */
    HITS_MAIN,              /* "logic.main": a comma, then a main clause */
    HITS_LIST,              /* "logic.list": a comma within a list of nouns */
    HITS_VERB,              /* "logic.verb": a finite verb */
    HITS_REFERENCE,         /* "reference": mentions of other clauses */
    HITS_SHARED
};

struct rules {
    const struct document *d;
    const struct clauses *c;
    const struct pack *p;
    struct graph *g;
    int cap_edge, cap_term, cap_norm, cap_value, cap_party;
    struct hits hits[HITS_SHARED];
    enum sor_err err;       /* SOR_NOMEM */
};

/* --- matches ------------------------------------------------------------- */

/* All matches of a purpose, in order, without those that overlap a match of
 * `but_not` (NULL: keep all) or lie in a heading or outside the body. */
struct hits rule_hits(struct rules *r, const char *purpose,
                      const char *but_not);
void hits_free(struct hits *h);
/* The first match that starts at or after `at`; h->n: none. */
int hits_after(const struct hits *h, size_t at);
void hits_sort(struct hits *h);
/* Does the last match that starts at or before `at` hold it? */
int hits_hold(const struct hits *h, size_t at);
/* Does one start within s? */
int hits_within(const struct hits *h, struct span s);
static inline struct span hit_span(const struct hit *h)
{
    return (struct span) { h->m.from[0], h->m.to[0] };
}
/* Does a pattern of this purpose match within s? */
int rule_matches(const struct rules *r, const char *purpose, struct span s,
                 struct match *m);

/* --- places -------------------------------------------------------------- */

struct span rule_trim(const struct rules *r, struct span s);
/* The sentence around `at`, within its clause; starts after number and
 * heading. */
struct span rule_sentence(const struct rules *r, size_t at);
/* Do the words at `at` open their sentence, or what follows "and", "that", a
 * semicolon or a list letter, so that a main clause is still to come? */
int rule_first(const struct rules *r, size_t at);
/* How many brackets are open after byte i, of `depth` before it; < 0: i closes
 * one that was open before.  The bracket of a list's "a)" closes none. */
int rule_brackets(const char *text, size_t i, int depth);
/* Is `at` in a number, a heading or outside every clause? */
int rule_furniture(const struct rules *r, size_t at);
/* The clause before this one under the same parent; else the parent, where
 * this one is an unnumbered paragraph; else -1. */
int rule_before(const struct rules *r, int clause);
/* The first child of `clause` that starts at or after `at`; -1: none. */
int rule_child(const struct rules *r, int clause, size_t at);

/* How far an opened condition, exception or override reaches. */
enum opens {
    OPENS_CLAUSE,           /* "if": a clause with its verb follows */
    OPENS_PHRASE,           /* "upon": a noun follows */
    OPENS_EITHER            /* "except" */
};
struct reach {
    struct span opener;
    enum opens opens;
    int lead_only;          /* a list after it is not part of it */
};
struct span rule_reach(const struct rules *r, const struct reach *o);

/* --- results ------------------------------------------------------------- */

/* Room for one more in an array of n of cap; NULL on failure. */
void *rule_grow(struct rules *r, void *array, int n, int *cap, size_t size);
struct node node_clause(int clause);
/* kind is NODE_EXTERNAL, _EXTERNAL_TERM or _DANGLING; the name is cut from
 * the text, white space collapsed. */
struct node node_named(struct rules *r, enum node_kind kind, struct span s);
struct node node_called(struct rules *r, enum node_kind kind,
                        const char *name);
/* Takes over the names of src and dst. */
void rule_edge(struct rules *r, const struct edge *e);
/* The text of s, white space collapsed; NULL on failure. */
char *rule_text(struct rules *r, struct span s);

/* --- the rules ----------------------------------------------------------- */

void term_read(struct rules *r);
void term_outside(struct rules *r);
void reference_read(struct rules *r);
void logic_read(struct rules *r);
void norm_read(struct rules *r);
void value_read(struct rules *r);

/* The clauses that a match of "reference" names: up to cap of them into
 * `to`, as nodes (clauses or dangling); returns how many.  from: the clause
 * that the words stand in. */
int reference_targets(struct rules *r, const struct hit *h, int from,
                      struct node *to, int cap);

/* Index of the term whose name, in the singular or plural, starts text at s
 * and fills as much of s as any; -1: none. */
int term_at_start(const struct rules *r, struct span s);
/* Is s a term, in the singular or plural, and nothing more? */
int term_fills(const struct rules *r, struct span s);

#endif
