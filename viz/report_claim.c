/* viz/report_claim.c - what is said beside a claim: its evidence, how far its
 * paths agree and where they part.  Every report says it in the same words. */
#include <math.h>
#include <string.h>

#include "viz/report.h"

static const double LEAST_BEARING = 0.05;      /* of a ranked clause */

const char *const report_verdicts[REPORT_VERDICTS] = {
    "supported", "contradicted", "not_addressed"
};

const struct db_claim_path *report_path(const struct report *r,
                                        int64_t claim_id, int *at)
{
    while (*at < report_n(r, DB_CLAIM_PATH)) {
        const struct db_claim_path *p = report_row(r, DB_CLAIM_PATH, (*at)++);

        if (p->claim_id == claim_id)
            return p;
    }
    return NULL;
}

int report_vote(const struct db_claim_path *p)
{
    int k = p->counts ? REPORT_VERDICTS - 1 : -1;

    while (k >= 0 && strcmp(report_verdicts[k], p->verdict) != 0)
        k--;
    return k;
}

int report_votes(const struct report *r, int64_t claim_id,
                 int n[REPORT_VERDICTS])
{
    const struct db_claim_path *p;
    int sum = 0, k;

    memset(n, 0, REPORT_VERDICTS * sizeof *n);
    for (int at = 0; (p = report_path(r, claim_id, &at)); )
        if ((k = report_vote(p)) >= 0) {
            n[k]++;
            sum++;
        }
    return sum;
}

int report_is_ranked(const struct report *r, int64_t claim_id)
{
    const struct db_verdict *v = report_verdict(r, claim_id);

    return v && strcmp(v->verdict, "not_measured") == 0;
}

const struct db_evidence *report_evidence(const struct report *r,
                                          int64_t claim_id, int *at)
{
    int ranked = report_is_ranked(r, claim_id);

    while (*at < report_n(r, DB_EVIDENCE)) {
        const struct db_evidence *e = report_row(r, DB_EVIDENCE, (*at)++);

        if (e->claim_id == claim_id &&
            (ranked ? e->rank < REPORT_RANKED && e->score >= LEAST_BEARING
                    : strcmp(e->relation, "unrelated") != 0))
            return e;
    }
    return NULL;
}

const char *report_suggestion(const struct report *r, int64_t claim_id,
                              int *from, int *to)
{
    const struct db_verdict *v = report_verdict(r, claim_id);
    const struct db_evidence *e;
    int at = 0;

    *from = *to = -1;
    if (!v || !v->suggest || !v->stance || strcmp(v->stance, "standard") == 0)
        return NULL;
    e = report_is_ranked(r, claim_id) ? NULL
                                      : report_evidence(r, claim_id, &at);
    if (e && e->char_from >= 0 && e->char_from < e->char_to) {
        *from = e->char_from;
        *to = e->char_to;
    }
    return v->suggest;
}

/* The probability of answer k (1 supports, 2 contradicts) in the reading of
 * this evidence on one path; NaN: the path does not rest on the passage. */
static double reading_p(const struct report *r, int64_t path_id,
                        const struct db_evidence *e, int k)
{
    for (int i = 0; i < report_n(r, DB_CLAIM_READING); i++) {
        const struct db_claim_reading *g = report_row(r, DB_CLAIM_READING, i);
        const struct db_passage *s = g->path_id != path_id ? NULL
            : report_find(r, DB_PASSAGE, g->passage_id);

        if (s && s->char_from == e->char_from && s->char_to == e->char_to)
            return g->p[k];
    }
    return NAN;
}

/* The probability of the relation that evidence is given, where its score is
 * that of any relation at all; made of the same readings as that: half of the
 * plain path, half of the mean of the others that count.  The opposite's
 * answers are turned round.  NaN: the plain path does not rest on it. */
static double relation_p(const struct report *r, const struct db_evidence *e)
{
    int k = strcmp(e->relation, "supports") == 0 ? 1 : 2, n = 0;
    double plain = NAN, sum = 0;

    for (int i = 0; i < report_n(r, DB_CLAIM_PATH); i++) {
        const struct db_claim_path *c = report_row(r, DB_CLAIM_PATH, i);
        double p;

        if (c->claim_id != e->claim_id || !c->counts ||
            strcmp(c->variant, "subset") == 0)
            continue;
        p = reading_p(r, c->path_id, e, strcmp(c->variant, "opposite") == 0
                                            ? 3 - k : k);
        if (strcmp(c->variant, "plain") == 0) {
            plain = p;
        } else if (!isnan(p)) {
            sum += p;
            n++;
        }
    }
    return n ? (plain + sum / n) / 2 : plain;
}

