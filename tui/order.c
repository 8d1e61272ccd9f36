#include "tui/order.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
    struct order_key key;
    int row, down;
};

/* As strcmp(), but a run of digits counts by its value. */
static int compare_text(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            char *end_a, *end_b;
            unsigned long x = strtoul(a, &end_a, 10);
            unsigned long y = strtoul(b, &end_b, 10);

            if (x != y)
                return x < y ? -1 : 1;
            a = end_a;
            b = end_b;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    return strcmp(a, b);
}

static int unknown(const struct order_key *k)
{
    return !k->text && isnan(k->number);
}

static int compare(const void *pa, const void *pb)
{
    const struct entry *a = pa, *b = pb;
    const struct order_key *x = &a->key, *y = &b->key;
    int by;

    if (unknown(x) || unknown(y)) {
        by = unknown(x) - unknown(y);
    } else {
        by = x->text && y->text ? compare_text(x->text, y->text)
           : (x->number > y->number) - (x->number < y->number);
        by = a->down ? -by : by;
    }
    return by ? by : a->row - b->row;
}

enum sor_err order_make(struct order *o, const struct view *v, int n,
                        struct order_key (*key)(const struct view *v, int row,
                                                int col))
{
    struct entry *e = mem_alloc(((size_t)n + 1) * sizeof *e);
    int *row = e ? mem_realloc(o->row, (size_t)n + 1, sizeof *row) : NULL;

    if (!row) {
        mem_free(e);
        return SOR_NOMEM;
    }
    for (int i = 0; i < n; i++)
        e[i] = (struct entry){ .row = i, .down = v->sorted_down,
            .key = v->sort < 0 ? (struct order_key){ NULL, i }
                               : key(v, i, v->sort) };
    qsort(e, (size_t)n, sizeof *e, compare);
    for (int i = 0; i < n; i++)
        row[i] = e[i].row;
    mem_free(e);
    o->row = row;
    o->n = n;
    return SOR_OK;
}

void order_release(struct order *o)
{
    mem_free(o->row);
    *o = (struct order){ 0 };
}

int order_find(const struct order *o, int row)
{
    for (int i = 0; i < o->n; i++)
        if (o->row[i] == row)
            return i;
    return 0;
}

int order_cmd(struct view *v, enum tui_cmd cmd, const int *cols)
{
    int i = 0;

    if (cmd == CMD_REVERSE) {
        v->sorted_down = !v->sorted_down;
        return 1;
    }
    if (cmd != CMD_SORT)
        return 0;
    while (cols[i] >= 0 && cols[i] != v->sort)
        i++;
    v->sort = cols[i] >= 0 && cols[i + 1] >= 0 ? cols[i + 1] : cols[0];
    return 1;
}
