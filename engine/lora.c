/* engine/lora.c - reading adapters; see lora.h.  product.c applies them. */
#include "engine/lora.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "engine/gguf.h"
#include "engine/hparams.h"

enum { NAME_BYTES = 128 };

static enum sor_err check_header(const struct gguf *g,
                                 const struct model_hparams *hp,
                                 struct sor_msg *msg)
{
    static const struct { const char *key, *want; } must[] = {
        { "general.type", "adapter" }, { "adapter.type", "lora" } };
    struct gguf_str s;
    enum sor_err err;

    for (size_t i = 0; i < sizeof must / sizeof *must; i++) {
        err = gguf_str(g, must[i].key, &s, msg);
        if (err)
            return err == SOR_NOTFOUND
                 ? sor_fail(msg, SOR_FORMAT, "%s: no adapter: it has no %s",
                            gguf_path(g), must[i].key) : err;
        if (!gguf_str_is(s, must[i].want))
            return sor_fail(msg, SOR_FORMAT, "%s: no LoRA adapter: %s is "
                            "\"%.*s\"", gguf_path(g), must[i].key,
                            (int)(s.n < 40 ? s.n : 40), s.p);
    }
    err = gguf_str(g, "general.architecture", &s, msg);
    if (!err && !gguf_str_is(s, hparams_family_name(hp)))
        err = sor_fail(msg, SOR_FORMAT, "%s: an adapter for \"%.*s\", and the "
                       "model is \"%s\"", gguf_path(g),
                       (int)(s.n < 40 ? s.n : 40), s.p,
                       hparams_family_name(hp));
    return err;
}

/* The adapter's tensor for a matrix: <base name>.lora_a or .lora_b. */
static const struct gguf_tensor *part(const struct gguf *g,
                                      const struct gguf_tensor *base, char ab)
{
    char name[NAME_BYTES];

    snprintf(name, sizeof name, "%.*s.lora_%c", (int)base->name.n,
             base->name.p, ab);
    return gguf_tensor(g, name);
}

static enum sor_err check_pair(const struct gguf *g,
                               const struct gguf_tensor *base,
                               const struct gguf_tensor *a,
                               const struct gguf_tensor *b,
                               struct sor_msg *msg)
{
    if (!a || !b)
        return sor_fail(msg, SOR_FORMAT, "%s: %.*s has a lora_%c without its "
                        "lora_%c", gguf_path(g), (int)base->name.n,
                        base->name.p, a ? 'a' : 'b', a ? 'b' : 'a');
    if (!gguf_type_info(a->type)->known || !gguf_type_info(b->type)->known)
        return sor_fail(msg, SOR_UNSUP, "%s: the adapter of %.*s is %s and "
                        "%s, which is not supported", gguf_path(g),
                        (int)base->name.n, base->name.p,
                        gguf_type_info(a->type)->name,
                        gguf_type_info(b->type)->name);
    if (a->n_dims != 2 || b->n_dims != 2 || a->dim[0] != base->dim[0] ||
        b->dim[1] != base->dim[1] || a->dim[1] != b->dim[0])
        return sor_fail(msg, SOR_FORMAT, "%s: the adapter of %.*s is %" PRIu64
                        " x %" PRIu64 " and %" PRIu64 " x %" PRIu64 ", which "
                        "does not fit %" PRIu64 " x %" PRIu64, gguf_path(g),
                        (int)base->name.n, base->name.p, a->dim[0], a->dim[1],
                        b->dim[0], b->dim[1], base->dim[0], base->dim[1]);
    if (a->dim[1] > LORA_MAX_RANK)
        return sor_fail(msg, SOR_LIMIT, "%s: rank %" PRIu64 "; at most %d is "
                        "supported", gguf_path(g), a->dim[1], LORA_MAX_RANK);
    return SOR_OK;
}

struct reading {
    const struct gguf *g;
    struct lora *l;
    float alpha, scale;
    size_t used;                /* tensors that belong to some matrix */
};

