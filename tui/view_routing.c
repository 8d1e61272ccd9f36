/* tui/view_routing.c - how the tokens of a run were computed, path by path: in
 * which mode, and how often the guard stepped in.  Every token is read, some
 * milliseconds at a time. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tui/fmt.h"
#include "tui/reply.h"
#include "tui/route.h"
#include "tui/view.h"

enum { PATHS_MAX = 1024, WINDOW = 256, WORK_NS = 8000000 };

struct line {
    struct db_addr at;          /* path -1: all of them */
    int64_t n, by_mode[3], unknown, guard, reasons;
    int first_guard;            /* position; -1: none */
};

struct routing {
    struct view v;
    struct line *line;          /* [n_path + 1]; the last is the sum */
    int n_path, reading, pos;   /* the path being read, and where */
    int window;
    int told;                   /* decisions were recorded: counted by those */
    char policy[24];
};

enum { C_PATH, C_TOKENS, C_SPARSE, C_HYBRID, C_FULL, C_BAR, C_GUARD, C_SHARE };

static const struct col cols[] = {
    { "Path", 5, COL_RIGHT, 0 },    { "Tokens", 10, COL_RIGHT, 0 },
    { "Sparse", 9, COL_RIGHT, 0 },  { "Hybrid", 9, COL_RIGHT, 0 },
    { "Full", 10, COL_RIGHT, 0 },   { "", 12, COL_FLEX, 96 },
    { "Guard", 7, COL_RIGHT, 0 },   { "of tokens", 9, COL_RIGHT, 90 },
    { NULL, 0, 0, 0 }
};

/* What the guard did, as it was recorded: at every level. */
static void read_decisions(struct routing *s)
{
    struct line *all = &s->line[s->n_path];
    struct reply r = { 0 };
    struct sor_msg msg;

    s->told = !reply_ask(&r, s->v.t, PATHS_MAX, &msg, "SELECT path_id, "
        "sum(reason = 'guard'), min(CASE WHEN reason = 'guard' THEN pos END) "
        "FROM v_route_block WHERE run_id = %lld GROUP BY path_id",
        (long long)s->v.at.run_id) && r.n > 0;
    for (int i = 0; i < r.n; i++)
        for (int k = 0; k < s->n_path; k++)
            if (s->line[k].at.path_id == reply_int(&r, i, 0)) {
                s->line[k].guard = reply_int(&r, i, 1);
                all->guard += s->line[k].guard;
                if (!reply_null(&r, i, 2))
                    s->line[k].first_guard = (int)reply_int(&r, i, 2);
            }
    reply_release(&r);
}

static enum sor_err routing_open(struct view *v, struct sor_msg *msg)
{
    struct routing *s = (struct routing *)v;
    struct db_cur *c;
    struct db_path p;
    struct db_run run;

    s->line = mem_calloc(PATHS_MAX + 1, sizeof *s->line);
    if (!s->line)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    if (db_get_run(tui_db(v->t), v->at.run_id, &run) == 1)
        snprintf(s->policy, sizeof s->policy, "%s", run.route);
    c = db_paths(tui_db(v->t), v->at.run_id);
    while (s->n_path < PATHS_MAX && db_path_next(c, &p) == 1) {
        struct line *l = &s->line[s->n_path++];

        l->at = addr_run(v->at.run_id);
        l->at.path_id = p.id;
        l->at.path = p.ordinal;
        l->first_guard = -1;
    }
    tui_end(v->t, c);
    read_decisions(s);
    s->line[s->n_path].at = addr_run(v->at.run_id);
    s->line[s->n_path].first_guard = -1;
    v->list.n = s->n_path + 1;
    list_goto(v, s->n_path);
    v->working = s->n_path > 0;
    return SOR_OK;
}

static void routing_close(struct view *v)
{
    mem_free(((struct routing *)v)->line);
}

static void reload(struct view *v)
{
    struct routing *s = (struct routing *)v;
    struct sor_msg msg = { "" };

    mem_free(s->line);
    s->n_path = s->reading = s->pos = 0;
    if (routing_open(v, &msg))
        tui_say(v->t, "%s", msg.text);
}

static void count(struct line *l, const struct route *r, int told)
{
    l->n++;
    if (r->mode >= 0 && r->mode < 3)
        l->by_mode[r->mode]++;
    else
        l->unknown++;
    l->reasons += told || r->known == 2;
    l->guard += !told && r->by_reason[2] > 0;
}

/* A window of the path being read; what a path shares with its parent is
 * counted once, with the path that stores it. */
