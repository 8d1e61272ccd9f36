/* db/load.h - the rows of db/dump.h into a database, one run a batch.
 *
 * A run is known by its uid and goes in once: where it is there already its
 * rows are passed over.  Texts and models are found by their content.  What is
 * not as dump_run() writes it (a number that names nothing, a row out of
 * order, a text that is not the content of its SHA-256) is refused, and the
 * whole run with it. */
#ifndef DB_LOAD_H
#define DB_LOAD_H

#include "db/dump.h"
#include "db/write.h"

struct load;

/* The writer is borrowed and has no open batch. */
enum sor_err load_open(struct db_writer *w, struct load **out,
                       struct sor_msg *msg);
void load_close(struct load *l);        /* accepts NULL; drops an open run */

/* *known 1: a run of this uid is there; then its rows need not be read and
 * load_row() and load_end() do nothing. */
enum sor_err load_begin(struct load *l, const char *uid, int *known,
                        struct sor_msg *msg);

/* Columns are found by name, those not named are NULL.  A whole number serves
 * for a real, and text for what JSON has no word for: digits for an integer,
 * hex for a blob.  A failure drops the run. */
enum sor_err load_row(struct load *l, const struct dump_row *r,
                      struct sor_msg *msg);

/* Commits.  SOR_FORMAT: there was no row of the run itself. */
enum sor_err load_end(struct load *l, struct sor_msg *msg);
void load_drop(struct load *l);         /* the open run, if any */
int load_is_known(const struct load *l);    /* what load_begin() said */

/* 1 where the database has a run of this uid. */
enum sor_err load_knows(struct db_writer *w, const char *uid, int *known,
                        struct sor_msg *msg);

/* All runs of the database at path, in the order of their ids.  A run that
 * cannot come in is left out and told to bad, a sentence that names file and
 * run; with bad NULL it ends the merge, after those before it. */
struct load_counts { int64_t n_new, n_known, n_forgotten, n_refused; };
struct load_refused { void *ud; void (*say)(void *ud, const char *sentence); };
enum sor_err load_merge(struct db_writer *w, const char *path,
                        const struct load_refused *bad, struct load_counts *n,
                        struct sor_msg *msg);

#endif
