/* The tokenizer: equal to the reference, and able to take any bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/gguf.h"
#include "engine/tok.h"
#include "engine/tok_bpe.h"
#include "engine/tok_pre.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"

/* --- helpers ------------------------------------------------------------- */

/* The same numbers on every machine: a linear congruential generator (Knuth,
 * TAOCP 3.3.4, line 26), its upper bits. */
static uint32_t rng;

static int random_below(int n)
{
    rng = rng * 1664525u + 1013904223u;
    return (int)((rng >> 8) % (uint32_t)n);
}

/* Opens a random model with this pre-tokenizer; NULL: as the default. */
static struct tok *open_small(const char *pre)
{
    struct mkmodel_opts o = { .n_layer = 1, .pre = pre };
    char path[64];
    struct gguf *g = NULL;
    struct tok *t = NULL;

    assert_int_equal(mkmodel_path(path), 0);
    assert_int_equal(mkmodel(path, &o, NULL), SOR_OK);
    assert_int_equal(gguf_open(path, &g, NULL), SOR_OK);
    assert_int_equal(tok_open(g, &t, NULL), SOR_OK);
    gguf_close(g);          /* the tokenizer keeps what it needs */
    unlink(path);
    return t;
}

/* Encodes, and writes the pieces with '|' between them to out[256]. */
static const char *pieces(const struct tok *t, const char *text, unsigned flags)
{
    static char out[256];
    struct tok_ids ids = { 0 };
    size_t n = 0;

    assert_int_equal(tok_encode(t, text, strlen(text), flags, &ids), SOR_OK);
    for (size_t i = 0; i < ids.n; i++) {
        size_t len;
        const char *p = tok_piece(t, ids.id[i], &len);

        assert_true(n + len + 2 < sizeof out);
        if (i)
            out[n++] = '|';
        memcpy(out + n, p, len);
        n += len;
    }
    out[n] = '\0';
    tok_ids_release(&ids);
    return out;
}

/* --- small vocabulary ---------------------------------------------------- */

static void merges_by_rank(void **state)
{
    struct tok *t = open_small(NULL);

    (void)state;
    assert_string_equal(tok_pre_name(t), "smollm");
    assert_string_equal(pieces(t, "", 0), "");
    assert_string_equal(pieces(t, "the party shall", 0),
                        "t|h|e| party| shall");
    /* " the" was built from the left, so " th" is a token and "th" is not */
    assert_string_equal(pieces(t, " th th", 0), " th| th");
    assert_string_equal(pieces(t, "12 34", 0), "1|2| |3|4");
    tok_close(t);
}

static void marks_are_found_only_on_request(void **state)
{
    struct tok *t = open_small(NULL);
    const char *text = "<|im_start|>user<|im_end|><|im_end|";
    struct tok_ids ids = { 0 };

    (void)state;
    assert_string_equal(pieces(t, text, TOK_SPECIAL),
                        "<|im_start|>|user|<|im_end|>|<|||i|m|_|e|n|d||");
    assert_int_equal(tok_encode(t, text, strlen(text), 0, &ids), SOR_OK);
    for (size_t i = 0; i < ids.n; i++)
        assert_false(tok_is_special(t, ids.id[i]));
    tok_ids_release(&ids);
    assert_int_equal(tok_find(t, "<|im_end|>", 10), 2);
    assert_true(tok_is_special(t, 2));
    assert_true(tok_is_eog(t, 2));
    assert_true(tok_is_eog(t, 0));              /* <|endoftext|> */
    assert_false(tok_is_eog(t, 1));
    assert_int_equal(tok_bos(t), 1);
    assert_int_equal(tok_eos(t), 2);
    assert_int_equal(tok_find(t, "no such token", 13), -1);
    tok_close(t);
}

