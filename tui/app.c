/* tui/app.c - the stack of views and what keys do to it. */
#include "tui/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "tui/copy.h"
#include "tui/history.h"
#include "tui/job.h"
#include "tui/kept.h"
#include "tui/keyfile.h"
#include "tui/mark.h"
#include "tui/state.h"

const struct view_ops *const views[] = {
    &view_runs, &view_run, &view_diff, &view_paths, &view_compare,
    &view_timeline, &view_routing, &view_steps, &view_depends, &view_edges,
    &view_graph, &view_tokens, &view_story, &view_layers, &view_heads,
    &view_heat, &view_findings, &view_decisions, &view_claims, &view_document,
    &view_losses, &view_matches, &view_marks, &view_jobs, &view_sql,
    &view_help, NULL
};

/* ---- what views may ask --------------------------------------------------- */

struct db *tui_db(struct tui *t) { return t->db; }
int tui_ascii(const struct tui *t) { return t->o.ascii; }
int tui_shade(const struct tui *t) { return t->theme->colors < 256; }
struct db_addr *tui_chosen(struct tui *t) { return &t->chosen; }

int tui_acts(const struct tui *t)
{
    return !t->o.readonly && t->o.program && t->o.db_name;
}

const struct view *tui_under(const struct tui *t)
{
    return t->depth > 1 ? t->stack[t->depth - 2] : NULL;
}

/* The text that has the focus; NULL: rows or a picture have it. */
static const struct doc *focused(const struct view *v)
{
    return v->on_detail ? &v->detail : v->ops->body ? &v->text : NULL;
}

int view_opens(const struct view *v)
{
    const struct doc *d = focused(v);

    return d ? doc_here(d) != NULL : v->ops->enter != NULL;
}

int tui_recorder(const struct tui *t)
{
    return t->o.db_name ? db_writer_pid(t->o.db_name) : 0;
}

const char *tui_accuracy(const struct tui *t, const uint8_t sha256[32],
                         const char *question)
{
    return t->o.accuracy ? t->o.accuracy(sha256, question)
                         : "accuracy on this kind of question: unmeasured; "
                           "agreeing paths show stability, not truth";
}

void tui_say(struct tui *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(t->say, sizeof t->say, fmt, ap);
    va_end(ap);
}

void tui_end(struct tui *t, struct db_cur *c)
{
    enum sor_err err = db_cur_close(c);

    if (err)
        tui_say(t, "The database cannot be read here: %s.", sor_err_text(err));
}

static void view_close(struct view *v)
{
    if (v->ops->close)
        v->ops->close(v);
    doc_release(&v->text);
    doc_release(&v->detail);
    pool_release(&v->pool);
    mem_free(v);
}

static enum sor_err push(struct tui *t, const struct view_ops *ops,
                         struct db_addr at, struct sor_msg *msg)
{
    struct view *v;
    enum sor_err err;

    if (t->depth == STACK_MAX)
        return sor_fail(msg, SOR_LIMIT, "too many views are open; h goes back");
    v = mem_calloc(1, ops->size);
    if (!v)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    v->ops = ops;
    v->t = t;
    v->at = at;
    v->list.n = -1;
    v->list.stale = 1;
    v->sort = -1;
    v->version = db_data_version(t->db);
    err = ops->open ? ops->open(v, msg) : SOR_OK;
    if (err) {
        view_close(v);
        return err;
    }
    t->stack[t->depth++] = v;
    return SOR_OK;
}

void tui_push(struct tui *t, const struct view_ops *ops, struct db_addr at)
{
    struct sor_msg msg = { "" };

    if (push(t, ops, at, &msg))
        tui_say(t, "%s", msg.text);
}

void tui_pop(struct tui *t)
{
    if (t->depth == 1) {
        t->done = 1;
        return;
    }
    view_close(t->stack[--t->depth]);
    db_rest(t->db);
    if (db_data_version(t->db) != tui_top(t)->version)
        tui_reload(t);
}

void tui_reload(struct tui *t)
{
    struct view *v = tui_top(t);

    db_rest(t->db);
    v->version = db_data_version(t->db);
    v->list.stale = 1;
    v->list.n = -1;
    if (v->ops->reload)
        v->ops->reload(v);
}

/* The theme of the last time, where none is asked for and it can be shown. */
static void kept_theme(struct tui *t)
{
    const struct theme *theme = theme_find(t->kept->line[KEPT_THEME][0]);

    if (theme && theme->colors <= t->theme->colors)
        t->theme = theme;
}

/* ---- opening and closing -------------------------------------------------- */

enum sor_err tui_open(struct db *d, const struct tui_opts *o, struct tui **out,
                      struct sor_msg *msg)
{
    struct tui *t = mem_calloc(1, sizeof *t);
    enum sor_err err;

