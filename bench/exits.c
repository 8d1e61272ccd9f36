/* bench/exits.c - after which layer a token is settled: the histogram and the
 * table of docs/speculation.md.
 *
 *     exits MODEL answers FILE.jsonl [N]  greedy answers of 48 tokens to the
 *                                         first N (12) {"question":..}
 *     exits MODEL text FILE [N]           the first N (600) tokens of a text
 *     exits MODEL loss FILE [N]           what leaving early costs there
 *
 * For every position the output norm and head are applied to the residual after
 * each layer (the logit lens).  Settled after layer l: the likeliest token is
 * the last layer's from l on.  Then, for each layer and each threshold of
 * sureness (exit.h): the share of positions that would leave there, and the
 * share of those at which the last layer's likeliest token is another.
 *
 * loss: the text is read token by token under run's rule (exit_rule_init()) for
 * each sureness ($LAYER: after this one): tokens that left early, perplexity
 * over that of all layers, what the tokens that left and the others lost in
 * nats each, and processor time of all layers over it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/exit.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/intervene.h"
#include "engine/sampler.h"
#include "engine/tok.h"
#include "probe/prompt.h"

enum { PIECE = 32, LINE = 1 << 16, ANSWER = 48, LAYERS = 128, SURES = 5 };

static const float sures[SURES] = { 0.8f, 0.9f, 0.95f, 0.99f, 0.999f };

static struct {
    struct engine *e;
    int n_layer, n_embd, n_vocab;
    float *resid;               /* [n_layer][PIECE][n_embd] */
    float *logits;              /* [PIECE][n_vocab] */
    int first;                  /* position of row 0 of the piece */
    long n, settled[LAYERS];
    long leave[LAYERS][SURES], wrong[LAYERS][SURES];
} x;

static void die(const char *what)
{
    fprintf(stderr, "exits: %s\n", what);
    exit(3);
}

static void must(enum sor_err err, const struct sor_msg *msg)
{
    if (err)
        die(msg->text);
}

static void hear(void *ud, const struct hook_event *ev)
{
    (void)ud;
    if (ev->layer >= 0)
        memcpy(x.resid + ((size_t)ev->layer * PIECE +
                          (size_t)(ev->pos - x.first)) * (size_t)x.n_embd,
               ev->u.vec.v, (size_t)x.n_embd * sizeof(float));
}

/* Adds the n rows of the piece from row `from` on. */
static void judge(int from, int n)
{
    int top[LAYERS][PIECE] = { { 0 } };
    float sure[LAYERS][PIECE] = { { 0 } };
    struct sor_msg msg;

    for (int l = 0; l < x.n_layer; l++) {
        must(engine_unembed(x.e, x.resid + (size_t)l * PIECE *
                            (size_t)x.n_embd, n, x.logits, &msg), &msg);
        for (int r = from; r < n; r++)
            sure[l][r] = exit_sureness(x.logits + (size_t)r *
                                       (size_t)x.n_vocab, x.n_vocab,
                                       &top[l][r]);
    }
    for (int r = from; r < n; r++) {
        int last = x.n_layer - 1, l = last;

        while (l > 0 && top[l - 1][r] == top[last][r])
            l--;
        x.settled[l]++;
        x.n++;
        for (l = 0; l < last; l++)
            for (int k = 0; k < SURES && sure[l][r] >= sures[k]; k++) {
                x.leave[l][k]++;
                x.wrong[l][k] += top[l][r] != top[last][r];
            }
    }
}

/* Reads ids[0..n) and judges the positions from `from` on. */
static void read_all(const int32_t *ids, int n, int from)
{
    struct hook_observer see = { 1u << HOOK_RESIDUAL, NULL, hear };
    struct session *s;
    struct sor_msg msg;

    must(session_open(x.e, 1, 0, &s, &msg), &msg);
    must(engine_observe(x.e, &see, &msg), &msg);
    for (int at = 0; at < n; at += PIECE) {
        int take = n - at < PIECE ? n - at : PIECE;
        struct engine_feed f = { .session = s, .tok = ids + at,
                                 .n_tok = take };

        x.first = at;
        must(engine_step(x.e, &f, 1, &msg), &msg);
        if (at + take > from)
            judge(from > at ? from - at : 0, take);
    }
    engine_observe(x.e, NULL, NULL);
    session_close(s);
}

