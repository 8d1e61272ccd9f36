/* tui/view_depends.c - which steps a path's conclusion depends on: what
 * happens to it when a step is removed (causal), when a mistake is planted in
 * it, and by which edges it is tied to it. */
#include <math.h>
#include <string.h>

#include "tui/act.h"
#include "tui/fmt.h"
#include "tui/table.h"

enum { C_STEP, C_ROLE, C_EFFECT, C_BAR, C_SAME, C_AWAY, C_TEXT, C_TOK };

static const struct col cols[] = {
    { "Step", 5, COL_RIGHT, 0 },    { "Role", 9, 0, 0 },
    { "Effect", 8, COL_RIGHT, 0 },  { "", 8, 0, 0 },
    { "Same", 6, COL_RIGHT, 0 },    { "Away", 5, COL_RIGHT, 0 },
    { "Text", 0, COL_FLEX, 0 },     { NULL, 0, 0, 0 }
};
static const unsigned char kinds[] = {
    TABLE_ACCENT, TABLE_TEXT, TABLE_STRONG, TABLE_BAR, TABLE_TEXT, TABLE_TEXT,
    TABLE_TEXT, TABLE_TEXT };
static const struct table_spec spec = {
    .sql =
    "WITH last AS (SELECT id FROM v_step WHERE path_id = %ld "
    "  ORDER BY ordinal DESC LIMIT 1), "
    "e AS (SELECT span_from, span_to, change, max(probe_id) FROM v_effect "
    "  WHERE path_id = %ld AND measured = 'causal' GROUP BY 1, 2), "
    "a AS (SELECT id, min(depth) AS away FROM "
    "  ancestor_step((SELECT id FROM last)) GROUP BY id) "
    "SELECT s.ordinal, s.role, "
    "  CASE WHEN e.change IS NOT NULL THEN printf('%+.3f', e.change) END, "
    "  min(1.0, abs(e.change) / max(1e-9, (SELECT max(abs(change)) FROM e))), "
    "  (SELECT t.n_same || '/' || t.n FROM v_trial t WHERE t.step_id = s.id "
    "   AND t.test = 'mistake' ORDER BY t.probe_id DESC LIMIT 1), "
    "  a.away, s.text, s.tok_from "
    "FROM v_step s LEFT JOIN e ON e.span_from = s.tok_from AND "
    "  e.span_to = s.tok_to LEFT JOIN a ON a.id = s.id "
    "WHERE s.path_id = %ld "
    "ORDER BY e.change IS NULL, abs(e.change) DESC, a.away IS NULL, a.away, "
    "  s.ordinal",
    .kind = kinds, .of_path = 1 };

static enum sor_err depends_open(struct view *v, struct sor_msg *msg)
{
    return table_open(v, &spec, msg);
}

static void crumb(const struct view *v, struct str *out)
{
    (void)v;
    str_puts(out, "depends on");
}

static void cell(struct view *v, int i, int col, struct pen *p)
{
    const struct table *t = (const struct table *)v;
    int row = t->window + i;

    if (col == C_EFFECT && reply_null(&t->rows, row, col)) {
        p->style = ROLE_FAINT;
        pen_str(p, "-");
    } else {
        table_cell(v, i, col, p);
    }
}

static void detail(struct view *v, struct doc *d)
{
    const struct reply *r = &((const struct table *)v)->rows;
    int row = table_here(v), measured = !reply_null(r, row, C_BAR);
    struct db_addr at = v->at;

    at.step = (int)reply_int(r, row, C_STEP);
    at.pos = -1;
    doc_text(d, 0, ROLE_STRONG, reply_text(r, row, C_TEXT),
             strlen(reply_text(r, row, C_TEXT)));
    doc_goes(d, &view_steps, at);
    doc_head(d, "Removed, the rest computed again (causal)");
    if (measured)
        doc_fact(d, "effect", "%s nats on the log-probability of the token "
                 "that was asked about", reply_text(r, row, C_EFFECT));
    else
        doc_say(d, 0, ROLE_DIM, "Not measured yet: A removes each step in "
                 "turn, and stores what follows.");
    doc_head(d, "A mistake planted in it");
    if (!reply_null(r, row, C_SAME))
        doc_fact(d, "same answer", "%s times: the fewer, the more the answer "
                 "rests on this step", reply_text(r, row, C_SAME));
    else
        doc_say(d, 0, ROLE_DIM, "Not tested: sorites faithful RUN:PATH does.");
    doc_head(d, "Edges");
    if (!reply_null(r, row, C_AWAY))
        doc_fact(d, "tied to the end", "%s edge%s away; correlation and order, "
                 "no proof", reply_text(r, row, C_AWAY),
                 reply_int(r, row, C_AWAY) == 1 ? "" : "s");
    else
        doc_say(d, 0, ROLE_DIM, "No edge leads from it to the last step.");
}

static void enter(struct view *v)
{
    struct db_addr at = v->at;

    at.step = (int)reply_int(&((const struct table *)v)->rows, table_here(v),
                            C_STEP);
    at.pos = -1;
    tui_push(v->t, &view_steps, at);
}

static const struct key_def defs[] = {
    { 'A', CMD_ABLATE, "remove each step in turn and see what follows",
      "remove each" },
    { 0, CMD_NONE, NULL, NULL }
};
static const struct keymap keys = { "What the conclusion depends on", defs };

static int cmd(struct view *v, enum tui_cmd c)
{
    struct db_addr at = v->at;

    at.pos = at.step = -1;
    return c == CMD_ABLATE && act_at(v, c, at);
}

const struct view_ops view_depends = {
    .name = "depends", .what = "which steps the conclusion depends on",
    .size = sizeof(struct table), .keys = &keys, .cols = cols,
    .empty = "This path has no steps.",
    .open = depends_open, .close = table_close, .reload = table_reload,
    .crumb = crumb, .fetch = table_fetch, .cell = cell, .detail = detail,
    .enter = enter, .cmd = cmd
};
