/* review/claim_value.c - claims about a value: which law, how long, how much.
 *
 * The pack has the sentence ("The agreement is governed by the law of {}."),
 * the rules found the values.  A claim of the pack's is made of the one value
 * of the right kind in a clause of the right type; where there are several,
 * code cannot tell which is meant, and the claim names none.  A claim of the
 * user's states a value of its own, and code holds it against those of the
 * clauses: the model's verdict stands only where code comes to the same one.
 * Either also gets the same sentence with another value, as its contrast. */
#include <string.h>

#include "review/claim_impl.h"
#include "review/judge_text.h"

/* By enum value_kind, as all tables here. */
enum { KINDS = VALUE_PARTY + 1 };

/* In place of a value where several exclude one another. */
static const char *const certain[KINDS] = {
    [VALUE_PERIOD] = "a certain time", [VALUE_DATE] = "a certain date",
    [VALUE_AMOUNT] = "a certain sum", [VALUE_PERCENT] = "a certain share",
    [VALUE_LAW] = "a certain place", [VALUE_PARTY] = "one party"
};

/* Put in place of a value where the document has no other of its kind; two, in
 * case it is the first. */
static const struct { const char *text, *norm; } others[KINDS][2] = {
    [VALUE_PERIOD] = { { "seventeen months", "P17M" },
                       { "eleven weeks", "P11W" } },
    [VALUE_DATE] = { { "March 3, 1987", "1987-03-03" },
                     { "June 9, 1991", "1991-06-09" } },
    [VALUE_AMOUNT] = { { "$7,350", "USD 7350.00" },
                       { "$41,900", "USD 41900.00" } },
    [VALUE_PERCENT] = { { "37%", "37%" }, { "61%", "61%" } },
    [VALUE_LAW] = { { "Montana", "montana" }, { "Ontario", "ontario" } },
    [VALUE_PARTY] = { { "The escrow agent", "" }, { "The auditor", "" } },
};

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

/* Another value than this: the document's own, so that it cannot be refused
 * for being out of place; else a stock one. */
