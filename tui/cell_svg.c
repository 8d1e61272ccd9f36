/* tui/cell_svg.c - the grid as a picture, for the README and for people who
 * send screens to each other.
 *
 * One <text> per run of cells of one look, every character placed at its own
 * column so that no font can shift it.  Bars, rules and shades are drawn as
 * shapes, since fonts leave gaps between them. */
#include <string.h>

#include "base/text.h"
#include "tui/app.h"

enum { CELL_W = 9, CELL_H = 20, BASELINE = 15, PAD = 14, FONT_SIZE = 15 };

struct look { uint32_t fg, bg; int bold, under, has_bg; };

static struct look look_of(const struct theme *t, unsigned style)
{
    struct ink i = theme_ink(t, style);
    struct look l = { i.fg < 0 ? t->page_fg : theme_rgb(i.fg),
                      i.bg < 0 ? t->page_bg : theme_rgb(i.bg),
                      (i.attr & CELL_BOLD) != 0, (i.attr & CELL_UNDER) != 0,
                      i.bg >= 0 };

    if (i.attr & CELL_REVERSE) {
        uint32_t fg = l.fg;
        l.fg = l.bg;
        l.bg = fg;
        l.has_bg = 1;
    }
    return l;
}

static void put_rect(struct str *out, double x, double y, double w, double h,
                     uint32_t color, double opacity)
{
    str_printf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
               "height=\"%.2f\" fill=\"#%06x\"", x, y, w, h, (unsigned)color);
    if (opacity < 1)
        str_printf(out, " fill-opacity=\"%.2f\"", opacity);
    str_puts(out, "/>\n");
}

/* Block elements U+2588..U+2593 and lines, as shapes.  1: it was one. */
static int put_shape(struct str *out, uint32_t cp, double x, double y,
                     uint32_t color)
{
    if (cp >= 0x2588 && cp <= 0x258f)           /* full, 7/8 .. 1/8 */
        put_rect(out, x, y + 4, CELL_W * (0x2590 - cp) / 8.0, CELL_H - 8,
                 color, 1);
    else if (cp >= 0x2591 && cp <= 0x2593)
        put_rect(out, x, y, CELL_W, CELL_H, color, 0.25 * (cp - 0x2590));
    else if (cp == 0x2500)
        put_rect(out, x, y + CELL_H / 2.0 - 0.5, CELL_W, 1, color, 1);
    else if (cp == 0x2502)
        put_rect(out, x + CELL_W / 2.0 - 0.5, y, 1, CELL_H, color, 1);
    else
        return 0;
    return 1;
}

static void put_escaped(struct str *out, const char *s)
{
    for (; *s; s++)
        switch (*s) {
        case '<': str_puts(out, "&lt;"); break;
        case '>': str_puts(out, "&gt;"); break;
        case '&': str_puts(out, "&amp;"); break;
        default:  str_putc(out, *s);
        }
}

/* Columns col..end of a row share one look: their text, in one element. */
static void put_text(struct str *out, const struct grid *g, int row, int col,
                     int end, const struct look *l)
{
    struct str xs, chars;

    str_init(&xs);
    str_init(&chars);
    for (; col < end; col++) {
        const struct cell *c = grid_at(g, row, col);
        double x = PAD + col * CELL_W, y = PAD + row * CELL_H;
        uint32_t cp;
        if (c->width == 0 || strcmp(c->ch, " ") == 0)
            continue;
        utf8_next(c->ch, strlen(c->ch), &cp);
        if (put_shape(out, cp, x, y, l->fg))
            continue;
        /* x holds one place per character; marks follow their base */
        str_printf(&xs, "%s%.0f", xs.len ? " " : "", x);
        for (size_t i = utf8_count(c->ch, strlen(c->ch)); i > 1; i--)
            str_printf(&xs, " %.0f", x);
        put_escaped(&chars, c->ch);
    }
    if (chars.len)
        str_printf(out, "<text x=\"%s\" y=\"%d\" fill=\"#%06x\"%s%s>%s"
                   "</text>\n", xs.p, PAD + row * CELL_H + BASELINE,
                   (unsigned)l->fg, l->bold ? " font-weight=\"bold\"" : "",
                   l->under ? " text-decoration=\"underline\"" : "", chars.p);
    str_release(&xs);
    str_release(&chars);
}

void cell_svg(const struct grid *g, const struct theme *theme, struct str *out)
{
    int w = g->cols * CELL_W + 2 * PAD, h = g->rows * CELL_H + 2 * PAD;

    str_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
               "height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"'DejaVu "
               "Sans Mono', Menlo, Consolas, monospace\" font-size=\"%d\">\n"
               "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#%06x\"/>\n",
               w, h, w, h, FONT_SIZE, w, h, (unsigned)theme->page_bg);
    for (int row = 0; row < g->rows; row++)
        for (int col = 0, end; col < g->cols; col = end) {
            unsigned style = grid_at(g, row, col)->style;
            struct look l = look_of(theme, style);
            for (end = col + 1; end < g->cols; end++)
                if (grid_at(g, row, end)->style != style)
                    break;
            if (l.has_bg)
                put_rect(out, PAD + col * CELL_W, PAD + row * CELL_H,
                         (end - col) * CELL_W, CELL_H, l.bg, 1);
            put_text(out, g, row, col, end, &l);
        }
    str_puts(out, "</svg>\n");
}
