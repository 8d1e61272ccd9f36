#include "probe/logits.h"

#include <math.h>

static double kl_above(struct logits p, struct logits q, size_t n, double least)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double lp = (double)p.v[i] - p.lse;

        if (!(lp < least))      /* NaN is not passed over */
            sum += exp(lp) * (lp - ((double)q.v[i] - q.lse));
    }
    return sum < 0 ? 0 : sum;
}

double logits_kl(struct logits p, struct logits q, size_t n)
{
    return kl_above(p, q, n, -INFINITY);
}

double logits_kl_quick(struct logits p, struct logits q, size_t n)
{
    return kl_above(p, q, n, -20.0);
}

int logits_rank(const float *v, size_t n, int32_t id)
{
    int rank = 1;

    for (size_t i = 0; i < n; i++)
        rank += v[i] > v[id] || (v[i] == v[id] && (int32_t)i < id);
    return rank;
}
