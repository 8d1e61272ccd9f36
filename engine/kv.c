/* engine/kv.c - see kv.h. */
#include "engine/kv.h"

#include <string.h>

#include "base/mem.h"
#include "engine/kern.h"

enum { CHUNK_BLOCKS = 32, MAX_CHUNKS = 8192 };

struct kv {
    struct kv_shape shape;
    size_t piece;               /* bytes of one (layer, group) piece */
    uint8_t *chunk[MAX_CHUNKS]; /* [layer][group][block in chunk][piece] */
    uint8_t *hull[MAX_CHUNKS];  /* [layer][group][block / 16 in chunk][hulls] */
    int n_chunk, with_hulls;
    uint32_t *refs;             /* [n_chunk * CHUNK_BLOCKS] */
    int32_t *spare;             /* free blocks, lowest on top */
    int n_spare;
};

int64_t kv_block_bytes(const struct kv_shape *s)
{
    return (int64_t)kern_piece_bytes(s->type, s->head_dim) * s->n_layer *
           s->n_group;
}

enum sor_err kv_open(const struct kv_shape *shape, struct kv **out,
                     struct sor_msg *msg)
{
    struct kv *kv = mem_calloc(1, sizeof *kv);

    if (!kv)
        return sor_fail(msg, SOR_NOMEM, "KV cache: out of memory");
    kv->shape = *shape;
    kv->piece = kern_piece_bytes(shape->type, shape->head_dim);
    *out = kv;
    return SOR_OK;
}

void kv_close(struct kv *kv)
{
    if (!kv)
        return;
    for (int i = 0; i < kv->n_chunk; i++) {
        mem_free(kv->chunk[i]);
        mem_free(kv->hull[i]);
    }
    mem_free(kv->refs);
    mem_free(kv->spare);
    mem_free(kv);
}

/* Bytes of the hulls of a chunk. */
static size_t hull_bytes(const struct kv *kv)
{
    const struct kv_shape *s = &kv->shape;

    return (size_t)s->n_layer * (size_t)s->n_group *
           (CHUNK_BLOCKS / KERN_LANES) * kern_hull_bytes(s->head_dim);
}

static enum sor_err add_hulls(struct kv *kv, int chunk, struct sor_msg *msg)
{
    uint8_t *hull = mem_huge(hull_bytes(kv));

    if (!hull)
        return sor_fail(msg, SOR_NOMEM, "KV cache: no memory for %zu bytes of "
                        "hulls, which routing needs", hull_bytes(kv));
    memset(hull, 0, hull_bytes(kv));    /* lanes not yet filled are read */
    kv->hull[chunk] = hull;
    return SOR_OK;
}

static enum sor_err add_chunk(struct kv *kv, struct sor_msg *msg)
{
    int64_t bytes = kv_block_bytes(&kv->shape) * CHUNK_BLOCKS;
    size_t n = (size_t)(kv->n_chunk + 1) * CHUNK_BLOCKS;
    uint32_t *refs;
    int32_t *spare;
    uint8_t *chunk = NULL;

    refs = mem_realloc(kv->refs, n, sizeof *refs);
    if (refs)
        kv->refs = refs;
    spare = mem_realloc(kv->spare, n, sizeof *spare);
    if (spare)
        kv->spare = spare;
    if (refs && spare && kv->n_chunk < MAX_CHUNKS)
        chunk = mem_huge((size_t)bytes);
    if (!chunk)
        return sor_fail(msg, SOR_NOMEM, "KV cache: no memory for %lld bytes "
                        "more (%lld are in use); use a smaller --ctx or fewer "
                        "paths", (long long)bytes,
                        (long long)(bytes * kv->n_chunk));
    /* Keys past the last one are read and then masked; a checker of memory
     * cannot know that. */
    memset(chunk, 0, (size_t)bytes);
    if (kv->with_hulls && add_hulls(kv, kv->n_chunk, msg)) {
        mem_free(chunk);
        return SOR_NOMEM;
    }
    kv->chunk[kv->n_chunk++] = chunk;
    for (size_t i = 0; i < CHUNK_BLOCKS; i++)
        kv->spare[kv->n_spare++] = (int32_t)(n - 1 - i);
    return SOR_OK;
}

enum sor_err kv_take(struct kv *kv, int32_t *block, struct sor_msg *msg)
{
    if (kv->n_spare == 0) {
        enum sor_err err = add_chunk(kv, msg);

        if (err)
            return err;
    }
    *block = kv->spare[--kv->n_spare];
    kv->refs[*block] = 1;
    return SOR_OK;
}

void kv_ref(struct kv *kv, int32_t block)
{
    kv->refs[block]++;
}

void kv_unref(struct kv *kv, int32_t block)
{
    if (--kv->refs[block] == 0)
        kv->spare[kv->n_spare++] = block;
}

int kv_shared(const struct kv *kv, int32_t block)
{
    return kv->refs[block] > 1;
}

void *kv_piece(const struct kv *kv, int32_t block, int layer, int group)
{
    size_t in_chunk = (size_t)(block % CHUNK_BLOCKS);
    size_t row = (size_t)layer * (size_t)kv->shape.n_group + (size_t)group;

    return kv->chunk[block / CHUNK_BLOCKS] +
           (row * CHUNK_BLOCKS + in_chunk) * kv->piece;
}

enum sor_err kv_use_hulls(struct kv *kv, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    if (kv->with_hulls)
        return SOR_OK;
    if (kv->n_spare < kv->n_chunk * CHUNK_BLOCKS)
        return sor_fail(msg, SOR_USAGE, "routing is chosen before the first "
                        "timeline has tokens");
    for (int i = 0; i < kv->n_chunk && !err; i++)
        if (!kv->hull[i])
            err = add_hulls(kv, i, msg);
    kv->with_hulls = !err;
    return err;
}

int kv_has_hulls(const struct kv *kv)
{
    return kv->with_hulls;
}

uint8_t *kv_hull(const struct kv *kv, int32_t block, int layer, int group)
{
    size_t at = (size_t)layer * (size_t)kv->shape.n_group + (size_t)group;
    size_t lanes = (size_t)(block % CHUNK_BLOCKS / KERN_LANES);

    at = at * (CHUNK_BLOCKS / KERN_LANES) + lanes;
    return kv->hull[block / CHUNK_BLOCKS] +
           at * kern_hull_bytes(kv->shape.head_dim);
}

void kv_copy(struct kv *kv, int32_t dst, int32_t src)
{
    for (int l = 0; l < kv->shape.n_layer; l++)
        for (int g = 0; g < kv->shape.n_group; g++)
            memcpy(kv_piece(kv, dst, l, g), kv_piece(kv, src, l, g),
                   kv->piece);
}
