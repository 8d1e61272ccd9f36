/* cli/eval_claims.c - claims against annotated agreements: what is cited, what
 * is decided, and how sure it was.
 *
 * Forced: the likeliest of the three verdicts, whatever the thresholds say.
 * Given: verdicts that the program stands by.  Wrongly supported: a claim that
 * is not, among all that are not. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/eval.h"

enum { CITED = 7, BINS = 10 };

struct claims {
    struct eval *e;
    struct review_opts o;
    /* by confidence, of verdicts given and forced */
    double sum[2][BINS], right[2][BINS];
    int n[2][BINS];
};

static int stopped(void *ud)
{
    (void)ud;
    return cli_stopped();
}

/* --- one claim ----------------------------------------------------------- */

static int gold_of(const cJSON *annotation)
{
    const char *label = eval_text(annotation, "label");

    return !label ? -1 : strcmp(label, "Entailment") == 0 ? VERDICT_SUPPORTED
         : strcmp(label, "Contradiction") == 0 ? VERDICT_CONTRADICTED
         : strcmp(label, "NotMentioned") == 0 ? VERDICT_NOT_ADDRESSED : -1;
}

static const struct claim_result *find_claim(const struct review *r,
                                             const char *id)
{
    for (int i = 0; id && i < r->n_claim; i++)
        if (strcmp(r->claim[i].claim->id, id) == 0)
            return &r->claim[i];
    return NULL;
}

/* Is a gold passage among the first that are cited?  -1: there is none. */
static int cites_gold(const struct review *r, const struct claim_result *c,
                      const cJSON *annotation)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(annotation,
                                                         "evidence");
    const cJSON *o;
    int any = -1;

    cJSON_ArrayForEach(o, list) {
        struct eval_place g = eval_place(o);

        any = any < 0 ? 0 : any;
        for (int k = 0; k < c->n_evidence && k < CITED; k++) {
            int from = (int)document_cp(r->doc, c->evidence[k].span.from);
            int to = (int)document_cp(r->doc, c->evidence[k].span.to);

            if (from < g.to && g.from < to)
                any = 1;
        }
    }
    return any;
}

static void put_bin(struct claims *x, int which, double p, int right)
{
    int b = (int)(p * BINS);

    if (isnan(p))
        return;
    b = b < 0 ? 0 : b >= BINS ? BINS - 1 : b;
    x->sum[which][b] += p;
    x->right[which][b] += right;
    x->n[which][b]++;
}

static void score(struct claims *x, const struct review *r,
                  const struct claim_result *c, const cJSON *annotation)
{
    struct tally *t = &x->e->tally;
    int gold = gold_of(annotation), forced = 0, cited;
    int given = c->verdict <= VERDICT_NOT_ADDRESSED;

    if (gold < 0)
        return;
    for (int k = 1; k < 3; k++)
        if (c->p[k] > c->p[forced])
            forced = k;
    tally_add(t, "verdict.forced", (struct tally_part){ forced == gold, 1,
                                                        1 });
    tally_add(t, "verdict.answered", (struct tally_part){ given, 1, 1 });
    if (given)
        tally_add(t, "verdict.given",
                  (struct tally_part){ (int)c->verdict == gold, 1, 1 });
    /* F1 of contradictions: their weakest point */
    tally_add(t, "contradicted.f1", (struct tally_part){
        2.0 * (forced == VERDICT_CONTRADICTED && gold == forced),
        (forced == VERDICT_CONTRADICTED) + (gold == VERDICT_CONTRADICTED),
        gold == VERDICT_CONTRADICTED });
    if (gold != VERDICT_SUPPORTED)
        tally_add(t, "wrongly_supported", (struct tally_part){
            c->verdict == VERDICT_SUPPORTED, 1, 1 });
    if ((cited = cites_gold(r, c, annotation)) >= 0)
        tally_add(t, "evidence.cited", (struct tally_part){ cited, 1, 1 });
    if (!isnan(c->stability))
        tally_add(t, "stability", (struct tally_part){ c->stability, 1, 1 });
    put_bin(x, 0, c->p[forced], forced == gold);
    if (given)
        put_bin(x, 1, c->confidence, (int)c->verdict == gold);
}

/* --- documents ----------------------------------------------------------- */

static enum sor_err claim_line(void *ud, const cJSON *line)
{
    const char *text = eval_text(line, "text");
    struct claims *x = ud;
    struct sor_msg *msg = &x->e->cli->msg;
    struct review *r = NULL;
    uint64_t start = clock_mono_ns();
    const cJSON *o;
    enum sor_err err;

    if (!text)
        return sor_fail(msg, SOR_FORMAT, "a line has no \"text\"");
    if (!(err = eval_read(text, &x->o, &r, msg)))
        err = review_judge(r, &x->o, x->e->judge, msg);
    tally_next(&x->e->tally);
    if (!err)
        cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(line,
                                                               "annotations")) {
            const struct claim_result *c = find_claim(r, eval_text(o,
                                                                   "hyp_id"));

            if (c)
                score(x, r, c, o);
        }
    tally_add(&x->e->tally, "seconds", (struct tally_part){
        (double)(clock_mono_ns() - start) / 1e9, 1, 1 });
    review_close(r);
    progress_set(&x->e->bar, (uint64_t)++x->e->n_done);
    return err;
}

/* Expected calibration error over ten bins of equal width; it is no sum over
 * documents, so it has no interval: all of it counts as one document's. */
static void put_ece(struct claims *x, const char *name, int which)
{
    double off = 0;
    int n = 0;

    for (int b = 0; b < BINS; b++) {
        off += fabs(x->sum[which][b] - x->right[which][b]);
        n += x->n[which][b];
    }
    if (n)
        tally_add(&x->e->tally, name, (struct tally_part){ off, n, n });
}

enum sor_err eval_claims(struct eval *e, const char *path)
{
    struct claims x = { .e = e, .o = { .pack = e->pack,
        .claim = e->pack->claim, .n_claim = e->pack->n_claim,
        .n_path = e->n_path, .strict = e->strict, .cancelled = stopped } };
    enum sor_err err = eval_lines(path, e->max_doc, claim_line, &x,
                                  &e->cli->msg);

    if (!err && e->tally.n_doc) {
        put_ece(&x, "ece.forced", 0);
        put_ece(&x, "ece.given", 1);
    }
    return err;
}
