/* cli/cmd_lens.c - what a row knew at each layer: the logit lens, and what
 * each part wrote towards one token. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/experiment.h"
#include "probe/lens.h"

static struct { int top, attribution; } opt = { .top = 5 };

static const struct opt_spec opts[] = {
    { 0, "top", "K", OPT_INT, &opt.top, "tokens kept per layer", 1,
      LENS_TOP_MAX },
    { 0, "attribution", NULL, OPT_FLAG, &opt.attribution,
      "what each head and MLP wrote towards the token", 0, 0 },
    OPT_END
};

enum { BAR = 20, WORD = 16, PARTS_SHOWN = 12 };

/* --- text ---------------------------------------------------------------- */

static void show_head(struct experiment *x, const struct result *r)
{
    char in[EXPERIMENT_WORD], out[EXPERIMENT_WORD];
    int fixed = lens_fixed_from(r), n = r->of[DB_LENS].n;
    const struct db_lens *last = result_at(r, DB_LENS, n - 1);

    experiment_word(x, x->prefix.id[r->head.pos], 40, in);
    experiment_word(x, r->head.token_id, 40, out);
    fprintf(x->to, "%.8s:%d@%d  %s went in; then came %s, p %.4f, rank %d\n",
            x->prefix.uid, x->prefix.path, r->head.pos, in, out,
            exp(r->head.logprob), last->rank);
    if (fixed == LENS_NEVER)
        fprintf(x->to, "%s is not the likeliest token even after the last "
                "layer\n\n", out);
    else if (fixed < 0)
        fprintf(x->to, "fixed from the embedding on\n\n");
    else
        fprintf(x->to, "fixed from layer %d of %d on\n\n", fixed, n - 1);
}

static void show_layers(struct experiment *x, const struct result *r)
{
    char word[EXPERIMENT_WORD], layer[16];
    int t = 0;

    fprintf(x->to, "layer     rank        p                       KL to last"
            "  likeliest there\n");
    for (int i = 0; i < r->of[DB_LENS].n; i++) {
        const struct db_lens *l = result_at(r, DB_LENS, i);
        double p = exp(l->logprob);
        int blank = BAR;

        snprintf(layer, sizeof layer, l->layer < 0 ? "embed" : "%d",
                 l->layer);
        fprintf(x->to, "%5s %8d  %7.4f  ", layer, l->rank, p);
        experiment_bar(x, p, BAR);
        blank -= cli_unicode(x->cli) ? ((int)(p * BAR * 8 + 0.5) + 7) / 8
                                     : (int)(p * BAR * 8 + 0.5) / 8;
        fprintf(x->to, "%*s  %8.3f  ", blank, "", l->kl);
        for (int shown = 0; t < r->of[DB_LENS_TOP].n; t++) {
            const struct db_lens_top *top = result_at(r, DB_LENS_TOP, t);

            if (top->layer != l->layer)
                break;
            if (shown++ < 3)
                fprintf(x->to, "%s %.2f  ",
                        experiment_word(x, top->token_id, WORD, word),
                        exp(top->logprob));
        }
        fputc('\n', x->to);
    }
}

/* The parts with the largest direct effect, either way. */
static void show_attribution(struct experiment *x, const struct result *r)
{
    int n = r->of[DB_ATTRIBUTION].n;
    double sum = 0, last = INFINITY;

    for (int i = 0; i < n; i++) {
        const struct db_attribution *a = result_at(r, DB_ATTRIBUTION, i);

        if (strcmp(a->part, "layer") != 0)
            sum += a->logit;
    }
    fprintf(x->to, "\ndirect effect on the logit (over the mean of the "
            "vocabulary), output norm's scale frozen;\nall parts together "
            "%.2f; effects through later layers are not in it\n\n", sum);
    for (int shown = 0; shown < PARTS_SHOWN; shown++) {
        const struct db_attribution *best = NULL;

        for (int i = 0; i < n; i++) {
            const struct db_attribution *a = result_at(r, DB_ATTRIBUTION, i);

            if (strcmp(a->part, "layer") != 0 && fabs(a->logit) < last &&
                (!best || fabs(a->logit) > fabs(best->logit)))
                best = a;
        }
        if (!best)
            break;
        last = fabs(best->logit);
        if (best->head >= 0)
            fprintf(x->to, "  layer %2d head %2d  %+8.3f  ", best->layer,
                    best->head, best->logit);
        else if (best->layer >= 0)
            fprintf(x->to, "  layer %2d mlp      %+8.3f  ", best->layer,
                    best->logit);
        else
            fprintf(x->to, "  embedding         %+8.3f  ", best->logit);
        experiment_bar(x, fabs(best->logit) / (fabs(sum) + 1e-9) > 1 ? 1
                       : fabs(best->logit) / (fabs(sum) + 1e-9), BAR);
        fputc('\n', x->to);
    }
}

