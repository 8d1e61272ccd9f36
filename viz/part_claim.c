/* viz/part_claim.c - the claims of a review's page: each opens to its votes,
 * evidence, paths side by side, checks, and what would change it. */
#include <math.h>
#include <string.h>

#include "viz/claim_flow.h"
#include "viz/diff.h"
#include "viz/html.h"
#include "viz/part.h"

enum { ROLES = 8 };

void part_verdict(const char *verdict, struct str *out)
{
    str_puts(out, "<b class=\"v ");
    html_class(out, verdict);
    str_puts(out, "\">");
}

/* --- evidence ------------------------------------------------------------- */

static void put_evidence(const struct report *r, int64_t claim_id,
                         struct str *out)
{
    const struct db_evidence *e;
    struct str said;
    int n = 0;

    for (int at = 0; (e = report_evidence(r, claim_id, &at)); n++) {
        if (n == 0)
            str_printf(out, "<h4>%s</h4><ul class=\"plain\">\n",
                       report_is_ranked(r, claim_id) ? "Ranked clauses"
                                                     : "Evidence");
        str_puts(out, "<li>");
        part_clause(r, e->clause_id, out);
        str_puts(out, " <span class=\"dim\">");
        str_init(&said);
        report_put_evidence(r, e, &said);
        html_said(out, &said);
        str_puts(out, "</span>\n");
        part_quote(r, e->char_from, e->char_to, out);
        str_puts(out, "</li>\n");
    }
    if (n)
        str_puts(out, "</ul>\n");
    else if (report_is_ranked(r, claim_id))
        str_puts(out, "<p>No clause bears on it.</p>\n");
}

/* --- paths ---------------------------------------------------------------- */

/* The roles of the claim's steps, in order of appearance. */
static int list_roles(const struct report *r, int64_t claim_id,
                      const char *role[ROLES])
{
    const struct db_claim_path *p;
    const struct report_step *s;
    int n = 0;

    for (int at = 0; (p = report_path(r, claim_id, &at)); )
        for (int k = 0; (s = report_step(r, p->path_id, k)); k++) {
            int i = 0;

            while (i < n && strcmp(role[i], s->role) != 0)
                i++;
            if (i == n && n < ROLES)
                role[n++] = s->role;
        }
    return n;
}

static void put_steps(const struct report *r, int64_t path_id,
                      const char *role, struct str *out)
{
    const struct report_step *s;

    str_puts(out, "<td>");
    for (int k = 0; (s = report_step(r, path_id, k)); k++)
        if (strcmp(s->role, role) == 0) {
            str_printf(out, "<span class=\"tag %s\">%s</span> ",
                       strcmp(s->origin, "rule") == 0 ? "rule" : "scored",
                       strcmp(s->origin, "rule") == 0 ? "rule" : "scored");
            html_text(out, s->text ? s->text : "(forgotten)");
        }
    str_puts(out, "</td>");
}

static void put_path_heads(const struct report *r, const struct db_claim *c,
                           struct str *out)
{
    const struct db_verdict *v = report_verdict(r, c->id);
    const struct db_claim_path *p;

    str_puts(out, "<thead><tr><th scope=\"col\">step</th>");
    for (int at = 0, i = 0; (p = report_path(r, c->id, &at)); i++) {
        int parts = v && v->path_a &&
                    (p->path_id == v->path_a || p->path_id == v->path_b);

        str_printf(out, "<th scope=\"col\" class=\"%s\">path %d<br/>"
                   "<span class=\"dim\">", parts ? "parts" : "same", at - 1);
        html_text(out, report_word(p->variant));
        str_printf(out, "%s%s</span></th>",
                   p->counts ? "" : ", does not count",
                   parts ? ", parts here" : "");
    }
    str_puts(out, "</tr></thead>\n");
}

/* A probability of each path, a row for each verdict. */
static void put_path_odds(const struct report *r, int64_t claim_id,
                          struct str *out)
{
    const struct db_claim_path *p;

    str_puts(out, "<tr><th scope=\"row\">verdict</th>");
    for (int at = 0; (p = report_path(r, claim_id, &at)); ) {
        str_puts(out, "<td>");
        part_verdict(p->verdict, out);
        html_text(out, report_word(p->verdict));
        str_puts(out, "</b></td>");
    }
    str_puts(out, "</tr>\n");
    for (int k = 0; k < REPORT_VERDICTS; k++) {
        str_printf(out, "<tr><th scope=\"row\">%s</th>",
                   report_word(report_verdicts[k]));
        for (int at = 0; (p = report_path(r, claim_id, &at)); ) {
            str_puts(out, "<td>");
            html_bar(out, p->p[k], report_verdicts[k]);
            str_puts(out, "</td>");
        }
        str_puts(out, "</tr>\n");
    }
}

static void put_paths(const struct report *r, const struct db_claim *c,
                      struct str *out)
{
    const struct db_claim_path *p;
    const char *role[ROLES];
    int n = list_roles(r, c->id, role), at = 0;

    if (!report_path(r, c->id, &at))
        return;
    str_puts(out, "<h4 class=\"clear\">Paths side by side</h4>"
             "<p class=\"dim\">Paths differ in what the model reads; each step "
             "is scored or follows a rule, none is generated.</p>\n"
             "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
             "aria-label=\"Paths side by side\"><table class=\"paths\">");
    put_path_heads(r, c, out);
    str_puts(out, "<tbody>\n");
    for (int i = 0; i < n; i++) {
        str_puts(out, "<tr>");
        html_in(out, "th scope=\"row\"", role[i]);
        for (at = 0; (p = report_path(r, c->id, &at)); )
            put_steps(r, p->path_id, role[i], out);
        str_puts(out, "</tr>\n");
    }
    put_path_odds(r, c->id, out);
    str_puts(out, "</tbody></table></div>\n");
}

