/* trace/export_otlp.c - a run as OpenTelemetry spans in OTLP/JSON: ids in hex,
 * lowerCamelCase, enums and 64-bit integers as proto3's JSON has them
 * (opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding").  Names are
 * those of the GenAI conventions (opentelemetry.io/docs/specs/semconv/gen-ai);
 * what they have no word for is sorites.*. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/version.h"
#include "trace/export.h"

enum { KIND_INTERNAL = 1, KIND_CLIENT = 3 };    /* of enum SpanKind */

struct spans {
    struct db *d;
    struct str out;
    struct json j;
    char uid[33], root[17];
    struct str prompt, system, model;   /* copies: rows are borrowed */
    int has_system;
    struct db_run run;                  /* its numbers */
    struct sor_msg *msg;
};

/* --- values -------------------------------------------------------------- */

static void key_str(struct json *j, const char *key, const char *s)
{
    json_key(j, key);
    json_str(j, s);
}

static void key_i64(struct json *j, const char *key, int64_t v)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRId64, v);
    key_str(j, key, digits);
}

/* Opens {"key":..,"value":{; the value and end_attr() follow. */
static void attr(struct json *j, const char *key)
{
    json_obj(j);
    key_str(j, "key", key);
    json_key(j, "value");
    json_obj(j);
}

static void end_attr(struct json *j)
{
    json_end_obj(j);
    json_end_obj(j);
}

static void attr_str(struct json *j, const char *key, const char *s)
{
    attr(j, key);
    key_str(j, "stringValue", s);
    end_attr(j);
}

static void attr_int(struct json *j, const char *key, int64_t v)
{
    attr(j, key);
    key_i64(j, "intValue", v);
    end_attr(j);
}

static void attr_num(struct json *j, const char *key, double v)
{
    if (!isfinite(v))
        return;
    attr(j, key);
    json_key(j, "doubleValue"), json_real(j, v);
    end_attr(j);
}

/* --- messages ------------------------------------------------------------ */

static void put_part(struct json *j, const char *type, const char *s, size_t n)
{
    if (!n)
        return;
    json_obj(j);
    key_str(j, "type", type);
    json_key(j, "content"), json_strn(j, s, n);
    json_end_obj(j);
}

/* A text that begins with a whole think-block has two parts, cut exactly, so
 * that <think>, the first, </think> and the second are the text again. */
static void put_parts(struct json *j, const char *text)
{
    static const char open[] = "<think>", shut[] = "</think>";
    const char *end = strncmp(text, open, sizeof open - 1) == 0
        ? strstr(text, shut) : NULL;

    json_arr(j);
    if (end && end > text + sizeof open - 1) {
        text += sizeof open - 1;
        put_part(j, "reasoning", text, (size_t)(end - text));
        text = end + sizeof shut - 1;
    }
    put_part(j, "text", text, strlen(text));
    json_end_arr(j);
}

/* A list of one message, as the JSON text that attributes carry. */
static void attr_message(struct json *j, const char *key, const char *role,
                         const char *text)
{
    struct str s;
    struct json m;

    str_init(&s);
    json_init(&m, &s);
    json_arr(&m);
    json_obj(&m);
    key_str(&m, "role", role);
    json_key(&m, "parts");
    put_parts(&m, text);
    json_end_obj(&m);
    json_end_arr(&m);
    j->out->failed |= s.failed;
    attr_str(j, key, s.p);
    str_release(&s);
}

/* --- spans --------------------------------------------------------------- */

/* 64 bits of the hash of the run and which of its spans it is. */
static void span_id(const struct spans *s, int path, char out[17])
{
    char name[48];
    uint8_t bytes[8];
    uint64_t h;
    int n = snprintf(name, sizeof name, "%s:%d", s->uid, path);

    h = hash_xxh3(name, (size_t)n, 0);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(h >> (56 - 8 * i));
    hash_hex(bytes, sizeof bytes, out);
}

static void begin_span(struct spans *s, const char *id, const char *parent,
                       const char *name, int kind)
{
    struct json *j = &s->j;

    json_obj(j);
    key_str(j, "traceId", s->uid);
    key_str(j, "spanId", id);
    if (parent)
        key_str(j, "parentSpanId", parent);
    key_str(j, "name", name);
    json_key(j, "kind"), json_int(j, kind);
    key_i64(j, "startTimeUnixNano", s->run.started_us * 1000);
    key_i64(j, "endTimeUnixNano", s->run.ended_us * 1000);
    json_key(j, "attributes");
    json_arr(j);
}

static void put_request(struct spans *s)
{
    struct json *j = &s->j;

    attr_str(j, "gen_ai.operation.name", "chat");
    attr_str(j, "gen_ai.provider.name", "sorites");
    if (s->model.len)
        attr_str(j, "gen_ai.request.model", s->model.p);
    attr_num(j, "gen_ai.request.temperature", s->run.temperature);
    attr_num(j, "gen_ai.request.top_p", s->run.top_p);
    attr_int(j, "gen_ai.request.top_k", s->run.top_k);
    if (s->run.max_tok)
        attr_int(j, "gen_ai.request.max_tokens", s->run.max_tok);
    if (s->has_system)
        attr_message(j, "gen_ai.system_instructions", "system", s->system.p);
    attr_message(j, "gen_ai.input.messages", "user", s->prompt.p);
    if (s->run.n_prompt)
        attr_int(j, "gen_ai.usage.input_tokens", s->run.n_prompt);
}