/* --- JSON ---------------------------------------------------------------- */

static void json_layers(struct experiment *x, struct json *j,
                        const struct result *r)
{
    int t = 0;

    json_key(j, "layers");
    json_arr(j);
    for (int i = 0; i < r->of[DB_LENS].n; i++) {
        const struct db_lens *l = result_at(r, DB_LENS, i);

        json_obj(j);
        json_key(j, "layer");
        json_int(j, l->layer);
        json_key(j, "rank");
        json_int(j, l->rank);
        json_key(j, "logprob");
        json_num(j, l->logprob);
        json_key(j, "entropy");
        json_num(j, l->entropy);
        json_key(j, "kl");
        json_num(j, l->kl);
        json_key(j, "top");
        json_arr(j);
        for (; t < r->of[DB_LENS_TOP].n; t++) {
            const struct db_lens_top *top = result_at(r, DB_LENS_TOP, t);

            if (top->layer != l->layer)
                break;
            json_obj(j);
            experiment_json_token(x, j, top->token_id);
            json_key(j, "logprob");
            json_num(j, top->logprob);
            json_end_obj(j);
        }
        json_end_arr(j);
        json_end_obj(j);
    }
    json_end_arr(j);
}

static void json_attribution(struct json *j, const struct result *r)
{
    json_key(j, "attribution");
    json_arr(j);
    for (int i = 0; i < r->of[DB_ATTRIBUTION].n; i++) {
        const struct db_attribution *a = result_at(r, DB_ATTRIBUTION, i);

        json_obj(j);
        json_key(j, "part");
        json_str(j, a->part);
        json_key(j, "layer");
        json_int(j, a->layer);
        json_key(j, "head");
        json_int(j, a->head);
        json_key(j, "logit");
        json_num(j, a->logit);
        json_end_obj(j);
    }
    json_end_arr(j);
}

/* {"run","path","pos","cached","token","text","logprob","fixed_from",
 * "layers":[..],"attribution":[..]}; fixed_from null: never first. */
static void show_json(struct experiment *x, const struct result *r)
{
    int fixed = lens_fixed_from(r);
    struct str out;
    struct json j;

    str_init(&out);
    json_init(&j, &out);
    experiment_json_head(x, &j, r);
    experiment_json_token(x, &j, r->head.token_id);
    json_key(&j, "logprob");
    json_num(&j, r->head.logprob);
    json_key(&j, "fixed_from");
    if (fixed == LENS_NEVER)
        json_null(&j);
    else
        json_int(&j, fixed);
    json_layers(x, &j, r);
    if (opt.attribution)
        json_attribution(&j, r);
    json_end_obj(&j);
    fprintf(x->to, "%s\n", out.p);
    str_release(&out);
}

static enum sor_err compute(struct experiment *x, struct result *r)
{
    struct lens_opts o = { .pos = x->at.pos, .top = opt.top,
                           .target = experiment_next(x, x->at.pos),
                           .attribution = opt.attribution };
    char params[96];
    enum sor_err err;

    snprintf(params, sizeof params, "{\"target\":%d,\"top\":%d,"
             "\"attribution\":%s}", (int)o.target, o.top,
             o.attribution ? "true" : "false");
    if ((err = result_init(r, "lens", &x->prefix, o.pos, params,
                         &x->cli->msg)) ||
        (err = result_load(r, x->d, &x->cli->msg)) || r->cached ||
        (err = experiment_engine(x)) ||
        (err = lens_compute(&x->prefix, x->e, &o, r, &x->cli->msg)))
        return err;
    experiment_store(x, r);
    return SOR_OK;
}

static enum sor_err run(struct cli *cli)
{
    struct experiment x;
    struct result r = { .cached = 0 };
    enum sor_err err = experiment_begin(&x, cli, cli->argv[0],
                                        EXPERIMENT_LAYERS);

    if (!err)
        err = compute(&x, &r);
    if (!err && cli->json)
        show_json(&x, &r);
    if (!err && !cli->json) {
        show_head(&x, &r);
        show_layers(&x, &r);
        if (opt.attribution)
            show_attribution(&x, &r);
        experiment_say_source(&x, &r);
    }
    result_release(&r);
    experiment_end(&x);
    return err;
}

const struct cmd cmd_lens = {
    .name = "lens", .operands = "RUN:PATH@POS", .min = 1, .max = 1,
    .summary = "what the model would have said at each layer",
    .text = "The path is replayed up to POS and the output head is applied to "
        "the residual stream after every layer.  The token asked about is the "
        "one recorded after POS, else the likeliest.  Without @POS: the last "
        "token of the path.  The result is stored; a second call reads it.",
    .opts = opts, .run = run };
