/* review/value_same.c - do two values, in the forms of value.c, say one thing?
 *
 * Code is sure where both are counted in units that go into each other: hours,
 * days and weeks; months and years.  A month is no number of days, and a
 * business day no number of hours, so that where the two might be meant as
 * one, code does not say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "review/graph.h"

enum family { HOURS, MONTHS, BUSINESS, FAMILIES };

/* Hours in a unit of each family, about. */
static const double about[FAMILIES] = { 1, 730.5, 33.6 };
static const double APART = 1.6;    /* "two months" is not "a hundred days" */

struct length { enum family family; double n; };

/* "P30D", "PT72H", "P10BD", "P2Y". */
static struct length length_of(const char *s)
{
    int clock = s[1] == 'T';
    char *unit;
    double n = strtod(s + 1 + clock, &unit);

    switch (*unit) {
    case 'B': return (struct length) { BUSINESS, n };
    case 'Y': return (struct length) { MONTHS, 12 * n };
    case 'W': return (struct length) { HOURS, 168 * n };
    case 'D': return (struct length) { HOURS, 24 * n };
    case 'H': return (struct length) { HOURS, n };
    default:  return clock ? (struct length) { HOURS, n / 60 }
                           : (struct length) { MONTHS, n };
    }
}

static int same_period(const char *a, const char *b)
{
    struct length x = length_of(a), y = length_of(b);
    double ratio = x.n * about[x.family] / (y.n * about[y.family]);

    if (x.family == y.family)
        return x.n == y.n;
    return ratio > APART || ratio < 1 / APART ? 0 : -1;
}

/* Of two currencies code knows no rate, and a bare "$" is read as one. */
static int same_amount(const char *a, const char *b)
{
    const char *x = strchr(a, ' '), *y = strchr(b, ' ');

    return x && y && strcmp(x, y) == 0 ? -1 : 0;
}

/* "england" may be what "england and wales" is cut to. */
static int same_law(const char *a, const char *b)
{
    return strstr(a, b) || strstr(b, a) ? -1 : 0;
}

int value_same(enum value_kind kind, const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return 1;
    switch (kind) {
    case VALUE_PERIOD: return same_period(a, b);
    case VALUE_AMOUNT: return same_amount(a, b);
    case VALUE_LAW:    return same_law(a, b);
    default:           return 0;
    }
}
