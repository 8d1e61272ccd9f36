/* tests/mkdb.c - see mkdb.h. */
#include "tests/mkdb.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "db/pack.h"
#include "db/write.h"

enum { N_VOCAB = 8192, PIECE_MAX = 24, N_ALT = 5, N_TOP = 4,
       BATCH_TOKENS = 20000, PAIRS_MAX = 64 };

/* One question and the sentences its paths choose from. */
struct story {
    const char *prompt;
    const char *plan[4], *compute[4], *conclude[2];
    const char *kind, *norm[2];         /* answers of conclude[0], [1] */
};

static const struct story stories[] = {
    { "A shop sells pens at 3 euros each. Anna buys 4 pens and pays with a 20 "
      "euro note. How much change does she get?",
      { "First I need the total price of the pens.",
        "Let me find what Anna has to pay.",
        "We start from the price of one pen.",
        "The change is the note minus the price." },
      { " Four pens at 3 euros each cost 4 x 3 = 12 euros.",
        " 4 pens times 3 euros is 12 euros.",
        " One pen is 3 euros, so 4 pens are 12 euros in total.",
        " The pens cost 12 euros together." },
      { " She gets 20 - 12 = 8 euros back. The answer is 8.",
        " So the amount is 12 euros. The answer is 12." },
      "number", { "8", "12" } },
    { "Le café \xe6\x9d\xb1\xe4\xba\xac ferme-t-il à 18 h ?  Réponds par oui "
      "ou non.",
      { "Regardons l'horaire du cafe\xcc\x81 \xe6\x9d\xb1\xe4\xba\xac.",
        "D'abord, l'heure de fermeture.",
        "L'énoncé parle de 18 h.",
        "Voyons l'horaire." },
      { " La fermeture est notée à 18 h \xe2\x80\x94 donc le soir.",
        " Il est écrit 18 h.",
        " L'horaire dit 18 h.",
        " On lit 18 h sur la porte." },
      { " La réponse est oui.", " La réponse est non." },
      "yesno", { "yes", "no" } },
};

static const struct story hostile = {
    "Ignore this \x1b[31mred\x1b[0m \x1b]0;title\x07 and \xe2\x80\xae" "desrever "
    "\xff\xfe\x9b" "2J \xe2\x80\x8b zero\r\nwidth",
    { "\x1b[2J\x1b[H plan", "\x1b]52;c;AAAA\x07 plan", "\x07\x08 plan",
      "\xe2\x80\xae plan" },
    { " \x1b[?1049l compute.", " \x9b" "31m compute.", " \x0e compute.",
      " \xf0\x9f\x92\xa9 compute." },
    { " \x1b[5mThe answer is 8\x1b[0m.", " The answer is \xe2\x80\xae" "21." },
    "text", { "\x1b[5m8", "\xe2\x80\xae" "21" }
};

static const char filler[] =
    " It also follows from the figures given that nothing else is owed.";

struct vocab { char piece[N_VOCAB][PIECE_MAX]; uint8_t put[N_VOCAB]; };

struct mk_step { int from, to, char_from, char_to; int64_t id; };
struct mk_path {
    int64_t id;
    int ordinal, wrong;
    int32_t *tok;
    int n;
    struct mk_step *step;
    int n_step;
    struct str text;
};
struct mk {
    const struct mkdb_opts *o;
    struct db_writer *w;
    struct sor_msg *msg;
    struct vocab *v;
    int64_t model_id, run_id;
    const struct story *s;
    const char *question;
    int32_t *prompt;
    int n_prompt, n_layer, in_batch;
    uint64_t rng;
    uint8_t *layers, *heads;
    size_t layers_n, heads_n;
};

/* Steele, Lea, Flood: "Fast splittable pseudorandom number generators". */
static uint64_t next(struct mk *m)
{
    uint64_t z = (m->rng += 0x9e3779b97f4a7c15u);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double unit(struct mk *m)
{
    return (double)(next(m) >> 11) / 9007199254740992.0;
}

/* ---- a toy tokenizer: words with their leading space, five bytes at most -- */

static int32_t vocab_id(struct vocab *v, const char *p, size_t n)
{
    uint32_t h = 2166136261u;           /* FNV-1a */

    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)p[i]) * 16777619u;
    for (uint32_t i = h % N_VOCAB;; i = (i + 1) % N_VOCAB) {
        if (!v->piece[i][0])
            memcpy(v->piece[i], p, n);
        if (strlen(v->piece[i]) == n && memcmp(v->piece[i], p, n) == 0)
            return (int32_t)i;
    }
}

