/* tui/view_claims.c - the claims of a review: verdict, how sure, by which
 * paths, and what the checks said.  A claim unfolds into its paths. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/fold.h"
#include "tui/order.h"
#include "tui/reviewed.h"

enum { WANTED = 1u << DB_CLAUSE | 1u << DB_CLAIM | 1u << DB_VERDICT |
                1u << DB_EVIDENCE | 1u << DB_CHECK | 1u << DB_CLAIM_PATH };

enum { C_NAME, C_VERDICT, C_SURE, C_STABLE, C_CHECKS, C_WRONG, C_FLIPS,
       C_TITLE };

static const struct col cols[] = {
    { "Claim", 9, COL_FLEX, 0 },        { "Verdict", 13, 0, 0 },
    { "p", 5, COL_RIGHT, 0 },           { "Paths", 6, COL_RIGHT, 76 },
    { "Checks", 6, COL_RIGHT, 0 },      { "Wrong", 10, COL_RIGHT, 76 },
    { "Flips if", 8, 0, 0 },
    { "What", 0, COL_FLEX, 0 },         { NULL, 0, 0, 0 }
};

static const int sorts[] = { C_NAME, C_VERDICT, C_SURE, C_STABLE, C_CHECKS,
                             C_WRONG, C_FLIPS, -1 };

struct claims {
    struct view v;
    struct reviewed r;
    struct order order;
    struct fold fold;
    struct fold_row row[LIST_WINDOW];
};

static const struct db_claim *claim(const struct claims *s, int i)
{
    return REVIEWED_ROW(&s->r, DB_CLAIM, db_claim,
                        fold_item(&s->fold, s->row[i]));
}

/* Path number k of a claim; NULL: it has no so many. */
static const struct db_claim_path *path_of(const struct claims *s,
                                           const struct db_claim *c, int k)
{
    const struct db_claim_path *x = s->r.set[DB_CLAIM_PATH].row;

    for (int i = 0; i < s->r.set[DB_CLAIM_PATH].n; i++)
        if (x[i].claim_id == c->id && k-- == 0)
            return &x[i];
    return NULL;
}

/* The path that row i of the window shows; NULL: it is a claim. */
static const struct db_claim_path *path_at(const struct claims *s, int i)
{
    return s->row[i].child < 0 ? NULL
                               : path_of(s, claim(s, i), s->row[i].child);
}

static int count_paths(struct view *v, int item)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_claim *c = REVIEWED_ROW(&s->r, DB_CLAIM, db_claim, item);
    int n = 0;

    while (path_of(s, c, n))
        n++;
    return n;
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

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "claims");
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct claims *s = (struct claims *)v;

    struct fold_row at = fold_at(&s->fold, from);
    int got = 0;

    for (; got < n && at.item < s->fold.n; at = fold_next(&s->fold, at))
        s->row[got++] = at;
    return got;
}

/* How often verdicts on this claim were wrong where that was measured. */
static void wrong(const struct db_claim *c, char *out, size_t cap)
{
    if (c->n_given > 0)
        snprintf(out, cap, "%.1f %%", 100.0 * c->n_wrong / c->n_given);
    else
        snprintf(out, cap, "unmeasured");
}

/* Checks that came to a result, and how many of them passed. */
static int checked(const struct claims *s, const struct db_claim *c,
                   int *passed)
{
    const struct db_check *x = s->r.set[DB_CHECK].row;
    int n = 0;

    *passed = 0;
    for (int i = 0; i < s->r.set[DB_CHECK].n; i++)
        if (x[i].claim_id == c->id && x[i].passed >= 0) {
            *passed += x[i].passed;
            n++;
        }
    return n;
}

static void checks_passed(const struct claims *s, const struct db_claim *c,
                          struct pen *p)
{
    int passed, n = checked(s, c, &passed);

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

/* The first clause that flips it; NULL: none does, of *tried. */
static const struct db_clause *flipping(const struct claims *s,
                                        const struct db_claim *c, int *tried)
{
    const struct db_check *x = s->r.set[DB_CHECK].row;

    *tried = 0;
    for (int i = 0; i < s->r.set[DB_CHECK].n; i++) {
        if (x[i].claim_id != c->id || strcmp(x[i].kind, "knockout") != 0)
            continue;
        ++*tried;
        if (flips_to(&x[i], verdict(s, c)))
            return reviewed_clause(&s->r, x[i].clause_id);
    }
    return NULL;
}

static void flips(const struct claims *s, const struct db_claim *c,
                  struct pen *p)
{
    int tried;
    const struct db_clause *at = flipping(s, c, &tried);

