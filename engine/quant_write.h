/* engine/quant_write.h - rows of floats into the blocks of a GGUF file; the
 * other direction of quant.h, which reads them back.
 *
 * DESIGN
 * A block stores small integers q and a scale d, some a minimum m too:
 * x ~ d q + m.  Taking d from the largest value (round to nearest) is not the
 * best one can do: a slightly smaller d clips one value and serves all others
 * better.  So each block tries a dozen scales; for each the integers follow by
 * rounding, and for these integers the best d and m follow by least squares.
 * The pair with the least squared error is rounded to the precision in which
 * the file keeps it, and the integers are rounded again with what is kept.
 *
 * Threads  pure functions: the same bytes on any thread, in any order.
 * Source   ggml, ggml-common.h for the layouts. */
#ifndef ENGINE_QUANT_WRITE_H
#define ENGINE_QUANT_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/gguf.h"

/* Largest magnitude that every type but F32 and BF16 can hold: binary16's. */
#define QUANT_WRITE_MAX 65504.0f

/* 1 for F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q4_K Q5_K Q6_K. */
int quant_writable(enum gguf_type type);

/* Encodes x[n], finite and within QUANT_WRITE_MAX, into out[n / block * bytes]
 * (gguf_type_info()).  n is a multiple of the block, the type writable. */
void quant_write(enum gguf_type type, const float *x, size_t n, uint8_t *out);

/* The writable type nearest to `want` for rows of n elements: `want` itself
 * where n is whole blocks of it, else what llama.cpp falls back to (Q4_K ->
 * Q5_0, Q5_K -> Q5_1, Q6_K -> Q8_0; any of them -> F16).
 * Source: llama.cpp, llama-quant.cpp. */
enum gguf_type quant_write_type(enum gguf_type want, uint64_t n);

/* The number that general.file_type has where most matrices are of this type
 * (writable).  Source: llama.h, enum llama_ftype. */
uint32_t quant_write_file_type(enum gguf_type type);

#endif
