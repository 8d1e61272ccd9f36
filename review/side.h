/* review/side.h - whose side a review takes: what the user calls a party, as
 * the playbook's word for it.
 *
 * A playbook has positions for parties ("receiving", "customer"); a contract
 * calls them by roles and names of its own.  The pack's patterns of purpose
 * "side.receiving" and the like say which roles those are. */
#ifndef REVIEW_SIDE_H
#define REVIEW_SIDE_H

#include "base/err.h"
#include "review/review.h"

/* *out: the playbook's word, which lives as long as o->pack, for o->party: that
 * word, a role that the pack knows for it, or a party of this document by its
 * role or its name (a first part of it will do).  NULL where o->party is.
 * SOR_USAGE: nobody's, with the words that would be accepted. */
enum sor_err side_find(const struct review *r, const struct review_opts *o,
                       const char **out, struct sor_msg *msg);

#endif
