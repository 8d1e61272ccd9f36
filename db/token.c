/* Tokens of a path: those it stores and those it shares with its parents.
 *
 * Spans of a path do not overlap and rise with pos_from, so reading span by
 * span, token by token is reading by position: ORDER BY pos_from, pos costs no
 * sort (path_span has a unique index on its key) and LIMIT stops at once. */
#include "db/cursor.h"

#define SPANS \
    "FROM path_span s CROSS JOIN token t ON t.path_id = s.source_id " \
    "AND t.pos >= s.pos_from AND t.pos < s.pos_to "

#define COLUMNS \
    "SELECT t.id, s.path_id, s.source_id, t.pos, t.token_id, w.text, " \
    "t.logprob, t.entropy, t.mode, t.digest, t.alt, t.layers, t.heads, " \
    "(SELECT CASE WHEN t.pos < st.tok_to THEN st.ordinal END FROM step st " \
    " WHERE st.path_id = s.path_id AND st.tok_from <= t.pos " \
    " ORDER BY st.tok_from DESC LIMIT 1) " SPANS \
    "LEFT JOIN piece w ON w.token_id = t.token_id AND w.model_id = " \
    " (SELECT r.model_id FROM path p JOIN run r ON r.id = p.run_id " \
    "  WHERE p.id = ?1) " \
    "WHERE s.path_id = ?1 AND t.pos "

#define FORWARD "ORDER BY s.pos_from, t.pos LIMIT ?3"
#define BACKWARD "ORDER BY s.pos_from DESC, t.pos DESC LIMIT ?3"

struct db_cur *db_tokens(struct db *d, int64_t path_id, struct db_window w)
{
    struct db_cur *c = cursor_open(d, w.reverse ? COLUMNS "<= ?2 " BACKWARD
                                                : COLUMNS ">= ?2 " FORWARD);

    cursor_bind(c, 1, path_id);
    cursor_bind(c, 2, w.from);
    cursor_bind(c, 3, w.limit > 0 ? w.limit : -1);
    return c;
}

int db_token_next(struct db_cur *c, struct db_token *out)
{
    int got = cursor_step(c);
    sqlite3_stmt *st = c->st;

    if (got != 1)
        return got;
    *out = (struct db_token){
        .id = sqlite3_column_int64(st, 0),
        .path_id = sqlite3_column_int64(st, 1),
        .source_id = sqlite3_column_int64(st, 2),
        .pos = sqlite3_column_int(st, 3),
        .token_id = sqlite3_column_int(st, 4),
        .logprob = cursor_real(st, 6),
        .entropy = cursor_real(st, 7),
        .mode = (int)cursor_int(st, 8, -1),
        .has_digest = sqlite3_column_type(st, 9) != SQLITE_NULL,
        .digest = (uint64_t)sqlite3_column_int64(st, 9),
        .alt = cursor_blob(st, 10),
        .layers = cursor_blob(st, 11),
        .heads = cursor_blob(st, 12),
        .step = (int)cursor_int(st, 13, -1),
    };
    out->text.p = cursor_text(st, 5);
    out->text.n = (size_t)sqlite3_column_bytes(st, 5);
    return 1;
}

struct db_cur *db_exits(struct db *d, int64_t path_id)
{
    struct db_cur *c = cursor_open(d,
        "SELECT x.pos, x.layer, x.measure, x.threshold FROM path_span s "
        "CROSS JOIN token_exit x ON x.path_id = s.source_id "
        "AND x.pos >= s.pos_from AND x.pos < s.pos_to "
        "WHERE s.path_id = ?1 ORDER BY s.pos_from, x.pos");

    cursor_bind(c, 1, path_id);
    return c;
}

int db_exit_next(struct db_cur *c, struct db_exit *out)
{
    int got = cursor_step(c);

    if (got == 1)
        *out = (struct db_exit){
            .pos = sqlite3_column_int(c->st, 0),
            .layer = sqlite3_column_int(c->st, 1),
            .measure = sqlite3_column_double(c->st, 2),
            .threshold = sqlite3_column_double(c->st, 3) };
    return got;
}

/* First column of the first row, or `none`. */
static int first_int(struct db_cur *c, int none)
{
    int v = cursor_step(c) == 1 ? sqlite3_column_int(c->st, 0) : none;

    db_cur_close(c);
    return v;
}

int db_path_len(struct db *d, int64_t path_id)
{
    struct db_cur *c = cursor_open(d, "SELECT t.pos + 1 " SPANS
        "WHERE s.path_id = ?1 ORDER BY s.pos_from DESC, t.pos DESC LIMIT 1");

    cursor_bind(c, 1, path_id);
    return first_int(c, 0);
}

/* The pieces that match are found first, once: there are thousands of those
 * and perhaps millions of tokens. */
#define SEARCH \
    "SELECT t.pos " SPANS "WHERE s.path_id = ?1 AND t.token_id IN " \
    "(SELECT token_id FROM piece WHERE model_id = " \
    " (SELECT r.model_id FROM path p JOIN run r ON r.id = p.run_id " \
    "  WHERE p.id = ?1) AND instr(lower(text), lower(?4))) AND t.pos "

int db_token_search(struct db *d, int64_t path_id, int from, int reverse,
                    const char *needle)
{
    struct db_cur *c = cursor_open(d, reverse ? SEARCH "<= ?2 " BACKWARD
                                              : SEARCH ">= ?2 " FORWARD);

    cursor_bind(c, 1, path_id);
    cursor_bind(c, 2, from);
    cursor_bind(c, 3, 1);
    cursor_bind_text(c, 4, needle);
    return first_int(c, -1);
}
