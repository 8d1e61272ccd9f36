/* engine/generate.c - see generate.h. */
#include "engine/generate.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/hparams.h"
#include "engine/pool.h"
#include "engine/speculate.h"
#include "engine/tok.h"

enum { N_ALT = 5 };             /* alternatives that a token records */

struct seat {
    struct gen_path *path;
    int no;                     /* the path's number */
    int n_read;                 /* tokens of its prompt that went in */
    int n_fed;                  /* of which with the step being made */
    int is_ready;               /* logits are there: it can choose */
    int len;                    /* tokens in its KV that are certain */
    float *logits;              /* [n_vocab] */
    const float *at;            /* [n_vocab] what it chooses from */
    struct guess guess;         /* read with the last certain token */
    struct sampler_pick pick;
};

struct gen {
    struct engine *e;
    struct gen_opts o;
    uint32_t n_vocab;
    struct gen_path **queue;    /* [n_path], in the order of arrival */
    int n_path, cap, next;      /* next: the first that waits */
    /* The first n_used are taken, in the order in which that happened; the
     * others keep a buffer for logits each. */
    struct seat seat[GEN_SEATS];
    int n_used;
    float *logits;              /* [n_seat][n_vocab] */
    struct sampler_scratch scratch[POOL_MAX_THREADS];
    int n_ready, ready[GEN_SEATS];
    struct draft *draft;        /* [cap], of the paths; NULL: no guesses */
    float *ahead;               /* [n_ahead][n_vocab] logits of guesses */
    int n_ahead;
    uint64_t step_ns;           /* when the last step began; 0: none has */
    int was_drafted, was_read;  /* it had guesses, prompts */
    struct gen_stats stats;
};

/* --- seats ----------------------------------------------------------------*/

/* s NULL: of none, and pos is -1. */
static void emit(struct gen *g, enum hook_kind kind, const struct seat *s,
                 int pos, struct hook_event *ev)
{
    ev->kind = kind;
    ev->tag = s ? session_tag(s->path->session) : 0;
    ev->pos = pos;
    ev->row = -1;
    ev->layer = -1;
    engine_emit(g->e, ev);
}

static void sit_down(struct gen *g)
{
    struct hook_event ev = { .u.join = { g->stats.n_step } };

    while (g->n_used < g->o.n_seat && g->next < g->n_path) {
        struct seat *s = &g->seat[g->n_used];
        struct gen_path *p = g->queue[g->next];

        s->no = g->next++;
        if (p->stop != GEN_RUNNING)     /* it asked for no token */
            continue;
        s->path = p;
        s->n_read = s->n_fed = 0;
        s->len = session_len(p->session);
        s->guess.n = s->guess.n_kept = 0;
        s->at = s->logits;
        s->is_ready = p->n_prompt == 0;
        if (s->is_ready)
            memcpy(s->logits, p->logits, g->n_vocab * sizeof *s->logits);
        p->joined = (int)g->stats.n_step;
        g->n_used++;
        emit(g, HOOK_JOIN, s, s->len, &ev);
    }
}

/* Those who stay move up, so that the order of joining remains. */
static void leave(struct gen *g)
{
    int n = 0;

    for (int i = 0; i < g->n_used; i++) {
        struct seat s = g->seat[i];

        if (s.path->stop == GEN_RUNNING) {
            g->seat[i] = g->seat[n];
            g->seat[n++] = s;
            continue;
        }
        s.path->left = (int)g->stats.n_step;
        if (g->o.on_end)
            g->o.on_end(g->o.ud, s.no);
    }
    g->n_used = n;
}

/* --- choosing -------------------------------------------------------------*/

static void pick_task(void *ctx, int i, int thread)
{
    struct gen *g = ctx;
    struct seat *s = &g->seat[g->ready[i]];

    sampler_pick(s->path->sampler, s->at, N_ALT, &g->scratch[thread],
                 &s->pick);
}

