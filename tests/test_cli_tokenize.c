/* sorites tokenize and sorites inspect, as a script meets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/gguf.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"
#include "tests/prog.h"

/* Puts m.gguf into the program's folder. */
static int setup(void **state)
{
    struct mkmodel_opts o = { .type = GGUF_Q4_0 };
    char path[96];

    if (prog_setup(state))
        return -1;
    snprintf(path, sizeof path, "%s/m.gguf", prog_dir);
    return mkmodel(path, &o, NULL) == SOR_OK ? 0 : -1;
}

/* Saves text as prog_dir/leaf. */
static void spill(const char *leaf, const char *text)
{
    char path[96];

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    prog_spill(path, text, strlen(text));
}

/* --- tokenize ------------------------------------------------------------ */

static void tokenizes_lines_and_decodes_them(void **state)
{
    (void)state;
    spill("in", "{\"id\":\"a\",\"text\":\" the party<|im_end|>\"}\n\n"
                "{\"id\":7,\"text\":\"\"}\n"
                "{\"text\":\"\\u0000\\u00e9\"}");
    assert_int_equal(prog_run("tokenize -m m.gguf in"), 0);
    assert_string_equal(prog_err, "");
    assert_non_null(strstr(prog_out, "{\"id\":\"a\",\"tokens\":["));
    assert_non_null(strstr(prog_out, ",2]}\n{\"id\":7,\"tokens\":[]}\n"
                                     "{\"id\":null,\"tokens\":["));
    spill("ids", prog_out);
    assert_int_equal(prog_run("tokenize -m m.gguf --decode - <ids"), 0);
    assert_string_equal(prog_out,
        "{\"id\":\"a\",\"text\":\" the party<|im_end|>\"}\n"
        "{\"id\":7,\"text\":\"\"}\n"
        "{\"id\":null,\"text\":\"\\u0000\u00e9\"}\n");
}

/* Beyond what a double holds, too. */
static void an_id_comes_back_as_it_was(void **state)
{
    static const char *const id[] = { "9007199254740993", "-1.50e+3", "true",
                                      "123456789012345678901234567890" };

    (void)state;
    for (size_t i = 0; i < sizeof id / sizeof *id; i++) {
        char line[128], want[128];

        snprintf(line, sizeof line, "{\"text\":\"\",\"x\":{\"id\":1}, "
                 "\"id\" : %s}\n", id[i]);
        snprintf(want, sizeof want, "{\"id\":%s,\"tokens\":[]}\n", id[i]);
        spill("in", line);
        assert_int_equal(prog_run("tokenize -m m.gguf in"), 0);
        assert_string_equal(prog_out, want);
    }
}

static void a_line_that_is_no_utf8_is_refused(void **state)
{
    (void)state;
    spill("in", "\n{\"text\":\"a\xFF\"}\n");
    assert_int_equal(prog_run("tokenize -m m.gguf in"), 3);
    prog_expect_sentence("in:2: not UTF-8");
}

static void plain_text_has_no_marks(void **state)
{
    (void)state;
    spill("in", "{\"id\":1,\"text\":\"<|im_end|>\"}\n");
    assert_int_equal(prog_run("tokenize -m m.gguf in"), 0);
    assert_string_equal(prog_out, "{\"id\":1,\"tokens\":[2]}\n");
    assert_int_equal(prog_run("tokenize -m m.gguf --plain in"), 0);
    assert_null(strstr(prog_out, "[2]"));
    spill("ids", prog_out);
    assert_int_equal(prog_run("tokenize -m m.gguf --decode ids"), 0);
    assert_string_equal(prog_out, "{\"id\":1,\"text\":\"<|im_end|>\"}\n");
}

