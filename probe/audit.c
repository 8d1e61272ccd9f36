#include "probe/audit.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/version.h"
#include "db/price.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/kern.h"
#include "engine/route.h"
#include "engine/sampler.h"
#include "probe/logits.h"
#include "probe/prefix.h"
#include "probe/record.h"
#include "probe/with_route.h"

enum {
    SPAN = 64,              /* rows whose logits are held at a time */
    ROUTED = 0, FULL = 1, SIDES = 2     /* the two timelines */
};

struct audit {
    struct db *d;
    const struct db_run *run;
    struct engine *e;
    const struct audit_opts *o;
    struct audit_report *out;
    struct route *policy;
    struct prefix_mask mask;        /* what a fork altered */
    int64_t first_id;               /* of path 0, which reads the prompt */
    struct session *base[SIDES];    /* its timelines */
    struct record rec;              /* of the path in work, from 0 */
    uint8_t *mode, *full;           /* [n_ctx] of its tokens; all in full */
    uint8_t *wanted;                /* [n_ctx] 1: to be priced */
    float *logits[SIDES], *alone;   /* [SPAN][n_vocab] */
    struct session *branch[SPAN];   /* tokens in full by themselves */
    size_t n_vocab;
    struct db_price *price;
    int n_price, cap;
    uint64_t tag;
    int64_t done, total;
};

/* --- which tokens --------------------------------------------------------- */

static int is_drawn(const struct db_path *path, int pos, double rate)
{
    int64_t key[] = { path->seed, pos };

    return (double)(hash_xxh3(key, sizeof key, 0) >> 11) * 0x1p-53 < rate;
}

/* 1 where the token ran routed, left something out, and one comes after it. */
static int is_routed(const struct audit *a, int pos)
{
    const struct record_row *row = record_at(&a->rec, pos);

    return row && row->mode >= 0 && row->mode < HOOK_FULL &&
           record_at(&a->rec, pos + 1) &&
           pos / HOOK_BLOCK + 1 > a->policy->least[row->mode];
}

/* Fills a->wanted with the path's own tokens; *end: one past the last. */
static enum sor_err choose(struct audit *a, const struct db_path *path,
                           int *end, struct sor_msg *msg)
{
    struct db_cur *c = db_prices(a->d, path->id);
    struct db_priced known;
    int pos, n = a->rec.n;

    memset(a->wanted, 0, (size_t)n);
    *end = 0;
    for (pos = path->fork_pos; pos < n; pos++)
        if (is_routed(a, pos)) {
            a->out->n_routed++;
            a->wanted[pos] = (uint8_t)is_drawn(path, pos, a->o->rate);
        }
    while (db_price_next(c, &known) > 0)
        if (known.pos >= path->fork_pos && known.pos < n) {
            a->out->n_known++;
            a->wanted[known.pos] = 0;
        }
    for (pos = path->fork_pos; pos < n; pos++)
        if (a->wanted[pos])
            *end = pos + 1;
    return db_cur_close(c) ? sor_fail(msg, SOR_FORMAT, "the prices of path "
                                      "%d cannot be read", path->ordinal)
                           : SOR_OK;
}

/* --- prices --------------------------------------------------------------- */

static struct logits row_of(const struct audit *a, const float *v)
{
    struct sampler_stats st;

    sampler_stats(v, (uint32_t)a->n_vocab, &st);
    return (struct logits){ v, st.lse };
}

static int32_t likeliest(const struct audit *a, struct logits l)
{
    struct sampler_alt top = { -1, 0.0f };

    sampler_top(l.v, (uint32_t)a->n_vocab, l.lse, 1, &top);
    return top.id;
}

/* What the layers that the row went through read, and would have read. */
static void count_blocks(const struct audit *a, struct db_price *p, int mode)
{
    int n = p->pos / HOOK_BLOCK + 1, groups = a->policy->n_group;

    for (int l = 0; l < p->n_layer; l++)
        for (int g = 0; g < groups; g++) {
            p->blocks_read += route_reads(a->policy, mode, l, g, n);
            p->compared += route_compares(a->policy, mode, l, g, n);
        }
    p->blocks_full = (int64_t)p->n_layer * groups * n;
}

