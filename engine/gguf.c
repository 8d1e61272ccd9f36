/* engine/gguf.c - see gguf.h.
 *
 * DESIGN  The file is a stranger's.  One cursor reads it front to back; its
 * take() is the only place that moves a pointer, and an error in it sticks, so
 * a parser reads on in straight lines and is asked once whether all went well.
 * Nothing is sized by a count from the file before the count has been held
 * against the bytes that are left. */
#define _DEFAULT_SOURCE         /* madvise(): glibc's posix_madvise() does not
                                 * drop pages */
#include "engine/gguf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    HEADER_BYTES = 24,          /* magic, version, two counts */
    KV_BYTES_MIN = 13,          /* key length, one byte of key, type */
    TENSOR_BYTES_MIN = 24,      /* name length, n_dims, type, offset */
    ALIGN_MIN = 8, ALIGN_DEFAULT = 32, ALIGN_MAX = 4096
};

struct gguf {
    char          *path;
    const uint8_t *map;
    size_t         size;
    uint32_t       version, align;
    size_t         n_kv, n_tensor;
    uint64_t       header;          /* where tensor data starts */
    struct gguf_kv      *kv;        /* [n_kv], file order */
    const struct gguf_kv **by_key;  /* [n_kv], sorted */
    struct gguf_tensor  *tensor;    /* [n_tensor], file order */
    const struct gguf_tensor **by_name;     /* [n_tensor], sorted */
};

/* --- the cursor ----------------------------------------------------------- */

struct cursor {
    const uint8_t  *start, *p, *end;
    const char     *path;
    enum sor_err    err;        /* the first one sticks */
    struct sor_msg *msg;
};

static uint64_t at(const struct cursor *c)
{
    return (uint64_t)(c->p - c->start);
}

static uint64_t left(const struct cursor *c)
{
    return (uint64_t)(c->end - c->p);
}

/* The next n bytes, or NULL after an error. */
static const uint8_t *take(struct cursor *c, uint64_t n, const char *what)
{
    const uint8_t *p = c->p;

    if (c->err)
        return NULL;
    if (n > left(c)) {
        c->err = sor_fail(c->msg, SOR_FORMAT, "%s: cut short or damaged: at "
                          "byte %" PRIu64 " %s takes %" PRIu64 " bytes, but "
                          "%" PRIu64 " are left", c->path, at(c), what, n,
                          left(c));
        return NULL;
    }
    c->p += n;
    return p;
}

/* An unsigned integer, or 0 after an error. */
static uint64_t take_uint(struct cursor *c, unsigned bytes, const char *what)
{
    const uint8_t *p = take(c, bytes, what);

    return p ? gguf_load_uint(p, bytes) : 0;
}

static struct gguf_str take_str(struct cursor *c, const char *what)
{
    uint64_t n = take_uint(c, 8, what);
    const uint8_t *p = take(c, n, what);

    return p ? (struct gguf_str){ (const char *)p, (size_t)n }
             : (struct gguf_str){ "", 0 };
}

/* Fails unless low <= v <= high; `field` of `whose` is named. */
static void check(struct cursor *c, const char *field, struct gguf_str whose,
                  uint64_t v, const uint64_t range[2])
{
    int show = (int)(whose.n < 80 ? whose.n : 80);

    if (!c->err && (v < range[0] || v > range[1]))
        c->err = sor_fail(c->msg, SOR_FORMAT, "%s: before byte %" PRIu64
                          ": %s%s%.*s%s is %" PRIu64 ", outside %" PRIu64
                          "..%" PRIu64, c->path, at(c), field,
                          show ? " of \"" : "", show, whose.p,
                          show ? "\"" : "", v, range[0], range[1]);
}

#define CHECK(c, field, whose, v, low, high) \
    check(c, field, whose, v, (const uint64_t[2]){ low, high })

