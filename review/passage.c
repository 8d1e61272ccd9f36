/* review/passage.c - clauses cut into what a model reads at once. */
#include "review/clause.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/clause_impl.h"

struct cutter { struct passages *p; int cap; };

static int put(struct cutter *k, int clause, size_t from, size_t to)
{
    struct passages *p = k->p;

    if (p->n == k->cap) {
        const int cap = k->cap ? 2 * k->cap : 64;
        struct passage *at = mem_realloc(p->at, (size_t)cap, sizeof *at);

        if (!at)
            return -1;
        p->at = at;
        k->cap = cap;
    }
    p->at[p->n++] = (struct passage){ clause, { from, to } };
    return 0;
}

/* The best place to cut [from, to) so that the piece has at most `most` bytes:
 * the last sentence end, else the last white space, else the last character. */
static size_t cut(struct text t, size_t from, size_t to, size_t most)
{
    size_t sentence = 0, space = 0, end = from + most;

    if (to - from <= most)
        return to;
    for (size_t at = from + most / 4; at < end; at++) {
        if (!is_space(t.p[at]))
            continue;
        space = at;
        if (text_sentence_end(t, at))
            sentence = at;
    }
    if (sentence || space)
        return sentence ? sentence : space;
    while (end > from + 1 && ((unsigned char)t.p[end] & 0xC0) == 0x80)
        end--;
    return end;
}

/* Are there `least` letters in [from, to)? */
static int has_letters(struct text t, size_t from, size_t to, int least)
{
    int n = 0;

    for (; from < to && n < least; from++)
        n += is_letter(t.p[from]) || (t.p[from] & 0x80);
    return n >= least;
}

static int cut_pieces(struct text t, struct passage whole, size_t most,
                      struct cutter *k)
{
    size_t from = text_skip(t, whole.span.from);
    const size_t to = text_back(t, whole.span.to);

    while (from < to && strchr(".,;:", t.p[from]))  /* the last item's point */
        from = text_skip(t, from + 1);
    while (from < to) {
        const size_t end = cut(t, from, to, most);

        if (put(k, whole.clause, from, text_back(t, end)))
            return -1;
        from = text_skip(t, end);
    }
    return 0;
}

/* The text of clause i that is in none of its children, in pieces: before
 * them, between them, and after a list that is run into a sentence.  "; and"
 * between two items is no piece. */
static int cut_clause(struct text t, const struct clauses *c, int i,
                      size_t most, struct cutter *k)
{
    enum { FIRST = 1, LATER = 6 };
    struct passage p = { i, { c->at[i].text.from, c->at[i].span.to } };
    int least = FIRST;

    for (int j = i + 1; j < c->n && c->at[j].span.from < c->at[i].span.to;
         j++) {
        if (c->at[j].parent != i)
            continue;
        p.span.to = c->at[j].span.from;
        if (has_letters(t, p.span.from, p.span.to, least) &&
            cut_pieces(t, p, most, k))
            return -1;
        p.span.from = c->at[j].span.to;
        least = LATER;
    }
    p.span.to = c->at[i].span.to;
    return has_letters(t, p.span.from, p.span.to, least)
        ? cut_pieces(t, p, most, k) : 0;
}

static int by_place(const void *a, const void *b)
{
    const struct passage *x = a, *y = b;

    return x->span.from < y->span.from ? -1 : x->span.from > y->span.from;
}

enum sor_err passages_cut(const struct document *d, const struct clauses *c,
                          size_t max_bytes, struct passages **out,
                          struct sor_msg *msg)
{
    const struct text t = { d->text, d->n_byte };
    struct cutter k = { .p = mem_calloc(1, sizeof *k.p) };

    if (max_bytes < 64)
        max_bytes = 64;
    for (int i = 0; k.p && i < c->n; i++)
        if (cut_clause(t, c, i, max_bytes, &k)) {
            passages_close(k.p);
            k.p = NULL;
        }
    if (k.p && k.p->n)
        qsort(k.p->at, (size_t)k.p->n, sizeof *k.p->at, by_place);
    if (!k.p)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory for its passages",
                        d->name);
    *out = k.p;
    return SOR_OK;
}

void passages_close(struct passages *p)
{
    if (!p)
        return;
    mem_free(p->at);
    mem_free(p);
}
