/* db/tvf.h - table-valued functions for SQLite, each a row of a table.
 *
 * Internal to db/.  A function of SQL that returns rows, heads(path, pos), is
 * to SQLite an eponymous virtual table whose arguments are hidden columns.
 * tvf.c speaks that protocol once; a struct tvf says what is particular.
 *
 * The files that include this are compiled twice: into the program, and with
 * -DSORITES_EXTENSION into sorites.so, where SQLite is called through the
 * table that the loading program hands over.  Hence sqlite3_malloc() for what
 * they hold: an extension has no other heap that its host accounts for.
 *
 * Safety   every function is SQLITE_VTAB_DIRECTONLY.  They run SQL of their
 *          own over `token` and its kin, so a hostile file that defines such
 *          a name as a view over the function itself would recurse for ever.
 * Errors   SQLite's codes; tvf_fail() adds the sentence. */
#ifndef DB_TVF_H
#define DB_TVF_H

#ifdef SORITES_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif

enum { TVF_ARGS = 4, TVF_STATEMENTS = 2 };

struct tvf;

/* The beginning of every function's cursor; its own fields follow, zero when
 * it is opened. */
struct tvf_cursor {
    sqlite3_vtab_cursor base;
    const struct tvf *f;
    sqlite3 *sq;
    sqlite3_stmt *st[TVF_STATEMENTS];   /* kept from one call to the next */
    sqlite3_value *arg[TVF_ARGS];       /* as given; NULL: not given */
    sqlite3_int64 row;
    int eof;
};

struct tvf {
    const char *name;
    const char *columns, *args;         /* "a, b"; the latter hidden */
    int n_column, n_arg, n_need;        /* the first n_need must be given */
    int cursor_bytes;
    double n_row;                       /* about so many a call */
    /* Begins anew with c->arg. */
    int (*filter)(struct tvf_cursor *c);
    /* SQLITE_ROW, SQLITE_DONE or an error. */
    int (*next)(struct tvf_cursor *c);
    /* Column i of the current row; an argument only where it was left out. */
    void (*column)(struct tvf_cursor *c, sqlite3_context *to, int i);
    void (*release)(struct tvf_cursor *c);      /* what it allocated; or NULL */
};

extern const struct tvf tvf_heads, tvf_topk, tvf_ancestor_step,
    tvf_descendant_step, tvf_path_diff, tvf_lens_at, tvf_ablation_at;

/* Makes f known to the connection; it must live as long. */
int tvf_register(sqlite3 *sq, const struct tvf *f);

/* SQLITE_ERROR, and the statement that called fails with this sentence. */
int tvf_fail(struct tvf_cursor *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* rc passed on, with the connection's own sentence. */
int tvf_error(struct tvf_cursor *c, int rc);

/* c->st[i], made from sql the first time, else reset. */
int tvf_prepare(struct tvf_cursor *c, int i, const char *sql);

/* 1 where the argument is given and not NULL. */
int tvf_given(const struct tvf_cursor *c, int i);

/* The id that argument i names: an integer, or an address as people write it,
 * 'RUN:PATH' of a path and 'RUN:PATH:STEP' of a step.  SQLITE_OK, SQLITE_DONE
 * where it is NULL. */
int tvf_path(struct tvf_cursor *c, int i, sqlite3_int64 *id);
int tvf_step(struct tvf_cursor *c, int i, sqlite3_int64 *id);

#endif