/* Fails unless a count of things of at least `each` bytes can be true. */
static void fits(struct cursor *c, const char *what, struct gguf_str whose,
                 uint64_t count, unsigned each)
{
    int show = (int)(whose.n < 80 ? whose.n : 80);

    if (!c->err && count > left(c) / each)
        c->err = sor_fail(c->msg, SOR_FORMAT, "%s: cut short or damaged: "
                          "before byte %" PRIu64 " %s%s%.*s%s is %" PRIu64
                          ", but the %" PRIu64 " bytes left hold %" PRIu64
                          " at most", c->path, at(c), what,
                          show ? " of \"" : "", show, whose.p,
                          show ? "\"" : "", count, left(c), left(c) / each);
}

static const struct gguf_str nobody = { "", 0 };

/* --- metadata ------------------------------------------------------------- */

static void take_bools(struct cursor *c, struct gguf_str key, uint64_t n)
{
    const uint8_t *p = take(c, n, "a bool");

    for (uint64_t i = 0; p && i < n && !c->err; i++)
        CHECK(c, "a bool", key, p[i], 0, 1);
}

static void take_array(struct cursor *c, struct gguf_str key,
                       struct gguf_arr *a)
{
    uint64_t type = take_uint(c, 4, "an array's type");

    a->count = take_uint(c, 8, "an array's count");
    CHECK(c, "element type", key, type, 0, GGUF_VTYPES - 1);
    if (!c->err && type == GGUF_V_ARR)
        c->err = sor_fail(c->msg, SOR_FORMAT, "%s: before byte %" PRIu64
                          ": \"%.*s\" is an array of arrays, which no model "
                          "file needs", c->path, at(c),
                          (int)(key.n < 80 ? key.n : 80), key.p);
    if (c->err)
        return;
    a->type = (enum gguf_vtype)type;
    unsigned each = gguf_vtype_bytes(a->type);
    /* a string takes at least the 8 bytes of its length */
    fits(c, "the array count", key, a->count, each ? each : 8);
    a->data = c->p;
    if (type == GGUF_V_BOOL)
        take_bools(c, key, a->count);
    else if (each)
        take(c, a->count * each, "an array");
    else
        for (uint64_t i = 0; i < a->count && !c->err; i++)
            take_str(c, "a string");
    a->end = c->p;
}

/* Keys are ASCII; without control characters they can be shown. */
static void check_key(struct cursor *c, struct gguf_str key)
{
    CHECK(c, "key length", nobody, key.n, 1, GGUF_MAX_KEY);
    for (size_t i = 0; i < key.n && !c->err; i++)
        CHECK(c, "a character of the key", key, (uint8_t)key.p[i], ' ', '~');
}

static void take_kv(struct cursor *c, struct gguf_kv *kv)
{
    kv->key = take_str(c, "a key");
    check_key(c, kv->key);
    uint64_t type = take_uint(c, 4, "a value's type");
    CHECK(c, "value type", kv->key, type, 0, GGUF_VTYPES - 1);
    if (c->err)
        return;
    kv->type = (enum gguf_vtype)type;
    kv->value = c->p;
    if (kv->type == GGUF_V_ARR)
        take_array(c, kv->key, &kv->arr);
    else if (kv->type == GGUF_V_STR)
        take_str(c, "a string");
    else if (kv->type == GGUF_V_BOOL)
        take_bools(c, kv->key, 1);
    else
        take(c, gguf_vtype_bytes(kv->type), "a value");
}

/* --- tensors -------------------------------------------------------------- */

