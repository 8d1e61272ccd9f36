/* cli/cmd_decide.c - what a person says of a finding, kept beside it. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/cli.h"
#include "db/review.h"
#include "viz/report.h"

enum { VERDICT_NONE, VERDICT_FIRST };

static struct { int verdict, wait; const char *name, *reason; } opt;

static const struct opt_spec opts[] = {
    { 0, "verdict", "none|supported|contradicted|not_addressed", OPT_WORD,
      &opt.verdict, "what the verdict should be", 0, 0 },
    { 0, "name", "NAME", OPT_STR, &opt.name,
      "who decides (you: $USER, or your login)", 0, 0 },
    { 0, "reason", "TEXT", OPT_STR, &opt.reason, "why", 0, 0 },
    { 0, "wait", NULL, OPT_FLAG, &opt.wait,
      "wait where another process writes", 0, 0 },
    OPT_END
};

static const char *const verdicts[] = { NULL, "supported", "contradicted",
                                        "not_addressed" };

/* FINDING is its number, or the name of the claim it is about. */
static const struct db_finding *find(const struct report *r, const char *name)
{
    char *end;
    long number = strtol(name, &end, 10);

    for (int i = 0; i < report_n(r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(r, DB_FINDING, i);
        const struct db_claim *c = report_find(r, DB_CLAIM, f->claim_id);

        if (*end == '\0' && *name ? f->ordinal == number
                                  : c && strcmp(c->name, name) == 0)
            return f;
    }
    return NULL;
}

/* Does the decision make sense for this finding? */
static enum sor_err check(struct cli *cli, const struct db_finding *f)
{
    const char *choice = cli->argv[2];
    int correct = strcmp(choice, "correct") == 0;

    if (!correct && strcmp(choice, "accept") != 0 &&
        strcmp(choice, "reject") != 0)
        return sor_fail(&cli->msg, SOR_USAGE, "'%s': decide accept, reject or "
                        "correct", choice);
    if (opt.verdict && !f->claim_id)
        return sor_fail(&cli->msg, SOR_USAGE, "finding %d is about no claim, "
                        "so there is no verdict to correct", f->ordinal);
    if (opt.verdict && !correct)
        return sor_fail(&cli->msg, SOR_USAGE, "--verdict goes with correct");
    if (correct && f->claim_id && !opt.verdict)
        return sor_fail(&cli->msg, SOR_USAGE, "say what the verdict should "
                        "be: --verdict supported|contradicted|not_addressed");
    if (correct && !f->claim_id && !opt.reason)
        return sor_fail(&cli->msg, SOR_USAGE, "say what should stand there "
                        "instead: --reason TEXT");
    return SOR_OK;
}

/* Who sits here, by the environment or the password file; NULL: unknown. */
static const char *user_name(void)
{
    const char *user = getenv("USER");
    const struct passwd *entry;

    if (user && *user)
        return user;
    entry = getpwuid(getuid());
    return entry ? entry->pw_name : NULL;
}

static enum sor_err put(struct cli *cli, struct db_writer *w, int64_t run_id,
                        const struct db_decision *row)
{
    enum sor_err err = db_begin(w, run_id, &cli->msg);

    if (err)
        return err;
    err = db_put_review_row(w, DB_DECISION, run_id, row, NULL, &cli->msg);
    if (err)
        db_rollback(w);
    else
        err = db_commit(w, NULL, &cli->msg);
    return err;
}

/* The row, in the words of a report's "decisions". */
static enum sor_err say_json(struct cli *cli, const struct report *r,
                             const struct db_finding *f,
                             const struct db_decision *d)
{
    const struct db_claim *c = report_find(r, DB_CLAIM, f->claim_id);
    FILE *to = cli_out(cli);
    enum sor_err err = SOR_OK;
    struct str line;
    struct json j;

    if (!to)
        return SOR_IO;
    str_init(&line);
    json_init(&j, &line);
    json_obj(&j);
    json_put_str(&j, "run", r->uid);
    json_put_int(&j, "finding", f->ordinal);
    json_put_str(&j, "claim", c ? c->name : NULL);
    json_put_str(&j, "text", f->text);
    json_put_str(&j, "choice", d->choice);
    json_put_str(&j, "verdict", d->verdict);
    json_put_str(&j, "name", d->name);
    json_put_str(&j, "reason", d->reason);
    json_put_int(&j, "at_us", d->at_us);
    json_end_obj(&j);
    str_putc(&line, '\n');
    if (!str_ok(&line))
        err = sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
    else if (fputs(line.p, to) < 0)
        err = sor_fail(&cli->msg, SOR_IO, "cannot write the result");
    str_release(&line);
    return err;
}

/* Kept first, and said only then. */
static enum sor_err decide(struct cli *cli, struct db_writer *w,
                           const struct report *r, const struct db_finding *f)
{
    struct db_decision row = { .finding_id = f->id, .choice = cli->argv[2],
        .verdict = verdicts[opt.verdict], .reason = opt.reason,
        .name = opt.name ? opt.name : user_name(),
        .at_us = clock_wall_us() };
    enum sor_err err = put(cli, w, r->run_id, &row);

    if (err)
        return err;
    log_info("finding %d: %s", f->ordinal, f->text ? f->text : "");
    return cli->json ? say_json(cli, r, f, &row) : SOR_OK;
}

static enum sor_err run(struct cli *cli)
{
    struct db_writer_opts lock = { .wait = opt.wait };
    const struct db_finding *f;
    struct report *r = NULL;
    struct db_writer *w = NULL;
    struct db *d = NULL;
    int64_t id;
    enum sor_err err = db_open(cli_db(cli), &d, &cli->msg);

    if (!err)
        err = db_find_run(d, cli->argv[0], &id, &cli->msg);
    if (!err)
        err = report_load(d, id, &r, &cli->msg);
    db_close(d);
    if (err)
        return err;
    if (!(f = find(r, cli->argv[1])))
        err = sor_fail(&cli->msg, SOR_NOTFOUND, "run %.8s has no finding %s",
                       r->uid, cli->argv[1]);
    if (!err)
        err = check(cli, f);
    if (!err)
        err = db_writer_open(cli_db(cli), &lock, &w, &cli->msg);
    if (!err)
        err = decide(cli, w, r, f);
    db_writer_close(w);
    report_close(r);
    return err;
}

const struct cmd cmd_decide = {
    .name = "decide", .operands = "RUN FINDING accept|reject|correct",
    .min = 3, .max = 3,
    .summary = "record what a person says of a finding",
    .text = "FINDING is its number in the report, or the name of its claim.  "
            "A decision is added, never changed: the newest counts, all stay "
            "in the record, and every report shows it.  Correcting a verdict "
            "is shown as overriding the program.\n",
    .opts = opts, .run = run
};
