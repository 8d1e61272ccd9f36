/* cli/cmd_diff.c - where and why two paths part, from their rows. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/diff_steps.h"
#include "cli/experiment.h"
#include "db/pack.h"

enum { WORDS = 60 };

struct side {
    struct experiment x;
    struct diff_steps steps;
};

struct job {
    struct cli *cli;
    struct side a, b;
    const char *unit;           /* "token", or "word" of an imported run */
    struct diff_run *run;
    int n_run, cut;
    struct diff_pair *pair;
    int n_pair;
    int part;                   /* the first position that differs; -1: none */
};

/* --- reading ------------------------------------------------------------- */

/* Text that came without tokens was cut into words (trace/foreign.h). */
static int is_words(const struct side *s)
{
    struct db_run run;
    cJSON *params = NULL;
    int is = 0;

    if (db_get_run(s->x.d, s->x.at.run_id, &run) > 0 && run.params &&
        json_parse(run.params, strlen(run.params), "", &params, NULL) ==
            SOR_OK) {
        const cJSON *of = cJSON_GetObjectItemCaseSensitive(params, "tokens");

        is = cJSON_IsString(of) && strcmp(of->valuestring, "words") == 0;
    }
    cJSON_Delete(params);
    return is;
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

/* --- showing ------------------------------------------------------------- */

static void say_prob(FILE *to, double logprob, double below)
{
    if (!isnan(logprob))
        fprintf(to, "p %.4f", exp(logprob));
    else if (!isnan(below))
        fprintf(to, exp(below) < 0.0001
                        ? "p < %.1e (not among the recorded alternatives)"
                        : "p < %.4f (not among the recorded alternatives)",
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
        fprintf(to, "the same %d %s%s\n", n_a, j->unit, n_a == 1 ? "" : "s");
        return;
    }
    fprintf(to, "%d %s%s the same; they part at %d (A has %d %s%s, B %d)\n",
            j->part, j->unit, j->part == 1 ? "" : "s", j->part, n_a, j->unit,
            n_a == 1 ? "" : "s", n_b);
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
            fprintf(j->a.x.to, "  @%d %d %s%s the same\n", r->a, r->n_a,
                    j->unit, r->n_a == 1 ? "" : "s");
        if (!r->equal && r->n_a)
            say_words(&j->a, '-', r->a, r->n_a);
        if (!r->equal && r->n_b)
            say_words(&j->b, '+', r->b, r->n_b);
    }
    if (j->cut)
        fprintf(j->a.x.to, "  more than %d edits: the rest is not aligned\n",
                DIFF_EDITS);
}

static void say_step(FILE *to, char mark, const struct diff_step *s)
{
    fprintf(to, "%c %s %s", mark, s->name, s->text);
}

static void say_steps(struct job *j)
{
    FILE *to = j->a.x.to;

    if (j->n_pair)
        fprintf(to, "\nsteps\n");
    for (int i = 0; i < j->n_pair; i++) {
        const struct diff_pair *p = &j->pair[i];
        const struct diff_step *a = p->a < 0 ? NULL : &j->a.steps.step[p->a];
        const struct diff_step *b = p->b < 0 ? NULL : &j->b.steps.step[p->b];

        if (!a || !b) {
            say_step(to, a ? '-' : '+', a ? a : b);
        } else if (a->id == b->id) {
            say_step(to, '=', a);
            fputs("  (one step of both)", to);
        } else {
            say_step(to, p->is_same ? '=' : '~', a);
            fputc('\n', to);
            say_step(to, ' ', b);
            fprintf(to, "  (%d of %d %ss shared)", p->shared, a->to - a->from,
                    j->unit);
        }
        fputc('\n', to);
    }
}

/* One token as a side's distribution saw it: "logprob_a"; where it was not
 * among what was recorded, null and "below_a", the least likely that was; both
 * null: the position was given, not drawn. */
static void json_seen(struct json *js, struct side *s, int pos, int32_t id,
                      char letter)
{
    char key[16];
    double below = NAN, p = id < 0 ? NAN : recorded(s, pos, id, &below);

    snprintf(key, sizeof key, "logprob_%c", letter);
    json_key(js, key);
    json_num(js, p);
    snprintf(key, sizeof key, "below_%c", letter);
    json_key(js, key);
    json_num(js, isnan(p) ? below : NAN);
}

