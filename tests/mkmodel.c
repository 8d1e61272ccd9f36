/* tests/mkmodel.c - see mkmodel.h. */
#include "tests/mkmodel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/gguf.h"
#include "engine/half.h"
#include "tests/mkgguf.h"

enum { HEAD_DIM = 16, BLOCK = 32 };

/* --- the tokenizer ------------------------------------------------------- */

static const char *const marks[] = {
    "<|endoftext|>", "<|im_start|>", "<|im_end|>",
    "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
    "<|eot_id|>",
    "<\uFF5Cbegin\u2581of\u2581sentence\uFF5C>",
    "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
    "<\uFF5CUser\uFF5C>", "<\uFF5CAssistant\uFF5C>", "<think>", "</think>",
};
enum { MARKS = sizeof marks / sizeof marks[0] };

/* By chat_kind: template, and BOS and EOS as indices into marks. */
static const struct { const char *tmpl; uint32_t bos, eos; }
chats[CHAT_KINDS] = {
    [CHAT_CHATML] = { "{% for message in messages %}{{'<|im_start|>' + "
        "message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
        "{% endfor %}", 1, 2 },
    [CHAT_LLAMA3] = { "{{ '<|start_header_id|>' + message['role'] + "
        "'<|end_header_id|>\n\n' + message['content'] | trim + "
        "'<|eot_id|>' }}", 3, 6 },
    [CHAT_DEEPSEEK] = { "{{ '<\uFF5CUser\uFF5C>' + message['content'] + "
        "'<\uFF5CAssistant\uFF5C><think>\\n' }}", 7, 8 },
};

/* Each word gives the merges that build it from the left. */
static const char *const words[] = {
    " the", " of", " and", " to", " in", " is", " that", " for", " it", " be",
    " this", " not", " or", " by", " with", " as", " are", " party", " shall",
    " any", " agreement", " information", " contract", " clause", " term",
    " step", " answer", " because", " therefore", " yes", " no", "The", "Step",
    "user", "assistant", "system", "is", "ing", "er", "on", "an", "re", "at",
    "\n\n",
};
enum { WORDS = sizeof words / sizeof words[0] };

/* A vocabulary as the file wants it: NUL-terminated strings in a row. */
struct vocab {
    struct str tokens, merges;
    uint64_t   n_token, n_merge;
};

/* Appends the character of GPT-2's alphabet for one byte: see tok_open.c. */
static void spell(struct str *out, uint8_t byte)
{
    uint32_t cp = byte, hidden = 0;
    char utf8[4];

    if (byte <= 0x20 || (byte >= 0x7f && byte <= 0xa0) || byte == 0xad) {
        for (uint32_t b = 0; b < byte; b++)
            hidden += b <= 0x20 || (b >= 0x7f && b <= 0xa0) || b == 0xad;
        cp = 256 + hidden;
    }
    str_put(out, utf8, utf8_put(cp, utf8));
}

static int has_token(const struct vocab *v, const char *token)
{
    const char *p = v->tokens.p;

    for (uint64_t i = 0; i < v->n_token; i++, p += strlen(p) + 1)
        if (strcmp(p, token) == 0)
            return 1;
    return 0;
}

static void add_word(struct vocab *v, const char *word)
{
    struct str left, right;

    str_init(&left);
    str_init(&right);
    spell(&left, (uint8_t)word[0]);
    for (const char *p = word + 1; *p && str_ok(&left); p++) {
        str_clear(&right);
        spell(&right, (uint8_t)*p);
        size_t at = left.len;
        str_put(&left, right.p, right.len);
        if (has_token(v, left.p))
            continue;
        str_put(&v->merges, left.p, at);
        str_putc(&v->merges, ' ');
        str_put(&v->merges, right.p, right.len + 1);    /* with its NUL */
        v->n_merge++;
        str_put(&v->tokens, left.p, left.len + 1);
        v->n_token++;
    }
    str_release(&left);
    str_release(&right);
}

static void make_vocab(struct vocab *v)
{
    *v = (struct vocab){ .n_token = 0 };
    str_init(&v->tokens);
    str_init(&v->merges);
    for (int i = 0; i < MARKS; i++, v->n_token++)
        str_put(&v->tokens, marks[i], strlen(marks[i]) + 1);
    for (int b = 0; b < 256; b++, v->n_token++) {
        spell(&v->tokens, (uint8_t)b);
        str_putc(&v->tokens, '\0');
    }
    for (int i = 0; i < WORDS; i++)
        add_word(v, words[i]);
}