static void read_answer(const char *question)
{
    struct prompt p = { .text = question, .n = strlen(question) };
    struct tok_ids ids = { NULL, 0, 0 };
    struct gen_opts o = { .n_seat = 1 };
    struct sampler s;
    struct gen_path path = { .sampler = &s, .max_tok = ANSWER };
    int32_t all[4096 + ANSWER];
    enum chat_kind kind;
    struct sor_msg msg;

    must(prompt_encode(x.e, &p, &ids, &kind, &msg), &msg);
    if (ids.n > 4096)
        die("a question is too long");
    memcpy(all, ids.id, ids.n * sizeof *all);
    path.prompt = ids.id;
    path.n_prompt = (int)ids.n;
    path.out = all + ids.n;
    must(sampler_init(&s, &sampler_greedy, 0, &msg), &msg);
    must(session_open(x.e, 1, 0, &path.session, &msg), &msg);
    must(gen_run(x.e, &path, 1, &o, &msg), &msg);
    session_close(path.session);
    /* the rows that made the answer's tokens */
    read_all(all, (int)ids.n + path.n_out - 1, (int)ids.n - 1);
    tok_ids_release(&ids);
}

static void read_questions(const char *path, int n)
{
    static char line[LINE];
    FILE *f = fopen(path, "r");

    if (!f)
        die("the questions cannot be opened");
    while (n-- > 0 && fgets(line, sizeof line, f)) {
        struct sor_msg msg;
        cJSON *root, *q;

        must(json_parse(line, strlen(line), path, &root, &msg), &msg);
        q = cJSON_GetObjectItem(root, "question");
        if (cJSON_IsString(q))
            read_answer(q->valuestring);
        cJSON_Delete(root);
    }
    fclose(f);
}

/* --- what it costs ------------------------------------------------------- */

enum { MOST = 4096 };
static double whole[MOST], nll[MOST];   /* nats, by position */
static int left[MOST];

static void see_exit(void *ud, const struct hook_event *ev)
{
    (void)ud;
    left[ev->pos] = ev->u.row.depth > 0;
}

/* Log-losses of ids[1..n), each token read under the rule (NULL: all layers);
 * returns the processor time in seconds. */
