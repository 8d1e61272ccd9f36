/* Operands FILE|-: lines, limits, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/input.h"

static char path[] = "/tmp/sorites-input-XXXXXX";

static void write_file(const void *bytes, size_t n)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void lines_come_one_by_one(void **state)
{
    static const char text[] = "one\n\n  \t\r\nt\0wo\nlast";
    enum sor_err err = SOR_OK;
    struct input in;

    (void)state;
    write_file(text, sizeof text - 1);
    assert_int_equal(input_open(&in, path, NULL), SOR_OK);
    assert_int_equal(input_next(&in, &err, NULL), 1);
    assert_string_equal(in.text.p, "one");
    assert_int_equal(in.line, 1);
    assert_non_null(strstr(in.where, ":1"));
    assert_int_equal(input_next(&in, &err, NULL), 1);
    assert_int_equal(in.text.len, 4);
    assert_memory_equal(in.text.p, "t\0wo", 4);
    assert_int_equal(in.line, 4);               /* blank ones are counted */
    assert_int_equal(input_next(&in, &err, NULL), 1);
    assert_string_equal(in.text.p, "last");
    assert_int_equal(input_next(&in, &err, NULL), 0);
    assert_int_equal(err, SOR_OK);
    input_close(&in);
    input_close(&in);
}

static void long_lines_survive_their_pieces(void **state)
{
    enum { N = 3 * 4096 };
    char *text = malloc(N + 2);
    enum sor_err err = SOR_OK;
    struct input in;

    (void)state;
    assert_non_null(text);
    for (int n = N - 1; n <= N + 1; n++) {
        memset(text, 'x', (size_t)n);
        text[n - 1] = '\n';
        write_file(text, (size_t)n);
        assert_int_equal(input_open(&in, path, NULL), SOR_OK);
        assert_int_equal(input_next(&in, &err, NULL), 1);
        assert_int_equal(in.text.len, n - 1);
        assert_int_equal(input_next(&in, &err, NULL), 0);
        input_close(&in);
    }
    free(text);
}

/* A line of `n` bytes between two records. */
static void write_long(const char *begin, size_t n)
{
    char *text = malloc(n);
    FILE *f = fopen(path, "w");

    assert_non_null(text);
    assert_non_null(f);
    memset(text, 'x', n);
    memcpy(text, begin, strlen(begin));
    fputs("{\"a\":1}\n", f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fputs("\n{\"b\":2}\n", f);
    fclose(f);
    free(text);
}

/* It is refused once, and what comes after it is read. */
static void a_line_over_the_limit_is_refused_once(void **state)
{
    static const struct { const char *begin; size_t over; } lines[] = {
        { "{", 1 }, { "{", 5000 }, { "", 1 }, { "{\n\"k\":[\n", 9000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        enum sor_err err = SOR_OK;
        struct sor_msg msg;
        struct input in;

        write_long(lines[i].begin, INPUT_LINE_MAX + lines[i].over);
        assert_int_equal(input_open(&in, path, NULL), SOR_OK);
        assert_int_equal(input_record(&in, &err, &msg), 1);
        assert_int_equal(input_record(&in, &err, &msg), -1);
        assert_int_equal(err, SOR_LIMIT);
        assert_non_null(strstr(msg.text, "over the limit"));
        assert_int_equal(input_record(&in, &err, &msg), 1);
        assert_string_equal(in.text.p, "{\"b\":2}");
        assert_int_equal(input_record(&in, &err, &msg), 0);
        input_close(&in);
    }
}

static void a_text_over_its_limit_is_refused(void **state)
{
    struct sor_msg msg;
    struct str out;

    (void)state;
    write_file("12345", 5);
    str_init(&out);
    assert_int_equal(input_slurp(path, 5, &out, NULL), SOR_OK);
    assert_string_equal(out.p, "12345");
    assert_int_equal(input_slurp(path, 4, &out, &msg), SOR_LIMIT);
    assert_non_null(strstr(msg.text, "limit of 4 bytes"));
    str_release(&out);
}

static void what_is_no_file_is_refused_at_once(void **state)
{
    struct sor_msg msg;
    struct input in;

    (void)state;
    assert_int_equal(input_open(&in, "/tmp", &msg), SOR_IO);
    assert_string_equal(msg.text, "/tmp: is a directory");
    input_close(&in);
    assert_int_equal(input_open(&in, "/no/such", &msg), SOR_IO);
    assert_non_null(strstr(msg.text, "/no/such: "));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(5);                           /* a hang is a failure */
    assert_int_equal(input_open(&in, path, &msg), SOR_IO);
    alarm(0);
    unlink(path);
}

/* Values spread over lines, brackets in strings, a value cut off, and lines of
 * one value each. */
static void records_end_where_their_brackets_close(void **state)
{
    static const char text[] =
        "{\n  \"a\": [1,\n2],\n\n  \"b\": \"{\\\"[\"\n}\n"
        "{\"c\": 1}\n"
        "{\"cut\": [\n"
        "{\"d\": {}}\n"
        "[\n 1\n]\n"
        "7\n"
        "{\"open\":\n";
    static const struct { const char *text; long line; } want[] = {
        { "{\n  \"a\": [1,\n2],\n\n  \"b\": \"{\\\"[\"\n}", 1 },
        { "{\"c\": 1}", 7 }, { "{\"cut\": [", 8 }, { "{\"d\": {}}", 9 },
        { "[\n 1\n]", 10 }, { "7", 13 }, { "{\"open\":", 14 },
    };
    enum sor_err err = SOR_OK;
    struct input in;
    char where[160];

    (void)state;
    write_file(text, sizeof text - 1);
    assert_int_equal(input_open(&in, path, NULL), SOR_OK);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_int_equal(input_record(&in, &err, NULL), 1);
        assert_string_equal(in.text.p, want[i].text);
        snprintf(where, sizeof where, "%s:%ld", path, want[i].line);
        assert_string_equal(in.where, where);
    }
    assert_int_equal(input_record(&in, &err, NULL), 0);
    assert_int_equal(err, SOR_OK);
    input_close(&in);
}

static void lack_of_memory_is_reported(void **state)
{
    enum sor_err err = SOR_OK;
    struct sor_msg msg;
    struct input in;

    (void)state;
    write_file("abc\n", 4);
    assert_int_equal(input_open(&in, path, NULL), SOR_OK);
    mem_fail_at(1);
    assert_int_equal(input_next(&in, &err, &msg), -1);
    mem_fail_at(0);
    assert_int_equal(err, SOR_NOMEM);
    input_close(&in);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_one_by_one),
        cmocka_unit_test(long_lines_survive_their_pieces),
        cmocka_unit_test(a_line_over_the_limit_is_refused_once),
        cmocka_unit_test(a_text_over_its_limit_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused_at_once),
        cmocka_unit_test(records_end_where_their_brackets_close),
        cmocka_unit_test(lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests_name("cli_input", tests, make_file,
                                       remove_file);
}
