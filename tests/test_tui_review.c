/* The browser on a review: findings, claims and document, by keys and
 * screens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db/review.h"
#include "tests/dbtest.h"
#include "tui/app.h"

static const char text[] =
    "1. Term. This Agreement ends after two years.\n"
    "2. Return. The Recipient shall return all papers; see Section 9.\n"
    "(a) Copies. It may keep one copy. caf\xc3\xa9\n";
static const char uid[] = "5eed0123456789abcdef0123456789ab";
static const uint8_t sum[32] = { 7 };

static struct grid g;
static struct str screen;
static struct db *db;
static struct tui *tui;
static int64_t run, first_clause;

static int64_t put(struct db_writer *w, enum db_review_table table,
                   const void *row)
{
    int64_t id = 0;

    OK(db_put_review_row(w, table, run, row, &id, &t.msg));
    return id;
}

/* The place of `words` in the text, in code points (the text is ASCII up to
 * its last word). */
static int at(const char *words)
{
    return (int)(strstr(text, words) - text);
}

static int64_t put_clause(struct db_writer *w, int ordinal, int parent,
                          const char *number, const char *words, int to)
{
    return put(w, DB_CLAUSE, &(struct db_clause){ .ordinal = ordinal,
        .parent = parent, .depth = parent >= 0, .kind = "numbered",
        .number = number, .full_number = number, .char_from = at(words),
        .char_to = to, .own_to = to, .text_from = at(words), .text_to = to,
        .page = -1 });
}

static void put_path(struct db_writer *w, int64_t claim, int ordinal,
                     const char *variant, const char *verdict)
{
    struct db_put_path p = { .run_id = run, .ordinal = ordinal,
                             .kind = "score", .params = "{}" };
    int64_t id;

    OK(db_put_path(w, &p, &id, &t.msg));
    put(w, DB_CLAIM_PATH, &(struct db_claim_path){ .claim_id = claim,
        .path_id = id, .variant = variant, .counts = 1, .statement = "It may "
        "keep copies.", .verdict = verdict, .p = { 0.9, 0.05, 0.05 } });
}

static void put_claims(struct db_writer *w, int64_t clause)
{
    int64_t c = put(w, DB_CLAIM, &(struct db_claim){ .name = "nda-17",
        .kind = "statement", .title = "Copies", .text = "It may keep copies.",
        .n_given = 100, .n_wrong = 8, .wrong_low = 0.04, .wrong_high = 0.15 });

    put_path(w, c, 0, "plain", "supported");
    put_path(w, c, 1, "paraphrase", "not_addressed");
    put(w, DB_VERDICT, &(struct db_verdict){ .claim_id = c,
        .verdict = "supported", .confidence = 0.93, .p = { 0.9, 0.05, 0.05 },
        .stability = 0.5, .n_count = 2, .error_correlation = NAN,
        .flip = "Striking clause 2(a) would." });
    put(w, DB_EVIDENCE, &(struct db_evidence){ .claim_id = c,
        .clause_id = clause, .char_from = at("It may"),
        .char_to = at("It may") + 21, .page = -1, .relation = "supports",
        .score = 0.97, .status = "located" });
    put(w, DB_CHECK, &(struct db_check){ .claim_id = c, .passed = 1,
        .kind = "negation", .input = "It may keep no copy.",
        .p = { NAN, NAN, NAN } });
    put(w, DB_CHECK, &(struct db_check){ .claim_id = c, .clause_id = clause,
        .passed = 1, .ordinal = 2, .kind = "knockout",
        .input = "clause 2(a) struck out", .note = "sole basis: without it, "
        "not addressed (0.910)", .p = { 0.05, 0.04, 0.91 } });
    put(w, DB_CHECK, &(struct db_check){ .claim_id = c, .passed = 0,
        .ordinal = 1, .kind = "swap", .note = "The other party too.",
        .p = { NAN, NAN, NAN } });
    put(w, DB_CLAIM, &(struct db_claim){ .ordinal = 1, .name = "mine",
        .kind = "statement", .text = "It rains.", .custom = 1 });
    put(w, DB_FINDING, &(struct db_finding){ .source = "claim",
        .ordinal = 1, .claim_id = c, .severity = 1, .origin = "scored",
        .text = "One copy may be kept.", .clause_id = clause,
        .char_from = at("It may"), .char_to = at("It may") + 21,
        .confidence = 0.93 });
}

