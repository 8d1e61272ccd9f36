#include "bench/routing_family.h"

#include <math.h>
#include <stdio.h>

enum { WIDE = 1 << 15 };        /* blocks: no limit */

/* The calibrated policy with the guard off: nothing is recomputed where a text
 * is read as a prompt. */
static struct route *reading(const struct routing_bench *b,
                             enum route_choice choice)
{
    struct route *r = routing_calibrated(b);

    r->choice = choice;
    r->unsure_entropy = r->unsure_margin = 0.0f;
    return r;
}

void routing_add_named(struct routing_bench *b, enum route_choice choice)
{
    routing_add(b, "router", route_choice_name(choice), reading(b, choice), 0);
}

void routing_add_thresholds(struct routing_bench *b, float times)
{
    struct route *r = reading(b, ROUTE_AUTO);
    char name[ROUTING_NAME];

    r->low = fminf(r->low * times, 1.0f);
    r->high = fminf(r->high * times, 1.0f);
    snprintf(name, sizeof name, "auto, thresholds %.3f %.3f",
             (double)r->low, (double)r->high);
    routing_add(b, "router", name, r, 0);
}

void routing_add_budget(struct routing_bench *b, int best)
{
    struct route *r = reading(b, ROUTE_SPARSE);
    struct route_mode *of = &r->mode[HOOK_SPARSE];
    char name[ROUTING_NAME];

    of->best = best;
    of->cap = ROUTE_DENSE_TIMES * best;
    snprintf(name, sizeof name, "sparse, %d and %d blocks", best, of->cap);
    routing_add(b, "sparse, other budgets", name, r, 0);
}

void routing_add_window(struct routing_bench *b, int last, int with_dense)
{
    struct route *r = reading(b, ROUTE_SPARSE);
    char name[ROUTING_NAME];

    r->last = last;
    r->mode[HOOK_SPARSE].best = 0;
    r->mode[HOOK_SPARSE].cap = with_dense ? WIDE : 0;
    if (!with_dense)
        r->mode[HOOK_SPARSE].n_dense = 0;
    snprintf(name, sizeof name, "first block, last %d%s", last,
             with_dense ? ", quarter dense" : "");
    routing_add(b, with_dense ? "windows, some dense" : "windows", name,
                r, 0);
}

void routing_add_eviction(struct routing_bench *b, int blocks)
{
    struct route *r = reading(b, ROUTE_SPARSE);
    char name[ROUTING_NAME];

    r->first = 0;
    r->last = blocks / 2;
    r->mode[HOOK_SPARSE] = (struct route_mode){ 0, blocks / 2, blocks / 2 };
    snprintf(name, sizeof name, "%d blocks kept", blocks);
    routing_add(b, "eviction", name, r, 1);
}

void routing_add_guarded(struct routing_bench *b, enum route_choice choice)
{
    struct route *r = routing_calibrated(b);
    char name[ROUTING_NAME];

    r->choice = choice;
    snprintf(name, sizeof name, "%s, guarded", route_choice_name(choice));
    routing_add(b, "router", name, r, 0);
}
