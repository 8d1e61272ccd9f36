#include "trace/rec_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/version.h"

enum {
    RING_BYTES = 8 << 20,
    TIMED_ROWS = 64,            /* one row in so many is timed */
    UID_BYTES = 16
};

/* --- levels -------------------------------------------------------------- */

#define WANT(kind) (1u << (kind))
#define WANT_STEPS (WANT(HOOK_TOKEN) | WANT(HOOK_ROW) | WANT(HOOK_ATTN) | \
                    WANT(HOOK_ROUTE) | WANT(HOOK_JOIN) | WANT(HOOK_BATCH) | \
                    WANT(HOOK_DRAFT))

static const struct { const char *name; uint32_t mask; } levels[] = {
    [REC_OFF]    = { "off", 0 },
    [REC_STEPS]  = { "steps", WANT_STEPS },
    [REC_TOKENS] = { "tokens", WANT_STEPS },
    [REC_LAYERS] = { "layers", WANT_STEPS | WANT(HOOK_LAYER) },
    [REC_HEADS]  = { "heads", WANT_STEPS | WANT(HOOK_LAYER) |
                              WANT(HOOK_HEAD) },
};
enum { LEVELS = sizeof levels / sizeof *levels };

enum sor_err rec_level_parse(const char *name, enum rec_level *out,
                             struct sor_msg *msg)
{
    for (int i = 0; i < LEVELS; i++)
        if (strcmp(levels[i].name, name) == 0) {
            *out = (enum rec_level)i;
            return SOR_OK;
        }
    return sor_fail(msg, SOR_USAGE, "no trace level \"%s\": it is off, steps, "
                    "tokens, layers or heads", name);
}

const char *rec_level_name(enum rec_level level)
{
    return (unsigned)level < LEVELS ? levels[level].name : "off";
}

/* --- records ------------------------------------------------------------- */

/* Room for a record of the given kind; NULL where a lossy recorder drops it,
 * which only a token's records may be. */
static void *reserve(struct rec *r, size_t bytes, const struct rec_head *h)
{
    int may_drop = h->kind == REC_ROW || h->kind == REC_TOKEN;
    struct rec_head *p = ring_reserve(r->ring, bytes,
                                      !(may_drop && r->opts.lossy));

    if (p)
        *p = *h;
    else if (r->n_dropped++ == 0)
        r->dropped_from = h->seq;
    return p;
}

/* Hands the call to the writer's thread and waits for it. */
static enum sor_err call(struct rec *r, struct rec_call *c,
                         struct sor_msg *msg)
{
    struct rec_head h = { .kind = REC_CALL };
    struct rec_order *o = reserve(r, sizeof *o, &h);

    o->call = c;
    ring_push(r->ring);
    ring_wake(r->ring);
    pthread_mutex_lock(&r->lock);
    while (!c->done)
        pthread_cond_wait(&r->done, &r->lock);
    pthread_mutex_unlock(&r->lock);
    return c->err ? sor_fail(msg, c->err, "%s", c->msg.text) : SOR_OK;
}

static struct track *find_track(const struct rec *r, uint64_t tag)
{
    for (int i = r->n_track - 1; i >= 0; i--)
        if (r->track[i]->tag == tag)
            return r->track[i];
    return NULL;
}

/* --- events -------------------------------------------------------------- */

static void begin_row(struct rec *r, struct slot *s,
                      const struct hook_event *ev)
{
    /* Decoding gives a path the same row pass after pass. */
    if (!s->track || s->track->tag != ev->tag)
        s->track = find_track(r, ev->tag);
    s->tag = ev->tag;
    s->pos = ev->pos;
    s->mode = HOOK_FULL;
    s->route = (struct rec_route){ .is_on = 0 };
    s->n_attn = 0;
    s->layer = (struct pack_layer){ .mode = HOOK_FULL };
    s->is_timed = r->n_row++ % TIMED_ROWS == 0;
}

