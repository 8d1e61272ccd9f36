/* engine/quant.h - the quantised blocks of a GGUF file, 32 elements at a time.
 *
 * Whatever the type, 32 neighbouring elements of a row are small integers with
 * a scale for each half and one minimum:  value[i] = d[i / 16] (q[i] - zero) +
 * m.  d and m are exact in float32 for every type here, so a value is rounded
 * once, as in the reference.
 * Source: ggml, ggml-common.h (layouts) and ggml-quants.c (meaning). */
#ifndef ENGINE_QUANT_H
#define ENGINE_QUANT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/gguf.h"

enum { QUANT_BLOCK = 32 };

struct quant_block {
    uint8_t q[QUANT_BLOCK];
    int     zero;           /* 0, 8, 16, 32 or 128 */
    float   d[2], m;
};

/* 1 where the type is one of those below. */
int quant_known(enum gguf_type type);

/* Elements 32 b .. 32 b + 31 of a row that starts at `row`. */
void quant_read(enum gguf_type type, const uint8_t *row, size_t b,
                struct quant_block *out);

/* The same as floats: out[32]. */
void quant_values(const struct quant_block *b, float *out);

#endif
