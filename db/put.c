#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "db/writer.h"

enum { POS_OPEN = INT32_MAX };          /* path_span.pos_to of an own span */

/* --- one row ------------------------------------------------------------- */

enum sor_err put_begin(struct put *p, struct db_writer *w, enum table t,
                       struct sor_msg *msg)
{
    enum sor_err err = writer_ready(w, msg);

    if (err)
        return err;
    /* rm knows the rows of a run by their batch. */
    if (tables[t].of_run && (t == TABLE_RUN) == (w->run_id != 0))
        return sor_fail(msg, SOR_USAGE, "%s: a batch holds rows of one run",
                        tables[t].name);
    *p = (struct put){ .w = w, .t = t, .st = w->insert[t],
                       .hash = &w->part[t].hash, .id = w->next_id[t] };
    put_int(p, p->id);
    return SOR_OK;
}

/* Columns past n_hashed are stored but not hashed. */
static int hashed(struct put *p)
{
    return ++p->column <= tables[p->t].n_hashed;
}

void put_null(struct put *p)
{
    if (hashed(p))
        table_hash_null(p->hash);
    sqlite3_bind_null(p->st, p->column);
}

void put_int(struct put *p, int64_t v)
{
    if (hashed(p))
        table_hash_int(p->hash, v);
    sqlite3_bind_int64(p->st, p->column, v);
}

void put_id(struct put *p, int64_t v)
{
    if (v == 0)
        put_null(p);
    else
        put_int(p, v);
}

void put_count(struct put *p, int64_t v)
{
    if (v < 0)
        put_null(p);
    else
        put_int(p, v);
}

void put_real(struct put *p, double v)
{
    if (isnan(v)) {
        put_null(p);
        return;
    }
    if (hashed(p))
        table_hash_real(p->hash, v);
    sqlite3_bind_double(p->st, p->column, v);
}

void put_textn(struct put *p, const char *s, size_t n)
{
    if (hashed(p))
        table_hash_bytes(p->hash, 't', s, n);
    sqlite3_bind_text64(p->st, p->column, s, n, SQLITE_STATIC, SQLITE_UTF8);
}

void put_text(struct put *p, const char *s)
{
    if (s)
        put_textn(p, s, strlen(s));
    else
        put_null(p);
}

void put_blob(struct put *p, const void *b, size_t n)
{
    if (!b) {
        put_null(p);
        return;
    }
    if (hashed(p))
        table_hash_bytes(p->hash, 'b', b, n);
    sqlite3_bind_blob64(p->st, p->column, b, n, SQLITE_STATIC);
}

enum sor_err put_end(struct put *p, int64_t *id, struct sor_msg *msg)
{
    struct part *part = &p->w->part[p->t];

    sqlite3_step(p->st);
    if (sqlite3_reset(p->st) != SQLITE_OK)
        return writer_fail(p->w, msg, tables[p->t].name);
    if (part->n_row++ == 0)
        part->first_id = p->id;
    p->w->next_id[p->t] = p->id + 1;
    if (id)
        *id = p->id;
    return SOR_OK;
}

/* --- text ---------------------------------------------------------------- */

