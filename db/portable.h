/* db/portable.h - which columns hold ids of which rows: what dump.c takes out
 * of a database and load.c puts back.  Internal to db/. */
#ifndef DB_PORTABLE_H
#define DB_PORTABLE_H

#include "db/dump.h"
#include "db/table.h"

/* The columns of a table by name, cut from table_info. */
struct portable {
    char text[512];
    const char *column[DUMP_COLUMNS];
    int n;
};
void portable_init(struct portable *p, enum table t);
/* Index of a column; -1: there is none. */
int portable_find(const struct portable *p, const char *column);

/* The table whose id column `i` holds; TABLES: it is no id.  kind: the text of
 * the column before it, which decides for the ends of an edge; NULL: unknown
 * yet.  PORTABLE_UNKNOWN: an end of a kind that nobody has told us of. */
enum { PORTABLE_UNKNOWN = TABLES + 1 };
int portable_ref(const struct portable *p, int i, const char *kind);

/* Rows of this table, of one run, are named by others. */
int portable_is_named(enum table t);

/* The column before `i` says what kind of row it names. */
int portable_by_kind(const struct portable *p, int i);

/* Column i holds the id of a token. */
int portable_is_token(const struct portable *p, int i);

#endif