void report_put_evidence(const struct report *r, const struct db_evidence *e,
                         struct str *out)
{
    double p;

    str_printf(out, "bears on it (%.2f)", e->score);
    if (!report_is_ranked(r, e->claim_id)) {
        str_printf(out, ", %s it", e->relation);
        if (!isnan(p = relation_p(r, e)))
            str_printf(out, " (%.2f)", p);
    }
    str_printf(out, ", %s", e->status);
    if (e->page > 0)
        str_printf(out, ", page %d", e->page);
}

/* "plain (supported)" of the path with this id. */
static void put_side(const struct report *r, int64_t path_id, struct str *out)
{
    for (int i = 0; i < report_n(r, DB_CLAIM_PATH); i++) {
        const struct db_claim_path *p = report_row(r, DB_CLAIM_PATH, i);

        if (p->path_id == path_id)
            str_printf(out, "path %d, %s (%s)", i,
                       report_word(p->variant), report_word(p->verdict));
    }
}

void report_put_agreement(const struct report *r, const struct db_verdict *v,
                          struct str *out)
{
    if (v->n_count <= 0 || isnan(v->stability))
        return;
    str_printf(out, "; %.0f %% of %d path%s agree%s", 100 * v->stability,
               v->n_count, v->n_count == 1 ? "" : "s",
               v->n_count == 1 ? "s" : "");
    if (v->path_a && v->path_b) {
        str_puts(out, "; they first part between ");
        put_side(r, v->path_a, out);
        str_puts(out, " and ");
        put_side(r, v->path_b, out);
    }
}

/* The likeliest of the three answers. */
static int likeliest(const double p[REPORT_VERDICTS])
{
    int best = 0;

    for (int k = 1; k < REPORT_VERDICTS; k++)
        if (p[k] > p[best])
            best = k;
    return best;
}

/* Does a path that reads the same passages, or a check, speak against answer
 * k?  Nobody expects a path without the best passage to agree, nor a clause
 * struck out to change nothing. */
static int is_opposed(const struct report *r, int64_t claim_id, int k)
{
    const struct db_claim_path *p;

    for (int at = 0; (p = report_path(r, claim_id, &at)); )
        if (report_vote(p) >= 0 && report_vote(p) != k &&
            strcmp(p->variant, "subset") != 0)
            return 1;
    for (int i = 0; i < report_n(r, DB_CHECK); i++) {
        const struct db_check *c = report_row(r, DB_CHECK, i);

        if (c->claim_id == claim_id && c->passed == 0 &&
            strcmp(c->kind, "knockout") != 0)
            return 1;
    }
    return 0;
}

void report_put_doubt(const struct report *r, const struct db_verdict *v,
                      struct str *out)
{
    int best = likeliest(v->p);

    if (strcmp(v->verdict, "needs_review") == 0 && !isnan(v->p[best]) &&
        !is_opposed(r, v->claim_id, best))
        str_puts(out, "; nothing speaks against it, but it is not likely "
                 "enough for a verdict");
}

void report_put_worth(const struct report *r, const struct db_claim *c,
                      const struct db_verdict *v, struct str *out)
{
    str_puts(out, "; ");
    report_put_error_rate(c, out);
    str_printf(out, "; %s", report_contrast_word(report_contrast(r, c->id)));
    report_put_agreement(r, v, out);
    report_put_doubt(r, v, out);
}

void report_put_correlation(const struct report *r, struct str *out)
{
    for (int i = 0; i < report_n(r, DB_VERDICT); i++) {
        const struct db_verdict *v = report_row(r, DB_VERDICT, i);

        if (isnan(v->error_correlation))
            continue;
        str_printf(out, "Errors of paths correlate at %.2f, so that their "
                   "agreement is no independent proof.", v->error_correlation);
        return;
    }
}

void report_put_p(struct str *out, double p, int digits)
{
    if (isnan(p))
        str_putc(out, '-');
    else
        str_printf(out, "%.*f", digits, p);
}
