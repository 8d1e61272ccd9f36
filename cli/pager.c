#include "cli/pager.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* F: leave where it fits; R: colours; S: cut long lines, the arrows show the
 * rest; X: leave the page on the screen.  Where there is no less, cat. */
static const char usual[] = "less -FRSX 2>/dev/null || cat";

static struct sigaction before;         /* of SIGPIPE */

FILE *pager_open(FILE *to)
{
    const char *command = getenv("PAGER");
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    FILE *pager;

    if (!isatty(fileno(to)))
        return NULL;
    if (!command)
        command = usual;
    if (!*command || strcmp(command, "cat") == 0)
        return NULL;
    fflush(to);
    /* $PAGER is a command line, and the user's own.  NOLINTNEXTLINE */
    if (!(pager = popen(command, "w")))
        return NULL;
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, &before);
    return pager;
}

/* What is still buffered has nowhere to go, and the pipe's end closes. */
static void let_go(FILE *pager)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (null >= 0)
        dup2(null, fileno(pager));
    close(null >= 0 ? null : fileno(pager));
}

int pager_close(FILE *pager)
{
    if (cli_terminated()) {
        let_go(pager);
        return 1;
    }
    int left = fflush(pager) != 0 || ferror(pager);

    pclose(pager);
    sigaction(SIGPIPE, &before, NULL);
    return left;
}
