/* cli/cmd_run.c - the main job: a question, one or many paths decoded in one
 * batch over one shared prompt, everything recorded while it happens. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/accuracy.h"
#include "cli/ahead.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "cli/routing.h"
#include "cli/show.h"
#include "cli/untraced.h"
#include "engine/chat.h"
#include "engine/engine.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/sampler.h"
#include "engine/tok.h"
#include "probe/adapters.h"
#include "probe/model_id.h"
#include "probe/prompt.h"
#include "probe/with_blas.h"
#include "probe/with_exit.h"
#include "probe/with_route.h"
#include "trace/rec.h"

enum {
    PATHS_MAX = SHOW_PATHS,
    PROMPT_MAX = 16 << 20,      /* bytes */
    CHUNK_MIN = 8, CHUNK_MAX = 256      /* see chunk_of() */
};

/* Several paths are worth their cost only if they differ. */
static const double MANY_TEMPERATURE = 0.8;

static struct {
    int n_path, level, max_tok, top_k, n_ctx, kv, acts, raw, blas, lossy,
        wait, draft, draft_layers, explain;
    double temperature, top_p, min_p, exit, audit;
    const char *system, *lora;
    struct routing_opts route;
} opt = { .n_path = 1, .level = REC_LAYERS, .max_tok = 512,
          .temperature = -1, .top_p = 0.95, .route = ROUTING_OPTS };

static const struct opt_spec opts[] = {
    { 'n', "paths", "N", OPT_INT, &opt.n_path, "paths to decode", 1,
      PATHS_MAX },
    { 0, "trace", "off|steps|tokens|layers|heads", OPT_WORD, &opt.level,
      "what to record", 0, 0 },
    { 0, "system", "TEXT", OPT_STR, &opt.system, "system message", 0, 0 },
    { 0, "max-tokens", "N", OPT_INT, &opt.max_tok, "new tokens per path", 1,
      1 << 20 },
    { 0, "temperature", "T", OPT_NUM, &opt.temperature,
      "0 is greedy; default 0, several paths 0.8", 0, 10 },
    { 0, "top-k", "K", OPT_INT, &opt.top_k, "0 is off", 0, 1000000 },
    { 0, "top-p", "P", OPT_NUM, &opt.top_p, "1 is off", 0.01, 1 },
    { 0, "min-p", "P", OPT_NUM, &opt.min_p, "0 is off", 0, 1 },
    { 0, "ctx", "N", OPT_INT, &opt.n_ctx, "longest timeline in tokens", 1,
      1 << 24 },
    { 0, "kv", "f16|q8", OPT_WORD, &opt.kv,
      "how keys and values are kept (f16)", 0, 0 },
    { 0, "acts", "16|8", OPT_WORD, &opt.acts,
      "bits of activations; 8 is quicker and less exact", 0, 0 },
    { 0, "lora", "FILE[:SCALE],...", OPT_STR, &opt.lora,
      "adapters to add to the model", 0, 0 },
    { 0, "blas", NULL, OPT_FLAG, &opt.blas,
      "read the prompt through OpenBLAS (F32, F16, BF16 models)", 0, 0 },
    { 0, "draft", "off|lookup|self", OPT_WORD, &opt.draft,
      "guess tokens ahead; the result is the same, sooner (off)", 0, 0 },
    { 0, "draft-layers", "N", OPT_INT, &opt.draft_layers,
      "first layers that guess with --draft self (a quarter)", 1, 1 << 16 },
    { 0, "exit", "P", OPT_NUM, &opt.exit,
      "leave the network early where this sure; changes results (off)", 0.5,
      1 },
    { 0, "route", ROUTING_WORDS, OPT_WORD, &opt.route.choice,
      "which keys tokens read (off: all)", 0, 0 },
    ROUTING_FLAGS(opt.route),
    { 0, "explain-routing", NULL, OPT_FLAG, &opt.explain,
      "the first blocks of each mode, and why they ran in it", 0, 0 },
    { 0, "audit", "RATE", OPT_NUM, &opt.audit,
      "share of routed tokens priced afterwards against full", 0, 1 },
    { 0, "raw", NULL, OPT_FLAG, &opt.raw, "the prompt as it is, no template",
      0, 0 },
    { 0, "lossy", NULL, OPT_FLAG, &opt.lossy,
      "drop and count rather than wait for the disk", 0, 0 },
    { 0, "wait", NULL, OPT_FLAG, &opt.wait,
      "wait for another recorder to finish", 0, 0 },
    OPT_END
};

