#define _DEFAULT_SOURCE         /* madvise(): POSIX has no huge pages */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_BYTES = 2 << 20 };

static atomic_uint_fast64_t n_alloc;    /* allocations asked for so far */
static atomic_uint_fast64_t fail_on;    /* the one to refuse; 0: none */

/* Before main(), so that a test can fail the very first allocation of a
 * program that it starts. */
__attribute__((constructor)) static void read_environment(void)
{
    const char *n = getenv("SORITES_FAIL_ALLOC");

    if (n)
        mem_fail_at(strtoull(n, NULL, 10));
}

void mem_fail_at(uint64_t n)
{
    atomic_store(&fail_on, n ? atomic_load(&n_alloc) + n : 0);
}

uint64_t mem_count(void)
{
    return atomic_load(&n_alloc);
}

/* Counts one allocation; 1 where it is the one to fail. */
static int refused(void)
{
    uint64_t k = atomic_fetch_add_explicit(&n_alloc, 1,
                                           memory_order_relaxed) + 1;

    return k == atomic_load_explicit(&fail_on, memory_order_relaxed);
}

void *mem_alloc(size_t size)
{
    return refused() ? NULL : malloc(size ? size : 1);
}

void *mem_calloc(size_t n, size_t size)
{
    size_t bytes;

    if (refused() || mem_mul(n, size, &bytes) != 0)
        return NULL;
    return calloc(bytes ? bytes : 1, 1);
}

void *mem_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;

    if (refused() || mem_mul(n, size, &bytes) != 0)
        return NULL;
    return realloc(p, bytes ? bytes : 1);
}

void *mem_aligned(size_t align, size_t size)
{
    void *p = NULL;

    if (refused() || posix_memalign(&p, align, size ? size : 1) != 0)
        return NULL;
    return p;
}

void *mem_huge(size_t size)
{
    void *p;

    if (size > SIZE_MAX - HUGE_BYTES)
        return NULL;
    size = (size + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    p = mem_aligned(HUGE_BYTES, size);
#ifdef MADV_HUGEPAGE
    if (p)
        madvise(p, size, MADV_HUGEPAGE);    /* without them it is slower */
#endif
    return p;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *mem_strndup(const char *s, size_t n)
{
    size_t bytes;
    char *copy = mem_add(n, 1, &bytes) == 0 ? mem_alloc(bytes) : NULL;

    if (!copy)
        return NULL;
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

int mem_mul(size_t a, size_t b, size_t *out)
{
    if (b && a > SIZE_MAX / b)
        return -1;
    *out = a * b;
    return 0;
}

int mem_add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b)
        return -1;
    *out = a + b;
    return 0;
}
