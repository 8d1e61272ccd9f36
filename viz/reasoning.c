#include "viz/reasoning.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "viz/prune.h"
#include "viz/rows.h"

enum { MAX_VOTE = 8, HEADS = 2 /* question, conclusion */ };

struct builder {
    const struct reasoning_opts *opts;
    struct rows rows;
    struct prune drawn;
    struct db_run run;      /* strings belong to g */
    const char *model;
    struct graph *g;
    int n_folded, n_hidden; /* steps and links not drawn */
    int vote_node[MAX_VOTE], n_vote;
    struct sor_msg *msg;
};

static enum sor_err no_memory(struct builder *b)
{
    return sor_fail(b->msg, SOR_NOMEM, "graph of run %.8s: out of memory",
                    b->run.uid ? b->run.uid : "?");
}

/* --- nodes --------------------------------------------------------------- */

static const struct graph_node blank = {
    .lane = -1, .lead = -1, .prob = NAN, .origin = GRAPH_GENERATED
};

/* Answers that share the most votes. */
static int n_leading(const struct rows *r)
{
    int n = 0;

    while (n < r->n_vote && r->vote[n].votes == r->vote[0].votes)
        n++;
    return n;
}

/* The rank that an answer is drawn with: 0 is the lead alone, and nobody has
 * it where it is shared. */
static int rank_of(const struct builder *b, int vote)
{
    return vote < 0 ? -1 : vote + (n_leading(&b->rows) > 1);
}

static int put_question(struct builder *b)
{
    struct graph_node n = blank;

    n.kind = GRAPH_QUESTION;
    n.id = "question";
    n.title = "question";
    n.text = b->run.prompt ? b->run.prompt : "(forgotten)";
    return graph_add_node(b->g, &n);
}

static enum graph_origin origin_of(const char *name)
{
    if (name && !strcmp(name, "rule"))
        return GRAPH_RULE;
    return name && !strcmp(name, "scored") ? GRAPH_SCORED : GRAPH_GENERATED;
}

/* A token as words: a path that had ended, or a piece without its space. */
static const char *piece(struct builder *b, const char *text)
{
    if (!text)
        return "the end";
    text += strspn(text, " \n\t\r");
    return *text ? graph_printf(b->g, "\xE2\x80\x9C%.40s\xE2\x80\x9D", text)
                 : "a space";
}

static int put_step(struct builder *b, int lane, int i)
{
    const struct prune_lane *l = &b->drawn.lane[lane];
    const struct rows_path *p = l->path;
    const struct rows_step *s = &p->step[i];
    struct graph_node n = blank;

    n.kind = GRAPH_STEP;
    n.id = graph_printf(b->g, "path_%d_step_%d", p->ordinal, s->ordinal);
    n.lane = lane;
    n.origin = origin_of(s->origin);
    n.role = s->role;
    n.title = graph_printf(b->g, "%d", s->ordinal);
    n.text = s->text;
    n.prob = s->prob;
    if (i == l->mark)
        n.mark = graph_printf(b->g, "parts from path %d: %s \xE2\x89\xA0 %s",
                              p->near, piece(b, p->part_own),
                              piece(b, p->part_other));
    return graph_add_node(b->g, &n);
}

static int put_fold(struct builder *b, int lane, int from, int count)
{
    struct graph_node n = blank;

    n.kind = GRAPH_FOLD;
    n.id = graph_printf(b->g, "path_%d_fold_%d",
                        b->drawn.lane[lane].path->ordinal, from);
    n.lane = lane;
    n.text = count ? graph_printf(b->g, "\xE2\x80\xA6 %d more step%s", count,
                                  count == 1 ? "" : "s")
                   : "no steps recorded";
    b->n_folded += count;
    return graph_add_node(b->g, &n);
}

