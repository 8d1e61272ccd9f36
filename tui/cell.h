/* tui/cell.h - the screen as a grid of cells, and the pen that draws on it.
 *
 * Views draw here and nowhere else; term.c shows the grid, play.c writes it as
 * text and cell_svg.c as a picture.  All text goes in through a pen, which
 * makes it safe first (base/text.h): no cell ever holds a byte that a terminal
 * could obey.  A cell is one user-perceived character: its base and the
 * combining marks on it.
 *
 * Errors   drawing cannot fail; what falls outside is not drawn. */
#ifndef TUI_CELL_H
#define TUI_CELL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* What a cell means; the theme says how that looks (tui/theme.h). */
enum cell_role {
    ROLE_TEXT, ROLE_DIM, ROLE_FAINT, ROLE_STRONG, ROLE_TITLE, ROLE_HEAD,
    ROLE_RULE, ROLE_KEY, ROLE_BARTEXT, ROLE_ACCENT, ROLE_GOOD, ROLE_WARN,
    ROLE_BAD, ROLE_BAR, ROLE_TROUGH,
    ROLE_INK,                           /* text, calm .. striking */
    ROLE_SCALE = ROLE_INK + 6,          /* ground, low .. high */
    ROLES = ROLE_SCALE + 12
};
enum { ROLE_INKS = 6, ROLE_SCALES = 12 };

enum cell_attr {
    CELL_BOLD = 1 << 8, CELL_UNDER = 1 << 9, CELL_REVERSE = 1 << 10,
    CELL_SELECT = 1 << 11,              /* in the row of the cursor */
    CELL_MATCH = 1 << 12                /* holds what was searched for */
};

enum { CELL_BYTES = 16 };

struct cell {
    char     ch[CELL_BYTES];    /* UTF-8, NUL-terminated, printable */
    uint8_t  width;             /* 1, 2, or 0: covered by its left neighbour */
    uint16_t style;             /* cell_role | cell_attr bits */
};

struct grid {
    struct cell *cell;          /* [rows][cols] */
    int rows, cols;
    int ascii;                  /* draw nothing beyond ASCII */
};

struct rect { int row, col, rows, cols; };

/* Storage is the caller's; cells are blank.  Old cells are lost on resize. */
enum sor_err grid_init(struct grid *g, int rows, int cols);
enum sor_err grid_resize(struct grid *g, int rows, int cols);
/* More rows of the same width; old cells stay. */
enum sor_err grid_grow(struct grid *g, int rows);
void grid_release(struct grid *g);
void grid_clear(struct grid *g);
/* The cell, or NULL outside. */
struct cell *grid_at(const struct grid *g, int row, int col);
/* Adds attr bits to every cell of r. */
void grid_mark(struct grid *g, struct rect r, unsigned attr);
/* Marks CELL_MATCH where the row of r holds needle (ASCII case ignored). */
void grid_match(struct grid *g, struct rect r, const char *needle);
/* Copies rows from..from+to.rows of src into `to`. */
void grid_blit(struct grid *g, struct rect to, const struct grid *src,
               int from);
/* Appends the grid as lines of text, trailing blanks cut. */
void grid_dump(const struct grid *g, struct str *out);

/* Our own signs, each with its ASCII form. */
enum glyph {
    GLYPH_H, GLYPH_V, GLYPH_CROSS, GLYPH_TEE, GLYPH_CRUMB, GLYPH_MORE,
    GLYPH_SPACE, GLYPH_NL, GLYPH_TAB, GLYPH_CURSOR, GLYPH_DOT, GLYPH_UP,
    GLYPH_DOWN, GLYPH_TO, GLYPH_FROM, GLYPH_TROUGH, GLYPH_FULL,
    GLYPH_EIGHTH,                       /* 1/8 .. 7/8 of a cell, 7 of them */
    GLYPH_SHADE = GLYPH_EIGHTH + 7,     /* empty .. full, 5 of them */
    GLYPHS = GLYPH_SHADE + 5
};
const char *glyph_text(enum glyph g, int ascii);

/* Where the next text goes: it is cut at column `end`. */
struct pen {
    struct grid *g;
    int row, col, end;
    unsigned style;             /* cell_role | cell_attr */
};

static inline struct pen pen_in(struct grid *g, struct rect r, int line,
                                unsigned style)
{
    return (struct pen){ g, r.row + line, r.col, r.col + r.cols, style };
}
static inline int pen_room(const struct pen *p) { return p->end - p->col; }

/* Outside text, made safe. */
void pen_put(struct pen *p, const char *s, size_t n);
/* One line of it: runs of blanks and line ends become one blank, and text
 * too wide for the pen ends in an ellipsis. */
void pen_line(struct pen *p, const char *s, size_t n);
/* A token's piece: blanks and line ends made visible. */
void pen_piece(struct pen *p, const char *s, size_t n);
/* Our own words. */
void pen_str(struct pen *p, const char *s);
void pen_fmt(struct pen *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void pen_glyph(struct pen *p, enum glyph g);
void pen_gap(struct pen *p, int n);             /* n blanks */
void pen_to(struct pen *p, int col);            /* blanks up to col */
/* `width` cells filled to share 0..1, to an eighth of a cell; the rest is a
 * trough.  A share over 0 never looks empty. */
void pen_bar(struct pen *p, double share, int width);
/* n cells of the heat scale at share 0..1: coloured ground, and with
 * `shade` (no colours) shading characters. */
void pen_heat(struct pen *p, double share, int n, int shade);

#endif
