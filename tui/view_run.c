/* tui/view_run.c - one run: its question, what its paths answered, where they
 * part, what it cost. */
#include "tui/fmt.h"
#include "tui/summary.h"
#include "tui/view.h"

struct run { struct view v; char name[16]; };

static const struct key_def defs[] = {
    { TK_ENTER, CMD_OPEN, "follow the line under the cursor", "open" },
    { 'p', CMD_OVERVIEW, "the paths of this run", "paths" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "Run", defs };

static enum sor_err run_open(struct view *v, struct sor_msg *msg)
{
    struct db_run r;

    if (db_get_run(tui_db(v->t), v->at.run_id, &r) != 1)
        return sor_fail(msg, SOR_NOTFOUND, "That run is no longer there; "
                        "r reads again.");
    fmt_uid(((struct run *)v)->name, sizeof ((struct run *)v)->name, r.uid);
    return SOR_OK;
}

static void crumb(const struct view *v, struct str *out)
{
    str_puts(out, ((const struct run *)v)->name);
}

static void body(struct view *v, struct doc *d)
{
    if (!summary(v->t, v->at.run_id, d))
        doc_say(d, 0, ROLE_DIM, "This run is no longer in the database.");
}

static int cmd(struct view *v, enum tui_cmd c)
{
    if (c != CMD_OVERVIEW)
        return 0;
    tui_push(v->t, &view_paths, addr_run(v->at.run_id));
    return 1;
}

const struct view_ops view_run = {
    .name = "run", .what = "question, answers, cost of one run",
    .size = sizeof(struct run), .keys = &keys,
    .open = run_open, .crumb = crumb, .body = body, .cmd = cmd
};
