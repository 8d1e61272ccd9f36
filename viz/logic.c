#include "viz/logic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "db/review.h"

enum { MAX_NODE = 120, MAX_LANE = 12, MAX_STEP = 12, MAX_TERM = 24,
       MANY_TERM = 200, MAX_CLAIM = 24, CARD_BYTES = 600, QUOTE_BYTES = 200, NAME_BYTES = 200 };

/* What is known of a clause on its way into the graph. */
struct clause {
    int lane, score, keep, node;
    const char *role;           /* of its first norm, or NULL */
    const char *within;         /* its own conditions and exceptions, or NULL */
};

struct part { int first, n, score, keep, last; };   /* clauses; a lane if kept */

struct logic {
    struct db *db;
    struct graph *g;
    struct sor_msg *msg;
    enum logic_part of;
    struct db_review_set set[DB_REVIEW_TABLES];
    const struct db_document *doc;
    struct clause *clause;      /* [clauses] */
    struct part *part;          /* [n_part] */
    int n_part;
    int *term_node;             /* [terms] */
    int document;               /* its node */
    int n_clause, n_edge, n_use;    /* not drawn */
};

static const struct graph_node blank = {
    .lane = -1, .lead = -1, .prob = NAN, .origin = GRAPH_RULE
};

#define IN(part) (1u << (part))
#define TIES (IN(LOGIC_ALL) | IN(LOGIC_REFERENCES))

/* Kinds of logic.kind, and how they are drawn.  `own`: what one that stays
 * within its clause is called there; `in`: the parts that draw it. */
static const struct {
    const char *name, *own;
    enum graph_edge_kind kind;
    unsigned in;
} kinds[] = {
    { "defines", NULL, GRAPH_DEFINES, IN(LOGIC_ALL) | IN(LOGIC_TERMS) },
    { "uses", NULL, GRAPH_USES, IN(LOGIC_TERMS) },
    { "refers_to", NULL, GRAPH_REFERS, TIES },
    { "condition_of", "condition", GRAPH_CONDITION, TIES },
    { "exception_to", "exception", GRAPH_EXCEPTION, TIES },
    { "overrides", NULL, GRAPH_OVERRIDES, TIES },
    { "conflicts_with", NULL, GRAPH_CONFLICTS, TIES },
};
enum { N_KIND = sizeof kinds / sizeof *kinds };

static int kind_of(const struct logic *x, const char *name)
{
    for (int i = 0; i < N_KIND; i++)
        if (kinds[i].in & IN(x->of) && !strcmp(kinds[i].name, name))
            return i;
    return -1;
}

/* ---- reading -------------------------------------------------------------- */

#define ROWS(x, table, type) ((const struct type *)(x)->set[table].row)

/* Every row's struct begins with its id, and they stand in its order. */
static int by_id(const void *key, const void *row)
{
    int64_t a = *(const int64_t *)key, b = *(const int64_t *)row;

    return (a > b) - (a < b);
}

static int row_of(const struct logic *x, enum db_review_table t, int64_t id)
{
    const struct db_review_set *s = &x->set[t];
    size_t size = db_review_row_bytes(t);
    const char *at = s->n ? bsearch(&id, s->row, (size_t)s->n, size, by_id)
                          : NULL;

    return at ? (int)((size_t)(at - (const char *)s->row) / size) : -1;
}

/* The document's words in [from, to), at most `most` bytes; NULL: none. */
static const char *words(struct logic *x, int from, int to, size_t most)
{
    const char *text = x->doc->text;
    size_t n = text ? strlen(text) : 0, a, b;

    if (!text || from < 0 || to <= from)
        return NULL;
    a = utf8_offset(text, n, (size_t)from);
    b = utf8_offset(text + a, n - a, (size_t)(to - from));
    if (b > most)
        b = most - utf8_tail(text + a, most);
    return graph_strn(x->g, text + a, b);
}

