#include "trace/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int by_bytes(const void *a, const void *b)
{
    const struct vocab_piece *x = a, *y = b;
    int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

    return c ? c : (x->n > y->n) - (x->n < y->n);
}

int vocab_add(struct vocab *v, const char *p, size_t n)
{
    if (v->n == v->cap) {
        int cap = v->cap ? 2 * v->cap : 256;
        struct vocab_piece *more = mem_realloc(v->piece, (size_t)cap,
                                               sizeof *more);

        if (!more)
            return -1;
        v->piece = more;
        v->cap = cap;
    }
    v->piece[v->n++] = (struct vocab_piece){ p, n };
    return 0;
}

void vocab_sort(struct vocab *v)
{
    int n = 0;

    if (v->n)
        qsort(v->piece, (size_t)v->n, sizeof *v->piece, by_bytes);
    for (int i = 0; i < v->n; i++)
        if (n == 0 || by_bytes(&v->piece[n - 1], &v->piece[i]) != 0)
            v->piece[n++] = v->piece[i];
    v->n = n;
}

int32_t vocab_id(const struct vocab *v, const char *p, size_t n)
{
    struct vocab_piece key = { p, n }, *hit;

    if (!v->n)
        return -1;
    hit = bsearch(&key, v->piece, (size_t)v->n, sizeof key, by_bytes);
    return hit ? (int32_t)(hit - v->piece) : -1;
}

void vocab_release(struct vocab *v)
{
    mem_free(v->piece);
    *v = (struct vocab){ .n = 0 };
}
