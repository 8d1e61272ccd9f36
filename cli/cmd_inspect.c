/* cli/cmd_inspect.c - what a model file holds: every key and every tensor.
 *
 * The file is mapped and all of its header is checked; nothing else of it is
 * read.  Output goes out in pieces, so that a vocabulary of any size takes no
 * more memory than a screen. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "engine/gguf.h"
#include "engine/hparams.h"
#include "engine/tok.h"

enum {
    SHOWN_ITEMS = 6,            /* of an array, for people */
    SHOWN_BYTES = 72,           /* of a string, for people */
    PIECE = 1 << 16             /* bytes of JSON held before they go out */
};

/* What the engine makes of the file. */
struct verdict {
    enum sor_err err;
    struct sor_msg why;         /* where err */
    struct model_hparams hp;    /* else */
};

static void judge(const struct gguf *g, struct verdict *v)
{
    struct tok *t = NULL;

    v->err = hparams_read(g, &v->hp, &v->why);
    if (!v->err)
        v->err = tok_open(g, &t, &v->why);
    tok_close(t);
}

/* The hyper-parameters that both kinds of output name. */
struct fact {
    const char *name;
    uint32_t    value;
};

enum { FACTS = 8 };

static void facts(const struct model_hparams *hp, struct fact out[FACTS])
{
    const struct fact f[FACTS] = {
        { "layers", hp->n_layer }, { "embedding", hp->n_embd },
        { "heads", hp->n_head }, { "kv_heads", hp->n_head_kv },
        { "head_dim", hp->head_dim }, { "feed_forward", hp->n_ff },
        { "vocabulary", hp->n_vocab }, { "context", hp->n_ctx_train },
    };

    memcpy(out, f, sizeof f);
}

/* --- JSON ---------------------------------------------------------------- */

struct writer {
    FILE       *to;
    struct str  text;
    struct json json;
};

static void send(struct writer *w)
{
    fwrite(w->text.p, 1, w->text.len, w->to);
    str_clear(&w->text);
}

static void json_scalar(struct json *j, enum gguf_vtype type, const uint8_t *p)
{
    if (type == GGUF_V_BOOL)
        json_bool(j, p[0]);
    else if (type == GGUF_V_F32 || type == GGUF_V_F64)
        json_num(j, gguf_scalar_f64(type, p));
    else if (type == GGUF_V_U64 && gguf_scalar_u64(type, p) > INT64_MAX)
        json_num(j, gguf_scalar_f64(type, p));
    else
        json_int(j, gguf_scalar_i64(type, p));
}

static void json_array(struct writer *w, const struct gguf_arr *a)
{
    const uint8_t *at = a->data;
    struct gguf_str s;

    json_arr(&w->json);
    for (uint64_t i = 0; i < a->count; i++) {
        if (a->type != GGUF_V_STR)
            json_scalar(&w->json, a->type, gguf_arr_at(a, i));
        else if (gguf_arr_next(a, &at, &s))
            json_strn(&w->json, s.p, s.n);
        if (w->text.len > PIECE)
            send(w);
    }
    json_end_arr(&w->json);
}

/* "key": value, the key as it is in the file. */
static void json_entry(struct writer *w, const struct gguf_kv *kv)
{
    struct gguf_str s = kv->key;
    struct str key;

    str_init(&key);
    str_put(&key, s.p, s.n);
    json_key(&w->json, key.p);
    str_release(&key);
    if (kv->type == GGUF_V_ARR) {
        json_array(w, &kv->arr);
    } else if (kv->type == GGUF_V_STR) {
        s = gguf_kv_str(kv);
        json_strn(&w->json, s.p, s.n);
    } else {
        json_scalar(&w->json, kv->type, kv->value);
    }
}

static void json_tensor(struct json *j, const struct gguf *g,
                        const struct gguf_tensor *t)
{
    json_obj(j);
    json_key(j, "name");
    json_strn(j, t->name.p, t->name.n);
    json_key(j, "type");
    json_str(j, gguf_type_info(t->type)->name);
    json_key(j, "shape");
    json_arr(j);
    for (uint32_t d = 0; d < t->n_dims; d++)
        json_int(j, (int64_t)t->dim[d]);
    json_end_arr(j);
    json_key(j, "offset");              /* from the start of the file */
    json_int(j, t->data - gguf_map(g));
    json_key(j, "bytes");
    json_int(j, (int64_t)t->bytes);
    json_end_obj(j);
}

