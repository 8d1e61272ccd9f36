/* engine/route.h - the policy of routing: which blocks of keys a token reads.
 *
 * A token runs in one of three modes.  In `full` every KV group reads every
 * block.  In `sparse` and `hybrid` a group reads the first blocks, the last
 * ones, and of those between the few that its queries reach furthest into
 * (kern.h, reach); groups that calibration ranked first may read more of them
 * and are called dense.  A mode is a table of such numbers, one a group.
 *
 * Ownership  route_close() frees; sessions borrow a policy until they close.
 * Threads    a policy never changes once made; any thread may read it. */
#ifndef ENGINE_ROUTE_H
#define ENGINE_ROUTE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "engine/complexity.h"
#include "engine/hook.h"

struct model_hparams;

enum route_choice {
    ROUTE_OFF, ROUTE_AUTO, ROUTE_SPARSE, ROUTE_HYBRID, ROUTE_FULL,
    ROUTE_CHOICES
};
enum { ROUTE_MODES = HOOK_FULL };       /* those that leave something out */

struct route_mode {
    int n_dense;            /* groups, the first of the rank */
    int cap, best;          /* blocks between first and last that a dense
                             * group reads, that another one reads */
};

/* Another measure than the hulls' of how far queries reach: for baselines that
 * are compared with routing.  Not printed with a policy, so not replayed. */
struct route_judge {
    const void *ud;
    /* far[from..to-1] of blocks of one timeline: the larger go first.  Called
     * from the engine's threads. */
    void (*reach)(const void *ud, int layer, int group, int from, int to,
                  float *far);
};

struct route {
    enum route_choice choice;
    float low, high;        /* auto: a score below low is sparse, below high
                             * hybrid */
    int first, last;        /* blocks that are always read; last counts the one
                             * being filled */
    struct route_mode mode[ROUTE_MODES];
    struct complexity_weights weights;
    /* A routed token whose distribution has more entropy (nats; 0: no limit),
     * or whose two likeliest tokens are nearer (nats), is computed again in
     * full. */
    float unsure_entropy, unsure_margin;
    int n_layer, n_group;
    uint16_t *rank;         /* [n_layer * n_group] layer * n_group + group; the
                             * ones whose sparseness costs most come first */
    const struct route_judge *judge;    /* borrowed; NULL: the hulls */
    /* Made from the above. */
    uint16_t *limit[ROUTE_MODES];       /* [n_layer * n_group] blocks */
    uint64_t *dense[ROUTE_MODES];       /* [n_layer] bit g: group g is dense */
    int least[ROUTE_MODES], most;       /* the smallest and largest limits */
};

/* What the score of a block of positions says. */
struct route_decision {
    uint8_t mode;
    float score, part[HOOK_PARTS];
};

/* "off", "auto", ...; -1: no such name. */
int route_parse_choice(const char *name);
const char *route_choice_name(enum route_choice c);
const char *route_mode_name(int mode);          /* "sparse", "hybrid", "full" */

/* A policy that no calibration made: groups ranked layer after layer. */
enum sor_err route_open(const struct model_hparams *hp, struct route **out,
                        struct sor_msg *msg);
void route_close(struct route *r);              /* accepts NULL */
/* Checks the numbers and makes the tables anew after a change of them.
 * SOR_USAGE names what is out of range. */
enum sor_err route_make(struct route *r, struct sor_msg *msg);

/* Both modes: a group picks `blocks` of those between first and last, a dense
 * one ROUTE_DENSE_TIMES as many.  route_make() comes after. */
enum { ROUTE_DENSE_TIMES = 4 };
void route_budget(struct route *r, int blocks);

/* Blocks that a group reads of n_block in a mode, and how many hulls it
 * compares to choose them. */
int route_reads(const struct route *r, int mode, int layer, int group,
                int n_block);
int route_compares(const struct route *r, int mode, int layer, int group,
                   int n_block);

/* What attention costs: multiplications (a key and a value of each dimension
 * and query; both sides of a hull that is compared, once a group), and bytes of
 * KV and hulls. */
struct route_work { double macs, bytes; };
/* Of blocks read and compared, each summed over KV groups; kv_type: enum
 * kern_kvtype. */
struct route_work route_work(const struct model_hparams *hp, int kv_type,
                             double blocks_read, double compared);

/* 1 where the policy has a guard: a limit over 0. */
static inline int route_guards(const struct route *r)
{
    return r->unsure_entropy > 0.0f || r->unsure_margin > 0.0f;
}

/* As JSON, and back; a policy that was printed is the same again.  json: one
 * object; where: a name for messages.  SOR_FORMAT, SOR_UNSUP (of another shape
 * of model) name the member. */
void route_print(const struct route *r, struct str *json);
enum sor_err route_parse(const char *json, const char *where,
                         const struct model_hparams *hp, struct route **out,
                         struct sor_msg *msg);

#endif
