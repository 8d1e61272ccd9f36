/* engine/hparams.c - see hparams.h.
 *
 * A family is one constant descriptor: the prefix of its keys, how it rotates,
 * and the name and shape of every tensor.  Another family is another row. */
#include "engine/hparams.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = GGUF_MAX_NAME + 1, KEY_BYTES = 96 };

/* --- families ------------------------------------------------------------- */

/* A dimension, by what it counts. */
enum dim { DIM_NONE, DIM_EMBD, DIM_VOCAB, DIM_Q, DIM_KV, DIM_FF, DIM_ROPE };

struct role {
    const char *name;           /* after "blk.N." for those of a layer */
    enum dim    in, out;        /* dim[0], dim[1]; out NONE: an f32 vector */
    int         optional;
};

struct hparams_family {
    const char       *name;     /* general.architecture, prefix of the keys */
    enum hparams_rope rope;
    struct role       role[HPARAMS_TENSORS];
};

/* Source: GGUF specification, "Standardized tensor names"; the converter
 * stores llama's Q and K rows permuted for interleaved rotation. */
static const struct hparams_family families[] = {
    { "llama", HPARAMS_ROPE_NORM, {
        [HPARAMS_TOKEN_EMBD]  = { "token_embd.weight", DIM_EMBD, DIM_VOCAB, 0 },
        [HPARAMS_OUTPUT_NORM] = { "output_norm.weight", DIM_EMBD, DIM_NONE, 0 },
        [HPARAMS_OUTPUT]      = { "output.weight", DIM_EMBD, DIM_VOCAB, 1 },
        [HPARAMS_ROPE_FREQS]  = { "rope_freqs.weight", DIM_ROPE, DIM_NONE, 1 },
        [HPARAMS_ATTN_NORM]   = { "attn_norm.weight", DIM_EMBD, DIM_NONE, 0 },
        [HPARAMS_ATTN_Q]      = { "attn_q.weight", DIM_EMBD, DIM_Q, 0 },
        [HPARAMS_ATTN_K]      = { "attn_k.weight", DIM_EMBD, DIM_KV, 0 },
        [HPARAMS_ATTN_V]      = { "attn_v.weight", DIM_EMBD, DIM_KV, 0 },
        [HPARAMS_ATTN_OUT]    = { "attn_output.weight", DIM_Q, DIM_EMBD, 0 },
        [HPARAMS_FFN_NORM]    = { "ffn_norm.weight", DIM_EMBD, DIM_NONE, 0 },
        [HPARAMS_FFN_GATE]    = { "ffn_gate.weight", DIM_EMBD, DIM_FF, 0 },
        [HPARAMS_FFN_UP]      = { "ffn_up.weight", DIM_EMBD, DIM_FF, 0 },
        [HPARAMS_FFN_DOWN]    = { "ffn_down.weight", DIM_FF, DIM_EMBD, 0 },
    } },
};

enum { FAMILIES = sizeof families / sizeof families[0] };

static enum sor_err find_family(const struct gguf *g,
                                const struct hparams_family **out,
                                struct sor_msg *msg)
{
    char known[128] = "";
    size_t used = 0;
    struct gguf_str arch;
    enum sor_err err = gguf_str(g, "general.architecture", &arch, msg);

    if (err)
        return err == SOR_NOTFOUND ? SOR_FORMAT : err;
    for (int i = 0; i < FAMILIES; i++) {
        if (gguf_str_is(arch, families[i].name)) {
            *out = &families[i];
            return SOR_OK;
        }
        int n = snprintf(known + used, sizeof known - used, "%s%s",
                         i ? ", " : "", families[i].name);
        if (n > 0 && (size_t)n < sizeof known - used)
            used += (size_t)n;
    }
    return sor_fail(msg, SOR_UNSUP, "%s: model family \"%.*s\" is not "
                    "supported; known: %s", gguf_path(g),
                    (int)(arch.n < 80 ? arch.n : 80), arch.p, known);
}

const char *hparams_family_name(const struct model_hparams *hp)
{
    return hp->family->name;
}

/* --- numbers -------------------------------------------------------------- */

static void make_key(char key[KEY_BYTES], const struct model_hparams *hp,
                     const char *suffix)
{
    snprintf(key, KEY_BYTES, "%s.%s", hp->family->name, suffix);
}

/* Every integer key with its range.  `fallback` is offsetof() of the field
 * whose value an absent key takes; NEEDED: the key must be there; PER_HEAD:
 * the embedding over the heads. */
