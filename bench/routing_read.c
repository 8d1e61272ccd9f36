#include "bench/routing_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "bench/routing_mass.h"
#include "engine/hparams.h"
#include "engine/sampler.h"

_Noreturn void routing_die(const char *what)
{
    fprintf(stderr, "routing: %s\n", what);
    exit(3);
}

void routing_must(enum sor_err err, const struct sor_msg *msg)
{
    if (err)
        routing_die(msg->text);
}

/* --- policies ------------------------------------------------------------ */

/* Keeps the "route" of a file that calibrate wrote, as text. */
static void keep_policy(struct routing_bench *b, const char *json)
{
    struct sor_msg msg;
    cJSON *root;
    char *text;

    routing_must(json_parse(json, strlen(json), "the calibration", &root,
                            &msg), &msg);
    text = cJSON_PrintUnformatted(cJSON_GetObjectItem(root, "route"));
    if (!text)
        routing_die("the calibration has no \"route\"");
    str_puts(&b->calibration, text);
    cJSON_free(text);
    cJSON_Delete(root);
}

struct route *routing_calibrated(const struct routing_bench *b)
{
    struct route *r = NULL;
    struct sor_msg msg;

    routing_must(route_parse(b->calibration.p, "the calibration",
                             engine_hparams(b->e), &r, &msg), &msg);
    return r;
}

struct routing_policy *routing_add(struct routing_bench *b,
                                   const char *family, const char *name,
                                   struct route *r, int by_mass)
{
    struct routing_policy *p = &b->policy[b->n_policy];
    struct sor_msg msg;

    if (b->n_policy++ == ROUTING_POLICIES)
        routing_die("too many policies");
    *p = (struct routing_policy){ .route = r };
    snprintf(p->family, sizeof p->family, "%s", family);
    snprintf(p->name, sizeof p->name, "%s", name);
    if (by_mass) {
        p->mass = routing_mass_open(engine_hparams(b->e), b->n_ctx);
        if (!p->mass)
            routing_die("out of memory");
        r->judge = routing_mass_judge(p->mass);
    }
    routing_must(route_make(r, &msg), &msg);
    return p;
}

void routing_clear(struct routing_bench *b)
{
    for (; b->n_policy > 1; b->n_policy--) {
        routing_mass_close(b->policy[b->n_policy - 1].mass);
        route_close(b->policy[b->n_policy - 1].route);
    }
    b->watched = NULL;
}

void routing_bench_open(struct routing_bench *b, const char *model,
                        const char *json, const struct engine_opts *o)
{
    struct sor_msg msg;
    struct route *all;

    *b = (struct routing_bench){ .n_policy = 0 };
    str_init(&b->calibration);
    keep_policy(b, json);
    routing_must(engine_open(model, o, &b->e, &msg), &msg);
    b->n_ctx = engine_info(b->e)->n_ctx;
    b->n_vocab = (int)engine_hparams(b->e)->n_vocab;
    b->block = mem_calloc((size_t)b->n_ctx / HOOK_BLOCK + 1,
                          sizeof *b->block);
    b->logits = mem_calloc((size_t)2 * ROUTING_FEED * (size_t)b->n_vocab,
                           sizeof *b->logits);
    if (!b->block || !b->logits)
        routing_die("out of memory");
    all = routing_calibrated(b);
    all->choice = ROUTE_FULL;
    routing_add(b, "all keys", "all keys", all, 0);
    routing_must(engine_route(b->e, all, &msg), &msg);
}

void routing_bench_close(struct routing_bench *b)
{
    struct route *first = b->policy[0].route;

    routing_clear(b);
    engine_close(b->e);
    route_close(first);
    mem_free(b->block);
    mem_free(b->logits);
    str_release(&b->calibration);
}

/* --- what a pass tells --------------------------------------------------- */

static void hear_route(struct routing_bench *b, const struct hook_event *ev)
{
    const struct hook_route *u = &ev->u.route;
    struct routing_cost *c = &b->now->cost;
    int first = ev->layer == 0, again = u->reason == HOOK_BY_GUARD;

    c->read += u->blocks_read;
    if (!b->now->mass)          /* else no hulls were */
        c->compared += u->compared;
    if (!again)
        c->all += engine_hparams(b->e)->n_head_kv *
                  (double)(ev->pos / HOOK_BLOCK + 1);
    if (!first)
        return;
    c->again += again;
    c->escalated += again;
    c->n += !again;
    c->token[u->mode] += !again;
    if (b->now == b->watched && u->part) {
        struct routing_block *k = &b->block[ev->pos / HOOK_BLOCK];

        k->score = u->score;
        k->mode = u->mode;
        memcpy(k->part, u->part, sizeof k->part);
    }
}

static void hear(void *ud, const struct hook_event *ev)
{
    struct routing_bench *b = ud;

    if (ev->kind == HOOK_ROUTE)
        hear_route(b, ev);
    else
        routing_mass_hear(b->now->mass, ev);
}

void routing_turn(struct routing_bench *b, struct routing_policy *p)
{
    struct hook_observer o = { 1u << HOOK_ROUTE, b, hear };
    struct sor_msg msg;

    if (p->mass)
        o.mask |= 1u << HOOK_HEAD;
    b->now = p;
    routing_must(engine_observe(b->e, &o, &msg), &msg);
}

/* --- reading ------------------------------------------------------------- */