/* --- checks --------------------------------------------------------------- */

static const char *check_name(const char *kind)
{
    static const struct { const char *kind, *name; } names[] = {
        { "negation", "contrast: the opposite" },
        { "swap", "contrast: parties swapped" },
        { "value", "contrast: another value" },
        { "knockout", "knock-out: clause struck, all read again" },
        { "rule", "rule against model" },
        { "location", "quotations located" },
        { "coverage", "coverage" },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].kind, kind) == 0)
            return names[i].name;
    return kind;
}

static void put_check(const struct db_check *k, struct str *out)
{
    str_printf(out, "<tr><td><span class=\"%s\">%s</span></td>",
               k->passed == 1 ? "passed" : k->passed == 0 ? "failed" : "dim",
               k->passed == 1 ? "passed" : k->passed == 0 ? "failed"
                                                         : "does not apply");
    html_in(out, "td", check_name(k->kind));
    html_in(out, "td", k->input);
    html_in(out, "td", k->note);
    str_puts(out, "</tr>\n");
}

static void put_checks(const struct report *r, int64_t claim_id,
                       struct str *out)
{
    int any = 0;

    for (int i = 0; i < report_n(r, DB_CHECK); i++) {
        const struct db_check *k = report_row(r, DB_CHECK, i);

        if (k->claim_id != claim_id)
            continue;
        if (!any++)
            str_puts(out, "<h4>Checks</h4><div class=\"scroll\" tabindex=\"0\" "
                     "role=\"region\" aria-label=\"Checks\"><table><thead>"
                     "<tr><th scope=\"col\">outcome</th><th scope=\"col\">"
                     "check</th><th scope=\"col\">what was put</th>"
                     "<th scope=\"col\">what came out</th></tr></thead>"
                     "<tbody>\n");
        put_check(k, out);
    }
    str_puts(out, any ? "</tbody></table></div>\n" : "");
}

/* --- what the playbook would have ----------------------------------------- */

static void put_suggestion(const struct report *r, int64_t claim_id,
                           struct str *out)
{
    int from, to;
    const char *text = report_suggestion(r, claim_id, &from, &to);
    struct report_text old = report_quote(r, from, to);

    if (!text)
        return;
    str_puts(out, "<h4>Suggested text</h4>\n<blockquote>");
    if (r->redline && old.n)
        diff_html(out, old.p, old.n, text);
    else
        html_in(out, "ins", text);
    str_puts(out, "</blockquote>\n");
}

/* --- a claim -------------------------------------------------------------- */

static void put_outcome(const struct report *r, const struct db_claim *c,
                        const struct db_verdict *v, struct str *out)
{
    struct str said;

    str_puts(out, "<p>");
    part_verdict(v->verdict, out);
    str_init(&said);
    report_put_verdict(v, &said);
    html_said(out, &said);
    str_puts(out, "</b>");
    str_init(&said);
    report_put_worth(r, c, v, &said);
    html_said(out, &said);
    str_puts(out, ".</p>\n");
    if (v->stance) {
        str_puts(out, "<p><b>");
        str_init(&said);
        report_put_stance(v, &said);
        html_said(out, &said);
        str_puts(out, "</b>. ");
        html_text(out, v->position);
        str_puts(out, "</p>\n");
    }
    put_suggestion(r, c->id, out);
    if (v->flip) {
        str_puts(out, "<h4>What would change it</h4><p>");
        html_text(out, v->flip);
        str_puts(out, "</p>\n");
    }
}

static void put_claim(const struct report *r, const struct db_claim *c,
                      struct str *out)
{
    const struct db_verdict *v = report_verdict(r, c->id);

    if (!v)
        return;
    str_printf(out, "<details class=\"claim card\"%s>\n<summary>",
               strcmp(v->verdict, "needs_review") == 0 ? " open=\"open\""
                                                       : "");
    part_verdict(v->verdict, out);
    html_text(out, report_word(v->verdict));
    str_puts(out, "</b> <strong>");
    html_text(out, c->title ? c->title : c->name);
    str_printf(out, "</strong></summary>\n<div id=\"k%d\">", c->ordinal);
    html_in(out, "p class=\"statement\"", c->text);
    claim_flow(r, c, out);
    put_outcome(r, c, v, out);
    put_evidence(r, c->id, out);
    put_paths(r, c, out);
    put_checks(r, c->id, out);
    str_puts(out, "</div></details>\n");
}

void part_claims(const struct report *r, struct str *out)
{
    if (!report_n(r, DB_VERDICT))
        return;
    str_printf(out, "<section id=\"claims\" aria-labelledby=\"h-claims\">"
               "<h2 id=\"h-claims\">Points in dispute <span class=\"dim\">%d"
               "</span></h2>\n<p class=\"dim\">", report_n(r, DB_CLAIM));
    report_put_correlation(r, out);
    str_puts(out, "</p>\n");
    for (int i = 0; i < report_n(r, DB_CLAIM); i++)
        put_claim(r, report_row(r, DB_CLAIM, i), out);
    str_puts(out, "</section>\n");
}
