/* review/claim.c - which claims a document is asked, and the passages that
 * each of them rests on. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "review/claim_impl.h"

/* Paths read the best passage and at most two others, those related at least so
 * much, and so much of what the best one is.  On 18 NDAs all seven cited ones
 * gave no better verdicts, and took twice the readings. */
static const double READ_FROM = 0.1, READ_SHARE = 0.3;
enum { READ_MOST = 3, HEAD_BYTES = 1500 };

/* --- small things -------------------------------------------------------- */

void *claim_alloc(struct judging *j, int n, size_t size)
{
    void *p = arena_alloc(j->arena, (size_t)n, size);

    if (!p)
        j->failed = SOR_NOMEM;
    return p;
}

char *claim_printf(struct judging *j, const char *fmt, ...)
{
    va_list ap;
    char buf[1024];
    char *s;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    s = arena_strndup(j->arena, buf, strlen(buf));
    if (!s)
        j->failed = SOR_NOMEM;
    return s;
}

const char *claim_text(struct judging *j, const char *s, size_t n)
{
    const char *copy = arena_strndup(&j->scratch, s, n);

    if (!copy)
        j->failed = SOR_NOMEM;
    return copy ? copy : "";
}

const char *claim_clause_name(const struct review *r, int clause, char *buf,
                              size_t size)
{
    const struct clause *c = clause >= 0 ? &r->clauses->at[clause] : NULL;

    if (c && c->path)
        snprintf(buf, size, "clause %s", c->path);
    else if (c && c->heading)
        snprintf(buf, size, "clause \"%.60s\"", c->heading);
    else
        snprintf(buf, size, "c%d", clause + 1);
    return buf;
}

const struct wording *claim_wording(const struct claim *c, const char *role,
                                    int nth, int trained)
{
    for (int i = 0; i < c->n_wording; i++) {
        const struct wording *w = &c->wording[i];

        if (strcmp(w->role, role) == 0 && (w->trained || !trained) &&
            nth-- == 0)
            return w;
    }
    return NULL;
}

int claim_is_measured(const struct inquiry *q)
{
    const struct claim *c = q->out->claim;

    return !c->custom && c->error.n > 0 && (q->n_value || !q->said);
}

/* --- readings ------------------------------------------------------------ */

const struct memo_entry *claim_reading(const struct judging *j,
                                       const struct passage_text *t,
                                       const char *statement, float *p)
{
    const struct memo_entry *e = asks_get(&j->asks, t, statement);

    if (e)
        judge_calibrate(j->cal, e->logit, p);
    else
        memcpy(p, (float[RELATIONS]){ 1.0f, 0.0f, 0.0f },
               RELATIONS * sizeof *p);
    return e;
}

static int on_progress(void *ud, int64_t done, int64_t total)
{
    struct judging *j = ud;

    if (j->o->on_stage)
        j->o->on_stage(j->o->ud, j->stage, done, total);
    return j->o->cancelled && j->o->cancelled(j->o->ud);
}

enum sor_err claims_read(struct judging *j, const char *stage, int once)
{
    struct judge_watch watch = { on_progress, j };

    if (j->failed)
        return sor_fail(j->msg, j->failed, "claims: out of memory");
    j->stage = stage;
    return asks_run(&j->asks, j->judge, once, &watch, j->msg);
}

/* --- which claims -------------------------------------------------------- */

static const struct claim_set *set_of(const struct pack *p,
                                      const struct claim *c)
{
    for (int i = 0; c->set && i < p->n_set; i++)
        if (strcmp(p->set[i].id, c->set) == 0)
            return &p->set[i];
    return NULL;
}

static int is_for(const struct review *r, const struct pack *p,
                  const struct claim_set *s)
{
    const struct document *d = r->doc;
    size_t n = d->n_byte < HEAD_BYTES ? d->n_byte : HEAD_BYTES;

    return s->document && pack_matches(p, s->document, d->text, n, NULL);
}

static int has_special_set(const struct review *r, const struct pack *p)
{
    for (int i = 0; i < p->n_set; i++)
        if (is_for(r, p, &p->set[i]))
            return 1;
    return 0;
}

int claim_applies(const struct review *r, const struct review_opts *o,
                  const struct claim *c)
{
    const struct claim_set *s = set_of(o->pack, c);

    if (o->claim != o->pack->claim || !s)
        return 1;
    return s->document ? is_for(r, o->pack, s) : !has_special_set(r, o->pack);
}

