/* trace/import_rows.c - plain rows: a question and what a model wrote, as
 * data sets of traces have them.  What else a row says and is short (gold,
 * task, an id) goes into the run's params: the question and the answer do not,
 * since `forget` must find them in table text alone. */
#include <string.h>

#include "trace/import_impl.h"

static const char *const question_keys[] = { "question", "prompt", "problem" };
static const char *const answer_keys[] = { "completion", "response", "output",
                                           "generation" };
enum { N_QUESTION = sizeof question_keys / sizeof question_keys[0],
       N_ANSWER = sizeof answer_keys / sizeof answer_keys[0] };
enum { FIELD_BYTES = 64, FIELDS = 32 };

static const char *first_of(const cJSON *v, const char *const *keys, size_t n)
{
    const char *s = NULL;

    for (size_t i = 0; !s && i < n; i++)
        s = import_str(v, keys[i]);
    return s;
}

/* {"A":"..","B":".."} or [..] as lines under the question. */
static void put_options(const cJSON *options, struct str *out)
{
    const cJSON *o;
    char letter = 'A';

    cJSON_ArrayForEach(o, options) {
        if (!cJSON_IsString(o))
            continue;
        str_puts(out, letter == 'A' ? "\n\n" : "\n");
        if (o->string)
            foreign_text(out, o->string, strlen(o->string));
        else
            str_putc(out, letter);
        letter++;
        str_puts(out, ". ");
        foreign_text(out, o->valuestring, strlen(o->valuestring));
    }
}

static int is_named(const char *key, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(key, keys[i]) == 0)
            return 1;
    return 0;
}

static int is_field(const cJSON *v)
{
    if (is_named(v->string, question_keys, N_QUESTION) ||
        is_named(v->string, answer_keys, N_ANSWER))
        return 0;
    return cJSON_IsNumber(v) || cJSON_IsBool(v) ||
           (cJSON_IsString(v) && strlen(v->valuestring) < FIELD_BYTES);
}

static void put_params(const cJSON *v, struct str *out)
{
    const cJSON *c;
    struct json j;
    int n = 0;

    json_init(&j, out);
    json_obj(&j);
    json_key(&j, "source"), json_str(&j, "rows");
    json_key(&j, "fields");
    json_obj(&j);
    cJSON_ArrayForEach(c, v)
        if (is_field(c) && n++ < FIELDS) {
            json_key(&j, c->string);
            json_echo(&j, c);
        }
    json_end_obj(&j);
    json_end_obj(&j);
}

/* One step a line: that is where the segmenter cuts. */
static void put_steps(const cJSON *steps, struct str *out)
{
    const cJSON *s;

    cJSON_ArrayForEach(s, steps)
        if (cJSON_IsString(s)) {
            if (out->len)
                str_puts(out, "\n");
            foreign_text(out, s->valuestring, strlen(s->valuestring));
        }
}

static enum sor_err read_row(const cJSON *v, struct foreign *f,
                             struct sor_msg *msg)
{
    const char *question = first_of(v, question_keys, N_QUESTION);
    const char *answer = first_of(v, answer_keys, N_ANSWER);
    const cJSON *steps = import_get(v, "steps");
    const char *model = import_str(v, "model");
    struct foreign_path *p;

    if (!question)
        return sor_fail(msg, SOR_FORMAT, "the question is no text");
    if (!answer && !cJSON_IsArray(steps))
        return sor_fail(msg, SOR_FORMAT, "a question with no \"completion\" "
                        "and no \"steps\"");
    if (!(p = foreign_path(f)))
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    foreign_text(&f->prompt, question, strlen(question));
    put_options(import_get(v, "options"), &f->prompt);
    if (model)
        foreign_text(&f->model, model, strlen(model));
    put_params(v, &f->params);
    if (answer)
        foreign_text(&p->text, answer, strlen(answer));
    else
        put_steps(steps, &p->text);
    if (!str_ok(&p->text))
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    if (!p->text.len)
        return sor_fail(msg, SOR_FORMAT, "the answer is empty");
    return SOR_OK;
}

enum sor_err import_rows(struct import *im, const cJSON *v,
                         struct sor_msg *msg)
{
    struct foreign f;
    enum sor_err err;

    foreign_init(&f);
    err = read_row(v, &f, msg);
    if (!err)
        err = import_foreign(im, &f, msg);
    foreign_release(&f);
    return err;
}
