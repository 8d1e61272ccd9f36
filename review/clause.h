/* review/clause.h - the clauses of a document, by rule.
 *
 * A clause is one numbered, lettered or headed provision at any level, or one
 * unnumbered body paragraph; parents contain their children.  The definition
 * is that of the annotated graphs we measure against: numbers without
 * "Section" and trailing points, spans from the number to the end of the last
 * sub-clause, no title, testimonium, signature block, table of contents, page
 * header or footer. */
#ifndef REVIEW_CLAUSE_H
#define REVIEW_CLAUSE_H

#include "review/document.h"

enum clause_kind {
    CLAUSE_NUMBERED,        /* "1.1", "(a)", "Article IV", "Schedule 2" */
    CLAUSE_HEADED,          /* a printed heading without a number */
    CLAUSE_PARAGRAPH,       /* an unnumbered body paragraph */
    CLAUSE_PREAMBLE,        /* the first paragraph: who and when */
    CLAUSE_RECITAL,         /* "WHEREAS ..." */
    CLAUSE_ITEM             /* of a list run into a sentence, or a bullet */
};

struct clause {
    enum clause_kind kind;
    int parent;             /* index; -1: top */
    int depth;              /* 0: top */
    char *number;           /* "2.10.1", "IV", "(a)"; NULL: none */
    char *path;             /* full number: "2.1(a)(iv)"; NULL: none */
    char *heading;          /* as printed; NULL: none */
    char *unit;             /* "Section", "Article", "Exhibit" as printed
                             * before the number, lower case; NULL */
    struct span span;       /* number to the end of the last sub-clause */
    struct span own;        /* span up to the first sub-clause, or all of it */
    struct span text;       /* own without number and heading: what is read */
    int page;               /* 1-based; 0: none */
};

/* What is in the document and is no clause. */
enum furniture_kind { FURNITURE_TITLE, FURNITURE_TOC, FURNITURE_HEADER,
                      FURNITURE_FOOTER, FURNITURE_TESTIMONIUM,
                      FURNITURE_SIGNATURE };
struct furniture { enum furniture_kind kind; struct span span; };

struct clauses {
    struct clause *at;      /* [n] in document order, parents first */
    int n;
    struct furniture *furniture;        /* [n_furniture] in order */
    int n_furniture;
};

/* SOR_NOMEM; SOR_LIMIT: over 20,000 clauses.  A text without any gives n 0. */
enum sor_err clauses_read(const struct document *d, struct clauses **out,
                          struct sor_msg *msg);
void clauses_close(struct clauses *c);          /* accepts NULL */

/* The innermost clause that holds all of s; -1: none. */
int clauses_holding(const struct clauses *c, struct span s);
/* The clause with this full number ("2.1(a)"), or number, seen from clause
 * `from` (a sibling or descendant of an ancestor wins); -1: none. */
int clauses_numbered(const struct clauses *c, const char *number, int from);

/* The pieces a model reads: every clause with text of its own, long ones cut
 * at sentence ends so that none exceeds about `max_bytes`.  A piece never
 * crosses a clause. */
struct passage { int clause; struct span span; };
struct passages { struct passage *at; int n; };
enum sor_err passages_cut(const struct document *d, const struct clauses *c,
                          size_t max_bytes, struct passages **out,
                          struct sor_msg *msg);
void passages_close(struct passages *p);        /* accepts NULL */

#endif
