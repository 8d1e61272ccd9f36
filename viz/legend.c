#include "viz/legend.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "viz/label.h"

/* The legend is a grid: a column of samples and one of words for each
 * dimension, as many rows as the longest needs. */
enum { ROWS = 12, COLUMNS = 4, SAMPLE_BYTES = 256 };

struct column {
    const char *head;
    struct {
        char sample[SAMPLE_BYTES];  /* one cell, tags included */
        const char *words;
    } row[ROWS];
    int n;
};

/* The next free row of c, for its sample; NULL where it is full. */
static char *add(struct column *c, const char *words)
{
    if (c->n == ROWS)
        return NULL;
    c->row[c->n].words = words;
    return c->row[c->n++].sample;
}

static void swatch(struct column *c, const char *words, const char *color)
{
    char *s = add(c, words);

    if (s)
        snprintf(s, SAMPLE_BYTES, "<TD WIDTH=\"12\" HEIGHT=\"10\" "
                 "FIXEDSIZE=\"TRUE\" BGCOLOR=\"%s\"></TD>", color);
}

static void add_roles(struct column *c, const struct graph *g)
{
    c->head = "stripe: role";
    for (int i = 0; i < g->n_node; i++) {
        const char *role = g->node[i].role;
        int j = 0;

        while (role && j < c->n && strcmp(role, c->row[j].words))
            j++;
        if (role && j == c->n && g->node[i].kind != GRAPH_CLAIM)
            swatch(c, role, style_role(role));
    }
}

static void add_origins(struct column *c, const struct graph *g,
                        const struct style_theme *th)
{
    int used[GRAPH_ORIGINS] = { 0 };

    c->head = "border: origin";
    for (int i = 0; i < g->n_node; i++)
        if (g->node[i].kind == GRAPH_STEP)
            used[g->node[i].origin] = 1;
    for (int o = 0; o < GRAPH_ORIGINS; o++) {
        const struct style_origin *look = &style_origins[o];
        char *s = used[o] ? add(c, look->name) : NULL;

        if (s)
            snprintf(s, SAMPLE_BYTES, "<TD><TABLE BORDER=\"%d\" "
                     "CELLBORDER=\"%d\" CELLSPACING=\"2\" CELLPADDING=\"0\" "
                     "COLOR=\"%s\" FIXEDSIZE=\"TRUE\" WIDTH=\"24\" "
                     "HEIGHT=\"11\"><TR><TD></TD></TR></TABLE></TD>",
                     look->pen, look->rings - 1, th->muted);
    }
}

static void add_lines(struct column *c, const struct graph *g,
                      const struct style_theme *th)
{
    int used[GRAPH_EDGE_KINDS] = { 0 };

    c->head = "line: link (width: strength)";
    for (int i = 0; i < g->n_edge; i++)
        used[g->edge[i].kind] = 1;
    for (int k = 0; k < GRAPH_EDGE_KINDS; k++) {
        const struct style_edge *e = &style_edges[k];
        char *s = used[k] ? add(c, e->name) : NULL;

        if (s)
            snprintf(s, SAMPLE_BYTES, "<TD><TABLE BORDER=\"%d\" SIDES=\"B\" "
                     "STYLE=\"%s\" COLOR=\"%s\" CELLBORDER=\"0\" "
                     "CELLSPACING=\"0\" CELLPADDING=\"0\" FIXEDSIZE=\"TRUE\" "
                     "WIDTH=\"26\" HEIGHT=\"4\"><TR><TD></TD></TR>"
                     "</TABLE></TD>", e->base > 1 ? 2 : 1, e->style,
                     e->color ? e->color : th->muted);
    }
}

/* What else a reader meets: bars, marks, the colours of votes. */
static void add_reading(struct column *c, const struct graph *g,
                        const struct style_theme *th)
{
    int marks = 0, probs = 0, votes = 0, others = 0, within = 0,
        missing = 0;

    c->head = "also";
    for (int i = 0; i < g->n_node; i++) {
        const struct graph_node *n = &g->node[i];

        within |= n->mark && n->kind == GRAPH_CLAUSE;
        missing |= n->kind == GRAPH_OUTSIDE && n->lead == 0;
        marks |= n->mark && n->kind != GRAPH_CLAUSE;
        probs |= g->node[i].kind == GRAPH_STEP && !isnan(g->node[i].prob);
        others |= n->kind == GRAPH_VOTE && n->lead >= STYLE_VOTES;
        votes |= g->node[i].kind == GRAPH_VOTE && g->node[i].lead == 0;
    }
    if (probs)
        swatch(c, "p, bar: mean probability of the step's tokens",
               th->track);
    if (marks)
        swatch(c, "where the path parts from its nearest neighbour", th->mark);
    if (within)
        swatch(c, g->in_rows ? "findings that need you"
                             : "condition or exception within the clause",
               th->mark);
    if (missing)
        swatch(c, "dashed frame: referred to and not there",
               style_verdict("contradicted"));
    if (g->by_verdict) {
        swatch(c, "frame: supported", style_vote(GRAPH_SUPPORTED));
        swatch(c, "frame: contradicted", style_vote(GRAPH_CONTRADICTED));
        swatch(c, "frame: not addressed, or does not count",
               style_vote(GRAPH_NOT_ADDRESSED));
    } else if (votes) {
        swatch(c, "frame of a path that gave the leading answer",
               style_vote(0));
    }
    if (others && !g->by_verdict)
        swatch(c, "frame of every other answer", style_vote(-1));
}

static void put_row(struct str *out, const struct column *col, int row,
                    const struct style_theme *th)
{
    str_puts(out, "<TR>");
    for (int c = 0; c < COLUMNS; c++) {
        if (!col[c].n)
            continue;
        if (row >= col[c].n) {
            str_puts(out, "<TD></TD><TD></TD>");
            continue;
        }
        str_puts(out, col[c].row[row].sample);
        str_printf(out, "<TD ALIGN=\"LEFT\"><FONT COLOR=\"%s\">", th->muted);
        label_line(out, col[c].row[row].words, 3000);
        str_puts(out, "&#160;&#160;&#160;&#160;</FONT></TD>");
    }
    str_puts(out, "</TR>");
}

void legend_write(struct str *out, const struct graph *g,
                  const struct style_theme *th)
{
    struct column col[COLUMNS] = { 0 };
    int rows = 0;

    add_roles(&col[0], g);
    add_origins(&col[1], g, th);
    add_lines(&col[2], g, th);
    add_reading(&col[3], g, th);
    str_puts(out, "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"2\" "
             "CELLPADDING=\"1\"><TR>");
    for (int c = 0; c < COLUMNS; c++) {
        if (!col[c].n)          /* no heading over nothing */
            continue;
        str_printf(out, "<TD COLSPAN=\"2\" ALIGN=\"LEFT\"><FONT COLOR=\"%s\">"
                   "<B>%s</B></FONT></TD>", th->ink, col[c].head);
        rows = col[c].n > rows ? col[c].n : rows;
    }
    str_puts(out, "</TR>");
    for (int row = 0; row < rows; row++)
        put_row(out, col, row, th);
    str_puts(out, "</TABLE>");
}