#define AT(field) offsetof(struct model_hparams, field)
enum { NEEDED = -1, PER_HEAD = -2 };
static const struct {
    const char *key;
    size_t      at;
    int         fallback;
    uint32_t    low, high;
} integers[] = {
    { "block_count",             AT(n_layer),     NEEDED,          1, 512 },
    { "context_length",          AT(n_ctx_train), NEEDED,          1, 1 << 24 },
    { "embedding_length",        AT(n_embd),      NEEDED,          1, 65536 },
    { "feed_forward_length",     AT(n_ff),        NEEDED,          1, 1 << 20 },
    { "attention.head_count",    AT(n_head),      NEEDED,          1, 1024 },
    { "attention.head_count_kv", AT(n_head_kv),   AT(n_head),      1, 1024 },
    { "attention.key_length",    AT(head_dim),    PER_HEAD,        2, 256 },
    { "rope.dimension_count",    AT(rope_dim),    AT(head_dim),    2, 256 },
};
#undef AT

static uint32_t *field(struct model_hparams *hp, size_t at)
{
    return (uint32_t *)(void *)((char *)hp + at);
}

static enum sor_err read_integers(const struct gguf *g,
                                  struct model_hparams *hp,
                                  struct sor_msg *msg)
{
    char key[KEY_BYTES];

    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        uint32_t *v = field(hp, integers[i].at);

        make_key(key, hp, integers[i].key);
        enum sor_err err = gguf_u32(g, key, v, msg);
        if (err == SOR_NOTFOUND && integers[i].fallback == PER_HEAD) {
            assert(hp->n_head > 0);     /* read and checked above it */
            *v = hp->n_embd / hp->n_head;
            err = SOR_OK;
        } else if (err == SOR_NOTFOUND && integers[i].fallback != NEEDED) {
            *v = *field(hp, (size_t)integers[i].fallback);
            err = SOR_OK;
        }
        if (err)
            return err == SOR_NOTFOUND ? SOR_FORMAT : err;
        if (*v < integers[i].low || *v > integers[i].high)
            return sor_fail(msg, SOR_FORMAT, "%s: \"%s\" is %" PRIu32
                            ", outside %" PRIu32 "..%" PRIu32, gguf_path(g),
                            key, *v, integers[i].low, integers[i].high);
    }
    return SOR_OK;
}

/* What the integers must be to each other. */
static enum sor_err check_integers(const struct gguf *g,
                                   const struct model_hparams *hp,
                                   struct sor_msg *msg)
{
    char key[KEY_BYTES];
    uint32_t v_dim = hp->head_dim;
    enum sor_err err;

    if (hp->n_head % hp->n_head_kv)
        return sor_fail(msg, SOR_FORMAT, "%s: %" PRIu32 " query heads cannot "
                        "share %" PRIu32 " key heads evenly", gguf_path(g),
                        hp->n_head, hp->n_head_kv);
    make_key(key, hp, "attention.key_length");
    if (!gguf_kv_find(g, key) && hp->n_embd % hp->n_head)
        return sor_fail(msg, SOR_FORMAT, "%s: an embedding of %" PRIu32
                        " does not divide into %" PRIu32 " heads",
                        gguf_path(g), hp->n_embd, hp->n_head);
    make_key(key, hp, "attention.value_length");
    err = gguf_u32(g, key, &v_dim, msg);
    if (err && err != SOR_NOTFOUND)
        return err;
    if (v_dim != hp->head_dim)
        return sor_fail(msg, SOR_UNSUP, "%s: heads of %" PRIu32 " for keys "
                        "and %" PRIu32 " for values; they must be equal",
                        gguf_path(g), hp->head_dim, v_dim);
    if (hp->head_dim % 2 || hp->rope_dim % 2 || hp->rope_dim > hp->head_dim)
        return sor_fail(msg, SOR_FORMAT, "%s: %" PRIu32 " rotated dimensions "
                        "of a head of %" PRIu32 "; both must be even, the "
                        "first no larger", gguf_path(g), hp->rope_dim,
                        hp->head_dim);
    return SOR_OK;
}

/* A float in low..high; `fallback` where the key is absent, unless it is NaN:
 * then the key must be there. */
static enum sor_err read_float(const struct gguf *g, const char *key,
                               const float range[3], float *out,
                               struct sor_msg *msg)
{
    float fallback = range[2];
    enum sor_err err = gguf_f32(g, key, out, msg);

