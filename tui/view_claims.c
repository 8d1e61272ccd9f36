/* tui/view_claims.c - the claims of a review: verdict, how sure, by which
 * paths, and what the checks said. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/reviewed.h"

enum { WANTED = 1u << DB_CLAUSE | 1u << DB_CLAIM | 1u << DB_VERDICT |
                1u << DB_EVIDENCE | 1u << DB_CHECK | 1u << DB_CLAIM_PATH };

enum { C_NAME, C_VERDICT, C_SURE, C_STABLE, C_CHECKS, C_WRONG, C_FLIPS,
       C_TITLE };

static const struct col cols[] = {
    { "Claim", 8, COL_FLEX, 0 },        { "Verdict", 13, 0, 0 },
    { "p", 5, COL_RIGHT, 0 },           { "Paths", 6, COL_RIGHT, 76 },
    { "Checks", 6, COL_RIGHT, 0 },      { "Wrong", 10, COL_RIGHT, 76 },
    { "Flips if", 8, 0, 0 },
    { "What", 0, COL_FLEX, 0 },         { NULL, 0, 0, 0 }
};

struct claims {
    struct view v;
    struct reviewed r;
    int window;
};

static const struct db_claim *claim(const struct claims *s, int i)
{
    return REVIEWED_ROW(&s->r, DB_CLAIM, db_claim, s->window + i);
}

static const struct db_verdict *verdict(const struct claims *s,
                                        const struct db_claim *c)
{
    const struct db_verdict *x = s->r.set[DB_VERDICT].row;

    for (int i = 0; i < s->r.set[DB_VERDICT].n; i++)
        if (x[i].claim_id == c->id)
            return &x[i];
    return NULL;
}

static enum sor_err claims_open(struct view *v, struct sor_msg *msg)
{
    struct claims *s = (struct claims *)v;
    enum sor_err err = reviewed_load(&s->r, tui_db(v->t), v->at.run_id,
                                     WANTED, msg);

    v->list.n = s->r.set[DB_CLAIM].n;
    if (v->at.step > 0 && v->at.step < v->list.n)
        v->list.cur = v->at.step;
    return err;
}

static void claims_close(struct view *v)
{
    reviewed_release(&((struct claims *)v)->r);
}

static void reload(struct view *v)
{
    struct sor_msg msg;

    if (claims_open(v, &msg))
        tui_say(v->t, "%s", msg.text);
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "claims");
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct claims *s = (struct claims *)v;

    s->window = (int)from;
    return list_part(s->r.set[DB_CLAIM].n, from, n);
}

/* How often verdicts on this claim were wrong where that was measured. */
static void wrong(const struct db_claim *c, char *out, size_t cap)
{
    if (c->n_given > 0)
        snprintf(out, cap, "%.1f %%", 100.0 * c->n_wrong / c->n_given);
    else
        snprintf(out, cap, "unmeasured");
}

static void checks_passed(const struct claims *s, const struct db_claim *c,
                          struct pen *p)
{
    const struct db_check *x = s->r.set[DB_CHECK].row;
    int passed = 0, n = 0;

    for (int i = 0; i < s->r.set[DB_CHECK].n; i++)
        if (x[i].claim_id == c->id && x[i].passed >= 0) {
            passed += x[i].passed;
            n++;
        }
    if (n > 0) {
        p->style = passed < n ? ROLE_WARN : ROLE_TEXT;
        pen_fmt(p, "%d/%d", passed, n);
    }
}

/* The likeliest of supported, contradicted, not addressed; NULL: unknown. */
static const char *likeliest(const double p[3])
{
    static const char *const name[] = { "supported", "contradicted",
                                        "not_addressed" };
    int best = 0;

    for (int i = 1; i < 3; i++)
        if (p[i] > p[best])
            best = i;
    return isnan(p[0]) ? NULL : name[best];
}

/* What became of the verdict when the clause of this check was struck and all
 * read again; NULL: it stayed as it was, or the check is another. */
static const char *flips_to(const struct db_check *x, const struct db_verdict *v)
{
    const char *before = v ? likeliest(v->p) : NULL, *after = likeliest(x->p);

    if (strcmp(x->kind, "knockout") != 0 || !before || !after)
        return NULL;
    return strcmp(before, after) ? after : NULL;
}

static void flips(const struct claims *s, const struct db_claim *c,
                  struct pen *p)
{
    const struct db_check *x = s->r.set[DB_CHECK].row;
    int tried = 0;

    for (int i = 0; i < s->r.set[DB_CHECK].n; i++) {
        if (x[i].claim_id != c->id || strcmp(x[i].kind, "knockout") != 0)
            continue;
        tried = 1;
        if (flips_to(&x[i], verdict(s, c))) {
            p->style = ROLE_ACCENT;
            pen_str(p, reviewed_number(reviewed_clause(&s->r,
                                                       x[i].clause_id)));
            return;
        }
    }
    p->style = ROLE_FAINT;
    pen_str(p, tried ? "none" : "-");
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_claim *c = claim(s, i);
    const struct db_verdict *x = verdict(s, c);
    char buf[32];