static void put_tokenizer(struct mkgguf *m, const struct mkmodel_opts *o,
                          const struct vocab *v)
{
    enum { NORMAL = 1, CONTROL = 3 };
    enum chat_kind chat = o->chat == CHAT_NONE ? CHAT_CHATML : o->chat;
    int32_t *types = mem_calloc(v->n_token, sizeof *types);

    mkgguf_str(m, "tokenizer.ggml.model", "gpt2");
    mkgguf_str(m, "tokenizer.ggml.pre", o->pre ? o->pre : "smollm");
    mkgguf_strs(m, "tokenizer.ggml.tokens", v->tokens.p, v->n_token);
    for (uint64_t i = 0; types && i < v->n_token; i++)
        types[i] = i < MARKS ? CONTROL : NORMAL;
    if (types)
        mkgguf_i32s(m, "tokenizer.ggml.token_type", types, v->n_token);
    mem_free(types);
    mkgguf_strs(m, "tokenizer.ggml.merges", v->merges.p, v->n_merge);
    if (chat < CHAT_KINDS) {
        mkgguf_u32(m, "tokenizer.ggml.bos_token_id", chats[chat].bos);
        mkgguf_u32(m, "tokenizer.ggml.eos_token_id", chats[chat].eos);
        mkgguf_str(m, "tokenizer.chat_template", chats[chat].tmpl);
    } else {
        mkgguf_u32(m, "tokenizer.ggml.eos_token_id", 0);
    }
    mkgguf_bool(m, "tokenizer.ggml.add_bos_token", 0);
}

/* --- weights ------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014), to a float in [-1, 1). */
static float noise(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (float)((z ^ z >> 31) >> 40) * 0x1p-23f - 1.0f;
}

/* The packers take BLOCK floats.  Layouts: ggml-common.h, block_q8_0,
 * block_q4_0, block_q4_1; a byte of 4-bit values holds elements j (low) and
 * j + 16 (high). */
static void pack_f32(struct str *out, const float *x)
{
    for (int i = 0; i < BLOCK; i++) {
        uint32_t bits;

        memcpy(&bits, &x[i], sizeof bits);
        mkgguf_num(out, bits, 4);
    }
}

static void pack_f16(struct str *out, const float *x)
{
    for (int i = 0; i < BLOCK; i++)
        mkgguf_num(out, half_from_f32(x[i]), 2);
}

static void pack_bf16(struct str *out, const float *x)
{
    for (int i = 0; i < BLOCK; i++) {
        uint32_t bits;

        memcpy(&bits, &x[i], sizeof bits);
        bits += 0x7fff + (bits >> 16 & 1);      /* nearest, ties to even */
        mkgguf_num(out, bits >> 16, 2);
    }
}

static void pack_q8_0(struct str *out, const float *x)
{
    float most = 0.0f;

    for (int i = 0; i < BLOCK; i++)
        most = fmaxf(most, fabsf(x[i]));
    float d = most / 127.0f;
    mkgguf_num(out, half_from_f32(d), 2);
    for (int i = 0; i < BLOCK; i++)
        mkgguf_num(out, (uint8_t)(int8_t)(d > 0 ? roundf(x[i] / d) : 0), 1);
}

/* Four-bit values of (x - low) / d, rounded, in pairs. */
static void pack_nibbles(struct str *out, const float *x, float low, float d)
{
    uint8_t q[BLOCK];

    for (int i = 0; i < BLOCK; i++) {
        float v = d != 0.0f ? (x[i] - low) / d + 0.5f : 0.0f;

        q[i] = (uint8_t)fminf(15.0f, fmaxf(0.0f, v));
    }
    for (int i = 0; i < BLOCK / 2; i++)
        str_putc(out, (char)(q[i] | q[i + BLOCK / 2] << 4));
}

