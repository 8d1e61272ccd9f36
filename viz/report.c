#include "viz/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/chain.h"

/* --- loading -------------------------------------------------------------- */

static enum sor_err load_run(struct report *r, struct db *d,
                             struct sor_msg *msg)
{
    uint8_t head[SHA256_BYTES];
    int64_t n_batch;
    struct db_run run;
    struct db_model m;
    enum sor_err err;

    if (db_get_run(d, r->run_id, &run) != 1)
        return sor_fail(msg, SOR_FORMAT, "the run cannot be read");
    snprintf(r->uid, sizeof r->uid, "%s", run.uid);
    snprintf(r->isa, sizeof r->isa, "%s", run.isa);
    snprintf(r->program, sizeof r->program, "%s", run.program);
    snprintf(r->status, sizeof r->status, "%s",
             run.status ? run.status : "unfinished");
    clock_iso8601(run.started_us, r->started);
    r->seconds = (double)run.wall_ns / 1e9;
    if (strspn(r->uid, "0123456789abcdef") != 32)
        return sor_fail(msg, SOR_FORMAT, "the run's uid is not 32 hex "
                        "digits");
    if (strcmp(run.kind, "review") != 0)
        return sor_fail(msg, SOR_NOTFOUND, "run %.8s is no review: see "
                        "sorites runs", r->uid);
    if (run.model_id && db_get_model(d, run.model_id, &m) == 1) {
        snprintf(r->model, sizeof r->model, "%s", m.name);
        hash_hex(m.sha256, sizeof m.sha256, r->model_sha256);
    }
    err = chain_head(d, head, &n_batch, msg);
    if (!err)
        hash_hex(head, sizeof head, r->head);
    return err;
}

/* Where every code point of the text begins. */
static enum sor_err index_text(struct report *r, struct sor_msg *msg)
{
    const char *s = r->doc->text;
    size_t n = strlen(s), at = 0;
    uint32_t cp;

    r->n_char = (int)utf8_count(s, n);
    r->byte = mem_calloc((size_t)r->n_char + 1, sizeof *r->byte);
    if (!r->byte)
        return sor_fail(msg, SOR_NOMEM, "out of memory for a document");
    for (int i = 0; i < r->n_char; i++) {
        r->byte[i] = (uint32_t)at;
        at += utf8_next(s + at, n - at, &cp);
    }
    r->byte[r->n_char] = (uint32_t)n;
    return SOR_OK;
}

/* Room for one more step. */
static struct report_step *add_step(struct report *r, int *cap)
{
    if (r->n_step == *cap) {
        int want = *cap ? 2 * *cap : 64;
        void *p = mem_realloc(r->step, (size_t)want, sizeof *r->step);

        if (!p)
            return NULL;
        r->step = p;
        *cap = want;
    }
    return &r->step[r->n_step++];
}

/* The row's strings end to end; 0: out of memory. */
static int copy_step(struct report_step *s, const struct db_step *row)
{
    const char *from[] = { row->role, row->origin, row->text };
    const char **to[] = { &s->role, &s->origin, &s->text };
    size_t n = 0;
    char *at;

    *s = (struct report_step){ .path_id = row->path_id,
                               .ordinal = row->ordinal };
    for (int i = 0; i < 3; i++)
        n += from[i] ? strlen(from[i]) + 1 : 0;
    at = s->words = mem_calloc(n + 1, 1);
    for (int i = 0; at && i < 3; i++)
        if (from[i]) {
            *to[i] = strcpy(at, from[i]);
            at += strlen(at) + 1;
        }
    return s->words != NULL;
}

static enum sor_err load_steps_of(struct report *r, struct db *d,
                                  int64_t path_id, int *cap)
{
    struct db_cur *c = db_steps(d, path_id, (struct db_window){ 0, 0, 0 });
    struct db_step row;
    int got = 0, ok = 1;
    enum sor_err err;

    while (ok && c && (got = db_step_next(c, &row)) == 1) {
        struct report_step *s = add_step(r, cap);

        ok = s && copy_step(s, &row);
    }
    err = db_cur_close(c);
    return !ok ? SOR_NOMEM : err || got < 0 || !c ? SOR_IO : SOR_OK;
}

static enum sor_err load_steps(struct report *r, struct db *d,
                               struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;
    int cap = 0;

    for (int i = 0; i < report_n(r, DB_CLAIM_PATH) && !err; i++) {
        const struct db_claim_path *p = report_row(r, DB_CLAIM_PATH, i);

        err = load_steps_of(r, d, p->path_id, &cap);
    }
    return err ? sor_fail(msg, err, "cannot read the steps of the claims")
               : SOR_OK;
}

