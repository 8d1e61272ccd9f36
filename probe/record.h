/* probe/record.h - the recorded tokens of one path, in memory, by position:
 * what an experiment on a run holds the engine against.
 *
 * Ownership  record_release() frees; loading into a used one replaces it. */
#ifndef PROBE_RECORD_H
#define PROBE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

struct record_row {
    int32_t  id;
    int      pos;
    int      mode;              /* -1: none recorded */
    int      drawn;             /* generated: logprob and entropy are there */
    int      has_digest;
    float    logprob, entropy;
    uint64_t digest;            /* of the logits that it made */
    size_t   layers_at, layers_n;
    int      depth;             /* layers, where it left early; 0: all */
};

struct record {
    int from, n;                /* row[i] is at position from + i */
    int gap;                    /* 1: rows after these are missing (lost) */
    struct record_row *row;
    int cap;
    struct str blob;            /* the packed layers of all rows */
};

void record_init(struct record *r);
void record_release(struct record *r);

/* The rows of a path from position `from` on, shared ones included, up to the
 * first that is missing. */
enum sor_err record_load(struct db *d, int64_t path_id, int from,
                         struct record *r, struct sor_msg *msg);

/* The row at a position, or NULL; and its packed layers (db/pack.h). */
const struct record_row *record_at(const struct record *r, int pos);
const uint8_t *record_layers(const struct record *r,
                             const struct record_row *row);

#endif
