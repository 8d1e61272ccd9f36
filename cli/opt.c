#include "cli/opt.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- nearness of words --------------------------------------------------- */

static int min(int a, int b)
{
    return a < b ? a : b;
}

int opt_distance(const char *a, const char *b)
{
    enum { MAX = 31 };
    int d[MAX + 1][MAX + 1];
    int n = (int)strnlen(a, MAX), m = (int)strnlen(b, MAX);

    for (int i = 0; i <= n; i++)
        d[i][0] = i;
    for (int j = 0; j <= m; j++)
        d[0][j] = j;
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++) {
            int best = min(d[i - 1][j], d[i][j - 1]) + 1;

            best = min(best, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = min(best, d[i - 2][j - 2] + 1);
            d[i][j] = best;
        }
    return d[n][m];
}

int opt_nearer(const char *typed, const char *have, int *best)
{
    int d = opt_distance(typed, have);
    int len = (int)strlen(typed);
    int cut_short = len > 0 && strncmp(typed, have, (size_t)len) == 0;

    if (cut_short)
        d = 1;
    /* One slip in three letters: "ruin" may be "run", "x" is nothing. */
    if (d >= *best || d > 1 + len / 4 || d >= (int)strlen(have))
        return 0;
    *best = d;
    return 1;
}

/* --- one value ----------------------------------------------------------- */

/* strto*() must have read all of it, something, and in range. */
static int whole(const char *text, const char *end)
{
    return errno == 0 && end != text && *end == '\0';
}

static enum sor_err set_int(const struct opt_spec *o, const char *text,
                            struct sor_msg *msg)
{
    int bounded = o->min < o->max;
    double low = bounded ? o->min : INT32_MIN;
    double high = bounded ? o->max : INT32_MAX;
    char *end;

    errno = 0;
    long v = strtol(text, &end, 10);
    if (!whole(text, end) || (double)v < low || (double)v > high)
        return sor_fail(msg, SOR_USAGE, "--%s: '%s' is not a whole number from "
                        "%.0f to %.0f", o->name, text, low, high);
    *(int *)o->to = (int)v;
    return SOR_OK;
}

static enum sor_err set_u64(const struct opt_spec *o, const char *text,
                            struct sor_msg *msg)
{
    char *end;

    errno = 0;
    unsigned long long v = strtoull(text, &end, 0);
    if (!whole(text, end) || strchr(text, '-'))
        return sor_fail(msg, SOR_USAGE, "--%s: '%s' is not a whole number from "
                        "0 to 2^64 - 1", o->name, text);
    *(uint64_t *)o->to = v;
    return SOR_OK;
}

static enum sor_err set_num(const struct opt_spec *o, const char *text,
                            struct sor_msg *msg)
{
    int bounded = o->min < o->max;
    char *end;

    errno = 0;
    double v = strtod(text, &end);
    if (!whole(text, end) || !isfinite(v))
        return sor_fail(msg, SOR_USAGE, "--%s: '%s' is not a number", o->name,
                        text);
    if (bounded && (v < o->min || v > o->max))
        return sor_fail(msg, SOR_USAGE, "--%s: %s is not within %g to %g",
                        o->name, text, o->min, o->max);
    *(double *)o->to = v;
    return SOR_OK;
}

static enum sor_err set_word(const struct opt_spec *o, const char *text,
                             struct sor_msg *msg)
{
    size_t len = strlen(text);
    const char *word = o->value;

    for (int i = 0; ; i++) {
        size_t n = strcspn(word, "|");

        if (n == len && memcmp(word, text, n) == 0) {
            *(int *)o->to = i;
            return SOR_OK;
        }
        if (word[n] == '\0')
            return sor_fail(msg, SOR_USAGE, "--%s: '%s' is none of %s", o->name,
                            text, o->value);
        word += n + 1;
    }
}

static enum sor_err set(const struct opt_spec *o, const char *text,
                        struct sor_msg *msg)
{
    switch (o->kind) {
    case OPT_FLAG:
        *(int *)o->to = 1;
        return SOR_OK;
    case OPT_STR:
        *(const char **)o->to = text;
        return SOR_OK;
    case OPT_INT:
        return set_int(o, text, msg);
    case OPT_U64:
        return set_u64(o, text, msg);
    case OPT_NUM:
        return set_num(o, text, msg);
    case OPT_WORD:
        return set_word(o, text, msg);
    }
    return SOR_USAGE;
}