    if (err == SOR_NOTFOUND) {
        if (isnan(fallback))
            return SOR_FORMAT;
        *out = fallback;
        return SOR_OK;
    }
    if (!err && !(*out >= range[0] && *out <= range[1]))
        err = sor_fail(msg, SOR_FORMAT, "%s: \"%s\" is %g, outside %g..%g",
                       gguf_path(g), key, (double)*out, (double)range[0],
                       (double)range[1]);
    return err;
}

static enum sor_err read_rope_scaling(const struct gguf *g,
                                      struct model_hparams *hp,
                                      struct sor_msg *msg)
{
    char key[KEY_BYTES];
    struct gguf_str type = { "none", 4 };
    enum sor_err err;

    hp->rope_scale = 1.0f;
    make_key(key, hp, "rope.scaling.type");
    err = gguf_str(g, key, &type, msg);
    if (err && err != SOR_NOTFOUND)
        return err;
    if (err == SOR_NOTFOUND) {          /* as older converters wrote it */
        make_key(key, hp, "rope.scale_linear");
        return read_float(g, key, (const float[]){ 1e-3f, 1e6f, 1.0f },
                          &hp->rope_scale, msg);
    }
    if (gguf_str_is(type, "none"))
        return SOR_OK;
    if (!gguf_str_is(type, "linear"))
        return sor_fail(msg, SOR_UNSUP, "%s: rope scaling \"%.*s\" is not "
                        "supported; known: none, linear", gguf_path(g),
                        (int)(type.n < 80 ? type.n : 80), type.p);
    make_key(key, hp, "rope.scaling.factor");
    return read_float(g, key, (const float[]){ 1e-3f, 1e6f, NAN },
                      &hp->rope_scale, msg);
}

static enum sor_err read_floats(const struct gguf *g, struct model_hparams *hp,
                                struct sor_msg *msg)
{
    char key[KEY_BYTES];
    enum sor_err err;

    make_key(key, hp, "attention.layer_norm_rms_epsilon");
    err = read_float(g, key, (const float[]){ 1e-12f, 0.1f, NAN },
                     &hp->rms_eps, msg);
    if (err)
        return err;
    make_key(key, hp, "rope.freq_base");
    err = read_float(g, key, (const float[]){ 1.0f, 1e12f, 10000.0f },
                     &hp->rope_base, msg);
    return err ? err : read_rope_scaling(g, hp, msg);
}

/* Things that change the computation and that no descriptor covers: refused
 * unless they stand at the value that changes nothing. */
static enum sor_err refuse_extras(const struct gguf *g,
                                  const struct model_hparams *hp,
                                  struct sor_msg *msg)
{
    static const struct { const char *key, *what; double neutral; } extra[] = {
        { "expert_count", "a mixture of experts", 0 },
        { "attention.sliding_window", "a sliding window", 0 },
        { "attention.causal", "attention to later tokens", 1 },
        { "attention.scale", "another scale of attention", 0 },
        { "attention.clamp_kqv", "clamping", 0 },
        { "attention.max_alibi_bias", "ALiBi", 0 },
        { "attn_logit_softcapping", "soft capping", 0 },
        { "final_logit_softcapping", "soft capping", 0 },
        { "logit_scale", "scaled logits", 1 },
        { "embedding_scale", "a scaled embedding", 1 },
        { "residual_scale", "a scaled residual stream", 1 },
        { "use_parallel_residual", "a parallel residual stream", 0 },
    };
    char key[KEY_BYTES];
    uint32_t parts = 0;

    for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++) {
        const struct gguf_kv *kv;
        double v = NAN;

        make_key(key, hp, extra[i].key);
        kv = gguf_kv_find(g, key);
        if (!kv)
            continue;
        if (gguf_vtype_bytes(kv->type) > 0)
            v = gguf_scalar_f64(kv->type, kv->value);
        if (!(v == extra[i].neutral))
            return sor_fail(msg, SOR_UNSUP, "%s: \"%s\" is %g: %s is not "
                            "supported", gguf_path(g), key, v, extra[i].what);
    }
    if (!gguf_u32(g, "split.count", &parts, NULL) && parts > 1)
        return sor_fail(msg, SOR_UNSUP, "%s: one of %" PRIu32 " parts of a "
                        "model; join them into one file first", gguf_path(g),
                        parts);
    return SOR_OK;
}

/* --- tensors -------------------------------------------------------------- */