static void tell(struct gen *g, const struct seat *s)
{
    const struct sampler_pick *pick = &s->pick;
    int32_t id[SAMPLER_TOP];
    float logprob[SAMPLER_TOP];
    struct hook_event ev = { .u.token = {
        .id = pick->id, .logprob = pick->logprob, .entropy = pick->entropy,
        .n_alt = (uint16_t)pick->n_top, .alt_id = id, .alt_logprob = logprob,
    } };

    for (uint32_t i = 0; i < pick->n_top; i++) {
        id[i] = pick->top[i].id;
        logprob[i] = pick->top[i].logprob;
    }
    emit(g, HOOK_TOKEN, s, s->len, &ev);
}

/* All guesses of the seat are judged: the KV of wrong ones goes. */
static void settle(struct gen *g, struct seat *s)
{
    struct guess *u = &s->guess;
    struct hook_event ev = { .u.draft = {
        (uint16_t)u->n, (uint16_t)u->n_kept, (uint8_t)g->o.draft } };

    if (u->n == 0)
        return;
    session_rewind(s->path->session, s->len);
    draft_kept(&g->draft[s->no], u->n_kept);
    s->path->n_draft += u->n;
    s->path->n_kept += u->n_kept;
    g->stats.n_draft += u->n;
    g->stats.n_kept += u->n_kept;
    emit(g, HOOK_DRAFT, s, s->len - 1 - u->n_kept, &ev);
    u->n = u->n_kept = 0;
}

/* The token just taken was guessed: its row is certain now, and so are the
 * logits that it made. */
static int was_guessed(const struct gen *g, struct seat *s)
{
    struct guess *u = &s->guess;

    if (s->path->stop != GEN_RUNNING || u->n_kept == u->n ||
        u->tok[1 + u->n_kept] != s->pick.id)
        return 0;
    u->n_kept++;
    s->len++;
    s->at += g->n_vocab;
    return 1;
}

/* Takes the seat's pick; sets the path's stop where it was the last. */
static void take(struct gen *g, struct seat *s)
{
    struct gen_path *p = s->path;
    const struct sampler_pick *pick = &s->pick;
    int pos = s->len;

    tell(g, s);
    p->out[p->n_out++] = pick->id;
    if (tok_is_eog(engine_tok(g->e), pick->id))
        p->stop = GEN_EOG;
    else if (p->n_out >= p->max_tok)
        p->stop = GEN_LENGTH;
    else if (s->len >= engine_info(g->e)->n_ctx)
        p->stop = GEN_CONTEXT;
    if (g->o.on_token &&
        g->o.on_token(g->o.ud, s->no, pick->id, pick->logprob) &&
        p->stop == GEN_RUNNING)
        p->stop = GEN_CANCELLED;
    if (g->draft)
        draft_wrote(&g->draft[s->no], pick->id);
    s->is_ready = was_guessed(g, s);
    if (!s->is_ready)
        settle(g, s);
    session_note(p->session, pos, pick->entropy);   /* after any rewind */
}

/* Tokens for everyone whose logits are there: one, and one more for each guess
 * that was right.  Returns how many. */
static int choose(struct gen *g)
{
    int n = 0;

    do {
        g->n_ready = 0;
        for (int i = 0; i < g->n_used; i++)
            if (g->seat[i].is_ready)
                g->ready[g->n_ready++] = i;
        pool_run(engine_pool(g->e), g->n_ready, pick_task, g);
        for (int i = 0; i < g->n_ready; i++)
            take(g, &g->seat[g->ready[i]]);
        n += g->n_ready;
    } while (g->n_ready > 0);
    leave(g);
    return n;
}

/* --- a step ---------------------------------------------------------------*/

static int is_writing(const struct seat *s)
{
    return s->n_read == s->path->n_prompt;
}

/* What the writers would read ahead of their choices; they share what is left
 * of the rows, and of those with logits. */
