/* viz/report_html.c - a review as one HTML page that works from a file and
 * offline: no script, nothing loaded, every outside byte escaped.
 *
 * The document stands on the right with each finding marked in it, findings
 * and claims on the left; both are joined by anchors, so that the browser's
 * own back button leads back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "viz/report.h"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
    "'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<style>\n"
    ":root{--bg:#fdfcf9;--fg:#1d1d1b;--dim:#6a6862;--line:#dcd8cd;"
    "--card:#fff;--high:#b3261e;--medium:#a65a00;--low:#4a6572;"
    "--mark:#ffe9a8;--good:#1b6e3c;--link:#1a4f8b}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#161614;--fg:#e9e6df;"
    "--dim:#9b978d;--line:#383631;--card:#1f1e1b;--high:#ff8a80;"
    "--medium:#ffb866;--low:#9db8c4;--mark:#5a4a12;--good:#7fd39b;"
    "--link:#8ab8ef}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--fg);"
    "font:16px/1.5 Georgia,'Times New Roman',serif}\n"
    "header,main>section,footer{max-width:78rem;margin:0 auto;"
    "padding:1rem 1.5rem}\n"
    "h1{font-size:1.5rem;margin:.5rem 0 0;overflow-wrap:anywhere}\n"
    "h2{font-size:1.15rem;"
    "border-bottom:1px solid var(--line);padding-bottom:.3rem}\n"
    "h3{font-size:1rem;margin:0}\n"
    ".dim,dt{color:var(--dim);font-size:.88rem}\n"
    ".note{font-weight:bold;border-left:4px solid var(--medium);"
    "padding:.2rem .8rem;margin:.8rem 0}\n"
    ".both{display:grid;grid-template-columns:minmax(20rem,5fr) 6fr;"
    "gap:2rem;align-items:start}\n"
    "@media(max-width:60rem){.both{grid-template-columns:minmax(0,1fr)}}\n"
    ".card{background:var(--card);border:1px solid var(--line);"
    "border-radius:6px;padding:.7rem .9rem;margin:.7rem 0}\n"
    ".s3{border-left:5px solid var(--high)}"
    ".s2{border-left:5px solid var(--medium)}"
    ".s1,.s0{border-left:5px solid var(--low)}\n"
    ".card:target,:target>mark,mark:target{outline:3px solid var(--link)}\n"
    "q,blockquote{font-style:italic;margin:.3rem 0;display:block;"
    "overflow-wrap:anywhere}q:before{content:'\\201c'}q:after{content:"
    "'\\201d'}\n"
    ".tag{font:.75rem/1.6 ui-monospace,monospace;border:1px solid "
    "var(--line);border-radius:3px;padding:0 .35rem;margin-right:.3rem}\n"
    ".supported{color:var(--good)}.contradicted{color:var(--high)}"
    ".needs_review,.failed{color:var(--medium)}\n"
    ".decision{font-weight:bold}\n"
    "a{color:var(--link)}mark{background:var(--mark);color:inherit}\n"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0;"
    "font:inherit}\n"
    ".text{background:var(--card);border:1px solid var(--line);"
    "border-radius:6px;padding:1rem 1.3rem}\n"
    "@media(min-width:60rem){.text{position:sticky;top:1rem;"
    "max-height:96vh;overflow:auto}}\n"
    "table{border-collapse:collapse;font-size:.88rem;width:100%}"
    "td,th{border-bottom:1px solid var(--line);padding:.15rem .5rem;"
    "text-align:left}\n"
    "summary{cursor:pointer}details{overflow-x:auto}\n"
    "code{font-size:.8rem;overflow-wrap:anywhere}\n"
    "@media print{.both{display:block}.text{position:static;"
    "max-height:none}details>*{display:block}.card{break-inside:avoid}}\n"
    "</style>\n";

/* --- escaping ------------------------------------------------------------- */

/* Outside text as text: controls and bidi marks shown, never obeyed. */
static void put_bytes(struct str *out, const char *p, size_t n)
{
    struct str safe;

    str_init(&safe);
    text_safe(&safe, p, n, TEXT_NL | TEXT_TAB);
    for (size_t i = 0; i < safe.len; i++)
        switch (safe.p[i]) {
        case '<':  str_puts(out, "&lt;"); break;
        case '>':  str_puts(out, "&gt;"); break;
        case '&':  str_puts(out, "&amp;"); break;
        case '"':  str_puts(out, "&quot;"); break;
        case '\'': str_puts(out, "&#39;"); break;
        default:   str_putc(out, safe.p[i]);
        }
    if (!str_ok(&safe))
        out->failed = 1;
    str_release(&safe);
}

