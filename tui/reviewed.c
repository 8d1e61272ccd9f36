/* tui/reviewed.c - see reviewed.h. */
#include "tui/reviewed.h"

#include <string.h>

#include "base/text.h"

enum { QUOTE_BYTES = 1200, COUNT_COLS = 20 };

void reviewed_release(struct reviewed *r)
{
    for (int t = 0; t < DB_REVIEW_TABLES; t++)
        db_review_set_release(&r->set[t]);
    memset(r, 0, sizeof *r);
}

enum sor_err reviewed_load(struct reviewed *r, struct db *d, int64_t run_id,
                           unsigned wanted, struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;

    reviewed_release(r);
    wanted |= 1u << DB_DOCUMENT;
    for (int t = 0; t < DB_REVIEW_TABLES && !err; t++)
        if (wanted >> t & 1u)
            err = db_review_load(d, (enum db_review_table)t, run_id,
                                 &r->set[t], msg);
    if (!err && r->set[DB_DOCUMENT].n > 0)
        r->doc = r->set[DB_DOCUMENT].row;
    return err;
}

struct db_str reviewed_quote(const struct reviewed *r, int from, int to)
{
    struct db_str none = { "", 0 };

    if (!r->doc || !r->doc->text || from < 0 || to <= from)
        return none;
    size_t n = strlen(r->doc->text);
    size_t a = utf8_offset(r->doc->text, n, (size_t)from);
    size_t b = utf8_offset(r->doc->text + a, n - a, (size_t)(to - from));

    return (struct db_str){ r->doc->text + a, b };
}

const struct db_clause *reviewed_clause(const struct reviewed *r, int64_t id)
{
    const struct db_clause *c = r->set[DB_CLAUSE].row;

    for (int i = 0; i < r->set[DB_CLAUSE].n; i++)
        if (c[i].id == id)
            return &c[i];
    return NULL;
}

/* Clauses are in document order, parents first: the last that holds it is the
 * innermost. */
const struct db_clause *reviewed_holding(const struct reviewed *r, int at)
{
    const struct db_clause *c = r->set[DB_CLAUSE].row, *best = NULL;

    for (int i = 0; i < r->set[DB_CLAUSE].n && at >= 0; i++)
        if (c[i].char_from <= at && at < c[i].char_to)
            best = &c[i];
    return best;
}

const char *reviewed_number(const struct db_clause *c)
{
    if (!c)
        return "";
    return c->full_number ? c->full_number : c->number ? c->number
                                                       : "(unnumbered)";
}

const struct db_decision *reviewed_decision(const struct reviewed *r,
                                            int64_t finding_id)
{
    const struct db_decision *x = r->set[DB_DECISION].row, *newest = NULL;

    for (int i = 0; i < r->set[DB_DECISION].n; i++)
        if (x[i].finding_id == finding_id)
            newest = &x[i];
    return newest;
}

/* ---- words and looks ----------------------------------------------------- */

static const struct {
    const char *verdict, *shown;
    unsigned role;
} verdicts[] = {
    { "supported", "supported", ROLE_GOOD },
    { "contradicted", "contradicted", ROLE_BAD },
    { "not_addressed", "not addressed", ROLE_TEXT },
    { "needs_review", "needs review", ROLE_WARN },
    { "not_measured", "not measured", ROLE_DIM },
};

const char *reviewed_verdict(const char *verdict)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (strcmp(verdicts[i].verdict, verdict) == 0)
            return verdicts[i].shown;
    return verdict;
}

unsigned reviewed_role(const char *verdict)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (strcmp(verdicts[i].verdict, verdict) == 0)
            return verdicts[i].role;
    return ROLE_TEXT;
}

const char *reviewed_severity(int severity)
{
    static const char *const name[] = { "note", "low", "medium", "high" };

    return severity >= 0 && severity <= 3 ? name[severity] : "?";
}

