/* Models spoiled at random, in their meaning: a good one is taken apart, up to
 * three of its parts are changed so that nothing is lost by it, then, for the
 * bad ones, one so that something is; what comes out is put together soundly.
 * So it is known by construction what each file is.  A bad one must be refused
 * in one sentence that names it; a good one must run, to the same bits.
 *
 * The same files every time; where SORITES_HARD is set, files that nobody has
 * seen, eight times as many.  SORITES_SEED=N makes those of a run again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/gguf.h"
#include "engine/hparams.h"
#include "tests/ggufedit.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"
#include "tests/slow.h"

enum { ROUNDS = 10, HARD_ROUNDS = 80, ALIGN = 32, SECONDS = 20 };

#define MAX64 UINT64_MAX
#define LENGTH(x) (sizeof(x) / sizeof(x)[0])

/* --- chance -------------------------------------------------------------- */

static uint64_t chance;

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): 0..n-1. */
static uint64_t draw(uint64_t n)
{
    uint64_t z = chance += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % n;
}

#define ONE_OF(list) ((list)[draw(LENGTH(list))])

static const char *const integers[] = {
    "llama.block_count", "llama.embedding_length",
    "llama.feed_forward_length", "llama.attention.head_count",
    "llama.attention.head_count_kv",
};
static const char *const arrays[] = {
    "tokenizer.ggml.tokens", "tokenizer.ggml.token_type",
    "tokenizer.ggml.merges",
};
/* What no model can be without. */
static const char *const needed[] = {
    "general.architecture", "llama.block_count", "llama.context_length",
    "llama.embedding_length", "llama.feed_forward_length",
    "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon",
    "tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.merges",
};

/* --- parts --------------------------------------------------------------- */

struct work {
    struct ggufedit e;
    size_t tail;                /* bytes behind the file */
};

static struct ggufedit_kv *kv_of(struct work *w, const char *key)
{
    struct ggufedit_kv *kv = ggufedit_kv(&w->e, key);

    if (!kv)
        fail_msg("the good model has no %s", key);
    return kv;
}

static struct ggufedit_kv *any_kv(struct work *w)
{
    return &w->e.kv[draw((uint64_t)w->e.kvs)];
}

static struct ggufedit_tensor *any_tensor(struct work *w)
{
    return &w->e.tensor[draw((uint64_t)w->e.tensors)];
}

static struct ggufedit_tensor *any_matrix(struct work *w)
{
    struct ggufedit_tensor *t;

    do
        t = any_tensor(w);
    while (t->n_dims != 2);
    return t;
}

/* F32, one row. */
static struct ggufedit_tensor *any_vector(struct work *w)
{
    struct ggufedit_tensor *t;

    do
        t = any_tensor(w);
    while (t->n_dims != 1);
    return t;
}

static size_t bytes_as(const struct ggufedit_tensor *t, uint32_t type)
{
    const struct gguf_type_info *info = gguf_type_info(type);
    size_t n = 1;

    for (uint32_t d = 0; d < t->n_dims; d++)
        n *= (size_t)t->dim[d];
    return n / info->block * info->bytes;
}

static size_t bytes_of(const struct ggufedit_tensor *t)
{
    return bytes_as(t, t->type);
}

static size_t data_end(const struct work *w)
{
    size_t end = 0;

    for (int i = 0; i < w->e.tensors; i++) {
        const struct ggufedit_tensor *t = &w->e.tensor[i];

        if ((size_t)t->offset + bytes_of(t) > end)
            end = (size_t)t->offset + bytes_of(t);
    }
    return end;
}

static void pad(struct str *data)
{
    while (data->len % ALIGN)
        str_putc(data, (char)draw(256));
}

static void poke(struct str *s, size_t at, uint64_t v, unsigned n)
{
    assert_true(at + n <= s->len);
    for (unsigned i = 0; i < n; i++)
        s->p[at + i] = (char)(v >> 8 * i);
}

static uint64_t peek(const struct str *s, size_t at, unsigned n)
{
    uint64_t v = 0;

    assert_true(at + n <= s->len);
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)(uint8_t)s->p[at + i] << 8 * i;
    return v;
}

static uint64_t float_bits(double v, unsigned bytes)
{
    float narrow = (float)v;
    uint64_t bits = 0;

    if (bytes == sizeof narrow)
        memcpy(&bits, &narrow, sizeof narrow);
    else
        memcpy(&bits, &v, sizeof v);
    return bits;
}

