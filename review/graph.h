/* review/graph.h - the logic of a document: what defines, uses, refers to,
 * conditions, excepts and overrides what, and who must, may or must not.
 *
 * Found by rule.  The words that the rules look for (modals, openers of
 * conditions, forms of definition and of reference) are PCRE2 patterns in the
 * domain pack; the C code knows what to do with a match, not what it says. */
#ifndef REVIEW_GRAPH_H
#define REVIEW_GRAPH_H

#include "review/clause.h"
#include "review/pack.h"

enum node_kind {
    NODE_CLAUSE,            /* index: into clauses */
    NODE_TERM,              /* index: into graph.term */
    NODE_EXTERNAL,          /* name: "external:..." without the prefix */
    NODE_EXTERNAL_TERM,
    NODE_DANGLING,          /* name: the reference as printed */
    NODE_DOCUMENT,
    NODE_CLAIM              /* index: into the review's claims */
};
struct node { enum node_kind kind; int index; const char *name; };

enum edge_kind { EDGE_DEFINES, EDGE_USES, EDGE_REFERS_TO, EDGE_CONDITION_OF,
                 EDGE_EXCEPTION_TO, EDGE_OVERRIDES, EDGE_CONFLICTS_WITH,
                 EDGE_SUPPORTS, EDGE_CONTRADICTS, EDGE_KINDS };

struct edge {
    enum edge_kind kind;
    struct node src, dst;   /* as the annotation guidelines order them */
    struct span span;       /* the words that say so */
    float score;            /* 1: by rule; else a probability */
    const char *rule;       /* which pattern of the pack; NULL: scored */
};

struct term {
    char *name;             /* as defined, without quotation marks */
    int clause;             /* where first defined */
    struct span span;       /* the term there */
    struct span meaning;    /* the words that give it its meaning */
    int n_def, n_use;
};

enum norm_kind { NORM_OBLIGATION, NORM_PERMISSION, NORM_PROHIBITION };
struct norm {
    int clause;
    enum norm_kind kind;
    char *bearer;           /* as printed, or the defined party; or
                             * "(unstated)" */
    char *modal;            /* as printed */
    struct span span;       /* bearer to the end of the act */
    struct span act;
    struct span deadline, amount;       /* from == to: none */
};

/* A value that the text states, in a form that code can compare. */
enum value_kind { VALUE_PERIOD, VALUE_DATE, VALUE_AMOUNT, VALUE_PERCENT,
                  VALUE_LAW, VALUE_PARTY };
struct value {
    enum value_kind kind;
    int clause;
    struct span span;
    char *norm;             /* "P30D", "2024-03-01", "USD 1000000.00", "5%",
                             * "new york", party as defined */
};

enum { VALUE_FORM = 96 };           /* bytes of a form, its end included */
/* Is text one value of this kind and nothing else?  1 and its form, or 0; of a
 * party always 0. */
int value_of(const struct pack *p, enum value_kind kind, const char *text,
             char norm[VALUE_FORM]);
/* Do two forms of a kind say one thing?  1, 0; -1: code cannot tell, as of
 * "P30D" and "P1M". */
int value_same(enum value_kind kind, const char *a, const char *b);

struct graph {
    struct term *term;   int n_term;
    struct edge *edge;   int n_edge;    /* by span.from */
    struct norm *norm;   int n_norm;
    struct value *value; int n_value;
    struct party { char *name, *role; struct span span; } *party;
    int n_party;            /* of the preamble: "Acme Ltd", "Supplier" */
};

enum sor_err graph_read(const struct document *d, const struct clauses *c,
                        const struct pack *p, struct graph **out,
                        struct sor_msg *msg);
void graph_close(struct graph *g);              /* accepts NULL */

const char *edge_kind_name(enum edge_kind k);   /* "condition_of" */
const char *norm_kind_name(enum norm_kind k);
const char *value_kind_name(enum value_kind k);
int value_kind_of(const char *name);            /* -1: none is called so */
/* "c12", "term:X", "external:X", "dangling:X", "document", "claim:ID" into
 * buf; returns buf.  claim_id is called for NODE_CLAIM; NULL: never. */
const char *node_name(const struct graph *g, const struct node *n, char *buf,
                      size_t size);

/* What is wrong with a document, by rule. */
enum defect_kind {
    DEFECT_UNDEFINED_TERM, DEFECT_UNUSED_DEFINITION,
    DEFECT_DUPLICATE_DEFINITION, DEFECT_INCONSISTENT_CAPITALISATION,
    DEFECT_DANGLING_REFERENCE, DEFECT_CIRCULAR_PRECEDENCE,
    DEFECT_CONFLICTING_NUMBER, DEFECT_CONTRADICTORY_SURVIVAL,
    DEFECT_PLACEHOLDER, DEFECT_WRONG_PARTY_NAME, DEFECT_MISSING_CLAUSE,
    DEFECT_CONFLICTING_LAW,
    DEFECT_KINDS
};
struct defect {
    enum defect_kind kind;
    struct span span;       /* from == to: an absence */
    struct span related;    /* the other place; from == to: none */
    char *note;             /* one sentence for a reader */
    const char *missing;    /* DEFECT_MISSING_CLAUSE: the pack's id, e.g.
                             * "governing_law" */
    int n_searched;         /* its witness: clauses searched */
};
struct defects { struct defect *at; int n; };

enum sor_err defects_find(const struct document *d, const struct clauses *c,
                          const struct graph *g, const struct pack *p,
                          struct defects **out, struct sor_msg *msg);
void defects_close(struct defects *x);          /* accepts NULL */
const char *defect_kind_name(enum defect_kind k);   /* "undefined_term";
                             * a missing clause: "missing_" and its id is
                             * made by output */

#endif
