/* Hostile GGUF files: each has one fault, put into a good model, and must be
 * refused by engine_open() in one sentence that names the file and what is
 * wrong; a few are odd but good, and must run.  None may crash, hang or ask
 * for much memory (the suite runs under the sanitizers too). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/hparams.h"
#include "engine/tok.h"
#include "tests/ggufedit.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"

enum op {
    MAGIC, VERSION, N_TENSOR, N_KV,     /* the header */
    KV_DROP, KV_TWICE, KV_RENAME, KV_KEYLEN, KV_TYPE,
    KV_U8, KV_U32, KV_I32, KV_U64, KV_I64, KV_F32, KV_F64, KV_BOOL, KV_STR,
    KV_STRLEN,                          /* the length a string claims */
    ARR_TYPE, ARR_COUNT, ARR_I32,       /* ARR_I32: its first element */
    ARR_STR,                            /* its first string */
    ARR_EMPTY,
    T_DROP, T_TWICE, T_RENAME, T_NAMELEN, T_NDIMS, T_DIM0, T_DIM1, T_DIM2,
    T_TYPE, T_OFFSET, T_ONTO,           /* T_ONTO: the data of tensor s */
    T_F32,                              /* element 1 of a vector */
    CUT, APPEND,                        /* bytes at the end */
    OPS
};

struct fault {
    enum op op;
    const char *at;             /* a key or a tensor */
    uint64_t v;
    const char *says;           /* NULL: a good file, which runs */
    const char *s;
    double f;
};

#define MAX64 UINT64_MAX
#define TOKENS "tokenizer.ggml.tokens"
#define TYPES "tokenizer.ggml.token_type"
#define MERGES "tokenizer.ggml.merges"
#define EPS "llama.attention.layer_norm_rms_epsilon"

static const struct fault header[] = {
    { MAGIC, .s = "GGUG", .says = "not a GGUF file" },
    { MAGIC, .s = "FUGG", .says = "not a GGUF file" },
    { MAGIC, .s = "ggml", .says = "not a GGUF file" },
    { MAGIC, .s = "\0\0\0\0", .says = "not a GGUF file" },
    { VERSION, .v = 0, .says = "version 0" },
    { VERSION, .v = 1, .says = "version 1" },
    { VERSION, .v = 2 },                    /* the same layout */
    { VERSION, .v = 4, .says = "version 4" },
    { VERSION, .v = 0x03000000, .says = "big-endian" },
    { VERSION, .v = 0xffffffff, .says = "version 4294967295" },
    { N_TENSOR, .v = 0, .says = "\"token_embd.weight\" is missing" },
    { N_TENSOR, .v = 1, .says = "is missing" },
    { N_TENSOR, .v = 1000, .says = "" },
    { N_TENSOR, .v = 65536, .says = "tensor count is 65536, but" },
    { N_TENSOR, .v = 65537, .says = "tensor count" },
    { N_TENSOR, .v = (uint64_t)1 << 32, .says = "tensor count" },
    { N_TENSOR, .v = (uint64_t)1 << 61, .says = "tensor count" },
    { N_TENSOR, .v = MAX64, .says = "tensor count" },
    { N_KV, .v = 0, .says = "" },
    { N_KV, .v = 1, .says = "" },
    { N_KV, .v = 1000, .says = "" },
    { N_KV, .v = 65536, .says = "metadata count is 65536, but" },
    { N_KV, .v = (uint64_t)1 << 32, .says = "metadata count" },
    { N_KV, .v = (uint64_t)1 << 63, .says = "metadata count" },
    { N_KV, .v = MAX64, .says = "metadata count" },
    { N_KV, .v = MAX64 / 13 + 1, .says = "metadata count" },
};

