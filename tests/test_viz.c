/* viz/label.c, graph.c, dot.c, render.c: hostile text changes nothing but
 * text, DOT parses back, SVG is XML with the ids, the child keeps its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <graphviz/cgraph.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/xml.h"
#include "viz/dot.h"
#include "viz/label.h"
#include "viz/render.h"
#include "viz/style.h"

static const char *const hostile[] = {
    "",
    " \n\t ",
    "plain",
    "\"];n9[label=\"x",
    "a\\nb \\N \\G \\",
    "\\\"", "\\\\", "\\",
    "<b>bold</b> <IMG SRC=\"/etc/passwd\"/> <!-- x -->",
    "</FONT></TD></TR></TABLE>>];evil[URL=\"http://x\"];",
    "<![CDATA[x]]>", "&amp; &lt; &#0; &bogus; &",
    "]]> > < >>",
    "line one\nline two\r\nthree",
    "\x1b[31mred\x1b[0m\x07\x08\x01\x7f",
    "\xe2\x80\xaeright to left\xe2\x80\x8b\xef\xbb\xbf",
    "\xff\xfe\x80 invalid \xc3", "\xef\xbf\xbe \xef\xbf\xbf noncharacters",
    "\xed\xa0\x80 surrogate", "\xf0\x9f\x92\xa9 \xe6\x9d\xb1\xe4\xba\xac",
    "averyveryveryveryveryveryveryveryveryveryveryveryverylongwordwithoutspace",
};
enum { N_HOSTILE = sizeof hostile / sizeof *hostile };

/* A small graph whose every text is s: 2 lanes of 2 nodes, and nodes and edges
 * of every kind. */
enum { NODES = 11, EDGES = GRAPH_EDGE_KINDS, LANES = 2 };
static void fill(struct graph *g, const char *s)
{
    static const int edge[EDGES][2] = {
        { 0, 1 }, { 1, 2 }, { 0, 3 }, { 3, 4 }, { 2, 5 }, { 4, 5 }, { 1, 6 },
        { 6, 7 }, { 6, 7 }, { 6, 2 }, { 3, 6 }, { 4, 8 }, { 0, 8 }, { 6, 9 },
        { 5, 10 } };
    static const enum graph_node_kind kind[NODES] = {
        GRAPH_QUESTION, GRAPH_STEP, GRAPH_FOLD, GRAPH_STEP, GRAPH_STEP,
        GRAPH_VOTE, GRAPH_CLAUSE, GRAPH_TERM, GRAPH_OUTSIDE, GRAPH_CLAIM,
        GRAPH_CONCLUSION };

    graph_init(g);
    g->id = "run_0";
    g->title = g->subtitle = g->left_out = graph_str(g, s);
    for (int i = 0; i < LANES; i++)
        graph_add_lane(g, &(struct graph_lane){
            graph_printf(g, "path_%d", i), g->title, g->title, i });
    for (int i = 0; i < NODES; i++)
        graph_add_node(g, &(struct graph_node){
            .kind = kind[i], .id = graph_printf(g, "id_%d", i),
            .lane = i == 0 || i >= 5 ? -1 : (i - 1) / 2,
            .origin = (enum graph_origin)(i % GRAPH_ORIGINS), .role = g->title,
            .title = g->title, .text = g->title, .detail = g->title,
            .mark = i % 2 ? g->title : NULL, .prob = i ? 0.5 : NAN,
            .share = 0.5, .lead = i % 3 - 1 });
    for (int i = 0; i < EDGES; i++)
        graph_add_edge(g, &(struct graph_edge){
            (enum graph_edge_kind)i, edge[i][0], edge[i][1], 0.5, g->title });
    assert_true(graph_ok(g));
}

static void to_dot(const struct graph *g, struct str *out)
{
    struct sor_msg msg = { "" };

    str_init(out);
    assert_int_equal(dot_write(g, &(struct dot_opts){ STYLE_LIGHT }, out, &msg),
                     SOR_OK);
}

/* Every attribute that Graphviz would follow or load. */
static void expect_inert(Agraph_t *g)
{
    static const char *const follow[] = { "URL", "href", "image", "shapefile",
                                          "imagepath", "tooltip", "edgeURL" };

    for (size_t i = 0; i < sizeof follow / sizeof *follow; i++)
        for (int kind = AGRAPH; kind <= AGEDGE; kind++)
            assert_null(agattr(g, kind, (char *)follow[i], NULL));
}