static void json_verdict(struct json *j, const struct verdict *v)
{
    struct fact f[FACTS];

    json_key(j, "supported");
    json_bool(j, !v->err);
    if (v->err) {
        json_key(j, "why");
        json_str(j, v->why.text);
        return;
    }
    facts(&v->hp, f);
    json_key(j, "model");
    json_obj(j);
    json_key(j, "family");
    json_str(j, hparams_family_name(&v->hp));
    for (int i = 0; i < FACTS; i++) {
        json_key(j, f[i].name);
        json_int(j, f[i].value);
    }
    json_end_obj(j);
}

static int as_json(const struct gguf *g, const struct verdict *v, FILE *to)
{
    struct writer w = { .to = to };
    struct json *j = &w.json;
    const struct { const char *key; uint64_t value; } numbers[] = {
        { "bytes", gguf_size(g) }, { "version", gguf_version(g) },
        { "alignment", gguf_alignment(g) },
        { "header_bytes", gguf_header_bytes(g) },
    };

    str_init(&w.text);
    json_init(j, &w.text);
    json_obj(j);
    json_key(j, "path");
    json_str(j, gguf_path(g));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_key(j, numbers[i].key);
        json_int(j, (int64_t)numbers[i].value);
    }
    json_verdict(j, v);
    json_key(j, "metadata");
    json_obj(j);
    for (size_t i = 0; i < gguf_n_kv(g); i++) {
        json_entry(&w, gguf_kv_at(g, i));
        send(&w);
    }
    json_end_obj(j);
    json_key(j, "tensors");
    json_arr(j);
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        json_tensor(j, g, gguf_tensor_at(g, i));
        send(&w);
    }
    json_end_arr(j);
    json_end_obj(j);
    str_putc(&w.text, '\n');
    send(&w);
    int ok = str_ok(&w.text);
    str_release(&w.text);
    return ok;
}

/* --- for people ---------------------------------------------------------- */

/* s, safe to show, cut to SHOWN_BYTES. */
static void print_str(FILE *to, struct gguf_str s, const char *quote)
{
    char safe[SHOWN_BYTES + 1];
    size_t n = s.n < SHOWN_BYTES ? s.n : SHOWN_BYTES;

    text_safe_fit(safe, sizeof safe, s.p, n, 0);
    fprintf(to, "%s%s%s", quote, safe, quote);
    if (n < s.n)
        fprintf(to, "... (%zu bytes)", s.n);
}

static void print_scalar(FILE *to, enum gguf_vtype type, const uint8_t *p)
{
    if (type == GGUF_V_BOOL)
        fputs(p[0] ? "true" : "false", to);
    else if (type == GGUF_V_F32 || type == GGUF_V_F64)
        fprintf(to, "%g", gguf_scalar_f64(type, p));
    else if (type == GGUF_V_U64)
        fprintf(to, "%" PRIu64, gguf_scalar_u64(type, p));
    else
        fprintf(to, "%" PRId64, gguf_scalar_i64(type, p));
}

static void print_array(FILE *to, const struct gguf_arr *a)
{
    const uint8_t *at = a->data;
    struct gguf_str s;

    fprintf(to, "%" PRIu64 " of %s: ", a->count, gguf_vtype_name(a->type));
    for (uint64_t i = 0; i < a->count && i < SHOWN_ITEMS; i++) {
        fputs(i ? ", " : "", to);
        if (a->type != GGUF_V_STR)
            print_scalar(to, a->type, gguf_arr_at(a, i));
        else if (gguf_arr_next(a, &at, &s))
            print_str(to, s, "\"");
    }
    fputs(a->count > SHOWN_ITEMS ? ", ..." : "", to);
}

static void print_entry(FILE *to, const struct gguf_kv *kv)
{
    char key[SHOWN_BYTES + 1];

    text_safe_fit(key, sizeof key, kv->key.p, kv->key.n, 0);
    fprintf(to, "  %-44s %-4s  ", key, gguf_vtype_name(kv->type));
    if (kv->type == GGUF_V_ARR)
        print_array(to, &kv->arr);
    else if (kv->type == GGUF_V_STR)
        print_str(to, gguf_kv_str(kv), "");
    else
        print_scalar(to, kv->type, kv->value);
    fputc('\n', to);
}

