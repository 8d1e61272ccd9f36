/* db/cursor.h - the inside of struct db_cur, shared by the files that read
 * rows.  Internal to db/. */
#ifndef DB_CURSOR_H
#define DB_CURSOR_H

#include "db/conn.h"

struct db_cur {
    struct db *d;
    sqlite3_stmt *st;
    enum sor_err err;
    void *own;                          /* what a kind of row keeps beside; */
    void (*own_close)(void *own);       /* NULL: nothing */
};

/* A cursor over one SELECT; a failure waits in it until db_cur_close().
 * Never NULL. */
struct db_cur *cursor_open(struct db *d, const char *sql);
/* The same over the rows of one thing: its id is the first parameter. */
struct db_cur *cursor_of(struct db *d, const char *sql, int64_t id);
/* Binds parameter i (from 1) of a cursor that may have failed already. */
void cursor_bind(struct db_cur *c, int i, int64_t v);
void cursor_bind_text(struct db_cur *c, int i, const char *s);  /* copied */
/* 1: st stands on a row; 0: the end; -1: failed. */
int cursor_step(struct db_cur *c);

/* Columns: NULL becomes `none`, or NaN, or a NULL pointer. */
int64_t cursor_int(sqlite3_stmt *st, int i, int64_t none);
double cursor_real(sqlite3_stmt *st, int i);
const char *cursor_text(sqlite3_stmt *st, int i);
struct db_blob cursor_blob(sqlite3_stmt *st, int i);

#endif
