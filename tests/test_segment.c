/* trace/segment.c and trace/role.c: where text is cut, and what a cut is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "trace/segment.h"

/* The segments of text, with a bar between them. */
static void cut(const char *text, struct str *out)
{
    struct segment *seg;
    int n;

    assert_int_equal(segment_text(text, strlen(text), &seg, &n, NULL), SOR_OK);
    str_clear(out);
    for (int i = 0; i < n; i++) {
        if (i)
            str_putc(out, '|');
        str_put(out, text + seg[i].from, seg[i].to - seg[i].from);
    }
    mem_free(seg);
}

static const struct { const char *text, *want; } cuts[] = {
    { "", "" },
    { " \n\t ", "" },
    { "---\n***\n", "" },
    { "One. Two! Three? Four", "One.|Two!|Three?|Four" },
    /* abbreviations, titles, initials */
    { "Use e.g. This one, i.e. That.", "Use e.g. This one, i.e. That." },
    { "Dr. Smith met Mr. J. K. Rowling. They talked.",
      "Dr. Smith met Mr. J. K. Rowling.|They talked." },
    { "George W. Bush ran. He won.", "George W. Bush ran.|He won." },
    { "Smith vs. Jones. Apples etc. The end.",
      "Smith vs. Jones.|Apples etc.|The end." },
    { "Acme Inc. Reports a loss. Acme Ltd. It lost.",
      "Acme Inc. Reports a loss.|Acme Ltd.|It lost." },
    { "At 5 p.m. The U.S. Government fell. In the U.S. We won.",
      "At 5 p.m.|The U.S. Government fell.|In the U.S.|We won." },
    /* a letter that is an option, not an initial */
    { "So the answer is D. Patients die.",
      "So the answer is D.|Patients die." },
    { "Take Option B. Patients live.", "Take Option B.|Patients live." },
    /* numbers */
    { "It is 3.14 long. Pay $1,000.50. Now.",
      "It is 3.14 long.|Pay $1,000.50.|Now." },
    { "See Sec. 4.2(a)(iv) and No. 5. Then Art. IV. No. I refuse.",
      "See Sec. 4.2(a)(iv) and No. 5.|Then Art. IV.|No.|I refuse." },
    { "The total is 16.5. Since then it fell.",
      "The total is 16.5.|Since then it fell." },
    /* ellipses, quotes, brackets */
    { "Hmm... I think so. Wait... Maybe not.",
      "Hmm... I think so.|Wait...|Maybe not." },
    { "He said \"Stop.\" Then he left.", "He said \"Stop.\"|Then he left." },
    { "Done (see this. And that.) Okay.", "Done (see this. And that.)|Okay." },
    { "An open ( bracket. Does not hold for ever.",
      "An open ( bracket. Does not hold for ever." },
    { "Is it? yes it is.", "Is it? yes it is." },
    { "**Bold.** Next.", "**Bold.**|Next." },
    { "We get \\(x = 5.\\) Then more.", "We get \\(x = 5.\\)|Then more." },
    /* places on a network */
    { "See www.foo.com/a.b?c=d now. Or https://x.org. Thanks.",
      "See www.foo.com/a.b?c=d now.|Or https://x.org.|Thanks." },
    /* lines, lists, headings */
    { "One line wraps\nonto another. Next\nLine",
      "One line wraps\nonto another.|Next|Line" },
    { "1. First do this. Then that.\n2. Second\n",
      "1. First do this.|Then that.|2. Second" },
    { "- a b\n* c d\n\xE2\x80\xA2 e f\na) g h\n(iv) i j\nStep 3: k",
      "- a b|* c d|\xE2\x80\xA2 e f|a) g h|(iv) i j|Step 3: k" },
    { "# Plan of work. And so on\nText.", "# Plan of work. And so on|Text." },
    { "**A heading. Of sorts**:\nText.", "**A heading. Of sorts**:|Text." },
    { "So.\n#### 42", "So.|#### 42" },
    /* kept whole */
    { "Code:\n```c\na. B;\n\nC. D\n```\nEnd.",
      "Code:|```c\na. B;\n\nC. D\n```|End." },
    { "```\nnever. Closed", "```\nnever. Closed" },
    { "Thus\n\\[\nx = 3.\nY = 4\n\\]\nDone.",
      "Thus|\\[\nx = 3.\nY = 4\n\\]|Done." },
    { "\\[ never\n\nclosed. Really.", "\\[ never|closed.|Really." },
    /* think tags are nobody's text */
    { "<think>\nA. word here. B it.</think>\n\nC it.",
      "A. word here.|B it.|C it." },
    /* scripts without spaces */
    { "\xE5\xA5\xBD\xE3\x80\x82\xE5\x90\x97\xEF\xBC\x9F\xE5\xA5\xBD",
      "\xE5\xA5\xBD\xE3\x80\x82|\xE5\x90\x97\xEF\xBC\x9F|\xE5\xA5\xBD" },
};

static void test_cuts(void **state)
{
    struct str got;

    (void)state;
    str_init(&got);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        cut(cuts[i].text, &got);
        assert_string_equal(got.p, cuts[i].want);
    }
    str_release(&got);
}

