/* cli/review_replay.h - replay --verify of a review: every reading again. */
#ifndef CLI_REVIEW_REPLAY_H
#define CLI_REVIEW_REPLAY_H

#include "cli/cli.h"
#include "db/db.h"

/* Computes the readings of a review again with the model at `path` and prints
 * what came of it.  SOR_DIFFERS: something differs, and where. */
enum sor_err review_replay(struct cli *cli, struct db *d,
                           const struct db_run *run, const char *path);

#endif
