/* db/tvf_step.c - ancestor_step() and descendant_step(): what a step of
 * reasoning rests on, and what rests on it, over any number of edges. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "db/tvf.h"

/* A step that was reached, over the shortest way. */
struct reached { sqlite3_int64 id, via, edge; int depth; };

/* Breadth first: found[0] is where it starts, found[0..n_out) have been
 * returned, the neighbours of found[0..n_open) have all been found. */
struct walk {
    struct tvf_cursor c;
    struct reached *found;
    size_t n, cap, n_out, n_open;
    uint32_t *slot;                     /* [n_slot] 1 + index in found; or 0 */
    size_t n_slot;                      /* a power of two, over twice n */
};

/* --- the set of those found ---------------------------------------------- */

/* Fibonacci hashing (Knuth, TAOCP vol. 3, 6.4), then linear probing. */
static uint32_t *slot_of(const struct walk *w, sqlite3_int64 id)
{
    size_t i = (size_t)((uint64_t)id * 0x9e3779b97f4a7c15u >> 32);

    for (;; i++) {
        uint32_t *s = &w->slot[i & (w->n_slot - 1)];

        assert(w->slot);
        if (!*s || w->found[*s - 1].id == id)
            return s;
    }
}

static int grow(struct walk *w)
{
    size_t cap = w->cap ? 2 * w->cap : 32;
    struct reached *found = sqlite3_realloc64(w->found, cap * sizeof *found);
    uint32_t *slot;

    if (!found)
        return SQLITE_NOMEM;
    w->found = found;
    slot = sqlite3_realloc64(w->slot, 4 * cap * sizeof *slot);
    if (!slot)
        return SQLITE_NOMEM;
    w->slot = slot;
    w->cap = cap;
    w->n_slot = 4 * cap;
    memset(slot, 0, w->n_slot * sizeof *slot);
    for (size_t i = 0; i < w->n; i++)
        *slot_of(w, found[i].id) = (uint32_t)i + 1;
    return SQLITE_OK;
}

static int add(struct walk *w, struct reached r)
{
    uint32_t *s;

    if (w->n == w->cap && grow(w) != SQLITE_OK)
        return SQLITE_NOMEM;
    s = slot_of(w, r.id);
    if (!*s) {
        w->found[w->n++] = r;
        *s = (uint32_t)w->n;
    }
    return SQLITE_OK;
}

/* --- the walk ------------------------------------------------------------ */

static int filter(struct tvf_cursor *c, const char *neighbours)
{
    struct walk *w = (struct walk *)c;
    struct reached start = { 0 };
    int rc = tvf_step(c, 0, &start.id);

    w->n = w->n_out = w->n_open = 0;
    if (w->slot)
        memset(w->slot, 0, w->n_slot * sizeof *w->slot);
    if (rc || (rc = add(w, start)) || (rc = tvf_prepare(c, 0, neighbours)) ||
        (rc = tvf_prepare(c, 1, "SELECT kind, weight, measured FROM edge "
                                "WHERE id = ?1")))
        return rc;
    w->n_out = 1;                       /* a step is not its own ancestor */
    if (tvf_given(c, 1))
        sqlite3_bind_value(c->st[0], 2, c->arg[1]);
    else
        sqlite3_bind_null(c->st[0], 2);
    return SQLITE_OK;
}

/* Adds the neighbours of found[n_open]. */
static int open_one(struct walk *w)
{
    sqlite3_stmt *st = w->c.st[0];
    struct reached from = w->found[w->n_open++];
    int rc;

    sqlite3_reset(st);
    sqlite3_bind_int64(st, 1, from.id);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct reached to = { .id = sqlite3_column_int64(st, 0),
                              .edge = sqlite3_column_int64(st, 1),
                              .via = from.id, .depth = from.depth + 1 };
        if (add(w, to) != SQLITE_OK)
            return SQLITE_NOMEM;
    }
    return rc == SQLITE_DONE ? SQLITE_OK : tvf_error(&w->c, rc);
}

static int next(struct tvf_cursor *c)
{
    struct walk *w = (struct walk *)c;
    int rc;

    while (w->n_out == w->n) {
        if (w->n_open == w->n)
            return SQLITE_DONE;
        if ((rc = open_one(w)) != SQLITE_OK)
            return rc;
    }
    sqlite3_reset(c->st[1]);
    sqlite3_bind_int64(c->st[1], 1, w->found[w->n_out++].edge);
    rc = sqlite3_step(c->st[1]);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_ROW
                                                 : tvf_error(c, rc);
}

static void column(struct tvf_cursor *c, sqlite3_context *to, int i)
{
    const struct walk *w = (const struct walk *)c;
    const struct reached *r = &w->found[w->n_out - 1];

    switch (i) {
    case 0: sqlite3_result_int64(to, r->id); break;
    case 1: sqlite3_result_int(to, r->depth); break;
    case 2: sqlite3_result_int64(to, r->via); break;
    case 3: case 4: case 5:
        sqlite3_result_value(to, sqlite3_column_value(c->st[1], i - 3));
    default: break;
    }
}

static void release(struct tvf_cursor *c)
{
    struct walk *w = (struct walk *)c;

    sqlite3_free(w->found);
    sqlite3_free(w->slot);
}

/* --- the two directions -------------------------------------------------- */

static int up(struct tvf_cursor *c)
{
    return filter(c, "SELECT src_id, id FROM edge WHERE dst_kind = 'step' AND "
                     "dst_id = ?1 AND src_kind = 'step' AND "
                     "(?2 IS NULL OR kind = ?2) ORDER BY id");
}

static int down(struct tvf_cursor *c)
{
    return filter(c, "SELECT dst_id, id FROM edge WHERE src_kind = 'step' AND "
                     "src_id = ?1 AND dst_kind = 'step' AND "
                     "(?2 IS NULL OR kind = ?2) ORDER BY id");
}

#define WALK                                                                \
    .columns = "id, depth, via, kind, weight, measured",                   \
    .args = "step, edges", .n_column = 6, .n_arg = 2, .n_need = 1,         \
    .n_row = 25, .cursor_bytes = sizeof(struct walk), .next = next,        \
    .column = column, .release = release

const struct tvf tvf_ancestor_step =
    { .name = "ancestor_step", .filter = up, WALK };
const struct tvf tvf_descendant_step =
    { .name = "descendant_step", .filter = down, WALK };
