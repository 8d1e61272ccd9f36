#include "cli/review_text.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

enum { QUOTE_COLUMNS = 150, FINDINGS_SHOWN = 24,
       ALIKE_SHOWN = 3 };

struct screen {
    const struct cli *cli;
    FILE *to;
    const struct report *r;
    int all;
};

/* --- pieces -------------------------------------------------------------- */

static const char *bold(const struct screen *s, int on)
{
    return !cli_color(s->cli, s->to) ? "" : on ? "\033[1m" : "\033[0m";
}

static void heading(const struct screen *s, const char *text)
{
    fprintf(s->to, "\n%s%s%s\n", bold(s, 1), text, bold(s, 0));
}

/* Outside text as one safe line: runs of white space are one space. */
static void put_line(const struct screen *s, const char *p, size_t n,
                     int columns)
{
    struct str flat, safe;
    int space = 0;

    str_init(&flat);
    str_init(&safe);
    for (size_t i = 0; i < n; i++) {
        if (p[i] && strchr(" \t\r\n\f\v", p[i])) {
            space = flat.len > 0;
            continue;
        }
        if (space)
            str_putc(&flat, ' ');
        space = 0;
        str_putc(&flat, p[i]);
    }
    size_t cut = utf8_offset(flat.p, flat.len, (size_t)columns);
    text_safe(&safe, flat.p, cut, 0);
    fprintf(s->to, "%s%s", safe.p,
            cut < flat.len ? cli_unicode(s->cli) ? "…" : "..." : "");
    str_release(&flat);
    str_release(&safe);
}

static void put_text(const struct screen *s, const char *text)
{
    put_line(s, text, strlen(text), 400);
}

/* What a report_put_ function said of rows, and said is let go. */
static void put_said(const struct screen *s, struct str *said)
{
    put_text(s, said->p ? said->p : "");
    str_release(said);
}

static void put_quote(const struct screen *s, int from, int to)
{
    struct report_text q = report_quote(s->r, from, to);

    if (!q.n)
        return;
    fprintf(s->to, "      %s", cli_unicode(s->cli) ? "“" : "\"");
    put_line(s, q.p, q.n, QUOTE_COLUMNS);
    fprintf(s->to, "%s\n", cli_unicode(s->cli) ? "”" : "\"");
}

/* --- the head ------------------------------------------------------------ */

static void put_head(const struct screen *s)
{
    const struct report *r = s->r;

    fputs(bold(s, 1), s->to);
    put_text(s, r->doc->name);
    fprintf(s->to, "%s   %lld characters, %d clauses", bold(s, 0),
            (long long)r->doc->n_char, report_n(r, DB_CLAUSE));
    if (r->doc->n_page > 0)
        fprintf(s->to, ", %lld pages", (long long)r->doc->n_page);
    fputs("\nreview ", s->to);
    put_line(s, r->uid, strnlen(r->uid, 8), 400);
    fprintf(s->to, ", %s, pack ", r->started);
    put_text(s, r->review->domain);
    fputc(' ', s->to);
    put_text(s, r->review->pack_version);
    if (r->model_sha256[0]) {
        fprintf(s->to, ", model %.12s on ", r->model_sha256);
        put_text(s, r->isa);
    } else {
        fputs(", rules only: no model", s->to);
    }
    if (r->review->party) {
        fputs(", for ", s->to);
        put_text(s, r->review->party);
    }
    if (r->seconds > 0)
        fprintf(s->to, ", %.1f s", r->seconds);
    fputc('\n', s->to);
    if (r->review->note) {
        put_text(s, r->review->note);
        fputc('\n', s->to);
    }
}

/* --- findings ------------------------------------------------------------ */

static const char *severity_word(int severity)
{
    static const char *const word[] = { "note", "low", "medium", "high" };

    return word[severity >= 0 && severity <= 3 ? severity : 0];
}