/* Writes the body of a text that was forgotten and came again. */
static enum sor_err revive(struct db_writer *w, int64_t id, const char *s,
                           size_t n, struct sor_msg *msg)
{
    sqlite3_bind_int64(w->revive_text, 1, id);
    sqlite3_bind_text64(w->revive_text, 2, s, n, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_step(w->revive_text);
    if (sqlite3_reset(w->revive_text) != SQLITE_OK)
        return writer_fail(w, msg, "text");
    return SOR_OK;
}

enum sor_err db_put_text(struct db_writer *w, const char *s, size_t n,
                         int64_t *id, struct sor_msg *msg)
{
    uint8_t sum[SHA256_BYTES];
    struct put p;
    enum sor_err err = writer_ready(w, msg);

    if (err)
        return err;
    sha256_bytes(s, n, sum);
    sqlite3_bind_blob(w->find_text, 1, sum, sizeof sum, SQLITE_STATIC);

    int rc = sqlite3_step(w->find_text);
    int64_t found = rc == SQLITE_ROW ? sqlite3_column_int64(w->find_text, 0)
                                     : 0;
    int empty = rc == SQLITE_ROW && sqlite3_column_int(w->find_text, 1);
    if (sqlite3_reset(w->find_text) != SQLITE_OK)
        return writer_fail(w, msg, "text");
    if (found) {
        if (empty && (err = revive(w, found, s, n, msg)))
            return err;
        if (id)
            *id = found;
        return SOR_OK;
    }
    if ((err = put_begin(&p, w, TABLE_TEXT, msg)))
        return err;
    put_blob(&p, sum, sizeof sum);
    put_textn(&p, s, n);
    return put_end(&p, id, msg);
}

/* --- model, pieces ------------------------------------------------------- */

static enum sor_err find_model(struct db_writer *w, const uint8_t sha256[32],
                               int64_t *id, struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(w->d, "SELECT id FROM model "
                                    "WHERE sha256 = ?", &st, msg);

    if (err)
        return err;
    sqlite3_bind_blob(st, 1, sha256, SHA256_BYTES, SQLITE_STATIC);
    *id = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    if (sqlite3_finalize(st) != SQLITE_OK)
        return writer_fail(w, msg, "model");
    return SOR_OK;
}

static enum sor_err put_model_row(struct db_writer *w,
                                  const struct db_model *m, int64_t *id,
                                  struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_MODEL, msg);

    if (err)
        return err;
    put_blob(&p, m->sha256, SHA256_BYTES);
    put_text(&p, m->name);
    put_text(&p, m->path);
    put_text(&p, m->arch);
    put_text(&p, m->quant);
    put_int(&p, m->bytes);
    put_int(&p, m->n_layer);
    put_int(&p, m->n_embd);
    put_int(&p, m->n_head);
    put_int(&p, m->n_head_kv);
    put_int(&p, m->n_vocab);
    put_int(&p, m->n_ctx_train);
    return put_end(&p, id, msg);
}

enum sor_err db_put_model(struct db_writer *w, const struct db_model *m,
                          const struct db_model_part *part, int n_part,
                          int64_t *id, struct sor_msg *msg)
{
    int64_t model_id;
    enum sor_err err;

    if ((err = writer_ready(w, msg)) ||
        (err = find_model(w, m->sha256, &model_id, msg)))
        return err;
    if (!model_id) {
        if ((err = put_model_row(w, m, &model_id, msg)))
            return err;
        for (int i = 0; i < n_part; i++) {
            struct put p;

            if ((err = put_begin(&p, w, TABLE_MODEL_PART, msg)))
                return err;
            put_int(&p, model_id);
            put_int(&p, part[i].ordinal);
            put_text(&p, part[i].name);
            put_int(&p, part[i].bytes);
            put_int(&p, (int64_t)part[i].xxh3);
            if ((err = put_end(&p, NULL, msg)))
                return err;
        }
    }
    if (id)
        *id = model_id;
    return SOR_OK;
}

/* Makes room for bit `token` among the pieces known to be stored. */
static enum sor_err grow_pieces(struct db_writer *w, int32_t token,
                                struct sor_msg *msg)
{
    size_t want = (size_t)token / 8 + 1;

    if (want <= w->have_bytes)
        return SOR_OK;
    if (want < 2 * w->have_bytes)
        want = 2 * w->have_bytes;

    uint8_t *more = mem_realloc(w->have, want, 1);
    if (!more)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    memset(more + w->have_bytes, 0, want - w->have_bytes);
    w->have = more;
    w->have_bytes = want;
    return SOR_OK;
}

