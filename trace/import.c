#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/import_impl.h"

/* Which reader, by a key that only its kind has; the first that fits. */
static const struct {
    const char *key, *and;
    enum sor_err (*read)(struct import *, const cJSON *, struct sor_msg *);
} kinds[] = {
    { "sorites", NULL, import_sorites },
    { "resourceSpans", NULL, import_otlp },
    { "choices", NULL, import_chat },
    { "response", "custom_id", import_chat },
    { "response", "request", import_chat },
    { "error", "custom_id", import_chat },
    { "messages", NULL, import_chat },
    { "question", NULL, import_rows },
    { "prompt", NULL, import_rows },
    { "problem", NULL, import_rows },
    { "error", NULL, import_chat },     /* a response that failed */
};

/* --- values -------------------------------------------------------------- */

const cJSON *import_get(const cJSON *obj, const char *key)
{
    const cJSON *v = cJSON_IsObject(obj)
        ? cJSON_GetObjectItemCaseSensitive(obj, key) : NULL;

    return cJSON_IsNull(v) ? NULL : v;
}

const char *import_str(const cJSON *obj, const char *key)
{
    const cJSON *v = import_get(obj, key);

    return cJSON_IsString(v) ? v->valuestring : NULL;
}

double import_num(const cJSON *obj, const char *key, double none)
{
    const cJSON *v = import_get(obj, key);
    double x = cJSON_IsNumber(v) ? v->valuedouble : NAN;
    char *end;

    if (cJSON_IsString(v) && *v->valuestring) {
        x = strtod(v->valuestring, &end);
        if (*end)
            return none;
    }
    return isfinite(x) ? x : none;
}

int64_t import_int(const cJSON *obj, const char *key, int64_t none)
{
    double x = import_num(obj, key, NAN);

    return x >= 0 && x < 0x1p53 ? (int64_t)x : none;
}

/* --- messages ------------------------------------------------------------ */

static int is_reasoning(const cJSON *part)
{
    const char *type = import_str(part, "type");

    return type && (strcmp(type, "reasoning") == 0 ||
                    strcmp(type, "thinking") == 0);
}

static void put_part(const cJSON *part, struct str *out)
{
    static const char *const keys[] = { "text", "content", "thinking",
                                        "reasoning", "output_text" };
    const char *s = cJSON_IsString(part) ? part->valuestring : NULL;

    for (size_t i = 0; !s && i < sizeof keys / sizeof keys[0]; i++)
        s = import_str(part, keys[i]);
    if (!s)
        return;
    if (is_reasoning(part))
        str_puts(out, "<think>");
    foreign_text(out, s, strlen(s));
    if (is_reasoning(part))
        str_puts(out, "</think>");
}

void import_content(const cJSON *content, struct str *out)
{
    const cJSON *part;

    if (!cJSON_IsArray(content)) {
        put_part(content, out);
        return;
    }
    cJSON_ArrayForEach(part, content)
        put_part(part, out);
}

/* What a message holds: OpenAI's content, or the parts of a GenAI span. */
static const cJSON *content_of(const cJSON *message)
{
    const cJSON *v = import_get(message, "content");

    return v ? v : import_get(message, "parts");
}

static int has_role(const cJSON *message, const char *role)
{
    const char *is = import_str(message, "role");

    return is && strcmp(is, role) == 0;
}

void import_messages(const cJSON *messages, struct foreign *f,
                     const cJSON **answer)
{
    const cJSON *m, *last = NULL;
    int n = 0;

    cJSON_ArrayForEach(m, messages)
        last = m;
    if (!answer || !has_role(last, "assistant"))
        last = NULL;
    cJSON_ArrayForEach(m, messages)
        n += m != last && !has_role(m, "system") && !has_role(m, "developer");
    cJSON_ArrayForEach(m, messages) {
        const char *role = import_str(m, "role");
        int is_system = has_role(m, "system") || has_role(m, "developer");
        struct str *to = is_system ? &f->system : &f->prompt;

        if (m == last || !cJSON_IsObject(m))
            continue;
        f->has_system |= is_system;
        if (to->len)
            str_puts(to, "\n\n");
        if (!is_system && n > 1) {      /* who said it matters */
            foreign_text(to, role ? role : "user", strlen(role ? role
                                                               : "user"));
            str_puts(to, ": ");
        }
        import_content(content_of(m), to);
    }
    if (answer)
        *answer = last;
}

