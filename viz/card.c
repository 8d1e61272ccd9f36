#include "viz/card.h"

#include <math.h>
#include <string.h>

#include "viz/label.h"

enum {
    TEXT_PT = 10,           /* running text */
    SMALL_PT = 8,
    STRIPE_PT = 5,          /* the role's colour at the left of a step */
    PAD_PT = 14             /* a card's width that is not text */
};

struct card_room card_room(int n_lane)
{
    if (n_lane <= 2)
        return (struct card_room){ 330, 6 };
    if (n_lane <= 4)
        return (struct card_room){ 240, 5 };
    return (struct card_room){ 180, 4 };
}

/* A line's width in hundredths of an em, for `points` set in size `pt`. */
static int em(int points, int pt)
{
    int width = points * 100 / pt;

    return width < 200 ? 200 : width;
}

#define TABLE "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" " \
              "CELLPADDING=\"2\">"
#define TIGHT "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" " \
              "CELLPADDING=\"0\">"
#define NOTHING "&#160;"    /* an empty tag is a syntax error */

struct pen {
    int pt;
    const char *color;
};

/* One line of text, at most `points` wide. */
static void line(struct str *out, const char *s, struct pen pen, int points)
{
    size_t before;

    str_printf(out, "<FONT POINT-SIZE=\"%d\" COLOR=\"%s\">", pen.pt,
               pen.color);
    before = out->len;
    if (s)
        label_line(out, s, em(points, pen.pt));
    if (out->len == before)
        str_puts(out, NOTHING);
    str_puts(out, "</FONT>");
}

static void bold(struct str *out, const char *s, struct pen pen, int points)
{
    str_puts(out, "<B>");
    line(out, s, pen, points);
    str_puts(out, "</B>");
}

/* Wrapped text as a row of its own, on a ground or NULL. */
static void row(struct str *out, const char *s, struct pen pen,
                struct card_room room, const char *ground)
{
    struct label_room fit = { em(room.width, pen.pt), room.lines };
    size_t before;

    str_puts(out, "<TR><TD ALIGN=\"LEFT\" BALIGN=\"LEFT\"");
    if (ground)
        str_printf(out, " BGCOLOR=\"%s\"", ground);
    str_printf(out, "><FONT POINT-SIZE=\"%d\" COLOR=\"%s\">", pen.pt,
               pen.color);
    before = out->len;
    if (s)
        label_wrap(out, s, strlen(s), fit);
    if (out->len == before)
        str_puts(out, NOTHING);
    str_puts(out, "</FONT></TD></TR>");
}

/* A bar of `points`, filled up to `part` of it. */
static void bar(struct str *out, double part, int points, const char *color,
                const char *track)
{
    int full = (int)lrint(fmin(fmax(part, 0), 1) * points);

    /* fixed, lest a wide cell pull its two parts asunder */
    str_printf(out, "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" "
               "CELLPADDING=\"0\" FIXEDSIZE=\"TRUE\" WIDTH=\"%d\" "
               "HEIGHT=\"3\"><TR>", points);
    if (full > 0)
        str_printf(out, "<TD WIDTH=\"%d\" HEIGHT=\"3\" FIXEDSIZE=\"TRUE\" "
                   "BGCOLOR=\"%s\"></TD>", full, color);
    if (full < points)
        str_printf(out, "<TD WIDTH=\"%d\" HEIGHT=\"3\" FIXEDSIZE=\"TRUE\" "
                   "BGCOLOR=\"%s\"></TD>", points - full, track);
    str_puts(out, "</TR></TABLE>");
}

