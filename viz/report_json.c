/* viz/report_json.c - a stored review as one JSON object: what its Markdown
 * says, for programs.  Members are named as `sorites review --json` names
 * them, which has the logic graph too. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "viz/report.h"

struct print {
    struct json j;
    const struct report *r;
};

static const char *const verdict_word[] = { "supported", "contradicted",
                                            "not_addressed" };

/* --- members -------------------------------------------------------------- */

static void put_str(struct print *p, const char *key, const char *s)
{
    json_key(&p->j, key);
    json_str(&p->j, s);
}

static void put_int(struct print *p, const char *key, int64_t v)
{
    json_key(&p->j, key);
    json_int(&p->j, v);
}

static void put_num(struct print *p, const char *key, double v)
{
    json_key(&p->j, key);
    json_num(&p->j, v);
}

static void put_flag(struct print *p, const char *key, int v)
{
    json_key(&p->j, key);
    json_bool(&p->j, v);
}

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
        put_int(p, "page", report_page(p->r, from));
}

/* "c12" and the number that people write; null for none. */
static void put_clause(struct print *p, int64_t clause_id)
{
    const struct db_clause *c = report_find(p->r, DB_CLAUSE, clause_id);
    char id[16] = "";

    if (c)
        snprintf(id, sizeof id, "c%d", c->ordinal + 1);
    put_str(p, "clause", c ? id : NULL);
    put_str(p, "number", c ? c->full_number : NULL);
}

static void put_odds(struct print *p, const double v[3])
{
    json_key(&p->j, "p");
    json_obj(&p->j);
    for (int k = 0; k < 3; k++)
        put_num(p, verdict_word[k], v[k]);
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
    put_str(p, "name", d->name);
    put_str(p, "format", d->format);
    put_str(p, "encoding", d->encoding);
    put_str(p, "sha256", p->r->doc_sha256);
    put_int(p, "chars", d->n_char);
    put_int(p, "pages", d->n_page);
    put_int(p, "clauses", report_n(p->r, DB_CLAUSE));
    json_end_obj(&p->j);
}

/* The one that counts first. */
static void put_decisions(struct print *p, int64_t finding_id)
{
    const struct db_decision *d;

    begin_list(p, "decisions");
    for (int k = 0; (d = report_decision_back(p->r, finding_id, k)); k++) {
        json_obj(&p->j);
        put_str(p, "choice", d->choice);
        put_str(p, "verdict", d->verdict);
        put_str(p, "name", d->name);
        put_str(p, "reason", d->reason);
        put_int(p, "at_us", d->at_us);
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
        put_int(p, "finding", f->ordinal);
        put_str(p, "source", f->source);
        put_int(p, "severity", f->severity);
        put_str(p, "origin", f->origin);
        put_str(p, "text", f->text);
        put_str(p, "claim", c ? c->name : NULL);
        put_clause(p, f->clause_id);
        put_span(p, f->char_from, f->char_to);
        put_num(p, "confidence", f->confidence);
        put_flag(p, "needs_you", report_needs_you(p->r, f));
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
        put_str(p, "relation", e->relation);
        put_num(p, "score", e->score);
        put_str(p, "status", e->status);
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
        put_str(p, "role", s->role);
        put_str(p, "origin", s->origin);
        put_str(p, "text", s->text);
        json_end_obj(&p->j);
    }
    json_end_arr(&p->j);
}

static void put_paths(struct print *p, int64_t claim_id)
{
    begin_list(p, "paths");
    for (int i = 0; i < report_n(p->r, DB_CLAIM_PATH); i++) {
        const struct db_claim_path *c = report_row(p->r, DB_CLAIM_PATH, i);

        if (c->claim_id != claim_id)
            continue;
        json_obj(&p->j);
        put_int(p, "path", i);
        put_str(p, "variant", c->variant);
        put_str(p, "statement", c->statement);
        put_flag(p, "counts", c->counts);
        put_str(p, "verdict", c->verdict);
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
        put_str(p, "kind", k->kind);
        json_key(&p->j, "passed");
        if (k->passed < 0)
            json_null(&p->j);
        else
            json_bool(&p->j, k->passed);
        put_str(p, "input", k->input);
        put_str(p, "note", k->note);
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
    put_int(p, "n", c->n_given);
    put_int(p, "wrong", c->n_wrong);
    put_num(p, "low", c->wrong_low);
    put_num(p, "high", c->wrong_high);
    put_str(p, "set", c->measured_on);
    json_end_obj(&p->j);
}

/* Votes of the paths that count. */
static void put_votes(struct print *p, int64_t claim_id)
{
    json_key(&p->j, "votes");
    json_obj(&p->j);
    for (int k = 0; k < 3; k++) {
        int n = 0;

        for (int i = 0; i < report_n(p->r, DB_CLAIM_PATH); i++) {
            const struct db_claim_path *c = report_row(p->r, DB_CLAIM_PATH,
                                                       i);

            n += c->claim_id == claim_id && c->counts &&
                 strcmp(c->verdict, verdict_word[k]) == 0;
        }
        if (n)
            put_int(p, verdict_word[k], n);
    }
    json_end_obj(&p->j);
}

static void put_claim(struct print *p, const struct db_claim *c,
                      const struct db_verdict *v)
{
    int from, to;

    json_obj(&p->j);
    put_str(p, "id", c->name);
    put_str(p, "title", c->title);
    put_str(p, "text", c->text);
    put_str(p, "kind", c->kind);
    put_str(p, "verdict", v->verdict);
    put_num(p, "confidence", v->confidence);
    put_odds(p, v->p);
    put_num(p, "stability", v->stability);
    put_votes(p, c->id);
    put_int(p, "paths_counted", v->n_count);
    put_num(p, "error_correlation", v->error_correlation);
    put_measured(p, c);
    put_evidence(p, c->id);
    put_paths(p, c->id);
    put_checks(p, c->id);
    put_str(p, "contrast", report_contrast_word(report_contrast(p->r,
                                                                c->id)));
    put_str(p, "playbook", v->stance);
    put_str(p, "position", v->position);
    put_str(p, "suggested_text", report_suggestion(p->r, c->id, &from, &to));
    put_str(p, "flip", v->flip);
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

/* --- the whole ------------------------------------------------------------ */

static void put_method(struct print *p)
{
    const struct report *r = p->r;

    json_key(&p->j, "method");
    json_obj(&p->j);
    put_str(p, "pack", r->review->domain);
    put_str(p, "pack_version", r->review->pack_version);
    put_flag(p, "rules_only", r->review->rules_only);
    put_str(p, "model_sha256", r->model_sha256[0] ? r->model_sha256 : NULL);
    put_str(p, "adapter_sha256", r->review->adapter);
    put_str(p, "isa", r->model_sha256[0] ? r->isa : NULL);
    put_str(p, "program", r->program);
    put_str(p, "chain_head", r->head);
    json_end_obj(&p->j);
}

void report_json(const struct report *r, struct str *out)
{
    struct print p = { .r = r };
    struct str lines;

    str_init(&lines);
    json_init(&p.j, out);
    json_obj(&p.j);
    put_str(&p, "run", r->uid);
    put_str(&p, "started", r->started);
    put_str(&p, "status", r->status);
    put_str(&p, "party", r->review->party);
    put_document(&p);
    put_findings(&p);
    put_claims(&p);
    report_put_unchecked(r, &lines);
    put_sentences(&p, "not_checked", &lines);
    put_method(&p);
    put_str(&p, "note", r->review->note);
    json_end_obj(&p.j);
    str_putc(out, '\n');
    str_release(&lines);
}