/* Bytes of a tensor; dims and type are known to be sane one by one. */
static void size_tensor(struct cursor *c, struct gguf_tensor *t)
{
    const struct gguf_type_info *ti = gguf_type_info(t->type);
    size_t bytes = ti->bytes;
    int over = t->dim[0] > SIZE_MAX / 2;

    if (!c->err && t->dim[0] % ti->block)
        c->err = sor_fail(c->msg, SOR_FORMAT, "%s: tensor \"%.*s\": rows of %"
                          PRIu64 " elements are not whole blocks of %d (%s)",
                          c->path, (int)t->name.n, t->name.p, t->dim[0],
                          ti->block, ti->name);
    over |= mem_mul(bytes, (size_t)(t->dim[0] / ti->block), &bytes) < 0;
    for (int d = 1; d < GGUF_MAX_DIMS; d++)
        over |= t->dim[d] > SIZE_MAX / 2 ||
                mem_mul(bytes, (size_t)t->dim[d], &bytes) < 0;
    if (!c->err && over)
        c->err = sor_fail(c->msg, SOR_FORMAT, "%s: tensor \"%.*s\": %" PRIu64
                          " x %" PRIu64 " x %" PRIu64 " x %" PRIu64
                          " elements of %s do not fit a machine word", c->path,
                          (int)t->name.n, t->name.p, t->dim[0], t->dim[1],
                          t->dim[2], t->dim[3], ti->name);
    t->bytes = bytes;
}

/* Reads one record.  Its offset goes into *offset: where the data starts is
 * known only after the last record. */
static void take_tensor(struct cursor *c, struct gguf_tensor *t,
                        uint64_t *offset)
{
    t->name = take_str(c, "a tensor's name");
    CHECK(c, "tensor name length", nobody, t->name.n, 1, GGUF_MAX_NAME);
    t->n_dims = (uint32_t)take_uint(c, 4, "a tensor's dimensions");
    CHECK(c, "dimensions", t->name, t->n_dims, 1, GGUF_MAX_DIMS);
    for (uint32_t d = 0; d < GGUF_MAX_DIMS; d++) {
        t->dim[d] = 1;
        if (c->err || d >= t->n_dims)
            continue;
        t->dim[d] = take_uint(c, 8, "a dimension");
        CHECK(c, "a dimension", t->name, t->dim[d], 1, INT64_MAX);
    }
    uint64_t type = take_uint(c, 4, "a tensor's type");
    if (!c->err && (type > UINT32_MAX || !gguf_type_info((uint32_t)type)))
        c->err = sor_fail(c->msg, SOR_UNSUP, "%s: before byte %" PRIu64
                          ": tensor \"%.*s\" has type %" PRIu64 ", which this "
                          "build does not know", c->path, at(c),
                          (int)t->name.n, t->name.p, type);
    *offset = take_uint(c, 8, "a tensor's offset");
    if (c->err)
        return;
    t->type = (enum gguf_type)type;
    size_tensor(c, t);
}

/* Turns an offset into a pointer: aligned, and the data inside the file. */
static enum sor_err place_tensor(const struct gguf *g, struct gguf_tensor *t,
                                 uint64_t offset, struct sor_msg *msg)
{
    uint64_t room = g->size - g->header;
    int n = (int)t->name.n;

    if (offset % g->align)
        return sor_fail(msg, SOR_FORMAT, "%s: tensor \"%.*s\": offset %" PRIu64
                        " is no multiple of the alignment %" PRIu32, g->path,
                        n, t->name.p, offset, g->align);
    if (offset > room || t->bytes > room - offset)
        return sor_fail(msg, SOR_FORMAT, "%s: cut short or damaged: tensor "
                        "\"%.*s\" needs %" PRIu64 " bytes at offset %" PRIu64
                        " of the data, which has %" PRIu64, g->path, n,
                        t->name.p, t->bytes, offset, room);
    t->data = g->map + g->header + offset;
    return SOR_OK;
}

/* --- order: duplicates, overlaps, look-up --------------------------------- */

