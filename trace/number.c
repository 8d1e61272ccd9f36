#include "trace/number.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "trace/ascii.h"

enum { FRACTION_DIGITS = 18 };  /* of a fraction's terms: fits int64_t */

/* What a number may not follow directly: a letter, but not the sign of a
 * currency or a unit (U+0080..U+00BF). */
static int in_word(char c)
{
    return is_alpha(c) || is_digit(c) || c == '_' || (unsigned char)c >= 0xC3;
}

/* --- digits -------------------------------------------------------------- */

/* Bytes of a thousands separator at s[at], followed by exactly three digits;
 * LaTeX writes the comma as {,} to keep its spacing. */
static size_t thousands(const char *s, size_t n, size_t at)
{
    size_t sep = text_at(s, n, at, ",");

    if (!sep)
        sep = text_at(s, n, at, "{,}");
    if (!sep || n - at < sep + 3)
        return 0;
    for (size_t i = 0; i < 3; i++)
        if (!is_digit(s[at + sep + i]))
            return 0;
    return at + sep + 3 < n && is_digit(s[at + sep + 3]) ? 0 : sep;
}

/* Copies the digits of an unsigned decimal at s[at] into out (cap bytes, NUL
 * included), separators left out.  Returns its end; `at` where there is none
 * or it does not fit. */
static size_t decimal(const char *s, size_t n, size_t at, char *out,
                      size_t cap)
{
    size_t i = at, len = 0, sep, lead = 0;
    int point = 0;

    while (i < n) {
        if (!point && lead <= 3 && i > at && (sep = thousands(s, n, i)) > 0) {
            i += sep;
            lead = 0;                   /* three more follow: checked above */
        }
        if (s[i] == '.' && !point && i + 1 < n && is_digit(s[i + 1]))
            point = 1;
        else if (!is_digit(s[i]))
            break;
        if (len + 1 >= cap)
            return at;
        out[len++] = s[i++];
        lead++;
    }
    out[len] = '\0';
    return i;
}

/* --- canonical form ------------------------------------------------------ */

static void tidy_decimal(const char *digits, int negative, char *out)
{
    const char *d = digits;
    size_t n;

    while (*d == '0' && d[1] != '\0' && d[1] != '.')
        d++;
    n = strlen(d);
    if (strchr(d, '.'))
        while (d[n - 1] == '0')
            n--;
    if (n && d[n - 1] == '.')
        n--;
    if (n == 0 || (n == 1 && *d == '0')) {
        strcpy(out, "0");
        return;
    }
    snprintf(out, NUMBER_BYTES, "%s%s%.*s", negative ? "-" : "",
             *d == '.' ? "0" : "", (int)n, d);
}

static int64_t to_int(const char *digits)
{
    int64_t v = 0;

    for (; is_digit(*digits); digits++)
        v = v * 10 + (*digits - '0');
    return v;
}

/* 0, or -1 where b is 0. */
static int tidy_fraction(int64_t a, int64_t b, int negative, char *out)
{
    int64_t x = a, y = b;
    int decimals = 0;
    const char *sign = negative && a ? "-" : "";

    if (b == 0)
        return -1;
    while (y) {                         /* Euclid */
        int64_t r = x % y;
        x = y;
        y = r;
    }
    a /= x;
    b /= x;
    /* a/b ends after d decimals where b divides 10^d; look only so far that
     * the result stays readable and a * 10 cannot overflow. */
    int64_t whole = a / b, rest = a % b;
    char tail[8] = "";
    while (rest && decimals < 6 && rest < INT64_MAX / 10) {
        rest *= 10;
        /* cppcheck-suppress zerodivcond - b is not 0, see above */
        tail[decimals++] = (char)('0' + rest / b);
        tail[decimals] = '\0';
        rest %= b;
    }
    if (rest)
        snprintf(out, NUMBER_BYTES, "%s%" PRId64 "/%" PRId64, sign, a, b);
    else
        snprintf(out, NUMBER_BYTES, "%s%" PRId64 "%s%s", sign, whole,
                 decimals ? "." : "", tail);
    return 0;
}

/* --- what a number looks like -------------------------------------------- */

/* {digits} at s[at]: the end, or `at`. */
static size_t braced(const char *s, size_t n, size_t at, char *out)
{
    size_t end;

    if (at >= n || s[at] != '{')
        return at;
    end = decimal(s, n, at + 1, out, FRACTION_DIGITS + 1);
    return end > at + 1 && end < n && s[end] == '}' && !strchr(out, '.')
           ? end + 1 : at;
}

