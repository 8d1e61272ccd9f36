#include "db/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "db/portable.h"
#include "db/writer.h"

/* A vocabulary has less; what a file claims decides over memory here. */
enum { TOKEN_MAX = 1 << 24, LOAD_PATHS = 1 << 20, UID_HEX = 32 };

/* Ids by number, for what may have been there before; the rows of the run
 * itself get rising ids, so their first one says all. */
struct ids {
    int64_t *id;                        /* [n] */
    int64_t n, cap;
};

struct load {
    struct db_writer *w;
    struct portable col[TABLES];
    char type[TABLES][DUMP_COLUMNS];    /* first letter: I, R, T, B */
    int is_open, is_known;
    char uid[UID_HEX + 1];
    int64_t n[TABLES];                  /* rows so far */
    int64_t first[TABLES];              /* id of number 1 */
    struct ids text, model;
    uint8_t *is_new;                    /* [model.n] its parts go in too */
    int64_t n_path, last_path;          /* asked for; the largest ordinal */
    int is_review;                      /* n_path is of each claim */
};

/* --- opening ------------------------------------------------------------- */

static enum sor_err load_types(struct load *l, enum table t,
                               struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = table_select(l->w->d, t, &st, msg);

    portable_init(&l->col[t], t);
    for (int i = 0; i < l->col[t].n && !err; i++) {
        const char *type = sqlite3_column_decltype(st, i);

        l->type[t][i] = type ? *type : 'T';
    }
    sqlite3_finalize(st);
    return err;
}

enum sor_err load_open(struct db_writer *w, struct load **out,
                       struct sor_msg *msg)
{
    struct load *l = mem_calloc(1, sizeof *l);
    enum sor_err err = SOR_OK;

    if (!l)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    l->w = w;
    for (int t = 0; t < TABLES && !err; t++)
        err = load_types(l, (enum table)t, msg);
    if (err)
        load_close(l);
    else
        *out = l;
    return err;
}

void load_drop(struct load *l)
{
    if (l->is_open && !l->is_known)
        db_rollback(l->w);
    l->is_open = 0;
}

int load_is_known(const struct load *l)
{
    return l->is_known;
}

void load_close(struct load *l)
{
    if (!l)
        return;
    load_drop(l);
    mem_free(l->text.id);
    mem_free(l->model.id);
    mem_free(l->is_new);
    mem_free(l);
}

enum sor_err load_knows(struct db_writer *w, const char *uid, int *known,
                        struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(w->d, "SELECT 1 FROM run WHERE uid = ?",
                                    &st, msg);

    if (err)
        return err;
    sqlite3_bind_text(st, 1, uid, -1, SQLITE_STATIC);
    *known = sqlite3_step(st) == SQLITE_ROW;
    return sqlite3_finalize(st) == SQLITE_OK ? SOR_OK
                                             : conn_fail(w->d, msg, "run");
}

enum sor_err load_begin(struct load *l, const char *uid, int *known,
                        struct sor_msg *msg)
{
    enum sor_err err;

    load_drop(l);
    if (strlen(uid) != UID_HEX ||
        strspn(uid, "0123456789abcdef") != UID_HEX)
        return sor_fail(msg, SOR_FORMAT, "a run's uid is 32 hex digits");
    if ((err = load_knows(l->w, uid, &l->is_known, msg)) ||
        (!l->is_known && (err = db_begin(l->w, 0, msg))))
        return err;
    l->is_open = 1;
    memcpy(l->uid, uid, sizeof l->uid);
    memset(l->n, 0, sizeof l->n);
    l->text.n = l->model.n = 0;
    l->n_path = l->is_review = 0;
    l->last_path = -1;
    *known = l->is_known;
    return SOR_OK;
}

/* --- values -------------------------------------------------------------- */