static double loss_under(const struct exit_rule *rule, const int32_t *ids,
                         int n, double *out)
{
    struct hook_observer see = { 1u << HOOK_ROW, NULL, see_exit };
    struct session *s;
    struct sor_msg msg;
    clock_t start = clock();

    must(session_open(x.e, 1, 0, &s, &msg), &msg);
    must(engine_observe(x.e, &see, &msg), &msg);
    for (int i = 0; i + 1 < n; i++) {
        struct engine_feed f = { .session = s, .tok = ids + i, .n_tok = 1,
                                 .n_logits = 1, .logits = x.logits,
                                 .exit = rule };
        struct sampler_stats st;

        must(engine_step(x.e, &f, 1, &msg), &msg);
        sampler_stats(x.logits, (uint32_t)x.n_vocab, &st);
        out[i] = st.lse - (double)x.logits[ids[i + 1]];
    }
    engine_observe(x.e, NULL, NULL);
    session_close(s);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void show_loss(const int32_t *ids, int n)
{
    const char *layer = getenv("LAYER");
    double full_s = loss_under(NULL, ids, n, whole), sum = 0;

    for (int i = 0; i < n - 1; i++)
        sum += whole[i];
    printf("%d tokens, perplexity %.3f with all layers\n\nsureness  layer  "
           "left early  perplexity ratio  lost by those  by others  speed\n",
           n - 1, exp(sum / (n - 1)));
    for (int k = 1; k < SURES; k++) {
        double s, lost[2] = { 0, 0 };
        int n_left = 0;
        struct exit_rule rule;
        struct sor_msg msg;

        must(exit_rule_init(&rule, x.n_layer, sures[k], &msg), &msg);
        rule.layer[0] = layer ? atoi(layer) : rule.layer[0];
        s = loss_under(&rule, ids, n, nll);
        for (int i = 0; i < n - 1; i++) {
            lost[left[i]] += nll[i] - whole[i];
            n_left += left[i];
        }
        printf("%8.3f  %5d  %8.1f %%  %16.4f  %13.3f  %9.3f  %4.2fx\n",
               (double)sures[k], rule.layer[0], 100.0 * n_left / (n - 1),
               exp((lost[0] + lost[1]) / (n - 1)),
               n_left ? lost[1] / n_left : 0.0,
               lost[0] / (n - 1 - n_left), full_s / s);
    }
}

static void read_text(const char *path, int n, int is_loss)
{
    static char text[1 << 18];
    struct tok_ids ids = { NULL, 0, 0 };
    FILE *f = fopen(path, "r");
    size_t len = f ? fread(text, 1, sizeof text, f) : 0;

    if (!f || !len)
        die("the text cannot be read");
    fclose(f);
    while (len && ((unsigned char)text[len - 1] & 0xc0u) == 0x80u)
        len--;
    if (tok_encode(engine_tok(x.e), text, len ? len - 1 : 0, TOK_BOS, &ids))
        die("the text is no UTF-8");
    n = (int)ids.n < n ? (int)ids.n : n;
    if (n > MOST)
        die("a text of 4,096 tokens at most");
    if (is_loss)
        show_loss(ids.id, n);
    else
        read_all(ids.id, n, 0);
    tok_ids_release(&ids);
}

static void show(void)
{
    long sum = 0;

    printf("%ld positions\n\nlayer  settled there  by then", x.n);
    for (int k = 0; k < SURES; k++)
        printf("   sure %.3f", (double)sures[k]);
    printf("   (would leave, of those wrong)\n");
    for (int l = 0; l < x.n_layer; l++) {
        sum += x.settled[l];
        printf("%5d  %11.1f %%  %5.1f %%", l,
               100.0 * (double)x.settled[l] / (double)x.n,
               100.0 * (double)sum / (double)x.n);
        for (int k = 0; k < SURES && l < x.n_layer - 1; k++)
            printf("  %4.1f%% %4.1f%%",
                   100.0 * (double)x.leave[l][k] / (double)x.n,
                   x.leave[l][k] ? 100.0 * (double)x.wrong[l][k] /
                                   (double)x.leave[l][k] : 0.0);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    struct engine_opts o = { .n_thread = 1 };
    int n = argc > 4 ? atoi(argv[4]) : 0;
    struct sor_msg msg;

    if (argc < 4)
        die("usage: exits MODEL answers|text|loss FILE [N]");
    must(engine_open(argv[1], &o, &x.e, &msg), &msg);
    x.n_layer = (int)engine_hparams(x.e)->n_layer;
    x.n_embd = (int)engine_hparams(x.e)->n_embd;
    x.n_vocab = (int)engine_hparams(x.e)->n_vocab;
    x.resid = mem_alloc((size_t)x.n_layer * PIECE * (size_t)x.n_embd *
                        sizeof *x.resid);
    x.logits = mem_alloc(PIECE * (size_t)x.n_vocab * sizeof *x.logits);
    if (!x.resid || !x.logits || x.n_layer > LAYERS)
        die("out of memory");
    if (!strcmp(argv[2], "answers"))
        read_questions(argv[3], n ? n : 12);
    else
        read_text(argv[3], n ? n : 600, !strcmp(argv[2], "loss"));
    if (x.n > 0)
        show();
    mem_free(x.resid);
    mem_free(x.logits);
    engine_close(x.e);
    return 0;
}
