/* cli/cmd_bench.c - how fast this machine runs this model, with the trace as
 * it would be recorded.
 *
 * Names and shapes follow llama-bench: ppN reads N tokens, tgN writes N, @dN
 * does so behind a context of N, xN for N sequences over one shared prompt.
 * What writes goes through the loop that `run` uses (sampling included); what
 * is recorded goes through the real recorder into a database of its own that
 * is removed.  A figure counts the time until the last token is there; how
 * long the last commit then takes stands beside it. */
#define _XOPEN_SOURCE 700       /* nftw() in glibc */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/sampler.h"
#include "engine/tok.h"
#include "probe/adapters.h"
#include "probe/model_id.h"
#include "trace/rec.h"

enum { SEQ_MAX = 16, REPS_MAX = 100 };

static struct {
    int level, reps;
    const char *only, *lora;
} opt = { .level = REC_LAYERS, .reps = 3 };

static const struct opt_spec opts[] = {
    { 0, "trace", "off|steps|tokens|layers|heads", OPT_WORD, &opt.level,
      "what to record (layers)", 0, 0 },
    { 0, "only", "NAME,...", OPT_STR, &opt.only, "these alone", 0, 0 },
    { 0, "lora", "FILE[:SCALE],...", OPT_STR, &opt.lora,
      "adapters to add to the model", 0, 0 },
    { 'r', "reps", "N", OPT_INT, &opt.reps, "timed runs of each (3)", 1,
      REPS_MAX },
    OPT_END
};

/* One piece of work: behind `depth` tokens, read n_read tokens, or write
 * n_write tokens in each of n_seq sequences. */
static const struct work {
    const char *name;
    int depth, n_read, n_write, n_seq;
} works[] = {
    { "pp512",        0,    512, 0,   1 },
    { "tg128",        16,   0,   128, 1 },      /* something to go on from */
    { "tg64@d2048",   2048, 0,   64,  1 },
    { "tg64@d6000",   6000, 0,   64,  1 },
    { "tg64x16",      256,  0,   64,  16 },
};
enum { N_WORK = sizeof works / sizeof *works };

struct result {
    double tok_s[REPS_MAX];         /* sorted once all are there */
    double commit_ms;               /* the longest last commit */
    const char *skipped;            /* why there are none; NULL: there are */
};

struct bench {
    struct cli *cli;
    struct engine *e;
    struct rec *rec;                /* NULL: --trace off */
    char dir[64];                   /* of the database */
    struct tok_ids text;            /* something to read */
    uint32_t n_vocab;
    uint64_t tag;                   /* the last one given out */
    struct session *base;           /* holds the context, forked for each run */
    float *base_logits;             /* [n_vocab] after the context */
    float *logits;                  /* [SEQ_MAX][n_vocab] */
    int32_t *out;                   /* [SEQ_MAX][n_write] */
    struct gen_path path[SEQ_MAX];
    struct sampler sampler[SEQ_MAX];
    struct result result[N_WORK];
    uint64_t n_done;                /* timed runs so far */
};

/* --- the recorder ------------------------------------------------------------ */

static const char *piece(void *ud, int32_t id, size_t *n)
{
    return tok_piece(ud, id, n);
}

static enum sor_err open_recorder(struct bench *b)
{
    const struct model_hparams *hp = engine_hparams(b->e);
    const char *tmp = getenv("TMPDIR");
    struct rec_opts o = {
        .level = (enum rec_level)opt.level, .n_layer = (int)hp->n_layer,
        .n_head = (int)hp->n_head, .n_head_kv = (int)hp->n_head_kv,
        .piece = piece, .piece_ud = (void *)engine_tok(b->e) };
    char path[80];

