#include "db/review.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "db/cursor.h"
#include "db/writer.h"

enum column_kind {
    COLUMN_END,
    COLUMN_INT,
    COLUMN_COUNT,               /* negative: NULL, and back */
    COLUMN_REAL,                /* NaN: NULL */
    COLUMN_LONG,                /* int64_t */
    COLUMN_ID,                  /* int64_t, 0: NULL */
    COLUMN_WORD,                /* kept in the row */
    COLUMN_TEXT,                /* kept in `text`, here its id */
    COLUMN_BLOB
};

enum { COLUMNS_MAX = 18 };      /* after run_id, with an end mark */

/* One column after run_id: what it is and where in the struct. */
struct column {
    enum column_kind kind;
    size_t at;
};

#define INT(s, f)   { COLUMN_INT, offsetof(struct s, f) }
#define COUNT(s, f) { COLUMN_COUNT, offsetof(struct s, f) }
#define REAL(s, f)  { COLUMN_REAL, offsetof(struct s, f) }
#define LONG(s, f)  { COLUMN_LONG, offsetof(struct s, f) }
#define ID(s, f)    { COLUMN_ID, offsetof(struct s, f) }
#define WORD(s, f)  { COLUMN_WORD, offsetof(struct s, f) }
#define TEXT(s, f)  { COLUMN_TEXT, offsetof(struct s, f) }
#define BLOB(s, f)  { COLUMN_BLOB, offsetof(struct s, f) }
#define PLACE(s, from, to) COUNT(s, from), COUNT(s, to)
#define THREE(s, f) REAL(s, f[0]), REAL(s, f[1]), REAL(s, f[2])

/* In the order of tables[table].columns; the id is each struct's first
 * member. */
