/* engine/engine.c - loading a model, timelines, and cutting work into passes;
 * see engine.h. */
#include "engine/engine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/blas.h"
#include "engine/forward.h"
#include "engine/gguf.h"
#include "engine/hparams.h"
#include "engine/intervene.h"
#include "engine/kern.h"
#include "engine/kv.h"
#include "engine/lora.h"
#include "engine/pool.h"
#include "engine/route_track.h"
#include "engine/tok.h"
#include "engine/weights.h"

enum { MAX_CTX = 1 << 22, NAME_BYTES = 128, ISA_BYTES = 96 };

struct engine {
    struct gguf *gguf;
    struct model_hparams hp;
    struct tok *tok;
    struct pool *pool;
    struct weights weights;
    struct kv *kv;
    struct lora_set lora;       /* of new timelines */
    struct lora *owned[LORA_MAX];
    int n_owned;
    struct forward *forward;
    const struct kern_table *kern;
    enum kern_kvtype kv_type;
    int narrow;                 /* as in struct engine_opts */
    struct engine_info info;
    char name[NAME_BYTES];
    char isa[ISA_BYTES];
    int n_blas;                 /* positions that it multiplies */
    const struct route *route;  /* of new timelines; NULL: they read all */
    struct route *own_route;    /* NULL: none was given */
    uint8_t *classes;           /* of the vocabulary, where routing asked */
    struct forward_row row[FORWARD_ROWS];
    struct session *owner[FORWARD_ROWS];    /* of each row */
};

struct session {
    struct engine *e;
    uint64_t tag;
    struct lora_set lora;
    const struct intervene *iv; /* [n_iv], borrowed */
    int n_iv;
    struct route_track *track;  /* NULL: not routed */
    int len;                    /* tokens whose K/V are in */
    int n_block;                /* entries of block[] in use */
    int32_t block[];            /* [n_ctx / 16 rounded up] */
};

/* --- opening --------------------------------------------------------------*/

static enum sor_err pick_kernels(struct engine *e, int isa_cap,
                                 struct sor_msg *msg)
{
    const char *env = getenv("SORITES_ISA");
    int cap = KERN_ISAS - 1;

    if (isa_cap > 0) {
        cap = isa_cap - 1;
    } else if (env && *env) {
        cap = kern_isa_parse(env);
        if (cap < 0)
            return sor_fail(msg, SOR_USAGE, "SORITES_ISA=%s: no such kernels; "
                            "ref, avx2 and avx512 are", env);
    }
    e->kern = kern_pick((enum kern_isa)cap);
    return SOR_OK;
}

static int default_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > POOL_MAX_THREADS ? POOL_MAX_THREADS : (int)n;
}

static struct kv_shape kv_shape_of(const struct engine *e)
{
    return (struct kv_shape){ .n_layer = (int)e->hp.n_layer,
                              .n_group = (int)e->hp.n_head_kv,
                              .head_dim = (int)e->hp.head_dim,
                              .type = e->kv_type };
}

int64_t engine_kv_bytes(const struct engine *e, int64_t n_tok)
{
    struct kv_shape shape = kv_shape_of(e);

    return (n_tok + KERN_KVBLOCK - 1) / KERN_KVBLOCK * kv_block_bytes(&shape);
}

/* A context whose KV cannot fit the machine is refused before any of it is
 * asked for. */
static enum sor_err check_ctx(struct engine *e, int n_ctx, struct sor_msg *msg)
{
    int64_t page = sysconf(_SC_PAGESIZE), pages = sysconf(_SC_PHYS_PAGES);
    int64_t need;

    assert(e->kv_type < KERN_KVTYPES);
    if (n_ctx < 0 || n_ctx > MAX_CTX)
        return sor_fail(msg, SOR_LIMIT, "a context of %d tokens was asked "
                        "for; 1 to %d are possible", n_ctx, MAX_CTX);
    e->info.n_ctx = n_ctx ? n_ctx : (int)e->hp.n_ctx_train;
    if (e->info.n_ctx > MAX_CTX)
        e->info.n_ctx = MAX_CTX;
    need = engine_kv_bytes(e, e->info.n_ctx);
    if (n_ctx && pages > 0 && need / page > pages)
        return sor_fail(msg, SOR_LIMIT, "a context of %d tokens needs %lld "
                        "bytes of KV cache; this machine has %lld", n_ctx,
                        (long long)need, (long long)(pages * page));
    return SOR_OK;
}

