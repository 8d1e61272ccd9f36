/* `--lora` as a script meets it: scales that are none, scales that are too
 * large, what is recorded of it; and models whose results are not finite. */
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
#include "engine/gguf.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"
#include "tests/prog.h"

enum { RANK = 32, EMBD = 64, FF = 128, POISONED = 2 };

static char model[64], poisoned[64], adapter[64];

/* An adapter of layer 1's ffn_up. */
static enum sor_err save_adapter(void)
{
    static float a[RANK * EMBD], b[FF * RANK];
    const struct mkgguf_tensor ta = { "blk.1.ffn_up.weight.lora_a", GGUF_F32,
                                      2, { EMBD, RANK, 1, 1 } };
    const struct mkgguf_tensor tb = { "blk.1.ffn_up.weight.lora_b", GGUF_F32,
                                      2, { RANK, FF, 1, 1 } };
    struct mkgguf g;
    struct str bytes;
    enum sor_err err;

    for (int i = 0; i < RANK * EMBD; i++)
        a[i] = 0.01f * (float)(i % 7 - 3);
    for (int i = 0; i < FF * RANK; i++)
        b[i] = 0.01f * (float)(i % 5 - 2);
    mkgguf_init(&g);
    str_init(&bytes);
    mkgguf_str(&g, "general.architecture", "llama");
    mkgguf_str(&g, "general.type", "adapter");
    mkgguf_str(&g, "adapter.type", "lora");
    mkgguf_tensor(&g, &ta, a, sizeof a);
    mkgguf_tensor(&g, &tb, b, sizeof b);
    mkgguf_file(&g, &bytes);
    err = mkgguf_save(adapter, &bytes, NULL);
    str_release(&bytes);
    mkgguf_release(&g);
    return err;
}

static int setup(void **state)
{
    static const char line[] = "{\"id\":1,\"text\":\"The party shall not.\"}\n";
    struct mkmodel_opts whole = { .type = GGUF_F32 };
    struct mkmodel_opts bad = { .poison = POISONED + 1 };
    char path[128];

    if (prog_setup(state) != 0 || mkmodel_path(model) != 0 ||
        mkmodel_path(poisoned) != 0 || mkmodel_path(adapter) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/line", prog_dir);
    prog_spill(path, line, sizeof line - 1);
    return mkmodel(model, &whole, NULL) || mkmodel(poisoned, &bad, NULL) ||
           save_adapter() ? -1 : 0;
}

static int teardown(void **state)
{
    unlink(model);
    unlink(poisoned);
    unlink(adapter);
    return prog_teardown(state);
}

static void what_is_no_scale_is_named(void **state)
{
    static const char *const bad[] = { "", "x", "nan", "inf", "1e39", "2x" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char says[64];

        snprintf(says, sizeof says, "'%s' is no scale", bad[i]);
        assert_int_equal(prog_run("score -m '%s' --lora '%s:%s' line", model,
                                  adapter, bad[i]), 2);
        assert_non_null(strstr(prog_err, says));
        assert_non_null(strstr(prog_err, adapter));
    }
    assert_int_equal(prog_run("score -m '%s' --lora nosuch:2 line", model), 3);
    prog_expect_sentence("nosuch: No such file");
    assert_int_equal(prog_run("score -m '%s' --lora '%s:-0.5' line", model,
                              adapter), 0);
    static const struct { const char *before, *after; } gaps[] = {
        { "", "," }, { "", ",," }, { ",", "" },
    };
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        assert_int_equal(prog_run("score -m '%s' --lora '%s%s%s' line", model,
                                  gaps[i].before, adapter, gaps[i].after), 2);
        assert_non_null(strstr(prog_err, "there is no name"));
    }
}

/* A colon may stand in a file's name. */
static void a_name_may_hold_a_colon(void **state)
{
    char path[128];
    size_t n;
    unsigned char *bytes = prog_slurp(adapter, &n);

    (void)state;
    assert_non_null(bytes);
    snprintf(path, sizeof path, "%s/a:2", prog_dir);
    prog_spill(path, bytes, n);
    free(bytes);
    assert_int_equal(prog_run("score -m '%s' --lora a:2 line", model), 0);
    assert_int_equal(prog_run("score -m '%s' --lora a:2:0.5 line", model), 0);
    assert_int_equal(prog_run("score -m '%s' --lora a:3 line", model), 3);
    prog_expect_sentence("a: No such file");
}

/* With -q, too: no figure is better than a wrong one. */
static void too_large_a_scale_is_an_error(void **state)
{
    static const char *const level[] = { "off", "steps", "layers" };

    (void)state;
    assert_int_equal(prog_run("score -q -m '%s' --lora '%s:1e30' line", model,
                              adapter), 3);
    prog_expect_sentence("after layer 1 at position 0");
    assert_non_null(strstr(prog_err, "--lora"));
    for (size_t i = 0; i < sizeof level / sizeof *level; i++) {
        assert_int_equal(prog_run("run -q -m '%s' --db t.db --trace %s "
                                  "--max-tokens 2 --lora '%s:1e30' hello",
                                  model, level[i], adapter), 3);
        assert_non_null(strstr(prog_err, "after layer 1 at position 0"));
        assert_non_null(strstr(prog_err, "--lora"));
    }
}

static void a_poisoned_model_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(prog_run("score -q -m '%s' line", poisoned), 3);
    prog_expect_sentence("after layer 2 at position 0");
    assert_null(strstr(prog_err, "--lora"));
    assert_int_equal(prog_run("run -q -m '%s' --trace off --max-tokens 2 "
                              "hello", poisoned), 3);
    assert_non_null(strstr(prog_err, "after layer 2 at position 0"));
}

static void an_adapter_is_no_model_to_quantise(void **state)
{
    (void)state;
    assert_int_equal(prog_run("quantize '%s' q.gguf Q8_0", adapter), 3);
    prog_expect_sentence("general.type is \"adapter\"");
}

static void a_benchmark_names_its_adapters(void **state)
{
    cJSON *r = NULL;
    const cJSON *a;

    (void)state;
    if (prog_run("bench --json -m '%s' -r 1 --trace off --only tg128 "
                 "--acts 8 --lora '%s:0.5'", model, adapter) != 0)
        fail_msg("%s", prog_err);
    assert_int_equal(json_parse(prog_out, strlen(prog_out), "out", &r, NULL),
                     SOR_OK);
    assert_int_equal(cJSON_GetObjectItem(r, "acts")->valueint, 8);
    assert_non_null(cJSON_GetObjectItem(r, "version"));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(r, "adapters")),
                     1);
    a = cJSON_GetArrayItem(cJSON_GetObjectItem(r, "adapters"), 0);
    assert_true(cJSON_GetObjectItem(a, "scale")->valuedouble == 0.5);
    assert_int_equal(strlen(cJSON_GetObjectItem(a, "sha256")->valuestring),
                     64);
    cJSON_Delete(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_scale_is_named),
        cmocka_unit_test(a_name_may_hold_a_colon),
        cmocka_unit_test(too_large_a_scale_is_an_error),
        cmocka_unit_test(a_poisoned_model_is_an_error),
        cmocka_unit_test(an_adapter_is_no_model_to_quantise),
        cmocka_unit_test(a_benchmark_names_its_adapters),
    };

    return cmocka_run_group_tests_name("cli_lora", tests, setup, teardown);
}
