/* db/probe.h - experiments on recorded runs, in and out of the database.
 *
 * An experiment is a row of `probe` with rows of other tables under it, one
 * struct here per table.  All go through one writer and one reader, driven by
 * a table of columns, so that a new kind of row is a struct and a line.
 *
 * Ownership  words in rows read are constants; blobs are borrowed.
 * Errors     as db/db.h and db/write.h. */
#ifndef DB_PROBE_H
#define DB_PROBE_H

#include <stdint.h>

#include "db/write.h"

/* The key is (model_id, kind, prefix, pos, params). */
struct db_probe {
    int64_t id, run_id, path_id, model_id;
    const char *kind;           /* "lens" ... */
    int pos;
    uint8_t prefix[32];
    const char *params;
    int32_t token_id;           /* -1: none */
    double logprob;             /* NaN: none */
    const char *isa, *program;  /* not read back */
    int64_t wall_ns, at_us;
};

struct db_lens {
    int layer, rank;
    double logprob, entropy, kl;
};
struct db_lens_top {
    int layer, rank, token_id;
    double logprob;
};
struct db_attribution {
    const char *part;           /* "embed" "head" "mlp" "layer" */
    int layer, head;
    double logit;
};
struct db_attention {
    int layer, head, rank, key_pos;
    double weight, entropy;
};
struct db_attention_row {
    int layer, head;
    double entropy;
    struct db_blob weights;     /* db/pack.h; of a row read: good until the
                                 * next */
};
struct db_activation {
    int layer;
    double norm, update_norm, cosine;   /* NaN: none */
};
struct db_neuron {
    int layer, rank, neuron;
    double value;
};
struct db_effect {
    const char *how;            /* "zero" "mean" "patch" "mask" "recompute" */
    const char *measured;       /* "intervention" "causal" */
    int layer, head, span_from, span_to;
    double logprob, kl;
    int top_id;
};
struct db_trial {
    const char *test;           /* "early" "mistake" "paraphrase" "filler"
                                 * "resample" */
    int64_t step_id;            /* 0: the reasoning as a whole */
    int step, n, n_same;
    double low, high, logprob;  /* NaN: none */
};

enum db_probe_table {
    DB_LENS, DB_LENS_TOP, DB_ATTRIBUTION, DB_ATTENTION, DB_ACTIVATION,
    DB_NEURON, DB_EFFECT, DB_TRIAL, DB_ATTENTION_ROW, DB_PROBE_TABLES
};

/* Bytes of one row's struct. */
size_t db_probe_row_bytes(enum db_probe_table t);

/* The newest experiment with this key: 1 and *out's id, token_id, logprob,
 * wall_ns and at_us are set, 0 there is none, -1 damaged. */
int db_find_probe(struct db *d, const struct db_probe *key,
                  struct db_probe *out);

/* Rows of one table under an experiment, in the order they were put.  row
 * points to the table's struct. */
struct db_cur *db_probe_rows(struct db *d, enum db_probe_table t,
                             int64_t probe_id);
/* The same under every experiment with this key. */
struct db_cur *db_probe_rows_of(struct db *d, enum db_probe_table t,
                                const struct db_probe *key);
int db_probe_row_next(struct db_cur *c, enum db_probe_table t, void *row);

/* Into an open batch of its run; id is ignored. */
enum sor_err db_put_probe(struct db_writer *w, const struct db_probe *p,
                          int64_t *id, struct sor_msg *msg);
enum sor_err db_put_probe_row(struct db_writer *w, enum db_probe_table t,
                              int64_t probe_id, const void *row,
                              struct sor_msg *msg);

/* An edge that an experiment found: 1 the same is there, its note aside, 0 it
 * is not, -1 damaged. */
int db_has_edge(struct db *d, const struct db_put_edge *e);
/* As db_put_edge(), where the same is not there yet. */
enum sor_err db_put_edge_once(struct db_writer *w, const struct db_put_edge *e,
                              struct sor_msg *msg);

#endif
