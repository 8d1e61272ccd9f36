/* bench/speculate.c - what guessing ahead saves, and that it changes nothing:
 * the table of docs/speculation.md.
 *
 *     speculate MODEL quote CONTRACT...   clauses given and asked for, with the
 *                                         first words of the answer given
 *     speculate MODEL ask CONTRACT...     the same, nothing given
 *     speculate MODEL free                texts at temperature 1 of prompts
 *                                         that have nothing to quote
 *     speculate MODEL same FILE.jsonl [N] {"question":..} a line: the first N
 *                                         (200), greedy and at temperature 0.8
 *
 * quote and ask also tell of those that do quote: at least half of whose tokens
 * stand in the prompt in runs of eight or more.
 *
 * Every answer is written plainly and with guesses in turn, ROUNDS times; the
 * least processor time and the least wall time of each count, since others may
 * use the machine.  Tokens must be the same; for `same` nothing is timed.
 * $EACH: a line each.  $SOURCES: which of lookup,self (lookup); $LAYERS: that
 * guess with self; $ROUNDS (3); $TOKENS: a text's length (128). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "probe/prompt.h"

enum { MAX_TOK = 512, TEXTS = 400, LINE = 1 << 16, EXCERPT = 3600,
       QUOTED = 8 };

/* One prompt; opened: the answer's first words, NULL: none. */
struct text { char *prompt, *opened; float temperature; };

struct timing { double cpu, wall; };    /* seconds */

struct trial {
    int32_t out[MAX_TOK];
    int n_out, n_draft, n_kept;
    int64_t n_step;
    struct timing least;
    int is_quoted;
};

static struct {
    struct engine *e;
    struct text text[TEXTS];
    int n, n_tok, rounds;
    float *logits;
    enum draft_source source;
    int n_layer;
} b;

static void die(const char *what)
{
    fprintf(stderr, "speculate: %s\n", what);
    exit(3);
}

static void must(enum sor_err err, const struct sor_msg *msg)
{
    if (err)
        die(msg->text);
}

static double now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int number(const char *name, int otherwise)
{
    const char *s = getenv(name);

    return s && *s ? atoi(s) : otherwise;
}

static char *copy(const char *s, size_t n)
{
    char *c = mem_alloc(n + 1);

    if (!c)
        die("out of memory");
    memcpy(c, s, n);
    c[n] = '\0';
    return c;
}

static void add(const char *prompt, const char *opened, float temperature)
{
    if (b.n == TEXTS)
        return;
    b.text[b.n++] = (struct text){
        copy(prompt, strlen(prompt)),
        opened ? copy(opened, strlen(opened)) : NULL, temperature };
}

/* --- what is asked ------------------------------------------------------- */

static void slurp(const char *path, struct str *out)
{
    char buf[4096];
    size_t n;
    FILE *f = fopen(path, "r");

    if (!f)
        die("a text cannot be opened");
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        str_put(out, buf, n);
    fclose(f);
    if (!str_ok(out))
        die("out of memory");
}

/* Paragraphs of 300 to 900 bytes in the first EXCERPT bytes are asked for, five
 * of a contract at most. */
static void ask_contract(const char *path, int with_opening)
{
    struct str all, prompt;
    size_t end;
    int n = 0;

    str_init(&all);
    str_init(&prompt);
    slurp(path, &all);
    end = all.len < EXCERPT ? all.len : EXCERPT;
    while (end < all.len && all.p[end] != '\n')
        end++;
    for (size_t at = 0; at < end && n < 5; ) {
        const char *p = all.p + at, *stop = memchr(p, '\n', all.len - at);
        size_t len = stop ? (size_t)(stop - p) : all.len - at, words = 0, k;
        char *opened;

        at += len + 1;
        if (len < 300 || len > 900)
            continue;
        for (k = 0; k < len && words < 6; k++)
            words += p[k] == ' ';
        opened = copy(p, k - 1);
        str_clear(&prompt);
        str_put(&prompt, all.p, end);
        str_printf(&prompt, "\n\nQuote word for word the clause that begins "
                   "\"%s\".", opened);
        if (!str_ok(&prompt))
            die("out of memory");
        add(prompt.p, with_opening ? opened : NULL, 0.0f);
        mem_free(opened);
        n++;
    }
    str_release(&all);
    str_release(&prompt);
}

