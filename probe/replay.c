#include "probe/adapters.h"
#include "probe/replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "db/pack.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/kern.h"
#include "engine/sampler.h"
#include "probe/model_id.h"
#include "probe/prefix.h"
#include "probe/record.h"
#include "probe/rerun.h"
#include "probe/with_blas.h"
#include "probe/with_route.h"

/* Rows fed at once whose logits are all kept: 6 MB of them for a vocabulary
 * of 49,152. */
enum { FEED = 32 };

enum { BASE_TAG = 1 };          /* the prompt; path k is BASE_TAG + 1 + k */

/* What can differ at one position, in the order in which it comes about:
 * the choice of the token, its layers, the logits that it makes. */
enum { RANK_CHOICE = -1, RANK_LOGITS = INT16_MAX };

struct replay {
    struct engine *e;
    const struct replay_opts *o;
    struct replay_report *out;
    struct session *base;           /* the prompt */
    struct prefix_mask mask;        /* what a fork altered */
    struct record rec;              /* of what is being fed */
    uint8_t *mode;                  /* [n_ctx] modes of its positions */
    int path, rank;                 /* its ordinal; rank of out->diff */
    size_t n_vocab;
    float *prompt_logits;           /* [n_vocab] after the prompt */
    float *logits;                  /* [FEED + 1][n_vocab]: row 0 is what the
                                     * token before the fed ones made */
    struct sampler_scratch scratch;
    int64_t done, total;
};

/* The place for a difference, or NULL where an earlier one is known. */
static struct replay_diff *differ(struct replay *r, int pos, int rank)
{
    struct replay_diff *d = &r->out->diff;

    if (!r->out->same && (d->path != r->path || d->pos < pos ||
                          (d->pos == pos && r->rank <= rank)))
        return NULL;
    r->out->same = 0;
    r->rank = rank;
    *d = (struct replay_diff){ .path = r->path, .pos = pos, .layer = -1 };
    return d;
}

/* --- what the engine says now, against the row ---------------------------- */

static void check_layer(struct replay *r, const struct hook_event *ev,
                        const struct record_row *row)
{
    uint32_t bits = ev->u.layer.digest;
    unsigned now = (bits ^ bits >> 16) & 0xffffu;
    struct pack_layer was;
    struct replay_diff *d;
    int bad = unpack_layer(record_layers(&r->rec, row), row->layers_n,
                           ev->layer, &was) != 0;

    r->out->n_layer_row++;
    if (!bad && was.digest == now)
        return;
    if (!(d = differ(r, ev->pos, ev->layer)))
        return;
    d->what = "residual";
    d->layer = ev->layer;
    snprintf(d->now, sizeof d->now, "%04x", now);
    if (bad)
        snprintf(d->was, sizeof d->was, "unreadable");
    else
        snprintf(d->was, sizeof d->was, "%04x", (unsigned)was.digest);
}

static const char *mode_name(int mode)
{
    static const char *const name[] = { "sparse", "hybrid", "full" };

    return mode >= 0 && mode < 3 ? name[mode] : "none";
}

static void check_mode(struct replay *r, const struct hook_event *ev,
                       const struct record_row *row)
{
    struct pack_layer was;
    struct replay_diff *d;
    int mode = row->mode;

    if (row->layers_n && unpack_layer(record_layers(&r->rec, row),
                                      row->layers_n, ev->layer, &was) == 0)
        mode = was.mode;
    else if (ev->layer > 0)
        return;                     /* the row keeps one mode, of the token */
    if (mode < 0 || mode == ev->u.route.mode ||
        !(d = differ(r, ev->pos, ev->layer)))
        return;
    d->what = "mode";
    d->layer = ev->layer;
    snprintf(d->was, sizeof d->was, "%s", mode_name(mode));
    snprintf(d->now, sizeof d->now, "%s", mode_name(ev->u.route.mode));
}

static void check_logits(struct replay *r, const struct hook_event *ev,
                         const struct record_row *row)
{
    uint64_t now = ev->u.row.digest;
    struct replay_diff *d;

    if (row->digest == now || !(d = differ(r, ev->pos, RANK_LOGITS)))
        return;
    d->what = "logits";
    snprintf(d->was, sizeof d->was, "%016llx",
             (unsigned long long)row->digest);
    snprintf(d->now, sizeof d->now, "%016llx", (unsigned long long)now);
}

static void on_event(void *ud, const struct hook_event *ev)
{
    struct replay *r = ud;
    const struct record_row *row = record_at(&r->rec, ev->pos);

    if (!row)
        return;
    if (ev->kind == HOOK_LAYER && row->layers_n)
        check_layer(r, ev, row);
    else if (ev->kind == HOOK_ROUTE)
        check_mode(r, ev, row);
    else if (ev->kind == HOOK_ROW && row->has_digest && ev->u.row.has_logits)
        check_logits(r, ev, row);
}

