/* db/lock.h - one writer per database: a kernel lock on <database>.lock.
 *
 * The kernel drops the lock with the process, so that a file left behind by
 * kill -9 means nothing; the pid written into it is only for the message.
 * flock(), not fcntl(): its lock belongs to the open file, so two writers in
 * one process exclude each other too, and closing another descriptor of the
 * file does not give the lock away.  (flock() is not POSIX, but every system
 * we build on has it.) */
#ifndef DB_LOCK_H
#define DB_LOCK_H

#include <sys/types.h>

#include "db/write.h"

/* *fd holds the lock until lock_drop().  SOR_BUSY names the holder's pid;
 * with o->wait it waits instead, polling o->cancelled (SOR_INTERRUPTED).
 * db_path must have no symbolic link left in it. */
enum sor_err lock_take(const char *db_path, const struct db_writer_opts *o,
                       int *fd, struct sor_msg *msg);
void lock_drop(int fd);                 /* accepts -1 */

#endif
