/* db/extension.c - sorites.so: our SQL functions for any SQLite.
 *
 *     sqlite3 trace.db -cmd '.load ./sorites.so'
 *     datasette trace.db --load-extension ./sorites.so
 *
 * Not a part of the program; the Makefile leaves it out there. */
#ifndef SORITES_EXTENSION
#define SORITES_EXTENSION
#endif
#include "db/sqlfunc.h"

SQLITE_EXTENSION_INIT1

/* SQLite makes this name from that of the file. */
int sqlite3_sorites_init(sqlite3 *sq, char **err,
                         const sqlite3_api_routines *api);

enum { SQLITE_NEEDED = 3037000 };       /* as our views do */

__attribute__((visibility("default")))
int sqlite3_sorites_init(sqlite3 *sq, char **err,
                         const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);
    if (sqlite3_libversion_number() < SQLITE_NEEDED) {
        *err = sqlite3_mprintf("sorites needs SQLite 3.37 or newer, and this "
                               "is %s", sqlite3_libversion());
        return SQLITE_ERROR;
    }
    return sqlfunc_register(sq);
}
