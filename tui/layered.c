#include "tui/layered.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SWEEPS = 6, TRACKS_MAX = 14, ROW_STEP = 2 };
enum { UP = 1, RIGHT = 2, DOWN = 4, LEFT = 8 };

/* What is only needed while the layout is made. */
struct making {
    struct layered *g;
    int n_edge;
    struct layered_edge *edge;  /* turned so that there are no cycles */
    unsigned char *turned, *state;      /* of edges; of nodes */
    int *layer;                 /* of nodes; -1: no edge */
    int *order, *first;         /* spots by layer; first[l] .. first[l + 1] */
    double *want;               /* where a spot would like to stand */
};

/* ---- layers -------------------------------------------------------------- */

/* Turns edges that lead back to a node still being walked. */
static void walk(struct making *m, int node)
{
    m->state[node] = 1;
    for (int i = 0; i < m->n_edge; i++) {
        int to = m->edge[i].to;

        if (m->edge[i].from != node || m->turned[i] || to == node)
            continue;
        if (m->state[to] == 1) {
            m->edge[i] = (struct layered_edge){ to, node };
            m->turned[i] = 1;
        } else if (m->state[to] == 0) {
            walk(m, to);
        }
    }
    m->state[node] = 2;
}

/* The longest way from a node that nothing leads to.  Without cycles that
 * settles within as many rounds as there are nodes. */
static void set_layers(struct making *m)
{
    int changed = 1;

    for (int i = 0; i < m->g->n_node; i++)
        m->layer[i] = -1;
    for (int i = 0; i < m->n_edge; i++)
        if (m->edge[i].from != m->edge[i].to)
            m->layer[m->edge[i].from] = m->layer[m->edge[i].to] = 0;
    for (int round = 0; changed && round <= m->g->n_node; round++) {
        changed = 0;
        for (int i = 0; i < m->n_edge; i++) {
            int to = m->edge[i].to, next = m->layer[m->edge[i].from] + 1;

            if (m->edge[i].from != to && m->layer[to] < next) {
                m->layer[to] = next;
                changed = 1;
            }
        }
    }
}

/* ---- spots and links ----------------------------------------------------- */

static int add_spot(struct layered *g, struct layered_spot s)
{
    if (g->n_spot == LAYERED_SPOTS)
        return -1;
    g->spot[g->n_spot] = s;
    if (s.layer >= g->n_layer)
        g->n_layer = s.layer + 1;
    return g->n_spot++;
}

static enum sor_err add_spots(struct making *m, const int *width)
{
    struct layered *g = m->g;

    for (int i = 0; i < g->n_node; i++)
        g->at[i] = m->layer[i] < 0 ? -1 : add_spot(g, (struct layered_spot){
            i, -1, m->layer[i], 0, 0, width[i] });
    for (int i = 0; i < m->n_edge; i++) {
        int from = g->at[m->edge[i].from], to = g->at[m->edge[i].to];

        if (from < 0 || from == to)
            continue;
        for (int l = g->spot[from].layer + 1; l <= g->spot[to].layer; l++) {
            int next = l == g->spot[to].layer ? to
                : add_spot(g, (struct layered_spot){ -1, i, l, 0, 0, 1 });

            if (next < 0 || g->n_link == LAYERED_SPOTS)
                return SOR_LIMIT;
            g->link[g->n_link++] = (struct layered_link){ from, next, i,
                                                          m->turned[i], 0 };
            from = next;
        }
    }
    return SOR_OK;
}

/* ---- order within layers ------------------------------------------------- */

static const double *wanted;    /* qsort() takes no argument; one thread */

static int by_want(const void *pa, const void *pb)
{
    int a = *(const int *)pa, b = *(const int *)pb;

    return wanted[a] != wanted[b] ? (wanted[a] > wanted[b] ? 1 : -1) : a - b;
}

/* Where each spot of layer l would like to stand: the mean of its neighbours
 * on one side; without any, where it is. */
static void wants(struct making *m, int l, int side)
{
    struct layered *g = m->g;

    for (int i = m->first[l]; i < m->first[l + 1]; i++) {
        int s = m->order[i], n = 0;
        double sum = 0;

        for (int k = 0; k < g->n_link; k++) {
            int other = side < 0 && g->link[k].to == s ? g->link[k].from
                      : side > 0 && g->link[k].from == s ? g->link[k].to : -1;
            if (other >= 0) {
                sum += g->spot[other].row;
                n++;
            }
        }
        m->want[s] = n ? sum / n : g->spot[s].row;
    }
}

