/* The program as a script meets it: exit codes, what goes to which stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/commands.h"

static char dir[] = "/tmp/sorites-cli-XXXXXX";
static char out[1 << 14], err[1 << 14];

static void slurp(const char *leaf, char *to, size_t cap)
{
    char path[64];

    snprintf(path, sizeof path, "%s/%s", dir, leaf);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    to[fread(to, 1, cap - 1, f)] = '\0';
    fclose(f);
}

/* Runs `$SORITES_PROG args` in the shell; fills out and err, returns the exit
 * code. */
static int sorites(const char *args)
{
    const char *prog = getenv("SORITES_PROG");
    char line[1024];

    if (!prog || access(prog, X_OK) != 0) {
        print_message("SORITES_PROG names no program\n");
        skip();
    }
    snprintf(line, sizeof line, "'%s' %s >%s/out 2>%s/err", prog, args, dir,
             dir);
    int status = system(line);
    assert_true(WIFEXITED(status));
    slurp("out", out, sizeof out);
    slurp("err", err, sizeof err);
    return WEXITSTATUS(status);
}

static void help_is_a_result_and_misuse_is_talk(void **state)
{
    (void)state;
    assert_int_equal(sorites("--help"), 0);
    assert_non_null(strstr(out, "Commands:"));
    assert_string_equal(err, "");
    assert_int_equal(sorites("help info"), 0);
    assert_non_null(strstr(out, "usage: sorites info [options]\n"));
    assert_int_equal(sorites("info -h"), 0);
    assert_int_equal(sorites("-h info"), 0);
    assert_non_null(strstr(out, "usage: sorites info [options]\n"));
    assert_int_equal(sorites(""), 2);
    assert_string_equal(out, "");
    assert_non_null(strstr(err, "Commands:"));
}

/* One empty line between parts, whatever a command's text ends in. */
static void help_has_single_blank_lines(void **state)
{
#define NAME(name) #name,
    static const char *const names[] = { CLI_COMMANDS(NAME) };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char args[64];

        snprintf(args, sizeof args, "help %s", names[i]);
        assert_int_equal(sorites(args), 0);
        if (strstr(out, "\n\n\n"))
            fail_msg("%s", out);
    }
}

static void a_question_has_no_full_stop(void **state)
{
    (void)state;
    assert_int_equal(sorites("help faithful"), 0);
    assert_non_null(strstr(out, "from the reasoning?\n"));
    assert_int_equal(sorites("help info"), 0);
    assert_non_null(strstr(out, ".\n"));
}

static void misuse_exits_2_with_a_sentence(void **state)
{
    static const struct {
        const char *args, *said;
    } cases[] = {
        { "inof", "sorites: no command 'inof'; did you mean 'info'?\n" },
        { "info --jsno", "sorites info: no option --jsno; did you mean "
                         "--json?" },
        { "info x", "sorites info: one operand too many: 'x'\n" },
        { "-t 0 info", "sorites: --threads: '0' is not a whole number" },
        { "info --db ''", "sorites info: --db: the file's name is empty\n" },
        { "help nothing", "sorites help: no command 'nothing', and none "
                          "like it; `sorites help` lists them\n" },
        { "help grahp", "no command 'grahp'; did you mean 'graph'?\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sorites(cases[i].args), 2);
        assert_string_equal(out, "");
        assert_non_null(strstr(err, cases[i].said));
        assert_non_null(strstr(err, "--help`\n"));
    }
}

static void typed_bytes_cannot_command_the_terminal(void **state)
{
    (void)state;
    assert_int_equal(sorites("\"$(printf '\\033]0;x')\""), 2);
    assert_null(strchr(err, '\033'));
}

static void info_tells_where_the_model_is(void **state)
{
    cJSON *tree = NULL;

    (void)state;
    setenv("SORITES_MODEL", "/from/environment", 1);
    assert_int_equal(sorites("info --json -m /typed"), 0);
    assert_int_equal(json_parse(out, strlen(out), "info", &tree, NULL), SOR_OK);
    cJSON *model = cJSON_GetObjectItemCaseSensitive(tree, "model");
    cJSON *path = cJSON_GetObjectItemCaseSensitive(model, "path");
    assert_string_equal(cJSON_GetStringValue(path), "/typed");
    cJSON_Delete(tree);
    assert_int_equal(sorites("info"), 0);
    assert_non_null(strstr(out, "/from/environment (not there)"));
    setenv("SORITES_MODEL", "", 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    assert_int_equal(sorites("info"), 0);
    assert_non_null(strstr(out, " /data/sorites/models/SmolLM2"));
    assert_non_null(strstr(out, " /data/sorites/trace.db"));
    unsetenv("SORITES_MODEL");
}

static void output_goes_to_a_file_or_fails_cleanly(void **state)
{
    char args[128], path[64], kept[256];
    struct stat st;

    (void)state;
    snprintf(path, sizeof path, "%s/result", dir);
    snprintf(args, sizeof args, "info -o %s", path);
    assert_int_equal(sorites(args), 0);
    assert_string_equal(out, "");
    slurp("result", kept, sizeof kept);
    assert_non_null(strstr(kept, "sorites"));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    unlink(path);

    assert_int_equal(sorites("info -o -"), 0);
    assert_non_null(strstr(out, "kernels"));
    assert_int_equal(sorites("info -o /nowhere/x"), 3);
    assert_non_null(strstr(err, "/nowhere/x: cannot be written"));
    assert_int_equal(sorites("info -o /tmp"), 3);
    if (access("/dev/full", W_OK) == 0)
        assert_int_equal(sorites("info -o /dev/full"), 3);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "%s/out", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/err", dir);
    unlink(path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_is_a_result_and_misuse_is_talk),
        cmocka_unit_test(help_has_single_blank_lines),
        cmocka_unit_test(a_question_has_no_full_stop),
        cmocka_unit_test(misuse_exits_2_with_a_sentence),
        cmocka_unit_test(typed_bytes_cannot_command_the_terminal),
        cmocka_unit_test(info_tells_where_the_model_is),
        cmocka_unit_test(output_goes_to_a_file_or_fails_cleanly),
    };
    return cmocka_run_group_tests_name("cli_main", tests, make_dir, remove_dir);
}
