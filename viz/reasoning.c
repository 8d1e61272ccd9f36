#include "viz/reasoning.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "viz/rows.h"

enum {
    MAX_NODE = 400, MAX_LANE = 12,
    MIN_STEP = 4, MAX_STEP = 40,        /* nodes of a lane */
    STEPS_IN_ALL = 64,                  /* shared out among the lanes */
    MAX_VOTE = 8,
    HEADS = 2                           /* question, conclusion */
};

/* How one path is drawn. */
struct lane {
    struct rows_path *path;
    int *node;              /* [n_step] graph node; -1 folded away */
    char *keep;             /* [n_step] */
    int mark;               /* the step where it parts from another, or -1 */
    int first, last;        /* graph nodes of its ends */
};

struct builder {
    const struct reasoning_opts *opts;
    struct rows rows;
    struct db_run run;      /* strings belong to g */
    const char *model;
    struct graph *g;
    struct lane *lane;      /* [n_lane], in the order they are drawn */
    int n_lane;
    int n_folded, n_hidden; /* steps and links not drawn */
    int vote_node[MAX_VOTE], n_vote;
    struct sor_msg *msg;
};

static enum sor_err no_memory(struct builder *b)
{
    return sor_fail(b->msg, SOR_NOMEM, "graph of run %.8s: out of memory",
                    b->run.uid);
}

/* --- what is drawn --------------------------------------------------------- */

