/* trace/export.h - recorded runs for other programs (docs/formats.md).
 *
 * Both write whole lines of JSON through `put`; what it returns other than
 * SOR_OK ends the export and is passed on.
 * Memory  one row (JSONL) or one run's text (OTLP) at a time. */
#ifndef TRACE_EXPORT_H
#define TRACE_EXPORT_H

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

struct export_to {
    void *ud;
    enum sor_err (*put)(void *ud, const char *s, size_t n,
                        struct sor_msg *msg);
};

/* Sorites JSONL: every row of the run, lossless; import reads it back. */
enum sor_err export_jsonl(struct db *d, int64_t run_id,
                          const struct export_to *to, struct sor_msg *msg);

/* One OTLP/JSON ExportTraceServiceRequest: a span for the run, a child span
 * for each path, the vote as an event gen_ai.evaluation.result. */
enum sor_err export_otlp(struct db *d, int64_t run_id,
                         const struct export_to *to, struct sor_msg *msg);

#endif
