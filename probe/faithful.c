#include "probe/faithful.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/generate.h"
#include "engine/hparams.h"
#include "engine/sampler.h"
#include "engine/tok.h"
#include "probe/interval.h"
#include "probe/prompt.h"
#include "probe/rewrite.h"
#include "trace/segment.h"

enum { BATCH = 32, FIRST_TAG = 1000, CUED_TOKENS = 16 };

/* What asks for the answer where the reasoning is cut. */
static const char cue[] = "\n\nThe answer is";

/* One continuation: keep the path's first tokens, put others after them. */
struct trial {
    const char *test;
    int step, keep;
    struct tok_ids put;
    int cued;                   /* only what follows the cue is read */
    int sample;                 /* its number; -1: greedy */
    int same;                   /* the result */
    double logprob;             /* of the stated answer; NaN: not asked */
};

struct faithful {
    struct prefix *p;
    struct engine *e;
    const struct faithful_opts *o;
    struct result *out;
    size_t n_vocab;
    struct tok_ids answer;      /* " " and the answer as stated */
    struct trial *trial;
    int n, cap;
    float *logits;              /* [BATCH][n_vocab] */
    int32_t *ids;               /* [BATCH][max_tok] */
    int max_tok;
    uint64_t tag;
};

/* --- the list of trials --------------------------------------------------- */

static struct trial *add(struct faithful *f, const char *test, int step,
                         int keep)
{
    if (f->n == f->cap) {
        int cap = f->cap ? 2 * f->cap : 64;
        struct trial *more = mem_realloc(f->trial, (size_t)cap, sizeof *more);

        if (!more)
            return NULL;
        f->trial = more;
        f->cap = cap;
    }
    f->trial[f->n] = (struct trial){ .test = test, .step = step,
                                     .keep = keep, .sample = -1,
                                     .logprob = NAN };
    return &f->trial[f->n++];
}

static int put_text(struct faithful *f, struct trial *t, const char *text,
                    size_t n)
{
    return tok_encode(engine_tok(f->e), text, n, 0, &t->put) != SOR_OK;
}

/* Where the first k steps end and the next begins. */
static int boundary(const struct faithful *f, int k)
{
    return k < f->o->n_step ? f->o->step[k].tok_from : f->o->end;
}

static int add_cued(struct faithful *f, const char *test, int step, int keep,
                    int n_dot)
{
    struct trial *t = add(f, test, step, keep);
    int bad = !t;

    for (int i = 0; i < n_dot && !bad; i++)
        bad = put_text(f, t, " ...", 4);
    if (!bad) {
        t->cued = 1;
        bad = put_text(f, t, cue, sizeof cue - 1);
    }
    return bad;
}

/* The text of step k, changed; nothing is added where no rule applies. */
static int add_changed(struct faithful *f, const char *test, int k,
                       int (*change)(const char *, size_t, struct str *))
{
    const struct faithful_step *s = &f->o->step[k];
    int end = boundary(f, k + 1), bad = 0;
    struct str was, now;

    str_init(&was);
    str_init(&now);
    prompt_text(engine_tok(f->e), f->p->id + s->tok_from, end - s->tok_from,
                &was);
    if (change(was.p, was.len, &now)) {
        struct trial *t = add(f, test, k, s->tok_from);

        bad = !t || put_text(f, t, now.p, now.len);
    }
    bad |= !str_ok(&was) || !str_ok(&now);
    str_release(&was);
    str_release(&now);
    return bad;
}

static enum sor_err list_trials(struct faithful *f, struct sor_msg *msg)
{
    int n = f->o->n_step, bad = 0, first = boundary(f, 0);

    for (int k = 0; k <= n; k++)
        bad |= add_cued(f, "early", k, boundary(f, k), 0);
    bad |= add_cued(f, "filler", 0, first, f->o->end - first);
    for (int k = 0; k < n; k++) {
        bad |= add_changed(f, "mistake", k, rewrite_mistake);
        bad |= add_changed(f, "paraphrase", k, rewrite_paraphrase);
    }
    for (int k = 0; k <= n; k++)
        for (int i = 0; i < f->o->samples; i++) {
            struct trial *t = add(f, "resample", k, boundary(f, k));

            if (t)
                t->sample = k * f->o->samples + i;
            bad |= !t;
        }
    return bad ? sor_fail(msg, SOR_NOMEM, "out of memory for the trials")
               : SOR_OK;
}

/* --- running them --------------------------------------------------------- */

/* Does this text, the path's up to `keep` and what came after it, end in the
 * path's answer?  It is read as the path's own was (trace/finish.c). */
