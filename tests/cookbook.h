/* tests/cookbook.h - the queries of docs/cookbook.md, and a database on which
 * each of them has something to say. */
#ifndef TESTS_COOKBOOK_H
#define TESTS_COOKBOOK_H

#include "base/err.h"

enum { COOKBOOK_MAX = 40 };

struct cookbook { char title[160], sql[1500]; };

/* Reads "### N. TITLE" and the SQL under it into to[COOKBOOK_MAX]; returns how
 * many, or -1 where the page cannot be read or is not as expected. */
int cookbook_read(const char *page, struct cookbook *to);

/* Makes the database: n_run runs of 8 paths of n_token tokens, the last of
 * them cut off, and a review.  The first two, which the page asks about, have
 * heads. */
enum sor_err cookbook_db(const char *path, int n_run, int n_token,
                         struct sor_msg *msg);

#endif
