/* tests/faultvfs.h - SQLite's files with faults in them, and a memory of what
 * was done to them: a layer over its usual VFS.
 *
 * Once installed it is the default, so the program under test knows nothing of
 * it.  It counts what is asked of files, fails the nth, tears writes in two,
 * and writes a log from which the files can be made anew as a power cut at any
 * moment may have left them.
 *
 * Threads  any; one lock. */
#ifndef TESTS_FAULTVFS_H
#define TESTS_FAULTVFS_H

#include <stddef.h>
#include <stdint.h>

enum faultvfs_op {
    FAULTVFS_OPEN, FAULTVFS_READ, FAULTVFS_WRITE, FAULTVFS_SYNC,
    FAULTVFS_TRUNCATE, FAULTVFS_DELETE, FAULTVFS_OPS
};
extern const char *const faultvfs_name[FAULTVFS_OPS];

void faultvfs_install(void);

struct faultvfs_fault {
    enum faultvfs_op op;
    long nth;                   /* from now, 1: the next; 0: none */
    int stays;                  /* 1: all later ones fail too */
    int torn;                   /* 1: half of the write reaches the file */
    int rc;                     /* what SQLite is told; 0: an I/O error */
};
void faultvfs_fail(const struct faultvfs_fault *f);
/* How often the fault struck since it was set. */
long faultvfs_struck(void);

/* 1: syncs return at once (they cost milliseconds; without a power cut they
 * change nothing). */
void faultvfs_skip_syncs(int skip);

/* --- the log ------------------------------------------------------------- */

struct faultvfs_entry {
    enum faultvfs_op op;        /* FAULTVFS_OPS: a mark */
    char file[32];              /* the path's last part */
    int64_t at;                 /* offset; a truncation's size; a mark's value */
    size_t n;                   /* bytes written */
    uint8_t *bytes;
};

void faultvfs_record(int on);   /* on: forgets what was recorded */
void faultvfs_mark(int64_t value);
const struct faultvfs_entry *faultvfs_log(size_t *n);
void faultvfs_forget(void);

#endif
