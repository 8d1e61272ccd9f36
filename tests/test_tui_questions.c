/* The seven questions that whoever has never seen the browser must be able to
 * answer, by the keys on the screen alone, at every size: each key is pressed
 * only where the screen offers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db/probe.h"
#include "db/write.h"
#include "tests/mkreview.h"
#include "tests/tuirig.h"

static const char contract[] =
    "7.1 The Customer may use the service.\n"
    "7.2 The Supplier shall keep the data secret.\n"
    "7.3 Each party may end this.";
enum { IN_7_2 = 16 };           /* a token in the middle of that line */

static void all_of(const char *name)
{
    struct sor_msg msg = { "" };

    make(name, &(struct mkdb_opts){ .n_run = 1, .n_path = 4, .guard = 20,
                                    .n_token = 40, .heads = 1,
                                    .prompt = contract, .look_pos = IN_7_2 });
    if (mkreview(path_of(name), &(struct mkreview_opts){ .n_more = 4 }, &msg))
        fail_msg("%s", msg.text);
}

/* The last line names the key and what it does; then it is pressed. */
static void press(const char *key, const char *word)
{
    const char *bar = strrchr(ui.screen.p, '\n');
    char offer[48];

    while (bar > ui.screen.p && bar[-1] != '\n')
        bar--;
    snprintf(offer, sizeof offer, "%s %s", key, word);
    if (!strstr(bar, offer))
        fail_msg("the bar does not offer \"%s\":\n%s", offer, ui.screen.p);
    play(key);
}

/* What a prompt at the bottom asks for. */
static void answer(const char *label, const char *words)
{
    char script[96];

    SHOWS(label);
    snprintf(script, sizeof script, "\"%s\"", words);
    play(script);
    press("Enter", "do it");
}

/* The row of the cursor begins with these words. */
static int on_row(const char *words)
{
    const char *at = strstr(ui.screen.p, "\n\u258c");

    for (at = at ? at + strlen("\n\u258c") : ""; *words; words++, at++) {
        if (*words == ' ' && *at != ' ')
            return 0;
        at += strspn(at, " ");
        words += strspn(words, " ");
        if (*at != *words)
            return 0;
    }
    return *at == ' ';
}

/* Down, as arrows do everywhere, until the cursor is on the row. */
static void down_to(const char *row)
{
    for (int i = 0; i < 60 && !on_row(row); i++)
        play("Down");
    if (!on_row(row))
        fail_msg("no row reads \"%s\" in:\n%s", row, ui.screen.p);
}

/* In a text the line that Enter opens has no sign of its own but its look. */
static void to_line(const char *words)
{
    for (int i = 0; i < 60; i++) {
        for (int row = 0; row < ui.g.rows; row++) {
            const struct cell *c = grid_at(&ui.g, row, 4);
            struct grid line = { ui.g.cell + row * ui.g.cols, 1, ui.g.cols,
                                 0 };
            struct str s;
            int found;

            if (!(c->style & CELL_SELECT))
                continue;
            str_init(&s);
            grid_dump(&line, &s);
            found = strstr(s.p, words) != NULL;
            str_release(&s);
            if (found)
                return;
        }
        play("Down");
    }
    fail_msg("no line to open reads \"%s\":\n%s", words, ui.screen.p);
}

static void open_run(int i)
{
    browse("all", sizes[i].cols, sizes[i].rows, "");
    SHOWS("3fa20000 7.1 The");          /* cut as the size wants */
    down_to("3fa20000");
    press("Enter", "open");
}

static void open_review(int i)
{
    browse("all", sizes[i].cols, sizes[i].rows, "");
    down_to("5eed0123");
    press("Enter", "open");
}

/* ---- of a run ------------------------------------------------------------ */

/* Block 32..47 of path 3, in which it leaves path 1, was computed sparse. */
static void put_sparse_block(void)
{
    struct db_put_route r = { .mode = "sparse", .reason = "score",
                              .score = 0.125, .low = 0.25, .high = 0.75 };
    struct sor_msg msg = { "" };
    struct db_writer *w = NULL;
    struct db *d = NULL;
    struct db_addr at;

    make("sparse", &(struct mkdb_opts){ .n_run = 1, .n_path = 4,
                                        .every = -1 });
    if (db_open(path_of("sparse"), &d, &msg) ||
        db_find(d, "3fa20000:3", &at, &msg))
        fail_msg("%s", msg.text);
    db_close(d);
    for (int i = 0; i < DB_ROUTE_PARTS; i++)
        r.part[i] = i ? NAN : 0.125;
    r.path_id = at.path_id;
    r.pos = 36;
    assert_int_equal(db_writer_open(path_of("sparse"),
                     &(struct db_writer_opts){ 0 }, &w, &msg), SOR_OK);
    assert_int_equal(db_begin(w, 1, &msg), SOR_OK);
    assert_int_equal(db_put_route(w, &r, &msg), SOR_OK);
    assert_int_equal(db_commit(w, NULL, &msg), SOR_OK);
    db_writer_close(w);
}

/* At which token did path 3 part from path 1, and why was that block routed
 * sparse? */
