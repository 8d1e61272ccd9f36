/* cli/cmd_classify.c - which type a clause has, and how it stands to
 * statements: JSON Lines in, one object out for each, in their order.
 *
 * Lines are read in batches, so that their tokens fill whole passes. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "review/judge.h"
#include "review/pack.h"

enum { BATCH = 256, CONTEXT = 1024 };   /* lines; tokens, more than any */

static struct { const char *domain; } opt = { .domain = "legal" };

static const struct opt_spec opts[] = {
    { 0, "domain", "NAME|DIR", OPT_STR, &opt.domain, "the pack (legal)", 0,
      0 },
    OPT_END
};

static const char *const relation_name[RELATIONS] = {
    [RELATION_UNRELATED] = "unrelated", [RELATION_SUPPORTS] = "supports",
    [RELATION_CONTRADICTS] = "contradicts"
};

/* A line, and what is asked of it. */
struct item {
    struct str line;            /* as read */
    cJSON *tree;
    const cJSON *statements;    /* NULL: the type is asked */
    struct reading *reading;    /* [statements] */
};

struct classifier {
    struct cli *cli;
    struct pack *pack;
    struct engine *engine;
    struct judge *judge;
    struct item item[BATCH];
    struct passage_text passage[BATCH];
    int which[BATCH];           /* the items of a job */
    int n;
    float *logp, *p;            /* [BATCH][n_type] */
    struct str out;
    struct progress bar;
    uint64_t n_done;
};

/* --- lines in ------------------------------------------------------------ */

static const char *text_of(const cJSON *tree, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, key));
}

static int all_strings(const cJSON *list)
{
    const cJSON *at;

    cJSON_ArrayForEach(at, list)
        if (!cJSON_IsString(at))
            return 0;
    return 1;
}

static enum sor_err take_line(struct classifier *c, const struct input *in)
{
    struct item *x = &c->item[c->n];
    struct sor_msg *msg = &c->cli->msg;
    const cJSON *s;
    enum sor_err err = json_parse_line(in->text.p, in->text.len, in->where,
                                       &x->tree, msg);

    if (err)
        return err;
    c->n++;
    str_init(&x->line);
    str_put(&x->line, in->text.p, in->text.len);
    s = cJSON_GetObjectItemCaseSensitive(x->tree, "statements");
    c->passage[c->n - 1] = (struct passage_text){
        text_of(x->tree, "context"), text_of(x->tree, "text") };
    if (!text_of(x->tree, "text"))
        return sor_fail(msg, SOR_FORMAT, "%s: not an object with "
                        "\"text\":\"..\"", in->where);
    if (s && !(cJSON_IsArray(s) && all_strings(s)))
        return sor_fail(msg, SOR_FORMAT, "%s: \"statements\" is no list of "
                        "strings", in->where);
    if (!s)
        return SOR_OK;
    x->statements = s;
    x->reading = mem_calloc((size_t)cJSON_GetArraySize(s) + 1,
                            sizeof *x->reading);
    return x->reading && str_ok(&x->line)
               ? SOR_OK
               : sor_fail(msg, SOR_NOMEM, "%s: out of memory", in->where);
}

static void drop_batch(struct classifier *c)
{
    for (int i = 0; i < c->n; i++) {
        cJSON_Delete(c->item[i].tree);
        str_release(&c->item[i].line);
        mem_free(c->item[i].reading);
        c->item[i] = (struct item){ .tree = NULL };
    }
    c->n = 0;
}

/* --- readings ------------------------------------------------------------ */

static int stopped(void *ud, int64_t done, int64_t total)
{
    struct classifier *c = ud;

    (void)total;
    progress_set(&c->bar, c->n_done + (uint64_t)done);
    return cli_stopped();
}

static void keep(void *ud, const struct reading *r)
{
    struct item *x = ud;

    x->reading[r->statement] = *r;
}