static const struct fault metadata[] = {
    { KV_DROP, "general.architecture", .says = "general.architecture" },
    { KV_STR, "general.architecture", .s = "", .says = "family \"\"" },
    { KV_STR, "general.architecture", .s = "gptneox", .says = "gptneox" },
    { KV_STR, "general.architecture", .s = "llama4", .says = "llama4" },
    { KV_STR, "general.architecture", .s = "\x1b[31mllama", .says = "family" },
    { KV_U32, "general.architecture", 1, .says = "general.architecture" },
    { KV_STRLEN, "general.architecture", MAX64, .says = "bytes" },
    { KV_STRLEN, "general.architecture", (uint64_t)1 << 40, .says = "bytes" },
    { KV_STRLEN, "general.name", MAX64 - 7, .says = "bytes" },
    { KV_KEYLEN, "general.name", 0, .says = "key length" },
    { KV_KEYLEN, "general.name", 65536, .says = "" },
    { KV_KEYLEN, "general.name", MAX64, .says = "a key" },
    { KV_RENAME, "general.name", .s = "general.architecture",
      .says = "twice" },
    { KV_RENAME, "general.name", .s = "general\nname", .says = "key" },
    { KV_RENAME, "general.name", .s = "gen\xff" "ral", .says = "key" },
    { KV_TWICE, "general.name", .says = "twice" },
    { KV_TWICE, "llama.block_count", .says = "twice" },
    { KV_TYPE, "general.name", 13, .says = "value type" },
    { KV_TYPE, "general.name", 0xffffffff, .says = "value type" },
    { KV_TYPE, "general.name", GGUF_V_ARR, .says = "" },
    { KV_TYPE, "llama.block_count", GGUF_V_STR, .says = "" },
    { KV_TYPE, "tokenizer.ggml.add_bos_token", GGUF_V_U64, .says = "" },
    { KV_BOOL, "tokenizer.ggml.add_bos_token", 2, .says = "bool" },
    { KV_BOOL, "general.flag", 255, .says = "bool" },
    { KV_U32, "tokenizer.ggml.add_bos_token", 1,
      .says = "tokenizer.ggml.add_bos_token" },
    { KV_U32, "general.alignment", 0, .says = "alignment" },
    { KV_U32, "general.alignment", 1, .says = "alignment" },
    { KV_U32, "general.alignment", 4, .says = "alignment" },
    { KV_U32, "general.alignment", 33, .says = "alignment" },
    { KV_U32, "general.alignment", 8192, .says = "alignment" },
    { KV_U32, "general.alignment", 0x80000000, .says = "alignment" },
    { KV_STR, "general.alignment", .s = "32", .says = "alignment" },
    { KV_I32, "general.alignment", (uint64_t)-32, .says = "alignment" },
    { KV_U32, "general.alignment", 64, .says = "" },    /* data at 32 */
    { KV_U32, "general.alignment", .v = 32 },
    { KV_U32, "split.count", .v = 1 },
    { KV_U32, "split.count", 2, .says = "one of 2 parts" },
    { KV_STR, "unknown.key", .s = "whatever" },
    { KV_U64, "unknown.number", .v = MAX64 },
    { KV_F32, "unknown.float", .f = NAN },
    { KV_STR, "tokenizer.chat_template", .s = "{{ system('id') }}" },
    { KV_DROP, .at = "general.name" },
};

