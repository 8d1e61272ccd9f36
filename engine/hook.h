/* engine/hook.h - how the engine tells anyone what it just did.
 *
 * One observer, one callback, one event record.  The engine fills a struct
 * hook_event on its own stack and calls hook_emit(); with no observer, or
 * with the kind masked off, that is one load and one branch.  A fact that
 * nobody asked for is not computed.
 *
 * A row is one token of one timeline inside one forward pass.  Its events
 * come in this order, interleaved with those of the other rows of the pass:
 * HOOK_ROUTE, HOOK_HEAD..., HOOK_LAYER for layer 0, the same for layer 1,
 * ..., then HOOK_ATTN, then HOOK_ROW.  `row` numbers the rows of one pass from
 * 0 (< HOOK_ROWS_MAX); (tag, pos) names the row for good.  HOOK_TOKEN comes
 * from the generator, after the pass that made its logits: its pos is that of
 * the new token, whose own row follows in a later pass (or never, for the
 * last token of a path).  HOOK_JOIN and HOOK_BATCH come from it too.
 *
 * Tokens may be guessed ahead (draft.h).  The row of a guess says is_draft, and
 * its events are void unless a HOOK_DRAFT keeps it, before the next pass; the
 * HOOK_TOKENs of those kept come between.
 *
 * Ownership  every pointer in an event is borrowed and dies when the callback
 *            returns; an observer copies what it keeps.
 * Threads    called only from the thread that runs engine_step(), in
 *            execution order; seq rises by one per emitted event.
 * Errors     none: an observer cannot fail the forward pass.  It counts its
 *            own losses and reports them (see rec_stats()).
 * Includes   <stdint.h> only.  trace/ depends on this header and no other
 *            engine header; keep it so. */
#ifndef ENGINE_HOOK_H
#define ENGINE_HOOK_H

#include <stdint.h>

enum hook_kind {
    HOOK_ROUTE,     /* a computation was chosen     u.route */
    HOOK_HEAD,      /* a head attended              u.head  */
    HOOK_LAYER,     /* a block finished             u.layer */
    HOOK_ATTN,      /* where a row looked, by block u.attn  */
    HOOK_ROW,       /* a row left the last layer    u.row   */
    HOOK_TOKEN,     /* a token was chosen           u.token */
    HOOK_RESIDUAL,  /* the stream after a block     u.vec [n_embd]; layer -1:
                     * the embedding */
    HOOK_ATTENDED,  /* heads' outputs, before Wo    u.vec [n_head * head_dim] */
    HOOK_NEURONS,   /* silu(gate) * up, before Wdown  u.vec [n_ff] */
    HOOK_JOIN,      /* a path joined the batch      u.join  */
    HOOK_BATCH,     /* a step of the batch is done  u.batch */
    HOOK_DRAFT,     /* guesses were checked         u.draft */
    HOOK_KINDS
};

enum {
    HOOK_ROWS_MAX = 256,    /* rows in one forward pass */
    HOOK_BLOCK = 16,        /* tokens in a KV block, and in a route block */
    HOOK_ALT_MAX = 8,       /* alternatives in a HOOK_TOKEN */
    HOOK_TOP_MAX = 8        /* positions in a HOOK_HEAD */
};

enum hook_mode { HOOK_SPARSE, HOOK_HYBRID, HOOK_FULL };

enum hook_reason {          /* what decided a route */
    HOOK_BY_POLICY,         /* routing is off, or one mode was asked for */
    HOOK_BY_SCORE,          /* the complexity score against the thresholds */
    HOOK_BY_GUARD,          /* escalated: the routed result looked unsure */
    HOOK_BY_REPLAY          /* forced by a recorded run */
};

enum hook_part {            /* what a complexity score is made of */
    HOOK_PART_ENTROPY, HOOK_PART_TREND, HOOK_PART_NOVELTY,
    HOOK_PART_STRUCTURE, HOOK_PART_ESCALATED,
    HOOK_PARTS
};

/* One choice of computation, for one token in one layer. */
struct hook_route {
    uint8_t  mode;          /* enum hook_mode */
    uint8_t  reason;        /* enum hook_reason */
    float    score;         /* complexity, 0..1; 0 where nothing measured it */
    float    low, high;     /* the two thresholds it was held against */
    const float *part;      /* [HOOK_PARTS] 0..1 of the score, NaN where not
                             * known; NULL: nothing was measured */
    uint64_t dense;         /* bit g: KV group g is dense: it read every key,
                             * or as many blocks as its mode allows */
    uint32_t blocks_read;   /* KV blocks read, summed over groups */
    uint32_t compared;      /* blocks whose hulls were compared to choose
                             * them, likewise */
};

