/* bench/quality.c - what a type of weights costs: several files of one model
 * read the same text, and each is held against the first at every token.
 *
 *     quality TEXT N_TOK CHUNK REFERENCE MODEL...
 *
 * A MODEL is a file, or q8:FILE for the file with its KV cache in 8 bits.  The
 * first N_TOK tokens of TEXT are read in chunks of CHUNK, each from an
 * empty context; every token but a chunk's first is predicted.  One line a
 * model, tab-separated:
 *
 *     file  predicted tokens  perplexity  loss  its standard error  KL  same
 *
 * loss: the perplexity over the reference's, less 1, in per cent, from the
 * mean difference of log-losses token by token; its error takes tokens for
 * independent.  KL: mean divergence of the model's distribution from the
 * reference's, in nats.  same: tokens where both find the same token likeliest,
 * in per cent. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/kern.h"
#include "engine/sampler.h"
#include "engine/tok.h"

enum { PIECE = 128, MODELS = 32 };      /* rows of logits held at a time */

struct model {
    const char *path;
    struct engine *e;
    struct session *s;
    double nll, off, off2, kl;          /* sums over predicted tokens */
    int64_t same;
};

static struct {
    struct model model[MODELS];         /* 0: the reference */
    int n_model, n_vocab;
    int64_t n;                          /* predicted tokens */
    float *logits, *ref;                /* [PIECE][n_vocab] */
    float *p;                           /* of ref: probabilities */
    double lse[PIECE], loss[PIECE];     /* of the reference, by row */
    int top[PIECE];                     /* its likeliest token */
    struct tok_ids ids;
    struct sor_msg msg;
} q;

static void die(const char *what)
{
    fprintf(stderr, "quality: %s\n", what);
    exit(3);
}

static void must(enum sor_err err)
{
    if (err)
        die(q.msg.text);
}

/* --- a row of logits ----------------------------------------------------- */

static int likeliest(const float *z)
{
    int best = 0;

    for (int i = 1; i < q.n_vocab; i++)
        if (z[i] > z[best])
            best = i;
    return best;
}

static double lse_of(const float *z)
{
    struct sampler_stats st;

    sampler_stats(z, (uint32_t)q.n_vocab, &st);
    return st.lse;
}

/* Row `row` of the reference, whose next token is `next`. */
static void set_reference(int row, int32_t next)
{
    size_t at = (size_t)row * (size_t)q.n_vocab;
    const float *z = q.ref + at;

    q.lse[row] = lse_of(z);
    q.loss[row] = q.lse[row] - (double)z[next];
    q.top[row] = likeliest(z);
    for (int i = 0; i < q.n_vocab; i++)
        q.p[at + (size_t)i] = (float)exp((double)z[i] - q.lse[row]);
    q.model[0].nll += q.loss[row];
}

/* The same row of m. */
static void compare(struct model *m, int row, int32_t next)
{
    size_t at = (size_t)row * (size_t)q.n_vocab;
    const float *a = q.ref + at, *b = q.logits + at, *p = q.p + at;
    double lse = lse_of(b), loss = lse - (double)b[next];
    double off = loss - q.loss[row], kl = lse - q.lse[row];

    for (int i = 0; i < q.n_vocab; i++)
        kl += (double)p[i] * ((double)a[i] - (double)b[i]);
    m->nll += loss;
    m->off += off;
    m->off2 += off * off;
    m->kl += kl;
    m->same += likeliest(b) == q.top[row];
}

/* --- the text ------------------------------------------------------------ */

static void read_text(const char *path, size_t n_tok)
{
    FILE *f = fopen(path, "rb");
    struct str text;
    char piece[4096];
    size_t n;

    if (!f)
        die("the text cannot be opened");
    str_init(&text);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        str_put(&text, piece, n);
    fclose(f);
    if (!str_ok(&text) || tok_encode(engine_tok(q.model[0].e), text.p,
                                     text.len, 0, &q.ids) != SOR_OK)
        die("the text cannot be tokenized");
    str_release(&text);
    if (q.ids.n > n_tok)
        q.ids.n = n_tok;
}