static void hostile_text_changes_only_text(void **state)
{
    (void)state;
    for (int i = 0; i < N_HOSTILE; i++) {
        struct graph g;
        struct str dot;

        fill(&g, hostile[i]);
        to_dot(&g, &dot);
        Agraph_t *back = agmemread(dot.p);
        assert_non_null(back);
        /* the legend, and a peg over each lane; the unseen edges that place
         * them: peg to lane, peg to peg, last node to legend */
        assert_int_equal(agnnodes(back), NODES + 1 + LANES);
        assert_int_equal(agnedges(back), EDGES + LANES + (LANES - 1) + 1);
        expect_inert(back);
        for (int k = 0; k < NODES; k++) {
            char name[8], id[8];

            snprintf(name, sizeof name, "n%d", k + 1);
            snprintf(id, sizeof id, "id_%d", k);
            Agnode_t *n = agnode(back, name, 0);
            assert_non_null(n);
            assert_string_equal(agget(n, "id"), id);
        }
        agclose(back);
        str_release(&dot);
        graph_release(&g);
    }
}

static void hostile_text_gives_sound_svg(void **state)
{
    (void)state;
    for (int i = 0; i < N_HOSTILE; i++) {
        struct render_limits limits = { 0 };
        struct sor_msg msg = { "" };
        struct graph g;
        struct str dot, svg;
        struct xml x;

        fill(&g, hostile[i]);
        to_dot(&g, &dot);
        str_init(&svg);
        if (render(dot.p, "svg", &limits, &svg, &msg) != SOR_OK)
            fail_msg("%d: %s", i, msg.text);
        if (xml_check(svg.p, svg.len, &x) != 0)
            fail_msg("%d: %s", i, x.fault);
        assert_int_equal(xml_count(svg.p, "class=\"node "), NODES + 1);
        assert_int_equal(xml_count(svg.p, "class=\"edge "), EDGES);
        assert_int_equal(xml_count(svg.p, "class=\"cluster "), LANES);
        assert_int_equal(xml_count(svg.p, "<image"), 0);
        assert_int_equal(xml_count(svg.p, "<a "), 0);
        assert_int_equal(xml_count(svg.p, "<script"), 0);
        for (int k = 0; k < NODES; k++) {
            char id[16];

            snprintf(id, sizeof id, "<g id=\"id_%d\"", k);
            assert_int_equal(xml_count(svg.p, id), 1);
        }
        str_release(&svg);
        str_release(&dot);
        graph_release(&g);
    }
}

/* A backslash that the text holds is the backslash that the picture shows. */
static void text_arrives_as_it_is(void **state)
{
    struct render_limits limits = { 0 };
    struct graph g;
    struct str dot, svg;

    (void)state;
    fill(&g, "a\\N<b>&\"\\");
    to_dot(&g, &dot);
    str_init(&svg);
    assert_int_equal(render(dot.p, "svg", &limits, &svg, NULL), SOR_OK);
    assert_true(xml_count(svg.p, ">a\\N&lt;b&gt;&amp;&quot;\\</text>") > 4);
    str_release(&svg);
    str_release(&dot);
    graph_release(&g);
}

/* --- labels -------------------------------------------------------------- */

static const struct {
    const char *text;
    struct label_room room;
    int lines;
    const char *want;
} wraps[] = {
    { "", { 1000, 3 }, 0, "" },
    { " \n ", { 1000, 3 }, 0, "" },
    { "one", { 1000, 3 }, 1, "one|" },
    { "a  b\n\nc", { 1000, 3 }, 1, "a b c|" },
    { "aaaa bbbb cccc", { 600, 3 }, 2, "aaaa bbbb|cccc|" },
    { "aaaa bbbb cccc", { 300, 3 }, 3, "aaaa|bbbb|cccc|" },
    { "aaaa bbbb cccc", { 300, 2 }, 2, "aaaa|bbb\xe2\x80\xa6|" },
    { "aaaaaaaaaa", { 320, 3 }, 2, "aaaaa|aaaaa|" },
    { "<&>\"\\", { 1000, 1 }, 1, "&lt;&amp;&gt;&quot;\\\\|" },
    { "\x1b\xe2\x80\xae", { 2000, 1 }, 1, "\xe2\x90\x9b&lt;U+202E&gt;|" },
    /* U+0120 ends in the byte of a space; it is a letter */
    { "a\xc4\xa0" "b", { 1000, 1 }, 1, "a\xc4\xa0" "b|" },
    { "\xef\xbf\xbe\xff", { 1000, 1 }, 1, "\xef\xbf\xbd\xef\xbf\xbd|" },
};

static void wraps_at_words(void **state)
{
    static const char tag[] = "<BR ALIGN=\"LEFT\"/>";

    (void)state;
    for (size_t i = 0; i < sizeof wraps / sizeof *wraps; i++) {
        struct str out, want;

        str_init(&out);
        str_init(&want);
        for (const char *p = wraps[i].want; *p; p++)
            str_put(&want, *p == '|' ? tag : p, *p == '|' ? sizeof tag - 1 : 1);
        assert_int_equal(label_wrap(&out, wraps[i].text, strlen(wraps[i].text),
                                    wraps[i].room), wraps[i].lines);
        assert_string_equal(out.p, want.p);
        str_release(&want);
        str_release(&out);
    }
}

