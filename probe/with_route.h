/* probe/with_route.h - the routing policy of a recorded run, in the engine
 * again. */
#ifndef PROBE_WITH_ROUTE_H
#define PROBE_WITH_ROUTE_H

#include <stdint.h>

#include "base/err.h"
#include "probe/record.h"

struct engine;

/* Routes later timelines as the run's params say ("route":{..}); not at all
 * where they say nothing.  SOR_FORMAT, SOR_UNSUP as route_parse(). */
enum sor_err with_route_restore(struct engine *e, const char *params,
                                struct sor_msg *msg);

/* The recorded modes of the rows of r, by position, into mode[r->from + r->n]:
 * what session_force() takes.  Rows that say nothing ran in full. */
void with_route_modes(const struct record *r, uint8_t *mode);

#endif
