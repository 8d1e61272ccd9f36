/* review/conclude.c - from readings to verdicts.
 *
 *   logit P(related)            = a x + b prior + c,   x = logit max e
 *   logit P(supports | related) = a'y + b'prior'+ c',  y = logit w
 *
 * where e = 1 - p(unrelated) of a passage and w the share of "supports" in what
 * the passages say on either side.  The six weights are the pack's, fitted on
 * documents that the adapter was not trained on. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "review/claim_impl.h"

static const double LEAST = 1e-4;       /* of a probability, for its logit */
static const double EDGE = 0.5;         /* from here on a passage is related */

static double logit(double p)
{
    p = p < LEAST ? LEAST : p > 1.0 - LEAST ? 1.0 - LEAST : p;
    return log(p / (1.0 - p));
}

static double odds(const struct log_odds *w, double x, double prior)
{
    return 1.0 / (1.0 + exp(-(w->evidence * x + w->prior * prior + w->bias)));
}

void conclude_p(const struct calibration *cal, const struct claim *c,
                float (*p)[RELATIONS], int n, double out[3])
{
    double e = 0.0, sup = 0.0, con = 0.0, related, supports;

    for (int i = 0; i < n; i++) {
        double x = 1.0 - (double)p[i][RELATION_UNRELATED];

        e = x > e ? x : e;
        sup += (double)p[i][RELATION_SUPPORTS];
        con += (double)p[i][RELATION_CONTRADICTS];
    }
    related = odds(&cal->related, logit(e), c->prior.related);
    supports = odds(&cal->supports,
                    logit(sup + con > 0.0 ? sup / (sup + con) : 0.5),
                    c->prior.supports);
    out[VERDICT_SUPPORTED] = related * supports;
    out[VERDICT_CONTRADICTED] = related * (1.0 - supports);
    out[VERDICT_NOT_ADDRESSED] = 1.0 - related;
}

enum verdict conclude_forced(const double p[3])
{
    int best = VERDICT_NOT_ADDRESSED;

    for (int v = 0; v < 3; v++)
        if (p[v] > p[best])
            best = v;
    return (enum verdict)best;
}

/* The pack's isotonic map of a score to the probability of being right. */
static double confidence(const struct calibration *cal, double x)
{
    int i = 1;

    if (cal->n_knot < 2)
        return x;
    while (i < cal->n_knot - 1 && x > cal->knot_x[i])
        i++;
    x = (x - cal->knot_x[i - 1]) / (cal->knot_x[i] - cal->knot_x[i - 1]);
    x = x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
    return cal->knot_y[i - 1] + x * (cal->knot_y[i] - cal->knot_y[i - 1]);
}

/* --- evidence, votes ----------------------------------------------------- */

/* Does `lead` open the list ("... to information that:") that `item` is of? */
static int leads(const struct review *r, const struct evidence *lead,
                 const struct evidence *item)
{
    size_t to = lead->span.to;

    while (to > lead->span.from &&
           isspace((unsigned char)r->doc->text[to - 1]))
        to--;
    return to > lead->span.from && r->doc->text[to - 1] == ':' &&
           item->clause >= 0 && lead->clause >= 0 &&
           r->clauses->at[item->clause].parent == lead->clause;
}

/* The item of a list says more to a reader than the words before the list: the
 * best related one goes before them. */
static void items_first(const struct review *r, struct claim_result *c)
{
    int k = 1;

    if (!c->evidence)
        return;
    while (k < c->n_evidence && c->evidence[k].score >= EDGE &&
           !leads(r, &c->evidence[0], &c->evidence[k]))
        k++;
    if (k < c->n_evidence && c->evidence[k].score >= EDGE) {
        struct evidence item = c->evidence[k];

        memmove(&c->evidence[1], &c->evidence[0],
                (size_t)k * sizeof c->evidence[0]);
        c->evidence[0] = item;
    }
}

static void cite_evidence(struct judging *j, struct inquiry *q)
{
    struct claim_result *c = q->out;

    c->evidence = claim_alloc(j, q->n_cited, sizeof *c->evidence);
    for (int i = 0; c->evidence && i < q->n_cited; i++) {
        const struct passage *p = &j->r->passages->at[q->cited[i]];
        struct evidence *e = &c->evidence[c->n_evidence++];

        *e = (struct evidence){
            .passage = q->cited[i], .clause = p->clause, .span = p->span,
            .score = 1.0 - (double)q->p[i][RELATION_UNRELATED],
            .status = "located",
        };
        if (e->score >= EDGE)
            e->relation = q->p[i][RELATION_SUPPORTS] >=
                                  q->p[i][RELATION_CONTRADICTS]
                              ? RELATION_SUPPORTS : RELATION_CONTRADICTS;
        /* best first: the paths may have changed the order */
        for (struct evidence *at = e; at > c->evidence &&
                                      at[-1].score < at->score; at--) {
            struct evidence t = at[-1];

            at[-1] = *at;
            *at = t;
        }
    }
    items_first(j->r, c);
}

