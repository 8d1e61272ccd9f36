#include "tui/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "tui/state.h"

extern char **environ;

enum { JOBS_KEPT = 64, END_MS = 2000 };

struct queued {
    struct job job;
    char *word[JOB_WORDS + 8];
    char *remove[2];
    int fresh, escape;          /* the next byte begins its line; is in one */
};

struct jobs {
    struct queued of[JOBS_KEPT];        /* oldest first */
    int n;
    pid_t pid;                  /* of the running one; 0: none */
    int fd, at, cancelled;
};

/* ---- the queue ----------------------------------------------------------- */

static char *copy_of(const char *s)
{
    char *out = mem_alloc(strlen(s) + 1);

    return out ? strcpy(out, s) : NULL;
}

static void forget_files(struct queued *q)
{
    for (int i = 0; i < 2; i++) {
        if (q->remove[i])
            unlink(q->remove[i]);
        mem_free(q->remove[i]);
        q->remove[i] = NULL;
    }
}

static void release(struct queued *q)
{
    for (int i = 0; i < JOB_WORDS + 8; i++)
        mem_free(q->word[i]);
    forget_files(q);
    str_release(&q->job.said);
    memset(q, 0, sizeof *q);
}

static struct jobs *jobs_of(struct tui *t)
{
    if (!t->jobs) {
        t->jobs = mem_calloc(1, sizeof *t->jobs);
        if (t->jobs)
            t->jobs->fd = -1;
    }
    return t->jobs;
}

/* Room for one more: the oldest that has ended gives way. */
static struct queued *room(struct jobs *j)
{
    if (j->n == JOBS_KEPT) {
        if (j->of[0].job.state <= JOB_RUNS)
            return NULL;
        release(&j->of[0]);
        memmove(j->of, j->of + 1, (JOBS_KEPT - 1) * sizeof *j->of);
        memset(&j->of[--j->n], 0, sizeof *j->of);
        j->at--;
    }
    return &j->of[j->n++];
}

void job_start(struct tui *t, const struct job_spec *spec)
{
    struct jobs *j = jobs_of(t);
    const char *more[] = { "--db", t->o.db_name, "--no-color",
                           t->o.model ? "-m" : NULL, t->o.model, NULL };
    struct queued *q = NULL;
    int n = 0, ok = 1;

    if (t->o.readonly || !t->o.program || !t->o.db_name)
        tui_say(t, "This browser only looks: it was started read-only.");
    else if (!j || !(q = room(j)))
        tui_say(t, "Too much is waiting already.");
    if (!q) {
        for (int i = 0; i < 2 && spec->remove[i]; i++)
            unlink(spec->remove[i]);
        return;
    }
    snprintf(q->job.title, sizeof q->job.title, "%s", spec->title);
    q->job.run_id = spec->run_id;
    str_init(&q->job.said);
    q->fresh = 1;
    for (int i = 0; i < 2 && spec->remove[i]; i++)
        q->remove[i] = copy_of(spec->remove[i]);
    q->word[n++] = copy_of(t->o.program);
    for (int i = 0; spec->word[i] && n <= JOB_WORDS; i++)
        q->word[n++] = copy_of(spec->word[i]);
    for (int i = 0; more[i]; i++)
        q->word[n++] = copy_of(more[i]);
    for (int i = 0; i < n; i++)
        ok &= q->word[i] != NULL;
    if (!ok) {
        tui_say(t, "Out of memory.");
        release(q);
        j->n--;
        return;
    }
    tui_say(t, j->pid ? "Queued: %s." : "Started: %s.", q->job.title);
    job_tick(t);
}

/* ---- a child ------------------------------------------------------------- */

/* The environment plus one entry, which asks for progress in a pipe. */
static char **environment(void)
{
    static char ask[] = "SORITES_PROGRESS=1";
    size_t n = 0;
    char **out;

    while (environ[n])
        n++;
    out = mem_calloc(n + 2, sizeof *out);
    if (!out)
        return NULL;
    memcpy(out, environ, n * sizeof *out);
    out[n] = ask;
    return out;
}

/* Its own process group, so that C-c on the terminal is ours to pass on;
 * nothing to read; both outputs into one pipe. */
