#include "db/probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "db/cursor.h"
#include "db/writer.h"

enum column_kind { COLUMN_END, COLUMN_INT, COLUMN_REAL, COLUMN_ID,
                   COLUMN_WORD, COLUMN_BLOB };

enum { COLUMNS_MAX = 10 };      /* with an end mark */

/* One column after probe_id: what it is and where in the struct. */
struct column {
    enum column_kind kind;
    size_t at;
};

#define INT(s, f)  { COLUMN_INT, offsetof(struct s, f) }
#define REAL(s, f) { COLUMN_REAL, offsetof(struct s, f) }
#define ID(s, f)   { COLUMN_ID, offsetof(struct s, f) }
#define WORD(s, f) { COLUMN_WORD, offsetof(struct s, f) }
#define BLOB(s, f) { COLUMN_BLOB, offsetof(struct s, f) }

/* In the order of tables[table].columns. */
static const struct rows {
    enum table table;
    size_t bytes;
    struct column column[COLUMNS_MAX];
} rows[DB_PROBE_TABLES] = {
    [DB_LENS] = { TABLE_LENS, sizeof(struct db_lens), {
        INT(db_lens, layer), INT(db_lens, rank), REAL(db_lens, logprob),
        REAL(db_lens, entropy), REAL(db_lens, kl) } },
    [DB_LENS_TOP] = { TABLE_LENS_TOP, sizeof(struct db_lens_top), {
        INT(db_lens_top, layer), INT(db_lens_top, rank),
        INT(db_lens_top, token_id), REAL(db_lens_top, logprob) } },
    [DB_ATTRIBUTION] = { TABLE_ATTRIBUTION, sizeof(struct db_attribution), {
        WORD(db_attribution, part), INT(db_attribution, layer),
        INT(db_attribution, head), REAL(db_attribution, logit) } },
    [DB_ATTENTION] = { TABLE_ATTENTION, sizeof(struct db_attention), {
        INT(db_attention, layer), INT(db_attention, head),
        INT(db_attention, rank), INT(db_attention, key_pos),
        REAL(db_attention, weight), REAL(db_attention, entropy) } },
    [DB_ACTIVATION] = { TABLE_ACTIVATION, sizeof(struct db_activation), {
        INT(db_activation, layer), REAL(db_activation, norm),
        REAL(db_activation, update_norm), REAL(db_activation, cosine) } },
    [DB_NEURON] = { TABLE_NEURON, sizeof(struct db_neuron), {
        INT(db_neuron, layer), INT(db_neuron, rank), INT(db_neuron, neuron),
        REAL(db_neuron, value) } },
    [DB_EFFECT] = { TABLE_EFFECT, sizeof(struct db_effect), {
        WORD(db_effect, how), WORD(db_effect, measured),
        INT(db_effect, layer), INT(db_effect, head),
        INT(db_effect, span_from), INT(db_effect, span_to),
        REAL(db_effect, logprob), REAL(db_effect, kl),
        INT(db_effect, top_id) } },
    [DB_TRIAL] = { TABLE_TRIAL, sizeof(struct db_trial), {
        WORD(db_trial, test), ID(db_trial, step_id), INT(db_trial, step),
        INT(db_trial, n), INT(db_trial, n_same), REAL(db_trial, low),
        REAL(db_trial, high), REAL(db_trial, logprob) } },
    [DB_ATTENTION_ROW] = { TABLE_ATTENTION_ROW,
        sizeof(struct db_attention_row), {
        INT(db_attention_row, layer), INT(db_attention_row, head),
        REAL(db_attention_row, entropy), BLOB(db_attention_row, weights) } },
};

/* Every word that a row may hold, so that one read back is a constant. */
static const char *const words[] = {
    "embed", "head", "mlp", "layer", "zero", "mean", "patch", "mask",
    "recompute", "intervention", "causal", "early", "mistake", "paraphrase",
    "filler", "resample"
};

static const char *known_word(const char *s)
{
    for (size_t i = 0; s && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], s) == 0)
            return words[i];
    return "";
}

size_t db_probe_row_bytes(enum db_probe_table t)
{
    return rows[t].bytes;
}

#define KEY "model_id = ?1 AND kind = ?2 AND prefix = ?3 AND pos = ?4 " \
            "AND params = ?5"

static void bind_key(struct db_cur *c, const struct db_probe *key)
{
    cursor_bind(c, 1, key->model_id);
    cursor_bind_text(c, 2, key->kind);
    if (c->st)
        sqlite3_bind_blob(c->st, 3, key->prefix, sizeof key->prefix,
                          SQLITE_TRANSIENT);
    cursor_bind(c, 4, key->pos);
    cursor_bind_text(c, 5, key->params);
}

int db_find_probe(struct db *d, const struct db_probe *key,
                  struct db_probe *out)
{
    struct db_cur *c = cursor_open(d, "SELECT id, token_id, logprob, wall_ns, "
        "at_us FROM probe WHERE " KEY " ORDER BY id DESC LIMIT 1");
    int got;

