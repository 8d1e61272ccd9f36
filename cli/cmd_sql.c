/* cli/cmd_sql.c - SQL over a trace: one query, or a small shell. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/sqlout.h"
#include "db/schema_doc.h"

static struct { int write, wait, csv, rows; double seconds; } opt = {
    .rows = SQL_MAX_ROW, .seconds = SQL_MAX_MS / 1000.0 };

static const struct opt_spec opts[] = {
    { 0, "csv", NULL, OPT_FLAG, &opt.csv, "rows as CSV", 0, 0 },
    { 0, "rows", "N", OPT_INT, &opt.rows, "at most so many; 0: all", 0,
      1 << 30 },
    { 0, "seconds", "S", OPT_NUM, &opt.seconds,
      "at most so long for a query; 0: no limit", 0, 1e6 },
    { 0, "write", NULL, OPT_FLAG, &opt.write,
      "allow changes (verify --chain will find them)", 0, 0 },
    { 0, "wait", NULL, OPT_FLAG, &opt.wait,
      "with --write: wait where another process writes", 0, 0 },
    OPT_END
};

struct shell {
    struct cli *cli;
    struct sql *sql;
    struct sqlout out;
    const char *path;
};

static int stopped(void *ud)
{
    (void)ud;
    return cli_stopped();
}

/* Says what is not to be seen in the rows. */
static void tell(const struct sql_result *r)
{
    if (r->cut == SQL_CUT_ROWS)
        log_warn("cut after %lld rows; --rows 0 shows all",
                 (long long)r->n_row);
    if (r->cut == SQL_CUT_TIME)
        log_warn("stopped after %g s with %lld rows; --seconds 0 lets it run",
                 opt.seconds, (long long)r->n_row);
    if (r->n_changed)
        log_info("%lld rows changed", (long long)r->n_changed);
}

static enum sor_err query(struct shell *sh, const char *text)
{
    struct sql_sink sink = sqlout_sink(&sh->out);
    struct sql_result r = { 0 };
    enum sor_err err = sql_run(sh->sql, text, &sink, &r, &sh->cli->msg);
    enum sor_err end = sqlout_end(&sh->out);

    if (!err)
        tell(&r);
    return err ? err : end;
}

/* --- dot commands -------------------------------------------------------- */

static int list_tables(struct shell *sh, const char *arg)
{
    (void)arg;
    query(sh, "SELECT name, type FROM sqlite_schema WHERE type IN "
              "('table', 'view') AND name NOT LIKE 'sqlite%' "
              "ORDER BY type DESC, name");
    return 1;
}

/* The statements that made a table, or all of them, as they were written. */
static enum sor_err print_sql(void *ud, int n, const struct sql_value *v)
{
    struct shell *sh = ud;

    (void)n;
    if (v[0].kind == SQL_TEXT)
        fprintf(sh->out.to, "%.*s;\n", (int)v[0].n, (const char *)v[0].p);
    return SOR_OK;
}

static enum sor_err no_columns(void *ud, int n, const char *const *name)
{
    (void)ud, (void)n, (void)name;
    return SOR_OK;
}

