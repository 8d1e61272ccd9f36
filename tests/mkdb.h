/* tests/mkdb.h - makes a trace database with known content, for tests of what
 * reads one (tui, viz, db views).
 *
 * Run 0 is the pens question: N paths over one shared prompt, most of them
 * answering 8, paths 2 and 6 answering 12.  Run 1 has wide, accented and
 * combining characters.  Later runs are numbered copies of run 0.  Numbers are
 * made by a fixed generator, so the same options give the same rows. */
#ifndef TESTS_MKDB_H
#define TESTS_MKDB_H

#include "base/err.h"

struct mkdb_opts {          /* zero: the default in brackets */
    int n_run;              /* [2]; -1: none at all */
    int first;              /* number of the first run [0] */
    int n_path;             /* paths of each run [8] */
    int n_token;            /* generated tokens per path, at least [as told] */
    int n_layer;            /* [6] */
    int every;              /* layers blob on every nth token [1]; -1: none */
    int heads;              /* 1: heads blobs too */
    const char *prompt;     /* of run 0 [the pens] */
    int look_pos;           /* head 5 of layer 2 gives 0.9 of its weight to this
                             * position [0: it looks as the others do] */
    int guard;              /* the guard acts on every nth token [0: never] */
    int hostile;            /* 1: escape codes, bidi, huge values in all text */
    int unfinished;         /* 1: the last run lacks its run_end and path_end */
};

/* Writes a new database, or adds runs of other numbers to one it made. */
enum sor_err mkdb(const char *path, const struct mkdb_opts *o,
                  struct sor_msg *msg);

enum { MKDB_N_EMBD = 576, MKDB_N_HEAD = 9, MKDB_N_HEAD_KV = 3 };

/* A directory of its own under $TMPDIR, and its removal with what mkdb() put
 * there.  dir: [64]. */
int mkdb_dir(char dir[64]);
void mkdb_dir_remove(const char *dir);

#endif
