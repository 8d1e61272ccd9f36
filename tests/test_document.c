/* Documents: formats, encodings, places, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "review/document.h"
#include "tests/mkzip.h"

static struct document *from(const void *bytes, size_t n)
{
    struct document *d = NULL;
    struct sor_msg msg = { { 0 } };

    if (document_from("doc", bytes, n, &d, &msg))
        fail_msg("%s", msg.text);
    return d;
}

static enum sor_err refused(const void *bytes, size_t n, const char *because)
{
    struct document *d = NULL;
    struct sor_msg msg = { { 0 } };
    enum sor_err err = document_from("doc", bytes, n, &d, &msg);

    assert_null(d);
    if (!strstr(msg.text, because))
        fail_msg("\"%s\" does not say \"%s\"", msg.text, because);
    return err;
}

/* --- encodings ----------------------------------------------------------- */

static void text_is_the_files_own(void **state)
{
    static const char utf8[] = "\xEF\xBB\xBF" "a \xE2\x80\x9Cterm\xE2\x80\x9D"
                               "  b\r\n\tc \xC2\xA7 1";
    uint8_t sha[SHA256_BYTES];
    struct document *d = from(utf8, sizeof utf8 - 1);

    (void)state;
    assert_string_equal(d->text, utf8 + 3);
    assert_string_equal(d->encoding, "UTF-8");
    assert_int_equal(d->n_byte, sizeof utf8 - 4);
    assert_int_equal(d->n_char, utf8_count(d->text, d->n_byte));
    sha256_bytes(utf8, sizeof utf8 - 1, sha);
    assert_memory_equal(d->sha256, sha, sizeof sha);
    document_close(d);
}

static void encodings_are_told_apart(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *encoding, *text;
    } cases[] = {
        { "\xFF\xFE" "A\0\x1C\x20", 6, "UTF-16LE", "A\xE2\x80\x9C" },
        { "\xFE\xFF\0A\x20\x1C", 6, "UTF-16BE", "A\xE2\x80\x9C" },
        { "P\0a\0r\0t\0y\0 \0", 12, "UTF-16LE", "Party " },
        { "\0P\0a\0r\0t\0y\0 ", 12, "UTF-16BE", "Party " },
        { "\xFF\xFE\x3D\xD8\x00\xDE", 6, "UTF-16LE", "\xF0\x9F\x98\x80" },
        { "\xFF\xFE\x3D\xD8" "A\0", 6, "UTF-16LE", "\xEF\xBF\xBD" "A" },
        { "\x93" "as is\x94 \x80 5", 11, "windows-1252",
          "\xE2\x80\x9C" "as is\xE2\x80\x9D \xE2\x82\xAC 5" },
        { "caf\xE9", 4, "windows-1252", "caf\xC3\xA9" },
        { "\xE2\x80\x9C\xE2\x80\x9D\xC2\xA7\xC2\xA7\xC2\xA7 \xE2", 14,
          "UTF-8, damaged", "\xE2\x80\x9C\xE2\x80\x9D\xC2\xA7\xC2\xA7\xC2\xA7"
          " \xEF\xBF\xBD" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct document *d = from(cases[i].bytes, cases[i].n);

        assert_string_equal(d->encoding, cases[i].encoding);
        assert_string_equal(d->text, cases[i].text);
        document_close(d);
    }
}

static void binaries_are_refused_with_the_place(void **state)
{
    char noise[2000];

    (void)state;
    assert_int_equal(refused("abc\0def", 7, "byte 3"), SOR_FORMAT);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i % 31 + 1);
    assert_int_equal(refused(noise, sizeof noise, "control bytes"),
                     SOR_FORMAT);
    assert_int_equal(refused("{\\rtf1\\ansi Agreement}", 22, ".rtf"),
                     SOR_UNSUP);
    assert_int_equal(refused("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1....", 12,
                             ".doc"), SOR_UNSUP);
}

/* --- places -------------------------------------------------------------- */

