/* cli/cmd_graph.c - a recorded run as a picture: rows -> graph -> DOT, and on
 * to SVG, PDF or PNG. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/accuracy.h"
#include "cli/cli.h"
#include "db/db.h"
#include "viz/dot.h"
#include "viz/logic.h"
#include "viz/reasoning.h"
#include "viz/render.h"

enum { KIND_AUTO, KIND_REASONING, KIND_LOGIC };

static struct {
    int kind, theme, seconds, max_node, max_lane, max_step;
    const char *format;
} opt;

static const struct opt_spec opts[] = {
    { 0, "kind", "auto|reasoning|logic", OPT_WORD, &opt.kind, "what to draw; "
      "auto: of a review, the document's logic", 0, 0 },
    { 0, "format", "dot|svg|pdf|png", OPT_STR, &opt.format,
      "instead of the one that -o's name says", 0, 0 },
    { 0, "theme", "light|dark", OPT_WORD, &opt.theme, "ground of the picture",
      0, 0 },
    { 0, "nodes", "N", OPT_INT, &opt.max_node, "nodes at most (400)",
      20, 100000 },
    { 0, "paths", "N", OPT_INT, &opt.max_lane, "paths, or parts of a "
      "document, drawn at most (12)", 1, 4096 },
    { 0, "steps", "N", OPT_INT, &opt.max_step, "steps of a path, or clauses "
      "of a part, drawn at most", 4, 4096 },
    { 0, "time-limit", "SECONDS", OPT_INT, &opt.seconds,
      "for the layout (20)", 1, 3600 },
    OPT_END
};

/* The format to write, from --format or the name of -o; NULL means DOT. */
static enum sor_err choose_format(struct cli *cli, const char **out)
{
    const char *name = opt.format, *dot;

    *out = NULL;
    if (!name && cli->out && strcmp(cli->out, "-") != 0) {
        dot = strrchr(cli->out, '.');
        name = dot ? dot + 1 : "";
        if (!*name || strchr(name, '/'))
            return sor_fail(&cli->msg, SOR_USAGE, "%s: its name does not say "
                            "a format; add --format dot|svg|pdf|png",
                            cli->out);
    }
    if (!name || !strcmp(name, "dot") || !strcmp(name, "gv"))
        return SOR_OK;
    *out = render_format(name);
    return *out ? SOR_OK
                : sor_fail(&cli->msg, SOR_USAGE, "no format '%s'; there are "
                           "dot, svg, pdf and png", name);
}

static enum sor_err build(struct cli *cli, struct db *d, struct graph *g)
{
    struct reasoning_opts o = { .max_node = opt.max_node,
                                .max_lane = opt.max_lane,
                                .max_step = opt.max_step };
    struct logic_opts l = { opt.max_node, opt.max_lane, opt.max_step };
    struct db_run run;
    struct db_model model;
    int64_t id;
    int there;
    enum sor_err err = db_find_run(d, cli->argv[0], &id, &cli->msg);

    if (err)
        return err;
    there = db_get_run(d, id, &run) == 1;
    if (opt.kind == KIND_LOGIC ||
        (opt.kind == KIND_AUTO && there && !strcmp(run.kind, "review")))
        return logic_build(d, id, &l, g, &cli->msg);
    if (there && run.model_id &&
        db_get_model(d, run.model_id, &model) == 1)
        o.accuracy = accuracy_known(model.sha256, run.prompt);
    return reasoning_build(d, id, &o, g, &cli->msg);
}

static enum sor_err write_out(struct cli *cli, const struct str *s)
{
    FILE *to = cli_out(cli);

    if (!to)
        return SOR_IO;
    if (fwrite(s->p, 1, s->len, to) != s->len || fflush(to) != 0)
        return sor_fail(&cli->msg, SOR_IO, "cannot write: %s",
                        strerror(errno));
    return SOR_OK;
}

static enum sor_err run(struct cli *cli)
{
    struct render_limits limits = { .seconds = opt.seconds };
    struct dot_opts look = { .theme = opt.theme };
    struct db *d = NULL;
    struct graph g;
    struct str dot, picture;
    const char *format;
    enum sor_err err = choose_format(cli, &format);

    graph_init(&g);
    str_init(&dot);
    str_init(&picture);
    err = err ? err : db_open(cli_db(cli), &d, &cli->msg);
    err = err ? err : build(cli, d, &g);
    db_close(d);        /* before the layout: rows are in the graph now */
    err = err ? err : dot_write(&g, &look, &dot, &cli->msg);
    if (!err && format)
        err = render(dot.p, format, &limits, &picture, &cli->msg);
    err = err ? err : write_out(cli, format ? &picture : &dot);
    str_release(&picture);
    str_release(&dot);
    graph_release(&g);
    return err;
}

const struct cmd cmd_graph = {
    .name = "graph", .operands = "RUN", .min = 1, .max = 1,
    .summary = "draw a recorded run as DOT, SVG, PDF or PNG",
    .text = "The question, each path as a column of steps, the answers and "
            "their votes; of a review, the document's clauses, terms "
            "and claims.\nWithout -o, DOT goes to stdout.",
    .opts = opts, .run = run
};
