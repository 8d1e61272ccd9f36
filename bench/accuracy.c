/* bench/accuracy.c - how often a model is right, greedily, on questions whose
 * answers are known: the figures that cli/accuracy.c may quote.
 *
 *     accuracy MODEL sums            100 sums of two numbers from 10 to 99
 *     accuracy MODEL apples|pens     two numbers from 2 to 9 to be added: all
 *                                    64 pairs, in one wording or another
 *     accuracy MODEL FILE.jsonl [N]  {"question":..,"answer":..} a line, the
 *                                    first N (default 100)
 *
 * An answer is read as a recorded run's is: steps, then trace/segment.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/chat.h"
#include "engine/engine.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "trace/segment.h"

enum { BATCH = 16, MAX_TOK = 320, LINE = 1 << 16, MAX_Q = 2000 };

struct question { char *text, *answer; };

static struct {
    struct engine *e;
    struct chat chat;
    struct question q[MAX_Q];
    int n, n_right, n_answered;
    float *logits;              /* [BATCH][n_vocab] */
    int32_t out[BATCH][MAX_TOK];
} b;

static void die(const char *what)
{
    fprintf(stderr, "accuracy: %s\n", what);
    exit(3);
}

static void ask(const char *text, const char *answer)
{
    b.q[b.n].text = mem_strdup(text);
    b.q[b.n].answer = mem_strdup(answer);
    if (!b.q[b.n].text || !b.q[b.n].answer)
        die("out of memory");
    b.n++;
}

/* --- questions ----------------------------------------------------------- */

static void read_sums(int n)
{
    uint32_t seed = 1;
    char text[64], answer[16];

    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        int x = 10 + (int)(seed >> 8) % 90, y = 10 + (int)(seed >> 16) % 90;

        snprintf(text, sizeof text, "What is %d + %d?", x, y);
        snprintf(answer, sizeof answer, "%d", x + y);
        ask(text, answer);
    }
}

/* Both numbers run from 2 to 9. */
static int read_counts(const char *name)
{
    static const struct { const char *name, *form[3]; } counts[] = {
        { "apples", { "Tom had ", " apples. Then he bought ", " more. How "
          "many apples does he have now? Reason step by step and end with "
          "'The answer is' and the number." } },
        { "pens", { "There are ", " red pens and ", " blue pens in a box. "
          "How many pens are in the box? Think step by step." } },
    };
    char text[256], answer[16];

    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        for (int i = 0; i < 64 && strcmp(name, counts[k].name) == 0; i++) {
            const char *const *form = counts[k].form;
            int x = 2 + i / 8, y = 2 + i % 8;

            snprintf(text, sizeof text, "%s%d%s%d%s", form[0], x, form[1], y,
                     form[2]);
            snprintf(answer, sizeof answer, "%d", x + y);
            ask(text, answer);
        }
    return b.n > 0;
}

static void read_file(const char *path, int n)
{
    static char line[LINE];
    FILE *f = fopen(path, "r");

    if (!f)
        die("the questions cannot be opened");
    while (b.n < n && fgets(line, sizeof line, f)) {
        struct sor_msg msg;
        cJSON *root, *q, *a;

        if (json_parse(line, strlen(line), path, &root, &msg) != SOR_OK)
            die(msg.text);
        q = cJSON_GetObjectItem(root, "question");
        a = cJSON_GetObjectItem(root, "answer");
        if (cJSON_IsString(q) && cJSON_IsString(a))
            ask(q->valuestring, a->valuestring);
        cJSON_Delete(root);
    }
    fclose(f);
}

/* --- answers ------------------------------------------------------------- */

static void open_path(struct gen_path *p, struct sampler *s, int i, int slot)
{
    const struct tok *t = engine_tok(b.e);
    struct chat_message m = { "user", b.q[i].text, strlen(b.q[i].text) };
    struct chat_turns turns = { &m, 1, 1 };
    struct tok_ids ids = { NULL, 0, 0 };
    struct sor_msg msg;

    *p = (struct gen_path){
        .sampler = s, .max_tok = MAX_TOK, .out = b.out[slot],
        .logits = b.logits + (size_t)slot * engine_hparams(b.e)->n_vocab };
    if (chat_encode(&b.chat, t, &turns, &ids, &msg) ||
        sampler_init(s, &sampler_greedy, 0, &msg) ||
        session_open(b.e, (uint64_t)i + 1, 0, &p->session, &msg))
        die(msg.text);
    struct engine_feed f = { .session = p->session, .tok = ids.id,
                             .n_tok = (int)ids.n, .n_logits = 1,
                             .logits = p->logits };
    if (engine_step(b.e, &f, 1, &msg))
        die(msg.text);
    tok_ids_release(&ids);
}

static void judge(const struct gen_path *p, int i)
{
    const struct tok *t = engine_tok(b.e);
    int n = p->n_out - (p->n_out && tok_is_eog(t, p->out[p->n_out - 1]));
    struct answer_path path = { .is_cut = p->stop != GEN_EOG,
                                .question = b.q[i].text,
                                .n_question = strlen(b.q[i].text) };
    struct segment *seg = NULL;
    struct answer got, want;
    struct str text;
    int step;

    str_init(&text);
    tok_decode(t, p->out, (size_t)n, &text, NULL);
    answer_normalise(b.q[i].answer, strlen(b.q[i].answer), &want);
    if (segment_text(text.p, text.len, &seg, &path.n_seg, NULL) == SOR_OK) {
        path.text = text.p;
        path.seg = seg;
    }
    if (path.seg && answer_final(&path, &step, &got)) {
        b.n_answered++;
        b.n_right += strcmp(got.norm, want.norm) == 0;
    }
    mem_free(seg);
    str_release(&text);
}

static void answer_batch(int from, int n)
{
    struct gen_path path[BATCH];
    struct sampler sampler[BATCH];
    struct gen_opts opts = { .ud = NULL };
    struct sor_msg msg;

    for (int k = 0; k < n; k++)
        open_path(&path[k], &sampler[k], from + k, k);
    if (gen_run(b.e, path, n, &opts, &msg))
        die(msg.text);
    for (int k = 0; k < n; k++) {
        judge(&path[k], from + k);
        session_close(path[k].session);
    }
    fprintf(stderr, "\r%d of %d", from + n, b.n);
}

int main(int argc, char **argv)
{
    struct engine_opts opts = { .n_ctx = 2048 };
    struct sor_msg msg;
    int n = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 100;

    if (argc < 3 || n < 1 || n > MAX_Q)
        die("usage: accuracy MODEL sums|apples|pens|FILE.jsonl [N]");
    if (engine_open(argv[1], &opts, &b.e, &msg))
        die(msg.text);
    chat_detect(engine_gguf(b.e), engine_tok(b.e), &b.chat);
    b.logits = mem_calloc((size_t)BATCH * engine_hparams(b.e)->n_vocab,
                          sizeof *b.logits);
    if (!b.logits)
        die("out of memory");
    if (strcmp(argv[2], "sums") == 0)
        read_sums(n);
    else if (!read_counts(argv[2]))
        read_file(argv[2], n);
    for (int i = 0; i < b.n; i += BATCH)
        answer_batch(i, b.n - i < BATCH ? b.n - i : BATCH);
    fprintf(stderr, "\r\033[K");
    printf("%d of %d right, %d stated an answer\n", b.n_right, b.n,
           b.n_answered);
    for (int i = 0; i < b.n; i++) {
        mem_free(b.q[i].text);
        mem_free(b.q[i].answer);
    }
    mem_free(b.logits);
    engine_close(b.e);
    return 0;
}
