/* review/document.h - a document as text that can be pointed into.
 *
 * Whatever the file was (plain text, Markdown, PDF, DOCX; UTF-8, UTF-16,
 * Windows-1252), a document is UTF-8 text, and every place in it is a byte
 * offset into that text.  The world outside counts Unicode code points
 * (conventions): document_cp() converts, and only output calls it.
 *
 * The text is the source's own: of a text file in UTF-8 it is the file's
 * content, byte for byte, without a byte-order mark; nothing is collapsed or
 * repaired.
 *
 * Ownership  document_open()/document_close(); text and names die with it.
 * Errors     one sentence with the file and the place (byte or page). */
#ifndef REVIEW_DOCUMENT_H
#define REVIEW_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum document_format { DOCUMENT_TEXT, DOCUMENT_MARKDOWN, DOCUMENT_PDF,
                       DOCUMENT_DOCX };

/* The encoding of a DOCX with tracked changes: its text is what stands where
 * all of them are accepted. */
#define DOCUMENT_ACCEPTED "UTF-8, tracked changes accepted"

/* Half-open, in bytes of document.text; never on white space at either end
 * where it is a result. */
struct span { size_t from, to; };

struct document {
    char *name;             /* as the user gave it; "-" is standard input */
    enum document_format format;
    const char *encoding;   /* "UTF-8", "UTF-16LE", "windows-1252", ..., or
                             * DOCUMENT_ACCEPTED */
    char *text;             /* NUL-terminated UTF-8, no NUL inside */
    size_t n_byte, n_char;  /* n_char: code points */
    uint8_t sha256[32];     /* of the file's bytes */
    size_t *page;           /* [n_page] byte where each page starts; NULL */
    int n_page;             /* 0: the format has no pages */
};

/* Reads `path` ("-": standard input).  SOR_IO: cannot be read; SOR_FORMAT: is
 * no document (binary, damaged), SOR_LIMIT: larger than 64 MiB of text or too
 * deep; SOR_UNSUP: needs a program that is not installed (named). */
enum sor_err document_open(const char *path, struct document **out,
                           struct sor_msg *msg);
/* The same of bytes in memory; name decides nothing but messages. */
enum sor_err document_from(const char *name, const void *bytes, size_t n,
                           struct document **out, struct sor_msg *msg);
void document_close(struct document *d);        /* accepts NULL */

/* Code points before byte `at` (0 <= at <= n_byte).  Quick: an index. */
size_t document_cp(const struct document *d, size_t at);
/* The byte where code point `cp` starts (cp <= n_char). */
size_t document_byte(const struct document *d, size_t cp);
/* 1-based page of a byte; 0 where the document has no pages. */
int document_page(const struct document *d, size_t at);

/* Is this a text that a review can work on?  0 where it is; else what it
 * looks like instead: empty, not English, no clauses (a poem).  An honest
 * message and no findings follow. */
enum document_fit { DOCUMENT_FITS, DOCUMENT_EMPTY, DOCUMENT_FOREIGN,
                    DOCUMENT_NO_CONTRACT };
enum document_fit document_fit(const struct document *d);

#endif
