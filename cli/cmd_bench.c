/* cli/cmd_bench.c - how fast this machine runs this model, with the trace as
 * it would be recorded: which works are timed, and what is said of them. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/version.h"
#include "cli/bench.h"
#include "cli/chart.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/routing.h"

static struct {
    int level, reps, kv, blas, acts, route;
    const char *only, *lora, *chart;
} opt = { .level = REC_LAYERS, .reps = 3 };

static const struct opt_spec opts[] = {
    { 0, "trace", "off|steps|tokens|layers|heads", OPT_WORD, &opt.level,
      "what to record (layers)", 0, 0 },
    { 0, "only", "NAME,...", OPT_STR, &opt.only, "these alone", 0, 0 },
    { 0, "kv", "f16|q8", OPT_WORD, &opt.kv,
      "how keys and values are kept (f16)", 0, 0 },
    { 0, "lora", "FILE[:SCALE],...", OPT_STR, &opt.lora,
      "adapters to add to the model", 0, 0 },
    { 0, "route", ROUTING_WORDS, OPT_WORD, &opt.route,
      "which keys tokens read (off: all)", 0, 0 },
    { 0, "acts", "16|8", OPT_WORD, &opt.acts, "bits of activations (16)",
      0, 0 },
    { 0, "blas", NULL, OPT_FLAG, &opt.blas,
      "read through OpenBLAS (F32, F16, BF16 models)", 0, 0 },
    { 'r', "reps", "N", OPT_INT, &opt.reps, "timed runs of each (3)", 1,
      BENCH_REPS },
    { 0, "chart", "FILE", OPT_STR, &opt.chart,
      "time nothing; draw what bench/peer.py measured as SVG", 0, 0 },
    OPT_END
};

/* --- which --------------------------------------------------------------- */

/* 1 where name stands in the list a,b,c (NULL: all do). */
static int in_list(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1
                                                     : NULL)
        if (!strncmp(p, name, n) && (p[n] == ',' || p[n] == '\0'))
            return 1;
    return !list;
}

/* Every name in --only is one of ours. */
static enum sor_err check_only(struct cli *cli)
{
    for (const char *p = opt.only; p && (*p || p == opt.only);) {
        size_t n = strcspn(p, ",");
        int known = 0;

        for (int i = 0; i < BENCH_WORKS; i++)
            known |= strlen(bench_works[i].name) == n &&
                     !strncmp(bench_works[i].name, p, n);
        if (!known)
            return sor_fail(&cli->msg, SOR_USAGE, "no benchmark '%.*s'; there "
                            "are pp512, tg128, tg64@d2048, tg64@d6000, "
                            "tg64x16 and mixed64", (int)n, p);
        p += n + (p[n] == ',');
    }
    return SOR_OK;
}

/* --- what came out ------------------------------------------------------- */