static void bad_lines_are_named(void **state)
{
    static const struct { const char *flags, *line, *with; } bad[] = {
        { "", "{\"id\":1}", "in:1: no \"text\"" },
        { "", "{\"id\":1,\"text\":5}", "in:1: no \"text\"" },
        { "", "[1,2]", "in:1: no \"text\"" },
        { "", "{\"id\":1,", "in:1" },
        { "--decode", "{\"text\":\"a\"}", "in:1: no \"tokens\"" },
        { "--decode", "{\"tokens\":[1,398]}", "\"tokens\"[1] is no token id" },
        { "--decode", "{\"tokens\":[-1]}", "\"tokens\"[0] is no token id" },
        { "--decode", "{\"tokens\":[1.5]}", "(0 to 397)" },
        { "--decode", "{\"tokens\":[\"1\"]}", "is no token id" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        spill("in", bad[i].line);
        assert_int_equal(prog_run("tokenize -m m.gguf %s in", bad[i].flags), 3);
        prog_expect_sentence(bad[i].with);
    }
    assert_int_equal(prog_run("tokenize -m m.gguf none"), 3);
    prog_expect_sentence("none: No such file");
    assert_int_equal(prog_run("tokenize -m m.gguf"), 2);
    assert_int_equal(prog_run("tokenize -m in in"), 3);
    prog_expect_sentence("in: ");
}

/* --- inspect ------------------------------------------------------------- */

static const cJSON *get(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static void inspect_lists_all_as_json(void **state)
{
    cJSON *tree = NULL;

    (void)state;
    assert_int_equal(prog_run("inspect --json m.gguf"), 0);
    assert_int_equal(json_parse(prog_out, strlen(prog_out), "out", &tree, NULL),
                     SOR_OK);
    assert_string_equal(get(tree, "path")->valuestring, "m.gguf");
    assert_true(cJSON_IsTrue(get(tree, "supported")));
    assert_int_equal(get(get(tree, "model"), "layers")->valueint, 4);
    const cJSON *meta = get(tree, "metadata");
    assert_int_equal(cJSON_GetArraySize(meta), 21);
    assert_string_equal(get(meta, "general.architecture")->valuestring,
                        "llama");
    assert_int_equal(cJSON_GetArraySize(get(meta, "tokenizer.ggml.tokens")),
                     398);
    assert_true(get(meta, "llama.rope.freq_base")->valuedouble == 10000.0);
    assert_true(cJSON_IsFalse(get(meta, "tokenizer.ggml.add_bos_token")));
    const cJSON *tensors = get(tree, "tensors");
    assert_int_equal(cJSON_GetArraySize(tensors), 2 + 4 * 9);
    const cJSON *first = cJSON_GetArrayItem(tensors, 0);
    assert_string_equal(get(first, "name")->valuestring, "token_embd.weight");
    assert_string_equal(get(first, "type")->valuestring, "Q4_0");
    assert_int_equal(cJSON_GetArrayItem(get(first, "shape"), 1)->valueint, 398);
    assert_int_equal(get(first, "bytes")->valueint, 398 * 64 / 32 * 18);
    assert_int_equal(get(first, "offset")->valueint,
                     get(tree, "header_bytes")->valueint);
    cJSON_Delete(tree);
}

static void inspect_is_short_for_people(void **state)
{
    (void)state;
    assert_int_equal(prog_run("inspect m.gguf"), 0);
    assert_non_null(strstr(prog_out, "supported: llama, layers 4"));
    assert_non_null(strstr(prog_out, "398 of str: \"<|endoftext|>\", "));
    assert_non_null(strstr(prog_out, "F32         9 tensors"));
    assert_null(strstr(prog_out, "agreement"));     /* deep in the tokens */
}

/* Another family, another type and hostile names: shown, harmless, and said
 * not to be supported. */
static void inspect_shows_what_the_engine_cannot_run(void **state)
{
    struct mkgguf m;
    struct mkgguf_tensor t = { "a\033[2Jb", GGUF_Q6_K, 2, { 256, 2 } };
    char data[420] = { 0 }, path[96];
    struct str bytes;

    (void)state;
    mkgguf_init(&m);
    mkgguf_str(&m, "general.architecture", "mamba");
    mkgguf_str(&m, "evil.key", "\033[31mred\xE2\x80\xAE\xFF");
    mkgguf_tensor(&m, &t, data, sizeof data);
    str_init(&bytes);
    mkgguf_file(&m, &bytes);
    snprintf(path, sizeof path, "%s/evil.gguf", prog_dir);
    assert_int_equal(mkgguf_save(path, &bytes, NULL), SOR_OK);
    assert_int_equal(prog_run("inspect evil.gguf"), 0);
    assert_non_null(strstr(prog_out, "not supported: evil.gguf: model family "
                           "\"mamba\""));
    assert_non_null(strstr(prog_out, "Q6_K"));
    for (const char *p = prog_out; *p; p++)
        assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
    assert_int_equal(prog_run("inspect --json evil.gguf"), 0);
    cJSON *tree = NULL;
    assert_int_equal(json_parse(prog_out, strlen(prog_out), "out", &tree, NULL),
                     SOR_OK);
    assert_true(cJSON_IsFalse(get(tree, "supported")));
    assert_non_null(strstr(get(tree, "why")->valuestring, "mamba"));
    cJSON_Delete(tree);
    str_release(&bytes);
    mkgguf_release(&m);
}

static void inspect_refuses_in_one_sentence(void **state)
{
    (void)state;
    assert_int_equal(prog_run("inspect none.gguf"), 3);
    prog_expect_sentence("none.gguf: No such file");
    assert_int_equal(prog_run("inspect ."), 3);
    prog_expect_sentence("is a directory");
    spill("text.gguf", "This is a text, not a model, though it is named so.");
    assert_int_equal(prog_run("inspect text.gguf"), 3);
    prog_expect_sentence("text.gguf: not a GGUF file");
    assert_int_equal(prog_run("inspect --json text.gguf"), 3);
    prog_expect_sentence("text.gguf: not a GGUF file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokenizes_lines_and_decodes_them),
        cmocka_unit_test(an_id_comes_back_as_it_was),
        cmocka_unit_test(a_line_that_is_no_utf8_is_refused),
        cmocka_unit_test(plain_text_has_no_marks),
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(inspect_lists_all_as_json),
        cmocka_unit_test(inspect_is_short_for_people),
        cmocka_unit_test(inspect_shows_what_the_engine_cannot_run),
        cmocka_unit_test(inspect_refuses_in_one_sentence),
    };
    return cmocka_run_group_tests_name("cli_tokenize", tests, setup,
                                       prog_teardown);
}