/* Statements of one line; lines need not have the same. */
static enum sor_err relate(struct classifier *c, int i)
{
    struct item *x = &c->item[i];
    int n = 0, all = cJSON_GetArraySize(x->statements);
    const char **s = mem_calloc((size_t)all + 1, sizeof *s);
    struct judge_watch watch = { stopped, c };
    const cJSON *at;
    enum sor_err err;

    if (!s)
        return sor_fail(&c->cli->msg, SOR_NOMEM, "out of memory");
    cJSON_ArrayForEach(at, x->statements)
        s[n++] = at->valuestring;

    struct judge_job job = {
        .passage = &c->passage[i], .n_passage = 1, .statement = s,
        .n_statement = n, .on_reading = keep, .ud = x, .watch = &watch,
    };

    err = n ? judge_pairs(c->judge, &job, &c->cli->msg) : SOR_OK;
    mem_free(s);
    return err;
}

/* The types of all lines that ask for them, together. */
static enum sor_err classify(struct classifier *c)
{
    struct passage_text ask[BATCH];
    struct judge_watch watch = { stopped, c };
    int n = 0;

    for (int i = 0; i < c->n; i++)
        if (!c->item[i].statements) {
            c->which[i] = n;
            ask[n++] = c->passage[i];
        }
    return n ? judge_types(c->judge, ask, n, &watch, c->logp, c->p,
                           &c->cli->msg)
             : SOR_OK;
}

/* --- lines out ----------------------------------------------------------- */

/* A text without a letter is of no type, whatever the model makes of it. */
static int has_words(const char *s)
{
    while (*s && !isalpha((unsigned char)*s) && !((unsigned char)*s & 0x80))
        s++;
    return *s != '\0';
}

static void put_no_type(struct json *j)
{
    json_key(j, "label"), json_str(j, "None");
    json_key(j, "score"), json_null(j);
    json_key(j, "scores"), json_obj(j), json_end_obj(j);
}

static void put_type(struct classifier *c, struct json *j, int i)
{
    int n = c->pack->n_type, best = 0;
    const float *p = c->p + (size_t)c->which[i] * (size_t)n;

    if (!has_words(c->passage[i].text)) {
        put_no_type(j);
        return;
    }
    for (int t = 1; t < n; t++)
        if (p[t] > p[best])
            best = t;
    json_key(j, "label");
    json_str(j, c->pack->type[best].label);
    json_key(j, "score");
    json_num(j, (double)p[best]);
    json_key(j, "scores");
    json_obj(j);
    for (int t = 0; t < n; t++) {
        json_key(j, c->pack->type[t].label);
        json_num(j, (double)p[t]);
    }
    json_end_obj(j);
}

static void put_relations(const struct item *x, struct json *j)
{
    const struct reading *r = x->reading;
    const cJSON *at;
    char digest[17];

    json_key(j, "relations");
    json_arr(j);
    cJSON_ArrayForEach(at, x->statements) {
        json_obj(j);
        json_key(j, "statement");
        json_str(j, at->valuestring);
        json_key(j, "logits");
        json_arr(j);
        for (int k = 0; k < RELATIONS; k++)
            json_num(j, (double)r->logit[k]);
        json_end_arr(j);
        json_key(j, "p");
        json_obj(j);
        for (int k = 0; k < RELATIONS; k++) {
            json_key(j, relation_name[k]);
            json_num(j, (double)r->p[k]);
        }
        json_end_obj(j);
        snprintf(digest, sizeof digest, "%016llx",
                 (unsigned long long)r->digest);
        json_key(j, "digest");
        json_str(j, digest);
        json_end_obj(j);
        r++;
    }
    json_end_arr(j);
}