    if (opt.level == REC_OFF)
        return SOR_OK;
    snprintf(b->dir, sizeof b->dir, "%.40s/sorites-bench-XXXXXX",
             tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(b->dir)) {
        b->dir[0] = '\0';
        return sor_fail(&b->cli->msg, SOR_IO, "no folder for the trace in %s",
                        tmp && *tmp ? tmp : "/tmp");
    }
    snprintf(path, sizeof path, "%s/trace.db", b->dir);
    return rec_open(path, &o, &b->rec, &b->cli->msg);
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static enum sor_err begin_run(struct bench *b, const struct work *w)
{
    const struct engine_info *info = engine_info(b->e);
    struct model_id id = { 0 };     /* the file need not be told apart */
    struct db_model model;
    struct str full;
    struct rec_run r = {
        .row = { .kind = "run", .chat = "none", .route = "off",
                 .kv_type = info->kv_type, .isa = info->isa, .params = "{}",
                 .n_prompt = w->depth + w->n_read, .n_path = w->n_seq,
                 .max_tok = w->n_write, .n_thread = info->n_thread,
                 .n_ctx = info->n_ctx, .top_p = 1 },
        .prompt = w->name, .model = &model };
    char uid[33];

    if (!b->rec)
        return SOR_OK;
    str_init(&full);
    model_id_row(&id, b->e, &full, &model);
    enum sor_err err = rec_run_begin(b->rec, &r, uid, &b->cli->msg);
    str_release(&full);
    return err ? err : engine_observe(b->e, rec_observer(b->rec),
                                      &b->cli->msg);
}

static enum sor_err begin_path(struct bench *b, const struct work *w, int i)
{
    struct rec_path p = { .tag = b->tag, .ordinal = i, .kind = "greedy",
                          .params = "{}", .text_from = w->depth + w->n_read,
                          .max_tok = w->n_write };

    return b->rec ? rec_path_begin(b->rec, &p, &b->cli->msg) : SOR_OK;
}

/* Everything on disk; the time that takes in ms. */
static enum sor_err end_run(struct bench *b, const struct work *w, double *ms)
{
    uint64_t start = clock_mono_ns();
    enum sor_err err = SOR_OK;

    *ms = 0;
    engine_observe(b->e, NULL, NULL);
    if (!b->rec)
        return SOR_OK;
    for (int i = 0; i < w->n_seq; i++)
        rec_path_end(b->rec, session_tag(b->path[i].session), "length");
    err = rec_run_end(b->rec, "complete", 0, 0, &b->cli->msg);
    *ms = (double)(clock_mono_ns() - start) / 1e6;
    return err;
}

/* --- the work ---------------------------------------------------------------- */

/* Counting: a text that a model goes on with for as long as it is asked to. */
static enum sor_err make_text(struct bench *b, int n_tok)
{
    enum sor_err err = SOR_OK;
    char number[32];

    for (int i = 1; !err && b->text.n < (size_t)n_tok; i++) {
        int n = snprintf(number, sizeof number, i == 1 ? "%d" : ", %d", i);

        err = tok_encode(engine_tok(b->e), number, (size_t)n, 0, &b->text);
    }
    return err ? sor_fail(&b->cli->msg, err, "text to read: %s",
                          sor_err_text(err)) : SOR_OK;
}

static enum sor_err read_tokens(struct bench *b, struct session *s, int from,
                                int n, float *logits)
{
    struct engine_feed f = { .session = s, .tok = b->text.id + from,
                             .n_tok = n, .n_logits = 1, .logits = logits };

    return engine_step(b->e, &f, 1, &b->cli->msg);
}

/* The context that every run of w starts from; not timed, not recorded. */
static enum sor_err open_base(struct bench *b, const struct work *w)
{
    enum sor_err err = session_open(b->e, ++b->tag, w->depth, &b->base,
                                    &b->cli->msg);

    for (int at = 0; !err && at < w->depth; at += 256) {
        int n = w->depth - at < 256 ? w->depth - at : 256;

        err = cli_stopped() ? SOR_INTERRUPTED
                            : read_tokens(b, b->base, at, n, b->base_logits);
    }
    return err;
}

static enum sor_err open_paths(struct bench *b, const struct work *w)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; !err && i < w->n_seq; i++) {
        struct gen_path *p = &b->path[i];

        *p = (struct gen_path){
            .sampler = &b->sampler[i], .max_tok = w->n_write,
            .logits = b->logits + (size_t)i * b->n_vocab,
            .out = b->out + (size_t)i * (size_t)w->n_write };
        err = session_fork(b->base, ++b->tag, w->depth, &p->session,
                           &b->cli->msg);
        err = err ? err : begin_path(b, w, i);
        err = err ? err : sampler_init(p->sampler, &sampler_greedy,
                                       (uint32_t)i, &b->cli->msg);
        memcpy(p->logits, b->base_logits, b->n_vocab * sizeof *p->logits);
    }
    return err;
}

static void close_paths(struct bench *b)
{
    for (int i = 0; i < SEQ_MAX; i++) {
        session_close(b->path[i].session);
        b->path[i].session = NULL;
    }
}

static int stopped(void *ud)
{
    (void)ud;
    return cli_stopped();
}

