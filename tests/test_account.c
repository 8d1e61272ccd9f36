/* Reports of runs that are no review: every form says the same, hostile rows
 * change nothing but text, what is missing is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tests/htmltest.h"
#include "tests/mkdb.h"
#include "tests/prog.h"
#include "tests/xml.h"
#include "viz/account.h"

static const char *in_dir(const char *leaf)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    return path;
}

static int make(const char *leaf, const struct mkdb_opts *o)
{
    struct sor_msg msg = { "" };

    if (mkdb(in_dir(leaf), o, &msg) == SOR_OK)
        return 0;
    fprintf(stderr, "%s\n", msg.text);
    return -1;
}

static int setup(void **state)
{
    static const char trace[] =
        "{\"question\":\"What is <b>2 + 3</b>?\",\"completion\":\"<think>\\n"
        "First, 2 and 3.\\n\\nSo 2 + 3 = 5.\\n</think>\\nThe answer is 5."
        "\"}\n";
    struct mkdb_opts plain = { .n_run = 1 };
    struct mkdb_opts bad = { .n_run = 1, .hostile = 1, .n_token = 40 };
    struct mkdb_opts cut = { .n_run = 1, .unfinished = 1 };

    if (prog_setup(state) != 0 || make("t.db", &plain) != 0 ||
        make("h.db", &bad) != 0 || make("u.db", &cut) != 0)
        return -1;
    prog_spill(in_dir("r1.jsonl"), trace, sizeof trace - 1);
    return prog_run("import --db r1.db r1.jsonl");
}

static char *report_of(const char *db, const char *leaf)
{
    size_t n;

    assert_int_equal(prog_run("report --db %s last -o %s", db, leaf), 0);
    char *page = (char *)prog_slurp(in_dir(leaf), &n);
    assert_non_null(page);
    return page;
}

static void every_form_says_the_same(void **state)
{
    char *html = report_of("t.db", "x.html"), *md = report_of("t.db", "x.md");
    char *json = report_of("t.db", "x.json");
    cJSON *tree = NULL;
    struct sor_msg msg;

    (void)state;
    assert_non_null(strstr(html, "8 (6 of 8 paths)"));
    assert_non_null(strstr(md, "**8 (6 of 8 paths)**"));
    assert_int_equal(json_parse(json, strlen(json), "x.json", &tree, &msg),
                     SOR_OK);
    const cJSON *v = cJSON_GetArrayItem(
        cJSON_GetObjectItemCaseSensitive(tree, "votes"), 0);
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(v, "votes")->valueint,
                     6);
    cJSON_Delete(tree);
    assert_int_equal(prog_run("report --db t.db last"), 0);
    assert_non_null(strstr(prog_out, "8"));
    assert_non_null(strstr(html, "unmeasured"));
    assert_non_null(strstr(md, "unmeasured"));
    free(html);
    free(md);
    free(json);
}

static void the_page_is_sound(void **state)
{
    char *page = report_of("t.db", "x.html");

    (void)state;
    assert_int_equal(xml_count(page, "<td id=\"s"),
                     xml_count(page, "class=\"tag generated\""));
    assert_non_null(strstr(page, "<td id=\"s7-0\""));
    assert_non_null(strstr(page, "<svg class=\"spark\""));
    assert_non_null(strstr(page, "<figure class=\"picture\""));
    assert_non_null(strstr(page, "parts from path "));
    assert_non_null(strstr(page, "; else \xE2\x80\x9C"));
    assert_non_null(strstr(page, "computed full"));
    assert_true(htmltest_sound(page) >= 5);
    free(page);
}

static void hostile_rows_stay_text(void **state)
{
    char *page = report_of("h.db", "h.html"), *md = report_of("h.db", "h.md");

    (void)state;
    assert_null(strchr(page, '\x1b'));
    assert_null(strchr(md, '\x1b'));
    assert_null(strstr(page, "\xe2\x80\xae"));
    assert_null(strstr(md, "\xe2\x80\xae"));
    htmltest_sound(page);
    free(page);
    free(md);
}

static void a_foreign_trace_is_as_good(void **state)
{
    char *page = report_of("r1.db", "r.html"), *md = report_of("r1.db",
                                                               "r.md");

    (void)state;
    assert_non_null(strstr(page, "Reasoning of foreign trace"));
    assert_non_null(strstr(page, "What is &lt;b&gt;2 + 3&lt;/b&gt;?"));
    assert_non_null(strstr(page, "it cannot be replayed"));
    assert_non_null(strstr(page, "No tokens were recorded."));
    assert_null(strstr(page, "sorites replay"));
    assert_non_null(strstr(page, "5 (1 of 1 path)"));
    assert_non_null(strstr(md, "> What is \\<b\\>2 + 3\\</b\\>?"));
    assert_null(strstr(md, "sorites replay"));
    htmltest_sound(page);
    free(page);
    free(md);
}

static void a_run_without_an_end_says_so(void **state)
{
    char *md = report_of("u.db", "u.md");

    (void)state;
    assert_non_null(strstr(md, "has not ended"));
    free(md);
}

/* A word that no table checks may come from anybody's database. */
static void hostile_roles_stay_text(void **state)
{
    struct mkdb_opts plain = { .n_run = 1 };

    (void)state;
    assert_int_equal(make("w.db", &plain), 0);
    assert_int_equal(prog_run("sql --write --db w.db \"UPDATE step SET role = "
                              "'\\\"><script>x</script>|'\""), 0);
    char *html = report_of("w.db", "w.html"), *md = report_of("w.db", "w.md");
    assert_int_equal(xml_count(html, "<script"), 1);
    assert_non_null(strstr(html, "&quot;&gt;&lt;script&gt;x"));
    assert_null(strstr(md, "<script>"));
    htmltest_sound(html);
    free(html);
    free(md);
    assert_int_equal(prog_run("sql --write --db w.db \"UPDATE run SET uid = "
                              "'<script>aaaaaaaaaaaaaaaaaaaaaaaa'\""), 0);
    assert_int_equal(prog_run("report --db w.db last -o w.html"), 3);
}

/* The words are gone from every form, the figures stay. */
static void a_forgotten_run_keeps_its_figures(void **state)
{
    struct mkdb_opts plain = { .n_run = 1 };

    (void)state;
    assert_int_equal(make("f.db", &plain), 0);
    assert_int_equal(prog_run("forget --yes --db f.db last"), 0);
    char *html = report_of("f.db", "f.html"), *md = report_of("f.db", "f.md");
    assert_null(strstr(html, "euro"));
    assert_null(strstr(md, "euro"));
    assert_non_null(strstr(html, "(forgotten)"));
    assert_non_null(strstr(md, "(6 of 8 paths)"));
    htmltest_sound(html);
    free(html);
    free(md);
}

static void what_is_not_there_is_refused(void **state)
{
    (void)state;
    assert_int_equal(prog_run("report --db t.db 0000 -o n.html"), 4);
    assert_null(fopen(in_dir("n.html"), "r"));
    assert_int_equal(prog_run("report --db t.db last -o n.pdf"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_says_the_same),
        cmocka_unit_test(the_page_is_sound),
        cmocka_unit_test(hostile_rows_stay_text),
        cmocka_unit_test(a_foreign_trace_is_as_good),
        cmocka_unit_test(a_run_without_an_end_says_so),
        cmocka_unit_test(hostile_roles_stay_text),
        cmocka_unit_test(a_forgotten_run_keeps_its_figures),
        cmocka_unit_test(what_is_not_there_is_refused),
    };

    return cmocka_run_group_tests_name("account", tests, setup,
                                       prog_teardown);
}
