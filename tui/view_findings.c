/* tui/view_findings.c - what a review found, worst first, and what people
 * decided about it. */
#include <math.h>
#include <string.h>

#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/order.h"
#include "tui/reviewed.h"

enum { WANTED = 1u << DB_CLAUSE | 1u << DB_FINDING | 1u << DB_DECISION |
                1u << DB_CLAIM | 1u << DB_DEFECT };

enum { C_NO, C_SEVERITY, C_CLAUSE, C_FINDING, C_ORIGIN, C_SURE, C_DECISION };

static const struct col cols[] = {
    { "", 4, COL_RIGHT, 0 },            { "Severity", 8, 0, 0 },
    { "Clause", 11, 0, 0 },             { "Finding", 0, COL_FLEX, 0 },
    { "Known by", 9, 0, 74 },           { "p", 5, COL_RIGHT, 74 },
    { "Decision", 9, 0, 0 },            { NULL, 0, 0, 0 }
};

static const int sorts[] = { C_SEVERITY, C_CLAUSE, C_FINDING, C_ORIGIN, C_SURE,
                             C_DECISION, C_NO, -1 };

struct findings {
    struct view v;
    struct reviewed r;
    struct order order;
    int window;
};

static const struct db_finding *finding(const struct findings *s, int i)
{
    return REVIEWED_ROW(&s->r, DB_FINDING, db_finding,
                        s->order.row[s->window + i]);
}

static struct order_key key(const struct view *v, int row, int col)
{
    const struct findings *s = (const struct findings *)v;
    const struct db_finding *f = REVIEWED_ROW(&s->r, DB_FINDING, db_finding,
                                              row);
    const struct db_clause *c = reviewed_clause(&s->r, f->clause_id);
    const struct db_decision *d = reviewed_decision(&s->r, f->id);

    switch (col) {
    case C_SEVERITY: return (struct order_key){ NULL, f->severity };
    case C_CLAUSE:   return (struct order_key){ NULL, c ? (double)c->ordinal : (double)NAN };
    case C_FINDING:  return (struct order_key){ f->text, NAN };
    case C_ORIGIN:   return (struct order_key){ f->origin, NAN };
    case C_SURE:     return (struct order_key){ NULL, f->confidence };
    case C_DECISION: return (struct order_key){ d ? d->choice : NULL, NAN };
    default:         return (struct order_key){ NULL, f->ordinal };
    }
}

/* The finding whose number is `ordinal` gets the cursor. */
static enum sor_err load(struct view *v, int ordinal, struct sor_msg *msg)
{
    struct findings *s = (struct findings *)v;
    enum sor_err err = reviewed_load(&s->r, tui_db(v->t), v->at.run_id,
                                     WANTED, msg);
    int n = s->r.set[DB_FINDING].n;

    v->list.n = s->order.n = 0;
    v->list.stale = 1;
    if (!err && order_make(&s->order, v, n, key))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    if (err)
        return err;
    v->list.n = n;
    v->list.cur = order_find(&s->order, ordinal);
    return SOR_OK;
}

static enum sor_err findings_open(struct view *v, struct sor_msg *msg)
{
    v->sort = C_SEVERITY;
    v->sorted_down = 1;
    return load(v, v->at.step, msg);
}

static void findings_close(struct view *v)
{
    reviewed_release(&((struct findings *)v)->r);
    order_release(&((struct findings *)v)->order);
}

static struct db_addr here(struct view *v)
{
    int i = list_here(v);

    return i < 0 ? v->at
         : addr_item(v->at.run_id, finding((struct findings *)v, i)->ordinal);
}

static void reload(struct view *v)
{
    struct sor_msg msg;

    if (load(v, here(v).step, &msg))
        tui_say(v->t, "%s", msg.text);
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "findings");
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct findings *s = (struct findings *)v;

    s->window = (int)from;
    return list_part(s->order.n, from, n);
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct findings *s = (const struct findings *)v;
    const struct db_finding *f = finding(s, i);
    const struct db_decision *x;

    switch (col) {
    case C_NO:
        p->style = ROLE_DIM;
        pen_fmt(p, "%d", f->ordinal);
        break;
    case C_SEVERITY:
        p->style = reviewed_severity_role(f->severity);
        pen_str(p, reviewed_severity(f->severity));
        break;
    case C_CLAUSE:
        p->style = ROLE_ACCENT;
        pen_str(p, f->clause_id
                ? reviewed_number(reviewed_clause(&s->r, f->clause_id)) : "-");
        break;
    case C_FINDING:
        if (f->text)
            pen_line(p, f->text, strlen(f->text));
        else
            pen_str(p, "(forgotten)");
        break;
    case C_ORIGIN:
        p->style = ROLE_DIM;
        pen_str(p, f->origin);
        break;
    case C_SURE:
        if (!isnan(f->confidence))
            pen_fmt(p, "%.2f", f->confidence);
        break;
    case C_DECISION:
        x = reviewed_decision(&s->r, f->id);
        p->style = x ? ROLE_STRONG : ROLE_FAINT;
        pen_str(p, x ? x->choice : "open");
        break;
    }
}

