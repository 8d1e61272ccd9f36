/* review/finding.c - what a report says, gravest first: defects by rule, and
 * claims with their verdicts and what the playbook makes of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "review/claim_impl.h"

static const int severity_of_defect[DEFECT_KINDS] = {
    [DEFECT_UNDEFINED_TERM] = 2, [DEFECT_UNUSED_DEFINITION] = 1,
    [DEFECT_DUPLICATE_DEFINITION] = 2,
    [DEFECT_INCONSISTENT_CAPITALISATION] = 1, [DEFECT_DANGLING_REFERENCE] = 2,
    [DEFECT_CIRCULAR_PRECEDENCE] = 3, [DEFECT_CONFLICTING_NUMBER] = 3,
    [DEFECT_CONTRADICTORY_SURVIVAL] = 3, [DEFECT_PLACEHOLDER] = 3,
    [DEFECT_WRONG_PARTY_NAME] = 3, [DEFECT_MISSING_CLAUSE] = 2,
    [DEFECT_CONFLICTING_LAW] = 3,
};
static const int severity_of_stance[STANCES] = {
    [STANCE_STANDARD] = 0, [STANCE_FALLBACK] = 2, [STANCE_UNACCEPTABLE] = 3,
};
static const int severity_of_verdict[VERDICTS] = {
    [VERDICT_CONTRADICTED] = 1, [VERDICT_NEEDS_REVIEW] = 2,
};
static const char *const stance_words[STANCES] = {
    [STANCE_STANDARD] = "; playbook: acceptable",
    [STANCE_FALLBACK] = "; playbook: a fallback",
    [STANCE_UNACCEPTABLE] = "; playbook: not acceptable",
};

static const double LEAST_BEARING = 0.05;      /* less is hardly any */

struct maker {
    struct review *r;
    int n, failed;
};

const char *finding_verdict(enum verdict v)
{
    static const char *const words[VERDICTS] = {
        [VERDICT_SUPPORTED] = "supported",
        [VERDICT_CONTRADICTED] = "contradicted",
        [VERDICT_NOT_ADDRESSED] = "not addressed",
        [VERDICT_NEEDS_REVIEW] = "needs review",
        [VERDICT_NOT_MEASURED] = "clauses ranked, no verdict (not measured)",
    };

    return words[v];
}

static struct finding *add(struct maker *m, const char *source, int index)
{
    struct finding *f = &m->r->finding[m->n++];

    *f = (struct finding){ .source = source, .index = index, .clause = -1,
                           .origin = "rule", .confidence = NAN };
    return f;
}

static char *keep(struct maker *m, const char *text)
{
    char *s = arena_strndup(m->r->own, text, strlen(text));

    m->failed |= !s;
    return s;
}

static void of_defect(struct maker *m, int i)
{
    const struct defect *d = &m->r->defects->at[i];
    struct finding *f = add(m, d->kind == DEFECT_MISSING_CLAUSE ? "missing"
                                                                : "defect",
                            i);

    f->severity = severity_of_defect[d->kind];
    f->span = d->span;
    f->text = keep(m, d->note);
    if (d->span.from < d->span.to)
        f->clause = clauses_holding(m->r->clauses, d->span);
}

/* Is this passage one to be led to?  Where no verdict is given it is the best
 * ranked; else a report shows it only if it is related. */
static int bears(const struct claim_result *c, const struct evidence *e)
{
    if (c->verdict == VERDICT_NOT_MEASURED)
        return e->score >= LEAST_BEARING;
    return c->verdict != VERDICT_NOT_ADDRESSED &&
           e->relation != RELATION_UNRELATED;
}

/* Clause and probability are members of their own: every report puts them
 * beside the sentence. */
static void of_claim(struct maker *m, int i)
{
    const struct claim_result *c = &m->r->claim[i];
    const struct evidence *e = c->n_evidence ? &c->evidence[0] : NULL;
    struct finding *f = add(m, c->has_stance ? "playbook" : "claim", i);
    int open = c->verdict == VERDICT_NEEDS_REVIEW;
    size_t n = strlen(c->claim->title);
    char buf[600];

    f->origin = "scored";
    f->severity = c->has_stance ? severity_of_stance[c->stance]
                                : severity_of_verdict[c->verdict];
    f->confidence = c->confidence;
    if (e && bears(c, e)) {
        f->span = e->span;
        f->clause = e->clause;
    }
    n -= n > 0 && c->claim->title[n - 1] == '.';    /* a claim of one's own */
    snprintf(buf, sizeof buf, "%.*s: %s%s%s", n < 200 ? (int)n : 200,
             c->claim->title,
             open ? "needs review, perhaps " : "",
             finding_verdict(open ? conclude_forced(c->p) : c->verdict),
             c->has_stance ? stance_words[c->stance] : "");
    f->text = keep(m, buf);
}

static int gravest_first(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;

    if (x->severity != y->severity)
        return y->severity - x->severity;
    if (x->origin[0] != y->origin[0])
        return x->origin[0] < y->origin[0] ? -1 : 1;    /* rule, scored */
    return (x->index > y->index) - (x->index < y->index);
}

enum sor_err findings_make(struct review *r, struct sor_msg *msg)
{
    struct maker m = { .r = r };
    int n = r->defects->n + r->n_claim;

    r->n_finding = 0;
    r->finding = arena_alloc(r->own, (size_t)n, sizeof *r->finding);
    if (!r->finding)
        return sor_fail(msg, SOR_NOMEM, "findings: out of memory");
    for (int i = 0; i < r->defects->n; i++)
        of_defect(&m, i);
    for (int i = 0; i < r->n_claim; i++)
        of_claim(&m, i);
    if (m.failed)
        return sor_fail(msg, SOR_NOMEM, "findings: out of memory");
    qsort(r->finding, (size_t)m.n, sizeof *r->finding, gravest_first);
    r->n_finding = m.n;
    return SOR_OK;
}
