/* base/str.h - a growable byte string that stays NUL-terminated.
 *
 * A failed allocation sets `failed` and makes later appends no-ops, so a
 * writer checks once at the end (str_ok()). */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stddef.h>

struct str {
    char  *p;           /* never NULL after str_init(); p[len] == 0 */
    size_t len, cap;
    int    failed;
};

void str_init(struct str *s);
void str_release(struct str *s);
void str_clear(struct str *s);                  /* keeps the memory */
void str_put(struct str *s, const void *bytes, size_t n);
void str_puts(struct str *s, const char *text);
void str_putc(struct str *s, char c);
void str_printf(struct str *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static inline int str_ok(const struct str *s) { return !s->failed; }

#endif
