/* engine/tok_bpe.c - see tok_bpe.h.
 *
 * DESIGN  The piece is a doubly linked list of ids.  A heap holds every
 * adjacent pair that can merge as rank << 32 | position, so its order is the
 * order of BPE: lowest rank, then leftmost.  Entries are never removed when a
 * neighbour changes; a popped one counts only if the ids that its rank joins
 * still stand at its position. */
#include "engine/tok_bpe.h"

#include "base/mem.h"

static const uint32_t none = UINT32_MAX;

struct tok_bpe {
    struct tok_merge *merge;    /* [n] by rank */
    size_t            n;
    uint32_t         *slot;     /* [mask + 1] rank, or none */
    size_t            mask;
};

/* --- pairs to ranks ------------------------------------------------------- */

static size_t pair_hash(int32_t left, int32_t right)
{
    uint64_t x = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;

    x *= 0x9E3779B97F4A7C15u;   /* 2^64 / golden ratio: Knuth, TAOCP 6.4 */
    return (size_t)(x ^ x >> 29);
}

/* The slot of a pair, or the free one where it would go. */
static uint32_t *find(const struct tok_bpe *b, int32_t left, int32_t right)
{
    size_t i = pair_hash(left, right) & b->mask;

    for (;; i = (i + 1) & b->mask) {
        uint32_t r = b->slot[i];

        if (r == none || (b->merge[r].left == left &&
                          b->merge[r].right == right))
            return &b->slot[i];
    }
}

enum sor_err tok_bpe_open(struct tok_merge *merge, size_t n,
                          struct tok_bpe **out)
{
    struct tok_bpe *b = mem_calloc(1, sizeof *b);
    size_t slots = 16;

    while (slots < 2 * n)
        slots *= 2;
    if (b) {
        b->merge = merge;
        b->n = n;
        b->mask = slots - 1;
        b->slot = mem_calloc(slots, sizeof *b->slot);
    } else {
        mem_free(merge);
    }
    if (!b || !b->slot) {
        tok_bpe_close(b);
        return SOR_NOMEM;
    }
    for (size_t i = 0; i < slots; i++)
        b->slot[i] = none;
    for (size_t r = 0; r < n; r++) {
        uint32_t *s = find(b, merge[r].left, merge[r].right);

        if (*s == none)
            *s = (uint32_t)r;
    }
    *out = b;
    return SOR_OK;
}

void tok_bpe_close(struct tok_bpe *b)
{
    if (!b)
        return;
    mem_free(b->merge);
    mem_free(b->slot);
    mem_free(b);
}

/* --- work space ----------------------------------------------------------- */

enum sor_err tok_bpe_reserve(struct tok_bpe_work *w, size_t n)
{
    if (n <= w->cap)
        return SOR_OK;
    tok_bpe_work_release(w);
    w->cap = n < 64 ? 64 : n;
    w->id = mem_calloc(w->cap, sizeof *w->id);
    w->prev = mem_calloc(w->cap, sizeof *w->prev);
    w->next = mem_calloc(w->cap, sizeof *w->next);
    /* n - 1 pairs to begin with; each of up to n - 1 merges takes one out and
     * puts in at most two */
    w->heap = mem_calloc(w->cap, 2 * sizeof *w->heap);
    if (w->id && w->prev && w->next && w->heap)
        return SOR_OK;
    tok_bpe_work_release(w);
    return SOR_NOMEM;
}

void tok_bpe_work_release(struct tok_bpe_work *w)
{
    mem_free(w->id);
    mem_free(w->prev);
    mem_free(w->next);
    mem_free(w->heap);
    *w = (struct tok_bpe_work){ 0 };
}

/* --- a binary heap, least on top ------------------------------------------ */

static void heap_push(uint64_t *h, size_t *n, uint64_t v)
{
    size_t i = (*n)++;

    for (; i > 0 && h[(i - 1) / 2] > v; i = (i - 1) / 2)
        h[i] = h[(i - 1) / 2];
    h[i] = v;
}

static uint64_t heap_pop(uint64_t *h, size_t *n)
{
    uint64_t top = h[0], last = h[--*n];
    size_t i = 0;

    for (size_t kid; (kid = 2 * i + 1) < *n; i = kid) {
        if (kid + 1 < *n && h[kid + 1] < h[kid])
            kid++;
        if (h[kid] >= last)
            break;
        h[i] = h[kid];
    }
    h[i] = last;
    return top;
}

/* --- merging -------------------------------------------------------------- */

/* Queues the pair that starts at `at`, if it merges. */
static void queue(const struct tok_bpe *b, struct tok_bpe_work *w, uint32_t at,
                  size_t *n_heap)
{
    if (at == none || w->next[at] == none)
        return;
    uint32_t rank = *find(b, w->id[at], w->id[w->next[at]]);
    if (rank != none)
        heap_push(w->heap, n_heap, (uint64_t)rank << 32 | at);
}

size_t tok_bpe_merge(const struct tok_bpe *b, struct tok_bpe_work *w, size_t n)
{
    size_t n_heap = 0, kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        w->prev[i] = i ? i - 1 : none;
        w->next[i] = i + 1 < n ? i + 1 : none;
    }
    for (uint32_t i = 0; i < n; i++)
        queue(b, w, i, &n_heap);
    while (n_heap > 0) {
        uint64_t top = heap_pop(w->heap, &n_heap);
        const struct tok_merge *m = &b->merge[top >> 32];
        uint32_t at = (uint32_t)top, right = w->next[at];

        if (w->id[at] != m->left || right == none ||
            w->id[right] != m->right)
            continue;           /* overtaken by another merge */
        w->id[at] = m->both;
        w->id[right] = -1;      /* no merge joins -1 */
        w->next[at] = w->next[right];
        if (w->next[at] != none)
            w->prev[w->next[at]] = at;
        queue(b, w, w->prev[at], &n_heap);
        queue(b, w, at, &n_heap);
    }
    for (size_t i = 0; i < n; i++)
        if (w->id[i] >= 0)
            w->id[kept++] = w->id[i];
    return kept;
}
