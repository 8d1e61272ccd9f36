/* review/clause_tree.c - which marks and paragraphs are clauses, and which
 * holds which. */
#include "review/clause_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LEVEL_LIST = 0, LEVEL_PARAGRAPH = 10, CLOSED_MAX = 8 };

/* What a list counts in. */
enum series { SERIES_NUMBERS, SERIES_LETTERS, SERIES_ROMAN, SERIES_BULLETS };

/* An open list with its last item, an open heading or paragraph. */
struct frame {
    int level;              /* LEVEL_LIST, of a heading, LEVEL_PARAGRAPH */
    int clause;
    struct mark mark;       /* LEVEL_LIST: of the last item, */
    int index;              /* and where that is among the marks */
    enum series series;
    enum mark_place opened; /* where the first item stood */
    int n_item;
    int sentences;          /* items, but the last, that ended with a point */
    int recitals;           /* a heading over recitals or parties */
};

struct grow {
    const struct document *d;
    struct text t;
    const struct marks *marks;
    const struct starts *starts;
    struct clauses *c;
    int cap;
    struct frame frame[FRAMES_MAX];
    int depth;
    struct frame closed[CLOSED_MAX];    /* lists, the last closed last */
    int n_closed;
    size_t signed_from;     /* the signatures that we are in; 0: none */
    struct furniture *found;
    int n_found, cap_found;
    enum sor_err err;
};

/* --- values --------------------------------------------------------------- */

/* Are these items of one list, apart from their values? */
static int same_shape(const struct mark *a, const struct mark *b)
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

static int same_prefix(const struct mark *a, const struct mark *b)
{
    for (int i = 0; i + 1 < a->n_part; i++)
        if (a->part[i] != b->part[i])
            return 0;
    return 1;
}

/* How many steps is b after a in a list of this series?  0: not comparable,
 * the same item, or before it. */
static int steps(enum series series, const struct mark *a,
                 const struct mark *b)
{
    int by = 0;

    if (!same_shape(a, b))
        return 0;
    switch (series) {
    case SERIES_BULLETS: return 1;
    case SERIES_NUMBERS:
        by = same_prefix(a, b)
            ? b->part[b->n_part - 1] - a->part[a->n_part - 1] : 0;
        break;
    case SERIES_LETTERS: by = b->letter ? b->letter - a->letter : 0; break;
    case SERIES_ROMAN:   by = b->roman ? b->roman - a->roman : 0; break;
    }
    return by > 0 ? by : 0;
}

/* The series that m would begin: (i) a roman one, (a) and (h) one of letters. */
static enum series series_of(const struct mark *m)
{
    if (m->delim == DELIM_BULLET)
        return SERIES_BULLETS;
    if (m->n_part)
        return SERIES_NUMBERS;
    return m->roman == 1 || !m->letter ? SERIES_ROMAN : SERIES_LETTERS;
}

/* Does m begin a series?  Lists that are inside lists may begin with (x). */
static int is_first(enum series series, const struct mark *m)
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
static int next_alike(const struct grow *g, int i, enum series series)
{
    const struct mark *m = &g->marks->at[i];

    for (int j = i + 1; j < g->marks->n && j < i + 300; j++) {
        const struct mark *o = &g->marks->at[j];

        if (m->place < PLACE_GAP && o->from - m->from > 10000)
            return -1;
        if (same_shape(m, o) && (steps(series, m, o) == 1 ||
                                 is_first(series, o)))
            return j;
        /* a sentence does not reach beyond its section */
        if (m->place < PLACE_SENTENCE && o->place == PLACE_LINE &&
            is_section(o))
            return -1;
    }
    return -1;
}

static int goes_on(const struct grow *g, int i, enum series series)
{
    const int j = next_alike(g, i, series);

    return j >= 0 && steps(series, &g->marks->at[i], &g->marks->at[j]) == 1;
}

/* --- the stack ------------------------------------------------------------ */

