#include "review/recheck.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "db/review.h"
#include "engine/engine.h"

struct recheck {
    struct db *d;
    int64_t run_id;
    struct recheck_report *out;
    struct db_review_set row;           /* of db_reading */
    /* the job: different passages and statements of the rows, and which row
     * asks for which pair */
    struct passage_text *passage;
    const char **statement;
    int n_passage, n_statement;
    int *of_row_passage, *of_row_statement;     /* [row.n] */
    int *row_of;                        /* [n_passage * n_statement]; -1 */
    uint8_t *want;
    int first;                          /* lowest row that differs; -1 */
    struct sor_msg said;
};

static const struct db_reading *reading(const struct recheck *x, int i)
{
    return (const struct db_reading *)x->row.row + i;
}

/* --- the job -------------------------------------------------------------- */

/* Rows in the order of what they read, to find those that read the same. */
static const struct db_reading *sorted_rows;

static int by_passage(const void *a, const void *b)
{
    const struct db_reading *x = &sorted_rows[*(const int *)a];
    const struct db_reading *y = &sorted_rows[*(const int *)b];
    int c = strcmp(x->text, y->text);

    return c ? c : strcmp(x->context, y->context);
}

static int by_statement(const void *a, const void *b)
{
    return strcmp(sorted_rows[*(const int *)a].statement,
                  sorted_rows[*(const int *)b].statement);
}

/* Numbers the different values of all rows by `order` into number[]; returns
 * how many there are. */
static int number_rows(struct recheck *x, int *index,
                       int (*order)(const void *, const void *), int *number)
{
    int n = 0;

    for (int i = 0; i < x->row.n; i++)
        index[i] = i;
    sorted_rows = x->row.row;
    qsort(index, (size_t)x->row.n, sizeof *index, order);
    for (int i = 0; i < x->row.n; i++) {
        if (i && order(&index[i - 1], &index[i]) != 0)
            n++;
        number[index[i]] = n;
    }
    return x->row.n ? n + 1 : 0;
}

static enum sor_err make_job(struct recheck *x)
{
    size_t n = (size_t)x->row.n, all;
    int *index = mem_calloc(n + 1, sizeof *index);

    x->of_row_passage = mem_calloc(n + 1, sizeof *x->of_row_passage);
    x->of_row_statement = mem_calloc(n + 1, sizeof *x->of_row_statement);
    if (!index || !x->of_row_passage || !x->of_row_statement) {
        mem_free(index);
        return SOR_NOMEM;
    }
    x->n_passage = number_rows(x, index, by_passage, x->of_row_passage);
    x->n_statement = number_rows(x, index, by_statement, x->of_row_statement);
    mem_free(index);
    if (mem_mul((size_t)x->n_passage, (size_t)x->n_statement, &all))
        return SOR_NOMEM;
    x->passage = mem_calloc((size_t)x->n_passage + 1, sizeof *x->passage);
    x->statement = mem_calloc((size_t)x->n_statement + 1,
                              sizeof *x->statement);
    x->row_of = mem_calloc(all + 1, sizeof *x->row_of);
    x->want = mem_calloc(all + 1, 1);
    if (!x->passage || !x->statement || !x->row_of || !x->want)
        return SOR_NOMEM;
    for (int i = 0; i < x->row.n; i++) {
        const struct db_reading *g = reading(x, i);
        int p = x->of_row_passage[i], s = x->of_row_statement[i];
        size_t at = (size_t)p * (size_t)x->n_statement + (size_t)s;

        x->passage[p] = (struct passage_text){ g->context, g->text };
        x->statement[s] = g->statement;
        x->row_of[at] = i;
        x->want[at] = 1;
    }
    return SOR_OK;
}

/* --- comparing ------------------------------------------------------------ */

static void differs(struct recheck *x, int row, const struct reading *now)
{
    const struct db_reading *was = reading(x, row);

    x->out->same = 0;
    if (x->first >= 0 && x->first <= row)
        return;
    x->first = row;
    if (x->out->exact)
        sor_fail(&x->said, SOR_DIFFERS, "logits recorded %016llx, now "
                 "%016llx", (unsigned long long)was->digest,
                 (unsigned long long)now->digest);
    else
        sor_fail(&x->said, SOR_DIFFERS, "logits recorded %.4f %.4f %.4f, now "
                 "%.4f %.4f %.4f", was->logit[0], was->logit[1],
                 was->logit[2], (double)now->logit[0], (double)now->logit[1],
                 (double)now->logit[2]);
}

static void on_reading(void *ud, const struct reading *now)
{
    struct recheck *x = ud;
    int row = x->row_of[(size_t)now->passage * (size_t)x->n_statement +
                        (size_t)now->statement];
    const struct db_reading *was = reading(x, row);
    double off = 0;
    int bits = was->digest == now->digest;

    for (int k = 0; k < RELATIONS; k++) {
        double d = fabs(was->logit[k] - (double)now->logit[k]);

        bits &= was->logit[k] == (double)now->logit[k];
        off = d <= off ? off : d;       /* NaN stays */
    }
    x->out->n_pair++;
    if (!(off <= x->out->worst))
        x->out->worst = off;
    if (x->out->exact ? !bits : !(off <= RECHECK_TOLERANCE))
        differs(x, row, now);
}

