/* cli/ahead.h - what guessing ahead (--draft) did for a run, in words and as
 * JSON: from the generator's own count, as it happened. */
#ifndef CLI_AHEAD_H
#define CLI_AHEAD_H

#include "base/json.h"
#include "engine/generate.h"

/* Time per token of the run's passes without guesses over that of all its
 * passes; NAN where it had none of the one kind or the other. */
double ahead_speedup(const struct gen_stats *st);

/* One line to the log, at level info; nothing where source is "off". */
void ahead_say(const struct gen_stats *st, enum draft_source source);

/* "draft":{"source","drafted","kept","tokens_per_pass","speedup"}, the last two
 * null where unmeasured; nothing where source is "off". */
void ahead_json(struct json *j, const struct gen_stats *st,
                enum draft_source source);

#endif
