/* tests/mkzip.h - ZIP archives in memory, for tests of what reads DOCX. */
#ifndef TESTS_MKZIP_H
#define TESTS_MKZIP_H

#include "base/str.h"

struct mkzip_part { const char *name, *text; };

/* A ZIP of these parts, into an initialised out; 0, or -1. */
int mkzip(const struct mkzip_part *part, int n, struct str *out);

/* A sound DOCX: a style that numbers, its list, a paragraph and a table. */
enum { MKZIP_DOCX = 3 };
extern const struct mkzip_part mkzip_docx[MKZIP_DOCX];

/* The attribute that names WordprocessingML's elements w:... */
#define MKZIP_W "xmlns:w=\"http://schemas.openxmlformats.org/"               \
                "wordprocessingml/2006/main\""

#endif
