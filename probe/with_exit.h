/* probe/with_exit.h - leaving the network early (engine/exit.h), asked for by
 * `run` and read back from a run's params, "exit":SURE. */
#ifndef PROBE_WITH_EXIT_H
#define PROBE_WITH_EXIT_H

#include "base/err.h"
#include "base/str.h"
#include "engine/exit.h"

struct engine;

/* The rule of a sureness for this model; its value is appended to json. */
enum sor_err with_exit(const struct engine *e, double sure,
                       struct exit_rule *out, struct str *json,
                       struct sor_msg *msg);

/* The rule that params speak of; *has: 0 where they speak of none. */
enum sor_err with_exit_restore(const struct engine *e, const char *params,
                               struct exit_rule *out, int *has,
                               struct sor_msg *msg);

#endif