static void on_route(struct slot *s, const struct hook_event *ev)
{
    const struct hook_route *u = &ev->u.route;

    s->layer.mode = u->mode;
    s->layer.reason = u->reason;
    s->layer.dense = u->dense;
    s->layer.blocks_read = (float)u->blocks_read;
    if (ev->layer > 0)
        return;
    s->mode = u->mode;
    s->route = (struct rec_route){ .is_on = u->part != NULL, .mode = u->mode,
                                   .reason = u->reason, .score = u->score,
                                   .low = u->low, .high = u->high };
    if (u->part)
        memcpy(s->route.part, u->part, sizeof s->route.part);
    if (s->layers)
        pack_layers_score(s->layers, u->score, u->low, u->high);
}

static void on_layer(struct slot *s, const struct hook_event *ev)
{
    const struct hook_layer *u = &ev->u.layer;

    if (!s->layers)
        return;
    s->layer.norm_in = u->norm_in;
    s->layer.norm_out = u->norm_out;
    s->layer.attn_entropy = u->attn_entropy;
    s->layer.exit_measure = u->exit_measure;
    s->layer.exit_here = u->exit_here;
    s->layer.skipped = u->skipped;
    s->layer.time_us = (float)u->ns * 1e-3f;
    s->layer.digest = (uint16_t)(u->digest ^ u->digest >> 16);
    pack_layer_put(s->layers, ev->layer, &s->layer);
}

static void on_head(const struct rec *r, struct slot *s,
                    const struct hook_event *ev)
{
    const struct hook_head *u = &ev->u.head;
    int n = u->n_top < HOOK_TOP_MAX ? u->n_top : HOOK_TOP_MAX;

    if (s->heads && u->head < r->opts.n_head)
        pack_head_put(s->heads, ev->layer, u->head, u->entropy, u->pos,
                      u->weight, n);
}

/* Only generated tokens' attention makes edges. */
static void on_attn(const struct rec *r, struct slot *s,
                    const struct hook_attn *u)
{
    if (!s->track || s->pos < s->track->text_from || u->n_block > r->attn_cap)
        return;
    for (uint32_t i = 0; i < u->n_block; i++) {
        float m = u->mass[i] * 65535.0f + 0.5f;

        s->attn[i] = m >= 65535.0f ? 65535 : m > 0.0f ? (uint16_t)m : 0;
    }
    s->n_attn = u->n_block;
}

/* Of a record of a row with so many blocks of attention. */
static size_t row_bytes(const struct rec *r, uint32_t n_attn)
{
    return sizeof(struct rec_row) + n_attn * sizeof(uint16_t) +
           r->layers_bytes + r->heads_bytes;
}

/* All of the record but its head; it has room for row_bytes(). */
static void fill_row(const struct rec *r, const struct slot *s,
                     const struct hook_row *u, struct rec_row *row)
{
    size_t attn = s->n_attn * sizeof *s->attn;
    uint8_t *p = (uint8_t *)(row + 1);

    row->digest = u->digest;
    row->has_digest = u->has_logits;
    row->mode = s->mode;
    row->depth = u->depth;
    row->sure = u->sure;
    row->enough = u->enough;
    row->route = s->route;
    row->layers_bytes = (uint32_t)r->layers_bytes;
    row->heads_bytes = (uint32_t)r->heads_bytes;
    row->n_attn = s->n_attn;
    /* Attention first: it is the one that needs its alignment. */
    if (attn)
        memcpy(p, s->attn, attn);
    p += attn;
    if (r->layers_bytes)
        memcpy(p, s->layers, r->layers_bytes);
    if (r->heads_bytes)
        memcpy(p + r->layers_bytes, s->heads, r->heads_bytes);
}

/* Bytes of a held record, rounded so that the next one is aligned. */
static size_t held_width(const struct rec *r)
{
    return (row_bytes(r, r->attn_cap) + 15) / 16 * 16;
}

static void note_nan(struct rec *r, uint64_t tag, int pos, int layer)
{
    if (layer < 0 || r->nan_layer >= 0)
        return;
    r->nan_layer = layer;
    r->nan_pos = pos;
    r->nan_tag = tag;
}

/* A guess: it waits for its verdict. */
static void hold_row(struct rec *r, const struct slot *s,
                     const struct rec_head *h, const struct hook_row *u)
{
    struct rec_row *row;

    if (r->held_judged)
        r->n_held = r->held_judged = 0;
    if (r->n_held == r->opts.n_ahead)
        return;                 /* more than was announced: keep_row() counts */
    row = (struct rec_row *)(void *)(r->held_rows +
                                     (size_t)r->n_held * held_width(r));
    row->h = *h;
    fill_row(r, s, u, row);
    r->held[r->n_held++] = (struct held){ s->track->tag, h->pos, u->nan_layer,
                                          row_bytes(r, s->n_attn) };
}

