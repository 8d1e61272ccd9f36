/* engine/tok_open.c - reading a tokenizer out of a model file. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/tok.h"
#include "engine/tok_bpe.h"
#include "engine/tok_impl.h"
#include "engine/tok_pre.h"

enum {
    TOKENS_MAX = 1 << 28,       /* bytes in all tokens */
    VOCAB_MAX = 1000000,
    ALPHABET = 256 + 68         /* see alphabet() */
};

/* tokenizer.ggml.token_type.  Source: GGUF specification, "ggml" tokenizer. */
enum file_kind { FILE_UNDEFINED, FILE_NORMAL, FILE_UNKNOWN, FILE_CONTROL,
                 FILE_USER, FILE_UNUSED, FILE_BYTE };

/* What all readers below share. */
struct reader {
    const struct gguf *g;
    struct tok        *t;
    int16_t            byte_of[ALPHABET];
    struct str         buf;
    struct sor_msg    *msg;
};

static enum sor_err no_memory(const struct reader *r)
{
    return sor_fail(r->msg, SOR_NOMEM, "%s: out of memory for the tokenizer",
                    gguf_path(r->g));
}

/* --- GPT-2's alphabet ----------------------------------------------------- */

/* Printable Latin-1 stands for itself; the other 68 bytes are U+0100 and on.
 * Source: openai/gpt-2 encoder.py, bytes_to_unicode(). */
static int prints(int byte)
{
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
           byte >= 0xae;
}

/* byte_of[character] = byte, or -1. */
static void alphabet(int16_t byte_of[ALPHABET])
{
    int next = 256;

    for (int c = 0; c < ALPHABET; c++)
        byte_of[c] = -1;
    for (int b = 0; b < 256; b++)
        byte_of[prints(b) ? b : next++] = (int16_t)b;
}

/* The bytes that s spells into out[s.n]; returns how many.  A token with a
 * character outside the alphabet is kept as it is written. */
static size_t spell(const int16_t byte_of[ALPHABET], struct gguf_str s,
                    char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; ) {
        uint32_t cp;

        i += utf8_next(s.p + i, s.n - i, &cp);
        if (cp >= ALPHABET || byte_of[cp] < 0) {
            memcpy(out, s.p, s.n);
            return s.n;
        }
        out[n++] = (char)byte_of[cp];
    }
    return n;
}

/* --- tokens --------------------------------------------------------------- */

static enum sor_err index_tokens(struct tok *t)
{
    size_t slots = 16;

    while (slots < 2 * (size_t)t->n_vocab)
        slots *= 2;
    t->slot = mem_calloc(slots, sizeof *t->slot);
    if (!t->slot)
        return SOR_NOMEM;
    t->mask = slots - 1;
    for (uint32_t id = 0; id < t->n_vocab; id++) {
        const char *p = t->bytes + t->start[id];
        size_t n = t->start[id + 1] - t->start[id];
        enum tok_kind kind = t->kind[id];

        if (kind == TOK_DEAD || n == 0)
            continue;
        uint32_t *slot = tok_slot(t, p, n, kind);
        if (*slot == 0)         /* of equal ones the first counts */
            *slot = id + 1;
        if (kind == TOK_MARK) {
            t->mark_first[(uint8_t)p[0]] = 1;
            t->mark_len[n] = 1;
        }
    }
    for (int b = 0; b < 256; b++)
        t->byte[b] = tok_lookup(t, &(char){ (char)b }, 1, TOK_TEXT);
    return SOR_OK;
}

/* The i-th token's kind; without the array all are text. */
static enum sor_err read_kind(const struct reader *r,
                              const struct gguf_arr *types, uint64_t i,
                              uint8_t *kind)
{
    int64_t v = FILE_NORMAL;

    if (types->data)
        v = gguf_scalar_i64(types->type, gguf_arr_at(types, i));
    switch (v) {
    case FILE_NORMAL: case FILE_BYTE:
        *kind = TOK_TEXT;
        return SOR_OK;
    case FILE_UNKNOWN: case FILE_CONTROL: case FILE_USER:
        *kind = TOK_MARK;
        return SOR_OK;
    case FILE_UNDEFINED: case FILE_UNUSED:
        *kind = TOK_DEAD;
        return SOR_OK;
    default:
        return sor_fail(r->msg, SOR_FORMAT, "%s: token type %" PRId64
                        " of token %" PRIu64 " is outside %d..%d",
                        gguf_path(r->g), v, i, FILE_UNDEFINED, FILE_BYTE);
    }
}

