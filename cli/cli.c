#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xdg.h"

/* --- commands and exit codes --------------------------------------------- */

const struct cmd *cli_find(const char *name)
{
    for (const struct cmd *const *c = cli_commands; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

enum sor_err cli_no_command(const char *typed, struct sor_msg *msg)
{
    const char *meant = NULL;
    int best = OPT_FAR;

    for (const struct cmd *const *c = cli_commands; *c; c++)
        if (opt_nearer(typed, (*c)->name, &best))
            meant = (*c)->name;
    return meant ? sor_fail(msg, SOR_USAGE, "no command '%s'; did you mean "
                            "'%s'?", typed, meant)
                 : sor_fail(msg, SOR_USAGE, "no command '%s', and none like "
                            "it; `sorites help` lists them", typed);
}

int cli_exit_code(enum sor_err err)
{
    switch (err) {
    case SOR_OK:          return EXIT_OK;
    case SOR_DIFFERS:     return EXIT_NEGATIVE;
    case SOR_USAGE:       return EXIT_USAGE;
    case SOR_NOTFOUND:    return EXIT_NO_ROW;
    case SOR_INTERRUPTED: return EXIT_SIGINT;
    default:              return EXIT_FAILED;
    }
}

static int is_set(const char *variable)
{
    const char *v = getenv(variable);

    return v && *v;
}

void cli_report(struct cli *cli, enum sor_err err)
{
    const char *name = cli->cmd ? cli->cmd->name : "";

    if (err == SOR_OK || (err == SOR_DIFFERS && !cli->msg.text[0]))
        return;
    fprintf(stderr, "sorites%s%s: %s\n", *name ? " " : "", name,
            cli->msg.text[0] ? cli->msg.text : sor_err_text(err));
    if (err == SOR_USAGE)
        fprintf(stderr, "see `sorites%s%s --help`\n", *name ? " " : "", name);
    /* It is the default model that is not there: say how to get it. */
    if (cli->model_path.len && !is_set("SORITES_MODEL") &&
        strstr(cli->msg.text, cli->model_path.p) &&
        access(cli->model_path.p, F_OK) != 0)
        fprintf(stderr, "no default model is installed: run `make model`, or "
                "name one with -m or SORITES_MODEL\n");
}

/* --- default places ------------------------------------------------------ */

/* The first of: as typed, the environment, the XDG data folder. */
static const char *place(struct str *path, const char *typed,
                         const char *variable, const char *leaf)
{
    if (typed)
        return typed;
    if (path->len)
        return path->p;
    str_init(path);
    if (is_set(variable))
        str_puts(path, getenv(variable));
    else if (xdg_path(XDG_DATA, leaf, path, NULL) != SOR_OK)
        str_puts(path, leaf);   /* no home: opening it will say so */
    return path->p;
}

const char *cli_model(struct cli *cli)
{
    return place(&cli->model_path, cli->model, "SORITES_MODEL",
                 "models/SmolLM2-135M-Instruct.Q4_1.gguf");
}

const char *cli_db(struct cli *cli)
{
    return place(&cli->db_path, cli->db, "SORITES_DB", "trace.db");
}

/* --- output -------------------------------------------------------------- */

/* A device or a FIFO is written to as it is; a file is replaced by rename, so
 * that a failure half-way leaves the old one. */
static enum sor_err open_out(struct cli *cli)
{
    struct stat st;
    int special = stat(cli->out, &st) == 0 && !S_ISREG(st.st_mode);
    int fd;

    if (special && S_ISDIR(st.st_mode))
        return sor_fail(&cli->msg, SOR_IO, "%s: is a directory", cli->out);
    str_init(&cli->out_temp);
    if (special) {
        fd = open(cli->out, O_WRONLY | O_CLOEXEC);
    } else {
        str_printf(&cli->out_temp, "%s.XXXXXX", cli->out);
        if (!str_ok(&cli->out_temp))
            return sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
        fd = mkstemp(cli->out_temp.p);
    }
    if (fd >= 0)
        cli->out_file = fdopen(fd, "w");
    return cli->out_file ? SOR_OK
                         : sor_fail(&cli->msg, SOR_IO, "%s: cannot be written: "
                                    "%s", cli->out, strerror(errno));
}

FILE *cli_out(struct cli *cli)
{
    if (cli->out_file)
        return cli->out_file;
    if (!cli->out || strcmp(cli->out, "-") == 0)
        return stdout;
    return open_out(cli) == SOR_OK ? cli->out_file : NULL;
}

enum sor_err cli_close_out(struct cli *cli, enum sor_err err)
{
    const char *temp = cli->out_temp.len ? cli->out_temp.p : NULL;
    int keep = err == SOR_OK || err == SOR_DIFFERS;

    if (cli->out_file) {
        int bad = ferror(cli->out_file);

        bad |= fclose(cli->out_file);
        if (keep && (bad || (temp && rename(temp, cli->out) != 0))) {
            err = sor_fail(&cli->msg, SOR_IO, "%s: cannot be written: %s",
                           cli->out, strerror(errno));
            keep = 0;
        }
        if (temp && !keep)
            unlink(temp);
        str_release(&cli->out_temp);
        cli->out_file = NULL;
    }
    str_release(&cli->db_path);
    return err;
}

int cli_color(const struct cli *cli, FILE *stream)
{
    const char *term = getenv("TERM"), *force = getenv("CLICOLOR_FORCE");

    if (cli->no_color || is_set("NO_COLOR"))
        return 0;
    if (force && *force && strcmp(force, "0") != 0)
        return 1;
    return isatty(fileno(stream)) && term && strcmp(term, "dumb") != 0;
}

int cli_unicode(const struct cli *cli)
{
    return !cli->no_unicode && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* --- signals ------------------------------------------------------------- */

static atomic_int stop, terminated, at_once;

static void on_signal(int sig)
{
    if (sig != SIGINT)
        atomic_store(&terminated, 1);
    if (atomic_fetch_add(&stop, 1) > 0 || atomic_load(&at_once))
        _exit(EXIT_SIGINT);
}

void cli_stop_at_once(int yes)
{
    atomic_store(&at_once, yes);
}

void cli_catch_signals(void)
{
    static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction act = { .sa_handler = on_signal };

    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        sigaction(caught[i], &act, NULL);       /* no SA_RESTART: read() ends */
}

int cli_stopped(void)
{
    return atomic_load(&stop) > 0;
}

int cli_terminated(void)
{
    return atomic_load(&terminated);
}

int cli_resume(void)
{
    if (cli_terminated())
        return 0;
    return atomic_exchange(&stop, 0) > 0;
}
