/* cli/cmd_assess.c - domains without contracts: JSON Lines in, one object out
 * for each, in their order.  What a line is asked follows from the pack: an
 * application is scored, a question gets the sentences that bear on it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "review/bearing.h"
#include "review/score.h"

static struct { const char *domain; int top; } opt = { .domain = "finance",
                                                       .top = 4 };

static const struct opt_spec opts[] = {
    { 0, "domain", "NAME|DIR", OPT_STR, &opt.domain,
      "the pack (finance)", 0, 0 },
    { 'n', "top", "N", OPT_INT, &opt.top,
      "reasons, or sentences, to give (4)", 1, SCORE_REASONS },
    OPT_END
};

/* --- an application ------------------------------------------------------ */

static void put_reasons(struct json *j, const char *key, const struct score *s,
                        int against)
{
    int n = 0;

    json_key(j, key);
    json_arr(j);
    for (int i = 0; i < s->n_reason && n < opt.top; i++) {
        const struct reason *r = &s->reason[against ? i : s->n_reason - 1 - i];

        if (against ? r->value->weight >= 0 : r->value->weight <= 0)
            break;
        json_obj(j);
        json_key(j, "attribute"), json_str(j, r->attribute->id);
        json_key(j, "title"), json_str(j, r->attribute->title);
        json_key(j, "value"), json_str(j, r->value->title);
        json_key(j, "weight"), json_num(j, r->value->weight);
        json_key(j, "reason");
        json_str(j, r->why ? r->why->title : NULL);
        json_end_obj(j);
        n++;
    }
    json_end_arr(j);
}

/* What the law says may not count, and whether the application holds it. */
static void put_protected(struct json *j, const struct pack *p,
                          const cJSON *row)
{
    int n;
    const struct fact *f = pack_facts(p, "protected", &n);

    json_key(j, "protected");
    json_arr(j);
    for (int i = 0; i < n; i++) {
        json_obj(j);
        json_key(j, "attribute"), json_str(j, f[i].id);
        json_key(j, "title"), json_str(j, f[i].title);
        json_key(j, "given");
        json_bool(j, cJSON_HasObjectItem(row, f[i].id));
        json_key(j, "used"), json_bool(j, 0);
        json_key(j, "why"), json_str(j, f[i].text);
        json_end_obj(j);
    }
    json_end_arr(j);
}

static void put_measured(struct json *j, const struct score *s)
{
    json_key(j, "measured");
    if (s->error.n == 0) {
        json_null(j);
        return;
    }
    json_obj(j);
    json_key(j, "n"), json_int(j, s->error.n);
    json_key(j, "wrong"), json_int(j, s->error.wrong);
    json_key(j, "low"), json_num(j, s->error.low);
    json_key(j, "high"), json_num(j, s->error.high);
    json_key(j, "base"), json_num(j, s->base);
    json_key(j, "set"), json_str(j, s->error.set);
    json_end_obj(j);
}

static enum sor_err assess_row(struct cli *cli, const struct pack *p,
                               const cJSON *row, struct json *j)
{
    struct score s;
    int n;
    const struct fact *notice = pack_facts(p, "notice", &n);
    enum sor_err err = score_read(p, row, &s, &cli->msg);

    if (err)
        return err;
    json_key(j, "p"), json_num(j, s.p);
    json_key(j, "decision");
    json_str(j, !s.decides ? NULL : s.granted ? "grant" : "decline");
    json_key(j, "why");
    json_str(j, s.decides ? "right more often than without a score, by the "
                            "95 % interval of its error rate"
                          : "not measured to be better than no score");
    put_measured(j, &s);
    put_reasons(j, "against", &s, 1);
    put_reasons(j, "in_favour", &s, 0);
    put_protected(j, p, row);
    json_key(j, "missing");
    json_arr(j);
    for (int i = 0; i < s.n_missing; i++)
        json_str(j, s.missing[i]->id);
    json_end_arr(j);
    json_key(j, "notice");
    json_str(j, s.decides && !s.granted && n ? notice->text : NULL);
    return SOR_OK;
}

/* --- a question ---------------------------------------------------------- */