static void on_row(struct rec *r, struct slot *s, const struct hook_event *ev)
{
    const struct hook_row *u = &ev->u.row;
    struct rec_head h = { REC_ROW, ev->pos, u->id, ev->seq, s->track };
    struct rec_row *row;

    if (row_bytes(r, s->n_attn) > ring_max(r->ring))
        s->n_attn = 0;
    if (u->is_draft) {
        hold_row(r, s, &h, u);
        return;
    }
    note_nan(r, ev->tag, ev->pos, u->nan_layer);
    row = reserve(r, row_bytes(r, s->n_attn), &h);
    if (!row)
        return;
    fill_row(r, s, u, row);
    ring_push(r->ring);
}

/* The held row of the token at pos is no guess any more. */
static void keep_row(struct rec *r, uint64_t tag, int pos, uint64_t seq)
{
    for (int i = 0; i < r->n_held; i++) {
        const struct held *held = &r->held[i];
        const uint8_t *row = r->held_rows + (size_t)i * held_width(r);
        struct rec_head h;
        void *to;

        if (held->tag != tag || held->pos != pos)
            continue;
        note_nan(r, tag, pos, held->nan_layer);
        memcpy(&h, row, sizeof h);
        to = reserve(r, held->bytes, &h);
        if (to) {
            memcpy(to, row, held->bytes);
            ring_push(r->ring);
        }
        return;
    }
    if (r->n_dropped++ == 0)
        r->dropped_from = seq;
}

static void on_draft(struct rec *r, const struct hook_event *ev)
{
    struct rec_head h = { .kind = REC_DRAFT, .pos = ev->pos, .seq = ev->seq,
                          .track = find_track(r, ev->tag) };
    struct rec_draft *d;

    if (!h.track)
        return;
    for (int i = 1; i <= ev->u.draft.n_kept; i++)
        keep_row(r, ev->tag, ev->pos + i, ev->seq);
    d = reserve(r, sizeof *d, &h);
    if (!d)
        return;
    d->draft = ev->u.draft;
    ring_push(r->ring);
}

static void on_token(struct rec *r, const struct hook_event *ev)
{
    const struct hook_token *u = &ev->u.token;
    struct rec_head h = { REC_TOKEN, ev->pos, u->id, ev->seq,
                          find_track(r, ev->tag) };
    struct rec_token *t;

    if (!h.track || !(t = reserve(r, sizeof *t, &h)))
        return;
    t->logprob = u->logprob;
    t->entropy = u->entropy;
    t->n_alt = (uint8_t)(u->n_alt < HOOK_ALT_MAX ? u->n_alt : HOOK_ALT_MAX);
    for (int i = 0; i < t->n_alt; i++)
        pack_alt_put(t->alt, i, u->alt_id[i], u->alt_logprob[i]);
    ring_push(r->ring);
}

static void on_join(struct rec *r, const struct hook_event *ev)
{
    struct rec_head h = { .kind = REC_JOIN, .seq = ev->seq,
                          .track = find_track(r, ev->tag) };

    if (h.track && reserve(r, sizeof h, &h))
        ring_push(r->ring);
}

static void on_batch(struct rec *r, const struct hook_event *ev)
{
    struct rec_head h = { .kind = REC_BATCH, .seq = ev->seq };
    struct rec_batch *b = reserve(r, sizeof *b, &h);

    r->held_judged = 1;                 /* before the rows of the next step */
    if (!b)
        return;
    b->step = ev->u.batch;
    ring_push(r->ring);
}

static void on_slot(struct rec *r, struct slot *s, const struct hook_event *ev)
{
    switch (ev->kind) {
    case HOOK_ROUTE:
        on_route(s, ev);
        if (s->track)
            effort_route(&s->track->effort, ev, s->track->text_from,
                         r->opts.n_head_kv);
        break;
    case HOOK_HEAD:  on_head(r, s, ev); break;
    case HOOK_LAYER: on_layer(s, ev); break;
    case HOOK_ATTN:  on_attn(r, s, &ev->u.attn); break;
    case HOOK_ROW:
        if (s->track) {
            effort_row(&s->track->effort, ev, s->track->text_from);
            on_row(r, s, ev);
        }
        s->tag = 0;
        break;
    default:
        break;                          /* no level asks for the others */
    }
}

