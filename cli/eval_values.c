/* cli/eval_values.c - claims that state a value: the contract's own, and others
 * that a reader must not be told are its own.
 *
 * FILE is cuad_contracts.jsonl(.gz).  What a contract says of a subject are the
 * annotators' passages, the values in them are read by rule.  To each of the
 * pack's claims about such a subject are put, in a trained wording and in one
 * that was not: the value of those passages where they have one alone (true);
 * a value near it and one far from it that none of them has (changed).  Every
 * one is decided as if its errors were measured. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/eval.h"
#include "review/pack_json.h"

enum { GOLD = 16, TEXTS = 3, WORDINGS = 2, TEXT_BYTES = 120 };

/* A claim as it is put. */
struct put {
    const struct claim *of;             /* the pack's */
    int trained, truth;                 /* truth 0: changed */
    char id[120], text[TEXT_BYTES];     /* text "": the document's own */
};

struct values {
    struct eval *e;
    /* of one contract */
    const struct review *r;
    struct arena arena;
    struct claim *claim;
    struct put *put;
    int n, cap;
};

static int stopped(void *ud)
{
    (void)ud;
    return cli_stopped();
}

/* --- what a contract says ------------------------------------------------ */

/* Values of a kind in the annotators' passages of a type, each once. */
struct gold { const struct value *at[GOLD]; int n, passages; };

static void find_gold(const struct review *r, const cJSON *line,
                      const struct claim *c, struct gold *g)
{
    const cJSON *o;
    enum value_kind kind = (enum value_kind)value_kind_of(c->kind);

    *g = (struct gold){ .n = 0 };
    cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(line, "clauses")) {
        const char *type = eval_text(o, "category");
        struct eval_place at = eval_place(o);

        if (!type || strcmp(type, c->type) != 0)
            continue;
        g->passages++;
        for (int i = 0; i < r->graph->n_value && g->n < GOLD; i++) {
            const struct value *v = &r->graph->value[i];
            int from = (int)document_cp(r->doc, v->span.from), seen = 0;

            for (int k = 0; k < g->n; k++)
                seen |= value_same(kind, g->at[k]->norm, v->norm) == 1;
            if (v->kind == kind && !seen && from >= at.from && from < at.to)
                g->at[g->n++] = v;
        }
    }
}

/* Code can tell it from all that the contract says. */
static int is_other(const struct gold *g, enum value_kind kind,
                    const char *norm)
{
    for (int i = 0; i < g->n; i++)
        if (value_same(kind, g->at[i]->norm, norm) != 0)
            return 0;
    return 1;
}

/* --- other values -------------------------------------------------------- */

static const char *const far_off[][4] = {
    [VALUE_PERIOD] = { "forty-five (45) days", "eight years", "14 months",
                       "twenty-six weeks" },
    [VALUE_DATE] = { "March 3, 1987", "June 9, 2031", "November 30, 2002",
                     "January 17, 2012" },
    [VALUE_AMOUNT] = { "$7,350", "$41,900,000", "$62,500", "$3,300,000" },
    [VALUE_PERCENT] = { "37%", "61%", "4.5%", "83%" },
    [VALUE_LAW] = { "Montana", "Ontario", "Texas", "Singapore" },
};
static const char *const near_law[] = { "New Jersey", "Nevada", "England" };
static const char *const months[] = {
    "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December" };

/* "P30D" -> "31 days", one more of the same unit; the next year; twice the
 * amount; five points more; another state. */
static int near_to(enum value_kind kind, const char *norm, int turn,
                   char out[TEXT_BYTES])
{
    static const struct { const char *end, *unit; } units[] = {
        { "BD", "business days" }, { "D", "days" }, { "W", "weeks" },
        { "M", "months" }, { "Y", "years" }, { "H", "hours" } };
    int y, m, d;
    double n;

    switch (kind) {
    case VALUE_PERIOD:
        if (sscanf(norm, "P%d", &d) != 1)
            return 0;
        for (size_t k = 0; k < sizeof units / sizeof *units; k++)
            if (strlen(norm) > strlen(units[k].end) &&
                strcmp(norm + strlen(norm) - strlen(units[k].end),
                       units[k].end) == 0) {
                snprintf(out, TEXT_BYTES, "%d %s", d + 1, units[k].unit);
                return 1;
            }
        return 0;
    case VALUE_DATE:
        if (sscanf(norm, "%d-%d-%d", &y, &m, &d) != 3 || m < 1 || m > 12)
            return 0;
        snprintf(out, TEXT_BYTES, "%s %d, %d", months[m - 1], d, y + 1);
        return 1;
    case VALUE_AMOUNT:
        if (sscanf(norm, "USD %lf", &n) != 1)
            return 0;
        snprintf(out, TEXT_BYTES, "$%.0f", 2 * n);
        return 1;
    case VALUE_PERCENT:
        snprintf(out, TEXT_BYTES, "%g%%", strtod(norm, NULL) + 5);
        return 1;
    case VALUE_LAW:
        snprintf(out, TEXT_BYTES, "%s", near_law[turn % 3]);
        return 1;
    default:
        return 0;
    }
}

