/* cli/cmd_runs.c - the recorded runs, newest first. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/table.h"
#include "db/db.h"

enum { QUESTION_COLUMNS = 60 };
enum { RUN, STARTED, QUESTION };        /* the first columns */

static struct { int limit; const char *like; } opt = { .limit = 50 };

static const struct opt_spec opts[] = {
    { 'n', "limit", "N", OPT_INT, &opt.limit, "at most so many; 0: all", 0,
      1 << 30 },
    { 0, "like", "TEXT", OPT_STR, &opt.like,
      "those whose question or uid holds it", 0, 0 },
    OPT_END
};

struct list {
    struct cli *cli;
    struct db *d;
    const char *path;
    FILE *to;
    int64_t recording;          /* id of the run that is; 0: none */
    struct table table;
};

static const char *status(const struct list *l, const struct db_run *r)
{
    return show_status(r, l->recording == r->id);
}

/* r->model_id's name; "" for a foreign trace. */
static const char *model_name(struct db *d, const struct db_run *r)
{
    struct db_model m;

    return r->model_id && db_get_model(d, r->model_id, &m) == 1 ? m.name : "";
}

static void put(struct list *l, const char *s, int flags)
{
    table_put(&l->table, s, strlen(s), flags);
}

static void put_row(struct list *l, const struct db_run *r)
{
    char when[21], text[64];

    clock_iso8601(r->started_us, when);
    when[10] = ' ';
    when[16] = '\0';
    snprintf(text, sizeof text, "%.8s", r->uid);
    put(l, text, 0);
    put(l, when, 0);
    if (r->prompt)
        put(l, r->prompt, 0);
    else
        put(l, "forgotten", TABLE_DIM);
    put(l, model_name(l->d, r), 0);
    snprintf(text, sizeof text, "%d", r->n_path);
    put(l, text, TABLE_RIGHT);
    put(l, r->answer ? r->answer : "", 0);
    snprintf(text, sizeof text, "%d/%d", r->votes, r->n_voted);
    put(l, r->n_voted ? text : "", TABLE_RIGHT);
    snprintf(text, sizeof text, "%lld", (long long)r->n_token);
    put(l, r->status ? text : "", TABLE_RIGHT);
    put(l, status(l, r), 0);
}

static void put_json(struct list *l, const struct db_run *r, struct str *line)
{
    struct json j;
    char when[21];

    clock_iso8601(r->started_us, when);
    str_clear(line);
    json_init(&j, line);
    json_obj(&j);
    json_key(&j, "run"), json_str(&j, r->uid);
    json_key(&j, "kind"), json_str(&j, r->kind);
    json_key(&j, "started"), json_str(&j, when);
    json_key(&j, "question"), json_str(&j, r->prompt);
    json_key(&j, "model"), json_str(&j, model_name(l->d, r));
    json_key(&j, "level"), json_str(&j, r->level);
    json_key(&j, "paths"), json_int(&j, r->n_path);
    json_key(&j, "paths_done"), json_int(&j, r->n_path_done);
    json_key(&j, "answer"), json_str(&j, r->answer);
    json_key(&j, "votes"), json_int(&j, r->votes);
    json_key(&j, "voted"), json_int(&j, r->n_voted);
    json_key(&j, "tokens"), json_int(&j, r->n_token);
    json_key(&j, "lost"), json_int(&j, r->n_lost);
    json_key(&j, "status"), json_str(&j, status(l, r));
    json_key(&j, "reason"), json_str(&j, r->reason);
    json_end_obj(&j);
    fprintf(l->to, "%s\n", line->p);
}

static enum sor_err list_runs(struct list *l)
{
    static const char *const names[] = { "RUN", "STARTED (UTC)", "QUESTION",
        "MODEL", "PATHS", "ANSWER", "VOTES", "TOKENS", "STATUS" };
    struct db_run_query q = { .like = opt.like, .limit = opt.limit };
    struct db_run r;
    struct str line;
    int n = 0;

    str_init(&line);
    table_init(&l->table, (int)(sizeof names / sizeof names[0]), names);
    l->table.most[QUESTION] = QUESTION_COLUMNS;
    l->table.firm[RUN] = l->table.firm[STARTED] = 1;
    struct db_cur *c = db_runs(l->d, &q);
    for (; db_run_next(c, &r) == 1; n++) {
        if (l->cli->json)
            put_json(l, &r, &line);
        else
            put_row(l, &r);
    }
    enum sor_err err = db_cur_close(c);
    if (err)
        sor_fail(&l->cli->msg, err, "%s: the list of runs: %s", l->path,
                 sor_err_text(err));
    else if (!l->cli->json && n)
        err = table_print(&l->table, l->cli, l->to, &l->cli->msg);
    table_release(&l->table);
    str_release(&line);
    return err;
}

static enum sor_err run(struct cli *cli)
{
    struct list l = { .cli = cli };
    enum sor_err err;

    l.path = cli->argc ? cli->argv[0] : cli_db(cli);
    if ((err = db_open(l.path, &l.d, &cli->msg)))
        return err;
    l.recording = show_recording(l.d, l.path);
    l.to = cli_out(cli);
    err = l.to ? list_runs(&l) : SOR_IO;
    db_close(l.d);
    return err;
}

const struct cmd cmd_runs = {
    .name = "runs", .operands = "[DB]", .min = 0, .max = 1,
    .summary = "list the recorded runs",
    .text = "Newest first.  VOTES: paths that gave the leading answer, of "
            "those that gave any.  A run that is \"cut off\" lost its "
            "recorder before its end.",
    .opts = opts, .run = run
};
