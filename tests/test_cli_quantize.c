/* `sorites quantize` as a script meets it: the types, the report, what the
 * result is good for, mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "tests/mkmodel.h"
#include "tests/models.h"
#include "tests/prog.h"

static char wide[64];       /* rows of 256: every type fits */

static int setup(void **state)
{
    struct mkmodel_opts o = { .n_head = 16, .n_head_kv = 4, .n_ff = 256,
                              .n_layer = 2, .untied = 1, .n_ctx = 64 };

    if (prog_setup(state) != 0 || mkmodel_path(wide) != 0)
        return -1;
    return mkmodel(wide, &o, NULL) == SOR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    unlink(wide);
    return prog_teardown(state);
}

static int exists(const char *leaf)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    return access(path, F_OK) == 0;
}

/* Files in the program's folder whose name starts so. */
static int starting_with(const char *start)
{
    DIR *d = opendir(prog_dir);
    struct dirent *e;
    int n = 0;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += strncmp(e->d_name, start, strlen(start)) == 0;
    closedir(d);
    return n;
}

/* Mean log-loss of a fixed text under a model. */
static double nll(const char *model)
{
    static const char line[] = "{\"id\":1,\"text\":\"The party shall not of "
                               "the agreement, and 17 it is in.\"}\n";
    cJSON *r = NULL;
    char path[128];

    snprintf(path, sizeof path, "%s/line", prog_dir);
    prog_spill(path, line, sizeof line - 1);
    if (prog_run("score -m '%s' --top 0 line", model) != 0)
        fail_msg("%s", prog_err);
    assert_int_equal(json_parse(prog_out, strlen(prog_out), "out", &r, NULL),
                     SOR_OK);
    double v = cJSON_GetObjectItem(r, "nll")->valuedouble;
    cJSON_Delete(r);
    return v;
}

static cJSON *quantize(const char *in, const char *type)
{
    cJSON *r = NULL;

    if (prog_run("quantize --json -t 2 '%s' q.gguf %s", in, type) != 0)
        fail_msg("%s", prog_err);
    assert_int_equal(json_parse(prog_out, strlen(prog_out), "out", &r, NULL),
                     SOR_OK);
    return r;
}

static double number(const cJSON *r, const char *key)
{
    const cJSON *v = cJSON_GetObjectItem(r, key);

    assert_non_null(v);
    return v->valuedouble;
}

/* Every type gives a model that runs, of the size and change reported. */
static void each_type_runs(void **state)
{
    static const struct { const char *name; double most, off; } of[] = {
        { "F32", 0, 1e-6 },     { "F16", 0.001, 0.01 }, { "BF16", 0.01, 0.02 },
        { "Q8_0", 0.01, 0.05 }, { "Q6_K", 0.02, 0.1 },  { "Q5_K", 0.05, 0.2 },
        { "Q5_1", 0.05, 0.2 },  { "Q5_0", 0.05, 0.2 },  { "Q4_K", 0.1, 0.4 },
        { "Q4_1", 0.1, 0.4 },   { "Q4_0", 0.12, 0.4 },
    };
    double before = nll(wide), was = 0;

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        cJSON *r = quantize(wide, of[i].name);
        double change = number(r, "rms_change");
        char path[128];
        struct stat st;

        snprintf(path, sizeof path, "%s/q.gguf", prog_dir);
        assert_int_equal(stat(path, &st), 0);
        assert_true((double)st.st_size == number(r, "bytes"));
        assert_true(change <= of[i].most && change >= was / 3);
        was = change;
        if (!(fabs(nll("q.gguf") - before) <= of[i].off))
            fail_msg("%s: nll %g, before %g", of[i].name, nll("q.gguf"),
                     before);
        cJSON_Delete(r);
    }
}

