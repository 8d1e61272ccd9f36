/* base/mem.h - all heap use, so that a test can fail the nth allocation.
 *
 * Ownership  who allocates frees with mem_free(), whatever the allocator.
 * Threads    safe from any thread; the counters are atomic.
 * Errors     NULL, never abort.  size 0 returns a unique non-NULL pointer. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size);                   /* contents undefined */
void *mem_calloc(size_t n, size_t size);        /* zeroed; n*size checked */
void *mem_realloc(void *p, size_t n, size_t size);  /* n*size checked */
void *mem_aligned(size_t align, size_t size);   /* align: power of two >= 8 */
/* For megabytes that are read from one end to the other, again and again: on
 * pages of 2 MB where the system has them.  With pages of 4 KB the look-ups of
 * addresses cost as much as a fifth of the reading. */
void *mem_huge(size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);     /* copies n bytes, adds NUL */
void mem_free(void *p);                         /* accepts NULL */

/* Fails the nth allocation from now (1 = the next one) and only that one;
 * 0 switches fault injection off.  $SORITES_FAIL_ALLOC does the same. */
void mem_fail_at(uint64_t n);

/* Allocations made since the program started, failed ones included. */
uint64_t mem_count(void);

/* *out = a * b or a + b; returns 0, or -1 on overflow (out untouched). */
int mem_mul(size_t a, size_t b, size_t *out);
int mem_add(size_t a, size_t b, size_t *out);

#endif