static const struct fault numbers[] = {
    { KV_DROP, "llama.block_count", .says = "llama.block_count" },
    { KV_U32, "llama.block_count", 0, .says = "outside" },
    { KV_U32, "llama.block_count", 3, .says = "not part of" },
    { KV_U32, "llama.block_count", 5, .says = "is missing" },
    { KV_U32, "llama.block_count", 513, .says = "outside" },
    { KV_U32, "llama.block_count", 0xffffffff, .says = "outside" },
    { KV_I32, "llama.block_count", (uint64_t)-4, .says = "block_count" },
    { KV_U64, "llama.block_count", ((uint64_t)1 << 32) + 4,
      .says = "block_count" },
    { KV_F32, "llama.block_count", .f = 4, .says = "block_count" },
    { KV_STR, "llama.block_count", .s = "4", .says = "block_count" },
    { KV_U8, "llama.block_count", .v = 4 },
    { KV_I64, "llama.block_count", .v = 4 },
    { KV_DROP, "llama.context_length", .says = "context_length" },
    { KV_U32, "llama.context_length", 0, .says = "outside" },
    { KV_U32, "llama.context_length", 0xffffffff, .says = "outside" },
    { KV_DROP, "llama.embedding_length", .says = "embedding_length" },
    { KV_U32, "llama.embedding_length", 0, .says = "outside" },
    { KV_U32, "llama.embedding_length", 63, .says = "" },
    { KV_U32, "llama.embedding_length", 128, .says = "" },
    { KV_U32, "llama.embedding_length", (uint64_t)1 << 31, .says = "outside" },
    { KV_DROP, "llama.feed_forward_length", .says = "feed_forward_length" },
    { KV_U32, "llama.feed_forward_length", 0, .says = "outside" },
    { KV_U32, "llama.feed_forward_length", 129, .says = "ffn_" },
    { KV_U32, "llama.feed_forward_length", 0x7fffffff, .says = "outside" },
    { KV_DROP, "llama.attention.head_count", .says = "head_count" },
    { KV_U32, "llama.attention.head_count", 0, .says = "outside" },
    { KV_U32, "llama.attention.head_count", 3, .says = "" },
    { KV_U32, "llama.attention.head_count", 8, .says = "" },
    { KV_U32, "llama.attention.head_count", 0xffffffff, .says = "outside" },
    { KV_U32, "llama.attention.head_count_kv", 0, .says = "outside" },
    { KV_U32, "llama.attention.head_count_kv", 3, .says = "evenly" },
    { KV_U32, "llama.attention.head_count_kv", 4, .says = "attn_k" },
    { KV_U32, "llama.attention.head_count_kv", 8, .says = "" },
    { KV_U32, "llama.attention.key_length", 0, .says = "outside" },
    { KV_U32, "llama.attention.key_length", 15, .says = "" },
    { KV_U32, "llama.attention.key_length", 32, .says = "" },
    { KV_U32, "llama.attention.key_length", 0x10000, .says = "outside" },
    { KV_U32, "llama.attention.value_length", 8, .says = "values" },
    { KV_U32, "llama.rope.dimension_count", 0, .says = "outside" },
    { KV_U32, "llama.rope.dimension_count", 7, .says = "rotated" },
    { KV_U32, "llama.rope.dimension_count", 18, .says = "rotated" },
    { KV_U32, "llama.rope.dimension_count", 0xfffffffe, .says = "outside" },
    { KV_F32, "llama.rope.freq_base", .f = 0, .says = "freq_base" },
    { KV_F32, "llama.rope.freq_base", .f = -1, .says = "freq_base" },
    { KV_F32, "llama.rope.freq_base", .f = NAN, .says = "freq_base" },
    { KV_F32, "llama.rope.freq_base", .f = INFINITY, .says = "freq_base" },
    { KV_F64, "llama.rope.freq_base", .f = 1e300, .says = "freq_base" },
    { KV_STR, "llama.rope.freq_base", .s = "10000", .says = "freq_base" },
    { KV_F32, "llama.rope.freq_base", .f = 500000 },
    { KV_DROP, EPS, .says = EPS },
    { KV_U32, EPS, 1, .says = "is of type u32, not f32" },
    { KV_F32, EPS, .f = 0, .says = EPS },
    { KV_F32, EPS, .f = -1e-5, .says = EPS },
    { KV_F32, EPS, .f = NAN, .says = EPS },
    { KV_F32, EPS, .f = -INFINITY, .says = EPS },
    { KV_F32, EPS, .f = 1, .says = EPS },
    { KV_STR, "llama.rope.scaling.type", .s = "yarn", .says = "yarn" },
    { KV_STR, "llama.rope.scaling.type", .s = "linear",
      .says = "rope.scaling.factor" },
    { KV_F32, "llama.rope.scale_linear", .f = 0, .says = "scale_linear" },
    { KV_F32, "llama.rope.scale_linear", .f = NAN, .says = "scale_linear" },
    { KV_U32, "llama.expert_count", 8, .says = "experts" },
    { KV_U32, "llama.expert_count", .v = 0 },
    { KV_U32, "split.count", 2, .says = "parts" },
    { KV_U32, "llama.attention.sliding_window", 64,
      .says = "sliding_window" },
    { KV_BOOL, "llama.attention.causal", 0, .says = "causal" },
    { KV_BOOL, "llama.attention.causal", .v = 1 },
    { KV_F32, "llama.attention.scale", .f = 0.5, .says = "attention.scale" },
    { KV_F32, "llama.logit_scale", .f = 0.25, .says = "logit_scale" },
    { KV_F32, "llama.logit_scale", .f = 1 },
    { KV_F32, "llama.final_logit_softcapping", .f = 30,
      .says = "final_logit_softcapping" },
    { KV_U32, "llama.vocab_size", 0, .says = "vocab_size" },
    { KV_U32, "llama.vocab_size", 1, .says = "vocab_size" },
    { KV_U64, "llama.vocab_size", MAX64, .says = "vocab_size" },
    { KV_DROP, .at = "llama.vocab_size" },
};

