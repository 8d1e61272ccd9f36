#include "tui/theme.h"

#include <string.h>

/* Along viridis (van der Walt, Smith: matplotlib, 2015) in 12 of the 256
 * colours, each lighter than the one before. */
#define SCALE_256(dark, light)                                              \
    [ROLE_SCALE + 0] = { light, 53, 0 },  [ROLE_SCALE + 1] = { light, 54, 0 },  \
    [ROLE_SCALE + 2] = { light, 55, 0 },  [ROLE_SCALE + 3] = { light, 24, 0 },  \
    [ROLE_SCALE + 4] = { light, 30, 0 },  [ROLE_SCALE + 5] = { dark, 36, 0 },  \
    [ROLE_SCALE + 6] = { dark, 72, 0 },   [ROLE_SCALE + 7] = { dark, 77, 0 },   \
    [ROLE_SCALE + 8] = { dark, 113, 0 },  [ROLE_SCALE + 9] = { dark, 148, 0 },  \
    [ROLE_SCALE + 10] = { dark, 184, 0 }, [ROLE_SCALE + 11] = { dark, 220, 0 }

static const struct theme dark = {
    .name = "dark", .colors = 256,
    .role = {
        [ROLE_TEXT] = { 252, -1, 0 },     [ROLE_DIM] = { 246, -1, 0 },
        [ROLE_FAINT] = { 240, -1, 0 },    [ROLE_STRONG] = { 255, -1, CELL_BOLD },
        [ROLE_TITLE] = { 255, 236, CELL_BOLD },
        [ROLE_HEAD] = { 110, -1, 0 },     [ROLE_RULE] = { 238, -1, 0 },
        [ROLE_KEY] = { 222, 235, 0 },     [ROLE_BARTEXT] = { 248, 235, 0 },
        [ROLE_ACCENT] = { 117, -1, 0 },   [ROLE_GOOD] = { 114, -1, 0 },
        [ROLE_WARN] = { 215, -1, 0 },     [ROLE_BAD] = { 210, -1, 0 },
        [ROLE_BAR] = { 73, -1, 0 },       [ROLE_TROUGH] = { 237, -1, 0 },
        [ROLE_INK + 0] = { 250, -1, 0 },  [ROLE_INK + 1] = { 116, -1, 0 },
        [ROLE_INK + 2] = { 79, -1, 0 },   [ROLE_INK + 3] = { 149, -1, 0 },
        [ROLE_INK + 4] = { 191, -1, CELL_BOLD },
        [ROLE_INK + 5] = { 226, -1, CELL_BOLD | CELL_UNDER },
        SCALE_256(16, 255) },
    .select = { -1, 238, CELL_BOLD }, .match = { 16, 222, 0 },
    .page_fg = 0xd0d0d0, .page_bg = 0x16181d
};

static const struct theme light = {
    .name = "light", .colors = 256,
    .role = {
        [ROLE_TEXT] = { 236, -1, 0 },     [ROLE_DIM] = { 241, -1, 0 },
        [ROLE_FAINT] = { 247, -1, 0 },    [ROLE_STRONG] = { 232, -1, CELL_BOLD },
        [ROLE_TITLE] = { 232, 254, CELL_BOLD },
        [ROLE_HEAD] = { 25, -1, 0 },      [ROLE_RULE] = { 252, -1, 0 },
        [ROLE_KEY] = { 88, 255, 0 },      [ROLE_BARTEXT] = { 240, 255, 0 },
        [ROLE_ACCENT] = { 25, -1, 0 },    [ROLE_GOOD] = { 28, -1, 0 },
        [ROLE_WARN] = { 130, -1, 0 },     [ROLE_BAD] = { 124, -1, 0 },
        [ROLE_BAR] = { 30, -1, 0 },       [ROLE_TROUGH] = { 254, -1, 0 },
        [ROLE_INK + 0] = { 240, -1, 0 },  [ROLE_INK + 1] = { 66, -1, 0 },
        [ROLE_INK + 2] = { 30, -1, 0 },   [ROLE_INK + 3] = { 25, -1, 0 },
        [ROLE_INK + 4] = { 54, -1, CELL_BOLD },
        [ROLE_INK + 5] = { 53, -1, CELL_BOLD | CELL_UNDER },
        SCALE_256(16, 231) },
    .select = { -1, 153, CELL_BOLD }, .match = { 16, 222, 0 },
    .page_fg = 0x303030, .page_bg = 0xfcfcfa
};