static void decisions(const struct findings *s, const struct db_finding *f,
                      struct doc *d)
{
    const struct db_decision *x = s->r.set[DB_DECISION].row;
    char when[40];
    int n = 0;

    doc_head(d, "Decisions");
    for (int i = 0; i < s->r.set[DB_DECISION].n; i++) {
        if (x[i].finding_id != f->id)
            continue;
        fmt_date(when, sizeof when, x[i].at_us);
        struct pen p = doc_line(d, 0, ROLE_STRONG);
        pen_str(&p, x[i].choice);
        if (x[i].verdict)
            pen_fmt(&p, " to %s", reviewed_verdict(x[i].verdict));
        p.style = ROLE_DIM;
        pen_fmt(&p, "  %s  ", when);
        if (x[i].name)
            pen_line(&p, x[i].name, strlen(x[i].name));
        if (x[i].reason)
            doc_text(d, 2, ROLE_TEXT, x[i].reason, strlen(x[i].reason));
        n++;
    }
    if (n == 0)
        doc_say(d, 0, ROLE_DIM, "Nobody has decided yet: A accepts, R rejects, "
                "C corrects it.");
}

static void detail(struct view *v, struct doc *d)
{
    const struct findings *s = (const struct findings *)v;
    const struct db_finding *f = finding(s, list_here(v));
    const struct db_claim *c = s->r.set[DB_CLAIM].row;
    const struct db_defect *x = s->r.set[DB_DEFECT].row;

    doc_text(d, 0, ROLE_STRONG, f->text ? f->text : "(forgotten)",
             f->text ? strlen(f->text) : 11);
    doc_gap(d);
    doc_fact(d, "severity", "%s", reviewed_severity(f->severity));
    doc_fact(d, "known by", "%s", strcmp(f->origin, "rule") ? "a model's "
             "scores, calibrated" : "a rule; no model was asked");
    if (!isnan(f->confidence))
        doc_fact(d, "probability", "%.3f that it is right", f->confidence);
    for (int i = 0; i < s->r.set[DB_CLAIM].n; i++)
        if (f->claim_id && c[i].id == f->claim_id) {
            doc_fact(d, "claim", "%s", c[i].name);
            doc_goes(d, &view_claims, addr_item(v->at.run_id, c[i].ordinal));
            reviewed_wrong(&c[i], d);
        }
    doc_head(d, "Where");
    if (f->char_to > f->char_from)
        reviewed_show(&s->r, v->at.run_id, f->char_from, f->char_to, d);
    else
        doc_say(d, 0, ROLE_DIM, "An absence: there is no place to show.");
    for (int i = 0; i < s->r.set[DB_DEFECT].n; i++)
        if (f->defect_id && x[i].id == f->defect_id) {
            if (x[i].related_to > x[i].related_from) {
                doc_head(d, "The other place");
                reviewed_show(&s->r, v->at.run_id, x[i].related_from,
                              x[i].related_to, d);
            }
            if (x[i].n_searched > 0)
                doc_fact(d, "searched", "%d clauses", x[i].n_searched);
        }
    decisions(s, f, d);
}

static void enter(struct view *v)
{
    const struct findings *s = (const struct findings *)v;
    const struct db_finding *f = finding(s, list_here(v));
    const struct db_claim *c = s->r.set[DB_CLAIM].row;

    for (int i = 0; i < s->r.set[DB_CLAIM].n; i++)
        if (f->claim_id && c[i].id == f->claim_id) {
            tui_push(v->t, &view_claims,
                     addr_item(v->at.run_id, c[i].ordinal));
            return;
        }
    if (f->char_to > f->char_from)
        tui_push(v->t, &view_document,
                 addr_place(v->at.run_id, f->char_from));
    else
        tui_say(v->t, "An absence: there is no place to open.");
}

static const struct key_def defs[] = {
    { 'd', CMD_DECISIONS, "who decided what, newest first", "decisions" },
    { 'A', CMD_ACCEPT, "accept this finding", "accept" },
    { 'R', CMD_REJECT, "reject it", "reject" },
    { 'C', CMD_CORRECT, "correct its verdict", "correct" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Findings", defs };

static int cmd(struct view *v, enum tui_cmd c)
{
    int i = list_here(v);

    if (c == CMD_DECISIONS) {
        tui_push(v->t, &view_decisions, addr_run(v->at.run_id));
        return 1;
    }
    if (order_cmd(v, c, sorts)) {
        reload(v);
        return 1;
    }
    return i >= 0 && act_decide(v, c, finding((struct findings *)v,
                                              i)->ordinal);
}

const struct view_ops view_findings = {
    .name = "findings", .what = "what a review found, and what was decided",
    .size = sizeof(struct findings), .keys = &keys, .cols = cols,
    .empty = "This review found nothing to report.",
    .open = findings_open, .close = findings_close, .reload = reload,
    .crumb = crumb, .here = here, .fetch = fetch, .cell = cell,
    .detail = detail, .enter = enter, .cmd = cmd
};