/* Another letter in the place of one. */
static void misspell(struct str *s)
{
    size_t at = draw(s->len);
    char was = s->p[at];

    while (s->p[at] == was)
        s->p[at] = (char)('a' + draw(26));
}

static uint64_t vocabulary(struct work *w)
{
    return peek(&kv_of(w, arrays[0])->value, 4, 8);
}

/* --- what changes nothing ------------------------------------------------ */

static void order_of_keys(struct work *w)
{
    for (int i = w->e.kvs; i > 1; i--) {
        struct ggufedit_kv *a = &w->e.kv[i - 1],
                           *b = &w->e.kv[draw((uint64_t)i)], swap = *a;
        *a = *b;
        *b = swap;
    }
}

static void order_of_tensors(struct work *w)
{
    for (int i = w->e.tensors; i > 1; i--) {
        struct ggufedit_tensor *a = &w->e.tensor[i - 1],
                               *b = &w->e.tensor[draw((uint64_t)i)],
                               swap = *a;
        *a = *b;
        *b = swap;
    }
}

static void keys_nobody_knows(struct work *w)
{
    static const uint32_t types[] = {
        GGUF_V_U8, GGUF_V_I16, GGUF_V_U32, GGUF_V_F32, GGUF_V_I64, GGUF_V_F64,
    };
    char key[48];

    snprintf(key, sizeof key, "extra.x%016" PRIx64, draw(MAX64));
    uint32_t type = ONE_OF(types);
    int is_array = (int)draw(2);
    uint64_t n = is_array ? draw(100) : 1;
    struct ggufedit_kv *kv = ggufedit_add(&w->e, key,
                                          is_array ? GGUF_V_ARR : type);

    if (is_array) {
        mkgguf_num(&kv->value, type, 4);
        mkgguf_num(&kv->value, n, 8);
    }
    n *= gguf_vtype_bytes((enum gguf_vtype)type);
    for (uint64_t i = 0; i < n; i++)
        str_putc(&kv->value, (char)draw(256));
}

static void wider_integers(struct work *w)
{
    struct ggufedit_kv *kv = kv_of(w, ONE_OF(integers));
    uint64_t v = peek(&kv->value, 0, gguf_vtype_bytes(
                                         (enum gguf_vtype)kv->type));

    str_clear(&kv->value);
    kv->type = draw(2) ? GGUF_V_U64 : GGUF_V_I64;
    mkgguf_num(&kv->value, v, 8);
}

/* Some tensor's bytes, behind all others' and a gap. */
static void data_elsewhere(struct work *w)
{
    struct ggufedit_tensor *t = any_tensor(w);
    size_t n = bytes_of(t);
    struct str copy;

    str_init(&copy);
    str_put(&copy, w->e.data.p + t->offset, n);
    for (uint64_t gap = draw(1000); gap > 0; gap--)
        str_putc(&w->e.data, (char)draw(256));
    pad(&w->e.data);
    t->offset = w->e.data.len;
    str_put(&w->e.data, copy.p, n);
    str_release(&copy);
}

static void version_two(struct work *w) { w->e.version = 2; }
static void bytes_behind(struct work *w) { w->tail += 1 + draw(5000); }

static void another_name(struct work *w)
{
    struct ggufedit_kv *kv = ggufedit_set(&w->e, "general.name", GGUF_V_STR);
    uint64_t n = draw(200);

    mkgguf_num(&kv->value, n, 8);
    for (uint64_t i = 0; i < n; i++)
        str_putc(&kv->value, (char)(' ' + draw(95)));
}

static void a_longer_context(struct work *w)
{
    struct ggufedit_kv *kv = ggufedit_set(&w->e, "llama.context_length",
                                          GGUF_V_U32);

    mkgguf_num(&kv->value, 512 + draw(100000), 4);
}

/* --- what spoils it ------------------------------------------------------ */

/* Each of these numbers is bound to the shape of some tensor. */
static void another_shape_of_model(struct work *w)
{
    struct ggufedit_kv *kv = kv_of(w, ONE_OF(integers));
    unsigned n = gguf_vtype_bytes((enum gguf_vtype)kv->type);
    uint64_t was = peek(&kv->value, 0, n), v;

    do
        v = draw(2) ? was - 4 + draw(9) : draw(MAX64) >> draw(64);
    while ((v ^ was) << (64 - 8 * n) == 0);
    poke(&kv->value, 0, v, n);
}

