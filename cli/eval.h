/* cli/eval.h - measuring a pack on annotated documents: ratios that are summed
 * over documents, with 95 % intervals by drawing documents anew.
 *
 * Every measure is a sum of parts over a sum of wholes (right over given; for
 * F1, twice the hits over found plus expected), so one rule gives every value
 * and every interval.
 *
 * Threads  one thread at a time. */
#ifndef CLI_EVAL_H
#define CLI_EVAL_H

#include "base/json.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "review/review.h"

/* --- ratios -------------------------------------------------------------- */

struct tally_part { double num, den, n; };

struct tally_measure {
    char name[64];
    struct tally_part *doc;             /* [n_doc] */
    int cap;
};

struct tally {
    struct tally_measure *at;           /* [n] in order of arrival */
    int n, cap, n_doc;
    int failed;                         /* out of memory: the rest is lost */
};

void tally_release(struct tally *t);            /* a zeroed one is fine */
void tally_next(struct tally *t);               /* another document begins */
/* n: items that this is about, for the table. */
void tally_add(struct tally *t, const char *measure, struct tally_part part);
/* The parts of an F1 score. */
void tally_add_f1(struct tally *t, const char *measure, int hit, int found,
                  int expected);

struct tally_value { double value, low, high; int64_t n; };
/* Percentiles 2.5 and 97.5 of 2,000 draws, from a fixed seed. */
struct tally_value tally_value(const struct tally *t, int i);

/* --- one evaluation ------------------------------------------------------ */

struct eval {
    struct cli *cli;
    struct pack *pack;
    struct judge *judge;                /* NULL: the set needs no model */
    struct tally tally;
    struct progress bar;
    int max_doc, n_path, strict;        /* max_doc 0: all */
    int64_t n_done;
};

/* What there is to measure. */
struct eval_set {
    const char *name, *file, *what;     /* file: below the shared folder */
    int needs_model;
    enum sor_err (*run)(struct eval *e, const char *path);
};
extern const struct eval_set eval_sets[];       /* ends in a NULL name */

/* Calls each() with every line of a JSON Lines file (.gz is unpacked) until
 * one fails or max lines were read (0: all). */
enum sor_err eval_lines(const char *path, int max,
                        enum sor_err (*each)(void *ud, const cJSON *line),
                        void *ud, struct sor_msg *msg);

/* Members of a line, and half-open places in it. */
const char *eval_text(const cJSON *o, const char *key);
struct eval_place { int from, to; };
struct eval_place eval_place(const cJSON *o);
/* Intersection over union. */
double eval_iou(struct eval_place a, struct eval_place b);

/* review_read() of a text, as a file: so a review meets its documents. */
enum sor_err eval_read(const char *text, const struct review_opts *o,
                       struct review **out, struct sor_msg *msg);

enum sor_err eval_graph(struct eval *e, const char *path);
enum sor_err eval_faults(struct eval *e, const char *path);
enum sor_err eval_claims(struct eval *e, const char *path);
enum sor_err eval_types(struct eval *e, const char *path);
enum sor_err eval_values(struct eval *e, const char *path);

#endif