/* \frac{a}{b}: the end, or `at`. */
static size_t latex_fraction(const char *s, size_t n, size_t at, int negative,
                             char *out)
{
    static const char *const name[] = { "\\frac", "\\dfrac", "\\tfrac" };
    char a[FRACTION_DIGITS + 1], b[FRACTION_DIGITS + 1];

    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        size_t len = text_at(s, n, at, name[i]);
        size_t mid = len ? braced(s, n, at + len, a) : at;
        size_t end = mid > at + len ? braced(s, n, mid, b) : mid;

        if (len && end > mid && mid > at + len &&
            tidy_fraction(to_int(a), to_int(b), negative, out) == 0)
            return end;
    }
    return at;
}

/* A decimal or a/b; the end, or `at`. */
static size_t plain(const char *s, size_t n, size_t at, int negative,
                    char *out)
{
    char a[NUMBER_BYTES - 2], b[FRACTION_DIGITS + 1];
    size_t end = decimal(s, n, at, a, sizeof a - 1), past;

    if (end == at)
        return at;
    if (end + 1 < n && s[end] == '/' && is_digit(s[end + 1]) &&
        (at == 0 || s[at - 1] != '/') && strlen(a) <= FRACTION_DIGITS &&
        !strchr(a, '.')) {
        past = decimal(s, n, end + 1, b, sizeof b);
        /* 3/4/2025 is a date and 3/4.5 is a division: take the 3. */
        if (past > end + 1 && !strchr(b, '.') &&
            (past >= n || (s[past] != '/' && !in_word(s[past]))) &&
            tidy_fraction(to_int(a), to_int(b), negative, out) == 0)
            return past;
    }
    tidy_decimal(a, negative, out);
    return end;
}

/* Walks back from the first digit over a currency sign and a minus that is a
 * sign, not a dash or a subtraction: nothing that ends a value before it. */
static size_t walk_back(const char *s, size_t lo, size_t at, int *negative)
{
    static const char *const currency[] = {
        "\\$", "$", "\xC2\xA3", "\xE2\x82\xAC",         /* pound, euro */
    };
    static const char *const minus[] = { "-", "\xE2\x88\x92" };
    size_t i = at;

    *negative = 0;
    for (int round = 0; round < 2; round++) {
        for (size_t k = 0; k < sizeof currency / sizeof *currency; k++) {
            size_t len = strlen(currency[k]);
            if (i - lo >= len && !memcmp(s + i - len, currency[k], len)) {
                i -= len;
                break;
            }
        }
        for (size_t k = 0; k < 2 && !*negative; k++) {
            size_t len = strlen(minus[k]);
            if (i - lo < len || memcmp(s + i - len, minus[k], len) != 0)
                continue;
            char before = i - len > 0 ? s[i - len - 1] : ' ';
            if (in_word(before) || one_of(before, ")}]"))
                return i;
            i -= len;
            *negative = 1;
        }
    }
    return i;
}

int number_next(const char *s, size_t n, size_t at, struct number *out)
{
    static const char *const tail[] = { "\\%", "%", "^\\circ", "^{\\circ}",
                                        "\xC2\xB0" };   /* degree sign */
    size_t i = at;

    while (i < n) {
        int negative, point = s[i] == '.' && i + 1 < n && is_digit(s[i + 1]);
        size_t end = i;

        if ((is_digit(s[i]) || point) && (i == 0 || !in_word(s[i - 1]))) {
            out->from = walk_back(s, at, i, &negative);
            end = plain(s, n, i, negative, out->norm);
        } else if (s[i] == '\\') {
            out->from = walk_back(s, at, i, &negative);
            end = latex_fraction(s, n, i, negative, out->norm);
        }
        if (end > i) {
            for (size_t k = 0; k < sizeof tail / sizeof *tail; k++)
                if (end < n && text_at(s, n, end, tail[k])) {
                    end += text_at(s, n, end, tail[k]);
                    break;
                }
            out->to = end;
            return 1;
        }
        if (in_word(s[i]) || point)     /* the rest of a word, or digits */
            for (i++; i < n && (in_word(s[i]) || (point && s[i] == '.')); )
                i++;
        else
            i++;
    }
    return 0;
}
