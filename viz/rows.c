#include "viz/rows.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What every reader below needs. */
struct reader {
    struct db *db;
    int64_t run_id;
    struct graph *text;
    struct rows *r;
    struct sor_msg *msg;
};

/* The end of a loop over a cursor: `got` is what its last _next returned. */
static enum sor_err finish(struct reader *in, struct db_cur *c, int got,
                           const char *what)
{
    enum sor_err err = db_cur_close(c);

    if (err || got < 0 || !c)
        return sor_fail(in->msg, err ? err : SOR_IO,
                        "cannot read the %s of the run", what);
    return graph_ok(in->text) ? SOR_OK
                              : sor_fail(in->msg, SOR_NOMEM, "run: out of "
                                         "memory for its %s", what);
}

/* Room for one more item; *cap grows by doubling.  NULL: none. */
static void *grow(struct reader *in, void *items, int n, int *cap, size_t size)
{
    if (n < *cap)
        return items;
    int want = *cap ? 2 * *cap : 16;
    void *p = mem_realloc(items, (size_t)want, size);
    if (p)
        *cap = want;
    else
        in->text->failed = 1;
    return p;
}

static double mean_prob(double logprob)
{
    return isnan(logprob) ? NAN : exp(logprob);
}

static enum sor_err read_paths(struct reader *in)
{
    struct rows *r = in->r;
    struct db_path row;
    int cap = 0, got = 0;
    struct db_cur *c = db_paths(in->db, in->run_id);

    while (c && (got = db_path_next(c, &row)) == 1) {
        struct rows_path *p = grow(in, r->path, r->n_path, &cap, sizeof *p);

        if (!p)
            break;
        r->path = p;
        if (r->n_path == ROWS_PATHS) {
            db_cur_close(c);
            return sor_fail(in->msg, SOR_LIMIT, "the run has over %d paths",
                            ROWS_PATHS);
        }
        p[r->n_path++] = (struct rows_path){
            .id = row.id, .parent_id = row.parent_id, .ordinal = row.ordinal,
            .fork_pos = row.fork_pos, .n_token = row.n_token,
            .stop = graph_str(in->text, row.stop),
            .answer = graph_str(in->text, row.answer_norm),
            .prob = mean_prob(row.logprob_mean),
            .vote = -1, .near = -1, .part_pos = -1, .n_unread = row.n_step,
        };
    }
    return finish(in, c, got, "paths");
}

static enum sor_err read_steps(struct reader *in, struct rows_path *p)
{
    struct db_step row;
    int cap = 0, got = 0;
    struct db_window first = { .limit = ROWS_STEPS };
    struct db_cur *c = db_steps(in->db, p->id, first);

    while (c && (got = db_step_next(c, &row)) == 1) {
        struct rows_step *s = grow(in, p->step, p->n_step, &cap, sizeof *s);
        if (!s)
            break;
        p->step = s;
        s[p->n_step++] = (struct rows_step){
            .id = row.id, .ordinal = row.ordinal,
            .tok_from = row.tok_from, .tok_to = row.tok_to,
            .role = graph_str(in->text, row.role),
            .origin = graph_str(in->text, row.origin),
            .text = graph_str(in->text, row.text),
            .answer = graph_str(in->text, row.answer),
            .prob = mean_prob(row.logprob_mean),
        };
        p->n_unread--;
    }
    return finish(in, c, got, "steps");
}

static int by_id(const void *a, const void *b)
{
    int64_t x = ((const struct rows_at *)a)->id;
    int64_t y = ((const struct rows_at *)b)->id;

    return (x > y) - (x < y);
}

static enum sor_err make_index(struct reader *in)
{
    struct rows *r = in->r;
    size_t n = 0;

    for (int i = 0; i < r->n_path; i++)
        n += (size_t)r->path[i].n_step;
    r->index = mem_calloc(n, sizeof *r->index);
    if (!r->index)
        return sor_fail(in->msg, SOR_NOMEM, "run of %zu steps: out of memory",
                        n);
    for (int i = 0; i < r->n_path; i++)
        for (int j = 0; j < r->path[i].n_step; j++)
            r->index[r->n_index++] = (struct rows_at){ r->path[i].step[j].id,
                                                       i, j };
    qsort(r->index, n, sizeof *r->index, by_id);
    return SOR_OK;
}

struct rows_step *rows_step(const struct rows *r, int64_t id,
                            struct rows_at *at)
{
    struct rows_at key = { .id = id };
    const struct rows_at *p = r->n_index
        ? bsearch(&key, r->index, (size_t)r->n_index, sizeof key, by_id) : NULL;

    if (!p)
        return NULL;
    if (at)
        *at = *p;
    return &r->path[p->path].step[p->step];
}

static enum sor_err read_votes(struct reader *in)
{
    struct rows *r = in->r;
    struct db_vote row;
    int got = 0;
    struct db_cur *c = db_votes(in->db, in->run_id);

    while (c && (got = db_vote_next(c, &row)) == 1) {
        if (r->n_vote == ROWS_VOTES) {
            r->vote[ROWS_VOTES - 1].votes += row.votes;
            r->vote[ROWS_VOTES - 1].answer = "(other answers)";
            continue;
        }
        r->vote[r->n_vote++] = (struct rows_vote){
            graph_str(in->text, row.answer), row.votes };
    }
    enum sor_err err = finish(in, c, got, "votes");
    for (int i = 0; !err && i < r->n_path; i++) {
        const char *said = r->path[i].answer;

        for (int v = 0; said && v < r->n_vote; v++)
            if (r->vote[v].answer && !strcmp(said, r->vote[v].answer))
                r->path[i].vote = v;
    }
    return err;
}

