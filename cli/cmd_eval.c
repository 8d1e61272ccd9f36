/* cli/cmd_eval.c - what a pack finds and decides, held against annotations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/version.h"
#include "cli/eval.h"
#include "db/review.h"
#include "engine/engine.h"
#include "probe/model_id.h"

enum { PATHS = 8, CONTEXT = 1024 };

static struct {
    int max_doc, n_path, strict, wait, no_record;
    const char *domain;
} opt = { .n_path = PATHS, .domain = "legal" };

static const struct opt_spec opts[] = {
    { 0, "domain", "NAME|DIR", OPT_STR, &opt.domain, "the pack (legal)", 0,
      0 },
    { 'n', "paths", "N", OPT_INT, &opt.n_path, "paths of each claim (8)", 1,
      PATH_VARIANTS },
    { 0, "strict", NULL, OPT_FLAG, &opt.strict, "as review --strict", 0, 0 },
    { 0, "documents", "N", OPT_INT, &opt.max_doc, "the first N only", 1,
      1 << 20 },
    { 0, "no-record", NULL, OPT_FLAG, &opt.no_record,
      "do not keep the figures in the database", 0, 0 },
    { 0, "wait", NULL, OPT_FLAG, &opt.wait,
      "wait where another process writes", 0, 0 },
    OPT_END
};

const struct eval_set eval_sets[] = {
    { "graph", "gold/dev.jsonl", "logic graphs", 0, eval_graph },
    { "faults", "gold/dev_faults.jsonl", "planted faults", 0, eval_faults },
    { "claims", "data/unseen/contract_nli.jsonl", "claims", 1, eval_claims },
    { "types", "data/unseen/cuad_clauses.jsonl.gz", "clause types", 1,
      eval_types },
    { "values", "data/unseen/cuad_contracts.jsonl.gz", "values", 1,
      eval_values },
    { NULL, NULL, NULL, 0, NULL }
};

static const struct eval_set *find_set(struct cli *cli)
{
    for (const struct eval_set *s = eval_sets; s->name; s++)
        if (strcmp(s->name, cli->argv[0]) == 0)
            return s;
    sor_fail(&cli->msg, SOR_USAGE, "no set '%s'; there are graph, faults, "
             "claims, types and values", cli->argv[0]);
    return NULL;
}

/* The file given, else the set's own below $SORITES_SHARED or ../shared. */
static void path_of(const struct cli *cli, const struct eval_set *set,
                    struct str *out)
{
    const char *shared = getenv("SORITES_SHARED");

    if (cli->argc > 1)
        str_puts(out, cli->argv[1]);
    else
        str_printf(out, "%s/%s", shared && *shared ? shared : "../shared",
                   set->file);
}

/* --- results ------------------------------------------------------------- */

static void print_text(FILE *to, const struct eval *e)
{
    fprintf(to, "%-36s %8s   %-15s %8s\n", "measure", "value", "95 %",
            "n");
    for (int i = 0; i < e->tally.n; i++) {
        struct tally_value v = tally_value(&e->tally, i);
        char range[32] = "";

        if (!isnan(v.low))
            snprintf(range, sizeof range, "%.3f - %.3f", v.low, v.high);
        if (isnan(v.value))
            fprintf(to, "%-36s %8s   %-15s %8lld\n", e->tally.at[i].name, "-",
                    range, (long long)v.n);
        else
            fprintf(to, "%-36s %8.3f   %-15s %8lld\n", e->tally.at[i].name,
                    v.value, range, (long long)v.n);
    }
    fprintf(to, "%d documents; intervals by document\n", e->tally.n_doc);
}

static void print_json(FILE *to, const struct eval *e, const char *set)
{
    struct str out;
    struct json j;

    str_init(&out);
    json_init(&j, &out);
    json_obj(&j);
    json_key(&j, "set"), json_str(&j, set);
    json_key(&j, "documents"), json_int(&j, e->tally.n_doc);
    json_key(&j, "measures");
    json_obj(&j);
    for (int i = 0; i < e->tally.n; i++) {
        struct tally_value v = tally_value(&e->tally, i);

        json_key(&j, e->tally.at[i].name);
        json_obj(&j);
        json_key(&j, "value"), json_num(&j, v.value);
        json_key(&j, "low"), json_num(&j, v.low);
        json_key(&j, "high"), json_num(&j, v.high);
        json_key(&j, "n"), json_int(&j, v.n);
        json_end_obj(&j);
    }
    json_end_obj(&j);
    json_end_obj(&j);
    fprintf(to, "%s\n", out.p);
    str_release(&out);
}