/* Appends one token, its kind known, to t->bytes. */
static enum sor_err read_token(struct reader *r, uint32_t id,
                               struct gguf_str s)
{
    struct tok *t = r->t;
    char *out = t->bytes + t->start[id];
    size_t n = s.n;

    if (t->kind[id] == TOK_TEXT)
        n = spell(r->byte_of, s, out);
    else
        memcpy(out, s.p, s.n);
    if (t->kind[id] == TOK_MARK && n > TOK_MARK_MAX)
        return sor_fail(r->msg, SOR_LIMIT, "%s: control token %" PRIu32
                        " takes %zu bytes; the limit is %d", gguf_path(r->g),
                        id, n, TOK_MARK_MAX);
    t->start[id + 1] = t->start[id] + (uint32_t)n;
    return SOR_OK;
}

/* Finds both arrays and holds them against each other and the limits. */
static enum sor_err find_tokens(const struct reader *r,
                                struct gguf_arr *tokens,
                                struct gguf_arr *types)
{
    const char *path = gguf_path(r->g);
    enum sor_err err = gguf_arr(r->g, "tokenizer.ggml.tokens", GGUF_V_STR,
                                tokens, r->msg);

    if (err)
        return err == SOR_NOTFOUND ? SOR_FORMAT : err;
    err = gguf_arr(r->g, "tokenizer.ggml.token_type", GGUF_V_I32, types,
                   r->msg);
    if (err && err != SOR_NOTFOUND)
        return err;
    if (tokens->count < 1 || tokens->count > VOCAB_MAX)
        return sor_fail(r->msg, SOR_LIMIT, "%s: a vocabulary of %" PRIu64
                        " tokens is outside 1..%d", path, tokens->count,
                        VOCAB_MAX);
    if (types->data && types->count != tokens->count)
        return sor_fail(r->msg, SOR_FORMAT, "%s: %" PRIu64 " tokens, but %"
                        PRIu64 " token types", path, tokens->count,
                        types->count);
    if (tokens->end - tokens->data > TOKENS_MAX)
        return sor_fail(r->msg, SOR_LIMIT, "%s: the tokens take over %d bytes",
                        path, TOKENS_MAX);
    return SOR_OK;
}

static enum sor_err read_tokens(struct reader *r)
{
    struct tok *t = r->t;
    struct gguf_arr tokens, types = { 0 };
    struct gguf_str s;
    uint32_t id = 0;
    enum sor_err err = find_tokens(r, &tokens, &types);

    if (err)
        return err;
    t->n_vocab = (uint32_t)tokens.count;
    t->bytes = mem_alloc((size_t)(tokens.end - tokens.data));
    t->start = mem_calloc((size_t)t->n_vocab + 1, sizeof *t->start);
    t->kind = mem_calloc(t->n_vocab, sizeof *t->kind);
    if (!t->bytes || !t->start || !t->kind)
        return no_memory(r);
    for (const uint8_t *at = tokens.data;
         !err && gguf_arr_next(&tokens, &at, &s); id++) {
        err = read_kind(r, &types, id, &t->kind[id]);
        if (!err)
            err = read_token(r, id, s);
    }
    if (!err && index_tokens(t))
        err = no_memory(r);
    return err;
}

/* --- merges --------------------------------------------------------------- */

/* Appends the bytes that s spells to r->buf and returns their token, or -1. */
static int32_t read_part(struct reader *r, struct gguf_str s)
{
    size_t at = r->buf.len;

    str_put(&r->buf, s.p, s.n);     /* room; spelling never grows */
    if (!str_ok(&r->buf))
        return -1;
    r->buf.len = at + spell(r->byte_of, s, r->buf.p + at);
    return tok_lookup(r->t, r->buf.p + at, r->buf.len - at, TOK_TEXT);
}

