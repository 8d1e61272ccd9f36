/* tui/screen.c - what frames a view: the line of places at the top, the panes,
 * the status line and the bar of keys. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tui/fmt.h"
#include "tui/job.h"
#include "tui/state.h"

enum { WIDE = 110, ROOMY = 30, TEXT_WIDTH = 100 };

static void too_small(struct grid *g)
{
    char line[80];
    int n = snprintf(line, sizeof line, "The terminal is %d x %d; "
                     "please make it %d x %d.", g->cols, g->rows,
                     TUI_COLS_MIN, TUI_ROWS_MIN);
    if (n > g->cols)
        n = snprintf(line, sizeof line, "%dx%d needed", TUI_COLS_MIN,
                     TUI_ROWS_MIN);
    struct pen p = { g, g->rows / 2, 0, g->cols, ROLE_WARN };

    pen_gap(&p, (g->cols - n) / 2);
    pen_str(&p, line);
}

/* ---- the top line --------------------------------------------------------- */

static void state_words(const struct tui *t, struct str *out)
{
    const char *name = t->o.db_name ? strrchr(t->o.db_name, '/') : NULL;

    if (t->follow)
        str_printf(out, "%s  ", t->paused ? "paused" : "following");
    if (t->o.readonly)
        str_puts(out, "read-only  ");
    if (t->o.db_name)
        str_puts(out, name ? name + 1 : t->o.db_name);
}

/* The places from the first view to this one.  Where they do not fit, the
 * first ones give way. */
static void crumbs(const struct tui *t, struct pen *p)
{
    struct str part[STACK_MAX];
    int width[STACK_MAX] = { 0 }, first = 0, all = 0;

    for (int i = 0; i < t->depth; i++) {
        const struct view *v = t->stack[i];
        str_init(&part[i]);
        if (!v->ops->passage || v == tui_top(t))
            v->ops->crumb(v, &part[i]);
        width[i] = part[i].len ? text_width(part[i].p, part[i].len) + 3 : 0;
        all += width[i];
    }
    while (first + 1 < t->depth && all > pen_room(p) - 2)
        all -= width[first++];
    if (first) {
        pen_glyph(p, GLYPH_MORE);
        pen_gap(p, 1);
    }
    for (int i = first; i < t->depth; i++) {
        if (width[i] == 0)
            continue;
        if (i > first) {
            unsigned style = p->style;
            pen_gap(p, 1);
            p->style = style & ~(unsigned)CELL_BOLD;
            pen_glyph(p, GLYPH_CRUMB);
            p->style = style;
            pen_gap(p, 1);
        }
        pen_line(p, part[i].p, part[i].len);
    }
    for (int i = 0; i < t->depth; i++)
        str_release(&part[i]);
}

static void title(const struct tui *t, struct grid *g)
{
    struct rect r = { 0, 0, 1, g->cols };
    struct pen p = pen_in(g, r, 0, ROLE_TITLE);
    struct str words;
    int width;

    str_init(&words);
    state_words(t, &words);
    width = text_width(words.p, words.len);
    if (width > g->cols / 3)
        width = g->cols / 3;
    pen_str(&p, " Sorites  ");
    p.end -= width + 3;
    crumbs(t, &p);
    p.end = g->cols;
    pen_to(&p, g->cols - width - 1);
    p.end = g->cols - 1;
    pen_line(&p, words.p, words.len);
    p.end = g->cols;
    pen_to(&p, g->cols);
    str_release(&words);
}

/* ---- panes ---------------------------------------------------------------- */

static void rule_down(struct grid *g, struct rect r, unsigned style)
{
    for (int i = 0; i < r.rows; i++) {
        struct pen p = pen_in(g, r, i, style);
        pen_glyph(&p, GLYPH_V);
    }
}

static void rule_across(struct grid *g, struct rect r, unsigned style)
{
    struct pen p = pen_in(g, r, 0, style);

    while (pen_room(&p) > 0)
        pen_glyph(&p, GLYPH_H);
}