static void ask_free(void)
{
    static const char *const prompt[] = {
        "Write a short story about a lighthouse keeper.",
        "What makes a good teacher?", "Why is the sky blue?",
        "Tell me about the history of bread.",
        "Describe a walk through a city at night.",
        "How does a bicycle stay upright?", "Invent a new animal.",
        "Explain inflation to a child.", "What is a dream?",
        "Write a letter from a sailor to his sister.",
    };

    for (size_t i = 0; i < sizeof prompt / sizeof *prompt; i++)
        add(prompt[i], NULL, 1.0f);
}

static void ask_file(const char *path, int n)
{
    static char line[LINE];
    FILE *f = fopen(path, "r");

    if (!f)
        die("the questions cannot be opened");
    while (b.n < n && fgets(line, sizeof line, f)) {
        struct sor_msg msg;
        cJSON *root, *q;

        must(json_parse(line, strlen(line), path, &root, &msg), &msg);
        q = cJSON_GetObjectItem(root, "question");
        if (cJSON_IsString(q))
            add(q->valuestring, NULL, b.n % 2 ? 0.8f : 0.0f);
        cJSON_Delete(root);
    }
    fclose(f);
}

/* --- answers ------------------------------------------------------------- */

static void encode(const struct text *t, struct tok_ids *ids)
{
    struct prompt p = { .text = t->prompt, .n = strlen(t->prompt) };
    enum chat_kind kind;
    struct sor_msg msg;

    must(prompt_encode(b.e, &p, ids, &kind, &msg), &msg);
    if (t->opened && tok_encode(engine_tok(b.e), t->opened,
                                strlen(t->opened), 0, ids))
        die("the opening is no text");
}

/* Writes one answer behind `base`, which has read the prompt. */
static void answer(const struct text *t, struct session *base,
                   const struct tok_ids *ids, enum draft_source source,
                   struct trial *out)
{
    struct sampler_params params = { .temperature = t->temperature,
                                     .top_p = 1.0f, .seed = 1 };
    struct gen_stats st = { 0 };
    struct gen_opts o = { .draft = source, .draft_layer = b.n_layer,
                          .stats = &st };
    struct sampler s;
    struct gen_path p = { .sampler = &s, .logits = b.logits,
                          .before = ids->id, .n_before = (int)ids->n,
                          .max_tok = b.n_tok, .out = out->out };
    struct sor_msg msg;
    struct timing was, is;

    must(sampler_init(&s, &params, 0, &msg), &msg);
    must(session_fork(base, 2, (int)ids->n, &p.session, &msg), &msg);
    was = (struct timing){ now(CLOCK_PROCESS_CPUTIME_ID),
                           now(CLOCK_MONOTONIC) };
    must(gen_run(b.e, &p, 1, &o, &msg), &msg);
    is = (struct timing){ now(CLOCK_PROCESS_CPUTIME_ID) - was.cpu,
                          now(CLOCK_MONOTONIC) - was.wall };
    session_close(p.session);
    if (out->n_out == 0 || is.cpu < out->least.cpu)
        out->least.cpu = is.cpu;
    if (out->n_out == 0 || is.wall < out->least.wall)
        out->least.wall = is.wall;
    out->n_out = p.n_out;
    out->n_draft = p.n_draft;
    out->n_kept = p.n_kept;
    out->n_step = st.n_step;
}

static int is_in(const int32_t *text, size_t n, const int32_t *run)
{
    for (size_t i = 0; i + QUOTED <= n; i++)
        if (!memcmp(text + i, run, QUOTED * sizeof *run))
            return 1;
    return 0;
}

/* Half of the answer or more is taken from the prompt. */
static int is_quoted(const struct tok_ids *ids, const struct trial *t)
{
    int n = 0, end = 0;         /* tokens before `end` are counted */

    for (int i = 0; i + QUOTED <= t->n_out; i++)
        if (is_in(ids->id, ids->n, t->out + i)) {
            n += i + QUOTED - (end > i ? end : i);
            end = i + QUOTED;
        }
    return 2 * n >= t->n_out;
}

