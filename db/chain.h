/* db/chain.h - tamper evidence: recompute the hash chain and say where it
 * breaks.
 *
 * The chain shows that rows are as they were committed, relative to a head
 * kept elsewhere (`sorites seal`): without that anchor whoever can write the
 * file can recompute it. */
#ifndef DB_CHAIN_H
#define DB_CHAIN_H

#include "db/db.h"

struct chain_report {
    int64_t n_batch, n_row;             /* checked */
    int64_t n_removed;                  /* rows gone by rm or forget */
    uint8_t head[32];                   /* hash of the last batch; 0: empty */
    int ok;
    char where[256];                    /* first fault: "batch 17: token rows
                                         * 320..383 (3fa2:0@64..127) ..." */
};

/* Checks every batch, every text against its hash, and SQLite's own
 * integrity_check.  SOR_OK with report.ok == 0 where something differs. */
enum sor_err chain_verify(struct db *d, struct chain_report *report,
                          struct sor_msg *msg);
/* The head alone, without checking. */
enum sor_err chain_head(struct db *d, uint8_t head[32], int64_t *n_batch,
                        struct sor_msg *msg);
/* The batch whose hash is `head`; *batch_id 0 where there is none: then the
 * file is not the one that was sealed, or its history was rewritten. */
enum sor_err chain_find(struct db *d, const uint8_t head[32],
                        int64_t *batch_id, struct sor_msg *msg);

#endif
