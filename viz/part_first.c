/* viz/part_first.c - the first screen of a review's page: what needs you, and
 * what you must know before you believe any of it. */
#include <math.h>
#include <string.h>

#include "viz/html.h"
#include "viz/part.h"

enum { SHOWN = 8 };         /* findings on the first screen */

/* --- what needs you ------------------------------------------------------- */

static void put_item(const struct report *r, const struct db_finding *f,
                     struct str *out)
{
    str_printf(out, "<li class=\"s%d\"><p class=\"head\"><span class=\"sev\">%s"
               "</span> <a href=\"#f%d\">", f->severity,
               part_severity(f->severity), f->ordinal);
    html_text(out, f->text);
    str_puts(out, "</a></p>\n");
    part_quote(r, f->char_from, f->char_to, out);
    str_puts(out, "</li>\n");
}

static void put_tally(const struct report *r, struct str *out)
{
    int n[4] = { 0 }, decided = 0, sum = report_n(r, DB_FINDING);

    for (int i = 0; i < sum; i++) {
        const struct db_finding *f = report_row(r, DB_FINDING, i);

        n[f->severity & 3]++;
        decided += report_decision(r, f->id) != NULL;
    }
    str_puts(out, "<p class=\"tally\">");
    for (int s = 3; s >= 0; s--)
        if (n[s])
            str_printf(out, "<span class=\"s%d\"><b>%d</b> %s%s</span> ", s,
                       n[s], part_severity(s),
                       s == 0 && n[s] > 1 ? "s" : "");
    str_printf(out, "<span><b>%d</b> of %d decided</span></p>\n", decided,
               sum);
}

static void put_needs(const struct report *r, struct str *out)
{
    int n = 0;

    str_puts(out, "<section id=\"needs\" aria-labelledby=\"h-needs\">"
             "<h2 id=\"h-needs\">What needs you</h2>\n");
    if (report_n(r, DB_FINDING))
        put_tally(r, out);
    str_puts(out, "<ol class=\"needs\">\n");
    for (int severity = 3; severity >= 2; severity--)
        for (int i = 0; i < report_n(r, DB_FINDING); i++) {
            const struct db_finding *f = report_row(r, DB_FINDING, i);

            if (f->severity == severity && report_needs_you(r, f) &&
                n++ < SHOWN)
                put_item(r, f, out);
        }
    str_puts(out, "</ol>\n");
    if (n > SHOWN)
        str_printf(out, "<p><a href=\"#findings\">and %d more of medium or "
                   "high severity</a></p>\n", n - SHOWN);
    if (n == 0) {
        str_puts(out, "<p>");
        if (report_n(r, DB_FINDING))
            str_puts(out, "No finding of medium or high severity is "
                     "undecided. ");
        else
            report_put_nothing(r, out);
        str_puts(out, "</p>\n");
    }
    str_puts(out, "</section>\n");
}

/* --- beside it ------------------------------------------------------------ */

static void put_unchecked(const struct report *r, struct str *out)
{
    struct str lines;

    str_init(&lines);
    report_put_unchecked(r, &lines);
    str_puts(out, "<section id=\"unchecked\" class=\"card\" aria-labelledby="
             "\"h-unchecked\"><h2 id=\"h-unchecked\">Not checked</h2><ul>\n");
    for (char *at = lines.p, *end; (end = strchr(at, '\n')); at = end + 1) {
        str_puts(out, "<li>");
        html_bytes(out, at, (size_t)(end - at));
        str_puts(out, "</li>\n");
    }
    str_puts(out, "</ul></section>\n");
    str_release(&lines);
}

