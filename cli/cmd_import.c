/* cli/cmd_import.c - traces of other programs, and other databases, into ours.
 *
 * A file is lines of JSON, or one JSON document: where its first line is no
 * whole value the file is read as a document first, and by lines where it is
 * none, so that a broken first line does not hide the good ones. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "db/load.h"
#include "engine/engine.h"
#include "probe/second.h"
#include "trace/import.h"

enum {
    SAID_MAX = 20,          /* refused records that are named one by one */
    UID_HEX = 32
};

static struct { int wait, second; } opt;

static const struct opt_spec opts[] = {
    { 0, "wait", NULL, OPT_FLAG, &opt.wait,
      "wait where another process writes", 0, 0 },
    { 0, "second-opinion", NULL, OPT_FLAG, &opt.second,
      "record the local model's view of what is added", 0, 0 },
    OPT_END
};

struct job {
    struct cli *cli;
    struct db_writer *w;
    struct import *im;
    struct import_counts n;
    struct load_counts merged;          /* all databases */
    struct progress bar;
    uint64_t n_line;
    int n_said;
    struct str added;                   /* uids, 32 digits each */
};

static void bad(void *ud, const char *sentence)
{
    struct job *j = ud;

    if (j->n_said++ < SAID_MAX)
        log_warn("%s", sentence);
    else if (j->n_said == SAID_MAX + 1)
        log_warn("more are refused; only their number is told");
}

static void added(void *ud, const char *uid)
{
    str_puts(&((struct job *)ud)->added, uid);
}

/* --- files --------------------------------------------------------------- */

static enum sor_err take(struct job *j, const struct str *s, const char *where)
{
    progress_set(&j->bar, ++j->n_line);
    if (cli_stopped())
        return sor_fail(&j->cli->msg, SOR_INTERRUPTED, "interrupted; what was "
                        "read so far is stored");
    return import_value(j->im, s->p, s->len, where, &j->cli->msg);
}

static int is_value(const struct str *s)
{
    cJSON *tree = NULL;
    int ok = json_parse(s->p, s->len, "", &tree, NULL) == SOR_OK;

    cJSON_Delete(tree);
    return ok;
}

/* 1: the whole file was one document, and is taken. */
static int take_document(struct job *j, const char *path, enum sor_err *err)
{
    struct str all;
    int done;

    str_init(&all);
    done = input_slurp(path, INPUT_LINE_MAX, &all, NULL) == SOR_OK &&
           is_value(&all);
    if (done)
        *err = take(j, &all, path);
    str_release(&all);
    return done;
}

/* The name of what the text is packed with, by its first bytes; NULL: it is
 * not. */
static const char *packed_with(const struct str *s)
{
    static const struct { const char *bytes, *name; } magic[] = {
        { "\x1f\x8b", "gzip" }, { "\x28\xb5\x2f\xfd", "zstd" },
        { "\xfd" "7zXZ", "xz" }, { "BZh", "bzip2" }, { "PK\x03\x04", "zip" },
    };

    for (size_t i = 0; i < sizeof magic / sizeof *magic; i++) {
        size_t n = strlen(magic[i].bytes);

        if (s->len >= n && memcmp(s->p, magic[i].bytes, n) == 0)
            return magic[i].name;
    }
    return NULL;
}

static enum sor_err take_lines(struct job *j, const char *path)
{
    struct input in;
    enum sor_err err = input_open(&in, path, &j->cli->msg);
    int more, first = 1, is_stdin = strcmp(path, "-") == 0;

    while (!err && (more = input_record(&in, &err, &j->cli->msg))) {
        if (more < 0 && err == SOR_LIMIT) {     /* one line too long */
            bad(j, j->cli->msg.text);
            err = SOR_OK;
            continue;
        }
        const char *packed = first && !err ? packed_with(&in.text) : NULL;

        if (packed)
            err = sor_fail(&j->cli->msg, SOR_UNSUP, "%s: compressed with %s; "
                           "unpack it first", in.path, packed);
        if (err || (first && !is_stdin && !is_value(&in.text) &&
                    take_document(j, path, &err)))
            break;
        first = 0;
        err = take(j, &in.text, in.where);
    }
    if (!err)
        err = import_end(j->im, in.where, &j->cli->msg);
    input_close(&in);
    return err;
}

/* The first bytes of every SQLite file (sqlite.org/fileformat.html, 1.3). */
static int is_database(const char *path)
{
    static const char magic[] = "SQLite format 3";
    char head[sizeof magic];
    FILE *f = strcmp(path, "-") == 0 ? NULL : fopen(path, "rb");
    int is = f && fread(head, 1, sizeof head, f) == sizeof head &&
             memcmp(head, magic, sizeof head) == 0;

    if (f)
        fclose(f);
    return is;
}

static enum sor_err merge(struct job *j, const char *path)
{
    struct load_refused refused = { j, bad };
    struct load_counts n;
    enum sor_err err = load_merge(j->w, path, &refused, &n, &j->cli->msg);

    j->merged.n_new += n.n_new;
    j->merged.n_known += n.n_known;
    j->merged.n_forgotten += n.n_forgotten;
    return err;
}

/* --- the whole ----------------------------------------------------------- */