/* Reads which pieces of the model are stored already. */
static enum sor_err load_pieces(struct db_writer *w, int64_t model_id,
                                struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(w->d, "SELECT token_id FROM piece "
                                    "WHERE model_id = ?", &st, msg);

    if (err)
        return err;
    if (w->have)
        memset(w->have, 0, w->have_bytes);
    sqlite3_bind_int64(st, 1, model_id);
    while (!err && sqlite3_step(st) == SQLITE_ROW) {
        int32_t t = sqlite3_column_int(st, 0);

        if (t >= 0 && !(err = grow_pieces(w, t, msg))) {
            assert(w->have);
            w->have[t / 8] |= (uint8_t)(1u << (t % 8));
        }
    }
    if (sqlite3_finalize(st) != SQLITE_OK && !err)
        return writer_fail(w, msg, "piece");
    if (!err)
        w->piece_model = model_id;
    return err;
}

/* The bytes as text: a token may hold part of a character only. */
static void readable(struct str *out, const char *p, size_t n)
{
    while (n) {
        uint32_t cp;
        char utf8[4];
        size_t used = utf8_next(p, n, &cp);

        str_put(out, utf8, utf8_put(cp, utf8));
        p += used;
        n -= used;
    }
}

enum sor_err db_put_piece(struct db_writer *w, int64_t model_id,
                          int32_t token_id, const void *bytes, size_t n,
                          struct sor_msg *msg)
{
    enum sor_err err = writer_ready(w, msg);
    struct put p;
    struct str text;

    if (err)
        return err;
    if (token_id < 0)
        return sor_fail(msg, SOR_USAGE, "token %d: negative", (int)token_id);
    if ((w->piece_model != model_id && (err = load_pieces(w, model_id, msg))) ||
        (err = grow_pieces(w, token_id, msg)))
        return err;

    uint8_t bit = (uint8_t)(1u << (token_id % 8));
    if (w->have[token_id / 8] & bit)
        return SOR_OK;
    str_init(&text);
    readable(&text, bytes, n);
    if (!str_ok(&text))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    if (!err && !(err = put_begin(&p, w, TABLE_PIECE, msg))) {
        put_int(&p, model_id);
        put_int(&p, token_id);
        put_blob(&p, bytes ? bytes : "", n);
        put_textn(&p, text.p, text.len);
        if (!(err = put_end(&p, NULL, msg)))
            w->have[token_id / 8] |= bit;
    }
    str_release(&text);
    return err;
}

/* --- run, path ----------------------------------------------------------- */

enum sor_err db_put_run(struct db_writer *w, const struct db_put_run *r,
                        int64_t *id, struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_RUN, msg);

    if (err)
        return err;
    put_text(&p, r->uid);
    put_text(&p, r->kind);
    put_id(&p, r->model_id);
    put_id(&p, r->prompt_id);
    put_id(&p, r->system_id);
    put_text(&p, r->chat);
    put_int(&p, r->n_prompt);
    put_int(&p, r->n_path);
    put_int(&p, r->max_tok);
    put_int(&p, r->seed);
    put_real(&p, r->temperature);
    put_int(&p, r->top_k);
    put_real(&p, r->top_p);
    put_real(&p, r->min_p);
    put_text(&p, r->route);
    put_text(&p, r->kv_type);
    put_text(&p, r->isa);
    put_int(&p, r->n_thread);
    put_int(&p, r->n_ctx);
    put_text(&p, r->level);
    put_text(&p, r->program);
    put_text(&p, r->params);
    put_int(&p, r->started_us);

    int64_t run_id = 0;
    if ((err = put_end(&p, &run_id, msg)))
        return err;
    w->run_id = run_id;                 /* the rest of the batch is its own */
    if (id)
        *id = run_id;
    return SOR_OK;
}

enum sor_err db_put_run_end(struct db_writer *w,
                            const struct db_put_run_end *r,
                            struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_RUN_END, msg);

    if (err)
        return err;
    put_int(&p, r->run_id);
    put_text(&p, r->status);
    put_text(&p, r->reason);
    put_int(&p, r->n_token);
    put_int(&p, r->n_lost);
    put_int(&p, r->wall_ns);
    put_int(&p, r->prefill_ns);
    put_int(&p, r->ended_us);
    return put_end(&p, NULL, msg);
}

