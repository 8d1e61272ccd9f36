#include "viz/svg.h"

#include <string.h>

#include "viz/xml.h"

void svg_text(struct str *out, const char *s)
{
    xml_bytes(out, s, strlen(s), 0);
}
