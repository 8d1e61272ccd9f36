/* viz/strip.h - the tokens of a path as an HTML strip: each underlined by how
 * likely it was, on a ground by how it was computed, with its probability,
 * entropy and alternatives at hand. */
#ifndef VIZ_STRIP_H
#define VIZ_STRIP_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

struct strip {
    int64_t path_id, model_id;
    int ordinal;                /* of the path: names the strip's box */
    int from, most;             /* first position; tokens at most */
};

/* Appends it; *n_left (tokens that are not shown).  Appends nothing where no
 * token is stored.  SOR_IO, SOR_FORMAT: the tokens cannot be read. */
enum sor_err strip_html(struct db *d, const struct strip *s, struct str *out,
                        int *n_left, struct sor_msg *msg);

/* What the colours mean. */
void strip_key(struct str *out);

#endif
