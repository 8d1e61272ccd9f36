/* bench/mistakes.c - can the first wrong step of a reasoning be found from what
 * a local model makes of it?  The table of docs/mistakes.md.
 *
 *     mistakes MODEL FILE.jsonl [N [STEPS]]
 *
 * A line: {"task","question","steps":[..],"mistake_index":i|null}, the first
 * wrong step, marked by people.  The first N (default 80) of each task with at
 * most STEPS (default 20) steps are read as if the model had written them, and
 * of each step is taken, in nats a token,
 *   surprise    its mean negative log-probability
 *   largest     that of its least likely token
 *   dependence  how much the surprise rises where all steps before it are
 *               removed and it is computed again after the question alone
 * each as a deviation from what steps at that place of that task have.
 *
 * The rule:  first wrong step = argmax of log P(step | task) + w . deviations,
 * with "no wrong step" at log P(none | task) + d.  P, the means and spreads,
 * w and d come from four fifths of the traces and are tried on the fifth left
 * out, in turn; with w = d = 0 it is the majority of the task.  So every figure
 * is of traces that the rule has not seen. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/sampler.h"
#include "engine/tok.h"
#include "probe/interval.h"
#include "probe/prompt.h"

enum { SURPRISE, LARGEST, DEPENDENCE, FEATURES };

enum { TASKS = 8, STEPS = 32, TRACES = 2000, FOLDS = 5, ROWS = 64,
       LINE = 1 << 16, NONE = STEPS };  /* NONE: no wrong step */

struct trace {
    int task, n, wrong;                 /* wrong: 0 .. n-1, or NONE */
    float x[STEPS][FEATURES];
};

static struct {
    struct engine *e;
    float *logits;                      /* [ROWS][n_vocab] */
    size_t n_vocab;
    char *task[TASKS];
    int n_task, of_task[TASKS];
    struct trace *t;                    /* [n] */
    int n, most, most_steps;
    int64_t n_token;
    struct sor_msg msg;
} b = { .most = 80, .most_steps = 20 };

static void die(const char *what)
{
    fprintf(stderr, "mistakes: %s\n", what);
    exit(3);
}

static void must(enum sor_err err)
{
    if (err)
        die(b.msg.text);
}

/* --- what the model makes of a step -------------------------------------- */

/* Feeds id[0..n) and adds what each token costs, given that `last` holds the
 * logits before the first; last becomes those after the last. */
static void read_step(struct session *s, const int32_t *id, int n,
                      float *last, double *sum, double *most)
{
    size_t row = b.n_vocab * sizeof *last;

    *sum = *most = 0;
    for (int at = 0; at < n; at += ROWS) {
        int take = n - at < ROWS ? n - at : ROWS;
        struct engine_feed f = { .session = s, .tok = id + at, .n_tok = take,
                                 .n_logits = take, .logits = b.logits };

        must(engine_step(b.e, &f, 1, &b.msg));
        for (int i = 0; i < take; i++) {
            const float *before = i ? b.logits + (size_t)(i - 1) * b.n_vocab
                                    : last;
            struct sampler_stats st;

            sampler_stats(before, (uint32_t)b.n_vocab, &st);
            double cost = st.lse - (double)before[id[at + i]];
            *sum += cost;
            *most = cost > *most ? cost : *most;
        }
        memcpy(last, b.logits + (size_t)(take - 1) * b.n_vocab, row);
    }
    b.n_token += n;
}

