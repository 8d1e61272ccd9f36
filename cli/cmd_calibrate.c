/* cli/cmd_calibrate.c - what routing may leave out of this model, measured on a
 * text and written as the file that `run --route` reads. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "engine/tok.h"
#include "probe/calibrate.h"
#include "probe/model_id.h"

enum { TEXT_MAX = 64 << 20 };

static struct {
    int context, tail, skip;
    double ratio;
} opt = { .context = 3840, .tail = 192, .ratio = 1.01 };

static const struct opt_spec opts[] = {
    { 0, "context", "N", OPT_INT, &opt.context,
      "tokens before those measured (3840)", 1024, 1 << 20 },
    { 0, "tail", "N", OPT_INT, &opt.tail, "tokens measured behind them (192)",
      16, 4096 },
    { 0, "skip", "N", OPT_INT, &opt.skip, "tokens of the text passed over", 0,
      1 << 30 },
    { 0, "ratio", "R", OPT_NUM, &opt.ratio,
      "perplexity that sparse may reach, over full (1.01)", 1.0001, 2 },
    OPT_END
};

struct job {
    struct cli *cli;
    struct engine *e;
    struct model_id id;
    struct str text;
    struct tok_ids ids;
    struct route *route;
    struct calibrate_report report;
    struct progress bar;
};

static enum sor_err measure(struct job *j)
{
    struct calibrate_opts o = {
        .n_context = opt.context, .n_tail = opt.tail, .target = opt.ratio,
        .progress = progress_advance, .cancelled = progress_stopped,
        .ud = &j->bar };
    enum sor_err err = tok_encode(engine_tok(j->e), j->text.p, j->text.len, 0,
                                  &j->ids);

    if (err)
        return sor_fail(&j->cli->msg, err, "%s: cannot be tokenized",
                        j->cli->argv[0]);
    if ((size_t)opt.skip < j->ids.n) {
        o.id = j->ids.id + opt.skip;
        o.n_id = (int)j->ids.n - opt.skip;
    }
    progress_begin(&j->bar, j->cli, "calibrating", "tokens", 0);
    err = calibrate(j->e, &o, &j->route, &j->report, &j->cli->msg);
    progress_end(&j->bar);
    return err;
}

static void put_pair(struct json *js, const char *key, const double *of)
{
    json_key(js, key);
    json_obj(js);
    for (int m = 0; m < ROUTE_MODES; m++) {
        json_key(js, route_mode_name(m));
        json_num(js, of[m]);
    }
    json_end_obj(js);
}

static void put_number(struct json *js, const char *key, double v)
{
    json_key(js, key);
    json_num(js, v);
}

static enum sor_err put(struct job *j)
{
    const struct calibrate_report *r = &j->report;
    FILE *to = cli_out(j->cli);
    char model[SHA256_HEX], text[SHA256_HEX];
    uint8_t digest[SHA256_BYTES];
    struct str out;
    struct json js;

    if (!to)
        return SOR_IO;
    hash_hex(j->id.sha256, SHA256_BYTES, model);
    sha256_bytes(j->text.p, j->text.len, digest);
    hash_hex(digest, sizeof digest, text);
    str_init(&out);
    json_init(&js, &out);
    json_obj(&js);
    json_key(&js, "model");
    json_str(&js, model);
    json_key(&js, "text");
    json_str(&js, text);
    put_number(&js, "skip", opt.skip);
    put_number(&js, "context", opt.context);
    put_number(&js, "tail", opt.tail);
    put_number(&js, "target", opt.ratio);
    json_key(&js, "measured");
    json_obj(&js);
    put_pair(&js, "kl", r->kl);
    put_pair(&js, "ratio", r->ratio);
    put_pair(&js, "work", r->work);
    put_number(&js, "score_cost_correlation", r->corr);
    put_number(&js, "routed", r->kept);
    put_number(&js, "guarded", r->guarded);
    put_number(&js, "flips", r->flips);
    put_number(&js, "caught", r->caught);
    json_end_obj(&js);
    json_key(&js, "route");
    route_print(j->route, &out);
    str_puts(&out, "}\n");
    enum sor_err err = str_ok(&out) ? SOR_OK : SOR_NOMEM;

    if (!err)
        fputs(out.p, to);
    str_release(&out);
    return err ? sor_fail(&j->cli->msg, err, "out of memory") : SOR_OK;
}

static enum sor_err run(struct cli *cli)
{
    struct job j = { .cli = cli };
    struct engine_opts o = { .n_thread = cli->threads,
                             .n_ctx = opt.context + opt.tail };
    struct model_id_job hash;
    enum sor_err err, hashed;

    str_init(&j.text);
    err = input_slurp(cli->argv[0], TEXT_MAX, &j.text, &cli->msg);
    if (!err) {
        model_id_begin(&hash, cli_model(cli));
        err = engine_open(cli_model(cli), &o, &j.e, &cli->msg);
        hashed = model_id_finish(&hash, &j.id, err ? NULL : &cli->msg);
        err = err ? err : hashed;
    }
    cli_catch_signals();
    if (!err)
        err = measure(&j);
    if (!err)
        err = put(&j);
    route_close(j.route);
    engine_close(j.e);
    model_id_release(&j.id);
    tok_ids_release(&j.ids);
    str_release(&j.text);
    return err;
}

const struct cmd cmd_calibrate = {
    .name = "calibrate", .operands = "TEXT|-", .min = 1, .max = 1,
    .summary = "measure what routing may leave out of this model",
    .text = "Ranks the KV groups by what it costs that each alone reads few "
        "blocks, finds the smallest budgets within --ratio, and sets the "
        "thresholds and the guard.  run --route reads the result beside the "
        "model, as MODEL.route.json.",
    .opts = opts, .run = run };
