/* review/judge_walk.c - see judge_walk.h. */
#include "review/judge_walk.h"

#include <string.h>

#include "base/mem.h"
#include "engine/hparams.h"

/* --- strings ------------------------------------------------------------- */

const struct walk_seq *walk_seq_at(const struct walk *w, int root, int i)
{
    return &w->seq[w->root[root].seq[i]];
}

static int common(const struct walk_seq *a, const struct walk_seq *b)
{
    int n = 0;

    while (n < a->n && n < b->n && a->tok[n] == b->tok[n])
        n++;
    return n;
}

/* In sorted order the outermost two have least in common. */
int walk_common(const struct walk *w, int root, int lo, int hi)
{
    return common(walk_seq_at(w, root, lo), walk_seq_at(w, root, hi - 1));
}

static int before(const struct walk_seq *a, const struct walk_seq *b)
{
    int n = common(a, b);

    if (n == a->n || n == b->n)
        return a->n < b->n;
    return a->tok[n] < b->tok[n];
}

/* Insertion: a few hundred strings at most, once a job. */
void walk_sort(const struct walk_seq *seq, int *index, int n)
{
    for (int i = 1; i < n; i++) {
        int x = index[i], k = i;

        for (; k > 0 && before(&seq[x], &seq[index[k - 1]]); k--)
            index[k] = index[k - 1];
        index[k] = x;
    }
}

/* --- lines --------------------------------------------------------------- */

static enum sor_err push(struct walk *w, const struct walk_line *l)
{
    if (w->n_line == w->cap_line) {
        int cap = w->cap_line ? 2 * w->cap_line : 256;
        struct walk_line *p = mem_realloc(w->line, (size_t)cap, sizeof *p);

        if (!p)
            return sor_fail(w->msg, SOR_NOMEM, "readings: out of memory");
        w->line = p;
        w->cap_line = cap;
    }
    w->line[w->n_line++] = *l;
    return SOR_OK;
}

enum sor_err walk_split(struct walk *w, struct walk_line *l,
                        const struct walk_line *part, int last)
{
    struct walk_line p = *part;
    enum sor_err err = SOR_OK;

    p.root = l->root;
    p.start = p.at = l->at;
    if (last) {
        p.session = l->session;
        l->session = NULL;
    } else {
        err = session_fork(l->session, session_tag(l->session), l->at,
                           &p.session, w->msg);
    }
    err = err ? err : push(w, &p);
    if (err)
        session_close(p.session);
    return err;
}

static enum sor_err open_root(struct walk *w)
{
    const struct walk_root *r = &w->root[w->next_root];
    struct walk_line l = { .root = w->next_root++, .hi = r->n_seq };
    enum sor_err err = keep_fork(w->keep, r->prefix, r->n_keep,
                                 (uint64_t)l.root, &l.session, w->msg);

    w->first(w, &l);
    if (l.session) {
        l.start = l.at = r->n_keep;
        w->n_tok += r->n_keep;
    } else if (!err) {
        l.keep = r->n_keep;
        err = session_open(w->engine, (uint64_t)l.root, 0, &l.session,
                           w->msg);
        if (!err)
            err = session_adapt(l.session, &w->lora, w->lora ? 1 : 0, w->msg);
    }
    err = err ? err : push(w, &l);
    if (err)
        session_close(l.session);
    return err;
}

/* --- steps --------------------------------------------------------------- */

/* The lines of one step, taken off the stack. */
struct step {
    struct walk_line line[WALK_ROWS];
    struct engine_feed feed[WALK_ROWS];
    int32_t tok[WALK_ROWS];
    int n, n_tok, n_logits;
};

static int32_t token_at(const struct walk *w, const struct walk_line *l, int at)
{
    const struct walk_root *r = &w->root[l->root];

    return at < r->n_prefix ? r->prefix[at]
                            : walk_seq_at(w, l->root, l->lo)
                                  ->tok[at - r->n_prefix];
}

/* How many of a line's tokens the step can still take: all of them with their
 * logits, or some of those before the first that has any. */
static int takes(const struct step *s, const struct walk_line *l)
{
    int todo = l->end - l->at, room = WALK_ROWS - s->n_tok;

    if (todo <= room && s->n_logits + l->n_logits <= WALK_LOGITS)
        return todo;
    todo -= l->n_logits;
    return todo < room ? todo : room;
}

static void add(struct walk *w, struct step *s, const struct walk_line *l,
                int n)
{
    size_t n_vocab = engine_hparams(w->engine)->n_vocab;
    struct engine_feed *f = &s->feed[s->n];

    *f = (struct engine_feed){
        .session = l->session, .tok = s->tok + s->n_tok, .n_tok = n,
        .n_logits = l->at + n == l->end ? l->n_logits : 0,
        .logits = w->logits + (size_t)s->n_logits * n_vocab };
    for (int i = 0; i < n; i++)
        s->tok[s->n_tok++] = token_at(w, l, l->at + i);
    s->n_logits += f->n_logits;
    s->line[s->n] = *l;
    s->line[s->n++].at += n;
}

static enum sor_err fill(struct walk *w, struct step *s)
{
    s->n = s->n_tok = s->n_logits = 0;
    while (s->n_tok < WALK_ROWS) {
        enum sor_err err;
        int n;

        if (w->n_line == 0 && w->next_root == w->n_root)
            break;
        if (w->n_line == 0 && (err = open_root(w)))
            return err;
        n = takes(s, &w->line[w->n_line - 1]);
        if (n <= 0)
            break;
        add(w, s, &w->line[--w->n_line], n);
    }
    return SOR_OK;
}

static enum sor_err arrive(struct walk *w, struct walk_line *l,
                           const float *logits)
{
    enum sor_err err = SOR_OK;

    if (l->keep && !w->once)
        err = keep_put(w->keep, w->root[l->root].prefix, l->keep, l->session,
                       w->msg);
    l->keep = 0;
    return err ? err : w->arrived(w, l, logits);
}

/* Every line of the step goes back on the stack or on to the caller. */
static enum sor_err settle(struct walk *w, struct step *s, enum sor_err err)
{
    for (int i = s->n - 1; i >= 0; i--) {
        struct walk_line *l = &s->line[i];

        if (!err && l->at == l->end)
            err = arrive(w, l, s->feed[i].logits);
        else if (!err && !(err = push(w, l)))
            continue;
        session_close(l->session);
    }
    return err;
}

enum sor_err walk_run(struct walk *w)
{
    size_t n_vocab = engine_hparams(w->engine)->n_vocab;
    struct step *s = mem_alloc(sizeof *s);
    enum sor_err err = SOR_OK;

    w->logits = mem_calloc(WALK_LOGITS * n_vocab, sizeof *w->logits);
    w->line = NULL;
    w->next_root = w->n_line = w->cap_line = 0;
    w->n_tok = 0;
    keep_turn(w->keep);
    if (!s || !w->logits)
        err = sor_fail(w->msg, SOR_NOMEM, "readings: out of memory");
    while (!err && (w->n_line > 0 || w->next_root < w->n_root)) {
        err = fill(w, s);
        err = err ? err : engine_step(w->engine, s->feed, s->n, w->msg);
        w->n_tok += s->n_tok;
        err = settle(w, s, err);
        if (!err && w->stepped && w->stepped(w->ud, w->n_tok))
            err = sor_fail(w->msg, SOR_INTERRUPTED, "interrupted");
    }
    while (w->n_line > 0)
        session_close(w->line[--w->n_line].session);
    mem_free(w->line);
    mem_free(w->logits);
    mem_free(s);
    return err;
}