static void on_event(void *ud, const struct hook_event *ev)
{
    struct rec *r = ud;
    struct slot *s;
    uint64_t t0, waited;

    r->n_event++;
    switch (ev->kind) {
    case HOOK_TOKEN: on_token(r, ev); return;
    case HOOK_JOIN:  on_join(r, ev); return;
    case HOOK_BATCH: on_batch(r, ev); return;
    case HOOK_DRAFT: on_draft(r, ev); return;
    default:         break;             /* of a row */
    }
    if (ev->row < 0 || ev->row >= HOOK_ROWS_MAX ||
        ev->layer >= r->opts.n_layer)
        return;
    s = &r->slot[ev->row];
    if (s->tag != ev->tag || s->pos != ev->pos)
        begin_row(r, s, ev);
    if (!s->is_timed) {
        on_slot(r, s, ev);
        return;
    }
    t0 = clock_mono_ns();
    waited = ring_wait_ns(r->ring);
    on_slot(r, s, ev);
    waited = ring_wait_ns(r->ring) - waited;
    r->pack_ns += (clock_mono_ns() - t0 - waited) * TIMED_ROWS;
}

/* --- open and close ------------------------------------------------------ */

/* Room for every row of a pass, with the parts of the blobs that never change
 * written once. */
static int alloc_slots(struct rec *r)
{
    const struct rec_opts *o = &r->opts;
    size_t each;

    if (o->level >= REC_LAYERS)
        r->layers_bytes = pack_layers_bytes(o->n_layer, o->n_head_kv);
    if (o->level >= REC_HEADS)
        r->heads_bytes = pack_heads_bytes(o->n_layer, o->n_head, HOOK_TOP_MAX);
    each = r->layers_bytes + r->heads_bytes;
    r->packed = mem_calloc(HOOK_ROWS_MAX, each);
    if (!r->packed)
        return -1;
    for (size_t i = 0; i < HOOK_ROWS_MAX; i++) {
        struct slot *s = &r->slot[i];

        if (r->layers_bytes) {
            s->layers = r->packed + i * each;
            pack_layers_header(s->layers, o->n_layer, o->n_head_kv);
        }
        if (r->heads_bytes) {
            s->heads = r->packed + i * each + r->layers_bytes;
            pack_heads_header(s->heads, o->n_layer, o->n_head, HOOK_TOP_MAX);
        }
    }
    return 0;
}

/* The writer gets no signals: they are the main thread's business. */
static int start_thread(struct rec *r)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&r->thread, NULL, writer_main, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    r->has_thread = rc == 0;
    return rc;
}

enum sor_err rec_open(const char *db_path, const struct rec_opts *opts,
                      struct rec **out, struct sor_msg *msg)
{
    struct db_writer_opts wo = { .wait = opts->wait,
                                 .cancelled = opts->cancelled,
                                 .ud = opts->cancelled_ud };
    struct rec *r = mem_calloc(1, sizeof *r);
    enum sor_err err = SOR_NOMEM;
    size_t ring, row;
    int rc;

    if (!r)
        return sor_fail(msg, SOR_NOMEM, "no memory for the recorder");
    r->opts = *opts;
    r->nan_layer = r->nan_pos = -1;
    str_init(&r->w.question);
    batching_init(&r->w.batching);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->done, NULL);
    r->observer = (struct hook_observer){ levels[opts->level].mask, r,
                                          on_event };
    if (alloc_slots(r) != 0) {
        sor_fail(msg, err, "no memory for the recorder");
        goto fail;
    }
    /* A ring of fewer than eight rows would wait for every one. */
    ring = opts->ring_bytes ? opts->ring_bytes : RING_BYTES;
    row = sizeof(struct rec_row) + r->layers_bytes + r->heads_bytes + 1024;
    if ((err = ring_open(ring > 8 * row ? ring : 8 * row, &r->ring, msg)) ||
        (err = db_writer_open(db_path, &wo, &r->w.db, msg)))
        goto fail;
    if ((rc = start_thread(r)) != 0) {
        err = sor_fail(msg, SOR_IO, "cannot start the recorder's thread: %s",
                       strerror(rc));
        goto fail;
    }
    *out = r;
    return SOR_OK;