static enum sor_err load(struct logic *x, int64_t run_id)
{
    static const enum db_review_table wanted[] = {
        DB_DOCUMENT, DB_CLAUSE, DB_TERM, DB_NORM, DB_LOGIC, DB_CLAIM,
        DB_VERDICT, DB_EVIDENCE };
    size_t n_clause, n_term;

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        enum sor_err err = db_review_load(x->db, wanted[i], run_id,
                                          &x->set[wanted[i]], x->msg);
        if (err)
            return err;
    }
    if (!x->set[DB_DOCUMENT].n)
        return sor_fail(x->msg, SOR_NOTFOUND, "this review was cut off before "
                        "its document was stored: there is nothing to draw");
    x->doc = x->set[DB_DOCUMENT].row;
    n_clause = (size_t)x->set[DB_CLAUSE].n;
    n_term = (size_t)x->set[DB_TERM].n;
    x->clause = mem_calloc(n_clause + 1, sizeof *x->clause);
    x->part = mem_calloc(n_clause + 1, sizeof *x->part);
    x->term_node = mem_calloc(n_term + 1, sizeof *x->term_node);
    return x->clause && x->part && x->term_node ? SOR_OK
         : sor_fail(x->msg, SOR_NOMEM, "graph of a review: out of memory");
}

/* ---- what is worth drawing ------------------------------------------------ */

/* A part begins with every clause of the first level that has a number or a
 * heading; what stands before the first is one of its own. */
static void find_parts(struct logic *x)
{
    const struct db_clause *c = ROWS(x, DB_CLAUSE, db_clause);

    for (int i = 0; i < x->set[DB_CLAUSE].n; i++) {
        if (i == 0 || (c[i].depth == 0 && (c[i].number || c[i].heading)))
            x->part[x->n_part++].first = i;
        x->part[x->n_part - 1].n++;
        x->clause[i] = (struct clause){ x->n_part - 1, 0, 0, -1, NULL, NULL };
    }
}

static void count_end(struct logic *x, const char *kind, int64_t id, int by)
{
    int i = strcmp(kind, "clause") ? -1 : row_of(x, DB_CLAUSE, id);

    if (i >= 0)
        x->clause[i].score += by;
}

static int within(const struct db_logic *e)
{
    return e->src_id == e->dst_id && !strcmp(e->src_kind, "clause") &&
           !strcmp(e->dst_kind, "clause");
}

/* A condition or exception inside a clause is a note on its card. */
static void note_within(struct logic *x, const struct db_logic *e)
{
    int i = row_of(x, DB_CLAUSE, e->src_id), k = kind_of(x, e->kind);
    const char *said = words(x, e->char_from, e->char_to, QUOTE_BYTES);
    struct clause *c = i < 0 ? NULL : &x->clause[i];

    if (!c || k < 0)
        return;
    c->within = graph_printf(x->g, "%s%s%s: %s", c->within ? c->within : "",
                             c->within ? " \xC2\xB7 " : "",
                             kinds[k].own ? kinds[k].own : kinds[k].name,
                             said ? said : "(forgotten)");
}

static void weigh(struct logic *x)
{
    const struct db_logic *e = ROWS(x, DB_LOGIC, db_logic);
    const struct db_evidence *v = ROWS(x, DB_EVIDENCE, db_evidence);
    const struct db_norm *n = ROWS(x, DB_NORM, db_norm);

    for (int i = 0; i < x->set[DB_LOGIC].n; i++) {
        if (kind_of(x, e[i].kind) < 0)
            continue;
        count_end(x, e[i].src_kind, e[i].src_id, 1);
        count_end(x, e[i].dst_kind, e[i].dst_id, 1);
        if (within(&e[i]))
            note_within(x, &e[i]);
    }
    for (int i = 0; x->of == LOGIC_ALL && i < x->set[DB_EVIDENCE].n; i++)
        if (strcmp(v[i].relation, "unrelated"))
            count_end(x, "clause", v[i].clause_id, 2);
    for (int i = x->set[DB_NORM].n - 1; i >= 0; i--) {
        int at = row_of(x, DB_CLAUSE, n[i].clause_id);
        if (at >= 0)
            x->clause[at].role = n[i].kind;
    }
}

