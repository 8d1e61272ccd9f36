/* review/review.c - the stages of a review; see review.h. */
#include "review/review.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "review/claim_impl.h"
#include "review/side.h"

/* --- words --------------------------------------------------------------- */

const char *verdict_name(enum verdict v)
{
    static const char *const name[VERDICTS] = {
        [VERDICT_SUPPORTED] = "supported",
        [VERDICT_CONTRADICTED] = "contradicted",
        [VERDICT_NOT_ADDRESSED] = "not_addressed",
        [VERDICT_NEEDS_REVIEW] = "needs_review",
        [VERDICT_NOT_MEASURED] = "not_measured",
    };

    return name[v];
}

const char *path_variant_name(enum path_variant v)
{
    static const char *const name[PATH_VARIANTS] = {
        [PATH_PLAIN] = "plain", [PATH_PARAPHRASE] = "paraphrase",
        [PATH_OPPOSITE] = "opposite", [PATH_PARAPHRASE_2] = "paraphrase_2",
        [PATH_SHORT_CONTEXT] = "short_context", [PATH_PARENT] = "parent",
        [PATH_DEFINITIONS] = "definitions", [PATH_LOGIC] = "logic",
        [PATH_SUBSET] = "subset",
    };

    return name[v];
}

const char *check_kind_name(enum check_kind k)
{
    static const char *const name[CHECK_KINDS] = {
        [CHECK_NEGATION] = "negation", [CHECK_SWAP] = "swap",
        [CHECK_VALUE] = "value", [CHECK_KNOCKOUT] = "knockout",
        [CHECK_LOCATION] = "location", [CHECK_RULE] = "rule",
        [CHECK_COVERAGE] = "coverage", [CHECK_TYPE] = "type",
    };

    return name[k];
}

/* --- read ---------------------------------------------------------------- */

static enum sor_err read_all(struct review *r, const char *path,
                             const struct review_opts *o, struct sor_msg *msg)
{
    enum sor_err err;

    if ((err = document_open(path, &r->doc, msg)) ||
        (err = clauses_read(r->doc, &r->clauses, msg)) ||
        (err = graph_read(r->doc, r->clauses, o->pack, &r->graph, msg)) ||
        (err = side_find(r, o, &r->side, msg)) ||
        (err = defects_find(r->doc, r->clauses, r->graph, o->pack,
                            &r->defects, msg)) ||
        (err = passages_cut(r->doc, r->clauses, PASSAGE_BYTES, &r->passages,
                            msg)))
        return err;
    return findings_make(r, msg);
}

enum sor_err review_read(const char *path, const struct review_opts *o,
                         struct review **out, struct sor_msg *msg)
{
    struct review *r = mem_calloc(1, sizeof *r);
    enum sor_err err;

    if (!r || !(r->own = mem_calloc(1, sizeof *r->own)))
        err = sor_fail(msg, SOR_NOMEM, "review: out of memory");
    else
        err = read_all(r, path, o, msg);
    if (err) {
        review_close(r);
        return err;
    }
    *out = r;
    return SOR_OK;
}

void review_close(struct review *r)
{
    if (!r)
        return;
    passages_close(r->passages);
    defects_close(r->defects);
    graph_close(r->graph);
    clauses_close(r->clauses);
    document_close(r->doc);
    if (r->own)
        arena_release(r->own);
    mem_free(r->own);
    mem_free(r);
}

/* --- type ---------------------------------------------------------------- */

static int on_progress(void *ud, int64_t done, int64_t total)
{
    struct judging *j = ud;

    if (j->o->on_stage)
        j->o->on_stage(j->o->ud, "type", done, total);
    return j->o->cancelled && j->o->cancelled(j->o->ud);
}

/* The passages whose types are asked for, in order. */
struct typing { int *passage; struct passage_text *text; int n; };

/* A clause's type is the one likeliest over its passages; one without text of
 * its own has none. */
static void settle_types(struct judging *j, const struct typing *x,
                         const float *p)
{
    const struct passage *at = j->r->passages->at;
    int n = j->o->pack->n_type;

    for (int i = 0; i < x->n; ) {
        int clause = at[x->passage[i]].clause, from = i, best = 0;
        double most = -1.0;

        while (i < x->n && at[x->passage[i]].clause == clause)
            i++;
        for (int t = 0; t < n; t++) {
            double sum = 0.0;

            for (int k = from; k < i; k++)
                sum += (double)p[(size_t)k * (size_t)n + (size_t)t];
            if (sum > most) {
                most = sum;
                best = t;
            }
        }
        j->r->clause_type[clause] = best;
        j->r->clause_score[clause] = most / (i - from);
    }
}

