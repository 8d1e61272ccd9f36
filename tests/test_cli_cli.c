/* What every command leans on: exit codes, places, colour, files, Ctrl-C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"

static enum sor_err nothing(struct cli *cli)
{
    (void)cli;
    return SOR_OK;
}

static const struct cmd replay = { .name = "replay", .operands = "RUN",
                                   .summary = "replays", .run = nothing };
static const struct cmd report = { .name = "report", .operands = "",
                                   .summary = "reports", .run = nothing };
/* In the program, main.c's. */
const struct cmd *const cli_commands[] = { &replay, &report, NULL };

static void every_error_has_its_exit_code(void **state)
{
    static const int want[SOR_ERRS] = {
        [SOR_OK] = 0, [SOR_DIFFERS] = 1, [SOR_USAGE] = 2, [SOR_IO] = 3,
        [SOR_FORMAT] = 3, [SOR_UNSUP] = 3, [SOR_LIMIT] = 3, [SOR_NOMEM] = 3,
        [SOR_BUSY] = 3, [SOR_NOTFOUND] = 4, [SOR_INTERRUPTED] = 130,
        [SOR_FULL] = 3,
    };

    (void)state;
    for (int e = 0; e < SOR_ERRS; e++)
        assert_int_equal(cli_exit_code((enum sor_err)e), want[e]);
}

static void commands_are_found_or_guessed(void **state)
{
    struct sor_msg msg;

    (void)state;
    assert_ptr_equal(cli_find("report"), &report);
    assert_null(cli_find("repor"));
    assert_int_equal(cli_no_command("repaly", &msg), SOR_USAGE);
    assert_string_equal(msg.text, "no command 'repaly'; did you mean "
                        "'replay'?");
    cli_no_command("xyz", &msg);
    assert_non_null(strstr(msg.text, "no command 'xyz'"));
    assert_non_null(strstr(msg.text, "sorites help"));
}

static void places_have_an_order(void **state)
{
    struct cli typed = { .db = "typed.db" }, env = { 0 }, home = { 0 };

    (void)state;
    setenv("SORITES_DB", "env.db", 1);
    assert_string_equal(cli_db(&typed), "typed.db");
    assert_string_equal(cli_db(&env), "env.db");
    setenv("SORITES_DB", "", 1);
    setenv("XDG_DATA_HOME", "/d", 1);
    assert_string_equal(cli_db(&home), "/d/sorites/trace.db");
    str_release(&env.db_path);
    str_release(&home.db_path);
}

static void colour_follows_the_conventions(void **state)
{
    static const struct {
        const char *no_color, *force, *term;
        int flag, want;
    } cases[] = {               /* the stream is a file, never a terminal */
        { "", "", "xterm", 0, 0 },      { "", "1", "dumb", 0, 1 },
        { "", "0", "xterm", 0, 0 },     { "1", "1", "xterm", 0, 0 },
        { "", "1", "xterm", 1, 0 },
    };
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cli cli = { .no_color = cases[i].flag };

        setenv("NO_COLOR", cases[i].no_color, 1);
        setenv("CLICOLOR_FORCE", cases[i].force, 1);
        setenv("TERM", cases[i].term, 1);
        assert_int_equal(cli_color(&cli, file), cases[i].want);
    }
    fclose(file);
}

/* The content of the file after a command that ends in err. */
static void check_out(const char *path, enum sor_err err, const char *want)
{
    struct cli cli = { .out = path };
    char have[64] = "";
    FILE *to = cli_out(&cli);

    assert_non_null(to);
    assert_ptr_equal(cli_out(&cli), to);
    fputs("new", to);
    assert_int_equal(cli_close_out(&cli, err), err);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    have[fread(have, 1, sizeof have - 1, f)] = '\0';
    fclose(f);
    assert_string_equal(have, want);
}

static void a_failed_command_leaves_the_old_file(void **state)
{
    char path[] = "/tmp/sorites-out-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "old", 3), 3);
    close(fd);
    check_out(path, SOR_FORMAT, "old");
    check_out(path, SOR_INTERRUPTED, "old");
    check_out(path, SOR_DIFFERS, "new");
    check_out(path, SOR_OK, "new");
    unlink(path);
}

static void second_ctrl_c_ends_at_once(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        cli_catch_signals();
        if (cli_stopped())
            _exit(1);
        raise(SIGTERM);
        if (!cli_stopped())
            _exit(2);
        raise(SIGINT);
        _exit(3);               /* not reached */
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
}

/* What cli_help() writes about cmd. */
static void help(const struct cmd *cmd, char *out, size_t cap)
{
    static const struct opt_spec common[] = {
        { 'q', "quiet", NULL, OPT_FLAG, NULL, "say less", 0, 0 }, OPT_END };
    FILE *file = tmpfile();

    assert_non_null(file);
    cli_help(file, cmd, common);
    rewind(file);
    out[fread(out, 1, cap - 1, file)] = '\0';
    fclose(file);
}

static void help_comes_from_the_tables(void **state)
{
    static const struct opt_spec opts[] = {
        { 'n', "paths", "N", OPT_INT, NULL, "how many", 1, 64 },
        { 0, "trace-level", "off|steps|tokens", OPT_WORD, NULL,
          "far more words than one line of eighty columns would hold, so they "
          "go on below", 0, 0 },
        OPT_END };
    const struct cmd cmd = { .name = "x", .operands = "RUN", .summary = "does",
                             .text = "First.\n\nSecond.", .opts = opts };
    char out[4096];

    (void)state;
    help(&cmd, out, sizeof out);
    assert_string_equal(out,
        "usage: sorites x [options] RUN\n\nDoes.\n\nFirst.\n\nSecond.\n\n"
        "Options:\n"
        "  -n, --paths N           how many\n"
        "      --trace-level off|steps|tokens\n"
        "                          far more words than one line of eighty "
        "columns would\n"
        "                          hold, so they go on below\n\n"
        "Options of every command:\n"
        "  -q, --quiet             say less\n");
    help(NULL, out, sizeof out);
    assert_non_null(strstr(out, "  replay      replays\n  report"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_exit_code),
        cmocka_unit_test(commands_are_found_or_guessed),
        cmocka_unit_test(places_have_an_order),
        cmocka_unit_test(colour_follows_the_conventions),
        cmocka_unit_test(a_failed_command_leaves_the_old_file),
        cmocka_unit_test(second_ctrl_c_ends_at_once),
        cmocka_unit_test(help_comes_from_the_tables),
    };
    return cmocka_run_group_tests_name("cli_cli", tests, NULL, NULL);
}
