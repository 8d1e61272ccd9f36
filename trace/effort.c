#include "trace/effort.h"

static struct db_work *phase_of(struct effort *e, const struct hook_event *ev,
                                int text_from)
{
    return ev->pos < text_from ? &e->prompt : &e->answer;
}

void effort_route(struct effort *e, const struct hook_event *ev, int text_from,
                  int n_group)
{
    const struct hook_route *u = &ev->u.route;
    struct db_work *k = phase_of(e, ev, text_from);
    int again = u->reason == HOOK_BY_GUARD;

    if (ev->layer == 0) {
        k->n_row++;
        k->n_again += again;
        k->n_head += again;     /* the guard had logits to look at */
        k->n_pass += ev->row == 0;
        k->pass_again += again && ev->row == 0;
    }
    if (u->blocks_read == 0)    /* left out after an exit */
        return;
    k->layer_rows++;
    k->layer_again += again;
    k->blocks_read += u->blocks_read;
    k->compared += u->compared;
    if (!again)
        k->blocks_full += (int64_t)n_group * (ev->pos / HOOK_BLOCK + 1);
}

void effort_row(struct effort *e, const struct hook_event *ev, int text_from)
{
    phase_of(e, ev, text_from)->n_head += ev->u.row.has_logits;
}

enum sor_err effort_put(const struct effort *e, struct db_writer *w,
                        int64_t path_id, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    if (e->prompt.n_row)
        err = db_put_work(w, path_id, "prompt", &e->prompt, msg);
    if (!err && e->answer.n_row)
        err = db_put_work(w, path_id, "answer", &e->answer, msg);
    return err;
}
