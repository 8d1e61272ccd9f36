/* `sorites bench` as a script meets it, on the small model: the report's
 * shape, what is left behind, mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tests/models.h"
#include "tests/prog.h"

static const char *model;

static int setup(void **state)
{
    model = models_small();
    if (!model || prog_setup(state) != 0)
        return -1;
    return setenv("TMPDIR", prog_dir, 1);
}

static void expect_result(const cJSON *r, const char *name, int reps)
{
    const cJSON *runs = cJSON_GetObjectItem(r, "runs"), *v;
    double tok_s = cJSON_GetObjectItem(r, "tok_s")->valuedouble;
    int above = 0, below = 0;

    assert_string_equal(cJSON_GetObjectItem(r, "name")->valuestring, name);
    assert_int_equal(cJSON_GetArraySize(runs), reps);
    cJSON_ArrayForEach(v, runs) {
        assert_true(v->valuedouble > 0);
        above += v->valuedouble >= tok_s;
        below += v->valuedouble <= tok_s;
    }
    assert_true(above >= reps / 2 && below >= reps / 2);    /* the median */
}

/* Folders of a trace that bench made and did not remove. */
static int left_behind(void)
{
    DIR *d = opendir(prog_dir);
    struct dirent *e;
    int n = 0;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += strncmp(e->d_name, "sorites-bench", 13) == 0;
    closedir(d);
    return n;
}

static void reports_each_work(void **state)
{
    static const char *const level[] = { "off", "heads" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        cJSON *r = NULL;

        if (prog_run("bench --json -m '%s' -t 2 -r 3 --trace %s "
                     "--only tg64x16,pp512", model, level[i]) != 0)
            fail_msg("%s", prog_err);
        assert_int_equal(json_parse(prog_out, strlen(prog_out), "out", &r,
                                    NULL), SOR_OK);
        assert_string_equal(cJSON_GetObjectItem(r, "trace")->valuestring,
                            level[i]);
        assert_int_equal(cJSON_GetObjectItem(r, "threads")->valueint, 2);
        cJSON *results = cJSON_GetObjectItem(r, "results");
        assert_int_equal(cJSON_GetArraySize(results), 2);
        expect_result(cJSON_GetArrayItem(results, 0), "pp512", 3);
        expect_result(cJSON_GetArrayItem(results, 1), "tg64x16", 3);
        cJSON_Delete(r);
        assert_int_equal(left_behind(), 0);
    }
}

static void people_get_a_table(void **state)
{
    (void)state;
    assert_int_equal(prog_run("bench -q -m '%s' -r 1 --only tg128", model), 0);
    assert_non_null(strstr(prog_out, "tg128"));
    assert_null(strstr(prog_out, "pp512"));
    assert_non_null(strstr(prog_out, "trace layers"));
}

static void mistakes_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(prog_run("bench -m '%s' --only pp512,pp7", model), 2);
    assert_non_null(strstr(prog_err, "'pp7'"));
    assert_int_equal(prog_run("bench -m '%s' --trace much", model), 2);
    assert_int_equal(prog_run("bench -m nosuch --only pp512"), 3);
    prog_expect_sentence("nosuch");
    assert_int_equal(prog_run("bench -m '%s' extra", model), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_each_work),
        cmocka_unit_test(people_get_a_table),
        cmocka_unit_test(mistakes_are_told_apart),
    };
    return cmocka_run_group_tests_name("cli_bench", tests, setup,
                                       prog_teardown);
}
