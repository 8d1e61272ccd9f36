#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { LINE_BYTES = 2048 };

static atomic_int max_level = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load(&max_level);
}

/* One fprintf, so that lines of two threads do not mix. */
__attribute__((format(printf, 3, 0)))
static void line(enum log_level level, const char *prefix, const char *fmt,
                 va_list ap)
{
    char raw[LINE_BYTES], safe[LINE_BYTES];

    if (level > log_get_level())
        return;
    vsnprintf(raw, sizeof raw, fmt, ap);
    text_safe_fit(safe, sizeof safe, raw, strlen(raw), TEXT_NL | TEXT_TAB);
    fprintf(stderr, "%s%s\n", prefix, safe);
}

void log_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_WARN, "warning: ", fmt, ap);
    va_end(ap);
}

void log_info(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_INFO, "", fmt, ap);
    va_end(ap);
}

void log_debug(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_DEBUG, "debug: ", fmt, ap);
    va_end(ap);
}
