/* review/document_impl.h - between the files that make a document. */
#ifndef REVIEW_DOCUMENT_IMPL_H
#define REVIEW_DOCUMENT_IMPL_H

#include "base/str.h"
#include "review/document.h"

/* Of a file as well as of the text that comes out of it: a two-thousand-page
 * contract is 6 MB. */
enum { DOCUMENT_MAX_BYTES = 64 << 20 };

/* Appends bytes[0..n) to out as UTF-8.  *encoding: what they were.
 * SOR_FORMAT: no text. */
enum sor_err document_decode(const char *name, const uint8_t *bytes, size_t n,
                             struct str *out, const char **encoding,
                             struct sor_msg *msg);

/* Appends s[0..n), with U+FFFD for what is no UTF-8, or is NUL. */
void document_mend(const char *s, size_t n, struct str *out);

/* Appends the text of a PDF, a form feed after each page, as `pdftotext` in a
 * process of its own gives it.  SOR_UNSUP: that program is missing. */
enum sor_err document_pdf(const char *name, const void *bytes, size_t n,
                          struct str *out, struct sor_msg *msg);

/* Appends the text of a DOCX: a line for each paragraph, with the number that
 * Word would show, an empty line between paragraphs.
 * Of d the name is read, and the encoding is set where changes are tracked. */
enum sor_err document_docx(struct document *d, const void *bytes, size_t n,
                           struct str *out, struct sor_msg *msg);

#endif
