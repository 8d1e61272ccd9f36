#include "probe/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/sampler.h"
#include "probe/logits.h"

enum {
    FEED = 64,              /* rows whose logits are held at a time */
    ALONE = 8,              /* blocks that a group reads while it is ranked */
    WIDE = 1 << 15          /* blocks: no limit */
};

/* Budgets tried of groups that are not dense, and of those that are.  They end
 * where a token would cost much more behind 32,768 keys than behind 4,096. */
static const int ladder[] = { 8, 12, 16, 24, 32, 48, 64, 96 };
static const int caps[] = { 32, 64, 96, 128, 192, 256 };
enum { LADDER = sizeof ladder / sizeof *ladder,
       CAPS = sizeof caps / sizeof *caps };

/* A part that correlates less with the cost of a block has no say. */
static const double LEAST_CORR = 0.05;

/* Shares of sparse tokens that each limit of the guard is set to take. */
static const double GUARD_SHARE = 0.05;

/* One token of the second stretch. */
struct token_cost { float kl[ROUTE_MODES], entropy, margin; uint8_t flips; };

struct job {
    struct engine *e;
    const struct calibrate_opts *o;
    struct route *route, *trial;
    struct session *base;       /* the first n_context tokens, in full */
    size_t n_vocab;
    float *ref;                 /* [n_tail][n_vocab] in full */
    float *logits;              /* [1 + ROUTE_MODES][FEED][n_vocab] */
    struct token_cost *cost;    /* [n_tok] of the second stretch */
    int n_tok, second;          /* where it begins */
    float (*part)[HOOK_PARTS];  /* [n_tok / 16] */
    double nll[1 + ROUTE_MODES];
    double read, compared, full[ROUTE_MODES], did[ROUTE_MODES];
    int watched;                /* the mode whose work is counted */
    int64_t done, total;
    uint64_t tag;
};

static enum sor_err step(struct job *j, struct session *s, int from, int n,
                         float *logits, struct sor_msg *msg)
{
    struct engine_feed f = { .session = s, .tok = j->o->id + from,
                             .n_tok = n, .n_logits = logits ? n : 0,
                             .logits = logits };

    if (j->o->cancelled && j->o->cancelled(j->o->ud))
        return sor_fail(msg, SOR_INTERRUPTED, "interrupted");
    enum sor_err err = engine_step(j->e, &f, 1, msg);

    j->done += n;
    if (!err && j->o->progress)
        j->o->progress(j->o->ud, j->done, j->total);
    return err;
}

static struct logits row_of(const float *v, size_t n)
{
    struct sampler_stats st;

    sampler_stats(v, (uint32_t)n, &st);
    return (struct logits){ v, st.lse };
}

/* --- behind a context --------------------------------------------------- */

/* The mean KL of the tail as the trial policy reads it. */
static enum sor_err try_tail(struct job *j, double *kl, struct sor_msg *msg)
{
    int n = j->o->n_tail, at = j->o->n_context;
    struct session *s = NULL;
    enum sor_err err = route_make(j->trial, msg);
    double sum = 0.0;

    if (!err)
        err = session_fork(j->base, ++j->tag, at, &s, msg);
    if (!err)
        err = session_route(s, j->trial, msg);
    for (int i = 0; i < n && !err; i += FEED) {
        int rows = n - i < FEED ? n - i : FEED;

        err = step(j, s, at + i, rows, j->logits, msg);
        for (int r = 0; r < rows && !err; r++)
            sum += logits_kl_quick(
                row_of(j->ref + (size_t)(i + r) * j->n_vocab, j->n_vocab),
                row_of(j->logits + (size_t)r * j->n_vocab, j->n_vocab),
                j->n_vocab);
    }
    session_close(s);
    *kl = sum / n;
    return err;
}

struct ranked { double kl; uint16_t group; };

static int by_kl(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return x->kl != y->kl ? (x->kl < y->kl) - (x->kl > y->kl)
                          : (x->group > y->group) - (x->group < y->group);
}

/* The trial's rank with `last` at its end. */
static void put_last(struct route *r, int n, int last)
{
    for (int i = 0; i < n; i++)
        r->rank[i] = (uint16_t)(i < last ? i : i + 1);
    r->rank[n - 1] = (uint16_t)last;
}