/* Kinds of ends that are a name, and what stands before it. */
static const struct { const char *kind, *lead; } named[] = {
    { "external", "external:" }, { "external_term", "external:term:" },
    { "dangling", "dangling:" },
};

static const char *name_lead(const char *kind)
{
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(named[i].kind, kind) == 0)
            return named[i].lead;
    return NULL;
}

/* Names lie with the texts of the database, of which a report has no other. */
static enum sor_err load_names(struct report *r, struct db *d,
                               struct sor_msg *msg)
{
    char words[1024];

    r->name = mem_calloc((size_t)report_n(r, DB_LOGIC) + 1, sizeof *r->name);
    for (int i = 0; r->name && i < report_n(r, DB_LOGIC); i++) {
        const struct db_logic *l = report_row(r, DB_LOGIC, i);
        struct report_name *n = &r->name[r->n_name];

        if (!name_lead(l->dst_kind))
            continue;
        db_text(d, l->dst_id, words, sizeof words);
        *n = (struct report_name){ l->dst_id, mem_strdup(words) };
        if (!n->words)
            break;
        r->n_name++;
    }
    return r->name && !r->name[r->n_name].text_id ? SOR_OK
         : sor_fail(msg, SOR_NOMEM, "out of memory for references");
}

enum sor_err report_load(struct db *d, int64_t run_id, struct report **out,
                         struct sor_msg *msg)
{
    struct report *r = mem_calloc(1, sizeof *r);
    enum sor_err err;

    if (!r)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    r->run_id = run_id;
    err = load_run(r, d, msg);
    for (int t = 0; t < DB_REVIEW_TABLES && !err; t++)
        if (t != DB_READING && t != DB_TYPE_READING)
            err = db_review_load(d, (enum db_review_table)t, run_id,
                                 &r->set[t], msg);
    if (!err) {
        r->review = report_row(r, DB_REVIEW, 0);
        r->doc = report_row(r, DB_DOCUMENT, 0);
        if (!r->review || !r->doc || !r->doc->text || !r->doc->name)
            err = sor_fail(msg, SOR_NOTFOUND, "run %.8s: its words were "
                           "forgotten, so there is no report", r->uid);
    }
    if (!err) {
        hash_hex(r->doc->sha256.p, r->doc->sha256.n < SHA256_BYTES
                 ? r->doc->sha256.n : SHA256_BYTES, r->doc_sha256);
        err = index_text(r, msg);
    }
    if (!err)
        err = load_steps(r, d, msg);
    if (!err)
        err = load_names(r, d, msg);
    if (err)
        report_close(r);
    else
        *out = r;
    return err;
}

void report_close(struct report *r)
{
    if (!r)
        return;
    for (int t = 0; t < DB_REVIEW_TABLES; t++)
        db_review_set_release(&r->set[t]);
    for (int i = 0; i < r->n_step; i++)
        mem_free(r->step[i].words);
    mem_free(r->step);
    for (int i = 0; i < r->n_name; i++)
        mem_free(r->name[i].words);
    mem_free(r->name);
    mem_free(r->byte);
    mem_free(r);
}

/* --- rows ----------------------------------------------------------------- */

int report_n(const struct report *r, enum db_review_table t)
{
    return r->set[t].n;
}

const void *report_row(const struct report *r, enum db_review_table t, int i)
{
    return i >= 0 && i < r->set[t].n
        ? (const char *)r->set[t].row + (size_t)i * db_review_row_bytes(t)
        : NULL;
}

