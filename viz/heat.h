/* viz/heat.h - a matrix as a heat map in SVG: rows from the bottom up, columns
 * with names, shares 0..1 as shades, negative ones in another hue. */
#ifndef VIZ_HEAT_H
#define VIZ_HEAT_H

#include "base/str.h"

struct heat {
    const double *v;            /* [n_row][n_column] */
    int n_row, n_column;
    const char *const *column;  /* [n_column] names, any bytes */
    const char *title, *note, *row_name;
};

void heat_svg(const struct heat *h, struct str *out);

#endif