/* Merges are written "left right"; neither holds a space, which the alphabet
 * spells U+0120.  Returns 0 unless all three are tokens. */
static int read_merge(struct reader *r, struct gguf_str s,
                      struct tok_merge *m)
{
    const char *space = s.n ? memchr(s.p + 1, ' ', s.n - 1) : NULL;

    if (!space)
        return 0;
    size_t cut = (size_t)(space - s.p);
    str_clear(&r->buf);
    m->left = read_part(r, (struct gguf_str){ s.p, cut });
    m->right = read_part(r, (struct gguf_str){ space + 1, s.n - cut - 1 });
    m->both = tok_lookup(r->t, r->buf.p, r->buf.len, TOK_TEXT);
    return m->left >= 0 && m->right >= 0 && m->both >= 0;
}

static enum sor_err read_merges(struct reader *r)
{
    struct gguf_arr a;
    struct gguf_str s;
    struct tok_merge *merge;
    size_t n = 0;
    enum sor_err err = gguf_arr(r->g, "tokenizer.ggml.merges", GGUF_V_STR, &a,
                                r->msg);

    if (err)
        return err == SOR_NOTFOUND ? SOR_FORMAT : err;
    if (a.count > INT32_MAX)
        return sor_fail(r->msg, SOR_LIMIT, "%s: %" PRIu64 " merges; the limit "
                        "is %d", gguf_path(r->g), a.count, INT32_MAX);
    merge = mem_calloc((size_t)a.count, sizeof *merge);
    if (!merge)
        return no_memory(r);
    for (const uint8_t *at = a.data; gguf_arr_next(&a, &at, &s); n++) {
        if (read_merge(r, s, &merge[n]))
            continue;
        mem_free(merge);
        return !str_ok(&r->buf) ? no_memory(r)
            : sor_fail(r->msg, SOR_FORMAT, "%s: merge %zu \"%.*s\" does not "
                       "join two tokens into a third", gguf_path(r->g), n,
                       (int)(s.n < 80 ? s.n : 80), s.p);
    }
    return tok_bpe_open(merge, n, &r->t->bpe) ? no_memory(r) : SOR_OK;
}

/* --- special ids ---------------------------------------------------------- */

/* Ends of a turn that models are known to use, most specific first; files
 * often name only one of them. */
static const char *const end_marks[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|eom_id|>",
    "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",    /* DeepSeek */
    "<|endoftext|>", "<|end_of_text|>",
};

/* Every key that holds an id is checked, used or not. */
static const struct {
    const char *key;
    size_t      at;             /* offset in struct tok, or NOWHERE */
    int         eog;
} id_keys[] = {
#define NOWHERE SIZE_MAX
    { "tokenizer.ggml.bos_token_id", offsetof(struct tok, bos), 0 },
    { "tokenizer.ggml.eos_token_id", offsetof(struct tok, eos), 1 },
    { "tokenizer.ggml.eot_token_id", offsetof(struct tok, eot), 1 },
    { "tokenizer.ggml.eom_token_id",       NOWHERE, 1 },
    { "tokenizer.ggml.unknown_token_id",   NOWHERE, 0 },
    { "tokenizer.ggml.seperator_token_id", NOWHERE, 0 },    /* as files have */
    { "tokenizer.ggml.separator_token_id", NOWHERE, 0 },
    { "tokenizer.ggml.padding_token_id",   NOWHERE, 0 },
    { "tokenizer.ggml.cls_token_id",       NOWHERE, 0 },
    { "tokenizer.ggml.mask_token_id",      NOWHERE, 0 },
    { "tokenizer.ggml.fim_pre_token_id",   NOWHERE, 0 },
    { "tokenizer.ggml.fim_suf_token_id",   NOWHERE, 0 },
    { "tokenizer.ggml.fim_mid_token_id",   NOWHERE, 0 },
    { "tokenizer.ggml.fim_pad_token_id",   NOWHERE, 0 },
    { "tokenizer.ggml.fim_rep_token_id",   NOWHERE, 0 },
    { "tokenizer.ggml.fim_sep_token_id",   NOWHERE, 0 },
};

