/* db/sql_embed.h - the SQL files that db/embed.sh put into the program. */
#ifndef DB_SQL_EMBED_H
#define DB_SQL_EMBED_H

struct db_sql {
    int         version;    /* user_version after this migration, from 1 */
    const char *text;       /* NUL-terminated */
};

extern const struct db_sql db_migrations[];     /* [db_n_migrations], in order,
                                                 * then { 0, NULL } */
extern const int db_n_migrations;
extern const char db_views_sql[];               /* db/views.sql */

#endif
