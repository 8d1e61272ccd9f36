#include "viz/overview.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Kinds of ties that are added up; claims tie in two ways more. */
static const struct { const char *name; enum graph_edge_kind kind; } ties[] = {
    { "refers_to", GRAPH_REFERS },      { "condition_of", GRAPH_CONDITION },
    { "exception_to", GRAPH_EXCEPTION }, { "overrides", GRAPH_OVERRIDES },
    { "conflicts_with", GRAPH_CONFLICTS },
};
enum { TIES = sizeof ties / sizeof *ties, REFERS = 0 };

/* So many lines are a picture; of more, references and evidence are words. */
enum { LINES = 40, WORDS_BYTES = 120 };

struct part {
    const struct db_clause *first;
    int n_clause, n_norm, n_finding, within, node;
    int tied;                   /* to another, or to a claim */
};

struct builder {
    const struct report *r;
    struct graph *g;
    struct part part[OVERVIEW_PARTS];
    int n_part;
    int *of;                    /* [clauses] its part */
    int *n;                     /* [TIES][n_part][n_part] */
    int busy;                   /* over LINES ties */
    int n_fold;                 /* parts that stand in a fold */
};

static const struct graph_node blank = {
    .lane = -1, .lead = -1, .prob = NAN, .origin = GRAPH_RULE
};

/* --- parts ---------------------------------------------------------------- */

static enum sor_err find_parts(struct builder *b, struct sor_msg *msg)
{
    for (int i = 0; i < report_n(b->r, DB_CLAUSE); i++) {
        const struct db_clause *c = report_row(b->r, DB_CLAUSE, i);

        if (i == 0 || (c->depth == 0 && (c->number || c->heading))) {
            if (b->n_part == OVERVIEW_PARTS)
                return sor_fail(msg, SOR_LIMIT, "the document has over %d "
                                "parts", OVERVIEW_PARTS);
            b->part[b->n_part++].first = c;
        }
        b->of[i] = b->n_part - 1;
        b->part[b->n_part - 1].n_clause++;
    }
    return SOR_OK;
}

/* The part that a clause is in; -1: no clause. */
static int part_of(const struct builder *b, int64_t clause_id)
{
    const struct db_clause *c = report_find(b->r, DB_CLAUSE, clause_id);

    return c ? b->of[c - (const struct db_clause *)
                         report_row(b->r, DB_CLAUSE, 0)] : -1;
}

static int *tie(struct builder *b, int kind, int from, int to)
{
    return &b->n[(kind * b->n_part + from) * b->n_part + to];
}

