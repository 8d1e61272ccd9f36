/* What the browser starts: jobs in the background, one at a time, with their
 * progress, cancelled by C-c; decisions, forks, edits; and what it keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "tests/tuirig.h"

static char program[160], heard[160], state_file[160], go[160];

/* A program that writes what it was asked to a file, then does as its first
 * word says. */
static void write_program(void)
{
    FILE *f;

    snprintf(program, sizeof program, "%s/fake", ui.dir);
    snprintf(heard, sizeof heard, "%s/heard", ui.dir);
    snprintf(go, sizeof go, "%s/go", ui.dir);
    snprintf(state_file, sizeof state_file, "%s/kept", ui.dir);
    f = fopen(program, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n"
            "printf '[%%s]' \"$@\" >> '%s'; echo >> '%s'\n"
            "case $1 in\n"
            "lens) printf '\\rreading  [==  ]  50%%%%\\033[K' >&2\n"
            "      while [ ! -e '%s' ]; do sleep 0.05; done\n"
            "      printf '\\r\\033[K' >&2; echo 'all layers agree' ;;\n"
            "fork) echo eight; echo 'recorded as 3fa20000, a fork' >&2 ;;\n"
            "replay) echo 'path 0, token 3: the digests differ'; exit 1 ;;\n"
            "ablate) sleep 20 ;;\n"
            "decide) : ;;\n"
            "*) echo 'no such thing' >&2; exit 2 ;;\n"
            "esac\n", heard, heard, go);
    fclose(f);
    assert_int_equal(chmod(program, 0700), 0);
    remove(heard);
    remove(go);
    ui.opts.program = program;
}

