/* cli/cmd_domains.c - the domain packs that a review can use, and whether one
 * is in order. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "review/pack.h"

static struct { int check; } opt;

static const struct opt_spec opts[] = {
    { 0, "check", NULL, OPT_FLAG, &opt.check,
      "check whole packs, the adapter's hash too", 0, 0 },
    OPT_END
};

static const char *const head[] = {
    "id", "title", "version", "patterns", "types", "claims", "facts",
    "adapter", "folder" };
enum { N_HEAD = sizeof head / sizeof *head };

struct listing {
    struct cli *cli;
    struct table table;
    struct str json;            /* one array for --json */
    struct json out;
    int n, n_bad;
    enum sor_err err;
};

/* How the adapter stands: "" none, "present", "ok" where its hash was read. */
static const char *adapter_state(struct pack *p, enum sor_err *err,
                                 struct sor_msg *msg)
{
    const char *path;

    *err = SOR_OK;
    if (!p->adapter)
        return "";
    if (!opt.check)
        return "not checked";
    *err = pack_adapter(p, &path, msg);
    return *err ? "wrong" : "ok";
}

static void put_json(struct listing *l, const struct pack *p,
                     const char *adapter)
{
    struct json *j = &l->out;
    const struct { const char *key; int n; } counts[] = {
        { "patterns", p->n_pattern }, { "types", p->n_type },
        { "claims", p->n_claim }, { "required", p->n_required },
        { "facts", p->n_fact },
    };

    json_obj(j);
    json_key(j, "id"), json_str(j, p->id);
    json_key(j, "title"), json_str(j, p->title);
    json_key(j, "version"), json_str(j, p->version);
    json_key(j, "path"), json_str(j, p->dir);
    json_key(j, "licence"), json_str(j, p->licence);
    json_key(j, "attribution"), json_str(j, p->attribution);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        json_key(j, counts[i].key);
        json_int(j, counts[i].n);
    }
    json_key(j, "adapter"), json_str(j, *adapter ? adapter : NULL);
    json_end_obj(j);
}

static void put_row(struct listing *l, const struct pack *p,
                    const char *adapter)
{
    const int counts[] = { p->n_pattern, p->n_type, p->n_claim, p->n_fact };
    char number[16];

    table_put(&l->table, p->id, strlen(p->id), 0);
    table_put(&l->table, p->title, strlen(p->title), 0);
    table_put(&l->table, p->version, strlen(p->version), 0);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        snprintf(number, sizeof number, "%d", counts[i]);
        table_put(&l->table, number, strlen(number), TABLE_RIGHT);
    }
    table_put(&l->table, adapter, strlen(adapter), 0);
    table_put(&l->table, p->dir, strlen(p->dir), 0);
}

/* One pack; a wrong one is said and counted, and the list goes on. */
static void list_pack(struct listing *l, const char *dir)
{
    struct pack *p = NULL;
    struct sor_msg msg;
    enum sor_err err = pack_open(dir, &p, &msg);

    l->n++;
    if (!err) {
        const char *adapter = adapter_state(p, &err, &msg);

        if (l->cli->json)
            put_json(l, p, adapter);
        else
            put_row(l, p, adapter);
        pack_close(p);
    }
    if (err) {
        log_warn("%s", msg.text);
        l->n_bad++;
        /* a hash that differs is a pack that is wrong, not an answer */
        l->err = err == SOR_DIFFERS ? SOR_FORMAT : err;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The sub-folders of a folder that have a pack.json, by name. */
static int list_folder(void *ud, const char *folder)
{
    enum { MOST = 200 };
    struct listing *l = ud;
    char *name[MOST];
    int n = 0;
    DIR *d = opendir(folder);
    const struct dirent *e;

    while (d && n < MOST && (e = readdir(d)))
        if (e->d_name[0] != '.' && (name[n] = mem_strdup(e->d_name)))
            n++;
    if (d)
        closedir(d);
    qsort(name, (size_t)n, sizeof *name, by_name);
    for (int i = 0; i < n; i++) {
        struct str dir;
        FILE *f;

        str_init(&dir);
        str_printf(&dir, "%s/%s/pack.json", folder, name[i]);
        f = str_ok(&dir) ? fopen(dir.p, "r") : NULL;
        if (f) {
            fclose(f);
            dir.p[dir.len - strlen("/pack.json")] = '\0';
            list_pack(l, dir.p);
        }
        str_release(&dir);
        mem_free(name[i]);
    }
    return 0;
}

/* What was named: a folder, or the id of a pack that is looked for. */
static void list_named(struct listing *l)
{
    for (int i = 0; i < l->cli->argc; i++)
        list_pack(l, l->cli->argv[i]);
}

static enum sor_err finish(struct listing *l)
{
    struct cli *cli = l->cli;
    FILE *to = cli_out(cli);
    enum sor_err err = SOR_OK;

    if (!to)
        return SOR_IO;
    if (cli->json) {
        json_end_arr(&l->out);
        if (!str_ok(&l->json))
            return sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
        fprintf(to, "%s\n", l->json.p);
    } else if (l->table.n_cell > N_HEAD) {
        err = table_print(&l->table, cli, to, &cli->msg);
    }
    if (!err && l->n == 0)
        return sor_fail(&cli->msg, SOR_NOTFOUND, "no domain pack found; "
                        "$SORITES_DOMAINS names the folder that holds them");
    if (!err && l->n_bad)
        return sor_fail(&cli->msg, l->err, "%d of %d packs cannot be used",
                        l->n_bad, l->n);
    return err;
}

static enum sor_err run(struct cli *cli)
{
    struct listing l = { .cli = cli };
    enum sor_err err;

    str_init(&l.json);
    json_init(&l.out, &l.json);
    json_arr(&l.out);
    table_init(&l.table, N_HEAD, head);
    if (cli->argc)
        list_named(&l);
    else
        pack_places(list_folder, &l);
    err = finish(&l);
    table_release(&l.table);
    str_release(&l.json);
    return err;
}

const struct cmd cmd_domains = {
    .name = "domains", .operands = "[PACK|DIR...]", .min = 0, .max = -1,
    .summary = "list domain packs, or check them",
    .text = "Without operands: every pack in $SORITES_DOMAINS, the data "
            "folder, beside the\nprogram and where it was installed.  A pack "
            "is read whole, so one that is listed\nis in order; --check also "
            "reads the adapter.  A wrong pack is named with file,\nplace and "
            "value, and the exit code is 3.  The format is in "
            "docs/domains.md.\n",
    .opts = opts, .run = run
};