static struct frame *top(struct grow *g)
{
    return g->depth ? &g->frame[g->depth - 1] : NULL;
}

static int append(struct grow *g, enum clause_kind kind, size_t from)
{
    struct clauses *c = g->c;
    const int parent = g->depth ? top(g)->clause : -1;

    if (c->n >= CLAUSES_MAX) {
        g->err = SOR_LIMIT;
        return -1;
    }
    if (c->n == g->cap) {
        const int cap = g->cap ? 2 * g->cap : 64;
        struct clause *at = mem_realloc(c->at, (size_t)cap, sizeof *at);

        if (!at) {
            g->err = SOR_NOMEM;
            return -1;
        }
        c->at = at;
        g->cap = cap;
    }
    c->at[c->n] = (struct clause){
        .kind = kind, .parent = parent,
        .depth = parent < 0 ? 0 : c->at[parent].depth + 1,
        .span = { from, from }, .text = { from, from },
    };
    return c->n++;
}

static char *copy(struct grow *g, struct span s)
{
    char *p = mem_strndup(g->t.p + s.from, s.to - s.from);

    if (!p)
        g->err = SOR_NOMEM;
    return p;
}

/* Of a list inside a sentence, the last item ends with that sentence; what
 * follows is the lead-in's. */
static size_t item_end(const struct grow *g, const struct frame *f, size_t end)
{
    const struct clause *k = &g->c->at[f->clause];
    size_t from = k->text.from;

    if (f->level != LEVEL_LIST || f->opened > PLACE_ITEM || f->sentences ||
        f->mark.delim == DELIM_POINT)
        return end;
    for (int i = f->clause + 1; i < g->c->n; i++)       /* its own items */
        if (g->c->at[i].span.to > from)
            from = g->c->at[i].span.to - 1;
    return from < end ? text_sentence(g->t, from, end) : end;
}

static void drop_last(struct clauses *c)
{
    struct clause *k = &c->at[--c->n];

    mem_free(k->number);
    mem_free(k->heading);
    mem_free(k->unit);
}

/* Closes what is above depth `keep`: the text up to `at` is theirs. */
static void close_above(struct grow *g, int keep, size_t at)
{
    const size_t end = page_back(g->t, g->c, at);

    while (g->depth > keep) {
        struct frame *f = &g->frame[--g->depth];
        struct clause *k = &g->c->at[f->clause];

        k->span.to = item_end(g, f, end);
        if (k->span.to <= k->span.from) {       /* a title, as it turned out */
            drop_last(g->c);
            continue;
        }
        if (f->level != LEVEL_LIST)
            continue;
        if (g->n_closed == CLOSED_MAX) {
            memmove(g->closed, g->closed + 1,
                    (CLOSED_MAX - 1) * sizeof *g->closed);
            g->n_closed--;
        }
        g->closed[g->n_closed++] = *f;
    }
}

/* How many frames at the bottom are headings or exhibits of a level above
 * `level`: what a new heading or section of that level does not close. */
static int depth_above(const struct grow *g, int level)
{
    int keep = 0;

    while (keep < g->depth &&
           ((g->frame[keep].level && g->frame[keep].level < level) ||
            g->frame[keep].mark.unit == UNIT_ATTACHED))
        keep++;
    return keep;
}

static void open_frame(struct grow *g, struct frame f)
{
    if (f.clause >= 0)
        g->frame[g->depth++] = f;
}

static int add_numbered(struct grow *g, const struct mark *m)
{
    const int i = append(g, m->delim == DELIM_BULLET ||
                         m->place < PLACE_SENTENCE ? CLAUSE_ITEM
                                                   : CLAUSE_NUMBERED,
                         m->from);

    if (i < 0)
        return -1;
    g->c->at[i].text.from = m->after;
    if (m->number.to > m->number.from)
        g->c->at[i].number = copy(g, m->number);
    if (m->title)
        g->c->at[i].heading = copy(g, (struct span){ m->title,
                                   text_back(g->t, m->from) });
    if (m->unit_name && !(g->c->at[i].unit = mem_strdup(m->unit_name)))
        g->err = SOR_NOMEM;
    return i;
}

