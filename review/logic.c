/* review/logic.c - conditions, exceptions and overrides.
 *
 * Each is an opener ("if", "unless", "subject to") that a pattern finds, and a
 * reach that rule_reach() measures.  What it does to which clause is decided
 * here, by the kind of opener and by what is named within the reach. */
#include <string.h>

#include "base/mem.h"
#include "review/rule.h"

enum { TARGETS = 64, ROW_BYTES = 40 };

static void drop_node(const struct node *n)
{
    mem_free((void *)(uintptr_t)n->name);
}

static void clause_edge(struct rules *r, enum edge_kind kind, struct span s,
                        const struct node *dst, const char *rule)
{
    int src = clauses_holding(r->c, s);
    struct edge e = { kind, node_clause(src), dst ? *dst : node_clause(src),
                      s, 1, rule };

    if (src >= 0)
        rule_edge(r, &e);
}

/* The clause that "the foregoing" means at `at`: the clause itself, or, where
 * the words open it, the one before. */
static int foregoing(const struct rules *r, int clause, size_t at)
{
    const struct span text = r->c->at[clause].text;
    int before = rule_before(r, clause);

    return at <= text.from + 2 && before >= 0 ? before : clause;
}

/* --- exceptions ---------------------------------------------------------- */

/* "The obligations of X shall not apply to ...": what the sentence's subject
 * carves out of. */
static struct node carved(struct rules *r, struct span subject, int clause)
{
    struct node to[TARGETS];
    const struct hits *h = &r->hits[HITS_REFERENCE];
    int i = hits_after(h, subject.from), n;

    if (i < h->n && h->at[i].m.from[0] < subject.to) {
        n = reference_targets(r, &h->at[i], clause, to, TARGETS);
        for (int k = 1; k < n; k++)
            drop_node(&to[k]);
        if (n > 0)
            return to[0];
    }
    if (rule_matches(r, "target.duty", subject, NULL))
        for (int k = 0; k < r->c->n; k++)
            if (r->c->at[k].heading && k != clause) {
                const char *name = r->c->at[k].heading;
                int found = 0, np;
                const struct pattern *p = pack_patterns(r->p,
                                              "target.duty.heading", &np);
                struct match m;

                for (int j = 0; j < np && !found; j++)
                    found = pattern_next(&p[j], name, strlen(name), 0,
                                         &m) == 1;
                if (found)
                    return node_clause(k);
            }
    if (rule_matches(r, "target.document", subject, NULL))
        return (struct node) { NODE_DOCUMENT, -1, NULL };
    if (rule_matches(r, "target.self", subject, NULL))
        return node_clause(foregoing(r, clause, subject.from));
    return node_clause(clause);
}

/* "As an exception to (b), the Recipient may ...": the rule it states is the
 * exception, (b) what it carves out of. */
static void carve_from(struct rules *r, const struct hit *h)
{
    struct reach o = { hit_span(h), OPENS_PHRASE, 0 };
    struct span from = rule_reach(r, &o), s;
    int clause = clauses_holding(r->c, from);
    struct node dst;

    if (clause < 0)
        return;
    o.opener.to = from.to + 1;
    o.opens = OPENS_CLAUSE;
    s = rule_reach(r, &o);
    dst = carved(r, from, clause);
    clause_edge(r, EDGE_EXCEPTION_TO, s, &dst, h->by->id);
}

/* Is byte `at` in an exception already: "except it shall not apply to ..."? */
static int excepted(const struct graph *g, size_t at)
{
    for (int i = g->n_edge - 1; i >= 0; i--)
        if (g->edge[i].kind == EDGE_EXCEPTION_TO &&
            g->edge[i].span.from <= at && at < g->edge[i].span.to)
            return 1;
    return 0;
}

/* "... shall not apply to information that: (a)".  The hit grows to what it
 * reached: no condition within it stands on its own. */
static void not_applied(struct rules *r, struct hit *h)
{
    struct reach o = { hit_span(h), OPENS_EITHER, .lead_only = 1 };
    struct span s = rule_reach(r, &o), subject = s;
    int clause = clauses_holding(r->c, s);
    struct node dst;

    h->m.to[0] = s.to;
    if (clause < 0 || excepted(r->g, s.from))
        return;
    subject.from = rule_sentence(r, s.from).from;
    subject.to = s.from;
    dst = carved(r, subject, clause);
    clause_edge(r, EDGE_EXCEPTION_TO, s, &dst, h->by->id);
}

