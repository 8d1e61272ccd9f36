#define _XOPEN_SOURCE 700       /* realpath() */

#include "db/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

enum {
    POLL_MS = 50,
    /* Whoever asks "is somebody recording?" holds a shared lock for some
     * microseconds: that must not refuse a writer. */
    TRIES = 5,
    TRY_MS = 4,
    PID_TRIES = 250             /* a second */
};

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static enum sor_err lock_file(const char *db_path, int flags, int *fd,
                              struct sor_msg *msg)
{
    enum sor_err err = SOR_OK;
    struct str name;

    str_init(&name);
    str_printf(&name, "%s.lock", db_path);
    if (!str_ok(&name))
        err = sor_fail(msg, SOR_NOMEM, "%s: out of memory", db_path);
    else if ((*fd = open(name.p, flags | O_CLOEXEC | O_NONBLOCK, 0600)) < 0)
        err = sor_fail(msg, errno == ENOSPC ? SOR_FULL : SOR_IO, "%s: the "
                       "lock file beside the database: %s", name.p,
                       strerror(errno));
    str_release(&name);
    return err;
}

/* The pid in the file; 0 where its holder has not written it yet. */
static int read_pid(int fd)
{
    char text[32] = "";

    if (pread(fd, text, sizeof text - 1, 0) <= 0)
        return 0;
    return (int)strtol(text, NULL, 10);
}

static void write_pid(int fd)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    /* Nothing depends on it: a full disk only makes a message vaguer. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        log_debug("lock file: %s", strerror(errno));
}

static enum sor_err busy(const char *db_path, int fd, struct sor_msg *msg)
{
    int pid = read_pid(fd);

    /* Its holder writes it next, but a busy machine may let others go first. */
    for (int i = 0; pid == 0 && i < PID_TRIES; i++) {
        sleep_ms(TRY_MS);
        pid = read_pid(fd);
    }
    if (pid > 0)
        return sor_fail(msg, SOR_BUSY, "%s: process %d is writing to it; "
                        "--wait waits for its end", db_path, pid);
    return sor_fail(msg, SOR_BUSY, "%s: another process is writing to it; "
                    "--wait waits for its end", db_path);
}

static enum sor_err acquire(const char *db_path, int fd,
                            const struct db_writer_opts *o,
                            struct sor_msg *msg)
{
    int wait = o && o->wait;

    for (int i = 1; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK)
            return sor_fail(msg, SOR_IO, "%s.lock: %s", db_path,
                            strerror(errno));
        if (!wait && i >= TRIES)
            return busy(db_path, fd, msg);
        if (wait && o->cancelled && o->cancelled(o->ud))
            return sor_fail(msg, SOR_INTERRUPTED, "%s: stopped waiting for "
                            "its writer", db_path);
        sleep_ms(wait ? POLL_MS : TRY_MS);
    }
    return SOR_OK;
}

enum sor_err lock_take(const char *db_path, const struct db_writer_opts *o,
                       int *fd, struct sor_msg *msg)
{
    int got = -1;
    enum sor_err err = lock_file(db_path, O_RDWR | O_CREAT, &got, msg);

    if (!err)
        err = acquire(db_path, got, o, msg);
    if (err) {
        if (got >= 0)
            close(got);
        return err;
    }
    write_pid(got);
    *fd = got;
    return SOR_OK;
}

void lock_drop(int fd)
{
    if (fd < 0)
        return;
    if (ftruncate(fd, 0) != 0)
        log_debug("lock file: %s", strerror(errno));
    close(fd);
}

int db_writer_pid(const char *path)
{
    char *real = realpath(path, NULL);
    int fd = -1, pid = 0;

    if (real && lock_file(real, O_RDONLY, &fd, NULL) == SOR_OK) {
        if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            pid = read_pid(fd);
            if (pid == 0)
                pid = -1;
        }
        close(fd);
    }
    free(real);
    return pid;
}
