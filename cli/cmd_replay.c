/* cli/cmd_replay.c - show a recorded run again, or prove that it computes the
 * same: first that the rows are the ones committed, then that the model is
 * the file recorded, then every token. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/review_out.h"
#include "cli/review_replay.h"
#include "cli/show.h"
#include "db/chain.h"
#include "engine/engine.h"
#include "probe/replay.h"

static struct { int verify, path; double audit; } opt = { .path = -1 };

static const struct opt_spec opts[] = {
    { 0, "verify", NULL, OPT_FLAG, &opt.verify,
      "compute it again and compare every token", 0, 0 },
    { 0, "audit", "RATE", OPT_NUM, &opt.audit,
      "price a share of its routed tokens against full, and keep that", 0, 1 },
    { 0, "path", "K", OPT_INT, &opt.path, "this path only", 0, 1 << 20 },
    OPT_END
};

struct job {
    struct cli *cli;
    FILE *to;
    struct db *d;
    struct db_run run;
    char uid[33];               /* its, to outlive the row */
    struct chain_report chain;
    struct replay_report report;
    struct progress bar;
    double seconds;
};

/* Are the rows what was committed?  SOR_DIFFERS: no, and where. */
static enum sor_err check_rows(struct job *j)
{
    struct sor_msg *msg = &j->cli->msg;
    enum sor_err err = chain_verify(j->d, &j->chain, msg);

    if (!err && !j->chain.ok)
        err = sor_fail(msg, SOR_DIFFERS, "the database has changed since it "
                       "was recorded: %s", j->chain.where);
    return err;
}

/* The model asked for, else the recorded file where it still is, else the
 * default. */
static const char *model_path(struct job *j, struct str *path)
{
    struct db_model m;

    if (!j->cli->model && j->run.model_id &&
        db_get_model(j->d, j->run.model_id, &m) > 0 &&
        access(m.path, R_OK) == 0) {
        str_puts(path, m.path);
        return path->p;
    }
    return cli_model(j->cli);
}

static enum sor_err compute(struct job *j)
{
    struct replay_opts o = { .path = opt.path, .cancelled = progress_stopped,
                             .progress = progress_advance, .ud = &j->bar };
    struct sor_msg *msg = &j->cli->msg;
    uint64_t start = clock_mono_ns();
    struct engine *e = NULL;
    struct str path;
    enum sor_err err;

    str_init(&path);
    err = replay_engine(j->d, &j->run, model_path(j, &path), j->cli->threads,
                        &e, msg);
    str_release(&path);
    if (err)
        return err;
    progress_begin(&j->bar, j->cli, "replaying", "tokens", 0);
    err = replay_verify(j->d, &j->run, e, &o, &j->report, msg);
    progress_end(&j->bar);
    engine_close(e);
    j->seconds = (double)(clock_mono_ns() - start) / 1e9;
    return err;
}

/* --- the outcome --------------------------------------------------------- */

static void say_layer(const struct replay_diff *d, char *out, size_t cap)
{
    if (d->layer >= 0)
        snprintf(out, cap, ", layer %d", d->layer);
    else
        out[0] = '\0';
}

/* Digests are of bits, which another instruction set need not have. */
static void say_digests(const struct replay_report *r, char *out, size_t cap)
{
    if (r->exact)
        snprintf(out, cap, "%lld layer digests agree",
                 (long long)r->n_layer_row);
    else
        snprintf(out, cap, "layer digests were not compared (recorded on %s, "
                 "this is %s)", r->isa_then, r->isa_now);
}

static void say_identical(const struct job *j)
{
    const struct replay_report *r = &j->report;
    char digests[256];

    if (r->texts_only)
        fprintf(j->to, "identical: %d path%s, %lld tokens: same texts "
                "(recorded at level steps: no logits to compare)\n",
                r->n_path, r->n_path == 1 ? "" : "s", (long long)r->n_token);
    else if (r->exact)
        fprintf(j->to, "identical: %d path%s, %lld tokens: same computation "
                "(this says nothing about right reasoning)\n", r->n_path,
                r->n_path == 1 ? "" : "s", (long long)r->n_token);
    else
        fprintf(j->to, "recorded on %s, replayed on %s: tolerance, not proof\n"
                "%d path%s, %lld tokens: log-probabilities within %.4f nats "
                "(largest at %.8s:%d@%d; limit %.2f)\n", r->isa_then,
                r->isa_now, r->n_path, r->n_path == 1 ? "" : "s",
                (long long)r->n_token, r->worst, j->uid, r->worst_path,
                r->worst_pos, REPLAY_TOLERANCE);
    if (r->n_gap)
        fprintf(j->to, "%lld of these paths lost tokens while recording and "
                "were checked up to there\n", (long long)r->n_gap);
    fflush(j->to);                      /* before what stderr says */
    say_digests(r, digests, sizeof digests);
    log_info("%lld rows of %lld batches are as committed; %s; %.1f s on %s",
             (long long)j->chain.n_row, (long long)j->chain.n_batch, digests,
             j->seconds, r->isa_now);
}