static const struct fault tokenizer[] = {
    { KV_DROP, "tokenizer.ggml.model", .says = "tokenizer.ggml.model" },
    { KV_STR, "tokenizer.ggml.model", .s = "llama", .says = "tokenizer" },
    { KV_STR, "tokenizer.ggml.model", .s = "", .says = "tokenizer" },
    { KV_U32, "tokenizer.ggml.model", 2, .says = "tokenizer.ggml.model" },
    { KV_STR, "tokenizer.ggml.pre", .s = "no-such", .says = "no-such" },
    { KV_BOOL, "tokenizer.ggml.pre", 1, .says = "tokenizer.ggml.pre" },
    { KV_DROP, TOKENS, .says = TOKENS },
    { KV_STR, TOKENS, .s = "a", .says = TOKENS },
    { ARR_COUNT, TOKENS, 0, .says = "" },
    { ARR_COUNT, TOKENS, 1, .says = "" },
    { ARR_COUNT, TOKENS, (uint64_t)1 << 40, .says = "array count" },
    { ARR_COUNT, TOKENS, MAX64, .says = "array count" },
    { ARR_COUNT, TOKENS, MAX64 / 8 + 1, .says = "array count" },
    { ARR_TYPE, TOKENS, GGUF_V_ARR, .says = "array of arrays" },
    { ARR_TYPE, TOKENS, GGUF_V_U8, .says = "" },
    { ARR_TYPE, TOKENS, GGUF_VTYPES, .says = "element type" },
    { ARR_TYPE, TOKENS, 0xffffffff, .says = "element type" },
    { ARR_STR, TOKENS, MAX64, .says = "bytes" },
    { ARR_STR, TOKENS, (uint64_t)1 << 33, .says = "bytes" },
    { ARR_EMPTY, TOKENS, .says = "" },
    { ARR_COUNT, TYPES, 3, .says = "" },
    { ARR_EMPTY, TYPES, .says = "token types" },
    { ARR_TYPE, TYPES, GGUF_V_F32, .says = TYPES },
    { ARR_I32, TYPES, 7, .says = "token type" },
    { ARR_I32, TYPES, 0x7fffffff, .says = "token type" },
    { ARR_I32, TYPES, (uint64_t)-1, .says = "token type" },
    { KV_DROP, .at = TYPES },
    { KV_U32, TYPES, 1, .says = TYPES },
    { KV_DROP, MERGES, .says = MERGES },
    { KV_STR, MERGES, .s = "a b", .says = MERGES },
    { ARR_COUNT, MERGES, MAX64, .says = "array count" },
    { ARR_TYPE, MERGES, GGUF_V_I64, .says = "" },
    { ARR_STR, MERGES, 0, .says = "" },
    { KV_U32, "tokenizer.ggml.bos_token_id", 1 << 20, .says = "bos_token_id" },
    { KV_U32, "tokenizer.ggml.bos_token_id", 0xffffffff,
      .says = "bos_token_id" },
    { KV_I32, "tokenizer.ggml.bos_token_id", (uint64_t)-1,
      .says = "bos_token_id" },
    { KV_STR, "tokenizer.ggml.bos_token_id", .s = "1",
      .says = "bos_token_id" },
    { KV_U32, "tokenizer.ggml.eos_token_id", 100000, .says = "eos_token_id" },
    { KV_U64, "tokenizer.ggml.eos_token_id", ((uint64_t)1 << 32) + 2,
      .says = "eos_token_id" },
    { KV_U32, "tokenizer.ggml.padding_token_id", 100000,
      .says = "padding_token_id" },
    { KV_U32, "tokenizer.ggml.unknown_token_id", 100000,
      .says = "unknown_token_id" },
    { KV_U32, "tokenizer.ggml.eot_token_id", 100000, .says = "eot_token_id" },
    { KV_U32, "tokenizer.ggml.fim_pre_token_id", 100000,
      .says = "fim_pre_token_id" },
    { KV_DROP, .at = "tokenizer.chat_template" },
    { KV_U32, "tokenizer.chat_template", 7,
      .says = "tokenizer.chat_template" },
};

#define EMBD "token_embd.weight"
#define ATTN_Q "blk.1.attn_q.weight"
#define DOWN "blk.2.ffn_down.weight"
#define NORM "blk.0.attn_norm.weight"