/* --- one mark ------------------------------------------------------------- */

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
        goes_on(g, i, series_of(m)))
        most = m->place == PLACE_LINE ? 40 : 4; /* what was missed stays so */
    for (int by = 1; by <= most; by++)
        for (int k = g->depth - 1; k >= 0; k--) {
            const struct frame *f = &g->frame[k];

            if (may_continue(f, m) && steps(f->series, &f->mark, m) == by)
                return k;
        }
    return -1;
}

/* (h) and then (i): a letter, unless (ii) comes before (j). */
static int is_roman_after_all(const struct grow *g, int i)
{
    const struct mark *m = &g->marks->at[i];

    if (m->roman != 1 || m->letter != 9 || !goes_on(g, i, SERIES_ROMAN))
        return 0;
    const int roman = next_alike(g, i, SERIES_ROMAN);
    const int letter = next_alike(g, i, SERIES_LETTERS);
    return letter < 0 || roman < letter ||
           !goes_on(g, i, SERIES_LETTERS);
}

/* "2.1": the depth below which it opens a list, under "2" or "Article II";
 * -1: neither is open. */
static int depth_for_decimal(const struct grow *g, const struct mark *m)
{
    for (int k = g->depth - 1; k >= 0; k--) {
        const struct mark *o = &g->frame[k].mark;

        if (g->frame[k].level != LEVEL_LIST)
            continue;
        if (o->n_part == m->n_part - 1 && same_prefix(m, o) &&
            o->part[o->n_part - 1] == m->part[m->n_part - 2])
            return k + 1;
        if (m->n_part == 2 && o->unit == UNIT_ARTICLE &&
            o->roman == m->part[0])
            return k + 1;
    }
    return -1;
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
                       (up == 1 && is_first(SERIES_NUMBERS, m))))
            return k;
    }
    return m->place >= PLACE_GAP || (m->place == PLACE_SENTENCE &&
                                     goes_on(g, i, SERIES_NUMBERS))
        ? depth_above(g, LEVEL_PARAGRAPH) : -1;
}

