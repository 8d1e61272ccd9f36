/* review/store.c - the run of a review, and its readings as they come; the
 * rows are in store_rules.c and store_claims.c. */
#include "review/store_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/version.h"
#include "engine/engine.h"
#include "probe/adapters.h"
#include "probe/model_id.h"
#include "trace/rec.h"

/* A batch of readings is committed this often: what kill -9 costs. */
static const uint64_t COMMIT_NS = 1000000000;

/* --- small things --------------------------------------------------------- */

enum sor_err store_row(struct store *s, enum db_review_table t,
                       const void *row, int64_t *id, struct sor_msg *msg)
{
    return db_put_review_row(s->w, t, s->run_id, row, id, msg);
}

struct store_place store_place(const struct store *s, struct span span)
{
    if (span.from == span.to)
        return (struct store_place){ -1, -1 };
    return (struct store_place){ (int)document_cp(s->r->doc, span.from),
                                 (int)document_cp(s->r->doc, span.to) };
}

int64_t store_clause(const struct store *s, int i)
{
    return i >= 0 ? s->clause[i] : 0;
}

const char *store_uid(const struct store *s)
{
    return s->uid;
}

int64_t store_run_id(const struct store *s)
{
    return s->run_id;
}

int store_resumed(const struct store *s)
{
    return s->n_resumed;
}

const struct judge_memory *store_memory(struct store *s)
{
    return &s->memory;
}

/* --- readings as they come ------------------------------------------------ */

static void lose(struct store *s, enum sor_err err)
{
    s->lost = err;
    s->is_open = 0;                     /* a failed put rolled it back */
}

/* Opens a batch, and closes one that is old enough. */
static void keep_batch(struct store *s)
{
    uint64_t now = clock_mono_ns();
    enum sor_err err = SOR_OK;

    if (s->is_open && now - s->commit_ns > COMMIT_NS) {
        s->is_open = 0;
        err = db_commit(s->w, NULL, &s->lost_msg);
    }
    if (!err && !s->is_open) {
        err = db_begin(s->w, s->run_id, &s->lost_msg);
        s->is_open = !err;
        s->commit_ns = now;
    }
    if (err)
        lose(s, err);
}

static int recall(void *ud, const struct passage_text *p,
                  const char *statement, struct reading *r)
{
    struct store *s = ud;
    const struct memo_entry *e = memo_find(&s->pair,
                                           memo_key_of(p, statement));

    if (!e)
        return 0;
    memcpy(r->logit, e->logit, sizeof r->logit);
    r->digest = e->digest;
    r->n_tok = e->n_tok;
    return 1;
}

static void note(void *ud, const struct passage_text *p,
                 const char *statement, const struct reading *r)
{
    struct store *s = ud;
    struct db_reading row = { .context = p->context ? p->context : "",
        .text = p->text, .statement = statement, .digest = r->digest,
        .n_tok = r->n_tok };
    struct memo_entry e = { .key = memo_key_of(p, statement),
                            .digest = r->digest, .n_tok = r->n_tok };
    enum sor_err err;

    memcpy(e.logit, r->logit, sizeof e.logit);
    for (int k = 0; k < RELATIONS; k++)
        row.logit[k] = (double)r->logit[k];
    if (!s->lost)
        keep_batch(s);
    if (!s->lost && (err = store_row(s, DB_READING, &row, &e.id,
                                     &s->lost_msg)))
        lose(s, err);
    if (memo_put(&s->pair, &e) && !s->lost)
        s->lost = sor_fail(&s->lost_msg, SOR_NOMEM, "out of memory for "
                           "readings");
}

static int recall_types(void *ud, const struct passage_text *p, float *logp,
                        int n_type)
{
    struct store *s = ud;
    const struct memo_entry *e = memo_find(&s->type, memo_key_of(p, NULL));
    size_t n = (size_t)n_type;

    if (!e)
        return 0;
    memcpy(logp, s->logp + (size_t)e->n_tok * n, n * sizeof *logp);
    return 1;
}

