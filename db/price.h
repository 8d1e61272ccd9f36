/* db/price.h - what routing saved and what that cost, in and out of the
 * database: tables work_unit, work, audit and route_price (008_price.sql).
 *
 * Errors  as db/db.h and db/write.h. */
#ifndef DB_PRICE_H
#define DB_PRICE_H

#include <stdint.h>

#include "db/write.h"

/* Of one thing that a row of the network does; see the migration. */
struct db_work_unit {
    double block_macs, compare_macs, block_bytes, compare_bytes;
    double layer_macs, head_macs, weight_bytes;
};

struct db_work {
    int64_t n_row, n_again, layer_rows, layer_again, n_head, n_pass,
            pass_again, blocks_read, compared, blocks_full;
};

struct db_audit {
    int64_t run_id;
    double rate;
    int64_t n_routed, n_audited;
    int exact;
    const char *isa, *program;
    int64_t wall_ns, at_us;
};

struct db_price {
    int64_t path_id;
    int pos;
    const char *mode;           /* "sparse", "hybrid" */
    int n_layer;
    double kl_local, kl_total;  /* nats */
    int rank, rank_local, rank_total;
    double logprob, logprob_local, logprob_total;
    int same_local, same_total;
    int64_t blocks_read, compared, blocks_full;
};

/* Into an open batch of the run. */
enum sor_err db_put_work_unit(struct db_writer *w, int64_t run_id,
                              const struct db_work_unit *u,
                              struct sor_msg *msg);
enum sor_err db_put_work(struct db_writer *w, int64_t path_id,
                         const char *phase, const struct db_work *k,
                         struct sor_msg *msg);
enum sor_err db_put_audit(struct db_writer *w, const struct db_audit *a,
                          int64_t *id, struct sor_msg *msg);
enum sor_err db_put_price(struct db_writer *w, int64_t audit_id,
                          const struct db_price *p, struct sor_msg *msg);

/* The tokens of a path that have a price, shared ones too, in order. */
struct db_priced { int pos; double kl_local, kl_total; };
struct db_cur *db_prices(struct db *d, int64_t path_id);
int db_price_next(struct db_cur *c, struct db_priced *out);

#endif
