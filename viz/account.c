#include "viz/account.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "db/chain.h"

/* --- loading -------------------------------------------------------------- */

/* The row's strings live until the next row of its kind is asked for. */
static void keep_strings(struct account *a)
{
    const char **s[] = { &a->run.uid, &a->run.kind, &a->run.prompt,
                         &a->run.system, &a->run.chat, &a->run.route,
                         &a->run.kv_type, &a->run.isa, &a->run.level,
                         &a->run.program, &a->run.params, &a->run.status,
                         &a->run.reason, &a->run.answer };

    for (size_t i = 0; i < sizeof s / sizeof *s; i++)
        *s[i] = graph_str(&a->text, *s[i]);
}

enum sor_err account_load(struct db *d, int64_t run_id, const char *accuracy,
                          struct account *a, struct sor_msg *msg)
{
    uint8_t head[SHA256_BYTES];
    int64_t n_batch;
    struct db_model m;
    enum sor_err err;
    int got;

    *a = (struct account){ .db = d, .run_id = run_id };
    graph_init(&a->text);
    got = db_get_run(d, run_id, &a->run);
    if (got != 1)
        return sor_fail(msg, got ? SOR_IO : SOR_NOTFOUND,
                        got ? "run %lld: damaged row" : "no run with id %lld",
                        (long long)run_id);
    keep_strings(a);
    if (!a->run.uid || strspn(a->run.uid, "0123456789abcdef") != 32)
        return sor_fail(msg, SOR_FORMAT, "the run's uid is not 32 hex "
                        "digits");
    a->accuracy = graph_str(&a->text, accuracy);
    clock_iso8601(a->run.started_us, a->started);
    if (a->run.model_id && db_get_model(d, a->run.model_id, &m) == 1) {
        a->model = graph_printf(&a->text, "%.100s %.20s", m.name, m.quant);
        hash_hex(m.sha256, sizeof m.sha256, a->model_sha256);
    }
    err = chain_head(d, head, &n_batch, msg);
    if (err)
        return err;
    hash_hex(head, sizeof head, a->head);
    return rows_load(d, run_id, &a->text, &a->rows, msg);
}

void account_release(struct account *a)
{
    rows_release(&a->rows);
    graph_release(&a->text);
}

/* --- words ---------------------------------------------------------------- */

static int n_leading(const struct rows *r)
{
    int n = 0;

    while (n < r->n_vote && r->vote[n].votes == r->vote[0].votes)
        n++;
    return n;
}

void account_put_answer(const struct account *a, struct str *out)
{
    const struct rows *r = &a->rows;
    int lead = n_leading(r);

    if (lead == 0)
        str_puts(out, r->n_path == 1 ? "The path states no answer"
                                     : "No path states an answer");
    else if (lead > 1)
        str_printf(out, "Undecided: %d answers with %d vote%s each", lead,
                   r->vote[0].votes, r->vote[0].votes == 1 ? "" : "s");
    else
        str_printf(out, "%s (%d of %d path%s)", r->vote[0].answer
                   ? r->vote[0].answer : "(forgotten)", r->vote[0].votes,
                   r->n_path, r->n_path == 1 ? "" : "s");
}

static void put_piece(struct str *out, const char *text)
{
    if (text)
        str_printf(out, "\xE2\x80\x9C%s\xE2\x80\x9D", text);
    else
        str_puts(out, "its end");
}

void account_put_parting(const struct rows_path *p, struct str *out)
{
    if (p->near < 0)
        return;
    if (p->part_pos < 0) {
        str_printf(out, "the same as path %d to the end", p->near);
        return;
    }
    str_printf(out, "parts from path %d at token %d: ", p->near, p->part_pos);
    put_piece(out, p->part_own);
    str_puts(out, " where that has ");
    put_piece(out, p->part_other);
}

/* The step whose tokens were least likely, of all paths; NULL: no figures. */
static const struct rows_step *weakest(const struct rows *r, int *path)
{
    const struct rows_step *worst = NULL;

    for (int i = 0; i < r->n_path; i++)
        for (int k = 0; k < r->path[i].n_step; k++) {
            const struct rows_step *s = &r->path[i].step[k];

            if (!isnan(s->prob) && (!worst || s->prob < worst->prob)) {
                worst = s;
                *path = r->path[i].ordinal;
            }
        }
    return worst;
}

static void put_ends(const struct account *a, struct str *out)
{
    int cut = 0;

    for (int i = 0; i < a->rows.n_path; i++) {
        const char *stop = a->rows.path[i].stop;

        cut += stop && (strcmp(stop, "length") == 0 ||
                        strcmp(stop, "context") == 0);
    }
    if (cut)
        str_printf(out, "%d path%s stopped at the limit of tokens, not at an "
                   "end of its own.\n", cut, cut == 1 ? " was" : "s were");
    if (!a->run.status)
        str_puts(out, "The run has not ended: what is here is what was "
                 "stored so far.\n");
    else if (strcmp(a->run.status, "complete") != 0)
        str_printf(out, "The run is %s; %lld events were lost.\n",
                   a->run.status, (long long)a->run.n_lost);
}

void account_put_needs(const struct account *a, struct str *out)
{
    const struct rows *r = &a->rows;
    const struct rows_step *s;
    int lead = n_leading(r), silent = r->n_path, path = 0;

    for (int v = 0; v < r->n_vote; v++)
        silent -= r->vote[v].votes;
    if (lead > 1)
        str_puts(out, "No answer leads; the paths must be read.\n");
    if (lead == 1 && r->n_vote > 1)
        str_printf(out, "%d other answer%s given: see where the paths "
                   "part.\n", r->n_vote - 1, r->n_vote == 2 ? " was"
                                                            : "s were");
    if (silent > 0)
        str_printf(out, "%d path%s no answer that could be read.\n", silent,
                   silent == 1 ? " states" : "s state");
    if ((s = weakest(r, &path)))
        str_printf(out, "The least likely step is %.8s:%d:%d, with a mean "
                   "probability of %.2f a token.\n", a->run.uid, path,
                   s->ordinal, s->prob);
    put_ends(a, out);
}

void account_put_unmeasured(const struct account *a, struct str *out)
{
    if (a->accuracy)
        str_printf(out, "%s.\n", a->accuracy);
    else
        str_puts(out, "How often this model is right on such a question: "
                 "unmeasured.\n");
    str_puts(out, "Whether the answer follows from the reasoning: unmeasured "
             "here (sorites faithful).\n");
    if (a->rows.n_path > 1)
        str_puts(out, "Agreement of paths is stability, not truth: they share "
                 "one model.\n");
    if (!a->model)
        str_puts(out, "A foreign trace: no model was run here, so there are "
                 "no layers, and it cannot be replayed.\n");
    str_puts(out, "Links by shared words and by attention are correlation, "
             "not cause.\n");
}
