/* viz/report.h - a review as its readers see it: all rows of one run, loaded,
 * for whatever prints them (terminal, Markdown, HTML).
 *
 * Everything said to a person about a review comes from here, so that every
 * report and SQL agree, and decisions show in all of them.
 *
 * Ownership  report_load()/report_close(). */
#ifndef VIZ_REPORT_H
#define VIZ_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "db/review.h"

/* One step of a path of a claim: what it came to there, and whose word that is
 * (rule, scored). */
struct report_step {
    int64_t path_id;
    int ordinal;
    const char *role, *origin, *text;   /* in `words`; text NULL: forgotten */
    char *words;
};

/* What an end of the logic is called that is no row of the document: another
 * document, a reference to nothing. */
struct report_name { int64_t text_id; char *words; };

struct report {
    int64_t run_id;
    char uid[33], started[21], isa[16], status[16];
    char model[128], model_sha256[65];  /* "": no model was used */
    char head[65];                      /* of the hash chain, when read */
    char program[32], doc_sha256[65];
    double seconds;                     /* 0: not ended */
    struct db_review_set set[DB_REVIEW_TABLES];
    struct report_step *step;   /* [n_step] of all paths of claims, in order */
    int n_step;
    struct report_name *name;   /* [n_name] one an edge that ends in one */
    int n_name;

    int redline;                /* set by the caller: suggested text as a
                                 * change of the document's */
    const struct db_review *review;
    const struct db_document *doc;
    uint32_t *byte;             /* [n_char + 1] where a code point begins */
    int n_char;
};

/* SOR_NOTFOUND: the run is no review, or was forgotten. */
enum sor_err report_load(struct db *d, int64_t run_id, struct report **out,
                         struct sor_msg *msg);
void report_close(struct report *r);            /* accepts NULL */

/* Row i of a table, and how many there are. */
const void *report_row(const struct report *r, enum db_review_table t, int i);
int report_n(const struct report *r, enum db_review_table t);
/* The row with this id; NULL: 0, or none. */
const void *report_find(const struct report *r, enum db_review_table t,
                        int64_t id);

/* Bytes of the document at code points from..to, clipped to it. */
struct report_text { const char *p; size_t n; };
struct report_text report_quote(const struct report *r, int from, int to);

/* "2.1(a)", else "c12"; "" for none.  Into buf. */
enum { REPORT_NAME = 48 };
const char *report_clause(const struct report *r, int64_t clause_id,
                          char buf[REPORT_NAME]);

/* What an end of a db_logic row is called: "c12", "term:Fee", "document",
 * "claim:nda-1", "external:GDPR", "dangling:Section 9"; appended. */
void report_put_node(const struct report *r, const char *kind, int64_t id,
                     struct str *out);

/* Step `ordinal` of a path; NULL: it has none. */
const struct report_step *report_step(const struct report *r, int64_t path_id,
                                      int ordinal);

/* The verdict of a claim; NULL: not reached. */
const struct db_verdict *report_verdict(const struct report *r,
                                        int64_t claim_id);
/* What was decided last of a finding; NULL: nothing yet. */
const struct db_decision *report_decision(const struct report *r,
                                          int64_t finding_id);
/* The same `back` decisions ago (0: the last); NULL: there were no more. */
const struct db_decision *report_decision_back(const struct report *r,
                                               int64_t finding_id, int back);
/* 1-based page of code point `at`; 0: no place, or no pages. */
int report_page(const struct report *r, int at);

/* Is the claim of a kind that was not measured, so that its clauses are ranked
 * and no verdict is given? */
int report_is_ranked(const struct report *r, int64_t claim_id);
/* What a path may conclude, as rows name it and in the order of their p. */
enum { REPORT_VERDICTS = 3 };
extern const char *const report_verdicts[REPORT_VERDICTS];
/* The next path of a claim at or after row *at (start with 0), which its row
 * comes before then; NULL: no more. */
const struct db_claim_path *report_path(const struct report *r,
                                        int64_t claim_id, int *at);
