/* viz/report_md.c - a review as Markdown: one file, everything in it. */
#include <math.h>
#include <string.h>

#include "viz/diff.h"
#include "viz/markdown.h"
#include "viz/report.h"

/* What a report_put_ function said of rows, and said is let go. */
static void put_said(struct str *out, struct str *said)
{
    markdown_text(out, said->p);
    str_release(said);
}

static void put_quote(const struct report *r, int from, int to,
                      struct str *out)
{
    struct report_text q = report_quote(r, from, to);

    if (!q.n)
        return;
    str_puts(out, "  > ");
    markdown_bytes(out, q.p, q.n);
    str_puts(out, "\n");
}

static void put_head(const struct report *r, struct str *out)
{
    str_puts(out, "# Review of ");
    markdown_text(out, r->doc->name);
    str_puts(out, "\n\n**");
    markdown_text(out, r->review->note ? r->review->note
                                  : "Preliminary findings");
    str_printf(out, "**\n\n%lld characters, %d clauses. Review `%s`, %s.\n",
               (long long)r->doc->n_char, report_n(r, DB_CLAUSE), r->uid,
               r->started);
}

/* All decisions on a finding: the one that counts, then those before it. */
static void put_decisions(const struct report *r, int64_t finding_id,
                          struct str *out)
{
    const struct db_decision *d;

    for (int k = 0; (d = report_decision_back(r, finding_id, k)); k++) {
        struct str said;

        str_init(&said);
        report_put_decision(d, &said);
        str_puts(out, k ? "\n  Superseded: " : "\n  **Decision:** ");
        put_said(out, &said);
        str_puts(out, "\n");
    }
}

/* Does a finding's sentence say "clause 10.2" already? */
static int names_clause(const char *text, const char *clause)
{
    static const char word[] = "clause ";
    const char *at = text ? strstr(text, word) : NULL;
    size_t n = strlen(clause);

    for (; at; at = strstr(at, word)) {
        at += sizeof word - 1;
        if (strncmp(at, clause, n) == 0 && strspn(at + n, "0123456789.(") == 0)
            return 1;
    }
    return 0;
}

static void put_findings(const struct report *r, struct str *out)
{
    static const char *const level[] = { "Notes", "Low", "Medium", "High" };

    str_puts(out, "\n## Findings\n");
    for (int severity = 3; severity >= 0; severity--) {
        int any = 0;

        for (int i = 0; i < report_n(r, DB_FINDING); i++) {
            const struct db_finding *f = report_row(r, DB_FINDING, i);
            char clause[REPORT_NAME];
            int page = report_page(r, f->char_from);

            if (f->severity != severity)
                continue;
            if (!any++)
                str_printf(out, "\n### %s\n\n", level[severity]);
            str_printf(out, "- **%d** ", f->ordinal);
            markdown_text(out, f->text);
            if (*report_clause(r, f->clause_id, clause) &&
                !names_clause(f->text, clause)) {
                str_puts(out, " — clause ");
                markdown_text(out, clause);
            }
            if (page)
                str_printf(out, ", page %d", page);
            str_printf(out, " (by %s", strcmp(f->origin, "rule") == 0
                                           ? "rule" : "model");
            if (!isnan(f->confidence))
                str_printf(out, ", %.2f", f->confidence);
            str_puts(out, ")\n");
            put_quote(r, f->char_from, f->char_to, out);
            put_decisions(r, f->id, out);
        }
    }
    if (report_n(r, DB_FINDING) == 0) {
        str_putc(out, '\n');
        report_put_nothing(r, out);
        str_putc(out, '\n');
    }
}

static void put_paths(const struct report *r, int64_t claim_id,
                      struct str *out)
{
    const struct db_claim_path *p;

    str_puts(out, "\n| path | reads | verdict | supported | contradicted | "
             "not addressed |\n|---|---|---|---|---|---|\n");
    for (int at = 0; (p = report_path(r, claim_id, &at)); ) {
        str_printf(out, "| %d | ", at - 1);
        markdown_text(out, report_word(p->variant));
        str_puts(out, p->counts ? " | " : " (does not count) | ");
        markdown_text(out, report_word(p->verdict));
        str_puts(out, " |");
        for (int k = 0; k < 3; k++) {
            str_putc(out, ' ');
            report_put_p(out, p->p[k], 3);
            str_puts(out, " |");
        }
        str_putc(out, '\n');
    }
}

static void put_evidence(const struct report *r, int64_t claim_id,
                         struct str *out)
{
    const struct db_evidence *e;
    struct str said;
    int first = 0;