/* Shares the body between the panes and draws the line between them. */
static void share(struct tui *t, const struct view *v, struct grid *g,
                  struct rect body)
{
    unsigned style = v->on_detail ? ROLE_ACCENT : ROLE_RULE;
    int cut;

    t->main = body;
    t->detail = (struct rect){ 0, 0, 0, 0 };
    if (!v->ops->detail || (v->alone && !v->on_detail))
        return;
    if (v->alone) {
        t->detail = body;
        t->main.rows = 0;
    } else if (body.cols >= WIDE) {
        cut = body.cols * 58 / 100;
        t->main.cols = cut - 1;
        rule_down(g, (struct rect){ body.row, cut, body.rows, 1 }, style);
        t->detail = (struct rect){ body.row, cut + 1, body.rows,
                                   body.cols - cut - 1 };
    } else {
        cut = body.rows - (body.rows * 2 / 5 > 8 ? body.rows * 2 / 5 : 8);
        t->main.rows = cut;
        rule_across(g, (struct rect){ body.row + cut, 0, 1, body.cols }, style);
        t->detail = (struct rect){ body.row + cut + 1, 0,
                                   body.rows - cut - 1, body.cols };
    }
    t->detail.col += 2;
    t->detail.cols -= 4;
}

static void nothing(const struct view *v, struct grid *g, struct rect r)
{
    const char *s = v->ops->empty ? v->ops->empty : "Nothing is recorded here.";
    int line = r.rows / 3;

    for (const char *p = s; *p; line++) {
        size_t n = strcspn(p, "\n");
        struct pen pen = pen_in(g, r, line, line == r.rows / 3 ? ROLE_STRONG
                                                               : ROLE_DIM);
        pen_gap(&pen, (r.cols - (int)n) / 2);
        pen_put(&pen, p, n);
        p += n + (p[n] == '\n');
    }
}

static void draw_main(struct tui *t, struct view *v, struct grid *g)
{
    struct rect r = t->main;

    if (r.rows <= 0)
        return;
    if (v->ops->draw) {
        v->ops->draw(v, g, r);
    } else if (v->ops->fetch) {
        list_draw(v, g, r, !v->on_detail);
        if (v->list.have == 0)
            nothing(v, g, r);
    } else {
        r.col += 2;
        r.cols = r.cols - 4 < TEXT_WIDTH ? r.cols - 4 : TEXT_WIDTH;
        t->main = r;
        doc_begin(&v->text, r.cols, g->ascii);
        v->ops->body(v, &v->text);
        doc_draw(&v->text, g, r, !v->on_detail);
    }
}

static void draw_detail(struct tui *t, struct view *v, struct grid *g)
{
    struct rect r = t->detail;

    if (r.rows <= 0 || r.cols <= 0)
        return;
    if (v->detail_of != v->list.cur)    /* another row: from its top */
        v->detail.top = v->detail.at_link = 0;
    v->detail_of = v->list.cur;
    doc_begin(&v->detail, r.cols, g->ascii);
    if (!v->ops->fetch || list_here(v) >= 0)
        v->ops->detail(v, &v->detail);
    doc_draw(&v->detail, g, r, v->on_detail);
}

/* ---- the bottom ----------------------------------------------------------- */

static void place_words(const struct view *v, char out[64])
{
    char row[28], n[28];

    out[0] = '\0';
    if (!v->ops->fetch || v->list.have == 0)
        return;
    fmt_count(row, sizeof row, v->list.cur + 1);
    fmt_count(n, sizeof n, v->list.n);
    if (v->list.n >= 0)
        snprintf(out, 64, "%s of %s", row, n);
    else
        snprintf(out, 64, "%s", row);
}

