#include "tui/cell.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const struct {
    const char *unicode, *ascii;
} glyphs[GLYPHS] = {
    [GLYPH_H] = { "\u2500", "-" },        [GLYPH_V] = { "\u2502", "|" },
    [GLYPH_CROSS] = { "\u253c", "+" },    [GLYPH_TEE] = { "\u252c", "+" },
    [GLYPH_CRUMB] = { "\u203a", ">" },    [GLYPH_MORE] = { "\u2026", "~" },
    [GLYPH_SPACE] = { "\u00b7", "_" },    [GLYPH_NL] = { "\u21b5", "$" },
    [GLYPH_TAB] = { "\u21e5", "^" },      [GLYPH_CURSOR] = { "\u258c", ">" },
    [GLYPH_DOT] = { "\u00b7", "-" },      [GLYPH_UP] = { "\u2191", "^" },
    [GLYPH_DOWN] = { "\u2193", "v" },     [GLYPH_TO] = { "\u2192", ">" },
    [GLYPH_FROM] = { "\u2190", "<" },     [GLYPH_TROUGH] = { "\u2500", "." },
    [GLYPH_FULL] = { "\u2588", "#" },
    [GLYPH_EIGHTH + 0] = { "\u258f", "." },
    [GLYPH_EIGHTH + 1] = { "\u258e", ":" },
    [GLYPH_EIGHTH + 2] = { "\u258d", ":" },
    [GLYPH_EIGHTH + 3] = { "\u258c", "-" },
    [GLYPH_EIGHTH + 4] = { "\u258b", "=" },
    [GLYPH_EIGHTH + 5] = { "\u258a", "+" },
    [GLYPH_EIGHTH + 6] = { "\u2589", "*" },
    [GLYPH_SHADE + 0] = { " ", " " },
    [GLYPH_SHADE + 1] = { "\u2591", "." },
    [GLYPH_SHADE + 2] = { "\u2592", "+" },
    [GLYPH_SHADE + 3] = { "\u2593", "*" },
    [GLYPH_SHADE + 4] = { "\u2588", "#" },
};

const char *glyph_text(enum glyph g, int ascii)
{
    return ascii ? glyphs[g].ascii : glyphs[g].unicode;
}

/* ---- grid ----------------------------------------------------------------- */

enum sor_err grid_init(struct grid *g, int rows, int cols)
{
    *g = (struct grid){ 0 };
    return grid_resize(g, rows, cols);
}

static const struct cell nothing = { " ", 1, ROLE_TEXT };

enum sor_err grid_resize(struct grid *g, int rows, int cols)
{
    g->rows = 0;
    g->cols = cols < 0 ? 0 : cols;
    return grid_grow(g, rows);
}

enum sor_err grid_grow(struct grid *g, int rows)
{
    size_t n;
    struct cell *cell;

    if (rows < g->rows || mem_mul((size_t)rows, (size_t)g->cols, &n))
        return SOR_LIMIT;
    cell = mem_realloc(g->cell, n ? n : 1, sizeof *cell);
    if (!cell)
        return SOR_NOMEM;
    for (size_t i = (size_t)g->rows * (size_t)g->cols; i < n; i++)
        cell[i] = nothing;
    g->cell = cell;
    g->rows = rows;
    return SOR_OK;
}

void grid_release(struct grid *g)
{
    mem_free(g->cell);
    *g = (struct grid){ 0 };
}

void grid_clear(struct grid *g)
{
    for (int i = 0; i < g->rows * g->cols; i++)
        g->cell[i] = nothing;
}

struct cell *grid_at(const struct grid *g, int row, int col)
{
    if (row < 0 || col < 0 || row >= g->rows || col >= g->cols)
        return NULL;
    return &g->cell[row * g->cols + col];
}

void grid_mark(struct grid *g, struct rect r, unsigned attr)
{
    for (int row = r.row; row < r.row + r.rows; row++)
        for (int col = r.col; col < r.col + r.cols; col++) {
            struct cell *c = grid_at(g, row, col);
            if (c)
                c->style = (uint16_t)(c->style | attr);
        }
}

