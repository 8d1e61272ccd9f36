/* Documents from strangers: archives damaged at every byte, readers of PDFs
 * that do not end, texts made to be slow.  Each is refused in one sentence or
 * becomes text that is UTF-8, in bounded time and memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/text.h"
#include "review/clause.h"
#include "review/document.h"
#include "tests/mkzip.h"
#include "tests/slow.h"

static double seconds_since(uint64_t ns)
{
    return (double)(clock_mono_ns() - ns) * 1e-9;
}

/* 1: it was read, and cut into clauses. */
static int reads(const void *bytes, size_t n, struct sor_msg *msg)
{
    struct document *d = NULL;
    struct clauses *c = NULL;
    struct passages *p = NULL;

    if (document_from("doc", bytes, n, &d, msg)) {
        if (!strstr(msg->text, "doc") || strpbrk(msg->text, "\n\x1b"))
            fail_msg("says \"%s\"", msg->text);
        return 0;
    }
    assert_true(utf8_valid(d->text, d->n_byte));
    assert_null(memchr(d->text, '\0', d->n_byte));
    document_fit(d);
    assert_int_equal(clauses_read(d, &c, msg), SOR_OK);
    assert_int_equal(passages_cut(d, c, 1000, &p, msg), SOR_OK);
    passages_close(p);
    clauses_close(c);
    document_close(d);
    return 1;
}

/* --- DOCX ---------------------------------------------------------------- */

static void every_byte_of_a_docx(void **state)
{
    struct sor_msg msg;
    struct str s;
    long n_read = 0, n = 0;

    (void)state;
    str_init(&s);
    assert_int_equal(mkzip(mkzip_docx, MKZIP_DOCX, &s), 0);
    assert_true(reads(s.p, s.len, &msg));
    for (size_t at = 0; at < s.len; at++) {
        char was = s.p[at];
        const char now[] = { 0, (char)0xff, (char)(was + 1),
                             (char)(was ^ 0x80) };

        for (size_t i = 0; i < sizeof now; i++, n++) {
            s.p[at] = now[i];
            n_read += reads(s.p, s.len, &msg);
        }
        s.p[at] = was;
        n_read += reads(s.p, at, &msg);
        n++;
    }
    print_message("%ld damaged or cut, %ld still read\n", n, n_read);
    str_release(&s);
}

/* The parts themselves damaged, in an archive that is sound. */
static void every_byte_of_its_parts(void **state)
{
    struct mkzip_part part[3];
    struct sor_msg msg;

    (void)state;
    memcpy(part, mkzip_docx, sizeof part);
    for (int k = 0; k < 3; k++) {
        char *text = strdup(mkzip_docx[k].text);

        assert_non_null(text);
        part[k].text = text;
        for (size_t at = 0; text[at]; at++) {
            static const char put[] = { '<', '>', '"', '&', '\x01', '\xff' };

            for (size_t i = 0; i < sizeof put; i++) {
                struct str s;

                str_init(&s);
                text[at] = put[i];
                assert_int_equal(mkzip(part, 3, &s), 0);
                reads(s.p, s.len, &msg);
                str_release(&s);
            }
            text[at] = mkzip_docx[k].text[at];
        }
        part[k].text = mkzip_docx[k].text;
        free(text);
    }
}

static void an_endless_list_of_names(void **state)
{
    enum { NAMES = 10050, EACH = 16 };
    struct mkzip_part *part = calloc(NAMES, sizeof *part);
    char *name = malloc(NAMES * EACH);
    struct sor_msg msg;
    struct str s;

    (void)state;
    assert_non_null(part);
    assert_non_null(name);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name + i * EACH, EACH, "word/%d.xml", i);
        part[i] = (struct mkzip_part){ name + i * EACH, "x" };
    }
    str_init(&s);
    assert_int_equal(mkzip(part, NAMES, &s), 0);
    assert_int_equal(reads(s.p, s.len, &msg), 0);
    assert_non_null(strstr(msg.text, "over 10000 files"));
    str_release(&s);
    free(name);
    free(part);
}

/* --- PDF: its reader is a child that is not to be trusted ---------------- */

static char dir[64];

static int tools_setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/sorites-tools-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static void tool_path(char path[128])
{
    snprintf(path, 128, "%s/pdftotext", dir);
}

static int tools_teardown(void **state)
{
    char path[128];

    (void)state;
    tool_path(path);
    unlink(path);
    return rmdir(dir);
}