static const char *was_heard(void)
{
    static char text[4096];
    FILE *f = fopen(heard, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

    if (f)
        fclose(f);
    text[n] = '\0';
    return text;
}

#define HEARD(words)                                                          \
    do {                                                                      \
        if (!strstr(was_heard(), words))                                      \
            fail_msg("\"%s\" was not asked for in:\n%s", words, was_heard()); \
    } while (0)

static void wait_till_busy_shows(const char *words)
{
    for (int i = 0; i < 200 && !has_line(words); i++) {
        play("wait:0,10");
        tui_draw(ui.tui, &ui.g);
        take();
    }
    SHOWS(words);
}

static void a_job_shows_progress_and_ends(void **state)
{
    (void)state;
    write_program();
    browse("plain", 120, 40, "j Enter p t s L");
    SHOWS("Started: lens 3fa20000:0@35.");
    play("j");
    wait_till_busy_shows("lens 3fa20000:0@35 reading [== ] 50%");
    assert_true(tui_wait_ms(ui.tui) <= TUI_FRAME_MS);
    FILE *f = fopen(go, "w");           /* it may end now */
    assert_non_null(f);
    fclose(f);
    play("wait:10,0");
    SHOWS("Done: lens 3fa20000:0@35. J shows what it said.");
    HEARD("[lens][3fa2000000c0ffee00abcdef00000000:0@35][--db]");
    play("J");
    SHOWS("\u258c lens 3fa20000:0@35 done");
    SHOWS("all layers agree");
    SHOWS_NOT("50%");                   /* progress is not what it said */
    play("Enter");
    SHOWS("runs \u203a 3fa20000 \u203a");
}

static void a_negative_and_a_failed_job_say_so(void **state)
{
    (void)state;
    write_program();
    browse("plain", 120, 40, "j P wait:10,0");
    SHOWS("replay 3fa20000: path 0, token 3: the digests differ");
    HEARD("[replay][--verify][3fa2000000c0ffee00abcdef00000000]");
    play("Enter p P wait:10,0 J");
    HEARD("[replay][--verify][--path][0]");
    SHOWS("negative");
    play("h t a A wait:10,0");
    SHOWS("attention 3fa20000:0@36 failed: no such thing");
}

static void jobs_queue_and_ctrl_c_cancels(void **state)
{
    uint64_t begun;

    (void)state;
    write_program();
    browse("plain", 120, 40, "j Enter p t s A");
    SHOWS("Started: ablate");
    play("L");
    SHOWS("Queued: lens");
    play("j");
    SHOWS("(1 waiting)");
    begun = clock_mono_ns();
    play("j k ] [ a <");                /* the screen lives on meanwhile */
    assert_true(clock_mono_ns() - begun < 10000000000u);
    play("C-c");
    SHOWS("Cancelling ablate");
    play("wait:10,0");
    SHOWS("Cancelled: ablate");
    play("J");
    SHOWS("lens 3fa20000:0@35 cancelled");
    assert_null(strstr(was_heard(), "lens"));
    assert_false(tui_done(ui.tui));
    play("C-c");                        /* nothing runs: it quits */
    assert_true(tui_done(ui.tui));
}

static void a_browser_that_leaves_ends_its_job(void **state)
{
    uint64_t begun;

    (void)state;
    write_program();
    browse("plain", 80, 24, "j Enter p t s A");
    begun = clock_mono_ns();
    close_tui();
    assert_true(clock_mono_ns() - begun < 10000000000u);
}

static void forks_come_from_tokens_steps_and_the_editor(void **state)
{
    char editor[200];
    FILE *f;

    (void)state;
    write_program();
    browse("plain", 120, 40, "j Enter p t j B");
    SHOWS("branch off with these words (none: sample anew):");
    play("\" the sum\" Enter wait:10,0");
    HEARD("[fork][3fa2000000c0ffee00abcdef00000000:0@37][--text][ the sum]");
    SHOWS("fork 3fa20000:0@37: recorded as 3fa20000; J opens it.");
    play("J Enter");                    /* beside the run that it came of */
    SHOWS("3fa20000 | 3fa20000");
    play("h h h j Enter B Enter wait:10,0");
    HEARD("[fork][3fa2000000c0ffee00abcdef00000000:1:0][--db]");
    snprintf(editor, sizeof editor, "%s/editor", ui.dir);
    f = fopen(editor, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\necho 'It is 7.' > \"$1\"\n");
    fclose(f);
    assert_int_equal(chmod(editor, 0700), 0);
    setenv("EDITOR", editor, 1);
    unsetenv("VISUAL");
    play("E wait:10,0");
    HEARD("[fork][3fa2000000c0ffee00abcdef00000000:1:0][--text][It is 7.]");
    setenv("EDITOR", "true", 1);        /* leaves it as it was */
    play("E");
    SHOWS("The step's text was left as it was");
    setenv("EDITOR", "false", 1);
    play("E");
    SHOWS("The editor did not end well");
    unsetenv("EDITOR");
}

static void without_a_program_nothing_acts(void **state)
{
    (void)state;
    browse("plain", 120, 40, "j P");
    SHOWS("This browser only looks: it was started read-only.");
    write_program();
    ui.opts.readonly = 1;
    browse("plain", 120, 40, "j Enter p t s L");
    SHOWS("This browser only looks");
    play("B");
    SHOWS("This browser only looks");
    assert_string_equal(was_heard(), "");
}

static void marks_history_and_theme_are_kept(void **state)
{
    (void)state;
    write_program();
    ui.opts.program = NULL;
    ui.opts.state = state_file;
    browse("plain", 120, 40, "j b");
    SHOWS("Open a run first");
    play("Enter p t j j b");
    SHOWS("Marked; ' lists what is marked.");
    play("/ \"shop\" Enter : \"theme light\" Enter f \"p<0.9\" Enter h");
    browse("plain", 120, 40, "'");      /* another start */
    assert_string_equal(tui_theme(ui.tui)->name, "light");
    SHOWS("tokens 3fa20000 path 0");
    play("Enter");
    SHOWS("path 0 tokens");
    SHOWS("\u258c 38");
    play("/ Up");
    SHOWS("/shop");
    play("Esc f Up");
    SHOWS("&p<0.9");
    play("Esc : Up Down");
    SHOWS(":");
    play("Esc b");
    SHOWS("No longer marked.");
    browse("many", 120, 40, "'");       /* each database has its own */
    SHOWS("No place is marked in this database yet.");
}

static void the_users_keys_stand_for_others(void **state)
{
    struct sor_msg msg = { "" };
    char file[160];
    FILE *f;

    (void)state;
    snprintf(file, sizeof file, "%s/keys", ui.dir);
    f = fopen(file, "w");
    assert_non_null(f);
    fputs("# mine\nC-n j\n  e   Enter  # opens\n\n", f);
    fclose(f);
    ui.opts.keys = file;
    browse("plain", 80, 24, "C-n");
    SHOWS("\u258c 3fa20000");
    play("e");
    SHOWS("runs \u203a 3fa20000");
    close_tui();
    f = fopen(file, "w");
    assert_non_null(f);
    fputs("j k\nFrob j\n", f);
    fclose(f);
    assert_int_equal(db_open(path_of("plain"), &ui.db, &msg), SOR_OK);
    assert_int_equal(tui_open(ui.db, &ui.opts, &ui.tui, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, ":2: there is no key \"Frob\""));
}

static void a_search_shows_while_it_is_typed(void **state)
{
    (void)state;
    browse("plain", 120, 40, "j Enter p / \"One pen\"");
    SHOWS("\u258c 2 12");
    play("Esc");
    SHOWS("\u258c 0 8");
    play("/ \"One pen\" Enter");
    SHOWS("\u258c 2 12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TUI_TEST(a_job_shows_progress_and_ends),
        TUI_TEST(a_negative_and_a_failed_job_say_so),
        TUI_TEST(jobs_queue_and_ctrl_c_cancels),
        TUI_TEST(a_browser_that_leaves_ends_its_job),
        TUI_TEST(forks_come_from_tokens_steps_and_the_editor),
        TUI_TEST(without_a_program_nothing_acts),
        TUI_TEST(marks_history_and_theme_are_kept),
        TUI_TEST(the_users_keys_stand_for_others),
        TUI_TEST(a_search_shows_while_it_is_typed),
    };
    return cmocka_run_group_tests_name("tui_act", tests, tuirig_setup,
                                       tuirig_teardown);
}