static enum sor_err look_ahead(struct gen *g, struct sor_msg *msg)
{
    struct speculate job = { .e = g->e, .source = g->o.draft,
                             .n_layer = g->o.draft_layer };
    int n_ctx = engine_info(g->e)->n_ctx, share;
    int most = g->n_ahead < g->o.n_row ? g->n_ahead : g->o.n_row;

    for (int i = 0; i < g->n_used; i++)
        job.n += is_writing(&g->seat[i]);
    if (!g->draft || job.n == 0)
        return SOR_OK;
    share = most / job.n - 1;
    job.price = draft_price(job.n);
    job.n = 0;
    for (int i = 0; i < g->n_used; i++) {
        struct seat *s = &g->seat[i];
        int room = draft_room(s->len, s->path->max_tok - s->path->n_out);
        int fits = n_ctx - s->len - 1;

        if (!is_writing(s))
            continue;
        room = room < share ? room : share;
        job.seat[job.n++] = (struct speculate_seat){
            .session = s->path->session, .draft = &g->draft[s->no],
            .guess = &s->guess, .logits = s->logits,
            .most = room < fits ? room : fits };
    }
    return speculate(&job, msg);
}

/* What seat s puts into a step that has room for n_row more rows; *ahead: where
 * the logits of guesses go. */
static struct engine_feed feed_of(const struct gen *g, struct seat *s,
                                  int n_row, float **ahead)
{
    const struct gen_path *p = s->path;
    int left = p->n_prompt - s->n_read, n = left < n_row ? left : n_row;
    int n_guess = s->guess.n;

    s->n_fed = n;
    s->at = s->logits;
    if (!is_writing(s))
        return (struct engine_feed){
            .session = p->session, .tok = p->prompt + s->n_read, .n_tok = n,
            .n_logits = n == left, .logits = s->logits };
    s->n_fed = 1;
    s->guess.tok[0] = p->out[p->n_out - 1];
    struct engine_feed f = {
        .session = p->session, .tok = s->guess.tok, .n_tok = 1 + n_guess,
        .n_logits = 1 + n_guess, .logits = s->logits, .exit = g->o.exit,
        .n_draft = n_guess };

    if (n_guess > 0) {
        s->at = f.logits = *ahead;
        *ahead += (size_t)(1 + n_guess) * g->n_vocab;
    }
    return f;
}

/* Writers first, then readers while there is room.  Returns the rows. */
static int fill(struct gen *g, struct engine_feed *feed, int *n_feed)
{
    float *ahead = g->ahead;
    int n_row = 0;

    *n_feed = 0;
    g->was_drafted = g->was_read = 0;
    for (int writers = 1; writers >= 0; writers--)
        for (int i = 0; i < g->n_used && n_row < g->o.n_row; i++) {
            struct seat *s = &g->seat[i];

            if (is_writing(s) != writers)
                continue;
            feed[*n_feed] = feed_of(g, s, g->o.n_row - n_row, &ahead);
            g->was_drafted |= s->guess.n > 0;
            g->was_read |= !writers;
            s->is_ready = feed[*n_feed].n_logits;
            n_row += feed[(*n_feed)++].n_tok;
        }
    return n_row;
}

/* The engine has taken the feeds: all are further on, by what was certain. */
static void advance(struct gen *g)
{
    for (int i = 0; i < g->n_used; i++) {
        struct seat *s = &g->seat[i];

        if (!is_writing(s))
            s->n_read += s->n_fed;
        s->len += s->n_fed;
        s->n_fed = 0;
    }
}

/* n_tok tokens came of the step before, if there was one. */
static void account(struct gen *g, int n_tok)
{
    uint64_t now = clock_mono_ns();
    struct gen_time *t = g->was_drafted ? &g->stats.drafted : &g->stats.plain;

    if (g->step_ns && !g->was_read) {
        t->n_tok += n_tok;
        t->ns += (int64_t)(now - g->step_ns);
    }
    g->step_ns = now;
}

