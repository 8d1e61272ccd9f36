/* engine/gguf_write.c - see gguf_write.h.
 *
 * DESIGN  All sizes are known before the first byte is written, so the header
 * is made in memory and the room is asked for early.  Tensor data goes out in
 * bands of rows: a band is encoded in parallel, one task a row, into one
 * buffer, and written in order.  What a row reports (its error, a weight that
 * does not fit) has a place of its own and is summed in row order, so sums do
 * not depend on who came first. */
#include "engine/gguf_write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "engine/quant.h"
#include "engine/quant_write.h"
#include "engine/weights.h"

enum {
    VERSION = 3,
    QUANTIZATION_VERSION = 2,           /* ggml.h, GGML_QNT_VERSION */
    BAND_BYTES = 4 << 20, BAND_ROWS = 1 << 14,
};

static const char *const own_keys[] = {
    "general.file_type", "general.quantization_version"
};
enum { OWN_KEYS = sizeof own_keys / sizeof *own_keys };

struct row {
    double square, square_off;
    float bad;                          /* a weight that does not fit, or 0 */
};

struct writer {
    const struct gguf_write *w;
    const char *path;
    struct str temp;                    /* "" until the file is there */
    int fd;
    uint64_t done, total;               /* bytes */
    uint8_t *band;                      /* encoded rows */
    float *scratch;                     /* [threads][2][longest] */
    size_t longest;                     /* elements in a row */
    struct row *row;                    /* [BAND_ROWS] */
    struct gguf_write_sum sum;
    struct sor_msg *msg;
};

/* --- sizes --------------------------------------------------------------- */

static uint64_t aligned(const struct gguf *g, uint64_t n)
{
    uint64_t align = gguf_alignment(g);

    return (n + align - 1) / align * align;
}

static uint64_t n_rows(const struct gguf_tensor *t)
{
    return t->dim[1] * t->dim[2] * t->dim[3];
}

static uint64_t row_bytes(const struct gguf_tensor *t, enum gguf_type type)
{
    const struct gguf_type_info *info = gguf_type_info(type);

    return t->dim[0] / info->block * info->bytes;
}

/* Bytes of tensor i as it will be, padding excluded. */
static uint64_t tensor_bytes(const struct gguf_write *w, size_t i)
{
    const struct gguf_tensor *t = gguf_tensor_at(w->src, i);

    return n_rows(t) * row_bytes(t, w->type[i]);
}

/* --- the header ---------------------------------------------------------- */

static void put_uint(struct str *out, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        str_putc(out, (char)(v >> 8 * i));
}

static void put_str(struct str *out, const char *p, size_t n)
{
    put_uint(out, n, 8);
    str_put(out, p, n);
}

static void put_own(struct str *out, const struct gguf_write *w, int key)
{
    put_str(out, own_keys[key], strlen(own_keys[key]));
    put_uint(out, GGUF_V_U32, 4);
    put_uint(out, key == 0 ? w->file_type : QUANTIZATION_VERSION, 4);
}

/* The entry as it stands in the source: from its key's length on. */
static void put_copy(struct str *out, const struct gguf_kv *kv)
{
    const uint8_t *from = (const uint8_t *)kv->key.p - 8;
    const uint8_t *end = kv->value + gguf_vtype_bytes(kv->type);

    if (kv->type == GGUF_V_ARR)
        end = kv->arr.end;
    else if (kv->type == GGUF_V_STR)
        end = (const uint8_t *)gguf_kv_str(kv).p + gguf_kv_str(kv).n;
    str_put(out, from, (size_t)(end - from));
}

static void put_metadata(struct str *out, const struct gguf_write *w)
{
    for (size_t i = 0; i < gguf_n_kv(w->src); i++) {
        const struct gguf_kv *kv = gguf_kv_at(w->src, i);
        int own = 0;

        while (own < OWN_KEYS && !gguf_str_is(kv->key, own_keys[own]))
            own++;
        if (own < OWN_KEYS)
            put_own(out, w, own);
        else
            put_copy(out, kv);
    }
    for (int own = 0; own < OWN_KEYS; own++)
        if (!gguf_kv_find(w->src, own_keys[own]))
            put_own(out, w, own);
}

/* Everything before the tensor data; *data: the bytes that this takes. */
static void put_header(struct str *out, const struct gguf_write *w,
                       uint64_t *data)
{
    size_t n_kv = gguf_n_kv(w->src), n = gguf_n_tensors(w->src);

    for (int own = 0; own < OWN_KEYS; own++)
        n_kv += !gguf_kv_find(w->src, own_keys[own]);
    str_puts(out, "GGUF");
    put_uint(out, VERSION, 4);
    put_uint(out, n, 8);
    put_uint(out, n_kv, 8);
    put_metadata(out, w);
    *data = 0;
    for (size_t i = 0; i < n; i++) {
        const struct gguf_tensor *t = gguf_tensor_at(w->src, i);

        put_str(out, t->name.p, t->name.n);
        put_uint(out, t->n_dims, 4);
        for (uint32_t d = 0; d < t->n_dims; d++)
            put_uint(out, t->dim[d], 8);
        put_uint(out, w->type[i], 4);
        put_uint(out, *data, 8);
        *data += aligned(w->src, tensor_bytes(w, i));
    }
    while (str_ok(out) && out->len != aligned(w->src, out->len))
        str_putc(out, '\0');
}

