/* bench/routing.c - what routing saves and what it costs: the tables of
 * docs/routing.md.
 *
 *     routing MODEL CALIBRATION curve  INPUTS    running text: our router,
 *                                  windows, dense groups with windows, eviction
 *     routing MODEL CALIBRATION simple INPUTS   questions over quotations
 *     routing MODEL CALIBRATION hard   INPUTS   sums, proofs and claims
 *     routing MODEL CALIBRATION long   INPUTS   16K and 32K, positions scaled
 *     routing MODEL CALIBRATION speed  INPUTS   reading and writing at depths
 *
 * CALIBRATION: what calibrate wrote; INPUTS: what routing_inputs.py wrote.  A
 * table goes to stdout, the same as an object of JSON to $OUT, and for simple
 * and hard $BLOCKS is a file to which a line for each block is appended.
 * $TOKENS: of each text (8192); $CONTEXTS: of simple (all); $THREADS (as many
 * as there are processors); $EACH: every answer. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "bench/routing_family.h"
#include "bench/routing_read.h"
#include "bench/routing_speed.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "probe/prompt.h"

enum { ANSWER = 32, TEXT_MAX = 1 << 20 };

static struct {
    struct routing_bench b;
    const char *model;
    char *calibration;
    int n_tok;
    struct str rows;            /* of the JSON */
    struct json json;
    FILE *blocks;
} x;

static int number(const char *name, int otherwise)
{
    const char *s = getenv(name);

    return s && *s ? atoi(s) : otherwise;
}

/* --- rows of the tables -------------------------------------------------- */

static void put_head(const char *what)
{
    printf("\n%s\n%-18s %-34s %9s %7s %7s  %8s %7s %8s %6s  %6s %6s %6s %6s\n",
           what, "set", "policy", "attention", "KV", "total", "perplex.",
           "ratio", "KL", "flips", "sparse", "hybrid", "full", "guard");
}

/* What p did with `set`; "all keys" is what it is held against. */
static void put_row(const char *set, const struct routing_policy *p)
{
    const struct routing_policy *all = &x.b.policy[0];
    const struct routing_cost *c = &p->cost;
    struct routing_saved saved = routing_saved(&x.b, c);
    double n = (double)p->n_nll, of = (double)c->n;
    double ratio = exp((p->nll - all->nll) / n);

    printf("%-18.18s %-34.34s %8.1f%% %6.1f%% %6.1f%%  %8.3f %7.4f %8.5f "
           "%5.1f%%  %5.1f%% %5.1f%% %5.1f%% %5.1f%%\n", set, p->name,
           100 * saved.attention, 100 * saved.bytes, 100 * saved.total,
           exp(p->nll / n), ratio, p->kl / n, 100 * (double)p->flips / n,
           100 * (double)c->token[HOOK_SPARSE] / of,
           100 * (double)c->token[HOOK_HYBRID] / of,
           100 * (double)c->token[HOOK_FULL] / of,
           100 * (double)c->escalated / of);
    fflush(stdout);
    json_obj(&x.json);
    json_put_str(&x.json, "set", set);
    json_put_str(&x.json, "family", p->family);
    json_put_str(&x.json, "policy", p->name);
    json_put_num(&x.json, "tokens", of);
    json_put_num(&x.json, "saved_attention", saved.attention);
    json_put_num(&x.json, "saved_kv_bytes", saved.bytes);
    json_put_num(&x.json, "saved_total", saved.total);
    json_put_num(&x.json, "perplexity", exp(p->nll / n));
    json_put_num(&x.json, "ratio", ratio);
    json_put_num(&x.json, "kl", p->kl / n);
    json_put_num(&x.json, "flips", (double)p->flips / n);
    for (int m = 0; m <= HOOK_FULL; m++)
        json_put_num(&x.json, route_mode_name(m), (double)c->token[m] / of);
    json_put_num(&x.json, "escalated", (double)c->escalated / of);
    json_end_obj(&x.json);
}

static void put_all(const char *set)
{
    for (int i = 0; i < x.b.n_policy; i++)
        put_row(set, &x.b.policy[i]);
}

