/* The browser on a terminal of its own (a pseudo terminal): it draws, obeys
 * keys and new sizes, and puts everything back on every way out. */
#define _XOPEN_SOURCE 700               /* posix_openpt() and its kin */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/mkdb.h"
#include "tui/app.h"

enum { WAIT_MS = 10000 };       /* for a loaded machine */

static const char *term = "xterm-256color";     /* of the next browser */
static char dir[64], db_path[128], seen[1 << 20];
static size_t n_seen, n_read;    /* n_read: waited for already */
static const char *program;     /* what jobs run */
static int master = -1, slave = -1;
static pid_t browser;           /* 0: none is running */
static struct termios before;

static int setup(void **state)
{
    struct sor_msg msg;

    (void)state;
    if (mkdb_dir(dir))
        return -1;
    snprintf(db_path, sizeof db_path, "%s/t.db", dir);
    return mkdb(db_path, &(struct mkdb_opts){ .n_token = 40 }, &msg) != SOR_OK;
}

/* A failed test leaves no browser behind. */
static int after_each(void **state)
{
    (void)state;
    if (browser > 0) {
        kill(browser, SIGKILL);
        waitpid(browser, NULL, 0);
        close(slave);
        close(master);
    }
    browser = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mkdb_dir_remove(dir);
    return 0;
}

/* ---- a terminal and the browser in it -------------------------------------- */

static void set_size(unsigned short cols, unsigned short rows)
{
    struct winsize w = { .ws_row = rows, .ws_col = cols };

    assert_int_equal(ioctl(slave, TIOCSWINSZ, &w), 0);
}

static void child(const char *tty)
{
    struct tui_opts o = { .db_name = db_path, .program = program };
    struct sor_msg msg = { "" };
    struct db *d = NULL;
    enum sor_err err;
    int fd;

    setsid();                           /* so that opening it makes it ours */
    fd = open(tty, O_RDWR);
    dup2(fd, 0);
    dup2(fd, 1);
    dup2(fd, 2);
    setenv("TERM", term, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    err = db_open(db_path, &d, &msg);
    if (!err)
        err = tui_run(d, &o, &msg);
    db_close(d);
    _exit((int)err);
}

static pid_t start(void)
{
    n_seen = n_read = 0;
    master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    set_size(100, 30);
    assert_int_equal(tcgetattr(slave, &before), 0);
    browser = fork();
    assert_true(browser >= 0);
    if (browser == 0)
        child(ptsname(master));
    return browser;
}

/* Reads on, from behind what the last call found, until `what` has come. */
static int wait_for(const char *what)
{
    struct pollfd p = { .fd = master, .events = POLLIN };

    for (;;) {
        for (; n_read + strlen(what) <= n_seen; n_read++)
            if (memcmp(seen + n_read, what, strlen(what)) == 0) {
                n_read += strlen(what);
                return 1;
            }
        if (n_seen == sizeof seen || poll(&p, 1, WAIT_MS) != 1)
            return 0;
        ssize_t n = read(master, seen + n_seen, sizeof seen - n_seen);
        if (n <= 0)
            return 0;
        n_seen += (size_t)n;
    }
}

static void type(const char *s)
{
    assert_int_equal(write(master, s, strlen(s)), (ssize_t)strlen(s));
}

/* Waits for the end and checks that nothing of the browser stays behind. */
static int end(pid_t pid)
{
    struct termios after;
    int status;

    assert_true(wait_for("\033[?1049l"));       /* xterm: the old screen */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    browser = 0;
    assert_int_equal(tcgetattr(slave, &after), 0);
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_int_equal(after.c_iflag, before.c_iflag);
    assert_int_equal(after.c_oflag, before.c_oflag);
    close(slave);
    close(master);
    return status;
}

/* ---- the tests ------------------------------------------------------------ */

static void keys_are_obeyed_and_q_leaves(void **state)
{
    pid_t pid = start();
    int status;

    (void)state;
    assert_true(wait_for("3fa20001"));
    type("j\r");
    assert_true(wait_for("pens at"));
    type("/Anna\r");
    assert_true(wait_for("/Anna"));
    type("\033[B\033OBp");                      /* Down, twice, two ways */
    assert_true(wait_for("paths"));
    type("qqq");
    status = end(pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SOR_OK);
}

/* OSC 52, and only when asked: "3fa20001", a tab. */
static void a_row_is_copied_to_the_terminal(void **state)
{
    pid_t pid = start();

    (void)state;
    assert_true(wait_for("3fa20001"));
    type("jk");
    assert_true(wait_for("3fa20000"));
    for (size_t i = 0; i + 4 < n_seen; i++)
        assert_memory_not_equal(seen + i, "\033]52", 4);
    type("Y");
    assert_true(wait_for("\033]52;c;M2ZhMjAwMDEJ"));
    assert_true(wait_for("\a"));
    type("Q");
    assert_int_equal(WEXITSTATUS(end(pid)), SOR_OK);
}

static void new_sizes_are_followed(void **state)
{
    static const unsigned short sizes[][2] = {
        { 60, 20 }, { 200, 60 }, { 80, 24 }, { 79, 24 }, { 300, 90 },
        { 10, 3 }, { 120, 40 } };
    pid_t pid = start();

    (void)state;
    assert_true(wait_for("3fa20001"));
    for (int round = 0; round < 5; round++)     /* a storm */
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            set_size(sizes[i][0], sizes[i][1]);
            kill(pid, SIGWINCH);
        }
    set_size(60, 20);
    kill(pid, SIGWINCH);
    assert_true(wait_for("60 x 20"));
    set_size(200, 60);
    kill(pid, SIGWINCH);
    assert_true(wait_for("State"));             /* a column of wide screens */
    type("Q");
    assert_int_equal(WEXITSTATUS(end(pid)), SOR_OK);
}

