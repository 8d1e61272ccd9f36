/* cli/cmd_graph.c - a recorded run as a picture: rows -> graph -> DOT, and on
 * to SVG, PDF or PNG; or rows -> plot -> SVG, and on to PDF or PNG. */
#include <stdio.h>
#include <string.h>

#include "cli/accuracy.h"
#include "cli/cli.h"
#include "cli/draw.h"
#include "db/db.h"
#include "db/review.h"
#include "viz/calibration.h"
#include "viz/claim_graph.h"
#include "viz/compare.h"
#include "viz/dot.h"
#include "viz/logic.h"
#include "viz/overview.h"
#include "viz/reasoning.h"
#include "viz/render.h"
#include "viz/trail.h"

static struct {
    int kind, theme, seconds, max_node, max_lane, max_step;
    const char *format, *claim, *part;
} opt;

static const struct opt_spec opts[] = {
    { 0, "kind", "auto|reasoning|logic|overview|terms|references|claim|"
      "compare|routing|share|entropy|cost|votes|calibration", OPT_WORD,
      &opt.kind, "what to draw; auto: of a review, the document's logic, of "
      "a long one its overview", 0, 0 },
    { 0, "part", "NUMBER", OPT_STR, &opt.part, "only this part of the "
      "document, and what it is tied to", 0, 0 },
    { 0, "claim", "NAME|NUMBER", OPT_STR, &opt.claim,
      "which, of --kind claim (the first that needs review)", 0, 0 },
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

/* What was asked for, read. */
struct ask {
    struct cli *cli;
    struct db *d;
    struct db_addr at, other;   /* other: of two */
    struct db_run run;
};

/* --- graphs -------------------------------------------------------------- */

static enum sor_err build_reasoning(struct ask *a, struct graph *g)
{
    struct reasoning_opts o = { .max_node = opt.max_node,
                                .max_lane = opt.max_lane,
                                .max_step = opt.max_step };
    struct db_model model;

    if (a->run.model_id &&
        db_get_model(a->d, a->run.model_id, &model) == 1)
        o.accuracy = accuracy_known(model.sha256, a->run.prompt);
    return reasoning_build(a->d, a->at.run_id, &o, g, &a->cli->msg);
}

static enum sor_err build_part(struct ask *a, enum logic_part part,
                               struct graph *g)
{
    struct logic_opts o = { opt.max_node, opt.max_lane, opt.max_step, part,
                            opt.part };

    return logic_build(a->d, a->at.run_id, &o, g, &a->cli->msg);
}

static enum sor_err build_logic(struct ask *a, struct graph *g)
{
    return build_part(a, LOGIC_ALL, g);
}

static enum sor_err build_terms(struct ask *a, struct graph *g)
{
    return build_part(a, LOGIC_TERMS, g);
}

static enum sor_err build_references(struct ask *a, struct graph *g)
{
    return build_part(a, LOGIC_REFERENCES, g);
}

static enum sor_err build_overview(struct ask *a, struct graph *g)
{
    struct report *r = NULL;
    enum sor_err err = report_load(a->d, a->at.run_id, &r, &a->cli->msg);

    if (!err)
        err = overview_build(r, g, &a->cli->msg);
    report_close(r);
    return err;
}

/* Is its document longer than a picture of all its clauses could be? */
static int is_long(struct ask *a)
{
    struct db_review_set s = { 0 };
    int n = db_review_load(a->d, DB_CLAUSE, a->at.run_id, &s, NULL) ? 0 : s.n;

    db_review_set_release(&s);
    return n >= OVERVIEW_FROM;
}

static enum sor_err build_auto(struct ask *a, struct graph *g)
{
    if (strcmp(a->run.kind, "review") != 0)
        return build_reasoning(a, g);
    return !opt.part && !opt.max_node && is_long(a) ? build_overview(a, g)
                                                    : build_logic(a, g);
}

static enum sor_err build_claim(struct ask *a, struct graph *g)
{
    const struct db_claim *c;
    struct report *r = NULL;
    enum sor_err err = report_load(a->d, a->at.run_id, &r, &a->cli->msg);

    if (err)
        return err;
    c = claim_graph_find(r, opt.claim);
    err = c ? claim_graph_build(r, c, g, &a->cli->msg)
            : sor_fail(&a->cli->msg, SOR_NOTFOUND, "review %.8s has no claim "
                       "%s", r->uid, opt.claim ? opt.claim : "at all");
    report_close(r);
    return err;
}

static enum sor_err build_compare(struct ask *a, struct graph *g)
{
    struct compare_side side[2] = { { a->at.run_id, a->at.path },
                                    { a->other.run_id, a->other.path } };

    return compare_build(a->d, side, g, &a->cli->msg);
}

/* --- plots --------------------------------------------------------------- */

typedef enum sor_err trail_fn(const struct trail *t, struct str *out,
                              struct sor_msg *msg);

static enum sor_err plot_trail(struct ask *a, trail_fn *draw,
                               struct str *out)
{
    struct trail t = { 0 };
    enum sor_err err = SOR_OK;

    if (a->at.path_id <= 0) {
        char first[80];

        snprintf(first, sizeof first, "%.64s:0", a->run.uid);
        err = db_find(a->d, first, &a->at, &a->cli->msg);
    }
    if (!err)
        err = trail_load(a->d, &a->at, &t, &a->cli->msg);
    if (!err)
        err = draw(&t, out, &a->cli->msg);
    trail_release(&t);
    return err;
}

static enum sor_err plot_routing(struct ask *a, struct str *out)
{
    return plot_trail(a, trail_routing, out);
}

static enum sor_err plot_share(struct ask *a, struct str *out)
{
    return plot_trail(a, trail_share, out);
}

static enum sor_err plot_entropy(struct ask *a, struct str *out)
{
    return plot_trail(a, trail_entropy, out);
}

static enum sor_err plot_cost(struct ask *a, struct str *out)
{
    return plot_trail(a, trail_cost, out);
}

static enum sor_err plot_votes(struct ask *a, struct str *out)
{
    return trail_votes(a->d, a->at.run_id, out, &a->cli->msg);
}

static enum sor_err plot_calibration(struct ask *a, struct str *out)
{
    return calibration_svg(a->d, out, &a->cli->msg);
}

/* As --kind counts them. */
static const struct kind {
    enum sor_err (*build)(struct ask *a, struct graph *g);
    enum sor_err (*plot)(struct ask *a, struct str *svg);
    int operands;
} kinds[] = {
    { build_auto, NULL, 1 },        { build_reasoning, NULL, 1 },
    { build_logic, NULL, 1 },       { build_overview, NULL, 1 },
    { build_terms, NULL, 1 },       { build_references, NULL, 1 },
    { build_claim, NULL, 1 },       { build_compare, NULL, 2 },
    { NULL, plot_routing, 1 },      { NULL, plot_share, 1 },
    { NULL, plot_entropy, 1 },      { NULL, plot_cost, 1 },
    { NULL, plot_votes, 1 },        { NULL, plot_calibration, 0 },
};

/* --- the command --------------------------------------------------------- */

/* The format to write, from --format or the name of -o; NULL means what the
 * kind is made as: DOT, or of a plot SVG. */
static enum sor_err choose_format(struct cli *cli, const struct kind *k,
                                  const char **out)
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
    if (!name || (k->plot ? !strcmp(name, "svg")
                          : !strcmp(name, "dot") || !strcmp(name, "gv")))
        return SOR_OK;
    *out = render_format(name);
    return *out ? SOR_OK
                : sor_fail(&cli->msg, SOR_USAGE, "no format '%s'; there are "
                           "%ssvg, pdf and png", name, k->plot ? "" : "dot, ");
}