static void put_reviewer(const struct report *r, struct str *out)
{
    int n = 0;

    str_puts(out, "<section id=\"reviewer\" class=\"card\" aria-labelledby="
             "\"h-reviewer\"><h2 id=\"h-reviewer\">Reviewer</h2>\n");
    for (int i = 0; i < report_n(r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(r, DB_FINDING, i);
        const struct db_decision *d = report_decision(r, f->id);
        struct str said;

        if (!d)
            continue;
        str_init(&said);
        report_put_decision(d, &said);
        str_printf(out, "%s<li><a href=\"#f%d\">%d</a> ",
                   n++ ? "" : "<ul class=\"plain\">", f->ordinal, f->ordinal);
        html_said(out, &said);
        str_puts(out, "</li>\n");
    }
    str_puts(out, n ? "</ul>\n" : "<p>Nobody has decided on any finding yet."
             "</p>\n");
    str_printf(out, "<p class=\"dim\">A decision is stored by <code>sorites "
               "decide %.8s NUMBER accept|reject|correct</code>; every report "
               "then shows it.</p>\n<div class=\"js\" id=\"words\" "
               "data-run=\"%.8s\" hidden=\"hidden\"><label for=\"commands\">"
               "Your choices below, as commands</label><textarea id=\"commands"
               "\" readonly=\"readonly\" rows=\"3\"></textarea></div>\n"
               "<p class=\"sign\"><span>Name</span><span>Date</span>"
               "<span>Signature</span></p></section>\n", r->uid, r->uid);
}

static void put_again(const struct report *r, struct str *out)
{
    str_printf(out, "<section id=\"again\" class=\"card\" aria-labelledby="
               "\"h-again\"><h2 id=\"h-again\">Compute it again</h2>\n");
    if (r->model_sha256[0])
        str_printf(out, "<p><code>sorites replay %.8s --verify</code></p>"
                   "<p class=\"dim\">computes every reading of the model anew "
                   "and names the first that differs; the rules run anew with "
                   "<code>sorites review --rules-only</code>.</p></section>\n",
                   r->uid);
    else
        str_puts(out, "<p><code>sorites review --rules-only</code></p>"
                 "<p class=\"dim\">No model was used: the same document and "
                 "pack give the same findings.</p></section>\n");
}

/* --- claims at a glance --------------------------------------------------- */

/* Wrong in so many of those that were given, with the interval that the
 * figure has. */
static void put_rate(const struct db_claim *c, struct str *out)
{
    struct str said;

    if (c->n_given > 0) {
        double p = (double)c->n_wrong / c->n_given;
        double low = isnan(c->wrong_low) ? p : c->wrong_low;
        double high = isnan(c->wrong_high) ? p : c->wrong_high;

        str_printf(out, "<span class=\"bar rate\" aria-hidden=\"true\">"
                   "<i class=\"range\" style=\"left:%.1f%%;width:%.1f%%\">"
                   "</i><i class=\"tick\" style=\"left:%.1f%%\"></i></span> ",
                   100 * low, 100 * (high - low), 100 * p);
    }
    str_init(&said);
    report_put_error_rate(c, &said);
    html_said(out, &said);
}

static void put_row(const struct report *r, const struct db_claim *c,
                    const struct db_verdict *v, struct str *out)
{
    str_printf(out, "<tr><th scope=\"row\"><a href=\"#k%d\">", c->ordinal);
    html_text(out, c->title ? c->title : c->name);
    str_puts(out, "</a></th><td>");
    part_verdict(v->verdict, out);
    html_text(out, report_word(v->verdict));
    str_puts(out, "</b></td><td>");
    html_bar(out, v->confidence, v->verdict);
    str_puts(out, "</td><td>");
    put_rate(c, out);
    if (v->n_count > 0 && !isnan(v->stability))
        str_printf(out, "</td><td>%.0f %% of %d</td><td>",
                   100 * v->stability, v->n_count);
    else
        str_puts(out, "</td><td><span class=\"dim\">-</span></td><td>");
    str_printf(out, "<span class=\"%s\">%s</span></td></tr>\n",
               report_contrast(r, c->id) == REPORT_CONTRAST_FAILED ? "failed"
                                                                   : "said",
               report_contrast_word(report_contrast(r, c->id)));
}

static void put_glance(const struct report *r, struct str *out)
{
    if (!report_n(r, DB_VERDICT))
        return;
    str_puts(out, "<section id=\"glance\" aria-labelledby=\"h-glance\">"
             "<h2 id=\"h-glance\">Claims, and how often such verdicts are "
             "wrong</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
             "aria-label=\"Claims at a glance\"><table><thead><tr>"
             "<th scope=\"col\">claim</th><th scope=\"col\">verdict</th>"
             "<th scope=\"col\">probability</th>"
             "<th scope=\"col\">measured error</th>"
             "<th scope=\"col\">paths agree</th><th scope=\"col\">contrast"
             "</th></tr></thead><tbody>\n");
    for (int i = 0; i < report_n(r, DB_CLAIM); i++) {
        const struct db_claim *c = report_row(r, DB_CLAIM, i);
        const struct db_verdict *v = report_verdict(r, c->id);

        if (v)
            put_row(r, c, v, out);
    }
    str_puts(out, "</tbody></table></div>\n<p class=\"dim\">Probability: "
             "calibrated, that the verdict is right; of one that needs "
             "review, of the likeliest. Measured error: of verdicts on such "
             "claims in documents that the model had not seen.</p></section>"
             "\n");
}

void part_first(const struct report *r, struct str *out)
{
    str_puts(out, "<div class=\"first\">\n");
    put_needs(r, out);
    str_puts(out, "<div class=\"side\">\n");
    put_unchecked(r, out);
    put_reviewer(r, out);
    put_again(r, out);
    str_puts(out, "</div></div>\n");
    put_glance(r, out);
}