enum sor_err gen_step(struct gen *g, int *more, struct sor_msg *msg)
{
    struct engine_feed feed[GEN_SEATS];
    struct hook_event ev = { 0 };
    int n_feed, n_row, n_tok = 0;
    enum sor_err err;

    /* Whoever ends with the first token frees the seat again. */
    do {
        sit_down(g);
        n_tok += choose(g);
    } while (g->n_used < g->o.n_seat && g->next < g->n_path);
    account(g, n_tok);
    *more = g->n_used > 0;
    if (!*more)
        return SOR_OK;
    if ((err = look_ahead(g, msg)))
        return err;
    n_row = fill(g, feed, &n_feed);
    err = engine_step(g->e, feed, n_feed, msg);
    if (err)
        return err;
    advance(g);
    ev.u.batch = (struct hook_batch){
        g->stats.n_step, (uint16_t)g->n_used, (uint16_t)g->o.n_seat,
        (uint16_t)n_row, (uint16_t)g->o.n_row };
    emit(g, HOOK_BATCH, NULL, -1, &ev);
    g->stats.n_step++;
    g->stats.seats += g->n_used;
    g->stats.rows += n_row;
    return SOR_OK;
}

void gen_stats(const struct gen *g, struct gen_stats *out)
{
    *out = g->stats;
}

/* --- opening and closing --------------------------------------------------*/

static enum sor_err alloc(struct gen *g, struct sor_msg *msg)
{
    size_t n_seat = (size_t)g->o.n_seat;

    g->logits = mem_alloc(n_seat * g->n_vocab * sizeof *g->logits);
    if (!g->logits)
        return sor_fail(msg, SOR_NOMEM, "no memory for the logits of %d paths",
                        g->o.n_seat);
    for (size_t i = 0; i < n_seat; i++)
        g->seat[i].logits = g->logits + i * g->n_vocab;
    if (g->o.draft) {
        g->n_ahead = g->o.n_seat * (1 + DRAFT_MAX);
        g->n_ahead = g->n_ahead < GEN_SEATS ? g->n_ahead : GEN_SEATS;
        g->ahead = mem_alloc((size_t)g->n_ahead * g->n_vocab *
                             sizeof *g->ahead);
        if (!g->ahead)
            return sor_fail(msg, SOR_NOMEM, "no memory for the logits of %d "
                            "guesses", g->n_ahead);
    }
    for (int i = 0; i < pool_threads(engine_pool(g->e)); i++)
        if (sampler_scratch_init(&g->scratch[i], g->n_vocab))
            return sor_fail(msg, SOR_NOMEM, "sampler: out of memory");
    return SOR_OK;
}

enum sor_err gen_open(struct engine *e, const struct gen_opts *opts,
                      struct gen **out, struct sor_msg *msg)
{
    struct gen *g = mem_calloc(1, sizeof *g);
    enum sor_err err;

    if (!g)
        return sor_fail(msg, SOR_NOMEM, "paths: out of memory");
    g->e = e;
    g->o = *opts;
    g->n_vocab = engine_hparams(e)->n_vocab;
    if (g->o.n_seat == 0)
        g->o.n_seat = GEN_SEATS;
    if (g->o.n_row == 0)
        g->o.n_row = GEN_ROWS;
    g->stats.n_seat = g->o.n_seat;
    g->stats.n_row = g->o.n_row;
    if (g->o.n_seat < 0 || g->o.n_seat > GEN_SEATS ||
        g->o.n_row < g->o.n_seat || g->o.n_row > GEN_ROWS)
        err = sor_fail(msg, SOR_LIMIT, "%d seats and %d rows: there may be 1 "
                       "to %d seats, and from one row for each to %d",
                       g->o.n_seat, g->o.n_row, GEN_SEATS, GEN_ROWS);
    else if (g->o.exit && g->o.draft)
        err = sor_fail(msg, SOR_USAGE, "tokens that may leave early are read "
                       "one by one: guessing ahead saves nothing then");
    else
        err = alloc(g, msg);
    if (err) {
        gen_close(g);
        return err;
    }
    *out = g;
    return SOR_OK;
}

