/* review/store_claims.c - claims, their paths, checks and verdicts, and the
 * findings, as rows. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/tok.h"
#include "review/store_impl.h"

/* Steps are laid out by this file, not cut from text by rules. */
enum { SEGMENTER = 0 };

static const char *const relation_word[RELATIONS] = {
    [RELATION_UNRELATED] = "unrelated", [RELATION_SUPPORTS] = "supports",
    [RELATION_CONTRADICTS] = "contradicts"
};
static const char *const stance_word[STANCES] = {
    [STANCE_STANDARD] = "standard", [STANCE_FALLBACK] = "fallback",
    [STANCE_UNACCEPTABLE] = "unacceptable"
};

static const char *claim_text(const struct claim *c)
{
    return c->n_wording ? c->wording[0].text : c->custom ? c->custom : c->id;
}

/* --- types and claims ----------------------------------------------------- */

static enum sor_err put_types(struct store *s, struct sor_msg *msg)
{
    const struct review *r = s->r;
    enum sor_err err = SOR_OK;

    for (int i = 0; r->clause_type && i < r->clauses->n && !err; i++) {
        struct db_clause_type row = { .clause_id = s->clause[i],
            .score = r->clause_score ? r->clause_score[i] : (double)NAN };

        if (r->clause_type[i] < 0)
            continue;
        row.label = s->opts->pack->type[r->clause_type[i]].label;
        err = store_row(s, DB_CLAUSE_TYPE, &row, NULL, msg);
    }
    return err;
}

static enum sor_err put_claim(struct store *s, int i, struct sor_msg *msg)
{
    const struct claim *c = s->r->claim[i].claim;
    int measured = c->error.n > 0;
    struct db_claim row = { .ordinal = i, .name = c->id, .kind = c->kind,
        .title = c->title, .text = claim_text(c), .type = c->type,
        .custom = c->custom != NULL, .n_given = c->error.n,
        .n_wrong = c->error.wrong,
        .wrong_low = measured ? c->error.low : (double)NAN,
        .wrong_high = measured ? c->error.high : (double)NAN,
        .n_contradicted = c->error_contradicted.n,
        .n_contradicted_wrong = c->error_contradicted.wrong,
        .measured_on = c->error.set };

    return store_row(s, DB_CLAIM, &row, &s->claim[i], msg);
}

/* --- one path: steps ------------------------------------------------------ */

struct timeline {
    int32_t tok[JUDGE_TOKENS + 1];
    int n;                              /* 0: nothing decisive was read */
    struct reading_spans spans;
    int relation;                       /* the answer; -1: none */
    uint64_t digest;
};

/* "7.2", or "c12" where it has no number. */
static void put_clause_name(struct str *out, const struct review *r, int i)
{
    if (i >= 0 && r->clauses->at[i].path)
        str_puts(out, r->clauses->at[i].path);
    else
        str_printf(out, "c%d", i + 1);
}

static int best_of(const float p[RELATIONS])
{
    int best = 0;

    for (int k = 1; k < RELATIONS; k++)
        if (p[k] > p[best])
            best = k;
    return best;
}

static void say_cited(struct str *out, const struct review *r,
                      const struct review_path *p)
{
    str_puts(out, p->n_reading ? "cites " : "cites nothing");
    for (int i = 0; i < p->n_reading; i++) {
        str_puts(out, i ? ", " : "");
        put_clause_name(out, r, r->passages->at[p->reading[i].passage].clause);
    }
}

static void say_related(struct str *out, const struct review *r,
                        const struct review_path *p)
{
    str_printf(out, "\"%s\":", p->statement);
    for (int i = 0; i < p->n_reading; i++) {
        const struct path_reading *g = &p->reading[i];
        int best = best_of(g->p);

        str_puts(out, i ? "; " : " ");
        put_clause_name(out, r, r->passages->at[g->passage].clause);
        str_printf(out, " %s (%.3f)", relation_word[best],
                   (double)g->p[best]);
    }
}

static const char *const weighed[PATH_VARIANTS] = {
    [PATH_PLAIN] = "each passage read with the text before it",
    [PATH_PARAPHRASE] = "the claim in other words",
    [PATH_PARAPHRASE_2] = "the claim in other words again",
    [PATH_SHORT_CONTEXT] = "only the last sentence before each passage",
    [PATH_DEFINITIONS] = "the definitions of the terms used read first",
    [PATH_LOGIC] = "exceptions, overrides and conditions read along",
    [PATH_PARENT] = "the lead-in of the parent clause read first",
    [PATH_SUBSET] = "the best passage left out",
    [PATH_OPPOSITE] = "the opposite of the claim, turned around",
};

