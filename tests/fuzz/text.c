/* What text_safe() lets through to a terminal: no control, no escape, no
 * character that hides or turns text around. */
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    unsigned flags;
    struct str out;

    if (n == 0)
        return 0;
    str_init(&out);
    flags = p[0] & (TEXT_NL | TEXT_TAB);
    text_safe(&out, (const char *)p + 1, n - 1, flags);
    FUZZ_CHECK(utf8_valid(out.p, out.len));
    for (size_t i = 0; i < out.len; ) {
        uint32_t cp;

        i += utf8_next(out.p + i, out.len - i, &cp);
        if ((cp == '\n' && flags & TEXT_NL) || (cp == '\t' && flags & TEXT_TAB))
            continue;
        FUZZ_CHECK(cp >= ' ' && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0));
        FUZZ_CHECK(!text_hidden(cp));
    }
    str_release(&out);
    return 0;
}
