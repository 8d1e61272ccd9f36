/* viz/report_html.c - a review as one HTML page: what needs you first, then
 * findings beside the document, claims, the logic as a picture, tables, and
 * how all of it was made. */
#include <string.h>

#include "viz/html.h"
#include "viz/part.h"

static void put_nav(const struct report *r, const char *svg, struct str *out)
{
    const struct { const char *id, *name; int there; } at[] = {
        { "needs", "What needs you", 1 },
        { "findings", "Findings", 1 },
        { "text", "Document", 1 },
        { "claims", "Claims", report_n(r, DB_VERDICT) },
        { "graph", "Graph", svg != NULL },
        { "terms", "Definitions", report_n(r, DB_TERM) },
        { "references", "References", report_n(r, DB_LOGIC) },
        { "duties", "Duties", report_n(r, DB_NORM) },
        { "method", "Method and limits", 1 },
    };

    str_puts(out, "<nav aria-label=\"Parts of this report\"><ul>");
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        if (at[i].there)
            str_printf(out, "<li><a href=\"#%s\">%s</a></li>", at[i].id,
                       at[i].name);
    str_puts(out, "</ul></nav>\n");
}

static void put_head(const struct report *r, struct str *out)
{
    str_puts(out, "<header class=\"top\"><h1>Review of ");
    html_text(out, r->doc->name);
    str_puts(out, "</h1>\n");
    html_in(out, "p class=\"warn\"", r->review->note
                                     ? r->review->note
                                     : "Preliminary findings.");
    str_printf(out, "<p class=\"dim\">%lld characters, %d clauses",
               (long long)r->doc->n_char, report_n(r, DB_CLAUSE));
    if (r->doc->n_page > 0)
        str_printf(out, ", %lld page%s", (long long)r->doc->n_page,
                   r->doc->n_page == 1 ? "" : "s");
    str_printf(out, "; reviewed %s", r->started);
    if (r->review->party) {
        str_puts(out, ", for ");
        html_text(out, r->review->party);
    }
    str_printf(out, "; review <code>%.8s</code></p></header>\n", r->uid);
}

/* One line of the list of what it was made with. */
static void put_fact(struct str *out, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    html_in(out, "dt", name);
    html_in(out, "dd", value);
}

static void put_hashes(const struct report *r, struct str *out)
{
    struct str pack;

    str_init(&pack);
    str_printf(&pack, "%s %s", r->review->domain, r->review->pack_version);
    str_puts(out, "<h3>Made with</h3><dl>\n");
    put_fact(out, "document, SHA-256", r->doc_sha256);
    put_fact(out, "pack", pack.p);
    put_fact(out, "model", r->model[0] ? r->model : "none: rules only");
    put_fact(out, "model, SHA-256", r->model_sha256);
    put_fact(out, "adapter, SHA-256", r->review->adapter);
    put_fact(out, "kernels", r->model_sha256[0] ? r->isa : "");
    put_fact(out, "program", r->program);
    put_fact(out, "review", r->uid);
    put_fact(out, "head of the hash chain", r->head);
    str_puts(out, "</dl>\n");
    str_release(&pack);
}

static void put_method(const struct report *r, struct str *out)
{
    str_puts(out, "<section id=\"method\" aria-labelledby=\"h-method\">"
             "<h2 id=\"h-method\">Method and limits</h2>\n<ul>\n"
             "<li>Findings <b>by rule</b> come from patterns of the pack, and "
             "each is a span of the text. Nothing in this report was written "
             "by a model.</li>\n");
    if (r->model_sha256[0])
        str_puts(out, "<li>Findings <b>scored</b> by the model: for each claim "
                 "it reads passages along paths that differ in what is read; "
                 "three answers are scored and calibrated.</li>\n"
                 "<li>A verdict must pass its checks: its opposite, swapped "
                 "parties and other values must not pass too, and with the "
                 "cited clause struck out, context included, everything is "
                 "read again. What fails <b>needs review</b>.</li>\n"
                 "<li>Agreement of paths is stability, not truth: they share "
                 "one model.</li>\n"
                 "<li>A claim of a kind that was not measured gets ranked "
                 "clauses and no verdict.</li>\n");
    str_puts(out, "<li>The rules and the model were measured on English "
             "contracts. What was not looked at is listed under "
             "<a href=\"#unchecked\">Not checked</a>.</li>\n"
             "<li>The hash chain shows changes relative to a head that you "
             "keep elsewhere.</li>\n</ul>\n");
    put_hashes(r, out);
    str_puts(out, "</section>\n");
}

void report_html(const struct report *r, const char *svg, struct str *out)
{
    html_begin(out, r->doc->name);
    put_head(r, out);
    put_nav(r, svg, out);
    str_puts(out, "<main id=\"main\">\n");
    part_first(r, out);
    str_puts(out, "<div class=\"both\">\n");
    part_findings(r, out);
    part_document(r, out);
    str_puts(out, "</div>\n");
    part_claims(r, out);
    if (svg) {
        str_puts(out, "<section id=\"graph\" aria-labelledby=\"h-graph\">"
                 "<h2 id=\"h-graph\">Logic of the document</h2>\n");
        html_picture(out, svg, "Clauses, terms and claims, and what ties them");
        str_puts(out, "</section>\n");
    }
    part_tables(r, out);
    put_method(r, out);
    str_puts(out, "</main>\n<footer><p>Preliminary findings, for a lawyer's "
             "decision.</p></footer>\n");
    html_end(out);
}
