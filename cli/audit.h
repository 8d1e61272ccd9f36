/* cli/audit.h - the price of routing, as `run --audit` and `replay --audit`
 * compute and tell it. */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include <stdio.h>

#include "cli/cli.h"
#include "db/db.h"

struct engine;

/* Audits a share `rate` of the run's tokens that left something out, stores the
 * prices and says to `to` what they are, in one line; JSON where --json is
 * given.  Errors as of audit_run() (probe/audit.h). */
enum sor_err audit(struct cli *cli, struct db *d, const struct db_run *run,
                   struct engine *e, double rate, FILE *to);

#endif
