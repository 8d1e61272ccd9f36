/* review/clause_mark.c - what could be the number of a clause. */
#include "review/clause_impl.h"

#include <string.h>

/* --- values --------------------------------------------------------------- */

/* "xiv" -> 14, below 100; 0 where s[0..n) is none in the usual spelling. */
static int roman_value(const char *s, size_t n, int upper)
{
    static const char *const digits[2][10] = {
        { "", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix" },
        { "", "x", "xx", "xxx", "xl", "l", "lx", "lxx", "lxxx", "xc" },
    };
    size_t at = 0;
    int value = 0;

    for (int place = 1; place >= 0; place--) {
        int best = 0;
        size_t best_len = 0;

        for (int d = 1; d < 10; d++) {
            const char *digit = digits[place][d];
            size_t len = strlen(digit), i = 0;

            while (i < len && at + i < n &&
                   s[at + i] == (upper ? digit[i] - 32 : digit[i]))
                i++;
            if (i == len && len > best_len) {
                best = d;
                best_len = len;
            }
        }
        at += best_len;
        value = value * 10 + best;
    }
    return at == n ? value : 0;
}

/* "c" -> 3, "aa" -> 27; 0: no such letters. */
static int letter_value(const char *s, size_t n, int upper)
{
    for (size_t i = 1; i < n; i++)
        if (s[i] != s[0])
            return 0;
    return n >= 1 && n <= 3
        ? s[0] - (upper ? 'A' : 'a') + 1 + 26 * (int)(n - 1) : 0;
}

/* Letters at `at`, all of one case; the place after them, or `at`. */
static size_t read_letters(struct text t, size_t at, struct mark *m)
{
    size_t end = at;

    if (at >= t.n || !is_letter(t.p[at]))
        return at;
    m->upper = is_upper(t.p[at]);
    while (end < t.n && end - at < 9 &&
           (m->upper ? is_upper(t.p[end]) : is_lower(t.p[end])))
        end++;
    if (end < t.n && (is_letter(t.p[end]) || is_digit(t.p[end])))
        return at;
    m->letter = letter_value(t.p + at, end - at, m->upper);
    m->roman = roman_value(t.p + at, end - at, m->upper);
    return m->letter || m->roman ? end : at;
}

/* "2.10.1", "3A", "3A.7"; the place after it, or `at`.  A trailing point is
 * not part of it. */
static size_t read_arabic(struct text t, size_t at, struct mark *m)
{
    size_t end = at;

    m->n_part = 0;
    while (m->n_part < MARK_PARTS && end < t.n && is_digit(t.p[end])) {
        size_t from = end;
        int value = 0;

        while (end < t.n && is_digit(t.p[end]) && end - from < 4)
            value = value * 10 + (t.p[end++] - '0');
        if (end - from == 4)    /* a year, an amount */
            return at;
        if (end + 1 < t.n && is_upper(t.p[end]) && !is_letter(t.p[end + 1]) &&
            !is_digit(t.p[end + 1]))
            end++;              /* 3A: keeps its place after 3 */
        m->part[m->n_part++] = value;
        if (end + 1 >= t.n || t.p[end] != '.' || !is_digit(t.p[end + 1]))
            break;
        end++;
    }
    if (m->n_part == 0 || t.p[end - 1] == '.' ||
        (end < t.n && is_digit(t.p[end])))
        return at;
    return end;
}

static size_t read_value(struct text t, size_t at, struct mark *m)
{
    return at < t.n && is_digit(t.p[at]) ? read_arabic(t, at, m)
                                         : read_letters(t, at, m);
}

/* --- forms ---------------------------------------------------------------- */

/* Past the point or colon, and the blanks, that stand after a number. */
static void find_after(struct text t, size_t at, struct mark *m)
{
    size_t next = text_skip_blank(t, at);

    while (next < t.n && strchr(".:", t.p[next]) && next - at < 4)
        next = text_skip_blank(t, next + 1);
    if (text_is(t, next, "- "))         /* "Article 3 - Accounting" */
        next = text_skip_blank(t, next + 1);
    else if (text_is(t, next, "\xE2\x80\x93 ") ||
             text_is(t, next, "\xE2\x80\x94 "))
        next = text_skip_blank(t, next + 3);
    m->after = next;
}

/* "(a)", "(iv)", "(12)" */
static int read_paren(struct text t, size_t at, struct mark *m)
{
    size_t from = text_skip_blank(t, at + 1), end;

    end = read_value(t, from, m);
    if (end == from || from - at > 2)
        return 0;
    end = text_skip_blank(t, end);
    if (end < t.n && t.p[end] == '.')
        end++;
    if (end >= t.n || t.p[end] != ')')
        return 0;
    m->delim = DELIM_PAREN;
    m->number = (struct span){ at, end + 1 };
    find_after(t, end + 1, m);
    return 1;
}

/* "1.", "1.1", "1)", "a.", "iv)"; "1" and "1.1" where a space follows. */
static int read_plain(struct text t, size_t at, struct mark *m)
{
    size_t end = read_value(t, at, m);
    char c = end < t.n ? t.p[end] : ' ';

    if (end == at)
        return 0;
    m->number = (struct span){ at, end };
    if (c == ')') {
        m->delim = DELIM_HALF;
        m->number.to = ++end;
    } else if (c == '.' || c == ':') {
        m->delim = DELIM_POINT;
        end++;
        if (m->n_part == 0 && end < t.n && !is_space(t.p[end]))
            return 0;           /* "a.m.", "I.B.M." */
    } else if (m->n_part && (is_space(c) || is_upper(c) || c == '\xC2')) {
        const size_t next = text_skip_blank(t, end);

        m->delim = text_is(t, next, ". ") && next - end < 4 ? DELIM_POINT
                                                           : DELIM_BARE;
    } else {
        return 0;
    }
    if (m->n_part == 2 && m->part[1] == 0) {
        m->n_part = 1;          /* "9.0" is the section, "9.1" is in it */
        m->delim = DELIM_POINT;
    }
    find_after(t, end, m);
    return 1;
}

static const struct unit {
    const char *name;
    enum mark_unit unit;
} units[] = {
    { "section", UNIT_SECTION },    { "clause", UNIT_SECTION },
    { "sec", UNIT_SECTION },        { "paragraph", UNIT_SECTION },
    { "article", UNIT_ARTICLE },    { "chapter", UNIT_ARTICLE },
    { "part", UNIT_PART },          { "exhibit", UNIT_ATTACHED },
    { "schedule", UNIT_ATTACHED },  { "annex", UNIT_ATTACHED },
    { "annexure", UNIT_ATTACHED },  { "appendix", UNIT_ATTACHED },
    { "attachment", UNIT_ATTACHED },
};

/* "Section 2.01.", "ARTICLE  IV", "Exhibit \"A\"", "§ 3" */
static int read_unit(struct text t, size_t at, struct mark *m)
{
    const struct unit *u = NULL;
    size_t end = at;

    if (at + 2 < t.n && memcmp(t.p + at, "\xC2\xA7", 2) == 0) {
        u = &units[0];
        end = at + 2;
    }
    for (size_t i = 0; !u && i < sizeof units / sizeof *units; i++) {
        const char *const name[] = { units[i].name, NULL };

        if ((end = at + text_word(t, at, name)) > at)
            u = &units[i];
    }
    if (!u)
        return 0;
    if (end < t.n && t.p[end] == '.')
        end++;                  /* "Sec. 2" */
    size_t from = text_skip_blank(t, end);
    if (u->unit <= UNIT_ARTICLE && from < t.n && t.p[from] == '\n' &&
        from + 1 < t.n && !is_space(t.p[from + 1]))
        from++;                 /* broken between the two */
    int quoted = from < t.n && t.p[from] == '"';
    from += (size_t)quoted;
    end = read_value(t, from, m);
    if (end == from || (end < t.n && is_letter(t.p[end])))
        return 0;
    if (u->unit == UNIT_ATTACHED && end + 1 < t.n && t.p[end] == '-' &&
        (is_digit(t.p[end + 1]) || is_letter(t.p[end + 1])))
        end += 2;               /* "Schedule C-1" */
    m->unit = u->unit;
    m->unit_name = u->name;
    m->delim = DELIM_POINT;
    m->number = (struct span){ from, end };
    if (quoted && end < t.n && t.p[end] == '"')
        end++;
    find_after(t, end, m);
    return 1;
}

static size_t bullet_length(struct text t, size_t at)
{
    const char c = t.p[at];
    static const char *const bullets[] = {
        "\xE2\x80\xA2", "\xE2\x97\xA6", "\xE2\x96\xAA", "\xE2\x97\x8F",
        "\xE2\x97\x8B", "\xE2\x96\xA0", "\xE2\x9E\xA2", "\xEF\x82\xB7",
        "\xC2\xB7", "\xE2\x80\x93", "\xE2\x80\x94", "*", "-", "o",
    };

    for (size_t i = 0; i < sizeof bullets / sizeof *bullets; i++) {
        size_t len = strlen(bullets[i]);

        if (at + len < t.n && memcmp(t.p + at, bullets[i], len) == 0 &&
            (t.p[at + len] == ' ' || t.p[at + len] == '\t'))
            return text_is(t, text_skip_blank(t, at + len), "--") ||
                   (c == '-' && is_digit(t.p[text_skip_blank(t, at + len)]))
                ? 0 : len;
    }
    return 0;
}

int mark_at(struct text t, size_t at, struct mark *m)
{
    const char c = t.p[at];
    size_t len;

    *m = (struct mark){ .from = at };
    if (c == '(')
        return read_paren(t, at, m);
    if (is_digit(c))
        return read_plain(t, at, m);
    if ((is_upper(c) || c == '\xC2') && read_unit(t, at, m))
        return 1;
    *m = (struct mark){ .from = at };
    if (is_letter(c) && read_plain(t, at, m))
        return 1;
    if ((len = bullet_length(t, at))) {
        *m = (struct mark){ .from = at, .delim = DELIM_BULLET,
                            .number = { at, at }, .after = at };
        find_after(t, at + len, m);
        return 1;
    }
    return 0;
}