/* "except for goods that: (a) ...": a list after a colon is not part of what
 * leads in to it; "except (a) ..., (b) ..." is one exception. */
static struct span exception_reach(const struct rules *r, const struct hit *h)
{
    struct reach o = { hit_span(h), OPENS_EITHER, .lead_only = 1 };
    struct span s = rule_reach(r, &o);

    if (s.to > o.opener.to && r->d->text[s.to] == ':')
        return s;
    o.lead_only = 0;
    return rule_reach(r, &o);
}

/* apply: the rules said not to apply, for conditions(). */
static void exceptions(struct rules *r, struct hits *apply)
{
    struct hits h = rule_hits(r, "exception", "exception.not");
    struct hits from = rule_hits(r, "exception.from", "exception.not");

    for (int i = 0; i < h.n && !r->err; i++) {
        clause_edge(r, EDGE_EXCEPTION_TO, exception_reach(r, &h.at[i]), NULL,
                    h.at[i].by->id);
    }
    for (int i = 0; i < from.n && !r->err; i++)
        carve_from(r, &from.at[i]);
    *apply = rule_hits(r, "exception.apply", "exception.not");
    for (int i = 0; i < apply->n && !r->err; i++)
        not_applied(r, &apply->at[i]);
    hits_free(&h);
    hits_free(&from);
}

/* --- conditions ---------------------------------------------------------- */

/* "provided that": a precondition, a narrowing of the rule, or one rule
 * more. */
enum proviso { PROVISO_CONDITION, PROVISO_EXCEPTION, PROVISO_RULE };

static enum proviso proviso_kind(const struct rules *r, struct span s,
                                 size_t opener_end)
{
    struct span before = { rule_sentence(r, s.from).from, s.from };
    struct span said = { opener_end, rule_sentence(r, s.from).to };

    if (said.to < s.to)
        said.to = s.to;
    if (rule_matches(r, "proviso.narrow", said, NULL) ||
        (rule_matches(r, "proviso.forbidden", before, NULL) &&
         rule_matches(r, "proviso.allows", said, NULL)))
        return PROVISO_EXCEPTION;       /* "shall not ..., but may ..." */
    if (!rule_matches(r, "proviso.rule", said, NULL))
        return PROVISO_CONDITION;
    if (rule_matches(r, "proviso.permitted", before, NULL) &&
        rule_matches(r, "proviso.duty", said, NULL))
        return PROVISO_CONDITION;
    return PROVISO_RULE;
}

/* Openers of conditions, by purpose. */
static const struct opener {
    const char *purpose;
    enum opens opens;
    int first;              /* only where it opens the sentence */
    int proviso;
} openers[] = {
    { "condition.clause", OPENS_CLAUSE, 0, 0 },
    { "condition.phrase", OPENS_PHRASE, 0, 0 },
    { "condition.first", OPENS_CLAUSE, 1, 0 },
    { "condition.first_phrase", OPENS_PHRASE, 1, 0 },
    { "condition.proviso", OPENS_CLAUSE, 0, 1 },
};
enum { OPENERS = sizeof openers / sizeof *openers };

/* Returns where the condition ends; 0: it is none, or says a rule more. */
static size_t condition(struct rules *r, const struct hit *h,
                        const struct opener *by)
{
    struct reach o = { hit_span(h), by->opens, 0 };
    enum proviso proviso = PROVISO_CONDITION;
    struct span s;

    if (by->first && !rule_first(r, o.opener.from))
        return 0;
    s = rule_reach(r, &o);
    if (s.to == o.opener.to)
        return 0;                       /* nothing follows: "in such case" */
    if (by->proviso)
        proviso = proviso_kind(r, s, o.opener.to);
    if (proviso == PROVISO_RULE)
        return 0;
    clause_edge(r, proviso == PROVISO_EXCEPTION ? EDGE_EXCEPTION_TO :
                EDGE_CONDITION_OF, s, NULL, h->by->id);
    return proviso == PROVISO_EXCEPTION ? 0 : s.to;
}