/* Clause 2 refers to clause 1 and uses a term that it defines. */
static void put_logic(struct db_writer *w, int64_t second)
{
    int64_t term = put(w, DB_TERM, &(struct db_term){ .name = "Papers",
        .clause_id = second, .char_from = at("papers"),
        .char_to = at("papers") + 6, .n_def = 1, .n_use = 1 });

    put(w, DB_LOGIC, &(struct db_logic){ .kind = "refers_to",
        .src_kind = "clause", .src_id = second, .dst_kind = "clause",
        .dst_id = first_clause, .char_from = at("see Section"),
        .char_to = at("see Section") + 13, .score = 1, .measured = "rule" });
    put(w, DB_LOGIC, &(struct db_logic){ .kind = "uses",
        .src_kind = "clause", .src_id = second, .dst_kind = "term",
        .dst_id = term, .char_from = -1, .char_to = -1, .score = 1,
        .measured = "rule" });
}

static void put_review(struct db_writer *w)
{
    int64_t second;

    put(w, DB_REVIEW, &(struct db_review){ .same = { sum, 32 },
        .domain = "legal", .pack_version = "1", .n_path = 2,
        .note = "Preliminary findings, for a lawyer's decision." });
    put(w, DB_DOCUMENT, &(struct db_document){ .name = "a.txt",
        .format = "text", .encoding = "UTF-8", .sha256 = { sum, 32 },
        .n_byte = sizeof text - 1, .n_char = sizeof text - 2, .text = text });
    first_clause = put_clause(w, 0, -1, "1", "1. Term", at("2. Return") - 1);
    second = put_clause(w, 1, -1, "2", "2. Return", (int)sizeof text - 3);
    int64_t copies = put_clause(w, 2, 1, "2(a)", "(a) Copies",
                                (int)sizeof text - 3);
    int64_t defect = put(w, DB_DEFECT, &(struct db_defect){
        .kind = "dangling_reference", .note = "There is no Section 9.",
        .char_from = at("Section 9"), .char_to = at("Section 9") + 9,
        .related_from = at("1. Term"), .related_to = at("1. Term") + 7 });
    int64_t f = put(w, DB_FINDING, &(struct db_finding){ .source = "defect",
        .defect_id = defect, .severity = 3, .origin = "rule",
        .text = "Section 9 does not exist.", .clause_id = second,
        .char_from = at("Section 9"), .char_to = at("Section 9") + 9,
        .confidence = NAN });
    put_claims(w, copies);
    put_logic(w, second);
    put(w, DB_DECISION, &(struct db_decision){ .finding_id = f,
        .choice = "reject", .name = "Ann", .reason = "It is in the annex.",
        .at_us = 5 });
}

static int setup(void **state)
{
    struct tui_opts o = { .db_name = t.path, .program = "/bin/true" };
    struct db_put_run r = { .uid = uid, .kind = "review", .chat = "none",
                            .route = "off", .kv_type = "f16", .isa = "ref",
                            .level = "tokens", .program = "1", .params = "{}",
                            .started_us = 5 };
    struct db_writer *w;

    if (dbtest_setup(state))
        return -1;
    str_init(&screen);
    w = dbtest_writer();
    OK(db_begin(w, 0, &t.msg));
    OK(db_put_text(w, "a.txt", 5, &r.prompt_id, &t.msg));
    OK(db_put_run(w, &r, &run, &t.msg));
    put_review(w);
    OK(db_commit(w, NULL, &t.msg));
    db_writer_close(w);
    db = dbtest_reader();
    OK(tui_open(db, &o, &tui, &t.msg));
    return grid_init(&g, 60, 140) != SOR_OK;
}

