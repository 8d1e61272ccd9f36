/* review/clause_start.c - where paragraphs without a number begin, and what
 * they are. */
#include "review/clause_impl.h"

#include <string.h>

#include "base/mem.h"

/* --- words at the beginning ----------------------------------------------- */

/* What a paragraph or sentence is that begins with one of these.  `inside`:
 * also in the middle of a line, after a sentence or a comma.  A line that
 * looks signed is believed only where another such line follows soon. */
static const struct opener {
    const char *words;
    enum start_kind kind;
    int inside;
} openers[] = {
    { "WHEREAS", START_RECITAL, 1 },
    { "Whereas", START_RECITAL, 0 },
    { "NOW, THEREFORE", START_AGREED, 1 },
    { "NOW THEREFORE", START_AGREED, 1 },
    { "NOW, IT IS", START_AGREED, 1 },
    { "NOW IT IS", START_AGREED, 1 },
    { "Now, therefore", START_AGREED, 1 },
    { "Now, Therefore", START_AGREED, 1 },
    { "Now therefore", START_AGREED, 1 },
    { "NOW, THERE FORE", START_AGREED, 1 },
    { "IT IS AGREED", START_AGREED, 1 },
    { "IT IS HEREBY AGREED", START_AGREED, 1 },
    { "IT IS THEREFORE AGREED", START_AGREED, 1 },
    { "RECITALS", START_HEAD, 1 },
    { "R E C I T A L S", START_HEAD, 1 },
    { "BACKGROUND", START_HEAD, 1 },
    { "IN WITNESS", START_TESTIMONIUM, 1 },
    { "In Witness", START_TESTIMONIUM, 1 },
    { "In witness", START_TESTIMONIUM, 1 },
    { "IN TESTIMONY", START_TESTIMONIUM, 1 },
    { "AS WITNESS", START_TESTIMONIUM, 1 },
    { "By: /s/", START_SIGNATURE, 1 },
    { "By:/s/", START_SIGNATURE, 1 },
    { "By: ___", START_SIGNATURE, 1 },
    { "By:___", START_SIGNATURE, 1 },
    { "By:", START_SIGNATURE, 0 },
    { "BY:", START_SIGNATURE, 0 },
    { "/s/", START_SIGNATURE, 0 },
    { "/S/", START_SIGNATURE, 0 },
    { "Signed", START_SIGNATURE, 0 },
    { "SIGNED", START_SIGNATURE, 0 },
    { "Signature", START_SIGNATURE, 0 },
    { "SIGNATURE", START_SIGNATURE, 0 },
    { "Name:", START_SIGNATURE, 0 },
    { "Name (", START_SIGNATURE, 0 },
    { "Print Name", START_SIGNATURE, 0 },
    { "Printed Name", START_SIGNATURE, 0 },
    { "Title:", START_SIGNATURE, 0 },
    { "Date:", START_SIGNATURE, 0 },
    { "Agreed by", START_SIGNATURE, 0 },
    { "AGREED AND ACCEPTED", START_SIGNATURE, 0 },
    { "Agreed and accepted", START_SIGNATURE, 0 },
    { "Agreed and Accepted", START_SIGNATURE, 0 },
    { "ACCEPTED AND AGREED", START_SIGNATURE, 0 },
    { "Accepted and agreed", START_SIGNATURE, 0 },
    { "Accepted and Agreed", START_SIGNATURE, 0 },
    { "Executed by", START_SIGNATURE, 0 },
    { "EXECUTED by", START_SIGNATURE, 0 },
    { "EXECUTED BY", START_SIGNATURE, 0 },
    { "For and on behalf of", START_SIGNATURE, 0 },
    { "FOR AND ON BEHALF OF", START_SIGNATURE, 0 },
    { "____________________", START_SIGNATURE, 0 },
};

static const struct opener *opener_at(struct text t, size_t at)
{
    if (at >= t.n || !(is_letter(t.p[at]) || t.p[at] == '/' ||
                       t.p[at] == '_'))
        return NULL;
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++)
        if (t.p[at] == openers[i].words[0] &&
            text_phrase(t, at, openers[i].words))
            return &openers[i];
    return NULL;
}

/* Does [from, to) end with "... agree as follows:" or the like? */
static int agrees(struct text t, size_t from, size_t to)
{
    static const char *const words[] = { "agree", "agreed", "agrees",
                                         "follows", "covenant", NULL };
    size_t at = to > from + 160 ? to - 160 : from;
    int found = 0;

    if (to <= from || t.p[to - 1] != ':')
        return 0;
    for (; at < to; at++)
        if ((at == from || !is_letter(t.p[at - 1])) && text_word(t, at, words))
            found++;
    return found >= 2;
}