static enum sor_err scale_rope(struct engine *e, double by, struct sor_msg *msg)
{
    if (by == 0.0)
        return SOR_OK;
    if (!(by >= 1.0 && by <= 1024.0))
        return sor_fail(msg, SOR_USAGE, "positions divided by %g; 1 to 1024 "
                        "are possible", by);
    e->hp.rope_scale *= (float)by;
    return SOR_OK;
}

static const char narrow_mark[] = "+acts8";

/* Everything that the bits depend on and no other field tells. */
static void name_isa(struct engine *e)
{
    snprintf(e->isa, sizeof e->isa, "%s%s%s%s", e->kern->name,
             e->narrow ? narrow_mark : "", e->n_blas > 0 ? "+" : "",
             e->n_blas > 0 ? blas_name() : "");
    e->info.isa = e->isa;
}

int engine_isa_narrow(const char *isa)
{
    return strstr(isa, narrow_mark) != NULL;
}

static void describe(struct engine *e)
{
    int count[GGUF_TYPES] = { 0 }, most = 0;
    struct gguf_str name;
    struct engine_info *info = &e->info;

    for (size_t i = 0; i < gguf_n_tensors(e->gguf); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(e->gguf, i);

        if (t->n_dims > 1 && ++count[t->type] > count[most])
            most = (int)t->type;
    }
    info->path = gguf_path(e->gguf);
    info->arch = hparams_family_name(&e->hp);
    info->quant = gguf_type_info((uint32_t)most)->name;
    name_isa(e);
    info->kv_type = kern_kv_name(e->kv_type);
    info->n_thread = pool_threads(e->pool);
    info->file_bytes = (int64_t)gguf_size(e->gguf);
    info->weight_bytes = e->weights.bytes;
    if (gguf_str(e->gguf, "general.name", &name, NULL) == SOR_OK && name.n) {
        size_t n = name.n < NAME_BYTES - 1 ? name.n : NAME_BYTES - 1;

        memcpy(e->name, name.p, n);
    } else {
        const char *slash = strrchr(info->path, '/');

        strncpy(e->name, slash ? slash + 1 : info->path, NAME_BYTES - 1);
    }
    info->name = e->name;
}

static enum sor_err open_parts(struct engine *e, const char *path,
                               const struct engine_opts *o,
                               struct sor_msg *msg)
{
    struct kv_shape shape;
    enum sor_err err;

    e->kv_type = (enum kern_kvtype)o->kv_type;
    e->narrow = o->narrow;
    if ((err = gguf_open(path, &e->gguf, msg)) ||
        (err = hparams_read(e->gguf, &e->hp, msg)) ||
        (err = scale_rope(e, o->rope_scale, msg)) ||
        (err = check_ctx(e, o->n_ctx, msg)) ||
        (err = pick_kernels(e, o->isa_cap, msg)) ||
        (err = tok_open(e->gguf, &e->tok, msg)) ||
        (err = pool_open(o->n_thread ? o->n_thread : default_threads(),
                         &e->pool, msg)) ||
        (err = weights_init(&e->weights, e->gguf, &e->hp, e->pool, msg)))
        return err;
    shape = kv_shape_of(e);
    if ((err = kv_open(&shape, &e->kv, msg)))
        return err;
    describe(e);

    struct forward_parts parts = {
        .hp = &e->hp, .w = &e->weights, .kern = e->kern, .pool = e->pool,
        .kv = e->kv, .kv_type = e->kv_type, .narrow = e->narrow,
        .n_ctx = e->info.n_ctx,
    };

    return forward_open(&parts, &e->forward, msg);
}

enum sor_err engine_open(const char *path, const struct engine_opts *opts,
                         struct engine **out, struct sor_msg *msg)
{
    struct engine_opts none = { 0 };
    struct engine *e = mem_calloc(1, sizeof *e);
    enum sor_err err;

    if (!e)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    err = open_parts(e, path, opts ? opts : &none, msg);
    if (err) {
        engine_close(e);
        return err;
    }
    *out = e;
    return SOR_OK;
}

