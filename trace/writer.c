#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "trace/finish.h"
#include "trace/rec_impl.h"

enum {
    BATCH_ROWS = 4096,
    CLOCK_RECORDS = 64,
    BATCH_NS = 250 * 1000 * 1000,
    POLL_NS = 50 * 1000 * 1000  /* a record waits at most so long to be seen */
};

static const char dropped[] = "the ring was full and --lossy drops";

/* --- batches ------------------------------------------------------------- */

static int is_dead(struct rec *r)
{
    return atomic_load_explicit(&r->shared.is_dead, memory_order_relaxed);
}

static void lose(struct rec *r, uint64_t n, uint64_t from_seq)
{
    if (n && atomic_load(&r->shared.n_lost) == 0)
        atomic_store(&r->shared.lost_from, from_seq);
    atomic_fetch_add(&r->shared.n_lost, n);
}

/* A failure ends recording, not the run: what is committed stays, the rest is
 * counted. */
static void die(struct rec *r, const struct sor_msg *why)
{
    struct writer *w = &r->w;

    db_rollback(w->db);
    w->is_open = 0;
    if (!is_dead(r))
        w->reason = *why;
    atomic_store(&r->shared.is_dead, 1);
    lose(r, w->n_record, w->first_seq);
    w->n_record = 0;
}

static void commit(struct rec *r)
{
    struct writer *w = &r->w;
    struct sor_msg msg;
    int64_t batch_id;

    if (!w->is_open)
        return;
    w->failed = db_commit(w->db, &batch_id, &msg);
    if (w->failed) {
        die(r, &msg);
        return;
    }
    w->is_open = 0;
    w->n_token += w->n_row;
    w->n_record = 0;
    atomic_fetch_add(&r->shared.n_token, (uint64_t)w->n_row);
    atomic_fetch_add(&r->shared.n_batch, 1);
    if (r->opts.committed)
        r->opts.committed(r->opts.committed_ud, batch_id);
}

/* Makes sure a batch is open: 1, or 0 where recording has ended. */
static int begin(struct rec *r)
{
    struct writer *w = &r->w;
    struct sor_msg msg;

    if (is_dead(r))
        return 0;
    if (w->is_open)
        return 1;
    w->failed = db_begin(w->db, w->run_id, &msg);
    if (w->failed) {
        die(r, &msg);
        return 0;
    }
    w->is_open = 1;
    w->opened_ns = clock_mono_ns();
    w->n_row = 0;
    return 1;
}

/* --- tokens -------------------------------------------------------------- */

static enum sor_err put_piece(struct rec *r, int32_t id, struct sor_msg *msg)
{
    size_t n;
    const char *s = r->opts.piece(r->opts.piece_ud, id, &n);

    if (!s || r->w.model_id == 0)
        return SOR_OK;
    return db_put_piece(r->w.db, r->w.model_id, id, s, n, msg);
}

static enum sor_err put_pieces(struct rec *r, const struct track_tok *k,
                               struct sor_msg *msg)
{
    enum sor_err err = put_piece(r, k->id, msg);
    size_t bytes = (size_t)k->n_alt * PACK_ALT_BYTES;
    float unused;
    int32_t id;

    if (r->opts.level < REC_TOKENS)
        return err;
    for (int i = 0; !err && unpack_alt(k->alt, bytes, i, &id, &unused); i++)
        err = put_piece(r, id, msg);
    return err;
}

/* Where the blobs of a row lie: behind it and its attention. */
static const uint8_t *blobs(const struct rec_row *row)
{
    return (const uint8_t *)(row + 1) + row->n_attn * sizeof(uint16_t);
}

static enum sor_err put_exit(struct rec *r, const struct track *t,
                             const struct rec_row *row, struct sor_msg *msg)
{
    struct db_put_exit x = {
        .path_id = t->id, .pos = row->h.pos, .layer = row->depth - 1,
        .measure = (double)row->sure, .threshold = (double)row->enough };

    return db_put_exit(r->w.db, &x, msg);
}

/* Writes the row of the token at pos; row NULL: it never went in. */
static enum sor_err put_token(struct rec *r, struct track *t, int pos,
                              const struct rec_row *row, struct sor_msg *msg)
{
    struct track_tok *k = &t->tok[pos - t->from];
    struct db_put_token p = {
        .path_id = t->id, .pos = pos, .token_id = k->id,
        .logprob = NAN, .entropy = NAN, .mode = -1,
    };
    enum sor_err err = put_pieces(r, k, msg);

    if (err)
        return err;
    if (r->opts.level >= REC_TOKENS) {
        p.logprob = (double)k->logprob;
        p.entropy = (double)k->entropy;
        if (k->n_alt)
            p.alt = (struct db_blob){ k->alt,
                                      (size_t)k->n_alt * PACK_ALT_BYTES };
    }
    if (row) {
        const uint8_t *b = blobs(row);

        p.mode = row->mode;
        p.has_digest = row->has_digest;
        p.digest = row->digest;
        if (row->layers_bytes)
            p.layers = (struct db_blob){ b, row->layers_bytes };
        if (row->heads_bytes)
            p.heads = (struct db_blob){ b + row->layers_bytes,
                                        row->heads_bytes };
    }
    k->is_written = 1;
    r->w.n_row++;
    err = db_put_token(r->w.db, &p, msg);
    return err || !row || row->depth == 0 ? err : put_exit(r, t, row, msg);
}

