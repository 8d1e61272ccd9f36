#include <sqlite3.h>

#include "db/db.h"

const char *db_sqlite_version(void)
{
    return sqlite3_libversion();
}
