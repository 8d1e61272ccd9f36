/* engine/route_track.h - what routing knows of one timeline: its tokens so far,
 * what was decided of each block of positions, and which mode each token ran
 * in.
 *
 * A block is decided when its first token comes, from the tokens before it
 * alone, so that it does not matter how a text is cut into feeds.
 *
 * Ownership  the session's; the policy and the classes are borrowed.
 * Memory     all of it in route_track_open(), 14 bytes a token and 32 KB. */
#ifndef ENGINE_ROUTE_TRACK_H
#define ENGINE_ROUTE_TRACK_H

#include "base/err.h"
#include "engine/complexity.h"
#include "engine/route.h"

struct route_track;

/* For timelines of up to n_ctx tokens.  classes: of the vocabulary. */
enum sor_err route_track_open(const struct route *r, const uint8_t *classes,
                              int n_ctx, struct route_track **out,
                              struct sor_msg *msg);
void route_track_close(struct route_track *t);      /* accepts NULL */

/* dst, which is empty, comes to know the first n tokens of src. */
void route_track_fork(struct route_track *dst, const struct route_track *src,
                      int n);
void route_track_rewind(struct route_track *t, int n);

const struct route *route_track_policy(const struct route_track *t);
/* Another policy from the next token on. */
void route_track_change(struct route_track *t, const struct route *r);
/* The modes of positions 0..n-1 are these, whatever the policy says; borrowed
 * until the timeline has passed them. */
void route_track_force(struct route_track *t, const uint8_t *mode, int n);
/* The token at pos was drawn from a distribution with this entropy (nats). */
void route_track_note(struct route_track *t, int pos, float entropy);

/* How one token runs. */
struct route_turn {
    uint8_t mode, reason;       /* enum hook_mode, hook_reason */
    const struct route_decision *decision;  /* of its block */
};
/* Appends token `id`, the pos-th. */
struct route_turn route_track_next(struct route_track *t, int32_t id, int pos);
/* The guard sent the token at pos, which was appended, to full. */
struct route_turn route_track_escalate(struct route_track *t, int pos);

#endif
