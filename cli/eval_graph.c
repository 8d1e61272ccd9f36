/* cli/eval_graph.c - the rules against annotated logic graphs and planted
 * faults.  What counts as found is the annotators' own rule: clauses pair one
 * to one by overlap (IoU >= 0.5), an edge is right where kind, ends and place
 * (IoU >= 0.3) agree, a norm where kind, bearer and place do; names of
 * external documents are free text and all count as one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "cli/eval.h"

static const double CLAUSE_IOU = 0.5, SPAN_IOU = 0.3;

enum { NAME = 256 };

/* One clause, edge or norm, annotated or found. */
struct item {
    struct eval_place at;
    char kind[32], src[NAME], dst[NAME];
};
struct items { struct item *at; int n, cap; };

struct doc {
    struct document *text;
    struct clauses *clauses;
    struct graph *graph;
    struct defects *defects;
};

/* --- lists --------------------------------------------------------------- */

static struct item *push(struct items *l)
{
    if (l->n == l->cap) {
        int cap = l->cap ? 2 * l->cap : 64;
        struct item *more = mem_realloc(l->at, (size_t)cap, sizeof *more);

        if (!more)
            return NULL;
        l->at = more;
        l->cap = cap;
    }
    l->at[l->n] = (struct item){ .at = { -1, -1 } };
    return &l->at[l->n++];
}

struct pair { double iou; int gold, found; };

static int best_first(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    if (x->iou != y->iou)
        return x->iou > y->iou ? -1 : 1;
    return x->gold != y->gold ? x->gold - y->gold : x->found - y->found;
}

static int same_ends(const struct item *g, const struct item *f)
{
    return strcmp(g->kind, f->kind) == 0 && strcmp(g->src, f->src) == 0 &&
           strcmp(g->dst, f->dst) == 0;
}

static int any(const struct item *g, const struct item *f)
{
    (void)g, (void)f;
    return 1;
}

/* Pairs one to one, best overlap first; of_found[i] (may be NULL) is found i's
 * gold, or -1.  kind NULL: all.  Returns how many pairs. */
static int pair_up(const struct items *gold, const struct items *found,
                   int (*same)(const struct item *, const struct item *),
                   const char *kind, double least, int *of_found)
{
    size_t most = (size_t)gold->n * (size_t)found->n;
    struct pair *p = mem_calloc(most + 1, sizeof *p);
    char *used_g = mem_calloc((size_t)gold->n + 1, 1);
    char *used_f = mem_calloc((size_t)found->n + 1, 1);
    int n = 0, hit = 0;

    for (int i = 0; of_found && i < found->n; i++)
        of_found[i] = -1;
    for (int i = 0; p && used_g && used_f && i < gold->n; i++)
        for (int k = 0; k < found->n; k++) {
            double iou = eval_iou(gold->at[i].at, found->at[k].at);

            if (iou >= least && same(&gold->at[i], &found->at[k]) &&
                (!kind || strcmp(gold->at[i].kind, kind) == 0))
                p[n++] = (struct pair){ iou, i, k };
        }
    if (n)
        qsort(p, (size_t)n, sizeof *p, best_first);
    for (int i = 0; i < n; i++) {
        if (used_g[p[i].gold] || used_f[p[i].found])
            continue;
        used_g[p[i].gold] = used_f[p[i].found] = 1;
        if (of_found)
            of_found[p[i].found] = p[i].gold;
        hit++;
    }
    mem_free(p);
    mem_free(used_g);
    mem_free(used_f);
    return hit;
}

static int count(const struct items *l, const char *kind)
{
    int n = 0;

    for (int i = 0; i < l->n; i++)
        n += strcmp(l->at[i].kind, kind) == 0;
    return n;
}

/* Terms are used once for each clause: pairs of ends, wherever they stand. */
static int count_uses(const struct items *gold, const struct items *found)
{
    int hit = 0;

    for (int i = 0; i < found->n; i++)
        for (int k = 0; k < gold->n; k++)
            if (strcmp(found->at[i].kind, "uses") == 0 &&
                same_ends(&gold->at[k], &found->at[i])) {
                hit++;
                break;
            }
    return hit;
}

/* --- both sides ---------------------------------------------------------- */

/* External names are free text, but for terms that are defined elsewhere. */
static void put_node(char out[NAME], const char *name)
{
    int external = strncmp(name, "external:", 9) == 0 &&
                   strncmp(name, "external:term:", 14) != 0;

    snprintf(out, NAME, "%s", external ? "external:" : name);
}