/* The decision that counts, then those before it. */
static void put_decisions(const struct screen *s, int64_t finding_id)
{
    const struct db_decision *d;
    struct str said;

    for (int k = 0; (d = report_decision_back(s->r, finding_id, k)); k++) {
        str_init(&said);
        report_put_decision(d, &said);
        fprintf(s->to, "      %s%s", bold(s, k == 0),
                k ? "superseded: " : "> ");
        put_said(s, &said);
        fprintf(s->to, "%s\n", k ? "" : bold(s, 0));
    }
}

static void put_finding(const struct screen *s, const struct db_finding *f)
{
    int page = report_page(s->r, f->char_from);
    char clause[REPORT_NAME];

    fprintf(s->to, "%4d  %-6s %-6s %-8s ", f->ordinal,
            severity_word(f->severity), f->origin,
            report_clause(s->r, f->clause_id, clause));
    put_text(s, f->text ? f->text : "");
    if (!isnan(f->confidence))
        fprintf(s->to, " (%.2f)", f->confidence);
    if (page)
        fprintf(s->to, " (page %d)", page);
    fputc('\n', s->to);
    put_quote(s, f->char_from, f->char_to);
    put_decisions(s, f->id);
}

/* How many findings before this one are of the same defect: twenty blanks need
 * no twenty entries. */
static int alike_before(const struct screen *s, int i)
{
    const struct db_finding *f = report_row(s->r, DB_FINDING, i);
    const struct db_defect *d = report_find(s->r, DB_DEFECT, f->defect_id);
    int n = 0;

    for (int k = 0; d && k < i; k++) {
        const struct db_finding *g = report_row(s->r, DB_FINDING, k);
        const struct db_defect *e = report_find(s->r, DB_DEFECT,
                                                g->defect_id);

        n += e && strcmp(d->kind, e->kind) == 0;
    }
    return n;
}

static void put_findings(const struct screen *s)
{
    int n = report_n(s->r, DB_FINDING), shown = 0, quiet = 0;

    heading(s, "What needs you");
    for (int severity = 3; severity >= 0; severity--)
        for (int i = 0; i < n; i++) {
            const struct db_finding *f = report_row(s->r, DB_FINDING, i);

            if (f->severity != severity)
                continue;
            if (!s->all && (severity == 0 || shown >= FINDINGS_SHOWN ||
                            alike_before(s, i) >= ALIKE_SHOWN)) {
                quiet++;
                continue;
            }
            put_finding(s, f);
            shown++;
        }
    if (n == 0) {
        struct str none;

        str_init(&none);
        report_put_nothing(s->r, &none);
        fprintf(s->to, "  %s\n", none.p);
        str_release(&none);
    }
    if (quiet)
        fprintf(s->to, "  and %d more, alike or of less weight: sorites report "
                "%.8s\n", quiet, s->r->uid);
}

/* --- claims -------------------------------------------------------------- */

/* Evidence quoted: what a verdict rests on, or clauses that are only ranked. */
static void put_evidence(const struct screen *s, int64_t claim_id)
{
    const struct db_evidence *e;
    char clause[REPORT_NAME];
    struct str said;
    int first = 0;

    if (report_is_ranked(s->r, claim_id))
        fprintf(s->to, "      ranked clauses:%s\n",
                report_evidence(s->r, claim_id, &first)
                    ? "" : " none bears on it");
    for (int at = 0; (e = report_evidence(s->r, claim_id, &at)); ) {
        fprintf(s->to, "      clause %s ",
                report_clause(s->r, e->clause_id, clause));
        str_init(&said);
        report_put_evidence(s->r, e, &said);
        put_said(s, &said);
        fputc('\n', s->to);
        put_quote(s, e->char_from, e->char_to);
    }
}

static void put_paths(const struct screen *s, const struct db_claim *c)
{
    struct str best;

    for (int i = 0; i < report_n(s->r, DB_CLAIM_PATH); i++) {
        const struct db_claim_path *p = report_row(s->r, DB_CLAIM_PATH, i);

        if (p->claim_id != c->id)
            continue;
        str_init(&best);
        report_put_p(&best, fmax(p->p[0], fmax(p->p[1], p->p[2])), 2);
        fprintf(s->to, "      path %-3d %-16s %-14s %s%s  scored, no chain "
                "of reasoning\n", i, report_word(p->variant),
                report_word(p->verdict), best.p,
                p->counts ? "" : "  does not count");
        str_release(&best);
    }
}

