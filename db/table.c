#include "db/table.h"

#include <stdio.h>
#include <string.h>

#define PATHS_OF_RUN "path_id IN (SELECT id FROM path WHERE run_id = ?1)"
#define RUN_COLUMN "run_id = ?1"
#define PROBES_OF_RUN "probe_id IN (SELECT id FROM probe WHERE run_id = ?1)"

/* The address of a row that belongs to a path, or to a run. */
#define BY_PATH(table, pos) \
    "SELECT r.uid, p.ordinal, " pos " FROM " table " x " \
    "JOIN path p ON p.id = x.path_id JOIN run r ON r.id = p.run_id " \
    "WHERE x.id = ?1"
#define BY_RUN(table) \
    "SELECT r.uid, NULL, NULL FROM " table " x " \
    "JOIN run r ON r.id = x.run_id WHERE x.id = ?1"

#define BY_PROBE(table) \
    "SELECT r.uid, p.ordinal, b.pos FROM " table " x " \
    "JOIN probe b ON b.id = x.probe_id JOIN path p ON p.id = b.path_id " \
    "JOIN run r ON r.id = p.run_id WHERE x.id = ?1"

const struct table_info tables[TABLES] = {
    [TABLE_TEXT] = { "text", "id, sha256, body", 3, 2, NULL, 0, NULL },
    [TABLE_MODEL] = { "model",
        "id, sha256, name, path, arch, quant, bytes, n_layer, n_embd, n_head, "
        "n_head_kv, n_vocab, n_ctx_train", 13, 13, NULL, 0, NULL },
    [TABLE_MODEL_PART] = { "model_part",
        "id, model_id, ordinal, name, bytes, xxh3", 6, 6, NULL, 0, NULL },
    [TABLE_PIECE] = { "piece",
        "id, model_id, token_id, bytes, text", 5, 5, NULL, 0, NULL },
    [TABLE_RUN] = { "run",
        "id, uid, kind, model_id, prompt_id, system_id, chat, n_prompt, "
        "n_path, max_tok, seed, temperature, top_k, top_p, min_p, route, "
        "kv_type, isa, n_thread, n_ctx, level, program, params, started_us",
        24, 24, "id = ?1", 0,
        "SELECT uid, NULL, NULL FROM run WHERE id = ?1" },
    [TABLE_RUN_END] = { "run_end",
        "id, run_id, status, reason, n_token, n_lost, wall_ns, prefill_ns, "
        "ended_us", 9, 9, RUN_COLUMN, 0, BY_RUN("run_end") },
    [TABLE_PATH] = { "path",
        "id, run_id, ordinal, kind, parent_id, fork_pos, seed, params", 8, 8,
        RUN_COLUMN, 0,
        "SELECT r.uid, p.ordinal, NULL FROM path p "
        "JOIN run r ON r.id = p.run_id WHERE p.id = ?1" },
    [TABLE_PATH_SPAN] = { "path_span",
        "id, path_id, source_id, pos_from, pos_to", 5, 5, PATHS_OF_RUN, 0,
        BY_PATH("path_span", "x.pos_from") },
    [TABLE_PATH_END] = { "path_end",
        "id, path_id, stop, n_token, text_id, logprob_mean, ended_us", 7, 7,
        PATHS_OF_RUN, 0, BY_PATH("path_end", "NULL") },
    [TABLE_TOKEN] = { "token",
        "id, path_id, pos, token_id, logprob, entropy, mode, digest, alt, "
        "layers, heads", 11, 11, PATHS_OF_RUN, 1, BY_PATH("token", "x.pos") },
    [TABLE_STEP] = { "step",
        "id, path_id, ordinal, role, origin, tok_from, tok_to, char_from, "
        "char_to, logprob_mean, logprob_min, min_pos, segmenter", 13, 13,
        PATHS_OF_RUN, 0, BY_PATH("step", "x.tok_from") },
    [TABLE_ANSWER] = { "answer",
        "id, path_id, step_id, final, kind, text_id, norm_id", 7, 7,
        PATHS_OF_RUN, 0, BY_PATH("answer", "NULL") },
    [TABLE_EDGE] = { "edge",
        "id, run_id, kind, src_kind, src_id, dst_kind, dst_id, weight, "
        "measured, note_id", 10, 10, RUN_COLUMN, 0, BY_RUN("edge") },
    [TABLE_DIVERGENCE] = { "divergence",
        "id, run_id, path_a, path_b, pos, token_a, token_b", 7, 7,
        RUN_COLUMN, 1, BY_RUN("divergence") },
    [TABLE_LOSS] = { "loss",
        "id, run_id, from_seq, n_event, reason", 5, 5, RUN_COLUMN, 0,
        BY_RUN("loss") },
    [TABLE_TOMBSTONE] = { "tombstone",
        "id, run_id, uid, kind, n_row, at_us", 6, 6, NULL, 0, NULL },
    [TABLE_PROBE] = { "probe",
        "id, run_id, path_id, model_id, kind, pos, prefix, params, token_id, "
        "logprob, isa, program, wall_ns, at_us", 14, 14, RUN_COLUMN, 1,
        BY_PATH("probe", "x.pos") },
    [TABLE_LENS] = { "lens",
        "id, probe_id, layer, rank, logprob, entropy, kl", 7, 7,
        PROBES_OF_RUN, 1, BY_PROBE("lens") },
    [TABLE_LENS_TOP] = { "lens_top",
        "id, probe_id, layer, rank, token_id, logprob", 6, 6,
        PROBES_OF_RUN, 1, BY_PROBE("lens_top") },
    [TABLE_ATTRIBUTION] = { "attribution",
        "id, probe_id, part, layer, head, logit", 6, 6,
        PROBES_OF_RUN, 1, BY_PROBE("attribution") },
    [TABLE_ATTENTION] = { "attention",
        "id, probe_id, layer, head, rank, key_pos, weight, entropy", 8, 8,
        PROBES_OF_RUN, 1, BY_PROBE("attention") },
    [TABLE_ACTIVATION] = { "activation",
        "id, probe_id, layer, norm, update_norm, cosine", 6, 6,
        PROBES_OF_RUN, 1, BY_PROBE("activation") },
    [TABLE_NEURON] = { "neuron",
        "id, probe_id, layer, rank, neuron, value", 6, 6,
        PROBES_OF_RUN, 1, BY_PROBE("neuron") },
    [TABLE_EFFECT] = { "effect",
        "id, probe_id, how, measured, layer, head, span_from, span_to, "
        "logprob, kl, top_id", 11, 11, PROBES_OF_RUN, 1,
        BY_PROBE("effect") },
    [TABLE_TRIAL] = { "trial",
        "id, probe_id, test, step_id, step, n, n_same, low, high, logprob",
        10, 10, PROBES_OF_RUN, 1, BY_PROBE("trial") },
    [TABLE_ATTENTION_ROW] = { "attention_row",
        "id, probe_id, layer, head, entropy, weights", 6, 6,
        PROBES_OF_RUN, 1, BY_PROBE("attention_row") },
    [TABLE_BATCHING] = { "batching",
        "id, run_id, n_seat, n_row, n_step, seats, n_fed, steps, joined", 9,
        9, RUN_COLUMN, 0, BY_RUN("batching") },
    [TABLE_DRAFT] = { "draft",
        "id, path_id, source, n_pass, n_draft, n_kept, passes", 7, 7,
        PATHS_OF_RUN, 0, BY_PATH("draft", "NULL") },
    [TABLE_TOKEN_EXIT] = { "token_exit",
        "id, path_id, pos, layer, measure, threshold", 6, 6, PATHS_OF_RUN, 0,
        BY_PATH("token_exit", "x.pos") },
    [TABLE_ROUTE] = { "route",
        "id, path_id, pos, mode, reason, score, low, high, entropy, trend, "
        "novelty, structure, escalated", 13, 13, PATHS_OF_RUN, 0,
        BY_PATH("route", "x.pos") },
    [TABLE_WORK_UNIT] = { "work_unit",
        "id, run_id, block_macs, compare_macs, block_bytes, compare_bytes, "
        "layer_macs, head_macs, weight_bytes", 9, 9, RUN_COLUMN, 0,
        BY_RUN("work_unit") },
    [TABLE_WORK] = { "work",
        "id, path_id, phase, n_row, n_again, layer_rows, layer_again, n_head, "
        "n_pass, pass_again, blocks_read, compared, blocks_full", 13, 13,
        PATHS_OF_RUN, 0, BY_PATH("work", "NULL") },
    [TABLE_AUDIT] = { "audit",
        "id, run_id, rate, n_routed, n_audited, exact, isa, program, wall_ns, "
        "at_us", 10, 10, RUN_COLUMN, 0, BY_RUN("audit") },
    [TABLE_ROUTE_PRICE] = { "route_price",
        "id, audit_id, path_id, pos, mode, n_layer, kl_local, kl_total, rank, "
        "rank_local, rank_total, logprob, logprob_local, logprob_total, "
        "same_local, same_total, blocks_read, compared, blocks_full", 19, 19,
        PATHS_OF_RUN, 0, BY_PATH("route_price", "x.pos") },
    [TABLE_REVIEW] = { "review",
        "id, run_id, same, domain, pack_version, adapter, party, "
        "strict, rules_only, n_path, note_id",
        11, 11, RUN_COLUMN, 0,
        BY_RUN("review") },
    [TABLE_DOCUMENT] = { "document",
        "id, run_id, name_id, format, encoding, sha256, n_byte, n_char, "
        "n_page, text_id",
        10, 10, RUN_COLUMN, 0,
        BY_RUN("document") },
    [TABLE_CLAUSE] = { "clause",
        "id, run_id, ordinal, kind, parent, depth, number, full_number, "
        "unit, heading_id, char_from, char_to, own_to, text_from, "
        "text_to, page",
        16, 16, RUN_COLUMN, 0,
        BY_RUN("clause") },
    [TABLE_CLAUSE_TYPE] = { "clause_type",
        "id, run_id, clause_id, label, score",
        5, 5, RUN_COLUMN, 0,
        BY_RUN("clause_type") },
    [TABLE_PASSAGE] = { "passage",
        "id, run_id, ordinal, clause_id, char_from, char_to",
        6, 6, RUN_COLUMN, 0,
        BY_RUN("passage") },
    [TABLE_TERM] = { "term",
        "id, run_id, ordinal, name_id, clause_id, char_from, char_to, "
        "meaning_from, meaning_to, n_def, n_use",
        11, 11, RUN_COLUMN, 0,
        BY_RUN("term") },
    [TABLE_PARTY] = { "party",
        "id, run_id, name_id, role_id, char_from, char_to",
        6, 6, RUN_COLUMN, 0,
        BY_RUN("party") },
    [TABLE_NORM] = { "norm",
        "id, run_id, clause_id, kind, bearer_id, modal_id, char_from, "
        "char_to, act_from, act_to, deadline_from, deadline_to, "
        "amount_from, amount_to",
        14, 14, RUN_COLUMN, 0,
        BY_RUN("norm") },
    [TABLE_VALUE] = { "value",
        "id, run_id, clause_id, kind, norm_id, char_from, char_to",
        7, 7, RUN_COLUMN, 0,
        BY_RUN("value") },
    [TABLE_LOGIC] = { "logic",
        "id, run_id, kind, src_kind, src_id, dst_kind, dst_id, "
        "char_from, char_to, score, measured, rule",
        12, 12, RUN_COLUMN, 0,
        BY_RUN("logic") },
    [TABLE_DEFECT] = { "defect",
        "id, run_id, ordinal, kind, note_id, char_from, char_to, "
        "related_from, related_to, n_searched",
        10, 10, RUN_COLUMN, 0,
        BY_RUN("defect") },
    [TABLE_CLAIM] = { "claim",
        "id, run_id, ordinal, name, kind, title_id, text_id, type, "
        "custom, n_given, n_wrong, wrong_low, wrong_high, "
        "n_contradicted, n_contradicted_wrong, measured_on",
        16, 16, RUN_COLUMN, 0,
        BY_RUN("claim") },
    [TABLE_READING] = { "reading",
        "id, run_id, context_id, text_id, statement_id, "
        "logit_unrelated, logit_supports, logit_contradicts, digest, "
        "n_tok",
        10, 10, RUN_COLUMN, 0,
        BY_RUN("reading") },
    [TABLE_TYPE_READING] = { "type_reading",
        "id, run_id, context_id, text_id, logp",
        5, 5, RUN_COLUMN, 0,
        BY_RUN("type_reading") },
    [TABLE_CLAIM_PATH] = { "claim_path",
        "id, run_id, claim_id, path_id, variant, counts, statement_id, "
        "verdict, supported, contradicted, not_addressed",
        11, 11, RUN_COLUMN, 0,
        BY_PATH("claim_path", "NULL") },
    [TABLE_CLAIM_READING] = { "claim_reading",
        "id, run_id, path_id, reading_id, passage_id, unrelated, "
        "supports, contradicts, decisive",
        9, 9, RUN_COLUMN, 0,
        BY_PATH("claim_reading", "NULL") },
    [TABLE_VERDICT] = { "verdict",
        "id, run_id, claim_id, verdict, confidence, supported, "
        "contradicted, not_addressed, stability, n_count, "
        "error_correlation, path_a, path_b, flip_id, stance, "
        "position_id, suggest_id",
        17, 17, RUN_COLUMN, 0,
        BY_RUN("verdict") },
    [TABLE_EVIDENCE] = { "evidence",
        "id, run_id, claim_id, rank, clause_id, char_from, char_to, "
        "relation, score, status, page",
        11, 11, RUN_COLUMN, 0,
        BY_RUN("evidence") },
    [TABLE_CHECK] = { "check",
        "id, run_id, claim_id, ordinal, kind, passed, input_id, "
        "supported, contradicted, not_addressed, note_id, clause_id",
        12, 12, RUN_COLUMN, 0,
        BY_RUN("\"check\"") },
    [TABLE_FINDING] = { "finding",
        "id, run_id, ordinal, source, claim_id, defect_id, severity, "
        "origin, text_id, clause_id, char_from, char_to, confidence",
        13, 13, RUN_COLUMN, 0,
        BY_RUN("finding") },
    [TABLE_DECISION] = { "decision",
        "id, run_id, finding_id, choice, verdict, name_id, reason_id, "
        "at_us",
        8, 8, RUN_COLUMN, 0,
        BY_RUN("decision") },
    [TABLE_EVAL] = { "eval",
        "id, at_us, data, measure, value, low, high, n, model, pack, "
        "program",
        11, 11, NULL, 0,
        NULL },
};

