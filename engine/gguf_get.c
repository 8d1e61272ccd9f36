/* engine/gguf_get.c - the tables of types, and typed reads.
 *
 * Everything here trusts the map: gguf_open() has been over it. */
#include "engine/gguf.h"

#include <inttypes.h>
#include <string.h>

/* --- tables --------------------------------------------------------------- */

/* Source: ggml.c, type_traits, and the block structs of ggml-common.h. */
static const struct gguf_type_info type_table[GGUF_TYPES] = {
    [GGUF_F32]     = { "F32",     1,   4,   1 },
    [GGUF_F16]     = { "F16",     1,   2,   1 },
    [GGUF_Q4_0]    = { "Q4_0",    32,  18,  1 },
    [GGUF_Q4_1]    = { "Q4_1",    32,  20,  1 },
    [GGUF_Q5_0]    = { "Q5_0",    32,  22,  1 },
    [GGUF_Q5_1]    = { "Q5_1",    32,  24,  1 },
    [GGUF_Q8_0]    = { "Q8_0",    32,  34,  1 },
    [GGUF_Q8_1]    = { "Q8_1",    32,  36,  0 },
    [GGUF_Q2_K]    = { "Q2_K",    256, 84,  0 },
    [GGUF_Q3_K]    = { "Q3_K",    256, 110, 0 },
    [GGUF_Q4_K]    = { "Q4_K",    256, 144, 1 },
    [GGUF_Q5_K]    = { "Q5_K",    256, 176, 1 },
    [GGUF_Q6_K]    = { "Q6_K",    256, 210, 1 },
    [GGUF_Q8_K]    = { "Q8_K",    256, 292, 0 },
    [GGUF_IQ2_XXS] = { "IQ2_XXS", 256, 66,  0 },
    [GGUF_IQ2_XS]  = { "IQ2_XS",  256, 74,  0 },
    [GGUF_IQ3_XXS] = { "IQ3_XXS", 256, 98,  0 },
    [GGUF_IQ1_S]   = { "IQ1_S",   256, 50,  0 },
    [GGUF_IQ4_NL]  = { "IQ4_NL",  32,  18,  0 },
    [GGUF_IQ3_S]   = { "IQ3_S",   256, 110, 0 },
    [GGUF_IQ2_S]   = { "IQ2_S",   256, 82,  0 },
    [GGUF_IQ4_XS]  = { "IQ4_XS",  256, 136, 0 },
    [GGUF_I8]      = { "I8",      1,   1,   0 },
    [GGUF_I16]     = { "I16",     1,   2,   0 },
    [GGUF_I32]     = { "I32",     1,   4,   0 },
    [GGUF_I64]     = { "I64",     1,   8,   0 },
    [GGUF_F64]     = { "F64",     1,   8,   0 },
    [GGUF_IQ1_M]   = { "IQ1_M",   256, 56,  0 },
    [GGUF_BF16]    = { "BF16",    1,   2,   1 },
    [GGUF_TQ1_0]   = { "TQ1_0",   256, 54,  0 },
    [GGUF_TQ2_0]   = { "TQ2_0",   256, 66,  0 },
    [GGUF_MXFP4]   = { "MXFP4",   32,  17,  0 },
    [GGUF_NVFP4]   = { "NVFP4",   64,  36,  0 },
    [GGUF_Q1_0]    = { "Q1_0",    128, 18,  0 },
};

/* Bytes of one value; 0 where they vary. */
static const struct { const char *name; uint8_t bytes; }
vtype_table[GGUF_VTYPES] = {
    [GGUF_V_U8]  = { "u8",  1 }, [GGUF_V_I8]   = { "i8",   1 },
    [GGUF_V_U16] = { "u16", 2 }, [GGUF_V_I16]  = { "i16",  2 },
    [GGUF_V_U32] = { "u32", 4 }, [GGUF_V_I32]  = { "i32",  4 },
    [GGUF_V_F32] = { "f32", 4 }, [GGUF_V_BOOL] = { "bool", 1 },
    [GGUF_V_STR] = { "str", 0 }, [GGUF_V_ARR]  = { "arr",  0 },
    [GGUF_V_U64] = { "u64", 8 }, [GGUF_V_I64]  = { "i64",  8 },
    [GGUF_V_F64] = { "f64", 8 },
};

const struct gguf_type_info *gguf_type_info(uint32_t type)
{
    return type < GGUF_TYPES && type_table[type].name ? &type_table[type]
                                                      : NULL;
}

unsigned gguf_vtype_bytes(enum gguf_vtype type)
{
    return vtype_table[type].bytes;
}

const char *gguf_vtype_name(enum gguf_vtype type)
{
    return (unsigned)type < GGUF_VTYPES ? vtype_table[type].name : "?";
}

/* --- reading values, little-endian, any alignment ------------------------- */

