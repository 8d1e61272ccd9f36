#include "db/pack.h"

#include <string.h>

enum { MODE_BITS = 3, REASON_SHIFT = 2, REASON_BITS = 3 };
enum { FLAG_EXIT = 1 << 6, FLAG_SKIPPED = 1 << 7 };
enum { POS_UNUSED = 0xffffff };

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void put_uf16(uint8_t *p, float v)
{
    put16(p, pack_uf16(v));
}

static float get_uf16(const uint8_t *p)
{
    return unpack_uf16(get16(p));
}

/* The float is already sign, exponent, mantissa: adding half of the last kept
 * mantissa bit rounds to nearest, and a carry runs into the exponent by
 * itself.  Below 1024 units of 1/65536 the number is a plain integer. */
uint16_t pack_uf16(float v)
{
    float units = v * 65536.0f;
    uint32_t bits;

    if (v <= 0.0f)
        return 0;
    if (units < 1024.0f)
        return (uint16_t)(units + 0.5f);
    memcpy(&bits, &units, sizeof bits);
    bits += 1u << 12;

    uint32_t e = (bits >> 23) - 127 - 10;
    uint32_t m = 1024u | (bits >> 13 & 1023u);
    return e > 31 ? UINT16_MAX : (uint16_t)(e << 11 | m);
}

float unpack_uf16(uint16_t v)
{
    return (float)((uint64_t)(v & 2047u) << (v >> 11)) / 65536.0f;
}

/* --- layers -------------------------------------------------------------- */

static int mask_bytes(int n_group)
{
    return (n_group + 7) / 8;
}

size_t pack_layers_bytes(int n_layer, int n_group)
{
    size_t stride = PACK_LAYER_FIXED + (size_t)mask_bytes(n_group);

    return PACK_LAYERS_HEADER + (size_t)n_layer * stride;
}

void pack_layers_header(uint8_t *blob, int n_layer, int n_group)
{
    memset(blob, 0, PACK_LAYERS_HEADER);
    blob[0] = PACK_VERSION;
    blob[1] = (uint8_t)mask_bytes(n_group);
    put16(blob + 2, (uint16_t)n_layer);
}

void pack_layers_score(uint8_t *blob, float score, float low, float high)
{
    put_uf16(blob + 6, score);
    put_uf16(blob + 8, low);
    put_uf16(blob + 10, high);
}

static size_t layer_offset(const uint8_t *blob, int layer)
{
    return PACK_LAYERS_HEADER +
           (size_t)layer * (PACK_LAYER_FIXED + (size_t)blob[1]);
}

void pack_layer_put(uint8_t *blob, int layer, const struct pack_layer *in)
{
    uint8_t *p = blob + layer_offset(blob, layer);

    if (layer == 0)
        put_uf16(blob + 4, in->norm_in);
    p[0] = (uint8_t)((in->mode & MODE_BITS) |
                     (in->reason & REASON_BITS) << REASON_SHIFT |
                     (in->exit_here ? FLAG_EXIT : 0) |
                     (in->skipped ? FLAG_SKIPPED : 0));
    p[1] = 0;
    put_uf16(p + 2, in->blocks_read);
    put_uf16(p + 4, in->norm_out);
    put_uf16(p + 6, in->attn_entropy);
    put_uf16(p + 8, in->exit_measure);
    put_uf16(p + 10, in->time_us);
    put16(p + 12, in->digest);
    for (int i = 0; i < blob[1]; i++)
        p[PACK_LAYER_FIXED + i] = (uint8_t)(in->dense >> (8 * i));
}

int unpack_layers_header(const uint8_t *blob, size_t n,
                         struct pack_layers_header *out)
{
    if (!blob || n < PACK_LAYERS_HEADER || blob[0] != PACK_VERSION ||
        blob[1] > 8 || layer_offset(blob, get16(blob + 2)) != n)
        return -1;
    *out = (struct pack_layers_header){
        .n_layer = get16(blob + 2),
        .mask_bytes = blob[1],
        .norm_in = get_uf16(blob + 4),
        .score = get_uf16(blob + 6),
        .low = get_uf16(blob + 8),
        .high = get_uf16(blob + 10),
    };
    return 0;
}

int unpack_layer(const uint8_t *blob, size_t n, int layer,
                 struct pack_layer *out)
{
    struct pack_layers_header head;

    if (unpack_layers_header(blob, n, &head) != 0 || layer < 0 ||
        layer >= head.n_layer)
        return -1;

