#include "cli/diff_steps.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* --- reading ------------------------------------------------------------- */

struct reading {
    struct db *d;
    char letter;
    int64_t own;                /* the path asked about */
    struct diff_steps *out;
    struct sor_msg *msg;
};

static enum sor_err push(struct reading *r, const struct diff_step *s)
{
    struct diff_steps *out = r->out;

    if (out->n == out->cap) {
        int cap = out->cap ? 2 * out->cap : 64;
        struct diff_step *more = mem_realloc(out->step, (size_t)cap,
                                             sizeof *more);
        if (!more)
            return sor_fail(r->msg, SOR_NOMEM, "out of memory for the steps");
        out->step = more;
        out->cap = cap;
    }
    out->step[out->n++] = *s;
    return SOR_OK;
}

/* The parent's step that a fork cut begins the fork's first one. */
static void take_cut(struct diff_steps *out, struct diff_step *first)
{
    char own[DIFF_STEP_BYTES];
    const struct diff_step *last = out->n ? &out->step[out->n - 1] : NULL;

    if (!last || !last->is_cut)
        return;
    first->from = last->from;
    memcpy(own, first->text, sizeof own);
    snprintf(first->text, sizeof first->text, "... %.*s",
             DIFF_STEP_BYTES - 5, own);
    out->n--;
}

static void name_step(const struct reading *r, const struct db_step *s,
                      const char *path, struct diff_step *out)
{
    const char *text = s->text ? s->text : "";

    *out = (struct diff_step){ .id = s->id, .from = s->tok_from,
                               .to = s->tok_to,
                               .is_own = s->path_id == r->own };
    if (out->is_own)
        snprintf(out->name, sizeof out->name, "%c:%d", r->letter, s->ordinal);
    else
        snprintf(out->name, sizeof out->name, "%.*s:%d",
                 (int)sizeof out->name - 13, path, s->ordinal);
    /* room for the mark of a cut, so that no character is split */
    text_safe_fit(out->text, DIFF_STEP_BYTES - 4, text, strlen(text), 0);
}

/* Those of one path's own that begin before `end`. */
static enum sor_err read_own(struct reading *r, const struct db_path *p,
                             const char *name, int end)
{
    struct db_window w = { .from = 0 };
    struct db_cur *c = db_steps(r->d, p->id, w);
    struct diff_step step;
    struct db_step s;
    int first = 1;
    enum sor_err err = SOR_OK;

    while (!err && db_step_next(c, &s) == 1 && s.tok_from < end) {
        name_step(r, &s, name, &step);
        if (first)
            take_cut(r->out, &step);
        first = 0;
        step.is_cut = step.to > end;
        err = push(r, &step);
    }
    return db_cur_close(c) && !err
               ? sor_fail(r->msg, SOR_FORMAT, "the steps of %s cannot be read",
                          name) : err;
}

/* Parents first.  A path is recorded after its parent, so this ends. */
static enum sor_err read_path(struct reading *r, int64_t path_id, int end)
{
    char name[DIFF_NAME_BYTES];
    struct db_path p;
    struct db_run run;
    enum sor_err err = SOR_OK;

    if (db_get_path(r->d, path_id, &p) <= 0)
        return sor_fail(r->msg, SOR_FORMAT, "path %lld cannot be read",
                        (long long)path_id);
    struct db_path own = { .id = p.id, .run_id = p.run_id,
                           .ordinal = p.ordinal };
    if (p.parent_id > 0 && p.parent_id < path_id)
        err = read_path(r, p.parent_id, p.fork_pos < end ? p.fork_pos : end);
    if (err)
        return err;
    if (db_get_run(r->d, own.run_id, &run) <= 0)
        return sor_fail(r->msg, SOR_FORMAT, "run %lld cannot be read",
                        (long long)own.run_id);
    text_safe_fit(name, 9, run.uid, strnlen(run.uid, 8), 0);
    snprintf(name + strlen(name), sizeof name - strlen(name), ":%d",
             own.ordinal);
    return read_own(r, &own, name, end);
}

enum sor_err diff_steps_read(struct db *d, int64_t path_id, char letter,
                             struct diff_steps *out, struct sor_msg *msg)
{
    struct reading r = { .d = d, .letter = letter, .own = path_id,
                         .out = out, .msg = msg };

    return read_path(&r, path_id, INT_MAX);
}

void diff_steps_release(struct diff_steps *s)
{
    mem_free(s->step);
    *s = (struct diff_steps){ .n = 0 };
}

/* --- pairing ------------------------------------------------------------- */

/* The first step of s from `from` on that ends behind token `pos`; s->n: there
 * is none.  Steps are in order, so a walk never turns back. */
static int step_at(const struct diff_steps *s, int from, int pos)
{
    while (from < s->n && s->step[from].to <= pos)
        from++;
    return from;
}

/* The step of b that holds most of what a's step shares with it. */
static int partner(const struct diff_step *a, const struct diff_steps *b,
                   const struct diff_run *run, int n_run, int *shared)
{
    int best = -1, k = 0, count = 0;

    *shared = 0;
    for (int pos = a->from; pos < a->to; pos++) {
        int at = diff_partner(run, n_run, pos);
        int step = at < 0 ? k : step_at(b, k, at);

        if (at < 0 || step == b->n || b->step[step].from > at)
            continue;
        count = step == k ? count + 1 : 1;
        k = step;
        if (count > *shared) {
            *shared = count;
            best = k;
        }
    }
    return best;
}

static int same_row(const struct diff_step *a, const struct diff_steps *b)
{
    for (int k = 0; k < b->n; k++)
        if (b->step[k].id == a->id && b->step[k].from == a->from)
            return k;
    return -1;
}

static struct diff_pair pair_of(const struct diff_step *s, int i,
                                const struct diff_steps *b,
                                const struct diff_run *run, int n_run)
{
    struct diff_pair p = { .a = i, .b = same_row(s, b), .is_same = 1,
                           .shared = s->to - s->from };

    if (p.b < 0) {
        p.b = partner(s, b, run, n_run, &p.shared);
        p.is_same = p.b >= 0 && p.shared == s->to - s->from &&
                    p.shared == b->step[p.b].to - b->step[p.b].from;
    }
    return p;
}

enum sor_err diff_steps_pair(const struct diff_steps *a,
                             const struct diff_steps *b,
                             const struct diff_run *run, int n_run,
                             struct diff_pair **out, int *n,
                             struct sor_msg *msg)
{
    size_t most = (size_t)a->n + (size_t)b->n;
    struct diff_pair *pair = mem_calloc(most + 1, sizeof *pair);
    uint8_t *taken = mem_calloc((size_t)b->n + 1, 1);

    if (!pair || !taken) {
        mem_free(pair);
        mem_free(taken);
        return sor_fail(msg, SOR_NOMEM, "out of memory to compare %d steps "
                        "with %d", a->n, b->n);
    }
    *n = 0;
    for (int i = 0; i < a->n; i++) {
        struct diff_pair p = pair_of(&a->step[i], i, b, run, n_run);

        if (p.b >= 0 && taken[p.b])
            p = (struct diff_pair){ .a = i, .b = -1 };
        if (p.b >= 0)
            taken[p.b] = 1;
        pair[(*n)++] = p;
    }
    for (int k = 0; k < b->n; k++)
        if (!taken[k])
            pair[(*n)++] = (struct diff_pair){ .a = -1, .b = k };
    mem_free(taken);
    *out = pair;
    return SOR_OK;
}