/* Is the list that m would go on with closed, as by a heading between? */
static int resumes(const struct grow *g, const struct mark *m)
{
    for (int j = g->n_closed - 1; j >= 0; j--)
        if (same_shape(&g->closed[j].mark, m)) {
            const int by = steps(g->closed[j].series, &g->closed[j].mark, m);

            return by >= 1 && by <= (m->place == PLACE_LINE ? 3 : 1);
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
    if (is_lower(g->t.p[at]))
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
    if (!is_first(series, m))       /* the rest of a list, or no list */
        return m->place == PLACE_LINE && m->delim != DELIM_BARE &&
               goes_on(g, i, series);
    if (m->place < PLACE_SENTENCE && g->depth == 0)
        return 0;       /* a list in a sentence of the title page */
    if (m->letter > 1 && series == SERIES_LETTERS)
        return goes_on(g, i, series);
    if (m->place == PLACE_ITEM && m->delim == DELIM_PAREN && !m->n_part)
        return 1;       /* ", (i)": some lists have one item */
    if (m->place < PLACE_GAP)
        return (m->place >= PLACE_ITEM || m->delim == DELIM_PAREN) &&
               goes_on(g, i, series);
    if (m->delim == DELIM_BARE || (m->delim == DELIM_POINT && !m->n_part &&
                                   m->unit == UNIT_NONE))
        return goes_on(g, i, series) ||
               (g->depth && g->frame[g->depth - 1].recitals);
    return 1;
}

/* Is f a list in a sentence, and that sentence has ended before `at`? */
static int is_over(const struct grow *g, const struct frame *f, size_t at)
{
    const size_t end = page_back(g->t, g->c, at);

    return f->level == LEVEL_LIST && item_end(g, f, end) < end &&
           !goes_on(g, f->index, f->series);
}

/* The depth at which the list that begins with m belongs. */
static int depth_for_list(struct grow *g, const struct mark *m)
{
    int keep = g->depth;

    if (m->unit == UNIT_ARTICLE || m->unit == UNIT_PART)
        return depth_above(g, LEVEL_RUN_IN);
    if (m->place < PLACE_SENTENCE) {
        while (keep > 0 && is_over(g, &g->frame[keep - 1], m->from))
            keep--;
        return keep;
    }
    if (m->place < PLACE_GAP && !is_section(m))
        return keep;
    for (int k = 0; k < g->depth && is_section(m); k++)
        if (g->frame[k].recitals && k + 1 < g->depth &&
            !same_shape(&g->frame[k + 1].mark, m))
            return k;           /* the first section ends the recitals */
    const size_t before = page_back(g->t, g->c, m->from);
    const int led_in = before && g->t.p[before - 1] == ':';

    for (int k = 0; k < g->depth && !led_in; k++)       /* begun anew */
        if (g->frame[k].level == LEVEL_LIST &&
            g->frame[k].series == series_of(m) &&
            same_shape(&g->frame[k].mark, m))
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
    if (g->c->n == 0 || m->n_part > 1)
        return 0;       /* "Exhibit 10.1": how a registrar files the whole */
    if (at < g->t.n && (is_lower(g->t.p[at]) || strchr(",;)", g->t.p[at])))
        return 0;
    /* a running head repeats the one that is open */
    return !(f && f->mark.unit == UNIT_ATTACHED && !steps(f->series, &f->mark, m) &&
             f->mark.letter == m->letter && f->mark.roman == m->roman &&
             f->mark.n_part == m->n_part &&
             f->mark.part[0] == m->part[0]);
}

static void leave_signatures(struct grow *g, size_t at);

static size_t with_title(const struct mark *m)
{
    return m->title ? m->title : m->from;
}

static void open_list(struct grow *g, int keep, int i)
{
    const struct mark *m = &g->marks->at[i];

    close_above(g, keep, with_title(m));
    if (g->depth >= FRAMES_MAX)
        return;
    open_frame(g, (struct frame){ .clause = add_numbered(g, m), .mark = *m,
                                  .index = i, .series = series_of(m),
                                  .opened = m->place,
                                  .n_item = 1 });
}

static void continue_list(struct grow *g, int k, int i)
{
    const struct mark *m = &g->marks->at[i];
    const size_t end = page_back(g->t, g->c, m->from);
    struct frame f = g->frame[k];

    close_above(g, k, with_title(m));
    f.sentences += end > 0 && g->t.p[end - 1] == '.';
    f.n_item++;
    f.mark = *m;
    f.index = i;
    f.clause = add_numbered(g, m);
    g->c->at[f.clause < 0 ? 0 : f.clause].kind =
        f.opened < PLACE_SENTENCE || m->delim == DELIM_BULLET
        ? CLAUSE_ITEM : CLAUSE_NUMBERED;
    open_frame(g, f);
}

static void take_mark(struct grow *g, int i)
{
    const struct mark *m = &g->marks->at[i];
    int k;

    if (m->unit == UNIT_ATTACHED) {
        if (!is_attached_heading(g, m))
            return;
        leave_signatures(g, m->from);
        open_list(g, 0, i);
        return;
    }
    if (!reads_on(g, m))
        return;
    if (g->signed_from) {
        if (m->place < PLACE_SENTENCE || !is_section(m) ||
            !((m->place == PLACE_LINE && resumes(g, m)) ||
              (is_first(series_of(m), m) && goes_on(g, i, series_of(m)))))
            return;
        leave_signatures(g, m->from);
    }
    k = is_roman_after_all(g, i) ? -1 : list_continued(g, i);
    if (k >= 0) {
        continue_list(g, k, i);
    } else if (m->n_part > 1) {
        k = depth_for_decimal(g, m);
        if (k < 0 || (m->place < PLACE_GAP && !is_first(SERIES_NUMBERS, m) &&
                      !goes_on(g, i, SERIES_NUMBERS)))
            k = depth_for_orphan(g, i);
        if (k >= 0)
            open_list(g, k, i);
    } else if (may_open(g, i)) {
        open_list(g, depth_for_list(g, m), i);
    } else if (is_section(m) && m->place >= PLACE_SENTENCE &&
               resumes(g, m)) {
        open_list(g, depth_above(g, LEVEL_PARAGRAPH), i);
    }
}

/* --- signatures ----------------------------------------------------------- */

static void add_furniture(struct grow *g, enum furniture_kind kind,
                          size_t from, size_t to)
{
    to = page_back(g->t, g->c, to);
    if (to <= from)
        return;
    if (g->n_found == g->cap_found) {
        const int cap = g->cap_found ? 2 * g->cap_found : 16;
        struct furniture *f = mem_realloc(g->found, (size_t)cap, sizeof *f);

        if (!f) {
            g->err = SOR_NOMEM;
            return;
        }
        g->found = f;
        g->cap_found = cap;
    }
    g->found[g->n_found++] = (struct furniture){ kind, { from, to } };
}

static void leave_signatures(struct grow *g, size_t at)
{
    if (g->signed_from)
        add_furniture(g, FURNITURE_SIGNATURE, g->signed_from, at);
    g->signed_from = 0;
}

/* Names of parties stand above "By:": they are of the signature too. */
static void enter_signatures(struct grow *g, int i)
{
    const struct start *s = &g->starts->at[i];
    size_t from = s->from;

    if (s->kind == START_TESTIMONIUM) {
        add_furniture(g, FURNITURE_TESTIMONIUM, s->from, s->to);
    } else {
        while (i > 0 && g->starts->at[i - 1].kind == START_OTHER &&
               !g->starts->at[i - 1].numbered &&
               s->from - g->starts->at[i - 1].from < 400)
            from = g->starts->at[--i].from;
        const struct clause *last = &g->c->at[g->c->n - 1];
        if (from < last->text.from)
            from = s->from;
        if (from == s->from)
            for (size_t at = last->text.from, end; at < from; at = end) {
                end = text_sentence(g->t, at, s->from);
                if (end >= s->from) {
                    from = text_skip(g->t, at);
                    break;
                }
            }
    }
    close_above(g, 0, from);
    g->signed_from = s->kind == START_TESTIMONIUM ? s->to : from;
}

/* --- one start ------------------------------------------------------------ */

/* Has the clause on top nothing but its number and heading yet? */
static int is_fresh(struct grow *g, const struct start *s)
{
    const struct frame *f = top(g);
    const size_t at = s->from;
    size_t from;

    if (!f || f->level == LEVEL_PARAGRAPH || f->recitals)
        return 0;
    from = g->c->at[f->clause].text.from;
    if (page_skip(g->t, g->c, from) >= at)
        return 1;
    const size_t end = page_back(g->t, g->c, at);
    const struct span head = head_run_in(g->t, from, s->to);
    return head.to > head.from && head.to + 2 >= end;
}

static int is_recital_heading(struct text t, const struct start *s)
{
    static const char *const words[] = {
        "recitals", "recital", "whereas", "background", "between", "parties",
        "witnesseth", "premises", "preamble", "preliminary", NULL
    };
    size_t at = s->from;

    while (at < s->to && !is_letter(t.p[at]))
        at++;
    if (text_is(t, at, "THE ") || text_is(t, at, "The "))
        at += 4;
    return text_word(t, at, words) > 0 && s->to - at < 30;
}

static void set_heading(struct grow *g, int clause, struct span s)
{
    struct clause *k = &g->c->at[clause];

    while (s.from < s.to && strchr("#*_ ", g->t.p[s.from]))
        s.from++;
    while (s.to > s.from && strchr("#*_ :", g->t.p[s.to - 1]))
        s.to--;
    if (!k->heading && s.to > s.from)
        k->heading = copy(g, s);
    while (s.to < g->t.n && strchr("*_.:", g->t.p[s.to]))
        s.to++;
    k->text.from = s.to;
}

static void take_heading(struct grow *g, const struct start *s)
{
    const int recitals = is_recital_heading(g->t, s);

    if (g->c->n == 0 && !recitals) {
        add_furniture(g, FURNITURE_TITLE, s->from, s->to);
        return;
    }
    close_above(g, depth_above(g, s->level), s->from);
    if (g->depth >= FRAMES_MAX)
        return;
    struct frame f = { .level = s->level, .recitals = recitals,
                       .clause = append(g, CLAUSE_HEADED, s->from) };
    if (f.clause >= 0)
        set_heading(g, f.clause, (struct span){ s->from, s->head });
    open_frame(g, f);
}

/* Closes what a paragraph ends: paragraphs, lists in sentences, lists of
 * phrases. */
static int depth_for_paragraph(const struct grow *g)
{
    int keep = g->depth;

    while (keep > 0) {
        const struct frame *f = &g->frame[keep - 1];
        const size_t text = g->c->at[f->clause].text.from;

        if (g->c->at[f->clause].kind == CLAUSE_PREAMBLE && keep < g->depth)
            break;      /* the parties, and what they are called */
        if (f->level == LEVEL_LIST && f->opened >= PLACE_GAP &&
            goes_on(g, f->index, f->series))
            break;      /* between two items: of the first of them */
        if (f->level == LEVEL_PARAGRAPH ||
            (f->level == LEVEL_LIST && !is_section(&f->mark) &&
             (f->opened < PLACE_GAP || f->mark.delim == DELIM_BULLET ||
              f->sentences < f->n_item - 1 ||
              (text < g->t.n && is_lower(g->t.p[text])))))
            keep--;
        else
            break;
    }
    return keep;
}

/* Is there a table of contents after `at`?  Then this is a title page. */
static int contents_follow(const struct grow *g, size_t at)
{
    for (int i = 0; i < g->c->n_furniture; i++)
        if (g->c->furniture[i].kind == FURNITURE_TOC &&
            g->c->furniture[i].span.from > at)
            return 1;
    return 0;
}

static void take_paragraph(struct grow *g, const struct start *s)
{
    enum clause_kind kind = CLAUSE_PARAGRAPH;
    int keep;

    if (s->kind != START_RECITAL && is_fresh(g, s))
        return;
    if (g->c->n == 0 && contents_follow(g, s->from)) {
        add_furniture(g, FURNITURE_TITLE, s->from, s->to);
        return;
    }
    if (s->kind == START_AGREED || s->kind == START_RECITAL) {
        keep = 0;
        while (keep < g->depth &&
               (g->frame[keep].mark.unit == UNIT_ATTACHED ||
                (g->frame[keep].recitals && s->kind == START_RECITAL)))
            keep++;
    } else {
        keep = depth_for_paragraph(g);
    }
    if (s->kind == START_TEXT && s->level == LEVEL_RUN_IN)
        while (keep > 0 && g->frame[keep - 1].level == LEVEL_RUN_IN)
            keep--;
    if (s->kind == START_RECITAL)
        kind = CLAUSE_RECITAL;
    else if (g->c->n == 0)
        kind = CLAUSE_PREAMBLE;
    close_above(g, keep, s->from);
    if (g->depth >= FRAMES_MAX)
        return;
    struct frame f = { .level = LEVEL_PARAGRAPH };
    if (s->level == LEVEL_RUN_IN && kind == CLAUSE_PARAGRAPH) {
        f.level = LEVEL_RUN_IN;
        kind = CLAUSE_HEADED;
    }
    f.clause = append(g, kind, s->from);
    if (f.clause >= 0 && kind == CLAUSE_HEADED)
        set_heading(g, f.clause, (struct span){ s->from, s->head });
    open_frame(g, f);
}

/* After signatures: a heading with text below it, or a long paragraph on
 * another page. */
static int resumes_text(const struct grow *g, int i)
{
    enum { PARAGRAPH = 120, LONG = 400 };
    const struct start *s = &g->starts->at[i];

    if (s->kind == START_HEAD)
        return i + 1 < g->starts->n && s[1].kind == START_TEXT &&
               s[1].to - s[1].from >= PARAGRAPH;
    return s->kind == START_TEXT && s->to - s->from >= LONG && i > 0 &&
           text_back(g->t, s->from) != s[-1].to;        /* furniture between */
}

static void take_start(struct grow *g, int i)
{
    const struct start *s = &g->starts->at[i];

    if (g->c->n && g->c->at[g->c->n - 1].span.from >= s->from)
        return;         /* its number was taken */
    if (s->level && s->level < LEVEL_RUN_IN && g->depth &&
        top(g)->level == LEVEL_LIST && !g->c->at[top(g)->clause].heading &&
        page_skip(g->t, g->c, g->c->at[top(g)->clause].text.from) ==
            s->from) {
        set_heading(g, top(g)->clause, (struct span){ s->from, s->head });
        return;
    }
    if (s->kind == START_TESTIMONIUM ||
        (s->kind == START_SIGNATURE && g->c->n > 2)) {
        if (!g->signed_from)
            enter_signatures(g, i);
        return;
    }
    if (g->signed_from) {
        if (!resumes_text(g, i))
            return;
        leave_signatures(g, s->from);
    }
    if (s->kind == START_HEAD)
        take_heading(g, s);
    else if (s->kind != START_OTHER && s->kind != START_SIGNATURE)
        take_paragraph(g, s);
    else if (g->c->n == 0)
        add_furniture(g, FURNITURE_TITLE, s->from, s->to);
}

/* --- the walk ------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct furniture *x = a, *y = b;

    return x->span.from < y->span.from ? -1 : x->span.from > y->span.from;
}

/* The signatures and titles join the pages' furniture. */
static void merge_furniture(struct grow *g)
{
    struct clauses *c = g->c;
    const int n = c->n_furniture + g->n_found;
    struct furniture *f = mem_realloc(c->furniture, (size_t)n + 1, sizeof *f);

    if (!f) {
        g->err = SOR_NOMEM;
        return;
    }
    memcpy(f + c->n_furniture, g->found,
           (size_t)g->n_found * sizeof *g->found);
    qsort(f, (size_t)n, sizeof *f, by_place);
    c->furniture = f;
    c->n_furniture = n;
}

enum sor_err clauses_grow(const struct document *d, const struct marks *marks,
                          const struct starts *starts, struct clauses *c,
                          struct sor_msg *msg)
{
    struct grow g = {
        .d = d, .t = { d->text, d->n_byte }, .marks = marks,
        .starts = starts, .c = c,
    };
    int i = 0, j = 0;

    while (!g.err && (i < marks->n || j < starts->n)) {
        /* "## 1. Term": the number before the line that it stands in */
        if (j >= starts->n ||
            (i < marks->n && (marks->at[i].from < starts->at[j].from ||
                              (starts->at[j].numbered &&
                               marks->at[i].from < starts->at[j].from + 16))))
            take_mark(&g, i++);
        else
            take_start(&g, j++);
    }
    close_above(&g, 0, d->n_byte);
    leave_signatures(&g, d->n_byte);
    if (!g.err && g.n_found)
        merge_furniture(&g);
    mem_free(g.found);
    if (g.err == SOR_LIMIT)
        return sor_fail(msg, SOR_LIMIT, "%s: over %d clauses", d->name,
                        CLAUSES_MAX);
    if (g.err)
        return sor_fail(msg, g.err, "%s: out of memory for its clauses",
                        d->name);
    return SOR_OK;
}
