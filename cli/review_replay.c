#include "cli/review_replay.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/progress.h"
#include "db/review.h"
#include "engine/engine.h"
#include "probe/replay.h"
#include "review/recheck.h"

struct job {
    struct cli *cli;
    struct db *d;
    const struct db_run *run;
    struct pack *pack;
    struct engine *e;
    struct judge *judge;
    struct recheck_report report;
    struct progress bar;
    double seconds;
};

static int watch(void *ud, int64_t done, int64_t total)
{
    struct job *j = ud;

    progress_advance(&j->bar, done, total);
    return cli_stopped();
}

/* The pack that the review was made with; its adapter is part of the run and
 * is held against the recorded digest by replay_engine(). */
static enum sor_err open_pack(struct job *j, const char *model)
{
    struct sor_msg *msg = &j->cli->msg;
    struct db_cur *c = db_review_rows(j->d, DB_REVIEW, j->run->id);
    struct db_review row;
    enum sor_err err;

    if (db_review_row_next(c, DB_REVIEW, &row) != 1)
        err = sor_fail(msg, SOR_FORMAT, "run %.8s has no review row",
                       j->run->uid);
    else if (row.rules_only)
        err = sor_fail(msg, SOR_NOTFOUND, "run %.8s: its rows are as "
                       "committed; it used no model, so there is nothing to "
                       "compute again", j->run->uid);
    else
        err = pack_open(row.domain, &j->pack, msg);
    if (!err && strcmp(j->pack->version, row.pack_version) != 0)
        log_warn("the pack is version %s now, and was %s", j->pack->version,
                 row.pack_version);
    db_cur_close(c);
    if (!err)
        err = replay_engine(j->d, j->run, model, j->cli->threads, &j->e, msg);
    return err ? err : judge_open(j->e, j->pack, &j->judge, msg);
}

static void say(const struct job *j, FILE *to)
{
    const struct recheck_report *r = &j->report;

    if (!r->same)
        fprintf(to, "differs: %s\n", r->where);
    else if (r->exact)
        fprintf(to, "identical: %lld readings, %lld of them for clause types: "
                "same computation (this says nothing about right "
                "reasoning)\n", (long long)(r->n_pair + r->n_type),
                (long long)r->n_type);
    if (!r->exact)
        fprintf(to, "recorded on %s, replayed on %s: tolerance, not proof; "
                "%lld readings, logits within %.3f (limit %.1f)\n",
                j->run->isa, judge_isa(j->judge), (long long)r->n_pair,
                r->worst, RECHECK_TOLERANCE);
    fflush(to);
    log_info("%.1f s on %s", j->seconds, judge_isa(j->judge));
}

static void say_json(const struct job *j, FILE *to)
{
    const struct recheck_report *r = &j->report;
    struct str out;
    struct json js;

    str_init(&out);
    json_init(&js, &out);
    json_obj(&js);
    json_key(&js, "run"), json_str(&js, j->run->uid);
    json_key(&js, "result");
    json_str(&js, !r->same ? "differs" : r->exact ? "identical"
                                                  : "within tolerance");
    json_key(&js, "isa"), json_str(&js, judge_isa(j->judge));
    json_key(&js, "isa_recorded"), json_str(&js, j->run->isa);
    json_key(&js, "readings"), json_int(&js, r->n_pair);
    json_key(&js, "type_readings"), json_int(&js, r->n_type);
    json_key(&js, "largest_difference"), json_num(&js, r->worst);
    json_key(&js, "first"), json_str(&js, r->same ? NULL : r->where);
    json_end_obj(&js);
    fprintf(to, "%s\n", out.p);
    str_release(&out);
}

enum sor_err review_replay(struct cli *cli, struct db *d,
                           const struct db_run *run, const char *path)
{
    struct job j = { .cli = cli, .d = d, .run = run };
    struct judge_watch w = { watch, &j };
    uint64_t start = clock_mono_ns();
    FILE *to = cli_out(cli);
    enum sor_err err = to ? open_pack(&j, path) : SOR_IO;

    if (!err) {
        progress_begin(&j.bar, cli, "replaying", "tokens", 0);
        err = recheck_review(d, run, j.judge, &w, &j.report, &cli->msg);
        progress_end(&j.bar);
    }
    j.seconds = (double)(clock_mono_ns() - start) / 1e9;
    if (!err)
        (cli->json ? say_json : say)(&j, to);
    if (!err && !j.report.same)
        err = sor_fail(&cli->msg, SOR_DIFFERS, "the review does not compute "
                       "the same again");
    judge_close(j.judge);
    engine_close(j.e);
    pack_close(j.pack);
    return err;
}
