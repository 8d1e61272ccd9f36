/* tests/faultvfs.c - see faultvfs.h. */
#include "tests/faultvfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const faultvfs_name[FAULTVFS_OPS] = {
    "open", "read", "write", "sync", "truncate", "delete"
};

static const int io_error[FAULTVFS_OPS] = {
    SQLITE_CANTOPEN, SQLITE_IOERR_READ, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC,
    SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_DELETE
};

static sqlite3_vfs shim, *under;

static struct {
    pthread_mutex_t lock;
    struct faultvfs_fault fault;
    long left, struck;          /* left: until the fault; 0: none is set */
    int skip_syncs, recording;
    struct faultvfs_entry *log;
    size_t n, cap;
} v = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* A file: ours, and the one under it right behind. */
struct file {
    sqlite3_file base;
    sqlite3_file *real;
    char name[32];
};

static struct file *of(sqlite3_file *f)
{
    return (struct file *)(void *)f;
}

/* --- faults -------------------------------------------------------------- */

void faultvfs_fail(const struct faultvfs_fault *f)
{
    pthread_mutex_lock(&v.lock);
    v.fault = *f;
    v.left = f->nth;
    v.struck = 0;
    pthread_mutex_unlock(&v.lock);
}

long faultvfs_struck(void)
{
    pthread_mutex_lock(&v.lock);
    long n = v.struck;
    pthread_mutex_unlock(&v.lock);
    return n;
}

void faultvfs_skip_syncs(int skip)
{
    v.skip_syncs = skip;
}

/* SQLITE_OK, or the error that this call is to end with. */
static int meet(enum faultvfs_op op)
{
    int rc = SQLITE_OK;

    pthread_mutex_lock(&v.lock);
    if (v.left > 0 && v.fault.op == op && (v.left == 1 || --v.left == 0)) {
        v.left = v.fault.stays;     /* 1: strikes again; 0: never more */
        v.struck++;
        rc = v.fault.rc ? v.fault.rc : io_error[op];
    }
    pthread_mutex_unlock(&v.lock);
    return rc;
}

/* --- the log ------------------------------------------------------------- */

static void note(enum faultvfs_op op, const char *file, int64_t at,
                 const void *bytes, size_t n)
{
    struct faultvfs_entry e = { .op = op, .at = at, .n = n };

    pthread_mutex_lock(&v.lock);
    if (v.recording) {
        snprintf(e.file, sizeof e.file, "%s", file);
        if (v.n == v.cap) {
            v.cap = v.cap ? 2 * v.cap : 256;
            v.log = realloc(v.log, v.cap * sizeof *v.log);
        }
        e.bytes = n ? malloc(n) : NULL;
        if (!v.log || (n && !e.bytes))
            abort();
        if (n)
            memcpy(e.bytes, bytes, n);
        v.log[v.n++] = e;
    }
    pthread_mutex_unlock(&v.lock);
}

void faultvfs_mark(int64_t value)
{
    note(FAULTVFS_OPS, "", value, NULL, 0);
}

void faultvfs_record(int on)
{
    if (on)
        faultvfs_forget();
    v.recording = on;
}

const struct faultvfs_entry *faultvfs_log(size_t *n)
{
    *n = v.n;
    return v.log;
}

void faultvfs_forget(void)
{
    for (size_t i = 0; i < v.n; i++)
        free(v.log[i].bytes);
    free(v.log);
    v.log = NULL;
    v.n = v.cap = 0;
}

/* --- files --------------------------------------------------------------- */

static int on_close(sqlite3_file *f)
{
    return of(f)->real->pMethods->xClose(of(f)->real);
}

static int on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    int rc = meet(FAULTVFS_READ);

    return rc ? rc : of(f)->real->pMethods->xRead(of(f)->real, p, n, at);
}

static int on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct file *x = of(f);
    int rc = meet(FAULTVFS_WRITE), done = SQLITE_OK;

    if (rc)
        n = v.fault.torn ? n / 2 : 0;
    if (n > 0)
        done = x->real->pMethods->xWrite(x->real, p, n, at);
    if (n > 0 && !done)
        note(FAULTVFS_WRITE, x->name, at, p, (size_t)n);
    return rc ? rc : done;
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = meet(FAULTVFS_TRUNCATE);

    if (!rc)
        rc = of(f)->real->pMethods->xTruncate(of(f)->real, size);
    if (!rc)
        note(FAULTVFS_TRUNCATE, of(f)->name, size, NULL, 0);
    return rc;
}

