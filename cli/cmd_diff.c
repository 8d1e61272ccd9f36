/* cli/cmd_diff.c - where and why two paths part, from their rows. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/experiment.h"
#include "db/pack.h"
#include "probe/diff.h"

enum { WORDS = 60, STEP_BYTES = 56, STEPS_MAX = 512 };

struct side {
    struct experiment x;
    struct db_step step[STEPS_MAX];     /* without their texts */
    char text[STEPS_MAX][STEP_BYTES];
    int n_step;
};

struct job {
    struct cli *cli;
    struct side a, b;
    struct diff_run *run;
    int n_run, cut;
    int part;                   /* the first position that differs; -1: none */
};

/* --- reading -------------------------------------------------------------- */

static enum sor_err read_steps(struct side *s)
{
    struct db_window w = { .from = 0, .limit = STEPS_MAX };
    struct db_cur *c = db_steps(s->x.d, s->x.at.path_id, w);
    struct db_step step;

    while (s->n_step < STEPS_MAX && db_step_next(c, &step) == 1) {
        const char *text = step.text ? step.text : "";

        text_safe_fit(s->text[s->n_step], STEP_BYTES, text, strlen(text), 0);
        s->step[s->n_step] = step;
        s->step[s->n_step++].text = NULL;
    }
    return db_cur_close(c);
}

/* What the distribution that drew position pos of a path gave to token id:
 * its log-probability; NaN: not among what was recorded of it, and *below is
 * the least likely one that was. */
static double recorded(struct side *s, int pos, int32_t id, double *below)
{
    struct db_window w = { .from = pos, .limit = 1 };
    struct db_cur *c = db_tokens(s->x.d, s->x.at.path_id, w);
    struct db_token t;
    double found = NAN;
    float logprob;
    int32_t alt;

    *below = NAN;
    if (db_token_next(c, &t) == 1 && t.pos == pos) {
        for (int i = 0; unpack_alt(t.alt.p, t.alt.n, i, &alt, &logprob); i++) {
            *below = (double)logprob;
            if (alt == id)
                found = (double)logprob;
        }
        if (t.token_id == id && !isnan(t.logprob))
            found = t.logprob;
    }
    db_cur_close(c);
    return found;
}

/* --- showing -------------------------------------------------------------- */

static void say_prob(FILE *to, double logprob, double below)
{
    if (!isnan(logprob))
        fprintf(to, "p %.4f", exp(logprob));
    else if (!isnan(below))
        fprintf(to, "p < %.4f (not among the recorded alternatives)",
                exp(below));
    else
        fprintf(to, "p not recorded (given, not drawn)");
}

static int32_t id_at(const struct side *s, int pos)
{
    return pos < s->x.prefix.n_id ? s->x.prefix.id[pos] : -1;
}

/* Both tokens as one side's distribution saw them. */
static void say_side(struct job *j, struct side *s, const char *name)
{
    int32_t id[2] = { id_at(&j->a, j->part), id_at(&j->b, j->part) };
    char word[EXPERIMENT_WORD];
    double below;

    fprintf(j->a.x.to, "  %s %.8s:%d took %s; there", name, s->x.prefix.uid,
            s->x.prefix.path, experiment_word(&s->x, id_at(s, j->part), 30,
                                              word));
    for (int i = 0; i < 2; i++) {
        if (id[i] < 0)
            continue;
        fprintf(j->a.x.to, "%s %s ", i ? "," : "",
                experiment_word(&s->x, id[i], 30, word));
        double p = recorded(s, j->part, id[i], &below);
        say_prob(j->a.x.to, p, below);
    }
    fputc('\n', j->a.x.to);
}

static void say_parting(struct job *j)
{
    FILE *to = j->a.x.to;
    int n_a = j->a.x.prefix.n_id, n_b = j->b.x.prefix.n_id;

    if (j->part < 0) {
        fprintf(to, "the same %d tokens\n", n_a);
        return;
    }
    fprintf(to, "%d tokens the same; they part at %d (A has %d tokens, B %d)\n",
            j->part, j->part, n_a, n_b);
    say_side(j, &j->a, "A");
    say_side(j, &j->b, "B");
    fputc('\n', to);
}

static void say_words(struct side *s, char mark, int from, int n)
{
    char word[EXPERIMENT_WORD];
    int shown = n < WORDS ? n : WORDS;

    fprintf(s->x.to, "%c @%d ", mark, from);
    for (int i = 0; i < shown; i++) {
        experiment_word(&s->x, s->x.prefix.id[from + i], 30, word);
        size_t quote = word[0] == '"';
        fwrite(word + quote, 1, strlen(word) - 2 * quote, s->x.to);
    }
    fprintf(s->x.to, "%s\n", n > shown ? " ..." : "");
}

static void say_script(struct job *j)
{
    for (int i = 0; i < j->n_run; i++) {
        const struct diff_run *r = &j->run[i];

        if (r->equal && (r->a > 0 || j->n_run == 1))
            fprintf(j->a.x.to, "  @%d %d token%s the same\n", r->a, r->n_a,
                    r->n_a == 1 ? "" : "s");
        if (!r->equal && r->n_a)
            say_words(&j->a, '-', r->a, r->n_a);
        if (!r->equal && r->n_b)
            say_words(&j->b, '+', r->b, r->n_b);
    }
    if (j->cut)
        fprintf(j->a.x.to, "  more than %d edits: the rest is not aligned\n",
                DIFF_EDITS);
}