static void add(struct judging *j, const struct claim *c,
                const struct claim_about *about)
{
    struct inquiry *q = &j->inquiry[j->n];
    struct claim_result *out = &j->r->claim[j->n++];

    *out = (struct claim_result){
        .claim = c, .verdict = VERDICT_NEEDS_REVIEW, .confidence = NAN,
        .p = { NAN, NAN, NAN }, .stability = NAN, .error_correlation = NAN,
        .first_diff = { -1, -1 },
    };
    *q = (struct inquiry){ .out = out, .decisive = -1 };
    if (about) {
        memcpy(q->value, about->value, sizeof q->value);
        q->n_value = about->n_value;
        q->by_rule = about->by_rule;
        q->said = about->said;
    }
}

enum sor_err claims_begin(struct judging *j)
{
    int most = j->o->n_claim;

    j->r->claim = claim_alloc(j, most, sizeof *j->r->claim);
    j->inquiry = arena_alloc(&j->scratch, (size_t)most, sizeof *j->inquiry);
    if (!j->r->claim || !j->inquiry)
        return sor_fail(j->msg, SOR_NOMEM, "claims: out of memory");
    for (int i = 0; i < j->o->n_claim; i++) {
        const struct claim *c = &j->o->claim[i];
        struct claim_about about;

        if (value_kind_of(c->kind) < 0) {
            if (claim_applies(j->r, j->o, c))
                add(j, c, NULL);
        } else if (claim_value(j, c, &about)) {
            add(j, about.claim, &about);
        }
    }
    j->r->n_claim = j->n;
    return j->failed ? sor_fail(j->msg, j->failed, "claims: out of memory")
                     : SOR_OK;
}

/* --- ranking ------------------------------------------------------------- */

/* A value is asked of the passages alone that state one. */
static int in_question(const struct judging *j, const struct inquiry *q, int i)
{
    const struct span s = j->r->passages->at[i].span;

    for (int k = 0; k < q->n_value; k++)
        if (q->value[k]->span.from >= s.from && q->value[k]->span.from < s.to)
            return 1;
    return q->n_value == 0;
}

static void cite(struct inquiry *q, int passage, const float *p)
{
    int k = q->n_cited;

    while (k > 0 && q->p[k - 1][RELATION_UNRELATED] > p[RELATION_UNRELATED])
        k--;
    if (k == CITED_BY_MODEL)
        return;
    if (q->n_cited < CITED_BY_MODEL)
        q->n_cited++;
    for (int m = q->n_cited - 1; m > k; m--) {
        q->cited[m] = q->cited[m - 1];
        memcpy(q->p[m], q->p[m - 1], sizeof q->p[m]);
    }
    q->cited[k] = passage;
    memcpy(q->p[k], p, sizeof q->p[k]);
}

static int is_cited(const struct inquiry *q, int passage)
{
    for (int i = 0; i < q->n_cited; i++)
        if (q->cited[i] == passage)
            return 1;
    return 0;
}

/* The passages most like the claim in their words, behind the model's. */
static void cite_alike(struct judging *j, struct inquiry *q)
{
    const struct claim *c = q->out->claim;
    struct words w = claim_words(j, c);

    while (q->n_cited < CITED) {
        double most = 0.0;
        int best = -1;

        for (int i = 0; i < j->r->passages->n; i++) {
            double x = is_cited(q, i) || !in_question(j, q, i)
                           ? 0.0 : claim_likeness(j, &w, i);

            if (x > most) {
                most = x;
                best = i;
            }
        }
        if (best < 0)
            return;
        claim_reading(j, &j->plain[best], c->wording[0].text,
                      q->p[q->n_cited]);
        q->cited[q->n_cited++] = best;
    }
}

/* How many of the cited passages the paths read. */
static int worth_reading(const struct inquiry *q)
{
    int n = 0;

    for (double best = 0.0; n < q->n_cited && n < READ_MOST; n++) {
        double e = 1.0 - (double)q->p[n][RELATION_UNRELATED];

        best = n ? best : e;
        if (n && (e < READ_FROM || e < READ_SHARE * best))
            break;
    }
    return n;
}

static void cite_best(struct judging *j, struct inquiry *q)
{
    for (int i = 0; i < j->r->passages->n; i++) {
        float p[RELATIONS];

        if (in_question(j, q, i)) {
            claim_reading(j, &j->plain[i], q->out->claim->wording[0].text, p);
            cite(q, i, p);
        }
    }
    cite_alike(j, q);
    q->n_read = worth_reading(q);
}

enum sor_err claims_rank(struct judging *j)
{
    int n = j->r->passages->n;
    enum sor_err err;

    for (int k = 0; k < j->n; k++)
        for (int i = 0; i < n; i++)
            if (in_question(j, &j->inquiry[k], i))
                asks_add(&j->asks, &j->plain[i],
                         j->inquiry[k].out->claim->wording[0].text);
    claims_words(j);
    err = claims_read(j, "rank", 0);
    for (int k = 0; k < j->n && !err; k++)
        cite_best(j, &j->inquiry[k]);
    return err;
}
