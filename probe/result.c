#include "probe/result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/version.h"
#include "engine/tok.h"

enum sor_err result_init(struct result *r, const char *kind,
                       const struct prefix *p, int pos, const char *params,
                       struct sor_msg *msg)
{
    struct str s;

    *r = (struct result){ .head = {
        .run_id = p->run_id, .path_id = p->path_id, .model_id = p->model_id,
        .kind = kind, .pos = pos, .token_id = -1, .logprob = NAN } };
    prefix_digest(p, pos, r->head.prefix);
    str_init(&s);
    str_puts(&s, params);
    if (p->mask.n)
        str_printf(&s, " on %s", p->params);
    r->params = str_ok(&s) ? mem_strdup(s.p) : NULL;
    str_release(&s);
    r->head.params = r->params;
    return r->params ? SOR_OK : sor_fail(msg, SOR_NOMEM, "out of memory");
}

static void *row_at(const struct result *r, enum db_probe_table t, int i)
{
    return (char *)r->of[t].row + (size_t)i * db_probe_row_bytes(t);
}

/* The blob of a row, which is ours, or NULL where the table has none. */
static struct db_blob *blob_of(enum db_probe_table t, void *row)
{
    return t == DB_ATTENTION_ROW
               ? &((struct db_attention_row *)row)->weights : NULL;
}

void result_release(struct result *r)
{
    for (int k = 0; k < DB_PROBE_TABLES; k++) {
        enum db_probe_table t = (enum db_probe_table)k;

        for (int i = 0; i < r->of[t].n; i++) {
            struct db_blob *blob = blob_of(t, row_at(r, t, i));

            if (blob)
                mem_free((void *)(uintptr_t)blob->p);
        }
        mem_free(r->of[t].row);
    }
    mem_free(r->cause.row);
    mem_free(r->params);
    *r = (struct result){ .cached = 0 };
}

/* Copies what the blob of a row points to; 0: out of memory. */
static int own_blob(enum db_probe_table t, void *row)
{
    struct db_blob *blob = blob_of(t, row);
    uint8_t *copy;

    if (!blob || !blob->p)
        return 1;
    if (!(copy = mem_alloc(blob->n + !blob->n)))
        return 0;
    memcpy(copy, blob->p, blob->n);
    blob->p = copy;
    return 1;
}

void result_add(struct result *r, enum db_probe_table t, const void *row)
{
    size_t each = db_probe_row_bytes(t);

    if (r->of[t].n == r->of[t].cap) {
        int cap = r->of[t].cap ? 2 * r->of[t].cap : 64;
        void *more = mem_realloc(r->of[t].row, (size_t)cap, each);

        if (!more) {
            r->failed = 1;
            return;
        }
        r->of[t].row = more;
        r->of[t].cap = cap;
    }
    memcpy(row_at(r, t, r->of[t].n), row, each);
    if (own_blob(t, row_at(r, t, r->of[t].n)))
        r->of[t].n++;
    else
        r->failed = 1;
}

void result_cause(struct result *r, const struct result_cause *c)
{
    if (r->cause.n == r->cause.cap) {
        int cap = r->cause.cap ? 2 * r->cause.cap : 32;
        struct result_cause *more = mem_realloc(r->cause.row, (size_t)cap,
                                                sizeof *more);

        if (!more) {
            r->failed = 1;
            return;
        }
        r->cause.row = more;
        r->cause.cap = cap;
    }
    r->cause.row[r->cause.n++] = *c;
}

const void *result_at(const struct result *r, enum db_probe_table t, int i)
{
    return row_at(r, t, i);
}

/* Any row of any table, with its alignment. */
union any_row {
    struct db_lens lens;
    struct db_lens_top top;
    struct db_attribution attribution;
    struct db_attention attention;
    struct db_activation activation;
    struct db_neuron neuron;
    struct db_effect effect;
    struct db_trial trial;
    struct db_attention_row attention_row;
};

/* all: of every experiment with the key, not the newest alone. */
static enum sor_err load(struct result *r, struct db *d, int all,
                         struct sor_msg *msg)
{
    int got = db_find_probe(d, &r->head, &r->head);
    enum sor_err err = SOR_OK;

    if (got < 0)
        return sor_fail(msg, SOR_FORMAT, "the database's experiments cannot "
                        "be read");
    for (int t = 0; t < DB_PROBE_TABLES && got && !err; t++) {
        enum db_probe_table table = (enum db_probe_table)t;
        struct db_cur *c = all ? db_probe_rows_of(d, table, &r->head)
                               : db_probe_rows(d, table, r->head.id);
        union any_row row;

        while (db_probe_row_next(c, table, &row) == 1)
            result_add(r, table, &row);
        r->of[t].n_stored = r->of[t].n;
        err = db_cur_close(c);
    }
    if (err || r->failed)
        return sor_fail(msg, err ? err : SOR_NOMEM, "the rows of the "
                        "experiment cannot be read");
    r->cached = got;
    return SOR_OK;
}

