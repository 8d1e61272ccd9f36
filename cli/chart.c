/* cli/chart.c - see chart.h; bench/peer.py says what the file holds. */
#include "cli/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/input.h"
#include "viz/plot.h"

enum {
    FILE_MAX = 4 << 20,
    WORKS = 16, ROUNDS = 256
};

struct table {
    const char *work[WORKS], *isa[PLOT_SERIES];
    int n_work, n_isa;
    double mid[PLOT_SERIES][WORKS], low[PLOT_SERIES][WORKS],
           high[PLOT_SERIES][WORKS];
};

/* The place of a name in a list, which grows up to `most`; -1: it is full. */
static int find(const char **list, int *n, int most, const char *name)
{
    for (int i = 0; i < *n; i++)
        if (strcmp(list[i], name) == 0)
            return i;
    if (*n == most)
        return -1;
    list[*n] = name;
    return (*n)++;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Between neighbours, as far as the share goes. */
static double quantile(const double *sorted, int n, double share)
{
    double at = share * (n - 1);
    int i = (int)at;

    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i])
                     : sorted[n - 1];
}

static const char *string_of(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItem(o, key);

    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static int take_result(struct table *t, const cJSON *r)
{
    const char *name = string_of(r, "name"), *isa = string_of(r, "isa");
    const cJSON *ratios = cJSON_GetObjectItem(r, "ratios"), *v;
    double sorted[ROUNDS];
    int n = 0, w, s;

    if (!name || !isa || !cJSON_IsArray(ratios))
        return 0;
    cJSON_ArrayForEach(v, ratios)
        if (cJSON_IsNumber(v) && n < ROUNDS)
            sorted[n++] = v->valuedouble;
    w = find(t->work, &t->n_work, WORKS, name);
    s = find(t->isa, &t->n_isa, PLOT_SERIES, isa);
    if (n == 0 || w < 0 || s < 0)
        return 0;
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    t->low[s][w] = quantile(sorted, n, 0.25);
    t->mid[s][w] = quantile(sorted, n, 0.5);
    t->high[s][w] = quantile(sorted, n, 0.75);
    return 1;
}

static void draw(const struct table *t, const cJSON *root, struct str *svg)
{
    struct plot_series series[PLOT_SERIES];
    struct plot p = {
        .title = "How fast, beside llama.cpp in the same run",
        .y_name = "times llama.cpp's tokens a second, recording on",
        .note = "Bars: medians of paired rounds; error bars: quartiles.",
        .category = t->work, .n_category = t->n_work,
        .series = series, .n_series = t->n_isa,
        .rule = 1, .rule_name = "llama.cpp as built", .unit = "x" };
    const cJSON *threads = cJSON_GetObjectItem(root, "threads");
    const char *cpu = string_of(root, "cpu"), *at = string_of(root, "at");
    const char *model = string_of(root, "model");
    int n = cJSON_IsNumber(threads) ? threads->valueint : 0;
    struct str sub;

    for (int s = 0; s < t->n_isa; s++)
        series[s] = (struct plot_series){
            .name = t->isa[s], .y = t->mid[s], .low = t->low[s],
            .high = t->high[s], .n = t->n_work };
    str_init(&sub);
    str_printf(&sub, "%s, %d thread%s, %s, %.10s", cpu ? cpu : "?", n,
               n == 1 ? "" : "s", model ? model : "?", at ? at : "?");
    p.subtitle = sub.p;
    plot_svg(&p, svg);
    str_release(&sub);
}

static enum sor_err take_all(struct table *t, const char *path,
                             const cJSON *root, struct sor_msg *msg)
{
    const cJSON *results = cJSON_GetObjectItem(root, "results"), *r;
    int n = 0;

    for (int s = 0; s < PLOT_SERIES; s++)
        for (int w = 0; w < WORKS; w++)
            t->mid[s][w] = t->low[s][w] = t->high[s][w] = NAN;
    cJSON_ArrayForEach(r, results) {
        n++;
        if (!take_result(t, r))
            return sor_fail(msg, SOR_FORMAT, "%s: result %d: name, isa and "
                            "ratios were expected", path, n);
    }
    if (n == 0)
        return sor_fail(msg, SOR_FORMAT, "%s: no results as bench/peer.py "
                        "writes them", path);
    return SOR_OK;
}

enum sor_err chart_bench(const char *path, struct str *svg,
                         struct sor_msg *msg)
{
    struct table t = { .n_work = 0 };
    cJSON *root = NULL;
    struct str text;
    enum sor_err err;

    str_init(&text);
    err = input_slurp(path, FILE_MAX, &text, msg);
    if (!err)
        err = json_parse(text.p, text.len, path, &root, msg);
    if (!err)
        err = take_all(&t, path, root, msg);
    if (!err)
        draw(&t, root, svg);
    if (!err && !str_ok(svg))
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    cJSON_Delete(root);
    str_release(&text);
    return err;
}
