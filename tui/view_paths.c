/* tui/view_paths.c - the paths of one run, side by side. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/view.h"

enum { PREVIEW_BYTES = 400, TEXT_BYTES = 6000 };

enum { C_PATH, C_ANSWER, C_MEAN, C_BAR, C_TOKENS, C_STEPS, C_PARTS, C_STOP,
       C_TEXT };

static const struct col cols[] = {
    { "Path", 6, COL_RIGHT, 0 },      { "Answer", 12, COL_FLEX, 0 },
    { "Mean p", 8, COL_RIGHT, 0 },    { "", 8, 0, 0 },
    { "Tokens", 8, COL_RIGHT, 0 },    { "Steps", 7, COL_RIGHT, 0 },
    { "Leaves 0", 10, COL_RIGHT, 74 }, { "Ended", 9, 0, 120 },
    { "Text", 0, COL_FLEX, 90 },      { NULL, 0, 0, 0 }
};

/* What sorting needs of a path; the rest is read when it is shown. */
struct key {
    int64_t id;
    int ordinal, n_token, n_step, leaves;   /* leaves -1: never, or unknown */
    double mean;
    const char *answer;
};

struct row {
    struct key key;
    const char *text, *stop, *kind;
    int64_t seed;
    int n_token;
};

struct paths {
    struct view v;
    struct key *key;
    int n, n_prompt;
    int recorder;               /* as tui_recorder(), when last fetched */
    struct pool answers;
    struct row row[LIST_WINDOW];
};

static const int sorts[] = { C_PATH, C_ANSWER, C_MEAN, C_TOKENS, C_STEPS,
                             C_PARTS };
enum { N_SORT = sizeof sorts / sizeof *sorts };

/* ---- reading -------------------------------------------------------------- */

static enum sor_err read_keys(struct paths *s)
{
    struct db_cur *c = db_paths(tui_db(s->v.t), s->v.at.run_id);
    struct db_path in;
    int cap = 0;

    s->n = 0;
    pool_clear(&s->answers);
    while (db_path_next(c, &in) == 1) {
        if (s->n == cap) {
            struct key *more = mem_realloc(s->key, (size_t)cap * 2 + 16,
                                           sizeof *more);
            if (!more) {
                db_cur_close(c);
                return SOR_NOMEM;
            }
            s->key = more;
            cap = cap * 2 + 16;
        }
        s->key[s->n++] = (struct key){
            in.id, in.ordinal, in.n_token, in.n_step, -1, in.logprob_mean,
            in.answer_norm ? pool_str(&s->answers, in.answer_norm) : NULL };
    }
    tui_end(s->v.t, c);
    return SOR_OK;
}

/* Where each path leaves path 0.  Keys are in order of ordinals yet. */
static void read_parts(struct paths *s)
{
    struct db_cur *c = db_divergences(tui_db(s->v.t), s->v.at.run_id);
    struct db_divergence in;

    while (db_divergence_next(c, &in) == 1)
        for (int i = 0; in.path_a == 0 && i < s->n; i++)
            if (s->key[i].ordinal == in.path_b)
                s->key[i].leaves = in.pos;
    tui_end(s->v.t, c);
}

static int order_num(double a, double b)
{
    return isnan(a) || isnan(b) ? isnan(b) - isnan(a) : (a > b) - (a < b);
}

/* qsort() takes no argument for its function; the column stands here, set by
 * the one thread there is. */
static int sort_col, sort_down;

static int order(const void *pa, const void *pb)
{
    const struct key *a = pa, *b = pb;
    int by = 0;

    switch (sort_col) {
    case C_ANSWER: by = strcmp(a->answer ? a->answer : "",
                               b->answer ? b->answer : ""); break;
    case C_MEAN:   by = order_num(a->mean, b->mean); break;
    case C_TOKENS: by = order_num(a->n_token, b->n_token); break;
    case C_STEPS:  by = order_num(a->n_step, b->n_step); break;
    case C_PARTS:  by = order_num(a->leaves, b->leaves); break;
    default:       by = order_num(a->ordinal, b->ordinal); break;
    }
    if (by == 0)
        return order_num(a->ordinal, b->ordinal);
    return sort_down ? -by : by;
}

static void sort(struct paths *s)
{
    sort_col = s->v.sort;
    sort_down = s->v.sorted_down;
    if (s->n)
        qsort(s->key, (size_t)s->n, sizeof *s->key, order);
    s->v.list.n = s->n;
    s->v.list.stale = 1;
}

