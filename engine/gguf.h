/* engine/gguf.h - a GGUF file, mapped read-only and checked before use.
 *
 * gguf_open() walks every metadata entry and every tensor record once; after
 * it returns, no length, offset, type or name in the file can lead outside
 * the map, so the getters below never fail for a reason of memory safety.
 *
 * Ownership  the struct owns the map; every string, array and tensor pointer
 *            handed out lies in it and dies with gguf_close().
 * Threads    read-only after gguf_open(): any number of readers.
 * Errors     one sentence naming file, offset or field, value and limit.
 * Source     GGUF specification, ggml docs/gguf.md, versions 2 and 3. */
#ifndef ENGINE_GGUF_H
#define ENGINE_GGUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Tensor element types, numbered as in the file (ggml.h, enum ggml_type).
 * The numbers missing here were withdrawn and are refused. */
enum gguf_type {
    GGUF_F32 = 0,      GGUF_F16 = 1,      GGUF_Q4_0 = 2,     GGUF_Q4_1 = 3,
    GGUF_Q5_0 = 6,     GGUF_Q5_1 = 7,     GGUF_Q8_0 = 8,     GGUF_Q8_1 = 9,
    GGUF_Q2_K = 10,    GGUF_Q3_K = 11,    GGUF_Q4_K = 12,    GGUF_Q5_K = 13,
    GGUF_Q6_K = 14,    GGUF_Q8_K = 15,    GGUF_IQ2_XXS = 16, GGUF_IQ2_XS = 17,
    GGUF_IQ3_XXS = 18, GGUF_IQ1_S = 19,   GGUF_IQ4_NL = 20,  GGUF_IQ3_S = 21,
    GGUF_IQ2_S = 22,   GGUF_IQ4_XS = 23,  GGUF_I8 = 24,      GGUF_I16 = 25,
    GGUF_I32 = 26,     GGUF_I64 = 27,     GGUF_F64 = 28,     GGUF_IQ1_M = 29,
    GGUF_BF16 = 30,    GGUF_TQ1_0 = 34,   GGUF_TQ2_0 = 35,   GGUF_MXFP4 = 39,
    GGUF_NVFP4 = 40,   GGUF_Q1_0 = 41,    GGUF_TYPES = 42
};

struct gguf_type_info {
    const char *name;           /* "Q4_1"; NULL: no such type */
    uint16_t    block;          /* elements in a block */
    uint16_t    bytes;          /* bytes in a block */
    uint8_t     known;          /* 1: the engine computes with it */
};

/* The type's row, or NULL for a number that names no type. */
const struct gguf_type_info *gguf_type_info(uint32_t type);

/* Metadata value types, numbered as in the file. */
enum gguf_vtype {
    GGUF_V_U8,  GGUF_V_I8,  GGUF_V_U16, GGUF_V_I16, GGUF_V_U32, GGUF_V_I32,
    GGUF_V_F32, GGUF_V_BOOL, GGUF_V_STR, GGUF_V_ARR, GGUF_V_U64, GGUF_V_I64,
    GGUF_V_F64, GGUF_VTYPES
};

const char *gguf_vtype_name(enum gguf_vtype type);  /* "u32", "str", "arr" */
/* Bytes of one value; 0 where they vary (strings, arrays). */
unsigned gguf_vtype_bytes(enum gguf_vtype type);

/* Bytes in the map, not NUL-terminated, any value. */
struct gguf_str {
    const char *p;
    size_t      n;
};

/* An array in the map; elements are little-endian and unaligned. */
struct gguf_arr {
    enum gguf_vtype type;       /* of the elements; never GGUF_V_ARR */
    uint64_t        count;
    const uint8_t  *data;       /* first element */
    const uint8_t  *end;        /* one past the last one's bytes */
};

struct gguf_kv {
    struct gguf_str key;
    enum gguf_vtype type;
    const uint8_t  *value;      /* in the map, unaligned */
    struct gguf_arr arr;        /* where type is GGUF_V_ARR */
};

enum {
    GGUF_MAX_DIMS = 4,
    GGUF_MAX_NAME = 63,         /* bytes in a tensor's name */
    GGUF_MAX_KEY = 65535,       /* bytes in a metadata key */
    GGUF_MAX_ENTRIES = 65536    /* metadata entries, and tensors */
};

/* Row-major: element (i, j) of a matrix is at data + j * row + i, where
 * dim[0] is the row's length.  Unused dimensions are 1. */