static void an_integer_of_another_kind(struct work *w)
{
    struct ggufedit_kv *kv = kv_of(w, ONE_OF(integers));
    uint64_t v = peek(&kv->value, 0, 4);

    str_clear(&kv->value);
    switch (draw(3)) {
    case 0:
        kv->type = GGUF_V_F32;
        mkgguf_num(&kv->value, float_bits((double)v, 4), 4);
        break;
    case 1:
        kv->type = GGUF_V_BOOL;
        str_putc(&kv->value, (char)draw(2));
        break;
    default:
        kv->type = GGUF_V_STR;
        mkgguf_num(&kv->value, 1, 8);
        str_putc(&kv->value, (char)('0' + v % 10));
    }
}

static void a_float_out_of_range(struct work *w)
{
    static const char *const keys[] = {
        "llama.attention.layer_norm_rms_epsilon", "llama.rope.freq_base",
    };
    static const double wrong[] = {
        NAN, INFINITY, -INFINITY, -1, -1e-6, 0, 1e-30, 1e30, 1e300, -1e300,
    };
    unsigned n = draw(2) ? 4 : 8;
    struct ggufedit_kv *kv = ggufedit_set(&w->e, ONE_OF(keys),
                                          n == 4 ? GGUF_V_F32 : GGUF_V_F64);

    mkgguf_num(&kv->value, float_bits(ONE_OF(wrong), n), n);
}

static void a_key_misspelt(struct work *w)
{
    misspell(&kv_of(w, ONE_OF(needed))->key);
}

static void a_key_twice(struct work *w)
{
    const struct ggufedit_kv *kv = any_kv(w);
    struct ggufedit_kv *twin = ggufedit_add(&w->e, kv->key.p, GGUF_V_U32);

    mkgguf_num(&twin->value, draw(1000), 4);
}

static void a_key_s_length(struct work *w)
{
    struct ggufedit_kv *kv = any_kv(w);
    uint64_t was = kv->key_len;

    while (kv->key_len == was)
        kv->key_len = draw(2) ? was - 3 + draw(16) : draw(MAX64) >> draw(48);
}

static void a_string_s_length(struct work *w)
{
    static const char *const keys[] = {
        "general.architecture", "tokenizer.ggml.model",
        "tokenizer.chat_template",
    };
    struct ggufedit_kv *kv = kv_of(w, ONE_OF(keys));
    uint64_t was = peek(&kv->value, 0, 8), v = was;

    while (v == was)
        v = draw(2) ? was - 3 + draw(8) : draw(MAX64) >> draw(48);
    poke(&kv->value, 0, v, 8);
}

static void an_array_s_count(struct work *w)
{
    struct ggufedit_kv *kv = kv_of(w, ONE_OF(arrays));
    uint64_t was = peek(&kv->value, 4, 8), v = was;

    while (v == was)
        v = draw(2) ? was - 3 + draw(8) : draw(MAX64) >> draw(48);
    poke(&kv->value, 4, v, 8);
}

static void an_array_s_type(struct work *w)
{
    struct ggufedit_kv *kv = kv_of(w, ONE_OF(arrays));
    uint64_t was = peek(&kv->value, 0, 4), v = was;

    /* i32 and u32 are read alike, and the types are small */
    while (v == was || (was == GGUF_V_I32 && v == GGUF_V_U32))
        v = draw(2) ? draw(GGUF_VTYPES + 3) : draw(MAX64) >> 32;
    poke(&kv->value, 0, v, 4);
}

/* Soundly: the count says so too, but the embedding has a row for it. */
static void a_token_type_too_few(struct work *w)
{
    struct ggufedit_kv *kv = kv_of(w, arrays[1]);
    uint64_t n = vocabulary(w), gone = 1 + draw(n);

    poke(&kv->value, 4, n - gone, 8);
    kv->value.len -= (size_t)gone * 4;
}

static void a_token_too_many(struct work *w)
{
    struct ggufedit_kv *kv = kv_of(w, arrays[0]);
    uint64_t more = 1 + draw(10);

    poke(&kv->value, 4, vocabulary(w) + more, 8);
    for (uint64_t i = 0; i < more; i++) {
        mkgguf_num(&kv->value, 3, 8);
        for (int k = 0; k < 3; k++)
            str_putc(&kv->value, (char)('a' + draw(26)));
    }
}