struct job {
    struct cli *cli;
    struct engine *e;
    struct rec *rec;                    /* NULL: --trace off */
    struct model_id id;
    enum chat_kind chat;
    struct str question;
    struct str settings;                /* of the run: JSON, see params */
    struct tok_ids prompt;
    struct sampler_params params;
    int n_path, max_tok;
    struct sampler sampler[PATHS_MAX];
    struct gen_path path[PATHS_MAX];
    float *logits;                      /* [n_vocab] after the prompt */
    int nan_layer, nan_pos;             /* where NaN or infinity came first;
                                         * -1: nowhere */
    struct exit_rule exit;              /* where --exit is given */
    struct gen_stats batch;
    int32_t *out;                       /* [n_path][max_tok] */
    char uid[33];
    struct sor_msg trace_lost;          /* why recording failed, or "" */
    uint64_t start_ns, prefilled_ns, end_ns;
    struct progress bar;
    uint64_t n_tok;                     /* generated so far */
    /* streaming of a single path */
    FILE *to;
    struct tok_stream stream;
    struct str piece;
    int streams, tty, left;             /* left: its reader has */
};

static uint64_t tag_of(int path)
{
    return (uint64_t)path + 1;
}

/* --- what the recorder asks ---------------------------------------------- */

static const char *piece(void *ud, int32_t id, size_t *n)
{
    return tok_piece(ud, id, n);
}

static int is_silent(void *ud, int32_t id)
{
    return prompt_is_silent(ud, id);
}

static void say_batch(void *ud, int64_t batch_id)
{
    (void)ud;
    log_debug("batch %lld committed", (long long)batch_id);
}

static int stopped(void *ud)
{
    (void)ud;
    return cli_stopped();
}

/* --- before decoding ----------------------------------------------------- */

static enum sor_err read_question(struct job *j)
{
    const char *arg = j->cli->argv[0];

    if (strcmp(arg, "-") == 0) {
        enum sor_err err = input_slurp("-", PROMPT_MAX, &j->question,
                                       &j->cli->msg);
        if (err)
            return err;
        while (j->question.len && j->question.p[j->question.len - 1] == '\n')
            j->question.p[--j->question.len] = '\0';
    } else {
        str_puts(&j->question, arg);
    }
    if (!str_ok(&j->question))
        return sor_fail(&j->cli->msg, SOR_NOMEM, "out of memory for the "
                        "prompt");
    if (memchr(j->question.p, '\0', j->question.len))
        return sor_fail(&j->cli->msg, SOR_FORMAT, "the prompt holds a NUL "
                        "byte, which its record could not hold");
    if (j->question.len == 0)
        return sor_fail(&j->cli->msg, SOR_USAGE, "the prompt is empty");
    return SOR_OK;
}

/* The prompt in tokens, and room for an answer after it. */
static enum sor_err make_prompt(struct job *j)
{
    struct prompt p = { .text = j->question.p, .n = j->question.len,
                        .system = opt.system, .raw = opt.raw };
    int n_ctx = engine_info(j->e)->n_ctx;
    int trained = (int)engine_hparams(j->e)->n_ctx_train;
    enum sor_err err = prompt_encode(j->e, &p, &j->prompt, &j->chat,
                                     &j->cli->msg);

    if (err)
        return err;
    if (j->prompt.n >= (size_t)n_ctx)
        return sor_fail(&j->cli->msg, SOR_LIMIT, "the prompt has %zu tokens "
                        "and the context only %d: shorten it or raise --ctx",
                        j->prompt.n, n_ctx);
    if (n_ctx > trained)
        log_warn("--ctx %d is beyond the %d tokens that this model was "
                 "trained on", n_ctx, trained);
    int room = n_ctx - (int)j->prompt.n;
    j->max_tok = opt.max_tok < room ? opt.max_tok : room;
    return SOR_OK;
}

static enum sor_err choose_route(struct job *j)
{
    struct route *r = NULL;
    enum sor_err err = routing_open(j->cli, j->e, j->id.sha256, &opt.route,
                                    &r);

