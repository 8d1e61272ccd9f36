/* What hangs on one row: pieces of tokens and edges at a step; and what a
 * reader holds while it waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "db/related.h"
#include "tests/dbtest.h"

/* Path `path` of run 0 and one of its steps. */
static struct db_addr find(struct db *d, const char *address)
{
    struct db_addr at;

    OK(db_find(d, address, &at, &t.msg));
    return at;
}

static void pieces_come_by_token_id(void **state)
{
    struct db_piece piece[3];
    struct db_token tok;
    int32_t id[3];

    (void)state;
    dbtest_make(1);
    struct db *d = dbtest_reader();
    struct db_addr at = find(d, "3fa2:0");
    struct db_cur *c = db_tokens(d, at.path_id, (struct db_window){ 1, 1, 0 });
    assert_int_equal(db_token_next(c, &tok), 1);
    id[0] = id[2] = tok.token_id;
    id[1] = 1 << 30;
    OK(db_cur_close(c));
    assert_int_equal(db_pieces(d, 1, id, 3, piece), 0);
    assert_string_equal(piece[0].text, "user");
    assert_int_equal(piece[0].n, 4);
    assert_int_equal(piece[1].n, -1);           /* not stored */
    assert_string_equal(piece[2].text, "user");
    assert_int_equal(db_pieces(d, 99, id, 1, piece), 0);
    assert_int_equal(piece[0].n, -1);           /* of another model */
    db_close(d);
}

static void edges_are_seen_from_either_end(void **state)
{
    struct db_near near[16];

    (void)state;
    dbtest_make(1);
    struct db *d = dbtest_reader();
    struct db_addr at = find(d, "3fa2:3:1");
    int n = db_near(d, "step", at.step_id, near, 16), in = 0, notes = 0;
    for (int i = 0; i < n; i++) {
        if (i)
            assert_true(near[i - 1].weight >= near[i].weight);
        assert_int_equal(near[i].path, 3);
        assert_int_equal(near[i].path_id, at.path_id);
        assert_string_equal(near[i].other_kind, "step");
        assert_int_equal(near[i].step, near[i].incoming ? 0 : 2);
        in += near[i].incoming;
        notes += strcmp(near[i].note, "3 euros") == 0;
    }
    assert_int_equal(in, 3);            /* follows, attends, shares: step 0 */
    assert_int_equal(notes, 1);
    assert_int_equal(db_near(d, "step", at.step_id, near, 2), 2);
    assert_int_equal(db_near(d, "question", at.step_id, near, 16), 0);
    db_close(d);
}

static void forgotten_notes_are_not_shown(void **state)
{
    struct db_near near[16];

    (void)state;
    dbtest_make(1);
    struct db *d = dbtest_reader();
    struct db_addr at = find(d, "3fa2:3:1");
    struct db_writer *w = dbtest_writer();
    OK(db_forget_run(w, at.run_id, &t.msg));
    db_writer_close(w);
    int n = db_near(d, "step", at.step_id, near, 16);
    assert_true(n > 0);
    for (int i = 0; i < n; i++)
        assert_string_equal(near[i].note, "");
    db_close(d);
}

static void want_of_memory_is_an_error(void **state)
{
    struct db_near near[4];
    struct db_piece piece;
    int32_t id = 0;

    (void)state;
    dbtest_make(1);
    struct db *d = dbtest_reader();
    mem_fail_at(1);
    assert_int_equal(db_near(d, "step", 1, near, 4), -1);
    mem_fail_at(1);
    assert_int_equal(db_pieces(d, 1, &id, 1, &piece), -1);
    mem_fail_at(0);
    db_close(d);
}

static void a_reader_at_rest_sees_what_is_new(void **state)
{
    struct db_run r;

    (void)state;
    dbtest_make(1);
    struct db *d = dbtest_reader();
    int64_t before = db_data_version(d);
    assert_int_equal(db_get_run(d, 1, &r), 1);  /* holds its moment */
    struct db_writer *w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    dbtest_put_run(w, "00000000000000000000000000000099");
    OK(db_commit(w, NULL, &t.msg));
    assert_int_equal(db_data_version(d), before);
    db_rest(d);
    assert_int_not_equal(db_data_version(d), before);
    db_writer_close(w);
    db_close(d);
}

static void rows_read_are_counted(void **state)
{
    struct db_token tok;

    (void)state;
    dbtest_make(1);
    struct db *d = dbtest_reader();
    struct db_addr at = find(d, "3fa2:0");
    int64_t before = db_rows_read(d);
    struct db_cur *c = db_tokens(d, at.path_id, (struct db_window){ 5, 7, 0 });
    while (db_token_next(c, &tok) == 1)
        continue;
    OK(db_cur_close(c));
    assert_int_equal(db_rows_read(d) - before, 7);
    db_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(pieces_come_by_token_id),
        DBTEST(edges_are_seen_from_either_end),
        DBTEST(forgotten_notes_are_not_shown),
        DBTEST(want_of_memory_is_an_error),
        DBTEST(a_reader_at_rest_sees_what_is_new),
        DBTEST(rows_read_are_counted),
    };
    return cmocka_run_group_tests_name("db_related", tests, NULL, NULL);
}
