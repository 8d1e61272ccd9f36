/* tui/view_compare.c - two paths side by side, token beside token, aligned
 * with as few changes as there can be (db's path_diff()).
 *
 * In its address path_id is the path on the right and step_id that on the
 * left; `step` is the left one's ordinal.  They may be of two runs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tui/fmt.h"
#include "tui/route.h"
#include "tui/reply.h"
#include "tui/token.h"
#include "tui/view.h"

enum { TOKENS_MAX = 8192, AROUND = 12 };
enum { D_OP, D_POS_A, D_POS_B, D_TEXT, D_LOG_A, D_LOG_B };  /* of the query */
enum { C_POS_A, C_TOKEN_A, C_P_A, C_SIGN, C_POS_B, C_TOKEN_B, C_P_B };

static const struct col cols[] = {
    { "Left", 7, COL_RIGHT, 0 },    { "", 13, COL_FLEX, 0 },
    { "p", 6, COL_RIGHT, 0 },       { "", 1, 0, 0 },
    { "Right", 7, COL_RIGHT, 0 },   { "", 13, 0, 0 },
    { "p", 6, COL_RIGHT, 0 },       { NULL, 0, 0, 0 }
};

/* A line: a row of the query on either side, -1 where there is none. */
struct pair { int a, b; };

struct compare {
    struct view v;
    struct reply rows;
    struct pair *pair;
    int n, window, first;       /* first: the line where they part; -1 */
    int left_ordinal, right_ordinal;
    int64_t left_run, right_run;
};

/* ---- aligning ------------------------------------------------------------ */

/* What only one side has, line by line beside what only the other has. */
static int changed(struct compare *s, int from)
{
    int a = from, b, to = from;

    while (to < s->rows.n && reply_text(&s->rows, to, D_OP)[0] != '=')
        to++;
    for (b = from; a < to || b < to; s->n++) {
        while (a < to && reply_text(&s->rows, a, D_OP)[0] != '-')
            a++;
        while (b < to && reply_text(&s->rows, b, D_OP)[0] != '+')
            b++;
        if (a >= to && b >= to)
            break;
        s->pair[s->n] = (struct pair){ a < to ? a++ : -1, b < to ? b++ : -1 };
    }
    return to;
}

static enum sor_err align(struct compare *s, struct sor_msg *msg)
{
    mem_free(s->pair);
    s->n = 0;
    s->first = -1;
    s->pair = mem_calloc((size_t)s->rows.n + 1, sizeof *s->pair);
    if (!s->pair)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    for (int i = 0; i < s->rows.n; ) {
        if (reply_text(&s->rows, i, D_OP)[0] == '=') {
            s->pair[s->n++] = (struct pair){ i, i };
            i++;
            continue;
        }
        if (s->first < 0)
            s->first = s->n;
        i = changed(s, i);
    }
    return SOR_OK;
}

static enum sor_err load(struct compare *s, struct sor_msg *msg)
{
    const struct db_addr *at = &s->v.at;
    enum sor_err err = reply_ask(&s->rows, s->v.t, TOKENS_MAX, msg,
        "SELECT op, pos_a, pos_b, text, logprob_a, logprob_b "
        "FROM path_diff(%lld, %lld)", (long long)at->step_id,
        (long long)at->path_id);

    if (!err)
        err = align(s, msg);
    s->v.list.n = s->n;
    s->v.list.stale = 1;
    return err;
}

static enum sor_err compare_open(struct view *v, struct sor_msg *msg)
{
    struct compare *s = (struct compare *)v;
    struct db_path p;
    enum sor_err err;

    if (db_get_path(tui_db(v->t), v->at.step_id, &p) == 1) {
        s->left_ordinal = p.ordinal;
        s->left_run = p.run_id;
    }
    if (db_get_path(tui_db(v->t), v->at.path_id, &p) == 1) {
        s->right_ordinal = p.ordinal;
        s->right_run = p.run_id;
    }
    err = load(s, msg);
    if (!err && s->rows.n == TOKENS_MAX)
        tui_say(v->t, "Compared up to here: the first %d tokens.", TOKENS_MAX);
    list_goto(v, s->first >= 0 ? s->first : 0);
    return err;
}

