/* tui/view_document.c - a reviewed document, clause by clause, with what was
 * found in each and what it is evidence for. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tui/act.h"
#include "tui/reviewed.h"

enum { WANTED = 1u << DB_CLAUSE | 1u << DB_CLAUSE_TYPE | 1u << DB_FINDING |
                1u << DB_CLAIM | 1u << DB_EVIDENCE | 1u << DB_LOGIC |
                1u << DB_NORM | 1u << DB_TERM,
       INDENT = 2, DEPTH_SHOWN = 6 };

enum { C_NUMBER, C_MARK, C_CITED, C_TYPE, C_TEXT };

static const struct col cols[] = {
    { "Clause", 12, 0, 0 },             { "", 7, 0, 0 },
    { "Cited", 5, COL_RIGHT, 0 },       { "Type", 22, COL_FLEX, 100 },
    { "Text", 0, COL_FLEX, 0 },         { NULL, 0, 0, 0 }
};

/* What a row shows, gathered once. */
struct mark {
    size_t from, to;            /* its own text, bytes */
    int severity, n_finding;    /* the worst; -1: none */
    int n_cited;
    const struct db_clause_type *type;
};

struct document {
    struct view v;
    struct reviewed r;
    struct mark *mark;          /* [clauses] */
    int *row;                   /* [n_row] the clauses shown, by ordinal */
    char *folded;               /* [clauses] what is below it is hidden */
    int window, n_row, n_clause;
};

static const struct db_clause *clause(const struct document *s, int i)
{
    return REVIEWED_ROW(&s->r, DB_CLAUSE, db_clause, i);
}

/* Clauses are in document order, so their places are found in one pass. */
static void find_texts(struct document *s)
{
    const char *text = s->r.doc ? s->r.doc->text : NULL;
    size_t n = text ? strlen(text) : 0, at = 0;
    int cp = 0;

    for (int i = 0; i < s->r.set[DB_CLAUSE].n && text; i++) {
        const struct db_clause *c = clause(s, i);

        if (c->char_from < cp)
            at = 0, cp = 0;
        at += utf8_offset(text + at, n - at, (size_t)(c->char_from - cp));
        cp = c->char_from;
        s->mark[i].from = at;
        s->mark[i].to = at + utf8_offset(text + at, n - at,
                                         (size_t)(c->own_to - c->char_from));
    }
}

static void gather(struct document *s)
{
    const struct db_finding *f = s->r.set[DB_FINDING].row;
    const struct db_evidence *e = s->r.set[DB_EVIDENCE].row;
    const struct db_clause_type *t = s->r.set[DB_CLAUSE_TYPE].row;

    for (int i = 0; i < s->r.set[DB_CLAUSE].n; i++) {
        struct mark *m = &s->mark[i];
        int64_t id = clause(s, i)->id;

        *m = (struct mark){ .severity = -1 };
        for (int k = 0; k < s->r.set[DB_FINDING].n; k++)
            if (f[k].clause_id == id) {
                m->n_finding++;
                if (f[k].severity > m->severity)
                    m->severity = f[k].severity;
            }
        for (int k = 0; k < s->r.set[DB_EVIDENCE].n; k++)
            m->n_cited += e[k].clause_id == id;
        for (int k = 0; k < s->r.set[DB_CLAUSE_TYPE].n && !m->type; k++)
            if (t[k].clause_id == id)
                m->type = &t[k];
    }
    find_texts(s);
}

/* Clauses come parents first: one is hidden where its parent is, or is
 * folded. */
static void set_rows(struct document *s)
{
    int n = s->r.set[DB_CLAUSE].n, hidden_below = -1;

    s->n_row = 0;
    for (int i = 0; i < n; i++) {
        int depth = clause(s, i)->depth;

        if (hidden_below >= 0 && depth > hidden_below)
            continue;
        hidden_below = s->folded[i] ? depth : -1;
        s->row[s->n_row++] = i;
    }
    s->v.list.n = s->n_row;
    s->v.list.stale = 1;
}

static enum sor_err load(struct document *s, struct sor_msg *msg)
{
    enum sor_err err = reviewed_load(&s->r, tui_db(s->v.t), s->v.at.run_id,
                                     WANTED, msg);
    size_t n = (size_t)s->r.set[DB_CLAUSE].n + 1;

