#include "viz/xml.h"

#include <string.h>

#include "base/text.h"

/* Is this U+FFFE or U+FFFF? */
static int is_no_char(const char *p, size_t n)
{
    return n >= 3 && memcmp(p, "\xEF\xBF", 2) == 0 &&
           ((unsigned char)p[2] & 0xFE) == 0xBE;
}

void xml_bytes(struct str *out, const char *p, size_t n, unsigned flags)
{
    struct str safe;

    str_init(&safe);
    text_safe(&safe, p, n, flags);
    for (size_t i = 0; i < safe.len; i++)
        switch (safe.p[i]) {
        case '<':  str_puts(out, "&lt;"); break;
        case '>':  str_puts(out, "&gt;"); break;
        case '&':  str_puts(out, "&amp;"); break;
        case '"':  str_puts(out, "&quot;"); break;
        case '\'': str_puts(out, "&#39;"); break;
        case '\xEF':
            if (is_no_char(safe.p + i, safe.len - i)) {
                str_puts(out, "\xEF\xBF\xBD");
                i += 2;
                break;
            }
            /* fall through */
        default:
            str_putc(out, safe.p[i]);
        }
    if (!str_ok(&safe))
        out->failed = 1;
    str_release(&safe);
}
