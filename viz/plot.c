#include "viz/plot.h"

#include <math.h>
#include <string.h>

#include "viz/style.h"
#include "viz/svg.h"

enum {
    WIDTH = 760, HEIGHT = 400,
    LEFT = 60, RIGHT = 20, BOTTOM = 60,         /* of the frame */
    LINE = 18,                                  /* of text */
    SWATCH = 11, CHAR = 7,                      /* roughly, at 12 px */
    TICKS = 5
};
static const double BARS = 0.72;    /* of a group's width; the rest is air */
static const double BAR_MAX = 48;   /* pixels */

struct frame {
    const struct plot *p;
    struct str *out;
    double top;                         /* pixels; the others are fixed */
    double x_from, x_to, y_from, y_to;  /* values at the edges */
    double x_step, y_step;              /* between ticks */
};

static double at_x(const struct frame *f, double x)
{
    return LEFT + (x - f->x_from) / (f->x_to - f->x_from) *
           (WIDTH - LEFT - RIGHT);
}

static double at_y(const struct frame *f, double y)
{
    return HEIGHT - BOTTOM - (y - f->y_from) / (f->y_to - f->y_from) *
           (HEIGHT - BOTTOM - f->top);
}

/* --- scales --------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten, so that about TICKS of them make `range`. */
static double nice_step(double range)
{
    double rough = range / TICKS, ten = pow(10, floor(log10(rough)));
    double lead = rough / ten;

    return ten * (lead > 5 ? 10 : lead > 2 ? 5 : lead > 1 ? 2 : 1);
}

static void widen(double *from, double *to, double v)
{
    if (!isfinite(v))
        return;
    *from = v < *from ? v : *from;
    *to = v > *to ? v : *to;
}

static int has_bars(const struct plot *p)
{
    return p->n_series > 0 && !p->series[0].x;
}

/* Ends at whole steps; bars that are counts have no halves. */
static void scale_y(struct frame *f)
{
    const struct plot *p = f->p;
    double from = 0, to = 0;
    int whole = has_bars(p);

    if (p->rule_name)
        widen(&from, &to, p->rule);
    for (int s = 0; s < p->n_series; s++)
        for (int i = 0; i < p->series[s].n; i++) {
            widen(&from, &to, p->series[s].y[i]);
            whole &= p->series[s].y[i] == floor(p->series[s].y[i]);
            if (p->series[s].low)
                widen(&from, &to, p->series[s].low[i]);
            if (p->series[s].high)
                widen(&from, &to, p->series[s].high[i]);
        }
    if (to == from)
        to = from + 1;
    f->y_step = nice_step(to - from);
    if (whole && f->y_step < 1)
        f->y_step = 1;
    f->y_from = floor(from / f->y_step) * f->y_step;
    f->y_to = ceil(to / f->y_step) * f->y_step;
}

static void scale_x(struct frame *f)
{
    const struct plot *p = f->p;
    double from = INFINITY, to = -INFINITY;

    for (int s = 0; !has_bars(p) && s < p->n_series; s++)
        for (int i = 0; i < p->series[s].n; i++)
            widen(&from, &to, p->series[s].x[i]);
    if (from > to) {
        from = -0.5;
        to = p->n_category > 0 ? p->n_category - 0.5 : 0.5;
    } else if (from == to) {
        to = from + 1;
    }
    f->x_from = from;
    f->x_to = to;
    f->x_step = nice_step(to - from);
}

/* --- marks ---------------------------------------------------------------- */

static void put_label(struct frame *f, double x, double y, const char *how,
                      const char *s)
{
    str_printf(f->out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, how);
    svg_text(f->out, s);
    str_puts(f->out, "</text>\n");
}

static void put_number(struct frame *f, double x, double y, const char *how,
                       double v)
{
    str_printf(f->out, "<text x=\"%.1f\" y=\"%.1f\" %s>%.6g</text>\n", x, y,
               how, fabs(v) < 1e-12 ? 0 : v);
}