static void put_lane(struct builder *b, int i)
{
    const struct rows_path *p = b->drawn.lane[i].path;
    struct graph_lane l = { .lead = rank_of(b, p->vote) };
    char prob[32] = "", extra[64] = "";

    if (!isnan(p->prob))
        snprintf(prob, sizeof prob, " \xC2\xB7 p %.2f", p->prob);
    if (!p->stop)
        snprintf(extra, sizeof extra, " \xC2\xB7 not ended");
    else if (strcmp(p->stop, "eog") && strcmp(p->stop, "scored"))
        snprintf(extra, sizeof extra, " \xC2\xB7 stopped: %.20s", p->stop);
    if (p->near >= 0 && p->part_pos < 0)
        snprintf(extra, sizeof extra, " \xC2\xB7 same as path %d", p->near);
    l.id = graph_printf(b->g, "path_%d", p->ordinal);
    l.title = p->answer
        ? graph_printf(b->g, "path %d says %.200s", p->ordinal, p->answer)
        : graph_printf(b->g, "path %d: no answer stated", p->ordinal);
    l.detail = graph_printf(b->g, "%d tokens%s%s", p->n_token, prob, extra);
    graph_add_lane(b->g, &l);
}

static void follow(struct builder *b, int from, int to)
{
    struct graph_edge e = { GRAPH_FOLLOWS, from, to, 1, NULL };

    graph_add_edge(b->g, &e);
}

/* A lane's column of steps and folds, chained from the question. */
static void put_column(struct builder *b, int lane, int question)
{
    struct prune_lane *l = &b->drawn.lane[lane];
    int n = l->path->n_step, i = 0;

    put_lane(b, lane);
    l->last = question;
    do {
        int from = i, node;

        if (i < n && l->keep[i]) {
            node = l->node[i] = put_step(b, lane, i);
            i++;
        } else {
            while (i < n && !l->keep[i])
                l->node[i++] = -1;
            node = put_fold(b, lane, from, i - from);
        }
        follow(b, l->last, node);
        l->first = from ? l->first : node;
        l->last = node;
    } while (i < n);
}

static void put_vote(struct builder *b, int v)
{
    const struct rows_vote *row = &b->rows.vote[v];
    int n_path = b->rows.n_path;
    struct graph_node n = blank;

    n.kind = GRAPH_VOTE;
    n.id = graph_printf(b->g, "answer_%d", v);
    n.title = row->answer ? row->answer : "(forgotten)";
    n.share = (double)row->votes / n_path;
    n.detail = graph_printf(b->g, "%d of %d path%s \xC2\xB7 %.0f %%",
                            row->votes, n_path, n_path == 1 ? "" : "s",
                            100 * n.share);
    n.lead = rank_of(b, v);
    b->vote_node[v] = graph_add_node(b->g, &n);
}

/* The step of a lane that gives its answer: the last that states it. */
static int answering(const struct prune_lane *l)
{
    const struct rows_path *p = l->path;

    for (int i = p->n_step - 1; i >= 0; i--)
        if (p->step[i].answer && p->answer && l->node[i] >= 0 &&
            !strcmp(p->step[i].answer, p->answer))
            return l->node[i];
    return l->last;
}

static void put_votes(struct builder *b)
{
    for (int v = 0; v < b->n_vote; v++)
        put_vote(b, v);
    for (int i = 0; i < b->drawn.n_lane; i++) {
        const struct prune_lane *l = &b->drawn.lane[i];
        int v = l->path->vote;
        struct graph_edge e = { GRAPH_CONCLUDES, answering(l), 0, 1, NULL };

        if (v < 0 || v >= b->n_vote)
            continue;
        e.to = b->vote_node[v];
        graph_add_edge(b->g, &e);
    }
}

/* What the votes come to, in words. */
static const char *conclusion(struct builder *b)
{
    const struct rows_vote *v = b->rows.vote;
    int n = b->rows.n_path, lead = n_leading(&b->rows);

    if (lead == 0)
        return n == 1 ? "The path states no answer"
                      : "No path states an answer";
    if (lead == 1 && n == 1)
        return graph_printf(b->g, "The one path says %.200s", v[0].answer);
    if (lead == 1)
        return graph_printf(b->g, "%d of %d paths say %.200s", v[0].votes, n,
                            v[0].answer);
    return graph_printf(b->g, "Undecided: %d answers with %d vote%s each", lead,
                        v[0].votes, v[0].votes == 1 ? "" : "s");
}

