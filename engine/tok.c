/* engine/tok.c - see tok.h; encoding and decoding. */
#include "engine/tok.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/tok_bpe.h"
#include "engine/tok_impl.h"
#include "engine/tok_pre.h"

/* --- lists of ids --------------------------------------------------------- */

enum sor_err tok_ids_push(struct tok_ids *ids, int32_t id)
{
    if (ids->n == ids->cap) {
        size_t cap = ids->cap ? 2 * ids->cap : 64;
        int32_t *p = mem_realloc(ids->id, cap, sizeof *p);

        if (!p)
            return SOR_NOMEM;
        ids->id = p;
        ids->cap = cap;
    }
    ids->id[ids->n++] = id;
    return SOR_OK;
}

void tok_ids_release(struct tok_ids *ids)
{
    mem_free(ids->id);
    *ids = (struct tok_ids){ 0 };
}

/* --- bytes to ids --------------------------------------------------------- */

uint32_t *tok_slot(const struct tok *t, const char *p, size_t n,
                   enum tok_kind kind)
{
    size_t i = (size_t)hash_xxh3(p, n, kind) & t->mask;

    for (;; i = (i + 1) & t->mask) {
        uint32_t v = t->slot[i];

        if (v == 0)
            return &t->slot[i];
        uint32_t at = t->start[v - 1], len = t->start[v] - at;
        if (len == n && (t->kind[v - 1] & kind) &&
            memcmp(t->bytes + at, p, n) == 0)
            return &t->slot[i];
    }
}

int32_t tok_lookup(const struct tok *t, const char *p, size_t n,
                   enum tok_kind kind)
{
    return (int32_t)*tok_slot(t, p, n, kind) - 1;
}

int32_t tok_find(const struct tok *t, const char *text, size_t n)
{
    int32_t id = tok_lookup(t, text, n, TOK_MARK);

    return id >= 0 ? id : tok_lookup(t, text, n, TOK_TEXT);
}

/* --- encoding ------------------------------------------------------------- */

struct encode {
    const struct tok   *t;
    struct tok_ids     *ids;
    struct tok_bpe_work work;
};

/* One piece of the pre-tokenizer. */
static enum sor_err encode_piece(void *ud, const char *p, size_t n)
{
    struct encode *e = ud;
    const struct tok *t = e->t;
    int32_t whole = tok_pre_whole(t->pre) ? tok_lookup(t, p, n, TOK_TEXT) : -1;
    enum sor_err err;

    if (whole >= 0)
        return tok_ids_push(e->ids, whole);
    err = tok_bpe_reserve(&e->work, n);
    if (err)
        return err;
    for (size_t i = 0; i < n; i++)
        e->work.id[i] = t->byte[(uint8_t)p[i]];
    n = tok_bpe_merge(t->bpe, &e->work, n);
    for (size_t i = 0; i < n && !err; i++)
        err = tok_ids_push(e->ids, e->work.id[i]);
    return err;
}

/* The longest mark that p[0..n) starts with, or -1. */
static int32_t mark_at(const struct tok *t, const char *p, size_t n,
                       size_t *len)
{
    if (!t->mark_first[(uint8_t)p[0]])
        return -1;
    for (*len = n < TOK_MARK_MAX ? n : TOK_MARK_MAX; *len > 0; --*len) {
        int32_t id = t->mark_len[*len] ? tok_lookup(t, p, *len, TOK_MARK) : -1;

        if (id >= 0)
            return id;
    }
    return -1;
}

enum sor_err tok_encode(const struct tok *t, const char *text, size_t n,
                        unsigned flags, struct tok_ids *ids)
{
    struct encode e = { .t = t, .ids = ids };
    size_t before = ids->n, done = 0;
    enum sor_err err = n > INT32_MAX ? SOR_LIMIT : SOR_OK;

    if (!err && (flags & TOK_BOS) && t->add_bos && t->bos >= 0)
        err = tok_ids_push(ids, t->bos);
    for (size_t i = 0; i < n && (flags & TOK_SPECIAL) && !err; ) {
        size_t len;
        int32_t id = mark_at(t, text + i, n - i, &len);

        if (id < 0) {
            i++;
            continue;
        }
        err = tok_pre_split(t->pre, text + done, i - done, encode_piece, &e);
        if (!err)
            err = tok_ids_push(ids, id);
        done = i += len;
    }
    if (!err)
        err = tok_pre_split(t->pre, text + done, n - done, encode_piece, &e);
    tok_bpe_work_release(&e.work);
    if (err)
        ids->n = before;
    return err;
}

/* --- decoding ------------------------------------------------------------- */

const char *tok_piece(const struct tok *t, int32_t id, size_t *len)
{
    if (id < 0 || (uint32_t)id >= t->n_vocab)
        return NULL;
    *len = t->start[id + 1] - t->start[id];
    return t->bytes + t->start[id];
}

enum sor_err tok_decode(const struct tok *t, const int32_t *id, size_t n,
                        struct str *out, struct sor_msg *msg)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        if (!tok_piece(t, id[i], &len))
            return sor_fail(msg, SOR_LIMIT, "token %zu is %" PRId32 ", outside "
                            "0..%" PRIu32, i, id[i], t->n_vocab - 1);
    for (size_t i = 0; i < n; i++) {
        const char *p = tok_piece(t, id[i], &len);

        str_put(out, p, len);
    }
    return str_ok(out) ? SOR_OK : sor_fail(msg, SOR_NOMEM, "out of memory");
}

enum sor_err tok_stream_put(const struct tok *t, struct tok_stream *s,
                            int32_t id, struct str *out)
{
    size_t len = 0;
    const char *p = tok_piece(t, id, &len);

    if (!p)
        return SOR_LIMIT;
    str_put(out, s->held, s->n_held);
    str_put(out, p, len);
    if (!str_ok(out))
        return SOR_NOMEM;
    size_t seen = out->len < len + s->n_held ? out->len : len + s->n_held;
    size_t tail = utf8_tail(out->p + out->len - seen, seen);
    out->len -= tail;
    memcpy(s->held, out->p + out->len, tail);
    s->n_held = (uint8_t)tail;
    out->p[out->len] = '\0';
    return SOR_OK;
}

void tok_stream_flush(struct tok_stream *s, struct str *out)
{
    str_put(out, s->held, s->n_held);
    s->n_held = 0;
}

/* --- asking --------------------------------------------------------------- */

const char *tok_pre_name(const struct tok *t)
{
    return tok_pre_name_of(t->pre);
}

uint32_t tok_n_vocab(const struct tok *t) { return t->n_vocab; }
int32_t tok_bos(const struct tok *t) { return t->bos; }
int32_t tok_eos(const struct tok *t) { return t->eos; }
int32_t tok_eot(const struct tok *t) { return t->eot; }
int tok_adds_bos(const struct tok *t) { return t->add_bos; }

static int has_kind(const struct tok *t, int32_t id, unsigned kind)
{
    return id >= 0 && (uint32_t)id < t->n_vocab && (t->kind[id] & kind);
}

int tok_is_eog(const struct tok *t, int32_t id)
{
    return has_kind(t, id, TOK_EOG);
}

int tok_is_special(const struct tok *t, int32_t id)
{
    return has_kind(t, id, TOK_MARK);
}
