/* Rows of everything but tokens (db/token.c) and steps (db/step.c), through
 * the views. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "db/cursor.h"

static int to_int(sqlite3_stmt *st, int i)
{
    return sqlite3_column_int(st, i);
}

/* --- models -------------------------------------------------------------- */

#define MODEL_COLUMNS \
    "id, sha256, name, path, arch, quant, bytes, n_layer, n_embd, n_head, " \
    "n_head_kv, n_vocab, n_ctx_train"

static void read_model(sqlite3_stmt *st, struct db_model *out)
{
    struct db_blob sum = cursor_blob(st, 1);

    *out = (struct db_model){
        .id = sqlite3_column_int64(st, 0),
        .name = cursor_text(st, 2), .path = cursor_text(st, 3),
        .arch = cursor_text(st, 4), .quant = cursor_text(st, 5),
        .bytes = sqlite3_column_int64(st, 6),
        .n_layer = to_int(st, 7), .n_embd = to_int(st, 8),
        .n_head = to_int(st, 9), .n_head_kv = to_int(st, 10),
        .n_vocab = to_int(st, 11), .n_ctx_train = to_int(st, 12),
    };
    if (sum.n == sizeof out->sha256)
        memcpy(out->sha256, sum.p, sizeof out->sha256);
}

struct db_cur *db_model_parts(struct db *d, int64_t model_id)
{
    return cursor_of(d, "SELECT ordinal, name, bytes, xxh3 "
        "FROM model_part WHERE model_id = ? ORDER BY ordinal", model_id);
}

int db_model_part_next(struct db_cur *c, struct db_model_part *out)
{
    int got = cursor_step(c);

    if (got == 1)
        *out = (struct db_model_part){
            .ordinal = to_int(c->st, 0), .name = cursor_text(c->st, 1),
            .bytes = sqlite3_column_int64(c->st, 2),
            .xxh3 = (uint64_t)sqlite3_column_int64(c->st, 3),
        };
    return got;
}

/* --- runs ---------------------------------------------------------------- */

#define RUN_COLUMNS \
    "id, uid, kind, model_id, prompt, system, chat, route, kv_type, isa, " \
    "level, program, params, n_prompt, n_path, max_tok, top_k, n_thread, " \
    "n_ctx, seed, started_us, temperature, top_p, min_p, status, reason, " \
    "n_token, n_lost, wall_ns, prefill_ns, ended_us, answer, votes, " \
    "n_voted, n_path_done"

static void read_run(sqlite3_stmt *st, struct db_run *out)
{
    *out = (struct db_run){
        .id = sqlite3_column_int64(st, 0),
        .uid = cursor_text(st, 1), .kind = cursor_text(st, 2),
        .model_id = cursor_int(st, 3, 0),
        .prompt = cursor_text(st, 4), .system = cursor_text(st, 5),
        .chat = cursor_text(st, 6), .route = cursor_text(st, 7),
        .kv_type = cursor_text(st, 8), .isa = cursor_text(st, 9),
        .level = cursor_text(st, 10), .program = cursor_text(st, 11),
        .params = cursor_text(st, 12),
        .n_prompt = to_int(st, 13), .n_path = to_int(st, 14),
        .max_tok = to_int(st, 15), .top_k = to_int(st, 16),
        .n_thread = to_int(st, 17), .n_ctx = to_int(st, 18),
        .seed = sqlite3_column_int64(st, 19),
        .started_us = sqlite3_column_int64(st, 20),
        .temperature = sqlite3_column_double(st, 21),
        .top_p = sqlite3_column_double(st, 22),
        .min_p = sqlite3_column_double(st, 23),
        .status = cursor_text(st, 24), .reason = cursor_text(st, 25),
        .n_token = cursor_int(st, 26, 0), .n_lost = cursor_int(st, 27, 0),
        .wall_ns = cursor_int(st, 28, 0), .prefill_ns = cursor_int(st, 29, 0),
        .ended_us = cursor_int(st, 30, 0),
        .answer = cursor_text(st, 31), .votes = to_int(st, 32),
        .n_voted = to_int(st, 33), .n_path_done = to_int(st, 34),
    };
}

/* id breaks ties, so that `skip` never shows a row twice. */
static const char *const run_order[DB_RUN_SORTS] = {
    [DB_RUN_STARTED] = "started_us",
    [DB_RUN_UID] = "uid",
    [DB_RUN_PROMPT] = "prompt",
    [DB_RUN_ANSWER] = "answer",
    [DB_RUN_TOKENS] = "n_token",
};

