#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* --- in ------------------------------------------------------------------ */

/* cJSON says NULL for bad text and for no memory alike; this tells them
 * apart. */
static _Thread_local int out_of_memory;
static _Thread_local long n_refused;

static void *hook_alloc(size_t n)
{
    void *p = mem_alloc(n);

    if (!p) {
        out_of_memory = 1;
        n_refused++;
    }
    return p;
}

long json_n_refused(void)
{
    return n_refused;
}

static void set_hooks(void)
{
    static cJSON_Hooks hooks = { .malloc_fn = hook_alloc,
                                 .free_fn = mem_free };

    cJSON_InitHooks(&hooks);
}

/* What is wrong with a text, and where. */
struct fault {
    const char *what;           /* NULL: nothing */
    size_t at;
    int is_memory;
};

static enum sor_err fail_at(const char *text, const struct fault *f,
                            const char *where, struct sor_msg *msg)
{
    size_t line = 1, start = 0;

    for (size_t i = 0; i < f->at; i++)
        if (text[i] == '\n') {
            line++;
            start = i + 1;
        }
    size_t column = utf8_count(text + start, f->at - start) + 1;

    /* Of one line of JSON Lines `where` has the number already. */
    if (line == 1)
        return sor_fail(msg, SOR_FORMAT, "%s: column %zu: %s", where, column,
                        f->what);
    return sor_fail(msg, SOR_FORMAT, "%s: JSON line %zu, column %zu: %s",
                    where, line, column, f->what);
}

/* What cJSON would not survive or would silently get wrong: deep nesting
 * (it recurses) and NUL (it ends the text there), written out or escaped.
 * Returns NULL, or what is wrong at *at. */
static const char *prescan(const char *text, size_t n, size_t *at)
{
    int depth = 0, quoted = 0;

    for (size_t i = 0; i < n; i++) {
        char c = text[i];

        *at = i;
        if (c == '\0')
            return "a NUL byte";
        if (quoted && c == '\\') {
            if (n - i > 5 && memcmp(text + i, "\\u0000", 6) == 0)
                return "an escaped NUL, which text cannot hold";
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '[' || c == '{')) {
            if (++depth > JSON_MAX_DEPTH)
                return "nested over 64 levels deep";
        } else if (!quoted && (c == ']' || c == '}')) {
            depth--;
        }
    }
    return NULL;
}

/* The tree, or NULL and what is wrong in *f. */
static cJSON *parse(const char *text, size_t n, struct fault *f)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *end = text;

    pthread_once(&once, set_hooks);
    *f = (struct fault){ .what = NULL };
    f->what = prescan(text, n, &f->at);
    if (f->what)
        return NULL;

    out_of_memory = 0;
    cJSON *tree = cJSON_ParseWithLengthOpts(text, n, &end, 0);
    f->at = end ? (size_t)(end - text) : 0;
    if (!tree) {
        f->is_memory = out_of_memory;
        f->what = f->at + 1 < n ? "not JSON from here on" : "ends too early";
        return NULL;
    }
    while (f->at < n && strchr(" \t\r\n", text[f->at]))
        f->at++;
    if (f->at < n) {
        cJSON_Delete(tree);
        f->what = "text after the value";
        return NULL;
    }
    return tree;
}

