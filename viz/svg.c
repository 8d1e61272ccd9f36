#include "viz/svg.h"

#include <string.h>

#include "base/text.h"

void svg_text(struct str *out, const char *s)
{
    struct str safe;

    str_init(&safe);
    text_safe(&safe, s, strlen(s), 0);
    for (const char *p = safe.p; *p; p++)
        switch (*p) {
        case '<': str_puts(out, "&lt;"); break;
        case '>': str_puts(out, "&gt;"); break;
        case '&': str_puts(out, "&amp;"); break;
        default:  str_putc(out, *p);
        }
    str_release(&safe);
}
