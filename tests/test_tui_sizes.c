/* Every view there is, opened by keys, at 80x24, 120x40 and 200x60: what its
 * screen must read.  A view without a script here fails the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "db/write.h"
#include "tests/mkreview.h"
#include "tests/tuirig.h"
#include "tui/state.h"

enum { WORDS = 4 };

static const struct script {
    const struct view_ops *view;
    const char *keys;           /* from the list of runs, on the newest */
    const char *shows[WORDS];
} scripts[] = {
    { &view_runs, "",
      { "Run Question Answer Votes Tokens", "\u258c 3fa20001 Le caf\u00e9",
        "3fa20000 A shop sells", "1 of 3" } },
    { &view_run, "j Enter",
      { "runs \u203a 3fa20000", "8 \u2588\u2588", "75 % 3 paths: 0,1,3",
        "p paths y time u routing" } },
    { &view_diff, "x j x",
      { "3fa20001 | 3fa20000", "Paths: answer left" } },
    { &view_paths, "j Enter p j",
      { "\u203a paths", "\u258c 1 8", "Mean p", "2 of 4" } },
    { &view_compare, "j Enter p x j j x",
      { "path 0 | 2", "Left p Right p", "They first part at token 36" } },
    { &view_timeline, "j Enter y j", { "Path 0", "\u258c 1", "2 of 4" } },
    { &view_routing, "j Enter u wait:5,0",
      { "Guard", "The guard acted on 16 of", "\u258c all" } },
    { &view_steps, "j Enter p Enter j",
      { "3fa20000 \u203a path 0", "0 plan", "\u258c 1 compute", "3 conclude" } },
    { &view_depends, "j Enter p Enter d",
      { "depends on", "Step Role Effect Same Away", "A remove each" } },
    { &view_edges, "j Enter p Enter j e",
      { "step 1 edges", "Edge Other end Weight Known by",
        "\u2190 follows step 0 1.00 rule" } },
    { &view_graph, "j Enter p Enter w",
      { "graph of steps", "0 plan", "\u2192 1 compute" } },
    { &view_tokens, "j Enter p t",
      { "path 0 tokens", "\u258c 36 First", "It could have been" } },
    { &view_story, "j Enter p t s",
      { "story of token 36", "It could have been", "] next" } },
    { &view_layers, "j Enter p t Enter j",
      { "Layer Mode Norm Change Entropy", "\u258c 1", "2 of 6",
        "layer 1 of 6" } },
    { &view_heads, "j Enter p t a",
      { "heads of token 36", "\u258c 0", "layer 0, head 0:", "t aim" } },
    { &view_heat, "j Enter p v l",
      { "path 0 map", "36 First", "token 36, layer 1:" } },
    { &view_findings, "G Enter Enter",
      { "Clause Finding", "\u258c 0 high 2 Section 9", "reject",
        "1 of 4" } },
    { &view_decisions, "G Enter Enter d",
      { "Who Finding Decision Verdict", "\u258c Ann", "rejected" } },
    { &view_claims, "G Enter j Enter",
      { "Claim Verdict", "\u258c nda-17 supported 0.93", "2(a)",
        "mine not yet" } },
    { &view_document, "G Enter j j Enter j",
      { "Clause", "1 1. Term.", "\u258c 2 high", "2(a)" } },
    { &view_losses, "j Enter : \"losses\" Enter",
      { "1,234 56 the ring was full", "\u258c" } },
    { &view_matches, "j Enter p f \"answer:12\" Enter wait:2,0",
      { "answer:12", "Row Reads", "\u258c 3 2 12", "1 of 1" } },
    { &view_marks, "j Enter p b '",
      { "View Run Place Words", "\u258c paths 3fa20000" } },
    { &view_jobs, "J", { "Nothing was started here" } },
    { &view_sql, ": \"sql select 7 * 6 as six\" Enter",
      { "select 7 * 6 as six", "six", "42", "rows 1" } },
    { &view_help, "?",
      { "runs: every run in the database", "x choose; on a second run",
        "Enter l Right open the row" } },
};
enum { SCRIPTS = sizeof scripts / sizeof *scripts };

static void every_view_has_a_script(void **state)
{
    (void)state;
    for (int i = 0; views[i]; i++) {
        int n = 0;

        for (int k = 0; k < SCRIPTS; k++)
            n += scripts[k].view == views[i];
        if (n == 0)
            fail_msg("no script opens the view %s", views[i]->name);
    }
}

static void every_view_reads_as_it_must(void **state)
{
    (void)state;
    for (int k = 0; k < SCRIPTS; k++)
        EACH_SIZE(i) {
            const struct script *s = &scripts[k];

            browse("all", sizes[i].cols, sizes[i].rows, s->keys);
            if (tui_top(ui.tui)->ops != s->view)
                fail_msg("\"%s\" opens %s, not %s", s->keys,
                         tui_top(ui.tui)->ops->name, s->view->name);
            for (int w = 0; w < WORDS && s->shows[w]; w++)
                SHOWS(s->shows[w]);
            /* the line of places above, the bar of keys below */
            assert_int_equal(grid_at(&ui.g, 0, 1)->style & 0xff, ROLE_TITLE);
            assert_int_equal(grid_at(&ui.g, ui.g.rows - 1, 1)->style & 0xff,
                             ROLE_KEY);
            play("h");                  /* and back to where it came from */
            assert_true(k == 0 || !tui_done(ui.tui));
        }
}

static int setup(void **state)
{
    struct db_loss loss = { .run_id = 1, .from_seq = 1234, .n_event = 56,
                            .reason = "the ring was full" };
    struct sor_msg msg = { "" };
    struct db_writer *w = NULL;

    if (tuirig_setup(state))
        return -1;
    make("all", &(struct mkdb_opts){ .n_run = 2, .n_path = 4, .n_token = 40,
                                     .heads = 1, .guard = 20 });
    if (mkreview(path_of("all"), &(struct mkreview_opts){ .n_more = 2 },
                 &msg) ||
        db_writer_open(path_of("all"), &(struct db_writer_opts){ 0 }, &w,
                       &msg) ||
        db_begin(w, 1, &msg) || db_put_loss(w, &loss, &msg) ||
        db_commit(w, NULL, &msg))
        return -1;
    db_writer_close(w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TUI_TEST(every_view_has_a_script),
        TUI_TEST(every_view_reads_as_it_must),
    };
    return cmocka_run_group_tests_name("tui_sizes", tests, setup,
                                       tuirig_teardown);
}
