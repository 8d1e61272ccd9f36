#include "tui/doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { GROW = 64, FACT_COLUMN = 18 };

void doc_release(struct doc *d)
{
    grid_release(&d->g);
}

void doc_begin(struct doc *d, int width, int ascii)
{
    d->g.ascii = ascii;
    d->row = d->cut = d->n_link = 0;
    if (grid_resize(&d->g, GROW, width))
        d->cut = 1;
}

struct pen doc_line(struct doc *d, int indent, unsigned style)
{
    int cols = d->g.cols;

    if (!d->cut && d->row >= d->g.rows &&
        (d->row >= DOC_ROWS || grid_grow(&d->g, d->g.rows + GROW)))
        d->cut = 1;
    if (d->cut)                         /* off the grid: nothing is drawn */
        return (struct pen){ &d->g, -1, 0, 0, style };
    if (d->row == DOC_ROWS - 1) {
        struct pen p = { &d->g, d->row++, 0, cols, ROLE_WARN };
        pen_str(&p, "The rest is too long for this pane.");
        d->cut = 1;
        return (struct pen){ &d->g, -1, 0, 0, style };
    }
    d->joins[d->row] = DOC_NEW;
    return (struct pen){ &d->g, d->row++, indent < cols ? indent : cols, cols,
                         style };
}

/* The same, where a paragraph goes on. */
static struct pen go_on(struct doc *d, int indent, unsigned style,
                        enum doc_join join)
{
    struct pen p = doc_line(d, indent, style);

    if (p.row >= 0)
        d->joins[p.row] = (char)join;
    return p;
}

void doc_gap(struct doc *d)
{
    if (d->row)
        doc_line(d, 0, ROLE_TEXT);
}

void doc_head(struct doc *d, const char *title)
{
    struct pen p;

    doc_gap(d);
    p = doc_line(d, 0, ROLE_HEAD);
    pen_str(&p, title);
    pen_gap(&p, 1);
    p.style = ROLE_RULE;
    while (pen_room(&p) > 0)
        pen_glyph(&p, GLYPH_H);
}

/* One word; what is wider than the pane is broken where it must be. */
static void word(struct doc *d, struct pen *p, int indent, const char *s,
                 size_t n)
{
    int width = text_width(s, n);

    if (width > pen_room(p) && p->col > indent)
        *p = go_on(d, indent, p->style, DOC_WORD);
    if (width <= pen_room(p)) {
        pen_put(p, s, n);
        return;
    }
    for (size_t i = 0; i < n && !d->cut;) {
        uint32_t cp;
        size_t used = utf8_next(s + i, n - i, &cp);
        if (text_width(s + i, used) > pen_room(p) && p->col > indent)
            *p = go_on(d, indent, p->style, DOC_PART);
        pen_put(p, s + i, used);
        i += used;
    }
}

/* Words from the pen on; the lines after it begin at indent. */
static void flow(struct doc *d, struct pen p, int indent, const char *s,
                 size_t n)
{
    size_t i = 0;

    while (i < n && !d->cut) {
        size_t from = i;
        if (s[i] == '\n') {
            if (++i < n)
                p = doc_line(d, indent, p.style);
            continue;
        }
        if (s[i] == ' ' || s[i] == '\t' || s[i] == '\r') {
            i++;
            if (p.col > indent)
                pen_gap(&p, 1);
            continue;
        }
        while (i < n && !strchr(" \t\r\n", s[i]) && i - from < 4096)
            i++;
        if (i == from)                  /* a NUL inside the text */
            i++;
        word(d, &p, indent, s + from, i - from);
    }
}

void doc_text(struct doc *d, int indent, unsigned style, const char *s,
              size_t n)
{
    flow(d, doc_line(d, indent, style), indent, s, n);
}

void doc_say(struct doc *d, int indent, unsigned style, const char *s)
{
    doc_text(d, indent, style, s, strlen(s));
}

void doc_fact(struct doc *d, const char *key, const char *fmt, ...)
{
    struct pen p = doc_line(d, 0, ROLE_DIM);
    char value[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof value, fmt, ap);
    va_end(ap);
    pen_str(&p, key);
    pen_gap(&p, 1);
    pen_to(&p, FACT_COLUMN);
    p.style = ROLE_TEXT;
    flow(d, p, FACT_COLUMN, value, strlen(value));
}

void doc_goes(struct doc *d, const struct view_ops *to, struct db_addr at)
{
    if (!d->cut && d->n_link < DOC_LINKS)
        d->link[d->n_link++] = (struct doc_link){ d->row - 1, to, at };
}