void routing_begin(struct routing_bench *b)
{
    struct sor_msg msg;

    memset(b->block, 0, ((size_t)b->n_ctx / HOOK_BLOCK + 1) *
           sizeof *b->block);
    for (int i = 0; i < b->n_policy; i++) {
        struct routing_policy *p = &b->policy[i];

        p->cost = (struct routing_cost){ .read = 0 };
        p->nll = p->kl = 0;
        p->n_nll = p->flips = 0;
        if (p->mass)
            routing_mass_clear(p->mass);
        routing_must(session_open(b->e, (uint64_t)i + 1, 0, &p->session,
                                  &msg), &msg);
        routing_must(session_route(p->session, p->route, &msg), &msg);
    }
}

void routing_end(struct routing_bench *b)
{
    engine_observe(b->e, NULL, NULL);
    for (int i = 0; i < b->n_policy; i++) {
        session_close(b->policy[i].session);
        b->policy[i].session = NULL;
    }
}

/* KL(p || q) of two rows of logits, nats. */
static double divergence(const struct routing_bench *b, const float *p,
                         const float *q, double p_lse, double q_lse)
{
    double kl = 0.0;

    for (int i = 0; i < b->n_vocab; i++) {
        double lp = (double)p[i] - p_lse;

        if (lp > -20.0)         /* the rest weighs less than 2e-9 each */
            kl += exp(lp) * (lp - ((double)q[i] - q_lse));
    }
    return kl > 0.0 ? kl : 0.0;
}

/* Row `at` of a piece under policy p, beside what policy 0 said of it; id: the
 * token that follows; -1: none does. */
static void measure(struct routing_bench *b, struct routing_policy *p, int at,
                    int pos, int32_t id)
{
    const float *full = b->logits + (size_t)at * (size_t)b->n_vocab;
    const float *row = full + (p != b->policy ? ROUTING_FEED *
                                                (size_t)b->n_vocab : 0);
    struct routing_said *said = &b->said[at];
    struct sampler_alt top = { -1, 0 };
    struct sampler_stats st;
    double kl = 0.0;

    sampler_stats(row, (uint32_t)b->n_vocab, &st);
    sampler_top(row, (uint32_t)b->n_vocab, st.lse, 1, &top);
    if (row == full)
        *said = (struct routing_said){ st.lse, top.id };
    else
        kl = divergence(b, full, row, said->lse, st.lse);
    p->flips += top.id != said->top;
    p->kl += kl;
    if (p->as_written)
        session_note(p->session, pos + 1, (float)st.entropy);
    if (id >= 0) {
        p->nll += st.lse - (double)row[id];
        p->n_nll++;
    }
    if (p == b->watched) {
        struct routing_block *k = &b->block[pos / HOOK_BLOCK];

        k->kl += (float)kl / HOOK_BLOCK;
        if (id >= 0)
            k->nll += (float)((st.lse - (double)row[id]) -
                              (said->lse - (double)full[id])) / HOOK_BLOCK;
    }
}

/* One policy reads rows tokens; as if it wrote them, block by block, since the
 * score of a block needs what the one before it predicted. */
static void read_piece(struct routing_bench *b, struct routing_policy *p,
                       const int32_t *id, int at, int rows, int n)
{
    size_t v = (size_t)b->n_vocab;
    float *own = b->logits + (p != b->policy ? ROUTING_FEED * v : 0);
    int most = p->as_written ? HOOK_BLOCK : ROUTING_FEED;
    struct sor_msg msg;

    routing_turn(b, p);
    for (int r = 0; r < rows; r += most) {
        int many = rows - r < most ? rows - r : most;
        struct engine_feed f = { .session = p->session, .tok = id + at + r,
                                 .n_tok = many, .n_logits = many,
                                 .logits = own + (size_t)r * v };

        routing_must(engine_step(b->e, &f, 1, &msg), &msg);
        for (int i = r; i < r + many; i++)
            measure(b, p, i, at + i, at + i + 1 < n ? id[at + i + 1] : -1);
    }
}

void routing_read(struct routing_bench *b, const int32_t *id, int from, int n)
{
    for (int at = from; at < n; at += ROUTING_FEED)
        for (int i = 0; i < b->n_policy; i++)
            read_piece(b, &b->policy[i], id, at,
                       n - at < ROUTING_FEED ? n - at : ROUTING_FEED, n);
}

/* --- what it took -------------------------------------------------------- */

/* Multiplications of a token beside attention: each weight of a matrix is used
 * once, the output head's too. */
static double other_macs(const struct model_hparams *hp)
{
    double d = hp->n_embd, hd = hp->head_dim;
    double q = hd * hp->n_head, kv = hd * hp->n_head_kv;

    return hp->n_layer * (2.0 * d * q + 2.0 * d * kv + 3.0 * d * hp->n_ff) +
           d * hp->n_vocab;
}

struct routing_saved routing_saved(const struct routing_bench *b,
                                   const struct routing_cost *c)
{
    const struct model_hparams *hp = engine_hparams(b->e);
    struct route_work did = route_work(hp, 0, c->read, c->compared);
    struct route_work all = route_work(hp, 0, c->all, 0.0);
    double other = other_macs(hp), n = (double)c->n;

    return (struct routing_saved){
        1.0 - did.macs / all.macs, 1.0 - did.bytes / all.bytes,
        1.0 - (did.macs + other * (n + c->again)) / (all.macs + other * n) };
}