static size_t piece_len(const char *p, size_t n)
{
    size_t i;

    if (n > 10 && memcmp(p, "<|im_", 5) == 0)
        return (size_t)(strstr(p, "|>") - p) + 2;
    for (i = 1; i < n && i < 7 && p[i] != ' ' && p[i] != '\n'; i++)
        if (p[i] == '.' || p[i] == '?')
            break;
    while (i < n && ((uint8_t)p[i] & 0xc0) == 0x80)
        i++;
    return i;
}

static int tokenize(struct vocab *v, const char *p, size_t n, int32_t *out)
{
    int count = 0;

    while (n) {
        size_t k = piece_len(p, n);
        int32_t id = vocab_id(v, p, k);
        if (out)
            out[count] = id;
        count++;
        p += k;
        n -= k;
    }
    return count;
}

/* ---- one path's text, tokens and steps ------------------------------------ */

/* Appends a sentence as one step. */
static int add_step(struct mk *m, struct mk_path *p, const char *s, int cap)
{
    size_t n = strlen(s), before = p->text.len;
    struct mk_step *st = &p->step[p->n_step];
    int k = tokenize(m->v, s, n, NULL);

    if (p->n + k > cap)
        return 0;
    tokenize(m->v, s, n, p->tok + p->n);
    str_put(&p->text, s, n);
    st->from = m->n_prompt + p->n;
    st->to = st->from + k;
    st->char_from = p->n_step ? p->step[p->n_step - 1].char_to : 0;
    st->char_to = st->char_from + (int)utf8_count(p->text.p + before, n);
    p->n += k;
    p->n_step++;
    return 1;
}

static enum sor_err make_path(struct mk *m, struct mk_path *p, int ordinal)
{
    int want = m->o->n_token, cap = want + 400;
    const struct story *s = m->s;

    p->ordinal = ordinal;
    p->wrong = ordinal % 4 == 2;
    p->tok = mem_calloc((size_t)cap, sizeof *p->tok);
    p->step = mem_calloc((size_t)cap / 8 + 8, sizeof *p->step);
    str_init(&p->text);
    if (!p->tok || !p->step)
        return sor_fail(m->msg, SOR_NOMEM, "mkdb: out of memory");
    add_step(m, p, s->plan[ordinal / 2 % 4], cap);
    add_step(m, p, s->compute[(ordinal + ordinal / 4) % 4], cap);
    while (p->n < want)
        if (!add_step(m, p, filler, cap))
            break;
    add_step(m, p, s->conclude[p->wrong], cap);
    return SOR_OK;
}

static void free_path(struct mk_path *p)
{
    mem_free(p->tok);
    mem_free(p->step);
    str_release(&p->text);
}

/* ---- rows ----------------------------------------------------------------- */

static enum sor_err put_text(struct mk *m, const char *s, int64_t *id)
{
    return db_put_text(m->w, s, strlen(s), id, m->msg);
}

static enum sor_err put_piece(struct mk *m, int32_t id)
{
    const char *p = m->v->piece[id];

    if (m->v->put[id])
        return SOR_OK;
    m->v->put[id] = 1;
    return db_put_piece(m->w, m->model_id, id, p, strlen(p), m->msg);
}

static void fill_layers(struct mk *m, int pos)
{
    float norm = 20.0f + (float)unit(m), score = (float)unit(m);

    pack_layers_header(m->layers, m->n_layer, MKDB_N_HEAD_KV);
    pack_layers_score(m->layers, score, 0.25f, 0.75f);
    for (int l = 0; l < m->n_layer; l++) {
        struct pack_layer in = { .mode = (uint8_t)(l % 3), .reason = 1 };
        if (m->o->guard && pos % m->o->guard == 0)
            in = (struct pack_layer){ .mode = 2, .reason = 2 };
        in.norm_in = norm;
        in.norm_out = norm = norm * 1.12f + (float)unit(m) * 6.0f;
        in.blocks_read = (float)(MKDB_N_HEAD_KV * (pos / 16 + 1));
        in.attn_entropy = (float)(unit(m) * log((double)pos + 2.0));
        in.exit_measure = (float)(l + 1) / (float)m->n_layer;
        in.time_us = 90.0f + (float)unit(m) * 60.0f;
        in.digest = (uint16_t)next(m);
        in.dense = next(m) & 7;
        pack_layer_put(m->layers, l, &in);
    }
}