/* Columns that needle takes where it stands at (row, col); 0: it does not. */
static int match_here(const struct grid *g, int row, int col, const char *needle)
{
    int from = col;

    while (*needle) {
        const struct cell *c = grid_at(g, row, col);
        if (!c)
            return 0;
        col += c->width ? c->width : 1;
        for (const char *p = c->ch; *p; p++, needle++)
            if (tolower((unsigned char)*p) != tolower((unsigned char)*needle))
                return 0;
    }
    return col - from;
}

void grid_match(struct grid *g, struct rect r, const char *needle)
{
    if (!*needle)
        return;
    for (int row = r.row; row < r.row + r.rows; row++)
        for (int col = r.col; col < r.col + r.cols; col++) {
            int n = match_here(g, row, col, needle);
            if (n && col + n <= r.col + r.cols)
                grid_mark(g, (struct rect){ row, col, 1, n }, CELL_MATCH);
        }
}

void grid_blit(struct grid *g, struct rect to, const struct grid *src, int from)
{
    for (int row = 0; row < to.rows; row++)
        for (int col = 0; col < to.cols; col++) {
            const struct cell *s = grid_at(src, from + row, col);
            struct cell *d = grid_at(g, to.row + row, to.col + col);
            if (s && d)
                *d = *s;
        }
}

void grid_dump(const struct grid *g, struct str *out)
{
    for (int row = 0; row < g->rows; row++) {
        size_t keep = out->len;
        for (int col = 0; col < g->cols; col++) {
            const struct cell *c = grid_at(g, row, col);
            if (c->width)
                str_puts(out, c->ch);
            if (c->width && strcmp(c->ch, " ") != 0)
                keep = out->len;
        }
        if (str_ok(out))
            out->p[out->len = keep] = '\0';
        str_putc(out, '\n');
    }
}

/* ---- pen ------------------------------------------------------------------ */

/* A neighbour that loses half of its wide character shows a blank instead. */
static void unhalve(struct grid *g, int row, int col)
{
    struct cell *c = grid_at(g, row, col), *left = grid_at(g, row, col - 1);

    if (c && left && c->width == 0 && left->width == 2) {
        *left = (struct cell){ " ", 1, left->style };
        *c = (struct cell){ " ", 1, c->style };
    }
}

/* Puts one base character of 1 or 2 columns, known to be safe. */
static void put_base(struct pen *p, const char *ch, size_t n, int width)
{
    struct cell *c = grid_at(p->g, p->row, p->col);
    struct cell *right = grid_at(p->g, p->row, p->col + 1);

    if (p->col + width > p->end) {
        p->end = p->col;                /* nothing narrower may follow it */
        return;
    }
    if (c && (width == 1 || right)) {
        unhalve(p->g, p->row, p->col);
        unhalve(p->g, p->row, p->col + width);
        *c = (struct cell){ .width = (uint8_t)width,
                            .style = (uint16_t)p->style };
        memcpy(c->ch, ch, n);
        if (width == 2)
            *right = (struct cell){ .width = 0, .style = (uint16_t)p->style };
    }
    p->col += width;
}

/* A mark of no width joins the character before it, if it fits there. */
static void put_mark(struct pen *p, const char *ch, size_t n)
{
    struct cell *c = grid_at(p->g, p->row, p->col - 1);
    size_t have;

    if (c && c->width == 0)
        c = grid_at(p->g, p->row, p->col - 2);
    if (!c || p->g->ascii)
        return;
    have = strlen(c->ch);
    if (have + n < CELL_BYTES)
        memcpy(c->ch + have, ch, n + 1);
}

static void put_cp(struct pen *p, uint32_t cp)
{
    char ch[5] = { 0 };
    int width = text_width_cp(cp);
    size_t n = utf8_put(cp, ch);

    if (width == 0)
        put_mark(p, ch, n);
    else if (p->g->ascii && cp > 126)
        for (int i = 0; i < width; i++)
            put_base(p, "?", 1, 1);
    else
        put_base(p, ch, n, width);
}