/* A line for each block that had something to leave out. */
static void put_blocks(const char *set, int n)
{
    struct str line;

    if (!x.blocks || !x.b.watched)
        return;
    str_init(&line);
    for (int i = x.b.watched->route->least[HOOK_SPARSE]; i < n / HOOK_BLOCK;
         i++) {
        const struct routing_block *k = &x.b.block[i];
        struct json j;

        str_clear(&line);
        json_init(&j, &line);
        json_obj(&j);
        json_put_str(&j, "set", set);
        json_put_int(&j, "block", i);
        json_put_num(&j, "score", (double)k->score);
        json_put_num(&j, "kl", (double)k->kl);
        json_put_num(&j, "nll", (double)k->nll);
        json_key(&j, "part");
        json_arr(&j);
        for (int part = 0; part < HOOK_PARTS; part++)
            json_num(&j, (double)k->part[part]);
        json_end_arr(&j);
        json_end_obj(&j);
        fprintf(x.blocks, "%s\n", line.p);
    }
    str_release(&line);
}

/* --- texts --------------------------------------------------------------- */

static const char *member(const cJSON *o, const char *key)
{
    const cJSON *s = cJSON_GetObjectItem(o, key);

    if (!cJSON_IsString(s))
        routing_die("a line of the inputs lacks a member");
    return s->valuestring;
}

static void encode(const char *text, struct tok_ids *ids)
{
    if (tok_encode(engine_tok(x.b.e), text, strlen(text), TOK_SPECIAL, ids))
        routing_die("a text cannot be tokenized");
}

/* The longest beginning of a text that is wanted; at least 16 tokens. */
static int cut(const struct tok_ids *ids, int most)
{
    int n = (int)ids->n < most ? (int)ids->n : most;

    if (n < HOOK_BLOCK)
        routing_die("a text is too short");
    return n;
}

/* Calls `take` with each line of the inputs whose kind it is. */
static void each_line(const char *path, const char *kind,
                      void (*take)(const cJSON *line))
{
    char *text = mem_alloc(TEXT_MAX);
    FILE *f = fopen(path, "r");
    struct sor_msg msg;

    while (f && text && fgets(text, TEXT_MAX, f)) {
        cJSON *root;

        routing_must(json_parse(text, strlen(text), path, &root, &msg), &msg);
        if (!strcmp(member(root, "kind"), kind))
            take(root);
        cJSON_Delete(root);
    }
    if (!f || !text || ferror(f))
        routing_die("the inputs cannot be read");
    else
        fclose(f);
    mem_free(text);
}

/* --- running text -------------------------------------------------------- */

/* All policies; after 1K, 2K and 4K tokens those that run has. */
static void read_running(const cJSON *line)
{
    struct tok_ids ids = { NULL, 0, 0 };
    int n, at = 0;

    encode(member(line, "text"), &ids);
    n = cut(&ids, x.n_tok);
    routing_begin(&x.b);
    for (int to = 1024; at < n; to *= 2) {
        char set[ROUTING_NAME];
        int end = to < n && 2 * to <= n ? to : n;

        routing_read(&x.b, ids.id, at, end);
        at = end;
        snprintf(set, sizeof set, "%.10s %dK", member(line, "set"),
                 at / 1024);
        for (int i = 0; at < n && i < 3 && i < x.b.n_policy; i++)
            put_row(set, &x.b.policy[i]);
    }
    put_all(member(line, "set"));
    put_blocks(member(line, "set"), n);
    routing_end(&x.b);
    tok_ids_release(&ids);
}

static void curve(const char *inputs)
{
    static const int windows[] = { 32, 64, 128, 256 };
    static const int budgets[] = { 8, 16, 32, 64 };

    routing_add_named(&x.b, ROUTE_AUTO);
    routing_add_named(&x.b, ROUTE_SPARSE);
    routing_add_thresholds(&x.b, 0.8f);
    routing_add_thresholds(&x.b, 1.25f);
    for (int i = 0; i < 4; i++) {
        routing_add_budget(&x.b, budgets[i]);
        routing_add_window(&x.b, windows[i], 0);
        routing_add_window(&x.b, windows[i] / 2, 1);
        routing_add_eviction(&x.b, windows[i]);
    }
    x.b.watched = &x.b.policy[2];
    put_head("Running text, read as a prompt");
    each_line(inputs, "running", read_running);
}

