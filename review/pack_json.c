#include "review/pack_json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* --- memory that goes as one ----------------------------------------------- */

struct arena_block {
    struct arena_block *before;
    max_align_t bytes[];
};

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    struct arena_block *b;

    if (mem_mul(n, size, &bytes) || mem_add(bytes, sizeof *b, &bytes) ||
        !(b = mem_calloc(1, bytes)))
        return NULL;
    b->before = a->last;
    a->last = b;
    return b->bytes;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *copy = arena_alloc(a, n + 1, 1);

    return copy ? memcpy(copy, s, n) : NULL;
}

void arena_release(struct arena *a)
{
    while (a->last) {
        struct arena_block *b = a->last;

        a->last = b->before;
        mem_free(b);
    }
}

/* --- messages -------------------------------------------------------------- */

enum sor_err pack_wrong(struct pack_in *in, const char *key,
                        const char *fmt, ...)
{
    char what[SOR_MSG_BYTES];
    const char *at = in->place.p, *dot = at[0] && key ? "." : "";
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    key = key ? key : "";
    return sor_fail(in->msg, SOR_FORMAT, "%s/%s: %s%s%s%s%s", in->dir,
                    in->file, at, dot, key, at[0] || key[0] ? ": " : "", what);
}

static enum sor_err no_memory(struct pack_in *in)
{
    return sor_fail(in->msg, SOR_NOMEM, "%s/%s: out of memory", in->dir,
                    in->file);
}

/* The words of a choice, for a message. */
static void list_words(const char *const *words, char *out, size_t cap)
{
    size_t n = 0;

    out[0] = '\0';
    for (; *words && n < cap; words++)
        n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? ", " : "", *words);
}

/* --- values ---------------------------------------------------------------- */