static int teardown(void **state)
{
    tui_close(tui);
    db_close(db);
    grid_release(&g);
    str_release(&screen);
    return dbtest_teardown(state);
}

static void keys(const char *script)
{
    OK(tui_play(tui, script, &g, &t.msg));
    str_clear(&screen);
    grid_dump(&g, &screen);
}

#define SHOWS(words)                                                          \
    do {                                                                      \
        if (!strstr(screen.p, words))                                         \
            fail_msg("no \"%s\" in:\n%s", words, screen.p);                   \
    } while (0)

static void a_review_opens_on_what_was_found(void **state)
{
    (void)state;
    keys("Enter");
    SHOWS("2 findings  1 high  0 medium  1 low");
    SHOWS("1 decided");
    SHOWS("2 claims  1 supported");
    SHOWS("3 clauses  pack legal 1");
    SHOWS("Preliminary findings, for a lawyer's decision.");
}

static void findings_lead_to_places_and_claims(void **state)
{
    (void)state;
    keys("Enter Enter");
    SHOWS("high");
    SHOWS("Section 9 does not exist.");
    SHOWS("reject");
    SHOWS("a rule; no model was asked");
    SHOWS("The other place");
    SHOWS("1. Term");
    SHOWS("Ann");
    SHOWS("It is in the annex.");
    keys("Enter");                      /* its place */
    SHOWS("document");
    SHOWS("shall return all");
    keys("h j Enter");                  /* the second, of a claim */
    SHOWS("claims");
    SHOWS("It may keep copies.");
}

static void a_claim_shows_paths_checks_evidence(void **state)
{
    (void)state;
    keys("Enter j Enter");
    SHOWS("nda-17");
    SHOWS("supported");
    SHOWS("1/2");                       /* paths that agree, and checks */
    SHOWS("8.0 %");
    SHOWS("8 of 100 such verdicts");
    SHOWS("paraphrase");
    SHOWS("not addressed");
    SHOWS("failed  swap");
    SHOWS("The other party too.");
    SHOWS("Striking clause 2(a) would.");
    keys("Enter");                      /* its evidence */
    SHOWS("2(a)");
    SHOWS("Cited for");
    SHOWS("caf\xc3\xa9");
    keys("h j");
    SHOWS("unmeasured");
    SHOWS("Your own claim: clauses are ranked");
}

/* Which clause, if struck, flips the claim? */
static void a_struck_clause_that_flips_is_named(void **state)
{
    (void)state;
    keys("resize:80x24 Enter j Enter");
    SHOWS("Flips if");
    SHOWS("2(a)");
    keys("resize:120x60");
    SHOWS("flips it  clause 2(a) struck out");
    SHOWS("sole basis: without it, not");
    keys("j");
    SHOWS("No clause was struck: none decides it.");
}

/* What must I look at first, and how often is that claim's verdict wrong? */
static void the_overview_says_what_to_look_at_first(void **state)
{
    (void)state;
    keys("Enter");                      /* the first finding was decided */
    SHOWS("Look first at");
    SHOWS("1 low  One copy may be kept.");
    SHOWS("8 of 100 such verdicts were wrong (8.0 %; 95 % interval 4.0 to "
          "15.0 %)");
    keys("j j j Enter");
    SHOWS("findings");
    SHOWS("claim             nda-17");
}

/* Who overrode which finding? */
static void decisions_say_who_overrode_what(void **state)
{
    (void)state;
    keys("resize:80x24 Enter d");
    SHOWS("Ann");
    SHOWS("rejected");
    keys("resize:160x40");
    SHOWS("Section 9 does not exist.");
    SHOWS("decided by        Ann, 1970-01-01 00:00 UTC");
    SHOWS("why               It is in the annex.");
    keys("Enter");
    SHOWS("findings");
    SHOWS("a rule; no model was asked");
}

