#include "probe/fork.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "probe/prompt.h"
#include "probe/with_route.h"
#include "trace/rec.h"

enum { TAG = 2 };

struct fork {
    struct db *d;
    struct prefix *p;
    struct engine *e;
    const struct fork_opts *o;
    struct rec *rec;
    struct prefix_mask mask;    /* the parent's and its own */
    struct sampler sampler;
    struct gen_path path;
    uint64_t start_ns, prefilled_ns;
};

/* --- what is recorded ----------------------------------------------------- */

static const char *piece(void *ud, int32_t id, size_t *n)
{
    return tok_piece(ud, id, n);
}

static int is_silent(void *ud, int32_t id)
{
    return prompt_is_silent(ud, id);
}

/* The old run's params and where this one comes from. */
static enum sor_err make_params(const struct fork *f, const char *old,
                                struct str *out, struct sor_msg *msg)
{
    cJSON *root, *from;
    char *text = NULL;
    enum sor_err err = json_parse(old, strlen(old), "the run's params", &root,
                                  msg);

    if (err)
        return err;
    cJSON_DeleteItemFromObjectCaseSensitive(root, "fork");
    /* what a fork writes goes through all layers */
    cJSON_DeleteItemFromObjectCaseSensitive(root, "exit");
    from = cJSON_AddObjectToObject(root, "fork");
    if (from && cJSON_AddStringToObject(from, "run", f->p->uid) &&
        cJSON_AddNumberToObject(from, "path", f->p->path) &&
        cJSON_AddNumberToObject(from, "pos", f->o->pos) &&
        cJSON_AddNumberToObject(from, "given", f->o->n_put))
        text = cJSON_PrintUnformatted(root);
    if (text)
        str_puts(out, text);
    if (!text || !str_ok(out))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    cJSON_free(text);
    cJSON_Delete(root);
    return err;
}

static enum sor_err begin_run(struct fork *f, const struct db_run *old,
                              const char *params, char uid[33],
                              struct sor_msg *msg)
{
    const struct engine_info *info = engine_info(f->e);
    const struct sampler_params *s = &f->o->sampler;
    struct db_model model;
    struct db_work_unit unit;
    struct rec_run r = {
        .row = {
            .kind = "fork", .chat = old->chat, .route = old->route,
            .kv_type = info->kv_type, .isa = info->isa, .params = params,
            .n_prompt = f->o->pos, .n_path = 1, .max_tok = f->path.max_tok,
            .top_k = (int)s->top_k, .n_thread = info->n_thread,
            .n_ctx = info->n_ctx, .seed = (int64_t)s->seed,
            .temperature = (double)s->temperature,
            .top_p = (double)s->top_p, .min_p = (double)s->min_p },
        .prompt = old->prompt ? old->prompt : "", .system = old->system,
        .model = &model, .unit = &unit };

    with_route_unit(f->e, &unit);
    if (db_get_model(f->d, old->model_id, &model) <= 0)
        return sor_fail(msg, SOR_FORMAT, "the run's model cannot be read");
    return rec_run_begin(f->rec, &r, uid, msg);
}

static enum sor_err open_recorder(struct fork *f, const struct db_run *old,
                                  struct sor_msg *msg)
{
    const struct model_hparams *hp = engine_hparams(f->e);
    struct rec_opts o = {
        .n_layer = (int)hp->n_layer, .n_head = (int)hp->n_head,
        .n_head_kv = (int)hp->n_head_kv, .piece = piece,
        .is_special = is_silent,
        /* const is lost, but only piece() and is_silent() see it again */
        .piece_ud = (void *)engine_tok(f->e) };
    enum sor_err err = rec_level_parse(old->level, &o.level, msg);

    return err ? err : rec_open(f->o->db_path, &o, &f->rec, msg);
}

static enum sor_err begin_path(struct fork *f, struct sor_msg *msg)
{
    struct rec_path path = {
        .tag = TAG, .ordinal = 0, .kind = "fork",
        .parent_id = f->p->path_id, .fork_pos = f->o->pos,
        .seed = (int64_t)f->sampler.key, .text_from = f->o->pos,
        .max_tok = f->o->n_put + f->path.max_tok };
    struct str params;
    enum sor_err err;

    str_init(&params);
    prefix_mask_print(&f->mask, &params);
    path.params = params.p;
    err = str_ok(&params) ? rec_path_begin(f->rec, &path, msg)
                          : sor_fail(msg, SOR_NOMEM, "out of memory");
    str_release(&params);
    return err;
}

static enum sor_err begin(struct fork *f, char uid[33], struct sor_msg *msg)
{
    struct db_run old;
    struct str params;
    enum sor_err err;

    str_init(&params);
    if (db_get_run(f->d, f->p->run_id, &old) <= 0)
        err = sor_fail(msg, SOR_FORMAT, "the run cannot be read");
    else
        err = make_params(f, old.params, &params, msg);
    if (!err)
        err = open_recorder(f, &old, msg);
    if (!err)
        err = begin_run(f, &old, params.p, uid, msg);
    if (!err)
        err = begin_path(f, msg);
    db_rest(f->d);
    str_release(&params);
    return err;
}

