/* review/claim_value.c - claims about a value: which law, how long, how much.
 *
 * The pack has the sentence ("The agreement is governed by the law of {}."),
 * the rules found the values; a claim is made of the one value of the right
 * kind in a clause of the right type.  Where there are several, code cannot
 * tell which is meant, and the claim names none.  A claim with a measured error
 * rate also gets the same sentence with another value, as its contrast. */
#include <string.h>

#include "review/claim_impl.h"
#include "review/judge_text.h"

enum { MOST_VALUES = 3 };               /* that a note names */

static const struct { const char *kind; enum value_kind value; } kinds[] = {
    { "law", VALUE_LAW }, { "period", VALUE_PERIOD }, { "date", VALUE_DATE },
    { "amount", VALUE_AMOUNT }, { "percent", VALUE_PERCENT },
    { "party", VALUE_PARTY },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* In place of a value where several exclude one another. */
static const char *const certain[KINDS] = {
    "a certain place", "a certain time", "a certain date", "a certain sum",
    "a certain share", "one party"
};

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

static int kind_index(const struct claim *c)
{
    int k = 0;

    while (k < KINDS && strcmp(kinds[k].kind, c->kind) != 0)
        k++;
    return k;
}

int claim_value_kind(const struct claim *c)
{
    int k = kind_index(c);

    return k < KINDS ? (int)kinds[k].value : -1;
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

/* v NULL: about no value in particular. */
static struct claim *claim_about(struct judging *j, const struct claim *c,
                                 const struct value *v)
{
    const char *value = v ? printed(j, v) : certain[kind_index(c)];
    struct claim *to = claim_alloc(j, 1, sizeof *to);
    struct wording *w = claim_alloc(j, c->n_wording + 1, sizeof *w);

    if (!to || !w)
        return NULL;
    *to = *c;
    for (int i = 0; i < c->n_wording; i++) {
        w[i] = c->wording[i];
        w[i].text = fill(j, c->wording[i].text, value);
    }
    to->wording = w;
    if (!v)
        return to;
    w[to->n_wording++] = (struct wording){
        .text = fill(j, c->wording[0].text, another(j, v)),
        .to = RELATION_CONTRADICTS, .role = "value", .trained = 1 };
    to->title = claim_printf(j, "%s: %.100s", c->title, value);
    return to;
}

/* Is this value in a clause of the type that the claim is about? */
static int is_candidate(const struct judging *j, const struct claim *c,
                        const struct value *v)
{
    int type = v->clause >= 0 && j->r->clause_type
                   ? j->r->clause_type[v->clause] : -1;

    return (int)v->kind == claim_value_kind(c) && type >= 0 &&
           c->type && strcmp(j->o->pack->type[type].label, c->type) == 0;
}

/* "clause 8.1 states three (3) years; clause 8.2 states one (1) year: .." */
static const char *say(struct judging *j, const struct value *const *v, int n)
{
    char name[80];
    const char *said = "";

    for (int i = 0; i < n && said; i++)
        said = claim_printf(j, "%s%s%s states %.100s", said, i ? "; " : "",
                            claim_clause_name(j->r, v[i]->clause, name,
                                              sizeof name),
                            printed(j, v[i]));
    return n > 1 && said ? claim_printf(j, "%s: none is singled out", said)
                         : said;
}

int claim_value(struct judging *j, const struct claim *c,
                struct claim_about *out)
{
    const struct graph *g = j->r->graph;
    const struct value *v[MOST_VALUES];
    int n = 0;

    for (int i = 0; i < g->n_value && n < MOST_VALUES; i++) {
        int seen = 0;

        for (int k = 0; k < n; k++)
            seen |= strcmp(v[k]->norm, g->value[i].norm) == 0;
        if (!seen && is_candidate(j, c, &g->value[i]))
            v[n++] = &g->value[i];
    }
    if (n == 0)
        return 0;
    *out = (struct claim_about){ claim_about(j, c, n == 1 ? v[0] : NULL),
                                 n == 1 ? v[0] : NULL, say(j, v, n) };
    return out->claim && !j->failed;
}
