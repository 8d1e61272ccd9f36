/* cli/review_jobs.h - several documents at once, each in a process of its own
 * with a database of its own, whose rows are then taken into the common one. */
#ifndef CLI_REVIEW_JOBS_H
#define CLI_REVIEW_JOBS_H

#include "cli/cli.h"
#include "db/write.h"

/* Reviews every operand with one(), n_job at a time, prints what each said in
 * the order of the operands, and adds its rows to w.  one() runs in the child
 * with cli->db, cli->threads and standard output set for it.  The first error
 * is the command's; one bad document does not keep the others from it. */
enum sor_err review_jobs(struct cli *cli, int n_job, struct db_writer *w,
                         enum sor_err (*one)(struct cli *cli, char *doc));

#endif
