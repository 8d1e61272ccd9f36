/* cli/cmd_faithful.c - does the answer follow from the reasoning? */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/accuracy.h"
#include "cli/cli.h"
#include "cli/experiment.h"
#include "cli/progress.h"
#include "probe/faithful.h"
#include "probe/interval.h"

static struct {
    const char *accuracy;
    double chance, temperature;
    int samples, max_tok, anyway;
} opt = { .chance = -1, .temperature = 0.8, .samples = 10, .max_tok = 192 };

static const struct opt_spec opts[] = {
    { 0, "samples", "N", OPT_INT, &opt.samples,
      "continuations per step; 0 leaves importance out", 0, 1000 },
    { 0, "temperature", "T", OPT_NUM, &opt.temperature, "of these", 0.01, 10 },
    { 0, "max-tokens", "N", OPT_INT, &opt.max_tok, "of each", 16, 1 << 16 },
    { 0, "accuracy", "K/N", OPT_STR, &opt.accuracy,
      "the model's measured accuracy on such questions", 0, 0 },
    { 0, "chance", "P", OPT_NUM, &opt.chance, "what guessing gets right", 0,
      1 },
    { 0, "anyway", NULL, OPT_FLAG, &opt.anyway,
      "run where the tests mean nothing", 0, 0 },
    OPT_END
};

enum { TEXT_BYTES = 48, ANSWER_BYTES = 256 };

struct job {
    struct experiment x;
    struct faithful_step step[FAITHFUL_STEPS];
    char text[FAITHFUL_STEPS][TEXT_BYTES];
    int n_step, end;
    int64_t answer_step;        /* id */
    char norm[ANSWER_BYTES], stated[ANSWER_BYTES];
    char *question;             /* NULL: forgotten */
    struct accuracy known;      /* n 0: unmeasured */
    double low, high;           /* of known.right / known.n */
    struct progress bar;
    struct result r;
};

/* --- what is tested ------------------------------------------------------ */

static enum sor_err read_question(struct job *j)
{
    struct sor_msg *msg = &j->x.cli->msg;
    struct db_run run;

    if (db_get_run(j->x.d, j->x.at.run_id, &run) <= 0)
        return sor_fail(msg, SOR_FORMAT, "the run cannot be read");
    if (run.prompt && !(j->question = mem_strdup(run.prompt)))
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    return SOR_OK;
}

/* The answer and the steps before the one that states it. */
static enum sor_err read_path(struct job *j)
{
    struct sor_msg *msg = &j->x.cli->msg;
    struct db_window w = { .from = 0 };
    struct db_path path;
    struct db_step s;
    struct db_cur *c;
    int concludes = -1;

    if (db_get_path(j->x.d, j->x.at.path_id, &path) <= 0)
        return sor_fail(msg, SOR_FORMAT, "the path cannot be read");
    if (!path.answer_norm || !path.answer)
        return sor_fail(msg, SOR_NOTFOUND, "the path states no answer");
    snprintf(j->norm, sizeof j->norm, "%s", path.answer_norm);
    snprintf(j->stated, sizeof j->stated, "%s", path.answer);
    c = db_steps(j->x.d, j->x.at.path_id, w);
    while (db_step_next(c, &s) == 1) {
        if (s.answer && strcmp(s.answer, j->norm) == 0) {
            concludes = s.ordinal;
            j->end = s.tok_from;
            j->answer_step = s.id;
        }
        if (s.ordinal >= FAITHFUL_STEPS)
            continue;
        j->step[s.ordinal] = (struct faithful_step){ s.id, s.tok_from,
                                                     s.tok_to };
        text_safe_fit(j->text[s.ordinal], TEXT_BYTES, s.text ? s.text : "",
                      s.text ? strlen(s.text) : 0, 0);
    }
    if (db_cur_close(c))
        return sor_fail(msg, SOR_FORMAT, "the steps cannot be read");
    if (concludes < 1)
        return sor_fail(msg, SOR_NOTFOUND, "the path's first step states the "
                        "answer: there is no reasoning before it to test");
    if (concludes > FAITHFUL_STEPS)
        return sor_fail(msg, SOR_LIMIT, "%d steps of reasoning; at most %d "
                        "are tested", concludes, FAITHFUL_STEPS);
    j->n_step = concludes;
    j->x.at.pos = j->end - 1;
    return SOR_OK;
}

/* --- can the model do the task at all? ----------------------------------- */

static enum sor_err read_accuracy(struct job *j)
{
    struct sor_msg *msg = &j->x.cli->msg;
    struct db_model m;
    char rest;

    if (opt.accuracy) {
        if (sscanf(opt.accuracy, "%d/%d%c", &j->known.right, &j->known.n,
                   &rest) != 2 || j->known.n < 1 || j->known.right < 0 ||
            j->known.right > j->known.n || opt.chance < 0)
            return sor_fail(msg, SOR_USAGE, "--accuracy K/N, with K of N "
                            "right, needs --chance P beside it");
        j->known.chance = opt.chance;
    } else if (db_get_model(j->x.d, j->x.prefix.model_id, &m) > 0) {
        accuracy_figures(m.sha256, j->question, &j->known);
    }
    if (j->known.n)
        interval_of(j->known.right, j->known.n, &j->low, &j->high);
    return SOR_OK;
}

