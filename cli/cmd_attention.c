/* cli/cmd_attention.c - where the heads of one row looked: the heaviest
 * positions of all, and the whole rows of those chosen. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/experiment.h"
#include "cli/parts.h"
#include "db/pack.h"
#include "probe/lens.h"
#include "probe/npy.h"

static struct { int layer, head, show; const char *rows; } opt = {
    -1, -1, 5, NULL };

static const struct opt_spec opts[] = {
    { 0, "layer", "L", OPT_INT, &opt.layer, "this layer only", 0, 511 },
    { 0, "head", "H", OPT_INT, &opt.head, "this head only", 0, 65535 },
    { 0, "rows", "L.H,..|all", OPT_STR, &opt.rows,
      "the whole rows of these heads, every key's weight", 0, 0 },
    { 0, "show", "N", OPT_INT, &opt.show, "positions shown per head", 1,
      HOOK_TOP_MAX },
    OPT_END
};

enum { WORD = 14, CELLS = 64 };

struct job {
    struct experiment x;
    struct lens_head *whole;    /* [n_whole] of --rows */
    int n_whole;
    struct result r;
};

/* --- which rows ---------------------------------------------------------- */

static enum sor_err list_heads(struct job *j, const struct db_model *m)
{
    struct model_hparams hp = { .n_layer = (uint32_t)m->n_layer,
                                .n_head = (uint32_t)m->n_head };
    int all = strcmp(opt.rows, "all") == 0;
    struct prefix_mask list = { NULL, 0 };
    enum sor_err err = all ? SOR_OK : parts_parse(opt.rows, NULL, &hp, &list,
                                                  &j->x.cli->msg);
    if (err)
        return err;
    j->n_whole = all ? m->n_layer * m->n_head : list.n;
    j->whole = mem_calloc((size_t)j->n_whole + 1, sizeof *j->whole);
    for (int i = 0; j->whole && i < j->n_whole; i++)
        j->whole[i] = all ? (struct lens_head){ i / m->n_head, i % m->n_head }
                          : (struct lens_head){ list.iv[i].layer,
                                                list.iv[i].head };
    prefix_mask_release(&list);
    return j->whole ? SOR_OK : sor_fail(&j->x.cli->msg, SOR_NOMEM,
                                        "out of memory for the heads");
}

static enum sor_err choose(struct job *j)
{
    struct sor_msg *msg = &j->x.cli->msg;
    struct db_model m;

    if (db_get_model(j->x.d, j->x.prefix.model_id, &m) <= 0)
        return sor_fail(msg, SOR_FORMAT, "the model cannot be read");
    if (opt.layer >= m.n_layer || opt.head >= m.n_head)
        return sor_fail(msg, SOR_USAGE, "the model has layers 0 to %d with "
                        "heads 0 to %d", m.n_layer - 1, m.n_head - 1);
    return opt.rows ? list_heads(j, &m) : SOR_OK;
}

/* What --layer, --head and --rows leave. */
static int is_wanted(const struct job *j, int layer, int head)
{
    int named = !opt.rows;

    for (int i = 0; i < j->n_whole && !named; i++)
        named = j->whole[i].layer == layer && j->whole[i].head == head;
    return named && (opt.layer < 0 || layer == opt.layer) &&
           (opt.head < 0 || head == opt.head);
}

/* --- text ---------------------------------------------------------------- */

static void show_top(struct job *j)
{
    struct experiment *x = &j->x;
    const struct result *r = &j->r;
    char word[EXPERIMENT_WORD];
    int shown = 0;

    fprintf(x->to, "layer head  entropy  heaviest positions\n");
    for (int i = 0; i < r->of[DB_ATTENTION].n; i++) {
        const struct db_attention *a = result_at(r, DB_ATTENTION, i);

        if (!is_wanted(j, a->layer, a->head))
            continue;
        if (a->rank == 1)
            fprintf(x->to, "%s%5d %4d  %7.3f ", shown++ ? "\n" : "", a->layer,
                    a->head, a->entropy);
        if (a->rank <= opt.show)
            fprintf(x->to, " @%d %s %.2f", a->key_pos,
                    experiment_word(x, x->prefix.id[a->key_pos], WORD, word),
                    a->weight);
    }
    fputc('\n', x->to);
}

/* The share of a row that falls into each cell of a line, 0 to 8 eighths of
 * the largest. */