/* Which type the tensors have, as `inspect` sees them. */
static void the_head_has_a_type_of_its_own(void **state)
{
    (void)state;
    cJSON_Delete(quantize(wide, "Q4_K"));
    assert_int_equal(prog_run("inspect q.gguf"), 0);
    assert_non_null(strstr(prog_out, "token_embd.weight                Q8_0"));
    assert_non_null(strstr(prog_out, "output.weight                    Q8_0"));
    assert_non_null(strstr(prog_out, "blk.1.ffn_up.weight              Q4_K"));
    assert_non_null(strstr(prog_out, "blk.1.ffn_norm.weight            F32"));
    cJSON_Delete(quantize(wide, "q6_k"));
    assert_int_equal(prog_run("inspect q.gguf"), 0);
    assert_non_null(strstr(prog_out, "token_embd.weight                Q6_K"));
    cJSON_Delete(quantize(wide, "Q4_0 --embedding Q4_1"));
    assert_int_equal(prog_run("inspect q.gguf"), 0);
    assert_non_null(strstr(prog_out, "token_embd.weight                Q4_1"));
    assert_non_null(strstr(prog_out, "blk.0.attn_q.weight              Q4_0"));
}

/* Rows of 64: no K type fits, one line says so, and the model runs. */
static void short_rows_are_told(void **state)
{
    const char *small = models_small();

    (void)state;
    assert_non_null(small);
    assert_int_equal(prog_run("quantize '%s' q.gguf Q4_K", small), 0);
    assert_non_null(strstr(prog_err, "not whole blocks"));
    assert_non_null(strstr(prog_err, "as Q5_0"));
    assert_non_null(strstr(prog_err, "quantised before"));
    assert_non_null(strstr(prog_out, "bits a weight"));
    assert_true(fabs(nll("q.gguf") - nll(small)) < 0.2);
    assert_int_equal(prog_run("quantize -q '%s' q.gguf Q4_K", small), 0);
    assert_string_equal(prog_err, "");
    assert_string_equal(prog_out, "");
}

static void mistakes_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(prog_run("quantize '%s' bad.gguf Q9", wide), 2);
    assert_non_null(strstr(prog_err, "Q4_K"));
    assert_int_equal(prog_run("quantize '%s' bad.gguf Q8_0 --embedding Q2_K",
                              wide), 2);
    assert_non_null(strstr(prog_err, "'Q2_K'"));
    assert_int_equal(prog_run("quantize '%s' bad.gguf", wide), 2);
    assert_int_equal(prog_run("quantize '%s' '%s' Q8_0", wide, wide), 2);
    assert_non_null(strstr(prog_err, "another name"));
    assert_int_equal(prog_run("quantize '%s' - Q8_0", wide), 2);
    assert_non_null(strstr(prog_err, "not to stdout"));
    assert_false(exists("-"));
    assert_int_equal(prog_run("quantize nosuch bad.gguf Q8_0"), 3);
    prog_expect_sentence("nosuch");
    assert_int_equal(prog_run("quantize line bad.gguf Q8_0"), 3);
    assert_int_equal(prog_run("quantize '%s' . Q8_0", wide), 3);
    prog_expect_sentence("is a directory");
    assert_int_equal(prog_run("quantize '%s' no/such/q.gguf Q8_0", wide), 3);
    prog_expect_sentence("No such file");
    assert_false(exists("bad.gguf"));
    assert_int_equal(starting_with("q.gguf."), 0);
}

/* The real model: its own type again gives its own bytes. */
static void the_real_model_comes_back(void **state)
{
    const char *real = models_real();
    char path[128];
    size_t n, m;

    (void)state;
    if (!real) {
        print_message("SORITES_TEST_MODEL is not set\n");
        skip();
    }
    cJSON_Delete(quantize(real, "Q4_1"));
    snprintf(path, sizeof path, "%s/q.gguf", prog_dir);
    unsigned char *a = prog_slurp(real, &n), *b = prog_slurp(path, &m);
    assert_non_null(a);
    assert_non_null(b);
    assert_true(n == m && memcmp(a, b, n) == 0);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_runs),
        cmocka_unit_test(the_head_has_a_type_of_its_own),
        cmocka_unit_test(short_rows_are_told),
        cmocka_unit_test(mistakes_are_told_apart),
        cmocka_unit_test(the_real_model_comes_back),
    };

    return cmocka_run_group_tests_name("cli_quantize", tests, setup, teardown);
}