static void count_votes(struct claim_result *c)
{
    int first = -1;

    for (int i = 0; i < c->n_path; i++) {
        const struct review_path *p = &c->path[i];

        if (!p->counts)
            continue;
        c->votes[p->verdict]++;
        if (first < 0)
            first = i;
        else if (c->first_diff[0] < 0 &&
                 p->verdict != c->path[first].verdict) {
            c->first_diff[0] = first;
            c->first_diff[1] = i;
        }
    }
    if (c->n_count)
        c->stability = (double)c->votes[conclude_forced(c->p)] / c->n_count;
}

/* --- playbook ------------------------------------------------------------ */

/* The position for the party that was chosen, else the one for any. */
static void take_position(struct claim_result *c, const char *party)
{
    const struct position *any = NULL;
    enum verdict v = conclude_forced(c->p);

    for (int i = 0; i < c->claim->n_position; i++) {
        const struct position *p = &c->claim->position[i];

        if (party && strcmp(p->party, party) == 0)
            c->position = p;
        if (!p->party[0])
            any = p;
    }
    if (!c->position)
        c->position = any;
    if (!c->position || c->verdict == VERDICT_NOT_MEASURED)
        return;
    c->has_stance = 1;
    c->stance = c->verdict == VERDICT_NEEDS_REVIEW ? STANCE_FALLBACK
                                                   : c->position->on[v];
}

/* --- what would change it ------------------------------------------------ */

static const struct check *first_check(const struct claim_result *c,
                                       enum check_kind kind, int failed)
{
    for (int i = 0; i < c->n_check; i++)
        if (c->check[i].kind == kind && (!failed || c->check[i].passed == 0))
            return &c->check[i];
    return NULL;
}

static const struct check *what_forbids(const struct claim_result *c)
{
    for (int i = 0; i < c->n_check; i++)
        if (check_forbids(&c->check[i]))
            return &c->check[i];
    return NULL;
}

static char *say_flip(struct judging *j, const struct inquiry *q)
{
    const struct claim_result *c = q->out;
    const struct check *x = first_check(c, CHECK_KNOCKOUT, 0);
    enum verdict v = conclude_forced(c->p);
    char name[80];

    if (q->n_cited == 0)
        return claim_printf(j, "Any passage that speaks to the claim.");
    if (v == VERDICT_NOT_ADDRESSED)
        return claim_printf(j, "A passage that speaks to the claim; the "
                            "nearest is %s (related %.2f).",
                            claim_clause_name(j->r, c->evidence[0].clause,
                                              name, sizeof name),
                            c->evidence[0].score);
    if (x && x->passed && conclude_forced(x->p) == VERDICT_NOT_ADDRESSED)
        return claim_printf(j, "Without %s nothing in the document speaks to "
                            "the claim.",
                            claim_clause_name(j->r, x->clause, name,
                                              sizeof name));
    if (x && x->passed)
        return claim_printf(j, "Striking one clause is not enough: %s.",
                            x->note ? x->note : "");
    if (x)
        return claim_printf(j, "%s turns it: %s.", x->input ? x->input : "",
                            x->note ? x->note : "");
    return claim_printf(j, "Another value in the clause.");
}

/* --- verdicts ------------------------------------------------------------ */

/* A path that reads the same passages says otherwise.  One that leaves the best
 * of them out may well. */
static int is_split(const struct claim_result *c)
{
    enum verdict v = conclude_forced(c->p);

    for (int i = 0; i < c->n_path; i++)
        if (c->path[i].counts && c->path[i].variant != PATH_SUBSET &&
            c->path[i].verdict != v)
            return 1;
    return 0;
}

static enum verdict verdict_of(const struct judging *j,
                               const struct claim_result *c)
{
    int strict = j->o->strict || !c->claim->wording[0].trained;
    double least = strict ? j->cal->answer_strict : j->cal->answer;

    if (c->confidence < least || is_split(c) || what_forbids(c))
        return VERDICT_NEEDS_REVIEW;
    return conclude_forced(c->p);
}

/* Nobody measured such a claim: ranked passages, and no verdict. */
static void leave_open(struct claim_result *c)
{
    c->verdict = VERDICT_NOT_MEASURED;
    for (int v = 0; v < 3; v++)
        c->p[v] = NAN;
    for (int k = 0; k < c->n_path; k++) {
        c->path[k].verdict = VERDICT_NOT_MEASURED;
        memcpy(c->path[k].p, c->p, sizeof c->p);
    }
}

void conclude(struct judging *j)
{
    for (int i = 0; i < j->n; i++) {
        struct inquiry *q = &j->inquiry[i];
        struct claim_result *c = q->out;

        cite_evidence(j, q);
        if (!claim_is_measured(q)) {
            leave_open(c);
            continue;
        }
        count_votes(c);
        c->error_correlation = j->cal->path_correlation;
        c->confidence = confidence(j->cal, c->p[conclude_forced(c->p)]);
        c->verdict = verdict_of(j, c);
        take_position(c, j->r->side);
        c->flip = say_flip(j, q);
    }
}