static void put_text(struct str *out, const char *s)
{
    if (s)
        put_bytes(out, s, strlen(s));
}

/* An element around outside text. */
static void put_in(struct str *out, const char *tag, const char *s)
{
    str_printf(out, "<%s>", tag);
    put_text(out, s);
    str_printf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

/* What a report_put_ function said of rows, and said is let go. */
static void put_said(struct str *out, struct str *said)
{
    put_text(out, said->p);
    str_release(said);
}

static void put_quote(const struct report *r, int from, int to,
                      struct str *out)
{
    struct report_text q = report_quote(r, from, to);

    if (!q.n)
        return;
    str_puts(out, "<q>");
    put_bytes(out, q.p, q.n);
    str_puts(out, "</q>\n");
}

/* A link to where a clause stands in the text. */
static void put_clause(const struct report *r, int64_t clause_id,
                       struct str *out)
{
    const struct db_clause *c = report_find(r, DB_CLAUSE, clause_id);
    char name[REPORT_NAME];

    if (!c)
        return;
    str_printf(out, "<a href=\"#c%d\">clause ", c->ordinal + 1);
    put_text(out, report_clause(r, clause_id, name));
    str_puts(out, "</a> ");
}

/* --- findings ------------------------------------------------------------- */

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
        put_in(out, k ? "div class=\"dim\"" : "div class=\"decision\"",
               said.p);
        str_release(&said);
    }
}

static void put_finding(const struct report *r, const struct db_finding *f,
                        struct str *out)
{
    static const char *const word[] = { "note", "low", "medium", "high" };
    int page = report_page(r, f->char_from);

    str_printf(out, "<div class=\"card s%d\" id=\"f%d\"><span class=\"tag\">"
               "%d %s</span><span class=\"tag\">%s</span>", f->severity,
               f->ordinal, f->ordinal, word[f->severity & 3],
               strcmp(f->origin, "rule") == 0 ? "rule" : "scored");
    put_clause(r, f->clause_id, out);
    if (f->char_from >= 0)
        str_printf(out, "<a href=\"#m%d\">in the text</a>", f->ordinal);
    if (page)
        str_printf(out, " <span class=\"dim\">page %d</span>", page);
    str_puts(out, "<div>");
    put_text(out, f->text);
    if (!isnan(f->confidence))
        str_printf(out, " <span class=\"dim\">(%.2f)</span>", f->confidence);
    str_puts(out, "</div>\n");
    put_quote(r, f->char_from, f->char_to, out);
    put_decisions(r, f->id, out);
    str_puts(out, "</div>\n");
}

static void put_findings(const struct report *r, struct str *out)
{
    int n = report_n(r, DB_FINDING);

    str_printf(out, "<h2>Findings (%d)</h2>\n", n);
    for (int severity = 3; severity >= 0; severity--)
        for (int i = 0; i < n; i++) {
            const struct db_finding *f = report_row(r, DB_FINDING, i);

            if (f->severity == severity)
                put_finding(r, f, out);
        }
    if (n == 0) {
        str_puts(out, "<p>");
        report_put_nothing(r, out);
        str_puts(out, "</p>\n");
    }
}

/* --- claims --------------------------------------------------------------- */

static void put_evidence(const struct report *r, int64_t claim_id,
                         struct str *out)
{
    const struct db_evidence *e;
    struct str said;

    if (report_is_ranked(r, claim_id))
        str_puts(out, "<div>Ranked clauses:</div>\n");
    for (int at = 0; (e = report_evidence(r, claim_id, &at)); ) {
        str_puts(out, "<div>");
        put_clause(r, e->clause_id, out);
        str_puts(out, "<span class=\"dim\">");
        str_init(&said);
        report_put_evidence(r, e, &said);
        put_said(out, &said);
        str_puts(out, "</span></div>\n");
        put_quote(r, e->char_from, e->char_to, out);
    }
}