static void print_tensor(FILE *to, const struct gguf *g,
                         const struct gguf_tensor *t)
{
    char name[4 * GGUF_MAX_NAME + 1], shape[96];
    int n = 0;

    text_safe_fit(name, sizeof name, t->name.p, t->name.n, 0);
    for (uint32_t d = 0; d < t->n_dims; d++)
        n += snprintf(shape + n, sizeof shape - (size_t)n, "%s%" PRIu64,
                      d ? " x " : "", t->dim[d]);
    fprintf(to, "  %-32s %-7s %-20s %12" PRIu64 " %14td\n", name,
            gguf_type_info(t->type)->name, shape, t->bytes,
            t->data - gguf_map(g));
}

/* How many tensors and bytes there are of each type. */
static void print_types(FILE *to, const struct gguf *g)
{
    for (uint32_t type = 0; type < GGUF_TYPES; type++) {
        uint64_t bytes = 0;
        size_t n = 0;

        for (size_t i = 0; i < gguf_n_tensors(g); i++)
            if (gguf_tensor_at(g, i)->type == type) {
                bytes += gguf_tensor_at(g, i)->bytes;
                n++;
            }
        if (n > 0)
            fprintf(to, "  %-7s %5zu tensor%s %14" PRIu64 " bytes\n",
                    gguf_type_info(type)->name, n, n == 1 ? " " : "s", bytes);
    }
}

static void print_verdict(FILE *to, const struct verdict *v)
{
    struct fact f[FACTS];

    if (v->err) {
        fprintf(to, "not supported: %s\n", v->why.text);
        return;
    }
    facts(&v->hp, f);
    fprintf(to, "supported: %s", hparams_family_name(&v->hp));
    for (int i = 0; i < FACTS; i++)
        fprintf(to, ", %s %" PRIu32, f[i].name, f[i].value);
    fputc('\n', to);
}

static void as_text(const struct gguf *g, const struct verdict *v, FILE *to)
{
    char path[1024];

    text_safe_fit(path, sizeof path, gguf_path(g), strlen(gguf_path(g)), 0);
    fprintf(to, "%s: GGUF %" PRIu32 ", %" PRIu64 " bytes, header %" PRIu64
            ", alignment %" PRIu32 "\n", path, gguf_version(g), gguf_size(g),
            gguf_header_bytes(g), gguf_alignment(g));
    print_verdict(to, v);
    fprintf(to, "\n%zu keys\n", gguf_n_kv(g));
    for (size_t i = 0; i < gguf_n_kv(g); i++)
        print_entry(to, gguf_kv_at(g, i));
    fprintf(to, "\n%zu tensors\n", gguf_n_tensors(g));
    print_types(to, g);
    fprintf(to, "\n  %-32s %-7s %-20s %12s %14s\n", "name", "type", "shape",
            "bytes", "offset");
    for (size_t i = 0; i < gguf_n_tensors(g); i++)
        print_tensor(to, g, gguf_tensor_at(g, i));
}

/* --- the command --------------------------------------------------------- */

static enum sor_err run(struct cli *cli)
{
    struct gguf *g = NULL;
    struct verdict v = { 0 };
    FILE *to = NULL;
    const char *path = cli->argc ? cli->argv[0] : cli_model(cli);
    enum sor_err err = gguf_open(path, &g, &cli->msg);

    if (!err && !(to = cli_out(cli)))
        err = SOR_IO;
    if (!err) {
        judge(g, &v);
        if (!cli->json)
            as_text(g, &v, to);
        else if (!as_json(g, &v, to))
            err = sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
    }
    if (!err && ferror(to))
        err = sor_fail(&cli->msg, SOR_IO, "cannot write: %s", strerror(errno));
    gguf_close(g);
    return err;
}

const struct cmd cmd_inspect = {
    .name = "inspect", .operands = "[MODEL]", .min = 0, .max = 1,
    .summary = "every key and tensor of a model file",
    .text = "Reads and checks the header only.  Long arrays are cut for "
            "people; --json has all of them.",
    .run = run,
};