/* --- lines ---------------------------------------------------------------- */

struct line { size_t from, to; };   /* without white space and furniture */

/* The first line with something on it at or after `at`; 0: none. */
static int line_next(struct text t, const struct clauses *c, size_t at,
                     struct line *l)
{
    l->from = page_skip(t, c, at);
    if (l->from >= t.n)
        return 0;
    l->to = page_back(t, c, text_line_end(t, l->from, t.n));
    if (l->to < l->from)
        l->to = text_line_end(t, l->from, t.n);
    l->to = page_contents(t, c, l->from, l->to);
    return 1;
}

/* The width at which the text was broken into lines; 0: a line is a
 * paragraph.  Broken text has hardly a long line, and many nearly full. */
static size_t wrap_width(struct text t, const struct clauses *c)
{
    enum { LONGEST = 140 };
    size_t count[LONGEST + 1] = { 0 }, n = 0, longer = 0, width = LONGEST;
    struct line l = { 0, 0 };

    for (size_t at = 0; line_next(t, c, at, &l); at = l.to) {
        const size_t len = l.to - l.from;

        if (len < 30)
            continue;
        n++;
        if (len > LONGEST)
            longer++;
        else
            count[len]++;
    }
    if (n < 10 || longer * 10 > n)
        return 0;
    for (size_t above = longer; width > 40; width--)
        if ((above += count[width]) * 10 >= n)
            break;
    size_t full = 0;
    for (size_t len = width * 3 / 4; len <= LONGEST; len++)
        full += count[len];
    return full * 2 >= n ? width : 0;
}

static size_t newlines(struct text t, size_t from, size_t to)
{
    size_t n = 0;

    for (size_t at = from; at < to; at++)
        n += t.p[at] == '\n' || (t.p[at] == '\r' && (at + 1 == t.n ||
                                                     t.p[at + 1] != '\n'));
    return n;
}

static int begins_upper(struct text t, size_t at)
{
    while (at < t.n && t.p[at] && strchr("'([<*_#", t.p[at]))
        at++;                   /* a quotation is a term that is defined */
    return at < t.n && !is_lower(t.p[at]);
}

static int ends(struct text t, size_t end)
{
    static const char *const and_or[] = { "and", "or", NULL };
    const size_t word = text_word_before(t, end, and_or);
    const size_t last = text_back(t, end - word);

    return text_sentence_end(t, end) ||
           (word && last && strchr(";,", t.p[last - 1]));
}

/* Does a paragraph begin with line l, after line p? */
static int begins_paragraph(struct text t, const struct line *p,
                            const struct line *l, size_t width, size_t gap)
{
    const size_t lines = newlines(t, p->to, l->from);
    const int apart = gap == 0 && lines > 1;    /* an empty line, no page end */

    if (!begins_upper(t, l->from))
        return 0;
    const size_t len = p->to - p->from;
    if (head_level(t, p->from, p->to) || opener_at(t, l->from))
        return apart || ends(t, p->to) || !width || len < width * 3 / 4;
    if (width && !apart)        /* a line that was not filled ends one */
        return ends(t, p->to) && (gap || len < width * 17 / 20);
    return !gap || ends(t, p->to);
}

/* --- kinds ---------------------------------------------------------------- */

/* "This License Agreement", "THIS DEED": how a preamble begins. */
static int begins_instrument(struct text t, size_t at, size_t to)
{
    static const char *const instruments[] = {
        "agreement", "contract", "amendment", "addendum", "deed", "lease",
        "letter", "license", "undertaking", "assignment", "guaranty", NULL
    };
    enum { NAME = 120 };

    if (!text_is(t, at, "THIS ") && !text_is(t, at, "This "))
        return 0;
    for (size_t i = at + 5; i < to && i < at + NAME; i++)
        if (t.p[i - 1] == ' ' && text_word(t, i, instruments))
            return 1;
    return 0;
}

static enum start_kind kind_of(struct text t, struct start *s, int wrapped)
{
    const size_t from = s->from, to = s->to;
    const struct opener *o = opener_at(t, from);
    const size_t line = text_back(t, text_line_end(t, from, to - from));