uint64_t gguf_load_uint(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static float load_f32(const uint8_t *p)
{
    uint32_t bits = (uint32_t)gguf_load_uint(p, 4);
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

static double load_f64(const uint8_t *p)
{
    uint64_t bits = gguf_load_uint(p, 8);
    double d;

    memcpy(&d, &bits, sizeof d);
    return d;
}

uint64_t gguf_scalar_u64(enum gguf_vtype type, const uint8_t *p)
{
    return (uint64_t)gguf_scalar_i64(type, p);
}

int64_t gguf_scalar_i64(enum gguf_vtype type, const uint8_t *p)
{
    switch (type) {
    case GGUF_V_I8:  return (int8_t)p[0];
    case GGUF_V_I16: return (int16_t)gguf_load_uint(p, 2);
    case GGUF_V_I32: return (int32_t)gguf_load_uint(p, 4);
    default:         return (int64_t)gguf_load_uint(p, vtype_table[type].bytes);
    }
}

double gguf_scalar_f64(enum gguf_vtype type, const uint8_t *p)
{
    switch (type) {
    case GGUF_V_F32: return (double)load_f32(p);
    case GGUF_V_F64: return load_f64(p);
    case GGUF_V_U64: return (double)gguf_load_uint(p, 8);
    default:         return (double)gguf_scalar_i64(type, p);
    }
}

/* --- strings and arrays --------------------------------------------------- */

int gguf_str_is(struct gguf_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

struct gguf_str gguf_kv_str(const struct gguf_kv *kv)
{
    return (struct gguf_str){ (const char *)kv->value + 8,
                              (size_t)gguf_load_uint(kv->value, 8) };
}

const uint8_t *gguf_arr_at(const struct gguf_arr *a, uint64_t i)
{
    return a->data + i * vtype_table[a->type].bytes;
}

int gguf_arr_next(const struct gguf_arr *a, const uint8_t **at_p,
                  struct gguf_str *out)
{
    if (*at_p >= a->end)
        return 0;
    out->n = (size_t)gguf_load_uint(*at_p, 8);
    out->p = (const char *)*at_p + 8;
    *at_p += 8 + out->n;
    return 1;
}

/* --- typed reads by key --------------------------------------------------- */

/* The entry for key, or NULL with *err and msg set. */
static const struct gguf_kv *find(const struct gguf *g, const char *key,
                                  enum sor_err *err, struct sor_msg *msg)
{
    const struct gguf_kv *kv = gguf_kv_find(g, key);

    if (!kv)
        *err = sor_fail(msg, SOR_NOTFOUND, "%s: no key \"%s\"", gguf_path(g),
                        key);
    return kv;
}

static enum sor_err wrong_type(const struct gguf *g, const char *key,
                               enum gguf_vtype have, const char *want,
                               struct sor_msg *msg)
{
    return sor_fail(msg, SOR_FORMAT, "%s: \"%s\" is of type %s, not %s",
                    gguf_path(g), key, gguf_vtype_name(have), want);
}

static int is_int(enum gguf_vtype t)
{
    return t <= GGUF_V_I32 || t == GGUF_V_U64 || t == GGUF_V_I64;
}

static int is_signed(enum gguf_vtype t)
{
    return t == GGUF_V_I8 || t == GGUF_V_I16 || t == GGUF_V_I32 ||
           t == GGUF_V_I64;
}

static enum sor_err read_uint(const struct gguf *g, const char *key,
                              uint64_t max, uint64_t *out, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;
    const struct gguf_kv *kv = find(g, key, &err, msg);

    if (!kv)
        return err;
    if (!is_int(kv->type))
        return wrong_type(g, key, kv->type, "an integer", msg);
    int64_t as_signed = gguf_scalar_i64(kv->type, kv->value);
    if (is_signed(kv->type) && as_signed < 0)
        return sor_fail(msg, SOR_FORMAT, "%s: \"%s\" is %" PRId64
                        ", below 0", gguf_path(g), key, as_signed);
    uint64_t v = gguf_scalar_u64(kv->type, kv->value);
    if (v > max)
        return sor_fail(msg, SOR_FORMAT, "%s: \"%s\" is %" PRIu64 ", over %"
                        PRIu64, gguf_path(g), key, v, max);
    *out = v;
    return SOR_OK;
}

enum sor_err gguf_u64(const struct gguf *g, const char *key, uint64_t *out,
                      struct sor_msg *msg)
{
    return read_uint(g, key, UINT64_MAX, out, msg);
}

enum sor_err gguf_u32(const struct gguf *g, const char *key, uint32_t *out,
                      struct sor_msg *msg)
{
    uint64_t v;
    enum sor_err err = read_uint(g, key, UINT32_MAX, &v, msg);

    if (!err)
        *out = (uint32_t)v;
    return err;
}

enum sor_err gguf_f32(const struct gguf *g, const char *key, float *out,
                      struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;
    const struct gguf_kv *kv = find(g, key, &err, msg);

    if (!kv)
        return err;
    if (kv->type != GGUF_V_F32 && kv->type != GGUF_V_F64)
        return wrong_type(g, key, kv->type, "f32", msg);
    *out = (float)gguf_scalar_f64(kv->type, kv->value);
    return SOR_OK;
}

enum sor_err gguf_bool(const struct gguf *g, const char *key, int *out,
                       struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;
    const struct gguf_kv *kv = find(g, key, &err, msg);

    if (!kv)
        return err;
    if (kv->type != GGUF_V_BOOL)
        return wrong_type(g, key, kv->type, "bool", msg);
    *out = kv->value[0];
    return SOR_OK;
}

enum sor_err gguf_str(const struct gguf *g, const char *key,
                      struct gguf_str *out, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;
    const struct gguf_kv *kv = find(g, key, &err, msg);

    if (!kv)
        return err;
    if (kv->type != GGUF_V_STR)
        return wrong_type(g, key, kv->type, "str", msg);
    *out = gguf_kv_str(kv);
    return SOR_OK;
}

enum sor_err gguf_arr(const struct gguf *g, const char *key,
                      enum gguf_vtype type, struct gguf_arr *out,
                      struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;
    const struct gguf_kv *kv = find(g, key, &err, msg);

    if (!kv)
        return err;
    if (kv->type != GGUF_V_ARR)
        return wrong_type(g, key, kv->type, "arr", msg);
    if (kv->arr.type != type)
        return sor_fail(msg, SOR_FORMAT, "%s: \"%s\" is an array of %s, not "
                        "of %s", gguf_path(g), key,
                        gguf_vtype_name(kv->arr.type), gguf_vtype_name(type));
    *out = kv->arr;
    return SOR_OK;
}
