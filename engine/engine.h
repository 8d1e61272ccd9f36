/* engine/engine.h - a loaded model and the timelines that run through it.
 *
 * engine   the model: weights, tokenizer, kernels, thread pool and scratch.
 * session  one timeline of tokens with its KV cache.  KV lives in blocks of
 *          16 tokens with reference counts, copied on write, so forks share
 *          what they have in common.
 *
 * Determinism  for one model file, KV type and ISA the logits are
 *          bit-identical whatever the thread count, the batch-mates, the
 *          chunking of the prompt and prefix reuse: every output element is
 *          reduced in one order fixed by its own coordinates.
 * Ownership  engine_open()/engine_close(); sessions close before their engine.
 * Threads  one thread at a time calls into an engine and its sessions; the
 *          pool is inside.  Different engines are independent.
 * Memory   no heap allocation inside engine_step() once the KV pool is warm. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/hook.h"

struct engine;
struct exit_rule;
struct session;
struct tok;
struct gguf;
struct model_hparams;
struct route;

struct engine_opts {
    int n_thread;           /* 0: as many as the machine has, at most 64 */
    int n_ctx;              /* longest timeline in tokens; 0: the model's */
    int isa_cap;            /* enum kern_isa + 1; 0: $SORITES_ISA or the best */
    int kv_type;            /* enum kern_kvtype; 0: f16 */
    double rope_scale;      /* over 1: positions are divided by it once more,
                             * for contexts over the trained length (linear
                             * interpolation, Chen et al. 2023); 0: as the model
                             * says */
    int narrow;             /* 1: activations in one byte where that will do
                             * (struct kern_acts); info.isa ends in +acts8 */
};

struct engine_info {
    const char *path, *name, *arch, *quant;     /* quant: commonest type */
    const char *isa, *kv_type;                  /* "avx512"; "f16", "q8" */
    int n_thread, n_ctx;
    int64_t file_bytes, weight_bytes;           /* weight_bytes: repacked */
};

/* One piece of work: append tokens to a timeline.  n_tok >= 1. */
struct engine_feed {
    struct session *session;
    const int32_t *tok;     /* [n_tok] ids in 0 .. n_vocab-1 */
    int n_tok;
    int n_logits;           /* the last n_logits rows get logits; 0 .. n_tok */
    float *logits;          /* [n_logits][n_vocab], the caller's */
    const struct exit_rule *exit;   /* rows may leave early (exit.h); each has
                             * a pass of its own.  NULL: they may not */
    const uint16_t *depth;  /* [n_tok] layers that each goes through, as they
                             * were recorded; 0: all.  NULL: all of all */
    int n_draft;            /* the last n_draft tokens are guesses: their rows
                             * are told as such (hook_row.is_draft) */
    int n_layer;            /* > 0: a guess is wanted of the first n_layer
                             * layers and the output head.  Nobody is told, and
                             * K/V of later layers are left out: rewind */
};

/* 1 where a recorded info.isa says that `narrow` was set. */
int engine_isa_narrow(const char *isa);

enum sor_err engine_open(const char *path, const struct engine_opts *opts,
                         struct engine **out, struct sor_msg *msg);
void engine_close(struct engine *e);            /* accepts NULL */

const struct engine_info *engine_info(const struct engine *e);
const struct model_hparams *engine_hparams(const struct engine *e);
const struct tok *engine_tok(const struct engine *e);
const struct gguf *engine_gguf(const struct engine *e);

/* From now on the layers' products at positions 0 .. n_pos-1 of every timeline
 * go through OpenBLAS (blas.h): for prompts of float models.  info.isa becomes
 * "avx512+OpenBLAS 0.3.21 ...", as the bits are no longer ours alone; they are
 * the same for any cutting, mates and threads all the same.  0: not at all.
 * SOR_UNSUP: quantised matrices, adapters, no library or one that computes
 * wrongly. */
enum sor_err engine_blas(struct engine *e, int n_pos, struct sor_msg *msg);

/* Watches every later pass; NULL stops watching.  *o is copied.  SOR_NOMEM: no
 * scratch for what its mask asks; then the observer before stays. */
enum sor_err engine_observe(struct engine *e, const struct hook_observer *o,
                            struct sor_msg *msg);

/* New timelines are routed by r (route.h), which is borrowed until they close;
 * NULL or a choice of off: they read all.  SOR_USAGE: the first call comes
 * after a timeline has tokens; SOR_NOMEM. */
enum sor_err engine_route(struct engine *e, const struct route *r,
                          struct sor_msg *msg);

/* The same; r is the engine's from now on, whatever comes back, and closes with
 * it.  Once an engine. */
enum sor_err engine_give_route(struct engine *e, struct route *r,
                               struct sor_msg *msg);

/* Emits ev to the observer if it wants ev->kind; fills seq.  For the
 * generator, which alone emits HOOK_TOKEN. */
void engine_emit(struct engine *e, struct hook_event *ev);

/* An empty timeline.  tag: the caller's name for it in events, never reused.
 * n_reserve: tokens whose KV blocks are allocated now (a hint; 0 is fine). */
enum sor_err session_open(struct engine *e, uint64_t tag, int n_reserve,
                          struct session **out, struct sor_msg *msg);
/* A timeline that shares the first `pos` tokens of s (0 <= pos <= length). */
enum sor_err session_fork(struct session *s, uint64_t tag, int pos,
                          struct session **out, struct sor_msg *msg);
/* Forgets everything from `pos` on. */
void session_rewind(struct session *s, int pos);
void session_close(struct session *s);          /* accepts NULL */

/* Another policy from the next token on; for timelines that have one. */
enum sor_err session_route(struct session *s, const struct route *r,
                           struct sor_msg *msg);
/* Positions 0..n-1 of a routed timeline run in these modes (enum hook_mode),
 * and no guard looks at them; borrowed until the timeline has passed them, and
 * inherited by forks. */
void session_force(struct session *s, const uint8_t *mode, int n);
/* The token at pos was drawn from a distribution with this entropy, nats: what
 * the complexity of later blocks is made from.  Called before the token after
 * it goes in; does nothing where the timeline is not routed. */
void session_note(struct session *s, int pos, float entropy);

int session_len(const struct session *s);       /* tokens in its KV */
uint64_t session_tag(const struct session *s);

/* Runs all feeds; each session may appear once.  A feed may be of any length;
 * the engine cuts the work into passes.  Nothing has been appended where an
 * error is returned: SOR_LIMIT (over n_ctx), SOR_USAGE (id out of range),
 * SOR_NOMEM (KV). */
enum sor_err engine_step(struct engine *e, const struct engine_feed *feed,
                         int n_feed, struct sor_msg *msg);

/* The engine's threads, for loops beside a pass (sampling many paths). */
struct pool *engine_pool(const struct engine *e);

/* Bytes of KV that n_tok tokens take; for messages and `info`. */
int64_t engine_kv_bytes(const struct engine *e, int64_t n_tok);

#endif
