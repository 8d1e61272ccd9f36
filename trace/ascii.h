/* trace/ascii.h - tests on single bytes of UTF-8 text, free of the locale. */
#ifndef TRACE_ASCII_H
#define TRACE_ASCII_H

#include <string.h>

static inline int is_space(char c) { return c == ' ' || (c >= 9 && c <= 13); }
static inline int is_digit(char c) { return c >= '0' && c <= '9'; }
static inline int is_lower(char c) { return c >= 'a' && c <= 'z'; }
static inline int is_upper(char c) { return c >= 'A' && c <= 'Z'; }
static inline int is_alpha(char c) { return is_lower(c) || is_upper(c); }
static inline int is_high(char c) { return (unsigned char)c >= 0x80; }

/* A letter or digit, or part of a character outside ASCII. */
static inline int is_word(char c)
{
    return is_alpha(c) || is_digit(c) || is_high(c);
}

static inline char to_lower(char c)
{
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

/* c stands in the string `set`; NUL never does. */
static inline int one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Bytes of `lit` where s[at..n) begins with it, else 0; at <= n. */
static inline size_t text_at(const char *s, size_t n, size_t at,
                             const char *lit)
{
    size_t len = strlen(lit);

    return n - at >= len && memcmp(s + at, lit, len) == 0 ? len : 0;
}

#endif
