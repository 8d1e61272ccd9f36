#include "db/sql.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "db/sqlfunc.h"
#include "db/writer.h"

enum {
    STEPS_PER_POLL = 1000,      /* of SQLite's machine: some microseconds */
    COLUMNS = 2000,             /* SQLite's own limit */
    HEAP_BYTES = 512 << 20      /* of SQLite in this process */
};

struct sql {
    struct sql_opts o;
    struct db *d;
    struct db_writer *w;        /* owner of d where writing; else NULL */
    uint64_t deadline_ns;       /* of the running query; 0: none */
    int late, stopped;          /* why the progress handler ended it */
    const char *name[COLUMNS];
    struct sql_value value[COLUMNS];
};

/* --- the fence ----------------------------------------------------------- */

static int authorize(void *ud, int action, const char *a, const char *b,
                     const char *database, const char *trigger)
{
    (void)ud, (void)a, (void)database, (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:       /* b: its name */
        return b && sqlite3_stricmp(b, "load_extension") != 0 ? SQLITE_OK
                                                              : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

/* Non-zero ends the query. */
static int poll(void *ud)
{
    struct sql *s = ud;

    s->late = s->deadline_ns && clock_mono_ns() > s->deadline_ns;
    s->stopped = s->o.cancelled && s->o.cancelled(s->o.ud);
    return s->late || s->stopped;
}

/* Some functions do much within one step, where no handler can look: keep
 * what they work on small.  And a thousand such values to be sorted are more
 * than a machine has, hence HEAP_BYTES. */
static const struct { int limit, value; } limits[] = {
    { SQLITE_LIMIT_ATTACHED, 0 },
    { SQLITE_LIMIT_LENGTH, 64 << 20 },
    { SQLITE_LIMIT_SQL_LENGTH, 1 << 20 },
    { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 500 },
};

/* SQLite connects a virtual table when a statement first names it, and asks
 * the authorizer then as for a change of the schema.  So it is done before,
 * for those that can do no harm. */
static const char connect[] =
    "SELECT 1 FROM heads(0), topk(0), ancestor_step(0), descendant_step(0), "
    "path_diff(0, 0), lens_at(0, 0), ablation_at(0, 0), json_each('[]'), "
    "json_tree('[]')";

static enum sor_err add_functions(struct sql *s, struct sor_msg *msg)
{
    if (sqlfunc_register(s->d->sq) != SQLITE_OK)
        return conn_fail(s->d, msg, "SQL functions");
    return conn_exec(s->d, connect, msg);
}

static enum sor_err raise_fence(struct sql *s, struct sor_msg *msg)
{
    /* No temporary file either: sorting spills into memory. */
    enum sor_err err = conn_exec(s->d, "PRAGMA temp_store = MEMORY", msg);

    if (err || (err = add_functions(s, msg)))
        return err;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        sqlite3_limit(s->d->sq, limits[i].limit, limits[i].value);
    if (sqlite3_hard_heap_limit64(-1) == 0)
        sqlite3_hard_heap_limit64(HEAP_BYTES);
    sqlite3_progress_handler(s->d->sq, STEPS_PER_POLL, poll, s);
    if (!s->o.write)
        sqlite3_set_authorizer(s->d->sq, authorize, NULL);
    return SOR_OK;
}

enum sor_err sql_open(const char *path, const struct sql_opts *o,
                      struct sql **out, struct sor_msg *msg)
{
    struct sql *s = mem_calloc(1, sizeof *s);
    enum sor_err err;

    if (!s)
        return sor_fail(msg, SOR_NOMEM, "%s: out of memory", path);
    s->o = *o;
    if (o->write) {
        err = db_writer_open(path, &o->lock, &s->w, msg);
        s->d = err ? NULL : s->w->d;
    } else {
        err = db_open(path, &s->d, msg);
    }
    if (!err)
        err = raise_fence(s, msg);
    if (err) {
        sql_close(s);
        return err;
    }
    *out = s;
    return SOR_OK;
}

void sql_close(struct sql *s)
{
    if (!s)
        return;
    if (s->d)
        sqlite3_progress_handler(s->d->sq, 0, NULL, NULL);
    if (s->w)
        db_writer_close(s->w);
    else
        db_close(s->d);
    mem_free(s);
}

/* --- a query ------------------------------------------------------------- */

static struct sql_value value(sqlite3_stmt *st, int i)
{
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
        return (struct sql_value){ .kind = SQL_INT,
                                   .i = sqlite3_column_int64(st, i) };
    case SQLITE_FLOAT:
        return (struct sql_value){ .kind = SQL_REAL,
                                   .r = sqlite3_column_double(st, i) };
    case SQLITE_TEXT:
        return (struct sql_value){ .kind = SQL_TEXT,
                                   .p = sqlite3_column_text(st, i),
                                   .n = (size_t)sqlite3_column_bytes(st, i) };
    case SQLITE_BLOB:
        return (struct sql_value){ .kind = SQL_BLOB,
                                   .p = sqlite3_column_blob(st, i),
                                   .n = (size_t)sqlite3_column_bytes(st, i) };
    default:
        return (struct sql_value){ .kind = SQL_NULL };
    }
}

static enum sor_err refused(struct sql *s, struct sor_msg *msg)
{
    int rc = sqlite3_errcode(s->d->sq) & 0xff;

    if (rc == SQLITE_AUTH || (rc == SQLITE_READONLY && !s->o.write))
        return sor_fail(msg, SOR_USAGE, "%s: only SELECT is allowed here; "
                        "--write allows changes", s->d->path);
    if (rc == SQLITE_NOMEM)
        return sor_fail(msg, SOR_LIMIT, "SQL: the query needs more than %d "
                        "MiB of memory", HEAP_BYTES >> 20);
    if (rc == SQLITE_ERROR || rc == SQLITE_CONSTRAINT)
        return sor_fail(msg, SOR_USAGE, "SQL: %s", sqlite3_errmsg(s->d->sq));
    return conn_fail(s->d, msg, "SQL");
}

/* What ended the statement: its end, the clock, a signal, an error. */
static enum sor_err ended(struct sql *s, int rc, struct sql_result *result,
                          struct sor_msg *msg)
{
    if (rc == SQLITE_DONE)
        return SOR_OK;
    if (rc == SQLITE_INTERRUPT && s->stopped)
        return sor_fail(msg, SOR_INTERRUPTED, "stopped");
    if (rc == SQLITE_INTERRUPT && s->late) {
        result->cut = SQL_CUT_TIME;
        return SOR_OK;
    }
    return refused(s, msg);
}

static enum sor_err fetch(struct sql *s, sqlite3_stmt *st,
                          const struct sql_sink *sink,
                          struct sql_result *result, struct sor_msg *msg)
{
    int n = sqlite3_column_count(st), rc = SQLITE_DONE;
    enum sor_err err = SOR_OK;

    for (int i = 0; i < n; i++)
        s->name[i] = sqlite3_column_name(st, i);
    if (n)
        err = sink->columns(sink->ud, n, s->name);
    while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (s->o.max_row && result->n_row >= s->o.max_row) {
            result->cut = SQL_CUT_ROWS;
            return SOR_OK;
        }
        for (int i = 0; i < n; i++)
            s->value[i] = value(st, i);
        err = sink->row(sink->ud, n, s->value);
        result->n_row++;
    }
    return err ? err : ended(s, rc & 0xff, result, msg);
}

