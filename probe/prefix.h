/* probe/prefix.h - a recorded path up to a position, in the engine again.
 *
 * Every experiment starts here: the tokens of the path are fed once more and
 * what was recorded of them (the residual's digest in every layer, the digest
 * of the logits) is compared on the way, so that the experiment is known to
 * read the computation that was recorded.  A fork's altered heads and layers
 * are altered again.
 *
 * On another instruction set the bits differ; then `exact` is 0 and nothing
 * is compared.
 *
 * Ownership  prefix_release() frees; the engine is the caller's. */
#ifndef PROBE_PREFIX_H
#define PROBE_PREFIX_H

#include <stdint.h>

#include "base/err.h"
#include "engine/intervene.h"
#include "probe/record.h"

struct engine;
struct session;

/* What a fork altered from some position on, from its path's params:
 * {"heads":[[layer,head,from],..],"layers":[[layer,from],..]}, from: the
 * position it begins at. */
struct prefix_mask {
    struct intervene *iv;       /* [n] zeroed heads and layers */
    int n;
};
enum sor_err prefix_mask_parse(const char *params, struct prefix_mask *out,
                               struct sor_msg *msg);
/* The same JSON object of a mask, appended. */
void prefix_mask_print(const struct prefix_mask *m, struct str *out);
void prefix_mask_release(struct prefix_mask *m);

struct prefix {
    int64_t run_id, path_id, model_id;
    char uid[33], isa[96];      /* as recorded */
    int path, n_prompt;
    char *params;               /* of the path */
    struct record rec;          /* the whole path, from position 0 */
    int32_t *id;                /* [n_id] its tokens */
    uint16_t *depth;            /* [n_id] see struct record_row */
    int n_id;
    uint8_t *mode;              /* [n_id] that they ran in, enum hook_mode */

    struct prefix_mask mask;
    struct session *s;          /* after prefix_feed() */
    int exact;                  /* the bits are compared */
    int64_t n_compared;         /* digests that agreed */
    struct sor_msg differs;     /* the first that did not, or "" */
};

/* Reads the path's tokens; no engine yet.  SOR_NOTFOUND: none are recorded. */
enum sor_err prefix_load(struct db *d, int64_t run_id, int64_t path_id,
                         struct prefix *out, struct sor_msg *msg);
void prefix_release(struct prefix *p);          /* a zeroed one is fine */

/* SHA-256 of the tokens at 0..pos: what a result is stored under. */
void prefix_digest(const struct prefix *p, int pos, uint8_t out[32]);

/* Feeds the tokens from where p->s stands (nowhere yet: 0) up to but without
 * `to`.  also: another observer, for the same rows; may be NULL.  logits
 * [n_vocab] of the last row; NULL: none.  SOR_DIFFERS: not what was recorded,
 * msg says where. */
enum sor_err prefix_feed(struct prefix *p, struct engine *e, int to,
                         const struct hook_observer *also, float *logits,
                         struct sor_msg *msg);

#endif
