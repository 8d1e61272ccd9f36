/* docs/schema.md says what the schema is: `make docs` writes it anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/schema_doc.h"
#include "tests/dbtest.h"

static struct str page;

static int setup(void **state)
{
    if (dbtest_setup(state) != 0)
        return -1;
    db_writer_close(dbtest_writer());
    str_init(&page);
    struct db *d = dbtest_reader();
    enum sor_err err = schema_doc(d, &page, &t.msg);
    db_close(d);
    return err ? -1 : 0;
}

static int teardown(void **state)
{
    str_release(&page);
    return dbtest_teardown(state);
}

static void the_page_explains(void **state)
{
    (void)state;
    assert_non_null(strstr(page.p, "### v_layer\n\nOne row per token and"));
    assert_non_null(strstr(page.p, "### batch_part\n\nA part covers n_row"));
    assert_non_null(strstr(page.p, "| `digest` | INTEGER or NULL | XXH3-64 of "
                                   "the logits it made |"));
    assert_non_null(strstr(page.p, "| `model_id` | INTEGER or NULL → "
                                   "model.id | NULL: foreign trace |"));
    assert_non_null(strstr(page.p, "| `status` | TEXT | complete, interrupted, "
                                   "incomplete |"));
    /* every view says what it is */
    for (const char *p = page.p; (p = strstr(p, "\n### v_")); p++)
        assert_null(strstr(strchr(p + 1, '\n'), "\n\nColumns") ==
                            strchr(p + 1, '\n') ? p : NULL);
}

static void the_page_in_docs_is_this_one(void **state)
{
    size_t n;

    (void)state;
    if (access("docs/schema.md", R_OK) != 0) {
        print_message("not started in the project's root\n");
        skip();
    }
    uint8_t *kept = dbtest_bytes("docs/schema.md", &n);
    int same = n == page.len && memcmp(kept, page.p, n) == 0;
    mem_free(kept);
    if (!same)
        fail_msg("docs/schema.md is out of date: make docs");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_page_explains),
        TEST(the_page_in_docs_is_this_one),
    };
    return cmocka_run_group_tests_name("schema_doc", tests, NULL, NULL);
}