static enum sor_err say_differs(const struct job *j)
{
    const struct replay_diff *d = &j->report.diff;
    char layer[24];

    say_layer(d, layer, sizeof layer);
    fprintf(j->to, "differs: %.8s:%d@%d%s: %s recorded %s, now %s\n",
            j->uid, d->path, d->pos, layer, d->what, d->was, d->now);
    if (!j->report.exact)
        fprintf(j->to, "recorded on %s, replayed on %s: tolerance, not "
                "proof\n", j->report.isa_then, j->report.isa_now);
    return sor_fail(&j->cli->msg, SOR_DIFFERS, "the run does not compute the "
                    "same again");
}

static void json_diff(struct json *js, const struct replay_diff *d)
{
    json_key(js, "path");
    json_int(js, d->path);
    json_key(js, "pos");
    json_int(js, d->pos);
    json_key(js, "layer");
    if (d->layer >= 0)
        json_int(js, d->layer);
    else
        json_null(js);
    json_key(js, "what");
    json_str(js, d->what);
    json_key(js, "recorded");
    json_str(js, d->was);
    json_key(js, "now");
    json_str(js, d->now);
}

/* {"run","result":"identical|identical texts|within tolerance|
 * differs","isa","isa_recorded",
 * "paths","tokens","layer_digests","largest_difference"?,"first"?}, or with
 * result "changed" and "where" if the rows or the model are not those
 * recorded. */
static enum sor_err show_json(const struct job *j, enum sor_err err)
{
    const struct replay_report *r = &j->report;
    struct str out;
    struct json js;

    str_init(&out);
    json_init(&js, &out);
    json_obj(&js);
    json_key(&js, "run");
    json_str(&js, j->uid[0] ? j->uid : j->cli->argv[0]);
    json_key(&js, "result");
    json_str(&js, err ? "changed" : !r->same ? "differs"
             : r->texts_only ? "identical texts" : r->exact ? "identical"
             : "within tolerance");
    if (err) {
        json_key(&js, "where");
        json_str(&js, j->cli->msg.text);
    } else {
        json_key(&js, "isa");
        json_str(&js, r->isa_now);
        json_key(&js, "isa_recorded");
        json_str(&js, r->isa_then);
        json_key(&js, "paths");
        json_int(&js, r->n_path);
        json_key(&js, "tokens");
        json_int(&js, r->n_token);
        json_key(&js, "layer_digests");
        json_int(&js, r->n_layer_row);
        if (!r->exact) {
            json_key(&js, "largest_difference");
            json_num(&js, r->worst);
        }
        if (!r->same) {
            json_key(&js, "first");
            json_obj(&js);
            json_diff(&js, &r->diff);
            json_end_obj(&js);
        }
    }
    json_end_obj(&js);
    fprintf(j->to, "%s\n", out.p);
    str_release(&out);
    return err ? err : r->same ? SOR_OK : SOR_DIFFERS;
}

static enum sor_err find(struct job *j)
{
    const char *name = j->cli->argv[0];
    struct sor_msg *msg = &j->cli->msg;
    int64_t id;
    enum sor_err err = db_find_run(j->d, name, &id, msg);

    if (!err && db_get_run(j->d, id, &j->run) <= 0)
        err = sor_fail(msg, SOR_FORMAT, "%s: run %s cannot be read",
                       cli_db(j->cli), name);
    if (!err)           /* the row's own text goes when the next one is read */
        text_safe_fit(j->uid, sizeof j->uid, j->run.uid, strlen(j->run.uid),
                      0);
    return err;
}

/* The paths of a review are scored, not drawn: what is computed again are its
 * readings. */
static enum sor_err verify_review(struct job *j)
{
    struct str path;
    enum sor_err err;