    if (!t)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    t->db = d;
    t->o = *o;
    t->theme = o->theme ? o->theme
             : theme_for(o->colors ? o->colors : 256);
    t->mouse = !o->no_mouse;
    t->cursor_row = -1;
    str_init(&t->typed);
    str_init(&t->copied);
    t->kept = kept_open(o->state);
    err = t->kept ? keyfile_read(&t->keyfile, o->keys, msg)
                  : sor_fail(msg, SOR_NOMEM, "out of memory");
    if (!err && !o->theme && t->kept->n[KEPT_THEME])
        kept_theme(t);
    if (!err)
        err = push(t, &view_runs, addr_run(0), msg);
    if (err) {
        tui_close(t);
        return err;
    }
    *out = t;
    return SOR_OK;
}

void tui_close(struct tui *t)
{
    if (!t)
        return;
    while (t->depth)
        view_close(t->stack[--t->depth]);
    job_close(t);
    if (t->kept && t->o.state)
        kept_save(t->kept, t->o.state);
    mem_free(t->kept);
    tui_temp_remove(t);
    str_release(&t->typed);
    str_release(&t->copied);
    history_close(t->history);
    mem_free(t);
}

int tui_done(const struct tui *t) { return t->done; }
int tui_mouse(const struct tui *t) { return t->mouse; }
const struct theme *tui_theme(const struct tui *t) { return t->theme; }

int tui_following(const struct tui *t)
{
    return t->follow && !t->paused;
}

int tui_busy(const struct tui *t)
{
    return job_busy(t) || tui_top(t)->working || t->search.on;
}

int tui_wait_ms(const struct tui *t)
{
    return tui_top(t)->working || t->search.on ? 0
         : job_busy(t) || tui_following(t) ? TUI_FRAME_MS : TUI_IDLE_MS;
}

void tui_set_theme(struct tui *t, const struct theme *theme)
{
    t->theme = theme;
}

int tui_repaint(struct tui *t)
{
    int was = t->repaint;

    t->repaint = 0;
    return was;
}

int tui_cursor(const struct tui *t, int *row, int *col)
{
    *row = t->cursor_row;
    *col = t->cursor_col;
    return t->cursor_row >= 0;
}

int tui_idle(struct tui *t)
{
    int recorder, gone, changed = job_tick(t);
    struct view *v = tui_top(t);

    changed |= search_work(t);
    if (v->working)
        changed |= v->ops->work(v);
    db_rest(t->db);
    if (!tui_following(t))
        return changed;
    recorder = tui_recorder(t);
    gone = t->recorder && !recorder;    /* ended or killed: look once more */
    t->recorder = recorder;
    if (!gone && db_data_version(t->db) == v->version)
        return changed;
    tui_reload(t);
    if (v->ops->fetch)
        list_goto(v, v->sorted_down ? 0 : INT64_MAX);   /* the newest */
    return 1;
}

/* ---- keys ----------------------------------------------------------------- */

/* A link out of the list of runs goes by way of its run. */
static void follow_link(struct tui *t, const struct doc_link *l)
{
    struct doc_link to;

    if (!l)
        return;
    to = *l;                /* opening may move the document it stands in */
    if (t->depth == 1 && to.to != &view_run)
        tui_push(t, &view_run, addr_run(to.at.run_id));
    tui_push(t, to.to, to.at);
}

/* Motions and Enter, in the pane that has the focus. */
static int in_pane(struct view *v, enum tui_cmd cmd)
{
    struct doc *d = v->on_detail ? &v->detail
                  : v->ops->body ? &v->text : NULL;

    if (!v->on_detail && v->ops->cmd && v->ops->cmd(v, cmd))
        return 1;
    if (cmd == CMD_OPEN && !view_opens(v)) {
        tui_say(v->t, "Enter opens nothing here; h goes back.");
        return 1;
    }
    if (d && cmd == CMD_OPEN) {
        follow_link(v->t, doc_here(d));
        return 1;
    }
    if (d)
        return doc_move(d, cmd);
    if (cmd == CMD_OPEN) {
        if (list_here(v) >= 0)
            v->ops->enter(v);
        return 1;
    }
    return v->ops->fetch ? list_move(v, cmd) : 0;
}

static void toggle_follow(struct tui *t)
{
    t->follow = !t->follow;
    t->paused = 0;
    if (t->follow) {
        tui_top(t)->version = -1;       /* go to the end at once */
        tui_idle(t);
    }
    tui_say(t, t->follow ? "Following: new rows show as they are recorded."
                         : "No longer following.");
}

static void toggle_mouse(struct tui *t)
{
    t->mouse = !t->mouse;
    tui_say(t, t->mouse ? "The mouse moves the cursor."
                        : "The mouse is free: select text as usual.");
}

/* A view that is there once: not on top of itself. */
static void push_once(struct tui *t, const struct view_ops *ops)
{
    if (tui_top(t)->ops != ops)
        tui_push(t, ops, tui_top(t)->at);
}