/* What stands behind a verdict: of all claims where everything is wanted, else
 * only the clauses that take a verdict's place. */
static void put_opened(const struct screen *s, const struct db_claim *c,
                       const struct db_verdict *v)
{
    if (s->all || report_is_ranked(s->r, c->id))
        put_evidence(s, c->id);
    if (v->position && s->all) {
        fputs("      the playbook's position: ", s->to);
        put_text(s, v->position);
        fputc('\n', s->to);
    }
    if (v->flip && s->all) {
        fputs("      would change it: ", s->to);
        put_text(s, v->flip);
        fputc('\n', s->to);
    }
    if (s->all)
        put_paths(s, c);
}

static void put_claim(const struct screen *s, const struct db_claim *c)
{
    const struct db_verdict *v = report_verdict(s->r, c->id);
    int first = 0;
    const struct db_evidence *e = report_evidence(s->r, c->id, &first);
    enum report_contrast contrast = report_contrast(s->r, c->id);
    char clause[REPORT_NAME] = "";
    struct str rate;

    if (!v)
        return;
    if (e)
        report_clause(s->r, e->clause_id, clause);
    fprintf(s->to, "  %s%-13s%s ", bold(s, 1), report_word(v->verdict),
            bold(s, 0));
    if (isnan(v->confidence) || strcmp(v->verdict, "needs_review") == 0)
        fputs("     ", s->to);
    else
        fprintf(s->to, "%.2f ", v->confidence);
    fprintf(s->to, "%-8s ", clause);
    put_text(s, c->title ? c->title : c->text ? c->text : c->name);
    str_init(&rate);
    report_put_error_rate(c, &rate);
    fprintf(s->to, "\n      scored; %s; %s", rate.p,
            report_contrast_word(contrast));
    if (strcmp(v->verdict, "needs_review") == 0) {
        const char *perhaps;

        str_clear(&rate);
        report_put_verdict(v, &rate);
        perhaps = strchr(rate.p, ',');
        fprintf(s->to, ";%s", perhaps ? perhaps + 1 : "");
    }
    str_clear(&rate);
    if (v->stance) {
        str_puts(&rate, "; ");
        report_put_stance(v, &rate);
    }
    report_put_agreement(s->r, v, &rate);
    report_put_doubt(s->r, v, &rate);
    put_said(s, &rate);
    fputc('\n', s->to);
    put_opened(s, c, v);
}

static void put_claims(const struct screen *s)
{
    int n = report_n(s->r, DB_CLAIM);
    struct str once;

    if (n == 0)
        return;
    heading(s, "Points in dispute: verdict, probability that it is right, "
            "clause");
    str_init(&once);
    report_put_correlation(s->r, &once);
    if (once.len) {
        fputs("  ", s->to);
        put_said(s, &once);
        fputc('\n', s->to);
    }
    for (int i = 0; i < n; i++)
        put_claim(s, report_row(s->r, DB_CLAIM, i));
}

/* --- the end ------------------------------------------------------------- */

static void put_unchecked(const struct screen *s)
{
    struct str lines;

    heading(s, "Not checked");
    str_init(&lines);
    report_put_unchecked(s->r, &lines);
    for (char *at = lines.p, *end; (end = strchr(at, '\n')); at = end + 1) {
        fputs("  ", s->to);
        put_line(s, at, (size_t)(end - at), 400);
        fputc('\n', s->to);
    }
    str_release(&lines);
}

void review_text(const struct cli *cli, FILE *to, const struct report *r,
                 int all)
{
    struct screen s = { cli, to, r, all };

    put_head(&s);
    put_findings(&s);
    put_claims(&s);
    put_unchecked(&s);
}
