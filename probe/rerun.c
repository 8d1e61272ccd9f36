#include "probe/rerun.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "probe/prompt.h"
#include "probe/with_exit.h"

enum { BASE_TAG = 1 };

struct rerun {
    struct db *d;
    const struct db_run *run;
    struct engine *e;
    const struct replay_opts *o;
    struct replay_report *out;
    struct session *base;           /* the prompt */
    int n_prompt;
    float *prompt_logits, *logits;  /* [n_vocab] */
    struct exit_rule exit;          /* where has_exit: the run's */
    int has_exit;
    int64_t done, total;
};

static int cancelled(void *ud)
{
    struct rerun *r = ud;

    return r->o->cancelled && r->o->cancelled(r->o->ud);
}

static int on_token(void *ud, int path, int32_t id, float logprob)
{
    struct rerun *r = ud;

    (void)path, (void)id, (void)logprob;
    r->out->n_token++;
    if (r->o->progress)
        r->o->progress(r->o->ud, ++r->done, r->total);
    return 0;
}

static enum sor_err feed_prompt(struct rerun *r, struct sor_msg *msg)
{
    const struct db_run *run = r->run;
    struct prompt p = { .text = run->prompt, .system = run->system,
                        .raw = strstr(run->params, "\"raw\":true") != NULL };
    struct tok_ids ids = { NULL, 0, 0 };
    enum chat_kind kind;
    enum sor_err err;

    if (!run->prompt)
        return sor_fail(msg, SOR_NOTFOUND, "run %.8s: its prompt is "
                        "forgotten, so it cannot be replayed", run->uid);
    p.n = strlen(run->prompt);
    err = prompt_encode(r->e, &p, &ids, &kind, msg);
    if (!err && (int)ids.n != run->n_prompt)
        err = sor_fail(msg, SOR_DIFFERS, "run %.8s: the prompt had %d tokens "
                       "and has %zu now", run->uid, run->n_prompt, ids.n);
    if (!err)
        err = session_open(r->e, BASE_TAG, (int)ids.n, &r->base, msg);
    if (!err) {
        struct engine_feed f = { .session = r->base, .tok = ids.id,
                                 .n_tok = (int)ids.n, .n_logits = 1,
                                 .logits = r->prompt_logits };

        err = engine_step(r->e, &f, 1, msg);
    }
    r->n_prompt = (int)ids.n;
    r->out->n_prompt = r->n_prompt;
    tok_ids_release(&ids);
    return err;
}

