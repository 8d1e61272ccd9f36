/* review/clause_head.c - headings. */
#include "review/clause_impl.h"

#include <string.h>

enum { HEAD_BYTES = 120, HEAD_WORDS = 14 };

/* Small words that a heading in title case leaves small. */
static const char *const small[] = {
    "a", "an", "and", "as", "at", "by", "for", "from", "in", "into", "no",
    "not", "of", "on", "or", "per", "the", "to", "upon", "with", "without",
    NULL
};

struct words head_words(struct text t, size_t from, size_t to)
{
    struct words w = { 0 };

    for (size_t at = from; at < to;) {
        size_t end = at;

        while (end < to && !is_space(t.p[end]))
            end++;
        size_t first = at;
        while (first < end && !is_letter(t.p[first]) && !is_digit(t.p[first]))
            first++;
        if (first < end) {
            w.n++;
            if (!is_lower(t.p[first]) || text_word(t, first, small))
                w.capital++;
            size_t i = first;
            while (i < end && !is_lower(t.p[i]))
                i++;
            w.shouted += i == end;
        }
        at = text_skip(t, end);
    }
    return w;
}

/* Words that only a sentence has. */
int head_has_verb(struct text t, size_t from, size_t to)
{
    static const char *const verbs[] = {
        "shall", "will", "is", "are", "was", "were", "has", "have", "must",
        "may", "means", "agrees", "agree", "represents", "acknowledges",
        "hereby", "can", "does", "do", "provides", "includes", "include",
        "constitutes", "remain", "remains", "warrants", "understands",
        "applies", "apply", "covenants", "be", "been", "had", "made", "that",
        "which", NULL
    };

    for (size_t at = from; at < to;) {
        if (text_word(t, at, verbs) && is_lower(t.p[at]))
            return 1;
        while (at < to && is_letter(t.p[at]))
            at++;
        while (at < to && !is_letter(t.p[at]))
            at++;
    }
    return 0;
}

/* Does an empty line or a number follow the line that ends at `line`? */
static int stands_apart(struct text t, size_t line)
{
    const size_t next = text_skip(t, line);
    struct mark m;
    int n = 0;

    for (size_t at = line; at < next; at++)
        n += t.p[at] == '\n';
    return n > 1 || (next < t.n && mark_at(t, next, &m));
}

/* "In the event that ...", "If ...": so sentences begin, that a page's end may
 * have cut off. */
static int begins_condition(struct text t, size_t at)
{
    static const char *const words[] = {
        "if", "unless", "where", "when", "whenever", "upon", "subject",
        "except", "notwithstanding", "provided", "during", "should", NULL
    };

    return text_word(t, at, words) || text_phrase(t, at, "In the event");
}

/* Is [from, end) a heading, given what ends it: its line, a gap, or a mark? */
static int is_run_in(struct text t, size_t from, size_t end, size_t to)
{
    const size_t line = text_line_end(t, from, HEAD_BYTES + 8);
    const struct words w = head_words(t, from, end);

    static const char *const and_or[] = { "and", "or", NULL };

    if (end <= from || w.n == 0 || w.n > HEAD_WORDS ||
        head_has_verb(t, from, end) || strchr(",;", t.p[end - 1]) ||
        text_word_before(t, end, and_or))
        return 0;
    if (w.capital == w.n || w.shouted == w.n)
        return 1;
    /* not in title case: short, text follows, and nothing is defined in it */
    if (!is_upper(t.p[from]) || begins_condition(t, from) ||
        memchr(t.p + from, '"', end - from) ||
        text_skip(t, end + 1) >= to)
        return 0;
    if (text_skip_blank(t, end) == line || text_skip_blank(t, end + 1) == line)
        return w.n <= 10 && (stands_apart(t, line) ||
                             !memchr(t.p + from, ',', end - from));
    return w.n <= 8 && t.p[end] == '.';
}

/* Does a heading end at `at`, before a point, a colon or a dash? */
static int ends_heading(struct text t, size_t at, size_t to)
{
    static const char *const dashes[] = { " - ", " \xE2\x80\x93 ",
                                          " \xE2\x80\x94 " };

    if (t.p[at] == '.')
        return (at + 1 >= to || is_space(t.p[at + 1])) &&
               text_sentence_end(t, at + 1);
    if (t.p[at] == ':')
        return at + 1 < to && is_space(t.p[at + 1]);
    for (size_t i = 0; i < 3; i++)
        if (text_is(t, at, dashes[i]))
            return 1;
    return 0;
}

struct span head_run_in(struct text t, size_t from, size_t to)
{
    const size_t line = text_line_end(t, from, HEAD_BYTES + 8);
    const size_t last = to < line ? to : line;
    size_t end = from, gap = from;

    if (from >= to || is_lower(t.p[from]))
        return (struct span){ from, from };
    while (end < last && end - from <= HEAD_BYTES &&
           !ends_heading(t, end, to)) {
        if (gap == from && is_space(t.p[end]) &&
            text_skip_blank(t, end) - end >= 3)
            gap = end;
        end++;
    }
    end = text_back(t, end);
    if (end == text_back(t, line) && end > from && t.p[end - 1] == '.')
        end--;
    /* set apart by a wide gap, where lines were joined */
    const struct words w = head_words(t, from, gap);
    const int apart = is_run_in(t, from, gap, to) && w.capital == w.n;
    const int marked = end < last && !is_space(t.p[end]);
    if (end - from <= HEAD_BYTES && is_run_in(t, from, end, to) &&
        !(apart && !marked))
        return (struct span){ from, end };
    return (struct span){ from, apart ? gap : from };
}

int head_level(struct text t, size_t from, size_t to)
{
    size_t hashes = from;

    while (hashes < to && t.p[hashes] == '#')
        hashes++;
    if (hashes > from && hashes - from <= 6)
        return (int)(hashes - from);
    to = text_back(t, to);
    if (to <= from || to - from > HEAD_BYTES ||
        (!is_upper(t.p[from]) && !strchr("\"[(*_\xE2", t.p[from])) ||
        strchr(".,;", t.p[to - 1]))
        return 0;
    const struct words w = head_words(t, from, to);
    size_t letters = 0;
    for (size_t at = from; at < to; at++) {
        letters += is_letter(t.p[at]) ? 1 : 0;
        if (t.p[at] == '@' || (at + 1 < to && (t.p[at] == ':' ||
            (t.p[at] == '_' && t.p[at + 1] == '_'))))
            return 0;           /* a form's field, an address */
    }
    if (letters < 3 || w.n > HEAD_WORDS || head_has_verb(t, from, to))
        return 0;
    if (w.shouted == w.n)
        return LEVEL_CAPITALS;
    for (size_t at = from; at < to; at++)       /* an address */
        if (is_digit(t.p[at]) || t.p[at] == ',' || t.p[at] == '<')
            return 0;
    return w.capital == w.n && w.n <= 8 ? LEVEL_TITLE : 0;
}