/* The vector's place in s->logp is kept as the entry's n_tok. */
static enum sor_err keep_types(struct store *s, const struct passage_text *p,
                               const float *logp, int n_type)
{
    struct memo_entry e = { .key = memo_key_of(p, NULL), .n_tok = s->type.n };
    size_t n = (size_t)n_type;

    e.digest = e.key.a;
    if (memo_find(&s->type, e.key))
        return SOR_OK;
    if (s->type.n == s->cap_logp) {
        int cap = s->cap_logp ? 2 * s->cap_logp : 64;
        float *more = mem_realloc(s->logp, (size_t)cap, n * sizeof *more);

        if (!more)
            return SOR_NOMEM;
        s->logp = more;
        s->cap_logp = cap;
    }
    memcpy(s->logp + (size_t)s->type.n * n, logp, n * sizeof *logp);
    return memo_put(&s->type, &e);
}

static void note_types(void *ud, const struct passage_text *p,
                       const float *logp, int n_type)
{
    struct store *s = ud;
    struct db_type_reading row = { .context = p->context ? p->context : "",
        .text = p->text, .logp = { (const uint8_t *)logp,
                                   (size_t)n_type * sizeof *logp } };
    enum sor_err err;

    if (!s->lost)
        keep_batch(s);
    if (!s->lost && (err = store_row(s, DB_TYPE_READING, &row, NULL,
                                     &s->lost_msg)))
        lose(s, err);
    if (keep_types(s, p, logp, n_type) && !s->lost)
        s->lost = sor_fail(&s->lost_msg, SOR_NOMEM, "out of memory for "
                           "readings");
}

/* --- what makes two reviews the same -------------------------------------- */

static void mix(struct sha256 *h, const char *s)
{
    sha256_update(h, s ? s : "", s ? strlen(s) + 1 : 1);
}

static enum sor_err digest_same(const struct store *s,
                                const struct model_id *model, uint8_t out[32],
                                struct sor_msg *msg)
{
    const struct review_opts *o = s->opts;
    struct sha256 *h = sha256_open();
    char numbers[96];

    if (!h)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    mix(h, SORITES_VERSION);
    sha256_update(h, s->r->doc->sha256, 32);
    mix(h, s->r->doc->name);
    mix(h, o->pack->id);
    mix(h, o->pack->version);
    mix(h, o->pack->adapter_sha256);
    if (model)
        sha256_update(h, model->sha256, 32);
    mix(h, s->engine ? engine_info(s->engine)->isa : "none");
    snprintf(numbers, sizeof numbers, "%d %d %d %d", o->n_path,
             o->rules_only || !s->engine, o->strict, s->r->passages->n);
    mix(h, numbers);
    mix(h, o->party);
    for (int i = 0; i < o->n_claim; i++) {
        mix(h, o->claim[i].id);
        mix(h, o->claim[i].stated);
        for (int k = 0; k < o->claim[i].n_wording; k++)
            mix(h, o->claim[i].wording[k].text);
    }
    sha256_final(h, out);
    sha256_close(h);
    return SOR_OK;
}

/* --- taking up ------------------------------------------------------------ */

static enum sor_err recall_pairs(struct store *s)
{
    struct db_cur *c = db_review_rows(db_writer_reader(s->w), DB_READING,
                                      s->run_id);
    enum sor_err err = SOR_OK;
    struct db_reading g;

    while (!err && db_review_row_next(c, DB_READING, &g) > 0) {
        struct passage_text p = { g.context, g.text };
        struct memo_entry e = { .key = memo_key_of(&p, g.statement),
            .digest = g.digest, .n_tok = g.n_tok, .id = g.id };

        for (int k = 0; k < RELATIONS; k++)
            e.logit[k] = (float)g.logit[k];
        err = memo_put(&s->pair, &e);
    }
    enum sor_err damaged = db_cur_close(c);
    return err ? err : damaged;
}

static enum sor_err recall_all_types(struct store *s)
{
    struct db_cur *c = db_review_rows(db_writer_reader(s->w), DB_TYPE_READING,
                                      s->run_id);
    int n_type = s->opts->pack->n_type;
    enum sor_err err = SOR_OK;
    struct db_type_reading g;

    while (!err && db_review_row_next(c, DB_TYPE_READING, &g) > 0) {
        struct passage_text p = { g.context, g.text };

        if (g.logp.n == (size_t)n_type * sizeof(float))
            err = keep_types(s, &p, (const float *)(const void *)g.logp.p,
                             n_type);
    }
    enum sor_err damaged = db_cur_close(c);
    return err ? err : damaged;
}

