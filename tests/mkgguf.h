/* tests/mkgguf.h - puts a GGUF file together in memory, well-formed or, for
 * tests of the loader, as wrong as asked.
 *
 * Source: GGUF specification, ggml docs/gguf.md, version 3. */
#ifndef TESTS_MKGGUF_H
#define TESTS_MKGGUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct mkgguf {
    struct str kv, info, data;
    uint64_t   n_kv, n_tensor;
    uint32_t   version, align;
};

void mkgguf_init(struct mkgguf *m);     /* version 3, alignment 32 */
void mkgguf_release(struct mkgguf *m);

/* Metadata entries. */
void mkgguf_str(struct mkgguf *m, const char *key, const char *value);
void mkgguf_u32(struct mkgguf *m, const char *key, uint32_t value);
void mkgguf_f32(struct mkgguf *m, const char *key, float value);
void mkgguf_bool(struct mkgguf *m, const char *key, int value);
/* An array of n strings that lie one after the other, NUL-terminated. */
void mkgguf_strs(struct mkgguf *m, const char *key, const char *values,
                 uint64_t n);
void mkgguf_i32s(struct mkgguf *m, const char *key, const int32_t *values,
                 uint64_t n);
/* A key, a type number, and whatever bytes come after it. */
void mkgguf_raw(struct mkgguf *m, const char *key, uint32_t type,
                const void *bytes, size_t n);

/* A tensor of n_dims dimensions with its n bytes of data. */
struct mkgguf_tensor {
    const char *name;
    uint32_t    type, n_dims;
    uint64_t    dim[4];
};
void mkgguf_tensor(struct mkgguf *m, const struct mkgguf_tensor *t,
                   const void *bytes, size_t n);

/* The whole file, appended to out. */
void mkgguf_file(const struct mkgguf *m, struct str *out);

/* Writes bytes to a file of mode 0600. */
enum sor_err mkgguf_save(const char *path, const struct str *bytes,
                         struct sor_msg *msg);

/* Numbers, little-endian. */
void mkgguf_num(struct str *out, uint64_t v, unsigned bytes);

#endif
