/* probe/with_route.h - the routing policy of a recorded run, in the engine
 * again. */
#ifndef PROBE_WITH_ROUTE_H
#define PROBE_WITH_ROUTE_H

#include <stdint.h>

#include "base/err.h"
#include "db/price.h"
#include "probe/record.h"

struct engine;
struct route;

/* The policy that a run's params speak of ("route":{..}), the caller's to
 * route_close(); NULL where they speak of none.  SOR_FORMAT, SOR_UNSUP as
 * route_parse(). */
enum sor_err with_route_read(const struct engine *e, const char *params,
                             struct route **out, struct sor_msg *msg);

/* Routes later timelines so; not at all where they speak of none. */
enum sor_err with_route_restore(struct engine *e, const char *params,
                                struct sor_msg *msg);

/* The recorded modes of the rows of r, by position, into mode[r->from + r->n]:
 * what session_force() takes.  Rows that say nothing ran in full. */
void with_route_modes(const struct record *r, uint8_t *mode);

/* What the work of a row costs in this model, for the recorder. */
void with_route_unit(const struct engine *e, struct db_work_unit *out);

#endif
