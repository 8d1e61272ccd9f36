/* trace/import_otlp.c - OTLP/JSON: every span that is a call of a model.
 * Names: the GenAI conventions (opentelemetry.io/docs/specs/semconv/gen-ai),
 * old ones too, and OpenInference's llm.* (github.com/Arize-ai/openinference,
 * spec/semantic_conventions.md).
 *
 * Calls with one parent, one model and one question in one request are the
 * paths of one run, in the order of sorites.path, else as they come; several
 * answers of one span are paths too.  Any other call is a run of its own. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/import_impl.h"

enum { MESSAGES_MAX = 256 };    /* llm.input_messages.N: N below this */

/* One call of a model. */
struct call {
    const char *trace, *parent, *span;
    int64_t path;               /* sorites.path; else its place */
    int64_t start_us, end_us;
    struct foreign f;
};
struct calls {
    struct call **call;
    int n, cap;
};

/* --- attributes ---------------------------------------------------------- */

static const char *const models[] = { "gen_ai.response.model",
    "gen_ai.request.model", "llm.model_name", NULL };
static const char *const providers[] = { "gen_ai.provider.name",
    "gen_ai.system", "llm.provider", "llm.system", NULL };
static const char *const in_tokens[] = { "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", NULL };
static const char *const out_tokens[] = { "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens", "llm.token_count.completion", NULL };
static const char *const think_tokens[] = {
    "gen_ai.usage.reasoning.output_tokens",
    "llm.token_count.completion_details.reasoning", NULL };

/* The AnyValue under a key; NULL: none. */
static const cJSON *attr(const cJSON *span, const char *key)
{
    const cJSON *a;

    cJSON_ArrayForEach(a, import_get(span, "attributes")) {
        const char *is = import_str(a, "key");

        if (is && strcmp(is, key) == 0)
            return import_get(a, "value");
    }
    return NULL;
}

static const cJSON *attr_any(const cJSON *span, const char *const *keys)
{
    const cJSON *v = NULL;

    while (!v && *keys)
        v = attr(span, *keys++);
    return v;
}

static const char *value_str(const cJSON *any)
{
    return import_str(any, "stringValue");
}

static double value_num(const cJSON *any, double none)
{
    return import_num(any, "doubleValue", import_num(any, "intValue", none));
}

static int64_t value_int(const cJSON *any, int64_t none)
{
    double x = value_num(any, NAN);

    return x >= 0 && x < 0x1p53 ? (int64_t)x : none;
}

/* An AnyValue as plain JSON; the caller deletes it.  NULL: out of memory, or
 * nothing in it. */
static cJSON *plain(const cJSON *any)
{
    const cJSON *list = import_get(import_get(any, "arrayValue"), "values");
    const cJSON *map = import_get(import_get(any, "kvlistValue"), "values");
    const cJSON *v, *kept;
    cJSON *out;

    if (list) {
        out = cJSON_CreateArray();
        cJSON_ArrayForEach(v, list)
            cJSON_AddItemToArray(out, plain(v));
        return out;
    }
    if (map) {
        out = cJSON_CreateObject();
        cJSON_ArrayForEach(v, map)
            if (import_str(v, "key"))
                cJSON_AddItemToObject(out, import_str(v, "key"),
                                      plain(import_get(v, "value")));
        return out;
    }
    kept = import_get(any, "stringValue");
    if (!kept && (kept = import_get(any, "intValue")) && cJSON_IsString(kept))
        return cJSON_CreateNumber(import_num(any, "intValue", 0));
    return kept ? cJSON_Duplicate(kept, 1) : NULL;
}

/* Messages, given as values or as JSON in a string; NULL: none.  A string that
 * is no JSON is one message. */
static cJSON *messages_of(const cJSON *any)
{
    const char *s = value_str(any);
    cJSON *tree = NULL;

    if (!s)
        return plain(any);
    if (json_parse(s, strlen(s), "", &tree, NULL) == SOR_OK)
        return tree;
    return cJSON_Duplicate(import_get(any, "stringValue"), 1);
}

