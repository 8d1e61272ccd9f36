/* viz/report_docx.c - a review as the contract's own text in Word, findings as
 * comments at their words, and with r->redline the playbook's text as tracked
 * changes.
 *
 * Lines that no empty line parts stay one paragraph.
 * Source: ECMA-376, part 1: 17.3 (paragraphs, runs), 17.13.4 (comments),
 * 17.13.5 (revisions). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "viz/docx.h"
#include "viz/report.h"
#include "viz/xml.h"

enum { CUT_HEADING_END, CUT_CHANGE_END, CUT_END, CUT_HEADING, CUT_CHANGE,
       CUT_BEGIN };
struct cut { int at, kind, n; };    /* n: a finding's number, a claim's row */

struct word {
    const struct report *r;
    struct cut *cut;
    int n_cut;
    struct str *body, *comments;
    int in_paragraph, newlines, bold, deleting, n_change;
};

/* --- comments ------------------------------------------------------------- */

static void put_text(struct str *out, const char *s)
{
    if (s)
        xml_bytes(out, s, strlen(s), 0);
}

/* A paragraph of a comment: our words, then outside text. */
static void put_line(struct str *out, const char *lead, const char *s)
{
    str_printf(out, "<w:p><w:r><w:t xml:space=\"preserve\">%s", lead);
    put_text(out, s);
    str_puts(out, "</w:t></w:r></w:p>");
}

static void put_said(struct str *out, struct str *said)
{
    put_line(out, "", said->p);
    if (!str_ok(said))
        out->failed = 1;
    str_clear(said);
}

/* What is known of the claim behind a finding. */
static void put_claim(const struct report *r, const struct db_claim *c,
                      struct str *out)
{
    const struct db_verdict *v = report_verdict(r, c->id);
    struct str said;

    if (!v)
        return;
    str_init(&said);
    put_line(out, "Claim: ", c->text);
    report_put_verdict(v, &said);
    report_put_worth(r, c, v, &said);
    put_said(out, &said);
    if (v->stance) {
        report_put_stance(v, &said);
        str_printf(&said, ". %s", v->position ? v->position : "");
        put_said(out, &said);
    }
    if (v->flip)
        put_line(out, "What would change it: ", v->flip);
    str_release(&said);
}

static void put_comment(const struct report *r, const struct db_finding *f,
                        struct str *out)
{
    static const char *const word[] = { "Note", "Low", "Medium", "High" };
    const struct db_claim *c = report_find(r, DB_CLAIM, f->claim_id);
    const struct db_decision *d;
    struct str said;

    str_init(&said);
    str_printf(out, "<w:comment w:id=\"%d\" w:author=\"Sorites\" "
               "w:initials=\"S\" w:date=\"%s\">", f->ordinal, r->started);
    str_printf(&said, "%d %s, by %s: %s", f->ordinal, word[f->severity & 3],
               strcmp(f->origin, "rule") == 0 ? "rule" : "model",
               f->text ? f->text : "(forgotten)");
    if (!isnan(f->confidence))
        str_printf(&said, " (%.2f)", f->confidence);
    if (f->char_from < 0)
        str_puts(&said, " [no place in the text]");
    put_said(out, &said);
    if (c)
        put_claim(r, c, out);
    for (int k = 0; (d = report_decision_back(r, f->id, k)); k++) {
        str_puts(&said, k ? "Superseded: " : "Decision: ");
        report_put_decision(d, &said);
        put_said(out, &said);
    }
    str_puts(out, "</w:comment>");
    str_release(&said);
}

/* --- where something happens ---------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct cut *x = a, *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->kind != y->kind ? x->kind - y->kind : x->n - y->n;
}

static void cut(struct word *w, int at, int kind, int n)
{
    w->cut[w->n_cut++] = (struct cut){ at, kind, n };
}

/* Does an earlier claim change any of these words? */
static int is_changed(const struct word *w, int row, int from, int to)
{
    for (int i = 0; i < row; i++) {
        const struct db_claim *c = report_row(w->r, DB_CLAIM, i);
        int a, b;

        if (report_suggestion(w->r, c->id, &a, &b) && a >= 0 && a < to &&
            b > from)
            return 1;
    }
    return 0;
}

/* What has no place in the text is said at its first line. */
static void cut_finding(struct word *w, const struct db_finding *f)
{
    const char *text = w->r->doc->text;
    int from = f->char_from, to = f->char_to;

    if (from < 0 || from >= to) {
        from = (int)strspn(text, "\r\n\f ");
        to = from + (int)utf8_count(text + from, strcspn(text + from,
                                                         "\r\n\f"));
    }
    cut(w, from, CUT_BEGIN, f->ordinal);
    cut(w, to, CUT_END, f->ordinal);
}

static void list_cuts(struct word *w)
{
    const struct report *r = w->r;

    for (int i = 0; i < report_n(r, DB_CLAUSE); i++) {
        const struct db_clause *c = report_row(r, DB_CLAUSE, i);

        if (!c->heading || c->text_from <= c->char_from)
            continue;
        cut(w, c->char_from, CUT_HEADING, 0);
        cut(w, c->text_from, CUT_HEADING_END, 0);
    }
    for (int i = 0; i < report_n(r, DB_FINDING); i++)
        cut_finding(w, report_row(r, DB_FINDING, i));
    for (int i = 0; r->redline && i < report_n(r, DB_CLAIM); i++) {
        const struct db_claim *c = report_row(r, DB_CLAIM, i);
        int from, to;

        if (!report_suggestion(r, c->id, &from, &to) || from < 0 ||
            is_changed(w, i, from, to))
            continue;
        cut(w, from, CUT_CHANGE, i);
        cut(w, to, CUT_CHANGE_END, i);
    }
    qsort(w->cut, (size_t)w->n_cut, sizeof *w->cut, by_place);
}