static void places_convert_both_ways(void **state)
{
    struct str s;
    size_t cp = 0;

    (void)state;
    str_init(&s);
    for (int i = 0; i < 900; i++)       /* over several blocks of the index */
        str_puts(&s, i % 3 ? "x" : i % 2 ? "\xC2\xA7" : "\xE2\x80\x9C");
    struct document *d = from(s.p, s.len);
    for (size_t at = 0; at <= d->n_byte; at++) {
        if (at < d->n_byte && ((unsigned char)d->text[at] & 0xC0) == 0x80)
            continue;
        assert_int_equal(document_cp(d, at), cp);
        assert_int_equal(document_byte(d, cp), at);
        cp++;
    }
    assert_int_equal(d->n_char, cp - 1);
    document_close(d);
    str_release(&s);
}

static void form_feeds_are_pages(void **state)
{
    struct document *d = from("one\ftwo\fthree", 13);

    (void)state;
    assert_int_equal(d->n_page, 3);
    assert_int_equal(document_page(d, 0), 1);
    assert_int_equal(document_page(d, 3), 1);
    assert_int_equal(document_page(d, 4), 2);
    assert_int_equal(document_page(d, 12), 3);
    document_close(d);
    d = from("no pages", 8);
    assert_int_equal(d->n_page, 0);
    assert_int_equal(document_page(d, 3), 0);
    document_close(d);
}

/* --- DOCX ---------------------------------------------------------------- */

#define W "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/" \
          "main\""

/* A ZIP of these parts, in memory. */
static void zip(const struct mkzip_part *parts, int n, struct str *out)
{
    str_init(out);
    assert_int_equal(mkzip(parts, n, out), 0);
}

#define P(pr, t) "<w:p><w:pPr>" pr "</w:pPr><w:r><w:t>" t "</w:t></w:r></w:p>"
#define NUM(id, lvl) "<w:numPr><w:ilvl w:val=\"" #lvl "\"/><w:numId w:val=\"" \
                     #id "\"/></w:numPr>"
#define LVL(i, start, fmt, text) "<w:lvl w:ilvl=\"" #i "\"><w:start w:val=\"" \
    #start "\"/><w:numFmt w:val=\"" fmt "\"/><w:lvlText w:val=\"" text \
    "\"/></w:lvl>"

static const char numbering[] =
    "<w:numbering " W "><w:abstractNum w:abstractNumId=\"0\">"
    LVL(0, 1, "upperRoman", "Article %1")
    "<w:lvl w:ilvl=\"1\"><w:start w:val=\"1\"/><w:numFmt w:val=\"decimal\"/>"
    "<w:isLgl/><w:pStyle w:val=\"Sub\"/><w:lvlText w:val=\"%1.%2\"/></w:lvl>"
    LVL(2, 1, "lowerLetter", "(%3)") LVL(3, 1, "lowerRoman", "(%4)")
    LVL(4, 1, "bullet", "\xEF\x82\xB7")
    "</w:abstractNum>"
    "<w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num>"
    "<w:num w:numId=\"2\"><w:abstractNumId w:val=\"0\"/><w:lvlOverride "
    "w:ilvl=\"2\"><w:startOverride w:val=\"5\"/></w:lvlOverride></w:num>"
    "</w:numbering>";
static const char styles[] =
    "<w:styles " W "><w:style w:type=\"paragraph\" w:styleId=\"Sub\"><w:pPr>"
    "<w:numPr><w:numId w:val=\"1\"/></w:numPr></w:pPr></w:style>"
    "<w:style w:type=\"paragraph\" w:styleId=\"Own\"><w:basedOn "
    "w:val=\"Sub\"/></w:style></w:styles>";

