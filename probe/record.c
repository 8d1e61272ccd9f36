#include "probe/record.h"

#include <math.h>

#include "base/mem.h"

void record_init(struct record *r)
{
    *r = (struct record){ .n = 0 };
    str_init(&r->blob);
}

void record_release(struct record *r)
{
    mem_free(r->row);
    str_release(&r->blob);
    record_init(r);
}

static int grow(struct record *r)
{
    int cap = r->cap ? 2 * r->cap : 256;
    struct record_row *row;

    if (r->n < r->cap)
        return 0;
    row = mem_realloc(r->row, (size_t)cap, sizeof *row);
    if (!row)
        return -1;
    r->row = row;
    r->cap = cap;
    return 0;
}

static int put(struct record *r, const struct db_token *t)
{
    if (grow(r) != 0)
        return -1;
    r->row[r->n++] = (struct record_row){
        .id = t->token_id, .pos = t->pos, .mode = t->mode,
        .drawn = !isnan(t->logprob),
        .has_digest = t->has_digest,
        .logprob = (float)t->logprob, .entropy = (float)t->entropy,
        .digest = t->digest, .layers_at = r->blob.len,
        .layers_n = t->layers.p ? t->layers.n : 0 };
    if (t->layers.p)
        str_put(&r->blob, t->layers.p, t->layers.n);
    return str_ok(&r->blob) ? 0 : -1;
}

/* Where rows left the network early. */
static enum sor_err load_exits(struct db *d, int64_t path_id,
                               struct record *r, struct sor_msg *msg)
{
    struct db_cur *c = db_exits(d, path_id);
    struct db_exit x;
    enum sor_err damaged;

    while (db_exit_next(c, &x) > 0)
        if (x.pos >= r->from && x.pos - r->from < r->n && x.layer >= 0 &&
            x.layer < UINT16_MAX)
            r->row[x.pos - r->from].depth = x.layer + 1;
    damaged = db_cur_close(c);
    return damaged ? sor_fail(msg, damaged, "the exits of path %lld cannot be "
                              "read", (long long)path_id) : SOR_OK;
}

enum sor_err record_load(struct db *d, int64_t path_id, int from,
                         struct record *r, struct sor_msg *msg)
{
    struct db_window w = { .from = from };
    struct db_cur *c = db_tokens(d, path_id, w);
    struct db_token t;
    enum sor_err err = SOR_OK, damaged;

    r->n = r->gap = 0;
    r->from = from;
    str_clear(&r->blob);
    while (!err && db_token_next(c, &t) > 0) {
        if (t.pos != from + r->n) {
            r->gap = 1;
            break;
        }
        if (put(r, &t) != 0)
            err = sor_fail(msg, SOR_NOMEM, "out of memory at recorded token "
                           "%d", t.pos);
    }
    damaged = db_cur_close(c);
    if (!err && damaged)
        err = sor_fail(msg, damaged, "the tokens of path %lld cannot be read",
                       (long long)path_id);
    return err ? err : load_exits(d, path_id, r, msg);
}

const struct record_row *record_at(const struct record *r, int pos)
{
    return pos >= r->from && pos - r->from < r->n ? &r->row[pos - r->from]
                                                  : NULL;
}

const uint8_t *record_layers(const struct record *r,
                             const struct record_row *row)
{
    return (const uint8_t *)r->blob.p + row->layers_at;
}
