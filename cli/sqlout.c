#include "cli/sqlout.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/pager.h"

enum {
    ROWS_HELD = 1000,           /* rows that a table is measured by */
    BLOB_SHOWN = 8,             /* bytes of a blob in a table cell */
    CELL_BYTES = 400            /* bytes of a text in a table cell */
};

const char *const sqlout_modes[SQLOUT_MODES] = {
    [SQLOUT_TABLE] = "table", [SQLOUT_JSON] = "json", [SQLOUT_CSV] = "csv",
    [SQLOUT_MARKDOWN] = "markdown"
};

void sqlout_init(struct sqlout *o, struct cli *cli, FILE *to,
                 enum sqlout_mode mode)
{
    *o = (struct sqlout){ .cli = cli, .to = to, .mode = mode,
                          .on_terminal = isatty(fileno(to)) };
    str_init(&o->line);
    str_init(&o->key);
}

void sqlout_release(struct sqlout *o)
{
    table_release(&o->table);
    str_release(&o->line);
    str_release(&o->key);
}

/* The shortest of the forms that reads back as the same number. */
static void put_real(struct str *out, double v)
{
    char text[40];

    if (!isfinite(v)) {
        str_puts(out, v > 0 ? "Inf" : "-Inf");
        return;
    }
    for (int digits = 6; digits <= 17; digits += digits < 15 ? 9 : 2) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        double back;
        if (sscanf(text, "%lf", &back) == 1 && back == v)
            break;
    }
    str_puts(out, text);
    if (!strpbrk(text, ".e"))
        str_puts(out, ".0");
}

static void put_hex(struct str *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        str_printf(out, "%02x", p[i]);
}

FILE *sqlout_page(struct sqlout *o)
{
    if (!o->pager && o->on_terminal)
        o->pager = pager_open(o->to);
    return o->pager ? o->pager : o->to;
}

/* A write that a signal broke off is no fault of the output. */
static enum sor_err output_error(struct sqlout *o, FILE *to)
{
    int os = errno;

    if (!ferror(to))
        return SOR_OK;
    return cli_stopped()
        ? sor_fail(&o->cli->msg, SOR_INTERRUPTED, "interrupted")
        : sor_fail(&o->cli->msg, SOR_IO, "output: %s", strerror(os));
}

/* Writes the line.  A terminal gets nothing that it could obey; a pipe or a
 * file gets the data as they are, byte for byte. */
static enum sor_err put_line(struct sqlout *o)
{
    FILE *to = sqlout_page(o);
    struct str safe;
    int bad = !str_ok(&o->line);

    if (!bad && o->on_terminal) {
        str_init(&safe);
        text_safe(&safe, o->line.p, o->line.len, TEXT_NL | TEXT_TAB);
        fwrite(safe.p, 1, safe.len, to);
        bad = !str_ok(&safe);
        str_release(&safe);
    } else if (!bad) {
        fwrite(o->line.p, 1, o->line.len, to);
    }
    if (bad)
        return sor_fail(&o->cli->msg, SOR_NOMEM, "out of memory");
    return output_error(o, to);
}

enum sor_err sqlout_text(struct sqlout *o, const char *s, size_t n,
                         const char *end)
{
    str_clear(&o->line);
    str_put(&o->line, s, n);
    str_puts(&o->line, end);
    return put_line(o);
}

/* --- table --------------------------------------------------------------- */

static void table_value(struct sqlout *o, const struct sql_value *v)
{
    struct str *s = &o->line;
    int flags = 0;

    str_clear(s);
    switch (v->kind) {
    case SQL_NULL:
        str_puts(s, "NULL");
        flags = TABLE_DIM;
        break;
    case SQL_INT:
        str_printf(s, "%lld", (long long)v->i);
        flags = TABLE_RIGHT;
        break;
    case SQL_REAL:
        str_printf(s, "%.6g", v->r);
        flags = TABLE_RIGHT;
        break;
    case SQL_TEXT:
        str_put(s, v->p, v->n < CELL_BYTES || !o->on_terminal ? v->n
                                                              : CELL_BYTES);
        break;
    case SQL_BLOB:
        put_hex(s, v->p, v->n < BLOB_SHOWN ? v->n : BLOB_SHOWN);
        str_printf(s, "%s (%zu B)", v->n > BLOB_SHOWN ? ".." : "", v->n);
        flags = TABLE_DIM;
        break;
    }
    table_put(&o->table, s->p, s->len, flags);
}

/* --- JSON Lines, CSV ----------------------------------------------------- */

static void json_value(struct sqlout *o, struct json *j,
                       const struct sql_value *v)
{
    struct str number;

    switch (v->kind) {
    case SQL_NULL:
        json_null(j);
        break;
    case SQL_INT:
        json_int(j, v->i);
        break;
    case SQL_REAL:
        json_num(j, v->r);
        break;
    case SQL_TEXT:
        json_strn(j, v->p, v->n);
        break;
    case SQL_BLOB:
        str_init(&number);
        put_hex(&number, v->p, v->n);
        json_str(j, number.p);
        o->line.failed |= number.failed;
        str_release(&number);
        break;
    }
}

static void json_row(struct sqlout *o, int n, const struct sql_value *v)
{
    const char *name = o->key.p;
    struct json j;

    json_init(&j, &o->line);
    json_obj(&j);
    for (int i = 0; i < n; i++, name += strlen(name) + 1) {
        json_key(&j, name);
        json_value(o, &j, &v[i]);
    }
    json_end_obj(&j);
    str_putc(&o->line, '\n');
}

/* Source: RFC 4180: quotes around a field with a comma, quote or line end, a
 * quote in it doubled.  NULL is an empty field, an empty text is "". */
