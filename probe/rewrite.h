/* probe/rewrite.h - a step of reasoning made wrong, or said in other words, by
 * rule: no model writes here, so that what is tested is known exactly.  Pure
 * functions of text. */
#ifndef PROBE_REWRITE_H
#define PROBE_REWRITE_H

#include <stddef.h>

#include "base/str.h"

/* Appends the text with one mistake: its last number is one more, else the
 * first "is", "are", "can" ... is denied, else the first yes, no, true or
 * false is its opposite.  1, or 0 where no rule applies (nothing is
 * appended). */
int rewrite_mistake(const char *text, size_t n, struct str *out);

/* Appends the text with words exchanged for others of the same meaning, from
 * a fixed list.  1, or 0 where none occurs (nothing is appended). */
int rewrite_paraphrase(const char *text, size_t n, struct str *out);

#endif
