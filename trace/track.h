/* trace/track.h - what the recorder remembers of one path until it has ended:
 * its tokens, what each was given to attend to, and the text they make.
 *
 * Positions are absolute (the prompt counts).  A track holds those from
 * `from` on: a child's earlier ones are its parent's.
 *
 * Threads  made by the engine's thread; then the writer's alone, but for the
 *          fields in the first group, which never change, and `effort`.
 * Memory   sized for what the path announced; grows where it says more. */
#ifndef TRACE_TRACK_H
#define TRACE_TRACK_H

#include <stdint.h>

#include "base/str.h"
#include "db/pack.h"
#include "engine/hook.h"
#include "trace/drafting.h"
#include "trace/effort.h"

struct track_tok {
    int32_t id;                 /* -1: never told (records were lost) */
    uint8_t n_alt, is_written;
    uint8_t alt[HOOK_ALT_MAX * PACK_ALT_BYTES];     /* packed */
    float logprob, entropy;     /* NaN: not drawn from a distribution */
    uint32_t n_attn;            /* blocks of attention mass; 0: none */
    size_t attn;                /* where: bytes into track.attn */
    size_t at;                  /* byte of the text where it begins */
};

struct track {
    uint64_t tag;
    const struct track *parent; /* NULL: none */
    struct track *origin;       /* its parent where that is in another run: a
                                 * row's id and no tokens; else NULL */
    int ordinal, fork_pos, text_from;
    int64_t seed;
    char *kind, *params;

    struct effort effort;       /* the engine's thread's until the path ends */

    int64_t id;                 /* its row; 0: not written */
    int has_ended;
    int from;                   /* position of tok[0] */
    struct track_tok *tok;
    int n_tok, cap;
    struct drafting drafting;
    struct str attn;            /* u16 masses, 65535 = all; see track_tok */
};

struct track_spec {
    uint64_t tag;
    const struct track *parent;
    int64_t origin_id;          /* of a parent in another run; 0: none */
    int ordinal, fork_pos, text_from, max_tok;
    int64_t seed;
    const char *kind, *params;
};
/* NULL: out of memory. */
struct track *track_open(const struct track_spec *spec);
void track_close(struct track *t);      /* accepts NULL */

/* The token at pos, made if need be; NULL: before `from`, or no memory. */
struct track_tok *track_at(struct track *t, int pos);
/* The id at pos, the parent's where it is shared; -1: not known. */
int32_t track_id(const struct track *t, int pos);
int track_len(const struct track *t);   /* one past the last position */

/* Keeps n masses for the token at pos.  0, or -1: no memory. */
int track_attend(struct track *t, struct track_tok *k, const void *mass,
                 uint32_t n);

/* The bytes of a token; see struct rec_opts. */
struct track_pieces {
    const char *(*piece)(void *ud, int32_t id, size_t *n);
    int (*is_special)(void *ud, int32_t id);
    void *ud;
};
/* Appends the generated text to out and sets every token's `at`.  Bytes that
 * are no UTF-8 (and NUL, which SQL text cannot carry) become U+FFFD; a token
 * that begins inside a character begins where the character does. */
void track_text(struct track *t, const struct track_pieces *p,
                struct str *out);

/* Positions *from <= pos < *to whose tokens belong to bytes lo..hi of the
 * text, where tokens before position `start` are known not to.  A token
 * belongs where its first byte that is not white space stands; a token of
 * white space alone, or of no text, goes with the one before it. */
void track_span(const struct track *t, const struct str *text, size_t lo,
                size_t hi, int start, int *from, int *to);

struct track_prob { double mean, min; int min_pos, n; };
/* Log-probabilities of the tokens at from <= pos < to; NaN and -1 where none
 * has one. */
void track_prob(const struct track *t, int from, int to,
                struct track_prob *out);

#endif