void engine_close(struct engine *e)
{
    if (!e)
        return;
    for (int i = 0; i < e->n_owned; i++)
        lora_close(e->owned[i]);
    route_close(e->own_route);
    mem_free(e->classes);
    forward_close(e->forward);
    kv_close(e->kv);
    weights_release(&e->weights);
    pool_close(e->pool);
    tok_close(e->tok);
    gguf_close(e->gguf);
    mem_free(e);
}

const struct engine_info *engine_info(const struct engine *e)
{
    return &e->info;
}

const struct model_hparams *engine_hparams(const struct engine *e)
{
    return &e->hp;
}

const struct tok *engine_tok(const struct engine *e)
{
    return e->tok;
}

const struct gguf *engine_gguf(const struct engine *e)
{
    return e->gguf;
}

struct pool *engine_pool(const struct engine *e)
{
    return e->pool;
}

enum sor_err engine_blas(struct engine *e, int n_pos, struct sor_msg *msg)
{
    enum sor_err err;

    if (n_pos > 0 && e->n_owned > 0)
        return sor_fail(msg, SOR_UNSUP, "--blas does not work with adapters");
    if (n_pos > 0 && (err = forward_blas(e->forward, msg)))
        return err;
    e->n_blas = n_pos;
    name_isa(e);
    return SOR_OK;
}

enum sor_err engine_observe(struct engine *e, const struct hook_observer *o,
                            struct sor_msg *msg)
{
    return forward_observe(e->forward, o, msg);
}

enum sor_err engine_route(struct engine *e, const struct route *r,
                          struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    if (r && r->choice != ROUTE_OFF)
        err = forward_route(e->forward, msg);
    if (!err && r && r->choice != ROUTE_OFF && !e->classes)
        err = complexity_classes(e->tok, &e->classes, msg);
    if (!err)
        e->route = r && r->choice != ROUTE_OFF ? r : NULL;
    return err;
}

enum sor_err engine_give_route(struct engine *e, struct route *r,
                               struct sor_msg *msg)
{
    if (e->own_route) {
        route_close(r);
        return sor_fail(msg, SOR_USAGE, "the engine has its routing already");
    }
    e->own_route = r;
    return engine_route(e, r, msg);
}

void engine_emit(struct engine *e, struct hook_event *ev)
{
    forward_emit(e->forward, ev);
}

/* --- timelines ------------------------------------------------------------*/

enum sor_err session_open(struct engine *e, uint64_t tag, int n_reserve,
                          struct session **out, struct sor_msg *msg)
{
    size_t blocks = (size_t)forward_blocks(e->info.n_ctx);
    struct session *s = mem_alloc(sizeof *s + blocks * sizeof *s->block);

    if (!s)
        return sor_fail(msg, SOR_NOMEM, "session: out of memory");
    s->e = e;
    s->tag = tag;
    s->lora = e->lora;
    s->iv = NULL;
    s->n_iv = 0;
    s->track = NULL;
    s->len = s->n_block = 0;
    if (e->route) {
        enum sor_err err = route_track_open(e->route, e->classes,
                                            e->info.n_ctx, &s->track, msg);

        if (err) {
            session_close(s);
            return err;
        }
    }
    for (int i = 0; i < n_reserve && i < e->info.n_ctx; i += KERN_KVBLOCK) {
        enum sor_err err = kv_take(e->kv, &s->block[s->n_block], msg);

        if (err) {
            session_close(s);
            return err;
        }
        s->n_block++;
    }
    *out = s;
    return SOR_OK;
}

/* Gives back the blocks from index n on. */
static void trim(struct session *s, int n)
{
    while (s->n_block > n)
        kv_unref(s->e->kv, s->block[--s->n_block]);
}

/* A fork is routed where its parent is. */
static enum sor_err fork_track(struct session *child, const struct session *s,
                               int pos, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    if (!s->track) {
        route_track_close(child->track);
        child->track = NULL;
        return SOR_OK;
    }
    if (!child->track)
        err = route_track_open(route_track_policy(s->track), s->e->classes,
                               s->e->info.n_ctx, &child->track, msg);
    if (!err)
        route_track_fork(child->track, s->track, pos);
    return err;
}

