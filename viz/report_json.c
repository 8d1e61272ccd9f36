/* viz/report_json.c - a stored review as one JSON object: what its page says,
 * for programs.  Members are named as `sorites review --json` names them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "viz/report.h"

struct print {
    struct json j;
    const struct report *r;
};

/* --- members -------------------------------------------------------------- */

static void begin_list(struct print *p, const char *key)
{
    json_key(&p->j, key);
    json_arr(&p->j);
}

/* "start", "end" and "quote"; null where it has no place. */
static void put_span(struct print *p, int from, int to)
{
    struct report_text q = report_quote(p->r, from, to);

    json_key(&p->j, "start");
    if (q.n)
        json_int(&p->j, from);
    else
        json_null(&p->j);
    json_key(&p->j, "end");
    if (q.n)
        json_int(&p->j, to);
    else
        json_null(&p->j);
    json_key(&p->j, "quote");
    if (q.n)
        json_strn(&p->j, q.p, q.n);
    else
        json_null(&p->j);
    if (q.n && report_page(p->r, from))
        json_put_int(&p->j, "page", report_page(p->r, from));
}

/* "c12" and the number that people write; null for none. */
static void put_clause(struct print *p, int64_t clause_id)
{
    const struct db_clause *c = report_find(p->r, DB_CLAUSE, clause_id);
    char id[16] = "";

    if (c)
        snprintf(id, sizeof id, "c%d", c->ordinal + 1);
    json_put_str(&p->j, "clause", c ? id : NULL);
    json_put_str(&p->j, "number", c ? c->full_number : NULL);
}

static void put_odds(struct print *p, const double v[3])
{
    json_key(&p->j, "p");
    json_obj(&p->j);
    for (int k = 0; k < 3; k++)
        json_put_num(&p->j, report_verdicts[k], v[k]);
    json_end_obj(&p->j);
}

/* Sentences, one a line, as a list of strings. */
static void put_sentences(struct print *p, const char *key,
                          const struct str *lines)
{
    begin_list(p, key);
    for (char *at = lines->p, *end; (end = strchr(at, '\n')); at = end + 1)
        json_strn(&p->j, at, (size_t)(end - at));
    json_end_arr(&p->j);
}

/* --- document, findings --------------------------------------------------- */

static void put_document(struct print *p)
{
    const struct db_document *d = p->r->doc;

    json_key(&p->j, "document");
    json_obj(&p->j);
    json_put_str(&p->j, "name", d->name);
    json_put_str(&p->j, "format", d->format);
    json_put_str(&p->j, "encoding", d->encoding);
    json_put_str(&p->j, "sha256", p->r->doc_sha256);
    json_put_int(&p->j, "chars", d->n_char);
    json_put_int(&p->j, "pages", d->n_page);
    json_put_int(&p->j, "clauses", report_n(p->r, DB_CLAUSE));
    json_end_obj(&p->j);
}

