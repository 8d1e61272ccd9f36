/* cli/show.h - a recorded run as people read it: question, answer, votes,
 * where its paths part, steps.  Everything comes from the database's rows, so
 * that the screen and SQL agree. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <stdio.h>

#include "cli/cli.h"
#include "db/db.h"
#include "engine/generate.h"

struct show {
    const struct cli *cli;
    FILE      *to;
    struct db *d;
    int64_t    run_id;
    int        streamed;        /* 1: a single path's text is already out */
    int        recording;       /* 1: the run goes on at this moment */
    /* What this very process counted while it decoded; NULL: it did not. */
    const struct gen_stats *batch;
    enum draft_source draft;    /* where its guesses came from */
};

/* Paths of one run that these functions can tell apart. */
enum { SHOW_PATHS = 64 };

/* How a run ended, in words; recording: a process writes it at this moment.
 * Borrowed from the row. */
const char *show_status(const struct db_run *run, int recording);

/* The id of the run that a process is recording into d at this moment, or 0.
 * A writer records one run, the newest; any other without an end was cut off.
 * Read the run's row after this: one that ends in between then has its end.
 * path: d's file. */
int64_t show_recording(struct db *d, const char *path);

/* Which run this is, when, and what was asked. */
void show_question(const struct show *s, const struct db_run *run);

/* The answer, votes, partings and paths, for people. */
enum sor_err show_run(const struct show *s, struct sor_msg *msg);

/* One JSON object and a newline: {"run","model","question","known_accuracy",
 * "status","prompt_tokens","tokens","seconds","tokens_per_second","paths":[..],
 * "votes":[..],"margin","divergences":[..]}. */
enum sor_err show_run_json(const struct show *s, struct sor_msg *msg);

/* What to try next with this run, as commands. */
void show_next(const struct show *s, FILE *to);

#endif