/* --- where a reading stands ----------------------------------------------- */

/* "claim nda-4, path 3, clause 7.2: " of the first path that rests on it; the
 * statement where none does (it ranked, or tested). */
static void name_place(struct recheck *x, int64_t reading_id,
                       const char *statement)
{
    struct db_place at;
    char safe[96];

    if (db_reading_place(x->d, reading_id, &at) == 1) {
        snprintf(x->out->where, sizeof x->out->where, "claim %s, path %d, "
                 "clause %s: %.150s", at.claim, at.path, at.clause,
                 x->said.text);
        return;
    }
    text_safe_fit(safe, sizeof safe, statement, strlen(statement), 0);
    snprintf(x->out->where, sizeof x->out->where, "statement \"%s\": %.130s",
             safe, x->said.text);
}

/* --- types ---------------------------------------------------------------- */

static enum sor_err recheck_types(struct recheck *x, struct judge *j,
                                  int n_type, const struct judge_watch *watch,
                                  struct sor_msg *msg)
{
    struct db_review_set set = { NULL, 0, NULL };
    struct passage_text *passage = NULL;
    float *logp = NULL;
    enum sor_err err = db_review_load(x->d, DB_TYPE_READING, x->run_id, &set,
                                      msg);
    const struct db_type_reading *g = set.row;
    size_t bytes = (size_t)n_type * sizeof *logp;

    if (err || set.n == 0)
        goto done;
    passage = mem_calloc((size_t)set.n, sizeof *passage);
    logp = mem_calloc((size_t)set.n, bytes);
    if (!passage || !logp) {
        err = sor_fail(msg, SOR_NOMEM, "out of memory");
        goto done;
    }
    for (int i = 0; i < set.n; i++)
        passage[i] = (struct passage_text){ g[i].context, g[i].text };
    err = judge_types(j, passage, set.n, watch, logp, NULL, msg);
    for (int i = 0; i < set.n && !err; i++, x->out->n_type++) {
        char safe[64];

        /* what differs in sum order may also prune at another label, so that
         * only equal bits are compared */
        if (!x->out->exact || (g[i].logp.n == bytes &&
            memcmp(g[i].logp.p, logp + (size_t)i * (size_t)n_type, bytes)
                == 0))
            continue;
        if (x->out->same) {
            text_safe_fit(safe, sizeof safe, g[i].text, strlen(g[i].text), 0);
            snprintf(x->out->where, sizeof x->out->where, "type of the "
                     "passage \"%s...\": other log-probabilities than "
                     "recorded", safe);
        }
        x->out->same = 0;
    }
done:
    mem_free(passage);
    mem_free(logp);
    db_review_set_release(&set);
    return err;
}

/* --- all of it ------------------------------------------------------------ */

static enum sor_err recheck_pairs(struct recheck *x, struct judge *j,
                                  const struct judge_watch *watch,
                                  struct sor_msg *msg)
{
    struct judge_job job;
    enum sor_err err = make_job(x);

    if (err)
        return sor_fail(msg, err, "out of memory for %d readings", x->row.n);
    job = (struct judge_job){ .passage = x->passage,
        .n_passage = x->n_passage, .statement = x->statement,
        .n_statement = x->n_statement, .want = x->want,
        .on_reading = on_reading, .ud = x, .watch = watch };
    err = judge_pairs(j, &job, msg);
    if (!err && x->first >= 0)
        name_place(x, reading(x, x->first)->id,
                   reading(x, x->first)->statement);
    return err;
}

enum sor_err recheck_review(struct db *d, const struct db_run *run,
                            struct judge *j, const struct judge_watch *watch,
                            struct recheck_report *out, struct sor_msg *msg)
{
    struct recheck x = { .d = d, .run_id = run->id, .out = out, .first = -1 };
    const char *isa = judge_isa(j);
    enum sor_err err = db_review_load(d, DB_READING, run->id, &x.row, msg);

    *out = (struct recheck_report){ .same = 1,
                                    .exact = strcmp(isa, run->isa) == 0 };
    if (!err && x.row.n == 0)
        err = sor_fail(msg, SOR_NOTFOUND, "run %.8s holds no readings of a "
                       "model: there is nothing to compute again", run->uid);
    for (int i = 0; i < x.row.n && !err; i++)
        if (!reading(&x, i)->text || !reading(&x, i)->context ||
            !reading(&x, i)->statement)
            err = sor_fail(msg, SOR_NOTFOUND, "run %.8s: its words were "
                           "forgotten, so it cannot be computed again",
                           run->uid);
    if (!err)
        err = recheck_pairs(&x, j, watch, msg);
    if (!err)
        err = recheck_types(&x, j, judge_n_type(j), watch, msg);
    db_review_set_release(&x.row);
    mem_free(x.passage);
    mem_free(x.statement);
    mem_free(x.of_row_passage);
    mem_free(x.of_row_statement);
    mem_free(x.row_of);
    mem_free(x.want);
    return err;
}
