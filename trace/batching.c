#include "trace/batching.h"

void batching_init(struct batching *b)
{
    *b = (struct batching){ .n_seat = 0 };
    str_init(&b->steps);
    str_init(&b->joined);
}

void batching_release(struct batching *b)
{
    str_release(&b->steps);
    str_release(&b->joined);
}

void batching_clear(struct batching *b)
{
    struct str steps = b->steps, joined = b->joined;

    str_clear(&steps);
    str_clear(&joined);
    *b = (struct batching){ .steps = steps, .joined = joined };
}

static void put_le(struct str *out, uint32_t v, int n_byte)
{
    for (int i = 0; i < n_byte; i++)
        str_putc(out, (char)(v >> 8 * i));
}

void batching_join(struct batching *b, int ordinal)
{
    put_le(&b->joined, (uint32_t)ordinal, 4);
    put_le(&b->joined, (uint32_t)b->n_step, 4);
}

static void flush(struct batching *b)
{
    if (b->n_last == 0)
        return;
    put_le(&b->steps, b->last.n_used, 2);
    put_le(&b->steps, b->last.n_row, 2);
    put_le(&b->steps, b->n_last, 4);
    b->n_last = 0;
}

void batching_step(struct batching *b, const struct hook_batch *step)
{
    if (step->n_used != b->last.n_used || step->n_row != b->last.n_row)
        flush(b);
    b->last = *step;
    b->n_last++;
    b->n_step++;
    b->seats += step->n_used;
    b->n_fed += step->n_row;
    /* A run decodes with one batch; of several the largest is told. */
    b->n_seat = step->n_seat > b->n_seat ? step->n_seat : b->n_seat;
    b->n_row = step->max_row > b->n_row ? step->max_row : b->n_row;
}

enum sor_err batching_put(struct batching *b, struct db_writer *w,
                          int64_t run_id, struct sor_msg *msg)
{
    struct db_put_batching row;

    if (b->n_step == 0)
        return SOR_OK;
    flush(b);
    if (!str_ok(&b->steps) || !str_ok(&b->joined))
        return sor_fail(msg, SOR_NOMEM, "no memory for the batching of %lld "
                        "steps", (long long)b->n_step);
    row = (struct db_put_batching){
        .run_id = run_id, .n_seat = b->n_seat, .n_row = b->n_row,
        .n_step = b->n_step, .seats = b->seats, .n_fed = b->n_fed,
        .steps = { (uint8_t *)b->steps.p, b->steps.len },
        .joined = { (uint8_t *)b->joined.p, b->joined.len } };
    return db_put_batching(w, &row, msg);
}
