/* engine/gguf_write.h - a GGUF file again, with its tensors in other types.
 *
 * Metadata is copied byte for byte and in order, except general.file_type and
 * general.quantization_version, which say what is now true.  A tensor that has
 * its type already is copied; the others are decoded and encoded row by row on
 * all threads of a pool.  The bytes do not depend on the number of threads.
 *
 * The file grows under a temporary name in its folder and gets its own name
 * when it is complete and on disk: there is the whole file or none.
 * Source: GGUF specification, ggml docs/gguf.md, version 3. */
#ifndef ENGINE_GGUF_WRITE_H
#define ENGINE_GGUF_WRITE_H

#include <stdint.h>

#include "base/err.h"
#include "engine/gguf.h"
#include "engine/pool.h"

struct gguf_write {
    const struct gguf *src;
    const enum gguf_type *type; /* [gguf_n_tensors(src)], in file order: the
                                 * tensor's own, or a quant_writable() one
                                 * whose block divides its rows */
    uint32_t file_type;         /* quant_write_file_type() */
    struct pool *pool;
    /* Told of bytes written out of all; not 0 stops.  NULL: nobody is. */
    int (*on_progress)(void *ud, uint64_t done, uint64_t total);
    void *ud;
};

struct gguf_write_sum {
    uint64_t bytes;             /* of the file */
    /* Over the elements of tensors that were re-encoded: the sum of squares,
     * and that of the differences between what was there and what is. */
    double square, square_off;
};

/* Writes `path`, mode 0644; a regular file of that name is replaced.
 * SOR_USAGE: it is the source itself; SOR_IO: not a place to write to, too
 * little room (told before anything is written), a failed write; SOR_FORMAT: a
 * weight that the type cannot hold (tensor, row and value are named);
 * SOR_UNSUP: a type that cannot be decoded; SOR_INTERRUPTED: on_progress()
 * said so; SOR_NOMEM.  Nothing is left behind after an error. */
enum sor_err gguf_write(const char *path, const struct gguf_write *w,
                        struct gguf_write_sum *sum, struct sor_msg *msg);

#endif