    if (err)
        return err;
    routing_put(r, &j->settings);
    return engine_give_route(j->e, r, &j->cli->msg);
}

/* What the run depends on and has no column of its own, as JSON. */
static enum sor_err choose_settings(struct job *j)
{
    struct str *s = &j->settings;
    enum sor_err err = SOR_OK;

    str_putc(s, '{');
    if (opt.raw)
        str_puts(s, "\"raw\":true");
    if (opt.lora) {
        str_puts(s, s->len > 1 ? ",\"adapters\":" : "\"adapters\":");
        err = adapters_open(j->e, opt.lora, s, &j->cli->msg);
    }
    if (!err && opt.blas) {
        str_puts(s, s->len > 1 ? ",\"blas\":" : "\"blas\":");
        err = with_blas(j->e, (int)j->prompt.n, s, &j->cli->msg);
    }
    if (!err && opt.exit > 0) {
        str_puts(s, s->len > 1 ? ",\"exit\":" : "\"exit\":");
        err = with_exit(j->e, opt.exit, &j->exit, s, &j->cli->msg);
    }
    if (!err && opt.route.choice)
        err = choose_route(j);
    str_putc(s, '}');
    if (!err && !str_ok(s))
        err = sor_fail(&j->cli->msg, SOR_NOMEM, "out of memory");
    return err;
}

static enum sor_err alloc_paths(struct job *j)
{
    size_t n_vocab = engine_hparams(j->e)->n_vocab;
    size_t n = (size_t)j->n_path;

    j->logits = mem_calloc(n_vocab, sizeof *j->logits);
    j->out = mem_calloc(n * (size_t)j->max_tok, sizeof *j->out);
    if (!j->logits || !j->out)
        return sor_fail(&j->cli->msg, SOR_NOMEM, "out of memory for %d paths "
                        "of %d tokens", j->n_path, j->max_tok);
    for (int i = 0; i < j->n_path; i++) {
        enum sor_err err = sampler_init(&j->sampler[i], &j->params,
                                        (uint32_t)i, &j->cli->msg);
        if (err)
            return err;
        j->path[i] = (struct gen_path){
            .sampler = &j->sampler[i], .max_tok = j->max_tok,
            .logits = j->logits,
            .before = j->prompt.id, .n_before = (int)j->prompt.n,
            .out = j->out + (size_t)i * (size_t)j->max_tok };
    }
    return SOR_OK;
}

static enum sor_err open_recorder(struct job *j)
{
    const struct model_hparams *hp = engine_hparams(j->e);
    struct rec_opts o = {
        .level = (enum rec_level)opt.level, .lossy = opt.lossy,
        .wait = opt.wait, .n_layer = (int)hp->n_layer,
        .n_head = (int)hp->n_head, .n_head_kv = (int)hp->n_head_kv,
        .piece = piece, .is_special = is_silent,
        /* const is lost, but only is_silent() and piece() see it again */
        .piece_ud = (void *)engine_tok(j->e),
        .n_ahead = opt.draft ? GEN_SEATS : 0,
        .cancelled = stopped, .committed = say_batch };

    if (opt.level == REC_OFF)
        return SOR_OK;
    return rec_open(cli_db(j->cli), &o, &j->rec, &j->cli->msg);
}

/* Without a trace somebody has to look for NaN all the same. */
static void on_row(void *ud, const struct hook_event *ev)
{
    struct job *j = ud;

    if (j->nan_layer < 0 && ev->u.row.nan_layer >= 0) {
        j->nan_layer = ev->u.row.nan_layer;
        j->nan_pos = ev->pos;
    }
}

static enum sor_err begin_run(struct job *j)
{
    const struct hook_observer watch = { 1u << HOOK_ROW, j, on_row };
    const struct engine_info *info = engine_info(j->e);
    struct db_work_unit unit;
    struct db_model model;
    struct str full;
    struct rec_run r = {
        .row = {
            .kind = "run", .chat = chat_kind_name(j->chat),
            .route = route_choice_name((enum route_choice)opt.route.choice),
            .kv_type = info->kv_type, .isa = info->isa,
            .params = j->settings.p,
            .n_prompt = (int)j->prompt.n, .n_path = j->n_path,
            .max_tok = j->max_tok, .top_k = opt.top_k,
            .n_thread = info->n_thread, .n_ctx = info->n_ctx,
            .seed = (int64_t)j->params.seed,
            .temperature = (double)j->params.temperature,
            .top_p = (double)j->params.top_p,
            .min_p = (double)j->params.min_p },
        .prompt = j->question.p, .system = opt.raw ? NULL : opt.system,
        .model = &model, .part = j->id.part, .n_part = j->id.n_part,
        .unit = &unit };
    enum sor_err err;

