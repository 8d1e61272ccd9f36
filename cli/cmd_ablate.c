/* cli/cmd_ablate.c - change one thing and see what follows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/experiment.h"
#include "cli/parts.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "probe/ablate.h"
#include "probe/lens.h"

static struct {
    const char *heads, *layers, *patch, *mask, *recompute;
    int mean, show;
} opt = { .show = 20 };

static const struct opt_spec opts[] = {
    { 0, "head", "L.H,..|all", OPT_STR, &opt.heads, "heads that give nothing",
      0, 0 },
    { 0, "layer", "L,..|all", OPT_STR, &opt.layers,
      "layers that add nothing", 0, 0 },
    { 0, "mean", NULL, OPT_FLAG, &opt.mean,
      "give the mean over the prefix instead of nothing", 0, 0 },
    { 0, "patch", "RUN:PATH@POS", OPT_STR, &opt.patch,
      "the residual stream of that row instead, layer by layer", 0, 0 },
    { 0, "mask", "FROM:TO,..|steps|lines", OPT_STR, &opt.mask,
      "hide these positions in the KV cache; leaky", 0, 0 },
    { 0, "recompute", "FROM:TO,..|steps|lines", OPT_STR, &opt.recompute,
      "remove them and compute again; causal", 0, 0 },
    { 0, "show", "N", OPT_INT, &opt.show, "rows shown, largest first", 1,
      1 << 20 },
    OPT_END
};

enum { SPAN_LEAST = 3 };        /* tokens; a shorter line is no clause */

struct job {
    struct experiment x;
    struct ablate_part *part;   /* what is asked for, each once */
    int n_part, cap;
    int n_known;                /* of them, stored before */
    int64_t asked;              /* step of the token asked about; 0: none */
    struct experiment other;    /* of --patch */
    struct lens_row row;        /* its row */
    struct str params;
    struct progress bar;
    struct result r;
};

/* --- what is to be changed ----------------------------------------------- */

static int is_same(const struct ablate_part *a, const struct ablate_part *b)
{
    return a->how == b->how && a->layer == b->layer && a->head == b->head &&
           a->from == b->from && a->to == b->to;
}

static enum sor_err add(struct job *j, struct ablate_part part)
{
    for (int i = 0; i < j->n_part; i++)
        if (is_same(&j->part[i], &part)) {
            j->part[i].step = part.step ? part.step : j->part[i].step;
            return SOR_OK;
        }
    if (j->n_part == j->cap) {
        int cap = j->cap ? 2 * j->cap : 64;
        struct ablate_part *more = mem_realloc(j->part, (size_t)cap,
                                               sizeof *more);
        if (!more)
            return sor_fail(&j->x.cli->msg, SOR_NOMEM, "out of memory");
        j->part = more;
        j->cap = cap;
    }
    j->part[j->n_part++] = part;
    return SOR_OK;
}

static enum sor_err add_all(struct job *j, int heads, enum ablate_how how)
{
    struct db_model m;
    enum sor_err err = SOR_OK;

    if (db_get_model(j->x.d, j->x.prefix.model_id, &m) <= 0)
        return sor_fail(&j->x.cli->msg, SOR_FORMAT, "the model cannot be "
                        "read");
    for (int l = 0; l < m.n_layer && !err; l++)
        for (int h = heads ? 0 : -1; h < (heads ? m.n_head : 0) && !err; h++)
            err = add(j, (struct ablate_part){ how, l, h, -1, -1, 0 });
    return err;
}

static enum sor_err add_parts(struct job *j)
{
    enum ablate_how how = opt.patch ? ABLATE_PATCH
                        : opt.mean ? ABLATE_MEAN : ABLATE_ZERO;
    const char *heads = opt.heads, *layers = opt.layers;
    struct model_hparams hp = { .n_layer = 0 };
    struct prefix_mask list;
    struct db_model m;
    enum sor_err err = SOR_OK;

    if (heads && strcmp(heads, "all") == 0) {
        err = add_all(j, 1, how);
        heads = NULL;
    }
    if (!err && layers && strcmp(layers, "all") == 0) {
        err = add_all(j, 0, how);
        layers = NULL;
    }
    if (err || db_get_model(j->x.d, j->x.prefix.model_id, &m) <= 0)
        return err;
    hp.n_layer = (uint32_t)m.n_layer;
    hp.n_head = (uint32_t)m.n_head;
    err = parts_parse(heads, layers, &hp, &list, &j->x.cli->msg);
    for (int i = 0; !err && i < list.n; i++)
        err = add(j, (struct ablate_part){
            how, list.iv[i].layer,
            list.iv[i].kind == INTERVENE_HEAD ? list.iv[i].head : -1, -1,
            -1, 0 });
    if (!err)
        prefix_mask_release(&list);
    return err;
}