enum sor_err result_load(struct result *r, struct db *d, struct sor_msg *msg)
{
    return load(r, d, 0, msg);
}

enum sor_err result_gather(struct result *r, struct db *d, struct sor_msg *msg)
{
    return load(r, d, 1, msg);
}

static enum sor_err put_piece(struct db_writer *w, const struct result *r,
                              const struct tok *t, int32_t id,
                              struct sor_msg *msg)
{
    size_t n;
    const char *s = id < 0 ? NULL : tok_piece(t, id, &n);

    return s ? db_put_piece(w, r->head.model_id, id, s, n, msg) : SOR_OK;
}

static enum sor_err put_pieces(struct db_writer *w, const struct result *r,
                               const struct tok *t, struct sor_msg *msg)
{
    enum sor_err err = put_piece(w, r, t, r->head.token_id, msg);

    for (int i = r->of[DB_LENS_TOP].n_stored; i < r->of[DB_LENS_TOP].n && !err;
         i++) {
        const struct db_lens_top *top = result_at(r, DB_LENS_TOP, i);

        err = put_piece(w, r, t, top->token_id, msg);
    }
    for (int i = r->of[DB_EFFECT].n_stored; i < r->of[DB_EFFECT].n && !err;
         i++) {
        const struct db_effect *effect = result_at(r, DB_EFFECT, i);

        err = put_piece(w, r, t, effect->top_id, msg);
    }
    return err;
}

static struct db_put_edge edge_of(const struct result *r,
                                  const struct result_cause *c)
{
    return (struct db_put_edge){
        .run_id = r->head.run_id, .measured = "causal", .src_kind = "step",
        .kind = c->with >= c->without ? "supports" : "contradicts",
        .src_id = c->src_step, .dst_kind = "step", .dst_id = c->dst_step,
        .weight = fabs(c->with - c->without) };
}

int result_knows(const struct result *r, struct db *d,
                 const struct result_cause *c)
{
    struct db_put_edge e = edge_of(r, c);

    return db_has_edge(d, &e);
}

static enum sor_err put_cause(struct db_writer *w, const struct result *r,
                              const struct result_cause *c,
                              struct sor_msg *msg)
{
    struct db_put_edge e = edge_of(r, c);
    char note[96];
    int n = snprintf(note, sizeof note, "%s: %.3f with it, %.3f without",
                     r->head.kind, c->with, c->without);
    enum sor_err err = db_put_text(w, note, (size_t)n, &e.note_id, msg);

    return err ? err : db_put_edge_once(w, &e, msg);
}

static enum sor_err put_rows(struct db_writer *w, struct result *r,
                             const struct tok *t, struct sor_msg *msg)
{
    enum sor_err err = put_pieces(w, r, t, msg);

    if (!err)
        err = db_put_probe(w, &r->head, &r->head.id, msg);
    for (int k = 0; k < DB_PROBE_TABLES; k++)
        for (int i = r->of[k].n_stored; i < r->of[k].n && !err; i++) {
            enum db_probe_table table = (enum db_probe_table)k;

            err = db_put_probe_row(w, table, r->head.id,
                                   result_at(r, table, i), msg);
        }
    return err;
}

static enum sor_err put_all(struct db_writer *w, struct result *r,
                            const struct tok *t, struct sor_msg *msg)
{
    enum sor_err err = db_begin(w, r->head.run_id, msg);
    int any = 0;

    for (int k = 0; k < DB_PROBE_TABLES; k++)
        any |= r->of[k].n > r->of[k].n_stored;
    if (!err && any)
        err = put_rows(w, r, t, msg);
    for (int i = 0; i < r->cause.n && !err; i++)
        err = put_cause(w, r, &r->cause.row[i], msg);
    return err ? err : db_commit(w, NULL, msg);
}

enum sor_err result_store(struct result *r, const char *db_path,
                          const struct tok *t, const char *isa,
                          struct sor_msg *msg)
{
    struct db_writer_opts o = { .wait = 0 };
    struct db_writer *w = NULL;
    enum sor_err err;

    if (r->failed)
        return sor_fail(msg, SOR_NOMEM, "out of memory for the experiment");
    r->head.isa = isa;
    r->head.program = SORITES_VERSION;
    r->head.at_us = clock_wall_us();
    if (!(err = db_writer_open(db_path, &o, &w, msg)))
        err = put_all(w, r, t, msg);
    db_writer_close(w);
    return err;
}