/* --- putting them -------------------------------------------------------- */

/* The claim with one of its wordings first.  text "": as the pack has it. */
static void put(struct values *x, const struct claim *c, int wording,
                const char *text, int truth)
{
    struct wording *w = arena_alloc(&x->arena, (size_t)c->n_wording,
                                    sizeof *w);
    struct claim *to = &x->claim[x->n];
    struct put *p = &x->put[x->n];

    if (x->n == x->cap || !w) {
        x->e->tally.failed = 1;
        return;
    }
    memcpy(w, c->wording, (size_t)c->n_wording * sizeof *w);
    w[wording] = c->wording[0];
    w[0] = c->wording[wording];
    *p = (struct put){ .of = c, .trained = w[0].trained, .truth = truth };
    snprintf(p->id, sizeof p->id, "%.80s/%d", c->id, x->n);
    snprintf(p->text, sizeof p->text, "%s", text);
    *to = *c;
    to->id = p->id;
    to->wording = w;
    to->stated = text[0] ? p->text : NULL;
    to->error = (struct measured){ .n = 1 };
    x->n++;
}

static int untrained(const struct claim *c)
{
    for (int i = 0; i < c->n_wording; i++)
        if (!c->wording[i].trained)
            return i;
    return 0;
}

static void put_value(struct values *x, const struct claim *c,
                      const struct gold *g, const char *text, int truth)
{
    enum value_kind kind = (enum value_kind)value_kind_of(c->kind);
    char norm[VALUE_FORM];

    if (!value_of(x->e->pack, kind, text, norm) ||
        (!truth && !is_other(g, kind, norm)))
        return;
    put(x, c, 0, text, truth);
    if (untrained(c))
        put(x, c, untrained(c), text, truth);
}

static void put_all(struct values *x, const struct claim *c,
                    const struct gold *g)
{
    enum value_kind kind = (enum value_kind)value_kind_of(c->kind);
    int turn = x->e->tally.n_doc;
    char text[TEXT_BYTES];

    put(x, c, 0, "", 1);
    if (g->n == 0 || kind == VALUE_PARTY)
        return;
    if (g->n == 1) {
        struct span s = g->at[0]->span;

        snprintf(text, sizeof text, "%.*s", (int)(s.to - s.from),
                 x->r->doc->text + s.from);
        put_value(x, c, g, text, 1);
        if (near_to(kind, g->at[0]->norm, turn, text))
            put_value(x, c, g, text, 0);
    }
    put_value(x, c, g, far_off[kind][turn % 4], 0);
}

/* --- what became of them ------------------------------------------------- */

static void add(struct values *x, const char *measure, const char *of, int hit)
{
    char name[64];

    snprintf(name, sizeof name, "%.30s%s%.30s", measure, of ? "." : "",
             of ? of : "");
    tally_add(&x->e->tally, name, (struct tally_part){ hit, 1, 1 });
}

/* The document's own value, as the program singles it out. */
static void score_own(struct values *x, const struct claim_result *c,
                      const struct put *p, const struct gold *g)
{
    const char *hole = strstr(p->of->wording[0].text, "{}");
    const char *said = c->claim->wording[0].text;
    size_t before = (size_t)(hole - p->of->wording[0].text), n = strlen(said);
    enum value_kind kind = (enum value_kind)value_kind_of(p->of->kind);
    char text[TEXT_BYTES], norm[VALUE_FORM];
    int right = 0;

    add(x, "own.answered", NULL, c->verdict <= VERDICT_NOT_ADDRESSED);
    if (c->verdict > VERDICT_NOT_ADDRESSED || n < before + strlen(hole + 2))
        return;
    snprintf(text, sizeof text, "%.*s",
             (int)(n - before - strlen(hole + 2)), said + before);
    for (int i = 0; i < g->n && value_of(x->e->pack, kind, text, norm); i++)
        right |= value_same(kind, g->at[i]->norm, norm) == 1;
    right = right == (c->verdict == VERDICT_SUPPORTED);
    add(x, "own.right", NULL, right);
    add(x, "own.right", p->of->id, right);
}

