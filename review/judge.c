/* review/judge.c - readings: see judge.h; the strings are judge_text.c's, the
 * walk over them judge_walk.c's. */
#include "review/judge.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/hparams.h"
#include "engine/lora.h"
#include "engine/sampler.h"
#include "engine/tok.h"
#include "review/judge_text.h"
#include "review/judge_walk.h"

enum { MAX_TYPES = 256 };

/* Labels e^7 behind at their first tokens are not read on. */
static const double PRUNE = 7.0;

static const char *const relation_token[RELATIONS] = {
    " unrelated", " supports", " contradicts"
};

struct judge {
    struct engine *engine;
    const struct pack *pack;
    struct lora *lora;
    struct keep keep;
    int32_t relation[RELATIONS];
    struct tok_ids label;       /* tokens of all labels, one after another */
    struct walk_seq *seq;       /* [n_type] into label */
    int *order;                 /* [n_type] labels sorted by tokens */
    struct judge_memory memory; /* ud of functions that may be NULL */
};

/* --- opening ------------------------------------------------------------- */

static enum sor_err open_adapter(struct judge *j, struct pack *p,
                                 struct sor_msg *msg)
{
    const char *path = NULL;
    enum sor_err err = pack_adapter(p, &path, msg);

    if (err || !path)
        return err;
    return lora_open(j->engine, path, 1.0f, &j->lora, msg);
}

/* The answers must be single tokens, or their logits could not be compared. */
static enum sor_err find_relations(struct judge *j, struct sor_msg *msg)
{
    const struct tok *t = engine_tok(j->engine);

    for (int r = 0; r < RELATIONS; r++) {
        const char *text = relation_token[r];
        struct tok_ids ids = { 0 };
        enum sor_err err = tok_encode(t, text, strlen(text), 0, &ids);
        size_t n = ids.n;

        if (n == 1)
            j->relation[r] = ids.id[0];
        tok_ids_release(&ids);
        if (err || n != 1)
            return sor_fail(msg, err ? err : SOR_UNSUP, "the model has no "
                            "single token \"%s\", which the answers of a "
                            "review need", text);
    }
    return SOR_OK;
}

static enum sor_err spell_labels(struct judge *j)
{
    const struct tok *t = engine_tok(j->engine);
    int n = j->pack->n_type;
    struct str s;
    enum sor_err err = SOR_OK;

    str_init(&s);
    for (int i = 0; i < n && !err; i++) {
        size_t from = j->label.n;

        str_clear(&s);
        str_printf(&s, " %s", j->pack->type[i].label);
        err = str_ok(&s) ? tok_encode(t, s.p, s.len, 0, &j->label)
                         : SOR_NOMEM;
        j->seq[i].n = (int)(j->label.n - from);
        j->order[i] = i;
    }
    str_release(&s);
    for (int i = 0, at = 0; i < n && !err; at += j->seq[i++].n)
        j->seq[i].tok = j->label.id + at;
    if (!err)
        walk_sort(j->seq, j->order, n);
    return err;
}

enum sor_err judge_open(struct engine *e, struct pack *p,
                        struct judge **out, struct sor_msg *msg)
{
    size_t n = (size_t)p->n_type;
    struct judge *j;
    enum sor_err err;

    if (n > MAX_TYPES)
        return sor_fail(msg, SOR_LIMIT, "%s: %zu clause types; at most %d",
                        p->id, n, MAX_TYPES);
    j = mem_calloc(1, sizeof *j);
    if (!j)
        return sor_fail(msg, SOR_NOMEM, "judge: out of memory");
    j->engine = e;
    j->pack = p;
    j->seq = mem_calloc(n, sizeof *j->seq);
    j->order = mem_calloc(n, sizeof *j->order);
    if (!j->seq || !j->order || spell_labels(j))
        err = sor_fail(msg, SOR_NOMEM, "judge: out of memory");
    else
        err = find_relations(j, msg);
    err = err ? err : open_adapter(j, p, msg);
    if (err) {
        judge_close(j);
        return err;
    }
    *out = j;
    return SOR_OK;
}

void judge_close(struct judge *j)
{
    if (!j)
        return;
    keep_release(&j->keep);
    lora_close(j->lora);
    tok_ids_release(&j->label);
    mem_free(j->seq);
    mem_free(j->order);
    mem_free(j);
}

