/* trace/answer.c and trace/number.c: what counts as the same answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/slow.h"
#include "trace/number.h"
#include "trace/segment.h"

static void test_numbers(void **state)
{
    /* All numbers of a text, with spaces between. */
    static const struct { const char *text, *want; } table[] = {
        { "$1,200.00 and \\$1{,}200", "1200 1200" },
        { "-5 and -$3.50 but 15-20", "-5 -3.5 15 20" },
        { "3/4 1/3 \\frac{14}{3} -\\dfrac{2}{8}", "0.75 1/3 14/3 -0.25" },
        { "H2O x1 a 120-page book", "120" },
        { "50% 90^\\circ 5\xC2\xB0", "50 90 5" },
        { "12,34 1,234,567 1234,567", "12 34 1234567 1234 567" },
        { "0.50 007 -0 .5 2.", "0.5 7 0 0.5 2" },
        { "<<3*3=9>>9 times", "3 3 9 9" },
        { "1/0", "1 0" },
        { "\xE2\x88\x92" "7", "-7" },
        { "", "" },
        { "123456789012345678901234567890123456789012345678901234567890", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *s = table[i].text;
        char got[256] = "";
        struct number x;

        for (size_t at = 0; number_next(s, strlen(s), at, &x); at = x.to) {
            assert_true(x.from >= at && x.to > x.from && x.to <= strlen(s));
            snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s",
                     *got ? " " : "", x.norm);
        }
        assert_string_equal(got, table[i].want);
    }
}

