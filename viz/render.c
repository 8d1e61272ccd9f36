#include "viz/render.h"

#include <errno.h>
#include <fcntl.h>
#include <graphviz/gvc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "viz/ids.h"

/* How the child ended; the pipe then holds a picture or a sentence. */
enum { CHILD_OK, CHILD_BAD_SOURCE, CHILD_NO_FORMAT, CHILD_FAILED };

enum { SECONDS = 20, MEBI = 1 << 20, MEMORY_MIB = 1024, OUTPUT_MIB = 256 };

/* What is drawn, and as what. */
struct source { const char *text, *format; int is_svg; };

const char *render_format(const char *name)
{
    static const char *const known[] = { "svg", "pdf", "png" };

    if (*name == '.')
        name++;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i]))
            return known[i];
    return NULL;
}

/* --- the child ----------------------------------------------------------- */

static char child_error[256];       /* the first line that Graphviz said */

/* A line comes in pieces. */
static int note_error(char *text)
{
    size_t n = strlen(child_error);

    if (!strchr(child_error, '\n'))
        snprintf(child_error + n, sizeof child_error - n, "%s", text);
    return 0;
}

/* Bytes of address space in use; 0 where the system does not say. */
static size_t mapped_bytes(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fscanf(f, "%lu", &pages) != 1)
        pages = 0;
    fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* The limit counts from what is mapped already, which under a sanitizer is
 * more than any machine has.  A handler of the parent's (it may longjmp) must
 * not run here, and what the library prints is not for the user. */
static void limit_child(const struct render_limits *l)
{
    static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL,
                                 SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU };
    size_t bytes = mapped_bytes() + l->memory_bytes;
    struct rlimit memory = { bytes, bytes };
    struct rlimit cpu = { (rlim_t)l->seconds + 1, (rlim_t)l->seconds + 1 };
    struct rlimit core = { 0, 0 };
    int null = open("/dev/null", O_WRONLY);

    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        signal(fatal[i], SIG_DFL);
    if (null >= 0)
        dup2(null, STDERR_FILENO);
    setrlimit(RLIMIT_AS, &memory);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &core);
}

static void send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t got = write(fd, p, n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            _exit(CHILD_FAILED);
        p += got;
        n -= (size_t)got;
    }
}

static void send_error(int fd, int code)
{
    send_all(fd, child_error, strcspn(child_error, "\n"));
    _exit(code);
}

/* A graph of one node, which looks like the SVG.  Graphviz takes a file for SVG
 * only behind an XML declaration; this one goes when the process does. */
static Agraph_t *frame_svg(const char *svg)
{
    char dot[128];
    FILE *f = tmpfile();

    if (!f || fprintf(f, "<?xml version=\"1.0\"?>\n%s", svg) < 0 ||
        fflush(f) != 0) {
        snprintf(child_error, sizeof child_error, "no room for a temporary "
                 "file: %s", strerror(errno));
        return NULL;
    }
    snprintf(dot, sizeof dot, "digraph {pad=0 n [shape=none margin=0 "
             "label=\"\" image=\"/proc/self/fd/%d\"]}", fileno(f));
    /* f stays open: the picture is read from it when the graph is drawn */
    return ids_read(dot);   /* cppcheck-suppress resourceLeak */
}

/* Where its reader of SVG is missing, Graphviz only warns, and the picture is
 * empty. */
static void child(int fd, const struct source *s,
                  const struct render_limits *limits)
{
    unsigned int n = 0;
    char *picture = NULL;

    limit_child(limits);
    agseterrf(note_error);
    GVC_t *gvc = gvContext();
    Agraph_t *g = s->is_svg ? frame_svg(s->text) : ids_read(s->text);
    if (!gvc || !g)
        send_error(fd, CHILD_BAD_SOURCE);
    if (gvLayout(gvc, g, "dot") != 0)
        send_error(fd, CHILD_FAILED);
    if (gvRenderData(gvc, g, s->format, &picture, &n) != 0 || !picture ||
        (s->is_svg && child_error[0]))
        send_error(fd, CHILD_NO_FORMAT);
    send_all(fd, picture, n);
    _exit(CHILD_OK);        /* the system frees it all at once */
}

/* --- the parent ---------------------------------------------------------- */