/* Which verdict a path votes for; -1: it does not count. */
int report_vote(const struct db_claim_path *p);
/* How many paths of the claim vote for each, and for any. */
int report_votes(const struct report *r, int64_t claim_id,
                 int n[REPORT_VERDICTS]);

/* The next evidence at or after row *at (start with 0) to show with a claim:
 * what bears on it, or the first REPORT_RANKED ranked but those that hardly do;
 * NULL: no more. */
enum { REPORT_RANKED = 7 };
const struct db_evidence *report_evidence(const struct report *r,
                                          int64_t claim_id, int *at);
/* "bears on it (0.98), supports it (0.51), located, page 3": how likely the
 * passage has any bearing, then the relation with its own probability (none
 * where clauses are only ranked); appended. */
void report_put_evidence(const struct report *r, const struct db_evidence *e,
                         struct str *out);
/* "; 75 % of 8 paths agree; they first part between ..", nothing where no
 * path counts; appended. */
void report_put_agreement(const struct report *r, const struct db_verdict *v,
                          struct str *out);
/* "; .. not likely enough for a verdict" where that alone is why a claim needs
 * review: no path and no check says otherwise; appended. */
void report_put_doubt(const struct report *r, const struct db_verdict *v,
                      struct str *out);
/* What a verdict is worth, behind it: "; wrong in 8 % of 100 (4-15 %); contrast
 * passed; 75 % of 8 paths agree .."; appended. */
void report_put_worth(const struct report *r, const struct db_claim *c,
                      const struct db_verdict *v, struct str *out);
/* How far the paths of this review err together, as the pack measured it once
 * for all claims; nothing where it did not; appended. */
void report_put_correlation(const struct report *r, struct str *out);
/* A probability, "-" where there is none (NaN); appended. */
void report_put_p(struct str *out, double p, int digits);

/* How contrast checks (negation, swap, value) came out. */
enum report_contrast { REPORT_NO_CONTRAST, REPORT_CONTRAST_PASSED,
                       REPORT_CONTRAST_FAILED };
enum report_contrast report_contrast(const struct report *r, int64_t claim_id);
const char *report_contrast_word(enum report_contrast c);

/* "supported", "perhaps supported" of one that needs review, ...; appended. */
void report_put_verdict(const struct db_verdict *v, struct str *out);
/* "wrong in 8 % of 100 (4-15 %)", "unmeasured"; appended. */
void report_put_error_rate(const struct db_claim *c, struct str *out);
/* "needs review", "not addressed", "short context": a word of the rows as people read it. */
const char *report_word(const char *word);
/* "playbook: not acceptable"; appended. */
void report_put_stance(const struct db_verdict *v, struct str *out);
/* "accepted by Ann, 2026-11-24T12:00:00Z: why"; appended. */
void report_put_decision(const struct db_decision *d, struct str *out);

/* The pack's text for a claim whose outcome its playbook does not accept, to
 * stand in place of the claim's first passage [*from, *to), or where -1, -1: to
 * be added.  NULL: none, or the outcome is acceptable. */
const char *report_suggestion(const struct report *r, int64_t claim_id,
                              int *from, int *to);

/* What to say where there is no finding: nothing was found, or the review was
 * cut off before it wrote any; appended. */
void report_put_nothing(const struct report *r, struct str *out);
/* What this review did not look at, one sentence a line; appended. */
void report_put_unchecked(const struct report *r, struct str *out);

/* Does the finding ask for a person: medium or high, and not decided on? */
int report_needs_you(const struct report *r, const struct db_finding *f);

/* The whole report as one JSON object and a newline, with what the Markdown
 * holds under names of their own (docs/reports.md). */
void report_json(const struct report *r, struct str *out);

/* The whole report as Markdown, and as one self-contained HTML page
 * (viz/html.h).  svg: the review's logic as a picture; NULL: none. */
void report_markdown(const struct report *r, struct str *out);
void report_html(const struct report *r, const char *svg, struct str *out);

/* The document's text as a Word file, each finding a comment at its words;
 * with r->redline, suggested text as a tracked change (viz/docx.h). */
enum sor_err report_docx(const struct report *r, struct str *out,
                         struct sor_msg *msg);

#endif