enum sor_err session_fork(struct session *s, uint64_t tag, int pos,
                          struct session **out, struct sor_msg *msg)
{
    struct session *child;
    enum sor_err err;

    if (pos < 0 || pos > s->len)
        return sor_fail(msg, SOR_USAGE, "cannot fork at %d: the timeline has "
                        "%d tokens", pos, s->len);
    err = session_open(s->e, tag, 0, &child, msg);
    if (err)
        return err;
    for (int i = 0; i < forward_blocks(pos); i++) {
        child->block[child->n_block++] = s->block[i];
        kv_ref(s->e->kv, s->block[i]);
    }
    child->len = pos;
    child->lora = s->lora;
    child->iv = s->iv;
    child->n_iv = s->n_iv;
    err = fork_track(child, s, pos, msg);
    if (err) {
        session_close(child);
        return err;
    }
    *out = child;
    return SOR_OK;
}

static enum sor_err take_set(struct engine *e, const struct lora *const *set,
                             int n, struct lora_set *out, struct sor_msg *msg)
{
    struct lora_set all = { .n = n };

    if (n < 0 || n > LORA_MAX)
        return sor_fail(msg, SOR_LIMIT, "%d adapters asked for; at most %d "
                        "work together", n, LORA_MAX);
    if (n > 0 && e->n_blas > 0)
        return sor_fail(msg, SOR_UNSUP, "adapters do not work with --blas");
    for (int i = 0; i < n; i++) {
        if (set[i]->engine != e)
            return sor_fail(msg, SOR_USAGE, "%s was opened for another model",
                            set[i]->path);
        all.set[i] = set[i];
    }
    *out = all;
    return forward_adapt(e->forward, out, msg);
}

enum sor_err engine_adapt(struct engine *e, struct lora *const *set, int n,
                          struct sor_msg *msg)
{
    enum sor_err err;

    if (e->n_owned > 0)
        return sor_fail(msg, SOR_USAGE, "the engine has its adapters already");
    err = take_set(e, (const struct lora *const *)set, n, &e->lora, msg);
    if (err) {
        e->lora = (struct lora_set){ 0 };
        return err;
    }
    for (; e->n_owned < n; e->n_owned++)
        e->owned[e->n_owned] = set[e->n_owned];
    return SOR_OK;
}

enum sor_err session_adapt(struct session *s, const struct lora *const *set,
                           int n, struct sor_msg *msg)
{
    if (s->len > 0)
        return sor_fail(msg, SOR_USAGE, "adapters change what a timeline has "
                        "computed: choose them while it is empty (it has %d "
                        "tokens)", s->len);
    return take_set(s->e, set, n, &s->lora, msg);
}

enum sor_err session_intervene(struct session *s, const struct intervene *iv,
                               int n, struct sor_msg *msg)
{
    enum sor_err err = forward_intervene(s->e->forward, iv, n, msg);

    if (err)
        return err;
    s->iv = n ? iv : NULL;
    s->n_iv = n;
    return SOR_OK;
}

enum sor_err engine_unembed(struct engine *e, const float *resid, int n,
                            float *logits, struct sor_msg *msg)
{
    if (n < 0 || n > FORWARD_LOGITS)
        return sor_fail(msg, SOR_LIMIT, "%d residuals; at most %d at once", n,
                        FORWARD_LOGITS);
    forward_unembed(e->forward, resid, n, logits);
    return SOR_OK;
}

enum sor_err engine_head_adds(struct engine *e, int layer, int head,
                              const float *head_out, float *out,
                              struct sor_msg *msg)
{
    size_t hd = e->hp.head_dim, n = e->hp.n_head * hd;
    float *mid;

    if (layer < 0 || (uint32_t)layer >= e->hp.n_layer || head < 0 ||
        (uint32_t)head >= e->hp.n_head)
        return sor_fail(msg, SOR_USAGE, "layer %d, head %d: the model has %u "
                        "layers of %u heads", layer, head, e->hp.n_layer,
                        e->hp.n_head);
    mid = mem_calloc(n, sizeof *mid);
    if (!mid)
        return sor_fail(msg, SOR_NOMEM, "head: out of memory");
    memcpy(mid + (size_t)head * hd, head_out, hd * sizeof *mid);
    forward_project(e->forward, layer, mid, out);
    mem_free(mid);
    return SOR_OK;
}

