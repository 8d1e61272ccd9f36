/* trace/finish.h - what is written where a path or a run ends: text to steps,
 * steps to edges and answers, paths to partings.  The recorder and the import
 * of foreign traces share it, so that both give the same rows.
 *
 * Everything goes into the open batch of the writer. */
#ifndef TRACE_FINISH_H
#define TRACE_FINISH_H

#include <stdint.h>

#include "base/str.h"
#include "db/write.h"
#include "trace/track.h"

/* The run that a path belongs to. */
struct finish {
    struct db_writer *db;
    int64_t run_id;
    const char *question;       /* its prompt */
    size_t n_question;
};

struct finish_end {
    const char *stop;           /* path_end.stop */
    int n_token;                /* generated; -1: as many as t holds */
    int64_t ended_us;
};

/* Steps, answers, edges, text and end of the path whose row is t->id.  t: its
 * tokens with their `at` in the text (track_text()); it may hold none, then
 * the steps have no positions. */
enum sor_err finish_path(const struct finish *f, struct track *t,
                         const struct str *text,
                         const struct finish_end *how, struct sor_msg *msg);

/* Where the run's paths part: each pair of the first FINISH_PAIRED, and each
 * later one from the first it can be compared with, so that the rows stay
 * linear in the paths.  Paths that share no prompt (a review's) part before
 * they begin; only pairs that grew from one path are compared. */
enum { FINISH_PAIRED = 64 };
enum sor_err finish_run(const struct finish *f, struct track *const *track,
                        int n, struct sor_msg *msg);

#endif
