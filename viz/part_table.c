/* viz/part_table.c - what the rules found in the document, as tables. */
#include <string.h>

#include "viz/html.h"
#include "viz/part.h"

/* A table under a heading: its head is a list of columns, ended by NULL. */
static void table_begin(const char *id, const char *title, int n,
                        const char *const *column, struct str *out)
{
    str_printf(out, "<section id=\"%s\" aria-labelledby=\"h-%s\"><h2 "
               "id=\"h-%s\">%s <span class=\"dim\">%d</span></h2>\n"
               "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
               "aria-label=\"%s\"><table><thead><tr>", id, id, id, title, n,
               title);
    for (; *column; column++)
        str_printf(out, "<th scope=\"col\">%s</th>", *column);
    str_puts(out, "</tr></thead><tbody>\n");
}

static void table_end(struct str *out)
{
    str_puts(out, "</tbody></table></div></section>\n");
}

static void put_words(const struct report *r, int from, int to,
                      struct str *out)
{
    struct report_text t = report_quote(r, from, to);

    str_puts(out, "<td>");
    html_bytes(out, t.p, t.n);
    str_puts(out, "</td>");
}

static void put_clause(const struct report *r, int64_t id, struct str *out)
{
    str_puts(out, "<td>");
    part_clause(r, id, out);
    str_puts(out, "</td>");
}

/* --- definitions ---------------------------------------------------------- */

static void put_terms(const struct report *r, struct str *out)
{
    static const char *const column[] = { "term", "defined in", "meaning",
                                          "definitions", "uses", NULL };
    int n = report_n(r, DB_TERM);

    if (n == 0)
        return;
    table_begin("terms", "Definitions", n, column, out);
    for (int i = 0; i < n; i++) {
        const struct db_term *t = report_row(r, DB_TERM, i);

        str_puts(out, "<tr>");
        html_in(out, "th scope=\"row\"", t->name ? t->name : "(forgotten)");
        put_clause(r, t->clause_id, out);
        put_words(r, t->meaning_from, t->meaning_to, out);
        str_printf(out, "<td>%d</td><td%s>%d</td></tr>\n", t->n_def,
                   t->n_use ? "" : " class=\"failed\"", t->n_use);
    }
    table_end(out);
}

/* --- references, exceptions, overrides, conditions ------------------------- */

static const struct { const char *kind, *name; } ties[] = {
    { "refers_to", "refers to" },
    { "exception_to", "is an exception to" },
    { "overrides", "overrides" },
    { "condition_of", "is a condition of" },
    { "conflicts_with", "conflicts with" },
};

static const char *tie_name(const char *kind)
{
    for (size_t i = 0; i < sizeof ties / sizeof *ties; i++)
        if (strcmp(ties[i].kind, kind) == 0)
            return ties[i].name;
    return NULL;
}

static void put_end(const struct report *r, const char *kind, int64_t id,
                    int is_same, struct str *out)
{
    if (strcmp(kind, "clause") == 0) {
        str_puts(out, is_same ? "itself, " : "");
        part_clause(r, id, out);
    } else if (strcmp(kind, "dangling") == 0) {
        str_puts(out, "<b class=\"failed\">not in this document</b>");
    } else {
        str_puts(out, strcmp(kind, "external") == 0 ? "another document or law"
                      : strcmp(kind, "document") == 0 ? "this document"
                                                      : "a term");
    }
}

static void put_tie(const struct report *r, const struct db_logic *l,
                    struct str *out)
{
    int same = l->src_id == l->dst_id &&
               strcmp(l->src_kind, l->dst_kind) == 0;

    str_puts(out, "<tr><td>");
    put_end(r, l->src_kind, l->src_id, 0, out);
    str_printf(out, "</td><td>%s</td><td>", tie_name(l->kind));
    put_end(r, l->dst_kind, l->dst_id, same, out);
    str_puts(out, "</td>");
    put_words(r, l->char_from, l->char_to, out);
    html_in(out, "td", l->rule ? l->rule : l->measured);
    str_puts(out, "</tr>\n");
}

static void put_ties(const struct report *r, struct str *out)
{
    static const char *const column[] = { "from", "does", "to", "by the words",
                                          "rule", NULL };
    int n = 0;

    for (int i = 0; i < report_n(r, DB_LOGIC); i++)
        n += tie_name(((const struct db_logic *)
                       report_row(r, DB_LOGIC, i))->kind) != NULL;
    if (n == 0)
        return;
    table_begin("references", "References, exceptions, overrides", n, column,
                out);
    for (size_t k = 0; k < sizeof ties / sizeof *ties; k++)
        for (int i = 0; i < report_n(r, DB_LOGIC); i++) {
            const struct db_logic *l = report_row(r, DB_LOGIC, i);

            if (strcmp(l->kind, ties[k].kind) == 0)
                put_tie(r, l, out);
        }
    table_end(out);
}

/* --- duties --------------------------------------------------------------- */

static void put_norms(const struct report *r, struct str *out)
{
    static const char *const column[] = { "clause", "kind", "who", "how",
                                          "what", "by when", "amount", NULL };
    int n = report_n(r, DB_NORM);

    if (n == 0)
        return;
    table_begin("duties", "Who must, may or must not do what", n, column, out);
    for (int i = 0; i < n; i++) {
        const struct db_norm *m = report_row(r, DB_NORM, i);

        str_puts(out, "<tr>");
        put_clause(r, m->clause_id, out);
        html_in(out, "td", m->kind);
        html_in(out, "td", m->bearer);
        html_in(out, "td", m->modal);
        put_words(r, m->act_from, m->act_to, out);
        put_words(r, m->deadline_from, m->deadline_to, out);
        put_words(r, m->amount_from, m->amount_to, out);
        str_puts(out, "</tr>\n");
    }
    table_end(out);
}

void part_tables(const struct report *r, struct str *out)
{
    put_terms(r, out);
    put_ties(r, out);
    put_norms(r, out);
}