/* --- bytes out ----------------------------------------------------------- */

static enum sor_err cannot(const struct writer *o, const char *what)
{
    return sor_fail(o->msg, SOR_IO, "%s: cannot be %s: %s", o->path, what,
                    strerror(errno));
}

static enum sor_err put(struct writer *o, const void *bytes, size_t n)
{
    const struct gguf_write *w = o->w;
    const uint8_t *p = bytes;

    while (n > 0) {
        ssize_t did = write(o->fd, p, n < BAND_BYTES ? n : BAND_BYTES);

        if (did < 0 && errno != EINTR)
            return cannot(o, "written");
        if (did > 0) {
            p += did;
            n -= (size_t)did;
            o->done += (uint64_t)did;
        }
        if (w->on_progress && w->on_progress(w->ud, o->done, o->total))
            return sor_fail(o->msg, SOR_INTERRUPTED, "interrupted; %s was not "
                            "written", o->path);
    }
    return SOR_OK;
}

static enum sor_err pad(struct writer *o)
{
    static const uint8_t zeros[4096];   /* the largest alignment there is */

    return put(o, zeros, (size_t)(aligned(o->w->src, o->done) - o->done));
}

/* --- tensors ------------------------------------------------------------- */

struct band {
    struct writer *o;
    const struct gguf_tensor *t;
    enum gguf_type type;
    uint64_t from;                      /* its first row */
    size_t bytes;                       /* of a row */
};

/* The first value that cannot be encoded; 0 where all can. */
static float misfit(enum gguf_type type, const float *x, size_t n)
{
    float most = type == GGUF_F32 || type == GGUF_BF16 ? INFINITY
                                                       : QUANT_WRITE_MAX;

    for (size_t i = 0; i < n; i++)
        if (!(fabsf(x[i]) <= most) || isinf(x[i]))
            return x[i];
    return 0.0f;
}

static void encode_row(void *ctx, int task, int thread)
{
    const struct band *b = ctx;
    struct writer *o = b->o;
    size_t n = (size_t)b->t->dim[0];
    float *x = o->scratch + 2 * o->longest * (size_t)thread;
    float *y = x + o->longest;
    struct row *r = &o->row[task];
    struct gguf_tensor now = *b->t;

    now.type = b->type;
    now.data = o->band + b->bytes * (size_t)task;
    weights_row(b->t, b->from + (uint64_t)task, x);
    *r = (struct row){ .bad = misfit(b->type, x, n) };
    if (r->bad != 0.0f)
        return;
    quant_write(b->type, x, n, o->band + b->bytes * (size_t)task);
    weights_row(&now, 0, y);
    for (size_t i = 0; i < n; i++) {
        double off = (double)y[i] - (double)x[i];

        r->square += (double)x[i] * (double)x[i];
        r->square_off += off * off;
    }
}

static enum sor_err put_band(struct writer *o, const struct band *b, int n)
{
    pool_run(o->w->pool, n, encode_row, (void *)(uintptr_t)b);
    for (int i = 0; i < n; i++) {
        const struct row *r = &o->row[i];

        if (r->bad != 0.0f)
            return sor_fail(o->msg, SOR_FORMAT, "%s: tensor \"%.*s\", row %"
                            PRIu64 ": the weight %g cannot be written as %s",
                            gguf_path(o->w->src), (int)b->t->name.n,
                            b->t->name.p, b->from + (uint64_t)i,
                            (double)r->bad, gguf_type_info(b->type)->name);
        o->sum.square += r->square;
        o->sum.square_off += r->square_off;
    }
    return put(o, o->band, b->bytes * (size_t)n);
}

static enum sor_err put_tensor(struct writer *o, size_t i)
{
    const struct gguf_tensor *t = gguf_tensor_at(o->w->src, i);
    struct band b = { o, t, o->w->type[i], 0,
                      (size_t)row_bytes(t, o->w->type[i]) };
    uint64_t rows = n_rows(t), most = BAND_BYTES / b.bytes;
    enum sor_err err = SOR_OK;

    if (t->type == b.type)
        return put(o, t->data, (size_t)t->bytes);
    most = most < 1 ? 1 : most > BAND_ROWS ? BAND_ROWS : most;
    for (; !err && b.from < rows; b.from += most)
        err = put_band(o, &b, (int)(rows - b.from < most ? rows - b.from
                                                         : most));
    return err;
}

/* --- what can be known beforehand ---------------------------------------- */

/* Types that weights_row() reads. */
static int readable(enum gguf_type type)
{
    return type == GGUF_F32 || type == GGUF_F16 || type == GGUF_BF16 ||
           quant_known(type);
}