static void csv_text(struct str *out, const char *s, size_t n)
{
    if (n && !memchr(s, ',', n) && !memchr(s, '"', n) &&
        !memchr(s, '\n', n) && !memchr(s, '\r', n)) {
        str_put(out, s, n);
        return;
    }
    str_putc(out, '"');
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"')
            str_putc(out, '"');
        str_putc(out, s[i]);
    }
    str_putc(out, '"');
}

static void csv_value(struct str *out, const struct sql_value *v)
{
    switch (v->kind) {
    case SQL_NULL:
        break;
    case SQL_INT:
        str_printf(out, "%lld", (long long)v->i);
        break;
    case SQL_REAL:
        put_real(out, v->r);
        break;
    case SQL_TEXT:
        csv_text(out, v->p, v->n);
        break;
    case SQL_BLOB:
        put_hex(out, v->p, v->n);
        break;
    }
}

static void csv_row(struct sqlout *o, int n, const struct sql_value *v)
{
    for (int i = 0; i < n; i++) {
        if (i)
            str_putc(&o->line, ',');
        csv_value(&o->line, &v[i]);
    }
    str_puts(&o->line, "\r\n");
}

/* --- Markdown ------------------------------------------------------------ */

/* Source: CommonMark 0.30, 2.4 and 6: what would end the cell or begin markup
 * gets a backslash.  A line end within a cell is <br>. */
static void markdown_text(struct str *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n')
            str_puts(out, "<br>");
        else if (s[i] && strchr("\\|<*`[&", s[i]))
            str_printf(out, "\\%c", s[i]);
        else
            str_putc(out, s[i] == '\r' ? ' ' : s[i]);
    }
}

static void markdown_value(struct str *out, const struct sql_value *v)
{
    switch (v->kind) {
    case SQL_NULL:
        str_puts(out, "*NULL*");
        break;
    case SQL_TEXT:
        markdown_text(out, v->p, v->n);
        break;
    default:
        csv_value(out, v);              /* digits only: nothing to escape */
        break;
    }
}

static void markdown_row(struct sqlout *o, int n, const struct sql_value *v)
{
    str_putc(&o->line, '|');
    for (int i = 0; i < n; i++) {
        str_putc(&o->line, ' ');
        markdown_value(&o->line, &v[i]);
        str_puts(&o->line, " |");
    }
    str_putc(&o->line, '\n');
}

static enum sor_err markdown_head(struct sqlout *o, int n,
                                  const char *const *name)
{
    str_putc(&o->line, '|');
    for (int i = 0; i < n; i++) {
        str_putc(&o->line, ' ');
        markdown_text(&o->line, name[i], strlen(name[i]));
        str_puts(&o->line, " |");
    }
    str_puts(&o->line, "\n|");
    for (int i = 0; i < n; i++)
        str_puts(&o->line, "---|");
    str_putc(&o->line, '\n');
    return put_line(o);
}

/* --- the sink ------------------------------------------------------------ */

static enum sor_err print_table(struct sqlout *o)
{
    FILE *to = sqlout_page(o);
    enum sor_err err = table_print(&o->table, o->cli, to, &o->cli->msg);

    return err ? err : output_error(o, to);
}

/* Between two results of one text, too. */
static enum sor_err flush_table(struct sqlout *o)
{
    enum sor_err err = o->table.n_column ? print_table(o) : SOR_OK;

    table_release(&o->table);
    return err;
}

static enum sor_err on_columns(void *ud, int n, const char *const *name)
{
    struct sqlout *o = ud;
    enum sor_err err = flush_table(o);

    if (err)
        return err;
    str_clear(&o->key);
    str_clear(&o->line);
    for (int i = 0; i < n; i++)
        str_put(&o->key, name[i], strlen(name[i]) + 1);
    switch (o->mode) {
    case SQLOUT_TABLE:
        table_init(&o->table, n, name);
        o->table.columns = table_room(o->to);
        return SOR_OK;
    case SQLOUT_JSON:
        return str_ok(&o->key) ? SOR_OK
                               : sor_fail(&o->cli->msg, SOR_NOMEM,
                                          "out of memory");
    case SQLOUT_CSV:
        for (int i = 0; i < n; i++) {
            if (i)
                str_putc(&o->line, ',');
            csv_text(&o->line, name[i], strlen(name[i]));
        }
        str_puts(&o->line, "\r\n");
        return put_line(o);
    case SQLOUT_MARKDOWN:
        return markdown_head(o, n, name);
    case SQLOUT_MODES:
        break;
    }
    return SOR_OK;
}

static enum sor_err on_row(void *ud, int n, const struct sql_value *v)
{
    struct sqlout *o = ud;

    if (o->mode == SQLOUT_TABLE) {
        for (int i = 0; i < n && i < TABLE_COLUMNS; i++)
            table_value(o, &v[i]);
        if (o->table.n_cell < (size_t)ROWS_HELD * (size_t)o->table.n_column)
            return SOR_OK;
        return print_table(o);
    }
    str_clear(&o->line);
    if (o->mode == SQLOUT_JSON)
        json_row(o, n, v);
    else if (o->mode == SQLOUT_MARKDOWN)
        markdown_row(o, n, v);
    else
        csv_row(o, n, v);
    return put_line(o);
}

struct sql_sink sqlout_sink(struct sqlout *o)
{
    return (struct sql_sink){ o, on_columns, on_row };
}

enum sor_err sqlout_end(struct sqlout *o)
{
    enum sor_err err = flush_table(o);

    o->left = o->pager && pager_close(o->pager);
    o->pager = NULL;
    if (cli_terminated())
        return sor_fail(&o->cli->msg, SOR_INTERRUPTED, "interrupted");
    return o->left ? SOR_OK : err;      /* who leaves a pager has seen enough */
}
