/* review/clause_contents.c - tables of contents. */
#include "review/clause_impl.h"

#include <string.h>

/* Dots that lead to a page number, from `at`; the place after it, or 0. */
static size_t leader(struct text t, size_t at)
{
    int dots = 0;

    while (at < t.n && (t.p[at] == '.' || t.p[at] == ' ' ||
                        t.p[at] == '\t' || text_is(t, at, "\xE2\x80\xA6"))) {
        dots += t.p[at] == '.' ? 1 : t.p[at] == '\xE2' ? 3 : 0;
        at += t.p[at] == '\xE2' ? 3 : 1;
    }
    if (dots < 4)
        return 0;
    const size_t number = at;
    while (at < t.n && (is_digit(t.p[at]) || strchr("ivxA-", t.p[at])))
        at++;
    return at > number && at - number < 6 &&
           (at == t.n || is_space(t.p[at])) ? at : 0;
}

/* The caption of a table of contents at `at`: its length, or 0. */
static size_t contents_caption(struct text t, size_t at)
{
    static const char *const captions[] = { "TABLE OF CONTENTS",
        "Table of Contents", "Table Of Contents", "Table of contents",
        "CONTENTS\n", "Contents\n" };

    for (size_t i = 0; i < sizeof captions / sizeof *captions; i++)
        if (text_is(t, at, captions[i]))
            return strlen(captions[i]);
    return 0;
}

/* Entries that are dots and numbers: from the caption, or the first entry, to
 * the last.  Three make a table. */
static struct span contents_by_leaders(struct text t, size_t caption)
{
    enum { BETWEEN = 400 };
    size_t from = caption, last = caption;
    int entries = 0;

    for (size_t at = caption; at < t.n; at++) {
        size_t end;

        if (entries && at - last > BETWEEN)
            break;
        if (!entries && at - caption > 4 * BETWEEN)
            break;
        if ((t.p[at] == '.' || t.p[at] == '\xE2') &&
            (end = leader(t, at)) > 0) {
            last = at = end;
            entries++;
        }
    }
    return entries >= 3 ? (struct span){ from, last }
                        : (struct span){ caption, caption };
}

/* The end of a line, or of a piece of one before a wide gap. */
static size_t piece_end(struct text t, size_t at)
{
    enum { LINE = 400, GAP = 3 };
    const size_t end = text_line_end(t, at, LINE);

    for (; at < end; at++)
        if (t.p[at] == ' ' && text_skip_blank(t, at) - at >= GAP)
            break;
    return at;
}

/* Entries that are lines ending in a number, with few others between. */
static struct span contents_by_lines(struct text t, size_t caption,
                                     size_t length)
{
    size_t last = caption, end;
    int entries = 0, others = 0;

    for (size_t at = text_skip(t, caption + length); at < t.n && others < 8;
         at = text_skip(t, end)) {
        end = piece_end(t, at);
        size_t word = text_back(t, end);
        const size_t to = word;
        int value;

        while (word > at && !is_space(t.p[word - 1]))
            word--;
        if (to - at > 260 || (t.p[to - 1] == '.' && to - at > 60))
            break;
        if (page_number(t, word, to, &value)) {
            last = to;
            entries++;
            others = 0;
        } else {
            others++;
        }
    }
    return entries >= 3 ? (struct span){ caption, last }
                        : (struct span){ caption, caption };
}

/* Letters and digits from `at`, without what is between them; how many. */
static size_t bare_words(struct text t, size_t at, char *out, size_t cap)
{
    size_t n = 0;

    for (; at < t.n && n < cap; at++)
        if (is_letter(t.p[at]) || is_digit(t.p[at]))
            out[n++] = t.p[at];
    return n;
}

/* Without dots: what is first in the table comes again where the text begins,
 * unless a preamble comes before that. */
static struct span contents_by_repeat(struct text t, size_t caption,
                                      size_t length)
{
    enum { KEY = 14, LONGEST = 60000 };
    const size_t first = text_skip(t, caption + length);
    size_t end = t.n < first + LONGEST ? t.n : first + LONGEST;
    char key[KEY], here[KEY];

    if (bare_words(t, first, key, KEY) == KEY)
        for (size_t at = first + KEY; at < end; at++) {
            if (t.p[at] != t.p[first] || is_letter(t.p[at - 1]) ||
                bare_words(t, at, here, KEY) < KEY ||
                memcmp(key, here, KEY) != 0)
                continue;
            for (size_t i = first; i < at; i++)
                if (is_space(t.p[i]) && (text_is(t, i + 1, "THIS ") ||
                                         text_is(t, i + 1, "This ") ||
                                         text_is(t, i + 1, "WHEREAS")))
                    at = i;
            return (struct span){ caption, text_back(t, at) };
        }
    return (struct span){ caption, caption };
}

struct span contents_find(struct text t, size_t at, int *captions)
{
    const size_t length = contents_caption(t, at);
    struct span s = { at, at };

    if (!length)
        return s;
    ++*captions;
    s = contents_by_leaders(t, at);
    if (s.to == s.from)
        s = contents_by_lines(t, at, length);
    return s.to > s.from ? s : contents_by_repeat(t, at, length);
}
