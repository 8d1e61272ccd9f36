/* tui/view_marks.c - the places marked with b, in this database. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/fmt.h"
#include "tui/kept.h"
#include "tui/mark.h"
#include "tui/state.h"

/* Of view, address and words; the database's path is what a line begins with,
 * so that each shows its own. */
struct mark {
    char view[16], uid[33], words[160];
    int path, step, pos;
    int64_t row;
};

struct marks {
    struct view v;
    int n, window, line[KEPT_LINES];    /* index into kept */
};

static const struct col cols[] = {
    { "View", 9, 0, 0 }, { "Run", 8, 0, 0 }, { "Place", 14, 0, 0 },
    { "Words", 0, COL_FLEX, 0 }, { NULL, 0, 0, 0 }
};

static const char *base_name(const struct tui *t)
{
    const char *name = t->o.db_name ? t->o.db_name : "-", *s;

    return (s = strrchr(name, '/')) != NULL ? s + 1 : name;
}

static int parse(const struct tui *t, const char *line, struct mark *m)
{
    const char *name = base_name(t);
    size_t n = strlen(name);
    long long row;
    int used = 0;

    if (strncmp(line, name, n) != 0 || line[n] != '\t' ||
        sscanf(line + n, " %15s %32s %d %d %d %lld %n", m->view, m->uid,
               &m->path, &m->step, &m->pos, &row, &used) < 6)
        return 0;
    m->row = row;
    snprintf(m->words, sizeof m->words, "%s", line + n + used);
    return 1;
}

/* The row under the cursor as it reads, for the list of marks. */
static void words_here(struct view *v, char *out, size_t cap)
{
    const struct col *c = v->ops->cols;
    int i = v->ops->fetch && v->ops->cell ? list_here(v) : -1;
    struct grid g;
    struct str s;

    snprintf(out, cap, "%s", v->ops->what);
    if (i < 0 || grid_init(&g, 1, (int)cap - 1))
        return;
    struct pen p = { &g, 0, 0, g.cols, ROLE_TEXT };
    for (int k = 0; c[k].head; k++) {
        int end = p.end;
        if (c[k].width || c[k].flags & COL_FLEX) {
            p.end = p.col + 40 < end ? p.col + 40 : end;
            v->ops->cell(v, i, k, &p);
            p.end = end;
            pen_gap(&p, 1);
        }
    }
    str_init(&s);
    g.ascii = 0;
    grid_dump(&g, &s);
    if (str_ok(&s)) {
        snprintf(out, cap, "%s", s.p);
        out[strcspn(out, "\n")] = '\0';
    }
    str_release(&s);
    grid_release(&g);
}

void mark_here(struct tui *t)
{
    struct view *v = tui_top(t);
    char line[KEPT_BYTES], words[120];
    struct db_run run;

    if (v->at.run_id <= 0 || db_get_run(t->db, v->at.run_id, &run) != 1) {
        tui_say(t, "Open a run first: there is no place here to mark.");
        return;
    }
    words_here(v, words, sizeof words);
    const struct db_addr at = v->ops->here ? v->ops->here(v) : v->at;
    const char *view = v->ops == &view_compare ? view_paths.name
                     : v->ops == &view_diff ? view_runs.name : v->ops->name;

    snprintf(line, sizeof line, "%.120s\t%s %.32s %d %d %d %lld %s",
             base_name(t), view, run.uid, at.path, at.step, at.pos,
             (long long)(v->ops->fetch ? v->list.cur : 0), words);
    db_rest(t->db);
    if (kept_drop(t->kept, KEPT_MARK, line)) {
        tui_say(t, "No longer marked.");
    } else {
        kept_add(t->kept, KEPT_MARK, line);
        tui_say(t, "Marked; ' lists what is marked.");
    }
}

/* ---- the view ------------------------------------------------------------ */

static void load(struct view *v)
{
    struct marks *s = (struct marks *)v;
    const struct kept *k = v->t->kept;
    struct mark m;

    s->n = 0;
    for (int i = k->n[KEPT_MARK] - 1; i >= 0; i--)      /* newest first */
        if (parse(v->t, k->line[KEPT_MARK][i], &m))
            s->line[s->n++] = i;
    v->list.n = s->n;
}

static enum sor_err marks_open(struct view *v, struct sor_msg *msg)
{
    (void)msg;
    load(v);
    return SOR_OK;
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "marks");
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct marks *s = (struct marks *)v;

    s->window = (int)from;
    return list_part(s->n, from, n);
}

static int mark_at(struct view *v, int i, struct mark *m)
{
    const struct marks *s = (const struct marks *)v;

    return parse(v->t, v->t->kept->line[KEPT_MARK][s->line[s->window + i]], m);
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    struct mark m;

    if (!mark_at(v, i, &m))
        return;
    p->style = col == 0 ? ROLE_TEXT : col == 1 ? ROLE_ACCENT : ROLE_DIM;
    if (col == 0)
        pen_str(p, m.view);
    else if (col == 1)
        pen_fmt(p, "%.8s", m.uid);
    else if (col == 3)
        pen_line(p, m.words, strlen(m.words));
    else if (m.path >= 0 && m.pos >= 0)
        pen_fmt(p, "%d@%d", m.path, m.pos);
    else if (m.path >= 0)
        pen_fmt(p, "path %d", m.path);
}

static void enter(struct view *v)
{
    struct tui *t = v->t;
    struct sor_msg msg = { "" };
    struct db_addr at;
    char address[64];
    struct mark m;

    if (!mark_at(v, list_here(v), &m))
        return;
    if (m.path >= 0 && m.step >= 0 && m.pos < 0)
        snprintf(address, sizeof address, "%s:%d:%d", m.uid, m.path, m.step);
    else if (m.path >= 0)
        snprintf(address, sizeof address, "%s:%d", m.uid, m.path);
    else
        snprintf(address, sizeof address, "%s", m.uid);
    if (db_find(t->db, address, &at, &msg)) {
        tui_say(t, "%s", msg.text);
        return;
    }
    at.step = m.step;
    at.pos = m.pos;
    for (int i = 0; views[i]; i++)
        if (strcmp(views[i]->name, m.view) == 0) {
            tui_push(t, views[i], at);
            if (tui_top(t)->ops == views[i] && views[i]->fetch &&
                !views[i]->here)
                list_goto(tui_top(t), m.row);
        }
}

const struct view_ops view_marks = {
    .name = "marks", .what = "the places that you marked",
    .size = sizeof(struct marks), .cols = cols,
    .empty = "No place is marked in this database yet.\n"
             "b marks the place where you are.",
    .open = marks_open, .reload = load, .crumb = crumb, .fetch = fetch,
    .cell = cell, .enter = enter
};