/* apply: within these no condition stands on its own. */
static void conditions(struct rules *r, const struct hits *apply)
{
    struct hits h[OPENERS];
    int at[OPENERS] = { 0 };
    size_t done = 0;

    for (int k = 0; k < OPENERS; k++)
        h[k] = rule_hits(r, openers[k].purpose, "condition.not");
    while (!r->err) {                   /* the lists in one order */
        const struct hit *next = NULL;
        int of = 0;
        size_t from, to = 0;

        for (int k = 0; k < OPENERS; k++)
            if (at[k] < h[k].n && (!next || h[k].at[at[k]].m.from[0] <
                                            next->m.from[0])) {
                next = &h[k].at[at[k]];
                of = k;
            }
        if (!next)
            break;
        at[of]++;
        from = next->m.from[0];
        if (from >= done && !hits_hold(apply, from))
            to = condition(r, next, &openers[of]);
        done = to > done ? to : done;
    }
    for (int k = 0; k < OPENERS; k++)
        hits_free(&h[k]);
}

/* --- overrides ----------------------------------------------------------- */

/* What "subject to" or "notwithstanding" names within s: clauses, the whole
 * document, the clause itself, or law.  Returns how many; 0: it names a fact,
 * a consent or an event, and overrides nothing. */
static int named_in(struct rules *r, struct span s, int clause,
                    struct node *to)
{
    const struct hits *h = &r->hits[HITS_REFERENCE];
    struct match m;
    int n = 0;

    for (int i = hits_after(h, s.from); i < h->n && h->at[i].m.to[0] <= s.to;
         i++)
        n += reference_targets(r, &h->at[i], clause, to + n, TARGETS - n);
    if (n > 0)
        return n;
    if (rule_matches(r, "target.self", s, NULL))
        to[n++] = node_clause(foregoing(r, clause, s.from));
    else if (rule_matches(r, "target.document", s, NULL))
        to[n++] = (struct node) { NODE_DOCUMENT, -1, NULL };
    else if (rule_matches(r, "target.law", s, &m))
        to[n++] = node_named(r, NODE_EXTERNAL, (struct span) { m.from[1],
                                                               m.to[1] });
    return n;
}

/* "subject to Section 2 hereof includes ...": where references are named, the
 * words end with the first of them, or with the last of a row. */
static struct span cut_after_reference(const struct rules *r, struct span s)
{
    const struct hits *h = &r->hits[HITS_REFERENCE];
    size_t to = s.to;
    struct match m;

    for (int i = hits_after(h, s.from); i < h->n && h->at[i].m.to[0] <= s.to &&
         (to == s.to || h->at[i].m.from[0] < to + ROW_BYTES); i++)
        to = h->at[i].m.to[0];
    if (rule_matches(r, "reference.tail", (struct span) { to, s.to }, &m))
        to = m.to[0];
    return (struct span) { s.from, to };
}

/* yields: the clause yields to what is named ("subject to"), or prevails over
 * it ("notwithstanding"). */
static void override(struct rules *r, const struct hit *h, int yields)
{
    struct reach o = { hit_span(h), OPENS_PHRASE, .lead_only = 1 };
    struct span s = cut_after_reference(r, rule_reach(r, &o));
    int clause = clauses_holding(r->c, s), n;
    struct node to[TARGETS];

    if (clause < 0)
        return;
    n = named_in(r, s, clause, to);
    for (int k = 0; k < n; k++) {
        struct edge e = { EDGE_OVERRIDES, node_clause(clause), to[k], s, 1,
                          h->by->id };

        if (yields) {
            e.src = to[k];
            e.dst = node_clause(clause);
        }
        rule_edge(r, &e);
    }
}