/* Once a block, and where the guard stepped in. */
static enum sor_err put_route(struct rec *r, const struct track *t,
                              const struct rec_row *row, struct sor_msg *msg)
{
    static const char *const mode[] = { "sparse", "hybrid", "full" };
    static const char *const reason[] = { "policy", "score", "guard",
                                          "replay" };
    const struct rec_route *u = &row->route;
    struct db_put_route p = {
        .path_id = t->id, .pos = row->h.pos, .mode = mode[u->mode],
        .reason = reason[u->reason], .score = (double)u->score,
        .low = (double)u->low, .high = (double)u->high };

    if (!u->is_on || (row->h.pos % HOOK_BLOCK != 0 &&
                      u->reason != HOOK_BY_GUARD))
        return SOR_OK;
    for (int i = 0; i < HOOK_PARTS; i++)
        p.part[i] = (double)u->part[i];
    return db_put_route(r->w.db, &p, msg);
}

static enum sor_err no_memory(const struct track *t, struct sor_msg *msg)
{
    return sor_fail(msg, SOR_NOMEM, "no memory for the tokens of path %d",
                    t->ordinal);
}

static enum sor_err take_row(struct rec *r, const struct rec_row *row,
                             struct sor_msg *msg)
{
    struct track *t = row->h.track;
    struct track_tok *k = track_at(t, row->h.pos);

    if (!k)
        return no_memory(t, msg);
    if (k->is_written)          /* went in again: the first time is recorded */
        return SOR_OK;
    if (k->id != row->h.id) {   /* a prompt's, or not the one that was drawn */
        k->id = row->h.id;
        k->logprob = k->entropy = NAN;
        k->n_alt = 0;
    }
    if (row->n_attn && track_attend(t, k, row + 1, row->n_attn) != 0)
        return no_memory(t, msg);
    enum sor_err err = put_token(r, t, row->h.pos, row, msg);

    return err ? err : put_route(r, t, row, msg);
}

static enum sor_err take_token(const struct rec_token *tok,
                               struct sor_msg *msg)
{
    struct track_tok *k = track_at(tok->h.track, tok->h.pos);

    if (!k)
        return no_memory(tok->h.track, msg);
    if (k->is_written)
        return SOR_OK;
    k->id = tok->h.id;
    k->logprob = tok->logprob;
    k->entropy = tok->entropy;
    k->n_alt = tok->n_alt;
    memcpy(k->alt, tok->alt, sizeof k->alt);
    return SOR_OK;
}

static enum sor_err take_path(struct rec *r, struct track *t,
                              struct sor_msg *msg)
{
    struct db_put_path p = {
        .run_id = r->w.run_id, .ordinal = t->ordinal, .kind = t->kind,
        .params = t->params, .parent_id = t->parent ? t->parent->id : 0,
        .fork_pos = t->fork_pos, .seed = t->seed,
    };

    return db_put_path(r->w.db, &p, &t->id, msg);
}

/* Tokens that were chosen and never went in; there is one where the path ran
 * to its end. */
static enum sor_err put_rest(struct rec *r, struct track *t,
                             struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; i < t->n_tok && !err; i++)
        if (!t->tok[i].is_written && t->tok[i].id >= 0)
            err = put_token(r, t, t->from + i, NULL, msg);
    return err;
}

static struct finish finish_of(const struct writer *w)
{
    return (struct finish){ w->db, w->run_id, w->question.p,
                            w->question.len };
}

static enum sor_err put_path_end(struct rec *r, struct track *t,
                                 const char *stop, struct sor_msg *msg)
{
    struct rec_opts *o = &r->opts;
    struct track_pieces pieces = { o->piece, o->is_special, o->piece_ud };
    struct finish_end how = { stop, -1, clock_wall_us() };
    struct finish f = finish_of(&r->w);
    struct str text;
    enum sor_err err = put_rest(r, t, msg);

    str_init(&text);
    track_text(t, &pieces, &text);
    if (!err && !str_ok(&text))
        err = sor_fail(msg, SOR_NOMEM, "no memory for the text of path %d",
                       t->ordinal);
    if (!err)
        err = drafting_put(&t->drafting, r->w.db, t->id, msg);
    if (!err && r->w.has_unit)
        err = effort_put(&t->effort, r->w.db, t->id, msg);
    if (!err)
        err = finish_path(&f, t, &text, &how, msg);
    str_release(&text);
    return err;
}