static void put_checks(const struct report *r, int64_t claim_id,
                       struct str *out)
{
    str_puts(out, "<details><summary>Checks</summary><table>\n");
    for (int i = 0; i < report_n(r, DB_CHECK); i++) {
        const struct db_check *k = report_row(r, DB_CHECK, i);

        if (k->claim_id != claim_id)
            continue;
        str_printf(out, "<tr><td>%s</td>", k->passed == 1 ? "passed"
                   : k->passed == 0 ? "<b class=\"failed\">failed</b>"
                                    : "does not apply");
        put_in(out, "td", k->kind);
        put_in(out, "td", k->input);
        put_in(out, "td", k->note);
        str_puts(out, "</tr>\n");
    }
    str_puts(out, "</table></details>\n");
}

static void put_paths(const struct report *r, int64_t claim_id,
                      struct str *out)
{
    str_puts(out, "<details><summary>Paths: each is scored, no chain of "
             "reasoning</summary><table><tr><th>path<th>reads<th>verdict"
             "<th>supported<th>contradicted<th>not addressed</tr>\n");
    for (int i = 0; i < report_n(r, DB_CLAIM_PATH); i++) {
        const struct db_claim_path *p = report_row(r, DB_CLAIM_PATH, i);

        if (p->claim_id != claim_id)
            continue;
        str_printf(out, "<tr><td>%d<td>", i);
        put_text(out, report_word(p->variant));
        str_puts(out, p->counts ? "<td>" : " (does not count)<td>");
        put_text(out, report_word(p->verdict));
        for (int k = 0; k < 3; k++) {
            str_puts(out, "<td>");
            report_put_p(out, p->p[k], 3);
        }
        str_puts(out, "</tr>\n");
    }
    str_puts(out, "</table></details>\n");
}

static void put_claim(const struct report *r, const struct db_claim *c,
                      struct str *out)
{
    const struct db_verdict *v = report_verdict(r, c->id);
    struct str said;

    if (!v)
        return;
    str_printf(out, "<div class=\"card\" id=\"k%d\">", c->ordinal);
    put_in(out, "h3", c->title ? c->title : c->name);
    put_in(out, "div class=\"dim\"", c->text);
    str_printf(out, "<div><b class=\"%s\">", v->verdict);
    report_put_verdict(v, out);
    str_puts(out, "</b>; ");
    report_put_error_rate(c, out);
    str_printf(out, "; %s", report_contrast_word(report_contrast(r, c->id)));
    str_init(&said);
    report_put_agreement(r, v, &said);
    put_said(out, &said);
    str_puts(out, "</div>\n");
    if (v->stance) {
        str_puts(out, "<div><b>");
        str_init(&said);
        report_put_stance(v, &said);
        put_said(out, &said);
        str_puts(out, "</b>. ");
        put_text(out, v->position);
        str_puts(out, "</div>\n");
    }
    put_evidence(r, c->id, out);
    if (v->flip) {
        str_puts(out, "<div class=\"dim\">What would change it: ");
        put_text(out, v->flip);
        str_puts(out, "</div>\n");
    }
    put_checks(r, c->id, out);
    put_paths(r, c->id, out);
    str_puts(out, "</div>\n");
}

/* --- the document --------------------------------------------------------- */

/* Something that happens at a code point of the text. */
struct event { int at, kind, n; };      /* kind in the order they are put */
enum { EVENT_CLOSE, EVENT_CLAUSE, EVENT_OPEN };

static int by_place(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->kind != y->kind ? x->kind - y->kind : x->n - y->n;
}

/* Clauses begin and findings are marked; a finding that another's mark
 * overlaps gets an empty anchor instead. */