static int cell_heights(const struct db_attention_row *row, int n_cell,
                        int height[CELLS])
{
    int n = (int)(row->weights.n / PACK_WEIGHT_BYTES);
    double sum[CELLS] = { 0 }, most = 0;

    n_cell = n < n_cell ? n : n_cell;
    for (int k = 0; k < n; k++)
        sum[(int64_t)k * n_cell / n] += (double)unpack_weight(row->weights.p,
                                                              k);
    for (int c = 0; c < n_cell; c++)
        most = sum[c] > most ? sum[c] : most;
    for (int c = 0; c < n_cell; c++)
        height[c] = most > 0 ? (int)(8 * sum[c] / most + 0.5) : 0;
    return n_cell;
}

/* Each row as a line of bars, first key left. */
static void show_rows(struct job *j)
{
    struct experiment *x = &j->x;
    const struct result *r = &j->r;
    static const char *const bar[2][9] = {
        { " ", ".", ".", ":", ":", "+", "+", "#", "#" },
        { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" } };

    fprintf(x->to, "\nlayer head  whole row, keys 0 to %d\n", r->head.pos);
    for (int i = 0; i < r->of[DB_ATTENTION_ROW].n; i++) {
        const struct db_attention_row *row = result_at(r, DB_ATTENTION_ROW,
                                                       i);
        int height[CELLS], n;

        if (!is_wanted(j, row->layer, row->head))
            continue;
        n = cell_heights(row, CELLS, height);
        fprintf(x->to, "%5d %4d  ", row->layer, row->head);
        for (int c = 0; c < n; c++)
            fputs(bar[cli_unicode(x->cli)][height[c]], x->to);
        fputc('\n', x->to);
    }
}

static void show(struct job *j)
{
    struct experiment *x = &j->x;
    const struct result *r = &j->r;
    char word[EXPERIMENT_WORD];

    fprintf(x->to, "%.8s:%d@%d  %s looked at (correlation, not evidence):\n\n",
            x->prefix.uid, x->prefix.path, r->head.pos,
            experiment_word(x, x->prefix.id[r->head.pos], 40, word));
    show_top(j);
    if (r->of[DB_ATTENTION_ROW].n)
        show_rows(j);
}

/* --- JSON and NumPy ------------------------------------------------------ */

static void json_top(struct json *js, const struct db_attention *a)
{
    json_obj(js);
    json_key(js, "layer");
    json_int(js, a->layer);
    json_key(js, "head");
    json_int(js, a->head);
    json_key(js, "rank");
    json_int(js, a->rank);
    json_key(js, "key_pos");
    json_int(js, a->key_pos);
    json_key(js, "weight");
    json_num(js, a->weight);
    json_key(js, "entropy");
    json_num(js, a->entropy);
    json_end_obj(js);
}

static void json_row(struct json *js, const struct db_attention_row *row)
{
    json_obj(js);
    json_key(js, "layer");
    json_int(js, row->layer);
    json_key(js, "head");
    json_int(js, row->head);
    json_key(js, "entropy");
    json_num(js, row->entropy);
    json_key(js, "weights");
    json_arr(js);
    for (int k = 0; k < (int)(row->weights.n / PACK_WEIGHT_BYTES); k++)
        json_num(js, (double)unpack_weight(row->weights.p, k));
    json_end_arr(js);
    json_end_obj(js);
}

/* {"run","path","pos","cached","rows":[{"layer","head","rank","key_pos",
 * "weight","entropy"}..],"whole":[{"layer","head","entropy","weights"}..]} */
static void show_json(struct job *j)
{
    struct experiment *x = &j->x;
    const struct result *r = &j->r;
    struct str out;
    struct json js;

    str_init(&out);
    json_init(&js, &out);
    experiment_json_head(x, &js, r);
    json_key(&js, "rows");
    json_arr(&js);
    for (int i = 0; i < r->of[DB_ATTENTION].n; i++) {
        const struct db_attention *a = result_at(r, DB_ATTENTION, i);

        if (is_wanted(j, a->layer, a->head))
            json_top(&js, a);
    }
    json_end_arr(&js);
    json_key(&js, "whole");
    json_arr(&js);
    for (int i = 0; i < r->of[DB_ATTENTION_ROW].n; i++) {
        const struct db_attention_row *row = result_at(r, DB_ATTENTION_ROW,
                                                       i);
        if (is_wanted(j, row->layer, row->head))
            json_row(&js, row);
    }
    json_end_arr(&js);
    json_end_obj(&js);
    fprintf(x->to, "%s\n", out.p);
    str_release(&out);
}

/* [rows][keys], in the order of layers and heads. */
static enum sor_err write_npy(struct job *j)
{
    const struct result *r = &j->r;
    struct cli *cli = j->x.cli;
    int n_key = r->head.pos + 1, n = 0;
    float *v = mem_calloc((size_t)r->of[DB_ATTENTION_ROW].n * (size_t)n_key,
                          sizeof *v);
    enum sor_err err = SOR_OK;

    if (!v)
        return sor_fail(&cli->msg, SOR_NOMEM, "out of memory for %d rows of "
                        "%d keys", r->of[DB_ATTENTION_ROW].n, n_key);
    for (int i = 0; i < r->of[DB_ATTENTION_ROW].n; i++) {
        const struct db_attention_row *row = result_at(r, DB_ATTENTION_ROW,
                                                       i);
        float *to = v + (size_t)n * (size_t)n_key;

        if (!is_wanted(j, row->layer, row->head))
            continue;
        for (int k = 0; k < n_key &&
             (size_t)k < row->weights.n / PACK_WEIGHT_BYTES; k++)
            to[k] = unpack_weight(row->weights.p, k);
        n++;
    }
    if (npy_write(j->x.to, v, n, n_key) != 0)
        err = sor_fail(&cli->msg, SOR_IO, "%s: %s", cli->out,
                       strerror(errno));
    mem_free(v);
    return err;
}

/* --- together ------------------------------------------------------------ */

static int has_row(const struct result *r, const struct lens_head *h)
{
    for (int i = 0; i < r->of[DB_ATTENTION_ROW].n; i++) {
        const struct db_attention_row *row = result_at(r, DB_ATTENTION_ROW,
                                                       i);
        if (row->layer == h->layer && row->head == h->head)
            return 1;
    }
    return 0;
}

static enum sor_err compute(struct job *j, const struct lens_head *missing,
                            int n)
{
    struct lens_attention_opts o = { .pos = j->x.at.pos, .whole = missing,
                                     .n_whole = n };
    enum sor_err err = experiment_engine(&j->x);

    if (!err)
        err = lens_attention(&j->x.prefix, j->x.e, &o, &j->r,
                             &j->x.cli->msg);
    if (!err)
        experiment_store(&j->x, &j->r);
    return err;
}

/* Computes the rows that are not stored, and stores them. */
static enum sor_err find_or_compute(struct job *j)
{
    struct lens_head *missing = mem_calloc((size_t)j->n_whole + 1,
                                           sizeof *missing);
    int n = 0;
    enum sor_err err = SOR_OK;

    if (!missing)
        return sor_fail(&j->x.cli->msg, SOR_NOMEM, "out of memory");
    for (int i = 0; i < j->n_whole; i++)
        if (!has_row(&j->r, &j->whole[i]))
            missing[n++] = j->whole[i];
    j->r.cached &= n == 0;
    if (!j->r.cached)
        err = compute(j, missing, n);
    mem_free(missing);
    return err;
}

static enum sor_err look(struct job *j)
{
    struct sor_msg *msg = &j->x.cli->msg;
    enum sor_err err = choose(j);

    if (!err)
        err = result_init(&j->r, "attention", &j->x.prefix, j->x.at.pos, "{}",
                          msg);
    if (!err)
        err = result_gather(&j->r, j->x.d, msg);
    return err ? err : find_or_compute(j);
}

static enum sor_err run(struct cli *cli)
{
    struct job j = { .n_whole = 0 };
    int npy = npy_is_name(cli->out);
    enum sor_err err = SOR_OK;

    if (npy && !opt.rows)
        return sor_fail(&cli->msg, SOR_USAGE, "%s: which heads? --rows",
                        cli->out);
    err = experiment_begin(&j.x, cli, cli->argv[0],
                                        EXPERIMENT_LAYERS);
    if (!err)
        err = look(&j);
    if (!err && npy)
        err = write_npy(&j);
    else if (!err && cli->json)
        show_json(&j);
    else if (!err)
        show(&j);
    if (!err && !cli->json)
        experiment_say_source(&j.x, &j.r);
    result_release(&j.r);
    mem_free(j.whole);
    experiment_end(&j.x);
    return err;
}

const struct cmd cmd_attention = {
    .name = "attention", .operands = "RUN:PATH@POS", .min = 1, .max = 1,
    .summary = "where the heads of one row looked",
    .text = "The path is replayed up to POS and the heaviest positions of "
        "every head are kept, at most eight each; entropy is of the whole "
        "row.  --rows shows the heads named only and keeps the weights of "
        "all keys for them, two bytes each; -o NAME.npy writes them as a "
        "NumPy array of float32, [rows][keys].",
    .opts = opts, .run = run };