void pen_put(struct pen *p, const char *s, size_t n)
{
    char safe[64];

    while (n) {
        uint32_t cp;
        size_t used = utf8_next(s, n, &cp);
        size_t len = text_safe_fit(safe, sizeof safe, s, used, 0);
        if (pen_room(p) <= 0 && text_width(s, used) > 0)
            break;                      /* but marks on the last one may come */
        for (size_t i = 0; i < len;) {
            i += utf8_next(safe + i, len - i, &cp);
            put_cp(p, cp);
        }
        s += used;
        n -= used;
    }
}

/* Marks may still follow where the room has just run out. */
static void pen_cut(struct pen *p, int start)
{
    const char *more = glyph_text(GLYPH_MORE, p->g->ascii);
    struct cell *c;

    p->col = p->end - 1;
    c = grid_at(p->g, p->row, p->col);
    if (c && c->width == 0 && p->col > start)
        unhalve(p->g, p->row, p->col);
    if (p->col >= start)
        put_base(p, more, strlen(more), 1);
}

static int is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

void pen_line(struct pen *p, const char *s, size_t n)
{
    int start = p->col, end = p->end;

    while (n && is_blank(s[n - 1]))
        n--;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        size_t used = 1;
        int blank = is_blank(s[i]);

        if (blank)
            while (i + used < n && is_blank(s[i + used]))
                used++;
        else
            used = utf8_next(s + i, n - i, &cp);
        if (pen_room(p) <= 0 && (blank || text_width(s + i, used) > 0)) {
            p->end = end;
            pen_cut(p, start);
            return;
        }
        if (!blank)
            pen_put(p, s + i, used);
        else if (p->col > start)
            pen_put(p, " ", 1);
        i += used;
    }
    if (p->end < end) {         /* a wide character found half its room */
        p->end = end;
        pen_cut(p, start);
    }
}

void pen_piece(struct pen *p, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        size_t used = utf8_next(s + i, n - i, &cp);
        enum glyph g = cp == ' ' ? GLYPH_SPACE : cp == '\n' ? GLYPH_NL
                     : cp == '\t' ? GLYPH_TAB : GLYPHS;
        if (g == GLYPHS)
            pen_put(p, s + i, used);
        else
            pen_glyph(p, g);
        i += used;
    }
}

void pen_str(struct pen *p, const char *s)
{
    pen_put(p, s, strlen(s));
}

void pen_fmt(struct pen *p, const char *fmt, ...)
{
    char buf[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    pen_str(p, buf);
}

void pen_glyph(struct pen *p, enum glyph g)
{
    const char *s = glyph_text(g, p->g->ascii);

    put_base(p, s, strlen(s), 1);
}

void pen_gap(struct pen *p, int n)
{
    while (n-- > 0 && pen_room(p) > 0)
        put_base(p, " ", 1, 1);
}

void pen_to(struct pen *p, int col)
{
    pen_gap(p, col - p->col);
}

void pen_bar(struct pen *p, double share, int width)
{
    double clamped = share > 0 ? share < 1 ? share : 1 : 0;
    int eighths = (int)(clamped * width * 8 + 0.5);
    unsigned style = p->style, attr = style & ~0xffu;

    if (share > 0 && eighths == 0)
        eighths = 1;
    for (int i = 0; i < width; i++, eighths -= 8) {
        if (eighths >= 8)
            pen_glyph(p, GLYPH_FULL);
        else if (eighths > 0)
            pen_glyph(p, GLYPH_EIGHTH + (enum glyph)(eighths - 1));
        else {
            p->style = ROLE_TROUGH | attr;
            pen_glyph(p, GLYPH_TROUGH);
        }
    }
    p->style = style;
}

void pen_heat(struct pen *p, double share, int n, int shade)
{
    double clamped = share > 0 ? share < 1 ? share : 1 : 0;
    unsigned style = p->style, attr = style & ~0xffu;

    p->style = attr | (ROLE_SCALE +
                       (unsigned)(clamped * (ROLE_SCALES - 1) + 0.5));
    for (int i = 0; i < n; i++)
        if (shade)
            pen_glyph(p, GLYPH_SHADE + (enum glyph)(clamped * 4 + 0.5));
        else
            pen_gap(p, 1);
    p->style = style;
}