static enum sor_err wrong(const struct load *l, enum table t, int i,
                          const char *what, struct sor_msg *msg)
{
    return sor_fail(msg, SOR_FORMAT, "%s %lld: %s: %s", tables[t].name,
                    (long long)l->n[t] + 1, l->col[t].column[i], what);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Text that spells a blob; bytes: what it spells. */
static int from_hex(struct sql_value *v, struct str *bytes)
{
    const char *s = v->p;

    for (size_t i = 0; i < v->n; i += 2) {
        int hi = hex_digit(s[i]), lo = i + 1 < v->n ? hex_digit(s[i + 1]) : -1;

        if (hi < 0 || lo < 0)
            return -1;
        str_putc(bytes, (char)(hi << 4 | lo));
    }
    *v = (struct sql_value){ .kind = SQL_BLOB, .p = bytes->p,
                             .n = bytes->len };
    return str_ok(bytes) ? 0 : -1;
}

/* Text that spells an integer. */
static int from_digits(struct sql_value *v)
{
    char digits[24], *end;

    if (v->n == 0 || v->n >= sizeof digits)
        return -1;
    memcpy(digits, v->p, v->n);
    digits[v->n] = '\0';
    errno = 0;
    *v = (struct sql_value){ .kind = SQL_INT, .i = strtoll(digits, &end, 10) };
    return *end || errno ? -1 : 0;
}

/* Makes the value one of its column's type.  0, or -1: it is none. */
static int coerce(char type, struct sql_value *v, struct str *bytes)
{
    if (v->kind == SQL_NULL)
        return 0;
    switch (type) {
    case 'I':
        return v->kind == SQL_INT ? 0
             : v->kind == SQL_TEXT ? from_digits(v) : -1;
    case 'R':
        if (v->kind == SQL_INT)
            *v = (struct sql_value){ .kind = SQL_REAL, .r = (double)v->i };
        return v->kind == SQL_REAL ? 0 : -1;
    case 'B':
        return v->kind == SQL_BLOB ? 0
             : v->kind == SQL_TEXT ? from_hex(v, bytes) : -1;
    default:
        if (v->kind == SQL_BLOB)        /* text that is no UTF-8 */
            v->kind = SQL_TEXT;
        return v->kind == SQL_TEXT ? 0 : -1;
    }
}

/* Columns that hold more than 32 bits; all others are read as int. */
static int is_wide(const char *column)
{
    static const char *const ends[] = {
        "id", "_us", "_ns", "bytes", "_byte", "seed", "xxh3", "digest", "_seq",
        "n_event", "n_lost", "n_token", "blocks_read", "compared",
        "blocks_full", "layer_rows",
    };
    size_t n = strlen(column);

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t len = strlen(ends[i]);

        if (n >= len && strcmp(column + n - len, ends[i]) == 0)
            return 1;
    }
    return 0;
}

/* Numbers that no run has; elsewhere a number may be -1, for none. */
static enum sor_err check_number(struct load *l, enum table t, int i,
                                 const struct sql_value *v,
                                 struct sor_msg *msg)
{
    static const struct { enum table t; const char *column; int64_t most; }
    counts[] = {
        { TABLE_RUN, "n_path", LOAD_PATHS },
        { TABLE_RUN, "n_prompt", INT32_MAX },
        { TABLE_RUN, "max_tok", INT32_MAX }, { TABLE_RUN, "n_ctx", INT32_MAX },
        { TABLE_RUN, "n_thread", INT32_MAX },
        { TABLE_PATH, "ordinal", LOAD_PATHS - 1 },
        { TABLE_PATH_END, "n_token", INT32_MAX },
    };
    const char *column = l->col[t].column[i];
    char what[64];

    if (v->kind != SQL_INT || l->type[t][i] != 'I')
        return SOR_OK;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        if (counts[k].t == t && strcmp(counts[k].column, column) == 0 &&
            (v->i < 0 || v->i > counts[k].most)) {
            snprintf(what, sizeof what, "%lld is not within 0 to %lld",
                     (long long)v->i, (long long)counts[k].most);
            return wrong(l, t, i, what, msg);
        }
    if (!is_wide(column) && (v->i < INT32_MIN || v->i > INT32_MAX))
        return wrong(l, t, i, "is over 32 bits", msg);
    return SOR_OK;
}

