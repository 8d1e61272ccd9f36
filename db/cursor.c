#include "db/cursor.h"

#include <math.h>

#include "base/mem.h"

/* What cursor_open() returns where there is no memory for a cursor. */
static struct db_cur no_memory = { .err = SOR_NOMEM };

struct db_cur *cursor_open(struct db *d, const char *sql)
{
    struct db_cur *c = mem_calloc(1, sizeof *c);

    if (!c)
        return &no_memory;
    c->d = d;
    c->err = conn_prepare(d, sql, &c->st, NULL);
    return c;
}

struct db_cur *cursor_of(struct db *d, const char *sql, int64_t id)
{
    struct db_cur *c = cursor_open(d, sql);

    cursor_bind(c, 1, id);
    return c;
}

enum sor_err db_cur_close(struct db_cur *c)
{
    enum sor_err err = c ? c->err : SOR_OK;

    if (!c || c == &no_memory)
        return err;
    if (c->own)
        c->own_close(c->own);
    sqlite3_finalize(c->st);
    mem_free(c);
    return err;
}

int64_t db_rows_read(const struct db *d)
{
    return d->n_row;
}

void cursor_bind(struct db_cur *c, int i, int64_t v)
{
    if (!c->err)
        c->err = conn_err(sqlite3_bind_int64(c->st, i, v));
}

void cursor_bind_text(struct db_cur *c, int i, const char *s)
{
    if (!c->err)
        c->err = conn_err(sqlite3_bind_text(c->st, i, s, -1,
                                            SQLITE_TRANSIENT));
}

int cursor_step(struct db_cur *c)
{
    if (c->err)
        return -1;

    int rc = sqlite3_step(c->st);
    if (rc == SQLITE_ROW) {
        c->d->n_row++;
        return 1;
    }
    c->err = conn_err(rc);
    return c->err ? -1 : 0;
}

int64_t cursor_int(sqlite3_stmt *st, int i, int64_t none)
{
    return sqlite3_column_type(st, i) == SQLITE_NULL
               ? none : sqlite3_column_int64(st, i);
}

double cursor_real(sqlite3_stmt *st, int i)
{
    return sqlite3_column_type(st, i) == SQLITE_NULL
               ? NAN : sqlite3_column_double(st, i);
}

const char *cursor_text(sqlite3_stmt *st, int i)
{
    return (const char *)sqlite3_column_text(st, i);
}

struct db_blob cursor_blob(sqlite3_stmt *st, int i)
{
    const uint8_t *p = sqlite3_column_blob(st, i);

    return (struct db_blob){ p, (size_t)sqlite3_column_bytes(st, i) };
}