static enum sor_err check_types(struct writer *o)
{
    for (size_t i = 0; i < gguf_n_tensors(o->w->src); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(o->w->src, i);

        if (t->type == o->w->type[i])
            continue;
        if (!readable(t->type))
            return sor_fail(o->msg, SOR_UNSUP, "%s: tensor \"%.*s\" is %s, "
                            "which cannot be decoded", gguf_path(o->w->src),
                            (int)t->name.n, t->name.p,
                            gguf_type_info(t->type)->name);
        if (t->dim[0] > o->longest)
            o->longest = (size_t)t->dim[0];
    }
    return SOR_OK;
}

static enum sor_err check_place(struct writer *o)
{
    struct stat in, out;

    if (stat(o->path, &out) != 0)
        return errno == ENOENT ? SOR_OK : cannot(o, "written");
    if (!S_ISREG(out.st_mode))
        return sor_fail(o->msg, SOR_IO, "%s: is %s; give the name of a file",
                        o->path, S_ISDIR(out.st_mode) ? "a directory"
                                                      : "no regular file");
    if (stat(gguf_path(o->w->src), &in) == 0 && in.st_dev == out.st_dev &&
        in.st_ino == out.st_ino)
        return sor_fail(o->msg, SOR_USAGE, "%s: is the file to read; write to "
                        "another name", o->path);
    return SOR_OK;
}

static enum sor_err check_room(struct writer *o)
{
    struct statvfs fs;

    if (fstatvfs(o->fd, &fs) != 0 || fs.f_frsize == 0)
        return SOR_OK;                  /* the first write will tell */
    if (o->total / fs.f_frsize >= fs.f_bavail)
        return sor_fail(o->msg, SOR_IO, "%s: needs %" PRIu64 " bytes, but its "
                        "folder has room for %" PRIu64, o->path, o->total,
                        (uint64_t)fs.f_bavail * fs.f_frsize);
    return SOR_OK;
}

static enum sor_err make_room(struct writer *o)
{
    size_t n = 2 * (size_t)pool_threads(o->w->pool), band = BAND_BYTES;

    for (size_t i = 0; i < gguf_n_tensors(o->w->src); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(o->w->src, i);

        if (row_bytes(t, o->w->type[i]) > band)     /* a band has one row */
            band = (size_t)row_bytes(t, o->w->type[i]);
    }
    o->band = mem_alloc(band);
    o->row = mem_calloc(BAND_ROWS, sizeof *o->row);
    if (mem_mul(n, o->longest, &n) == 0)
        o->scratch = mem_calloc(n, sizeof *o->scratch);
    return o->band && o->row && o->scratch
        ? SOR_OK : sor_fail(o->msg, SOR_NOMEM, "%s: out of memory", o->path);
}

/* --- the file ------------------------------------------------------------ */

static enum sor_err open_temp(struct writer *o)
{
    str_printf(&o->temp, "%s.XXXXXX", o->path);
    if (!str_ok(&o->temp))
        return sor_fail(o->msg, SOR_NOMEM, "%s: out of memory", o->path);
    o->fd = mkstemp(o->temp.p);
    if (o->fd < 0) {
        str_clear(&o->temp);
        return cannot(o, "written");
    }
    return SOR_OK;
}

/* The name is on disk when the folder is; where folders cannot be synced the
 * file system sees to it. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? mem_strndup(path, (size_t)(slash - path) + 1)
                      : mem_strdup(".");
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    mem_free(dir);
}

static enum sor_err commit(struct writer *o)
{
    int fd = o->fd;

    if (fchmod(fd, 0644) != 0 || fsync(fd) != 0)
        return cannot(o, "written");
    o->fd = -1;
    if (close(fd) != 0 || rename(o->temp.p, o->path) != 0)
        return cannot(o, "written");
    str_clear(&o->temp);
    sync_folder(o->path);
    return SOR_OK;
}

static enum sor_err write_all(struct writer *o)
{
    struct str header;
    uint64_t data;
    enum sor_err err;

    str_init(&header);
    put_header(&header, o->w, &data);
    o->total = header.len + data;
    err = str_ok(&header) ? check_room(o)
                          : sor_fail(o->msg, SOR_NOMEM, "%s: out of memory",
                                     o->path);
    err = err ? err : put(o, header.p, header.len);
    for (size_t i = 0; !err && i < gguf_n_tensors(o->w->src); i++) {
        err = put_tensor(o, i);
        err = err ? err : pad(o);
    }
    str_release(&header);
    return err;
}

enum sor_err gguf_write(const char *path, const struct gguf_write *w,
                        struct gguf_write_sum *sum, struct sor_msg *msg)
{
    struct writer o = { .w = w, .path = path, .fd = -1, .msg = msg };
    enum sor_err err;

    str_init(&o.temp);
    err = check_types(&o);
    err = err ? err : check_place(&o);
    err = err ? err : make_room(&o);
    err = err ? err : open_temp(&o);
    err = err ? err : write_all(&o);
    err = err ? err : commit(&o);
    if (o.fd >= 0)
        close(o.fd);
    if (o.temp.len)
        unlink(o.temp.p);
    o.sum.bytes = o.total;
    if (!err)
        *sum = o.sum;
    str_release(&o.temp);
    mem_free(o.band);
    mem_free(o.row);
    mem_free(o.scratch);
    return err;
}
