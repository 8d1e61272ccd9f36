/* review/memo.h - readings by their input, so that none is computed twice: not
 * within a review, and not after a review was cut off.
 *
 * A key is a digest of (context, text, statement); a reading is also found by
 * the digest of its logits, by which paths name theirs.
 *
 * Threads  one thread at a time. */
#ifndef REVIEW_MEMO_H
#define REVIEW_MEMO_H

#include <stddef.h>
#include <stdint.h>

#include "review/judge.h"

struct memo_key { uint64_t a, b; };

/* statement NULL: the question for the type. */
struct memo_key memo_key_of(const struct passage_text *p,
                            const char *statement);

struct memo_entry {
    struct memo_key key;
    float logit[RELATIONS];
    uint64_t digest;
    int n_tok;
    int64_t id;                 /* of its row */
};

struct memo {
    struct memo_entry *at;      /* [n] in order of arrival */
    int n, cap;
    uint32_t *by_key, *by_digest;   /* [n_slot] 1 + index; 0: free */
    size_t n_slot;              /* a power of two, over 2 * n */
};

void memo_release(struct memo *m);              /* a zeroed one is fine */
const struct memo_entry *memo_find(const struct memo *m, struct memo_key key);
const struct memo_entry *memo_find_digest(const struct memo *m,
                                          uint64_t digest);
/* A key that is there already stays as it is.  SOR_NOMEM. */
enum sor_err memo_put(struct memo *m, const struct memo_entry *e);

#endif
