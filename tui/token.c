#include "tui/token.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "db/pack.h"
#include "db/related.h"
#include "tui/fmt.h"
#include "tui/view.h"

enum { ALT_SHOWN = 10, BAR_MAX = 32, FIND_ROWS = 2048 };

static void one_alt(const struct db_piece *piece, int32_t id, double logprob,
                    int taken, struct doc *d)
{
    struct pen p = doc_line(d, 0, taken ? ROLE_STRONG : ROLE_TEXT);
    int end = p.end;
    char prob[16];

    if (taken)
        pen_glyph(&p, GLYPH_CURSOR);
    pen_to(&p, 2);
    p.end = p.col + 16;
    if (piece->n >= 0)
        pen_piece(&p, piece->text, (size_t)piece->n);
    else
        pen_fmt(&p, "#%d", (int)id);
    p.end = end;
    pen_to(&p, 19);
    fmt_prob(prob, sizeof prob, logprob);
    pen_fmt(&p, "%6s ", prob);
    p.style = taken ? ROLE_BAR : ROLE_DIM;
    pen_bar(&p, exp(logprob), pen_room(&p) < BAR_MAX ? pen_room(&p) : BAR_MAX);
}

int token_alternatives(struct tui *t, int64_t model_id, struct db_blob alt,
                       int32_t taken, struct doc *d)
{
    int32_t id[ALT_SHOWN];
    float logprob[ALT_SHOWN];
    struct db_piece piece[ALT_SHOWN];
    int n = 0;

    while (n < ALT_SHOWN && unpack_alt(alt.p, alt.n, n, &id[n],
                                       &logprob[n]) == 1)
        n++;
    if (n == 0 || db_pieces(tui_db(t), model_id, id, n, piece))
        return 0;
    for (int i = 0; i < n; i++)
        one_alt(&piece[i], id[i], logprob[i], id[i] == taken, d);
    return n;
}

void token_context(struct tui *t, int64_t path_id, int pos, int around,
                   struct doc *d)
{
    struct db_window w = { pos > around ? pos - around : 0, 2 * around, 0 };
    struct db_cur *c = db_tokens(tui_db(t), path_id, w);
    struct pen p = doc_line(d, 0, ROLE_TEXT);
    struct db_token in;

    while (db_token_next(c, &in) == 1) {
        unsigned style = in.pos == pos ? ROLE_STRONG | CELL_REVERSE
                       : in.pos < pos ? ROLE_TEXT : ROLE_DIM;
        int width = in.text.p ? text_width(in.text.p, in.text.n) : 8;

        if (width > pen_room(&p))
            p = doc_line(d, 0, ROLE_TEXT);
        p.style = style;
        if (!in.text.p)
            pen_fmt(&p, "#%d", (int)in.token_id);
        else if (memchr(in.text.p, '\n', in.text.n))
            pen_piece(&p, in.text.p, in.text.n);
        else
            pen_put(&p, in.text.p, in.text.n);
    }
    tui_end(t, c);
}

void token_piece(struct tui *t, int64_t path_id, int pos, char *out, size_t cap)
{
    struct db_window w = { pos, 1, 0 };
    struct db_cur *c = db_tokens(tui_db(t), path_id, w);
    struct db_token in;

    snprintf(out, cap, "?");
    if (db_token_next(c, &in) == 1 && in.pos == pos && in.text.p)
        out[text_safe_fit(out, cap, in.text.p, in.text.n, 0)] = '\0';
    tui_end(t, c);
}

static int holds(struct db_str piece, const char *needle)
{
    size_t n = strlen(needle);

    for (size_t i = 0; i + n <= piece.n; i++) {
        size_t k = 0;

        while (k < n && tolower((unsigned char)piece.p[i + k]) ==
                        tolower((unsigned char)needle[k]))
            k++;
        if (k == n)
            return 1;
    }
    return 0;
}

int64_t token_find(struct tui *t, int64_t path_id, const char *needle,
                   int64_t *from, int reverse)
{
    struct db_window w = { *from, FIND_ROWS, reverse };
    struct db_cur *c = db_tokens(tui_db(t), path_id, w);
    int64_t found = -1;
    struct db_token in;
    int n = 0;

    while (found < 0 && db_token_next(c, &in) == 1) {
        n++;
        *from = in.pos + (reverse ? -1 : 1);
        if (in.text.p && holds(in.text, needle))
            found = in.pos;
    }
    if (n < FIND_ROWS)
        *from = -1;
    tui_end(t, c);
    return found;
}