static enum sor_err add_steps(struct job *j, enum ablate_how how)
{
    struct db_window w = { .from = 0 };
    struct db_cur *c = db_steps(j->x.d, j->x.at.path_id, w);
    struct db_step s;
    enum sor_err err = SOR_OK;

    while (!err && db_step_next(c, &s) == 1) {
        if (s.tok_from <= j->x.at.pos + 1 && j->x.at.pos + 1 < s.tok_to)
            j->asked = s.id;
        if (s.tok_to <= j->x.at.pos && s.tok_from < s.tok_to)
            err = add(j, (struct ablate_part){ how, -1, -1, s.tok_from,
                                               s.tok_to, s.id });
    }
    return db_cur_close(c) && !err
               ? sor_fail(&j->x.cli->msg, SOR_FORMAT, "the steps cannot be "
                          "read") : err;
}

/* Lines of the prompt, each with the newline that ends it. */
static enum sor_err add_lines(struct job *j, enum ablate_how how)
{
    const struct prefix *p = &j->x.prefix;
    int end = p->n_prompt < j->x.at.pos ? p->n_prompt : j->x.at.pos;
    int from = 0;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < end && !err; i++) {
        struct db_window w = { .from = i, .limit = 1 };
        struct db_cur *c = db_tokens(j->x.d, p->path_id, w);
        struct db_token t;
        int ends = db_token_next(c, &t) == 1 && t.text.p &&
                   memchr(t.text.p, '\n', t.text.n) != NULL;

        err = db_cur_close(c);
        if (!ends)
            continue;
        if (!err && i + 1 - from >= SPAN_LEAST)
            err = add(j, (struct ablate_part){ how, -1, -1, from, i + 1, 0 });
        from = i + 1;
    }
    return err;
}

static enum sor_err add_spans(struct job *j, const char *list,
                              enum ablate_how how)
{
    struct part_span *span = NULL;
    int n = 0;
    enum sor_err err = SOR_OK;

    if (!list)
        return SOR_OK;
    if (strcmp(list, "steps") == 0)
        return add_steps(j, how);
    if (strcmp(list, "lines") == 0)
        return add_lines(j, how);
    err = parts_spans(list, j->x.at.pos, &span, &n, &j->x.cli->msg);
    for (int i = 0; i < n && !err; i++)
        err = add(j, (struct ablate_part){ how, -1, -1, span[i].from,
                                           span[i].to, 0 });
    mem_free(span);
    return err;
}

/* The rest of the key: parts are rows, each found by itself. */
static void print_params(struct job *j, int32_t target)
{
    str_printf(&j->params, "{\"target\":%d", (int)target);
    if (opt.patch)
        str_printf(&j->params, ",\"patch\":\"%s:%d@%d\"",
                   j->other.prefix.uid, j->other.prefix.path,
                   j->other.at.pos);
    str_putc(&j->params, '}');
}

static enum sor_err make_parts(struct job *j)
{
    enum sor_err err = SOR_OK;

    if (!opt.heads && !opt.layers && !opt.mask && !opt.recompute)
        opt.layers = "all";
    if (opt.patch)
        err = experiment_begin(&j->other, j->x.cli, opt.patch,
                               EXPERIMENT_LAYERS);
    if (!err)
        err = add_parts(j);
    if (!err)
        err = add_spans(j, opt.mask, ABLATE_MASK);
    if (!err)
        err = add_spans(j, opt.recompute, ABLATE_RECOMPUTE);
    if (!err && j->n_part == 0)
        err = sor_fail(&j->x.cli->msg, SOR_NOTFOUND, "there is nothing to "
                       "strike before position %d", j->x.at.pos);
    print_params(j, experiment_next(&j->x, j->x.at.pos));
    return err;
}

/* --- computing ----------------------------------------------------------- */

/* The row of --patch, read in the same engine. */
static enum sor_err read_other(struct job *j)
{
    if (j->other.prefix.model_id != j->x.prefix.model_id)
        return sor_fail(&j->x.cli->msg, SOR_USAGE, "--patch %s: another "
                        "model", opt.patch);
    return lens_read(&j->other.prefix, j->x.e, j->other.at.pos, 0, &j->row,
                     &j->x.cli->msg);
}

/* The stored or computed row of a part; NULL: there is none yet. */
static const struct db_effect *effect_of(const struct job *j, int part)
{
    const struct ablate_part *p = &j->part[part];

    for (int i = 0; i < j->r.of[DB_EFFECT].n; i++) {
        const struct db_effect *e = result_at(&j->r, DB_EFFECT, i);

        if (strcmp(e->how, ablate_how_name(p->how)) == 0 &&
            e->layer == p->layer && e->head == p->head &&
            e->span_from == p->from && e->span_to == p->to)
            return e;
    }
    return NULL;
}

/* What followed from removing a step becomes an edge from it to the step that
 * the token asked about is in. */
