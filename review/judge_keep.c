/* review/judge_keep.c - see judge_keep.h. */
#include "review/judge_keep.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

static void drop(struct keep *k, int i)
{
    k->n_tok -= k->at[i].n;
    mem_free(k->at[i].tok);
    session_close(k->at[i].session);
    k->at[i] = k->at[--k->n];
}

void keep_release(struct keep *k)
{
    while (k->n > 0)
        drop(k, k->n - 1);
}

static struct kept *find(struct keep *k, const int32_t *tok, int n)
{
    uint64_t hash = hash_xxh3(tok, (size_t)n * sizeof *tok, 0);

    for (int i = 0; i < k->n; i++)
        if (k->at[i].hash == hash && k->at[i].n == n &&
            memcmp(k->at[i].tok, tok, (size_t)n * sizeof *tok) == 0)
            return &k->at[i];
    return NULL;
}

enum sor_err keep_fork(struct keep *k, const int32_t *tok, int n, uint64_t tag,
                       struct session **out, struct sor_msg *msg)
{
    struct kept *at = find(k, tok, n);

    *out = NULL;
    if (!at)
        return SOR_OK;
    at->used = ++k->clock;
    return session_fork(at->session, tag, n, out, msg);
}

void keep_turn(struct keep *k)
{
    k->last = k->turn;
    k->turn = k->clock;
}

/* 0: there is none. */
static int make_room(struct keep *k, int n)
{
    while (k->n > 0 && (k->n == KEEP_MOST || k->n_tok + n > KEEP_TOKENS)) {
        int oldest = 0;

        for (int i = 1; i < k->n; i++)
            if (k->at[i].used < k->at[oldest].used)
                oldest = i;
        if (k->at[oldest].used > k->last)
            return 0;
        drop(k, oldest);
    }
    return n <= KEEP_TOKENS;
}

enum sor_err keep_put(struct keep *k, const int32_t *tok, int n,
                      struct session *s, struct sor_msg *msg)
{
    struct kept new = { .n = n, .used = ++k->clock };
    enum sor_err err;

    if (find(k, tok, n) || !make_room(k, n))
        return SOR_OK;
    new.hash = hash_xxh3(tok, (size_t)n * sizeof *tok, 0);
    new.tok = mem_alloc((size_t)n * sizeof *tok);
    if (!new.tok)
        return sor_fail(msg, SOR_NOMEM, "readings: out of memory");
    memcpy(new.tok, tok, (size_t)n * sizeof *tok);
    err = session_fork(s, session_tag(s), n, &new.session, msg);
    if (err) {
        mem_free(new.tok);
        return err;
    }
    k->at[k->n++] = new;
    k->n_tok += n;
    return SOR_OK;
}
