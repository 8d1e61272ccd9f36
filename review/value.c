/* review/value.c - periods, dates, amounts, percentages, the governing law and
 * the parties, in forms that code can compare.
 *
 * Forms: a period is ISO 8601's ("P30D", "P2Y", "PT72H"), business days with B
 * ("P10BD"); a date is YYYY-MM-DD; an amount is its currency by ISO 4217 and a
 * number with two digits ("USD 1000000.00"), four for a fraction of a cent; a
 * percentage has no zeros at its end ("5%", "1.5%"); a law is its place in
 * lower case ("new york"). */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "review/rule.h"

enum { PREAMBLE_BYTES = 4000 };

/* --- words for numbers --------------------------------------------------- */

static const struct { const char *word; double n; } numbers[] = {
    { "one", 1 }, { "two", 2 }, { "three", 3 }, { "four", 4 }, { "five", 5 },
    { "six", 6 }, { "seven", 7 }, { "eight", 8 }, { "nine", 9 },
    { "ten", 10 }, { "eleven", 11 }, { "twelve", 12 }, { "thirteen", 13 },
    { "fourteen", 14 }, { "fifteen", 15 }, { "sixteen", 16 },
    { "seventeen", 17 }, { "eighteen", 18 }, { "nineteen", 19 },
    { "twenty", 20 }, { "thirty", 30 }, { "forty", 40 }, { "fifty", 50 },
    { "sixty", 60 }, { "seventy", 70 }, { "eighty", 80 }, { "ninety", 90 },
};
static const char *const months[] = {
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct",
    "nov", "dec" };

static int same_word(const char *a, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (tolower((unsigned char)a[i]) != word[i])
            return 0;
    return word[n] == '\0';
}

/* "forty-five" is 45, "one hundred twenty" 120; 0: no number. */
static double number_word(const char *s, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n;) {
        size_t len = 0;

        while (i + len < n && isalpha((unsigned char)s[i + len]))
            len++;
        if (len && same_word(s + i, len, "hundred"))
            sum = (sum > 0 ? sum : 1) * 100;
        for (size_t k = 0; len && k < sizeof numbers / sizeof *numbers; k++)
            if (same_word(s + i, len, numbers[k].word))
                sum += numbers[k].n;
        i += len ? len : 1;
    }
    return sum;
}

/* "1,250,000.50", "1.250.000,50", "1 250 000", "2,5"; 0: none.  The last mark
 * is the decimal one where it is the only one of its kind and either another
 * kind stands before it or the digits after it are no group of three; a point
 * alone before three digits is one too, unless `grouped` says that points part
 * thousands. */
static double number(const char *s, size_t n, int grouped)
{
    size_t points = 0, commas = 0, last = n, k = 0;
    char buf[40];
    int decimal;

    for (size_t i = 0; i < n; i++) {
        points += s[i] == '.';
        commas += s[i] == ',';
        if (s[i] == '.' || s[i] == ',')
            last = i;
    }
    if (last < n && s[last] == '.')
        decimal = points == 1 && (commas > 0 || n - last != 4 || !grouped);
    else
        decimal = commas == 1 && (points > 0 || n - last != 4);
    for (size_t i = 0; i < n && k < sizeof buf - 1; i++)
        if (isdigit((unsigned char)s[i]))
            buf[k++] = s[i];
        else if (i == last && decimal)
            buf[k++] = '.';
    buf[k] = '\0';
    return strtod(buf, NULL);
}

/* --- one form for each kind ---------------------------------------------- */

struct group { const char *s; size_t n; };

static struct group group(const struct rules *r, const struct match *m, int k)
{
    if (m->from[k] > m->to[k])
        return (struct group) { "", 0 };
    return (struct group) { r->d->text + m->from[k], m->to[k] - m->from[k] };
}

/* Groups: 1 words, 2 digits, 3 "business", 4 unit. */
static int period(const struct rules *r, const struct match *m, char *out)
{
    struct group word = group(r, m, 1), num = group(r, m, 2);
    struct group unit = group(r, m, 4);
    double n = num.n ? number(num.s, num.n, 0)
                     : number_word(word.s, word.n);
    char c = unit.n ? (char)toupper((unsigned char)unit.s[0]) : 'D';

    if (n <= 0 || n > 99999)
        return 0;
    if (c == 'M' && unit.n > 1 && tolower((unsigned char)unit.s[1]) == 'i')
        snprintf(out, VALUE_FORM, "PT%.0fM", n);
    else if (c == 'H')
        snprintf(out, VALUE_FORM, "PT%.0fH", n);
    else
        snprintf(out, VALUE_FORM, "P%.0f%s%c", n,
                 group(r, m, 3).n ? "B" : "", c);
    return 1;
}

static int date_of(struct group d, struct group mo, struct group y, char *out)
{
    int month = (int)number(mo.s, mo.n, 0);

    for (int k = 0; k < 12 && mo.n >= 3; k++)
        if (same_word(mo.s, 3, months[k]))
            month = k + 1;
    if (month < 1 || month > 12)
        return 0;
    snprintf(out, VALUE_FORM, "%04d-%02d-%02d", (int)number(y.s, y.n, 0),
             month, (int)number(d.s, d.n, 0));
    return 1;
}