static void role_name(char name[NAME_BYTES], const struct model_hparams *hp,
                      enum hparams_tensor role, uint32_t layer)
{
    const char *base = hp->family->role[role].name;

    if (role < HPARAMS_GLOBALS)
        snprintf(name, NAME_BYTES, "%s", base);
    else
        snprintf(name, NAME_BYTES, "blk.%" PRIu32 ".%s", layer, base);
}

const struct gguf_tensor *hparams_tensor(const struct gguf *g,
                                         const struct model_hparams *hp,
                                         enum hparams_tensor role,
                                         uint32_t layer)
{
    char name[NAME_BYTES];

    role_name(name, hp, role, layer);
    return gguf_tensor(g, name);
}

static uint64_t dim_size(const struct model_hparams *hp, enum dim d)
{
    switch (d) {
    case DIM_EMBD:  return hp->n_embd;
    case DIM_VOCAB: return hp->n_vocab;
    case DIM_Q:     return (uint64_t)hp->n_head * hp->head_dim;
    case DIM_KV:    return (uint64_t)hp->n_head_kv * hp->head_dim;
    case DIM_FF:    return hp->n_ff;
    case DIM_ROPE:  return hp->rope_dim / 2;
    case DIM_NONE:  break;
    }
    return 1;
}

static enum sor_err unknown_type(const struct gguf *g, const char *tensor,
                                 const char *type, struct sor_msg *msg)
{
    char known[256] = "";
    size_t used = 0;

    for (uint32_t t = 0; t < GGUF_TYPES; t++) {
        const struct gguf_type_info *ti = gguf_type_info(t);
        size_t n = ti && ti->known ? strlen(ti->name) + 1 : 0;

        if (n > 0 && used + n < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, " %s",
                                     ti->name);
    }
    return sor_fail(msg, SOR_UNSUP, "%s: tensor \"%s\" is %s, which is not "
                    "supported; known:%s", gguf_path(g), tensor, type, known);
}

/* A vector is small enough to be looked at: its elements are finite, and what
 * is divided by is above zero. */
static enum sor_err check_vector(const struct gguf *g,
                                 const struct gguf_tensor *t,
                                 enum hparams_tensor role, struct sor_msg *msg)
{
    for (uint64_t i = 0; i < t->dim[0]; i++) {
        float v;

        memcpy(&v, t->data + i * sizeof v, sizeof v);
        if (!isfinite(v) || (role == HPARAMS_ROPE_FREQS && v <= 0.0f))
            return sor_fail(msg, SOR_FORMAT, "%s: tensor \"%.*s\": element %"
                            PRIu64 " is %g, %s", gguf_path(g), (int)t->name.n,
                            t->name.p, i, (double)v,
                            isfinite(v) ? "not above 0" : "no finite number");
    }
    return SOR_OK;
}

static enum sor_err check_tensor(const struct gguf *g,
                                 const struct model_hparams *hp,
                                 enum hparams_tensor role, uint32_t layer,
                                 struct sor_msg *msg)
{
    const struct role *r = &hp->family->role[role];
    uint64_t in = dim_size(hp, r->in), out = dim_size(hp, r->out);
    char name[NAME_BYTES];

    role_name(name, hp, role, layer);
    const struct gguf_tensor *t = gguf_tensor(g, name);
    if (!t && r->optional)
        return SOR_OK;
    if (!t)
        return sor_fail(msg, SOR_FORMAT, "%s: the tensor \"%s\" is missing",
                        gguf_path(g), name);
    if (t->dim[0] != in || t->dim[1] != out || t->dim[2] != 1 ||
        t->dim[3] != 1)
        return sor_fail(msg, SOR_FORMAT, "%s: tensor \"%s\" is %" PRIu64
                        " x %" PRIu64 " x %" PRIu64 " x %" PRIu64 ", not %"
                        PRIu64 " x %" PRIu64 " as the metadata says",
                        gguf_path(g), name, t->dim[0], t->dim[1], t->dim[2],
                        t->dim[3], in, out);
    const struct gguf_type_info *ti = gguf_type_info(t->type);
    if (r->out == DIM_NONE && t->type != GGUF_F32)
        return sor_fail(msg, SOR_UNSUP, "%s: tensor \"%s\" is %s; vectors must "
                        "be F32", gguf_path(g), name, ti->name);
    if (r->out == DIM_NONE)
        return check_vector(g, t, role, msg);
    if (!ti->known)
        return unknown_type(g, name, ti->name, msg);
    return SOR_OK;
}