/* Marks the best `most` of the clauses [first, first + n). */
static int keep_best(struct logic *x, int first, int n, int most)
{
    int kept = 0;

    for (; kept < most; kept++) {
        int best = -1;
        for (int i = first; i < first + n; i++)
            if (!x->clause[i].keep && x->clause[i].score > 0 &&
                (best < 0 || x->clause[i].score > x->clause[best].score))
                best = i;
        if (best < 0)
            break;
        x->clause[best].keep = 1;
    }
    return kept;
}

/* Parts with the most edges first; each takes its best clauses while there is
 * room. */
static void choose(struct logic *x, const struct logic_opts *o)
{
    int lanes = o->max_lane ? o->max_lane : MAX_LANE;
    int room = o->max_node ? o->max_node : MAX_NODE;
    int most = o->max_step ? o->max_step : MAX_STEP;

    for (int i = 0; i < x->set[DB_CLAUSE].n; i++)
        x->part[x->clause[i].lane].score += x->clause[i].score;
    for (; lanes > 0 && room > 0; lanes--) {
        struct part *best = NULL;
        for (int i = 0; i < x->n_part; i++)
            if (!x->part[i].keep && x->part[i].score > 0 &&
                (!best || x->part[i].score > best->score))
                best = &x->part[i];
        if (!best)
            break;
        best->keep = 1;
        room -= keep_best(x, best->first, best->n, most < room ? most : room);
    }
}

/* Row of the clause that is the other end of an edge from or to part p; -1:
 * none. */
static int beyond(const struct logic *x, const struct db_logic *e, int p)
{
    int a = strcmp(e->src_kind, "clause") ? -1
                                          : row_of(x, DB_CLAUSE, e->src_id);
    int b = strcmp(e->dst_kind, "clause") ? -1
                                          : row_of(x, DB_CLAUSE, e->dst_id);

    if (a < 0 || b < 0 || (x->clause[a].lane == p) == (x->clause[b].lane == p))
        return -1;
    return x->clause[a].lane == p ? b : a;
}

/* The part with this number, all of it, and the clauses it is tied to. */
static enum sor_err choose_one(struct logic *x, const char *number)
{
    const struct db_clause *c = ROWS(x, DB_CLAUSE, db_clause);
    const struct db_logic *e = ROWS(x, DB_LOGIC, db_logic);
    int p = 0;

    while (p < x->n_part && (!c[x->part[p].first].number ||
           strncmp(c[x->part[p].first].number, number, strlen(number)) ||
           strspn(c[x->part[p].first].number + strlen(number), ".) ") !=
               strlen(c[x->part[p].first].number + strlen(number))))
        p++;
    if (p == x->n_part)
        return sor_fail(x->msg, SOR_NOTFOUND, "the document has no part with "
                        "the number %s", number);
    for (int i = 0; i < x->part[p].n; i++)
        x->clause[x->part[p].first + i].keep = 1;
    x->part[p].keep = 1;
    for (int i = 0; i < x->set[DB_LOGIC].n; i++) {
        int at = kind_of(x, e[i].kind) < 0 ? -1 : beyond(x, &e[i], p);

        if (at >= 0)
            x->clause[at].keep = x->part[x->clause[at].lane].keep = 1;
    }
    return SOR_OK;
}

/* ---- nodes ---------------------------------------------------------------- */

static void edge(struct logic *x, enum graph_edge_kind kind, int from, int to,
                 double weight)
{
    graph_add_edge(x->g, &(struct graph_edge){ kind, from, to, weight, NULL });
}

static const char *number(const struct db_clause *c)
{
    return c->full_number ? c->full_number : c->number ? c->number : c->kind;
}

/* A clause's words without its number, which is its title; a heading stays,
 * but for that of the part, which is the lane's. */
