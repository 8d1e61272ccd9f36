/* tui/theme.h - how each role looks: one table per theme.
 *
 * Colours are numbers of the xterm palette (256, or its first 16), -1 the
 * terminal's own.  The heat scale follows viridis, which orders by lightness
 * and so reads the same without red-green sight; the ink scale for text goes
 * from calm to striking along it.  Where there are no colours, attributes and
 * shading characters carry the meaning. */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include <stdint.h>

#include "tui/cell.h"

struct ink {
    int16_t  fg, bg;            /* -1: as the terminal has it */
    uint16_t attr;              /* CELL_BOLD, CELL_UNDER, CELL_REVERSE */
};

struct theme {
    const char *name;
    int colors;                 /* that the terminal must have: 256, 16, 0 */
    struct ink role[ROLES];
    struct ink select, match;   /* laid over a role; fg -1: the role's own */
    uint32_t page_fg, page_bg;  /* RGB, where a picture needs them */
};

extern const struct theme *const themes[];      /* ends in NULL */

/* By name; NULL: there is none of that name. */
const struct theme *theme_find(const char *name);
/* The best of those a terminal with so many colours can show. */
const struct theme *theme_for(int colors);
/* The look of a cell's style. */
struct ink theme_ink(const struct theme *t, unsigned style);
/* RGB of palette entry 0..255.  Source: xterm, 256colres.pl. */
uint32_t theme_rgb(int color);

#endif
