/* review/check.c - what could be wrong with a verdict, tried out.
 *
 * Contrast     the opposite of the claim, the claim with its parties swapped or
 *              its scope changed, another value: none may get the same verdict.
 * Knock-out    the deciding passage is struck from the text, and every passage
 *              in whose context it stood and that may have to do with the claim
 *              is read again; the others read what they read before, so their
 *              readings stand.
 * Type         the clauses that a verdict rests on must be of the type that the
 *              claim is about: another question to the model, and a check on
 *              statements that many clauses seem to bear out.
 * Location, rules, coverage: comparisons, no model. */
#include <math.h>
#include <string.h>

#include "review/claim_impl.h"

enum { CONTEXT_CHARS = 700 };
/* How sure the type of a clause must be that a claim is to rest on.  On nine
 * unseen contracts 18 of 40 "supported" were wrong without this, 3 of 16 with
 * it (where the annotators found no such clause). */
static const double TYPE_SURE = 0.9;
static const double SAME = 0.5;         /* a changed claim got the verdict */
static const double RELATED = 0.05;     /* counts in a document without its
                                         * deciding passage */
/* Below this, no other context makes a passage count: of 322 readings on 14
 * NDAs none came over 0.025.  Such a one is not read again. */
static const double NEAR = 0.01;

/* --- lists of checks ----------------------------------------------------- */

enum { MOST_CHECKS = CHECKED_OPPOSITES + CHECKED_SWAPS + 6 };

static struct check *add(struct judging *j, struct inquiry *q,
                         enum check_kind kind, int passed)
{
    struct claim_result *c = q->out;
    struct check *x;

    if (!c->check) {
        c->check = claim_alloc(j, MOST_CHECKS + 1, sizeof *c->check);
        if (!c->check)
            return NULL;
    }
    x = &c->check[c->n_check < MOST_CHECKS ? c->n_check++ : MOST_CHECKS];
    *x = (struct check){ .kind = kind, .passed = passed,
                         .p = { NAN, NAN, NAN }, .clause = -1 };
    return x;
}

int check_forbids(const struct check *c)
{
    return c->passed == 0 && c->kind != CHECK_KNOCKOUT;
}

static void set_p(struct check *x, const float p[RELATIONS])
{
    x->p[VERDICT_SUPPORTED] = (double)p[RELATION_SUPPORTS];
    x->p[VERDICT_CONTRADICTED] = (double)p[RELATION_CONTRADICTS];
    x->p[VERDICT_NOT_ADDRESSED] = (double)p[RELATION_UNRELATED];
}

/* --- contrast ------------------------------------------------------------ */

/* Two parties of different roles: a swap says something else. */
static int has_roles(const struct graph *g)
{
    return g->n_party >= 2 && g->party[0].role && g->party[1].role &&
           strcmp(g->party[0].role, g->party[1].role) != 0;
}

/* The n-th changed wording that is put to this document. */
static const struct wording *changed(const struct judging *j,
                                     const struct claim *c, const char *role,
                                     int n)
{
    const struct wording *w;

    for (int i = 0; (w = claim_wording(c, role, i, 1)) != NULL; i++)
        if ((!w->named_roles || has_roles(j->r->graph)) && n-- == 0)
            return w;
    return NULL;
}

static const struct contrast {
    enum check_kind kind;
    const char *role;
    int most;
} contrasts[] = {
    { CHECK_NEGATION, "opposite", CHECKED_OPPOSITES },
    { CHECK_SWAP, "swap", CHECKED_SWAPS },
    { CHECK_VALUE, "value", 1 },
};
enum { CONTRASTS = sizeof contrasts / sizeof contrasts[0] };

/* Some opposites, and all swaps, say nothing about a clause that contradicts
 * the claim, nor of a document that is silent. */
static int tells(const struct contrast *kind, const struct wording *w,
                 enum verdict v)
{
    return w && (v == VERDICT_SUPPORTED ||
                 (!w->one_way && kind->kind != CHECK_SWAP));
}

