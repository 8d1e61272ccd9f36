/* cli/progress.h - a bar on stderr for what takes longer than a second: share,
 * rate, time left.  Draws nothing where stderr is no terminal or under -q. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

#include "cli/cli.h"

struct progress {
    const char *what, *unit;    /* "scoring", "tokens" */
    uint64_t    total;          /* 0: unknown, no share and no time left */
    uint64_t    start_ns, drawn_ns;
    int         on, drawn;
};

/* what and unit are borrowed until progress_end(). */
void progress_begin(struct progress *p, const struct cli *cli,
                    const char *what, const char *unit, uint64_t total);
/* Cheap enough to call per token: draws at most ten times a second. */
void progress_set(struct progress *p, uint64_t done);
void progress_end(struct progress *p);          /* wipes the bar */

/* Callbacks for long work below, where both are given one ud: the bar. */
void progress_advance(void *ud, int64_t done, int64_t total);
int progress_stopped(void *ud);     /* cli_stopped(); ud may be anything */

#endif