static enum sor_err assess_question(struct cli *cli, const struct pack *p,
                                    const cJSON *row, struct json *j)
{
    const char *question = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(row, "question"));
    const char *text = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(row, "context"));
    struct bearing found[SCORE_REASONS];
    int n;

    if (!question || !text)
        return sor_fail(&cli->msg, SOR_FORMAT, "\"question\" and \"context\" "
                        "must be texts");
    n = bearing_read(p, question, text, found, opt.top);
    json_key(j, "answer"), json_null(j);
    json_key(j, "why");
    json_str(j, "no answer was measured to be better than the most frequent "
                "one");
    json_key(j, "evidence");
    json_arr(j);
    for (int i = 0; i < n; i++) {
        struct span s = found[i].span;
        size_t start = utf8_count(text, s.from);

        json_obj(j);
        json_key(j, "start"), json_int(j, (int64_t)start);
        json_key(j, "end");
        json_int(j, (int64_t)(start + utf8_count(text + s.from,
                                                 s.to - s.from)));
        json_key(j, "quote"), json_strn(j, text + s.from, s.to - s.from);
        json_key(j, "status"), json_str(j, "located");
        json_key(j, "score"), json_num(j, found[i].score);
        json_key(j, "cues");
        json_arr(j);
        for (int k = 0; k < found[i].n_cue; k++)
            json_str(j, found[i].cue[k]->title);
        json_end_arr(j);
        json_end_obj(j);
    }
    json_end_arr(j);
    return SOR_OK;
}

/* --- lines --------------------------------------------------------------- */

static enum sor_err assess_line(struct cli *cli, const struct pack *p,
                                const struct input *in, FILE *to)
{
    cJSON *row = NULL;
    struct str line;
    struct json j;
    int n;
    enum sor_err err = json_parse_line(in->text.p, in->text.len, in->where,
                                       &row, &cli->msg);

    str_init(&line);
    json_init(&j, &line);
    json_obj(&j);
    json_key(&j, "id");
    json_echo(&j, cJSON_GetObjectItemCaseSensitive(row, "id"));
    pack_facts(p, "attribute", &n);
    if (!err)
        err = n ? assess_row(cli, p, row, &j)
                : assess_question(cli, p, row, &j);
    if (err && row) {
        struct sor_msg what = cli->msg;

        sor_fail(&cli->msg, err, "%s: %.400s", in->where, what.text);
    }
    json_end_obj(&j);
    if (!err && !str_ok(&line))
        err = sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
    if (!err)
        fprintf(to, "%s\n", line.p);
    str_release(&line);
    cJSON_Delete(row);
    return err;
}

static enum sor_err run(struct cli *cli)
{
    struct pack *p = NULL;
    struct input in = { .file = NULL };
    FILE *to;
    int n;
    enum sor_err err = pack_open(opt.domain, &p, &cli->msg);

    if (!err && (pack_facts(p, "attribute", &n), n == 0) &&
        (pack_facts(p, "cue", &n), n == 0))
        err = sor_fail(&cli->msg, SOR_UNSUP, "the pack \"%s\" has neither a "
                       "score nor cues; contracts are for `sorites review`",
                       p->id);
    if (!err)
        err = input_open(&in, cli->argv[0], &cli->msg);
    if (!err && !(to = cli_out(cli)))
        err = SOR_IO;
    while (!err && input_next(&in, &err, &cli->msg) == 1)
        err = assess_line(cli, p, &in, to);
    input_close(&in);
    pack_close(p);
    return err;
}

const struct cmd cmd_assess = {
    .name = "assess", .operands = "FILE|-", .min = 1, .max = 1,
    .summary = "reasons for a credit score, evidence for a question",
    .text = "JSON Lines in and out.  --domain finance reads applications "
            "(attributes as keys)\nand gives the probability of repayment, "
            "what counts against and for it, the\nprotected attributes, which "
            "take no part, and a decision only where it was\nmeasured to be "
            "better than none.  --domain medical reads {\"question\",\n"
            "\"context\"} and gives the sentences that bear on the question, "
            "never an answer.\n",
    .opts = opts, .run = run
};