static enum sor_err keep(struct audit *a, const struct db_price *p,
                         struct sor_msg *msg)
{
    if (a->n_price == a->cap) {
        int cap = a->cap ? 2 * a->cap : 256;
        struct db_price *more = mem_realloc(a->price, (size_t)cap,
                                            sizeof *more);

        if (!more)
            return sor_fail(msg, SOR_NOMEM, "out of memory for %d prices",
                            cap);
        a->price = more;
        a->cap = cap;
    }
    a->price[a->n_price++] = *p;
    return SOR_OK;
}

/* The token at pos, whose three rows of logits are the i-th held and the k-th
 * branch's. */
static enum sor_err price(struct audit *a, const struct db_path *path, int pos,
                          int i, int k, struct sor_msg *msg)
{
    const struct record_row *row = record_at(&a->rec, pos);
    const float *routed = a->logits[ROUTED] + (size_t)i * a->n_vocab;
    struct logits was = row_of(a, routed);
    struct logits local = row_of(a, a->alone + (size_t)k * a->n_vocab);
    struct logits total = row_of(a, a->logits[FULL] +
                                    (size_t)i * a->n_vocab);
    int32_t next = record_at(&a->rec, pos + 1)->id, top = likeliest(a, was);
    size_t n = a->n_vocab;
    struct db_price p = {
        .path_id = path->id, .pos = pos,
        .mode = route_mode_name(row->mode),
        .n_layer = row->depth ? row->depth : a->policy->n_layer,
        .kl_local = logits_kl(local, was, n),
        .kl_total = logits_kl(total, was, n),
        .rank = logits_rank(was.v, n, next),
        .rank_local = logits_rank(local.v, n, next),
        .rank_total = logits_rank(total.v, n, next),
        .logprob = (double)was.v[next] - was.lse,
        .logprob_local = (double)local.v[next] - local.lse,
        .logprob_total = (double)total.v[next] - total.lse,
        .same_local = likeliest(a, local) == top,
        .same_total = likeliest(a, total) == top };

    if (a->out->exact && row->has_digest &&
        hash_xxh3(routed, n * sizeof *routed, 0) != row->digest)
        return sor_fail(msg, SOR_DIFFERS, "%.8s:%d@%d computes other logits "
                        "than were recorded, so there is nothing to price",
                        a->run->uid, path->ordinal, pos);
    count_blocks(a, &p, row->mode);
    return keep(a, &p, msg);
}

/* --- feeding -------------------------------------------------------------- */

/* Rows from pos on that go in together: as many as fit, whose logits from the
 * first wanted one on can be held. */
static int chunk(const struct audit *a, int pos, int end, int *first)
{
    int n = 0;

    *first = -1;
    while (n < HOOK_ROWS_MAX && pos + n < end &&
           (*first < 0 || n - *first < SPAN)) {
        if (*first < 0 && a->wanted[pos + n])
            *first = n;
        n++;
    }
    return n;
}

/* Both timelines take rows pos..pos+n-1. */
static enum sor_err advance(struct audit *a, struct session *const s[SIDES],
                            int pos, int n, int first, struct sor_msg *msg)
{
    struct engine_feed f[SIDES];
    int32_t id[HOOK_ROWS_MAX];
    uint16_t depth[HOOK_ROWS_MAX];

    if (a->o->cancelled && a->o->cancelled(a->o->ud))
        return sor_fail(msg, SOR_INTERRUPTED, "interrupted: nothing of this "
                        "audit is kept");
    for (int i = 0; i < n; i++) {
        id[i] = record_at(&a->rec, pos + i)->id;
        depth[i] = (uint16_t)record_at(&a->rec, pos + i)->depth;
    }
    for (int k = 0; k < SIDES; k++)
        f[k] = (struct engine_feed){
            .session = s[k], .tok = id, .n_tok = n, .depth = depth,
            .n_logits = first < 0 ? 0 : n - first, .logits = a->logits[k] };
    return engine_step(a->e, f, SIDES, msg);
}

/* Each wanted row of the chunk once more, alone in full behind the recorded
 * timeline s. */
static enum sor_err branch_off(struct audit *a, struct session *s, int pos,
                               int n, struct sor_msg *msg)
{
    struct engine_feed f[SPAN];
    int32_t id[SPAN];
    uint16_t depth[SPAN];
    enum sor_err err = SOR_OK;
    int n_feed = 0;

    for (int at = pos; at < pos + n && !err; at++) {
        int k = n_feed;

        if (!a->wanted[at])
            continue;
        err = session_fork(s, ++a->tag, at, &a->branch[k], msg);
        if (err)
            break;
        session_force(a->branch[k], a->full, at + 1);
        id[k] = record_at(&a->rec, at)->id;
        depth[k] = (uint16_t)record_at(&a->rec, at)->depth;
        f[n_feed++] = (struct engine_feed){
            .session = a->branch[k], .tok = &id[k], .n_tok = 1,
            .depth = &depth[k], .n_logits = 1,
            .logits = a->alone + (size_t)k * a->n_vocab };
    }
    if (!err)
        err = engine_step(a->e, f, n_feed, msg);
    for (int k = 0; k < n_feed; k++)
        session_close(a->branch[k]);
    return err;
}

