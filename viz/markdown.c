#include "viz/markdown.h"

#include <string.h>

#include "base/text.h"

void markdown_bytes(struct str *out, const char *p, size_t n)
{
    struct str safe;

    str_init(&safe);
    text_safe(&safe, p, n, TEXT_NL | TEXT_TAB);
    for (size_t i = 0; i < safe.len; i++) {
        char c = safe.p[i];

        if (c == '\n' || c == '\t') {
            str_putc(out, ' ');
            continue;
        }
        if (strchr("\\`*_{}[]<>#|~&!", c))
            str_putc(out, '\\');
        str_putc(out, c);
    }
    if (!str_ok(&safe))
        out->failed = 1;
    str_release(&safe);
}

void markdown_text(struct str *out, const char *s)
{
    if (s)
        markdown_bytes(out, s, strlen(s));
}
