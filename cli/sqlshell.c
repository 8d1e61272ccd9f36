#include "cli/sqlshell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xdg.h"
#include "cli/lineedit.h"
#include "db/schema_doc.h"

/* Says what is not to be seen in the rows. */
static void tell(const struct sqlshell *sh, const struct sql_result *r)
{
    if (r->cut == SQL_CUT_ROWS)
        log_warn("cut after %lld rows; --rows 0 shows all",
                 (long long)r->n_row);
    if (r->cut == SQL_CUT_TIME)
        log_warn("stopped after %g s with %lld rows; --seconds 0 lets it run",
                 sh->seconds, (long long)r->n_row);
    if (r->n_changed)
        log_info("%lld rows changed", (long long)r->n_changed);
}

enum sor_err sqlshell_query(struct sqlshell *sh, const char *text)
{
    struct sql_sink sink = sqlout_sink(&sh->out);
    struct sql_result r = { 0 };
    enum sor_err err = sql_run(sh->sql, text, &sink, &r, &sh->cli->msg);
    enum sor_err end = sqlout_end(&sh->out);

    if (err == SOR_IO && sh->out.left)
        return SOR_OK;                  /* the rows found no reader any more */
    if (!err)
        tell(sh, &r);
    return err ? err : end;
}

/* --- dot commands -------------------------------------------------------- */

static int list_tables(struct sqlshell *sh, const char *arg)
{
    (void)arg;
    sqlshell_query(sh, "SELECT name, type FROM sqlite_schema WHERE type IN "
              "('table', 'view') AND name NOT LIKE 'sqlite%' "
              "ORDER BY type DESC, name");
    return 1;
}

/* The statements that made a table, or all of them, as they were written. */
static enum sor_err print_sql(void *ud, int n, const struct sql_value *v)
{
    struct sqlshell *sh = ud;

    (void)n;
    if (v[0].kind == SQL_TEXT)
        sqlout_text(&sh->out, v[0].p, v[0].n, ";\n");
    return SOR_OK;
}

static enum sor_err no_columns(void *ud, int n, const char *const *name)
{
    (void)ud, (void)n, (void)name;
    return SOR_OK;
}

static int show_schema(struct sqlshell *sh, const char *arg)
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
    sqlout_end(&sh->out);
    str_release(&text);
    return 1;
}

/* The page that `make docs` keeps as docs/schema.md. */
static int print_doc(struct sqlshell *sh, const char *arg)
{
    struct db *d = NULL;
    struct str page;
    enum sor_err err = db_open(sh->path, &d, &sh->cli->msg);

    (void)arg;
    str_init(&page);
    if (!err)
        err = schema_doc(d, &page, &sh->cli->msg);
    if (!err)
        sqlout_text(&sh->out, page.p, page.len, "");
    else
        log_warn("%s", sh->cli->msg.text);
    str_release(&page);
    sqlout_end(&sh->out);
    db_close(d);
    return 1;
}

static int set_mode(struct sqlshell *sh, const char *arg)
{
    for (int i = 0; i < SQLOUT_MODES; i++)
        if (strcmp(arg, sqlout_modes[i]) == 0) {
            sh->out.mode = (enum sqlout_mode)i;
            return 1;
        }
    log_warn(".mode table, .mode json, .mode csv or .mode markdown");
    return 1;
}

static int quit(struct sqlshell *sh, const char *arg)
{
    (void)sh, (void)arg;
    return 0;
}

static int help(struct sqlshell *sh, const char *arg);

static const struct {
    const char *name, *text;
    int (*act)(struct sqlshell *sh, const char *arg);  /* 0: leave the shell */
} dots[] = {
    { ".tables", "the tables, and the views (v_...) to ask from", list_tables },
    { ".schema", "[NAME]  how they are made", show_schema },
    { ".doc", "tables, views and columns explained, as Markdown", print_doc },
    { ".mode", "table|json|csv|markdown  how rows are shown", set_mode },
    { ".help", "this list", help },
    { ".quit", "leave (also the end of input)", quit },
};
enum { DOTS = sizeof dots / sizeof dots[0] };

static int help(struct sqlshell *sh, const char *arg)
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
static int dot_command(struct sqlshell *sh, const char *line)
{
    size_t n = strcspn(line, " \t");
    const char *arg = line + n + strspn(line + n, " \t");

    for (int i = 0; i < DOTS; i++)
        if (strlen(dots[i].name) == n && memcmp(dots[i].name, line, n) == 0)
            return dots[i].act(sh, arg);
    log_warn("%.*s: unknown; .help lists what there is", (int)n, line);
    return 1;
}