/* The ids of the rows of one table, in order; *out has n of them. */
static enum sor_err load_ids(struct store *s, enum db_review_table t, int n,
                             int64_t *out, struct sor_msg *msg)
{
    struct db_cur *c = db_review_rows(db_writer_reader(s->w), t, s->run_id);
    void *row = mem_calloc(1, db_review_row_bytes(t));
    int k = 0;

    while (row && k < n && db_review_row_next(c, t, row) > 0)
        out[k++] = *(int64_t *)row;
    mem_free(row);
    if (db_cur_close(c) || k != n)
        return sor_fail(msg, SOR_FORMAT, "run %lld: its %s rows are not those "
                        "of this document", (long long)s->run_id,
                        db_review_table_name(t));
    return SOR_OK;
}

static enum sor_err take_up(struct store *s, struct sor_msg *msg)
{
    const struct review *r = s->r;
    struct db_run run;
    enum sor_err err;

    if (db_get_run(db_writer_reader(s->w), s->run_id, &run) != 1)
        return sor_fail(msg, SOR_FORMAT, "run %lld cannot be read",
                        (long long)s->run_id);
    snprintf(s->uid, sizeof s->uid, "%s", run.uid);
    s->model_id = run.model_id;
    db_rest(db_writer_reader(s->w));
    if ((err = load_ids(s, DB_DOCUMENT, 1, &s->document_id, msg)) ||
        (err = load_ids(s, DB_CLAUSE, r->clauses->n, s->clause, msg)) ||
        (err = load_ids(s, DB_PASSAGE, r->passages->n, s->passage, msg)) ||
        (err = load_ids(s, DB_TERM, r->graph->n_term, s->term, msg)) ||
        (err = load_ids(s, DB_DEFECT, r->defects->n, s->defect, msg)))
        return err;
    if ((err = recall_pairs(s)) || (err = recall_all_types(s)))
        return sor_fail(msg, err, "run %.8s: its readings cannot be read",
                        s->uid);
    s->n_resumed = s->pair.n + s->type.n;
    return SOR_OK;
}

/* --- the run -------------------------------------------------------------- */

static enum sor_err print_params(const struct store *s, struct str *out,
                                 struct sor_msg *msg)
{
    const struct pack *p = s->opts->pack;
    struct str path, adapters;
    struct json j;
    enum sor_err err = SOR_OK;

    str_init(&path);
    str_init(&adapters);
    if (s->engine && p->adapter) {
        str_printf(&path, "%s/%s", p->dir, p->adapter);
        err = adapters_describe(path.p, 1.0, &adapters, msg);
    }
    json_init(&j, out);
    json_obj(&j);
    json_key(&j, "domain");
    json_str(&j, p->id);
    json_end_obj(&j);
    if (adapters.len) {
        out->p[--out->len] = '\0';      /* in place of the closing brace */
        str_printf(out, ",\"adapters\":%s}", adapters.p);
    }
    str_release(&path);
    str_release(&adapters);
    return err;
}

static enum sor_err put_run(struct store *s, const struct model_id *model,
                            struct sor_msg *msg)
{
    const struct engine_info *info = s->engine ? engine_info(s->engine) : NULL;
    struct db_put_run row = { .uid = s->uid, .kind = "review",
        .chat = "none", .route = "off", .level = "tokens",
        .kv_type = info ? info->kv_type : "none",
        .isa = info ? info->isa : "none", .program = SORITES_VERSION,
        .n_path = s->opts->n_path, .top_p = 1.0,
        .n_thread = info ? info->n_thread : 0,
        .n_ctx = info ? info->n_ctx : 0, .started_us = clock_wall_us() };
    struct str params, prompt, full;
    enum sor_err err;

    str_init(&params);
    str_init(&prompt);
    str_init(&full);
    str_printf(&prompt, "review %s", s->r->doc->name);
    if (!(err = rec_uid(s->uid, msg)) &&
        !(err = print_params(s, &params, msg)) &&
        !(err = db_put_text(s->w, prompt.p, prompt.len, &row.prompt_id,
                            msg)) && model) {
        struct db_model m;

        model_id_row(model, s->engine, &full, &m);
        err = db_put_model(s->w, &m, model->part, model->n_part,
                           &s->model_id, msg);
    }
    row.params = params.p;
    row.model_id = s->model_id;
    if (!err)
        err = db_put_run(s->w, &row, &s->run_id, msg);
    str_release(&params);
    str_release(&prompt);
    str_release(&full);
    return err;
}

