/* trace/import_impl.h - the inside of import: import.c tells kinds apart, one
 * file reads each.  Readers get a tree without repeated keys and at most 64
 * levels deep; anything in it may still have any type. */
#ifndef TRACE_IMPORT_IMPL_H
#define TRACE_IMPORT_IMPL_H

#include "base/json.h"
#include "db/load.h"
#include "trace/foreign.h"
#include "trace/import.h"

struct import {
    struct db_writer *w;
    struct import_opts opts;
    struct import_counts n;
    struct load *load;          /* of Sorites JSONL */
    int in_run, is_skipped;     /* a run's rows are coming; it was refused */
    int64_t n_row;
};

/* Each returns SOR_OK where it has dealt with the record, SOR_FORMAT (or
 * SOR_LIMIT, SOR_UNSUP) with a sentence where it refuses it. */
enum sor_err import_chat(struct import *im, const cJSON *v,
                         struct sor_msg *msg);
enum sor_err import_rows(struct import *im, const cJSON *v,
                         struct sor_msg *msg);
enum sor_err import_otlp(struct import *im, const cJSON *v,
                         struct sor_msg *msg);
enum sor_err import_sorites(struct import *im, const cJSON *v,
                            struct sor_msg *msg);

/* Writes the run and counts it. */
enum sor_err import_foreign(struct import *im, struct foreign *f,
                            struct sor_msg *msg);

/* --- values -------------------------------------------------------------- */

/* A member; NULL where there is none, or it is null, or obj is no object. */
const cJSON *import_get(const cJSON *obj, const char *key);
/* A string member's text; NULL: none. */
const char *import_str(const cJSON *obj, const char *key);
/* A number member within lo..hi, also as a decimal string; else `none`. */
double import_num(const cJSON *obj, const char *key, double none);
int64_t import_int(const cJSON *obj, const char *key, int64_t none);

/* Appends what a message says: a string, or the text of its parts.  Parts of
 * kind "reasoning" or "thinking" are put into a think-block. */
void import_content(const cJSON *content, struct str *out);
/* Question and system prompt from the messages before the last answer; the
 * answer's message in *answer (NULL: there is none), if wanted. */
void import_messages(const cJSON *messages, struct foreign *f,
                     const cJSON **answer);

#endif