/* number, role ......... mean probability */
static void step_head(struct str *out, const struct graph_node *n, int width,
                      const struct style_theme *th)
{
    struct pen small = { SMALL_PT, th->muted };

    str_printf(out, "<TR><TD>" TIGHT "<TR><TD WIDTH=\"%d\" ALIGN=\"LEFT\">",
               width - 40);
    bold(out, n->title, (struct pen){ SMALL_PT, th->ink }, 60);
    str_puts(out, "&#160;&#160;");
    line(out, n->role, small, width - 100);
    str_puts(out, "</TD><TD WIDTH=\"40\" ALIGN=\"RIGHT\">");
    if (!isnan(n->prob))
        str_printf(out, "<FONT POINT-SIZE=\"%d\" COLOR=\"%s\">p %.2f</FONT>",
                   SMALL_PT, th->muted, n->prob);
    str_puts(out, "</TD></TR></TABLE></TD></TR>");
}

/* A stripe in the role's colour; beside it the head, the text, a bar for the
 * probability, and the mark. */
static void card_step(struct str *out, const struct graph_node *n,
                      struct card_room room, const struct style_theme *th)
{
    room.width -= PAD_PT;
    str_printf(out, TIGHT "<TR><TD WIDTH=\"%d\" BGCOLOR=\"%s\"></TD><TD>"
               TABLE, STRIPE_PT, style_role(n->role));
    step_head(out, n, room.width, th);
    row(out, n->text, (struct pen){ TEXT_PT, th->ink }, room, NULL);
    if (!isnan(n->prob)) {
        str_puts(out, "<TR><TD ALIGN=\"LEFT\">");
        bar(out, n->prob, room.width, style_role(n->role), th->track);
        str_puts(out, "</TD></TR>");
    }
    room.lines = n->kind == GRAPH_CLAUSE ? 4 : 2;
    if (n->kind == GRAPH_CLAUSE && n->detail)
        row(out, n->detail, (struct pen){ SMALL_PT, th->muted }, room, NULL);
    if (n->mark)
        row(out, n->mark, (struct pen){ SMALL_PT, th->mark_ink }, room,
            th->mark);
    str_puts(out, "</TABLE></TD></TR></TABLE>");
}

static void card_question(struct str *out, const struct graph_node *n,
                          struct card_room room, const struct style_theme *th)
{
    room = (struct card_room){ 420, 6 };
    str_puts(out, TABLE "<TR><TD ALIGN=\"LEFT\">");
    bold(out, n->title, (struct pen){ SMALL_PT, th->on_solid }, room.width);
    str_puts(out, "</TD></TR>");
    row(out, n->text, (struct pen){ 12, th->on_solid }, room, NULL);
    str_puts(out, "</TABLE>");
}

static void card_fold(struct str *out, const struct graph_node *n,
                      struct card_room room, const struct style_theme *th)
{
    line(out, n->text, (struct pen){ SMALL_PT + 1, th->muted }, room.width);
}

/* The answer large, the votes below, their share as a bar. */
static void card_vote(struct str *out, const struct graph_node *n,
                      struct card_room room, const struct style_theme *th)
{
    room.width = 150;
    str_puts(out, TABLE "<TR><TD>");
    bold(out, n->title, (struct pen){ n->lead == 0 ? 16 : 13, th->ink },
         room.width);
    str_puts(out, "</TD></TR><TR><TD>");
    line(out, n->detail, (struct pen){ SMALL_PT + 1, th->ink }, room.width);
    str_puts(out, "</TD></TR><TR><TD>");
    bar(out, n->share, 90, style_vote(n->lead), th->track);
    str_puts(out, "</TD></TR></TABLE>");
}

/* The result large, the margin, and what is known of its worth. */
static void card_conclusion(struct str *out, const struct graph_node *n,
                            struct card_room room,
                            const struct style_theme *th)
{
    struct pen small = { SMALL_PT + 1, th->on_solid };

    room = (struct card_room){ 280, 3 };
    str_puts(out, TABLE "<TR><TD ALIGN=\"LEFT\">");
    bold(out, n->title, (struct pen){ 14, th->on_solid }, room.width);
    str_puts(out, "</TD></TR>");
    if (n->detail)
        row(out, n->detail, small, room, NULL);
    if (n->text)
        row(out, n->text, small, room, NULL);
    str_puts(out, "</TABLE>");
}