static void a_type_no_token_has(struct work *w)
{
    struct ggufedit_kv *kv = kv_of(w, arrays[1]);
    uint64_t v = draw(2) ? 7 + draw(1000) : (uint64_t)-1 - draw(1000);

    poke(&kv->value, 12 + 4 * draw(vocabulary(w)), v, 4);
}

static void a_token_nobody_has(struct work *w)
{
    static const char *const keys[] = {
        "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.padding_token_id", "tokenizer.ggml.unknown_token_id",
        "tokenizer.ggml.eot_token_id",
    };
    int wide = (int)draw(2);
    struct ggufedit_kv *kv = ggufedit_set(&w->e, ONE_OF(keys),
                                          wide ? GGUF_V_U64 : GGUF_V_U32);

    mkgguf_num(&kv->value, vocabulary(w) + draw(1 << 20), wide ? 8 : 4);
}

static void an_alignment(struct work *w)
{
    uint64_t v = draw(2) ? draw(100000) : UINT64_C(1) << draw(32);
    struct ggufedit_kv *kv;

    if (v == ALIGN || (v >= 8 && v <= 16))
        v = 0;                      /* the good file keeps 8, 16 and 32 */
    kv = ggufedit_set(&w->e, "general.alignment", GGUF_V_U32);
    mkgguf_num(&kv->value, v, 4);
}

static void a_version(struct work *w)
{
    do
        w->e.version = (uint32_t)(draw(MAX64) >> (32 + draw(32)));
    while (w->e.version == 2 || w->e.version == 3);
}

static void a_count_of_keys(struct work *w)
{
    uint64_t was = w->e.n_kv;

    while (w->e.n_kv == was)
        w->e.n_kv = draw(2) ? was - 3 + draw(7) : draw(MAX64) >> draw(64);
}

/* Upwards: a file of fewer may be a good one. */
static void a_count_of_tensors(struct work *w)
{
    w->e.n_tensor += 1 + (draw(2) ? draw(3) : draw(MAX64 / 2) >> draw(60));
}

static void a_tensor_gone(struct work *w)
{
    struct ggufedit_tensor *t;

    do                              /* which a model can be without */
        t = any_tensor(w);
    while (strcmp(t->name.p, "rope_freqs.weight") == 0);
    t->gone = 1;
    w->e.n_tensor--;
}

static void a_tensor_misspelt(struct work *w)
{
    misspell(&any_tensor(w)->name);
}

static void a_tensor_more(struct work *w)
{
    struct ggufedit_tensor *t = &w->e.tensor[w->e.tensors];
    const struct ggufedit_tensor *like = any_matrix(w);
    char name[48];

    *t = *like;
    str_init(&t->name);
    snprintf(name, sizeof name, draw(2) ? "blk.%d.attn_q.weight" : "x%d",
             4 + (int)draw(1000));
    str_puts(&t->name, name);
    t->name_len = t->name.len;
    pad(&w->e.data);
    t->offset = w->e.data.len;
    for (size_t n = bytes_of(t); n > 0; n--)
        str_putc(&w->e.data, (char)draw(256));
    w->e.tensors++;
    w->e.n_tensor++;
}

static void a_matrix_on_its_side(struct work *w)
{
    struct ggufedit_tensor *t;

    do
        t = any_matrix(w);
    while (t->dim[0] == t->dim[1]);
    uint64_t swap = t->dim[0];
    t->dim[0] = t->dim[1];
    t->dim[1] = swap;
}

static void a_dimension(struct work *w)
{
    struct ggufedit_tensor *t = any_tensor(w);
    uint32_t d = (uint32_t)draw(t->n_dims);
    uint64_t was = t->dim[d];

    while (t->dim[d] == was)
        t->dim[d] = draw(2) ? was - 33 + draw(65) : draw(MAX64) >> draw(64);
}

static void a_count_of_dimensions(struct work *w)
{
    struct ggufedit_tensor *t = any_matrix(w);

    t->n_dims = draw(2) ? (uint32_t)draw(2) : 5 + (uint32_t)draw(1 << 20);
}

/* One whose bytes are more than there is room for, or that is unknown. */
static void a_type_of_tensor(struct work *w)
{
    struct ggufedit_tensor *t = any_tensor(w);
    uint32_t type;

    do
        type = (uint32_t)draw(GGUF_TYPES + 10);
    while (type == t->type ||
           (gguf_type_info(type) && gguf_type_info(type)->known &&
            t->n_dims > 1 && bytes_as(t, type) <= bytes_of(t) + ALIGN));
    t->type = type;
}

