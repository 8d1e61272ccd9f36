#include "tui/fmt.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

void fmt_count(char *out, size_t cap, int64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n), k = 0;
    char grouped[48];

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0 && digits[i - 1] != '-')
            grouped[k++] = ',';
        grouped[k++] = digits[i];
    }
    grouped[k] = '\0';
    snprintf(out, cap, "%s", grouped);
}

void fmt_bytes(char *out, size_t cap, int64_t bytes)
{
    static const char *const unit[] = { "B", "kB", "MB", "GB", "TB" };
    double v = (double)bytes;
    int u = 0;

    while (v >= 1000 && u < 4) {
        v /= 1000;
        u++;
    }
    snprintf(out, cap, u ? "%.1f %s" : "%.0f %s", v, unit[u]);
}

void fmt_time(char *out, size_t cap, int64_t ns)
{
    double s = (double)ns / 1e9;

    if (s >= 3600)
        snprintf(out, cap, "%.0f h %.0f min", floor(s / 3600),
                 floor(fmod(s, 3600) / 60));
    else if (s >= 60)
        snprintf(out, cap, "%.0f min %.0f s", floor(s / 60), fmod(s, 60));
    else if (s >= 1)
        snprintf(out, cap, "%.1f s", s);
    else if (s >= 1e-3)
        snprintf(out, cap, "%.0f ms", s * 1e3);
    else
        snprintf(out, cap, "%.0f us", s * 1e6);
}

void fmt_date(char *out, size_t cap, int64_t wall_us)
{
    char iso[21];

    clock_iso8601(wall_us, iso);
    iso[10] = ' ';
    snprintf(out, cap, "%.16s", iso);
}

void fmt_prob(char *out, size_t cap, double logprob)
{
    double p = exp(logprob);

    if (isnan(p))
        snprintf(out, cap, "-");
    else if (p < 0.001)
        snprintf(out, cap, "<0.001");
    else
        snprintf(out, cap, "%.3f", p);
}

void fmt_num(char *out, size_t cap, double v)
{
    double a = fabs(v);

    if (isnan(v))
        snprintf(out, cap, "-");
    else if (a >= 1e6)
        snprintf(out, cap, "%.2e", v);
    else
        snprintf(out, cap, a >= 100 ? "%.0f" : a >= 10 ? "%.1f" : "%.2f", v);
}

void fmt_uid(char *out, size_t cap, const char *uid)
{
    snprintf(out, cap, "%.8s", uid);
}

const char *fmt_mode(int mode)
{
    static const char *const name[] = { "sparse", "hybrid", "full" };

    return mode >= 0 && mode < 3 ? name[mode] : "";
}

const char *fmt_reason(int reason)
{
    static const char *const name[] = { "policy", "score", "guard", "replay" };

    return reason >= 0 && reason < 4 ? name[reason] : "";
}

int fmt_surprise(double logprob)
{
    /* Halves of the probability, one ink each: 1 .. 0.5 is calm. */
    double bits = -logprob / 0.6931471805599453;

    return isnan(bits) || bits < 0 ? 0 : bits > 5 ? 5 : (int)bits;
}

size_t fmt_line(const char *s, size_t n, int width)
{
    size_t i = 0, between = 0;
    int col = 0;

    while (i < n && s[i] != '\n') {
        uint32_t cp;
        size_t used = utf8_next(s + i, n - i, &cp);

        col += text_width(s + i, used);
        if (s[i] == ' ')
            between = i + 1;            /* one too many is not seen */
        if (col > width && i > 0)
            return between ? between : i;
        i += used;
    }
    return i < n ? i + 1 : i;
}
