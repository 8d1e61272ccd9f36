/* cli/bench.c - see bench.h. */
#define _XOPEN_SOURCE 700       /* nftw() in glibc */

#include "cli/bench.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/routing.h"
#include "engine/hparams.h"
#include "engine/sampler.h"
#include "probe/adapters.h"
#include "probe/model_id.h"

enum {
    TEXT_TOKENS = 6000,
    CHUNK = 256,                /* tokens between two looks at Ctrl-C */
    LEAST = 16                  /* of what a mixed sequence reads and writes */
};

/* tg128 has a little to go on from. */
const struct bench_work bench_works[BENCH_WORKS] = {
    { "pp512",      0,    512, 0,   1,  1,  0 },
    { "tg128",      16,   0,   128, 1,  1,  0 },
    { "tg64@d2048", 2048, 0,   64,  1,  1,  0 },
    { "tg64@d6000", 6000, 0,   64,  1,  1,  0 },
    { "tg64x16",    256,  0,   64,  16, 16, 0 },
    { "mixed64",    0,    142, 79,  64, 16, 1 },
};

/* What sequence i reads and writes.  37 and 29 have no divisor in common with
 * 64, so that every length occurs once, in an order that goes up and down;
 * bench/peer.py has the same formula. */
static int read_of(const struct bench_work *w, int i)
{
    return w->is_mixed ? LEAST + i * 37 % BENCH_SEQS * 2 : w->n_read;
}

static int write_of(const struct bench_work *w, int i)
{
    return w->is_mixed ? LEAST + i * 29 % BENCH_SEQS : w->n_write;
}

/* --- the recorder -------------------------------------------------------- */

static const char *piece(void *ud, int32_t id, size_t *n)
{
    return tok_piece(ud, id, n);
}

static enum sor_err open_recorder(struct bench *b)
{
    const struct model_hparams *hp = engine_hparams(b->e);
    const char *tmp = getenv("TMPDIR");
    struct rec_opts o = {
        .level = b->level, .n_layer = (int)hp->n_layer,
        .n_head = (int)hp->n_head, .n_head_kv = (int)hp->n_head_kv,
        .piece = piece, .piece_ud = (void *)engine_tok(b->e) };
    char path[80];

    if (b->level == REC_OFF)
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

static enum sor_err begin_run(struct bench *b, const struct bench_work *w)
{
    const struct engine_info *info = engine_info(b->e);
    struct model_id id = { 0 };     /* the file need not be told apart */
    struct db_model model;
    struct str full;
    struct rec_run r = {
        .row = { .kind = "run", .chat = "none",
                 .route = route_choice_name((enum route_choice)b->route),
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

static enum sor_err begin_path(struct bench *b, const struct bench_work *w,
                               int i)
{
    struct rec_path p = { .tag = b->tag, .ordinal = i, .kind = "greedy",
                          .params = "{}",
                          .text_from = w->depth + read_of(w, i),
                          .max_tok = write_of(w, i) };

    return b->rec ? rec_path_begin(b->rec, &p, &b->cli->msg) : SOR_OK;
}

/* Everything on disk; the time that takes in ms. */
static enum sor_err end_run(struct bench *b, double *ms)
{
    uint64_t start = clock_mono_ns();
    enum sor_err err = SOR_OK;

    *ms = 0;
    engine_observe(b->e, NULL, NULL);
    if (!b->rec)
        return SOR_OK;
    err = rec_run_end(b->rec, "complete", 0, 0, &b->cli->msg);
    *ms = (double)(clock_mono_ns() - start) / 1e6;
    return err;
}

/* --- the work ------------------------------------------------------------ */

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
                                int n)
{
    struct engine_feed f = { .session = s, .tok = b->text.id + from,
                             .n_tok = n, .n_logits = 1, .logits = b->logits };

    return engine_step(b->e, &f, 1, &b->cli->msg);
}

/* The context that every run of w starts from; not timed, not recorded. */
static enum sor_err open_base(struct bench *b, const struct bench_work *w)
{
    enum sor_err err = session_open(b->e, ++b->tag, w->depth, &b->base,
                                    &b->cli->msg);

