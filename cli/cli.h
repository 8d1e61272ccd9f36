/* cli/cli.h - what a subcommand is, and what it may use.
 *
 * cli/cmd_NAME.c defines `const struct cmd cmd_NAME` and NAME stands in
 * cli/commands.h; main.c does the rest: options, help, messages, exit code.
 *
 *     static enum sor_err run(struct cli *cli)
 *     {
 *         struct engine *e;
 *         enum sor_err err = engine_open(cli_model(cli), ..., &e, &cli->msg);
 *         ...
 *         fprintf(cli_out(cli), ...);
 *     }
 *     const struct cmd cmd_score = {
 *         .name = "score", .operands = "FILE|-", .min = 1, .max = 1,
 *         .summary = "log-probabilities of given tokens",
 *         .opts = opts, .run = run };
 *
 * Errors   run() returns the error with one sentence in cli->msg; main.c
 *          prints it ("sorites score: ...") and maps it to the exit code.
 *          SOR_DIFFERS exits 1; its sentence may be empty.
 * Results  to cli_out(), talk to stderr through log_*(). */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/opt.h"

/* Exit codes: what a calling script may rely on. */
enum {
    EXIT_OK       = 0,
    EXIT_NEGATIVE = 1,      /* ran, and the answer is negative */
    EXIT_USAGE    = 2,
    EXIT_FAILED   = 3,      /* input or system error */
    EXIT_NO_ROW   = 4,      /* no such run or row */
    EXIT_SIGINT   = 130
};

struct cli;

struct cmd {
    const char *name;
    const char *operands;   /* for the usage line; "" for none */
    const char *summary;    /* for the list of commands */
    const char *text;       /* paragraphs under --help, may be NULL */
    const struct opt_spec *opts;    /* its own, may be NULL */
    int         min, max;   /* number of operands; max < 0: any */
    enum sor_err (*run)(struct cli *cli);
};

/* The options that every command has; not given: NULL or 0. */
struct cli {
    const struct cmd *cmd;
    int         argc;       /* the operands */
    char      **argv;
    const char *model;      /* -m as typed; use cli_model() */
    const char *db;         /* --db as typed; use cli_db() */
    const char *out;        /* -o as typed; "-" is stdout; use cli_out() */
    int         threads;    /* -t; 0: as many as there are processors */
    uint64_t    seed;       /* --seed */
    int         json, quiet, verbose, no_color, no_unicode, help, version;

    struct sor_msg msg;     /* the sentence for a failing run() */

    /* behind the functions below */
    const struct opt_spec *common;
    FILE      *out_file;
    struct str out_temp, model_path, db_path;
};

/* The table that main.c makes from commands.h; ends in NULL. */
extern const struct cmd *const cli_commands[];

/* The command of this name, or NULL. */
const struct cmd *cli_find(const char *name);

/* SOR_USAGE: no such command, with the nearest one there is. */
enum sor_err cli_no_command(const char *typed, struct sor_msg *msg);

/* -m, else $SORITES_MODEL, else the model that `make model` installed.  Never
 * NULL and not checked for existence; borrowed from cli. */
const char *cli_model(struct cli *cli);

/* --db, else $SORITES_DB, else $XDG_DATA_HOME/sorites/trace.db.  Borrowed. */
const char *cli_db(struct cli *cli);

/* Where results go: stdout, or the file of -o, which is written beside its
 * place and renamed to it when run() returns SOR_OK or SOR_DIFFERS.  NULL with
 * cli->msg set where it cannot be made (return SOR_IO). */
FILE *cli_out(struct cli *cli);

/* Colour (and cursor movement) allowed on the stream: --no-color, NO_COLOR,
 * CLICOLOR_FORCE, TERM=dumb, is it a terminal. */
int cli_color(const struct cli *cli, FILE *stream);

/* Drawing beyond ASCII allowed: the locale is UTF-8 and no --no-unicode. */
int cli_unicode(const struct cli *cli);

/* After cli_catch_signals() the first SIGINT, SIGTERM or SIGHUP only makes
 * cli_stopped() true (poll it, close the trace, return SOR_INTERRUPTED) and
 * the second ends the program at once with 130.  For commands that poll. */
void cli_catch_signals(void);
int cli_stopped(void);
/* From now on the first one ends it too (1), or no more (0): for long work that
 * does not poll, while there is nothing to close. */
void cli_stop_at_once(int yes);
/* 1 after SIGTERM or SIGHUP: whoever sent it does not wait for a reader. */
int cli_terminated(void);
/* For a command that goes on after it: 1 where it was a SIGINT that stopped
 * it, and then cli_stopped() is false again. */
int cli_resume(void);

/* The one mapping from errors to exit codes. */
int cli_exit_code(enum sor_err err);

/* The list of commands, or one command's help, made from the tables. */
void cli_help(FILE *to, const struct cmd *cmd, const struct opt_spec *common);

/* For main.c.  Ends what cli_out() began, given what run() returned; the
 * file stays only where that was SOR_OK or SOR_DIFFERS. */
enum sor_err cli_close_out(struct cli *cli, enum sor_err err);
/* The message of a failed command, on stderr. */
void cli_report(struct cli *cli, enum sor_err err);
/* From now on a model's file that is cut short while it is in use ends the
 * program with one sentence and exit code 3 (lost.c). */
void cli_catch_lost_files(void);

#endif
