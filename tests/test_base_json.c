/* JSON in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static enum sor_err parse(const char *text, struct sor_msg *msg)
{
    cJSON *tree = NULL;
    enum sor_err err = json_parse(text, strlen(text), "t", &tree, msg);

    assert_int_equal(err == SOR_OK, tree != NULL);
    cJSON_Delete(tree);
    return err;
}

static void good_text_becomes_a_tree(void **state)
{
    const char *text = " {\"a\":[1,2.5,\"\xC3\xA9\"],\"b\":null}\n";
    cJSON *tree = NULL;

    (void)state;
    assert_int_equal(json_parse(text, strlen(text), "t", &tree, NULL), SOR_OK);
    cJSON *a = cJSON_GetObjectItemCaseSensitive(tree, "a");
    assert_int_equal(cJSON_GetArraySize(a), 3);
    assert_string_equal(cJSON_GetArrayItem(a, 2)->valuestring, "\xC3\xA9");
    cJSON_Delete(tree);
}

static void bad_text_is_located(void **state)
{
    struct sor_msg msg;

    (void)state;
    assert_int_equal(parse("{\"a\":\n  x}", &msg), SOR_FORMAT);
    assert_string_equal(msg.text,
                        "t: JSON line 2, column 3: not JSON from here on");
    assert_int_equal(parse("[1,2", &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "ends too early"));
    assert_int_equal(parse("", &msg), SOR_FORMAT);
    assert_int_equal(parse("{} {}", &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "column 4: text after the value"));
    assert_int_equal(parse("{\"a\":1} \t\r\n", &msg), SOR_OK);
}

static void nul_is_refused_in_both_spellings(void **state)
{
    struct sor_msg msg;
    cJSON *tree = NULL;

    (void)state;
    assert_int_equal(json_parse("[1\0]", 4, "t", &tree, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "column 3: a NUL byte"));
    assert_int_equal(parse("[\"a\\u0000b\"]", &msg), SOR_FORMAT);
    assert_int_equal(parse("[\"a\\\\u0000b\"]", &msg), SOR_OK);
    assert_null(tree);
}

static void nul_in_a_string_survives_where_asked_for(void **state)
{
    const char *text = "[\"\\u0000a\\u0000\\u0000\", \"\\\\u0000\"]";
    cJSON *tree = NULL;
    struct str s;

    (void)state;
    str_init(&s);
    assert_int_equal(json_parse_nul(text, strlen(text), "t", &tree, NULL),
                     SOR_OK);
    json_text(cJSON_GetArrayItem(tree, 0), &s);
    assert_int_equal(s.len, 4);
    assert_memory_equal(s.p, "\0a\0\0", 5);
    str_clear(&s);
    json_text(cJSON_GetArrayItem(tree, 1), &s);
    assert_string_equal(s.p, "\\u0000");      /* a backslash, no escape */
    str_release(&s);
    cJSON_Delete(tree);
    assert_int_equal(json_parse_nul("[1\0]", 4, "t", &tree, NULL), SOR_FORMAT);
}

static void an_id_is_echoed_as_it_came(void **state)
{
    const char *text = "[\"a\",-7,0.5,true,null,{\"x\":1}]";
    cJSON *tree = NULL;
    struct json j;
    struct str s;

    (void)state;
    str_init(&s);
    json_init(&j, &s);
    assert_int_equal(json_parse(text, strlen(text), "t", &tree, NULL), SOR_OK);
    json_arr(&j);
    for (int i = 0; i < 7; i++)         /* the last one is not there */
        json_echo(&j, cJSON_GetArrayItem(tree, i));
    json_end_arr(&j);
    assert_string_equal(s.p, "[\"a\",-7,0.5,true,null,null,null]");
    str_release(&s);
    cJSON_Delete(tree);
}

static void nesting_has_a_limit(void **state)
{
    char text[2 * 65 + 1];

    (void)state;
    for (int depth = 64; depth <= 65; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = '\0';
        assert_int_equal(parse(text, NULL),
                         depth <= JSON_MAX_DEPTH ? SOR_OK : SOR_FORMAT);
    }
    /* brackets in strings do not nest */
    memset(text, '[', sizeof text - 1);
    text[0] = text[sizeof text - 2] = '"';
    assert_int_equal(parse(text, NULL), SOR_OK);
}