static const struct rows {
    enum table table;
    size_t bytes;
    struct column column[COLUMNS_MAX];
} rows[DB_REVIEW_TABLES] = {
    [DB_REVIEW] = { TABLE_REVIEW, sizeof(struct db_review), {
        BLOB(db_review, same), WORD(db_review, domain),
        WORD(db_review, pack_version), WORD(db_review, adapter),
        WORD(db_review, party), INT(db_review, strict),
        INT(db_review, rules_only), INT(db_review, n_path),
        TEXT(db_review, note) } },
    [DB_DOCUMENT] = { TABLE_DOCUMENT, sizeof(struct db_document), {
        TEXT(db_document, name), WORD(db_document, format),
        WORD(db_document, encoding), BLOB(db_document, sha256),
        LONG(db_document, n_byte), LONG(db_document, n_char),
        LONG(db_document, n_page), TEXT(db_document, text) } },
    [DB_CLAUSE] = { TABLE_CLAUSE, sizeof(struct db_clause), {
        INT(db_clause, ordinal), WORD(db_clause, kind),
        COUNT(db_clause, parent), INT(db_clause, depth),
        WORD(db_clause, number), WORD(db_clause, full_number),
        WORD(db_clause, unit), TEXT(db_clause, heading),
        INT(db_clause, char_from), INT(db_clause, char_to),
        INT(db_clause, own_to), INT(db_clause, text_from),
        INT(db_clause, text_to), COUNT(db_clause, page) } },
    [DB_CLAUSE_TYPE] = { TABLE_CLAUSE_TYPE, sizeof(struct db_clause_type), {
        ID(db_clause_type, clause_id), WORD(db_clause_type, label),
        REAL(db_clause_type, score) } },
    [DB_PASSAGE] = { TABLE_PASSAGE, sizeof(struct db_passage), {
        INT(db_passage, ordinal), ID(db_passage, clause_id),
        INT(db_passage, char_from), INT(db_passage, char_to) } },
    [DB_TERM] = { TABLE_TERM, sizeof(struct db_term), {
        INT(db_term, ordinal), TEXT(db_term, name), ID(db_term, clause_id),
        INT(db_term, char_from), INT(db_term, char_to),
        PLACE(db_term, meaning_from, meaning_to), INT(db_term, n_def),
        INT(db_term, n_use) } },
    [DB_PARTY] = { TABLE_PARTY, sizeof(struct db_party), {
        TEXT(db_party, name), TEXT(db_party, role), INT(db_party, char_from),
        INT(db_party, char_to) } },
    [DB_NORM] = { TABLE_NORM, sizeof(struct db_norm), {
        ID(db_norm, clause_id), WORD(db_norm, kind), TEXT(db_norm, bearer),
        TEXT(db_norm, modal), INT(db_norm, char_from),
        INT(db_norm, char_to), PLACE(db_norm, act_from, act_to),
        PLACE(db_norm, deadline_from, deadline_to),
        PLACE(db_norm, amount_from, amount_to) } },
    [DB_VALUE] = { TABLE_VALUE, sizeof(struct db_value), {
        ID(db_value, clause_id), WORD(db_value, kind), TEXT(db_value, norm),
        INT(db_value, char_from), INT(db_value, char_to) } },
    [DB_LOGIC] = { TABLE_LOGIC, sizeof(struct db_logic), {
        WORD(db_logic, kind), WORD(db_logic, src_kind),
        LONG(db_logic, src_id), WORD(db_logic, dst_kind),
        LONG(db_logic, dst_id), PLACE(db_logic, char_from, char_to),
        REAL(db_logic, score), WORD(db_logic, measured),
        WORD(db_logic, rule) } },
    [DB_DEFECT] = { TABLE_DEFECT, sizeof(struct db_defect), {
        INT(db_defect, ordinal), WORD(db_defect, kind),
        TEXT(db_defect, note), PLACE(db_defect, char_from, char_to),
        PLACE(db_defect, related_from, related_to),
        INT(db_defect, n_searched) } },
    [DB_CLAIM] = { TABLE_CLAIM, sizeof(struct db_claim), {
        INT(db_claim, ordinal), WORD(db_claim, name), WORD(db_claim, kind),
        TEXT(db_claim, title), TEXT(db_claim, text), WORD(db_claim, type),
        INT(db_claim, custom), INT(db_claim, n_given),
        INT(db_claim, n_wrong), REAL(db_claim, wrong_low),
        REAL(db_claim, wrong_high), INT(db_claim, n_contradicted),
        INT(db_claim, n_contradicted_wrong),
        WORD(db_claim, measured_on) } },
    [DB_READING] = { TABLE_READING, sizeof(struct db_reading), {
        TEXT(db_reading, context), TEXT(db_reading, text),
        TEXT(db_reading, statement), THREE(db_reading, logit),
        LONG(db_reading, digest), INT(db_reading, n_tok) } },
    [DB_TYPE_READING] = { TABLE_TYPE_READING, sizeof(struct db_type_reading), {
        TEXT(db_type_reading, context), TEXT(db_type_reading, text),
        BLOB(db_type_reading, logp) } },
    [DB_CLAIM_PATH] = { TABLE_CLAIM_PATH, sizeof(struct db_claim_path), {
        ID(db_claim_path, claim_id), ID(db_claim_path, path_id),
        WORD(db_claim_path, variant), INT(db_claim_path, counts),
        TEXT(db_claim_path, statement), WORD(db_claim_path, verdict),
        THREE(db_claim_path, p) } },
    [DB_CLAIM_READING] = { TABLE_CLAIM_READING,
        sizeof(struct db_claim_reading), {
        ID(db_claim_reading, path_id), ID(db_claim_reading, reading_id),
        ID(db_claim_reading, passage_id), THREE(db_claim_reading, p),
        INT(db_claim_reading, decisive) } },
    [DB_VERDICT] = { TABLE_VERDICT, sizeof(struct db_verdict), {
        ID(db_verdict, claim_id), WORD(db_verdict, verdict),
        REAL(db_verdict, confidence), THREE(db_verdict, p),
        REAL(db_verdict, stability), INT(db_verdict, n_count),
        REAL(db_verdict, error_correlation), ID(db_verdict, path_a),
        ID(db_verdict, path_b), TEXT(db_verdict, flip),
        WORD(db_verdict, stance), TEXT(db_verdict, position),
        TEXT(db_verdict, suggest) } },
    [DB_EVIDENCE] = { TABLE_EVIDENCE, sizeof(struct db_evidence), {
        ID(db_evidence, claim_id), INT(db_evidence, rank),
        ID(db_evidence, clause_id), INT(db_evidence, char_from),
        INT(db_evidence, char_to), WORD(db_evidence, relation),
        REAL(db_evidence, score), WORD(db_evidence, status),
        COUNT(db_evidence, page) } },
    [DB_CHECK] = { TABLE_CHECK, sizeof(struct db_check), {
        ID(db_check, claim_id), INT(db_check, ordinal),
        WORD(db_check, kind), COUNT(db_check, passed),
        TEXT(db_check, input), THREE(db_check, p), TEXT(db_check, note),
        ID(db_check, clause_id) } },
    [DB_FINDING] = { TABLE_FINDING, sizeof(struct db_finding), {
        INT(db_finding, ordinal), WORD(db_finding, source),
        ID(db_finding, claim_id), ID(db_finding, defect_id),
        INT(db_finding, severity), WORD(db_finding, origin),
        TEXT(db_finding, text), ID(db_finding, clause_id),
        PLACE(db_finding, char_from, char_to),
        REAL(db_finding, confidence) } },
    [DB_DECISION] = { TABLE_DECISION, sizeof(struct db_decision), {
        ID(db_decision, finding_id), WORD(db_decision, choice),
        WORD(db_decision, verdict), TEXT(db_decision, name),
        TEXT(db_decision, reason), LONG(db_decision, at_us) } },
};