/* By verdict, the leading one first and none last; then by number. */
static int by_vote(const void *a, const void *b)
{
    const struct rows_path *x = ((const struct lane *)a)->path;
    const struct rows_path *y = ((const struct lane *)b)->path;
    unsigned u = (unsigned)x->vote, v = (unsigned)y->vote;  /* -1: the largest */

    if (u != v)
        return u < v ? -1 : 1;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* Takes paths in turn from each answer until there are max_lane of them, so
 * that no answer goes unseen before another has shown two paths. */
static enum sor_err choose_lanes(struct builder *b)
{
    const struct rows *r = &b->rows;
    int max = b->opts->max_lane ? b->opts->max_lane : MAX_LANE;
    int *turn = mem_calloc((size_t)r->n_path, sizeof *turn);

    if (max > r->n_path)
        max = r->n_path;
    b->lane = mem_calloc((size_t)max, sizeof *b->lane);
    if (!turn || !b->lane) {
        mem_free(turn);
        return no_memory(b);
    }
    for (int i = 0; i < r->n_path; i++)     /* its place within its answer */
        for (int j = 0; j < i; j++)
            turn[i] += r->path[j].vote == r->path[i].vote;
    for (int t = 0; b->n_lane < max; t++)
        for (int i = 0; i < r->n_path && b->n_lane < max; i++)
            if (turn[i] == t)
                b->lane[b->n_lane++].path = &r->path[i];
    mem_free(turn);
    qsort(b->lane, (size_t)b->n_lane, sizeof *b->lane, by_vote);
    return SOR_OK;
}

/* The step that holds pos, or the last one before it; -1: none. */
static int step_at(const struct rows_path *p, int pos)
{
    int at = -1;

    for (int i = 0; i < p->n_step && p->step[i].tok_from <= pos; i++)
        at = i;
    return at < 0 && p->n_step ? 0 : at;
}

/* How much a step tells: what it states, where paths part, doubts, what others
 * refer to.  The ends of a path are always told. */
static int importance(const struct lane *l, int i)
{
    static const struct {
        const char *role;
        int points;
    } table[] = { { "conclude", 40 }, { "backtrack", 30 }, { "check", 20 } };
    const struct rows_step *s = &l->path->step[i];
    int points = 8 * (s->n_link < 5 ? s->n_link : 5);

    for (size_t k = 0; s->role && k < sizeof table / sizeof *table; k++)
        if (!strcmp(s->role, table[k].role))
            points += table[k].points;
    if (s->answer)
        points += 50;
    if (s->answer && l->path->answer && !strcmp(s->answer, l->path->answer))
        points += 30;
    if (i == l->mark)
        points += 60;
    return i == 0 || i == l->path->n_step - 1 ? 1000 : points;
}

/* Nodes that a lane takes: its kept steps, and a fold for each run of others. */
static int lane_nodes(const struct lane *l)
{
    int n = 0;

    for (int i = 0; i < l->path->n_step; i++)
        n += l->keep[i] || i == 0 || l->keep[i - 1];
    return n ? n : 1;
}

struct rank { int step, points; };

static int by_points(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;

    return x->points != y->points ? (x->points < y->points ? 1 : -1)
                                  : (x->step > y->step) - (x->step < y->step);
}

/* Keeps the most important steps that fit into max nodes.  Only the first few
 * candidates are tried: beyond them nothing tells them apart. */
static enum sor_err choose_steps(struct builder *b, struct lane *l, int max)
{
    int n = l->path->n_step, kept = 0;
    struct rank *rank = mem_calloc((size_t)n, sizeof *rank);

    if (!rank)
        return no_memory(b);
    memset(l->keep, n <= max, (size_t)n);
    for (int i = 0; i < n; i++)
        rank[i] = (struct rank){ i, importance(l, i) };
    qsort(rank, (size_t)n, sizeof *rank, by_points);
    for (int i = 0; n > max && i < n && i < 8 * max && kept < max; i++) {
        l->keep[rank[i].step] = 1;
        if (lane_nodes(l) > max)
            l->keep[rank[i].step] = 0;
        else
            kept++;
    }
    mem_free(rank);
    for (int i = 1; i + 1 < n; i++)     /* a fold of one is no shorter */
        if (!l->keep[i] && l->keep[i - 1] && l->keep[i + 1])
            l->keep[i] = 1;
    return SOR_OK;
}

static void release_lane(struct lane *l)
{
    mem_free(l->keep);
    mem_free(l->node);
    *l = (struct lane){ 0 };
}

/* Chooses the steps of every lane; *total becomes the graph's nodes. */
static enum sor_err fill_lanes(struct builder *b, int max_step, int *total)
{
    enum sor_err err = SOR_OK;

    *total = HEADS + b->n_vote;
    for (int i = 0; !err && i < b->n_lane; i++) {
        err = choose_steps(b, &b->lane[i], max_step);
        *total += err ? 0 : lane_nodes(&b->lane[i]);
    }
    return err;
}

static enum sor_err prepare_lanes(struct builder *b)
{
    for (int i = 0; i < b->n_lane; i++) {
        struct lane *l = &b->lane[i];
        size_t n = (size_t)l->path->n_step;

        l->mark = l->path->near >= 0 && l->path->part_pos >= 0
                ? step_at(l->path, l->path->part_pos) : -1;
        l->keep = mem_calloc(n, 1);
        l->node = mem_calloc(n, sizeof *l->node);
        if (!l->keep || !l->node)
            return no_memory(b);
    }
    return SOR_OK;
}

/* What is drawn: lanes first, then ever fewer steps of each, and at last
 * fewer lanes, until all fits under the cap. */
static enum sor_err choose(struct builder *b)
{
    int max_node = b->opts->max_node ? b->opts->max_node : MAX_NODE;
    int max_step = b->opts->max_step, total;
    enum sor_err err = choose_lanes(b);

    b->n_vote = b->rows.n_vote < MAX_VOTE ? b->rows.n_vote : MAX_VOTE;
    if (!max_step && b->n_lane) {
        max_step = STEPS_IN_ALL / b->n_lane;
        max_step = max_step > MAX_STEP ? MAX_STEP : max_step;
    }
    if (max_step < MIN_STEP)
        max_step = MIN_STEP;
    err = err ? err : prepare_lanes(b);
    err = err ? err : fill_lanes(b, max_step, &total);
    while (!err && total > max_node) {
        if (max_step > MIN_STEP)
            max_step--;
        else if (b->n_lane > 1)
            release_lane(&b->lane[--b->n_lane]);
        else
            break;
        err = fill_lanes(b, max_step, &total);
    }
    return err;
}

/* --- nodes ------------------------------------------------------------------ */

static const struct graph_node blank = {
    .lane = -1, .lead = -1, .prob = NAN, .origin = GRAPH_GENERATED
};

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
    const struct lane *l = &b->lane[lane];
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
    n.id = graph_printf(b->g, "path_%d_fold_%d", b->lane[lane].path->ordinal,
                        from);
    n.lane = lane;
    n.text = count ? graph_printf(b->g, "\xE2\x80\xA6 %d more step%s", count,
                                  count == 1 ? "" : "s")
                   : "no steps recorded";
    b->n_folded += count;
    return graph_add_node(b->g, &n);
}

