/* viz/markdown.h - outside text in Markdown that we write. */
#ifndef VIZ_MARKDOWN_H
#define VIZ_MARKDOWN_H

#include <stddef.h>

#include "base/str.h"

/* Appends any bytes on one line, with what Markdown or HTML would obey
 * escaped, controls and bidi marks shown.  NULL: nothing. */
void markdown_bytes(struct str *out, const char *p, size_t n);
void markdown_text(struct str *out, const char *s);

#endif
