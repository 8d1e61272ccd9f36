/* cli/cmd_report.c - the report of a stored review, with what was decided. */
#include "cli/cli.h"
#include "cli/review_out.h"

static enum sor_err run(struct cli *cli)
{
    enum review_form form;
    struct db *d = NULL;
    int64_t id;
    enum sor_err err = review_form_of(cli, &form);

    if (!err && form == REVIEW_JSON)
        err = sor_fail(&cli->msg, SOR_UNSUP, "a stored review has no JSON "
                       "report; sorites review --json writes it, and sorites "
                       "export and sorites sql --json read its rows");
    if (!err)
        err = db_open(cli_db(cli), &d, &cli->msg);
    if (!err)
        err = db_find_run(d, cli->argv[0], &id, &cli->msg);
    if (!err)
        err = review_print(cli, d, id, form, 1);
    db_close(d);
    return err;
}

const struct cmd cmd_report = {
    .name = "report", .operands = "RUN", .min = 1, .max = 1,
    .summary = "the report of a review: text, .md or .html",
    .text = "RUN is a prefix of the review's name, or 'last'.  -o x.html "
            "writes one page\nthat works offline, -o x.md Markdown; without "
            "-o every finding, claim and\npath comes as text.  Decisions "
            "(sorites decide) are in all of them.  "
            "sorites review --json\nis what writes a review as JSON.\n",
    .run = run
};
