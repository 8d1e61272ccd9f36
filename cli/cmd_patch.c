/* cli/cmd_patch.c - where a fact is carried: the mean patching map over pairs
 * of prompts, as a table or a picture. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "probe/patch.h"
#include "viz/heat.h"

enum { COLUMNS = 64, NAME = 48 };

struct job {
    struct cli *cli;
    struct engine *e;
    double *sum, *one;          /* [n_layer][n] */
    int n_layer, n, n_pair, n_left_out;
    char name[COLUMNS][NAME];   /* of the positions */
};

static enum sor_err encode(struct job *j, const cJSON *line, const char *key,
                           struct tok_ids *out)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(line, key);

    if (!cJSON_IsString(s))
        return sor_fail(&j->cli->msg, SOR_FORMAT, "\"%s\" is missing", key);
    return tok_encode(engine_tok(j->e), s->valuestring,
                      strlen(s->valuestring), 0, out);
}

/* Names of the columns, from the first pair; where a pair differs from it the
 * name is that of what varies. */
static void name_columns(struct job *j, const struct patch_pair *p)
{
    for (int i = 0; i < p->n; i++) {
        size_t n = 0;
        const char *s = tok_piece(engine_tok(j->e), p->clean[i], &n);

        if (p->clean[i] != p->corrupt[i])
            snprintf(j->name[i], NAME, "[subject]");
        else
            snprintf(j->name[i], NAME, "%.*s", (int)(n < NAME - 1 ? n
                                                     : NAME - 1), s);
    }
}

static enum sor_err begin_map(struct job *j, int n)
{
    size_t count;

    j->n_layer = (int)engine_hparams(j->e)->n_layer;
    j->n = n;
    count = (size_t)j->n_layer * (size_t)n;
    j->sum = mem_calloc(count, sizeof *j->sum);
    j->one = mem_calloc(count, sizeof *j->one);
    return j->sum && j->one ? SOR_OK : sor_fail(&j->cli->msg, SOR_NOMEM,
                                                "out of memory");
}

static enum sor_err add_pair(struct job *j, const struct patch_pair *p)
{
    struct sor_msg *msg = &j->cli->msg;
    enum sor_err err = SOR_OK;

    if (!j->sum) {
        if (p->n > COLUMNS)
            return sor_fail(msg, SOR_LIMIT, "%d tokens; at most %d", p->n,
                            COLUMNS);
        if ((err = begin_map(j, p->n)))
            return err;
        name_columns(j, p);
    }
    if (p->n != j->n)
        return sor_fail(msg, SOR_USAGE, "%d tokens where the first pair has "
                        "%d", p->n, j->n);
    err = patch_map(j->e, p, j->one, msg);
    if (err == SOR_USAGE) {             /* the model does not know this one */
        j->n_left_out++;
        return SOR_OK;
    }
    for (int i = 0; i < j->n_layer * j->n && !err; i++)
        j->sum[i] += j->one[i];
    j->n_pair += !err;
    return err;
}

static enum sor_err read_pair(struct job *j, const struct input *in)
{
    struct tok_ids id[4] = { { NULL, 0, 0 } };
    static const char *const key[] = { "clean", "corrupt", "right", "wrong" };
    struct sor_msg *msg = &j->cli->msg;
    cJSON *line;
    enum sor_err err = json_parse(in->text.p, in->text.len, in->where, &line,
                                  msg);

    if (err)
        return err;
    for (int i = 0; i < 4 && !err; i++)
        err = encode(j, line, key[i], &id[i]);
    cJSON_Delete(line);
    if (!err && (id[0].n != id[1].n || id[0].n == 0))
        err = sor_fail(msg, SOR_USAGE, "the two prompts have %zu and %zu "
                       "tokens", id[0].n, id[1].n);
    if (!err && (id[2].n == 0 || id[3].n == 0))
        err = sor_fail(msg, SOR_USAGE, "an answer is empty");
    if (!err) {
        struct patch_pair p = { .clean = id[0].id, .corrupt = id[1].id,
                                .n = (int)id[0].n, .right = id[2].id[0],
                                .wrong = id[3].id[0] };
        err = add_pair(j, &p);
    }
    for (int i = 0; i < 4; i++)
        tok_ids_release(&id[i]);
    if (err) {
        struct sor_msg why = *msg;

        sor_fail(msg, err, "%s: %s", in->where, why.text);
    }
    return err;
}