static const char *body(struct logic *x, const struct db_clause *c)
{
    int whole = (c->heading && c->depth > 0) || c->text_from < 0 ||
                c->text_from >= c->own_to;
    const char *s = words(x, whole ? c->char_from : c->text_from, c->own_to,
                          CARD_BYTES);

    return s || x->doc->text ? s : "(forgotten)";
}

static int put_clause(struct logic *x, int i, int lane)
{
    const struct db_clause *c = &ROWS(x, DB_CLAUSE, db_clause)[i];
    struct graph_node n = blank;

    n.kind = GRAPH_CLAUSE;
    n.id = graph_printf(x->g, "clause_%d", i + 1);
    n.lane = lane;
    n.title = graph_str(x->g, number(c));
    n.role = graph_str(x->g, x->clause[i].role);
    n.text = body(x, c);
    n.mark = x->clause[i].within;
    return x->clause[i].node = graph_add_node(x->g, &n);
}

static int put_fold(struct logic *x, int first, int count, int lane)
{
    struct graph_node n = blank;

    n.kind = GRAPH_FOLD;
    n.id = graph_printf(x->g, "fold_%d", first + 1);
    n.lane = lane;
    n.text = graph_printf(x->g, "\xE2\x80\xA6 %d more clause%s", count,
                          count == 1 ? "" : "s");
    x->n_clause += count;
    return graph_add_node(x->g, &n);
}

/* A part as a lane: its clauses and folds, in the document's order. */
static void put_part(struct logic *x, struct part *p, int lane)
{
    const struct db_clause *c = &ROWS(x, DB_CLAUSE, db_clause)[p->first];
    struct graph_lane l = { .lead = -1 };
    int end = p->first + p->n;

    l.id = graph_printf(x->g, "part_%d", lane);
    l.title = c->number || c->heading
        ? graph_printf(x->g, "%s %s", c->number ? c->number : "",
                       c->heading ? c->heading : "")
        : "before the first clause";
    l.detail = graph_printf(x->g, "%d clause%s", p->n, p->n == 1 ? "" : "s");
    graph_add_lane(x->g, &l);
    p->last = x->document;
    for (int i = p->first; i < end; ) {
        int from = i, node;
        if (x->clause[i].keep) {
            node = put_clause(x, i++, lane);
        } else {
            while (i < end && !x->clause[i].keep)
                i++;
            node = put_fold(x, from, i - from, lane);
        }
        edge(x, GRAPH_FOLLOWS, p->last, node, 1);
        p->last = node;
    }
}

static void put_parts(struct logic *x)
{
    struct graph_node n = blank;
    int lane = 0;

    n.kind = GRAPH_QUESTION;
    n.id = "document";
    n.title = "document";
    n.text = graph_str(x->g, x->doc->name);
    x->document = graph_add_node(x->g, &n);
    for (int i = 0; i < x->n_part; i++)
        if (x->part[i].keep)
            put_part(x, &x->part[i], lane++);
        else
            x->n_clause += x->part[i].n;
}

/* Terms that a drawn clause defines; how often they are used is a number. */
static void put_terms(struct logic *x)
{
    const struct db_term *t = ROWS(x, DB_TERM, db_term);
    int drawn = 0, most = x->of == LOGIC_TERMS ? MANY_TERM : MAX_TERM;

    for (int i = 0; i < x->set[DB_TERM].n; i++) {
        int at = row_of(x, DB_CLAUSE, t[i].clause_id);
        struct graph_node n = blank;

        x->term_node[i] = -1;
        if (at < 0 || x->clause[at].node < 0 || drawn == most ||
            x->of == LOGIC_REFERENCES)
            continue;
        n.kind = GRAPH_TERM;
        n.id = graph_printf(x->g, "term_%d", i + 1);
        n.title = t[i].name ? graph_str(x->g, t[i].name) : "(forgotten)";
        n.detail = t[i].n_use == 0 ? "never used"
                 : graph_printf(x->g, "used %d time%s", t[i].n_use,
                                t[i].n_use == 1 ? "" : "s");
        x->term_node[i] = graph_add_node(x->g, &n);
        drawn++;
    }
}