static void label_is_valid_utf8_wherever_it_is_cut(void **state)
{
    static const char text[] = "caf\xc3\xa9 \xe6\x9d\xb1\xe4\xba\xac\xf0\x9f"
                               "\x92\xa9 \xce\xb1\xce\xb2\xce\xb3 and more";

    (void)state;
    for (int width = 200; width < 1500; width += 7) {
        struct str out;

        str_init(&out);
        label_line(&out, text, width);
        assert_true(utf8_valid(out.p, out.len));
        assert_null(strstr(out.p, "<BR"));
        str_release(&out);
    }
}

/* --- the child ----------------------------------------------------------- */

/* n nodes, each with an edge to every later one: work for minutes. */
static void tangle(struct str *out, int n)
{
    str_init(out);
    str_puts(out, "digraph {");
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            str_printf(out, "%d->%d;", i, j);
    str_puts(out, "}");
}

static void layout_stops_at_its_time(void **state)
{
    struct render_limits limits = { .seconds = 1 };
    struct sor_msg msg = { "" };
    struct str dot, out;

    (void)state;
    tangle(&dot, 160);
    str_init(&out);
    str_puts(&out, "before");
    assert_int_equal(render(dot.p, "svg", &limits, &out, &msg), SOR_LIMIT);
    assert_non_null(strstr(msg.text, "longer than 1 s"));
    assert_string_equal(out.p, "before");
    str_release(&out);
    str_release(&dot);
}

static void layout_stops_at_its_memory(void **state)
{
    struct render_limits limits = { .memory_bytes = 8 << 20 };
    struct sor_msg msg = { "" };
    struct str dot, out;

    (void)state;
    tangle(&dot, 160);
    str_init(&out);
    assert_int_not_equal(render(dot.p, "svg", &limits, &out, &msg), SOR_OK);
    assert_int_equal(out.len, 0);
    assert_true(msg.text[0]);
    str_release(&out);
    str_release(&dot);
}

static void bad_input_is_a_sentence(void **state)
{
    struct render_limits limits = { 0 };
    struct sor_msg msg = { "" };
    struct str out;

    (void)state;
    str_init(&out);
    assert_int_equal(render("digraph {", "svg", &limits, &out, &msg),
                     SOR_FORMAT);
    assert_int_equal(render("", "svg", &limits, &out, &msg), SOR_FORMAT);
    assert_int_equal(render("digraph {a}", "nosuch", &limits, &out, &msg),
                     SOR_UNSUP);
    assert_int_equal(out.len, 0);
    limits.output_bytes = 100;
    assert_int_equal(render("digraph {a}", "svg", &limits, &out, &msg),
                     SOR_LIMIT);
    assert_int_equal(out.len, 0);
    str_release(&out);
}

static void formats_have_their_magic(void **state)
{
    static const struct { const char *format, *magic; } table[] = {
        { "svg", "<?xml" }, { "pdf", "%PDF-" }, { "png", "\x89PNG" } };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct render_limits limits = { 0 };
        struct str out;

        str_init(&out);
        assert_string_equal(render_format(table[i].format), table[i].format);
        assert_int_equal(render("digraph {a->b}", table[i].format, &limits,
                                &out, NULL), SOR_OK);
        assert_memory_equal(out.p, table[i].magic, strlen(table[i].magic));
        str_release(&out);
    }
    assert_string_equal(render_format(".svg"), "svg");
    assert_null(render_format("exe"));
}

/* --- the model ----------------------------------------------------------- */

static void graph_keeps_what_it_is_given(void **state)
{
    struct graph g;
    char line[2 * GRAPH_LINE_BYTES];

    (void)state;
    graph_init(&g);
    assert_null(graph_str(&g, NULL));
    assert_string_equal(graph_strn(&g, "abcdef", 3), "abc");
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    memcpy(line + GRAPH_LINE_BYTES - 2, "\xe6\x9d\xb1", 3);
    assert_int_equal(strlen(graph_printf(&g, "%s", line)),
                     GRAPH_LINE_BYTES - 2);    /* cut before the character */
    assert_int_equal(graph_add_edge(&g, &(struct graph_edge){ .from = -1 }),
                     -1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(graph_add_node(&g, &(struct graph_node){ .lane = i }),
                         i);
    assert_int_equal(g.node[77].lane, 77);
    graph_release(&g);
    assert_int_equal(g.n_node, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graph_keeps_what_it_is_given),
        cmocka_unit_test(wraps_at_words),
        cmocka_unit_test(label_is_valid_utf8_wherever_it_is_cut),
        cmocka_unit_test(hostile_text_changes_only_text),
        cmocka_unit_test(hostile_text_gives_sound_svg),
        cmocka_unit_test(text_arrives_as_it_is),
        cmocka_unit_test(formats_have_their_magic),
        cmocka_unit_test(bad_input_is_a_sentence),
        cmocka_unit_test(layout_stops_at_its_time),
        cmocka_unit_test(layout_stops_at_its_memory),
    };
    return cmocka_run_group_tests_name("viz", tests, NULL, NULL);
}