    j->nan_layer = -1;
    if (!j->rec)
        return engine_observe(j->e, &watch, &j->cli->msg);
    str_init(&full);
    model_id_row(&j->id, j->e, &full, &model);
    with_route_unit(j->e, &unit);
    err = rec_run_begin(j->rec, &r, j->uid, &j->cli->msg);
    str_release(&full);
    if (!err)
        err = engine_observe(j->e, rec_observer(j->rec), &j->cli->msg);
    return err;
}

/* The trace and its first row.  A full disk costs the trace, not the answer:
 * trace_lost says so. */
static enum sor_err begin_trace(struct job *j)
{
    enum sor_err err = open_recorder(j);

    if (!err)
        err = begin_run(j);
    if (err != SOR_FULL)
        return err;
    rec_close(j->rec);
    j->rec = NULL;
    sor_fail(&j->trace_lost, SOR_IO, "the answer has no trace: %s",
             j->cli->msg.text);
    return SOR_OK;
}

static enum sor_err begin_path(struct job *j, int i)
{
    struct rec_path p = {
        .tag = tag_of(i), .ordinal = i,
        .kind = j->params.temperature > 0 ? "sample" : "greedy",
        .params = "{}", .parent_tag = i ? tag_of(0) : 0,
        .fork_pos = i ? (int)j->prompt.n : 0,
        .seed = (int64_t)j->sampler[i].key,
        .text_from = (int)j->prompt.n, .max_tok = j->max_tok };

    return j->rec ? rec_path_begin(j->rec, &p, &j->cli->msg) : SOR_OK;
}

/* Tokens of the prompt between two looks at Ctrl-C: well under a second of
 * work on a slow machine (some 30 GB of weights met a second). */
static int chunk_of(const struct engine *e)
{
    int64_t n = ((int64_t)30 << 30) / (engine_info(e)->weight_bytes + 1);

    return n < CHUNK_MIN ? CHUNK_MIN : n > CHUNK_MAX ? CHUNK_MAX : (int)n;
}

/* The prompt through path 0. */
static enum sor_err prefill(struct job *j)
{
    int n = (int)j->prompt.n, at = 0, chunk = chunk_of(j->e);
    enum sor_err err = begin_path(j, 0);
    struct progress bar;

    if (!err)
        err = session_open(j->e, tag_of(0), n + j->max_tok,
                           &j->path[0].session, &j->cli->msg);
    progress_begin(&bar, j->cli, "reading", "tokens", (uint64_t)n);
    while (!err && at < n && !cli_stopped()) {
        int left = n - at, take = left < chunk ? left : chunk;
        struct engine_feed f = {
            .session = j->path[0].session, .tok = j->prompt.id + at,
            .n_tok = take, .n_logits = take == left,
            .logits = j->logits };

        err = engine_step(j->e, &f, 1, &j->cli->msg);
        at += take;
        progress_set(&bar, (uint64_t)at);
    }
    progress_end(&bar);
    j->prefilled_ns = clock_mono_ns();
    return err;
}

/* All other paths share the prompt and its logits. */
static enum sor_err fork_paths(struct job *j)
{
    enum sor_err err = SOR_OK;

    for (int i = 1; i < j->n_path && !err; i++) {
        err = begin_path(j, i);
        if (!err)
            err = session_fork(j->path[0].session, tag_of(i),
                               (int)j->prompt.n, &j->path[i].session,
                               &j->cli->msg);
    }
    return err;
}

/* --- decoding ------------------------------------------------------------ */

static void flush_piece(struct job *j)
{
    struct str safe;

    if (!j->tty) {
        fwrite(j->piece.p, 1, j->piece.len, j->to);
    } else {
        str_init(&safe);
        text_safe(&safe, j->piece.p, j->piece.len, TEXT_NL | TEXT_TAB);
        fputs(safe.p, j->to);
        str_release(&safe);
    }
    if (fflush(j->to) != 0 && errno == EPIPE)
        j->left = 1;
    str_clear(&j->piece);
}

