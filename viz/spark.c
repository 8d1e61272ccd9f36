#include "viz/spark.h"

#include <math.h>

enum { HIGH = 40 };         /* units of the picture; a number is one wide */

void spark_svg(const double *v, int n, double top, const char *what,
               struct str *out)
{
    if (n <= 0)
        return;
    str_printf(out, "<svg class=\"spark\" viewBox=\"0 0 %d %d\" role=\"img\" "
               "aria-label=\"%s\" preserveAspectRatio=\"none\" "
               "xmlns=\"http://www.w3.org/2000/svg\"><path d=\"", n, HIGH,
               what);
    for (int i = 0; i < n; i++)
        if (!isnan(v[i]))
            str_printf(out, "M%d %dh1V%.1fh-1z", i, HIGH,
                       HIGH * (1 - fmin(v[i] / top, 1)));
    str_puts(out, "\"/></svg>\n");
}
