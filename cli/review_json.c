#include "cli/review_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"

struct print {
    struct json j;
    const struct review *r;
    const struct pack *pack;
};

/* --- words --------------------------------------------------------------- */

static const char *const relation_name[RELATIONS] = {
    [RELATION_UNRELATED] = "unrelated", [RELATION_SUPPORTS] = "supports",
    [RELATION_CONTRADICTS] = "contradicts"
};
static const char *const stance_name[STANCES] = {
    [STANCE_STANDARD] = "acceptable", [STANCE_FALLBACK] = "needs_review",
    [STANCE_UNACCEPTABLE] = "not_acceptable"
};
static const char *const format_name[] = {
    [DOCUMENT_TEXT] = "text", [DOCUMENT_MARKDOWN] = "markdown",
    [DOCUMENT_PDF] = "pdf", [DOCUMENT_DOCX] = "docx"
};

/* --- members ------------------------------------------------------------- */

/* "start" and "end" in code points; null for a place that there is none of. */
static void put_span(struct print *p, struct span s)
{
    int none = s.from == s.to;

    json_key(&p->j, "start");
    if (none)
        json_null(&p->j);
    else
        json_int(&p->j, (int64_t)document_cp(p->r->doc, s.from));
    json_key(&p->j, "end");
    if (none)
        json_null(&p->j);
    else
        json_int(&p->j, (int64_t)document_cp(p->r->doc, s.to));
}

static void put_quote(struct print *p, const char *key, struct span s)
{
    json_key(&p->j, key);
    if (s.from == s.to)
        json_null(&p->j);
    else
        json_strn(&p->j, p->r->doc->text + s.from, s.to - s.from);
}

/* "c12"; null for -1. */
static void put_clause(struct print *p, const char *key, int clause)
{
    char name[16];

    snprintf(name, sizeof name, "c%d", clause + 1);
    json_put_str(&p->j, key, clause >= 0 ? name : NULL);
}

static void put_verdict_p(struct print *p, const double v[3])
{
    json_key(&p->j, "p");
    json_obj(&p->j);
    for (int i = 0; i < 3; i++)
        json_put_num(&p->j, verdict_name((enum verdict)i), v[i]);
    json_end_obj(&p->j);
}

/* --- document, clauses --------------------------------------------------- */

static void put_document(struct print *p)
{
    const struct document *d = p->r->doc;
    char hex[SHA256_HEX];

    hash_hex(d->sha256, sizeof d->sha256, hex);
    json_key(&p->j, "document");
    json_obj(&p->j);
    json_put_str(&p->j, "name", d->name);
    json_put_str(&p->j, "format", format_name[d->format]);
    json_put_str(&p->j, "encoding", d->encoding);
    json_put_str(&p->j, "sha256", hex);
    json_put_int(&p->j, "chars", (int64_t)d->n_char);
    json_put_int(&p->j, "pages", d->n_page);
    json_end_obj(&p->j);
}

