#include "db/tvf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct table {
    sqlite3_vtab base;
    sqlite3 *sq;
    const struct tvf *f;
};

/* --- errors and statements ----------------------------------------------- */

static void say(sqlite3_vtab *v, char *text)
{
    sqlite3_free(v->zErrMsg);
    v->zErrMsg = text;
}

int tvf_fail(struct tvf_cursor *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(c->base.pVtab, sqlite3_vmprintf(fmt, ap));
    va_end(ap);
    return SQLITE_ERROR;
}

int tvf_error(struct tvf_cursor *c, int rc)
{
    say(c->base.pVtab, sqlite3_mprintf("%s: %s", c->f->name,
                                       sqlite3_errmsg(c->sq)));
    return rc;
}

int tvf_prepare(struct tvf_cursor *c, int i, const char *sql)
{
    if (c->st[i]) {
        sqlite3_reset(c->st[i]);
        return SQLITE_OK;
    }
    int rc = sqlite3_prepare_v2(c->sq, sql, -1, &c->st[i], NULL);

    return rc == SQLITE_OK ? rc : tvf_error(c, rc);
}

/* --- arguments ----------------------------------------------------------- */

int tvf_given(const struct tvf_cursor *c, int i)
{
    return c->arg[i] && sqlite3_value_type(c->arg[i]) != SQLITE_NULL;
}

/* An address in pieces: text, then numbers. */
struct address { const char *run; int n_run; long path, step; };

/* n: how many numbers it must have.  -1 where it is none. */
static int parse(const char *text, int n, struct address *a)
{
    const char *p = strchr(text, ':');
    char *end = NULL;

    if (!p || p == text || p - text > 32)
        return -1;
    a->run = text;
    a->n_run = (int)(p - text);
    for (int i = 0; i < n; i++, p = end) {
        if (*p != ':' || p[1] < '0' || p[1] > '9')
            return -1;
        *(i ? &a->step : &a->path) = strtol(p + 1, &end, 10);
    }
    return *p ? -1 : 0;
}

/* Hex digits sort below 'g', so a prefix is a range of the index on uid. */
static const char find_path[] =
    "SELECT id FROM path WHERE ordinal = ?2 AND run_id = "
    "(SELECT CASE WHEN min(id) = max(id) THEN min(id) END FROM "
    "(SELECT id FROM run WHERE uid >= ?1 AND uid < ?1 || 'g' LIMIT 2))";
static const char find_path_of_last[] =
    "SELECT id FROM path WHERE ordinal = ?2 AND run_id = "
    "(SELECT id FROM run ORDER BY started_us DESC, id DESC LIMIT 1)";
static const char find_step[] =
    "SELECT id FROM step WHERE path_id = ?1 AND ordinal = ?2";

/* Steps st once and finalizes it: SQLITE_ROW with the id found. */
static int first(sqlite3_stmt *st, sqlite3_int64 *id)
{
    int rc = sqlite3_step(st);

    if (rc == SQLITE_ROW)
        *id = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return rc;
}