    if (report_is_ranked(r, claim_id))
        str_puts(out, report_evidence(r, claim_id, &first)
                 ? "Ranked clauses:\n\n" : "No clause bears on it.\n\n");
    for (int at = 0; (e = report_evidence(r, claim_id, &at)); ) {
        char clause[REPORT_NAME];

        str_puts(out, "- clause ");
        markdown_text(out, report_clause(r, e->clause_id, clause));
        str_putc(out, ' ');
        str_init(&said);
        report_put_evidence(r, e, &said);
        put_said(out, &said);
        str_putc(out, '\n');
        put_quote(r, e->char_from, e->char_to, out);
    }
}

static void put_checks(const struct report *r, int64_t claim_id,
                       struct str *out)
{
    for (int i = 0; i < report_n(r, DB_CHECK); i++) {
        const struct db_check *k = report_row(r, DB_CHECK, i);

        if (k->claim_id != claim_id)
            continue;
        str_puts(out, k->passed == 1 ? "- passed: "
                 : k->passed == 0 ? "- **failed:** " : "- does not apply: ");
        markdown_text(out, k->kind);
        if (k->input) {
            str_puts(out, ", \"");
            markdown_text(out, k->input);
            str_puts(out, "\"");
        }
        if (k->note) {
            str_puts(out, ". ");
            markdown_text(out, k->note);
        }
        str_puts(out, "\n");
    }
}

/* The playbook's text; as a change of the document's where that is wanted. */
static void put_suggestion(const struct report *r, int64_t claim_id,
                           struct str *out)
{
    int from, to;
    const char *text = report_suggestion(r, claim_id, &from, &to);
    struct report_text old = report_quote(r, from, to);

    if (!text)
        return;
    str_puts(out, "- suggested text: ");
    if (r->redline && old.n)
        diff_markdown(out, old.p, old.n, text);
    else
        markdown_text(out, text);
    str_putc(out, '\n');
}

static void put_claim(const struct report *r, const struct db_claim *c,
                      struct str *out)
{
    const struct db_verdict *v = report_verdict(r, c->id);
    struct str said;

    if (!v)
        return;
    str_puts(out, "\n### ");
    markdown_text(out, c->title ? c->title : c->name);
    str_puts(out, "\n\n");
    markdown_text(out, c->text);
    str_puts(out, "\n\n**");
    str_init(&said);
    report_put_verdict(v, &said);
    put_said(out, &said);
    str_puts(out, "**");
    str_init(&said);
    report_put_worth(r, c, v, &said);
    put_said(out, &said);
    str_puts(out, ".\n\n");
    put_evidence(r, c->id, out);
    put_checks(r, c->id, out);
    if (v->position) {
        str_puts(out, "- ");
        str_init(&said);
        report_put_stance(v, &said);
        put_said(out, &said);
        str_puts(out, ". ");
        markdown_text(out, v->position);
        str_puts(out, "\n");
    }
    put_suggestion(r, c->id, out);
    if (v->flip) {
        str_puts(out, "- what would change it: ");
        markdown_text(out, v->flip);
        str_puts(out, "\n");
    }
    put_paths(r, c->id, out);
}

void report_markdown(const struct report *r, struct str *out)
{
    put_head(r, out);
    put_findings(r, out);
    if (report_n(r, DB_CLAIM)) {
        str_puts(out, "\n## Points in dispute\n\nPaths differ in what the "
                 "model reads; each is scored and holds no chain of "
                 "reasoning. ");
        report_put_correlation(r, out);
        str_putc(out, '\n');
    }
    for (int i = 0; i < report_n(r, DB_CLAIM); i++)
        put_claim(r, report_row(r, DB_CLAIM, i), out);
    str_puts(out, "\n## Not checked\n\n");
    report_put_unchecked(r, out);
    str_puts(out, "\n## Method\n\n");
    str_puts(out, "Pack ");
    markdown_text(out, r->review->domain);
    str_putc(out, ' ');
    markdown_text(out, r->review->pack_version);
    str_puts(out, ". ");
    if (r->model_sha256[0]) {
        str_printf(out, "Model SHA-256 `%s`, adapter ", r->model_sha256);
        markdown_text(out, r->review->adapter ? r->review->adapter : "none");
        str_puts(out, ", kernels ");
        markdown_text(out, r->isa);
        str_puts(out, ". ");
    }
    str_printf(out, "Head of the hash chain `%s`. `sorites replay %.8s "
               "--verify` computes every reading again.\n", r->head, r->uid);
}