enum table table_find(const char *name)
{
    int t = 0;

    while (t < TABLES && strcmp(tables[t].name, name) != 0)
        t++;
    return (enum table)t;
}

enum sor_err table_hash_open(struct table_hash *h, struct sor_msg *msg)
{
    h->n = 0;
    h->sha = sha256_open();
    return h->sha ? SOR_OK : sor_fail(msg, SOR_NOMEM, "out of memory");
}

void table_hash_close(struct table_hash *h)
{
    sha256_close(h->sha);
    h->sha = NULL;
}

static void flush(struct table_hash *h)
{
    if (h->n)
        sha256_update(h->sha, h->buf, h->n);
    h->n = 0;
}

static void put(struct table_hash *h, const void *p, size_t n)
{
    if (n > sizeof h->buf - h->n)
        flush(h);
    if (n > sizeof h->buf) {
        sha256_update(h->sha, p, n);
        return;
    }
    memcpy(h->buf + h->n, p, n);
    h->n += n;
}

static void put_tagged(struct table_hash *h, char tag, uint64_t v, size_t n)
{
    uint8_t b[9] = { (uint8_t)tag };

    for (size_t i = 0; i < n; i++)
        b[1 + i] = (uint8_t)(v >> (8 * i));
    put(h, b, 1 + n);
}

