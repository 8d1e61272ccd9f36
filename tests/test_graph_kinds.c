/* Every --kind of `sorites graph`: it is sound, holds the rows it is for and no
 * others, and says what it cannot draw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "tests/mkdb.h"
#include "tests/prog.h"
#include "tests/slow.h"
#include "tests/xml.h"
#include "viz/render.h"

static const char contract[] =
    "SERVICES AGREEMENT\n\nThis Agreement is made between Ann Ltd "
    "(\"Supplier\") and Bo LLC (\"Customer\").\n\n1. Terms\n\n1.1 \"Fee\" "
    "means the amount.\n\n1.2 Customer shall pay the Fee, subject to Section "
    "7.7.\n\n1.3 Subject to Section 1.4, Supplier shall deliver the Goods to "
    "Customer.\n\n1.4 Subject to Section 1.3, Supplier may end this "
    "Agreement, except where Customer has paid the Fee.\n";

static const char *in_dir(const char *leaf)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    return path;
}

static int make(const char *leaf, const struct mkdb_opts *o)
{
    struct sor_msg msg = { "" };

    return mkdb(in_dir(leaf), o, &msg) == SOR_OK ? 0 : -1;
}

/* Parts of four clauses, each but the last referring to the next, and three of
 * one clause that nothing is tied to. */
static void make_long(const char *leaf, int n)
{
    struct str s;

    str_init(&s);
    str_puts(&s, "AGREEMENT between Ann Ltd (\"Supplier\") and Bo LLC "
             "(\"Customer\").\n\n");
    for (int i = 1; i <= n; i++) {
        str_printf(&s, "%d. Delivery\n\n%d.1 Customer shall pay the amount%s",
                   i, i, i < n ? ", as told in Section " : ".\n\n");
        if (i < n)
            str_printf(&s, "%d.2.\n\n", i + 1);
        str_printf(&s, "%d.2 Supplier shall deliver the goods.\n\n%d.3 "
                   "Customer may end this Agreement.\n\n%d.4 Supplier shall "
                   "not assign this Agreement.\n\n", i, i, i);
    }
    for (int i = n + 1; i <= n + 3; i++)
        str_printf(&s, "%d. The weather is fine.\n\n", i);
    prog_spill(in_dir(leaf), s.p, s.len);
    str_release(&s);
}

static int setup(void **state)
{
    struct mkdb_opts plain = { .n_run = 1 };
    struct mkdb_opts bad = { .n_run = 1, .hostile = 1 };
    struct mkdb_opts bare = { .n_run = 1, .every = -1 };

    if (prog_setup(state) != 0 || make("t.db", &plain) != 0 ||
        make("h.db", &bad) != 0 || make("b.db", &bare) != 0)
        return -1;
    prog_spill(in_dir("c.txt"), contract, sizeof contract - 1);
    make_long("l.txt", 30);
    make_long("busy.txt", 45);
    return prog_run("review --rules-only -q --db r.db c.txt") ||
           prog_run("review --rules-only -q --db l.db l.txt") ||
           prog_run("review --rules-only -q --db busy.db busy.txt");
}

/* The SVG of one kind, sound; the caller frees it. */
static char *svg_of(const char *what)
{
    struct xml x;
    size_t n;

    if (prog_run("graph %s -o k.svg", what) != 0)
        fail_msg("graph %s: %s", what, prog_err);
    char *svg = (char *)prog_slurp(in_dir("k.svg"), &n);
    assert_non_null(svg);
    char *at = strstr(svg, "<svg");
    assert_non_null(at);
    if (xml_check(at, strlen(at), &x) != 0)
        fail_msg("graph %s: %s", what, x.fault);
    return svg;
}

static int rows(const char *db, const char *query)
{
    char *at;

    assert_int_equal(prog_run("sql --db %s --json \"SELECT count(*) AS n FROM "
                              "%s\"", db, query), 0);
    at = strstr(prog_out, "\"n\":");
    assert_non_null(at);
    return atoi(at + 4);
}

static void terms_are_the_rows(void **state)
{
    char *svg = svg_of("--db r.db last --kind terms");
    int terms = rows("r.db", "term");

    (void)state;
    assert_true(terms >= 3);
    assert_int_equal(xml_count(svg, "class=\"node term\""), terms);
    assert_int_equal(xml_count(svg, "class=\"edge defines\""), terms);
    assert_int_equal(xml_count(svg, "class=\"edge uses\""),
                     rows("r.db", "logic WHERE kind = 'uses'"));
    assert_int_equal(xml_count(svg, "class=\"edge refers_to\""), 0);
    free(svg);
}

