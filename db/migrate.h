/* db/migrate.h - brings a database to the schema that this build knows.
 * Internal to db/. */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "db/conn.h"

/* Applies the migrations after `version`, each in a transaction of its own
 * together with its user_version, then remakes the views where their text
 * differs from db/views.sql.  Only for the writer. */
enum sor_err migrate(struct db *d, int version, struct sor_msg *msg);

#endif
