/* tui/cell_svg.c - the grid as a picture, for the README and for people who
 * send screens to each other.
 *
 * One <text> per word, placed at its own column so that no font can shift a
 * line.  Bars, rules and shades are drawn as shapes, since fonts leave gaps
 * between them. */
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

static uint32_t shape(const struct cell *c)
{
    uint32_t cp;

    utf8_next(c->ch, strlen(c->ch), &cp);
    return cp;
}

/* Where the lines of a box character go: 1 up, 2 right, 4 down, 8 left; 0: it
 * is none. */
static int line_bits(uint32_t cp)
{
    static const uint16_t line[16] = {
        0, 0x2575, 0x2576, 0x2514, 0x2577, 0x2502, 0x250c, 0x251c, 0x2574,
        0x2518, 0x2500, 0x2534, 0x2510, 0x2524, 0x252c, 0x253c };

    for (int i = 1; i < 16; i++)
        if (line[i] == cp)
            return i;
    return 0;
}

/* Block elements, shades, and lines. */
static int is_shape(const struct cell *c)
{
    uint32_t cp = shape(c);

    return (cp >= 0x2588 && cp <= 0x2593 && cp != 0x2590) || line_bits(cp);
}

static void put_lines(struct str *out, int bits, double x, double y,
                      uint32_t color)
{
    double mx = x + (CELL_W - 1) / 2.0, my = y + CELL_H / 2.0 - 0.5;

    if (bits & 10)
        put_rect(out, bits & 8 ? x : mx, my,
                 (bits & 10) == 10 ? CELL_W : CELL_W / 2.0 + 0.5, 1, color, 1);
    if (bits & 5)
        put_rect(out, mx, bits & 1 ? y : my, 1,
                 (bits & 5) == 5 ? CELL_H : CELL_H / 2.0 + 0.5, color, 1);
}

static void put_shape(struct str *out, const struct cell *c, double x,
                      double y, uint32_t color)
{
    uint32_t cp = shape(c);

    if (cp <= 0x258f && cp >= 0x2588)           /* full, 7/8 .. 1/8 */
        put_rect(out, x, y + 4, CELL_W * (0x2590 - cp) / 8.0, CELL_H - 8,
                 color, 1);
    else if (cp >= 0x2591)
        put_rect(out, x, y, CELL_W, CELL_H, color, 0.25 * (cp - 0x2590));
    else
        put_lines(out, line_bits(cp), x, y, color);
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

static int is_space(const struct cell *c)
{
    return c->width == 1 && strcmp(c->ch, " ") == 0;
}

/* A word of one look, from column `col` on; returns where it ends.  A wide
 * character is a word of its own. */
static int put_word(struct str *out, const struct grid *g, int row, int col,
                    int end, const struct look *l)
{
    int from = col, wide = grid_at(g, row, col)->width == 2;

    str_printf(out, "<text x=\"%d\" y=\"%d\" fill=\"#%06x\"%s%s>",
               PAD + col * CELL_W, PAD + row * CELL_H + BASELINE,
               (unsigned)l->fg, l->bold ? " font-weight=\"bold\"" : "",
               l->under ? " text-decoration=\"underline\"" : "");
    do {
        const struct cell *c = grid_at(g, row, col);
        put_escaped(out, c->ch);
        col += c->width ? c->width : 1;
    } while (!wide && col < end && !is_space(grid_at(g, row, col)) &&
             grid_at(g, row, col)->width == 1 &&
             !is_shape(grid_at(g, row, col)));
    str_puts(out, "</text>\n");
    return col > from ? col : from + 1;
}

/* Columns col..end of a row, which share one look. */
static void put_run(struct str *out, const struct grid *g, int row, int col,
                    int end, const struct look *l)
{
    while (col < end) {
        const struct cell *c = grid_at(g, row, col);
        if (is_space(c) || c->width == 0)
            col++;
        else if (is_shape(c))
            put_shape(out, c, PAD + col++ * CELL_W, PAD + row * CELL_H, l->fg);
        else
            col = put_word(out, g, row, col, end, l);
    }
}

void cell_svg(const struct grid *g, const struct theme *theme, struct str *out)
{
    int w = g->cols * CELL_W + 2 * PAD, h = g->rows * CELL_H + 2 * PAD;

    str_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
               "height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"'DejaVu "
               "Sans Mono', Menlo, Consolas, monospace\" font-size=\"%d\" "
               "shape-rendering=\"crispEdges\">\n"
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
            put_run(out, g, row, col, end, &l);
        }
    str_puts(out, "</svg>\n");
}