/* One run of w; *tok_s and the time of the last commit come out. */
static enum sor_err run_once(struct bench *b, const struct work *w,
                             double *tok_s, double *commit_ms)
{
    struct gen_opts o = { .cancelled = stopped };
    enum sor_err err = begin_run(b, w);
    int n = w->n_read;

    err = err ? err : open_paths(b, w);
    uint64_t start = clock_mono_ns();
    if (!err && w->n_read)
        err = read_tokens(b, b->path[0].session, w->depth, w->n_read,
                          b->path[0].logits);
    if (!err && w->n_write)
        err = gen_run(b->e, b->path, w->n_seq, &o, &b->cli->msg);
    uint64_t ns = clock_mono_ns() - start;
    for (int i = 0; i < w->n_seq; i++)
        n += b->path[i].n_out;
    *tok_s = n / ((double)(ns ? ns : 1) / 1e9);
    if (!err)
        err = end_run(b, w, commit_ms);
    close_paths(b);
    return err || !cli_stopped() ? err : SOR_INTERRUPTED;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static enum sor_err run_work(struct bench *b, int i, struct progress *bar)
{
    const struct work *w = &works[i];
    struct result *r = &b->result[i];
    size_t n_out = (size_t)w->n_seq * (size_t)(w->n_write ? w->n_write : 1);
    double ms, unused;
    enum sor_err err = open_base(b, w);

    b->out = mem_calloc(n_out, sizeof *b->out);
    if (!err && !b->out)
        err = sor_fail(&b->cli->msg, SOR_NOMEM, "%s: out of memory", w->name);
    err = err ? err : run_once(b, w, &unused, &ms);     /* warms up */
    for (int k = 0; !err && k < opt.reps; k++) {
        err = run_once(b, w, &r->tok_s[k], &ms);
        r->commit_ms = ms > r->commit_ms ? ms : r->commit_ms;
        progress_set(bar, ++b->n_done);
    }
    qsort(r->tok_s, (size_t)opt.reps, sizeof *r->tok_s, by_value);
    session_close(b->base);
    b->base = NULL;
    mem_free(b->out);
    b->out = NULL;
    return err;
}

/* --- which, and what came out ------------------------------------------------ */

/* 1 where name stands in the list a,b,c (NULL: all do). */
static int in_list(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1
                                                     : NULL)
        if (!strncmp(p, name, n) && (p[n] == ',' || p[n] == '\0'))
            return 1;
    return !list;
}

/* Every name in --only is one of ours. */
static enum sor_err check_only(struct cli *cli)
{
    for (const char *p = opt.only; p && *p;) {
        size_t n = strcspn(p, ",");
        int known = 0;

        for (int i = 0; i < N_WORK; i++)
            known |= strlen(works[i].name) == n &&
                     !strncmp(works[i].name, p, n);
        if (!known)
            return sor_fail(&cli->msg, SOR_USAGE, "no benchmark '%.*s'; there "
                            "are pp512, tg128, tg64@d2048, tg64@d6000 and "
                            "tg64x16", (int)n, p);
        p += n + (p[n] == ',');
    }
    return SOR_OK;
}

static double median(const struct result *r)
{
    int n = opt.reps;

    return n % 2 ? r->tok_s[n / 2]
                 : (r->tok_s[n / 2 - 1] + r->tok_s[n / 2]) / 2;
}

static void show(struct bench *b, FILE *to)
{
    const struct engine_info *info = engine_info(b->e);

    fprintf(to, "%s, %d threads, %s, KV %s, trace %s\n\n%-12s %10s %10s %10s "
            "%12s\n", info->name, info->n_thread, info->isa, info->kv_type,
            rec_level_name((enum rec_level)opt.level), "", "tok/s", "least",
            "most", "commit, ms");
    for (int i = 0; i < N_WORK; i++) {
        const struct result *r = &b->result[i];

        if (!in_list(opt.only, works[i].name))
            continue;
        if (r->skipped)
            fprintf(to, "%-12s %s\n", works[i].name, r->skipped);
        else
            fprintf(to, "%-12s %10.1f %10.1f %10.1f %12.1f\n", works[i].name,
                    median(r), r->tok_s[0], r->tok_s[opt.reps - 1],
                    r->commit_ms);
    }
}