static void compare_close(struct view *v)
{
    reply_release(&((struct compare *)v)->rows);
    mem_free(((struct compare *)v)->pair);
}

static void reload(struct view *v)
{
    struct sor_msg msg = { "" };

    if (load((struct compare *)v, &msg))
        tui_say(v->t, "%s", msg.text);
}

static void crumb(const struct view *v, struct str *out)
{
    const struct compare *s = (const struct compare *)v;

    str_printf(out, "path %d | %d", s->left_ordinal, s->right_ordinal);
}

static int fetch(struct view *v, int64_t from, int n)
{
    struct compare *s = (struct compare *)v;

    s->window = (int)from;
    return list_part(s->n, from, n);
}

/* ---- drawing ------------------------------------------------------------- */

static const struct pair *pair(const struct compare *s, int i)
{
    return &s->pair[s->window + i];
}

static int same(const struct pair *x) { return x->a == x->b; }

static void one_side(const struct compare *s, const struct pair *x, int right,
                     int what, struct pen *p)
{
    int row = right ? x->b : x->a;
    char buf[24];

    if (row < 0) {
        p->style = ROLE_FAINT;
        if (what == 1)
            pen_str(p, "-");
        return;
    }
    p->style = same(x) ? ROLE_DIM : ROLE_STRONG;
    if (what == 0) {
        p->style = ROLE_DIM;
        pen_str(p, reply_text(&s->rows, row, right ? D_POS_B : D_POS_A));
    } else if (what == 1) {
        const char *text = reply_text(&s->rows, row, D_TEXT);
        pen_piece(p, text, strlen(text));
    } else {
        double logprob = reply_num(&s->rows, row, right ? D_LOG_B : D_LOG_A);
        if (isnan(logprob))
            return;
        p->style = (unsigned)(ROLE_INK + fmt_surprise(logprob));
        fmt_prob(buf, sizeof buf, logprob);
        pen_str(p, buf);
    }
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct compare *s = (const struct compare *)v;
    const struct pair *x = pair(s, i);

    if (col == C_SIGN) {
        p->style = s->window + i == s->first ? ROLE_BAD : ROLE_WARN;
        if (s->window + i == s->first)
            pen_str(p, "!");
        else if (!same(x))
            pen_str(p, x->a < 0 ? "+" : x->b < 0 ? "-" : "~");
        return;
    }
    one_side(s, x, col > C_SIGN, col > C_SIGN ? col - C_POS_B : col, p);
}

/* The tokens around line i of one side, as running text. */
static void context(const struct compare *s, int line, int right, struct doc *d)
{
    struct pen p = doc_line(d, 0, ROLE_TEXT);
    int from = line > AROUND ? line - AROUND : 0;

    for (int i = from; i < s->n && i < line + AROUND; i++) {
        int row = right ? s->pair[i].b : s->pair[i].a;
        const char *text = row < 0 ? "" : reply_text(&s->rows, row, D_TEXT);

        if (pen_room(&p) < (int)strlen(text))
            p = doc_line(d, 0, ROLE_TEXT);
        p.style = (same(&s->pair[i]) ? ROLE_DIM : ROLE_STRONG) |
                  (i == line ? CELL_REVERSE : 0);
        if (strpbrk(text, "\n\t"))
            pen_piece(&p, text, strlen(text));
        else
            pen_str(&p, text);
    }
}

/* What else that path could have said there. */
static void alternatives(struct view *v, struct db_addr at, int64_t model,
                         struct doc *d)
{
    struct db_window w = { at.pos, 1, 0 };
    struct db_cur *c = db_tokens(tui_db(v->t), at.path_id, w);
    struct db_token t;

