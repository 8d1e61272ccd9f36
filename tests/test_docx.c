/* A review as a Word file: its parts are XML and refer to each other, every
 * finding is a comment at its words, equal reviews are equal bytes wherever
 * they are written, outside text adds nothing but text, and LibreOffice opens
 * it with all its comments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tests/prog.h"
#include "tests/slow.h"
#include "tests/xml.h"
#include "viz/diff.h"
#include "viz/docx.h"

static const char contract[] =
    "SERVICES AGREEMENT\n\nThis Agreement is made between Ann Ltd "
    "(\"Supplier\") and Bo </w:t><w:evil/> LLC (\"Customer\").\n\n"
    "1. Terms & \"quotes\" ' <b>\n\n1.1 \"Fee\" means\nthe amount.\n\n"
    "1.2 Customer shall pay the Fee within 30 days, subject to Section "
    "7.7 & <w:p>.\n\n1.3 Subject to Section 1.4, Supplier shall deliver the "
    "Goods to Customer.\n\n1.4 Subject to Section 1.3, Supplier may use "
    "[NAME] \xef\xbf\xbf here.\n\n2. End\n\n2.1 \xe2\x80\xae This Agreement "
    "ends \x1b[31m when ]]> Customer so says.\n";

static const char *in_dir(const char *leaf)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    return path;
}

static int setup(void **state)
{
    if (prog_setup(state) != 0)
        return -1;
    prog_spill(in_dir("c.txt"), contract, sizeof contract - 1);
    if (prog_run("review --rules-only -q --db t.db c.txt -o a.docx") == 0 &&
        prog_run("decide --db t.db last 0 reject --name 'A<b>' --reason "
                 "'&amp;'") == 0 &&
        prog_run("report --db t.db last -o b.docx") == 0)
        return 0;
    fprintf(stderr, "%s\n", prog_err);
    return -1;
}

/* One part of a package; the caller frees it. */
static char *part_of(const char *leaf, const char *name)
{
    struct archive *a = archive_read_new();
    struct archive_entry *e;
    char *text = NULL;

    archive_read_support_format_zip(a);
    assert_int_equal(archive_read_open_filename(a, in_dir(leaf), 10240),
                     ARCHIVE_OK);
    while (!text && archive_read_next_header(a, &e) == ARCHIVE_OK) {
        size_t n = 1 << 20;

        if (strcmp(archive_entry_pathname(e), name) != 0)
            continue;
        text = calloc(1, n);
        assert_non_null(text);
        assert_true(archive_read_data(a, text, n - 1) >= 0);
    }
    archive_read_free(a);
    assert_non_null(text);
    return text;
}

static void its_parts_are_xml(void **state)
{
    static const char *const part[] = {
        "[Content_Types].xml", "_rels/.rels", "word/document.xml",
        "word/_rels/document.xml.rels", "word/styles.xml",
        "word/comments.xml" };

    (void)state;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        char *text = part_of("b.docx", part[i]), *at = strstr(text, "?>");
        struct xml x;

        assert_non_null(at);
        if (xml_check(at + 2, strlen(at + 2), &x) != 0)
            fail_msg("%s: %s", part[i], x.fault);
        free(text);
    }
}

/* As many comments as findings, and each begins, ends and is referred to. */
static void every_finding_is_a_comment(void **state)
{
    char *text = part_of("b.docx", "word/document.xml");
    char *notes = part_of("b.docx", "word/comments.xml");
    int n = xml_count(notes, "<w:comment w:id=");

    (void)state;
    assert_int_equal(prog_run("sql --db t.db --json \"SELECT count(*) AS n "
                              "FROM v_finding\""), 0);
    char want[32];
    snprintf(want, sizeof want, "\"n\":%d", n);
    assert_true(n > 3);
    assert_non_null(strstr(prog_out, want));
    for (int i = 0; i < n; i++) {
        char from[48], to[48], ref[48];

        snprintf(from, sizeof from, "<w:commentRangeStart w:id=\"%d\"/>", i);
        snprintf(to, sizeof to, "<w:commentRangeEnd w:id=\"%d\"/>", i);
        snprintf(ref, sizeof ref, "<w:commentReference w:id=\"%d\"/>", i);
        assert_int_equal(xml_count(text, from), 1);
        assert_int_equal(xml_count(text, to), 1);
        assert_int_equal(xml_count(text, ref), 1);
        assert_true(strstr(text, from) < strstr(text, to));
    }
    free(text);
    free(notes);
}

/* The words between the marks of a comment are those that were found. */
static void a_comment_stands_at_its_words(void **state)
{
    char *text = part_of("b.docx", "word/document.xml");
    const char *words = strstr(text, "xml:space=\"preserve\">[NAME]</w:t>");

    (void)state;
    assert_non_null(words);
    const char *end = strstr(words, "<w:commentRangeEnd");
    assert_non_null(end);
    assert_true(end - words < 80);
    assert_non_null(strstr(text, "means</w:t></w:r><w:r><w:br/></w:r>"));
    free(text);
}

