/* cli/policy.h - is a review good enough to be passed on?  A JSON object of
 * rules, each held against every claim with a verdict, or the review:
 *
 *     {"minimum_stability": 0.75, "minimum_confidence": 0.9,
 *      "maximum_error_rate": 0.1, "maximum_severity": 2,
 *      "contrast_passed": true, "checks_passed": true, "coverage": true,
 *      "located": true, "complete": true, "measured": true,
 *      "decided": true, "forbidden_verdicts": ["contradicted"]}
 *
 * A verdict that a person corrected is the person's.  Rules on verdicts fail
 * where none was given: by rules alone, or where nothing was measured. */
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include "base/err.h"
#include "base/str.h"
#include "viz/report.h"

/* Holds the policy in file `path` against r: one line for each rule that fails
 * and where ("minimum_stability 0.75: nda-4 has 0.62") is appended to failed.
 * n_rule: rules held; n_failed: lines.  SOR_FORMAT: no policy, or a rule or
 * a verdict that is not known. */
enum sor_err policy_check(const char *path, const struct report *r,
                          struct str *failed, int *n_rule, int *n_failed,
                          struct sor_msg *msg);

#endif
