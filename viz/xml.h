/* viz/xml.h - outside text as character data of XML: SVG, HTML, OOXML. */
#ifndef VIZ_XML_H
#define VIZ_XML_H

#include <stddef.h>

#include "base/str.h"

/* Appends p[0..n) so that it stays text in an element and between quotes:
 * markup escaped, controls and bidi marks shown, what XML cannot hold as
 * U+FFFD.  flags: TEXT_NL, TEXT_TAB of base/text.h keep those.
 * Source: XML 1.0, section 2.2 (Char) and 2.4. */
void xml_bytes(struct str *out, const char *p, size_t n, unsigned flags);

#endif