static void draw(struct job *j, FILE *to)
{
    const char *column[COLUMNS];
    char title[128], note[160];
    struct heat h = { .v = j->sum, .n_row = j->n_layer, .n_column = j->n,
                      .column = column, .title = title, .note = note,
                      .row_name = "layer" };
    struct str svg;

    for (int i = 0; i < j->n; i++)
        column[i] = j->name[i];
    snprintf(title, sizeof title, "Where the fact is carried: mean over %d "
             "pairs of prompts", j->n_pair);
    snprintf(note, sizeof note, "white 0: as the corrupt prompt; dark blue "
             "1: as the clean one");
    str_init(&svg);
    heat_svg(&h, &svg);
    fwrite(svg.p, 1, svg.len, to);
    str_release(&svg);
}

static void show(struct job *j, FILE *to)
{
    fprintf(to, "layer");
    for (int i = 0; i < j->n; i++)
        fprintf(to, " %10.10s", j->name[i]);
    for (int l = 0; l < j->n_layer; l++) {
        fprintf(to, "\n%5d", l);
        for (int i = 0; i < j->n; i++)
            fprintf(to, " %10.3f", j->sum[l * j->n + i]);
    }
    fputc('\n', to);
}

static enum sor_err map_all(struct job *j)
{
    struct input in = { .file = NULL };
    struct progress bar;
    enum sor_err err = input_open(&in, j->cli->argv[0], &j->cli->msg);
    int done = 0;

    progress_begin(&bar, j->cli, "patching", "pairs", 0);
    while (!err && !cli_stopped() && input_next(&in, &err, &j->cli->msg) > 0) {
        err = read_pair(j, &in);
        progress_set(&bar, (uint64_t)++done);
    }
    progress_end(&bar);
    input_close(&in);
    if (!err && cli_stopped())
        err = sor_fail(&j->cli->msg, SOR_INTERRUPTED, "interrupted");
    if (!err && j->n_pair == 0)
        err = sor_fail(&j->cli->msg, SOR_DIFFERS, "the model tells none of "
                       "the pairs apart");
    for (int i = 0; !err && i < j->n_layer * j->n; i++)
        j->sum[i] /= j->n_pair;
    return err;
}

static enum sor_err run(struct cli *cli)
{
    struct job j = { .cli = cli };
    struct engine_opts o = { .n_thread = cli->threads, .n_ctx = 1024 };
    size_t n = cli->out ? strlen(cli->out) : 0;
    int svg = n > 4 && strcmp(cli->out + n - 4, ".svg") == 0;
    FILE *to = cli_out(cli);
    enum sor_err err = to ? engine_open(cli_model(cli), &o, &j.e, &cli->msg)
                          : SOR_IO;

    cli_catch_signals();
    if (!err)
        err = map_all(&j);
    if (!err && svg)
        draw(&j, to);
    else if (!err)
        show(&j, to);
    if (!err && j.n_left_out)
        log_info("%d pairs that the model does not tell apart are left out",
                 j.n_left_out);
    mem_free(j.sum);
    mem_free(j.one);
    engine_close(j.e);
    return err;
}

const struct cmd cmd_patch = {
    .name = "patch", .operands = "PAIRS.jsonl|-", .min = 1, .max = 1,
    .summary = "where a fact is carried: layer by position, over pairs",
    .text = "A line is {\"clean\",\"corrupt\",\"right\",\"wrong\"}: two "
        "prompts of equal length that differ in one word, and the answer to "
        "each.  The clean prompt's residual stream is put into the corrupt "
        "one at every layer and position; shown is the share of the logit "
        "difference that this restores, the mean over the pairs.  -o NAME.svg "
        "draws it.",
    .run = run };
