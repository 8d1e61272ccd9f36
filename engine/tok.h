/* engine/tok.h - text to token ids and back: byte-level BPE as in GPT-2.
 *
 * Text is cut at special tokens (on request), then by the model's
 * pre-tokenizer regexes, and each piece is merged by rank.  Any bytes encode,
 * valid UTF-8 or not, and decoding the ids gives the same bytes back, but for
 * bytes that the vocabulary has no token for: those are dropped, as the
 * models' own tokenizers do (SmolLM2 lacks 21: six control characters and
 * lead bytes that hardly occur in text).
 *
 * Ownership  the tokenizer copies what it needs; the file may be closed.
 * Threads    read-only after tok_open(); encoding allocates per call.
 * Errors     SOR_NOMEM from anything that encodes; ids out of range are
 *            SOR_LIMIT.
 * Source     Sennrich et al. 2016 (BPE); Radford et al. 2019, section 2.2
 *            (bytes as the alphabet). */
#ifndef ENGINE_TOK_H
#define ENGINE_TOK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/gguf.h"

struct tok;

/* A growable list of token ids; {0} is an empty one. */
struct tok_ids {
    int32_t *id;
    size_t   n, cap;
};

enum sor_err tok_ids_push(struct tok_ids *ids, int32_t id);
void tok_ids_release(struct tok_ids *ids);      /* leaves an empty list */

/* Reads the vocabulary.  SOR_UNSUP: not a byte-level BPE, or an unknown
 * pre-tokenizer (named, with the known ones); SOR_FORMAT: inconsistent. */
enum sor_err tok_open(const struct gguf *g, struct tok **out,
                      struct sor_msg *msg);
void tok_close(struct tok *t);                  /* accepts NULL */

enum tok_flags {
    TOK_SPECIAL = 1,    /* control and user-defined tokens in the text become
                         * their ids; without it they are ordinary text */
    TOK_BOS = 2         /* the file's BOS first, if the file asks for one */
};

/* Appends the ids of text[0..n) to ids (grown as needed).  On failure ids is
 * as it was. */
enum sor_err tok_encode(const struct tok *t, const char *text, size_t n,
                        unsigned flags, struct tok_ids *ids);

/* The bytes of a token: borrowed from t, not NUL-terminated, maybe part of a
 * character; a control token gives its name.  NULL: id out of range. */
const char *tok_piece(const struct tok *t, int32_t id, size_t *len);

/* Appends the bytes of n ids to out.  SOR_LIMIT: an id out of range, none of
 * them appended; msg says which. */
enum sor_err tok_decode(const struct tok *t, const int32_t *id, size_t n,
                        struct str *out, struct sor_msg *msg);

/* Decoding one token at a time without ever splitting a character: bytes that
 * begin one but do not finish it wait for the next token.  {0} starts one. */
struct tok_stream {
    char    held[4];
    uint8_t n_held;
};

/* Appends what is now complete.  SOR_LIMIT: id out of range. */
enum sor_err tok_stream_put(const struct tok *t, struct tok_stream *s,
                            int32_t id, struct str *out);
void tok_stream_flush(struct tok_stream *s, struct str *out);   /* at the end */

uint32_t tok_n_vocab(const struct tok *t);
const char *tok_pre_name(const struct tok *t);  /* "smollm" */

/* -1 where the file has none. */
int32_t tok_bos(const struct tok *t);
int32_t tok_eos(const struct tok *t);
int32_t tok_eot(const struct tok *t);           /* end of turn */
int tok_adds_bos(const struct tok *t);          /* the file asks for a BOS */

/* 1 where the token ends generation: EOS, EOT or another known end of turn. */
int tok_is_eog(const struct tok *t, int32_t id);
/* 1 for control and user-defined tokens (never the product of plain text). */
int tok_is_special(const struct tok *t, int32_t id);

/* The id of the token with exactly this text (control tokens: its name), or
 * -1. */
int32_t tok_find(const struct tok *t, const char *text, size_t n);

#endif