/* Rows from..end-1 of the path, and the prices of those that are wanted. */
static enum sor_err walk(struct audit *a, const struct db_path *path,
                         struct session *const s[SIDES], int end,
                         struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;
    int first, n;

    for (int pos = session_len(s[ROUTED]); pos < end && !err; pos += n) {
        n = chunk(a, pos, end, &first);
        err = advance(a, s, pos, n, first, msg);
        if (!err && first >= 0)
            err = branch_off(a, s[ROUTED], pos + first, n - first, msg);
        for (int i = first, k = 0; first >= 0 && i < n && !err; i++)
            if (a->wanted[pos + i])
                err = price(a, path, pos + i, i - first, k++, msg);
        a->done += n;
        if (a->o->progress)
            a->o->progress(a->o->ud, a->done, a->total);
    }
    return err;
}

/* --- paths ---------------------------------------------------------------- */

/* The two timelines of a path: new ones, or branches of path 0's. */
static enum sor_err open_sides(struct audit *a, const struct db_path *path,
                               struct session *s[SIDES], struct sor_msg *msg)
{
    int shares = a->base[ROUTED] && path->parent_id == a->first_id;
    enum sor_err err = SOR_OK;

    for (int k = 0; k < SIDES && !err; k++) {
        if (shares)
            err = session_fork(a->base[k], ++a->tag, path->fork_pos, &s[k],
                               msg);
        else
            err = session_open(a->e, ++a->tag, a->rec.n, &s[k], msg);
        if (!err && !shares && a->mask.n)
            err = session_intervene(s[k], a->mask.iv, a->mask.n, msg);
        if (!err)
            session_force(s[k], k == FULL ? a->full : a->mode, a->rec.n);
    }
    return err;
}

static enum sor_err audit_path(struct audit *a, const struct db_path *path,
                               struct sor_msg *msg)
{
    struct session *s[SIDES] = { NULL };
    int is_first = path->id == a->first_id, end = 0;
    enum sor_err err = record_load(a->d, path->id, 0, &a->rec, msg);

    if (!err && a->rec.n > engine_info(a->e)->n_ctx + 1)
        err = sor_fail(msg, SOR_FORMAT, "path %d has %d tokens, and its run a "
                       "context of %d", path->ordinal, a->rec.n,
                       engine_info(a->e)->n_ctx);
    if (!err)
        err = choose(a, path, &end, msg);
    if (err)
        return err;
    with_route_modes(&a->rec, a->mode);
    if (is_first && a->run->n_path > 1 && end < a->run->n_prompt &&
        a->run->n_prompt <= a->rec.n)
        end = a->run->n_prompt;     /* the others branch off there */
    if (end == 0)
        return SOR_OK;
    err = open_sides(a, path, s, msg);
    if (!err)
        err = walk(a, path, s, end, msg);
    for (int k = 0; k < SIDES; k++)
        if (is_first && !err)
            a->base[k] = s[k];
        else
            session_close(s[k]);
    return err;
}

/* Tokens to go through, at most; and path 0. */
static void survey(struct audit *a)
{
    struct db_cur *c = db_paths(a->d, a->run->id);
    struct db_path path;

    a->total = a->run->n_prompt;
    while (db_path_next(c, &path) > 0) {
        if (path.ordinal == 0)
            a->first_id = path.id;
        a->total += path.n_token;
    }
    db_cur_close(c);
}

static enum sor_err audit_paths(struct audit *a, struct sor_msg *msg)
{
    struct db_cur *c = db_paths(a->d, a->run->id);
    struct db_path path;
    enum sor_err err = SOR_OK, damaged;

    while (!err && db_path_next(c, &path) > 0) {
        if (path.ordinal == 0 && strcmp(path.kind, "fork") == 0)
            err = prefix_mask_parse(path.params, &a->mask, msg);
        if (!err)
            err = audit_path(a, &path, msg);
    }
    damaged = db_cur_close(c);
    return err || !damaged ? err : sor_fail(msg, damaged, "the paths of run "
                                            "%.8s cannot be read",
                                            a->run->uid);
}

