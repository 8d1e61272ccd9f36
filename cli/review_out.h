/* cli/review_out.h - where a review's report goes, and in which form. */
#ifndef CLI_REVIEW_OUT_H
#define CLI_REVIEW_OUT_H

#include "cli/cli.h"
#include "db/db.h"

enum review_form { REVIEW_TEXT, REVIEW_JSON, REVIEW_MARKDOWN, REVIEW_HTML,
                   REVIEW_DOCX };

/* By --json and the name of -o (.html .md .json .docx .txt).  SOR_USAGE:
 * another ending. */
enum sor_err review_form_of(struct cli *cli, enum review_form *out);

/* The report of a stored review.  flags: REVIEW_ALL as review_text()'s `all`;
 * REVIEW_REDLINE: suggested text as a change of the document's. */
enum { REVIEW_ALL = 1, REVIEW_REDLINE = 2 };
enum sor_err review_print(struct cli *cli, struct db *d, int64_t run_id,
                          enum review_form form, int flags);

/* The same as text on stdout, whatever -o names: what a person who has sent
 * the report to a file still wants to see. */
enum sor_err review_screen(struct cli *cli, struct db *d, int64_t run_id,
                           int flags);

#endif