unsigned reviewed_severity_role(int severity)
{
    return severity >= 3 ? ROLE_BAD : severity == 2 ? ROLE_WARN
         : severity == 1 ? ROLE_TEXT : ROLE_DIM;
}

struct db_addr addr_place(int64_t run_id, int pos)
{
    struct db_addr at = addr_run(run_id);

    at.pos = pos;
    return at;
}

struct db_addr addr_item(int64_t run_id, int ordinal)
{
    struct db_addr at = addr_run(run_id);

    at.step = ordinal;
    return at;
}

void reviewed_show(const struct reviewed *r, int64_t run_id, int from, int to,
                   struct doc *d)
{
    struct db_str q = reviewed_quote(r, from, to);
    const struct db_clause *c = reviewed_holding(r, from);

    if (q.n == 0)
        return;
    struct pen p = doc_line(d, 0, ROLE_ACCENT);
    pen_fmt(&p, "clause %s", reviewed_number(c));
    if (c && c->page > 0)
        pen_fmt(&p, ", page %d", c->page);
    doc_goes(d, &view_document, addr_place(run_id, from));
    doc_text(d, 2, ROLE_TEXT, q.p, q.n > QUOTE_BYTES ? QUOTE_BYTES : q.n);
    if (q.n > QUOTE_BYTES)
        doc_say(d, 2, ROLE_DIM, "(cut here; the document has all of it)");
}

void reviewed_wrong(const struct db_claim *c, struct doc *d)
{
    if (c->n_given > 0)
        doc_fact(d, "measured", "%d of %d such verdicts were wrong (%.1f %%; "
                 "95 %% interval %.1f to %.1f %%)", c->n_wrong, c->n_given,
                 100.0 * c->n_wrong / c->n_given, 100 * c->wrong_low,
                 100 * c->wrong_high);
    else
        doc_fact(d, "measured", "how often such verdicts are wrong is "
                 "unmeasured");
}

/* ---- the run's overview -------------------------------------------------- */

static void count_findings(const struct reviewed *r, int64_t run_id,
                           struct doc *d)
{
    const struct db_finding *f = r->set[DB_FINDING].row;
    int n[4] = { 0 }, decided = 0;

    for (int i = 0; i < r->set[DB_FINDING].n; i++) {
        n[f[i].severity & 3]++;
        decided += reviewed_decision(r, f[i].id) != NULL;
    }
    struct pen p = doc_line(d, 0, ROLE_STRONG);
    pen_fmt(&p, "%d findings", r->set[DB_FINDING].n);
    p.style = ROLE_BAD;
    pen_fmt(&p, "  %d high", n[3]);
    p.style = ROLE_WARN;
    pen_fmt(&p, "  %d medium", n[2]);
    p.style = ROLE_DIM;
    pen_fmt(&p, "  %d low  %d notes  %d decided", n[1], n[0], decided);
    doc_goes(d, &view_findings, addr_run(run_id));
}

static void count_verdicts(const struct reviewed *r, int64_t run_id,
                           struct doc *d)
{
    const struct db_verdict *v = r->set[DB_VERDICT].row;
    struct pen p = doc_line(d, 0, ROLE_STRONG);

    pen_fmt(&p, "%d claims", r->set[DB_CLAIM].n);
    doc_goes(d, &view_claims, addr_run(run_id));
    for (size_t k = 0; k < sizeof verdicts / sizeof *verdicts; k++) {
        int n = 0;

        for (int i = 0; i < r->set[DB_VERDICT].n; i++)
            n += strcmp(v[i].verdict, verdicts[k].verdict) == 0;
        if (n > 0 && pen_room(&p) < COUNT_COLS)     /* on with the next line */
            p = doc_line(d, 2, ROLE_TEXT);
        p.style = verdicts[k].role;
        if (n > 0)
            pen_fmt(&p, "  %d %s", n, verdicts[k].shown);
    }
}