struct db_cur *db_runs(struct db *d, const struct db_run_query *q)
{
    const char *direction = q->ascending ? "ASC" : "DESC";
    enum db_run_sort sort = (unsigned)q->sort < DB_RUN_SORTS
                                ? q->sort : DB_RUN_STARTED;
    char sql[sizeof RUN_COLUMNS + 256];
    struct db_cur *c;

    snprintf(sql, sizeof sql, "SELECT " RUN_COLUMNS " FROM v_run%s "
             "ORDER BY %s %s, id %s LIMIT ?1 OFFSET ?2",
             q->like ? " WHERE instr(uid, lower(?3)) OR "
                       "instr(lower(prompt), lower(?3))" : "",
             run_order[sort], direction, direction);
    c = cursor_open(d, sql);
    cursor_bind(c, 1, q->limit > 0 ? q->limit : -1);
    cursor_bind(c, 2, q->skip);
    if (q->like)
        cursor_bind_text(c, 3, q->like);
    return c;
}

int db_run_next(struct db_cur *c, struct db_run *out)
{
    int got = cursor_step(c);

    if (got == 1)
        read_run(c->st, out);
    return got;
}

/* --- paths --------------------------------------------------------------- */

#define PATH_COLUMNS \
    "id, run_id, ordinal, kind, params, parent_id, fork_pos, seed, stop, " \
    "n_token, text, logprob_mean, answer, answer_norm, answer_kind, n_step"

static void read_path(sqlite3_stmt *st, struct db_path *out)
{
    *out = (struct db_path){
        .id = sqlite3_column_int64(st, 0),
        .run_id = sqlite3_column_int64(st, 1),
        .ordinal = to_int(st, 2),
        .kind = cursor_text(st, 3), .params = cursor_text(st, 4),
        .parent_id = cursor_int(st, 5, 0),
        .fork_pos = to_int(st, 6),
        .seed = sqlite3_column_int64(st, 7),
        .stop = cursor_text(st, 8),
        .n_token = to_int(st, 9),
        .text = cursor_text(st, 10),
        .logprob_mean = cursor_real(st, 11),
        .answer = cursor_text(st, 12),
        .answer_norm = cursor_text(st, 13),
        .answer_kind = cursor_text(st, 14),
        .n_step = to_int(st, 15),
    };
}

struct db_cur *db_paths(struct db *d, int64_t run_id)
{
    return cursor_of(d, "SELECT " PATH_COLUMNS " FROM v_path "
        "WHERE run_id = ? ORDER BY ordinal", run_id);
}

int db_path_next(struct db_cur *c, struct db_path *out)
{
    int got = cursor_step(c);

    if (got == 1)
        read_path(c->st, out);
    return got;
}

/* --- edges, votes, divergences, losses ----------------------------------- */

struct db_cur *db_edges(struct db *d, int64_t run_id)
{
    return cursor_of(d, "SELECT id, run_id, kind, src_kind, "
        "dst_kind, measured, note, src_id, dst_id, weight FROM v_edge "
        "WHERE run_id = ? ORDER BY id", run_id);
}

int db_edge_next(struct db_cur *c, struct db_edge *out)
{
    int got = cursor_step(c);
    sqlite3_stmt *st = c->st;

    if (got == 1)
        *out = (struct db_edge){
            .id = sqlite3_column_int64(st, 0),
            .run_id = sqlite3_column_int64(st, 1),
            .kind = cursor_text(st, 2), .src_kind = cursor_text(st, 3),
            .dst_kind = cursor_text(st, 4), .measured = cursor_text(st, 5),
            .note = cursor_text(st, 6),
            .src_id = sqlite3_column_int64(st, 7),
            .dst_id = sqlite3_column_int64(st, 8),
            .weight = sqlite3_column_double(st, 9),
        };
    return got;
}

struct db_cur *db_votes(struct db *d, int64_t run_id)
{
    return cursor_of(d, "SELECT run_id, answer, kind, votes, "
        "share, logprob_mean, paths FROM v_vote WHERE run_id = ? ORDER BY rank",
        run_id);
}

int db_vote_next(struct db_cur *c, struct db_vote *out)
{
    int got = cursor_step(c);
    sqlite3_stmt *st = c->st;

    if (got == 1)
        *out = (struct db_vote){
            .run_id = sqlite3_column_int64(st, 0),
            .answer = cursor_text(st, 1), .kind = cursor_text(st, 2),
            .votes = to_int(st, 3),
            .share = sqlite3_column_double(st, 4),
            .logprob_mean = cursor_real(st, 5),
            .paths = cursor_text(st, 6),
        };
    return got;
}