struct gguf_tensor {
    struct gguf_str name;
    enum gguf_type  type;
    uint32_t        n_dims;     /* 1..4 */
    uint64_t        dim[GGUF_MAX_DIMS];
    const uint8_t  *data;       /* in the map, at the file's alignment */
    uint64_t        bytes;
};

struct gguf;

/* Maps and validates `path`.  SOR_IO: cannot be opened or is no regular file;
 * SOR_FORMAT: malformed; SOR_UNSUP: version 1, big-endian or an unknown tensor
 * type; SOR_NOMEM. */
enum sor_err gguf_open(const char *path, struct gguf **out,
                       struct sor_msg *msg);
void gguf_close(struct gguf *g);                /* accepts NULL */

const char *gguf_path(const struct gguf *g);
uint32_t gguf_version(const struct gguf *g);    /* 2 or 3 */
uint32_t gguf_alignment(const struct gguf *g);  /* of tensor data, bytes */
const uint8_t *gguf_map(const struct gguf *g);  /* the whole file */
uint64_t gguf_size(const struct gguf *g);       /* its bytes */
uint64_t gguf_header_bytes(const struct gguf *g);   /* before tensor data */

/* The path of the open file whose map holds p, or NULL.  A file that is cut
 * short while it is mapped raises SIGBUS where it is read: this is for the
 * handler, which may call it (async-signal-safe). */
const char *gguf_path_at(const void *p);

/* The whole pages in p[0..n) of a map have served: the kernel may have them
 * back.  They return when somebody reads there again. */
void gguf_drop_pages(const uint8_t *p, uint64_t n);

/* Metadata by index, in file order (i < gguf_n_kv), or by NUL-terminated key
 * (NULL where there is none). */
size_t gguf_n_kv(const struct gguf *g);
const struct gguf_kv *gguf_kv_at(const struct gguf *g, size_t i);
const struct gguf_kv *gguf_kv_find(const struct gguf *g, const char *key);

/* Typed reads by key.  SOR_NOTFOUND: no such key; SOR_FORMAT: it has another
 * type, or the value does not fit (integers of any width are accepted where
 * the value fits; f32 accepts f64).  *out is left alone on failure.  msg may
 * be NULL. */
enum sor_err gguf_u32(const struct gguf *g, const char *key, uint32_t *out,
                      struct sor_msg *msg);
enum sor_err gguf_u64(const struct gguf *g, const char *key, uint64_t *out,
                      struct sor_msg *msg);
enum sor_err gguf_f32(const struct gguf *g, const char *key, float *out,
                      struct sor_msg *msg);
enum sor_err gguf_bool(const struct gguf *g, const char *key, int *out,
                       struct sor_msg *msg);
enum sor_err gguf_str(const struct gguf *g, const char *key,
                      struct gguf_str *out, struct sor_msg *msg);
/* `type`: the element type wanted. */
enum sor_err gguf_arr(const struct gguf *g, const char *key,
                      enum gguf_vtype type, struct gguf_arr *out,
                      struct sor_msg *msg);

/* The next string of a string array; 0 at its end.  Start with *at = a->data:
 *     for (at = a.data; gguf_arr_next(&a, &at, &s); ) */
int gguf_arr_next(const struct gguf_arr *a, const uint8_t **at,
                  struct gguf_str *out);

/* A scalar at `p`, widened.  i64 and u64 (which keeps u64 values over
 * INT64_MAX) read integers and bools; f64 reads every scalar. */
int64_t  gguf_scalar_i64(enum gguf_vtype type, const uint8_t *p);
uint64_t gguf_scalar_u64(enum gguf_vtype type, const uint8_t *p);
double   gguf_scalar_f64(enum gguf_vtype type, const uint8_t *p);

/* Element i < count of an array of scalars. */
const uint8_t *gguf_arr_at(const struct gguf_arr *a, uint64_t i);

/* `bytes` (1..8) little-endian bytes. */
uint64_t gguf_load_uint(const uint8_t *p, unsigned bytes);

/* The string value of a GGUF_V_STR entry. */
struct gguf_str gguf_kv_str(const struct gguf_kv *kv);

/* 1 where s holds exactly the NUL-terminated text. */
int gguf_str_is(struct gguf_str s, const char *text);

/* Tensors by index, in file order, or by NUL-terminated name (NULL where there
 * is none; binary search). */
size_t gguf_n_tensors(const struct gguf *g);
const struct gguf_tensor *gguf_tensor_at(const struct gguf *g, size_t i);
const struct gguf_tensor *gguf_tensor(const struct gguf *g, const char *name);

#endif