static const struct fault tensors[] = {
    { T_DROP, EMBD, .says = EMBD },
    { T_DROP, NORM, .says = NORM },
    { T_DROP, ATTN_Q, .says = ATTN_Q },
    { T_DROP, "output_norm.weight", .says = "output_norm.weight" },
    { T_TWICE, ATTN_Q, .says = "" },
    { T_RENAME, ATTN_Q, .s = "blk.1.attn_q.bias", .says = "" },
    { T_RENAME, ATTN_Q, .s = "blk.9.attn_q.weight", .says = "" },
    { T_RENAME, ATTN_Q, .s = "blk.01.attn_q.weight", .says = "" },
    { T_RENAME, ATTN_Q, .s = "blk.-1.attn_q.weight", .says = "" },
    { T_RENAME, ATTN_Q, .s = "blk.1.attn_k.weight", .says = "twice" },
    { T_RENAME, ATTN_Q, .s = "x", .says = "" },
    { T_NAMELEN, ATTN_Q, 0, .says = "name length" },
    { T_NAMELEN, ATTN_Q, 64, .says = "" },
    { T_NAMELEN, ATTN_Q, MAX64, .says = "name" },
    { T_NAMELEN, ATTN_Q, (uint64_t)1 << 62, .says = "name" },
    { T_NDIMS, ATTN_Q, 0, .says = "dimensions" },
    { T_NDIMS, ATTN_Q, 1, .says = "" },
    { T_NDIMS, ATTN_Q, 3, .says = "" },
    { T_NDIMS, ATTN_Q, 5, .says = "dimensions" },
    { T_NDIMS, ATTN_Q, 0xffffffff, .says = "dimensions" },
    { T_DIM0, ATTN_Q, 0, .says = "dimension" },
    { T_DIM0, ATTN_Q, 32, .says = "" },
    { T_DIM0, ATTN_Q, 33, .says = "" },
    { T_DIM0, ATTN_Q, (uint64_t)1 << 62, .says = "" },
    { T_DIM0, ATTN_Q, MAX64, .says = "dimension" },
    { T_DIM1, ATTN_Q, 0, .says = "dimension" },
    { T_DIM1, ATTN_Q, 65, .says = "" },
    { T_DIM1, ATTN_Q, (uint64_t)1 << 60, .says = "" },
    { T_DIM1, ATTN_Q, (uint64_t)1 << 63, .says = "dimension" },
    { T_DIM0, EMBD, 96, .says = "" },
    { T_DIM1, EMBD, 100, .says = "the embedding has 100 rows" },
    { T_DIM1, EMBD, 1 << 21, .says = "" },
    { T_DIM0, NORM, 63, .says = NORM },
    { T_DIM0, NORM, (uint64_t)1 << 40, .says = "needs" },
    { T_TYPE, ATTN_Q, 4, .says = "type 4" },
    { T_TYPE, ATTN_Q, 31, .says = "type 31" },
    { T_TYPE, ATTN_Q, 42, .says = "type 42" },
    { T_TYPE, ATTN_Q, 1000, .says = "type 1000" },
    { T_TYPE, ATTN_Q, 0xffffffff, .says = "type 4294967295" },
    { T_TYPE, ATTN_Q, GGUF_I32, .says = "" },
    { T_TYPE, ATTN_Q, GGUF_F64, .says = "" },
    { T_TYPE, ATTN_Q, GGUF_IQ2_XS, .says = "" },
    { T_TYPE, ATTN_Q, GGUF_Q8_K, .says = "" },
    { T_TYPE, NORM, GGUF_F16, .says = "" },
    { T_TYPE, NORM, GGUF_Q8_0, .says = "" },
    { T_OFFSET, ATTN_Q, 1, .says = "multiple" },
    { T_OFFSET, ATTN_Q, 16, .says = "multiple" },
    { T_OFFSET, ATTN_Q, (uint64_t)1 << 40, .says = "needs" },
    { T_OFFSET, ATTN_Q, MAX64 - 31, .says = "needs" },
    { T_OFFSET, ATTN_Q, MAX64, .says = "" },
    { T_OFFSET, ATTN_Q, (uint64_t)1 << 63, .says = "needs" },
    { T_ONTO, ATTN_Q, .s = EMBD, .says = "overlap" },
    { T_ONTO, NORM, .s = "output_norm.weight", .says = "overlap" },
    { T_ONTO, DOWN, .s = ATTN_Q, .says = "overlap" },
    { T_F32, NORM, .f = NAN, .says = NORM },
    { T_F32, NORM, .f = INFINITY, .says = NORM },
    { T_F32, "output_norm.weight", .f = -NAN, .says = "output_norm" },
    { T_F32, "rope_freqs.weight", .f = 0, .says = "rope_freqs" },
    { T_F32, "rope_freqs.weight", .f = -1, .says = "rope_freqs" },
    { T_F32, "rope_freqs.weight", .f = NAN, .says = "rope_freqs" },
    { T_F32, "rope_freqs.weight", .f = 8 },
    { CUT, .v = 1, .says = "" },
    { CUT, .v = 32, .says = "" },
    { CUT, .v = 1000, .says = "" },
    { CUT, .v = 100000, .says = "" },
    { APPEND, .v = 1 },
    { APPEND, .v = 4096 },
};