static void end_path(struct rec *r, struct track *t, const char *stop)
{
    struct sor_msg msg;

    t->has_ended = 1;
    if (!begin(r))
        return;
    if (put_path_end(r, t, stop, &msg) != SOR_OK)
        die(r, &msg);
    commit(r);
}

/* --- runs ---------------------------------------------------------------- */

static enum sor_err put_text(struct rec *r, const char *s, int64_t *id,
                             struct sor_msg *msg)
{
    return s ? db_put_text(r->w.db, s, strlen(s), id, msg) : SOR_OK;
}

static enum sor_err put_run(struct rec *r, const struct rec_call *c,
                            struct sor_msg *msg)
{
    const struct rec_run *run = c->run;
    struct db_put_run row = run->row;
    enum sor_err err;

    row.uid = c->uid;
    row.level = rec_level_name(r->opts.level);
    row.program = SORITES_VERSION;
    row.started_us = c->started_us;
    row.model_id = row.prompt_id = row.system_id = 0;
    if (run->model && (err = db_put_model(r->w.db, run->model, run->part,
                                          run->n_part, &row.model_id, msg)))
        return err;
    if ((err = put_text(r, run->prompt, &row.prompt_id, msg)) ||
        (err = put_text(r, run->system, &row.system_id, msg)) ||
        (err = db_put_run(r->w.db, &row, &r->w.run_id, msg)))
        return err;
    r->w.has_unit = run->unit != NULL;
    if (run->unit && (err = db_put_work_unit(r->w.db, r->w.run_id, run->unit,
                                             msg)))
        return err;
    r->w.model_id = row.model_id;
    str_clear(&r->w.question);
    str_puts(&r->w.question, run->prompt);
    if (!str_ok(&r->w.question))
        return sor_fail(msg, SOR_NOMEM, "no memory for the question");
    return SOR_OK;
}

/* The run is on disk before anything happens in it. */
static enum sor_err run_begin(struct rec *r, const struct rec_call *c,
                              struct sor_msg *msg)
{
    struct writer *w = &r->w;
    enum sor_err err;

    batching_clear(&w->batching);
    w->run_id = w->model_id = w->n_token = 0;
    w->n_record = 0;
    atomic_store(&r->shared.is_dead, 0);
    atomic_store(&r->shared.n_lost, 0);
    if (!begin(r)) {
        *msg = w->reason;
        return w->failed;
    }
    if ((err = put_run(r, c, msg)) != SOR_OK) {
        die(r, msg);
    } else {
        commit(r);
        if (is_dead(r)) {
            *msg = w->reason;
            err = w->failed;
        }
    }
    if (err)
        w->run_id = 0;
    return err;
}

static enum sor_err put_losses(struct rec *r, const struct rec_call *c,
                               struct sor_msg *msg)
{
    struct db_loss dead = {
        .run_id = r->w.run_id, .reason = r->w.reason.text,
        .from_seq = (int64_t)atomic_load(&r->shared.lost_from),
        .n_event = (int64_t)atomic_load(&r->shared.n_lost),
    };
    struct db_loss drop = {
        .run_id = r->w.run_id, .reason = dropped,
        .from_seq = (int64_t)c->dropped_from,
        .n_event = (int64_t)c->n_dropped,
    };
    enum sor_err err = SOR_OK;

    if (is_dead(r))
        err = db_put_loss(r->w.db, &dead, msg);
    if (!err && c->n_dropped)
        err = db_put_loss(r->w.db, &drop, msg);
    return err;
}

/* The rows that say how the run ended, in a batch of their own: they are tried
 * even where recording had died. */
static enum sor_err put_end(struct rec *r, const struct rec_call *c,
                            struct sor_msg *msg)
{
    int dead = is_dead(r);
    struct db_put_run_end row = {
        .run_id = r->w.run_id,
        .status = dead || c->n_dropped ? "incomplete" : c->status,
        .reason = dead ? r->w.reason.text : c->n_dropped ? dropped
                : c->nan.text[0] ? c->nan.text : NULL,
        .n_token = r->w.n_token,
        .n_lost = (int64_t)(atomic_load(&r->shared.n_lost) + c->n_dropped),
        .wall_ns = c->wall_ns, .prefill_ns = c->prefill_ns,
        .ended_us = clock_wall_us(),
    };
    int64_t batch_id;
    enum sor_err err;

