/* bench/routing_plot.c - what bench/routing.c measured, as pictures.
 *
 *     routing_plot curve.json SET OUT.svg     perplexity against work saved
 *     routing_plot blocks.jsonl OUT.svg       score against loss, by set */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "viz/plot.h"

enum { FILE_MAX_BYTES = 16 << 20, POINTS = 8192, BINS = 8, NAME = 48 };

struct point { double x, y; };

static struct series {
    char name[NAME];
    struct point point[POINTS];
    int n;
} series[PLOT_SERIES];
static int n_series;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "routing_plot: %s\n", what);
    exit(3);
}

static char *slurp(const char *path)
{
    char *text = mem_calloc(FILE_MAX_BYTES, 1);
    FILE *f = fopen(path, "r");

    if (!f || !text || !fread(text, 1, FILE_MAX_BYTES - 1, f))
        die("the figures cannot be read");
    fclose(f);
    return text;
}

static cJSON *parse(const char *text, size_t n)
{
    struct sor_msg msg;
    cJSON *root;

    if (json_parse(text, n, "the figures", &root, &msg))
        die(msg.text);
    return root;
}

static const char *text_of(const cJSON *o, const char *key)
{
    const cJSON *s = cJSON_GetObjectItem(o, key);

    return cJSON_IsString(s) ? s->valuestring : "";
}

static double number_of(const cJSON *o, const char *key)
{
    const cJSON *n = cJSON_GetObjectItem(o, key);

    return cJSON_IsNumber(n) ? n->valuedouble : (double)NAN;
}

static void add(const char *name, double x, double y)
{
    int i = 0;

    while (i < n_series && strcmp(series[i].name, name) != 0)
        i++;
    if (i == PLOT_SERIES || series[i].n == POINTS)
        die("too much to draw");
    if (i == n_series)
        snprintf(series[n_series++].name, NAME, "%s", name);
    series[i].point[series[i].n++] = (struct point){ x, y };
}

static int by_x(const void *a, const void *b)
{
    const struct point *p = a, *q = b;

    return (p->x > q->x) - (p->x < q->x);
}

/* Means of BINS equal parts of a series in the order of x. */
static void bin(struct series *s)
{
    int n = s->n < BINS ? s->n : BINS;

    qsort(s->point, (size_t)s->n, sizeof *s->point, by_x);
    for (int b = 0; b < n; b++) {
        int from = b * s->n / n, to = (b + 1) * s->n / n;
        struct point sum = { 0, 0 };

        for (int i = from; i < to; i++) {
            sum.x += s->point[i].x / (to - from);
            sum.y += s->point[i].y / (to - from);
        }
        s->point[b] = sum;      /* b <= from: nothing is lost */
    }
    s->n = n;
}

static void draw(const struct plot *what, const char *path)
{
    static double x[PLOT_SERIES][POINTS], y[PLOT_SERIES][POINTS];
    struct plot_series line[PLOT_SERIES];
    struct plot p = *what;
    struct str svg;
    FILE *f = fopen(path, "w");

    for (int i = 0; i < n_series; i++) {
        struct series *s = &series[i];

        qsort(s->point, (size_t)s->n, sizeof *s->point, by_x);
        for (int k = 0; k < s->n; k++) {
            x[i][k] = s->point[k].x;
            y[i][k] = s->point[k].y;
        }
        line[i] = (struct plot_series){ .name = s->name, .x = x[i],
                                        .y = y[i], .n = s->n };
    }
    p.series = line;
    p.n_series = n_series;
    str_init(&svg);
    plot_svg(&p, &svg);
    if (!f || fputs(svg.p, f) < 0 || fclose(f) != 0)
        die("the picture cannot be written");
    str_release(&svg);
}

static void draw_curve(const char *from, const char *set, const char *to)
{
    char *text = slurp(from), subtitle[128];
    cJSON *root = parse(text, strlen(text)), *row;
    struct plot p = {
        .title = "What leaving keys out costs, against the work it saves",
        .subtitle = subtitle, .x_name = "attention work saved, %",
        .y_name = "perplexity over that of all keys, % more",
        .rule = 1, .rule_name = "1 %" };

    cJSON_ArrayForEach(row, cJSON_GetObjectItem(root, "rows"))
        if (!strcmp(text_of(row, "set"), set) &&
            strcmp(text_of(row, "family"), "all keys") != 0)
            add(text_of(row, "family"), 100 * number_of(row, "saved_attention"),
                100 * (number_of(row, "ratio") - 1));
    if (n_series == 0)
        die("no such set in the figures");
    snprintf(subtitle, sizeof subtitle, "%s, %.0f tokens read as a prompt",
             set, number_of(root, "tokens"));
    draw(&p, to);
    cJSON_Delete(root);
    mem_free(text);
}

static void draw_score(const char *from, const char *to)
{
    char *text = slurp(from);
    struct plot p = {
        .title = "Complexity score against what sparseness costs a block",
        .subtitle = "mean over eighths of each text's blocks, by score",
        .x_name = "score", .y_name = "KL from all keys, nats a token" };

    for (char *line = text, *end; *line; line = end) {
        size_t n = strcspn(line, "\n");
        cJSON *row;

        end = line + n + (line[n] == '\n');
        if (!n)
            continue;
        row = parse(line, n);
        add(text_of(row, "set"), number_of(row, "score"),
            number_of(row, "kl"));
        cJSON_Delete(row);
    }
    for (int i = 0; i < n_series; i++)
        bin(&series[i]);
    draw(&p, to);
    mem_free(text);
}

int main(int argc, char **argv)
{
    if (argc == 4)
        draw_curve(argv[1], argv[2], argv[3]);
    else if (argc == 3)
        draw_score(argv[1], argv[2]);
    else
        die("usage: routing_plot curve.json SET OUT.svg, or blocks.jsonl "
            "OUT.svg");
    return 0;
}
