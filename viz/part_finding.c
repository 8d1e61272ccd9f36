/* viz/part_finding.c - the findings of a review's page. */
#include <math.h>
#include <string.h>

#include "viz/html.h"
#include "viz/part.h"

const char *part_severity(int severity)
{
    static const char *const word[] = { "Note", "Low", "Medium", "High" };

    return word[severity & 3];
}

void part_quote(const struct report *r, int from, int to, struct str *out)
{
    struct report_text q = report_quote(r, from, to);

    if (!q.n)
        return;
    str_puts(out, "<blockquote>");
    html_bytes(out, q.p, q.n);
    str_puts(out, "</blockquote>\n");
}

/* Its number; without one its heading, or what kind of text it is. */
static void put_name(const struct report *r, const struct db_clause *c,
                     struct str *out)
{
    char name[REPORT_NAME];

    if (c->full_number) {
        str_puts(out, "clause ");
        html_text(out, report_clause(r, c->id, name));
    } else {
        html_text(out, c->heading ? c->heading : c->kind);
        str_printf(out, " (c%d)", c->ordinal + 1);
    }
}

void part_clause(const struct report *r, int64_t clause_id, struct str *out)
{
    const struct db_clause *c = report_find(r, DB_CLAUSE, clause_id);

    if (!c)
        return;
    str_printf(out, "<a href=\"#c%d\">", c->ordinal + 1);
    put_name(r, c, out);
    str_puts(out, "</a>");
}

/* The decision that counts, then those before it. */
static void put_decisions(const struct report *r, int64_t finding_id,
                          struct str *out)
{
    const struct db_decision *d;

    for (int k = 0; (d = report_decision_back(r, finding_id, k)); k++) {
        struct str said;

        str_init(&said);
        str_puts(&said, k ? "Superseded: " : "");
        report_put_decision(d, &said);
        str_puts(out, k ? "<p class=\"dim\">" : "<p class=\"decision\">");
        html_said(out, &said);
        str_puts(out, "</p>\n");
    }
}

/* Where it stands: its words, else its clause. */
static void put_place(const struct report *r, const struct db_finding *f,
                      struct str *out)
{
    const struct db_clause *c = report_find(r, DB_CLAUSE, f->clause_id);
    int page = report_page(r, f->char_from);

    if (f->char_from >= 0) {
        str_printf(out, "<a class=\"where\" href=\"#m%d\">", f->ordinal);
        if (c)
            put_name(r, c, out);
        else
            str_puts(out, "in the text");
        if (page)
            str_printf(out, ", page %d", page);
        str_puts(out, "</a>");
    } else {
        part_clause(r, f->clause_id, out);
    }
}

/* Its choice is the reader's alone until `sorites decide` stores it. */
static void put_choice(const struct db_finding *f, struct str *out)
{
    str_printf(out, "<fieldset class=\"choice js\" hidden=\"hidden\">"
               "<legend>Your word on %d</legend>", f->ordinal);
    str_printf(out, "<label><input type=\"radio\" name=\"d%d\" "
               "value=\"accept\"/> accept</label> ", f->ordinal);
    str_printf(out, "<label><input type=\"radio\" name=\"d%d\" "
               "value=\"reject\"/> reject</label></fieldset>\n", f->ordinal);
}

static void put_finding(const struct report *r, const struct db_finding *f,
                        struct str *out)
{
    const struct db_claim *c = report_find(r, DB_CLAIM, f->claim_id);
    int decided = report_decision(r, f->id) != NULL;
    int rule = strcmp(f->origin, "rule") == 0;

    str_printf(out, "<li class=\"card s%d\" id=\"f%d\" data-severity=\"%d\" "
               "data-origin=\"%s\" data-open=\"%d\" data-at=\"%d\">\n"
               "<p class=\"head\"><span class=\"sev\">%s</span> "
               "<span class=\"no\">%d</span> <span class=\"tag %s\">%s</span> ",
               f->severity, f->ordinal, f->severity, rule ? "rule" : "scored",
               !decided, f->char_from < 0 ? 1 << 30 : f->char_from,
               part_severity(f->severity), f->ordinal,
               rule ? "rule" : "scored", rule ? "rule" : "scored");
    put_place(r, f, out);
    str_puts(out, "</p>\n<p class=\"what\">");
    html_text(out, f->text);
    if (!isnan(f->confidence))
        str_printf(out, " <span class=\"dim\">(%.2f)</span>", f->confidence);
    str_puts(out, "</p>\n");
    part_quote(r, f->char_from, f->char_to, out);
    if (c)
        str_printf(out, "<p class=\"more\"><a href=\"#k%d\">Paths, checks and "
                   "what would change it</a></p>\n", c->ordinal);
    put_decisions(r, f->id, out);
    put_choice(f, out);
    str_puts(out, "</li>\n");
}

static void put_filter(struct str *out)
{
    str_puts(out, "<form class=\"filter js\" hidden=\"hidden\" "
             "aria-label=\"Filter and sort the findings\">\n"
             "<label class=\"wide\">Search <input type=\"search\" "
             "id=\"find\"/></label>\n<fieldset><legend>Severity</legend>");
    for (int s = 3; s >= 0; s--)
        str_printf(out, "<label><input type=\"checkbox\" name=\"severity\" "
                   "value=\"%d\" checked=\"checked\"/> %s</label> ", s,
                   part_severity(s));
    str_puts(out, "</fieldset>\n<label>By <select id=\"origin\">"
             "<option value=\"\">rule and model</option>"
             "<option value=\"rule\">rule</option>"
             "<option value=\"scored\">model</option></select></label>\n"
             "<label>Show <select id=\"open\"><option value=\"\">all</option>"
             "<option value=\"1\">undecided</option>"
             "<option value=\"0\">decided</option></select></label>\n"
             "<label>Sort by <select id=\"sort\">"
             "<option value=\"severity\">severity</option>"
             "<option value=\"at\">place in the text</option>"
             "<option value=\"no\">number</option></select></label>\n"
             "<p id=\"shown\" role=\"status\" aria-live=\"polite\"></p>"
             "</form>\n");
}

void part_findings(const struct report *r, struct str *out)
{
    int n = report_n(r, DB_FINDING);

    str_printf(out, "<section id=\"findings\" aria-labelledby=\"h-findings\">"
               "<h2 id=\"h-findings\">Findings <span class=\"dim\">%d</span>"
               "</h2>\n", n);
    if (n == 0) {
        str_puts(out, "<p>");
        report_put_nothing(r, out);
        str_puts(out, "</p></section>\n");
        return;
    }
    put_filter(out);
    str_puts(out, "<ol class=\"cards\">\n");
    for (int severity = 3; severity >= 0; severity--)
        for (int i = 0; i < n; i++) {
            const struct db_finding *f = report_row(r, DB_FINDING, i);

            if (f->severity == severity)
                put_finding(r, f, out);
        }
    str_puts(out, "</ol></section>\n");
}
