/* cli/cmd_review.c - documents reviewed: what the rules find within a second,
 * then claims along several paths, all of it stored as it comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/review_jobs.h"
#include "cli/review_json.h"
#include "cli/review_out.h"
#include "db/review.h"
#include "engine/engine.h"
#include "probe/model_id.h"
#include "review/review.h"
#include "review/store.h"

enum { PATHS = 8, CONTEXT = 1024,       /* a reading is far shorter */
       FIRST_SHOWN = 5 };

static struct {
    int n_path, strict, rules_only, wait, all, redline, n_job;
    const char *domain, *party, *claims;
} opt = { .n_path = PATHS, .domain = "legal", .n_job = 1 };

static const struct opt_spec opts[] = {
    { 0, "domain", "NAME|DIR", OPT_STR, &opt.domain, "the pack (legal)", 0,
      0 },
    { 'n', "paths", "N", OPT_INT, &opt.n_path, "paths of each claim (8)", 1,
      PATH_VARIANTS },
    { 0, "party", "NAME", OPT_STR, &opt.party,
      "whose side: receiving, Customer, or a party's name", 0, 0 },
    { 0, "claims", "FILE", OPT_STR, &opt.claims,
      "your claims, not the pack's: [{\"id\",\"text\"}..]", 0, 0 },
    { 0, "strict", NULL, OPT_FLAG, &opt.strict,
      "give fewer verdicts, more of them right", 0, 0 },
    { 0, "rules-only", NULL, OPT_FLAG, &opt.rules_only, "use no model", 0,
      0 },
    { 'j', "jobs", "N", OPT_INT, &opt.n_job, "documents at once (1)", 1, 64 },
    { 0, "all", NULL, OPT_FLAG, &opt.all, "show every finding and path", 0,
      0 },
    { 0, "redline", NULL, OPT_FLAG, &opt.redline, "the playbook's text as a "
      "change of the contract's", 0, 0 },
    { 0, "wait", NULL, OPT_FLAG, &opt.wait,
      "wait where another process writes the database", 0, 0 },
    OPT_END
};

struct job {
    struct cli *cli;
    enum review_form form;
    struct pack *pack;
    struct review_opts o;
    struct db_writer *w;
    struct engine *e;                   /* NULL until the first needs it */
    struct model_id model;
    struct judge *judge;
    struct progress bar;
    char stage[24];
    const char *name;                   /* of the document at hand */
};

/* --- progress ------------------------------------------------------------ */

static int stopped(void *ud)
{
    (void)ud;
    return cli_stopped();
}

static void on_stage(void *ud, const char *stage, int64_t done, int64_t total)
{
    struct job *j = ud;

    if (strcmp(stage, j->stage) != 0) {
        progress_end(&j->bar);
        snprintf(j->stage, sizeof j->stage, "%s", stage);
        progress_begin(&j->bar, j->cli, j->stage, "tokens", (uint64_t)total);
    }
    progress_advance(&j->bar, done, total);
}

/* What the rules found, at once: the rest takes a while. */
static void say_first(const struct job *j, const struct review *r)
{
    static const char *const word[] = { "note", "low", "medium", "high" };

    if (j->form == REVIEW_JSON)
        return;
    log_info("%s: %d clause%s; %sfindings, by rule, while the model reads on",
             j->name, r->clauses->n, r->clauses->n == 1 ? "" : "s",
             r->n_finding ? "first " : "no ");
    for (int i = 0; i < r->n_finding && i < FIRST_SHOWN; i++)
        log_info("  %-6s %s", word[r->finding[i].severity & 3],
                 r->finding[i].text);
    if (r->n_finding > FIRST_SHOWN)
        log_info("  and %d more", r->n_finding - FIRST_SHOWN);
}

/* --- what is needed once ------------------------------------------------- */

/* Does the pack know anything of contracts: rules for them, or an adapter that
 * reads claims? */
static int reads_contracts(const struct pack *p)
{
    static const char *const purpose[] = { "define", "reference",
                                           "norm.obligation" };
    int n = 0;

    for (size_t i = 0; i < sizeof purpose / sizeof *purpose && n == 0; i++)
        pack_patterns(p, purpose[i], &n);
    return n > 0 || p->adapter;
}

static enum sor_err open_pack(struct job *j)
{
    struct sor_msg *msg = &j->cli->msg;
    enum sor_err err = pack_open(opt.domain, &j->pack, msg);