static int str_cmp(struct gguf_str a, struct gguf_str b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int cmp_key(const void *a, const void *b)
{
    return str_cmp((*(const struct gguf_kv *const *)a)->key,
                   (*(const struct gguf_kv *const *)b)->key);
}

static int cmp_name(const void *a, const void *b)
{
    return str_cmp((*(const struct gguf_tensor *const *)a)->name,
                   (*(const struct gguf_tensor *const *)b)->name);
}

static int cmp_data(const void *a, const void *b)
{
    const struct gguf_tensor *x = *(const struct gguf_tensor *const *)a;
    const struct gguf_tensor *y = *(const struct gguf_tensor *const *)b;

    return (x->data > y->data) - (x->data < y->data);
}

static enum sor_err index_keys(struct gguf *g, struct sor_msg *msg)
{
    for (size_t i = 0; i < g->n_kv; i++)
        g->by_key[i] = &g->kv[i];
    qsort(g->by_key, g->n_kv, sizeof *g->by_key, cmp_key);
    for (size_t i = 1; i < g->n_kv; i++) {
        struct gguf_str k = g->by_key[i]->key;

        if (str_cmp(g->by_key[i - 1]->key, k) == 0)
            return sor_fail(msg, SOR_FORMAT, "%s: the key \"%.*s\" is there "
                            "twice", g->path, (int)(k.n < 80 ? k.n : 80), k.p);
    }
    return SOR_OK;
}

static enum sor_err index_tensors(struct gguf *g, struct sor_msg *msg)
{
    const struct gguf_tensor **v = g->by_name;

    for (size_t i = 0; i < g->n_tensor; i++)
        v[i] = &g->tensor[i];
    qsort(v, g->n_tensor, sizeof *v, cmp_data);
    for (size_t i = 1; i < g->n_tensor; i++)
        if (v[i]->data < v[i - 1]->data + v[i - 1]->bytes)
            return sor_fail(msg, SOR_FORMAT, "%s: tensors \"%.*s\" and "
                            "\"%.*s\" overlap at byte %" PRIu64, g->path,
                            (int)v[i - 1]->name.n, v[i - 1]->name.p,
                            (int)v[i]->name.n, v[i]->name.p,
                            (uint64_t)(v[i]->data - g->map));
    qsort(v, g->n_tensor, sizeof *v, cmp_name);
    for (size_t i = 1; i < g->n_tensor; i++)
        if (str_cmp(v[i - 1]->name, v[i]->name) == 0)
            return sor_fail(msg, SOR_FORMAT, "%s: the tensor \"%.*s\" is "
                            "there twice", g->path, (int)v[i]->name.n,
                            v[i]->name.p);
    return SOR_OK;
}

/* --- maps in use ---------------------------------------------------------- */

/* For gguf_path_at(), which a signal's handler asks: no lock, no allocation.
 * Where more files than this are open, some are not found. */
static _Atomic(struct gguf *) in_use[16];
enum { IN_USE = sizeof in_use / sizeof in_use[0] };

/* The first slot that holds `was` takes `now`. */
static void swap_in_use(struct gguf *was, struct gguf *now)
{
    for (int i = 0; i < IN_USE; i++) {
        struct gguf *expected = was;

        if (atomic_compare_exchange_strong(&in_use[i], &expected, now))
            return;
    }
}

const char *gguf_path_at(const void *p)
{
    uintptr_t at = (uintptr_t)p;

    for (int i = 0; i < IN_USE; i++) {
        const struct gguf *g = atomic_load(&in_use[i]);

        if (g && at - (uintptr_t)g->map < g->size)
            return g->path;
    }
    return NULL;
}

/* --- opening -------------------------------------------------------------- */

static enum sor_err map_file(struct gguf *g, struct sor_msg *msg)
{
    /* O_NONBLOCK: a FIFO must not hold us up */
    int fd = open(g->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    enum sor_err err = SOR_OK;

    if (fd < 0 || fstat(fd, &st) < 0)
        err = sor_fail(msg, SOR_IO, "%s: %s", g->path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        err = sor_fail(msg, SOR_IO, "%s: is %s, not a model file", g->path,
                       S_ISDIR(st.st_mode) ? "a directory"
                                           : "no regular file");
    else if (st.st_size < HEADER_BYTES)
        err = sor_fail(msg, SOR_FORMAT, "%s: %lld bytes are too few for a "
                       "GGUF header, which takes %d", g->path,
                       (long long)st.st_size, HEADER_BYTES);
    else {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
                         fd, 0);
        if (map == MAP_FAILED)
            err = sor_fail(msg, SOR_IO, "%s: cannot map %lld bytes: %s",
                           g->path, (long long)st.st_size, strerror(errno));
        else {
            g->map = map;
            g->size = (size_t)st.st_size;
            swap_in_use(NULL, g);
        }
    }
    if (fd >= 0)
        close(fd);              /* the map stays */
    return err;
}

/* Magic, version and the two counts. */
static void take_header(struct cursor *c, struct gguf *g)
{
    const uint8_t *magic = take(c, 4, "the magic");

    if (memcmp(magic, "GGUF", 4) != 0) {
        c->err = sor_fail(c->msg, SOR_FORMAT, "%s: not a GGUF file: it starts "
                          "with %02x %02x %02x %02x, not \"GGUF\"", c->path,
                          magic[0], magic[1], magic[2], magic[3]);
        return;
    }
    g->version = (uint32_t)take_uint(c, 4, "the version");
    if (g->version != 2 && g->version != 3) {
        int swapped = (g->version & 0xffff) == 0 && g->version != 0;

        c->err = swapped
            ? sor_fail(c->msg, SOR_UNSUP, "%s: a big-endian GGUF file; this "
                       "build reads little-endian ones", c->path)
            : sor_fail(c->msg, SOR_UNSUP, "%s: GGUF version %" PRIu32 "; this "
                       "build reads versions 2 and 3", c->path, g->version);
        return;
    }
    uint64_t n_tensor = take_uint(c, 8, "the tensor count");
    uint64_t n_kv = take_uint(c, 8, "the metadata count");

    fits(c, "the metadata count", nobody, n_kv, KV_BYTES_MIN);
    CHECK(c, "the metadata count", nobody, n_kv, 0, GGUF_MAX_ENTRIES);
    fits(c, "the tensor count", nobody, n_tensor, TENSOR_BYTES_MIN);
    CHECK(c, "the tensor count", nobody, n_tensor, 0, GGUF_MAX_ENTRIES);
    g->n_kv = (size_t)n_kv;
    g->n_tensor = (size_t)n_tensor;
}

static enum sor_err read_kv(struct cursor *c, struct gguf *g)
{
    g->kv = mem_calloc(g->n_kv, sizeof *g->kv);
    g->by_key = mem_calloc(g->n_kv, sizeof *g->by_key);
    if (!g->kv || !g->by_key)
        return sor_fail(c->msg, SOR_NOMEM, "%s: out of memory for %zu "
                        "metadata entries", g->path, g->n_kv);
    for (size_t i = 0; i < g->n_kv && !c->err; i++)
        take_kv(c, &g->kv[i]);
    if (c->err)
        return c->err;
    enum sor_err err = index_keys(g, c->msg);
    if (err)
        return err;
    g->align = ALIGN_DEFAULT;
    err = gguf_u32(g, "general.alignment", &g->align, c->msg);
    if (err && err != SOR_NOTFOUND)
        return err;
    if (g->align < ALIGN_MIN || g->align > ALIGN_MAX ||
        (g->align & (g->align - 1)))
        return sor_fail(c->msg, SOR_FORMAT, "%s: general.alignment is %" PRIu32
                        ", not a power of two in %d..%d", g->path, g->align,
                        ALIGN_MIN, ALIGN_MAX);
    return SOR_OK;
}

static enum sor_err read_tensors(struct cursor *c, struct gguf *g)
{
    enum sor_err err = SOR_OK;
    uint64_t *offset = mem_calloc(g->n_tensor, sizeof *offset);

    g->tensor = mem_calloc(g->n_tensor, sizeof *g->tensor);
    g->by_name = mem_calloc(g->n_tensor, sizeof *g->by_name);
    if (!offset || !g->tensor || !g->by_name)
        err = sor_fail(c->msg, SOR_NOMEM, "%s: out of memory for %zu tensor "
                       "records", g->path, g->n_tensor);
    for (size_t i = 0; i < g->n_tensor && !err; i++) {
        take_tensor(c, &g->tensor[i], &offset[i]);
        err = c->err;
    }
    g->header = (at(c) + g->align - 1) & ~(uint64_t)(g->align - 1);
    if (g->header > g->size)    /* no data at all */
        g->header = g->size;
    for (size_t i = 0; i < g->n_tensor && !err; i++)
        err = place_tensor(g, &g->tensor[i], offset[i], c->msg);
    mem_free(offset);
    return err ? err : index_tensors(g, c->msg);
}

enum sor_err gguf_open(const char *path, struct gguf **out,
                       struct sor_msg *msg)
{
    struct gguf *g = mem_calloc(1, sizeof *g);
    enum sor_err err = SOR_NOMEM;

    if (!g || !(g->path = mem_strdup(path))) {
        sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
        goto fail;
    }
    if ((err = map_file(g, msg)))
        goto fail;
    struct cursor c = { .start = g->map, .p = g->map,
                        .end = g->map + g->size, .path = g->path, .msg = msg };
    take_header(&c, g);
    if ((err = c.err) || (err = read_kv(&c, g)) || (err = read_tensors(&c, g)))
        goto fail;
    *out = g;
    return SOR_OK;
fail:
    gguf_close(g);
    return err;
}

void gguf_close(struct gguf *g)
{
    if (!g)
        return;
    if (g->map) {
        swap_in_use(g, NULL);
        munmap((void *)(uintptr_t)g->map, g->size);
    }
    mem_free(g->kv);
    mem_free(g->by_key);
    mem_free(g->tensor);
    mem_free(g->by_name);
    mem_free(g->path);
    mem_free(g);
}

void gguf_drop_pages(const uint8_t *p, uint64_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)p + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)p + n) / page * page;

    if (from < to)
        madvise((void *)from, to - from, MADV_DONTNEED);
}