/* --- the text ------------------------------------------------------------- */

static void open_paragraph(struct word *w)
{
    if (w->in_paragraph && w->newlines >= 2) {
        str_puts(w->body, "</w:p>");
        w->in_paragraph = 0;
    }
    if (!w->in_paragraph)
        str_puts(w->body, "<w:p>");
    else if (w->newlines == 1)
        str_puts(w->body, "<w:r><w:br/></w:r>");
    w->in_paragraph = 1;
    w->newlines = 0;
}

static void begin_revision(struct word *w, const char *kind)
{
    str_printf(w->body, "<w:%s w:id=\"%d\" w:author=\"Sorites\" "
               "w:date=\"%s\">", kind, 100000 + w->n_change++,
               w->r->started);
}

/* A run of text on one line. */
static void put_run(struct word *w, const char *p, size_t n)
{
    const char *tag = w->deleting ? "delText" : "t";

    if (n == 0)
        return;
    open_paragraph(w);
    if (w->deleting)
        begin_revision(w, "del");
    str_printf(w->body, "<w:r>%s<w:%s xml:space=\"preserve\">",
               w->bold ? "<w:rPr><w:b/></w:rPr>" : "", tag);
    xml_bytes(w->body, p, n, TEXT_TAB);
    str_printf(w->body, "</w:%s></w:r>%s", tag, w->deleting ? "</w:del>" : "");
}

/* Lines, empty ones, and pages: a form feed parts paragraphs. */
static void put_piece(struct word *w, int from, int to)
{
    struct report_text t = report_quote(w->r, from, to);
    const char *p = t.p, *end = t.p + t.n;

    while (p < end) {
        size_t n = 0;

        while (p + n < end && !strchr("\n\r\f", p[n]))
            n++;
        put_run(w, p, n);
        p += n;
        if (p < end) {
            w->newlines += *p == '\f' ? 2 : *p == '\n';
            p++;
        }
    }
}

static void put_insertion(struct word *w, const char *text)
{
    begin_revision(w, "ins");
    str_puts(w->body, "<w:r><w:t xml:space=\"preserve\">");
    put_text(w->body, text);
    str_puts(w->body, "</w:t></w:r></w:ins>");
}

static void put_cut(struct word *w, const struct cut *c)
{
    const struct db_claim *claim;
    int from, to;

    switch (c->kind) {
    case CUT_HEADING:
    case CUT_HEADING_END:
        w->bold = c->kind == CUT_HEADING;
        break;
    case CUT_CHANGE:
        w->deleting = 1;
        break;
    case CUT_CHANGE_END:
        w->deleting = 0;
        claim = report_row(w->r, DB_CLAIM, c->n);
        put_insertion(w, report_suggestion(w->r, claim->id, &from, &to));
        break;
    case CUT_BEGIN:
        open_paragraph(w);
        str_printf(w->body, "<w:commentRangeStart w:id=\"%d\"/>", c->n);
        break;
    default:
        str_printf(w->body, "<w:commentRangeEnd w:id=\"%d\"/><w:r>"
                   "<w:commentReference w:id=\"%d\"/></w:r>", c->n, c->n);
    }
}

/* Text that no passage of the document stands for goes behind it. */
static void put_additions(struct word *w)
{
    for (int i = 0; w->r->redline && i < report_n(w->r, DB_CLAIM); i++) {
        const struct db_claim *c = report_row(w->r, DB_CLAIM, i);
        int from, to;
        const char *text = report_suggestion(w->r, c->id, &from, &to);

        if (!text || (from >= 0 && !is_changed(w, i, from, to)))
            continue;
        w->newlines = 2;
        open_paragraph(w);
        put_insertion(w, text);
    }
}

static void put_document(struct word *w)
{
    int at = 0;

    list_cuts(w);
    for (int i = 0; i < w->n_cut; i++) {
        put_piece(w, at, w->cut[i].at);
        at = w->cut[i].at > at ? w->cut[i].at : at;
        put_cut(w, &w->cut[i]);
    }
    put_piece(w, at, w->r->n_char);
    put_additions(w);
    if (w->in_paragraph)
        str_puts(w->body, "</w:p>");
}

enum sor_err report_docx(const struct report *r, struct str *out,
                         struct sor_msg *msg)
{
    size_t most = 2 * (size_t)(report_n(r, DB_CLAUSE) + report_n(r, DB_CLAIM) +
                               report_n(r, DB_FINDING)) + 1;
    struct str body, comments;
    struct word w = { .r = r, .body = &body, .comments = &comments };
    enum sor_err err;

    str_init(&body);
    str_init(&comments);
    w.cut = mem_calloc(most, sizeof *w.cut);
    if (w.cut) {
        for (int i = 0; i < report_n(r, DB_FINDING); i++)
            put_comment(r, report_row(r, DB_FINDING, i), &comments);
        put_document(&w);
        err = docx_pack(&body, &comments, out, msg);
    } else {
        err = sor_fail(msg, SOR_NOMEM, "out of memory for a Word file");
    }
    mem_free(w.cut);
    str_release(&body);
    str_release(&comments);
    return err;
}
