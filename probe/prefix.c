#include "probe/prefix.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/pack.h"
#include "engine/engine.h"
#include "probe/with_route.h"

enum { TAG = 1 };

/* --- what a fork altered -------------------------------------------------- */

static int number_at(const cJSON *array, int i)
{
    const cJSON *n = cJSON_GetArrayItem(array, i);

    return cJSON_IsNumber(n) ? n->valueint : -1;
}

enum sor_err prefix_mask_parse(const char *params, struct prefix_mask *out,
                               struct sor_msg *msg)
{
    cJSON *root;
    enum sor_err err = json_parse(params, strlen(params), "the path's params",
                                  &root, msg);
    const cJSON *heads, *layers;
    int n_head, n_layer;

    *out = (struct prefix_mask){ NULL, 0 };
    if (err)
        return err;
    heads = cJSON_GetObjectItemCaseSensitive(root, "heads");
    layers = cJSON_GetObjectItemCaseSensitive(root, "layers");
    n_head = cJSON_GetArraySize(heads);
    n_layer = cJSON_GetArraySize(layers);
    out->iv = mem_calloc((size_t)(n_head + n_layer), sizeof *out->iv);
    if (!out->iv)
        err = sor_fail(msg, SOR_NOMEM, "out of memory for %d interventions",
                       n_head + n_layer);
    for (int i = 0; i < n_head && !err; i++) {
        const cJSON *of = cJSON_GetArrayItem(heads, i);

        out->iv[out->n++] = (struct intervene){
            .kind = INTERVENE_HEAD, .layer = number_at(of, 0),
            .head = number_at(of, 1), .from = number_at(of, 2),
            .to = INT32_MAX };
    }
    for (int i = 0; i < n_layer && !err; i++) {
        const cJSON *of = cJSON_GetArrayItem(layers, i);

        out->iv[out->n++] = (struct intervene){
            .kind = INTERVENE_LAYER, .layer = number_at(of, 0),
            .from = number_at(of, 1), .to = INT32_MAX };
    }
    cJSON_Delete(root);
    return err;
}

/* Appends the entries of one kind. */
static void print_kind(const struct prefix_mask *m, enum intervene_kind kind,
                      struct str *out)
{
    int n = 0;

    for (int i = 0; i < m->n; i++) {
        const struct intervene *iv = &m->iv[i];

        if (iv->kind != kind)
            continue;
        str_printf(out, "%s[%d,", n++ ? "," : "", iv->layer);
        if (kind == INTERVENE_HEAD)
            str_printf(out, "%d,", iv->head);
        str_printf(out, "%d]", iv->from);
    }
}

void prefix_mask_print(const struct prefix_mask *m, struct str *out)
{
    if (m->n == 0) {
        str_puts(out, "{}");
        return;
    }
    str_puts(out, "{\"heads\":[");
    print_kind(m, INTERVENE_HEAD, out);
    str_puts(out, "],\"layers\":[");
    print_kind(m, INTERVENE_LAYER, out);
    str_puts(out, "]}");
}

void prefix_mask_release(struct prefix_mask *m)
{
    mem_free(m->iv);
    *m = (struct prefix_mask){ NULL, 0 };
}

/* --- from the database ---------------------------------------------------- */

static enum sor_err describe(struct db *d, struct prefix *p,
                             struct sor_msg *msg)
{
    struct db_run run;
    struct db_path path;

    if (db_get_run(d, p->run_id, &run) <= 0 ||
        db_get_path(d, p->path_id, &path) <= 0)
        return sor_fail(msg, SOR_FORMAT, "the run cannot be read");
    if (!run.model_id)
        return sor_fail(msg, SOR_UNSUP, "run %.8s was imported without its "
                        "tokens, and no model here computed it", run.uid);
    text_safe_fit(p->uid, sizeof p->uid, run.uid, strlen(run.uid), 0);
    snprintf(p->isa, sizeof p->isa, "%s", run.isa);
    p->model_id = run.model_id;
    p->path = path.ordinal;
    p->n_prompt = run.n_prompt;
    if (!(p->params = mem_strdup(path.params)))
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    return prefix_mask_parse(p->params, &p->mask, msg);
}

enum sor_err prefix_load(struct db *d, int64_t run_id, int64_t path_id,
                         struct prefix *out, struct sor_msg *msg)
{
    struct prefix p = { .run_id = run_id, .path_id = path_id };
    enum sor_err err;

