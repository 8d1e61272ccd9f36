#include "db/schema_doc.h"

#include <stdio.h>
#include <string.h>

#include "db/conn.h"
#include "db/sql_embed.h"

static const char head[] =
    "# The schema of a trace\n\n"
    "Written by the program from a database of its own (`make docs`); the "
    "words are\nthose of `db/migrations/` and `db/views.sql`. "
    "[trace-format.md](trace-format.md)\nexplains the packed columns and the "
    "hash chain.\n\n"
    "Ask from the **views**: they unpack what is packed and stay when a table "
    "changes.\nThe tables below them are what is stored.\n";

/* --- comments ------------------------------------------------------------ */

/* The end of the line that begins at p. */
static const char *line_end(const char *p)
{
    return p + strcspn(p, "\n");
}

/* Appends the words of a comment line to a Markdown paragraph. */
static void put_comment_line(struct str *out, const char *p, const char *end)
{
    while (p < end && (*p == '-' || *p == ' '))
        p++;
    if (p == end)
        return;
    if (out->len && out->p[out->len - 1] != '\n' && out->p[out->len - 1] != ' ')
        str_putc(out, ' ');
    for (; p < end; p++) {
        if (*p == '|')
            str_putc(out, '\\');        /* it would end a table cell */
        str_putc(out, *p);
    }
}

/* Appends the comment that stands right above `at` in a text of SQL. */
static void put_comment_above(struct str *out, const char *text,
                              const char *at)
{
    const char *first = at;

    while (first > text) {              /* one line up, as long as it is one */
        const char *p = first - 1;

        while (p > text && p[-1] != '\n')
            p--;
        if (strncmp(p, "--", 2) != 0)
            break;
        first = p;
    }
    for (const char *p = first; p < at; p = line_end(p) + 1)
        put_comment_line(out, p, line_end(p));
}

/* The SQL that made an object, where its comments are, or NULL.  A name that
 * is a keyword stands in quotes. */
static const char *find_statement(const char *text, const char *type,
                                  const char *name)
{
    static const char *const quote[] = { "", "\"" };

    for (size_t i = 0; i < sizeof quote / sizeof *quote; i++) {
        const char *at = text;
        char want[160];
        size_t n = (size_t)snprintf(want, sizeof want, "\nCREATE %s %s%s%s",
                                    type, quote[i], name, quote[i]);

        while ((at = strstr(at, want)) && !strchr(" (\n", at[n]))
            at += n;
        if (at)
            return at + 1;
    }
    return NULL;
}

static void put_description(struct str *out, const char *type,
                            const char *name)
{
    const char *at;

    if (strcmp(type, "VIEW") == 0) {
        if ((at = find_statement(db_views_sql, type, name)))
            put_comment_above(out, db_views_sql, at);
        return;
    }
    for (int i = 0; i < db_n_migrations; i++)
        if ((at = find_statement(db_migrations[i].text, type, name)))
            put_comment_above(out, db_migrations[i].text, at);
}

/* Appends what is said behind column `name` in the CREATE TABLE, and on the
 * lines of nothing but comment that follow. */
static void put_column_comment(struct str *out, const char *sql,
                               const char *name)
{
    size_t n = strlen(name);
    int mine = 0;

    for (const char *p = sql; *p; p = *line_end(p) ? line_end(p) + 1
                                                   : line_end(p)) {
        const char *end = line_end(p), *dash;

        while (p < end && *p == ' ')
            p++;
        dash = strstr(p, "--");
        if (dash != p)                  /* not a line of comment only */
            mine = strncmp(p, name, n) == 0 && p[n] == ' ';
        if (mine && dash && dash < end)
            put_comment_line(out, dash, end);
    }
}

/* Appends the list behind "name IN (" of a CHECK: the words it may hold. */
static void put_choices(struct str *out, const char *sql, const char *name)
{
    char want[80];
    size_t n = (size_t)snprintf(want, sizeof want, "(%s IN (", name);
    const char *at = strstr(sql, want);

    if (!at)
        return;
    if (out->len)
        str_puts(out, ": ");
    for (at += n; *at && *at != ')'; at++)
        if (*at != '\'' && *at != '\n' && *at != ' ')
            str_printf(out, *at == ',' ? "%c " : "%c", *at);
}