static void fill_heads(struct mk *m, int pos)
{
    pack_heads_header(m->heads, m->n_layer, MKDB_N_HEAD, N_TOP);
    for (int l = 0; l < m->n_layer; l++)
        for (int h = 0; h < MKDB_N_HEAD; h++) {
            int32_t at[N_TOP];
            float w[N_TOP];
            int n = pos + 1 < N_TOP ? pos + 1 : N_TOP;
            for (int i = 0; i < n; i++) {
                at[i] = pos - i;
                w[i] = 0.5f / (float)(1 << i);
            }
            if (m->o->look_pos && l == 2 && h == 5 && pos > m->o->look_pos) {
                at[0] = m->o->look_pos;
                w[0] = 0.9f;
                n = 1;
            }
            pack_head_put(m->heads, l, h, (float)unit(m), at, w, n);
        }
}

/* The distribution a generated token came from: itself and N_ALT - 1 others. */
static double fill_alt(struct mk *m, uint8_t *alt, int32_t id, double *entropy)
{
    double p = 0.35 + 0.64 * sqrt(unit(m)), rest = 1.0 - p;

    pack_alt_put(alt, 0, id, (float)log(p));
    *entropy = -p * log(p);
    for (int i = 1; i < N_ALT; i++) {
        double q = rest * 0.6;
        int32_t other;
        do
            other = (int32_t)(next(m) % N_VOCAB);
        while (!m->v->put[other]);
        rest -= q;
        pack_alt_put(alt, i, other, (float)log(q));
        *entropy -= q * log(q);
    }
    return log(p);
}

static enum sor_err put_token(struct mk *m, int64_t path, int pos, int32_t id,
                              int generated)
{
    uint8_t alt[N_ALT * PACK_ALT_BYTES];
    struct db_put_token t = { .path_id = path, .pos = pos, .token_id = id,
                              .logprob = NAN, .entropy = NAN, .mode = 2,
                              .has_digest = 1, .digest = next(m) };
    enum sor_err err = put_piece(m, id);

    if (generated) {
        t.logprob = fill_alt(m, alt, id, &t.entropy);
        t.alt = (struct db_blob){ alt, sizeof alt };
    }
    if (m->o->every >= 0 && pos % (m->o->every ? m->o->every : 1) == 0) {
        fill_layers(m, pos);
        t.layers = (struct db_blob){ m->layers, m->layers_n };
    }
    if (m->o->heads) {
        fill_heads(m, pos);
        t.heads = (struct db_blob){ m->heads, m->heads_n };
    }
    if (!err)
        err = db_put_token(m->w, &t, m->msg);
    if (!err && ++m->in_batch >= BATCH_TOKENS) {
        m->in_batch = 0;
        err = db_commit(m->w, NULL, m->msg);
        if (!err)
            err = db_begin(m->w, m->run_id, m->msg);
    }
    return err;
}

static enum sor_err put_answer(struct mk *m, const struct mk_path *p)
{
    struct db_put_answer a = { .path_id = p->id, .final = 1,
                               .kind = m->s->kind };
    enum sor_err err = put_text(m, m->s->norm[p->wrong], &a.norm_id);

    a.step_id = p->step[p->n_step - 1].id;
    a.text_id = a.norm_id;
    return err ? err : db_put_answer(m->w, &a, NULL, m->msg);
}

static enum sor_err put_steps(struct mk *m, struct mk_path *p)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; i < p->n_step && !err; i++) {
        struct mk_step *st = &p->step[i];
        struct db_put_step s = {
            .path_id = p->id, .ordinal = i, .origin = "generated",
            .role = i == 0 ? "plan" : i + 1 < p->n_step ? "compute"
                                                        : "conclude",
            .tok_from = st->from, .tok_to = st->to,
            .char_from = st->char_from, .char_to = st->char_to,
            .logprob_mean = -0.05 - 0.4 * unit(m),
            .logprob_min = -1.5 - unit(m), .min_pos = st->from + 1,
            .segmenter = 1 };
        err = db_put_step(m->w, &s, &st->id, m->msg);
    }
    return err;
}

static enum sor_err put_edges(struct mk *m, const struct mk_path *p)
{
    enum sor_err err = SOR_OK;
    int64_t note = 0;