size_t db_review_row_bytes(enum db_review_table t)
{
    return rows[t].bytes;
}

const char *db_review_table_name(enum db_review_table t)
{
    return tables[rows[t].table].name;
}

/* --- writing -------------------------------------------------------------- */

static void put_column(struct put *p, const struct column *k, const void *from,
                       int64_t text_id)
{
    switch (k->kind) {
    case COLUMN_INT:   put_int(p, *(const int *)from); break;
    case COLUMN_COUNT: put_count(p, *(const int *)from); break;
    case COLUMN_REAL:  put_real(p, *(const double *)from); break;
    case COLUMN_LONG:  put_int(p, *(const int64_t *)from); break;
    case COLUMN_ID:    put_id(p, *(const int64_t *)from); break;
    case COLUMN_WORD:  put_text(p, *(const char *const *)from); break;
    case COLUMN_TEXT:  put_id(p, text_id); break;
    case COLUMN_BLOB: {
        const struct db_blob *b = from;

        put_blob(p, b->p, b->n);
        break;
    }
    case COLUMN_END:
        break;
    }
}

enum sor_err db_put_review_row(struct db_writer *w, enum db_review_table t,
                               int64_t run_id, const void *row, int64_t *id,
                               struct sor_msg *msg)
{
    const struct column *column = rows[t].column;
    int64_t text_id[COLUMNS_MAX] = { 0 };
    struct put p;
    enum sor_err err = SOR_OK;

    /* a text is a row of its own and goes in before this one */
    for (int i = 0; column[i].kind && !err; i++) {
        const char *s = column[i].kind == COLUMN_TEXT
            ? *(const char *const *)((const char *)row + column[i].at) : NULL;

        if (s)
            err = db_put_text(w, s, strlen(s), &text_id[i], msg);
    }
    if (err || (err = put_begin(&p, w, rows[t].table, msg)))
        return err;
    put_int(&p, run_id);
    for (int i = 0; column[i].kind; i++)
        put_column(&p, &column[i], (const char *)row + column[i].at,
                   text_id[i]);
    return put_end(&p, id, msg);
}

enum sor_err db_put_eval(struct db_writer *w, const struct db_eval *e,
                         struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_EVAL, msg);

    if (err)
        return err;
    put_int(&p, e->at_us);
    put_text(&p, e->data);
    put_text(&p, e->measure);
    put_real(&p, e->value);
    put_real(&p, e->low);
    put_real(&p, e->high);
    put_int(&p, e->n);
    put_text(&p, e->model);
    put_text(&p, e->pack);
    put_text(&p, e->program);
    return put_end(&p, NULL, msg);
}

