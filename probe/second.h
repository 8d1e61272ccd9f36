/* probe/second.h - a second opinion: what the local model makes of a text that
 * another one wrote.
 *
 * The text of each path is fed as if the local model had written it (teacher
 * forcing) and recorded like a run of ours: log-probability and entropy of
 * every token, the likeliest alternatives, what each layer did.  The run's
 * params name the one it looks at and say "the local model's view": it is
 * surprise, not a judgement, and nothing of it counts as the other model's. */
#ifndef PROBE_SECOND_H
#define PROBE_SECOND_H

#include "base/err.h"
#include "probe/model_id.h"

struct engine;

struct second {
    struct engine *e;
    const struct model_id *id;
    const char *db;             /* path; nobody writes to it meanwhile */
    int (*cancelled)(void *ud); /* polled between chunks; may be NULL */
    void *ud;
};

/* Records the view of the run `of` and gives its uid.  A text that does not
 * fit into the context is cut, and its path says 'context'.
 * SOR_INTERRUPTED: cancelled; what was seen by then is recorded. */
enum sor_err second_opinion(const struct second *s, const char *of,
                            char uid[33], struct sor_msg *msg);

#endif