/* Rows come in the order of their ids. */
const void *report_find(const struct report *r, enum db_review_table t,
                        int64_t id)
{
    int lo = 0, hi = r->set[t].n;

    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        int64_t at = *(const int64_t *)report_row(r, t, mid);

        if (at == id)
            return report_row(r, t, mid);
        if (at < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct report_step *report_step(const struct report *r, int64_t path_id,
                                      int ordinal)
{
    for (int i = 0; i < r->n_step; i++)
        if (r->step[i].path_id == path_id && r->step[i].ordinal == ordinal)
            return &r->step[i];
    return NULL;
}

struct report_text report_quote(const struct report *r, int from, int to)
{
    if (to > r->n_char)
        to = r->n_char;
    if (from < 0 || from >= to)
        return (struct report_text){ "", 0 };
    return (struct report_text){ r->doc->text + r->byte[from],
                                 r->byte[to] - r->byte[from] };
}

const char *report_clause(const struct report *r, int64_t clause_id,
                          char buf[REPORT_NAME])
{
    const struct db_clause *c = report_find(r, DB_CLAUSE, clause_id);

    if (!c)
        buf[0] = '\0';
    else if (c->full_number)
        text_safe_fit(buf, REPORT_NAME, c->full_number,
                      strlen(c->full_number), 0);
    else
        snprintf(buf, REPORT_NAME, "c%d", c->ordinal + 1);
    return buf;
}

void report_put_node(const struct report *r, const char *kind, int64_t id,
                     struct str *out)
{
    const struct db_clause *c = report_find(r, DB_CLAUSE, id);
    const struct db_term *t = report_find(r, DB_TERM, id);
    const struct db_claim *k = report_find(r, DB_CLAIM, id);
    const char *lead = name_lead(kind);

    if (lead) {
        str_puts(out, lead);
        for (int i = 0; i < r->n_name; i++)
            if (r->name[i].text_id == id) {
                str_puts(out, r->name[i].words);
                return;
            }
    } else if (strcmp(kind, "clause") == 0 && c) {
        str_printf(out, "c%d", c->ordinal + 1);
    } else if (strcmp(kind, "term") == 0 && t) {
        str_printf(out, "term:%s", t->name ? t->name : "");
    } else if (strcmp(kind, "claim") == 0 && k) {
        str_printf(out, "claim:%s", k->name);
    } else {
        str_puts(out, kind);
    }
}

const struct db_verdict *report_verdict(const struct report *r,
                                        int64_t claim_id)
{
    for (int i = 0; i < report_n(r, DB_VERDICT); i++) {
        const struct db_verdict *v = report_row(r, DB_VERDICT, i);

        if (v->claim_id == claim_id)
            return v;
    }
    return NULL;
}

const struct db_decision *report_decision_back(const struct report *r,
                                               int64_t finding_id, int back)
{
    for (int i = report_n(r, DB_DECISION) - 1; i >= 0; i--) {
        const struct db_decision *d = report_row(r, DB_DECISION, i);

        if (d->finding_id == finding_id && back-- == 0)
            return d;
    }
    return NULL;
}

const struct db_decision *report_decision(const struct report *r,
                                          int64_t finding_id)
{
    return report_decision_back(r, finding_id, 0);
}

int report_needs_you(const struct report *r, const struct db_finding *f)
{
    return f->severity >= 2 && !report_decision(r, f->id);
}

/* A document with pages has a form feed between each two. */
int report_page(const struct report *r, int at)
{
    int page = 1;

    if (at < 0 || at > r->n_char || r->doc->n_page <= 0)
        return 0;
    for (uint32_t i = 0; i < r->byte[at]; i++)
        page += r->doc->text[i] == '\f';
    return page;
}

/* --- words ---------------------------------------------------------------- */

static int is_contrast(const char *kind)
{
    return strcmp(kind, "negation") == 0 || strcmp(kind, "swap") == 0 ||
           strcmp(kind, "value") == 0;
}

enum report_contrast report_contrast(const struct report *r, int64_t claim_id)
{
    enum report_contrast c = REPORT_NO_CONTRAST;

    for (int i = 0; i < report_n(r, DB_CHECK); i++) {
        const struct db_check *k = report_row(r, DB_CHECK, i);

        if (k->claim_id != claim_id || !is_contrast(k->kind))
            continue;
        if (k->passed == 0)
            return REPORT_CONTRAST_FAILED;
        if (k->passed == 1)
            c = REPORT_CONTRAST_PASSED;
    }
    return c;
}

const char *report_contrast_word(enum report_contrast c)
{
    static const char *const word[] = {
        [REPORT_NO_CONTRAST] = "no contrast check",
        [REPORT_CONTRAST_PASSED] = "contrast passed",
        [REPORT_CONTRAST_FAILED] = "contrast FAILED"
    };

    return word[c];
}

void report_put_error_rate(const struct db_claim *c, struct str *out)
{
    if (c->n_given <= 0) {
        str_puts(out, "error rate unmeasured");
        return;
    }
    str_printf(out, "wrong in %.0f %% of %d", 100.0 * c->n_wrong / c->n_given,
               c->n_given);
    if (!isnan(c->wrong_low) && !isnan(c->wrong_high))
        str_printf(out, " (%.0f-%.0f %%)", 100 * c->wrong_low,
                   100 * c->wrong_high);
}

const char *report_word(const char *word)
{
    static const struct { const char *row, *read; } words[] = {
        { "not_addressed", "not addressed" },
        { "not_measured", "not measured" },
        { "needs_review", "needs review" },
        { "paraphrase_2", "2nd paraphrase" },
        { "short_context", "short context" },
        { "standard", "acceptable" },
        { "fallback", "a fallback" },
        { "unacceptable", "not acceptable" },
    };

    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].row, word) == 0)
            return words[i].read;
    return word ? word : "";
}

