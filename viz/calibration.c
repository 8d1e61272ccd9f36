#include "viz/calibration.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "db/review.h"
#include "viz/plot.h"

enum { BINS = 5 };

struct bin { int n, right; double sum; };   /* sum of probabilities */

/* What was decided last of a finding: 1 accepted, 0 rejected or corrected,
 * -1 nothing. */
static int decided(const struct db_review_set *s, int64_t finding_id)
{
    const struct db_decision *d = s->row;
    int last = -1;

    for (int i = 0; i < s->n; i++)
        if (d[i].finding_id == finding_id)
            last = strcmp(d[i].choice, "accept") == 0;
    return last;
}

static enum sor_err add_run(struct db *d, int64_t run_id, struct bin *bin,
                            struct sor_msg *msg)
{
    struct db_review_set finding = { 0 }, decision = { 0 };
    enum sor_err err = db_review_load(d, DB_DECISION, run_id, &decision, msg);

    if (!err && decision.n)
        err = db_review_load(d, DB_FINDING, run_id, &finding, msg);
    for (int i = 0; !err && i < finding.n; i++) {
        const struct db_finding *f = (const struct db_finding *)finding.row +
                                     i;
        int right = decided(&decision, f->id), k;

        if (right < 0 || isnan(f->confidence))
            continue;
        k = (int)(f->confidence * BINS);
        k = k < 0 ? 0 : k < BINS ? k : BINS - 1;
        bin[k].n++;
        bin[k].right += right;
        bin[k].sum += f->confidence;
    }
    db_review_set_release(&finding);
    db_review_set_release(&decision);
    return err;
}

/* Ids first: a cursor is not kept open while others are. */
static enum sor_err list_reviews(struct db *d, int64_t **id, int *n,
                                 struct sor_msg *msg)
{
    struct db_cur *c = db_runs(d, &(struct db_run_query){ 0 });
    int got = 0, cap = 0, ok = 1;
    struct db_run run;
    enum sor_err err;

    while (ok && c && (got = db_run_next(c, &run)) == 1) {
        if (strcmp(run.kind, "review") != 0)
            continue;
        if (*n == cap) {
            int want = cap ? 2 * cap : 64;
            void *p = mem_realloc(*id, (size_t)want, sizeof **id);

            ok = p != NULL;
            if (!ok)
                break;
            *id = p;
            cap = want;
        }
        (*id)[(*n)++] = run.id;
    }
    err = db_cur_close(c);
    return !ok ? sor_fail(msg, SOR_NOMEM, "out of memory for the reviews")
         : err || got < 0 || !c ? sor_fail(msg, SOR_IO, "cannot read the "
                                           "reviews") : SOR_OK;
}

/* Ends of the 95 % interval of right of n.
 * Source: Wilson, JASA 22 (1927), the score interval. */
static void interval(int right, int n, double *low, double *high)
{
    const double z = 1.959964;
    double p = (double)right / n, k = 1 + z * z / n;
    double middle = (p + z * z / (2 * n)) / k;
    double half = z * sqrt(p * (1 - p) / n + z * z / (4.0 * n * n)) / k;

    *low = middle - half;
    *high = middle + half;
}

static int put_plot(const struct bin *bin, struct str *out)
{
    double x[BINS], y[BINS], low[BINS], high[BINS];
    double ends[2] = { 0, 1 };
    char said[80];
    struct plot_series s[2] = {
        { .name = "accepted", .x = x, .y = y, .low = low, .high = high },
        { .name = "as right as it says", .x = ends, .y = ends, .n = 2 } };
    struct plot p = { .title = "Probability stated, and findings accepted",
                      .subtitle = said, .x_name = "probability stated",
                      .y_name = "share of findings that people accepted",
                      .note = "bars: 95 % intervals", .series = s,
                      .n_series = 2 };
    int all = 0;

    for (int k = 0; k < BINS; k++) {
        if (!bin[k].n)
            continue;
        x[s[0].n] = bin[k].sum / bin[k].n;
        y[s[0].n] = (double)bin[k].right / bin[k].n;
        interval(bin[k].right, bin[k].n, &low[s[0].n], &high[s[0].n]);
        s[0].n++;
        all += bin[k].n;
    }
    snprintf(said, sizeof said, "%d decision%s on findings by the model", all,
             all == 1 ? "" : "s");
    if (all)
        plot_svg(&p, out);
    return all;
}

enum sor_err calibration_svg(struct db *d, struct str *out,
                             struct sor_msg *msg)
{
    struct bin bin[BINS] = { { 0 } };
    int64_t *id = NULL;
    int n = 0;
    enum sor_err err = list_reviews(d, &id, &n, msg);

    for (int i = 0; i < n && !err; i++)
        err = add_run(d, id[i], bin, msg);
    mem_free(id);
    if (!err && !put_plot(bin, out))
        err = sor_fail(msg, SOR_NOTFOUND, "nobody has accepted or rejected a "
                       "finding that carries a probability (sorites decide)");
    return err;
}