/* --- making one ---------------------------------------------------------- */

static char path[64];
static struct str good;

static int setup(void **state)
{
    struct mkmodel_opts o = { .type = GGUF_Q4_0, .rope_freqs = 1 };

    (void)state;
    str_init(&good);
    mkmodel_bytes(&o, &good);
    return str_ok(&good) ? mkmodel_path(path) : -1;
}

static int teardown(void **state)
{
    (void)state;
    str_release(&good);
    return unlink(path);
}

static void put_text(struct str *out, const char *s)
{
    mkgguf_num(out, strlen(s), 8);
    str_puts(out, s);
}

static void put_float(struct str *out, double f, unsigned bytes)
{
    float narrow = (float)f;
    uint64_t bits = 0;

    if (bytes == 4)
        memcpy(&bits, &narrow, 4);
    else
        memcpy(&bits, &f, 8);
    mkgguf_num(out, bits, bytes);
}

/* Overwrites n bytes of a value. */
static void poke(struct str *s, size_t at, uint64_t v, unsigned n)
{
    assert_true(at + n <= s->len);
    for (unsigned i = 0; i < n; i++)
        s->p[at + i] = (char)(v >> 8 * i);
}

static struct ggufedit_kv *have_kv(struct ggufedit *e, const char *key)
{
    struct ggufedit_kv *kv = ggufedit_kv(e, key);

    if (!kv)
        fail_msg("the good model has no %s", key);
    return kv;
}

static void spoil_header(struct ggufedit *e, const struct fault *x)
{
    switch (x->op) {
    case MAGIC:    memcpy(e->magic, x->s, 4); break;
    case VERSION:  e->version = (uint32_t)x->v; break;
    case N_TENSOR: e->n_tensor = x->v; break;
    default:       e->n_kv = x->v; break;
    }
}

/* A value of another kind for the key. */
static void spoil_value(struct ggufedit *e, const struct fault *x)
{
    static const struct { uint32_t type; unsigned bytes; } of[OPS] = {
        [KV_U8] = { GGUF_V_U8, 1 },   [KV_U32] = { GGUF_V_U32, 4 },
        [KV_I32] = { GGUF_V_I32, 4 }, [KV_U64] = { GGUF_V_U64, 8 },
        [KV_I64] = { GGUF_V_I64, 8 }, [KV_F32] = { GGUF_V_F32, 4 },
        [KV_F64] = { GGUF_V_F64, 8 }, [KV_BOOL] = { GGUF_V_BOOL, 1 },
        [KV_STR] = { GGUF_V_STR, 0 },
    };
    struct ggufedit_kv *kv = ggufedit_set(e, x->at, of[x->op].type);

    if (x->op == KV_STR)
        put_text(&kv->value, x->s);
    else if (x->op == KV_F32 || x->op == KV_F64)
        put_float(&kv->value, x->f, of[x->op].bytes);
    else
        mkgguf_num(&kv->value, x->v, of[x->op].bytes);
}

/* A value is an array's type (4 bytes), count (8), elements. */
static void spoil_array(struct ggufedit *e, const struct fault *x)
{
    struct ggufedit_kv *kv = have_kv(e, x->at);

    switch (x->op) {
    case ARR_TYPE:  poke(&kv->value, 0, x->v, 4); break;
    case ARR_COUNT: poke(&kv->value, 4, x->v, 8); break;
    case ARR_I32:   poke(&kv->value, 12, x->v, 4); break;
    case ARR_STR:   poke(&kv->value, 12, x->v, 8); break;
    default:
        poke(&kv->value, 4, 0, 8);
        kv->value.len = 12;
        break;
    }
}

static void spoil_kv(struct ggufedit *e, const struct fault *x)
{
    struct ggufedit_kv *kv = have_kv(e, x->at), *twin;

    switch (x->op) {
    case KV_DROP:
        kv->gone = 1;
        e->n_kv--;
        break;
    case KV_TWICE:
        twin = ggufedit_add(e, x->at, kv->type);
        str_put(&twin->value, kv->value.p, kv->value.len);
        break;
    case KV_RENAME:
        str_clear(&kv->key);
        str_puts(&kv->key, x->s);
        kv->key_len = kv->key.len;
        break;
    case KV_KEYLEN: kv->key_len = x->v; break;
    case KV_TYPE:   kv->type = (uint32_t)x->v; break;
    default:        poke(&kv->value, 0, x->v, 8); break;
    }
}