static void json_side(struct json *js, struct job *j, struct side *s)
{
    json_obj(js);
    json_key(js, "run");
    json_str(js, s->x.prefix.uid);
    json_key(js, "path");
    json_int(js, s->x.prefix.path);
    json_key(js, "tokens");
    json_int(js, s->x.prefix.n_id);
    if (j->part >= 0) {
        experiment_json_token(&s->x, js, id_at(s, j->part));
        json_seen(js, s, j->part, id_at(&j->a, j->part), 'a');
        json_seen(js, s, j->part, id_at(&j->b, j->part), 'b');
    }
    json_end_obj(js);
}

static void json_run(struct json *js, const struct diff_run *r)
{
    json_obj(js);
    json_key(js, "equal");
    json_bool(js, r->equal);
    json_key(js, "a");
    json_int(js, r->a);
    json_key(js, "n_a");
    json_int(js, r->n_a);
    json_key(js, "b");
    json_int(js, r->b);
    json_key(js, "n_b");
    json_int(js, r->n_b);
    json_end_obj(js);
}

/* "a":{"step","text","tokens"}, or null. */
static void json_step(struct json *js, const char *key,
                      const struct diff_steps *steps, int i)
{
    const struct diff_step *s = i < 0 ? NULL : &steps->step[i];

    json_key(js, key);
    if (!s) {
        json_null(js);
        return;
    }
    json_obj(js);
    json_key(js, "step");
    json_str(js, s->name);
    json_key(js, "text");
    json_str(js, s->text);
    json_key(js, "tokens");
    json_int(js, s->to - s->from);
    json_end_obj(js);
}

static void json_pair(struct json *js, struct job *j,
                      const struct diff_pair *p)
{
    json_obj(js);
    json_step(js, "a", &j->a.steps, p->a);
    json_step(js, "b", &j->b.steps, p->b);
    json_key(js, "same");
    json_bool(js, p->is_same);
    json_key(js, "shared");
    json_int(js, p->shared);
    json_end_obj(js);
}

/* {"unit","part","a":{..,"logprob_a","below_a","logprob_b","below_b"},"b":{..},
 * "script":[{"equal","a","n_a","b","n_b"}..],"cut","steps":[{"a","b","same",
 * "shared"}..]} */
static void show_json(struct job *j)
{
    struct str out;
    struct json js;

    str_init(&out);
    json_init(&js, &out);
    json_obj(&js);
    json_key(&js, "unit");
    json_str(&js, j->unit);
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
    for (int i = 0; i < j->n_run; i++)
        json_run(&js, &j->run[i]);
    json_end_arr(&js);
    json_key(&js, "cut");
    json_bool(&js, j->cut);
    json_key(&js, "steps");
    json_arr(&js);
    for (int i = 0; i < j->n_pair; i++)
        json_pair(&js, j, &j->pair[i]);
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
    j->unit = is_words(&j->a) || is_words(&j->b) ? "word" : "token";
    enum sor_err err = diff_ids(a->id, a->n_id, b->id, b->n_id, &j->run,
                                &j->n_run, &j->cut, msg);
    if (err ||
        (err = diff_steps_read(j->a.x.d, a->path_id, 'A', &j->a.steps, msg)) ||
        (err = diff_steps_read(j->b.x.d, b->path_id, 'B', &j->b.steps, msg)))
        return err;
    return diff_steps_pair(&j->a.steps, &j->b.steps, j->run, j->n_run,
                           &j->pair, &j->n_pair, msg);
}

static enum sor_err run(struct cli *cli)
{
    struct job j = { .cli = cli };
    enum sor_err err = experiment_begin(&j.a.x, cli, cli->argv[0],
                                        EXPERIMENT_ROWS);

    if (!err)
        err = experiment_begin(&j.b.x, cli, cli->argv[1], EXPERIMENT_ROWS);
    if (!err)
        err = compare(&j);
    if (!err && cli->json) {
        show_json(&j);
    } else if (!err) {
        say_parting(&j);
        say_script(&j);
        say_steps(&j);
    }
    mem_free(j.run);
    mem_free(j.pair);
    diff_steps_release(&j.a.steps);
    diff_steps_release(&j.b.steps);
    experiment_end(&j.a.x);
    experiment_end(&j.b.x);
    return err;
}

const struct cmd cmd_diff = {
    .name = "diff", .operands = "RUN:PATH RUN:PATH", .min = 2, .max = 2,
    .summary = "where and why two paths part",
    .text = "Aligns the tokens and the steps of two paths, of one run or of "
        "two, and says what each side's distribution gave to both tokens at "
        "the place where they part.",
    .run = run };