static enum sor_err load(struct paths *s)
{
    enum sor_err err = read_keys(s);
    struct db_run run;

    if (db_get_run(tui_db(s->v.t), s->v.at.run_id, &run) == 1)
        s->n_prompt = run.n_prompt;
    read_parts(s);
    sort(s);
    return err;
}

static enum sor_err paths_open(struct view *v, struct sor_msg *msg)
{
    struct paths *s = (struct paths *)v;

    v->sort = C_PATH;
    if (load(s))
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    if (v->at.path > 0 && v->at.path < s->n)
        v->list.cur = v->at.path;
    return SOR_OK;
}

static void paths_close(struct view *v)
{
    struct paths *s = (struct paths *)v;

    pool_release(&s->answers);
    mem_free(s->key);
}

static void reload(struct view *v)
{
    if (load((struct paths *)v))
        tui_say(v->t, "Out of memory.");
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct paths *s = (struct paths *)v;
    struct db_path in;
    int got = 0;

    s->recorder = tui_recorder(v->t);
    for (; got < n && from + got < s->n; got++) {
        struct row *r = &s->row[got];
        *r = (struct row){ .key = s->key[from + got] };
        if (db_get_path(tui_db(v->t), r->key.id, &in) != 1)
            break;
        r->stop = in.stop ? pool_str(&v->pool, in.stop) : NULL;
        r->kind = pool_str(&v->pool, in.kind);
        r->seed = in.seed;
        r->n_token = in.stop ? in.n_token
                   : db_path_len(tui_db(v->t), r->key.id) - s->n_prompt;
        r->text = in.text ? pool_dup(&v->pool, in.text,
                                     strnlen(in.text, TEXT_BYTES)) : NULL;
    }
    return got;
}

/* ---- drawing -------------------------------------------------------------- */

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "paths");
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct paths *s = (struct paths *)v;
    const struct row *r = &s->row[i];
    char buf[32];

    switch (col) {
    case C_PATH:
        if (tui_chosen(v->t)->path_id == r->key.id)
            p->style = ROLE_WARN | CELL_REVERSE;
        pen_fmt(p, "%d", r->key.ordinal);
        break;
    case C_ANSWER:
        p->style = r->key.answer ? ROLE_STRONG : ROLE_FAINT;
        if (r->key.answer)
            pen_line(p, r->key.answer, strlen(r->key.answer));
        else
            pen_str(p, r->stop ? "none"
                       : s->recorder ? "recording" : "cut off");
        break;
    case C_MEAN:
        fmt_prob(buf, sizeof buf, r->key.mean);
        pen_str(p, buf);
        break;
    case C_BAR:
        p->style = ROLE_BAR;
        if (!isnan(r->key.mean))
            pen_bar(p, exp(r->key.mean), pen_room(p));
        break;
    case C_TOKENS:
        fmt_count(buf, sizeof buf, r->n_token);
        pen_str(p, buf);
        break;
    case C_STEPS:
        pen_fmt(p, "%d", r->key.n_step);
        break;
    case C_PARTS:
        p->style = ROLE_DIM;
        if (r->key.leaves >= 0)
            pen_fmt(p, "@%d", r->key.leaves);
        else
            pen_str(p, "-");
        break;
    case C_STOP:
        p->style = ROLE_DIM;
        pen_str(p, r->stop ? r->stop : "");
        break;
    case C_TEXT:
        p->style = ROLE_DIM;
        if (r->text)
            pen_line(p, r->text, strnlen(r->text, PREVIEW_BYTES));
        break;
    }
}

static void detail(struct view *v, struct doc *d)
{
    const struct paths *s = (struct paths *)v;
    const struct row *r = &s->row[list_here(v)];
    struct db_addr at = addr_run(v->at.run_id);

    at.path_id = r->key.id;
    at.path = r->key.ordinal;
    doc_fact(d, "path", "%d: %s%s%s", r->key.ordinal, r->kind,
             r->stop ? ", ended by " : "", r->stop ? r->stop : "");
    doc_fact(d, "seed", "%lld", (long long)r->seed);
    if (r->key.leaves >= 0) {
        doc_fact(d, "leaves path 0", "at token %d", r->key.leaves);
        at.pos = r->key.leaves;
        doc_goes(d, &view_tokens, at);
    }
    doc_gap(d);
    if (!r->text)
        doc_say(d, 0, ROLE_DIM, r->stop ? "Its text was forgotten."
                : s->recorder
                ? "Still being recorded; its tokens can be read already."
                : "Cut off while it was recorded; its tokens up to there can "
                  "be read.");
    else
        doc_text(d, 0, ROLE_TEXT, r->text, strlen(r->text));
    if (r->text && strlen(r->text) == TEXT_BYTES)
        doc_say(d, 0, ROLE_DIM, "(cut here; its tokens have all of it)");
}

