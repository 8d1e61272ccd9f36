/* review/clause_text.c - white space, words and sentence ends in a text. */
#include "review/clause_impl.h"

#include <string.h>

/* Bytes of white space at `at`: 0, 1, or 2 for a no-break space (U+00A0). */
static size_t white(struct text t, size_t at)
{
    if (at >= t.n)
        return 0;
    if (is_space(t.p[at]))
        return 1;
    return at + 1 < t.n && t.p[at] == '\xC2' && t.p[at + 1] == '\xA0' ? 2 : 0;
}

size_t text_skip(struct text t, size_t at)
{
    size_t w;

    while ((w = white(t, at)))
        at += w;
    return at;
}

size_t text_skip_blank(struct text t, size_t at)
{
    size_t w;

    while ((w = white(t, at)) && !is_newline(t.p[at]))
        at += w;
    return at;
}

size_t text_back(struct text t, size_t at)
{
    for (;;) {
        if (at >= 1 && is_space(t.p[at - 1]))
            at--;
        else if (at >= 2 && white(t, at - 2) == 2)
            at -= 2;
        else
            return at;
    }
}

size_t text_line_end(struct text t, size_t at, size_t most)
{
    const size_t last = most < t.n - at ? at + most : t.n;

    while (at < last && !is_newline(t.p[at]))
        at++;
    return at;
}

static char lower(char c)
{
    return is_upper(c) ? (char)(c + 32) : c;
}

static int same_word(const char *p, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (lower(p[i]) != word[i])     /* its NUL differs too */
            return 0;
    return word[n] == '\0';
}

static size_t among(const char *p, size_t n, const char *const *words)
{
    for (; *words; words++)
        if (same_word(p, n, *words))
            return n;
    return 0;
}

size_t text_word(struct text t, size_t at, const char *const *words)
{
    size_t end = at;

    while (end < t.n && is_letter(t.p[end]))
        end++;
    return among(t.p + at, end - at, words);
}

size_t text_word_before(struct text t, size_t end, const char *const *words)
{
    size_t at = end;

    while (at > 0 && is_letter(t.p[at - 1]))
        at--;
    return among(t.p + at, end - at, words);
}

int text_is(struct text t, size_t at, const char *s)
{
    const size_t len = strlen(s);

    return at <= t.n && len <= t.n - at && memcmp(t.p + at, s, len) == 0;
}

int text_phrase(struct text t, size_t at, const char *s)
{
    for (; *s; s++)
        if (*s == ' ' && at < t.n && is_space(t.p[at]))
            at = text_skip(t, at);
        else if (at < t.n && t.p[at] == *s)
            at++;
        else
            return 0;
    return 1;
}

size_t text_unquote(struct text t, size_t end)
{
    for (;;) {
        if (end >= 1 && t.p[end - 1] && strchr("\"')]*_", t.p[end - 1]))
            end--;
        else if (end >= 3 && (text_is(t, end - 3, "\xE2\x80\x9D") ||
                              text_is(t, end - 3, "\xE2\x80\x99")))
            end -= 3;
        else
            return end;
    }
}

int text_sentence_end(struct text t, size_t end)
{
    static const char *const abbreviations[] = {
        "inc", "corp", "co", "ltd", "llc", "no", "nos", "sec", "art", "mr",
        "mrs", "ms", "dr", "st", "vs", "approx", "dept", "est", "jr", "sr",
        "bros", "cf", "al", "ave", "blvd", "rd", "ste", "tel", "attn", "ex",
        "esq", "prof", "hon", "rev", "pp", "pub", "reg", "stat", "cir", "seq",
        "supp", "vol", "fed", "jan", "feb", "aug", "sept", "oct", "nov", "dec",
        NULL
    };
    const size_t at = text_unquote(t, end);

    if (at == 0 || !t.p[at - 1] || !strchr(".;:!?", t.p[at - 1]))
        return 0;
    if (t.p[at - 1] != '.' || at < 2)
        return 1;
    if (is_letter(t.p[at - 2]) && (at == 2 || !is_letter(t.p[at - 3])))
        return 0;
    return !text_word_before(t, at - 1, abbreviations);
}

size_t text_sentence(struct text t, size_t from, size_t to)
{
    for (size_t at = from; at < to; at++) {
        if (!is_space(t.p[at]) || at == from || is_space(t.p[at - 1]))
            continue;
        const size_t next = text_skip(t, at);
        const char mark = t.p[text_unquote(t, at) - 1];

        if (mark != ';' && mark != ':' && text_sentence_end(t, at) &&
            (next >= to || !is_lower(t.p[next])))
            return at;
    }
    return to;
}
