#include "tui/route.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db/pack.h"
#include "tui/fmt.h"
#include "tui/reply.h"
#include "tui/view.h"

enum { BLOCK = 16, GAUGE = 40 };        /* BLOCK: tokens that share a mode */
enum { BY_POLICY, BY_SCORE, BY_GUARD, BY_REPLAY };      /* db/views.sql */

const char *const route_part[5] = { "entropy", "trend", "novelty", "structure",
                                   "escalated" };

struct route route_of(const struct db_token *t)
{
    struct route r = { .mode = t->mode, .exit_layer = -1,
                       .part = { NAN, NAN, NAN, NAN, NAN } };
    struct pack_layers_header head;
    struct pack_layer l;

    r.known = t->mode >= 0;
    if (!t->layers.n || unpack_layers_header(t->layers.p, t->layers.n, &head))
        return r;
    r.known = 2;
    r.score = head.score;
    r.low = head.low;
    r.high = head.high;
    for (int i = 0; i < head.n_layer &&
                    !unpack_layer(t->layers.p, t->layers.n, i, &l); i++) {
        r.n_layer++;
        r.by_mode[l.mode < 3 ? l.mode : 2]++;
        r.by_reason[l.reason & 3]++;
        r.n_skipped += l.skipped;
        if (l.exit_here)
            r.exit_layer = i;
    }
    return r;
}

/* What decided on this token or, where nothing did, on its block: kept at every
 * level where routing was on. */
static void read_decision(struct tui *t, struct db_addr at, struct route *r)
{
    static const char *const reasons[] = { "policy", "score", "guard",
                                           "replay" };
    struct reply q = { 0 };
    struct sor_msg msg;

    if (!reply_ask(&q, t, 1, &msg, "SELECT reason, score, low, high, entropy, "
                   "trend, novelty, structure, escalated FROM v_route_block "
                   "WHERE path_id = %lld AND pos IN (%d, %d) ORDER BY pos DESC",
                   (long long)at.path_id, at.pos, at.pos / BLOCK * BLOCK) &&
        q.n == 1) {
        r->known = 2;
        r->score = reply_num(&q, 0, 1);
        r->low = reply_num(&q, 0, 2);
        r->high = reply_num(&q, 0, 3);
        for (int i = 0; i < 5; i++)
            r->part[i] = reply_num(&q, 0, 4 + i);
        for (int i = 0; i < 4 && r->n_layer == 0; i++)
            r->by_reason[i] = !strcmp(reply_text(&q, 0, 0), reasons[i]);
        if (!strcmp(reply_text(&q, 0, 0), "guard"))
            r->by_reason[BY_GUARD] = r->n_layer ? r->n_layer : 1;
    }
    reply_release(&q);
}

struct route route_read(struct tui *t, struct db_addr at)
{
    struct db_window w = { at.pos, 1, 0 };
    struct db_cur *c = db_tokens(tui_db(t), at.path_id, w);
    struct route r = { .mode = -1, .exit_layer = -1,
                       .part = { NAN, NAN, NAN, NAN, NAN } };
    struct db_token in;

    if (db_token_next(c, &in) == 1 && in.pos == at.pos)
        r = route_of(&in);
    tui_end(t, c);
    read_decision(t, at, &r);
    return r;
}

static int decided_by(const struct route *r)
{
    int most = BY_POLICY;

    for (int i = BY_SCORE; i <= BY_REPLAY; i++)
        if (r->by_reason[i] > r->by_reason[most])
            most = i;
    return r->by_reason[BY_GUARD] ? BY_GUARD : most;
}

void route_why(const struct route *r, const char *policy, char *out, size_t cap)
{
    const char *mode = fmt_mode(r->mode);

    if (r->known < 2) {
        snprintf(out, cap, r->known ? "%s; the reason was not recorded (level "
                 "layers keeps it)" : "nothing is recorded of it", mode);
        return;
    }
    switch (decided_by(r)) {
    case BY_GUARD:
        snprintf(out, cap, "%s: the guard stepped in, since the routed result "
                 "looked unsure; computed again in full", mode);
        break;
    case BY_REPLAY:
        snprintf(out, cap, "%s: forced, as the replayed run had it", mode);
        break;
    case BY_SCORE:
        if (r->score < r->low)
            snprintf(out, cap, "%s: complexity %.3f lies below %.3f", mode,
                     r->score, r->low);
        else if (r->score >= r->high)
            snprintf(out, cap, "%s: complexity %.3f reaches %.3f", mode,
                     r->score, r->high);
        else
            snprintf(out, cap, "%s: complexity %.3f lies between %.3f and "
                     "%.3f", mode, r->score, r->low, r->high);
        break;
    default:
        snprintf(out, cap, "%s: by policy, routing was %s", mode, policy);
        break;
    }
}

/* The score on a line from 0 to 1, its ground coloured by what each part of it
 * chooses. */
static void gauge(const struct route *r, struct doc *d)
{
    struct pen p = doc_line(d, 2, ROLE_DIM);
    int n = pen_room(&p) - 8 < GAUGE ? pen_room(&p) - 8 : GAUGE;
    int at = (int)(r->score * n);

    pen_str(&p, "0 ");
    for (int i = 0; i < n; i++) {
        double x = (i + 0.5) / n;
        p.style = x < r->low ? ROLE_WARN : x < r->high ? ROLE_ACCENT
                                                       : ROLE_TEXT;
        if (i == (at < n ? at : n - 1))
            pen_glyph(&p, GLYPH_FULL);
        else
            pen_glyph(&p, GLYPH_H);
    }
    p.style = ROLE_DIM;
    pen_str(&p, " 1");
    doc_say(d, 2, ROLE_DIM, "complexity: sparse, then hybrid, then full");
}

void route_say(struct tui *t, struct db_addr at, struct doc *d)
{
    struct route r = route_read(t, at);
    struct db_run run;
    char why[200], policy[24] = "off";
    int from = at.pos / BLOCK * BLOCK;

    if (db_get_run(tui_db(t), at.run_id, &run) == 1)
        snprintf(policy, sizeof policy, "%s", run.route);
    route_why(&r, policy, why, sizeof why);
    doc_fact(d, "block", "%d: tokens %d to %d choose together", at.pos / BLOCK,
             from, from + BLOCK - 1);
    doc_fact(d, "mode", "%s", why);
    if (r.known < 2)
        return;
    if (r.high > 0)
        gauge(&r, d);
    for (int i = 0; i < 5; i++)
        if (!isnan(r.part[i]))
            doc_fact(d, i ? "" : "made of", "%s %.3f", route_part[i],
                     r.part[i]);
    if (r.n_layer == 0)
        return;
    doc_fact(d, "layers", "%d sparse, %d hybrid, %d full", r.by_mode[0],
             r.by_mode[1], r.by_mode[2]);
    doc_fact(d, "decided by", "score %d, guard %d, policy %d, replay %d",
             r.by_reason[BY_SCORE], r.by_reason[BY_GUARD],
             r.by_reason[BY_POLICY], r.by_reason[BY_REPLAY]);
    if (r.exit_layer >= 0)
        doc_fact(d, "exit", "after layer %d of %d", r.exit_layer, r.n_layer);
    else
        doc_fact(d, "exit", "none: it went through all %d layers", r.n_layer);
    if (r.n_skipped)
        doc_fact(d, "skipped", "%d layers", r.n_skipped);
}
