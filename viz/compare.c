#include "viz/compare.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "viz/rows.h"

enum { AROUND = 1,          /* equal steps drawn beside those that differ */
       LANE = 48 };         /* steps of a lane at most */

struct side {
    struct db_run run;      /* strings belong to the graph */
    struct rows rows;
    struct rows_path *path;
    int *twin;              /* [n_step] the equal step of the other; -1 */
    char *keep;             /* [n_step] */
    int *node;              /* [n_step] -1: folded */
    int first;              /* step that has no twin and none before it; -1 */
};

struct builder {
    struct db *db;
    struct graph *g;
    struct side side[2];
    int n_folded;
    struct sor_msg *msg;
};

static const struct graph_node blank = {
    .lane = -1, .lead = -1, .prob = NAN, .origin = GRAPH_GENERATED
};

/* --- reading -------------------------------------------------------------- */

static enum sor_err load(struct builder *b, int i,
                         const struct compare_side *want)
{
    struct side *s = &b->side[i];
    enum sor_err err;
    size_t n;
    int got = db_get_run(b->db, want->run_id, &s->run);

    if (got != 1)
        return sor_fail(b->msg, got ? SOR_IO : SOR_NOTFOUND,
                        "run %lld cannot be read", (long long)want->run_id);
    s->run.uid = graph_str(b->g, s->run.uid);
    s->run.prompt = graph_str(b->g, s->run.prompt);
    err = rows_load(b->db, want->run_id, b->g, &s->rows, b->msg);
    if (err)
        return err;
    for (int k = 0; k < s->rows.n_path; k++)
        if (s->rows.path[k].ordinal == (want->path < 0 ? 0 : want->path))
            s->path = &s->rows.path[k];
    if (!s->path)
        return sor_fail(b->msg, SOR_NOTFOUND, "run %.8s has no path %d",
                        s->run.uid, want->path < 0 ? 0 : want->path);
    if (s->path->n_step > COMPARE_STEPS)
        return sor_fail(b->msg, SOR_LIMIT, "%.8s:%d has %d steps; at most %d "
                        "are compared", s->run.uid, s->path->ordinal,
                        s->path->n_step, COMPARE_STEPS);
    n = (size_t)s->path->n_step + 1;
    s->twin = mem_calloc(n, sizeof *s->twin);
    s->node = mem_calloc(n, sizeof *s->node);
    s->keep = mem_calloc(n, 1);
    return s->twin && s->node && s->keep ? SOR_OK
         : sor_fail(b->msg, SOR_NOMEM, "graph of two runs: out of memory");
}

/* --- which steps are equal ------------------------------------------------ */

static int is_same(const struct side *a, int i, const struct side *z, int k)
{
    const char *x = a->path->step[i].text, *y = z->path->step[k].text;

    return x && y && strcmp(x, y) == 0;
}

/* The longest list of steps that both have in this order. */
static enum sor_err pair(struct builder *b)
{
    struct side *a = &b->side[0], *z = &b->side[1];
    int n = a->path->n_step, m = z->path->n_step, i = 0, k = 0;
    size_t wide = (size_t)m + 1;
    uint16_t *left = mem_calloc(((size_t)n + 1) * wide, sizeof *left);

    if (!left)
        return sor_fail(b->msg, SOR_NOMEM, "graph of two runs: out of memory");
    for (i = n - 1; i >= 0; i--)
        for (k = m - 1; k >= 0; k--) {
            uint16_t *at = left + (size_t)i * wide + (size_t)k;

            *at = is_same(a, i, z, k) ? (uint16_t)(at[wide + 1] + 1)
                : at[wide] > at[1] ? at[wide] : at[1];
        }
    for (i = 0; i < n; i++)
        a->twin[i] = -1;
    for (k = 0; k < m; k++)
        z->twin[k] = -1;
    for (i = 0, k = 0; i < n && k < m; ) {
        const uint16_t *at = left + (size_t)i * wide + (size_t)k;

        if (is_same(a, i, z, k)) {
            a->twin[i] = k;
            z->twin[k++] = i++;
        } else if (at[wide] >= at[1]) {
            i++;
        } else {
            k++;
        }
    }
    mem_free(left);
    return SOR_OK;
}

/* The ends, what differs, and a step on either side of it. */
static void choose(struct side *s)
{
    int n = s->path->n_step, kept = 0;

    s->first = -1;
    for (int i = 0; i < n; i++) {
        int near = i == 0 || i == n - 1;

        if (s->twin[i] < 0 && s->first < 0)
            s->first = i;
        for (int k = i - AROUND; k <= i + AROUND; k++)
            near |= k >= 0 && k < n && s->twin[k] < 0;
        s->keep[i] = near && kept < LANE;
        kept += s->keep[i];
    }
}

/* --- drawing -------------------------------------------------------------- */

static int put_question(struct builder *b, const char *id,
                        const struct side *s, const char *title)
{
    struct graph_node n = blank;

    n.kind = GRAPH_QUESTION;
    n.id = id;
    n.title = title;
    n.text = s->run.prompt ? s->run.prompt : "(forgotten)";
    return graph_add_node(b->g, &n);
}

