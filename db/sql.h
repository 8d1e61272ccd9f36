/* db/sql.h - SQL as a person types it, behind a fence.
 *
 * Reading: the connection is read-only, an authorizer lets nothing through but
 * SELECT and what it needs, no other file can be attached, and a query ends
 * after a time and a number of rows.  (`query_only` alone is no fence: VACUUM
 * INTO writes a file even on a read-only connection.)
 * Writing: only where it is asked for, under the writer's lock.  What is
 * changed this way is in no batch, so `verify --chain` will say so.
 *
 * Threads  one thread at a time. */
#ifndef DB_SQL_H
#define DB_SQL_H

#include <stddef.h>
#include <stdint.h>

#include "db/write.h"

struct sql;

struct sql_opts {
    int write;
    int64_t max_row;                    /* of one query; 0: no limit */
    int64_t max_ms;                     /* of one query; 0: no limit */
    int (*cancelled)(void *ud);         /* polled while it runs; or NULL */
    void *ud;
    struct db_writer_opts lock;         /* for write */
};

enum { SQL_MAX_ROW = 10000, SQL_MAX_MS = 1000 };    /* what cli/ asks for */

enum sql_kind { SQL_NULL, SQL_INT, SQL_REAL, SQL_TEXT, SQL_BLOB };

/* One value; p is borrowed until the row callback returns. */
struct sql_value {
    enum sql_kind kind;
    int64_t i;
    double r;
    const void *p;                      /* SQL_TEXT, SQL_BLOB: n bytes */
    size_t n;
};

/* Where rows go.  columns() comes once per statement that returns any, before
 * its rows.  What is not SOR_OK ends the query and is passed on. */
struct sql_sink {
    void *ud;
    enum sor_err (*columns)(void *ud, int n, const char *const *name);
    enum sor_err (*row)(void *ud, int n, const struct sql_value *v);
};

enum sql_cut { SQL_WHOLE, SQL_CUT_ROWS, SQL_CUT_TIME };

struct sql_result {
    int64_t n_row, n_changed;
    enum sql_cut cut;                   /* why rows may be missing */
};

enum sor_err sql_open(const char *path, const struct sql_opts *o,
                      struct sql **out, struct sor_msg *msg);
void sql_close(struct sql *s);          /* accepts NULL */

/* Runs every statement of text, up to the first that fails or is cut.
 * SOR_USAGE: SQLite does not understand it, or the fence forbids it. */
enum sor_err sql_run(struct sql *s, const char *text,
                     const struct sql_sink *sink, struct sql_result *result,
                     struct sor_msg *msg);

/* Calls word() with each name that begins with prefix (case does not count):
 * tables, views, columns, functions and keywords, some twice.  For completion;
 * what goes wrong ends the list early. */
void sql_words(struct sql *s, const char *prefix,
               void (*word)(void *ud, const char *name), void *ud);

/* 1 where text ends with a whole statement. */
int sql_complete(const char *text);

#endif
