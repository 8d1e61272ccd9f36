#include "db/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "db/cursor.h"
#include "db/pack.h"
#include "db/portable.h"

/* A row that others name: its id, and its number inside the run. */
struct named {
    int64_t id;
    int number;
    uint8_t sha256[SHA256_BYTES];       /* texts and models */
};
struct names {
    struct named *row;                  /* by id, once all are in */
    int n, cap;
};

struct dump {
    struct db *d;
    int64_t run_id;
    const struct dump_sink *sink;
    struct sor_msg *msg;
    struct names names[TABLES];
    int number[TABLES];                 /* of the last row handed out */
    struct names token;                 /* ids of the tokens that occur */
    struct portable col;                /* of the table being read */
    char elsewhere[64];                 /* a path of another run, as text */
};

/* --- numbers ------------------------------------------------------------- */

static enum sor_err no_memory(struct dump *u)
{
    return sor_fail(u->msg, SOR_NOMEM, "%s: out of memory", u->d->path);
}

static enum sor_err add(struct dump *u, struct names *s, int64_t id)
{
    if (s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 64;
        struct named *row = mem_realloc(s->row, (size_t)cap, sizeof *row);

        if (!row)
            return no_memory(u);
        s->row = row;
        s->cap = cap;
    }
    s->row[s->n++] = (struct named){ .id = id };
    return SOR_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct named *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static int by_content(const void *a, const void *b)
{
    const struct named *x = a, *y = b;

    return memcmp(x->sha256, y->sha256, sizeof x->sha256);
}

/* Sorts by id and drops repeats. */
static void settle(struct names *s)
{
    int n = 0;

    if (s->n)
        qsort(s->row, (size_t)s->n, sizeof *s->row, by_id);
    for (int i = 0; i < s->n; i++)
        if (n == 0 || s->row[n - 1].id != s->row[i].id)
            s->row[n++] = s->row[i];
    s->n = n;
}

/* 0: not among them. */
static int number_of(const struct names *s, int64_t id)
{
    struct named key = { .id = id };
    const struct named *hit = s->n ? bsearch(&key, s->row, (size_t)s->n,
                                             sizeof key, by_id) : NULL;

    return hit ? hit->number : 0;
}

/* --- what the run shares with others ------------------------------------- */

static enum sor_err prepare(struct dump *u, enum table t, sqlite3_stmt **st)
{
    char sql[768];

    snprintf(sql, sizeof sql, "SELECT %s FROM \"%s\" WHERE %s ORDER BY id",
             tables[t].columns, tables[t].name, tables[t].of_run);
    portable_init(&u->col, t);
    enum sor_err err = conn_prepare(u->d, sql, st, u->msg);
    if (!err)
        sqlite3_bind_int64(*st, 1, u->run_id);
    return err;
}

static enum sor_err finish(struct dump *u, enum table t, sqlite3_stmt *st,
                           enum sor_err err)
{
    char doing[48];

    snprintf(doing, sizeof doing, "table %s cannot be read", tables[t].name);
    if (sqlite3_finalize(st) != SQLITE_OK && !err)
        return conn_fail(u->d, u->msg, doing);
    return err;
}

/* The alternatives of a token are named only inside its packed column. */
static enum sor_err note_alt(struct dump *u, sqlite3_stmt *st, int i)
{
    struct db_blob b = cursor_blob(st, i);
    enum sor_err err = SOR_OK;
    float unused;
    int32_t id;

    for (int k = 0; b.p && !err && unpack_alt(b.p, b.n, k, &id, &unused); k++)
        err = add(u, &u->token, id);
    return err;
}

static enum sor_err note_column(struct dump *u, sqlite3_stmt *st, int i)
{
    const char *kind = portable_by_kind(&u->col, i)
        ? (const char *)sqlite3_column_text(st, i - 1) : NULL;
    int to = portable_ref(&u->col, i, kind);
    int64_t v = sqlite3_column_int64(st, i);

    if (sqlite3_column_type(st, i) == SQLITE_NULL)
        return SOR_OK;
    if (to == TABLE_TEXT || to == TABLE_MODEL)
        return add(u, &u->names[to], v);
    if (portable_is_token(&u->col, i))
        return add(u, &u->token, v);
    return strcmp(u->col.column[i], "alt") == 0 ? note_alt(u, st, i) : SOR_OK;
}

/* Repeats go as soon as there are many: a run of a million tokens has a small
 * vocabulary. */
static void thin(struct names *s)
{
    if (s->n == s->cap && s->n >= 1 << 16)
        settle(s);
}

/* Which texts, models and tokens the rows of one table name. */
static enum sor_err note_table(struct dump *u, enum table t)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = prepare(u, t, &st);