static void spoil_tensor(struct ggufedit *e, const struct fault *x)
{
    struct ggufedit_tensor *t = ggufedit_tensor(e, x->at), *twin;

    if (!t)
        fail_msg("the good model has no %s", x->at);
    switch (x->op) {
    case T_DROP:
        t->gone = 1;
        e->n_tensor--;
        break;
    case T_TWICE:
        twin = &e->tensor[e->tensors++];
        *twin = *t;
        str_init(&twin->name);
        str_puts(&twin->name, x->at);
        e->n_tensor++;
        break;
    case T_RENAME:
        str_clear(&t->name);
        str_puts(&t->name, x->s);
        t->name_len = t->name.len;
        break;
    case T_NAMELEN: t->name_len = x->v; break;
    case T_NDIMS:   t->n_dims = (uint32_t)x->v; break;
    case T_DIM0:    t->dim[0] = x->v; break;
    case T_DIM1:    t->dim[1] = x->v; break;
    case T_DIM2:    t->dim[2] = x->v; break;
    case T_TYPE:    t->type = (uint32_t)x->v; break;
    case T_OFFSET:  t->offset = x->v; break;
    case T_ONTO:    t->offset = ggufedit_tensor(e, x->s)->offset; break;
    default: {
        struct str one;

        str_init(&one);
        put_float(&one, x->f, 4);
        memcpy(e->data.p + t->offset + 4, one.p, 4);
        str_release(&one);
        break;
    }
    }
}

static void spoil(const struct fault *x, struct str *out)
{
    struct ggufedit e;

    ggufedit_open(&e, &good);
    if (x->op <= N_KV)
        spoil_header(&e, x);
    else if (x->op >= KV_U8 && x->op <= KV_STR)
        spoil_value(&e, x);
    else if (x->op >= KV_DROP && x->op <= KV_STRLEN)
        spoil_kv(&e, x);
    else if (x->op >= ARR_TYPE && x->op <= ARR_EMPTY)
        spoil_array(&e, x);
    else if (x->op >= T_DROP && x->op <= T_F32)
        spoil_tensor(&e, x);
    ggufedit_write(&e, out);
    if (x->op == CUT)
        out->len -= (size_t)x->v;
    for (uint64_t i = 0; x->op == APPEND && i < x->v; i++)
        str_putc(out, 'x');
    ggufedit_close(&e);
}

/* --- meeting one --------------------------------------------------------- */

/* A good file computes. */
static void runs(struct engine *e)
{
    int32_t tok[3] = { 5, 6, 7 };
    int n_vocab = (int)engine_hparams(e)->n_vocab;
    float *logits = malloc((size_t)n_vocab * sizeof *logits);
    struct session *s = NULL;

    assert_non_null(logits);
    assert_int_equal(session_open(e, 1, 0, &s, NULL), SOR_OK);
    struct engine_feed feed = { .session = s, .tok = tok, .n_tok = 3,
                                .n_logits = 1, .logits = logits };
    assert_int_equal(engine_step(e, &feed, 1, NULL), SOR_OK);
    assert_true(isfinite(logits[0]));
    session_close(s);
    free(logits);
}

static void meet(const struct fault *x, int no)
{
    struct engine_opts opts = { .n_thread = 1, .n_ctx = 64 };
    struct engine *e = NULL;
    struct sor_msg msg = { "" };
    struct str bytes;

    str_init(&bytes);
    spoil(x, &bytes);
    assert_int_equal(mkgguf_save(path, &bytes, NULL), SOR_OK);
    str_release(&bytes);
    enum sor_err err = engine_open(path, &opts, &e, &msg);
    if (!err)
        runs(e);
    engine_close(e);
    if (!x->says && err)
        fail_msg("fault %d (%s): a good file is refused: %s", no,
                 x->at ? x->at : "", msg.text);
    if (!x->says)
        return;
    if (!err)
        fail_msg("fault %d, op %d (%s): taken for a good file", no, x->op,
                 x->at ? x->at : x->s ? x->s : "");
    if (!strstr(msg.text, x->says) || !strstr(msg.text, path))
        fail_msg("fault %d (%s): says \"%s\"", no, x->at ? x->at : "",
                 msg.text);
    assert_null(strchr(msg.text, '\n'));
    assert_null(strchr(msg.text, '\x1b'));
}

static void meet_all(const struct fault *x, size_t n)
{
    alarm(300);                 /* a hang is a failure too */
    for (size_t i = 0; i < n; i++)
        meet(&x[i], (int)i);
    alarm(0);
    print_message("%zu files\n", n);
}

