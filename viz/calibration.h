/* viz/calibration.h - do people find the program as right as it says?  Over all
 * reviews of a database: findings that carry a probability and were accepted or
 * rejected, in five bins of it, as a curve beside the diagonal. */
#ifndef VIZ_CALIBRATION_H
#define VIZ_CALIBRATION_H

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

/* Appends an SVG.  SOR_NOTFOUND: nobody decided on such a finding. */
enum sor_err calibration_svg(struct db *d, struct str *out,
                             struct sor_msg *msg);

#endif
