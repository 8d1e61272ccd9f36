/* The numbers that a word processor shows before its paragraphs: every form
 * of them, counts as nobody would set them, and lists without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "review/document.h"
#include "tests/mkzip.h"

/* A document of one paragraph "x" with these properties. */
static void zip_with(const char *numbering, const char *styles,
                     const char *properties, struct str *out)
{
    struct str body;
    struct mkzip_part part[] = {
        { "word/numbering.xml", numbering }, { "word/styles.xml", styles },
        { "word/document.xml", NULL },
    };

    str_init(&body);
    str_init(out);
    str_printf(&body, "<w:document " MKZIP_W "><w:body><w:p><w:pPr>%s</w:pPr>"
               "<w:r><w:t>x</w:t></w:r></w:p></w:body></w:document>",
               properties);
    part[2].text = body.p;
    assert_int_equal(mkzip(part, 3, out), 0);
    str_release(&body);
}

static enum sor_err open_with(const char *numbering, const char *styles,
                              const char *properties, struct document **out,
                              struct sor_msg *msg)
{
    struct str bytes;
    enum sor_err err;

    zip_with(numbering, styles, properties, &bytes);
    err = document_from("doc", bytes.p, bytes.len, out, msg);
    str_release(&bytes);
    return err;
}

#define STYLES(list) "<w:styles " MKZIP_W ">" list "</w:styles>"
#define IN_LIST "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr>"

/* One list of one level with this inside. */
static void level(struct str *out, const char *inside)
{
    str_printf(out, "<w:numbering " MKZIP_W "><w:abstractNum "
               "w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\">%s</w:lvl>"
               "<w:lvl w:ilvl=\"99\"><w:start w:val=\"9\"/></w:lvl>"
               "</w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId "
               "w:val=\"0\"/></w:num></w:numbering>", inside);
}

static void every_form_of_number(void **state)
{
    static const struct { const char *format, *start, *shows; } form[] = {
        { "decimal", "3", "3. x\n\n" },
        { "decimal", "-5", "1. x\n\n" },
        { "decimalZero", "7", "07. x\n\n" },
        { "lowerLetter", "28", "bb. x\n\n" },
        { "upperLetter", "28", "BB. x\n\n" },
        { "lowerLetter", "0", ". x\n\n" },
        { "lowerLetter", "300", "nnnnnnnn. x\n\n" },
        { "lowerLetter", "2000000000", "a. x\n\n" },
        { "upperRoman", "1994", "MCMXCIV. x\n\n" },
        { "lowerRoman", "4999", "mmmmcmxcix. x\n\n" },
        { "upperRoman", "5000", "5000. x\n\n" },
        { "lowerRoman", "-1", "i. x\n\n" },
        { "ordinal", "1", "1st. x\n\n" },
        { "ordinal", "22", "22nd. x\n\n" },
        { "ordinal", "33", "33rd. x\n\n" },
        { "ordinal", "112", "112th. x\n\n" },
        { "none", "3", ". x\n\n" },
        { "martian", "3", "3. x\n\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof form / sizeof *form; i++) {
        struct document *d = NULL;
        struct sor_msg msg;
        struct str xml;
        char inside[256];

        str_init(&xml);
        snprintf(inside, sizeof inside, "<w:start w:val=\"%s\"/><w:numFmt "
                 "w:val=\"%s\"/><w:lvlRestart w:val=\"1\"/><w:lvlText "
                 "w:val=\"%%1.\"/>", form[i].start, form[i].format);
        level(&xml, inside);
        assert_int_equal(open_with(xml.p, STYLES(""), IN_LIST, &d, &msg),
                         SOR_OK);
        if (strcmp(d->text, form[i].shows) != 0)
            fail_msg("%s from %s: \"%s\"", form[i].format, form[i].start,
                     d->text);
        document_close(d);
        str_release(&xml);
    }
}

/* What names nothing shows nothing, and the text stays. */
static void lists_that_are_not_there(void **state)
{
    static const struct { const char *styles, *properties; } odd[] = {
        { STYLES(""), "<w:numPr><w:numId w:val=\"7\"/></w:numPr>" },
        { STYLES(""), "<w:numPr><w:ilvl w:val=\"99\"/><w:numId w:val=\"1\"/>"
                      "</w:numPr>" },
        { STYLES(""), "<w:numPr><w:numId w:val=\"99999999999\"/></w:numPr>" },
        { STYLES("<w:basedOn w:val=\"a\"/><w:ilvl w:val=\"1\"/>"),
          "<w:pStyle w:val=\"a\"/>" },
        /* two that are based on each other */
        { STYLES("<w:style w:styleId=\"a\"><w:basedOn w:val=\"b\"/></w:style>"
                 "<w:style w:styleId=\"b\"><w:basedOn w:val=\"a\"/>"
                 "</w:style>"), "<w:pStyle w:val=\"a\"/>" },
        { STYLES("<w:style w:styleId=\"a\"><w:ilvl w:val=\"77\"/><w:numId "
                 "w:val=\"1\"/></w:style>"), "<w:pStyle w:val=\"a\"/>" },
    };
    struct str xml;

    (void)state;
    str_init(&xml);
    level(&xml, "<w:lvlText w:val=\"%1.\"/>");
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct document *d = NULL;
        struct sor_msg msg;

        if (open_with(xml.p, odd[i].styles, odd[i].properties, &d, &msg))
            fail_msg("%zu: %s", i, msg.text);
        if (strcmp(d->text, "x\n\n") != 0)
            fail_msg("%zu: \"%s\"", i, d->text);
        document_close(d);
    }
    str_release(&xml);
}