/* --- the run -------------------------------------------------------------- */

/* The parent's mask, then what this fork adds from pos on. */
static enum sor_err join_masks(struct fork *f, struct sor_msg *msg)
{
    const struct prefix_mask *old = &f->p->mask, *own = &f->o->mask;
    size_t n = (size_t)(old->n + own->n);

    if (n == 0)
        return SOR_OK;
    if (!(f->mask.iv = mem_calloc(n, sizeof *f->mask.iv)))
        return sor_fail(msg, SOR_NOMEM, "out of memory for %zu "
                        "interventions", n);
    if (old->n)
        memcpy(f->mask.iv, old->iv, (size_t)old->n * sizeof *old->iv);
    for (int i = 0; i < own->n; i++) {
        f->mask.iv[old->n + i] = own->iv[i];
        f->mask.iv[old->n + i].from = f->o->pos;
        f->mask.iv[old->n + i].to = INT32_MAX;
    }
    f->mask.n = (int)n;
    return SOR_OK;
}

static enum sor_err feed_given(struct fork *f, struct sor_msg *msg)
{
    struct engine_feed feed = {
        .session = f->path.session, .tok = f->o->put, .n_tok = f->o->n_put,
        .n_logits = 1, .logits = f->path.logits };

    return f->o->n_put ? engine_step(f->e, &feed, 1, msg) : SOR_OK;
}

static const char *stop_word(enum gen_stop stop)
{
    static const char *const word[] = { "cancelled", "eog", "length",
                                        "context", "cancelled" };

    return word[stop];
}

static enum sor_err go(struct fork *f, struct sor_msg *msg)
{
    enum sor_err err = engine_observe(f->e, rec_observer(f->rec), msg), ended;
    int whole;

    if (!err)
        err = feed_given(f, msg);
    f->prefilled_ns = clock_mono_ns();
    if (!err)
        err = gen_run(f->e, &f->path, 1, &f->o->gen, msg);
    engine_observe(f->e, NULL, NULL);
    whole = !err && f->path.stop != GEN_CANCELLED;
    rec_path_end(f->rec, TAG, stop_word(f->path.stop));
    ended = rec_run_end(f->rec, whole ? "complete" : "interrupted",
                        (int64_t)(clock_mono_ns() - f->start_ns),
                        (int64_t)(f->prefilled_ns - f->start_ns),
                        err ? NULL : msg);
    return err ? err : ended;
}

/* Replays the prefix; leaves a session of its own in f->path. */
static enum sor_err branch(struct fork *f, struct sor_msg *msg)
{
    int room = engine_info(f->e)->n_ctx - f->o->pos - f->o->n_put;
    enum sor_err err;

    if (room < 1)
        return sor_fail(msg, SOR_LIMIT, "the context of %d tokens has no room "
                        "for a fork at %d", engine_info(f->e)->n_ctx,
                        f->o->pos);
    f->path = (struct gen_path){
        .sampler = &f->sampler,
        .max_tok = f->o->max_tok < room ? f->o->max_tok : room };
    f->path.logits = mem_calloc(engine_hparams(f->e)->n_vocab,
                                sizeof *f->path.logits);
    f->path.out = mem_calloc((size_t)f->path.max_tok, sizeof *f->path.out);
    if (!f->path.logits || !f->path.out)
        return sor_fail(msg, SOR_NOMEM, "out of memory for the fork");
    if ((err = sampler_init(&f->sampler, &f->o->sampler, 0, msg)) ||
        (err = prefix_feed(f->p, f->e, f->o->pos, NULL, f->path.logits,
                           msg)) ||
        (err = join_masks(f, msg)) ||
        (err = session_fork(f->p->s, TAG, f->o->pos, &f->path.session, msg)))
        return err;
    /* from here on the policy decides */
    session_force(f->path.session, f->p->mode, f->o->pos);
    return f->mask.n ? session_intervene(f->path.session, f->mask.iv,
                                         f->mask.n, msg) : SOR_OK;
}

enum sor_err fork_run(struct db *d, struct prefix *p, struct engine *e,
                      const struct fork_opts *o, char uid[33],
                      struct sor_msg *msg)
{
    struct fork f = { .d = d, .p = p, .e = e, .o = o,
                      .start_ns = clock_mono_ns() };
    enum sor_err err;

    if (o->pos < 1 || o->pos >= p->n_id)
        return sor_fail(msg, SOR_USAGE, "a fork of %.8s:%d begins at one of "
                        "the positions 1 to %d", p->uid, p->path,
                        p->n_id - 1);
    if (!(err = branch(&f, msg)) && !(err = begin(&f, uid, msg)))
        err = go(&f, msg);
    rec_close(f.rec);
    session_close(f.path.session);
    prefix_mask_release(&f.mask);
    mem_free(f.path.logits);
    mem_free(f.path.out);
    return err;
}
