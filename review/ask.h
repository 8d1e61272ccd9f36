/* review/ask.h - the readings of a review: asked for one by one, computed
 * together, each input once.
 *
 * Claims, paths and checks often read the same words.  They ask for what they
 * need, asks_run() has the judge read what is new, and asks_get() finds an
 * answer by its input.
 *
 * Ownership  the texts are borrowed until asks_release(). */
#ifndef REVIEW_ASK_H
#define REVIEW_ASK_H

#include "base/err.h"
#include "review/judge.h"
#include "review/memo.h"

struct ask { struct passage_text passage; const char *statement; };

struct asks {
    struct memo memo;           /* answered */
    struct ask *at;             /* [n] not yet */
    int n, cap;
    enum sor_err failed;        /* an asks_add() that ran out of memory */
};

void asks_release(struct asks *a);              /* a zeroed one is fine */
void asks_add(struct asks *a, const struct passage_text *p,
              const char *statement);
/* Reads all that is open; once: see judge.h. */
enum sor_err asks_run(struct asks *a, struct judge *j, int once,
                      const struct judge_watch *watch, struct sor_msg *msg);
/* NULL where it was not asked for. */
const struct memo_entry *asks_get(const struct asks *a,
                                  const struct passage_text *p,
                                  const char *statement);

#endif
