/* review/score.c - an application as a sum of weights (a scorecard): log odds of
 * repayment = start + the weight of each attribute's value. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "review/score.h"

static const struct fact *fact_of(const struct pack *p, const char *group,
                                  const char *id)
{
    int n;
    const struct fact *f = pack_facts(p, group, &n);

    for (int i = 0; i < n; i++)
        if (strcmp(f[i].id, id) == 0)
            return &f[i];
    return NULL;
}

/* The value of an attribute that the item is: a code by its id, a number by
 * its band; NULL: neither. */
static const struct fact *value_of(const struct pack *p,
                                   const struct fact *attribute,
                                   const cJSON *item)
{
    int n;
    const struct fact *f = pack_facts(p, cJSON_IsString(item) ? "code" : "band",
                                      &n);

    for (int i = 0; i < n; i++) {
        if (!f[i].of || strcmp(f[i].of, attribute->id) != 0)
            continue;
        if (cJSON_IsString(item) ? strcmp(f[i].id, item->valuestring) == 0
                                 : cJSON_IsNumber(item) &&
                                   item->valuedouble >= f[i].low &&
                                   item->valuedouble < f[i].high)
            return &f[i];
    }
    return NULL;
}

static const struct fact *why_of(const struct pack *p,
                                 const struct fact *attribute)
{
    int n;
    const struct fact *f = pack_facts(p, "reason", &n);

    for (int i = 0; i < n; i++)
        if (f[i].of && strcmp(f[i].of, attribute->id) == 0)
            return &f[i];
    return NULL;
}

static int most_against(const void *a, const void *b)
{
    double x = ((const struct reason *)a)->value->weight;
    double y = ((const struct reason *)b)->value->weight;

    return (x > y) - (x < y);
}

/* Upper end of the 95 % interval of wrong / n.
 * Source: E. B. Wilson, Probable inference, JASA 22 (1927). */
static double wilson_high(int wrong, int n)
{
    double z = 1.959964, p = (double)wrong / n, zz = z * z / n;

    return (p + zz / 2 + z * sqrt(p * (1 - p) / n + zz / (4.0 * n))) / (1 + zz);
}

/* The error rate of the decision: refusals are measured apart, grants are the
 * rest of all. */
static void decide(const struct pack *p, struct score *s)
{
    const struct fact *most = fact_of(p, "score", "majority");
    const struct measured *all = p->n_claim ? &p->claim[0].error : NULL;
    const struct measured *no = p->n_claim ? &p->claim[0].error_contradicted
                                           : NULL;

    if (!most || !all || all->n <= no->n || no->n == 0)
        return;
    s->error = *no;
    if (s->granted) {
        s->error.n = all->n - no->n;
        s->error.wrong = all->wrong - no->wrong;
        s->error.high = wilson_high(s->error.wrong, s->error.n);
        s->error.low = 1 - wilson_high(s->error.n - s->error.wrong,
                                       s->error.n);
    }
    s->base = s->granted ? most->weight : 1 - most->weight;
    s->decides = 1 - s->error.high > s->base;
}

enum sor_err score_read(const struct pack *p, const cJSON *row,
                        struct score *out, struct sor_msg *msg)
{
    int n;
    const struct fact *a = pack_facts(p, "attribute", &n);
    const struct fact *start = fact_of(p, "score", "start");
    double odds = start ? start->weight : 0;
    struct score s = { .p = 0 };

    if (!start || n == 0 || n > SCORE_REASONS)
        return sor_fail(msg, SOR_UNSUP, "the pack \"%s\" has no score", p->id);
    for (int i = 0; i < n; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, a[i].id);
        const struct fact *v;

        if (!item || cJSON_IsNull(item)) {
            s.missing[s.n_missing++] = &a[i];
            continue;
        }
        if (!(v = value_of(p, &a[i], item)))
            return sor_fail(msg, SOR_FORMAT, "\"%s\": not a value that the "
                            "pack \"%s\" knows", a[i].id, p->id);
        s.reason[s.n_reason++] = (struct reason) { &a[i], v,
                                                   why_of(p, &a[i]) };
        odds += v->weight;
    }
    if (s.n_reason == 0)
        return sor_fail(msg, SOR_FORMAT, "no attribute of the pack \"%s\"; the "
                        "first is \"%s\"", p->id, a[0].id);
    qsort(s.reason, (size_t)s.n_reason, sizeof *s.reason, most_against);
    s.p = 1 / (1 + exp(-odds));
    s.granted = s.p >= 0.5;
    if (s.n_missing == 0)       /* whole applications were measured */
        decide(p, &s);
    *out = s;
    return SOR_OK;
}