static void bos_comes_where_the_file_wants_it(void **state)
{
    struct mkgguf m;
    struct str bytes;
    struct gguf *g = NULL;
    struct tok *t = NULL;
    struct tok_ids ids = { 0 };
    char path[64];

    (void)state;
    mkgguf_init(&m);
    mkgguf_str(&m, "tokenizer.ggml.model", "gpt2");
    mkgguf_str(&m, "tokenizer.ggml.pre", "gpt-2");
    mkgguf_strs(&m, "tokenizer.ggml.tokens", "a\0b\0ab\0<s>", 4);
    mkgguf_i32s(&m, "tokenizer.ggml.token_type",
                (const int32_t[]){ 1, 1, 1, 3 }, 4);
    mkgguf_strs(&m, "tokenizer.ggml.merges", "a b", 1);
    mkgguf_u32(&m, "tokenizer.ggml.bos_token_id", 3);
    mkgguf_bool(&m, "tokenizer.ggml.add_bos_token", 1);
    str_init(&bytes);
    mkgguf_file(&m, &bytes);
    assert_int_equal(mkmodel_path(path), 0);
    assert_int_equal(mkgguf_save(path, &bytes, NULL), SOR_OK);
    assert_int_equal(gguf_open(path, &g, NULL), SOR_OK);
    assert_int_equal(tok_open(g, &t, NULL), SOR_OK);
    assert_true(tok_adds_bos(t));
    assert_int_equal(tok_eos(t), -1);
    assert_int_equal(tok_eot(t), -1);
    assert_int_equal(tok_n_vocab(t), 4);
    assert_int_equal(tok_encode(t, "xabx", 4, TOK_BOS, &ids), SOR_OK);
    assert_int_equal(ids.n, 2);         /* x has no token and is dropped */
    assert_int_equal(ids.id[0], 3);
    assert_int_equal(ids.id[1], 2);
    tok_ids_release(&ids);
    tok_close(t);
    gguf_close(g);
    unlink(path);
    mkgguf_release(&m);
    str_release(&bytes);
}

static void ids_out_of_range_are_errors(void **state)
{
    struct tok *t = open_small(NULL);
    struct tok_stream s = { 0 };
    struct sor_msg msg = { "" };
    struct str out;
    size_t n;
    int32_t end = (int32_t)tok_n_vocab(t);

    (void)state;
    str_init(&out);
    assert_null(tok_piece(t, -1, &n));
    assert_null(tok_piece(t, end, &n));
    assert_int_equal(tok_decode(t, (int32_t[]){ 20, end }, 2, &out, &msg),
                     SOR_LIMIT);
    assert_non_null(strstr(msg.text, "token 1 is 398, outside 0..397"));
    assert_int_equal(out.len, 0);
    assert_int_equal(tok_stream_put(t, &s, INT32_MIN, &out), SOR_LIMIT);
    assert_false(tok_is_eog(t, end));
    assert_false(tok_is_special(t, -1));
    str_release(&out);
    tok_close(t);
}

/* 0xF0 0x9F 0x98 0x80 is U+1F600; one byte a token. */
static void a_stream_never_splits_a_character(void **state)
{
    struct tok *t = open_small(NULL);
    struct tok_ids ids = { 0 };
    struct tok_stream s = { 0 };
    struct str out;
    const char *text = "a\xF0\x9F\x98\x80z\xC3";
    const char *const after[] = { "a", "a", "a", "a", "a\xF0\x9F\x98\x80",
                                  "a\xF0\x9F\x98\x80z",
                                  "a\xF0\x9F\x98\x80z" };

    (void)state;
    str_init(&out);
    assert_int_equal(tok_encode(t, text, strlen(text), 0, &ids), SOR_OK);
    assert_int_equal(ids.n, 7);
    for (size_t i = 0; i < ids.n; i++) {
        assert_int_equal(tok_stream_put(t, &s, ids.id[i], &out), SOR_OK);
        assert_string_equal(out.p, after[i]);
    }
    tok_stream_flush(&s, &out);
    assert_string_equal(out.p, text);
    str_release(&out);
    tok_ids_release(&ids);
    tok_close(t);
}

/* All bytes have tokens here, so whatever goes in comes out. */
static void any_bytes_come_back(void **state)
{
    struct tok *t = open_small(NULL);
    struct tok_ids ids = { 0 };
    struct str out;
    char text[200];

    (void)state;
    str_init(&out);
    rng = 5;
    for (int round = 0; round < 300; round++) {
        size_t n = (size_t)random_below(sizeof text);
        int ascii = round & 1;          /* every other one: mostly merges */

        for (size_t i = 0; i < n; i++)
            text[i] = ascii ? " theofand\n"[random_below(10)]
                            : (char)random_below(256);
        ids.n = 0;
        str_clear(&out);
        assert_int_equal(tok_encode(t, text, n, TOK_SPECIAL, &ids), SOR_OK);
        assert_int_equal(tok_decode(t, ids.id, ids.n, &out, NULL), SOR_OK);
        assert_int_equal(out.len, n);
        assert_memory_equal(out.p, text, n);
    }
    str_release(&out);
    tok_ids_release(&ids);
    tok_close(t);
}