    if (p->n_step > 1)
        err = put_text(m, p->wrong ? "12" : "3 euros", &note);
    for (int i = 1; i < p->n_step && i < 40 && !err; i++) {
        struct db_put_edge e = {
            .run_id = m->run_id, .kind = "follows", .src_kind = "step",
            .dst_kind = "step", .measured = "rule", .weight = 1.0,
            .src_id = p->step[i - 1].id, .dst_id = p->step[i].id };
        err = db_put_edge(m->w, &e, m->msg);
        e.kind = "attends";
        e.measured = "correlation";
        e.src_id = p->step[0].id;
        e.weight = 0.2 + 0.6 * unit(m);
        if (!err)
            err = db_put_edge(m->w, &e, m->msg);
        e.kind = "shares";
        e.measured = "rule";
        e.note_id = note;
        if (!err && i == 1)
            err = db_put_edge(m->w, &e, m->msg);
    }
    return err;
}

static enum sor_err put_path(struct mk *m, struct mk_path *p, int64_t parent)
{
    struct db_put_path in = { .run_id = m->run_id, .ordinal = p->ordinal,
                              .kind = "sample", .params = "{}",
                              .parent_id = parent, .seed = 1000 + p->ordinal,
                              .fork_pos = parent ? m->n_prompt : 0 };
    enum sor_err err = db_put_path(m->w, &in, &p->id, m->msg);

    for (int i = 0; i < m->n_prompt && !parent && !err; i++)
        err = put_token(m, p->id, i, m->prompt[i], 0);
    for (int i = 0; i < p->n && !err; i++)
        err = put_token(m, p->id, m->n_prompt + i, p->tok[i], 1);
    if (!err)
        err = put_steps(m, p);
    if (!err)
        err = put_answer(m, p);
    return err ? err : put_edges(m, p);
}

static enum sor_err end_path(struct mk *m, const struct mk_path *p)
{
    struct db_put_path_end e = { .path_id = p->id, .stop = "eog",
                                 .n_token = p->n, .logprob_mean = -0.21 };
    enum sor_err err = db_put_text(m->w, p->text.p, p->text.len, &e.text_id,
                                   m->msg);

    e.ended_us = 1764000000000000 + p->ordinal;
    return err ? err : db_put_path_end(m->w, &e, m->msg);
}

static enum sor_err put_pair(struct mk *m, const struct mk_path *a,
                             const struct mk_path *b)
{
    struct db_put_divergence d = { .run_id = m->run_id, .path_a = a->id,
                                   .path_b = b->id, .pos = -1,
                                   .token_a = -1, .token_b = -1 };

    for (int i = 0; i < a->n || i < b->n; i++) {
        d.token_a = i < a->n ? a->tok[i] : -1;
        d.token_b = i < b->n ? b->tok[i] : -1;
        if (d.token_a != d.token_b) {
            d.pos = m->n_prompt + i;
            break;
        }
    }
    return db_put_divergence(m->w, &d, m->msg);
}

static enum sor_err put_run_row(struct mk *m, int i, int n_path)
{
    char uid[33];
    struct str q;
    struct db_put_run r = {
        .uid = uid, .kind = "run", .chat = "chatml", .route = "off",
        .kv_type = "f16", .isa = "avx2", .level = "layers",
        .program = "1.0", .params = "{}", .model_id = m->model_id,
        .n_prompt = m->n_prompt, .n_path = n_path, .max_tok = 256,
        .top_k = 40, .n_thread = 2, .n_ctx = 8192, .seed = 42,
        .started_us = 1764000000000000 + i * 60000000ll,
        .temperature = 0.7, .top_p = 0.95, .min_p = 0.05 };
    enum sor_err err;

    snprintf(uid, sizeof uid, "%08x%08x%08x%08x", 0x3fa20000u + (unsigned)i,
             0xc0ffeeu, 0xabcdefu, (unsigned)i);
    str_init(&q);
    if (i > 1)
        str_printf(&q, "Question %d. ", i);
    str_puts(&q, m->question);
    err = db_put_text(m->w, q.p, q.len, &r.prompt_id, m->msg);
    str_release(&q);
    return err ? err : db_put_run(m->w, &r, &m->run_id, m->msg);
}

static enum sor_err end_run(struct mk *m, struct mk_path *p, int n_path)
{
    struct db_put_run_end e = { .run_id = m->run_id, .status = "complete",
                                .wall_ns = 4200000000, .n_lost = 0,
                                .prefill_ns = 310000000,
                                .ended_us = 1764000005000000 };
    enum sor_err err = SOR_OK;
    int pairs = 0;

    e.n_token = m->n_prompt;
    for (int i = 0; i < n_path && !err; i++) {
        e.n_token += p[i].n;
        err = end_path(m, &p[i]);
    }
    for (int a = 0; a < n_path && !err; a++)
        for (int b = a + 1; b < n_path && !err && pairs < PAIRS_MAX;
             b++, pairs++)
            err = put_pair(m, &p[a], &p[b]);
    return err ? err : db_put_run_end(m->w, &e, m->msg);
}

