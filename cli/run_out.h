/* cli/run_out.h - the report of a stored run that is no review. */
#ifndef CLI_RUN_OUT_H
#define CLI_RUN_OUT_H

#include "cli/cli.h"
#include "cli/review_out.h"
#include "db/db.h"

/* As text, JSON, Markdown or HTML, to where -o says. */
enum sor_err run_print(struct cli *cli, struct db *d, int64_t run_id,
                       enum review_form form);

#endif
