/* cli/cmd_rm.c - a run goes for good. */
#include "cli/remove.h"

static enum sor_err run(struct cli *cli)
{
    static const struct remove_way rm = { "Remove", "removed", db_remove_run };

    return remove_by(cli, &rm);
}

const struct cmd cmd_rm = {
    .name = "rm", .operands = "RUN", .min = 1, .max = 1,
    .summary = "remove a run",
    .text = "Every row of the run goes and the file is written anew without "
            "them.  A\ntombstone in the hash chain says that it was "
            "removed.  It cannot be undone.\n",
    .opts = remove_opts, .run = run
};