static void references_are_the_rows(void **state)
{
    char *svg = svg_of("--db r.db last --kind references");

    (void)state;
    assert_int_equal(xml_count(svg, "class=\"node term\""), 0);
    assert_int_equal(xml_count(svg, "class=\"edge refers_to\""),
                     rows("r.db", "logic WHERE kind = 'refers_to'"));
    assert_int_equal(xml_count(svg, "class=\"edge overrides\""),
                     rows("r.db", "logic WHERE kind = 'overrides'"));
    assert_int_equal(xml_count(svg, "class=\"node outside\""), 1);
    assert_int_equal(xml_count(svg, "class=\"edge uses\""), 0);
    free(svg);
}

/* A node a part; a tie between two parts is one edge with its number. */
static void an_overview_opens_into_parts(void **state)
{
    char *svg = svg_of("--db l.db last");

    (void)state;
    assert_non_null(strstr(svg, "Parts of l.txt"));
    assert_int_equal(xml_count(svg, "class=\"node clause\""), 33);
    assert_int_equal(xml_count(svg, "class=\"edge refers_to\""), 29);
    free(svg);
    svg = svg_of("--db l.db last --part 7");
    assert_non_null(strstr(svg, "Logic of l.txt"));
    assert_int_equal(xml_count(svg, "class=\"cluster lane\""), 3);
    free(svg);
    assert_int_equal(prog_run("graph --db l.db last --part 99"), 4);
}

/* Of more ties than a picture holds, references are words, and parts that say
 * nothing of themselves stand in a fold. */
static void a_busy_overview_is_in_words(void **state)
{
    char *svg = svg_of("--db busy.db last");

    (void)state;
    assert_int_equal(xml_count(svg, "class=\"node clause\""), 45);
    assert_int_equal(xml_count(svg, "class=\"node fold\""), 1);
    assert_int_equal(xml_count(svg, "class=\"edge refers_to\""), 0);
    assert_int_equal(xml_count(svg, "; refers to "), 44);
    assert_non_null(strstr(svg, "46 to 48: 3 single clauses"));
    assert_non_null(strstr(svg, "3 parts of one clause"));
    free(svg);
}

static void a_path_is_the_same_as_itself(void **state)
{
    char *svg = svg_of("--db t.db --kind compare last:1 last:1");

    (void)state;
    assert_non_null(strstr(svg, "The same answer"));
    assert_int_equal(xml_count(svg, "class=\"lane\"") +
                     xml_count(svg, "class=\"cluster lane\""), 2);
    assert_null(strstr(svg, "that the other does not have"));
    free(svg);
}

static void two_paths_part(void **state)
{
    char *svg = svg_of("--db t.db --kind compare last:0 last:2");

    (void)state;
    assert_non_null(strstr(svg, "Different answers"));
    assert_non_null(strstr(svg, "question of both"));
    assert_true(xml_count(svg, "that the other does not") >= 1);
    free(svg);
}

/* All layers of all tokens are in runs that meet. */
static void the_routing_map_is_full(void **state)
{
    char *svg = svg_of("--db t.db last:3 --kind routing"), *at = svg;
    double wide = 0;
    int n_layer = rows("t.db", "(SELECT DISTINCT layer FROM v_layer WHERE "
                               "path_id = (SELECT id FROM path WHERE ordinal "
                               "= 3))");

    (void)state;
    assert_true(n_layer > 1);
    while ((at = strstr(at, "class=\"run\""))) {
        at = strstr(at, " width=\"");
        assert_non_null(at);
        wide += strtod(at + 8, NULL);
    }
    assert_true(wide > n_layer * 1099.0 && wide < n_layer * 1101.0);
    assert_non_null(strstr(svg, ": full</title>"));
    free(svg);
}

static void plots_hold_their_numbers(void **state)
{
    static const char *const kind[] = { "share", "entropy", "cost" };
    char what[64];

    (void)state;
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        snprintf(what, sizeof what, "--db t.db last:0 --kind %s", kind[i]);
        char *svg = svg_of(what);
        assert_true(xml_count(svg, "<title>") >= 2);
        free(svg);
    }
    char *svg = svg_of("--db t.db last --kind votes");
    assert_non_null(strstr(svg, "8: 6, paths that say so: 6"));
    assert_non_null(strstr(svg, "12: 2, paths that say so: 2"));
    free(svg);
}