/* --- the result ----------------------------------------------------------- */

static enum sor_err put_all(struct audit *a, struct db_writer *w,
                            uint64_t start, struct sor_msg *msg)
{
    struct db_audit row = {
        .run_id = a->run->id, .rate = a->o->rate,
        .n_routed = a->out->n_routed, .n_audited = a->n_price,
        .exact = a->out->exact, .isa = engine_info(a->e)->isa,
        .program = SORITES_VERSION,
        .wall_ns = (int64_t)(clock_mono_ns() - start),
        .at_us = clock_wall_us() };
    int64_t id;
    enum sor_err err = db_begin(w, a->run->id, msg);

    if (!err)
        err = db_put_audit(w, &row, &id, msg);
    for (int i = 0; i < a->n_price && !err; i++)
        err = db_put_price(w, id, &a->price[i], msg);
    return err ? err : db_commit(w, NULL, msg);
}

static enum sor_err store(struct audit *a, const char *db_path, uint64_t start,
                          struct sor_msg *msg)
{
    struct db_writer_opts o = { .wait = 0 };
    struct db_writer *w = NULL;
    enum sor_err err = db_writer_open(db_path, &o, &w, msg);

    if (!err)
        err = put_all(a, w, start, msg);
    db_writer_close(w);
    return err;
}

static void report(struct audit *a)
{
    struct audit_report *r = a->out;
    double n = a->n_price;

    r->n_audited = a->n_price;
    r->kl_local = r->kl_total = r->same_local = r->same_total =
        n > 0 ? 0.0 : (double)NAN;
    for (int i = 0; i < a->n_price; i++) {
        r->kl_local += a->price[i].kl_local / n;
        r->kl_total += a->price[i].kl_total / n;
        r->same_local += a->price[i].same_local / n;
        r->same_total += a->price[i].same_total / n;
    }
}

static enum sor_err alloc(struct audit *a, struct sor_msg *msg)
{
    size_t n_ctx = (size_t)engine_info(a->e)->n_ctx + 1;
    size_t n = SPAN * a->n_vocab;

    a->mode = mem_calloc(n_ctx, 1);
    a->full = mem_calloc(n_ctx, 1);
    a->wanted = mem_calloc(n_ctx, 1);
    a->logits[ROUTED] = mem_calloc(n, sizeof(float));
    a->logits[FULL] = mem_calloc(n, sizeof(float));
    a->alone = mem_calloc(n, sizeof(float));
    if (!a->mode || !a->full || !a->wanted || !a->logits[ROUTED] ||
        !a->logits[FULL] || !a->alone)
        return sor_fail(msg, SOR_NOMEM, "out of memory for an audit");
    memset(a->full, HOOK_FULL, n_ctx);
    return SOR_OK;
}

static void release(struct audit *a)
{
    for (int k = 0; k < SIDES; k++) {
        session_close(a->base[k]);
        mem_free(a->logits[k]);
    }
    prefix_mask_release(&a->mask);
    record_release(&a->rec);
    route_close(a->policy);
    mem_free(a->mode);
    mem_free(a->full);
    mem_free(a->wanted);
    mem_free(a->alone);
    mem_free(a->price);
}

enum sor_err audit_run(struct db *d, const char *db_path,
                       const struct db_run *run, struct engine *e,
                       const struct audit_opts *o, struct audit_report *out,
                       struct sor_msg *msg)
{
    struct audit a = { .d = d, .run = run, .e = e, .o = o, .out = out,
                       .n_vocab = engine_hparams(e)->n_vocab };
    uint64_t start = clock_mono_ns();
    enum sor_err err = with_route_read(e, run->params, &a.policy, msg);

    *out = (struct audit_report){
        .exact = strcmp(run->isa, engine_info(e)->isa) == 0 };
    record_init(&a.rec);
    if (!err && !a.policy)
        err = sor_fail(msg, SOR_USAGE, "run %.8s was not routed, so there is "
                       "nothing to audit", run->uid);
    if (!err)
        err = alloc(&a, msg);
    if (!err) {
        survey(&a);
        err = audit_paths(&a, msg);
    }
    if (!err)
        err = store(&a, db_path, start, msg);
    if (!err)
        report(&a);
    release(&a);
    return err;
}