static int spawn(struct jobs *j, char *const word[])
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none;
    char **env = environment();
    int fd[2], failed = ENOMEM;

    if (!env || pipe(fd)) {
        mem_free(env);
        return env ? errno : ENOMEM;
    }
    fcntl(fd[0], F_SETFD, FD_CLOEXEC);
    fcntl(fd[0], F_SETFL, O_NONBLOCK);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, fd[1], 1);
    posix_spawn_file_actions_adddup2(&files, fd[1], 2);
    posix_spawn_file_actions_addclose(&files, fd[1]);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP |
                                   POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setsigmask(&how, &none);
    failed = posix_spawn(&j->pid, word[0], &files, &how, word, env);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    mem_free(env);
    close(fd[1]);
    if (failed) {
        close(fd[0]);
        j->pid = 0;
        return failed;
    }
    j->fd = fd[0];
    return 0;
}

/* The line as it stands goes to what was said. */
static void keep_line(struct job *job, const char *end)
{
    if (job->said.len < JOB_SAID) {
        str_puts(&job->said, job->line);
        str_puts(&job->said, end);
    }
    if (strncmp(job->line, "recorded as ", 12) == 0)
        snprintf(job->made, sizeof job->made, "%.*s",
                 (int)strcspn(job->line + 12, " ,;"), job->line + 12);
    if (strncmp(job->line, "review ", 7) == 0 &&
        strspn(job->line + 7, "0123456789abcdef") == 8)
        snprintf(job->made, sizeof job->made, "%.8s", job->line + 7);
}

/* Escapes go; what follows a carriage return is put over the line, so that of
 * a bar of progress only its newest state is left. */
static void hear(struct queued *q, const char *s, size_t n)
{
    struct job *job = &q->job;

    for (size_t i = 0; i < n; i++) {
        size_t len = q->fresh ? 0 : strlen(job->line);
        char c = s[i];

        if (q->escape) {
            q->escape = !(c >= '@' && c <= '~' && c != '[');
        } else if (c == '\033') {
            q->escape = 1;
        } else if (c == '\r') {
            q->fresh = 1;
        } else if (c == '\n') {
            if (q->fresh)
                job->line[0] = '\0';
            keep_line(job, "\n");
            q->fresh = 1;
        } else {
            if (len + 2 > sizeof job->line) {   /* a long one, in pieces */
                keep_line(job, "");
                len = 0;
            }
            job->line[len] = c;
            job->line[len + 1] = '\0';
            q->fresh = 0;
        }
    }
}

static int listen_to(struct jobs *j)
{
    char buf[4096];
    ssize_t n;
    int any = 0;

    while ((n = read(j->fd, buf, sizeof buf)) > 0) {
        hear(&j->of[j->at], buf, (size_t)n);
        any = 1;
    }
    return any;
}

/* Its last words, for the line that says how it ended. */
static void last_line(const struct job *job, char *out, size_t cap)
{
    const char *s = job->said.p ? job->said.p : "";
    size_t n = job->said.len, from;

    while (n && (s[n - 1] == '\n' || s[n - 1] == ' '))
        n--;
    for (from = n; from && s[from - 1] != '\n'; from--)
        ;
    out[text_safe_fit(out, cap, s + from, n - from, 0)] = '\0';
}