/* One head's attention for one query position, after softmax. */
struct hook_head {
    uint16_t head;          /* 0 .. n_head-1 */
    uint16_t n_top;         /* entries in pos[] and weight[] */
    const int32_t *pos;     /* [n_top] key positions, heaviest first */
    const float *weight;    /* [n_top] in 0..1; sum <= 1, rest is tail mass */
    float entropy;          /* nats over all keys, 0 = one key took all */
    /* The whole row: the weight of key k is exp(score[k] - max) / sum. */
    uint32_t n_key;
    const float *score;     /* [n_key] */
    float max, sum;
};

/* One block of the network, for one row.  A layer that a row left out is told
 * as one that changed nothing: no time, no attention. */
struct hook_layer {
    uint64_t ns;            /* wall time of the block over all rows / rows */
    float norm_in, norm_out;/* L2 norm of the residual stream */
    float attn_entropy;     /* nats, mean over heads */
    float exit_measure;     /* how sure the lens was; 0: it was not asked */
    uint8_t exit_here;      /* its output went to the output head early */
    uint8_t skipped;        /* the row had left before */
    uint32_t digest;        /* sum of the residual's float bits, mod 2^32 */
};

/* Attention mass by KV block, mean over all layers and heads of the row. */
struct hook_attn {
    uint32_t n_block;       /* ceil((pos + 1) / HOOK_BLOCK) */
    const float *mass;      /* [n_block], sums to 1 */
};

struct hook_row {
    int32_t  id;            /* the token that went in */
    uint8_t  has_logits;    /* the output head ran for this row */
    uint8_t  is_draft;      /* a guess: void unless a HOOK_DRAFT keeps it */
    uint16_t depth;         /* layers it went through where it left early
                             * (exit.h); 0: all */
    float    sure, enough;  /* then: how sure the lens was; what sufficed */
    int16_t  nan_layer;     /* first layer whose output has NaN/inf; -1 none */
    uint64_t digest;        /* XXH3-64 of the logits [n_vocab] f32; else 0 */
};

/* A token and the distribution it was drawn from.  Natural logs, of the
 * untempered softmax over the whole vocabulary. */
struct hook_token {
    int32_t id;
    float   logprob;        /* <= 0 */
    float   entropy;        /* nats */
    uint16_t n_alt;         /* entries below, most probable first */
    const int32_t *alt_id;  /* [n_alt] */
    const float *alt_logprob;
    uint8_t forced;         /* 1: given by the caller, not drawn */
};

/* A path took a seat in the batch; steps count from 0 in each batch. */
struct hook_join {
    int64_t step;           /* the first that it takes part in */
};

/* What a step was filled with. */
struct hook_batch {
    int64_t  step;
    uint16_t n_used, n_seat;    /* seats taken, of how many */
    uint16_t n_row, max_row;    /* rows in it, of how many */
};

/* Guesses at the tokens after pos, read together with the one at pos. */
struct hook_draft {
    uint16_t n, n_kept;     /* rows pos + 1 .. pos + n; the first n_kept of
                             * them stand, the others are void */
    uint8_t  source;        /* enum draft_source */
};

/* Raw activations of one row. */
struct hook_vec {
    uint32_t n;
    const float *v;         /* [n] */
};

struct hook_event {
    uint64_t seq;           /* order of emission within the engine, from 0 */
    uint64_t t_ns;          /* CLOCK_MONOTONIC at the start of the pass */
    uint64_t tag;           /* the caller's name for the timeline; never reused */
    int32_t  pos;           /* token position in the timeline */
    int32_t  row;           /* row of this pass; -1: of none */
    int16_t  layer;         /* 0 .. n_layer-1; -1 outside a block */
    enum hook_kind kind;
    union {
        struct hook_route route;
        struct hook_head  head;
        struct hook_layer layer;
        struct hook_attn  attn;
        struct hook_row   row;
        struct hook_token token;
        struct hook_vec   vec;
        struct hook_join  join;
        struct hook_batch batch;
        struct hook_draft draft;
    } u;
};

struct hook_observer {
    uint32_t mask;          /* bit (1u << kind): which events are wanted */
    void    *ud;
    void   (*on_event)(void *ud, const struct hook_event *ev);
};

static inline int hook_wants(const struct hook_observer *o, enum hook_kind k)
{
    return o && (o->mask >> k & 1u);
}

#endif