enum sor_err db_put_batching(struct db_writer *w,
                             const struct db_put_batching *b,
                             struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_BATCHING, msg);

    if (err)
        return err;
    put_int(&p, b->run_id);
    put_int(&p, b->n_seat);
    put_int(&p, b->n_row);
    put_int(&p, b->n_step);
    put_int(&p, b->seats);
    put_int(&p, b->n_fed);
    put_blob(&p, b->steps.p, b->steps.n);
    put_blob(&p, b->joined.p, b->joined.n);
    return put_end(&p, NULL, msg);
}

enum sor_err db_put_draft(struct db_writer *w, const struct db_put_draft *d,
                          struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_DRAFT, msg);

    if (err)
        return err;
    put_int(&p, d->path_id);
    put_text(&p, d->source);
    put_int(&p, d->n_pass);
    put_int(&p, d->n_draft);
    put_int(&p, d->n_kept);
    put_blob(&p, d->passes.p, d->passes.n);
    return put_end(&p, NULL, msg);
}

enum sor_err db_put_exit(struct db_writer *w, const struct db_put_exit *x,
                         struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_TOKEN_EXIT, msg);

    if (err)
        return err;
    put_int(&p, x->path_id);
    put_int(&p, x->pos);
    put_int(&p, x->layer);
    put_real(&p, x->measure);
    put_real(&p, x->threshold);
    return put_end(&p, NULL, msg);
}

enum sor_err db_put_route(struct db_writer *w, const struct db_put_route *r,
                          struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_ROUTE, msg);

    if (err)
        return err;
    put_int(&p, r->path_id);
    put_int(&p, r->pos);
    put_text(&p, r->mode);
    put_text(&p, r->reason);
    put_real(&p, r->score);
    put_real(&p, r->low);
    put_real(&p, r->high);
    for (int i = 0; i < DB_ROUTE_PARTS; i++)
        put_real(&p, r->part[i]);
    return put_end(&p, NULL, msg);
}

static enum sor_err put_span(struct db_writer *w, int64_t path_id,
                             int64_t source_id, int pos_from, int pos_to,
                             struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_PATH_SPAN, msg);

    if (err)
        return err;
    put_int(&p, path_id);
    put_int(&p, source_id);
    put_int(&p, pos_from);
    put_int(&p, pos_to);
    return put_end(&p, NULL, msg);
}

/* The parent's spans up to the fork, then the path's own. */
static enum sor_err put_spans(struct db_writer *w, const struct db_put_path *r,
                              int64_t path_id, struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(w->d,
        "SELECT source_id, pos_from, min(pos_to, ?2) FROM path_span "
        "WHERE path_id = ?1 AND pos_from < ?2 ORDER BY pos_from", &st, msg);

    if (err)
        return err;
    sqlite3_bind_int64(st, 1, r->parent_id);
    sqlite3_bind_int(st, 2, r->fork_pos);
    while (!err && sqlite3_step(st) == SQLITE_ROW)
        err = put_span(w, path_id, sqlite3_column_int64(st, 0),
                       sqlite3_column_int(st, 1), sqlite3_column_int(st, 2),
                       msg);
    if (sqlite3_finalize(st) != SQLITE_OK && !err)
        return writer_fail(w, msg, "path_span");
    return err ? err : put_span(w, path_id, path_id,
                                r->parent_id ? r->fork_pos : 0, POS_OPEN, msg);
}

enum sor_err db_put_path(struct db_writer *w, const struct db_put_path *r,
                         int64_t *id, struct sor_msg *msg)
{
    struct put p;
    int64_t path_id = 0;
    enum sor_err err = put_begin(&p, w, TABLE_PATH, msg);

    if (err)
        return err;
    put_int(&p, r->run_id);
    put_int(&p, r->ordinal);
    put_text(&p, r->kind);
    put_id(&p, r->parent_id);
    put_int(&p, r->fork_pos);
    put_int(&p, r->seed);
    put_text(&p, r->params);
    if ((err = put_end(&p, &path_id, msg)) ||
        (err = put_spans(w, r, path_id, msg)))
        return err;
    if (id)
        *id = path_id;
    return SOR_OK;
}