/* Reads until the child closes its end.  SOR_LIMIT: too late or too much. */
static enum sor_err collect(int fd, const struct render_limits *l,
                            struct str *out, struct sor_msg *msg)
{
    const uint64_t end = clock_mono_ns() + (uint64_t)l->seconds * 1000000000u;
    const size_t before = out->len;
    char buf[16384];

    for (;;) {
        uint64_t now = clock_mono_ns();
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int ms = now < end ? (int)((end - now) / 1000000u) + 1 : 0;
        int ready = ms ? poll(&p, 1, ms) : 0;

        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return sor_fail(msg, SOR_LIMIT, "layout took longer than %d s; "
                            "draw fewer nodes, or write DOT (-o x.dot)",
                            l->seconds);
        ssize_t got = read(fd, buf, sizeof buf);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sor_fail(msg, SOR_IO, "layout: %s", strerror(errno));
        if (got == 0)
            return SOR_OK;
        str_put(out, buf, (size_t)got);
        if (!str_ok(out))
            return sor_fail(msg, SOR_NOMEM, "picture: out of memory");
        if (out->len - before > l->output_bytes)
            return sor_fail(msg, SOR_LIMIT, "the picture is over %zu MiB",
                            l->output_bytes / MEBI);
    }
}

/* What the child's end means; said holds what it wrote. */
static enum sor_err judge(int status, const struct source *s,
                          const char *said, const struct render_limits *l,
                          struct sor_msg *msg)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return sor_fail(msg, SOR_LIMIT, "layout took longer than %d s; draw "
                        "fewer nodes, or write DOT (-o x.dot)", l->seconds);
    if (WIFSIGNALED(status))
        return sor_fail(msg, SOR_LIMIT, "layout died (%s), likely at its "
                        "memory limit of %zu MiB; write DOT (-o x.dot)",
                        strsignal(WTERMSIG(status)), l->memory_bytes / MEBI);
    switch (WEXITSTATUS(status)) {
    case CHILD_OK:
        return SOR_OK;
    case CHILD_BAD_SOURCE:
        return sor_fail(msg, SOR_FORMAT, "%s: %s", s->is_svg
                        ? "the picture cannot be read" : "not DOT text", said);
    case CHILD_NO_FORMAT:
        return sor_fail(msg, SOR_UNSUP, "this Graphviz cannot draw %s: %s",
                        s->format, said);
    default:
        return sor_fail(msg, SOR_FORMAT, "layout failed: %s", said);
    }
}

static enum sor_err draw(const struct source *s,
                         const struct render_limits *limits, struct str *out,
                         struct sor_msg *msg)
{
    struct render_limits l = *limits;
    const size_t before = out->len;
    enum sor_err err;
    int fd[2], status = 0;

    if (!l.seconds)
        l.seconds = SECONDS;
    if (!l.memory_bytes)
        l.memory_bytes = (size_t)MEMORY_MIB * MEBI;
    if (!l.output_bytes)
        l.output_bytes = (size_t)OUTPUT_MIB * MEBI;
    if (pipe(fd) < 0)
        return sor_fail(msg, SOR_IO, "layout: pipe: %s", strerror(errno));
    fflush(NULL);       /* the library may exit(), which would print it twice */
    pid_t pid = fork();
    if (pid < 0) {
        close(fd[0]);
        close(fd[1]);
        return sor_fail(msg, SOR_IO, "layout: fork: %s", strerror(errno));
    }
    if (pid == 0) {
        close(fd[0]);
        child(fd[1], s, &l);
    }
    close(fd[1]);
    err = collect(fd[0], &l, out, msg);
    close(fd[0]);
    if (err)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!err)
        err = judge(status, s, out->p + before, &l, msg);
    if (err && out->len > before) {
        out->len = before;
        out->p[before] = '\0';
    }
    return err;
}

enum sor_err render(const char *dot, const char *format,
                    const struct render_limits *limits, struct str *out,
                    struct sor_msg *msg)
{
    return draw(&(struct source){ dot, format, 0 }, limits, out, msg);
}

enum sor_err render_svg(const char *svg, const char *format,
                        const struct render_limits *limits, struct str *out,
                        struct sor_msg *msg)
{
    return draw(&(struct source){ svg, format, 1 }, limits, out, msg);
}

void render_version(char *out, size_t cap)
{
    GVC_t *gvc = gvContext();

    snprintf(out, cap, "%s", gvc ? gvcVersion(gvc) : "?");
    if (gvc)
        gvFreeContext(gvc);
}
