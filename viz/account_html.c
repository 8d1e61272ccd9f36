/* viz/account_html.c - a run as one HTML page: the answer and its votes, what
 * to look at, paths side by side, the reasoning as a picture, every token.
 *
 * Anchors: s1-3 step 3 of path 1, t1 the tokens of path 1. */
#include <math.h>
#include <string.h>

#include "viz/account.h"
#include "viz/html.h"
#include "viz/strip.h"

enum {
    COLUMNS = 12, ROWS = 240,   /* of paths side by side */
    TOKENS = 6000               /* of all strips: some 300 bytes each */
};

/* --- the head ------------------------------------------------------------- */

static void put_head(const struct account *a, struct str *out)
{
    str_printf(out, "<header class=\"top\"><h1>%s %.8s</h1>\n",
               a->model ? "Reasoning of run" : "Reasoning of foreign trace",
               a->run.uid);
    html_in(out, "blockquote class=\"asked\"",
            a->run.prompt ? a->run.prompt : "(forgotten)");
    str_printf(out, "<p class=\"dim\">%s, ", a->started);
    html_text(out, a->model ? a->model : "of another program");
    str_printf(out, ", %d path%s", a->rows.n_path,
               a->rows.n_path == 1 ? "" : "s");
    if (a->model)
        str_printf(out, ", temperature %.2g, seed %lld", a->run.temperature,
                   (long long)a->run.seed);
    str_puts(out, "</p></header>\n<nav aria-label=\"Parts of this report\">"
             "<ul><li><a href=\"#answer\">Answer</a></li>"
             "<li><a href=\"#paths\">Paths</a></li>"
             "<li><a href=\"#graph\">Graph</a></li>"
             "<li><a href=\"#tokens\">Tokens</a></li>"
             "<li><a href=\"#method\">Method</a></li></ul></nav>\n");
}

/* Sentences, one a line, as a card. */
static void put_card(struct str *out, const char *id, const char *title,
                     struct str *lines)
{
    str_printf(out, "<section id=\"%s\" class=\"card\" aria-labelledby="
               "\"h-%s\"><h2 id=\"h-%s\">%s</h2><ul>\n", id, id, id, title);
    for (char *at = lines->p, *end; (end = strchr(at, '\n')); at = end + 1) {
        str_puts(out, "<li>");
        html_bytes(out, at, (size_t)(end - at));
        str_puts(out, "</li>\n");
    }
    if (!lines->len)
        str_puts(out, "<li>Nothing stands out.</li>\n");
    str_puts(out, "</ul></section>\n");
    str_release(lines);
}

static void put_votes(const struct account *a, struct str *out)
{
    const struct rows *r = &a->rows;

    if (r->n_vote == 0)
        return;
    str_puts(out, "<table><caption class=\"dim\">Votes</caption><thead><tr>"
             "<th scope=\"col\">answer</th><th scope=\"col\">votes</th>"
             "<th scope=\"col\">share of paths</th></tr></thead><tbody>\n");
    for (int v = 0; v < r->n_vote; v++) {
        str_puts(out, "<tr>");
        html_in(out, "th scope=\"row\"", r->vote[v].answer
                                         ? r->vote[v].answer : "(forgotten)");
        str_printf(out, "<td>%d</td><td>", r->vote[v].votes);
        html_bar(out, (double)r->vote[v].votes / r->n_path,
                 v == 0 ? "supported" : "other");
        str_puts(out, "</td></tr>\n");
    }
    str_puts(out, "</tbody></table>\n");
}

static void put_first(const struct account *a, struct str *out)
{
    struct str said;

    str_puts(out, "<div class=\"first\"><section id=\"answer\" "
             "aria-labelledby=\"h-answer\"><h2 id=\"h-answer\">What it says"
             "</h2>\n<p class=\"statement\"><b>");
    str_init(&said);
    account_put_answer(a, &said);
    html_said(out, &said);
    str_puts(out, "</b></p>\n");
    put_votes(a, out);
    str_puts(out, "</section>\n<div class=\"side\">\n");
    str_init(&said);
    account_put_needs(a, &said);
    put_card(out, "needs", "What to look at", &said);
    str_init(&said);
    account_put_unmeasured(a, &said);
    put_card(out, "unchecked", "Not measured", &said);
    if (a->model)
        str_printf(out, "<section id=\"again\" class=\"card\" aria-labelledby="
                   "\"h-again\"><h2 id=\"h-again\">Compute it again</h2><p>"
                   "<code>sorites replay %.8s --verify</code></p></section>\n",
                   a->run.uid);
    str_puts(out, "</div></div>\n");
}

