/* cli/cmd_attention.c - where the heads of one row looked. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/experiment.h"
#include "probe/lens.h"

static struct { int layer, head, show; } opt = { -1, -1, 5 };

static const struct opt_spec opts[] = {
    { 0, "layer", "L", OPT_INT, &opt.layer, "this layer only", 0, 511 },
    { 0, "head", "H", OPT_INT, &opt.head, "this head only", 0, 65535 },
    { 0, "show", "N", OPT_INT, &opt.show, "positions shown per head", 1,
      HOOK_TOP_MAX },
    OPT_END
};

enum { WORD = 14 };

static int is_wanted(const struct db_attention *a)
{
    return (opt.layer < 0 || a->layer == opt.layer) &&
           (opt.head < 0 || a->head == opt.head);
}

static void show(struct experiment *x, const struct result *r)
{
    char word[EXPERIMENT_WORD];

    fprintf(x->to, "%.8s:%d@%d  %s looked at (correlation, not evidence):\n\n"
            "layer head  entropy  heaviest positions\n", x->prefix.uid,
            x->prefix.path, r->head.pos,
            experiment_word(x, x->prefix.id[r->head.pos], 40, word));
    for (int i = 0; i < r->of[DB_ATTENTION].n; i++) {
        const struct db_attention *a = result_at(r, DB_ATTENTION, i);

        if (!is_wanted(a))
            continue;
        if (a->rank == 1)
            fprintf(x->to, "%s%5d %4d  %7.3f ", i ? "\n" : "", a->layer,
                    a->head, a->entropy);
        if (a->rank <= opt.show)
            fprintf(x->to, " @%d %s %.2f", a->key_pos,
                    experiment_word(x, x->prefix.id[a->key_pos], WORD, word),
                    a->weight);
    }
    fputc('\n', x->to);
}

/* {"run","path","pos","cached","rows":[{"layer","head","rank","key_pos",
 * "weight","entropy"}..]} */
static void show_json(struct experiment *x, const struct result *r)
{
    struct str out;
    struct json js;

    str_init(&out);
    json_init(&js, &out);
    experiment_json_head(x, &js, r);
    json_key(&js, "rows");
    json_arr(&js);
    for (int i = 0; i < r->of[DB_ATTENTION].n; i++) {
        const struct db_attention *a = result_at(r, DB_ATTENTION, i);

        if (!is_wanted(a))
            continue;
        json_obj(&js);
        json_key(&js, "layer");
        json_int(&js, a->layer);
        json_key(&js, "head");
        json_int(&js, a->head);
        json_key(&js, "rank");
        json_int(&js, a->rank);
        json_key(&js, "key_pos");
        json_int(&js, a->key_pos);
        json_key(&js, "weight");
        json_num(&js, a->weight);
        json_key(&js, "entropy");
        json_num(&js, a->entropy);
        json_end_obj(&js);
    }
    json_end_arr(&js);
    json_end_obj(&js);
    fprintf(x->to, "%s\n", out.p);
    str_release(&out);
}

static enum sor_err run(struct cli *cli)
{
    struct experiment x;
    struct result r = { .cached = 0 };
    enum sor_err err = experiment_begin(&x, cli, cli->argv[0]);

    if (!err)
        err = result_init(&r, "attention", &x.prefix, x.at.pos, "{}",
                          &cli->msg);
    if (!err)
        err = result_load(&r, x.d, &cli->msg);
    if (!err && !r.cached) {
        if (!(err = experiment_engine(&x)) &&
            !(err = lens_attention(&x.prefix, x.e, x.at.pos, &r, &cli->msg)))
            experiment_store(&x, &r);
    }
    if (!err && cli->json)
        show_json(&x, &r);
    if (!err && !cli->json) {
        show(&x, &r);
        experiment_say_source(&x, &r);
    }
    result_release(&r);
    experiment_end(&x);
    return err;
}

const struct cmd cmd_attention = {
    .name = "attention", .operands = "RUN:PATH@POS", .min = 1, .max = 1,
    .summary = "where the heads of one row looked",
    .text = "The path is replayed up to POS and the heaviest positions of "
        "every head are kept, at most eight each; entropy is of the whole "
        "row.",
    .opts = opts, .run = run };
