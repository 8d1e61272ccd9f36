/* cli/cmd_activations.c - norms, cosines and neurons of one row, and its
 * residual stream as a NumPy file. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/experiment.h"
#include "probe/lens.h"
#include "probe/npy.h"

static struct { int top; } opt = { .top = 5 };

static const struct opt_spec opts[] = {
    { 0, "top", "K", OPT_INT, &opt.top, "neurons kept per layer", 1, 64 },
    OPT_END
};

enum { BAR = 20 };

static void show(struct experiment *x, const struct result *r)
{
    double most = 0;
    int k = 0;

    for (int i = 0; i < r->of[DB_ACTIVATION].n; i++) {
        const struct db_activation *a = result_at(r, DB_ACTIVATION, i);

        most = a->norm > most ? a->norm : most;
    }
    fprintf(x->to, "%.8s:%d@%d  residual stream\n\nlayer       norm     added"
            "  cosine with before\n", x->prefix.uid, x->prefix.path,
            r->head.pos);
    for (int i = 0; i < r->of[DB_ACTIVATION].n; i++) {
        const struct db_activation *a = result_at(r, DB_ACTIVATION, i);
        char layer[16];

        snprintf(layer, sizeof layer, a->layer < 0 ? "embed" : "%d",
                 a->layer);
        fprintf(x->to, "%5s %10.2f", layer, a->norm);
        if (a->layer >= 0)
            fprintf(x->to, " %9.2f  %6.3f  neurons", a->update_norm,
                    a->cosine);
        for (; k < r->of[DB_NEURON].n; k++) {
            const struct db_neuron *n = result_at(r, DB_NEURON, k);

            if (n->layer != a->layer)
                break;
            fprintf(x->to, " %d:%+.2f", n->neuron, n->value);
        }
        fputs("  ", x->to);
        experiment_bar(x, most > 0 ? a->norm / most : 0, BAR);
        fputc('\n', x->to);
    }
}

static void json_layer(struct json *js, const struct db_activation *a)
{
    json_obj(js);
    json_key(js, "layer");
    json_int(js, a->layer);
    json_key(js, "norm");
    json_num(js, a->norm);
    json_key(js, "added");
    json_num(js, a->update_norm);
    json_key(js, "cosine");
    json_num(js, a->cosine);
    json_end_obj(js);
}

/* {"run","path","pos","cached","layers":[..],"neurons":[{"layer","rank",
 * "neuron","value"}..]} */
static void show_json(struct experiment *x, const struct result *r)
{
    struct str out;
    struct json js;

    str_init(&out);
    json_init(&js, &out);
    experiment_json_head(x, &js, r);
    json_key(&js, "layers");
    json_arr(&js);
    for (int i = 0; i < r->of[DB_ACTIVATION].n; i++)
        json_layer(&js, result_at(r, DB_ACTIVATION, i));
    json_end_arr(&js);
    json_key(&js, "neurons");
    json_arr(&js);
    for (int i = 0; i < r->of[DB_NEURON].n; i++) {
        const struct db_neuron *n = result_at(r, DB_NEURON, i);

        json_obj(&js);
        json_key(&js, "layer");
        json_int(&js, n->layer);
        json_key(&js, "rank");
        json_int(&js, n->rank);
        json_key(&js, "neuron");
        json_int(&js, n->neuron);
        json_key(&js, "value");
        json_num(&js, n->value);
        json_end_obj(&js);
    }
    json_end_arr(&js);
    json_end_obj(&js);
    fprintf(x->to, "%s\n", out.p);
    str_release(&out);
}

/* The stream itself is not stored, so -o x.npy always computes. */
static enum sor_err compute(struct experiment *x, struct result *r, int npy)
{
    struct lens_row row = { .n_layer = 0 };
    struct sor_msg *msg = &x->cli->msg;
    enum sor_err err = experiment_engine(x);
    uint64_t start = clock_mono_ns();

    if (!err)
        err = lens_read(&x->prefix, x->e, x->at.pos, 1, &row, msg);
    if (!err && !r->cached) {
        lens_activations(&row, opt.top, r);
        r->head.wall_ns = (int64_t)(clock_mono_ns() - start);
        experiment_store(x, r);
    }
    if (!err && npy && npy_write(x->to, row.resid, row.n_layer + 1,
                                 row.n_embd) != 0)
        err = sor_fail(msg, SOR_IO, "%s: %s", x->cli->out, strerror(errno));
    lens_row_release(&row);
    return err;
}

static enum sor_err run(struct cli *cli)
{
    struct experiment x;
    struct result r = { .cached = 0 };
    int npy = npy_is_name(cli->out);
    char params[32];
    enum sor_err err = experiment_begin(&x, cli, cli->argv[0],
                                        EXPERIMENT_LAYERS);

    snprintf(params, sizeof params, "{\"top\":%d}", opt.top);
    if (!err)
        err = result_init(&r, "activations", &x.prefix, x.at.pos, params,
                          &cli->msg);
    if (!err)
        err = result_load(&r, x.d, &cli->msg);
    if (!err && (!r.cached || npy))
        err = compute(&x, &r, npy);
    if (!err && !npy && cli->json)
        show_json(&x, &r);
    if (!err && !npy && !cli->json)
        show(&x, &r);
    if (!err && !cli->json)
        experiment_say_source(&x, &r);
    result_release(&r);
    experiment_end(&x);
    return err;
}

const struct cmd cmd_activations = {
    .name = "activations", .operands = "RUN:PATH@POS", .min = 1, .max = 1,
    .summary = "norms, cosines and neurons of one row",
    .text = "With -o NAME.npy the residual stream goes there as a NumPy "
        "array of float32, [layers + 1][embedding], the embedding first.",
    .opts = opts, .run = run };
