/* trace/import_sorites.c - the lines that export writes, one row each. */
#include <math.h>
#include <string.h>

#include "trace/ascii.h"
#include "trace/import_impl.h"

static int digit(char c)
{
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* {"hex":".."}: text that JSON cannot hold, spelled out in its own place. */
static int from_hex(const cJSON *c, struct sql_value *v)
{
    const cJSON *hex = import_get(c, "hex");
    char *s = cJSON_IsString(hex) ? hex->valuestring : NULL;
    size_t n = 0;

    for (; s && s[2 * n]; n++) {
        int hi = digit(s[2 * n]), lo = digit(s[2 * n + 1]);

        if (hi < 0 || lo < 0)
            return -1;
        s[n] = (char)(hi << 4 | lo);
    }
    *v = (struct sql_value){ .kind = SQL_BLOB, .p = s, .n = n };
    return s ? 0 : -1;
}

/* JSON to a row's value; what JSON has no word for comes as text and
 * load_row() knows the column's type.  0, or -1: no value of a row. */
static int to_value(const cJSON *c, struct sql_value *v)
{
    double x = cJSON_IsNumber(c) ? c->valuedouble : 0.0;

    *v = (struct sql_value){ .kind = SQL_NULL };
    if (cJSON_IsString(c)) {
        v->kind = SQL_TEXT;
        v->p = c->valuestring;
        v->n = strlen(c->valuestring);
    } else if (cJSON_IsNumber(c) && !isfinite(x)) {
        return -1;
    } else if (cJSON_IsNumber(c) && x == floor(x) && fabs(x) <= 0x1p53) {
        v->kind = SQL_INT;
        v->i = (int64_t)x;
    } else if (cJSON_IsNumber(c)) {
        v->kind = SQL_REAL;
        v->r = x;
    } else if (!cJSON_IsNull(c)) {
        return from_hex(c, v);
    }
    return 0;
}

static enum sor_err read_values(const cJSON *fields, struct dump_row *r,
                                const char **column, struct sql_value *v,
                                struct sor_msg *msg)
{
    const cJSON *c;

    cJSON_ArrayForEach(c, fields) {
        if (r->n == DUMP_COLUMNS)
            return sor_fail(msg, SOR_FORMAT, "%.40s: too many columns",
                            r->table);
        if (to_value(c, &v[r->n]) != 0)
            return sor_fail(msg, SOR_FORMAT, "%.40s: %.40s: no value of a row",
                            r->table, c->string);
        column[r->n++] = c->string;
    }
    return SOR_OK;
}

/* {"TABLE":{"COLUMN":VALUE,..}} */
static enum sor_err row(struct import *im, const cJSON *v, struct sor_msg *msg)
{
    const cJSON *only = cJSON_IsObject(v) ? v->child : NULL;
    struct sql_value value[DUMP_COLUMNS];
    const char *column[DUMP_COLUMNS];
    struct dump_row r = { .column = column, .v = value };
    enum sor_err err;

    if (!only || only->next || !cJSON_IsObject(only))
        return sor_fail(msg, SOR_FORMAT, "not a row of a run");
    r.table = only->string;
    if ((err = read_values(only, &r, column, value, msg)))
        return err;
    im->n_row++;
    return load_row(im->load, &r, msg);
}

static enum sor_err begin(struct import *im, const cJSON *v,
                          struct sor_msg *msg)
{
    const char *uid = import_str(v, "run");
    int was_open = im->in_run && !im->is_skipped, known = 0;
    enum sor_err err;

    load_drop(im->load);
    im->in_run = 1;
    im->is_skipped = 1;
    im->n_row = 0;
    if (import_int(v, "sorites", -1) != 1)
        return sor_fail(msg, SOR_UNSUP, "written by a later version");
    if (!uid)
        return sor_fail(msg, SOR_FORMAT, "the run is not named");
    if ((err = load_begin(im->load, uid, &known, msg)))
        return err;
    im->is_skipped = 0;
    return was_open ? sor_fail(msg, SOR_FORMAT, "the run before this one was "
                               "cut off and is left out") : SOR_OK;
}

static enum sor_err end(struct import *im, const cJSON *v, struct sor_msg *msg)
{
    const char *uid = import_str(v, "end");
    int64_t n = import_int(v, "rows", -1);
    int known = load_is_known(im->load);
    enum sor_err err;

    im->in_run = 0;
    if (im->is_skipped)
        return SOR_OK;
    if (n != im->n_row) {
        load_drop(im->load);
        return sor_fail(msg, SOR_FORMAT, "%lld rows came of the run's %lld; it "
                        "is left out", (long long)im->n_row, (long long)n);
    }
    if ((err = load_end(im->load, msg)))
        return err;
    im->n.n_known += known;
    im->n.n_new += !known;
    if (!known && im->opts.added)
        im->opts.added(im->opts.ud, uid);
    return SOR_OK;
}

/* What is wrong with one row is wrong with its run: it is told once and the
 * rest of the run's rows are passed over. */
enum sor_err import_sorites(struct import *im, const cJSON *v,
                            struct sor_msg *msg)
{
    enum sor_err err;

    if (import_get(v, "sorites"))
        return begin(im, v, msg);
    if (import_str(v, "end"))
        return end(im, v, msg);
    if (im->is_skipped)
        return SOR_OK;
    err = row(im, v, msg);
    if (err) {
        load_drop(im->load);
        im->is_skipped = 1;
    }
    return err;
}