static void lack_of_memory_is_no_syntax_error(void **state)
{
    int failures = 0;

    (void)state;
    assert_int_equal(parse("[1]", NULL), SOR_OK);       /* the hooks are set */
    for (uint64_t n = 1; n < 100; n++) {
        mem_fail_at(n);
        enum sor_err err = parse("{\"key\":[1,\"two\",{\"x\":3}]}", NULL);
        mem_fail_at(0);
        if (err == SOR_OK)
            break;
        assert_int_equal(err, SOR_NOMEM);
        failures++;
    }
    assert_in_range(failures, 5, 98);
}

static void writer_places_commas(void **state)
{
    struct str out;
    struct json j;

    (void)state;
    str_init(&out);
    json_init(&j, &out);
    json_obj(&j);
    json_key(&j, "a");
    json_arr(&j);
    json_int(&j, INT64_MIN);
    json_num(&j, 0.1);
    json_num(&j, (double)NAN);
    json_num(&j, -(double)INFINITY);
    json_arr(&j);
    json_end_arr(&j);
    json_end_arr(&j);
    json_key(&j, "b");
    json_bool(&j, 2);
    json_key(&j, "c");
    json_obj(&j);
    json_end_obj(&j);
    json_key(&j, "d");
    json_str(&j, NULL);
    json_end_obj(&j);
    assert_string_equal(out.p, "{\"a\":[-9223372036854775808,0.1,null,null,[]],"
                        "\"b\":true,\"c\":{},\"d\":null}");
    str_release(&out);
}

static void strings_are_escaped_and_come_back(void **state)
{
    static const char raw[] = "q\"b\\n\nt\t\033\x7F \xC3\xA9\xE2\x80\xAE"
                              "\xF3\xA0\x81\x81\xFF";
    struct str out;
    struct json j;
    cJSON *tree = NULL;

    (void)state;
    str_init(&out);
    json_init(&j, &out);
    json_strn(&j, raw, sizeof raw - 1);
    assert_string_equal(out.p, "\"q\\\"b\\\\n\\nt\\t\\u001b\\u007f \xC3\xA9"
                        "\\u202e\\udb40\\udc41\xEF\xBF\xBD\"");
    assert_int_equal(json_parse(out.p, out.len, "t", &tree, NULL), SOR_OK);
    assert_memory_equal(tree->valuestring, raw, sizeof raw - 2);
    cJSON_Delete(tree);
    str_release(&out);
}

static void floats_survive_nine_digits(void **state)
{
    static const float values[] = { 0.1f, 1e-38f, 3.4028235e38f, -7.25f,
                                    1.0f / 3, 16777217.0f };
    struct str out;
    struct json j;

    (void)state;
    str_init(&out);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        cJSON *tree = NULL;

        str_clear(&out);
        json_init(&j, &out);
        json_num(&j, (double)values[i]);
        assert_int_equal(json_parse(out.p, out.len, "t", &tree, NULL), SOR_OK);
        float back = (float)tree->valuedouble;
        assert_memory_equal(&back, &values[i], sizeof back);
        cJSON_Delete(tree);
    }
    str_release(&out);
}

static void a_line_names_its_column(void **state)
{
    struct sor_msg msg;
    cJSON *tree = NULL;

    (void)state;
    assert_int_equal(json_parse_line("{\"a\":x}", 7, "f:9", &tree, &msg),
                     SOR_FORMAT);
    assert_string_equal(msg.text, "f:9:6: not JSON from here on");
    assert_int_equal(json_parse_line("[\"a\\u0000b\"]", 12, "f:9", &tree,
                                     &msg), SOR_OK);
    assert_string_equal(cJSON_GetArrayItem(tree, 0)->valuestring,
                        "a\xC0\x80" "b");
    cJSON_Delete(tree);
}

static void a_key_that_stands_twice_is_found(void **state)
{
    static const struct { const char *text; int found; } list[] = {
        { "{\"a\":{\"b\":1},\"b\":[{\"a\":1}]}", 0 }, { "[1,[]]", 0 },
        { "{\"c\":1,\"a\":1,\"c\":2}", 1 }, { "[[{\"c\":1,\"c\":1}],2]", 1 },
    };
    const char *key = NULL;
    struct sor_msg msg;
    cJSON *tree;

    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        assert_int_equal(json_parse(list[i].text, strlen(list[i].text), "t",
                                    &tree, &msg), SOR_OK);
        assert_int_equal(json_twice(tree, &key), list[i].found);
        if (list[i].found)
            assert_string_equal(key, "c");
        cJSON_Delete(tree);
    }
}

