/* engine/tok_impl.h - the tokenizer's insides, for tok.c and tok_open.c only.
 *
 * DESIGN  Files spell byte-level tokens in GPT-2's alphabet, which gives each
 * of the 256 bytes a printable character.  Tokens are turned back into bytes
 * once, at open; from then on everything is bytes and ids.  A token is a MARK
 * (control, user-defined, unknown: found only as a whole, only on request) or
 * TEXT (a product of merges); the look-up keeps the two apart, so that text
 * which spells a mark never becomes one by accident. */
#ifndef ENGINE_TOK_IMPL_H
#define ENGINE_TOK_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/tok.h"

enum { TOK_MARK_MAX = 255 };    /* bytes in a mark */

enum tok_kind {
    TOK_TEXT = 1,
    TOK_MARK = 2,
    TOK_DEAD = 4,               /* listed as unused: has an id, never found */
    TOK_EOG = 8                 /* a flag on top: ends generation */
};

struct tok {
    uint32_t  n_vocab;
    char     *bytes;            /* of all tokens, joined */
    uint32_t *start;            /* [n_vocab + 1] into bytes */
    uint8_t  *kind;             /* [n_vocab] */
    uint32_t *slot;             /* [mask + 1] id + 1, or 0: by bytes and kind */
    size_t    mask;
    int32_t   byte[256];        /* the token of one byte, or -1 */
    uint8_t   mark_first[256];  /* 1: some mark starts with this byte */
    uint8_t   mark_len[TOK_MARK_MAX + 1];   /* 1: some mark has this length */
    int32_t   bos, eos, eot;
    int       add_bos;
    struct tok_pre *pre;
    struct tok_bpe *bpe;
};

/* The slot of the token with these bytes and of this kind (TEXT or MARK), or
 * the free one where it would go. */
uint32_t *tok_slot(const struct tok *t, const char *p, size_t n,
                   enum tok_kind kind);

/* Its id, or -1. */
int32_t tok_lookup(const struct tok *t, const char *p, size_t n,
                   enum tok_kind kind);

#endif
