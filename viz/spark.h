/* viz/spark.h - numbers along a path as a strip of bars: one picture as wide
 * as the page, which takes its colours from it (viz/page.css). */
#ifndef VIZ_SPARK_H
#define VIZ_SPARK_H

#include "base/str.h"

/* v[n] >= 0, NaN: a gap; a bar of `top` is as high as the strip, and so is
 * any above it.  what: our words for it.  Appends nothing where n is 0. */
void spark_svg(const double *v, int n, double top, const char *what,
               struct str *out);

#endif