/* A verdict is tried where it rests; of a silent document, every passage. */
static void ask_contrasts(struct judging *j, struct inquiry *q)
{
    enum verdict v = conclude_forced(q->out->p);

    for (int k = 0; k < CONTRASTS; k++)
        for (int n = 0; n < contrasts[k].most; n++) {
            const struct wording *w = changed(j, q->out->claim,
                                              contrasts[k].role, n);

            for (int i = 0; i < q->n_read && tells(&contrasts[k], w, v); i++)
                if (v == VERDICT_NOT_ADDRESSED || i == q->decisive)
                    asks_add(&j->asks, &j->plain[q->cited[i]], w->text);
        }
}

/* Of a silent document: no passage may be related to the opposite either. */
static void contrast_silent(struct judging *j, struct inquiry *q,
                            struct check *x)
{
    float worst[RELATIONS] = { 1.0f, 0.0f, 0.0f };

    for (int i = 0; i < q->n_read; i++) {
        float p[RELATIONS];

        claim_reading(j, &j->plain[q->cited[i]], x->input, p);
        if (p[RELATION_UNRELATED] < worst[RELATION_UNRELATED])
            memcpy(worst, p, sizeof worst);
    }
    set_p(x, worst);
    x->passed = 1.0 - x->p[VERDICT_NOT_ADDRESSED] < SAME;
    x->note = claim_printf(j, x->passed
                  ? "no passage is related to it either"
                  : "a passage is related to it: the document may not be "
                    "silent");
}

/* Of a verdict: its deciding passage must turn to the other side (opposite,
 * another value), or at least not give the same verdict (swap). */
static void contrast_verdict(struct judging *j, struct inquiry *q,
                             struct check *x, enum verdict v)
{
    const struct calibration *cal = j->cal;
    int strict = j->o->strict || !q->out->claim->wording[0].trained;
    double least = strict ? cal->opposite_strict : cal->opposite;
    enum verdict other = v == VERDICT_SUPPORTED ? VERDICT_CONTRADICTED
                                                : VERDICT_SUPPORTED;
    float p[RELATIONS];

    claim_reading(j, &j->plain[q->cited[q->decisive]], x->input, p);
    set_p(x, p);
    x->clause = j->r->passages->at[q->cited[q->decisive]].clause;
    if (x->kind == CHECK_SWAP)
        x->passed = x->p[v] < SAME;
    else
        x->passed = x->p[other] >= least;
    x->note = claim_printf(j, x->passed ? "%s: as it should be (%.3f)"
                                        : "%s, which it should not be (%.3f)",
                           finding_verdict(conclude_forced(x->p)),
                           x->p[conclude_forced(x->p)]);
}

static void contrast(struct judging *j, struct inquiry *q,
                     const struct contrast *kind)
{
    enum verdict v = conclude_forced(q->out->p);
    int any = 0;

    for (int n = 0; n < kind->most; n++) {
        const struct wording *w = changed(j, q->out->claim, kind->role, n);
        struct check *x;

        if (!tells(kind, w, v))
            continue;
        any = 1;
        if (!(x = add(j, q, kind->kind, -1)))
            return;
        x->input = w->text;
        if (v == VERDICT_NOT_ADDRESSED)
            contrast_silent(j, q, x);
        else
            contrast_verdict(j, q, x, v);
    }
    /* of a value another one is the opposite */
    if (!any && kind->kind == CHECK_NEGATION && !q->n_value) {
        struct check *x = add(j, q, kind->kind, -1);

        if (x)
            x->note = claim_printf(j, "%s", claim_wording(q->out->claim,
                                   "opposite", 0, 1)
                          ? "not put: the pack's opposite of this claim says "
                            "nothing where the claim is not supported"
                          : "the pack has no opposite of this claim to put "
                            "to it");
    }
}

