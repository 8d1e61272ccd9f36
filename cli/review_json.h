/* cli/review_json.h - a review as one JSON object, in the shape that
 * docs/review.md describes.  Offsets count code points, half-open. */
#ifndef CLI_REVIEW_JSON_H
#define CLI_REVIEW_JSON_H

#include "base/str.h"
#include "review/review.h"

/* Appends {"document","clauses","claims","edges","norms","defects","findings",
 * ...} without a newline.  uid (NULL: not recorded) names the run. */
void review_json(struct str *out, const struct review *r,
                 const struct pack *pack, const char *uid);

#endif