/* Through Graphviz's reader of SVG, within the limits of every picture. */
static void plots_become_pdf_and_png(void **state)
{
    static const char *const kind[] = { "share", "entropy", "cost", "votes",
                                        "routing" };
    struct render_limits limits = { 0 };
    struct sor_msg msg = { "" };
    struct str out;

    (void)state;
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        assert_int_equal(prog_run("graph --db t.db last --kind %s --format "
                                  "pdf", kind[i]), 0);
        assert_memory_equal(prog_out, "%PDF-", 5);
        assert_int_equal(prog_run("graph --db t.db last --kind %s --format "
                                  "png", kind[i]), 0);
        assert_memory_equal(prog_out, "\x89PNG", 4);
    }
    str_init(&out);
    assert_int_equal(render_svg("<svg/>", "nosuch", &limits, &out, &msg),
                     SOR_UNSUP);
    assert_non_null(strstr(msg.text, "cannot draw nosuch"));
    limits.output_bytes = 100;
    assert_int_equal(render_svg("<svg width=\"9\" height=\"9\"/>", "png",
                                &limits, &out, &msg), SOR_LIMIT);
    assert_int_equal(out.len, 0);
    str_release(&out);
}

static void hostile_rows_draw_soundly(void **state)
{
    static const char *const what[] = {
        "--db h.db last --kind votes", "--db h.db last --kind routing",
        "--db h.db last --kind reasoning",
        "--db h.db --kind compare last:0 last:2" };

    (void)state;
    for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
        char *svg = svg_of(what[i]);

        assert_null(strchr(svg, '\x1b'));
        assert_null(strstr(svg, "\xe2\x80\xae"));
        free(svg);
    }
}

static void what_cannot_be_drawn_is_said(void **state)
{
    static const struct { const char *args; int rc; const char *says; }
        t[] = {
        { "graph --db t.db last --kind compare", 2, "takes two" },
        { "graph --db t.db last last", 2, "one RUN is drawn" },
        { "graph --db t.db last --kind cost -o x.dot", 2, "are svg, pdf" },
        { "graph --db t.db last:99 --kind cost", 4, "" },
        { "graph --db b.db last --kind routing", 4, "--trace layers" },
        { "graph --db r.db last --kind claim", 4, "no claim" },
        { "graph --db r.db last --kind votes", 4, "no votes" },
        { "graph --db t.db last --kind claim", 4, "no review" },
        { "graph --db t.db last --kind nothing", 2, "nothing" },
        { "graph --db r.db --kind calibration", 4, "nobody has" },
        { "graph --db r.db last --kind calibration", 2, "takes no RUN" },
        { "graph --db t.db", 2, "one RUN is drawn" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int rc = prog_run("%s", t[i].args);

        if (rc != t[i].rc || !strstr(prog_err, t[i].says))
            fail_msg("%s: %d, %s", t[i].args, rc, prog_err);
    }
}

/* 400 nodes within 5 seconds; what is over is counted. */
static void many_nodes_are_quick(void **state)
{
    struct mkdb_opts many = { .n_run = 1, .n_path = 40, .n_token = 1200 };
    uint64_t began;
    int n;

    (void)state;
    assert_int_equal(make("m.db", &many), 0);
    began = clock_mono_ns();
    char *svg = svg_of("--db m.db last --kind reasoning --nodes 400 --paths "
                       "40 --steps 40");
    double seconds = (double)(clock_mono_ns() - began) / 1e9;
    n = xml_count(svg, "class=\"node ");
    print_message("%d nodes in %.1f s\n", n, seconds);
    assert_true(n > 200 && n <= 401);
    assert_non_null(strstr(svg, "Not drawn:"));
    if (!slow() && !padded())
        assert_true(seconds < 5);
    free(svg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_are_the_rows),
        cmocka_unit_test(references_are_the_rows),
        cmocka_unit_test(an_overview_opens_into_parts),
        cmocka_unit_test(a_busy_overview_is_in_words),
        cmocka_unit_test(a_path_is_the_same_as_itself),
        cmocka_unit_test(two_paths_part),
        cmocka_unit_test(the_routing_map_is_full),
        cmocka_unit_test(plots_hold_their_numbers),
        cmocka_unit_test(plots_become_pdf_and_png),
        cmocka_unit_test(hostile_rows_draw_soundly),
        cmocka_unit_test(what_cannot_be_drawn_is_said),
        cmocka_unit_test(many_nodes_are_quick),
    };

    return cmocka_run_group_tests_name("graph_kinds", tests, setup,
                                       prog_teardown);
}