/* What code makes of a value: the model must come to the same. */
static void stated(struct judging *j, struct inquiry *q)
{
    struct check *x = q->said ? add(j, q, CHECK_VALUE, -1) : NULL;
    enum verdict v = conclude_forced(q->out->p);

    if (!x)
        return;
    x->clause = q->n_value ? q->value[0]->clause : -1;
    x->note = claim_printf(j, "%s", q->said);
    if (q->decisive < 0 || !claim_is_measured(q))
        return;
    x->passed = v == q->by_rule;
    x->note = claim_printf(j, "%.600s: by rule %s, by the model %s", q->said,
                           q->by_rule == VERDICT_NEEDS_REVIEW
                               ? "open" : finding_verdict(q->by_rule),
                           finding_verdict(v));
}

/* --- knock-out ----------------------------------------------------------- */

/* What passage i reads once span s is gone: 0 where that changes nothing. */
static int without(struct judging *j, int i, struct span s,
                   struct passage_text *t)
{
    const char *text = j->r->doc->text;
    size_t at = j->r->passages->at[i].span.from, from = at;
    const char *before, *after;
    struct str out;

    if (at < s.to)              /* stands before it */
        return 0;
    for (int n = CONTEXT_CHARS; from > 0 && n > 0; )
        if (((unsigned char)text[--from] & 0xc0) != 0x80)
            n--;
    if (s.to <= from)
        return 0;
    before = path_context(j, s.from, CONTEXT_CHARS);
    after = claim_text(j, text + s.to, at - s.to);
    str_init(&out);
    str_puts(&out, before);
    str_puts(&out, after);
    if (!str_ok(&out))
        j->failed = SOR_NOMEM;
    *t = (struct passage_text){ path_reads(j, out.p), j->plain[i].text };
    str_release(&out);
    return strcmp(t->context, j->plain[i].context) != 0;
}

static int has_basis(const struct inquiry *q)
{
    return q->decisive >= 0 && !q->n_value && claim_is_measured(q) &&
           conclude_forced(q->out->p) != VERDICT_NOT_ADDRESSED;
}

static void ask_struck(struct judging *j, struct inquiry *q, int struck)
{
    const char *statement = q->out->claim->wording[0].text;

    for (int i = struck + 1; i < j->r->passages->n; i++) {
        float p[RELATIONS];
        struct passage_text t;

        if (!without(j, i, j->r->passages->at[struck].span, &t))
            break;              /* nor any further on */
        claim_reading(j, &j->plain[i], statement, p);
        if (1.0 - (double)p[RELATION_UNRELATED] >= NEAR)
            asks_add(&j->asks, &t, statement);
    }
}

enum sor_err checks_ask(struct judging *j)
{
    for (int k = 0; k < j->n; k++) {
        struct inquiry *q = &j->inquiry[k];

        if (q->decisive >= 0 && claim_is_measured(q))
            ask_contrasts(j, q);
        if (has_basis(q))
            ask_struck(j, q, q->cited[q->decisive]);
    }
    return claims_read(j, "check", 1);
}

/* What is left of a document, and the best passage of it that is not of the
 * clause struck, nor the words before its list, nor an item of it; -1: none. */
struct rest { float (*p)[RELATIONS]; int *passage, n, best; };

static int is_apart(const struct review *r, int clause, int struck)
{
    const struct clause *at = r->clauses->at;

    return clause != struck && at[struck].parent != clause &&
           at[clause].parent != struck;
}

static int rest_read(struct judging *j, struct inquiry *q, int struck,
                     struct rest *left)
{
    const struct passage *at = j->r->passages->at;
    int n = j->r->passages->n;

