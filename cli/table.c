#include "cli/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum { GAP = 2, NARROW = 6 };           /* columns between, and at least */

void table_init(struct table *t, int n_column, const char *const *name)
{
    *t = (struct table){ .n_column = n_column < TABLE_COLUMNS
                                         ? n_column : TABLE_COLUMNS };
    str_init(&t->text);
    for (int i = 0; i < t->n_column; i++)
        table_put(t, name[i], strlen(name[i]), 0);
    t->n_head = t->n_column;
}

void table_release(struct table *t)
{
    if (t->text.p)
        str_release(&t->text);
    mem_free(t->cell);
    *t = (struct table){ 0 };
}

void table_put(struct table *t, const char *s, size_t n, int flags)
{
    size_t at = t->text.len;

    if (t->n_cell == t->cap_cell) {
        size_t cap = t->cap_cell ? 2 * t->cap_cell : 64;
        struct table_cell *more = mem_realloc(t->cell, cap, sizeof *more);

        if (!more) {
            t->failed = 1;
            return;
        }
        t->cell = more;
        t->cap_cell = cap;
    }
    text_safe(&t->text, s, n, 0);
    n = t->text.len - at;
    t->cell[t->n_cell++] = (struct table_cell){
        at, n, text_width(t->text.p + at, n), flags };
}

int table_room(FILE *to)
{
    struct winsize size = { 0 };

    if (!isatty(fileno(to)))
        return 0;
    if (ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

/* What the columns need at least, and unless there is no room.  Also sets the
 * name of a column of numbers to the right, as the first is. */
static void measure(struct table *t, int only_numbers)
{
    size_t n = (size_t)t->n_column;

    for (size_t i = 0; i < t->n_cell; i++) {
        size_t column = i % n;
        int number = i >= (size_t)t->n_head && t->cell[i].flags & TABLE_RIGHT;
        int w = t->cell[i].width, most = t->most[column];

        if (number)
            t->digits[column] = larger(t->digits[column], w);
        else if (most && w > most)
            w = most;
        if (number || !only_numbers)
            t->width[column] = larger(t->width[column], w);
    }
    for (size_t i = 0; i < n && n + i < t->n_cell; i++)
        t->cell[i].flags |= t->cell[n + i].flags & TABLE_RIGHT;
}

/* The widest column that may be cut, firm ones (1) or others (0); -1: none. */
static int widest(const struct table *t, int firm)
{
    int found = -1, width = NARROW;

    for (int i = 0; i < t->n_column; i++)
        if (t->firm[i] == firm && t->width[i] > width &&
            t->width[i] > t->digits[i]) {
            found = i;
            width = t->width[i];
        }
    return found;
}

/* Takes from the widest column until a row fits. */
static void squeeze(struct table *t, int columns)
{
    int total = -GAP;

    for (int i = 0; i < t->n_column; i++)
        total += t->width[i] + GAP;
    for (; total > columns; total--) {
        int i = widest(t, 0);

        if (i < 0 && (i = widest(t, 1)) < 0)
            return;
        t->width[i]--;
    }
}

/* Bytes of s[0..n) that fit into `width` columns. */
static size_t fitting(const char *s, size_t n, int width)
{
    size_t at = 0;

    while (at < n) {
        uint32_t cp;
        size_t len = utf8_next(s + at, n - at, &cp);

        width -= text_width_cp(cp);
        if (width < 0)
            break;
        at += len;
    }
    return at;
}

struct style { const char *on, *off, *mark; };

static void print_cell(const struct table *t, const struct table_cell *c,
                       int column, const struct style *style, FILE *to)
{
    const char *s = t->text.p + c->at;
    int width = t->width[column], last = column == t->n_column - 1;
    int cut = c->width > width;
    size_t n = cut ? fitting(s, c->n, width - 1) : c->n;
    int shown = cut ? text_width(s, n) + 1 : c->width;
    int pad = width - shown;

    fprintf(to, "%*s%s%.*s%s%s", c->flags & TABLE_RIGHT ? pad : 0, "",
            style->on, (int)n, s, cut ? style->mark : "", style->off);
    if (!last)
        fprintf(to, "%*s", GAP + (c->flags & TABLE_RIGHT ? 0 : pad), "");
}

static void print_rows(const struct table *t, const struct cli *cli, FILE *to)
{
    const char *mark = cli_unicode(cli) ? "…" : "~";
    int color = cli_color(cli, to);
    struct style plain = { "", "", mark };
    struct style bold = { color ? "\033[1m" : "", color ? "\033[0m" : "",
                          mark };
    struct style dim = { color ? "\033[2m" : "", color ? "\033[0m" : "", mark };
    size_t n = t->n_cell - t->n_cell % (size_t)t->n_column;

    for (size_t i = t->printed ? (size_t)t->n_head : 0; i < n; i++) {
        int column = (int)(i % (size_t)t->n_column);
        const struct table_cell *c = &t->cell[i];

        print_cell(t, c, column, i < (size_t)t->n_head ? &bold
                                 : c->flags & TABLE_DIM ? &dim : &plain, to);
        if (column == t->n_column - 1)
            fputc('\n', to);
    }
}

enum sor_err table_print(struct table *t, const struct cli *cli, FILE *to,
                         struct sor_msg *msg)
{
    int columns = t->columns ? t->columns : table_room(to);

    if (t->failed || !str_ok(&t->text))
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    if (t->n_column == 0)
        return SOR_OK;
    measure(t, t->printed && columns);
    if (!t->printed && columns)
        squeeze(t, columns);
    print_rows(t, cli, to);
    t->printed = 1;
    t->n_cell = (size_t)t->n_head;
    t->text.len = t->n_head ? t->cell[t->n_head - 1].at +
                              t->cell[t->n_head - 1].n : 0;
    t->text.p[t->text.len] = '\0';
    return SOR_OK;
}