static void add_causes(struct job *j)
{
    for (int i = 0; i < j->n_part; i++) {
        const struct ablate_part *part = &j->part[i];
        const struct db_effect *e = effect_of(j, i);

        if (part->how != ABLATE_RECOMPUTE || !part->step || !j->asked ||
            part->step == j->asked || !e)
            continue;
        struct result_cause c = { part->step, j->asked,
                                  exp(j->r.head.logprob), exp(e->logprob) };
        if (result_knows(&j->r, j->x.d, &c) == 0)
            result_cause(&j->r, &c);
    }
}

static enum sor_err compute(struct job *j, const struct ablate_part *part,
                            int n)
{
    struct cli *cli = j->x.cli;
    struct ablate_opts o = {
        .pos = j->x.at.pos, .part = part, .n_part = n,
        .target = experiment_next(&j->x, j->x.at.pos),
        .cancelled = progress_stopped, .progress = progress_advance,
        .ud = &j->bar };
    enum sor_err err = experiment_engine(&j->x);

    if (!err && opt.patch)
        err = read_other(j);
    if (err)
        return err;
    o.patch = j->row.resid;
    progress_begin(&j->bar, cli, "altering", "parts", 0);
    err = ablate_compute(&j->x.prefix, j->x.e, &o, &j->r, &cli->msg);
    progress_end(&j->bar);
    return err;
}

/* Computes the parts that are not stored, and stores them. */
static enum sor_err find_or_compute(struct job *j)
{
    struct ablate_part *missing = mem_calloc((size_t)j->n_part + 1,
                                             sizeof *missing);
    int n = 0;
    enum sor_err err = missing ? SOR_OK
                               : sor_fail(&j->x.cli->msg, SOR_NOMEM,
                                          "out of memory");

    for (int i = 0; i < j->n_part && !err; i++)
        if (!effect_of(j, i))
            missing[n++] = j->part[i];
    j->n_known = j->n_part - n;
    j->r.cached = n == 0;
    if (!err && n)
        err = compute(j, missing, n);
    mem_free(missing);
    if (err)
        return err;
    add_causes(j);
    if (n || j->r.cause.n)
        experiment_store(&j->x, &j->r);
    return SOR_OK;
}

/* --- showing ------------------------------------------------------------- */

static double base_of_sort;     /* qsort() passes nothing along */

static int by_size(const void *a, const void *b)
{
    double x = fabs((*(const struct db_effect *const *)a)->logprob -
                    base_of_sort);
    double y = fabs((*(const struct db_effect *const *)b)->logprob -
                    base_of_sort);

    return (x < y) - (x > y);
}

static void say_part(FILE *to, const struct db_effect *e)
{
    char what[48];

    if (e->head >= 0)
        snprintf(what, sizeof what, "layer %d head %d", e->layer, e->head);
    else if (e->layer >= 0)
        snprintf(what, sizeof what, "layer %d", e->layer);
    else
        snprintf(what, sizeof what, "@%d..%d", e->span_from, e->span_to - 1);
    fprintf(to, "  %-9s %-17s", e->how, what);
}

/* The first words of a span. */
static void say_span(struct experiment *x, const struct db_effect *e)
{
    char word[EXPERIMENT_WORD];
    size_t room = 36;

    fputs("  ", x->to);
    for (int i = e->span_from; i < e->span_to && i >= 0 && room > 4; i++) {
        experiment_word(x, x->prefix.id[i], 20, word);
        size_t quote = word[0] == '"', n = strlen(word) - 2 * quote;

        n = n < room ? n : room;
        fwrite(word + quote, 1, n, x->to);
        room -= n;
    }
}

static void show(struct job *j)
{
    struct experiment *x = &j->x;
    int n = j->n_part, causal = 0, other = 0;
    const struct db_effect **order = mem_calloc((size_t)n + 1,
                                                sizeof *order);
    char word[EXPERIMENT_WORD];

    if (!order)
        return;
    for (int i = 0; i < n; i++)
        order[i] = effect_of(j, i);
    base_of_sort = j->r.head.logprob;
    qsort(order, (size_t)n, sizeof *order, by_size);
    fprintf(x->to, "%.8s:%d@%d  %s, log-probability %.4f\n\n", x->prefix.uid,
            x->prefix.path, j->r.head.pos,
            experiment_word(x, j->r.head.token_id, 40, word),
            j->r.head.logprob);
    fprintf(x->to, "  %-9s %-17s   change        KL  then likeliest\n", "how",
            "what");
    for (int i = 0; i < n && i < opt.show; i++) {
        const struct db_effect *e = order[i];

        say_part(x->to, e);
        fprintf(x->to, "%+9.4f %9.4f  %-16s", e->logprob - j->r.head.logprob,
                e->kl, experiment_word(x, e->top_id, 16, word));
        say_span(x, e);
        fputc('\n', x->to);
    }
    if (n > opt.show)
        fprintf(x->to, "  (%d more; --show)\n", n - opt.show);
    for (int i = 0; i < n; i++) {
        causal |= strcmp(order[i]->measured, "causal") == 0;
        other |= strcmp(order[i]->how, "mask") == 0;
    }
    if (other)
        fprintf(x->to, "\nmask hides positions that later tokens have read "
                "already: quick, leaky, not causal\n");
    if (causal)
        fprintf(x->to, "\nrecompute removed the words and computed all that "
                "follows again: causal\n");
    mem_free(order);
}

