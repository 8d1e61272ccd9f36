/* review/clause_series.c - what goes on with what. */
#include "review/clause_grow.h"

/* Are these items of one list, apart from their values? */
int series_alike(const struct mark *a, const struct mark *b)
{
    if (a->unit != b->unit || (a->n_part > 0) != (b->n_part > 0))
        return a->n_part > 1 && a->n_part == b->n_part;
    if (a->n_part > 0 && a->n_part != b->n_part)
        return 0;
    if (a->n_part == 0 && a->upper != b->upper)
        return 0;
    if (a->n_part > 1)
        return 1;       /* "1.1" and "Section 1.2." and "1.3)" are one list */
    return a->delim == b->delim ||
           (a->n_part && a->delim + b->delim == DELIM_POINT + DELIM_BARE);
}

int series_prefix(const struct mark *a, const struct mark *b)
{
    for (int i = 0; i + 1 < a->n_part; i++)
        if (a->part[i] != b->part[i])
            return 0;
    return 1;
}

/* How many steps is b after a in a list of this series?  0: not comparable,
 * the same item, or before it. */
int series_steps(enum series series, const struct mark *a,
                 const struct mark *b)
{
    int by = 0;

    if (!series_alike(a, b))
        return 0;
    switch (series) {
    case SERIES_BULLETS: return 1;
    case SERIES_NUMBERS:
        by = series_prefix(a, b)
            ? b->part[b->n_part - 1] - a->part[a->n_part - 1] : 0;
        break;
    case SERIES_LETTERS: by = b->letter ? b->letter - a->letter : 0; break;
    case SERIES_ROMAN:   by = b->roman ? b->roman - a->roman : 0; break;
    }
    return by > 0 ? by : 0;
}

/* The series that m would begin: (i) a roman one, (a) one of letters, and so
 * does (h). */
enum series series_of(const struct mark *m)
{
    if (m->delim == DELIM_BULLET)
        return SERIES_BULLETS;
    if (m->n_part)
        return SERIES_NUMBERS;
    return m->roman == 1 || !m->letter ? SERIES_ROMAN : SERIES_LETTERS;
}

/* Does m begin a series?  Lists that are inside lists may begin with (x). */
int series_begins(enum series series, const struct mark *m)
{
    switch (series) {
    case SERIES_NUMBERS: return m->part[m->n_part - 1] <= 1;
    case SERIES_LETTERS: return m->letter == 1 ||
                                (m->letter == 24 && m->delim == DELIM_PAREN);
    case SERIES_ROMAN:   return m->roman == 1;
    case SERIES_BULLETS: return 1;
    }
    return 0;
}

/* The next mark that is a second to mark i's first, or another first; -1: none
 * near. */
int series_next(const struct grow *g, int i, enum series series)
{
    const struct mark *m = &g->marks->at[i];

    for (int j = i + 1; j < g->marks->n && j < i + 300; j++) {
        const struct mark *o = &g->marks->at[j];

        if (m->place < PLACE_GAP && o->from - m->from > 10000)
            return -1;
        if (series_alike(m, o) && (series_steps(series, m, o) == 1 ||
                                 series_begins(series, o)))
            return j;
        /* a sentence does not reach beyond its section */
        if (m->place < PLACE_SENTENCE && o->place == PLACE_LINE &&
            is_section(o))
            return -1;
    }
    return -1;
}

int series_goes_on(const struct grow *g, int i, enum series series)
{
    const int j = series_next(g, i, series);

    return j >= 0 && series_steps(series, &g->marks->at[i],
                                  &g->marks->at[j]) == 1;
}