/* --- reading -------------------------------------------------------------- */

/* Appends the columns of the table, a text's id as the text itself. */
static void select_columns(struct str *sql, enum db_review_table t)
{
    const struct column *k = rows[t].column;
    const char *name = tables[rows[t].table].columns;

    str_puts(sql, "SELECT id");
    name += strlen("id, run_id, ");
    for (; k->kind; k++) {
        size_t n = strcspn(name, ",");

        str_puts(sql, ", ");
        if (k->kind == COLUMN_TEXT)
            str_printf(sql, "(SELECT body FROM text WHERE id = x.%.*s)",
                       (int)n, name);
        else
            str_printf(sql, "%.*s", (int)n, name);
        name += n + (name[n] ? strlen(", ") : 0);
    }
    str_printf(sql, " FROM \"%s\" x ", tables[rows[t].table].name);
}

static struct db_cur *select_rows(struct db *d, enum db_review_table t,
                                  const char *where, int64_t id)
{
    struct str sql;
    struct db_cur *c;

    str_init(&sql);
    select_columns(&sql, t);
    str_puts(&sql, where);
    c = cursor_open(d, str_ok(&sql) ? sql.p : "");
    str_release(&sql);
    cursor_bind(c, 1, id);
    return c;
}

struct db_cur *db_review_rows(struct db *d, enum db_review_table t,
                              int64_t run_id)
{
    return select_rows(d, t, "WHERE run_id = ? ORDER BY id", run_id);
}

struct db_cur *db_review_row(struct db *d, enum db_review_table t, int64_t id)
{
    return select_rows(d, t, "WHERE id = ?", id);
}

static void read_column(sqlite3_stmt *st, int i, const struct column *k,
                        void *to)
{
    switch (k->kind) {
    case COLUMN_INT:   *(int *)to = sqlite3_column_int(st, i); break;
    case COLUMN_COUNT: *(int *)to = (int)cursor_int(st, i, -1); break;
    case COLUMN_REAL:  *(double *)to = cursor_real(st, i); break;
    case COLUMN_LONG:
    case COLUMN_ID:    *(int64_t *)to = cursor_int(st, i, 0); break;
    case COLUMN_WORD:
    case COLUMN_TEXT:  *(const char **)to = cursor_text(st, i); break;
    case COLUMN_BLOB:  *(struct db_blob *)to = cursor_blob(st, i); break;
    case COLUMN_END:   break;
    }
}

int db_review_row_next(struct db_cur *c, enum db_review_table t, void *row)
{
    int got = cursor_step(c), i = 1;

    if (got != 1)
        return got;
    *(int64_t *)row = sqlite3_column_int64(c->st, 0);
    for (const struct column *k = rows[t].column; k->kind; k++, i++)
        read_column(c->st, i, k, (char *)row + k->at);
    return 1;
}

/* --- whole tables --------------------------------------------------------- */

/* One copy, in a list that is freed as a whole. */
struct kept { struct kept *next; char bytes[]; };

static void *keep(struct db_review_set *s, const void *p, size_t n)
{
    struct kept *k = mem_alloc(sizeof *k + n + 1);

    if (!k)
        return NULL;
    memcpy(k->bytes, p, n);
    k->bytes[n] = '\0';
    k->next = s->memory;
    s->memory = k;
    return k->bytes;
}

/* What a row borrows from its cursor becomes the set's own. */
static int keep_row(struct db_review_set *s, enum db_review_table t, char *row)
{
    int ok = 1;

    for (const struct column *k = rows[t].column; k->kind && ok; k++) {
        const char **text = (const char **)(void *)(row + k->at);
        struct db_blob *blob = (struct db_blob *)(void *)(row + k->at);

        if ((k->kind == COLUMN_WORD || k->kind == COLUMN_TEXT) && *text)
            ok = (*text = keep(s, *text, strlen(*text))) != NULL;
        else if (k->kind == COLUMN_BLOB && blob->p)
            ok = (blob->p = keep(s, blob->p, blob->n)) != NULL;
    }
    return ok;
}