static void sort_layer(struct making *m, int l, int side)
{
    int n = m->first[l + 1] - m->first[l];

    wants(m, l, side);
    wanted = m->want;
    qsort(m->order + m->first[l], (size_t)n, sizeof *m->order, by_want);
    for (int i = 0; i < n; i++)
        m->g->spot[m->order[m->first[l] + i]].row = i * ROW_STEP;
}

/* Rows near the neighbours on the left, in the order found. */
static void place(struct making *m, int l)
{
    int next = 0;

    if (l > 0)
        wants(m, l, -1);
    for (int i = m->first[l]; i < m->first[l + 1]; i++) {
        struct layered_spot *s = &m->g->spot[m->order[i]];
        int want = l > 0 ? (int)(m->want[m->order[i]] + 0.5) : next;

        s->row = want > next ? want : next;
        next = s->row + (s->node < 0 ? 1 : ROW_STEP);
        if (s->row >= m->g->rows)
            m->g->rows = s->row + 1;
    }
}

static void set_order(struct making *m)
{
    struct layered *g = m->g;
    int n = 0;

    for (int l = 0; l < g->n_layer; l++) {
        m->first[l] = n;
        for (int i = 0; i < g->n_spot; i++)
            if (g->spot[i].layer == l) {
                g->spot[i].row = (n - m->first[l]) * ROW_STEP;
                m->order[n++] = i;
            }
    }
    m->first[g->n_layer] = n;
    for (int k = 0; k < SWEEPS; k++)
        for (int i = 1; i < g->n_layer; i++)
            if (k % 2 == 0)
                sort_layer(m, i, -1);
            else
                sort_layer(m, g->n_layer - 1 - i, 1);
    for (int l = 0; l < g->n_layer; l++)
        place(m, l);
}

/* ---- columns ------------------------------------------------------------- */

/* How many rows down the links that leave a spot go, taken together; *used: 1
 * where one goes to another row. */
static int rows_down(const struct layered *g, int spot, int *used)
{
    int down = 0;

    *used = 0;
    for (int k = 0; k < g->n_link; k++)
        if (g->link[k].from == spot) {
            int by = g->spot[g->link[k].to].row - g->spot[spot].row;

            *used |= by != 0;
            down += by;
        }
    return down;
}

static void set_track(struct layered *g, int spot, int track)
{
    for (int k = 0; k < g->n_link; k++)
        if (g->link[k].from == spot)
            g->link[k].track = track % TRACKS_MAX;
}

/* Each spot that an edge leaves for another row has a column of the gap to go
 * up and down in; returns how many the gap needs.  Those that go up take theirs
 * from the top, those that go down from the bottom: fewer lines cross. */
static int tracks(struct making *m, int l)
{
    int n = 0, used;

    for (int i = m->first[l]; i < m->first[l + 1]; i++)
        if (rows_down(m->g, m->order[i], &used) < 0)
            set_track(m->g, m->order[i], n++);
    for (int i = m->first[l + 1] - 1; i >= m->first[l]; i--)
        if (rows_down(m->g, m->order[i], &used) >= 0 && used)
            set_track(m->g, m->order[i], n++);
    return n < TRACKS_MAX ? n : TRACKS_MAX;
}

static void set_columns(struct making *m)
{
    struct layered *g = m->g;
    int col = LAYERED_MARGIN;

    for (int l = 0; l < g->n_layer; l++) {
        int widest = 1;

        for (int i = m->first[l]; i < m->first[l + 1]; i++)
            if (g->spot[m->order[i]].width > widest)
                widest = g->spot[m->order[i]].width;
        for (int i = m->first[l]; i < m->first[l + 1]; i++) {
            g->spot[m->order[i]].col = col;
            if (g->spot[m->order[i]].node < 0)
                g->spot[m->order[i]].width = widest;
        }
        col += widest;
        if (l + 1 < g->n_layer)
            col += tracks(m, l) + 4;
        for (int k = 0; k < g->n_link; k++)
            if (g->spot[g->link[k].from].layer == l)
                g->link[k].track += g->spot[g->link[k].from].col + widest + 1;
    }
    g->cols = col + LAYERED_MARGIN;
}

/* ---- making -------------------------------------------------------------- */

