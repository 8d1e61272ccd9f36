/* probe/result.h - the result of an experiment: one row of `probe` and the rows
 * under it, in memory, to and from the database.  What is shown is shown from
 * here, whether it was computed or read.
 *
 * Ownership  result_release() frees. */
#ifndef PROBE_RESULT_H
#define PROBE_RESULT_H

#include "base/err.h"
#include "db/probe.h"
#include "probe/prefix.h"

struct tok;

/* A step that bears on another: how likely the other's words or answer are
 * with it and without it, everything after it computed again. */
struct result_cause {
    int64_t src_step, dst_step; /* ids */
    double with, without;       /* probabilities */
};

struct result {
    struct db_probe head;       /* kind is a constant; params is ours */
    /* the first n_stored were read and are not stored again */
    struct { void *row; int n, cap, n_stored; } of[DB_PROBE_TABLES];
    struct { struct result_cause *row; int n, cap; } cause;
    char *params;
    int failed;                 /* out of memory in result_add() */
    int cached;                 /* read, not computed */
};

/* The key of an experiment at position pos.  params is copied; a fork's own
 * are added to it. */
enum sor_err result_init(struct result *r, const char *kind,
                       const struct prefix *p, int pos, const char *params,
                       struct sor_msg *msg);
void result_release(struct result *r);              /* a zeroed one is fine */

/* Copies one row of the table's struct, its blob too; failure waits in
 * r->failed. */
void result_add(struct result *r, enum db_probe_table t, const void *row);
/* Becomes an edge with the result: 'supports' or 'contradicts', measured
 * 'causal', its weight the difference.  Not read back. */
void result_cause(struct result *r, const struct result_cause *c);
/* Row i of a table; i < r->of[t].n. */
const void *result_at(const struct result *r, enum db_probe_table t, int i);

/* 1: the edge that this would become is stored already; -1: damaged. */
int result_knows(const struct result *r, struct db *d,
                 const struct result_cause *c);

/* SOR_OK and r->cached = 1 where the key is stored. */
enum sor_err result_load(struct result *r, struct db *d, struct sor_msg *msg);
/* The rows of every experiment with the key, for kinds that are computed part
 * by part: what is missing is computed, added and stored. */
enum sor_err result_gather(struct result *r, struct db *d,
                           struct sor_msg *msg);

/* Writes the rows that are new, and the pieces of tokens that they name; t
 * and isa: of the engine that computed them, NULL where no row is new.  SOR_BUSY: somebody records into the file. */
enum sor_err result_store(struct result *r, const char *db_path,
                        const struct tok *t, const char *isa,
                        struct sor_msg *msg);

#endif
