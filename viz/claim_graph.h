/* viz/claim_graph.h - one claim of a review as a graph: its paths as lanes of
 * steps, the verdicts they voted for, where they part, and what it comes to. */
#ifndef VIZ_CLAIM_GRAPH_H
#define VIZ_CLAIM_GRAPH_H

#include "base/err.h"
#include "viz/graph.h"
#include "viz/report.h"

/* The claim by its name, or its number from 0; NULL: the first that needs
 * review, else the first.  NULL: there is none of this name. */
const struct db_claim *claim_graph_find(const struct report *r,
                                        const char *name);

/* Fills out, which is initialised (the caller releases it, also after an
 * error).  SOR_NOTFOUND: no verdict was reached on it. */
enum sor_err claim_graph_build(const struct report *r,
                               const struct db_claim *c, struct graph *out,
                               struct sor_msg *msg);

#endif
