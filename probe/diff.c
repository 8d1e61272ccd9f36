#include "probe/diff.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

/* After d edits, diagonal k = x - y is reached furthest at x = v[k + max]. */
struct search {
    const int32_t *a, *b;
    int n_a, n_b, max;
    int *v;                     /* [2 * max + 1] */
    int *trace;                 /* v[-d..d] after each d, one after the other:
                                 * d * d entries stand before those of d */
};

static int slide(const struct search *s, int x, int k)
{
    while (x < s->n_a && x - k < s->n_b && s->a[x] == s->b[x - k])
        x++;
    return x;
}

/* One round: every diagonal with d edits.  1: the end is reached. */
static int round_of(struct search *s, int d)
{
    int *v = s->v + s->max, done = 0;

    for (int k = -d; k <= d; k += 2) {
        int down = k == -d || (k != d && v[k - 1] < v[k + 1]);
        int x = down ? v[k + 1] : v[k - 1] + 1;

        v[k] = x = slide(s, x, k);
        done |= x >= s->n_a && x - k >= s->n_b;
    }
    memcpy(s->trace + (size_t)d * (size_t)d, v - d,
           ((size_t)2 * (size_t)d + 1) * sizeof *v);
    return done;
}

struct script {
    struct diff_run *run;
    int n, cap;
};

/* Puts a run in front: the script is found from its end. */
static int push(struct script *s, struct diff_run r)
{
    if (r.n_a == 0 && r.n_b == 0)
        return 0;
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 32;
        struct diff_run *more = mem_realloc(s->run, (size_t)cap,
                                            sizeof *more);
        if (!more)
            return -1;
        s->run = more;
        s->cap = cap;
    }
    struct diff_run *last = s->n ? &s->run[s->n - 1] : NULL;
    if (last && last->equal == r.equal && !r.equal &&
        (last->n_a > 0) == (r.n_a > 0)) {
        last->a = r.a;
        last->b = r.b;
        last->n_a += r.n_a;
        last->n_b += r.n_b;
        return 0;
    }
    s->run[s->n++] = r;
    return 0;
}

/* From (x, y), reached with d edits, back to the start. */
static int walk_back(const struct search *s, int d, int x, int y,
                     struct script *out)
{
    int bad = 0;

    for (; d > 0 && !bad; d--) {
        const int *v = s->trace + (size_t)(d - 1) * (size_t)(d - 1) + (d - 1);
        int k = x - y;
        int down = k == -d || (k != d && v[k - 1] < v[k + 1]);
        int from_x = down ? v[k + 1] : v[k - 1];
        int from_y = from_x - (down ? k + 1 : k - 1);
        int mid_x = down ? from_x : from_x + 1;
        int mid_y = down ? from_y + 1 : from_y;

        bad |= push(out, (struct diff_run){ mid_x, x - mid_x, mid_y,
                                            y - mid_y, 1 });
        bad |= push(out, down ? (struct diff_run){ from_x, 0, from_y, 1, 0 }
                              : (struct diff_run){ from_x, 1, from_y, 0, 0 });
        x = from_x;
        y = from_y;
    }
    return bad | push(out, (struct diff_run){ 0, x, 0, y, 1 });
}

static void reverse(struct script *s)
{
    for (int i = 0, j = s->n - 1; i < j; i++, j--) {
        struct diff_run t = s->run[i];

        s->run[i] = s->run[j];
        s->run[j] = t;
    }
}

/* The furthest point of the last round, where the search was cut. */
static void furthest(const struct search *s, int d, int *x, int *y)
{
    const int *v = s->trace + (size_t)d * (size_t)d + d;
    int best = -1;

    for (int k = -d; k <= d; k += 2)
        if (v[k] <= s->n_a && v[k] - k <= s->n_b && v[k] - k >= 0 &&
            2 * v[k] - k > best) {
            best = 2 * v[k] - k;
            *x = v[k];
            *y = v[k] - k;
        }
}

enum sor_err diff_ids(const int32_t *a, int n_a, const int32_t *b, int n_b,
                      struct diff_run **out, int *n, int *cut,
                      struct sor_msg *msg)
{
    int limit = n_a + n_b < DIFF_EDITS ? n_a + n_b : DIFF_EDITS;
    struct search s = { .a = a, .b = b, .n_a = n_a, .n_b = n_b,
                        .max = limit + 1 };
    struct script script = { NULL, 0, 0 };
    size_t side = (size_t)limit + 1;
    int d = 0, done = 0, x = n_a, y = n_b, bad;

    s.v = mem_calloc(2 * (size_t)s.max + 1, sizeof *s.v);
    s.trace = mem_alloc(side * side * sizeof *s.trace);
    if (!s.v || !s.trace) {
        mem_free(s.v);
        mem_free(s.trace);
        return sor_fail(msg, SOR_NOMEM, "out of memory to compare %d tokens "
                        "with %d", n_a, n_b);
    }
    while (!(done = round_of(&s, d)) && d < limit)
        d++;
    if (!done)
        furthest(&s, d, &x, &y);
    bad = push(&script, (struct diff_run){ n_a, 0, y, n_b - y, 0 }) |
          push(&script, (struct diff_run){ x, n_a - x, y, 0, 0 }) |
          walk_back(&s, d, x, y, &script);
    mem_free(s.v);
    mem_free(s.trace);
    if (bad) {
        mem_free(script.run);
        return sor_fail(msg, SOR_NOMEM, "out of memory for a script");
    }
    reverse(&script);
    *out = script.run;
    *n = script.n;
    *cut = !done;
    return SOR_OK;
}

int diff_partner(const struct diff_run *run, int n, int pos_a)
{
    for (int i = 0; i < n; i++)
        if (run[i].equal && pos_a >= run[i].a &&
            pos_a < run[i].a + run[i].n_a)
            return run[i].b + pos_a - run[i].a;
    return -1;
}
