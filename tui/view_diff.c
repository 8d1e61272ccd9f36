/* tui/view_diff.c - two runs compared: how they were made, what they cost, what
 * they answered; and path beside path, or, of two reviews, claim beside claim.
 *
 * In its address run_id is the run on the right; `step_id` that on the left. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/fmt.h"
#include "tui/reviewed.h"
#include "tui/reply.h"
#include "tui/view.h"

enum { KEY = 14 };

struct diff {
    struct view v;
    struct reply run[2], paths, claims;      /* run: one row each */
};

static const char one_run[] =
    "SELECT substr(uid, 1, 8), kind, prompt, model, route, kv_type, isa, "
    "level, temperature, seed, n_prompt, n_path, n_token, "
    "printf('%%.2f s', wall_ns / 1e9), answer, votes || '/' || n_voted, "
    "coalesce(status, 'not ended') FROM v_run WHERE id = %lld";
static const char *const field[] = {
    "run", "kind", "question", "model", "routing", "keys, values", "isa",
    "level", "temperature", "seed", "prompt tokens", "paths", "tokens", "time",
    "answer", "votes", "state" };

static enum sor_err load(struct diff *s, struct sor_msg *msg)
{
    long long left = (long long)s->v.at.step_id,
              right = (long long)s->v.at.run_id;
    enum sor_err err = reply_ask(&s->run[0], s->v.t, 1, msg, one_run, left);

    if (!err)
        err = reply_ask(&s->run[1], s->v.t, 1, msg, one_run, right);
    if (!err)
        err = reply_ask(&s->paths, s->v.t, 200, msg, "SELECT a.ordinal, a.id, "
            "b.id, a.answer_norm, b.answer_norm, a.n_token, b.n_token, "
            "(SELECT min(coalesce(pos_a, pos_b)) FROM path_diff(a.id, b.id) "
            "WHERE op <> '=') FROM v_path a JOIN v_path b ON b.ordinal = "
            "a.ordinal AND b.run_id = %lld WHERE a.run_id = %lld AND a.kind <> "
            "'score' ORDER BY a.ordinal", right, left);
    if (!err)
        err = reply_ask(&s->claims, s->v.t, 400, msg, "SELECT a.name, "
            "a.verdict, b.verdict, a.confidence, b.confidence, b.ordinal, "
            "a.verdict IS b.verdict FROM v_claim a JOIN v_claim b ON b.name = "
            "a.name AND b.run_id = %lld WHERE a.run_id = %lld ORDER BY 7, "
            "a.ordinal", right, left);
    return err;
}

static enum sor_err diff_open(struct view *v, struct sor_msg *msg)
{
    return load((struct diff *)v, msg);
}

static void diff_close(struct view *v)
{
    struct diff *s = (struct diff *)v;

    reply_release(&s->run[0]);
    reply_release(&s->run[1]);
    reply_release(&s->paths);
    reply_release(&s->claims);
}

static void reload(struct view *v)
{
    struct sor_msg msg = { "" };

    if (load((struct diff *)v, &msg))
        tui_say(v->t, "%s", msg.text);
}

static void crumb(const struct view *v, struct str *out)
{
    const struct diff *s = (const struct diff *)v;

    str_printf(out, "%s | %s", reply_text(&s->run[0], 0, 0),
               reply_text(&s->run[1], 0, 0));
}