    switch (col) {
    case C_NAME:
        p->style = ROLE_ACCENT;
        pen_line(p, c->name, strlen(c->name));
        break;
    case C_VERDICT:
        p->style = x ? reviewed_role(x->verdict) : ROLE_FAINT;
        pen_str(p, x ? reviewed_verdict(x->verdict) : "not yet");
        break;
    case C_SURE:
        if (x && !isnan(x->confidence))
            pen_fmt(p, "%.2f", x->confidence);
        break;
    case C_STABLE:
        if (x && x->n_count > 0 && !isnan(x->stability))
            pen_fmt(p, "%.0f/%d", x->stability * x->n_count, x->n_count);
        break;
    case C_CHECKS:
        checks_passed(s, c, p);
        break;
    case C_WRONG:
        p->style = c->n_given > 0 ? ROLE_TEXT : ROLE_DIM;
        wrong(c, buf, sizeof buf);
        pen_str(p, buf);
        break;
    case C_FLIPS:
        flips(s, c, p);
        break;
    case C_TITLE:
        p->style = ROLE_DIM;
        if (c->title)
            pen_line(p, c->title, strlen(c->title));
        break;
    }
}

/* ---- the other pane ------------------------------------------------------ */

static void outcome(const struct db_claim *c, const struct db_verdict *x,
                    struct doc *d)
{
    doc_head(d, "Verdict");
    if (!x) {
        doc_say(d, 0, ROLE_DIM, "None yet: the review has not come this far.");
        return;
    }
    struct pen p = doc_line(d, 0, reviewed_role(x->verdict) | CELL_BOLD);
    pen_str(&p, reviewed_verdict(x->verdict));
    if (!isnan(x->confidence))
        doc_fact(d, "probability", "%.3f that this is right, calibrated",
                 x->confidence);
    reviewed_wrong(c, d);
    if (c->n_contradicted > 0)
        doc_fact(d, "", "of these, contradictions: %d of %d wrong",
                 c->n_contradicted_wrong, c->n_contradicted);
    if (x->n_count > 0)
        doc_fact(d, "stability", "%.2f over %d paths that read differently",
                 x->stability, x->n_count);
    if (x->stance)
        doc_fact(d, "playbook", "%s", x->stance);
    if (x->position)
        doc_text(d, 2, ROLE_TEXT, x->position, strlen(x->position));
    if (x->flip) {
        doc_head(d, "What would change it");
        doc_text(d, 0, ROLE_TEXT, x->flip, strlen(x->flip));
    }
}

static void evidence(const struct view *v, const struct db_claim *c,
                     struct doc *d)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_evidence *e = s->r.set[DB_EVIDENCE].row;
    int n = 0;

    doc_head(d, "Evidence, best first");
    for (int i = 0; i < s->r.set[DB_EVIDENCE].n; i++) {
        if (e[i].claim_id != c->id)
            continue;
        struct pen p = doc_line(d, 0, ROLE_DIM);
        pen_fmt(&p, "%d  %s  %.2f  %s", ++n, e[i].relation, e[i].score,
                e[i].status);
        reviewed_show(&s->r, v->at.run_id, e[i].char_from, e[i].char_to, d);
    }
    if (n == 0)
        doc_say(d, 0, ROLE_DIM, "No clause was cited.");
}

static void checks(const struct claims *s, const struct db_claim *c,
                   struct doc *d)
{
    const struct db_check *x = s->r.set[DB_CHECK].row;

    doc_head(d, "Checks");
    for (int i = 0; i < s->r.set[DB_CHECK].n; i++) {
        if (x[i].claim_id != c->id)
            continue;
        struct pen p = doc_line(d, 0, x[i].passed > 0 ? ROLE_GOOD
                                : x[i].passed == 0 ? ROLE_BAD : ROLE_DIM);
        pen_fmt(&p, "%-8s", x[i].passed > 0 ? "passed"
                            : x[i].passed == 0 ? "failed" : "-");
        p.style = ROLE_STRONG;
        pen_fmt(&p, "%s", x[i].kind);
        if (x[i].input)
            doc_text(d, 8, ROLE_DIM, x[i].input, strlen(x[i].input));
        if (x[i].note)
            doc_text(d, 8, ROLE_TEXT, x[i].note, strlen(x[i].note));
    }
}