/* Each is a job of the program, here one that does nothing. */
static void findings_are_decided_and_clauses_struck(void **state)
{
    (void)state;
    keys("Enter Enter A \"as I read it\" Enter wait:9,0");
    SHOWS("Done: accept finding 0.");
    keys("j R Enter wait:9,0");
    SHOWS("Done: reject finding 1.");
    keys("C \"contr it does not\" Enter wait:9,0");
    SHOWS("Done: correct finding 1.");
    keys("C \"frob it\" Enter");
    SHOWS("A verdict comes first");
    keys("h j Enter S wait:9,0");
    SHOWS("Done: clause 2(a) struck out, nda-17 read again.");
    keys("j S");
    SHOWS("No clause was cited for mine.");
    keys("h j Enter j j S");
    SHOWS("strike it, and decide this claim anew: nda-17");
    keys("Enter wait:9,0");
    SHOWS("Done: clause 2(a) struck out, nda-17 read again.");
    keys("S \"x\" Enter");
    SHOWS("There is no claim \"nda-17x\" here.");
}

static void clauses_fold_under_their_parents(void **state)
{
    (void)state;
    keys("Enter j j Enter G");
    SHOWS("3 of 3");
    keys("-");                          /* its parent folds */
    SHOWS("2 of 2");
    SHOWS("+ ");
    keys("+");
    SHOWS("2 of 3");
    keys("*");
    SHOWS("1 of 2");
    keys("*");
    SHOWS("of 3");
}

static void the_logic_is_drawn(void **state)
{
    (void)state;
    keys("Enter w");
    SHOWS("refers_to");
    SHOWS("\u2192 1");                  /* 2 leads to 1 */
    SHOWS("see Section 9");
    keys("l Enter");
    SHOWS("1. Term. This Agreement ends");
    keys("< e");
    SHOWS("logic: refers_to");
    keys("e");
    SHOWS("logic: uses");
    SHOWS("\"Papers\"");
}

static void filters_name_columns(void **state)
{
    (void)state;
    keys("Enter Enter f \"severity:low p>0.9\" Enter wait:2,0");
    SHOWS("severity:low p>0.9");
    SHOWS("1 low 2(a) One copy may be kept.");
    SHOWS("1 of 1");
    keys("Enter");                      /* in the list itself */
    SHOWS("2 of 2");
    keys("f \"known:rule -reject\" Enter wait:2,0");
    SHOWS("No row fits.");
    keys("h f \"colour:red\" Enter");
    SHOWS("No column \"colour\"; there are: Severity Clause");
    keys("f \"p<much\" Enter");
    SHOWS("\"much\" is no number");
}

static void the_document_marks_its_clauses(void **state)
{
    (void)state;
    keys("Enter j j Enter");
    SHOWS("1. Term. This Agreement ends");
    SHOWS("2(a)");
    keys("j");
    SHOWS("Findings");
    SHOWS("Section 9 does not exist.");
    keys("j");
    SHOWS("One copy may be kept.");
}

/* Every view at every size draws something and leaves nothing behind. */
static void at_any_size(void **state)
{
    (void)state;
    keys("resize:80x24 Enter Enter");
    SHOWS("Section 9");
    keys("Q");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_review_opens_on_what_was_found),
        TEST(findings_lead_to_places_and_claims),
        TEST(a_claim_shows_paths_checks_evidence),
        TEST(the_document_marks_its_clauses),
        TEST(a_struck_clause_that_flips_is_named),
        TEST(the_overview_says_what_to_look_at_first),
        TEST(decisions_say_who_overrode_what),
        TEST(findings_are_decided_and_clauses_struck),
        TEST(clauses_fold_under_their_parents),
        TEST(the_logic_is_drawn),
        TEST(filters_name_columns),
        TEST(at_any_size),
    };
    return cmocka_run_group_tests_name("tui_review", tests, NULL, NULL);
}