static enum sor_err rank_groups(struct job *j, struct sor_msg *msg)
{
    int n = j->route->n_layer * j->route->n_group;
    struct ranked *list = mem_calloc((size_t)n, sizeof *list);
    enum sor_err err = SOR_OK;

    if (!list)
        return sor_fail(msg, SOR_NOMEM, "calibration: out of memory");
    j->trial->choice = ROUTE_SPARSE;
    j->trial->mode[HOOK_SPARSE] = (struct route_mode){ n - 1, WIDE, ALONE };
    for (int g = 0; g < n && !err; g++) {
        put_last(j->trial, n, g);
        list[g].group = (uint16_t)g;
        err = try_tail(j, &list[g].kl, msg);
    }
    if (!err)
        qsort(list, (size_t)n, sizeof *list, by_kl);
    for (int i = 0; i < n && !err; i++)
        j->route->rank[i] = j->trial->rank[i] = list[i].group;
    mem_free(list);
    return err;
}

struct budget { int best, cap; double blocks; };

static int by_blocks(const void *a, const void *b)
{
    const struct budget *x = a, *y = b;

    return x->blocks != y->blocks ? (x->blocks > y->blocks) -
                                    (x->blocks < y->blocks)
                                  : x->best - y->best;
}

/* Every pair of the ladders, those first that read least behind the context;
 * returns how many. */
static int list_budgets(const struct job *j, int mode, struct budget *out)
{
    int groups = j->route->n_layer * j->route->n_group, n = 0;
    int dense = j->route->mode[mode].n_dense, most = j->o->n_context /
                                                     HOOK_BLOCK;

    for (int b = 0; b < LADDER; b++)
        for (int c = 0; c < CAPS; c++) {
            int best = ladder[b], cap = caps[c];

            if (cap < best)
                continue;
            out[n++] = (struct budget){ best, cap,
                (double)dense * (cap < most ? cap : most) +
                (double)(groups - dense) * (best < most ? best : most) };
        }
    qsort(out, (size_t)n, sizeof *out, by_blocks);
    return n;
}

/* The cheapest budget that keeps a mode to `most` nats; the largest where none
 * does. */
static enum sor_err find_budget(struct job *j, int mode, double most,
                                struct sor_msg *msg)
{
    struct route_mode *of = &j->route->mode[mode];
    struct budget all[LADDER * CAPS];
    int n = list_budgets(j, mode, all);
    enum sor_err err = SOR_OK;
    double kl = INFINITY;

    j->trial->choice = mode == HOOK_SPARSE ? ROUTE_SPARSE : ROUTE_HYBRID;
    for (int i = 0; i < n && kl > most && !err; i++) {
        of->best = all[i].best;
        of->cap = all[i].cap;
        j->trial->mode[mode] = *of;
        err = try_tail(j, &kl, msg);
    }
    return err ? err : route_make(j->route, msg);
}

static enum sor_err behind_context(struct job *j, struct sor_msg *msg)
{
    const struct calibrate_opts *o = j->o;
    struct session *s = NULL;
    enum sor_err err = session_open(j->e, ++j->tag, o->n_context, &j->base,
                                    msg);

    for (int at = 0; at < o->n_context && !err; at += FEED)
        err = step(j, j->base, at, o->n_context - at < FEED
                                   ? o->n_context - at : FEED, NULL, msg);
    if (!err)
        err = session_fork(j->base, ++j->tag, o->n_context, &s, msg);
    for (int i = 0; i < o->n_tail && !err; i += FEED)
        err = step(j, s, o->n_context + i,
                   o->n_tail - i < FEED ? o->n_tail - i : FEED,
                   j->ref + (size_t)i * j->n_vocab, msg);
    session_close(s);
    if (!err)
        err = rank_groups(j, msg);
    if (!err)
        err = find_budget(j, HOOK_SPARSE, log(o->target), msg);
    if (!err)
        err = find_budget(j, HOOK_HYBRID, log(o->target) / 2, msg);
    session_close(j->base);
    j->base = NULL;
    return err;
}

/* --- side by side -------------------------------------------------------- */

static void on_route(void *ud, const struct hook_event *ev)
{
    struct job *j = ud;
    const struct hook_route *u = &ev->u.route;
    double blocks = (double)(j->route->n_group * (ev->pos / HOOK_BLOCK + 1));

    /* reading a block is 16 keys and 16 values; comparing it, one of two */
    if (u->mode < ROUTE_MODES) {
        j->did[u->mode] += 32.0 * u->blocks_read + u->compared;
        j->full[u->mode] += 32.0 * blocks;
    }
    if (ev->layer == 0 && u->mode == HOOK_SPARSE && u->part &&
        ev->pos % HOOK_BLOCK == 0)
        memcpy(j->part[ev->pos / HOOK_BLOCK], u->part, sizeof j->part[0]);
}

