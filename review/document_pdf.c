/* review/document_pdf.c - the text of a PDF, by `pdftotext` (poppler).
 *
 * A PDF comes from a stranger and its reader is large, so it runs as a child
 * with nothing but standard streams, limits on time and memory, and no file to
 * write.  The file reaches it as an unlinked temporary file on its standard
 * input: no name of a confidential document is left behind. */
#include "review/document_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    CPU_SECONDS = 30, WALL_SECONDS = 60,
    MEMORY_MIB = 1024,
    NOT_INSTALLED = 127     /* as a shell has it */
};

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t put = write(fd, p, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

/* An unlinked file with these bytes, at its beginning; -1 with errno set. */
static int nameless_file(const void *bytes, size_t n)
{
    const char *dir = getenv("TMPDIR");
    char path[4096];
    int fd, len = snprintf(path, sizeof path, "%s/sorites-XXXXXX",
                           dir && *dir ? dir : "/tmp");

    if (len < 0 || (size_t)len >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkstemp(path);     /* 0600 */
    if (fd < 0)
        return -1;
    unlink(path);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || write_all(fd, bytes, n) < 0 ||
        lseek(fd, 0, SEEK_SET) < 0) {
        const int why = errno;

        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* --- the child ------------------------------------------------------------ */

static void limit(int what, rlim_t most)
{
    struct rlimit r = { most, most };

    setrlimit(what, &r);
}

/* After fork(): async-signal-safe calls only, since threads may hold locks. */
static _Noreturn void child(int in, int out)
{
    static char *const argv[] = { "pdftotext", "-q", "-enc", "UTF-8", "-", "-",
                                  NULL };
    const int null = open("/dev/null", O_WRONLY);

    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
        _exit(1);
    for (int fd = 3; fd < 256; fd++)    /* such as the database */
        close(fd);
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit(RLIMIT_AS, (rlim_t)MEMORY_MIB << 20);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], argv);
    _exit(NOT_INSTALLED);
}

/* --- the parent ----------------------------------------------------------- */

static enum sor_err collect(const char *name, int fd, struct str *out,
                            struct sor_msg *msg)
{
    const uint64_t end_ns = clock_mono_ns() +
                            WALL_SECONDS * UINT64_C(1000000000);
    char buf[1 << 15];

    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        const uint64_t now_ns = clock_mono_ns();
        const int ready = now_ns >= end_ns ? 0
            : poll(&p, 1, (int)((end_ns - now_ns) / 1000000) + 1);

        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0)
            return sor_fail(msg, SOR_IO, "%s: poll: %s", name,
                            strerror(errno));
        if (ready == 0)
            return sor_fail(msg, SOR_LIMIT, "%s: pdftotext took over %d "
                            "seconds", name, WALL_SECONDS);
        ssize_t got = read(fd, buf, sizeof buf);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sor_fail(msg, SOR_IO, "%s: %s", name, strerror(errno));
        if (got == 0)
            return SOR_OK;
        str_put(out, buf, (size_t)got);
        if (!str_ok(out))
            return sor_fail(msg, SOR_NOMEM, "%s: out of memory", name);
        if (out->len > DOCUMENT_MAX_BYTES)
            return sor_fail(msg, SOR_LIMIT, "%s: more than %d MiB of text",
                            name, DOCUMENT_MAX_BYTES >> 20);
    }
}

/* Exit codes 1 (cannot open) and 3 (not allowed to copy) are pdftotext(1)'s. */
static enum sor_err judge(const char *name, int status, struct sor_msg *msg)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return SOR_OK;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_INSTALLED)
        return sor_fail(msg, SOR_UNSUP, "%s: is a PDF, which needs pdftotext "
                        "(package poppler-utils)", name);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
        return sor_fail(msg, SOR_UNSUP, "%s: this PDF does not allow its text "
                        "to be copied", name);
    if (WIFSIGNALED(status))
        return sor_fail(msg, SOR_LIMIT, "%s: pdftotext was ended by signal "
                        "%d (limits: %d s, %d MiB)", name, WTERMSIG(status),
                        CPU_SECONDS, MEMORY_MIB);
    return sor_fail(msg, SOR_FORMAT, "%s: pdftotext cannot read it: damaged, "
                    "or locked with a password", name);
}

/* pdftotext reads a damaged file as far as it goes and is content. */
static enum sor_err run(const char *name, int in, struct str *out,
                        struct sor_msg *msg)
{
    int fd[2], status = 0;
    enum sor_err err;

    if (pipe(fd) < 0)
        return sor_fail(msg, SOR_IO, "%s: pipe: %s", name, strerror(errno));
    const pid_t pid = fork();
    if (pid == 0)
        child(in, fd[1]);
    close(fd[1]);
    if (pid < 0)
        err = sor_fail(msg, SOR_IO, "%s: fork: %s", name, strerror(errno));
    else
        err = collect(name, fd[0], out, msg);
    close(fd[0]);
    if (pid < 0)
        return err;
    if (err)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return err ? err : judge(name, status, msg);
}

enum sor_err document_pdf(const char *name, const void *bytes, size_t n,
                          struct str *out, struct sor_msg *msg)
{
    const int in = nameless_file(bytes, n);
    struct str text;

    if (in < 0)
        return sor_fail(msg, SOR_IO, "%s: a temporary copy for pdftotext: %s",
                        name, strerror(errno));
    str_init(&text);
    enum sor_err err = run(name, in, &text, msg);
    document_mend(text.p, text.len, out);       /* fonts can name NUL */
    str_release(&text);
    close(in);
    return err;
}