static double mib(int64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static void show(const struct bench *b, FILE *to)
{
    const struct engine_info *info = engine_info(b->e);
    struct bench_memory m;

    fprintf(to, "%s, %d thread%s, %s, KV %s%s%s, trace %s\n\n", info->name,
            info->n_thread, info->n_thread == 1 ? "" : "s", info->isa,
            info->kv_type, b->lora ? ", adapters " : "",
            b->lora ? b->lora : "", rec_level_name(b->level));
    fprintf(to, "%-12s %10s %10s %10s %12s %12s\n", "", "tok/s", "least",
            "most", "commit, ms", "seats in use");
    for (int i = 0; i < BENCH_WORKS; i++) {
        const struct bench_result *r = &b->result[i];

        if (!in_list(opt.only, bench_works[i].name))
            continue;
        fprintf(to, "%-12s ", bench_works[i].name);
        if (r->skipped) {
            fprintf(to, "%s\n", r->skipped);
            continue;
        }
        fprintf(to, "%10.1f %10.1f %10.1f %12.1f", r->median, r->tok_s[0],
                r->tok_s[b->reps - 1], r->commit_ms);
        if (bench_works[i].n_seq > 1)
            fprintf(to, " %10.0f %%", 100 * r->seats);
        fputc('\n', to);
    }
    bench_memory(b, &m);
    fprintf(to, "\nmodel open after %.2f s; memory %.0f MiB at most, of %.0f "
            "allowed: 1.3 x (weights %.0f + KV %.0f) + 64\n",
            b->start_ms / 1e3, mib(m.peak), mib(m.allowed), mib(m.weights),
            mib(m.kv));
}

static void json_result(struct json *j, const struct bench *b, int i)
{
    const struct bench_result *r = &b->result[i];

    json_obj(j);
    json_key(j, "name");
    json_str(j, bench_works[i].name);
    json_key(j, "tok_s");
    json_num(j, r->median);
    json_key(j, "runs");
    json_arr(j);
    for (int k = 0; k < b->reps; k++)
        json_num(j, r->tok_s[k]);
    json_end_arr(j);
    json_key(j, "commit_ms");
    json_num(j, r->commit_ms);
    if (bench_works[i].n_seq > 1) {
        json_key(j, "seats");
        json_num(j, r->seats);
        json_key(j, "rows");
        json_num(j, r->rows);
    }
    json_end_obj(j);
}

static void json_memory(struct json *j, const struct bench *b)
{
    struct bench_memory m;

    bench_memory(b, &m);
    json_key(j, "memory");
    json_obj(j);
    json_key(j, "peak");
    json_int(j, m.peak);
    json_key(j, "weights");
    json_int(j, m.weights);
    json_key(j, "kv");
    json_int(j, m.kv);
    json_key(j, "allowed");
    json_int(j, m.allowed);
    json_end_obj(j);
}

static enum sor_err show_json(const struct bench *b, struct str *out)
{
    const struct engine_info *info = engine_info(b->e);
    const cJSON *item;
    cJSON *adapters;
    struct json j;
    enum sor_err err = json_parse(b->adapters.p, b->adapters.len, "adapters",
                                  &adapters, &b->cli->msg);

    if (err)
        return err;
    json_init(&j, out);
    json_obj(&j);
    json_key(&j, "model");
    json_str(&j, info->path);
    json_key(&j, "threads");
    json_int(&j, info->n_thread);
    json_key(&j, "isa");
    json_str(&j, info->isa);
    json_key(&j, "kv_type");
    json_str(&j, info->kv_type);
    json_key(&j, "route");
    json_str(&j, route_choice_name((enum route_choice)b->route));
    json_key(&j, "acts");
    json_int(&j, b->acts ? 8 : 16);
    json_key(&j, "adapters");
    json_arr(&j);
    cJSON_ArrayForEach(item, adapters) {
        json_obj(&j);
        json_key(&j, "path");
        json_str(&j, cJSON_GetObjectItem(item, "path")->valuestring);
        json_key(&j, "sha256");
        json_str(&j, cJSON_GetObjectItem(item, "sha256")->valuestring);
        json_key(&j, "scale");
        json_num(&j, cJSON_GetObjectItem(item, "scale")->valuedouble);
        json_end_obj(&j);
    }
    json_end_arr(&j);
    json_key(&j, "version");
    json_str(&j, SORITES_VERSION);
    json_key(&j, "trace");
    json_str(&j, rec_level_name(b->level));
    json_key(&j, "start_ms");
    json_num(&j, b->start_ms);
    json_key(&j, "results");
    json_arr(&j);
    for (int i = 0; i < BENCH_WORKS; i++)
        if (in_list(opt.only, bench_works[i].name) && !b->result[i].skipped)
            json_result(&j, b, i);
    json_end_arr(&j);
    json_memory(&j, b);
    json_end_obj(&j);
    str_putc(out, '\n');
    cJSON_Delete(adapters);
    return SOR_OK;
}

/* --- the command --------------------------------------------------------- */

struct ticks { struct progress bar; uint64_t n; };

static void tick(void *ud)
{
    struct ticks *t = ud;

    progress_set(&t->bar, ++t->n);
}

static enum sor_err run_all(struct bench *b)
{
    struct ticks t = { .n = 0 };
    enum sor_err err = SOR_OK;
    uint64_t n = 0;

    for (int i = 0; i < BENCH_WORKS; i++)
        n += in_list(opt.only, bench_works[i].name) != 0;
    progress_begin(&t.bar, b->cli, "measuring", "runs",
                   (uint64_t)b->reps * n);
    for (int i = 0; !err && i < BENCH_WORKS; i++)
        if (in_list(opt.only, bench_works[i].name))
            err = bench_run(b, i, tick, &t);
    progress_end(&t.bar);
    return err;
}

static enum sor_err measure(struct cli *cli, struct str *out)
{
    struct bench *b = mem_calloc(1, sizeof *b);
    enum sor_err err;
    FILE *to;

    if (!b)
        return sor_fail(&cli->msg, SOR_NOMEM, "bench: out of memory");
    b->cli = cli;
    b->level = (enum rec_level)opt.level;
    b->reps = opt.reps;
    b->lora = opt.lora;
    b->kv_type = opt.kv;
    b->blas = opt.blas;
    b->acts = opt.acts;
    b->route = opt.route;
    cli_catch_signals();
    err = bench_open(b);
    err = err ? err : run_all(b);
    if (!err && !(to = cli_out(cli)))
        err = SOR_IO;
    if (!err && cli->json)
        err = show_json(b, out);
    if (!err && cli->json)
        fputs(out->p, to);
    else if (!err)
        show(b, to);
    if (err == SOR_INTERRUPTED)
        sor_fail(&cli->msg, err, "interrupted");
    bench_close(b);
    mem_free(b);
    return err;
}

static enum sor_err draw(struct cli *cli, struct str *out)
{
    enum sor_err err = chart_bench(opt.chart, out, &cli->msg);
    FILE *to;

    if (err)
        return err;
    to = cli_out(cli);
    if (to)
        fputs(out->p, to);
    return to ? SOR_OK : SOR_IO;
}

static enum sor_err run(struct cli *cli)
{
    enum sor_err err = check_only(cli);
    struct str out;

    str_init(&out);
    if (!err)
        err = opt.chart ? draw(cli, &out) : measure(cli, &out);
    str_release(&out);
    return err;
}

const struct cmd cmd_bench = {
    .name = "bench", .operands = "", .min = 0, .max = 0,
    .summary = "how fast this machine runs this model",
    .text = "pp512 reads 512 tokens; tg128 writes 128; tg64@d2048 and "
            "tg64@d6000 write 64 behind a long context; tg64x16 writes 64 in "
            "each of 16 paths over one prompt (total); mixed64 reads and "
            "writes 64 sequences of different lengths through 16 seats "
            "(total).  The median of the runs is shown, recording as --trace "
            "says.",
    .opts = opts, .run = run
};
