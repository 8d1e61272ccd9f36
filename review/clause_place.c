/* review/clause_place.c - where each mark of a text stands. */
#include "review/clause_impl.h"

#include <string.h>

#include "base/mem.h"

/* Words that make the number after them a reference or a quantity. */
static const char *const referring[] = {
    "section", "sections", "clause", "clauses", "paragraph", "paragraphs",
    "subsection", "subsections", "subparagraph", "subparagraphs", "subclause",
    "subclauses", "article", "articles", "exhibit", "exhibits", "schedule",
    "schedules", "annex", "annexes", "appendix", "appendices", "attachment",
    "item", "items", "part", "parts", "rule", "form", "figure", "table",
    "page", "pages", "no", "nos", "number", "level", "phase", "step", "tier",
    "version", "chapter", "title", "footnote", "note", "recital", "recitals",
    "in", "of", "under", "by", "with", "from", "per", "see", NULL
};
static const char *const joining[] = {
    "and", "or", "nor", "to", "through", "thru", "until", "inclusive", NULL
};
static const char *const pointing[] = {
    "above", "below", "hereof", "herein", "hereto", "thereof", "hereunder",
    "inclusive", NULL
};
static const char *const counting[] = {
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
    "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty",
    "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million",
    "first", "second", "third", "fourth", "fifth", NULL
};

/* Before the signs with which Markdown begins a line, if `at` follows them. */
static size_t before_markup(struct text t, size_t at)
{
    size_t from = at;

    while (from > 0 && strchr("#*_> ", t.p[from - 1]))
        from--;
    return from == 0 || is_newline(t.p[from - 1]) ? from : at;
}

/* Where does the mark at `at` stand, going by what is before it? */
static enum mark_place place_before(struct text t, const struct clauses *c,
                                    size_t at, int gaps_mean)
{
    const size_t end = page_back(t, c, before_markup(t, at));
    size_t blanks = 0;

    if (end == 0)
        return PLACE_LINE;
    for (size_t i = end; i < at; i++) {
        if (is_newline(t.p[i]))
            return PLACE_LINE;
        blanks++;
    }
    if (blanks >= 3 && gaps_mean)
        return PLACE_GAP;
    const size_t last = text_unquote(t, end);
    if (last == 0 || strchr(",;:", t.p[last - 1]))
        return PLACE_ITEM;
    if (text_sentence_end(t, end))
        return PLACE_SENTENCE;
    static const char *const and_or[] = { "and", "or", NULL };
    const size_t word = text_word_before(t, end, and_or);
    if (word) {
        const size_t before = text_back(t, end - word);

        if (before && strchr(",;", t.p[before - 1]))
            return PLACE_ITEM;
    }
    return PLACE_MID;
}

/* "... in Section" at the end of a line, the number on the next. */
static int is_broken_reference(struct text t, size_t end, size_t from)
{
    const size_t word = text_word_before(t, end, referring);

    for (size_t at = end, n = 0; at < from; at++)
        if (t.p[at] == '\n' && n++)
            return 0;
    return word > 4 && end > word && !is_newline(t.p[end - word - 1]);
}

/* "Section 2.1", "(a) and (b) above", "ten (10) days": `ref` is the last such
 * mark. */
