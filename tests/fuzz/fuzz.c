/* tests/fuzz/fuzz.c - see fuzz.h. */
#define _GNU_SOURCE             /* memfd_create */
#include "tests/fuzz/fuzz.h"

#include <ftw.h>
#include <sys/mman.h>
#include <unistd.h>

#include "db/write.h"

int fuzz_file(const uint8_t *p, size_t n, char name[32])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    FUZZ_CHECK(fd >= 0);
    while (n > 0) {
        ssize_t w = write(fd, p, n);

        FUZZ_CHECK(w > 0);
        p += w;
        n -= (size_t)w;
    }
    snprintf(name, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static char dir[64];

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void remove_dir(void)
{
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_dir(void)
{
    if (dir[0])
        return dir;
    snprintf(dir, sizeof dir, "/tmp/sorites-fuzz-XXXXXX");
    FUZZ_CHECK(mkdtemp(dir) != NULL);
    atexit(remove_dir);
    return dir;
}

struct db_writer *fuzz_writer(void)
{
    static struct db_writer *w;
    struct db_writer_opts o = { 0 };
    char path[96];

    if (w)
        return w;
    snprintf(path, sizeof path, "%s/trace.db", fuzz_dir());
    FUZZ_CHECK(!db_writer_open(path, &o, &w, NULL));
    return w;
}
