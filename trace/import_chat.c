/* trace/import_chat.c - OpenAI-style chat: responses, batch lines, logged
 * pairs of request and response, conversations.
 * Fields: platform.openai.com/docs/api-reference/chat/object and .../batch;
 * reasoning_content: api-docs.deepseek.com/guides/reasoning_model; reasoning:
 * docs.vllm.ai, "Reasoning Outputs". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/import_impl.h"

/* The parts of one record, wherever they stand in it. */
struct chat {
    const cJSON *body;          /* what came back; NULL: a conversation only */
    const cJSON *request;       /* what was asked; NULL: not in the file */
    const char *custom_id;
};

static const char *const reasoning_keys[] = { "reasoning_content",
                                              "reasoning", "thinking" };

/* --- tokens -------------------------------------------------------------- */

/* The token's own bytes, which alone rebuild text that a token cuts inside a
 * character; else its text. */
static void token_bytes(const cJSON *t, struct str *out)
{
    const cJSON *bytes = import_get(t, "bytes"), *b;
    const char *s = import_str(t, "token");
    size_t start = out->len;

    cJSON_ArrayForEach(b, bytes) {
        if (!cJSON_IsNumber(b) || b->valuedouble < 0 || b->valuedouble > 255) {
            out->p[out->len = start] = '\0';
            break;
        }
        str_putc(out, (char)b->valueint);
    }
    if (out->len == start && s)
        str_puts(out, s);
}

static int put_token(struct foreign_path *p, const cJSON *t, struct str *bytes)
{
    const cJSON *alt;
    int rc;

    str_clear(bytes);
    token_bytes(t, bytes);
    rc = foreign_tok(p, bytes->p, bytes->len, import_num(t, "logprob", NAN));
    cJSON_ArrayForEach(alt, import_get(t, "top_logprobs")) {
        if (rc != 0)
            break;
        str_clear(bytes);
        token_bytes(alt, bytes);
        rc = foreign_alt(p, bytes->p, bytes->len,
                         import_num(alt, "logprob", NAN));
    }
    return str_ok(bytes) ? rc : -1;
}

static int put_tokens(struct foreign_path *p, const cJSON *choice)
{
    const cJSON *list = import_get(import_get(choice, "logprobs"), "content");
    const cJSON *t;
    struct str bytes;
    int rc = 0;

    str_init(&bytes);
    cJSON_ArrayForEach(t, list)
        if (cJSON_IsObject(t) && (rc = put_token(p, t, &bytes)) != 0)
            break;
    str_release(&bytes);
    return rc;
}

/* --- an answer ----------------------------------------------------------- */

/* Reasoning that comes beside the answer goes before it, as the model wrote
 * it. */
static void put_message(const cJSON *message, struct str *out)
{
    const char *think = NULL;

    for (size_t i = 0; !think && i < sizeof reasoning_keys /
                                     sizeof reasoning_keys[0]; i++)
        think = import_str(message, reasoning_keys[i]);
    if (think && *think) {
        str_puts(out, "<think>\n");
        foreign_text(out, think, strlen(think));
        str_puts(out, "\n</think>\n\n");
    }
    import_content(import_get(message, "content"), out);
}

static void path_params(const cJSON *choice, struct str *out)
{
    struct json j;

    json_init(&j, out);
    json_obj(&j);
    if (import_get(choice, "finish_reason")) {
        json_key(&j, "finish_reason");
        json_echo(&j, import_get(choice, "finish_reason"));
    }
    if (import_get(choice, "index")) {
        json_key(&j, "index");
        json_echo(&j, import_get(choice, "index"));
    }
    json_end_obj(&j);
}

static const char *stop_of(const char *reason)
{
    return !reason ? "import" : strcmp(reason, "stop") == 0 ? "eog"
         : strcmp(reason, "length") == 0 ? "length" : "import";
}

/* choice: with its "message", or the legacy "text"; or a bare message. */
static enum sor_err put_choice(struct foreign *f, const cJSON *choice,
                               struct sor_msg *msg)
{
    const cJSON *message = import_get(choice, "message");
    const char *text = import_str(choice, "text");
    struct foreign_path *p = foreign_path(f);

    if (!p)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    if (text)
        foreign_text(&p->text, text, strlen(text));
    else
        put_message(message ? message : choice, &p->text);
    path_params(choice, &p->params);
    p->stop = stop_of(import_str(choice, "finish_reason"));
    if (put_tokens(p, choice) != 0)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    if (!p->text.len && !p->n_tok)
        return sor_fail(msg, SOR_FORMAT, "choice %d: no text in it",
                        f->n_path - 1);
    return SOR_OK;
}

/* A choice and where it belongs: its "index", else its place in the list. */
struct placed { const cJSON *choice; int64_t index; int at; };

static int by_index(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    return x->index != y->index ? (x->index > y->index) - (x->index < y->index)
                                : x->at - y->at;
}

/* Choices may come in any order; paths are in that of their index. */
static enum sor_err put_choices(struct foreign *f, const cJSON *choices,
                                struct sor_msg *msg)
{
    int n = 0, i = 0;
    struct placed *list = mem_calloc((size_t)cJSON_GetArraySize(choices) + 1,
                                     sizeof *list);
    const cJSON *choice;
    enum sor_err err = SOR_OK;

    if (!list)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    cJSON_ArrayForEach(choice, choices) {
        list[n] = (struct placed){ choice, import_int(choice, "index", n), n };
        n++;
    }
    qsort(list, (size_t)n, sizeof *list, by_index);
    for (; i < n && !err; i++)
        err = put_choice(f, list[i].choice, msg);
    mem_free(list);
    return err;
}