/* The step of b that shares most tokens with step i of a; -1: none. */
static int partner(const struct job *j, int i, int *shared)
{
    int count[STEPS_MAX] = { 0 }, best = -1;
    const struct db_step *a = &j->a.step[i];

    for (int pos = a->tok_from; pos < a->tok_to; pos++) {
        int at = diff_partner(j->run, j->n_run, pos);

        for (int k = 0; at >= 0 && k < j->b.n_step; k++)
            count[k] += at >= j->b.step[k].tok_from &&
                        at < j->b.step[k].tok_to;
    }
    for (int k = 0; k < j->b.n_step; k++)
        if (count[k] > 0 && (best < 0 || count[k] > count[best]))
            best = k;
    *shared = best < 0 ? 0 : count[best];
    return best;
}

static void say_steps(struct job *j)
{
    FILE *to = j->a.x.to;
    int taken[STEPS_MAX] = { 0 }, shared;

    if (!j->a.n_step && !j->b.n_step)
        return;
    fprintf(to, "\nsteps\n");
    for (int i = 0; i < j->a.n_step; i++) {
        int k = partner(j, i, &shared);
        int n = j->a.step[i].tok_to - j->a.step[i].tok_from;

        if (k >= 0 && !taken[k]) {
            taken[k] = 1;
            fprintf(to, "%c A:%d %s\n  B:%d %s  (%d of %d tokens shared)\n",
                    strcmp(j->a.text[i], j->b.text[k]) ? '~' : '=', i,
                    j->a.text[i], k, j->b.text[k], shared, n);
        } else {
            fprintf(to, "- A:%d %s\n", i, j->a.text[i]);
        }
    }
    for (int k = 0; k < j->b.n_step; k++)
        if (!taken[k])
            fprintf(to, "+ B:%d %s\n", k, j->b.text[k]);
}

static void json_side(struct json *js, struct job *j, struct side *s)
{
    int32_t id[2] = { id_at(&j->a, j->part), id_at(&j->b, j->part) };
    static const char *const key[] = { "logprob_a", "logprob_b" };

    json_obj(js);
    json_key(js, "run");
    json_str(js, s->x.prefix.uid);
    json_key(js, "path");
    json_int(js, s->x.prefix.path);
    json_key(js, "tokens");
    json_int(js, s->x.prefix.n_id);
    if (j->part >= 0) {
        experiment_json_token(&s->x, js, id_at(s, j->part));
        for (int i = 0; i < 2; i++) {
            double below, p = id[i] < 0 ? NAN : recorded(s, j->part, id[i],
                                                         &below);
            json_key(js, key[i]);
            json_num(js, p);
        }
    }
    json_end_obj(js);
}

/* {"part","a":{..,"logprob_a","logprob_b"},"b":{..},"script":[{"equal","a",
 * "n_a","b","n_b"}..]}; a log-probability is null where it was not
 * recorded. */
static void show_json(struct job *j)
{
    struct str out;
    struct json js;

    str_init(&out);
    json_init(&js, &out);
    json_obj(&js);
    json_key(&js, "part");
    if (j->part < 0)
        json_null(&js);
    else
        json_int(&js, j->part);
    json_key(&js, "a");
    json_side(&js, j, &j->a);
    json_key(&js, "b");
    json_side(&js, j, &j->b);
    json_key(&js, "script");
    json_arr(&js);
    for (int i = 0; i < j->n_run; i++) {
        const struct diff_run *r = &j->run[i];

        json_obj(&js);
        json_key(&js, "equal");
        json_bool(&js, r->equal);
        json_key(&js, "a");
        json_int(&js, r->a);
        json_key(&js, "n_a");
        json_int(&js, r->n_a);
        json_key(&js, "b");
        json_int(&js, r->b);
        json_key(&js, "n_b");
        json_int(&js, r->n_b);
        json_end_obj(&js);
    }
    json_end_arr(&js);
    json_end_obj(&js);
    fprintf(j->a.x.to, "%s\n", out.p);
    str_release(&out);
}

static enum sor_err compare(struct job *j)
{
    const struct prefix *a = &j->a.x.prefix, *b = &j->b.x.prefix;
    int least = a->n_id < b->n_id ? a->n_id : b->n_id, at = 0;
    struct sor_msg *msg = &j->cli->msg;

    if (a->model_id != b->model_id)
        return sor_fail(msg, SOR_USAGE, "the paths come from different "
                        "models, so their tokens cannot be compared");
    while (at < least && a->id[at] == b->id[at])
        at++;
    j->part = at == a->n_id && at == b->n_id ? -1 : at;
    if (read_steps(&j->a) || read_steps(&j->b))
        return sor_fail(msg, SOR_FORMAT, "the steps cannot be read");
    return diff_ids(a->id, a->n_id, b->id, b->n_id, &j->run, &j->n_run,
                    &j->cut, msg);
}

static enum sor_err run(struct cli *cli)
{
    struct job *j = mem_calloc(1, sizeof *j);
    enum sor_err err;

    if (!j)
        return sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
    j->cli = cli;
    err = experiment_begin(&j->a.x, cli, cli->argv[0]);
    if (!err)
        err = experiment_begin(&j->b.x, cli, cli->argv[1]);
    if (!err)
        err = compare(j);
    if (!err && cli->json) {
        show_json(j);
    } else if (!err) {
        say_parting(j);
        say_script(j);
        say_steps(j);
    }
    mem_free(j->run);
    experiment_end(&j->a.x);
    experiment_end(&j->b.x);
    mem_free(j);
    return err;
}

const struct cmd cmd_diff = {
    .name = "diff", .operands = "RUN:PATH RUN:PATH", .min = 2, .max = 2,
    .summary = "where and why two paths part",
    .text = "Aligns the tokens and the steps of two paths, of one run or of "
        "two, and says what each side's distribution gave to both tokens at "
        "the place where they part.",
    .run = run };
