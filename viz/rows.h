/* viz/rows.h - the rows of one run, read once and held for a builder: paths,
 * steps, votes, links, and where each path parts from its nearest neighbour.
 *
 * Ownership  rows_load()/rows_release(); strings belong to the graph that
 *            was passed in and live as long as it does.
 * Memory     bounded: ROWS_STEPS steps of a path and ROWS_LINKS links are
 *            held; what lies beyond is only counted. */
#ifndef VIZ_ROWS_H
#define VIZ_ROWS_H

#include <stdint.h>

#include "base/err.h"
#include "db/db.h"
#include "viz/graph.h"

enum {
    ROWS_PATHS = 4096, ROWS_STEPS = 4096, ROWS_LINKS = 65536, ROWS_VOTES = 64,
    ROWS_LOOKS = 2          /* strongest attention edges kept for a step */
};

struct rows_look {          /* attention to another step of the path */
    int64_t step;           /* its id; 0: none */
    double weight;
};

struct rows_step {
    int64_t id;
    int ordinal, tok_from, tok_to;
    const char *role, *origin, *text;
    const char *answer;     /* normalised; NULL: states none */
    double prob;            /* geometric mean; NaN: not known */
    struct rows_look look[ROWS_LOOKS];      /* strongest first */
    int n_link;             /* explicit links that it has a part in */
};

struct rows_path {
    int64_t id, parent_id;
    int ordinal, fork_pos, n_token;
    const char *stop;       /* NULL: not ended */
    const char *answer;     /* normalised; NULL: none */
    double prob;
    struct rows_step *step; /* [n_step] */
    int n_step, n_unread;   /* held; beyond ROWS_STEPS */
    int vote;               /* index of its answer, or -1 */
    /* the path that it shares most with, and the first token that differs */
    int near;               /* its ordinal; -1: the only path */
    int part_pos;           /* -1: identical to the end */
    const char *part_own, *part_other;      /* NULL: had ended */
};

struct rows_vote { const char *answer; int votes; };

struct rows_link {
    enum graph_edge_kind kind;
    int64_t src, dst;       /* steps */
    double weight;
    const char *note;
};

struct rows_at { int64_t id; int path, step; };

struct rows {
    struct rows_path *path;
    struct rows_link *link;
    struct rows_at *index;  /* every held step, by id */
    int n_path, n_link, n_index;
    struct rows_vote vote[ROWS_VOTES];      /* most votes first */
    int n_vote;
    int n_hidden;           /* links that are not held */
};

/* SOR_IO or SOR_FORMAT: the database is damaged; SOR_LIMIT: over ROWS_PATHS. */
enum sor_err rows_load(struct db *d, int64_t run_id, struct graph *text,
                       struct rows *out, struct sor_msg *msg);
void rows_release(struct rows *r);

/* The held step of this id, or NULL; *at (may be NULL) says where. */
struct rows_step *rows_step(const struct rows *r, int64_t id,
                            struct rows_at *at);

#endif
