/* viz/graph.h - a graph as it is to be drawn: nodes, edges and lanes with
 * their facts, but no colours, fonts or positions.
 *
 * A builder (viz/reasoning.h, later others) makes one from rows and decides
 * what is left out; viz/dot.h draws any of them in the one visual language.
 * Text is as it stands in the database, unsafe and unwrapped.
 *
 * Ownership  graph_init()/graph_release(); strings are copied in and belong
 *            to the graph.
 * Errors     a failed allocation sets `failed` and makes later additions
 *            no-ops that return -1; check graph_ok() once at the end. */
#ifndef VIZ_GRAPH_H
#define VIZ_GRAPH_H

#include <stddef.h>

#include "base/err.h"

enum graph_node_kind {
    GRAPH_QUESTION,         /* what was asked */
    GRAPH_STEP,             /* one step of a path */
    GRAPH_FOLD,             /* steps of a path that are not drawn */
    GRAPH_VOTE,             /* an answer and who gave it */
    GRAPH_CONCLUSION,       /* what the votes come to */
    GRAPH_CLAUSE,           /* a clause of a document */
    GRAPH_TERM,             /* a term that it defines */
    GRAPH_OUTSIDE,          /* what it names and does not hold; lead 0: though
                             * it should */
    GRAPH_CLAIM,            /* a claim; its role is the verdict */
    GRAPH_NODE_KINDS
};

enum graph_edge_kind {
    GRAPH_FOLLOWS,          /* comes next */
    GRAPH_REFERS,           /* names the other explicitly */
    GRAPH_SHARES,           /* uses the same things; `note` says which */
    GRAPH_ATTENDS,          /* attention mass: correlation, never evidence */
    GRAPH_CONCLUDES,        /* states this answer */
    GRAPH_FORKS,            /* a path that was forked off here */
    GRAPH_SUPPORTS,         /* makes the other likelier: an experiment's result */
    GRAPH_CONTRADICTS,      /* makes it less likely, likewise */
    GRAPH_DEFINES,          /* from here on of a document: a clause, a term */
    GRAPH_USES,             /* a clause, a term */
    GRAPH_CONDITION,        /* holds only where the other does */
    GRAPH_EXCEPTION,        /* takes something out of the other */
    GRAPH_OVERRIDES,        /* goes before the other */
    GRAPH_CONFLICTS,        /* cannot hold along with it */
    GRAPH_FOR,              /* a clause that a model read to support a claim */
    GRAPH_AGAINST,          /* likewise, to contradict it */
    GRAPH_EDGE_KINDS
};

/* Border of a node: who is the author of its content. */
enum graph_origin { GRAPH_RULE, GRAPH_SCORED, GRAPH_GENERATED, GRAPH_ORIGINS };

struct graph_node {
    enum graph_node_kind kind;
    const char *id;         /* stable: "path_0_step_3"; [a-z0-9_] only */
    int lane;               /* index, or -1 */
    enum graph_origin origin;
    const char *role;       /* "compute"; NULL: none */
    const char *title;      /* short, on top: "3", "42"; NULL: none */
    const char *text;       /* NULL: none */
    const char *detail;     /* small print; NULL: none */
    const char *mark;       /* what to see here (where paths part); or NULL */
    double prob;            /* 0..1; NaN: not known */
    double share;           /* votes: of all paths, 0..1 */
    int lead;               /* votes: rank 0 = leading, or -1 */
};

struct graph_edge {
    enum graph_edge_kind kind;
    int from, to;           /* nodes */
    double weight;          /* 0..1 */
    const char *note;       /* what was shared, or says so; NULL: none */
};

/* Of a graph of verdicts: what stands for a rank among votes. */
enum { GRAPH_SUPPORTED = 0, GRAPH_CONTRADICTED = 3, GRAPH_NOT_ADDRESSED = -1 };

/* Nodes that belong together: the steps of one path, in order. */
struct graph_lane {
    const char *id;
    const char *title;      /* "path 3" */
    const char *detail;     /* small print, or NULL */
    int lead;               /* rank of the answer that it voted for, or -1 */
};

struct graph {
    const char *id;         /* of the whole: the run's uid */
    const char *title, *subtitle;
    const char *left_out;   /* what is not drawn, in words; NULL: nothing */
    int in_rows;            /* clauses stand in rows, whatever ties them */
    int by_verdict;         /* leads are GRAPH_SUPPORTED, .. and not ranks */
    struct graph_node *node;
    struct graph_edge *edge;
    struct graph_lane *lane;
    int n_node, n_edge, n_lane;
    int cap_node, cap_edge, cap_lane;
    struct graph_text *texts;       /* every string above */
    int failed;
};

/* Inline, since libgvc has a global function of this name and a second one in
 * the program would take its place. */
static inline void graph_init(struct graph *g) { *g = (struct graph){ 0 }; }
void graph_release(struct graph *g);
static inline int graph_ok(const struct graph *g) { return !g->failed; }

/* Add one and return its index, or -1.  Strings in it must be the graph's. */
int graph_add_node(struct graph *g, const struct graph_node *n);
int graph_add_edge(struct graph *g, const struct graph_edge *e);
int graph_add_lane(struct graph *g, const struct graph_lane *l);

/* A copy that lives as long as the graph; NULL for NULL, or out of memory. */
const char *graph_strn(struct graph *g, const char *s, size_t n);
const char *graph_str(struct graph *g, const char *s);
/* Text over GRAPH_LINE_BYTES - 1 bytes is cut at a character. */
enum { GRAPH_LINE_BYTES = 1024 };
const char *graph_printf(struct graph *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