/* Groups: day, month and year; or month, day, year; or year, month, day. */
static int date(const struct rules *r, const struct match *m, char *out)
{
    return date_of(group(r, m, 1), group(r, m, 2), group(r, m, 3), out);
}

static int date_us(const struct rules *r, const struct match *m, char *out)
{
    return date_of(group(r, m, 2), group(r, m, 1), group(r, m, 3), out);
}

static int date_iso(const struct rules *r, const struct match *m, char *out)
{
    return date_of(group(r, m, 3), group(r, m, 2), group(r, m, 1), out);
}

/* Does s start with these letters, of whatever case? */
static int starts(struct group s, const char *with)
{
    size_t n = strlen(with);

    for (size_t i = 0; i < n && i < s.n; i++)
        if (tolower((unsigned char)s.s[i]) != tolower((unsigned char)with[i]))
            return 0;
    return s.n >= n;
}

/* The code of a currency by ISO 4217, from its sign, its name or the code. */
static void currency(struct group sign, char code[4])
{
    static const struct { const char *sign, *code; } of[] = {
        { "$", "USD" }, { "US$", "USD" }, { "dollar", "USD" },
        { "\xe2\x82\xac", "EUR" }, { "euro", "EUR" },
        { "\xc2\xa3", "GBP" }, { "pound", "GBP" }, { "\xc2\xa5", "JPY" },
        { "C$", "CAD" }, { "CDN", "CAD" }, { "A$", "AUD" },
        { "HK$", "HKD" }, { "S$", "SGD" }, { "NZ$", "NZD" },
        { "NT$", "TWD" }, { "RMB", "CNY" } };

    for (size_t k = 0; k < sizeof of / sizeof *of; k++)
        if (starts(sign, of[k].sign)) {
            strcpy(code, of[k].code);
            return;
        }
    snprintf(code, 4, "%.*s", (int)sign.n, sign.s);
}

/* What "million", "m" or "bn" multiplies by; 1: nothing. */
static double times(struct group word)
{
    static const struct { const char *word; double n; } of[] = {
        { "mrd", 1e9 }, { "m", 1e6 }, { "b", 1e9 }, { "tn", 1e12 },
        { "tr", 1e12 }, { "t", 1e3 }, { "k", 1e3 }, { "l", 1e5 },
        { "c", 1e7 } };             /* lakh, crore; the first that fits */

    for (size_t k = 0; k < sizeof of / sizeof *of; k++)
        if (starts(word, of[k].word))
            return of[k].n;
    return 1;
}

/* Are points that part three digits marks of thousands?  "EUR 1.125" is, and
 * "$1.500"; "$1.125" and "$0.125" are prices with a fraction. */
static int by_points(struct group sign, struct group num)
{
    static const char *const fractions[] = { "$", "US$", "\xc2\xa3" };
    int fraction = num.n > 3 && strncmp(num.s + num.n - 2, "00", 2) != 0;

    for (size_t k = 0; k < sizeof fractions / sizeof *fractions; k++)
        if (fraction && starts(sign, fractions[k]))
            return 0;
    return num.n > 0 && num.s[0] != '0';
}

/* Groups: 1 currency, 2 number, 3 "million", 4 currency after it, which says
 * more than a "$" before it. */
static int amount(const struct rules *r, const struct match *m, char *out)
{
    struct group sign = group(r, m, 1), num = group(r, m, 2);
    struct group after = group(r, m, 4);
    char code[4] = "";
    double n = number(num.s, num.n, by_points(sign, num)) *
               times(group(r, m, 3));
    int cents = fabs(100 * n - round(100 * n)) < 1e-3;

    currency(after.n ? after : sign, code);
    snprintf(out, VALUE_FORM, "%s %.*f", code, cents ? 2 : 4, n);
    return 1;
}

/* Groups: 1 words, 2 digits. */
static int percent(const struct rules *r, const struct match *m, char *out)
{
    struct group word = group(r, m, 1), num = group(r, m, 2);

    snprintf(out, VALUE_FORM, "%g%%",
             num.n ? number(num.s, num.n, 0)
                   : number_word(word.s, word.n));
    return num.n || out[0] != '0';
}

/* Group 1: the place, unless it is a blank for one ("[Governing Law]"). */
static int law(const struct rules *r, const struct match *m, char *out)
{
    struct group place = group(r, m, 1);
    struct span around = { m->from[1] - (m->from[1] > 0),
                           m->to[1] + (m->to[1] < r->d->n_byte) };
    size_t n = 0;

    if (rule_matches(r, "value.law.not", around, NULL))
        return 0;

    for (size_t i = 0; i < place.n && n < VALUE_FORM - 1; i++) {
        int space = isspace((unsigned char)place.s[i]) != 0;

        if (!space || (n && out[n - 1] != ' '))
            out[n++] = space ? ' '
                             : (char)tolower((unsigned char)place.s[i]);
    }
    out[n] = '\0';
    return n > 0;
}

