/* tui/view_losses.c - what the recorder could not keep of a run, and why. */
#include <string.h>

#include "tui/fmt.h"
#include "tui/table.h"

static const struct col cols[] = {
    { "From event", 14, COL_RIGHT, 0 }, { "Events", 12, COL_RIGHT, 0 },
    { "Why", 0, COL_FLEX, 0 }, { NULL, 0, 0, 0 }
};
static const unsigned char kinds[] = { TABLE_COUNT, TABLE_COUNT, TABLE_TEXT };
static const struct table_spec spec = {
    .sql = "SELECT from_seq, n_event, reason FROM v_loss WHERE run_id = %ld "
           "ORDER BY from_seq",
    .kind = kinds };

static enum sor_err losses_open(struct view *v, struct sor_msg *msg)
{
    return table_open(v, &spec, msg);
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "losses");
}

static void detail(struct view *v, struct doc *d)
{
    const struct table *t = (const struct table *)v;
    int row = table_here(v);
    char from[32], n[32];

    fmt_count(from, sizeof from, reply_int(&t->rows, row, 0));
    fmt_count(n, sizeof n, reply_int(&t->rows, row, 1));
    doc_fact(d, "lost", "%s events, from number %s on", n, from);
    doc_text(d, 0, ROLE_TEXT, reply_text(&t->rows, row, 2),
             strlen(reply_text(&t->rows, row, 2)));
    doc_gap(d);
    doc_say(d, 0, ROLE_DIM, "The answer is whole; the record of it is not. "
            "Recorded without --lossy, a run waits for the disk instead.");
}

const struct view_ops view_losses = {
    .name = "losses", .what = "what the recorder lost, and why",
    .size = sizeof(struct table), .cols = cols,
    .empty = "The recorder lost nothing of this run.",
    .open = losses_open, .close = table_close, .reload = table_reload,
    .crumb = crumb, .fetch = table_fetch, .cell = table_cell, .detail = detail
};
