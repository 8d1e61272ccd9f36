#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#undef sor_fail         /* the analyzer's view, see base/err.h */
enum sor_err sor_fail(struct sor_msg *msg, enum sor_err err,
                      const char *fmt, ...)
{
    /* Every shown character takes at least as many bytes as its source, so
     * nothing that fits after text_safe() is cut here first. */
    char raw[SOR_MSG_BYTES];
    va_list ap;

    if (!msg)
        return err;
    va_start(ap, fmt);
    vsnprintf(raw, sizeof raw, fmt, ap);
    va_end(ap);

    size_t n = strlen(raw);
    if (n == sizeof raw - 1)
        n -= utf8_tail(raw, n);         /* vsnprintf may have cut one in two */
    text_safe_fit(msg->text, sizeof msg->text, raw, n, 0);
    return err;
}

const char *sor_err_text(enum sor_err err)
{
#define TEXT(name, text) [name] = text,
    static const char *const table[SOR_ERRS] = { SOR_ERR_TABLE(TEXT) };
#undef TEXT

    return (unsigned)err < SOR_ERRS ? table[err] : "unknown error";
}
