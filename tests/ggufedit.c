/* tests/ggufedit.c - see ggufedit.h. */
#include "tests/ggufedit.h"

#include <assert.h>
#include <string.h>

#include "engine/gguf.h"
#include "tests/mkgguf.h"

struct reader { const uint8_t *p; };

static uint64_t num(struct reader *r, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)*r->p++ << 8 * i;
    return v;
}

static void text(struct reader *r, struct str *out, uint64_t *len)
{
    *len = num(r, 8);
    str_init(out);
    str_put(out, r->p, (size_t)*len);
    r->p += *len;
}

/* Bytes of a value of this type at p. */
static size_t value_bytes(uint32_t type, const uint8_t *p)
{
    struct reader r = { p };

    if (type == GGUF_V_STR)
        return 8 + (size_t)num(&r, 8);
    if (type != GGUF_V_ARR)
        return gguf_vtype_bytes((enum gguf_vtype)type);
    uint32_t each = (uint32_t)num(&r, 4);
    uint64_t n = num(&r, 8);
    for (uint64_t i = 0; i < n; i++)
        r.p += value_bytes(each, r.p);
    return (size_t)(r.p - p);
}

static void open_kv(struct reader *r, struct ggufedit_kv *kv)
{
    *kv = (struct ggufedit_kv){ 0 };
    text(r, &kv->key, &kv->key_len);
    kv->type = (uint32_t)num(r, 4);
    str_init(&kv->value);
    size_t n = value_bytes(kv->type, r->p);
    str_put(&kv->value, r->p, n);
    r->p += n;
}

static void open_tensor(struct reader *r, struct ggufedit_tensor *t)
{
    *t = (struct ggufedit_tensor){ 0 };
    text(r, &t->name, &t->name_len);
    t->n_dims = (uint32_t)num(r, 4);
    for (uint32_t d = 0; d < t->n_dims; d++)
        t->dim[d] = num(r, 8);
    t->type = (uint32_t)num(r, 4);
    t->offset = num(r, 8);
}

void ggufedit_open(struct ggufedit *e, const struct str *file)
{
    const uint8_t *start = (const uint8_t *)file->p;
    struct reader r = { start + 4 };
    size_t at;

    memset(e, 0, sizeof *e);
    memcpy(e->magic, start, 4);
    e->version = (uint32_t)num(&r, 4);
    e->n_tensor = num(&r, 8);
    e->n_kv = num(&r, 8);
    e->align = 32;
    assert(e->n_kv < GGUFEDIT_MOST && e->n_tensor < GGUFEDIT_MOST);
    while (e->kvs < (int)e->n_kv)
        open_kv(&r, &e->kv[e->kvs++]);
    while (e->tensors < (int)e->n_tensor)
        open_tensor(&r, &e->tensor[e->tensors++]);
    at = (size_t)(r.p - start);
    at = (at + e->align - 1) / e->align * e->align;
    str_init(&e->data);
    str_put(&e->data, start + at, file->len - at);
}

void ggufedit_close(struct ggufedit *e)
{
    for (int i = 0; i < e->kvs; i++) {
        str_release(&e->kv[i].key);
        str_release(&e->kv[i].value);
    }
    for (int i = 0; i < e->tensors; i++)
        str_release(&e->tensor[i].name);
    str_release(&e->data);
}

void ggufedit_write(const struct ggufedit *e, struct str *out)
{
    str_put(out, e->magic, 4);
    mkgguf_num(out, e->version, 4);
    mkgguf_num(out, e->n_tensor, 8);
    mkgguf_num(out, e->n_kv, 8);
    for (int i = 0; i < e->kvs; i++) {
        const struct ggufedit_kv *kv = &e->kv[i];

        if (kv->gone)
            continue;
        mkgguf_num(out, kv->key_len, 8);
        str_put(out, kv->key.p, kv->key.len);
        mkgguf_num(out, kv->type, 4);
        str_put(out, kv->value.p, kv->value.len);
    }
    for (int i = 0; i < e->tensors; i++) {
        const struct ggufedit_tensor *t = &e->tensor[i];

        if (t->gone)
            continue;
        mkgguf_num(out, t->name_len, 8);
        str_put(out, t->name.p, t->name.len);
        mkgguf_num(out, t->n_dims, 4);
        for (uint32_t d = 0; d < t->n_dims && d < 8; d++)
            mkgguf_num(out, t->dim[d], 8);
        mkgguf_num(out, t->type, 4);
        mkgguf_num(out, t->offset, 8);
    }
    while (out->len % e->align && str_ok(out))
        str_putc(out, '\0');
    str_put(out, e->data.p, e->data.len);
}

struct ggufedit_kv *ggufedit_kv(struct ggufedit *e, const char *key)
{
    for (int i = 0; i < e->kvs; i++)
        if (!e->kv[i].gone && strcmp(e->kv[i].key.p, key) == 0)
            return &e->kv[i];
    return NULL;
}

struct ggufedit_tensor *ggufedit_tensor(struct ggufedit *e, const char *name)
{
    for (int i = 0; i < e->tensors; i++)
        if (!e->tensor[i].gone && strcmp(e->tensor[i].name.p, name) == 0)
            return &e->tensor[i];
    return NULL;
}

struct ggufedit_kv *ggufedit_add(struct ggufedit *e, const char *key,
                                 uint32_t type)
{
    struct ggufedit_kv *kv = &e->kv[e->kvs++];

    assert(e->kvs <= GGUFEDIT_MOST);
    *kv = (struct ggufedit_kv){ .type = type, .key_len = strlen(key) };
    str_init(&kv->key);
    str_puts(&kv->key, key);
    str_init(&kv->value);
    e->n_kv++;
    return kv;
}

struct ggufedit_kv *ggufedit_set(struct ggufedit *e, const char *key,
                                 uint32_t type)
{
    struct ggufedit_kv *kv = ggufedit_kv(e, key);

    if (!kv)
        return ggufedit_add(e, key, type);
    kv->type = type;
    str_clear(&kv->value);
    return kv;
}
