#include "cli/review_out.h"

#include <string.h>
#include <strings.h>

#include "cli/draw.h"
#include "cli/review_text.h"
#include "viz/logic.h"
#include "viz/overview.h"
#include "viz/report.h"

static const struct { const char *ending; enum review_form form; } forms[] = {
    { ".json", REVIEW_JSON },   { ".jsonl", REVIEW_JSON },
    { ".md", REVIEW_MARKDOWN }, { ".markdown", REVIEW_MARKDOWN },
    { ".html", REVIEW_HTML },   { ".htm", REVIEW_HTML },
    { ".docx", REVIEW_DOCX },   { ".txt", REVIEW_TEXT },
};

enum sor_err review_form_of(struct cli *cli, enum review_form *out)
{
    const char *dot;

    *out = cli->json ? REVIEW_JSON : REVIEW_TEXT;
    if (!cli->out || strcmp(cli->out, "-") == 0)
        return SOR_OK;
    dot = strrchr(cli->out, '.');
    for (size_t i = 0; dot && i < sizeof forms / sizeof *forms; i++)
        if (strcasecmp(dot, forms[i].ending) == 0) {
            *out = forms[i].form;
            return SOR_OK;
        }
    return cli->json ? SOR_OK
                     : sor_fail(&cli->msg, SOR_USAGE, "%s: its name does not "
                                "say a form; end it in .html, .md, .json, "
                                ".docx or .txt", cli->out);
}

/* The logic of the review as SVG; of a long document its parts. */
static void draw_logic(struct db *d, const struct report *r, struct str *svg)
{
    static const struct logic_opts which = { 0 };
    int is_long = report_n(r, DB_CLAUSE) >= OVERVIEW_FROM;
    struct sor_msg msg = { "" };
    struct graph g;
    enum sor_err err;

    graph_init(&g);
    err = is_long ? overview_build(r, &g, &msg)
                  : logic_build(d, r->run_id, &which, &g, &msg);
    draw_for_page(err, &g, svg, &msg);
    graph_release(&g);
}

struct wanted { int64_t run_id; enum review_form form; int flags; };

/* The report in one string; nothing of the forms that are printed at once. */
static enum sor_err make_page(struct db *d, const struct report *r,
                              enum review_form form, struct str *page,
                              struct sor_msg *msg)
{
    struct str svg;

    switch (form) {
    case REVIEW_JSON:
        report_json(r, page);
        break;
    case REVIEW_MARKDOWN:
        report_markdown(r, page);
        break;
    case REVIEW_HTML:
        str_init(&svg);
        draw_logic(d, r, &svg);
        report_html(r, svg.len ? svg.p : NULL, page);
        str_release(&svg);
        break;
    case REVIEW_DOCX:
        return report_docx(r, page, msg);
    case REVIEW_TEXT:
        break;
    }
    return SOR_OK;
}

static enum sor_err print_to(struct cli *cli, FILE *to, struct db *d,
                             const struct wanted *want)
{
    struct report *r = NULL;
    enum sor_err err = report_load(d, want->run_id, &r, &cli->msg);
    struct str page;

    if (err || !to) {
        report_close(r);
        return err ? err : SOR_IO;
    }
    str_init(&page);
    r->redline = (want->flags & REVIEW_REDLINE) != 0;
    if (want->form == REVIEW_TEXT)
        review_text(cli, to, r, want->flags & REVIEW_ALL);
    else
        err = make_page(d, r, want->form, &page, &cli->msg);
    if (!err)
        err = draw_write(cli, to, &page);
    str_release(&page);
    report_close(r);
    return err;
}

enum sor_err review_print(struct cli *cli, struct db *d, int64_t run_id,
                          enum review_form form, int flags)
{
    return print_to(cli, cli_out(cli), d,
                    &(struct wanted){ run_id, form, flags });
}

enum sor_err review_screen(struct cli *cli, struct db *d, int64_t run_id,
                           int flags)
{
    return print_to(cli, stdout, d,
                    &(struct wanted){ run_id, REVIEW_TEXT, flags });
}
