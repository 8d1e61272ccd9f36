#include "db/price.h"

#include "db/cursor.h"
#include "db/writer.h"

enum sor_err db_put_work_unit(struct db_writer *w, int64_t run_id,
                              const struct db_work_unit *u,
                              struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_WORK_UNIT, msg);

    if (err)
        return err;
    put_int(&p, run_id);
    put_real(&p, u->block_macs);
    put_real(&p, u->compare_macs);
    put_real(&p, u->block_bytes);
    put_real(&p, u->compare_bytes);
    put_real(&p, u->layer_macs);
    put_real(&p, u->head_macs);
    put_real(&p, u->weight_bytes);
    return put_end(&p, NULL, msg);
}

enum sor_err db_put_work(struct db_writer *w, int64_t path_id,
                         const char *phase, const struct db_work *k,
                         struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_WORK, msg);

    if (err)
        return err;
    put_int(&p, path_id);
    put_text(&p, phase);
    put_int(&p, k->n_row);
    put_int(&p, k->n_again);
    put_int(&p, k->layer_rows);
    put_int(&p, k->layer_again);
    put_int(&p, k->n_head);
    put_int(&p, k->n_pass);
    put_int(&p, k->pass_again);
    put_int(&p, k->blocks_read);
    put_int(&p, k->compared);
    put_int(&p, k->blocks_full);
    return put_end(&p, NULL, msg);
}

enum sor_err db_put_audit(struct db_writer *w, const struct db_audit *a,
                          int64_t *id, struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_AUDIT, msg);

    if (err)
        return err;
    put_int(&p, a->run_id);
    put_real(&p, a->rate);
    put_int(&p, a->n_routed);
    put_int(&p, a->n_audited);
    put_int(&p, a->exact);
    put_text(&p, a->isa);
    put_text(&p, a->program);
    put_int(&p, a->wall_ns);
    put_int(&p, a->at_us);
    return put_end(&p, id, msg);
}

enum sor_err db_put_price(struct db_writer *w, int64_t audit_id,
                          const struct db_price *r, struct sor_msg *msg)
{
    struct put p;
    enum sor_err err = put_begin(&p, w, TABLE_ROUTE_PRICE, msg);

    if (err)
        return err;
    put_int(&p, audit_id);
    put_int(&p, r->path_id);
    put_int(&p, r->pos);
    put_text(&p, r->mode);
    put_int(&p, r->n_layer);
    put_real(&p, r->kl_local);
    put_real(&p, r->kl_total);
    put_int(&p, r->rank);
    put_int(&p, r->rank_local);
    put_int(&p, r->rank_total);
    put_real(&p, r->logprob);
    put_real(&p, r->logprob_local);
    put_real(&p, r->logprob_total);
    put_int(&p, r->same_local);
    put_int(&p, r->same_total);
    put_int(&p, r->blocks_read);
    put_int(&p, r->compared);
    put_int(&p, r->blocks_full);
    return put_end(&p, NULL, msg);
}

struct db_cur *db_prices(struct db *d, int64_t path_id)
{
    struct db_cur *c = cursor_open(d, "SELECT k.pos, k.kl_local, k.kl_total "
        "FROM path_span s CROSS JOIN route_price k ON k.path_id = s.source_id "
        "AND k.pos >= s.pos_from AND k.pos < s.pos_to WHERE s.path_id = ? "
        "ORDER BY k.pos");

    cursor_bind(c, 1, path_id);
    return c;
}

int db_price_next(struct db_cur *c, struct db_priced *out)
{
    int got = cursor_step(c);

    if (got == 1)
        *out = (struct db_priced){ (int)cursor_int(c->st, 0, -1),
                                   cursor_real(c->st, 1),
                                   cursor_real(c->st, 2) };
    return got;
}
