#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

enum { REPLACEMENT = 0xFFFD, SHOWN_BYTES = 16 };

/* --- UTF-8 -------------------------------------------------------------- */

/* Length of the longest prefix of s[0..n) that begins a well-formed sequence
 * (a "maximal subpart"), and the length that its first byte asks for; 0 where
 * the first byte begins none.  Source: Unicode 15, table 3-7. */
static size_t subpart(const unsigned char *s, size_t n, size_t *need)
{
    unsigned lead = s[0], low = 0x80, high = 0xBF;
    size_t got = 1;

    *need = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2
          : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (*need == 0)
        return 0;
    switch (lead) {             /* what the second byte may be */
    case 0xE0: low = 0xA0; break;       /* no overlong form */
    case 0xED: high = 0x9F; break;      /* no surrogate */
    case 0xF0: low = 0x90; break;       /* no overlong form */
    case 0xF4: high = 0x8F; break;      /* nothing past U+10FFFF */
    }
    while (got < *need && got < n && s[got] >= low && s[got] <= high) {
        got++;
        low = 0x80, high = 0xBF;
    }
    return got;
}

size_t utf8_next(const char *s, size_t n, uint32_t *cp)
{
    static const unsigned char mask[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    const unsigned char *u = (const unsigned char *)s;
    size_t need, got = subpart(u, n, &need);

    if (got == 0 || got < need) {
        *cp = REPLACEMENT;
        return got ? got : 1;
    }
    uint32_t c = u[0] & mask[need];
    for (size_t i = 1; i < need; i++)
        c = c << 6 | (u[i] & 0x3F);
    *cp = c;
    return need;
}

size_t utf8_put(uint32_t cp, char out[4])
{
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
        cp = REPLACEMENT;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3F));
    out[0] = (char)(0xF0u << (4 - n) | cp);
    return n;
}

int utf8_valid(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t need, got;

    for (size_t i = 0; i < n; i += got) {
        got = subpart(u + i, n - i, &need);
        if (got == 0 || got < need)
            return 0;
    }
    return 1;
}

size_t utf8_tail(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t need;

    for (size_t back = 1; back <= 3 && back <= n; back++)
        if (subpart(u + n - back, back, &need) == back && need > back)
            return back;
    return 0;
}

size_t utf8_count(const char *s, size_t n)
{
    size_t count = 0;
    uint32_t cp;

    for (size_t i = 0; i < n; count++)
        i += utf8_next(s + i, n - i, &cp);
    return count;
}

size_t utf8_offset(const char *s, size_t n, size_t cp)
{
    size_t i = 0;
    uint32_t unused;

    while (cp-- && i < n)
        i += utf8_next(s + i, n - i, &unused);
    return i;
}

/* --- what a terminal would draw ------------------------------------------ */

/* Sorted.  Source: Unicode 15, DerivedCoreProperties.txt, property
 * Default_Ignorable_Code_Point (it holds every bidi control, zero-width
 * character, variation selector and tag), with the controls of UnicodeData.txt
 * (Cc), the separators U+2028/9 and the annotation marks U+FFF9..B added. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    { 0x0000, 0x001F },   { 0x007F, 0x009F },   { 0x00AD, 0x00AD },
    { 0x034F, 0x034F },   { 0x061C, 0x061C },   { 0x115F, 0x1160 },
    { 0x17B4, 0x17B5 },   { 0x180B, 0x180F },   { 0x200B, 0x200F },
    { 0x2028, 0x202E },   { 0x2060, 0x206F },   { 0x3164, 0x3164 },
    { 0xFE00, 0xFE0F },   { 0xFEFF, 0xFEFF },   { 0xFFA0, 0xFFA0 },
    { 0xFFF0, 0xFFFB },   { 0x1BCA0, 0x1BCA3 }, { 0x1D173, 0x1D17A },
    { 0xE0000, 0xE0FFF },
};

int text_hidden(uint32_t cp)
{
    size_t low = 0, high = sizeof hidden / sizeof *hidden;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (cp > hidden[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low < sizeof hidden / sizeof *hidden && cp >= hidden[low].first;
}

int text_width_cp(uint32_t cp)
{
    int w = text_hidden(cp) ? 0 : utf8proc_charwidth((utf8proc_int32_t)cp);

    return w < 0 ? 0 : w > 2 ? 2 : w;
}

/* The safe form of one character; returns its bytes, sets *width. */
static size_t show(uint32_t cp, unsigned flags, char out[SHOWN_BYTES],
                   int *width)
{
    int kept = (cp == '\n' && flags & TEXT_NL) ||
               (cp == '\t' && flags & TEXT_TAB);

    if (!text_hidden(cp) || kept) {
        *width = text_width_cp(cp);
        return utf8_put(cp, out);
    }
    if (cp < 0x20 || cp == 0x7F) {      /* Control Pictures, U+2400 and on */
        *width = 1;
        return utf8_put(cp == 0x7F ? 0x2421 : 0x2400 + cp, out);
    }
    *width = snprintf(out, SHOWN_BYTES, cp < 0xA0 ? "\\x%02X" : "<U+%04X>",
                      (unsigned)cp);
    return (size_t)*width;
}

int text_width(const char *s, size_t n)
{
    char shown[SHOWN_BYTES];
    int sum = 0, width;
    uint32_t cp;

    for (size_t i = 0; i < n; sum += width) {
        i += utf8_next(s + i, n - i, &cp);
        show(cp, 0, shown, &width);
    }
    return sum;
}

void text_safe(struct str *out, const char *s, size_t n, unsigned flags)
{
    char shown[SHOWN_BYTES];
    uint32_t cp;
    int width;

    for (size_t i = 0; i < n;) {
        i += utf8_next(s + i, n - i, &cp);
        str_put(out, shown, show(cp, flags, shown, &width));
    }
}

size_t text_safe_fit(char *out, size_t cap, const char *s, size_t n,
                     unsigned flags)
{
    char shown[SHOWN_BYTES];
    size_t len = 0;
    uint32_t cp;
    int width;

    for (size_t i = 0; i < n;) {
        i += utf8_next(s + i, n - i, &cp);
        size_t bytes = show(cp, flags, shown, &width);
        if (bytes >= cap - len)
            break;
        memcpy(out + len, shown, bytes);
        len += bytes;
    }
    out[len] = '\0';
    return len;
}
