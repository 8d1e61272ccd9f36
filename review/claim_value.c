/* review/claim_value.c - claims about a value: which law, how long, how much.
 *
 * The pack has the sentence ("The agreement is governed by the law of {}."),
 * the rules found the values; a claim is made for each value of the right kind
 * in a clause of the right type.  The same sentence with another value is put
 * to the clause as its contrast. */
#include <string.h>

#include "review/claim_impl.h"
#include "review/judge_text.h"

enum { MOST_VALUES = 3 };               /* of one claim */

static const struct { const char *kind; enum value_kind value; } kinds[] = {
    { "law", VALUE_LAW }, { "period", VALUE_PERIOD }, { "date", VALUE_DATE },
    { "amount", VALUE_AMOUNT }, { "percent", VALUE_PERCENT },
    { "party", VALUE_PARTY },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Put in place of a value where the document has no other of its kind; two, in
 * case it is the first. */
static const struct { const char *text, *norm; } others[KINDS][2] = {
    { { "Montana", "montana" }, { "Ontario", "ontario" } },
    { { "seventeen months", "P17M" }, { "eleven weeks", "P11W" } },
    { { "March 3, 1987", "1987-03-03" }, { "June 9, 1991", "1991-06-09" } },
    { { "$7,350", "USD 7350.00" }, { "$41,900", "USD 41900.00" } },
    { { "37%", "37%" }, { "61%", "61%" } },
    { { "The escrow agent", "" }, { "The auditor", "" } },
};

int claim_value_kind(const char *kind)
{
    for (int k = 0; k < KINDS; k++)
        if (strcmp(kinds[k].kind, kind) == 0)
            return (int)kinds[k].value;
    return -1;
}

/* The value as printed, white space collapsed. */
static const char *printed(struct judging *j, const struct value *v)
{
    struct str s;
    const char *copy;

    str_init(&s);
    judge_collapse(&s, j->r->doc->text + v->span.from,
                   v->span.to - v->span.from);
    if (!str_ok(&s))
        j->failed = SOR_NOMEM;
    copy = claim_text(j, s.p, s.len);
    str_release(&s);
    return copy;
}

/* Another value of the same kind: the document's own, so that it cannot be
 * refused for being out of place; else a stock one. */
static const char *another(struct judging *j, const struct value *v)
{
    const struct graph *g = j->r->graph;
    int k = 0;

    for (int i = 0; i < g->n_value; i++)
        if (g->value[i].kind == v->kind && g->value[i].clause != v->clause &&
            strcmp(g->value[i].norm, v->norm) != 0)
            return printed(j, &g->value[i]);
    while (kinds[k].value != v->kind)
        k++;
    return others[k][strcmp(others[k][0].norm, v->norm) == 0].text;
}

/* A template with a value in place of its "{}". */
static const char *fill(struct judging *j, const char *template,
                        const char *value)
{
    const char *hole = strstr(template, "{}");

    if (!hole)
        return template;
    return claim_printf(j, "%.*s%.200s%s", (int)(hole - template), template,
                        value, hole + 2);
}

static struct claim *claim_about(struct judging *j, const struct claim *c,
                                 const struct value *v)
{
    const char *value = printed(j, v);
    struct claim *to = claim_alloc(j, 1, sizeof *to);
    struct wording *w = claim_alloc(j, c->n_wording + 1, sizeof *w);

    if (!to || !w)
        return NULL;
    *to = *c;
    for (int i = 0; i < c->n_wording; i++) {
        w[i] = c->wording[i];
        w[i].text = fill(j, c->wording[i].text, value);
    }
    w[c->n_wording] = (struct wording){
        .text = fill(j, c->wording[0].text, another(j, v)),
        .to = RELATION_CONTRADICTS, .role = "value", .trained = 1 };
    to->wording = w;
    to->n_wording = c->n_wording + 1;
    to->title = claim_printf(j, "%s: %.100s", c->title, value);
    return to;
}

/* Is this value in a clause of the type that the claim is about? */
static int is_candidate(const struct judging *j, const struct claim *c,
                        const struct value *v)
{
    int type = v->clause >= 0 && j->r->clause_type
                   ? j->r->clause_type[v->clause] : -1;

    return (int)v->kind == claim_value_kind(c->kind) && type >= 0 &&
           c->type && strcmp(j->o->pack->type[type].label, c->type) == 0;
}

struct claim_about *claim_values(struct judging *j, const struct claim *c,
                                 int *n)
{
    const struct graph *g = j->r->graph;
    struct claim_about *out = claim_alloc(j, MOST_VALUES, sizeof *out);

    *n = 0;
    for (int i = 0; out && i < g->n_value && *n < MOST_VALUES; i++) {
        const struct value *v = &g->value[i];
        int seen = 0;

        for (int k = 0; k < *n; k++)
            seen |= strcmp(out[k].value->norm, v->norm) == 0;
        if (seen || !is_candidate(j, c, v))
            continue;
        out[*n] = (struct claim_about){ claim_about(j, c, v), v };
        if (!out[*n].claim)
            return NULL;
        if (*n)
            out[*n].claim->id = claim_printf(j, "%s-%d", c->id, *n + 1);
        (*n)++;
    }
    return out;
}