void session_rewind(struct session *s, int pos)
{
    if (pos >= s->len)
        return;
    s->len = pos < 0 ? 0 : pos;
    trim(s, forward_blocks(s->len));
    if (s->track)
        route_track_rewind(s->track, s->len);
}

enum sor_err session_route(struct session *s, const struct route *r,
                           struct sor_msg *msg)
{
    if (!s->track)
        return sor_fail(msg, SOR_USAGE, "the timeline was opened without "
                        "routing");
    route_track_change(s->track, r);
    return SOR_OK;
}

void session_force(struct session *s, const uint8_t *mode, int n)
{
    if (s->track)
        route_track_force(s->track, mode, n);
}

void session_note(struct session *s, int pos, float entropy)
{
    if (s->track)
        route_track_note(s->track, pos, entropy);
}

void session_close(struct session *s)
{
    if (!s)
        return;
    trim(s, 0);
    route_track_close(s->track);
    mem_free(s);
}

int session_len(const struct session *s)
{
    return s->len;
}

uint64_t session_tag(const struct session *s)
{
    return s->tag;
}

/* Makes the blocks that positions len .. len+n-1 fall into the session's own:
 * the half-filled one is copied if a fork shares it. */
static enum sor_err reserve(struct session *s, int n, struct sor_msg *msg)
{
    struct kv *kv = s->e->kv;
    int need = forward_blocks(s->len + n), at = s->len / KERN_KVBLOCK;

    if (at < s->n_block && kv_shared(kv, s->block[at])) {
        int32_t mine;
        enum sor_err err = kv_take(kv, &mine, msg);

        if (err)
            return err;
        kv_copy(kv, mine, s->block[at]);
        kv_unref(kv, s->block[at]);
        s->block[at] = mine;
    }
    while (s->n_block < need) {
        enum sor_err err = kv_take(kv, &s->block[s->n_block], msg);

        if (err)
            return err;
        s->n_block++;
    }
    return SOR_OK;
}

/* --- steps ----------------------------------------------------------------*/

static enum sor_err check_feed(const struct engine *e,
                               const struct engine_feed *feed,
                               struct sor_msg *msg)
{
    int len = feed->session->len;

    if (feed->n_tok < 1 || feed->n_logits < 0 || feed->n_logits > feed->n_tok)
        return sor_fail(msg, SOR_USAGE, "a feed of %d tokens with %d logits",
                        feed->n_tok, feed->n_logits);
    if (feed->n_layer < 0 || feed->n_layer > (int)e->hp.n_layer)
        return sor_fail(msg, SOR_USAGE, "%d layers asked for; the model has "
                        "%u", feed->n_layer, e->hp.n_layer);
    if (feed->n_tok > e->info.n_ctx - len)
        return sor_fail(msg, SOR_LIMIT, "the text needs %lld tokens of "
                        "context; %d are available (--ctx)",
                        (long long)len + feed->n_tok, e->info.n_ctx);
    for (int i = 0; feed->depth && i < feed->n_tok; i++)
        if (feed->depth[i] >= e->hp.n_layer)
            return sor_fail(msg, SOR_USAGE, "token at place %d left after %d "
                            "layers; the model has %u", i, feed->depth[i],
                            e->hp.n_layer);
    for (int i = 0; i < feed->n_tok; i++)
        if (feed->tok[i] < 0 || (uint32_t)feed->tok[i] >= e->hp.n_vocab)
            return sor_fail(msg, SOR_USAGE, "token %d at place %d: ids run "
                            "from 0 to %u", feed->tok[i], i,
                            e->hp.n_vocab - 1);
    return SOR_OK;
}

/* Where the cutting of the feeds into passes stands. */
struct cut { int feed, tok; };

static int same_lora(const struct lora_set *a, const struct lora_set *b)
{
    return a->n == b->n &&
           memcmp(a->set, b->set, (size_t)a->n * sizeof *a->set) == 0;
}

/* Two timelines may share a pass. */
static int go_together(const struct session *a, const struct session *b)
{
    return same_lora(&a->lora, &b->lora) && a->iv == b->iv &&
           a->n_iv == b->n_iv;
}

