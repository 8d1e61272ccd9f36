/* cli/explain.h - what routing decided in a recorded run, and why. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include <stdio.h>

#include "base/err.h"
#include "db/db.h"

/* Prints, for each path of the run, how many blocks ran in each mode and the
 * first few of each with their score, its parts and their words. */
enum sor_err explain_routing(struct db *d, int64_t run_id, FILE *to,
                             struct sor_msg *msg);

#endif
