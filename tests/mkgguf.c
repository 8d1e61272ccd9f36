/* tests/mkgguf.c - see mkgguf.h. */
#include "tests/mkgguf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/gguf.h"

void mkgguf_init(struct mkgguf *m)
{
    *m = (struct mkgguf){ .version = 3, .align = 32 };
    str_init(&m->kv);
    str_init(&m->info);
    str_init(&m->data);
}

void mkgguf_release(struct mkgguf *m)
{
    str_release(&m->kv);
    str_release(&m->info);
    str_release(&m->data);
}

void mkgguf_num(struct str *out, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        str_putc(out, (char)(v >> 8 * i));
}

static void put_str(struct str *out, const char *s)
{
    mkgguf_num(out, strlen(s), 8);
    str_puts(out, s);
}

void mkgguf_raw(struct mkgguf *m, const char *key, uint32_t type,
                const void *bytes, size_t n)
{
    put_str(&m->kv, key);
    mkgguf_num(&m->kv, type, 4);
    str_put(&m->kv, bytes, n);
    m->n_kv++;
}

void mkgguf_str(struct mkgguf *m, const char *key, const char *value)
{
    mkgguf_raw(m, key, GGUF_V_STR, "", 0);
    put_str(&m->kv, value);
}

void mkgguf_u32(struct mkgguf *m, const char *key, uint32_t value)
{
    mkgguf_raw(m, key, GGUF_V_U32, "", 0);
    mkgguf_num(&m->kv, value, 4);
}

void mkgguf_f32(struct mkgguf *m, const char *key, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    mkgguf_raw(m, key, GGUF_V_F32, "", 0);
    mkgguf_num(&m->kv, bits, 4);
}

void mkgguf_bool(struct mkgguf *m, const char *key, int value)
{
    mkgguf_raw(m, key, GGUF_V_BOOL, "", 0);
    mkgguf_num(&m->kv, value != 0, 1);
}

static void begin_array(struct mkgguf *m, const char *key,
                        enum gguf_vtype type, uint64_t n)
{
    mkgguf_raw(m, key, GGUF_V_ARR, "", 0);
    mkgguf_num(&m->kv, type, 4);
    mkgguf_num(&m->kv, n, 8);
}

void mkgguf_strs(struct mkgguf *m, const char *key, const char *values,
                 uint64_t n)
{
    begin_array(m, key, GGUF_V_STR, n);
    for (uint64_t i = 0; i < n; i++) {
        put_str(&m->kv, values);
        values += strlen(values) + 1;
    }
}

void mkgguf_i32s(struct mkgguf *m, const char *key, const int32_t *values,
                 uint64_t n)
{
    begin_array(m, key, GGUF_V_I32, n);
    for (uint64_t i = 0; i < n; i++)
        mkgguf_num(&m->kv, (uint32_t)values[i], 4);
}

static void pad(struct str *out, uint32_t align)
{
    while (out->len % align && str_ok(out))
        str_putc(out, '\0');
}

void mkgguf_tensor(struct mkgguf *m, const struct mkgguf_tensor *t,
                   const void *bytes, size_t n)
{
    pad(&m->data, m->align);
    put_str(&m->info, t->name);
    mkgguf_num(&m->info, t->n_dims, 4);
    for (uint32_t d = 0; d < t->n_dims && d < 4; d++)
        mkgguf_num(&m->info, t->dim[d], 8);
    mkgguf_num(&m->info, t->type, 4);
    mkgguf_num(&m->info, m->data.len, 8);
    str_put(&m->data, bytes, n);
    m->n_tensor++;
}

void mkgguf_file(const struct mkgguf *m, struct str *out)
{
    str_puts(out, "GGUF");
    mkgguf_num(out, m->version, 4);
    mkgguf_num(out, m->n_tensor, 8);
    mkgguf_num(out, m->n_kv, 8);
    str_put(out, m->kv.p, m->kv.len);
    str_put(out, m->info.p, m->info.len);
    if (m->n_tensor > 0)
        pad(out, m->align);
    str_put(out, m->data.p, m->data.len);
    if (!str_ok(&m->kv) || !str_ok(&m->info) || !str_ok(&m->data))
        out->failed = 1;
}

enum sor_err mkgguf_save(const char *path, const struct str *bytes,
                         struct sor_msg *msg)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t done = 0;

    if (!str_ok(bytes))
        errno = ENOMEM;
    while (fd >= 0 && str_ok(bytes) && done < bytes->len) {
        ssize_t n = write(fd, bytes->p + done, bytes->len - done);

        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    if (fd < 0 || !str_ok(bytes) || done < bytes->len) {
        int why = errno;

        if (fd >= 0)
            close(fd);
        return sor_fail(msg, SOR_IO, "%s: %s", path, strerror(why));
    }
    return close(fd) == 0 ? SOR_OK
                          : sor_fail(msg, SOR_IO, "%s: %s", path,
                                     strerror(errno));
}