static void pack_q4_0(struct str *out, const float *x)
{
    float far = 0.0f;           /* the one farthest from 0 becomes -8 d */

    for (int i = 0; i < BLOCK; i++)
        if (fabsf(x[i]) > fabsf(far))
            far = x[i];
    float d = far / -8.0f;
    mkgguf_num(out, half_from_f32(d), 2);
    pack_nibbles(out, x, -8.0f * d, d);
}

static void pack_q4_1(struct str *out, const float *x)
{
    float low = x[0], high = x[0];

    for (int i = 1; i < BLOCK; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    float d = (high - low) / 15.0f;
    mkgguf_num(out, half_from_f32(d), 2);
    mkgguf_num(out, half_from_f32(low), 2);
    pack_nibbles(out, x, low, d);
}

static const struct {
    enum gguf_type type;
    void (*pack)(struct str *out, const float *x);
} packers[] = {
    { GGUF_F32, pack_f32 },   { GGUF_F16, pack_f16 },
    { GGUF_BF16, pack_bf16 }, { GGUF_Q8_0, pack_q8_0 },
    { GGUF_Q4_0, pack_q4_0 }, { GGUF_Q4_1, pack_q4_1 },
};
enum { PACKERS = sizeof packers / sizeof packers[0] };

struct maker {
    struct mkgguf m;
    uint64_t      rng;
    int           type;         /* as in the options */
    unsigned      turn;         /* of MKMODEL_MIXED */
};

static int packer(const struct maker *k, int type)
{
    for (int i = 0; i < PACKERS; i++)
        if ((int)packers[i].type == type)
            return i;
    return (int)(k->turn % PACKERS);    /* mixed */
}

/* One tensor of in x out values: mid + spread * noise, NaN in element 0 of a
 * poisoned one. */
struct weights {
    const char *name;
    int         type;
    uint64_t    in, out;        /* out 0: a vector */
    float       mid, spread;
    int         poison;
};

static void put_weights(struct maker *k, const struct weights *w)
{
    int p = packer(k, w->type);
    struct mkgguf_tensor t = { w->name, packers[p].type, w->out ? 2 : 1,
                               { w->in, w->out ? w->out : 1, 1, 1 } };
    uint64_t n = w->in * t.dim[1];
    struct str bytes;
    float x[BLOCK];

    str_init(&bytes);
    for (uint64_t i = 0; i < n; i += BLOCK) {
        for (int j = 0; j < BLOCK; j++)
            x[j] = w->mid + w->spread * noise(&k->rng);
        packers[p].pack(&bytes, x);
    }
    /* a whole f16 or f32 NaN, and in a quantised block a NaN scale */
    if (w->poison)
        memcpy(bytes.p, "\xff\xff\xff\xff",
               packers[p].type == GGUF_F32 ? 4 : 2);
    /* vectors may be shorter than the last block */
    if (!w->out)
        bytes.len = n * 4;
    mkgguf_tensor(&k->m, &t, bytes.p, bytes.len);
    str_release(&bytes);
    k->turn++;
}

static void put_vector(struct maker *k, const char *name, int n, float mid,
                       float spread)
{
    put_weights(k, &(struct weights){ name, GGUF_F32, (uint64_t)n, 0, mid,
                                      spread, 0 });
}

/* A matrix with noise of variance 1/in, so that sizes neither grow nor fade
 * from layer to layer. */
static void put_matrix(struct maker *k, const char *name, int in, int out)
{
    put_weights(k, &(struct weights){ name, k->type, (uint64_t)in,
                                      (uint64_t)out, 0.0f,
                                      sqrtf(3.0f / (float)in), 0 });
}

static void put_layer(struct maker *k, const struct mkmodel_opts *o, int l)
{
    int embd = o->n_head * HEAD_DIM, kv = o->n_head_kv * HEAD_DIM;
    const struct { const char *name; int in, out; } matrix[] = {
        { "attn_q", embd, embd },   { "attn_k", embd, kv },
        { "attn_v", embd, kv },     { "attn_output", embd, embd },
        { "ffn_gate", embd, o->n_ff }, { "ffn_up", embd, o->n_ff },
    };
    char name[64];

    snprintf(name, sizeof name, "blk.%d.attn_norm.weight", l);
    put_vector(k, name, embd, 1.0f, 0.1f);
    snprintf(name, sizeof name, "blk.%d.ffn_norm.weight", l);
    put_vector(k, name, embd, 1.0f, 0.1f);
    for (size_t i = 0; i < sizeof matrix / sizeof matrix[0]; i++) {
        snprintf(name, sizeof name, "blk.%d.%s.weight", l, matrix[i].name);
        put_matrix(k, name, matrix[i].in, matrix[i].out);
    }
    snprintf(name, sizeof name, "blk.%d.ffn_down.weight", l);
    put_weights(k, &(struct weights){ name, k->type, (uint64_t)o->n_ff,
                                      (uint64_t)embd, 0.0f,
                                      sqrtf(3.0f / (float)o->n_ff),
                                      o->poison == l + 1 });
}

/* --- the file ------------------------------------------------------------ */

static void put_hparams(struct mkgguf *m, const struct mkmodel_opts *o,
                        uint64_t n_vocab)
{
    mkgguf_str(m, "general.architecture", "llama");
    mkgguf_str(m, "general.name", "random test model");
    mkgguf_u32(m, "llama.block_count", (uint32_t)o->n_layer);
    mkgguf_u32(m, "llama.context_length", (uint32_t)o->n_ctx);
    mkgguf_u32(m, "llama.embedding_length", (uint32_t)(o->n_head * HEAD_DIM));
    mkgguf_u32(m, "llama.feed_forward_length", (uint32_t)o->n_ff);
    mkgguf_u32(m, "llama.attention.head_count", (uint32_t)o->n_head);
    mkgguf_u32(m, "llama.attention.head_count_kv", (uint32_t)o->n_head_kv);
    mkgguf_u32(m, "llama.rope.dimension_count", HEAD_DIM);
    mkgguf_f32(m, "llama.rope.freq_base", 10000.0f);
    mkgguf_f32(m, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    mkgguf_u32(m, "llama.vocab_size", (uint32_t)n_vocab);
}

static struct mkmodel_opts with_defaults(struct mkmodel_opts o)
{
    o.n_layer = o.n_layer ? o.n_layer : 4;
    o.n_head = o.n_head ? o.n_head : 4;
    o.n_head_kv = o.n_head_kv ? o.n_head_kv : 2;
    o.n_ff = o.n_ff ? o.n_ff : 128;
    o.n_ctx = o.n_ctx ? o.n_ctx : 512;
    return o;
}

void mkmodel_bytes(const struct mkmodel_opts *opts, struct str *out)
{
    struct mkmodel_opts o = with_defaults(*opts);
    struct maker k = { .rng = o.seed, .type = o.type };
    int embd = o.n_head * HEAD_DIM;
    struct vocab v;

    make_vocab(&v);
    mkgguf_init(&k.m);
    put_hparams(&k.m, &o, v.n_token);
    put_tokenizer(&k.m, &o, &v);
    put_weights(&k, &(struct weights){
        "token_embd.weight", o.type == MKMODEL_MIXED ? GGUF_Q8_0 : o.type,
        (uint64_t)embd, v.n_token, 0.0f, 0.8f, 0 });
    put_vector(&k, "output_norm.weight", embd, 1.0f, 0.1f);
    if (o.untied)
        put_matrix(&k, "output.weight", embd, (int)v.n_token);
    if (o.rope_freqs)
        put_vector(&k, "rope_freqs.weight", HEAD_DIM / 2, 2.0f, 1.0f);
    for (int l = 0; l < o.n_layer; l++)
        put_layer(&k, &o, l);
    mkgguf_file(&k.m, out);
    mkgguf_release(&k.m);
    str_release(&v.tokens);
    str_release(&v.merges);
}

enum sor_err mkmodel(const char *path, const struct mkmodel_opts *o,
                     struct sor_msg *msg)
{
    struct str bytes;
    enum sor_err err;

    str_init(&bytes);
    mkmodel_bytes(o, &bytes);
    err = mkgguf_save(path, &bytes, msg);
    str_release(&bytes);
    return err;
}

int mkmodel_path(char path[64])
{
    const char *dir = getenv("TMPDIR");
    int n = snprintf(path, 64, "%s/sorites-model-XXXXXX",
                     dir && *dir ? dir : "/tmp");
    int fd = n > 0 && n < 64 ? mkstemp(path) : -1;

    if (fd < 0)
        return -1;
    return close(fd);
}
