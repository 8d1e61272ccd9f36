/* trace/edges.h - how the steps of one path hang together: pure functions of
 * their words and of where the model looked.
 *
 * follows    question -> step 0 -> step 1 ...          weight 1
 * refers_to  a step -> the earlier one it names ("step 2", "(a)", "from (1)",
 *            "the previous step")   weight 1; 0.5 where it only says "above"
 * shares     a step -> the nearest earlier step, or the question, that holds a
 *            name, number or quotation of its own.
 *            weight = its terms found there first / all its terms
 * attends    a step -> an earlier step, or the question: attention mass,
 *            which is correlation, never evidence.
 *            weight = share of the mass that the step's tokens put on earlier
 *            positions, the first block (the sink) left out; kept where it is
 *            well over what the path's mean at that distance would give
 * concludes  a step -> the answer of the path          weight 1
 *
 * Linear in the text; attention costs what reading it costs. */
#ifndef TRACE_EDGES_H
#define TRACE_EDGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum edge_kind {
    EDGE_FOLLOWS, EDGE_REFERS, EDGE_SHARES, EDGE_ATTENDS, EDGE_CONCLUDES,
    EDGE_KINDS
};
const char *edges_kind_name(enum edge_kind kind);        /* "refers_to" */
const char *edge_measured(enum edge_kind kind);         /* "correlation" */

enum { EDGE_QUESTION = -1, EDGE_ANSWER = -2, EDGE_NOTE_BYTES = 96 };

struct edge {
    enum edge_kind kind;
    int src, dst;               /* steps by index, or one of the above */
    double weight;              /* 0..1 */
    char note[EDGE_NOTE_BYTES]; /* what was shared or named; "" none */
};

struct edge_step {
    const char *text;
    size_t n;
    int tok_from, tok_to;       /* positions, half-open */
};

struct edge_in {
    const char *question;       /* NULL: forgotten; nothing is shared */
    size_t n_question;
    int text_from;              /* the prompt's positions end here */
    const struct edge_step *step;
    int n_step;
    int answer_step;            /* -1: the path gives no answer */
    /* The masses by block of the token at pos, 65535 = all, and how many;
     * 0 where nothing was kept.  NULL: no attention at all. */
    uint32_t (*mass)(const void *ud, int pos, const uint16_t **mass);
    const void *ud;
};

/* out: to be freed with mem_free(); in the order of their source steps. */
enum sor_err edges_find(const struct edge_in *in, struct edge **out,
                        int *n_out, struct sor_msg *msg);

#endif