fail:
    rec_close(r);
    return err;
}

static void close_tracks(struct rec *r)
{
    for (int i = 0; i < r->n_track; i++)
        track_close(r->track[i]);
    r->n_track = 0;
    for (int i = 0; i < HOOK_ROWS_MAX; i++) {
        r->slot[i].track = NULL;
        r->slot[i].tag = 0;
    }
}

void rec_close(struct rec *r)
{
    struct rec_call stop = { .what = CALL_STOP };

    if (!r)
        return;
    if (r->has_thread) {
        call(r, &stop, NULL);
        pthread_join(r->thread, NULL);
    }
    close_tracks(r);
    db_writer_close(r->w.db);
    str_release(&r->w.question);
    batching_release(&r->w.batching);
    ring_close(r->ring);
    pthread_cond_destroy(&r->done);
    pthread_mutex_destroy(&r->lock);
    mem_free(r->track);
    mem_free(r->packed);
    mem_free(r->attn);
    mem_free(r->held);
    mem_free(r->held_rows);
    mem_free(r);
}

const struct hook_observer *rec_observer(struct rec *r)
{
    return &r->observer;
}

/* --- runs and paths ------------------------------------------------------ */

enum sor_err rec_uid(char uid[2 * UID_BYTES + 1], struct sor_msg *msg)
{
    static const char source[] = "/dev/urandom";
    uint8_t bytes[UID_BYTES];
    int fd = open(source, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    int why = errno;

    if (fd >= 0)
        close(fd);
    if (n != UID_BYTES)
        return sor_fail(msg, SOR_IO, "%s: %s", source,
                        n < 0 ? strerror(why) : "too short");
    hash_hex(bytes, sizeof bytes, uid);
    return SOR_OK;
}

enum sor_err rec_run_begin(struct rec *r, const struct rec_run *run,
                           char uid[33], struct sor_msg *msg)
{
    char name[2 * UID_BYTES + 1];
    struct rec_call c = { .what = CALL_RUN_BEGIN, .run = run, .uid = name,
                          .started_us = clock_wall_us() };
    enum sor_err err;

    if (r->in_run)
        return sor_fail(msg, SOR_USAGE, "the recorder is in a run already");
    if ((err = rec_uid(name, msg)))
        return err;
    r->in_run = 1;              /* failed or not: rec_run_end() ends it */
    r->n_dropped = 0;
    r->nan_layer = r->nan_pos = -1;
    if ((err = call(r, &c, msg)))
        return err;
    memcpy(uid, name, sizeof name);
    return SOR_OK;
}

/* Room for the guesses of a step, whose rows grow with attn_cap. */
static int grow_held(struct rec *r)
{
    size_t n = (size_t)r->opts.n_ahead;
    uint8_t *rows;

    if (n == 0)
        return 0;
    r->n_held = 0;
    if (!r->held)
        r->held = mem_calloc(n, sizeof *r->held);
    rows = mem_realloc(r->held_rows, n, held_width(r));
    if (rows)
        r->held_rows = rows;
    return r->held && rows ? 0 : -1;
}

/* Every slot can hold the masses of a row at position n_pos - 1. */
static int grow_attn(struct rec *r, int64_t n_pos)
{
    uint32_t want = (uint32_t)((n_pos + HOOK_BLOCK - 1) / HOOK_BLOCK + 1);
    uint16_t *attn;

    if (want <= r->attn_cap)
        return 0;
    attn = mem_realloc(r->attn, (size_t)HOOK_ROWS_MAX * want, sizeof *attn);
    if (!attn)
        return -1;
    r->attn = attn;
    r->attn_cap = want;
    for (size_t i = 0; i < HOOK_ROWS_MAX; i++)
        r->slot[i].attn = attn + i * want;
    return grow_held(r);
}

static int grow_tracks(struct rec *r)
{
    int cap = r->cap_track ? 2 * r->cap_track : 16;
    struct track **list;

    if (r->n_track < r->cap_track)
        return 0;
    list = mem_realloc(r->track, (size_t)cap, sizeof *list);
    if (!list)
        return -1;
    r->track = list;
    r->cap_track = cap;
    return 0;
}

enum sor_err rec_path_begin(struct rec *r, const struct rec_path *path,
                            struct sor_msg *msg)
{
    struct track_spec spec = {
        .tag = path->tag, .ordinal = path->ordinal, .seed = path->seed,
        .text_from = path->text_from, .max_tok = path->max_tok,
        .kind = path->kind, .params = path->params,
    };
    struct rec_head h = { .kind = REC_PATH_BEGIN };