static void test_roles(void **state)
{
    static const struct { const char *text; enum step_role role; } table[] = {
        { "Paris is a city.", STEP_STATE },
        { "First, I will list the facts.", STEP_PLAN },
        { "Let's start with the tax.", STEP_PLAN },
        { "So he runs 9*60 = 540 meters.", STEP_COMPUTE },
        { "x = 5", STEP_COMPUTE },
        { "So the tax is due.", STEP_INFER },
        { "The clause is void, therefore nothing is owed.", STEP_INFER },
        { "Somewhere it rains.", STEP_STATE },      /* not "So" */
        { "Let me check the sum.", STEP_CHECK },
        { "I will double-check it.", STEP_CHECK },
        { "Wait, that's zero?", STEP_BACKTRACK },
        { "2. **Actually**, no.", STEP_BACKTRACK },
        { "Waiting is dull.", STEP_STATE },
        { "That can\xE2\x80\x99t be right.", STEP_BACKTRACK },
        { "The answer is 42.", STEP_CONCLUDE },
        { "\\boxed{42}", STEP_CONCLUDE },
        { "#### 42", STEP_CONCLUDE },
        { "**Final Answer**", STEP_CONCLUDE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct segment *seg;
        int n;

        assert_int_equal(segment_text(table[i].text, strlen(table[i].text),
                                      &seg, &n, NULL), SOR_OK);
        assert_int_equal(n, 1);
        assert_string_equal(step_role_name(seg[0].role),
                            step_role_name(table[i].role));
        mem_free(seg);
    }
    assert_string_equal(step_role_name(STEP_BACKTRACK), "backtrack");
}

static void test_think_and_lists(void **state)
{
    static const char text[] =
        "<think>\nOne.\n\n1. Two. Three.\n- four\n</think>\nFive.\n(2) Six.";
    static const struct { int think, no; } want[] = {
        { 1, -1 }, { 1, 1 }, { 1, 1 }, { 1, -1 }, { 0, -1 }, { 0, 2 },
    };
    /* The template may have opened the block: only the close is there. */
    static const char closed[] = "One.</think>Two.";
    struct segment *seg;
    int n;

    (void)state;
    assert_int_equal(segment_text(text, sizeof text - 1, &seg, &n, NULL),
                     SOR_OK);
    assert_int_equal(n, 6);
    for (int i = 0; i < n; i++) {
        assert_int_equal(seg[i].in_think, want[i].think);
        assert_int_equal(seg[i].list_no, want[i].no);
    }
    mem_free(seg);
    assert_int_equal(segment_text(closed, sizeof closed - 1, &seg, &n, NULL),
                     SOR_OK);
    assert_int_equal(n, 2);
    assert_true(seg[0].in_think && !seg[1].in_think);
    mem_free(seg);
}

/* Segments lie in order inside the text and never overlap, whatever the
 * bytes. */
static void check_any(const char *text, size_t n)
{
    struct segment *seg;
    size_t at = 0;
    int n_seg;

    assert_int_equal(segment_text(text, n, &seg, &n_seg, NULL), SOR_OK);
    for (int i = 0; i < n_seg; i++) {
        assert_true(seg[i].from >= at && seg[i].from < seg[i].to);
        at = seg[i].to;
    }
    assert_true(at <= n);
    mem_free(seg);
}

static void test_any_bytes(void **state)
{
    static const char alphabet[] =
        ".!? \n\"')(][{}\\$`*#-1aA\0\xE2\x80\xA6\xFF</think>\xC3";
    char text[512];
    uint32_t rnd = 1;

    (void)state;
    for (int round = 0; round < 5000; round++) {
        size_t n = (size_t)round % sizeof text;

        for (size_t i = 0; i < n; i++) {
            rnd = rnd * 1664525u + 1013904223u;
            text[i] = alphabet[(rnd >> 16) % (sizeof alphabet - 1)];
        }
        check_any(text, n);
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Nanoseconds of this process for n bytes of `unit` over and over: the least
 * of three, as a busy machine only ever adds. */
static uint64_t time_of(char *text, size_t n, const char *unit)
{
    size_t len = strlen(unit);
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < n; i++)
        text[i] = unit[i % len];
    for (int i = 0; i < 3; i++) {
        uint64_t t0 = cpu_ns(), took;

        check_any(text, n);
        took = cpu_ns() - t0;
        least = took < least ? took : least;
    }
    return least;
}

/* Sixteen times as much of whatever repeats worst takes some sixteen times as
 * long; quadratic would be 256.  The bound lies between. */
static void test_linear(void **state)
{
    static const char *const unit[] = {
        "a. ", "(", "\\[\n", "$$\nx\n", "```\n", "<think>", "A. ", "\n", "...",
        "It is so. ", "x", "**", "1. ", "No. ", "a\n", "=", "[THINK",
    };
    enum { N = 1 << 20, SHARE = 16, MOST = 64 };
    char *text = mem_alloc(N);

    (void)state;
    assert_non_null(text);
    for (size_t k = 0; k < sizeof unit / sizeof *unit; k++) {
        uint64_t part = time_of(text, N / SHARE, unit[k]);
        uint64_t all = time_of(text, N, unit[k]);

        if (all > MOST * part)
            fail_msg("unit %zu: %.1f ms for a part, %.1f for all", k,
                     1e-6 * (double)part, 1e-6 * (double)all);
    }
    mem_free(text);
}

static void test_no_memory(void **state)
{
    struct segment *seg = NULL;
    struct sor_msg msg;
    int n = -1;

    (void)state;
    mem_fail_at(1);
    assert_int_equal(segment_text("One. Two.", 9, &seg, &n, &msg), SOR_NOMEM);
    mem_fail_at(0);
    assert_null(seg);
    assert_int_equal(n, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_think_and_lists),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