static void ended(struct tui *t, struct queued *q, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    char last[JOB_LINE];
    struct job *job = &q->job;

    job->state = t->jobs->cancelled || code == 130 ? JOB_CANCELLED
               : code == 0 ? JOB_DONE : code == 1 ? JOB_NEGATIVE : JOB_FAILED;
    if (!q->fresh)
        keep_line(job, "\n");
    last_line(job, last, sizeof last);
    if (WIFSIGNALED(status) && !t->jobs->cancelled)
        snprintf(last, sizeof last, "it was ended by signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    forget_files(q);
    tui_reload(t);
    switch (job->state) {
    case JOB_CANCELLED: tui_say(t, "Cancelled: %s.", job->title); break;
    case JOB_FAILED:    tui_say(t, "%s failed: %s", job->title, last); break;
    case JOB_NEGATIVE:  tui_say(t, "%s: %s", job->title, last); break;
    default:
        if (job->made[0])
            tui_say(t, "%s: recorded as %s; J opens it.", job->title,
                    job->made);
        else
            tui_say(t, "Done: %s. J shows what it said.", job->title);
        break;
    }
}

static void start_next(struct tui *t, struct jobs *j)
{
    for (int i = 0; i < j->n && !j->pid; i++) {
        struct queued *q = &j->of[i];
        int failed;

        if (q->job.state != JOB_WAITS)
            continue;
        j->at = i;
        j->cancelled = 0;
        failed = spawn(j, q->word);
        q->job.state = failed ? JOB_FAILED : JOB_RUNS;
        if (failed) {
            str_printf(&q->job.said, "%s: %s\n", q->word[0],
                       strerror(failed));
            forget_files(q);
            tui_say(t, "%s could not be started: %s.", q->job.title,
                    strerror(failed));
        }
    }
}

int job_tick(struct tui *t)
{
    struct jobs *j = t->jobs;
    int status, any = 0;

    if (!j)
        return 0;
    if (j->pid) {
        any = listen_to(j);
        if (waitpid(j->pid, &status, WNOHANG) == j->pid) {
            listen_to(j);
            close(j->fd);
            j->pid = 0;
            j->fd = -1;
            ended(t, &j->of[j->at], status);
            any = 1;
        }
    }
    start_next(t, j);
    return any;
}

int job_busy(const struct tui *t)
{
    return t->jobs && t->jobs->pid != 0;
}

void job_cancel(struct tui *t)
{
    struct jobs *j = t->jobs;

    if (!j)
        return;
    for (int i = 0; i < j->n; i++)
        if (j->of[i].job.state == JOB_WAITS) {
            j->of[i].job.state = JOB_CANCELLED;
            forget_files(&j->of[i]);
        }
    if (j->pid) {
        j->cancelled = 1;
        kill(-j->pid, SIGINT);
        tui_say(t, "Cancelling %s.", j->of[j->at].job.title);
    }
}

void job_status(const struct tui *t, char out[JOB_LINE])
{
    const struct jobs *j = t->jobs;
    int waits = 0;

    out[0] = '\0';
    if (!job_busy(t))
        return;
    for (int i = 0; i < j->n; i++)
        waits += j->of[i].job.state == JOB_WAITS;
    const struct job *job = &j->of[j->at].job;
    int n = snprintf(out, JOB_LINE, "%s  %.80s", job->title, job->line);

    if (waits && n < JOB_LINE)
        snprintf(out + n, JOB_LINE - (size_t)n, "  (%d waiting)", waits);
}

int job_count(const struct tui *t)
{
    return t->jobs ? t->jobs->n : 0;
}

const struct job *job_at(const struct tui *t, int i)
{
    return &t->jobs->of[i].job;
}

/* It has END_MS to leave in good order. */
static void stop(struct jobs *j)
{
    struct timespec nap = { 0, 20 * 1000000 };
    int status;

    kill(-j->pid, SIGINT);
    for (int ms = 0; ms < END_MS; ms += 20) {
        if (waitpid(j->pid, &status, WNOHANG) == j->pid)
            return;
        nanosleep(&nap, NULL);
    }
    kill(-j->pid, SIGKILL);
    waitpid(j->pid, &status, 0);
}

void job_close(struct tui *t)
{
    struct jobs *j = t->jobs;

    if (!j)
        return;
    if (j->pid) {
        stop(j);
        close(j->fd);
    }
    for (int i = 0; i < j->n; i++)
        release(&j->of[i]);
    mem_free(j);
    t->jobs = NULL;
}

int job_edit(const char *path)
{
    static char sh[] = "/bin/sh", c[] = "-c",
                line[] = "${VISUAL:-${EDITOR:-vi}} \"$1\"";
    char *word[] = { sh, c, line, sh, copy_of(path), NULL };
    pid_t pid;
    int status = -1;

    if (word[4] && posix_spawn(&pid, sh, NULL, NULL, word, environ) == 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    mem_free(word[4]);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