static void outside_text_stays_text(void **state)
{
    char *text = part_of("b.docx", "word/document.xml");
    char *notes = part_of("b.docx", "word/comments.xml");

    (void)state;
    assert_null(strstr(text, "<w:evil"));
    assert_non_null(strstr(text, "&lt;/w:t&gt;&lt;w:evil/&gt;"));
    assert_null(strchr(text, '\x1b'));
    assert_null(strstr(text, "\xef\xbf\xbf"));
    assert_null(strstr(text, "\xe2\x80\xae"));
    assert_non_null(strstr(notes, "rejected by A&lt;b&gt;"));
    assert_non_null(strstr(notes, ": &amp;amp;"));
    free(text);
    free(notes);
}

static void equal_reviews_are_equal_bytes(void **state)
{
    size_t n, m;

    (void)state;
    setenv("TZ", "Asia/Tokyo", 1);
    assert_int_equal(prog_run("report --db t.db last -o c.docx"), 0);
    unsetenv("TZ");
    char *b = (char *)prog_slurp(in_dir("b.docx"), &n);
    char *c = (char *)prog_slurp(in_dir("c.docx"), &m);
    assert_int_equal(n, m);
    assert_memory_equal(b, c, n);
    free(b);
    free(c);
}

/* What we write we read: the same clauses come out of it. */
static void it_can_be_reviewed_again(void **state)
{
    (void)state;
    assert_int_equal(prog_run("review --rules-only -q --db t2.db b.docx"), 0);
    assert_int_equal(prog_run("sql --db t2.db --json \"SELECT count(*) AS n "
                              "FROM clause WHERE number IS NOT NULL\""), 0);
    char again[64];
    snprintf(again, sizeof again, "%.60s", prog_out);
    assert_int_equal(prog_run("sql --db t.db --json \"SELECT count(*) AS n "
                              "FROM clause WHERE number IS NOT NULL\""), 0);
    assert_string_equal(again, prog_out);
}

static void a_run_has_no_document(void **state)
{
    static const char trace[] = "{\"question\":\"1?\",\"completion\":\"2\"}\n";

    (void)state;
    prog_spill(in_dir("r.jsonl"), trace, sizeof trace - 1);
    assert_int_equal(prog_run("import --db r.db r.jsonl"), 0);
    assert_int_equal(prog_run("report --db r.db last -o r.docx"), 2);
    assert_non_null(strstr(prog_err, "is no review"));
}

static void libreoffice_shows_the_comments(void **state)
{
    char *notes = part_of("b.docx", "word/comments.xml");
    int n = xml_count(notes, "<w:comment w:id=");
    char command[512];

    (void)state;
    free(notes);
    if (slow() || getenv("SORITES_FAST")) {
        print_message("LibreOffice takes its time\n");
        skip();
    }
    if (system("command -v soffice >/dev/null 2>&1") != 0) {
        print_message("LibreOffice is not installed\n");
        skip();
    }
    snprintf(command, sizeof command, "cd %s && timeout 300 soffice "
             "--headless -env:UserInstallation=file://%s/lo --convert-to odt "
             "b.docx >/dev/null 2>&1", prog_dir, prog_dir);
    assert_int_equal(system(command), 0);
    char *text = part_of("b.odt", "content.xml");
    assert_int_equal(xml_count(text, "<office:annotation "), n);
    assert_int_equal(xml_count(text, "<office:annotation-end "), n);
    free(text);
}

/* --- words --------------------------------------------------------------- */

static void a_change_is_shown_by_words(void **state)
{
    static const char old[] = "The fee is due  within thirty days <b>.";
    struct str s;

    (void)state;
    str_init(&s);
    diff_html(&s, old, sizeof old - 1, "The fee is due within ten days <b>.");
    assert_string_equal(s.p, "The fee is due within <del>thirty</del> "
                             "<ins>ten</ins> days &lt;b&gt;.");
    str_clear(&s);
    diff_html(&s, "one two", 7, "three four five");
    assert_string_equal(s.p, "<del>one two</del> <ins>three four five</ins>");
    str_clear(&s);
    diff_markdown(&s, "a b c", 5, "a c *");
    assert_string_equal(s.p, "a ~~b~~ c **\\***");
    str_clear(&s);
    diff_html(&s, "", 0, "new");
    assert_string_equal(s.p, "<ins>new</ins>");
    str_release(&s);
}

static void equal_parts_make_equal_packages(void **state)
{
    struct str body, notes, a, b;
    struct sor_msg msg;

    (void)state;
    str_init(&body);
    str_init(&notes);
    str_init(&a);
    str_init(&b);
    str_puts(&body, "<w:p/>");
    assert_int_equal(docx_pack(&body, &notes, &a, &msg), SOR_OK);
    assert_int_equal(docx_pack(&body, &notes, &b, &msg), SOR_OK);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.p, b.p, a.len);
    assert_memory_equal(a.p, "PK\003\004", 4);
    str_release(&body);
    str_release(&notes);
    str_release(&a);
    str_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_parts_are_xml),
        cmocka_unit_test(every_finding_is_a_comment),
        cmocka_unit_test(a_comment_stands_at_its_words),
        cmocka_unit_test(outside_text_stays_text),
        cmocka_unit_test(equal_reviews_are_equal_bytes),
        cmocka_unit_test(it_can_be_reviewed_again),
        cmocka_unit_test(a_run_has_no_document),
        cmocka_unit_test(libreoffice_shows_the_comments),
        cmocka_unit_test(a_change_is_shown_by_words),
        cmocka_unit_test(equal_parts_make_equal_packages),
    };

    return cmocka_run_group_tests_name("docx", tests, setup, prog_teardown);
}