enum sor_err db_put_path_end(struct db_writer *w,
                             const struct db_put_path_end *r,
                             struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_PATH_END, msg);

    if (err)
        return err;
    put_int(&p, r->path_id);
    put_text(&p, r->stop);
    put_int(&p, r->n_token);
    put_int(&p, r->text_id);
    put_real(&p, r->logprob_mean);
    put_int(&p, r->ended_us);
    return put_end(&p, NULL, msg);
}

/* --- what a path is made of ---------------------------------------------- */

enum sor_err db_put_token(struct db_writer *w, const struct db_put_token *t,
                          struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_TOKEN, msg);

    if (err)
        return err;
    put_int(&p, t->path_id);
    put_int(&p, t->pos);
    put_int(&p, t->token_id);
    put_real(&p, t->logprob);
    put_real(&p, t->entropy);
    put_count(&p, t->mode);
    if (t->has_digest)
        put_int(&p, (int64_t)t->digest);
    else
        put_null(&p);
    put_blob(&p, t->alt.p, t->alt.n);
    put_blob(&p, t->layers.p, t->layers.n);
    put_blob(&p, t->heads.p, t->heads.n);
    return put_end(&p, NULL, msg);
}

enum sor_err db_put_step(struct db_writer *w, const struct db_put_step *s,
                         int64_t *id, struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_STEP, msg);

    if (err)
        return err;
    put_int(&p, s->path_id);
    put_int(&p, s->ordinal);
    put_text(&p, s->role);
    put_text(&p, s->origin);
    put_int(&p, s->tok_from);
    put_int(&p, s->tok_to);
    put_int(&p, s->char_from);
    put_int(&p, s->char_to);
    put_real(&p, s->logprob_mean);
    put_real(&p, s->logprob_min);
    put_count(&p, s->min_pos);
    put_int(&p, s->segmenter);
    return put_end(&p, id, msg);
}

enum sor_err db_put_answer(struct db_writer *w, const struct db_put_answer *a,
                           int64_t *id, struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_ANSWER, msg);

    if (err)
        return err;
    put_int(&p, a->path_id);
    put_id(&p, a->step_id);
    put_int(&p, a->final);
    put_text(&p, a->kind);
    put_int(&p, a->text_id);
    put_int(&p, a->norm_id);
    return put_end(&p, id, msg);
}

enum sor_err db_put_edge(struct db_writer *w, const struct db_put_edge *e,
                         struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_EDGE, msg);

    if (err)
        return err;
    put_int(&p, e->run_id);
    put_text(&p, e->kind);
    put_text(&p, e->src_kind);
    put_int(&p, e->src_id);
    put_text(&p, e->dst_kind);
    put_int(&p, e->dst_id);
    put_real(&p, e->weight);
    put_text(&p, e->measured);
    put_id(&p, e->note_id);
    return put_end(&p, NULL, msg);
}

enum sor_err db_put_divergence(struct db_writer *w,
                               const struct db_put_divergence *d,
                               struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_DIVERGENCE, msg);

    if (err)
        return err;
    put_int(&p, d->run_id);
    put_int(&p, d->path_a);
    put_int(&p, d->path_b);
    put_count(&p, d->pos);
    put_count(&p, d->token_a);
    put_count(&p, d->token_b);
    return put_end(&p, NULL, msg);
}

enum sor_err db_put_loss(struct db_writer *w, const struct db_loss *l,
                         struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_LOSS, msg);

    if (err)
        return err;
    put_int(&p, l->run_id);
    put_int(&p, l->from_seq);
    put_int(&p, l->n_event);
    put_text(&p, l->reason);
    return put_end(&p, NULL, msg);
}
