/* Errors, logging: sentences that are safe to print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

static void fail_returns_its_error_and_formats(void **state)
{
    struct sor_msg msg;

    (void)state;
    assert_int_equal(sor_fail(&msg, SOR_LIMIT, "%s: %d", "a.gguf", 7),
                     SOR_LIMIT);
    assert_string_equal(msg.text, "a.gguf: 7");
    assert_int_equal(sor_fail(NULL, SOR_IO, "nobody listens"), SOR_IO);
}

static void message_cannot_command_a_terminal(void **state)
{
    struct sor_msg msg;

    (void)state;
    sor_fail(&msg, SOR_IO, "%s: gone", "x\033]0;evil\007\n\xC2\x9B");
    assert_null(strpbrk(msg.text, "\033\007\n"));
    assert_non_null(strstr(msg.text, "\\x9B: gone"));
}

static void long_message_is_cut_at_a_character(void **state)
{
    struct sor_msg msg;
    char name[3 * 400 + 1];

    (void)state;
    for (int i = 0; i < 400; i++)
        memcpy(name + 3 * i, "\xE2\x82\xAC", 3);        /* euro sign */
    name[sizeof name - 1] = '\0';
    for (int lead = 0; lead < 4; lead++) {
        sor_fail(&msg, SOR_IO, "%.*s%s", lead, "abc", name);
        assert_true(utf8_valid(msg.text, strlen(msg.text)));
        assert_null(strstr(msg.text, "\xEF\xBF\xBD"));  /* no U+FFFD */
        assert_in_range(strlen(msg.text), SOR_MSG_BYTES - 4,
                        SOR_MSG_BYTES - 1);
    }
}

static void every_error_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(sor_err_text(SOR_OK), "ok");
    assert_string_equal(sor_err_text(SOR_INTERRUPTED), "interrupted");
    for (int e = 0; e < SOR_ERRS; e++)
        assert_true(strlen(sor_err_text((enum sor_err)e)) > 0);
    assert_string_equal(sor_err_text(SOR_ERRS), "unknown error");
    assert_string_equal(sor_err_text((enum sor_err)-1), "unknown error");
}

/* What the log functions write to stderr while at this level. */
static size_t logged(enum log_level level, char *out, size_t cap)
{
    int pipe_fd[2], saved = dup(STDERR_FILENO);
    ssize_t n;

    assert_int_equal(pipe(pipe_fd), 0);
    dup2(pipe_fd[1], STDERR_FILENO);
    log_set_level(level);
    log_warn("w%d", 1);
    log_info("i\033[2J%s", "\n");
    log_debug("d");
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fd[1]);
    n = read(pipe_fd[0], out, cap - 1);
    close(pipe_fd[0]);
    out[n > 0 ? n : 0] = '\0';
    return strlen(out);
}

static void log_obeys_its_level_and_is_safe(void **state)
{
    char out[256];

    (void)state;
    assert_int_equal(logged(LOG_QUIET, out, sizeof out), 0);
    logged(LOG_WARN, out, sizeof out);
    assert_string_equal(out, "warning: w1\n");
    logged(LOG_INFO, out, sizeof out);
    assert_string_equal(out, "warning: w1\ni\xE2\x90\x9B[2J\n\n");
    logged(LOG_DEBUG, out, sizeof out);
    assert_non_null(strstr(out, "debug: d\n"));
    assert_int_equal(log_get_level(), LOG_DEBUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_returns_its_error_and_formats),
        cmocka_unit_test(message_cannot_command_a_terminal),
        cmocka_unit_test(long_message_is_cut_at_a_character),
        cmocka_unit_test(every_error_has_a_text),
        cmocka_unit_test(log_obeys_its_level_and_is_safe),
    };
    return cmocka_run_group_tests_name("base_err", tests, NULL, NULL);
}