static enum sor_err put_review(struct store *s, const uint8_t same[32],
                               struct sor_msg *msg)
{
    const struct review_opts *o = s->opts;
    struct db_review row = { .same = { same, 32 }, .domain = o->pack->id,
        .pack_version = o->pack->version, .party = o->party,
        .adapter = s->engine ? o->pack->adapter_sha256 : NULL,
        .strict = o->strict != 0, .rules_only = !s->engine,
        .n_path = o->n_path, .note = o->pack->note };

    return store_row(s, DB_REVIEW, &row, NULL, msg);
}

static enum sor_err begin_anew(struct store *s, const struct model_id *model,
                               const uint8_t same[32], struct sor_msg *msg)
{
    enum sor_err err = db_begin(s->w, 0, msg);

    if (err)
        return err;
    if ((err = put_run(s, model, msg)) || (err = put_review(s, same, msg)) ||
        (err = store_rules(s, msg))) {
        db_rollback(s->w);
        return err;
    }
    return db_commit(s->w, NULL, msg);
}

static enum sor_err alloc_ids(struct store *s)
{
    const struct review *r = s->r;

    s->clause = mem_calloc((size_t)r->clauses->n + 1, sizeof *s->clause);
    s->passage = mem_calloc((size_t)r->passages->n + 1, sizeof *s->passage);
    s->term = mem_calloc((size_t)r->graph->n_term + 1, sizeof *s->term);
    s->defect = mem_calloc((size_t)r->defects->n + 1, sizeof *s->defect);
    return s->clause && s->passage && s->term && s->defect ? SOR_OK
                                                           : SOR_NOMEM;
}

enum sor_err store_begin(struct db_writer *w, const struct store_run *run,
                         const struct review *r, struct store **out,
                         struct sor_msg *msg)
{
    struct store *s = mem_calloc(1, sizeof *s);
    uint8_t same[32];
    enum sor_err err = SOR_OK;

    if (!s)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    s->w = w;
    s->r = r;
    s->opts = run->opts;
    s->engine = run->engine;
    s->start_ns = clock_mono_ns();
    s->memory = (struct judge_memory){ .recall = recall, .note = note,
        .recall_types = recall_types, .note_types = note_types, .ud = s };
    if (alloc_ids(s))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    if (!err && !(err = digest_same(s, run->model, same, msg)))
        err = db_find_unfinished(w, same, &s->run_id, msg);
    if (!err)
        err = s->run_id ? take_up(s, msg)
                        : begin_anew(s, run->model, same, msg);
    if (err)
        store_close(s);
    else
        *out = s;
    return err;
}

enum sor_err store_judged(struct store *s, const struct review *r,
                          const struct judge *judge, struct sor_msg *msg)
{
    enum sor_err err = s->lost;

    if (err) {
        if (msg)
            *msg = s->lost_msg;
        return err;
    }
    s->r = r;
    if (!s->is_open && (err = db_begin(s->w, s->run_id, msg)))
        return err;
    s->is_open = 0;
    if ((err = store_claims(s, judge, msg))) {
        db_rollback(s->w);
        return err;
    }
    return db_commit(s->w, NULL, msg);
}

enum sor_err store_end(struct store *s, const char *status,
                       struct sor_msg *msg)
{
    struct db_put_run_end row = { .run_id = s->run_id, .status = status,
        .n_token = s->n_token,
        .wall_ns = (int64_t)(clock_mono_ns() - s->start_ns),
        .ended_us = clock_wall_us() };
    enum sor_err err = SOR_OK;

    if (s->is_open)                     /* readings of what was cut off */
        err = db_commit(s->w, NULL, msg);
    s->is_open = 0;
    if (err || strcmp(status, "interrupted") == 0)
        return err;
    if ((err = db_begin(s->w, s->run_id, msg)))
        return err;
    if ((err = db_put_run_end(s->w, &row, msg))) {
        db_rollback(s->w);
        return err;
    }
    return db_commit(s->w, NULL, msg);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (s->is_open)
        db_rollback(s->w);
    memo_release(&s->pair);
    memo_release(&s->type);
    mem_free(s->logp);
    mem_free(s->clause);
    mem_free(s->passage);
    mem_free(s->term);
    mem_free(s->defect);
    mem_free(s->claim);
    mem_free(s);
}
