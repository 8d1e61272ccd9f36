/* review/clause_number.c - which marks are clauses, and in which list. */
#include "review/clause_grow.h"

#include <string.h>

#include "base/mem.h"

static int add_numbered(struct grow *g, const struct mark *m)
{
    const int i = grow_add(g, m->delim == DELIM_BULLET ||
                         m->place < PLACE_SENTENCE ? CLAUSE_ITEM
                                                   : CLAUSE_NUMBERED,
                         m->from);

    if (i < 0)
        return -1;
    g->c->at[i].text.from = m->after;
    if (m->number.to > m->number.from)
        g->c->at[i].number = grow_copy(g, m->number);
    if (m->title)
        g->c->at[i].heading = grow_copy(g, (struct span){ m->title,
                                   text_back(g->t, m->from) });
    if (m->unit_name && !(g->c->at[i].unit = mem_strdup(m->unit_name)))
        g->err = SOR_NOMEM;
    return i;
}

/* May m go on with list f, by where the two stand? */
static int may_continue(const struct frame *f, const struct mark *m)
{
    if (f->level != LEVEL_LIST)
        return 0;
    switch (m->place) {
    case PLACE_MID:
        return f->opened <= PLACE_ITEM && (m->delim == DELIM_PAREN ||
                                           m->delim == DELIM_HALF);
    case PLACE_ITEM:
        return m->delim == DELIM_PAREN || f->opened <= PLACE_SENTENCE;
    default:
        return 1;
    }
}

/* The list that mark i goes on with, innermost first; -1: none. */
static int list_continued(const struct grow *g, int i)
{
    const struct mark *m = &g->marks->at[i];
    int most = m->place >= PLACE_GAP ? 4 : 1;

    if (is_section(m) && m->place >= PLACE_SENTENCE &&
        series_goes_on(g, i, series_of(m)))
        most = m->place == PLACE_LINE ? 40 : 4; /* what was missed stays so */
    for (int k = g->depth - 1; k >= 0 && m->place == PLACE_LINE; k--) {
        const struct frame *f = &g->frame[k];

        if (f->level == LEVEL_LIST && f->opened >= PLACE_GAP &&
            series_steps(f->series, &f->mark, m) == 1)
            return k;           /* a line goes on with lines, if it can */
    }
    for (int by = 1; by <= most; by++)
        for (int k = g->depth - 1; k >= 0; k--) {
            const struct frame *f = &g->frame[k];

            if (may_continue(f, m) &&
                series_steps(f->series, &f->mark, m) == by)
                return k;
        }
    return -1;
}

/* (h) and then (i): a letter, unless (ii) comes before (j). */
static int is_roman_after_all(const struct grow *g, int i)
{
    const struct mark *m = &g->marks->at[i];

    if (m->roman != 1 || m->letter != 9 || !series_goes_on(g, i, SERIES_ROMAN))
        return 0;
    const int roman = series_next(g, i, SERIES_ROMAN);
    const int letter = series_next(g, i, SERIES_LETTERS);
    return letter < 0 || roman < letter ||
           !series_goes_on(g, i, SERIES_LETTERS);
}

/* "2.1": the depth below which it opens a list, under "2" or "Article II";
 * -1: neither is open. */
static int depth_for_decimal(const struct grow *g, const struct mark *m)
{
    for (int k = g->depth - 1; k >= 0; k--) {
        const struct mark *o = &g->frame[k].mark;

        if (g->frame[k].level != LEVEL_LIST)
            continue;
        if (o->n_part == m->n_part - 1 && series_prefix(m, o) &&
            o->part[o->n_part - 1] == m->part[m->n_part - 2])
            return k + 1;
        if (m->n_part == 2 && o->unit == UNIT_ARTICLE &&
            o->roman == m->part[0])
            return k + 1;
    }
    return -1;
}

/* "Section 8.1 (Caps) does not apply" in 8.4: a number that its open list has
 * passed, and that does not begin a line as the list's numbers do, is spoken
 * of. */
static int goes_back(const struct grow *g, const struct mark *m)
{
    const size_t end = page_back(g->t, g->c, m->from);

    for (int k = g->depth - 1; k >= 0 && m->unit != UNIT_NONE; k--) {
        const struct mark *o = &g->frame[k].mark;

        if (g->frame[k].level != LEVEL_LIST || o->n_part != m->n_part ||
            !series_prefix(o, m))
            continue;
        return m->part[m->n_part - 1] <= o->part[o->n_part - 1] &&
               (m->place < PLACE_LINE || m->unit != o->unit ||
                !text_sentence_end(g->t, end));
    }
    return 0;
}