static enum sor_err find(struct ask *a, const struct kind *k)
{
    static const char *const want[] = {
        "--kind calibration is of all reviews and takes no RUN",
        "one RUN is drawn; two with --kind compare",
        "--kind compare takes two: RUN[:PATH] RUN[:PATH]" };
    struct cli *cli = a->cli;
    enum sor_err err;

    if (cli->argc != k->operands)
        return sor_fail(&cli->msg, SOR_USAGE, "%s", want[k->operands]);
    err = db_open(cli_db(cli), &a->d, &cli->msg);
    if (err || k->operands == 0)
        return err;
    err = db_find(a->d, cli->argv[0], &a->at, &cli->msg);
    if (!err && k->operands == 2)
        err = db_find(a->d, cli->argv[1], &a->other, &cli->msg);
    if (!err && db_get_run(a->d, a->at.run_id, &a->run) != 1)
        err = sor_fail(&cli->msg, SOR_FORMAT, "the run cannot be read");
    return err;
}

/* As DOT, or with a format as a picture. */
static enum sor_err draw_graph(struct ask *a, const struct kind *k,
                               const char *format, struct str *out)
{
    struct render_limits limits = { .seconds = opt.seconds };
    struct dot_opts look = { .theme = opt.theme };
    struct sor_msg *msg = &a->cli->msg;
    struct graph g;
    struct str dot;
    enum sor_err err;

    graph_init(&g);
    str_init(&dot);
    err = k->build(a, &g);
    db_close(a->d);     /* before the layout: rows are in the graph now */
    a->d = NULL;
    if (!err)
        err = dot_write(&g, &look, format ? &dot : out, msg);
    if (!err && format)
        err = render(dot.p, format, &limits, out, msg);
    str_release(&dot);
    graph_release(&g);
    return err;
}