/* Findings come worst first: the first that nobody has decided on. */
static void look_first(const struct reviewed *r, int64_t run_id, struct doc *d)
{
    const struct db_finding *f = r->set[DB_FINDING].row;
    const struct db_claim *c = r->set[DB_CLAIM].row;
    int i = 0, claim = -1;

    while (i < r->set[DB_FINDING].n && reviewed_decision(r, f[i].id))
        i++;
    doc_head(d, "Look first at");
    if (i == r->set[DB_FINDING].n) {
        doc_say(d, 0, ROLE_GOOD, "Nothing: every finding has been decided.");
        return;
    }
    struct pen p = doc_line(d, 0, reviewed_severity_role(f[i].severity));
    pen_fmt(&p, "%d %s  ", f[i].ordinal, reviewed_severity(f[i].severity));
    p.style = ROLE_STRONG;
    if (f[i].text)
        pen_line(&p, f[i].text, strlen(f[i].text));
    doc_goes(d, &view_findings, addr_item(run_id, f[i].ordinal));
    for (int k = 0; k < r->set[DB_CLAIM].n && f[i].claim_id; k++)
        if (c[k].id == f[i].claim_id)
            claim = k;
    if (claim >= 0)
        reviewed_wrong(&c[claim], d);
    else
        doc_fact(d, "known by", "a rule; how often it is wrong is unmeasured");
    for (; i < r->set[DB_FINDING].n; i++)       /* the first a model scored */
        for (int k = 0; claim < 0 && k < r->set[DB_CLAIM].n; k++)
            if (f[i].claim_id && c[k].id == f[i].claim_id &&
                !reviewed_decision(r, f[i].id)) {
                claim = k;
                p = doc_line(d, 0, reviewed_severity_role(f[i].severity));
                pen_fmt(&p, "%d %s  ", f[i].ordinal,
                        reviewed_severity(f[i].severity));
                p.style = ROLE_STRONG;
                if (f[i].text)
                    pen_line(&p, f[i].text, strlen(f[i].text));
                doc_goes(d, &view_findings, addr_item(run_id, f[i].ordinal));
                reviewed_wrong(&c[k], d);
            }
}

int reviewed_summary(struct tui *t, int64_t run_id, struct doc *d)
{
    enum { WANTED = 1u << DB_REVIEW | 1u << DB_CLAIM | 1u << DB_VERDICT |
                    1u << DB_FINDING | 1u << DB_DECISION | 1u << DB_CLAUSE };
    struct reviewed r = { 0 };
    struct sor_msg msg;
    int found = 0;

    if (reviewed_load(&r, tui_db(t), run_id, WANTED, &msg) == SOR_OK &&
        r.set[DB_REVIEW].n > 0) {
        const struct db_review *how = r.set[DB_REVIEW].row;

        found = 1;
        doc_head(d, "Review");
        count_findings(&r, run_id, d);
        if (r.set[DB_CLAIM].n > 0)
            count_verdicts(&r, run_id, d);
        struct pen p = doc_line(d, 0, ROLE_STRONG);
        pen_fmt(&p, "%d clauses", r.set[DB_CLAUSE].n);
        p.style = ROLE_DIM;
        pen_fmt(&p, "  pack %s %s%s", how->domain, how->pack_version,
                how->rules_only ? ", rules only: no model was asked" : "");
        doc_goes(d, &view_document, addr_run(run_id));
        if (how->note)
            doc_say(d, 0, ROLE_WARN, how->note);
        look_first(&r, run_id, d);
        if (r.set[DB_DECISION].n > 0) {
            p = doc_line(d, 0, ROLE_STRONG);
            pen_fmt(&p, "%d decisions", r.set[DB_DECISION].n);
            p.style = ROLE_DIM;
            pen_str(&p, "  who decided what, and what that overrode");
            doc_goes(d, &view_decisions, addr_run(run_id));
        }
    }
    reviewed_release(&r);
    return found;
}
