/* probe/adapters.h - the adapters of a run: chosen by a person, recorded with
 * the run, and put back for its replay. */
#ifndef PROBE_ADAPTERS_H
#define PROBE_ADAPTERS_H

#include "base/err.h"
#include "base/str.h"

struct engine;

/* spec: FILE[:SCALE],... with at most LORA_MAX of them; scale 1 where none is
 * given.  Every timeline that e opens from now on uses them, in that order.
 * json (may be NULL): a JSON array of {"path","sha256","scale"} is appended,
 * which belongs into the run's params as "adapters". */
enum sor_err adapters_open(struct engine *e, const char *spec,
                           struct str *json, struct sor_msg *msg);

/* The same JSON array for one adapter that somebody else applies. */
enum sor_err adapters_describe(const char *path, double scale,
                               struct str *json, struct sor_msg *msg);

/* The adapters that a recorded run's params name, or none.  SOR_DIFFERS where
 * a file is not the one that was recorded. */
enum sor_err adapters_restore(struct engine *e, const char *params,
                              struct sor_msg *msg);

#endif