void table_hash_null(struct table_hash *h)
{
    put_tagged(h, 'n', 0, 0);
}

void table_hash_int(struct table_hash *h, int64_t v)
{
    put_tagged(h, 'i', (uint64_t)v, 8);
}

void table_hash_real(struct table_hash *h, double v)
{
    double zero_signed = v + 0.0;       /* -0 + 0 is 0: SQLite keeps no -0 */
    uint64_t bits;

    memcpy(&bits, &zero_signed, sizeof bits);
    put_tagged(h, 'r', bits, 8);
}

void table_hash_bytes(struct table_hash *h, char tag, const void *p, size_t n)
{
    put_tagged(h, tag, n, 4);
    if (n)
        put(h, p, n);
}

static void hash_value(struct table_hash *h, sqlite3_stmt *st, int i)
{
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER:
        table_hash_int(h, sqlite3_column_int64(st, i));
        break;
    case SQLITE_FLOAT:
        table_hash_real(h, sqlite3_column_double(st, i));
        break;
    case SQLITE_TEXT:
        table_hash_bytes(h, 't', sqlite3_column_text(st, i),
                         (size_t)sqlite3_column_bytes(st, i));
        break;
    case SQLITE_BLOB:
        table_hash_bytes(h, 'b', sqlite3_column_blob(st, i),
                         (size_t)sqlite3_column_bytes(st, i));
        break;
    default:
        table_hash_null(h);
    }
}

void table_hash_row(struct table_hash *h, sqlite3_stmt *st, int n)
{
    for (int i = 0; i < n; i++)
        hash_value(h, st, i);
}

void table_hash_final(struct table_hash *h, uint8_t out[SHA256_BYTES])
{
    flush(h);
    sha256_final(h->sha, out);
}

enum sor_err table_select(struct db *d, enum table t, sqlite3_stmt **out,
                          struct sor_msg *msg)
{
    char sql[512];

    snprintf(sql, sizeof sql, "SELECT %s FROM \"%s\" WHERE id BETWEEN ? AND ? "
             "ORDER BY id", tables[t].columns, tables[t].name);
    return conn_prepare(d, sql, out, msg);
}

int table_digest(sqlite3_stmt *select, struct table_hash *h,
                 struct table_range *range)
{
    sqlite3_bind_int64(select, 1, range->first_id);
    sqlite3_bind_int64(select, 2, range->last_id);
    range->n_row = 0;
    for (; sqlite3_step(select) == SQLITE_ROW; range->n_row++)
        table_hash_row(h, select, tables[range->t].n_hashed);
    table_hash_final(h, range->digest);
    return sqlite3_reset(select);
}