static void where_path_3_parts_and_why_sparse(void **state)
{
    (void)state;
    put_sparse_block();
    EACH_SIZE(i) {
        browse("sparse", sizes[i].cols, sizes[i].rows, "");
        press("Enter", "open");
        press("p", "paths");
        down_to("1 8");
        press("x", "compare");
        down_to("3 8");
        press("x", "compare");
        SHOWS("They first part at token 36, here");
        press("s", "story");
        SHOWS("3fa20000:3@36");
        play("/ \"sparse\" Enter");
        SHOWS("complexity 0.125 lies below 0.250");
    }
}

/* Which head attends most to clause 7.2? */
static void which_head_attends_most_to_clause_7_2(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_run(i);
        press("p", "paths");
        press("t", "tokens");
        press("a", "heads");
        press("t", "aim");
        answer("aim at (words, or FROM:TO): ", "7.2");
        SHOWS("\"7.2\", tokens");
        press("x", "highest");
        SHOWS("layer 2, head 5: 0.9");
    }
}

/* How often did the guard act in this run? */
static void how_often_the_guard_acted(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_run(i);
        press("u", "routing");
        play("wait:5,0");
        SHOWS("The guard acted on 17 of 290 tokens");
    }
}

/* Which steps does the conclusion depend on?  Path 0 without its step 1 is
 * much less sure of its end. */
static void put_effects(void)
{
    static const double after[] = { -0.1, -2.5, -0.3, -0.2, -0.15 };
    struct db_probe p = { .kind = "ablate", .params = "{}", .logprob = -0.1,
                          .isa = "ref", .program = "1", .pos = 60,
                          .token_id = -1 };
    struct sor_msg msg = { "" };
    struct db_writer *w = NULL;
    struct db_step s[5] = { { 0 } };
    struct db *d = NULL;
    struct db_addr at;
    struct db_run run;
    struct db_cur *c;
    int64_t id = 0;
    int n = 0;

    if (db_open(path_of("all"), &d, &msg) ||
        db_find(d, "3fa20000:0", &at, &msg))
        fail_msg("%s", msg.text);
    assert_int_equal(db_get_run(d, at.run_id, &run), 1);
    p.run_id = at.run_id;
    p.path_id = at.path_id;
    p.model_id = run.model_id;
    c = db_steps(d, at.path_id, (struct db_window){ 0, 0, 0 });
    while (n < 5 && db_step_next(c, &s[n]) == 1)
        n++;
    db_cur_close(c);
    db_close(d);
    if (db_writer_open(path_of("all"), &(struct db_writer_opts){ 0 }, &w,
                       &msg) || db_begin(w, p.run_id, &msg) ||
        db_put_probe(w, &p, &id, &msg))
        fail_msg("%s", msg.text);
    for (int i = 0; i < n; i++)
        if (db_put_probe_row(w, DB_EFFECT, id, &(struct db_effect){
                .how = "recompute", .measured = "causal", .layer = -1,
                .head = -1, .span_from = s[i].tok_from,
                .span_to = s[i].tok_to, .logprob = after[i], .kl = 0.1 },
                &msg))
            fail_msg("%s", msg.text);
    assert_int_equal(db_commit(w, NULL, &msg), SOR_OK);
    db_writer_close(w);
}

static void which_steps_the_conclusion_depends_on(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_run(i);
        press("p", "paths");
        press("Enter", "open");
        press("d", "depends");
        SHOWS("\u258c 1 compute -2.400");   /* the greatest effect first */
        SHOWS("effect -2.400 nats");
        SHOWS("0 plan +0.000");
    }
}

/* ---- of a review --------------------------------------------------------- */

/* Which clause, if struck, flips claim 4? */
static void which_clause_flips_claim_4(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_review(i);
        to_line("claims");
        press("Enter", "open");
        SHOWS("Flips if");
        down_to("nda-4 not addressed");
        SHOWS("\u258c nda-4 not addressed 0.80");
        press("Tab", "pane");           /* the pane has more than is in sight */
        for (int k = 0; k < 60 && !has_line("flips it clause 2 struck"); k++)
            play("Down");
        SHOWS("flips it clause 2 struck out");
    }
}

/* What must I look at first in this contract, and how often is that claim's
 * verdict wrong? */
static void what_to_look_at_first_and_how_often_wrong(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_review(i);
        SHOWS("Look first at");
        SHOWS("1 low One copy may be kept.");
        SHOWS("8 of 100 such verdicts were");
        to_line("One copy may be kept.");
        press("Enter", "open");
        SHOWS("\u258c 1 low");
        SHOWS("8 of 100 such verdicts were");
    }
}

/* Who overrode which finding? */
static void who_overrode_which_finding(void **state)
{
    (void)state;
    EACH_SIZE(i) {
        open_review(i);
        to_line("1 decisions");
        press("Enter", "open");
        SHOWS("Ann");
        SHOWS("rejected");
        SHOWS("Section 9 does not exist.");
        SHOWS("why It is in the annex.");
    }
}

static int setup(void **state)
{
    if (tuirig_setup(state))
        return -1;
    all_of("all");
    put_effects();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TUI_TEST(where_path_3_parts_and_why_sparse),
        TUI_TEST(which_clause_flips_claim_4),
        TUI_TEST(what_to_look_at_first_and_how_often_wrong),
        TUI_TEST(which_head_attends_most_to_clause_7_2),
        TUI_TEST(how_often_the_guard_acted),
        TUI_TEST(which_steps_the_conclusion_depends_on),
        TUI_TEST(who_overrode_which_finding),
    };
    return cmocka_run_group_tests_name("tui_questions", tests, setup,
                                       tuirig_teardown);
}