void judge_remember(struct judge *j, const struct judge_memory *m)
{
    j->memory = m ? *m : (struct judge_memory){ .ud = NULL };
}

void judge_calibrate(const struct calibration *c, const float *logit, float *p)
{
    double z[RELATIONS], most = -INFINITY, sum = 0.0;

    for (int r = 0; r < RELATIONS; r++) {
        z[r] = (double)logit[r] / c->temperature;
        if (r == RELATION_UNRELATED)
            z[r] += c->bias_unrelated;
        most = z[r] > most ? z[r] : most;
    }
    for (int r = 0; r < RELATIONS; r++)
        sum += z[r] = exp(z[r] - most);
    for (int r = 0; r < RELATIONS; r++)
        p[r] = (float)(z[r] / sum);
}

/* --- prefixes ------------------------------------------------------------ */

/* The prefixes of some passages, their tokens one after another. */
struct prefixes {
    struct tok_ids ids;
    struct walk_root *root;     /* [n] */
    int n;
};

static void prefixes_release(struct prefixes *x)
{
    tok_ids_release(&x->ids);
    mem_free(x->root);
}

/* question: 1: for the type, which belongs to the prefix. */
static enum sor_err prefixes_init(struct prefixes *x, const struct judge *j,
                                  const struct passage_text *passage, int n,
                                  int question)
{
    const struct tok *t = engine_tok(j->engine);
    enum sor_err err = SOR_OK;

    *x = (struct prefixes){ .n = n };
    x->root = mem_calloc((size_t)n, sizeof *x->root);
    if (!x->root)
        return SOR_NOMEM;
    for (int i = 0; i < n && !err; i++) {
        size_t from = x->ids.n;

        err = judge_prefix(t, passage[i].context ? passage[i].context : "",
                           passage[i].text, &x->ids, NULL);
        x->root[i].n_keep = (int)(x->ids.n - from);
        if (!err && question)
            err = judge_type_question(t, &x->ids);
        x->root[i].n_prefix = (int)(x->ids.n - from);
    }
    for (int i = 0, at = 0; i < n && !err; at += x->root[i++].n_prefix)
        x->root[i].prefix = x->ids.id + at;
    return err;
}

static int tell(const struct judge_watch *watch, int64_t done, int64_t total)
{
    return watch && watch->on_progress &&
           watch->on_progress(watch->ud, done, total);
}

/* --- statements ---------------------------------------------------------- */

struct pairs {
    const struct judge *judge;
    const struct judge_job *job;
    struct tok_ids ids;         /* tokens of all statements */
    struct walk_seq *seq;       /* [n_statement] */
    int *order;                 /* [n_statement] */
    int *wanted;                /* those of each passage, in order */
    int *passage;               /* [n_root] the caller's index */
    int64_t n_tok;
};

static void run_on(const struct walk *w, struct walk_line *l)
{
    l->end = w->root[l->root].n_prefix +
             walk_common(w, l->root, l->lo, l->hi);
    l->n_logits = walk_seq_at(w, l->root, l->lo)->n +
                  w->root[l->root].n_prefix == l->end;
}

static void report(struct walk *w, const struct walk_line *l, int i,
                   const float *logits)
{
    struct pairs *x = w->ud;
    const struct walk_root *root = &w->root[l->root];
    struct reading r = {
        .passage = x->passage[l->root], .statement = root->seq[i],
        .n_prefix = l->start, .n_tok = l->end,
    };

    for (int k = 0; k < RELATIONS; k++)
        r.logit[k] = logits[x->judge->relation[k]];
    judge_calibrate(&x->judge->pack->calibration, r.logit, r.p);
    r.digest = hash_xxh3(logits, engine_hparams(w->engine)->n_vocab *
                                     sizeof *logits, 0);
    if (x->judge->memory.note)
        x->judge->memory.note(x->judge->memory.ud,
                              &x->job->passage[r.passage],
                              x->job->statement[r.statement], &r);
    x->job->on_reading(x->job->ud, &r);
}

