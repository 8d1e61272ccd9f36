/* Memory with fault injection, and the strings that live in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static void only_the_nth_allocation_fails(void **state)
{
    (void)state;
    mem_fail_at(2);
    void *a = mem_alloc(1), *b = mem_calloc(1, 1), *c = mem_alloc(1);
    mem_fail_at(0);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    mem_free(a);
    mem_free(c);
}

static void every_allocator_can_fail(void **state)
{
    void *p;

    (void)state;
    for (int k = 0; k < 6; k++) {
        mem_fail_at(1);
        p = k == 0 ? mem_alloc(8) : k == 1 ? mem_calloc(2, 4)
          : k == 2 ? mem_realloc(NULL, 2, 4) : k == 3 ? mem_aligned(64, 8)
          : k == 4 ? (void *)mem_strdup("abc") : (void *)mem_strndup("abc", 2);
        assert_null(p);
    }
    mem_fail_at(0);
}

static void count_includes_the_failed(void **state)
{
    uint64_t before = mem_count();

    (void)state;
    mem_fail_at(1);
    assert_null(mem_alloc(1));
    mem_free(mem_alloc(1));
    assert_int_equal(mem_count() - before, 2);
    mem_free(NULL);
    assert_int_equal(mem_count() - before, 2);
}

static void sizes_that_overflow_are_refused(void **state)
{
    size_t out = 7;

    (void)state;
    assert_null(mem_calloc(SIZE_MAX / 2 + 1, 2));
    assert_null(mem_realloc(NULL, SIZE_MAX / 8, 9));
    assert_int_equal(mem_mul(SIZE_MAX / 2 + 1, 2, &out), -1);
    assert_int_equal(mem_add(SIZE_MAX, 1, &out), -1);
    assert_int_equal(out, 7);
    assert_int_equal(mem_mul(SIZE_MAX / 2, 2, &out), 0);
    assert_int_equal(out, SIZE_MAX - 1);
    assert_int_equal(mem_mul(SIZE_MAX, 0, &out), 0);
    assert_int_equal(out, 0);
    assert_int_equal(mem_add(SIZE_MAX - 1, 1, &out), 0);
    assert_int_equal(out, SIZE_MAX);
}

static void size_zero_is_a_pointer_and_alignment_holds(void **state)
{
    (void)state;
    void *a = mem_alloc(0), *b = mem_calloc(0, 8), *c = mem_realloc(NULL, 0, 0);
    void *d = mem_aligned(64, 0);

    assert_true(a && b && c && d && a != b && b != c);
    assert_int_equal((uintptr_t)d % 64, 0);
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(d);
}

static void copies_end_in_nul(void **state)
{
    char *s = mem_strndup("abcdef", 3), *t = mem_strdup("");

    (void)state;
    assert_string_equal(s, "abc");
    assert_string_equal(t, "");
    mem_free(s);
    mem_free(t);
}

static void *allocate_often(void *ud)
{
    for (int i = 0; i < 1000; i++)
        mem_free(mem_alloc(8));
    return ud;
}

static void counter_is_exact_over_threads(void **state)
{
    pthread_t thread[4];
    uint64_t before = mem_count();

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, allocate_often, NULL),
                         0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(mem_count() - before, 4000);
}

static void string_grows_and_stays_terminated(void **state)
{
    struct str s;

    (void)state;
    str_init(&s);
    assert_string_equal(s.p, "");
    str_put(&s, "", 0);
    assert_int_equal(s.cap, 0);
    for (int i = 0; i < 1000; i++) {
        str_printf(&s, "%d,", i % 10);
        assert_int_equal(s.p[s.len], 0);
    }
    str_putc(&s, 'x');
    str_puts(&s, "yz");
    assert_int_equal(s.len, 2003);
    assert_string_equal(s.p + 1998, "9,xyz");
    assert_true(str_ok(&s));
    str_clear(&s);
    assert_string_equal(s.p, "");
    str_put(&s, "a\0b", 3);
    assert_int_equal(s.len, 3);
    str_release(&s);
    assert_string_equal(s.p, "");
    str_release(&s);
}

static void string_without_memory_keeps_what_it_has(void **state)
{
    struct str s;

    (void)state;
    str_init(&s);
    mem_fail_at(1);
    str_puts(&s, "lost");
    assert_false(str_ok(&s));
    str_puts(&s, "ignored");
    str_printf(&s, "%d", 1);
    assert_string_equal(s.p, "");

    str_clear(&s);              /* a fresh start */
    str_puts(&s, "kept");
    mem_fail_at(1);
    str_printf(&s, "%100d", 1);
    assert_false(str_ok(&s));
    assert_string_equal(s.p, "kept");
    str_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_nth_allocation_fails),
        cmocka_unit_test(every_allocator_can_fail),
        cmocka_unit_test(count_includes_the_failed),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(size_zero_is_a_pointer_and_alignment_holds),
        cmocka_unit_test(copies_end_in_nul),
        cmocka_unit_test(counter_is_exact_over_threads),
        cmocka_unit_test(string_grows_and_stays_terminated),
        cmocka_unit_test(string_without_memory_keeps_what_it_has),
    };
    return cmocka_run_group_tests_name("base_mem", tests, NULL, NULL);
}
