/* cli/cmd_tokenize.c - text to token ids and back, a JSON object a line.  Reads
 * the model's header only. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "engine/gguf.h"
#include "engine/tok.h"

static struct { int decode, plain; } opt;

static const struct opt_spec opts[] = {
    { 0, "decode", NULL, OPT_FLAG, &opt.decode, "token ids to text", 0, 0 },
    { 0, "plain", NULL, OPT_FLAG, &opt.plain,
      "special tokens in the text are ordinary text", 0, 0 },
    OPT_END
};

struct job {
    const struct tok *tok;
    struct tok_ids ids;         /* of the line at hand */
    struct str text;
    struct str line;            /* going out */
    const char *where;          /* the line's file and number */
    struct sor_msg *msg;
};

/* {"id","text"} to {"id","tokens"}. */
static enum sor_err encode(struct job *job, const cJSON *in, struct json *out)
{
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(in, "text");
    enum sor_err err;

    if (!cJSON_IsString(text))
        return sor_fail(job->msg, SOR_FORMAT, "%s: no \"text\":\"..\"",
                        job->where);
    json_text(text, &job->text);
    err = !str_ok(&job->text) ? SOR_NOMEM
        : tok_encode(job->tok, job->text.p, job->text.len,
                     opt.plain ? 0 : TOK_SPECIAL, &job->ids);
    if (err)
        return sor_fail(job->msg, err, "%s: cannot be tokenized: %s",
                        job->where, sor_err_text(err));
    json_key(out, "tokens");
    json_arr(out);
    for (size_t i = 0; i < job->ids.n; i++)
        json_int(out, job->ids.id[i]);
    json_end_arr(out);
    return SOR_OK;
}

/* {"id","tokens"} to {"id","text"}; bytes that are not UTF-8 (half of a
 * character, cut off) show as U+FFFD. */
static enum sor_err decode(struct job *job, const cJSON *in, struct json *out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(in, "tokens"), *item;
    uint32_t n_vocab = tok_n_vocab(job->tok);
    enum sor_err err = SOR_OK;

    if (!cJSON_IsArray(list))
        return sor_fail(job->msg, SOR_FORMAT, "%s: no \"tokens\":[ids]",
                        job->where);
    cJSON_ArrayForEach(item, list) {
        double v = cJSON_IsNumber(item) ? item->valuedouble : -1.0;

        if (!(v >= 0 && v < n_vocab) || v != floor(v))
            return sor_fail(job->msg, SOR_FORMAT, "%s: \"tokens\"[%zu] is no "
                            "token id (0 to %u)", job->where, job->ids.n,
                            n_vocab - 1);
        if (!err)
            err = tok_ids_push(&job->ids, (int32_t)v);
    }
    if (!err)
        err = tok_decode(job->tok, job->ids.id, job->ids.n, &job->text, NULL);
    if (err)
        return sor_fail(job->msg, err, "%s: %s", job->where, sor_err_text(err));
    json_key(out, "text");
    json_strn(out, job->text.p, job->text.len);
    return SOR_OK;
}

static enum sor_err do_line(struct job *job, const struct input *in, FILE *to)
{
    struct json out;
    cJSON *line = NULL;
    enum sor_err err = json_parse_nul(in->text.p, in->text.len, in->where,
                                      &line, job->msg);

    if (err)
        return err;
    job->where = in->where;
    job->ids.n = 0;
    str_clear(&job->text);
    str_clear(&job->line);
    json_init(&out, &job->line);
    json_obj(&out);
    json_key(&out, "id");
    json_echo_member(&out, &(struct json_source){ in->text.p, in->text.len,
                                                  line }, "id");
    err = opt.decode ? decode(job, line, &out) : encode(job, line, &out);
    json_end_obj(&out);
    str_putc(&job->line, '\n');
    cJSON_Delete(line);
    if (err)
        return err;
    if (!str_ok(&job->line))
        return sor_fail(job->msg, SOR_NOMEM, "%s: out of memory", in->where);
    if (fwrite(job->line.p, 1, job->line.len, to) != job->line.len)
        return sor_fail(job->msg, SOR_IO, "cannot write: %s", strerror(errno));
    return SOR_OK;
}

/* The tokenizer of the model; the file is needed no longer. */
static enum sor_err open_tok(struct cli *cli, struct tok **out)
{
    struct gguf *g;
    enum sor_err err = gguf_open(cli_model(cli), &g, &cli->msg);

    if (err)
        return err;
    err = tok_open(g, out, &cli->msg);
    gguf_close(g);
    return err;
}

static enum sor_err run(struct cli *cli)
{
    struct job job = { .msg = &cli->msg };
    struct input in = { 0 };
    struct tok *tok = NULL;
    FILE *to = NULL;
    enum sor_err err = open_tok(cli, &tok);

    job.tok = tok;
    str_init(&job.text);
    str_init(&job.line);
    if (!err)
        err = input_open(&in, cli->argv[0], &cli->msg);
    if (!err && !(to = cli_out(cli)))
        err = SOR_IO;
    while (!err && input_next(&in, &err, &cli->msg) > 0)
        err = do_line(&job, &in, to);
    input_close(&in);
    str_release(&job.text);
    str_release(&job.line);
    tok_ids_release(&job.ids);
    tok_close(tok);
    return err;
}

const struct cmd cmd_tokenize = {
    .name = "tokenize", .operands = "FILE|-", .min = 1, .max = 1,
    .summary = "text to token ids, or back",
    .text = "Reads {\"id\":..,\"text\":\"..\"} a line and writes "
            "{\"id\":..,\"tokens\":[..]}; with --decode the other way.",
    .opts = opts, .run = run,
};
