/* viz/diff.h - one text as a change of another, word by word.
 *
 * Words that both have in their order are kept (the longest such list); where
 * they share too little for that to be read, the one stands struck and the
 * other after it.
 * Source: the longest common subsequence by dynamic programming; any textbook
 * on algorithms. */
#ifndef VIZ_DIFF_H
#define VIZ_DIFF_H

#include <stddef.h>

#include "base/str.h"

/* With <del> and <ins>; with ~~struck~~ and **bold**. */
void diff_html(struct str *out, const char *old, size_t n, const char *text);
void diff_markdown(struct str *out, const char *old, size_t n,
                   const char *text);

#endif
