/* review/judge_keep.h - prefixes that stay computed from one question about a
 * passage to the next.
 *
 * A review asks the same passages several times: for their type, for every
 * claim, for other wordings.  The K/V of up to KEEP_TOKENS tokens of prefixes
 * wait here; a timeline that goes on from one of them has the bits it would
 * have had from the start (engine.h), so nothing depends on what is kept.
 *
 * Ownership  keep_release() before the engine or the adapter is closed. */
#ifndef REVIEW_JUDGE_KEEP_H
#define REVIEW_JUDGE_KEEP_H

#include <stdint.h>

#include "base/err.h"
#include "engine/engine.h"

enum {
    KEEP_TOKENS = 8192,         /* of KV: about 190 MB of a 135 M model */
    KEEP_MOST = 256             /* prefixes */
};

struct keep {                   /* zeroed: empty */
    struct kept {
        int32_t *tok;           /* [n] */
        int n;
        uint64_t hash, used;
        struct session *session;
    } at[KEEP_MOST];
    int n, n_tok;
    uint64_t clock, turn, last; /* when this turn and the one before began */
};

void keep_release(struct keep *k);
/* A timeline that holds exactly these tokens, forked from a kept one.  *out
 * NULL: none is kept. */
enum sor_err keep_fork(struct keep *k, const int32_t *tok, int n, uint64_t tag,
                       struct session **out, struct sor_msg *msg);
/* Another walk over the passages begins.  Of a document that is larger than
 * the room, the first ones stay from walk to walk: were the oldest to go, each
 * would be gone before its turn. */
void keep_turn(struct keep *k);
/* Keeps the first n tokens of s, which are tok[n]; those go that neither this
 * turn nor the last one used.  Where that makes no room, it is not kept.
 * SOR_NOMEM. */
enum sor_err keep_put(struct keep *k, const int32_t *tok, int n,
                      struct session *s, struct sor_msg *msg);

#endif