static int is_reference(struct text t, const struct mark *m,
                        const struct mark *ref)
{
    size_t end = text_back(t, m->from), word;
    const int plain = m->unit == UNIT_NONE && m->delim != DELIM_BULLET;

    if (!plain)
        return 0;
    if (end && m->place <= PLACE_SENTENCE) {
        if (m->delim == DELIM_PAREN && m->n_part &&
            (text_word_before(t, end, counting) || is_digit(t.p[end - 1])))
            return 1;
        word = text_word_before(t, end, referring);
        if (word && (m->delim != DELIM_PAREN || word > 4))
            return 1;
        if (t.p[end - 1] == ',')
            end = text_back(t, end - 1);
        word = text_word_before(t, end, joining);
        if (word)
            end = text_back(t, end - word);
        if (end && t.p[end - 1] == ',')
            end = text_back(t, end - 1);
        if (end == ref->number.to && (ref->delim == DELIM_PAREN) ==
                                     (m->delim == DELIM_PAREN))
            return 1;
    }
    if (m->place == PLACE_LINE && m->delim != DELIM_PAREN && end &&
        is_broken_reference(t, end, m->from))
        return 1;
    if (m->place >= PLACE_GAP || m->delim != DELIM_PAREN)
        return 0;
    if (text_word(t, m->after, pointing))
        return 1;
    size_t next = m->after;             /* "(a), (b) and (c)" */
    if (next < t.n && t.p[next] == ',')
        next = text_skip(t, next + 1);
    next = text_skip(t, next + text_word(t, next, joining));
    struct mark other;
    return next > m->after && next < t.n && t.p[next] == '(' &&
           mark_at(t, next, &other);
}

/* A number stuck to a word, "4.2(a)", is a reference, unless the word is a
 * mark itself, as in "1.(a)". */
static int begins_word(struct text t, size_t at, const struct mark *before)
{
    if (at == 0 || is_space(t.p[at - 1]) || (before && at == before->after))
        return 1;
    if (at >= 2 && t.p[at - 1] == '\xA0' && t.p[at - 2] == '\xC2')
        return 1;
    if (strchr("*_#>", t.p[at - 1])) {  /* Markdown */
        while (at > 0 && strchr("*_#>", t.p[at - 1]))
            at--;
        return at == 0 || is_space(t.p[at - 1]);
    }
    return 0;
}

/* "1. DEFINITIONS 1.1 ...": is there but a heading between the marks? */
static int follows_heading(struct text t, const struct mark *before,
                           const struct mark *m)
{
    if (!before || !is_section(before) || m->from < before->after ||
        m->from - before->after > 120)
        return 0;
    const struct words w = head_words(t, before->after, m->from);
    return w.n == w.shouted ||
           (w.n == w.capital && m->n_part > 1 && before->n_part &&
            before->part[0] == m->part[0]);
}

/* "... of Nevada. Management Duties 12. Except ...": a heading without a
 * point, between a sentence and the number. */
static int follows_title(struct text t, const struct mark *before,
                         struct mark *m)
{
    enum { TITLE = 90 };
    const size_t end = text_back(t, m->from);
    size_t at = end;

    if (!is_section(m) || m->delim != DELIM_POINT || !m->n_part ||
        m->after >= t.n || !is_upper(t.p[m->after]))
        return 0;
    while (at > 0 && end - at < TITLE &&
           !is_newline(t.p[at - 1]) &&
           !(is_space(t.p[at - 1]) &&
             text_sentence_end(t, text_back(t, at))))
        at--;
    if (at == 0 || end - at >= TITLE || at == end || !is_upper(t.p[at]) ||
        (before && at < before->after))
        return 0;
    const struct words w = head_words(t, at, end);
    if (w.n > w.capital || w.n > 8 || text_word_before(t, end, referring))
        return 0;
    m->title = at;
    return 1;
}

static int append(struct marks *out, const struct mark *m)
{
    if (out->n == out->cap) {
        const int cap = out->cap ? 2 * out->cap : 256;
        struct mark *at = mem_realloc(out->at, (size_t)cap, sizeof *at);

        if (!at)
            return -1;
        out->at = at;
        out->cap = cap;
    }
    out->at[out->n++] = *m;
    return 0;
}

/* "2 TERM AND RENEWAL": does a word in capitals stand at `at`? */
static int is_shouted(struct text t, size_t at)
{
    const size_t from = at;

    while (at < t.n && is_upper(t.p[at]))
        at++;
    return at - from >= 3 && at < t.n && !is_letter(t.p[at]);
}

/* "... Organic Soap SCHEDULE B - Minimum Performance": a title in a line that
 * was joined, and no "as in SCHEDULE B - Minimum Performance". */
