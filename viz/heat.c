#include "viz/heat.h"

#include <math.h>

#include "viz/svg.h"

enum { CELL_W = 84, CELL_H = 14, LEFT = 64, TOP = 56, BOTTOM = 64 };

static void put_label(struct str *out, int x, int y, const char *anchor,
                      const char *s)
{
    str_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">", x, y,
               anchor);
    svg_text(out, s);
    str_puts(out, "</text>\n");
}

/* White to blue for 0..1, white to orange below 0. */
static void put_cell(struct str *out, int x, int y, double v)
{
    static const int blue[3] = { 8, 48, 107 }, orange[3] = { 217, 95, 2 };
    const int *to = v < 0 ? orange : blue;
    double share = fabs(v) > 1 ? 1 : fabs(v);
    int c[3];

    for (int i = 0; i < 3; i++)
        c[i] = (int)lround(255 + (to[i] - 255) * share);
    str_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
               "fill=\"#%02x%02x%02x\"><title>%.3f</title></rect>\n", x, y,
               CELL_W - 1, CELL_H - 1, (unsigned)c[0], (unsigned)c[1],
               (unsigned)c[2], v);
}

void heat_svg(const struct heat *h, struct str *out)
{
    int w = LEFT + h->n_column * CELL_W + 16;
    int height = TOP + h->n_row * CELL_H + BOTTOM;
    struct str row;

    str_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
               "height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\""
               " font-size=\"12\" fill=\"#222\">\n<rect width=\"%d\" "
               "height=\"%d\" fill=\"#fff\"/>\n", w, height, w, height, w,
               height);
    put_label(out, LEFT, 22, "start", h->title);
    put_label(out, LEFT, 42, "start", h->row_name);
    str_init(&row);
    for (int r = 0; r < h->n_row; r++) {
        int y = TOP + (h->n_row - 1 - r) * CELL_H;

        str_clear(&row);
        str_printf(&row, "%d", r);
        if (r % 5 == 0)
            put_label(out, LEFT - 8, y + CELL_H - 3, "end", row.p);
        for (int c = 0; c < h->n_column; c++)
            put_cell(out, LEFT + c * CELL_W, y,
                     h->v[r * h->n_column + c]);
    }
    str_release(&row);
    for (int c = 0; c < h->n_column; c++)
        put_label(out, LEFT + c * CELL_W + CELL_W / 2,
                  TOP + h->n_row * CELL_H + 18, "middle", h->column[c]);
    put_label(out, LEFT, height - 16, "start", h->note);
    str_puts(out, "</svg>\n");
}
