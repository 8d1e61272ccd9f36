/* review/document_text.c - bytes to UTF-8: which encoding, and is it text. */
#include "review/document_impl.h"

#include <string.h>

#include "base/text.h"

/* --- UTF-16 --------------------------------------------------------------- */

/* Without a byte-order mark, text in a Latin script gives itself away: every
 * other byte is 0.  Returns 'L', 'B' or 0. */
static char utf16_order(const uint8_t *p, size_t n)
{
    size_t zero[2] = { 0, 0 }, seen = n < 4096 ? n : 4096;

    if (n >= 2 && p[0] == 0xFF && p[1] == 0xFE)
        return 'L';
    if (n >= 2 && p[0] == 0xFE && p[1] == 0xFF)
        return 'B';
    if (n < 8 || n % 2)
        return 0;
    for (size_t i = 0; i < seen; i++)
        zero[i % 2] += p[i] == 0;
    if (zero[1] * 10 >= seen * 4 && zero[0] * 50 <= seen)
        return 'L';
    if (zero[0] * 10 >= seen * 4 && zero[1] * 50 <= seen)
        return 'B';
    return 0;
}

static uint32_t unit(const uint8_t *p, char order)
{
    return order == 'L' ? (uint32_t)(p[0] | p[1] << 8)
                        : (uint32_t)(p[1] | p[0] << 8);
}

/* A half of a pair that stands alone is U+FFFD. */
static void from_utf16(const uint8_t *p, size_t n, char order,
                       struct str *out)
{
    char utf8[4];
    size_t i = unit(p, order) == 0xFEFF ? 2 : 0;

    for (; i + 2 <= n; i += 2) {
        uint32_t c = unit(p + i, order), low;

        if (c >= 0xD800 && c < 0xDC00 && i + 4 <= n &&
            (low = unit(p + i + 2, order)) >= 0xDC00 && low < 0xE000) {
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            i += 2;
        }
        str_put(out, utf8, utf8_put(c, utf8));
    }
}

/* --- one byte a character ------------------------------------------------- */

/* 0x80..0x9F; 0: undefined there.  Source: WHATWG Encoding Standard, index
 * windows-1252, without the C1 controls that it maps the five holes to. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

static void from_windows_1252(const uint8_t *p, size_t n, struct str *out)
{
    char utf8[4];

    for (size_t i = 0; i < n; i++) {
        uint32_t c = p[i];

        if (c >= 0x80 && c < 0xA0 && !(c = windows_1252[c - 0x80]))
            c = 0xFFFD;
        str_put(out, utf8, utf8_put(c, utf8));
    }
}

/* --- UTF-8, perhaps damaged ----------------------------------------------- */

void document_mend(const char *s, size_t n, struct str *out)
{
    char utf8[4];
    uint32_t c;

    for (size_t i = 0, step; i < n; i += step) {
        step = utf8_next(s + i, n - i, &c);
        if (c == 0)
            c = 0xFFFD;
        str_put(out, utf8, utf8_put(c, utf8));
    }
}

/* Mostly well-formed sequences: UTF-8 that something cut or spoilt, not a
 * one-byte encoding, in which such sequences hardly occur. */
static int is_damaged_utf8(const char *s, size_t n)
{
    size_t good = 0, bad = 0;
    uint32_t c;

    for (size_t i = 0, step; i < n; i += step) {
        if (!((unsigned char)s[i] & 0x80)) {
            step = 1;
            continue;
        }
        step = utf8_next(s + i, n - i, &c);
        if (c == 0xFFFD && step < 3)
            bad++;
        else
            good++;
    }
    return good > 4 * bad;
}

/* --- is it text ----------------------------------------------------------- */

/* NUL is in no text, other controls are rare: a stray one is forgiven, one in
 * two hundred is not. */
static enum sor_err refuse_binary(const char *name, const char *s, size_t n,
                                  struct sor_msg *msg)
{
    const char *nul = memchr(s, '\0', n);
    size_t odd = 0, first = 0;

    if (nul)
        return sor_fail(msg, SOR_FORMAT, "%s: is no text: a zero byte at "
                        "byte %zu", name, (size_t)(nul - s));
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if ((c < ' ' && !strchr("\t\n\v\f\r", c)) || c == 0x7F)
            if (odd++ == 0)
                first = i;
    }
    if (odd > 4 + n / 200)
        return sor_fail(msg, SOR_FORMAT, "%s: is no text: %zu control bytes, "
                        "the first at byte %zu", name, odd, first);
    return SOR_OK;
}

enum sor_err document_decode(const char *name, const uint8_t *bytes, size_t n,
                             struct str *out, const char **encoding,
                             struct sor_msg *msg)
{
    const char order = utf16_order(bytes, n);
    const char *s = (const char *)bytes;
    const size_t before = out->len;
    enum sor_err err = SOR_OK;

    if (order) {
        *encoding = order == 'L' ? "UTF-16LE" : "UTF-16BE";
        from_utf16(bytes, n, order, out);
    } else {
        err = refuse_binary(name, s, n, msg);   /* before it is converted */
        if (err)
            return err;
        if (n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0) {
            s += 3;
            n -= 3;
        }
        if (utf8_valid(s, n)) {
            str_put(out, s, n);
        } else if (is_damaged_utf8(s, n)) {
            *encoding = "UTF-8, damaged";
            document_mend(s, n, out);
        } else {
            *encoding = "windows-1252";
            from_windows_1252((const uint8_t *)s, n, out);
        }
    }
    if (!str_ok(out))
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", name);
    return refuse_binary(name, out->p + before, out->len - before, msg);
}
