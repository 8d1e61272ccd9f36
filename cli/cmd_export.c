/* cli/cmd_export.c - recorded runs for other programs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/sqlout.h"
#include "db/db.h"
#include "db/sql.h"
#include "trace/export.h"

enum { TO_JSONL, TO_OTLP, TO_CSV };

static struct { int format, all; const char *view; } opt;

static const struct opt_spec opts[] = {
    { 'f', "format", "jsonl|otlp|csv", OPT_WORD, &opt.format,
      "what to write [jsonl]", 0, 0 },
    { 0, "view", "NAME", OPT_STR, &opt.view,
      "for csv: the view (v_step, v_token, ...)", 0, 0 },
    { 'a', "all", NULL, OPT_FLAG, &opt.all, "every run, oldest first", 0, 0 },
    OPT_END
};

static enum sor_err put(void *ud, const char *s, size_t n, struct sor_msg *msg)
{
    if (cli_stopped())
        return sor_fail(msg, SOR_INTERRUPTED, "interrupted");
    if (fwrite(s, 1, n, ud) != n)
        return sor_fail(msg, SOR_IO, "cannot be written: %s", strerror(errno));
    return SOR_OK;
}

static enum sor_err export_run(struct cli *cli, struct db *d, int64_t id,
                               FILE *to)
{
    struct export_to out = { to, put };

    return opt.format == TO_OTLP ? export_otlp(d, id, &out, &cli->msg)
                                 : export_jsonl(d, id, &out, &cli->msg);
}

/* Ids first: a cursor that stays open would hold the database's moment. */
static enum sor_err export_all(struct cli *cli, struct db *d, FILE *to)
{
    struct db_run_query q = { .ascending = 1, .limit = 1 };
    enum sor_err err = SOR_OK;
    int n_forgotten = 0;
    struct db_run r;

    for (int more = 1; more && !err; q.skip++) {
        struct db_cur *c = db_runs(d, &q);
        int64_t id = 0;

        more = db_run_next(c, &r) > 0;
        if (more)
            id = r.id;
        if ((err = db_cur_close(c)))
            return sor_fail(&cli->msg, err, "%s: cannot be read", cli_db(cli));
        if (more && (err = export_run(cli, d, id, to)) == SOR_NOTFOUND) {
            err = SOR_OK;
            n_forgotten++;
        }
    }
    if (n_forgotten && !err)
        log_info("%d run%s left out: forgotten, so that nothing is left to "
                 "export", n_forgotten, n_forgotten == 1 ? " is" : "s are");
    return err;
}

static enum sor_err export_runs(struct cli *cli)
{
    struct db *d;
    FILE *to;
    int64_t id;
    enum sor_err err = db_open(cli_db(cli), &d, &cli->msg);

    if (err)
        return err;
    if (!(to = cli_out(cli)))
        err = SOR_IO;
    if (!err && opt.all)
        err = export_all(cli, d, to);
    for (int i = 0; i < cli->argc && !err; i++)
        if (!(err = db_find_run(d, cli->argv[i], &id, &cli->msg)))
            err = export_run(cli, d, id, to);
    db_close(d);
    return err;
}

/* --- csv ----------------------------------------------------------------- */

/* How a view's rows are known as a run's; the others have its id. */
static const struct { const char *view, *condition; } ways[] = {
    { "v_run", "id" },
    { "v_layer", "path_id" }, { "v_route", "path_id" },
    { "v_head", "path_id" },  { "v_alt", "path_id" },
};

static void put_condition(struct str *sql, int64_t id)
{
    const char *by = "run_id";

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(ways[i].view, opt.view) == 0)
            by = ways[i].condition;
    str_printf(sql, strcmp(by, "path_id") == 0
               ? " WHERE %s IN (SELECT id FROM path WHERE run_id = %lld)"
               : " WHERE %s = %lld", by, (long long)id);
}

/* SELECT over the view, for the runs named or for all. */
static enum sor_err make_query(struct cli *cli, struct str *sql)
{
    struct db *d;
    int64_t id;
    enum sor_err err = db_open(cli_db(cli), &d, &cli->msg);

    if (err)
        return err;
    str_printf(sql, "SELECT * FROM %s", opt.view);
    if (!db_has_table(d, opt.view))
        err = sor_fail(&cli->msg, SOR_USAGE, "--view %s: there is none of "
                       "that name; docs/schema.md and `.tables` in sorites "
                       "sql list them", opt.view);
    else if (cli->argc &&
             !(err = db_find_run(d, cli->argv[0], &id, &cli->msg)))
        put_condition(sql, id);
    db_close(d);
    if (!err && !str_ok(sql))
        err = sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
    return err;
}

static enum sor_err query_csv(struct cli *cli, const char *query)
{
    struct sql_opts o = { .cancelled = progress_stopped };
    struct sql_result result;
    struct sqlout out;
    struct sql *s;
    FILE *to = cli_out(cli);
    enum sor_err err, last;

    if (!to)
        return SOR_IO;
    if ((err = sql_open(cli_db(cli), &o, &s, &cli->msg)))
        return err;
    sqlout_init(&out, cli, to, SQLOUT_CSV);
    struct sql_sink sink = sqlout_sink(&out);
    err = sql_run(s, query, &sink, &result, &cli->msg);
    last = sqlout_end(&out);
    sqlout_release(&out);
    sql_close(s);
    return last || out.left ? last : err;   /* seen enough is no error */
}

static enum sor_err export_csv(struct cli *cli)
{
    struct str sql;
    enum sor_err err;

    if (!opt.view || !*opt.view ||
        strspn(opt.view, "abcdefghijklmnopqrstuvwxyz_") != strlen(opt.view))
        return sor_fail(&cli->msg, SOR_USAGE, "csv needs --view with the name "
                        "of a view, as v_step");
    if (cli->argc > 1)
        return sor_fail(&cli->msg, SOR_USAGE, "csv takes one run, or none for "
                        "all");
    str_init(&sql);
    if (!(err = make_query(cli, &sql)))
        err = query_csv(cli, sql.p);
    str_release(&sql);
    return err;
}

static enum sor_err run(struct cli *cli)
{
    cli_catch_signals();
    if (opt.all && cli->argc)
        return sor_fail(&cli->msg, SOR_USAGE, "--all is every run; name runs "
                        "or say --all, not both");
    if (opt.format == TO_CSV)
        return export_csv(cli);
    if (opt.view)
        return sor_fail(&cli->msg, SOR_USAGE, "--view goes with --format csv");
    if (!cli->argc && !opt.all)
        return sor_fail(&cli->msg, SOR_USAGE, "name the runs, or --all");
    return export_runs(cli);
}

const struct cmd cmd_export = {
    .name = "export", .operands = "[RUN...]", .min = 0, .max = -1,
    .summary = "write runs as JSON Lines, OTLP spans or CSV",
    .text = "jsonl is lossless: import reads it back, row for row.  otlp is "
            "one\nExportTraceServiceRequest a line, for any OpenTelemetry "
            "collector.  csv is\nany view, of one run or of all.  A terminal "
            "shows control characters; a pipe or file\ngets the text as it "
            "is.\n",
    .opts = opts, .run = run
};