    *left = (struct rest){ .best = -1 };
    left->p = arena_alloc(&j->scratch, (size_t)n, sizeof *left->p);
    left->passage = arena_alloc(&j->scratch, (size_t)n, sizeof(int));
    if (!left->p || !left->passage) {
        j->failed = SOR_NOMEM;
        return 0;
    }
    for (int i = 0; i < n; i++) {
        struct passage_text t = j->plain[i];
        float *p = left->p[left->n];

        if (i == struck)
            continue;
        without(j, i, j->r->passages->at[struck].span, &t);
        claim_reading(j, &t, q->out->claim->wording[0].text, p);
        if (1.0 - (double)p[RELATION_UNRELATED] < RELATED)
            continue;
        left->passage[left->n] = i;
        if (is_apart(j->r, at[i].clause, at[struck].clause) &&
            (left->best < 0 || p[RELATION_UNRELATED] <
                                   left->p[left->best][RELATION_UNRELATED]))
            left->best = left->n;
        left->n++;
    }
    return 1;
}

static void knock_out(struct judging *j, struct inquiry *q)
{
    enum verdict v = conclude_forced(q->out->p), now;
    int struck = q->cited[q->decisive];
    int clause = j->r->passages->at[struck].clause;
    struct check *x = add(j, q, CHECK_KNOCKOUT, 1);
    struct rest left;
    char name[80], other[80];

    if (!x || !rest_read(j, q, struck, &left))
        return;
    conclude_p(j->cal, q->out->claim, left.p, left.n, x->p);
    now = conclude_forced(x->p);
    x->clause = clause;
    x->input = claim_printf(j, "%s struck out",
                            claim_clause_name(j->r, clause, name,
                                              sizeof name));
    if (now == VERDICT_NOT_ADDRESSED) {
        x->note = claim_printf(j, "sole basis: without it, not addressed "
                               "(%.3f)", x->p[now]);
    } else if (now == v && left.best < 0) {
        x->note = claim_printf(j, "the rest of that clause still "
                               "carries it");
    } else if (now == v) {
        x->clause = j->r->passages->at[left.passage[left.best]].clause;
        x->note = claim_printf(j, "%s still carries it",
                               claim_clause_name(j->r, x->clause, other,
                                                 sizeof other));
    } else {
        x->passed = 0;
        x->note = claim_printf(j, "without it, %s (%.3f): other clauses say "
                               "otherwise", finding_verdict(now),
                               x->p[now]);
    }
}

/* --- type -------------------------------------------------------------------- */

static int is_type(const struct judging *j, int clause, const char *label)
{
    int t = clause >= 0 ? j->r->clause_type[clause] : -1;

    return t >= 0 && strcmp(j->o->pack->type[t].label, label) == 0;
}

static void typed(struct judging *j, struct inquiry *q)
{
    const struct claim *c = q->out->claim;
    int silent = conclude_forced(q->out->p) == VERDICT_NOT_ADDRESSED;
    int found = -1;
    struct check *x;

    if (!c->type || !j->r->clause_type || q->n_value || !claim_is_measured(q) ||
        !(x = add(j, q, CHECK_TYPE, 1)))
        return;
    for (int i = 0; !silent && i < q->n_read && found < 0; i++) {
        int clause = j->r->passages->at[q->cited[i]].clause;

        if (1.0 - (double)q->p[i][RELATION_UNRELATED] >= SAME &&
            is_type(j, clause, c->type) &&
            j->r->clause_score[clause] >= TYPE_SURE)
            found = clause;
    }
    for (int i = 0; silent && i < j->r->clauses->n && found < 0; i++)
        if (is_type(j, i, c->type))
            found = i;
    x->passed = silent ? found < 0 : found >= 0;
    x->clause = found;
    x->note = claim_printf(j, found >= 0 ? "there is a clause of type %s"
                                         : "no clause of type %s %s",
                           c->type, silent ? "in the document"
                                           : "surely among the related");
}

/* --- without a model ----------------------------------------------------- */

