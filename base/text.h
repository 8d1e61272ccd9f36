/* base/text.h - UTF-8, display width, and making outside bytes safe to show.
 *
 * Offsets that people and files see are Unicode code points, half-open.
 * Invalid UTF-8 never fails a reader: it counts and shows as U+FFFD, one per
 * maximal invalid sequence (Unicode 15, section 3.9, table 3-8). */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Decodes one code point from s[0..n); n >= 1.  *cp = 0xFFFD where the bytes
 * are invalid.  Returns the number of bytes consumed, >= 1. */
size_t utf8_next(const char *s, size_t n, uint32_t *cp);

/* Encodes cp into out[4]; returns 1..4 (cp outside Unicode encodes U+FFFD). */
size_t utf8_put(uint32_t cp, char out[4]);

/* 1 where s[0..n) is well-formed UTF-8. */
int utf8_valid(const char *s, size_t n);

/* Bytes at the end of s[0..n) that begin a character but do not finish it
 * (0..3): a streaming printer holds these back. */
size_t utf8_tail(const char *s, size_t n);

/* Code points in s[0..n), and the byte offset of code point `cp` (n where the
 * text is shorter). */
size_t utf8_count(const char *s, size_t n);
size_t utf8_offset(const char *s, size_t n, size_t cp);

/* Columns that cp takes on a terminal: 0, 1 or 2; never negative. */
int text_width_cp(uint32_t cp);
int text_width(const char *s, size_t n);        /* sum over text_safe(s) */

/* Appends s[0..n) with everything a terminal could obey made visible: C0, C1,
 * DEL and ESC as U+2400 pictures or \xNN, bidi controls and zero-width
 * characters as <U+202E>, invalid bytes as U+FFFD.  TEXT_NL keeps '\n',
 * TEXT_TAB keeps '\t'. */
enum { TEXT_NL = 1, TEXT_TAB = 2 };
void text_safe(struct str *out, const char *s, size_t n, unsigned flags);

/* The same into out[cap], cap >= 1, without allocating: cut at a shown
 * character and NUL-terminated.  Returns the length. */
size_t text_safe_fit(char *out, size_t cap, const char *s, size_t n,
                     unsigned flags);

/* 1 where cp does something unseen to the text around it: controls, bidi
 * controls, line separators, and whatever a terminal draws as nothing. */
int text_hidden(uint32_t cp);

#endif