static int on_token(void *ud, int path, int32_t id, float logprob)
{
    struct job *j = ud;
    const struct tok *t = engine_tok(j->e);

    (void)path, (void)logprob;
    j->n_tok++;
    progress_set(&j->bar, j->n_tok);
    if (j->streams && !prompt_is_silent(t, id)) {
        tok_stream_put(t, &j->stream, id, &j->piece);
        flush_piece(j);
    }
    return j->streams && ferror(j->to);     /* nobody reads any more */
}

static enum sor_err decode(struct job *j)
{
    struct gen_opts o = { .ud = j, .on_token = on_token,
                          .cancelled = stopped, .stats = &j->batch,
                          .draft = (enum draft_source)opt.draft,
                          .draft_layer = opt.draft_layers,
                          .exit = opt.exit > 0 ? &j->exit : NULL };
    char what[32];
    enum sor_err err;

    snprintf(what, sizeof what, "%d paths", j->n_path);
    if (!j->streams)
        progress_begin(&j->bar, j->cli, what, "tokens", 0);
    err = gen_run(j->e, j->path, j->n_path, &o, &j->cli->msg);
    progress_end(&j->bar);
    if (j->streams) {
        tok_stream_flush(&j->stream, &j->piece);
        str_putc(&j->piece, '\n');
        flush_piece(j);
    }
    return err;
}

/* Closes the trace whatever happened; `err` is what decoding said. */
static enum sor_err end_run(struct job *j, enum sor_err err)
{
    int whole = !err && !cli_stopped() && !ferror(j->to);
    struct rec_stats st;
    struct sor_msg msg;
    enum sor_err ended;

    j->end_ns = clock_mono_ns();
    if (!j->prefilled_ns)
        j->prefilled_ns = j->end_ns;
    engine_observe(j->e, NULL, NULL);
    if (!j->rec)
        return err;
    for (int i = 0; i < j->n_path; i++)
        if (j->path[i].session)
            rec_path_end(j->rec, tag_of(i), untraced_stop(j->path[i].stop));
    ended = rec_run_end(j->rec, whole ? "complete" : "interrupted",
                        (int64_t)(j->end_ns - j->start_ns),
                        (int64_t)(j->prefilled_ns - j->start_ns), &msg);
    rec_stats(j->rec, &st);
    if ((ended || st.reason[0]) && st.n_lost == 0)
        sor_fail(&j->trace_lost, SOR_IO, "the trace is incomplete%s: %s",
                 ended ? ", how the run ended is not in it" : "",
                 st.reason[0] ? st.reason : msg.text);
    else if (ended || st.reason[0])
        sor_fail(&j->trace_lost, SOR_IO, "the trace is incomplete, %llu "
                 "events from event %llu on are lost: %s",
                 (unsigned long long)st.n_lost,
                 (unsigned long long)st.lost_from_seq,
                 st.reason[0] ? st.reason : msg.text);
    else if (st.n_lost)
        log_warn("--lossy dropped %llu events from event %llu on",
                 (unsigned long long)st.n_lost,
                 (unsigned long long)st.lost_from_seq);
    j->nan_layer = st.nan_layer;
    j->nan_pos = st.nan_pos;
    rec_close(j->rec);
    j->rec = NULL;
    return err;
}

static enum sor_err check_finite(struct job *j)
{
    if (j->nan_layer < 0)
        return SOR_OK;
    return sor_fail(&j->cli->msg, SOR_FORMAT, "NaN or infinity first after "
                    "layer %d at position %d: the result cannot be trusted%s",
                    j->nan_layer, j->nan_pos, opt.lora
                        ? "; a smaller scale of --lora may help" : "");
}

/* --- after decoding ------------------------------------------------------ */

