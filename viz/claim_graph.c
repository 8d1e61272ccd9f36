#include "viz/claim_graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATHS = 64 };

struct builder {
    const struct report *r;
    const struct db_claim *c;
    const struct db_verdict *v;
    struct graph *g;
    int question, answer[3];    /* nodes; -1: nobody votes so */
    int votes[REPORT_VERDICTS], n_count, n_left;
};

static const int verdict_lead[] = { GRAPH_SUPPORTED, GRAPH_CONTRADICTED,
                                    GRAPH_NOT_ADDRESSED };
static const struct graph_node blank = {
    .lane = -1, .lead = -1, .prob = NAN, .origin = GRAPH_SCORED
};

const struct db_claim *claim_graph_find(const struct report *r,
                                        const char *name)
{
    int n = report_n(r, DB_CLAIM);
    char *end;

    for (int i = 0; i < n; i++) {
        const struct db_claim *c = report_row(r, DB_CLAIM, i);
        const struct db_verdict *v = report_verdict(r, c->id);

        if (name ? strcmp(c->name, name) == 0
                 : v && strcmp(v->verdict, "needs_review") == 0)
            return c;
    }
    if (!name)
        return report_row(r, DB_CLAIM, 0);
    long k = strtol(name, &end, 10);
    return *name && !*end && k >= 0 && k < n ? report_row(r, DB_CLAIM, (int)k)
                                             : NULL;
}

static int verdict_of(const char *word)
{
    for (int k = 0; k < 3; k++)
        if (strcmp(report_verdicts[k], word) == 0)
            return k;
    return -1;
}

/* --- votes ---------------------------------------------------------------- */

static void put_votes(struct builder *b)
{
    for (int k = 0; k < 3; k++) {
        struct graph_node n = blank;

        b->answer[k] = -1;
        if (!b->votes[k])
            continue;
        n.kind = GRAPH_VOTE;
        n.id = graph_printf(b->g, "answer_%d", k);
        n.title = report_word(report_verdicts[k]);
        n.share = (double)b->votes[k] / b->n_count;
        n.lead = verdict_lead[k];
        n.detail = graph_printf(b->g, "%d of %d paths that count",
                                b->votes[k], b->n_count);
        b->answer[k] = graph_add_node(b->g, &n);
    }
}

/* --- paths ---------------------------------------------------------------- */

/* The other side of the first difference, where this path is one. */
static const char *parting(struct builder *b, const struct db_claim_path *p)
{
    int64_t a = b->v->path_a, z = b->v->path_b;
    int64_t other = p->path_id == a ? z : p->path_id == z ? a : 0;

    for (int i = 0; other && i < report_n(b->r, DB_CLAIM_PATH); i++) {
        const struct db_claim_path *o = report_row(b->r, DB_CLAIM_PATH, i);

        if (o->path_id == other)
            return graph_printf(b->g, "parts from path %d: %s \xE2\x89\xA0 %s",
                                i, report_word(p->verdict),
                                report_word(o->verdict));
    }
    return NULL;
}

static void put_lane(struct builder *b, const struct db_claim_path *p, int i)
{
    int k = verdict_of(p->verdict);
    struct graph_lane l = { .lead = k >= 0 && p->counts ? verdict_lead[k]
                                                        : -1 };

    l.id = graph_printf(b->g, "path_%d", i);
    l.title = graph_printf(b->g, "path %d, %s", i, report_word(p->variant));
    l.detail = graph_printf(b->g, "%s%s", report_word(p->verdict),
                            p->counts ? "" : " \xC2\xB7 does not count");
    if (k >= 0 && !isnan(p->p[k]))
        l.detail = graph_printf(b->g, "%s \xC2\xB7 p %.2f", l.detail, p->p[k]);
    graph_add_lane(b->g, &l);
}

static int put_step(struct builder *b, const struct report_step *s, int path,
                    int lane)
{
    struct graph_node n = blank;

    n.kind = GRAPH_STEP;
    n.id = graph_printf(b->g, "path_%d_step_%d", path, s->ordinal);
    n.lane = lane;
    n.origin = strcmp(s->origin, "rule") == 0 ? GRAPH_RULE
             : strcmp(s->origin, "scored") == 0 ? GRAPH_SCORED
                                                : GRAPH_GENERATED;
    n.role = graph_str(b->g, s->role);
    n.title = graph_printf(b->g, "%d", s->ordinal);
    n.text = s->text ? graph_str(b->g, s->text) : "(forgotten)";
    return graph_add_node(b->g, &n);
}