    for (int at = 0; !err && at < w->depth; at += CHUNK) {
        int n = w->depth - at < CHUNK ? w->depth - at : CHUNK;

        err = cli_stopped() ? SOR_INTERRUPTED
                            : read_tokens(b, b->base, at, n);
    }
    return err;
}

static enum sor_err open_paths(struct bench *b, const struct bench_work *w)
{
    enum sor_err err = SOR_OK;

    for (int i = 0; !err && i < w->n_seq; i++) {
        struct gen_path *p = &b->path[i];

        *p = (struct gen_path){
            .sampler = &b->sampler[i], .logits = b->logits,
            .prompt = b->text.id + i, .n_prompt = read_of(w, i),
            .max_tok = write_of(w, i),
            .out = b->out + (size_t)i * (size_t)w->n_write };
        err = session_fork(b->base, ++b->tag, w->depth, &p->session,
                           &b->cli->msg);
        err = err ? err : begin_path(b, w, i);
        err = err ? err : sampler_init(p->sampler, &sampler_greedy,
                                       (uint32_t)i, &b->cli->msg);
    }
    return err;
}

/* A path is done: its KV is free for those who wait. */
static void end_path(void *ud, int i)
{
    struct bench *b = ud;
    struct session *s = b->path[i].session;

    if (b->rec && s)
        rec_path_end(b->rec, session_tag(s), "length");
    session_close(s);
    b->path[i].session = NULL;
}

static int stopped(void *ud)
{
    (void)ud;
    return cli_stopped();
}

/* Reads and writes; the number of tokens comes out. */
static enum sor_err do_work(struct bench *b, const struct bench_work *w,
                            struct gen_stats *st, int *n_tok)
{
    struct gen_opts o = { .n_seat = w->n_seat, .ud = b, .on_end = end_path,
                          .cancelled = stopped, .stats = st };
    enum sor_err err;

    *n_tok = 0;
    if (w->n_write)
        err = gen_run(b->e, b->path, w->n_seq, &o, &b->cli->msg);
    else
        err = read_tokens(b, b->path[0].session, w->depth, w->n_read);
    for (int i = 0; i < w->n_seq; i++)
        *n_tok += read_of(w, i) + b->path[i].n_out;
    return err;
}

/* One run of w; tokens a second and the time of the last commit come out. */
static enum sor_err run_once(struct bench *b, const struct bench_work *w,
                             struct bench_result *r, double *tok_s)
{
    struct gen_stats st = { .n_step = 0 };
    enum sor_err err = begin_run(b, w);
    double ms = 0;
    int n = 0;