    s->head = line < to ? line : to;
    if (o && (o->kind == START_HEAD ||
              (o->kind == START_RECITAL && line - from < 10))) {
        if (o->kind == START_HEAD && line - from > 30)
            s->head = from + strlen(o->words);
        s->level = LEVEL_CAPITALS;
        return START_HEAD;      /* "WHEREAS", and the recitals below it */
    }
    if (o && o->kind != START_SIGNATURE)
        return o->kind;
    if (agrees(t, from, to))
        return START_AGREED;
    if (o)
        return START_SIGNATURE;
    if ((s->level = head_level(t, from, s->head)) && line >= to)
        return START_HEAD;
    if (line < to)
        s->level = 0;
    if (begins_instrument(t, from, to))
        return START_TEXT;
    if (line < to && line - from < 60 && !ends(t, line) && !wrapped)
        return START_OTHER;     /* a short line and the rest of something */
    const struct words w = head_words(t, from, to);
    if (w.n < 5 || w.n - w.capital < 1 + (w.shouted * 2 < w.n) ||
        !(ends(t, to) || w.n >= 25))
        return w.shouted * 2 > w.n && w.n >= 12 && ends(t, to) ? START_TEXT
                                                               : START_OTHER;
    const struct span head = head_run_in(t, from, to);
    s->level = head.to > head.from && head_level(t, head.from, head.to) &&
               head_has_verb(t, head.to, to) ? LEVEL_RUN_IN : 0;
    if (s->level)
        s->head = head.to;
    return START_TEXT;
}

/* Is there another line of a signature block within a few lines? */
static int signs_near(const struct starts *s, int i)
{
    for (int j = i + 1; j < s->n && j < i + 6; j++)
        if (s->at[j].kind == START_SIGNATURE)
            return 1;
    for (int j = i - 1; j >= 0 && j > i - 6; j--) {
        if (s->at[j].kind == START_SIGNATURE ||
            s->at[j].kind == START_TESTIMONIUM)
            return 1;
        if (s->at[j].kind != START_OTHER)
            return 0;
    }
    return 0;
}

/* A heading heads something; a signature does not stand alone. */
static void confirm(struct text t, struct starts *s)
{
    for (int i = s->n - 1; i >= 0; i--) {
        struct start *a = &s->at[i];
        const struct start *next = i + 1 < s->n ? a + 1 : NULL;

        if (a->kind == START_HEAD && a->level > 6 &&
            (!next || (!next->numbered &&
                       (next->kind == START_OTHER ||
                        next->kind == START_SIGNATURE ||
                        next->kind == START_TESTIMONIUM ||
                        (a->level == LEVEL_TITLE &&
                         next->kind == START_HEAD)))))
            a->kind = START_OTHER;
        if (a->kind == START_HEAD && a->level == LEVEL_TITLE && i > 0 &&
            s->at[i - 1].to > 0 && t.p[s->at[i - 1].to - 1] == ':')
            a->kind = START_OTHER;      /* "... addressed to:", a name */
        if (a->kind == START_SIGNATURE && !opener_at(t, a->from)->inside &&
            !signs_near(s, i))
            a->kind = START_OTHER;
    }
}

/* --- finding them --------------------------------------------------------- */

static int put(struct starts *s, size_t from)
{
    if (s->n && s->at[s->n - 1].from == from)
        return 0;
    if (s->n == s->cap) {
        const int cap = s->cap ? 2 * s->cap : 64;
        struct start *at = mem_realloc(s->at, (size_t)cap, sizeof *at);

        if (!at)
            return -1;
        s->at = at;
        s->cap = cap;
    }
    if (s->n)
        s->at[s->n - 1].to = from;
    s->at[s->n++] = (struct start){ .from = from };
    return 0;
}

/* "... of the Term. NON-SOLICITATION: Customer shall ...": the length of such
 * a heading at `at`, without its colon; 0: none. */
static size_t shouted_heading(struct text t, size_t at, size_t to)
{
    enum { HEADING = 60, SENTENCE = 160 };
    size_t end = at, letters = 0;

    while (end < to && end - at < HEADING && !is_lower(t.p[end]) &&
           !is_newline(t.p[end]) && !strchr(".:;()\"", t.p[end]))
        letters += is_upper(t.p[end++]) ? 1 : 0;
    if (letters < 4 || end + 2 >= to || t.p[end] != ':' ||
        !is_space(t.p[end + 1]) || !is_upper(t.p[text_skip(t, end + 1)]))
        return 0;
    const size_t last = end + SENTENCE < to ? end + SENTENCE : to;
    return head_has_verb(t, end, last) ? end - at : 0;
}