static void add_up(struct builder *b)
{
    for (int i = 0; i < report_n(b->r, DB_LOGIC); i++) {
        const struct db_logic *l = report_row(b->r, DB_LOGIC, i);
        int from = strcmp(l->src_kind, "clause") ? -1
                                                 : part_of(b, l->src_id);
        int to = strcmp(l->dst_kind, "clause") ? -1 : part_of(b, l->dst_id);

        for (int k = 0; k < TIES && from >= 0 && to >= 0; k++)
            if (strcmp(ties[k].name, l->kind) == 0)
                ++*(from == to ? &b->part[from].within
                               : tie(b, k, from, to));
    }
    for (int i = 0; i < report_n(b->r, DB_NORM); i++) {
        const struct db_norm *m = report_row(b->r, DB_NORM, i);
        int p = part_of(b, m->clause_id);

        if (p >= 0)
            b->part[p].n_norm++;
    }
    for (int i = 0; i < report_n(b->r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(b->r, DB_FINDING, i);
        int p = part_of(b, f->clause_id);

        if (p >= 0)
            b->part[p].n_finding += report_needs_you(b->r, f);
    }
}

/* Does it bear on its claim, and stand in a part? */
static int bears(const struct builder *b, const struct db_evidence *e)
{
    return strcmp(e->relation, "unrelated") != 0 &&
           part_of(b, e->clause_id) >= 0;
}

static void count_ties(struct builder *b)
{
    int n = 0;

    for (int k = 0; k < TIES; k++)
        for (int i = 0; i < b->n_part; i++)
            for (int j = 0; j < b->n_part; j++)
                if (*tie(b, k, i, j)) {
                    b->part[i].tied = b->part[j].tied = 1;
                    n++;
                }
    for (int i = 0; i < report_n(b->r, DB_EVIDENCE); i++) {
        const struct db_evidence *e = report_row(b->r, DB_EVIDENCE, i);

        if (bears(b, e)) {
            b->part[part_of(b, e->clause_id)].tied = 1;
            n++;
        }
    }
    b->busy = n > LINES;
}

/* --- drawing -------------------------------------------------------------- */

static const char *name_of(const struct part *p)
{
    return p->first->number ? p->first->number : p->first->kind;
}

static void put_count(struct str *out, int n, const char *what)
{
    if (n)
        str_printf(out, "%s%d %s%s", out->len ? ", " : "", n, what,
                   n == 1 ? "" : "s");
}

/* Its heading, else the words that it begins with. */
static const char *heading(struct builder *b, const struct db_clause *c)
{
    struct report_text t = report_quote(b->r, c->text_from, c->own_to);

    if (c->heading)
        return graph_str(b->g, c->heading);
    if (t.n <= WORDS_BYTES)
        return graph_strn(b->g, t.p, t.n);
    t.n = WORDS_BYTES - utf8_tail(t.p, WORDS_BYTES);
    return graph_printf(b->g, "%.*s\xE2\x80\xA6", (int)t.n, t.p);
}

/* "2 clauses, 3 norms; refers to 4, 7 (3 times)" */
static const char *detail(struct builder *b, int i)
{
    const struct part *p = &b->part[i];
    struct str said;
    const char *copy;
    int any = 0;

    str_init(&said);
    put_count(&said, p->n_clause, "clause");
    put_count(&said, p->n_norm, "norm");
    put_count(&said, p->within, "tie");
    str_puts(&said, p->within ? " within" : "");
    for (int j = 0; b->busy && j < b->n_part; j++) {
        int n = *tie(b, REFERS, i, j);

        if (!n)
            continue;
        str_printf(&said, "%s%s", any++ ? ", " : "; refers to ",
                   name_of(&b->part[j]));
        if (n > 1)
            str_printf(&said, " (%d times)", n);
    }
    b->g->failed |= !str_ok(&said);
    copy = graph_str(b->g, said.p);
    str_release(&said);
    return copy;
}

static void put_part(struct builder *b, int i)
{
    struct part *p = &b->part[i];
    struct graph_node n = blank;

    n.kind = GRAPH_CLAUSE;
    n.id = graph_printf(b->g, "clause_%d", p->first->ordinal + 1);
    n.title = graph_str(b->g, name_of(p));
    n.text = heading(b, p->first);
    n.detail = detail(b, i);
    if (p->n_finding)
        n.mark = graph_printf(b->g, "%d finding%s", p->n_finding,
                              p->n_finding == 1 ? " needs you"
                                                : "s need you");
    p->node = graph_add_node(b->g, &n);
}

/* How many parts from i on are single clauses that nothing is tied to. */
static int loose(const struct builder *b, int i)
{
    int n = 0;

    for (; i + n < b->n_part; n++) {
        const struct part *p = &b->part[i + n];

        if (p->tied || p->n_finding || p->n_clause > 1)
            break;
    }
    return n;
}

static void put_fold(struct builder *b, int i, int count)
{
    struct graph_node n = blank;
    const char *from = name_of(&b->part[i]);

    n.kind = GRAPH_FOLD;
    n.id = graph_printf(b->g, "fold_%d", b->part[i].first->ordinal + 1);
    n.text = graph_printf(b->g, "%.40s to %.40s: %d single clauses, tied to "
                          "no other", from,
                          name_of(&b->part[i + count - 1]), count);
    b->n_fold += count;
    graph_add_node(b->g, &n);
}

static void put_parts(struct builder *b)
{
    for (int i = 0; i < b->n_part; ) {
        int n = b->busy ? loose(b, i) : 0;

        if (n > 1)
            put_fold(b, i, n);
        else
            put_part(b, i);
        i += n > 1 ? n : 1;
    }
}

/* The most ties of one kind between two parts are drawn widest. */
static void put_ties(struct builder *b)
{
    int most = 1, cells = TIES * b->n_part * b->n_part;

    for (int i = 0; i < cells; i++)
        most = b->n[i] > most ? b->n[i] : most;
    for (int k = b->busy ? REFERS + 1 : 0; k < TIES; k++)
        for (int i = 0; i < b->n_part; i++)
            for (int j = 0; j < b->n_part; j++) {
                int n = *tie(b, k, i, j);

                if (n)
                    graph_add_edge(b->g, &(struct graph_edge){
                        ties[k].kind, b->part[i].node, b->part[j].node,
                        (double)n / most, n == 1 ? NULL
                        : graph_printf(b->g, "%d times", n) });
            }
}

/* The parts whose clauses speak for a claim, or against it, in words. */
static void put_speakers(const struct builder *b, const struct db_claim *c,
                         int against, struct str *out)
{
    char seen[OVERVIEW_PARTS] = { 0 };
    int any = 0;

    for (int k = 0; k < report_n(b->r, DB_EVIDENCE); k++) {
        const struct db_evidence *e = report_row(b->r, DB_EVIDENCE, k);
        int p = part_of(b, e->clause_id);

        if (e->claim_id != c->id || !bears(b, e) || seen[p] ||
            (strcmp(e->relation, "supports") != 0) != against)
            continue;
        seen[p] = 1;
        str_printf(out, "%s%s", any++ ? ", " : against ? " against: "
                                                       : " for: ",
                   name_of(&b->part[p]));
    }
}

static int put_claim(struct builder *b, const struct db_claim *c)
{
    const struct db_verdict *v = report_verdict(b->r, c->id);
    struct graph_node n = blank;
    struct str said;

    n.kind = GRAPH_CLAIM;
    n.id = graph_printf(b->g, "claim_%d", c->ordinal + 1);
    n.title = graph_str(b->g, c->title ? c->title : c->name);
    n.role = v ? graph_str(b->g, v->verdict) : "not decided";
    n.prob = v ? v->confidence : NAN;
    n.origin = GRAPH_SCORED;
    str_init(&said);
    for (int against = 0; b->busy && against < 2; against++)
        put_speakers(b, c, against, &said);
    if (said.len)
        n.detail = graph_str(b->g, said.p + 1);
    str_release(&said);
    return graph_add_node(b->g, &n);
}

/* The strongest evidence of each part, for and against. */
static void put_evidence(struct builder *b, const struct db_claim *c,
                         int node)
{
    char seen[2][OVERVIEW_PARTS] = { { 0 } };

    for (int k = 0; k < report_n(b->r, DB_EVIDENCE); k++) {
        const struct db_evidence *e = report_row(b->r, DB_EVIDENCE, k);
        int against = strcmp(e->relation, "supports") != 0;
        int p = part_of(b, e->clause_id);

        if (e->claim_id != c->id || !bears(b, e) || seen[against][p])
            continue;
        seen[against][p] = 1;
        graph_add_edge(b->g, &(struct graph_edge){
            against ? GRAPH_AGAINST : GRAPH_FOR, b->part[p].node, node,
            e->score, NULL });
    }
}

static void put_claims(struct builder *b)
{
    for (int i = 0; i < report_n(b->r, DB_CLAIM); i++) {
        const struct db_claim *c = report_row(b->r, DB_CLAIM, i);
        int node = put_claim(b, c);

        if (!b->busy)
            put_evidence(b, c, node);
    }
}

static void draw(struct builder *b)
{
    struct graph *g = b->g;
    struct graph_node n = blank;
    int document;

    g->in_rows = 1;
    g->id = graph_printf(g, "run_%.32s", b->r->uid);
    g->title = graph_printf(g, "Parts of %.200s", b->r->doc->name);
    g->subtitle = graph_printf(g, "review %.8s \xC2\xB7 %d clauses in %d "
                               "parts \xC2\xB7 --part NUMBER draws one",
                               b->r->uid, report_n(b->r, DB_CLAUSE),
                               b->n_part);
    g->left_out = graph_printf(g, "Not drawn: %d clauses within their parts, "
                               "%d terms", report_n(b->r, DB_CLAUSE),
                               report_n(b->r, DB_TERM));
    n.kind = GRAPH_QUESTION;
    n.id = "document";
    n.title = "document";
    n.text = graph_str(g, b->r->doc->name);
    document = graph_add_node(g, &n);
    put_parts(b);
    if (g->n_node > document + 1)
        graph_add_edge(g, &(struct graph_edge){
            GRAPH_FOLLOWS, document, document + 1, 0, NULL });
    put_ties(b);
    put_claims(b);
    if (b->n_fold)
        g->left_out = graph_printf(g, "%s, %d parts of one clause that are "
                                   "tied to no other", g->left_out,
                                   b->n_fold);
}

enum sor_err overview_build(const struct report *r, struct graph *out,
                            struct sor_msg *msg)
{
    struct builder b = { .r = r, .g = out };
    size_t n = (size_t)report_n(r, DB_CLAUSE);
    enum sor_err err;

    if (n == 0)
        return sor_fail(msg, SOR_NOTFOUND, "the document has no clauses to "
                        "draw");
    b.of = mem_calloc(n, sizeof *b.of);
    err = b.of ? find_parts(&b, msg)
               : sor_fail(msg, SOR_NOMEM, "graph of parts: out of memory");
    if (!err) {
        size_t parts = (size_t)b.n_part;

        b.n = mem_calloc(TIES * parts * parts, sizeof *b.n);
        if (!b.n)
            err = sor_fail(msg, SOR_NOMEM, "graph of parts: out of memory");
    }
    if (!err) {
        add_up(&b);
        count_ties(&b);
        draw(&b);
        if (!graph_ok(out))
            err = sor_fail(msg, SOR_NOMEM, "graph of parts: out of memory");
    }
    mem_free(b.n);
    mem_free(b.of);
    return err;
}