    mem_free(s->mark);
    mem_free(s->row);
    s->mark = mem_calloc(n, sizeof *s->mark);
    s->row = mem_calloc(n, sizeof *s->row);
    if (!s->folded || s->n_clause != (int)n) {
        mem_free(s->folded);
        s->folded = mem_calloc(n, 1);
        s->n_clause = (int)n;
    }
    s->v.list.n = s->n_row = 0;
    if (!err && (!s->mark || !s->row || !s->folded))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    if (err)
        return err;
    gather(s);
    set_rows(s);
    return SOR_OK;
}

/* The clause under the cursor, by ordinal. */
static int clause_here(struct view *v)
{
    struct document *s = (struct document *)v;
    int i = list_here(v);

    return i < 0 ? -1 : s->row[s->window + i];
}

static enum sor_err document_open(struct view *v, struct sor_msg *msg)
{
    struct document *s = (struct document *)v;
    enum sor_err err = load(s, msg);

    if (!err && v->at.pos >= 0) {
        const struct db_clause *c = reviewed_holding(&s->r, v->at.pos);

        v->list.cur = c ? c->ordinal : 0;
    }
    return err;
}

static void document_close(struct view *v)
{
    struct document *s = (struct document *)v;

    mem_free(s->mark);
    mem_free(s->row);
    mem_free(s->folded);
    reviewed_release(&s->r);
}

static struct db_addr here(struct view *v)
{
    const struct document *s = (const struct document *)v;
    int i = clause_here(v);

    return i < 0 ? v->at : addr_place(v->at.run_id, clause(s, i)->char_from);
}

static void reload(struct view *v)
{
    struct sor_msg msg;

    if (load((struct document *)v, &msg))
        tui_say(v->t, "%s", msg.text);
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "document");
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct document *s = (struct document *)v;

    s->window = (int)from;
    return list_part(s->n_row, from, n);
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct document *s = (const struct document *)v;
    int at = s->row[s->window + i];
    const struct db_clause *c = clause(s, at);
    const struct mark *m = &s->mark[at];
    int depth = c->depth < DEPTH_SHOWN ? c->depth : DEPTH_SHOWN;

    switch (col) {
    case C_NUMBER:
        p->style = ROLE_ACCENT;
        pen_str(p, c->full_number ? c->full_number : c->number ? c->number
                                                              : "-");
        break;
    case C_MARK:
        p->style = reviewed_severity_role(m->severity);
        if (m->n_finding > 0)
            pen_str(p, reviewed_severity(m->severity));
        break;
    case C_CITED:
        p->style = ROLE_DIM;
        if (m->n_cited > 0)
            pen_fmt(p, "%d", m->n_cited);
        break;
    case C_TYPE:
        p->style = ROLE_DIM;
        if (m->type && strcmp(m->type->label, "None") != 0)
            pen_line(p, m->type->label, strlen(m->type->label));
        break;
    case C_TEXT:
        pen_fmt(p, "%*s", depth * INDENT, "");
        if (s->folded[at]) {
            p->style = ROLE_KEY;
            pen_str(p, "+");
            pen_gap(p, 1);
            p->style = ROLE_TEXT;
        }
        if (c->heading) {
            p->style = ROLE_STRONG;
            pen_line(p, c->heading, strlen(c->heading));
            break;
        }
        if (s->r.doc && s->r.doc->text)
            pen_line(p, s->r.doc->text + m->from, m->to - m->from);
        break;
    }
}

/* ---- the other pane ------------------------------------------------------ */

static void found_here(const struct view *v, int64_t clause_id, struct doc *d)
{
    const struct document *s = (const struct document *)v;
    const struct db_finding *f = s->r.set[DB_FINDING].row;
    int n = 0;

    for (int i = 0; i < s->r.set[DB_FINDING].n; i++) {
        if (f[i].clause_id != clause_id || !f[i].text)
            continue;
        if (n++ == 0)
            doc_head(d, "Findings");
        struct pen p = doc_line(d, 0, reviewed_severity_role(f[i].severity));
        pen_fmt(&p, "%-7s", reviewed_severity(f[i].severity));
        p.style = ROLE_TEXT;
        pen_line(&p, f[i].text, strlen(f[i].text));
        doc_goes(d, &view_findings, addr_item(v->at.run_id, f[i].ordinal));
    }
}

