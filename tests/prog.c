#define _XOPEN_SOURCE 700       /* realpath() and nftw() in glibc */

#include "tests/prog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char prog_dir[64];
char prog_out[1 << 18], prog_err[1 << 16];

static char *program;

int prog_setup(void **state)
{
    static const char *const unset[] = { "SORITES_DB", "SORITES_MODEL",
                                         "SORITES_ISA", "CLICOLOR_FORCE" };
    const char *prog = getenv("SORITES_PROG");

    (void)state;
    strcpy(prog_dir, "/tmp/sorites-prog-XXXXXX");
    if (!mkdtemp(prog_dir))
        return -1;
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        unsetenv(unset[i]);
    setenv("XDG_DATA_HOME", prog_dir, 1);
    setenv("XDG_STATE_HOME", prog_dir, 1);
    setenv("XDG_CONFIG_HOME", prog_dir, 1);
    setenv("XDG_CACHE_HOME", prog_dir, 1);
    program = prog ? realpath(prog, NULL) : NULL;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

int prog_teardown(void **state)
{
    (void)state;
    nftw(prog_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(program);
    program = NULL;
    return 0;
}

__attribute__((format(printf, 1, 0)))
static pid_t start(const char *args, va_list ap)
{
    static char line[4096], tail[2048];
    char said[80];
    pid_t pid;

    if (!program || access(program, X_OK) != 0) {
        print_message("SORITES_PROG names no program\n");
        skip();
    }
    vsnprintf(tail, sizeof tail, args, ap);
    snprintf(line, sizeof line, "cd '%s' && exec '%s' %s >out 2>err",
             prog_dir, program, tail);
    /* What the last one said must not be taken for this one's. */
    snprintf(said, sizeof said, "%s/err", prog_dir);
    unlink(said);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static void read_into(const char *leaf, char *to, size_t cap)
{
    char path[80];
    size_t n = 0;

    snprintf(path, sizeof path, "%s/%s", prog_dir, leaf);
    unsigned char *bytes = prog_slurp(path, &n);
    n = n < cap ? n : cap - 1;
    if (bytes)
        memcpy(to, bytes, n);
    to[bytes ? n : 0] = '\0';
    free(bytes);
}

int prog_wait(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    read_into("out", prog_out, sizeof prog_out);
    read_into("err", prog_err, sizeof prog_err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int prog_run(const char *args, ...)
{
    va_list ap;

    va_start(ap, args);
    pid_t pid = start(args, ap);
    va_end(ap);
    return prog_wait(pid);
}

pid_t prog_start(const char *args, ...)
{
    va_list ap;

    va_start(ap, args);
    pid_t pid = start(args, ap);
    va_end(ap);
    return pid;
}

void prog_expect_sentence(const char *with)
{
    char *end = strchr(prog_err, '\n');

    if (prog_out[0] || !end || end[1] || !strstr(prog_err, with))
        fail_msg("expected one sentence with \"%s\", got\nstdout: %s\n"
                 "stderr: %s", with, prog_out, prog_err);
}

unsigned char *prog_slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    unsigned char *bytes = NULL;
    long size;

    *n = 0;
    if (!f)
        return NULL;
    if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 &&
        (bytes = malloc((size_t)size + 1)) != NULL) {
        rewind(f);
        *n = fread(bytes, 1, (size_t)size, f);
        bytes[*n] = '\0';
    }
    fclose(f);
    return bytes;
}

void prog_spill(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}