/* A fact of both runs; what differs stands out. */
static void both(const struct diff *s, int i, struct doc *d)
{
    const char *a = reply_text(&s->run[0], 0, i), *b = reply_text(&s->run[1], 0,
                                                                i);
    struct pen p = doc_line(d, 0, ROLE_DIM);
    int same = strcmp(a, b) == 0, end = p.end;
    int half = (pen_room(&p) - KEY - 2) / 2;

    pen_str(&p, field[i]);
    pen_to(&p, KEY);
    p.style = i == 0 ? ROLE_ACCENT : same ? ROLE_DIM : ROLE_STRONG;
    p.end = KEY + half;
    pen_line(&p, *a ? a : "-", *a ? strlen(a) : 1);
    p.end = end;
    pen_to(&p, KEY + half);
    p.style = same || i == 0 ? ROLE_FAINT : ROLE_WARN;
    pen_str(&p, same || i == 0 ? "  " : "! ");
    p.style = i == 0 ? ROLE_ACCENT : same ? ROLE_DIM : ROLE_STRONG;
    pen_line(&p, *b ? b : "-", *b ? strlen(b) : 1);
}

static void one_path(const struct diff *s, int i, struct doc *d)
{
    const struct reply *r = &s->paths;
    struct db_addr at = addr_run(s->v.at.run_id);
    struct pen p = doc_line(d, 0, ROLE_TEXT);
    int parts = !reply_null(r, i, 7);

    pen_fmt(&p, "path %-4s ", reply_text(r, i, 0));
    p.style = strcmp(reply_text(r, i, 3), reply_text(r, i, 4)) ? ROLE_WARN
                                                             : ROLE_TEXT;
    pen_fmt(&p, "%-12.12s %-12.12s", *reply_text(r, i, 3) ? reply_text(r, i, 3)
            : "-", *reply_text(r, i, 4) ? reply_text(r, i, 4) : "-");
    p.style = ROLE_DIM;
    pen_fmt(&p, " %6s %6s tokens  ", reply_text(r, i, 5), reply_text(r, i, 6));
    p.style = parts ? ROLE_WARN : ROLE_GOOD;
    if (parts)
        pen_fmt(&p, "part at token %s", reply_text(r, i, 7));
    else
        pen_str(&p, "the same to the end");
    at.step_id = reply_int(r, i, 1);
    at.path_id = reply_int(r, i, 2);
    doc_goes(d, &view_compare, at);
}

static void one_claim(const struct diff *s, int i, struct doc *d)
{
    const struct reply *r = &s->claims;
    int same = (int)reply_int(r, i, 6);
    struct pen p = doc_line(d, 0, same ? ROLE_DIM : ROLE_STRONG);
    const char *a = reply_text(r, i, 1), *b = reply_text(r, i, 2);

    pen_fmt(&p, "%-12.12s ", reply_text(r, i, 0));
    p.style = same ? ROLE_DIM : reviewed_role(a);
    pen_fmt(&p, "%-14s %.2f   ", reviewed_verdict(a), reply_num(r, i, 3));
    p.style = same ? ROLE_DIM : reviewed_role(b);
    pen_fmt(&p, "%-14s %.2f", reviewed_verdict(b), reply_num(r, i, 4));
    p.style = ROLE_WARN;
    pen_str(&p, same ? "" : "  !");
    doc_goes(d, &view_claims, addr_item(s->v.at.run_id,
                                        (int)reply_int(r, i, 5)));
}

static void body(struct view *v, struct doc *d)
{
    const struct diff *s = (const struct diff *)v;

    doc_head(d, "Two runs: left, right; ! where they differ");
    for (size_t i = 0; i < sizeof field / sizeof *field; i++)
        both(s, (int)i, d);
    if (s->paths.n)
        doc_head(d, "Paths: answer left, answer right, and where they part");
    for (int i = 0; i < s->paths.n; i++)
        one_path(s, i, d);
    if (s->claims.n)
        doc_head(d, "Claims: verdict left, verdict right");
    for (int i = 0; i < s->claims.n; i++)
        one_claim(s, i, d);
    if (!s->paths.n && !s->claims.n)
        doc_say(d, 0, ROLE_DIM, "They have no path or claim in common.");
}

const struct view_ops view_diff = {
    .name = "diff", .what = "two runs compared",
    .size = sizeof(struct diff), .open = diff_open, .close = diff_close,
    .reload = reload, .crumb = crumb, .body = body
};