static void read_hard(const cJSON *line)
{
    struct tok_ids ids = { NULL, 0, 0 };
    int n;

    encode(member(line, "text"), &ids);
    n = cut(&ids, x.n_tok);
    routing_begin(&x.b);
    routing_read(&x.b, ids.id, 0, n);
    put_all(member(line, "set"));
    put_blocks(member(line, "set"), n);
    routing_end(&x.b);
    tok_ids_release(&ids);
}

static void hard(const char *inputs)
{
    struct route *r = routing_calibrated(&x.b);

    routing_add_named(&x.b, ROUTE_AUTO);
    routing_add_named(&x.b, ROUTE_SPARSE);
    r->choice = ROUTE_AUTO;
    routing_add(&x.b, "router", "auto, as if written, guarded", r, 0)
        ->as_written = 1;
    x.b.watched = &x.b.policy[2];
    put_head("Hard inputs: examples in a row");
    each_line(inputs, "hard", read_hard);
}

/* --- questions ----------------------------------------------------------- */

/* What one policy made of all questions so far. */
struct answers {
    struct routing_cost cost;       /* of questions and answers */
    double nll;                     /* of the answers as they stand */
    int64_t n_nll, n, same, right;
    int64_t same_right;             /* of those that all keys answer rightly */
    struct str said;                /* the last answer */
};
static struct answers answers[ROUTING_POLICIES];

static void add_cost(struct routing_cost *to, const struct routing_cost *c)
{
    to->read += c->read;
    to->compared += c->compared;
    to->all += c->all;
    to->again += c->again;
    for (int m = 0; m <= HOOK_FULL; m++)
        to->token[m] += c->token[m];
    to->escalated += c->escalated;
    to->n += c->n;
}

/* Nats of answer[n] behind a session whose last token made `logits`. */
static double nll_of(struct session *s, float *logits, const int32_t *answer,
                     int n)
{
    size_t v = (size_t)x.b.n_vocab;
    double sum = 0.0;
    struct sor_msg msg;

    for (int i = 0; i < n; i++) {
        struct sampler_stats st;
        struct engine_feed f = { .session = s, .tok = answer + i, .n_tok = 1,
                                 .n_logits = 1, .logits = logits };

        sampler_stats(logits, (uint32_t)v, &st);
        sum += st.lse - (double)logits[answer[i]];
        session_note(s, session_len(s), (float)st.entropy);
        if (i + 1 < n)
            routing_must(engine_step(x.b.e, &f, 1, &msg), &msg);
    }
    return sum;
}

/* The likeliest answer of n tokens, as many as the right one has. */
static void write_answer(struct session *s, float *logits, int n,
                         struct str *said)
{
    int32_t out[ANSWER];
    struct sampler greedy;
    struct gen_path path = { .session = s, .sampler = &greedy,
                             .logits = logits,
                             .max_tok = n < ANSWER ? n : ANSWER,
                             .out = out };
    struct gen_opts o = { .n_seat = 1 };
    struct sor_msg msg;

    routing_must(sampler_init(&greedy, &sampler_greedy, 0, &msg), &msg);
    routing_must(gen_run(x.b.e, &path, 1, &o, &msg), &msg);
    str_clear(said);
    prompt_text(engine_tok(x.b.e), out, path.n_out, said);
}

/* One policy on one question. */
static void ask(int i, const struct route *guarded, const struct tok_ids *q,
                const struct tok_ids *answer)
{
    struct routing_policy *p = &x.b.policy[i];
    struct answers *a = &answers[i];
    struct routing_cost before = p->cost;
    float *logits = x.b.logits;
    struct session *s;
    struct sor_msg msg;
    int at = session_len(p->session);
    struct engine_feed f = { .tok = q->id, .n_tok = (int)q->n, .n_logits = 1,
                             .logits = logits };
    float *kept = logits + x.b.n_vocab;

    p->cost = (struct routing_cost){ .read = 0 };
    routing_turn(&x.b, p);
    routing_must(session_fork(p->session, 100, at, &s, &msg), &msg);
    if (i > 0)
        routing_must(session_route(s, guarded, &msg), &msg);
    f.session = s;
    routing_must(engine_step(x.b.e, &f, 1, &msg), &msg);
    memcpy(kept, logits, (size_t)x.b.n_vocab * sizeof *kept);
    a->nll += nll_of(s, logits, answer->id, (int)answer->n);
    a->n_nll += (int64_t)answer->n;
    session_rewind(s, at + (int)q->n);
    write_answer(s, kept, (int)answer->n, &a->said);
    session_close(s);
    a->n++;
    add_cost(&a->cost, &p->cost);
    p->cost = before;
}