    err = err ? err : open_paths(b, w);
    uint64_t start = clock_mono_ns();
    err = err ? err : do_work(b, w, &st, &n);
    uint64_t ns = clock_mono_ns() - start;
    *tok_s = n / ((double)(ns ? ns : 1) / 1e9);
    for (int i = 0; i < w->n_seq; i++)
        if (b->path[i].session)         /* it read only, or was stopped */
            end_path(b, i);
    if (!err)
        err = end_run(b, &ms);
    if (st.n_step) {
        r->seats = (double)st.seats / (double)(st.n_step * st.n_seat);
        r->rows = (double)st.rows / (double)(st.n_step * st.n_row);
    }
    r->commit_ms = ms > r->commit_ms ? ms : r->commit_ms;
    return err || !cli_stopped() ? err : SOR_INTERRUPTED;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

enum sor_err bench_run(struct bench *b, int i, void (*done)(void *ud),
                       void *ud)
{
    const struct bench_work *w = &bench_works[i];
    struct bench_result *r = &b->result[i];
    int n = b->reps, own = w->n_read + w->n_write;
    size_t n_out = (size_t)w->n_seq * (size_t)(w->n_write ? w->n_write : 1);
    double unused;
    enum sor_err err;

    if (w->depth + own > engine_info(b->e)->n_ctx) {
        r->skipped = "does not fit the model's context";
        return SOR_OK;
    }
    r->kv_bytes = engine_kv_bytes(b->e, w->depth + w->n_seat * own);
    /* One prompt's length is what a run has; a mixed load has none. */
    if (b->blas && (err = engine_blas(b->e, w->is_mixed ? 0 : w->depth +
                                      w->n_read, &b->cli->msg)))
        return err;
    b->out = mem_calloc(n_out, sizeof *b->out);
    err = b->out ? open_base(b, w)
                 : sor_fail(&b->cli->msg, SOR_NOMEM, "%s: out of memory",
                            w->name);
    err = err ? err : run_once(b, w, r, &unused);       /* warms up */
    r->commit_ms = 0;
    for (int k = 0; !err && k < n; k++) {
        err = run_once(b, w, r, &r->tok_s[k]);
        done(ud);
    }
    qsort(r->tok_s, (size_t)n, sizeof *r->tok_s, by_value);
    r->median = (r->tok_s[(n - 1) / 2] + r->tok_s[n / 2]) / 2;
    session_close(b->base);
    b->base = NULL;
    mem_free(b->out);
    b->out = NULL;
    return err;
}

/* --- before and after ---------------------------------------------------- */

static enum sor_err open_route(struct bench *b)
{
    struct model_id id = { .n_part = 0 };
    struct routing_opts o = ROUTING_OPTS;
    struct route *r = NULL;
    enum sor_err err = model_id_read(cli_model(b->cli), &id, &b->cli->msg);

    o.choice = b->route;
    if (!err)
        err = routing_open(b->cli, b->e, id.sha256, &o, &r);
    model_id_release(&id);
    return err ? err : engine_give_route(b->e, r, &b->cli->msg);
}

enum sor_err bench_open(struct bench *b)
{
    struct engine_opts o = { .n_thread = b->cli->threads,
                             .kv_type = b->kv_type, .narrow = b->acts };
    uint64_t start = clock_mono_ns();
    enum sor_err err = engine_open(cli_model(b->cli), &o, &b->e,
                                   &b->cli->msg);

    b->start_ms = (double)(clock_mono_ns() - start) / 1e6;
    str_init(&b->adapters);
    if (b->lora)
        err = err ? err : adapters_open(b->e, b->lora, &b->adapters,
                                        &b->cli->msg);
    else
        str_puts(&b->adapters, "[]");
    if (!err && b->route)
        err = open_route(b);
    if (err)
        return err;
    b->n_vocab = engine_hparams(b->e)->n_vocab;
    b->logits = mem_calloc(b->n_vocab, sizeof *b->logits);
    if (!b->logits)
        return sor_fail(&b->cli->msg, SOR_NOMEM, "bench: out of memory");
    err = make_text(b, TEXT_TOKENS);
    return err ? err : open_recorder(b);
}

void bench_close(struct bench *b)
{
    for (int i = 0; i < BENCH_SEQS; i++)
        session_close(b->path[i].session);
    session_close(b->base);
    if (b->e)
        engine_observe(b->e, NULL, NULL);
    rec_close(b->rec);
    if (b->dir[0])
        nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    tok_ids_release(&b->text);
    str_release(&b->adapters);
    mem_free(b->out);
    mem_free(b->logits);
    engine_close(b->e);
}

/* The most memory that was resident at once.  Not getrusage(): it counts what
 * a large parent held before it became this program. */
static int64_t peak_bytes(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    long long kib = 0;
    char line[128];

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lld kB", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib << 10;
}

void bench_memory(const struct bench *b, struct bench_memory *out)
{
    *out = (struct bench_memory){
        .peak = peak_bytes(),
        .weights = engine_info(b->e)->weight_bytes };
    for (int i = 0; i < BENCH_WORKS; i++)
        if (b->result[i].kv_bytes > out->kv)
            out->kv = b->result[i].kv_bytes;
    out->allowed = (out->weights + out->kv) * 13 / 10 + (64 << 20);
}
