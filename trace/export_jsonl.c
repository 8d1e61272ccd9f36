/* trace/export_jsonl.c - one line a row, as db/dump.h hands them out.
 *
 *     {"sorites":1,"run":"UID"}
 *     {"TABLE":{"COLUMN":VALUE,..}}       many
 *     {"end":"UID","rows":N}
 *
 * A blob is hex, and so is text that JSON cannot hold: {"hex":".."}.  An
 * integer that a double cannot hold is text, as in proto3's JSON.  A real has
 * the 17 digits that bring its bits back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/dump.h"
#include "trace/export.h"

struct lines {
    const struct export_to *to;
    struct str line;
    int64_t n_row;
};

static enum sor_err put_line(struct lines *l, struct sor_msg *msg)
{
    str_putc(&l->line, '\n');
    if (!str_ok(&l->line))
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    enum sor_err err = l->to->put(l->to->ud, l->line.p, l->line.len, msg);
    str_clear(&l->line);
    return err;
}

static void put_hex(struct json *j, const void *p, size_t n)
{
    char *hex = mem_alloc(2 * n + 1);

    if (!hex) {
        j->out->failed = 1;
        return;
    }
    hash_hex(p, n, hex);
    json_strn(j, hex, 2 * n);
    mem_free(hex);
}

static void put_int(struct json *j, int64_t v)
{
    char digits[24];

    if (v <= INT64_C(1) << 53 && v >= -(INT64_C(1) << 53)) {
        json_int(j, v);
        return;
    }
    snprintf(digits, sizeof digits, "%" PRId64, v);
    json_str(j, digits);
}

/* NUL would be read back as something else, and what is no UTF-8 as U+FFFD. */
static void put_text(struct json *j, const char *s, size_t n)
{
    if (utf8_valid(s, n) && !memchr(s, '\0', n)) {
        json_strn(j, s, n);
        return;
    }
    json_obj(j);
    json_key(j, "hex");
    put_hex(j, s, n);
    json_end_obj(j);
}

static void put_value(struct json *j, const struct sql_value *v)
{
    switch (v->kind) {
    case SQL_INT:  put_int(j, v->i); break;
    case SQL_REAL: json_real(j, v->r); break;
    case SQL_TEXT: put_text(j, v->p, v->n); break;
    case SQL_BLOB: put_hex(j, v->p, v->n); break;
    case SQL_NULL: json_null(j); break;
    }
}

static enum sor_err put_row(void *ud, const struct dump_row *r,
                            struct sor_msg *msg)
{
    struct lines *l = ud;
    struct json j;

    json_init(&j, &l->line);
    json_obj(&j);
    json_key(&j, r->table);
    json_obj(&j);
    for (int i = 0; i < r->n; i++) {
        json_key(&j, r->column[i]);
        put_value(&j, &r->v[i]);
    }
    json_end_obj(&j);
    json_end_obj(&j);
    l->n_row++;
    return put_line(l, msg);
}

static enum sor_err put_mark(struct lines *l, const char *uid, int is_end,
                             struct sor_msg *msg)
{
    struct json j;

    json_init(&j, &l->line);
    json_obj(&j);
    if (!is_end)
        json_key(&j, "sorites"), json_int(&j, 1);
    json_key(&j, is_end ? "end" : "run"), json_str(&j, uid);
    if (is_end)
        json_key(&j, "rows"), json_int(&j, l->n_row);
    json_end_obj(&j);
    return put_line(l, msg);
}

enum sor_err export_jsonl(struct db *d, int64_t run_id,
                          const struct export_to *to, struct sor_msg *msg)
{
    struct lines l = { .to = to };
    struct dump_sink sink = { &l, put_row };
    struct db_run r;
    char uid[33];
    enum sor_err err;

    if (db_get_run(d, run_id, &r) != 1)
        return sor_fail(msg, SOR_FORMAT, "run %lld cannot be read",
                        (long long)run_id);
    snprintf(uid, sizeof uid, "%s", r.uid);
    if (!r.prompt)
        return sor_fail(msg, SOR_NOTFOUND, "run %.8s was forgotten: nothing is "
                        "left to export", uid);
    db_rest(d);
    str_init(&l.line);
    if (!(err = put_mark(&l, uid, 0, msg)) &&
        !(err = dump_run(d, run_id, &sink, msg)))
        err = put_mark(&l, uid, 1, msg);
    str_release(&l.line);
    return err;
}