static void say_rate(const struct job *j)
{
    double prefill = (double)(j->prefilled_ns - j->start_ns) / 1e9;
    double decode_s = (double)(j->end_ns - j->prefilled_ns) / 1e9;

    log_info("\n%zu tokens read in %.2f s (%.0f tok/s), %llu written in "
             "%.2f s (%.0f tok/s)", j->prompt.n, prefill,
             (double)j->prompt.n / prefill, (unsigned long long)j->n_tok,
             decode_s, (double)j->n_tok / decode_s);
    if (j->n_path > 1 && j->batch.n_step)
        log_info("%d paths in %lld steps: seats in use %.0f %%", j->n_path,
                 (long long)j->batch.n_step, 100.0 * (double)j->batch.seats /
                 (double)(j->batch.n_step * j->batch.n_seat));
    ahead_say(&j->batch, (enum draft_source)opt.draft);
}

/* A text that breaks off looks like one that ended. */
static void say_stop(const struct job *j)
{
    enum gen_stop stop = j->path[0].stop;

    if (!j->streams || (stop != GEN_LENGTH && stop != GEN_CONTEXT))
        return;
    if (stop == GEN_CONTEXT || j->max_tok < opt.max_tok)
        log_warn("stopped before its end: the context of %d tokens is full "
                 "(--ctx)", engine_info(j->e)->n_ctx);
    else
        log_warn("stopped before its end, after %d tokens (--max-tokens)",
                 j->max_tok);
}

/* What routing cost, now that the run is over: its own timelines are done. */
static enum sor_err audit_recorded(struct job *j, struct db *d, int64_t run_id)
{
    struct db_run run;

    for (int i = 0; i < j->n_path; i++) {
        session_close(j->path[i].session);
        j->path[i].session = NULL;
    }
    if (db_get_run(d, run_id, &run) <= 0)
        return sor_fail(&j->cli->msg, SOR_FORMAT, "the run cannot be read");
    return audit(j->cli, d, &run, j->e, opt.audit, j->to);
}

/* The result as the database has it. */
static enum sor_err show_recorded(struct job *j)
{
    struct show s = { .cli = j->cli, .to = j->to, .streamed = j->streams,
                      .batch = &j->batch,
                      .draft = (enum draft_source)opt.draft };
    struct sor_msg *msg = &j->cli->msg;
    enum sor_err err = db_open(cli_db(j->cli), &s.d, msg);

    if (err)
        return err;
    err = db_find_run(s.d, j->uid, &s.run_id, msg);
    if (!err)
        err = j->cli->json ? show_run_json(&s, msg) : show_run(&s, msg);
    if (!err && opt.explain && !j->cli->json)
        err = explain_routing(s.d, s.run_id, j->to, msg);
    if (!err && opt.audit > 0 && !cli_stopped())
        err = audit_recorded(j, s.d, s.run_id);
    fflush(j->to);                      /* before what stderr says */
    if (!err && log_get_level() >= LOG_INFO && !j->cli->json) {
        say_rate(j);
        if (j->streams)
            log_info("%s", accuracy_known(j->id.sha256, j->question.p));
        log_info("recorded as %.8s in %s\n", j->uid, cli_db(j->cli));
        show_next(&s, stderr);
    }
    db_close(s.d);
    return err;
}

static enum sor_err answer(struct job *j)
{
    enum sor_err err = make_prompt(j);

    if (!err)
        err = choose_settings(j);
    if (!err)
        err = alloc_paths(j);
    if (!err)
        err = begin_trace(j);
    if (err)
        return err;

    j->start_ns = clock_mono_ns();
    err = prefill(j);
    if (!err && !cli_stopped())
        err = fork_paths(j);
    if (!err && !cli_stopped())
        err = decode(j);
    err = end_run(j, err);
    if (!err)
        say_stop(j);
    if (!err && opt.level == REC_OFF && !j->cli->json)
        ahead_say(&j->batch, (enum draft_source)opt.draft);
    if (!err && opt.level != REC_OFF && !j->trace_lost.text[0])
        err = show_recorded(j);
    else if (!err && j->cli->json)
        untraced_json(j->to, &(struct untraced){
            engine_tok(j->e), j->path, j->n_path, &j->batch,
            (enum draft_source)opt.draft });
    else if (!err && !j->streams)
        untraced_show(j->to, engine_tok(j->e), j->path, j->n_path);
    if (!err && j->trace_lost.text[0])
        err = sor_fail(&j->cli->msg, SOR_IO, "%s", j->trace_lost.text);
    err = err ? err : check_finite(j);
    if (!err && cli_stopped())
        err = sor_fail(&j->cli->msg, SOR_INTERRUPTED, "interrupted%s%.8s",
                       j->uid[0] ? "; what was decoded is recorded as "
                       : "", j->uid);
    if (!err && ferror(j->to))
        err = sor_fail(&j->cli->msg, SOR_IO, "the result cannot be written");
    return err;
}