/* A name and what is known of it. */
static void card_name(struct str *out, const struct graph_node *n,
                      struct card_room room, const struct style_theme *th)
{
    room.width = 150;
    str_puts(out, TABLE "<TR><TD>");
    bold(out, n->title, (struct pen){ TEXT_PT, th->ink }, room.width);
    str_puts(out, "</TD></TR><TR><TD>");
    line(out, n->detail, (struct pen){ SMALL_PT, th->muted }, room.width);
    str_puts(out, "</TD></TR></TABLE>");
}

/* The verdict in its colour's stripe, the claim, and how sure it is. */
static void card_claim(struct str *out, const struct graph_node *n,
                       struct card_room room, const struct style_theme *th)
{
    char verdict[64];
    size_t len = 0;

    for (; n->role && n->role[len] && len + 1 < sizeof verdict; len++)
        verdict[len] = n->role[len] == '_' ? ' ' : n->role[len];
    verdict[len] = '\0';
    room.width = 180;
    str_printf(out, TABLE "<TR><TD HEIGHT=\"4\" BGCOLOR=\"%s\"></TD></TR>"
               "<TR><TD ALIGN=\"LEFT\">", style_verdict(n->role));
    bold(out, verdict, (struct pen){ 12, th->ink }, room.width);
    if (!isnan(n->prob))
        str_printf(out, "<FONT POINT-SIZE=\"%d\" COLOR=\"%s\">&#160;&#160;"
                   "confidence %.2f</FONT>", SMALL_PT, th->muted, n->prob);
    str_puts(out, "</TD></TR>");
    room.lines = 3;
    row(out, n->title, (struct pen){ TEXT_PT, th->ink }, room, NULL);
    if (n->detail)
        row(out, n->detail, (struct pen){ SMALL_PT, th->muted }, room, NULL);
    str_puts(out, "</TABLE>");
}

void card_quote(struct str *out, const char *quote,
                const struct style_theme *th)
{
    line(out, quote, (struct pen){ SMALL_PT, th->muted }, 120);
}

void card_node(struct str *out, const struct graph_node *n,
               struct card_room room, const struct style_theme *th)
{
    static void (*const card[GRAPH_NODE_KINDS])(
        struct str *, const struct graph_node *, struct card_room,
        const struct style_theme *) = {
        [GRAPH_QUESTION] = card_question, [GRAPH_STEP] = card_step,
        [GRAPH_FOLD] = card_fold,         [GRAPH_VOTE] = card_vote,
        [GRAPH_CONCLUSION] = card_conclusion, [GRAPH_CLAUSE] = card_step,
        [GRAPH_TERM] = card_name,         [GRAPH_OUTSIDE] = card_name,
        [GRAPH_CLAIM] = card_claim,
    };

    card[n->kind](out, n, room, th);
}

void card_lane(struct str *out, const struct graph_lane *l,
               struct card_room room, const struct style_theme *th)
{
    str_puts(out, TABLE "<TR><TD ALIGN=\"LEFT\">");
    bold(out, l->title, (struct pen){ TEXT_PT, th->ink }, room.width);
    str_puts(out, "</TD></TR><TR><TD ALIGN=\"LEFT\">");
    line(out, l->detail, (struct pen){ SMALL_PT, th->muted }, room.width);
    str_puts(out, "</TD></TR></TABLE>");
}

void card_title(struct str *out, const struct graph *g,
                const struct style_theme *th)
{
    const char *small[] = { g->subtitle, g->left_out };
    struct card_room room = { g->n_lane > 4 ? 900 : 560, 3 };

    str_puts(out, TABLE "<TR><TD ALIGN=\"LEFT\">");
    bold(out, g->title, (struct pen){ 17, th->ink }, room.width);
    str_puts(out, "</TD></TR>");
    for (size_t i = 0; i < 2; i++)
        if (small[i])
            row(out, small[i], (struct pen){ TEXT_PT, th->muted }, room, NULL);
    str_puts(out, "</TABLE>");
}