/* llm.input_messages.0.message.role and its like, gathered. */
static cJSON *flat_messages(const cJSON *span, const char *prefix)
{
    cJSON *list = cJSON_CreateArray(), *message = NULL;
    size_t n = strlen(prefix);
    const cJSON *a;

    cJSON_ArrayForEach(a, import_get(span, "attributes")) {
        const char *key = import_str(a, "key");
        const char *s = value_str(import_get(a, "value"));
        char *rest;
        long at;

        if (!key || !s || strncmp(key, prefix, n) != 0)
            continue;
        at = strtol(key + n, &rest, 10);
        if (rest == key + n || at < 0 || at >= MESSAGES_MAX)
            continue;
        while (cJSON_GetArraySize(list) <= at)
            if (!cJSON_AddItemToArray(list, cJSON_CreateObject()))
                return list;
        message = cJSON_GetArrayItem(list, (int)at);
        if (strcmp(rest, ".message.role") == 0)
            cJSON_AddStringToObject(message, "role", s);
        else if (strcmp(rest, ".message.content") == 0)
            cJSON_AddStringToObject(message, "content", s);
    }
    return list;
}

/* --- a span -------------------------------------------------------------- */

static int is_call(const cJSON *span)
{
    static const char *const names[] = { "chat", "text_completion",
                                         "generate_content" };
    const char *op = value_str(attr(span, "gen_ai.operation.name"));
    const char *kind = value_str(attr(span, "openinference.span.kind"));

    for (size_t i = 0; op && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(op, names[i]) == 0)
            return 1;
    return kind && strcmp(kind, "LLM") == 0;
}

static cJSON *either(const cJSON *span, const char *key, const char *prefix,
                     const char *last)
{
    const cJSON *any = attr(span, key);
    cJSON *list = any ? messages_of(any) : flat_messages(span, prefix);

    if (list && !any && cJSON_GetArraySize(list) == 0) {
        cJSON_Delete(list);
        list = (any = attr(span, last)) ? messages_of(any) : NULL;
    }
    return list;
}

/* A list of messages, one message, or bare text. */
static void put_input(struct foreign *f, const cJSON *in)
{
    if (cJSON_IsArray(in))
        import_messages(in, f, NULL);
    else if (import_get(in, "messages"))
        import_messages(import_get(in, "messages"), f, NULL);
    else
        import_content(in, &f->prompt);
}

static void put_system(struct foreign *f, const cJSON *span)
{
    const cJSON *any = attr(span, "gen_ai.system_instructions"), *m;
    cJSON *list = any ? messages_of(any) : NULL;

    f->has_system |= list != NULL;
    if (cJSON_IsArray(list))
        cJSON_ArrayForEach(m, list)
            import_content(import_get(m, "parts") ? import_get(m, "parts") : m,
                           &f->system);
    else
        import_content(list, &f->system);
    cJSON_Delete(list);
}

static const char *stop_of(const cJSON *span, const cJSON *message)
{
    static const char *const known[] = { "eog", "length", "context",
                                         "cancelled", "scored" };
    const char *own = value_str(attr(span, "sorites.path.stop"));
    const char *reason = import_str(message, "finish_reason");

    for (size_t i = 0; own && i < sizeof known / sizeof known[0]; i++)
        if (strcmp(own, known[i]) == 0)
            return known[i];
    return !reason ? "import" : strcmp(reason, "stop") == 0 ? "eog"
         : strcmp(reason, "length") == 0 ? "length" : "import";
}

static void path_params(const cJSON *span, struct str *out)
{
    int64_t think = value_int(attr_any(span, think_tokens), -1);
    int64_t in = value_int(attr_any(span, in_tokens), -1);
    struct json j;

    json_init(&j, out);
    json_obj(&j);
    if (import_str(span, "spanId"))
        json_key(&j, "span"), json_str(&j, import_str(span, "spanId"));
    if (in >= 0)
        json_key(&j, "input_tokens"), json_int(&j, in);
    if (think >= 0)
        json_key(&j, "reasoning_tokens"), json_int(&j, think);
    json_end_obj(&j);
}

