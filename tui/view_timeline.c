/* tui/view_timeline.c - the tokens of a run against time: a lane for each path,
 * its steps as blocks.
 *
 * What is recorded is when the prompt had been read, when all was done, and in
 * which passes of the model each path took part; every pass gave each of its
 * paths a token.  Passes are spread evenly over the time, and the screen says
 * so. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tui/fmt.h"
#include "tui/reply.h"
#include "tui/view.h"

enum { LANES = 512, LABEL = 12, BLOCKS = 4000, TAIL = 20 };

struct lane {
    int64_t path_id, end_us;    /* from the start of the run; -1: not ended */
    int join;                   /* its first pass; -1: not known */
    int ordinal, n_token, first, n_step;        /* first: block; -1 */
    char answer[24];
};
struct block { int from, to, ordinal; char role[12]; };

struct timeline {
    struct view v;
    struct lane *lane;
    struct block *block;
    int n, n_block, window, n_prompt, cur_block;
    int n_pass;                 /* 0: not known */
    int64_t prefill_us, end_us;
};

static void read_blocks(struct timeline *s)
{
    struct sor_msg msg;
    struct reply r = { 0 };
    int lane = 0;

    if (reply_ask(&r, s->v.t, BLOCKS, &msg, "SELECT path, tok_from, tok_to, "
                 "ordinal, role FROM v_step WHERE run_id = %lld ORDER BY path, "
                 "ordinal", (long long)s->v.at.run_id))
        tui_say(s->v.t, "%s", msg.text);
    s->n_block = 0;
    for (int i = 0; i < r.n; i++) {
        struct block *b = &s->block[s->n_block];

        while (lane < s->n && s->lane[lane].ordinal < reply_int(&r, i, 0))
            lane++;
        if (lane == s->n || s->lane[lane].ordinal != reply_int(&r, i, 0))
            continue;
        b->from = (int)reply_int(&r, i, 1);
        b->to = (int)reply_int(&r, i, 2);
        b->ordinal = (int)reply_int(&r, i, 3);
        snprintf(b->role, sizeof b->role, "%s", reply_text(&r, i, 4));
        if (s->lane[lane].n_step++ == 0)
            s->lane[lane].first = s->n_block;
        s->n_block++;
    }
    reply_release(&r);
}

static void read_lanes(struct timeline *s, int64_t started_us)
{
    struct sor_msg msg;
    struct reply r = { 0 };

    if (reply_ask(&r, s->v.t, LANES, &msg, "SELECT p.id, p.ordinal, p.n_token, "
                  "p.ended_us, p.answer_norm, j.step, b.n_step FROM v_path p "
                  "LEFT JOIN v_batching_join j ON j.run_id = p.run_id AND "
                  "j.path = p.ordinal LEFT JOIN v_batching b ON b.run_id = "
                  "p.run_id WHERE p.run_id = %lld ORDER BY p.ordinal",
                  (long long)s->v.at.run_id))
        tui_say(s->v.t, "%s", msg.text);
    s->n = r.n;
    s->n_pass = (int)reply_int(&r, 0, 6);
    for (int i = 0; i < r.n; i++) {
        struct lane *l = &s->lane[i];

        *l = (struct lane){ .path_id = reply_int(&r, i, 0), .first = -1,
                            .join = reply_null(&r, i, 5) ? -1
                                  : (int)reply_int(&r, i, 5),
                            .ordinal = (int)reply_int(&r, i, 1),
                            .n_token = (int)reply_int(&r, i, 2),
                            .end_us = reply_null(&r, i, 3) ? -1 :
                                      reply_int(&r, i, 3) - started_us };
        snprintf(l->answer, sizeof l->answer, "%.23s", reply_text(&r, i, 4));
        if (l->end_us > s->end_us)
            s->end_us = l->end_us;
    }
    reply_release(&r);
}

static void load(struct view *v)
{
    struct timeline *s = (struct timeline *)v;
    struct db_run run;

    s->end_us = 0;
    s->n = 0;
    if (db_get_run(tui_db(v->t), v->at.run_id, &run) != 1)
        return;
    s->n_prompt = run.n_prompt;
    s->prefill_us = run.prefill_ns / 1000;
    if (run.wall_ns > 0)
        s->end_us = run.wall_ns / 1000;
    read_lanes(s, run.started_us);
    if (s->end_us < 1)
        s->end_us = 1;
    read_blocks(s);
    v->list.n = s->n;
    v->list.stale = 1;
}

