#include "tui/pool.h"

#include <string.h>

#include "base/mem.h"

enum { BLOCK = 16384 };

struct pool_block {
    struct pool_block *next;
    size_t used, size;
    char bytes[];
};

static char *take(struct pool *p, size_t n)
{
    struct pool_block *b = p->first;
    size_t size = n > BLOCK ? n : BLOCK, all;

    if (!b || b->size - b->used < n) {
        if (mem_add(sizeof *b, size, &all) || !(b = mem_alloc(all)))
            return NULL;
        *b = (struct pool_block){ p->first, 0, size };
        p->first = b;
    }
    b->used += n;
    return b->bytes + b->used - n;
}

void pool_release(struct pool *p)
{
    while (p->first) {
        struct pool_block *next = p->first->next;
        mem_free(p->first);
        p->first = next;
    }
}

void pool_clear(struct pool *p)
{
    struct pool_block *keep = p->first;

    if (!keep || keep->size > BLOCK) {
        pool_release(p);
        return;
    }
    p->first = keep->next;
    pool_release(p);
    keep->next = NULL;
    keep->used = 0;
    p->first = keep;
}

const char *pool_dup(struct pool *p, const char *s, size_t n)
{
    char *copy = s ? take(p, n + 1) : NULL;

    if (!copy)
        return "";
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

const char *pool_str(struct pool *p, const char *s)
{
    return pool_dup(p, s, s ? strlen(s) : 0);
}

const void *pool_bytes(struct pool *p, const void *s, size_t n)
{
    char *copy = n ? take(p, n) : NULL;

    return copy ? memcpy(copy, s, n) : NULL;
}
