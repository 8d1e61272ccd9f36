#include "viz/claim_flow.h"

#include <math.h>
#include <string.h>

#include "viz/html.h"

/* In pixels of a picture 360 wide.  From the left: what ties two paths, a
 * path's name, its bar and number, the line to its vote. */
enum { WIDE = 360, ROW = 24, MIDDLE = 12, BAR_HIGH = 8,
       TIE_X = 5, NAME_X = 14, BAR_X = 142, BAR_WIDE = 44, P_X = 191,
       LINE_X = 220, VOTE_X = 250, VOTE_WIDE = 109, VOTE_HIGH = 22,
       TRUNK_X = 304, GATE = 26, END_HIGH = 26 };

enum { PATHS = 64 };        /* drawn; the table has all */

struct flow {
    const struct report *r;
    const struct db_claim *c;
    const struct db_verdict *v;
    const struct db_claim_path *path[PATHS];    /* as they stand, from above */
    int number[PATHS];                          /* of its row */
    int n, n_count;                             /* that count come first */
    int votes[REPORT_VERDICTS], y[REPORT_VERDICTS];
    struct str *out;
};

/* Those of one verdict together, those that do not count last. */
static void arrange(struct flow *f)
{
    for (int k = 0; k <= REPORT_VERDICTS; k++) {
        const struct db_claim_path *p;
        int vote = k < REPORT_VERDICTS ? k : -1, from = f->n;

        for (int at = 0; (p = report_path(f->r, f->c->id, &at)); )
            if (report_vote(p) == vote && f->n < PATHS) {
                f->number[f->n] = at - 1;
                f->path[f->n++] = p;
            }
        if (vote >= 0) {
            f->n_count = f->n;
            f->y[k] = (from + f->n) * ROW / 2;
        }
    }
}

static void put_label(struct flow *f, int x, int y, const char *how,
                      const char *s)
{
    str_printf(f->out, "<text x=\"%d\" y=\"%d\" %s>", x, y, how);
    html_text(f->out, s);
    str_puts(f->out, "</text>");
}

static int row_of(const struct flow *f, int64_t path_id)
{
    int i = 0;

    while (i < f->n && f->path[i]->path_id != path_id)
        i++;
    return path_id && i < f->n ? i : -1;
}

/* A bracket from the one to the other of the first that part. */
static void put_tie(struct flow *f)
{
    int a = row_of(f, f->v->path_a), b = row_of(f, f->v->path_b);

    if (a < 0 || b < 0)
        return;
    for (int i = 0; i < 2; i++)
        str_printf(f->out, "<rect class=\"apart\" x=\"%d\" y=\"%d\" "
                   "width=\"%d\" height=\"%d\"/>", NAME_X - 4,
                   (i ? b : a) * ROW + 2, BAR_X - NAME_X, ROW - 4);
    str_printf(f->out, "<path class=\"tie\" d=\"M%d %dH%dV%dH%d\"><title>here "
               "the paths part</title></path>\n", NAME_X - 4,
               a * ROW + MIDDLE, TIE_X, b * ROW + MIDDLE, NAME_X - 4);
}

