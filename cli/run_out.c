#include "cli/run_out.h"

#include "cli/accuracy.h"
#include "cli/draw.h"
#include "cli/show.h"
#include "viz/account.h"
#include "viz/reasoning.h"

static enum sor_err put_page(struct cli *cli, const struct account *a,
                             struct str *out)
{
    struct reasoning_opts o = { .accuracy = a->accuracy };
    struct graph g;
    struct str svg;
    enum sor_err err;

    graph_init(&g);
    str_init(&svg);
    err = reasoning_build(a->db, a->run_id, &o, &g, &cli->msg);
    draw_for_page(err, &g, &svg, &cli->msg);
    graph_release(&g);
    err = account_html(a, svg.len ? svg.p : NULL, out, &cli->msg);
    str_release(&svg);
    return err;
}

static enum sor_err print(struct cli *cli, FILE *to, const struct account *a,
                          enum review_form form)
{
    struct show s = { .cli = cli, .to = to, .d = a->db, .run_id = a->run_id };
    enum sor_err err = SOR_OK;
    struct str page;

    if (form == REVIEW_JSON)
        return show_run_json(&s, &cli->msg);
    if (form == REVIEW_TEXT) {
        show_question(&s, &a->run);
        return show_run(&s, &cli->msg);
    }
    str_init(&page);
    if (form == REVIEW_HTML)
        err = put_page(cli, a, &page);
    else
        account_markdown(a, &page);
    if (!err)
        err = draw_write(cli, to, &page);
    str_release(&page);
    return err;
}

enum sor_err run_print(struct cli *cli, struct db *d, int64_t run_id,
                       enum review_form form)
{
    const char *accuracy = NULL;
    struct db_run run;
    struct db_model m;
    struct account a;
    enum sor_err err;
    FILE *to;

    if (db_get_run(d, run_id, &run) == 1 && run.model_id &&
        db_get_model(d, run.model_id, &m) == 1)
        accuracy = accuracy_known(m.sha256, run.prompt);
    err = account_load(d, run_id, accuracy, &a, &cli->msg);
    if (!err && form == REVIEW_DOCX)
        err = sor_fail(&cli->msg, SOR_USAGE, "run %.8s is no review, so there "
                       "is no document to comment; -o x.html, x.md or x.json "
                       "is its report", a.run.uid);
    if (!err && !(to = cli_out(cli)))
        err = SOR_IO;
    if (!err)
        err = print(cli, to, &a, form);
    account_release(&a);
    return err;
}