static void score_put(struct values *x, const struct claim_result *c,
                      const struct put *p)
{
    static const char *const words[] = { "untrained", "trained" };
    const char *trained = words[p->trained];
    int given = c->verdict <= VERDICT_NOT_ADDRESSED;
    int supported = c->verdict == VERDICT_SUPPORTED;
    enum verdict want = p->truth ? VERDICT_SUPPORTED : VERDICT_CONTRADICTED;
    int model = !isnan(c->p[0]) && c->p[VERDICT_SUPPORTED] > c->p[1] &&
                c->p[VERDICT_SUPPORTED] > c->p[2];

    add(x, "answered", NULL, given);
    if (given) {
        add(x, "given", NULL, c->verdict == want);
        add(x, "given", trained, c->verdict == want);
        add(x, "given", p->of->id, c->verdict == want);
        if (c->verdict == VERDICT_CONTRADICTED)
            add(x, "contradicted", p->of->id, !p->truth);
    }
    if (p->truth) {
        add(x, "true.supported", NULL, supported);
        add(x, "true.supported", trained, supported);
        return;
    }
    add(x, "changed.supported", NULL, supported);
    add(x, "changed.supported", trained, supported);
    add(x, "changed.supported", p->of->kind, supported);
    add(x, "changed.contradicted", NULL, c->verdict == want);
    if (!isnan(c->p[0]))
        add(x, "changed.model_supports", trained, model);
}

static void score(struct values *x, const cJSON *line)
{
    for (int i = 0; i < x->r->n_claim; i++) {
        const struct claim_result *c = &x->r->claim[i];
        const struct put *p = x->put;
        struct gold g;

        while (p < x->put + x->n && strcmp(p->id, c->claim->id) != 0)
            p++;
        if (p == x->put + x->n)
            continue;
        find_gold(x->r, line, p->of, &g);
        if (p->text[0])
            score_put(x, c, p);
        else if (g.passages && p->of->kind && strcmp(p->of->kind, "party"))
            score_own(x, c, p, &g);
    }
}

/* --- contracts ----------------------------------------------------------- */

static enum sor_err value_line(void *ud, const cJSON *line)
{
    struct values *x = ud;
    const struct pack *pack = x->e->pack;
    struct sor_msg *msg = &x->e->cli->msg;
    const char *text = eval_text(line, "text");
    struct review_opts o = { .pack = x->e->pack, .n_path = x->e->n_path,
        .strict = x->e->strict, .values_only = 1, .cancelled = stopped };
    struct review *r = NULL;
    enum sor_err err;

    if (!text)
        return sor_fail(msg, SOR_FORMAT, "a line has no \"text\"");
    if ((err = eval_read(text, &o, &r, msg)))
        return err;
    tally_next(&x->e->tally);
    x->r = r;
    x->n = 0;
    x->cap = (1 + TEXTS * WORDINGS) * pack->n_claim;
    x->claim = arena_alloc(&x->arena, (size_t)x->cap, sizeof *x->claim);
    x->put = arena_alloc(&x->arena, (size_t)x->cap, sizeof *x->put);
    for (int i = 0; i < pack->n_claim && x->claim && x->put; i++) {
        const struct claim *c = &pack->claim[i];
        struct gold g;

        if (value_kind_of(c->kind) < 0 || !c->type)
            continue;
        find_gold(r, line, c, &g);
        put_all(x, c, &g);
    }
    o.claim = x->claim;
    o.n_claim = x->n;
    if (!x->claim || !x->put)
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    else
        err = review_judge(r, &o, x->e->judge, msg);
    if (!err)
        score(x, line);
    review_close(r);
    arena_release(&x->arena);
    progress_set(&x->e->bar, (uint64_t)++x->e->n_done);
    return err;
}

enum sor_err eval_values(struct eval *e, const char *path)
{
    struct values x = { .e = e };
    enum sor_err err = eval_lines(path, e->max_doc, value_line, &x,
                                  &e->cli->msg);

    arena_release(&x.arena);
    return err;
}
