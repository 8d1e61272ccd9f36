#include "tui/fold.h"

#include "base/mem.h"

void fold_release(struct fold *f)
{
    mem_free(f->below);
    *f = (struct fold){ 0 };
}

void fold_items(struct fold *f, int n)
{
    if (n != f->n) {
        mem_free(f->below);
        f->below = NULL;
    }
    f->n = n;
}

/* Item numbers stand in rows by position; only `below` goes by number. */
static int number(const struct fold *f, int position)
{
    return f->order ? f->order->row[position] : position;
}

static int below(const struct fold *f, int position)
{
    return f->below ? f->below[number(f, position)] : 0;
}

int fold_item(const struct fold *f, struct fold_row at)
{
    return number(f, at.item);
}

int64_t fold_rows(const struct fold *f)
{
    int64_t rows = f->n;

    for (int i = 0; f->below && i < f->n; i++)
        rows += f->below[i];
    return rows;
}

struct fold_row fold_at(const struct fold *f, int64_t row)
{
    int i = 0;

    if (!f->below)
        return (struct fold_row){ row < f->n ? (int)row : f->n, -1 };
    while (i < f->n && row > below(f, i))
        row -= 1 + below(f, i++);
    return (struct fold_row){ i, (int)row - 1 };
}

int fold_open(const struct fold *f, struct fold_row at)
{
    return at.item < f->n && below(f, at.item) > 0;
}

struct fold_row fold_next(const struct fold *f, struct fold_row at)
{
    return at.child + 1 < below(f, at.item)
               ? (struct fold_row){ at.item, at.child + 1 }
               : (struct fold_row){ at.item + 1, -1 };
}

int64_t fold_find(const struct fold *f, struct fold_row at)
{
    int64_t row = 0;

    for (int i = 0; i < at.item && i < f->n; i++)
        row += 1 + below(f, i);
    if (at.item < f->n && at.child >= 0)
        row += 1 + (at.child < below(f, at.item) ? at.child
                                                 : below(f, at.item) - 1);
    return row;
}

static void set_rows(const struct fold *f, struct view *v, struct fold_row at)
{
    v->list.n = fold_rows(f);
    v->list.cur = fold_find(f, at);
    v->list.stale = 1;
}

void fold_recount(struct fold *f, struct view *v,
                  int (*count)(struct view *v, int item))
{
    struct fold_row at = fold_at(f, v->list.cur);

    for (int i = 0; f->below && i < f->n; i++)
        if (f->below[i])
            f->below[i] = count(v, i);
    set_rows(f, v, at);
}

static int any(const struct fold *f)
{
    for (int i = 0; i < f->n; i++)
        if (f->below[i])
            return 1;
    return 0;
}

int fold_cmd(struct fold *f, struct view *v, enum tui_cmd cmd,
             int (*count)(struct view *v, int item))
{
    struct fold_row at = fold_at(f, v->list.cur);
    int all = cmd == CMD_FOLD_ALL;

    if (!all && cmd != CMD_FOLD && cmd != CMD_UNFOLD)
        return 0;
    if (at.item >= f->n || (!f->below && !(f->below = mem_calloc((size_t)f->n,
                                               sizeof *f->below))))
        return 1;
    if (all && f->n > FOLD_ALL) {
        tui_say(v->t, "Over %d of them: + unfolds one at a time.", FOLD_ALL);
    } else if (all) {
        int unfold = !any(f);

        for (int i = 0; i < f->n; i++)
            f->below[i] = unfold ? count(v, i) : 0;
    } else {
        f->below[number(f, at.item)] =
            cmd == CMD_UNFOLD ? count(v, number(f, at.item)) : 0;
    }
    if (cmd != CMD_UNFOLD)
        at.child = -1;
    set_rows(f, v, at);
    return 1;
}