/* Draws the token at `row` again from the logits before it; with no sampler it
 * was given, not drawn, and its probability alone is compared.  On another
 * instruction set that is compared loosely. */
static void check_choice(struct replay *r, struct sampler *s,
                         const struct record_row *row, const float *logits)
{
    struct sampler_pick pick;
    struct replay_diff *d;

    if (!row->drawn)
        return;
    r->out->n_token++;
    if (!r->out->exact) {
        sampler_measure(logits, row->id, 0, &r->scratch, &pick);
        double off = fabs((double)pick.logprob - (double)row->logprob);
        if (!(off <= r->out->worst)) {
            r->out->worst = off;
            r->out->worst_path = r->path;
            r->out->worst_pos = row->pos;
        }
        if (off <= REPLAY_TOLERANCE ||
            !(d = differ(r, row->pos, RANK_CHOICE)))
            return;
        d->what = "log-probability";
    } else {
        if (s)
            sampler_pick(s, logits, 0, &r->scratch, &pick);
        else
            sampler_measure(logits, row->id, 0, &r->scratch, &pick);
        int chosen = pick.id == row->id;
        if ((chosen && pick.logprob == row->logprob) ||
            !(d = differ(r, row->pos, RANK_CHOICE)))
            return;
        d->what = chosen ? "log-probability" : "choice";
        if (!chosen) {
            snprintf(d->was, sizeof d->was, "token %d", (int)row->id);
            snprintf(d->now, sizeof d->now, "token %d", (int)pick.id);
            return;
        }
    }
    snprintf(d->was, sizeof d->was, "%.9g", (double)row->logprob);
    snprintf(d->now, sizeof d->now, "%.9g", (double)pick.logprob);
}

/* --- feeding ---------------------------------------------------------------- */

/* Feeds n recorded rows from pos on; the logits of the last n_logits go to
 * `logits`. */
static enum sor_err feed(struct replay *r, struct session *s, int pos, int n,
                         float *logits, int n_logits, struct sor_msg *msg)
{
    int32_t id[HOOK_ROWS_MAX];
    uint16_t depth[HOOK_ROWS_MAX];
    struct engine_feed f = { .session = s, .tok = id, .n_tok = n,
                             .depth = depth,
                             .logits = logits, .n_logits = n_logits };

    if (r->o->cancelled && r->o->cancelled(r->o->ud))
        return sor_fail(msg, SOR_INTERRUPTED, "interrupted after %lld of "
                        "%lld tokens", (long long)r->done,
                        (long long)r->total);
    for (int i = 0; i < n; i++) {
        id[i] = record_at(&r->rec, pos + i)->id;
        depth[i] = (uint16_t)record_at(&r->rec, pos + i)->depth;
    }
    enum sor_err err = engine_step(r->e, &f, 1, msg);
    r->done += n;
    if (r->o->progress)
        r->o->progress(r->o->ud, r->done, r->total);
    return err;
}

/* The rows of a path from `from` on; no more than its run's context has. */
static enum sor_err load(struct replay *r, struct db *d, int64_t path_id,
                         int from, struct sor_msg *msg)
{
    int n_ctx = engine_info(r->e)->n_ctx;
    enum sor_err err = record_load(d, path_id, from, &r->rec, msg);

    if (!err && r->rec.n > n_ctx + 1 - from)
        err = sor_fail(msg, SOR_FORMAT, "%d tokens are recorded from position "
                       "%d on, and a context of %d", r->rec.n, from, n_ctx);
    return err;
}

/* The prompt into r->base, checked against the rows of path 0. */
static enum sor_err feed_prompt(struct replay *r, int n_prompt,
                                struct sor_msg *msg)
{
    enum sor_err err = session_open(r->e, BASE_TAG, n_prompt, &r->base, msg);

    /* Forks of the session inherit it. */
    if (!err && r->mask.n)
        err = session_intervene(r->base, r->mask.iv, r->mask.n, msg);
    r->path = 0;
    if (!err) {
        with_route_modes(&r->rec, r->mode);
        session_force(r->base, r->mode, r->rec.n);
    }
    for (int pos = 0; pos < n_prompt && !err; pos += HOOK_ROWS_MAX) {
        int left = n_prompt - pos, n = left < HOOK_ROWS_MAX ? left
                                                            : HOOK_ROWS_MAX;

        err = feed(r, r->base, pos, n, r->prompt_logits, n == left, msg);
    }
    r->out->n_prompt = n_prompt;
    return err;
}

/* One path's own rows, from r->rec.from (where s stands) to their end. */
static enum sor_err feed_path(struct replay *r, struct session *s,
                              struct sampler *sampler, struct sor_msg *msg)
{
    const struct record *rec = &r->rec;
    int end = rec->from + rec->n, pos = rec->from;
    size_t row_bytes = r->n_vocab * sizeof *r->logits;

