/* The price of routing: an audit touches nothing of the run, prices what it
 * says, and its prices are those of the computation done the long way round.
 * The small model with a narrow policy, so that a short text leaves blocks
 * out. */
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

#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/kern.h"
#include "engine/route.h"
#include "engine/sampler.h"
#include "probe/logits.h"
#include "tests/models.h"
#include "tests/prog.h"
#include "tests/xml.h"

enum { GROUPS = 8, CTX = 1024, ROWS_MAX = 1024 };

/* The narrow policy: blocks that any mode reads, and more than that. */
enum { FIRST = 1, LAST = 2, CAP = 2, BEST = 1, LEAST = FIRST + LAST + BEST };

static const char text[] =
    "The supplier delivers the goods to the buyer within thirty days of the "
    "order. The buyer pays within ten days of the invoice; interest of four "
    "per cent a year is due on what is late. Neither party is liable for "
    "what it could not foresee. What is 17 + 25? Name three colours.";

static const char *model;

static sqlite3_stmt *ask(sqlite3 **s, const char *db, const char *query)
{
    char path[128];
    sqlite3_stmt *st;

    snprintf(path, sizeof path, "%s/%s", prog_dir, db);
    assert_int_equal(sqlite3_open(path, s), SQLITE_OK);
    if (sqlite3_prepare_v2(*s, query, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", query, sqlite3_errmsg(*s));
    return st;
}

static double one(const char *db, const char *query)
{
    sqlite3 *s;
    sqlite3_stmt *st = ask(&s, db, query);
    double v = NAN;

    if (sqlite3_step(st) == SQLITE_ROW &&
        sqlite3_column_type(st, 0) != SQLITE_NULL)
        v = sqlite3_column_double(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(s);
    return v;
}

static void change(const char *db, const char *sql)
{
    sqlite3 *s;
    sqlite3_stmt *st = ask(&s, db, sql);

    assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
    sqlite3_close(s);
}

/* guard: its limits, as JSON. */
static void write_policy(const char *name, const char *guard)
{
    char path[128], hash[65];
    sqlite3 *s;
    sqlite3_stmt *st;
    FILE *f;

    st = ask(&s, "first.db", "SELECT lower(hex(sha256)) FROM model");
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    snprintf(hash, sizeof hash, "%s", (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    sqlite3_close(s);
    snprintf(path, sizeof path, "%s/%s", prog_dir, name);
    assert_non_null(f = fopen(path, "w"));
    fprintf(f, "{\"model\":\"%s\",\"route\":{\"format\":1,\"choice\":\"auto\","
            "\"low\":0.45,\"high\":0.6,\"first\":%d,\"last\":%d,"
            "\"sparse\":{\"dense\":2,\"cap\":%d,\"best\":%d},"
            "\"hybrid\":{\"dense\":4,\"cap\":%d,\"best\":%d},"
            "\"weights\":{\"entropy\":1,\"trend\":0.2,\"novelty\":1,"
            "\"structure\":0.5,\"escalated\":0.5},%s,"
            "\"layers\":4,\"groups\":2,\"rank\":[3,2,1,0,7,6,5,4]}}\n", hash,
            FIRST, LAST, CAP, BEST, CAP, BEST, guard);
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
    model = models_small();
    if (!model || prog_setup(state) != 0)
        return -1;
    setenv("SORITES_ISA", kern_pick(KERN_AVX512)->name, 1);
    if (!getenv("SORITES_PROG"))
        return 0;
    if (prog_run("run -q -m '%s' --db first.db --max-tokens 1 hello", model))
        return -1;
    write_policy("calm.json", "\"unsure_entropy\":0,\"unsure_margin\":0");
    write_policy("wary.json", "\"unsure_entropy\":0.5,\"unsure_margin\":0");
    return 0;
}

static void record(const char *db, const char *policy, const char *opts)
{
    if (prog_run("run -q -m '%s' --ctx %d --db %s --route-file %s "
                 "--max-tokens 70 %s \"%s\"", model, CTX, db, policy, opts,
                 text) != 0)
        fail_msg("%s: %s", opts, prog_err);
}

/* --- what it leaves alone ------------------------------------------------ */

static void the_run_is_the_same_with_and_without(void **state)
{
    static const char *const same[] = { "token", "route", "work", "step" };
    static const char *const columns[] = {
        "pos, token_id, logprob, entropy, mode, digest, alt",
        "pos, mode, reason, score, entropy, novelty, escalated",
        "phase, n_row, n_again, n_head, blocks_read, compared, blocks_full",
        "x.ordinal, role, tok_from, tok_to, logprob_mean" };
    char query[1024];

    (void)state;
    record("same.db", "wary.json", "--route auto -n 3 --seed 4");
    record("same.db", "wary.json", "--route auto -n 3 --seed 4 --audit 0.5");
    assert_non_null(strstr(prog_out, "computed again in full"));
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        snprintf(query, sizeof query, "SELECT count(*) FROM (SELECT "
                 "p.ordinal, %s FROM %s x JOIN path p ON p.id = x.path_id "
                 "WHERE p.run_id = 1 EXCEPT SELECT p.ordinal, %s FROM %s x "
                 "JOIN path p ON p.id = x.path_id WHERE p.run_id = 2)",
                 columns[i], same[i], columns[i], same[i]);
        assert_true(one("same.db", query) == 0);
        snprintf(query, sizeof query, "SELECT count(*) FROM %s x JOIN path p "
                 "ON p.id = x.path_id GROUP BY p.run_id HAVING p.run_id = 1",
                 same[i]);
        assert_true(one("same.db", query) > 0);
    }
    assert_true(one("same.db", "SELECT count(*) FROM audit WHERE run_id = 1")
                == 0);
    assert_true(one("same.db", "SELECT n FROM v_audit WHERE run_id = 2") > 0);
    assert_int_equal(prog_run("replay last --verify --db same.db"), 0);
    assert_int_equal(prog_run("verify --chain same.db"), 0);
}

/* --- which tokens, and what they read ------------------------------------ */

static void all_that_left_something_out_is_priced_at_a_rate_of_one(void **state)
{
    char query[512];

    (void)state;
    record("all.db", "calm.json", "--route auto -n 2 --seed 7 --audit 1");
    snprintf(query, sizeof query, "SELECT count(*) FROM token t WHERE mode < 2 "
             "AND pos / 16 + 1 > %d AND EXISTS (SELECT 1 FROM token u WHERE "
             "u.path_id = t.path_id AND u.pos = t.pos + 1)", LEAST);
    assert_true(one("all.db", query) > 50);
    assert_true(one("all.db", "SELECT count(*) FROM route_price") ==
                one("all.db", query));
    assert_true(one("all.db", "SELECT n_routed FROM audit") ==
                one("all.db", query));
    assert_true(one("all.db", "SELECT count(DISTINCT mode) FROM route_price")
                == 2);
    /* what the policy says was read is what the engine told */
    assert_true(one("all.db", "SELECT count(*) FROM route_price k WHERE "
                    "k.blocks_read <> (SELECT sum(l.blocks_read) FROM v_layer "
                    "l WHERE l.path_id = k.path_id AND l.pos = k.pos)") == 0);
    assert_true(one("all.db", "SELECT sum(blocks_read) FROM work") ==
                one("all.db", "SELECT sum(l.blocks_read) FROM v_layer l JOIN "
                    "token t ON t.path_id = l.path_id AND t.pos = l.pos"));
    assert_true(one("all.db", "SELECT sum(blocks_full) FROM work") ==
                one("all.db", "SELECT sum(blocks_full) FROM (SELECT 2 * "
                    "(l.pos / 16 + 1) AS blocks_full FROM v_layer l JOIN "
                    "token t ON t.path_id = l.path_id AND t.pos = l.pos)"));
    /* only tokens that leave something out compare hulls */
    assert_true(one("all.db", "SELECT sum(compared) FROM work") ==
                one("all.db", "SELECT sum(compared) FROM route_price"));
    assert_true(one("all.db", "SELECT min(attn_macs_saved) FROM v_work WHERE "
                    "phase = 'answer'") > 0);
    assert_true(one("all.db", "SELECT max(abs(share - 1)) FROM (SELECT "
                    "sum(share) AS share FROM v_route_by_layer GROUP BY "
                    "path_id, layer)") < 1e-9);
}

static void a_share_is_chosen_by_seed_and_position(void **state)
{
    double n;

    (void)state;
    record("share.db", "calm.json", "--route sparse --seed 3 --audit 0.3");
    n = one("share.db", "SELECT count(*) FROM route_price");
    assert_true(n > 0 && n < one("share.db", "SELECT n_routed FROM audit"));
    assert_int_equal(prog_run("replay last --audit 0.3 --db share.db"), 0);
    assert_true(one("share.db", "SELECT count(*) FROM route_price") == n);
    assert_true(one("share.db", "SELECT n_audited FROM audit WHERE id = 2")
                == 0);
    assert_int_equal(prog_run("replay last --audit 1 --json --db share.db"),
                     0);
    assert_non_null(strstr(prog_out, "\"exact\":true"));
    assert_true(one("share.db", "SELECT count(*) FROM route_price") ==
                one("share.db", "SELECT n_routed FROM audit WHERE id = 1"));
    assert_true(one("share.db", "SELECT n FROM v_audit") ==
                one("share.db", "SELECT n_routed FROM v_audit"));
    /* another seed, other tokens */
    record("share.db", "calm.json", "--route sparse --seed 4 --audit 0.3");
    assert_true(one("share.db", "SELECT count(*) FROM route_price k JOIN path "
                    "p ON p.id = k.path_id WHERE p.run_id = 2 AND k.pos NOT "
                    "IN (SELECT k.pos FROM route_price k JOIN audit a ON a.id "
                    "= k.audit_id WHERE a.id = 1)") > 0);
    assert_int_equal(prog_run("verify --chain share.db"), 0);
}

/* --- what they cost ------------------------------------------------------ */

static struct {
    int32_t id[ROWS_MAX];
    uint8_t mode[ROWS_MAX], full[ROWS_MAX];
    int n;
} path;

static void load_path(const char *db)
{
    sqlite3 *s;
    sqlite3_stmt *st = ask(&s, db, "SELECT token_id, coalesce(mode, 2) FROM "
                           "token WHERE path_id = 1 ORDER BY pos");

    for (path.n = 0; sqlite3_step(st) == SQLITE_ROW; path.n++) {
        assert_true(path.n < ROWS_MAX);
        path.id[path.n] = sqlite3_column_int(st, 0);
        path.mode[path.n] = (uint8_t)sqlite3_column_int(st, 1);
        path.full[path.n] = HOOK_FULL;
    }
    sqlite3_finalize(st);
    sqlite3_close(s);
}

/* The logits that the token at pos makes behind what `before` says, itself in
 * `mode`; the engine has seen nothing else. */
static void logits_of(struct engine *e, int pos, const uint8_t *before,
                      uint8_t mode, float *out)
{
    static uint64_t tag;
    uint8_t forced[ROWS_MAX];
    struct session *s = NULL;
    struct engine_feed f = { .tok = path.id, .n_tok = pos + 1, .n_logits = 1,
                             .logits = out };

    memcpy(forced, before, (size_t)pos);
    forced[pos] = mode;
    assert_int_equal(session_open(e, ++tag, 0, &s, NULL), SOR_OK);
    session_force(s, forced, pos + 1);
    f.session = s;
    assert_int_equal(engine_step(e, &f, 1, NULL), SOR_OK);
    session_close(s);
}

static double lse(const float *logits, size_t n)
{
    struct sampler_stats st;

    sampler_stats(logits, (uint32_t)n, &st);
    return st.lse;
}

/* A row of route_price, read. */
struct stored { int pos, rank[3]; double kl[2], logprob[3]; };

static void check_price(struct engine *plain, struct engine *routed,
                        const struct stored *k)
{
    size_t n = engine_hparams(plain)->n_vocab;
    float *row = calloc(3 * n, sizeof *row);
    struct logits l[3];
    int32_t next = path.id[k->pos + 1];

    assert_non_null(row);
    logits_of(routed, k->pos, path.mode, path.mode[k->pos], row);
    logits_of(routed, k->pos, path.mode, HOOK_FULL, row + n);
    logits_of(plain, k->pos, path.full, HOOK_FULL, row + 2 * n);
    for (int i = 0; i < 3; i++) {
        const float *v = row + (size_t)i * n;

        l[i] = (struct logits){ v, lse(v, n) };
        assert_true((double)v[next] - l[i].lse == k->logprob[i]);
        assert_int_equal(logits_rank(v, n, next), k->rank[i]);
    }
    assert_true(logits_kl(l[1], l[0], n) == k->kl[0]);
    assert_true(logits_kl(l[2], l[0], n) == k->kl[1]);
    free(row);
}

static void prices_are_those_of_the_long_way_round(void **state)
{
    struct engine_opts o = { .n_thread = 1, .n_ctx = CTX };
    struct engine *plain = NULL, *routed = NULL;
    struct route *r = NULL;
    struct stored k;
    sqlite3 *s;
    sqlite3_stmt *st;
    int n = 0;

    (void)state;
    record("price.db", "calm.json", "--route sparse --seed 2 --audit 0.2");
    load_path("price.db");
    st = ask(&s, "price.db", "SELECT json_extract(params, '$.route') FROM run");
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(engine_open(model, &o, &plain, NULL), SOR_OK);
    assert_int_equal(engine_open(model, &o, &routed, NULL), SOR_OK);
    assert_int_equal(route_parse((const char *)sqlite3_column_text(st, 0),
                                 "params", engine_hparams(routed), &r, NULL),
                     SOR_OK);
    assert_int_equal(engine_give_route(routed, r, NULL), SOR_OK);
    sqlite3_finalize(st);
    sqlite3_close(s);
    st = ask(&s, "price.db", "SELECT pos, rank, rank_local, rank_total, "
             "kl_local, kl_total, logprob, logprob_local, logprob_total FROM "
             "route_price ORDER BY pos");
    while (sqlite3_step(st) == SQLITE_ROW) {
        k.pos = sqlite3_column_int(st, 0);
        for (int i = 0; i < 3; i++) {
            k.rank[i] = sqlite3_column_int(st, 1 + i);
            k.logprob[i] = sqlite3_column_double(st, 6 + i);
        }
        k.kl[0] = sqlite3_column_double(st, 4);
        k.kl[1] = sqlite3_column_double(st, 5);
        check_price(plain, routed, &k);
        n++;
    }
    sqlite3_finalize(st);
    sqlite3_close(s);
    engine_close(plain);
    engine_close(routed);
    assert_true(n > 5);
    assert_true(one("price.db", "SELECT count(*) FROM route_price WHERE "
                    "kl_local > 0 AND kl_total <> kl_local") > 0);
}

/* --- forks, damage, refusals --------------------------------------------- */

static void forks_are_audited_for_their_own_tokens(void **state)
{
    (void)state;
    record("fork.db", "wary.json", "--route auto --seed 5");
    assert_int_equal(prog_run("fork -q --db fork.db --max-tokens 30 "
                              "--temperature 0.8 --head-mask 1.2 last:0@150"),
                     0);
    assert_int_equal(prog_run("replay last --audit 1 --db fork.db"), 0);
    assert_true(one("fork.db", "SELECT count(*) FROM route_price") > 0);
    assert_true(one("fork.db", "SELECT min(k.pos) >= 150 AND min(p.run_id) = "
                    "2 FROM route_price k JOIN path p ON p.id = k.path_id")
                == 1);
    /* the fork's own work is its own */
    assert_true(one("fork.db", "SELECT count(*) FROM v_work WHERE run_id = 2")
                == 1);
}

static void the_guards_second_rows_count(void **state)
{
    (void)state;
    record("guard.db", "wary.json", "--route sparse --seed 5");
    assert_true(one("guard.db", "SELECT count(*) FROM route WHERE reason = "
                    "'guard'") > 0);
    assert_true(one("guard.db", "SELECT sum(n_again) FROM v_work") ==
                one("guard.db", "SELECT count(*) FROM route WHERE reason = "
                    "'guard'"));
    assert_true(one("guard.db", "SELECT n_row - n_again FROM v_work WHERE "
                    "phase = 'answer'") ==
                one("guard.db", "SELECT count(*) FROM token, run WHERE pos >= "
                    "n_prompt AND mode IS NOT NULL"));
    /* sparse again: what full would have read knows no second row */
    assert_true(one("guard.db", "SELECT sum(blocks_full) FROM work") ==
                one("guard.db", "SELECT sum(2 * (pos / 16 + 1)) FROM v_layer"));
    assert_true(one("guard.db", "SELECT sum(blocks_read) FROM work") >
                one("guard.db", "SELECT sum(blocks_read) FROM v_layer"));
}

static void a_run_that_computes_otherwise_is_refused(void **state)
{
    (void)state;
    record("odd.db", "calm.json", "--route sparse --seed 6");
    change("odd.db", "UPDATE token SET digest = digest + 1 WHERE pos > 200");
    assert_int_equal(prog_run("replay last --audit 1 --db odd.db"), 1);
    assert_non_null(strstr(prog_err, "computes other logits"));
    assert_true(one("odd.db", "SELECT count(*) FROM audit") == 0);
}

/* Somebody else's file may say that a context of 64 holds 300 tokens. */
static void more_tokens_than_the_context_are_refused(void **state)
{
    (void)state;
    record("long.db", "calm.json", "--route sparse --seed 6");
    change("long.db", "UPDATE run SET n_ctx = 64");
    assert_int_equal(prog_run("replay last --audit 1 --db long.db"), 3);
    assert_non_null(strstr(prog_err, "a context of 64"));
    assert_int_equal(prog_run("replay last --audit 1 --db long.db"), 3);
}

static void what_there_is_nothing_to_price_of_is_refused(void **state)
{
    static const char *const wrong[] = {
        "--audit 0.5", "--audit 0.5 --route off",
        "--audit 0.5 --route sparse --trace steps", "--audit 2 --route sparse"
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(prog_run("run -q -m '%s' --db no.db --route-file "
                                  "calm.json %s hello", model, wrong[i]), 2);
    assert_int_equal(prog_run("replay last --audit 1 --db first.db"), 2);
    assert_non_null(strstr(prog_err, "was not routed"));
}

/* --- what happens to the rows -------------------------------------------- */

static void the_rows_travel_and_go_with_the_run(void **state)
{
    (void)state;
    record("rows.db", "calm.json", "--route auto -n 2 --seed 8 --audit 0.5");
    record("rows.db", "calm.json", "--route sparse --draft lookup --seed 9");
    record("rows.db", "calm.json", "--route sparse --exit 0.5 --seed 10 "
                                   "--audit 0.5");
    assert_int_equal(prog_run("export --all --db rows.db -o a.jsonl"), 0);
    assert_int_equal(prog_run("import -q a.jsonl --db back.db"), 0);
    assert_int_equal(prog_run("export --all --db back.db -o b.jsonl"), 0);
    assert_int_equal(prog_run("sql --db back.db 'SELECT count(*) FROM "
                              "route_price'"), 0);
    assert_true(one("rows.db", "SELECT count(*) FROM route_price") ==
                one("back.db", "SELECT count(*) FROM route_price"));
    assert_true(one("back.db", "SELECT count(*) FROM v_work") > 3);
    assert_int_equal(prog_run("forget -y last --db rows.db"), 0);
    assert_true(one("rows.db", "SELECT count(*) FROM v_audit WHERE run_id = 3")
                == 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(prog_run("rm -y last --db rows.db"), 0);
    assert_true(one("rows.db", "SELECT (SELECT count(*) FROM audit) + (SELECT "
                    "count(*) FROM route_price) + (SELECT count(*) FROM work) "
                    "+ (SELECT count(*) FROM work_unit) + (SELECT count(*) "
                    "FROM route) + (SELECT count(*) FROM token_exit) + "
                    "(SELECT count(*) FROM draft)") == 0);
    assert_int_equal(prog_run("verify --chain rows.db"), 0);
}

/* --- the picture --------------------------------------------------------- */

static int times(const char *what)
{
    int n = 0;

    for (const char *p = prog_out; (p = strstr(p, what)); p++)
        n++;
    return n;
}

static void the_map_shows_what_was_audited_and_where_tokens_left(void **state)
{
    struct xml x;

    (void)state;
    record("map.db", "calm.json", "--route auto --exit 0.5 --seed 11");
    assert_int_equal(prog_run("graph last --kind routing --format svg -o - "
                              "--db map.db"), 0);
    assert_int_equal(times("class=\"price\""), 0);
    assert_int_equal(times("price: not audited"), 1);
    assert_int_equal(prog_run("replay last --audit 0.5 --db map.db"), 0);
    assert_int_equal(prog_run("graph last --kind routing --format svg -o - "
                              "--db map.db"), 0);
    if (xml_check(prog_out, strlen(prog_out), &x) != 0)
        fail_msg("%s", x.fault);
    assert_int_equal(times("price: not audited"), 0);
    assert_true(times("class=\"price\"") > 0);
    assert_true(times("class=\"price\"") ==
                (int)one("map.db", "SELECT count(*) FROM route_price"));
    assert_true(times("class=\"exit\"") > 0);
    assert_true(times("class=\"exit\"") ==
                (int)one("map.db", "SELECT count(*) FROM token_exit"));
    assert_true(times("sparse; dense groups ") > 0);
    assert_true(times("sparse; no dense group of 2") > 0);
    assert_true(times("class=\"read\"") > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_run_is_the_same_with_and_without),
        cmocka_unit_test(all_that_left_something_out_is_priced_at_a_rate_of_one),
        cmocka_unit_test(a_share_is_chosen_by_seed_and_position),
        cmocka_unit_test(prices_are_those_of_the_long_way_round),
        cmocka_unit_test(forks_are_audited_for_their_own_tokens),
        cmocka_unit_test(the_guards_second_rows_count),
        cmocka_unit_test(a_run_that_computes_otherwise_is_refused),
        cmocka_unit_test(more_tokens_than_the_context_are_refused),
        cmocka_unit_test(what_there_is_nothing_to_price_of_is_refused),
        cmocka_unit_test(the_rows_travel_and_go_with_the_run),
        cmocka_unit_test(
            the_map_shows_what_was_audited_and_where_tokens_left),
    };

    return cmocka_run_group_tests_name("audit", tests, setup, prog_teardown);
}