static int show_schema(struct shell *sh, const char *arg)
{
    struct sql_sink sink = { sh, no_columns, print_sql };
    struct sql_result r;
    struct str text;

    str_init(&text);
    str_puts(&text, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL");
    if (*arg) {
        str_puts(&text, " AND tbl_name = '");
        for (; *arg; arg++)
            str_puts(&text, *arg == '\'' ? "''" : (char[]){ *arg, '\0' });
        str_puts(&text, "'");
    }
    if (sql_run(sh->sql, text.p, &sink, &r, &sh->cli->msg) != SOR_OK)
        log_warn("%s", sh->cli->msg.text);
    str_release(&text);
    return 1;
}

/* The page that `make docs` keeps as docs/schema.md. */
static int print_doc(struct shell *sh, const char *arg)
{
    struct db *d = NULL;
    struct str page;
    enum sor_err err = db_open(sh->path, &d, &sh->cli->msg);

    (void)arg;
    str_init(&page);
    if (!err)
        err = schema_doc(d, &page, &sh->cli->msg);
    if (!err)
        fputs(page.p, sh->out.to);
    else
        log_warn("%s", sh->cli->msg.text);
    str_release(&page);
    db_close(d);
    return 1;
}

static int set_mode(struct shell *sh, const char *arg)
{
    static const char *const names[] = { "table", "json", "csv" };

    for (int i = 0; i < 3; i++)
        if (strcmp(arg, names[i]) == 0) {
            sh->out.mode = (enum sqlout_mode)i;
            return 1;
        }
    log_warn(".mode table, .mode json or .mode csv");
    return 1;
}

static int quit(struct shell *sh, const char *arg)
{
    (void)sh, (void)arg;
    return 0;
}

static int help(struct shell *sh, const char *arg);

static const struct {
    const char *name, *text;
    int (*act)(struct shell *sh, const char *arg);  /* 0: leave the shell */
} dots[] = {
    { ".tables", "the tables, and the views (v_...) to ask from", list_tables },
    { ".schema", "[NAME]  how they are made", show_schema },
    { ".doc", "tables, views and columns explained, as Markdown", print_doc },
    { ".mode", "table|json|csv  how rows are shown", set_mode },
    { ".help", "this list", help },
    { ".quit", "leave (also the end of input)", quit },
};
enum { DOTS = sizeof dots / sizeof dots[0] };

static int help(struct shell *sh, const char *arg)
{
    (void)arg;
    for (int i = 0; i < DOTS; i++)
        fprintf(sh->out.to, "%-8s %s\n", dots[i].name, dots[i].text);
    fputs("A statement ends with ; and may take several lines:\n"
          "    SELECT layer, norm_out FROM v_layer WHERE path_id = 1 "
          "AND pos = 9;\n", sh->out.to);
    return 1;
}

/* 0: leave the shell. */
static int dot_command(struct shell *sh, char *line)
{
    size_t n = strcspn(line, " \t");
    const char *arg = line + n + strspn(line + n, " \t");

    for (int i = 0; i < DOTS; i++)
        if (strlen(dots[i].name) == n && memcmp(dots[i].name, line, n) == 0)
            return dots[i].act(sh, arg);
    log_warn("%.*s: unknown; .help lists what there is", (int)n, line);
    return 1;
}

/* --- the shell ----------------------------------------------------------- */

static void trim(char *line)
{
    size_t n = strlen(line);

    while (n && strchr(" \t\r\n", line[n - 1]))
        line[--n] = '\0';
}

/* A failed statement ends a script and only annoys a person. */
static enum sor_err shell_query(struct shell *sh, struct str *text,
                                int talking)
{
    enum sor_err err = query(sh, text->p);

    str_clear(text);
    if (err == SOR_OK || !talking || err == SOR_INTERRUPTED)
        return err;
    log_warn("%s", sh->cli->msg.text);
    return SOR_OK;
}

static void welcome(const struct shell *sh)
{
    log_info("%s%s; .help lists the commands", sh->path,
             opt.write ? "" : " (reading only)");
}

static enum sor_err shell(struct shell *sh)
{
    int talking = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    int more = 1;
    size_t cap = 0;
    char *line = NULL;
    enum sor_err err = SOR_OK;
    struct str text;

    str_init(&text);
    if (talking)
        welcome(sh);
    while (!err && more) {
        fflush(sh->out.to);
        if (talking)
            fputs(text.len ? "    ...> " : "sorites> ", stderr);
        if (getline(&line, &cap, stdin) < 0)
            break;
        if (!text.len && *line == '.') {
            trim(line);
            more = dot_command(sh, line);
            continue;
        }
        str_puts(&text, line);
        if (sql_complete(text.p))
            err = shell_query(sh, &text, talking);
    }
    if (talking && more)
        fputc('\n', stderr);
    if (!err && text.len)               /* the last one may lack its ; */
        err = shell_query(sh, &text, talking);
    free(line);
    str_release(&text);
    return err;
}

/* --- the command --------------------------------------------------------- */

/* DB and QUERY are both optional: a single operand that names a file is the
 * database.  One word is no SQL, so it was meant to be one. */
static enum sor_err operands(struct cli *cli, const char **path,
                             const char **text)
{
    struct stat st;

    *path = cli_db(cli);
    *text = NULL;
    if (cli->argc == 2) {
        *path = cli->argv[0];
        *text = cli->argv[1];
    } else if (cli->argc == 1 && stat(cli->argv[0], &st) == 0) {
        *path = cli->argv[0];
    } else if (cli->argc == 1 && strpbrk(cli->argv[0], " \t\n(;")) {
        *text = cli->argv[0];
    } else if (cli->argc == 1) {
        return sor_fail(&cli->msg, SOR_IO, "%s: no such database, and no "
                        "query either", cli->argv[0]);
    }
    return SOR_OK;
}

static enum sor_err run(struct cli *cli)
{
    struct sql_opts o = {
        .write = opt.write, .max_row = opt.rows,
        .max_ms = (int64_t)(opt.seconds * 1000.0), .cancelled = stopped,
        .lock = { .wait = opt.wait, .cancelled = stopped } };
    struct shell sh = { .cli = cli };
    const char *text;
    FILE *to;
    enum sor_err err = operands(cli, &sh.path, &text);

    if (err)
        return err;
    if (text || opt.write)              /* what can be interrupted cleanly */
        cli_catch_signals();
    if ((err = sql_open(sh.path, &o, &sh.sql, &cli->msg)))
        return err;
    if (!(to = cli_out(cli))) {
        sql_close(sh.sql);
        return SOR_IO;
    }
    sqlout_init(&sh.out, cli, to, cli->json ? SQLOUT_JSON
                                  : opt.csv ? SQLOUT_CSV : SQLOUT_TABLE);
    err = text ? query(&sh, text) : shell(&sh);
    sqlout_release(&sh.out);
    sql_close(sh.sql);
    return err;
}

const struct cmd cmd_sql = {
    .name = "sql", .operands = "[DB] [QUERY]", .min = 0, .max = 2,
    .summary = "ask the database; without a query, a shell",
    .text = "    sorites sql \"SELECT * FROM v_vote WHERE rank = 1\"\n"
            "    sorites sql trace.db --json \"SELECT * FROM v_step\"\n"
            "The views v_run v_path v_step v_token v_layer v_head v_vote ... "
            "are for\nasking; docs/schema.md explains them.  Reads only, "
            "unless --write.\n",
    .opts = opts, .run = run
};