    while (!err && sqlite3_step(st) == SQLITE_ROW) {
        for (int i = 1; i < u->col.n && !err; i++)
            err = note_column(u, st, i);
        if (portable_is_named(t)) {
            struct names *s = &u->names[t];

            if (!err && !(err = add(u, s, sqlite3_column_int64(st, 0))))
                s->row[s->n - 1].number = s->n;
        }
        thin(&u->token);
    }
    return finish(u, t, st, err);
}

/* Numbers texts or models by their content, and leaves them sorted by id. */
static enum sor_err number_shared(struct dump *u, enum table t)
{
    struct names *s = &u->names[t];
    sqlite3_stmt *st = NULL;
    char sql[64];
    enum sor_err err;

    settle(s);
    snprintf(sql, sizeof sql, "SELECT sha256 FROM %s WHERE id = ?",
             tables[t].name);
    err = conn_prepare(u->d, sql, &st, u->msg);
    for (int i = 0; i < s->n && !err; i++) {
        sqlite3_bind_int64(st, 1, s->row[i].id);
        if (sqlite3_step(st) != SQLITE_ROW ||
            sqlite3_column_bytes(st, 0) != SHA256_BYTES)
            err = sor_fail(u->msg, SOR_FORMAT, "%s: %s %lld is missing",
                           u->d->path, tables[t].name,
                           (long long)s->row[i].id);
        else
            memcpy(s->row[i].sha256, sqlite3_column_blob(st, 0),
                   SHA256_BYTES);
        sqlite3_reset(st);
    }
    if ((err = finish(u, t, st, err)) || s->n == 0)
        return err;
    qsort(s->row, (size_t)s->n, sizeof *s->row, by_content);
    for (int i = 0; i < s->n; i++)
        s->row[i].number = i + 1;
    qsort(s->row, (size_t)s->n, sizeof *s->row, by_id);
    return SOR_OK;
}

/* --- rows out ------------------------------------------------------------ */

static struct sql_value value_of(sqlite3_stmt *st, int i)
{
    struct sql_value v = { .kind = SQL_NULL };

    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
        v.kind = SQL_INT;
        v.i = sqlite3_column_int64(st, i);
        break;
    case SQLITE_FLOAT:
        v.kind = SQL_REAL;
        v.r = sqlite3_column_double(st, i);
        break;
    case SQLITE_TEXT:
        v.kind = SQL_TEXT;
        v.p = sqlite3_column_text(st, i);
        v.n = (size_t)sqlite3_column_bytes(st, i);
        break;
    case SQLITE_BLOB:
        v.kind = SQL_BLOB;
        v.p = sqlite3_column_blob(st, i);
        v.n = (size_t)sqlite3_column_bytes(st, i);
        break;
    default:
        break;
    }
    return v;
}

/* A path that is not the run's own. */
static enum sor_err name_path(struct dump *u, struct sql_value *v)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(u->d, "SELECT r.uid || ':' || p.ordinal "
        "FROM path p JOIN run r ON r.id = p.run_id WHERE p.id = ?", &st,
        u->msg);

    if (err)
        return err;
    sqlite3_bind_int64(st, 1, v->i);
    if (sqlite3_step(st) != SQLITE_ROW)
        err = sor_fail(u->msg, SOR_FORMAT, "%s: path %lld is missing",
                       u->d->path, (long long)v->i);
    else
        snprintf(u->elsewhere, sizeof u->elsewhere, "%s",
                 (const char *)sqlite3_column_text(st, 0));
    *v = (struct sql_value){ .kind = SQL_TEXT, .p = u->elsewhere,
                             .n = strlen(u->elsewhere) };
    return finish(u, TABLE_PATH, st, err);
}

/* Column i of a row as it goes out: an id as the number of what it names. */
static enum sor_err translate(struct dump *u, struct sql_value *v, int i)
{
    const char *kind = portable_by_kind(&u->col, i) ? v[i - 1].p : NULL;
    int to = portable_ref(&u->col, i, kind), number;

    if (to == TABLES || v[i].kind != SQL_INT)
        return SOR_OK;
    if (to == PORTABLE_UNKNOWN)
        return sor_fail(u->msg, SOR_UNSUP, "%s: an edge ends in a %s, which "
                        "cannot be exported", u->d->path, kind ? kind : "?");
    number = number_of(&u->names[to], v[i].i);
    if (!number && to == TABLE_PATH)
        return name_path(u, &v[i]);
    if (!number)
        return sor_fail(u->msg, SOR_FORMAT, "%s: %s %lld is not of this run",
                        u->d->path, tables[to].name, (long long)v[i].i);
    v[i].i = number;
    return SOR_OK;
}