void report_put_verdict(const struct db_verdict *v, struct str *out)
{
    static const char *const word[] = { "supported", "contradicted",
                                        "not addressed" };
    int best = 0;

    for (int k = 1; k < 3; k++)
        if (v->p[k] > v->p[best])
            best = k;
    str_puts(out, report_word(v->verdict));
    if (strcmp(v->verdict, "needs_review") == 0 && !isnan(v->p[best]))
        str_printf(out, ", perhaps %s (%.2f)", word[best], v->p[best]);
    else if (!isnan(v->confidence))
        str_printf(out, ", probability that this is right %.2f",
                   v->confidence);
}

void report_put_stance(const struct db_verdict *v, struct str *out)
{
    str_printf(out, "playbook: %s", report_word(v->stance));
}

void report_put_decision(const struct db_decision *d, struct str *out)
{
    char at[21];

    clock_iso8601(d->at_us, at);
    str_puts(out, strcmp(d->choice, "accept") == 0 ? "accepted"
             : strcmp(d->choice, "reject") == 0 ? "rejected" : "corrected");
    if (d->verdict)
        str_printf(out, " to \"%s\" (overrides the program)",
                   report_word(d->verdict));
    str_printf(out, " by %s, %s", d->name ? d->name : "unnamed", at);
    if (d->reason)
        str_printf(out, ": %s", d->reason);
}

void report_put_nothing(const struct report *r, struct str *out)
{
    if (strcmp(r->status, "complete") == 0)
        str_puts(out, "Nothing was found.");
    else
        str_printf(out, "This review is unfinished and has no findings yet; "
                   "%d defect%s found by rule.  The same command goes on "
                   "with it.", report_n(r, DB_DEFECT),
                   report_n(r, DB_DEFECT) == 1 ? " was" : "s were");
}

/* --- what was not checked ------------------------------------------------- */

static int count_verdicts(const struct report *r, const char *verdict)
{
    int n = 0;

    for (int i = 0; i < report_n(r, DB_VERDICT); i++) {
        const struct db_verdict *v = report_row(r, DB_VERDICT, i);

        n += strcmp(v->verdict, verdict) == 0;
    }
    return n;
}

static int count_external(const struct report *r)
{
    int n = 0;

    for (int i = 0; i < report_n(r, DB_LOGIC); i++) {
        const struct db_logic *l = report_row(r, DB_LOGIC, i);

        n += strcmp(l->dst_kind, "external") == 0;
    }
    return n;
}

void report_put_unchecked(const struct report *r, struct str *out)
{
    int unmeasured = count_verdicts(r, "not_measured");
    int external = count_external(r), unread = 0;

    if (r->review->rules_only)
        str_puts(out, "No model was used: clause types and claims were not "
                 "looked at.\n");
    if (strcmp(r->status, "complete") != 0)
        str_printf(out, "This review is %s: what is missing was not "
                   "checked.\n", r->status);
    for (int i = 0; i < report_n(r, DB_CHECK); i++) {
        const struct db_check *k = report_row(r, DB_CHECK, i);

        unread += strcmp(k->kind, "coverage") == 0 && k->passed == 0;
    }
    if (unread)
        str_printf(out, "For %d claim%s not every clause was read by some "
                   "path.\n", unread, unread == 1 ? "" : "s");
    if (unmeasured)
        str_printf(out, "%d claim%s no verdict: of a kind that was not "
                   "measured, or the document states several values and none "
                   "is singled out. Clauses are ranked.\n", unmeasured,
                   unmeasured == 1 ? " gets" : "s get");
    if (external)
        str_printf(out, "The document refers %d time%s to other documents or "
                   "laws, which were not read.\n", external,
                   external == 1 ? "" : "s");
    if (r->doc->encoding && strstr(r->doc->encoding, "tracked changes"))
        str_puts(out, "Tracked changes: insertions were read as accepted, "
                 "deletions left out.\n");
    str_puts(out, "Signatures, authority, tables, pictures, and whether a "
             "clause is lawful or enforceable.\n");
}