/* --- columns ------------------------------------------------------------- */

/* Appends "model.id" where the column refers to another table. */
static enum sor_err put_reference(struct db *d, struct str *out,
                                  const char *table, const char *column,
                                  struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(d, "SELECT \"table\", \"to\" FROM "
        "pragma_foreign_key_list(?1) WHERE \"from\" = ?2", &st, msg);

    if (err)
        return err;
    sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, column, -1, SQLITE_STATIC);
    if (sqlite3_step(st) == SQLITE_ROW)
        str_printf(out, " → %s.%s", (const char *)sqlite3_column_text(st, 0),
                   (const char *)sqlite3_column_text(st, 1));
    sqlite3_finalize(st);
    return SOR_OK;
}

/* name, type, notnull, pk of each column of ?1, in order */
static const char columns[] =
    "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)";

static enum sor_err put_columns(struct db *d, struct str *out,
                                const char *table, const char *sql,
                                struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(d, columns, &st, msg);

    if (err)
        return err;
    str_puts(out, "\n| column | type | |\n|---|---|---|\n");
    sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
    while (!err && sqlite3_step(st) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(st, 0);
        struct str comment;

        str_init(&comment);
        put_column_comment(&comment, sql, name);
        put_choices(&comment, sql, name);
        str_printf(out, "| `%s` | %s%s", name,
                   (const char *)sqlite3_column_text(st, 1),
                   sqlite3_column_int(st, 3) ? ", key"
                   : sqlite3_column_int(st, 2) ? "" : " or NULL");
        err = put_reference(d, out, table, name, msg);
        str_printf(out, " | %s |\n", comment.p);
        str_release(&comment);
    }
    sqlite3_finalize(st);
    return err;
}

static enum sor_err put_names(struct db *d, struct str *out, const char *view,
                              struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(d, columns, &st, msg);
    const char *comma = "\nColumns: ";

    if (err)
        return err;
    sqlite3_bind_text(st, 1, view, -1, SQLITE_STATIC);
    for (; sqlite3_step(st) == SQLITE_ROW; comma = ", ")
        str_printf(out, "%s`%s`", comma,
                   (const char *)sqlite3_column_text(st, 0));
    str_puts(out, "\n");
    sqlite3_finalize(st);
    return SOR_OK;
}

/* --- the page ------------------------------------------------------------ */

/* Every object of one type, in the order in which it was made. */
static enum sor_err put_all(struct db *d, struct str *out, const char *type,
                            struct sor_msg *msg)
{
    int view = strcmp(type, "VIEW") == 0;
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(d, "SELECT name, sql FROM sqlite_schema "
        "WHERE type = lower(?1) AND name NOT LIKE 'sqlite%' ORDER BY rowid",
        &st, msg);

    if (err)
        return err;
    str_printf(out, "\n## %ss\n", view ? "View" : "Table");
    sqlite3_bind_text(st, 1, type, -1, SQLITE_STATIC);
    while (!err && sqlite3_step(st) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(st, 0);
        struct str said;

        str_init(&said);
        put_description(&said, type, name);
        str_printf(out, "\n### %s\n", name);
        if (said.len)
            str_printf(out, "\n%s\n", said.p);
        str_release(&said);
        err = view ? put_names(d, out, name, msg)
                   : put_columns(d, out, name,
                                 (const char *)sqlite3_column_text(st, 1),
                                 msg);
    }
    sqlite3_finalize(st);
    return err;
}

enum sor_err schema_doc(struct db *d, struct str *out, struct sor_msg *msg)
{
    enum sor_err err;

    str_puts(out, head);
    if ((err = put_all(d, out, "VIEW", msg)) ||
        (err = put_all(d, out, "TABLE", msg)))
        return err;
    return str_ok(out) ? SOR_OK
                       : sor_fail(msg, SOR_NOMEM, "out of memory");
}
