#include "review/memo.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

enum { FIRST_SLOTS = 1 << 10 };

/* Length and bytes of each part, so that no two inputs run together. */
static uint64_t fold(uint64_t h, const char *s)
{
    size_t n = s ? strlen(s) : 0;

    h = hash_xxh3(&n, sizeof n, h);
    return n ? hash_xxh3(s, n, h) : h;
}

struct memo_key memo_key_of(const struct passage_text *p,
                            const char *statement)
{
    uint64_t seed[2] = { 0, 0x9e3779b97f4a7c15u };

    for (int i = 0; i < 2; i++) {
        seed[i] = fold(seed[i], p->context);
        seed[i] = fold(seed[i], p->text);
        seed[i] = fold(seed[i] + !statement, statement);
    }
    return (struct memo_key){ seed[0], seed[1] };
}

void memo_release(struct memo *m)
{
    mem_free(m->at);
    mem_free(m->by_key);
    mem_free(m->by_digest);
    *m = (struct memo){ NULL, 0, 0, NULL, NULL, 0 };
}

static int is_key(const struct memo_entry *e, struct memo_key key)
{
    return e->key.a == key.a && e->key.b == key.b;
}

const struct memo_entry *memo_find(const struct memo *m, struct memo_key key)
{
    for (size_t i = key.a; m->n_slot; i++) {
        uint32_t slot = m->by_key[i & (m->n_slot - 1)];

        if (!slot)
            break;
        if (is_key(&m->at[slot - 1], key))
            return &m->at[slot - 1];
    }
    return NULL;
}

const struct memo_entry *memo_find_digest(const struct memo *m,
                                          uint64_t digest)
{
    for (size_t i = digest; m->n_slot; i++) {
        uint32_t slot = m->by_digest[i & (m->n_slot - 1)];

        if (!slot)
            break;
        if (m->at[slot - 1].digest == digest)
            return &m->at[slot - 1];
    }
    return NULL;
}

static void claim_slot(uint32_t *table, size_t n_slot, uint64_t hash,
                       int index)
{
    size_t i = hash & (n_slot - 1);

    while (table[i])
        i = (i + 1) & (n_slot - 1);
    table[i] = (uint32_t)index + 1;
}

static enum sor_err grow(struct memo *m)
{
    size_t n_slot = m->n_slot ? 2 * m->n_slot : FIRST_SLOTS;
    uint32_t *key = mem_calloc(n_slot, sizeof *key);
    uint32_t *digest = mem_calloc(n_slot, sizeof *digest);
    struct memo_entry *at = mem_realloc(m->at, n_slot / 2, sizeof *at);

    if (at)
        m->at = at;
    if (!key || !digest || !at) {
        mem_free(key);
        mem_free(digest);
        return SOR_NOMEM;
    }
    mem_free(m->by_key);
    mem_free(m->by_digest);
    m->cap = (int)(n_slot / 2);
    m->by_key = key;
    m->by_digest = digest;
    m->n_slot = n_slot;
    for (int i = 0; i < m->n; i++) {
        claim_slot(key, n_slot, m->at[i].key.a, i);
        claim_slot(digest, n_slot, m->at[i].digest, i);
    }
    return SOR_OK;
}

enum sor_err memo_put(struct memo *m, const struct memo_entry *e)
{
    enum sor_err err;

    if (memo_find(m, e->key))
        return SOR_OK;
    if (m->n == m->cap && (err = grow(m)))
        return err;
    m->at[m->n] = *e;
    claim_slot(m->by_key, m->n_slot, e->key.a, m->n);
    claim_slot(m->by_digest, m->n_slot, e->digest, m->n);
    m->n++;
    return SOR_OK;
}