/* ---- edges ---------------------------------------------------------------- */

/* A name that no clause or term of this document bears. */
static int put_outside(struct logic *x, const char *kind, int64_t id)
{
    char name[NAME_BYTES];
    struct graph_node n = blank;

    n.id = graph_printf(x->g, "%s_%lld", kind, (long long)id);
    for (int i = 0; i < x->g->n_node; i++)
        if (n.id && !strcmp(x->g->node[i].id, n.id))
            return i;
    n.kind = GRAPH_OUTSIDE;
    n.title = graph_str(x->g, x->doc->text ? db_text(x->db, id, name,
                                                     sizeof name)
                                           : "(forgotten)");
    n.detail = strcmp(kind, "dangling") ? "outside this document"
                                        : "not in this document";
    n.lead = strcmp(kind, "dangling") ? -1 : 0;
    return graph_add_node(x->g, &n);
}

/* The node of an end of an edge; -1: it is not drawn. */
static int node_of(struct logic *x, const char *kind, int64_t id)
{
    int i;

    if (!strcmp(kind, "clause"))
        return (i = row_of(x, DB_CLAUSE, id)) < 0 ? -1 : x->clause[i].node;
    if (!strcmp(kind, "term"))
        return (i = row_of(x, DB_TERM, id)) < 0 ? -1 : x->term_node[i];
    if (!strcmp(kind, "document"))
        return x->document;
    return strcmp(kind, "claim") ? put_outside(x, kind, id) : -1;
}

static void put_edges(struct logic *x)
{
    const struct db_logic *e = ROWS(x, DB_LOGIC, db_logic);

    for (int i = 0; i < x->set[DB_LOGIC].n; i++) {
        int k = kind_of(x, e[i].kind), from, to;

        if (k < 0) {
            x->n_use += x->of == LOGIC_ALL && !strcmp(e[i].kind, "uses");
            continue;
        }
        if (within(&e[i]))
            continue;
        from = node_of(x, e[i].src_kind, e[i].src_id);
        to = from < 0 ? -1 : node_of(x, e[i].dst_kind, e[i].dst_id);
        if (to < 0) {
            x->n_edge++;
            continue;
        }
        graph_add_edge(x->g, &(struct graph_edge){
            kinds[k].kind, from, to,
            strcmp(e[i].measured, "rule") ? fmin(fmax(e[i].score, 0), 1) : 0,
            words(x, e[i].char_from, e[i].char_to, QUOTE_BYTES) });
    }
}

/* ---- claims --------------------------------------------------------------- */

static const struct db_verdict *verdict_of(const struct logic *x, int64_t claim)
{
    const struct db_verdict *v = ROWS(x, DB_VERDICT, db_verdict);

    for (int i = 0; i < x->set[DB_VERDICT].n; i++)
        if (v[i].claim_id == claim)
            return &v[i];
    return NULL;
}

static int put_claim(struct logic *x, const struct db_claim *c)
{
    const struct db_verdict *v = verdict_of(x, c->id);
    struct graph_node n = blank;

    n.kind = GRAPH_CLAIM;
    n.id = graph_printf(x->g, "claim_%d", c->ordinal + 1);
    n.title = graph_str(x->g, c->title ? c->title : c->name);
    n.role = v ? graph_str(x->g, v->verdict) : "not decided";
    n.prob = v ? v->confidence : NAN;
    n.origin = GRAPH_SCORED;
    return graph_add_node(x->g, &n);
}