static void measure_rows(struct job *j, int at, int rows)
{
    size_t n = j->n_vocab;

    for (int r = 0; r < rows; r++) {
        struct token_cost *c = &j->cost[at + r];
        const float *row[1 + ROUTE_MODES];
        struct sampler_stats st[1 + ROUTE_MODES];
        struct sampler_alt was, top[2] = { { -1, 0.0f }, { -1, 0.0f } };

        for (int m = 0; m <= ROUTE_MODES; m++) {
            row[m] = j->logits + ((size_t)m * FEED + (size_t)r) * n;
            sampler_stats(row[m], (uint32_t)n, &st[m]);
            if (at + r + 1 < j->n_tok)
                j->nll[m] += st[m].lse -
                             (double)row[m][j->o->id[j->second + at + r + 1]];
        }
        for (int m = 0; m < ROUTE_MODES; m++)
            c->kl[m] = (float)logits_kl_quick(
                (struct logits){ row[0], st[0].lse },
                (struct logits){ row[1 + m], st[1 + m].lse }, n);
        sampler_top(row[0], (uint32_t)n, st[0].lse, 1, &was);
        sampler_top(row[1], (uint32_t)n, st[1].lse, 2, top);
        c->entropy = (float)st[1].entropy;
        c->margin = top[0].logprob - top[1].logprob;
        c->flips = was.id != top[0].id;
    }
}

/* All three readings of the stretch, chunk by chunk. */
static enum sor_err side_by_side(struct job *j, struct sor_msg *msg)
{
    static const enum route_choice choice[] = { ROUTE_FULL, ROUTE_SPARSE,
                                                ROUTE_HYBRID };
    struct hook_observer watch = { 1u << HOOK_ROUTE, j, on_route };
    struct session *s[1 + ROUTE_MODES] = { NULL };
    struct route *r[1 + ROUTE_MODES] = { NULL };
    struct str json;
    enum sor_err err = SOR_OK;

    str_init(&json);
    route_print(j->route, &json);
    for (int m = 0; m <= ROUTE_MODES && !err; m++) {
        err = route_parse(json.p, "calibration", engine_hparams(j->e), &r[m],
                          msg);
        if (!err) {
            r[m]->choice = choice[m];
            r[m]->unsure_entropy = r[m]->unsure_margin = 0.0f;
            err = engine_route(j->e, r[m], msg);
        }
        if (!err)
            err = session_open(j->e, ++j->tag, j->n_tok, &s[m], msg);
    }
    if (!err)
        err = engine_observe(j->e, &watch, msg);
    /* a block at a time: the score of the next one is made of what decoding
     * would know of this one's predictions */
    for (int at = 0; at < j->n_tok && !err; at += HOOK_BLOCK) {
        for (int m = 0; m <= ROUTE_MODES && !err; m++)
            err = step(j, s[m], j->second + at, HOOK_BLOCK,
                       j->logits + (size_t)m * FEED * j->n_vocab, msg);
        if (!err)
            measure_rows(j, at, HOOK_BLOCK);
        for (int i = 0; i < HOOK_BLOCK && !err; i++)
            session_note(s[1], at + i + 1, j->cost[at + i].entropy);
    }
    engine_observe(j->e, NULL, NULL);
    for (int m = 0; m <= ROUTE_MODES; m++) {
        session_close(s[m]);
        route_close(r[m]);
    }
    str_release(&json);
    return err;
}

/* --- what follows from it ------------------------------------------------- */

/* Of part i over the blocks that know it, and what sparseness cost them. */
static double correlation(const struct job *j, const double *cost, int i,
                          const float *value, int n)
{
    double n_known = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;

    for (int b = 0; b < n; b++) {
        double x = (double)(value ? value[b] : j->part[b][i]), y = cost[b];

        if (isnan(x))
            continue;
        n_known++;
        sx += x;
        sy += y;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
    }
    double vx = n_known * sxx - sx * sx, vy = n_known * syy - sy * sy;

    return vx > 0 && vy > 0 ? (n_known * sxy - sx * sy) / sqrt(vx * vy) : 0.0;
}