static void json_effect(struct experiment *x, struct json *js,
                        const struct db_effect *e, double base)
{
    json_obj(js);
    json_key(js, "how");
    json_str(js, e->how);
    json_key(js, "measured");
    json_str(js, e->measured);
    json_key(js, "layer");
    json_int(js, e->layer);
    json_key(js, "head");
    json_int(js, e->head);
    json_key(js, "from");
    json_int(js, e->span_from);
    json_key(js, "to");
    json_int(js, e->span_to);
    json_key(js, "logprob");
    json_num(js, e->logprob);
    json_key(js, "change");
    json_num(js, e->logprob - base);
    json_key(js, "kl");
    json_num(js, e->kl);
    json_key(js, "then");
    json_obj(js);
    experiment_json_token(x, js, e->top_id);
    json_end_obj(js);
    json_end_obj(js);
}

/* {"run","path","pos","cached","token","text","logprob","effects":[..]} */
static void show_json(struct job *j)
{
    struct str out;
    struct json js;

    str_init(&out);
    json_init(&js, &out);
    experiment_json_head(&j->x, &js, &j->r);
    experiment_json_token(&j->x, &js, j->r.head.token_id);
    json_key(&js, "logprob");
    json_num(&js, j->r.head.logprob);
    json_key(&js, "effects");
    json_arr(&js);
    for (int i = 0; i < j->n_part; i++)
        json_effect(&j->x, &js, effect_of(j, i), j->r.head.logprob);
    json_end_arr(&js);
    json_end_obj(&js);
    fprintf(j->x.to, "%s\n", out.p);
    str_release(&out);
}

/* An option that would do nothing is a mistake. */
static enum sor_err check_options(struct sor_msg *msg)
{
    const char *span = opt.mask ? "--mask" : opt.recompute ? "--recompute"
                                                           : NULL;

    if (opt.patch && (opt.heads || opt.mean || span))
        return sor_fail(msg, SOR_USAGE, "--patch replaces the stream after "
                        "layers (--layer): it does not go with %s",
                        opt.heads ? "--head" : opt.mean ? "--mean" : span);
    if (opt.mean && span && !opt.heads && !opt.layers)
        return sor_fail(msg, SOR_USAGE, "--mean is what a head or layer gives "
                        "instead of nothing: it needs --head or --layer "
                        "beside %s", span);
    return SOR_OK;
}

static enum sor_err run(struct cli *cli)
{
    struct job j = { .n_part = 0 };
    enum sor_err err;

    if ((err = check_options(&cli->msg)))
        return err;
    str_init(&j.params);
    cli_catch_signals();
    err = experiment_begin(&j.x, cli, cli->argv[0], EXPERIMENT_LAYERS);
    if (!err)
        err = make_parts(&j);
    if (!err)
        err = result_init(&j.r, "ablate", &j.x.prefix, j.x.at.pos,
                          j.params.p, &cli->msg);
    if (!err)
        err = result_gather(&j.r, j.x.d, &cli->msg);
    if (!err)
        err = find_or_compute(&j);
    if (!err && cli->json)
        show_json(&j);
    if (!err && !cli->json) {
        show(&j);
        if (j.n_known && j.n_known < j.n_part)
            log_info("%d of %d parts were stored already", j.n_known,
                     j.n_part);
        experiment_say_source(&j.x, &j.r);
    }
    lens_row_release(&j.row);
    experiment_end(&j.other);   /* its session goes before the engine */
    result_release(&j.r);
    str_release(&j.params);
    mem_free(j.part);
    experiment_end(&j.x);
    return err;
}

const struct cmd cmd_ablate = {
    .name = "ablate", .operands = "RUN:PATH@POS", .min = 1, .max = 1,
    .summary = "change one thing and see what follows",
    .text = "The path is replayed up to POS; then, for each part in turn, one "
        "thing is changed at that row and the change of the log-probability "
        "of the token recorded after POS is measured.  Words are struck in "
        "two ways: --mask hides their positions from the row (later tokens "
        "have read them: leaky), --recompute removes them and computes all "
        "that follows again.  Only the second is called causal.  Without an "
        "option: every layer, zeroed.",
    .opts = opts, .run = run };