    p->style = at ? ROLE_ACCENT : ROLE_FAINT;
    pen_str(p, at ? reviewed_number(at) : tried ? "none" : "-");
}

/* A path in the list: what it said, how sure, what it was asked. */
static void path_cell(struct view *v, const struct db_claim_path *x, int col,
                      struct pen *p)
{
    struct db_path in;
    double best = x->p[0] > x->p[1] ? x->p[0] : x->p[1];

    if (col == C_NAME) {
        p->style = x->counts ? ROLE_DIM : ROLE_FAINT;
        if (db_get_path(tui_db(v->t), x->path_id, &in) == 1)
            pen_fmt(p, "  path %d", in.ordinal);
    } else if (col == C_VERDICT) {
        p->style = reviewed_role(x->verdict);
        pen_str(p, reviewed_verdict(x->verdict));
    } else if (col == C_SURE && !isnan(best)) {
        p->style = ROLE_DIM;
        pen_fmt(p, "%.2f", best > x->p[2] ? best : x->p[2]);
    } else if (col == C_TITLE) {
        char words[64];
        int n = snprintf(words, sizeof words, "%.40s%s", x->variant,
                         x->counts ? "" : " (not counted)");

        p->style = ROLE_DIM;
        pen_line(p, words, (size_t)n);
    }
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_claim *c = claim(s, i);
    const struct db_verdict *x = verdict(s, c);
    char buf[32];

    if (s->row[i].child >= 0) {
        path_cell(v, path_at(s, i), col, p);
        return;
    }
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

/* ---- reading ------------------------------------------------------------- */

static struct order_key key(const struct view *v, int row, int col)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_claim *c = REVIEWED_ROW(&s->r, DB_CLAIM, db_claim, row);
    const struct db_verdict *x = verdict(s, c);
    struct order_key k = { NULL, NAN };
    const struct db_clause *at;
    int part, all;

    switch (col) {
    case C_NAME:    k.text = c->name; break;
    case C_VERDICT: k.text = x ? x->verdict : NULL; break;
    case C_SURE:    k.number = x ? x->confidence : NAN; break;
    case C_STABLE:  k.number = x ? x->stability : NAN; break;
    case C_CHECKS:
        if ((all = checked(s, c, &part)) > 0)
            k.number = (double)part / all;
        break;
    case C_WRONG:
        if (c->n_given > 0)
            k.number = (double)c->n_wrong / c->n_given;
        break;
    case C_FLIPS:
        if ((at = flipping(s, c, &part)) != NULL)
            k.number = at->ordinal;
        break;
    default:        k.number = c->ordinal; break;
    }
    return k;
}

/* The claim whose number is `ordinal` gets the cursor, or the path below it
 * that had it. */
static enum sor_err load(struct view *v, int ordinal, int child,
                         struct sor_msg *msg)
{
    struct claims *s = (struct claims *)v;
    enum sor_err err = reviewed_load(&s->r, tui_db(v->t), v->at.run_id,
                                     WANTED, msg);
    int n = err ? 0 : s->r.set[DB_CLAIM].n;

    if (!err && order_make(&s->order, v, n, key))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    s->fold.order = &s->order;
    fold_items(&s->fold, err ? 0 : n);
    fold_recount(&s->fold, v, count_paths);
    if (!err)
        v->list.cur = fold_find(&s->fold, (struct fold_row){
            order_find(&s->order, ordinal), child });
    return err;
}

static enum sor_err claims_open(struct view *v, struct sor_msg *msg)
{
    return load(v, v->at.step, -1, msg);
}

static void claims_close(struct view *v)
{
    struct claims *s = (struct claims *)v;

    reviewed_release(&s->r);
    order_release(&s->order);
    fold_release(&s->fold);
}

static struct db_addr here(struct view *v)
{
    int i = list_here(v);