static void an_offset(struct work *w)
{
    struct ggufedit_tensor *t = any_tensor(w), *other;

    switch (draw(3)) {
    case 0:                         /* not aligned */
        t->offset += 1 + draw(ALIGN - 1);
        break;
    case 1:                         /* past the end */
        t->offset = (data_end(w) / ALIGN + draw(MAX64) / ALIGN / 2) * ALIGN;
        t->offset += ALIGN;
        w->tail = 0;
        break;
    default:                        /* inside another's */
        do
            other = any_tensor(w);
        while (other == t);
        t->offset = other->offset + draw(bytes_of(other)) / ALIGN * ALIGN;
    }
}

static void names_exchanged(struct work *w)
{
    struct ggufedit_tensor *a, *b;

    do {
        a = any_tensor(w);
        b = any_tensor(w);
    } while (a->dim[0] == b->dim[0] && a->dim[1] == b->dim[1]);
    struct str swap = a->name;
    uint64_t len = a->name_len;
    a->name = b->name;
    a->name_len = b->name_len;
    b->name = swap;
    b->name_len = len;
}

static void a_number_that_is_none(struct work *w)
{
    static const double wrong[] = { NAN, INFINITY, -INFINITY };
    struct ggufedit_tensor *t = any_vector(w);

    poke(&w->e.data, (size_t)t->offset + 4 * draw(t->dim[0]),
         float_bits(ONE_OF(wrong), 4), 4);
}

static void data_cut_short(struct work *w)
{
    size_t end = data_end(w);

    w->e.data.len = end - 1 - draw(draw(2) ? 64 : end);
    w->tail = 0;
}

/* --- meeting it ---------------------------------------------------------- */

struct kind {
    const char *name;
    void (*change)(struct work *w);
};
#define KIND(f) { #f, f }

static const struct kind harmless[] = {
    KIND(order_of_keys), KIND(order_of_tensors), KIND(keys_nobody_knows),
    KIND(wider_integers), KIND(data_elsewhere), KIND(version_two),
    KIND(bytes_behind), KIND(another_name), KIND(a_longer_context),
};

static const struct kind harmful[] = {
    KIND(another_shape_of_model), KIND(an_integer_of_another_kind),
    KIND(a_float_out_of_range), KIND(a_key_misspelt), KIND(a_key_twice),
    KIND(a_key_s_length), KIND(a_string_s_length), KIND(an_array_s_count),
    KIND(an_array_s_type), KIND(a_token_type_too_few), KIND(a_token_too_many),
    KIND(a_type_no_token_has), KIND(a_token_nobody_has), KIND(an_alignment),
    KIND(a_version), KIND(a_count_of_keys), KIND(a_count_of_tensors),
    KIND(a_tensor_gone), KIND(a_tensor_misspelt), KIND(a_tensor_more),
    KIND(a_matrix_on_its_side), KIND(a_dimension),
    KIND(a_count_of_dimensions), KIND(a_type_of_tensor), KIND(an_offset),
    KIND(names_exchanged), KIND(a_number_that_is_none), KIND(data_cut_short),
};

static struct {
    char path[64];
    struct str good;
    float *want, *logits;       /* [n_vocab] */
    size_t n_vocab;
    uint64_t seed;
    int no;                     /* of the file */
    clock_t slowest;
} m;

static void spoil(const struct kind *k, int n_harmless)
{
    struct work *w = calloc(1, sizeof *w);
    struct str out;

    assert_non_null(w);
    str_init(&out);
    ggufedit_open(&w->e, &m.good);
    for (int i = 0; i < n_harmless; i++)
        ONE_OF(harmless).change(w);
    k->change(w);
    ggufedit_write(&w->e, &out);
    for (size_t i = 0; i < w->tail; i++)
        str_putc(&out, (char)draw(256));
    ggufedit_close(&w->e);
    free(w);
    assert_true(str_ok(&out));
    assert_int_equal(mkgguf_save(m.path, &out, NULL), SOR_OK);
    str_release(&out);
}

static void compute(struct engine *e, float *logits)
{
    int32_t tok[4] = { 5, 60, 7, 100 };
    struct session *s = NULL;

    assert_int_equal(session_open(e, 1, 0, &s, NULL), SOR_OK);
    struct engine_feed feed = { .session = s, .tok = tok, .n_tok = 4,
                                .n_logits = 1, .logits = logits };
    assert_int_equal(engine_step(e, &feed, 1, NULL), SOR_OK);
    session_close(s);
}