enum sor_err json_parse(const char *text, size_t n, const char *where,
                        cJSON **out, struct sor_msg *msg)
{
    struct fault f;
    cJSON *tree = parse(text, n, &f);

    if (!tree)
        return f.is_memory
            ? sor_fail(msg, SOR_NOMEM, "%s: out of memory", where)
            : fail_at(text, &f, where, msg);
    *out = tree;
    return SOR_OK;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In this object itself. */
static int twice_here(const cJSON *obj, const char **twice)
{
    size_t n = (size_t)cJSON_GetArraySize(obj), i = 0;
    const char **key = mem_alloc(n * sizeof *key);
    const cJSON *c;
    int found = 0;

    if (!key)
        return -1;
    cJSON_ArrayForEach(c, obj)
        key[i++] = c->string;
    qsort(key, n, sizeof *key, by_key);
    for (i = 1; i < n && !found; i++)
        if (strcmp(key[i - 1], key[i]) == 0) {
            *twice = key[i];
            found = 1;
        }
    mem_free(key);
    return found;
}

int json_twice(const cJSON *tree, const char **key)
{
    int found = cJSON_IsObject(tree) ? twice_here(tree, key) : 0;
    const cJSON *c;

    cJSON_ArrayForEach(c, tree) {
        if (found)
            break;
        if (c->child)
            found = json_twice(c, key);
    }
    return found;
}

/* Escaped NULs as the bytes C0 80. */
static void escape_nul(const char *text, size_t n, struct str *plain)
{
    for (size_t i = 0; i < n; ) {
        size_t len = text[i] == '\\' && n - i > 1 ? 2 : 1;

        if (n - i > 5 && memcmp(text + i, "\\u0000", 6) == 0) {
            str_puts(plain, "\xC0\x80");
            len = 6;
        } else {
            str_put(plain, text + i, len);
        }
        i += len;
    }
}

enum sor_err json_parse_nul(const char *text, size_t n, const char *where,
                            cJSON **out, struct sor_msg *msg)
{
    struct str plain;
    enum sor_err err;

    if (!utf8_valid(text, n))
        return sor_fail(msg, SOR_FORMAT, "%s: not UTF-8", where);
    str_init(&plain);
    escape_nul(text, n, &plain);
    err = str_ok(&plain) ? json_parse(plain.p, plain.len, where, out, msg)
                         : sor_fail(msg, SOR_NOMEM, "%s: out of memory", where);
    str_release(&plain);
    return err;
}

enum sor_err json_parse_line(const char *text, size_t n, const char *where,
                             cJSON **out, struct sor_msg *msg)
{
    cJSON *tree = NULL;
    struct fault f = { .is_memory = 1 };
    struct str plain;

    str_init(&plain);
    escape_nul(text, n, &plain);
    if (str_ok(&plain))
        tree = parse(plain.p, plain.len, &f);
    str_release(&plain);
    if (!tree)
        return f.is_memory
            ? sor_fail(msg, SOR_NOMEM, "%s: out of memory", where)
            : sor_fail(msg, SOR_FORMAT, "%s:%zu: %s", where,
                       utf8_count(text, f.at < n ? f.at : n) + 1, f.what);
    *out = tree;
    return SOR_OK;
}

void json_text(const cJSON *item, struct str *out)
{
    const char *s = item->valuestring, *nul;

    for (; (nul = strstr(s, "\xC0\x80")); s = nul + 2) {
        str_put(out, s, (size_t)(nul - s));
        str_putc(out, '\0');
    }
    str_puts(out, s);
}

/* --- out ------------------------------------------------------------------ */

void json_init(struct json *j, struct str *out)
{
    *j = (struct json){ .out = out };
}

/* Before a value or a key: the comma that parts it from the one before. */
static void begin(struct json *j)
{
    uint64_t bit = UINT64_C(1) << j->depth;

    if (j->comma & bit)
        str_putc(j->out, ',');
    j->comma |= bit;
}

static void open_level(struct json *j, char bracket)
{
    begin(j);
    str_putc(j->out, bracket);
    j->depth++;
    assert(j->depth < JSON_MAX_DEPTH);
    j->comma &= ~(UINT64_C(1) << j->depth);
}

static void close_level(struct json *j, char bracket)
{
    assert(j->depth > 0);
    j->depth--;
    str_putc(j->out, bracket);
}

void json_obj(struct json *j) { open_level(j, '{'); }
void json_arr(struct json *j) { open_level(j, '['); }
void json_end_obj(struct json *j) { close_level(j, '}'); }
void json_end_arr(struct json *j) { close_level(j, ']'); }

/* Hidden characters are escaped too, so that JSON on a terminal is as safe as
 * text_safe() and loses nothing. */
static void escape(struct str *out, uint32_t cp)
{
    static const char letter[] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n',
                                   ['\r'] = 'r', ['\t'] = 't' };

    if (cp < sizeof letter && letter[cp])
        str_printf(out, "\\%c", letter[cp]);
    else if (cp < 0x10000)
        str_printf(out, "\\u%04x", (unsigned)cp);
    else
        str_printf(out, "\\u%04x\\u%04x",
                   (unsigned)(0xD800 + ((cp - 0x10000) >> 10)),
                   (unsigned)(0xDC00 + ((cp - 0x10000) & 0x3FF)));
}

static void quoted(struct str *out, const char *s, size_t n)
{
    char utf8[4];
    uint32_t cp;

    str_putc(out, '"');
    for (size_t i = 0; i < n;) {
        i += utf8_next(s + i, n - i, &cp);
        if (cp == '"' || cp == '\\')
            str_putc(out, '\\');
        if (text_hidden(cp))
            escape(out, cp);
        else
            str_put(out, utf8, utf8_put(cp, utf8));
    }
    str_putc(out, '"');
}