static void release(struct making *m)
{
    mem_free(m->edge);
    mem_free(m->turned);
    mem_free(m->state);
    mem_free(m->layer);
    mem_free(m->order);
    mem_free(m->first);
    mem_free(m->want);
}

static int allocate(struct making *m)
{
    size_t nodes = (size_t)m->g->n_node + 1, edges = (size_t)m->n_edge + 1;

    m->edge = mem_calloc(edges, sizeof *m->edge);
    m->turned = mem_calloc(edges, 1);
    m->state = mem_calloc(nodes, 1);
    m->layer = mem_calloc(nodes, sizeof *m->layer);
    m->order = mem_calloc(LAYERED_SPOTS, sizeof *m->order);
    m->first = mem_calloc(nodes + 2, sizeof *m->first);
    m->want = mem_calloc(LAYERED_SPOTS, sizeof *m->want);
    m->g->at = mem_calloc(nodes, sizeof *m->g->at);
    m->g->spot = mem_calloc(LAYERED_SPOTS, sizeof *m->g->spot);
    m->g->link = mem_calloc(LAYERED_SPOTS, sizeof *m->g->link);
    return m->edge && m->turned && m->state && m->layer && m->order &&
           m->first && m->want && m->g->at && m->g->spot && m->g->link;
}

enum sor_err layered_make(struct layered *g, int n_node, const int *width,
                          const struct layered_edge *edge, int n_edge)
{
    struct making m = { .g = g, .n_edge = n_edge };
    enum sor_err err = SOR_OK;

    memset(g, 0, sizeof *g);
    g->n_node = n_node;
    if (n_node > LAYERED_NODES || n_edge > LAYERED_EDGES)
        return SOR_LIMIT;
    if (!allocate(&m)) {
        err = SOR_NOMEM;
    } else {
        if (n_edge)
            memcpy(m.edge, edge, (size_t)n_edge * sizeof *edge);
        for (int i = 0; i < n_node; i++)
            if (m.state[i] == 0)
                walk(&m, i);
        set_layers(&m);
        err = add_spots(&m, width);
    }
    if (!err) {
        set_order(&m);
        set_columns(&m);
    }
    release(&m);
    if (err)
        layered_free(g);
    return err;
}

void layered_free(struct layered *g)
{
    mem_free(g->spot);
    mem_free(g->link);
    mem_free(g->at);
    memset(g, 0, sizeof *g);
}

/* ---- lines --------------------------------------------------------------- */

struct drawing {
    const struct layered *g;
    unsigned char *mask, *own;
    int mine;
};

static void put(struct drawing *d, int row, int col, int bits)
{
    if (row < 0 || row >= d->g->rows || col < 0 || col >= d->g->cols)
        return;
    d->mask[row * d->g->cols + col] |= (unsigned char)bits;
    d->own[row * d->g->cols + col] |= (unsigned char)d->mine;
}

static void across(struct drawing *d, int row, int from, int to)
{
    for (int c = from; c <= to; c++)
        put(d, row, c, (c > from ? LEFT : 0) | (c < to ? RIGHT : 0));
}

static void down(struct drawing *d, int col, int from, int to)
{
    for (int r = from; r <= to; r++)
        put(d, r, col, (r > from ? UP : 0) | (r < to ? DOWN : 0));
}

static void one_link(struct drawing *d, const struct layered_link *l)
{
    const struct layered_spot *a = &d->g->spot[l->from],
                              *b = &d->g->spot[l->to];
    int start = a->node < 0 ? a->col : a->col + a->width;
    int end = b->col - 1;

    if (a->row == b->row) {
        across(d, a->row, start, end);
    } else {
        across(d, a->row, start, l->track);
        down(d, l->track, a->row < b->row ? a->row : b->row,
             a->row < b->row ? b->row : a->row);
        across(d, b->row, l->track, end);
    }
    if (b->node < 0)
        put(d, b->row, end, RIGHT);
    if (a->node < 0)
        put(d, a->row, start, LEFT);
}

void layered_lines(const struct layered *g, unsigned char *mask,
                   unsigned char *own, int (*mine)(void *ud, int edge),
                   void *ud)
{
    struct drawing d = { g, mask, own, 0 };
    size_t n = (size_t)g->rows * (size_t)g->cols;

    memset(mask, 0, n);
    memset(own, 0, n);
    for (int i = 0; i < g->n_link; i++) {
        d.mine = mine(ud, g->link[i].edge) != 0;
        one_link(&d, &g->link[i]);
    }
}