/* --- paths side by side --------------------------------------------------- */

static void put_column_head(const struct rows_path *p, struct str *out)
{
    struct str said;

    str_printf(out, "<th scope=\"col\"><a href=\"#t%d\">path %d</a><br/>",
               p->ordinal, p->ordinal);
    if (p->answer)
        html_in(out, "strong", p->answer);
    else
        str_puts(out, "<span class=\"dim\">no answer</span>");
    str_printf(out, "<br/><span class=\"dim\">%d tokens, stopped: ",
               p->n_token);
    html_text(out, p->stop ? p->stop : "not ended");
    str_init(&said);
    account_put_parting(p, &said);
    if (said.len)
        str_puts(out, "<br/>");
    html_said(out, &said);
    str_puts(out, "</span></th>");
}

/* Does the path part from its neighbour in this step? */
static int parts_in(const struct rows_path *p, const struct rows_step *s)
{
    return p->part_pos >= s->tok_from && p->part_pos < s->tok_to;
}

static void put_step(const struct rows_path *p, int i, struct str *out)
{
    const struct rows_step *s = i < p->n_step ? &p->step[i] : NULL;

    if (!s) {
        str_puts(out, "<td></td>");
        return;
    }
    str_printf(out, "<td id=\"s%d-%d\"%s><span class=\"tag ", p->ordinal,
               s->ordinal, parts_in(p, s) ? " class=\"parts\"" : "");
    html_class(out, s->origin);
    str_puts(out, "\">");
    html_text(out, s->origin);
    str_puts(out, "</span> <span class=\"dim\">");
    html_text(out, s->role);
    str_puts(out, "</span> ");
    if (!isnan(s->prob))
        html_bar(out, s->prob, "other");
    html_in(out, "div class=\"words\"", s->text ? s->text : "(forgotten)");
    if (s->answer) {
        str_puts(out, "<div class=\"dim\">states ");
        html_in(out, "b", s->answer);
        str_puts(out, "</div>");
    }
    str_puts(out, "</td>");
}

static void put_paths(const struct account *a, struct str *out)
{
    const struct rows *r = &a->rows;
    int n = r->n_path < COLUMNS ? r->n_path : COLUMNS, deep = 0;

    for (int k = 0; k < n; k++)
        deep = r->path[k].n_step > deep ? r->path[k].n_step : deep;
    str_printf(out, "<section id=\"paths\" aria-labelledby=\"h-paths\">"
               "<h2 id=\"h-paths\">%s</h2>\n<div class=\"scroll\" "
               "tabindex=\"0\" role=\"region\" aria-label=\"Paths side by "
               "side\"><table class=\"paths%s\"><thead><tr><th scope=\"col\">"
               "step</th>", n == 1 ? "The path, step by step"
                                   : "Paths side by side",
               n == 1 ? " single" : "");
    for (int k = 0; k < n; k++)
        put_column_head(&r->path[k], out);
    str_puts(out, "</tr></thead><tbody>\n");
    for (int i = 0; i < deep && i < ROWS; i++) {
        str_printf(out, "<tr><th scope=\"row\">%d</th>", i);
        for (int k = 0; k < n; k++)
            put_step(&r->path[k], i, out);
        str_puts(out, "</tr>\n");
    }
    str_puts(out, "</tbody></table></div>\n");
    if (r->n_path > n || deep > ROWS)
        str_printf(out, "<p class=\"dim\">Not shown: %d paths, %d rows of "
                   "steps; all are in the database.</p>\n", r->n_path - n,
                   deep > ROWS ? deep - ROWS : 0);
    str_puts(out, "<p class=\"dim\">Bar: mean probability of the step's "
             "tokens. Marked: the step in which a path parts from the one it "
             "shares most with.</p></section>\n");
}