static enum sor_err timeline_open(struct view *v, struct sor_msg *msg)
{
    struct timeline *s = (struct timeline *)v;

    s->lane = mem_calloc(LANES, sizeof *s->lane);
    s->block = mem_calloc(BLOCKS, sizeof *s->block);
    if (!s->lane || !s->block)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    load(v);
    return SOR_OK;
}

static void timeline_close(struct view *v)
{
    mem_free(((struct timeline *)v)->lane);
    mem_free(((struct timeline *)v)->block);
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "timeline");
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct timeline *s = (struct timeline *)v;

    s->window = (int)from;
    return list_part(s->n, from, n);
}

/* ---- drawing ------------------------------------------------------------- */

/* Microseconds at which token pos of a lane was there. */
static double time_of(const struct timeline *s, const struct lane *l, int pos)
{
    double end = l->end_us < 0 ? (double)s->end_us : (double)l->end_us;
    double begin = (double)s->prefill_us < end ? (double)s->prefill_us : 0;
    int k = pos - s->n_prompt;

    if (l->n_token < 1)
        return begin;
    if (l->join >= 0 && s->n_pass > 0)
        return begin + ((double)s->end_us - begin) * (l->join + k) /
                           s->n_pass;
    return begin + (end - begin) * k / l->n_token;
}

static int column(const struct timeline *s, double us, int width)
{
    int x = (int)(us / (double)s->end_us * width);

    return x < 0 ? 0 : x >= width ? width - 1 : x;
}

static void axis(const struct timeline *s, struct grid *g, struct rect r,
                 int width)
{
    struct pen p = pen_in(g, r, 0, ROLE_HEAD);
    char buf[40];

    pen_gap(&p, 2);
    pen_str(&p, "Path");
    for (int i = 0, n = width < 60 ? 2 : 4; i <= n; i++) {
        int at = r.col + LABEL + width * i / n;
        fmt_time(buf, sizeof buf, s->end_us * 1000 * i / n);
        p.col = i == n ? at - (int)strlen(buf) : at;
        pen_str(&p, buf);
    }
}

static unsigned shade(const struct block *b)
{
    return b->ordinal % 2 ? ROLE_BAR : ROLE_ACCENT;
}

static void draw_lane(const struct timeline *s, struct grid *g,
                      struct rect line, const struct lane *l, int width)
{
    int here = l == &s->lane[s->v.list.cur], done = 0;
    struct pen p = pen_in(g, line, 0, ROLE_ACCENT);
    int prefill = column(s, (double)s->prefill_us, width);

    if (here)
        pen_glyph(&p, GLYPH_CURSOR);
    pen_to(&p, line.col + 2);
    p.style = here ? ROLE_STRONG : ROLE_TEXT;
    pen_fmt(&p, "%d", l->ordinal);
    p.col = line.col + LABEL;
    p.style = ROLE_FAINT;
    for (; done < prefill; done++)
        pen_glyph(&p, GLYPH_SHADE + 1);
    for (int i = 0; i < l->n_step; i++) {
        const struct block *b = &s->block[l->first + i];
        int from = column(s, time_of(s, l, b->from), width);
        int to = column(s, time_of(s, l, b->to), width);

        p.style = ROLE_TROUGH;
        for (; done < from; done++)
            pen_glyph(&p, GLYPH_H);
        p.style = here && i == s->cur_block ? ROLE_WARN : shade(b);
        for (; done < to || done == from; done++)
            pen_glyph(&p, GLYPH_FULL);
    }
    p.style = ROLE_TROUGH;
    for (; done < column(s, time_of(s, l, s->n_prompt + l->n_token), width);
         done++)
        pen_glyph(&p, GLYPH_H);
    p.style = l->end_us < 0 ? ROLE_WARN : ROLE_DIM;
    pen_gap(&p, 1);
    pen_fmt(&p, "%s", l->end_us < 0 ? "not ended" : l->answer);
}