/* A path of a run that is here.  One that was forgotten lends no tokens: such
 * a fork could not be read, and nobody could import it again (db/remove.c
 * keeps a run with live forks from being forgotten, for the same reason). */
static enum sor_err path_elsewhere(struct load *l, enum table t,
                                   struct sql_value *v, struct sor_msg *msg)
{
    int n = (int)(v->n < 48 ? v->n : 48);
    const char *name = v->p;
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(l->w->d, "SELECT p.id, EXISTS (SELECT 1 "
        "FROM tombstone f WHERE f.run_id = r.id AND f.kind = 'forget') "
        "FROM path p JOIN run r ON r.id = p.run_id "
        "WHERE r.uid || ':' || p.ordinal = ?2 AND r.uid = substr(?2, 1, 32)",
        &st, msg);

    if (err)
        return err;
    sqlite3_bind_text64(st, 2, name, v->n, SQLITE_STATIC, SQLITE_UTF8);
    if (sqlite3_step(st) != SQLITE_ROW)
        err = sor_fail(msg, SOR_FORMAT, "it grew from path %.*s, which is not "
                       "here; import that run first", n, name);
    else if (t == TABLE_PATH_SPAN && sqlite3_column_int(st, 1))
        err = sor_fail(msg, SOR_FORMAT, "its first tokens are those of path "
                       "%.*s, whose words were forgotten here; it can come "
                       "in where that run still has them", n, name);
    else
        *v = (struct sql_value){ .kind = SQL_INT,
                                 .i = sqlite3_column_int64(st, 0) };
    sqlite3_finalize(st);
    return err;
}

/* A number becomes the id of the row that has it here. */
static enum sor_err resolve(struct load *l, enum table t, int i,
                            struct sql_value *v, struct sor_msg *msg)
{
    const char *kind = portable_by_kind(&l->col[t], i) &&
                       v[i - 1].kind == SQL_TEXT ? v[i - 1].p : NULL;
    int to = portable_ref(&l->col[t], i, kind);
    int64_t number = v[i].i;

    if (to == TABLES || v[i].kind == SQL_NULL)
        return SOR_OK;
    if (to == PORTABLE_UNKNOWN)
        return wrong(l, t, i, "an end of an unknown kind", msg);
    if (to == TABLE_PATH && v[i].kind == SQL_TEXT)
        return path_elsewhere(l, t, &v[i], msg);
    if (coerce('I', &v[i], NULL) != 0 || number < 1 || number > l->n[to])
        return wrong(l, t, i, "names no row before this one", msg);
    v[i].i = to == TABLE_TEXT ? l->text.id[number - 1]
           : to == TABLE_MODEL ? l->model.id[number - 1]
           : l->first[to] + number - 1;
    return SOR_OK;
}

/* --- rows ---------------------------------------------------------------- */

/* What SQLite said of a row that it refused, in words of tables and columns:
 * "NOT NULL constraint failed: token.pos", "UNIQUE ...: path.run_id,
 * path.ordinal", "CHECK ...: the rule". */
static enum sor_err broken_rule(const struct load *l, enum table t,
                                const struct sor_msg *why, struct sor_msg *msg)
{
    static const struct { const char *said, *before, *after; } rules[] = {
        { "NOT NULL constraint failed: ", "", " is missing" },
        { "UNIQUE constraint failed: ", "", " stands twice" },
        { "CHECK constraint failed: ", "its values break the rule ", "" },
    };
    size_t table = strlen(tables[t].name);
    struct str what;
    enum sor_err err;

    str_init(&what);
    for (size_t i = 0; i < sizeof rules / sizeof *rules && !what.len; i++) {
        const char *at = strstr(why->text, rules[i].said);

        if (!at)
            continue;
        str_puts(&what, rules[i].before);
        for (at += strlen(rules[i].said); *at; at++) {
            if (strncmp(at, tables[t].name, table) == 0 && at[table] == '.')
                at += table + 1;                /* "token." */
            str_putc(&what, *at);
        }
        str_puts(&what, rules[i].after);
    }
    err = sor_fail(msg, SOR_FORMAT, "%s %lld: %s", tables[t].name,
                   (long long)l->n[t] + 1, what.len ? what.p : why->text);
    str_release(&what);
    return err;
}