static enum sor_err read_ids(const struct reader *r)
{
    struct tok *t = r->t;

    t->bos = t->eos = t->eot = -1;
    for (size_t i = 0; i < sizeof id_keys / sizeof id_keys[0]; i++) {
        uint32_t id;
        enum sor_err err = gguf_u32(r->g, id_keys[i].key, &id, r->msg);

        if (err == SOR_NOTFOUND)
            continue;
        if (err)
            return err;
        if (id >= t->n_vocab)
            return sor_fail(r->msg, SOR_FORMAT, "%s: \"%s\" is %" PRIu32
                            ", but there are %" PRIu32 " tokens",
                            gguf_path(r->g), id_keys[i].key, id, t->n_vocab);
        if (id_keys[i].at != NOWHERE)
            *(int32_t *)(void *)((char *)t + id_keys[i].at) = (int32_t)id;
        if (id_keys[i].eog)
            t->kind[id] |= TOK_EOG;
    }
    for (size_t i = 0; i < sizeof end_marks / sizeof end_marks[0]; i++) {
        const char *mark = end_marks[i];
        int32_t id = tok_lookup(t, mark, strlen(mark), TOK_MARK);

        if (id < 0)
            continue;
        t->kind[id] |= TOK_EOG;
        if (t->eot < 0)
            t->eot = id;
    }
    if (t->eot < 0)
        t->eot = t->eos;
    return SOR_OK;
}

/* --- opening -------------------------------------------------------------- */

static enum sor_err read_names(const struct reader *r)
{
    struct gguf_str model, tmpl, pre = { "default", 7 };
    const char *path = gguf_path(r->g);
    struct tok *t = r->t;
    enum sor_err err = gguf_str(r->g, "tokenizer.ggml.model", &model, r->msg);

    if (err)
        return err == SOR_NOTFOUND ? SOR_FORMAT : err;
    if (!gguf_str_is(model, "gpt2"))
        return sor_fail(r->msg, SOR_UNSUP, "%s: tokenizer \"%.*s\" is not "
                        "supported; known: gpt2 (byte-level BPE)", path,
                        (int)(model.n < 80 ? model.n : 80), model.p);
    err = gguf_str(r->g, "tokenizer.ggml.pre", &pre, r->msg);
    if (err && err != SOR_NOTFOUND)
        return err;
    err = tok_pre_open(path, pre, &t->pre, r->msg);
    if (err)
        return err;
    t->add_bos = tok_pre_bos(t->pre);
    err = gguf_bool(r->g, "tokenizer.ggml.add_bos_token", &t->add_bos, r->msg);
    if (err && err != SOR_NOTFOUND)
        return err;
    /* chat.c looks at it; here it only has to be text */
    err = gguf_str(r->g, "tokenizer.chat_template", &tmpl, r->msg);
    return err == SOR_NOTFOUND ? SOR_OK : err;
}

enum sor_err tok_open(const struct gguf *g, struct tok **out,
                      struct sor_msg *msg)
{
    struct reader r = { .g = g, .t = mem_calloc(1, sizeof *r.t), .msg = msg };
    enum sor_err err;

    if (!r.t)
        return no_memory(&r);
    str_init(&r.buf);
    alphabet(r.byte_of);
    if (!(err = read_names(&r)) && !(err = read_tokens(&r)) &&
        !(err = read_merges(&r)))
        err = read_ids(&r);
    str_release(&r.buf);
    if (err)
        tok_close(r.t);
    else
        *out = r.t;
    return err;
}

void tok_close(struct tok *t)
{
    if (!t)
        return;
    tok_pre_close(t->pre);
    tok_bpe_close(t->bpe);
    mem_free(t->bytes);
    mem_free(t->start);
    mem_free(t->kind);
    mem_free(t->slot);
    mem_free(t);
}