enum sor_err db_review_load(struct db *d, enum db_review_table t,
                            int64_t run_id, struct db_review_set *out,
                            struct sor_msg *msg)
{
    struct db_cur *c = db_review_rows(d, t, run_id);
    struct db_review_set s = { NULL, 0, NULL };
    size_t bytes = rows[t].bytes;
    int cap = 0, ok = 1;
    enum sor_err err;

    while (ok) {
        if (s.n == cap) {
            void *more = mem_realloc(s.row, (size_t)(cap ? 2 * cap : 16),
                                     bytes);

            if (!(ok = more != NULL))
                break;
            s.row = more;
            cap = cap ? 2 * cap : 16;
        }
        char *row = (char *)s.row + (size_t)s.n * bytes;
        if (db_review_row_next(c, t, row) <= 0)
            break;
        ok = keep_row(&s, t, row);
        s.n += ok;
    }
    err = db_cur_close(c);
    if (!ok)
        err = sor_fail(msg, SOR_NOMEM, "out of memory for a review");
    else if (err)
        sor_fail(msg, err, "%s: table %s cannot be read", d->path,
                 tables[rows[t].table].name);
    if (err)
        db_review_set_release(&s);
    else
        *out = s;
    return err;
}

void db_review_set_release(struct db_review_set *s)
{
    struct kept *k = s->memory;

    while (k) {
        struct kept *next = k->next;

        mem_free(k);
        k = next;
    }
    mem_free(s->row);
    *s = (struct db_review_set){ NULL, 0, NULL };
}

enum sor_err db_find_unfinished(struct db_writer *w, const uint8_t same[32],
                                int64_t *run_id, struct sor_msg *msg)
{
    sqlite3_stmt *st = NULL;
    enum sor_err err = conn_prepare(w->d, "SELECT v.run_id FROM review v "
        "WHERE v.same = ? AND NOT EXISTS (SELECT 1 FROM run_end e "
        "WHERE e.run_id = v.run_id) AND NOT EXISTS (SELECT 1 FROM tombstone t "
        "WHERE t.run_id = v.run_id) ORDER BY v.run_id DESC LIMIT 1", &st, msg);

    if (err)
        return err;
    sqlite3_bind_blob(st, 1, same, 32, SQLITE_STATIC);
    *run_id = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    if (sqlite3_finalize(st) != SQLITE_OK)
        return conn_fail(w->d, msg, "review");
    return SOR_OK;
}

int db_reading_place(struct db *d, int64_t reading_id, struct db_place *out)
{
    struct db_cur *c = cursor_open(d, "SELECT c.name, p.ordinal, "
        "coalesce(k.full_number, 'c' || (k.ordinal + 1)) "
        "FROM claim_reading g JOIN path p ON p.id = g.path_id "
        "JOIN claim_path x ON x.path_id = g.path_id "
        "JOIN claim c ON c.id = x.claim_id "
        "JOIN passage s ON s.id = g.passage_id "
        "JOIN clause k ON k.id = s.clause_id "
        "WHERE g.reading_id = ? ORDER BY g.id LIMIT 1");
    int got;

    cursor_bind(c, 1, reading_id);
    if ((got = cursor_step(c)) == 1) {
        snprintf(out->claim, sizeof out->claim, "%s", cursor_text(c->st, 0));
        out->path = sqlite3_column_int(c->st, 1);
        snprintf(out->clause, sizeof out->clause, "%s",
                 cursor_text(c->st, 2));
    }
    return db_cur_close(c) ? -1 : got;
}

struct db *db_writer_reader(struct db_writer *w)
{
    return w->d;
}

const char *db_text(struct db *d, int64_t text_id, char *buf, size_t size)
{
    struct db_cur *c = cursor_open(d, "SELECT body FROM text WHERE id = ?");
    const char *s = NULL;

    cursor_bind(c, 1, text_id);
    if (cursor_step(c) == 1)
        s = cursor_text(c->st, 0);
    snprintf(buf, size, "%s", s ? s : "");
    buf[strlen(buf) - utf8_tail(buf, strlen(buf))] = '\0';
    db_cur_close(c);
    return buf;
}