/* Strings that end here are answered; the others go on by their next token. */
static enum sor_err pair_arrived(struct walk *w, struct walk_line *l,
                                 const float *logits)
{
    int depth = l->end - w->root[l->root].n_prefix, lo = l->lo;
    enum sor_err err = SOR_OK;

    while (lo < l->hi && walk_seq_at(w, l->root, lo)->n == depth)
        report(w, l, lo++, logits);
    while (lo < l->hi && !err) {
        struct walk_line part = { .root = l->root, .lo = lo, .hi = lo + 1 };
        int32_t t = walk_seq_at(w, l->root, lo)->tok[depth];

        while (part.hi < l->hi &&
               walk_seq_at(w, l->root, part.hi)->tok[depth] == t)
            part.hi++;
        run_on(w, &part);
        lo = part.hi;
        err = walk_split(w, l, &part, lo == l->hi);
    }
    return err;
}

static int pair_stepped(void *ud, int64_t done)
{
    struct pairs *x = ud;

    return tell(x->job->watch, done, x->n_tok);
}

static enum sor_err spell_statements(struct pairs *x)
{
    const struct judge_job *job = x->job;
    size_t n = (size_t)job->n_statement, all;
    enum sor_err err = SOR_OK;

    if (mem_mul(n, (size_t)job->n_passage, &all))
        return SOR_NOMEM;
    x->seq = mem_calloc(n, sizeof *x->seq);
    x->order = mem_calloc(n, sizeof *x->order);
    x->wanted = mem_calloc(all, sizeof *x->wanted);
    x->passage = mem_calloc((size_t)job->n_passage, sizeof *x->passage);
    if (!x->seq || !x->order || !x->wanted || !x->passage)
        return SOR_NOMEM;
    for (size_t i = 0; i < n && !err; i++) {
        size_t from = x->ids.n;

        err = judge_statement(engine_tok(x->judge->engine), job->statement[i],
                              &x->ids);
        x->seq[i].n = (int)(x->ids.n - from);
        x->order[i] = (int)i;
    }
    for (size_t i = 0, at = 0; i < n && !err; at += (size_t)x->seq[i++].n)
        x->seq[i].tok = x->ids.id + at;
    if (!err)
        walk_sort(x->seq, x->order, (int)n);
    return err;
}

/* 1: this pair was read before, and has been reported from memory. */
static int recalled(const struct pairs *x, int passage, int statement)
{
    const struct judge_memory *m = &x->judge->memory;
    const struct judge_job *job = x->job;
    struct reading r = { .passage = passage, .statement = statement };

    if (!m->recall || !m->recall(m->ud, &job->passage[passage],
                                 job->statement[statement], &r))
        return 0;
    judge_calibrate(&x->judge->pack->calibration, r.logit, r.p);
    job->on_reading(job->ud, &r);
    return 1;
}

/* Gives each root the statements wanted of its passage; a passage of which
 * none is wanted has no root.  Returns how many roots are left. */
static int choose(struct pairs *x, struct walk *w, struct prefixes *p)
{
    const struct judge_job *job = x->job;
    int n = 0, *at = x->wanted;

    w->root = p->root;
    w->once = job->once;
    for (int i = 0; i < job->n_passage; i++) {
        struct walk_root r = p->root[i];

        r.seq = at;
        for (int k = 0; k < job->n_statement; k++)
            if ((!job->want ||
                 job->want[(size_t)i * (size_t)job->n_statement +
                           (size_t)x->order[k]]) &&
                !recalled(x, i, x->order[k]))
                *at++ = x->order[k];
        r.n_seq = (int)(at - r.seq);
        if (r.n_seq == 0)
            continue;
        p->root[n] = r;
        x->passage[n] = i;
        x->n_tok += r.n_prefix;
        for (int k = 0; k < r.n_seq; k++)
            x->n_tok += walk_seq_at(w, n, k)->n -
                        (k ? walk_common(w, n, k - 1, k + 1) : 0);
        n++;
    }
    return n;
}

enum sor_err judge_pairs(struct judge *j, const struct judge_job *job,
                         struct sor_msg *msg)
{
    struct pairs x = { .judge = j, .job = job };
    struct prefixes p;
    struct walk w = {
        .engine = j->engine, .lora = j->lora, .keep = &j->keep,
        .first = run_on,
        .arrived = pair_arrived, .stepped = pair_stepped, .ud = &x,
        .msg = msg,
    };
    enum sor_err err = prefixes_init(&p, j, job->passage, job->n_passage, 0);