/* The one that counts first. */
static void put_decisions(struct print *p, int64_t finding_id)
{
    const struct db_decision *d;

    begin_list(p, "decisions");
    for (int k = 0; (d = report_decision_back(p->r, finding_id, k)); k++) {
        json_obj(&p->j);
        json_put_str(&p->j, "choice", d->choice);
        json_put_str(&p->j, "verdict", d->verdict);
        json_put_str(&p->j, "name", d->name);
        json_put_str(&p->j, "reason", d->reason);
        json_put_int(&p->j, "at_us", d->at_us);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_findings(struct print *p)
{
    begin_list(p, "findings");
    for (int i = 0; i < report_n(p->r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(p->r, DB_FINDING, i);
        const struct db_claim *c = report_find(p->r, DB_CLAIM, f->claim_id);

        json_obj(&p->j);
        json_put_int(&p->j, "finding", f->ordinal);
        json_put_str(&p->j, "source", f->source);
        json_put_int(&p->j, "severity", f->severity);
        json_put_str(&p->j, "origin", f->origin);
        json_put_str(&p->j, "text", f->text);
        json_put_str(&p->j, "claim", c ? c->name : NULL);
        put_clause(p, f->clause_id);
        put_span(p, f->char_from, f->char_to);
        json_put_num(&p->j, "confidence", f->confidence);
        json_put_bool(&p->j, "needs_you", report_needs_you(p->r, f));
        put_decisions(p, f->id);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

/* --- claims --------------------------------------------------------------- */

static void put_evidence(struct print *p, int64_t claim_id)
{
    const struct db_evidence *e;

    begin_list(p, "evidence");
    for (int at = 0; (e = report_evidence(p->r, claim_id, &at)); ) {
        json_obj(&p->j);
        put_clause(p, e->clause_id);
        put_span(p, e->char_from, e->char_to);
        json_put_str(&p->j, "relation", e->relation);
        json_put_num(&p->j, "score", e->score);
        json_put_str(&p->j, "status", e->status);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_steps(struct print *p, int64_t path_id)
{
    const struct report_step *s;

    begin_list(p, "steps");
    for (int k = 0; (s = report_step(p->r, path_id, k)); k++) {
        json_obj(&p->j);
        json_put_str(&p->j, "role", s->role);
        json_put_str(&p->j, "origin", s->origin);
        json_put_str(&p->j, "text", s->text);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_paths(struct print *p, int64_t claim_id)
{
    const struct db_claim_path *c;

    begin_list(p, "paths");
    for (int at = 0; (c = report_path(p->r, claim_id, &at)); ) {
        json_obj(&p->j);
        json_put_int(&p->j, "path", at - 1);
        json_put_str(&p->j, "variant", c->variant);
        json_put_str(&p->j, "statement", c->statement);
        json_put_bool(&p->j, "counts", c->counts);
        json_put_str(&p->j, "verdict", c->verdict);
        put_odds(p, c->p);
        put_steps(p, c->path_id);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_checks(struct print *p, int64_t claim_id)
{
    begin_list(p, "checks");
    for (int i = 0; i < report_n(p->r, DB_CHECK); i++) {
        const struct db_check *k = report_row(p->r, DB_CHECK, i);

        if (k->claim_id != claim_id)
            continue;
        json_obj(&p->j);
        json_put_str(&p->j, "kind", k->kind);
        json_key(&p->j, "passed");
        if (k->passed < 0)
            json_null(&p->j);
        else
            json_bool(&p->j, k->passed);
        json_put_str(&p->j, "input", k->input);
        json_put_str(&p->j, "note", k->note);
        if (!isnan(k->p[0]))
            put_odds(p, k->p);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

/* How often verdicts on this claim were wrong; null: unmeasured. */
static void put_measured(struct print *p, const struct db_claim *c)
{
    json_key(&p->j, "measured_error");
    if (c->n_given <= 0) {
        json_null(&p->j);
        return;
    }
    json_obj(&p->j);
    json_put_int(&p->j, "n", c->n_given);
    json_put_int(&p->j, "wrong", c->n_wrong);
    json_put_num(&p->j, "low", c->wrong_low);
    json_put_num(&p->j, "high", c->wrong_high);
    json_put_str(&p->j, "set", c->measured_on);
    json_end_obj(&p->j);
}

/* The two of the claim's paths, counted from 0, that part first; null: none
 * do. */
static void put_difference(struct print *p, const struct db_verdict *v)
{
    const struct db_claim_path *c;
    int side[2] = { -1, -1 };

    for (int at = 0, i = 0; (c = report_path(p->r, v->claim_id, &at)); i++) {
        if (c->path_id == v->path_a)
            side[0] = i;
        if (c->path_id == v->path_b)
            side[1] = i;
    }
    json_key(&p->j, "first_difference");
    if (side[0] < 0 || side[1] < 0) {
        json_null(&p->j);
        return;
    }
    json_arr(&p->j);
    json_int(&p->j, side[0]);
    json_int(&p->j, side[1]);
    json_end_arr(&p->j);
}

/* Votes of the paths that count. */
static void put_votes(struct print *p, int64_t claim_id)
{
    int n[REPORT_VERDICTS];

    report_votes(p->r, claim_id, n);
    json_key(&p->j, "votes");
    json_obj(&p->j);
    for (int k = 0; k < REPORT_VERDICTS; k++)
        if (n[k])
            json_put_int(&p->j, report_verdicts[k], n[k]);
    json_end_obj(&p->j);
}

static void put_claim(struct print *p, const struct db_claim *c,
                      const struct db_verdict *v)
{
    int from, to;

    json_obj(&p->j);
    json_put_str(&p->j, "id", c->name);
    json_put_str(&p->j, "title", c->title);
    json_put_str(&p->j, "text", c->text);
    json_put_str(&p->j, "kind", c->kind);
    json_put_str(&p->j, "verdict", v->verdict);
    json_put_num(&p->j, "confidence", v->confidence);
    put_odds(p, v->p);
    json_put_num(&p->j, "stability", v->stability);
    put_votes(p, c->id);
    json_put_int(&p->j, "paths_counted", v->n_count);
    json_put_num(&p->j, "error_correlation", v->error_correlation);
    put_measured(p, c);
    put_evidence(p, c->id);
    put_paths(p, c->id);
    put_checks(p, c->id);
    put_difference(p, v);
    json_put_str(&p->j, "contrast",
                 report_contrast_word(report_contrast(p->r, c->id)));
    json_put_str(&p->j, "playbook", v->stance);
    json_put_str(&p->j, "position", v->position);
    json_put_str(&p->j, "suggested_text",
                 report_suggestion(p->r, c->id, &from, &to));
    json_put_str(&p->j, "flip", v->flip);
    json_end_obj(&p->j);
}

static void put_claims(struct print *p)
{
    begin_list(p, "claims");
    for (int i = 0; i < report_n(p->r, DB_CLAIM); i++) {
        const struct db_claim *c = report_row(p->r, DB_CLAIM, i);
        const struct db_verdict *v = report_verdict(p->r, c->id);

        if (v)
            put_claim(p, c, v);
    }
    json_end_arr(&p->j);
}

/* --- the document's logic ------------------------------------------------- */

/* The words of a span; nothing where there is none. */
static void put_words(struct print *p, const char *key, int from, int to)
{
    struct report_text q = report_quote(p->r, from, to);

    if (!q.n)
        return;
    json_key(&p->j, key);
    json_strn(&p->j, q.p, q.n);
}

/* What kind of clause the model read it as; NULL: none. */
static const struct db_clause_type *type_of(const struct report *r,
                                            int64_t clause_id)
{
    for (int i = 0; i < report_n(r, DB_CLAUSE_TYPE); i++) {
        const struct db_clause_type *t = report_row(r, DB_CLAUSE_TYPE, i);

        if (t->clause_id == clause_id)
            return t;
    }
    return NULL;
}

static void put_clauses(struct print *p)
{
    const struct report *r = p->r;
    char id[16];

    begin_list(p, "clauses");
    for (int i = 0; i < report_n(r, DB_CLAUSE); i++) {
        const struct db_clause *c = report_row(r, DB_CLAUSE, i);
        const struct db_clause_type *t = type_of(r, c->id);

        json_obj(&p->j);
        snprintf(id, sizeof id, "c%d", c->ordinal + 1);
        json_put_str(&p->j, "id", id);
        json_put_str(&p->j, "number", c->number);
        json_put_str(&p->j, "full_number", c->full_number);
        json_put_str(&p->j, "heading", c->heading);
        snprintf(id, sizeof id, "c%d", c->parent + 1);
        json_put_str(&p->j, "parent", c->parent >= 0 ? id : NULL);
        json_put_int(&p->j, "start", c->char_from);
        json_put_int(&p->j, "end", c->char_to);
        json_put_str(&p->j, "type", t ? t->label : NULL);
        json_put_num(&p->j, "score", t ? t->score : (double)NAN);
        if (c->page > 0)
            json_put_int(&p->j, "page", c->page);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_terms(struct print *p)
{
    begin_list(p, "terms");
    for (int i = 0; i < report_n(p->r, DB_TERM); i++) {
        const struct db_term *t = report_row(p->r, DB_TERM, i);

        json_obj(&p->j);
        json_put_str(&p->j, "name", t->name);
        put_clause(p, t->clause_id);
        put_span(p, t->char_from, t->char_to);
        put_words(p, "meaning", t->meaning_from, t->meaning_to);
        json_put_int(&p->j, "definitions", t->n_def);
        json_put_int(&p->j, "uses", t->n_use);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_end(struct print *p, const char *key, const char *kind,
                    int64_t id)
{
    struct str name;

    str_init(&name);
    report_put_node(p->r, kind, id, &name);
    json_put_str(&p->j, key, name.p);
    str_release(&name);
}

static void put_edges(struct print *p)
{
    begin_list(p, "edges");
    for (int i = 0; i < report_n(p->r, DB_LOGIC); i++) {
        const struct db_logic *l = report_row(p->r, DB_LOGIC, i);

        json_obj(&p->j);
        json_put_str(&p->j, "kind", l->kind);
        put_end(p, "src", l->src_kind, l->src_id);
        put_end(p, "dst", l->dst_kind, l->dst_id);
        put_span(p, l->char_from, l->char_to);
        json_put_num(&p->j, "score", l->score);
        json_put_str(&p->j, "origin", l->measured);
        json_put_str(&p->j, "rule", l->rule);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_norms(struct print *p)
{
    begin_list(p, "norms");
    for (int i = 0; i < report_n(p->r, DB_NORM); i++) {
        const struct db_norm *n = report_row(p->r, DB_NORM, i);

        json_obj(&p->j);
        put_clause(p, n->clause_id);
        json_put_str(&p->j, "kind", n->kind);
        json_put_str(&p->j, "bearer", n->bearer);
        json_put_str(&p->j, "modal", n->modal);
        put_span(p, n->char_from, n->char_to);
        put_words(p, "act", n->act_from, n->act_to);
        put_words(p, "deadline", n->deadline_from, n->deadline_to);
        put_words(p, "amount", n->amount_from, n->amount_to);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_values(struct print *p)
{
    begin_list(p, "values");
    for (int i = 0; i < report_n(p->r, DB_VALUE); i++) {
        const struct db_value *v = report_row(p->r, DB_VALUE, i);

        json_obj(&p->j);
        put_clause(p, v->clause_id);
        json_put_str(&p->j, "kind", v->kind);
        json_put_str(&p->j, "norm", v->norm);
        put_span(p, v->char_from, v->char_to);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_defects(struct print *p)
{
    begin_list(p, "defects");
    for (int i = 0; i < report_n(p->r, DB_DEFECT); i++) {
        const struct db_defect *x = report_row(p->r, DB_DEFECT, i);

        json_obj(&p->j);
        json_put_str(&p->j, "kind", x->kind);
        put_span(p, x->char_from, x->char_to);
        json_put_str(&p->j, "note", x->note);
        if (x->related_from < x->related_to) {
            json_key(&p->j, "related");
            json_obj(&p->j);
            put_span(p, x->related_from, x->related_to);
            json_end_obj(&p->j);
        }
        if (x->n_searched)
            json_put_int(&p->j, "clauses_searched", x->n_searched);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

/* --- the whole ------------------------------------------------------------ */

static void put_method(struct print *p)
{
    const struct report *r = p->r;

    json_key(&p->j, "method");
    json_obj(&p->j);
    json_put_str(&p->j, "pack", r->review->domain);
    json_put_str(&p->j, "pack_version", r->review->pack_version);
    json_put_bool(&p->j, "rules_only", r->review->rules_only);
    json_put_str(&p->j, "model_sha256",
                 r->model_sha256[0] ? r->model_sha256 : NULL);
    json_put_str(&p->j, "adapter_sha256", r->review->adapter);
    json_put_str(&p->j, "isa", r->model_sha256[0] ? r->isa : NULL);
    json_put_str(&p->j, "program", r->program);
    json_put_str(&p->j, "chain_head", r->head);
    json_end_obj(&p->j);
}

void report_json(const struct report *r, struct str *out)
{
    struct print p = { .r = r };
    struct str lines;

    str_init(&lines);
    json_init(&p.j, out);
    json_obj(&p.j);
    json_put_str(&p.j, "run", r->uid);
    json_put_str(&p.j, "started", r->started);
    json_put_str(&p.j, "status", r->status);
    json_put_str(&p.j, "party", r->review->party);
    put_document(&p);
    put_findings(&p);
    put_claims(&p);
    put_clauses(&p);
    put_terms(&p);
    put_edges(&p);
    put_norms(&p);
    put_values(&p);
    put_defects(&p);
    report_put_unchecked(r, &lines);
    put_sentences(&p, "not_checked", &lines);
    put_method(&p);
    json_put_str(&p.j, "note", r->review->note);
    json_end_obj(&p.j);
    str_putc(out, '\n');
    str_release(&lines);
}