static void put_clauses(struct print *p)
{
    const struct review *r = p->r;

    json_key(&p->j, "clauses");
    json_arr(&p->j);
    for (int i = 0; i < r->clauses->n; i++) {
        const struct clause *c = &r->clauses->at[i];
        int type = r->clause_type ? r->clause_type[i] : -1;

        json_obj(&p->j);
        put_clause(p, "id", i);
        json_put_str(&p->j, "number", c->number);
        json_put_str(&p->j, "full_number", c->path);
        json_put_str(&p->j, "heading", c->heading);
        put_clause(p, "parent", c->parent);
        put_span(p, c->span);
        json_put_str(&p->j, "type",
                     type >= 0 ? p->pack->type[type].label : NULL);
        json_put_num(&p->j, "score",
                     type >= 0 && r->clause_score ? r->clause_score[i]
                                                  : (double)NAN);
        if (c->page)
            json_put_int(&p->j, "page", c->page);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

/* --- claims -------------------------------------------------------------- */

static void put_evidence(struct print *p, const struct claim_result *c)
{
    json_key(&p->j, "evidence");
    json_arr(&p->j);
    for (int i = 0; i < c->n_evidence; i++) {
        const struct evidence *e = &c->evidence[i];
        int page = document_page(p->r->doc, e->span.from);

        json_obj(&p->j);
        put_clause(p, "clause", e->clause);
        put_span(p, e->span);
        put_quote(p, "quote", e->span);
        json_put_str(&p->j, "relation", c->verdict == VERDICT_NOT_MEASURED
                                        ? NULL : relation_name[e->relation]);
        json_put_num(&p->j, "score", e->score);
        json_put_str(&p->j, "status", e->status);
        if (page)
            json_put_int(&p->j, "page", page);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_readings(struct print *p, const struct review_path *path)
{
    char digest[17];

    json_key(&p->j, "readings");
    json_arr(&p->j);
    for (int i = 0; i < path->n_reading; i++) {
        const struct path_reading *g = &path->reading[i];

        json_obj(&p->j);
        put_clause(p, "clause", p->r->passages->at[g->passage].clause);
        for (int k = 0; k < RELATIONS; k++)
            json_put_num(&p->j, relation_name[k], (double)g->p[k]);
        snprintf(digest, sizeof digest, "%016llx",
                 (unsigned long long)g->digest);
        json_put_str(&p->j, "digest", digest);
        json_put_bool(&p->j, "decisive", i == path->decisive);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_paths(struct print *p, const struct claim_result *c)
{
    json_key(&p->j, "paths");
    json_arr(&p->j);
    for (int i = 0; i < c->n_path; i++) {
        const struct review_path *path = &c->path[i];

        json_obj(&p->j);
        json_put_str(&p->j, "variant", path_variant_name(path->variant));
        json_put_str(&p->j, "statement", path->statement);
        json_put_bool(&p->j, "counts", path->counts);
        json_put_str(&p->j, "verdict", verdict_name(path->verdict));
        put_verdict_p(p, path->p);
        put_readings(p, path);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_checks(struct print *p, const struct claim_result *c)
{
    json_key(&p->j, "checks");
    json_arr(&p->j);
    for (int i = 0; i < c->n_check; i++) {
        const struct check *k = &c->check[i];

        json_obj(&p->j);
        json_put_str(&p->j, "kind", check_kind_name(k->kind));
        json_key(&p->j, "passed");
        if (k->passed < 0)
            json_null(&p->j);
        else
            json_bool(&p->j, k->passed);
        json_put_str(&p->j, "input", k->input);
        if (!isnan(k->p[0]))
            put_verdict_p(p, k->p);
        put_clause(p, "clause", k->clause);
        json_put_str(&p->j, "note", k->note);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

/* How often verdicts on this claim were wrong; null: unmeasured. */
static void put_measured(struct print *p, const char *key,
                         const struct measured *m)
{
    json_key(&p->j, key);
    if (m->n == 0) {
        json_null(&p->j);
        return;
    }
    json_obj(&p->j);
    json_put_int(&p->j, "n", m->n);
    json_put_int(&p->j, "wrong", m->wrong);
    json_put_num(&p->j, "low", m->low);
    json_put_num(&p->j, "high", m->high);
    json_put_str(&p->j, "set", m->set);
    json_end_obj(&p->j);
}

static void put_claim(struct print *p, const struct claim_result *c)
{
    json_obj(&p->j);
    json_put_str(&p->j, "id", c->claim->id);
    json_put_str(&p->j, "title", c->claim->title);
    json_put_str(&p->j, "text", c->claim->n_wording
                                ? c->claim->wording[0].text
                                : c->claim->custom);
    json_put_str(&p->j, "kind", c->claim->kind);
    json_put_str(&p->j, "verdict", verdict_name(c->verdict));
    json_put_num(&p->j, "confidence", c->confidence);
    put_verdict_p(p, c->p);
    json_put_num(&p->j, "stability", c->stability);
    json_key(&p->j, "votes");
    json_obj(&p->j);
    for (int v = 0; v < VERDICTS; v++)
        if (c->votes[v])
            json_put_int(&p->j, verdict_name((enum verdict)v), c->votes[v]);
    json_end_obj(&p->j);
    json_put_int(&p->j, "paths_counted", c->n_count);
    json_put_num(&p->j, "error_correlation", c->error_correlation);
    put_measured(p, "measured_error", &c->claim->error);
    put_measured(p, "measured_error_contradicted",
                 &c->claim->error_contradicted);
    put_evidence(p, c);
    put_paths(p, c);
    put_checks(p, c);
    json_key(&p->j, "first_difference");
    if (c->first_diff[0] < 0) {
        json_null(&p->j);
    } else {
        json_arr(&p->j);
        json_int(&p->j, c->first_diff[0]);
        json_int(&p->j, c->first_diff[1]);
        json_end_arr(&p->j);
    }
    json_put_str(&p->j, "playbook",
                 c->has_stance ? stance_name[c->stance] : NULL);
    json_put_str(&p->j, "position", c->position ? c->position->text : NULL);
    json_put_str(&p->j, "flip", c->flip);
    json_end_obj(&p->j);
}

static void put_claims(struct print *p)
{
    json_key(&p->j, "claims");
    json_arr(&p->j);
    for (int i = 0; i < p->r->n_claim; i++)
        put_claim(p, &p->r->claim[i]);
    json_end_arr(&p->j);
}

/* --- the logic graph ----------------------------------------------------- */

/* The name of an end as an allocated-free string: terms may be long. */
static void put_node(struct print *p, const char *key, const struct node *n)
{
    char name[1024];

    json_put_str(&p->j, key, node_name(p->r->graph, n, name, sizeof name));
}

static void put_edge(struct print *p, const struct edge *e)
{
    json_obj(&p->j);
    json_put_str(&p->j, "kind", edge_kind_name(e->kind));
    put_node(p, "src", &e->src);
    put_node(p, "dst", &e->dst);
    put_span(p, e->span);
    json_put_num(&p->j, "score", e->score);
    json_put_str(&p->j, "origin", e->rule ? "rule" : "scored");
    json_put_str(&p->j, "rule", e->rule);
    json_end_obj(&p->j);
}

/* What cited passages are to their claims are edges too, unless nobody knows
 * how often that is wrong. */
static void put_claim_edges(struct print *p, const struct claim_result *c)
{
    for (int i = 0; i < c->n_evidence; i++) {
        const struct evidence *e = &c->evidence[i];
        struct edge edge = {
            .kind = e->relation == RELATION_SUPPORTS ? EDGE_SUPPORTS
                                                     : EDGE_CONTRADICTS,
            .src = { NODE_CLAUSE, e->clause, NULL },
            .dst = { NODE_CLAIM, 0, c->claim->id },
            .span = e->span, .score = (float)e->score };

        if (e->relation != RELATION_UNRELATED && e->clause >= 0 &&
            c->verdict != VERDICT_NOT_MEASURED)
            put_edge(p, &edge);
    }
}

static void put_edges(struct print *p)
{
    const struct graph *g = p->r->graph;

    json_key(&p->j, "edges");
    json_arr(&p->j);
    for (int i = 0; i < g->n_edge; i++)
        put_edge(p, &g->edge[i]);
    for (int i = 0; i < p->r->n_claim; i++)
        put_claim_edges(p, &p->r->claim[i]);
    json_end_arr(&p->j);
}

static void put_norms(struct print *p)
{
    const struct graph *g = p->r->graph;

    json_key(&p->j, "norms");
    json_arr(&p->j);
    for (int i = 0; i < g->n_norm; i++) {
        const struct norm *n = &g->norm[i];

        json_obj(&p->j);
        put_clause(p, "clause", n->clause);
        json_put_str(&p->j, "kind", norm_kind_name(n->kind));
        json_put_str(&p->j, "bearer", n->bearer);
        json_put_str(&p->j, "modal", n->modal);
        put_span(p, n->span);
        put_quote(p, "act", n->act);
        if (n->deadline.from != n->deadline.to)
            put_quote(p, "deadline", n->deadline);
        if (n->amount.from != n->amount.to)
            put_quote(p, "amount", n->amount);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_values(struct print *p)
{
    const struct graph *g = p->r->graph;

    json_key(&p->j, "values");
    json_arr(&p->j);
    for (int i = 0; i < g->n_value; i++) {
        const struct value *v = &g->value[i];

        json_obj(&p->j);
        put_clause(p, "clause", v->clause);
        json_put_str(&p->j, "kind", value_kind_name(v->kind));
        json_put_str(&p->j, "norm", v->norm);
        put_span(p, v->span);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_terms(struct print *p)
{
    const struct graph *g = p->r->graph;

    json_key(&p->j, "terms");
    json_arr(&p->j);
    for (int i = 0; i < g->n_term; i++) {
        const struct term *t = &g->term[i];

        json_obj(&p->j);
        json_put_str(&p->j, "name", t->name);
        put_clause(p, "clause", t->clause);
        put_span(p, t->span);
        put_quote(p, "meaning", t->meaning);
        json_put_int(&p->j, "definitions", t->n_def);
        json_put_int(&p->j, "uses", t->n_use);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

/* --- defects, findings --------------------------------------------------- */

static void put_defect(struct print *p, const struct defect *x)
{
    char kind[96];

    snprintf(kind, sizeof kind, "missing_%s", x->missing ? x->missing : "");
    json_obj(&p->j);
    json_put_str(&p->j, "kind",
                 x->kind == DEFECT_MISSING_CLAUSE && x->missing
                 ? kind : defect_kind_name(x->kind));
    put_span(p, x->span);
    json_put_str(&p->j, "note", x->note);
    put_quote(p, "quote", x->span);
    if (x->related.from != x->related.to) {
        json_key(&p->j, "related");
        json_obj(&p->j);
        put_span(p, x->related);
        json_end_obj(&p->j);
    }
    if (x->n_searched)
        json_put_int(&p->j, "clauses_searched", x->n_searched);
    json_end_obj(&p->j);
}

static void put_defects(struct print *p)
{
    const struct defects *d = p->r->defects;

    json_key(&p->j, "defects");
    json_arr(&p->j);
    for (int i = 0; d && i < d->n; i++)
        put_defect(p, &d->at[i]);
    json_end_arr(&p->j);
}

static void put_findings(struct print *p)
{
    json_key(&p->j, "findings");
    json_arr(&p->j);
    for (int i = 0; i < p->r->n_finding; i++) {
        const struct finding *f = &p->r->finding[i];
        int page;

        json_obj(&p->j);
        json_put_int(&p->j, "finding", i);
        json_put_str(&p->j, "source", f->source);
        json_put_int(&p->j, "severity", f->severity);
        json_put_str(&p->j, "origin", f->origin);
        json_put_str(&p->j, "text", f->text);
        put_clause(p, "clause", f->clause);
        put_span(p, f->span);
        json_put_num(&p->j, "confidence", f->confidence);
        if (f->span.from < f->span.to &&
            (page = document_page(p->r->doc, f->span.from)) > 0)
            json_put_int(&p->j, "page", page);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

void review_json(struct str *out, const struct review *r,
                 const struct pack *pack, const char *uid)
{
    struct print p = { .r = r, .pack = pack };

    json_init(&p.j, out);
    json_obj(&p.j);
    json_put_str(&p.j, "run", uid);
    put_document(&p);
    put_clauses(&p);
    put_claims(&p);
    put_edges(&p);
    put_norms(&p);
    put_terms(&p);
    put_values(&p);
    put_defects(&p);
    put_findings(&p);
    json_put_str(&p.j, "note", pack->note);
    json_end_obj(&p.j);
}
