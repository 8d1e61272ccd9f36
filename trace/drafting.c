#include "trace/drafting.h"

void drafting_init(struct drafting *d)
{
    *d = (struct drafting){ .source = 0 };
    str_init(&d->passes);
}

void drafting_release(struct drafting *d)
{
    str_release(&d->passes);
}

void drafting_step(struct drafting *d, int pos, const struct hook_draft *u)
{
    d->source = u->source;
    d->n_pass++;
    d->n_draft += u->n;
    d->n_kept += u->n_kept;
    for (int i = 0; i < 4; i++)
        str_putc(&d->passes, (char)((uint32_t)pos >> 8 * i));
    str_putc(&d->passes, (char)u->n);
    str_putc(&d->passes, (char)u->n_kept);
}

enum sor_err drafting_put(const struct drafting *d, struct db_writer *w,
                          int64_t path_id, struct sor_msg *msg)
{
    static const char *const source[] = { "off", "lookup", "self" };
    struct db_put_draft row = {
        .path_id = path_id, .source = source[d->source],
        .n_pass = d->n_pass, .n_draft = d->n_draft, .n_kept = d->n_kept,
        .passes = { (const uint8_t *)d->passes.p, d->passes.len } };

    if (d->n_pass == 0)
        return SOR_OK;
    if (!str_ok(&d->passes))
        return sor_fail(msg, SOR_NOMEM, "no memory for the %lld passes with "
                        "guesses", (long long)d->n_pass);
    return db_put_draft(w, &row, msg);
}
