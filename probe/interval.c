#include "probe/interval.h"

#include <math.h>

static const double Z = 1.959963984540054;      /* 97.5 % of the normal */

/* (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) */
void interval_of(int k, int n, double *low, double *high)
{
    double p = (double)k / n, z2 = Z * Z / n;
    double mid = p + z2 / 2, half = Z * sqrt(p * (1 - p) / n + z2 / (4 * n));

    *low = k == 0 ? 0 : (mid - half) / (1 + z2);
    *high = k == n ? 1 : (mid + half) / (1 + z2);
}

void interval_between(int k0, int n0, int k1, int n1, double *low,
                      double *high)
{
    double p0 = (double)k0 / n0, p1 = (double)k1 / n1;
    double l0, u0, l1, u1;

    interval_of(k0, n0, &l0, &u0);
    interval_of(k1, n1, &l1, &u1);
    *low = p1 - p0 - sqrt((p1 - l1) * (p1 - l1) + (u0 - p0) * (u0 - p0));
    *high = p1 - p0 + sqrt((u1 - p1) * (u1 - p1) + (p0 - l0) * (p0 - l0));
}
