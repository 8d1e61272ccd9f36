/* db/tvf_token.c - heads() and topk(): the packed columns of a token.
 *
 * Where a path has the token and no heads were recorded of it, heads() has one
 * row with NULL in every column but `compute`, as lens_at() has. */
#include <math.h>

#include "db/pack.h"
#include "db/tvf.h"

enum { BLOB, POS, MODEL };              /* columns of the statements below */
enum { LAST_POS = 2147483647, TOP_MAX = 255, COMPUTE = 6 /* of heads() */ };

#define OF_PATH(blob)                                                      \
    "SELECT t." blob ", t.pos, r.model_id, t.token_id FROM path_span s "   \
    "CROSS JOIN token t ON t.path_id = s.source_id AND "                   \
    "t.pos >= s.pos_from AND t.pos < s.pos_to "                            \
    "JOIN path p ON p.id = s.path_id JOIN run r ON r.id = p.run_id "       \
    "WHERE s.path_id = ?1 AND t.pos BETWEEN ?2 AND ?3 "                    \
    "AND t." blob " IS NOT NULL ORDER BY s.pos_from, t.pos"

/* c->st[i] with (path, pos) bound; a pos that is not given stands for all. */
static int begin(struct tvf_cursor *c, int i, const char *sql)
{
    int one = tvf_given(c, 1), rc;
    sqlite3_int64 id, pos = one ? sqlite3_value_int64(c->arg[1]) : 0;

    if (c->arg[1] && !one)
        return SQLITE_DONE;             /* NULL: no such position */
    if ((rc = tvf_path(c, 0, &id)) || (rc = tvf_prepare(c, i, sql)))
        return rc;
    sqlite3_bind_int64(c->st[i], 1, id);
    sqlite3_bind_int64(c->st[i], 2, pos);
    sqlite3_bind_int64(c->st[i], 3, one ? pos : LAST_POS);
    return SQLITE_OK;
}

/* --- heads(path, pos) ---------------------------------------------------- */

struct heads {
    struct tvf_cursor c;
    const unsigned char *blob;          /* of the statement's row; or NULL */
    size_t n;
    int layer, head, rank, n_top;
    int any, missing;                   /* rows so far; the row is the hint */
    float entropy, weight[TOP_MAX];
    int32_t key[TOP_MAX];
};

static int heads_filter(struct tvf_cursor *c)
{
    struct heads *h = (struct heads *)c;
    int rc = begin(c, 0, OF_PATH("heads"));

    h->blob = NULL;
    h->any = h->missing = 0;
    return rc ? rc : begin(c, 1, "SELECT substr(r.uid, 1, 8), p.ordinal "
        "FROM path p JOIN run r ON r.id = p.run_id "
        "JOIN path_span s ON s.path_id = p.id CROSS JOIN token t "
        "ON t.path_id = s.source_id AND t.pos >= s.pos_from "
        "AND t.pos < s.pos_to "
        "WHERE p.id = ?1 AND t.pos BETWEEN ?2 AND ?3 LIMIT 1");
}

/* The next head of the blob: 0, or -1 where it was the last. */
static int next_head(struct heads *h)
{
    for (h->head++;; h->head = 0, h->layer++) {
        if (unpack_head(h->blob, h->n, h->layer, h->head, &h->entropy, h->key,
                        h->weight, &h->n_top) == 0)
            return 0;
        if (h->head == 0)
            return -1;                  /* no such layer */
    }
}

static int heads_next(struct tvf_cursor *c)
{
    struct heads *h = (struct heads *)c;

    if (h->missing)
        return SQLITE_DONE;
    h->rank++;
    while (!h->blob || h->rank >= h->n_top) {
        h->rank = 0;
        if (h->blob && next_head(h) == 0)
            continue;
        int rc = sqlite3_step(c->st[0]);
        if (rc == SQLITE_DONE && !h->any) {
            h->missing = 1;
            rc = sqlite3_step(c->st[1]);    /* no such token: no row either */
            if (rc == SQLITE_ROW)
                return rc;
        }
        if (rc != SQLITE_ROW)
            return rc == SQLITE_DONE ? rc : tvf_error(c, rc);
        h->any = 1;
        h->blob = sqlite3_column_blob(c->st[0], BLOB);
        h->n = (size_t)sqlite3_column_bytes(c->st[0], BLOB);
        h->layer = h->n_top = 0;
        h->head = -1;
    }
    return SQLITE_ROW;
}