/* Over twenty thousand of anything are more than a document has. */
static void lists_without_end(void **state)
{
    static const struct { int styles; const char *each; } endless[] = {
        { 0, "<w:abstractNum w:abstractNumId=\"5\"/>" },
        { 0, "<w:num w:numId=\"5\"/>" },
        { 1, "<w:style w:styleId=\"s\"/>" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof endless / sizeof *endless; i++) {
        const char *tag = endless[i].styles ? "styles" : "numbering";
        struct document *d = NULL;
        struct sor_msg msg = { "" };
        struct str xml;

        str_init(&xml);
        str_printf(&xml, "<w:%s " MKZIP_W ">", tag);
        for (int k = 0; k < 20001; k++)
            str_puts(&xml, endless[i].each);
        str_printf(&xml, "</w:%s>", tag);
        assert_int_equal(open_with(endless[i].styles ? "" : xml.p,
                                   endless[i].styles ? xml.p : STYLES(""),
                                   IN_LIST, &d, &msg), SOR_NOMEM);
        assert_non_null(strstr(msg.text, "styles or lists"));
        str_release(&xml);
    }
}

static void every_allocation_may_fail(void **state)
{
    struct str xml, bytes;
    int n_refused = 0;

    (void)state;
    str_init(&xml);
    level(&xml, "<w:pStyle w:val=\"a\"/><w:lvlText w:val=\"%1.\"/>");
    zip_with(xml.p, STYLES("<w:style w:styleId=\"a\"><w:basedOn w:val=\"b\"/>"
                           "<w:numId w:val=\"1\"/></w:style>"),
             "<w:pStyle w:val=\"a\"/>", &bytes);
    for (uint64_t i = 1; ; i++) {
        struct document *d = NULL;
        struct sor_msg msg = { "" };
        enum sor_err err;

        mem_fail_at(i);
        err = document_from("doc", bytes.p, bytes.len, &d, &msg);
        mem_fail_at(0);
        if (!err) {
            assert_string_equal(d->text, "1. x\n\n");
            document_close(d);
            break;
        }
        assert_int_equal(err, SOR_NOMEM);
        n_refused++;
    }
    assert_true(n_refused > 10);
    str_release(&bytes);
    str_release(&xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_number),
        cmocka_unit_test(lists_that_are_not_there),
        cmocka_unit_test(lists_without_end),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests_name("numbering", tests, NULL, NULL);
}
