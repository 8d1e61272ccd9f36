/* trace/import.h - traces of other programs, one JSON value at a time.
 *
 * Kinds, told apart by their keys (docs/formats.md):
 *   Sorites JSONL        what export writes; lossless
 *   OTLP/JSON            GenAI spans, OpenInference names too
 *   chat                 OpenAI-style responses, with or without the request;
 *                        batch lines; conversations that end in an answer
 *   rows                 {"question","completion"}, {"question","steps":[..]}
 * An array stands for its elements.  Runs that are there already are counted
 * and nothing is added.
 *
 * Errors   what is wrong with one record is told through bad() and the rest
 *          goes on; only a failure of the database or of memory ends it. */
#ifndef TRACE_IMPORT_H
#define TRACE_IMPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "db/write.h"

struct import;

struct import_opts {
    /* One sentence about a record that was refused. */
    void (*bad)(void *ud, const char *sentence);
    /* A run that was added; may be NULL. */
    void (*added)(void *ud, const char *uid);
    void *ud;
};
struct import_counts { int64_t n_new, n_known, n_bad; };

/* The writer is borrowed and has no batch open. */
enum sor_err import_open(struct db_writer *w, const struct import_opts *o,
                         struct import **out, struct sor_msg *msg);
void import_close(struct import *im);   /* accepts NULL */

/* Takes text[0..n), one JSON value.  where: "file:line" for messages. */
enum sor_err import_value(struct import *im, const char *text, size_t n,
                          const char *where, struct sor_msg *msg);

/* The end of a file: a run that was cut off in it is refused. */
enum sor_err import_end(struct import *im, const char *where,
                        struct sor_msg *msg);

const struct import_counts *import_counts(const struct import *im);

#endif
