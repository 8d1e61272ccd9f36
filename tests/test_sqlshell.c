/* The shell of `sorites sql` on a terminal of its own (a pseudo terminal): it
 * completes, remembers, pages, and puts the terminal back. */
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
#include <time.h>
#include <unistd.h>

#include "tests/mkdb.h"
#include "tests/prog.h"

enum { WAIT_MS = 20000 };       /* for a loaded machine */

static char seen[1 << 18];
static size_t n_seen, n_read;   /* n_read: waited for already */
static int master = -1, slave = -1;
static pid_t shell;             /* 0: none is running */
static struct termios before;

static int setup(void **state)
{
    struct sor_msg msg;
    char path[128];

    if (prog_setup(state) != 0)
        return -1;
    snprintf(path, sizeof path, "%s/t.db", prog_dir);
    return mkdb(path, &(struct mkdb_opts){ .n_token = 40 }, &msg) != SOR_OK;
}

static int after_each(void **state)
{
    (void)state;
    if (shell > 0) {
        kill(shell, SIGKILL);
        waitpid(shell, NULL, 0);
        close(slave);
        close(master);
    }
    shell = 0;
    return 0;
}

static void child(const char *program, const char *tty, const char *pager)
{
    char full[400];
    int fd;

    if (*program == '/' || !getcwd(full, sizeof full - strlen(program) - 2))
        full[0] = '\0';
    else
        strcat(full, "/");
    strcat(full, program);
    setsid();                           /* so that opening it makes it ours */
    fd = open(tty, O_RDWR);
    dup2(fd, 0);
    dup2(fd, 1);
    dup2(fd, 2);
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("PAGER", pager, 1);
    if (chdir(prog_dir) == 0)
        execl(full, "sorites", "sql", "t.db", (char *)NULL);
    _exit(99);
}

static void start(const char *pager)
{
    struct winsize w = { .ws_row = 30, .ws_col = 100 };
    const char *program = getenv("SORITES_PROG");

    if (!program)
        skip();
    n_seen = n_read = 0;
    master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    assert_int_equal(ioctl(slave, TIOCSWINSZ, &w), 0);
    assert_int_equal(tcgetattr(slave, &before), 0);
    shell = fork();
    assert_true(shell >= 0);
    if (shell == 0)
        child(program, ptsname(master), pager);
}

/* Reads on, from behind what the last call found, until `what` has come. */
static void await(const char *what)
{
    struct pollfd p = { .fd = master, .events = POLLIN };

    for (;;) {
        for (; n_read + strlen(what) <= n_seen; n_read++)
            if (memcmp(seen + n_read, what, strlen(what)) == 0) {
                n_read += strlen(what);
                return;
            }
        ssize_t n = -1;
        if (n_seen < sizeof seen && poll(&p, 1, WAIT_MS) == 1)
            n = read(master, seen + n_seen, sizeof seen - n_seen);
        if (n <= 0)
            fail_msg("waited for '%s' in vain; last: %.*s", what,
                     (int)(n_seen < 400 ? n_seen : 400),
                     seen + n_seen - (n_seen < 400 ? n_seen : 400));
        n_seen += (size_t)n;
    }
}

static void type(const char *s)
{
    assert_int_equal(write(master, s, strlen(s)), (ssize_t)strlen(s));
}

/* A person is slower than the way from the prompt to the first read. */
static void settle(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
}

/* Waits for its end; the terminal is as it was. */
static int end(void)
{
    struct termios after;
    int status;

    assert_int_equal(waitpid(shell, &status, 0), shell);
    shell = 0;
    assert_int_equal(tcgetattr(slave, &after), 0);
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_int_equal(after.c_iflag, before.c_iflag);
    close(slave);
    close(master);
    return status;
}

static void it_completes(void **state)
{
    (void)state;
    start("");
    await("sorites> ");
    type(".mo\t");
    await(".mo");
    type("mark\t\r");
    await("sorites> ");
    type("SELECT vot\tAS x FROM v_vo\tWHERE rank = 1 AND run_i\t= 1;\r");
    await("| x |");
    await("| 6 |");
    await("sorites> ");
    type("SELECT max(pos_b) > 45 AS x FROM path_d\t(1, 3);\r");
    await("| 1 |");                     /* a function of ours */
    await("sorites> ");
    type("SELECT answer_\t\t");         /* two: they are shown */
    await("answer_norm");
    await("sorites> ");
    type("\x15.quit\r");
    assert_int_equal(end(), 0);
}

static void it_remembers(void **state)
{
    char path[200];
    struct stat st;

    (void)state;
    start("");
    await("sorites> ");
    type("SELECT 41 + 1;\r");
    await("42");
    await("sorites> ");
    settle();
    type("\x04");
    assert_int_equal(end(), 0);
    start("");
    await("sorites> ");
    type("\x1b[A\r");                   /* up */
    await("42");
    await("sorites> ");
    type(".quit\r");
    assert_int_equal(end(), 0);

    snprintf(path, sizeof path, "%s/sorites/sql_history", prog_dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void ctrl_c_stops_a_query_and_a_line(void **state)
{
    (void)state;
    start("");
    await("sorites> ");
    type("SELECT nonsense (\r");
    await("...> ");
    settle();
    type("\x03");
    await("sorites> ");
    type("SELECT 'fine';\r");
    await("fine\r\n");
    await("sorites> ");
    type("SELECT count(*) FROM number a, number b, number c, number d;\r");
    await("number d;\r\n");
    settle();
    type("\x03");
    await("stopped");
    await("sorites> ");
    type("SELECT nix;\r");
    await("no such column");
    await("sorites> ");
    settle();
    type("\x04");
    assert_int_equal(end(), 0);
}

static void it_pages(void **state)
{
    (void)state;
    start("sed 's/^/paged: /'");
    await("sorites> ");
    type("SELECT 7 AS seven;\r");
    await("paged: seven");
    await("sorites> ");
    type(".schema number\r");
    await("paged: CREATE TABLE number");
    await("sorites> ");
    type(".quit\r");
    assert_int_equal(end(), 0);
    start("head -n 2");                 /* left early: no error, no end */
    await("sorites> ");
    type("SELECT a.n FROM number a, number b LIMIT 9999;\r");
    await("sorites> ");
    type("SELECT 'still ' || 'here';\r");
    await("still here");
    await("sorites> ");
    type(".quit\r");
    assert_int_equal(end(), 0);
    assert_null(strstr(seen, "output:"));
}

#define TEST(f) cmocka_unit_test_teardown(f, after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_completes),
        TEST(it_remembers),
        TEST(ctrl_c_stops_a_query_and_a_line),
        TEST(it_pages),
    };
    return cmocka_run_group_tests_name("sqlshell", tests, setup,
                                       prog_teardown);
}
