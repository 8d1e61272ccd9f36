/* review/store_rules.c - the document and what the rules found, as rows. */
#include <stdio.h>
#include <string.h>

#include "review/store_impl.h"

static const char *const format_word[] = {
    [DOCUMENT_TEXT] = "text", [DOCUMENT_MARKDOWN] = "markdown",
    [DOCUMENT_PDF] = "pdf", [DOCUMENT_DOCX] = "docx"
};
static const char *const clause_word[] = {
    [CLAUSE_NUMBERED] = "numbered", [CLAUSE_HEADED] = "headed",
    [CLAUSE_PARAGRAPH] = "paragraph", [CLAUSE_PREAMBLE] = "preamble",
    [CLAUSE_RECITAL] = "recital", [CLAUSE_ITEM] = "item"
};
static const char *const node_word[] = {
    [NODE_CLAUSE] = "clause", [NODE_TERM] = "term",
    [NODE_EXTERNAL] = "external", [NODE_EXTERNAL_TERM] = "external_term",
    [NODE_DANGLING] = "dangling", [NODE_DOCUMENT] = "document",
    [NODE_CLAIM] = "claim"
};

static enum sor_err put_document(struct store *s, struct sor_msg *msg)
{
    const struct document *d = s->r->doc;
    struct db_document row = { .name = d->name,
        .format = format_word[d->format], .encoding = d->encoding,
        .text = d->text, .sha256 = { d->sha256, 32 },
        .n_byte = (int64_t)d->n_byte, .n_char = (int64_t)d->n_char,
        .n_page = d->n_page };

    return store_row(s, DB_DOCUMENT, &row, &s->document_id, msg);
}

static enum sor_err put_clauses(struct store *s, struct sor_msg *msg)
{
    const struct document *d = s->r->doc;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < s->r->clauses->n && !err; i++) {
        const struct clause *c = &s->r->clauses->at[i];
        struct db_clause row = { .ordinal = i, .parent = c->parent,
            .depth = c->depth, .kind = clause_word[c->kind],
            .number = c->number, .full_number = c->path, .unit = c->unit,
            .heading = c->heading,
            .char_from = (int)document_cp(d, c->span.from),
            .char_to = (int)document_cp(d, c->span.to),
            .own_to = (int)document_cp(d, c->own.to),
            .text_from = (int)document_cp(d, c->text.from),
            .text_to = (int)document_cp(d, c->text.to),
            .page = c->page ? c->page : -1 };

        err = store_row(s, DB_CLAUSE, &row, &s->clause[i], msg);
    }
    return err;
}

static enum sor_err put_passages(struct store *s, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; i < s->r->passages->n && !err; i++) {
        const struct passage *p = &s->r->passages->at[i];
        struct store_place at = store_place(s, p->span);
        struct db_passage row = { .ordinal = i,
            .clause_id = store_clause(s, p->clause), .char_from = at.from,
            .char_to = at.to };

        err = store_row(s, DB_PASSAGE, &row, &s->passage[i], msg);
    }
    return err;
}

static enum sor_err put_terms(struct store *s, struct sor_msg *msg)
{
    const struct graph *g = s->r->graph;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < g->n_term && !err; i++) {
        const struct term *t = &g->term[i];
        struct store_place at = store_place(s, t->span);
        struct store_place meaning = store_place(s, t->meaning);
        struct db_term row = { .ordinal = i, .name = t->name,
            .clause_id = store_clause(s, t->clause), .char_from = at.from,
            .char_to = at.to, .meaning_from = meaning.from,
            .meaning_to = meaning.to, .n_def = t->n_def, .n_use = t->n_use };

        err = store_row(s, DB_TERM, &row, &s->term[i], msg);
    }
    for (int i = 0; i < g->n_party && !err; i++) {
        struct store_place at = store_place(s, g->party[i].span);
        struct db_party row = { .name = g->party[i].name,
            .role = g->party[i].role, .char_from = at.from,
            .char_to = at.to };

        err = store_row(s, DB_PARTY, &row, NULL, msg);
    }
    return err;
}

