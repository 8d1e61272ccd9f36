/* viz/logic.h - the logic of a reviewed document as a graph: its clauses in
 * lanes, one for each part of the document, the terms they define, what refers
 * to what and gives way to what, and the claims with their verdicts and the
 * clauses that speak for and against them.  Each edge carries the words of the
 * document that say so.
 *
 * What is left out is counted and said in graph.left_out: clauses with no edge
 * fold, and of many the ones with fewest edges; uses of terms stand as a
 * number at the term. */
#ifndef VIZ_LOGIC_H
#define VIZ_LOGIC_H

#include <stdint.h>

#include "base/err.h"
#include "db/db.h"
#include "viz/graph.h"

/* All of it; the terms, where they are defined and used; what refers to what
 * and gives way to what. */
enum logic_part { LOGIC_ALL, LOGIC_TERMS, LOGIC_REFERENCES };

struct logic_opts {
    int max_node;           /* clauses at most; 0: 120 */
    int max_lane;           /* parts of the document; 0: 12 */
    int max_step;           /* clauses of a part; 0: 12 */
    enum logic_part part;   /* of the logic */
    const char *only;       /* number of the one part of the document to draw,
                             * with what it is tied to; NULL: all of them */
};

/* Fills out, which is initialised (the caller releases it, also after an
 * error).  SOR_NOTFOUND: no such run or part, or no document; SOR_IO,
 * SOR_FORMAT: damaged database. */
enum sor_err logic_build(struct db *d, int64_t run_id,
                         const struct logic_opts *opts, struct graph *out,
                         struct sor_msg *msg);

#endif
