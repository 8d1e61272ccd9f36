#include "viz/prune.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    MAX_NODE = 400, MAX_LANE = 12,
    MIN_STEP = 4, MAX_STEP = 40,        /* nodes of a lane */
    STEPS_IN_ALL = 64,                  /* shared out among the lanes */
    TRIES = 8                           /* candidates for each place */
};

static enum sor_err no_memory(struct sor_msg *msg)
{
    return sor_fail(msg, SOR_NOMEM, "graph: out of memory");
}

/* --- paths --------------------------------------------------------------- */

/* By verdict, the leading one first and none last; then by number. */
static int by_vote(const void *a, const void *b)
{
    const struct rows_path *x = ((const struct prune_lane *)a)->path;
    const struct rows_path *y = ((const struct prune_lane *)b)->path;
    unsigned u = (unsigned)x->vote, v = (unsigned)y->vote;  /* -1 is largest */

    if (u != v)
        return u < v ? -1 : 1;
    return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* Takes paths in turn from each answer until there are max of them, so that
 * no answer goes unseen before another has shown two paths. */
static enum sor_err choose_lanes(const struct rows *r, int max,
                                 struct prune *out, struct sor_msg *msg)
{
    int *turn = mem_calloc((size_t)r->n_path, sizeof *turn);

    if (max > r->n_path)
        max = r->n_path;
    out->lane = mem_calloc((size_t)max, sizeof *out->lane);
    if (!turn || !out->lane) {
        mem_free(turn);
        return no_memory(msg);
    }
    for (int i = 0; i < r->n_path; i++)     /* its place within its answer */
        for (int j = 0; j < i; j++)
            turn[i] += r->path[j].vote == r->path[i].vote;
    for (int t = 0; out->n_lane < max; t++)
        for (int i = 0; i < r->n_path && out->n_lane < max; i++)
            if (turn[i] == t)
                out->lane[out->n_lane++].path = &r->path[i];
    mem_free(turn);
    qsort(out->lane, (size_t)out->n_lane, sizeof *out->lane, by_vote);
    return SOR_OK;
}

/* --- steps --------------------------------------------------------------- */

int prune_step_at(const struct rows_path *p, int pos)
{
    int at = -1;

    for (int i = 0; i < p->n_step && p->step[i].tok_from <= pos; i++)
        at = i;
    return at < 0 && p->n_step ? 0 : at;
}

/* How much a step tells. */
static int importance(const struct prune_lane *l, int i)
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

/* Nodes that a lane takes: its kept steps and a fold for each run of others. */
static int lane_nodes(const struct prune_lane *l)
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
static enum sor_err choose_steps(struct prune_lane *l, int max,
                                 struct sor_msg *msg)
{
    int n = l->path->n_step;
    struct rank *rank = mem_calloc((size_t)n, sizeof *rank);

    if (!rank)
        return no_memory(msg);
    memset(l->keep, n <= max, (size_t)n);
    for (int i = 0; i < n; i++)
        rank[i] = (struct rank){ i, importance(l, i) };
    qsort(rank, (size_t)n, sizeof *rank, by_points);
    for (int i = 0; n > max && i < n && i < TRIES * max; i++) {
        l->keep[rank[i].step] = 1;
        if (lane_nodes(l) > max)
            l->keep[rank[i].step] = 0;
    }
    mem_free(rank);
    for (int i = 1; i + 1 < n; i++)     /* a fold of one is no shorter */
        if (l->keep[i - 1] && l->keep[i + 1])
            l->keep[i] = 1;
    return SOR_OK;
}

/* --- both ---------------------------------------------------------------- */

static void release_lane(struct prune_lane *l)
{
    mem_free(l->keep);
    mem_free(l->node);
    *l = (struct prune_lane){ 0 };
}

static enum sor_err prepare_lanes(struct prune *p, struct sor_msg *msg)
{
    for (int i = 0; i < p->n_lane; i++) {
        struct prune_lane *l = &p->lane[i];
        size_t n = (size_t)l->path->n_step;

        l->mark = l->path->near >= 0 && l->path->part_pos >= 0
                ? prune_step_at(l->path, l->path->part_pos) : -1;
        l->keep = mem_calloc(n, 1);
        l->node = mem_calloc(n, sizeof *l->node);
        if (!l->keep || !l->node)
            return no_memory(msg);
    }
    return SOR_OK;
}

/* Chooses the steps of every lane; *total is then the number of nodes. */
static enum sor_err fill_lanes(struct prune *p, int max_step, int *total,
                               struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    *total = 0;
    for (int i = 0; !err && i < p->n_lane; i++) {
        err = choose_steps(&p->lane[i], max_step, msg);
        *total += err ? 0 : lane_nodes(&p->lane[i]);
    }
    return err;
}

/* Lanes first, then ever fewer steps of each, and at last fewer lanes, until
 * all fits under the cap. */
enum sor_err prune(const struct rows *r, const struct prune_limits *limits,
                   struct prune *out, struct sor_msg *msg)
{
    int max_lane = limits->max_lane ? limits->max_lane : MAX_LANE;
    int room = (limits->max_node ? limits->max_node : MAX_NODE) -
               limits->others;
    int max_step = limits->max_step, total = 0;
    enum sor_err err;

    *out = (struct prune){ 0 };
    err = choose_lanes(r, max_lane, out, msg);
    if (!max_step && out->n_lane) {
        max_step = STEPS_IN_ALL / out->n_lane;
        max_step = max_step > MAX_STEP ? MAX_STEP : max_step;
    }
    if (max_step < MIN_STEP)
        max_step = MIN_STEP;
    err = err ? err : prepare_lanes(out, msg);
    err = err ? err : fill_lanes(out, max_step, &total, msg);
    while (!err && total > room) {
        if (max_step > MIN_STEP)
            max_step--;
        else if (out->n_lane > 1)
            release_lane(&out->lane[--out->n_lane]);
        else
            break;
        err = fill_lanes(out, max_step, &total, msg);
    }
    return err;
}

void prune_release(struct prune *p)
{
    for (int i = 0; i < p->n_lane; i++)
        release_lane(&p->lane[i]);
    mem_free(p->lane);
    *p = (struct prune){ 0 };
}