static void read_window(struct routing *s)
{
    struct line *l = &s->line[s->reading], *all = &s->line[s->n_path];
    struct db_window w = { s->pos, WINDOW, 0 };
    struct db_cur *c = db_tokens(tui_db(s->v.t), l->at.path_id, w);
    struct db_token t;
    int n = 0;

    while (db_token_next(c, &t) == 1) {
        struct route r = route_of(&t);

        n++;
        s->pos = t.pos + 1;
        if (t.source_id != l->at.path_id)
            continue;
        count(l, &r, s->told);
        count(all, &r, s->told);
        if (!s->told && r.by_reason[2] && l->first_guard < 0)
            l->first_guard = t.pos;
    }
    tui_end(s->v.t, c);
    if (n < WINDOW) {
        s->reading++;
        s->pos = 0;
    }
}

static int work(struct view *v)
{
    struct routing *s = (struct routing *)v;
    uint64_t end = clock_mono_ns() + WORK_NS;

    while (s->reading < s->n_path && clock_mono_ns() < end)
        read_window(s);
    v->working = s->reading < s->n_path;
    return 1;
}

static void crumb(const struct view *v, struct str *out)
{
    const struct routing *s = (const struct routing *)v;

    str_puts(out, "routing");
    if (v->working)
        str_printf(out, "  (path %d of %d read)", s->reading, s->n_path);
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct routing *s = (struct routing *)v;

    s->window = (int)from;
    return list_part(s->n_path + 1, from, n);
}

static void bar(const struct line *l, struct pen *p)
{
    static const unsigned role[3] = { ROLE_WARN, ROLE_ACCENT, ROLE_TROUGH };
    int room = pen_room(p), done = 0;

    for (int m = 0; m < 3 && l->n; m++) {
        int to = 0;

        for (int k = 0; k <= m; k++)
            to += (int)((double)l->by_mode[k] / (double)l->n * room + 0.5);
        p->style = role[m];
        for (; done < to && done < room; done++)
            pen_glyph(p, GLYPH_FULL);
    }
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct routing *s = (const struct routing *)v;
    const struct line *l = &s->line[s->window + i];
    char buf[32];

    if (l->at.path < 0)
        p->style = ROLE_STRONG;
    switch (col) {
    case C_PATH:
        if (l->at.path < 0)
            pen_str(p, "all");
        else
            pen_fmt(p, "%d", l->at.path);
        return;
    case C_TOKENS: fmt_count(buf, sizeof buf, l->n); break;
    case C_SPARSE: fmt_count(buf, sizeof buf, l->by_mode[0]); break;
    case C_HYBRID: fmt_count(buf, sizeof buf, l->by_mode[1]); break;
    case C_FULL:   fmt_count(buf, sizeof buf, l->by_mode[2]); break;
    case C_GUARD:
        p->style = l->guard ? ROLE_WARN : p->style;
        fmt_count(buf, sizeof buf, l->guard);
        break;
    case C_SHARE:
        snprintf(buf, sizeof buf, "%.1f %%",
                 l->n ? 100.0 * (double)l->guard / (double)l->n : 0.0);
        break;
    default:
        bar(l, p);
        return;
    }
    pen_str(p, buf);
}

static void detail(struct view *v, struct doc *d)
{
    const struct routing *s = (const struct routing *)v;
    const struct line *l = &s->line[s->window + list_here(v)];
    const struct line *all = &s->line[s->n_path];
    char g[32], n[32];

    fmt_count(g, sizeof g, all->guard);
    fmt_count(n, sizeof n, all->n);
    struct pen p = doc_line(d, 0, ROLE_STRONG);
    pen_fmt(&p, "The guard acted on %s of %s tokens", g, n);
    if (v->working)
        pen_str(&p, " read so far");
    doc_gap(d);
    doc_fact(d, "policy", "routing %s", s->policy);
    if (all->reasons < all->n) {
        fmt_count(g, sizeof g, all->n - all->reasons);
        doc_fact(d, "not known", "%s tokens were recorded without layers: "
                 "who decided is not known of them", g);
    }
    if (l->first_guard >= 0) {
        struct db_addr at = l->at;

        at.pos = l->first_guard;
        doc_fact(d, "first of them", "token %d of path %d", at.pos, at.path);
        doc_goes(d, &view_story, at);
    }
    doc_gap(d);
    doc_say(d, 0, ROLE_DIM, "The guard computes a token again in full where "
            "its routed result looked unsure. Tokens that paths share count "
            "once.");
}

static void enter(struct view *v)
{
    const struct routing *s = (const struct routing *)v;
    const struct line *l = &s->line[s->window + list_here(v)];
    struct db_addr at = l->at;

    at.pos = l->first_guard;
    if (at.path < 0)
        tui_push(v->t, &view_paths, at);
    else
        tui_push(v->t, &view_tokens, at);
}

const struct view_ops view_routing = {
    .name = "routing", .what = "modes of a run's tokens, and the guard",
    .size = sizeof(struct routing), .cols = cols,
    .open = routing_open, .close = routing_close, .reload = reload,
    .crumb = crumb, .fetch = fetch, .cell = cell, .detail = detail,
    .enter = enter, .work = work
};
