#include "base/base64.h"

#include <stdint.h>

void base64_put(struct str *out, const void *bytes, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n; i += 3) {
        uint32_t b = (uint32_t)p[i] << 16;

        b |= i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0;
        b |= i + 2 < n ? (uint32_t)p[i + 2] : 0;
        str_putc(out, digit[b >> 18]);
        str_putc(out, digit[b >> 12 & 63]);
        str_putc(out, i + 1 < n ? digit[b >> 6 & 63] : '=');
        str_putc(out, i + 2 < n ? digit[b & 63] : '=');
    }
}
