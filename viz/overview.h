/* viz/overview.h - a long document by its parts: each first-level clause with
 * all below it is one node, and what ties their clauses is added up.
 * viz/logic.h draws what is within a part. */
#ifndef VIZ_OVERVIEW_H
#define VIZ_OVERVIEW_H

#include "base/err.h"
#include "viz/graph.h"
#include "viz/report.h"

enum { OVERVIEW_PARTS = 200,
       OVERVIEW_FROM = 120 };   /* clauses from which a document is long */

/* Fills out, which is initialised (the caller releases it, also after an
 * error).  SOR_NOTFOUND: no clauses; SOR_LIMIT: over OVERVIEW_PARTS. */
enum sor_err overview_build(const struct report *r, struct graph *out,
                            struct sor_msg *msg);

#endif