static int titles_exhibit(struct text t, const struct mark *m)
{
    const size_t dash = text_skip_blank(t, m->number.to);
    const size_t end = text_back(t, m->from);

    return m->unit == UNIT_ATTACHED && is_shouted(t, m->from) &&
           dash < m->after && strchr("-:\xE2", t.p[dash]) &&
           m->after < t.n && is_upper(t.p[m->after]) &&
           !text_word_before(t, end, referring) &&
           !text_word_before(t, end, joining);
}

/* Marks without brackets stand only where something begins. */
static int may_stand(struct text t, struct mark *m)
{
    if ((m->place == PLACE_ITEM && is_section(m)) ||
        (m->place == PLACE_MID && titles_exhibit(t, m)))
        m->place = PLACE_SENTENCE;
    const size_t end = text_back(t, m->from);
    if (m->place == PLACE_MID && is_section(m) && end && m->after < t.n &&
        t.p[end - 1] == '.' && is_upper(t.p[m->after]))
        m->place = PLACE_SENTENCE;      /* after "Appendix A." */
    if (m->place == PLACE_MID && is_section(m)) {
        const size_t most = m->after + 150;
        const struct span head = head_run_in(t, m->after,
                                             most < t.n ? most : t.n);

        if (head.to == head.from || t.p[head.to] != '.' ||
            !is_upper(t.p[m->after]))
            return 0;
        m->place = PLACE_SENTENCE;      /* after a heading, an address */
    }
    if (m->unit != UNIT_NONE)
        return m->place >= PLACE_SENTENCE;
    switch (m->delim) {
    case DELIM_PAREN:   return 1;
    case DELIM_HALF:    return m->place >= PLACE_MID;
    case DELIM_POINT:   return m->place >= PLACE_MID;
    case DELIM_BARE:    return m->n_part > 1 || m->place >= PLACE_GAP ||
                               (m->place == PLACE_SENTENCE &&
                                is_shouted(t, m->after));
    case DELIM_BULLET:  return m->place >= PLACE_GAP &&
                               (m->place == PLACE_LINE ||
                                t.p[m->from] & 0x80);
    }
    return 0;
}

/* Wide gaps stand for line breaks that were lost, unless the text is set flush
 * right with them: then many are between two small letters. */
static int gaps_have_meaning(struct text t)
{
    size_t n = 0, within = 0;

    for (size_t at = 1; at + 3 < t.n; at++) {
        if (t.p[at] != ' ' || is_space(t.p[at - 1]))
            continue;
        const size_t next = text_skip_blank(t, at);

        if (next - at < 3 || next >= t.n || is_newline(t.p[next]))
            continue;
        n++;
        within += is_lower(t.p[at - 1]) && is_lower(t.p[next]);
        at = next;
    }
    return within * 4 <= n;
}

int marks_find(struct text t, const struct clauses *c, struct marks *out)
{
    const struct mark *before = NULL;
    const int gaps_mean = gaps_have_meaning(t);
    struct mark m, ref = { 0 };

    for (size_t at = 0; at < t.n; at++) {
        if (is_space(t.p[at]))
            continue;
        if (!begins_word(t, at, before)) {
            if (t.p[at] == '(' && mark_at(t, at, &m))
                ref = m;
            continue;
        }
        if (page_skip(t, c, at) != at) {        /* inside furniture */
            at = page_skip(t, c, at) - 1;
            continue;
        }
        if (!mark_at(t, at, &m))
            continue;
        m.place = place_before(t, c, at, gaps_mean);
        if (m.place < PLACE_SENTENCE && (follows_heading(t, before, &m) ||
                                         follows_title(t, before, &m)))
            m.place = PLACE_SENTENCE;
        if (is_reference(t, &m, &ref)) {
            ref = m;
            continue;
        }
        if (!may_stand(t, &m))
            continue;
        if (append(out, &m))
            return -1;
        before = &out->at[out->n - 1];
    }
    return 0;
}