static void cited_for(const struct view *v, int64_t clause_id, struct doc *d)
{
    const struct document *s = (const struct document *)v;
    const struct db_evidence *e = s->r.set[DB_EVIDENCE].row;
    const struct db_claim *c = s->r.set[DB_CLAIM].row;
    int n = 0;

    for (int i = 0; i < s->r.set[DB_EVIDENCE].n; i++) {
        if (e[i].clause_id != clause_id)
            continue;
        for (int k = 0; k < s->r.set[DB_CLAIM].n; k++) {
            if (c[k].id != e[i].claim_id)
                continue;
            if (n++ == 0)
                doc_head(d, "Cited for");
            struct pen p = doc_line(d, 0, ROLE_TEXT);
            pen_fmt(&p, "%-8s %-12s %.2f  ", c[k].name, e[i].relation,
                    e[i].score);
            p.style = ROLE_DIM;
            if (c[k].title)
                pen_line(&p, c[k].title, strlen(c[k].title));
            doc_goes(d, &view_claims,
                     addr_item(v->at.run_id, c[k].ordinal));
        }
    }
}

static void norms(const struct document *s, int64_t clause_id, struct doc *d)
{
    const struct db_norm *x = s->r.set[DB_NORM].row;
    int n = 0;

    for (int i = 0; i < s->r.set[DB_NORM].n; i++) {
        struct db_str act = reviewed_quote(&s->r, x[i].act_from, x[i].act_to);

        if (x[i].clause_id != clause_id)
            continue;
        if (n++ == 0)
            doc_head(d, "Who must, may, may not (by rule)");
        struct pen p = doc_line(d, 0, ROLE_DIM);
        pen_fmt(&p, "%-12s", x[i].kind);
        p.style = ROLE_STRONG;
        if (x[i].bearer)
            pen_line(&p, x[i].bearer, strlen(x[i].bearer));
        p.style = ROLE_TEXT;
        pen_str(&p, "  ");
        pen_line(&p, act.p, act.n);
    }
}

static void term(const struct document *s, int64_t id, struct pen *p)
{
    const struct db_term *x = s->r.set[DB_TERM].row;

    for (int i = 0; i < s->r.set[DB_TERM].n; i++)
        if (x[i].id == id && x[i].name) {
            pen_str(p, "\"");
            pen_line(p, x[i].name, strlen(x[i].name));
            pen_str(p, "\"");
            return;
        }
    pen_str(p, "a term");
}

/* Edges of the logic graph that end in this clause or begin in it. */
static void logic(const struct view *v, int64_t clause_id, struct doc *d)
{
    const struct document *s = (const struct document *)v;
    const struct db_logic *x = s->r.set[DB_LOGIC].row;
    char name[200];
    int n = 0;

    for (int i = 0; i < s->r.set[DB_LOGIC].n; i++) {
        int out = x[i].src_id == clause_id &&
                  strcmp(x[i].src_kind, "clause") == 0;
        const char *kind = out ? x[i].dst_kind : x[i].src_kind;
        int64_t id = out ? x[i].dst_id : x[i].src_id;

        if (strcmp(x[i].kind, "uses") == 0 || (!out &&
            (x[i].dst_id != clause_id || strcmp(x[i].dst_kind, "clause"))))
            continue;
        if (n++ == 0)
            doc_head(d, "Logic (by rule)");
        struct pen p = doc_line(d, 0, ROLE_DIM);
        pen_glyph(&p, out ? GLYPH_TO : GLYPH_FROM);
        pen_fmt(&p, " %-13s ", x[i].kind);
        p.style = ROLE_TEXT;
        if (strcmp(kind, "clause") == 0) {
            const struct db_clause *c = reviewed_clause(&s->r, id);

            pen_fmt(&p, "clause %s", reviewed_number(c));
            if (c)
                doc_goes(d, &view_document,
                         addr_place(v->at.run_id, c->char_from));
        } else if (strncmp(kind, "external", 8) == 0 ||
                   strcmp(kind, "dangling") == 0) {
            db_text(tui_db(v->t), id, name, sizeof name);
            pen_fmt(&p, "%s ", kind);
            pen_line(&p, name, strlen(name));
        } else if (strcmp(kind, "term") == 0) {
            term(s, id, &p);
        } else {
            pen_str(&p, kind);
        }
    }
}

static void detail(struct view *v, struct doc *d)
{
    const struct document *s = (const struct document *)v;
    int i = clause_here(v);
    const struct db_clause *c = clause(s, i);
    const struct mark *m = &s->mark[i];

    doc_fact(d, "clause", "%s%s%s", reviewed_number(c),
             c->unit ? ", " : "", c->unit ? c->unit : "");
    if (c->page > 0)
        doc_fact(d, "page", "%d", c->page);
    if (m->type)
        doc_fact(d, "type", "%s, %.2f (scored)", m->type->label,
                 m->type->score);
    doc_gap(d);
    if (s->r.doc && s->r.doc->text)
        doc_text(d, 0, ROLE_TEXT, s->r.doc->text + m->from, m->to - m->from);
    else
        doc_say(d, 0, ROLE_DIM, "The document's text was forgotten.");
    found_here(v, c->id, d);
    cited_for(v, c->id, d);
    norms(s, c->id, d);
    logic(v, c->id, d);
}