    str_init(&path);
    err = review_replay(j->cli, j->d, &j->run, model_path(j, &path));
    str_release(&path);
    if (!err)
        log_info("%lld rows of %lld batches are as committed",
                 (long long)j->chain.n_row, (long long)j->chain.n_batch);
    return err;
}

/* The rows come first: a damaged file is located before anything in it is
 * believed, the run's name included. */
static enum sor_err verify(struct job *j)
{
    enum sor_err err;

    cli_catch_signals();
    err = check_rows(j);
    if (!err)
        err = find(j);
    if (!err && strcmp(j->run.kind, "review") == 0)
        return verify_review(j);
    if (!err)
        err = compute(j);
    if (j->cli->json && err == SOR_DIFFERS && !j->uid[0]) {
        struct sor_msg where = j->cli->msg;

        find(j);                        /* its name for the object, if it has */
        j->cli->msg = where;
    }
    if (j->cli->json && (!err || err == SOR_DIFFERS))
        return show_json(j, err);
    if (err)
        return err;
    if (!j->report.same)
        return say_differs(j);
    say_identical(j);
    return SOR_OK;
}

/* What routing cost: paths of a run of its own, whose rows stay as they are. */
static enum sor_err price(struct job *j)
{
    struct sor_msg *msg = &j->cli->msg;
    struct engine *e = NULL;
    struct str path;
    enum sor_err err;

    cli_catch_signals();
    err = find(j);
    if (!err && opt.path >= 0)
        return sor_fail(msg, SOR_USAGE, "--audit goes over all paths: leave "
                        "--path out");
    if (!err && strcmp(j->run.kind, "review") == 0)
        return sor_fail(msg, SOR_UNSUP, "the readings of a review are not "
                        "routed: there is nothing to audit");
    str_init(&path);
    if (!err)
        err = replay_engine(j->d, &j->run, model_path(j, &path),
                            j->cli->threads, &e, msg);
    if (!err)
        err = audit(j->cli, j->d, &j->run, e, opt.audit, j->to);
    str_release(&path);
    engine_close(e);
    return err;
}

static enum sor_err find_path(struct job *j)
{
    struct db_cur *c = db_paths(j->d, j->run.id);
    struct db_path p;
    int found = 0;

    while (db_path_next(c, &p) > 0)
        found |= p.ordinal == opt.path;
    if (db_cur_close(c))
        return sor_fail(&j->cli->msg, SOR_FORMAT, "the paths of run %.8s "
                        "cannot be read", j->uid);
    return found ? SOR_OK : sor_fail(&j->cli->msg, SOR_NOTFOUND, "run %.8s "
                                     "has no path %d", j->uid, opt.path);
}

static enum sor_err show(struct job *j)
{
    struct show s = { .cli = j->cli, .to = j->to, .d = j->d };
    int64_t recording = show_recording(j->d, cli_db(j->cli));
    enum sor_err err = find(j);

    if (!err && opt.path >= 0)
        err = find_path(j);
    if (err)
        return err;
    s.run_id = j->run.id;
    s.recording = recording == s.run_id;
    if (strcmp(j->run.kind, "review") == 0 && !j->cli->json)
        return review_print(j->cli, j->d, j->run.id, REVIEW_TEXT, 1);
    if (j->cli->json)
        return show_run_json(&s, &j->cli->msg);
    show_question(&s, &j->run);
    return show_run(&s, &j->cli->msg);
}

static enum sor_err run(struct cli *cli)
{
    struct job j = { .cli = cli };
    enum sor_err err = db_open(cli_db(cli), &j.d, &cli->msg);

    if (!err && !(j.to = cli_out(cli)))
        err = SOR_IO;
    if (!err)
        err = opt.verify ? verify(&j) : SOR_OK;
    if (!err && opt.audit > 0)
        err = price(&j);
    else if (!err && !opt.verify)
        err = show(&j);
    db_close(j.d);
    return err;
}

const struct cmd cmd_replay = {
    .name = "replay", .operands = "RUN", .min = 1, .max = 1,
    .summary = "show a run again, or prove that it computes the same",
    .text = "RUN is a prefix of the run's name, or 'last'.  With --verify "
        "the database is checked against its hash chain, the model against "
        "its digests, and every token is computed again and compared: layer "
        "by layer, logits, and the choice.  Exit code 1 where anything "
        "differs, with the first place.  With --audit a share of the tokens "
        "that left something out is computed again in full, and the price is "
        "kept.",
    .opts = opts, .run = run };
