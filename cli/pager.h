/* cli/pager.h - long output through $PAGER, where a person reads it. */
#ifndef CLI_PAGER_H
#define CLI_PAGER_H

#include <stdio.h>

/* A stream into the pager for what would go to `to`, or NULL where there is
 * none to use: `to` is no terminal, $PAGER is empty or "cat", it does not
 * start.  Unset it is less, which ends by itself on what fits on the screen.
 * Until pager_close() a pager that was left early makes writing fail, not the
 * program end. */
FILE *pager_open(FILE *to);
/* Waits until it has been left; 1 where it was left before the end.  After
 * SIGTERM or SIGHUP it waits for nobody: the pager sees the end of the text
 * and stays with its reader. */
int pager_close(FILE *pager);

#endif
