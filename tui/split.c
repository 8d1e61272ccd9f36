#include "tui/split.h"

#include <string.h>

#include "base/mem.h"
#include "tui/view.h"

enum { PIECE_BYTES = 24, DEPTH_MAX = 24, PIECE_COLUMNS = 16 };

/* Where path x leaves path y, and with which token. */
struct leave {
    int known, pos;             /* pos -1: the same to the end */
    char piece[PIECE_BYTES];    /* "" where x had ended */
};

struct split {
    struct leave from[SPLIT_PATHS][SPLIT_PATHS];        /* [x][y] */
    int64_t id[SPLIT_PATHS];
    int64_t run_id;
    struct doc *d;
};

/* Some of the paths, by ordinal. */
struct set { int n, path[SPLIT_PATHS]; };

static void note(struct split *s, int x, int y, int pos, const char *piece)
{
    struct leave *l = &s->from[x][y];
    size_t n = piece ? strlen(piece) : 0;

    l->known = 1;
    l->pos = pos;
    if (n < sizeof l->piece)
        memcpy(l->piece, piece ? piece : "", n + 1);
    else
        memcpy(l->piece, piece, sizeof l->piece - 1);
}

/* Reads the pairs and the paths' ids; returns the paths that were compared. */
static struct set read_pairs(struct split *s, struct tui *t)
{
    struct db_cur *c = db_divergences(tui_db(t), s->run_id);
    struct db_divergence in;
    struct db_path p;
    struct set all = { 0 };
    int pairs = 0;

    while (db_divergence_next(c, &in) == 1)
        if (in.path_a >= 0 && in.path_a < SPLIT_PATHS && in.path_b >= 0 &&
            in.path_b < SPLIT_PATHS) {
            pairs = 1;
            note(s, in.path_a, in.path_b, in.pos, in.text_a);
            note(s, in.path_b, in.path_a, in.pos, in.text_b);
        }
    tui_end(t, c);
    if (!pairs)                         /* and no path's text is read for it */
        return all;
    c = db_paths(tui_db(t), s->run_id);
    while (db_path_next(c, &p) == 1)
        if (p.ordinal < SPLIT_PATHS && all.n < SPLIT_PATHS) {
            int compared = 0;
            for (int y = 0; y < SPLIT_PATHS; y++)
                compared |= s->from[p.ordinal][y].known;
            s->id[p.ordinal] = p.id;
            if (compared)
                all.path[all.n++] = p.ordinal;
        }
    tui_end(t, c);
    return all;
}

/* The first position at which two of them differ; -1: they never do. */
static int first_split(const struct split *s, const struct set *set)
{
    int first = -1;

    for (int i = 0; i < set->n; i++)
        for (int k = i + 1; k < set->n; k++) {
            const struct leave *l = &s->from[set->path[i]][set->path[k]];
            if (l->known && l->pos >= 0 && (first < 0 || l->pos < first))
                first = l->pos;
        }
    return first;
}

static void branch(const struct split *s, const struct set *set, int pos,
                   const char *piece, int depth)
{
    struct pen p = doc_line(s->d, 2 * depth, ROLE_DIM);
    struct db_addr at = addr_run(s->run_id);
    int end = p.end, from;

    pen_fmt(&p, "@%d", pos);
    pen_gap(&p, 2);
    from = p.col;
    p.end = p.col + PIECE_COLUMNS < end ? p.col + PIECE_COLUMNS : end;
    p.style = ROLE_TEXT;
    if (piece[0])
        pen_piece(&p, piece, strlen(piece));
    else
        pen_str(&p, "(ended)");
    p.end = end;
    pen_gap(&p, 1);
    pen_to(&p, from + PIECE_COLUMNS - 2 * depth);
    p.style = ROLE_DIM;
    pen_str(&p, set->n == 1 ? "path" : "paths");
    p.style = ROLE_ACCENT;
    for (int i = 0; i < set->n; i++)
        pen_fmt(&p, " %d", set->path[i]);
    at.path = set->path[0];
    at.path_id = s->id[at.path];
    at.pos = pos;
    doc_goes(s->d, &view_tokens, at);
}

/* Takes out of `rest` the paths that go with its first beyond pos; *piece is
 * the token by which they leave the others. */
static struct set take_branch(const struct split *s, struct set *rest,
                              const struct set *all, int pos,
                              const char **piece)
{
    int head = rest->path[0], left = 0;
    struct set with = { 0 };

    *piece = "";
    for (int i = 0; i < all->n; i++) {
        const struct leave *l = &s->from[head][all->path[i]];
        if (l->known && l->pos == pos)
            *piece = l->piece;
    }
    for (int i = 0; i < rest->n; i++) {
        const struct leave *l = &s->from[head][rest->path[i]];
        if (i == 0 || !l->known || l->pos < 0 || l->pos > pos)
            with.path[with.n++] = rest->path[i];
        else
            rest->path[left++] = rest->path[i];
    }
    rest->n = left;
    return with;
}

static void tree(const struct split *s, const struct set *all, int depth)
{
    int pos = all->n > 1 && depth < DEPTH_MAX ? first_split(s, all) : -1;
    struct set rest = *all;

    while (pos >= 0 && rest.n) {
        const char *piece;
        struct set with = take_branch(s, &rest, all, pos, &piece);
        branch(s, &with, pos, piece, depth);
        tree(s, &with, depth + 1);
    }
}

void split_tree(struct tui *t, int64_t run_id, struct doc *d)
{
    struct split *s = mem_calloc(1, sizeof *s);
    struct set all;

    if (!s)
        return;
    s->run_id = run_id;
    s->d = d;
    all = read_pairs(s, t);
    if (all.n) {
        doc_head(d, "Where paths part: the token taken, and who took it");
        if (first_split(s, &all) < 0)
            doc_say(d, 0, ROLE_TEXT, "Nowhere: they are the same to the end.");
        tree(s, &all, 0);
    }
    mem_free(s);
}
