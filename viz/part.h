/* viz/part.h - the parts of a review's HTML page, in its order.
 *
 * Anchors: f3 a finding and m3 its words in the text, c12 a clause, k2 a claim
 * (all as the rows number them, clauses from 1).  Links lead both ways, so
 * that the page needs no script. */
#ifndef VIZ_PART_H
#define VIZ_PART_H

#include "viz/report.h"

/* "High", .. of a severity, and the letters of its class in page.css. */
const char *part_severity(int severity);

/* <b> in the verdict's colour and with its sign, open. */
void part_verdict(const char *verdict, struct str *out);

/* What needs you, what was not checked, how often verdicts are wrong, the
 * reviewer's box, how to compute it again. */
void part_first(const struct report *r, struct str *out);
/* Every finding, with what filters and sorts them. */
void part_findings(const struct report *r, struct str *out);
/* The document, findings and evidence marked in it and named beside it. */
void part_document(const struct report *r, struct str *out);
/* A page for each claim. */
void part_claims(const struct report *r, struct str *out);
/* Definitions, references and what gives way to what, duties. */
void part_tables(const struct report *r, struct str *out);

/* The words of the document in quotes; nothing where it has no place. */
void part_quote(const struct report *r, int from, int to, struct str *out);
/* A link to where a clause stands in the text; nothing for none. */
void part_clause(const struct report *r, int64_t clause_id, struct str *out);

#endif