struct scored { float score; double cost[ROUTE_MODES]; };

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;

    return (x->score > y->score) - (x->score < y->score);
}

/* The largest score of the first n blocks, and of one more, below which their
 * mean cost keeps to `most`. */
static float threshold(const struct scored *s, int n, int mode, double most)
{
    double sum = 0.0;
    float at = 0.0f;

    for (int i = 0; i < n; i++) {
        sum += s[i].cost[mode];
        if (sum / (i + 1) <= most)
            at = s[i + 1].score;
    }
    return at;
}

static enum sor_err set_thresholds(struct job *j, struct calibrate_report *rep,
                                   struct sor_msg *msg)
{
    int first = j->route->least[HOOK_SPARSE];   /* before: all is read */
    int n = j->n_tok / HOOK_BLOCK - first, kept = 0;
    struct scored *s = mem_calloc((size_t)(n > 0 ? n : 1), sizeof *s);
    double *cost = mem_calloc((size_t)(n > 0 ? n : 1), sizeof *cost);
    float *score = mem_calloc((size_t)(n > 0 ? n : 1), sizeof *score);
    enum sor_err err = SOR_OK;
    double most = log(j->o->target), found = 0.0;

    if (n < 8)
        err = sor_fail(msg, SOR_LIMIT, "the text is too short for its budget: "
                       "%d blocks of it are routed; at least 8 are needed",
                       n < 0 ? 0 : n);
    if (!err && (!s || !cost || !score))
        err = sor_fail(msg, SOR_NOMEM, "calibration: out of memory");
    for (int b = 0; b < n && !err; b++)
        for (int i = 0; i < HOOK_BLOCK; i++)
            for (int m = 0; m < ROUTE_MODES; m++)
                s[b].cost[m] += (double)j->cost[(first + b) * HOOK_BLOCK +
                                                i].kl[m] / HOOK_BLOCK;
    if (!err) {
        memmove(j->part, j->part + first, (size_t)n * sizeof *j->part);
        for (int b = 0; b < n; b++)
            cost[b] = s[b].cost[HOOK_SPARSE];
        for (int i = 0; i < HOOK_PARTS; i++) {
            double c = correlation(j, cost, i, NULL, n);

            /* the guard was off, so that nothing is known of that part */
            if (i == HOOK_PART_ESCALATED)
                continue;
            j->route->weights.of[i] = fabs(c) > LEAST_CORR
                                    ? roundf((float)c * 100) / 100 : 0.0f;
            found += (double)fabsf(j->route->weights.of[i]);
        }
        if (!(found > 0.0))     /* nothing foretells it: as if unmeasured */
            j->route->weights = complexity_default;
        for (int b = 0; b < n; b++)
            s[b].score = score[b] = complexity_score(&j->route->weights,
                                                     j->part[b]);
        rep->corr = correlation(j, cost, 0, score, n);
        qsort(s, (size_t)n, sizeof *s, by_score);
        j->route->low = threshold(s, n * 3 / 4, HOOK_SPARSE, most);
        j->route->high = threshold(s, n * 19 / 20, HOOK_HYBRID, most / 2);
        if (j->route->high < j->route->low)
            j->route->high = j->route->low;
        for (int b = 0; b < n; b++)
            kept += s[b].score < j->route->high;
        rep->kept = (double)kept / n;
    }
    mem_free(s);
    mem_free(cost);
    mem_free(score);
    return err;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static enum sor_err set_guard(struct job *j, struct calibrate_report *rep,
                              struct sor_msg *msg)
{
    int first = j->route->least[HOOK_SPARSE] * HOOK_BLOCK;
    int n = j->n_tok - first, taken = 0, flips = 0, caught = 0;
    float *v = mem_calloc((size_t)n, sizeof *v);

