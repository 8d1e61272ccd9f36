/* probe/rerun.h - replay of a run recorded at level `steps`, which keeps texts
 * but no tokens: it is generated once more, with the same seeds, and the texts
 * are compared.  Part of replay_verify(). */
#ifndef PROBE_RERUN_H
#define PROBE_RERUN_H

#include "probe/replay.h"

enum sor_err rerun_verify(struct db *d, const struct db_run *run,
                          struct engine *e, const struct replay_opts *o,
                          struct replay_report *out, struct sor_msg *msg);

#endif