static void say_concluded(struct str *out, const struct review_path *p)
{
    str_printf(out, "%s", verdict_name(p->verdict));
    if (!isnan(p->p[0]))
        str_printf(out, " (supported %.3f, contradicted %.3f, not addressed "
                   "%.3f)", p->p[0], p->p[1], p->p[2]);
    if (!p->counts)
        str_puts(out, "; does not count: it read the same as another path");
}

static void say_step(struct str *out, const struct review *r,
                     const struct review_path *p, enum step_role role)
{
    switch (role) {
    case STEP_CITE:     say_cited(out, r, p); break;
    case STEP_RELATE:   say_related(out, r, p); break;
    case STEP_WEIGH:    str_puts(out, weighed[p->variant]); break;
    case STEP_CONCLUDE: say_concluded(out, p); break;
    }
}

static const struct { const char *role, *origin; } steps[] = {
    [STEP_CITE]     = { "cite", "scored" },     /* ranked by the model */
    [STEP_RELATE]   = { "relate", "scored" },
    [STEP_WEIGH]    = { "weigh", "rule" },
    [STEP_CONCLUDE] = { "conclude", "rule" },
};
enum { N_STEP = sizeof steps / sizeof steps[0] };

/* Which path of which claim; its ordinal in the run. */
struct path_at { int claim, path, ordinal; };

/* Where a step stands in the timeline: it cites the passage, relates the
 * statement to it, and concludes from the answer. */
static void step_tokens(const struct timeline *t, int step, int *from, int *to)
{
    const int bound[N_STEP + 1] = { 0, t->spans.text[1], t->spans.answer,
                                    t->spans.answer, t->n };

    *from = t->n ? bound[step] : 0;
    *to = t->n ? bound[step + 1] : 0;
}

static enum sor_err put_steps(struct store *s, const struct review_path *p,
                              const struct timeline *t, int64_t path_id,
                              struct sor_msg *msg)
{
    struct db_put_path_end end = { .path_id = path_id, .stop = "scored",
        .n_token = t->n ? 1 : 0, .logprob_mean = NAN,
        .ended_us = clock_wall_us() };
    struct str text;
    enum sor_err err = SOR_OK;

    str_init(&text);
    for (int k = 0; k < N_STEP && !err; k++) {
        struct db_put_step row = { .path_id = path_id, .ordinal = k,
            .role = steps[k].role, .origin = steps[k].origin,
            .logprob_mean = NAN, .logprob_min = NAN, .min_pos = -1,
            .segmenter = SEGMENTER };

        if (k)
            str_putc(&text, '\n');
        row.char_from = (int)utf8_count(text.p, text.len);
        say_step(&text, s->r, p, (enum step_role)k);
        row.char_to = (int)utf8_count(text.p, text.len);
        step_tokens(t, k, &row.tok_from, &row.tok_to);
        err = db_put_step(s->w, &row, NULL, msg);
    }
    if (!err && !str_ok(&text))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    if (!err && !(err = db_put_text(s->w, text.p, text.len, &end.text_id,
                                    msg)))
        err = db_put_path_end(s->w, &end, msg);
    str_release(&text);
    return err;
}

/* --- one path: its timeline ----------------------------------------------- */

/* The input of the decisive reading, from its row. */
static enum sor_err make_timeline(struct store *s, const struct judge *judge,
                                  const struct review_path *p,
                                  struct timeline *t, struct sor_msg *msg)
{
    const struct path_reading *g = &p->reading[p->decisive];
    const struct memo_entry *e = memo_find_digest(&s->pair, g->digest);
    struct db_cur *c;
    struct db_reading row;

    if (!e || !e->id)
        return SOR_OK;
    c = db_review_row(db_writer_reader(s->w), DB_READING, e->id);
    if (db_review_row_next(c, DB_READING, &row) == 1) {
        struct passage_text passage = { row.context, row.text };
        int n = judge_tokens(judge, &passage, row.statement, t->tok,
                             JUDGE_TOKENS, &t->spans);

        t->relation = best_of(e->logit);
        t->digest = g->digest;
        t->n = n > 0 && n <= JUDGE_TOKENS ? n : 0;
        if (t->n)                       /* and the answer behind it */
            t->tok[t->n++] = judge_answer(judge, (enum relation)t->relation);
    }
    if (db_cur_close(c))
        return sor_fail(msg, SOR_FORMAT, "a reading cannot be read back");
    return SOR_OK;
}