static enum sor_err put_norms(struct store *s, struct sor_msg *msg)
{
    const struct graph *g = s->r->graph;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < g->n_norm && !err; i++) {
        const struct norm *n = &g->norm[i];
        struct store_place at = store_place(s, n->span);
        struct store_place act = store_place(s, n->act);
        struct store_place by = store_place(s, n->deadline);
        struct store_place sum = store_place(s, n->amount);
        struct db_norm row = { .clause_id = store_clause(s, n->clause),
            .kind = norm_kind_name(n->kind), .bearer = n->bearer,
            .modal = n->modal, .char_from = at.from, .char_to = at.to,
            .act_from = act.from, .act_to = act.to, .deadline_from = by.from,
            .deadline_to = by.to, .amount_from = sum.from,
            .amount_to = sum.to };

        err = store_row(s, DB_NORM, &row, NULL, msg);
    }
    for (int i = 0; i < g->n_value && !err; i++) {
        const struct value *v = &g->value[i];
        struct store_place at = store_place(s, v->span);
        struct db_value row = { .clause_id = store_clause(s, v->clause),
            .kind = value_kind_name(v->kind), .norm = v->norm,
            .char_from = at.from, .char_to = at.to };

        err = store_row(s, DB_VALUE, &row, NULL, msg);
    }
    return err;
}

/* The id of the row that an end of an edge is; a name is a text. */
static enum sor_err find_node(struct store *s, const struct node *n,
                              int64_t *id, struct sor_msg *msg)
{
    const char *name = n->name ? n->name : "";

    switch (n->kind) {
    case NODE_CLAUSE:
        *id = store_clause(s, n->index);
        return SOR_OK;
    case NODE_TERM:
        *id = s->term[n->index];
        return SOR_OK;
    case NODE_DOCUMENT:
        *id = s->document_id;
        return SOR_OK;
    default:
        return db_put_text(s->w, name, strlen(name), id, msg);
    }
}

static enum sor_err put_edges(struct store *s, struct sor_msg *msg)
{
    const struct graph *g = s->r->graph;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < g->n_edge && !err; i++) {
        const struct edge *e = &g->edge[i];
        struct store_place at = store_place(s, e->span);
        struct db_logic row = { .kind = edge_kind_name(e->kind),
            .src_kind = node_word[e->src.kind],
            .dst_kind = node_word[e->dst.kind], .char_from = at.from,
            .char_to = at.to, .score = (double)e->score,
            .measured = e->rule ? "rule" : "scored", .rule = e->rule };

        if (!(err = find_node(s, &e->src, &row.src_id, msg)) &&
            !(err = find_node(s, &e->dst, &row.dst_id, msg)))
            err = store_row(s, DB_LOGIC, &row, NULL, msg);
    }
    return err;
}

static enum sor_err put_defects(struct store *s, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; i < s->r->defects->n && !err; i++) {
        const struct defect *x = &s->r->defects->at[i];
        struct store_place at = store_place(s, x->span);
        struct store_place other = store_place(s, x->related);
        char missing[96];
        struct db_defect row = { .ordinal = i, .note = x->note,
            .kind = defect_kind_name(x->kind), .char_from = at.from,
            .char_to = at.to, .related_from = other.from,
            .related_to = other.to, .n_searched = x->n_searched };

        if (x->kind == DEFECT_MISSING_CLAUSE && x->missing) {
            snprintf(missing, sizeof missing, "missing_%s", x->missing);
            row.kind = missing;
        }
        err = store_row(s, DB_DEFECT, &row, &s->defect[i], msg);
    }
    return err;
}

enum sor_err store_rules(struct store *s, struct sor_msg *msg)
{
    enum sor_err err;

    if ((err = put_document(s, msg)) || (err = put_clauses(s, msg)) ||
        (err = put_passages(s, msg)) || (err = put_terms(s, msg)) ||
        (err = put_norms(s, msg)) || (err = put_edges(s, msg)))
        return err;
    return put_defects(s, msg);
}