/* All layers would be no guess. */
static enum sor_err check_draft(struct job *j)
{
    int n = (int)engine_hparams(j->e)->n_layer;

    return opt.draft_layers < n ? SOR_OK
         : sor_fail(&j->cli->msg, SOR_USAGE, "--draft-layers %d: the model "
                    "has %d, and guessing takes fewer", opt.draft_layers, n);
}

/* The model is hashed on one core while the other one loads it. */
static enum sor_err load(struct job *j)
{
    struct engine_opts o = { .n_thread = j->cli->threads,
                             .n_ctx = opt.n_ctx, .kv_type = opt.kv,
                             .narrow = opt.acts };
    const char *path = cli_model(j->cli);
    struct model_id_job hash;
    enum sor_err err, hashed;

    model_id_begin(&hash, path);
    err = engine_open(path, &o, &j->e, &j->cli->msg);
    hashed = model_id_finish(&hash, &j->id, err ? NULL : &j->cli->msg);
    return err ? err : hashed ? hashed : check_draft(j);
}

static enum sor_err run(struct cli *cli)
{
    struct job j = { .cli = cli, .n_path = opt.n_path };
    enum sor_err err = routing_settle(cli, &opt.route);

    if (err)
        return err;
    if (opt.audit > 0 &&
        (opt.level < REC_TOKENS || opt.route.choice == ROUTE_OFF))
        return sor_fail(&cli->msg, SOR_USAGE, "--audit prices the record of a "
                        "routed run: it needs --route and --trace tokens or "
                        "more");
    if (opt.explain &&
        (opt.level == REC_OFF || opt.route.choice == ROUTE_OFF))
        return sor_fail(&cli->msg, SOR_USAGE, "--explain-routing reads the "
                        "record of a routed run: it needs --route and a "
                        "--trace");
    if (opt.draft_layers && opt.draft != DRAFT_SELF)
        return sor_fail(&cli->msg, SOR_USAGE, "--draft-layers says how many "
                        "layers guess with --draft self; without it nothing "
                        "is guessed that way");

    str_init(&j.question);
    str_init(&j.piece);
    str_init(&j.settings);
    j.params = (struct sampler_params){
        .temperature = (float)(opt.temperature >= 0 ? opt.temperature
                               : opt.n_path > 1 ? MANY_TEMPERATURE : 0),
        .top_k = (uint32_t)opt.top_k, .top_p = (float)opt.top_p,
        .min_p = (float)opt.min_p, .seed = cli->seed };
    err = opt.exit > 0 && opt.draft
        ? sor_fail(&cli->msg, SOR_USAGE, "--exit reads tokens one by one, and "
                   "--draft many at once: give one of them")
        : read_question(&j);
    if (!err && !(j.to = cli_out(cli)))
        err = SOR_IO;
    if (!err) {
        j.streams = j.n_path == 1 && !cli->json;
        j.tty = isatty(fileno(j.to));
        cli_catch_signals();
        /* A reader who leaves ends the path, a limit on file sizes ends the
         * trace; neither ends the program. */
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN);
        err = load(&j);
    }
    if (!err)
        err = answer(&j);

    rec_close(j.rec);
    for (int i = 0; i < j.n_path; i++)
        session_close(j.path[i].session);
    engine_close(j.e);
    model_id_release(&j.id);
    tok_ids_release(&j.prompt);
    str_release(&j.question);
    str_release(&j.piece);
    str_release(&j.settings);
    mem_free(j.logits);
    mem_free(j.out);
    if (j.left) {       /* all is recorded: now end as any program would */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    return err;
}

const struct cmd cmd_run = {
    .name = "run", .operands = "PROMPT|-", .min = 1, .max = 1,
    .summary = "answer a question along one or many paths, and record it",
    .text = "One path is greedy unless a temperature is given; several are "
        "sampled, share the prompt and are decoded together.  What happened "
        "at every layer, token and step goes into the database.",
    .opts = opts, .run = run };