    err = err ? err : spell_statements(&x);
    if (err) {
        sor_fail(msg, err, "statements: %s", sor_err_text(err));
    } else {
        w.seq = x.seq;
        w.n_root = choose(&x, &w, &p);
        err = walk_run(&w);
    }
    prefixes_release(&p);
    tok_ids_release(&x.ids);
    mem_free(x.seq);
    mem_free(x.order);
    mem_free(x.wanted);
    mem_free(x.passage);
    return err;
}

/* --- types --------------------------------------------------------------- */

struct types {
    float *logp;                /* [n_passage][n_type] */
    int n_type;
    const int *passage;         /* [n_root] index into logp */
    int64_t n_tok;              /* of the prefixes; the labels add little */
    const struct judge_watch *watch;
};

/* The question first: its last token's logits begin every label. */
static void type_first(const struct walk *w, struct walk_line *l)
{
    l->end = w->root[l->root].n_prefix;
    l->n_logits = 1;
}

static double lse_of(const struct walk *w, const float *logits)
{
    struct sampler_stats st;

    sampler_stats(logits, engine_hparams(w->engine)->n_vocab, &st);
    return st.lse;
}

/* A part of a line's labels that begin with one more token in common. */
struct branch { int lo, hi; double logp; };

static int branches(const struct walk *w, const struct walk_line *l, int depth,
                    const float *logits, struct branch *b)
{
    double lse = lse_of(w, logits);
    int n = 0;

    for (int i = l->lo; i < l->hi; i++) {
        int32_t t = walk_seq_at(w, l->root, i)->tok[depth];

        if (i == l->lo || walk_seq_at(w, l->root, i - 1)->tok[depth] != t)
            b[n++] = (struct branch){ i, i, l->logp + (double)logits[t] -
                                            lse };
        b[n - 1].hi = i + 1;
    }
    return n;
}

static void settle_label(const struct walk *w, const struct walk_line *l,
                         int i, double logp)
{
    struct types *x = w->ud;

    x->logp[(size_t)x->passage[l->root] * (size_t)x->n_type +
            (size_t)w->root[l->root].seq[i]] = (float)logp;
}

/* Sends a branch on, or settles those of its labels that need no more tokens:
 * all of them where it is far behind. */
static enum sor_err follow(struct walk *w, struct walk_line *l, int depth,
                           const struct branch *b, double best)
{
    int n_prefix = w->root[l->root].n_prefix, lo = b->lo, common;
    int far = b->logp < best - PRUNE;
    struct walk_line part;

    while (lo < b->hi &&
           (far || walk_seq_at(w, l->root, lo)->n == depth + 1))
        settle_label(w, l, lo++, b->logp);
    if (lo == b->hi)
        return SOR_OK;
    common = walk_common(w, l->root, lo, b->hi);
    if (b->hi - lo == 1)
        common--;               /* nothing comes after its last token */
    part = (struct walk_line){ .lo = lo, .hi = b->hi, .logp = b->logp,
                               .end = n_prefix + common,
                               .n_logits = common - depth };
    return walk_split(w, l, &part, 0);
}

/* The line's logp counts the token at its start, and no later one: those it
 * has run over have their logits in all rows but the last. */
static enum sor_err type_arrived(struct walk *w, struct walk_line *l,
                                 const float *logits)
{
    size_t n_vocab = engine_hparams(w->engine)->n_vocab;
    int depth = l->end - w->root[l->root].n_prefix, n;
    struct branch b[MAX_TYPES];
    double best = -INFINITY;
    enum sor_err err = SOR_OK;

    for (int k = 1; k < l->n_logits; k++, logits += n_vocab) {
        int32_t t = walk_seq_at(w, l->root, l->lo)
                        ->tok[depth - l->n_logits + k];

        l->logp += (double)logits[t] - lse_of(w, logits);
    }
    n = branches(w, l, depth, logits, b);
    for (int i = 0; i < n; i++)
        best = b[i].logp > best ? b[i].logp : best;
    for (int i = 0; i < n && !err; i++)
        err = follow(w, l, depth, &b[i], best);
    return err;
}

static int type_stepped(void *ud, int64_t done)
{
    struct types *x = ud;

    return tell(x->watch, done < x->n_tok ? done : x->n_tok, x->n_tok);
}