/* ---- keys ---------------------------------------------------------------- */

static const struct key_def defs[] = {
    { '+', CMD_UNFOLD, "unfold what is below this clause", NULL },
    { '-', CMD_FOLD, "fold it", "fold" },
    { '*', CMD_FOLD_ALL, "fold everything, and unfold it", NULL },
    { 'w', CMD_GRAPH, "this clause in the graph of the document's logic",
      "graph" },
    { 'S', CMD_STRIKE, "strike this clause and see what becomes of a verdict",
      "strike" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Document", defs };

static int has_below(const struct document *s, int i)
{
    return i + 1 < s->r.set[DB_CLAUSE].n &&
           clause(s, i + 1)->depth > clause(s, i)->depth;
}

/* Folds or unfolds a clause; of one with nothing below, its parent. */
static void fold(struct document *s, int i, int folded)
{
    int n = s->r.set[DB_CLAUSE].n;

    while (folded && i > 0 && !has_below(s, i)) {
        int depth = clause(s, i)->depth;
        while (i > 0 && clause(s, i)->depth >= depth && depth > 0)
            i--;
        if (depth == 0)
            break;
    }
    if (i < n && has_below(s, i))
        s->folded[i] = (char)folded;
    set_rows(s);
    for (int k = 0; k < s->n_row; k++)
        if (s->row[k] <= i)
            s->v.list.cur = k;
}

static void fold_all(struct document *s)
{
    int any = 0, n = s->r.set[DB_CLAUSE].n;

    for (int i = 0; i < n; i++)
        any |= s->folded[i];
    for (int i = 0; i < n; i++)
        s->folded[i] = !any && has_below(s, i);
    set_rows(s);
    list_goto(&s->v, 0);
}

static void strike(struct view *v, struct db_addr about, const char *claim)
{
    struct document *s = (struct document *)v;
    const struct db_clause *c;
    char words[64];

    if (v->ops != &view_document || !(c = reviewed_holding(&s->r, about.pos)))
        return;
    snprintf(words, sizeof words, "clause %s", reviewed_number(c));
    act_strike(v, c->char_from, c->char_to, words, claim);
}

/* Of the claims, the first that cites the clause is offered. */
static void ask_strike(struct view *v, const struct db_clause *c)
{
    const struct document *s = (const struct document *)v;
    const struct db_evidence *e = s->r.set[DB_EVIDENCE].row;
    const struct db_claim *x = s->r.set[DB_CLAIM].row;
    const char *given = s->r.set[DB_CLAIM].n ? x[0].name : "";

    for (int i = s->r.set[DB_EVIDENCE].n - 1; i >= 0; i--)
        for (int k = 0; k < s->r.set[DB_CLAIM].n; k++)
            if (e[i].clause_id == c->id && e[i].claim_id == x[k].id)
                given = x[k].name;
    tui_ask(v->t, &(struct tui_ask){
        .label = "strike it, and decide this claim anew: ", .given = given,
        .about = addr_place(v->at.run_id, c->char_from), .done = strike });
}

static int cmd(struct view *v, enum tui_cmd c)
{
    struct document *s = (struct document *)v;
    int i = clause_here(v);

    if (i < 0)
        return 0;
    switch (c) {
    case CMD_FOLD:
    case CMD_UNFOLD:
        fold(s, i, c == CMD_FOLD);
        return 1;
    case CMD_FOLD_ALL:
        fold_all(s);
        return 1;
    case CMD_GRAPH:
        tui_push(v->t, &view_graph, addr_place(v->at.run_id,
                                               clause(s, i)->char_from));
        return 1;
    case CMD_STRIKE:
        ask_strike(v, clause(s, i));
        return 1;
    default:
        return 0;
    }
}

const struct view_ops view_document = {
    .name = "document", .what = "the clauses of a reviewed document",
    .size = sizeof(struct document), .keys = &keys, .cols = cols,
    .empty = "No clause was found in this document.",
    .open = document_open, .close = document_close, .reload = reload,
    .crumb = crumb, .here = here, .fetch = fetch, .cell = cell,
    .detail = detail, .cmd = cmd
};
