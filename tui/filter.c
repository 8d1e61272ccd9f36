#include "tui/filter.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading one --------------------------------------------------------- */

static int begins(const char *head, const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tolower((unsigned char)head[i]) != tolower((unsigned char)name[i]))
            return 0;
    return 1;
}

/* The column of this name: the whole head, else its beginning.  A probability
 * has three names. */
static int column(const struct col *cols, const char *name, size_t n)
{
    int best = -1;

    if ((n == 4 && begins("prob", name, 4)) ||
        (n == 11 && begins("probability", name, 11))) {
        name = "p";
        n = 1;
    }
    for (int i = 0; cols[i].head; i++) {
        const char *head = cols[i].head;

        if (strlen(head) == n && begins(head, name, n))
            return i;
        if (n == 1 && name[0] == 'p' && strcmp(head, "Mean p") == 0)
            return i;
        if (best < 0 && n > 1 && strlen(head) > n && begins(head, name, n))
            best = i;
    }
    return best;
}

/* "8.0 %", "<0.001", "1,234", "@45", "5/6", "+3 %". */
static double number(const char *s)
{
    char plain[40];
    size_t n = 0;
    char *end;
    double x;

    s += strspn(s, " <@+");
    for (; *s && n + 1 < sizeof plain; s++)
        if (*s != ',')
            plain[n++] = *s;
    plain[n] = '\0';
    x = strtod(plain, &end);
    return end == plain ? NAN : x;
}

static enum sor_err unknown(const struct col *cols, const char *name, int n,
                            struct sor_msg *msg)
{
    char list[160] = "";
    size_t at = 0;

    for (int i = 0; cols[i].head && at + 24 < sizeof list; i++)
        if (cols[i].head[0])
            at += (size_t)snprintf(list + at, sizeof list - at, " %.20s",
                                   cols[i].head);
    return sor_fail(msg, SOR_USAGE, "No column \"%.*s\"; there are:%s", n, name,
                    list);
}

/* A value or word up to a blank, or in quotes. */
static const char *value(const char *s, char out[FILTER_WORD])
{
    int quoted = *s == '"';
    size_t n = 0;

    for (s += quoted; *s && (quoted ? *s != '"' : *s != ' '); s++)
        if (n + 1 < FILTER_WORD)
            out[n++] = *s;
    out[n] = '\0';
    return s + (quoted && *s == '"');
}

static enum sor_err one_term(const char **at, const struct col *cols,
                             struct filter_term *t, struct sor_msg *msg)
{
    const char *s = *at;
    size_t name;

    *t = (struct filter_term){ .col = -1, .op = ':' };
    t->negate = *s == '-' && s[1] && s[1] != ' ';
    s += t->negate;
    name = *s == '"' ? 0 : strcspn(s, ":=<> \"");
    if (name && strchr(":=<>", s[name]) && s[name]) {
        t->col = column(cols, s, name);
        if (t->col < 0)
            return unknown(cols, s, (int)name, msg);
        t->op = s[name];
        s += name + 1;
        t->or_equal = *s == '=' && strchr("<>", t->op);
        s += t->or_equal;
    }
    *at = value(s, t->word);
    t->number = number(t->word);
    if (strchr("<>", t->op) && isnan(t->number))
        return sor_fail(msg, SOR_USAGE, "\"%s\" is no number to compare with.",
                        t->word);
    return SOR_OK;
}

enum sor_err filter_parse(const char *text, const struct col *cols,
                          struct filter *out, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    out->n = 0;
    for (const char *s = text + strspn(text, " "); *s && !err;
         s += strspn(s, " ")) {
        if (out->n == FILTER_TERMS)
            return sor_fail(msg, SOR_LIMIT, "More than %d terms.",
                            FILTER_TERMS);
        err = one_term(&s, cols, &out->term[out->n++], msg);
    }
    return err;
}

/* ---- a row --------------------------------------------------------------- */

static int holds(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (; *text; text++)
        if (begins(text, word, strnlen(text, n)) && strnlen(text, n) == n)
            return 1;
    return n == 0;
}

static int fits(const struct filter_term *t, const char *cell, const char *row)
{
    double x;

    if (t->col < 0)
        return holds(row, t->word);
    switch (t->op) {
    case '=':
        x = number(cell);
        return (strlen(cell) == strlen(t->word) &&
                begins(cell, t->word, strlen(cell))) ||
               (!isnan(t->number) && x == t->number);
    case '<':
        x = number(cell);
        return x < t->number || (t->or_equal && x == t->number);
    case '>':
        x = number(cell);
        return x > t->number || (t->or_equal && x == t->number);
    default:
        return holds(cell, t->word);
    }
}

/* The text of columns from..to of the line. */
static size_t copy(const struct grid *line, int from, int to, char *out,
                   size_t cap)
{
    size_t n = 0, keep = 0;

    for (int i = from; i < to; i++) {
        const struct cell *c = grid_at(line, 0, i);
        unsigned role = c ? c->style & 0xffu : 0;
        size_t len = c && c->width ? strlen(c->ch) : 0;

        if (role == ROLE_TROUGH || (role == ROLE_BAR && len > 1))
            continue;                   /* a bar says nothing in words */

        if (n + len + 1 >= cap)
            break;
        if (len)
            memcpy(out + n, c->ch, len);
        n += len;
        if (len && c->ch[0] != ' ')
            keep = n;
    }
    out[keep] = '\0';
    return keep;
}

/* Draws the row on the line, cell after cell; *end: its last column. */
static int draw_cells(struct view *v, int i, struct grid *line,
                      char cell[FILTER_COLS][FILTER_WORD], int *end)
{
    enum { WIDE = 60 };
    const struct col *c = v->ops->cols;
    int from = 0, k;

    for (k = 0; k < FILTER_COLS && c[k].head; k++) {
        struct pen p = { line, 0, from, line->cols, ROLE_TEXT };

        p.end = c[k].flags & COL_FLEX || from + WIDE > line->cols
                    ? line->cols : from + WIDE;
        v->ops->cell(v, i, k, &p);
        copy(line, from, p.col, cell[k], sizeof cell[k]);
        p.end = line->cols;
        pen_gap(&p, 1);
        from = p.col;
    }
    *end = from;
    return k;
}

int filter_cells(struct view *v, int i, struct grid *line,
                 char cell[FILTER_COLS][FILTER_WORD])
{
    int end;

    return draw_cells(v, i, line, cell, &end);
}

int filter_fits(const struct filter *f, struct view *v, int i,
                struct grid *line, char text[FILTER_TEXT])
{
    char cell[FILTER_COLS][FILTER_WORD];
    int end;

    draw_cells(v, i, line, cell, &end);
    copy(line, 0, end, text, FILTER_TEXT);
    for (int k = 0; k < f->n; k++) {
        const struct filter_term *t = &f->term[k];

        if (fits(t, t->col >= 0 ? cell[t->col] : "", text) == t->negate)
            return 0;
    }
    return 1;
}