/* What goes to places and keeps them. */
static int in_places(struct tui *t, enum tui_cmd cmd)
{
    switch (cmd) {
    case CMD_MARK:    mark_here(t); return 1;
    case CMD_COPY:    copy_here(t); return 1;
    case CMD_EARLIER: history_go(t, -1); return 1;
    case CMD_LATER:   history_go(t, 1); return 1;
    case CMD_MARKS:   push_once(t, &view_marks); return 1;
    case CMD_JOBS:    push_once(t, &view_jobs); return 1;
    case CMD_HELP:    push_once(t, &view_help); return 1;
    default:          return 0;
    }
}

static void in_app(struct tui *t, struct view *v, enum tui_cmd cmd)
{
    switch (cmd) {
    case CMD_BACK:
        tui_pop(t);
        break;
    case CMD_INTERRUPT:
        if (job_busy(t))
            job_cancel(t);
        else
            t->done = 1;
        break;
    case CMD_QUIT:
        t->done = 1;
        break;
    case CMD_FILTER:
        prompt_begin(t, '&');
        break;
    case CMD_PANE:
        v->on_detail = !v->on_detail && v->ops->detail;
        break;
    case CMD_MAXIMISE:
        v->alone = !v->alone && v->ops->detail;
        break;
    case CMD_SEARCH:
        prompt_begin(t, '/');
        break;
    case CMD_PROMPT:
        prompt_begin(t, ':');
        break;
    case CMD_NEXT_MATCH:
    case CMD_PREV_MATCH:
        search_find(t, cmd == CMD_PREV_MATCH);
        break;
    case CMD_FOLLOW:
        toggle_follow(t);
        break;
    case CMD_PAUSE:
        if (t->follow)
            t->paused = !t->paused;
        else
            tui_say(t, "Nothing is being followed; F follows.");
        break;
    case CMD_RELOAD:
        tui_reload(t);
        tui_say(t, "Read again.");
        break;
    case CMD_REDRAW:
        t->repaint = 1;
        break;
    case CMD_MOUSE:
        toggle_mouse(t);
        break;
    case CMD_SORT:
    case CMD_REVERSE:
        tui_say(t, "These rows have one order only.");
        break;
    case CMD_CANCEL:
        t->needle[0] = '\0';
        v->on_detail = 0;
        break;
    default:
        break;
    }
}

static int inside(struct rect r, struct tui_event ev)
{
    return ev.row >= r.row && ev.row < r.row + r.rows && ev.col >= r.col &&
           ev.col < r.col + r.cols;
}

/* A click puts the cursor; on where the cursor is, or twice, it opens. */
static void click(struct tui *t, struct view *v, struct tui_event ev)
{
    struct doc *d = NULL;
    struct rect r = v->pane;

    if (v->ops->detail && inside(t->detail, ev)) {
        d = &v->detail;
        v->on_detail = 1;
        r = t->detail;
    } else {
        v->on_detail = 0;
        if (v->ops->body) {
            d = &v->text;
            r = t->main;
        }
    }
    if (d) {
        follow_link(t, doc_click(d, ev.row - r.row));
    } else if (v->ops->fetch && inside(r, ev)) {
        int64_t row = v->list.top + ev.row - r.row;
        int same = row == v->list.cur;
        if (row < v->list.from + v->list.have)
            list_goto(v, row);
        if ((same || ev.key == TK_DOUBLE) && v->ops->enter &&
            list_here(v) >= 0)
            v->ops->enter(v);
    }
}

static void mouse(struct tui *t, struct view *v, struct tui_event ev)
{
    if (!t->mouse)
        return;
    if (ev.key == TK_CLICK || ev.key == TK_DOUBLE) {
        click(t, v, ev);
        return;
    }
    v->on_detail = v->ops->detail && inside(t->detail, ev);
    for (int i = 0; i < 3; i++)
        in_pane(v, ev.key == TK_WHEEL_UP ? CMD_UP : CMD_DOWN);
}

void tui_key(struct tui *t, struct tui_event ev)
{
    struct view *v = tui_top(t);
    enum tui_cmd cmd;

    if (ev.key == TK_NONE || ev.key == TK_RESIZE)
        return;
    t->say[0] = '\0';
    t->search.on = 0;
    if (t->prompt) {
        prompt_key(t, ev.key);
        return;
    }
    history_note(t);
    ev.key = keyfile_key(&t->keyfile, ev.key);
    if (ev.key >= TK_CLICK && ev.key <= TK_WHEEL_DOWN) {
        mouse(t, v, ev);
        return;
    }
    cmd = keys_find(v->ops->keys, ev.key);
    if (!cmd)
        cmd = keys_find(&keys_move, ev.key);
    if (!cmd)
        cmd = keys_find(&keys_common, ev.key);
    if (t->small && cmd != CMD_QUIT && cmd != CMD_INTERRUPT &&
        cmd != CMD_BACK)
        return;
    if (!cmd) {
        char name[32];
        keys_name(ev.key, name, sizeof name);
        tui_say(t, "%s does nothing here; ? lists the keys.", name);
    } else if (!in_pane(v, cmd) && !in_places(t, cmd)) {
        in_app(t, v, cmd);
    }
}
