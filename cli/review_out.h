/* cli/review_out.h - where a review's report goes, and in which form. */
#ifndef CLI_REVIEW_OUT_H
#define CLI_REVIEW_OUT_H

#include "cli/cli.h"
#include "db/db.h"

enum review_form { REVIEW_TEXT, REVIEW_JSON, REVIEW_MARKDOWN, REVIEW_HTML };

/* By --json and the name of -o (.md .html .txt, of a new review .json too).  SOR_USAGE:
 * another ending. */
enum sor_err review_form_of(struct cli *cli, enum review_form *out);

/* The report of a stored review as text, Markdown or HTML.  all: see
 * review_text(). */
enum sor_err review_print(struct cli *cli, struct db *d, int64_t run_id,
                          enum review_form form, int all);

/* The same as text on stdout, whatever -o names: what a person who has sent
 * the report to a file still wants to see. */
enum sor_err review_screen(struct cli *cli, struct db *d, int64_t run_id,
                           int all);

#endif
