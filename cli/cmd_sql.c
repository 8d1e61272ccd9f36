/* cli/cmd_sql.c - SQL over a trace: one query, or a small shell. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/sqlshell.h"

static struct { int write, wait, csv, markdown, rows; double seconds; } opt = {
    .rows = SQL_MAX_ROW, .seconds = SQL_MAX_MS / 1000.0 };

static const struct opt_spec opts[] = {
    { 0, "csv", NULL, OPT_FLAG, &opt.csv, "rows as CSV", 0, 0 },
    { 0, "markdown", NULL, OPT_FLAG, &opt.markdown, "rows as Markdown", 0, 0 },
    { 0, "rows", "N", OPT_INT, &opt.rows, "at most so many; 0: all", 0,
      1 << 30 },
    { 0, "seconds", "S", OPT_NUM, &opt.seconds,
      "at most so long for a query; 0: no limit", 0, 1e6 },
    { 0, "write", NULL, OPT_FLAG, &opt.write,
      "allow changes (verify --chain will find them)", 0, 0 },
    { 0, "wait", NULL, OPT_FLAG, &opt.wait,
      "with --write: wait where another process writes", 0, 0 },
    OPT_END
};

static int stopped(void *ud)
{
    (void)ud;
    return cli_stopped();
}

/* DB and QUERY are both optional: a single operand that names a file is the
 * database.  One word is no SQL, so it was meant to be one. */
static enum sor_err operands(struct cli *cli, const char **path,
                             const char **text)
{
    struct stat st;

    *path = cli_db(cli);
    *text = NULL;
    if (cli->argc == 2) {
        *path = cli->argv[0];
        *text = cli->argv[1];
    } else if (cli->argc == 1 && stat(cli->argv[0], &st) == 0) {
        *path = cli->argv[0];
    } else if (cli->argc == 1 && strpbrk(cli->argv[0], " \t\n(;")) {
        *text = cli->argv[0];
    } else if (cli->argc == 1) {
        return sor_fail(&cli->msg, SOR_IO, "%s: no such database, and no "
                        "query either", cli->argv[0]);
    }
    return SOR_OK;
}

static enum sor_err run(struct cli *cli)
{
    struct sql_opts o = {
        .write = opt.write, .max_row = opt.rows,
        .max_ms = (int64_t)(opt.seconds * 1000.0), .cancelled = stopped,
        .lock = { .wait = opt.wait, .cancelled = stopped } };
    struct sqlshell sh = { .cli = cli, .write = opt.write,
                           .seconds = opt.seconds };
    const char *text;
    FILE *to;
    enum sor_err err;

    if ((cli->json != 0) + opt.csv + opt.markdown > 1)
        return sor_fail(&cli->msg, SOR_USAGE, "--json, --csv and --markdown "
                        "are three ways to print rows; say one");
    if ((err = operands(cli, &sh.path, &text)))
        return err;
    if (text || opt.write)              /* what can be interrupted cleanly */
        cli_catch_signals();
    if ((err = sql_open(sh.path, &o, &sh.sql, &cli->msg)))
        return err;
    if (!(to = cli_out(cli))) {
        sql_close(sh.sql);
        return SOR_IO;
    }
    sqlout_init(&sh.out, cli, to, cli->json ? SQLOUT_JSON
                                  : opt.csv ? SQLOUT_CSV
                                  : opt.markdown ? SQLOUT_MARKDOWN
                                                 : SQLOUT_TABLE);
    err = text ? sqlshell_query(&sh, text) : sqlshell_run(&sh);
    sqlout_release(&sh.out);
    sql_close(sh.sql);
    return err;
}

const struct cmd cmd_sql = {
    .name = "sql", .operands = "[DB] [QUERY]", .min = 0, .max = 2,
    .summary = "ask the database; without a query, a shell",
    .text = "    sorites sql \"SELECT * FROM v_vote WHERE rank = 1\"\n"
            "    sorites sql trace.db --json \"SELECT * FROM v_step\"\n"
            "The views v_run v_path v_step v_token v_layer v_head v_vote ... "
            "are for\nasking; docs/schema.md explains them.  Reads only, "
            "unless --write.\n",
    .opts = opts, .run = run
};
