/* base/base64.h - bytes as text: RFC 4648, section 4, with padding. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

#include "base/str.h"

/* Appends the n bytes; 4 characters for every 3 of them, begun or whole. */
void base64_put(struct str *out, const void *bytes, size_t n);

#endif