    memcpy(r->logits, r->prompt_logits, row_bytes);
    while (pos < end && r->out->same) {
        /* The last token of a path was chosen but never went in. */
        int fed = end - !record_at(rec, end - 1)->has_digest;
        int n = fed - pos < FEED ? fed - pos : FEED;

        if (n > 0) {
            enum sor_err err = feed(r, s, pos, n, r->logits + r->n_vocab, n,
                                    msg);
            if (err)
                return err;
        }
        int n_choice = n > 0 ? n : 1;
        for (int i = 0; i < n_choice; i++)
            check_choice(r, sampler, record_at(rec, pos + i),
                         r->logits + (size_t)i * r->n_vocab);
        if (n > 0)
            memcpy(r->logits, r->logits + (size_t)n * r->n_vocab, row_bytes);
        pos += n_choice;
    }
    return SOR_OK;
}

/* --- one run ------------------------------------------------------------------ */

static enum sor_err replay_path(struct replay *r, struct db *d,
                                const struct db_run *run,
                                const struct db_path *path,
                                struct sor_msg *msg)
{
    struct sampler_params params = {
        .temperature = (float)run->temperature,
        .top_k = (uint32_t)run->top_k, .top_p = (float)run->top_p,
        .min_p = (float)run->min_p, .seed = (uint64_t)run->seed };
    struct sampler sampler;
    struct session *s = NULL;
    enum sor_err err = sampler_init(&sampler, &params,
                                    (uint32_t)path->ordinal, msg);

    if (!err)
        err = load(r, d, path->id, run->n_prompt, msg);
    if (!err)
        err = session_fork(r->base, BASE_TAG + 1 + (uint64_t)path->ordinal,
                           run->n_prompt, &s, msg);
    if (!err) {
        /* The path's seed is the key that its draws come from. */
        sampler.key = (uint64_t)path->seed;
        with_route_modes(&r->rec, r->mode);
        session_force(s, r->mode, r->rec.from + r->rec.n);
        r->path = path->ordinal;
        err = feed_path(r, s, strcmp(path->kind, "score") ? &sampler : NULL,
                        msg);
        r->out->n_path++;
        r->out->n_gap += r->rec.gap;
    }
    session_close(s);
    return err;
}

/* All paths of the run, or the one asked for, until something differs. */
static enum sor_err replay_paths(struct replay *r, struct db *d,
                                 const struct db_run *run,
                                 struct sor_msg *msg)
{
    struct db_cur *c = db_paths(d, run->id);
    struct db_path path;
    enum sor_err err = SOR_OK, damaged;

    while (!err && r->out->same && db_path_next(c, &path) > 0)
        if (r->o->path < 0 || r->o->path == path.ordinal)
            err = replay_path(r, d, run, &path, msg);
    damaged = db_cur_close(c);
    if (!err && damaged)
        err = sor_fail(msg, damaged, "run %.8s: its paths cannot be read",
                       run->uid);
    if (!err && r->out->same && r->out->n_path == 0)
        err = sor_fail(msg, SOR_NOTFOUND, "run %.8s has no path %d",
                       run->uid, r->o->path);
    return err;
}

/* A fork is the only path of its run; its params say what it altered. */
static enum sor_err load_mask(struct replay *r, struct db *d, int64_t path_id,
                              struct sor_msg *msg)
{
    struct db_path path;

    if (db_get_path(d, path_id, &path) <= 0 ||
        strcmp(path.kind, "fork") != 0)
        return SOR_OK;
    return prefix_mask_parse(path.params, &r->mask, msg);
}

/* Tokens to feed, for the progress bar; and the id of path 0. */
static int64_t survey(struct db *d, const struct db_run *run, int only,
                      int64_t *total)
{
    struct db_cur *c = db_paths(d, run->id);
    struct db_path path;
    int64_t first = 0;

    *total = run->n_prompt;
    while (db_path_next(c, &path) > 0) {
        if (path.ordinal == 0)
            first = path.id;
        if (only < 0 || only == path.ordinal)
            *total += path.n_token;
    }
    db_cur_close(c);
    return first;
}