    if (db_token_next(c, &t) == 1 && t.pos == at.pos && t.alt.n)
        token_alternatives(v->t, model, t.alt, t.token_id, d);
    tui_end(v->t, c);
}

static struct db_addr side_at(const struct compare *s, int line, int right)
{
    const struct pair *x = &s->pair[line];
    int row = right ? x->b : x->a;
    struct db_addr at = addr_run(right ? s->right_run : s->left_run);

    at.path_id = right ? s->v.at.path_id : s->v.at.step_id;
    at.path = right ? s->right_ordinal : s->left_ordinal;
    if (row >= 0)
        at.pos = (int)reply_int(&s->rows, row, right ? D_POS_B : D_POS_A);
    return at;
}

static void one_path(struct view *v, int line, int right, struct doc *d)
{
    const struct compare *s = (const struct compare *)v;
    struct db_addr at = side_at(s, line, right);
    struct db_run run;
    char title[64];

    snprintf(title, sizeof title, "%s: path %d", right ? "Right" : "Left",
             at.path);
    doc_head(d, title);
    context(s, line, right, d);
    if (at.pos < 0) {
        doc_say(d, 0, ROLE_DIM, "This path has no token here.");
        return;
    }
    doc_fact(d, "token", "%d: its full story", at.pos);
    doc_goes(d, &view_story, at);
    if (db_get_run(tui_db(v->t), at.run_id, &run) == 1)
        alternatives(v, at, run.model_id, d);
    doc_gap(d);
    route_say(v->t, at, d);
}

static void detail(struct view *v, struct doc *d)
{
    const struct compare *s = (const struct compare *)v;
    int line = s->window + list_here(v);

    if (s->first < 0) {
        doc_say(d, 0, ROLE_GOOD, "They are the same to the end.");
    } else {
        struct db_addr a = side_at(s, s->first, 0), b = side_at(s, s->first, 1);
        struct pen p = doc_line(d, 0, ROLE_STRONG);

        pen_fmt(&p, "They first part at token %d", a.pos >= 0 ? a.pos : b.pos);
        p.style = ROLE_DIM;
        pen_str(&p, line == s->first ? ", here" : "; x goes there");
    }
    one_path(v, line, 0, d);
    one_path(v, line, 1, d);
}

/* ---- keys ---------------------------------------------------------------- */

static const struct key_def defs[] = {
    { 'x', CMD_COMPARE, "to the first difference; again: the next", "differs" },
    { 's', CMD_STORY, "the full story of the token on the right", "story" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Two paths", defs };

/* The next line after the cursor that begins a difference. */
static void next_difference(struct compare *s)
{
    int n = s->n, cur = (int)s->v.list.cur;

    if (s->first < 0) {
        tui_say(s->v.t, "They are the same to the end.");
        return;
    }
    for (int k = 1; k <= n; k++) {
        int i = (cur + k) % n;
        if (!same(&s->pair[i]) && (i == 0 || same(&s->pair[i - 1]))) {
            list_goto(&s->v, cur < s->first ? s->first : i);
            return;
        }
    }
}

static void enter(struct view *v)
{
    struct compare *s = (struct compare *)v;
    int line = s->window + list_here(v);
    struct db_addr at = side_at(s, line, s->pair[line].b >= 0);

    tui_push(v->t, &view_story, at);
}

static int cmd(struct view *v, enum tui_cmd c)
{
    if (c == CMD_COMPARE)
        next_difference((struct compare *)v);
    else if (c == CMD_STORY && list_here(v) >= 0)
        enter(v);
    else
        return 0;
    return 1;
}

const struct view_ops view_compare = {
    .name = "compare",
    .what = "two paths side by side, first difference marked",
    .size = sizeof(struct compare), .keys = &keys, .cols = cols,
    .empty = "Neither path has a token.",
    .open = compare_open, .close = compare_close, .reload = reload,
    .crumb = crumb, .fetch = fetch, .cell = cell, .detail = detail,
    .enter = enter, .cmd = cmd
};
