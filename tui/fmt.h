/* tui/fmt.h - numbers and times as people read them.  All write into
 * out[cap], NUL-terminated. */
#ifndef TUI_FMT_H
#define TUI_FMT_H

#include <stddef.h>
#include <stdint.h>

void fmt_count(char *out, size_t cap, int64_t n);       /* 1,234,567 */
void fmt_bytes(char *out, size_t cap, int64_t bytes);   /* 98.7 MB */
void fmt_time(char *out, size_t cap, int64_t ns);       /* 4.2 s, 310 ms */
void fmt_date(char *out, size_t cap, int64_t wall_us);  /* 2026-11-24 08:05 */
/* exp(logprob) as a probability: 0.873, "<0.001"; "-" for NaN. */
void fmt_prob(char *out, size_t cap, double logprob);
void fmt_num(char *out, size_t cap, double v);          /* 3 digits; - NaN */
/* 3fa2c0ff: enough of a uid to type. */
void fmt_uid(char *out, size_t cap, const char *uid);
const char *fmt_mode(int mode);         /* sparse hybrid full; "" none */
const char *fmt_reason(int reason);     /* db/views.sql, v_route */
/* How many bytes of s[0..n), n > 0, one line of `width` columns takes: up to
 * a line end, or between words; a word that is wider is broken. */
size_t fmt_line(const char *s, size_t n, int width);
/* How much probability p surprises, as an index of ROLE_INK: 0..5. */
int fmt_surprise(double logprob);

#endif
