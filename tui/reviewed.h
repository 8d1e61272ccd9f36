/* tui/reviewed.h - one review's rows in memory, for the views that show it:
 * findings, claims, document.
 *
 * A review of a long contract has some ten thousand rows, read once when a
 * view opens and again when the database changes.
 *
 * In an address, `step` names a row of a review (the ordinal of a finding or
 * a claim), and `pos` a place in its document (code points). */
#ifndef TUI_REVIEWED_H
#define TUI_REVIEWED_H

#include "db/review.h"
#include "tui/view.h"

struct reviewed {
    struct db_review_set set[DB_REVIEW_TABLES];     /* those of `wanted` */
    const struct db_document *doc;      /* NULL: none, or forgotten */
};

/* The row i of a table. */
#define REVIEWED_ROW(r, table, type, i)                                       \
    ((const struct type *)(r)->set[table].row + (i))

/* Reads the tables whose bits are in `wanted` and the document.  A zeroed
 * struct, or one read before. */
enum sor_err reviewed_load(struct reviewed *r, struct db *d, int64_t run_id,
                           unsigned wanted, struct sor_msg *msg);
void reviewed_release(struct reviewed *r);      /* a zeroed one is fine */

/* The words of the document at code points from..to; n 0 where there are
 * none. */
struct db_str reviewed_quote(const struct reviewed *r, int from, int to);

/* The clause that this id, or that holds code point `at`; NULL: none. */
const struct db_clause *reviewed_clause(const struct reviewed *r, int64_t id);
const struct db_clause *reviewed_holding(const struct reviewed *r, int at);
/* "7.2", "(unnumbered)" or, without a clause, "". */
const char *reviewed_number(const struct db_clause *c);

/* The newest decision on a finding; NULL: none. */
const struct db_decision *reviewed_decision(const struct reviewed *r,
                                            int64_t finding_id);

/* How a verdict reads and looks: "not addressed", ROLE_GOOD. */
const char *reviewed_verdict(const char *verdict);
unsigned reviewed_role(const char *verdict);
const char *reviewed_severity(int severity);
unsigned reviewed_severity_role(int severity);

/* How often verdicts on this claim were wrong where that was measured. */
void reviewed_wrong(const struct db_claim *c, struct doc *d);

/* A place in a review's document, a claim or finding of it. */
struct db_addr addr_place(int64_t run_id, int pos);
struct db_addr addr_item(int64_t run_id, int ordinal);

/* The quotation as a paragraph that leads to its place. */
void reviewed_show(const struct reviewed *r, int64_t run_id, int from, int to,
                   struct doc *d);

/* The summary's part on a review: what was found, and where to go from here.
 * 0: this run is none. */
int reviewed_summary(struct tui *t, int64_t run_id, struct doc *d);

#endif