/* As SVG, or with a format as a picture of that. */
static enum sor_err draw_plot(struct ask *a, const struct kind *k,
                              const char *format, struct str *out)
{
    struct render_limits limits = { .seconds = opt.seconds };
    struct str svg;
    enum sor_err err;

    if (!format)
        return k->plot(a, out);
    str_init(&svg);
    err = k->plot(a, &svg);
    db_close(a->d);
    a->d = NULL;
    if (!err && !str_ok(&svg))
        err = sor_fail(&a->cli->msg, SOR_NOMEM, "plot: out of memory");
    if (!err)
        err = render_svg(svg.p, format, &limits, out, &a->cli->msg);
    str_release(&svg);
    return err;
}

static enum sor_err run(struct cli *cli)
{
    const struct kind *k = &kinds[opt.kind];
    struct ask a = { .cli = cli };
    struct str picture;
    const char *format;
    FILE *to;
    enum sor_err err = choose_format(cli, k, &format);

    str_init(&picture);
    if (!err)
        err = find(&a, k);
    if (!err)
        err = (k->plot ? draw_plot : draw_graph)(&a, k, format, &picture);
    db_close(a.d);
    if (!err)
        err = (to = cli_out(cli)) ? draw_write(cli, to, &picture) : SOR_IO;
    str_release(&picture);
    return err;
}

const struct cmd cmd_graph = {
    .name = "graph", .operands = "[RUN[:PATH] [RUN[:PATH]]]", .min = 0,
    .max = 2,
    .summary = "draw a recorded run as DOT, SVG, PDF or PNG",
    .text = "Graphs: reasoning is the question, each path as a column of "
            "steps, the answers and their votes; logic the clauses, terms and "
            "claims of a review; overview its parts; terms and references "
            "some of that; claim one claim, its paths side by side; compare "
            "two paths.\nPlots (no DOT): routing is how each token was "
            "computed in each layer, share the same in sum; entropy and cost "
            "run along a path; votes are bars; calibration, of all reviews, "
            "holds stated probabilities against decisions.\nWithout -o, DOT "
            "(of plots SVG) goes to stdout.\n",
    .opts = opts, .run = run
};