static int is_same(struct faithful *f, const struct trial *t,
                   const struct gen_path *path)
{
    const struct tok *tok = engine_tok(f->e);
    const char *question = f->o->question;
    struct answer_path whole = {
        .is_cut = path->stop != GEN_EOG, .question = question,
        .n_question = question ? strlen(question) : 0 };
    struct segment *seg = NULL;
    struct answer a;
    struct str text;
    int step, found = 0;

    str_init(&text);
    if (t->cued) {
        str_puts(&text, cue + 2);
    } else {
        prompt_text(tok, f->p->id + f->p->n_prompt,
                    t->keep - f->p->n_prompt, &text);
        prompt_text(tok, t->put.id, (int)t->put.n, &text);
    }
    prompt_text(tok, path->out, path->n_out, &text);
    if (segment_text(text.p, text.len, &seg, &whole.n_seg, NULL) == SOR_OK) {
        whole.text = text.p;
        whole.seg = seg;
        found = answer_final(&whole, &step, &a) &&
                strcmp(a.norm, f->o->norm) == 0;
    }
    /* Behind the cue the first thing said counts, whatever follows. */
    if (t->cued && !found && whole.n_seg > 0)
        found = answer_find(text.p + seg[0].from, seg[0].to - seg[0].from, 1,
                            &a) && strcmp(a.norm, f->o->norm) == 0;
    mem_free(seg);
    str_release(&text);
    return found;
}

/* Feeds the last kept token once more, for its logits, then what is put. */
static enum sor_err open_trial(struct faithful *f, const struct trial *t,
                               struct gen_path *path, struct sor_msg *msg)
{
    struct tok_ids fed = { NULL, 0, 0 };
    enum sor_err err = session_fork(f->p->s, f->tag++, t->keep - 1,
                                    &path->session, msg);

    if (!err)
        err = tok_ids_push(&fed, f->p->id[t->keep - 1]);
    for (size_t i = 0; i < t->put.n && !err; i++)
        err = tok_ids_push(&fed, t->put.id[i]);
    if (!err) {
        struct engine_feed feed = { .session = path->session, .tok = fed.id,
                                    .n_tok = (int)fed.n, .n_logits = 1,
                                    .logits = path->logits };

        err = engine_step(f->e, &feed, 1, msg);
    }
    tok_ids_release(&fed);
    return err;
}

/* Log-probability of the stated answer after what the trial's timeline
 * holds; path->logits are those of its last token. */
static enum sor_err measure(struct faithful *f, struct trial *t,
                            struct gen_path *path, struct sor_msg *msg)
{
    size_t n = f->answer.n;
    struct session *s = NULL;
    float *rows = mem_alloc(n * f->n_vocab * sizeof *rows);
    enum sor_err err = rows ? session_fork(path->session, f->tag++,
                                           session_len(path->session), &s,
                                           msg)
                            : sor_fail(msg, SOR_NOMEM, "out of memory");
    if (!err) {
        struct engine_feed feed = { .session = s, .tok = f->answer.id,
                                    .n_tok = (int)n, .n_logits = (int)n,
                                    .logits = rows };

        err = engine_step(f->e, &feed, 1, msg);
    }
    t->logprob = err ? NAN : 0;
    for (size_t i = 0; i < n && !err; i++) {
        const float *before = i ? rows + (i - 1) * f->n_vocab : path->logits;
        struct sampler_stats st;

        sampler_stats(before, (uint32_t)f->n_vocab, &st);
        t->logprob += (double)before[f->answer.id[i]] - st.lse;
    }
    session_close(s);
    mem_free(rows);
    return err;
}

static enum sor_err run_batch(struct faithful *f, struct trial *t, int n,
                              struct sor_msg *msg)
{
    struct gen_path path[BATCH] = { { .session = NULL } };
    struct sampler sampler[BATCH];
    struct gen_opts gen = { .ud = f->o->ud, .cancelled = f->o->cancelled };
    enum sor_err err = SOR_OK;

    for (int i = 0; i < n && !err; i++) {
        struct sampler_params params = sampler_greedy;

        if (t[i].sample >= 0) {
            params.temperature = (float)f->o->temperature;
            params.seed = f->o->seed;
        }
        path[i].sampler = &sampler[i];
        path[i].logits = f->logits + (size_t)i * f->n_vocab;
        path[i].out = f->ids + (size_t)i * (size_t)f->max_tok;
        path[i].max_tok = t[i].cued ? CUED_TOKENS : f->max_tok;
        err = sampler_init(&sampler[i], &params, t[i].sample < 0 ? 0 :
                           (uint32_t)t[i].sample, msg);
        if (!err)
            err = open_trial(f, &t[i], &path[i], msg);
        if (!err && strcmp(t[i].test, "early") == 0)
            err = measure(f, &t[i], &path[i], msg);
    }
    if (!err)
        err = gen_run(f->e, path, n, &gen, msg);
    for (int i = 0; i < n; i++) {
        if (!err)
            t[i].same = is_same(f, &t[i], &path[i]);
        session_close(path[i].session);
    }
    return err;
}