static const char *another(struct judging *j, enum value_kind kind,
                           const char *norm, int clause)
{
    const struct graph *g = j->r->graph;

    for (int i = 0; i < g->n_value; i++)
        if (g->value[i].kind == kind && g->value[i].clause != clause &&
            value_same(kind, g->value[i].norm, norm) == 0)
            return printed(j, &g->value[i]);
    return others[kind][strcmp(others[kind][0].norm, norm) == 0].text;
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

/* The claim with `value` in its wordings, and `contrast` in one more; NULL:
 * none. */
static struct claim *claim_about(struct judging *j, const struct claim *c,
                                 const char *value, const char *contrast)
{
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
    if (!contrast)
        return to;
    w[to->n_wording++] = (struct wording){
        .text = fill(j, c->wording[0].text, contrast),
        .to = RELATION_CONTRADICTS, .role = "value",
        .trained = c->wording[0].trained };
    to->title = claim_printf(j, "%s: %.100s", c->title, value);
    return to;
}

/* Is this value in a clause of the type that the claim is about? */
static int is_candidate(const struct judging *j, const struct claim *c,
                        const struct value *v)
{
    int type = v->clause >= 0 && j->r->clause_type
                   ? j->r->clause_type[v->clause] : -1;

    return (int)v->kind == value_kind_of(c->kind) && type >= 0 &&
           c->type && strcmp(j->o->pack->type[type].label, c->type) == 0;
}

/* The different values that such clauses state, at most CLAIM_VALUES; returns
 * how many there are. */
static int candidates(const struct judging *j, const struct claim *c,
                      const struct value **v)
{
    const struct graph *g = j->r->graph;
    int n = 0;

    for (int i = 0; i < g->n_value; i++) {
        int seen = 0;

        for (int k = 0; k < n && k < CLAIM_VALUES; k++)
            seen |= value_same(g->value[i].kind, v[k]->norm,
                               g->value[i].norm) == 1;
        if (seen || !is_candidate(j, c, &g->value[i]))
            continue;
        if (n < CLAIM_VALUES)
            v[n] = &g->value[i];
        n++;
    }
    return n;
}

/* "clause 8.1 states three (3) years; clause 8.2 states one (1) year" */
static const char *say(struct judging *j, const struct value *const *v, int n)
{
    char name[80];
    const char *said = "";

    for (int i = 0; i < n && said; i++)
        said = claim_printf(j, "%.600s%s%s states %.100s", said,
                            i ? "; " : "",
                            claim_clause_name(j->r, v[i]->clause, name,
                                              sizeof name),
                            printed(j, v[i]));
    return said;
}

/* What code makes of a value held against those that the clauses state. */
static enum verdict compare(enum value_kind kind, const char *norm,
                            const struct value *const *v, int n)
{
    int same = 0, unsure = n > CLAIM_VALUES;

    for (int i = 0; i < n && i < CLAIM_VALUES; i++) {
        int is = value_same(kind, norm, v[i]->norm);

        same |= is > 0;
        unsure |= is < 0;
    }
    if (same)
        return n == 1 ? VERDICT_SUPPORTED : VERDICT_NEEDS_REVIEW;
    return unsure ? VERDICT_NEEDS_REVIEW : VERDICT_CONTRADICTED;
}

/* A clause of another type that states this value: perhaps the claim is about
 * that one, and its type was read wrongly.  NULL: none does. */
static const struct value *elsewhere(const struct judging *j,
                                     enum value_kind kind, const char *norm)
{
    const struct graph *g = j->r->graph;

    for (int i = 0; i < g->n_value; i++)
        if (g->value[i].kind == kind && g->value[i].clause >= 0 &&
            value_same(kind, g->value[i].norm, norm) != 0)
            return &g->value[i];
    return NULL;
}

/* The claim states a value itself. */
static void stated(struct judging *j, const struct claim *c,
                   const struct value *const *v, int n,
                   struct claim_about *out)
{
    enum value_kind kind = (enum value_kind)value_kind_of(c->kind);
    char norm[VALUE_FORM], name[80];
    const char *contrast = NULL;
    const struct value *other;

    if (n == 0 || !value_of(j->o->pack, kind, c->stated, norm)) {
        out->said = claim_printf(j, "no clause of type %s states a value of "
                                 "this kind", c->type ? c->type : "any");
    } else {
        out->by_rule = compare(kind, norm, v, n);
        out->n_value = n < CLAIM_VALUES ? n : CLAIM_VALUES;
        other = out->by_rule == VERDICT_CONTRADICTED
                    ? elsewhere(j, kind, norm) : NULL;
        if (other) {
            out->by_rule = VERDICT_NEEDS_REVIEW;
            out->said = claim_printf(j, "%.600s; %s, of another type, states "
                                     "%.100s", out->said,
                                     claim_clause_name(j->r, other->clause,
                                                       name, sizeof name),
                                     printed(j, other));
        }
        contrast = out->by_rule == VERDICT_CONTRADICTED
                       ? printed(j, v[0])
                       : another(j, kind, norm, v[0]->clause);
    }
    out->claim = claim_about(j, c, c->stated, contrast);
}

/* The claim is about the value that the document states. */
static void found(struct judging *j, const struct claim *c,
                  const struct value *const *v, int n,
                  struct claim_about *out)
{
    if (n == 1) {
        out->by_rule = VERDICT_SUPPORTED;
        out->n_value = 1;
        out->claim = claim_about(j, c, printed(j, v[0]),
                                 another(j, v[0]->kind, v[0]->norm,
                                         v[0]->clause));
    } else {
        out->said = claim_printf(j, "%s: none is singled out", out->said);
        out->claim = claim_about(j, c, certain[value_kind_of(c->kind)], NULL);
    }
}

int claim_value(struct judging *j, const struct claim *c,
                struct claim_about *out)
{
    int n;

    *out = (struct claim_about){ .by_rule = VERDICT_NOT_MEASURED };
    n = candidates(j, c, out->value);
    if (n == 0 && !c->stated)
        return 0;
    out->said = say(j, out->value, n < CLAIM_NAMED ? n : CLAIM_NAMED);
    if (c->stated)
        stated(j, c, out->value, n, out);
    else
        found(j, c, out->value, n, out);
    return out->claim && !j->failed;
}