void json_key(struct json *j, const char *key)
{
    begin(j);
    quoted(j->out, key, strlen(key));
    str_putc(j->out, ':');
    j->comma &= ~(UINT64_C(1) << j->depth);     /* its value takes no comma */
}

void json_str(struct json *j, const char *s)
{
    if (s)
        json_strn(j, s, strlen(s));
    else
        json_null(j);
}

void json_strn(struct json *j, const char *s, size_t n)
{
    begin(j);
    quoted(j->out, s, n);
}

void json_int(struct json *j, int64_t v)
{
    begin(j);
    str_printf(j->out, "%" PRId64, v);
}

void json_num(struct json *j, double v)
{
    if (!isfinite(v)) {
        json_null(j);
        return;
    }
    begin(j);
    str_printf(j->out, "%.9g", v);
}

void json_real(struct json *j, double v)
{
    if (!isfinite(v)) {
        json_null(j);
        return;
    }
    begin(j);
    str_printf(j->out, "%.17g", v);
}

void json_bool(struct json *j, int v)
{
    begin(j);
    str_puts(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
    begin(j);
    str_puts(j->out, "null");
}

void json_put_str(struct json *j, const char *key, const char *s)
{
    json_key(j, key);
    json_str(j, s);
}

void json_put_int(struct json *j, const char *key, int64_t v)
{
    json_key(j, key);
    json_int(j, v);
}

void json_put_num(struct json *j, const char *key, double v)
{
    json_key(j, key);
    json_num(j, v);
}

void json_put_bool(struct json *j, const char *key, int v)
{
    json_key(j, key);
    json_bool(j, v);
}

void json_echo(struct json *j, const cJSON *item)
{
    double v = cJSON_IsNumber(item) ? item->valuedouble : 0.0;

    if (cJSON_IsString(item))
        json_str(j, item->valuestring);
    else if (cJSON_IsNumber(item) && v == floor(v) && fabs(v) < 0x1p53)
        json_int(j, (int64_t)v);
    else if (cJSON_IsNumber(item))
        json_num(j, v);
    else if (cJSON_IsBool(item))
        json_bool(j, cJSON_IsTrue(item));
    else
        json_null(j);
}

static size_t skip_space(const char *s, size_t n, size_t at)
{
    while (at < n && strchr(" \t\r\n", s[at]) && s[at])
        at++;
    return at;
}

/* The byte after the string that begins at s[at]. */
static size_t skip_string(const char *s, size_t n, size_t at)
{
    for (at++; at < n && s[at] != '"'; at++)
        at += s[at] == '\\';
    return at < n ? at + 1 : n;
}

static size_t skip_digits(const char *s, size_t n, size_t at)
{
    while (at < n && s[at] >= '0' && s[at] <= '9')
        at++;
    return at;
}

/* Bytes of the number at s[0..n), by RFC 8259, section 6; 0: none is there. */
static size_t number_bytes(const char *s, size_t n)
{
    size_t i = n > 0 && s[0] == '-', from = i;

    i = skip_digits(s, n, i);
    if (i == from || (s[from] == '0' && i > from + 1))
        return 0;
    if (i < n && s[i] == '.') {
        from = ++i;
        i = skip_digits(s, n, i);
        if (i == from)
            return 0;
    }
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        i += i < n && (s[i] == '+' || s[i] == '-');
        from = i;
        i = skip_digits(s, n, i);
        if (i == from)
            return 0;
    }
    return i;
}

/* Where the value of a key of the outermost object begins; n: not found. */
static size_t member_at(const char *s, size_t n, const char *key)
{
    size_t len = strlen(key);
    int depth = 0;

    for (size_t at = 0; at < n; ) {
        if (s[at] == '"') {
            size_t end = skip_string(s, n, at), colon = skip_space(s, n, end);

            if (depth == 1 && end - at == len + 2 &&
                memcmp(s + at + 1, key, len) == 0 && colon < n &&
                s[colon] == ':')
                return skip_space(s, n, colon + 1);
            at = end;
            continue;
        }
        depth += s[at] == '{' || s[at] == '[';
        depth -= s[at] == '}' || s[at] == ']';
        at++;
    }
    return n;
}

void json_echo_member(struct json *j, const struct json_source *from,
                      const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(from->tree, key);
    size_t at = cJSON_IsNumber(item) ? member_at(from->text, from->n, key)
                                     : from->n;
    size_t n = number_bytes(from->text + at, from->n - at);

    if (n == 0) {
        json_echo(j, item);
        return;
    }
    begin(j);
    str_put(j->out, from->text + at, n);
}