/* --- a record ------------------------------------------------------------ */

static void put_usage(struct json *j, const cJSON *usage)
{
    static const struct { const char *in, *key, *out; } table[] = {
        { NULL, "prompt_tokens", "input_tokens" },
        { NULL, "completion_tokens", "output_tokens" },
        { "completion_tokens_details", "reasoning_tokens",
          "reasoning_tokens" },
    };

    json_key(j, "usage");
    json_obj(j);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const cJSON *in = table[i].in ? import_get(usage, table[i].in)
                                      : usage;
        int64_t v = import_int(in, table[i].key, -1);

        if (v >= 0) {
            json_key(j, table[i].out);
            json_int(j, v);
        }
    }
    json_end_obj(j);
}

static void run_params(const struct chat *c, struct str *out)
{
    struct json j;

    json_init(&j, out);
    json_obj(&j);
    json_key(&j, "source"), json_str(&j, "openai");
    if (c->custom_id)
        json_key(&j, "custom_id"), json_str(&j, c->custom_id);
    if (import_str(c->body, "id"))
        json_key(&j, "id"), json_str(&j, import_str(c->body, "id"));
    if (import_get(c->body, "usage"))
        put_usage(&j, import_get(c->body, "usage"));
    json_end_obj(&j);
}

static void read_request(const struct chat *c, struct foreign *f)
{
    const char *model = import_str(c->body, "model");

    if (!model)
        model = import_str(c->request, "model");
    if (model)
        foreign_text(&f->model, model, strlen(model));
    f->temperature = import_num(c->request, "temperature", 1.0);
    f->top_p = import_num(c->request, "top_p", 1.0);
    f->seed = import_int(c->request, "seed", 0);
    f->max_tok = (int)fmin(1e9, import_num(c->request, "max_tokens", 0));
    f->started_us = import_int(c->body, "created", 0);
    f->started_us = f->started_us < INT64_C(100000000000)
        ? f->started_us * 1000000 : 0;
}

static enum sor_err read_chat(const struct chat *c, struct foreign *f,
                              struct sor_msg *msg)
{
    const cJSON *choices = import_get(c->body, "choices");
    const cJSON *answer = NULL;
    int64_t n = import_int(import_get(c->body, "usage"), "completion_tokens",
                           -1);
    enum sor_err err = SOR_OK;

    read_request(c, f);
    run_params(c, &f->params);
    import_messages(import_get(c->request, "messages"), f,
                    choices ? NULL : &answer);
    if (import_str(c->request, "prompt"))
        foreign_text(&f->prompt, import_str(c->request, "prompt"),
                     strlen(import_str(c->request, "prompt")));
    if ((err = put_choices(f, choices, msg)))
        return err;
    if (answer)
        err = put_choice(f, answer, msg);
    if (!err && !f->n_path)
        return sor_fail(msg, SOR_FORMAT, "no answer in it");
    if (!err && f->n_path == 1 && n >= 0 && n < INT32_MAX)
        f->path[0]->n_token = (int)n;
    return err;
}

/* Where the parts stand: a batch line has {"response":{"body":..}}, a log
 * {"request":..,"response":..}, a bare response both in one. */
static void find_parts(const cJSON *v, struct chat *c)
{
    const cJSON *response = import_get(v, "response");
    const cJSON *body = import_get(response, "body");

    c->custom_id = import_str(v, "custom_id");
    c->body = body ? body : response ? response : v;
    c->request = import_get(v, "request");
    if (import_get(c->request, "body"))
        c->request = import_get(c->request, "body");
    if (!c->request)
        c->request = v;
}

/* What a server said in place of an answer: a batch line's "error", or that of
 * the body it sent; NULL: nothing went wrong. */
static const cJSON *error_of(const cJSON *v, const struct chat *c)
{
    const cJSON *own = import_get(v, "error");

    return own ? own : import_get(c->body, "error");
}

/* Fields: platform.openai.com/docs/api-reference/batch/request-output. */
static enum sor_err refuse_error(const struct chat *c, const cJSON *error,
                                 int64_t status, struct sor_msg *msg)
{
    const char *code = import_str(error, "code");
    const char *says = import_str(error, "message");
    char number[24] = "";

    if (!code)
        code = import_str(error, "type");
    if (!says && error && cJSON_IsString(error))
        says = error->valuestring;
    if (!code && import_get(error, "code"))
        status = import_int(error, "code", status);
    if (!code && status >= 0)
        snprintf(number, sizeof number, "%lld", (long long)status);
    return sor_fail(msg, SOR_FORMAT, "%s%.40s%sthe server reported an error "
                    "and no answer%s%.60s%s%.120s",
                    c->custom_id ? "request \"" : "",
                    c->custom_id ? c->custom_id : "",
                    c->custom_id ? "\": " : "", code || *number ? ": " : "",
                    code ? code : number, says ? ": " : "", says ? says : "");
}

enum sor_err import_chat(struct import *im, const cJSON *v,
                         struct sor_msg *msg)
{
    int64_t status = import_int(import_get(v, "response"), "status_code", -1);
    const cJSON *error;
    struct chat c;
    struct foreign f;
    enum sor_err err;

    find_parts(v, &c);
    if ((error = error_of(v, &c)) || status >= 400)
        return refuse_error(&c, error, status, msg);
    foreign_init(&f);
    err = read_chat(&c, &f, msg);
    if (!err)
        err = import_foreign(im, &f, msg);
    foreign_release(&f);
    return err;
}