static enum sor_err put_row(struct load *l, enum table t,
                            const struct sql_value *v, int64_t *id,
                            struct sor_msg *msg)
{
    struct sor_msg why;
    struct put p;
    enum sor_err err = put_begin(&p, l->w, t, msg);

    if (err)
        return err;
    for (int i = 1; i < l->col[t].n; i++)
        switch (v[i].kind) {
        case SQL_INT:  put_int(&p, v[i].i); break;
        case SQL_REAL: put_real(&p, v[i].r); break;
        case SQL_TEXT: put_textn(&p, v[i].p, v[i].n); break;
        case SQL_BLOB: put_blob(&p, v[i].n ? v[i].p : "", v[i].n); break;
        case SQL_NULL: put_null(&p); break;
        }
    if ((err = put_end(&p, id, &why)) == SOR_FORMAT)
        return broken_rule(l, t, &why, msg);
    if (err && msg)
        *msg = why;
    return err;
}

static enum sor_err remember(struct ids *s, int64_t id, struct sor_msg *msg)
{
    if (s->n == s->cap) {
        int64_t cap = s->cap ? 2 * s->cap : 64;
        int64_t *more = mem_realloc(s->id, (size_t)cap, sizeof *more);

        if (!more)
            return sor_fail(msg, SOR_NOMEM, "out of memory");
        s->id = more;
        s->cap = cap;
    }
    s->id[s->n++] = id;
    return SOR_OK;
}

/* Columns: id, sha256, body. */
static enum sor_err load_text(struct load *l, const struct sql_value *v,
                              struct sor_msg *msg)
{
    uint8_t sum[SHA256_BYTES];
    int64_t id;
    enum sor_err err;

    if (v[2].kind != SQL_TEXT)
        return wrong(l, TABLE_TEXT, 2, "is missing", msg);
    sha256_bytes(v[2].p, v[2].n, sum);
    if (v[1].kind != SQL_BLOB || v[1].n != sizeof sum ||
        memcmp(v[1].p, sum, sizeof sum) != 0)
        return wrong(l, TABLE_TEXT, 1, "is not the hash of the body", msg);
    if ((err = db_put_text(l->w, v[2].p, v[2].n, &id, msg)))
        return err;
    return remember(&l->text, id, msg);
}

/* Columns: id, sha256, ... */
static enum sor_err load_model(struct load *l, const struct sql_value *v,
                               struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    uint8_t *flags;
    int64_t id;
    enum sor_err err;

    if (v[1].kind != SQL_BLOB || v[1].n != SHA256_BYTES)
        return wrong(l, TABLE_MODEL, 1, "is not 32 bytes", msg);
    if ((err = conn_prepare(l->w->d, "SELECT id FROM model WHERE sha256 = ?",
                            &st, msg)))
        return err;
    sqlite3_bind_blob(st, 1, v[1].p, SHA256_BYTES, SQLITE_STATIC);
    id = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_finalize(st);
    flags = mem_realloc(l->is_new, (size_t)l->model.n + 1, 1);
    if (!flags)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    l->is_new = flags;
    l->is_new[l->model.n] = id == 0;
    if (!id && (err = put_row(l, TABLE_MODEL, v, &id, msg)))
        return err;
    return remember(&l->model, id, msg);
}

/* Columns: id, model_id, token_id, bytes, text; the last follows from the
 * one before. */
static enum sor_err load_piece(struct load *l, const struct sql_value *v,
                               struct sor_msg *msg)
{
    if (v[1].kind != SQL_INT || v[2].kind != SQL_INT || v[3].kind != SQL_BLOB ||
        v[2].i < 0 || v[2].i >= TOKEN_MAX)
        return wrong(l, TABLE_PIECE, 2, "is no token with its bytes", msg);
    return db_put_piece(l->w, v[1].i, (int32_t)v[2].i, v[3].p, v[3].n, msg);
}

