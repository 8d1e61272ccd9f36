/* viz/account_md.c - a run as Markdown. */
#include <math.h>
#include <string.h>

#include "viz/account.h"
#include "viz/markdown.h"

static void put_lines(struct str *out, struct str *lines)
{
    for (char *at = lines->p, *end; (end = strchr(at, '\n')); at = end + 1) {
        str_puts(out, "- ");
        markdown_bytes(out, at, (size_t)(end - at));
        str_putc(out, '\n');
    }
    str_release(lines);
}

static void put_votes(const struct account *a, struct str *out)
{
    const struct rows *r = &a->rows;

    if (r->n_vote == 0)
        return;
    str_puts(out, "\n| answer | votes | share |\n|---|---|---|\n");
    for (int v = 0; v < r->n_vote; v++) {
        str_puts(out, "| ");
        markdown_text(out, r->vote[v].answer ? r->vote[v].answer
                                             : "(forgotten)");
        str_printf(out, " | %d | %.0f %% |\n", r->vote[v].votes,
                   100.0 * r->vote[v].votes / r->n_path);
    }
}

static void put_path(const struct rows_path *p, struct str *out)
{
    struct str said;

    str_printf(out, "\n### Path %d", p->ordinal);
    if (p->answer) {
        str_puts(out, ": ");
        markdown_text(out, p->answer);
    }
    str_printf(out, "\n\n%d tokens", p->n_token);
    if (!isnan(p->prob))
        str_printf(out, ", mean probability %.2f", p->prob);
    str_puts(out, ", stopped: ");
    markdown_text(out, p->stop ? p->stop : "not ended");
    str_init(&said);
    account_put_parting(p, &said);
    if (said.len) {
        str_puts(out, "; ");
        markdown_text(out, said.p);
    }
    str_release(&said);
    str_puts(out, ".\n\n");
    for (int i = 0; i < p->n_step; i++) {
        const struct rows_step *s = &p->step[i];

        str_printf(out, "%d. (", s->ordinal);
        markdown_text(out, s->role);
        str_puts(out, ", ");
        markdown_text(out, s->origin);
        if (!isnan(s->prob))
            str_printf(out, ", %.2f", s->prob);
        str_puts(out, ") ");
        markdown_text(out, s->text ? s->text : "(forgotten)");
        str_putc(out, '\n');
    }
    if (p->n_unread)
        str_printf(out, "\n%d more steps are in the database.\n",
                   p->n_unread);
}

static void put_method(const struct account *a, struct str *out)
{
    str_printf(out, "\n## Method\n\nRun `%s`, %s", a->run.uid, a->started);
    if (a->model) {
        str_puts(out, ", model ");
        markdown_text(out, a->model);
        str_printf(out, " (SHA-256 `%s`), kernels %s, temperature %.2g, seed "
                   "%lld. `sorites replay %.8s --verify` computes it again",
                   a->model_sha256, a->run.isa, a->run.temperature,
                   (long long)a->run.seed, a->run.uid);
    }
    str_printf(out, ". Head of the hash chain `%s`.\n", a->head);
}

void account_markdown(const struct account *a, struct str *out)
{
    struct str lines;

    str_printf(out, "# Run %.8s\n\n> ", a->run.uid);
    markdown_text(out, a->run.prompt ? a->run.prompt : "(forgotten)");
    str_puts(out, "\n\n**");
    str_init(&lines);
    account_put_answer(a, &lines);
    markdown_text(out, lines.p);
    str_puts(out, "**\n");
    put_votes(a, out);
    str_puts(out, "\n## What to look at\n\n");
    str_clear(&lines);
    account_put_needs(a, &lines);
    put_lines(out, &lines);
    str_puts(out, "\n## Not measured\n\n");
    str_init(&lines);
    account_put_unmeasured(a, &lines);
    put_lines(out, &lines);
    str_puts(out, "\n## Paths\n");
    for (int i = 0; i < a->rows.n_path; i++)
        put_path(&a->rows.path[i], out);
    put_method(a, out);
}