/* --- one value ----------------------------------------------------------- */

enum sor_err import_open(struct db_writer *w, const struct import_opts *o,
                         struct import **out, struct sor_msg *msg)
{
    struct import *im = mem_calloc(1, sizeof *im);
    enum sor_err err;

    if (!im)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    im->w = w;
    im->opts = *o;
    if ((err = load_open(w, &im->load, msg))) {
        import_close(im);
        return err;
    }
    *out = im;
    return SOR_OK;
}

void import_close(struct import *im)
{
    if (!im)
        return;
    load_close(im->load);
    mem_free(im);
}

const struct import_counts *import_counts(const struct import *im)
{
    return &im->n;
}

enum sor_err import_foreign(struct import *im, struct foreign *f,
                            struct sor_msg *msg)
{
    char uid[33];
    int known = 0;
    enum sor_err err = foreign_put(im->w, f, uid, &known, msg);

    if (err)
        return err;
    im->n.n_known += known;
    im->n.n_new += !known;
    if (!known && im->opts.added)
        im->opts.added(im->opts.ud, uid);
    return SOR_OK;
}

/* Faults of the input; any other ends the import. */
static int is_bad_input(enum sor_err err)
{
    return err == SOR_FORMAT || err == SOR_LIMIT || err == SOR_UNSUP ||
           err == SOR_NOTFOUND;
}

/* Tells of a refused record and forgives it. */
static enum sor_err refuse(struct import *im, enum sor_err err,
                           const char *sentence)
{
    if (!is_bad_input(err))
        return err;
    im->n.n_bad++;
    im->opts.bad(im->opts.ud, sentence);
    return SOR_OK;
}

/* A line inside a run of Sorites JSONL: one table, or the end. */
static int is_row(const cJSON *v)
{
    return import_str(v, "end") ||
           (cJSON_IsObject(v) && v->child && !v->child->next &&
            cJSON_IsObject(v->child));
}

static enum sor_err read_record(struct import *im, const cJSON *v,
                                struct sor_msg *msg)
{
    const cJSON *first = cJSON_IsObject(v) ? v->child : NULL;

    if (im->in_run && is_row(v))
        return import_sorites(im, v, msg);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (import_get(v, kinds[i].key) &&
            (!kinds[i].and || import_get(v, kinds[i].and)))
            return kinds[i].read(im, v, msg);
    return sor_fail(msg, SOR_FORMAT, "no kind of trace that is known here%s"
                    "%.40s%s", first ? ": it begins with the key \"" : "",
                    first ? first->string : "", first ? "\"" : "");
}

static enum sor_err take_record(struct import *im, const cJSON *v,
                                const char *where, struct sor_msg *msg)
{
    struct sor_msg why, full;
    enum sor_err err = read_record(im, v, &why);

    if (!err)
        return SOR_OK;
    sor_fail(&full, err, "%s:1: %s", where, why.text);
    if (msg)
        *msg = full;
    return refuse(im, err, full.text);
}

enum sor_err import_value(struct import *im, const char *text, size_t n,
                          const char *where, struct sor_msg *msg)
{
    const cJSON *one;
    const char *twice = "";
    struct sor_msg why;
    cJSON *tree = NULL;
    enum sor_err err = json_parse_line(text, n, where, &tree, &why);

    if (err) {
        if (msg)
            *msg = why;
        return refuse(im, err, why.text);
    }
    int found = json_twice(tree, &twice);
    if (found < 0) {
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", where);
    } else if (found) {
        sor_fail(&why, SOR_FORMAT, "%s:1: the key \"%.60s\" stands twice in "
                 "one object", where, twice);
        err = refuse(im, SOR_FORMAT, why.text);
    } else if (cJSON_IsArray(tree)) {
        cJSON_ArrayForEach(one, tree)
            if ((err = take_record(im, one, where, msg)))
                break;
    } else {
        err = take_record(im, tree, where, msg);
    }
    cJSON_Delete(tree);
    return err;
}

enum sor_err import_end(struct import *im, const char *where,
                        struct sor_msg *msg)
{
    struct sor_msg why;
    int cut = im->in_run && !im->is_skipped;

    (void)msg;
    load_drop(im->load);
    im->in_run = im->is_skipped = 0;
    if (!cut)
        return SOR_OK;
    sor_fail(&why, SOR_FORMAT, "%s: ends inside a run, which is left out",
             where);
    return refuse(im, SOR_FORMAT, why.text);
}