/* Ground 4 blue, 6 cyan, 2 green, 3 yellow: lightness rises along them. */
static const struct theme basic = {
    .name = "basic", .colors = 8,
    .role = {
        [ROLE_TEXT] = { -1, -1, 0 },      [ROLE_DIM] = { -1, -1, 0 },
        [ROLE_FAINT] = { 4, -1, 0 },      [ROLE_STRONG] = { -1, -1, CELL_BOLD },
        [ROLE_TITLE] = { -1, -1, CELL_BOLD | CELL_REVERSE },
        [ROLE_HEAD] = { 6, -1, CELL_BOLD }, [ROLE_RULE] = { 4, -1, 0 },
        [ROLE_KEY] = { 3, -1, CELL_BOLD },  [ROLE_BARTEXT] = { -1, -1, 0 },
        [ROLE_ACCENT] = { 6, -1, 0 },     [ROLE_GOOD] = { 2, -1, 0 },
        [ROLE_WARN] = { 3, -1, 0 },       [ROLE_BAD] = { 1, -1, CELL_BOLD },
        [ROLE_BAR] = { 6, -1, 0 },        [ROLE_TROUGH] = { 4, -1, 0 },
        [ROLE_INK + 0] = { -1, -1, 0 },   [ROLE_INK + 1] = { 6, -1, 0 },
        [ROLE_INK + 2] = { 6, -1, CELL_BOLD },
        [ROLE_INK + 3] = { 2, -1, CELL_BOLD },
        [ROLE_INK + 4] = { 3, -1, CELL_BOLD },
        [ROLE_INK + 5] = { 3, -1, CELL_BOLD | CELL_UNDER },
        [ROLE_SCALE + 0] = { 4, -1, 0 },  [ROLE_SCALE + 1] = { 4, -1, 0 },
        [ROLE_SCALE + 2] = { 4, -1, 0 },  [ROLE_SCALE + 3] = { 6, -1, 0 },
        [ROLE_SCALE + 4] = { 6, -1, 0 },  [ROLE_SCALE + 5] = { 6, -1, 0 },
        [ROLE_SCALE + 6] = { 2, -1, 0 },  [ROLE_SCALE + 7] = { 2, -1, 0 },
        [ROLE_SCALE + 8] = { 2, -1, 0 },  [ROLE_SCALE + 9] = { 3, -1, 0 },
        [ROLE_SCALE + 10] = { 3, -1, CELL_BOLD },
        [ROLE_SCALE + 11] = { 3, -1, CELL_BOLD } },
    .select = { -1, -1, CELL_REVERSE }, .match = { 0, 3, 0 },
    .page_fg = 0xe5e5e5, .page_bg = 0x000000
};

#define PLAIN { -1, -1, 0 }
static const struct theme none = {
    .name = "none", .colors = 0,
    .role = {
        [ROLE_TEXT] = PLAIN,   [ROLE_DIM] = PLAIN,     [ROLE_FAINT] = PLAIN,
        [ROLE_STRONG] = { -1, -1, CELL_BOLD },
        [ROLE_TITLE] = { -1, -1, CELL_BOLD | CELL_REVERSE },
        [ROLE_HEAD] = { -1, -1, CELL_BOLD },           [ROLE_RULE] = PLAIN,
        [ROLE_KEY] = { -1, -1, CELL_BOLD },            [ROLE_BARTEXT] = PLAIN,
        [ROLE_ACCENT] = PLAIN, [ROLE_GOOD] = PLAIN,    [ROLE_WARN] = PLAIN,
        [ROLE_BAD] = { -1, -1, CELL_BOLD },            [ROLE_BAR] = PLAIN,
        [ROLE_TROUGH] = PLAIN, [ROLE_INK + 0] = PLAIN, [ROLE_INK + 1] = PLAIN,
        [ROLE_INK + 2] = PLAIN,
        [ROLE_INK + 3] = { -1, -1, CELL_BOLD },
        [ROLE_INK + 4] = { -1, -1, CELL_BOLD },
        [ROLE_INK + 5] = { -1, -1, CELL_BOLD | CELL_UNDER },
        [ROLE_SCALE + 0] = PLAIN, [ROLE_SCALE + 1] = PLAIN,
        [ROLE_SCALE + 2] = PLAIN, [ROLE_SCALE + 3] = PLAIN,
        [ROLE_SCALE + 4] = PLAIN, [ROLE_SCALE + 5] = PLAIN,
        [ROLE_SCALE + 6] = PLAIN, [ROLE_SCALE + 7] = PLAIN,
        [ROLE_SCALE + 8] = PLAIN, [ROLE_SCALE + 9] = PLAIN,
        [ROLE_SCALE + 10] = PLAIN, [ROLE_SCALE + 11] = PLAIN },
    .select = { -1, -1, CELL_REVERSE }, .match = { -1, -1, CELL_UNDER },
    .page_fg = 0xe5e5e5, .page_bg = 0x000000
};

const struct theme *const themes[] = { &dark, &light, &basic, &none, NULL };

const struct theme *theme_find(const char *name)
{
    for (int i = 0; themes[i]; i++)
        if (strcmp(themes[i]->name, name) == 0)
            return themes[i];
    return NULL;
}

const struct theme *theme_for(int colors)
{
    return colors >= 256 ? &dark : colors >= 8 ? &basic : &none;
}

static void lay_over(struct ink *i, const struct ink *top)
{
    if (top->fg >= 0)
        i->fg = top->fg;
    if (top->bg >= 0)
        i->bg = top->bg;
    i->attr = (uint16_t)(i->attr ^ (top->attr & CELL_REVERSE));
    i->attr = (uint16_t)(i->attr | (top->attr & ~CELL_REVERSE));
}

struct ink theme_ink(const struct theme *t, unsigned style)
{
    unsigned role = style & 0xff;
    struct ink i = t->role[role < ROLES ? role : ROLE_TEXT];
    int heat = role >= ROLE_SCALE;

    i.attr = (uint16_t)(i.attr | (style & (CELL_BOLD | CELL_UNDER |
                                           CELL_REVERSE)));
    if (style & CELL_SELECT && !heat)   /* its ground is the heat cell's fact */
        lay_over(&i, &t->select);
    if (style & CELL_MATCH)
        lay_over(&i, &t->match);
    return i;
}

uint32_t theme_rgb(int color)
{
    static const uint32_t first[16] = {
        0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x1e6fd0, 0xcd00cd, 0x00cdcd,
        0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c8cff, 0xff00ff,
        0x00ffff, 0xffffff };
    static const uint32_t level[6] = { 0, 95, 135, 175, 215, 255 };
    uint32_t i = (uint32_t)color & 255u;

    if (i < 16)
        return first[i];
    if (i >= 232)
        return (8 + 10 * (i - 232)) * 0x010101u;
    i -= 16;
    return level[i / 36] << 16 | level[i / 6 % 6] << 8 | level[i % 6];
}