static int on_sync(sqlite3_file *f, int flags)
{
    int rc = meet(FAULTVFS_SYNC);

    if (!rc && !v.skip_syncs)
        rc = of(f)->real->pMethods->xSync(of(f)->real, flags);
    if (!rc)
        note(FAULTVFS_SYNC, of(f)->name, 0, NULL, 0);
    return rc;
}

#define PASS(name, args, call)                                                \
    static int on_##name args                                                 \
    {                                                                         \
        return of(f)->real->pMethods->call;                                   \
    }
PASS(size, (sqlite3_file *f, sqlite3_int64 *n), xFileSize(of(f)->real, n))
PASS(lock, (sqlite3_file *f, int how), xLock(of(f)->real, how))
PASS(unlock, (sqlite3_file *f, int how), xUnlock(of(f)->real, how))
PASS(reserved, (sqlite3_file *f, int *is),
     xCheckReservedLock(of(f)->real, is))
PASS(control, (sqlite3_file *f, int op, void *arg),
     xFileControl(of(f)->real, op, arg))
PASS(sector, (sqlite3_file *f), xSectorSize(of(f)->real))
PASS(device, (sqlite3_file *f), xDeviceCharacteristics(of(f)->real))
PASS(shm_map, (sqlite3_file *f, int page, int n, int make, void volatile **p),
     xShmMap(of(f)->real, page, n, make, p))
PASS(shm_lock, (sqlite3_file *f, int at, int n, int flags),
     xShmLock(of(f)->real, at, n, flags))
PASS(shm_unmap, (sqlite3_file *f, int gone), xShmUnmap(of(f)->real, gone))
#undef PASS

static void on_barrier(sqlite3_file *f)
{
    of(f)->real->pMethods->xShmBarrier(of(f)->real);
}

/* Version 2: no xFetch(), so that every read comes through xRead(). */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close, .xRead = on_read, .xWrite = on_write,
    .xTruncate = on_truncate, .xSync = on_sync, .xFileSize = on_size,
    .xLock = on_lock, .xUnlock = on_unlock, .xCheckReservedLock = on_reserved,
    .xFileControl = on_control, .xSectorSize = on_sector,
    .xDeviceCharacteristics = on_device, .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock, .xShmBarrier = on_barrier,
    .xShmUnmap = on_shm_unmap,
};

static const char *leaf(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;

    return slash ? slash + 1 : path ? path : "(temporary)";
}

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f,
                   int flags, int *out)
{
    struct file *x = of(f);
    int rc = meet(FAULTVFS_OPEN);

    (void)vfs;
    memset(x, 0, sizeof *x);
    if (rc)
        return rc;
    x->real = (sqlite3_file *)(void *)(x + 1);
    snprintf(x->name, sizeof x->name, "%s", leaf(path));
    rc = under->xOpen(under, path, x->real, flags, out);
    if (x->real->pMethods)
        x->base.pMethods = &methods;
    if (!rc && (flags & SQLITE_OPEN_CREATE))
        note(FAULTVFS_OPEN, x->name, 0, NULL, 0);
    return rc;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
    int rc = meet(FAULTVFS_DELETE);

    (void)vfs;
    if (!rc)
        rc = under->xDelete(under, path, sync_dir && !v.skip_syncs);
    if (!rc)
        note(FAULTVFS_DELETE, leaf(path), 0, NULL, 0);
    return rc;
}

void faultvfs_install(void)
{
    if (under)
        return;
    under = sqlite3_vfs_find(NULL);
    shim = *under;              /* what is not replaced works on `under`'s
                                 * own data */
    shim.zName = "fault";
    shim.szOsFile = (int)sizeof(struct file) + under->szOsFile;
    shim.xOpen = on_open;
    shim.xDelete = on_delete;
    sqlite3_vfs_register(&shim, 1);
}