/* Policy i and all keys have answered. */
static void judge(int i, const char *right)
{
    const char *all = answers[0].said.p, *own = answers[i].said.p;
    int same = !strcmp(all, own);

    answers[i].same += same;
    answers[i].right += strstr(own, right) != NULL;
    answers[i].same_right += same && strstr(all, right);
}

static void ask_all(const cJSON *items, struct route *const *guarded)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, items) {
        struct tok_ids q = { NULL, 0, 0 }, answer = { NULL, 0, 0 };
        struct str text;

        str_init(&text);
        str_printf(&text, "%s<|im_end|>\n<|im_start|>assistant\n%s",
                   member(item, "question"), member(item, "begin"));
        encode(text.p, &q);
        str_clear(&text);
        str_printf(&text, " %s", member(item, "answer"));
        encode(text.p, &answer);
        for (int i = 0; i < x.b.n_policy; i++) {
            ask(i, guarded[i], &q, &answer);
            judge(i, member(item, "answer"));
        }
        if (getenv("EACH"))
            for (int i = 0; i < x.b.n_policy; i++)
                printf("  %-8s %-40s (%s)\n", x.b.policy[i].name,
                       answers[i].said.p, member(item, "answer"));
        str_release(&text);
        tok_ids_release(&q);
        tok_ids_release(&answer);
    }
}

static int contexts_left;

static void read_simple(const cJSON *line)
{
    struct route *guarded[ROUTING_POLICIES] = { NULL };
    struct tok_ids ids = { NULL, 0, 0 };
    struct str text;
    char set[ROUTING_NAME];

    if (contexts_left-- <= 0)
        return;
    str_init(&text);
    str_printf(&text, "<|im_start|>user\n%s", member(line, "text"));
    encode(text.p, &ids);
    for (int i = 0; i < x.b.n_policy; i++) {
        guarded[i] = routing_calibrated(&x.b);
        guarded[i]->choice = x.b.policy[i].route->choice;
    }
    snprintf(set, sizeof set, "context %d",
             cJSON_GetObjectItem(line, "id")->valueint);
    routing_begin(&x.b);
    routing_read(&x.b, ids.id, 0, (int)ids.n);
    put_all(set);
    put_blocks(member(line, "set"), (int)ids.n);
    ask_all(cJSON_GetObjectItem(line, "items"), guarded);
    routing_end(&x.b);
    for (int i = 0; i < x.b.n_policy; i++)
        route_close(guarded[i]);
    tok_ids_release(&ids);
    str_release(&text);
}

/* Questions and answers of all contexts. */
static void put_answers(void)
{
    printf("\nQuestions and answers, guarded\n%-10s %9s %9s %7s %7s  %7s "
           "%9s %9s %7s  %6s %6s\n", "policy", "questions", "attention", "KV",
           "total", "ratio", "unchanged", "of right", "right", "full",
           "guard");
    for (int i = 0; i < x.b.n_policy; i++) {
        struct answers *a = &answers[i];
        struct routing_saved saved = routing_saved(&x.b, &a->cost);
        double ratio = exp((a->nll - answers[0].nll) / (double)a->n_nll);
        double n = (double)a->n, of = (double)a->cost.n;
        double of_right = (double)a->same_right / (double)answers[0].right;

        printf("%-10s %9.0f %8.1f%% %6.1f%% %6.1f%%  %7.4f %8.1f%% %8.1f%% "
               "%6.1f%%  %5.1f%% %5.1f%%\n", x.b.policy[i].name, n,
               100 * saved.attention, 100 * saved.bytes, 100 * saved.total,
               ratio, 100 * (double)a->same / n, 100 * of_right,
               100 * (double)a->right / n,
               100 * (double)a->cost.token[HOOK_FULL] / of,
               100 * (double)a->cost.escalated / of);
        json_obj(&x.json);
        json_put_str(&x.json, "set", "questions");
        json_put_str(&x.json, "policy", x.b.policy[i].name);
        json_put_num(&x.json, "questions", n);
        json_put_num(&x.json, "saved_attention", saved.attention);
        json_put_num(&x.json, "saved_kv_bytes", saved.bytes);
        json_put_num(&x.json, "saved_total", saved.total);
        json_put_num(&x.json, "ratio", ratio);
        json_put_num(&x.json, "unchanged", (double)a->same / n);
        json_put_num(&x.json, "unchanged_of_right", of_right);
        json_put_num(&x.json, "right", (double)a->right / n);
        json_put_num(&x.json, "full",
                     (double)a->cost.token[HOOK_FULL] / of);
        json_put_num(&x.json, "escalated", (double)a->cost.escalated / of);
        json_end_obj(&x.json);
        str_release(&a->said);
    }
}