/* Each step twice: after all before it, and after the question alone. */
static void read_trace(struct trace *t, const char *question,
                       const cJSON *steps)
{
    struct prompt p = { .text = question, .n = strlen(question) };
    struct tok_ids ids = { NULL, 0, 0 };
    size_t row = b.n_vocab * sizeof(float);
    float *first = mem_alloc(row), *last = mem_alloc(row);
    struct session *s, *alone;
    enum chat_kind kind;

    if (!first || !last)
        die("out of memory");
    must(prompt_encode(b.e, &p, &ids, &kind, &b.msg));
    must(session_open(b.e, 1, 0, &s, &b.msg));
    struct engine_feed f = { .session = s, .tok = ids.id, .n_tok = (int)ids.n,
                             .n_logits = 1, .logits = first };
    must(engine_step(b.e, &f, 1, &b.msg));
    int end = (int)ids.n;
    memcpy(last, first, row);
    for (int i = 0; i < t->n; i++) {
        const char *text = cJSON_GetArrayItem(steps, i)->valuestring;
        double sum, most, other, unused;
        struct str line;

        str_init(&line);
        str_printf(&line, "%s\n", text);
        tok_ids_release(&ids);
        must(tok_encode(engine_tok(b.e), line.p, line.len, 0, &ids));
        str_release(&line);
        read_step(s, ids.id, (int)ids.n, last, &sum, &most);
        float *fresh = mem_alloc(row);
        if (!fresh)
            die("out of memory");
        memcpy(fresh, first, row);
        must(session_fork(s, 2, end, &alone, &b.msg));
        read_step(alone, ids.id, (int)ids.n, fresh, &other, &unused);
        session_close(alone);
        mem_free(fresh);
        t->x[i][SURPRISE] = (float)(sum / (double)ids.n);
        t->x[i][LARGEST] = (float)most;
        t->x[i][DEPENDENCE] = (float)((other - sum) / (double)ids.n);
    }
    session_close(s);
    tok_ids_release(&ids);
    mem_free(first);
    mem_free(last);
}

/* --- the file ------------------------------------------------------------ */

static int task_of(const char *name)
{
    int i = 0;

    while (i < b.n_task && strcmp(b.task[i], name) != 0)
        i++;
    if (i == TASKS)
        die("too many tasks");
    if (i == b.n_task && !(b.task[b.n_task++] = mem_strdup(name)))
        die("out of memory");
    return i;
}

static int are_texts(const cJSON *steps)
{
    const cJSON *s;

    cJSON_ArrayForEach(s, steps)
        if (!cJSON_IsString(s))
            return 0;
    return cJSON_GetArraySize(steps) > 0;
}

static void read_line(const char *line, const char *path)
{
    cJSON *root;

    must(json_parse(line, strlen(line), path, &root, &b.msg));
    const cJSON *task = cJSON_GetObjectItem(root, "task");
    const cJSON *question = cJSON_GetObjectItem(root, "question");
    const cJSON *steps = cJSON_GetObjectItem(root, "steps");
    const cJSON *wrong = cJSON_GetObjectItem(root, "mistake_index");
    struct trace *t = &b.t[b.n];

    if (!cJSON_IsString(task) || !cJSON_IsString(question) ||
        !are_texts(steps))
        die("a line lacks task, question or steps");
    *t = (struct trace){ .task = task_of(task->valuestring),
                         .n = cJSON_GetArraySize(steps), .wrong = NONE };
    if (cJSON_IsNumber(wrong))
        t->wrong = wrong->valueint;
    if (t->n <= b.most_steps && b.of_task[t->task] < b.most &&
        (t->wrong == NONE || (t->wrong >= 0 && t->wrong < t->n))) {
        read_trace(t, question->valuestring, steps);
        b.of_task[t->task]++;
        fprintf(stderr, "\r%d traces", ++b.n);
    }
    cJSON_Delete(root);
}

static void read_file(const char *path)
{
    static char line[LINE];
    FILE *f = fopen(path, "r");

    if (!f)
        die("the traces cannot be opened");
    while (b.n < TRACES && fgets(line, sizeof line, f))
        read_line(line, path);
    fclose(f);
    fprintf(stderr, "\r\033[K");
}

/* --- the rule ------------------------------------------------------------ */

struct rule {
    double log_p[TASKS][STEPS + 1];
    double mean[TASKS][STEPS][FEATURES], spread[TASKS][FEATURES];
    double w[FEATURES], d;
};

static int in_fold(int i, int fold)
{
    return i % FOLDS == fold;
}