static void test_normalise(void **state)
{
    static const struct {
        const char *text;
        enum answer_kind kind;
        const char *norm;
    } table[] = {
        { "42", ANSWER_NUMBER, "42" },
        { " $1,234.50. ", ANSWER_NUMBER, "1234.5" },
        { "**$18 per day**", ANSWER_NUMBER, "18" },
        { "x = 5", ANSWER_NUMBER, "5" },
        { "4 + 3 = 7", ANSWER_NUMBER, "7" },
        { "$2 \\times 6.5 = 13$", ANSWER_NUMBER, "13" },
        { "x = 1,000 + 2 = **1,002 dollars**", ANSWER_NUMBER, "1002" },
        { "x = 3 and y = 4", ANSWER_TEXT, "x 3 and y 4" },
        { "x = 3, y = 4", ANSWER_TEXT, "x 3 y 4" },
        { "x <= 5", ANSWER_TEXT, "x 5" },
        { "7 = x", ANSWER_TEXT, "7 x" },
        { "\\boxed{\\frac{3}{4}}", ANSWER_NUMBER, "0.75" },
        { "$\\frac{14}{3}$", ANSWER_NUMBER, "14/3" },
        { "25\\text{ cm}", ANSWER_NUMBER, "25" },
        { "Yes, because it rains", ANSWER_YESNO, "yes" },
        { "FALSE.", ANSWER_YESNO, "no" },
        { "No liability cap", ANSWER_TEXT, "no liability cap" },
        { "(b)", ANSWER_OPTION, "B" },
        { "C) Aspirin", ANSWER_OPTION, "C" },
        { "Option D", ANSWER_OPTION, "D" },
        { "**A**.", ANSWER_OPTION, "A" },
        { "A trip", ANSWER_TEXT, "trip" },
        { "The Eiffel Tower, in Paris!", ANSWER_TEXT, "eiffel tower in paris" },
        { "3, 5, 7", ANSWER_TEXT, "3 5 7" },
        { "11\\sqrt2", ANSWER_TEXT, "11 sqrt2" },
        { "", ANSWER_TEXT, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct answer a;

        answer_normalise(table[i].text, strlen(table[i].text), &a);
        assert_string_equal(a.norm, table[i].norm);
        assert_string_equal(answer_kind_name(a.kind),
                            answer_kind_name(table[i].kind));
    }
}

static void test_find(void **state)
{
    static const struct {
        const char *text;
        int last;
        const char *norm, *stated;      /* norm NULL: states no answer */
    } table[] = {
        { "The answer is 42.", 0, "42", "42" },
        { "So the final answer is **B**.", 0, "B", "B" },
        { "The answer is C (hypertension) because of it.", 0, "C", "C" },
        { "Answer: Paris", 0, "paris", "Paris" },
        { "The answer is 4 + 3 = 7.", 0, "7", "7" },
        { "The answer is 4 + 3 = 7 (seven).", 0, "7", "7" },
        { "\\boxed{4 + 3 = 7}", 0, "7", "7" },
        { "The correct answer is likely yes.", 0, "yes", "yes" },
        { "Hence B is the correct answer.", 0, "B", "B" },
        { "\\boxed{3\\sqrt{13}}", 0, "3 sqrt 13", "3\\sqrt{13}" },
        { "#### 1,200", 0, "1200", "1,200" },
        { "The answer is not B.", 0, NULL, NULL },
        { "I think the answer is unclear.", 0, NULL, NULL },
        { "This answers nothing 5.", 0, NULL, NULL },
        { "She has 5 left.", 0, NULL, NULL },
        { "She has 5 left.", 1, "5", "5" },
        { "So 9 * 2 = $18 a day in 7 weeks.", 1, "18", "$18" },
        { "Most likely **extension (D)**.", 1, "D", "D" },
        { "It is either (A) or (B).", 1, "it is either or b", NULL },
        { "C", 1, "C", "C" },
        { "Because of the war.", 1, "because of war", NULL },
        { "", 1, NULL, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *s = table[i].text;
        struct answer a;
        int found = answer_find(s, strlen(s), table[i].last, &a);

        assert_int_equal(found, table[i].norm != NULL);
        if (found)
            assert_string_equal(a.norm, table[i].norm);
        if (table[i].stated) {
            assert_int_equal(a.to - a.from, strlen(table[i].stated));
            assert_memory_equal(s + a.from, table[i].stated, a.to - a.from);
        }
    }
}

/* The final answer to a question, "" where the text states none. */
static void final_to(struct answer_path p, size_t n, struct answer *a,
                     int *step)
{
    struct segment *seg;

    assert_int_equal(segment_text(p.text, n, &seg, &p.n_seg, NULL), SOR_OK);
    p.seg = seg;
    if (p.question)
        p.n_question = strlen(p.question);
    if (!answer_final(&p, step, a)) {
        a->norm[0] = '\0';
        *step = -1;
    }
    mem_free(seg);
}

static void test_final(void **state)
{
    static const struct {
        const char *question, *text, *norm;
        int step, is_cut;
    } table[] = {
        { NULL, "The answer is 4. That is all.", "4", 0, 0 },
        { NULL, "The answer is 4. Wait. The answer is 5. Good.", "5", 2, 0 },
        { NULL, "<think>So the answer is B.</think>\n\nC", "C", 1, 0 },
        { NULL, "<think>The answer is B. Hm.</think>\nIt is hard to say.",
          "B", 0, 0 },
        { NULL, "Tom has 3. Ann has 4 = 7.", "7", 1, 0 },
        { NULL, "Because of the war.", "because of war", 0, 0 },
        { NULL, "", "", -1, 0 },
        /* text needs a cue, or is all there is */
        { NULL, "She counts her shoes. There are no other shoes.", "", -1, 0 },
        { NULL, "There are so many things that one could say about it.", "",
          -1, 0 },
        { NULL, "How can I help you?", "", -1, 0 },
        { NULL, "We think of it. The answer is a shoe. Good.", "shoe", 1, 0 },
        /* a path that was cut has stated it with a cue, or not at all */
        { NULL, "She has 5", "", -1, 1 },
        { NULL, "42", "", -1, 1 },
        { NULL, "In this case, n", "", -1, 1 },
        { NULL, "No, fire is", "", -1, 1 },
        { NULL, "The answer is 4. So she has", "4", 0, 1 },
        { NULL, "So \\boxed{x^2} and then", "x 2", 0, 1 },
        /* yes or no */
        { "Is fire cold? Answer yes or no.", "No, fire is not cold.", "no", 0,
          0 },
        { "Is fire cold? Answer yes or no.",
          "No, fire is not cold. It burns at 600 degrees.", "no", 0, 0 },
        { "Is fire cold?", "Fire burns. So it does. No, it is not.", "no", 2,
          0 },
        { "How many?", "Yes, let me see. It is 7.", "7", 1, 0 },
        /* the question's own words are no part of the answer */
        { "What is the capital of France?", "The capital of France is Paris.",
          "paris", 0, 0 },
        { "What is the capital of France?", "Paris is the capital of France.",
          "paris", 0, 0 },
        { "What is the capital of France?", "It is Paris.", "paris", 0, 0 },
        { "What is the capital of France?", "Paris", "paris", 0, 0 },
        { "What is the capital of France?",
          "The capital of France is not Rome.",
          "capital of france is not rome", 0, 0 },
        { "What is the capital of France?", "The largest city is Paris.",
          "largest city is paris", 0, 0 },
        { "Tell me of France.", "France is France.", "france is france", 0,
          0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct answer_path p = { .text = table[i].text,
                                 .is_cut = table[i].is_cut,
                                 .question = table[i].question };
        struct answer a;
        int step;

        final_to(p, strlen(p.text), &a, &step);
        assert_string_equal(a.norm, table[i].norm);
        assert_int_equal(step, table[i].step);
        assert_true(step < 0 || a.to <= strlen(table[i].text));
    }
}

/* A norm longer than its room is cut between characters. */
static void test_long_text(void **state)
{
    char text[1000];
    struct answer a;

    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', sizeof text);
        for (size_t i = shift; i + 3 <= sizeof text; i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 3);
        answer_normalise(text, sizeof text - 3, &a);
        size_t n = strlen(a.norm);
        assert_true(n > sizeof a.norm - 4 && n < sizeof a.norm);
        assert_int_equal((n - shift) % 3, 0);
    }
}

static void test_linear(void **state)
{
    static const char *const unit[] = {
        "\\boxed{", "answer is ", "=", "\\text{", "$", "answer: =", "(A)",
        "is the answer ", "1,", "#### ", "*", "1/", "\\frac{1}",
    };
    enum { N = 1 << 20 };
    char *text = mem_alloc(N);

    (void)state;
    assert_non_null(text);
    for (size_t k = 0; k < sizeof unit / sizeof *unit; k++) {
        size_t len = strlen(unit[k]);
        uint64_t t0 = clock_mono_ns();
        struct answer a;

        for (size_t i = 0; i < N; i++)
            text[i] = unit[k][i % len];
        answer_find(text, N, 1, &a);
        answer_normalise(text, N, &a);
        assert_true(slow() || clock_mono_ns() - t0 < 5000000000u);
    }
    mem_free(text);
}

/* --- gold answers -------------------------------------------------------- */

static const char *shared(void)
{
    const char *root = getenv("SORITES_SHARED");

    return root ? root : "../shared";
}

/* Runs every line of a gzipped or plain JSONL file through check(); skips
 * where the file is not there.  Returns the lines read. */
static int each_line(const char *name, int (*check)(const cJSON *), int *n_ok)
{
    char cmd[512], line[65536];
    FILE *f;
    int n = 0;

    snprintf(cmd, sizeof cmd, "%s/%s", shared(), name);
    if (!(f = fopen(cmd, "r"))) {
        print_message("no %s: set SORITES_SHARED\n", cmd);
        skip();
    }
    fclose(f);
    snprintf(cmd, sizeof cmd, "gzip -cdf '%s/%s'", shared(), name);
    assert_non_null(f = popen(cmd, "r"));
    for (*n_ok = 0; fgets(line, sizeof line, f); n++) {
        cJSON *row;

        assert_int_equal(json_parse(line, strlen(line), name, &row, NULL),
                         SOR_OK);
        *n_ok += check(row);
        cJSON_Delete(row);
    }
    assert_int_equal(pclose(f), 0);
    return n;
}

static int check_gold(const cJSON *row)
{
    const char *gold = cJSON_GetStringValue(cJSON_GetObjectItem(row, "answer"));
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(row,
                                                                "solution"));
    struct answer want, whole, last;
    int step;

    assert_true(gold && text);
    answer_normalise(gold, strlen(gold), &want);
    if (!answer_find(text, strlen(text), 1, &whole))
        return 0;
    final_to((struct answer_path){ .text = text }, strlen(text), &last, &step);
    return strcmp(want.norm, whole.norm) == 0 &&
           strcmp(want.norm, last.norm) == 0;
}

static void test_gsm8k(void **state)
{
    static const char *const file[] = { "data/gsm8k/dev.jsonl",
                                        "data/gsm8k/train.jsonl.gz" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int ok, n = each_line(file[i], check_gold, &ok);

        print_message("%s: %d of %d\n", file[i], ok, n);
        assert_true(n > 1000 && ok * 100 >= n * 99);
    }
}

static void test_math(void **state)
{
    int ok, n = each_line("data/math500/dev.jsonl", check_gold, &ok);

    (void)state;
    print_message("math500: %d of %d\n", ok, n);
    assert_true(n >= 400 && ok * 100 >= n * 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_normalise),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_final),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_gsm8k),
        cmocka_unit_test(test_math),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