static enum sor_err hand_out(struct dump *u, enum table t, sqlite3_stmt *st)
{
    struct sql_value v[DUMP_COLUMNS];
    struct dump_row row = { tables[t].name, u->col.n, u->col.column, v };
    enum sor_err err = SOR_OK;

    for (int i = 0; i < u->col.n; i++)
        v[i] = value_of(st, i);
    v[0].i = ++u->number[t];
    for (int i = 1; i < u->col.n && !err; i++)
        err = translate(u, v, i);
    return err ? err : u->sink->row(u->sink->ud, &row, u->msg);
}

static enum sor_err put_table(struct dump *u, enum table t)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = prepare(u, t, &st);

    while (!err && sqlite3_step(st) == SQLITE_ROW)
        err = hand_out(u, t, st);
    return finish(u, t, st, err);
}

/* The rows of t that belong to each of the texts or models, in their order;
 * where says how: ?1 is its id. */
static enum sor_err put_shared(struct dump *u, enum table of, enum table t,
                               const char *where)
{
    struct names *s = &u->names[of];
    sqlite3_stmt *st = NULL;
    char sql[512];
    enum sor_err err;

    snprintf(sql, sizeof sql, "SELECT %s FROM \"%s\" WHERE %s",
             tables[t].columns, tables[t].name, where);
    portable_init(&u->col, t);
    err = conn_prepare(u->d, sql, &st, u->msg);
    if (s->n)
        qsort(s->row, (size_t)s->n, sizeof *s->row, by_content);
    for (int i = 0; i < s->n && !err; i++) {
        int64_t id = s->row[i].id;

        sqlite3_bind_int64(st, 1, id);
        /* the only reference of such a row is to that one */
        struct names one = { &s->row[i], 1, 1 }, all = u->names[of];
        u->names[of] = one;
        while (!err && sqlite3_step(st) == SQLITE_ROW)
            if (t != TABLE_PIECE ||
                number_of(&u->token, sqlite3_column_int64(st, 2)))
                err = hand_out(u, t, st);
        u->names[of] = all;
        sqlite3_reset(st);
    }
    if (s->n)
        qsort(s->row, (size_t)s->n, sizeof *s->row, by_id);
    return finish(u, t, st, err);
}

static enum sor_err refuse_forgotten(struct dump *u)
{
    int64_t forgotten;
    enum sor_err err = conn_int(u->d, "SELECT count(*) FROM tombstone "
        "WHERE run_id = ? AND kind = 'forget'", u->run_id, &forgotten, u->msg);

    if (!err && forgotten)
        return sor_fail(u->msg, SOR_NOTFOUND, "%s: a run that was forgotten "
                        "has nothing left to export", u->d->path);
    return err;
}

static enum sor_err run_tables(struct dump *u,
                               enum sor_err (*act)(struct dump *, enum table))
{
    enum sor_err err = SOR_OK;

    for (int t = 0; t < TABLES && !err; t++)
        if (tables[t].of_run)
            err = act(u, (enum table)t);
    return err;
}

enum sor_err dump_run(struct db *d, int64_t run_id,
                      const struct dump_sink *sink, struct sor_msg *msg)
{
    struct dump u = { .d = d, .run_id = run_id, .sink = sink, .msg = msg };
    enum sor_err err;

    /* one moment of the database, whoever writes meanwhile */
    if ((err = conn_exec(d, "BEGIN", msg)))
        return err;
    if ((err = refuse_forgotten(&u)) || (err = run_tables(&u, note_table)) ||
        (err = number_shared(&u, TABLE_TEXT)) ||
        (err = number_shared(&u, TABLE_MODEL)))
        goto done;
    settle(&u.token);
    for (int i = 0; i < u.token.n; i++)
        u.token.row[i].number = i + 1;
    if ((err = put_shared(&u, TABLE_TEXT, TABLE_TEXT, "id = ?")) ||
        (err = put_shared(&u, TABLE_MODEL, TABLE_MODEL, "id = ?")) ||
        (err = put_shared(&u, TABLE_MODEL, TABLE_MODEL_PART,
                          "model_id = ? ORDER BY ordinal")) ||
        (err = put_shared(&u, TABLE_MODEL, TABLE_PIECE,
                          "model_id = ? ORDER BY token_id")))
        goto done;
    err = run_tables(&u, put_table);
done:
    conn_exec(d, "COMMIT", NULL);
    for (int t = 0; t < TABLES; t++)
        mem_free(u.names[t].row);
    mem_free(u.token.row);
    return err;
}
