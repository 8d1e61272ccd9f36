#include "cli/cli.h"

static enum sor_err run(struct cli *cli)
{
    const struct cmd *about = NULL;

    if (cli->argc > 0) {
        about = cli_find(cli->argv[0]);
        if (!about)
            return cli_no_command(cli->argv[0], &cli->msg);
    }
    cli_help(stdout, about, cli->common);
    return SOR_OK;
}

const struct cmd cmd_help = {
    .name = "help", .operands = "[COMMAND]", .min = 0, .max = 1,
    .summary = "this list, or one command's options", .run = run,
};