static void feed(struct model *m, size_t at, int rows, float *logits)
{
    struct engine_feed f = { .session = m->s, .tok = q.ids.id + at,
                             .n_tok = rows, .n_logits = rows,
                             .logits = logits };

    must(engine_step(m->e, &f, 1, &q.msg));
}

/* Tokens at .. at + rows of a chunk that ends at `end`, through every model. */
static void run_piece(size_t at, int rows, size_t end)
{
    int n = at + (size_t)rows < end ? rows : rows - 1;  /* that predict one */

    feed(&q.model[0], at, rows, q.ref);
    for (int r = 0; r < n; r++)
        set_reference(r, q.ids.id[at + (size_t)r + 1]);
    q.n += n;
    for (int i = 1; i < q.n_model; i++) {
        feed(&q.model[i], at, rows, q.logits);
        for (int r = 0; r < n; r++)
            compare(&q.model[i], r, q.ids.id[at + (size_t)r + 1]);
    }
}

static void run_chunk(size_t from, size_t end)
{
    for (int i = 0; i < q.n_model; i++)
        must(session_open(q.model[i].e, from + 1, (int)(end - from),
                          &q.model[i].s, &q.msg));
    for (size_t at = from; at < end; at += PIECE)
        run_piece(at, end - at < PIECE ? (int)(end - at) : PIECE, end);
    for (int i = 0; i < q.n_model; i++)
        session_close(q.model[i].s);
}

/* --- the whole ----------------------------------------------------------- */

static void open_models(char **path, int n_ctx)
{
    for (int i = 0; i < q.n_model; i++) {
        int q8 = strncmp(path[i], "q8:", 3) == 0;
        struct engine_opts o = { .n_ctx = n_ctx,
                                 .kv_type = q8 ? KERN_KV_Q8 : KERN_KV_F16 };

        q.model[i].path = path[i];
        must(engine_open(path[i] + (q8 ? 3 : 0), &o, &q.model[i].e, &q.msg));
        if (i && engine_hparams(q.model[i].e)->n_vocab != (uint32_t)q.n_vocab)
            die("the models have different vocabularies");
        q.n_vocab = (int)engine_hparams(q.model[i].e)->n_vocab;
    }
    q.ref = mem_calloc((size_t)PIECE * (size_t)q.n_vocab, sizeof *q.ref);
    q.logits = mem_calloc((size_t)PIECE * (size_t)q.n_vocab, sizeof *q.ref);
    q.p = mem_calloc((size_t)PIECE * (size_t)q.n_vocab, sizeof *q.p);
    if (!q.ref || !q.logits || !q.p)
        die("out of memory");
}

static void show(const struct model *m)
{
    double n = (double)q.n, off = m->off / n;
    double se = sqrt(fmax(m->off2 / n - off * off, 0) / n);

    printf("%s\t%lld\t%.4f\t%.3f\t%.3f\t%.6f\t%.2f\n", m->path,
           (long long)q.n, exp(m->nll / n), 100 * (exp(off) - 1),
           100 * exp(off) * se, m->kl / n,
           m == q.model ? 100.0 : 100.0 * (double)m->same / n);
}

int main(int argc, char **argv)
{
    int n_tok = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    int chunk = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;

    q.n_model = argc - 4;
    if (q.n_model < 1 || q.n_model > MODELS || n_tok < 2 || chunk < 2)
        die("usage: quality TEXT N_TOK CHUNK REFERENCE MODEL...");
    open_models(argv + 4, chunk);
    read_text(argv[1], (size_t)n_tok);
    for (size_t at = 0; at + 1 < q.ids.n; at += (size_t)chunk) {
        size_t end = at + (size_t)chunk;

        run_chunk(at, end < q.ids.n ? end : q.ids.n);
        fprintf(stderr, "\r%zu of %zu tokens", at, q.ids.n);
    }
    fprintf(stderr, "\r\033[K");
    for (int i = 0; i < q.n_model; i++) {
        show(&q.model[i]);
        engine_close(q.model[i].e);
    }
    tok_ids_release(&q.ids);
    mem_free(q.ref);
    mem_free(q.logits);
    mem_free(q.p);
    return 0;
}