static int put_answer(struct foreign *f, const cJSON *span,
                      const cJSON *message)
{
    struct foreign_path *p = foreign_path(f);
    const cJSON *content = import_get(message, "parts");
    int64_t n = value_int(attr_any(span, out_tokens), -1);

    if (!p)
        return -1;
    if (!content)
        content = import_get(message, "content");
    import_content(content ? content : message, &p->text);
    path_params(span, &p->params);
    p->stop = stop_of(span, message);
    if (n >= 0 && n <= INT32_MAX)
        p->n_token = (int)n;
    return 0;
}

static int put_output(struct foreign *f, const cJSON *span, const cJSON *out)
{
    const cJSON *m;
    int rc = 0;

    if (!cJSON_IsArray(out))
        return out ? put_answer(f, span, out) : 0;
    cJSON_ArrayForEach(m, out)
        if ((rc = put_answer(f, span, m)) != 0)
            break;
    return rc;
}

static void put_facts(struct foreign *f, const cJSON *span)
{
    const char *model = value_str(attr_any(span, models));
    const char *provider = value_str(attr_any(span, providers));
    const char *trace = import_str(span, "traceId");
    struct json j;

    if (model)
        foreign_text(&f->model, model, strlen(model));
    f->temperature = value_num(attr(span, "gen_ai.request.temperature"), 1.0);
    f->top_p = value_num(attr(span, "gen_ai.request.top_p"), 1.0);
    f->max_tok = (int)value_int(attr(span, "gen_ai.request.max_tokens"), 0);
    json_init(&j, &f->params);
    json_obj(&j);
    json_key(&j, "source"), json_str(&j, "otlp");
    if (provider)
        json_key(&j, "provider"), json_str(&j, provider);
    if (trace)
        json_key(&j, "trace"), json_str(&j, trace);
    json_end_obj(&j);
}

static int64_t time_us(const cJSON *span, const char *key)
{
    double ns = import_num(span, key, 0.0);

    return ns > 0.0 && ns < 9e18 ? (int64_t)(ns / 1000.0) : 0;
}

/* Reads one call.  0, or -1: out of memory. */
static int read_call(const cJSON *span, struct call *c)
{
    const long refused = json_n_refused();
    struct foreign *f = &c->f;
    cJSON *in = either(span, "gen_ai.input.messages", "llm.input_messages.",
                       "input.value");
    cJSON *out = either(span, "gen_ai.output.messages",
                        "llm.output_messages.", "output.value");
    int rc;

    c->trace = import_str(span, "traceId");
    c->parent = import_str(span, "parentSpanId");
    c->span = import_str(span, "spanId");
    c->path = value_int(attr(span, "sorites.path"), -1);
    c->start_us = time_us(span, "startTimeUnixNano");
    c->end_us = time_us(span, "endTimeUnixNano");
    put_facts(f, span);
    put_system(f, span);
    put_input(f, in);
    rc = put_output(f, span, out);
    cJSON_Delete(in);
    cJSON_Delete(out);
    return json_n_refused() == refused ? rc : -1;
}

/* --- all spans ----------------------------------------------------------- */

static void calls_release(struct calls *s)
{
    for (int i = 0; i < s->n; i++) {
        foreign_release(&s->call[i]->f);
        mem_free(s->call[i]);
    }
    mem_free(s->call);
}

static int add_call(struct calls *s, const cJSON *span)
{
    struct call *c;

    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 16;
        struct call **more = mem_realloc(s->call, (size_t)cap, sizeof *more);

        if (!more)
            return -1;
        s->call = more;
        s->cap = cap;
    }
    if (!(c = mem_calloc(1, sizeof *c)))
        return -1;
    foreign_init(&c->f);
    s->call[s->n++] = c;
    if (read_call(span, c) != 0)
        return -1;
    if (c->path < 0)
        c->path = s->n;
    return 0;
}

