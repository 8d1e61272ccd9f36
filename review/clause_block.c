/* review/clause_block.c - clauses without a number: paragraphs, headings,
 * recitals; and signatures, which are none. */
#include "review/clause_grow.h"

#include <string.h>

/* --- signatures ----------------------------------------------------------- */

/* Names of parties stand above "By:": they are of the signature too. */
static void enter_signatures(struct grow *g, int i)
{
    const struct start *s = &g->starts->at[i];
    size_t from = s->from;

    if (s->kind == START_TESTIMONIUM) {
        grow_furniture(g, FURNITURE_TESTIMONIUM, s->from, s->to);
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
    grow_close(g, 0, from);
    g->signed_from = s->kind == START_TESTIMONIUM ? s->to : from;
}

/* --- one start ------------------------------------------------------------ */

/* Has the clause on top nothing but its number and heading yet? */
static int is_fresh(struct grow *g, const struct start *s)
{
    const struct frame *f = grow_top(g);
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
        k->heading = grow_copy(g, s);
    while (s.to < g->t.n && strchr("*_.:", g->t.p[s.to]))
        s.to++;
    k->text.from = s.to;
}

static void take_heading(struct grow *g, const struct start *s)
{
    const int recitals = is_recital_heading(g->t, s);

    if (g->c->n == 0 && !recitals) {
        grow_furniture(g, FURNITURE_TITLE, s->from, s->to);
        return;
    }
    grow_close(g, grow_depth_above(g, s->level), s->from);
    if (g->depth >= FRAMES_MAX)
        return;
    struct frame f = { .level = s->level, .recitals = recitals,
                       .clause = grow_add(g, CLAUSE_HEADED, s->from) };
    if (f.clause >= 0)
        set_heading(g, f.clause, (struct span){ s->from, s->head });
    grow_open(g, f);
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
            series_goes_on(g, f->index, f->series))
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
        grow_furniture(g, FURNITURE_TITLE, s->from, s->to);
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
    grow_close(g, keep, s->from);
    if (g->depth >= FRAMES_MAX)
        return;
    struct frame f = { .level = LEVEL_PARAGRAPH };
    if (s->level == LEVEL_RUN_IN && kind == CLAUSE_PARAGRAPH) {
        f.level = LEVEL_RUN_IN;
        kind = CLAUSE_HEADED;
    }
    f.clause = grow_add(g, kind, s->from);
    if (f.clause >= 0 && kind == CLAUSE_HEADED)
        set_heading(g, f.clause, (struct span){ s->from, s->head });
    grow_open(g, f);
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

void grow_take_start(struct grow *g, int i)
{
    const struct start *s = &g->starts->at[i];

    if (g->c->n && g->c->at[g->c->n - 1].span.from >= s->from)
        return;         /* its number was taken */
    if (s->level && s->level < LEVEL_RUN_IN && g->depth &&
        grow_top(g)->level == LEVEL_LIST &&
        !g->c->at[grow_top(g)->clause].heading &&
        page_skip(g->t, g->c, g->c->at[grow_top(g)->clause].text.from) ==
            s->from) {
        set_heading(g, grow_top(g)->clause, (struct span){ s->from, s->head });
        return;
    }
    if (s->kind == START_TESTIMONIUM ||
        (s->kind == START_SIGNATURE &&
         (g->c->n > 2 || (g->c->n && s->from > g->t.n / 2)))) {
        if (!g->signed_from)
            enter_signatures(g, i);
        return;
    }
    if (g->signed_from) {
        if (!resumes_text(g, i))
            return;
        grow_unsign(g, s->from);
    }
    if (s->kind == START_HEAD)
        take_heading(g, s);
    else if (s->kind != START_OTHER && s->kind != START_SIGNATURE)
        take_paragraph(g, s);
    else if (g->c->n == 0)
        grow_furniture(g, FURNITURE_TITLE, s->from, s->to);
}