static void show_json(struct bench *b, struct str *out)
{
    const struct engine_info *info = engine_info(b->e);
    struct json j;

    json_init(&j, out);
    json_obj(&j);
    json_key(&j, "model");
    json_str(&j, info->path);
    json_key(&j, "threads");
    json_int(&j, info->n_thread);
    json_key(&j, "isa");
    json_str(&j, info->isa);
    json_key(&j, "kv_type");
    json_str(&j, info->kv_type);
    json_key(&j, "trace");
    json_str(&j, rec_level_name((enum rec_level)opt.level));
    json_key(&j, "results");
    json_arr(&j);
    for (int i = 0; i < N_WORK; i++) {
        const struct result *r = &b->result[i];

        if (!in_list(opt.only, works[i].name) || r->skipped)
            continue;
        json_obj(&j);
        json_key(&j, "name");
        json_str(&j, works[i].name);
        json_key(&j, "tok_s");
        json_num(&j, median(r));
        json_key(&j, "runs");
        json_arr(&j);
        for (int k = 0; k < opt.reps; k++)
            json_num(&j, r->tok_s[k]);
        json_end_arr(&j);
        json_key(&j, "commit_ms");
        json_num(&j, r->commit_ms);
        json_end_obj(&j);
    }
    json_end_arr(&j);
    json_end_obj(&j);
    str_putc(out, '\n');
}

/* --- the command ------------------------------------------------------------- */

static enum sor_err open_bench(struct bench *b)
{
    struct engine_opts o = { .n_thread = b->cli->threads };
    enum sor_err err = engine_open(cli_model(b->cli), &o, &b->e,
                                   &b->cli->msg);

    if (!err && opt.lora)
        err = adapters_open(b->e, opt.lora, NULL, &b->cli->msg);
    if (err)
        return err;
    b->n_vocab = engine_hparams(b->e)->n_vocab;
    b->logits = mem_calloc((size_t)SEQ_MAX * b->n_vocab, sizeof *b->logits);
    b->base_logits = mem_calloc(b->n_vocab, sizeof *b->base_logits);
    if (!b->logits || !b->base_logits)
        return sor_fail(&b->cli->msg, SOR_NOMEM, "bench: out of memory");
    err = make_text(b, 6000);
    return err ? err : open_recorder(b);
}

static void close_bench(struct bench *b)
{
    close_paths(b);
    session_close(b->base);
    if (b->e)
        engine_observe(b->e, NULL, NULL);
    rec_close(b->rec);
    if (b->dir[0])
        nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    tok_ids_release(&b->text);
    mem_free(b->out);
    mem_free(b->base_logits);
    mem_free(b->logits);
    engine_close(b->e);
}

static enum sor_err run_all(struct bench *b)
{
    int n_ctx = engine_info(b->e)->n_ctx;
    struct progress bar;
    enum sor_err err = SOR_OK;
    uint64_t n = 0;

    for (int i = 0; i < N_WORK; i++)
        n += in_list(opt.only, works[i].name) != 0;
    progress_begin(&bar, b->cli, "measuring", "runs",
                   (uint64_t)opt.reps * n);
    for (int i = 0; !err && i < N_WORK; i++) {
        const struct work *w = &works[i];

        if (w->depth + w->n_read + w->n_write > n_ctx)
            b->result[i].skipped = "does not fit the model's context";
        else if (in_list(opt.only, w->name))
            err = run_work(b, i, &bar);
    }
    progress_end(&bar);
    return err;
}

static enum sor_err run(struct cli *cli)
{
    struct bench *b = mem_calloc(1, sizeof *b);
    struct str out;
    enum sor_err err = check_only(cli);
    FILE *to;

    if (!b)
        return sor_fail(&cli->msg, SOR_NOMEM, "bench: out of memory");
    b->cli = cli;
    str_init(&out);
    cli_catch_signals();
    err = err ? err : open_bench(b);
    err = err ? err : run_all(b);
    if (!err && !(to = cli_out(cli)))
        err = SOR_IO;
    if (!err && cli->json)
        show_json(b, &out);
    if (!err && cli->json)
        fputs(out.p, to);
    else if (!err)
        show(b, to);
    if (err == SOR_INTERRUPTED)
        sor_fail(&cli->msg, err, "interrupted");
    str_release(&out);
    close_bench(b);
    mem_free(b);
    return err;
}

const struct cmd cmd_bench = {
    .name = "bench", .operands = "", .min = 0, .max = 0,
    .summary = "how fast this machine runs this model",
    .text = "pp512 reads 512 tokens; tg128 writes 128; tg64@d2048 and "
            "tg64@d6000 write 64 behind\na long context; tg64x16 writes 64 in "
            "each of 16 paths over one prompt (total).\nThe median of the runs "
            "is shown, recording as --trace says.",
    .opts = opts, .run = run
};
