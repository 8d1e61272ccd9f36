/* review/review.h - a document reviewed: claims, paths, checks, findings.
 *
 * Stages, each of which can be resumed from what the one before stored:
 *   read     document, clauses, graph, defects           (rules, no model)
 *   type     the type of every clause                    (scored)
 *   rank     every claim against every passage           (scored)
 *   judge    N paths over the cited passages of each claim
 *   check    contrast, knock-out, location, rules, coverage
 *   conclude verdicts, playbook, findings                (rules over scores)
 *
 * A path is one line of reasoning whose input differs from the others'; see
 * enum path_variant.  Paths whose input turned out the same as another's are
 * kept and marked, and do not count.  Prose is never generated. */
#ifndef REVIEW_REVIEW_H
#define REVIEW_REVIEW_H

#include "review/document.h"
#include "review/clause.h"
#include "review/graph.h"
#include "review/judge.h"
#include "review/pack.h"

enum verdict { VERDICT_SUPPORTED, VERDICT_CONTRADICTED, VERDICT_NOT_ADDRESSED,
               VERDICT_NEEDS_REVIEW,    /* open: shown to a person */
               VERDICT_NOT_MEASURED, VERDICTS };

enum path_variant {         /* in the order in which N paths are taken */
    PATH_PLAIN,             /* passages with their running context */
    PATH_PARAPHRASE,        /* another trained wording of the claim */
    PATH_OPPOSITE,          /* the written opposite, turned around */
    PATH_PARAPHRASE_2,
    PATH_SHORT_CONTEXT,     /* context cut to its last sentence */
    PATH_PARENT,            /* the lead-in of the parent clause as context */
    PATH_DEFINITIONS,       /* definitions of the terms used, as context */
    PATH_LOGIC,             /* exceptions, overrides, conditions appended */
    PATH_SUBSET,            /* the best passage left out */
    PATH_VARIANTS
};

enum step_role { STEP_CITE, STEP_RELATE, STEP_WEIGH, STEP_CONCLUDE };

struct arena;

struct evidence {
    int passage, clause;
    struct span span;
    enum relation relation;
    double score;           /* 1 - p(unrelated), calibrated */
    const char *status;     /* "located": cut from the text */
};

struct path_reading {       /* one reading that a path rests on */
    int passage;
    float logit[RELATIONS], p[RELATIONS];
    uint64_t digest;
    int n_tok;
};

struct review_path {
    enum path_variant variant;
    const char *statement;  /* the wording that was read */
    int counts;             /* 0: same input as an earlier path */
    enum verdict verdict;
    double p[3];            /* supported, contradicted, not_addressed */
    struct path_reading *reading;       int n_reading;
    int decisive;           /* index into reading; -1: none */
};

enum check_kind { CHECK_NEGATION, CHECK_SWAP, CHECK_VALUE, CHECK_KNOCKOUT,
                  CHECK_LOCATION, CHECK_RULE, CHECK_COVERAGE, CHECK_TYPE,
                  CHECK_KINDS };
struct check {
    enum check_kind kind;
    int passed;             /* 1, 0; -1: not applicable, note says why */
    const char *input;      /* the changed statement, or what was struck */
    double p[3];            /* what came of it; NaN where none */
    char *note;             /* "sole basis"; "clause 7.2 still carries it" */
    int clause;             /* -1 */
};

struct claim_result {
    const struct claim *claim;
    enum verdict verdict;
    double confidence;      /* calibrated probability that it is right */
    double p[3];
    double stability;       /* share of counting paths that agree */
    int votes[VERDICTS], n_count;
    double error_correlation;           /* between paths, as measured */
    struct evidence *evidence;          int n_evidence;
    struct review_path *path;           int n_path;
    struct check *check;                int n_check;
    int first_diff[2];      /* paths that part: the first pair; -1 */
    enum stance stance;     int has_stance;
    const struct position *position;
    char *flip;             /* what would change it, one sentence */
};

struct finding {
    const char *source;     /* "claim" "defect" "playbook" "missing" */
    int index;              /* into claims or defects */
    int severity;           /* 3 high .. 1 low; 0 information */
    const char *origin;     /* "rule" "scored" */
    char *text;             /* one sentence */
    struct span span;       /* from == to: an absence */
    int clause;
    double confidence;      /* NaN: by rule */
};

struct review {
    struct document *doc;
    struct clauses *clauses;
    struct graph *graph;
    struct defects *defects;
    struct passages *passages;
    int *clause_type;       /* [clauses->n] into pack->type; -1: not scored */
    double *clause_score;
    const char *side;       /* the playbook's party; NULL: none was chosen */
    struct claim_result *claim;         int n_claim;
    struct finding *finding;            int n_finding;
    struct arena *own;      /* holds claims, findings and their texts */
};

struct review_opts {
    struct pack *pack;
    const struct claim *claim;          int n_claim;
    int n_path;             /* 1 .. PATH_VARIANTS */
    int rules_only;
    const char *party;      /* as side_find() knows it; NULL: none chosen */
    int strict;
    int values_only;        /* types of the clauses that state a value, alone:
                             * for claims about values no others count */
    const struct judge_memory *memory;  /* readings known and to be kept, as
                                         * judge_remember(); NULL: none */
    int (*cancelled)(void *ud);
    void (*on_stage)(void *ud, const char *stage, int64_t done,
                     int64_t total);    /* in tokens; total 0: unknown */
    void *ud;
};

/* The two halves of review_open(), for a caller that shows and stores what the
 * rules found before the model is even loaded.  review_read(): stage `read`,
 * and findings by rule.  review_judge(): all other stages of a review that was
 * read, its findings made anew; j was opened with the same pack. */
enum sor_err review_read(const char *path, const struct review_opts *o,
                         struct review **out, struct sor_msg *msg);
enum sor_err review_judge(struct review *r, const struct review_opts *o,
                          struct judge *j, struct sor_msg *msg);

/* e NULL: rules only.  db rows are review/store.h's business. */
enum sor_err review_open(const char *path, const struct review_opts *o,
                         struct engine *e, struct review **out,
                         struct sor_msg *msg);
void review_close(struct review *r);            /* accepts NULL */

const char *verdict_name(enum verdict v);
const char *path_variant_name(enum path_variant v);
const char *check_kind_name(enum check_kind k);

#endif