/* --- asking --------------------------------------------------------------- */

const char *gguf_path(const struct gguf *g) { return g->path; }
uint32_t gguf_version(const struct gguf *g) { return g->version; }
uint32_t gguf_alignment(const struct gguf *g) { return g->align; }
const uint8_t *gguf_map(const struct gguf *g) { return g->map; }
uint64_t gguf_size(const struct gguf *g) { return g->size; }
uint64_t gguf_header_bytes(const struct gguf *g) { return g->header; }
size_t gguf_n_kv(const struct gguf *g) { return g->n_kv; }
size_t gguf_n_tensors(const struct gguf *g) { return g->n_tensor; }

const struct gguf_kv *gguf_kv_at(const struct gguf *g, size_t i)
{
    return &g->kv[i];
}

const struct gguf_tensor *gguf_tensor_at(const struct gguf *g, size_t i)
{
    return &g->tensor[i];
}

const struct gguf_kv *gguf_kv_find(const struct gguf *g, const char *key)
{
    struct gguf_kv want = { .key = { key, strlen(key) } };
    const struct gguf_kv *w = &want, **hit;

    hit = bsearch(&w, g->by_key, g->n_kv, sizeof *g->by_key, cmp_key);
    return hit ? *hit : NULL;
}

const struct gguf_tensor *gguf_tensor(const struct gguf *g, const char *name)
{
    struct gguf_tensor want = { .name = { name, strlen(name) } };
    const struct gguf_tensor *w = &want, **hit;

    hit = bsearch(&w, g->by_name, g->n_tensor, sizeof *g->by_name, cmp_name);
    return hit ? *hit : NULL;
}