/* --- the command line ---------------------------------------------------- */

/* The entry with this letter or this long name of len bytes; NULL: none. */
static const struct opt_spec *find(const struct opt_tables *t, char letter,
                                   const char *name, size_t len)
{
    const struct opt_spec *const table[] = { t->own, t->common };

    for (int k = 0; k < 2; k++)
        for (const struct opt_spec *o = table[k]; o && o->name; o++)
            if (name ? strlen(o->name) == len && !memcmp(o->name, name, len)
                     : o->letter == letter)
                return o;
    return NULL;
}

static enum sor_err unknown(const struct opt_tables *t, const char *name,
                            size_t len, struct sor_msg *msg)
{
    const struct opt_spec *const table[] = { t->own, t->common };
    const char *meant = NULL;
    int best = OPT_FAR;
    char typed[32];

    len = len < sizeof typed ? len : sizeof typed - 1;
    memcpy(typed, name, len);
    typed[len] = '\0';
    for (int k = 0; k < 2; k++)
        for (const struct opt_spec *o = table[k]; o && o->name; o++)
            if (opt_nearer(typed, o->name, &best))
                meant = o->name;
    return meant ? sor_fail(msg, SOR_USAGE, "no option --%s; did you mean "
                            "--%s?", typed, meant)
                 : sor_fail(msg, SOR_USAGE, "no option --%s", typed);
}

/* The value that follows in its own argument, for the option at argv[*at]. */
static enum sor_err set_from_next(const struct opt_spec *o, int argc,
                                  char **argv, int *at, struct sor_msg *msg)
{
    if (*at + 1 >= argc)
        return sor_fail(msg, SOR_USAGE, "--%s needs a value: %s", o->name,
                        o->value);
    return set(o, argv[++*at], msg);
}

static enum sor_err take_long(const struct opt_tables *t, int argc,
                              char **argv, int *at, struct sor_msg *msg)
{
    const char *name = argv[*at] + 2;
    size_t len = strcspn(name, "=");
    const struct opt_spec *o = find(t, 0, name, len);

    if (!o)
        return unknown(t, name, len, msg);
    if (o->kind == OPT_FLAG && name[len] == '=')
        return sor_fail(msg, SOR_USAGE, "--%s takes no value", o->name);
    if (o->kind == OPT_FLAG || name[len] == '=')
        return set(o, name + len + 1, msg);
    return set_from_next(o, argc, argv, at, msg);
}

static enum sor_err take_letters(const struct opt_tables *t, int argc,
                                 char **argv, int *at, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    for (const char *c = argv[*at] + 1; *c && !err; c++) {
        const struct opt_spec *o = find(t, *c, NULL, 0);

        if (!o)
            return sor_fail(msg, SOR_USAGE, "no option -%c", *c);
        if (o->kind == OPT_FLAG)
            err = set(o, NULL, msg);
        else if (c[1])
            return set(o, c + 1, msg);
        else
            return set_from_next(o, argc, argv, at, msg);
    }
    return err;
}

enum sor_err opt_take(const struct opt_tables *t, int argc, char **argv,
                      int *at, struct sor_msg *msg)
{
    const char *arg = argv[*at];
    enum sor_err err;

    if (arg[0] != '-' || arg[1] == '\0' || strcmp(arg, "--") == 0)
        return SOR_OK;
    err = arg[1] == '-' ? take_long(t, argc, argv, at, msg)
                        : take_letters(t, argc, argv, at, msg);
    ++*at;
    return err;
}

enum sor_err opt_parse(const struct opt_tables *t, int *argc, char **argv,
                       struct sor_msg *msg)
{
    int n = 0, at = 0, ended = 0;

    while (at < *argc) {
        int was = at;

        if (!ended) {
            enum sor_err err = opt_take(t, *argc, argv, &at, msg);
            if (err)
                return err;
        }
        if (at > was)
            continue;
        if (!ended && strcmp(argv[at], "--") == 0)
            ended = 1;
        else
            argv[n++] = argv[at];
        at++;
    }
    *argc = n;
    return SOR_OK;
}