static enum sor_err replay_run(struct replay *r, struct db *d,
                               const struct db_run *run, struct sor_msg *msg)
{
    struct hook_observer watch = {
        .mask = 1u << HOOK_LAYER | 1u << HOOK_ROUTE | 1u << HOOK_ROW,
        .ud = r, .on_event = on_event };
    int64_t first = survey(d, run, r->o->path, &r->total);
    enum sor_err err = load(r, d, first, 0, msg);

    /* That level keeps token ids at most, and nothing that was computed. */
    if (!err && strcmp(run->level, "steps") == 0) {
        r->out->texts_only = 1;
        return rerun_verify(d, run, r->e, r->o, r->out, msg);
    }
    if (!err && r->rec.n < run->n_prompt)
        err = sor_fail(msg, SOR_NOTFOUND, "run %.8s: %d of the %d tokens of "
                       "its prompt are recorded, so it cannot be replayed",
                       run->uid, r->rec.n, run->n_prompt);
    if (!err)
        err = load_mask(r, d, first, msg);
    if (err)
        return err;
    err = engine_observe(r->e, r->out->exact ? &watch : NULL, msg);
    if (!err)
        err = feed_prompt(r, run->n_prompt, msg);
    if (!err && r->out->same)
        err = replay_paths(r, d, run, msg);
    if (!err && r->out->same && r->out->n_token == 0)
        err = sor_fail(msg, SOR_NOTFOUND, "run %.8s: no token that it chose "
                       "is recorded, so there is nothing to compare",
                       run->uid);
    engine_observe(r->e, NULL, NULL);
    return err;
}

enum sor_err replay_verify(struct db *d, const struct db_run *run,
                           struct engine *e, const struct replay_opts *o,
                           struct replay_report *out, struct sor_msg *msg)
{
    size_t n_vocab = engine_hparams(e)->n_vocab;
    struct replay r = { .e = e, .o = o, .out = out, .n_vocab = n_vocab };
    enum sor_err err;

    *out = (struct replay_report){ .same = 1 };
    text_safe_fit(out->isa_then, sizeof out->isa_then, run->isa,
                  strlen(run->isa), 0);
    snprintf(out->isa_now, sizeof out->isa_now, "%s", engine_info(e)->isa);
    out->exact = strcmp(out->isa_then, out->isa_now) == 0;

    record_init(&r.rec);
    r.prompt_logits = mem_calloc(n_vocab, sizeof *r.prompt_logits);
    r.logits = mem_calloc((FEED + 1) * n_vocab, sizeof *r.logits);
    r.mode = mem_calloc((size_t)engine_info(e)->n_ctx + 1, 1);
    err = sampler_scratch_init(&r.scratch, (uint32_t)n_vocab);
    if (!r.prompt_logits || !r.logits || !r.mode || err)
        err = sor_fail(msg, SOR_NOMEM, "out of memory for %d rows of logits",
                       FEED + 1);
    else
        err = replay_run(&r, d, run, msg);
    session_close(r.base);
    sampler_scratch_release(&r.scratch);
    prefix_mask_release(&r.mask);
    record_release(&r.rec);
    mem_free(r.prompt_logits);
    mem_free(r.logits);
    mem_free(r.mode);
    return err;
}

/* --- the engine for a run ------------------------------------------------------- */

/* What isa_cap means by this name, "avx512" or "avx512+OpenBLAS ..."; 0 (the
 * best there is) for none. */
static int isa_cap(const char *isa)
{
    char name[16];

    snprintf(name, sizeof name, "%.*s", (int)strcspn(isa, "+"), isa);
    return getenv("SORITES_ISA") ? 0 : kern_isa_parse(name) + 1;
}

enum sor_err replay_engine(struct db *d, const struct db_run *run,
                           const char *model_path, int n_thread,
                           struct engine **out, struct sor_msg *msg)
{
    struct engine_opts opts = { .n_thread = n_thread, .n_ctx = run->n_ctx,
                                .isa_cap = isa_cap(run->isa),
                                .kv_type = kern_kv_parse(run->kv_type),
                                .narrow = engine_isa_narrow(run->isa) };
    struct model_id_job job;
    struct model_id id = { .n_part = 0 };
    struct engine *e = NULL;
    struct sor_msg why;
    enum sor_err err, other;

    if (strcmp(run->isa, "none") == 0)
        return sor_fail(msg, SOR_UNSUP, "run %.8s was imported: nothing was "
                        "computed here that could be computed again (import "
                        "--second-opinion does)", run->uid);
    if (opts.kv_type < 0)
        return sor_fail(msg, SOR_UNSUP, "run %.8s keeps its KV cache in %s, "
                        "which this build does not know", run->uid,
                        run->kv_type);
    model_id_begin(&job, model_path);
    err = engine_open(model_path, &opts, &e, msg);
    other = model_id_finish(&job, &id, &why);
    /* Which part of the file changed says more than what broke on it. */
    if (!other)
        other = model_id_check(d, run->model_id, &id, &why);
    model_id_release(&id);
    if (other) {
        err = other;
        if (msg)
            *msg = why;
    }
    if (!err)
        err = adapters_restore(e, run->params, msg);
    if (!err)
        err = with_blas_restore(e, run->params, msg);
    if (!err)
        err = with_route_restore(e, run->params, msg);
    if (err) {
        engine_close(e);
        return err;
    }
    *out = e;
    return SOR_OK;
}
