/* tui/pool.h - strings of the rows in a window: put one by one, dropped all at
 * once.  A failed allocation gives "". */
#ifndef TUI_POOL_H
#define TUI_POOL_H

#include <stddef.h>

struct pool_block;
struct pool { struct pool_block *first; };      /* zeroed: empty */

void pool_release(struct pool *p);
void pool_clear(struct pool *p);                /* keeps one block */
/* n bytes of s with a NUL; "" for s NULL. */
const char *pool_dup(struct pool *p, const char *s, size_t n);
const char *pool_str(struct pool *p, const char *s);
/* A copy of n bytes, aligned for nothing; NULL where n is 0 or memory out. */
const void *pool_bytes(struct pool *p, const void *s, size_t n);

#endif
