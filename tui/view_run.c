/* tui/view_run.c - one run: its question, what its paths answered, where they
 * part, what it cost. */
#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/summary.h"
#include "tui/view.h"

struct run { struct view v; char name[16]; };

static const struct key_def defs[] = {
    { TK_ENTER, CMD_OPEN, "follow the line under the cursor", "open" },
    { 'p', CMD_OVERVIEW, "the paths of this run", "paths" },
    { 'y', CMD_TIMELINE, "its paths against time", "time" },
    { 'u', CMD_ROUTING, "how its tokens were computed; what the guard did",
      "routing" },
    { 'w', CMD_GRAPH, "the logic of a document as a graph", NULL },
    { 'd', CMD_DECISIONS, "who decided what about which finding", NULL },
    { 'P', CMD_REPLAY, "prove it: compute it again and compare", "prove" },
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
    const struct view_ops *to = c == CMD_OVERVIEW ? &view_paths
        : c == CMD_TIMELINE ? &view_timeline : c == CMD_ROUTING ? &view_routing
        : c == CMD_GRAPH ? &view_graph : c == CMD_DECISIONS ? &view_decisions
        : NULL;

    if (!to)
        return act_at(v, c, addr_run(v->at.run_id));
    tui_push(v->t, to, addr_run(v->at.run_id));
    return 1;
}

const struct view_ops view_run = {
    .name = "run", .what = "question, answers, cost of one run",
    .size = sizeof(struct run), .keys = &keys,
    .open = run_open, .crumb = crumb, .body = body, .cmd = cmd
};