/* "This Agreement supersedes all prior agreements": group 1 is what yields. */
static void supersede(struct rules *r, const struct hit *h)
{
    struct reach o = { hit_span(h), OPENS_CLAUSE, 0 };
    struct span s = rule_reach(r, &o), what = { h->m.from[1], h->m.to[1] };
    int clause = clauses_holding(r->c, s), n;
    struct node to[TARGETS];
    const struct hits *refs = &r->hits[HITS_REFERENCE];

    if (clause < 0)
        return;
    if (what.from >= what.to)
        what = s;
    n = hits_within(refs, what)
            ? reference_targets(r, &refs->at[hits_after(refs, what.from)],
                                clause, to, TARGETS)
            : 0;
    for (int k = 0; k < n; k++)
        rule_edge(r, &(struct edge) { EDGE_OVERRIDES, node_clause(clause),
                  to[k], s, 1, h->by->id });
    if (n == 0)
        rule_edge(r, &(struct edge) { EDGE_OVERRIDES,
                  { NODE_DOCUMENT, -1, NULL },
                  node_named(r, NODE_EXTERNAL, what), s, 1, h->by->id });
}

/* What s names: a clause, this document, or something outside. */
static struct node party_to(struct rules *r, struct span s, int clause)
{
    struct node to[TARGETS];
    const struct hits *refs = &r->hits[HITS_REFERENCE];
    int i = hits_after(refs, s.from), n = 0;

    if (i < refs->n && refs->at[i].m.from[0] < s.to)
        n = reference_targets(r, &refs->at[i], clause, to, TARGETS);
    for (int k = 1; k < n; k++)
        drop_node(&to[k]);
    if (n > 0)
        return to[0];
    if (rule_matches(r, "target.this", s, NULL))
        return (struct node) { NODE_DOCUMENT, -1, NULL };
    return node_named(r, NODE_EXTERNAL, s);
}

static int same_node(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind)
        return 0;
    return a->name && b->name ? strcmp(a->name, b->name) == 0
                              : a->index == b->index;
}

/* "If A and B conflict, A shall prevail", "A prevails over B": groups 1 and,
 * where it is said, 2 are winner and loser; else the loser is the other one of "between A and
 * B" in the sentence. */
static void prevail(struct rules *r, const struct hit *h)
{
    struct span sentence = rule_sentence(r, h->m.from[0]);
    struct span over = { h->m.from[2], h->m.to[2] };
    int clause = clauses_holding(r->c, hit_span(h));
    struct edge e = { .kind = EDGE_OVERRIDES, .span = hit_span(h), .score = 1,
                      .rule = h->by->id };
    struct match m;

    if (clause < 0 || (over.from >= over.to &&
                       !rule_matches(r, "override.conflict", sentence, NULL)))
        return;
    e.src = party_to(r, (struct span) { h->m.from[1], h->m.to[1] }, clause);
    e.dst = e.src;
    if (over.from < over.to)
        e.dst = party_to(r, over, clause);
    else if (rule_matches(r, "override.between", sentence, &m))
        for (int k = 1; k <= 2 && same_node(&e.src, &e.dst); k++) {
            if (e.dst.name != e.src.name)
                drop_node(&e.dst);
            e.dst = party_to(r, (struct span) { m.from[k], m.to[k] },
                             clause);
        }
    if (!same_node(&e.src, &e.dst)) {
        rule_edge(r, &e);
        return;
    }
    if (e.dst.name != e.src.name)
        drop_node(&e.dst);
    drop_node(&e.src);
}

static void overrides(struct rules *r)
{
    struct hits subject = rule_hits(r, "override.subject", "override.not");
    struct hits over = rule_hits(r, "override.notwithstanding",
                                 "override.not");
    struct hits prior = rule_hits(r, "override.supersede", "override.not");
    struct hits first = rule_hits(r, "override.prevail", NULL);

    for (int i = 0; i < subject.n && !r->err; i++)
        override(r, &subject.at[i], 1);
    for (int i = 0; i < over.n && !r->err; i++)
        override(r, &over.at[i], 0);
    for (int i = 0; i < prior.n && !r->err; i++)
        supersede(r, &prior.at[i]);
    for (int i = 0; i < first.n && !r->err; i++)
        prevail(r, &first.at[i]);
    hits_free(&subject);
    hits_free(&over);
    hits_free(&prior);
    hits_free(&first);
}

void logic_read(struct rules *r)
{
    struct hits apply = { 0 };

    exceptions(r, &apply);
    conditions(r, &apply);
    overrides(r);
    hits_free(&apply);
}
