/* A review in the database: every kind of row goes in and comes out, the
 * chain covers it, forget and rm take it away, and a database of the version
 * before becomes one of this. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/chain.h"
#include "db/load.h"
#include "db/review.h"
#include "db/sql_embed.h"
#include "db/table.h"
#include "db/text_use.h"
#include "tests/dbtest.h"

static const char text[] = "1. T\xc3\xa9rm. It ends after 30 days.";
static const uint8_t sum[32] = { 7 };
static const char uid[] = "0123456789abcdef0123456789abcdef";

struct ids { int64_t run, path, clause, passage, claim, reading, finding; };

static int64_t put(struct db_writer *w, struct ids *x, enum db_review_table t_,
                   const void *row)
{
    int64_t id = 0;

    OK(db_put_review_row(w, t_, x->run, row, &id, &t.msg));
    return id;
}

/* One row of every table. */
static void put_all(struct db_writer *w, struct ids *x)
{
    struct db_put_path p = { .run_id = x->run, .kind = "score",
                             .params = "{}" };

    OK(db_put_path(w, &p, &x->path, &t.msg));
    put(w, x, DB_REVIEW, &(struct db_review){ .same = { sum, 32 },
        .domain = "legal", .pack_version = "1", .n_path = 8,
        .note = "preliminary" });
    put(w, x, DB_DOCUMENT, &(struct db_document){ .name = "a.txt",
        .format = "text", .encoding = "UTF-8", .sha256 = { sum, 32 },
        .n_byte = 31, .n_char = 30, .text = text });
    x->clause = put(w, x, DB_CLAUSE, &(struct db_clause){ .kind = "numbered",
        .parent = -1, .number = "1", .full_number = "1",
        .heading = "T\xc3\xa9rm",
        .char_to = 30, .own_to = 30, .text_from = 9, .text_to = 30,
        .page = -1 });
    put(w, x, DB_CLAUSE_TYPE, &(struct db_clause_type){
        .clause_id = x->clause, .label = "Renewal Term", .score = 0.25 });
    x->passage = put(w, x, DB_PASSAGE, &(struct db_passage){
        .clause_id = x->clause, .char_from = 9, .char_to = 30 });
    put(w, x, DB_TERM, &(struct db_term){ .name = "T\xc3\xa9rm",
        .clause_id = x->clause, .char_from = 3, .char_to = 7,
        .meaning_from = -1, .meaning_to = -1, .n_def = 1 });
    put(w, x, DB_PARTY, &(struct db_party){ .name = "Acme", .char_to = 1 });
    put(w, x, DB_NORM, &(struct db_norm){ .clause_id = x->clause,
        .kind = "obligation", .bearer = "Acme", .modal = "shall",
        .char_from = 9, .char_to = 30, .act_from = 12, .act_to = 16,
        .deadline_from = 23, .deadline_to = 30, .amount_from = -1,
        .amount_to = -1 });
    put(w, x, DB_VALUE, &(struct db_value){ .clause_id = x->clause,
        .kind = "period", .norm = "P30D", .char_from = 23, .char_to = 30 });
    struct db_logic edge = { .kind = "refers_to", .src_kind = "clause",
        .src_id = x->clause, .dst_kind = "dangling", .char_from = 1,
        .char_to = 2, .score = 1, .measured = "rule", .rule = "r" };
    OK(db_put_text(w, "12.4", 4, &edge.dst_id, &t.msg));
    put(w, x, DB_LOGIC, &edge);
    int64_t defect = put(w, x, DB_DEFECT, &(struct db_defect){
        .kind = "missing_governing_law", .note = "There is none.",
        .char_from = -1, .char_to = -1, .related_from = -1, .related_to = -1,
        .n_searched = 1 });
    x->claim = put(w, x, DB_CLAIM, &(struct db_claim){ .name = "nda-4",
        .kind = "statement", .text = "Use is limited.", .n_given = 100,
        .n_wrong = 8, .wrong_low = 0.04, .wrong_high = 0.15 });
    put(w, x, DB_LOGIC, &(struct db_logic){ .kind = "supports",
        .src_kind = "clause", .src_id = x->clause, .dst_kind = "claim",
        .dst_id = x->claim, .char_from = 9, .char_to = 30, .score = 0.9,
        .measured = "scored" });
    x->reading = put(w, x, DB_READING, &(struct db_reading){ .context = "",
        .text = "It ends", .statement = "Use is limited.",
        .logit = { 1, 2.5, -3 }, .digest = UINT64_MAX - 5, .n_tok = 12 });
    put(w, x, DB_TYPE_READING, &(struct db_type_reading){ .context = "",
        .text = "It ends", .logp = { sum, 8 } });
    put(w, x, DB_CLAIM_PATH, &(struct db_claim_path){ .claim_id = x->claim,
        .path_id = x->path, .variant = "plain", .counts = 1,
        .statement = "Use is limited.", .verdict = "supported",
        .p = { 0.9, 0.05, 0.05 } });
    put(w, x, DB_CLAIM_READING, &(struct db_claim_reading){
        .path_id = x->path, .reading_id = x->reading,
        .passage_id = x->passage, .p = { 0.1, 0.85, 0.05 }, .decisive = 1 });
    put(w, x, DB_VERDICT, &(struct db_verdict){ .claim_id = x->claim,
        .verdict = "supported", .confidence = 0.93, .p = { 0.9, 0.05, 0.05 },
        .stability = 1, .n_count = 8, .error_correlation = NAN,
        .flip = "Strike 1." });
    put(w, x, DB_EVIDENCE, &(struct db_evidence){ .claim_id = x->claim,
        .clause_id = x->clause, .char_from = 9, .char_to = 30, .page = -1,
        .relation = "supports", .score = 0.9, .status = "located" });
    put(w, x, DB_CHECK, &(struct db_check){ .claim_id = x->claim,
        .passed = -1, .kind = "swap", .note = "names no party",
        .p = { NAN, NAN, NAN } });
    x->finding = put(w, x, DB_FINDING, &(struct db_finding){
        .source = "missing", .defect_id = defect, .severity = 3,
        .origin = "rule", .text = "No governing law.", .char_from = -1,
        .char_to = -1, .confidence = NAN });
}