/* ---- keys ----------------------------------------------------------------- */

static const struct key_def defs[] = {
    { 't', CMD_TOKENS, "tokens of this path", "tokens" },
    { 'x', CMD_COMPARE, "choose; on a second path: the two side by side",
      "compare" },
    { 'v', CMD_HEAT, "map of its tokens and layers", "map" },
    { 'd', CMD_DEPENDS, "which steps its conclusion depends on", NULL },
    { 'w', CMD_GRAPH, "its steps as a graph", NULL },
    { 'y', CMD_TIMELINE, "all paths against time", NULL },
    { 'u', CMD_ROUTING, "how tokens were computed; what the guard did", NULL },
    { 'P', CMD_REPLAY, "prove this path: compute it again and compare", NULL },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Paths", defs };

static void go(struct view *v, const struct view_ops *to)
{
    const struct row *r = &((struct paths *)v)->row[list_here(v)];
    struct db_addr at = addr_run(v->at.run_id);

    at.path_id = r->key.id;
    at.path = r->key.ordinal;
    tui_push(v->t, to, at);
}

/* The first press chooses a path, of this run or another; the next, on another
 * path, sets the two side by side. */
static void compare(struct view *v, const struct row *r)
{
    struct db_addr *chosen = tui_chosen(v->t), at = addr_run(v->at.run_id);

    at.path_id = r->key.id;
    at.path = r->key.ordinal;
    if (chosen->path_id == at.path_id) {
        *chosen = addr_run(0);
        tui_say(v->t, "Path %d is no longer chosen.", at.path);
    } else if (chosen->path_id <= 0) {
        *chosen = at;
        tui_say(v->t, "Path %d chosen; x on another path sets them side by "
                "side.", at.path);
    } else {
        at.step_id = chosen->path_id;
        at.step = chosen->path;
        *chosen = addr_run(0);
        tui_push(v->t, &view_compare, at);
    }
}

static void enter(struct view *v)
{
    go(v, &view_steps);
}

static int cmd(struct view *v, enum tui_cmd c)
{
    struct paths *s = (struct paths *)v;

    const struct view_ops *to = c == CMD_TOKENS ? &view_tokens
        : c == CMD_HEAT ? &view_heat : c == CMD_DEPENDS ? &view_depends
        : c == CMD_GRAPH ? &view_graph : NULL;

    if (to && list_here(v) >= 0)
        go(v, to);
    if (to)
        return 1;
    switch (c) {
    case CMD_COMPARE:
        if (list_here(v) >= 0)
            compare(v, &s->row[list_here(v)]);
        return 1;
    case CMD_TIMELINE:
    case CMD_ROUTING:
        tui_push(v->t, c == CMD_ROUTING ? &view_routing : &view_timeline,
                 addr_run(v->at.run_id));
        return 1;
    case CMD_REPLAY:
        if (list_here(v) >= 0) {
            struct db_addr at = addr_run(v->at.run_id);
            at.path = s->row[list_here(v)].key.ordinal;
            return act_at(v, c, at);
        }
        return 1;
    case CMD_SORT:
        for (int i = 0; i < N_SORT; i++)
            if (sorts[i] == v->sort) {
                v->sort = sorts[(i + 1) % N_SORT];
                break;
            }
        break;
    case CMD_REVERSE:
        v->sorted_down = !v->sorted_down;
        break;
    default:
        return 0;
    }
    sort(s);
    list_goto(v, 0);
    return 1;
}

const struct view_ops view_paths = {
    .name = "paths", .what = "the lines of reasoning of one run",
    .size = sizeof(struct paths), .keys = &keys, .cols = cols,
    .passage = 1,
    .empty = "This run has no path yet.\nF follows it while it is recorded.",
    .open = paths_open, .close = paths_close, .reload = reload,
    .crumb = crumb, .fetch = fetch, .cell = cell, .detail = detail,
    .enter = enter, .cmd = cmd
};