#define MEET(x) meet_all(x, sizeof x / sizeof x[0])

static void the_good_model_runs(void **state)
{
    struct engine_opts opts = { .n_thread = 1, .n_ctx = 64 };
    struct engine *e = NULL;

    (void)state;
    assert_int_equal(mkgguf_save(path, &good, NULL), SOR_OK);
    assert_int_equal(engine_open(path, &opts, &e, NULL), SOR_OK);
    runs(e);
    engine_close(e);
}

static void a_file_taken_apart_and_put_together_is_the_same(void **state)
{
    struct ggufedit e;
    struct str out;

    (void)state;
    str_init(&out);
    ggufedit_open(&e, &good);
    ggufedit_write(&e, &out);
    ggufedit_close(&e);
    assert_int_equal(out.len, good.len);
    assert_memory_equal(out.p, good.p, good.len);
    str_release(&out);
}

/* More entries than any model has, in a file with room for them. */
static void too_many_entries(void **state)
{
    static const struct { uint64_t n_kv, n_tensor; const char *says; }
    many[] = {
        { GGUF_MAX_ENTRIES + 1, 1, "the metadata count is 65537, outside" },
        { 1, GGUF_MAX_ENTRIES + 1, "the tensor count is 65537, outside" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
        struct engine *e = NULL;
        struct sor_msg msg = { "" };
        struct ggufedit edit;
        struct str bytes;

        str_init(&bytes);
        ggufedit_open(&edit, &good);
        edit.n_kv = many[i].n_kv;
        edit.n_tensor = many[i].n_tensor;
        ggufedit_write(&edit, &bytes);
        ggufedit_close(&edit);
        for (int k = 0; k < 2 << 20; k++)
            str_putc(&bytes, '\0');
        assert_int_equal(mkgguf_save(path, &bytes, NULL), SOR_OK);
        str_release(&bytes);
        assert_int_equal(engine_open(path, NULL, &e, &msg), SOR_FORMAT);
        if (!strstr(msg.text, many[i].says))
            fail_msg("says \"%s\"", msg.text);
    }
}

/* The last tensor with a third or fourth dimension, and data for it. */
static void more_dimensions_than_a_matrix_has(void **state)
{
    (void)state;
    for (uint32_t d = 2; d < 4; d++) {
        struct engine *e = NULL;
        struct sor_msg msg = { "" };
        struct ggufedit edit;
        struct ggufedit_tensor *last;
        struct str bytes, twin;

        str_init(&bytes);
        str_init(&twin);
        ggufedit_open(&edit, &good);
        last = &edit.tensor[0];
        for (int i = 1; i < edit.tensors; i++)
            if (edit.tensor[i].offset > last->offset)
                last = &edit.tensor[i];
        for (uint32_t k = last->n_dims; k < 4; k++)
            last->dim[k] = 1;
        last->n_dims = 4;
        last->dim[d] = 2;
        str_put(&twin, edit.data.p + last->offset,
                edit.data.len - (size_t)last->offset);
        str_put(&edit.data, twin.p, twin.len);
        ggufedit_write(&edit, &bytes);
        ggufedit_close(&edit);
        assert_int_equal(mkgguf_save(path, &bytes, NULL), SOR_OK);
        str_release(&bytes);
        str_release(&twin);
        assert_int_equal(engine_open(path, NULL, &e, &msg), SOR_FORMAT);
        if (!strstr(msg.text, d == 2 ? " x 2 x 1, not " : " x 1 x 2, not "))
            fail_msg("says \"%s\"", msg.text);
    }
}

static void wrong_headers(void **state) { (void)state; MEET(header); }
static void wrong_metadata(void **state) { (void)state; MEET(metadata); }
static void wrong_numbers(void **state) { (void)state; MEET(numbers); }
static void wrong_tokenizers(void **state) { (void)state; MEET(tokenizer); }
static void wrong_tensors(void **state) { (void)state; MEET(tensors); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_good_model_runs),
        cmocka_unit_test(a_file_taken_apart_and_put_together_is_the_same),
        cmocka_unit_test(too_many_entries),
        cmocka_unit_test(more_dimensions_than_a_matrix_has),
        cmocka_unit_test(wrong_headers),
        cmocka_unit_test(wrong_metadata),
        cmocka_unit_test(wrong_numbers),
        cmocka_unit_test(wrong_tokenizers),
        cmocka_unit_test(wrong_tensors),
    };

    return cmocka_run_group_tests_name("hostile_gguf", tests, setup, teardown);
}
