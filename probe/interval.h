/* probe/interval.h - 95 % intervals of proportions.
 * Source: Wilson 1927 (score interval); Newcombe 1998, method 10 (difference
 * of two independent proportions). */
#ifndef PROBE_INTERVAL_H
#define PROBE_INTERVAL_H

/* Of k in n; n >= 1. */
void interval_of(int k, int n, double *low, double *high);

/* Of k1/n1 - k0/n0. */
void interval_between(int k0, int n0, int k1, int n1, double *low,
                      double *high);

#endif