    record_init(&p.rec);
    if (!(err = describe(d, &p, msg)))
        err = record_load(d, path_id, 0, &p.rec, msg);
    if (!err && p.rec.n == 0)
        err = sor_fail(msg, SOR_NOTFOUND, "run %.8s, path %d: no tokens are "
                       "recorded (level steps, or forgotten)", p.uid, p.path);
    if (!err && (!(p.id = mem_alloc((size_t)p.rec.n * sizeof *p.id)) ||
                 !(p.depth = mem_alloc((size_t)p.rec.n * sizeof *p.depth))))
        err = sor_fail(msg, SOR_NOMEM, "out of memory for %d tokens",
                       p.rec.n);
    if (!err && !(p.mode = mem_alloc((size_t)p.rec.n)))
        err = sor_fail(msg, SOR_NOMEM, "out of memory for %d tokens",
                       p.rec.n);
    if (!err)
        with_route_modes(&p.rec, p.mode);
    for (int i = 0; i < p.rec.n && !err; i++) {
        p.id[i] = p.rec.row[i].id;
        p.depth[i] = (uint16_t)p.rec.row[i].depth;
    }
    p.n_id = p.rec.n;
    if (err)
        prefix_release(&p);
    else
        *out = p;
    return err;
}

void prefix_release(struct prefix *p)
{
    session_close(p->s);
    prefix_mask_release(&p->mask);
    record_release(&p->rec);
    mem_free(p->id);
    mem_free(p->depth);
    mem_free(p->mode);
    mem_free(p->params);
    *p = (struct prefix){ .run_id = 0 };
}

void prefix_digest(const struct prefix *p, int pos, uint8_t out[32])
{
    struct str s;

    str_init(&s);
    for (int i = 0; i <= pos && i < p->n_id; i++)
        for (int k = 0; k < 32; k += 8)
            str_putc(&s, (char)((uint32_t)p->id[i] >> k & 0xffu));
    sha256_bytes(s.p, s.len, out);
    str_release(&s);
}

/* --- the replay ----------------------------------------------------------- */

struct watch {
    struct prefix *p;
    const struct hook_observer *also;
};

static void compare(struct prefix *p, const struct hook_event *ev, int same)
{
    char layer[32] = "";

    p->n_compared += same;
    if (same || p->differs.text[0])
        return;
    if (ev->kind == HOOK_LAYER)
        snprintf(layer, sizeof layer, ", layer %d", ev->layer);
    sor_fail(&p->differs, SOR_DIFFERS, "%.8s:%d@%d%s does not compute as it "
             "was recorded; replay %.8s --verify says more", p->uid, p->path,
             ev->pos, layer, p->uid);
}

static void on_event(void *ud, const struct hook_event *ev)
{
    struct watch *w = ud;
    struct prefix *p = w->p;
    const struct record_row *row = record_at(&p->rec, ev->pos);
    struct pack_layer was;

    if (hook_wants(w->also, ev->kind))
        w->also->on_event(w->also->ud, ev);
    if (!row || !p->exact)
        return;
    if (ev->kind == HOOK_LAYER && row->layers_n &&
        unpack_layer(record_layers(&p->rec, row), row->layers_n, ev->layer,
                     &was) == 0)
        compare(p, ev, was.digest == ((ev->u.layer.digest ^
                                       ev->u.layer.digest >> 16) & 0xffffu));
    else if (ev->kind == HOOK_ROW && row->has_digest && ev->u.row.has_logits)
        compare(p, ev, row->digest == ev->u.row.digest);
}

enum sor_err prefix_feed(struct prefix *p, struct engine *e, int to,
                         const struct hook_observer *also, float *logits,
                         struct sor_msg *msg)
{
    struct watch w = { p, also };
    struct hook_observer watch = {
        .mask = 1u << HOOK_LAYER | 1u << HOOK_ROW | (also ? also->mask : 0),
        .ud = &w, .on_event = on_event };
    enum sor_err err = SOR_OK;

    if (!p->s) {
        err = session_open(e, TAG, to, &p->s, msg);
        if (!err && p->mask.n)
            err = session_intervene(p->s, p->mask.iv, p->mask.n, msg);
        if (!err)
            session_force(p->s, p->mode, p->n_id);
    }
    if (err)
        return err;
    int at = session_len(p->s);
    if (to > p->n_id)
        return sor_fail(msg, SOR_NOTFOUND, "%.8s:%d has positions 0 to %d",
                        p->uid, p->path, p->n_id - 1);
    if (at >= to)
        return SOR_OK;
    p->exact = strcmp(engine_info(e)->isa, p->isa) == 0;
    if ((err = engine_observe(e, &watch, msg)))
        return err;
    struct engine_feed f = { .session = p->s, .tok = p->id + at,
                             .n_tok = to - at, .n_logits = logits != NULL,
                             .logits = logits, .depth = p->depth + at };
    err = engine_step(e, &f, 1, msg);
    engine_observe(e, NULL, NULL);
    if (!err && p->differs.text[0])
        err = sor_fail(msg, SOR_DIFFERS, "%s", p->differs.text);
    return err;
}
