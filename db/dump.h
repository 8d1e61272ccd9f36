/* db/dump.h - a run as rows that mean the same in any database.
 *
 * Ids are numbers inside the run: row k of its table, from 1, in the order in
 * which they were written.  What runs share (texts, models) comes first, in
 * the order of its content's SHA-256, and of a model only the pieces that the
 * run's rows name.  So two databases that hold the same run give the same
 * rows, whatever else is in them; db/load.h reads them back.
 *
 * A path that grew from one of another run names it as text, "UID:ORDINAL".
 * The hash chain stays behind: it belongs to the file. */
#ifndef DB_DUMP_H
#define DB_DUMP_H

#include "db/db.h"
#include "db/sql.h"

enum { DUMP_COLUMNS = 32 };             /* of any table, at most */

/* One row; everything is borrowed until the sink returns. */
struct dump_row {
    const char *table;
    int n;                              /* columns; the first is the id */
    const char *const *column;          /* [n] */
    const struct sql_value *v;          /* [n] */
};

struct dump_sink {
    void *ud;
    /* What is not SOR_OK ends the dump and is passed on. */
    enum sor_err (*row)(void *ud, const struct dump_row *r,
                        struct sor_msg *msg);
};

/* Every row of the run, parents before children.  SOR_NOTFOUND: it was
 * forgotten; SOR_UNSUP: an edge ends in a kind of row that has no number. */
enum sor_err dump_run(struct db *d, int64_t run_id,
                      const struct dump_sink *sink, struct sor_msg *msg);

#endif
