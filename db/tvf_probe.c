/* db/tvf_probe.c - lens_at() and ablation_at(): experiments as stored.
 *
 * SQL does not start a model.  Where nothing is stored for a position, one
 * row has NULL in every column but `compute`: the command that computes it. */
#include "db/tvf.h"

struct stored {
    struct tvf_cursor c;
    int any, missing;           /* rows so far; the row is the only one */
};

/* The experiments of kind K at (?1, ?2).  What is computed for one path holds
 * for each that has the same tokens up to there, so it is stored once. */
#define PROBES(kind)                                                        \
    "SELECT b.id FROM path p JOIN run r ON r.id = p.run_id "               \
    "JOIN probe b ON b.model_id = r.model_id AND b.kind = '" kind "' "     \
    "AND b.pos = ?2 JOIN path q ON q.id = b.path_id "                      \
    "WHERE p.id = ?1 AND (q.id = p.id OR (q.params = p.params AND "        \
    "(SELECT count(*) FROM v_token x JOIN v_token y ON "                   \
    "y.path_id = q.id AND y.pos = x.pos AND y.token_id = x.token_id "      \
    "WHERE x.path_id = p.id AND x.pos <= ?2) = ?2 + 1)) "

static int filter(struct tvf_cursor *c, const char *rows)
{
    struct stored *s = (struct stored *)c;
    sqlite3_int64 id;
    int rc = tvf_path(c, 0, &id);

    s->any = s->missing = 0;
    if (rc)
        return rc;
    if (!tvf_given(c, 1))
        return SQLITE_DONE;
    if ((rc = tvf_prepare(c, 0, rows)) || (rc = tvf_prepare(c, 1,
            "SELECT substr(r.uid, 1, 8), p.ordinal FROM path p "
            "JOIN run r ON r.id = p.run_id WHERE p.id = ?1")))
        return rc;
    for (int i = 0; i < 2; i++)
        sqlite3_bind_int64(c->st[i], 1, id);
    sqlite3_bind_value(c->st[0], 2, c->arg[1]);
    return SQLITE_OK;
}

static int next(struct tvf_cursor *c)
{
    struct stored *s = (struct stored *)c;
    int rc = s->missing ? SQLITE_DONE : sqlite3_step(c->st[0]);

    if (rc == SQLITE_DONE && !s->any) {
        s->missing = 1;
        rc = sqlite3_step(c->st[1]);    /* no such path: no row either */
    }
    s->any = 1;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? rc : tvf_error(c, rc);
}

static void column(struct tvf_cursor *c, sqlite3_context *to, int i)
{
    const struct stored *s = (const struct stored *)c;
    int last = c->f->n_column - 1;      /* `compute` */

    if (!s->missing && i < last) {
        sqlite3_result_value(to, sqlite3_column_value(c->st[0], i));
    } else if (s->missing && i == last) {
        const char *command = c->f == &tvf_lens_at ? "lens" : "ablate";
        char *text = sqlite3_mprintf("sorites %s %s:%d@%lld", command,
            (const char *)sqlite3_column_text(c->st[1], 0),
            sqlite3_column_int(c->st[1], 1), sqlite3_value_int64(c->arg[1]));
        if (text)
            sqlite3_result_text(to, text, -1, sqlite3_free);
        else
            sqlite3_result_error_nomem(to);
    }
}

/* The last one made, since it may have been asked about several tokens. */
static int lens_filter(struct tvf_cursor *c)
{
    return filter(c, "SELECT layer, token_id, text, rank, logprob, entropy, "
        "kl, top_text, top_logprob FROM v_lens WHERE probe_id = "
        "(" PROBES("lens") "ORDER BY q.id <> p.id, b.id DESC LIMIT 1) "
        "ORDER BY layer");
}

/* All of them: each changed something else. */
static int ablation_filter(struct tvf_cursor *c)
{
    return filter(c, "SELECT how, measured, layer, head, span_from, span_to, "
        "token_id, text, logprob_before, logprob_after, kl, top_text "
        "FROM v_effect WHERE probe_id IN (" PROBES("ablate") ") "
        "ORDER BY probe_id, layer, head, span_from");
}

const struct tvf tvf_lens_at = {
    .name = "lens_at", .args = "path, pos",
    .columns = "layer, token_id, text, rank, logprob, entropy, kl, top_text, "
               "top_logprob, compute",
    .n_column = 10, .n_arg = 2, .n_need = 2, .n_row = 30,
    .cursor_bytes = sizeof(struct stored),
    .filter = lens_filter, .next = next, .column = column
};

const struct tvf tvf_ablation_at = {
    .name = "ablation_at", .args = "path, pos",
    .columns = "how, measured, layer, head, span_from, span_to, token_id, "
               "text, logprob_before, logprob_after, kl, top_text, compute",
    .n_column = 13, .n_arg = 2, .n_need = 2, .n_row = 100,
    .cursor_bytes = sizeof(struct stored),
    .filter = ablation_filter, .next = next, .column = column
};