static void as_pdftotext(const char *script)
{
    char path[128];
    FILE *f;

    tool_path(path);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\nPATH=/usr/bin:/bin\n%s\n", script);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

/* says: "" where only a sentence is wanted; NULL: it is read. */
static const struct { const char *script, *says; } readers[] = {
    { "yes text without an end", "more than 64 MiB" },
    { "exec cat /dev/zero", "more than 64 MiB" },
    { "kill -SEGV $$", "signal 11" },
    { "exit 1", "damaged, or locked" },
    { "exit 3", "does not allow" },
    { "echo half; exit 1", "" },
    { "echo secret > \"$0.leak\" && echo written", NULL },
    { "x=$(head -c 3000000000 /dev/zero | tr '\\0' x); echo ${#x}", "" },
    { "printf 'a\\0b\\377\\033[2J\\342\\200\\256c'", NULL },
    { "ls /proc/self/fd | wc -l | tr '\\n' ' '; echo fds", NULL },
};

static void readers_that_misbehave(void **state)
{
    char *was = strdup(getenv("PATH")), leak[160];

    (void)state;
    assert_non_null(was);
    setenv("PATH", dir, 1);
    snprintf(leak, sizeof leak, "%s/pdftotext.leak", dir);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        uint64_t from = clock_mono_ns();
        struct sor_msg msg = { "" };

        as_pdftotext(readers[i].script);
        int ok = reads("%PDF-1.4\n", 9, &msg);
        if (readers[i].says && (ok || !strstr(msg.text, readers[i].says)))
            fail_msg("%s: \"%s\"", readers[i].script, msg.text);
        assert_true(slow() || seconds_since(from) < 90);
        if (access(leak, F_OK) == 0) {          /* made, but nothing in it */
            struct stat st;

            assert_int_equal(stat(leak, &st), 0);
            assert_int_equal(st.st_size, 0);
            unlink(leak);
        }
    }
    setenv("PATH", was, 1);
    free(was);
}

/* --- texts made to be slow ----------------------------------------------- */

static void again(struct str *s, const char *text, int n)
{
    for (int i = 0; i < n; i++)
        str_puts(s, text);
}

static void brackets(struct str *s) { again(s, "(", 1 << 20); }
static void quotes(struct str *s) { again(s, "\"", 1 << 20); }
static void numbers(struct str *s) { again(s, "1.", 1 << 19); }
static void hashes(struct str *s) { again(s, "# x\n\n", 1 << 17); }
static void blanks(struct str *s) { again(s, " \t\n\f", 1 << 18); }
static void marks(struct str *s) { again(s, "e\xcc\x81\xcc\x81", 1 << 18); }
static void bidi(struct str *s) { again(s, "\xe2\x80\xae" "a ", 1 << 18); }
static void nulls(struct str *s) { for (int i = 0; i < 4096; i++)
    str_putc(s, '\0'); }
static void one_word(struct str *s) { again(s, "a", 1 << 20); }
static void defined(struct str *s) { again(s, "\"Fee\" means the Fee. ",
    1 << 15); }
static void clause_list(struct str *s) { for (int i = 1; i < 20000; i++)
    str_printf(s, "%d. See Section %d.\n\n", i, i + 1); }
static void deeper(struct str *s)
{
    for (int i = 1; i < 400; i++) {
        for (int k = 0; k < i; k++)
            str_puts(s, "1.");
        str_puts(s, " x\n");
    }
}

static const struct { const char *name; void (*make)(struct str *s); }
texts[] = {
    { "brackets", brackets }, { "quotes", quotes }, { "numbers", numbers },
    { "headings", hashes }, { "blanks", blanks }, { "marks", marks },
    { "bidi", bidi }, { "NUL", nulls }, { "one word", one_word },
    { "definitions", defined }, { "clauses", clause_list },
    { "deeper and deeper", deeper },
};

static void texts_made_to_be_slow(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sor_msg msg = { "" };
        clock_t from;           /* processor time: others may be busy too */
        struct str s;

        str_init(&s);
        texts[i].make(&s);
        from = clock();
        int ok = reads(s.p, s.len, &msg);
        double took = (double)(clock() - from) / CLOCKS_PER_SEC;
        print_message("%-18s %7zu bytes %5.2f s %s\n", texts[i].name, s.len,
                      took, ok ? "" : msg.text);
        assert_true(slow() || took < 10);
        str_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_a_docx),
        cmocka_unit_test(every_byte_of_its_parts),
        cmocka_unit_test(an_endless_list_of_names),
        cmocka_unit_test_setup_teardown(readers_that_misbehave, tools_setup,
                                        tools_teardown),
        cmocka_unit_test(texts_made_to_be_slow),
    };

    return cmocka_run_group_tests_name("hostile_document", tests, NULL, NULL);
}