/* What a mark is, in words, for whoever points at it. */
static void put_tip(struct frame *f, const struct plot_series *s, int i)
{
    str_puts(f->out, "<title>");
    if (!s->x && i < f->p->n_category) {
        svg_text(f->out, f->p->category[i]);
        str_puts(f->out, ", ");
    }
    svg_text(f->out, s->name ? s->name : "");
    if (s->x)
        str_printf(f->out, " at %.6g", s->x[i]);
    str_printf(f->out, ": %.4g", s->y[i]);
    if (s->low && s->high && isfinite(s->low[i]) && isfinite(s->high[i]))
        str_printf(f->out, " (%.4g to %.4g)", s->low[i], s->high[i]);
    str_puts(f->out, "</title>");
}

static void put_error(struct frame *f, const struct plot_series *s, int i,
                      double x)
{
    if (!s->low || !s->high || !isfinite(s->low[i]) || !isfinite(s->high[i]))
        return;
    str_printf(f->out, "<path class=\"error\" d=\"M%.1f %.1fV%.1fM%.1f "
               "%.1fh6M%.1f %.1fh6\"/>\n", x, at_y(f, s->low[i]),
               at_y(f, s->high[i]), x - 3, at_y(f, s->low[i]), x - 3,
               at_y(f, s->high[i]));
}

static void put_bar(struct frame *f, int series, int i)
{
    const struct plot_series *s = &f->p->series[series];
    double width = fmin((at_x(f, 1) - at_x(f, 0)) * BARS / f->p->n_series,
                        BAR_MAX);
    double x = at_x(f, i) + width * (series - f->p->n_series / 2.0);
    double zero = at_y(f, 0), y = at_y(f, s->y[i]), above = s->y[i];

    str_printf(f->out, "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" "
               "width=\"%.1f\" height=\"%.1f\" rx=\"2\" fill=\"%s\">",
               x + 1, fmin(y, zero), width - 2, fabs(zero - y),
               style_series(series));
    put_tip(f, s, i);
    str_puts(f->out, "</rect>\n");
    put_error(f, s, i, x + width / 2);
    if (!f->p->unit)
        return;
    if (s->high && s->high[i] > above)
        above = s->high[i];
    str_printf(f->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"ink small\" "
               "text-anchor=\"middle\">%.*f", x + width / 2,
               at_y(f, above) - 5, fabs(s->y[i]) < 9.95 ? 1 : 0, s->y[i]);
    svg_text(f->out, f->p->unit);
    str_puts(f->out, "</text>\n");
}

static void put_line(struct frame *f, int series)
{
    const struct plot_series *s = &f->p->series[series];
    int pen = 0;                        /* down: the point before was there */

    str_printf(f->out, "<path fill=\"none\" stroke=\"%s\" "
               "stroke-width=\"2\" stroke-linejoin=\"round\" d=\"",
               style_series(series));
    for (int i = 0; i < s->n; i++) {
        int there = isfinite(s->x[i]) && isfinite(s->y[i]);

        if (there)
            str_printf(f->out, "%c%.1f %.1f", pen ? 'L' : 'M',
                       at_x(f, s->x[i]), at_y(f, s->y[i]));
        pen = there;
    }
    str_puts(f->out, "\"/>\n");
    for (int i = 0; i < s->n; i++) {
        if (!isfinite(s->x[i]) || !isfinite(s->y[i]))
            continue;
        put_error(f, s, i, at_x(f, s->x[i]));
        str_printf(f->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" "
                   "fill=\"%s\">", at_x(f, s->x[i]), at_y(f, s->y[i]),
                   style_series(series));
        put_tip(f, s, i);
        str_puts(f->out, "</circle>\n");
    }
}

static void put_series(struct frame *f)
{
    const struct plot *p = f->p;

    for (int s = 0; s < p->n_series; s++)
        if (p->series[s].x)
            put_line(f, s);
        else
            for (int i = 0; i < p->series[s].n && i < p->n_category; i++)
                if (isfinite(p->series[s].y[i]))
                    put_bar(f, s, i);
}

/* --- what is around them -------------------------------------------------- */

static void put_css(struct str *out, const struct style_theme *t)
{
    str_printf(out, ".paper{fill:%s}.ink{fill:%s}.muted{fill:%s}"
               ".grid{stroke:%s}.error{stroke:%s}.rule{stroke:%s}", t->paper,
               t->ink, t->muted, t->line, t->ink, t->ink);
}