/* The bytes that two texts have in common at their start. */
static size_t common(const char *a, const char *b)
{
    size_t n = 0;

    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

/* Up to 40 bytes of what stands at a place, as one line. */
static void excerpt(char out[48], const char *s)
{
    size_t n = strlen(s);

    text_safe_fit(out, 48, s, n < 40 ? n : 40 - utf8_tail(s, 40), 0);
}

/* The text of ids as table text keeps it: invalid bytes and NUL as U+FFFD. */
static void stored_text(const struct tok *t, const int32_t *id, int n,
                        struct str *out)
{
    struct str raw;
    char utf8[4];
    uint32_t cp;

    str_init(&raw);
    prompt_text(t, id, n, &raw);
    for (size_t i = 0; i < raw.len; ) {
        i += utf8_next(raw.p + i, raw.len - i, &cp);
        str_put(out, utf8, utf8_put(cp ? cp : 0xFFFD, utf8));
    }
    str_release(&raw);
}

/* Compares the text of out[0..n) with the recorded one; where they differ the
 * position is that of the token that does. */
static void compare(struct rerun *r, const struct db_path *path,
                    const int32_t *id, int n)
{
    const struct tok *t = engine_tok(r->e);
    struct replay_diff *d = &r->out->diff;
    struct str now;
    int at = 0;

    str_init(&now);
    stored_text(t, id, n, &now);
    if (strcmp(now.p, path->text) != 0) {
        size_t same = common(now.p, path->text);

        *d = (struct replay_diff){ .path = path->ordinal, .layer = -1,
                                   .what = "text" };
        excerpt(d->was, path->text + same);
        excerpt(d->now, now.p + same);
        do {
            str_clear(&now);
            stored_text(t, id, ++at, &now);
        } while (at < n && now.len <= same);
        d->pos = r->n_prompt + at - 1;
        r->out->same = 0;
    }
    str_release(&now);
}

static enum sor_err rerun_path(struct rerun *r, const struct db_path *path,
                               struct sor_msg *msg)
{
    const struct db_run *run = r->run;
    struct sampler_params params = {
        .temperature = (float)run->temperature,
        .top_k = (uint32_t)run->top_k, .top_p = (float)run->top_p,
        .min_p = (float)run->min_p, .seed = (uint64_t)run->seed };
    struct gen_opts opts = { .ud = r, .on_token = on_token,
                             .cancelled = cancelled,
                             .exit = r->has_exit ? &r->exit : NULL };
    struct sampler sampler;
    struct gen_path p = { .sampler = &sampler, .max_tok = path->n_token,
                          .logits = r->logits };
    enum sor_err err = sampler_init(&sampler, &params,
                                    (uint32_t)path->ordinal, msg);

    if (err || !path->text)
        return err;                     /* cut off: nothing to hold against */
    sampler.key = (uint64_t)path->seed;
    p.out = mem_calloc((size_t)path->n_token + 1, sizeof *p.out);
    if (!p.out)
        return sor_fail(msg, SOR_NOMEM, "out of memory for a path");
    memcpy(r->logits, r->prompt_logits,
           engine_hparams(r->e)->n_vocab * sizeof *r->logits);
    err = session_fork(r->base, BASE_TAG + 1 + (uint64_t)path->ordinal,
                       r->n_prompt, &p.session, msg);
    if (!err)
        err = gen_run(r->e, &p, 1, &opts, msg);
    if (!err && cancelled(r))
        err = sor_fail(msg, SOR_INTERRUPTED, "interrupted after %lld of %lld "
                       "tokens", (long long)r->done, (long long)r->total);
    if (!err) {
        compare(r, path, p.out, p.n_out);
        r->out->n_path++;
    }
    session_close(p.session);
    mem_free(p.out);
    return err;
}

static enum sor_err rerun_paths(struct rerun *r, struct sor_msg *msg)
{
    struct db_cur *c = db_paths(r->d, r->run->id);
    struct db_path path;
    enum sor_err err = SOR_OK, damaged;

    while (!err && r->out->same && db_path_next(c, &path) > 0)
        if (r->o->path < 0 || r->o->path == path.ordinal)
            err = rerun_path(r, &path, msg);
    damaged = db_cur_close(c);
    if (!err && damaged)
        err = sor_fail(msg, damaged, "run %.8s: its paths cannot be read",
                       r->run->uid);
    if (!err && r->out->same && r->out->n_path == 0)
        err = sor_fail(msg, SOR_NOTFOUND, "run %.8s has no path %d with a "
                       "text", r->run->uid, r->o->path);
    return err;
}

enum sor_err rerun_verify(struct db *d, const struct db_run *run,
                          struct engine *e, const struct replay_opts *o,
                          struct replay_report *out, struct sor_msg *msg)
{
    size_t n_vocab = engine_hparams(e)->n_vocab;
    struct rerun r = { .d = d, .run = run, .e = e, .o = o, .out = out };
    struct db_cur *c = db_paths(d, run->id);
    struct db_path path;
    enum sor_err err;

    while (db_path_next(c, &path) > 0)
        if (o->path < 0 || o->path == path.ordinal)
            r.total += path.n_token;
    db_cur_close(c);
    r.prompt_logits = mem_calloc(n_vocab, sizeof *r.logits);
    r.logits = mem_calloc(n_vocab, sizeof *r.logits);
    if (!r.prompt_logits || !r.logits)
        err = sor_fail(msg, SOR_NOMEM, "out of memory for logits");
    else
        err = with_exit_restore(e, run->params, &r.exit, &r.has_exit, msg);
    if (!err)
        err = feed_prompt(&r, msg);
    if (!err)
        err = rerun_paths(&r, msg);
    session_close(r.base);
    mem_free(r.prompt_logits);
    mem_free(r.logits);
    return err;
}
