/* db/pack.h - the packed columns of table token: how they are laid out.
 *
 * Everything is little-endian and fixed-stride, so that a view can unpack it
 * with hex() and arithmetic in any SQLite client (docs/trace-format.md).
 *
 * uf16  an unsigned float in 16 bits: low 11 bits mantissa m, high 5 bits
 *       exponent e, value m * 2^e / 65536.  Exact 0; relative error < 2^-10
 *       from 1/64 up; largest 6.7e7.  SQL: ((v & 2047) << (v >> 11)) / 65536.0
 *
 * layers  header, then one record per layer
 *   header  0 u8  PACK_VERSION      1 u8 bytes of the dense mask (mb)
 *           2 u16 n_layer           4 uf16 norm of the embedding going in
 *           6 uf16 routing score    8 uf16 low threshold   10 uf16 high
 *   record  (PACK_LAYER_FIXED + mb bytes)
 *           0 u8  mode (bits 0-1) | reason (bits 2-3) | exit here (bit 6)
 *                 | layer skipped (bit 7)
 *           1 u8  reserved, 0
 *           2 uf16 KV blocks read, over all groups
 *           4 uf16 norm of the residual going out
 *           6 uf16 attention entropy, nats, mean over heads
 *           8 uf16 exit measure
 *          10 uf16 time, microseconds
 *          12 u16 digest of the residual: xor of the halves of hook_layer's
 *          14 mask of dense KV groups, bit g = group g, mb bytes
 * alt     records of 6 bytes: u32 token id, uf16 of -logprob
 * heads   header 0 u8 PACK_VERSION, 1 u8 n_top, 2 u16 n_layer, 4 u16 n_head
 *         then [n_layer][n_head] records of PACK_HEAD_FIXED + 5 n_top bytes:
 *           0 uf16 entropy, then n_top of (u24 position, u16 weight * 65535);
 *           an unused entry has position 0xffffff
 *
 * weights of a whole row of attention (table attention_row): for each key a
 *         uf16 of 2^20 times its weight, so that small ones keep their digits:
 *         relative error < 2^-10 from 1.5e-8 up
 *
 * The functions here are the only code that knows these offsets. */
#ifndef DB_PACK_H
#define DB_PACK_H

#include <stddef.h>
#include <stdint.h>

enum {
    PACK_VERSION = 1,
    PACK_LAYERS_HEADER = 12,
    PACK_LAYER_FIXED = 14,
    PACK_ALT_BYTES = 6,
    PACK_HEADS_HEADER = 6,
    PACK_HEAD_FIXED = 2,
    PACK_TOP_BYTES = 5
};

struct pack_layer {
    uint8_t mode, reason, exit_here, skipped;
    float blocks_read, norm_in, norm_out, attn_entropy, exit_measure, time_us;
    uint16_t digest;
    uint64_t dense;
};

struct pack_layers_header {
    int n_layer, mask_bytes;
    float norm_in, score, low, high;
};

uint16_t pack_uf16(float v);            /* clamps; NaN packs as the largest */
float unpack_uf16(uint16_t v);

/* Bytes of a layers blob; n_group KV groups. */
size_t pack_layers_bytes(int n_layer, int n_group);
void pack_layers_header(uint8_t *blob, int n_layer, int n_group);
void pack_layers_score(uint8_t *blob, float score, float low, float high);
/* Writes one record; norm_in is stored for layer 0 only (it is the norm_out
 * of the layer before everywhere else). */
void pack_layer_put(uint8_t *blob, int layer, const struct pack_layer *in);

/* 0, or -1 where the blob is damaged or `layer` is out of range. */
int unpack_layers_header(const uint8_t *blob, size_t n,
                         struct pack_layers_header *out);
int unpack_layer(const uint8_t *blob, size_t n, int layer,
                 struct pack_layer *out);

void pack_alt_put(uint8_t *blob, int i, int32_t id, float logprob);
int unpack_alt(const uint8_t *blob, size_t n, int i, int32_t *id,
               float *logprob);         /* 1 read, 0 past the end */

size_t pack_heads_bytes(int n_layer, int n_head, int n_top);
void pack_heads_header(uint8_t *blob, int n_layer, int n_head, int n_top);
/* pos[i], weight[i] heaviest first, n <= n_top of them. */
void pack_head_put(uint8_t *blob, int layer, int head, float entropy,
                   const int32_t *pos, const float *weight, int n);
int unpack_head(const uint8_t *blob, size_t n, int layer, int head,
                float *entropy, int32_t *pos, float *weight, int *n_top);

/* A row of attention, PACK_WEIGHT_BYTES a key, key 0 first. */
enum { PACK_WEIGHT_BYTES = 2 };
void pack_weight_put(uint8_t *blob, int key, float weight);
float unpack_weight(const uint8_t *blob, int key);

#endif
