/* viz/claim_flow.h - one claim as a small picture in its page: each path with
 * what it concludes and how likely, the votes they come to, what the checks
 * did, and the verdict; the two paths that part first are tied.
 *
 * As wide as a phone; words and colours are the page's (viz/page.css), so that
 * it follows its scheme and prints.  The steps stand in the table below it. */
#ifndef VIZ_CLAIM_FLOW_H
#define VIZ_CLAIM_FLOW_H

#include "base/str.h"
#include "viz/report.h"

/* Appends a figure with one SVG in it; nothing where no path counts. */
void claim_flow(const struct report *r, const struct db_claim *c,
                struct str *out);

#endif