static enum sor_err open_it(struct sor_msg *msg)
{
    struct engine_opts opts = { .n_thread = 1, .n_ctx = 64 };
    struct engine *e = NULL;
    clock_t from = clock();     /* processor time: others may be busy too */
    enum sor_err err;

    alarm(SECONDS * (slow() ? 30 : 1));
    err = engine_open(m.path, &opts, &e, msg);
    if (!err && engine_hparams(e)->n_vocab == m.n_vocab)
        compute(e, m.logits);
    engine_close(e);
    alarm(0);
    if (clock() - from > m.slowest)
        m.slowest = clock() - from;
    return err;
}

static void meet(const struct kind *k, int is_good)
{
    struct sor_msg msg = { "" };
    enum sor_err err;

    m.no++;
    spoil(k, (int)draw(4));
    err = open_it(&msg);
    if (is_good && err)
        fail_msg("seed %" PRIu64 ", file %d, %s: a good file is refused: %s",
                 m.seed, m.no, k->name, msg.text);
    if (is_good && memcmp(m.want, m.logits, m.n_vocab * sizeof *m.want))
        fail_msg("seed %" PRIu64 ", file %d, %s: other logits", m.seed, m.no,
                 k->name);
    if (!is_good && !err)
        fail_msg("seed %" PRIu64 ", file %d, %s: a bad file is accepted",
                 m.seed, m.no, k->name);
    if (err && (err == SOR_NOMEM || !strstr(msg.text, m.path) ||
                strpbrk(msg.text, "\n\x1b")))
        fail_msg("seed %" PRIu64 ", file %d, %s: says \"%s\"", m.seed, m.no,
                 k->name, msg.text);
}

static void meet_all(const struct kind *k, size_t n, int is_good)
{
    const int rounds = getenv("SORITES_HARD") ? HARD_ROUNDS : ROUNDS;

    m.slowest = 0;
    m.no = 0;
    chance = m.seed;
    for (int r = 0; r < rounds; r++)
        for (size_t i = 0; i < n; i++)
            meet(&k[i], is_good);
    print_message("%d models with %s at random, seed %" PRIu64 ": all %s; "
                  "slowest %.0f ms\n", m.no, is_good ? "harmless changes"
                                                     : "one fault",
                  m.seed, is_good ? "run to the same bits" : "refused",
                  (double)m.slowest * 1000 / CLOCKS_PER_SEC);
    if (!slow())
        assert_true(m.slowest < CLOCKS_PER_SEC);        /* a second */
}

static void good_ones_run_to_the_same_bits(void **state)
{
    (void)state;
    meet_all(harmless, LENGTH(harmless), 1);
}

static void bad_ones_are_refused(void **state)
{
    (void)state;
    meet_all(harmful, LENGTH(harmful), 0);
}

static int setup(void **state)
{
    struct mkmodel_opts o = { .type = GGUF_Q4_0, .rope_freqs = 1 };
    struct engine_opts opts = { .n_thread = 1, .n_ctx = 64 };
    const char *seed = getenv("SORITES_SEED");
    struct engine *e = NULL;

    (void)state;
    m.seed = seed ? strtoull(seed, NULL, 10)
           : getenv("SORITES_HARD") ? (uint64_t)time(NULL) : 1;
    str_init(&m.good);
    mkmodel_bytes(&o, &m.good);
    if (!str_ok(&m.good) || mkmodel_path(m.path) ||
        mkgguf_save(m.path, &m.good, NULL) ||
        engine_open(m.path, &opts, &e, NULL))
        return -1;
    m.n_vocab = engine_hparams(e)->n_vocab;
    m.want = calloc(m.n_vocab, sizeof *m.want);
    m.logits = calloc(m.n_vocab, sizeof *m.logits);
    if (m.want && m.logits)
        compute(e, m.want);
    engine_close(e);
    return m.want && m.logits && isfinite(m.want[0]) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    str_release(&m.good);
    free(m.want);
    free(m.logits);
    return unlink(m.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_run_to_the_same_bits),
        cmocka_unit_test(bad_ones_are_refused),
    };

    return cmocka_run_group_tests_name("hostile_random", tests, setup,
                                       teardown);
}
