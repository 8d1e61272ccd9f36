/* db/conn.h - one SQLite connection, as the rest of db/ uses it.
 *
 * Internal to db/: the only header here that shows sqlite3.h.
 *
 * Errors  SQLite's result codes become enum sor_err in one place, conn_fail(),
 *         with a sentence that names the file. */
#ifndef DB_CONN_H
#define DB_CONN_H

#include <sqlite3.h>
#include <stdint.h>

#include "db/db.h"

enum {
    CONN_APPLICATION_ID = 0x534f5249,   /* "SORI" */
    CONN_BUSY_MS = 10000,               /* readers wait out a checkpoint */
    CONN_PAGE_BYTES = 8192
};

enum conn_get { CONN_GET_MODEL, CONN_GET_RUN, CONN_GET_PATH, CONN_GETS };

struct db {
    sqlite3 *sq;
    char *path;                         /* as given */
    sqlite3_stmt *get[CONN_GETS];       /* of db_get_*(), kept */
    int64_t n_row;                      /* read by cursors so far */
};

/* Opens the file with SQLITE_OPEN_* flags and sets what every connection of
 * ours has: busy timeout, no extensions, no trust in the schema. */
enum sor_err conn_open(const char *path, int flags, struct db **out,
                       struct sor_msg *msg);

/* SOR_OK where path is a regular file or does not exist (then *exists = 0);
 * a FIFO would block SQLite, a directory gets its own words. */
enum sor_err conn_look(const char *path, int *exists, struct sor_msg *msg);

/* Is it a Sorites database of a version this build knows?  *version 0: an
 * empty file, nothing in it yet. */
enum sor_err conn_version(struct db *d, int *version, struct sor_msg *msg);

/* The error that SQLite's rc stands for. */
enum sor_err conn_err(int rc);
/* "PATH: doing: what SQLite says" of the last failed call on d. */
enum sor_err conn_fail(struct db *d, struct sor_msg *msg, const char *doing);

/* Runs every statement of sql. */
enum sor_err conn_exec(struct db *d, const char *sql, struct sor_msg *msg);
/* Prepares one statement; *out is the caller's to finalize. */
enum sor_err conn_prepare(struct db *d, const char *sql, sqlite3_stmt **out,
                          struct sor_msg *msg);
/* First column of the first row with `arg` bound to ?1; 0 where there is no
 * row or it is NULL. */
enum sor_err conn_int(struct db *d, const char *sql, int64_t arg,
                      int64_t *out, struct sor_msg *msg);

#endif