    if (err)                            /* 4 is for rows that are not there */
        return err == SOR_NOTFOUND ? SOR_IO : err;
    if (!reads_contracts(j->pack))
        return sor_fail(msg, SOR_USAGE, "the pack \"%s\" has no rules and no "
                        "adapter for contracts, so it would find nothing; "
                        "sorites assess --domain %s is for its cases",
                        j->pack->id, j->pack->id);
    j->o = (struct review_opts){ .pack = j->pack, .claim = j->pack->claim,
        .n_claim = j->pack->n_claim, .n_path = opt.n_path,
        .rules_only = opt.rules_only, .party = opt.party,
        .strict = opt.strict, .cancelled = stopped, .on_stage = on_stage,
        .ud = j };
    if (opt.claims)
        err = pack_claims_file(j->pack, opt.claims, &j->o.claim,
                               &j->o.n_claim, msg);
    return err;
}

static enum sor_err open_model(struct job *j)
{
    struct engine_opts o = { .n_thread = j->cli->threads, .n_ctx = CONTEXT };
    const char *path = cli_model(j->cli);
    struct model_id_job hash;
    enum sor_err err, hashed;

    if (j->e)
        return SOR_OK;
    model_id_begin(&hash, path);
    err = engine_open(path, &o, &j->e, &j->cli->msg);
    hashed = model_id_finish(&hash, &j->model, err ? NULL : &j->cli->msg);
    err = err ? err : hashed;
    return err ? err : judge_open(j->e, j->pack, &j->judge, &j->cli->msg);
}

/* --- one document -------------------------------------------------------- */

/* Why there is nothing to review, or NULL. */
static const char *unfit(const struct document *d)
{
    switch (document_fit(d)) {
    case DOCUMENT_EMPTY:
        return "there is no text in it";
    case DOCUMENT_FOREIGN:
        return "it does not look like English, the only language that the "
               "rules and the model were measured on";
    case DOCUMENT_NO_CONTRACT:
        return "it does not look like a contract: no clauses that bind "
               "anybody";
    case DOCUMENT_FITS:
        break;
    }
    return NULL;
}

/* A page's picture is drawn in a forked child, which wants no threads beside
 * it; and a page is of one document only. */
static void close_model(struct job *j)
{
    judge_close(j->judge);
    engine_close(j->e);
    j->judge = NULL;
    j->e = NULL;
}

/* The report in its form; one that goes to a file is on the screen too. */
static enum sor_err show_report(struct job *j, const struct store *s)
{
    struct db *d = db_writer_reader(j->w);
    int flags = (opt.all ? REVIEW_ALL : 0) |
                (opt.redline ? REVIEW_REDLINE : 0);
    enum sor_err err;

    if (j->form == REVIEW_HTML)
        close_model(j);
    err = review_print(j->cli, d, store_run_id(s), j->form, flags);
    if (err || j->form == REVIEW_TEXT)
        return err;
    if (!j->cli->quiet && !j->cli->json)
        err = review_screen(j->cli, d, store_run_id(s), flags);
    if (!err)
        log_info("report written to %s", j->cli->out);
    return err;
}

static enum sor_err show(struct job *j, const struct review *r,
                         const struct store *s)
{
    FILE *to = cli_out(j->cli);
    struct str out;
    enum sor_err err = SOR_OK;

    if (!to)
        return SOR_IO;
    if (j->form != REVIEW_JSON)
        return show_report(j, s);
    str_init(&out);
    review_json(&out, r, j->pack, store_uid(s));
    str_putc(&out, '\n');
    if (!str_ok(&out))
        err = sor_fail(&j->cli->msg, SOR_NOMEM, "out of memory");
    else if (fwrite(out.p, 1, out.len, to) != out.len)
        err = sor_fail(&j->cli->msg, SOR_IO, "cannot write the result");
    str_release(&out);
    return err;
}

/* The stages that need the model; what is known is not computed again. */
static enum sor_err judge_it(struct job *j, struct review *r, struct store *s)
{
    enum sor_err err;

    if (store_resumed(s))
        log_info("%s: goes on with the %d readings of review %.8s", j->name,
                 store_resumed(s), store_uid(s));
    judge_remember(j->judge, store_memory(s));
    j->o.memory = store_memory(s);
    j->stage[0] = '\0';
    err = review_judge(r, &j->o, j->judge, &j->cli->msg);
    progress_end(&j->bar);
    judge_remember(j->judge, NULL);
    return err;
}

static enum sor_err finish(struct job *j, struct review *r, struct store *s)
{
    struct sor_msg *msg = &j->cli->msg;
    enum sor_err err = SOR_OK;

    if (!opt.rules_only)
        err = judge_it(j, r, s);
    if (!err)
        err = store_judged(s, r, j->judge, msg);
    if (!err)
        err = store_end(s, "complete", msg);
    else if (err == SOR_INTERRUPTED && !store_end(s, "interrupted", NULL))
        sor_fail(msg, err, "interrupted; the same command goes on from here");
    return err ? err : show(j, r, s);
}

/* The rules do not poll, and there is no row yet that a signal could leave
 * half; only a result that goes to a file is kept from being left behind. */