/* By the lower end of the interval. */
static int beats_chance(const struct job *j)
{
    return j->known.n > 0 && j->low > j->known.chance;
}

static void say_accuracy(const struct job *j, char *out, size_t cap)
{
    if (!j->known.n)
        snprintf(out, cap, "whether the model can do such questions is "
                 "unmeasured, so these figures may mean nothing");
    else
        snprintf(out, cap, "the model is right on %d of %d such questions "
                 "(95 %% interval %.1f to %.1f %%), guessing on %.1f %%: %s",
                 j->known.right, j->known.n, 100 * j->low, 100 * j->high,
                 100 * j->known.chance, beats_chance(j)
                     ? "better than chance"
                     : "not better than chance, so these tests mean nothing "
                       "here");
}

/* --- computing ----------------------------------------------------------- */

static enum sor_err compute(struct job *j)
{
    struct cli *cli = j->x.cli;
    struct faithful_opts o = {
        .step = j->step, .n_step = j->n_step, .end = j->end,
        .answer_step = j->answer_step,
        .question = j->question, .norm = j->norm, .stated = j->stated,
        .samples = opt.samples, .temperature = opt.temperature,
        .seed = cli->seed, .max_tok = opt.max_tok, .progress = progress_advance,
        .cancelled = progress_stopped, .ud = &j->bar };
    enum sor_err err = experiment_engine(&j->x);

    if (err)
        return err;
    progress_begin(&j->bar, cli, "testing", "trials", 0);
    err = faithful_compute(&j->x.prefix, j->x.e, &o, &j->r, &cli->msg);
    progress_end(&j->bar);
    if (!err)
        experiment_store(&j->x, &j->r);
    return err;
}

static enum sor_err find_or_compute(struct job *j)
{
    struct sor_msg *msg = &j->x.cli->msg;
    uint64_t answer = hash_xxh3(j->stated, strlen(j->stated),
                                hash_xxh3(j->norm, strlen(j->norm), 0));
    struct str params;
    enum sor_err err;

    /* Paths with one prefix may state different answers.  What only samples
     * depend on is no part of the key without them. */
    str_init(&params);
    str_printf(&params, "{\"samples\":%d,\"temperature\":%g,\"max_tok\":%d,"
               "\"seed\":%llu,\"end\":%d,\"answer\":\"%016llx\"}", opt.samples,
               opt.samples ? opt.temperature : 0, opt.max_tok,
               opt.samples ? (unsigned long long)j->x.cli->seed : 0,
               j->end, (unsigned long long)answer);
    err = result_init(&j->r, "faithful", &j->x.prefix, j->x.at.pos, params.p,
                      msg);
    str_release(&params);
    if (!err)
        err = result_load(&j->r, j->x.d, msg);
    return err || j->r.cached ? err : compute(j);
}

/* --- showing ------------------------------------------------------------- */

static const char *cell(const struct db_trial *t)
{
    return !t ? "-" : t->n_same ? "same" : "other";
}

static void show_importance(struct job *j, int k)
{
    const struct db_trial *before = faithful_at(&j->r, "resample", k);
    const struct db_trial *after = faithful_at(&j->r, "resample", k + 1);
    double low, high;

    if (!before || !after)
        return;
    interval_between(before->n_same, before->n, after->n_same, after->n, &low,
                     &high);
    fprintf(j->x.to, "  %d/%d to %d/%d  %+.2f [%+.2f, %+.2f]",
            before->n_same, before->n, after->n_same, after->n,
            (double)after->n_same / after->n -
                (double)before->n_same / before->n, low, high);
}

static void show(struct job *j)
{
    FILE *to = j->x.to;
    const struct db_trial *none = faithful_at(&j->r, "early", 0);
    const struct db_trial *all = faithful_at(&j->r, "early", j->n_step);
    char sentence[256], safe[64];

    say_accuracy(j, sentence, sizeof sentence);
    text_safe_fit(safe, sizeof safe, j->stated, strlen(j->stated), 0);
    fprintf(to, "%.8s:%d  answer \"%s\" after %d steps\n%s\n\n",
            j->x.prefix.uid, j->x.prefix.path, safe, j->n_step, sentence);
    if (none && all)
        fprintf(to, "%s: asked without the reasoning the model says %s "
                "(p of the stated answer %.4f), with it %s (p %.4f)\n",
                none->n_same && all->n_same
                    ? "the answer was fixed before the reasoning"
                    : "the answer was not fixed before the reasoning",
                none->n_same ? "the same" : "another", exp(none->logprob),
                all->n_same ? "the same" : "another", exp(all->logprob));
    fprintf(to, "dots in place of the reasoning: %s answer\n\n",
            cell(faithful_at(&j->r, "filler", 0)));
    fprintf(to, "step  stopped before  p(answer)  mistake  paraphrase  "
            "importance by resampling, 95 %% interval\n");
    for (int k = 0; k < j->n_step; k++) {
        const struct db_trial *early = faithful_at(&j->r, "early", k);

        fprintf(to, "%4d  %-14s  %9.4f  %-7s  %-10s", k, cell(early),
                early ? exp(early->logprob) : NAN,
                cell(faithful_at(&j->r, "mistake", k)),
                cell(faithful_at(&j->r, "paraphrase", k)));
        show_importance(j, k);
        fprintf(to, "\n      %s\n", j->text[k]);
    }
    fprintf(to, "\nmistakes and paraphrases are made by rule; - where no rule "
            "applies\n");
}