    if (path->tag == 0 || find_track(r, path->tag))
        return sor_fail(msg, SOR_USAGE, "path %d: tag %llu is taken",
                        path->ordinal, (unsigned long long)path->tag);
    if (path->parent_tag) {
        spec.parent = find_track(r, path->parent_tag);
        spec.fork_pos = path->fork_pos;
        if (!spec.parent)
            return sor_fail(msg, SOR_USAGE, "path %d: its parent is not in "
                            "this run", path->ordinal);
    }
    if (path->parent_id) {
        spec.origin_id = path->parent_id;
        spec.fork_pos = path->fork_pos;
    }
    if (grow_tracks(r) != 0 ||
        grow_attn(r, (int64_t)path->text_from + path->max_tok) != 0 ||
        !(h.track = track_open(&spec)))
        return sor_fail(msg, SOR_NOMEM, "no memory to record path %d",
                        path->ordinal);
    r->track[r->n_track++] = h.track;
    reserve(r, sizeof h, &h);
    ring_push(r->ring);
    return SOR_OK;
}

void rec_path_end(struct rec *r, uint64_t tag, const char *stop)
{
    struct rec_head h = { .kind = REC_PATH_END, .track = find_track(r, tag) };
    struct rec_end *e;

    if (!h.track)
        return;
    e = reserve(r, sizeof *e, &h);
    snprintf(e->stop, sizeof e->stop, "%s", stop);
    ring_push(r->ring);
    ring_wake(r->ring);
}

enum sor_err rec_run_end(struct rec *r, const char *status,
                         int64_t wall_ns, int64_t prefill_ns,
                         struct sor_msg *msg)
{
    struct rec_call c = {
        .what = CALL_RUN_END, .status = status, .wall_ns = wall_ns,
        .prefill_ns = prefill_ns, .track = r->track, .n_track = r->n_track,
        .n_dropped = r->n_dropped, .dropped_from = r->dropped_from,
    };
    const struct track *t = find_track(r, r->nan_tag);
    enum sor_err err;

    if (!r->in_run)
        return sor_fail(msg, SOR_USAGE, "the recorder is in no run");
    if (r->nan_layer >= 0)
        sor_fail(&c.nan, SOR_OK, "NaN or infinity first after layer %d, path "
                 "%d, position %d", r->nan_layer, t ? t->ordinal : -1,
                 r->nan_pos);
    err = call(r, &c, msg);
    close_tracks(r);
    r->in_run = 0;
    return err;
}

void rec_stats(const struct rec *r, struct rec_stats *out)
{
    uint64_t lost = atomic_load(&r->shared.n_lost);

    *out = (struct rec_stats){
        .n_event = r->n_event,
        .n_token = atomic_load(&r->shared.n_token),
        .n_lost = lost + r->n_dropped,
        .n_batch = atomic_load(&r->shared.n_batch),
        .wait_ns = ring_wait_ns(r->ring),
        .pack_ns = r->pack_ns,
        .write_ns = atomic_load(&r->shared.write_ns),
        .nan_layer = r->nan_layer, .nan_pos = r->nan_pos,
        .nan_tag = r->nan_tag,
    };
    if (lost)
        out->lost_from_seq = atomic_load(&r->shared.lost_from);
    if (r->n_dropped && (!lost || r->dropped_from < out->lost_from_seq))
        out->lost_from_seq = r->dropped_from;
    if (atomic_load(&r->shared.is_dead))    /* the reason came before that */
        snprintf(out->reason, sizeof out->reason, "%s", r->w.reason.text);
    else if (r->n_dropped)
        snprintf(out->reason, sizeof out->reason,
                 "the ring was full and --lossy drops");
}