/* A claim and the clauses that speak for or against it. */
static void put_claims(struct logic *x)
{
    const struct db_claim *c = ROWS(x, DB_CLAIM, db_claim);
    const struct db_evidence *v = ROWS(x, DB_EVIDENCE, db_evidence);

    for (int i = 0; i < x->set[DB_CLAIM].n && i < MAX_CLAIM; i++) {
        int node = put_claim(x, &c[i]), found = 0;

        for (int k = 0; k < x->set[DB_EVIDENCE].n; k++) {
            int from;
            if (v[k].claim_id != c[i].id || !strcmp(v[k].relation, "unrelated"))
                continue;
            from = node_of(x, "clause", v[k].clause_id);
            if (from < 0) {
                x->n_edge++;
                continue;
            }
            graph_add_edge(x->g, &(struct graph_edge){
                strcmp(v[k].relation, "supports") ? GRAPH_AGAINST : GRAPH_FOR,
                from, node, v[k].score, NULL });
            found = 1;
        }
        if (!found)             /* under the document all the same */
            edge(x, GRAPH_FOLLOWS, x->document, node, 0);
    }
}

/* ---- the whole ------------------------------------------------------------ */

static void left_out(struct graph *g, int n, const char *one, const char *many)
{
    if (n > 0)
        g->left_out = graph_printf(g, "%s %d %s", g->left_out
                                   ? graph_printf(g, "%s,", g->left_out)
                                   : "Not drawn:", n, n == 1 ? one : many);
}

static void put_titles(struct logic *x, const struct db_run *run)
{
    static const char *const name[] = { "Logic", "Terms", "References" };
    struct graph *g = x->g;
    int terms = 0;

    g->id = graph_printf(g, "run_%.32s", run->uid);
    g->title = graph_printf(g, "%s of %.200s", name[x->of],
                            x->doc->name ? x->doc->name : "a document");
    g->subtitle = graph_printf(
        g, "review %.8s \xC2\xB7 %d clauses, %d terms, %d claims \xC2\xB7 "
        "preliminary, for a lawyer's decision%s", run->uid,
        x->set[DB_CLAUSE].n, x->set[DB_TERM].n, x->set[DB_CLAIM].n,
        run->status ? "" : " \xC2\xB7 review not ended");
    for (int i = 0; i < x->set[DB_TERM].n; i++)
        terms += x->term_node[i] < 0;
    left_out(g, x->n_clause, "clause", "clauses");
    if (x->of != LOGIC_REFERENCES)
        left_out(g, terms, "term", "terms");
    left_out(g, x->n_use, "use of a term", "uses of terms");
    left_out(g, x->n_edge, "edge to what is not drawn",
             "edges to what is not drawn");
    if (x->of == LOGIC_ALL)
        left_out(g, x->set[DB_CLAIM].n - MAX_CLAIM, "claim", "claims");
}

static enum sor_err draw(struct logic *x, const struct logic_opts *opts,
                         const struct db_run *run)
{
    enum sor_err err = SOR_OK;

    find_parts(x);
    weigh(x);
    if (opts->only)
        err = choose_one(x, opts->only);
    else
        choose(x, opts);
    if (err)
        return err;
    put_parts(x);
    put_terms(x);
    put_edges(x);
    if (x->of == LOGIC_ALL)
        put_claims(x);
    put_titles(x, run);
    return SOR_OK;
}

enum sor_err logic_build(struct db *d, int64_t run_id,
                         const struct logic_opts *opts, struct graph *out,
                         struct sor_msg *msg)
{
    struct logic x = { .db = d, .g = out, .msg = msg, .of = opts->part };
    struct db_run run;
    enum sor_err err = load(&x, run_id);

    if (!err && db_get_run(d, run_id, &run) != 1)
        err = sor_fail(msg, SOR_NOTFOUND, "no run with id %lld",
                       (long long)run_id);
    if (!err)
        err = draw(&x, opts, &run);
    if (!err && !graph_ok(out))
        err = sor_fail(msg, SOR_NOMEM, "graph of a review: out of memory");
    for (int t = 0; t < DB_REVIEW_TABLES; t++)
        db_review_set_release(&x.set[t]);
    mem_free(x.clause);
    mem_free(x.part);
    mem_free(x.term_node);
    return err;
}
