/* What routing saved and what that cost, on the browser's screens: of a run, of
 * a token, of a layer; and the word for what was not measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "db/price.h"
#include "tests/tuirig.h"

static void change(const char *name, const char *sql)
{
    sqlite3 *s;

    assert_int_equal(sqlite3_open(path_of(name), &s), SQLITE_OK);
    if (sqlite3_exec(s, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(s));
    sqlite3_close(s);
}

/* A run whose tokens 38 and 39 of path 0 were routed; one of them is priced
 * where `audited`. */
static void make_routed(const char *name, int audited)
{
    static const struct db_work_unit unit = { 10, 1, 100, 10, 500, 1000, 5000 };
    static const struct db_work work = {
        .n_row = 10, .layer_rows = 60, .n_head = 10, .n_pass = 10,
        .blocks_read = 600, .blocks_full = 1000 };
    struct db_audit audit = { .run_id = 1, .rate = 0.5, .n_routed = 2,
        .n_audited = 1, .exact = 1, .isa = "ref", .program = "1" };
    struct db_price price = { .path_id = 1, .pos = 38, .mode = "sparse",
        .n_layer = 6, .kl_local = 0.0125, .kl_total = 0.25, .rank = 3,
        .rank_local = 1, .rank_total = 2, .logprob = -1, .logprob_local = -0.5,
        .logprob_total = -0.5, .same_total = 1, .blocks_read = 40,
        .blocks_full = 80 };
    struct sor_msg msg = { "" };
    struct db_writer *w = NULL;
    int64_t id;

    make(name, &(struct mkdb_opts){ .n_run = 1, .n_path = 2, .n_token = 40 });
    if (audited) {
        assert_int_equal(db_writer_open(path_of(name),
                         &(struct db_writer_opts){ 0 }, &w, &msg), SOR_OK);
        assert_int_equal(db_begin(w, 1, &msg), SOR_OK);
        assert_int_equal(db_put_work_unit(w, 1, &unit, &msg), SOR_OK);
        assert_int_equal(db_put_work(w, 1, "answer", &work, &msg), SOR_OK);
        assert_int_equal(db_put_audit(w, &audit, &id, &msg), SOR_OK);
        assert_int_equal(db_put_price(w, id, &price, &msg), SOR_OK);
        assert_int_equal(db_commit(w, NULL, &msg), SOR_OK);
        db_writer_close(w);
    }
    change(name, "UPDATE run SET route = 'sparse', params = "
                 "'{\"exit\":0.9}'; UPDATE token SET mode = 0 WHERE path_id = "
                 "1 AND pos IN (38, 39)");
}

static void a_run_says_what_was_saved_and_what_it_cost(void **state)
{
    (void)state;
    make_routed("priced", 1);
    browse("priced", 120, 200, "Enter");
    SHOWS("Routing");
    SHOWS("work saved answer: 40.0 % of attention, 8.0 % of all "
          "multiplications");
    SHOWS("price audited: 1 of 2 tokens that left something out");
    SHOWS("each alone in full: mean KL 0.0125 nats, likeliest token the same "
          "in 0.0 %");
    SHOWS("all in full: mean KL 0.2500 nats, the same in 100.0 %");
    make_routed("unpriced", 0);
    browse("unpriced", 120, 200, "Enter");
    SHOWS("work saved not counted");
    SHOWS("price not audited (replay RUN --audit RATE)");
    browse("plain", 120, 200, "j Enter");
    SHOWS_NOT("work saved");
}

static void a_story_has_the_price_of_its_token(void **state)
{
    (void)state;
    make_routed("told", 1);
    browse("told", 120, 80, "Enter p t s ] ]");
    SHOWS("3fa20000:0@38");
    SHOWS("price alone in full: KL 0.0125 nats; what came is rank 3, in full "
          "1;");
    SHOWS("all in full: KL 0.2500 nats; what came is rank 3, in full 2");
    /* 40 of 80 blocks at 10, six layers at 500, logits at 1000 */
    SHOWS("saved 50.0 % of its attention, 8.3 % of all its multiplications");
    play("]");
    SHOWS("price not audited (replay RUN --audit RATE)");
    play("]");
    SHOWS("price none: it was computed in full");
}

static void a_layer_says_what_it_read_and_why_it_went_on(void **state)
{
    (void)state;
    make_routed("layers", 1);
    browse("layers", 200, 60, "Enter p t j j Enter");
    SHOWS("Layer Mode");
    SHOWS("mode sparse, decided by score");
    SHOWS("dense groups");
    SHOWS("blocks read");
    SHOWS("over all KV groups");
    SHOWS("exit stayed: sure");
    SHOWS("price alone in full: KL 0.0125 nats");
    change("layers", "UPDATE run SET params = '{}'");
    browse("layers", 200, 60, "Enter p t j j Enter");
    SHOWS("exit not asked: the run had no --exit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TUI_TEST(a_run_says_what_was_saved_and_what_it_cost),
        TUI_TEST(a_story_has_the_price_of_its_token),
        TUI_TEST(a_layer_says_what_it_read_and_why_it_went_on),
    };

    return cmocka_run_group_tests_name("tui_price", tests, tuirig_setup,
                                       tuirig_teardown);
}