void gen_close(struct gen *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->n_used; i++) {
        struct seat *s = &g->seat[i];

        s->path->stop = GEN_CANCELLED;
        session_rewind(s->path->session, s->len);   /* nobody judged them */
    }
    for (int i = g->next; i < g->n_path; i++)
        if (g->queue[i]->stop == GEN_RUNNING)
            g->queue[i]->stop = GEN_CANCELLED;
    for (int i = 0; i < POOL_MAX_THREADS; i++)
        sampler_scratch_release(&g->scratch[i]);
    for (int i = 0; g->draft && i < g->n_path; i++)
        draft_release(&g->draft[i]);
    mem_free(g->draft);
    mem_free(g->ahead);
    mem_free(g->queue);
    mem_free(g->logits);
    mem_free(g);
}

/* Room for one more path, and for its text where guesses are made. */
static enum sor_err grow(struct gen *g, const struct gen_path *p)
{
    int cap = g->cap ? 2 * g->cap : GEN_SEATS;
    struct gen_path **queue = g->queue;
    struct draft *draft = g->draft;

    if (g->n_path == g->cap) {
        queue = mem_realloc(queue, (size_t)cap, sizeof *queue);
        if (queue)
            g->queue = queue;
        if (g->o.draft)
            draft = mem_realloc(draft, (size_t)cap, sizeof *draft);
        if (draft)
            g->draft = draft;
        if (!queue || (g->o.draft && !draft))
            return SOR_NOMEM;
        g->cap = cap;
    }
    if (!g->o.draft)
        return SOR_OK;
    draft = &g->draft[g->n_path];
    if (draft_init(draft, p->n_before + p->n_prompt + p->max_tok))
        return SOR_NOMEM;
    draft_read(draft, p->before, p->n_before);
    draft_read(draft, p->prompt, p->n_prompt);
    return SOR_OK;
}

enum sor_err gen_add(struct gen *g, struct gen_path *p, struct sor_msg *msg)
{
    int room = engine_info(g->e)->n_ctx - session_len(p->session);

    if (p->n_prompt > room)
        return sor_fail(msg, SOR_LIMIT, "a prompt of %d tokens; the context "
                        "has room for %d (--ctx)", p->n_prompt, room);
    if (grow(g, p))
        return sor_fail(msg, SOR_NOMEM, "paths: out of memory");
    p->n_out = p->joined = p->left = p->n_draft = p->n_kept = 0;
    p->stop = p->max_tok > 0 ? GEN_RUNNING : GEN_LENGTH;
    g->queue[g->n_path++] = p;
    return SOR_OK;
}

enum sor_err gen_run(struct engine *e, struct gen_path *path, int n_path,
                     const struct gen_opts *opts, struct sor_msg *msg)
{
    struct gen_opts o = *opts;
    struct gen *g = NULL;
    enum sor_err err;
    int more = 1;

    if (o.n_seat == 0)
        o.n_seat = n_path < 1 ? 1 : n_path < GEN_SEATS ? n_path : GEN_SEATS;
    err = gen_open(e, &o, &g, msg);
    for (int i = 0; !err && i < n_path; i++)
        err = gen_add(g, &path[i], msg);
    while (!err && more && !(o.cancelled && o.cancelled(o.ud)))
        err = gen_step(g, &more, msg);
    if (g && o.stats)
        gen_stats(g, o.stats);
    gen_close(g);
    for (int i = 0; i < n_path; i++)    /* those that were never added */
        if (path[i].stop == GEN_RUNNING)
            path[i].stop = GEN_CANCELLED;
    return err;
}