/* p = softmax(logp / T) over the labels. */
static void normalise(const float *logp, int n, double temperature, float *p)
{
    double most = -INFINITY, sum = 0.0;

    for (int i = 0; i < n; i++)
        most = (double)logp[i] > most ? (double)logp[i] : most;
    for (int i = 0; i < n; i++)
        sum += exp(((double)logp[i] - most) / temperature);
    for (int i = 0; i < n; i++)
        p[i] = (float)(exp(((double)logp[i] - most) / temperature) / sum);
}

/* The passages whose types are not remembered, as the walk's roots; their
 * number. */
static int choose_types(struct types *x, const struct judge *j,
                        const struct passage_text *passage, int *index,
                        struct prefixes *pre)
{
    const struct judge_memory *m = &j->memory;
    int n = 0;

    for (int i = 0; i < pre->n; i++) {
        struct walk_root r = pre->root[i];

        if (m->recall_types &&
            m->recall_types(m->ud, &passage[i],
                            x->logp + (size_t)i * (size_t)x->n_type,
                            x->n_type))
            continue;
        r.seq = j->order;
        r.n_seq = x->n_type;
        x->n_tok += r.n_prefix;
        index[n] = i;
        pre->root[n++] = r;
    }
    x->passage = index;
    return n;
}

enum sor_err judge_types(struct judge *j, const struct passage_text *passage,
                         int n_passage, const struct judge_watch *watch,
                         float *logp, float *p, struct sor_msg *msg)
{
    size_t n = (size_t)j->pack->n_type;
    struct types x = { .logp = logp, .n_type = j->pack->n_type,
                       .watch = watch };
    struct prefixes pre;
    struct walk w = {
        .engine = j->engine, .lora = j->lora, .keep = &j->keep,
        .seq = j->seq,
        .first = type_first, .arrived = type_arrived,
        .stepped = type_stepped, .ud = &x, .msg = msg,
    };
    int *index = mem_calloc((size_t)n_passage, sizeof *index);
    enum sor_err err = prefixes_init(&pre, j, passage, n_passage, 1);

    if (err || !index) {
        err = err ? err : SOR_NOMEM;
        sor_fail(msg, err, "clauses: %s", sor_err_text(err));
    } else {
        w.root = pre.root;
        w.n_root = choose_types(&x, j, passage, index, &pre);
        err = walk_run(&w);
    }
    for (int i = 0; i < w.n_root && !err && j->memory.note_types; i++)
        j->memory.note_types(j->memory.ud, &passage[index[i]],
                             logp + (size_t)index[i] * n, (int)n);
    for (int i = 0; i < n_passage && !err && p; i++)
        normalise(logp + (size_t)i * n, (int)n,
                  j->pack->calibration.type_temperature, p + (size_t)i * n);
    prefixes_release(&pre);
    mem_free(index);
    return err;
}

enum sor_err judge_reads(const struct judge *j, const char *context,
                         struct str *out)
{
    return judge_context(engine_tok(j->engine), context, out);
}

/* --- for the trace ------------------------------------------------------- */

int judge_tokens(const struct judge *j, const struct passage_text *passage,
                 const char *statement, int32_t *tok, int cap,
                 struct reading_spans *spans)
{
    const struct tok *t = engine_tok(j->engine);
    struct tok_ids ids = { 0 };
    struct judge_place place;
    enum sor_err err = judge_prefix(t, passage->context ? passage->context
                                                        : "",
                                    passage->text, &ids, &place);
    int n = -1;

    if (spans && !err) {
        memcpy(spans->context, place.context, sizeof spans->context);
        memcpy(spans->text, place.text, sizeof spans->text);
        spans->statement[0] = (int)ids.n;
    }
    if (!err)
        err = statement ? judge_statement(t, statement, &ids)
                        : judge_type_question(t, &ids);
    if (!err) {
        n = (int)ids.n;
        memcpy(tok, ids.id, (size_t)(n < cap ? n : cap) * sizeof *tok);
        if (spans) {
            spans->statement[1] = n;
            spans->answer = n - 1;
        }
    }
    tok_ids_release(&ids);
    return n;
}

int32_t judge_answer(const struct judge *j, enum relation r)
{
    return j->relation[r];
}

const char *judge_isa(const struct judge *j)
{
    return engine_info(j->engine)->isa;
}

int judge_n_type(const struct judge *j)
{
    return j->pack->n_type;
}