static int put_step(struct builder *b, int lane, int i)
{
    struct side *s = &b->side[lane];
    const struct rows_step *row = &s->path->step[i];
    struct graph_node n = blank;

    n.kind = GRAPH_STEP;
    n.id = graph_printf(b->g, "side_%d_step_%d", lane, row->ordinal);
    n.lane = lane;
    n.role = row->role;
    n.title = graph_printf(b->g, "%d", row->ordinal);
    n.text = row->text;
    n.prob = row->prob;
    n.origin = !row->origin || strcmp(row->origin, "generated") == 0
        ? GRAPH_GENERATED
        : strcmp(row->origin, "rule") == 0 ? GRAPH_RULE : GRAPH_SCORED;
    if (i == s->first)
        n.mark = "the first that the other does not have";
    return s->node[i] = graph_add_node(b->g, &n);
}

static int put_fold(struct builder *b, int lane, int from, int count)
{
    struct graph_node n = blank;

    n.kind = GRAPH_FOLD;
    n.id = graph_printf(b->g, "side_%d_fold_%d", lane, from);
    n.lane = lane;
    n.text = graph_printf(b->g, "\xE2\x80\xA6 %d more step%s", count,
                          count == 1 ? "" : "s");
    b->n_folded += count;
    return graph_add_node(b->g, &n);
}

static void put_lane(struct builder *b, int lane, int question)
{
    struct side *s = &b->side[lane];
    struct graph_lane l = { .lead = -1 };
    struct graph_edge e = { GRAPH_FOLLOWS, question, 0, 1, NULL };
    int n = s->path->n_step, i = 0;

    l.id = graph_printf(b->g, "side_%d", lane);
    l.title = graph_printf(b->g, "%.8s:%d says %.200s", s->run.uid,
                           s->path->ordinal, s->path->answer
                           ? s->path->answer : "nothing that could be read");
    l.detail = graph_printf(b->g, "%d steps, %d tokens", n, s->path->n_token);
    graph_add_lane(b->g, &l);
    while (i < n) {
        int from = i;

        if (s->keep[i]) {
            e.to = put_step(b, lane, i++);
        } else {
            while (i < n && !s->keep[i])
                s->node[i++] = -1;
            e.to = put_fold(b, lane, from, i - from);
        }
        graph_add_edge(b->g, &e);
        e.from = e.to;
    }
}

static void put_twins(struct builder *b)
{
    const struct side *a = &b->side[0], *z = &b->side[1];

    for (int i = 0; i < a->path->n_step; i++) {
        int k = a->twin[i];

        if (k >= 0 && a->node[i] >= 0 && z->node[k] >= 0)
            graph_add_edge(b->g, &(struct graph_edge){
                GRAPH_SHARES, a->node[i], z->node[k], 1, "the same words" });
    }
}

static void put_conclusion(struct builder *b)
{
    const struct side *a = &b->side[0], *z = &b->side[1];
    const char *x = a->path->answer, *y = z->path->answer;
    struct graph_node n = blank;
    int same = 0;

    for (int i = 0; i < a->path->n_step; i++)
        same += a->twin[i] >= 0;
    n.kind = GRAPH_CONCLUSION;
    n.id = "conclusion";
    n.title = !x || !y ? "Not both state an answer"
            : strcmp(x, y) == 0 ? "The same answer" : "Different answers";
    n.text = graph_printf(b->g, "%.200s and %.200s", x ? x : "none",
                          y ? y : "none");
    n.detail = graph_printf(b->g, "%d of %d and %d steps are the same", same,
                            a->path->n_step, z->path->n_step);
    int node = graph_add_node(b->g, &n);
    for (int i = 0; i < 2; i++) {
        const struct side *s = &b->side[i];
        int last = s->path->n_step - 1;

        if (last >= 0 && s->node[last] >= 0)
            graph_add_edge(b->g, &(struct graph_edge){
                GRAPH_CONCLUDES, s->node[last], node, 1, NULL });
    }
}

static void draw(struct builder *b)
{
    struct side *a = &b->side[0], *z = &b->side[1];
    int one = a->run.prompt && z->run.prompt &&
              strcmp(a->run.prompt, z->run.prompt) == 0;
    int from = put_question(b, "question", a,
                            one ? "question of both" : "question of the left");
    int to = one ? from : put_question(b, "question_2", z,
                                       "question of the right");

    b->g->id = graph_printf(b->g, "run_%.32s", a->run.uid);
    b->g->title = graph_printf(b->g, "%.8s:%d beside %.8s:%d", a->run.uid,
                               a->path->ordinal, z->run.uid,
                               z->path->ordinal);
    b->g->subtitle = "steps with the same words are tied \xC2\xB7 agreement "
                     "is stability, not truth";
    put_lane(b, 0, from);
    put_lane(b, 1, to);
    put_twins(b);
    put_conclusion(b);
    if (b->n_folded)
        b->g->left_out = graph_printf(b->g, "Not drawn: %d steps that both "
                                      "have", b->n_folded);
}

enum sor_err compare_build(struct db *d, const struct compare_side side[2],
                           struct graph *out, struct sor_msg *msg)
{
    struct builder b = { .db = d, .g = out, .msg = msg };
    enum sor_err err = load(&b, 0, &side[0]);

    err = err ? err : load(&b, 1, &side[1]);
    err = err ? err : pair(&b);
    if (!err) {
        choose(&b.side[0]);
        choose(&b.side[1]);
        draw(&b);
        if (!graph_ok(out))
            err = sor_fail(msg, SOR_NOMEM, "graph of two runs: out of memory");
    }
    for (int i = 0; i < 2; i++) {
        rows_release(&b.side[i].rows);
        mem_free(b.side[i].twin);
        mem_free(b.side[i].node);
        mem_free(b.side[i].keep);
    }
    return err;
}