static void located(struct judging *j, struct inquiry *q)
{
    const struct document *d = j->r->doc;
    int good = 0;
    struct check *x = add(j, q, CHECK_LOCATION, 1);

    for (int i = 0; i < q->n_cited; i++) {
        const struct passage *p = &j->r->passages->at[q->cited[i]];

        good += p->span.from < p->span.to && p->span.to <= d->n_byte &&
                p->clause >= 0 &&
                j->r->clauses->at[p->clause].span.from <= p->span.from &&
                j->r->clauses->at[p->clause].span.to >= p->span.to;
    }
    if (!x)
        return;
    x->passed = good == q->n_cited;
    x->note = claim_printf(j, "%d of %d quotations are cut from the text, "
                           "within their clauses", good, q->n_cited);
}

/* Edges by which a clause, or part of it, is excepted or overridden. */
static int touches(const struct edge *e, int clause)
{
    return (e->kind == EDGE_EXCEPTION_TO || e->kind == EDGE_OVERRIDES) &&
           e->dst.kind == NODE_CLAUSE && e->dst.index == clause &&
           e->src.kind == NODE_CLAUSE;
}

static const struct review_path *logic_path(const struct claim_result *c)
{
    for (int i = 0; i < c->n_path; i++)
        if (c->path[i].variant == PATH_LOGIC && c->path[i].counts)
            return &c->path[i];
    return NULL;
}

/* An exception within the passage was read with it; one in another clause must
 * have been read along, and the verdict the same. */
static void rule_against_model(struct judging *j, struct inquiry *q)
{
    const struct graph *g = j->r->graph;
    int clause = j->r->passages->at[q->cited[q->decisive]].clause;
    int inside = 0, outside = 0, from = -1;
    const struct review_path *path = logic_path(q->out);
    struct check *x = add(j, q, CHECK_RULE, -1);
    char name[80];

    if (!x)
        return;
    for (int i = 0; i < g->n_edge; i++) {
        if (!touches(&g->edge[i], clause))
            continue;
        inside += g->edge[i].src.index == clause;
        outside += g->edge[i].src.index != clause;
        if (g->edge[i].src.index != clause)
            from = g->edge[i].src.index;
    }
    x->clause = from >= 0 ? from : clause;
    if (!inside && !outside) {
        x->note = claim_printf(j, "no exception or override touches the "
                               "deciding clause");
        return;
    }
    if (outside && path) {
        x->passed = path->verdict == conclude_forced(q->out->p);
        memcpy(x->p, path->p, sizeof x->p);
    } else {
        x->passed = !outside;
    }
    claim_clause_name(j->r, x->clause, name, sizeof name);
    if (!outside)
        x->note = claim_printf(j, "%d in the deciding clause itself, read "
                               "with it", inside);
    else if (path)
        x->note = claim_printf(j, "%s bears on it; read along, the verdict "
                               "is %s", name, finding_verdict(path->verdict));
    else
        x->note = claim_printf(j, "%s bears on it and was read by no path",
                               name);
}

static void coverage(struct judging *j, struct inquiry *q)
{
    int n = 0;
    struct check *x = add(j, q, CHECK_COVERAGE, 1);

    for (int i = 0; i < j->r->passages->n; i++)
        n += asks_get(&j->asks, &j->plain[i],
                      q->out->claim->wording[0].text) != NULL;
    if (!x)
        return;
    x->passed = q->n_value || n == j->r->passages->n;
    x->note = claim_printf(j, "%d of %d passages were read for it", n,
                           j->r->passages->n);
}

void checks_answer(struct judging *j)
{
    for (int k = 0; k < j->n; k++) {
        struct inquiry *q = &j->inquiry[k];

        if (q->decisive >= 0) {
            for (int i = 0; i < CONTRASTS && claim_is_measured(q); i++)
                contrast(j, q, &contrasts[i]);
            if (has_basis(q)) {
                knock_out(j, q);
                rule_against_model(j, q);
            }
            typed(j, q);
            located(j, q);
        }
        stated(j, q);
        coverage(j, q);
    }
}