static void put_bearer(char out[NAME], const char *s)
{
    size_t n = 0;

    while (s && *s && n + 1 < NAME) {
        if (!strchr(" \t\r\n", *s))
            out[n++] = *s;
        else if (n && out[n - 1] != ' ')
            out[n++] = ' ';
        s++;
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    if (strncasecmp(out, "the ", 4) == 0)
        memmove(out, out + 4, strlen(out + 4) + 1);
    for (size_t i = 0; out[i]; i++)
        if (out[i] >= 'A' && out[i] <= 'Z')
            out[i] = (char)(out[i] + 32);
}

static struct eval_place cp_place(const struct document *d, struct span s)
{
    if (s.from == s.to)
        return (struct eval_place){ -1, -1 };
    return (struct eval_place){ (int)document_cp(d, s.from),
                                (int)document_cp(d, s.to) };
}

static int gold_list(const cJSON *line, const char *key, struct items *l)
{
    const cJSON *o;

    cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(line, key)) {
        const char *kind = eval_text(o, "kind"), *src = eval_text(o, "src");
        const char *dst = eval_text(o, "dst");
        struct item *i = push(l);

        if (!i)
            return 0;
        i->at = eval_place(o);
        snprintf(i->kind, sizeof i->kind, "%s", kind ? kind : "");
        if (dst)
            put_node(i->dst, dst);
        if (src)
            put_node(i->src, src);
        else
            put_bearer(i->src, eval_text(o, "bearer"));     /* a norm */
    }
    return 1;
}

/* The annotated name of a found clause, by its pair. */
static void translate(char name[NAME], const int *of_found, int n)
{
    int i = name[0] == 'c' ? atoi(name + 1) - 1 : -1;

    if (i < 0 || i >= n || strspn(name + 1, "0123456789") != strlen(name + 1))
        return;
    if (of_found[i] >= 0)
        snprintf(name, NAME, "c%d", of_found[i] + 1);
    else
        snprintf(name, NAME, "other:c%d", i + 1);
}

static int found_lists(const struct doc *d, struct items *clauses,
                       struct items *edges, struct items *norms)
{
    char name[NAME];

    for (int i = 0; i < d->clauses->n; i++) {
        struct item *x = push(clauses);

        if (!x)
            return 0;
        x->at = cp_place(d->text, d->clauses->at[i].span);
    }
    for (int i = 0; i < d->graph->n_edge; i++) {
        const struct edge *e = &d->graph->edge[i];
        struct item *x = push(edges);

        if (!x)
            return 0;
        x->at = cp_place(d->text, e->span);
        snprintf(x->kind, sizeof x->kind, "%s", edge_kind_name(e->kind));
        put_node(x->src, node_name(d->graph, &e->src, name, sizeof name));
        put_node(x->dst, node_name(d->graph, &e->dst, name, sizeof name));
    }
    for (int i = 0; i < d->graph->n_norm; i++) {
        const struct norm *n = &d->graph->norm[i];
        struct item *x = push(norms);

        if (!x)
            return 0;
        x->at = cp_place(d->text, n->span);
        snprintf(x->kind, sizeof x->kind, "%s", norm_kind_name(n->kind));
        put_bearer(x->src, n->bearer);
    }
    return 1;
}

/* --- documents ----------------------------------------------------------- */

static void close_doc(struct doc *d)
{
    defects_close(d->defects);
    graph_close(d->graph);
    clauses_close(d->clauses);
    document_close(d->text);
}

static enum sor_err open_doc(const struct eval *e, const cJSON *line,
                             struct doc *d)
{
    const char *text = eval_text(line, "text"), *id = eval_text(line, "id");
    struct sor_msg *msg = &e->cli->msg;
    enum sor_err err;

    *d = (struct doc){ NULL, NULL, NULL, NULL };
    if (!text)
        return sor_fail(msg, SOR_FORMAT, "a line has no \"text\"");
    if ((err = document_from(id ? id : "-", text, strlen(text), &d->text,
                             msg)) ||
        (err = clauses_read(d->text, &d->clauses, msg)) ||
        (err = graph_read(d->text, d->clauses, e->pack, &d->graph, msg)))
        return err;
    return defects_find(d->text, d->clauses, d->graph, e->pack, &d->defects,
                        msg);
}

static void step(struct eval *e)
{
    progress_set(&e->bar, (uint64_t)++e->n_done);
}

/* --- graphs -------------------------------------------------------------- */

static void score_edges(struct tally *t, const struct items *gold,
                        const struct items *found)
{
    static const char *const kinds[] = { "defines", "refers_to",
        "condition_of", "exception_to", "overrides" };
    int hit = 0, n_found = 0, n_gold = 0;
    char name[64];

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int h = pair_up(gold, found, same_ends, kinds[i], SPAN_IOU, NULL);
        int f = count(found, kinds[i]), g = count(gold, kinds[i]);

        snprintf(name, sizeof name, "edges.%s.f1", kinds[i]);
        tally_add_f1(t, name, h, f, g);
        hit += h;
        n_found += f;
        n_gold += g;
    }
    tally_add(t, "edges.precision", (struct tally_part){ hit, n_found,
                                                         n_found });
    tally_add(t, "edges.recall", (struct tally_part){ hit, n_gold, n_gold });
    tally_add_f1(t, "edges.f1", hit, n_found, n_gold);
    tally_add_f1(t, "uses.f1", count_uses(gold, found), count(found, "uses"),
                 count(gold, "uses"));
}

