/* `sorites score` as a script meets it: figures that agree with each other,
 * chunks that change nothing, one sentence for a bad line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tests/models.h"
#include "tests/prog.h"

static const char *model;               /* the small one, of 4 layers */

static int setup(void **state)
{
    model = models_small();
    return model ? prog_setup(state) : -1;
}

/* Runs `score options -` over the lines; exit code as prog_run(). */
static int score(const char *options, const char *lines)
{
    char path[128];

    snprintf(path, sizeof path, "%s/lines", prog_dir);
    prog_spill(path, lines, strlen(lines));
    return prog_run("score -m '%s' %s lines", model, options);
}

/* The n-th line of what it wrote, parsed; the caller deletes it. */
static cJSON *answer(int n)
{
    const char *line = prog_out;
    cJSON *tree = NULL;

    while (n-- > 0) {
        const char *end = strchr(line, '\n');

        line = end ? end + 1 : "";
    }
    assert_int_equal(json_parse_nul(line, strcspn(line, "\n"), "out", &tree,
                                    NULL), SOR_OK);
    return tree;
}

static const cJSON *get(const cJSON *of, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(of, key);

    assert_non_null(item);
    return item;
}

static int near(double a, double b, double within)
{
    return fabs(a - b) <= within;
}

static void figures_agree(void **state)
{
    (void)state;
    if (score("--top 100000", "{\"id\":\"a\",\"text\":\"the and\"}\n") != 0)
        fail_msg("%s", prog_err);
    cJSON *a = answer(0);
    const cJSON *tokens = get(a, "tokens"), *at;
    double nll = 0;
    int pos = 0, n = cJSON_GetArraySize(tokens);

    assert_string_equal(get(a, "id")->valuestring, "a");
    assert_true(n > 1);
    cJSON_ArrayForEach(at, get(a, "positions")) {
        const cJSON *next = cJSON_GetArrayItem(tokens, pos + 1), *t;
        double mass = 0, entropy = 0, last = 0;

        assert_int_equal(get(at, "pos")->valueint, pos);
        cJSON_ArrayForEach(t, get(at, "top")) {
            double lp = get(t, "logprob")->valuedouble;

            assert_true(lp <= last);            /* likeliest first */
            last = lp;
            mass += exp(lp);
            entropy -= exp(lp) * lp;
            if (next && get(t, "id")->valueint == next->valueint)
                nll -= lp;
        }
        /* nine digits a term, over the whole vocabulary */
        assert_true(near(mass, 1, 1e-5));
        assert_true(near(entropy, get(at, "entropy")->valuedouble, 1e-4));
        pos++;
    }
    assert_int_equal(pos, n);
    assert_true(near(nll / (n - 1), get(a, "nll")->valuedouble, 1e-5));
    assert_true(near(exp(get(a, "nll")->valuedouble),
                     get(a, "ppl")->valuedouble,
                     1e-6 * get(a, "ppl")->valuedouble));
    cJSON_Delete(a);
}

static void chunks_and_threads_change_nothing(void **state)
{
    static const char line[] =
        "{\"id\":1,\"text\":\"the cat and the dog and the house of the man\"}\n"
        "{\"id\":2,\"tokens\":[10,20,30,40,50,60,70]}\n";
    static const char *const options[] = { "--chunk 1", "--chunk 3 -t 2",
                                           "--chunk 4096 -t 1" };
    static char whole[sizeof prog_out];

    (void)state;
    assert_int_equal(score("--top 5 --layers", line), 0);
    strcpy(whole, prog_out);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char args[64];

        snprintf(args, sizeof args, "--top 5 --layers %s", options[i]);
        assert_int_equal(score(args, line), 0);
        assert_string_equal(prog_out, whole);
    }
}

static void layers_have_norms(void **state)
{
    (void)state;
    assert_int_equal(score("--top 0 --layers", "{\"tokens\":[1,2,3]}\n"), 0);
    cJSON *a = answer(0);
    const cJSON *at, *norm;

    assert_true(cJSON_IsNull(get(a, "id")));
    cJSON_ArrayForEach(at, get(a, "positions")) {
        assert_true(cJSON_IsArray(get(at, "top")));
        assert_int_equal(cJSON_GetArraySize(get(at, "top")), 0);
        assert_int_equal(cJSON_GetArraySize(get(at, "resid_norm")), 4);
        cJSON_ArrayForEach(norm, get(at, "resid_norm"))
            assert_true(norm->valuedouble > 0);
    }
    cJSON_Delete(a);
}

static void nothing_to_predict_is_null(void **state)
{
    (void)state;
    assert_int_equal(score("", "{\"text\":\"\"}\n\n{\"tokens\":[7]}\n"), 0);
    for (int i = 0; i < 2; i++) {
        cJSON *a = answer(i);

        assert_true(cJSON_IsNull(get(a, "nll")));
        assert_int_equal(cJSON_GetArraySize(get(a, "positions")), i);
        cJSON_Delete(a);
    }
}

/* The line before is answered; the bad one is named. */
static void a_bad_line_is_named(void **state)
{
    static const struct { const char *line, *says; } bad[] = {
        { "nonsense", "" },
        { "[1,2]", "not an object" },
        { "{\"id\":1}", "\"tokens\"" },
        { "{\"tokens\":\"x\",\"text\":\"y\"}", "\"tokens\"" },
        { "{\"tokens\":[1],\"text\":\"y\"}", "both" },
        { "{\"tokens\":[1,-1]}", "[1]" },
        { "{\"tokens\":[1.5]}", "[0]" },
        { "{\"tokens\":[1e300]}", "[0]" },
        { "{\"tokens\":[\"1\"]}", "[0]" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char lines[128];

        snprintf(lines, sizeof lines, "{\"tokens\":[1]}\n\n%s\n", bad[i].line);
        assert_int_equal(score("", lines), 3);
        assert_non_null(strstr(prog_err, "lines:3: "));
        assert_non_null(strstr(prog_err, bad[i].says));
        assert_int_equal(strncmp(prog_out, "{\"id\":null", 10), 0);
    }
    assert_int_equal(score("--ctx 4", "{\"tokens\":[1,2,3,4,5]}\n"), 3);
    prog_expect_sentence("context of 4");
    assert_int_equal(prog_run("score -m '%s' nosuch", model), 3);
    prog_expect_sentence("nosuch");
    assert_int_equal(prog_run("score -m '%s' --chunk 0 -", model), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_agree),
        cmocka_unit_test(chunks_and_threads_change_nothing),
        cmocka_unit_test(layers_have_norms),
        cmocka_unit_test(nothing_to_predict_is_null),
        cmocka_unit_test(a_bad_line_is_named),
    };
    return cmocka_run_group_tests_name("cli_score", tests, setup,
                                       prog_teardown);
}