/* 1 where the family has a tensor of this name. */
static int expected(const struct model_hparams *hp, struct gguf_str s)
{
    char have[NAME_BYTES], want[NAME_BYTES];
    uint32_t layer = 0;

    memcpy(have, s.p, s.n);
    have[s.n] = '\0';
    if (strncmp(have, "blk.", 4) == 0)
        layer = (uint32_t)strtoul(have + 4, NULL, 10);
    for (int r = 0; r < HPARAMS_TENSORS; r++) {
        role_name(want, hp, (enum hparams_tensor)r, layer);
        if (strcmp(have, want) == 0 && strlen(have) == s.n)
            return r < HPARAMS_GLOBALS || layer < hp->n_layer;
    }
    return 0;
}

/* A tensor that we would not use (a bias, say) changes the result: refuse. */
static enum sor_err check_tensors(const struct gguf *g,
                                  const struct model_hparams *hp,
                                  struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    for (int r = 0; r < HPARAMS_TENSORS && !err; r++)
        for (uint32_t l = 0; l < (r < HPARAMS_GLOBALS ? 1 : hp->n_layer) &&
                             !err; l++)
            err = check_tensor(g, hp, (enum hparams_tensor)r, l, msg);
    for (size_t i = 0; i < gguf_n_tensors(g) && !err; i++) {
        struct gguf_str name = gguf_tensor_at(g, i)->name;

        if (!expected(hp, name))
            err = sor_fail(msg, SOR_UNSUP, "%s: the tensor \"%.*s\" is not "
                           "part of a %s model as this build knows it",
                           gguf_path(g), (int)name.n, name.p,
                           hp->family->name);
    }
    return err;
}

/* The vocabulary's size from the embedding, and all who must agree with it. */
static enum sor_err read_vocab(const struct gguf *g, struct model_hparams *hp,
                               struct sor_msg *msg)
{
    enum { VOCAB_MAX = 1000000 };
    const struct gguf_tensor *embd = hparams_tensor(g, hp, HPARAMS_TOKEN_EMBD,
                                                    0);
    uint64_t rows = embd ? embd->dim[1] : 0;
    char key[KEY_BYTES];
    uint64_t says = rows;
    struct gguf_arr tokens;
    enum sor_err err;

    if (!embd)
        return check_tensor(g, hp, HPARAMS_TOKEN_EMBD, 0, msg);
    if (rows > VOCAB_MAX)
        return sor_fail(msg, SOR_LIMIT, "%s: a vocabulary of %" PRIu64 "; the "
                        "limit is %d", gguf_path(g), rows, VOCAB_MAX);
    make_key(key, hp, "vocab_size");
    err = gguf_u64(g, key, &says, msg);
    if (err && err != SOR_NOTFOUND)
        return err;
    if (says != rows)
        return sor_fail(msg, SOR_FORMAT, "%s: \"%s\" is %" PRIu64 ", but the "
                        "embedding has %" PRIu64 " rows", gguf_path(g), key,
                        says, rows);
    err = gguf_arr(g, "tokenizer.ggml.tokens", GGUF_V_STR, &tokens, msg);
    if (err)
        return err == SOR_NOTFOUND ? SOR_FORMAT : err;
    if (tokens.count != rows)
        return sor_fail(msg, SOR_FORMAT, "%s: %" PRIu64 " tokens, but the "
                        "embedding has %" PRIu64 " rows", gguf_path(g),
                        tokens.count, rows);
    hp->n_vocab = (uint32_t)rows;
    return SOR_OK;
}

enum sor_err hparams_read(const struct gguf *g, struct model_hparams *out,
                          struct sor_msg *msg)
{
    struct model_hparams hp = { 0 };
    enum sor_err err;

    if ((err = find_family(g, &hp.family, msg)) ||
        (err = refuse_extras(g, &hp, msg)) ||
        (err = read_integers(g, &hp, msg)) ||
        (err = check_integers(g, &hp, msg)) ||
        (err = read_floats(g, &hp, msg)) ||
        (err = read_vocab(g, &hp, msg)) ||
        (err = check_tensors(g, &hp, msg)))
        return err;
    hp.rope = hp.family->rope;
    hp.tied = !hparams_tensor(g, &hp, HPARAMS_OUTPUT, 0);
    hp.rope_freqs = hparams_tensor(g, &hp, HPARAMS_ROPE_FREQS, 0) != NULL;
    *out = hp;
    return SOR_OK;
}
