/* viz/plot.h - a small plot as SVG: groups of bars or lines over numbers, with
 * error bars and a rule across.
 *
 * One picture serves light and dark: its neutral tones follow the reader's
 * preference, series keep their colours (style.h).  Each mark says its numbers
 * in a <title>.  The vertical axis begins at 0, or below it where a value does.
 * Nothing but the arguments goes in, so equal plots are equal bytes. */
#ifndef VIZ_PLOT_H
#define VIZ_PLOT_H

#include "base/str.h"

enum { PLOT_SERIES = 6 };

struct plot_series {
    const char *name;
    const double *x;            /* [n] of a line; NULL: bars, one a category */
    const double *y;            /* [n]; NaN: nothing there */
    const double *low, *high;   /* [n] ends of error bars; NULL, NaN: none */
    int n;
};

struct plot {                   /* texts: any bytes; NULL: none */
    const char *title, *subtitle, *note;
    const char *x_name, *y_name;
    const char *const *category;        /* [n_category] names below bars */
    int n_category;
    const struct plot_series *series;
    int n_series;               /* at most PLOT_SERIES; bars and lines do not
                                 * mix */
    double rule;                /* where rule_name is set: a line at this y */
    const char *rule_name;
    const char *unit;           /* written behind the value over each bar;
                                 * NULL: values are not written */
};

void plot_svg(const struct plot *p, struct str *out);

#endif
