/* review/store_impl.h - the inside of struct store, for the files that make it
 * up: store.c (run, readings, end), store_rules.c, store_claims.c. */
#ifndef REVIEW_STORE_IMPL_H
#define REVIEW_STORE_IMPL_H

#include "db/review.h"
#include "review/memo.h"
#include "review/store.h"

struct store {
    struct db_writer *w;
    const struct review *r;
    const struct review_opts *opts;
    const struct engine *engine;
    int64_t run_id, model_id;
    char uid[33];
    /* ids of rows, by index in the review */
    int64_t document_id, *clause, *passage, *term, *defect;
    int64_t *claim;                     /* from store_judged() on */
    uint64_t start_ns, commit_ns;
    int is_open;                        /* a batch of readings is */
    int n_resumed, n_token;

    struct memo pair, type;
    float *logp;                        /* [type.n][n_type] */
    int cap_logp;
    struct judge_memory memory;
    enum sor_err lost;                  /* why readings are no longer kept */
    struct sor_msg lost_msg;
};

/* Puts one row of this run. */
enum sor_err store_row(struct store *s, enum db_review_table t,
                       const void *row, int64_t *id, struct sor_msg *msg);

/* Code points before a byte; -1 in both where the span is empty. */
struct store_place { int from, to; };
struct store_place store_place(const struct store *s, struct span span);
/* The id of clause i; 0: -1. */
int64_t store_clause(const struct store *s, int i);

/* The document and what the rules found, into the open batch. */
enum sor_err store_rules(struct store *s, struct sor_msg *msg);
/* Claims to findings, into the open batch. */
enum sor_err store_claims(struct store *s, const struct judge *judge,
                          struct sor_msg *msg);

#endif