/* --- merging ------------------------------------------------------------- */

/* The textbook's way: look for the lowest rank, merge its leftmost pair. */
static size_t merge_slowly(const struct tok_merge *m, size_t n_merge,
                           int32_t *id, size_t n)
{
    for (;;) {
        size_t rank = n_merge, at = 0;

        for (size_t i = 0; i + 1 < n; i++)
            for (size_t r = 0; r < rank; r++)
                if (m[r].left == id[i] && m[r].right == id[i + 1]) {
                    rank = r;
                    at = i;
                }
        if (rank == n_merge)
            return n;
        id[at] = m[rank].both;
        memmove(&id[at + 1], &id[at + 2], (n - at - 2) * sizeof *id);
        n--;
    }
}

static void the_heap_merges_as_the_textbook_does(void **state)
{
    enum { LETTERS = 3, MERGES = 40, LEN = 60 };
    struct tok_bpe_work w = { 0 };
    int32_t want[LEN];

    (void)state;
    rng = 11;
    for (int round = 0; round < 200; round++) {
        struct tok_merge *m = mem_calloc(MERGES, sizeof *m);
        struct tok_merge copy[MERGES];
        struct tok_bpe *b = NULL;
        size_t n = 1 + (size_t)random_below(LEN);

        for (int r = 0; r < MERGES; r++)    /* of what is there so far */
            m[r] = (struct tok_merge){ random_below(LETTERS + r),
                                       random_below(LETTERS + r),
                                       LETTERS + r };
        memcpy(copy, m, sizeof copy);
        assert_int_equal(tok_bpe_open(m, MERGES, &b), SOR_OK);
        assert_int_equal(tok_bpe_reserve(&w, n), SOR_OK);
        for (size_t i = 0; i < n; i++)
            want[i] = w.id[i] = random_below(LETTERS);
        size_t have = tok_bpe_merge(b, &w, n);
        assert_int_equal(have, merge_slowly(copy, MERGES, want, n));
        assert_memory_equal(w.id, want, have * sizeof *want);
        tok_bpe_close(b);
    }
    tok_bpe_work_release(&w);
    tok_bpe_close(NULL);
}

/* A million bytes without a boundary: n log n, or this takes hours. */
static void long_pieces_are_quick(void **state)
{
    enum { N = 1 << 20 };
    struct tok *t = open_small(NULL);
    struct tok_ids ids = { 0 };
    char *text = mem_alloc(N);

    (void)state;
    assert_non_null(text);
    memset(text, 'n', N);
    assert_int_equal(tok_encode(t, text, N, 0, &ids), SOR_OK);
    assert_int_equal(ids.n, N);
    memset(text, ' ', N);
    ids.n = 0;
    assert_int_equal(tok_encode(t, text, N, 0, &ids), SOR_OK);
    assert_int_equal(ids.n, N);
    mem_free(text);
    tok_ids_release(&ids);
    tok_close(t);
}

/* --- pre-tokenizers ------------------------------------------------------ */

static enum sor_err join(void *ud, const char *piece, size_t n)
{
    struct str *out = ud;

    str_put(out, piece, n);
    str_putc(out, '|');
    return SOR_OK;
}