static void signals_put_the_terminal_back(void **state)
{
    static const int sigs[] = { SIGTERM, SIGHUP, SIGABRT, SIGSEGV, SIGQUIT };

    (void)state;
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
        int status;

        if (sigs[i] == SIGSEGV && getenv("SORITES_TEST_UNDER")) {
            print_message("valgrind keeps SIGSEGV to itself\n");
            continue;
        }
        pid_t pid = start();
        assert_true(wait_for("3fa20001"));
        kill(pid, sigs[i]);
        status = end(pid);
        if (sigs[i] == SIGTERM || sigs[i] == SIGHUP) {
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), SOR_INTERRUPTED);
        } else {
            assert_true(WIFSIGNALED(status));
            assert_int_equal(WTERMSIG(status), sigs[i]);
        }
    }
}

static void ctrl_c_cancels_a_prompt_then_quits(void **state)
{
    pid_t pid = start();

    (void)state;
    assert_true(wait_for("3fa20001"));
    type(":");
    assert_true(wait_for("\033[?25h"));         /* xterm: a cursor to type at */
    type("\003");
    assert_true(wait_for("\033[?25l"));         /* and none */
    type("j\rp");                       /* the prompt is gone: these are keys */
    assert_true(wait_for("paths"));
    type("\003");
    assert_int_equal(WEXITSTATUS(end(pid)), SOR_OK);
}

static void write_script(char path[160], const char *name, const char *lines)
{
    FILE *f;

    snprintf(path, 160, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n%s\n", lines);
    fclose(f);
    assert_int_equal(chmod(path, 0700), 0);
}

/* C-c is a signal to the whole terminal: it ends the job and not the browser,
 * which lends the terminal to an editor and takes it back. */
static void jobs_and_editors_come_and_go(void **state)
{
    char slow[160], editor[160];
    pid_t pid;

    (void)state;
    write_script(slow, "slow", "echo 'on its way' >&2\nexec sleep 30");
    write_script(editor, "editor", "echo 'edited here'");
    program = slow;
    setenv("EDITOR", editor, 1);
    unsetenv("VISUAL");
    pid = start();
    assert_true(wait_for("3fa20001"));
    type("P");
    assert_true(wait_for("Started: replay"));
    type("j");
    assert_true(wait_for("on its way"));
    type("\003");
    assert_true(wait_for("Cancel"));
    type("\rp\rE");
    assert_true(wait_for("edited here"));
    assert_true(wait_for("left as it was"));
    type("Q");
    assert_int_equal(WEXITSTATUS(end(pid)), SOR_OK);
    program = NULL;
    unsetenv("EDITOR");
}

static void without_a_terminal_it_says_so(void **state)
{
    struct tui_opts o = { 0 };
    struct sor_msg msg = { "" };
    struct db *d;
    int in = dup(STDIN_FILENO), null = open("/dev/null", O_RDWR);

    (void)state;
    assert_int_equal(db_open(db_path, &d, &msg), SOR_OK);
    dup2(null, STDIN_FILENO);
    assert_int_equal(tui_run(d, &o, &msg), SOR_USAGE);
    assert_non_null(strstr(msg.text, "needs a terminal"));
    dup2(in, STDIN_FILENO);
    close(in);
    close(null);
    db_close(d);
}

static void no_cursor_no_browser(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    term = "dumb";
    pid = start();
    term = "xterm-256color";
    assert_int_equal(waitpid(pid, &status, 0), pid);
    browser = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SOR_UNSUP);
    assert_int_equal(poll(&(struct pollfd){ .fd = master, .events = POLLIN },
                          1, 0), 0);            /* not a byte was sent */
    close(slave);
    close(master);
}

#define TERMINAL(f) cmocka_unit_test_teardown(f, after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TERMINAL(keys_are_obeyed_and_q_leaves),
        TERMINAL(a_row_is_copied_to_the_terminal),
        TERMINAL(new_sizes_are_followed),
        TERMINAL(signals_put_the_terminal_back),
        TERMINAL(ctrl_c_cancels_a_prompt_then_quits),
        TERMINAL(jobs_and_editors_come_and_go),
        TERMINAL(without_a_terminal_it_says_so),
        TERMINAL(no_cursor_no_browser),
    };
    return cmocka_run_group_tests_name("tui_term", tests, setup, teardown);
}