/* Both ways.  Returns 1 where the tokens are the same. */
static int both(const struct text *t, struct trial *plain, struct trial *with)
{
    struct tok_ids ids = { NULL, 0, 0 };
    struct session *base;
    struct sor_msg msg;

    encode(t, &ids);
    plain->n_out = with->n_out = 0;
    must(session_open(b.e, 1, 0, &base, &msg), &msg);
    struct engine_feed f = { .session = base, .tok = ids.id,
                             .n_tok = (int)ids.n, .n_logits = 1,
                             .logits = b.logits };
    must(engine_step(b.e, &f, 1, &msg), &msg);
    for (int i = 0; i < b.rounds; i++) {
        answer(t, base, &ids, DRAFT_OFF, plain);
        answer(t, base, &ids, b.source, with);
    }
    with->is_quoted = is_quoted(&ids, plain);
    session_close(base);
    tok_ids_release(&ids);
    return plain->n_out == with->n_out &&
           !memcmp(plain->out, with->out,
                   (size_t)plain->n_out * sizeof *plain->out);
}

struct sums {
    struct timing plain, with;
    long n, n_same, n_tok, n_step, n_draft, n_kept;
    double worst;
};

static void count(struct sums *s, int same, const struct trial *plain,
                  const struct trial *with)
{
    double speed = plain->least.cpu / with->least.cpu;

    s->n_same += same;
    s->plain.cpu += plain->least.cpu;
    s->plain.wall += plain->least.wall;
    s->with.cpu += with->least.cpu;
    s->with.wall += with->least.wall;
    s->n_tok += with->n_out;
    s->n_step += (long)with->n_step;
    s->n_draft += with->n_draft;
    s->n_kept += with->n_kept;
    s->worst = s->n++ == 0 || speed < s->worst ? speed : s->worst;
}

static void show(const char *work, const struct sums *s)
{
    if (s->n == 0)
        return;
    printf("%-6s %-6s %3ld texts, %3ld the same; %ld tokens in %ld passes; "
           "%ld guesses, %ld right; speed %.2fx (processor), %.2fx (wall), "
           "least %.2fx\n", work, draft_source_name(b.source), s->n,
           s->n_same, s->n_tok, s->n_step, s->n_draft, s->n_kept,
           s->plain.cpu / s->with.cpu, s->plain.wall / s->with.wall,
           s->worst);
    fflush(stdout);
}

static int run(const char *work)
{
    static struct trial plain, with;
    struct sums all = { .n = 0 }, quoted = { .n = 0 };
    int takes = !strcmp(work, "quote") || !strcmp(work, "ask");

    for (int i = 0; i < b.n; i++) {
        int same = both(&b.text[i], &plain, &with);

        count(&all, same, &plain, &with);
        if (takes && with.is_quoted)
            count(&quoted, same, &plain, &with);
        if (getenv("EACH"))
            printf("  %3d tokens, %3d passes, %3d guesses, %3d right: %.2fx\n",
                   with.n_out, (int)with.n_step, with.n_draft, with.n_kept,
                   plain.least.cpu / with.least.cpu);
    }
    show(work, &all);
    show("quoted", &quoted);
    return all.n_same == b.n;
}

int main(int argc, char **argv)
{
    struct engine_opts o = { .n_thread = number("THREADS", 1) };
    const char *sources = getenv("SOURCES");
    const char *work = argc > 2 ? argv[2] : "";
    struct sor_msg msg;
    int same = 1;

    b.n_tok = number("TOKENS", 128);
    b.rounds = strcmp(work, "same") ? number("ROUNDS", 3) : 1;
    b.n_layer = number("LAYERS", 0);
    for (int i = 3; i < argc && (!strcmp(work, "quote") ||
                                 !strcmp(work, "ask")); i++)
        ask_contract(argv[i], !strcmp(work, "quote"));
    if (!strcmp(work, "free"))
        ask_free();
    if (!strcmp(work, "same") && argc > 3)
        ask_file(argv[3], argc > 4 ? atoi(argv[4]) : 200);
    if (b.n == 0 || b.n_tok < 1 || b.n_tok > MAX_TOK)
        die("usage: speculate MODEL quote|ask|free|same ...; see bench/");
    must(engine_open(argv[1], &o, &b.e, &msg), &msg);
    b.logits = mem_alloc(engine_hparams(b.e)->n_vocab * sizeof *b.logits);
    if (!b.logits)
        die("out of memory");
    for (b.source = DRAFT_LOOKUP; b.source < DRAFT_SOURCES; b.source++)
        if (strstr(sources ? sources : "lookup",
                   draft_source_name(b.source)))
            same &= run(work);
    engine_close(b.e);
    return same ? 0 : 1;
}
