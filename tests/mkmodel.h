/* tests/mkmodel.h - makes a small llama-family model of random weights, under
 * 1 MB, so that tests run the whole path without the real one.
 *
 * The tokenizer is a real byte-level BPE: all 256 bytes, some merges of common
 * English words, and the markers of every chat template that the engine knows.
 * The same options give the same bytes. */
#ifndef TESTS_MKMODEL_H
#define TESTS_MKMODEL_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/chat.h"

/* For .type: the embedding Q8_0, the matrices all known types in turn. */
enum { MKMODEL_MIXED = -1 };

/* Zero: the default in brackets. */
struct mkmodel_opts {
    uint64_t seed;
    int type;                   /* enum gguf_type of the matrices [F32] */
    int n_layer;                /* [4] */
    int n_head, n_head_kv;      /* [4] [2]; the embedding is n_head * 16 */
    int n_ff;                   /* [128]; a multiple of 32 */
    int n_ctx;                  /* [512] */
    int untied;                 /* 1: output.weight of its own */
    int rope_freqs;             /* 1: rope_freqs.weight, as in Llama 3 */
    int poison;                 /* l + 1: a NaN in layer l's ffn_down */
    enum chat_kind chat;        /* whose template and BOS/EOS [ChatML];
                                 * CHAT_KINDS: no template */
    const char *pre;            /* tokenizer.ggml.pre ["smollm"] */
};

enum sor_err mkmodel(const char *path, const struct mkmodel_opts *o,
                     struct sor_msg *msg);

/* The same, appended to out (str_ok() says whether memory sufficed). */
void mkmodel_bytes(const struct mkmodel_opts *o, struct str *out);

/* A path of its own under $TMPDIR for one model; remove it with unlink(). */
int mkmodel_path(char path[64]);

#endif