static void draw(struct view *v, struct grid *g, struct rect r)
{
    struct timeline *s = (struct timeline *)v;
    int rows = r.rows - 3, width = r.cols - LABEL - TAIL;

    v->pane = (struct rect){ r.row + 1, r.col, rows, r.cols };
    list_show(v, rows);
    axis(s, g, r, width);
    for (int i = 0; i < rows; i++) {
        int64_t k = v->list.top + i;
        struct rect line = { r.row + 1 + i, r.col, 1, r.cols };

        if (k >= s->n)
            break;
        draw_lane(s, g, line, &s->lane[k], width);
    }
    struct pen p = pen_in(g, r, r.rows - 1, ROLE_DIM);
    pen_str(&p, "  ");
    p.style = ROLE_FAINT;
    pen_glyph(&p, GLYPH_SHADE + 1);
    p.style = ROLE_DIM;
    pen_str(&p, " the prompt  ");
    p.style = ROLE_BAR;
    pen_glyph(&p, GLYPH_FULL);
    p.style = ROLE_DIM;
    pen_str(&p, " a step.  Passes are spread evenly over the time.");
}

static void detail(struct view *v, struct doc *d)
{
    struct timeline *s = (struct timeline *)v;
    const struct lane *l = &s->lane[v->list.cur];
    struct db_addr at = addr_run(v->at.run_id);
    char t[40];

    at.path_id = l->path_id;
    at.path = l->ordinal;
    doc_fact(d, "path", "%d: %d tokens in %d step%s", l->ordinal, l->n_token,
             l->n_step, l->n_step == 1 ? "" : "s");
    doc_goes(d, &view_steps, at);
    fmt_time(t, sizeof t, s->prefill_us * 1000);
    doc_fact(d, "prompt read", "after %s", t);
    fmt_time(t, sizeof t, (int64_t)(1000 * time_of(s, l, s->n_prompt +
                                                         l->n_token)));
    doc_fact(d, "ended", "%s", l->end_us < 0 ? "not yet" : t);
    if (s->n_pass > 0 && l->join >= 0)
        doc_fact(d, "passes", "%d to %d of %d", l->join,
                 l->join + l->n_token - 1, s->n_pass);
    else
        doc_say(d, 0, ROLE_DIM, "Its passes were not recorded: its tokens are "
                "spread evenly up to its end.");
    if (s->cur_block < l->n_step) {
        const struct block *b = &s->block[l->first + s->cur_block];

        doc_fact(d, "step", "%d, %s: tokens %d to %d", b->ordinal, b->role,
                 b->from, b->to - 1);
        at.step = b->ordinal;
        doc_goes(d, &view_steps, at);
    }
}

/* ---- keys ---------------------------------------------------------------- */

static const struct key_def defs[] = {
    { TK_ENTER, CMD_OPEN, "the step under the cursor", "step" },
    { 'h', CMD_LEFT, "step before", NULL },
    { TK_LEFT, CMD_LEFT, NULL, NULL },
    { 'l', CMD_RIGHT, "next step", NULL },
    { TK_RIGHT, CMD_RIGHT, NULL, NULL },
    { '<', CMD_BACK, "back to the view before", "back" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Timeline", defs };

static void enter(struct view *v)
{
    const struct timeline *s = (const struct timeline *)v;
    const struct lane *l = &s->lane[v->list.cur];
    struct db_addr at = addr_run(v->at.run_id);

    at.path_id = l->path_id;
    at.path = l->ordinal;
    if (s->cur_block < l->n_step)
        at.step = s->block[l->first + s->cur_block].ordinal;
    tui_push(v->t, &view_steps, at);
}

static int cmd(struct view *v, enum tui_cmd c)
{
    struct timeline *s = (struct timeline *)v;
    int last = s->n ? s->lane[v->list.cur].n_step - 1 : 0;

    if (c == CMD_LEFT)
        s->cur_block -= s->cur_block > 0;
    else if (c == CMD_RIGHT)
        s->cur_block += s->cur_block < last;
    else if (c == CMD_UP || c == CMD_DOWN)
        return list_move(v, c) && (s->cur_block = 0, 1);
    else
        return 0;
    return 1;
}

const struct view_ops view_timeline = {
    .name = "timeline", .what = "paths and their steps against time",
    .size = sizeof(struct timeline), .keys = &keys,
    .empty = "This run has no path yet.",
    .open = timeline_open, .close = timeline_close, .reload = load,
    .crumb = crumb, .fetch = fetch, .draw = draw, .detail = detail,
    .enter = enter, .cmd = cmd
};
