/* tui/view_runs.c - every run of the database, newest first. */
#include <string.h>

#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/summary.h"
#include "tui/view.h"

struct row {
    int64_t id, started_us, n_token;
    const char *uid, *prompt, *status, *answer, *kind;
    int votes, n_voted, n_path, n_path_done;
};

struct runs {
    struct view v;
    struct row row[LIST_WINDOW];
};

enum { C_RUN, C_STARTED, C_QUESTION, C_ANSWER, C_VOTES, C_TOKENS, C_STATE };

static const struct col cols[] = {
    { "Run", 8, 0, 0 },
    { "Started", 16, 0, 96 },
    { "Question", 0, COL_FLEX, 0 },
    { "Answer", 12, 0, 0 },
    { "Votes", 6, COL_RIGHT, 0 },
    { "Tokens", 10, COL_RIGHT, 0 },
    { "State", 11, 0, 104 },
    { NULL, 0, 0, 0 }
};

/* What `i` goes through, and the column that shows it. */
static const struct { enum db_run_sort sort; int col; } sorts[] = {
    { DB_RUN_STARTED, C_STARTED }, { DB_RUN_UID, C_RUN },
    { DB_RUN_PROMPT, C_QUESTION }, { DB_RUN_ANSWER, C_ANSWER },
    { DB_RUN_TOKENS, C_TOKENS },
};
enum { N_SORT = sizeof sorts / sizeof *sorts };

static enum sor_err runs_open(struct view *v, struct sor_msg *msg)
{
    (void)msg;
    v->sort = C_STARTED;
    v->sorted_down = 1;
    return SOR_OK;
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "runs");
}

static int at_sort(const struct view *v)
{
    for (int i = 0; i < N_SORT; i++)
        if (sorts[i].col == v->sort)
            return i;
    return 0;
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct runs *r = (struct runs *)v;
    struct db_run_query q = { .sort = sorts[at_sort(v)].sort,
                              .ascending = !v->sorted_down,
                              .skip = from < INT32_MAX ? (int)from : INT32_MAX,
                              .limit = n };
    struct db_cur *c = db_runs(tui_db(v->t), &q);
    struct db_run in;
    int got = 0;

    while (got < n && db_run_next(c, &in) == 1)
        r->row[got++] = (struct row){
            .id = in.id, .started_us = in.started_us, .n_token = in.n_token,
            .uid = pool_str(&v->pool, in.uid),
            .kind = pool_str(&v->pool, in.kind),
            .prompt = in.prompt ? pool_str(&v->pool, in.prompt) : NULL,
            .status = in.status ? pool_str(&v->pool, in.status) : NULL,
            .answer = in.answer ? pool_str(&v->pool, in.answer) : NULL,
            .votes = in.votes, .n_voted = in.n_voted, .n_path = in.n_path,
            .n_path_done = in.n_path_done };
    tui_end(v->t, c);
    return got;
}

static void cell_state(const struct row *r, struct pen *p)
{
    p->style = r->status && !strcmp(r->status, "complete") ? ROLE_GOOD
                                                           : ROLE_WARN;
    pen_str(p, r->status ? r->status : "not ended");
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct row *r = &((struct runs *)v)->row[i];
    char buf[32];

    switch (col) {
    case C_RUN:
        p->style = tui_chosen(v->t)->run_id == r->id &&
                   tui_chosen(v->t)->path_id <= 0
                       ? ROLE_WARN | CELL_REVERSE : ROLE_ACCENT;
        fmt_uid(buf, sizeof buf, r->uid);
        pen_str(p, buf);
        break;
    case C_STARTED:
        p->style = ROLE_DIM;
        fmt_date(buf, sizeof buf, r->started_us);
        pen_str(p, buf);
        break;
    case C_QUESTION:
        p->style = r->prompt ? ROLE_TEXT : ROLE_FAINT;
        if (r->prompt)
            pen_line(p, r->prompt, strlen(r->prompt));
        else
            pen_str(p, "(forgotten)");
        break;
    case C_ANSWER:
        p->style = r->answer ? ROLE_STRONG : ROLE_FAINT;
        if (r->answer)
            pen_line(p, r->answer, strlen(r->answer));
        else
            pen_str(p, "-");
        break;
    case C_VOTES:
        p->style = r->votes * 2 > r->n_voted ? ROLE_GOOD : ROLE_WARN;
        if (r->n_voted)
            pen_fmt(p, "%d/%d", r->votes, r->n_voted);
        break;
    case C_TOKENS:
        fmt_count(buf, sizeof buf, r->n_token);
        p->style = r->status ? ROLE_TEXT : ROLE_WARN;
        if (r->status)
            pen_str(p, buf);
        else
            pen_fmt(p, "%d/%d done", r->n_path_done, r->n_path);
        break;
    case C_STATE:
        cell_state(r, p);
        break;
    }
}

static void detail(struct view *v, struct doc *d)
{
    const struct row *r = &((struct runs *)v)->row[list_here(v)];

    summary(v->t, r->id, d);
}

static void enter(struct view *v)
{
    const struct row *r = &((struct runs *)v)->row[list_here(v)];

    tui_push(v->t, &view_run, addr_run(r->id));
}

static const struct key_def defs[] = {
    { 'x', CMD_COMPARE, "choose; on a second run: the two compared", NULL },
    { 'P', CMD_REPLAY, "prove it: compute it again and compare", NULL },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Runs", defs };

/* The first press chooses a run; the next, on another, compares the two. */
static void compare(struct view *v, const struct row *r)
{
    struct db_addr *chosen = tui_chosen(v->t), at = addr_run(r->id);

    if (chosen->run_id == r->id || chosen->run_id <= 0 || chosen->path_id > 0) {
        int again = chosen->run_id == r->id && chosen->path_id <= 0;

        *chosen = addr_run(again ? 0 : r->id);
        tui_say(v->t, again ? "%.8s is no longer chosen."
                : "%.8s chosen; x on another run compares the two.", r->uid);
        return;
    }
    at.step_id = chosen->run_id;
    *chosen = addr_run(0);
    tui_push(v->t, &view_diff, at);
}

static int cmd(struct view *v, enum tui_cmd c)
{
    const struct runs *s = (const struct runs *)v;
    int i;

    if (c == CMD_COMPARE || c == CMD_REPLAY) {
        if ((i = list_here(v)) < 0)
            return 1;
        if (c == CMD_REPLAY)
            return act_at(v, c, addr_run(s->row[i].id));
        compare(v, &s->row[i]);
        return 1;
    }
    if (c == CMD_SORT)
        v->sort = sorts[(at_sort(v) + 1) % N_SORT].col;
    else if (c == CMD_REVERSE)
        v->sorted_down = !v->sorted_down;
    else
        return 0;
    v->list.stale = 1;
    list_goto(v, 0);
    return 1;
}

const struct view_ops view_runs = {
    .name = "runs", .what = "every run in the database",
    .size = sizeof(struct runs), .keys = &keys, .cols = cols,
    .empty = "No runs yet.\nRecord one:  sorites run \"your question\"",
    .open = runs_open, .crumb = crumb, .fetch = fetch, .cell = cell,
    .detail = detail, .enter = enter, .cmd = cmd
};
