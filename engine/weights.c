/* engine/weights.c - repacking; see weights.h, and kern.h for the layout. */
#include "engine/weights.h"

#include <string.h>

#include "base/mem.h"
#include "engine/half.h"
#include "engine/quant.h"

/* Blocks whose bytes are taken over as they are; quant.h reads the others. */
enum { Q4_0_BYTES = 18, Q4_1_BYTES = 20, Q8_0_BYTES = 34 };

enum { ALIGN = 64 };            /* of a strip: whole vectors, whole lines */

static uint16_t u16_at(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void row_quant(enum gguf_type type, const uint8_t *p, size_t n,
                      float *out)
{
    for (size_t b = 0; b < n / QUANT_BLOCK; b++) {
        struct quant_block q;

        quant_read(type, p, b, &q);
        quant_values(&q, out + b * QUANT_BLOCK);
    }
}

void weights_row(const struct gguf_tensor *t, uint64_t row, float *out)
{
    size_t n = (size_t)t->dim[0];
    const struct gguf_type_info *info = gguf_type_info(t->type);
    const uint8_t *p = t->data + row * (n / info->block) * info->bytes;

    switch (t->type) {
    case GGUF_F32:
        memcpy(out, p, n * sizeof *out);
        break;
    case GGUF_F16:
        for (size_t i = 0; i < n; i++)
            out[i] = half_to_f32(u16_at(p + 2 * i));
        break;
    case GGUF_BF16:
        for (size_t i = 0; i < n; i++)
            out[i] = bfloat_to_f32(u16_at(p + 2 * i));
        break;
    default:
        row_quant(t->type, p, n, out);
        break;
    }
}

/* --- strips ---------------------------------------------------------------
 * src[r]: row r of the strip, or NULL past the end of the matrix. */

static void strip_q4(const uint8_t *const *src, size_t n_in, int has_min,
                     uint8_t *dst)
{
    size_t bytes = has_min ? Q4_1_BYTES : Q4_0_BYTES, head = has_min ? 4 : 2;

    for (size_t b = 0; b < n_in / KERN_QBLOCK; b++) {
        for (int r = 0; r < KERN_LANES; r++) {
            const uint8_t *p;

            if (!src[r])
                continue;
            p = src[r] + b * bytes;
            for (int k = 0; k < 4; k++)
                memcpy(dst + 64 * k + 4 * r, p + head + 4 * k, 4);
            memcpy(dst + 256 + 2 * r, p, 2);
            if (has_min)
                memcpy(dst + 288 + 2 * r, p + 2, 2);
        }
        dst += has_min ? 320 : 288;
    }
}

static void strip_q8(const uint8_t *const *src, size_t n_in, uint8_t *dst)
{
    for (size_t b = 0; b < n_in / KERN_QBLOCK; b++, dst += 544)
        for (int r = 0; r < KERN_LANES; r++) {
            const uint8_t *p;

            if (!src[r])
                continue;
            p = src[r] + b * Q8_0_BYTES;
            for (int i = 0; i < KERN_QBLOCK; i++)
                dst[64 * (i / 4) + 4 * r + i % 4] = p[2 + i] ^ 128;
            memcpy(dst + 512 + 2 * r, p, 2);
        }
}

/* Any type by way of quant.h: integers as nibbles or bytes, scales as floats. */
static void strip_wide(enum gguf_type file, enum kern_wtype type,
                       const uint8_t *const *src, size_t n_in, uint8_t *dst)
{
    size_t ints = type == KERN_Q4_K ? 256 : 512;

    for (size_t b = 0; b < n_in / QUANT_BLOCK; b++) {
        for (int r = 0; r < KERN_LANES; r++) {
            struct quant_block q;

            if (!src[r])
                continue;
            quant_read(file, src[r], b, &q);
            for (int i = 0; i < QUANT_BLOCK; i++)
                if (type != KERN_Q4_K)
                    dst[64 * (i / 4) + 4 * r + i % 4] = q.q[i];
                else if (i < 16)
                    dst[64 * (i / 4) + 4 * r + i % 4] =
                        (uint8_t)(q.q[i] | q.q[i + 16] << 4);
            memcpy(dst + ints + 4 * r, &q.d[0], sizeof(float));
            memcpy(dst + ints + 64 + 4 * r,
                   type == KERN_Q6_K ? &q.d[1] : &q.m, sizeof(float));
        }
        dst += kern_block_bytes(type);
    }
}

/* Q5_0 has the shape of Q8_0 with fewer values. */
static void strip_q5_0(const uint8_t *const *src, size_t n_in, uint8_t *dst)
{
    for (size_t b = 0; b < n_in / QUANT_BLOCK; b++, dst += 544)
        for (int r = 0; r < KERN_LANES; r++) {
            struct quant_block q;

            if (!src[r])
                continue;
            quant_read(GGUF_Q5_0, src[r], b, &q);
            for (int i = 0; i < QUANT_BLOCK; i++)
                dst[64 * (i / 4) + 4 * r + i % 4] =
                    (uint8_t)(q.q[i] - q.zero + 128);
            memcpy(dst + 512 + 2 * r,
                   src[r] + b * gguf_type_info(GGUF_Q5_0)->bytes, 2);
        }
}

static void strip_float(const uint8_t *const *src, size_t n_in, size_t size,
                        uint8_t *dst)
{
    for (int r = 0; r < KERN_LANES; r++)
        for (size_t k = 0; src[r] && k < n_in; k++)
            memcpy(dst + (k * KERN_LANES + (size_t)r) * size,
                   src[r] + k * size, size);
}

static const enum kern_wtype kernel_type[GGUF_TYPES] = {
    [GGUF_Q4_0] = KERN_Q4_0, [GGUF_Q4_1] = KERN_Q4_1, [GGUF_Q4_K] = KERN_Q4_K,
    [GGUF_Q5_0] = KERN_Q8_0, [GGUF_Q5_1] = KERN_Q5_K, [GGUF_Q5_K] = KERN_Q5_K,
    [GGUF_Q6_K] = KERN_Q6_K, [GGUF_Q8_0] = KERN_Q8_0, [GGUF_F16] = KERN_F16,
    [GGUF_BF16] = KERN_BF16, [GGUF_F32] = KERN_F32,
};

struct repack {
    const struct gguf_tensor *t;
    struct kern_mat *m;
};

static void repack_strip(void *ctx, int strip, int thread)
{
    const struct repack *job = ctx;
    const struct gguf_tensor *t = job->t;
    const struct gguf_type_info *info = gguf_type_info(t->type);
    size_t n_in = (size_t)t->dim[0], stride = n_in / info->block * info->bytes;
    uint8_t *dst = job->m->data + (size_t)strip * job->m->strip_bytes;
    const uint8_t *src[KERN_LANES];

    (void)thread;
    for (int r = 0; r < KERN_LANES; r++) {
        int row = strip * KERN_LANES + r;

        src[r] = row < job->m->n_out ? t->data + (size_t)row * stride : NULL;
    }
    if ((strip + 1) * KERN_LANES > job->m->n_out)
        memset(dst, 0, job->m->strip_bytes);
    switch (t->type) {
    case GGUF_Q4_0: strip_q4(src, n_in, 0, dst); break;
    case GGUF_Q4_1: strip_q4(src, n_in, 1, dst); break;
    case GGUF_Q5_0: strip_q5_0(src, n_in, dst); break;
    case GGUF_Q8_0: strip_q8(src, n_in, dst); break;
    case GGUF_F16:
    case GGUF_BF16: strip_float(src, n_in, 2, dst); break;
    case GGUF_F32:  strip_float(src, n_in, 4, dst); break;
    default:        strip_wide(t->type, job->m->type, src, n_in, dst); break;
    }
}

static size_t round_up(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* Fills m but for its data; returns the bytes that those take. */
static size_t shape(const struct gguf_tensor *t, struct kern_mat *m)
{
    m->type = kernel_type[t->type];
    m->n_in = (int)t->dim[0];
    m->n_out = (int)t->dim[1];
    m->n_strip = (m->n_out + KERN_LANES - 1) / KERN_LANES;
    m->strip_bytes = (size_t)m->n_in * kern_block_bytes(m->type) / KERN_QBLOCK;
    return m->strip_bytes * (size_t)m->n_strip;
}

enum sor_err weights_pack(const struct gguf_tensor *t, struct pool *pool,
                          struct kern_mat *m, struct sor_msg *msg)
{
    size_t bytes = shape(t, m);

    m->data = mem_aligned(ALIGN, bytes);
    if (!m->data)
        return sor_fail(msg, SOR_NOMEM, "no memory for %zu bytes of weights "
                        "(%.*s)", bytes, (int)t->name.n, t->name.p);
    pool_run(pool, m->n_strip, repack_strip, &(struct repack){ t, m });
    return SOR_OK;
}

static const float *vector(const struct gguf *g,
                           const struct model_hparams *hp,
                           enum hparams_tensor role, uint32_t layer)
{
    const struct gguf_tensor *t = hparams_tensor(g, hp, role, layer);

    return t ? (const float *)(const void *)t->data : NULL;
}

enum hparams_tensor weights_role(enum weights_mat mat)
{
    static const enum hparams_tensor role[WEIGHTS_MATS] = {
        [WEIGHTS_Q] = HPARAMS_ATTN_Q,        [WEIGHTS_K] = HPARAMS_ATTN_K,
        [WEIGHTS_V] = HPARAMS_ATTN_V,        [WEIGHTS_OUT] = HPARAMS_ATTN_OUT,
        [WEIGHTS_GATE] = HPARAMS_FFN_GATE,   [WEIGHTS_UP] = HPARAMS_FFN_UP,
        [WEIGHTS_DOWN] = HPARAMS_FFN_DOWN,
    };

    return role[mat];
}

/* The matrix m of a layer, or the head past the last: its tensor, and where it
 * goes.  Every matrix of the model has one number. */
static const struct gguf_tensor *matrix(struct weights *w, const struct gguf *g,
                                        const struct model_hparams *hp,
                                        uint32_t i, struct kern_mat **m)
{
    uint32_t layer = i / WEIGHTS_MATS;
    enum weights_mat mat = i % WEIGHTS_MATS;

    if (layer == hp->n_layer) {
        *m = &w->head;
        return hp->tied ? w->embd : hparams_tensor(g, hp, HPARAMS_OUTPUT, 0);
    }
    *m = &w->layer[layer].mat[mat];
    return hparams_tensor(g, hp, weights_role(mat), layer);
}

/* All in one piece, in the order in which a pass reads them: so they lie on
 * huge pages, which no matrix of a small model fills by itself. */
static enum sor_err pack_all(struct weights *w, const struct gguf *g,
                             const struct model_hparams *hp, struct pool *pool,
                             struct sor_msg *msg)
{
    uint32_t n = hp->n_layer * WEIGHTS_MATS + 1;
    struct kern_mat *m;
    size_t bytes = 0, at = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct gguf_tensor *t = matrix(w, g, hp, i, &m);

        bytes += round_up(shape(t, m));
    }
    w->data = mem_huge(bytes);
    if (!w->data)
        return sor_fail(msg, SOR_NOMEM, "no memory for %zu bytes of weights",
                        bytes);
    for (uint32_t i = 0; i < n; i++) {
        const struct gguf_tensor *t = matrix(w, g, hp, i, &m);

        m->data = w->data + at;
        at += round_up(m->strip_bytes * (size_t)m->n_strip);
        pool_run(pool, m->n_strip, repack_strip, &(struct repack){ t, m });
        /* so that the model is not in memory twice */
        gguf_drop_pages(t->data, t->bytes);
        if (kern_quantised(m->type))
            w->any_quant = 1;
        else
            w->any_float = 1;
    }
    w->bytes = (int64_t)at;
    return SOR_OK;
}

enum sor_err weights_init(struct weights *w, const struct gguf *g,
                          const struct model_hparams *hp, struct pool *pool,
                          struct sor_msg *msg)
{
    enum sor_err err;

    memset(w, 0, sizeof *w);
    w->embd = hparams_tensor(g, hp, HPARAMS_TOKEN_EMBD, 0);
    w->output_norm = vector(g, hp, HPARAMS_OUTPUT_NORM, 0);
    w->rope_freqs = vector(g, hp, HPARAMS_ROPE_FREQS, 0);
    w->layer = mem_calloc(hp->n_layer, sizeof *w->layer);
    if (!w->layer)
        return sor_fail(msg, SOR_NOMEM, "weights: out of memory");
    for (uint32_t l = 0; l < hp->n_layer; l++) {
        w->layer[l].attn_norm = vector(g, hp, HPARAMS_ATTN_NORM, l);
        w->layer[l].ffn_norm = vector(g, hp, HPARAMS_FFN_NORM, l);
    }
    err = pack_all(w, g, hp, pool, msg);
    if (err)
        weights_release(w);
    return err;
}

void weights_release(struct weights *w)
{
    mem_free(w->layer);
    mem_free(w->data);
    memset(w, 0, sizeof *w);
}
