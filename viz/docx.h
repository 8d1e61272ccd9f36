/* viz/docx.h - a Word file made of parts in memory.
 *
 * Equal parts are equal bytes: no time, no machine, one order.
 * Source: ECMA-376, part 2 (Open Packaging Conventions); libarchive 3.6. */
#ifndef VIZ_DOCX_H
#define VIZ_DOCX_H

#include "base/err.h"
#include "base/str.h"

/* Appends the package that holds this main document and its comments, both as
 * the content of <w:body> and <w:comments>. */
enum sor_err docx_pack(const struct str *body, const struct str *comments,
                       struct str *out, struct sor_msg *msg);

#endif
