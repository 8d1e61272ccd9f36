/* cli/cmd_report.c - the report of a stored run: of a review with what was
 * decided, of any other with its answer, votes, paths and tokens. */
#include <string.h>

#include "cli/cli.h"
#include "cli/review_out.h"
#include "cli/run_out.h"

static struct { int redline; } opt;

static const struct opt_spec opts[] = {
    { 0, "redline", NULL, OPT_FLAG, &opt.redline, "of a review: the "
      "playbook's text as a change of the contract's", 0, 0 },
    OPT_END
};

static int is_review(struct db *d, int64_t id)
{
    struct db_run run;

    return db_get_run(d, id, &run) == 1 && strcmp(run.kind, "review") == 0;
}

static enum sor_err run(struct cli *cli)
{
    enum review_form form;
    struct db *d = NULL;
    int64_t id;
    enum sor_err err = review_form_of(cli, &form);

    if (!err)
        err = db_open(cli_db(cli), &d, &cli->msg);
    if (!err)
        err = db_find_run(d, cli->argv[0], &id, &cli->msg);
    if (!err)
        err = is_review(d, id)
            ? review_print(cli, d, id, form, REVIEW_ALL |
                           (opt.redline ? REVIEW_REDLINE : 0))
            : run_print(cli, d, id, form);
    db_close(d);
    return err;
}

const struct cmd cmd_report = {
    .name = "report", .operands = "RUN", .min = 1, .max = 1,
    .summary = "the report of a run: text, .html, .md, .json or .docx",
    .text = "RUN is a prefix of the run's name, or 'last'.  -o x.html writes "
            "one page that works offline, x.md Markdown, x.json JSON; "
            "without -o it comes as text.  Of a review: findings, claims, "
            "paths, and what was decided (sorites decide); x.docx is the "
            "contract with its findings as Word comments.  Of any other run: "
            "answer, votes, paths, and every token.\n",
    .opts = opts, .run = run
};