static struct ids make(void)
{
    struct ids x = { 0 };
    struct db_writer *w = dbtest_writer();

    OK(db_begin(w, 0, &t.msg));
    x.run = dbtest_put_run(w, uid);
    put_all(w, &x);
    OK(db_commit(w, NULL, &t.msg));
    OK(db_begin(w, x.run, &t.msg));
    put(w, &x, DB_DECISION, &(struct db_decision){ .finding_id = x.finding,
        .choice = "reject", .name = "Ann", .reason = "See the order form.",
        .at_us = 5 });
    OK(db_commit(w, NULL, &t.msg));
    db_writer_close(w);
    return x;
}

static int64_t one(const char *sql)
{
    sqlite3 *sq = NULL;
    sqlite3_stmt *st = NULL;

    assert_int_equal(sqlite3_open_v2(t.path, &sq, SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    if (sqlite3_prepare_v2(sq, sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sq));
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(sq);
    return v;
}

static void expect_intact(void)
{
    struct chain_report r;
    struct db *d = dbtest_reader();

    OK(chain_verify(d, &r, &t.msg));
    if (!r.ok)
        fail_msg("%s", r.where);
    db_close(d);
}

static void every_row_comes_back(void **state)
{
    struct ids x = make();
    struct db *d = dbtest_reader();

    (void)state;
    for (int k = 0; k < DB_REVIEW_TABLES; k++) {
        void *row = calloc(1, db_review_row_bytes((enum db_review_table)k));
        struct db_cur *c = db_review_rows(d, (enum db_review_table)k, x.run);

        assert_non_null(row);
        assert_int_equal(db_review_row_next(c, (enum db_review_table)k, row),
                         1);
        assert_true(*(int64_t *)row > 0);
        assert_int_equal(db_review_row_next(c, (enum db_review_table)k, row),
                         k == DB_LOGIC);        /* two of these */
        OK(db_cur_close(c));
        free(row);
    }

    struct db_cur *c = db_review_rows(d, DB_READING, x.run);
    struct db_reading g;
    assert_int_equal(db_review_row_next(c, DB_READING, &g), 1);
    assert_string_equal(g.statement, "Use is limited.");
    assert_string_equal(g.context, "");
    assert_true(g.logit[1] == 2.5 && g.digest == UINT64_MAX - 5);
    OK(db_cur_close(c));

    c = db_review_rows(d, DB_CHECK, x.run);
    struct db_check k;
    assert_int_equal(db_review_row_next(c, DB_CHECK, &k), 1);
    assert_true(k.passed == -1 && isnan(k.p[0]) && !k.input && !k.clause_id);
    assert_string_equal(k.note, "names no party");
    OK(db_cur_close(c));

    c = db_review_rows(d, DB_CLAUSE, x.run);
    struct db_clause l;
    assert_int_equal(db_review_row_next(c, DB_CLAUSE, &l), 1);
    assert_true(l.parent == -1 && l.page == -1 && l.text_from == 9);
    assert_string_equal(l.heading, "T\xc3\xa9rm");
    OK(db_cur_close(c));
    db_close(d);
}

/* The views quote from the text and name the ends of edges. */
static void views_quote(void **state)
{
    (void)state;
    make();
    assert_int_equal(one("SELECT quote = '30 days' AND norm = 'P30D' "
                         "FROM v_value"), 1);
    assert_int_equal(one("SELECT src = 'c1' AND dst = 'dangling:12.4' "
                         "FROM v_logic"), 1);
    assert_int_equal(one("SELECT dst = 'claim:nda-4' AND rule IS NULL FROM "
                         "v_logic WHERE measured = 'scored'"), 1);
    assert_int_equal(one("SELECT name = 'c1' AND label = 'Renewal Term' AND "
                         "text = 'It ends after 30 days' FROM v_clause"), 1);
    assert_int_equal(one("SELECT decision = 'reject' AND quote IS NULL "
                         "FROM v_finding"), 1);
    assert_int_equal(one("SELECT name = 'Ann' FROM v_decision"), 1);
    assert_int_equal(one("SELECT error_rate = 0.08 AND n_failed = 0 AND "
                         "flip = 'Strike 1.' FROM v_claim"), 1);
    assert_int_equal(one("SELECT n_clause = 1 AND n_finding = 1 AND "
                         "n_decided = 1 AND document = 'a.txt' "
                         "FROM v_review"), 1);
}

static void change(const char *sql)
{
    sqlite3 *sq = NULL;
    char *said = NULL;

    sqlite3_open(t.path, &sq);
    if (sqlite3_exec(sq, sql, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %s", sql, said);
    sqlite3_close(sq);
}

/* A verdict changed behind the program's back is noticed and located. */
static void the_chain_covers_reviews(void **state)
{
    struct chain_report r;

    (void)state;
    make();
    expect_intact();
    change("UPDATE verdict SET verdict = 'contradicted'");
    struct db *d = dbtest_reader();
    OK(chain_verify(d, &r, &t.msg));
    assert_false(r.ok);
    assert_non_null(strstr(r.where, "verdict rows 1..1 (01234567"));
    db_close(d);
}

/* Every column that names a text is known to forget, and nothing is left of
 * the words. */
static void forget_knows_every_text(void **state)
{
    (void)state;
    struct ids x = make();
    /* the tables of this migration, less the ends of edges, which have no
     * foreign key */
    int64_t columns = one("SELECT count(*) FROM sqlite_schema s, "
        "pragma_foreign_key_list(s.name) f WHERE s.type = 'table' AND "
        "f.\"table\" = 'text' AND s.name NOT IN ('run','path_end','answer',"
        "'edge')");
    int known = 0;

    for (const char *p = TABLE_TEXT_USES; (p = strstr(p, "UNION ALL"));
         p += 9)
        known++;
    assert_int_equal(columns, known - 5 - 2);

    struct db_writer *w = dbtest_writer();
    OK(db_forget_run(w, x.run, &t.msg));
    db_writer_close(w);
    assert_int_equal(one("SELECT count(*) FROM text WHERE body IS NOT NULL"),
                     0);
    assert_int_equal(one("SELECT text IS NULL AND verdict = 'supported' "
                         "FROM v_claim"), 1);
    assert_int_equal(one("SELECT document IS NULL FROM v_review"), 1);
    expect_intact();
}

static void rm_takes_every_row(void **state)
{
    (void)state;
    struct ids x = make();
    struct db_writer *w = dbtest_writer();

    OK(db_remove_run(w, x.run, &t.msg));
    db_writer_close(w);
    for (int k = 0; k < TABLES; k++) {
        char sql[96];

        if (!tables[k].of_run)
            continue;
        snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"",
                 tables[k].name);
        if (one(sql) != 0)
            fail_msg("%s: rows are left", tables[k].name);
    }
    expect_intact();
}

/* Export and import keep every row of a review. */
static void reviews_are_portable(void **state)
{
    struct load_counts n;
    struct db_writer *w = NULL;

    (void)state;
    make();
    OK(db_writer_open(t.other, NULL, &w, &t.msg));
    OK(load_merge(w, t.path, NULL, &n, &t.msg));
    assert_int_equal(n.n_new, 1);
    db_writer_close(w);
    char was[sizeof t.path];
    memcpy(was, t.path, sizeof was);
    memcpy(t.path, t.other, sizeof was);
    assert_int_equal(one("SELECT dst = 'dangling:12.4' FROM v_logic"), 1);
    assert_int_equal(one("SELECT dst = 'claim:nda-4' FROM v_logic "
                         "WHERE kind = 'supports'"), 1);
    assert_int_equal(one("SELECT verdict = 'supported' FROM v_claim"), 1);
    assert_int_equal(one("SELECT decision = 'reject' FROM v_finding"), 1);
    expect_intact();
    char side[160];
    for (int i = 0; i < 3; i++) {
        snprintf(side, sizeof side, "%s%s", t.other,
                 (const char *[]){ "-wal", "-shm", "-lock" }[i]);
        remove(side);
    }
    memcpy(t.path, was, sizeof was);
}

/* A review that did not end is found again by what makes it the same. */
static void unfinished_reviews_are_found(void **state)
{
    struct ids x = make();
    uint8_t other[32] = { 9 };
    int64_t id = -1;
    struct db_put_run_end e = { .run_id = x.run, .status = "complete" };

    (void)state;
    struct db_writer *w = dbtest_writer();
    OK(db_find_unfinished(w, other, &id, &t.msg));
    assert_int_equal(id, 0);
    OK(db_find_unfinished(w, sum, &id, &t.msg));
    assert_int_equal(id, x.run);
    OK(db_begin(w, x.run, &t.msg));
    OK(db_put_run_end(w, &e, &t.msg));
    OK(db_commit(w, NULL, &t.msg));
    OK(db_find_unfinished(w, sum, &id, &t.msg));
    assert_int_equal(id, 0);
    db_writer_close(w);
}

static void figures_are_kept(void **state)
{
    struct db_eval e = { .data = "unseen", .measure = "claims.accuracy",
        .value = 0.84, .low = 0.79, .high = NAN, .n = 306, .model = "none",
        .pack = "legal 1", .program = "1", .at_us = 5 };

    (void)state;
    struct db_writer *w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    OK(db_put_eval(w, &e, &t.msg));
    OK(db_commit(w, NULL, &t.msg));
    db_writer_close(w);
    assert_int_equal(one("SELECT value = 0.84 AND high IS NULL AND n = 306 "
                         "FROM v_eval"), 1);
    expect_intact();
}

/* 1 where one of the first n migrations makes this table. */
static int made_by(int n, const char *table)
{
    char want[80];

    snprintf(want, sizeof want, "CREATE TABLE %s (", table);
    for (int i = 0; i < n; i++)
        if (strstr(db_migrations[i].text, want))
            return 1;
    return 0;
}

/* Drops the first view, or table that a later migration than n made; 0 where
 * none is left. */
static int drop_one(sqlite3 *sq, int n)
{
    sqlite3_stmt *st = NULL;
    char sql[160] = "", *said = NULL;

    sqlite3_prepare_v2(sq, "SELECT type, name FROM sqlite_schema WHERE "
                       "type IN ('view', 'table') AND name NOT LIKE 'sqlite%' "
                       "ORDER BY type DESC", -1, &st, NULL);
    while (!sql[0] && sqlite3_step(st) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(st, 0);
        const char *name = (const char *)sqlite3_column_text(st, 1);

        if (strcmp(type, "view") == 0 || !made_by(n, name))
            snprintf(sql, sizeof sql, "DROP %s \"%s\"", type, name);
    }
    sqlite3_finalize(st);
    if (sql[0] && sqlite3_exec(sq, sql, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %s", sql, said);
    return sql[0] != '\0';
}

/* A database from before there were reviews: its rows stay, and it takes
 * reviews. */
static void version_2_takes_reviews(void **state)
{
    sqlite3 *sq = NULL;

    (void)state;
    dbtest_make(2);
    assert_int_equal(sqlite3_open(t.path, &sq), SQLITE_OK);
    sqlite3_exec(sq, "PRAGMA foreign_keys = OFF", NULL, NULL, NULL);
    while (drop_one(sq, 2))
        ;
    sqlite3_exec(sq, "UPDATE views_made SET sha256 = zeroblob(32);"
                 "PRAGMA user_version = 2", NULL, NULL, NULL);
    sqlite3_close(sq);
    int64_t tokens = one("SELECT count(*) FROM token");

    make();
    assert_int_equal(one("PRAGMA user_version"), db_n_migrations);
    assert_int_equal(one("SELECT count(*) FROM token"), tokens);
    assert_int_equal(one("SELECT integrity_check = 'ok' FROM "
                         "pragma_integrity_check"), 1);
    assert_int_equal(one("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DBTEST(every_row_comes_back),
        DBTEST(views_quote),
        DBTEST(the_chain_covers_reviews),
        DBTEST(forget_knows_every_text),
        DBTEST(rm_takes_every_row),
        DBTEST(reviews_are_portable),
        DBTEST(unfinished_reviews_are_found),
        DBTEST(figures_are_kept),
        DBTEST(version_2_takes_reviews),
    };
    return cmocka_run_group_tests_name("db_review", tests, NULL, NULL);
}
