#include "tui/history.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tui/state.h"

enum { PLACES = 50 };

/* One view of a place. */
struct spot {
    const struct view_ops *ops;
    struct db_addr at, here;
    int64_t row;
    int sort, sorted_down;
    char *words;                /* what was typed to open it; ours */
};

struct place {
    int depth;
    struct spot spot[STACK_MAX];
};

struct history {
    int n, at;                  /* at: where one is */
    struct place place[PLACES];
};

static void clear(struct place *p)
{
    for (int i = 0; i < p->depth; i++)
        mem_free(p->spot[i].words);
    p->depth = 0;
}

void history_close(struct history *h)
{
    for (int i = 0; h && i < h->n; i++)
        clear(&h->place[i]);
    mem_free(h);
}

static struct spot spot_of(struct view *v)
{
    return (struct spot){
        v->ops, v->at, v->ops->here ? v->ops->here(v) : v->at, v->list.cur,
        v->sort, v->sorted_down, v->words ? mem_strdup(v->words) : NULL };
}

static void take(const struct tui *t, struct place *p)
{
    p->depth = t->depth;
    for (int i = 0; i < t->depth; i++)
        p->spot[i] = spot_of(t->stack[i]);
}

/* The same view; `walks`: it may have gone from token to token. */
static int same_view(const struct spot *a, const struct spot *b, int walks)
{
    return a->ops == b->ops && a->at.run_id == b->at.run_id &&
           a->at.path_id == b->at.path_id && a->at.step_id == b->at.step_id &&
           (walks || (a->at.step == b->at.step && a->at.pos == b->at.pos)) &&
           strcmp(a->words ? a->words : "", b->words ? b->words : "") == 0;
}

/* How many views from the first one on two places share. */
static int shared(const struct place *a, const struct place *b, int walks)
{
    int n = 0;

    while (n < a->depth && n < b->depth &&
           same_view(&a->spot[n], &b->spot[n], walks && n + 1 == a->depth))
        n++;
    return n;
}

/* The same views; and with `near`, a row that was in sight. */
static int same(const struct tui *t, const struct place *a,
                const struct place *b, int near)
{
    const struct list *l = &tui_top(t)->list;
    int64_t by = a->spot[a->depth - 1].row - b->spot[b->depth - 1].row;
    int64_t height = l->height > 1 ? l->height : 1;

    return a->depth == b->depth && shared(a, b, 1) == a->depth &&
           (!near || tui_following(t) || (by < height && by > -height));
}

/* A place that is new: what lay ahead is forgotten, and the oldest where there
 * are too many. */
static void add(struct history *h, const struct place *p)
{
    while (h->n > h->at + 1)
        clear(&h->place[--h->n]);
    if (h->n == PLACES) {
        clear(&h->place[0]);
        memmove(h->place, h->place + 1, (PLACES - 1) * sizeof *h->place);
        h->n--;
    }
    h->at = h->n;
    h->place[h->n++] = *p;
}

void history_note(struct tui *t)
{
    struct history *h = t->history;
    struct place now = { 0 };

    if (!h && !(h = t->history = mem_calloc(1, sizeof *h)))
        return;                         /* without memory, no history */
    take(t, &now);
    if (h->n > 0 && !same(t, &now, &h->place[h->at], 0)) {
        if (h->at > 0 && same(t, &now, &h->place[h->at - 1], 0))
            h->at--;                    /* h is a step back as well */
        else if (h->at + 1 < h->n && same(t, &now, &h->place[h->at + 1], 0))
            h->at++;
    }
    if (h->n == 0 || !same(t, &now, &h->place[h->at], 1)) {
        add(h, &now);
        return;
    }
    clear(&h->place[h->at]);            /* as one walked on since */
    h->place[h->at] = now;
}

/* Opens view i of the place; 0: it has said why it cannot be. */
static int reopen(struct tui *t, const struct place *p, int i)
{
    const struct spot *s = &p->spot[i];
    struct view *v;

    if (s->words)
        snprintf(t->query, sizeof t->query, "%s", s->words);
    tui_push(t, s->ops, s->here);
    if (t->depth != i + 1)
        return 0;
    v = tui_top(t);
    v->at = s->at;
    return 1;
}

/* The view in the order that it had, and its row where there is no better
 * name for that. */
static void put_back(struct view *v, const struct spot *s, int kept)
{
    if (v->sort != s->sort || v->sorted_down != s->sorted_down) {
        v->sort = s->sort;
        v->sorted_down = s->sorted_down;
        v->list.stale = 1;
        if (v->ops->reload)
            v->ops->reload(v);
    }
    if (v->ops->fetch && (kept || !v->ops->here) && v->list.cur != s->row)
        list_goto(v, s->row);
}

void history_go(struct tui *t, int by)
{
    struct history *h = t->history;
    struct place now = { 0 };
    const struct place *p;
    int kept, to = h ? h->at + by : -1;

    if (!h || to < 0 || to >= h->n) {
        tui_say(t, by < 0 ? "This is the first place of all."
                          : "This is the last place where you were.");
        return;
    }
    h->at = to;
    p = &h->place[to];
    take(t, &now);
    kept = shared(p, &now, 0);
    clear(&now);
    while (t->depth > kept)
        tui_pop(t);
    for (int i = kept; i < p->depth; i++)
        if (!reopen(t, p, i))
            break;
    for (int i = 0; i < p->depth && i < t->depth; i++)
        put_back(t->stack[i], &p->spot[i], i < kept);
}