/* Means by place, pulled to the task's where a place is rare. */
static void fit_means(struct rule *r, int fold, int f)
{
    enum { PULL = 4 };
    double sum[TASKS] = { 0 }, sq[TASKS] = { 0 }, n[TASKS] = { 0 };
    double at[TASKS][STEPS] = { { 0 } }, n_at[TASKS][STEPS] = { { 0 } };

    for (int i = 0; i < b.n; i++)
        for (int k = 0; k < b.t[i].n && !in_fold(i, fold); k++) {
            double x = (double)b.t[i].x[k][f];

            sum[b.t[i].task] += x;
            sq[b.t[i].task] += x * x;
            n[b.t[i].task]++;
            at[b.t[i].task][k] += x;
            n_at[b.t[i].task][k]++;
        }
    for (int t = 0; t < b.n_task; t++) {
        double mean = n[t] > 0 ? sum[t] / n[t] : 0;

        r->spread[t][f] = n[t] > 0
            ? sqrt(sq[t] / n[t] - mean * mean) + 1e-9 : 1;
        for (int k = 0; k < STEPS; k++)
            r->mean[t][k][f] = (at[t][k] + PULL * mean) / (n_at[t][k] + PULL);
    }
}

static void fit_shares(struct rule *r, int fold)
{
    double count[TASKS][STEPS + 1], n[TASKS] = { 0 };

    for (int t = 0; t < TASKS; t++)
        for (int k = 0; k <= STEPS; k++)
            count[t][k] = 0.5;
    for (int i = 0; i < b.n; i++)
        if (!in_fold(i, fold)) {
            count[b.t[i].task][b.t[i].wrong]++;
            n[b.t[i].task]++;
        }
    for (int t = 0; t < TASKS; t++)
        for (int k = 0; k <= STEPS; k++)
            r->log_p[t][k] = log(count[t][k] / (n[t] + 1));
}

static int choose(const struct rule *r, const struct trace *t)
{
    double best = r->log_p[t->task][NONE] + r->d;
    int at = NONE;

    for (int k = 0; k < t->n; k++) {
        double score = r->log_p[t->task][k];

        for (int f = 0; f < FEATURES; f++)
            if (r->w[f] != 0.0)
                score += r->w[f] * ((double)t->x[k][f] -
                         r->mean[t->task][k][f]) / r->spread[t->task][f];
        if (score > best) {
            best = score;
            at = k;
        }
    }
    return at;
}

/* Traces outside the fold that the rule gets right. */
static int right_outside(const struct rule *r, int fold)
{
    int n = 0;

    for (int i = 0; i < b.n; i++)
        n += !in_fold(i, fold) && choose(r, &b.t[i]) == b.t[i].wrong;
    return n;
}

/* The weights of the features in `use`, by trying them all. */
static void fit_weights(struct rule *r, int fold, unsigned use)
{
    static const double weight[] = { 0, 0.125, 0.25, 0.5, 0.75, 1, 1.5, 2,
                                     -0.25, -0.5 };
    static const double offset[] = { 0, -2, -1.5, -1, -0.5, 0.5, 1 };
    enum { W = sizeof weight / sizeof *weight,
           D = sizeof offset / sizeof *offset };
    struct rule try = *r;
    int best = right_outside(r, fold);

    for (int a = 0; a < (use & 1u << SURPRISE ? W : 1); a++)
        for (int l = 0; l < (use & 1u << LARGEST ? W : 1); l++)
            for (int c = 0; c < (use & 1u << DEPENDENCE ? W : 1); c++)
                for (int d = 0; d < (use ? D : 1); d++) {
                    try.w[SURPRISE] = weight[a];
                    try.w[LARGEST] = weight[l];
                    try.w[DEPENDENCE] = weight[c];
                    try.d = offset[d];
                    int right = right_outside(&try, fold);

                    if (right > best) {
                        best = right;
                        *r = try;
                    }
                }
}

/* guess[n]: of each trace, by a rule that has not seen it. */
static void predict(unsigned use, int *guess)
{
    for (int fold = 0; fold < FOLDS; fold++) {
        struct rule r = { .d = 0 };

        fit_shares(&r, fold);
        for (int f = 0; f < FEATURES; f++)
            fit_means(&r, fold, f);
        fit_weights(&r, fold, use);
        for (int i = 0; i < b.n; i++)
            if (in_fold(i, fold))
                guess[i] = choose(&r, &b.t[i]);
        if (use)
            fprintf(stderr, "fold %d: w %.3f %.3f %.3f, none %+.1f\n", fold,
                    r.w[0], r.w[1], r.w[2], r.d);
    }
}