static enum sor_err keep(const struct eval *e, const char *set,
                         const char *model)
{
    struct db_writer_opts lock = { .wait = opt.wait };
    struct sor_msg *msg = &e->cli->msg;
    struct db_writer *w = NULL;
    char pack[64];
    enum sor_err err;

    snprintf(pack, sizeof pack, "%.30s %.30s", e->pack->id, e->pack->version);
    if ((err = db_writer_open(cli_db(e->cli), &lock, &w, msg)))
        return err;
    err = db_begin(w, 0, msg);
    for (int i = 0; i < e->tally.n && !err; i++) {
        struct tally_value v = tally_value(&e->tally, i);
        struct db_eval row = { .data = set, .measure = e->tally.at[i].name,
            .model = model, .pack = pack, .program = SORITES_VERSION,
            .value = v.value, .low = v.low, .high = v.high, .n = v.n,
            .at_us = clock_wall_us() };

        err = db_put_eval(w, &row, msg);
    }
    if (!err)
        err = db_commit(w, NULL, msg);
    db_writer_close(w);
    return err;
}

/* --- the run ------------------------------------------------------------- */

static enum sor_err open_model(struct eval *e, struct engine **engine,
                               char hex[SHA256_HEX])
{
    struct engine_opts o = { .n_thread = e->cli->threads, .n_ctx = CONTEXT };
    const char *path = cli_model(e->cli);
    struct model_id_job hash;
    struct model_id id = { .n_part = 0 };
    enum sor_err err, hashed;

    model_id_begin(&hash, path);
    err = engine_open(path, &o, engine, &e->cli->msg);
    hashed = model_id_finish(&hash, &id, err ? NULL : &e->cli->msg);
    err = err ? err : hashed;
    if (!err)
        hash_hex(id.sha256, sizeof id.sha256, hex);
    model_id_release(&id);
    return err ? err : judge_open(*engine, e->pack, &e->judge, &e->cli->msg);
}

static enum sor_err measure(struct eval *e, const struct eval_set *set,
                            const char *path)
{
    FILE *to;
    enum sor_err err;

    progress_begin(&e->bar, e->cli, set->what, "done", 0);
    err = set->run(e, path);
    progress_end(&e->bar);
    if (!err && e->tally.failed)
        err = sor_fail(&e->cli->msg, SOR_NOMEM, "out of memory");
    if (err || !(to = cli_out(e->cli)))
        return err ? err : SOR_IO;
    if (e->cli->json)
        print_json(to, e, set->name);
    else
        print_text(to, e);
    return SOR_OK;
}

static enum sor_err run(struct cli *cli)
{
    const struct eval_set *set = find_set(cli);
    struct eval e = { .cli = cli, .max_doc = opt.max_doc,
                      .n_path = opt.n_path, .strict = opt.strict };
    char model[SHA256_HEX] = "none";
    struct engine *engine = NULL;
    struct str path;
    enum sor_err err;

    if (!set)
        return SOR_USAGE;
    cli_catch_signals();
    str_init(&path);
    path_of(cli, set, &path);
    if (access(path.p, R_OK) != 0)
        err = sor_fail(&cli->msg, SOR_IO, "%s: cannot be read; name the "
                       "set's file, or the folder in $SORITES_SHARED",
                       path.p);
    else
        err = pack_open(opt.domain, &e.pack, &cli->msg);
    if (!err && set->needs_model)
        err = open_model(&e, &engine, model);
    if (!err)
        err = measure(&e, set, path.p);
    if (!err && !opt.no_record)
        err = keep(&e, set->name, model);
    tally_release(&e.tally);
    judge_close(e.judge);
    engine_close(engine);
    pack_close(e.pack);
    str_release(&path);
    return err;
}

const struct cmd cmd_eval = {
    .name = "eval", .operands = "graph|faults|claims|types|values [FILE]",
    .min = 1, .max = 2,
    .summary = "measure a pack on annotated documents",
    .text = "FILE is the annotated set as JSON Lines, plain or .gz; without "
            "it the set's own\nbelow $SORITES_SHARED (else ../shared).  "
            "Figures have 95 % intervals by document\nand go into the "
            "database (v_eval).\n",
    .opts = opts, .run = run
};