static enum sor_err make_prompt(struct mk *m)
{
    struct str s;

    str_init(&s);
    str_printf(&s, "<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n",
               m->question);
    mem_free(m->prompt);
    m->n_prompt = tokenize(m->v, s.p, s.len, NULL);
    m->prompt = mem_calloc((size_t)m->n_prompt, sizeof *m->prompt);
    if (m->prompt)
        tokenize(m->v, s.p, s.len, m->prompt);
    str_release(&s);
    return m->prompt ? SOR_OK
                     : sor_fail(m->msg, SOR_NOMEM, "mkdb: out of memory");
}

static enum sor_err put_run(struct mk *m, int i, int last)
{
    int n_path = m->o->n_path ? m->o->n_path : 8;
    struct mk_path *p = mem_calloc((size_t)n_path, sizeof *p);
    enum sor_err err;

    if (!p)
        return sor_fail(m->msg, SOR_NOMEM, "mkdb: out of memory");
    m->s = m->o->hostile ? &hostile : &stories[i == 1];
    m->question = i == 0 && m->o->prompt ? m->o->prompt : m->s->prompt;
    err = make_prompt(m);
    for (int k = 0; k < n_path && !err; k++)
        err = make_path(m, &p[k], k);
    if (!err)
        err = db_begin(m->w, 0, m->msg);
    if (!err)
        err = put_run_row(m, i, n_path);
    for (int k = 0; k < n_path && !err; k++)
        err = put_path(m, &p[k], k ? p[0].id : 0);
    if (!err && !(last && m->o->unfinished))
        err = end_run(m, p, n_path);
    if (!err)
        err = db_commit(m->w, NULL, m->msg);
    m->in_batch = 0;
    for (int k = 0; k < n_path; k++)
        free_path(&p[k]);
    mem_free(p);
    return err;
}

static enum sor_err put_model(struct mk *m)
{
    struct db_model model = {
        .bytes = 98765432, .sha256 = { 0xab, 0xcd }, .name = "Toy 135M",
        .path = "/models/toy.gguf", .arch = "llama", .quant = "Q4_1",
        .n_layer = m->n_layer, .n_embd = MKDB_N_EMBD, .n_head = MKDB_N_HEAD,
        .n_head_kv = MKDB_N_HEAD_KV, .n_vocab = N_VOCAB, .n_ctx_train = 8192 };
    struct db_model_part part = { 0, "header", 4096, 0x1234 };
    enum sor_err err = db_begin(m->w, 0, m->msg);

    if (!err)
        err = db_put_model(m->w, &model, &part, 1, &m->model_id, m->msg);
    return err ? err : db_commit(m->w, NULL, m->msg);
}

enum sor_err mkdb(const char *path, const struct mkdb_opts *o,
                  struct sor_msg *msg)
{
    static const struct mkdb_opts none;
    struct mk m = { .o = o ? o : &none, .msg = msg, .rng = 7 };
    int n_run = m.o->n_run ? m.o->n_run : 2;
    enum sor_err err;

    m.n_layer = m.o->n_layer ? m.o->n_layer : 6;
    m.layers_n = pack_layers_bytes(m.n_layer, MKDB_N_HEAD_KV);
    m.heads_n = pack_heads_bytes(m.n_layer, MKDB_N_HEAD, N_TOP);
    m.v = mem_calloc(1, sizeof *m.v);
    m.layers = mem_calloc(1, m.layers_n);
    m.heads = mem_calloc(1, m.heads_n);
    if (m.v && m.layers && m.heads)
        err = db_writer_open(path, &(struct db_writer_opts){ 0 }, &m.w, msg);
    else
        err = sor_fail(msg, SOR_NOMEM, "mkdb: out of memory");
    if (!err)
        err = put_model(&m);
    for (int i = 0; i < n_run && !err; i++)
        err = put_run(&m, m.o->first + i, i + 1 == n_run);
    db_writer_close(m.w);
    mem_free(m.prompt);
    mem_free(m.heads);
    mem_free(m.layers);
    mem_free(m.v);
    return err;
}

/* ---- a place for it ------------------------------------------------------- */

int mkdb_dir(char dir[64])
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, 64, "%s/sorites-XXXXXX",
             tmp && *tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

void mkdb_dir_remove(const char *dir)
{
    DIR *d = opendir(dir);
    char path[512];

    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}
