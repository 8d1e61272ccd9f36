/* cli/opt.h - command-line options from const tables.
 *
 * A table entry names an option and points at the variable that receives it,
 * so a command reads plain fields and its --help is made from the same table:
 *
 *     static struct { int paths; double temp; int level; } opt = {
 *         .paths = 1, .temp = 0.7, .level = REC_LAYERS };
 *     static const struct opt_spec opts[] = {
 *         { 'n', "paths", "N", OPT_INT, &opt.paths, "paths to decode", 1, 64 },
 *         { 0, "temp", "T", OPT_NUM, &opt.temp, "temperature", 0, 10 },
 *         { 0, "trace", "off|steps|tokens|layers|heads", OPT_WORD, &opt.level,
 *           "what to record", 0, 0 },
 *         OPT_END
 *     };
 *
 * Accepted: -n 8, -n8, --paths 8, --paths=8, clusters of flags (-qv), options
 * among the operands, "--" to end them, "-" as an operand. */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include "base/err.h"

enum opt_kind {         /* what `to` points at */
    OPT_FLAG,           /* int: becomes 1 */
    OPT_INT,            /* int, min..max */
    OPT_U64,            /* uint64_t, decimal or 0x..; min, max unused */
    OPT_NUM,            /* double, finite, min..max */
    OPT_STR,            /* const char *: borrowed from argv */
    OPT_WORD            /* int: index among the words "a|b|c" of `value` */
};

struct opt_spec {
    char          letter;   /* 0: long form only */
    const char   *name;     /* long form without its dashes; NULL: the end */
    const char   *value;    /* the value's name in --help; NULL for a flag */
    enum opt_kind kind;
    void         *to;
    const char   *help;     /* a few words, lower case, no full stop */
    double        min, max; /* OPT_INT, OPT_NUM: inclusive; equal: no bounds */
};

#define OPT_END { 0, 0, 0, OPT_FLAG, 0, 0, 0, 0 }

/* Tables are searched in this order; unused ones are NULL. */
struct opt_tables {
    const struct opt_spec *own, *common;
};

/* Handles argv[*at] if it is an option, and its value: advances *at past them.
 * Not an option (an operand, "-"): *at stays, SOR_OK.  "--" is an operand here.
 * SOR_USAGE: unknown (with the nearest known one), value missing, malformed or
 * out of range. */
enum sor_err opt_take(const struct opt_tables *t, int argc, char **argv,
                      int *at, struct sor_msg *msg);

/* Takes every option in argv[0..*argc) and moves the operands to the front in
 * their order; *argc becomes their number. */
enum sor_err opt_parse(const struct opt_tables *t, int *argc, char **argv,
                       struct sor_msg *msg);

/* Edit distance with transpositions, capped at 99 (Damerau-Levenshtein,
 * optimal string alignment); only the first 31 bytes are compared. */
int opt_distance(const char *a, const char *b);

/* True where `have` is near enough to `typed` to be what was meant, and nearer
 * than *best, which it then lowers.  Start with *best = OPT_FAR. */
enum { OPT_FAR = 99 };
int opt_nearer(const char *typed, const char *have, int *best);

#endif
