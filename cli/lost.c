/* cli/lost.c - a model's file that goes away while it is in use.
 *
 * Models are mapped, so that a file which is cut short, or whose disk fails,
 * shows as a signal in the middle of a computation.  Nothing can go on from
 * there; but it can be said which file it was, and the trace is as safe as
 * under kill -9: what was committed stands. */
#define _XOPEN_SOURCE 700       /* siginfo_t's si_addr for SIGBUS */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "engine/gguf.h"

enum { SAID_MAX = 512 };

/* write() alone: nothing else may be called here.  Control characters in the
 * name are not sent to the terminal. */
static void say(const char *path)
{
    static const char before[] = "sorites: ", after[] = ": was cut short or "
        "became unreadable while it was in use; what was committed to the "
        "trace stands\n";
    char line[SAID_MAX];
    size_t n = sizeof before - 1;
    ssize_t sent;

    memcpy(line, before, n);
    for (; *path && n < sizeof line - sizeof after; path++) {
        unsigned char c = (unsigned char)*path;

        line[n++] = (char)(c < ' ' || c >= 0x7f ? '?' : c);
    }
    memcpy(line + n, after, sizeof after - 1);
    sent = write(STDERR_FILENO, line, n + sizeof after - 1);
    (void)sent;
}

/* Several threads may come here at once: one speaks and ends the program, the
 * others wait for that.  Any other bus error comes again on return, and then
 * goes by the default. */
static void on_bus(int sig, siginfo_t *info, void *context)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    const char *path = gguf_path_at(info->si_addr);

    (void)context;
    if (!path) {
        signal(sig, SIG_DFL);
        return;
    }
    while (atomic_flag_test_and_set(&said))
        pause();
    say(path);
    _exit(EXIT_FAILED);
}

void cli_catch_lost_files(void)
{
    struct sigaction act = { .sa_flags = SA_SIGINFO };

    act.sa_sigaction = on_bus;
    sigemptyset(&act.sa_mask);
    sigaction(SIGBUS, &act, NULL);
}