static void status(struct tui *t, const struct view *v, struct grid *g)
{
    struct pen p = { g, g->rows - 2, 1, g->cols - 1, ROLE_TEXT };
    char place[64], job[JOB_LINE];

    t->cursor_row = -1;
    if (t->prompt) {
        char sign[2] = { t->prompt, '\0' };
        const char *label = t->prompt == '?' ? t->ask.label : sign;
        int width = text_width(t->typed.p, t->typed.len);
        int room = g->cols - 3 - text_width(label, strlen(label));
        size_t skip = 0;
        uint32_t cp;
        while (width > room && skip < t->typed.len) {
            skip += utf8_next(t->typed.p + skip, t->typed.len - skip, &cp);
            width = text_width(t->typed.p + skip, t->typed.len - skip);
        }
        p.style = ROLE_STRONG;
        pen_str(&p, label);
        pen_put(&p, t->typed.p + skip, t->typed.len - skip);
        t->cursor_row = p.row;
        t->cursor_col = p.col;
        return;
    }
    job_status(t, job);
    place_words(v, place);
    p.end -= (int)strlen(place) + 2;
    p.style = ROLE_ACCENT;
    if (t->say[0])
        pen_line(&p, t->say, strlen(t->say));
    else if (job[0]) {
        pen_line(&p, job, strlen(job));
    } else if (t->needle[0]) {
        p.style = ROLE_DIM;
        pen_str(&p, "/");
        pen_str(&p, t->needle);
    }
    p.end = g->cols - 1;
    p.col = p.end - (int)strlen(place);
    p.style = ROLE_DIM;
    pen_str(&p, place);
}

/* Whether a key of all views is worth a word in the bar of v. */
static int worth(const struct view *v, const struct key_def *d)
{
    return !keys_find(v->ops->keys, d->key) &&
           (d->cmd != CMD_FILTER || (v->ops->fetch && v->ops->cell)) &&
           (d->cmd != CMD_PANE || v->ops->detail) &&
           (d->cmd != CMD_OPEN || view_opens(v));
}

/* The keys of m that are worth a word here, but for those that the view v
 * takes itself (v NULL: none). */
static void bar_keys(struct pen *p, const struct keymap *m,
                     const struct view *v)
{
    for (const struct key_def *d = m ? m->def : NULL; d && d->cmd; d++) {
        char name[16];
        if (!d->bar || (v && !worth(v, d)))
            continue;
        keys_name(d->key, name, sizeof name);
        if (pen_room(p) < (int)(strlen(name) + strlen(d->bar)) + 3)
            return;
        p->style = ROLE_KEY;
        pen_str(p, name);
        p->style = ROLE_BARTEXT;
        pen_gap(p, 1);
        pen_str(p, d->bar);
        pen_gap(p, 2);
    }
}

static void bar(const struct tui *t, const struct view *v, struct grid *g)
{
    struct pen p = { g, g->rows - 1, 0, g->cols, ROLE_BARTEXT };

    pen_gap(&p, 1);
    if (t->prompt) {
        bar_keys(&p, &keys_prompt, NULL);
    } else {
        bar_keys(&p, v->ops->keys, NULL);
        bar_keys(&p, &keys_common, v);
    }
    p.style = ROLE_BARTEXT;
    pen_to(&p, g->cols);
}

void tui_draw(struct tui *t, struct grid *g)
{
    struct view *v = tui_top(t);
    int top = g->rows >= ROOMY ? 2 : 1;
    struct rect body = { top, 0, g->rows - 2 - top, g->cols };

    g->ascii = t->o.ascii;
    t->rows = g->rows;
    t->cols = g->cols;
    grid_clear(g);
    t->small = g->rows < TUI_ROWS_MIN || g->cols < TUI_COLS_MIN;
    t->cursor_row = -1;
    if (t->small) {
        too_small(g);
        return;
    }
    share(t, v, g, body);
    draw_main(t, v, g);
    draw_detail(t, v, g);
    grid_match(g, body, t->needle);
    title(t, g);
    status(t, v, g);
    bar(t, v, g);
    db_rest(t->db);                     /* nothing is read till the next key */
}