/* Hand-made from the regexes' definitions. */
static void each_pre_tokenizer_cuts_its_way(void **state)
{
    static const struct { const char *pre, *text, *want; } cases[] = {
        { "gpt-2", "I'll pay 1000  now", "I|'ll| pay| 1000| | now|" },
        { "smollm", "I'll pay 1000  now", "I|'ll| pay| |1|0|0|0| | now|" },
        { "llama-bpe", "I'LL pay 1000\n\n now",
          "I|'LL| pay| |100|0|\n\n| now|" },
        { "qwen2", "I'll pay 10,\n now", "I|'ll| pay| |1|0|,\n| now|" },
        { "deepseek-r1-qwen", "(a) x", "(a|)| x|" },
        { "gpt-2", "(a) x", "(|a|)| x|" },
        { "default", "x's 12345", "x|'|s| |123|45|" },
        /* U+00A0 is white space, U+180E (once was) not */
        { "gpt-2", "a\u00A0b\u180Ec", "a|\u00A0|b|\u180E|c|" },
        /* U+017F folds to s, but no contraction has it */
        { "llama-bpe", "a'\u017F", "a|'\u017F|" },
        { "gpt-2", "a\xFF\xFE\xC3" "b", "a|\xFF\xFE\xC3|b|" },
        { "gpt-2", "\uFFFD", "\uFFFD|" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gguf_str name = { cases[i].pre, strlen(cases[i].pre) };
        struct tok_pre *p = NULL;
        struct str out;

        str_init(&out);
        assert_int_equal(tok_pre_open("f", name, &p, NULL), SOR_OK);
        assert_string_equal(tok_pre_name_of(p), cases[i].pre);
        assert_int_equal(tok_pre_split(p, cases[i].text, strlen(cases[i].text),
                                       join, &out), SOR_OK);
        assert_string_equal(out.p, cases[i].want);
        tok_pre_close(p);
        str_release(&out);
    }
}

static void llama3_takes_whole_pieces_and_bos(void **state)
{
    struct gguf_str name = { "llama-bpe", 9 };
    struct tok_pre *p = NULL;

    (void)state;
    assert_int_equal(tok_pre_open("f", name, &p, NULL), SOR_OK);
    assert_true(tok_pre_whole(p));
    assert_true(tok_pre_bos(p));
    tok_pre_close(p);
    tok_pre_close(NULL);
}

/* --- what it refuses ----------------------------------------------------- */

struct bad {
    const char *model, *pre, *merge;
    uint32_t    bos;
    int         types;          /* entries of token_type */
    enum sor_err err;
    const char *part;
};

static void refuses_inconsistent_vocabularies(void **state)
{
    static const struct bad cases[] = {
        { "gpt2", "gpt-2", "a b", 0, 3, SOR_OK, "" },
        { "llama", "gpt-2", "a b", 0, 3, SOR_UNSUP, "\"llama\" is not supp" },
        { "gpt2", "klingon", "a b", 0, 3, SOR_UNSUP, "\"klingon\" is not" },
        { "gpt2", "gpt-2", "b a", 0, 3, SOR_FORMAT, "merge 0 \"b a\"" },
        { "gpt2", "gpt-2", "a c", 0, 3, SOR_FORMAT, "merge 0 \"a c\"" },
        { "gpt2", "gpt-2", "ab", 0, 3, SOR_FORMAT, "merge 0" },
        { "gpt2", "gpt-2", "", 0, 3, SOR_FORMAT, "merge 0" },
        { "gpt2", "gpt-2", " ", 0, 3, SOR_FORMAT, "merge 0" },
        { "gpt2", "gpt-2", "a b", 3, 3, SOR_FORMAT, "bos_token_id\" is 3" },
        { "gpt2", "gpt-2", "a b", 0, 2, SOR_FORMAT, "2 token types" },
    };
    char path[64];

    (void)state;
    assert_int_equal(mkmodel_path(path), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mkgguf m;
        struct str bytes;
        struct gguf *g = NULL;
        struct tok *t = NULL;
        struct sor_msg msg = { "" };

        mkgguf_init(&m);
        mkgguf_str(&m, "tokenizer.ggml.model", cases[i].model);
        mkgguf_str(&m, "tokenizer.ggml.pre", cases[i].pre);
        mkgguf_strs(&m, "tokenizer.ggml.tokens", "a\0b\0ab", 3);
        mkgguf_i32s(&m, "tokenizer.ggml.token_type",
                    (const int32_t[]){ 1, 1, 1 }, (uint64_t)cases[i].types);
        mkgguf_strs(&m, "tokenizer.ggml.merges", cases[i].merge, 1);
        mkgguf_u32(&m, "tokenizer.ggml.bos_token_id", cases[i].bos);
        str_init(&bytes);
        mkgguf_file(&m, &bytes);
        assert_int_equal(mkgguf_save(path, &bytes, NULL), SOR_OK);
        assert_int_equal(gguf_open(path, &g, NULL), SOR_OK);
        assert_int_equal(tok_open(g, &t, &msg), cases[i].err);
        assert_non_null(strstr(msg.text, cases[i].part));
        tok_close(t);
        gguf_close(g);
        str_release(&bytes);
        mkgguf_release(&m);
    }
    unlink(path);
}

static void says_so_when_memory_ends(void **state)
{
    struct mkmodel_opts o = { .n_layer = 1 };
    struct gguf *g = NULL;
    struct tok *t = NULL;
    struct tok_ids ids = { 0 };
    char path[64];
    int failed = 0;
    enum sor_err err = SOR_NOMEM;

    (void)state;
    assert_int_equal(mkmodel_path(path), 0);
    assert_int_equal(mkmodel(path, &o, NULL), SOR_OK);
    assert_int_equal(gguf_open(path, &g, NULL), SOR_OK);
    for (uint64_t n = 1; n < 60; n++) {     /* more than it allocates */
        tok_close(t);
        t = NULL;
        mem_fail_at(n);
        err = tok_open(g, &t, NULL);
        mem_fail_at(0);
        assert_int_equal(err, t ? SOR_OK : SOR_NOMEM);
        failed += !t;
    }
    assert_non_null(t);
    assert_true(failed > 8);    /* the regex compiler's JIT may do without */
    err = SOR_NOMEM;
    assert_int_equal(tok_ids_push(&ids, 42), SOR_OK);
    for (uint64_t n = 1; err && n < 50; n++) {
        const char *text = "the party<|im_end|> shall";

        mem_fail_at(n);
        err = tok_encode(t, text, strlen(text), TOK_SPECIAL, &ids);
        mem_fail_at(0);
        assert_true(err == SOR_OK || (err == SOR_NOMEM && ids.n == 1));
    }
    assert_int_equal(err, SOR_OK);
    assert_int_equal(ids.id[0], 42);
    tok_ids_release(&ids);
    tok_close(t);
    tok_close(NULL);
    gguf_close(g);
    unlink(path);
}

/* --- the real vocabulary ------------------------------------------------- */

static FILE *open_reference(void)
{
    const char *root = getenv("SORITES_SHARED");
    char path[512];

    snprintf(path, sizeof path, "%s/reference/smollm2_tokens_dev.jsonl",
             root ? root : "../shared");
    return fopen(path, "r");
}

static void check_line(const struct tok *t, const char *line, size_t n)
{
    cJSON *tree = NULL, *want, *item;
    struct tok_ids ids = { 0 };
    struct str text, back;
    size_t i = 0;

    str_init(&text);
    str_init(&back);
    assert_int_equal(json_parse_nul(line, n, "reference", &tree, NULL), SOR_OK);
    json_text(cJSON_GetObjectItem(tree, "text"), &text);
    want = cJSON_GetObjectItem(tree, "tokens");
    assert_int_equal(tok_encode(t, text.p, text.len, TOK_SPECIAL, &ids),
                     SOR_OK);
    assert_int_equal(ids.n, cJSON_GetArraySize(want));
    cJSON_ArrayForEach(item, want)
        assert_int_equal(ids.id[i++], item->valueint);
    assert_int_equal(tok_decode(t, ids.id, ids.n, &back, NULL), SOR_OK);
    assert_int_equal(back.len, text.len);
    assert_memory_equal(back.p, text.p, text.len);
    cJSON_Delete(tree);
    tok_ids_release(&ids);
    str_release(&text);
    str_release(&back);
}

static void equals_the_reference(void **state)
{
    const char *real = getenv("SORITES_TEST_MODEL");
    FILE *f = open_reference();
    struct gguf *g = NULL;
    struct tok *t = NULL;
    char *line = NULL;
    size_t cap = 0;
    int lines = 0;
    ssize_t n;

    (void)state;
    if (!real || !f) {
        if (f)
            fclose(f);
        skip();         /* no model or no reference data */
    }
    assert_int_equal(gguf_open(real, &g, NULL), SOR_OK);
    assert_int_equal(tok_open(g, &t, NULL), SOR_OK);
    for (; (n = getline(&line, &cap, f)) > 0; lines++)
        check_line(t, line, (size_t)n);
    assert_int_equal(lines, 276);
    free(line);
    fclose(f);
    tok_close(t);
    gguf_close(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_by_rank),
        cmocka_unit_test(marks_are_found_only_on_request),
        cmocka_unit_test(bos_comes_where_the_file_wants_it),
        cmocka_unit_test(ids_out_of_range_are_errors),
        cmocka_unit_test(a_stream_never_splits_a_character),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(the_heap_merges_as_the_textbook_does),
        cmocka_unit_test(long_pieces_are_quick),
        cmocka_unit_test(each_pre_tokenizer_cuts_its_way),
        cmocka_unit_test(llama3_takes_whole_pieces_and_bos),
        cmocka_unit_test(refuses_inconsistent_vocabularies),
        cmocka_unit_test(says_so_when_memory_ends),
        cmocka_unit_test(equals_the_reference),
    };
    return cmocka_run_group_tests_name("tok", tests, NULL, NULL);
}