static void json_trial(struct json *js, const struct db_trial *t)
{
    json_obj(js);
    json_key(js, "test");
    json_str(js, t->test);
    json_key(js, "step");
    json_int(js, t->step);
    json_key(js, "n");
    json_int(js, t->n);
    json_key(js, "same");
    json_int(js, t->n_same);
    json_key(js, "low");
    json_num(js, t->low);
    json_key(js, "high");
    json_num(js, t->high);
    json_key(js, "logprob");
    json_num(js, t->logprob);
    json_end_obj(js);
}

/* {"run","path","answer","steps","accuracy":{"right","n","low","high",
 * "chance"}|null,"meaningful":true|false|null,"fixed_before","cached",
 * "trials":[..]}; meaningful null: unmeasured. */
static void show_json(struct job *j)
{
    const struct db_trial *none = faithful_at(&j->r, "early", 0);
    const struct db_trial *all = faithful_at(&j->r, "early", j->n_step);
    struct str out;
    struct json js;

    str_init(&out);
    json_init(&js, &out);
    json_obj(&js);
    json_key(&js, "run");
    json_str(&js, j->x.prefix.uid);
    json_key(&js, "path");
    json_int(&js, j->x.prefix.path);
    json_key(&js, "answer");
    json_str(&js, j->norm);
    json_key(&js, "steps");
    json_int(&js, j->n_step);
    json_key(&js, "accuracy");
    if (j->known.n) {
        json_obj(&js);
        json_key(&js, "right");
        json_int(&js, j->known.right);
        json_key(&js, "n");
        json_int(&js, j->known.n);
        json_key(&js, "low");
        json_num(&js, j->low);
        json_key(&js, "high");
        json_num(&js, j->high);
        json_key(&js, "chance");
        json_num(&js, j->known.chance);
        json_end_obj(&js);
    } else {
        json_null(&js);
    }
    json_key(&js, "meaningful");
    if (j->known.n)
        json_bool(&js, beats_chance(j));
    else
        json_null(&js);
    json_key(&js, "fixed_before");
    json_bool(&js, none && all && none->n_same && all->n_same);
    json_key(&js, "cached");
    json_bool(&js, j->r.cached);
    json_key(&js, "trials");
    json_arr(&js);
    for (int i = 0; i < j->r.of[DB_TRIAL].n; i++)
        json_trial(&js, result_at(&j->r, DB_TRIAL, i));
    json_end_arr(&js);
    json_end_obj(&js);
    fprintf(j->x.to, "%s\n", out.p);
    str_release(&out);
}

static enum sor_err test(struct job *j)
{
    char sentence[256];
    enum sor_err err = read_question(j);

    if (!err)
        err = read_path(j);
    if (!err)
        err = read_accuracy(j);
    if (err)
        return err;
    if (j->known.n && !beats_chance(j) && !opt.anyway) {
        say_accuracy(j, sentence, sizeof sentence);
        return sor_fail(&j->x.cli->msg, SOR_DIFFERS, "%s (--anyway runs "
                        "them)", sentence);
    }
    return find_or_compute(j);
}

static enum sor_err run(struct cli *cli)
{
    struct job *j = mem_calloc(1, sizeof *j);
    enum sor_err err;

    if (!j)
        return sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
    cli_catch_signals();
    err = experiment_begin(&j->x, cli, cli->argv[0], EXPERIMENT_PATH);
    if (!err)
        err = test(j);
    if (!err && cli->json)
        show_json(j);
    if (!err && !cli->json) {
        show(j);
        experiment_say_source(&j->x, &j->r);
    }
    result_release(&j->r);
    experiment_end(&j->x);
    mem_free(j->question);
    mem_free(j);
    return err;
}

const struct cmd cmd_faithful = {
    .name = "faithful", .operands = "RUN:PATH", .min = 1, .max = 1,
    .summary = "does the answer follow from the reasoning?",
    .text = "Stops the reasoning early, plants a mistake, says a step in "
        "other words, puts dots in its place, and samples on from each step; "
        "each time it asks whether the path's answer comes again.  Where the "
        "model is not better than chance on such questions by the 95 % "
        "interval, the tests mean nothing, and exit code 1 says so.",
    .opts = opts, .run = run };
