/* engine/quant.c - reading the quantised blocks of a GGUF file; see quant.h. */
#include "engine/quant.h"

#include <string.h>

#include "engine/half.h"

static float f16_at(const uint8_t *p)
{
    return half_to_f32((uint16_t)(p[0] | p[1] << 8));
}

/* Element i is in the low nibble of byte i, element i + 16 in its high one. */
static void nibbles(const uint8_t *qs, uint8_t *q)
{
    for (int i = 0; i < 16; i++) {
        q[i] = qs[i] & 15;
        q[i + 16] = qs[i] >> 4;
    }
}

/* block_q4_0 { f16 d; u8 qs[16] }: d (q - 8) */
static void read_q4_0(const uint8_t *p, size_t sub, struct quant_block *o)
{
    (void)sub;
    nibbles(p + 2, o->q);
    o->zero = 8;
    o->d[0] = o->d[1] = f16_at(p);
}

/* block_q4_1 { f16 d, m; u8 qs[16] }: d q + m */
static void read_q4_1(const uint8_t *p, size_t sub, struct quant_block *o)
{
    (void)sub;
    nibbles(p + 4, o->q);
    o->d[0] = o->d[1] = f16_at(p);
    o->m = f16_at(p + 2);
}

/* Bit i of qh is the fifth bit of element i. */
static void fifth_bits(const uint8_t *qh, uint8_t *q)
{
    for (int i = 0; i < QUANT_BLOCK; i++)
        q[i] |= (uint8_t)((qh[i / 8] >> i % 8 & 1) << 4);
}

/* block_q5_0 { f16 d; u8 qh[4], qs[16] }: d (q - 16) */
static void read_q5_0(const uint8_t *p, size_t sub, struct quant_block *o)
{
    (void)sub;
    nibbles(p + 6, o->q);
    fifth_bits(p + 2, o->q);
    o->zero = 16;
    o->d[0] = o->d[1] = f16_at(p);
}

/* block_q5_1 { f16 d, m; u8 qh[4], qs[16] }: d q + m */
static void read_q5_1(const uint8_t *p, size_t sub, struct quant_block *o)
{
    (void)sub;
    nibbles(p + 8, o->q);
    fifth_bits(p + 4, o->q);
    o->d[0] = o->d[1] = f16_at(p);
    o->m = f16_at(p + 2);
}

/* block_q8_0 { f16 d; i8 qs[32] }: d q */
static void read_q8_0(const uint8_t *p, size_t sub, struct quant_block *o)
{
    (void)sub;
    for (int i = 0; i < QUANT_BLOCK; i++)
        o->q[i] = p[2 + i] ^ 128;
    o->zero = 128;
    o->d[0] = o->d[1] = f16_at(p);
}

/* Eight 6-bit scales and eight 6-bit minima in 12 bytes: the first four of
 * each whole in bytes 0-3 and 4-7, the others in nibbles and spare bits. */
static void scale_min(const uint8_t *s, size_t sub, int *scale, int *min)
{
    if (sub < 4) {
        *scale = s[sub] & 63;
        *min = s[sub + 4] & 63;
    } else {
        *scale = (s[sub + 4] & 15) | s[sub - 4] >> 6 << 4;
        *min = s[sub + 4] >> 4 | s[sub] >> 6 << 4;
    }
}

/* The parts that Q4_K and Q5_K share: { f16 d, dmin; u8 scales[12]; ... }:
 * d scale q - dmin min.  Sub-blocks 2j and 2j+1 lie in the low and high
 * nibbles of 32 bytes. */
static void read_k(const uint8_t *p, const uint8_t *qs, size_t sub,
                   struct quant_block *o)
{
    int scale, min;

    scale_min(p + 4, sub, &scale, &min);
    o->d[0] = o->d[1] = f16_at(p) * (float)scale;
    o->m = -(f16_at(p + 2) * (float)min);
    qs += sub / 2 * 32;
    for (int i = 0; i < QUANT_BLOCK; i++)
        o->q[i] = sub % 2 ? qs[i] >> 4 : qs[i] & 15;
}

/* block_q4_K { ...; u8 qs[128] } */
static void read_q4_k(const uint8_t *p, size_t sub, struct quant_block *o)
{
    read_k(p, p + 16, sub, o);
}

/* block_q5_K { ...; u8 qh[32], qs[128] }: bit `sub` of qh[i] is the fifth */
static void read_q5_k(const uint8_t *p, size_t sub, struct quant_block *o)
{
    read_k(p, p + 48, sub, o);
    for (int i = 0; i < QUANT_BLOCK; i++)
        o->q[i] |= (uint8_t)((p[16 + i] >> sub & 1) << 4);
}

/* block_q6_K { u8 ql[128], qh[64]; i8 scales[16]; f16 d }: d scale (q - 32).
 * Sub-block 4n + k of half n takes the low (k < 2) or high nibbles of 32 bytes
 * of ql and bits 2k, 2k + 1 of 32 bytes of qh; a scale serves 16 elements. */
static void read_q6_k(const uint8_t *p, size_t sub, struct quant_block *o)
{
    size_t n = sub / 4, k = sub % 4;
    const uint8_t *ql = p + 64 * n + 32 * (k % 2), *qh = p + 128 + 32 * n;
    const uint8_t *scale = p + 192 + 2 * sub;
    float d = f16_at(p + 208);

    for (int i = 0; i < QUANT_BLOCK; i++)
        o->q[i] = (uint8_t)((k < 2 ? ql[i] & 15 : ql[i] >> 4) |
                            (qh[i] >> 2 * k & 3) << 4);
    o->zero = 32;
    o->d[0] = d * (float)(int8_t)scale[0];
    o->d[1] = d * (float)(int8_t)scale[1];
}

/* sub: which 32 of the block, for the types whose block has 256. */
static void (*const readers[GGUF_TYPES])(const uint8_t *p, size_t sub,
                                         struct quant_block *o) = {
    [GGUF_Q4_0] = read_q4_0, [GGUF_Q4_1] = read_q4_1, [GGUF_Q5_0] = read_q5_0,
    [GGUF_Q5_1] = read_q5_1, [GGUF_Q8_0] = read_q8_0, [GGUF_Q4_K] = read_q4_k,
    [GGUF_Q5_K] = read_q5_k, [GGUF_Q6_K] = read_q6_k,
};

int quant_known(enum gguf_type type)
{
    return type < GGUF_TYPES && readers[type] != NULL;
}

void quant_read(enum gguf_type type, const uint8_t *row, size_t b,
                struct quant_block *out)
{
    const struct gguf_type_info *info = gguf_type_info(type);
    size_t subs = info->block / QUANT_BLOCK;

    out->zero = 0;
    out->m = 0.0f;
    readers[type](row + b / subs * info->bytes, b % subs, out);
}

void quant_values(const struct quant_block *b, float *out)
{
    for (int i = 0; i < QUANT_BLOCK; i++)
        out[i] = b->d[i / 16] * (float)(b->q[i] - b->zero) + b->m;
}