static void simple(const char *inputs)
{
    routing_add_named(&x.b, ROUTE_AUTO);
    routing_add_named(&x.b, ROUTE_SPARSE);
    x.b.watched = &x.b.policy[2];
    contexts_left = number("CONTEXTS", 1000);
    for (int i = 0; i < x.b.n_policy; i++)
        str_init(&answers[i].said);
    put_head("Simple inputs: contexts of quotations, read as prompts");
    each_line(inputs, "simple", read_simple);
    put_answers();
}

/* --- beyond the trained context ------------------------------------------ */

static void longer(const char *inputs)
{
    routing_add_named(&x.b, ROUTE_AUTO);
    routing_add_named(&x.b, ROUTE_SPARSE);
    printf("\nPositions divided by %.0f: a stress test of the engine, beyond "
           "what the model was trained on", x.n_tok / 8192.0);
    put_head("");
    each_line(inputs, "long", read_running);
}

static void time_long(const cJSON *line)
{
    struct tok_ids ids = { NULL, 0, 0 };

    encode(member(line, "text"), &ids);
    routing_speed(&x.b, ids.id, cut(&ids, x.n_tok), &x.json);
    tok_ids_release(&ids);
}

static void speed(const char *inputs)
{
    routing_add_guarded(&x.b, ROUTE_AUTO);
    routing_add_guarded(&x.b, ROUTE_SPARSE);
    routing_add_named(&x.b, ROUTE_SPARSE);
    each_line(inputs, "long", time_long);
}

/* --- the program --------------------------------------------------------- */

static const struct stage {
    const char *name;
    void (*run)(const char *inputs);
} stages[] = {
    { "curve", curve }, { "simple", simple }, { "hard", hard },
    { "long", longer }, { "speed", speed },
};

static char *slurp(const char *path)
{
    char *text = mem_calloc(TEXT_MAX, 1);
    FILE *f = fopen(path, "r");

    if (!f || !text || !fread(text, 1, TEXT_MAX - 1, f))
        routing_die("the calibration cannot be read");
    else
        fclose(f);
    return text;
}

static void write_json(const char *stage)
{
    const char *path = getenv("OUT");
    FILE *f = path ? fopen(path, "w") : NULL;

    if (path && !f)
        routing_die("$OUT cannot be written");
    if (f) {
        fprintf(f, "{\"stage\":\"%s\",\"tokens\":%d,\"rows\":%s}\n", stage,
                x.n_tok, x.rows.p);
        fclose(f);
    }
}

int main(int argc, char **argv)
{
    const char *blocks = getenv("BLOCKS");
    struct engine_opts o = { .n_thread = number("THREADS", 0) };
    size_t i = 0;

    while (argc == 5 && i < sizeof stages / sizeof *stages &&
           strcmp(stages[i].name, argv[3]) != 0)
        i++;
    if (argc != 5 || i == sizeof stages / sizeof *stages)
        routing_die("usage: routing MODEL CALIBRATION curve|simple|hard|long|"
                    "speed INPUTS");
    x.n_tok = number("TOKENS", 8192);
    o.n_ctx = x.n_tok > 8192 ? x.n_tok : 8192;
    o.rope_scale = o.n_ctx / 8192.0;
    x.calibration = slurp(argv[2]);
    x.blocks = blocks ? fopen(blocks, "a") : NULL;
    routing_bench_open(&x.b, argv[1], x.calibration, &o);
    str_init(&x.rows);
    json_init(&x.json, &x.rows);
    json_arr(&x.json);
    stages[i].run(argv[4]);
    json_end_arr(&x.json);
    write_json(argv[3]);
    if (x.blocks)
        fclose(x.blocks);
    str_release(&x.rows);
    routing_bench_close(&x.b);
    mem_free(x.calibration);
    return 0;
}