static enum sor_err read_it(struct job *j, const char *path, struct review **r)
{
    enum sor_err err = SOR_OK;

    fflush(stdout);                     /* what was said of those before */
    cli_stop_at_once(!j->cli->out_file);
    if (cli_stopped())
        err = sor_fail(&j->cli->msg, SOR_INTERRUPTED, "interrupted");
    else
        err = review_read(path, &j->o, r, &j->cli->msg);
    cli_stop_at_once(0);
    return err;
}

static enum sor_err review(struct job *j, const char *path)
{
    struct sor_msg *msg = &j->cli->msg;
    struct store_run run = { .opts = &j->o };
    struct review *r = NULL;
    struct store *s = NULL;
    const char *why;
    enum sor_err err = read_it(j, path, &r);

    j->name = path;
    if (err)
        return err;
    if ((why = unfit(r->doc)) != NULL)
        err = sor_fail(msg, SOR_FORMAT, "%s: %s; nothing was reviewed", path,
                       why);
    if (!err && !opt.rules_only) {
        say_first(j, r);
        if (!(err = open_model(j))) {
            run.engine = j->e;
            run.model = &j->model;
        }
    }
    if (!err)
        err = store_begin(j->w, &run, r, &s, msg);
    if (!err)
        err = finish(j, r, s);
    store_close(s);
    review_close(r);
    return err;
}

/* --- all documents ------------------------------------------------------- */

/* One bad document does not keep the others from being reviewed; the first
 * error is the command's. */
static enum sor_err review_all(struct job *j, int n, char **doc)
{
    enum sor_err first = SOR_OK;
    struct sor_msg kept;

    for (int i = 0; i < n; i++) {
        enum sor_err err = review(j, doc[i]);

        if (err == SOR_INTERRUPTED || err == SOR_FULL || err == SOR_NOMEM)
            return err;
        if (err && first)
            log_warn("%s", j->cli->msg.text);
        if (err && !first) {
            first = err;
            kept = j->cli->msg;
        }
    }
    if (first)
        j->cli->msg = kept;
    return first;
}

static enum sor_err check_usage(struct job *j)
{
    enum sor_err err = review_form_of(j->cli, &j->form);

    if (!err && j->cli->argc > 1 && j->cli->out &&
        (j->form == REVIEW_HTML || j->form == REVIEW_MARKDOWN ||
         j->form == REVIEW_DOCX))
        err = sor_fail(&j->cli->msg, SOR_USAGE, "-o %s holds one document: "
                       "review several without it and write each with "
                       "sorites report RUN -o", j->cli->out);
    return err;
}

/* Reviews n documents, one after the other, into the database of cli. */
static enum sor_err review_these(struct cli *cli, int n, char **doc)
{
    struct job j = { .cli = cli };
    struct db_writer_opts lock = { .wait = opt.wait, .cancelled = stopped };
    enum sor_err err = check_usage(&j);

    if (!err)
        err = open_pack(&j);
    if (!err)
        err = db_writer_open(cli_db(cli), &lock, &j.w, &cli->msg);
    if (!err)
        err = review_all(&j, n, doc);
    judge_close(j.judge);
    engine_close(j.e);
    model_id_release(&j.model);
    db_writer_close(j.w);
    pack_close(j.pack);
    return err;
}

static enum sor_err review_one(struct cli *cli, char *doc)
{
    return review_these(cli, 1, &doc);
}

static enum sor_err run(struct cli *cli)
{
    struct db_writer_opts lock = { .wait = opt.wait, .cancelled = stopped };
    struct job j = { .cli = cli };
    struct db_writer *w = NULL;
    enum sor_err err = check_usage(&j);

    cli_catch_signals();
    if (err || opt.n_job == 1 || cli->argc == 1)
        return err ? err : review_these(cli, cli->argc, cli->argv);
    cli->json = j.form == REVIEW_JSON;  /* the children have no -o to tell */
    if (!(err = db_writer_open(cli_db(cli), &lock, &w, &cli->msg)))
        err = review_jobs(cli, opt.n_job, w, review_one);
    db_writer_close(w);
    return err;
}

const struct cmd cmd_review = {
    .name = "review", .operands = "DOC...", .min = 1, .max = -1,
    .summary = "review contracts: findings that open down to the token",
    .text = "DOC is text, Markdown, PDF or DOCX, or - for standard input.  "
            "Rules come first (definitions, references, exceptions, defects), "
            "then the model reads every clause and each claim is decided "
            "along several paths and put to the test.  Everything is stored "
            "as it comes: a review that was cut off goes on when it is "
            "started again.  -o x.html or x.md also writes a report, --json "
            "one JSON object a document.  --claims FILE replaces the pack's "
            "claims with those of the file.  Preliminary findings, for a "
            "lawyer's decision.\n",
    .opts = opts, .run = run
};