/* The command that computes what was not recorded. */
static void result_hint(const struct tvf_cursor *c, sqlite3_context *to)
{
    const char *uid = (const char *)sqlite3_column_text(c->st[1], 0);
    int path = sqlite3_column_int(c->st[1], 1);
    char *text = tvf_given(c, 1)
        ? sqlite3_mprintf("sorites attention %s:%d@%lld  # then v_attention",
                          uid, path, sqlite3_value_int64(c->arg[1]))
        : sqlite3_mprintf("sorites attention %s:%d@POS  # then v_attention",
                          uid, path);

    if (text)
        sqlite3_result_text(to, text, -1, sqlite3_free);
    else
        sqlite3_result_error_nomem(to);
}

static void heads_column(struct tvf_cursor *c, sqlite3_context *to, int i)
{
    const struct heads *h = (const struct heads *)c;

    if (h->missing) {
        if (i == COMPUTE)
            result_hint(c, to);
        return;
    }
    switch (i) {
    case 0: sqlite3_result_int(to, h->layer); break;
    case 1: sqlite3_result_int(to, h->head); break;
    case 2: sqlite3_result_double(to, (double)h->entropy); break;
    case 3: sqlite3_result_int(to, h->rank + 1); break;
    case 4: sqlite3_result_int(to, h->key[h->rank]); break;
    case 5:                             /* to the last bit as v_head has it */
        sqlite3_result_double(to, (double)lroundf(h->weight[h->rank] *
                                                  65535.0f) / 65535.0);
        break;
    case COMPUTE: break;
    default: sqlite3_result_int64(to, sqlite3_column_int64(c->st[0], POS));
    }
}

const struct tvf tvf_heads = {
    .name = "heads", .args = "path, pos",
    .columns = "layer, head, entropy, rank, key_pos, weight, compute",
    .n_column = 7, .n_arg = 2, .n_need = 1, .n_row = 1000,
    .cursor_bytes = sizeof(struct heads),
    .filter = heads_filter, .next = heads_next, .column = heads_column
};

/* --- topk(path, pos, k) -------------------------------------------------- */

struct topk {
    struct tvf_cursor c;
    const unsigned char *blob;
    size_t n;
    int rank, k;
    int32_t token_id;
    float logprob;
};

static int topk_filter(struct tvf_cursor *c)
{
    struct topk *t = (struct topk *)c;
    int rc = begin(c, 0, OF_PATH("alt"));

    t->blob = NULL;
    t->k = tvf_given(c, 2) ? sqlite3_value_int(c->arg[2]) : LAST_POS;
    return rc ? rc
              : tvf_prepare(c, 1, "SELECT text FROM piece WHERE model_id = ?1 "
                                  "AND token_id = ?2");
}

static int topk_next(struct tvf_cursor *c)
{
    struct topk *t = (struct topk *)c;

    while (!t->blob || t->rank >= t->k ||
           !unpack_alt(t->blob, t->n, t->rank, &t->token_id, &t->logprob)) {
        int rc = sqlite3_step(c->st[0]);
        if (rc != SQLITE_ROW)
            return rc == SQLITE_DONE ? rc : tvf_error(c, rc);
        t->blob = sqlite3_column_blob(c->st[0], BLOB);
        t->n = (size_t)sqlite3_column_bytes(c->st[0], BLOB);
        t->rank = 0;
    }
    t->rank++;
    return SQLITE_ROW;
}

/* The token's text; NULL where the trace has none. */
static void result_piece(struct topk *t, sqlite3_context *to)
{
    sqlite3_stmt *st = t->c.st[1];

    sqlite3_reset(st);
    sqlite3_bind_value(st, 1, sqlite3_column_value(t->c.st[0], MODEL));
    sqlite3_bind_int(st, 2, t->token_id);
    if (sqlite3_step(st) == SQLITE_ROW)
        sqlite3_result_value(to, sqlite3_column_value(st, 0));
}

static void topk_column(struct tvf_cursor *c, sqlite3_context *to, int i)
{
    struct topk *t = (struct topk *)c;

    switch (i) {
    case 0: sqlite3_result_int(to, t->rank); break;
    case 1: sqlite3_result_int(to, t->token_id); break;
    case 2: result_piece(t, to); break;
    case 3: sqlite3_result_double(to, (double)t->logprob); break;
    case 4: sqlite3_result_int(to, sqlite3_column_int(c->st[0], 3) ==
                                   t->token_id); break;
    case 6: sqlite3_result_int64(to, sqlite3_column_int64(c->st[0], POS));
    default: break;
    }
}

const struct tvf tvf_topk = {
    .name = "topk", .args = "path, pos, k",
    .columns = "rank, token_id, text, logprob, chosen",
    .n_column = 5, .n_arg = 3, .n_need = 1, .n_row = 10,
    .cursor_bytes = sizeof(struct topk),
    .filter = topk_filter, .next = topk_next, .column = topk_column
};
