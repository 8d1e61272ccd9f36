#include "engine/route_track.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

struct route_track {
    const struct route *route;
    const uint8_t *classes;
    int n_ctx, n;               /* tokens appended */
    int n_seen;                 /* of which `seen` and `fresh` know */
    int decided;                /* the last block that was; -1: anew */
    const uint8_t *forced;      /* [n_forced] modes */
    int n_forced;
    int32_t *id;                /* [n_ctx] */
    float *entropy;             /* [n_ctx] */
    uint8_t *fresh, *escalated; /* [n_ctx] */
    struct route_decision *block;   /* [n_ctx / 16 rounded up] */
    uint8_t seen[COMPLEXITY_SEEN_BYTES];
};

static size_t blocks(int n)
{
    return (size_t)(n + HOOK_BLOCK - 1) / HOOK_BLOCK;
}

enum sor_err route_track_open(const struct route *r, const uint8_t *classes,
                              int n_ctx, struct route_track **out,
                              struct sor_msg *msg)
{
    struct route_track *t = mem_calloc(1, sizeof *t);
    size_t n = (size_t)n_ctx;

    if (t) {
        t->route = r;
        t->classes = classes;
        t->n_ctx = n_ctx;
        t->decided = -1;
        t->id = mem_calloc(n, sizeof *t->id);
        t->entropy = mem_calloc(n, sizeof *t->entropy);
        t->fresh = mem_calloc(n, sizeof *t->fresh);
        t->escalated = mem_calloc(n, sizeof *t->escalated);
        t->block = mem_calloc(blocks(n_ctx), sizeof *t->block);
    }
    if (!t || !t->id || !t->entropy || !t->fresh || !t->escalated ||
        !t->block) {
        route_track_close(t);
        return sor_fail(msg, SOR_NOMEM, "routing: out of memory for a "
                        "timeline of %d tokens", n_ctx);
    }
    for (int i = 0; i < n_ctx; i++)
        t->entropy[i] = NAN;
    *out = t;
    return SOR_OK;
}

void route_track_close(struct route_track *t)
{
    if (!t)
        return;
    mem_free(t->id);
    mem_free(t->entropy);
    mem_free(t->fresh);
    mem_free(t->escalated);
    mem_free(t->block);
    mem_free(t);
}

/* --- what is known -------------------------------------------------------- */

void route_track_fork(struct route_track *dst, const struct route_track *src,
                      int n)
{
    size_t many = (size_t)n;

    memcpy(dst->id, src->id, many * sizeof *dst->id);
    memcpy(dst->entropy, src->entropy, many * sizeof *dst->entropy);
    memcpy(dst->fresh, src->fresh, many);
    memcpy(dst->escalated, src->escalated, many);
    memcpy(dst->block, src->block, blocks(n) * sizeof *dst->block);
    memcpy(dst->seen, src->seen, sizeof dst->seen);
    dst->n = src->n;
    dst->n_seen = src->n_seen;
    dst->decided = src->decided;
    dst->route = src->route;
    dst->forced = src->forced;
    dst->n_forced = src->n_forced;
    route_track_rewind(dst, n);
}

/* Trigrams cannot be taken back: where some went in that are gone, all go and
 * come back when next asked for. */
void route_track_rewind(struct route_track *t, int n)
{
    for (int i = n; i < t->n_ctx && (i < t->n || !isnan(t->entropy[i])); i++) {
        t->entropy[i] = NAN;
        t->escalated[i] = 0;
    }
    if (n < t->n)
        t->n = n;
    if (n <= t->decided * HOOK_BLOCK)
        t->decided = n > 0 ? (n - 1) / HOOK_BLOCK : -1;
    if (n < t->n_seen) {
        memset(t->seen, 0, sizeof t->seen);
        t->n_seen = 0;
    }
}

const struct route *route_track_policy(const struct route_track *t)
{
    return t->route;
}

void route_track_change(struct route_track *t, const struct route *r)
{
    t->route = r;
    t->decided = -1;
}

void route_track_force(struct route_track *t, const uint8_t *mode, int n)
{
    t->forced = mode;
    t->n_forced = n;
}

void route_track_note(struct route_track *t, int pos, float entropy)
{
    if (pos >= 0 && pos < t->n_ctx)
        t->entropy[pos] = entropy;
}

/* --- decisions ------------------------------------------------------------ */

static int mode_of(const struct route *r, float score)
{
    switch (r->choice) {
    case ROUTE_SPARSE: return HOOK_SPARSE;
    case ROUTE_HYBRID: return HOOK_HYBRID;
    case ROUTE_AUTO:
        return score < r->low ? HOOK_SPARSE : score < r->high ? HOOK_HYBRID
                                                              : HOOK_FULL;
    default:           return HOOK_FULL;
    }
}

/* Of the block that begins at or before pos, from what stands before it. */
static void decide(struct route_track *t, int block)
{
    struct complexity_past past = {
        .id = t->id, .entropy = t->entropy, .escalated = t->escalated,
        .classes = t->classes, .n = block * HOOK_BLOCK };
    struct route_decision *d = &t->block[block];

    for (; t->n_seen < past.n; t->n_seen++)
        t->fresh[t->n_seen] = (uint8_t)complexity_see(t->seen, t->id,
                                                      t->n_seen);
    complexity_parts(&past, t->fresh, d->part);
    d->score = complexity_score(&t->route->weights, d->part);
    d->mode = (uint8_t)mode_of(t->route, d->score);
    t->decided = block;
}

static struct route_turn turn_of(const struct route_track *t, int pos)
{
    const struct route_decision *d = &t->block[pos / HOOK_BLOCK];

    if (pos < t->n_forced)
        return (struct route_turn){ t->forced[pos], HOOK_BY_REPLAY, d };
    if (t->escalated[pos])
        return (struct route_turn){ HOOK_FULL, HOOK_BY_GUARD, d };
    return (struct route_turn){ d->mode,
                                t->route->choice == ROUTE_AUTO
                                    ? HOOK_BY_SCORE : HOOK_BY_POLICY, d };
}

struct route_turn route_track_next(struct route_track *t, int32_t id, int pos)
{
    t->id[pos] = id;
    t->escalated[pos] = 0;
    t->n = pos + 1;
    if (t->decided != pos / HOOK_BLOCK)
        decide(t, pos / HOOK_BLOCK);
    return turn_of(t, pos);
}

struct route_turn route_track_escalate(struct route_track *t, int pos)
{
    t->escalated[pos] = 1;
    return turn_of(t, pos);
}
