/* tests/ggufedit.h - takes a good GGUF file apart and puts it together again
 * with one thing wrong.
 *
 * Source: GGUF specification, ggml docs/gguf.md, version 3. */
#ifndef TESTS_GGUFEDIT_H
#define TESTS_GGUFEDIT_H

#include <stdint.h>

#include "base/str.h"

enum { GGUFEDIT_MOST = 128 };           /* entries, and tensors */

struct ggufedit {
    char magic[4];
    uint32_t version;
    uint64_t n_tensor, n_kv;            /* as the header will say */
    struct ggufedit_kv {
        struct str key, value;          /* value: the bytes after the type */
        uint64_t key_len;               /* as the file will say */
        uint32_t type;
        int gone;                       /* 1: not written */
    } kv[GGUFEDIT_MOST];
    struct ggufedit_tensor {
        struct str name;
        uint64_t name_len, dim[8], offset;
        uint32_t n_dims, type;
        int gone;
    } tensor[GGUFEDIT_MOST];
    int kvs, tensors;                   /* that there are */
    struct str data;
    uint32_t align;
};

/* The parts of a file that is known to be good. */
void ggufedit_open(struct ggufedit *e, const struct str *file);
void ggufedit_close(struct ggufedit *e);
/* The file again, appended to out. */
void ggufedit_write(const struct ggufedit *e, struct str *out);

struct ggufedit_kv *ggufedit_kv(struct ggufedit *e, const char *key);
struct ggufedit_tensor *ggufedit_tensor(struct ggufedit *e, const char *name);
/* The entry `key`, made where there is none; its value is empty. */
struct ggufedit_kv *ggufedit_set(struct ggufedit *e, const char *key,
                                 uint32_t type);
/* One more entry with this key. */
struct ggufedit_kv *ggufedit_add(struct ggufedit *e, const char *key,
                                 uint32_t type);

#endif