    if ((err = db_begin(r->w.db, r->w.run_id, msg)) ||
        (err = put_losses(r, c, msg)) ||
        (err = batching_put(&r->w.batching, r->w.db, r->w.run_id, msg)) ||
        (err = db_put_run_end(r->w.db, &row, msg)) ||
        (err = db_commit(r->w.db, &batch_id, msg))) {
        db_rollback(r->w.db);
        return err;
    }
    atomic_fetch_add(&r->shared.n_batch, 1);
    if (r->opts.committed)
        r->opts.committed(r->opts.committed_ud, batch_id);
    return SOR_OK;
}

static enum sor_err run_end(struct rec *r, const struct rec_call *c,
                            struct sor_msg *msg)
{
    enum sor_err err = SOR_IO;
    struct sor_msg why;

    for (int i = 0; i < c->n_track; i++)
        if (!c->track[i]->has_ended)
            end_path(r, c->track[i], "cancelled");
    if (begin(r)) {
        struct finish f = finish_of(&r->w);

        if (finish_run(&f, c->track, c->n_track, &why) != SOR_OK)
            die(r, &why);
        commit(r);
    }
    if (r->w.run_id && (err = put_end(r, c, &why)) && !is_dead(r)) {
        die(r, &why);           /* once more, now as what it is */
        err = put_end(r, c, &why);
    }
    r->w.run_id = 0;
    if (err)
        *msg = r->w.reason;
    return err;
}

/* --- the thread ---------------------------------------------------------- */

/* Returns 0 where it is time to stop. */
static int take_call(struct rec *r, struct rec_call *c)
{
    int go_on = c->what != CALL_STOP;

    commit(r);
    if (c->what == CALL_RUN_BEGIN)
        c->err = run_begin(r, c, &c->msg);
    else if (c->what == CALL_RUN_END)
        c->err = run_end(r, c, &c->msg);
    pthread_mutex_lock(&r->lock);
    c->done = 1;
    pthread_cond_signal(&r->done);
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

/* How a step was filled: kept until the run ends, whatever becomes of rows. */
static void take_batch(struct writer *w, const struct rec_head *h)
{
    if (h->kind == REC_JOIN)
        batching_join(&w->batching, h->track->ordinal);
    else
        batching_step(&w->batching, &((const struct rec_batch *)h)->step);
}

static void take_draft(const struct rec_draft *d)
{
    drafting_step(&d->h.track->drafting, d->h.pos, &d->draft);
}

/* A row, a token or the start of a path. */
static void take_record(struct rec *r, const struct rec_head *h)
{
    struct writer *w = &r->w;
    int is_event = h->kind != REC_PATH_BEGIN;
    enum sor_err err = SOR_OK;
    struct sor_msg msg;

    if (!begin(r)) {
        lose(r, (uint64_t)is_event, h->seq);
        return;
    }
    if (is_event && w->n_record++ == 0)
        w->first_seq = h->seq;
    if (h->kind == REC_ROW)
        err = take_row(r, (const struct rec_row *)h, &msg);
    else if (h->kind == REC_TOKEN)
        err = take_token((const struct rec_token *)h, &msg);
    else
        err = take_path(r, h->track, &msg);
    if (err)
        die(r, &msg);
}

static int take(struct rec *r, const struct rec_head *h)
{
    switch (h->kind) {
    case REC_CALL:
        return take_call(r, ((const struct rec_order *)h)->call);
    case REC_PATH_END:
        end_path(r, h->track, ((const struct rec_end *)h)->stop);
        break;
    case REC_PATH_BEGIN:
    case REC_ROW:
    case REC_TOKEN:
        take_record(r, h);
        break;
    case REC_JOIN:
    case REC_BATCH:
        take_batch(&r->w, h);
        break;
    case REC_DRAFT:
        take_draft((const struct rec_draft *)h);
        break;
    }
    return 1;
}

void *writer_main(void *rec)
{
    struct rec *r = rec;
    const struct rec_head *h;
    int go_on = 1;
    size_t n;

    while (go_on) {
        h = ring_front(r->ring, POLL_NS, &n);
        uint64_t t0 = clock_mono_ns();
        /* Reading the clock costs as much as packing a layer: once in a
         * while is enough. */
        for (int i = 0; h && i < CLOCK_RECORDS && go_on; i++) {
            go_on = take(r, h);
            ring_drop(r->ring);
            h = ring_front(r->ring, 0, &n);
        }
        uint64_t now = clock_mono_ns();
        if (r->w.is_open && (r->w.n_row >= BATCH_ROWS ||
                             now - r->w.opened_ns >= BATCH_NS)) {
            commit(r);
            now = clock_mono_ns();
        }
        atomic_fetch_add_explicit(&r->shared.write_ns, now - t0,
                                  memory_order_relaxed);
    }
    return NULL;
}