static void put_path(struct spans *s, const struct db_path *p)
{
    struct json *j = &s->j;
    char id[17];
    struct str name;

    str_init(&name);
    str_printf(&name, "chat %s", s->model.p);
    span_id(s, p->ordinal, id);
    begin_span(s, id, s->root, name.p, KIND_CLIENT);
    put_request(s);
    attr_int(j, "gen_ai.request.seed", p->seed);
    if (p->n_token)
        attr_int(j, "gen_ai.usage.output_tokens", p->n_token);
    if (p->text)
        attr_message(j, "gen_ai.output.messages", "assistant", p->text);
    attr_int(j, "sorites.path", p->ordinal);
    attr_str(j, "sorites.path.kind", p->kind);
    if (p->stop)
        attr_str(j, "sorites.path.stop", p->stop);
    if (p->answer_norm)
        attr_str(j, "sorites.path.answer", p->answer_norm);
    attr_num(j, "sorites.path.logprob_mean", p->logprob_mean);
    json_end_arr(j);
    json_end_obj(j);
    j->out->failed |= name.failed;
    str_release(&name);
}

static void put_vote(struct spans *s, const struct db_vote *v)
{
    struct json *j = &s->j;

    json_obj(j);
    key_i64(j, "timeUnixNano", s->run.ended_us * 1000);
    key_str(j, "name", "gen_ai.evaluation.result");
    json_key(j, "attributes");
    json_arr(j);
    attr_str(j, "gen_ai.evaluation.name", "vote");
    attr_str(j, "gen_ai.evaluation.score.label", v->answer ? v->answer : "");
    attr_num(j, "gen_ai.evaluation.score.value", v->share);
    attr_int(j, "sorites.votes", v->votes);
    attr_str(j, "sorites.paths", v->paths);
    json_end_arr(j);
    json_end_obj(j);
}

static enum sor_err put_votes(struct spans *s)
{
    struct db_cur *c = db_votes(s->d, s->run.id);
    struct db_vote v;

    while (db_vote_next(c, &v) > 0)
        put_vote(s, &v);
    return db_cur_close(c);
}

static enum sor_err put_paths(struct spans *s)
{
    struct db_cur *c = db_paths(s->d, s->run.id);
    struct db_path p;

    while (db_path_next(c, &p) > 0)
        put_path(s, &p);
    return db_cur_close(c);
}

static enum sor_err put_spans(struct spans *s)
{
    struct json *j = &s->j;
    enum sor_err err;

    begin_span(s, s->root, NULL, "sorites run", KIND_INTERNAL);
    attr_str(j, "sorites.run", s->uid);
    json_end_arr(j);
    json_key(j, "events");
    json_arr(j);
    err = put_votes(s);
    json_end_arr(j);
    json_end_obj(j);
    return err ? err : put_paths(s);
}

/* The envelope of an ExportTraceServiceRequest. */
static enum sor_err put_request_of(struct spans *s)
{
    struct json *j = &s->j;
    enum sor_err err;

    json_obj(j), json_key(j, "resourceSpans"), json_arr(j), json_obj(j);
    json_key(j, "resource"), json_obj(j), json_key(j, "attributes");
    json_arr(j);
    attr_str(j, "service.name", "sorites");
    json_end_arr(j), json_end_obj(j);
    json_key(j, "scopeSpans"), json_arr(j), json_obj(j);
    json_key(j, "scope"), json_obj(j);
    key_str(j, "name", "sorites"), key_str(j, "version", SORITES_VERSION);
    json_end_obj(j);
    json_key(j, "spans"), json_arr(j);
    err = put_spans(s);
    json_end_arr(j), json_end_obj(j), json_end_arr(j);
    json_end_obj(j), json_end_arr(j), json_end_obj(j);
    str_putc(&s->out, '\n');
    return err;
}

static enum sor_err load_run(struct spans *s, int64_t run_id)
{
    struct db_model m;

    if (db_get_run(s->d, run_id, &s->run) != 1)
        return sor_fail(s->msg, SOR_FORMAT, "run %lld cannot be read",
                        (long long)run_id);
    if (!s->run.prompt)
        return sor_fail(s->msg, SOR_NOTFOUND, "run %.8s was forgotten: nothing "
                        "is left to export", s->run.uid);
    snprintf(s->uid, sizeof s->uid, "%s", s->run.uid);
    span_id(s, -1, s->root);
    str_puts(&s->prompt, s->run.prompt);
    if ((s->has_system = s->run.system != NULL))
        str_puts(&s->system, s->run.system);
    if (s->run.model_id && db_get_model(s->d, s->run.model_id, &m) == 1)
        str_puts(&s->model, m.name);
    if (!s->run.ended_us)
        s->run.ended_us = s->run.started_us;
    return SOR_OK;
}

enum sor_err export_otlp(struct db *d, int64_t run_id,
                         const struct export_to *to, struct sor_msg *msg)
{
    struct spans s = { .d = d, .msg = msg };
    enum sor_err err;

    str_init(&s.out);
    str_init(&s.prompt);
    str_init(&s.system);
    str_init(&s.model);
    json_init(&s.j, &s.out);
    if (!(err = load_run(&s, run_id)) && (err = put_request_of(&s)))
        sor_fail(msg, err, "run %.8s cannot be read", s.uid);
    if (!err && !(str_ok(&s.out) && str_ok(&s.prompt) && str_ok(&s.system) &&
                  str_ok(&s.model)))
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
    if (!err)
        err = to->put(to->ud, s.out.p, s.out.len, msg);
    str_release(&s.out);
    str_release(&s.prompt);
    str_release(&s.system);
    str_release(&s.model);
    db_rest(d);
    return err;
}