/* "2.1" where no "2" is open: after "1.4", or the first of its kind. */
static int depth_for_orphan(const struct grow *g, int i)
{
    const struct mark *m = &g->marks->at[i];

    for (int k = g->depth - 1; k >= 0; k--) {
        const struct mark *o = &g->frame[k].mark;

        if (g->frame[k].level != LEVEL_LIST || o->n_part != m->n_part)
            continue;
        const int up = m->part[0] - o->part[0];
        if (up > 0 && (m->place >= PLACE_GAP ||
                       (up == 1 && series_begins(SERIES_NUMBERS, m))))
            return k;
    }
    return m->place >= PLACE_GAP || (m->place == PLACE_SENTENCE &&
                                     series_goes_on(g, i, SERIES_NUMBERS))
        ? grow_depth_above(g, LEVEL_PARAGRAPH) : -1;
}

/* Is the list that m would go on with closed, as by a heading between? */
static int resumes(const struct grow *g, const struct mark *m)
{
    for (int j = g->n_closed - 1; j >= 0; j--) {
        const struct frame *f = &g->closed[j];

        if (series_alike(&f->mark, m)) {
            const int by = series_steps(f->series, &f->mark, m);

            return by >= 1 && by <= (m->place == PLACE_LINE ? 3 : 1);
        }
    }
    return 0;
}

/* What follows the number of a clause is no small letter, if it stands
 * without brackets. */
static int reads_on(const struct grow *g, const struct mark *m)
{
    const size_t at = page_skip(g->t, g->c, m->after);

    if (at >= g->t.n)
        return m->place >= PLACE_GAP;
    if (m->delim == DELIM_PAREN || m->delim == DELIM_HALF ||
        m->delim == DELIM_BULLET)
        return 1;
    if (is_lower(g->t.p[at]) &&
        !(at + 1 < g->t.n && is_upper(g->t.p[at + 1])))     /* "iMac" */
        return m->place == PLACE_LINE && m->unit == UNIT_NONE &&
               (m->n_part > 1 || (m->n_part && m->delim == DELIM_POINT));
    return !strchr(",;)", g->t.p[at]) &&
           (m->delim != DELIM_BARE || !is_digit(g->t.p[at]));
}

/* May a list begin with mark i? */
static int may_open(const struct grow *g, int i)
{
    const struct mark *m = &g->marks->at[i];
    const enum series series = series_of(m);

    if (g->depth >= FRAMES_MAX)
        return 0;
    if (!series_begins(series, m))       /* the rest of a list, or no list */
        return m->place == PLACE_LINE && m->delim != DELIM_BARE &&
               series_goes_on(g, i, series);
    if (m->place < PLACE_SENTENCE && g->depth == 0)
        return 0;       /* a list in a sentence of the title page */
    if (m->letter > 1 && series == SERIES_LETTERS)
        return series_goes_on(g, i, series);
    if (m->place == PLACE_ITEM && m->delim == DELIM_PAREN && !m->n_part)
        return 1;       /* ", (i)": some lists have one item */
    if (m->place < PLACE_GAP)
        return (m->place >= PLACE_ITEM || m->delim == DELIM_PAREN) &&
               series_goes_on(g, i, series);
    if (m->delim == DELIM_BARE || (m->delim == DELIM_POINT && !m->n_part &&
                                   m->unit == UNIT_NONE))
        return series_goes_on(g, i, series) ||
               (g->depth && g->frame[g->depth - 1].recitals);
    return 1;
}

/* Is f a list in a sentence, and that sentence has ended before `at`? */
static int is_over(const struct grow *g, const struct frame *f, size_t at)
{
    const size_t end = page_back(g->t, g->c, at);

    return f->level == LEVEL_LIST && grow_item_end(g, f, end) < end &&
           !series_goes_on(g, f->index, f->series);
}

/* The depth at which the list that begins with m belongs. */
static int depth_for_list(struct grow *g, const struct mark *m)
{
    int keep = g->depth;

    if (m->unit == UNIT_ARTICLE || m->unit == UNIT_PART)
        return grow_depth_above(g, LEVEL_RUN_IN);
    if (m->place < PLACE_SENTENCE) {
        while (keep > 0 && is_over(g, &g->frame[keep - 1], m->from))
            keep--;
        return keep;
    }
    if (m->place < PLACE_GAP && !is_section(m))
        return keep;
    for (int k = 0; k < g->depth && is_section(m); k++)
        if (g->frame[k].recitals && k + 1 < g->depth &&
            !series_alike(&g->frame[k + 1].mark, m))
            return k;           /* the first section ends the recitals */
    const size_t before = page_back(g->t, g->c, m->from);
    const int led_in = before && g->t.p[before - 1] == ':';

    for (int k = 0; k < g->depth && !led_in; k++)       /* begun anew */
        if (g->frame[k].level == LEVEL_LIST &&
            g->frame[k].series == series_of(m) &&
            series_alike(&g->frame[k].mark, m))
            keep = k;
    while (keep > 0) {
        const struct frame *f = &g->frame[keep - 1];
        const size_t end = page_back(g->t, g->c, m->from);

        if (f->level == LEVEL_PARAGRAPH &&
            (is_section(m) ||
             (end && (g->t.p[end - 1] == '.' || g->t.p[end - 1] == ';'))) &&
            !(end && g->t.p[end - 1] == ':' && keep == g->depth &&
              g->c->at[f->clause].kind == CLAUSE_PREAMBLE &&
              !is_section(m)))
            keep--;
        else if (f->level == LEVEL_LIST && f->opened < PLACE_SENTENCE &&
                 is_section(m))
            keep--;
        else
            break;
    }
    return keep;
}

