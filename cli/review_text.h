/* cli/review_text.h - a review on the terminal: what needs a person first. */
#ifndef CLI_REVIEW_TEXT_H
#define CLI_REVIEW_TEXT_H

#include "cli/cli.h"
#include "viz/report.h"

/* The first screen: findings quoted, claims, what was not checked.  all: also
 * findings that need nobody, and every path. */
void review_text(const struct cli *cli, FILE *to, const struct report *r,
                 int all);

#endif
