/* engine/generate.c - see generate.h. */
#include "engine/generate.h"

#include <string.h>

#include "base/mem.h"
#include "engine/hparams.h"
#include "engine/pool.h"
#include "engine/tok.h"

enum { N_ALT = 5 };             /* alternatives that a token records */

struct seat {
    struct gen_path *path;
    int no;                     /* the path's number */
    int n_read;                 /* tokens of its prompt that went in */
    int n_fed;                  /* of which with the step being made */
    int is_ready;               /* logits are there: it can choose */
    float *logits;              /* [n_vocab] */
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
    struct gen_stats stats;
};

/* --- seats ----------------------------------------------------------------*/

static void emit(struct gen *g, enum hook_kind kind, const struct gen_path *p,
                 struct hook_event *ev)
{
    ev->kind = kind;
    ev->tag = p ? session_tag(p->session) : 0;
    ev->pos = p ? session_len(p->session) : -1;
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
        s->is_ready = p->n_prompt == 0;
        if (s->is_ready)
            memcpy(s->logits, p->logits, g->n_vocab * sizeof *s->logits);
        p->joined = (int)g->stats.n_step;
        g->n_used++;
        emit(g, HOOK_JOIN, p, &ev);
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

    sampler_pick(s->path->sampler, s->logits, N_ALT, &g->scratch[thread],
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
    emit(g, HOOK_TOKEN, s->path, &ev);
}

/* Takes the seat's pick; sets the path's stop where it was the last. */
static void take(struct gen *g, struct seat *s)
{
    struct gen_path *p = s->path;
    const struct sampler_pick *pick = &s->pick;

    tell(g, s);
    s->is_ready = 0;
    p->out[p->n_out++] = pick->id;
    if (tok_is_eog(engine_tok(g->e), pick->id))
        p->stop = GEN_EOG;
    else if (p->n_out >= p->max_tok)
        p->stop = GEN_LENGTH;
    else if (session_len(p->session) >= engine_info(g->e)->n_ctx)
        p->stop = GEN_CONTEXT;
    if (g->o.on_token &&
        g->o.on_token(g->o.ud, s->no, pick->id, pick->logprob) &&
        p->stop == GEN_RUNNING)
        p->stop = GEN_CANCELLED;
}

/* A token for everyone whose logits are there. */
static void choose(struct gen *g)
{
    g->n_ready = 0;
    for (int i = 0; i < g->n_used; i++)
        if (g->seat[i].is_ready)
            g->ready[g->n_ready++] = i;
    pool_run(engine_pool(g->e), g->n_ready, pick_task, g);
    for (int i = 0; i < g->n_ready; i++)
        take(g, &g->seat[g->ready[i]]);
    leave(g);
}

/* --- a step ---------------------------------------------------------------*/

static int is_writing(const struct seat *s)
{
    return s->n_read == s->path->n_prompt;
}

/* What seat s puts into a step that has room for n_row more rows. */
static struct engine_feed feed_of(struct seat *s, int n_row)
{
    const struct gen_path *p = s->path;
    int left = p->n_prompt - s->n_read, n = left < n_row ? left : n_row;

    if (is_writing(s))
        return (struct engine_feed){ p->session, &p->out[p->n_out - 1], 1, 1,
                                     s->logits };
    s->n_fed = n;
    return (struct engine_feed){ p->session, p->prompt + s->n_read, n,
                                 n == left, s->logits };
}

/* Writers first, then readers while there is room.  Returns the rows. */
static int fill(struct gen *g, struct engine_feed *feed, int *n_feed)
{
    int n_row = 0;

    *n_feed = 0;
    for (int writers = 1; writers >= 0; writers--)
        for (int i = 0; i < g->n_used && n_row < g->o.n_row; i++) {
            struct seat *s = &g->seat[i];

            if (is_writing(s) != writers)
                continue;
            feed[*n_feed] = feed_of(s, g->o.n_row - n_row);
            s->is_ready = feed[*n_feed].n_logits;
            n_row += feed[(*n_feed)++].n_tok;
        }
    return n_row;
}

/* The engine has taken the feeds: readers are further on. */
static void advance(struct gen *g)
{
    for (int i = 0; i < g->n_used; i++) {
        g->seat[i].n_read += g->seat[i].n_fed;
        g->seat[i].n_fed = 0;
    }
}

enum sor_err gen_step(struct gen *g, int *more, struct sor_msg *msg)
{
    struct engine_feed feed[GEN_SEATS];
    struct hook_event ev = { 0 };
    int n_feed, n_row;
    enum sor_err err;

    /* Whoever ends with the first token frees the seat again. */
    do {
        sit_down(g);
        choose(g);
    } while (g->n_used < g->o.n_seat && g->next < g->n_path);
    *more = g->n_used > 0;
    if (!*more)
        return SOR_OK;
    n_row = fill(g, feed, &n_feed);
    err = engine_step(g->e, feed, n_feed, msg);
    if (err)
        return err;
    advance(g);
    ev.u.batch = (struct hook_batch){
        g->stats.n_step, (uint16_t)g->n_used, (uint16_t)g->o.n_seat,
        (uint16_t)n_row, (uint16_t)g->o.n_row };
    emit(g, HOOK_BATCH, NULL, &ev);
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
    for (int i = 0; i < g->n_used; i++)
        g->seat[i].path->stop = GEN_CANCELLED;
    for (int i = g->next; i < g->n_path; i++)
        if (g->queue[i]->stop == GEN_RUNNING)
            g->queue[i]->stop = GEN_CANCELLED;
    for (int i = 0; i < POOL_MAX_THREADS; i++)
        sampler_scratch_release(&g->scratch[i]);
    mem_free(g->queue);
    mem_free(g->logits);
    mem_free(g);
}

enum sor_err gen_add(struct gen *g, struct gen_path *p, struct sor_msg *msg)
{
    int room = engine_info(g->e)->n_ctx - session_len(p->session);

    if (p->n_prompt > room)
        return sor_fail(msg, SOR_LIMIT, "a prompt of %d tokens; the context "
                        "has room for %d (--ctx)", p->n_prompt, room);
    if (g->n_path == g->cap) {
        int cap = g->cap ? 2 * g->cap : GEN_SEATS;
        struct gen_path **queue = mem_realloc(g->queue, (size_t)cap,
                                              sizeof *queue);
        if (!queue)
            return sor_fail(msg, SOR_NOMEM, "paths: out of memory");
        g->queue = queue;
        g->cap = cap;
    }
    p->n_out = p->joined = p->left = 0;
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
