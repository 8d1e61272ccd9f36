#include "viz/ids.h"

#include <string.h>

#include "base/mem.h"

/* The names of one graph; name[i] is that of id 2i + 2.  Objects without a
 * name get odd ids, which cgraph shows as "%1".  The names are strings of
 * cgraph's own making, since agwrite() reads the count before each of them;
 * they go when the graph does. */
struct ids {
    Agraph_t *g;
    char **name;
    size_t n, cap;
    IDTYPE anonymous;
};

/* With room from the start, since agopen() leaks where it gets no id for the
 * graph's own name. */
static void *ids_open(Agraph_t *g, Agdisc_t *disc)
{
    enum { ROOM = 64 };
    struct ids *ids = mem_calloc(1, sizeof *ids);
    char **name = mem_calloc(ROOM, sizeof *name);

    (void)disc;
    if (!ids || !name) {
        mem_free(name);
        mem_free(ids);
        return NULL;
    }
    *ids = (struct ids){ .g = g, .name = name, .cap = ROOM };
    return ids;
}

/* ids is NULL where ids_open() failed: cgraph goes on all the same. */
static void ids_close(void *state)
{
    struct ids *ids = state;

    if (!ids)
        return;
    mem_free(ids->name);
    mem_free(ids);
}

/* 1 with the id of the name, made where `create` says so; 0: none. */
static long ids_map(void *state, int kind, char *name, IDTYPE *id, int create)
{
    struct ids *ids = state;

    (void)kind;
    if (!ids)
        return 0;
    if (!name) {
        *id = ids->anonymous++ * 2 + 1;
        return create;
    }
    for (size_t i = 0; i < ids->n; i++)
        if (!strcmp(ids->name[i], name)) {
            *id = i * 2 + 2;
            return 1;
        }
    if (!create)
        return 0;
    if (ids->n == ids->cap) {
        size_t cap = 2 * ids->cap;
        char **p = mem_realloc(ids->name, cap, sizeof *p);

        if (!p)
            return 0;
        ids->name = p;
        ids->cap = cap;
    }
    if (!(ids->name[ids->n] = agstrdup(ids->g, name)))
        return 0;
    *id = ids->n++ * 2 + 2;
    return 1;
}

static long ids_alloc(void *state, int kind, IDTYPE id)
{
    (void)state;
    (void)kind;
    (void)id;
    return 0;           /* nobody may bring an id of his own */
}

static void ids_free(void *state, int kind, IDTYPE id)
{
    (void)state;        /* a name keeps its number */
    (void)kind;
    (void)id;
}

static char *ids_print(void *state, int kind, IDTYPE id)
{
    struct ids *ids = state;

    (void)kind;
    return !ids || id % 2 || id / 2 > ids->n ? NULL : ids->name[id / 2 - 1];
}

static void ids_register(void *state, int kind, void *obj)
{
    (void)state;
    (void)kind;
    (void)obj;
}

Agiddisc_t ids_in_order = {
    ids_open, ids_map, ids_alloc, ids_free, ids_print, ids_close, ids_register
};

/* --- reading --------------------------------------------------------------- */

struct reader { const char *at; };

static int read_some(void *chan, char *buf, int size)
{
    struct reader *r = chan;
    size_t n = strlen(r->at), room = size > 0 ? (size_t)size : 0;

    n = n < room ? n : room;
    memcpy(buf, r->at, n);
    r->at += n;
    return (int)n;
}

static int write_none(void *chan, const char *s)
{
    (void)chan;
    (void)s;
    return 0;
}

static int flush_none(void *chan)
{
    (void)chan;
    return 0;
}

Agraph_t *ids_read(const char *dot)
{
    static Agiodisc_t io = { read_some, write_none, flush_none };
    Agdisc_t disc = { &AgMemDisc, &ids_in_order, &io };
    struct reader r = { dot };

    return agread(&r, &disc);
}
