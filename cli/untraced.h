/* cli/untraced.h - the result of a run that was not recorded (--trace off):
 * there are no rows to read votes from, so the texts are the result. */
#ifndef CLI_UNTRACED_H
#define CLI_UNTRACED_H

#include <stdio.h>

#include "engine/generate.h"
#include "engine/tok.h"

/* How a path ended, in the words of table path_end. */
const char *untraced_stop(enum gen_stop stop);

void untraced_show(FILE *to, const struct tok *t, const struct gen_path *path,
                   int n_path);

/* {"run":null,"paths":[{"path","stop","tokens","text"}..]} and a newline; with
 * "draft" as in ahead.h before the paths. */
struct untraced {
    const struct tok *tok;
    const struct gen_path *path;    /* [n_path] */
    int n_path;
    const struct gen_stats *batch;
    enum draft_source draft;
};
void untraced_json(FILE *to, const struct untraced *u);

#endif