/* --- the table ----------------------------------------------------------- */

/* Right ones of a task (-1: of all) in *k of *n. */
static void count(const int *guess, int task, int *k, int *n)
{
    *k = *n = 0;
    for (int i = 0; i < b.n; i++)
        if (task < 0 || b.t[i].task == task) {
            *k += guess[i] == b.t[i].wrong;
            ++*n;
        }
}

/* One line: right of all with its interval; the difference from `base` on the
 * same traces with its normal interval; right of each task. */
static void line(const char *name, const int *guess, const int *base)
{
    double low, high, diff, half;
    int k, n, more = 0, less = 0;

    for (int i = 0; i < b.n; i++) {
        int was = base[i] == b.t[i].wrong, now = guess[i] == b.t[i].wrong;

        more += now > was;
        less += now < was;
    }
    count(guess, -1, &k, &n);
    interval_of(k, n, &low, &high);
    diff = (double)(more - less) / n;
    half = 1.96 * sqrt(more + less - diff * diff * n) / n;
    printf("| %s | %d of %d | %.1f %% [%.1f, %.1f] | %+.1f [%+.1f, %+.1f] |",
           name, k, n, 100.0 * k / n, 100 * low, 100 * high, 100 * diff,
           100 * (diff - half), 100 * (diff + half));
    for (int t = 0; t < b.n_task; t++) {
        count(guess, t, &k, &n);
        printf(" %d/%d |", k, n);
    }
    putchar('\n');
}

static void report(void)
{
    static const struct { const char *name; unsigned use; } rules[] = {
        { "majority of the task", 0 },
        { "surprise", 1u << SURPRISE },
        { "largest surprise of a token", 1u << LARGEST },
        { "dependence", 1u << DEPENDENCE },
        { "surprise and dependence", 1u << SURPRISE | 1u << DEPENDENCE },
        { "all three", (1u << FEATURES) - 1 },
    };
    enum { RULES = sizeof rules / sizeof *rules };
    int *guess = mem_calloc((size_t)b.n * RULES, sizeof *guess);

    if (!guess)
        die("out of memory");
    printf("%d traces, %lld tokens\n\n| rule | first wrong step, or none, "
           "found | 95 %% | points more than the majority |", b.n,
           (long long)b.n_token);
    for (int t = 0; t < b.n_task; t++)
        printf(" %s |", b.task[t]);
    printf("\n|---|---|---|---|");
    for (int t = 0; t < b.n_task; t++)
        printf("---|");
    putchar('\n');
    for (int r = 0; r < RULES; r++) {
        int *mine = guess + (size_t)r * (size_t)b.n;

        predict(rules[r].use, mine);
        line(rules[r].name, mine, guess);
    }
    mem_free(guess);
}

int main(int argc, char **argv)
{
    struct engine_opts opts = { .n_ctx = 4096, .n_thread = 1 };

    if (argc < 3)
        die("usage: mistakes MODEL FILE.jsonl [N [STEPS]]");
    if (argc > 3)
        b.most = atoi(argv[3]);
    if (argc > 4)
        b.most_steps = atoi(argv[4]);
    if (b.most < 1 || b.most_steps < 1 || b.most_steps > STEPS)
        die("N from 1, STEPS from 1 to 32");
    must(engine_open(argv[1], &opts, &b.e, &b.msg));
    b.n_vocab = engine_hparams(b.e)->n_vocab;
    b.logits = mem_alloc(ROWS * b.n_vocab * sizeof *b.logits);
    b.t = mem_calloc(TRACES + 1, sizeof *b.t);
    if (!b.logits || !b.t)
        die("out of memory");
    read_file(argv[2]);
    report();
    for (int t = 0; t < b.n_task; t++)
        mem_free(b.task[t]);
    mem_free(b.t);
    mem_free(b.logits);
    engine_close(b.e);
    return 0;
}
