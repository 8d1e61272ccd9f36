#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* What p points at while cap is 0.  Never written to. */
static char nothing[1];

void str_init(struct str *s)
{
    *s = (struct str){ .p = nothing };
}

void str_release(struct str *s)
{
    if (s->cap)
        mem_free(s->p);
    str_init(s);
}

void str_clear(struct str *s)
{
    s->len = 0;
    s->failed = 0;
    if (s->cap)
        s->p[0] = '\0';
}

/* Room for n more bytes and the NUL; 0, or -1 with s->failed set. */
static int reserve(struct str *s, size_t n)
{
    size_t need, cap;

    if (s->failed)
        return -1;
    if (n < s->cap - s->len && s->cap)
        return 0;
    if (mem_add(s->len, n, &need) || mem_add(need, need / 2 + 16, &cap)) {
        s->failed = 1;
        return -1;
    }
    char *p = mem_realloc(s->cap ? s->p : NULL, cap, 1);
    if (!p) {
        s->failed = 1;
        return -1;
    }
    if (!s->cap)
        p[0] = '\0';
    s->p = p;
    s->cap = cap;
    return 0;
}

void str_put(struct str *s, const void *bytes, size_t n)
{
    if (n == 0 || reserve(s, n) != 0)
        return;
    memcpy(s->p + s->len, bytes, n);
    s->len += n;
    s->p[s->len] = '\0';
}

void str_puts(struct str *s, const char *text)
{
    str_put(s, text, strlen(text));
}

void str_putc(struct str *s, char c)
{
    str_put(s, &c, 1);
}

void str_printf(struct str *s, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (s->failed)
        return;
    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        s->failed = 1;
        return;
    }
    if (reserve(s, (size_t)n) != 0)
        return;
    va_start(ap, fmt);
    vsnprintf(s->p + s->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    s->len += (size_t)n;
}
