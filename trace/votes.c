#include "trace/votes.h"

#include <string.h>

void votes_count(const char *const *norm, int n, struct vote *out,
                 struct votes *sum)
{
    *sum = (struct votes){ 0 };
    for (int i = 0; i < n; i++) {
        int k = 0;

        if (!norm[i] || !*norm[i])
            continue;
        while (k < sum->n_answer && strcmp(out[k].norm, norm[i]) != 0)
            k++;
        if (k == sum->n_answer)
            out[sum->n_answer++] = (struct vote){ norm[i], 0, i };
        out[k].n++;
        sum->n_voted++;
    }
    /* By insertion: it keeps the order of equals, and answers are few. */
    for (int i = 1; i < sum->n_answer; i++) {
        struct vote v = out[i];
        int k = i;

        for (; k > 0 && out[k - 1].n < v.n; k--)
            out[k] = out[k - 1];
        out[k] = v;
    }
    if (sum->n_answer > 0) {
        int second = sum->n_answer > 1 ? out[1].n : 0;

        sum->margin = (double)(out[0].n - second) / sum->n_voted;
        sum->is_tie = out[0].n == second;
    }
}

int votes_part(const int32_t *a, int n_a, const int32_t *b, int n_b,
               struct parting *out)
{
    int n = n_a < n_b ? n_a : n_b, i = 0;

    while (i < n && a[i] == b[i] && a[i] >= 0)
        i++;
    if (i == n && n_a == n_b) {
        *out = (struct parting){ -1, -1, -1 };
        return 1;
    }
    if ((i < n_a && a[i] < 0) || (i < n_b && b[i] < 0))
        return 0;
    *out = (struct parting){ i, i < n_a ? a[i] : -1, i < n_b ? b[i] : -1 };
    return 1;
}