static int list_events(const struct report *r, struct event *e)
{
    int n = 0;

    for (int i = 0; i < report_n(r, DB_CLAUSE); i++) {
        const struct db_clause *c = report_row(r, DB_CLAUSE, i);

        e[n++] = (struct event){ c->char_from, EVENT_CLAUSE, c->ordinal + 1 };
    }
    for (int i = 0; i < report_n(r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(r, DB_FINDING, i);

        if (f->char_from < 0)
            continue;
        e[n++] = (struct event){ f->char_from, EVENT_OPEN, f->ordinal };
        e[n++] = (struct event){ f->char_to, EVENT_CLOSE, f->ordinal };
    }
    qsort(e, (size_t)n, sizeof *e, by_place);
    return n;
}

/* A mark ends at `to`: the numbers of all findings that begin in it. */
static void put_numbers(const struct report *r, int from, int to,
                        struct str *out)
{
    int n = 0;

    for (int i = 0; i < report_n(r, DB_FINDING); i++) {
        const struct db_finding *f = report_row(r, DB_FINDING, i);

        if (f->char_from >= from && f->char_from < to)
            str_printf(out, "%s<a href=\"#f%d\"><sup>%d</sup></a>",
                       n++ ? " " : "", f->ordinal, f->ordinal);
    }
}

static void put_document(const struct report *r, struct str *out)
{
    size_t most = (size_t)report_n(r, DB_CLAUSE) +
                  2 * (size_t)report_n(r, DB_FINDING) + 1;
    struct event *e = mem_calloc(most, sizeof *e);
    int n = e ? list_events(r, e) : 0, at = 0, open = -1, from = 0;

    str_puts(out, "<pre>");
    for (int i = 0; i < n; i++) {
        struct report_text t = report_quote(r, at, e[i].at);

        put_bytes(out, t.p, t.n);
        at = e[i].at > at ? e[i].at : at;
        if (e[i].kind == EVENT_CLAUSE) {
            str_printf(out, "<span id=\"c%d\"></span>", e[i].n);
        } else if (e[i].kind == EVENT_OPEN) {
            str_printf(out, open < 0 ? "<mark id=\"m%d\">"
                                     : "<span id=\"m%d\"></span>", e[i].n);
            from = open < 0 ? at : from;
            open = open < 0 ? e[i].n : open;
        } else if (e[i].n == open) {
            str_puts(out, "</mark>");
            put_numbers(r, from, at, out);
            open = -1;
        }
    }
    struct report_text rest = report_quote(r, at, r->n_char);
    put_bytes(out, rest.p, rest.n);
    str_puts(out, open < 0 ? "</pre>\n" : "</mark></pre>\n");
    if (!e)
        out->failed = 1;
    mem_free(e);
}

/* --- the page ------------------------------------------------------------- */

static void put_method(const struct report *r, struct str *out)
{
    struct str lines;

    str_init(&lines);
    report_put_unchecked(r, &lines);
    str_puts(out, "<footer><h2>Not checked</h2><ul>\n");
    for (char *at = lines.p, *end; (end = strchr(at, '\n')); at = end + 1) {
        str_puts(out, "<li>");
        put_bytes(out, at, (size_t)(end - at));
    }
    str_puts(out, "</ul>\n<h2>Method</h2><p class=\"dim\">Pack ");
    put_text(out, r->review->domain);
    str_putc(out, ' ');
    put_text(out, r->review->pack_version);
    if (r->model_sha256[0]) {
        str_printf(out, "; model <code>%s</code>", r->model_sha256);
        if (r->review->adapter) {
            str_puts(out, ", adapter <code>");
            put_text(out, r->review->adapter);
            str_puts(out, "</code>");
        }
        str_printf(out, ", kernels %s", r->isa);
    }
    str_printf(out, "; review <code>%s</code>; hash chain <code>%s</code>. "
               "<code>sorites replay %.8s --verify</code> computes every "
               "reading again.</p></footer>\n", r->uid, r->head, r->uid);
    str_release(&lines);
}

void report_html(const struct report *r, struct str *out)
{
    str_puts(out, head);
    put_in(out, "title", r->doc->name);
    str_puts(out, "</head><body>\n<header><h1>Review of ");
    put_text(out, r->doc->name);
    str_puts(out, "</h1>\n");
    put_in(out, "div class=\"note\"", r->review->note
                                      ? r->review->note
                                      : "Preliminary findings.");
    str_printf(out, "<div class=\"dim\">%lld characters, %d clauses, %s",
               (long long)r->doc->n_char, report_n(r, DB_CLAUSE), r->started);
    if (r->review->party) {
        str_puts(out, ", for ");
        put_text(out, r->review->party);
    }
    str_puts(out, "</div></header>\n<main><section class=\"both\"><div>\n");
    put_findings(r, out);
    if (report_n(r, DB_CLAIM)) {
        str_puts(out, "<h2>Points in dispute</h2>\n<div class=\"dim\">");
        report_put_correlation(r, out);
        str_puts(out, "</div>\n");
    }
    for (int i = 0; i < report_n(r, DB_CLAIM); i++)
        put_claim(r, report_row(r, DB_CLAIM, i), out);
    str_puts(out, "</div>\n<div class=\"text\">");
    put_document(r, out);
    str_puts(out, "</div></section></main>\n");
    put_method(r, out);
    str_puts(out, "</body></html>\n");
}