struct db_cur *db_divergences(struct db *d, int64_t run_id)
{
    return cursor_of(d, "SELECT run_id, path_a, path_b, pos, "
        "token_a, token_b, text_a, text_b FROM v_divergence "
        "WHERE run_id = ? ORDER BY path_a, path_b", run_id);
}

int db_divergence_next(struct db_cur *c, struct db_divergence *out)
{
    int got = cursor_step(c);
    sqlite3_stmt *st = c->st;

    if (got == 1)
        *out = (struct db_divergence){
            .run_id = sqlite3_column_int64(st, 0),
            .path_a = to_int(st, 1), .path_b = to_int(st, 2),
            .pos = (int)cursor_int(st, 3, -1),
            .token_a = (int32_t)cursor_int(st, 4, -1),
            .token_b = (int32_t)cursor_int(st, 5, -1),
            .text_a = cursor_text(st, 6), .text_b = cursor_text(st, 7),
        };
    return got;
}

struct db_cur *db_routes(struct db *d, int64_t path_id)
{
    return cursor_of(d, "SELECT pos, mode, reason, score, low, "
        "high, entropy, trend, novelty, structure, escalated "
        "FROM v_route_block WHERE path_id = ? ORDER BY pos", path_id);
}

int db_route_next(struct db_cur *c, struct db_route *out)
{
    int got = cursor_step(c);

    if (got == 1) {
        *out = (struct db_route){
            .pos = sqlite3_column_int(c->st, 0), .mode = cursor_text(c->st, 1),
            .reason = cursor_text(c->st, 2), .score = cursor_real(c->st, 3),
            .low = cursor_real(c->st, 4), .high = cursor_real(c->st, 5) };
        for (int i = 0; i < DB_ROUTE_PARTS; i++)
            out->part[i] = cursor_real(c->st, 6 + i);
    }
    return got;
}

struct db_cur *db_losses(struct db *d, int64_t run_id)
{
    return cursor_of(d, "SELECT run_id, from_seq, n_event, "
        "reason FROM v_loss WHERE run_id = ? ORDER BY from_seq", run_id);
}

int db_loss_next(struct db_cur *c, struct db_loss *out)
{
    int got = cursor_step(c);

    if (got == 1)
        *out = (struct db_loss){
            .run_id = sqlite3_column_int64(c->st, 0),
            .from_seq = sqlite3_column_int64(c->st, 1),
            .n_event = sqlite3_column_int64(c->st, 2),
            .reason = cursor_text(c->st, 3),
        };
    return got;
}

/* --- one row by id ------------------------------------------------------- */

static const char *const get_sql[CONN_GETS] = {
    [CONN_GET_MODEL] = "SELECT " MODEL_COLUMNS " FROM model WHERE id = ?",
    [CONN_GET_RUN] = "SELECT " RUN_COLUMNS " FROM v_run WHERE id = ?",
    [CONN_GET_PATH] = "SELECT " PATH_COLUMNS " FROM v_path WHERE id = ?",
};

/* The statement on its row, or NULL with *got 0 or -1.  Strings of the row
 * live until the next call, so the statement is reset there. */
void db_rest(struct db *d)
{
    for (int i = 0; i < CONN_GETS; i++)
        sqlite3_reset(d->get[i]);
}

static sqlite3_stmt *get(struct db *d, enum conn_get what, int64_t id,
                         int *got)
{
    sqlite3_stmt **st = &d->get[what];

    *got = -1;
    if (!*st && conn_prepare(d, get_sql[what], st, NULL) != SOR_OK)
        return NULL;
    sqlite3_reset(*st);
    sqlite3_bind_int64(*st, 1, id);

    int rc = sqlite3_step(*st);
    *got = rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
    return rc == SQLITE_ROW ? *st : NULL;
}

int db_get_model(struct db *d, int64_t id, struct db_model *out)
{
    int got;
    sqlite3_stmt *st = get(d, CONN_GET_MODEL, id, &got);

    if (st)
        read_model(st, out);
    return got;
}

int db_get_run(struct db *d, int64_t id, struct db_run *out)
{
    int got;
    sqlite3_stmt *st = get(d, CONN_GET_RUN, id, &got);

    if (st)
        read_run(st, out);
    return got;
}

int db_get_path(struct db *d, int64_t id, struct db_path *out)
{
    int got;
    sqlite3_stmt *st = get(d, CONN_GET_PATH, id, &got);

    if (st)
        read_path(st, out);
    return got;
}