static const char *accuracy(const struct builder *b)
{
    return b->opts->accuracy ? b->opts->accuracy
                             : "accuracy on such questions: unmeasured";
}

static void put_conclusion(struct builder *b)
{
    const struct rows *r = &b->rows;
    struct graph_node n = blank;
    int lead = n_leading(r), silent = r->n_path;

    for (int v = 0; v < r->n_vote; v++)
        silent -= r->vote[v].votes;
    n.kind = GRAPH_CONCLUSION;
    n.id = "conclusion";
    n.title = conclusion(b);
    n.lead = lead == 1 ? 0 : -1;
    n.text = accuracy(b);
    if (lead)
        n.detail = graph_printf(b->g, "margin %d", r->vote[0].votes -
                                (r->n_vote > 1 ? r->vote[1].votes : 0));
    if (lead && silent > 0)
        n.detail = graph_printf(b->g, "%s \xC2\xB7 %d without an answer",
                                n.detail, silent);
    int node = graph_add_node(b->g, &n);
    for (int v = 0; v < lead && v < b->n_vote; v++) {
        struct graph_edge e = { GRAPH_CONCLUDES, b->vote_node[v], node, 1,
                                NULL };

        graph_add_edge(b->g, &e);
    }
    for (int i = 0; !lead && i < b->drawn.n_lane; i++)
        follow(b, b->drawn.lane[i].last, node);
}

/* --- edges between steps ------------------------------------------------- */

/* The graph node of a step, or -1 where it is not drawn. */
static int node_of(const struct builder *b, int64_t step)
{
    struct rows_at at;

    if (!rows_step(&b->rows, step, &at))
        return -1;
    for (int i = 0; i < b->drawn.n_lane; i++)
        if (b->drawn.lane[i].path == &b->rows.path[at.path])
            return b->drawn.lane[i].node[at.step];
    return -1;
}

static void put_link(struct builder *b, int64_t src, int64_t dst,
                     struct graph_edge e)
{
    e.from = node_of(b, src);
    e.to = node_of(b, dst);
    if (e.from >= 0 && e.to >= 0 && e.from != e.to)
        graph_add_edge(b->g, &e);
    else
        b->n_hidden++;
}

static void put_links(struct builder *b)
{
    for (int i = 0; i < b->rows.n_link; i++) {
        const struct rows_link *l = &b->rows.link[i];

        put_link(b, l->src, l->dst, (struct graph_edge){
                 l->kind, 0, 0, l->weight, l->note });
    }
    for (int i = 0; i < b->rows.n_path; i++)
        for (int j = 0; j < b->rows.path[i].n_step; j++) {
            const struct rows_step *s = &b->rows.path[i].step[j];

            for (int k = 0; k < ROWS_LOOKS && s->look[k].step; k++)
                put_link(b, s->id, s->look[k].step, (struct graph_edge){
                         GRAPH_ATTENDS, 0, 0, s->look[k].weight, NULL });
        }
}

/* From the parent's step at the fork to the first of the forked path.  Paths
 * that share no more than the prompt all come from the question. */
static void put_forks(struct builder *b)
{
    for (int i = 0; i < b->drawn.n_lane; i++)
        for (int j = 0; j < b->drawn.n_lane; j++) {
            const struct prune_lane *child = &b->drawn.lane[i];
            const struct prune_lane *parent = &b->drawn.lane[j];
            int at = prune_step_at(parent->path, child->path->fork_pos);
            struct graph_edge e = { GRAPH_FORKS, 0, child->first, 1, NULL };

            if (child->path->parent_id != parent->path->id || at < 0 ||
                child->path->fork_pos <= b->run.n_prompt)
                continue;
            e.from = parent->node[at] >= 0 ? parent->node[at] : parent->first;
            graph_add_edge(b->g, &e);
        }
}

