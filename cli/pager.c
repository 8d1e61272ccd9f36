#include "cli/pager.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int pager_close(FILE *pager)
{
    int left = fflush(pager) != 0 || ferror(pager);

    pclose(pager);
    sigaction(SIGPIPE, &before, NULL);
    return left;
}