static void put_path(struct builder *b, const struct db_claim_path *p, int i,
                     int lane)
{
    struct graph_edge e = { GRAPH_FOLLOWS, b->question, 0, 1, NULL };
    int k = verdict_of(p->verdict);
    const struct report_step *s;

    put_lane(b, p, i);
    for (int n = 0; (s = report_step(b->r, p->path_id, n)); n++) {
        e.to = put_step(b, s, i, lane);
        graph_add_edge(b->g, &e);
        e.from = e.to;
    }
    if (e.from != b->question && e.from >= 0)
        b->g->node[e.from].mark = parting(b, p);
    if (k >= 0 && p->counts) {
        e.kind = GRAPH_CONCLUDES;
        e.to = b->answer[k];
        graph_add_edge(b->g, &e);
    }
}

/* Those of one verdict stand together, and those that do not count last. */
static int place_of(const struct db_claim_path *p)
{
    int k = verdict_of(p->verdict);

    return p->counts && k >= 0 ? k : 3;
}

static void put_paths(struct builder *b)
{
    int lane = 0;

    for (int place = 0; place <= 3; place++)
        for (int i = 0; i < report_n(b->r, DB_CLAIM_PATH); i++) {
            const struct db_claim_path *p = report_row(b->r, DB_CLAIM_PATH,
                                                       i);

            if (p->claim_id != b->c->id || place_of(p) != place)
                continue;
            if (lane < PATHS)
                put_path(b, p, i, lane++);
            else
                b->n_left++;
        }
}

/* --- the ends ------------------------------------------------------------- */

static void put_question(struct builder *b)
{
    struct graph_node n = blank;

    n.kind = GRAPH_QUESTION;
    n.id = "claim";
    n.title = "claim";
    n.text = graph_str(b->g, b->c->text);
    b->question = graph_add_node(b->g, &n);
}

static void put_conclusion(struct builder *b)
{
    struct graph_node n = blank;
    struct str said;

    str_init(&said);
    report_put_verdict(b->v, &said);
    str_puts(&said, "; ");
    report_put_error_rate(b->c, &said);
    n.kind = GRAPH_CONCLUSION;
    n.id = "conclusion";
    n.title = graph_str(b->g, report_word(b->v->verdict));
    n.text = graph_str(b->g, said.p);
    n.detail = report_contrast_word(report_contrast(b->r, b->c->id));
    str_release(&said);
    int node = graph_add_node(b->g, &n);
    for (int k = 0; k < 3; k++)
        if (b->answer[k] >= 0)
            graph_add_edge(b->g, &(struct graph_edge){
                GRAPH_CONCLUDES, b->answer[k], node, 1, NULL });
}

enum sor_err claim_graph_build(const struct report *r,
                               const struct db_claim *c, struct graph *out,
                               struct sor_msg *msg)
{
    struct builder b = { .r = r, .c = c, .g = out,
                         .v = report_verdict(r, c->id) };

    if (!b.v)
        return sor_fail(msg, SOR_NOTFOUND, "no verdict was reached on claim "
                        "%.80s", c->name);
    out->id = graph_printf(out, "run_%.32s", r->uid);
    out->title = graph_printf(out, "%.200s", c->title ? c->title : c->name);
    out->subtitle = graph_printf(out, "review %.8s of %.100s \xC2\xB7 paths "
                                 "differ in what the model reads \xC2\xB7 "
                                 "preliminary", r->uid, r->doc->name);
    out->by_verdict = 1;
    b.n_count = report_votes(r, c->id, b.votes);
    put_question(&b);
    put_votes(&b);
    put_paths(&b);
    put_conclusion(&b);
    if (b.n_left)
        out->left_out = graph_printf(out, "Not drawn: %d paths", b.n_left);
    return graph_ok(out) ? SOR_OK : sor_fail(msg, SOR_NOMEM, "graph of a "
                                             "claim: out of memory");
}
