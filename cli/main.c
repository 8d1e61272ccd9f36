/* cli/main.c - the table of subcommands, and what surrounds every one of them:
 * options, help, the closing message, the exit code. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/pool.h"

#define DECLARE(name) extern const struct cmd cmd_##name;
CLI_COMMANDS(DECLARE)
#define ENTRY(name) &cmd_##name,
const struct cmd *const cli_commands[] = { CLI_COMMANDS(ENTRY) NULL };

static struct cli cli;

/* The options of every command. */
static const struct opt_spec common[] = {
    { 'm', "model", "FILE", OPT_STR, &cli.model, "the model, a GGUF file",
      0, 0 },
    { 0, "db", "FILE", OPT_STR, &cli.db, "the database", 0, 0 },
    { 'o', "output", "FILE", OPT_STR, &cli.out, "write there; - is stdout",
      0, 0 },
    { 't', "threads", "N", OPT_INT, &cli.threads,
      "threads to compute with", 1, POOL_MAX_THREADS },
    { 0, "seed", "N", OPT_U64, &cli.seed, "seed of everything random", 0, 0 },
    { 0, "json", NULL, OPT_FLAG, &cli.json, "results as JSON", 0, 0 },
    { 0, "no-color", NULL, OPT_FLAG, &cli.no_color, "no colour", 0, 0 },
    { 0, "no-unicode", NULL, OPT_FLAG, &cli.no_unicode, "draw in ASCII", 0, 0 },
    { 'q', "quiet", NULL, OPT_FLAG, &cli.quiet, "say only what fails", 0, 0 },
    { 'v', "verbose", NULL, OPT_FLAG, &cli.verbose, "say more", 0, 0 },
    { 'h', "help", NULL, OPT_FLAG, &cli.help, "this help", 0, 0 },
    { 0, "version", NULL, OPT_FLAG, &cli.version, "the version", 0, 0 },
    OPT_END
};

/* Options before the command's name, the name, then the rest in any order. */
static enum sor_err read_command_line(int argc, char **argv)
{
    struct opt_tables tables = { NULL, common };
    enum sor_err err = SOR_OK;
    int at = 1, was = 0;

    while (at < argc && at != was && !err) {
        was = at;
        err = opt_take(&tables, argc, argv, &at, &cli.msg);
    }
    if (err || at == argc)
        return err;
    cli.cmd = cli_find(argv[at]);
    if (!cli.cmd)
        return cli_no_command(argv[at], &cli.msg);
    cli.argv = argv + at + 1;
    cli.argc = argc - at - 1;
    tables.own = cli.cmd->opts;
    return opt_parse(&tables, &cli.argc, cli.argv, &cli.msg);
}

static int is_empty(const char *name)
{
    return name && !*name;
}

static enum sor_err check_usage(void)
{
    const struct cmd *c = cli.cmd;

    /* SQLite would take the empty name for a database to throw away. */
    if (is_empty(cli.model) || is_empty(cli.db) || is_empty(cli.out))
        return sor_fail(&cli.msg, SOR_USAGE, "--%s: the file's name is empty",
                        is_empty(cli.model) ? "model"
                        : is_empty(cli.db) ? "db" : "output");
    if (cli.argc < c->min)
        return sor_fail(&cli.msg, SOR_USAGE, "an operand is missing: %s",
                        c->operands);
    if (c->max >= 0 && cli.argc > c->max)
        return sor_fail(&cli.msg, SOR_USAGE, "one operand too many: '%s'",
                        cli.argv[c->max]);
    return SOR_OK;
}

static enum sor_err run(void)
{
    enum sor_err err = check_usage();

    return err ? err : cli_close_out(&cli, cli.cmd->run(&cli));
}

int main(int argc, char **argv)
{
    enum sor_err err;

    cli.common = common;
    cli_catch_lost_files();
    setlocale(LC_CTYPE, "");    /* not LC_NUMERIC: 0.5 is 0.5 everywhere */
    err = read_command_line(argc, argv);
    log_set_level(cli.quiet ? LOG_QUIET : cli.verbose ? LOG_DEBUG : LOG_INFO);
    if (!err && cli.help)
        cli_help(stdout, cli.cmd, common);
    else if (!err && cli.version)
        printf("sorites %s\n", SORITES_VERSION);
    else if (!err && cli.cmd)
        err = run();
    else if (!err) {
        cli_help(stderr, NULL, common);
        return EXIT_USAGE;
    }
    if (fflush(stdout) != 0 && !err)
        err = sor_fail(&cli.msg, SOR_IO, "stdout: cannot be written");
    cli_report(&cli, err);
    return cli_exit_code(err);
}