static void put_lane(struct builder *b, int i)
{
    const struct rows_path *p = b->lane[i].path;
    const char *says = p->answer ? p->answer : "no answer";
    struct graph_lane l = { .lead = p->vote };
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
    l.title = graph_printf(b->g, "path %d says %.200s", p->ordinal, says);
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
    struct lane *l = &b->lane[lane];
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
    n.lead = v;
    b->vote_node[v] = graph_add_node(b->g, &n);
}

/* The step of a lane that gives its answer: the last that states it. */
static int answering(const struct lane *l)
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
    for (int i = 0; i < b->n_lane; i++) {
        int v = b->lane[i].path->vote;
        struct graph_edge e = { GRAPH_CONCLUDES, answering(&b->lane[i]), 0, 1,
                                NULL };

        if (v < 0 || v >= b->n_vote)
            continue;
        e.to = b->vote_node[v];
        graph_add_edge(b->g, &e);
    }
}

/* What the votes come to, in words; *n_lead: answers that share the lead. */
static const char *conclusion(struct builder *b, int *n_lead)
{
    const struct rows_vote *v = b->rows.vote;
    int n = b->rows.n_path, lead = 0;

    while (lead < b->rows.n_vote && v[lead].votes == v[0].votes)
        lead++;
    *n_lead = lead;
    if (lead == 0)
        return n == 1 ? "The path states no answer" : "No path states an answer";
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
    int lead, silent = r->n_path;

    for (int v = 0; v < r->n_vote; v++)
        silent -= r->vote[v].votes;
    n.kind = GRAPH_CONCLUSION;
    n.id = "conclusion";
    n.title = conclusion(b, &lead);
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
    for (int i = 0; !lead && i < b->n_lane; i++)
        follow(b, b->lane[i].last, node);
}

/* --- edges between steps ----------------------------------------------------- */

/* The graph node of a step, or -1 where it is not drawn. */
static int node_of(const struct builder *b, int64_t step)
{
    struct rows_at at;

    if (!rows_step(&b->rows, step, &at))
        return -1;
    for (int i = 0; i < b->n_lane; i++)
        if (b->lane[i].path == &b->rows.path[at.path])
            return b->lane[i].node[at.step];
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
    for (int i = 0; i < b->n_lane; i++)
        for (int j = 0; j < b->n_lane; j++) {
            const struct lane *child = &b->lane[i], *parent = &b->lane[j];
            int at = step_at(parent->path, child->path->fork_pos);
            struct graph_edge e = { GRAPH_FORKS, 0, child->first, 1, NULL };

            if (child->path->parent_id != parent->path->id || at < 0 ||
                child->path->fork_pos <= b->run.n_prompt)
                continue;
            e.from = parent->node[at] >= 0 ? parent->node[at] : parent->first;
            graph_add_edge(b->g, &e);
        }
}

/* --- the whole ------------------------------------------------------------- */

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
    for (int i = 0; i < b->n_lane; i++)
        b->n_folded += b->lane[i].path->n_unread;
    left_out(b, b->rows.n_path - b->n_lane, "path");
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

enum sor_err reasoning_build(struct db *d, int64_t run_id,
                             const struct reasoning_opts *opts,
                             struct graph *out, struct sor_msg *msg)
{
    struct builder b = { .opts = opts, .g = out, .msg = msg };
    enum sor_err err = load(&b, d, run_id);

    err = err ? err : choose(&b);
    if (!err) {
        int question = put_question(&b);

        for (int i = 0; i < b.n_lane; i++)
            put_column(&b, i, question);
        put_votes(&b);
        put_conclusion(&b);
        put_links(&b);
        put_forks(&b);
        put_titles(&b);
        if (!graph_ok(out))
            err = no_memory(&b);
    }
    for (int i = 0; i < b.n_lane; i++)
        release_lane(&b.lane[i]);
    mem_free(b.lane);
    rows_release(&b.rows);
    return err;
}