/* --- tokens --------------------------------------------------------------- */

static enum sor_err put_tokens(const struct account *a, struct str *out,
                               struct sor_msg *msg)
{
    int room = TOKENS, left = 0;
    enum sor_err err = SOR_OK;

    str_puts(out, "<section id=\"tokens\" aria-labelledby=\"h-tokens\">"
             "<h2 id=\"h-tokens\">Every token, how likely it was, and what "
             "else was near</h2>\n");
    strip_key(out);
    for (int i = 0; i < a->rows.n_path && !err; i++) {
        const struct rows_path *p = &a->rows.path[i];
        struct strip s = { p->id, a->run.model_id, p->ordinal,
                           a->run.n_prompt, room };
        size_t before;

        str_printf(out, "<details class=\"card\"%s><summary>Path %d</summary>"
                   "<div id=\"t%d\">\n", i == 0 ? " open=\"open\"" : "",
                   p->ordinal, p->ordinal);
        before = out->len;
        left = 0;
        if (room > 0)
            err = strip_html(a->db, &s, out, &left, msg);
        if (out->len == before)
            str_puts(out, room > 0 ? "<p>No tokens were recorded.</p>\n"
                     : "<p>Not shown: sorites browse shows its tokens.</p>\n");
        if (left)
            str_printf(out, "<p class=\"dim\">%d more tokens are in the "
                       "database.</p>\n", left);
        room -= p->n_token < room ? p->n_token : room;
        str_puts(out, "</div></details>\n");
    }
    str_puts(out, "</section>\n");
    return err;
}

/* --- the page ------------------------------------------------------------- */

static void put_fact(struct str *out, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    html_in(out, "dt", name);
    html_in(out, "dd", value);
}

static void put_method(const struct account *a, struct str *out)
{
    str_puts(out, "<section id=\"method\" aria-labelledby=\"h-method\">"
             "<h2 id=\"h-method\">Method and limits</h2>\n<ul>\n"
             "<li>Steps marked <b>generated</b> are the words of the model, "
             "cut at its own breaks; <b>rule</b> and <b>scored</b> are not."
             "</li>\n<li>Answers are read from the text by rule and counted "
             "where they are equal.</li>\n<li>A probability is the model's "
             "own of its next token, not that the answer is right.</li>\n"
             "<li>The hash chain shows changes relative to a head that you "
             "keep elsewhere.</li>\n</ul>\n<dl>\n");
    put_fact(out, "run", a->run.uid);
    put_fact(out, "model", a->model);
    put_fact(out, "model, SHA-256", a->model_sha256);
    put_fact(out, "kernels", a->model ? a->run.isa : NULL);
    put_fact(out, "KV cache", a->model ? a->run.kv_type : NULL);
    put_fact(out, "routing", a->model ? a->run.route : NULL);
    put_fact(out, "recorded", a->run.level);
    put_fact(out, "program", a->run.program);
    put_fact(out, "head of the hash chain", a->head);
    str_puts(out, "</dl></section>\n");
}

enum sor_err account_html(const struct account *a, const char *svg,
                          struct str *out, struct sor_msg *msg)
{
    enum sor_err err;

    html_begin(out, a->run.prompt ? a->run.prompt : a->run.uid);
    put_head(a, out);
    str_puts(out, "<main id=\"main\">\n");
    put_first(a, out);
    put_paths(a, out);
    str_puts(out, "<section id=\"graph\" aria-labelledby=\"h-graph\">"
             "<h2 id=\"h-graph\">Reasoning as a graph</h2>\n");
    html_picture(out, svg, "Question, steps of each path, answers and votes");
    str_puts(out, svg ? "</section>\n" : "<p>No picture could be drawn.</p>"
             "</section>\n");
    err = put_tokens(a, out, msg);
    put_method(a, out);
    str_puts(out, "</main>\n");
    html_end(out);
    return err;
}