static void docx_has_the_numbers_word_shows(void **state)
{
    const struct mkzip_part parts[] = {
        { "word/numbering.xml", numbering }, { "word/styles.xml", styles },
        { "word/document.xml", "<w:document " W "><w:body>"
          P("", "NDA") P(NUM(1, 0), "Term") P("<w:pStyle w:val=\"Sub\"/>", "x")
          P("<w:pStyle w:val=\"Own\"/>", "y") P(NUM(1, 2), "a")
          P(NUM(1, 3), "b")
          P(NUM(1, 3), "c") P(NUM(1, 2), "d") P(NUM(1, 0), "Law")
          P("<w:pStyle w:val=\"Sub\"/>", "z") P(NUM(1, 2), "e")
          P(NUM(2, 2), "f") P(NUM(2, 2), "g") P(NUM(1, 4), "h")
          P("<w:pStyle w:val=\"Sub\"/>" NUM(0, 0), "none")
          "</w:body></w:document>" },
    };
    struct str bytes;

    (void)state;
    zip(parts, 3, &bytes);
    struct document *d = from(bytes.p, bytes.len);
    assert_int_equal(d->format, DOCUMENT_DOCX);
    assert_string_equal(d->text,
        "NDA\n\nArticle I Term\n\n1.1 x\n\n1.2 y\n\n(a) a\n\n(i) b\n\n"
        "(ii) c\n\n"
        "(b) d\n\nArticle II Law\n\n2.1 z\n\n(a) e\n\n(e) f\n\n(f) g\n\n"
        "\xE2\x80\xA2 h\n\nnone\n\n");
    document_close(d);
    str_release(&bytes);
}

static void docx_leaves_out_what_was_deleted_or_drawn(void **state)
{
    const struct mkzip_part part = { "word/document.xml", "<w:document " W
        "><w:body><w:p><w:r><w:t xml:space=\"preserve\">stays </w:t></w:r>"
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:moveFrom><w:r><w:t>away</w:t></w:r></w:moveFrom>"
        "<w:ins><w:r><w:t>new</w:t><w:tab/><w:t>x</w:t></w:r></w:ins>"
        "<w:r><w:drawing><w:p><w:r><w:t>box</w:t></w:r></w:p></w:drawing>"
        "</w:r></w:p>"
        "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>runs "
        "</w:t></w:r></w:p><w:p><w:r><w:t>on</w:t></w:r></w:p>"
        "<w:tbl><w:tr><w:tc>" P("", "a") "</w:tc><w:tc>" P("", "b")
        "</w:tc></w:tr><w:tr><w:trPr><w:del/></w:trPr><w:tc>" P("", "c")
        "</w:tc></w:tr></w:tbl></w:body></w:document>" };
    struct str bytes;

    (void)state;
    zip(&part, 1, &bytes);
    struct document *d = from(bytes.p, bytes.len);
    assert_string_equal(d->text, "stays new\tx\n\nruns on\n\na\tb\n\n");
    assert_string_equal(d->encoding, DOCUMENT_ACCEPTED);
    document_close(d);
    str_release(&bytes);
}

static void hostile_docx_is_refused(void **state)
{
    static const struct {
        struct mkzip_part part;
        const char *because;
    } cases[] = {
        { { "word/document.xml", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>" },
          "document type" },
        { { "word/document.xml", "<w:document " W "><w:body>" },
          "word/document.xml" },
        { { "xl/workbook.xml", "<a/>" }, "no DOCX" },
    };
    struct str bytes, deep;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        zip(&cases[i].part, 1, &bytes);
        assert_int_equal(refused(bytes.p, bytes.len, cases[i].because),
                         SOR_FORMAT);
        str_release(&bytes);
    }
    str_init(&deep);
    for (int i = 0; i < 2000; i++)
        str_puts(&deep, "<a>");
    const struct mkzip_part part = { "word/document.xml", deep.p };
    zip(&part, 1, &bytes);
    assert_int_equal(refused(bytes.p, bytes.len, "deep"), SOR_LIMIT);
    for (size_t n = 4; n < bytes.len; n += 37) {        /* cut anywhere */
        struct document *d = NULL;
        assert_int_not_equal(document_from("doc", bytes.p, n, &d, NULL),
                             SOR_OK);
    }
    str_release(&bytes);
    str_release(&deep);
}

