/* review/ask.c - see ask.h. */
#include "review/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void asks_release(struct asks *a)
{
    memo_release(&a->memo);
    mem_free(a->at);
    *a = (struct asks){ .n = 0 };
}

void asks_add(struct asks *a, const struct passage_text *p,
              const char *statement)
{
    if (a->failed || asks_get(a, p, statement))
        return;
    if (a->n == a->cap) {
        int cap = a->cap ? 2 * a->cap : 256;
        struct ask *at = mem_realloc(a->at, (size_t)cap, sizeof *at);

        if (!at) {
            a->failed = SOR_NOMEM;
            return;
        }
        a->at = at;
        a->cap = cap;
    }
    a->at[a->n++] = (struct ask){ *p, statement };
}

const struct memo_entry *asks_get(const struct asks *a,
                                  const struct passage_text *p,
                                  const char *statement)
{
    return memo_find(&a->memo, memo_key_of(p, statement));
}

/* The open questions as a table of passages by statements. */
struct table {
    struct asks *asks;
    struct passage_text *passage;
    const char **statement;
    uint8_t *want;
    int n_passage, n_statement;
    enum sor_err err;
};

static int by_passage(const void *x, const void *y)
{
    const struct ask *a = x, *b = y;
    int c = strcmp(a->passage.text, b->passage.text);

    return c ? c : strcmp(a->passage.context, b->passage.context);
}

static int by_statement(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int statement_no(const struct table *t, const char *s)
{
    const char **at = bsearch(&s, t->statement, (size_t)t->n_statement,
                              sizeof *t->statement, by_statement);

    return (int)(at - t->statement);
}

/* Sorted copies of the statements without repeats. */
static void list_statements(struct table *t)
{
    const struct asks *a = t->asks;
    int n = 0;

    for (int i = 0; i < a->n; i++)
        t->statement[i] = a->at[i].statement;
    qsort(t->statement, (size_t)a->n, sizeof *t->statement, by_statement);
    for (int i = 0; i < a->n; i++)
        if (i == 0 || strcmp(t->statement[n - 1], t->statement[i]) != 0)
            t->statement[n++] = t->statement[i];
    t->n_statement = n;
}

static enum sor_err table_init(struct table *t, struct asks *a)
{
    size_t n = (size_t)a->n, cells = 0;

    *t = (struct table){ .asks = a };
    t->passage = mem_calloc(n, sizeof *t->passage);
    t->statement = mem_calloc(n, sizeof *t->statement);
    if (!t->passage || !t->statement)
        return SOR_NOMEM;
    list_statements(t);
    qsort(a->at, n, sizeof *a->at, by_passage);
    for (int i = 0; i < a->n; i++)
        if (i == 0 || by_passage(&a->at[i - 1], &a->at[i]) != 0)
            t->passage[t->n_passage++] = a->at[i].passage;
    if (mem_mul((size_t)t->n_passage, (size_t)t->n_statement, &cells) ||
        !(t->want = mem_calloc(cells, 1)))
        return SOR_NOMEM;
    for (int i = 0, row = -1; i < a->n; i++) {
        row += i == 0 || by_passage(&a->at[i - 1], &a->at[i]) != 0;
        t->want[(size_t)row * (size_t)t->n_statement +
                (size_t)statement_no(t, a->at[i].statement)] = 1;
    }
    return SOR_OK;
}

static void table_release(struct table *t)
{
    mem_free(t->passage);
    mem_free(t->statement);
    mem_free(t->want);
}

static void keep(void *ud, const struct reading *r)
{
    struct table *t = ud;
    struct memo_entry e = {
        .key = memo_key_of(&t->passage[r->passage],
                           t->statement[r->statement]),
        .digest = r->digest, .n_tok = r->n_tok,
    };

    memcpy(e.logit, r->logit, sizeof e.logit);
    if (!t->err)
        t->err = memo_put(&t->asks->memo, &e);
}

enum sor_err asks_run(struct asks *a, struct judge *j, int once,
                      const struct judge_watch *watch, struct sor_msg *msg)
{
    struct table t;
    enum sor_err err = a->failed;

    if (!err && a->n == 0)
        return SOR_OK;
    err = err ? err : table_init(&t, a);
    if (err)
        return sor_fail(msg, err, "readings: out of memory");

    struct judge_job job = {
        .passage = t.passage, .n_passage = t.n_passage,
        .statement = t.statement, .n_statement = t.n_statement,
        .want = t.want, .once = once, .on_reading = keep, .ud = &t,
        .watch = watch,
    };

    err = judge_pairs(j, &job, msg);
    if (!err && t.err)
        err = sor_fail(msg, t.err, "readings: out of memory");
    a->n = 0;
    table_release(&t);
    return err;
}