static enum sor_err put_tokens(struct store *s, const struct timeline *t,
                               int64_t path_id, struct sor_msg *msg)
{
    const struct tok *tok = t->n ? engine_tok(s->engine) : NULL;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < t->n && !err; i++) {
        struct db_put_token row = { .path_id = path_id, .pos = i,
            .token_id = t->tok[i], .logprob = NAN, .entropy = NAN,
            .mode = -1, .has_digest = i == t->spans.answer,
            .digest = t->digest };
        size_t n;
        const char *piece = tok_piece(tok, t->tok[i], &n);

        err = db_put_piece(s->w, s->model_id, t->tok[i], piece, n, msg);
        if (!err)
            err = db_put_token(s->w, &row, msg);
        s->n_token++;
    }
    return err;
}

static enum sor_err put_readings(struct store *s, const struct review_path *p,
                                 int64_t path_id, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; i < p->n_reading && !err; i++) {
        const struct path_reading *g = &p->reading[i];
        const struct memo_entry *e = memo_find_digest(&s->pair, g->digest);
        struct db_claim_reading row = { .path_id = path_id,
            .reading_id = e ? e->id : 0, .passage_id = s->passage[g->passage],
            .decisive = i == p->decisive };

        for (int k = 0; k < RELATIONS; k++)
            row.p[k] = (double)g->p[k];
        err = store_row(s, DB_CLAIM_READING, &row, NULL, msg);
    }
    return err;
}

/* *id: its row. */
static enum sor_err put_path(struct store *s, const struct judge *judge,
                             struct path_at at, int64_t *id,
                             struct sor_msg *msg)
{
    const struct claim_result *c = &s->r->claim[at.claim];
    const struct review_path *p = &c->path[at.path];
    struct timeline t = { .n = 0, .relation = -1 };
    struct db_put_path path = { .run_id = s->run_id, .ordinal = at.ordinal,
                                .kind = "score" };
    struct db_claim_path row = { .claim_id = s->claim[at.claim],
        .variant = path_variant_name(p->variant), .statement = p->statement,
        .verdict = verdict_name(p->verdict), .counts = p->counts != 0,
        .p = { p->p[0], p->p[1], p->p[2] } };
    struct str params;
    struct json j;
    enum sor_err err = SOR_OK;

    str_init(&params);
    json_init(&j, &params);
    json_obj(&j);
    json_key(&j, "claim");
    json_str(&j, c->claim->id);
    json_key(&j, "variant");
    json_str(&j, row.variant);
    json_end_obj(&j);
    path.params = params.p;
    if (judge && p->decisive >= 0)
        err = make_timeline(s, judge, p, &t, msg);
    if (!err && !(err = db_put_path(s->w, &path, id, msg)) &&
        !(err = put_tokens(s, &t, *id, msg)) &&
        !(err = put_steps(s, p, &t, *id, msg))) {
        row.path_id = *id;
        if (!(err = store_row(s, DB_CLAIM_PATH, &row, NULL, msg)))
            err = put_readings(s, p, *id, msg);
    }
    str_release(&params);
    return err;
}

/* --- what a claim comes to ------------------------------------------------ */

static enum sor_err put_evidence(struct store *s, int i, struct sor_msg *msg)
{
    const struct claim_result *c = &s->r->claim[i];
    enum sor_err err = SOR_OK;

    for (int k = 0; k < c->n_evidence && !err; k++) {
        const struct evidence *e = &c->evidence[k];
        struct store_place at = store_place(s, e->span);
        int page = document_page(s->r->doc, e->span.from);
        struct db_evidence row = { .claim_id = s->claim[i], .rank = k,
            .clause_id = store_clause(s, e->clause), .char_from = at.from,
            .char_to = at.to, .page = page ? page : -1,
            .relation = relation_word[e->relation], .status = e->status,
            .score = e->score };

        err = store_row(s, DB_EVIDENCE, &row, NULL, msg);
        if (!err && e->relation != RELATION_UNRELATED && e->clause >= 0 &&
            c->verdict != VERDICT_NOT_MEASURED) {
            struct db_logic edge = { .kind = relation_word[e->relation],
                .src_kind = "clause", .src_id = s->clause[e->clause],
                .dst_kind = "claim", .dst_id = s->claim[i],
                .char_from = at.from, .char_to = at.to, .score = e->score,
                .measured = "scored" };

            err = store_row(s, DB_LOGIC, &edge, NULL, msg);
        }
    }
    return err;
}