/* What a text consists of, by shape; NULL: anything. */
static const char *alphabet(enum shape shape)
{
    static const char id[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    static const char file[] = "abcdefghijklmnopqrstuvwxyz0123456789._-"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return shape == SHAPE_ID ? id : shape == SHAPE_FILE ? file
           : shape == SHAPE_SHA256 ? "0123456789abcdef" : NULL;
}

/* A string of the right size and letters; NULL with *err set. */
static const char *text_of(struct pack_in *in, const struct field *f,
                           const cJSON *item, enum sor_err *err)
{
    const char *letters = alphabet(f->shape), *s = item->valuestring;
    size_t n, min = f->min > 1 ? (size_t)f->min : 1;
    size_t max = f->max > 0 ? (size_t)f->max : 255;
    char *copy;

    *err = SOR_OK;
    if (f->shape == SHAPE_SHA256)
        min = max = 64;
    if (!cJSON_IsString(item)) {
        *err = pack_wrong(in, f->key, "must be text");
        return NULL;
    }
    n = strlen(s);
    if (n < min || n > max)
        *err = pack_wrong(in, f->key, "%zu bytes long; %zu to %zu are allowed",
                          n, min, max);
    else if (letters && (s[strspn(s, letters)] != '\0' || s[0] == '.'))
        *err = pack_wrong(in, f->key, "\"%.60s\" %s", s,
                          f->shape == SHAPE_FILE
                              ? "is not a plain file name in the pack's folder"
                              : "may hold only the letters of an id or hash");
    else if (!(copy = arena_strndup(in->arena, s, n)))
        *err = no_memory(in);
    else
        return copy;
    return NULL;
}

static enum sor_err put_text(struct pack_in *in, const struct field *f,
                             const cJSON *item, char *object)
{
    enum sor_err err;
    const char *s = text_of(in, f, item, &err);

    memcpy(object + f->at, &s, sizeof s);
    return err;
}

static enum sor_err put_word(struct pack_in *in, const struct field *f,
                             const cJSON *item, char *object)
{
    char words[256];
    int i = 0;

    if (!cJSON_IsString(item))
        return pack_wrong(in, f->key, "must be text");
    while (f->words[i] && strcmp(f->words[i], item->valuestring) != 0)
        i++;
    if (!f->words[i]) {
        list_words(f->words, words, sizeof words);
        return pack_wrong(in, f->key, "\"%.40s\" is not one of %s",
                          item->valuestring, words);
    }
    if (f->shape == SHAPE_INDEX)
        memcpy(object + f->at, &i, sizeof i);
    else
        memcpy(object + f->at, &f->words[i], sizeof f->words[i]);
    return SOR_OK;
}

static enum sor_err put_number(struct pack_in *in, const struct field *f,
                               const cJSON *item, char *object)
{
    double v = item->valuedouble;
    int whole;

    if (!cJSON_IsNumber(item))
        return pack_wrong(in, f->key, "must be a number");
    if (!(v >= f->min && v <= f->max))
        return pack_wrong(in, f->key, "%.9g is outside %.9g to %.9g", v,
                          f->min, f->max);
    if (f->shape == SHAPE_NUMBER) {
        memcpy(object + f->at, &v, sizeof v);
        return SOR_OK;
    }
    whole = (int)v;             /* tables keep max within an int */
    if (v != (double)whole)
        return pack_wrong(in, f->key, "%.9g is not a whole number", v);
    memcpy(object + f->at, &whole, sizeof whole);
    return SOR_OK;
}

static enum sor_err put_flag(struct pack_in *in, const struct field *f,
                             const cJSON *item, char *object)
{
    int v = cJSON_IsTrue(item);

    if (!cJSON_IsBool(item))
        return pack_wrong(in, f->key, "must be true or false");
    memcpy(object + f->at, &v, sizeof v);
    return SOR_OK;
}

/* How many an array has; -1 with *err set. */
static int count(struct pack_in *in, const struct field *f, const cJSON *item,
                 enum sor_err *err)
{
    int n = cJSON_IsArray(item) ? cJSON_GetArraySize(item) : -1;

    *err = SOR_OK;
    if (n < 0)
        *err = pack_wrong(in, f->key, "must be a list");
    else if (n > (int)f->max)
        *err = pack_wrong(in, f->key, "has %d; at most %d are allowed", n,
                          (int)f->max);
    return *err ? -1 : n;
}

static enum sor_err put_files(struct pack_in *in, const struct field *f,
                              const cJSON *item, char *object)
{
    enum sor_err err;
    struct field one = { .key = f->key, .shape = SHAPE_FILE };
    int n = count(in, f, item, &err), i = 0;
    const char **file = n < 0 ? NULL
                        : arena_alloc(in->arena, (size_t)n, sizeof *file);
    const cJSON *at;

    if (err || !file)
        return err ? err : no_memory(in);
    cJSON_ArrayForEach(at, item) {
        if (!(file[i++] = text_of(in, &one, at, &err)))
            return err;
    }
    memcpy(object + f->at, &file, sizeof file);
    memcpy(object + f->at_n, &n, sizeof n);
    return SOR_OK;
}

static enum sor_err put_curve(struct pack_in *in, const struct field *f,
                              const cJSON *item, char *object)
{
    enum sor_err err;
    int n = count(in, f, item, &err), i = 0;
    double *v = n < 0 ? NULL
                : arena_alloc(in->arena, (size_t)n, 2 * sizeof *v);
    const double *x = v, *y = v ? v + n : NULL;
    const cJSON *at;

    if (err || !v)
        return err ? err : no_memory(in);
    cJSON_ArrayForEach(at, item) {
        const cJSON *a = cJSON_GetArrayItem(at, 0);
        const cJSON *b = cJSON_GetArrayItem(at, 1);

        if (cJSON_GetArraySize(at) != 2 || !cJSON_IsNumber(a) ||
            !cJSON_IsNumber(b))
            return pack_wrong(in, f->key, "point %d is not a pair of numbers",
                              i);
        v[i] = a->valuedouble;
        v[n + i] = b->valuedouble;
        if (!isfinite(x[i]) || !(y[i] >= 0 && y[i] <= 1) ||
            (i > 0 && (x[i] <= x[i - 1] || y[i] < y[i - 1])))
            return pack_wrong(in, f->key, "point %d: the first number must "
                              "rise, the second never fall and stay within 0 "
                              "to 1", i);
        i++;
    }
    memcpy(object + f->at, &x, sizeof x);
    memcpy(object + f->at + sizeof x, &y, sizeof y);
    memcpy(object + f->at_n, &n, sizeof n);
    return SOR_OK;
}

/* --- objects --------------------------------------------------------------- */

static enum sor_err read_object(struct pack_in *in,
                                const struct pack_type *type,
                                const cJSON *tree, void *object);

/* Steps into a member for messages; returns what to cut the place back to. */
static size_t enter(struct pack_in *in, const char *key, int index)
{
    size_t before = in->place.len;

    str_printf(&in->place, "%s%s", before ? "." : "", key);
    if (index >= 0)
        str_printf(&in->place, "[%d]", index);
    return before;
}

static void leave(struct pack_in *in, size_t before)
{
    in->place.len = before;
    in->place.p[before] = '\0';
}

static enum sor_err put_object(struct pack_in *in, const struct field *f,
                               const cJSON *item, char *object)
{
    size_t before = enter(in, f->key, -1);
    enum sor_err err = read_object(in, f->of, item, object + f->at);

    leave(in, before);
    return err;
}

static enum sor_err put_list(struct pack_in *in, const struct field *f,
                             const cJSON *item, char *object)
{
    enum sor_err err;
    int n = count(in, f, item, &err), i = 0;
    char *list = n < 0 ? NULL
                 : arena_alloc(in->arena, (size_t)n, f->of->size);
    const cJSON *at;

    if (err || !list)
        return err ? err : no_memory(in);
    cJSON_ArrayForEach(at, item) {
        size_t before = enter(in, f->key, i);

        err = read_object(in, f->of, at, list + (size_t)i++ * f->of->size);
        leave(in, before);
        if (err)
            return err;
    }
    memcpy(object + f->at, &list, sizeof list);
    memcpy(object + f->at_n, &n, sizeof n);
    return SOR_OK;
}

typedef enum sor_err put_fn(struct pack_in *, const struct field *,
                            const cJSON *, char *);

static enum sor_err put(struct pack_in *in, const struct field *f,
                        const cJSON *item, char *object)
{
    static put_fn *const by_shape[] = {
        [SHAPE_TEXT] = put_text,     [SHAPE_ID] = put_text,
        [SHAPE_FILE] = put_text,     [SHAPE_SHA256] = put_text,
        [SHAPE_CHOICE] = put_word,   [SHAPE_INDEX] = put_word,
        [SHAPE_NUMBER] = put_number, [SHAPE_COUNT] = put_number,
        [SHAPE_FLAG] = put_flag,     [SHAPE_FILES] = put_files,
        [SHAPE_CURVE] = put_curve,   [SHAPE_OBJECT] = put_object,
        [SHAPE_LIST] = put_list,
    };

    return by_shape[f->shape](in, f, item, object);
}

static void put_preset(const struct field *f, char *object)
{
    if (f->shape == SHAPE_CHOICE && f->preset >= 0)
        memcpy(object + f->at, &f->words[f->preset],
               sizeof f->words[f->preset]);
    else if (f->shape == SHAPE_INDEX || f->shape == SHAPE_COUNT ||
             f->shape == SHAPE_FLAG)
        memcpy(object + f->at, &f->preset, sizeof f->preset);
}

static enum sor_err read_object(struct pack_in *in,
                                const struct pack_type *type,
                                const cJSON *tree, void *object)
{
    const struct field *f;
    const cJSON *item;
    enum sor_err err = SOR_OK;

    if (!cJSON_IsObject(tree))
        return pack_wrong(in, NULL, "must be an object");
    cJSON_ArrayForEach(item, tree) {
        for (f = type->field; f->key && strcmp(f->key, item->string) != 0; f++)
            ;
        if (!f->key)
            return pack_wrong(in, NULL, "unknown key \"%.60s\"", item->string);
    }
    for (f = type->field; f->key && !err; f++) {
        item = cJSON_GetObjectItemCaseSensitive(tree, f->key);
        if (item && !(f->optional && cJSON_IsNull(item)))
            err = put(in, f, item, object);
        else if (f->optional)
            put_preset(f, object);
        else
            err = pack_wrong(in, NULL, "\"%s\" is missing", f->key);
    }
    if (!err && !str_ok(&in->place))
        err = no_memory(in);
    return err || !type->check ? err : type->check(in, object);
}

/* --- files ----------------------------------------------------------------- */

enum sor_err pack_file_open(const struct pack_in *in, int *fd, size_t *size)
{
    struct str path;
    struct stat st;
    int got = -1;
    enum sor_err err = SOR_OK;

    str_init(&path);
    str_printf(&path, "%s/%s", in->dir, in->file);
    if (!str_ok(&path))
        err = sor_fail(in->msg, SOR_NOMEM, "out of memory");
    else if ((got = open(path.p, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
                         (in->foreign ? 0 : O_NOFOLLOW))) < 0)
        err = sor_fail(in->msg, SOR_IO, "%s: %s", path.p,
                       errno == ELOOP ? "is a link; a pack holds its own files"
                                      : strerror(errno));
    else if (fstat(got, &st) != 0 || !S_ISREG(st.st_mode))
        err = sor_fail(in->msg, SOR_IO, "%s: not a regular file", path.p);
    str_release(&path);
    if (err) {
        if (got >= 0)
            close(got);
        return err;
    }
    *fd = got;
    *size = (size_t)st.st_size;
    return SOR_OK;
}

/* The whole file into *text, NUL-terminated, *n bytes; mem_free() it. */
static enum sor_err slurp(struct pack_in *in, char **text, size_t *n)
{
    int fd;
    size_t size, have = 0;
    ssize_t got = 1;
    char *p;
    enum sor_err err = pack_file_open(in, &fd, &size);

    if (err)
        return err;
    p = size > PACK_FILE_BYTES ? NULL : mem_alloc(size + 1);
    while (p && have < size && (got = read(fd, p + have, size - have)) > 0)
        have += (size_t)got;
    if (size > PACK_FILE_BYTES)
        err = sor_fail(in->msg, SOR_LIMIT, "%s/%s: %zu bytes; at most %d are "
                       "allowed", in->dir, in->file, size, PACK_FILE_BYTES);
    else if (!p)
        err = no_memory(in);
    else if (got < 0)
        err = sor_fail(in->msg, SOR_IO, "%s/%s: %s", in->dir, in->file,
                       strerror(errno));
    close(fd);
    if (err) {
        mem_free(p);
        return err;
    }
    p[have] = '\0';
    *text = p;
    *n = have;
    return SOR_OK;
}

enum sor_err pack_read_file(struct pack_in *in, const struct pack_type *type,
                            void *object)
{
    char *text;
    const char *key;
    struct str where;
    cJSON *tree = NULL;
    size_t n;
    int twice;
    enum sor_err err = slurp(in, &text, &n);

    if (err)
        return err;
    str_init(&where);
    str_printf(&where, "%s/%s", in->dir, in->file);
    err = json_parse(text, n, where.p, &tree, in->msg);
    twice = err ? 0 : json_twice(tree, &key);
    str_clear(&in->place);
    if (twice < 0)
        err = no_memory(in);
    else if (twice)
        err = pack_wrong(in, NULL, "the key \"%.60s\" stands twice in one "
                         "object", key);
    else if (!err && type->field->key[0] == '\0')
        err = put(in, type->field, tree, object);
    else if (!err)
        err = read_object(in, type, tree, object);
    cJSON_Delete(tree);
    str_release(&where);
    mem_free(text);
    return err;
}