static void put_head(struct frame *f)
{
    struct str *out = f->out;

    str_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
               "height=\"%d\" viewBox=\"0 0 %d %d\" font-size=\"12\" "
               "font-family=\"system-ui,Helvetica,Arial,sans-serif\">\n"
               "<style>", WIDTH, HEIGHT, WIDTH, HEIGHT);
    put_css(out, &style_themes[STYLE_LIGHT]);
    str_puts(out, ".small{font-size:11px}.title{font-size:16px;"
             "font-weight:600}.error{fill:none;stroke-width:1.2}"
             ".rule{stroke-dasharray:5 4}\n"
             "@media(prefers-color-scheme:dark){");
    put_css(out, &style_themes[STYLE_DARK]);
    str_printf(out, "}</style>\n<rect class=\"paper\" width=\"%d\" "
               "height=\"%d\" rx=\"6\"/>\n", WIDTH, HEIGHT);
}

static void put_legend(struct frame *f, double y)
{
    double x = LEFT;

    for (int s = 0; s < f->p->n_series; s++) {
        const char *name = f->p->series[s].name;

        if (!name)
            continue;
        str_printf(f->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" "
                   "height=\"%d\" rx=\"2\" fill=\"%s\"/>\n", x,
                   y - SWATCH + 1, SWATCH, SWATCH, style_series(s));
        put_label(f, x + SWATCH + 6, y, "class=\"ink\"", name);
        x += SWATCH + 26 + CHAR * (double)strlen(name);
    }
    if (!f->p->rule_name)
        return;
    str_printf(f->out, "<path class=\"rule\" d=\"M%.1f %.1fh24\"/>\n", x,
               y - 4);
    put_label(f, x + 30, y, "class=\"ink\"", f->p->rule_name);
}

/* Title, subtitle and what the colours mean; sets the top of the frame. */
static void put_top(struct frame *f)
{
    const struct plot *p = f->p;
    double y = 28;

    if (p->title)
        put_label(f, LEFT, y, "class=\"ink title\"", p->title);
    if (p->subtitle)
        put_label(f, LEFT, y += LINE + 2, "class=\"muted\"", p->subtitle);
    put_legend(f, y += LINE + 6);
    if (p->y_name)
        put_label(f, LEFT, y += LINE + 4, "class=\"muted small\"", p->y_name);
    f->top = y + 12;
}

static void put_axes(struct frame *f)
{
    const struct plot *p = f->p;
    double below = HEIGHT - BOTTOM + LINE;
    double from = ceil(f->x_from / f->x_step) * f->x_step;
    int n = (int)lround((f->y_to - f->y_from) / f->y_step);

    for (int i = 0; i <= n; i++) {
        double v = f->y_from + i * f->y_step;

        str_printf(f->out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", LEFT,
                   at_y(f, v), WIDTH - RIGHT);
        put_number(f, LEFT - 8, at_y(f, v) + 4, "class=\"muted\" "
                   "text-anchor=\"end\"", v);
    }
    for (int i = 0; has_bars(p) && i < p->n_category; i++)
        put_label(f, at_x(f, i), below, "class=\"ink\" "
                  "text-anchor=\"middle\"", p->category[i]);
    n = (int)floor((f->x_to - from) / f->x_step + 1e-9);
    for (int i = 0; !has_bars(p) && p->n_series && i <= n; i++)
        put_number(f, at_x(f, from + i * f->x_step), below, "class=\"muted\" "
                   "text-anchor=\"middle\"", from + i * f->x_step);
    if (p->x_name)
        put_label(f, WIDTH - RIGHT, below + LINE, "class=\"muted small\" "
                  "text-anchor=\"end\"", p->x_name);
    if (p->note)
        put_label(f, LEFT, HEIGHT - 14, "class=\"muted small\"", p->note);
}

static void put_rule(struct frame *f)
{
    if (!f->p->rule_name)
        return;
    str_printf(f->out, "<path class=\"rule\" d=\"M%d %.1fH%d\"/>\n", LEFT,
               at_y(f, f->p->rule), WIDTH - RIGHT);
}

void plot_svg(const struct plot *p, struct str *out)
{
    struct frame f = { .p = p, .out = out };

    scale_x(&f);
    scale_y(&f);
    put_head(&f);
    put_top(&f);
    put_axes(&f);
    put_series(&f);
    put_rule(&f);
    str_puts(out, "</svg>\n");
}