    return i < 0 ? v->at
         : addr_item(v->at.run_id, claim((struct claims *)v, i)->ordinal);
}

static void reload(struct view *v)
{
    int i = list_here(v);
    struct sor_msg msg;

    if (load(v, here(v).step, i < 0 ? -1 : ((struct claims *)v)->row[i].child,
             &msg))
        tui_say(v->t, "%s", msg.text);
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

/* The steps of a path; path_id 0: it is not there. */
static struct db_addr steps_of(const struct view *v,
                               const struct db_claim_path *x)
{
    struct db_addr at = addr_run(v->at.run_id);
    struct db_path in;

    if (db_get_path(tui_db(v->t), x->path_id, &in) == 1) {
        at.path_id = in.id;
        at.path = in.ordinal;
    }
    return at;
}

static void paths(const struct view *v, const struct db_claim *c,
                  struct doc *d)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_claim_path *x;

    doc_head(d, "Paths (scored; no reasoning is written)");
    for (int k = 0; (x = path_of(s, c, k)) != NULL; k++) {
        struct db_addr at = steps_of(v, x);
        struct pen p = doc_line(d, 0, x->counts ? ROLE_TEXT : ROLE_FAINT);

        pen_fmt(&p, "%-16s", x->variant);
        p.style = reviewed_role(x->verdict);
        pen_fmt(&p, "%-14s", reviewed_verdict(x->verdict));
        p.style = ROLE_DIM;
        if (!isnan(x->p[0]))
            pen_fmt(&p, "%.2f %.2f %.2f", x->p[0], x->p[1], x->p[2]);
        if (!x->counts)
            pen_str(&p, "  same input: not counted");
        if (at.path_id)
            doc_goes(d, &view_steps, at);
    }
}

/* One path: what it was asked and what it said. */
static void one_path(const struct view *v, const struct db_claim_path *x,
                     struct doc *d)
{
    static const char *const name[] = { "supported", "contradicted",
                                        "not addressed" };

    if (x->statement)
        doc_text(d, 0, ROLE_STRONG, x->statement, strlen(x->statement));
    doc_gap(d);
    doc_fact(d, "verdict", "%s", reviewed_verdict(x->verdict));
    doc_fact(d, "differs by", "%s%s", x->variant, x->counts ? ""
             : ": its input is that of another path, so it does not count");
    for (int i = 0; i < 3 && !isnan(x->p[i]); i++)
        doc_fact(d, i ? "" : "probability", "%.3f %s", x->p[i], name[i]);
    if (steps_of(v, x).path_id) {
        doc_fact(d, "steps", "what it read, clause by clause");
        doc_goes(d, &view_steps, steps_of(v, x));
    }
}

static void detail(struct view *v, struct doc *d)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_claim *c = claim(s, list_here(v));
    const struct db_claim_path *x = path_at(s, list_here(v));

    if (x) {
        one_path(v, x, d);
        return;
    }
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

/* The best evidence in the document; of a path, its steps. */
static void enter(struct view *v)
{
    const struct claims *s = (const struct claims *)v;
    const struct db_claim *c = claim(s, list_here(v));
    const struct db_claim_path *x = path_at(s, list_here(v));
    const struct db_evidence *e = s->r.set[DB_EVIDENCE].row;

    if (x) {
        if (steps_of(v, x).path_id)
            tui_push(v->t, &view_steps, steps_of(v, x));
        return;
    }

    for (int i = 0; i < s->r.set[DB_EVIDENCE].n; i++)
        if (e[i].claim_id == c->id) {
            tui_push(v->t, &view_document,
                     addr_place(v->at.run_id, e[i].char_from));
            return;
        }
    tui_say(v->t, "No clause was cited for %s.", c->name);
}

static const struct key_def defs[] = {
    { '+', CMD_UNFOLD, "unfold a claim into its paths", "paths" },
    { '-', CMD_FOLD, "fold them", NULL },
    { '*', CMD_FOLD_ALL, "unfold every claim, and fold it", NULL },
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
    if (fold_cmd(&((struct claims *)v)->fold, v, c, count_paths))
        return 1;
    if (order_cmd(v, c, sorts))
        reload(v);
    else if (c == CMD_GRAPH)
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
    .crumb = crumb, .here = here, .fetch = fetch, .cell = cell,
    .detail = detail, .enter = enter, .cmd = cmd
};