enum sor_err sql_run(struct sql *s, const char *text,
                     const struct sql_sink *sink, struct sql_result *result,
                     struct sor_msg *msg)
{
    struct sql_result r = { 0 };
    int64_t before = sqlite3_total_changes64(s->d->sq);
    enum sor_err err = SOR_OK;

    s->deadline_ns = s->o.max_ms ? clock_mono_ns() +
                                   (uint64_t)s->o.max_ms * 1000000u : 0;
    s->late = s->stopped = 0;
    while (!err && r.cut == SQL_WHOLE && *text) {
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(s->d->sq, text, -1, &st, &text);

        if (rc != SQLITE_OK)
            err = ended(s, rc & 0xff, &r, msg);
        else if (st)
            err = fetch(s, st, sink, &r, msg);
        sqlite3_finalize(st);
    }
    s->deadline_ns = 0;
    if (err)
        return err;
    r.n_changed = sqlite3_total_changes64(s->d->sq) - before;
    *result = r;
    return SOR_OK;
}

/* --- words --------------------------------------------------------------- */

/* An eponymous table of SQLite's own is named by pragma_module_list too. */
static const char names[] =
    "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') UNION "
    "SELECT c.name FROM sqlite_schema s, pragma_table_info(s.name) c "
    "WHERE s.type IN ('table', 'view') UNION "
    "SELECT name FROM pragma_function_list UNION "
    "SELECT name FROM pragma_module_list";

static void own_words(struct sql *s, const char *prefix,
                      void (*word)(void *ud, const char *name), void *ud)
{
    size_t n = strlen(prefix);
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(s->d->sq, names, -1, &st, NULL) != SQLITE_OK)
        return;
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(st, 0);

        if (name && sqlite3_strnicmp(name, prefix, (int)n) == 0)
            word(ud, name);
    }
    sqlite3_finalize(st);
}

/* Keywords, in the case that the prefix has. */
static void keywords(const char *prefix,
                     void (*word)(void *ud, const char *name), void *ud)
{
    int lower = *prefix >= 'a' && *prefix <= 'z', n = (int)strlen(prefix);

    for (int i = 0; i < sqlite3_keyword_count(); i++) {
        const char *name;
        char text[40];
        int len;

        sqlite3_keyword_name(i, &name, &len);
        if (len < n || len >= (int)sizeof text ||
            sqlite3_strnicmp(name, prefix, n) != 0)
            continue;
        for (int k = 0; k < len; k++)
            text[k] = (char)(lower && name[k] != '_' ? name[k] | 0x20
                                                     : name[k]);
        text[len] = '\0';
        word(ud, text);
    }
}

/* The statement is ours, so it may pass where typed ones may not. */
void sql_words(struct sql *s, const char *prefix,
               void (*word)(void *ud, const char *name), void *ud)
{
    sqlite3_set_authorizer(s->d->sq, NULL, NULL);
    own_words(s, prefix, word, ud);
    if (!s->o.write)
        sqlite3_set_authorizer(s->d->sq, authorize, NULL);
    keywords(prefix, word, ud);
}

int sql_complete(const char *text)
{
    return sqlite3_complete(text) != 0;
}
