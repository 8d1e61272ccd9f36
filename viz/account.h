/* viz/account.h - a run that is no review, as its readers see it: what was
 * asked, what its paths answered, where they part, and what of it is known.
 *
 * Ownership  account_load()/account_release(); the database is borrowed and
 *            must stay open, since tokens are read when they are shown. */
#ifndef VIZ_ACCOUNT_H
#define VIZ_ACCOUNT_H

#include <stdint.h>

#include "base/str.h"
#include "db/db.h"
#include "viz/graph.h"
#include "viz/rows.h"

struct account {
    struct db *db;
    int64_t run_id;
    struct db_run run;          /* strings lie in `text` */
    struct rows rows;
    const char *model;          /* its name; NULL: a foreign trace */
    char model_sha256[65], head[65], started[21];
    const char *accuracy;       /* of the model on such a question */
    struct graph text;          /* nothing but what strings lie in */
};

/* accuracy: NULL where it was not measured; copied.  SOR_NOTFOUND: no such
 * run; SOR_IO, SOR_FORMAT: damaged.  a is released by the caller, also then. */
enum sor_err account_load(struct db *d, int64_t run_id, const char *accuracy,
                          struct account *a, struct sor_msg *msg);
void account_release(struct account *a);

/* "10 (2 of 4 paths)", "undecided", "no path states an answer"; appended. */
void account_put_answer(const struct account *a, struct str *out);
/* Where a path parts from the one it shares most with: "parts from path 2 at
 * token 41: “so” where that has “thus”"; appended.  NULL of both: nothing. */
void account_put_parting(const struct rows_path *p, struct str *out);
/* What to look at first, one sentence a line: no answer or a shared lead, where
 * the leading paths part, the least likely step, what was lost; appended. */
void account_put_needs(const struct account *a, struct str *out);
/* What nobody measured, one sentence a line; appended. */
void account_put_unmeasured(const struct account *a, struct str *out);

/* The whole as Markdown; as one HTML page (viz/html.h), with its reasoning as
 * a picture (svg, NULL: none).  SOR_IO: the tokens cannot be read. */
void account_markdown(const struct account *a, struct str *out);
enum sor_err account_html(const struct account *a, const char *svg,
                          struct str *out, struct sor_msg *msg);

#endif
