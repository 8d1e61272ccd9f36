#include "db/sqlfunc.h"

#include <math.h>
#include <stddef.h>

/* --- entropy(w) ---------------------------------------------------------- */

/* H = ln S - (sum of w ln w) / S  with S the sum of w. */
struct entropy { double sum, w_ln_w; };

static void entropy_step(sqlite3_context *to, int argc, sqlite3_value **argv)
{
    struct entropy *e = sqlite3_aggregate_context(to, sizeof *e);
    double w = sqlite3_value_double(argv[0]);

    (void)argc;
    if (!e || sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return;
    if (!(w >= 0.0 && isfinite(w))) {
        sqlite3_result_error(to, "entropy(w): a weight is negative or not "
                             "finite", -1);
        return;
    }
    e->sum += w;
    if (w > 0.0)
        e->w_ln_w += w * log(w);
}

/* NULL where there is no weight at all. */
static void entropy_final(sqlite3_context *to)
{
    const struct entropy *e = sqlite3_aggregate_context(to, 0);

    if (e && e->sum > 0.0)              /* rounding may end below 0 */
        sqlite3_result_double(to, fmax(0.0, log(e->sum) -
                                            e->w_ln_w / e->sum));
}

/* --- softmax(x, pick) ---------------------------------------------------- */

/* Sums of exp(x - max), brought up to date as max rises, so that neither
 * large logits overflow nor small ones vanish. */
struct share { double max, sum, picked; int any; };

static void share_step(sqlite3_context *to, int argc, sqlite3_value **argv)
{
    struct share *s = sqlite3_aggregate_context(to, sizeof *s);
    double x = sqlite3_value_double(argv[0]), e;

    (void)argc;
    if (!s || sqlite3_value_type(argv[0]) == SQLITE_NULL || x == -INFINITY)
        return;
    if (!s->any || x > s->max) {
        double keep = s->any ? exp(s->max - x) : 0.0;

        s->sum *= keep;
        s->picked *= keep;
        s->max = x;
        s->any = 1;
    }
    e = exp(x - s->max);
    s->sum += e;
    if (sqlite3_value_type(argv[1]) != SQLITE_NULL &&
        sqlite3_value_double(argv[1]) != 0.0)
        s->picked += e;
}

static void share_final(sqlite3_context *to)
{
    const struct share *s = sqlite3_aggregate_context(to, 0);

    if (s && s->any)
        sqlite3_result_double(to, s->picked / s->sum);
}

/* --- softmax(x) ---------------------------------------------------------- */

struct softmax { double *x; sqlite3_int64 n, cap; };

static void softmax_step(sqlite3_context *to, int argc, sqlite3_value **argv)
{
    struct softmax *s = sqlite3_aggregate_context(to, sizeof *s);

    (void)argc;
    if (!s)
        return;
    if (s->n == s->cap) {
        sqlite3_int64 cap = s->cap ? 2 * s->cap : 64;
        double *x = sqlite3_realloc64(s->x, (sqlite3_uint64)cap * sizeof *x);

        if (!x) {
            sqlite3_result_error_nomem(to);
            return;
        }
        s->x = x;
        s->cap = cap;
    }
    s->x[s->n++] = sqlite3_value_type(argv[0]) == SQLITE_NULL
                       ? -INFINITY : sqlite3_value_double(argv[0]);
}

/* A row whose x is NULL has its place in the array, with share 0. */
static void softmax_final(sqlite3_context *to)
{
    struct softmax *s = sqlite3_aggregate_context(to, 0);
    double max = -INFINITY, sum = 0.0;

    for (sqlite3_int64 i = 0; s && i < s->n; i++)
        max = fmax(max, s->x[i]);
    if (s && isfinite(max)) {
        sqlite3_str *out = sqlite3_str_new(sqlite3_context_db_handle(to));

        for (sqlite3_int64 i = 0; i < s->n; i++)
            sum += exp(s->x[i] - max);
        for (sqlite3_int64 i = 0; i < s->n; i++)
            sqlite3_str_appendf(out, "%c%!.17g", i ? ',' : '[',
                                exp(s->x[i] - max) / sum);
        sqlite3_str_appendchar(out, 1, ']');
        int n = sqlite3_str_length(out);
        char *text = sqlite3_str_finish(out);
        if (text)
            sqlite3_result_text(to, text, n, sqlite3_free);
        else
            sqlite3_result_error_toobig(to);
    }
    if (s)
        sqlite3_free(s->x);
}

/* --- all of them --------------------------------------------------------- */

static const struct tvf *const tables[] = {
    &tvf_heads, &tvf_topk, &tvf_ancestor_step, &tvf_descendant_step,
    &tvf_path_diff, &tvf_lens_at, &tvf_ablation_at
};

static const struct {
    const char *name;
    int n_arg;
    void (*step)(sqlite3_context *to, int argc, sqlite3_value **argv);
    void (*final)(sqlite3_context *to);
} aggregates[] = {
    { "entropy", 1, entropy_step, entropy_final },
    { "softmax", 1, softmax_step, softmax_final },
    { "softmax", 2, share_step, share_final },
};

int sqlfunc_register(sqlite3 *sq)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && !rc; i++)
        rc = tvf_register(sq, tables[i]);
    for (size_t i = 0; i < sizeof aggregates / sizeof aggregates[0] && !rc;
         i++)                           /* arithmetic only: no harm in views */
        rc = sqlite3_create_function_v2(sq, aggregates[i].name,
            aggregates[i].n_arg, SQLITE_UTF8 | SQLITE_DETERMINISTIC |
            SQLITE_INNOCUOUS, NULL, NULL, aggregates[i].step,
            aggregates[i].final, NULL);
    return rc;
}