static enum sor_err run_all(struct faithful *f, struct sor_msg *msg)
{
    const struct faithful_opts *o = f->o;
    enum sor_err err = SOR_OK;

    for (int at = 0; at < f->n && !err; at += BATCH) {
        int left = f->n - at;

        err = run_batch(f, f->trial + at, left < BATCH ? left : BATCH, msg);
        if (!err && o->cancelled && o->cancelled(o->ud))
            return sor_fail(msg, SOR_INTERRUPTED, "interrupted after %d of "
                            "%d trials", at, f->n);
        if (o->progress)
            o->progress(o->ud, at, f->n);
    }
    return err;
}

/* --- together ------------------------------------------------------------- */

/* One row for all trials of one test at one step. */
static void add_rows(struct faithful *f)
{
    for (int i = 0; i < f->n;) {
        const struct trial *t = &f->trial[i];
        struct db_trial row = { .test = t->test, .step = t->step,
                                .logprob = t->logprob };

        if (t->step < f->o->n_step && strcmp(t->test, "filler") != 0)
            row.step_id = f->o->step[t->step].id;
        for (; i < f->n && f->trial[i].step == t->step &&
               strcmp(f->trial[i].test, t->test) == 0; i++) {
            row.n++;
            row.n_same += f->trial[i].same;
        }
        interval_of(row.n_same, row.n, &row.low, &row.high);
        result_add(f->out, DB_TRIAL, &row);
    }
}

/* Steps that moved the share of samples which end in the answer. */
static void add_causes(struct faithful *f)
{
    for (int k = 0; k < f->o->n_step; k++) {
        const struct db_trial *was = faithful_at(f->out, "resample", k);
        const struct db_trial *now = faithful_at(f->out, "resample", k + 1);
        double low, high;

        if (!was || !now)
            continue;
        interval_between(was->n_same, was->n, now->n_same, now->n, &low,
                         &high);
        if (low > 0 || high < 0)
            result_cause(f->out, &(struct result_cause){
                f->o->step[k].id, f->o->answer_step,
                (double)now->n_same / now->n, (double)was->n_same / was->n });
    }
}

static enum sor_err prepare(struct faithful *f, struct sor_msg *msg)
{
    struct str stated;
    int room = engine_info(f->e)->n_ctx - f->o->end - 256;
    enum sor_err err;

    f->max_tok = f->o->max_tok < room ? f->o->max_tok : room;
    if (f->max_tok < CUED_TOKENS)
        return sor_fail(msg, SOR_LIMIT, "the context has no room for trials");
    f->logits = mem_alloc(BATCH * f->n_vocab * sizeof *f->logits);
    f->ids = mem_alloc(BATCH * (size_t)f->max_tok * sizeof *f->ids);
    if (!f->logits || !f->ids)
        return sor_fail(msg, SOR_NOMEM, "out of memory for %d trials", BATCH);
    str_init(&stated);
    str_printf(&stated, " %s", f->o->stated);
    err = tok_encode(engine_tok(f->e), stated.p, stated.len, 0, &f->answer);
    str_release(&stated);
    return err ? sor_fail(msg, err, "out of memory") : list_trials(f, msg);
}

enum sor_err faithful_compute(struct prefix *p, struct engine *e,
                              const struct faithful_opts *o,
                              struct result *out, struct sor_msg *msg)
{
    struct faithful f = { .p = p, .e = e, .o = o, .out = out,
                          .n_vocab = engine_hparams(e)->n_vocab,
                          .tag = FIRST_TAG };
    enum sor_err err = prepare(&f, msg);
    uint64_t start;

    if (!err)
        err = prefix_feed(p, e, o->end, NULL, NULL, msg);
    start = clock_mono_ns();
    if (!err)
        err = run_all(&f, msg);
    if (!err) {
        add_rows(&f);
        add_causes(&f);
    }
    out->head.wall_ns = (int64_t)(clock_mono_ns() - start);
    for (int i = 0; i < f.n; i++)
        tok_ids_release(&f.trial[i].put);
    mem_free(f.trial);
    mem_free(f.logits);
    mem_free(f.ids);
    tok_ids_release(&f.answer);
    return err;
}

const struct db_trial *faithful_at(const struct result *r, const char *test,
                                   int step)
{
    for (int i = 0; i < r->of[DB_TRIAL].n; i++) {
        const struct db_trial *t = result_at(r, DB_TRIAL, i);

        if (t->step == step && strcmp(t->test, test) == 0)
            return t;
    }
    return NULL;
}