    if (!v)
        return sor_fail(msg, SOR_NOMEM, "calibration: out of memory");
    for (int i = 0; i < n; i++)
        v[i] = j->cost[first + i].entropy;
    qsort(v, (size_t)n, sizeof *v, by_value);
    j->route->unsure_entropy = v[(int)((1.0 - GUARD_SHARE) * (n - 1))];
    for (int i = 0; i < n; i++)
        v[i] = j->cost[first + i].margin;
    qsort(v, (size_t)n, sizeof *v, by_value);
    j->route->unsure_margin = v[(int)(GUARD_SHARE * (n - 1))];
    for (int i = first; i < j->n_tok; i++) {
        const struct token_cost *c = &j->cost[i];
        int takes = c->entropy > j->route->unsure_entropy ||
                    c->margin < j->route->unsure_margin;

        taken += takes;
        flips += c->flips;
        caught += c->flips && takes;
    }
    rep->guarded = (double)taken / n;
    rep->flips = (double)flips / n;
    rep->caught = flips ? (double)caught / flips : 0.0;
    mem_free(v);
    return SOR_OK;
}

static void sum_up(const struct job *j, struct calibrate_report *rep)
{
    int n = j->n_tok;

    for (int m = 0; m < ROUTE_MODES; m++) {
        for (int i = 0; i < n; i++)
            rep->kl[m] += (double)j->cost[i].kl[m] / n;
        rep->ratio[m] = exp((j->nll[1 + m] - j->nll[0]) / (n - 1));
        rep->work[m] = j->did[m] / j->full[m];
    }
}

/* --- all of it ------------------------------------------------------------ */

static enum sor_err open_job(struct job *j, struct sor_msg *msg)
{
    const struct calibrate_opts *o = j->o;
    size_t tail = (size_t)o->n_tail, n;
    enum sor_err err;

    j->n_vocab = engine_hparams(j->e)->n_vocab;
    j->n_tok = (o->n_context + o->n_tail) / HOOK_BLOCK * HOOK_BLOCK;
    if (o->n_id >= o->n_context + o->n_tail + j->n_tok)
        j->second = o->n_context + o->n_tail;
    if (o->n_context < 64 * HOOK_BLOCK || o->n_tail < HOOK_BLOCK ||
        o->n_id < o->n_context + o->n_tail ||
        engine_info(j->e)->n_ctx < o->n_context + o->n_tail)
        return sor_fail(msg, SOR_LIMIT, "a text of %d tokens and a context of "
                        "%d: calibration reads %d behind at least %d",
                        o->n_id, engine_info(j->e)->n_ctx, o->n_tail,
                        o->n_context < 64 * HOOK_BLOCK ? 64 * HOOK_BLOCK
                                                       : o->n_context);
    if ((err = route_open(engine_hparams(j->e), &j->route, msg)) ||
        (err = route_open(engine_hparams(j->e), &j->trial, msg)))
        return err;
    j->route->unsure_entropy = j->trial->unsure_entropy = 0.0f;
    j->trial->choice = ROUTE_FULL;
    if ((err = route_make(j->trial, msg)) ||
        (err = engine_route(j->e, j->trial, msg)))
        return err;
    n = (size_t)j->n_tok;
    j->ref = mem_calloc(tail * j->n_vocab, sizeof *j->ref);
    j->logits = mem_calloc((1 + ROUTE_MODES) * FEED * j->n_vocab,
                           sizeof *j->logits);
    j->cost = mem_calloc(n, sizeof *j->cost);
    j->part = mem_calloc(n / HOOK_BLOCK, sizeof *j->part);
    if (!j->ref || !j->logits || !j->cost || !j->part)
        return sor_fail(msg, SOR_NOMEM, "calibration: out of memory");
    j->total = o->n_context +
               (int64_t)o->n_tail * (1 + j->route->n_layer *
                                         j->route->n_group + 6) +
               (int64_t)j->n_tok * (1 + ROUTE_MODES);
    return SOR_OK;
}

enum sor_err calibrate(struct engine *e, const struct calibrate_opts *o,
                       struct route **out, struct calibrate_report *report,
                       struct sor_msg *msg)
{
    struct job j = { .e = e, .o = o };
    enum sor_err err = open_job(&j, msg);

    *report = (struct calibrate_report){ .corr = 0.0 };
    if (!err)
        err = behind_context(&j, msg);
    if (!err)
        err = side_by_side(&j, msg);
    if (!err)
        err = set_thresholds(&j, report, msg);
    if (!err)
        err = set_guard(&j, report, msg);
    if (!err) {
        sum_up(&j, report);
        err = route_make(j.route, msg);
    }
    if (!err) {
        *out = j.route;
        j.route = NULL;
    }
    session_close(j.base);
    engine_route(e, NULL, NULL);
    route_close(j.route);
    route_close(j.trial);
    mem_free(j.ref);
    mem_free(j.logits);
    mem_free(j.cost);
    mem_free(j.part);
    return err;
}