/* --- completion ---------------------------------------------------------- */

static void offer(void *to, const char *name)
{
    lineedit_offer(to, name);
}

static void offer_dots(const char *word, struct lineedit_words *to)
{
    for (int i = 0; i < DOTS; i++)
        if (strncmp(dots[i].name, word, strlen(word)) == 0)
            lineedit_offer(to, dots[i].name);
}

static void offer_modes(const char *word, struct lineedit_words *to)
{
    for (int i = 0; i < SQLOUT_MODES; i++)
        if (strncmp(sqlout_modes[i], word, strlen(word)) == 0)
            lineedit_offer(to, sqlout_modes[i]);
}

static void complete(void *ud, const char *line, size_t at, const char *word,
                     struct lineedit_words *to)
{
    const struct sqlshell *sh = ud;

    if (at == 0 && *word == '.')
        offer_dots(word, to);
    else if (at >= 6 && strncmp(line, ".mode ", 6) == 0)
        offer_modes(word, to);
    else
        sql_words(sh->sql, word, offer, to);
}

/* --- lines --------------------------------------------------------------- */

/* Where lines come from: a person or a script. */
struct source { struct lineedit *edit; char *line; size_t cap; };

static enum sor_err open_source(struct sqlshell *sh, struct source *from)
{
    struct str history;
    enum sor_err err;

    *from = (struct source){ 0 };
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return SOR_OK;
    str_init(&history);
    int kept = xdg_path(XDG_STATE, "sql_history", &history, NULL) == SOR_OK;
    struct lineedit_opts o = { .history = kept ? history.p : NULL,
                               .complete = complete, .ud = sh };
    err = lineedit_open(&o, &from->edit, &sh->cli->msg);
    str_release(&history);
    if (err)
        return err;
    cli_catch_signals();
    log_info("%s%s; .help lists the commands", sh->path,
             sh->write ? "" : " (reading only)");
    return SOR_OK;
}

static void close_source(struct source *from)
{
    lineedit_close(from->edit);
    free(from->line);
}

/* 1 with a line, 0 at the end.  Ctrl-C drops what was typed of a statement. */
static int next_line(struct source *from, struct str *text, const char **line)
{
    if (!from->edit) {
        int got = getline(&from->line, &from->cap, stdin) >= 0;
        *line = from->line;
        return got;
    }
    for (;;) {
        if (cli_stopped() && !cli_resume())     /* between two lines */
            return 0;
        switch (lineedit_read(from->edit, text->len ? "    ...> "
                                                    : "sorites> ", line)) {
        case LINEEDIT_LINE:
            if (**line != '\n')
                lineedit_remember(from->edit, *line);
            return 1;
        case LINEEDIT_SIGNAL:
            fputc('\n', stderr);
            str_clear(text);
            if (cli_resume())
                continue;
            return 0;
        case LINEEDIT_EOF:
            fputc('\n', stderr);
            return 0;
        }
    }
}

/* --- the shell ----------------------------------------------------------- */

/* A failed statement ends a script and only annoys a person. */
static enum sor_err run_text(struct sqlshell *sh, struct str *text, int talking)
{
    enum sor_err err = sqlshell_query(sh, text->p);

    str_clear(text);
    if (err == SOR_OK || !talking || (err == SOR_INTERRUPTED && !cli_resume()))
        return err;
    log_warn("%s", sh->cli->msg.text);
    return SOR_OK;
}

static int run_dot(struct sqlshell *sh, const char *line)
{
    struct str text;

    str_init(&text);
    str_put(&text, line, strcspn(line, "\r\n"));
    while (text.len && strchr(" \t", text.p[text.len - 1]))
        text.p[--text.len] = '\0';
    int more = dot_command(sh, text.p);
    str_release(&text);
    return more;
}

enum sor_err sqlshell_run(struct sqlshell *sh)
{
    struct source from;
    enum sor_err err = open_source(sh, &from);
    const char *line;
    struct str text;
    int more = 1;

    if (err)
        return err;
    str_init(&text);
    while (!err && more) {
        fflush(sh->out.to);
        if (!next_line(&from, &text, &line))
            break;
        if (!text.len && *line == '.') {
            more = run_dot(sh, line);
            continue;
        }
        str_puts(&text, line);
        if (sql_complete(text.p))
            err = run_text(sh, &text, from.edit != NULL);
    }
    if (!err && text.len && !from.edit) /* the last one may lack its ; */
        err = run_text(sh, &text, 0);
    close_source(&from);
    str_release(&text);
    return err;
}
