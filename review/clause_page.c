/* review/clause_page.c - what is in a text and not of it. */
#include "review/clause_impl.h"

#include "base/mem.h"

/* --- stepping over it ----------------------------------------------------- */

/* The first piece of furniture that ends after `at`; n_furniture: none. */
static int piece_after(const struct clauses *c, size_t at)
{
    int low = 0, high = c->n_furniture;

    while (low < high) {
        int mid = low + (high - low) / 2;

        if (c->furniture[mid].span.to > at)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

size_t page_skip(struct text t, const struct clauses *c, size_t at)
{
    int i = piece_after(c, at);

    for (;;) {
        at = text_skip(t, at);
        if (i >= c->n_furniture || c->furniture[i].span.from > at)
            return at;
        at = c->furniture[i++].span.to;
    }
}

size_t page_back(struct text t, const struct clauses *c, size_t at)
{
    for (;;) {
        at = text_back(t, at);
        if (at == 0)
            return 0;
        const int i = piece_after(c, at - 1);
        if (i >= c->n_furniture || c->furniture[i].span.from >= at)
            return at;
        at = c->furniture[i].span.from;
    }
}