static struct rows_path *path_of(struct rows *r, int ordinal)
{
    for (int i = 0; i < r->n_path; i++)
        if (r->path[i].ordinal == ordinal)
            return &r->path[i];
    return NULL;
}

/* Keeps for p whichever neighbour it shares the longest beginning with. */
static void part(struct reader *in, struct rows_path *p, int other, int pos,
                 const char *own_text, const char *other_text)
{
    int held = p->near < 0 ? -1 : p->part_pos < 0 ? INT_MAX : p->part_pos;
    int shared = pos < 0 ? INT_MAX : pos;

    if (shared <= held)
        return;
    p->near = other;
    p->part_pos = pos;
    p->part_own = graph_str(in->text, own_text);
    p->part_other = graph_str(in->text, other_text);
}

static enum sor_err read_divergences(struct reader *in)
{
    struct db_divergence row;
    int got = 0;
    struct db_cur *c = db_divergences(in->db, in->run_id);

    while (c && (got = db_divergence_next(c, &row)) == 1) {
        struct rows_path *a = path_of(in->r, row.path_a);
        struct rows_path *b = path_of(in->r, row.path_b);

        if (!a || !b)
            continue;
        part(in, a, row.path_b, row.pos, row.text_a, row.text_b);
        part(in, b, row.path_a, row.pos, row.text_b, row.text_a);
    }
    return finish(in, c, got, "divergences");
}

/* Attention: the later of the two steps looked at the earlier one.  Nearly all
 * look at the step just before; the chain shows that already. */
static void keep_look(struct rows *r, const struct db_edge *row)
{
    struct rows_at a, b;

    if (!rows_step(r, row->src_id, &a) || !rows_step(r, row->dst_id, &b) ||
        a.path != b.path || abs(a.step - b.step) <= 1) {
        r->n_hidden++;
        return;
    }
    struct rows_at late = a.step > b.step ? a : b;
    struct rows_at early = a.step > b.step ? b : a;
    struct rows_look *look = r->path[late.path].step[late.step].look;
    struct rows_look in = { early.id, row->weight };

    for (int i = 0; i < ROWS_LOOKS; i++)
        if (!look[i].step || in.weight > look[i].weight) {
            struct rows_look out = look[i];

            look[i] = in;
            in = out;
        }
    r->n_hidden += in.step != 0;
}

static void keep_link(struct reader *in, const struct db_edge *row,
                      enum graph_edge_kind kind, int *cap)
{
    struct rows *r = in->r;
    struct rows_step *src = rows_step(r, row->src_id, NULL);
    struct rows_step *dst = rows_step(r, row->dst_id, NULL);
    struct rows_link *l = NULL;

    if (src && dst && r->n_link < ROWS_LINKS)
        l = grow(in, r->link, r->n_link, cap, sizeof *l);
    if (!l) {
        r->n_hidden++;
        return;
    }
    r->link = l;
    l[r->n_link++] = (struct rows_link){ kind, row->src_id, row->dst_id,
                                         row->weight,
                                         graph_str(in->text, row->note) };
    src->n_link++;
    dst->n_link++;
}

/* follows and concludes say again what the order of the steps and the votes
 * say; links to the question come from nearly every step and tell little. */
static enum sor_err read_edges(struct reader *in)
{
    static const struct { const char *name; enum graph_edge_kind kind; }
        links[] = { { "refers_to", GRAPH_REFERS }, { "shares", GRAPH_SHARES },
                    { "supports", GRAPH_SUPPORTS },
                    { "contradicts", GRAPH_CONTRADICTS } };
    struct db_edge row;
    int cap = 0, got = 0;
    struct db_cur *c = db_edges(in->db, in->run_id);

    while (c && (got = db_edge_next(c, &row)) == 1) {
        enum graph_edge_kind kind = GRAPH_EDGE_KINDS;

        if (!strcmp(row.kind, "follows") || !strcmp(row.kind, "concludes"))
            continue;
        for (size_t i = 0; i < sizeof links / sizeof *links; i++)
            if (strcmp(row.kind, links[i].name) == 0)
                kind = links[i].kind;
        if (strcmp(row.src_kind, "step") || strcmp(row.dst_kind, "step"))
            in->r->n_hidden++;
        else if (!strcmp(row.kind, "attends"))
            keep_look(in->r, &row);
        else if (kind != GRAPH_EDGE_KINDS)
            keep_link(in, &row, kind, &cap);
        else
            in->r->n_hidden++;
    }
    return finish(in, c, got, "edges");
}

enum sor_err rows_load(struct db *d, int64_t run_id, struct graph *text,
                       struct rows *out, struct sor_msg *msg)
{
    struct rows r = { 0 };
    struct reader in = { d, run_id, text, &r, msg };
    enum sor_err err = read_paths(&in);

    for (int i = 0; !err && i < r.n_path; i++)
        err = read_steps(&in, &r.path[i]);
    err = err ? err : make_index(&in);
    err = err ? err : read_votes(&in);
    err = err ? err : read_divergences(&in);
    err = err ? err : read_edges(&in);
    if (err)
        rows_release(&r);
    else
        *out = r;
    return err;
}

void rows_release(struct rows *r)
{
    for (int i = 0; i < r->n_path; i++)
        mem_free(r->path[i].step);
    mem_free(r->path);
    mem_free(r->link);
    mem_free(r->index);
    *r = (struct rows){ 0 };
}
