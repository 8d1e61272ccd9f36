/* tests/mkzip.h - ZIP archives in memory, for tests of what reads DOCX. */
#ifndef TESTS_MKZIP_H
#define TESTS_MKZIP_H

#include "base/str.h"

struct mkzip_part { const char *name, *text; };

/* A ZIP of these parts, into an initialised out; 0, or -1. */
int mkzip(const struct mkzip_part *part, int n, struct str *out);

#endif