static int add_spans(struct calls *s, const cJSON *request)
{
    const cJSON *resource, *scope, *span;

    cJSON_ArrayForEach(resource, import_get(request, "resourceSpans"))
        cJSON_ArrayForEach(scope, import_get(resource, "scopeSpans"))
            cJSON_ArrayForEach(span, import_get(scope, "spans"))
                if (is_call(span) && add_call(s, span) != 0)
                    return -1;
    return 0;
}

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* Calls that are paths of one run stand side by side. */
static int by_run(const void *a, const void *b)
{
    const struct call *x = *(struct call *const *)a;
    const struct call *y = *(struct call *const *)b;
    int c;

    if ((c = compare_text(x->trace, y->trace)) ||
        (c = compare_text(x->parent, y->parent)) ||
        (c = strcmp(x->f.model.p, y->f.model.p)) ||
        (c = strcmp(x->f.system.p, y->f.system.p)) ||
        (c = strcmp(x->f.prompt.p, y->f.prompt.p)))
        return c;
    return 0;
}

static int by_run_and_path(const void *a, const void *b)
{
    const struct call *x = *(struct call *const *)a;
    const struct call *y = *(struct call *const *)b;
    int c = by_run(a, b);

    return c ? c : (x->path > y->path) - (x->path < y->path);
}

/* Gives the paths of one call to another.  0, or -1: out of memory. */
static int move_paths(struct foreign *from, struct foreign *to)
{
    int n = to->n_path + from->n_path;
    struct foreign_path **more = mem_realloc(to->path, (size_t)n + 1,
                                             sizeof *more);

    if (!more)
        return -1;
    to->path = more;
    to->cap_path = n + 1;
    for (int i = 0; i < from->n_path; i++)
        more[to->n_path + i] = from->path[i];
    from->n_path = 0;
    to->n_path = n;
    return 0;
}

/* calls first..last-1 as one run. */
static enum sor_err put_run(struct import *im, struct call **call, int n,
                            struct sor_msg *msg)
{
    struct foreign *f = &call[0]->f;

    f->started_us = call[0]->start_us;
    for (int i = 0; i < n; i++) {
        if (call[i]->start_us && call[i]->start_us < f->started_us)
            f->started_us = call[i]->start_us;
        if (call[i]->end_us > f->ended_us)
            f->ended_us = call[i]->end_us;
        if (i > 0 && move_paths(&call[i]->f, f) != 0)
            return sor_fail(msg, SOR_NOMEM, "out of memory");
    }
    if (!f->n_path)
        return sor_fail(msg, SOR_FORMAT, "span %.16s: a call of a model with "
                        "no answer in it", call[0]->span ? call[0]->span
                                                         : "(no id)");
    return import_foreign(im, f, msg);
}

static enum sor_err put_runs(struct import *im, struct calls *s,
                             struct sor_msg *msg)
{
    enum sor_err err = SOR_OK, one;
    struct sor_msg why;

    if (s->n)
        qsort(s->call, (size_t)s->n, sizeof *s->call, by_run_and_path);
    for (int i = 0, to; i < s->n; i = to) {
        for (to = i + 1; to < s->n &&
             by_run(&s->call[i], &s->call[to]) == 0; to++)
            continue;
        one = put_run(im, s->call + i, to - i, &why);
        if (one) {              /* told last; the others go in */
            err = one;
            if (msg)
                *msg = why;
        }
        if (one == SOR_NOMEM || one == SOR_IO || one == SOR_FULL ||
            one == SOR_BUSY)
            break;
    }
    return err;
}

enum sor_err import_otlp(struct import *im, const cJSON *v,
                         struct sor_msg *msg)
{
    struct calls s = { .n = 0 };
    enum sor_err err;

    if (add_spans(&s, v) != 0)
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    else if (!s.n)
        err = sor_fail(msg, SOR_FORMAT, "no span in it is a call of a model");
    else
        err = put_runs(im, &s, msg);
    calls_release(&s);
    return err;
}