static enum sor_err put_checks(struct store *s, int i, struct sor_msg *msg)
{
    const struct claim_result *c = &s->r->claim[i];
    enum sor_err err = SOR_OK;

    for (int k = 0; k < c->n_check && !err; k++) {
        const struct check *x = &c->check[k];
        struct db_check row = { .claim_id = s->claim[i], .ordinal = k,
            .clause_id = store_clause(s, x->clause), .passed = x->passed,
            .kind = check_kind_name(x->kind), .input = x->input,
            .note = x->note, .p = { x->p[0], x->p[1], x->p[2] } };

        err = store_row(s, DB_CHECK, &row, NULL, msg);
    }
    return err;
}

static enum sor_err put_verdict(struct store *s, int i, const int64_t *path,
                                struct sor_msg *msg)
{
    const struct claim_result *c = &s->r->claim[i];
    struct db_verdict row = { .claim_id = s->claim[i],
        .verdict = verdict_name(c->verdict), .flip = c->flip,
        .confidence = c->confidence, .p = { c->p[0], c->p[1], c->p[2] },
        .stability = c->stability, .n_count = c->n_count,
        .error_correlation = c->error_correlation };

    if (c->has_stance)
        row.stance = stance_word[c->stance];
    if (c->position) {
        row.position = c->position->text;
        row.suggest = c->position->suggest;
    }
    if (c->first_diff[0] >= 0 && c->first_diff[1] >= 0 &&
        c->first_diff[0] < c->n_path && c->first_diff[1] < c->n_path) {
        row.path_a = path[c->first_diff[0]];
        row.path_b = path[c->first_diff[1]];
    }
    return store_row(s, DB_VERDICT, &row, NULL, msg);
}

static enum sor_err put_findings(struct store *s, struct sor_msg *msg)
{
    const struct review *r = s->r;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < r->n_finding && !err; i++) {
        const struct finding *f = &r->finding[i];
        struct store_place at = store_place(s, f->span);
        struct db_finding row = { .ordinal = i, .source = f->source,
            .severity = f->severity, .origin = f->origin, .text = f->text,
            .clause_id = store_clause(s, f->clause), .char_from = at.from,
            .char_to = at.to, .confidence = f->confidence };
        int of_claim = strcmp(f->source, "claim") == 0 ||
                       strcmp(f->source, "playbook") == 0;

        if (of_claim && f->index >= 0 && f->index < r->n_claim)
            row.claim_id = s->claim[f->index];
        else if (!of_claim && f->index >= 0 && f->index < r->defects->n)
            row.defect_id = s->defect[f->index];
        err = store_row(s, DB_FINDING, &row, NULL, msg);
    }
    return err;
}

static enum sor_err put_one(struct store *s, const struct judge *judge, int i,
                            int *ordinal, struct sor_msg *msg)
{
    const struct claim_result *c = &s->r->claim[i];
    int64_t *path = mem_calloc((size_t)c->n_path + 1, sizeof *path);
    enum sor_err err = SOR_OK;

    if (!path)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    for (int k = 0; k < c->n_path && !err; k++)
        err = put_path(s, judge, (struct path_at){ i, k, (*ordinal)++ },
                       &path[k], msg);
    if (!err && !(err = put_evidence(s, i, msg)) &&
        !(err = put_checks(s, i, msg)))
        err = put_verdict(s, i, path, msg);
    mem_free(path);
    return err;
}

enum sor_err store_claims(struct store *s, const struct judge *judge,
                          struct sor_msg *msg)
{
    enum sor_err err = put_types(s, msg);
    int ordinal = 0;

    mem_free(s->claim);
    s->claim = mem_calloc((size_t)s->r->n_claim + 1, sizeof *s->claim);
    if (!err && !s->claim)
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    for (int i = 0; i < s->r->n_claim && !err; i++)
        err = put_claim(s, i, msg);
    for (int i = 0; i < s->r->n_claim && !err; i++)
        err = put_one(s, judge, i, &ordinal, msg);
    return err ? err : put_findings(s, msg);
}