static const struct {
    const char *purpose;
    enum value_kind kind;
    int (*form)(const struct rules *r, const struct match *m, char *out);
} kinds[] = {
    { "value.period", VALUE_PERIOD, period },
    { "value.date", VALUE_DATE, date },
    { "value.date_us", VALUE_DATE, date_us },
    { "value.date_iso", VALUE_DATE, date_iso },
    { "value.amount", VALUE_AMOUNT, amount },
    { "value.percent", VALUE_PERCENT, percent },
    { "value.law", VALUE_LAW, law },
};

static void add_value(struct rules *r, enum value_kind kind, struct span s,
                      const char *norm)
{
    struct graph *g = r->g;
    struct value *more = rule_grow(r, g->value, g->n_value, &r->cap_value,
                                   sizeof *more);

    if (!more)
        return;
    g->value = more;
    g->value[g->n_value] = (struct value) {
        .kind = kind, .clause = clauses_holding(r->c, s), .span = s,
        .norm = mem_strdup(norm) };
    if (!g->value[g->n_value++].norm)
        r->err = SOR_NOMEM;
}

/* A law is told by the words before it. */
int value_of(const struct pack *p, enum value_kind kind, const char *text,
             char norm[VALUE_FORM])
{
    const char *before = kind == VALUE_LAW ? "governed by the laws of " : "";
    size_t n = strlen(before) + strlen(text);
    char said[256] = "";
    struct document d = { .text = said, .n_byte = n };
    struct rules r = { .d = &d, .p = p };
    int found = 0;

    if (n >= sizeof said)
        return 0;
    strcat(strcpy(said, before), text);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds && !found; k++) {
        int n_pattern;
        const struct pattern *one = pack_patterns(p, kinds[k].purpose,
                                                  &n_pattern);
        struct match m;

        for (int i = 0; i < n_pattern && kinds[k].kind == kind && !found; i++)
            found = pattern_next(&one[i], said, n, 0, &m) == 1 &&
                    m.from[0] == 0 && m.to[0] == n &&
                    kinds[k].form(&r, &m, norm);
    }
    return found;
}

/* Where the value stands: of a law its place alone. */
static struct span place(const struct hit *h, enum value_kind kind)
{
    return kind == VALUE_LAW ? (struct span) { h->m.from[1], h->m.to[1] }
                             : hit_span(h);
}

/* --- the parties --------------------------------------------------------- */

/* The first name within s that looks like a company's, else the first name
 * at all. */
static int name_in(const struct rules *r, struct span s, struct span *name)
{
    struct match m;
    int found = 0;

    while (s.from < s.to && rule_matches(r, "party.name", s, &m)) {
        struct span one = { m.from[1], m.to[1] };
        int company = rule_matches(r, "party.company", one, NULL);

        if (!found || company)
            *name = one;
        found = 1;
        if (company)
            break;
        s.from = m.to[0] > s.from ? m.to[0] : s.from + 1;
    }
    return found;
}

/* The preamble defines them: "Acme Ltd, a company of ..., ("Supplier")".  s:
 * the words before the bracket, after the definition before it. */
static void add_party(struct rules *r, struct span s, const struct term *role)
{
    struct graph *g = r->g;
    struct party *more, *to;

    if (!name_in(r, s, &s))
        return;
    more = rule_grow(r, g->party, g->n_party, &r->cap_party, sizeof *more);
    if (!more)
        return;
    g->party = more;
    to = &g->party[g->n_party++];
    *to = (struct party) { .name = rule_text(r, s),
                           .role = mem_strdup(role->name), .span = s };
    if (!to->role)
        r->err = SOR_NOMEM;
    add_value(r, VALUE_PARTY, s, role->name);
}

/* Definitions stand in order of place, so that each starts where the one
 * before it ended. */
static void parties(struct rules *r)
{
    const struct graph *g = r->g;
    size_t start = r->c->at[0].span.from, from = start;

    for (int i = 0; i < g->n_edge && !r->err; i++) {
        const struct edge *e = &g->edge[i];

        if (e->kind != EDGE_DEFINES)
            continue;
        if (e->span.from > start + PREAMBLE_BYTES ||
            rule_matches(r, "party.end", (struct span) { start,
                                                         e->span.from }, NULL))
            break;
        if (rule_matches(r, "party.preamble", (struct span) { start,
                                                e->span.from }, NULL) &&
            !rule_matches(r, "party.not", e->span, NULL) &&
            from < e->span.from)
            add_party(r, (struct span) { from, e->span.from },
                      &g->term[e->dst.index]);
        from = e->span.to;
    }
}

void value_read(struct rules *r)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds && !r->err; k++) {
        struct hits h = rule_hits(r, kinds[k].purpose, "value.not");
        char norm[VALUE_FORM];

        for (int i = 0; i < h.n && !r->err; i++)
            if (kinds[k].form(r, &h.at[i].m, norm))
                add_value(r, kinds[k].kind, place(&h.at[i], kinds[k].kind),
                          norm);
        hits_free(&h);
    }
    if (!r->err && r->c->n > 0)
        parties(r);
}