/* Each clause that was struck out, with all read again without it. */
static void struck(const struct view *v, const struct db_claim *c,
                   struct doc *d)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_check *x = s->r.set[DB_CHECK].row;
    int n = 0;

    doc_head(d, "Struck out, all read again (causal)");
    for (int i = 0; i < s->r.set[DB_CHECK].n; i++) {
        const struct db_clause *at = reviewed_clause(&s->r, x[i].clause_id);
        const char *to = flips_to(&x[i], verdict(s, c));

        if (x[i].claim_id != c->id || strcmp(x[i].kind, "knockout") != 0)
            continue;
        struct pen p = doc_line(d, 0, to ? ROLE_WARN : ROLE_DIM);
        pen_str(&p, to ? "flips it  " : "stays     ");
        p.style = ROLE_STRONG;
        pen_line(&p, x[i].input ? x[i].input : "",
                 x[i].input ? strlen(x[i].input) : 0);
        if (at)
            doc_goes(d, &view_document, addr_place(v->at.run_id,
                                                   at->char_from));
        if (to)
            doc_fact(d, "          to", "%s", reviewed_verdict(to));
        if (x[i].note)
            doc_text(d, 10, ROLE_DIM, x[i].note, strlen(x[i].note));
        n++;
    }
    if (n == 0)
        doc_say(d, 0, ROLE_DIM, "No clause was struck: none decides it.");
    if (tui_acts(v->t))
        doc_say(d, 0, ROLE_DIM, "S strikes the first clause cited; in the "
                "document it strikes any.");
}

static void paths(const struct view *v, const struct db_claim *c,
                  struct doc *d)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_claim_path *x = s->r.set[DB_CLAIM_PATH].row;
    struct db *db = tui_db(v->t);

    doc_head(d, "Paths: scored, no chain of reasoning is written");
    for (int i = 0; i < s->r.set[DB_CLAIM_PATH].n; i++) {
        struct db_addr at = addr_run(v->at.run_id);
        struct db_path in;

        if (x[i].claim_id != c->id)
            continue;
        struct pen p = doc_line(d, 0, x[i].counts ? ROLE_TEXT : ROLE_FAINT);
        pen_fmt(&p, "%-16s", x[i].variant);
        p.style = reviewed_role(x[i].verdict);
        pen_fmt(&p, "%-14s", reviewed_verdict(x[i].verdict));
        p.style = ROLE_DIM;
        if (!isnan(x[i].p[0]))
            pen_fmt(&p, "%.2f %.2f %.2f", x[i].p[0], x[i].p[1], x[i].p[2]);
        if (!x[i].counts)
            pen_str(&p, "  same input: not counted");
        if (db_get_path(db, x[i].path_id, &in) == 1) {
            at.path_id = in.id;
            at.path = in.ordinal;
            doc_goes(d, &view_steps, at);
        }
    }
}

static void detail(struct view *v, struct doc *d)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_claim *c = claim(s, list_here(v));

    if (c->text)
        doc_text(d, 0, ROLE_STRONG, c->text, strlen(c->text));
    if (c->custom)
        doc_say(d, 0, ROLE_WARN, "Your own claim: clauses are ranked, no "
                "verdict is given.");
    outcome(c, verdict(s, c), d);
    struck(v, c, d);
    paths(v, c, d);
    checks(s, c, d);
    evidence(v, c, d);
}

/* The best evidence in the document. */
static void enter(struct view *v)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_claim *c = claim(s, list_here(v));
    const struct db_evidence *e = s->r.set[DB_EVIDENCE].row;

    for (int i = 0; i < s->r.set[DB_EVIDENCE].n; i++)
        if (e[i].claim_id == c->id) {
            tui_push(v->t, &view_document,
                     addr_place(v->at.run_id, e[i].char_from));
            return;
        }
    tui_say(v->t, "No clause was cited for %s.", c->name);
}

static const struct key_def defs[] = {
    { 'S', CMD_STRIKE, "strike the first clause cited, and read all again",
      "strike" },
    { 'w', CMD_GRAPH, "the logic of the document as a graph", "graph" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Claims", defs };

static void strike_first(struct view *v, const struct db_claim *c)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_evidence *e = s->r.set[DB_EVIDENCE].row;
    const struct db_clause *at = NULL;
    char words[64];

    for (int i = 0; i < s->r.set[DB_EVIDENCE].n && !at; i++)
        if (e[i].claim_id == c->id)
            at = reviewed_clause(&s->r, e[i].clause_id);
    if (!at) {
        tui_say(v->t, "No clause was cited for %s.", c->name);
        return;
    }
    snprintf(words, sizeof words, "clause %s", reviewed_number(at));
    act_strike(v, at->char_from, at->char_to, words, c->name);
}

static int cmd(struct view *v, enum tui_cmd c)
{
    if (c == CMD_GRAPH)
        tui_push(v->t, &view_graph, addr_run(v->at.run_id));
    else if (c == CMD_STRIKE && list_here(v) >= 0)
        strike_first(v, claim((struct claims *)v, list_here(v)));
    else
        return 0;
    return 1;
}

const struct view_ops view_claims = {
    .name = "claims", .what = "verdicts of a review, their paths and checks",
    .size = sizeof(struct claims), .keys = &keys, .cols = cols,
    .empty = "No claim was examined: the review went by rules only.",
    .open = claims_open, .close = claims_close, .reload = reload,
    .crumb = crumb, .fetch = fetch, .cell = cell, .detail = detail,
    .enter = enter, .cmd = cmd
};
