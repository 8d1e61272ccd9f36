/* cli/cmd_info.c - where everything is and what it runs on: for bug reports,
 * and for scripts that look for the model. */
#include <openssl/crypto.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utf8proc.h>
#include <xxhash.h>

#include "base/json.h"
#include "base/text.h"
#include "base/version.h"
#include "base/xdg.h"
#include "cli/cli.h"
#include "db/db.h"
#include "engine/kern.h"
#include "tui/app.h"
#include "viz/render.h"


/* --- libraries, as loaded, not as compiled against ----------------------- */

static void openssl_version(char *out, size_t cap)
{
    snprintf(out, cap, "%s", OpenSSL_version(OPENSSL_VERSION_STRING));
}

static void xxhash_version(char *out, size_t cap)
{
    unsigned v = XXH_versionNumber();

    snprintf(out, cap, "%u.%u.%u", v / 10000, v / 100 % 100, v % 100);
}

static void cjson_version(char *out, size_t cap)
{
    snprintf(out, cap, "%s", cJSON_Version());
}

static void utf8proc_version_to(char *out, size_t cap)
{
    snprintf(out, cap, "%s, Unicode %s", utf8proc_version(),
             utf8proc_unicode_version());
}

static void pcre2_version(char *out, size_t cap)
{
    char text[64] = "?";

    pcre2_config(PCRE2_CONFIG_VERSION, text);   /* "10.42 2022-12-11" */
    snprintf(out, cap, "%.*s", (int)strcspn(text, " "), text);
}

static void sqlite_version(char *out, size_t cap)
{
    snprintf(out, cap, "%s", db_sqlite_version());
}

/* "ncurses 6.4.20221231": the name stands before it already. */
static void ncurses_version(char *out, size_t cap)
{
    const char *text = tui_curses_version(), *space = strchr(text, ' ');

    snprintf(out, cap, "%s", space ? space + 1 : text);
}

static const struct {
    const char *name;
    void (*version)(char *out, size_t cap);
} libraries[] = {
    { "SQLite", sqlite_version },
    { "Graphviz", render_version },
    { "ncurses", ncurses_version },
    { "PCRE2", pcre2_version },
    { "cJSON", cjson_version },
    { "utf8proc", utf8proc_version_to },
    { "OpenSSL", openssl_version },
    { "xxHash", xxhash_version },
};

enum { N_LIBRARIES = sizeof libraries / sizeof *libraries };

/* --- this machine -------------------------------------------------------- */

/* Linux's name for the processor, or the empty string. */
static void cpu_name(char *out, size_t cap)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];

    out[0] = '\0';
    while (f && !out[0] && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');

        if (colon && strncmp(line, "model name", 10) == 0) {
            line[strcspn(line, "\n")] = '\0';
            text_safe_fit(out, cap, colon + 2, strlen(colon + 2), 0);
        }
    }
    if (f)
        fclose(f);
}

/* The kernels that a run would use now. */
static const char *isa_in_use(void)
{
    const char *cap = getenv("SORITES_ISA");
    int isa = cap ? kern_isa_parse(cap) : -1;

    return kern_pick(isa < 0 ? KERN_ISAS - 1 : (enum kern_isa)isa)->name;
}

static long long file_bytes(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (long long)st.st_size
                                                       : -1;
}

static const char *const dir_names[] = { [XDG_CONFIG] = "config",
                                         [XDG_DATA] = "data",
                                         [XDG_STATE] = "state",
                                         [XDG_CACHE] = "cache" };

enum { N_DIRS = sizeof dir_names / sizeof *dir_names };

struct info {
    const char *model, *db, *isa;
    long long   model_bytes, db_bytes;  /* -1: not there */
    char        cpu[128];
    long        n_cpu;
    struct str  dir[N_DIRS];
    char        library[N_LIBRARIES][64];
};

static enum sor_err gather(struct cli *cli, struct info *in)
{
    for (int i = 0; i < N_DIRS; i++) {
        enum sor_err err = xdg_path((enum xdg_kind)i, "", &in->dir[i],
                                    &cli->msg);
        if (err)
            return err;
    }
    for (int i = 0; i < N_LIBRARIES; i++)
        libraries[i].version(in->library[i], sizeof in->library[i]);
    in->model = cli_model(cli);
    in->model_bytes = file_bytes(in->model);
    in->db = cli_db(cli);
    in->db_bytes = file_bytes(in->db);
    in->isa = isa_in_use();
    in->n_cpu = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_name(in->cpu, sizeof in->cpu);
    return SOR_OK;
}

