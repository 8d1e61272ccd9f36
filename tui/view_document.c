/* tui/view_document.c - a reviewed document, clause by clause, with what was
 * found in each and what it is evidence for. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tui/reviewed.h"

enum { WANTED = 1u << DB_CLAUSE | 1u << DB_CLAUSE_TYPE | 1u << DB_FINDING |
                1u << DB_CLAIM | 1u << DB_EVIDENCE | 1u << DB_LOGIC |
                1u << DB_NORM,
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
    int window;
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

static enum sor_err load(struct document *s, struct sor_msg *msg)
{
    enum sor_err err = reviewed_load(&s->r, tui_db(s->v.t), s->v.at.run_id,
                                     WANTED, msg);
    int n = s->r.set[DB_CLAUSE].n;

    mem_free(s->mark);
    s->mark = mem_calloc((size_t)n + 1, sizeof *s->mark);
    s->v.list.n = 0;
    if (!err && !s->mark)
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    if (err)
        return err;
    gather(s);
    s->v.list.n = n;
    s->v.list.stale = 1;
    return SOR_OK;
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
    reviewed_release(&s->r);
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
    return list_part(s->r.set[DB_CLAUSE].n, from, n);
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct document *s = (const struct document *)v;
    const struct db_clause *c = clause(s, s->window + i);
    const struct mark *m = &s->mark[s->window + i];
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

/* ---- the other pane -------------------------------------------------------- */

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
        } else {
            pen_str(&p, kind);
        }
    }
}

static void detail(struct view *v, struct doc *d)
{
    const struct document *s = (const struct document *)v;
    int i = s->window + list_here(v);
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

const struct view_ops view_document = {
    .name = "document", .what = "the clauses of a reviewed document",
    .size = sizeof(struct document), .cols = cols,
    .empty = "No clause was found in this document.",
    .open = document_open, .close = document_close, .reload = reload,
    .crumb = crumb, .fetch = fetch, .cell = cell, .detail = detail
};