static enum sor_err graph_line(void *ud, const cJSON *line)
{
    struct eval *e = ud;
    struct items clauses = { NULL, 0, 0 }, edges = clauses, norms = clauses;
    struct items gold_c = clauses, gold_e = clauses, gold_n = clauses;
    int *of_found = NULL;
    struct doc d;
    enum sor_err err = open_doc(e, line, &d);

    tally_next(&e->tally);
    if (!err && (!found_lists(&d, &clauses, &edges, &norms) ||
                 !gold_list(line, "clauses", &gold_c) ||
                 !gold_list(line, "edges", &gold_e) ||
                 !gold_list(line, "norms", &gold_n) ||
                 !(of_found = mem_calloc((size_t)clauses.n + 1,
                                         sizeof *of_found))))
        err = sor_fail(&e->cli->msg, SOR_NOMEM, "out of memory");
    if (!err) {
        int hit = pair_up(&gold_c, &clauses, any, NULL, CLAUSE_IOU, of_found);

        for (int i = 0; i < edges.n; i++) {
            translate(edges.at[i].src, of_found, clauses.n);
            translate(edges.at[i].dst, of_found, clauses.n);
        }
        score_edges(&e->tally, &gold_e, &edges);
        tally_add_f1(&e->tally, "clauses.f1", hit, clauses.n, gold_c.n);
        tally_add_f1(&e->tally, "norms.f1",
                     pair_up(&gold_n, &norms, same_ends, NULL, SPAN_IOU,
                             NULL), norms.n, gold_n.n);
        step(e);
    }
    mem_free(of_found);
    mem_free(clauses.at), mem_free(edges.at), mem_free(norms.at);
    mem_free(gold_c.at), mem_free(gold_e.at), mem_free(gold_n.at);
    close_doc(&d);
    return err;
}

enum sor_err eval_graph(struct eval *e, const char *path)
{
    return eval_lines(path, e->max_doc, graph_line, e, &e->cli->msg);
}

/* --- planted faults ------------------------------------------------------ */

static int overlaps(struct eval_place a, struct eval_place b)
{
    return a.from < b.to && b.from < a.to;
}

/* Does the defect name this fault?  Its kind, at either of its places; an
 * absence has none. */
static int names_fault(const struct doc *d, const struct defect *x,
                       const cJSON *fault)
{
    const cJSON *other = cJSON_GetObjectItemCaseSensitive(fault, "related");
    const char *kind = eval_text(fault, "kind");
    struct eval_place at = cp_place(d->text, x->span);
    struct eval_place also = cp_place(d->text, x->related);
    char missing[96];
    const char *mine = defect_kind_name(x->kind);

    if (x->kind == DEFECT_MISSING_CLAUSE && x->missing) {
        snprintf(missing, sizeof missing, "missing_%s", x->missing);
        mine = missing;
    }
    if (!kind || strcmp(kind, mine) != 0)
        return 0;
    if (at.from < 0 || strncmp(kind, "missing_", 8) == 0)
        return 1;
    return overlaps(at, eval_place(fault)) ||
           overlaps(also, eval_place(fault)) ||
           (other && (overlaps(at, eval_place(other)) ||
                      overlaps(also, eval_place(other))));
}

static int known_fault(const struct doc *d, const cJSON *fault)
{
    for (int i = 0; i < d->defects->n; i++)
        if (names_fault(d, &d->defects->at[i], fault))
            return 1;
    return 0;
}

static int known(const struct doc *d, const struct defect *x,
                 const cJSON *list)
{
    const cJSON *o;

    cJSON_ArrayForEach(o, list)
        if (names_fault(d, x, o))
            return 1;
    return 0;
}

/* The faults that were planted, one by one, and what else was called one. */
static void score_faults(struct tally *t, const struct doc *d,
                         const cJSON *faults, const cJSON *before)
{
    const cJSON *o;
    int alarms = 0;

    cJSON_ArrayForEach(o, faults) {
        const char *kind = eval_text(o, "kind");
        int hit = known_fault(d, o);
        char name[64];

        snprintf(name, sizeof name, "faults.%.40s", kind ? kind : "");
        tally_add(t, name, (struct tally_part){ hit, 1, 1 });
        tally_add(t, "faults.found", (struct tally_part){ hit, 1, 1 });
    }
    for (int i = 0; i < d->defects->n; i++)
        alarms += !known(d, &d->defects->at[i], faults) &&
                  !known(d, &d->defects->at[i], before);
    tally_add(t, "faults.false_alarms", (struct tally_part){ alarms, 1,
                                                             alarms });
}

static enum sor_err fault_line(void *ud, const cJSON *line)
{
    struct eval *e = ud;
    struct doc d;
    enum sor_err err = open_doc(e, line, &d);

    tally_next(&e->tally);
    if (!err)
        score_faults(&e->tally, &d,
                     cJSON_GetObjectItemCaseSensitive(line, "faults"),
                     cJSON_GetObjectItemCaseSensitive(line, "preexisting"));
    step(e);
    close_doc(&d);
    return err;
}

enum sor_err eval_faults(struct eval *e, const char *path)
{
    return eval_lines(path, e->max_doc, fault_line, e, &e->cli->msg);
}
