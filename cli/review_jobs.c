#define _XOPEN_SOURCE 700       /* mkdtemp() */

#include "cli/review_jobs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "db/load.h"

enum { LEAF = 96, BLOCK = 1 << 14 };

struct child { pid_t pid; int status, done; };

struct jobs {
    struct cli *cli;
    struct db_writer *w;
    char dir[64];
    struct child *child;                /* [cli->argc] */
    int n_run, n_started;
    enum sor_err first;                 /* of the documents so far */
    struct sor_msg said;
};

static const char *leaf(const struct jobs *j, int i, const char *ending,
                        char out[LEAF])
{
    snprintf(out, LEAF, "%s/%d.%s", j->dir, i, ending);
    return out;
}

/* --- the child ----------------------------------------------------------- */

/* What went wrong goes to a file, since the parent says it in its turn. */
static void run_child(struct jobs *j, int i, int n_thread,
                      enum sor_err (*one)(struct cli *cli, char *doc))
{
    char db[LEAF], out[LEAF], why[LEAF];
    enum sor_err err;
    FILE *f;

    if (!freopen(leaf(j, i, "out", out), "w", stdout))
        _exit(EXIT_FAILED);
    j->cli->db = leaf(j, i, "db", db);
    str_release(&j->cli->db_path);
    str_init(&j->cli->db_path);
    j->cli->out = NULL;
    j->cli->threads = n_thread;
    err = one(j->cli, j->cli->argv[i]);
    if (fflush(stdout) != 0 && !err)
        err = sor_fail(&j->cli->msg, SOR_IO, "its report cannot be written");
    if (err && (f = fopen(leaf(j, i, "why", why), "w"))) {
        fputs(j->cli->msg.text, f);
        fclose(f);
    }
    _exit((int)err);
}

static enum sor_err start(struct jobs *j, int n_thread,
                          enum sor_err (*one)(struct cli *cli, char *doc))
{
    pid_t pid;

    fflush(NULL);
    if ((pid = fork()) < 0)
        return sor_fail(&j->cli->msg, SOR_IO, "no process for %s: %s",
                        j->cli->argv[j->n_started], strerror(errno));
    if (pid == 0)
        run_child(j, j->n_started, n_thread, one);
    j->child[j->n_started++] = (struct child){ .pid = pid };
    j->n_run++;
    return SOR_OK;
}

/* --- the parent ---------------------------------------------------------- */

static void wait_one(struct jobs *j)
{
    int status;
    pid_t pid = wait(&status);

    for (int i = 0; i < j->n_started; i++)
        if (j->child[i].pid == pid) {
            j->child[i].status = status;
            j->child[i].done = 1;
            j->n_run--;
        }
    if (pid < 0 && errno != EINTR)      /* nobody is left to wait for */
        j->n_run = 0;
}

static void copy_out(const char *path, FILE *to)
{
    FILE *f = fopen(path, "r");
    char block[BLOCK];
    size_t n;

    while (f && (n = fread(block, 1, sizeof block, f)) > 0)
        fwrite(block, 1, n, to);
    if (f)
        fclose(f);
}

static void note_failure(struct jobs *j, int i, enum sor_err err)
{
    char path[LEAF], text[SOR_MSG_BYTES];
    FILE *f = fopen(leaf(j, i, "why", path), "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    struct sor_msg msg;

    if (f)
        fclose(f);
    text[n] = '\0';
    sor_fail(&msg, err, "%s", n ? text : "a process of this review died");
    if (j->first)
        log_warn("%s", msg.text);
    else
        j->said = msg;
    j->first = j->first ? j->first : err;
}

/* What one document came to: printed, and its rows taken over. */
static enum sor_err take(struct jobs *j, int i, FILE *to)
{
    static const char *const endings[] = { "out", "why", "db", "db-wal",
                                           "db-shm", "db-lock", "db.lock" };
    int status = j->child[i].status;
    enum sor_err err = WIFEXITED(status) && WEXITSTATUS(status) < SOR_ERRS
        ? (enum sor_err)WEXITSTATUS(status) : SOR_IO;
    struct load_counts n;
    char path[LEAF];

    if (err)
        note_failure(j, i, err);
    copy_out(leaf(j, i, "out", path), to);
    err = access(leaf(j, i, "db", path), R_OK) == 0
        ? load_merge(j->w, path, NULL, &n, &j->cli->msg) : SOR_OK;
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++)
        unlink(leaf(j, i, endings[k], path));
    return err;
}

static enum sor_err run_all(struct jobs *j, int n_job, int n_thread, FILE *to,
                            enum sor_err (*one)(struct cli *cli, char *doc))
{
    enum sor_err err = SOR_OK;

    for (int next = 0; next < j->cli->argc && !err; ) {
        while (!err && j->n_run < n_job && j->n_started < j->cli->argc &&
               !cli_stopped())
            err = start(j, n_thread, one);
        if (next < j->n_started && j->child[next].done)
            err = err ? err : take(j, next++, to);
        else if (j->n_run > 0)
            wait_one(j);
        else
            break;
    }
    while (j->n_run > 0)
        wait_one(j);
    return err;
}

enum sor_err review_jobs(struct cli *cli, int n_job, struct db_writer *w,
                         enum sor_err (*one)(struct cli *cli, char *doc))
{
    struct jobs j = { .cli = cli, .w = w };
    long n_cpu = sysconf(_SC_NPROCESSORS_ONLN);
    int n_thread = cli->threads ? cli->threads : n_cpu > 0 ? (int)n_cpu : 1;
    FILE *to = cli_out(cli);
    enum sor_err err;

    if (!to)
        return SOR_IO;
    strcpy(j.dir, "/tmp/sorites-jobs-XXXXXX");
    j.child = mem_calloc((size_t)cli->argc, sizeof *j.child);
    if (!j.child)
        return sor_fail(&cli->msg, SOR_NOMEM, "out of memory");
    if (!mkdtemp(j.dir)) {
        mem_free(j.child);
        return sor_fail(&cli->msg, SOR_IO, "%s: %s", j.dir, strerror(errno));
    }
    n_thread = n_thread > n_job ? n_thread / n_job : 1;
    err = run_all(&j, n_job, n_thread, to, one);
    rmdir(j.dir);
    mem_free(j.child);
    if (!err && cli_stopped())
        return sor_fail(&cli->msg, SOR_INTERRUPTED, "interrupted");
    if (!err && j.first)
        cli->msg = j.said;
    return err ? err : j.first;
}