static void take_turn(struct forward_row *row, struct route_turn turn)
{
    row->mode = turn.mode;
    row->reason = turn.reason;
    row->decision = turn.decision;
}

/* How the row runs, where its timeline is routed; 1 where the guard will look
 * at it. */
static int route_row(struct session *s, struct forward_row *row)
{
    const struct route *r;

    row->mode = HOOK_FULL;
    row->reason = HOOK_BY_POLICY;
    if (!s->track)
        return 0;
    r = row->route = route_track_policy(s->track);
    take_turn(row, route_track_next(s->track, row->id, row->pos));
    row->is_guarded = row->logits && row->n_layer == 0 &&
                      row->reason != HOOK_BY_REPLAY && route_guards(r) &&
                      forward_leaves_out(row);
    return row->is_guarded;
}

/* Fills rows from the feeds up to what one pass may hold, all of one set of
 * adapters and interventions and of one way of multiplying; returns how
 * many. */
static int fill(struct engine *e, const struct engine_feed *feed, int n_feed,
                struct cut *at)
{
    int most = forward_max_rows(e->forward), n = 0;
    int logits = forward_max_logits(e->forward);
    const struct session *first = NULL;

    while (at->feed < n_feed && n < most) {
        const struct engine_feed *f = &feed[at->feed];
        int place = at->tok - (f->n_tok - f->n_logits);
        int pos = f->session->len + at->tok, blas = pos < e->n_blas;

        int depth = f->depth ? f->depth[at->tok] : 0;
        int alone = f->exit || depth;

        if (n > 0 && (alone || !go_together(first, f->session) ||
                      blas != e->row[0].blas ||
                      f->n_layer != e->row[0].n_layer))
            break;
        first = f->session;
        if (place >= 0 && logits-- == 0)
            break;
        struct forward_row *row = &e->row[n];

        e->owner[n++] = f->session;
        *row = (struct forward_row){
            .id = f->tok[at->tok], .pos = pos, .blas = blas,
            .tag = f->session->tag, .block = f->session->block,
            .lora = &f->session->lora, .iv = f->session->iv,
            .n_iv = f->session->n_iv, .n_layer = f->n_layer,
            .is_draft = at->tok >= f->n_tok - f->n_draft,
            .exit = f->exit, .depth = depth,
            .logits = place < 0 ? NULL
                    : f->logits + (size_t)place * e->hp.n_vocab,
        };
        int waits = route_row(f->session, row) && at->tok + 1 < f->n_tok;

        if (++at->tok == f->n_tok)
            *at = (struct cut){ at->feed + 1, 0 };
        if (alone || waits)     /* what follows reads its final K and V */
            break;
    }
    return n;
}

/* One pass of the first n rows; those that the guard calls unsure once more in
 * full, over their K and V. */
static void pass(struct engine *e, int n)
{
    int again = 0;

    forward_run(e->forward, e->row, n);
    for (int i = 0; i < n; i++) {
        struct forward_row *row = &e->row[i];

        if (!row->is_guarded || !forward_unsure(e->forward, i))
            continue;
        take_turn(row, route_track_escalate(e->owner[i]->track, row->pos));
        row->is_guarded = 0;
        e->row[again++] = *row;
    }
    if (again > 0)
        forward_run(e->forward, e->row, again);
}

enum sor_err engine_step(struct engine *e, const struct engine_feed *feed,
                         int n_feed, struct sor_msg *msg)
{
    struct cut at = { 0, 0 };
    enum sor_err err = SOR_OK;

    for (int i = 0; i < n_feed && !err; i++)
        err = check_feed(e, &feed[i], msg);
    for (int i = 0; i < n_feed && !err; i++)
        err = reserve(feed[i].session, feed[i].n_tok, msg);
    if (err) {
        for (int i = 0; i < n_feed; i++)
            trim(feed[i].session, forward_blocks(feed[i].session->len));
        return err;
    }
    while (at.feed < n_feed)
        pass(e, fill(e, feed, n_feed, &at));
    for (int i = 0; i < n_feed; i++)
        feed[i].session->len += feed[i].n_tok;
    return SOR_OK;
}
