/* viz/svg.h - what the drawings that write their own SVG share. */
#ifndef VIZ_SVG_H
#define VIZ_SVG_H

#include "base/str.h"

/* Appends outside text: shown safely, and no markup. */
void svg_text(struct str *out, const char *s);

#endif