static int states_value(const struct graph *g, int clause)
{
    for (int i = 0; i < g->n_value; i++)
        if (g->value[i].clause == clause)
            return 1;
    return 0;
}

static int typing_init(struct typing *x, const struct judging *j)
{
    size_t n = (size_t)j->r->passages->n;

    *x = (struct typing){ mem_calloc(n, sizeof *x->passage),
                          mem_calloc(n, sizeof *x->text), 0 };
    for (int i = 0; x->passage && x->text && i < (int)n; i++)
        if (!j->o->values_only ||
            states_value(j->r->graph, j->r->passages->at[i].clause)) {
            x->text[x->n] = j->plain[i];
            x->passage[x->n++] = i;
        }
    return x->passage && x->text;
}

static enum sor_err read_types(struct judging *j)
{
    struct review *r = j->r;
    struct judge_watch watch = { on_progress, j };
    size_t cells = (size_t)r->passages->n * (size_t)j->o->pack->n_type;
    struct typing x;
    float *logp, *p;
    enum sor_err err;

    if (!j->o->pack->n_type)
        return SOR_OK;
    logp = mem_calloc(cells, sizeof *logp);
    p = mem_calloc(cells, sizeof *p);
    r->clause_type = claim_alloc(j, r->clauses->n, sizeof *r->clause_type);
    r->clause_score = claim_alloc(j, r->clauses->n, sizeof *r->clause_score);
    if (!typing_init(&x, j) || !logp || !p || j->failed) {
        err = sor_fail(j->msg, SOR_NOMEM, "clause types: out of memory");
    } else {
        for (int i = 0; i < r->clauses->n; i++) {
            r->clause_type[i] = -1;
            r->clause_score[i] = NAN;
        }
        err = judge_types(j->judge, x.text, x.n, &watch, logp, p, j->msg);
        if (!err)
            settle_types(j, &x, p);
    }
    mem_free(x.passage);
    mem_free(x.text);
    mem_free(logp);
    mem_free(p);
    return err;
}

/* --- all of it ----------------------------------------------------------- */

static enum sor_err read_plain(struct judging *j)
{
    int n = j->r->passages->n;

    j->plain = arena_alloc(&j->scratch, (size_t)n, sizeof *j->plain);
    for (int i = 0; j->plain && i < n; i++)
        j->plain[i] = path_text(j, i, PATH_PLAIN);
    return j->plain && !j->failed
               ? SOR_OK
               : sor_fail(j->msg, SOR_NOMEM, "passages: out of memory");
}

static enum sor_err decide(struct judging *j)
{
    enum sor_err err;

    if ((err = read_plain(j)) || (err = read_types(j)) ||
        (err = claims_begin(j)) || (err = claims_rank(j)) ||
        (err = paths_ask(j)))
        return err;
    paths_answer(j);
    if ((err = checks_ask(j)))
        return err;
    checks_answer(j);
    conclude(j);
    if (j->failed)
        return sor_fail(j->msg, j->failed, "review: out of memory");
    return findings_make(j->r, j->msg);
}

enum sor_err review_judge(struct review *r, const struct review_opts *o,
                          struct judge *judge, struct sor_msg *msg)
{
    struct judging j = {
        .r = r, .o = o, .cal = &o->pack->calibration, .judge = judge,
        .arena = r->own, .msg = msg,
    };
    enum sor_err err = decide(&j);

    asks_release(&j.asks);
    arena_release(&j.scratch);
    return err;
}

enum sor_err review_open(const char *path, const struct review_opts *o,
                         struct engine *e, struct review **out,
                         struct sor_msg *msg)
{
    struct review *r = NULL;
    struct judge *j = NULL;
    enum sor_err err = review_read(path, o, &r, msg);

    if (!err && e && !o->rules_only) {
        err = judge_open(e, o->pack, &j, msg);
        if (!err) {
            judge_remember(j, o->memory);
            err = review_judge(r, o, j, msg);
        }
        judge_close(j);
    }
    if (err) {
        review_close(r);
        return err;
    }
    *out = r;
    return SOR_OK;
}
