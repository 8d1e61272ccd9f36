#include "probe/logits.h"

#include <math.h>

double logits_kl(struct logits p, struct logits q, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double lp = (double)p.v[i] - p.lse;

        sum += exp(lp) * (lp - ((double)q.v[i] - q.lse));
    }
    return sum < 0 ? 0 : sum;
}

int logits_rank(const float *v, size_t n, int32_t id)
{
    int rank = 1;

    for (size_t i = 0; i < n; i++)
        rank += v[i] > v[id] || (v[i] == v[id] && (int32_t)i < id);
    return rank;
}
