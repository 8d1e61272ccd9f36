/* viz/part_document.c - the document of a review's page.
 *
 * The text is cut wherever a clause, a heading, a page, a finding or a piece
 * of evidence begins or ends; each piece between two cuts is marked by what
 * covers it, so that overlapping findings need no overlapping elements. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "viz/html.h"
#include "viz/part.h"

enum { CUT_END, CUT_CLAUSE, CUT_EVIDENCE, CUT_FINDING };
struct cut { int at, kind, row; };

struct doc {
    const struct report *r;
    struct cut *cut;
    int n;
    struct str *out;
};

static int by_place(const void *a, const void *b)
{
    const struct cut *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->kind != y->kind ? x->kind - y->kind : x->row - y->row;
}

static void cut(struct doc *d, int at, int kind, int row)
{
    if (at >= 0 && at <= d->r->n_char)
        d->cut[d->n++] = (struct cut){ at, kind, row };
}

/* Does a finding of this evidence's claim begin where it begins? */
static int is_found(const struct report *r, const struct db_evidence *e)
{
    for (int i = 0; i < report_n(r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(r, DB_FINDING, i);

        if (f->claim_id == e->claim_id && f->char_from == e->char_from)
            return 1;
    }
    return 0;
}

static int bears(const struct db_evidence *e)
{
    return strcmp(e->relation, "unrelated") != 0 && e->char_from >= 0 &&
           e->char_from < e->char_to;
}

static void list_cuts(struct doc *d)
{
    const struct report *r = d->r;

    for (int i = 0; i < report_n(r, DB_CLAUSE); i++) {
        const struct db_clause *c = report_row(r, DB_CLAUSE, i);

        cut(d, c->char_from, CUT_CLAUSE, i);
        if (c->heading)
            cut(d, c->text_from, CUT_END, i);
    }
    for (int i = 0; i < report_n(r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(r, DB_FINDING, i);

        if (f->char_from < 0)
            continue;
        cut(d, f->char_from, CUT_FINDING, i);
        cut(d, f->char_to, CUT_END, i);
    }
    for (int i = 0; i < report_n(r, DB_EVIDENCE); i++) {
        const struct db_evidence *e = report_row(r, DB_EVIDENCE, i);

        if (!bears(e))
            continue;
        cut(d, e->char_from, CUT_EVIDENCE, i);
        cut(d, e->char_to, CUT_END, i);
    }
    qsort(d->cut, (size_t)d->n, sizeof *d->cut, by_place);
}

/* --- what covers a piece -------------------------------------------------- */

/* The gravest finding over [from, to), -1 none; each is named in `names`. */
static int gravest(const struct report *r, int from, int to, struct str *names)
{
    int worst = -1;

    for (int i = 0; i < report_n(r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(r, DB_FINDING, i);

        if (f->char_from > from || f->char_to < to || f->char_from < 0)
            continue;
        worst = f->severity > worst ? f->severity : worst;
        str_printf(names, "%s%d", names->len ? " " : "", f->ordinal);
    }
    return worst;
}

static int is_evidence(const struct report *r, int from, int to)
{
    for (int i = 0; i < report_n(r, DB_EVIDENCE); i++) {
        const struct db_evidence *e = report_row(r, DB_EVIDENCE, i);

        if (bears(e) && e->char_from <= from && e->char_to >= to)
            return 1;
    }
    return 0;
}

/* Is it a clause's number and heading? */
static int is_heading(const struct report *r, int from, int to)
{
    for (int i = 0; i < report_n(r, DB_CLAUSE); i++) {
        const struct db_clause *c = report_row(r, DB_CLAUSE, i);

        if (c->heading && c->char_from <= from && c->text_from >= to)
            return 1;
    }
    return 0;
}

/* A form feed parts two pages. */
static void put_bytes(struct doc *d, const char *p, size_t n, int *page)
{
    const char *end = p + n, *feed;

    while ((feed = memchr(p, '\f', (size_t)(end - p)))) {
        html_bytes(d->out, p, (size_t)(feed - p));
        if (d->r->doc->n_page > 0)
            str_printf(d->out, "<span class=\"page\" id=\"p%d\">page %d"
                       "</span>", *page + 1, *page + 1);
        ++*page;
        p = feed + 1;
    }
    html_bytes(d->out, p, (size_t)(end - p));
}

static void put_piece(struct doc *d, int from, int to, int *page)
{
    struct report_text t = report_quote(d->r, from, to);
    struct str names;
    int worst, bold;

    if (!t.n)
        return;
    str_init(&names);
    bold = is_heading(d->r, from, to);
    worst = gravest(d->r, from, to, &names);
    str_puts(d->out, bold ? "<b>" : "");
    if (worst >= 0)
        str_printf(d->out, "<mark class=\"s%d\" data-f=\"%s\">", worst,
                   names.p);
    else if (is_evidence(d->r, from, to))
        str_puts(d->out, "<span class=\"ev\">");
    put_bytes(d, t.p, t.n, page);
    if (worst >= 0)
        str_puts(d->out, "</mark>");
    else if (is_evidence(d->r, from, to))
        str_puts(d->out, "</span>");
    str_puts(d->out, bold ? "</b>" : "");
    if (!str_ok(&names))
        d->out->failed = 1;
    str_release(&names);
}

/* --- the margin ----------------------------------------------------------- */

/* The note stands in the margin; where there is none, the number does. */
static void put_finding(struct doc *d, const struct db_finding *f)
{
    str_printf(d->out, "<span id=\"m%d\"></span>"
               "<span class=\"note s%d\"><a href=\"#f%d\"><b>%d %s</b> ",
               f->ordinal, f->severity, f->ordinal, f->ordinal,
               part_severity(f->severity));
    html_text(d->out, f->text);
    str_printf(d->out, "</a></span><sup><a href=\"#f%d\" aria-label="
               "\"finding %d\">%d</a></sup>", f->ordinal, f->ordinal,
               f->ordinal);
}

static void put_evidence(struct doc *d, const struct db_evidence *e)
{
    const struct db_claim *c = report_find(d->r, DB_CLAIM, e->claim_id);

    if (!c || is_found(d->r, e))
        return;
    str_printf(d->out, "<span class=\"note ev\"><a href=\"#k%d\">",
               c->ordinal);
    html_text(d->out, c->title ? c->title : c->name);
    str_printf(d->out, ": %s</a></span>",
               report_is_ranked(d->r, c->id) ? "ranked"
               : strcmp(e->relation, "supports") == 0 ? "for" : "against");
}

static void put_cut(struct doc *d, const struct cut *c)
{
    switch (c->kind) {
    case CUT_CLAUSE:
        str_printf(d->out, "<span id=\"c%d\"></span>", c->row + 1);
        break;
    case CUT_FINDING:
        put_finding(d, report_row(d->r, DB_FINDING, c->row));
        break;
    case CUT_EVIDENCE:
        put_evidence(d, report_row(d->r, DB_EVIDENCE, c->row));
        break;
    default:
        break;
    }
}

void part_document(const struct report *r, struct str *out)
{
    size_t most = 2 * (size_t)(report_n(r, DB_CLAUSE) +
                               report_n(r, DB_FINDING) +
                               report_n(r, DB_EVIDENCE)) + 1;
    struct doc d = { r, mem_calloc(most, sizeof *d.cut), 0, out };
    int at = 0, page = 1;

    str_puts(out, "<section id=\"text\" aria-labelledby=\"h-text\">"
             "<h2 id=\"h-text\">Document</h2>\n<div class=\"text\" "
             "tabindex=\"0\" role=\"region\" aria-label=\"The document, "
             "findings marked\">");
    if (!d.cut)
        out->failed = 1;
    else
        list_cuts(&d);
    for (int i = 0; i < d.n; i++) {
        put_piece(&d, at, d.cut[i].at, &page);
        at = d.cut[i].at;
        put_cut(&d, &d.cut[i]);
    }
    put_piece(&d, at, r->n_char, &page);
    str_puts(out, "</div></section>\n");
    mem_free(d.cut);
}