static enum sor_err read_pair(struct reading *r, uint32_t layer, int mat,
                              struct sor_msg *msg)
{
    struct engine *e = r->l->engine;
    const struct gguf_tensor *base =
        hparams_tensor(engine_gguf(e), engine_hparams(e),
                       weights_role((enum weights_mat)mat), layer);
    const struct gguf_tensor *a = part(r->g, base, 'a');
    const struct gguf_tensor *b = part(r->g, base, 'b');
    struct lora_pair *pair = &r->l->layer[layer].mat[mat];
    enum sor_err err;

    if (!a && !b)
        return SOR_OK;
    err = check_pair(r->g, base, a, b, msg);
    if (!err)
        err = weights_pack(a, engine_pool(e), &pair->a, msg);
    if (!err)
        err = weights_pack(b, engine_pool(e), &pair->b, msg);
    if (err)
        return err;
    assert(a && b);             /* check_pair() refused one without the other */
    pair->scale = r->alpha != 0.0f ? r->scale * r->alpha / (float)a->dim[1]
                                   : r->scale;
    if (kern_quantised(pair->a.type) || kern_quantised(pair->b.type))
        r->l->quantised = 1;
    if ((int)a->dim[1] > r->l->rank)
        r->l->rank = (int)a->dim[1];
    r->used += 2;
    return SOR_OK;
}

static enum sor_err read_all(struct reading *r, struct sor_msg *msg)
{
    struct lora *l = r->l;
    enum sor_err err = check_header(r->g, engine_hparams(l->engine), msg);

    if (err)
        return err;
    r->alpha = 0.0f;
    err = gguf_f32(r->g, "adapter.lora.alpha", &r->alpha, msg);
    if (err == SOR_NOTFOUND)
        err = SOR_OK;                   /* it is 0: the scale stands alone */
    if (err)
        return err;
    if (!isfinite(r->alpha) || !isfinite(r->scale))
        return sor_fail(msg, SOR_FORMAT, "%s: alpha %g, scale %g",
                        gguf_path(r->g), (double)r->alpha, (double)r->scale);
    for (int i = 0; i < l->n_layer && !err; i++)
        for (int m = 0; m < WEIGHTS_MATS && !err; m++)
            err = read_pair(r, (uint32_t)i, m, msg);
    if (err)
        return err;
    if (r->used != gguf_n_tensors(r->g))
        return sor_fail(msg, SOR_UNSUP, "%s: %zu of its %zu tensors belong to "
                        "no matrix that an adapter can change here",
                        gguf_path(r->g), gguf_n_tensors(r->g) - r->used,
                        gguf_n_tensors(r->g));
    return SOR_OK;
}

enum sor_err lora_open(struct engine *e, const char *path, float scale,
                       struct lora **out, struct sor_msg *msg)
{
    struct gguf *g = NULL;
    struct lora *l = mem_calloc(1, sizeof *l);
    struct reading r = { .l = l, .scale = scale };
    enum sor_err err;

    if (!l)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    l->engine = e;
    l->n_layer = (int)engine_hparams(e)->n_layer;
    l->layer = mem_calloc((size_t)l->n_layer, sizeof *l->layer);
    l->path = mem_strdup(path);
    if (!l->layer || !l->path)
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    else
        err = gguf_open(path, &g, msg);
    if (!err) {
        r.g = g;
        err = read_all(&r, msg);
    }
    gguf_close(g);              /* everything was repacked */
    if (err) {
        lora_close(l);
        return err;
    }
    *out = l;
    return SOR_OK;
}

void lora_close(struct lora *l)
{
    if (!l)
        return;
    for (int i = 0; l->layer && i < l->n_layer; i++)
        for (int m = 0; m < WEIGHTS_MATS; m++) {
            mem_free(l->layer[i].mat[m].a.data);
            mem_free(l->layer[i].mat[m].b.data);
        }
    mem_free(l->layer);
    mem_free(l->path);
    mem_free(l);
}
