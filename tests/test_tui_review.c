/* The browser on a review: findings, claims and document, by keys and
 * screens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/dbtest.h"
#include "tests/mkreview.h"
#include "tui/app.h"

static struct grid g;
static struct str screen;
static struct db *db;
static struct tui *tui;

static int setup_with(void **state, int n_more)
{
    struct tui_opts o = { .db_name = t.path, .program = "/bin/true" };

    if (dbtest_setup(state))
        return -1;
    str_init(&screen);
    OK(mkreview(t.path, &(struct mkreview_opts){ .n_more = n_more }, &t.msg));
    db = dbtest_reader();
    OK(tui_open(db, &o, &tui, &t.msg));
    return grid_init(&g, 60, 140) != SOR_OK;
}

static int setup(void **state) { return setup_with(state, 0); }
static int setup_more(void **state) { return setup_with(state, 9); }

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

/* ---- orders and folds ---------------------------------------------------- */

static void findings_sort_by_any_column(void **state)
{
    (void)state;
    keys("Enter Enter");
    SHOWS("Severity\u2193");
    SHOWS("\u258c    0  high");
    keys("i");                          /* by clause, from the last */
    SHOWS("Clause \u2193");
    SHOWS("\u258c    0  high");        /* the cursor stays with its row */
    keys("g");
    SHOWS("\u258c    1  low       2(a)");
    keys("I g");
    SHOWS("\u258c    4  note      1 ");
    keys("i i i g");                    /* by p: what has none comes last */
    SHOWS("p \u2191");
    SHOWS("\u258c   10  note      1            Of claim 10.");
    keys("G");
    SHOWS("\u258c    0  high");
    keys("k Enter h");                  /* what acts takes the row that shows */
    SHOWS("\u258c    1  low");
}

static void claims_sort_by_any_column(void **state)
{
    (void)state;
    keys("Enter j Enter");
    SHOWS("\u258c nda-17");
    keys("i g");                        /* numbers in names count as such */
    SHOWS("Claim \u2191");
    SHOWS("\u258c mine");
    keys("j");
    SHOWS("\u258c nda-2 ");
    keys("G");
    SHOWS("\u258c nda-17");
    keys("i i I g");                    /* the surest */
    SHOWS("p \u2193");
    SHOWS("\u258c nda-17");
    keys("G");                          /* no verdict, no p */
    SHOWS("\u258c mine");
    keys("i i i g");
    SHOWS("Wrong \u2193");
    SHOWS("\u258c nda-10");
}

static void claims_unfold_into_their_paths(void **state)
{
    (void)state;
    keys("Enter j Enter");
    SHOWS("+ paths");
    SHOWS("1 of 2");
    keys("+ j");
    SHOWS("2 of 4");
    SHOWS("\u258c   path 0   supported       0.90");
    SHOWS("  path 1   not addressed   0.90");
    SHOWS("differs by        plain");
    SHOWS("It may keep copies.");
    keys("j Enter");                    /* what it read */
    SHOWS("path 1");
    keys("h");
    SHOWS("\u258c   path 1");
    keys("-");
    SHOWS("1 of 2");
    keys("* j j I");
    SHOWS("\u258c   path 1");          /* the order turned, not the cursor */
    SHOWS("4 of 4");
    keys("*");
    SHOWS("2 of 2");
}

/* A mark names the claim, not its row of that day. */
static void marks_find_their_row_in_any_order(void **state)
{
    (void)state;
    keys("Enter j Enter i i i I b");    /* on nda-17, the surest */
    SHOWS("Marked");
    keys("h h ' g Enter");
    SHOWS("\u258c nda-17");
    keys("h h : \"open 5eed\" Enter j j Enter - b");    /* clause 1 */
    SHOWS("Marked");
    keys("G b - h ' g Enter");          /* 2(a), though it is folded now */
    SHOWS("\u258c 2(a)");
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
#define MORE(f) cmocka_unit_test_setup_teardown(f, setup_more, teardown)
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
        TEST(claims_unfold_into_their_paths),
        MORE(findings_sort_by_any_column),
        MORE(claims_sort_by_any_column),
        MORE(marks_find_their_row_in_any_order),
        TEST(at_any_size),
    };
    return cmocka_run_group_tests_name("tui_review", tests, NULL, NULL);
}
