#include "cli/remove.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

static struct { int yes, wait; } opt;

const struct opt_spec remove_opts[] = {
    { 'y', "yes", NULL, OPT_FLAG, &opt.yes, "do not ask", 0, 0 },
    { 0, "wait", NULL, OPT_FLAG, &opt.wait,
      "wait where another process writes", 0, 0 },
    OPT_END
};

static int stopped(void *ud)
{
    (void)ud;
    return cli_stopped();
}

/* "y" from the terminal.  Where nobody can be asked, -y must be given. */
static enum sor_err confirm(struct cli *cli, const struct db_run *r,
                            const char *what)
{
    char uid[33], shown[80], answer[16] = "";
    const char *prompt = r->prompt ? r->prompt : "forgotten";

    if (opt.yes)
        return SOR_OK;
    if (!isatty(STDIN_FILENO))
        return sor_fail(&cli->msg, SOR_USAGE, "nobody to ask here; -y does it "
                        "without asking");
    text_safe_fit(shown, sizeof shown, prompt, strlen(prompt), 0);
    text_safe_fit(uid, sizeof uid, r->uid, strnlen(r->uid, 8), 0);
    fprintf(stderr, "%s run %s (%s)? [y/N] ", what, uid, shown);
    if (!fgets(answer, sizeof answer, stdin) ||
        (answer[0] != 'y' && answer[0] != 'Y'))
        return sor_fail(&cli->msg, SOR_DIFFERS, "run %.8s: left as it is",
                        r->uid);
    return SOR_OK;
}

/* Finds the run and asks. */
static enum sor_err choose(struct cli *cli, const char *what, int64_t *id,
                           char uid[33])
{
    struct db *d;
    struct db_run r;
    enum sor_err err = db_open(cli_db(cli), &d, &cli->msg);

    if (err)
        return err;
    err = db_find_run(d, cli->argv[0], id, &cli->msg);
    if (!err && db_get_run(d, *id, &r) != 1)
        err = sor_fail(&cli->msg, SOR_FORMAT, "%s: run %s cannot be read",
                       cli_db(cli), cli->argv[0]);
    if (!err) {
        snprintf(uid, 33, "%s", r.uid);
        err = confirm(cli, &r, what);
    }
    db_close(d);
    return err;
}

enum sor_err remove_by(struct cli *cli, const struct remove_way *way)
{
    struct db_writer_opts o = { .wait = opt.wait, .cancelled = stopped };
    struct db_writer *w = NULL;
    char uid[33];
    int64_t id;
    enum sor_err err = choose(cli, way->ask, &id, uid);

    if (err)
        return err;
    cli_catch_signals();
    if ((err = db_writer_open(cli_db(cli), &o, &w, &cli->msg)))
        return err;
    err = way->act(w, id, &cli->msg);
    db_writer_close(w);
    if (!err)
        log_info("run %.8s: %s", uid, way->done);
    return err;
}