/* A part that unpacks to more than a document may have. */
static void a_zip_bomb_is_stopped(void **state)
{
    enum { MIB = 1 << 20, MIBS = 80 };
    size_t used = 0;
    char *out = malloc(MIB), *blank = malloc(MIB);
    struct archive *a = archive_write_new();
    struct archive_entry *e = archive_entry_new();

    (void)state;
    assert_non_null(out);
    assert_non_null(blank);
    memset(blank, ' ', MIB);
    archive_write_set_format_zip(a);
    archive_write_open_memory(a, out, MIB, &used);
    archive_entry_set_pathname(e, "word/document.xml");
    archive_entry_set_size(e, (la_int64_t)MIB * MIBS);
    archive_entry_set_filetype(e, 0100000);
    archive_write_header(a, e);
    for (int i = 0; i < MIBS; i++)
        archive_write_data(a, blank, MIB);
    archive_entry_free(e);
    archive_write_close(a);
    archive_write_free(a);
    assert_in_range(used, 1, MIB);
    assert_int_equal(refused(out, used, "unpacks to more"), SOR_LIMIT);
    free(out);
    free(blank);
}

/* --- PDF ----------------------------------------------------------------- */

static const char two_pages[] =
    "%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n"
    "2 0 obj <</Type/Pages/Kids[3 0 R 5 0 R]/Count 2>> endobj\n"
    "3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
    "/Resources<</Font<</F 7 0 R>>>>>> endobj\n"
    "4 0 obj <</Length 38>> stream\nBT /F 12 Tf 72 720 Td (First) Tj ET    \n"
    "endstream endobj\n"
    "5 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 6 0 R"
    "/Resources<</Font<</F 7 0 R>>>>>> endobj\n"
    "6 0 obj <</Length 38>> stream\nBT /F 12 Tf 72 720 Td (Second) Tj ET   \n"
    "endstream endobj\n"
    "7 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj\n"
    "trailer <</Root 1 0 R>>\n";

static void pdf_keeps_its_pages(void **state)
{
    struct document *d = NULL;
    struct sor_msg msg;
    enum sor_err err = document_from("x.pdf", two_pages, sizeof two_pages - 1,
                                     &d, &msg);

    (void)state;
    if (err == SOR_UNSUP) {
        print_message("pdftotext is not installed\n");
        skip();
    }
    assert_int_equal(err, SOR_OK);
    assert_int_equal(d->format, DOCUMENT_PDF);
    assert_int_equal(d->n_page, 2);
    const char *second = strstr(d->text, "Second");
    assert_non_null(second);
    assert_int_equal(document_page(d, (size_t)(second - d->text)), 2);
    document_close(d);
}

static void a_pdf_without_pdftotext_names_it(void **state)
{
    char *path = getenv("PATH"), *keep = path ? strdup(path) : NULL;

    (void)state;
    setenv("PATH", "/nonexistent", 1);
    assert_int_equal(refused(two_pages, sizeof two_pages - 1, "pdftotext"),
                     SOR_UNSUP);
    if (keep)
        setenv("PATH", keep, 1);
    free(keep);
}

/* --- files --------------------------------------------------------------- */

static void files_that_cannot_be_read_say_why(void **state)
{
    struct document *d = NULL;
    struct sor_msg msg;

    (void)state;
    assert_int_equal(document_open("/nonexistent/x", &d, &msg), SOR_IO);
    assert_non_null(strstr(msg.text, "/nonexistent/x"));
    assert_int_equal(document_open("/tmp", &d, &msg), SOR_IO);
    assert_non_null(strstr(msg.text, "no regular file"));
}

static void every_allocation_may_fail(void **state)
{
    static const char text[] = "caf\xE9 agreement\fpage";
    struct document *d = NULL;
    enum sor_err err = SOR_NOMEM;

    (void)state;
    for (uint64_t n = 1; err; n++) {
        mem_fail_at(n);
        err = document_from("doc", text, sizeof text - 1, &d, NULL);
        mem_fail_at(0);
        if (err)
            assert_int_equal(err, SOR_NOMEM);
        assert_in_range(n, 1, 50);
    }
    document_close(d);
}