static enum sor_err put_batch(struct classifier *c, FILE *to)
{
    str_clear(&c->out);
    for (int i = 0; i < c->n; i++) {
        const struct item *x = &c->item[i];
        struct json_source from = { x->line.p, x->line.len, x->tree };
        struct json j;

        json_init(&j, &c->out);
        json_obj(&j);
        json_key(&j, "id");
        json_echo_member(&j, &from, "id");
        if (x->statements)
            put_relations(x, &j);
        else
            put_type(c, &j, i);
        json_end_obj(&j);
        str_putc(&c->out, '\n');
    }
    if (!str_ok(&c->out))
        return sor_fail(&c->cli->msg, SOR_NOMEM, "out of memory");
    if (fwrite(c->out.p, 1, c->out.len, to) != c->out.len || fflush(to) != 0)
        return sor_fail(&c->cli->msg, SOR_IO, "cannot write: %s",
                        strerror(errno));
    return SOR_OK;
}

static enum sor_err do_batch(struct classifier *c)
{
    FILE *to = cli_out(c->cli);
    enum sor_err err = to ? classify(c) : SOR_IO;

    for (int i = 0; i < c->n && !err; i++)
        if (c->item[i].statements)
            err = relate(c, i);
    if (!err)
        err = put_batch(c, to);
    drop_batch(c);
    return err;
}

/* --- the command --------------------------------------------------------- */

static enum sor_err open_all(struct classifier *c)
{
    struct engine_opts o = { .n_thread = c->cli->threads, .n_ctx = CONTEXT };
    struct sor_msg *msg = &c->cli->msg;
    size_t cells;
    enum sor_err err;

    if ((err = pack_open(opt.domain, &c->pack, msg)) ||
        (err = engine_open(cli_model(c->cli), &o, &c->engine, msg)) ||
        (err = judge_open(c->engine, c->pack, &c->judge, msg)))
        return err;
    if (c->pack->n_type == 0)
        return sor_fail(msg, SOR_UNSUP, "%s has no clause types", c->pack->id);
    cells = BATCH * (size_t)c->pack->n_type;
    c->logp = mem_calloc(cells, sizeof *c->logp);
    c->p = mem_calloc(cells, sizeof *c->p);
    return c->logp && c->p ? SOR_OK
                           : sor_fail(msg, SOR_NOMEM, "out of memory");
}

static void close_all(struct classifier *c)
{
    drop_batch(c);
    str_release(&c->out);
    mem_free(c->logp);
    mem_free(c->p);
    judge_close(c->judge);
    engine_close(c->engine);
    pack_close(c->pack);
}

static enum sor_err run_lines(struct classifier *c, struct input *in)
{
    enum sor_err err = SOR_OK;
    int more = 1;

    while (more && !err) {
        more = input_next(in, &err, &c->cli->msg) == 1;
        if (more && !err)
            err = take_line(c, in);
        if (!err && (c->n == BATCH || (!more && c->n)))
            err = do_batch(c);
    }
    return err;
}

static enum sor_err run(struct cli *cli)
{
    struct classifier *c = mem_calloc(1, sizeof *c);
    struct input in = { 0 };
    enum sor_err err;

    if (!c)
        return sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
    c->cli = cli;
    str_init(&c->out);
    err = input_open(&in, cli->argv[0], &cli->msg);
    err = err ? err : open_all(c);
    if (!err) {
        cli_catch_signals();
        progress_begin(&c->bar, cli, "classifying", "tokens", 0);
        err = run_lines(c, &in);
        progress_end(&c->bar);
    }
    input_close(&in);
    close_all(c);
    mem_free(c);
    return err;
}

const struct cmd cmd_classify = {
    .name = "classify", .operands = "FILE|-", .min = 1, .max = 1,
    .summary = "which type a clause has",
    .text = "Reads JSON Lines {\"id\":..,\"text\":\"..\",\"context\":\"..\"}, "
            "the context (the running text before the clause) being "
            "optional, and writes {\"id\",\"label\",\"score\",\"scores\"} "
            "with a calibrated probability for every type of the pack; a "
            "text without a letter is \"None\" and has no score.  A line "
            "with \"statements\":[..] is answered with how the clause "
            "stands to each of them instead.",
    .opts = opts, .run = run
};