/* --- output -------------------------------------------------------------- */

static void json_file(struct json *j, const char *key, const char *path,
                      long long bytes)
{
    json_key(j, key);
    json_obj(j);
    json_key(j, "path");
    json_str(j, path);
    json_key(j, "bytes");
    if (bytes < 0)
        json_null(j);
    else
        json_int(j, bytes);
    json_end_obj(j);
}

static enum sor_err as_json(struct cli *cli, const struct info *in, FILE *to)
{
    struct str text;
    struct json j;

    str_init(&text);
    json_init(&j, &text);
    json_obj(&j);
    json_key(&j, "version");
    json_str(&j, SORITES_VERSION);
    json_file(&j, "model", in->model, in->model_bytes);
    json_file(&j, "db", in->db, in->db_bytes);
    json_key(&j, "dirs");
    json_obj(&j);
    for (int i = 0; i < N_DIRS; i++) {
        json_key(&j, dir_names[i]);
        json_str(&j, in->dir[i].p);
    }
    json_end_obj(&j);
    json_key(&j, "cpu");
    json_obj(&j);
    json_key(&j, "name");
    json_str(&j, in->cpu);
    json_key(&j, "threads");
    json_int(&j, in->n_cpu);
    json_end_obj(&j);
    json_key(&j, "isa");
    json_str(&j, in->isa);
    json_key(&j, "libraries");
    json_obj(&j);
    for (int i = 0; i < N_LIBRARIES; i++) {
        json_key(&j, libraries[i].name);
        json_str(&j, in->library[i]);
    }
    json_end_obj(&j);
    json_end_obj(&j);
    fprintf(to, "%s\n", text.p);
    int ok = str_ok(&text);
    str_release(&text);
    return ok ? SOR_OK : sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
}

static void print_file(FILE *to, const char *name, const char *path,
                       long long bytes)
{
    char safe[1024];

    text_safe_fit(safe, sizeof safe, path, strlen(path), 0);
    if (bytes < 0)
        fprintf(to, "%-10s %s (not there)\n", name, safe);
    else
        fprintf(to, "%-10s %s (%lld bytes)\n", name, safe, bytes);
}

static void as_text(const struct info *in, FILE *to)
{
    char safe[1024];

    fprintf(to, "%-10s %s\n", "sorites", SORITES_VERSION);
    print_file(to, "model", in->model, in->model_bytes);
    print_file(to, "database", in->db, in->db_bytes);
    for (int i = 0; i < N_DIRS; i++) {
        text_safe_fit(safe, sizeof safe, in->dir[i].p, in->dir[i].len, 0);
        fprintf(to, "%-10s %s\n", dir_names[i], safe);
    }
    fprintf(to, "%-10s %s, %ld thread%s\n", "processor",
            in->cpu[0] ? in->cpu : "unknown", in->n_cpu,
            in->n_cpu == 1 ? "" : "s");
    fprintf(to, "%-10s %s\n", "kernels", in->isa);
    for (int i = 0; i < N_LIBRARIES; i++)
        fprintf(to, "%-10s %s %s\n", i ? "" : "libraries", libraries[i].name,
                in->library[i]);
}

static enum sor_err run(struct cli *cli)
{
    struct info in = { 0 };
    FILE *to = cli_out(cli);
    enum sor_err err;

    if (!to)
        return SOR_IO;
    for (int i = 0; i < N_DIRS; i++)
        str_init(&in.dir[i]);
    err = gather(cli, &in);
    if (!err && cli->json)
        err = as_json(cli, &in, to);
    else if (!err)
        as_text(&in, to);
    for (int i = 0; i < N_DIRS; i++)
        str_release(&in.dir[i]);
    return err;
}

const struct cmd cmd_info = {
    .name = "info", .operands = "", .min = 0, .max = 0,
    .summary = "paths, processor, kernels and library versions", .run = run,
};