static enum sor_err put(struct load *l, enum table t, struct sql_value *v,
                        int64_t model, struct sor_msg *msg)
{
    int64_t id = 0;
    enum sor_err err;

    switch (t) {
    case TABLE_TEXT:  return load_text(l, v, msg);
    case TABLE_MODEL: return load_model(l, v, msg);
    case TABLE_PIECE: return load_piece(l, v, msg);
    case TABLE_MODEL_PART:
        return model && !l->is_new[model - 1] ? SOR_OK
                                              : put_row(l, t, v, NULL, msg);
    case TABLE_RUN:
        if (l->n[TABLE_RUN] || v[1].kind != SQL_TEXT ||
            v[1].n != UID_HEX || memcmp(v[1].p, l->uid, UID_HEX) != 0)
            return wrong(l, t, 1, "is not the one that was announced", msg);
        err = put_row(l, t, v, &id, msg);
        l->w->run_id = id;              /* the rest of the batch is its own */
        break;
    default:
        if (!l->n[TABLE_RUN])
            return wrong(l, t, 0, "comes before its run", msg);
        err = put_row(l, t, v, &id, msg);
    }
    if (!l->n[t])
        l->first[t] = id;
    return err;
}

/* The row's values in the order of our columns. */
static enum sor_err arrange(struct load *l, enum table t,
                            const struct dump_row *r, struct sql_value *v,
                            struct sor_msg *msg)
{
    for (int i = 0; i < DUMP_COLUMNS; i++)
        v[i] = (struct sql_value){ .kind = SQL_NULL };
    for (int i = 0; i < r->n; i++) {
        int k = portable_find(&l->col[t], r->column[i]);

        if (k < 0)
            return sor_fail(msg, SOR_FORMAT, "%s: there is no column %.40s",
                            r->table, r->column[i]);
        v[k] = r->v[i];
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.*): the reader filled r->v */
    return v[0].kind == SQL_INT && v[0].i == l->n[t] + 1
        ? SOR_OK : wrong(l, t, 0, "out of order", msg);
}

/* What load_end() compares the paths with. */
static void note_paths(struct load *l, enum table t, const struct sql_value *v)
{
    const struct portable *col = &l->col[t];

    if (t == TABLE_RUN) {
        const struct sql_value *kind = &v[portable_find(col, "kind")];

        l->n_path = v[portable_find(col, "n_path")].i;
        l->is_review = kind->kind == SQL_TEXT && kind->n == 6 &&
                       memcmp(kind->p, "review", 6) == 0;
    }
    if (t == TABLE_PATH && v[portable_find(col, "ordinal")].i > l->last_path)
        l->last_path = v[portable_find(col, "ordinal")].i;
}

static enum sor_err take(struct load *l, enum table t,
                         const struct dump_row *r, struct sor_msg *msg)
{
    struct sql_value v[DUMP_COLUMNS];
    struct str bytes[DUMP_COLUMNS];
    int64_t model = 0;
    enum sor_err err = arrange(l, t, r, v, msg);

    for (int i = 0; i < l->col[t].n; i++)
        str_init(&bytes[i]);
    if (!err && l->col[t].n > 1 && t == TABLE_MODEL_PART)
        model = v[1].i;
    for (int i = 1; i < l->col[t].n && !err; i++) {
        err = resolve(l, t, i, v, msg);
        if (!err && coerce(l->type[t][i], &v[i], &bytes[i]) != 0)
            err = wrong(l, t, i, "has the wrong type", msg);
        if (!err)
            err = check_number(l, t, i, &v[i], msg);
    }
    if (!err)
        note_paths(l, t, v);
    if (!err)
        err = put(l, t, v, model, msg);
    for (int i = 0; i < l->col[t].n; i++)
        str_release(&bytes[i]);
    return err;
}

enum sor_err load_row(struct load *l, const struct dump_row *r,
                      struct sor_msg *msg)
{
    enum table t = table_find(r->table);
    enum sor_err err;