static int has_empty_line(struct text t, size_t from, size_t to)
{
    int n = 0;

    for (size_t at = from; at < to; at++)
        n += t.p[at] == '\n';
    return n > 1;
}

static int is_attached_heading(const struct grow *g, const struct mark *m)
{
    const size_t at = text_skip_blank(g->t, m->after);
    const struct frame *f = g->depth ? &g->frame[0] : NULL;

    const size_t end = page_back(g->t, g->c, m->from);
    const int shouted = is_upper(g->t.p[m->from + 1]);

    if (m->place < PLACE_SENTENCE || (m->place < PLACE_LINE && !shouted))
        return 0;
    if (!text_sentence_end(g->t, end) && text_back(g->t, m->from) == end &&
        !shouted && !has_empty_line(g->t, end, m->from))
        return 0;       /* "... attached as / Exhibit C." */
    if (m->place == PLACE_SENTENCE && !text_sentence_end(g->t, end) &&
        !(f && f->mark.unit == UNIT_ATTACHED &&
          series_steps(f->series, &f->mark, m) == 1))
        return 0;       /* a title in a line, where it is not the next */
    if (g->c->n == 0 || m->n_part > 1)
        return 0;       /* "Exhibit 10.1": how a registrar files the whole */
    if (at < g->t.n && (is_lower(g->t.p[at]) || strchr(",;)", g->t.p[at])))
        return 0;
    /* a running head repeats the one that is open */
    return !(f && f->mark.unit == UNIT_ATTACHED &&
             !series_steps(f->series, &f->mark, m) &&
             f->mark.letter == m->letter && f->mark.roman == m->roman &&
             f->mark.n_part == m->n_part &&
             f->mark.part[0] == m->part[0]);
}

static size_t with_title(const struct mark *m)
{
    return m->title ? m->title : m->from;
}

static void open_list(struct grow *g, int keep, int i)
{
    const struct mark *m = &g->marks->at[i];

    grow_close(g, keep, with_title(m));
    if (g->depth >= FRAMES_MAX)
        return;
    grow_open(g, (struct frame){ .clause = add_numbered(g, m), .mark = *m,
                                  .index = i, .series = series_of(m),
                                  .opened = m->place,
                                  .n_item = 1 });
}

static void continue_list(struct grow *g, int k, int i)
{
    const struct mark *m = &g->marks->at[i];
    const size_t end = page_back(g->t, g->c, m->from);
    struct frame f = g->frame[k];

    grow_close(g, k, with_title(m));
    f.sentences += end > 0 && g->t.p[end - 1] == '.';
    f.n_item++;
    f.mark = *m;
    f.index = i;
    f.clause = add_numbered(g, m);
    g->c->at[f.clause < 0 ? 0 : f.clause].kind =
        f.opened < PLACE_SENTENCE || m->delim == DELIM_BULLET
        ? CLAUSE_ITEM : CLAUSE_NUMBERED;
    grow_open(g, f);
}

void grow_take_mark(struct grow *g, int i)
{
    const struct mark *m = &g->marks->at[i];
    int k;

    if (m->unit == UNIT_ATTACHED) {
        if (!is_attached_heading(g, m))
            return;
        grow_unsign(g, m->from);
        open_list(g, 0, i);
        return;
    }
    if (!reads_on(g, m))
        return;
    if (g->signed_from) {
        if (m->place < PLACE_SENTENCE || !is_section(m) ||
            !((m->place == PLACE_LINE && resumes(g, m)) ||
              (series_begins(series_of(m), m) &&
               series_goes_on(g, i, series_of(m)))))
            return;
        grow_unsign(g, m->from);
    }
    k = is_roman_after_all(g, i) ? -1 : list_continued(g, i);
    if (k >= 0) {
        continue_list(g, k, i);
    } else if (m->n_part > 1 && goes_back(g, m)) {
        return;
    } else if (m->n_part > 1) {
        k = depth_for_decimal(g, m);
        if (k < 0 || (m->place < PLACE_GAP &&
                      !series_begins(SERIES_NUMBERS, m) &&
                      !series_goes_on(g, i, SERIES_NUMBERS)))
            k = depth_for_orphan(g, i);
        if (k >= 0)
            open_list(g, k, i);
    } else if (may_open(g, i)) {
        open_list(g, depth_for_list(g, m), i);
    } else if (is_section(m) && m->place >= PLACE_SENTENCE &&
               resumes(g, m)) {
        open_list(g, grow_depth_above(g, LEVEL_PARAGRAPH), i);
    }
}