    const uint8_t *p = blob + layer_offset(blob, layer);
    size_t stride = PACK_LAYER_FIXED + (size_t)head.mask_bytes;
    *out = (struct pack_layer){
        .mode = p[0] & MODE_BITS,
        .reason = p[0] >> REASON_SHIFT & REASON_BITS,
        .exit_here = (p[0] & FLAG_EXIT) != 0,
        .skipped = (p[0] & FLAG_SKIPPED) != 0,
        .blocks_read = get_uf16(p + 2),
        .norm_in = layer == 0 ? head.norm_in : get_uf16(p - stride + 4),
        .norm_out = get_uf16(p + 4),
        .attn_entropy = get_uf16(p + 6),
        .exit_measure = get_uf16(p + 8),
        .time_us = get_uf16(p + 10),
        .digest = get16(p + 12),
    };
    for (int i = 0; i < head.mask_bytes; i++)
        out->dense |= (uint64_t)p[PACK_LAYER_FIXED + i] << (8 * i);
    return 0;
}

/* --- alternatives -------------------------------------------------------- */

void pack_alt_put(uint8_t *blob, int i, int32_t id, float logprob)
{
    uint8_t *p = blob + (size_t)i * PACK_ALT_BYTES;

    put16(p, (uint16_t)id);
    put16(p + 2, (uint16_t)((uint32_t)id >> 16));
    put_uf16(p + 4, -logprob);
}

int unpack_alt(const uint8_t *blob, size_t n, int i, int32_t *id,
               float *logprob)
{
    if (!blob || i < 0 || (size_t)i >= n / PACK_ALT_BYTES)
        return 0;

    const uint8_t *p = blob + (size_t)i * PACK_ALT_BYTES;
    *id = (int32_t)(get16(p) | (uint32_t)get16(p + 2) << 16);
    *logprob = -get_uf16(p + 4);
    return 1;
}

/* --- heads --------------------------------------------------------------- */

static size_t head_bytes(int n_top)
{
    return PACK_HEAD_FIXED + (size_t)n_top * PACK_TOP_BYTES;
}

size_t pack_heads_bytes(int n_layer, int n_head, int n_top)
{
    return PACK_HEADS_HEADER +
           (size_t)n_layer * (size_t)n_head * head_bytes(n_top);
}

void pack_heads_header(uint8_t *blob, int n_layer, int n_head, int n_top)
{
    blob[0] = PACK_VERSION;
    blob[1] = (uint8_t)n_top;
    put16(blob + 2, (uint16_t)n_layer);
    put16(blob + 4, (uint16_t)n_head);
}

static size_t head_offset(const uint8_t *blob, int layer, int head)
{
    size_t i = (size_t)layer * get16(blob + 4) + (size_t)head;

    return PACK_HEADS_HEADER + i * head_bytes(blob[1]);
}

void pack_head_put(uint8_t *blob, int layer, int head, float entropy,
                   const int32_t *pos, const float *weight, int n)
{
    uint8_t *p = blob + head_offset(blob, layer, head);

    put_uf16(p, entropy);
    p += PACK_HEAD_FIXED;
    for (int i = 0; i < blob[1]; i++, p += PACK_TOP_BYTES) {
        uint32_t at = i < n ? (uint32_t)pos[i] : POS_UNUSED;
        float w = i < n ? weight[i] : 0.0f;

        put16(p, (uint16_t)at);
        p[2] = (uint8_t)(at >> 16);
        put16(p + 3, (uint16_t)(w * 65535.0f + 0.5f));
    }
}

int unpack_head(const uint8_t *blob, size_t n, int layer, int head,
                float *entropy, int32_t *pos, float *weight, int *n_top)
{
    if (!blob || n < PACK_HEADS_HEADER || blob[0] != PACK_VERSION ||
        pack_heads_bytes(get16(blob + 2), get16(blob + 4), blob[1]) != n ||
        layer < 0 || layer >= get16(blob + 2) || head < 0 ||
        head >= get16(blob + 4))
        return -1;

    const uint8_t *p = blob + head_offset(blob, layer, head);
    *entropy = get_uf16(p);
    *n_top = 0;
    p += PACK_HEAD_FIXED;
    for (int i = 0; i < blob[1]; i++, p += PACK_TOP_BYTES) {
        uint32_t at = get16(p) | (uint32_t)p[2] << 16;

        if (at == POS_UNUSED)
            break;
        pos[*n_top] = (int32_t)at;
        weight[(*n_top)++] = (float)get16(p + 3) / 65535.0f;
    }
    return 0;
}

/* --- rows of attention ---------------------------------------------------- */

static const float WEIGHT_SCALE = 1 << 20;

void pack_weight_put(uint8_t *blob, int key, float weight)
{
    put_uf16(blob + (size_t)key * PACK_WEIGHT_BYTES, weight * WEIGHT_SCALE);
}

float unpack_weight(const uint8_t *blob, int key)
{
    return get_uf16(blob + (size_t)key * PACK_WEIGHT_BYTES) / WEIGHT_SCALE;
}
