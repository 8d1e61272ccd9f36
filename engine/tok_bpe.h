/* engine/tok_bpe.h - byte-pair merges by rank, on token ids.
 *
 * Threads  read-only once all merges are added; each caller has its own work
 *          space. */
#ifndef ENGINE_TOK_BPE_H
#define ENGINE_TOK_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tok_bpe;

/* One merge: left, right -> both.  Its rank is its place in the list. */
struct tok_merge {
    int32_t left, right, both;
};

/* Takes ownership of merge[n] (mem_free), also on failure.  Where a pair is
 * there twice the first counts.  SOR_NOMEM. */
enum sor_err tok_bpe_open(struct tok_merge *merge, size_t n,
                          struct tok_bpe **out);
void tok_bpe_close(struct tok_bpe *b);          /* accepts NULL */

/* Grows with the longest piece; {0} is an empty one. */
struct tok_bpe_work {
    int32_t  *id;               /* [cap] one id a byte; then the result */
    uint32_t *prev, *next;      /* [cap] */
    uint64_t *heap;             /* [2 * cap] */
    size_t    cap;
};

/* Makes room for a piece of n bytes.  SOR_NOMEM. */
enum sor_err tok_bpe_reserve(struct tok_bpe_work *w, size_t n);
void tok_bpe_work_release(struct tok_bpe_work *w);

/* Merges w->id[0..n) in place, lowest rank first, leftmost among equals, and
 * returns how many ids are left.  Negative ids never merge and are dropped at
 * the end.  O(n log n). */
size_t tok_bpe_merge(const struct tok_bpe *b, struct tok_bpe_work *w,
                     size_t n);

#endif