static int look_up(struct tvf_cursor *c, const struct address *a,
                   int with_step, sqlite3_int64 *id)
{
    int last = a->n_run == 4 && memcmp(a->run, "last", 4) == 0;
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(c->sq, last ? find_path_of_last : find_path,
                                -1, &st, NULL);

    if (rc != SQLITE_OK)
        return rc;
    if (!last)
        sqlite3_bind_text(st, 1, a->run, a->n_run, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, a->path);
    rc = first(st, id);
    if (rc != SQLITE_ROW || !with_step)
        return rc;
    rc = sqlite3_prepare_v2(c->sq, find_step, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(st, 1, *id);
    sqlite3_bind_int64(st, 2, a->step);
    return first(st, id);
}

static int resolve(struct tvf_cursor *c, int i, int with_step,
                   sqlite3_int64 *id)
{
    const char *form = with_step ? "RUN:PATH:STEP" : "RUN:PATH";
    struct address a = { 0 };

    if (!tvf_given(c, i))
        return SQLITE_DONE;
    if (sqlite3_value_numeric_type(c->arg[i]) == SQLITE_INTEGER) {
        *id = sqlite3_value_int64(c->arg[i]);
        return SQLITE_OK;
    }
    const char *text = (const char *)sqlite3_value_text(c->arg[i]);
    if (!text || parse(text, with_step ? 2 : 1, &a) != 0)
        return tvf_fail(c, "%s: '%s' is neither an id nor %s", c->f->name,
                        text ? text : "", form);
    int rc = look_up(c, &a, with_step, id);
    if (rc == SQLITE_ROW)
        return SQLITE_OK;
    if (rc == SQLITE_DONE)
        return tvf_fail(c, "%s: %s is not there, or its run is not the only "
                        "one to begin so", c->f->name, text);
    return tvf_error(c, rc);
}

int tvf_path(struct tvf_cursor *c, int i, sqlite3_int64 *id)
{
    return resolve(c, i, 0, id);
}

int tvf_step(struct tvf_cursor *c, int i, sqlite3_int64 *id)
{
    return resolve(c, i, 1, id);
}

/* --- the module ---------------------------------------------------------- */

static int on_connect(sqlite3 *sq, void *aux, int argc,
                      const char *const *argv, sqlite3_vtab **out, char **err)
{
    const struct tvf *f = aux;
    struct table *t = sqlite3_malloc(sizeof *t);
    char columns[400], *p = columns;

    (void)argc, (void)argv, (void)err;
    if (!t)
        return SQLITE_NOMEM;
    *t = (struct table){ .sq = sq, .f = f };

    /* "a, b" of the arguments becomes "a HIDDEN, b HIDDEN" */
    sqlite3_snprintf(sizeof columns, columns, "CREATE TABLE x(%s, ",
                     f->columns);
    p += strlen(p);
    for (const char *a = f->args; *a;) {
        size_t n = strcspn(a, ",");

        sqlite3_snprintf((int)(columns + sizeof columns - p), p,
                         "%.*s HIDDEN%s", (int)n, a, a[n] ? ", " : ")");
        p += strlen(p);
        a += n + strspn(a + n, ", ");
    }
    int rc = sqlite3_declare_vtab(sq, columns);
    if (rc == SQLITE_OK)
        rc = sqlite3_vtab_config(sq, SQLITE_VTAB_DIRECTONLY);
    if (rc != SQLITE_OK) {
        sqlite3_free(t);
        return rc;
    }
    *out = &t->base;
    return SQLITE_OK;
}

static int on_disconnect(sqlite3_vtab *v)
{
    sqlite3_free(v);
    return SQLITE_OK;
}

/* idxNum: bit i, argument i is given; they come in that order. */
static int on_best_index(sqlite3_vtab *v, sqlite3_index_info *info)
{
    const struct tvf *f = ((struct table *)v)->f;
    int at[TVF_ARGS] = { 0 }, mentioned = 0, n = 0;

    for (int i = 0; i < info->nConstraint; i++) {
        int arg = info->aConstraint[i].iColumn - f->n_column;

        if (arg < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        mentioned |= 1 << arg;
        if (info->aConstraint[i].usable)
            at[arg] = i + 1;
    }
    for (int i = 0; i < f->n_arg; i++) {
        if (!(mentioned >> i & 1) && i < f->n_need) {
            say(v, sqlite3_mprintf("%s(%s): an argument is missing", f->name,
                                   f->args));
            return SQLITE_ERROR;
        }
        if ((mentioned >> i & 1) && !at[i])
            return SQLITE_CONSTRAINT;   /* its table must come first */
        if (!at[i])
            continue;
        info->aConstraintUsage[at[i] - 1].argvIndex = ++n;
        info->aConstraintUsage[at[i] - 1].omit = 1;
        info->idxNum |= 1 << i;
    }
    info->estimatedCost = f->n_row;
    info->estimatedRows = (sqlite3_int64)f->n_row;
    return SQLITE_OK;
}

static int on_open(sqlite3_vtab *v, sqlite3_vtab_cursor **out)
{
    const struct table *t = (const struct table *)v;
    struct tvf_cursor *c = sqlite3_malloc(t->f->cursor_bytes);

    if (!c)
        return SQLITE_NOMEM;
    memset(c, 0, (size_t)t->f->cursor_bytes);
    c->f = t->f;
    c->sq = t->sq;
    *out = &c->base;
    return SQLITE_OK;
}

static void forget_args(struct tvf_cursor *c)
{
    for (int i = 0; i < TVF_ARGS; i++) {
        sqlite3_value_free(c->arg[i]);
        c->arg[i] = NULL;
    }
}

static int on_close(sqlite3_vtab_cursor *cur)
{
    struct tvf_cursor *c = (struct tvf_cursor *)cur;

    if (c->f->release)
        c->f->release(c);
    for (int i = 0; i < TVF_STATEMENTS; i++)
        sqlite3_finalize(c->st[i]);
    forget_args(c);
    sqlite3_free(c);
    return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *cur)
{
    struct tvf_cursor *c = (struct tvf_cursor *)cur;
    int rc = c->f->next(c);

    c->row++;
    c->eof = rc != SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int on_filter(sqlite3_vtab_cursor *cur, int given, const char *unused,
                     int argc, sqlite3_value **argv)
{
    struct tvf_cursor *c = (struct tvf_cursor *)cur;
    int n = 0;

    (void)unused, (void)argc;
    forget_args(c);
    for (int i = 0; i < c->f->n_arg; i++)
        if (given >> i & 1 &&
            !(c->arg[i] = sqlite3_value_dup(argv[n++])))
            return SQLITE_NOMEM;
    c->row = 0;
    c->eof = 1;
    int rc = c->f->filter(c);
    return rc == SQLITE_OK ? on_next(cur)
                           : rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int on_eof(sqlite3_vtab_cursor *cur)
{
    return ((struct tvf_cursor *)cur)->eof;
}

static int on_column(sqlite3_vtab_cursor *cur, sqlite3_context *to, int i)
{
    struct tvf_cursor *c = (struct tvf_cursor *)cur;
    int arg = i - c->f->n_column;

    if (arg >= 0 && c->arg[arg])
        sqlite3_result_value(to, c->arg[arg]);
    else
        c->f->column(c, to, i);
    return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *cur, sqlite3_int64 *id)
{
    *id = ((struct tvf_cursor *)cur)->row;
    return SQLITE_OK;
}

/* No xCreate: the table is there without CREATE VIRTUAL TABLE, and cannot be
 * made with it. */
static const sqlite3_module module = {
    .xConnect = on_connect, .xDisconnect = on_disconnect,
    .xBestIndex = on_best_index, .xOpen = on_open, .xClose = on_close,
    .xFilter = on_filter, .xNext = on_next, .xEof = on_eof,
    .xColumn = on_column, .xRowid = on_rowid
};

int tvf_register(sqlite3 *sq, const struct tvf *f)
{
    return sqlite3_create_module(sq, f->name, &module, (void *)f);
}