/* --- the whole ----------------------------------------------------------- */

static void left_out(struct builder *b, int n, const char *what)
{
    const char *so_far = b->g->left_out;

    if (n > 0)
        b->g->left_out = graph_printf(b->g, "%s %d %s%s",
                                      so_far ? graph_printf(b->g, "%s,", so_far)
                                             : "Not drawn:",
                                      n, what, n == 1 ? "" : "s");
}

static void put_titles(struct builder *b)
{
    struct graph *g = b->g;
    char when[21], lost[80] = "";

    clock_iso8601(b->run.started_us, when);
    if (!b->run.status)
        snprintf(lost, sizeof lost, " \xC2\xB7 run not ended");
    else if (strcmp(b->run.status, "complete"))
        snprintf(lost, sizeof lost, " \xC2\xB7 run %.20s, %lld events lost",
                 b->run.status, (long long)b->run.n_lost);
    g->id = graph_printf(g, "run_%.32s", b->run.uid);
    g->title = graph_printf(g, "Reasoning of run %.8s", b->run.uid);
    g->subtitle = graph_printf(
        g, "%.120s \xC2\xB7 %s \xC2\xB7 %d path%s \xC2\xB7 temperature %.2g, "
        "seed %lld%s", b->model, when, b->rows.n_path,
        b->rows.n_path == 1 ? "" : "s", b->run.temperature,
        (long long)b->run.seed, lost);
    b->n_hidden += b->rows.n_hidden;
    for (int i = 0; i < b->drawn.n_lane; i++)
        b->n_folded += b->drawn.lane[i].path->n_unread;
    left_out(b, b->rows.n_path - b->drawn.n_lane, "path");
    left_out(b, b->n_folded, "step");
    left_out(b, b->n_hidden, "weak or repeated link");
    left_out(b, b->rows.n_vote - b->n_vote, "answer");
}

static enum sor_err load(struct builder *b, struct db *d, int64_t run_id)
{
    struct db_run run;
    struct db_model model;
    int got = db_get_run(d, run_id, &run);

    if (got != 1)
        return sor_fail(b->msg, got ? SOR_IO : SOR_NOTFOUND,
                        got ? "run %lld: damaged row" : "no run with id %lld",
                        (long long)run_id);
    b->run = run;
    b->run.uid = graph_str(b->g, run.uid);
    b->run.prompt = graph_str(b->g, run.prompt);
    b->run.status = graph_str(b->g, run.status);
    b->model = "foreign trace";
    if (run.model_id && db_get_model(d, run.model_id, &model) == 1)
        b->model = graph_printf(b->g, "%.80s %.20s", model.name, model.quant);
    if (!graph_ok(b->g))
        return no_memory(b);
    return rows_load(d, run_id, b->g, &b->rows, b->msg);
}

static enum sor_err choose(struct builder *b)
{
    struct prune_limits limits = { b->opts->max_node, b->opts->max_lane,
                                   b->opts->max_step, 0 };

    b->n_vote = b->rows.n_vote < MAX_VOTE ? b->rows.n_vote : MAX_VOTE;
    limits.others = HEADS + b->n_vote;
    return prune(&b->rows, &limits, &b->drawn, b->msg);
}

static void draw(struct builder *b)
{
    int question = put_question(b);

    for (int i = 0; i < b->drawn.n_lane; i++)
        put_column(b, i, question);
    put_votes(b);
    put_conclusion(b);
    put_links(b);
    put_forks(b);
    put_titles(b);
}

enum sor_err reasoning_build(struct db *d, int64_t run_id,
                             const struct reasoning_opts *opts,
                             struct graph *out, struct sor_msg *msg)
{
    struct builder b = { .opts = opts, .g = out, .msg = msg };
    enum sor_err err = load(&b, d, run_id);

    err = err ? err : choose(&b);
    if (!err)
        draw(&b);
    if (!err && !graph_ok(out))
        err = no_memory(&b);
    prune_release(&b.drawn);
    rows_release(&b.rows);
    return err;
}