/* What a cell says; NULL: it only draws, or is the right half of another. */
static const char *said(const struct cell *c)
{
    unsigned role = c->style & 0xff;

    return c->width == 0 ? NULL
         : role == ROLE_RULE || role == ROLE_BAR || role == ROLE_TROUGH ? " "
                                                                : c->ch;
}

void doc_words(const struct doc *d, struct str *out)
{
    for (int row = 0; row < d->row; row++) {
        size_t keep;
        int col = 0;

        if (d->joins[row] != DOC_NEW)
            while (col < d->g.cols &&
                   strcmp(grid_at(&d->g, row, col)->ch, " ") == 0)
                col++;
        if (row > 0 && d->joins[row] == DOC_NEW)
            str_putc(out, '\n');
        else if (row > 0 && d->joins[row] == DOC_WORD)
            str_putc(out, ' ');
        for (keep = out->len; col < d->g.cols; col++) {
            const char *ch = said(grid_at(&d->g, row, col));

            if (ch)
                str_puts(out, ch);
            if (ch && strcmp(ch, " ") != 0)
                keep = out->len;
        }
        if (str_ok(out))
            out->p[out->len = keep] = '\0';
    }
}

/* ---- reading -------------------------------------------------------------- */

static int last_top(const struct doc *d)
{
    return d->row > d->height ? d->row - d->height : 0;
}

static void clamp(struct doc *d)
{
    if (d->top > last_top(d))
        d->top = last_top(d);
    if (d->top < 0)
        d->top = 0;
    if (d->at_link >= d->n_link)
        d->at_link = d->n_link - 1;
    if (d->at_link < 0)
        d->at_link = 0;
}

void doc_draw(struct doc *d, struct grid *g, struct rect r, int active)
{
    const struct doc_link *here;

    d->height = r.rows;
    clamp(d);
    here = doc_here(d);
    grid_blit(g, r, &d->g, d->top);
    if (active && here && here->row >= d->top && here->row < d->top + r.rows)
        grid_mark(g, (struct rect){ r.row + here->row - d->top, r.col, 1,
                                    r.cols }, CELL_SELECT);
    if (last_top(d) > 0 && r.rows > 1) {
        struct pen p = pen_in(g, r, r.rows - 1, ROLE_DIM);
        p.col = p.end - 1;
        if (d->top < last_top(d))
            pen_glyph(&p, GLYPH_DOWN);
        else
            pen_glyph(&p, GLYPH_UP);
    }
}

static int shown(const struct doc *d, int link)
{
    return d->link[link].row >= d->top &&
           d->link[link].row < d->top + d->height;
}

/* A step to the next link if it is in sight, else by a row. */
static void step(struct doc *d, int by)
{
    int next = d->at_link + by;

    if (d->n_link && !shown(d, d->at_link)) {   /* scrolled away from it */
        for (int i = 0; i < d->n_link; i++)
            if (shown(d, by > 0 ? i : d->n_link - 1 - i)) {
                d->at_link = by > 0 ? i : d->n_link - 1 - i;
                return;
            }
        next = -1;
    }
    if (next >= 0 && next < d->n_link && shown(d, next)) {
        d->at_link = next;
        return;
    }
    d->top += by;
    clamp(d);
    if (next >= 0 && next < d->n_link && shown(d, next))
        d->at_link = next;
}

int doc_move(struct doc *d, enum tui_cmd cmd)
{
    int page = d->height > 2 ? d->height - 1 : 1;

    switch (cmd) {
    case CMD_UP:        step(d, -1); break;
    case CMD_DOWN:      step(d, 1); break;
    case CMD_PAGE_UP:   d->top -= page; break;
    case CMD_PAGE_DOWN: d->top += page; break;
    case CMD_HALF_UP:   d->top -= (page + 1) / 2; break;
    case CMD_HALF_DOWN: d->top += (page + 1) / 2; break;
    case CMD_FIRST:     d->top = d->at_link = 0; break;
    case CMD_LAST:      d->top = d->row; d->at_link = d->n_link; break;
    default:            return 0;
    }
    clamp(d);
    return 1;
}

const struct doc_link *doc_here(const struct doc *d)
{
    return d->at_link >= 0 && d->at_link < d->n_link ? &d->link[d->at_link]
                                                     : NULL;
}

const struct doc_link *doc_click(struct doc *d, int row)
{
    for (int i = 0; i < d->n_link; i++)
        if (d->link[i].row == d->top + row) {
            d->at_link = i;
            return &d->link[i];
        }
    return NULL;
}