static void put_path(struct flow *f, int i)
{
    const struct db_claim_path *p = f->path[i];
    int k = report_vote(p), y = i * ROW + MIDDLE;
    const char *dim = k < 0 ? " class=\"dim\"" : "";
    double odds = k < 0 ? (double)NAN : p->p[k];

    str_printf(f->out, "<text x=\"%d\" y=\"%d\"%s>%d ", NAME_X, y + 4, dim,
               f->number[i]);
    html_text(f->out, report_word(p->variant));
    str_puts(f->out, "</text>");
    if (k < 0)
        put_label(f, BAR_X, y + 4, "class=\"dim\"", "does not count");
    if (isnan(odds))
        return;
    odds = fmin(fmax(odds, 0), 1);
    str_printf(f->out, "<rect class=\"track\" x=\"%d\" y=\"%d\" width=\"%d\" "
               "height=\"%d\"/><rect class=\"%s\" x=\"%d\" y=\"%d\" "
               "width=\"%.1f\" height=\"%d\"/><text x=\"%d\" y=\"%d\">%.2f"
               "</text>", BAR_X, y - BAR_HIGH / 2, BAR_WIDE, BAR_HIGH,
               report_verdicts[k], BAR_X, y - BAR_HIGH / 2, BAR_WIDE * odds,
               BAR_HIGH, P_X, y + 4, odds);
    str_printf(f->out, "<path class=\"to %s\" d=\"M%d %dC%d %d %d %d %d %d\"/>"
               "\n", report_verdicts[k], LINE_X, y, (LINE_X + VOTE_X) / 2, y,
               (LINE_X + VOTE_X) / 2, f->y[k], VOTE_X, f->y[k]);
}

static void put_votes(struct flow *f)
{
    for (int k = 0; k < REPORT_VERDICTS; k++) {
        if (!f->votes[k])
            continue;
        str_printf(f->out, "<rect class=\"vote %s\" x=\"%d\" y=\"%d\" "
                   "width=\"%d\" height=\"%d\" rx=\"%d\"/><text x=\"%d\" "
                   "y=\"%d\" text-anchor=\"middle\">%d %s</text>\n",
                   report_verdicts[k], VOTE_X, f->y[k] - VOTE_HIGH / 2,
                   VOTE_WIDE, VOTE_HIGH, VOTE_HIGH / 2, TRUNK_X, f->y[k] + 4,
                   f->votes[k], report_word(report_verdicts[k]));
    }
}

/* What the votes still had to pass, and what it comes to. */
static void put_end(struct flow *f, int y)
{
    enum report_contrast how = report_contrast(f->r, f->c->id);
    struct str said;

    put_label(f, TRUNK_X - 8, y + GATE - 9, how == REPORT_CONTRAST_FAILED
              ? "class=\"failed\" text-anchor=\"end\""
              : "class=\"dim\" text-anchor=\"end\"",
              report_contrast_word(how));
    str_printf(f->out, "<rect class=\"end\" x=\"0\" y=\"%d\" width=\"%d\" "
               "height=\"%d\" rx=\"4\"/>", y + GATE, WIDE, END_HIGH);
    str_init(&said);
    report_put_verdict(f->v, &said);
    put_label(f, WIDE / 2, y + GATE + END_HIGH / 2 + 4, "class=\"end\" "
              "text-anchor=\"middle\"", said.p);
    if (!str_ok(&said))
        f->out->failed = 1;
    str_release(&said);
}

void claim_flow(const struct report *r, const struct db_claim *c,
                struct str *out)
{
    struct flow f = { .r = r, .c = c, .v = report_verdict(r, c->id),
                      .out = out };
    int n = report_votes(r, c->id, f.votes), low, first = 0;

    if (!f.v || n == 0)
        return;
    arrange(&f);
    low = f.n * ROW;
    while (!f.votes[first])
        first++;
    str_printf(out, "<figure class=\"flow\" aria-label=\"Votes\">"
               "<svg xmlns=\"http://www.w3.org/2000/svg\" "
               "viewBox=\"0 0 %d %d\" role=\"img\" aria-label="
               "\"Votes of %d paths: %d supported, %d contradicted, %d not "
               "addressed; %s\">\n", WIDE, low + GATE + END_HIGH, n,
               f.votes[0], f.votes[1], f.votes[2],
               report_contrast_word(report_contrast(r, c->id)));
    str_printf(out, "<path class=\"trunk\" d=\"M%d %dV%d\"/>", TRUNK_X,
               f.y[first], low + GATE);
    put_tie(&f);
    for (int i = 0; i < f.n; i++)
        put_path(&f, i);
    put_votes(&f);
    put_end(&f, low);
    str_puts(out, "</svg></figure>\n");
}
