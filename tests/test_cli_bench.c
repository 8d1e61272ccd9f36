/* `sorites bench` as a script meets it, on the small model: the report's
 * shape, what is left behind, mistakes. */
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

#include "base/json.h"
#include "tests/models.h"
#include "tests/prog.h"
#include "tests/slow.h"
#include "tests/xml.h"

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

/* The model is open at once, and no more memory was held than is promised. */
static void check_memory(const cJSON *r)
{
    const cJSON *m = cJSON_GetObjectItem(r, "memory");
    double peak = cJSON_GetObjectItem(m, "peak")->valuedouble;
    double weights = cJSON_GetObjectItem(m, "weights")->valuedouble;
    double kv = cJSON_GetObjectItem(m, "kv")->valuedouble;
    double allowed = cJSON_GetObjectItem(m, "allowed")->valuedouble;

    assert_true(cJSON_GetObjectItem(r, "start_ms")->valuedouble > 0);
    assert_true(weights > 0 && kv > 0 && peak > weights);
    assert_true(fabs(allowed - 1.3 * (weights + kv) - (64 << 20)) < 2);
    assert_true(padded() || peak < allowed);
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
        check_memory(r);
        cJSON_Delete(r);
        assert_int_equal(left_behind(), 0);
    }
}

/* 64 sequences of different lengths keep 16 seats warm. */
static void a_mixed_load_fills_its_seats(void **state)
{
    const cJSON *w;
    cJSON *r = NULL;

    (void)state;
    if (prog_run("bench --json -m '%s' -t 2 -r 1 --only mixed64", model) != 0)
        fail_msg("%s", prog_err);
    assert_int_equal(json_parse(prog_out, strlen(prog_out), "out", &r, NULL),
                     SOR_OK);
    w = cJSON_GetArrayItem(cJSON_GetObjectItem(r, "results"), 0);
    expect_result(w, "mixed64", 1);
    assert_in_range(100 * cJSON_GetObjectItem(w, "seats")->valuedouble, 70,
                    100);       /* noise ends some early; real text: 88 */
    assert_true(cJSON_GetObjectItem(w, "rows")->valuedouble > 0);
    cJSON_Delete(r);
}

/* What bench/peer.py writes becomes a bar for each ratio. */
static void results_become_a_chart(void **state)
{
    struct xml x;
    char path[300];
    FILE *f;

    (void)state;
    snprintf(path, sizeof path, "%s/r.json", prog_dir);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("{\"cpu\":\"C<P>U\",\"threads\":2,\"at\":\"2026-01-02T03\","
          "\"results\":["
          "{\"name\":\"pp512\",\"isa\":\"avx512\",\"ratios\":[3,1,2,5,4]},"
          "{\"name\":\"pp512\",\"isa\":\"avx2\",\"ratios\":[1.5]},"
          "{\"name\":\"tg128\",\"isa\":\"avx512\",\"ratios\":[2]}]}", f);
    fclose(f);
    assert_int_equal(prog_run("bench --chart '%s'", path), 0);
    if (xml_check(prog_out, strlen(prog_out), &x))
        fail_msg("%s", x.fault);
    assert_int_equal(xml_count(prog_out, "class=\"bar\""), 3);
    assert_non_null(strstr(prog_out, "pp512, avx512: 3 (2 to 4)</title>"));
    assert_non_null(strstr(prog_out, "C&lt;P&gt;U, 2 threads"));
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("{\"results\":[{\"name\":\"pp512\"}]}", f);
    fclose(f);
    assert_int_equal(prog_run("bench --chart '%s'", path), 3);
    prog_expect_sentence("result 1");
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
    assert_int_equal(prog_run("bench -m '%s' --only ''", model), 2);
    assert_non_null(strstr(prog_err, "mixed64"));
    assert_int_equal(prog_run("bench -m '%s' --trace much", model), 2);
    assert_int_equal(prog_run("bench -m '%s' -t 65", model), 2);
    assert_non_null(strstr(prog_err, "from 1 to 64"));
    assert_int_equal(prog_run("bench -m nosuch --only pp512"), 3);
    prog_expect_sentence("nosuch");
    assert_int_equal(prog_run("bench -m '%s' extra", model), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_each_work),
        cmocka_unit_test(a_mixed_load_fills_its_seats),
        cmocka_unit_test(results_become_a_chart),
        cmocka_unit_test(people_get_a_table),
        cmocka_unit_test(mistakes_are_told_apart),
    };
    return cmocka_run_group_tests_name("cli_bench", tests, setup,
                                       prog_teardown);
}
