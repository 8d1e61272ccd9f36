/* `sorites graph` as a script meets it: formats by name, exit codes, and no
 * file where there is no picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/str.h"
#include "tests/mkdb.h"
#include "tests/prog.h"
#include "tests/xml.h"

static int setup(void **state)
{
    struct mkdb_opts o = { .n_run = 1 };
    struct sor_msg msg = { "" };
    char path[128];

    if (prog_setup(state) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/t.db", prog_dir);
    if (mkdb(path, &o, &msg) == SOR_OK)
        return 0;
    fprintf(stderr, "%s\n", msg.text);
    return -1;
}

static unsigned char *made(const char *leaf, size_t *n)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    return prog_slurp(path, n);
}

/* Files in prog_dir whose name begins so. */
static int files(const char *prefix)
{
    DIR *d = opendir(prog_dir);
    struct dirent *e;
    int n = 0;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    closedir(d);
    return n;
}

static void dot_goes_to_stdout(void **state)
{
    (void)state;
    assert_int_equal(prog_run("graph --db t.db last"), 0);
    assert_int_equal(strncmp(prog_out, "digraph sorites {", 17), 0);
    assert_string_equal(prog_err, "");
    assert_int_equal(prog_run("graph --db t.db last --format svg -o -"), 0);
    assert_non_null(strstr(prog_out, "<svg "));
}

static void the_name_says_the_format(void **state)
{
    static const struct { const char *leaf, *magic; } table[] = {
        { "x.dot", "digraph" }, { "x.svg", "<?xml" },
        { "x.pdf", "%PDF" },    { "x.png", "\x89PNG" } };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t n;

        assert_int_equal(prog_run("graph --db t.db last -o %s", table[i].leaf),
                         0);
        assert_string_equal(prog_out, "");
        unsigned char *bytes = made(table[i].leaf, &n);
        assert_non_null(bytes);
        assert_true(n > 1000);
        assert_memory_equal(bytes, table[i].magic, strlen(table[i].magic));
        free(bytes);
    }
    assert_int_equal(files("x."), 4);       /* and no temporary ones */
}

static void the_picture_says_what_is_not_known(void **state)
{
    struct xml x;
    size_t n;

    (void)state;
    assert_int_equal(prog_run("graph --db t.db last -o y.svg --theme dark"), 0);
    unsigned char *svg = made("y.svg", &n);
    assert_non_null(svg);
    assert_int_equal(xml_check((char *)svg, n, &x), 0);
    assert_non_null(strstr((char *)svg, "unmeasured"));
    assert_non_null(strstr((char *)svg, "6 of 8 paths say 8"));
    assert_int_equal(xml_count((char *)svg, "class=\"node step\""), 8 * 3);
    free(svg);
}

static void mistakes_are_told_apart(void **state)
{
    static const struct { int code; const char *args, *says; } table[] = {
        { 2, "graph --db t.db last -o x.jpeg", "jpeg" },
        { 2, "graph --db t.db last -o picture", "--format" },
        { 2, "graph --db t.db last --kind nosuch", "nosuch" },
        { 2, "graph --db t.db", "" },
        { 3, "graph --db nosuch.db last", "nosuch.db" },
        { 3, "graph --db . last", "." },
        { 3, "graph --db t.db last -o nosuch/x.svg", "nosuch" },
        { 4, "graph --db t.db 0badc0de -o z.svg", "0badc0de" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (prog_run("%s", table[i].args) != table[i].code)
            fail_msg("%s: %s", table[i].args, prog_err);
        assert_non_null(strstr(prog_err, table[i].says));
        assert_string_equal(prog_out, "");
    }
    assert_int_equal(files("z."), 0);
}

/* Processor seconds of the programs that ended. */
static double spent(void)
{
    struct rusage r;

    assert_int_equal(getrusage(RUSAGE_CHILDREN, &r), 0);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* A trace of as many steps, each with its answer, words of two bytes a letter,
 * as a picture: the last step that is held has its own words. */
static void long_paths_are_drawn_at_once(void **state)
{
    enum { STEPS = 60000 };
    struct str line;
    char path[128];

    (void)state;
    str_init(&line);
    str_puts(&line, "{\"question\":\"So?\",\"completion\":\"");
    for (int i = 0; i < STEPS; i++)
        str_printf(&line, "%d \xC3\xA9t\xC3\xA9s, so the answer is %d.\\n\\n",
                   i, i);
    str_puts(&line, "\"}\n");
    assert_true(str_ok(&line));
    snprintf(path, sizeof path, "%s/long.jsonl", prog_dir);
    prog_spill(path, line.p, line.len);
    str_release(&line);
    assert_int_equal(prog_run("import --db long.db long.jsonl"), 0);

    double began = spent(), took;
    assert_int_equal(prog_run("graph --db long.db last --steps 4"), 0);
    took = spent() - began;
    assert_non_null(strstr(prog_out, "0 \xC3\xA9t\xC3\xA9s"));
    assert_non_null(strstr(prog_out, "4095 \xC3\xA9t\xC3\xA9s"));
    assert_non_null(strstr(prog_out, "Not drawn: 59"));
    if (took > 2.0)             /* 50 s where each step reads all the text */
        fail_msg("%d steps drawn in %.1f s", STEPS, took);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot_goes_to_stdout),
        cmocka_unit_test(the_name_says_the_format),
        cmocka_unit_test(the_picture_says_what_is_not_known),
        cmocka_unit_test(mistakes_are_told_apart),
        cmocka_unit_test(long_paths_are_drawn_at_once),
    };
    return cmocka_run_group_tests_name("cli_graph", tests, setup,
                                       prog_teardown);
}