    if (l->is_known || !l->is_open)
        return SOR_OK;
    if (t == TABLES || (!tables[t].of_run && t > TABLE_PIECE))
        err = sor_fail(msg, SOR_FORMAT, "%.40s: no such kind of row",
                       r->table);
    else
        err = take(l, t, r, msg);
    if (err)
        load_drop(l);
    else
        l->n[t]++;
    return err;
}

/* Ordinals count a run's paths from 0, and it has no more than were asked
 * for; a review asks so many of each claim. */
static enum sor_err check_whole(const struct load *l, struct sor_msg *msg)
{
    int64_t n = l->n[TABLE_PATH];

    if (!l->n[TABLE_RUN])
        return sor_fail(msg, SOR_FORMAT, "run %s: has no row of its own",
                        l->uid);
    if (l->last_path >= n)
        return sor_fail(msg, SOR_FORMAT, "run %s: a path has the ordinal "
                        "%lld, and there are %lld", l->uid,
                        (long long)l->last_path, (long long)n);
    if (n > l->n_path && !l->is_review)
        return sor_fail(msg, SOR_FORMAT, "run %s: n_path is %lld, and there "
                        "are %lld paths", l->uid, (long long)l->n_path,
                        (long long)n);
    return SOR_OK;
}

enum sor_err load_end(struct load *l, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    if (!l->is_open)
        return SOR_OK;
    if (!l->is_known && (err = check_whole(l, msg))) {
        load_drop(l);
        return err;
    }
    if (!l->is_known)
        err = db_commit(l->w, NULL, msg);
    l->is_open = 0;
    return err;
}

/* --- another database ---------------------------------------------------- */

static enum sor_err into(void *ud, const struct dump_row *r,
                         struct sor_msg *msg)
{
    return load_row(ud, r, msg);
}

static enum sor_err merge_run(struct load *l, struct db *from, int64_t id,
                              struct load_counts *n, struct sor_msg *msg)
{
    struct dump_sink sink = { l, into };
    struct db_run r;
    struct sor_msg why;
    int known;
    enum sor_err err;

    if (db_get_run(from, id, &r) != 1)
        return sor_fail(msg, SOR_FORMAT, "%s: run %lld cannot be read",
                        from->path, (long long)id);
    if ((err = load_begin(l, r.uid, &known, msg)))
        return err;
    if (known) {
        n->n_known++;
        return load_end(l, msg);
    }
    db_rest(from);
    err = dump_run(from, id, &sink, &why);
    if (!err)
        err = load_end(l, &why);
    load_drop(l);
    n->n_new += !err;
    if (err == SOR_NOTFOUND) {          /* forgotten there */
        n->n_forgotten++;
        return SOR_OK;
    }
    return err ? sor_fail(msg, err, "%s: run %.8s: %s", from->path, l->uid,
                          why.text) : SOR_OK;
}

/* Tells of a run that is not as it should be and goes on without it. */
static enum sor_err refuse(const struct load_refused *bad, enum sor_err err,
                           struct load_counts *n, const struct sor_msg *msg)
{
    if (!bad || (err != SOR_FORMAT && err != SOR_UNSUP))
        return err;
    n->n_refused++;
    bad->say(bad->ud, msg->text);
    return SOR_OK;
}

enum sor_err load_merge(struct db_writer *w, const char *path,
                        const struct load_refused *bad, struct load_counts *n,
                        struct sor_msg *msg)
{
    struct sor_msg why;
    sqlite3_stmt *st = NULL;
    struct load *l = NULL;
    struct db *from = NULL;
    int64_t id = 0;
    enum sor_err err = db_open(path, &from, msg);

    *n = (struct load_counts){ 0 };
    if (err || (err = load_open(w, &l, msg)) ||
        (err = conn_prepare(from, "SELECT min(id) FROM run WHERE id > ?", &st,
                            msg)))
        goto done;
    while (!err) {
        sqlite3_bind_int64(st, 1, id);
        id = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
        sqlite3_reset(st);
        if (!id)
            break;
        if ((err = merge_run(l, from, id, n, &why)) && msg)
            *msg = why;
        err = refuse(bad, err, n, &why);
    }
done:
    sqlite3_finalize(st);
    load_close(l);
    db_close(from);
    return err;
}