static enum sor_err report(struct job *j)
{
    const struct import_counts *n = &j->n;
    long long n_new = n->n_new + j->merged.n_new;
    long long n_known = n->n_known + j->merged.n_known;
    long long n_bad = j->n_said;
    FILE *to = cli_out(j->cli);
    struct str line;
    struct json js;

    if (!to)
        return SOR_IO;
    str_init(&line);
    json_init(&js, &line);
    json_obj(&js);
    json_key(&js, "added"), json_int(&js, n_new);
    json_key(&js, "known"), json_int(&js, n_known);
    json_key(&js, "forgotten"), json_int(&js, j->merged.n_forgotten);
    json_key(&js, "refused"), json_int(&js, n_bad);
    json_end_obj(&js);
    if (j->cli->json) {
        fprintf(to, "%s\n", line.p);
    } else if (!j->cli->quiet) {
        fprintf(to, "%lld runs added, %lld there already", n_new, n_known);
        if (j->merged.n_forgotten)
            fprintf(to, ", %lld forgotten where they come from",
                    (long long)j->merged.n_forgotten);
        fputc('\n', to);
    }
    str_release(&line);
    return n_bad ? sor_fail(&j->cli->msg, SOR_FORMAT, "%lld records refused; "
                            "the others are stored", n_bad) : SOR_OK;
}

static enum sor_err take_all(struct job *j)
{
    struct import_opts o = { .bad = bad, .added = added, .ud = j };
    enum sor_err err = import_open(j->w, &o, &j->im, &j->cli->msg);

    progress_begin(&j->bar, j->cli, "importing", "records", 0);
    for (int i = 0; i < j->cli->argc && !err; i++)
        err = is_database(j->cli->argv[i]) ? merge(j, j->cli->argv[i])
                                           : take_lines(j, j->cli->argv[i]);
    progress_end(&j->bar);
    if (j->im)
        j->n = *import_counts(j->im);
    return err;
}

/* --- the local model's view ---------------------------------------------- */

static enum sor_err view_all(struct job *j, struct engine *e,
                             const struct model_id *id)
{
    struct second s = { e, id, cli_db(j->cli), progress_stopped, NULL };
    size_t n = j->added.len / UID_HEX;
    enum sor_err err = SOR_OK;
    struct progress bar;

    progress_begin(&bar, j->cli, "second opinion", "runs", n);
    for (size_t i = 0; i < n && !err; i++) {
        char of[UID_HEX + 1], uid[UID_HEX + 1];

        snprintf(of, sizeof of, "%.*s", UID_HEX, j->added.p + i * UID_HEX);
        err = second_opinion(&s, of, uid, &j->cli->msg);
        if (err == SOR_LIMIT) {
            log_warn("run %.8s: %s", of, j->cli->msg.text);
            err = SOR_OK;
        } else if (!err) {
            log_info("run %.8s is the local model's view of run %.8s", uid,
                     of);
        }
        progress_set(&bar, i + 1);
    }
    progress_end(&bar);
    return err;
}

static enum sor_err second_opinions(struct job *j)
{
    struct engine_opts o = { .n_thread = j->cli->threads };
    struct engine *e = NULL;
    struct model_id id = { .n_part = 0 };
    enum sor_err err;

    if (!str_ok(&j->added))
        return sor_fail(&j->cli->msg, SOR_NOMEM, "out of memory");
    if (!j->added.len)
        return SOR_OK;
    err = engine_open(cli_model(j->cli), &o, &e, &j->cli->msg);
    if (!err)
        err = model_id_read(cli_model(j->cli), &id, &j->cli->msg);
    if (!err)
        err = view_all(j, e, &id);
    engine_close(e);
    model_id_release(&id);
    return err;
}

static enum sor_err run(struct cli *cli)
{
    /* lazy: what was read is told when the writer has closed */
    struct db_writer_opts o = { .wait = opt.wait, .lazy = 1,
                                .cancelled = progress_stopped };
    struct job j = { .cli = cli };
    enum sor_err err, viewed = SOR_OK;

    cli_catch_signals();
    if ((err = db_writer_open(cli_db(cli), &o, &j.w, &cli->msg)))
        return err;
    str_init(&j.added);
    err = take_all(&j);
    import_close(j.im);
    db_writer_close(j.w);       /* the recorder takes its place */
    if (!err && opt.second)
        viewed = second_opinions(&j);
    if (!err)
        err = viewed ? viewed : report(&j);
    str_release(&j.added);
    return err;
}

const struct cmd cmd_import = {
    .name = "import", .operands = "FILE|-...", .min = 1, .max = -1,
    .summary = "add traces of other programs, or other databases",
    .text = "Read are Sorites JSONL (what export writes), OpenAI-style chat "
            "JSON and JSONL\nwith batch lines, OTLP/JSON GenAI and "
            "OpenInference spans, rows of\n{\"question\",\"completion\"}, and "
            "Sorites databases.  A run that is there already\nis not added "
            "again.  Records that cannot be read are named and left out; the\n"
            "others are stored, and the exit code is 3.\n\n"
            "--second-opinion feeds what was added to the model of -m as if "
            "it had written\nit, and records its surprise and what its layers "
            "did as a run of its own: the\nlocal model's view, not a "
            "judgement.\n",
    .opts = opts, .run = run
};
