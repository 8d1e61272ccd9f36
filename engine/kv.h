/* engine/kv.h - the key/value cache: blocks of 16 tokens, shared by forks.
 *
 * A block holds the keys and values of 16 consecutive positions for every
 * layer and KV group.  Timelines hold references; a block with more than one
 * is copied before it is written.  Blocks live in chunks that are never moved
 * or given back before kv_close(), so a pointer into a block stays good.  Within
 * a chunk the blocks of one layer and group lie side by side: attention reads
 * them as one stream.  What a (block, layer, group) piece holds: kern.h.
 *
 * Hulls, where routing asked for them: of each full block, what its keys span
 * in every layer and group.  They live beside the pieces and go with the block
 * from one timeline to another. */
#ifndef ENGINE_KV_H
#define ENGINE_KV_H

#include <stdint.h>

#include "base/err.h"
#include "engine/kern.h"

struct kv;

struct kv_shape {
    int n_layer, n_group, head_dim;
    enum kern_kvtype type;
};

enum sor_err kv_open(const struct kv_shape *shape, struct kv **out,
                     struct sor_msg *msg);
void kv_close(struct kv *kv);                   /* accepts NULL */

/* A free block with one reference.  SOR_NOMEM says how much was in use. */
enum sor_err kv_take(struct kv *kv, int32_t *block, struct sor_msg *msg);
void kv_ref(struct kv *kv, int32_t block);
void kv_unref(struct kv *kv, int32_t block);
int kv_shared(const struct kv *kv, int32_t block);
/* dst becomes a copy of src. */
void kv_copy(struct kv *kv, int32_t dst, int32_t src);

/* The piece of one layer and group. */
void *kv_piece(const struct kv *kv, int32_t block, int layer, int group);

/* From now on blocks have hulls.  SOR_USAGE: some block is in use. */
enum sor_err kv_use_hulls(struct kv *kv, struct sor_msg *msg);
int kv_has_hulls(const struct kv *kv);
/* The hulls of the KERN_LANES blocks around this one (kern.h), whose own lane
 * is block % KERN_LANES. */
uint8_t *kv_hull(const struct kv *kv, int32_t block, int layer, int group);

int64_t kv_block_bytes(const struct kv_shape *shape);

#endif
