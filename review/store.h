/* review/store.h - a review into the database, stage by stage.
 *
 *     store_begin()    the run and all that the rules found, one batch
 *     (judging)        each reading as it comes: see store_memory()
 *     store_judged()   types, claims, paths, checks, verdicts, findings
 *     store_end()      how it ended
 *
 * A review that was cut off goes on: where an unfinished one of the same
 * document, pack, model and options is there, store_begin() takes it up and
 * its readings are remembered, so that only the rest is computed.
 *
 * A path of a claim becomes a path of the run of kind 'score': its tokens are
 * the timeline of its decisive reading with the answer behind it, its steps
 * cite, relate, weigh and conclude.  So lens, attention and SQL work on it.
 *
 * Ownership  everything is borrowed until store_close().
 * Errors     as db/write.h; after one the rest of the review is not stored. */
#ifndef REVIEW_STORE_H
#define REVIEW_STORE_H

#include "db/write.h"
#include "review/judge.h"
#include "review/review.h"

struct engine;
struct model_id;
struct store;

struct store_run {
    const struct review_opts *opts;
    const struct engine *engine;        /* NULL: rules only, as the next */
    const struct model_id *model;
};

/* r: as the rules left it.  out's uid: store_uid(). */
enum sor_err store_begin(struct db_writer *w, const struct store_run *run,
                         const struct review *r, struct store **out,
                         struct sor_msg *msg);
void store_close(struct store *s);              /* accepts NULL */

const char *store_uid(const struct store *s);   /* 32 hex digits */
int64_t store_run_id(const struct store *s);
/* Readings of an earlier, unfinished review that are taken up; 0: none. */
int store_resumed(const struct store *s);

/* For review_opts.memory: recalls and keeps readings. */
const struct judge_memory *store_memory(struct store *s);

/* judge: the one that read, for the tokens; NULL where rules only. */
enum sor_err store_judged(struct store *s, const struct review *r,
                          const struct judge *judge, struct sor_msg *msg);

/* status: "complete", "interrupted" (may be taken up: no row is written). */
enum sor_err store_end(struct store *s, const char *status,
                       struct sor_msg *msg);

#endif