/* "... herein. WHEREAS, ...": openers inside a line. */
static int put_inside(struct starts *s, struct text t, const struct line *l)
{
    for (size_t at = l->from + 1; at < l->to; at++) {
        if (!is_upper(t.p[at]) || !is_space(t.p[at - 1]))
            continue;
        const struct opener *o = opener_at(t, at);
        const size_t end = text_back(t, at);

        if (!o && text_sentence_end(t, end) && t.p[end - 1] == '.' &&
            shouted_heading(t, at, l->to) && put(s, at))
            return -1;
        const struct opener *last = s->n ? opener_at(t, s->at[s->n - 1].from)
                                         : NULL;
        if (o && last && last->kind == START_AGREED && o->kind == last->kind &&
            at - s->at[s->n - 1].from < 60)
            continue;           /* "NOW, THEREFORE, IT IS AGREED" */
        if (o && o->inside &&
            (ends(t, end) || at - end >= 3 || strchr(",;", t.p[end - 1]) ||
             !is_lower(t.p[end - 1])) &&
            put(s, at))
            return -1;
    }
    return 0;
}

/* Past what Markdown puts before a number. */
static size_t past_markup(struct text t, size_t at)
{
    while (at < t.n && t.p[at] && strchr("#*_> ", t.p[at]))
        at++;
    return at;
}

static size_t start_of_preamble(struct text t, size_t from, size_t to)
{
    enum { TITLE = 3000 };
    const size_t last = to - from > TITLE ? from + TITLE : to;

    for (size_t at = from; at < last; at++)
        if ((at == from || is_space(t.p[at - 1])) &&
            begins_instrument(t, at, to))
            return at > from && text_sentence_end(t, text_back(t, at))
                ? from : at;    /* in the middle of it, or after a title */
    return from;
}

/* "LICENSE AGREEMENT This License Agreement is made ...": the first paragraph
 * begins after the title. */
static int split_title(struct text t, struct starts *s, int wrapped)
{
    int i = 0;

    while (i < s->n && (s->at[i].kind == START_HEAD ||
                        (s->at[i].kind == START_OTHER &&
                         start_of_preamble(t, s->at[i].from, s->at[i].to) ==
                             s->at[i].from)))
        i++;
    if (i == s->n || (s->at[i].kind != START_TEXT &&
                      s->at[i].kind != START_OTHER))
        return 0;
    const struct start whole = s->at[i];
    const size_t from = start_of_preamble(t, whole.from, whole.to);
    if (from == whole.from)
        return 0;
    if (put(s, t.n))            /* room for one more */
        return -1;
    s->at[s->n - 2].to = i == s->n - 2 ? whole.to : s->at[s->n - 2].to;
    memmove(s->at + i + 1, s->at + i,
            (size_t)(s->n - 1 - i) * sizeof *s->at);
    s->at[i] = (struct start){ .from = whole.from, .kind = START_OTHER,
                               .to = text_back(t, from) };
    s->at[i + 1] = (struct start){ .from = from, .to = whole.to };
    s->at[i + 1].kind = kind_of(t, &s->at[i + 1], wrapped);
    return 0;
}

int starts_find(struct text t, const struct clauses *c,
                const struct marks *marks, struct starts *out)
{
    const size_t width = wrap_width(t, c);
    struct line p = { 0, 0 }, l = { 0, 0 };

    for (size_t at = 0; line_next(t, c, at, &l); at = l.to, p = l) {
        /* furniture between the lines is not of the text */
        const size_t gap = text_back(t, l.from) > p.to;

        if (p.to == 0 || begins_paragraph(t, &p, &l, width, gap) ||
            (gap && page_contents(t, c, p.to - 1, l.from) < l.from))
            if (put(out, l.from))
                return -1;
        if (put_inside(out, t, &l))
            return -1;
    }
    for (int i = 0, m = 0; i < out->n; i++) {
        struct start *a = &out->at[i];
        const size_t first = past_markup(t, a->from);

        while (m < marks->n && marks->at[m].from < a->from)
            m++;
        a->numbered = m < marks->n && marks->at[m].from <= first &&
                      marks->at[m].place == PLACE_LINE &&
                      !(i == 0 && marks->at[m].unit == UNIT_ATTACHED);
        a->to = page_back(t, c, i + 1 < out->n ? a[1].from : t.n);
        a->kind = kind_of(t, a, width > 0);
    }
    confirm(t, out);
    return split_title(t, out, width > 0);
}