static void reals_come_back_to_the_bit(void **state)
{
    struct str out;
    struct json j;

    (void)state;
    str_init(&out);
    json_init(&j, &out);
    json_arr(&j);
    json_real(&j, 0.1), json_real(&j, 1e300 * 1e10);
    json_end_arr(&j);
    assert_string_equal(out.p, "[0.10000000000000001,null]");
    str_release(&out);
}

/* A number's digits, not its value; what cannot be found falls back on that. */
static void a_member_comes_back_as_it_was(void **state)
{
    static const struct { const char *text, *want; } cases[] = {
        { "{\"id\":9007199254740993}", "9007199254740993" },
        { "{\"a\":{\"id\":1},\"b\":[\"id\"],\"id\" : -1.0E+2 }", "-1.0E+2" },
        { "{\"\\\"id\":3,\"id\":0.10}", "0.10" },
        { "{\"\\u0069d\":7}", "7" },
        { "{\"id\":007}", "7" },
        { "{\"id\":\"x\"}", "\"x\"" },
        { "{\"id\":[1]}", "null" },
        { "{}", "null" },
        { "[{\"id\":1}]", "null" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_source from = { cases[i].text, strlen(cases[i].text),
                                    NULL };
        struct str out;
        struct json j;
        cJSON *tree;

        assert_int_equal(json_parse_nul(from.text, from.n, "t", &tree, NULL),
                         SOR_OK);
        from.tree = tree;
        str_init(&out);
        json_init(&j, &out);
        json_echo_member(&j, &from, "id");
        assert_string_equal(out.p, cases[i].want);
        str_release(&out);
        cJSON_Delete(tree);
    }
}

static void members_in_one_call(void **state)
{
    struct str out;
    struct json j;

    (void)state;
    str_init(&out);
    json_init(&j, &out);
    json_obj(&j);
    json_put_str(&j, "s", "a\"b");
    json_put_int(&j, "i", INT64_MIN);
    json_put_num(&j, "n", 0.5);
    json_put_bool(&j, "b", 1);
    json_end_obj(&j);
    assert_string_equal(out.p, "{\"s\":\"a\\\"b\","
                        "\"i\":-9223372036854775808,\"n\":0.5,\"b\":true}");
    str_release(&out);
}

static void with_nul_it_must_be_utf8(void **state)
{
    cJSON *root = NULL;
    struct sor_msg msg = { "" };

    (void)state;
    assert_int_equal(json_parse_nul("\"a\xff\"", 4, "f", &root, &msg),
                     SOR_FORMAT);
    assert_string_equal(msg.text, "f: not UTF-8");
    assert_null(root);
}

/* A copy that was refused memory is told apart from one of nothing. */
static void a_refused_copy_is_counted(void **state)
{
    cJSON *root = NULL, *copy;
    long n = json_n_refused();

    (void)state;
    assert_int_equal(json_parse("[1,\"two\"]", 9, "f", &root, NULL), SOR_OK);
    mem_fail_at(2);
    copy = cJSON_Duplicate(root, 1);
    mem_fail_at(0);
    assert_null(copy);
    assert_int_equal(json_n_refused(), n + 1);
    cJSON_Delete(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_comes_back_as_it_was),
        cmocka_unit_test(a_line_names_its_column),
        cmocka_unit_test(a_key_that_stands_twice_is_found),
        cmocka_unit_test(reals_come_back_to_the_bit),
        cmocka_unit_test(good_text_becomes_a_tree),
        cmocka_unit_test(bad_text_is_located),
        cmocka_unit_test(nul_is_refused_in_both_spellings),
        cmocka_unit_test(nul_in_a_string_survives_where_asked_for),
        cmocka_unit_test(an_id_is_echoed_as_it_came),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(lack_of_memory_is_no_syntax_error),
        cmocka_unit_test(writer_places_commas),
        cmocka_unit_test(strings_are_escaped_and_come_back),
        cmocka_unit_test(floats_survive_nine_digits),
        cmocka_unit_test(members_in_one_call),
        cmocka_unit_test(with_nul_it_must_be_utf8),
        cmocka_unit_test(a_refused_copy_is_counted),
    };
    return cmocka_run_group_tests_name("base_json", tests, NULL, NULL);
}
