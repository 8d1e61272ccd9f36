/* From what was typed to tokens, and from tokens to text; and what is known of
 * a model's accuracy on a question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "cli/accuracy.h"
#include "engine/engine.h"
#include "probe/prompt.h"
#include "tests/models.h"

static struct engine *e;

static int setup(void **state)
{
    struct engine_opts o = { .n_thread = 1 };

    (void)state;
    return models_small() && engine_open(models_small(), &o, &e, NULL) ==
           SOR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    engine_close(e);
    return 0;
}

static void expect(const struct prompt *p, const char *text)
{
    struct tok_ids ids = { NULL, 0, 0 };
    enum chat_kind kind;
    struct str back;

    str_init(&back);
    assert_int_equal(prompt_encode(e, p, &ids, &kind, NULL), SOR_OK);
    assert_int_equal(kind, p->raw ? CHAT_NONE : CHAT_CHATML);
    assert_int_equal(tok_decode(engine_tok(e), ids.id, ids.n, &back, NULL),
                     SOR_OK);
    assert_string_equal(back.p, text);
    tok_ids_release(&ids);
    str_release(&back);
}

static void a_prompt_becomes_turns_or_stays_raw(void **state)
{
    struct prompt p = { .text = "hi", .n = 2, .system = "Be brief." };

    (void)state;
    expect(&p, "<|im_start|>system\nBe brief.<|im_end|>\n"
               "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
    p = (struct prompt){ .text = "<|im_end|>hi", .n = 12, .raw = 1 };
    expect(&p, "<|im_end|>hi");
}

/* What a user typed is never a marker, unless asked to be read so. */
static void typed_markers_are_text(void **state)
{
    struct prompt typed = { .text = "<|im_end|>", .n = 10, .system = "s" };
    struct prompt raw = { .text = "<|im_end|>", .n = 10, .raw = 1 };
    struct tok_ids a = { NULL, 0, 0 }, b = { NULL, 0, 0 };
    int32_t marker = tok_find(engine_tok(e), "<|im_end|>", 10);
    enum chat_kind kind;
    int n = 0;

    (void)state;
    assert_true(marker >= 0);
    assert_int_equal(prompt_encode(e, &typed, &a, &kind, NULL), SOR_OK);
    for (size_t i = 0; i < a.n; i++)
        n += a.id[i] == marker;
    assert_int_equal(n, 2);             /* the template's own: system, user */
    assert_int_equal(prompt_encode(e, &raw, &b, &kind, NULL), SOR_OK);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.id[0], marker);
    tok_ids_release(&a);
    tok_ids_release(&b);
}

static void an_empty_raw_prompt_has_no_tokens(void **state)
{
    struct prompt p = { .text = "", .n = 0, .raw = 1 };
    struct tok_ids ids = { NULL, 0, 0 };
    enum chat_kind kind;
    struct sor_msg msg;

    (void)state;
    assert_int_equal(prompt_encode(e, &p, &ids, &kind, &msg), SOR_USAGE);
    assert_non_null(strstr(msg.text, "no tokens"));
    tok_ids_release(&ids);
}

static void markers_give_no_text(void **state)
{
    const struct tok *t = engine_tok(e);
    int32_t id[3] = { tok_find(t, "a", 1), tok_find(t, "<|im_end|>", 10),
                      tok_find(t, "b", 1) };
    struct str out;

    (void)state;
    assert_false(prompt_is_silent(t, id[0]));
    assert_true(prompt_is_silent(t, id[1]));
    str_init(&out);
    prompt_text(t, id, 3, &out);
    assert_string_equal(out.p, "ab");
    str_release(&out);
}

static void unmeasured_is_a_word(void **state)
{
    static const uint8_t other[32] = { 1 };
    static const uint8_t known[32] = {
        0xb1, 0x79, 0xc9, 0x52, 0x3d, 0x0e, 0x6a, 0x0f, 0x98, 0xa3, 0x30,
        0xc7, 0x56, 0x2b, 0x68, 0x27, 0x50, 0xa6, 0xf8, 0xc8, 0xc1, 0x5e,
        0x5b, 0xc7, 0x0e, 0xa3, 0x73, 0x72, 0x81, 0x10, 0xdb, 0x53 };
    static const struct { const char *question, *said; } cases[] = {
        { "What is 17 + 25?", "sums" },
        { "Tom has 3 red pens and 5 blue pens in his bag. How many pens does "
          "Tom have?", "unmeasured" },
        { "There are 4 red pens and 3 blue pens in a box. How many pens are "
          "in the box? Think step by step.", "1 of 64" },
        { "There are 4 red pens and 1 blue pens in a box. How many pens are "
          "in the box? Think step by step.", "unmeasured" },
        { "There are 4 red pens and 3 blue pens in a box. How many pens are "
          "in the box?", "unmeasured" },
        { "What is 1+1?", "unmeasured" },
        { "What is 7 + 25?", "unmeasured" },
        { "What is 07 + 25?", "unmeasured" },
        { "What is 117 + 25?", "unmeasured" },
        { "What is 17 + 253?", "unmeasured" },
        { "What is 17 + 25", "unmeasured" },
        { "What is 17 + 25? Explain.", "unmeasured" },
        { "What is -17 + 25?", "unmeasured" },
        { "What is 17.50 + 25?", "unmeasured" },
        { "Who wrote Faust?", "unmeasured" },
        { "In C, what does x + y mean?", "unmeasured" },
        { "Between 1914 and 1918", "unmeasured" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_non_null(strstr(accuracy_known(known, cases[i].question),
                               cases[i].said));
        assert_non_null(strstr(accuracy_known(other, cases[i].question),
                               "unmeasured"));
    }
    assert_non_null(strstr(accuracy_known(known, NULL), "unmeasured"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_becomes_turns_or_stays_raw),
        cmocka_unit_test(typed_markers_are_text),
        cmocka_unit_test(an_empty_raw_prompt_has_no_tokens),
        cmocka_unit_test(markers_give_no_text),
        cmocka_unit_test(unmeasured_is_a_word),
    };

    return cmocka_run_group_tests_name("prompt", tests, setup, teardown);
}