    bind_key(c, key);
    got = cursor_step(c);
    if (got == 1) {
        out->id = cursor_int(c->st, 0, 0);
        out->token_id = (int32_t)cursor_int(c->st, 1, -1);
        out->logprob = cursor_real(c->st, 2);
        out->wall_ns = cursor_int(c->st, 3, 0);
        out->at_us = cursor_int(c->st, 4, 0);
    }
    return db_cur_close(c) ? -1 : got;
}

static struct db_cur *open_rows(struct db *d, enum db_probe_table t,
                                const char *of)
{
    const struct table_info *info = &tables[rows[t].table];
    char sql[384];

    snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE probe_id %s "
             "ORDER BY id", info->columns, info->name, of);
    return cursor_open(d, sql);
}

struct db_cur *db_probe_rows(struct db *d, enum db_probe_table t,
                             int64_t probe_id)
{
    struct db_cur *c = open_rows(d, t, "= ?");

    cursor_bind(c, 1, probe_id);
    return c;
}

struct db_cur *db_probe_rows_of(struct db *d, enum db_probe_table t,
                                const struct db_probe *key)
{
    struct db_cur *c = open_rows(d, t, "IN (SELECT id FROM probe WHERE " KEY
                                 ")");

    bind_key(c, key);
    return c;
}

int db_probe_row_next(struct db_cur *c, enum db_probe_table t, void *row)
{
    int got = cursor_step(c), i = 2;    /* after id and probe_id */

    if (got != 1)
        return got;
    for (const struct column *k = rows[t].column; k->kind; k++, i++) {
        void *to = (char *)row + k->at;

        if (k->kind == COLUMN_INT)
            *(int *)to = sqlite3_column_int(c->st, i);
        else if (k->kind == COLUMN_REAL)
            *(double *)to = cursor_real(c->st, i);
        else if (k->kind == COLUMN_ID)
            *(int64_t *)to = cursor_int(c->st, i, 0);
        else if (k->kind == COLUMN_BLOB)
            *(struct db_blob *)to = cursor_blob(c->st, i);
        else
            *(const char **)to = known_word(cursor_text(c->st, i));
    }
    return 1;
}

enum sor_err db_put_probe(struct db_writer *w, const struct db_probe *r,
                          int64_t *id, struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_PROBE, msg);

    if (err)
        return err;
    put_int(&p, r->run_id);
    put_int(&p, r->path_id);
    put_int(&p, r->model_id);
    put_text(&p, r->kind);
    put_int(&p, r->pos);
    put_blob(&p, r->prefix, sizeof r->prefix);
    put_text(&p, r->params);
    put_count(&p, r->token_id);
    put_real(&p, r->logprob);
    put_text(&p, r->isa);
    put_text(&p, r->program);
    put_int(&p, r->wall_ns);
    put_int(&p, r->at_us);
    return put_end(&p, id, msg);
}

enum sor_err db_put_probe_row(struct db_writer *w, enum db_probe_table t,
                              int64_t probe_id, const void *row,
                              struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, rows[t].table, msg);

    if (err)
        return err;
    put_int(&p, probe_id);
    for (const struct column *k = rows[t].column; k->kind; k++) {
        const void *from = (const char *)row + k->at;

        if (k->kind == COLUMN_INT)
            put_int(&p, *(const int *)from);
        else if (k->kind == COLUMN_REAL)
            put_real(&p, *(const double *)from);
        else if (k->kind == COLUMN_ID)
            put_id(&p, *(const int64_t *)from);
        else if (k->kind == COLUMN_BLOB)
            put_blob(&p, ((const struct db_blob *)from)->p,
                     ((const struct db_blob *)from)->n);
        else
            put_text(&p, *(const char *const *)from);
    }
    return put_end(&p, NULL, msg);
}

int db_has_edge(struct db *d, const struct db_put_edge *e)
{
    struct db_cur *c = cursor_open(d, "SELECT 1 FROM edge WHERE src_kind = ?1 "
        "AND src_id = ?2 AND dst_kind = ?3 AND dst_id = ?4 AND kind = ?5 AND "
        "measured = ?6 AND weight = ?7 LIMIT 1");
    int got;

    cursor_bind_text(c, 1, e->src_kind);
    cursor_bind(c, 2, e->src_id);
    cursor_bind_text(c, 3, e->dst_kind);
    cursor_bind(c, 4, e->dst_id);
    cursor_bind_text(c, 5, e->kind);
    cursor_bind_text(c, 6, e->measured);
    if (c->st)
        sqlite3_bind_double(c->st, 7, e->weight);
    got = cursor_step(c);
    return db_cur_close(c) ? -1 : got;
}

enum sor_err db_put_edge_once(struct db_writer *w, const struct db_put_edge *e,
                              struct sor_msg *msg)
{
    int has = db_has_edge(w->d, e);

    return has < 0 ? conn_fail(w->d, msg, "edge")
         : has ? SOR_OK : db_put_edge(w, e, msg);
}