/* --- is it a contract ---------------------------------------------------- */

static enum document_fit fit(const char *text)
{
    struct document *d = from(text, strlen(text));
    enum document_fit f = document_fit(d);

    document_close(d);
    return f;
}

static void what_is_no_contract_is_told(void **state)
{
    (void)state;
    assert_int_equal(fit(""), DOCUMENT_EMPTY);
    assert_int_equal(fit(" \n\f\n 12 34"), DOCUMENT_EMPTY);
    assert_int_equal(fit("\xE7\x94\xB2\xE6\x96\xB9\xE4\xB8\x8E\xE4\xB9\x99"
                         "\xE6\x96\xB9\xE5\x90\x8C\xE6\x84\x8F"),
                     DOCUMENT_FOREIGN);
    assert_int_equal(fit(
        "Dieser Vertrag wird zwischen der Verk\xC3\xA4uferin und dem "
        "K\xC3\xA4ufer geschlossen.  Die Verk\xC3\xA4uferin verpflichtet sich, "
        "die Ware innerhalb von zwei Wochen zu liefern; der K\xC3\xA4ufer "
        "verpflichtet sich, den Preis zu zahlen.  Es gilt deutsches Recht."),
        DOCUMENT_FOREIGN);
    assert_int_equal(fit(
        "The moon was up before the tide,\nAnd over hill and over fen\n"
        "The herons flew, with wings set wide,\nAnd did not come again.\n"
        "The reeds bowed down, the water slept,\n"
        "A fox went by on silver feet,\n"
        "And in the farm a candle kept\nIts little watch above the wheat."),
        DOCUMENT_NO_CONTRACT);
    assert_int_equal(fit(
        "MUTUAL NON-DISCLOSURE AGREEMENT\nThis Agreement is made between Acme "
        "Ltd and Bolt Inc (each a party).\n1. Each party shall keep the other "
        "party's confidential information secret and shall not disclose it.\n"
        "2. This Agreement is governed by the laws of England."),
        DOCUMENT_FITS);
}

/* Whatever contracts this checkout can see fit, and none is refused. */
static void no_contract_is_refused(void **state)
{
    const char *shared = getenv("SORITES_SHARED");
    char folder[4096], path[4608];
    struct dirent *entry;
    int n = 0;

    (void)state;
    snprintf(folder, sizeof folder, "%s/data/demo_contracts",
             shared ? shared : "../shared");
    DIR *dir = opendir(folder);
    if (!dir) {
        print_message("no contracts at %s\n", folder);
        skip();
    }
    while ((entry = readdir(dir))) {
        struct document *d = NULL;
        struct sor_msg msg;

        if (!strstr(entry->d_name, ".txt"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (document_open(path, &d, &msg))
            fail_msg("%s", msg.text);
        assert_int_equal(document_fit(d), DOCUMENT_FITS);
        document_close(d);
        n++;
    }
    closedir(dir);
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_the_files_own),
        cmocka_unit_test(encodings_are_told_apart),
        cmocka_unit_test(binaries_are_refused_with_the_place),
        cmocka_unit_test(places_convert_both_ways),
        cmocka_unit_test(form_feeds_are_pages),
        cmocka_unit_test(docx_has_the_numbers_word_shows),
        cmocka_unit_test(docx_leaves_out_what_was_deleted_or_drawn),
        cmocka_unit_test(hostile_docx_is_refused),
        cmocka_unit_test(a_zip_bomb_is_stopped),
        cmocka_unit_test(pdf_keeps_its_pages),
        cmocka_unit_test(a_pdf_without_pdftotext_names_it),
        cmocka_unit_test(files_that_cannot_be_read_say_why),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(what_is_no_contract_is_told),
        cmocka_unit_test(no_contract_is_refused),
    };
    return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
